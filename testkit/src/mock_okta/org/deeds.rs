//! What the API does to a user, each deed with its effect on status, password and sessions. Whether it
//! may be done is asked before.

use std::time::Duration;

use identity_core::limits::clock;
use jiff::Timestamp;

use super::state::SetBy;
use super::{OktaPasswordSet, Org, Provider, Sessions, Standing, Status, fingerprint};
use crate::organisation::draw;

/// What somebody has to be given after a deed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::mock_okta) struct Outcome {
    /// The user as it was just before, for an answer that is stale.
    pub(in crate::mock_okta) before: Standing,
}

impl Org {
    /// Changes the standing of a user; the index follows later.
    fn alter(&mut self, number: u64, lag: Duration, alter: impl FnOnce(&mut Standing, Timestamp)) -> Option<Outcome> {
        let before = self.view(number)?.user.standing;
        let (now, instant) = (self.now(), clock::instant());
        let mut after = before;
        alter(&mut after, now);
        after.last_updated = now;
        if after.status != before.status {
            after.status_changed = Some(now);
        }
        let state = self.touch(number);
        let shown = match state.indexed {
            Some((until, shown)) if until > instant => shown,
            _ => before,
        };
        state.indexed = Some((instant + lag, shown));
        state.standing = Some(after);
        state.written_to = true;
        Some(Outcome { before })
    }

    /// Another status, and nothing else.
    pub(in crate::mock_okta) fn set_status(&mut self, number: u64, status: Status, lag: Duration) -> Option<Outcome> {
        self.alter(number, lag, |standing, now| {
            standing.status = status;
            if matches!(status, Status::Active | Status::Provisioned) && standing.activated.is_none() {
                standing.activated = Some(now);
            }
        })
    }

    /// Marks that something was written, without a change that shows.
    pub(in crate::mock_okta) fn write_profile(&mut self, number: u64, lag: Duration) -> Option<Outcome> {
        self.alter(number, lag, |_, _| {})
    }

    /// A new password.
    pub(in crate::mock_okta) fn set_password(
        &mut self,
        number: u64,
        password: &str,
        by: SetBy,
        lag: Duration,
    ) -> Option<Outcome> {
        let initial = fingerprint(&self.population.initial_password(number));
        let outcome = self.alter(number, lag, |standing, now| {
            standing.password_changed = Some(now);
            standing.has_password = true;
            standing.status = match (by, standing.status) {
                (SetBy::Temporary, _) => Status::PasswordExpired,
                // What becomes of others is not documented: a password makes them usable.
                (_, Status::Suspended | Status::Staged | Status::Deprovisioned) => standing.status,
                _ => Status::Active,
            };
            if standing.provider == Provider::Import {
                standing.provider = Provider::Okta;
            }
        })?;
        let (at, user) = (self.now(), self.id_of(number));
        let state = self.touch(number);
        state.history.push(state.password.unwrap_or(initial));
        state.password = Some(fingerprint(password));
        state.link = None;
        self.sets.push(OktaPasswordSet { user, at, sha256: fingerprint(password), by });
        Some(outcome)
    }

    /// Shows another time of the password than that of its last change.
    pub(in crate::mock_okta) fn keep_password_time(&mut self, number: u64, shown: Option<Timestamp>) {
        if let Some(standing) = &mut self.touch(number).standing {
            standing.password_changed = shown;
        }
    }

    /// Whether a password is one of the last, the one of now among them.
    pub(in crate::mock_okta) fn was_used(&self, number: u64, password: &str, history: usize) -> bool {
        let initial = fingerprint(&self.population.initial_password(number));
        let given = fingerprint(password);
        let Some(state) = self.state(number) else { return given == initial };
        let now = state.password.unwrap_or(initial);
        now == given || state.history.iter().rev().take(history).any(|before| *before == given)
    }

    /// The old password is void until the owner sets a new one with the link that is given. A user who
    /// signed in elsewhere has a password here from then on.
    pub(in crate::mock_okta) fn await_recovery(
        &mut self,
        number: u64,
        lag: Duration,
        lifetime: Duration,
    ) -> Option<String> {
        self.alter(number, lag, |standing, _| {
            standing.status = Status::Recovery;
            if matches!(standing.provider, Provider::Federation | Provider::Social) {
                standing.provider = Provider::Okta;
                standing.has_password = true;
            }
        })?;
        Some(self.link(number, lifetime))
    }

