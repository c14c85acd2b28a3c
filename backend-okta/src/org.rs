//! The org that a directory is: its client, and what was learnt of it when it was connected.

use std::collections::BTreeSet;
use std::sync::Arc;

use identity_core::account::{Account, AccountId, DirectoryId};
use identity_core::error::{Error, ErrorKind, Result};
use identity_core::http::Request;
use identity_core::limits::Governor;
use serde::Deserialize;

use crate::account::account;
use crate::config::{Credential, OktaConfig};
use crate::limits::USER;
use crate::okta::Okta;
use crate::principal::Part;
use crate::privilege::{Known, RoleTable};
use crate::reading::Reading;
use crate::sign_in::SignedIn;
use crate::wire::null_as_none;
use crate::wire::user::User;

const WHO_WE_ARE: &str = "find out who we are";

/// What every room of a directory works with.
#[derive(Debug)]
pub(crate) struct Org {
    pub(crate) directory: DirectoryId,
    pub(crate) okta: Okta,
    /// Whom the run signs in as.
    pub(crate) caller: Caller,
    /// Which roles and permissions are privileged.
    pub(crate) privileged: RoleTable,
    /// Domains whose mailboxes are behind a sign-in of this org, in lower case.
    pub(crate) mail_behind_okta: BTreeSet<String>,
    /// What was learnt of accounts that decides what can be done to them.
    pub(crate) known: Known,
    /// How accounts are read.
    pub(crate) reading: Reading,
    pub(crate) signed_in: SignedIn,
    /// Which part of each bucket of the org Okta gives the caller.
    pub(crate) part: Part,
    /// Which part of each bucket of the org the run uses.
    pub(crate) share: f64,
}

/// Whom a run signs in as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// A user, by an API token that this user made.
    User {
        id: String,
        /// What the user signs in by, where it was told.
        login: Option<String>,
    },
    /// A service app, by its client id.
    App(String),
}

#[derive(Deserialize)]
struct Me {
    id: String,
    #[serde(default, deserialize_with = "null_as_none")]
    profile: Profile,
}

#[derive(Default, Deserialize)]
struct Profile {
    #[serde(default)]
    login: Option<String>,
}

impl Caller {
    /// Finds out who we are: of an API token, the user who made it.
    ///
    /// # Errors
    /// When the token is refused, the org cannot be reached, or its answer names nobody.
    pub(crate) async fn find(config: &OktaConfig, okta: &Okta) -> Result<Self> {
        if let Credential::App { client_id, .. } = &config.credential {
            return Ok(Self::App(client_id.clone()));
        }
        let me: Me = okta.one(WHO_WE_ARE, USER, &Request::get("/api/v1/users/me")).await?;
        let caller = Self::User { id: me.id, login: me.profile.login };
        caller.account().map_err(|error| okta.named(error))?;
        Ok(caller)
    }

    /// The id of the account, where it is one of this org. It is protected.
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`] for an id that is none: nobody would be protected.
    pub(crate) fn account(&self) -> Result<Option<AccountId>> {
        let Self::User { id, .. } = self else { return Ok(None) };
        let unusable =
            |_| Error::new(ErrorKind::Protocol, WHO_WE_ARE).with_detail("Okta gave the caller an id that is none");
        AccountId::new(id).map(Some).map_err(unusable)
    }
}

impl Org {
    /// Reads a row of a listing as an account.
    ///
    /// # Errors
    /// For a row that shows less than is needed to tell what it is.
    pub(crate) fn account(&self, user: &User) -> Result<Account> {
        account(&self.directory, &self.reading.anchors, user)
    }

    /// The governor of the directory.
    pub(crate) fn governor(&self) -> &Arc<Governor> {
        self.okta.client().governor()
    }
}
