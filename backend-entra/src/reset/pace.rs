//! The pace of orders that are several requests.
//!
//! The permit that the caller holds covers what such an order usually takes, and inside an order
//! nobody may wait for another permit. So these orders take turns here besides: their requests are
//! as far apart as the quota says, whichever order they are of.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use identity_core::limits::{Limits, OperationClass, clock};
use tokio::time::Instant;

/// Gives turns to the requests of one quota.
#[derive(Debug)]
pub(super) struct Turns {
    apart: Duration,
    /// When the next turn is.
    next: Mutex<Option<Instant>>,
}

impl Turns {
    /// Turns of one request of `class`, each priced at one permit, by the slowest quota that prices it.
    pub(super) fn of(limits: &Limits, class: OperationClass) -> Self {
        let apart = |quota: &identity_core::limits::Quota| {
            // As the governor does: requests that left a window apart can arrive closer.
            let window = quota.window + quota.window / 128;
            window.div_f64((f64::from(quota.permits.get()) * quota.share).max(f64::MIN_POSITIVE))
        };
        let priced = limits.quotas.iter().filter(|quota| quota.cost(class) > 0);
        Self { apart: priced.map(apart).max().unwrap_or_default(), next: Mutex::new(None) }
    }

    /// Waits for the next turn, unless that is later than `until`: then nothing is taken, and how
    /// long it would be from now is given back.
    ///
    /// # Errors
    /// The wait that was too long.
    pub(super) async fn turn(&self, until: Instant) -> Result<(), Duration> {
        let now = clock::instant();
        let turn = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let turn = next.map_or(now, |next| next.max(now));
            if turn > until {
                return Err(turn - now);
            }
            *next = Some(turn + self.apart);
            turn
        };
        clock::sleep_until(turn).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use identity_core::limits::Quota;
    use std::num::NonZeroU32;

    fn turns(share: f64) -> Turns {
        let of = |number| NonZeroU32::new(number).unwrap();
        let class = OperationClass::Named("slow");
        let quota = Quota::new("slow", of(5), Duration::from_secs(10), class).with_share(share).with_cost(class, 4);
        Turns::of(&Limits::new(of(1), of(8)).with_quota(quota), class)
    }

    #[tokio::test(start_paused = true)]
    async fn no_window_sees_more_than_the_share() {
        let turns = turns(0.8);
        let begun = clock::instant();
        let mut taken = Vec::new();
        for _ in 0..40 {
            turns.turn(begun + Duration::from_secs(1_000)).await.unwrap();
            taken.push(begun.elapsed());
        }
        let most = taken
            .iter()
            .map(|from| taken.iter().filter(|at| *at >= from && **at < *from + Duration::from_secs(10)).count());
        assert_eq!(most.max(), Some(4));
        assert!(begun.elapsed() < Duration::from_secs(40 * 10 / 4 + 1), "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_that_is_too_late_is_not_taken() {
        let turns = turns(1.0);
        let now = clock::instant();
        turns.turn(now).await.unwrap();
        let wait = turns.turn(now + Duration::from_secs(1)).await.unwrap_err();
        assert!(wait > Duration::from_secs(2) && wait < Duration::from_millis(2_100), "{wait:?}");
        clock::sleep(wait).await;
        turns.turn(clock::instant()).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_quota_nobody_waits() {
        let limits = Limits::new(NonZeroU32::MIN, NonZeroU32::MIN);
        let turns = Turns::of(&limits, OperationClass::Write);
        let now = clock::instant();
        for _ in 0..100 {
            turns.turn(now).await.unwrap();
        }
        assert_eq!(now.elapsed(), Duration::ZERO);
    }
}
