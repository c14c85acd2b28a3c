//! How long a plan takes at best, by the quotas of its directories.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::account::{AccountKind, DirectoryId};
use crate::directory::Backend;
use crate::limits::{Limits, OperationClass, Quota};
use crate::plan::Entry;
use crate::reset::Action;

const SET: Action = Action::SetPassword { must_change: false };

/// What is ordered in one directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ordered {
    pub(super) actions: BTreeMap<Action, u64>,
    /// Of these, the new passwords of persons: the directory's own would do as well, and the other
    /// way round.
    pub(super) either: BTreeMap<Action, u64>,
}

impl Ordered {
    pub(crate) fn add(&mut self, entry: &Entry, actions: &[Action]) {
        for action in actions {
            *self.actions.entry(*action).or_default() += 1;
            let is_either = matches!(action, Action::SetPassword { .. } | Action::SetTemporaryPassword);
            if is_either && entry.kind == AccountKind::Person {
                *self.either.entry(*action).or_default() += 1;
            }
        }
    }
}

/// How long what is planned for one directory takes at best: what its quotas allow, with no answer
/// late and nothing else using them. Orders are counted, look-ups are not. It is no part of the plan:
/// quotas that a directory tells only as the run goes are not known before.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Estimate {
    /// The directory.
    pub directory: DirectoryId,
    /// What each class has to do, by class.
    pub classes: Vec<ClassEstimate>,
    /// The time for all of it: the classes go side by side, so the slowest quota decides. Zero where
    /// no quota is known.
    pub least: Duration,
    /// The quota that decides.
    pub slowest: Option<&'static str>,
    /// Which mix of generated and temporary passwords would finish first, where the directory can do
    /// both, in classes that both have a quota.
    pub fastest: Option<Mix>,
}

/// What one class has to do.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ClassEstimate {
    /// The class.
    pub class: OperationClass,
    /// How many orders of it are planned.
    pub orders: u64,
    /// The time for them alone; `None` where no quota of the class is known.
    pub least: Option<Duration>,
}

/// So many people by a generated password, the others by the directory's temporary one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mix {
    /// How many by [`SetPassword`](Action::SetPassword).
    pub set: u64,
    /// How many by [`SetTemporaryPassword`](Action::SetTemporaryPassword).
    pub temporary: u64,
    /// The time for the whole plan of the directory with this mix.
    pub least: Duration,
}

impl Estimate {
    pub(crate) fn of(backend: &dyn Backend, ordered: &Ordered) -> Self {
        let limits = backend.limits();
        let class_of = |action: Action| backend.class_of(action);
        let orders = by_class(&ordered.actions, class_of);
        let (seconds, slowest) = slowest(&limits, &orders);
        let classes = orders.iter().map(|(class, orders)| ClassEstimate {
            class: *class,
            orders: *orders,
            least: is_priced(&limits, *class).then(|| duration(self::slowest(&limits, &[(*class, *orders)].into()).0)),
        });
        let can = backend.capabilities();
        let can_both = can.can(SET) && can.can(Action::SetTemporaryPassword);
        Self {
            directory: backend.info().id.clone(),
            classes: classes.collect(),
            least: duration(seconds),
            slowest,
            fastest: can_both.then(|| fastest(&limits, class_of, ordered)).flatten(),
        }
    }
}

fn by_class(
    actions: &BTreeMap<Action, u64>,
    class_of: impl Fn(Action) -> OperationClass,
) -> BTreeMap<OperationClass, u64> {
    let mut orders = BTreeMap::new();
    for (action, count) in actions {
        *orders.entry(class_of(*action)).or_default() += count;
    }
    orders
}

fn is_priced(limits: &Limits, class: OperationClass) -> bool {
    limits.quotas.iter().any(|quota| quota.cost(class) > 0)
}

