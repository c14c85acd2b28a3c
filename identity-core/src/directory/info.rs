//! What a directory says about itself.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::account::{AccountId, DirectoryId};
use crate::privilege::PrivilegeIndex;

/// What a directory is; never a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DirectoryInfo {
    /// The name that the configuration gave it.
    pub id: DirectoryId,
    /// The backend's word for its kind: `ldap`, `entra`, `okta`, …
    pub kind: String,
    /// The instance, in the directory's own words: a domain's DNS name, a tenant, an org's address.
    pub tenant: String,
    /// Whether it is a simulated one, of a [rehearsal](crate::rehearsal). A plan of simulated
    /// directories is never carried out on real ones, nor the other way round.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rehearsal: bool,
}

impl DirectoryInfo {
    /// A directory of `kind` (the backend's word) and `tenant` (the instance).
    #[must_use]
    pub fn new(id: DirectoryId, kind: impl Into<String>, tenant: impl Into<String>) -> Self {
        Self { id, kind: kind.into(), tenant: tenant.into(), rehearsal: false }
    }

    /// The same, of a simulated directory.
    #[must_use]
    pub fn of_a_rehearsal(mut self) -> Self {
        self.rehearsal = true;
        self
    }
}

/// What was found before anything is planned: reachable? permitted? what will be refused?
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Preflight {
    /// The account that the run signs in with, where it is an account of this directory. It is
    /// protected: resetting it would end the run.
    pub principal: Option<AccountId>,
    /// The directory's clock at the time of the preflight.
    pub server_time: Option<Timestamp>,
    /// What satisfies every password policy that could be read, so that a password that is made by it fits
    /// the account's own one too. Which account is under which is told by
    /// [`Account::password_policy`](crate::account::Account::password_policy).
    pub password_policy: PasswordPolicy,
    /// What was noticed.
    pub findings: Vec<Finding>,
    /// Who is privileged, where the preflight had to read that anyway to say what will be refused: read
    /// during the preflight, to its end. Whoever asks next takes it instead of reading all of it again
    /// while it is young: a run for a wave that begins within ten seconds. It is not written to files.
    #[serde(skip)]
    pub privileges: Option<Arc<PrivilegeIndex>>,
}

impl Preflight {
    /// Whether a finding says that the run cannot work.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Fatal)
    }
}

/// The strictest password policy that a backend could read. What a generated password must
/// satisfy beyond the generator's own floor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PasswordPolicy {
    /// The least number of characters; 0 where unknown.
    pub min_length: u16,
    /// The greatest number of characters, where there is one.
    pub max_length: Option<u16>,
    /// Whether the policy asks for several character classes.
    pub complexity: bool,
}

/// One thing noticed before the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// What it is, and what to do; one line.
    pub text: String,
}

impl Finding {
    /// Something noticed, in one line.
    #[must_use]
    pub fn new(severity: Severity, text: impl Into<String>) -> Self {
        Self { severity, text: text.into() }
    }
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Note,
    /// Some accounts or actions will fail.
    Warning,
    /// The run cannot work.
    Fatal,
}
