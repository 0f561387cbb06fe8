//! What lies in `charts/crds` is what the types give.

use std::path::Path;

use flux_api::crd;

#[test]
fn the_definitions_in_the_charts_are_current() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../charts/crds");
    let definitions = crd::definitions("flux-system", "v2.9.0");
    for definition in &definitions {
        let text = fs_err::read_to_string(directory.join(&definition.file_name)).unwrap();
        assert!(
            text == definition.to_yaml(),
            "{} is stale: run `cargo run -p flux-api --bin crdgen`",
            definition.file_name
        );
    }
    let files = fs_err::read_dir(&directory).unwrap().count();
    assert_eq!(files, definitions.len(), "a file in charts/crds belongs to no kind");
}
