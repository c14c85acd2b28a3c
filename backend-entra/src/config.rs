//! How to reach a tenant: whom to sign in as, where, how fast to go.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use identity_core::account::DirectoryId;
use identity_core::error::{Error, ErrorKind, Result};
use identity_core::http::{BaseUrl, Network, Transport};
use secrecy::SecretString;

use crate::cloud::Cloud;
use crate::limits;
use crate::privilege::RoleTable;

/// How to reach a tenant: whom to sign in as, in which cloud, how fast to go.
///
/// ```
/// use backend_entra::EntraConfig;
/// use identity_core::account::DirectoryId;
///
/// let config = EntraConfig::new(DirectoryId::new("cloud")?, "contoso.example")
///     .client_secret("00000000-0000-4000-8000-000000000001", "a secret".into())
///     .share(0.8);
/// assert!(!format!("{config:?}").contains("a secret"));
/// # Ok::<(), identity_core::account::InvalidId>(())
/// ```
#[derive(Clone)]
pub struct EntraConfig {
    pub(crate) directory: DirectoryId,
    pub(crate) tenant: String,
    pub(crate) credential: Credential,
    pub(crate) cloud: Cloud,
    pub(crate) login_url: Option<String>,
    pub(crate) graph_url: Option<String>,
    pub(crate) identity_url: Option<String>,
    pub(crate) network: Network,
    pub(crate) share: f64,
    pub(crate) quotas: bool,
    pub(crate) tenant_size: TenantSize,
    pub(crate) in_flight: u32,
    pub(crate) deadline: Duration,
    pub(crate) sign_in_times: bool,
    pub(crate) privileged: RoleTable,
}

/// How the app proves who it is.
#[derive(Clone)]
pub(crate) enum Credential {
    Missing,
    Secret { client_id: String, secret: SecretString },
    Certificate { client_id: String, pem: SecretString },
    TokenFile { client_id: String, path: PathBuf },
    ManagedIdentity { client_id: Option<String> },
}

/// How many users a tenant has, by which Microsoft sizes its resource units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TenantSize {
    /// Fewer than 50 users: 3,500 units in 10 seconds. The default: too slow rather than refused,
    /// and still some 300 pages a second.
    #[default]
    Small,
    /// 50 to 500 users: 5,000 units in 10 seconds.
    Medium,
    /// More than 500 users: 8,000 units in 10 seconds.
    Large,
}

impl EntraConfig {
    /// The most requests in flight that can be configured.
    const MOST_IN_FLIGHT: u32 = 64;

    /// A tenant by its id or one of its verified domains, in the global cloud. Nine tenths of the
    /// published quotas, 8 requests in flight, 60 seconds for each batch.
    #[must_use]
    pub fn new(directory: DirectoryId, tenant: impl Into<String>) -> Self {
        Self {
            directory,
            tenant: tenant.into(),
            credential: Credential::Missing,
            cloud: Cloud::Global,
            login_url: None,
            graph_url: None,
            identity_url: None,
            network: Network::default(),
            share: 0.9,
            quotas: true,
            tenant_size: TenantSize::default(),
            in_flight: 8,
            deadline: Duration::from_secs(60),
            sign_in_times: false,
            privileged: RoleTable::standard(),
        }
    }

    /// Sign in as this app by a client secret.
    #[must_use]
    pub fn client_secret(mut self, client_id: impl Into<String>, secret: SecretString) -> Self {
        self.credential = Credential::Secret { client_id: client_id.into(), secret };
        self
    }

    /// Sign in as this app by a certificate: PEM with the certificate and its RSA key, not
    /// encrypted. Assertions are signed with PS256 and name the certificate by `x5t#S256`.
    #[must_use]
    pub fn client_certificate(mut self, client_id: impl Into<String>, pem: SecretString) -> Self {
        self.credential = Credential::Certificate { client_id: client_id.into(), pem };
        self
    }

    /// Sign in as this app by the token of another identity provider (workload identity
    /// federation). The file is read anew for each sign-in.
    #[must_use]
    pub fn federated_token_file(mut self, client_id: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        self.credential = Credential::TokenFile { client_id: client_id.into(), path: path.into() };
        self
    }

    /// Sign in as the managed identity of this machine or App Service: the system's own, or the
    /// user-assigned one of this client id.
    #[must_use]
    pub fn managed_identity(mut self, client_id: Option<String>) -> Self {
        self.credential = Credential::ManagedIdentity { client_id };
        self
    }

