//! One conversation with a server.

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, LOCATION, USER_AGENT};
use reqwest::{Response, StatusCode};
use url::Url;

use super::advertisement::{Advertisement, read_listing};
use super::packet::{PacketReader, PacketWriter};
use super::{AGENT, MAX_LISTING, RemoteReference};
use crate::access::Access;
use crate::error::TransportError;
use crate::reference::Query;

/// Redirects that the first request may take.
const MAX_REDIRECTS: usize = 10;

/// A server that has introduced itself.
pub(crate) struct Session {
    access: Access,
    /// Where the repository was found, redirects followed.
    base: Url,
    pub(super) advertisement: Advertisement,
}

impl Session {
    /// Asks the server what it can do.
    pub(crate) async fn open(access: &Access) -> Result<Self, TransportError> {
        let mut url = at(access.url.as_url(), "info/refs");
        url.query_pairs_mut().append_pair("service", "git-upload-pack");
        let mut redirects = 0;
        let response = loop {
            let request = access.client.get(url.clone()).header("Git-Protocol", "version=2");
            let response = authorized(request, access, &url).header(USER_AGENT, AGENT).send().await?;
            if !response.status().is_redirection() {
                break response;
            }
            redirects += 1;
            url = redirect_target(&response, &url)
                .filter(|_| redirects <= MAX_REDIRECTS)
                .ok_or(TransportError::Redirect)?;
        };
        check_status(response.status())?;
        let base = base_of(&url).ok_or(TransportError::Redirect)?;
        let mut packets = PacketReader::new(response.bytes_stream(), MAX_LISTING);
        let advertisement = Advertisement::read(&mut packets).await?;
        Ok(Self { access: access.clone(), base, advertisement })
    }

    /// Whether the server has named all references already.
    pub(crate) const fn lists_all(&self) -> bool {
        matches!(self.advertisement, Advertisement::V0(..))
    }

    /// References that the server named in its introduction.
    pub(crate) fn advertised(&self) -> usize {
        match &self.advertisement {
            Advertisement::V0(_, references) => references.len(),
            Advertisement::V2(_) => 0,
        }
    }

    /// The references that begin with the prefixes of `query`.
    pub(crate) async fn list(&self, query: &Query) -> Result<Vec<RemoteReference>, TransportError> {
        let matches = |reference: &RemoteReference| query.matches(&reference.name);
        match &self.advertisement {
            Advertisement::V0(_, references) => {
                Ok(references.iter().filter(|r| matches(r)).cloned().collect())
            }
            Advertisement::V2(_) => {
                let mut body = PacketWriter::default();
                body.line("command=ls-refs");
                body.line(&format!("agent={AGENT}"));
                body.line("object-format=sha1");
                body.delimiter();
                body.line("peel");
                for prefix in &query.prefixes {
                    body.line(&format!("ref-prefix {prefix}"));
                }
                body.flush();
                let mut packets = self.post(body, MAX_LISTING).await?;
                // prefixes are a wish that a server may leave unheard
                let mut references = read_listing(&mut packets).await?;
                references.retain(matches);
                Ok(references)
            }
        }
    }

    /// Sends `body` to upload-pack and gives the packets of its answer, `limit` bytes of them.
    pub(super) async fn post(&self, body: PacketWriter, limit: u64) -> Result<PacketReader, TransportError> {
        let url = at(&self.base, "git-upload-pack");
        let mut request = self
            .access
            .client
            .post(url.clone())
            .header(CONTENT_TYPE, "application/x-git-upload-pack-request")
            .header(ACCEPT, "application/x-git-upload-pack-result")
            .header(USER_AGENT, AGENT)
            .body(body.finish());
        if let Advertisement::V2(_) = self.advertisement {
            request = request.header("Git-Protocol", "version=2");
        }
        let response = authorized(request, &self.access, &url).send().await?;
        check_status(response.status())?;
        Ok(PacketReader::new(response.bytes_stream(), limit))
    }
}

/// Adds the credentials, unless `url` has left the server that they are for.
fn authorized(request: reqwest::RequestBuilder, access: &Access, url: &Url) -> reqwest::RequestBuilder {
    let same_server = url.origin() == access.url.as_url().origin();
    match access.credentials.header().filter(|_| same_server) {
        Some(header) => request.header(AUTHORIZATION, header),
        None => request,
    }
}

fn check_status(status: StatusCode) -> Result<(), TransportError> {
    match status {
        StatusCode::OK => Ok(()),
        StatusCode::UNAUTHORIZED => Err(TransportError::AuthenticationRequired),
        StatusCode::FORBIDDEN => Err(TransportError::AuthorizationFailed),
        StatusCode::NOT_FOUND => Err(TransportError::NotFound),
        status => Err(TransportError::Status(status)),
    }
}

/// Where a redirect leads; never from HTTPS to HTTP.
fn redirect_target(response: &Response, url: &Url) -> Option<Url> {
    let location = response.headers().get(LOCATION)?.to_str().ok()?;
    let target = url.join(location).ok()?;
    let allowed = match target.scheme() {
        "https" => true,
        "http" => url.scheme() == "http",
        _ => false,
    };
    allowed.then_some(target)
}

/// The repository that `<base>/info/refs` was found in.
fn base_of(url: &Url) -> Option<Url> {
    let path = url.path().strip_suffix("/info/refs")?;
    let mut base = url.clone();
    base.set_path(path);
    base.set_query(None);
    Some(base)
}

/// `<base>/<path>`; a query of the repository's address stays.
fn at(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
    url
}
