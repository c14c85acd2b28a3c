//! The room of the org: its users as they are now. Only what was changed is stored.

mod deeds;
pub mod fixed;
pub(super) mod id;
mod password;
mod population;
mod state;
mod user;

pub use state::{OktaEvent, OktaPasswordSet, OktaSignInRefusal, Sessions, SetBy};
pub use user::{OktaOnPrem, OktaTruth, OktaUser, Provider, Standing, Status};

pub(super) use fixed::FIXED;
pub(super) use password::{fingerprint, refusal as password_refusal};
pub(super) use population::Population;
pub(super) use state::State;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use identity_core::limits::clock;
use jiff::{SignedDuration, Timestamp};

use super::policies::{self, PasswordPolicy};
use super::privilege::{self, AdminGraph};
use crate::organisation::draw;
use population::USER;

/// The org: who is in it, and what was done to them.
#[derive(Debug)]
pub(super) struct Org {
    pub(super) population: Population,
    /// `00o…`.
    pub(super) id: String,
    states: HashMap<u64, State>,
    created: Vec<OktaUser>,
    /// From logins in lower case, made when one is asked for.
    by_login: Option<HashMap<String, u64>>,
    pub(super) sets: Vec<OktaPasswordSet>,
    /// What happened, in order.
    pub(super) events: Vec<OktaEvent>,
    pub(super) clock_skew: SignedDuration,
    /// Who holds a role in a way that [`OktaUser::roles`] does not say: by a group, or a custom one.
    pub(super) administrators: HashSet<u64>,
    /// Roles, groups, resource sets and service apps.
    pub(super) admin: AdminGraph,
    /// The password policies, by priority.
    pub(super) policies: Vec<PasswordPolicy>,
    links: u64,
}

/// A user as it is now.
#[derive(Debug)]
pub(super) struct View<'a> {
    pub(super) user: OktaUser,
    pub(super) state: Option<&'a State>,
}

impl Org {
    pub(super) fn new(population: Population) -> Self {
        let admin = privilege::planted(&population);
        let mut org = Self {
            id: id::id(population.seed(), "00o", 0),
            population,
            states: HashMap::new(),
            created: Vec::new(),
            by_login: None,
            sets: Vec::new(),
            events: Vec::new(),
            clock_skew: SignedDuration::ZERO,
            administrators: HashSet::new(),
            admin,
            policies: Vec::new(),
            links: 0,
        };
        org.policies = policies::planted(&org);
        org.change_admin(|_| {});
        org
    }

    /// Everybody to whom something was done, and everybody who came later.
    pub(super) fn changed(&self) -> impl Iterator<Item = u64> {
        self.states.keys().copied().chain(self.population.end()..self.end())
    }

    /// Now, by the org's clock.
    pub(super) fn now(&self) -> Timestamp {
        let now = clock::now();
        now.checked_add(self.clock_skew).unwrap_or(now)
    }

    /// The first number that nobody has had.
    pub(super) fn end(&self) -> u64 {
        self.population.end() + self.created.len() as u64
    }

