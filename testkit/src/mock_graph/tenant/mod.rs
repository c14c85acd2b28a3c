//! The room of the tenant: its users as they are now. Only what was changed is stored.

pub mod fixed;
mod password;
mod population;
mod state;
mod user;

pub use state::{PasswordSet, SignInRefusal};
pub use user::{CloudTruth, CloudUser, OnPrem, Sort};

pub(super) use fixed::FIXED;
pub(super) use password::{acceptable, fingerprint};
pub(super) use population::Population;
pub(super) use state::State;

use population::object_id;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use identity_core::limits::clock;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use uuid::Uuid;

use super::authentication::{Enrolment, drawn};
use super::privilege::{self, RoleGraph, Standing};
use super::risk::Risk;
use super::settings::{Settings, SyncedReset};
use crate::organisation::special;
use state::Overwrite;

/// The tenant: who is in it, and what was done to them.
#[derive(Debug)]
pub(super) struct Tenant {
    pub(super) population: Population,
    pub(super) id: Uuid,
    states: HashMap<u64, State>,
    created: Vec<CloudUser>,
    /// Every change in order; a delta link holds a place in it.
    log: Vec<u64>,
    /// From principal names in lower case, made when one is asked for.
    by_name: Option<HashMap<String, u64>>,
    count: Option<u64>,
    pub(super) sets: Vec<PasswordSet>,
    pub(super) clock_skew: SignedDuration,
    pub(super) privilege: RoleGraph,
    /// What was enrolled, where that is not what was drawn.
    pub(super) enrolments: HashMap<u64, Enrolment>,
    pub(super) passes: HashMap<u64, Pass>,
    pub(super) risks: BTreeMap<u64, Risk>,
}

/// A temporary access pass.
#[derive(Clone)]
pub(super) struct Pass {
    pub(super) id: String,
    pub(super) text: String,
    pub(super) created: Timestamp,
    pub(super) start: Timestamp,
    pub(super) minutes: i64,
    pub(super) once: bool,
}

impl std::fmt::Debug for Pass {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Its text signs in.
        f.debug_struct("Pass").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A user as it is now.
#[derive(Debug)]
pub(super) struct View<'a> {
    pub(super) user: CloudUser,
    pub(super) state: Option<&'a State>,
}

impl Tenant {
    pub(super) fn new(population: Population) -> Self {
        let id = crate::organisation::draw::guid(population.organisation.seed() ^ 0x7465_6E61_6E74, 0);
        let number_of_seed = population.seed();
        Self {
            privilege: privilege::planted(&population, |number| object_id(number_of_seed, number)),
            enrolments: HashMap::new(),
            passes: HashMap::new(),
            risks: risks(&population),
            population,
            id,
            states: HashMap::new(),
            created: Vec::new(),
            log: Vec::new(),
            by_name: None,
            count: None,
            sets: Vec::new(),
            clock_skew: SignedDuration::ZERO,
        }
    }

    /// Now, by the directory's clock.
    pub(super) fn now(&self) -> Timestamp {
        let now = clock::now();
        now.checked_add(self.clock_skew).unwrap_or(now)
    }

    /// The first number that nobody has had.
    pub(super) fn end(&self) -> u64 {
        self.population.end() + self.created.len() as u64
    }

    /// The place that the log of changes has come to.
    pub(super) fn mark(&self) -> u64 {
        self.log.len() as u64
    }

    /// Who changed between two places in the log, each once.
    pub(super) fn changed_between(&self, since: u64, mark: u64) -> Option<Vec<u64>> {
        let range = usize::try_from(since).ok()?..usize::try_from(mark).ok()?;
        let mut seen = HashSet::new();
        let changes = self.log.get(range)?.iter().copied();
        Some(changes.filter(|number| seen.insert(*number)).collect())
    }

    /// How many users there are.
    pub(super) fn count(&mut self) -> u64 {
        match self.count {
            Some(count) => count,
            None => {
                let count = (0..self.end()).filter(|number| self.described(*number).is_some()).count() as u64;
                *self.count.insert(count)
            }
        }
    }

