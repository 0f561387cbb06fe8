//! The flux CLI, as it is released, against our controllers: what its users see. Slow to build, so `make cli` runs it.

use std::path::PathBuf;
use std::time::Duration;

use flux_e2e::{Installation, NAMESPACE, WorkTree};
use flux_lab::repository_root;
use tokio::process::Command;

/// The CLI as an administrator of the lab runs it.
struct Cli {
    program: PathBuf,
    kubeconfig: PathBuf,
}

/// What a command printed.
struct Printed {
    succeeded: bool,
    /// Standard output.
    output: String,
    /// Standard error, where the CLI says what it does.
    progress: String,
}

impl Cli {
    async fn build(installation: &Installation) -> Self {
        let script = repository_root().join("e2e/cli/build");
        let built =
            Command::new(script).stderr(std::process::Stdio::inherit()).output().await.expect("a build");
        assert!(built.status.success(), "failed to build the flux CLI");
        let program = PathBuf::from(String::from_utf8(built.stdout).expect("a path").trim());
        Self { program, kubeconfig: installation.lab.admin_kubeconfig() }
    }

    async fn try_run(&self, arguments: &str) -> Printed {
        self.try_run_in(NAMESPACE, arguments).await
    }

    async fn try_run_in(&self, namespace: &str, arguments: &str) -> Printed {
        let mut command = Command::new(&self.program);
        command.args(arguments.split(' ')).args(["-n", namespace, "--timeout=1m"]);
        let output = command.env("KUBECONFIG", &self.kubeconfig).output().await.expect("an exit");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        Printed {
            succeeded: output.status.success(),
            output: text(output.stdout),
            progress: text(output.stderr),
        }
    }

    async fn run(&self, arguments: &str) -> Printed {
        let printed = self.try_run(arguments).await;
        assert!(printed.succeeded, "flux {arguments}: {}\n{}", printed.progress, printed.output);
        printed
    }

    /// The cells of the row that starts with this one.
    async fn row(&self, arguments: &str, first: &str) -> Vec<String> {
        let printed = self.run(arguments).await;
        let lines = printed.output.lines().map(str::trim_end);
        let mut rows = lines.map(|line| line.split('\t').map(|cell| cell.trim().to_owned()));
        let row = rows.find_map(|row| {
            let row: Vec<_> = row.collect();
            (row.first().map(String::as_str) == Some(first)).then_some(row)
        });
        row.unwrap_or_else(|| panic!("flux {arguments} shows no {first}:\n{}", printed.output))
    }
}

/// An installation that delivers the first commit, its CLI, and the revision.
async fn delivered() -> (Installation, WorkTree, Cli, String) {
    let mut installation = Installation::start(|_| ()).await.expect("installation");
    let directory = installation.lab.directory().join("work");
    let tree = WorkTree::create(directory, installation.repository.url()).await.expect("first push");
    installation.deliver().await.expect("first delivery");
    let cli = Cli::build(&installation).await;
    let row = cli.row("get sources git", "greeter").await;
    let revision = row[1].clone();
    (installation, tree, cli, revision)
}

#[tokio::test]
#[ignore = "needs the flux CLI; make cli builds it and runs this"]
async fn people_see_what_is_there() {
    let (installation, _tree, cli, revision) = delivered().await;
    // the CLI shortens hashes to eight digits
    assert!(revision.starts_with("main@sha1:") && revision.len() == 18, "{revision}");
    assert_eq!(
        cli.row("get sources git", "greeter").await[2..],
        ["False", "True", &format!("stored artifact for revision '{revision}'")]
    );
    assert_eq!(
        cli.row("get kustomizations", "greeter").await[1..],
        [revision.as_str(), "False", "True", &format!("Applied revision: {revision}")]
    );
    assert_eq!(cli.row("get alerts", "greeter").await[1..], ["False", "True", "Alert is Ready"]);
    assert_eq!(cli.row("get alert-providers", "chat").await[1..], ["True", "Provider is Ready"]);
    let receiver = cli.row("get receivers", "greeter").await;
    assert_eq!(receiver[1..3], ["False", "True"]);
    assert!(receiver[3].starts_with("Receiver initialized for path: /hook/"), "{receiver:?}");
    let all = cli.run("get all").await.output;
    for name in [
        "gitrepository/greeter",
        "kustomization/greeter",
        "receiver/greeter",
        "alert/greeter",
        "provider/chat",
    ] {
        assert!(all.contains(name), "{name} is not in\n{all}");
    }

    let events = cli.run("events --for Kustomization/greeter").await.output;
    assert!(
        events.contains("ReconciliationSucceeded") && events.contains("Kustomization/greeter"),
        "{events}"
    );
    let events = cli.run("events --for GitRepository/greeter").await.output;
    assert!(events.contains("NewArtifact") && events.contains("stored artifact for commit"), "{events}");

    let tree = cli.run("tree kustomization greeter").await.output;
    for object in [
        "Kustomization/flux-system/greeter",
        "Namespace/greeter",
        "Service/greeter/greeter",
        "Deployment/greeter/greeter",
    ] {
        assert!(tree.contains(object), "{object} is not in\n{tree}");
    }
    assert!(tree.contains("ConfigMap/greeter/"), "{tree}");

    let printed = cli.try_run("trace deployment greeter").await;
    assert!(!printed.succeeded, "there is no such Deployment in {NAMESPACE}");
    let traced = cli.try_run_in("greeter", "trace deployment greeter").await;
    assert!(traced.succeeded, "{}", traced.progress);
    let traced = traced.output;
    let lines: Vec<_> =
        traced.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for line in [
        "Object: Deployment/greeter",
        "Namespace: greeter",
        "Status: Managed by Flux",
        "Kustomization: greeter",
        "Path: ./production",
        "GitRepository: greeter",
        "Branch: main",
    ] {
        assert!(lines.iter().any(|each| each == line), "{line} is not in\n{traced}");
    }
    let commit = revision.trim_start_matches("main@sha1:");
    assert_eq!(traced.matches(&format!("main@sha1:{commit}")).count(), 4, "{traced}");

    for kind in ["GitRepository", "Kustomization", "Receiver"] {
        assert_eq!(cli.row("stats", kind).await[1..4], ["1", "0", "0"], "{kind}");
    }
    let storage = cli.row("stats", "GitRepository").await[4].clone();
    assert!(storage.ends_with("iB") || storage.ends_with(" B"), "{storage}");
    let exported = cli.run("export source git greeter").await.output;
    assert!(exported.contains(installation.repository.url()), "{exported}");
}

