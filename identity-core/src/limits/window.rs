//! What a server tells of its window, learnt from responses that may come in any order.

use std::time::Duration;

use tokio::time::Instant;

use super::{Pacing, WindowHint};

/// Hints of one window differ by less than this in when it ends (headers count in seconds).
const SAME_WINDOW: Duration = Duration::from_secs(2);

/// The window of one class, as the server tells it.
#[derive(Debug, Default)]
pub(super) struct Window(Option<Known>);

#[derive(Debug)]
struct Known {
    limit: u32,
    remaining: u32,
    ends: Instant,
}

impl Window {
    /// Takes in a hint; whether the window now ends earlier than was thought.
    pub(super) fn learn(&mut self, hint: WindowHint, pacing: &Pacing, now: Instant) -> bool {
        // Okta answers its concurrency limit with 0 of 0: that is no window.
        if hint.limit == 0 {
            return false;
        }
        let Some(ends) = now.checked_add(hint.resets_in.min(pacing.longest_pause)) else { return false };
        match &mut self.0 {
            Some(known) if now + SAME_WINDOW < known.ends => {
                // The window is still open. A hint of the one before came late; a hint of this
                // one came in any order, and what is left only ever shrinks.
                if ends + SAME_WINDOW < known.ends {
                    return false;
                }
                known.remaining = known.remaining.min(hint.remaining);
                known.limit = known.limit.min(hint.limit);
                let earlier = ends < known.ends;
                known.ends = known.ends.min(ends);
                earlier
            }
            // The last moments of a window: both this one and the next can be meant.
            Some(known) if now < known.ends && ends <= known.ends + SAME_WINDOW => {
                known.remaining = known.remaining.min(hint.remaining);
                false
            }
            _ => {
                self.0 = Some(Known { limit: hint.limit, remaining: hint.remaining, ends });
                false
            }
        }
    }

    /// When `operations` more may go, if not now, with `in_flight` operations out that the
    /// server may not have counted yet. Of the server's limit, all but `share` is left to others.
    pub(super) fn until_free(&mut self, operations: u32, in_flight: u32, share: f64, now: Instant) -> Option<Instant> {
        let known = self.0.as_ref()?;
        if known.ends <= now {
            self.0 = None;
            return None;
        }
        let ours = ((f64::from(known.limit) * share + 1e-6) as u32).clamp(1, known.limit.max(1));
        let reserved = known.limit - ours;
        let free = known.remaining.saturating_sub(reserved).saturating_sub(in_flight);
        (free < operations.clamp(1, ours)).then_some(known.ends)
    }
}
