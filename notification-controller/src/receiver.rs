//! Receivers: their path and state (contract, section 9).

use std::time::Duration;

use flux_api::ConditionStatus;
use flux_api::notification::{Receiver, ReceiverSpec, ReceiverStatus, ReceiverType};
use flux_api::well_known::{FINALIZER, NOTIFICATION_GROUP};
use flux_driver::{
    Class, ConditionChange, Course, Ending, Fact, Failure, Kind, Measured, Next, Notice, NoticeType, Outcome,
    Phase, Profile, Reference, Report, Rules, Run, Schedule, SourceWatch, Suspend, Verdict, message,
    version_changed,
};
use flux_kube::{Content, Error as KubeError, Identity, ObjectName, Resource, Watch};
use sha2::{Digest as _, Sha256};

use crate::provider::read_secret;

pub mod signature;

/// Resource of Receivers.
pub const RECEIVER: Resource = Resource::namespaced(NOTIFICATION_GROUP, "v1", "Receiver", "receivers");
/// Interval if the Receiver names none; the API server sets the same.
const DEFAULT_INTERVAL: Duration = Duration::from_mins(10);
/// Bound of a run, which reads one Secret.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Which changes of Secrets wake Receivers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretWatch {
    /// None (gate `DisableConfigWatchers`).
    Off,
    /// Those of Secrets with these labels, in this namespace; empty means all.
    Labelled {
        /// Label selector.
        selector: String,
        /// Namespace.
        namespace: String,
    },
}

/// Gives each Receiver its path.
#[derive(Debug)]
pub struct ReceiverKind {
    /// Which changes of Secrets wake Receivers.
    pub secrets: SecretWatch,
}

/// What a run needs of the spec.
#[derive(Debug)]
pub struct Plan {
    secret: ObjectName,
    interval: Duration,
}

/// The Receiver has a path.
#[derive(Debug)]
pub struct Initialized(String);

impl Fact for Initialized {
    fn changes(&self) -> Vec<ConditionChange> {
        let text = format!("Receiver initialized for path: {}", self.0);
        vec![ConditionChange::set("Ready", ConditionStatus::True, "Succeeded", text)]
    }
}

/// A run has no parts that a user sees.
#[derive(Debug)]
pub struct Reconciling;

impl Phase for Reconciling {
    fn message(&self) -> String {
        "Reconciliation in progress".to_owned()
    }
}

/// A Receiver cannot be given a path.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The Secret cannot be read.
    #[error("unable to read token from secret '{secret}' error")]
    Secret {
        /// Namespace and name.
        secret: String,
        /// What the API server said.
        #[source]
        source: KubeError,
    },
    /// The Secret has no token.
    #[error("invalid '{0}' secret data: required fields 'token'")]
    NoToken(String),
    /// The spec contradicts itself.
    #[error("{0}")]
    Invalid(&'static str),
    /// The spec asks for something that is not there yet.
    #[error("{0} is not supported yet")]
    Unsupported(String),
}

impl Failure for Error {
    fn verdict(&self) -> Verdict {
        match self {
            // the event has a reason of its own, and comes from `notices`
            Self::Secret { .. } | Self::NoToken(_) => {
                Verdict::transient("TokenNotFound").report(Report::Silent)
            }
            Self::Invalid(_) => Verdict::new(Class::Terminal, "ValidationFailed"),
            Self::Unsupported(_) => Verdict::stalled("UnsupportedFeature"),
        }
    }

    fn condition_message(&self) -> String {
        match self {
            Self::Invalid(_) => {
                format!("Reconciliation failed terminally due to configuration error: {}", message(self))
            }
            Self::Secret { .. } | Self::NoToken(_) | Self::Unsupported(_) => message(self),
        }
    }
}

impl Kind for ReceiverKind {
    type Object = Receiver;
    type Status = ReceiverStatus;
    type Plan = Plan;
    type Fact = Initialized;
    type Phase = Reconciling;
    type Error = Error;
    const PROFILE: &'static Profile = &Profile {
        resource: RECEIVER,
        controller: "notification-controller",
        field_manager: "notification-controller",
        finalizer: Some(FINALIZER),
        suspend: Suspend::Spec,
        rules: Rules::Direct,
        owned: &[],
        measured: Measured::Yes,
    };

    fn watches(&self) -> Vec<SourceWatch<Self>> {
        let SecretWatch::Labelled { selector, namespace } = &self.secrets else { return Vec::new() };
        let watch = Watch {
            namespace: namespace.clone(),
            label_selector: selector.clone(),
            content: Content::Metadata,
            ..Watch::all(Resource::SECRET)
        };
        vec![SourceWatch {
            watch,
            project: |_| serde_json::Value::Null,
            passes: version_changed,
            concerns: |_, _| true,
        }]
    }

    fn references(&self, object: &Receiver) -> Vec<Reference> {
        let namespace = object.metadata.namespace.as_deref().unwrap_or_default();
        object
            .spec
            .secret_ref
            .iter()
            .map(|secret| Reference::new("Secret", namespace, &secret.name))
            .collect()
    }

    fn plan(&self, object: &Receiver) -> Result<Plan, Error> {
        let secret = validate(&object.spec)?;
        let namespace = object.metadata.namespace.as_deref().unwrap_or_default();
        let interval = object.spec.interval.map_or(DEFAULT_INTERVAL, flux_api::GoDuration::to_std);
        Ok(Plan { secret: ObjectName::new(namespace, secret), interval })
    }

    fn schedule(&self, plan: &Plan) -> Schedule {
        Schedule { interval: plan.interval, retry: None, timeout: TIMEOUT }
    }

    async fn reconcile(&self, run: &mut Run<'_, Self>, plan: &Plan) -> Result<Outcome, Error> {
        run.progress(&Reconciling);
        let token = self.read_token(run, plan).await;
        let path = match &token {
            Ok(token) => webhook_path(token, run.name()),
            Err(_) => String::new(),
        };
        run.status(|status| status.webhook_path = (!path.is_empty()).then(|| path.clone()));
        token?;
        run.fact(&Initialized(path));
        Ok(Outcome::Done(Next::Interval))
    }

    fn notices(&self, ending: &Ending<'_, Self>) -> Vec<Notice> {
        let ready = flux_api::find_condition(ending.conditions, "Ready");
        if ending.course == Course::Failed && ready.is_some_and(|ready| ready.reason == "TokenNotFound") {
            let text = ready.map(|ready| ready.message.clone()).unwrap_or_default();
            return vec![Notice::new(NoticeType::Warning, "Failed", text)];
        }
        if ending.course == Course::Failed || !ending.is_ready() {
            return Vec::new();
        }
        let interval = ending.object.spec.interval.map_or(DEFAULT_INTERVAL, flux_api::GoDuration::to_std);
        let text = format!("Reconciliation finished, next run in {}", flux_api::GoDuration::from(interval));
        vec![Notice::new(NoticeType::Normal, "Succeeded", text)]
    }
}

