//! Slack, by webhook or by its API (contract, section 8.2).

use flux_api::Event;
use flux_api::event::{Severity, escape_as_go};
use http::{HeaderMap, HeaderValue, header};
use serde::Serialize;

use super::{NotifierError, Options, hook_url, object_line};
use crate::sender::{Message, Success};

/// Address of Slack's API, whose answers tell of success in the body.
const API: &str = "https://slack.com/api/chat.postMessage";

#[derive(Serialize)]
struct Payload<'a> {
    channel: &'a str,
    username: &'a str,
    icon_url: &'a str,
    icon_emoji: &'a str,
    attachments: [Attachment<'a>; 1],
}

#[derive(Serialize)]
struct Attachment<'a> {
    fallback: String,
    color: &'a str,
    author_name: String,
    text: &'a str,
    mrkdwn_in: [&'a str; 1],
    fields: Vec<Field<'a>>,
}

#[derive(Serialize)]
struct Field<'a> {
    title: &'a str,
    value: &'a str,
    short: bool,
}

pub(super) fn message(options: &Options, event: &Event) -> Result<Message, NotifierError> {
    let url = hook_url("Slack ", &options.address)?;
    let object = object_line(event);
    let first_line = event.message.lines().next().unwrap_or_default();
    let username = if options.username.is_empty() {
        event.reporting_controller.as_str()
    } else {
        options.username.as_str()
    };
    let fields = event.metadata.iter().map(|(title, value)| Field { title, value, short: false });
    let payload = Payload {
        channel: &options.channel,
        username,
        icon_url: "",
        icon_emoji: "",
        attachments: [Attachment {
            fallback: format!("{object}: {first_line}"),
            color: if event.has_severity(Severity::Error) { "danger" } else { "good" },
            author_name: object,
            text: &event.message,
            mrkdwn_in: ["text"],
            fields: fields.collect(),
        }],
    };
    let body = serde_json::to_string(&payload).map_err(NotifierError::Encode)?;
    let mut headers = HeaderMap::new();
    if let Some(token) = options.token.as_ref().filter(|token| !token.expose().is_empty()) {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose()))
            .map_err(NotifierError::HeaderValue)?;
        value.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, value);
    }
    let success = if options.address == API { Success::SlackAnswer } else { Success::Status };
    Ok(Message { url, headers, body: escape_as_go(&body), success })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::tests::event;

    #[test]
    fn the_payload_is_slacks() {
        let mut event = event(&[("revision", "main")]);
        event.message = "failed <x>\nmore".to_owned();
        event.severity = "error".to_owned();
        let options =
            Options { address: API.to_owned(), channel: "general".to_owned(), ..Options::default() };
        let message = message(&options, &event).unwrap();
        assert_eq!(
            message.body,
            concat!(
                r#"{"channel":"general","username":"kustomize-controller","icon_url":"","icon_emoji":"","#,
                r#""attachments":[{"fallback":"kustomization/podinfo.apps: failed \u003cx\u003e","color":"danger","#,
                r#""author_name":"kustomization/podinfo.apps","text":"failed \u003cx\u003e\nmore","#,
                r#""mrkdwn_in":["text"],"fields":[{"title":"revision","value":"main","short":false}]}]}"#
            )
        );
        assert_eq!(message.success, Success::SlackAnswer);
        assert!(message.headers.get("authorization").is_none());
    }
}
