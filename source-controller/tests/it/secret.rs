use std::sync::Arc;

use flux_lab::{Authority, GitServer, GitServerOptions, SocksProxy, has_condition, is_ready};
use serde_json::json;

use super::{World, git_repository, says, secret};

#[tokio::test]
async fn basic_and_bearer_credentials_come_from_secrets_and_rotate() {
    let world = World::new().await;
    let repository = world.git.repository("app").expect("a repository");
    repository.commit("main", &[("a.txt", "1")]).expect("a commit");
    let url = repository.url();
    world.git.require_basic("git", "one").expect("credentials");
    let object = git_repository("app", url, json!({"secretRef": {"name": "auth"}}));
    let namespace = world.env.namespace().to_owned();
    world.env.apply(&object).await;
    let missing = format!(
        "True AuthenticationFailed: failed to get secret '{namespace}/auth': secrets \"auth\" not found"
    );
    world.env.eventually(&object, says("FetchFailed", &missing)).await;

    world.env.apply(&secret("auth", &[("username", "git"), ("password", "wrong")])).await;
    let refused = format!(
        "True GitOperationFailed: failed to checkout and determine revision: unable to clone '{url}': authentication \
         required"
    );
    world.env.eventually(&object, says("FetchFailed", &refused)).await;
    world.env.apply(&secret("auth", &[("username", "git"), ("password", "one")])).await;
    world.env.eventually(&object, is_ready()).await;

    world.git.require_bearer("token").expect("a token");
    world.ask(&object, "rotated").await;
    world.env.eventually(&object, has_condition("FetchFailed", "True", "GitOperationFailed")).await;
    world.env.apply(&secret("auth", &[("bearerToken", "token")])).await;
    world.env.eventually(&object, is_ready()).await;

    let app = secret("app-data", &[("githubAppID", "1")]);
    world.env.apply(&app).await;
    let other = git_repository("app-data", url, json!({"secretRef": {"name": "app-data"}}));
    world.env.apply(&other).await;
    let message = format!(
        "True InvalidProviderConfiguration: secretRef '{namespace}/app-data' has github app data but provider is not set \
         to github"
    );
    world.env.eventually(&other, says("FetchFailed", &message)).await;
}

#[tokio::test]
async fn a_private_authority_and_a_client_certificate_are_used() {
    let world = World::new().await;
    let authority = Arc::new(Authority::new("private").expect("an authority"));
    let clients = Arc::new(Authority::new("clients").expect("an authority"));
    let options = GitServerOptions {
        certificate: Some(authority.server(&["localhost", "127.0.0.1"]).expect("a certificate")),
        clients: Some(Arc::clone(&clients)),
        ..GitServerOptions::default()
    };
    let server = GitServer::start_with(options).await.expect("a server");
    let repository = server.repository("app").expect("a repository");
    repository.commit("main", &[("a.txt", "1")]).expect("a commit");
    let object = git_repository("app", repository.url(), json!({"secretRef": {"name": "tls"}}));

    world.env.apply(&secret("tls", &[("username", "u"), ("password", "p")])).await;
    world.env.apply(&object).await;
    world.env.eventually(&object, has_condition("FetchFailed", "True", "GitOperationFailed")).await;

    let client = clients.client("flux", &[]).expect("a certificate");
    let half = secret("tls", &[("ca.crt", &authority.pem()), ("tls.crt", &client.certificate)]);
    world.env.apply(&half).await;
    let namespace = world.env.namespace();
    let message = format!(
        "True AuthenticationFailed: failed to configure authentication options: secret '{namespace}/tls' contains \
         'tls.crt' but missing 'tls.key'"
    );
    world.env.eventually(&object, says("FetchFailed", &message)).await;

    let pem = authority.pem();
    let whole = [("ca.crt", pem.as_str()), ("tls.crt", &client.certificate), ("tls.key", &client.key)];
    world.env.apply(&secret("tls", &whole)).await;
    let ready = world.env.eventually(&object, is_ready()).await;
    assert_eq!(world.artifact(&ready).await.files["a.txt"], b"1");
}

