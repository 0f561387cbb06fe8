use super::*;

#[test]
fn paths_lose_their_first_element_and_are_checked() {
    assert_eq!(name_in_chart("chart/templates/a.yaml").unwrap(), "templates/a.yaml");
    assert_eq!(name_in_chart("chart\\templates\\a.yaml").unwrap(), "templates/a.yaml");
    assert_eq!(name_in_chart("chart/a/../b").unwrap(), "b");
    let message = |path: &str| name_in_chart(path).unwrap_err().to_string();
    assert_eq!(message("chart//etc/passwd"), "chart illegally contains absolute paths");
    assert_eq!(message("chart"), "chart illegally contains content outside the base directory: \"chart\"");
    assert_eq!(
        message("chart/a/.."),
        "chart illegally contains content outside the base directory: \"chart/a/..\""
    );
    assert_eq!(message("chart/../../x"), "chart illegally references parent directory");
    assert_eq!(message("chart/c:/x"), "chart contains illegally named files");
    assert_eq!(message("Chart.yaml/x"), "chart yaml not in base directory");
}

#[test]
fn what_is_no_archive_is_told_apart() {
    let message = |bytes: &[u8]| Chart::from_archive(bytes, &Limits::default()).unwrap_err().to_string();
    assert_eq!(message(b""), "EOF");
    assert_eq!(message(b"apiVersion: v2\n"), "gzip: invalid header");
    assert_eq!(message(b"\x1f\x8b\x08\x00"), "unexpected EOF");
    let empty = {
        use std::io::Write as _;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&[0; 1024]).unwrap();
        encoder.finish().unwrap()
    };
    assert_eq!(message(&empty), "no files in chart archive");
}
