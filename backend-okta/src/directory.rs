//! The directory itself: connecting, and what it can do at all.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures::try_join;
use identity_core::directory::{Capabilities, Directory, DirectoryInfo, Preflight, RateLimitedBatching};
use identity_core::error::Result;
use identity_core::evidence::AuditLog;
use identity_core::http::{Client, ClientSettings};
use identity_core::limits::{Governor, Limits, OperationClass};
use identity_core::recovery::RecoveryAuditor;
use identity_core::reset::Action;

use crate::config::OktaConfig;
use crate::dialect::OktaDialect;
use crate::okta::Okta;
use crate::org::{Caller, Org};
use crate::principal::Part;
use crate::privilege::Known;
use crate::sign_in::SignedIn;
use crate::{findings, limits, preflight};

/// An org of Okta, worked through the Management API.
///
/// Make one with [`OktaDirectory::connect`] and use it as `Arc<dyn Backend>`.
pub struct OktaDirectory {
    pub(crate) org: Arc<Org>,
    info: DirectoryInfo,
    limits: Limits,
    capabilities: Capabilities,
}

impl OktaDirectory {
    /// Signs in, once, and finds out who we are and which part of the rate limits we have.
    ///
    /// # Errors
    /// [`ConfigInvalid`](identity_core::error::ErrorKind::ConfigInvalid) for settings that cannot
    /// work (nothing is sent then); [`Unauthenticated`](identity_core::error::ErrorKind::Unauthenticated)
    /// when the sign-in is refused, with what Okta says and what can be done: it was tried once and
    /// is not tried again; [`Transport`](identity_core::error::ErrorKind::Transport) when it cannot
    /// be reached. A permission that is missing is no error here: [`preflight`](Directory::preflight)
    /// names it.
    pub async fn connect(config: OktaConfig) -> Result<Arc<Self>> {
        let directory = config.directory.clone();
        Self::connect_inner(config).await.map_err(|error| match error.directory() {
            Some(_) => error,
            None => error.with_directory(directory),
        })
    }

    async fn connect_inner(config: OktaConfig) -> Result<Arc<Self>> {
        config.check()?;
        let (base, limits) = (config.base()?, limits::limits(&config));
        let transport = config.network.carrier()?;
        let signed_in = SignedIn::new(&config, &base, Arc::clone(&transport)).await?;
        let tenant = base.to_string();
        let settings = ClientSettings::new(base).with_directory(config.directory.clone());
        let signer = Arc::clone(&signed_in.signer);
        let client = Client::new(
            settings,
            transport,
            Arc::new(OktaDialect::unpaced(!config.quotas)),
            signer,
            Governor::new(&limits),
        );
        let okta = Okta::new(client, config.directory.clone());
        let caller = Caller::find(&config, &okta).await?;
        let part = Part::read(&okta, &caller, signed_in.scopes().await?.as_ref()).await?;
        if let Part::Known(part) = part {
            okta.client().governor().set_principal_part(part);
        }
        let org = Org {
            directory: config.directory.clone(),
            okta,
            caller,
            signed_in,
            part,
            share: config.share,
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
    can.set_temporary_password = true;
    can.reset_to_recovery = true;
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
    can.audit_log = true;
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
        // Side by side: they ask for other things.
        let (mut preflight, (findings, privileges)) =
            try_join!(findings::preflight(&self.org), preflight::predict(&self.org))?;
        preflight.findings.extend(findings);
        preflight.privileges = privileges;
        Ok(preflight)
    }

    fn recovery(&self) -> Option<&dyn RecoveryAuditor> {
        Some(self)
    }

    fn audit_log(&self) -> Option<&dyn AuditLog> {
        Some(self)
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
