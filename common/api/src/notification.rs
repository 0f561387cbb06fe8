//! The kinds of `notification.toolkit.fluxcd.io`.

mod alert;
mod provider;
mod receiver;

pub use alert::{Alert, AlertSpec, EventSeverityFilter, EventSource, EventSourceKind};
pub use provider::{Provider, ProviderSpec, ProviderType};
pub use receiver::{
    OidcProvider, OidcValidation, OidcVariable, Receiver, ReceiverResource, ReceiverSpec, ReceiverStatus,
    ReceiverType,
};
