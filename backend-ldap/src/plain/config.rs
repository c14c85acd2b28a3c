//! How a plain LDAP server is used: which entries are accounts, how they are named, who is privileged.

use identity_core::privilege::Tier;

use crate::config::LdapConfig;

/// How a plain LDAP server is reached ([`LdapConfig`]) and what its entries mean.
///
/// ```
/// use backend_ldap::{LdapConfig, PlainConfig};
/// use identity_core::account::DirectoryId;
///
/// let transport = LdapConfig::new(DirectoryId::new("unix")?, "ldaps://ldap.example.test")
///     .bind("uid=svc-identity-reset,ou=services,dc=example,dc=test", "a secret".into())
///     .base("dc=example,dc=test")
///     .ca_file("ca.pem");
/// let config = PlainConfig::new(transport)
///     .default_policy("cn=default,ou=policies,dc=example,dc=test")
///     .privileged_group("cn=admins,ou=groups,dc=example,dc=test");
/// # let _ = config;
/// # Ok::<(), identity_core::account::InvalidId>(())
/// ```
#[derive(Clone, Debug)]
pub struct PlainConfig {
    pub(crate) transport: LdapConfig,
    pub(crate) accounts: String,
    pub(crate) services: Option<String>,
    pub(crate) name_attribute: String,
    pub(crate) default_policy: Option<String>,
    pub(crate) password_by: PasswordBy,
    pub(crate) privileged: Vec<Holder>,
    pub(crate) nobody_is_privileged: bool,
    pub(crate) covered: Vec<String>,
}

/// How a password is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PasswordBy {
    /// By the Password Modify operation (RFC 3062): the server stores the password as it is
    /// configured to. What else an order says is a second operation.
    #[default]
    Operation,
    /// By a Modify of `userPassword`, with everything that an order says in one step. Only for
    /// servers that hash what they are given (slapd: `ppolicy_hash_cleartext`); others would store
    /// it in clear.
    Modify,
}

/// A group or account that the configuration calls privileged.
#[derive(Clone, Debug)]
pub(crate) struct Holder {
    pub(crate) name: String,
    pub(crate) tier: Tier,
    pub(crate) is_group: bool,
}

/// Persons and accounts in the schemas that servers come with: RFC 2798, RFC 2307, RFC 4524.
const ACCOUNTS: &str = "(|(objectClass=inetOrgPerson)(objectClass=posixAccount)(objectClass=account))";

impl PlainConfig {
    /// The server that `transport` reaches. Accounts are inetOrgPerson, posixAccount and account,
    /// named by `uid`; nothing is said about privilege yet, so that everybody counts as unknown.
    #[must_use]
    pub fn new(transport: LdapConfig) -> Self {
        Self {
            transport,
            accounts: ACCOUNTS.to_owned(),
            services: None,
            name_attribute: "uid".to_owned(),
            default_policy: None,
            password_by: PasswordBy::default(),
            privileged: Vec::new(),
            nobody_is_privileged: false,
            covered: Vec::new(),
        }
    }

    /// Which entries are accounts: an LDAP filter (RFC 4515).
    #[must_use]
    pub fn accounts(mut self, filter: impl Into<String>) -> Self {
        self.accounts = filter.into();
        self
    }

    /// Which of the accounts are of programs: an LDAP filter. Without it, an `account` that is
    /// neither a person's nor a `posixAccount`.
    #[must_use]
    pub fn services(mut self, filter: impl Into<String>) -> Self {
        self.services = Some(filter.into());
        self
    }

    /// The attribute that holds the sign-in name; `uid` unless given.
    #[must_use]
    pub fn name_attribute(mut self, attribute: impl Into<String>) -> Self {
        self.name_attribute = attribute.into();
        self
    }

    /// The name of the policy of accounts that have none of their own (slapd: `ppolicy_default`).
    /// A server does not tell it; without it, must-change and disable are refused for them, since
    /// a policy decides whether they have any effect.
    #[must_use]
    pub fn default_policy(mut self, name: impl Into<String>) -> Self {
        self.default_policy = Some(name.into());
        self
    }

    /// How a password is set.
    #[must_use]
    pub fn password_by(mut self, way: PasswordBy) -> Self {
        self.password_by = way;
        self
    }

    /// A group whose members hold the control plane (tier 0), by distinguished name or by name.
    #[must_use]
    pub fn privileged_group(self, group: impl Into<String>) -> Self {
        self.holder(group, Tier::Control, true)
    }

    /// A group whose members hold the management plane (tier 1).
    #[must_use]
    pub fn management_group(self, group: impl Into<String>) -> Self {
        self.holder(group, Tier::Management, true)
    }

    /// An account that holds the control plane, by distinguished name.
    #[must_use]
    pub fn privileged_account(self, name: impl Into<String>) -> Self {
        self.holder(name, Tier::Control, false)
    }

    /// Says that nobody in this directory is privileged, but the account that the run signs in with.
    #[must_use]
    pub fn nobody_is_privileged(mut self) -> Self {
        self.nobody_is_privileged = true;
        self
    }

    /// A part of the tree that another server holds, as this one refers to it
    /// (`ldap://other.example.test/ou=away,dc=example,dc=test`), and that another directory of the
    /// program covers. A listing that meets any other reference is an error: it would be short.
    #[must_use]
    pub fn covered_reference(mut self, url: impl Into<String>) -> Self {
        self.covered.push(url.into());
        self
    }

    fn holder(mut self, name: impl Into<String>, tier: Tier, is_group: bool) -> Self {
        self.privileged.push(Holder { name: name.into(), tier, is_group });
        self
    }
}
