//! The clock of a server, as its answers tell it.

use std::sync::{Mutex, PoisonError};

use http::HeaderMap;
use jiff::{SignedDuration, Timestamp};

use super::server_date;
use crate::limits::clock;

/// The clock of a server, as the `Date` of its answers tells it; ours until one did. What we sign
/// carries times by it, so that a machine whose clock is off can sign in all the same.
///
/// `Date` is of whole seconds, cut off: the server's clock is never behind what this says by more
/// than the answer was under way, and what is signed is never of its future.
#[derive(Debug, Default)]
pub struct ServerClock(Mutex<SignedDuration>);

impl ServerClock {
    /// A clock that was off by more than this may be why something signed was refused.
    pub const TOLERANCE: SignedDuration = SignedDuration::from_secs(30);

    /// What the server's clock says now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let now = clock::now();
        now.checked_add(self.skew()).unwrap_or(now)
    }

    /// How far the server's clock is ahead of ours, by its last answer; whole seconds at best.
    #[must_use]
    pub fn skew(&self) -> SignedDuration {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Learns from an answer that has just come: whether the clock was off by more than
    /// [`TOLERANCE`](Self::TOLERANCE).
    pub fn learn(&self, headers: &HeaderMap) -> bool {
        let Some(date) = server_date(headers) else { return false };
        let skew = date.duration_since(clock::now());
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let moved = skew.checked_sub(*known).is_none_or(|by| by.abs() > Self::TOLERANCE);
        *known = skew;
        moved
    }
}