    /// The national cloud.
    #[must_use]
    pub fn cloud(mut self, cloud: Cloud) -> Self {
        self.cloud = cloud;
        self
    }

    /// Sign in here instead of at the cloud's address, without the tenant behind it. Plain http
    /// only to loopback.
    #[must_use]
    pub fn login_url(mut self, url: impl Into<String>) -> Self {
        self.login_url = Some(url.into());
        self
    }

    /// Graph is here instead of at the cloud's address, without the version behind it. Tokens are
    /// still asked for the cloud's Graph. Plain http only to loopback.
    #[must_use]
    pub fn graph_url(mut self, url: impl Into<String>) -> Self {
        self.graph_url = Some(url.into());
        self
    }

    /// Managed identities are here instead of where the environment or the machine has them.
    #[must_use]
    pub fn identity_url(mut self, url: impl Into<String>) -> Self {
        self.identity_url = Some(url.into());
        self
    }

    /// Believe the certificate authorities in this PEM file too (a proxy that breaks TLS open).
    #[must_use]
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.network = self.network.with_ca_file(path);
        self
    }

    /// Go through the proxy that the environment names (`HTTPS_PROXY`, `NO_PROXY`).
    #[must_use]
    pub fn proxy_from_environment(mut self) -> Self {
        self.network = self.network.with_proxy_from_environment();
        self
    }

    /// The part of Microsoft's quotas that a run uses; above 0, at most 1. The rest is left to the
    /// app's other work; all apps together have 18,000 writes in 300 seconds.
    #[must_use]
    pub fn share(mut self, share: f64) -> Self {
        self.share = share;
        self
    }

    /// Keeps to no quota, only to [`in_flight`](Self::in_flight): for a mock and for measuring. A
    /// tenant answers with refusals.
    #[must_use]
    pub fn without_quotas(mut self) -> Self {
        self.quotas = false;
        self
    }

    /// How many users the tenant has.
    #[must_use]
    pub fn tenant_size(mut self, size: TenantSize) -> Self {
        self.tenant_size = size;
        self
    }

    /// The most requests in flight, a batch of 20 being one; 1 to 64. Up to two that read accounts go
    /// beside them, so that the next accounts are looked up while others are changed.
    #[must_use]
    pub fn in_flight(mut self, requests: u32) -> Self {
        self.in_flight = requests;
        self
    }

    /// The longest that one batch or one read may take before it counts as unanswered.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Reads when accounts last signed in (`signInActivity`). Needs `AuditLog.Read.All` and a
    /// premium licence, and Microsoft allows 10 pages of 500 a minute.
    #[must_use]
    pub fn sign_in_times(mut self) -> Self {
        self.sign_in_times = true;
        self
    }

    /// Sends through this instead of the network: for tests and rehearsals.
    #[must_use]
    pub fn transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.network = self.network.with_transport(transport);
        self
    }

    /// Which directory roles and application permissions count as privileged.
    #[must_use]
    pub fn privileged(mut self, table: RoleTable) -> Self {
        self.privileged = table;
        self
    }

    /// Checks everything that can be checked without sending. Connecting does so too.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] that says what is wrong.
    pub fn check(&self) -> Result<()> {
        self.places()?;
        limits::limits(self).check()
    }

    /// The addresses, of a configuration that can work.
    pub(crate) fn places(&self) -> Result<Places> {
        let graph = self.graph_url.as_deref().unwrap_or_else(|| self.cloud.graph());
        let places = Places {
            login: BaseUrl::parse_of("login_url", self.login_url.as_deref().unwrap_or_else(|| self.cloud.login()))?,
            graph: BaseUrl::parse_of("graph_url", &format!("{}/v1.0", graph.trim_end_matches('/')))?,
        };
        // It becomes a part of the address that the secret is sent to.
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
        if self.tenant.is_empty() || !self.tenant.chars().all(plain) || self.tenant.starts_with('.') {
            return Err(invalid(format!("the tenant {:?} is neither an id nor a domain", self.tenant))
                .with_advice("give the tenant's id or one of its verified domains"));
        }
        let everybody = ["common", "organizations", "consumers"];
        if everybody.contains(&self.tenant.to_ascii_lowercase().as_str()) {
            return Err(invalid(format!("an app cannot sign in to {:?}", self.tenant))
                .with_advice("give the tenant's id or one of its verified domains"));
        }
        let client_id = match &self.credential {
            Credential::Missing => {
                return Err(invalid("nothing says how the app signs in".to_owned()).with_advice(
                    "give a client secret, a certificate, a federated token file, or use a managed identity",
                ));
            }
            Credential::Secret { client_id, .. }
            | Credential::Certificate { client_id, .. }
            | Credential::TokenFile { client_id, .. } => Some(client_id),
            Credential::ManagedIdentity { client_id } => client_id.as_ref(),
        };
        if client_id.is_some_and(|id| uuid::Uuid::try_parse(id).is_err()) {
            return Err(invalid("the client id is not a GUID".to_owned())
                .with_advice("give the Application (client) ID of the app registration"));
        }
        if !(1..=Self::MOST_IN_FLIGHT).contains(&self.in_flight) {
            let advice = format!("set in_flight from 1 to {}", Self::MOST_IN_FLIGHT);
            return Err(invalid(format!("in_flight is {}", self.in_flight)).with_advice(advice));
        }
        Ok(places)
    }
}