    /// Who has a number, with what was done to them; `None` for nobody and for who was deleted.
    pub(super) fn view(&self, number: u64) -> Option<View<'_>> {
        let user = self.described(number)?;
        Some(View { user, state: self.states.get(&number) })
    }

    fn described(&self, number: u64) -> Option<CloudUser> {
        let state = self.states.get(&number);
        if state.is_some_and(|state| state.deleted) {
            return None;
        }
        if let Some(overlay) = state.and_then(|state| state.overlay.as_deref()) {
            return Some(overlay.clone());
        }
        match number.checked_sub(self.population.end()) {
            None => self.population.user(number),
            Some(at) => self.created.get(usize::try_from(at).ok()?).cloned(),
        }
    }

    /// Whether a user cannot be found yet: it was made a moment ago.
    pub(super) fn not_found_yet(&self, number: u64) -> bool {
        let born = self.states.get(&number).and_then(|state| state.found_after);
        born.is_some_and(|then| then > clock::instant())
    }

    /// The number of an object id, whoever has it or had it.
    pub(super) fn number_of(&self, id: &Uuid) -> Option<u64> {
        self.population.number_of(id)
    }

    /// The number of who has this object id, whether or not it can be found yet.
    pub(super) fn by_id(&self, id: &Uuid) -> Option<u64> {
        let number = self.population.number_of(id)?;
        self.described(number).map(|_| number)
    }

    /// The object id of a number, whoever has it or had it.
    pub(super) fn id_of(&self, number: u64) -> Uuid {
        object_id(self.population.seed(), number)
    }

    /// The number of who is named by an object id or a principal name.
    pub(super) fn resolve(&mut self, name: &str) -> Option<u64> {
        if let Ok(id) = name.parse::<Uuid>() {
            return self.by_id(&id);
        }
        if self.by_name.is_none() {
            let numbers = 0..self.end();
            let named = numbers.filter_map(|at| Some((self.described(at)?.principal_name.to_lowercase(), at)));
            self.by_name = Some(named.collect());
        }
        let number = *self.by_name.as_ref()?.get(&name.to_lowercase())?;
        let user = self.described(number)?;
        user.principal_name.eq_ignore_ascii_case(name).then_some(number)
    }

    /// The state of a user, to be changed; the change is in the log.
    pub(super) fn touch(&mut self, number: u64) -> &mut State {
        self.log.push(number);
        self.states.entry(number).or_default()
    }

    pub(super) fn state(&self, number: u64) -> Option<&State> {
        self.states.get(&number)
    }

    /// Lets what is due happen: a synchronisation that overwrites.
    pub(super) fn settle(&mut self, number: u64) {
        let Some(state) = self.states.get_mut(&number) else { return };
        let Some(due) = state.overwrite.take_if(|overwrite| overwrite.at <= clock::instant()) else { return };
        due.undo(state);
        self.log.push(number);
    }

    /// What decides who may reset a user.
    pub(super) fn standing(&self, number: u64) -> Standing {
        let mut standing = self.privilege.standing(&self.id_of(number));
        // What a test gave the user itself counts, too.
        if let Some(user) = self.described(number) {
            standing.roles.extend(user.roles.iter().map(|role| (*role).to_owned()));
        }
        standing
    }

    /// What a user has enrolled.
    pub(super) fn enrolment(&self, number: u64) -> Enrolment {
        let changed = self.enrolments.get(&number).cloned();
        changed.or_else(|| Some(drawn(&self.population, &self.described(number)?))).unwrap_or_default()
    }

    /// Changes what a user is.
    pub(super) fn change(&mut self, number: u64, change: impl FnOnce(&mut CloudUser)) -> Option<()> {
        let mut user = self.described(number)?;
        change(&mut user);
        (user.number, user.id) = (number, self.described(number)?.id);
        if let Some(names) = &mut self.by_name {
            names.insert(user.principal_name.to_lowercase(), number);
        }
        self.touch(number).overlay = Some(Box::new(user));
        Some(())
    }

    /// Makes a member who is only in the cloud; gives its number.
    pub(super) fn create(&mut self, local: &str, lag: Duration) -> u64 {
        let number = self.end();
        let name = format!("{local}@{}", self.population.cloud_domain());
        let mut user = self.population.blank(number, object_id(self.population.seed(), number), name);
        (user.created, user.password_set, user.last_sign_in) = (self.now(), self.now(), None);
        user.display_name = Some(local.to_owned());
        if let Some(names) = &mut self.by_name {
            names.insert(user.principal_name.to_lowercase(), number);
        }
        self.created.push(user);
        self.count = None;
        self.touch(number).found_after = Some(clock::instant() + lag);
        number
    }

    /// Deletes a user.
    pub(super) fn delete(&mut self, number: u64) -> Option<()> {
        self.described(number)?;
        self.count = None;
        self.touch(number).deleted = true;
        Some(())
    }

    /// Sets a password as an administrator; the synchronisation may undo it later.
    pub(super) fn set_password(&mut self, number: u64, password: &str, settings: &Settings) -> Option<()> {
        self.settle(number);
        let user = self.described(number)?;
        let (now, shown_after) = (self.now(), clock::instant() + settings.read_lag);
        let initial = self.population.initial_password(number);
        let state = self.touch(number);
        let before = state.password.unwrap_or_else(|| fingerprint(&initial));
        let shown = state.password_set_shown(user.password_set);
        if let (true, SyncedReset::OverwrittenAfter(wait)) = (user.on_prem.is_some(), settings.synced) {
            let keep = state.overwrite.take().unwrap_or_default();
            let on_prem = keep.password.unwrap_or_else(|| (before, state.set_at.unwrap_or(user.password_set)));
            state.overwrite = Some(Overwrite { at: clock::instant() + wait, password: Some(on_prem), ..keep });
        }
        state.password = Some(fingerprint(password));
        state.shown_before = Some(shown);
        state.set_at = Some(now);
        state.set_shown_after = Some(shown_after);
        self.sets.push(PasswordSet { user: user.id, at: now, sha256: fingerprint(password), by_administrator: true });
        Some(())
    }

    /// A password that comes from on-prem, as the synchronisation of hashes brings it.
    pub(super) fn password_from_on_prem(&mut self, number: u64, password: &str) -> Option<()> {
        let user = self.described(number).filter(|user| user.on_prem.is_some())?;
        let now = self.now();
        let state = self.touch(number);
        state.overwrite = None;
        state.password = Some(fingerprint(password));
        (state.set_at, state.set_shown_after, state.must_change) = (Some(now), None, Some(false));
        self.sets.push(PasswordSet { user: user.id, at: now, sha256: fingerprint(password), by_administrator: false });
        Some(())
    }

    /// Enables or disables a user; where it is synchronised, that may be undone later.
    pub(super) fn enable(&mut self, number: u64, enabled: bool, settings: &Settings) -> Option<()> {
        self.settle(number);
        let user = self.described(number)?;
        let state = self.touch(number);
        if let (true, SyncedReset::OverwrittenAfter(wait)) = (user.on_prem.is_some(), settings.synced) {
            let keep = state.overwrite.take().unwrap_or_default();
            let before = keep.enabled.or(state.enabled).unwrap_or(user.enabled);
            state.overwrite = Some(Overwrite { at: clock::instant() + wait, enabled: Some(before), ..keep });
        }
        state.enabled = Some(enabled);
        Some(())
    }

    /// Tries a password as the user's owner would.
    pub(super) fn sign_in(&mut self, number: u64, password: &str) -> Result<(), SignInRefusal> {
        self.settle(number);
        let view = self.view(number).ok_or(SignInRefusal::UnknownUser)?;
        if !view.user.signs_in_here() {
            return Err(SignInRefusal::NotHere);
        }
        let now = view.state.and_then(|state| state.password);
        let now = now.unwrap_or_else(|| fingerprint(&self.population.initial_password(number)));
        if now != fingerprint(password) {
            return Err(SignInRefusal::WrongPassword);
        }
        if !view.enabled() {
            return Err(SignInRefusal::Disabled);
        }
        if view.must_change() { Err(SignInRefusal::MustChange) } else { Ok(()) }
    }
}

