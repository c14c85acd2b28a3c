//! One synthetic account.

use jiff::Timestamp;
use uuid::Uuid;

use super::names::escape_dn;
use super::{GroupIndex, Organisation, Truth, draw};

/// The bits of `userAccountControl` that occur here (MS-ADTS 2.2.16).
pub mod uac {
    #![allow(missing_docs, reason = "the names are those of the specification")]
    pub const DISABLED: u32 = 0x2;
    pub const PASSWORD_NOT_REQUIRED: u32 = 0x20;
    pub const NORMAL: u32 = 0x200;
    pub const DOMAIN_TRUST: u32 = 0x800;
    pub const WORKSTATION: u32 = 0x1000;
    pub const SERVER: u32 = 0x2000;
    pub const NEVER_EXPIRES: u32 = 0x1_0000;
    pub const SMART_CARD: u32 = 0x4_0000;
    pub const DELEGATION: u32 = 0x8_0000;
    pub const PROTOCOL_TRANSITION: u32 = 0x100_0000;
    pub const READ_ONLY_CONTROLLER: u32 = 0x400_0000;
}

/// The most specific object class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ObjectClass {
    /// `user`.
    User,
    /// `computer`.
    Computer,
    /// `msDS-ManagedServiceAccount` (sMSA).
    ManagedService,
    /// `msDS-GroupManagedServiceAccount` (gMSA).
    GroupManagedService,
    /// `msDS-DelegatedManagedServiceAccount` (dMSA).
    DelegatedManagedService,
}

impl ObjectClass {
    /// The values of `objectClass`, from `top` down.
    #[must_use]
    pub fn names(self) -> &'static [&'static str] {
        match self {
            Self::User => &["top", "person", "organizationalPerson", "user"],
            Self::Computer => &["top", "person", "organizationalPerson", "user", "computer"],
            Self::ManagedService => {
                &["top", "person", "organizationalPerson", "user", "computer", "msDS-ManagedServiceAccount"]
            }
            Self::GroupManagedService => {
                &["top", "person", "organizationalPerson", "user", "computer", "msDS-GroupManagedServiceAccount"]
            }
            Self::DelegatedManagedService => {
                &["top", "person", "organizationalPerson", "user", "computer", "msDS-DelegatedManagedServiceAccount"]
            }
        }
    }
}

/// One account of an [`Organisation`], with the truth about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntheticAccount {
    /// Its place in the organisation.
    pub index: u64,
    /// `objectGUID`.
    pub guid: Uuid,
    /// The last part of its security identifier.
    pub rid: u32,
    /// The security identifier.
    pub sid: String,
    /// `sAMAccountName`, distinct without regard to case.
    pub name: String,
    /// `cn`, at most 64 characters.
    pub cn: String,
    /// The container below the domain's base that it stands in.
    pub unit: String,
    /// `displayName`.
    pub display_name: Option<String>,
    /// `givenName`.
    pub given_name: Option<String>,
    /// `sn`.
    pub surname: Option<String>,
    /// `department`.
    pub department: Option<&'static str>,
    /// `userPrincipalName`: the anchor that cloud accounts of the same person carry too.
    pub principal_name: Option<String>,
    /// `mail`.
    pub mail: Option<String>,
    /// The index of its manager.
    pub manager: Option<u64>,
    /// The most specific object class.
    pub class: ObjectClass,
    /// `userAccountControl` as LDAP reads it.
    pub uac: u32,
    /// Locked out when the organisation begins.
    pub locked: bool,
    /// `pwdLastSet` is 0: must change at the next sign-in.
    pub must_change: bool,
    /// A deny entry keeps the owner from changing the password.
    pub cannot_change: bool,
    /// When the password was set last (not shown while `must_change`).
    pub password_set: Timestamp,
    /// How often the password was set: the version of `unicodePwd`.
    pub password_version: u32,
    /// `lastLogonTimestamp`.
    pub last_sign_in: Option<Timestamp>,
    /// `accountExpires`.
    pub expires: Option<Timestamp>,
    /// `whenCreated`.
    pub created: Timestamp,
    /// `adminCount` is 1.
    pub admin_count: bool,
    /// `primaryGroupID`; the group does not show in `memberOf`.
    pub primary_group: u32,
    /// The groups that list it directly.
    pub member_of: Vec<GroupIndex>,
    /// `sIDHistory`.
    pub sid_history: Vec<String>,
    /// `servicePrincipalName`.
    pub service_names: Vec<String>,
    /// `msDS-SecondaryKrbTgtNumber`: the krbtgt of a read-only domain controller.
    pub secondary_krbtgt: Option<u32>,
    /// `msExchRecipientTypeDetails`: 4 is a shared mailbox.
    pub recipient_type: Option<u32>,
    /// `msDS-AllowedToDelegateTo`: services that it may act on as others.
    pub delegates_to: Vec<String>,
    /// Who may act on it as anybody, by SID (`msDS-AllowedToActOnBehalfOfOtherIdentity`).
    pub acted_for_by: Vec<String>,
    /// Who may read its managed password, by SID (`msDS-GroupMSAMembership`).
    pub read_by: Vec<String>,
    /// `isCriticalSystemObject`.
    pub critical: bool,
    /// Somebody of another organisation; other mock directories may make a guest of it.
    pub external: bool,
    /// What a correct reading of all this comes to.
    pub truth: Truth,
}

