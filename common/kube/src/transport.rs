//! The HTTP stack under every request: connector with proxy and TLS, HTTP/2 with keep-alive, base URL, credentials.

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper_rustls::{FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::client::legacy::{Client, Error as ClientError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use kube::Config;
use kube::client::ConfigExt;
use tower::ServiceBuilder;
use tower::util::{BoxCloneSyncService, MapErrLayer, MapResponseLayer};

use crate::cluster::ConnectError;
use crate::token_file::TokenFile;

/// Whatever goes wrong below the HTTP answer.
pub type TransportError = Box<dyn std::error::Error + Send + Sync>;
/// Body of a request: known in full.
pub type RequestBody = Full<Bytes>;
/// Body of an answer: read as it comes.
pub type ResponseBody = UnsyncBoxBody<Bytes, TransportError>;
/// An HTTP service for requests with a path only: credentials and the base URL are its own.
pub type Transport = BoxCloneSyncService<Request<RequestBody>, Response<ResponseBody>, TransportError>;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// A dead connection is found after interval and timeout, although nobody sends.
const PING_INTERVAL: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// Builds a stack of its own connection for `config`: each transport holds one HTTP/2 connection.
pub(crate) fn build(config: &Config) -> Result<Transport, ConnectError> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
    let Some(proxy) = &config.proxy_url else { return stack(config, https(config, tcp)?) };
    match proxy.scheme_str() {
        Some("socks5") => stack(config, https(config, SocksV5::new(proxy.clone(), tcp))?),
        Some("http") => {
            let tunnel = Tunnel::new(proxy.clone(), tcp);
            stack(config, https(config, authorised(tunnel, proxy)?)?)
        }
        Some("https") => {
            let tunnel = Tunnel::new(proxy.clone(), https(config, tcp)?);
            stack(config, https(config, authorised(tunnel, proxy)?)?)
        }
        Some(_) | None => {
            Err(ConnectError::Proxy { scheme: proxy.scheme_str().unwrap_or_default().to_owned() })
        }
    }
}

/// Adds the user information of a proxy's URL, which stands percent-encoded there, as basic authentication.
fn authorised<C>(tunnel: Tunnel<C>, proxy: &http::Uri) -> Result<Tunnel<C>, ConnectError> {
    let Some((user, _)) = proxy.authority().and_then(|authority| authority.as_str().rsplit_once('@')) else {
        return Ok(tunnel);
    };
    let mut header = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(decode_percent(user))))
        .map_err(|_| ConnectError::ProxyCredentials)?;
    header.set_sensitive(true);
    Ok(tunnel.with_auth(header))
}

/// Undoes percent-encoding; what is no valid escape stays as it is.
fn decode_percent(text: &str) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let digit = |index: usize| tail.get(index).and_then(|&digit| char::from(digit).to_digit(16));
        if let (b'%', Some(high), Some(low)) = (byte, digit(0), digit(1)) {
            decoded.extend(u8::try_from(high * 16 + low));
            rest = tail.get(2..).unwrap_or_default();
        } else {
            decoded.push(byte);
            rest = tail;
        }
    }
    decoded
}

/// TLS over `inner`, by the cluster's CA and client certificate, offering HTTP/2 first.
fn https<C>(config: &Config, inner: C) -> Result<HttpsConnector<C>, ConnectError> {
    let tls = config.rustls_client_config().map_err(ConnectError::Tls)?;
    let mut builder = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
    if let Some(name) = &config.tls_server_name {
        let name = name.clone().try_into().map_err(|_| ConnectError::ServerName(name.clone()))?;
        builder = builder.with_server_name_resolver(FixedServerNameResolver::new(name));
    }
    Ok(builder.enable_all_versions().wrap_connector(inner))
}

fn stack<C>(config: &Config, connector: C) -> Result<Transport, ConnectError>
where
    C: Connect + Clone + Send + Sync + 'static,
{
    let client: Client<C, RequestBody> = Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(Duration::from_secs(90))
        .http2_keep_alive_interval(PING_INTERVAL)
        .http2_keep_alive_timeout(PING_TIMEOUT)
        .http2_keep_alive_while_idle(true)
        .http2_adaptive_window(true)
        .build(connector);
    let token_file = config.auth_info.token_file.as_deref().filter(|_| config.auth_info.token.is_none());
    // kube reads a token's file by the clock alone
    let others = match token_file {
        Some(_) => None,
        None => config.auth_layer().map_err(ConnectError::Credentials)?,
    };
    let service = ServiceBuilder::new()
        .layer(MapErrLayer::new(Into::<TransportError>::into))
        .layer(config.base_uri_layer())
        .option_layer(others)
        .layer(MapErrLayer::new(Into::<TransportError>::into))
        .layer(MapResponseLayer::new(|response: Response<hyper::body::Incoming>| {
            response.map(|body| body.map_err(Into::into).boxed_unsync())
        }))
        .layer(MapErrLayer::new(|error: ClientError| -> TransportError { Box::new(error) }))
        .service(client);
    let transport = BoxCloneSyncService::new(service);
    Ok(match token_file {
        Some(path) => BoxCloneSyncService::new(TokenFile::new(transport, Path::new(path))),
        None => transport,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxy_credentials_are_decoded_once() {
        assert_eq!(decode_percent("user:p%40ss%3aword"), b"user:p@ss:word");
        assert_eq!(decode_percent("100%+A%"), b"100%+A%");
    }
}
