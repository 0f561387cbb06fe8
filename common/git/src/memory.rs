//! Bounds of what libgit2 keeps in memory; its own defaults are made for work stations.

use std::sync::Once;

use git2::opts;

/// Most bytes of objects that are kept between reads.
const CACHE: isize = 2 * 1024 * 1024;
/// Bytes of a pack that are mapped at a time, and of all packs together.
const WINDOW: usize = 1024 * 1024;
const MAPPED: usize = 8 * 1024 * 1024;

/// Sets the bounds, once per process.
pub(crate) fn bound() {
    static ONCE: Once = Once::new();
    ONCE.call_once(set);
}

#[expect(unsafe_code, reason = "the bounds are globals of a C library, and this is the only way to set them")]
fn set() {
    // SAFETY: The first client is made before any repository is opened, and `Once` keeps others waiting, so nobody reads
    // these globals while they are written.
    let set = unsafe {
        opts::set_cache_max_size(CACHE)
            .and_then(|()| opts::set_mwindow_size(WINDOW))
            .and_then(|()| opts::set_mwindow_mapped_limit(MAPPED))
    };
    // they cannot fail with values that fit their types, and nothing but memory depends on them
    debug_assert!(set.is_ok(), "{set:?}");
}
