//! The helm CLI, as it is released, and our release records: each reads what the other wrote. `make cli` runs it.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flux_helm::chart::{Chart, Limits};
use flux_helm::release::{ApplyMethod, ChartPart, ChartRecord, Info, Release, SECRET_TYPE, Status};
use flux_helm::release::{decode, encode, labels, secret_name};
use flux_lab::{Env, ObjectKey, repository_root};
use serde_json::{Value, json};
use tokio::process::Command;

/// The CLI as an administrator of the lab runs it in the test's namespace.
struct Helm<'a> {
    program: PathBuf,
    env: &'a Env,
}

impl<'a> Helm<'a> {
    async fn build(env: &'a Env) -> Self {
        let script = repository_root().join("e2e/helm/build");
        let built = Command::new(script).stderr(std::process::Stdio::inherit()).output().await;
        let built = built.expect("a build");
        assert!(built.status.success(), "failed to build the helm CLI");
        let program = PathBuf::from(String::from_utf8(built.stdout).expect("a path").trim());
        Self { program, env }
    }

    async fn run(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(&self.program);
        command.args(arguments).args(["-n", self.env.namespace()]);
        let output =
            command.env("KUBECONFIG", self.env.lab().admin_kubeconfig()).output().await.expect("an exit");
        let problem = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "helm {arguments:?}: {problem}");
        String::from_utf8(output.stdout).expect("text")
    }

    async fn json(&self, arguments: &[&str]) -> Value {
        let arguments: Vec<_> = arguments.iter().copied().chain(["-o", "json"]).collect();
        serde_json::from_str(&self.run(&arguments).await).expect("JSON")
    }
}

/// A chart on disk, and as we load it.
fn chart(env: &Env) -> (PathBuf, Chart) {
    let directory = env.lab().directory().join(format!("chart-{}", env.namespace()));
    let files = [
        ("Chart.yaml", "apiVersion: v2\nname: greeter\nversion: 1.2.3\nappVersion: \"7\"\n"),
        ("values.yaml", "text: default\n"),
        ("templates/map.yaml", MAP),
        ("templates/NOTES.txt", "Greets.\n"),
    ];
    for (path, text) in files {
        let path = directory.join(path);
        fs_err::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs_err::write(path, text).expect("a file");
    }
    let loaded = Chart::from_directory(&directory, &Limits::default()).expect("a chart");
    (directory, loaded)
}

const MAP: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: greeting}\ndata: {text: {{ .Values.text }}}\n";

fn release(env: &Env, version: u32, status: Status, text: &str) -> Release {
    let deployed = "2026-01-02T03:04:05Z".parse().ok();
    let mut config = flux_yaml::Object::new();
    flux_helm::values::set(&format!("text={text}"), &mut config).expect("values");
    Release {
        name: "greeter".to_owned(),
        namespace: env.namespace().to_owned(),
        version,
        info: Info {
            first_deployed: deployed,
            last_deployed: deployed,
            description: format!("revision {version} of ours"),
            status,
            notes: "Greets.\n".to_owned(),
            ..Info::default()
        },
        config,
        manifest: format!(
            "---\n# Source: greeter/templates/map.yaml\n{}\n",
            MAP.replace("{{ .Values.text }}", text)
        ),
        hooks: Vec::new(),
        apply_method: Some(ApplyMethod::ServerSide),
    }
}

async fn store(env: &Env, release: &Release, chart: &ChartRecord) {
    let labels = labels(release, &std::collections::BTreeMap::new()).expect("labels");
    env.apply(&json!({
        "apiVersion": "v1", "kind": "Secret", "type": SECRET_TYPE,
        "metadata": {"name": secret_name(&release.name, release.version), "labels": labels},
        "data": {"release": STANDARD.encode(encode(release, chart))},
    }))
    .await;
}

