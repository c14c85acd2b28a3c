//! A bucket as Okta's: fixed windows of whole seconds that the first request opens, told with each
//! answer; and clients whose requests and answers travel for any time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::time::Instant;

use super::{millis, roomy, seconds, some};
use crate::limits::{Feedback, Governor, Limits, OperationClass, Pacing, Quota, Signal, WindowHint, clock};

pub(super) const USERS: OperationClass = OperationClass::Named("users");
pub(super) const MINUTE: Duration = Duration::from_secs(60);
/// What is assumed before the first answer.
const ASSUMED: u32 = 60;

/// The server's bucket.
pub(super) struct Bucket {
    state: Mutex<State>,
    /// What the server's clock showed when the test began.
    began: (Instant, Duration),
}

struct State {
    limit: u32,
    /// The window: its reset, and what was used.
    open: Option<(u64, u32)>,
    windows: BTreeMap<u64, Seen>,
}

/// What one window saw.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    pub(super) limit: u32,
    pub(super) ours: u32,
    pub(super) refused: u32,
    pub(super) others: u32,
    pub(super) others_refused: u32,
}

impl Bucket {
    /// A bucket whose clock is so far into a second.
    pub(super) fn new(limit: u32, into_second: Duration) -> Self {
        let state = State { limit, open: None, windows: BTreeMap::new() };
        Self { state: Mutex::new(state), began: (clock::instant(), seconds(1_700_000_000) + into_second) }
    }

    /// A window that was opened so long ago and of which so much is used.
    pub(super) fn with_open_window(self, ago: Duration, used: u32) -> Self {
        let opened = self.now() - ago;
        self.lock().open = Some((opened.as_secs() + 60, used));
        self
    }

    pub(super) fn set_limit(&self, limit: u32) {
        self.lock().limit = limit;
    }

    pub(super) fn windows(&self) -> Vec<Seen> {
        self.lock().windows.values().copied().collect()
    }

    /// A request arrives: whether it is served, and what the headers say.
    pub(super) fn arrive(&self, ours: bool) -> (Signal, WindowHint) {
        let date = self.now().as_secs();
        let mut state = self.lock();
        let limit = state.limit;
        let (reset, used) = state.open.filter(|(reset, _)| date < *reset).unwrap_or((date + 60, 0));
        let served = used < limit;
        let used = used + u32::from(served);
        state.open = Some((reset, used));
        let seen = state.windows.entry(reset).or_default();
        seen.limit = seen.limit.max(limit);
        let count = match (ours, served) {
            (true, true) => &mut seen.ours,
            (true, false) => &mut seen.refused,
            (false, true) => &mut seen.others,
            (false, false) => &mut seen.others_refused,
        };
        *count += 1;
        let signal = if served { Signal::Ok } else { Signal::Throttled };
        (signal, WindowHint::by_server_clock(limit, limit.saturating_sub(used), reset, date))
    }

    fn now(&self) -> Duration {
        self.began.1 + self.began.0.elapsed()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

/// How a run goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) lanes: u32,
    /// The longest that a request, and an answer, travels.
    pub(super) travel: (Duration, Duration),
    pub(super) time: Duration,
    /// Of how many answers one gets lost; 0 for none.
    pub(super) lost: u32,
    pub(super) seed: u64,
}

impl Run {
    /// Ten lanes, half a second there and back at most, three windows.
    pub(super) fn new(seed: u64) -> Self {
        Self { lanes: 10, travel: (millis(200), millis(300)), time: MINUTE * 3, lost: 0, seed }
    }

    pub(super) async fn against(&self, governor: &Governor, bucket: &Bucket) {
        let until = clock::instant() + self.time;
        join_all((0..self.lanes).map(|lane| async move {
            let mut rng = StdRng::seed_from_u64(self.seed ^ u64::from(lane) << 32);
            loop {
                let permit = governor.acquire(USERS, 1).await;
                let sent = clock::instant();
                clock::sleep(self.travel.0.mul_f64(rng.random_range(0.1..=1.0))).await;
                if clock::instant() >= until {
                    return;
                }
                let (signal, hint) = bucket.arrive(true);
                clock::sleep(self.travel.1.mul_f64(rng.random_range(0.1..=1.0))).await;
                let lost = self.lost > 0 && rng.random_range(0..self.lost) == 0;
                let answer = if lost {
                    Feedback::new(USERS, Signal::Ok)
                } else {
                    Feedback::new(USERS, signal).with_window(hint).with_latency(sent.elapsed())
                };
                governor.feedback(&answer);
                drop(permit);
            }
        }))
        .await;
    }
}

/// Others who send so many a minute, at random instants.
pub(super) async fn others(bucket: &Bucket, a_minute: u32, time: Duration, seed: u64) {
    let mut rng = StdRng::seed_from_u64(seed);
    let until = clock::instant() + time;
    while clock::instant() < until {
        clock::sleep(MINUTE.div_f64(f64::from(a_minute)).mul_f64(rng.random_range(0.0..2.0))).await;
        let _answer = bucket.arrive(false);
    }
}

pub(super) fn learning(share: f64, in_flight: u32) -> Limits {
    roomy(in_flight).with_quota(Quota::learnt("users", some(ASSUMED), MINUTE, USERS).with_share(share))
}

/// A governor whose jitter is the same each time.
pub(super) fn governed(limits: &Limits) -> Arc<Governor> {
    Governor::with_pacing(limits, Pacing::default().with_seed(1))
}

/// Runs something in virtual time.
pub(super) fn paused<T>(run: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(run)
}