/// The seconds that the slowest quota needs, and its name.
fn slowest(limits: &Limits, orders: &BTreeMap<OperationClass, u64>) -> (f64, Option<&'static str>) {
    let mut slowest = (0.0, None);
    for quota in &limits.quotas {
        let permits = orders.iter().map(|(class, count)| {
            let batch = u64::from(limits.batch_of(*class).get());
            let priced = if limits.is_one_call(*class) { count.div_ceil(batch) } else { *count };
            priced.saturating_mul(quota.cost(*class).into())
        });
        let seconds = seconds(quota, permits.fold(0, u64::saturating_add));
        if seconds > slowest.0 {
            slowest = (seconds, Some(quota.name));
        }
    }
    slowest
}

/// The first permits come at once, as many as the burst allows; the others evenly.
fn seconds(quota: &Quota, permits: u64) -> f64 {
    let waited = permits.saturating_sub(quota.burst.get().into());
    if waited == 0 {
        return 0.0;
    }
    #[expect(clippy::cast_precision_loss, reason = "an estimate; exact below 2^53 permits")]
    let waited = waited as f64;
    let each = quota.window.as_secs_f64() / (f64::from(quota.permits.get()) * quota.share);
    // A share that is out of range lets nothing through.
    if each.is_finite() && each >= 0.0 { waited * each } else { f64::INFINITY }
}

fn duration(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

/// The mix that finishes first; of several the one with the fewest temporary passwords.
fn fastest(limits: &Limits, class_of: impl Fn(Action) -> OperationClass + Copy, ordered: &Ordered) -> Option<Mix> {
    let (set, temporary) = (class_of(SET), class_of(Action::SetTemporaryPassword));
    let people: u64 = ordered.either.values().sum();
    if people == 0 || set == temporary || !is_priced(limits, set) || !is_priced(limits, temporary) {
        return None;
    }
    let mut rest = ordered.actions.clone();
    for (action, count) in &ordered.either {
        if let Some(all) = rest.get_mut(action) {
            *all = all.saturating_sub(*count);
        }
    }
    let rest = by_class(&rest, class_of);
    let time = |by_temporary: u64| {
        let mut orders = rest.clone();
        *orders.entry(set).or_default() += people - by_temporary;
        *orders.entry(temporary).or_default() += by_temporary;
        slowest(limits, &orders).0
    };
    // Each quota's time grows or shrinks steadily with the number, so the greatest of them falls
    // first and then rises.
    let (mut low, mut high) = (0, people);
    while low < high {
        let middle = low + (high - low) / 2;
        if time(middle + 1) < time(middle) { low = middle + 1 } else { high = middle }
    }
    Some(Mix { set: people - low, temporary: low, least: duration(time(low)) })
}

impl fmt::Display for Estimate {
    /// Some lines for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.slowest {
            Some(quota) => writeln!(f, "{}: {} at best, by the quota {quota}", self.directory, Words(self.least))?,
            None => writeln!(f, "{}: no quota is known yet that would slow it down", self.directory)?,
        }
        for class in &self.classes {
            let word = match class.class {
                OperationClass::Read => "read",
                OperationClass::Write => "write",
                OperationClass::Named(word) => word,
            };
            write!(f, "    {:>9} × {word}: ", class.orders)?;
            match class.least {
                Some(least) => writeln!(f, "{}", Words(least))?,
                None => writeln!(f, "its pace is learnt as the run goes")?,
            }
        }
        if let Some(Mix { set, temporary, least }) = self.fastest {
            writeln!(
                f,
                "    finishes first: {set} by set_password and {temporary} by set_temporary_password, {} at best",
                Words(least)
            )?;
        }
        Ok(())
    }
}

/// A time in the largest units that matter, rounded up.
struct Words(Duration);

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs().saturating_add(u64::from(self.0.subsec_nanos() > 0));
        match seconds {
            _ if self.0 == Duration::MAX => f.write_str("for ever"),
            0..120 => write!(f, "{seconds} s"),
            120..7_200 => write!(f, "{} min", seconds.div_ceil(60)),
            _ => {
                let minutes = seconds.div_ceil(60);
                write!(f, "{} h {} min", minutes / 60, minutes % 60)
            }
        }
    }
}

#[cfg(test)]
#[path = "estimate_tests.rs"]
mod tests;
