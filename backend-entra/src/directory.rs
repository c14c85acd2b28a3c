//! The directory itself: connecting, and what it can do at all.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures::try_join;
use identity_core::directory::{Capabilities, Directory, DirectoryInfo, Preflight, RateLimitedBatching};
use identity_core::error::Result;
use identity_core::http::{Client, ClientSettings, TokenCache};
use identity_core::limits::{Governor, Limits, OperationClass};
use identity_core::recovery::RecoveryAuditor;
use identity_core::reset::Action;

use crate::cloud::Cloud;
use crate::config::EntraConfig;
use crate::dialect::GraphDialect;
use crate::domains::Domains;
use crate::graph::Graph;
use crate::reset::Orders;
use crate::tenant::{Parts, Tenant, organization};
use crate::{findings, limits, preflight, sign_in};

/// A tenant of Microsoft Entra ID, worked through Microsoft Graph v1.0.
///
/// Make one with [`EntraDirectory::connect`] and use it as `Arc<dyn Backend>`.
pub struct EntraDirectory {
    pub(crate) tenant: Arc<Tenant>,
    pub(crate) orders: Orders,
    info: DirectoryInfo,
    limits: Limits,
    capabilities: Capabilities,
}

impl EntraDirectory {
    /// Signs in, once, and finds out what the tenant is.
    ///
    /// # Errors
    /// [`ConfigInvalid`](identity_core::error::ErrorKind::ConfigInvalid) for settings that cannot
    /// work (nothing is sent then); [`Unauthenticated`](identity_core::error::ErrorKind::Unauthenticated)
    /// when the sign-in is refused, with what Entra says and what can be done: it was tried once and
    /// is not tried again; [`Transport`](identity_core::error::ErrorKind::Transport) when it cannot
    /// be reached. A permission that is missing is no error here: [`preflight`](Directory::preflight)
    /// names it.
    pub async fn connect(config: EntraConfig) -> Result<Arc<Self>> {
        let directory = config.directory.clone();
        Self::connect_inner(config).await.map_err(|error| match error.directory() {
            Some(_) => error,
            None => error.with_directory(directory),
        })
    }

    async fn connect_inner(config: EntraConfig) -> Result<Arc<Self>> {
        config.check()?;
        let (places, limits) = (config.places()?, limits::limits(&config));
        let transport = config.network.carrier()?;
        let tokens = Arc::new(sign_in::tokens(&config, &places, Arc::clone(&transport))?);
        TokenCache::token(&tokens).await?;
        let settings = ClientSettings::new(places.graph).with_directory(config.directory.clone());
        let governor = Governor::new(&limits);
        let signer = Arc::new(sign_in::Shared(Arc::clone(&tokens)));
        let client = Client::new(settings, transport, Arc::new(GraphDialect), signer, governor);
        let graph = Graph::new(client, config.directory.clone());
        let (organization, _) = organization(&graph).await?;
        let domains = Domains::read(&graph, organization.as_ref()).await?;
        let name = organization.map_or_else(|| config.tenant.clone(), |organization| organization.id);
        let tenant = Arc::new(Tenant::new(&config, Parts { graph, domains, tokens }));
        Ok(Arc::new(Self {
            info: DirectoryInfo::new(config.directory.clone(), "entra", name),
            capabilities: capabilities(config.cloud),
            orders: Orders::new(Arc::clone(&tenant), &limits),
            limits,
            tenant,
        }))
    }
}

fn capabilities(cloud: Cloud) -> Capabilities {
    let mut can = Capabilities::default();
    can.set_password = true;
    can.set_password_must_change = true;
    can.set_password_change_after_mfa = true;
    can.expire_password = true;
    can.disable = true;
    can.revoke_sessions = true;
    can.reset_authenticators = true;
    can.flag_compromised = cloud.has_identity_protection();
    can.issue_access_pass = true;
    can.enumerate_group = true;
    can.enumerate_native = true;
    can.enumerate_changed = true;
    can.classify_nested_groups = true;
    can.observe_sessions = true;
    can.audit_recovery = true;
    can
}

#[async_trait]
impl Directory for EntraDirectory {
    fn info(&self) -> &DirectoryInfo {
        &self.info
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    async fn preflight(&self) -> Result<Preflight> {
        // Side by side: they ask for other things.
        let (mut preflight, (findings, privileges)) =
            try_join!(findings::preflight(&self.tenant), preflight::predict(&self.tenant))?;
        preflight.findings.extend(findings);
        preflight.privileges = privileges;
        Ok(preflight)
    }

    fn recovery(&self) -> Option<&dyn RecoveryAuditor> {
        Some(self)
    }
}

impl RateLimitedBatching for EntraDirectory {
    fn limits(&self) -> Limits {
        self.limits.clone()
    }

    fn class_of(&self, action: Action) -> OperationClass {
        limits::class_of(action)
    }

    fn governor(&self) -> &Arc<Governor> {
        self.tenant.governor()
    }
}

impl fmt::Debug for EntraDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EntraDirectory")
            .field("info", &self.info)
            .field("cloud", &self.tenant.cloud)
            .finish_non_exhaustive()
    }
}
