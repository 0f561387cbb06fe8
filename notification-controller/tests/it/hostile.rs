//! Clients that send too much, too slowly, or go away.

use std::time::Duration;

use flux_lab::{ControllerProcess, Env, WebhookSink, is_ready};
use http::StatusCode;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::support::{
    PATIENCE, accepted, alert, changed, controller, event, hook, object, post, receiver, secret, settled,
};

async fn connect(address: &str) -> TcpStream {
    TcpStream::connect(address).await.unwrap()
}

/// All that the server sends until it closes the connection.
async fn rest(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    // a reset after the answer is the server's right
    let _ = timeout(PATIENCE, stream.read_to_end(&mut text)).await.unwrap();
    String::from_utf8_lossy(&text).into_owned()
}

fn webhooks(controller: &ControllerProcess) -> String {
    controller.webhooks_url().trim_start_matches("http://").to_owned()
}

#[tokio::test]
async fn bodies_end_at_three_mebibytes() {
    const LIMIT: usize = 3 * 1024 * 1024;
    let env = Env::start().await;
    let controller = controller(&env).await;
    let sized = |length: usize| {
        let empty = changed(event(&env, "app", "1"), &[("/message", json!(""))]).to_string().len();
        changed(event(&env, "app", "1"), &[("/message", json!("x".repeat(length - empty)))])
    };
    assert_eq!(sized(LIMIT).to_string().len(), LIMIT);
    accepted(&controller, &sized(LIMIT)).await;
    assert_eq!(post(&controller, &sized(LIMIT + 1)).await.status(), StatusCode::PAYLOAD_TOO_LARGE);
    // before the path is looked up
    let hook = format!("{}/hook/unknown", controller.webhooks_url());
    let client = reqwest::Client::new();
    for (length, want) in [(LIMIT, StatusCode::NOT_FOUND), (LIMIT + 1, StatusCode::PAYLOAD_TOO_LARGE)] {
        assert_eq!(client.post(&hook).body(vec![b'x'; length]).send().await.unwrap().status(), want);
    }
}

#[tokio::test]
async fn many_large_webhooks_take_little_memory() {
    let env = Env::start().await;
    secret(&env, "token", "s3cret").await;
    let signed = receiver("signed", "generic-hmac", json!([]));
    env.apply(&signed).await;
    let controller = controller(&env).await;
    let ready = env.eventually(&signed, is_ready()).await;
    assert_eq!(settled(&controller, &ready).await, StatusCode::BAD_REQUEST);
    let (client, url) = (reqwest::Client::new(), hook(&controller, &ready));
    let before = controller.memory().unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..200_u8 {
        let signature = format!("sha256={}", hex::encode([number; 32]));
        let request = client.post(&url).header("x-signature", signature).body(vec![b'x'; 1024 * 1024]);
        tasks.spawn(async move { request.send().await.unwrap().status() });
    }
    let answers = tasks.join_all().await;
    let refused = [StatusCode::BAD_REQUEST, StatusCode::SERVICE_UNAVAILABLE];
    assert!(answers.iter().all(|status| refused.contains(status)), "{answers:?}");
    assert!(answers.contains(&StatusCode::BAD_REQUEST));
    let memory = controller.memory().unwrap();
    assert!(memory.peak < before.peak + 96 * 1024 * 1024, "{before:?} {memory:?}");
    // and it goes on
    assert_eq!(settled(&controller, &ready).await, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn headers_are_bounded_in_size() {
    let env = Env::start().await;
    let controller = controller(&env).await;
    for address in [controller.serving_address(), webhooks(&controller)] {
        let mut stream = connect(&address).await;
        let head =
            format!("POST /hook/x HTTP/1.1\r\nhost: x\r\nx-large: {}\r\n\r\n", "x".repeat(1024 * 1024));
        // the server may close before it has all
        let _ = stream.write_all(head.as_bytes()).await;
        let answer = rest(&mut stream).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431 "), "{answer}");
        let mut stream = connect(&address).await;
        let head = format!(
            "POST /hook/x HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\nx-large: {}\r\n\r\n",
            "x".repeat(100 * 1024)
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let answer = rest(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 4") && !answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }
}

#[tokio::test]
async fn slow_clients_are_given_up_and_delay_nobody() {
    let env = Env::start().await;
    let controller = controller(&env).await;
    let began = Instant::now();
    let mut slow_head = connect(&controller.serving_address()).await;
    slow_head.write_all(b"POST / HTTP/1.1\r\nhost: x\r\n").await.unwrap();
    let mut slow_bodies = Vec::new();
    for _ in 0..50 {
        let mut stream = connect(&webhooks(&controller)).await;
        let head = b"POST /hook/x HTTP/1.1\r\nhost: x\r\ncontent-length: 3000000\r\n\r\nx";
        stream.write_all(head).await.unwrap();
        slow_bodies.push(stream);
    }
    let elsewhere = format!("{}/hook/unknown", controller.webhooks_url());
    let answer = reqwest::Client::new().post(elsewhere).body("{}").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::NOT_FOUND, "the others hold little");
    assert!(began.elapsed() < Duration::from_secs(10));
    rest(&mut slow_head).await;
    assert!(began.elapsed() >= Duration::from_secs(9), "{:?}", began.elapsed());
    let mut text = [0; 12];
    timeout(PATIENCE, slow_bodies[0].read_exact(&mut text)).await.unwrap().unwrap();
    assert_eq!(&text, b"HTTP/1.1 400");
    assert!(began.elapsed() >= Duration::from_secs(29), "{:?}", began.elapsed());
}

#[tokio::test]
async fn no_event_is_lost_since_its_sender_went_away() {
    let env = Env::start().await;
    let sink = WebhookSink::start().await.unwrap();
    env.apply(&object("Provider", "hook", json!({"type": "generic", "address": sink.url()}))).await;
    env.apply(&alert("hook", json!({}))).await;
    let controller = controller(&env).await;
    let revisions: Vec<_> = (0..30).map(|number| number.to_string()).collect();
    for revision in &revisions {
        let body = event(&env, "app", revision).to_string();
        let mut stream = connect(&controller.serving_address()).await;
        let request = format!("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        stream.write_all(request.as_bytes()).await.unwrap();
        drop(stream);
        // it comes again, as a sender that has no answer does; that it is known must mean that it is sent
        let known = [StatusCode::ACCEPTED, StatusCode::TOO_MANY_REQUESTS];
        assert!(known.contains(&post(&controller, &event(&env, "app", revision)).await.status()));
    }
    for revision in &revisions {
        crate::support::before(&sink, "/", revision).await;
    }
}