    /// Turns a user into one who signs in elsewhere.
    pub(in crate::mock_okta) fn federate(&mut self, number: u64, lag: Duration) -> Option<Outcome> {
        self.alter(number, lag, |standing, _| {
            standing.provider = Provider::Federation;
            standing.has_password = false;
        })
    }

    /// A new one-time token; the one before is void.
    pub(in crate::mock_okta) fn link(&mut self, number: u64, lifetime: Duration) -> String {
        self.links += 1;
        let seed = self.population.seed() ^ self.links;
        let token = super::id::id(seed, "", draw::draw(seed, number, "link"));
        let token = format!("{token}{:03}", self.links % 1_000);
        self.touch(number).link = Some((fingerprint(&token), clock::instant() + lifetime));
        token
    }

    /// Whether a one-time token is good for a user now.
    pub(in crate::mock_okta) fn honours_link(&self, number: u64, token: &str) -> bool {
        let link = self.state(number).and_then(|state| state.link);
        link.is_some_and(|(known, until)| known == fingerprint(token) && until > clock::instant())
    }

    /// Whether a mail went to the user within this time.
    pub(in crate::mock_okta) fn was_mailed_within(&self, number: u64, pause: Duration) -> bool {
        let mailed = self.state(number).and_then(|state| state.mailed);
        mailed.is_some_and(|then| clock::instant() < then + pause)
    }

    /// A mail goes to the user.
    pub(in crate::mock_okta) fn mail(&mut self, number: u64) {
        self.touch(number).mailed = Some(clock::instant());
    }

    /// Ends sessions.
    pub(in crate::mock_okta) fn revoke(&mut self, number: u64, app_tokens: bool, devices: bool) {
        let (now, before) = (self.now(), self.sessions(number));
        let state = self.touch(number);
        state.sessions = Some(Sessions {
            okta: 0,
            app_tokens: if app_tokens { 0 } else { before.app_tokens },
            devices: if devices { 0 } else { before.devices },
        });
        state.revoked.push((now, app_tokens));
        state.written_to = true;
    }

    /// Takes what apps were given; sessions stay.
    pub(in crate::mock_okta) fn revoke_app_tokens(&mut self, number: u64) {
        let before = self.sessions(number);
        let state = self.touch(number);
        state.sessions = Some(Sessions { app_tokens: 0, ..before });
        state.written_to = true;
    }

    /// Whether this is the password of now.
    pub(in crate::mock_okta) fn is_password(&self, number: u64, password: &str) -> bool {
        let now = self.state(number).and_then(|state| state.password);
        now.unwrap_or_else(|| fingerprint(&self.population.initial_password(number))) == fingerprint(password)
    }

    /// A password of eight letters and digits, another one every time.
    pub(in crate::mock_okta) fn temporary_password(&mut self, number: u64) -> String {
        self.links += 1;
        let seed = self.population.seed() ^ 0x7465_6D70;
        let drawn = super::id::id(seed.wrapping_add(self.links), "", draw::draw(seed, number, "temporary"));
        // Its classes are sure; the rest is drawn.
        format!("x4H{}", drawn.chars().take(9).skip(4).collect::<String>())
    }

    /// Takes every factor.
    pub(in crate::mock_okta) fn reset_factors(&mut self, number: u64) {
        let state = self.touch(number);
        (state.factors_reset, state.written_to) = (true, true);
    }

    /// When sessions were ended, and whether tokens for apps with them.
    pub(in crate::mock_okta) fn revoked(&self, number: u64) -> Vec<(Timestamp, bool)> {
        self.state(number).map(|state| state.revoked.clone()).unwrap_or_default()
    }

    pub(in crate::mock_okta) fn factors_were_reset(&self, number: u64) -> bool {
        self.state(number).is_some_and(|state| state.factors_reset)
    }

    pub(in crate::mock_okta) fn untouched(&self, number: u64) -> bool {
        !self.state(number).is_some_and(|state| state.written_to)
    }
}
