//! Bases and files elsewhere, through a `Remote` whose repositories and web pages lie in memory.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use flux_kustomize::file_system::MemoryFileSystem;
use flux_kustomize::loader::{ClonedRepository, Remote, RepositorySpec, Submodules};
use flux_kustomize::{Error, Options, build};

const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: map}\n";
const REPOSITORY: &str = "https://github.com/org/repo";
/// Where every clone is, in a file system of its own.
const CLONE: &str = "/tmp/clone";

/// Repositories by clone URL, pages by URL, and what was asked of them.
#[derive(Default)]
struct Elsewhere {
    repositories: BTreeMap<&'static str, MemoryFileSystem>,
    pages: BTreeMap<&'static str, &'static str>,
    clones: RefCell<Vec<(String, String, Duration, Submodules)>>,
    fetches: RefCell<Vec<String>>,
}

impl Elsewhere {
    fn with_repository(mut self, url: &'static str, files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(path, content)| (format!("{CLONE}/{path}"), *content));
        self.repositories.insert(url, files.collect());
        self
    }

    fn with_page(mut self, url: &'static str, content: &'static str) -> Self {
        self.pages.insert(url, content);
        self
    }

    fn build(&self, kustomization: &str) -> Result<String, String> {
        build_with(kustomization, Some(self))
    }
}

impl Remote for Elsewhere {
    fn fetch(&self, url: &str) -> Result<Vec<u8>, Error> {
        self.fetches.borrow_mut().push(url.to_owned());
        let page = self.pages.get(url).map(|page| page.as_bytes().to_vec());
        page.ok_or_else(|| Error::Http { code: 404, text: "Not Found".to_owned() })
    }

    fn clone_repository(&self, spec: &RepositorySpec) -> Result<ClonedRepository, Error> {
        let reference = spec.reference().to_owned();
        let asked = (spec.clone_url().to_owned(), reference.clone(), spec.timeout(), spec.submodules());
        self.clones.borrow_mut().push(asked);
        let Some(files) = self.repositories.get(spec.clone_url()) else {
            let reference = if reference.is_empty() { "HEAD" } else { &reference };
            let url = spec.clone_url();
            return Err(Error::invalid(format!(
                "failed to run 'git fetch --depth=1 {url} {reference}': not found: exit status 128"
            )));
        };
        Ok(ClonedRepository { file_system: Box::new(files.clone()), directory: CLONE.to_owned() })
    }
}

fn build_with(kustomization: &str, remote: Option<&dyn Remote>) -> Result<String, String> {
    let files = MemoryFileSystem::from_iter([
        ("/app/kustomization.yaml", kustomization),
        ("/secret.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: local}\n"),
    ]);
    let options = Options { remote, ..Options::default() };
    build(&files, "/app", &options).and_then(|output| output.to_yaml()).map_err(|error| error.message())
}

#[track_caller]
fn assert_names(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in {message:?}");
    }
}

#[test]
fn a_base_in_a_repository_is_cloned_and_built() {
    let elsewhere = Elsewhere::default().with_repository(
        REPOSITORY,
        &[
            ("base/kustomization.yaml", "resources: [map.yaml, ../other]\nnamePrefix: base-\n"),
            ("base/map.yaml", MAP),
            (
                "other/kustomization.yaml",
                "configMapGenerator: [{name: gen, options: {disableNameSuffixHash: true}}]\n",
            ),
        ],
    );
    let output = elsewhere
        .build("resources: ['https://github.com/org/repo//base?ref=v1&timeout=90&submodules=false']\nnamePrefix: my-\n")
        .unwrap();
    let expected = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: my-base-map\n---\napiVersion: v1\n\
                    kind: ConfigMap\nmetadata:\n  name: my-base-gen\n";
    assert_eq!(output, expected);
    let asked = (REPOSITORY.to_owned(), "v1".to_owned(), Duration::from_secs(90), Submodules::Skip);
    assert_eq!(*elsewhere.clones.borrow(), [asked]);
}

#[test]
fn the_origin_of_what_is_cloned_names_the_repository() {
    let elsewhere = Elsewhere::default().with_repository(
        REPOSITORY,
        &[("base/kustomization.yaml", "resources: [map.yaml]\n"), ("base/map.yaml", MAP)],
    );
    let output = elsewhere
        .build("resources: ['https://github.com/org/repo/base?ref=v1']\nbuildMetadata: [originAnnotations]\n")
        .unwrap();
    assert_names(&output, &["path: base/map.yaml", "ref: v1", "repo: https://github.com/org/repo"]);
}

#[test]
fn a_component_may_lie_in_a_repository() {
    let elsewhere = Elsewhere::default().with_repository(
        REPOSITORY,
        &[(
            "kustomization.yaml",
            "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnamePrefix: c-\n",
        )],
    );
    let output = elsewhere
        .build("resources: [../secret.yaml]\ncomponents: ['https://github.com/org/repo']\n")
        .unwrap();
    assert_eq!(output, "apiVersion: v1\nkind: Secret\nmetadata:\n  name: c-local\n");
}

