//! What a server tells of its window, learnt from responses that may come in any order.

use std::time::Duration;

use tokio::time::Instant;

use super::WindowHint;

/// Hints of one window differ by less than this in when it ends (headers count in seconds).
const SAME_WINDOW: Duration = Duration::from_secs(2);
/// The same where the server names the end, in seconds: its machines' clocks can differ.
const SAME_END: u64 = 2;

/// The window of one class or quota, as the server tells it.
#[derive(Debug, Default)]
pub(super) struct Window(Option<Known>);

/// What is known of a window.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) limit: u32,
    pub(super) remaining: u32,
    /// When it is over, at the latest.
    pub(super) ends: Instant,
    /// Our requests that were answered in this window.
    pub(super) answered: u32,
    ends_at: Option<u64>,
}

/// What a hint was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// A window that is over: nothing was learnt.
    Past,
    /// The window that is known, of which it may have moved the end forward.
    Known { ends_earlier: bool },
    /// A window of which nothing was known.
    Unknown,
}

impl Window {
    /// Takes in a hint that came with an answer. A window is no longer than `longest`.
    pub(super) fn learn(&mut self, hint: WindowHint, longest: Duration, now: Instant) -> About {
        // Okta answers its concurrency limit with 0 of 0: that is no window.
        if hint.limit == 0 {
            return About::Past;
        }
        let Some(ends) = now.checked_add(hint.resets_in.min(longest)) else { return About::Past };
        let about = self.0.as_ref().map_or(About::Unknown, |known| known.is_meant(hint, ends, now));
        match (&mut self.0, about) {
            (_, About::Past) => {}
            (Some(known), About::Known { ends_earlier }) => {
                // Answers of one window come in any order, and what is left only ever shrinks.
                known.remaining = known.remaining.min(hint.remaining);
                known.limit = known.limit.min(hint.limit);
                known.answered = known.answered.saturating_add(1);
                if ends_earlier {
                    known.ends = ends;
                }
            }
            (window, _) => {
                let WindowHint { limit, remaining, ends_at, .. } = hint;
                *window = Some(Known { limit, remaining, ends, answered: 1, ends_at });
            }
        }
        about
    }

    /// The window, unless it is over or not known.
    pub(super) fn open(&self, now: Instant) -> Option<&Known> {
        self.0.as_ref().filter(|known| now < known.ends)
    }

    /// Permits per window, by the last that was told.
    pub(super) fn limit(&self) -> Option<u32> {
        self.0.as_ref().map(|known| known.limit)
    }

    /// When `operations` more may go, if not now, with `in_flight` operations out that the
    /// server may not have counted yet. Of the server's limit, all but `share` is left to others.
    pub(super) fn until_free(&self, operations: u32, in_flight: u32, share: f64, now: Instant) -> Option<Instant> {
        let known = self.open(now)?;
        let ours = ((f64::from(known.limit) * share + 1e-6) as u32).clamp(1, known.limit.max(1));
        let reserved = known.limit - ours;
        let free = known.remaining.saturating_sub(reserved).saturating_sub(in_flight);
        (free < operations.clamp(1, ours)).then_some(known.ends)
    }
}

impl Known {
    fn is_meant(&self, hint: WindowHint, ends: Instant, now: Instant) -> About {
        if self.ends <= now {
            // What comes so late may be of this window still. The server's word tells.
            return match (hint.ends_at, self.ends_at) {
                (Some(hint), Some(known)) if hint.abs_diff(known) <= SAME_END => About::Known { ends_earlier: false },
                _ => About::Unknown,
            };
        }
        if let (Some(hint), Some(known)) = (hint.ends_at, self.ends_at) {
            return match () {
                () if hint.abs_diff(known) <= SAME_END => About::Known { ends_earlier: ends < self.ends },
                () if hint < known => About::Past,
                () => About::Unknown,
            };
        }
        if now + SAME_WINDOW < self.ends {
            // The window is still open. A hint of the one before came late.
            let is_past = ends + SAME_WINDOW < self.ends;
            return if is_past { About::Past } else { About::Known { ends_earlier: ends < self.ends } };
        }
        // The last moments of a window: both this one and the next can be meant.
        if ends <= self.ends + SAME_WINDOW { About::Known { ends_earlier: false } } else { About::Unknown }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::clock;
    use proptest::prelude::*;

    #[derive(Clone, Copy, Debug)]
    struct Answer {
        window: u64,
        remaining: u32,
        /// How long it travels, in milliseconds.
        travels: u64,
        sent_at: u64,
    }

    /// Answers of five windows, evenly sent, that travel for up to 40 seconds.
    fn answers() -> impl Strategy<Value = Vec<Answer>> {
        proptest::collection::vec(0_u64..40_000, 100).prop_map(|travels| {
            let answer = |(number, travels): (usize, u64)| {
                let number = number as u64;
                let (window, place) = (number / 20, number % 20);
                Answer { window, remaining: 19 - place as u32, travels, sent_at: window * 60_000 + place * 2_900 }
            };
            let mut answers: Vec<Answer> = travels.into_iter().enumerate().map(answer).collect();
            answers.sort_by_key(|answer| answer.sent_at + answer.travels);
            answers
        })
    }

    proptest! {
        #[test]
        fn whatever_the_order_the_least_of_the_newest_window_holds(answers in answers()) {
            let begin = clock::instant();
            let mut window = Window::default();
            for (seen, answer) in answers.iter().enumerate() {
                let now = begin + Duration::from_millis(answer.sent_at + answer.travels);
                let date = answer.sent_at / 1_000;
                let reset = (answer.window + 1) * 60;
                let hint = WindowHint::by_server_clock(20, answer.remaining, reset, date);
                window.learn(hint, Duration::from_secs(61), now);

                let newest = answers[..=seen].iter().map(|answer| answer.window).max().unwrap();
                let of_newest = || answers[..=seen].iter().filter(|answer| answer.window == newest);
                let true_end = begin + Duration::from_secs((newest + 1) * 60);
                if now < true_end {
                    let known = window.open(now).unwrap();
                    prop_assert_eq!(known.remaining, of_newest().map(|answer| answer.remaining).min().unwrap());
                    prop_assert_eq!(known.answered as usize, of_newest().count());
                    prop_assert!(known.ends >= true_end, "over before the server says so");
                }
            }
        }
    }
}
