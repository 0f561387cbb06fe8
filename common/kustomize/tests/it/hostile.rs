//! Trees that mean harm: every build ends with an error that names the culprit, soon, and reads nothing outside.

use std::fmt::Write as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, Instant};

use flux_kustomize::file_system::{Accesses, DiskFileSystem, MAX_FILE_SIZE, RecordingFileSystem};
use flux_kustomize::{Options, build};
use tempfile::TempDir;

const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";

/// A tree in `<temporary>/outer/tree` with a secret beside it.
struct Tree {
    temporary: TempDir,
}

impl Tree {
    fn new(files: &[(&str, &str)]) -> Self {
        let tree = Self { temporary: TempDir::new().unwrap() };
        fs_err::create_dir_all(tree.root()).unwrap();
        fs_err::write(tree.secret(), format!("{MAP}data: {{secret: hunter2}}\n")).unwrap();
        for (path, content) in files {
            let path = tree.root().join(path);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, content).unwrap();
        }
        tree
    }

    fn with_link(self, path: &str, target: impl AsRef<Path>) -> Self {
        symlink(target, self.root().join(path)).unwrap();
        self
    }

    fn root(&self) -> std::path::PathBuf {
        self.temporary.path().canonicalize().unwrap().join("outer/tree")
    }

    fn secret(&self) -> std::path::PathBuf {
        self.root().with_file_name("secret.yaml")
    }

    /// Builds the root; gives the message of the failure, and fails unless all that was read lies in the tree.
    fn failure(&self) -> String {
        let began = Instant::now();
        let (result, accesses) = self.build();
        let message = match result {
            Ok(output) => panic!("builds: {output}"),
            Err(message) => message,
        };
        assert!(began.elapsed() < Duration::from_secs(20), "takes {:?}", began.elapsed());
        for path in accesses.files.iter().chain(&accesses.listings) {
            let resolved = Path::new(path).canonicalize().unwrap();
            assert!(resolved.starts_with(self.root()), "read {path}");
        }
        assert!(!message.contains("hunter2"), "{message}");
        message
    }

    fn build(&self) -> (Result<String, String>, Accesses) {
        let root = self.root();
        let disk = DiskFileSystem::new(&root).unwrap();
        let recording = RecordingFileSystem::new(&disk);
        let result = build(&recording, root.to_str().unwrap(), &Options::default())
            .and_then(|output| output.to_yaml())
            .map_err(|error| error.message());
        (result, recording.into_accesses())
    }

    /// Fails unless the message has all the parts.
    fn fails_naming(&self, parts: &[&str]) {
        let message = self.failure();
        for part in parts {
            assert!(message.contains(part), "{part:?} is not in {message:?}");
        }
    }
}

/// A kustomization for every field that names a file, with the path in place of `{}`.
const FIELDS: [&str; 12] = [
    "resources: [{}]",
    "components: [{}]",
    "configMapGenerator: [{name: a, files: [{}]}]",
    "configMapGenerator: [{name: a, envs: [{}]}]",
    "secretGenerator: [{name: a, files: [k={}]}]",
    "resources: [m.yaml]\npatches: [{path: {}}]",
    "resources: [m.yaml]\npatchesStrategicMerge: [{}]",
    "configurations: [{}]",
    "crds: [{}]",
    "openapi: {path: {}}",
    "resources: [m.yaml]\nreplacements: [{path: {}}]",
    "generators: [{}]",
];

#[test]
fn no_field_leads_out_of_the_root() {
    for field in FIELDS.iter().chain(&["transformers: [{}]", "validators: [{}]"]) {
        for path in
            ["../secret.yaml", "sub/../../secret.yaml", "link.yaml", "linked/secret.yaml", "<absolute>"]
        {
            let tree = Tree::new(&[("m.yaml", MAP), ("sub/x", "")]);
            let path = path.replace("<absolute>", tree.secret().to_str().unwrap());
            fs_err::write(tree.root().join("kustomization.yaml"), field.replace("{}", &path)).unwrap();
            let tree = tree.with_link("link.yaml", "../secret.yaml").with_link("linked", "..");
            let message = tree.failure();
            // a component is a directory, and such a path is never absolute
            let refusals = ["is not in or below", "cannot be absolute"];
            assert!(refusals.iter().any(|refusal| message.contains(refusal)), "{field} {path}: {message}");
            let name = path.rsplit('/').next().unwrap();
            assert!(message.contains(name), "{field} {path}: {message}");
        }
    }
}