#[test]
fn files_are_fetched() {
    let elsewhere = Elsewhere::default().with_page("https://example.com/map.yaml", MAP).with_page(
        "https://example.com/patch.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: map}\ndata: {a: b}\n",
    );
    let output = elsewhere
        .build("resources: ['https://example.com/map.yaml']\npatches: [{path: 'https://example.com/patch.yaml'}]\n")
        .unwrap();
    assert_eq!(output, "apiVersion: v1\ndata:\n  a: b\nkind: ConfigMap\nmetadata:\n  name: map\n");
    let fetched = ["https://example.com/map.yaml", "https://example.com/patch.yaml"];
    assert_eq!(*elsewhere.fetches.borrow(), fetched);
    assert!(elsewhere.clones.borrow().is_empty());
}

#[test]
fn a_status_other_than_success_is_the_error() {
    let elsewhere = Elsewhere::default();
    // no path of a repository: nothing but a file
    let message = elsewhere.build("resources: ['https://example.com/map.yaml']\n").unwrap_err();
    assert_names(&message, &["HTTP Error: status code 404 (Not Found)"]);
    assert!(elsewhere.clones.borrow().is_empty());
    // may be a repository as well, and as such it is not there either
    let message = elsewhere.build("resources: ['https://github.com/org/none?ref=v2']\n").unwrap_err();
    assert_names(
        &message,
        &["URL is a git repository", "failed to run 'git fetch --depth=1 https://github.com/org/none v2'"],
    );
}

#[test]
fn without_a_remote_nothing_elsewhere_is_reached() {
    let message = build_with("resources: ['https://github.com/org/repo?ref=v1']\n", None).unwrap_err();
    assert_names(
        &message,
        &[
            "fs-security-constraint abs https://github.com/org/repo: path 'https://github.com/org/repo' is not in or below '/app'",
        ],
    );
    let message = build_with("resources: ['https://example.com/map.yaml']\n", None).unwrap_err();
    assert_names(&message, &["remote files are not allowed: https://example.com/map.yaml"]);
    let message = build_with("resources: ['git@example.com:org/repo.git/base']\n", None).unwrap_err();
    assert_names(&message, &["fs-security-constraint abs git@example.com:org/repo.git"]);
}

#[test]
fn a_clone_is_no_way_out() {
    for (field, culprit) in [
        ("resources: [../outside]", "is outside '/tmp/clone'"),
        ("resources: [../../outside/map.yaml]", "security; file '/tmp/outside/map.yaml' is not in or below"),
        (
            "patches: [{path: ../../outside/map.yaml}]",
            "security; file '/tmp/outside/map.yaml' is not in or below",
        ),
        (
            "configMapGenerator: [{name: a, files: [../map.yaml]}]",
            "security; file '/tmp/clone/map.yaml' is not in or below",
        ),
    ] {
        let field = field.replace("[../outside]", "[../../outside]");
        let files = [
            ("base/kustomization.yaml", field.as_str()),
            ("map.yaml", MAP),
            ("../outside/map.yaml", MAP),
            ("../outside/kustomization.yaml", "resources: [map.yaml]"),
        ];
        let elsewhere = Elsewhere::default().with_repository(REPOSITORY, &files);
        let message = elsewhere.build("resources: ['https://github.com/org/repo/base']\n").unwrap_err();
        assert_names(&message, &[culprit]);
    }
}

#[test]
fn a_directory_of_a_repository_has_to_be_one() {
    let elsewhere = Elsewhere::default().with_repository(REPOSITORY, &[("base/map.yaml", MAP)]);
    let message = elsewhere.build("resources: ['https://github.com/org/repo/base/map.yaml']\n").unwrap_err();
    assert_names(&message, &["'/tmp/clone/base/map.yaml' refers to file 'map.yaml'; expecting directory"]);
    let message = elsewhere.build("resources: ['https://github.com/org/repo/absent']\n").unwrap_err();
    assert_names(&message, &["/tmp/clone/absent"]);
}

#[test]
fn a_cycle_through_a_clone_is_found() {
    let elsewhere = Elsewhere::default().with_repository(
        REPOSITORY,
        &[
            ("a/kustomization.yaml", "resources: ['https://github.com/org/repo/b']\n"),
            ("b/kustomization.yaml", "resources: ['https://github.com/org/repo/a']\n"),
        ],
    );
    let message = elsewhere.build("resources: ['https://github.com/org/repo/a']\n").unwrap_err();
    assert_names(
        &message,
        &["cycle detected: URI 'https://github.com/org/repo/a' referenced by previous URI \
             'https://github.com/org/repo/a'"],
    );
    assert_eq!(elsewhere.clones.borrow().len(), 2);
}
