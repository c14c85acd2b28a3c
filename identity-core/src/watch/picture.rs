//! How a run stands: a fold of its events, and looks at the governors.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::left::{Counted, TimeLeft};
use crate::account::{AccountId, DirectoryId};
use crate::directory::Backend;
use crate::engine::{EntryResult, Progress, Tally};
use crate::journal::{ErrorRecord, StopReason};
use crate::limits::{GovernorStats, clock};
use crate::plan::Plan;

/// So many failures are kept; the journal has all.
const FAILURES: usize = 5;

/// How a run stands. Flat in memory, however many accounts the plan has.
///
/// ```no_run
/// use std::time::Duration;
/// use futures::StreamExt;
/// use identity_core::{engine::Running, limits::clock, plan::Plan, watch::Picture};
///
/// async fn show(plan: &Plan, mut running: Running, mut picture: Picture) {
///     let mut next = clock::instant();
///     loop {
///         tokio::select! {
///             progress = running.next() => match progress {
///                 Some(progress) => picture.take(&progress),
///                 None => break,
///             },
///             () = clock::sleep_until(next) => {
///                 picture.look();
///                 for line in picture.text(80) {
///                     // … draw it …
///                 }
///                 next = clock::instant() + Duration::from_secs(1);
///             }
///         }
///     }
/// }
/// ```
pub struct Picture {
    began: Instant,
    now: Instant,
    waves: Vec<WavePicture>,
    paces: Vec<Option<Counted>>,
    /// Accounts that ended, over all waves.
    whole: Counted,
    lanes: Vec<Lane>,
    failures: VecDeque<LastFailure>,
    /// The wave that comes after a wait, and when.
    waiting: Option<(String, Instant)>,
    stopping: Option<StopReason>,
}

struct Lane {
    backend: Arc<dyn Backend>,
    stats: GovernorStats,
    requests: Counted,
    quotas: Vec<(Pace, Counted)>,
}

/// How a wave stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WavePicture {
    /// Its name.
    pub name: String,
    /// How many accounts it has.
    pub accounts: u64,
    /// How many have ended, and how.
    pub tally: Tally,
    /// Whether it is to come, under way or over.
    pub standing: WaveStanding,
}

/// Where a wave is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WaveStanding {
    /// To come.
    Ahead,
    /// Under way. Two can be: the slower actions of one go on beside the next one's passwords.
    UnderWay,
    /// Over.
    Finished,
}

/// How the lane of a directory stands.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LanePicture {
    /// The directory.
    pub directory: DirectoryId,
    /// What its governor has seen, in flight and pauses included.
    pub stats: GovernorStats,
    /// Requests a second in the last minute.
    pub per_second: Option<f64>,
    /// How long nothing may go, because the directory asked for a pause.
    pub paused: Option<Duration>,
    /// The pace in each quota, against the share of it.
    pub quotas: Vec<Pace>,
}

/// The pace in one quota.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Pace {
    /// [`Quota::name`](crate::limits::Quota::name).
    pub quota: &'static str,
    /// Permits a second that were used in the last minute.
    pub per_second: Option<f64>,
    /// Permits a second that this run may use.
    pub share: f64,
    /// What the server says is left of its window.
    pub remaining: Option<u32>,
}

/// An account that failed, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LastFailure {
    /// The directory.
    pub directory: DirectoryId,
    /// The account.
    pub account: AccountId,
    /// Its sign-in name.
    pub name: String,
    /// Why; `None` where no reason is recorded.
    pub error: Option<ErrorRecord>,
}

/// What the run is doing, or waiting for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Doing {
    /// Orders are under way.
    Working,
    /// Nothing is begun before a wave: passwords are synchronised meanwhile, or the plan asks for a pause.
    Waiting {
        /// The wave that comes then.
        wave: String,
        /// How long yet.
        left: Duration,
    },
    /// Every lane that has something left to do waits because its directory asked for a pause.
    HeldBack {
        /// The directory that is waited for longest.
        directory: DirectoryId,
        /// How long yet.
        left: Duration,
    },
    /// What is in flight is finished and recorded, then the run stops.
    Stopping {
        /// Why.
        reason: StopReason,
    },
}