#[test]
fn a_directory_outside_is_refused() {
    for path in ["..", "../../outer", "linked"] {
        let tree =
            Tree::new(&[("kustomization.yaml", &format!("resources: ['{path}']"))]).with_link("linked", "..");
        tree.fails_naming(&["is not in or below", path]);
    }
}

#[test]
fn the_kustomization_file_is_no_way_out() {
    let tree = Tree::new(&[]).with_link("kustomization.yaml", "../secret.yaml");
    tree.fails_naming(&["unable to find one of 'kustomization.yaml'"]);
}

#[test]
fn links_in_a_circle_end() {
    let tree = Tree::new(&[("kustomization.yaml", "resources: [one.yaml]")])
        .with_link("one.yaml", "two.yaml")
        .with_link("two.yaml", "one.yaml");
    tree.fails_naming(&["one.yaml"]);
}

#[test]
fn a_cycle_names_both_roots() {
    let tree = Tree::new(&[
        ("kustomization.yaml", "resources: [a]"),
        ("a/kustomization.yaml", "resources: [../b]"),
        ("b/kustomization.yaml", "resources: [../a]"),
    ]);
    tree.fails_naming(&["cycle detected", "/a'", "/b'"]);
}

#[test]
fn a_long_chain_of_bases_ends() {
    let mut files = Vec::new();
    for number in 0..400 {
        files.push((format!("{number}/kustomization.yaml"), format!("resources: [../{}]", number + 1)));
    }
    files.push(("kustomization.yaml".to_owned(), "resources: ['0']".to_owned()));
    let files: Vec<_> = files.iter().map(|(path, content)| (path.as_str(), content.as_str())).collect();
    Tree::new(&files).failure();
}

#[test]
fn alias_bombs_are_defused() {
    let mut bomb = format!("{MAP}l0: &l0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let alias = format!("*l{}", level - 1);
        writeln!(bomb, "l{level}: &l{level} [{}]", [alias.as_str(); 9].join(", ")).unwrap();
    }
    let merges = bomb.replace("[x, x, x, x, x, x, x, x, x]", "{a: x}");
    for bomb in [bomb.as_str(), merges.as_str()] {
        Tree::new(&[("kustomization.yaml", "resources: [bomb.yaml]"), ("bomb.yaml", bomb)])
            .fails_naming(&["bomb.yaml"]);
        Tree::new(&[
            ("kustomization.yaml", "resources: [m.yaml]\npatches: [{path: bomb.yaml}]"),
            ("m.yaml", MAP),
            ("bomb.yaml", bomb),
        ])
        .fails_naming(&["bomb.yaml"]);
        Tree::new(&[("kustomization.yaml", &format!("{bomb}resources: [m.yaml]")), ("m.yaml", MAP)])
            .failure();
    }
}

#[test]
fn an_anchor_within_itself_is_an_error() {
    for document in ["a: &a {b: *a}\n", "a: &a [*a]\n", "a: &a {<<: *a}\n"] {
        let content = format!("{MAP}{document}");
        Tree::new(&[("kustomization.yaml", "resources: [self.yaml]"), ("self.yaml", &content)])
            .fails_naming(&["self.yaml"]);
    }
}

#[test]
fn deep_nesting_is_an_error() {
    let deep = [("[", "]"), ("{a: ", "}"), ("- ", "")]
        .map(|(open, close)| format!("{MAP}deep:\n  {}x{}\n", open.repeat(60_000), close.repeat(60_000)));
    for content in &deep {
        Tree::new(&[("kustomization.yaml", "resources: [deep.yaml]"), ("deep.yaml", content)])
            .fails_naming(&["deep.yaml"]);
        Tree::new(&[("kustomization.yaml", content)]).failure();
    }
}