#[tokio::test]
async fn a_proxy_from_a_secret_is_used() {
    let world = World::new().await;
    let repository = world.git.repository("app").expect("a repository");
    repository.commit("main", &[("a.txt", "1")]).expect("a commit");
    // over plain HTTP a proxy is asked for the whole URL, which the Git server itself understands: a name that does not
    // resolve proves that nobody else was asked
    let url = "http://git.invalid/app.git";
    let object = git_repository("app", url, json!({"proxySecretRef": {"name": "proxy"}}));
    world.env.apply(&secret("proxy", &[("username", "nobody")])).await;
    world.env.apply(&object).await;
    let namespace = world.env.namespace();
    let message = format!(
        "True AuthenticationFailed: failed to configure proxy options: secret '{namespace}/proxy': key 'address' not \
         found"
    );
    world.env.eventually(&object, says("FetchFailed", &message)).await;
    let address = format!("http://{}", world.git.address());
    world.env.apply(&secret("proxy", &[("address", &address)])).await;
    let ready = world.env.eventually(&object, is_ready()).await;
    assert_eq!(world.artifact(&ready).await.files["a.txt"], b"1");
}

#[tokio::test]
async fn changed_secrets_count_at_once() {
    // neither the interval nor the backoff would come in time
    let world =
        World::with(|controller| controller.flag("--min-retry-delay=1h").flag("--max-retry-delay=1h")).await;
    let (old, new) =
        (Authority::new("old").expect("an authority"), Authority::new("new").expect("an authority"));
    let options = GitServerOptions {
        certificate: Some(new.server(&["localhost", "127.0.0.1"]).expect("a certificate")),
        ..GitServerOptions::default()
    };
    let server = GitServer::start_with(options).await.expect("a server");
    server.require_basic("git", "one").expect("credentials");
    let repository = server.repository("app").expect("a repository");
    repository.commit("main", &[("a.txt", "1")]).expect("a commit");
    let watched = |authority: &Authority, password: &str| {
        let pem = authority.pem();
        let data = [("username", "git"), ("password", password), ("ca.crt", pem.as_str())];
        let mut secret = secret("auth", &data);
        secret["metadata"]["labels"] = json!({"reconcile.fluxcd.io/watch": "Enabled"});
        secret
    };
    world.env.apply(&watched(&old, "one")).await;
    let object = git_repository("app", repository.url(), json!({"secretRef": {"name": "auth"}}));
    world.env.apply(&object).await;
    let unreached = says_beginning("FetchFailed", "True GitOperationFailed: ", "failed to reach the server");
    world.env.eventually(&object, unreached).await;

    world.env.apply(&watched(&new, "two")).await;
    let refused = says_beginning("FetchFailed", "True GitOperationFailed: ", "authentication required");
    world.env.eventually(&object, refused).await;

    world.env.apply(&watched(&new, "one")).await;
    world.env.eventually(&object, is_ready()).await;
}

/// A condition begins like this, and holds that.
fn says_beginning(condition_type: &str, start: &str, part: &str) -> flux_lab::Condition {
    let (condition_type, start, part) = (condition_type.to_owned(), start.to_owned(), part.to_owned());
    flux_lab::Condition::new(format!("{condition_type} = {start}...{part}"), move |object| {
        let is_there = super::condition(object, &condition_type).is_some();
        is_there && {
            let shown = super::shown(object, &condition_type);
            shown.starts_with(&start) && shown.contains(&part)
        }
    })
}

#[tokio::test]
async fn a_socks_proxy_is_used_with_its_password() {
    let world = World::new().await;
    let repository = world.git.repository("app").expect("a repository");
    repository.commit("main", &[("a.txt", "1")]).expect("a commit");
    let proxy = SocksProxy::start("user", "pass").await.expect("a proxy");
    let object = git_repository("app", repository.url(), json!({"proxySecretRef": {"name": "proxy"}}));
    let address = format!("socks5://{}", proxy.address());
    let wrong = [("address", address.as_str()), ("username", "user"), ("password", "guess")];
    world.env.apply(&secret("proxy", &wrong)).await;
    world.env.apply(&object).await;
    world.env.eventually(&object, has_condition("FetchFailed", "True", "GitOperationFailed")).await;
    assert!(proxy.targets().is_empty());
    let right = [("address", address.as_str()), ("username", "user"), ("password", "pass")];
    world.env.apply(&secret("proxy", &right)).await;
    let ready = world.env.eventually(&object, is_ready()).await;
    assert_eq!(world.artifact(&ready).await.files["a.txt"], b"1");
    assert!(!proxy.targets().is_empty());
}
