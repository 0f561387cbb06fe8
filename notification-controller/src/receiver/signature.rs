//! Checks of a webhook's sender (contract, section 10.2).

use aws_lc_rs::hmac::{self, HMAC_SHA1_FOR_LEGACY_USE_ONLY, HMAC_SHA256, HMAC_SHA512};
use flux_api::notification::{ReceiverSpec, ReceiverType};
use http::{HeaderMap, header};

/// A request is refused; the text is for the log only.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The body is not signed.
    #[error("the signature header is missing")]
    NoSignature,
    /// The signature is not `<algorithm>=<hexadecimal digits>`.
    #[error("the signature is malformed")]
    MalformedSignature,
    /// The signature is another key's, or another body's.
    #[error("the signature does not match")]
    WrongSignature,
    /// The body is neither JSON nor a form.
    #[error("the media type is not supported")]
    MediaType,
    /// The event is not one that the Receiver acts on.
    #[error("the event {0:?} is not authorised")]
    Event(String),
    /// The type of the Receiver is not there yet.
    #[error("the receiver type is not supported")]
    Type,
}

/// Checks a request against its Receiver; `token` is the Secret's, as it stands.
///
/// # Errors
/// [`Refused`] if the sender is not who it should be, or the event is not wanted.
pub fn check(spec: &ReceiverSpec, token: &[u8], headers: &HeaderMap, body: &[u8]) -> Result<(), Refused> {
    match spec.receiver_type {
        ReceiverType::Generic => Ok(()),
        ReceiverType::GenericHmac => {
            verify(headers.get("x-signature").ok_or(Refused::NoSignature)?.as_bytes(), token, body)
        }
        ReceiverType::GitHub => {
            let media_type = text(headers, header::CONTENT_TYPE.as_str());
            let media_type = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
            if !matches!(media_type.as_str(), "application/json" | "application/x-www-form-urlencoded") {
                return Err(Refused::MediaType);
            }
            let signature = headers.get("x-hub-signature-256").or_else(|| headers.get("x-hub-signature"));
            match signature {
                Some(signature) => verify(signature.as_bytes(), token, body)?,
                // an empty token means that nothing is signed
                None if token.is_empty() => {}
                None => return Err(Refused::NoSignature),
            }
            let event = text(headers, "x-github-event");
            if spec.events.is_empty()
                || spec.events.iter().any(|wanted| wanted.to_lowercase() == event.to_lowercase())
            {
                Ok(())
            } else {
                Err(Refused::Event(event.to_owned()))
            }
        }
        ReceiverType::GenericOidc
        | ReceiverType::GitLab
        | ReceiverType::Bitbucket
        | ReceiverType::Harbor
        | ReceiverType::DockerHub
        | ReceiverType::Quay
        | ReceiverType::Gcr
        | ReceiverType::Nexus
        | ReceiverType::Acr
        | ReceiverType::CdEvents => Err(Refused::Type),
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Compares in constant time.
fn verify(signature: &[u8], token: &[u8], body: &[u8]) -> Result<(), Refused> {
    let signature = std::str::from_utf8(signature).map_err(|_| Refused::MalformedSignature)?;
    let (algorithm, digits) = signature.split_once('=').ok_or(Refused::MalformedSignature)?;
    let algorithm = match algorithm {
        "sha1" => HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        "sha256" => HMAC_SHA256,
        "sha512" => HMAC_SHA512,
        _ => return Err(Refused::MalformedSignature),
    };
    let tag = hex::decode(digits).map_err(|_| Refused::MalformedSignature)?;
    hmac::verify(&hmac::Key::new(algorithm, token), body, &tag).map_err(|_| Refused::WrongSignature)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(receiver_type: &str, events: &[&str]) -> ReceiverSpec {
        serde_json::from_value(serde_json::json!({"type": receiver_type, "events": events, "resources": []}))
            .unwrap()
    }

    fn headers(pairs: &[(&'static str, String)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| ((*name).parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn sign(algorithm: &str, key: &str, body: &str) -> String {
        let hash = match algorithm {
            "sha1" => HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            "sha512" => HMAC_SHA512,
            _ => HMAC_SHA256,
        };
        let tag = hmac::sign(&hmac::Key::new(hash, key.as_bytes()), body.as_bytes());
        format!("{algorithm}={}", hex::encode_upper(tag))
    }

    #[test]
    fn a_signed_body_passes_under_each_algorithm() {
        let spec = spec("generic-hmac", &[]);
        for algorithm in ["sha1", "sha256", "sha512"] {
            let headers = headers(&[("x-signature", sign(algorithm, "key\n", "body"))]);
            assert_eq!(check(&spec, b"key\n", &headers, b"body"), Ok(()), "the token is not trimmed");
            assert_eq!(check(&spec, b"key", &headers, b"body"), Err(Refused::WrongSignature));
            assert_eq!(check(&spec, b"key\n", &headers, b"Body"), Err(Refused::WrongSignature));
        }
    }

    #[test]
    fn malformed_signatures_are_refused() {
        let spec = spec("generic-hmac", &[]);
        assert_eq!(check(&spec, b"key", &HeaderMap::new(), b""), Err(Refused::NoSignature));
        for wrong in ["", "sha256", "md5=00", "sha256=zz", "sha256=0"] {
            let headers = headers(&[("x-signature", wrong.to_owned())]);
            assert_eq!(check(&spec, b"key", &headers, b""), Err(Refused::MalformedSignature), "{wrong}");
        }
    }

    #[test]
    fn github_needs_signature_media_type_and_event() {
        let spec = spec("github", &["Push"]);
        let request = |media_type: &str, event: &str| {
            headers(&[
                ("content-type", media_type.to_owned()),
                ("x-hub-signature-256", sign("sha256", "key", "{}")),
                ("x-github-event", event.to_owned()),
            ])
        };
        let json = "application/json; charset=utf-8";
        assert_eq!(check(&spec, b"key", &request(json, "push"), b"{}"), Ok(()));
        assert_eq!(check(&spec, b"key", &request("text/plain", "push"), b"{}"), Err(Refused::MediaType));
        assert_eq!(
            check(&spec, b"key", &request(json, "ping"), b"{}"),
            Err(Refused::Event("ping".to_owned()))
        );
        let unsigned = headers(&[("content-type", json.to_owned()), ("x-github-event", "push".to_owned())]);
        assert_eq!(check(&spec, b"key", &unsigned, b"{}"), Err(Refused::NoSignature));
        assert_eq!(check(&spec, b"", &unsigned, b"{}"), Ok(()), "an empty token signs nothing");
        let legacy = headers(&[
            ("content-type", json.to_owned()),
            ("x-hub-signature", sign("sha1", "key", "{}")),
            ("x-github-event", "push".to_owned()),
        ]);
        assert_eq!(check(&spec, b"key", &legacy, b"{}"), Ok(()));
    }
}
