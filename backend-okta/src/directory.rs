//! The directory itself: connecting, and what it can do at all.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use identity_core::directory::{Capabilities, Directory, DirectoryInfo, Preflight, RateLimitedBatching};
use identity_core::error::Result;
use identity_core::http::{Client, ClientSettings, Request, SignIn};
use identity_core::limits::{Governor, Limits, OperationClass};
use identity_core::reset::Action;
use serde::Deserialize;

use crate::config::{Credential, OktaConfig, invalid};
use crate::dialect::OktaDialect;
use crate::limits::{self, USER};
use crate::okta::Okta;
use crate::org::{Caller, Org};
use crate::privilege::Known;
use crate::sign_in::ApiToken;

/// An org of Okta, worked through the Management API.
///
/// Make one with [`OktaDirectory::connect`] and use it as `Arc<dyn Backend>`.
pub struct OktaDirectory {
    pub(crate) org: Arc<Org>,
    info: DirectoryInfo,
    limits: Limits,
    capabilities: Capabilities,
}

#[derive(Deserialize)]
struct Me {
    id: String,
}

impl OktaDirectory {
    /// Signs in, once, and finds out who we are.
    ///
    /// # Errors
    /// [`ConfigInvalid`](identity_core::error::ErrorKind::ConfigInvalid) for settings that cannot
    /// work (nothing is sent then); [`Unauthenticated`](identity_core::error::ErrorKind::Unauthenticated)
    /// when the sign-in is refused: it is not tried again.
    pub async fn connect(config: OktaConfig) -> Result<Arc<Self>> {
        let (base, limits) = (config.base()?, limits::limits(&config));
        let signer: Arc<dyn SignIn> = match &config.credential {
            Credential::Missing => return Err(invalid("nothing says how to sign in")),
            Credential::ApiToken(token) => Arc::new(ApiToken::new(token)?),
        };
        let tenant = base.to_string();
        let settings = ClientSettings::new(base).with_directory(config.directory.clone());
        let client = Client::new(settings, config.carrier()?, Arc::new(OktaDialect), signer, Governor::new(&limits));
        let okta = Okta::new(client, config.directory.clone());
        let me: Me = okta.one("find out who we are", USER, &Request::get("/api/v1/users/me")).await?;
        let org = Org {
            directory: config.directory.clone(),
            okta,
            caller: Caller::User(me.id),
            reading: config.reading,
            privileged: config.privileged,
            mail_behind_okta: config.mail_behind_okta,
            known: Known::default(),
        };
        Ok(Arc::new(Self {
            info: DirectoryInfo::new(config.directory, "okta", tenant),
            capabilities: capabilities(),
            limits,
            org: Arc::new(org),
        }))
    }
}

fn capabilities() -> Capabilities {
    let mut can = Capabilities::default();
    can.set_password = true;
    can.expire_password = true;
    can.unlock = true;
    can.disable = true;
    can.revoke_sessions = true;
    can.send_recovery_link = true;
    can.reset_authenticators = true;
    can.enumerate_group = true;
    can.enumerate_native = true;
    can.enumerate_changed = true;
    can.classify_nested_groups = true;
    can.audit_recovery = true;
    can
}

#[async_trait]
impl Directory for OktaDirectory {
    fn info(&self) -> &DirectoryInfo {
        &self.info
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    async fn preflight(&self) -> Result<Preflight> {
        Ok(Preflight::default())
    }
}

impl RateLimitedBatching for OktaDirectory {
    fn limits(&self) -> Limits {
        self.limits.clone()
    }

    fn class_of(&self, action: Action) -> OperationClass {
        limits::class_of(action)
    }

    fn governor(&self) -> &Arc<Governor> {
        self.org.governor()
    }
}

impl fmt::Debug for OktaDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OktaDirectory").field("info", &self.info).finish_non_exhaustive()
    }
}