impl Picture {
    /// Of a plan that is about to be carried out in these directories.
    #[must_use]
    pub fn new(plan: &Plan, directories: impl IntoIterator<Item = Arc<dyn Backend>>) -> Self {
        let now = clock::instant();
        let wave = |wave: &crate::plan::Wave| WavePicture {
            name: wave.name.clone(),
            accounts: wave.accounts,
            tally: Tally::default(),
            standing: WaveStanding::Ahead,
        };
        let waves: Vec<_> = plan.waves().iter().map(wave).collect();
        let planned = |backend: &Arc<dyn Backend>| {
            plan.header().directories.iter().any(|planned| planned.info.id == backend.info().id)
        };
        Self {
            began: now,
            now,
            paces: vec![None; waves.len()],
            waves,
            whole: Counted::new(now, 0),
            lanes: directories.into_iter().filter(planned).map(|backend| Lane::new(backend, now)).collect(),
            failures: VecDeque::new(),
            waiting: None,
            stopping: None,
        }
    }

    /// Takes in an event.
    pub fn take(&mut self, progress: &Progress) {
        self.now = clock::instant();
        match progress {
            Progress::WaveStarted { wave, accounts } => {
                self.waiting = None;
                self.change(wave, |wave| {
                    (wave.standing, wave.accounts, wave.tally) = (WaveStanding::UnderWay, *accounts, Tally::default());
                });
            }
            Progress::EntryEnded { wave, directory, account, name, result, failure, tally } => {
                self.change(wave, |wave| wave.tally = *tally);
                if *result == EntryResult::Failed {
                    if self.failures.len() == FAILURES {
                        self.failures.pop_back();
                    }
                    self.failures.push_front(LastFailure {
                        directory: directory.clone(),
                        account: account.clone(),
                        name: name.clone(),
                        error: failure.as_deref().cloned(),
                    });
                }
            }
            Progress::WaveFinished { wave, tally } => self.change(wave, |wave| {
                (wave.standing, wave.tally) = (WaveStanding::Finished, *tally);
            }),
            Progress::Waiting { wave, seconds } => {
                let until = self.now.checked_add(Duration::from_secs(*seconds)).unwrap_or(self.now);
                self.waiting = Some((wave.clone(), until));
            }
            Progress::Stopping { reason } => self.stopping = Some(reason.clone()),
        }
    }

    /// Looks at the clock and at the governors; about once a second.
    pub fn look(&mut self) {
        self.now = clock::instant();
        for lane in &mut self.lanes {
            lane.look(self.now);
        }
        self.whole.count(self.now, self.waves.iter().map(|wave| ended(&wave.tally)).sum());
        for (wave, pace) in self.waves.iter().zip(&mut self.paces) {
            if wave.standing == WaveStanding::UnderWay {
                let count = ended(&wave.tally);
                pace.get_or_insert_with(|| Counted::new(self.now, 0)).count(self.now, count);
            }
        }
    }

    /// The waves in their order.
    #[must_use]
    pub fn waves(&self) -> &[WavePicture] {
        &self.waves
    }

    /// The lanes, as of the last look.
    #[must_use]
    pub fn lanes(&self) -> Vec<LanePicture> {
        self.lanes.iter().map(|lane| lane.picture(self.now)).collect()
    }

    /// The last accounts that failed, the newest first; five at the most.
    pub fn failures(&self) -> impl ExactSizeIterator<Item = &LastFailure> {
        self.failures.iter()
    }

    /// Since when it is watched.
    #[must_use]
    pub fn gone(&self) -> Duration {
        self.now.duration_since(self.began)
    }

