//! Faults that a mock directory makes on request, in one vocabulary for all mock directories.
//!
//! A [`FaultScript`] is a list of rules, each a [`When`] and a [`Fault`]; the first rule that
//! fits an operation decides. What does not exist in a mock's protocol (a truncated page where
//! there are no pages) it reads as the nearest thing that does, and says so in its own docs.
//!
//! ```
//! use std::time::Duration;
//! use testkit::fault::{Fault, FaultScript, Faults, Operation, When};
//!
//! let faults = Faults::new(
//!     FaultScript::new(1)
//!         .rule(When::write().nth(2), Fault::CutAfterApply)
//!         .rule(When::write().every(3).times(1), Fault::Busy),
//! );
//! assert_eq!(faults.next(Operation::Write, Some("a")), None);
//! assert_eq!(faults.next(Operation::Write, Some("b")), Some(Fault::CutAfterApply));
//! assert_eq!(faults.next(Operation::Read, None), None);
//! assert_eq!(faults.next(Operation::Write, Some("c")), Some(Fault::Busy));
//! ```

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;

/// What a fault does to one operation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The connection breaks before the operation has any effect.
    CutBeforeApply,
    /// The operation takes effect, then the connection breaks without an answer.
    CutAfterApply,
    /// The operation takes effect, and the connection breaks within the answer.
    CutMidAnswer,
    /// The operation takes effect and is never answered; the connection stays.
    NeverAnswer,
    /// The operation has no effect and is never answered; the connection stays.
    Swallow,
    /// Refused for load (LDAP 51, HTTP 429).
    Busy,
    /// Refused for pace, with a time to come back after (HTTP 429 with Retry-After); read as
    /// [`Busy`](Self::Busy) where the protocol has no such time.
    Throttle(Duration),
    /// The connection breaks, and the operation takes effect this much later: a request that was
    /// still queued in the server.
    LateApply(Duration),
    /// Refused because the server is stopping (LDAP 52, HTTP 503).
    Unavailable,
    /// Answered after this time.
    Slow(Duration),
    /// Answered only after the next operation on the same connection was answered, or after a
    /// second when there is none.
    Overtaken,
    /// The password is refused by policy, whatever it is.
    RefusePassword,
    /// Refused for lack of rights.
    Forbid,
    /// A read ends in the middle with an error after some of its rows (LDAP 4).
    TruncatedPage,
    /// The server says that it ends the connection, and ends it.
    NoticeOfDisconnection,
    /// Refused for load, with a message that is not valid UTF-8.
    GarbledMessage,
    /// The operation takes effect, and a gateway answers that it timed out (HTTP 504); read as
    /// [`CutAfterApply`](Self::CutAfterApply) where there are no gateways.
    GatewayTimeout,
    /// Refused by a gateway with a page for people (HTTP 502); read as
    /// [`Unavailable`](Self::Unavailable) where there are no gateways.
    BadGateway,
    /// Refused because something else changes the account (HTTP 409); read as
    /// [`Busy`](Self::Busy) where the protocol has nothing like it.
    Conflict,
}

/// What kind of operation it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// Signing in.
    SignIn,
    /// Reading: one request, that is one page.
    Read,
    /// Changing an account.
    Write,
}

/// Which operations a rule fits. All conditions must hold.
#[derive(Clone, Debug, PartialEq)]
pub struct When {
    operation: Operation,
    nth: Option<u64>,
    every: Option<u64>,
    account: Option<String>,
    chance: Option<f64>,
    times: Option<u64>,
}

impl When {
    /// Every operation of a kind, to be narrowed.
    #[must_use]
    pub fn of(operation: Operation) -> Self {
        Self { operation, nth: None, every: None, account: None, chance: None, times: None }
    }

    /// Every write.
    #[must_use]
    pub fn write() -> Self {
        Self::of(Operation::Write)
    }

    /// Every read.
    #[must_use]
    pub fn read() -> Self {
        Self::of(Operation::Read)
    }

    /// Every sign-in.
    #[must_use]
    pub fn sign_in() -> Self {
        Self::of(Operation::SignIn)
    }

    /// Only the nth operation of the kind, from 1, counted since the script was set.
    #[must_use]
    pub fn nth(mut self, nth: u64) -> Self {
        self.nth = Some(nth);
        self
    }

    /// Only every kth operation of the kind.
    #[must_use]
    pub fn every(mut self, k: u64) -> Self {
        self.every = Some(k.max(1));
        self
    }

    /// Only operations on the account with this id.
    #[must_use]
    pub fn on(mut self, account: impl Into<String>) -> Self {
        self.account = Some(account.into());
        self
    }

    /// Only with this probability, 0 to 1, drawn from the script's seed.
    #[must_use]
    pub fn chance(mut self, chance: f64) -> Self {
        self.chance = Some(chance);
        self
    }

    /// Only the first so many times that everything else fits: "refuse twice, then accept".
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }
}

