//! The minutes in which a run worked.

use jiff::{SignedDuration, Timestamp};

/// Stretches of time, each with less than a gap between one moment and the next. A run that is
/// resumed days later has two: what was done in between is nobody's evidence.
#[derive(Clone, Debug)]
pub(super) struct Spans {
    gap: SignedDuration,
    each: Vec<(Timestamp, Timestamp)>,
}

impl Spans {
    pub(super) fn new(gap: SignedDuration) -> Self {
        Self { gap, each: Vec::new() }
    }

    /// Takes a moment in. They come almost in order.
    pub(super) fn take(&mut self, at: Timestamp) {
        let (gap, before, after) = (self.gap, earlier(at, self.gap), later(at, self.gap));
        match self.each.iter_mut().rev().find(|(from, until)| *from <= after && *until >= before) {
            Some((from, until)) => (*from, *until) = ((*from).min(at), (*until).max(at)),
            None => self.each.push((at, at)),
        }
        // The clocks of two machines may have made two of what is one.
        if self.each.len() > 1 {
            self.each.sort();
            let mut merged: Vec<(Timestamp, Timestamp)> = Vec::with_capacity(self.each.len());
            for (from, until) in self.each.drain(..) {
                match merged.last_mut() {
                    Some(last) if from <= later(last.1, gap) => last.1 = last.1.max(until),
                    _ => merged.push((from, until)),
                }
            }
            self.each = merged;
        }
    }

    /// Each with a margin around it.
    pub(super) fn with_margin(&self, margin: SignedDuration) -> Vec<(Timestamp, Timestamp)> {
        self.each.iter().map(|(from, until)| (earlier(*from, margin), later(*until, margin))).collect()
    }

    /// The last moment of all.
    pub(super) fn end(&self) -> Option<Timestamp> {
        self.each.last().map(|(_, until)| *until)
    }
}

pub(super) fn earlier(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_sub(by).unwrap_or(Timestamp::MIN)
}

pub(super) fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + second).unwrap()
    }

    #[test]
    fn moments_that_are_close_are_one_stretch_in_any_order() {
        let mut spans = Spans::new(SignedDuration::from_secs(60));
        for second in [0, 30, 20, 90, 1_000, 1_010, 149] {
            spans.take(at(second));
        }
        assert_eq!(spans.each, [(at(0), at(149)), (at(1_000), at(1_010))]);
        assert_eq!(spans.end(), Some(at(1_010)));
        let around = spans.with_margin(SignedDuration::from_secs(5));
        assert_eq!(around, [(at(-5), at(154)), (at(995), at(1_015))]);
    }

    #[test]
    fn what_comes_between_two_makes_them_one() {
        let mut spans = Spans::new(SignedDuration::from_secs(60));
        for second in [0, 100, 50] {
            spans.take(at(second));
        }
        assert_eq!(spans.each, [(at(0), at(100))]);
        spans.take(Timestamp::MAX);
        spans.take(Timestamp::MIN);
        assert_eq!(spans.each.len(), 3);
    }
}
