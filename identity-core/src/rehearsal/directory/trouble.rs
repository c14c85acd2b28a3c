//! What is wrong with a server at the moment, and what it counted.

use std::time::Duration;

use tokio::time::Instant;

/// What is wrong; each until its time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Trouble {
    /// It answers nothing.
    pub(crate) down: Option<Instant>,
    /// It refuses everything for pace.
    pub(crate) storm: Option<Instant>,
    /// The right to reset passwords is gone.
    pub(crate) withdrawn: Option<Instant>,
    /// This part of the accounts is refused.
    pub(crate) refusing: Option<(Instant, f64)>,
    /// What is written shows in reads only after so long.
    pub(crate) lagging: Option<(Instant, Duration)>,
}

impl Trouble {
    /// Whether something is still wrong, and until when.
    pub(crate) fn until(&self, now: Instant) -> Option<Instant> {
        let ends = [
            self.down,
            self.storm,
            self.withdrawn,
            self.refusing.map(|(until, _)| until),
            self.lagging.map(|(until, _)| until),
        ];
        ends.into_iter().flatten().filter(|end| *end > now).max()
    }
}

/// What a server did with the orders that reached it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) done: u64,
    pub(crate) refused: u64,
    pub(crate) throttled: u64,
    pub(crate) unanswered: u64,
}

impl Counts {
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            done: self.done + other.done,
            refused: self.refused + other.refused,
            throttled: self.throttled + other.throttled,
            unanswered: self.unanswered + other.unanswered,
        }
    }

    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            done: self.done - before.done,
            refused: self.refused - before.refused,
            throttled: self.throttled - before.throttled,
            unanswered: self.unanswered - before.unanswered,
        }
    }
}
