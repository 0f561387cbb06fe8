//! The event as JSON, with or without a signature (contract, section 8.1).

use aws_lc_rs::hmac;
use flux_api::Event;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::{NotifierError, Options, hook_url};
use crate::sender::{Message, Success};

pub(super) fn message(options: &Options, event: &Event) -> Result<Message, NotifierError> {
    let url = hook_url("", &options.address)?;
    let mut headers = HeaderMap::new();
    let component = HeaderValue::from_str(&event.reporting_controller).map_err(NotifierError::HeaderValue)?;
    headers.insert("gotk-component", component);
    for (name, value) in &options.headers {
        let name: HeaderName = name.parse().map_err(NotifierError::HeaderName)?;
        headers.insert(name, HeaderValue::from_str(value).map_err(NotifierError::HeaderValue)?);
    }
    let body = event.to_json().map_err(NotifierError::Encode)?;
    Ok(Message { url, headers, body, success: Success::Status })
}

pub(super) fn signed_message(options: &Options, event: &Event) -> Result<Message, NotifierError> {
    let token = options.token.as_ref().filter(|token| !token.expose().is_empty());
    let token = token.ok_or(NotifierError::EmptyKey)?;
    let mut message = message(options, event)?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, token.expose().as_bytes());
    let signature = format!("sha256={}", hex::encode(hmac::sign(&key, message.body.as_bytes())));
    let signature = HeaderValue::from_str(&signature).map_err(NotifierError::HeaderValue)?;
    message.headers.insert("x-signature", signature);
    Ok(message)
}

#[cfg(test)]
mod tests {
    use flux_net::Secret;

    use super::*;
    use crate::metadata::tests::event;

    fn options() -> Options {
        Options { address: "https://user:pass@hook.example/path".to_owned(), ..Options::default() }
    }

    #[test]
    fn headers_of_the_secret_go_before_our_own() {
        let mut options = options();
        options.headers.insert("Gotk-Component".to_owned(), "mine".to_owned());
        options.headers.insert("Authorization".to_owned(), "Bearer x".to_owned());
        let message = message(&options, &event(&[])).unwrap();
        assert_eq!(message.headers["gotk-component"], "mine");
        assert_eq!(message.headers["authorization"], "Bearer x");
        assert_eq!(message.url.to_string(), "https://hook.example/path");
    }

    #[test]
    fn the_signature_covers_the_body() {
        let options = Options { token: Some(Secret::new("key".to_owned())), ..options() };
        let message = signed_message(&options, &event(&[])).unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"key");
        let signature = message.headers["x-signature"].to_str().unwrap().strip_prefix("sha256=").unwrap();
        hmac::verify(&key, message.body.as_bytes(), &hex::decode(signature).unwrap()).unwrap();
    }

    #[test]
    fn the_signature_is_the_contracts() {
        let event: Event = serde_json::from_str(concat!(
            r#"{"involvedObject":{"kind":"GitRepository","namespace":"gitops-system","name":"webapp"},"#,
            r#""severity":"info","timestamp":"2022-09-30T06:40:29Z","message":"message","reason":"reason","#,
            r#""metadata":{"test":"metadata"},"reportingController":"source-controller","#,
            r#""reportingInstance":"source-controller-xyz"}"#
        ))
        .unwrap();
        let token = Some(Secret::new("7152fed34dd6149a7c75a276c510da27cb6f82b0".to_owned()));
        let message = signed_message(&Options { token, ..options() }, &event).unwrap();
        assert_eq!(
            message.headers["x-signature"],
            "sha256=65b018549b1254e7226d1c08f9567ee45bc9de0fc4e7b1a40253f9a018b08be7"
        );
    }

    #[test]
    fn an_empty_key_and_a_broken_address_are_refused() {
        let error = signed_message(&options(), &event(&[])).unwrap_err();
        assert_eq!(error.to_string(), "HMAC key is empty");
        let nowhere = Options { address: "not a url".to_owned(), ..Options::default() };
        assert_eq!(message(&nowhere, &event(&[])).unwrap_err().to_string(), "invalid hook URL not a url");
    }
}
