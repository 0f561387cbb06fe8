//! Memory that holds the program's own code and constants.
//!
//! A controller touches most of them when it starts and when much happens, and a tenth while it waits. Pages once
//! touched stay mapped, and count as the controller's, until the whole machine is short of memory. So they are handed back
//! from time to time: those in use come back from the page cache at the next touch, some microseconds later.

use std::ops::Range;
use std::time::Duration;

use rustix::mm::{Advice, madvise};

/// Time between two times.
const PERIOD: Duration = Duration::from_secs(30);

/// Hands back the pages of code from time to time, as long as the runtime lives.
pub(crate) async fn hand_back_regularly() {
    let program = program_pages();
    loop {
        tokio::time::sleep(PERIOD).await;
        program.iter().for_each(hand_back);
    }
}

/// Addresses of the program's code, which is the mapping that this function lies in, and of the constants before it, with
/// which its file begins. Neither is ever written. None of them without `/proc`.
fn program_pages() -> Vec<Range<usize>> {
    let here = program_pages as fn() -> Vec<Range<usize>> as usize;
    let mappings = fs_err::read_to_string("/proc/self/maps").unwrap_or_default();
    let mapping = |line: &str| {
        let (addresses, rest) = line.split_once(' ')?;
        let (start, end) = addresses.split_once('-')?;
        let addresses = usize::from_str_radix(start, 16).ok()?..usize::from_str_radix(end, 16).ok()?;
        Some((addresses, rest.to_owned()))
    };
    let mappings: Vec<_> = mappings.lines().filter_map(mapping).collect();
    let is_code =
        |(addresses, rest): &(Range<usize>, String)| addresses.contains(&here) && rest.starts_with("r-xp ");
    let Some(at) = mappings.iter().position(is_code) else { return Vec::new() };
    let (constants, code) = mappings.split_at(at);
    let constants = constants.last().filter(|(_, rest)| rest.starts_with("r--p 00000000 "));
    constants.into_iter().chain(code.first()).map(|(addresses, _)| addresses.clone()).collect()
}

#[expect(unsafe_code, reason = "the kernel's call takes addresses")]
fn hand_back(pages: &Range<usize>) {
    let start = std::ptr::with_exposed_provenance_mut(pages.start);
    // SAFETY: The pages are those of the program's file, never written and mapped as long as the process lives. The kernel
    // maps them again, with the same content, when they are touched.
    let advised = unsafe { madvise(start, pages.len(), Advice::LinuxDontNeed) };
    // nothing but memory depends on it
    debug_assert!(advised.is_ok(), "{advised:?}");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// KiB that are mapped.
    fn resident(pages: &Range<usize>) -> u64 {
        let mappings = fs_err::read_to_string("/proc/self/smaps").unwrap();
        let from = mappings.find(&format!("{:x}-{:x} ", pages.start, pages.end)).unwrap();
        let line = mappings[from..].lines().find_map(|line| line.strip_prefix("Rss:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    #[test]
    fn code_that_nobody_runs_is_handed_back() {
        let program = program_pages();
        assert_eq!(program.len(), 2);
        for pages in &program {
            let before = resident(pages);
            hand_back(pages);
            let after = resident(pages);
            assert!(after < before, "{after} KiB of {before}");
        }
        assert_eq!(program_pages(), program, "and still runs");
    }
}
