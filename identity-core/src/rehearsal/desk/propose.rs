//! How large waves may be, and how long apart.

use super::flow::{Desk, Hour, WaveCalls};

/// Pauses that are tried, in hours.
const PAUSES: [u32; 9] = [1, 2, 3, 4, 6, 8, 12, 24, 48];
/// A size is found to this part of itself.
const CLOSE_ENOUGH: f64 = 0.02;

/// Waves that a desk can follow.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Proposal {
    /// Accounts in a wave.
    pub size: u64,
    /// How many waves there are.
    pub waves: u64,
    /// Hours from the end of one wave to the beginning of the next; 0 for a single wave.
    pub pause_hours: u32,
    /// Hours until the last wave's calls are over.
    pub hours: u64,
    /// The hour in which callers wait longest.
    pub worst: Hour,
}

impl Desk {
    /// The waves that bring accounts to an end soonest while every hour keeps to the target
    /// ([`Assumptions::target_wait`](super::Assumptions::target_wait),
    /// [`target_hung_up`](super::Assumptions::target_hung_up)). `calls` is how many all these accounts make.
    /// `None` where the desk cannot even follow waves of one account.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts of accounts are far below 2^52")]
    pub fn propose(&self, accounts: u64, calls: f64) -> Option<Proposal> {
        if accounts == 0 {
            return None;
        }
        let each = (calls / accounts as f64).max(0.0);
        let curve = self.assumptions.arrivals.len() as u64;
        if let Some(worst) = self.meets(accounts, each, accounts, 0) {
            return Some(Proposal { size: accounts, waves: 1, pause_hours: 0, hours: curve, worst });
        }
        let mut best: Option<Proposal> = None;
        for pause in PAUSES {
            let Some((size, worst)) = self.largest(accounts, each, pause) else { continue };
            let waves = accounts.div_ceil(size);
            let hours = (waves - 1) * u64::from(pause) + curve;
            let better = |best: &Proposal| (hours, waves) < (best.hours, best.waves);
            if best.as_ref().is_none_or(better) {
                best = Some(Proposal { size, waves, pause_hours: pause, hours, worst });
            }
            if u64::from(pause) > curve {
                // Waves do not meet any more.
                break;
            }
        }
        best
    }

    /// The largest waves with this pause, and their worst hour.
    #[expect(clippy::cast_precision_loss, reason = "counts of accounts are far below 2^52")]
    fn largest(&self, accounts: u64, each: f64, pause: u32) -> Option<(u64, Hour)> {
        let (mut fits, mut worst) = (1, self.meets(1, each, accounts, pause)?);
        let mut too_many = accounts;
        // From below: what is far too large takes longest to work out.
        while let Some(found) = self.meets((fits * 2).min(accounts), each, accounts, pause) {
            (fits, worst) = ((fits * 2).min(accounts), found);
            if fits == accounts {
                return Some((fits, worst));
            }
        }
        too_many = too_many.min(fits * 2);
        while too_many - fits > 1 && (too_many - fits) as f64 > fits as f64 * CLOSE_ENOUGH {
            let size = fits.midpoint(too_many);
            match self.meets(size, each, accounts, pause) {
                Some(found) => (fits, worst) = (size, found),
                None => too_many = size,
            }
        }
        Some((fits, worst))
    }

    /// The worst hour of waves of this size, where every hour keeps to the target.
    #[expect(clippy::cast_precision_loss, reason = "counts of accounts are far below 2^52")]
    fn meets(&self, size: u64, each: f64, accounts: u64, pause: u32) -> Option<Hour> {
        let curve = u32::try_from(self.assumptions.arrivals.len()).unwrap_or(u32::MAX);
        // As many as meet each other: those behind them find the desk as it is then.
        let meeting = if pause == 0 { 1 } else { u64::from(curve.div_ceil(pause)) + 1 };
        let count = accounts.div_ceil(size).min(meeting);
        let waves: Vec<WaveCalls> = (0..u32::try_from(count).unwrap_or(u32::MAX))
            .map(|number| WaveCalls { at_hour: number * pause, calls: size as f64 * each })
            .collect();
        let hours = self.load(&waves);
        let known = &self.assumptions;
        let keeps = |hour: &Hour| {
            hour.calls + hour.calls_again < 0.5
                || (hour.wait_seconds <= known.target_wait.as_secs_f64() && hour.hung_up_part() <= known.target_hung_up)
        };
        let worst = hours.iter().copied().max_by(|a, b| a.wait_seconds.total_cmp(&b.wait_seconds))?;
        hours.iter().all(keeps).then_some(worst)
    }
}