#[test]
fn huge_files_are_refused_unread() {
    for field in FIELDS {
        let tree = Tree::new(&[("m.yaml", MAP), ("kustomization.yaml", &field.replace("{}", "huge.yaml"))]);
        let file = fs_err::File::create(tree.root().join("huge.yaml")).unwrap();
        file.set_len(50 * 1024 * 1024).unwrap();
        let message = tree.failure();
        assert!(message.contains("huge.yaml"), "{field}: {message}");
        let limit = format!("larger than {MAX_FILE_SIZE} bytes");
        assert!(message.contains(&limit) || field.starts_with("components"), "{field}: {message}");
    }
}

#[test]
fn pipes_are_not_opened() {
    let tree = Tree::new(&[("kustomization.yaml", "resources: [pipe.yaml]")]);
    // a socket is as special as a pipe, and needs no further crate
    let _socket = std::os::unix::net::UnixListener::bind(tree.root().join("pipe.yaml")).unwrap();
    tree.fails_naming(&["pipe.yaml"]);
}

#[test]
fn broken_resources_are_named() {
    let cases: [(&[u8], &str); 6] = [
        (b"apiVersion: v1\nmetadata: {name: a}\n", "missing kind"),
        (b"apiVersion: v1\nkind: ConfigMap\n", "missing metadata.name"),
        (b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: \"\xff\"}\n", "invalid leading UTF-8 octet"),
        (b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a\n", "did not find expected"),
        (b"\xff\xfe", "bad.yaml"),
        (b"\x00\x01\x02", "control characters are not allowed"),
    ];
    for (content, reason) in cases {
        let tree = Tree::new(&[("kustomization.yaml", "resources: [bad.yaml]")]);
        fs_err::write(tree.root().join("bad.yaml"), content).unwrap();
        if content == b"\xff\xfe" {
            // nothing but the mark of a byte order: a document without content
            assert_eq!(tree.build().0, Ok(String::new()));
            continue;
        }
        tree.fails_naming(&["bad.yaml", reason]);
    }
}

#[test]
fn a_duplicate_names_the_file_and_the_id() {
    Tree::new(&[
        ("kustomization.yaml", "resources: [one.yaml, two.yaml]"),
        ("one.yaml", MAP),
        ("two.yaml", MAP),
    ])
    .fails_naming(&["two.yaml", "already registered id: ConfigMap.v1.[noGrp]/a.[noNs]"]);
}

#[test]
fn an_unknown_field_is_named() {
    Tree::new(&[
        ("kustomization.yaml", "resources: [base]"),
        ("base/kustomization.yaml", "resuorces: [m.yaml]"),
    ])
    .fails_naming(&["base", "json: unknown field \"resuorces\""]);
}

#[test]
fn numbers_that_ask_for_much_are_refused() {
    let list = "resources: [m.yaml]\nreplacements:\n- sourceValue: x\n  targets:\n  - select: {kind: ConfigMap}\n    \
                fieldPaths: [data.list.999999999]\n    options: {create: true}\n";
    Tree::new(&[("kustomization.yaml", list), ("m.yaml", MAP)]).failure();
    let delimiter = "resources: [m.yaml]\nreplacements:\n- sourceValue: x\n  targets:\n  - select: {kind: ConfigMap}\n    \
                     fieldPaths: [metadata.name]\n    options: {delimiter: '-', index: 999999999}\n";
    let tree = Tree::new(&[("kustomization.yaml", delimiter), ("m.yaml", MAP)]);
    assert!(tree.build().0.unwrap().len() < 1000);
}

#[test]
fn costly_patterns_are_refused() {
    let patch = "resources: [m.yaml]\npatches:\n- target: {name: '((a{0,99}){0,99}){0,99}'}\n  patch: '[]'\n";
    let began = Instant::now();
    let (result, _) = Tree::new(&[("kustomization.yaml", patch), ("m.yaml", MAP)]).build();
    assert!(began.elapsed() < Duration::from_secs(5), "{result:?} takes {:?}", began.elapsed());
}