async fn stored(env: &Env, version: u32) -> (Release, Value) {
    let key = ObjectKey::new("v1", "Secret", &secret_name("greeter", version));
    let secret = env.get(&key).await.expect("a record");
    let record = STANDARD.decode(secret["data"]["release"].as_str().expect("data")).expect("base64");
    let (release, chart) = decode(&record, ChartPart::Metadata).expect("a release");
    (release, chart.metadata)
}

#[tokio::test]
#[ignore = "needs the helm CLI, which takes minutes to build"]
async fn helm_reads_our_records_and_rolls_back_to_them() {
    let env = Env::start().await;
    let helm = Helm::build(&env).await;
    let (_, chart) = chart(&env);
    let record = ChartRecord::new(&chart);
    store(&env, &release(&env, 1, Status::Superseded, "first"), &record).await;
    store(&env, &release(&env, 2, Status::Deployed, "second"), &record).await;

    let list = helm.json(&["list"]).await;
    assert_eq!(list[0]["name"], "greeter");
    assert_eq!((&list[0]["revision"], &list[0]["status"]), (&json!("2"), &json!("deployed")));
    assert_eq!((&list[0]["chart"], &list[0]["app_version"]), (&json!("greeter-1.2.3"), &json!("7")));
    let history = helm.json(&["history", "greeter"]).await;
    let revisions: Vec<_> =
        history.as_array().expect("a list").iter().map(|one| one["status"].clone()).collect();
    assert_eq!(revisions, ["superseded", "deployed"]);
    assert_eq!(history[0]["description"], "revision 1 of ours");
    assert_eq!(helm.json(&["get", "values", "greeter"]).await, json!({"text": "second"}));
    assert_eq!(helm.json(&["get", "values", "greeter", "--all"]).await, json!({"text": "second"}));
    assert!(helm.run(&["get", "manifest", "greeter"]).await.contains("data: {text: second}"));
    assert!(helm.run(&["get", "notes", "greeter"]).await.contains("Greets."));

    helm.run(&["rollback", "greeter", "1"]).await;
    let map = env.get(&ObjectKey::new("v1", "ConfigMap", "greeting")).await.expect("applied by helm");
    assert_eq!(map["data"]["text"], "first");
    let (third, metadata) = stored(&env, 3).await;
    assert_eq!((third.info.status, third.info.description.as_str()), (Status::Deployed, "Rollback to 1"));
    assert_eq!(third.manifest, release(&env, 1, Status::Deployed, "first").manifest);
    assert_eq!(
        metadata,
        json!({"apiVersion": "v2", "name": "greeter", "version": "1.2.3", "appVersion": "7"})
    );
    assert_eq!(stored(&env, 2).await.0.info.status, Status::Superseded);
}

#[tokio::test]
#[ignore = "needs the helm CLI, which takes minutes to build"]
async fn we_read_the_records_of_helm() {
    let env = Env::start().await;
    let helm = Helm::build(&env).await;
    let (directory, _) = chart(&env);
    let path = directory.display().to_string();
    helm.run(&["install", "greeter", &path, "--set", "text=theirs,number=5"]).await;
    let (first, metadata) = stored(&env, 1).await;
    assert_eq!(
        (first.name.as_str(), first.namespace.as_str(), first.version),
        ("greeter", env.namespace(), 1)
    );
    assert_eq!((first.info.status, first.info.notes.as_str()), (Status::Deployed, "Greets.\n"));
    assert_eq!(first.config.get("text"), Some(&flux_yaml::Value::from("theirs")));
    assert_eq!(first.config.get("number"), Some(&flux_yaml::Value::Float(5.0)));
    assert!(first.manifest.starts_with("---\n# Source: greeter/templates/map.yaml\napiVersion: v1\n"));
    assert!(first.info.first_deployed.is_some());
    assert_eq!(first.apply_method, Some(ApplyMethod::ServerSide));
    assert_eq!(metadata["name"], "greeter");

    helm.run(&["upgrade", "greeter", &path, "--set", "text=again"]).await;
    assert_eq!(stored(&env, 1).await.0.info.status, Status::Superseded);
    assert_eq!(stored(&env, 2).await.0.info.status, Status::Deployed);
}
