//! The lines of a shape.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::limits::ShapedLimits;
use crate::account::{Account, AccountId, AccountKind, DirectoryId, PasswordAuthority};
use crate::directory::{Capabilities, PasswordPolicy, Scope};
use crate::privilege::Tier;
use crate::reset::Action;

/// What [`ShapeHeader::format`] says.
pub(super) const FORMAT: &str = "identity-reset shape";
/// The version of the format.
pub(super) const VERSION: u32 = 1;

/// One line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "row", rename_all = "snake_case")]
pub(super) enum ShapeRow {
    /// The first.
    Shape(ShapeHeader),
    /// Before the accounts of a directory.
    Directory(Box<ShapedDirectory>),
    Account(Box<ShapedAccount>),
    /// The last: without it the file is not whole.
    End {
        /// How many accounts there are in all.
        accounts: u64,
    },
}

/// The first line of a shape.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ShapeHeader {
    /// `identity-reset shape`.
    pub format: String,
    /// The version of the format: 1.
    pub version: u32,
    /// The version of the library that took it.
    pub library: String,
    /// Tells whether two shapes were taken with one key, so that their pseudonyms compare.
    pub key: String,
    /// What the digests of scopes are made with.
    pub salt: String,
}

/// A directory of a shape.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ShapedDirectory {
    /// The name that the configuration gives it: playbooks name it so.
    pub id: DirectoryId,
    /// The backend's word for its kind.
    pub kind: String,
    /// A pseudonym.
    pub tenant: String,
    /// What it can do.
    pub capabilities: Capabilities,
    /// What it allows.
    pub limits: ShapedLimits,
    /// The class of each action that is not of the class `write`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<(Action, String)>,
    /// Which action rules out which next one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules_out: Vec<(Action, Action)>,
    /// What its reads cost.
    pub reads: ShapedReads,
    /// How late it answers.
    pub latency: ShapedLatency,
    /// What satisfies its password policies.
    pub password_policy: PasswordPolicy,
    /// The account that a run signs in with, where it is one of this directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<AccountId>,
    /// How many findings of the preflight say that a run cannot work.
    #[serde(default)]
    pub fatal_findings: u32,
    /// How many say that some accounts or actions will fail.
    #[serde(default)]
    pub warnings: u32,
    /// How many reasons there are why it could not be read in full who is privileged.
    #[serde(default)]
    pub incomplete_privileges: u32,
    /// The digests of the scopes whose members are marked: whoever knows a name can recognise it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
}

/// What reads of a directory cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ShapedReads {
    /// The class of a listing.
    pub list: String,
    /// Accounts in one page of it.
    pub page: u32,
    /// The class of a look-up.
    pub look_up: String,
    /// Accounts in one request of it.
    pub ids: u32,
}

/// How late a directory answers, in milliseconds: half of the answers come before the first number, 95 of a
/// hundred before the second.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ShapedLatency {
    /// Of a read.
    pub read: (f64, f64),
    /// Of a change.
    pub write: (f64, f64),
    /// How many reads were measured; 0 where both are assumed. Changes are never measured: theirs follow
    /// the reads'.
    pub measured: u32,
}

/// An account of a shape: what a plan decides on, and no name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ShapedAccount {
    /// A pseudonym in the form of a GUID.
    pub id: String,
    /// What it is; nothing for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<AccountKind>,
    /// Its state and that of its password, by what is not as usual.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<Flag>,
    /// Where its password is mastered; nothing for here. A provider is not named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<PasswordAuthority>,
    /// Days since 1970 when its password was last set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<i32>,
    /// A pseudonym of the password policy of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// A pseudonym of whoever answers for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The security identifier's pseudonym, in the form of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// The immutable id's pseudonym, in the form of a GUID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub immutable: Option<String>,
    /// The principal name's pseudonym.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal_name: Option<String>,
    /// The mail address's pseudonym.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<String>,
    /// Attributes by name, their values pseudonyms but for those that were to be kept.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
    /// The grounds of its privilege: tier, and the rule's word.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grounds: Vec<(Tier, String)>,
    /// The scopes that it is in, as places in the directory's list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<u16>,
    /// What the directory answers of actions, where that is not what its capabilities say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub support: Vec<ShapedSupport>,
}

