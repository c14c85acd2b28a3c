//! The window of a quota whose permits the server tells: what is known of it, what of ours it has
//! seen, and what is left.

use std::time::Duration;

use tokio::time::Instant;

use super::WindowHint;
use super::rolling::RollingUse;
use super::window::{About, Window};

/// A server counts its windows in whole seconds: none is longer than it should be by more.
const WHOLE_SECOND: Duration = Duration::from_secs(1);
/// Where others use the quota too, this part of it is not touched: what they send while an answer
/// is on its way to us.
const MARGIN: u32 = 100;

/// The window of a quota whose permits the server tells.
///
/// Of our requests, the server's window has seen no more than those answered in it and those
/// without an answer; this sum never exceeds our share, so that the window holds whenever it began.
#[derive(Debug)]
pub(super) struct Learnt {
    window: Window,
    longest: Duration,
    /// The server's limit, by its last word.
    limit: Option<u32>,
    /// Which part of the whole bucket the limit is, if it was told.
    part: Option<f64>,
    /// The whole bucket, by limit and part as they were when the part was told.
    whole: Option<f64>,
    /// Whether any answer came, whatever it said.
    heard: bool,
    /// What the requests cost whose permits are out.
    out: u32,
    /// Of these, what was answered.
    answered: u32,
    /// What came back without an answer that told its window: it may be in any that is open.
    unheard: RollingUse,
}

/// Whether a request may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leave {
    Now,
    /// Look again then, or when something changed.
    From(Instant),
    /// When something changed.
    OnChange,
}

impl Learnt {
    pub(super) fn new(window: Duration) -> Self {
        Self {
            window: Window::default(),
            longest: window + WHOLE_SECOND,
            limit: None,
            part: None,
            whole: None,
            heard: false,
            out: 0,
            answered: 0,
            unheard: RollingUse::new(window + WHOLE_SECOND),
        }
    }

    /// The server's limit, by its last word.
    pub(super) fn limit(&self) -> Option<u32> {
        self.limit
    }

    /// What is left of the window that is open.
    pub(super) fn remaining(&self, now: Instant) -> Option<u32> {
        self.window.open(now).map(|known| known.remaining)
    }

    /// The permits of a window that are ours, of the limit that was told. A limit that has changed
    /// since the part was told can be another part of the same bucket, or the same part of another:
    /// of both readings the smaller holds.
    pub(super) fn permits(&self, share: f64) -> Option<f64> {
        let limit = f64::from(self.limit?);
        let by_part = share * limit / self.part.unwrap_or(1.0);
        let by_whole = self.whole.map_or(by_part, |whole| share * whole);
        Some(limit.min(by_part).min(by_whole))
    }

    /// Takes in which part of the whole bucket the limit is.
    pub(super) fn set_part(&mut self, part: f64) {
        self.part = (part > 0.0 && part <= 1.0).then_some(part);
        self.whole = None;
        self.work_out_whole();
    }

    /// Takes in a hint that came with an answer. An answer is one of the permits of its window;
    /// what its request cost beyond that counts as unheard when its permit comes back.
    pub(super) fn learn(&mut self, hint: WindowHint, now: Instant) -> About {
        let about = self.window.learn(hint, self.longest, now);
        if hint.limit > 0 {
            self.heard = true;
            // An answer whose permit came back before, or that had none, is nobody else's.
            self.answered = self.answered.saturating_add(1).min(self.out);
        }
        if about != About::Past {
            self.limit = self.window.limit();
            self.work_out_whole();
        }
        about
    }

    /// Until when the window is open, at the latest.
    pub(super) fn ends(&self, now: Instant) -> Option<Instant> {
        self.window.open(now).map(|known| known.ends)
    }

    /// A request of this cost was granted.
    pub(super) fn granted(&mut self, cost: u32) {
        self.out = self.out.saturating_add(cost);
    }

