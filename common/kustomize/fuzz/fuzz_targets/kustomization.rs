//! Whole builds: the input is a tree of files, each introduced by a line `@@ <path>`. Two builds have to agree.
#![no_main]

use flux_kustomize::file_system::MemoryFileSystem;
use flux_kustomize::{Options, build};
use libfuzzer_sys::fuzz_target;

fn tree(input: &[u8]) -> MemoryFileSystem {
    let mut files = MemoryFileSystem::new();
    let (mut path, mut content) = ("kustomization.yaml".to_owned(), Vec::new());
    for line in input.split_inclusive(|byte| *byte == b'\n') {
        if let Some(name) = line.strip_prefix(b"@@ ") {
            files.insert(&path, std::mem::take(&mut content));
            path = String::from_utf8_lossy(name).trim().to_owned();
        } else {
            content.extend_from_slice(line);
        }
    }
    files.insert(&path, content);
    files
}

fuzz_target!(|input: &[u8]| {
    let files = tree(input);
    let once = || match build(&files, "/", &Options::default()).and_then(|output| output.to_yaml()) {
        Ok(text) => text,
        Err(error) => error.message(),
    };
    assert_eq!(once(), once());
});
