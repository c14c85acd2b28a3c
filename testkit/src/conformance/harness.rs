//! What the suite asks of whoever has a directory to test.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use identity_core::account::{AccountId, AccountKind};
use identity_core::directory::{Backend, Scope};
use identity_core::error::Result;
use identity_core::privilege::Tier;
use identity_core::reset::{Secret, SecretKind};

/// A directory under test, and the view of it from the other side.
///
/// Only the first three methods are required. Everything else widens what can be tested: where
/// it is left at its default, the cases that need it are skipped and say so.
#[async_trait]
pub trait Harness: Send + Sync {
    /// The directory under test, connected.
    fn directory(&self) -> Arc<dyn Backend>;

    /// The accounts that the suite may reset, lock and disable: it writes to no other. Best are
    /// twenty or more ordinary, enabled accounts of persons; others among them (services,
    /// accounts whose password never expires) deepen the `support` cases.
    ///
    /// # Errors
    /// When the accounts cannot be named; the cases that write fail then.
    async fn touchable(&self) -> Result<Vec<AccountId>>;

    /// Tries to sign in as the account, as its owner would.
    ///
    /// # Errors
    /// When it could not be tried at all; a refusal is [`SignIn::Refused`].
    async fn sign_in(&self, account: &AccountId, password: &Secret) -> Result<SignIn>;

    /// The password that a touchable account had when the harness was made.
    async fn old_password(&self, account: &AccountId) -> Option<Secret> {
        let _ = account;
        None
    }

    /// How often the account's password was set, by the directory's own record.
    async fn times_set(&self, account: &AccountId) -> Option<u64> {
        let _ = account;
        None
    }

    /// The greatest number of requests that the directory ever saw in flight at once.
    async fn greatest_in_flight(&self) -> Option<u32> {
        None
    }

    /// What is in the directory, from a source other than the backend.
    async fn truth(&self) -> Option<Truth> {
        None
    }

    /// Whether the directory takes a secret that it issued to the account, as its owner would use
    /// it; `None` where the harness cannot try.
    async fn honours(&self, account: &AccountId, kind: SecretKind, secret: &Secret) -> Option<bool> {
        let _ = (account, kind, secret);
        None
    }

    /// Brings a circumstance about; `false` where the harness cannot.
    async fn arrange(&self, circumstance: &Circumstance) -> bool {
        let _ = circumstance;
        false
    }

    /// Secrets that the backend was given (what it signs in with): they must show up nowhere.
    fn planted_secrets(&self) -> Vec<Secret> {
        Vec::new()
    }

    /// The account that the backend signs in with, where it is one of this directory.
    fn principal(&self) -> Option<AccountId> {
        None
    }

    /// A password that the directory's policy refuses; `None` where it accepts every password.
    fn weak_password(&self) -> Option<Secret> {
        Some(Secret::new("a".into()))
    }

    /// An id in the directory's own form that no account has.
    fn absent_id(&self) -> Option<AccountId> {
        AccountId::new("00000000-dead-4bad-8bad-000000000000").ok()
    }

    /// The longest that one case may take.
    fn patience(&self) -> Duration {
        Duration::from_secs(120)
    }
}

/// What came of trying to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignIn {
    /// The password is right, and the account may be used.
    Accepted,
    /// The password is right, and has to be changed first.
    MustChange,
    /// The password is wrong, or the account may not be used (disabled, locked).
    Refused,
}

impl SignIn {
    /// Whether the directory took the password.
    #[must_use]
    pub fn took_password(self) -> bool {
        self != Self::Refused
    }
}

/// A circumstance that the suite asks a harness to bring about.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Circumstance {
    /// The next write to this account is carried out, and the connection is cut before its answer.
    CutAfterApply(AccountId),
    /// The next write to this account is not carried out: the connection is cut after it was sent.
    CutBeforeApply(AccountId),
    /// The connections of the backend are cut now, with nothing in flight.
    DropConnections,
    /// Something that the next classification needs cannot be read.
    HideMemberships,
    /// The account is locked out now.
    LockOut(AccountId),
    /// The next write to this account is answered with "slow down" and has no effect.
    SlowDown(AccountId),
    /// The next listing of accounts ends midway.
    TruncateListing,
}

impl Circumstance {
    /// What a skipped case names as missing.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::CutAfterApply(_) => "cut after apply",
            Self::CutBeforeApply(_) => "cut before apply",
            Self::DropConnections => "drop connections",
            Self::HideMemberships => "hide memberships",
            Self::LockOut(_) => "lock out",
            Self::SlowDown(_) => "slow down",
            Self::TruncateListing => "truncate listing",
        }
    }
}

/// What is in a directory, from a source other than the backend: the organisation that was
/// loaded. Accounts are known by their sign-in names, because ids are given by the directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Truth {
    /// What is known to be there.
    pub accounts: Vec<KnownAccount>,
    /// Whether nothing else is there. A real directory has accounts of its own.
    pub exhaustive: bool,
    /// Scopes, each with everyone in it.
    pub scopes: Vec<KnownScope>,
}

/// An account that is known to be there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KnownAccount {
    /// Its sign-in name.
    pub name: String,
    /// Its name for people, where that is known.
    pub display_name: Option<String>,
    /// Its kind.
    pub kind: AccountKind,
    /// Whether it is enabled.
    pub enabled: bool,
    /// Its tier, where that is known.
    pub tier: Option<Tier>,
    /// How it comes by its tier: `direct`, `nested`, `cyclic`, `primary_group`, …; the words are
    /// the harness's own, and a failure is reported by them.
    pub route: Option<String>,
    /// Attributes for choosing populations and joining persons that it is to be listed with, by the
    /// directory's names; others may be listed too.
    pub attributes: BTreeMap<String, String>,
}

impl KnownAccount {
    /// An enabled account whose tier is not known.
    #[must_use]
    pub fn new(name: impl Into<String>, kind: AccountKind) -> Self {
        Self {
            name: name.into(),
            display_name: None,
            kind,
            enabled: true,
            tier: None,
            route: None,
            attributes: BTreeMap::new(),
        }
    }

    /// Says how privileged it is, and by which route.
    #[must_use]
    pub fn with_tier(mut self, tier: Tier, route: impl Into<String>) -> Self {
        self.tier = Some(tier);
        self.route = Some(route.into());
        self
    }
}

/// A scope with everyone in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownScope {
    /// What the directory is asked for.
    pub scope: Scope,
    /// The sign-in names of everyone in it.
    pub members: BTreeSet<String>,
}
