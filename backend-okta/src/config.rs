//! How to reach an org: whom to sign in as, where, how fast to go.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use identity_core::account::DirectoryId;
use identity_core::error::{Error, ErrorKind, Result};
use identity_core::http::{BaseUrl, Network, Transport};
use secrecy::SecretString;

use crate::limits;
use crate::privilege::RoleTable;
use crate::reading::Reading;
use crate::sign_in::{self, SCOPES};

/// How to reach an org: whom to sign in as, where, how fast to go.
///
/// ```
/// use backend_okta::OktaConfig;
/// use identity_core::account::DirectoryId;
///
/// let config = OktaConfig::new(DirectoryId::new("workforce")?, "https://acme.okta.com")
///     .api_token("a token".into())
///     .share(0.8);
/// assert!(!format!("{config:?}").contains("a token"));
/// # Ok::<(), identity_core::account::InvalidId>(())
/// ```
#[derive(Clone)]
pub struct OktaConfig {
    pub(crate) directory: DirectoryId,
    pub(crate) url: String,
    pub(crate) credential: Credential,
    pub(crate) dpop: bool,
    pub(crate) scopes: Vec<String>,
    pub(crate) network: Network,
    pub(crate) share: f64,
    pub(crate) quotas: bool,
    pub(crate) in_flight: u32,
    pub(crate) deadline: Duration,
    pub(crate) reading: Reading,
    pub(crate) privileged: RoleTable,
    pub(crate) mail_behind_okta: BTreeSet<String>,
}

/// How the run proves who it is.
#[derive(Clone)]
pub(crate) enum Credential {
    Missing,
    ApiToken(SecretString),
    App { client_id: String, key: SecretString, key_id: Option<String> },
}

impl OktaConfig {
    /// The most requests that an org has under way at once, whoever sends them (Okta, "Rate
    /// limits", concurrency of a workforce org).
    const MOST_IN_FLIGHT: u32 = 75;

    /// An org by its address, `https://acme.okta.com` or a custom domain. Half of what Okta allows
    /// in each bucket, 10 requests in flight, 60 seconds for each.
    #[must_use]
    pub fn new(directory: DirectoryId, url: impl Into<String>) -> Self {
        Self {
            directory,
            url: url.into(),
            credential: Credential::Missing,
            dpop: true,
            scopes: SCOPES.iter().map(|scope| scope.name.to_owned()).collect(),
            network: Network::default(),
            share: 0.5,
            quotas: true,
            in_flight: 10,
            deadline: Duration::from_secs(60),
            reading: Reading::default(),
            privileged: RoleTable::standard(),
            mail_behind_okta: BTreeSet::new(),
        }
    }

    /// Sign in by an API token (`SSWS`), as the administrator who made it, with all that this
    /// administrator may.
    #[must_use]
    pub fn api_token(mut self, token: SecretString) -> Self {
        self.credential = Credential::ApiToken(token);
        self
    }

    /// Sign in as this service app by its private key: PEM (PKCS#8, PKCS#1, SEC1) or a JSON Web Key,
    /// not encrypted; RSA of 2048 bits or more (RS256), or P-256 (ES256). The id of the key is that
    /// of the JSON Web Key, or what [`key_id`](Self::key_id) says.
    #[must_use]
    pub fn service_app(mut self, client_id: impl Into<String>, private_key: SecretString) -> Self {
        self.credential = Credential::App { client_id: client_id.into(), key: private_key, key_id: None };
        self
    }

    /// The id (`kid`) of the app's key, which Okta needs where the app has several. To be said after
    /// [`service_app`](Self::service_app).
    #[must_use]
    pub fn key_id(mut self, id: impl Into<String>) -> Self {
        if let Credential::App { key_id, .. } = &mut self.credential {
            *key_id = Some(id.into());
        }
        self
    }

    /// Whether each request of the app carries a proof of possession (DPoP, RFC 9449). Okta sets new
    /// service apps so; `false` for an app that is not.
    #[must_use]
    pub fn dpop(mut self, dpop: bool) -> Self {
        self.dpop = dpop;
        self
    }

    /// Asks for these scopes instead of all that any run needs.
    #[must_use]
    pub fn scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
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

    /// The part of each bucket of the org that a run uses; above 0, at most 1. Okta gives one token
    /// or app a part of its own, half unless set otherwise, so that a run never has more than that.
    /// Where that part cannot be read, it is a share of what Okta tells.
    #[must_use]
    pub fn share(mut self, share: f64) -> Self {
        self.share = share;
        self
    }

    /// Keeps to no quota, only to [`in_flight`](Self::in_flight): for a mock and for measuring. An
    /// org answers with refusals.
    #[must_use]
    pub fn without_quotas(mut self) -> Self {
        self.quotas = false;
        self
    }

    /// The most requests in flight; 1 to 75, which is all that an org has. The looks before each order
    /// have as much room beside that, as far as both come to no more than 56 (75 percent of 75, which
    /// Okta gives an app or a token unless set otherwise).
    #[must_use]
    pub fn in_flight(mut self, requests: u32) -> Self {
        self.in_flight = requests;
        self
    }

