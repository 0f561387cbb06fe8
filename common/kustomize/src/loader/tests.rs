use super::*;
use crate::file_system::MemoryFileSystem;

fn files() -> MemoryFileSystem {
    MemoryFileSystem::from_iter([("/a/b/k", "1"), ("/a/c/k", "2"), ("/x/k", "3")])
}

#[test]
fn cycles_are_found() {
    let files = files();
    let target = Loader::at_target(&files, "/a/b", LoadRestrictions::None, None).unwrap();
    let message = |loader: &Loader<'_>, name: &str| loader.open(name).map(|_| ()).unwrap_err().message();
    assert_eq!(message(&target, "."), "cycle detected: candidate root '/a/b' contains visited root '/a/b'");
    assert_eq!(message(&target, ".."), "cycle detected: candidate root '/a' contains visited root '/a/b'");
    let next = target.open("../c").unwrap();
    assert_eq!(message(&next, "../b"), "cycle detected: candidate root '/a/b' contains visited root '/a/b'");
}

#[test]
fn roots_are_relative_directories() {
    let files = files();
    let target = Loader::at_target(&files, "/a/b", LoadRestrictions::None, None).unwrap();
    let message = |name: &str| target.open(name).map(|_| ()).unwrap_err().message();
    assert_eq!(message(""), "new root cannot be empty");
    assert_eq!(message("/a/c"), "new root '/a/c' cannot be absolute");
    assert_eq!(message("k"), "must build at directory: '/a/b/k': file is not directory");
    assert_eq!(
        message("no"),
        "must build at directory: not a valid directory: evalsymlink failure on '/a/b/no' : lstat /a/b/no: no such \
         file or directory"
    );
}

#[test]
fn the_root_only_restriction_holds() {
    let files = files();
    let target = Loader::at_target(&files, "/a/b", LoadRestrictions::RootOnly, None).unwrap();
    assert_eq!(target.load("k").unwrap(), b"1");
    let message = target.load("../c/k").unwrap_err().message();
    assert_eq!(message, "security; file '/a/c/k' is not in or below '/a/b'");
    let free = Loader::at_target(&files, "/a/b", LoadRestrictions::None, None).unwrap();
    assert_eq!(free.load("../../x/k").unwrap(), b"3");
}

#[test]
fn absolute_paths_name_files_only() {
    let files = files();
    let target = Loader::at_target(&files, "/a/b", LoadRestrictions::None, None).unwrap();
    assert_eq!(target.load("/a/c/k").unwrap(), b"2");
    assert_eq!(target.load("/a/b/../c/k").unwrap(), b"2");
    let message = target.open("/a/c").map(|_| ()).unwrap_err().message();
    assert_eq!(message, "new root '/a/c' cannot be absolute");
}