    /// Who has a number, with what was done to them; `None` for nobody and for who was deleted.
    pub(super) fn view(&self, number: u64) -> Option<View<'_>> {
        let state = self.states.get(&number);
        if state.is_some_and(|state| state.deleted) {
            return None;
        }
        let overlay = state.and_then(|state| state.overlay.as_deref().cloned());
        let mut user = overlay.or_else(|| self.first(number))?;
        if let Some(standing) = state.and_then(|state| state.standing) {
            user.standing = standing;
        }
        Some(View { user, state })
    }

    /// The same as a search sees it, which may be late.
    pub(super) fn view_indexed(&self, number: u64) -> Option<View<'_>> {
        let mut view = self.view(number)?;
        let found_after = view.state.and_then(|state| state.found_after);
        if found_after.is_some_and(|then| then > clock::instant()) {
            return None;
        }
        if let Some((until, standing)) = view.state.and_then(|state| state.indexed)
            && until > clock::instant()
        {
            view.user.standing = standing;
        }
        Some(view)
    }

    fn first(&self, number: u64) -> Option<OktaUser> {
        match number.checked_sub(self.population.end()) {
            None => self.population.user(number),
            Some(at) => self.created.get(usize::try_from(at).ok()?).cloned(),
        }
    }

    /// The id of a number, whoever has it or had it.
    pub(super) fn id_of(&self, number: u64) -> String {
        id::id(self.population.seed(), USER, number)
    }

    /// The number of who has this id.
    pub(super) fn by_id(&self, given: &str) -> Option<u64> {
        let number = id::number_of(self.population.seed(), USER, given)?;
        self.view(number).map(|_| number)
    }

    /// The number of who is named by an id or a login.
    pub(super) fn resolve(&mut self, name: &str) -> Option<u64> {
        if let Some(number) = self.by_id(name) {
            return Some(number);
        }
        // What looks like an id is none of the logins, and no table is made for it.
        if name.starts_with(USER) && name.len() == 20 {
            return None;
        }
        if self.by_login.is_none() {
            let numbers = 0..self.end();
            let named = numbers.filter_map(|at| Some((self.view(at)?.user.login.to_lowercase(), at)));
            self.by_login = Some(named.collect());
        }
        let number = *self.by_login.as_ref()?.get(&name.to_lowercase())?;
        let view = self.view(number)?;
        view.user.login.eq_ignore_ascii_case(name).then_some(number)
    }

    pub(super) fn state(&self, number: u64) -> Option<&State> {
        self.states.get(&number)
    }

    /// The state of a user, to be changed.
    pub(super) fn touch(&mut self, number: u64) -> &mut State {
        self.states.entry(number).or_default()
    }

    /// Whether a user holds any administrator role.
    pub(super) fn is_administrator(&self, number: u64) -> bool {
        let direct = |number| self.view(number).is_some_and(|view| !view.user.roles.is_empty());
        self.administrators.contains(&number) || direct(number)
    }

    /// What a user is signed in with.
    pub(super) fn sessions(&self, number: u64) -> Sessions {
        if let Some(left) = self.state(number).and_then(|state| state.sessions) {
            return left;
        }
        let signed_in = self.view(number).is_some_and(|view| view.user.last_login.is_some());
        let some = |word, most| draw::below(self.population.seed(), number, word, most) as u32;
        if signed_in {
            Sessions { okta: 1 + some("sessions", 3), app_tokens: some("tokens", 4), devices: some("devices", 2) }
        } else {
            Sessions::default()
        }
    }

    /// Changes what a user is, behind the run's back. It counts as updated now, unless the change says when.
    pub(super) fn change(&mut self, number: u64, change: impl FnOnce(&mut OktaUser)) -> Option<()> {
        let now = self.now();
        let mut user = self.view(number)?.user;
        let updated = user.standing.last_updated;
        change(&mut user);
        (user.number, user.id) = (number, self.id_of(number));
        if user.standing.last_updated == updated {
            user.standing.last_updated = now;
        }
        if let Some(logins) = &mut self.by_login {
            logins.insert(user.login.to_lowercase(), number);
        }
        let state = self.touch(number);
        state.standing = Some(user.standing);
        state.overlay = Some(Box::new(user));
        Some(())
    }

    /// Makes an active user whose password is in Okta, whom searches find later; gives its number.
    pub(super) fn create(&mut self, local: &str, lag: Duration) -> u64 {
        let (number, now) = (self.end(), self.now());
        let mut user = self.population.blank(number, format!("{local}@{}", self.population.okta_domain()));
        (user.created, user.last_login, user.first_name) = (now, None, Some(local.to_owned()));
        let standing = &mut user.standing;
        (standing.activated, standing.status_changed, standing.last_updated) = (Some(now), Some(now), now);
        standing.password_changed = Some(now);
        if let Some(logins) = &mut self.by_login {
            logins.insert(user.login.to_lowercase(), number);
        }
        self.created.push(user);
        self.touch(number).found_after = Some(clock::instant() + lag);
        number
    }

    /// Deletes a user, behind the run's back.
    pub(super) fn delete(&mut self, number: u64) -> Option<()> {
        self.view(number)?;
        self.touch(number).deleted = true;
        Some(())
    }

    /// Writes down what happened.
    pub(super) fn tell(&mut self, event_type: &'static str, actor: &str, target: u64, success: bool, request: &str) {
        let event = OktaEvent {
            number: self.events.len() as u64,
            at: self.now(),
            event_type,
            actor: actor.to_owned(),
            target: self.id_of(target),
            success,
            transaction: request.to_owned(),
        };
        self.events.push(event);
    }

    /// Tries a password as the user's owner would.
    pub(super) fn sign_in(&self, number: u64, password: &str) -> Result<(), OktaSignInRefusal> {
        let view = self.view(number).ok_or(OktaSignInRefusal::UnknownUser)?;
        if matches!(view.user.provider(), Provider::Federation | Provider::Social) {
            return Err(OktaSignInRefusal::NotHere);
        }
        if view.user.status() == Status::Recovery {
            return Err(OktaSignInRefusal::AwaitsRecovery);
        }
        let now = view.state.and_then(|state| state.password);
        let now = now.unwrap_or_else(|| fingerprint(&self.population.initial_password(number)));
        if !view.user.standing.has_password || now != fingerprint(password) {
            return Err(OktaSignInRefusal::WrongPassword);
        }
        match view.user.status() {
            Status::Active => Ok(()),
            Status::PasswordExpired => Err(OktaSignInRefusal::MustChange),
            Status::LockedOut => Err(OktaSignInRefusal::LockedOut),
            _ => Err(OktaSignInRefusal::NotActive),
        }
    }
}