    /// The permit of a request of this cost came back.
    pub(super) fn returned(&mut self, cost: u32, now: Instant) {
        self.heard = true;
        self.out = self.out.saturating_sub(cost);
        let answered = cost.min(self.answered);
        self.answered = (self.answered - answered).min(self.out);
        if answered < cost {
            self.unheard.record(u64::from(cost - answered), now);
        }
    }

    /// Whether a request of this cost may go, `ours` being the permits of a window that are ours.
    pub(super) fn leave(&mut self, cost: u32, ours: u32, now: Instant) -> Leave {
        if !self.heard && self.out > 0 {
            return Leave::OnChange;
        }
        // What costs more than a window's share goes alone.
        let cost = cost.clamp(1, ours.max(1));
        let unheard = u32::try_from(self.unheard.used(now)).unwrap_or(u32::MAX);
        let unanswered = self.out.saturating_add(unheard);
        if let Some(known) = self.window.open(now) {
            let mine = known.answered.saturating_add(unanswered);
            let by_share = ours.saturating_sub(mine);
            // Where all that is gone can be ours, what is left is what we count. Where others use
            // the quota, what is under way may come on top of what the server told.
            let others = known.limit.saturating_sub(known.remaining).saturating_sub(mine);
            let by_rest = match others {
                0 => u32::MAX,
                _ => known.remaining.saturating_sub(self.out).saturating_sub(known.limit / MARGIN),
            };
            return if cost <= by_share.min(by_rest) { Leave::Now } else { Leave::From(known.ends) };
        }
        if cost <= ours.saturating_sub(unanswered) {
            return Leave::Now;
        }
        let rest = u64::from(ours.saturating_sub(self.out));
        self.unheard.until_fits(u64::from(cost), rest, now).map_or(Leave::OnChange, Leave::From)
    }

    fn work_out_whole(&mut self) {
        if let (None, Some(part), Some(limit)) = (self.whole, self.part, self.limit) {
            self.whole = Some(f64::from(limit) / part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::clock;

    const MINUTE: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn what_is_not_answered_may_be_in_this_window_or_the_next() {
        let begin = clock::instant();
        let mut learnt = Learnt::new(MINUTE);
        learnt.granted(1);
        learnt.learn(WindowHint::by_server_clock(10, 9, 60, 0), begin);
        learnt.returned(1, begin);
        // Of nine, five are under way and four came back without an answer.
        learnt.granted(9);
        learnt.returned(4, begin + MINUTE / 2);
        assert_eq!(learnt.leave(1, 10, begin + MINUTE / 2), Leave::From(begin + MINUTE), "ten of ten may be used");
        // The next window may have seen all nine, but not the one that was answered in this.
        assert_eq!(learnt.leave(1, 10, begin + MINUTE), Leave::Now);
        let forgotten = begin + MINUTE / 2 + MINUTE + WHOLE_SECOND;
        assert_eq!(learnt.leave(2, 10, begin + MINUTE), Leave::From(forgotten));
        learnt.returned(5, begin + MINUTE);
        assert_eq!(learnt.leave(5, 10, forgotten), Leave::Now, "the four are forgotten, the five are not");
        assert_eq!(learnt.leave(6, 10, forgotten), Leave::From(begin + MINUTE * 2 + WHOLE_SECOND));
    }

    #[tokio::test(start_paused = true)]
    async fn what_others_left_is_not_exceeded_by_what_is_under_way() {
        let now = clock::instant();
        let mut learnt = Learnt::new(MINUTE);
        learnt.granted(1);
        // Others have used 90 of 100; one is a margin for what they send meanwhile.
        learnt.learn(WindowHint::by_server_clock(100, 9, 60, 0), now);
        learnt.returned(1, now);
        for _ in 0..8 {
            assert_eq!(learnt.leave(1, 50, now), Leave::Now);
            learnt.granted(1);
        }
        assert_eq!(learnt.leave(1, 50, now), Leave::From(now + MINUTE));
    }
}