    /// What the run is doing, or waiting for, as of the last look.
    #[must_use]
    pub fn doing(&self) -> Doing {
        if let Some(reason) = &self.stopping {
            return Doing::Stopping { reason: reason.clone() };
        }
        if let Some((wave, until)) = self.waiting.as_ref().filter(|(_, until)| *until > self.now) {
            return Doing::Waiting { wave: wave.clone(), left: until.duration_since(self.now) };
        }
        let paused: Option<Vec<_>> = self.lanes.iter().map(|lane| Some((lane, lane.paused()?))).collect();
        match paused.and_then(|lanes| lanes.into_iter().max_by_key(|(_, left)| *left)) {
            Some((lane, left)) => Doing::HeldBack { directory: lane.backend.info().id.clone(), left },
            None => Doing::Working,
        }
    }

    /// How long a wave may still take: by its own pace once it has one, otherwise by that of the run.
    /// Pauses before it are not in it.
    #[must_use]
    pub fn wave_left(&self, wave: &WavePicture) -> TimeLeft {
        let place = self.waves.iter().position(|known| known.name == wave.name);
        let pace = place.and_then(|place| self.paces.get(place)).and_then(Option::as_ref);
        pace.unwrap_or(&self.whole).left(self.now, wave.accounts.saturating_sub(ended(&wave.tally)))
    }

    /// How long the run may still take: all accounts that have not ended, by the pace so far, and the
    /// wait that is under way. Waits to come are not known, so that `least` holds and `most` is of a run
    /// without further ones.
    #[must_use]
    pub fn left(&self) -> TimeLeft {
        let ahead = self.waves.iter().filter(|wave| wave.standing != WaveStanding::Finished);
        let accounts = ahead.map(|wave| wave.accounts.saturating_sub(ended(&wave.tally))).sum();
        let left = self.whole.left(self.now, accounts);
        match self.doing() {
            Doing::Waiting { left: wait, .. } | Doing::HeldBack { left: wait, .. } => {
                left.and(TimeLeft { least: wait, most: Some(wait) })
            }
            Doing::Working | Doing::Stopping { .. } => left,
        }
    }

    fn change(&mut self, name: &str, change: impl FnOnce(&mut WavePicture)) {
        if let Some(wave) = self.waves.iter_mut().find(|wave| wave.name == name) {
            change(wave);
        }
    }
}

fn ended(tally: &Tally) -> u64 {
    tally.done + tally.failed + tally.open
}

impl Lane {
    fn new(backend: Arc<dyn Backend>, now: Instant) -> Self {
        let stats = backend.governor().stats();
        let mut lane = Self { requests: Counted::new(now, stats.requests), stats, quotas: Vec::new(), backend };
        lane.look(now);
        lane
    }

    fn look(&mut self, now: Instant) {
        self.stats = self.backend.governor().stats();
        self.requests.count(now, self.stats.requests);
        for (place, quota) in self.backend.governor().quotas().into_iter().enumerate() {
            let share = quota.allowed / quota.window.as_secs_f64().max(f64::MIN_POSITIVE);
            let pace = Pace { quota: quota.name, per_second: None, share, remaining: quota.remaining };
            match self.quotas.get_mut(place) {
                Some((known, used)) => {
                    used.count(now, quota.used);
                    *known = Pace { per_second: used.per_second(now), ..pace };
                }
                None => self.quotas.push((pace, Counted::new(now, quota.used))),
            }
        }
    }

    fn paused(&self) -> Option<Duration> {
        let until = self.stats.closed_until?;
        Duration::try_from(until.duration_since(clock::now())).ok().filter(|left| !left.is_zero())
    }

    fn picture(&self, now: Instant) -> LanePicture {
        LanePicture {
            directory: self.backend.info().id.clone(),
            stats: self.stats,
            per_second: self.requests.per_second(now),
            paused: self.paused(),
            quotas: self.quotas.iter().map(|(pace, _)| pace.clone()).collect(),
        }
    }
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Picture").field("waves", &self.waves).field("failures", &self.failures).finish_non_exhaustive()
    }
}
