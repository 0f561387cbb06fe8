use super::*;

fn resource(text: &str) -> Resource {
    let node = flux_yaml::parse_document(text.as_bytes()).unwrap().unwrap();
    Resource::new(node, &Arc::new(Schema::built_in())).unwrap()
}

fn config_map(name: &str, rest: &str) -> Resource {
    resource(&format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n{rest}"))
}

#[test]
fn ids_are_unique_by_effective_namespace() {
    let mut map = ResourceMap::new();
    map.append(config_map("a", "")).unwrap();
    let message = map
        .append(resource("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: default}"))
        .unwrap_err()
        .message();
    assert_eq!(message, "may not add resource with an already registered id: ConfigMap.v1.[noGrp]/a.default");
}

#[test]
fn the_index_follows_changes() {
    let mut map: ResourceMap = [config_map("a", ""), config_map("b", "")].into_iter().collect();
    let old = map.get(0).unwrap().id().clone();
    assert_eq!(map.find(&old).unwrap(), 0);
    let first = map.get_mut(0).unwrap();
    first.store_previous_id().unwrap();
    first.set_name("c");
    let new = map.get(0).unwrap().id().clone();
    assert_eq!((map.with_current_id(&old), map.with_any_id(&old)), (vec![], vec![0]));
    assert_eq!(map.with_current_id(&new), [0]);
    map.retain(|resource| resource.name() == "b");
    assert!(map.find(&new).is_err());
    map.append(config_map("a", "")).unwrap();
    assert_eq!(map.with_any_id(&old), [1]);
}

#[test]
fn names_and_kinds_narrow_to_those_that_have_or_had_them() {
    let service = resource("apiVersion: v1\nkind: Service\nmetadata: {name: a}");
    let mut map: ResourceMap =
        [config_map("a", ""), config_map("b", ""), service, config_map("c", "")].into_iter().collect();
    assert_eq!(map.having(None, None), [0, 1, 2, 3]);
    assert_eq!(map.having(Some("a"), None), [0, 2]);
    assert_eq!(map.having(None, Some("ConfigMap")), [0, 1, 3]);
    let renamed = map.get_mut(3).unwrap();
    renamed.store_previous_id().unwrap();
    renamed.set_name("a");
    renamed.set_kind("Service");
    assert_eq!(map.having(Some("a"), None), [0, 2, 3]);
    assert_eq!(map.having(Some("c"), Some("Service")), [3]);
    assert_eq!(map.having(None, Some("Service")), [2, 3]);
    map.get_mut(0).unwrap().set_name("d");
    assert_eq!(map.having(Some("a"), None), [2, 3]);
    assert_eq!(map.having(Some("absent"), None), [0; 0]);
}

#[test]
fn a_merged_config_map_keeps_place_and_old_data() {
    let mut map: ResourceMap =
        [config_map("a", "data: {x: 1, y: 2}"), config_map("b", "")].into_iter().collect();
    let mut generated = config_map("a", "data: {y: 3}");
    generated.records_mut().behavior = Behavior::Merge;
    map.absorb(generated).unwrap();
    let value = map.get(0).unwrap().node().get("data").unwrap().to_value().unwrap();
    assert_eq!(value.to_json(), r#"{"x":"1","y":"3"}"#);
    let mut generated = config_map("z", "");
    generated.records_mut().behavior = Behavior::Merge;
    let message = map.absorb(generated).unwrap_err().message();
    assert!(message.ends_with("does not exist; cannot merge or replace"), "{message}");
}

#[test]
fn what_became_empty_is_dropped() {
    let mut map: ResourceMap =
        [config_map("a", ""), config_map("b", ""), config_map("c", "")].into_iter().collect();
    map.drop_empty();
    assert_eq!(map.len(), 3);
    *map.get_mut(1).unwrap().node_mut() = flux_yaml::Node::null();
    map.drop_empty();
    let names: Vec<_> = map.iter().map(Resource::name).collect();
    assert_eq!(names, ["a", "c"]);
    map.append(config_map("d", "")).unwrap();
    *map.get_mut(2).unwrap().node_mut() = flux_yaml::Node::mapping();
    map.drop_empty();
    assert_eq!(map.len(), 2);
}
