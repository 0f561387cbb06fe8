//! Watch a `git push` become running objects and an alert.
//!
//! With `ONCE=1` it pushes one change and ends: with status 0 only if every step of the diagram was seen, the objects
//! changed and the alert arrived. Else it goes on until Ctrl-C, and follows the pushes that you make.
#![expect(clippy::print_stdout, reason = "the program's output")]

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use flux_e2e::{Installation, Seen, WorkTree, follow};

/// Far longer than a push takes, so that a slow machine does not fail.
const PATIENCE: Duration = Duration::from_mins(1);

#[tokio::main]
async fn main() -> Result<()> {
    #[expect(clippy::disallowed_methods, reason = "read once, in main")]
    let once = std::env::var("ONCE").is_ok_and(|value| value == "1");
    let afterwards = if once { Afterwards::End } else { Afterwards::FollowPushes };
    tokio::select! {
        done = run(afterwards) => done,
        // Returning drops everything that was started.
        signal = tokio::signal::ctrl_c() => signal.context("failed to wait for Ctrl-C"),
    }
}

/// What follows the first delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Afterwards {
    End,
    FollowPushes,
}

async fn run(afterwards: Afterwards) -> Result<()> {
    let began = std::time::Instant::now();
    let mut installation = Installation::start(|doing| println!("{doing} ...")).await?;
    println!("delivering the application ...");
    let directory = installation.lab.directory().join("greeter");
    let tree = WorkTree::create(directory, installation.repository.url()).await?;
    installation.deliver().await?;
    println!("ready after {:.1} s\n", began.elapsed().as_secs_f64());

    let greeting = "Hello, GitOps";
    let from = installation.traces.spans().len();
    tree.write("production/settings.env", &format!("GREETING={greeting}\n"))?;
    let commit = tree.push("Change the greeting").await?;
    println!("pushed {commit}: production/settings.env, GREETING={greeting}\n");
    let deliver = follow(installation.traces.spans(), from, PATIENCE, print_step);
    deliver.await?;
    let alert = installation.alert(&commit).await?;
    let message = alert.pointer("/message").and_then(serde_json::Value::as_str).unwrap_or_default();
    println!("\nalert: {}", message.lines().next().unwrap_or_default());
    let seen = installation.greeting().await?;
    ensure!(seen == greeting, "the cluster greets with '{seen}' instead of '{greeting}'");
    show_result(&installation).await?;
    match afterwards {
        Afterwards::End => Ok(()),
        Afterwards::FollowPushes => {
            show_hints(&installation, &tree);
            follow_pushes(&mut installation).await
        }
    }
}

fn print_step(seen: &Seen) {
    let [started, took] = [seen.started, seen.ended.saturating_sub(seen.started)]
        .map(|nanoseconds| Duration::from_nanos(nanoseconds).as_secs_f64() * 1000.0);
    println!("{started:8.1} ms  {:<24} {} ({took:.1} ms)", seen.step.service, seen.step.name);
}

async fn show_result(installation: &Installation) -> Result<()> {
    let flux = ["get", "-n", "flux-system", "gitrepositories,kustomizations"];
    let objects = ["get", "-n", "greeter", "deployments,pods,services,configmaps"];
    for arguments in [flux, objects] {
        println!("\n$ kubectl {}", arguments.join(" "));
        println!("{}", installation.lab.kubectl(&arguments, None).await?.trim_end());
    }
    Ok(())
}

fn show_hints(installation: &Installation, tree: &WorkTree) {
    println!("\nNow push a change of your own; its steps appear here:\n");
    println!("  cd {}", tree.path().display());
    println!("  echo 'GREETING=Good morning' > production/settings.env");
    println!("  git commit --all --message 'Greet politely' && git push\n");
    println!("And look around:\n");
    println!("  export KUBECONFIG={}", installation.lab.admin_kubeconfig().display());
    println!("  {} get events -n flux-system", installation.lab.binaries().path("kubectl").display());
    println!("\nCtrl-C removes everything.");
}

/// Shows each further push, until the Git host fails.
async fn follow_pushes(installation: &mut Installation) -> Result<()> {
    let spans = installation.traces.spans().clone();
    let show = async {
        loop {
            let from = spans.len();
            let is_push = |span: &flux_lab::ReceivedSpan| span.name == "git push";
            while !spans.after(from).iter().any(is_push) {
                spans.more_than(spans.len()).await;
            }
            println!();
            if let Err(error) = follow(&spans, from, PATIENCE, print_step).await {
                println!("{error:#}");
            }
        }
    };
    tokio::select! {
        failure = installation.host_failure() => failure,
        () = show => Ok(()),
    }
}
