//! Patches of both kinds: the input is a resource file, a line `@@`, and a patch, which is applied with and without a
//! target.
#![no_main]

use flux_kustomize::file_system::MemoryFileSystem;
use flux_kustomize::{Options, build};
use libfuzzer_sys::fuzz_target;

const UNTARGETED: &str = "resources: [r.yaml]\npatches: [{path: p.yaml}]\n";
const TARGETED: &str = "resources: [r.yaml]\npatches: [{path: p.yaml, target: {kind: .*}, options: {allowNameChange: \
                        true, allowKindChange: true}}]\n";

fuzz_target!(|input: &[u8]| {
    let separator = input.windows(4).position(|bytes| bytes == b"\n@@\n");
    let (resources, patch) = match separator {
        Some(at) => (&input[..=at], &input[at + 4..]),
        None => (input, input),
    };
    for kustomization in [UNTARGETED, TARGETED] {
        let files = MemoryFileSystem::from_iter([
            ("/kustomization.yaml", kustomization.as_bytes()),
            ("/r.yaml", resources),
            ("/p.yaml", patch),
        ]);
        let _ = build(&files, "/", &Options::default()).and_then(|output| output.to_yaml());
    }
});
