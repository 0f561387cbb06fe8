use super::*;
use crate::chart::{Chart, File, Metadata};

fn chart() -> Chart {
    let file = |name: &str, data: &'static [u8]| File {
        name: name.to_owned(),
        data: data.into(),
        modified: Some("2024-05-06T07:08:09Z".parse().unwrap()),
    };
    Chart {
        metadata: Metadata { name: "app".to_owned(), version: "1.2.3".to_owned(), ..Metadata::default() },
        templates: vec![file("templates/a.yaml", b"kind: {{ .x }}\n")],
        files: vec![file("README.md", b"<readme>")],
        ..Chart::default()
    }
}

fn release() -> Release {
    let time = |text: &str| Some(text.parse().unwrap());
    let values = crate::values::read(b"a: {b: [1, null, x<y]}\n").unwrap();
    Release {
        name: "web".to_owned(),
        namespace: "shop".to_owned(),
        version: 3,
        info: Info {
            first_deployed: time("2024-05-06T07:08:09.123456789Z"),
            last_deployed: time("2025-05-06T07:08:09+02:00"),
            description: "Upgrade complete".to_owned(),
            status: Status::PendingUpgrade,
            notes: "Thanks\n".to_owned(),
            ..Info::default()
        },
        config: values,
        manifest: "---\n# Source: app/templates/a.yaml\nkind: A\n\n".to_owned(),
        hooks: vec![Hook {
            name: "job".to_owned(),
            events: vec![HookEvent::PreUpgrade, HookEvent::Test],
            weight: -1,
            delete_policies: vec!["hook-failed".to_owned()],
            last_run: HookExecution {
                started_at: time("2024-01-01T00:00:00Z"),
                phase: Some(HookPhase::Running),
                ..HookExecution::default()
            },
            ..Hook::default()
        }],
        apply_method: Some(ApplyMethod::ServerSide),
    }
}

#[test]
fn what_is_encoded_is_decoded() {
    let record = encode(&release(), &ChartRecord::new(&chart()));
    let (decoded, stored) = decode(record.as_bytes(), ChartPart::Metadata).unwrap();
    assert_eq!(decoded, release());
    assert_eq!(stored.metadata, serde_json::json!({"name": "app", "version": "1.2.3"}));
    assert!(stored.record.is_none());
}

#[test]
fn a_whole_chart_can_be_stored_again() {
    let record = encode(&release(), &ChartRecord::new(&chart()));
    let (_, stored) = decode(record.as_bytes(), ChartPart::Whole).unwrap();
    let again = encode(&release(), &stored.record.unwrap());
    let json = |record: &str| {
        use base64::Engine as _;
        use std::io::Read as _;
        let bytes = base64::engine::general_purpose::STANDARD.decode(record).unwrap();
        let mut json = String::new();
        flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_string(&mut json).unwrap();
        serde_json::from_str::<serde_json::Value>(&json).unwrap()
    };
    assert_eq!(json(&again), json(&record));
    let chart = &json(&record)["chart"];
    assert_eq!(chart["templates"][0]["data"], "a2luZDoge3sgLnggfX0K");
    assert_eq!(chart["templates"][0]["modtime"], "2024-05-06T07:08:09Z");
    assert_eq!(chart["schemamodtime"], "0001-01-01T00:00:00Z");
    assert_eq!(chart["lock"], serde_json::Value::Null);
}

#[test]
fn plain_json_and_empty_times_of_older_helm_are_read() {
    use base64::Engine as _;
    let json = r#"{"name":"a","info":{"first_deployed":"","status":"deployed"},"chart":null,"version":1,"hooks":[{"last_run":{"started_at":"","phase":""}}]}"#;
    let record = base64::engine::general_purpose::STANDARD.encode(json);
    let (release, _) = decode(record.as_bytes(), ChartPart::Metadata).unwrap();
    assert_eq!((release.info.status, release.info.first_deployed), (Status::Deployed, None));
    assert_eq!(release.hooks, [Hook::default()]);
}

#[test]
fn a_bomb_ends_in_an_error() {
    use base64::Engine as _;
    let bomb = encode::compress(&vec![b' '; (64 << 20) + 1]);
    let record = base64::engine::general_purpose::STANDARD.encode(bomb);
    let error = decode(record.as_bytes(), ChartPart::Metadata).unwrap_err();
    assert!(matches!(error, DecodeRecordError::TooLarge(_)), "{error}");
}

#[test]
fn the_newest_deployed_revision_is_never_surplus() {
    let history = [(4, Status::Failed), (1, Status::Superseded), (2, Status::Deployed), (3, Status::Failed)];
    assert_eq!(surplus(&history, 5), [0; 0]);
    assert_eq!(surplus(&history, 2), [1, 3, 4]);
    assert_eq!(surplus(&history, 3), [1, 3]);
    assert_eq!(surplus(&history, 0), [0; 0]);
}

#[test]
fn system_labels_are_reserved() {
    let own = |key: &str| std::collections::BTreeMap::from([(key.to_owned(), "x".to_owned())]);
    assert!(labels(&release(), &own("modifiedAt")).is_err());
    let found = labels(&release(), &own("team")).unwrap();
    let found: Vec<_> = found.iter().map(|(key, value)| format!("{key}={value}")).collect();
    assert_eq!(found, ["name=web", "owner=helm", "status=pending-upgrade", "team=x", "version=3"]);
    assert_eq!(secret_name("web", 3), "sh.helm.release.v1.web.v3");
}