/// The addresses of a valid configuration.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// The login server, without tenant.
    pub(crate) login: BaseUrl,
    /// Graph, with its version.
    pub(crate) graph: BaseUrl,
}

fn invalid(detail: String) -> Error {
    Error::new(ErrorKind::ConfigInvalid, "configure").with_detail(detail)
}

impl fmt::Debug for EntraConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EntraConfig")
            .field("directory", &self.directory)
            .field("tenant", &self.tenant)
            .field("credential", &self.credential)
            .field("cloud", &self.cloud)
            .field("login_url", &self.login_url)
            .field("graph_url", &self.graph_url)
            .field("identity_url", &self.identity_url)
            .field("network", &self.network)
            .field("share", &self.share)
            .field("in_flight", &self.in_flight)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("Missing"),
            Self::Secret { client_id, .. } => write!(f, "Secret of {client_id}"),
            Self::Certificate { client_id, .. } => write!(f, "Certificate of {client_id}"),
            Self::TokenFile { client_id, path } => write!(f, "TokenFile {} of {client_id}", path.display()),
            Self::ManagedIdentity { client_id: Some(client_id) } => write!(f, "ManagedIdentity {client_id}"),
            Self::ManagedIdentity { client_id: None } => f.write_str("ManagedIdentity"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: &str = "535fb089-9ff3-47b6-9bfb-4f1264799865";

    fn config() -> EntraConfig {
        EntraConfig::new(DirectoryId::new("cloud").unwrap(), "contoso.example").client_secret(CLIENT, "planted".into())
    }

    #[test]
    fn settings_that_cannot_work_are_named_before_anything_is_sent() {
        let bare = EntraConfig::new(DirectoryId::new("cloud").unwrap(), "contoso.example");
        let other_tenant = |tenant: &str| EntraConfig { tenant: tenant.into(), ..config() };
        for (config, word) in [
            (bare, "nothing says how"),
            (other_tenant("a/b"), "neither an id nor a domain"),
            (other_tenant(".."), "neither an id nor a domain"),
            (other_tenant(""), "neither an id nor a domain"),
            (other_tenant("Common"), "cannot sign in to"),
            (config().client_secret("my app", "x".into()), "client id is not a GUID"),
            (config().managed_identity(Some("x".into())), "client id is not a GUID"),
            (config().in_flight(0), "in_flight is 0"),
            (config().share(0.0), "share"),
            (config().share(80.0), "share"),
            (config().in_flight(65), "in_flight is 65"),
            (config().login_url("http://login.example.test"), "neither https nor http to this machine"),
            (config().graph_url("http://graph.example.test"), "neither https nor http to this machine"),
        ] {
            let error = config.check().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
            assert!(error.detail().contains(word) && error.advice().is_some(), "{error} does not say {word:?}");
        }
        assert!(config().managed_identity(None).check().is_ok());
    }

    #[test]
    fn addresses_come_from_the_cloud_unless_they_are_given() {
        let places = config().cloud(Cloud::UsGovL5).places().unwrap();
        assert_eq!(places.login.to_string(), "https://login.microsoftonline.us");
        assert_eq!(places.graph.to_string(), "https://dod-graph.microsoft.us/v1.0");
        let places = config().graph_url("http://127.0.0.1:8080/").places().unwrap();
        assert_eq!(places.graph.to_string(), "http://127.0.0.1:8080/v1.0");
    }

    #[test]
    fn a_secret_is_never_shown() {
        let pem = config().client_certificate(CLIENT, "planted".into());
        for text in [format!("{:?}", config()), format!("{pem:?}")] {
            assert!(text.contains(CLIENT) && !text.contains("planted"), "{text}");
        }
    }
}