#[tokio::test]
#[ignore = "needs the flux CLI; make cli builds it and runs this"]
async fn people_ask_and_are_answered() {
    let (mut installation, tree, cli, _) = delivered().await;
    let printed = cli.run("reconcile source git greeter").await.progress;
    for line in [
        "► annotating GitRepository greeter in flux-system namespace",
        "✔ GitRepository annotated",
        "◎ waiting for GitRepository reconciliation",
        "✔ fetched revision main@sha1:",
    ] {
        assert!(printed.contains(line), "{line} is not in\n{printed}");
    }

    // a push that nobody announces
    installation.silence();
    tree.write("production/settings.env", "GREETING=Good evening\n").expect("change");
    let commit = tree.push("Greet").await.expect("second push");
    let printed = cli.run("reconcile kustomization greeter --with-source").await.progress;
    for line in [
        format!("✔ fetched revision main@sha1:{commit}"),
        "► annotating Kustomization greeter in flux-system namespace".to_owned(),
        format!("✔ applied revision main@sha1:{commit}"),
    ] {
        assert!(printed.contains(&line), "{line} is not in\n{printed}");
    }
    assert_eq!(installation.greeting().await.expect("greeting"), "Good evening");
    let printed = cli.run("reconcile receiver greeter").await.progress;
    assert!(printed.contains("✔ Receiver annotated"), "{printed}");
    let printed = cli.run("reconcile kustomization greeter").await.progress;
    assert!(printed.contains(&format!("✔ applied revision main@sha1:{commit}")), "{printed}");

    tree.write("production/kustomization.yaml", "resources: [missing.yaml]\n").expect("change");
    tree.push("Break it").await.expect("third push");
    cli.run("reconcile source git greeter").await;
    // the CLI itself waits for as long as a failed object is tried again
    let fails = async {
        loop {
            let row = cli.row("get kustomizations", "greeter").await;
            if row[3] == "False" {
                return row;
            }
        }
    };
    let row = tokio::time::timeout(Duration::from_mins(1), fails).await.expect("a failure");
    assert!(row[4].contains("missing.yaml"), "{row:?}");
    assert_eq!(cli.row("stats", "Kustomization").await[2], "1", "one fails");
}

#[tokio::test]
#[ignore = "needs the flux CLI; make cli builds it and runs this"]
async fn people_suspend_and_resume() {
    let (mut installation, tree, cli, revision) = delivered().await;
    installation.silence();
    for (object, kind, list) in [
        ("source git greeter", "source git", "get sources git"),
        ("kustomization greeter", "kustomization", "get kustomizations"),
        ("receiver greeter", "receiver", "get receivers"),
        ("alert greeter", "alert", "get alerts"),
    ] {
        let printed = cli.run(&format!("suspend {object}")).await.progress;
        assert!(printed.contains(&format!("✔ {kind} suspended")), "{printed}");
        let row = cli.row(list, "greeter").await;
        assert!(row.contains(&"True".to_owned()), "{row:?}");
    }
    assert_eq!(cli.row("stats", "Kustomization").await[3], "1");
    let refused = cli.try_run("reconcile kustomization greeter").await;
    assert!(!refused.succeeded && refused.progress.contains("resource is suspended"), "{}", refused.progress);
    tree.write("production/settings.env", "GREETING=Good night\n").expect("change");
    let commit = tree.push("Greet").await.expect("second push");
    assert_eq!(cli.row("get kustomizations", "greeter").await[1..3], [revision.as_str(), "True"]);
    for (object, line) in [
        ("source git greeter", format!("✔ fetched revision main@sha1:{commit}")),
        ("kustomization greeter", format!("✔ applied revision main@sha1:{commit}")),
        ("receiver greeter", "✔ Receiver greeter reconciliation completed".to_owned()),
        ("alert greeter", "✔ alert resumed".to_owned()),
    ] {
        let printed = cli.run(&format!("resume {object}")).await.progress;
        assert!(printed.contains(&line), "{line} is not in\n{printed}");
    }
    assert_eq!(installation.greeting().await.expect("greeting"), "Good night");
}
