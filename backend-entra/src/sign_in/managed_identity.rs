//! The managed identity of a virtual machine or an App Service.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use identity_core::error::{Error, ErrorKind, Result, Status};
use identity_core::http::{AccessToken, BaseUrl, Pace, Response, TokenSource, Transport, TransportFault};
use identity_core::limits::clock;
use secrecy::SecretString;
use serde::Deserialize;
use zeroize::Zeroize;

/// Where a virtual machine has its identity: a link-local address that never leaves the host.
const VIRTUAL_MACHINE: &str = "http://169.254.169.254/metadata/identity/oauth2/token";
/// The version of the interface, the same on virtual machines and in App Services.
const VERSION: &str = "2019-08-01";

/// Fetches tokens of the managed identity.
#[derive(Debug)]
pub(super) struct ManagedIdentity {
    transport: Arc<dyn Transport>,
    url: Uri,
    headers: HeaderMap,
}

impl ManagedIdentity {
    /// The identity of the App Service that the environment tells of (`IDENTITY_ENDPOINT`,
    /// `IDENTITY_HEADER`), or of the virtual machine. `given` is another address.
    pub(super) fn new(
        transport: Arc<dyn Transport>,
        given: Option<&str>,
        resource: &str,
        client_id: Option<&str>,
    ) -> Result<Self> {
        let environment = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let service = environment("IDENTITY_ENDPOINT").zip(environment("IDENTITY_HEADER"));
        Self::at(transport, given, service, resource, client_id)
    }

    fn at(
        transport: Arc<dyn Transport>,
        given: Option<&str>,
        service: Option<(String, String)>,
        resource: &str,
        client_id: Option<&str>,
    ) -> Result<Self> {
        let mut headers = HeaderMap::new();
        let endpoint = match (given, service) {
            (given, Some((endpoint, proof))) => {
                let mut proof = HeaderValue::from_str(&proof).map_err(|_| {
                    Error::new(ErrorKind::ConfigInvalid, "sign in").with_detail("IDENTITY_HEADER cannot be sent")
                })?;
                proof.set_sensitive(true);
                headers.insert(HeaderName::from_static("x-identity-header"), proof);
                given.map_or(endpoint, str::to_owned)
            }
            (given, None) => {
                headers.insert(HeaderName::from_static("metadata"), HeaderValue::from_static("true"));
                given.unwrap_or(VIRTUAL_MACHINE).to_owned()
            }
        };
        let mut query =
            vec![("api-version".to_owned(), VERSION.to_owned()), ("resource".to_owned(), resource.to_owned())];
        if let Some(client_id) = client_id {
            query.push(("client_id".to_owned(), client_id.to_owned()));
        }
        let url = BaseUrl::parse_local(&endpoint)?.join("", &query)?;
        Ok(Self { transport, url, headers })
    }
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_on: Moment,
}

/// Seconds since 1970; documented as text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Moment {
    Text(String),
    Number(i64),
}

#[derive(Default, Deserialize)]
struct Refused {
    #[serde(default)]
    error: String,
    #[serde(default, alias = "message")]
    error_description: String,
}

#[async_trait]
impl TokenSource for ManagedIdentity {
    async fn token(&self) -> Result<AccessToken> {
        let mut request = http::Request::new(Bytes::new());
        *request.method_mut() = Method::GET;
        *request.uri_mut() = self.url.clone();
        request.headers_mut().extend(self.headers.clone());
        let (parts, body) = self.transport.send(request).await.map_err(unreachable)?.into_parts();
        let response = Response::new(parts.status, parts.headers, body);
        if response.status != StatusCode::OK {
            return Err(refused(&response));
        }
        let mut granted: Granted = response.json("sign in")?;
        let ends = match &granted.expires_on {
            Moment::Text(text) => text.parse().map_err(|_| {
                granted.access_token.zeroize();
                Error::new(ErrorKind::Protocol, "sign in").with_detail("the end of the token cannot be read")
            })?,
            Moment::Number(seconds) => *seconds,
        };
        let lifetime = ends.saturating_sub(clock::now().as_second());
        let token = SecretString::from(granted.access_token);
        Ok(AccessToken::new(token, Duration::from_secs(u64::try_from(lifetime).unwrap_or(0))))
    }
}

