//! Many GitRepositories of one URL, and a repository of many files, on a real control plane. Prints a table.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a measurement that cannot go on ends, and its figures go to standard output"
)]

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use flux_lab::{Controller, ControllerProcess, Env, GitServer, is_ready, is_ready_at};
use serde_json::{Value, json};

const MANY: usize = 200;
const FILES: usize = 20_000;

struct Bench {
    env: Env,
    controller: ControllerProcess,
    git: GitServer,
}

impl Bench {
    async fn start() -> Self {
        let env = Env::start().await.patience(Duration::from_mins(5));
        let controller = Controller::source(env!("CARGO_BIN_EXE_source-controller"));
        let controller = env.controller(&controller).await;
        let git = GitServer::start().await.expect("a server");
        Self { env, controller, git }
    }

    /// Prints what one step took.
    async fn measure(&self, step: &str, work: impl Future<Output = ()>) {
        let (begun, sent) = (Instant::now(), self.git.bytes_sent());
        let used = self.controller.cpu_time().expect("the time");
        work.await;
        let (elapsed, traffic) = (begun.elapsed().as_secs_f64(), self.git.bytes_sent() - sent);
        let cpu = self.controller.cpu_time().expect("the time").saturating_sub(used).as_secs_f64();
        let mirrors = self.controller.packed_bytes().expect("the mirrors");
        let peak = self.controller.memory().expect("the memory").peak;
        let [traffic, mirrors, peak] = [traffic, mirrors, peak].map(|bytes| bytes / 1024);
        println!("| {step} | {elapsed:.2} | {cpu:.2} | {traffic} | {mirrors} | {peak} |");
    }
}

fn git_repository(name: &str, url: &str) -> Value {
    json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "GitRepository",
        "metadata": {"name": name},
        "spec": {"url": url, "interval": "1h", "ref": {"branch": "main"}},
    })
}

/// A text that hardly compresses.
fn text_of(words: usize, seed: usize) -> String {
    let mut text = String::with_capacity(words * 17);
    for word in 0..words {
        let number = (word + seed * words).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        // a String takes every write
        let _ = writeln!(text, "{number:016x}");
    }
    text
}

async fn many_of_one_url() {
    let bench = Bench::start().await;
    let repository = bench.git.repository("app").expect("a repository");
    repository.commit("main", &[("large", &text_of(60_000, 1)), ("a.txt", "1")]).expect("a commit");
    let objects: Vec<Value> =
        (0..MANY).map(|number| git_repository(&format!("app-{number}"), repository.url())).collect();
    let apply = async |objects: &[Value]| {
        for object in objects {
            bench.env.apply(object).await;
        }
        for object in objects {
            bench.env.eventually(object, is_ready()).await;
        }
    };
    bench.measure("1 GitRepository, first artifact", apply(&objects[..1])).await;
    bench.measure(&format!("{} more of the same URL", MANY - 1), apply(&objects[1..])).await;
    let commit = repository.commit("main", &[("a.txt", "2")]).expect("a commit");
    let push = async {
        let annotations = json!({"reconcile.fluxcd.io/requestedAt": "push"});
        bench.env.merge(&objects[0], json!({"metadata": {"annotations": annotations}})).await;
        for object in &objects {
            bench.env.eventually(object, is_ready_at(&format!("main@sha1:{commit}"))).await;
        }
    };
    bench.measure(&format!("a push, until all {MANY} have it"), push).await;
}

async fn many_files() {
    let bench = Bench::start().await;
    let repository = bench.git.repository("app").expect("a repository");
    let files: Vec<(String, String)> = (0..FILES)
        .map(|number| (format!("{:02}/{:02}/{number}.yaml", number % 20, number % 50), text_of(60, number)))
        .collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    repository.commit("main", &files).expect("a commit");
    let object = git_repository("app", repository.url());
    let first = async {
        bench.env.apply(&object).await;
        bench.env.eventually(&object, is_ready()).await;
    };
    bench.measure(&format!("{FILES} files of 1 KiB, first artifact"), first).await;
    let commit = repository.commit("main", &[("a.txt", "2")]).expect("a commit");
    let push = async {
        let annotations = json!({"reconcile.fluxcd.io/requestedAt": "push"});
        bench.env.merge(&object, json!({"metadata": {"annotations": annotations}})).await;
        bench.env.eventually(&object, is_ready_at(&format!("main@sha1:{commit}"))).await;
    };
    bench.measure("one more file pushed", push).await;
}

#[tokio::main]
async fn main() {
    println!(
        "| step | s | own CPU s | traffic KiB | mirrors KiB | peak RSS KiB |\n|---|---|---|---|---|---|"
    );
    many_of_one_url().await;
    many_files().await;
}
