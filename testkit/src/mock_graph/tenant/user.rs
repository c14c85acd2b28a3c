//! One user of a tenant, as a function of its number.

use identity_core::account::{AccountKind, PasswordAuthority};
use jiff::Timestamp;
use uuid::Uuid;

/// One user of the mock tenant, before anything was done to it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CloudUser {
    /// Its place in the tenant.
    pub number: u64,
    /// The object id.
    pub id: Uuid,
    /// The index of the organisation's account that it stands for, where it stands for one.
    pub account: Option<u64>,
    /// `userPrincipalName`.
    pub principal_name: String,
    /// `displayName`.
    pub display_name: Option<String>,
    /// `givenName`.
    pub given_name: Option<String>,
    /// `surname`.
    pub surname: Option<String>,
    /// `mail`.
    pub mail: Option<String>,
    /// `department`.
    pub department: Option<String>,
    /// `mobilePhone`.
    pub mobile_phone: Option<String>,
    /// `preferredLanguage`.
    pub language: Option<String>,
    /// The user's manager, by number.
    pub manager: Option<u64>,
    /// What sort of user it is.
    pub sort: Sort,
    /// Whether the domain of its name is federated.
    pub federated: bool,
    /// `accountEnabled`.
    pub enabled: bool,
    /// Synchronised from on-prem: what AD says about it.
    pub on_prem: Option<OnPrem>,
    /// `lastPasswordChangeDateTime`.
    pub password_set: Timestamp,
    /// Must change the password at the next sign-in.
    pub must_change: bool,
    /// `passwordPolicies`.
    pub password_policies: Option<&'static str>,
    /// `createdDateTime`.
    pub created: Timestamp,
    /// `signInActivity.lastSignInDateTime`.
    pub last_sign_in: Option<Timestamp>,
    /// Member of a restricted-management administrative unit.
    pub restricted: bool,
    /// A service rather than a person, as its on-prem account shows.
    pub service: bool,
    /// Templates of the directory roles that it holds directly at the scope of the tenant.
    pub roles: Vec<&'static str>,
}

/// What sort of user it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Sort {
    /// A member of the organisation.
    Member,
    /// A guest whose password is in another tenant; whether the invitation was accepted.
    Guest(bool),
    /// `userType` is Guest, but it signs in here.
    InternalGuest,
    /// A local account of a customer (`creationType` LocalAccount).
    LocalAccount,
    /// The user object of an agent (`@odata.type` agentUser).
    Agent,
    /// A room or shared mailbox.
    Mailbox,
}

/// What a synchronised user brings from on-prem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnPrem {
    /// `onPremisesDomainName`.
    pub domain: String,
    /// `onPremisesSamAccountName`.
    pub sam_account_name: String,
    /// `onPremisesDistinguishedName`.
    pub distinguished_name: String,
    /// `onPremisesSecurityIdentifier`.
    pub security_id: String,
    /// The objectGUID in its usual form.
    pub guid: Uuid,
    /// `onPremisesImmutableId`: the objectGUID's bytes as AD stores them, in base64.
    pub immutable_id: String,
    /// `onPremisesUserPrincipalName`.
    pub principal_name: String,
}

/// What a correct reading of a user comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CloudTruth {
    /// What it is as far as Graph shows it: v1.0 has no property that tells services and mailboxes
    /// from persons.
    pub kind: AccountKind,
    /// What it really is.
    pub really: AccountKind,
    /// Where its password is mastered.
    pub authority: PasswordAuthority,
    /// The account of the organisation that it is joined with by hard anchors.
    pub joined_with: Option<u64>,
    /// Templates of the roles that it holds directly.
    pub roles: Vec<&'static str>,
    /// Why a mass run leaves it alone by its kind or by what it is.
    pub protected_because: Option<&'static str>,
}

/// The role of the account of Entra Connect.
pub(super) const DIRECTORY_SYNCHRONIZATION_ACCOUNTS: &str = "d29b2b05-8046-44ba-8758-1e26182fcf32";

impl CloudUser {
    /// What a correct reading of the user comes to. Its tier follows from its roles and groups.
    #[must_use]
    pub fn truth(&self) -> CloudTruth {
        let sync = self.roles.contains(&DIRECTORY_SYNCHRONIZATION_ACCOUNTS);
        let really = match self.sort {
            _ if sync => AccountKind::DirectorySync,
            Sort::Guest(_) => AccountKind::Guest,
            Sort::Mailbox => AccountKind::Mailbox,
            Sort::Agent => AccountKind::Service,
            _ if self.service => AccountKind::Service,
            _ => AccountKind::Person,
        };
        let kind = match (self.sort, really) {
            // Its type is in the row itself.
            (Sort::Agent, _) => really,
            (_, AccountKind::Mailbox | AccountKind::Service) => AccountKind::Person,
            _ => really,
        };
        let authority = match self.sort {
            Sort::Guest(_) => PasswordAuthority::Unknown,
            Sort::Agent => PasswordAuthority::Nowhere,
            _ if self.federated => PasswordAuthority::Federated(self.domain().to_owned()),
            _ if self.on_prem.is_some() => PasswordAuthority::OnPrem,
            _ => PasswordAuthority::Here,
        };
        let protected_because = match self.sort {
            Sort::Agent => Some("the user object of an agent"),
            _ => kind.protected_because(),
        };
        CloudTruth {
            kind,
            really,
            authority,
            joined_with: self.account.filter(|_| self.on_prem.is_some()),
            roles: self.roles.clone(),
            protected_because,
        }
    }

    /// The domain of its principal name.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.principal_name.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    /// Whether a password of it is checked here at all.
    #[must_use]
    pub fn signs_in_here(&self) -> bool {
        !matches!(self.sort, Sort::Guest(_) | Sort::Agent) && !self.federated
    }
}
