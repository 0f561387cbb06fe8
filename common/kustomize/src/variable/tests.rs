use std::sync::Arc;

use super::*;
use crate::gvk::Gvk;
use crate::schema::Schema;

fn map(text: &str) -> ResourceMap {
    let schema = Arc::new(Schema::built_in());
    let documents = flux_yaml::parse_documents(text.as_bytes()).unwrap();
    documents.into_iter().map(|node| Resource::new(node, &schema).unwrap()).collect()
}

fn var(name: &str, field_path: &str) -> Var {
    Var {
        name: name.to_owned(),
        gvk: Gvk::new("", "v1", "ConfigMap"),
        object_name: "source".to_owned(),
        field_path: field_path.to_owned(),
        ..Var::default()
    }
}

const RESOURCES: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: source}\ndata: {n: 5, t: web, l: [x, y], b: true}\n---\n\
                         apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {a: $(N), b: 'is $(T)', c: [$(L), $(B)], d: {k: \
                         $(N)$(X)}, e: 1}\n";

fn resolved(vars: &[Var], path: &str) -> Result<String, String> {
    let mut map = map(RESOURCES);
    register(&mut map, vars).map_err(|error| error.message())?;
    let specs = [FieldSpec::new(Gvk::default(), path, false)];
    resolve(&mut map, vars, &specs).map_err(|error| error.message())?;
    Ok(map.get(1).unwrap().node().get("spec").unwrap().to_value().unwrap().to_json())
}

#[test]
fn references_get_values_with_their_types() {
    let vars = [var("N", "data.n"), var("T", "data.t"), var("L", "data.l[1]"), var("B", "data.b")];
    for (path, expected) in [
        ("spec/a", r#""a":5"#),
        ("spec/b", r#""b":"is web""#),
        ("spec/c", r#""c":["y",true]"#),
        ("spec/d", r#""d":{"k":"5$(X)"}"#),
        ("spec/e", r#""e":1"#),
        ("spec/missing", r#""a":"$(N)""#),
    ] {
        let text = resolved(&vars, path).unwrap();
        assert!(text.contains(expected), "{path}: {text}");
    }
}

#[test]
fn vars_without_resource_or_field_are_errors() {
    assert_eq!(
        resolved(&[var("N", "data.x")], "spec/a").unwrap_err(),
        "field specified in var '{N ConfigMap.v1.[noGrp] {data.x}}' not found in corresponding resource"
    );
    let other = Var { object_name: "other".to_owned(), ..var("N", "data.n") };
    assert_eq!(
        resolved(&[other], "spec/a").unwrap_err(),
        "var '{N ConfigMap.v1.[noGrp] {data.n}}' cannot be mapped to a field in the set of known resources"
    );
    let mut twice = map(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: source, namespace: a}\n---\napiVersion: v1\nkind: ConfigMap\n\
         metadata: {name: source, namespace: b}\n",
    );
    assert_eq!(
        register(&mut twice, &[var("N", "data.n")]).unwrap_err().message(),
        "found 2 resId matches for var {N ConfigMap.v1.[noGrp] {data.n}} (unable to disambiguate)"
    );
    let in_namespace = Var { namespace: "b".to_owned(), ..var("N", "data.n") };
    register(&mut twice, &[in_namespace]).unwrap();
}
