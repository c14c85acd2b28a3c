//! Who is in an org: an organisation's accounts as an Active Directory agent and a feed of personnel
//! would bring them, and the fixed users. A function of seed and number.

use identity_core::account::AccountKind;
use jiff::SignedDuration;

use super::fixed::{self, FIXED};
use super::id;
use super::user::{OktaOnPrem, OktaUser, Provider, Standing, Status};
use crate::organisation::{ObjectClass, Organisation, SPECIAL, SyntheticAccount, draw};

/// Keeps the ids of Okta apart from others of the same seed.
const OKTA: u64 = 0x6F6B_7461_0000_0001;
/// What ids of users begin with.
pub(super) const USER: &str = "00u";

/// Who is in an org. Numbers are `0..FIXED` for the fixed users, then one for each account of the
/// organisation in its order, whether or not it is in Okta.
#[derive(Clone, Debug)]
pub(crate) struct Population {
    pub(crate) organisation: Organisation,
    /// Of a hundred drawn persons, how many have their password in Okta.
    pub(crate) okta_mastered: u64,
    /// Of a hundred drawn persons, how many are federated.
    pub(crate) federated: u64,
}

impl Population {
    /// The seed that ids are made from.
    pub(crate) fn seed(&self) -> u64 {
        self.organisation.seed() ^ OKTA
    }

    /// The first number that nobody has.
    pub(crate) fn end(&self) -> u64 {
        FIXED + self.organisation.len()
    }

    /// The domain of those whose password is in Okta.
    pub(crate) fn okta_domain(&self) -> String {
        format!("okta.{}", self.organisation.domain())
    }

    /// The domain of those who sign in elsewhere.
    pub(crate) fn federated_domain(&self) -> String {
        format!("federated.{}", self.organisation.domain())
    }

    /// Who has a number.
    pub(crate) fn user(&self, number: u64) -> Option<OktaUser> {
        if number < FIXED {
            return Some(fixed::user(self, number));
        }
        let index = number.checked_sub(FIXED).filter(|index| *index < self.organisation.len())?;
        self.of_account(number, &self.organisation.account(index))
    }

    /// The password that a user begins with: the on-prem one for who comes from there.
    pub(crate) fn initial_password(&self, number: u64) -> String {
        // The fixed users come after every account that there could be.
        let index = number.checked_sub(FIXED).unwrap_or(number | 1 << 40);
        self.organisation.initial_password(index)
    }

    /// An active user whose password is in Okta.
    pub(super) fn blank(&self, number: u64, login: String) -> OktaUser {
        let as_of = self.organisation.as_of();
        let days = 1 + draw::below(self.seed(), number, "okta password age", 200);
        let before = |days: u64| {
            let hours = i64::try_from(days * 24).unwrap_or(0);
            as_of.checked_sub(SignedDuration::from_hours(hours)).unwrap_or(as_of)
        };
        let created = before(days + 1 + draw::below(self.seed(), number, "okta created", 2_000));
        OktaUser {
            number,
            id: id::id(self.seed(), USER, number),
            account: None,
            email: login.clone(),
            login,
            second_email: None,
            first_name: None,
            last_name: None,
            display_name: None,
            department: None,
            mobile_phone: None,
            manager: None,
            standing: Standing {
                status: Status::Active,
                provider: Provider::Okta,
                has_password: true,
                activated: Some(created),
                status_changed: Some(created),
                last_updated: before(days),
                password_changed: Some(before(days)),
            },
            activating: false,
            recovery_question: false,
            created,
            last_login: Some(before(draw::below(self.seed(), number, "okta sign-in", 14))),
            on_prem: None,
            service: false,
            roles: Vec::new(),
        }
    }

    /// The user that stands for an account; `None` for what an import leaves out: machines, managed
    /// services, trusts, what comes with the domain, mailboxes, and who belongs to others.
    fn of_account(&self, number: u64, account: &SyntheticAccount) -> Option<OktaUser> {
        let kind = account.truth.kind;
        let person = matches!(kind, AccountKind::Person | AccountKind::Service);
        if account.class != ObjectClass::User || account.critical || account.external || !person {
            return None;
        }
        let share = |word| draw::below(self.seed(), account.index, word, 100);
        let drawn = account.index >= SPECIAL && kind == AccountKind::Person;
        let okta = drawn && share("okta mastered") < self.okta_mastered;
        let federated = drawn && !okta && share("okta federated") < self.federated;
        let domain = match () {
            () if okta => self.okta_domain(),
            () if federated => self.federated_domain(),
            () => self.organisation.domain().to_owned(),
        };
        let mut user = self.blank(number, format!("{}@{domain}", account.name));
        user.account = Some(account.index);
        user.email = account.mail.clone().unwrap_or_else(|| user.login.clone());
        user.display_name = account.display_name.clone().or_else(|| Some(account.cn.clone()));
        user.first_name.clone_from(&account.given_name);
        user.last_name.clone_from(&account.surname);
        user.department = account.department.map(str::to_owned);
        user.manager = account.manager.map(|index| FIXED + index);
        user.created = account.created;
        user.last_login = account.last_sign_in;
        user.service = kind == AccountKind::Service;
        if draw::below(self.seed(), number, "has a second address", 2) == 0 {
            user.second_email = Some(format!("private-{number}@home.example.test"));
        }
        if draw::below(self.seed(), number, "has a phone", 2) == 0 {
            let digits = draw::below(self.seed(), number, "phone", 10_000_000);
            user.mobile_phone = Some(format!("+49 1515 {digits:07}"));
        }
        user.recovery_question = okta && share("recovery question") < 30;
        let standing = &mut user.standing;
        standing.activated = Some(account.created);
        standing.status_changed = Some(account.created);
        standing.status = match () {
            () if !account.enabled() => Status::Deprovisioned,
            () if okta && share("status") < 2 => Status::Staged,
            () if okta && share("status") < 4 => Status::Provisioned,
            () if okta && share("status") < 5 => Status::Recovery,
            () if okta && share("status") < 7 => Status::Suspended,
            () if okta && account.locked => Status::LockedOut,
            () if okta && account.must_change => Status::PasswordExpired,
            () => Status::Active,
        };
        if matches!(standing.status, Status::Staged | Status::Provisioned) {
            (standing.has_password, standing.password_changed) = (false, None);
            user.last_login = None;
        }
        if standing.status == Status::Staged {
            (standing.activated, standing.status_changed) = (None, None);
        }
        if okta {
            return Some(user);
        }
        if federated {
            standing.provider = Provider::Federation;
            (standing.has_password, standing.password_changed) = (false, None);
            return Some(user);
        }
        standing.provider = Provider::ActiveDirectory;
        standing.password_changed = Some(account.password_set);
        user.on_prem = Some(OktaOnPrem {
            sam_account_name: account.name.clone(),
            guid: account.guid,
            security_id: account.sid.clone(),
            distinguished_name: account.dn(&self.organisation.base_dn()),
        });
        Some(user)
    }
}
