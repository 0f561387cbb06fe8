//! Folders with a recorded case each.

use std::fmt::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// One recorded case: an input tree, the directory in it to build, and what a real program made of it.
pub(crate) struct Case {
    pub(crate) name: String,
    folder: PathBuf,
}

/// What was recorded.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Output(String),
    Failure(String),
}

impl Case {
    /// All cases below `tests/it/<folder>`, in the order of their names.
    pub(crate) fn all(folder: &str) -> Vec<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it").join(folder);
        let mut cases: Vec<_> = fs_err::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| Self { name: entry.file_name().into_string().unwrap(), folder: entry.path() })
            .collect();
        cases.sort_by(|one, other| one.name.cmp(&other.name));
        cases
    }

    /// The input tree.
    pub(crate) fn input(&self) -> PathBuf {
        self.folder.join("input").canonicalize().unwrap()
    }

    /// A copy of the input tree at `some/where/tree` in a folder of its own, as the recorder of Flux cases has it.
    pub(crate) fn copied_input(&self) -> (TempDir, PathBuf) {
        let folder = TempDir::new().unwrap();
        let root = folder.path().canonicalize().unwrap().join("some/where/tree");
        copy(&self.input(), &root);
        (folder, root)
    }

    /// The directory to build, relative to the input tree.
    pub(crate) fn target(&self) -> String {
        self.read("target").unwrap().trim().to_owned()
    }

    /// A file of the case, if it is there.
    pub(crate) fn read(&self, name: &str) -> Option<String> {
        let path = self.folder.join(name);
        path.exists().then(|| String::from_utf8_lossy(&fs_err::read(path).unwrap()).into_owned())
    }

    /// What the real program made of it.
    pub(crate) fn expected(&self) -> Outcome {
        match (self.read("expected.yaml"), self.read("expected-error.txt")) {
            (Some(output), None) => Outcome::Output(output),
            (None, Some(message)) => Outcome::Failure(message),
            _ => panic!("{}: not recorded", self.name),
        }
    }
}

/// Copies a tree, symbolic links as they are.
fn copy(from: &Path, to: &Path) {
    let kind = fs_err::symlink_metadata(from).unwrap().file_type();
    if kind.is_symlink() {
        symlink(fs_err::read_link(from).unwrap(), to).unwrap();
    } else if kind.is_dir() {
        fs_err::create_dir_all(to).unwrap();
        for entry in fs_err::read_dir(from).unwrap() {
            let name = entry.unwrap().file_name();
            copy(&from.join(&name), &to.join(&name));
        }
    } else {
        fs_err::copy(from, to).unwrap();
    }
}

/// Runs a check over all cases and fails with the names and reasons of those that it does not accept.
pub(crate) fn check_all(cases: &[Case], check: impl Fn(&Case) -> Result<(), String>) {
    let mut report = String::new();
    let mut failed = 0;
    for case in cases {
        if let Err(reason) = check(case) {
            failed += 1;
            writeln!(report, "== {}\n{reason}", case.name).unwrap();
        }
    }
    assert!(failed == 0, "{failed} of {} cases fail\n{report}", cases.len());
}

/// Accepts equal texts; otherwise says where they part.
pub(crate) fn same(expected: &str, actual: &str) -> Result<(), String> {
    if expected == actual {
        return Ok(());
    }
    let mut lines = expected.lines().zip(actual.lines()).enumerate();
    let (number, (left, right)) = lines
        .find(|(_, (left, right))| left != right)
        .unwrap_or_else(|| (expected.lines().count().min(actual.lines().count()), ("<end>", "<end>")));
    Err(format!("  line {}\n  expected: {left}\n  actual:   {right}", number + 1))
}

/// Messages that carry what only the Go program has, with the part that ours has to have in common with them. All others
/// are equal.
const COMMON_PARTS: [(&str, &str); 19] = [
    // pointers and dumps of structures
    (
        "error-duplicate-keys-in-a-resource",
        "yaml: unmarshal errors:\n  line 7: mapping key \"x\" already defined at line 5",
    ),
    (
        "error-generator-create-behavior-twice",
        "exists; can not use behavior: 'create', behavior must be merge or replace",
    ),
    (
        "error-generator-create-twice",
        "exists; can not use behavior: 'unspecified', behavior must be merge or replace",
    ),
    ("error-generator-merge-without-base", "does not exist; cannot merge or replace"),
    (
        "error-namespace-conflict",
        "namespace transformation produces ID conflict: [{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\"",
    ),
    ("error-validator-that-changes", "validator shouldn't modify the resource map: nodes unequal: "),
    ("error-validator-that-labels", "validator shouldn't modify the resource map: nodes unequal: "),
    ("error-var-ambiguous", "found 2 resId matches for var {NAME ConfigMap.v1.[noGrp]"),
    ("error-var-twice", "var 'NAME' already encountered"),
    // wording of Go's decoders, which changes with their release
    ("error-bad-regex-in-target", "error parsing regexp: "),
    (
        "error-crds-real-definition",
        "unable to parse open API definition from 'crd.yaml': error unmarshaling JSON: ",
    ),
    ("error-duplicate-null-key-after-json-patch", "Error: "),
    ("error-image-tag-that-is-a-boolean", "images.newTag of type string"),
    (
        "error-lenient-root-file-keeps-generators-strict",
        "json: cannot unmarshal number into Go struct field ",
    ),
    (
        "error-patches-json-6902-not-operations",
        "json: cannot unmarshal object into Go value of type jsonpatch.Patch",
    ),
    ("error-plugin-image-bad-field", "json: cannot unmarshal string into Go struct field "),
    ("error-openapi-bad-schema", "invalid schema file: "),
    // where the failure is noticed
    ("error-iam-other-cloud", "cloud provider aws not supported yet"),
    (
        "error-transformer-in-generators",
        "loading generator plugins: failed to load generator: plugin PrefixTransformer.builtin.[noGrp]/whatever.[noNs] ",
    ),
];

/// Accepts a message that is the recorded one, but for paths, dumps of Go structures and the words for a panic.
pub(crate) fn in_common(case: &Case, expected: &str, actual: &str, root: &Path) -> Result<(), String> {
    let outside = root.ancestors().nth(3).unwrap_or(root);
    let actual =
        actual.replace(root.to_str().unwrap(), "<root>").replace(outside.to_str().unwrap(), "<outside>");
    if let Some((_, part)) = COMMON_PARTS.iter().find(|(name, _)| *name == case.name) {
        assert!(expected.contains(part), "{}: {part:?} is not in {expected:?}", case.name);
        return if actual.contains(part) { Ok(()) } else { Err(format!("  {part:?} is not in {actual:?}")) };
    }
    match expected.strip_prefix("panic: ") {
        Some(value) => same(&format!("Error: recovered from kustomize build panic: {value}"), &actual),
        None => same(expected, &actual),
    }
}