/// What is not as usual about an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Flag {
    /// Disabled.
    Disabled,
    /// Locked out.
    Locked,
    /// The password must be changed.
    MustChange,
    /// The password never expires.
    NeverExpires,
    /// The owner may not change it.
    CannotChange,
    /// An empty one is allowed.
    NotRequired,
    /// A smart card is needed.
    SmartCard,
    /// The password is void until its owner comes back by recovery.
    AwaitsRecovery,
    /// The protected list names the account.
    Protected,
    /// It could not be told what the account holds.
    PrivilegeUnknown,
    /// It has a procedure of its own that people follow.
    Procedure,
}

/// What the directory answers of one action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ShapedSupport {
    /// The action.
    pub action: Action,
    /// Whether it works although the capabilities do not say so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub works: bool,
    /// What works instead; where nothing does and it does not work, it cannot be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead: Option<Action>,
}

impl ShapedAccount {
    pub(crate) fn has(&self, flag: Flag) -> bool {
        self.flags.contains(&flag)
    }

    /// The account as the simulated directory gives it.
    pub(crate) fn account(&self, directory: &DirectoryId, id: AccountId, can: Capabilities) -> Account {
        let digits: String = self.id.chars().filter(char::is_ascii_hexdigit).take(12).collect();
        let kind = self.kind.unwrap_or(AccountKind::Person);
        let mut account = Account::new(directory.clone(), id, format!("account-{digits}"), kind);
        account.state.enabled = !self.has(Flag::Disabled);
        account.state.locked = self.has(Flag::Locked);
        account.password.last_set = self.set.and_then(day);
        account.password.must_change = self.has(Flag::MustChange);
        account.password.never_expires = self.has(Flag::NeverExpires);
        account.password.cannot_change = self.has(Flag::CannotChange);
        account.password.not_required = self.has(Flag::NotRequired);
        account.password.smart_card_required = self.has(Flag::SmartCard);
        account.password.awaits_recovery = self.has(Flag::AwaitsRecovery);
        account.password.version = can.observe_version.then_some(1);
        account.state.sessions_valid_from = can.observe_sessions.then_some(Timestamp::UNIX_EPOCH);
        account.authority = self.authority.clone().unwrap_or_default();
        account.password_policy.clone_from(&self.policy);
        account.owner.clone_from(&self.owner);
        account.anchors.security_id.clone_from(&self.sid);
        account.anchors.immutable_id.clone_from(&self.immutable);
        account.anchors.principal_name.clone_from(&self.principal_name);
        account.mail.clone_from(&self.mail);
        account.attributes.clone_from(&self.attributes);
        if self.has(Flag::Procedure) {
            account.procedure = Some("as the directory's own words say; a shape does not hold them".to_owned());
        }
        account
    }
}

/// What a shape knows a scope by: whoever knows its name can recognise it, nobody can read it out.
pub(crate) fn scope_digest(salt: &str, directory: &DirectoryId, scope: &Scope) -> String {
    let (kind, text) = match scope {
        Scope::Everyone => ("everyone", ""),
        Scope::Group(name) => ("group", name.as_str()),
        Scope::Unit(path) => ("unit", path.as_str()),
        Scope::Native(query) => ("native", query.as_str()),
    };
    let mut hash = Sha256::new();
    for part in [salt, directory.as_str(), kind, &text.to_lowercase()] {
        hash.update(part);
        hash.update([0]);
    }
    hex::encode(hash.finalize().get(..16).unwrap_or_default())
}

/// The start of a day, counted from 1970.
fn day(days: i32) -> Option<Timestamp> {
    Timestamp::from_second(i64::from(days) * 86_400).ok()
}

/// The day of a time.
pub(super) fn days(at: Timestamp) -> i32 {
    i32::try_from(at.as_second().div_euclid(86_400)).unwrap_or_default()
}
