//! Who is in a tenant: an organisation's accounts as Entra Connect would bring them, the part that
//! is only in the cloud, guests, and the fixed users. A function of seed and number.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use identity_core::account::AccountKind;
use jiff::SignedDuration;
use uuid::Uuid;

use super::super::privilege;
use super::fixed::{self, FIXED};
use super::user::{CloudUser, OnPrem, Sort};
use crate::organisation::{ObjectClass, Organisation, SPECIAL, SyntheticAccount, draw, uac};

/// Keeps the object ids of the cloud apart from the objectGUIDs of the same seed.
const CLOUD: u64 = 0x636C_6F75_6400_0001;

/// Who is in a tenant. Numbers are `0..FIXED` for the fixed users, then one for each account of the
/// organisation in its order, whether or not it is in the cloud.
#[derive(Clone, Debug)]
pub(crate) struct Population {
    pub(crate) organisation: Organisation,
    /// Of a hundred drawn persons, how many are only in the cloud.
    pub(crate) cloud_only: u64,
    /// Of a hundred drawn persons, how many are in the federated domain.
    pub(crate) federated: u64,
}

/// The object id of a number.
pub(super) fn object_id(seed: u64, number: u64) -> Uuid {
    draw::guid(seed ^ CLOUD, number)
}

impl Population {
    pub(super) fn seed(&self) -> u64 {
        self.organisation.seed()
    }

    /// The first number that nobody has.
    pub(crate) fn end(&self) -> u64 {
        FIXED + self.organisation.len()
    }

    /// The number that would have this object id; the caller checks that somebody is there.
    pub(super) fn number_of(&self, id: &Uuid) -> Option<u64> {
        let number = draw::index_of(self.seed() ^ CLOUD, *id);
        (object_id(self.seed(), number) == *id).then_some(number)
    }

    /// The domain that a tenant begins with.
    pub(crate) fn initial_domain(&self) -> String {
        let label = self.organisation.domain().split('.').next().unwrap_or("tenant");
        format!("{label}.onmicrosoft.test")
    }

    /// The managed domain of those who are only in the cloud.
    pub(crate) fn cloud_domain(&self) -> String {
        format!("cloud.{}", self.organisation.domain())
    }

    /// The federated domain.
    pub(crate) fn federated_domain(&self) -> String {
        format!("federated.{}", self.organisation.domain())
    }

    /// Who has a number.
    pub(crate) fn user(&self, number: u64) -> Option<CloudUser> {
        if number < FIXED {
            return Some(fixed::user(self, number));
        }
        let index = number.checked_sub(FIXED).filter(|index| *index < self.organisation.len())?;
        let account = self.organisation.account(index);
        self.of_account(number, &account)
    }

    /// The password that a user begins with: the on-prem one for who is synchronised.
    pub(crate) fn initial_password(&self, number: u64) -> String {
        // The fixed users come after every account that there could be.
        let index = number.checked_sub(FIXED).unwrap_or(number | 1 << 40);
        self.organisation.initial_password(index)
    }

    /// An enabled member who is only in the cloud.
    pub(super) fn blank(&self, number: u64, id: Uuid, principal_name: String) -> CloudUser {
        let as_of = self.organisation.as_of();
        let days = 1 + draw::below(self.seed(), number, "cloud password age", 200);
        let before = |days: u64| {
            let hours = i64::try_from(days * 24).unwrap_or(0);
            as_of.checked_sub(SignedDuration::from_hours(hours)).unwrap_or(as_of)
        };
        CloudUser {
            number,
            id,
            account: None,
            principal_name,
            display_name: None,
            given_name: None,
            surname: None,
            mail: None,
            department: None,
            mobile_phone: None,
            language: Some("en-US".into()),
            manager: None,
            sort: Sort::Member,
            federated: false,
            enabled: true,
            on_prem: None,
            password_set: before(days),
            must_change: false,
            password_policies: None,
            created: before(days + 1 + draw::below(self.seed(), number, "cloud created", 2000)),
            last_sign_in: Some(before(draw::below(self.seed(), number, "cloud sign-in", 14))),
            restricted: false,
            service: false,
            roles: Vec::new(),
        }
    }

    /// The user that stands for an account; `None` for what Entra Connect leaves out: machines,
    /// managed services, trusts, what comes with the domain, its own account, health mailboxes.
    fn of_account(&self, number: u64, account: &SyntheticAccount) -> Option<CloudUser> {
        let kind = account.truth.kind;
        let person = matches!(kind, AccountKind::Person | AccountKind::Service)
            || (kind == AccountKind::Mailbox && account.recipient_type.is_some());
        if account.class != ObjectClass::User || account.critical || !person {
            return None;
        }
        let id = object_id(self.seed(), number);
        let domain = self.organisation.domain();
        let share = |word| draw::below(self.seed(), account.index, word, 100);
        let drawn = account.index >= SPECIAL && kind == AccountKind::Person;
        let mut user = self.blank(number, id, format!("{}@{domain}", account.name));
        user.account = Some(account.index);
        user.display_name = account.display_name.clone().or_else(|| Some(account.cn.clone()));
        user.given_name.clone_from(&account.given_name);
        user.surname.clone_from(&account.surname);
        user.mail.clone_from(&account.mail);
        user.department = account.department.map(str::to_owned);
        user.manager = account.manager.map(|index| FIXED + index);
        if draw::below(self.seed(), number, "has a phone", 2) == 0 {
            let digits = draw::below(self.seed(), number, "phone", 10_000_000);
            user.mobile_phone = Some(format!("+49 1515 {digits:07}"));
        }
        user.enabled = account.enabled();
        user.roles = privilege::direct_roles(account.index).collect();
        user.restricted = privilege::is_restricted(account.index);
        user.created = account.created;
        user.last_sign_in = account.last_sign_in;
        user.service = kind == AccountKind::Service;
        if account.uac & uac::NEVER_EXPIRES != 0 {
            user.password_policies = Some("DisablePasswordExpiration");
        }
        if kind == AccountKind::Mailbox {
            user.sort = Sort::Mailbox;
        }
        if account.external {
            let mail = account.mail.clone().unwrap_or_default();
            user.principal_name = format!("{}#EXT#@{}", mail.replace('@', "_"), self.initial_domain());
            user.sort = Sort::Guest(share("accepted") < 90);
            user.password_policies = None;
            return Some(user);
        }
        if drawn && share("cloud only") < self.cloud_only {
            user.principal_name = format!("{}@{}", account.name, self.cloud_domain());
            user.mail = Some(user.principal_name.clone());
            return Some(user);
        }
        if drawn && share("federated") < self.federated {
            user.principal_name = format!("{}@{}", account.name, self.federated_domain());
            user.federated = true;
        }
        user.password_set = account.password_set;
        user.must_change = account.must_change;
        user.on_prem = Some(OnPrem {
            domain: domain.to_owned(),
            sam_account_name: account.name.clone(),
            distinguished_name: account.dn(&self.organisation.base_dn()),
            security_id: account.sid.clone(),
            guid: account.guid,
            immutable_id: STANDARD.encode(account.guid.to_bytes_le()),
            principal_name: account.principal_name.clone().unwrap_or_else(|| user.principal_name.clone()),
        });
        Some(user)
    }
}