/// Who is at risk when the mock begins.
fn risks(population: &Population) -> BTreeMap<u64, Risk> {
    let risk = Risk { level: "medium", state: "atRisk", detail: "none", updated: population.organisation.as_of() };
    BTreeMap::from([(FIXED + special::CHIEF, risk), (fixed::ORDINARY, Risk { level: "low", ..risk })])
}

impl View<'_> {
    pub(super) fn enabled(&self) -> bool {
        self.state.and_then(|state| state.enabled).unwrap_or(self.user.enabled)
    }

    pub(super) fn must_change(&self) -> bool {
        let flags = self.state.map(|state| (state.must_change, state.must_change_with_mfa));
        let (flag, with_mfa) = flags.unwrap_or((None, false));
        flag.unwrap_or(self.user.must_change) || with_mfa
    }

    /// `lastPasswordChangeDateTime` as a read shows it.
    pub(super) fn password_set(&self) -> Timestamp {
        self.state.map_or(self.user.password_set, |state| state.password_set_shown(self.user.password_set))
    }

    /// `signInSessionsValidFromDateTime` as a read shows it.
    pub(super) fn sessions_valid_from(&self) -> Timestamp {
        let revoked = self.state.and_then(State::revoked_shown);
        // A new password starts sessions anew, too.
        revoked.into_iter().chain([self.password_set()]).max().unwrap_or(self.user.password_set)
    }

    /// A property that was written and has no place of its own.
    pub(super) fn written(&self, property: &str) -> Option<&Value> {
        self.state.and_then(|state| state.written.get(property))
    }
}
