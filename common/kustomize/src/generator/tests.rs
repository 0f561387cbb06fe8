use super::*;
use crate::file_system::MemoryFileSystem;
use crate::loader::LoadRestrictions;

fn generated(what: Generated, args: &GeneratorArgs) -> Result<String> {
    let mut files = MemoryFileSystem::new();
    files.insert("/k/binary", vec![0xff; 60]);
    files.insert("/k/text", "line\n");
    let loader = Loader::at_target(&files, "/k", LoadRestrictions::None, None)?;
    let resource = generate(what, args, &loader, &Arc::new(Schema::built_in()))?;
    Ok(flux_yaml::to_sorted_yaml(resource.node()).unwrap())
}

fn args(literals: &[&str], files: &[&str]) -> GeneratorArgs {
    let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
    GeneratorArgs {
        name: "c".to_owned(),
        literals: texts(literals),
        files: texts(files),
        ..GeneratorArgs::default()
    }
}

#[test]
fn config_maps_tell_text_from_binary() {
    let text = generated(Generated::ConfigMap, &args(&["a=1"], &["binary", "text"])).unwrap();
    let line = "/".repeat(70);
    let expected = format!(
        "apiVersion: v1\nbinaryData:\n  binary: |\n    {line}\n    //////////\ndata:\n  a: \"1\"\n  text: |\n    line\n\
         kind: ConfigMap\nmetadata:\n  name: c\n"
    );
    assert_eq!(text, expected);
}

#[test]
fn secrets_are_opaque_and_always_have_data() {
    let text = generated(Generated::Secret, &args(&[], &[])).unwrap();
    assert_eq!(text, "apiVersion: v1\ndata: {}\nkind: Secret\nmetadata:\n  name: c\ntype: Opaque\n");
}

#[test]
fn keys_are_unique_and_names_needed() {
    let message = generated(Generated::Secret, &args(&["a=1", "a=2"], &[])).unwrap_err().message();
    assert_eq!(message, "configmap c illegally repeats the key `a`");
    let message = generated(Generated::ConfigMap, &GeneratorArgs::default()).unwrap_err().message();
    assert_eq!(message, "a configmap must have a name");
}

#[test]
fn options_add_metadata() {
    let options = GeneratorOptions {
        labels: [("l".to_owned(), "1".to_owned())].into(),
        immutable: true,
        ..GeneratorOptions::default()
    };
    let args = GeneratorArgs { options: Some(options), ..args(&[], &[]) };
    let text = generated(Generated::ConfigMap, &args).unwrap();
    assert_eq!(
        text,
        "apiVersion: v1\nimmutable: true\nkind: ConfigMap\nmetadata:\n  labels:\n    l: \"1\"\n  name: c\n"
    );
}
