use std::io::Cursor;

use super::*;
use crate::digest::{Algorithm, Digest};

/// Packs directories (no content) and files, and gives the tar inside.
fn tar_of(entries: &[(&str, Option<(&str, Executable)>)]) -> Vec<u8> {
    let mut archive = ArchiveWriter::new(Vec::new()).expect("an archive");
    for (path, content) in entries {
        match content {
            None => archive.directory(path.as_bytes()),
            Some((text, executable)) => {
                archive.file(path.as_bytes(), *executable, text.len() as u64, Cursor::new(text))
            }
        }
        .expect(path);
    }
    let bytes = archive.finish().expect("the end");
    let mut tar = Vec::new();
    flate2::read::GzDecoder::new(bytes.as_slice()).read_to_end(&mut tar).expect("gzip");
    tar
}

fn digest_of(tar: &[u8]) -> String {
    Digest::of(Algorithm::Sha256, tar).hex().to_owned()
}

/// Digests recorded from upstream: `storage.Archive` of source-controller 1.9 on Go.
#[test]
fn the_tar_is_that_of_upstream_byte_for_byte() {
    let tar = tar_of(&[
        ("a.txt", Some(("hello\n", Executable::No))),
        ("bin", None),
        ("bin/run.sh", Some(("#!/bin/sh\n", Executable::Yes))),
        ("deploy", None),
        ("deploy/app.yaml", Some(("kind: Foo\n", Executable::No))),
    ]);
    assert_eq!(tar.len(), 5632);
    assert_eq!(digest_of(&tar), "e08f5dbc3b1131b78c845a3de9ede4f80f97289341fd1e5fbe9583b23ceea71d");
}

#[test]
fn long_and_foreign_names_are_those_of_upstream() {
    let long_directory = "d".repeat(60);
    let split = format!("{long_directory}/{}.yaml", "f".repeat(70));
    let unsplittable = format!("{}.yaml", "z".repeat(120));
    let tar = tar_of(&[
        ("a.txt", Some(("hello\n", Executable::No))),
        ("bin", None),
        ("bin/run.sh", Some(("#!/bin/sh\n", Executable::Yes))),
        (&long_directory, None),
        (&split, Some(("x", Executable::No))),
        ("deploy", None),
        ("deploy/app.yaml", Some(("kind: Foo\n", Executable::No))),
        (&unsplittable, Some(("x", Executable::No))),
        ("é.yaml", Some(("y", Executable::No))),
    ]);
    assert_eq!(tar.len(), 11264);
    assert_eq!(digest_of(&tar), "24c3e6333cc0217abee6b5c0e282264715b8a79e806e91806171600b385d6d28");
}

#[test]
fn the_gzip_header_is_bare() {
    let bytes = ArchiveWriter::new(Vec::new()).expect("an archive").finish().expect("the end");
    assert_eq!(bytes[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
}

#[test]
fn content_shorter_than_announced_is_an_error() {
    let mut archive = ArchiveWriter::new(Vec::new()).expect("an archive");
    let error = archive.file(b"a", Executable::No, 3, Cursor::new("ab")).expect_err("too short");
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
}