impl SyntheticAccount {
    /// `employeeID`: of people of the organisation.
    #[must_use]
    pub fn employee_id(&self) -> Option<String> {
        self.is_employed().then(|| format!("E{:07}", self.index))
    }

    /// `employeeNumber`: another number, of the payroll.
    #[must_use]
    pub fn employee_number(&self) -> Option<String> {
        self.is_employed().then(|| format!("{}", 100_000 + self.index))
    }

    fn is_employed(&self) -> bool {
        self.class == ObjectClass::User && self.department.is_some() && !self.external
    }

    /// An enabled user in `CN=Users` with a password set 90 days before, in no group.
    pub(super) fn blank(organisation: &Organisation, index: u64, name: String, cn: String) -> Self {
        let rid = 10_000_u32.saturating_add(u32::try_from(index).unwrap_or(u32::MAX));
        let days = 1 + draw::below(organisation.seed, index, "password age", 200);
        Self {
            index,
            guid: draw::guid(organisation.seed, index),
            rid,
            sid: format!("{}-{rid}", organisation.domain_sid()),
            name,
            cn,
            unit: "CN=Users".into(),
            display_name: None,
            given_name: None,
            surname: None,
            department: None,
            principal_name: None,
            mail: None,
            manager: None,
            class: ObjectClass::User,
            uac: uac::NORMAL,
            locked: false,
            must_change: false,
            cannot_change: false,
            password_set: organisation.days_before(days),
            password_version: 2 + draw::below(organisation.seed, index, "password version", 20) as u32,
            last_sign_in: Some(organisation.days_before(draw::below(organisation.seed, index, "sign-in", 14))),
            expires: None,
            created: organisation.days_before(days + 1 + draw::below(organisation.seed, index, "created", 3000)),
            admin_count: false,
            primary_group: 513,
            member_of: Vec::new(),
            sid_history: Vec::new(),
            service_names: Vec::new(),
            secondary_krbtgt: None,
            recipient_type: None,
            delegates_to: Vec::new(),
            acted_for_by: Vec::new(),
            read_by: Vec::new(),
            critical: false,
            external: false,
            truth: Truth::default(),
        }
    }

    /// Gives it one of the RIDs that are the same in every domain.
    pub(super) fn set_rid(&mut self, organisation: &Organisation, rid: u32) {
        self.rid = rid;
        self.sid = format!("{}-{rid}", organisation.domain_sid());
    }

    /// Its distinguished name below `base`.
    #[must_use]
    pub fn dn(&self, base: &str) -> String {
        format!("CN={},{},{base}", escape_dn(&self.cn), self.unit)
    }

    /// Whether it is not disabled.
    #[must_use]
    pub fn enabled(&self) -> bool {
        self.uac & uac::DISABLED == 0
    }

    /// `sAMAccountType` (MS-SAMR 2.2.1.9).
    #[must_use]
    pub fn sam_account_type(&self) -> u32 {
        if self.uac & uac::DOMAIN_TRUST != 0 {
            0x3000_0002
        } else if self.class == ObjectClass::User {
            0x3000_0000
        } else {
            0x3000_0001
        }
    }

    /// Whether an ordinary LDAP client may create it: not what the directory makes itself.
    #[must_use]
    pub fn creatable(&self) -> bool {
        let machine = uac::SERVER | uac::DOMAIN_TRUST | uac::READ_ONLY_CONTROLLER;
        let own_class = !matches!(self.class, ObjectClass::User | ObjectClass::Computer);
        self.rid >= 1000 && self.uac & machine == 0 && self.secondary_krbtgt.is_none() && !own_class
    }
}
