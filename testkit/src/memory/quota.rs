//! The server's side of a quota: counts what arrives in any window, refuses what is too much.

use std::collections::VecDeque;
use std::time::Duration;

use identity_core::limits::{OperationClass, Quota};
use tokio::time::Instant;

/// What a quota has seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotaRecord {
    /// The quota's name.
    pub name: &'static str,
    /// Permits in any window, as the directory counts them: the whole, not our share.
    pub permits: u32,
    /// The window.
    pub window: Duration,
    /// Permits that were used, over all time.
    pub used: u64,
    /// Operations that were refused because the window was used up.
    pub refused: u64,
    /// The most permits that were used in any one window, refused operations not counted.
    pub most_in_window: u64,
}

/// One quota as the directory enforces it, over a rolling window.
#[derive(Debug)]
pub(super) struct Window {
    costs: Vec<(OperationClass, u32)>,
    /// When permits were used, how many; what left the window is dropped.
    uses: VecDeque<(Instant, u32)>,
    in_window: u64,
    record: QuotaRecord,
}

impl Window {
    pub(super) fn new(quota: &Quota) -> Self {
        let (name, permits, window) = (quota.name, quota.permits.get(), quota.window);
        let record = QuotaRecord { name, permits, window, used: 0, refused: 0, most_in_window: 0 };
        Self { costs: quota.costs.clone(), uses: VecDeque::new(), in_window: 0, record }
    }

    pub(super) fn record(&self) -> &QuotaRecord {
        &self.record
    }

    fn cost(&self, class: OperationClass) -> u32 {
        self.costs.iter().find(|(priced, _)| *priced == class).map_or(0, |(_, cost)| *cost)
    }

    /// How long until an operation fits; `None` where it fits now.
    fn wait(&mut self, class: OperationClass, now: Instant) -> Option<Duration> {
        let cost = u64::from(self.cost(class));
        while let Some((at, used)) = self.uses.front().copied() {
            if at + self.record.window > now {
                break;
            }
            self.in_window -= u64::from(used);
            self.uses.pop_front();
        }
        let mut over = (self.in_window + cost).checked_sub(u64::from(self.record.permits)).filter(|over| *over > 0)?;
        if cost == 0 {
            return None;
        }
        for (at, used) in &self.uses {
            over = over.saturating_sub(u64::from(*used));
            if over == 0 {
                return Some((*at + self.record.window).saturating_duration_since(now));
            }
        }
        // It costs more than a whole window has.
        Some(self.record.window)
    }

    fn take(&mut self, class: OperationClass, now: Instant) {
        let cost = self.cost(class);
        if cost == 0 {
            return;
        }
        match self.uses.back_mut() {
            Some((at, used)) if *at == now => *used = used.saturating_add(cost),
            _ => self.uses.push_back((now, cost)),
        }
        self.in_window += u64::from(cost);
        self.record.used += u64::from(cost);
        self.record.most_in_window = self.record.most_in_window.max(self.in_window);
    }
}

/// Lets an operation in, or says how long it has to wait: the longest of all quotas.
pub(super) fn admit(windows: &mut [Window], class: OperationClass, now: Instant) -> Result<(), Duration> {
    let mut longest = None;
    for window in windows.iter_mut() {
        if let Some(wait) = window.wait(class, now) {
            window.record.refused += 1;
            longest = longest.max(Some(wait));
        }
    }
    match longest {
        Some(wait) => Err(wait),
        None => {
            windows.iter_mut().for_each(|window| window.take(class, now));
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use identity_core::limits::clock;
    use std::num::NonZeroU32;

    #[tokio::test(start_paused = true)]
    async fn a_rolling_window_is_exact_to_the_permit() {
        let window = Duration::from_secs(10);
        let mut windows = [Window::new(&Quota::new("w", NonZeroU32::new(3).unwrap(), window, OperationClass::Write))];
        for _ in 0..3 {
            assert!(admit(&mut windows, OperationClass::Write, clock::instant()).is_ok());
            clock::sleep(Duration::from_secs(1)).await;
        }
        assert_eq!(admit(&mut windows, OperationClass::Write, clock::instant()), Err(Duration::from_secs(7)));
        assert!(admit(&mut windows, OperationClass::Read, clock::instant()).is_ok(), "reads cost nothing here");
        clock::sleep(Duration::from_secs(7)).await;
        assert!(admit(&mut windows, OperationClass::Write, clock::instant()).is_ok());
        let record = windows[0].record();
        assert_eq!((record.used, record.refused, record.most_in_window), (4, 1, 3));
    }
}
