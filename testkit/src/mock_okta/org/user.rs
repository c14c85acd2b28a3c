//! One user of an org.

use identity_core::account::{AccountKind, PasswordAuthority};
use jiff::Timestamp;
use uuid::Uuid;

/// `status` of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the names are Okta's")]
#[non_exhaustive]
pub enum Status {
    Staged,
    Provisioned,
    Active,
    Recovery,
    PasswordExpired,
    LockedOut,
    Suspended,
    Deprovisioned,
}

impl Status {
    /// As the API writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Staged => "STAGED",
            Self::Provisioned => "PROVISIONED",
            Self::Active => "ACTIVE",
            Self::Recovery => "RECOVERY",
            Self::PasswordExpired => "PASSWORD_EXPIRED",
            Self::LockedOut => "LOCKED_OUT",
            Self::Suspended => "SUSPENDED",
            Self::Deprovisioned => "DEPROVISIONED",
        }
    }
}

/// `credentials.provider.type`: who checks the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Provider {
    /// Okta itself.
    Okta,
    /// Active Directory, through an agent.
    ActiveDirectory,
    /// An LDAP directory, through an agent.
    Ldap,
    /// Another identity provider.
    Federation,
    /// A social identity provider.
    Social,
    /// Okta, by a hash that was imported and is replaced at the first sign-in.
    Import,
}

impl Provider {
    /// As the API writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Okta => "OKTA",
            Self::ActiveDirectory => "ACTIVE_DIRECTORY",
            Self::Ldap => "LDAP",
            Self::Federation => "FEDERATION",
            Self::Social => "SOCIAL",
            Self::Import => "IMPORT",
        }
    }

    /// Whether the password is checked by an agent.
    #[must_use]
    pub fn is_delegated(self) -> bool {
        matches!(self, Self::ActiveDirectory | Self::Ldap)
    }
}

/// The part of a user that the API changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Standing {
    /// `status`.
    pub status: Status,
    /// `credentials.provider.type`.
    pub provider: Provider,
    /// Whether `credentials.password` is there.
    pub has_password: bool,
    /// `activated`.
    pub activated: Option<Timestamp>,
    /// `statusChanged`.
    pub status_changed: Option<Timestamp>,
    /// `lastUpdated`.
    pub last_updated: Timestamp,
    /// `passwordChanged`.
    pub password_changed: Option<Timestamp>,
}

/// One user.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OktaUser {
    /// Its place in the org.
    pub number: u64,
    /// `id`.
    pub id: String,
    /// The index of the organisation's account that it stands for, where it stands for one.
    pub account: Option<u64>,
    /// `profile.login`.
    pub login: String,
    /// `profile.email`.
    pub email: String,
    /// `profile.secondEmail`.
    pub second_email: Option<String>,
    /// `profile.firstName`.
    pub first_name: Option<String>,
    /// `profile.lastName`.
    pub last_name: Option<String>,
    /// `profile.displayName`.
    pub display_name: Option<String>,
    /// `profile.department`.
    pub department: Option<String>,
    /// `profile.mobilePhone`.
    pub mobile_phone: Option<String>,
    /// `profile.manager`: the manager, by number.
    pub manager: Option<u64>,
    /// What it is now.
    pub standing: Standing,
    /// It is being activated: writes are refused with 409 E0000112.
    pub activating: bool,
    /// Whether a recovery question was set.
    pub recovery_question: bool,
    /// `created`.
    pub created: Timestamp,
    /// `lastLogin`.
    pub last_login: Option<Timestamp>,
    /// Comes from Active Directory: what it says about it.
    pub on_prem: Option<OktaOnPrem>,
    /// A service rather than a person, as its on-prem account shows.
    pub service: bool,
    /// Types of the standard administrator roles that it holds directly.
    pub roles: Vec<&'static str>,
}

/// What a user from Active Directory brings along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OktaOnPrem {
    /// `sAMAccountName`.
    pub sam_account_name: String,
    /// The objectGUID in its usual form.
    pub guid: Uuid,
    /// The security identifier.
    pub security_id: String,
    /// The distinguished name.
    pub distinguished_name: String,
}

/// What a correct reading of a user comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OktaTruth {
    /// What it is as far as Okta shows it: nothing tells services from persons.
    pub kind: AccountKind,
    /// What it really is.
    pub really: AccountKind,
    /// Where its password is mastered.
    pub authority: PasswordAuthority,
    /// The account of the organisation that it is joined with.
    pub joined_with: Option<u64>,
}

impl OktaUser {
    /// Its status now.
    #[must_use]
    pub fn status(&self) -> Status {
        self.standing.status
    }

    /// Who checks its password now.
    #[must_use]
    pub fn provider(&self) -> Provider {
        self.standing.provider
    }

    /// What a correct reading of the user comes to.
    #[must_use]
    pub fn truth(&self) -> OktaTruth {
        let authority = match self.provider() {
            Provider::Okta | Provider::Import if self.standing.has_password => PasswordAuthority::Here,
            Provider::Okta | Provider::Import => PasswordAuthority::Nowhere,
            Provider::ActiveDirectory | Provider::Ldap => PasswordAuthority::OnPrem,
            // Okta calls the provider by its kind: it does not say which one it is.
            Provider::Federation | Provider::Social => PasswordAuthority::Federated(String::new()),
        };
        OktaTruth {
            kind: AccountKind::Person,
            really: if self.service { AccountKind::Service } else { AccountKind::Person },
            authority,
            joined_with: self.account.filter(|_| self.on_prem.is_some()),
        }
    }

    /// The domain of its login.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.login.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    /// Whether Okta itself checks a password of it.
    #[must_use]
    pub fn has_okta_password(&self) -> bool {
        matches!(self.provider(), Provider::Okta | Provider::Import) && self.standing.has_password
    }
}
