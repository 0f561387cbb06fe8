//! Reading the variables of `spec.postBuild`, and hearing of their changes.

use super::Kustomizations;
use super::error::Error;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flux_api::kustomize::{PostBuild, SubstituteReference, SubstituteStrategy, VariableSourceKind};
use flux_driver::{Run, SourceWatch, version_changed};
use flux_kube::{Content, Identity, ObjectName, Resource, Watch};
use flux_kustomize::substitution::{Strategy, Variables};
use serde_json::Value;

/// Watches of the ConfigMaps and Secrets with these labels; nothing of them is kept but their versions.
pub(super) fn watches(label_selector: &str) -> [SourceWatch<Kustomizations>; 2] {
    [Resource::CONFIG_MAP, Resource::SECRET].map(|resource| SourceWatch {
        watch: Watch {
            label_selector: label_selector.to_owned(),
            content: Content::Metadata,
            ..Watch::all(resource)
        },
        project: |_| Value::Null,
        passes: version_changed,
        concerns: |_, _| true,
    })
}

/// When resources go through substitution.
pub(super) fn strategy(post_build: &PostBuild) -> Strategy {
    match post_build.substitute_strategy {
        Some(SubstituteStrategy::Always) => Strategy::Always,
        Some(SubstituteStrategy::WithVariables) | None => Strategy::WithVariables,
    }
}

/// The values of all references in their order, then those of the spec; later ones win.
///
/// Read with the controller's own rights and from the Kustomization's namespace only (contract 13.1, Flux 2.9).
pub(super) async fn read(run: &Run<'_, Kustomizations>, post_build: &PostBuild) -> Result<Variables, Error> {
    let mut variables = Variables::default();
    for reference in &post_build.substitute_from {
        if let Some(object) = object(run, reference).await? {
            variables.extend(values(&object, reference.kind));
        }
    }
    variables.extend(post_build.substitute.iter().map(|(name, value)| (name.clone(), value.clone())));
    Ok(variables)
}

async fn object(
    run: &Run<'_, Kustomizations>,
    reference: &SubstituteReference,
) -> Result<Option<Value>, Error> {
    let target = run.target(&Identity::Controller).map_err(Error::Client)?;
    let resource = match reference.kind {
        VariableSourceKind::ConfigMap => Resource::CONFIG_MAP,
        VariableSourceKind::Secret => Resource::SECRET,
    };
    let name = ObjectName::new(&run.name().namespace, &reference.name);
    match target.get_as::<Value>(&resource, &name).await {
        Ok(object) => Ok(Some(object)),
        Err(error) if error.is_not_found() && reference.optional => Ok(None),
        Err(source) => {
            Err(Error::Variables { reference: format!("{}/{}", reference.kind, reference.name), source })
        }
    }
}

/// `data` as text; what is not UTF-8 is shown with replacement characters.
fn values(object: &Value, kind: VariableSourceKind) -> Vec<(String, String)> {
    let data = object.get("data").and_then(Value::as_object);
    let text = |value: &str| match kind {
        VariableSourceKind::ConfigMap => value.to_owned(),
        VariableSourceKind::Secret => {
            String::from_utf8_lossy(&STANDARD.decode(value).unwrap_or_default()).into_owned()
        }
    };
    data.into_iter().flatten().filter_map(|(key, value)| Some((key.clone(), text(value.as_str()?)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn secrets_are_decoded() {
        let secret = json!({"data": {"a": "YmI="}, "binaryData": {"c": "ZA=="}});
        assert_eq!(values(&secret, VariableSourceKind::Secret), [("a".to_owned(), "bb".to_owned())]);
        let map = json!({"data": {"a": "YmI="}});
        assert_eq!(values(&map, VariableSourceKind::ConfigMap), [("a".to_owned(), "YmI=".to_owned())]);
    }
}