impl ReceiverKind {
    async fn read_token(&self, run: &Run<'_, Self>, plan: &Plan) -> Result<Vec<u8>, Error> {
        let failed = |source| Error::Secret { secret: plan.secret.to_string(), source };
        let target = run.target(&Identity::Controller).map_err(failed)?;
        let secret = read_secret(&target, &plan.secret).await.map_err(failed)?;
        let token = secret.bytes("token").ok_or_else(|| Error::NoToken(plan.secret.to_string()))?;
        Ok(token.to_vec())
    }
}

/// Checks the spec; the name of the Secret.
fn validate(spec: &ReceiverSpec) -> Result<&str, Error> {
    if spec.resource_filter.as_deref().is_some_and(|filter| !filter.is_empty()) {
        return Err(Error::Unsupported("spec.resourceFilter".to_owned()));
    }
    let is_filtered = |filter: &Option<String>| filter.as_deref().is_some_and(|filter| !filter.is_empty());
    if let Some(index) = spec.resources.iter().position(|resource| is_filtered(&resource.filter)) {
        return Err(Error::Unsupported(format!("spec.resources[{index}].filter")));
    }
    if !matches!(spec.receiver_type, ReceiverType::Generic | ReceiverType::GenericHmac | ReceiverType::GitHub)
    {
        return Err(Error::Unsupported(format!("spec.type '{}'", spec.receiver_type)));
    }
    if !spec.oidc_providers.is_empty() {
        return Err(Error::Invalid("oidcProviders can only be set when type is generic-oidc"));
    }
    let secret = spec.secret_ref.as_ref();
    secret
        .map(|secret| secret.name.as_str())
        .ok_or(Error::Invalid("secretRef is required when type is not generic-oidc"))
}

/// The path is as hard to guess as the token is.
fn webhook_path(token: &[u8], name: &ObjectName) -> String {
    let mut hash = Sha256::new();
    hash.update(token);
    hash.update(&name.name);
    hash.update(&name.namespace);
    format!("/hook/{}", hex::encode(hash.finalize()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn spec(fields: Value) -> ReceiverSpec {
        let mut spec = json!({"type": "generic", "resources": [], "secretRef": {"name": "token"}});
        spec.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        serde_json::from_value(spec).unwrap()
    }

    #[test]
    fn the_path_is_a_hash_of_token_name_and_namespace() {
        let want = "/hook/5460a1a1bc92ca1f1e4ea7705a948d52cc5a297f346784e4ee68ef9dd8f448d7";
        assert_eq!(webhook_path(b"test-token", &ObjectName::new("ns", "rcvr")), want);
        let want = hex::encode(Sha256::digest(b"s3cret\nhookapps"));
        assert_eq!(webhook_path(b"s3cret\n", &ObjectName::new("apps", "hook")), format!("/hook/{want}"));
    }

    #[test]
    fn what_is_not_there_yet_is_refused_by_name() {
        for (fields, want) in [
            (json!({"resourceFilter": "true"}), "spec.resourceFilter is not supported yet"),
            (json!({"type": "gitlab"}), "spec.type 'gitlab' is not supported yet"),
            (
                json!({"resources": [{"kind": "Bucket", "name": "a"}, {"kind": "Bucket", "name": "b", "filter": "x"}]}),
                "spec.resources[1].filter is not supported yet",
            ),
        ] {
            let error = validate(&spec(fields)).unwrap_err();
            assert_eq!(error.to_string(), want);
            assert_eq!(
                (error.verdict().class, error.verdict().reason),
                (Class::Stalled, "UnsupportedFeature")
            );
        }
    }

    #[test]
    fn a_contradiction_is_terminal() {
        let error = validate(&spec(json!({"secretRef": null}))).unwrap_err();
        assert_eq!(
            error.condition_message(),
            "Reconciliation failed terminally due to configuration error: secretRef is required when type is not \
             generic-oidc"
        );
        assert_eq!(error.verdict().reason, "ValidationFailed");
    }
}
