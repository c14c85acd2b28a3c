//! How long something may still take: a range, because nobody knows.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use tokio::time::Instant;

/// A range of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TimeLeft {
    /// It hardly takes less.
    pub least: Duration,
    /// It hardly takes more, if it goes on as it did; `None` when too little was seen to say.
    pub most: Option<Duration>,
}

impl TimeLeft {
    /// Both one after the other.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let most = self.most.zip(other.most).map(|(one, two)| one.saturating_add(two));
        Self { least: self.least.saturating_add(other.least), most }
    }
}

impl fmt::Display for TimeLeft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.most {
            None => write!(f, "{} or more", Short(self.least)),
            Some(most) if Short(most).to_string() == Short(self.least).to_string() => {
                write!(f, "about {}", Short(most))
            }
            Some(most) => write!(f, "{} to {}", Short(self.least), Short(most)),
        }
    }
}

/// A duration in two of its units at the most: `2 h 5 min`, `40 s`.
pub(super) struct Short(pub(super) Duration);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs() + u64::from(self.0.subsec_millis() >= 500);
        match seconds {
            0..120 => write!(f, "{seconds} s"),
            120..7_200 => write!(f, "{} min", seconds.div_ceil(60)),
            7_200..172_800 => write!(f, "{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
            _ => write!(f, "{} d {} h", seconds / 86_400, seconds % 86_400 / 3_600),
        }
    }
}

/// This long ago is recent.
const RECENT: Duration = Duration::from_secs(60);

/// How many steps were counted when; kept for a minute.
#[derive(Clone, Debug)]
pub(super) struct Counted {
    began: (Instant, u64),
    recent: VecDeque<(Instant, u64)>,
}

impl Counted {
    pub(super) fn new(now: Instant, count: u64) -> Self {
        Self { began: (now, count), recent: [(now, count)].into() }
    }

    pub(super) fn count(&mut self, now: Instant, count: u64) {
        // Two looks a second are enough: memory stays flat however often it is told.
        let fresh = self.recent.iter().nth_back(1).is_none_or(|(at, _)| now.duration_since(*at).as_millis() >= 500);
        match self.recent.back_mut().filter(|_| !fresh) {
            Some(last) => *last = (now, count),
            None => self.recent.push_back((now, count)),
        }
        while self.recent.get(1).is_some_and(|(at, _)| now.duration_since(*at) >= RECENT) {
            self.recent.pop_front();
        }
    }

    /// Steps a second in the last minute; `None` in the first second.
    pub(super) fn per_second(&self, now: Instant) -> Option<f64> {
        let (since, before) = self.recent.front().copied()?;
        let (_, after) = self.recent.back().copied()?;
        let passed = now.duration_since(since).as_secs_f64();
        (passed >= 1.0).then(|| after.saturating_sub(before) as f64 / passed)
    }

    /// The time for `steps` more.
    ///
    /// The pace of the whole and that of the last minute are both taken for possible, each with twice
    /// the standard deviation that the number of steps seen leaves (that of a Poisson process: √n of
    /// n): the fastest of all gives the least, the slowest the most.
    pub(super) fn left(&self, now: Instant, steps: u64) -> TimeLeft {
        if steps == 0 {
            return TimeLeft { least: Duration::ZERO, most: Some(Duration::ZERO) };
        }
        let Some((_, count)) = self.recent.back().copied() else { return TimeLeft::default() };
        let spans = [Some(self.began), self.recent.front().copied()];
        let (mut fastest, mut slowest) = (0.0_f64, f64::INFINITY);
        for (since, before) in spans.into_iter().flatten() {
            let (seen, passed) = (count.saturating_sub(before) as f64, now.duration_since(since).as_secs_f64());
            if passed < 1.0 {
                return TimeLeft::default();
            }
            let deviation = 2.0 * seen.sqrt();
            fastest = fastest.max((seen + deviation.max(1.0)) / passed);
            slowest = slowest.min((seen - deviation).max(0.0) / passed);
        }
        let time = |pace: f64| Duration::try_from_secs_f64(steps as f64 / pace).ok();
        TimeLeft { least: time(fastest).unwrap_or_default(), most: (slowest > 0.0).then(|| time(slowest)).flatten() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::clock;

    fn of(least: u64, most: Option<u64>) -> String {
        TimeLeft { least: Duration::from_secs(least), most: most.map(Duration::from_secs) }.to_string()
    }

    #[test]
    fn a_range_is_short_and_says_when_it_has_no_end() {
        assert_eq!(of(40, Some(90)), "40 s to 90 s");
        assert_eq!(of(30, None), "30 s or more");
        assert_eq!(of(600, Some(600)), "about 10 min");
        assert_eq!(of(3_600, Some(9_000)), "60 min to 2 h 30 min");
        assert_eq!(of(172_800, None), "2 d 0 h or more");
    }

    /// Whatever the pace does within what was seen, the end comes within the bounds.
    #[tokio::test(start_paused = true)]
    async fn the_bounds_hold_an_even_pace_and_widen_when_it_changes() {
        let mut counted = Counted::new(clock::instant(), 0);
        assert_eq!(counted.left(clock::instant(), 10), TimeLeft::default(), "nothing seen, nothing said");
        for step in 1..=200 {
            clock::sleep(Duration::from_millis(500)).await;
            counted.count(clock::instant(), step);
        }
        let even = counted.left(clock::instant(), 100);
        let truth = Duration::from_secs(50);
        assert!(even.least < truth && even.most.is_some_and(|most| most > truth), "{even}");
        assert!((counted.per_second(clock::instant()).unwrap() - 2.0).abs() < 0.1);
        // Four times as slow, for longer than a minute.
        for step in 201..=240 {
            clock::sleep(Duration::from_secs(2)).await;
            counted.count(clock::instant(), step);
        }
        let (slower, truth) = (counted.left(clock::instant(), 100), Duration::from_secs(200));
        assert!(slower.least < truth && slower.most.is_some_and(|most| most > truth), "{slower}");
        assert!(counted.recent.len() <= 150, "flat");
    }

    #[tokio::test(start_paused = true)]
    async fn a_standstill_has_no_upper_bound() {
        let mut counted = Counted::new(clock::instant(), 0);
        counted.count(clock::instant(), 2);
        clock::sleep(Duration::from_secs(30)).await;
        let left = counted.left(clock::instant(), 10);
        assert!(left.most.is_none() && left.least > Duration::ZERO, "{left}");
    }
}