/// What goes wrong, and when.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct FaultScript {
    /// The seed that chances are drawn from.
    pub seed: u64,
    /// The rules; the first that fits decides.
    pub rules: Vec<(When, Fault)>,
    /// How far the directory's clock is ahead of ours.
    pub clock_skew: SignedDuration,
}

impl FaultScript {
    /// A script without rules: nothing goes wrong.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    /// Adds a rule after the others.
    #[must_use]
    pub fn rule(mut self, when: When, fault: Fault) -> Self {
        self.rules.push((when, fault));
        self
    }

    /// Sets how far the directory's clock is ahead of ours; negative for behind.
    #[must_use]
    pub fn clock_skew(mut self, skew: SignedDuration) -> Self {
        self.clock_skew = skew;
        self
    }
}

/// A script while it runs: it counts operations. A mock asks it once per operation.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Running>);

#[derive(Debug, Default)]
struct Running {
    script: FaultScript,
    /// Operations seen, by kind.
    seen: [u64; 3],
    /// How often each rule has fitted.
    fitted: Vec<u64>,
    draws: u64,
}

impl Faults {
    /// Begins a script.
    #[must_use]
    pub fn new(script: FaultScript) -> Self {
        let faults = Self::default();
        faults.replace(script);
        faults
    }

    /// Begins another script; counts begin anew.
    pub fn replace(&self, script: FaultScript) {
        let fitted = vec![0; script.rules.len()];
        *self.running() = Running { script, seen: [0; 3], fitted, draws: 0 };
    }

    /// Adds a rule before the others, without beginning anew.
    pub fn prepend(&self, when: When, fault: Fault) {
        let mut running = self.running();
        running.script.rules.insert(0, (when, fault));
        running.fitted.insert(0, 0);
    }

    /// How far the directory's clock is ahead of ours.
    pub fn clock_skew(&self) -> SignedDuration {
        self.running().script.clock_skew
    }

    /// Whether the script has no rules.
    pub fn is_empty(&self) -> bool {
        self.running().script.rules.is_empty()
    }

    /// What goes wrong with the next operation of a kind, on an account where there is one.
    pub fn next(&self, operation: Operation, account: Option<&str>) -> Option<Fault> {
        self.running().next(operation, account)
    }

    fn running(&self) -> std::sync::MutexGuard<'_, Running> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    fn next(&mut self, operation: Operation, account: Option<&str>) -> Option<Fault> {
        if self.script.rules.is_empty() {
            return None;
        }
        let place = match operation {
            Operation::SignIn => 0,
            Operation::Read => 1,
            Operation::Write => 2,
        };
        let seen = self.seen.get_mut(place)?;
        *seen += 1;
        let seen = *seen;
        for ((when, fault), fitted) in self.script.rules.iter().zip(&mut self.fitted) {
            let fits = when.operation == operation
                && when.nth.is_none_or(|nth| seen == nth)
                && when.every.is_none_or(|k| seen.is_multiple_of(k))
                && when.account.as_deref().is_none_or(|wanted| account == Some(wanted))
                && when.times.is_none_or(|times| *fitted < times)
                && when.chance.is_none_or(|chance| {
                    self.draws += 1;
                    unit(self.script.seed, self.draws) < chance
                });
            if fits {
                *fitted += 1;
                return Some(fault.clone());
            }
        }
        None
    }
}

/// A number in [0, 1) from a seed and a counter (SplitMix64).
fn unit(seed: u64, counter: u64) -> f64 {
    let mut z = seed.wrapping_add(counter.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_count_their_own_kind_and_the_first_that_fits_decides() {
        let faults = Faults::new(
            FaultScript::new(1)
                .rule(When::write().on("x").times(2), Fault::RefusePassword)
                .rule(When::write().every(2), Fault::Busy)
                .rule(When::read().nth(1), Fault::TruncatedPage),
        );
        let write = |account| faults.next(Operation::Write, Some(account));
        assert_eq!(write("x"), Some(Fault::RefusePassword));
        assert_eq!(faults.next(Operation::Read, None), Some(Fault::TruncatedPage));
        assert_eq!(write("y"), Some(Fault::Busy));
        assert_eq!(write("x"), Some(Fault::RefusePassword));
        assert_eq!(write("x"), Some(Fault::Busy), "twice is over; it is the fourth write");
        assert_eq!(write("x"), None);
        faults.replace(FaultScript::default());
        assert_eq!(write("y"), None);
    }

    #[test]
    fn chances_come_from_the_seed_and_are_about_as_frequent_as_they_say() {
        let count = |seed| {
            let faults = Faults::new(FaultScript::new(seed).rule(When::write().chance(0.1), Fault::Busy));
            (0..10_000).filter(|_| faults.next(Operation::Write, None).is_some()).count()
        };
        assert_eq!(count(1), count(1));
        assert_ne!(count(1), count(2));
        assert!((800..1200).contains(&count(3)));
    }
}
