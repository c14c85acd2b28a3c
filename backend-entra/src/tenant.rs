//! The tenant that a directory is: its client, and what was learnt of it when it was connected.

use std::sync::{Arc, Mutex, PoisonError};

use identity_core::account::{Account, DirectoryId};
use identity_core::error::{Error, ErrorKind, Result};
use identity_core::http::{Request, Response, TokenCache};
use identity_core::limits::{Governor, OperationClass};

use tokio::sync::OnceCell;

use crate::account::account;
use crate::cloud::Cloud;
use crate::config::EntraConfig;
use crate::domains::Domains;
use crate::graph::Graph;
use crate::newcomers::Newcomers;
use crate::privilege::{Known, RoleTable};
use crate::sign_in::{Claims, Tokens};
use crate::sync_accounts::SyncAccounts;
use crate::wire::page::Page;
use crate::wire::tenant::{ORGANIZATION, Organization};
use crate::wire::user::User;

const OPERATION: &str = "read the tenant";

/// What every room of a directory works with.
#[derive(Debug)]
pub(crate) struct Tenant {
    pub(crate) directory: DirectoryId,
    pub(crate) graph: Graph,
    pub(crate) cloud: Cloud,
    domains: Mutex<Arc<Domains>>,
    /// Whether listings read when accounts last signed in.
    pub(crate) sign_in_times: bool,
    pub(crate) tokens: Arc<Tokens>,
    /// Which roles and permissions are privileged.
    pub(crate) privileged: RoleTable,
    /// What was learnt of accounts that decides what can be done to them.
    pub(crate) known: Known,
    sync: OnceCell<Arc<SyncAccounts>>,
    /// Accounts that are so new that a server may not have heard of them.
    pub(crate) newcomers: Newcomers,
}

/// What a tenant is made of.
pub(crate) struct Parts {
    pub(crate) graph: Graph,
    pub(crate) domains: Domains,
    pub(crate) tokens: Arc<Tokens>,
}

impl Tenant {
    pub(crate) fn new(config: &EntraConfig, parts: Parts) -> Self {
        Self {
            directory: config.directory.clone(),
            graph: parts.graph,
            cloud: config.cloud,
            domains: Mutex::new(Arc::new(parts.domains)),
            sign_in_times: config.sign_in_times,
            tokens: parts.tokens,
            privileged: config.privileged.clone(),
            known: Known::default(),
            sync: OnceCell::new(),
            newcomers: Newcomers::default(),
        }
    }

    /// Which domains are federated, as they were read last.
    pub(crate) fn domains(&self) -> Arc<Domains> {
        Arc::clone(&self.domains.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the domains again: one may have been federated since. What could be read once and cannot be
    /// now stays as it was.
    ///
    /// # Errors
    /// When they could not be read now and may be later.
    pub(crate) async fn read_domains_again(&self) -> Result<()> {
        let mut read = Domains::read(&self.graph, None).await.map_err(|error| self.graph.named(error))?;
        if read.is_unknown() {
            let (organization, _) = organization(&self.graph).await?;
            read = Domains::named_by(organization.as_ref());
        }
        if !read.is_unknown() {
            *self.domains.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(read);
        }
        Ok(())
    }

    /// Which accounts synchronise the tenant: read once, and where it was refused again for the next
    /// listing, since a permission may have been granted.
    pub(crate) async fn sync_accounts(&self) -> Result<Arc<SyncAccounts>> {
        if let Some(read) = self.sync.get() {
            return Ok(Arc::clone(read));
        }
        let read = Arc::new(SyncAccounts::read(&self.graph).await?);
        if *read != SyncAccounts::Unread {
            // Another listing may have been quicker: it read the same.
            let _ = self.sync.set(Arc::clone(&read));
        }
        Ok(read)
    }

    /// Reads a row of a listing as an account.
    ///
    /// # Errors
    /// For a row that shows less than is needed to tell what it is.
    pub(crate) fn account(&self, sync: &SyncAccounts, user: User) -> Result<Account> {
        let is_restricted = user.is_management_restricted == Some(true);
        let account = account(&self.directory, &self.domains(), sync, user)?;
        self.known.note_restricted(&account.id, is_restricted);
        self.newcomers.seen(&account);
        Ok(account)
    }

    /// What the token of now says of the app; `None` where it says nothing that can be read. For
    /// findings only.
    ///
    /// # Errors
    /// When signing in failed.
    pub(crate) async fn claims(&self) -> Result<Option<Claims>> {
        let (token, _) = TokenCache::token(&self.tokens).await.map_err(|error| self.graph.named(error))?;
        Ok(Claims::of(&token))
    }

    /// The governor of all requests.
    pub(crate) fn governor(&self) -> &Arc<Governor> {
        self.graph.client().governor()
    }
}

/// Reads the organisation; `None` without the permission. The response tells the server's time.
pub(crate) async fn organization(graph: &Graph) -> Result<(Option<Organization>, Option<Response>)> {
    let request = Request::get("/organization").query("$select", ORGANIZATION);
    let response = match graph.client().read(OPERATION, OperationClass::Read, &request).await {
        Ok(response) => response,
        Err(error) if error.kind() == ErrorKind::InsufficientPrivilege => return Ok((None, None)),
        Err(error) => return Err(error),
    };
    let page: Page<Organization> = response.json(OPERATION).map_err(|error| graph.named(error))?;
    match page.value.into_iter().next() {
        Some(organization) => Ok((Some(organization), Some(response))),
        None => Err(graph.named(Error::new(ErrorKind::Protocol, OPERATION).with_detail("the answer names no tenant"))),
    }
}

/// The refusal, with the permission that the request needs.
pub(crate) fn needs(permission: &str, error: Error) -> Error {
    if error.kind() != ErrorKind::InsufficientPrivilege {
        return error;
    }
    error.with_advice(format!(
        "grant the app the application permission {permission}, with an administrator's consent; tokens that are out keep what they had (docs/permissions-entra.md)"
    ))
}
