//! The gate that all lanes pass: closed while a server asks us to wait.

use std::time::Duration;

use rand::rngs::StdRng;
use tokio::time::Instant;

use super::Pacing;
use super::retry::{between, doubled};

/// The gate that all lanes pass.
#[derive(Debug, Default)]
pub(super) struct Gate {
    /// When it was last closed, having been open.
    closed_at: Option<Instant>,
    closed_until: Option<Instant>,
    /// Closings in a row, without a success between them.
    in_a_row: u32,
}

impl Gate {
    /// Until when it is closed, if it is.
    pub(super) fn closed_until(&self, now: Instant) -> Option<Instant> {
        self.closed_until.filter(|until| *until > now)
    }

    /// Whether a request that left at `sent` was under way when the gate last closed: what it
    /// says is old news.
    pub(super) fn is_old_news(&self, sent: Option<Instant>, now: Instant) -> bool {
        match (sent, self.closed_at) {
            (_, None) => false,
            (Some(sent), Some(closed_at)) => sent <= closed_at,
            (None, Some(_)) => self.closed_until(now).is_some(),
        }
    }

    /// A server refused. Of several refusals of the same moment, one counts, and the longest
    /// Retry-After holds.
    pub(super) fn refused(
        &mut self,
        retry_after: Option<Duration>,
        old_news: bool,
        pacing: &Pacing,
        rng: &mut StdRng,
        now: Instant,
    ) {
        let asked = retry_after.filter(|wait| !wait.is_zero()).map(|wait| wait.min(pacing.longest_pause));
        if !old_news {
            self.in_a_row = self.in_a_row.saturating_add(1);
            self.closed_at = Some(now);
        }
        let wait = match asked {
            Some(wait) => wait,
            None if old_news => return,
            None => {
                let whole = doubled(pacing.first_pause, self.in_a_row, pacing.own_pause_cap);
                between(whole / 2, whole, rng)
            }
        };
        // A pause of centuries does not fit into the clock; then the gate stays as it is.
        let until = now.checked_add(wait);
        self.closed_until = self.closed_until.max(until);
    }

    /// A server served: the next pause of our own begins small again.
    pub(super) fn served(&mut self, old_news: bool) {
        if !old_news {
            self.in_a_row = 0;
        }
    }
}