fn unreachable(fault: TransportFault) -> Error {
    Error::new(ErrorKind::Transport, "sign in")
        .with_status(Status::Temporary)
        .with_detail(fault.to_string())
        .with_advice("a managed identity is there on a virtual machine or in an App Service of Azure only")
        .with_source(fault)
}

/// What a refusal means (Azure documentation, "How to use managed identities … to acquire an access
/// token", error handling): 404, 410, 429 and 5xx pass.
fn refused(response: &Response) -> Error {
    let said: Refused = serde_json::from_slice(&response.body).unwrap_or_default();
    let (kind, status) = match response.status.as_u16() {
        404 | 410 | 500..=599 => (ErrorKind::Unavailable, Status::Temporary),
        429 => (ErrorKind::RateLimited, Status::Temporary),
        _ => (ErrorKind::Unauthenticated, Status::Permanent),
    };
    // Controls are replaced by the error itself; only the length is to be kept in bounds.
    let words: String = said.error_description.chars().take(200).collect();
    let error = Error::new(kind, "sign in")
        .with_status(status)
        .with_detail(format!("answered {}, {}: {words}", response.status.as_u16(), said.error))
        .with_advice("assign a managed identity to this machine or service, and if it is a user-assigned one, give its client id");
    match Pace::of(response.status, &response.headers).retry_after {
        Some(wait) => error.with_retry_after(wait),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canned::{Canned, reply};

    const RESOURCE: &str = "https://graph.microsoft.com";

    fn identity(canned: &Arc<Canned>, service: bool, client_id: Option<&str>) -> ManagedIdentity {
        let service = service.then(|| ("http://127.0.0.1:41741/msi/token/".to_owned(), "planted".to_owned()));
        ManagedIdentity::at(canned.clone(), None, service, RESOURCE, client_id).unwrap()
    }

    #[tokio::test]
    async fn a_virtual_machine_is_asked_at_its_own_address_with_its_header() {
        let ends = clock::now().as_second() + 3600;
        let body = format!(r#"{{"access_token":"t0k","expires_on":"{ends}","token_type":"Bearer"}}"#);
        let canned = Canned::new([reply(200, &body)]);
        let token = identity(&canned, false, Some("me")).token().await.unwrap();
        assert_eq!(token.expose(), "t0k");
        assert!((3590..=3600).contains(&token.lifetime().as_secs()), "{token:?}");
        let sent = canned.sent();
        assert_eq!(sent[0].headers["metadata"], "true");
        assert_eq!(
            sent[0].target,
            "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2019-08-01&resource=https%3A%2F%2Fgraph.microsoft.com&client_id=me"
        );
    }

    #[tokio::test]
    async fn an_app_service_is_asked_where_its_environment_says() {
        let canned = Canned::new([reply(200, r#"{"access_token":"t","expires_on":1}"#)]);
        let source = identity(&canned, true, None);
        assert!(!format!("{source:?}").contains("planted"));
        assert_eq!(source.token().await.unwrap().lifetime(), Duration::ZERO);
        let sent = canned.sent();
        assert_eq!(sent[0].headers["x-identity-header"], "planted");
        assert!(sent[0].target.starts_with("http://127.0.0.1:41741/msi/token?api-version="), "{}", sent[0].target);
    }

    #[tokio::test]
    async fn a_refusal_says_whether_it_passes() {
        let missing = r#"{"error":"invalid_request","error_description":"Identity not found"}"#;
        for (status, body, kind, temporary) in [
            (400, missing, ErrorKind::Unauthenticated, false),
            (401, r#"{"statusCode":401,"message":"no"}"#, ErrorKind::Unauthenticated, false),
            (410, "", ErrorKind::Unavailable, true),
            (429, "", ErrorKind::RateLimited, true),
            (500, "", ErrorKind::Unavailable, true),
        ] {
            let canned = Canned::new([reply(status, body)]);
            let error = identity(&canned, false, None).token().await.unwrap_err();
            assert_eq!((error.kind(), error.is_temporary()), (kind, temporary), "{error}");
        }
    }

    #[test]
    fn plain_http_goes_nowhere_else() {
        for bad in ["http://identity.example.test/token", "http://10.0.0.1/token", "ftp://127.0.0.1/"] {
            let made = ManagedIdentity::at(Canned::new([]), Some(bad), None, RESOURCE, None);
            assert_eq!(made.unwrap_err().kind(), ErrorKind::ConfigInvalid, "{bad}");
        }
    }
}