    /// The longest that one request may take before it counts as unanswered.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sends through this instead of the network: for tests and rehearsals.
    #[must_use]
    pub fn transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.network = self.network.with_transport(transport);
        self
    }

    /// Which roles and permissions count as privileged, instead of [`RoleTable::standard`].
    #[must_use]
    pub fn privileged(mut self, table: RoleTable) -> Self {
        self.privileged = table;
        self
    }

    /// The mail domains whose mailboxes are opened by a sign-in through this org. A mail with a recovery
    /// link to such a mailbox reaches nobody who waits for that link, so that it is refused where there
    /// is no second address elsewhere.
    #[must_use]
    pub fn mail_behind_okta(mut self, domains: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.mail_behind_okta = domains.into_iter().map(|domain| domain.into().to_ascii_lowercase()).collect();
        self
    }

    /// Checks everything that can be checked without sending. Connecting does so too.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] that says what is wrong.
    pub fn check(&self) -> Result<()> {
        self.check_without_secret()?;
        sign_in::check(self)
    }

    /// Checks everything but the token or the private key: for a configuration of which the secret is
    /// read later.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] that says what is wrong.
    pub fn check_without_secret(&self) -> Result<()> {
        self.base()?;
        sign_in::check_names(self)?;
        if !(1..=Self::MOST_IN_FLIGHT).contains(&self.in_flight) {
            let advice = format!("set in_flight from 1 to {}", Self::MOST_IN_FLIGHT);
            return Err(invalid(format!("in_flight is {}", self.in_flight)).with_advice(advice));
        }
        if !(self.share > 0.0 && self.share <= 1.0) {
            let detail = format!("the share of the rate limits is {}", self.share);
            return Err(invalid(detail).with_advice("set a share above 0 and at most 1, such as 0.5"));
        }
        limits::limits(self).check()
    }

    /// The address of the org.
    pub(crate) fn base(&self) -> Result<BaseUrl> {
        let base = BaseUrl::parse_of("url", &self.url)?;
        let text = base.to_string();
        if text != base.origin() {
            return Err(invalid("url: the address of an org has no path")
                .with_advice("give it as https://acme.okta.com, without /api/v1"));
        }
        let console = ["-admin.okta.com", "-admin.oktapreview.com", "-admin.okta-emea.com"];
        if console.iter().any(|end| text.ends_with(end)) {
            return Err(invalid("url: this is the admin console and not the org")
                .with_advice("leave out `-admin`: https://acme.okta.com"));
        }
        Ok(base)
    }
}

pub(crate) fn invalid(detail: impl Into<String>) -> Error {
    Error::new(ErrorKind::ConfigInvalid, "configure").with_detail(detail.into())
}

impl fmt::Debug for OktaConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OktaConfig")
            .field("directory", &self.directory)
            .field("url", &self.url)
            .field("credential", &self.credential)
            .field("dpop", &self.dpop)
            .field("scopes", &self.scopes)
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
            Self::ApiToken(_) => f.write_str("ApiToken"),
            Self::App { client_id, key_id, .. } => write!(f, "App {client_id}, key {key_id:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canned::{ORG, app_key, config};

    #[test]
    fn settings_that_cannot_work_are_named_before_anything_is_sent() {
        let id = || DirectoryId::new("okta").unwrap();
        let at = |url: &str| OktaConfig { url: url.into(), ..config() };
        let app = |client_id: &str, key: &str| config().service_app(client_id, key.into());
        for (config, word) in [
            (OktaConfig::new(id(), ORG), "nothing says how"),
            (at("http://acme.okta.com"), "neither https nor http to this machine"),
            (at("acme.okta.com"), "url: "),
            (at("https://acme.okta.com/api/v1"), "no path"),
            (at("https://acme-admin.okta.com"), "admin console"),
            (config().api_token(" ".into()), "API token is empty"),
            (config().api_token("SSWS x".into()), "API token is empty"),
            (app("", &app_key()), "client id"),
            (app("0oa/1", &app_key()), "client id"),
            (app("0oa1", "nonsense"), "no private key"),
            (app("0oa1", "{}"), "JSON Web Key"),
            (app("0oa1", &app_key()).scopes([""; 0]), "no scope"),
            (app("0oa1", &app_key()).scopes(["okta.users.read okta.roles.read"]), "scope"),
            (config().in_flight(0), "in_flight is 0"),
            (config().in_flight(76), "in_flight is 76"),
            (config().share(0.0), "share"),
            (config().share(80.0), "share"),
            (config().share(f64::NAN), "share"),
            (config().deadline(Duration::ZERO), "deadline"),
        ] {
            let error = config.check().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
            assert!(error.detail().contains(word) && error.advice().is_some(), "{error} does not say {word:?}");
        }
        // What is wrong with the names is seen without the key.
        for (config, word) in [
            (app("0oa/1", ""), "client id"),
            (app("0oa1", "").scopes([""; 0]), "no scope"),
            (app("0oa1", "").share(2.0), "share"),
        ] {
            assert!(config.check_without_secret().unwrap_err().detail().contains(word), "{word}");
        }
        app("0oa1", "").check_without_secret().unwrap();
        for config in [config(), app("0oa1", &app_key()), at("http://127.0.0.1:8080/"), at("https://id.acme.example")] {
            config.check().unwrap();
        }
    }

    #[test]
    fn a_secret_is_never_shown() {
        let app = config().service_app("0oa1", "planted-token".into()).key_id("k1");
        for text in [format!("{:?}", config()), format!("{app:?}")] {
            assert!(!text.contains("planted-token"), "{text}");
        }
        assert!(format!("{app:?}").contains("App 0oa1, key Some(\"k1\")"));
    }
}
