use flux_lab::{is_ready, is_ready_at};
use serde_json::{Value, json};

use super::{World, git_repository, handled, incompressible};

const MANY: usize = 20;

fn listings(world: &World, after: usize) -> usize {
    let requests = world.git.requests().after(after);
    requests.iter().filter(|request| request.path.contains("/info/refs")).count()
}

#[tokio::test]
async fn repositories_of_one_url_cost_the_server_what_one_does() {
    let world = World::new().await;
    let repository = world.git.repository("app").expect("a repository");
    let large = incompressible(50_000);
    repository.commit("main", &[("large", &large), ("a.txt", "1")]).expect("a commit");
    let objects: Vec<Value> = (0..MANY)
        .map(|number| git_repository(&format!("app-{number}"), repository.url(), json!({})))
        .collect();
    let (first, others) = objects.split_first().expect("objects");
    world.env.apply(first).await;
    world.env.eventually(first, is_ready()).await;
    let (traffic, disk) = (world.git.bytes_sent(), world.controller.packed_bytes().expect("the mirrors"));
    assert!(disk > 400_000, "{disk}");
    for object in others {
        world.env.apply(object).await;
    }
    for object in others {
        world.env.eventually(object, is_ready()).await;
    }
    assert_eq!(world.controller.packed_bytes().expect("the mirrors"), disk);
    let (sent, allowed) = (world.git.bytes_sent(), traffic + traffic / 10);
    assert!(sent <= allowed, "{sent} bytes, one took {traffic}");

    // one is asked, finds the push, and wakes the others, who need neither a listing nor a fetch of their own
    let commit = repository.commit("main", &[("a.txt", "2")]).expect("a commit");
    let (asked, before) = (world.git.requests().len(), world.git.bytes_sent());
    world.ask(first, "push").await;
    for object in &objects {
        world.env.eventually(object, is_ready_at(&format!("main@sha1:{commit}"))).await;
    }
    assert_eq!(listings(&world, asked), 1);
    let sent = world.git.bytes_sent() - before;
    assert!(sent < 5_000, "{sent} bytes");
}

#[tokio::test]
async fn many_who_are_asked_at_once_share_listings() {
    let world = World::new().await;
    let repository = world.git.repository("app").expect("a repository");
    repository.commit("main", &[("a.txt", "1")]).expect("a commit");
    let objects: Vec<Value> = (0..MANY)
        .map(|number| git_repository(&format!("app-{number}"), repository.url(), json!({})))
        .collect();
    for object in &objects {
        world.env.apply(object).await;
    }
    for object in &objects {
        world.env.eventually(object, is_ready()).await;
    }
    let before = world.git.requests().len();
    let asking = objects.iter().map(|object| world.ask(object, "all"));
    futures::future::join_all(asking).await;
    for object in &objects {
        world.env.eventually(object, handled("all")).await;
    }
    let listings = listings(&world, before);
    assert!((1..=MANY / 2).contains(&listings), "{listings} listings");
}
