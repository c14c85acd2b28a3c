//! Where a rehearsal is played: which wave is on, which card is next, what is wrong at the moment.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::summary::{Moment, PlayedCard};
use super::survey::Survey;
use crate::journal::{Event, StopReason};
use crate::limits::clock;
use crate::plan::Plan;
use crate::rehearsal::cards::{Card, Mishap};
use crate::rehearsal::directory::{Counts, Server};
use crate::rehearsal::process::Process;

/// The stage.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) plan: Plan,
    pub(super) servers: Vec<Arc<Server>>,
    began: Instant,
    survey: Survey,
    inner: Mutex<Inner>,
    wake: Notify,
}

#[derive(Debug)]
struct Inner {
    process: Process,
    waves: BTreeMap<String, WaveTime>,
    finished: BTreeSet<String>,
    orders: u64,
    waiting: Vec<Card>,
    played: Vec<Played>,
    vault_full: Option<Instant>,
    away: Vec<(String, Instant)>,
    back_after: Duration,
    moments: Vec<Moment>,
}

/// When a wave was on.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct WaveTime {
    pub(super) began: Option<Duration>,
    /// The last outcome of an order.
    pub(super) last: Option<Duration>,
    pub(super) orders: u64,
    pub(super) repeated: u64,
}

/// A card on the table, and what was counted when it came there.
#[derive(Debug)]
struct Played {
    card: PlayedCard,
    until: Duration,
    before: Counts,
    over: bool,
}

/// What goes into the journal, as far as the stage cares.
#[derive(Debug)]
pub(super) enum Seen {
    WaveStarted(String),
    Finished(String),
    Intent { wave: Option<String>, again: bool },
    Ended { wave: Option<String> },
    Stopped(StopReason),
    Resumed,
}

impl Stage {
    pub(super) fn new(plan: Plan, servers: Vec<Arc<Server>>, survey: Survey, cards: Vec<Card>) -> Arc<Self> {
        let began = clock::instant();
        let (away, waiting): (Vec<Card>, Vec<Card>) =
            cards.into_iter().partition(|card| matches!(card.what, Mishap::ApproverAway { .. }));
        let stage = Self {
            plan,
            servers,
            began,
            survey,
            inner: Mutex::new(Inner {
                process: Process::default(),
                waves: BTreeMap::new(),
                finished: BTreeSet::new(),
                orders: 0,
                waiting,
                played: Vec::new(),
                vault_full: None,
                away: Vec::new(),
                back_after: Duration::ZERO,
                moments: Vec::new(),
            }),
            wake: Notify::new(),
        };
        away.into_iter().for_each(|card| stage.play(card));
        Arc::new(stage)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> Duration {
        clock::instant().duration_since(self.began)
    }

    pub(super) fn survey(&self) -> &Survey {
        &self.survey
    }

    /// A process begins.
    pub(super) fn enter(&self) -> Process {
        let process = Process::default();
        self.inner().process = process.clone();
        process
    }

    /// Nobody reaches who approves these waves.
    pub(super) fn send_away(&self, wave: &str, until: Instant) {
        self.inner().away.push((wave.to_owned(), until));
    }

    /// The machine dies; another one goes on later.
    pub(super) fn kill(&self, back_after: Duration) {
        let mut inner = self.inner();
        inner.back_after = back_after;
        inner.process.kill();
    }

    /// Nothing can be sealed.
    pub(super) fn fill_vault(&self, until: Instant) {
        self.inner().vault_full = Some(until);
    }

    /// Notes something for the course of the rehearsal.
    pub(super) fn note(&self, text: impl Into<String>) {
        let at = self.now().as_secs_f64();
        self.inner().moments.push(Moment { at, text: text.into() });
    }

    /// What of these events matters here.
    pub(super) fn look(&self, events: &[Event]) -> Vec<Seen> {
        let wave = |entry: &u64| self.survey.wave_of(*entry).map(str::to_owned);
        let look = |event: &Event| {
            Some(match event {
                Event::WaveStarted { wave } => Seen::WaveStarted(wave.clone()),
                Event::Intent { entry, attempt, .. } => Seen::Intent { wave: wave(entry), again: *attempt > 1 },
                Event::Done { entry, .. } | Event::Failed { entry, .. } => Seen::Ended { wave: wave(entry) },
                Event::WaveFinished { wave } if !self.inner().finished.contains(wave) => {
                    self.inner().finished.insert(wave.clone());
                    Seen::Finished(wave.clone())
                }
                Event::Stopped { reason } => Seen::Stopped(reason.clone()),
                Event::RunStarted { resumed: true, .. } => Seen::Resumed,
                _ => return None,
            })
        };
        events.iter().filter_map(look).collect()
    }

    /// These are in the journal now.
    pub(super) fn recorded(&self, seen: &[Seen]) {
        let now = self.now();
        for seen in seen {
            match seen {
                Seen::WaveStarted(wave) => {
                    let first = {
                        let mut inner = self.inner();
                        let time = inner.waves.entry(wave.clone()).or_default();
                        let first = time.began.is_none();
                        time.began.get_or_insert(now);
                        first
                    };
                    if first {
                        self.note(format!("wave {wave} begins"));
                    }
                    self.play_due();
                    self.wake.notify_one();
                }
                Seen::Intent { wave, again } => {
                    {
                        let mut inner = self.inner();
                        inner.orders += 1;
                        if let Some(wave) = wave {
                            let time = inner.waves.entry(wave.clone()).or_default();
                            time.orders += 1;
                            time.repeated += u64::from(*again);
                        }
                    }
                    self.play_due();
                }
                Seen::Finished(wave) => self.note(format!("wave {wave} is over")),
                Seen::Ended { wave: Some(wave) } => {
                    self.inner().waves.entry(wave.clone()).or_default().last = Some(now);
                }
                Seen::Ended { wave: None } => {}
                Seen::Stopped(reason) => self.note(format!("the run stops: {}", words(reason))),
                Seen::Resumed => self.note("the run is resumed"),
            }
        }
    }

    /// When the next card is due by the clock, or one that was played is over, as far as that is known.
    fn due(&self) -> Option<Duration> {
        let inner = self.inner();
        let cards = inner.waiting.iter().filter(|card| card.when.order.is_none());
        let cards = cards.filter_map(|card| self.due_of(&inner, card));
        let over = inner.played.iter().filter(|played| !played.over).map(|played| played.until);
        cards.chain(over).min()
    }

    fn due_of(&self, inner: &Inner, card: &Card) -> Option<Duration> {
        let minute = Duration::from_secs(u64::from(card.when.minute) * 60);
        match &card.when.wave {
            Some(wave) => inner.waves.get(self.name_of(wave)?)?.began.map(|began| began + minute),
            None => Some(minute),
        }
    }

    /// The wave that a card names, by its name or as the first of its kind.
    pub(super) fn name_of(&self, wave: &str) -> Option<&str> {
        let waves = self.plan.waves();
        let named = waves.iter().find(|known| known.name == wave);
        let named = named.or_else(|| waves.iter().find(|known| known.kind.as_str() == wave));
        named.map(|known| known.name.as_str())
    }

    /// Whether a card speaks of waves or directories that the plan has.
    pub(super) fn knows(&self, card: &Card) -> Result<(), String> {
        let wave = match &card.what {
            Mishap::ApproverAway { wave, .. } => Some(wave),
            _ => card.when.wave.as_ref(),
        };
        if let Some(wave) = wave
            && self.name_of(wave).is_none()
        {
            return Err(format!("the plan has no wave {wave}"));
        }
        match card.what.directory() {
            Some(directory) if !self.servers.iter().any(|server| server.info().id == *directory) => {
                Err(format!("the plan has no directory {directory}"))
            }
            _ => Ok(()),
        }
    }

    /// Returns when a card is due by the clock.
    pub(super) async fn next_due(&self) {
        loop {
            let woken = self.wake.notified();
            match self.due() {
                Some(due) => tokio::select! {
                    () = clock::sleep_until(self.began + due) => return,
                    () = woken => {}
                },
                None => woken.await,
            }
        }
    }

    /// Plays every card whose time has come.
    pub(super) fn play_due(&self) {
        let now = self.now();
        let due: Vec<Card> = {
            let mut inner = self.inner();
            if inner.waiting.is_empty() {
                return;
            }
            let waiting = std::mem::take(&mut inner.waiting);
            let (due, waiting) = waiting.into_iter().partition(|card| match card.when.order {
                Some(order) => {
                    let wave = card.when.wave.as_deref().map(|wave| self.name_of(wave));
                    let sent = match wave {
                        Some(name) => name.and_then(|name| inner.waves.get(name)).map_or(0, |time| time.orders),
                        None => inner.orders,
                    };
                    sent >= order
                }
                None => self.due_of(&inner, card).is_some_and(|due| due <= now),
            });
            inner.waiting = waiting;
            due
        };
        due.into_iter().for_each(|card| self.play(card));
    }

    fn play(&self, card: Card) {
        let now = self.now();
        let lasts = Duration::from_secs(u64::from(card.what.minutes()) * 60);
        let before = self.counts();
        let happened = self.happen(&card, self.began + now + lasts, lasts);
        self.note(format!("card {}: {happened}", card.id));
        let card = PlayedCard {
            id: card.id,
            at: now.as_secs_f64(),
            minutes: card.what.minutes(),
            happened,
            run_did: Vec::new(),
            question: card.question,
        };
        self.inner().played.push(Played { card, until: now + lasts.max(LOOK), before, over: false });
    }

    pub(super) fn counts(&self) -> Counts {
        self.servers.iter().fold(Counts::default(), |counts, server| counts.plus(server.counts()))
    }

    pub(super) fn is_vault_full(&self) -> bool {
        self.inner().vault_full.is_some_and(|until| until > clock::instant())
    }

    /// Who approves what is not reached now: the waves, and until when the last of them is away.
    pub(super) fn away(&self) -> Vec<(String, Instant)> {
        let now = clock::instant();
        self.inner().away.iter().filter(|(_, until)| *until > now).cloned().collect()
    }

    /// Whether a wave is among those whose approver is away.
    pub(super) fn is_away(&self, wave: &crate::plan::Wave) -> bool {
        self.away().iter().any(|(name, _)| *name == wave.name || name == wave.kind.as_str())
    }

    /// After how long another machine goes on.
    pub(super) fn back_after(&self) -> Duration {
        self.inner().back_after
    }

    /// Until when something is wrong.
    pub(super) fn trouble_until(&self) -> Option<Instant> {
        let now = clock::instant();
        let servers = self.servers.iter().filter_map(|server| server.trouble().until(now));
        let vault = self.inner().vault_full.filter(|until| *until > now);
        servers.chain(vault).max()
    }

    /// What the run did while each card lasted, as far as that is over; all of it at the end.
    pub(super) fn settle(&self, at_the_end: bool) {
        let (now, counts) = (self.now(), self.counts());
        let mut inner = self.inner();
        let Inner { played, moments, .. } = &mut *inner;
        for played in played.iter_mut().filter(|played| !played.over && (at_the_end || played.until <= now)) {
            played.over = true;
            let done = counts.since(played.before);
            let (from, until) = (played.card.at, now.min(played.until).as_secs_f64());
            let news = moments.iter().filter(|moment| (from..=until).contains(&moment.at));
            let news = news.filter(|moment| !moment.text.starts_with("card "));
            let news = news.take(6).map(|moment| format!("{} {}", super::summary::clock_words(moment.at), moment.text));
            played.card.run_did.push(format!(
                "until {}: {} orders done, {} refused, {} told to slow down, {} without an answer",
                super::summary::clock_words(until),
                done.done,
                done.refused,
                done.throttled,
                done.unanswered
            ));
            played.card.run_did.extend(news);
        }
    }

    /// Adds to what is said of the cards of a kind.
    pub(super) fn say_of(&self, card: &str, text: String) {
        let mut inner = self.inner();
        if let Some(played) = inner.played.iter_mut().find(|played| played.card.id == card) {
            played.card.run_did.push(text);
        }
    }

    pub(super) fn wave_times(&self) -> BTreeMap<String, WaveTime> {
        self.inner().waves.clone()
    }

    pub(super) fn played(&self) -> Vec<PlayedCard> {
        self.inner().played.iter().map(|played| played.card.clone()).collect()
    }

    /// Cards whose time did not come.
    pub(super) fn not_played(&self) -> Vec<String> {
        self.inner().waiting.iter().map(|card| card.id.clone()).collect()
    }

    pub(super) fn moments(&self) -> Vec<Moment> {
        self.inner().moments.clone()
    }
}

/// What the run did is looked at for so long at least after a card was played.
const LOOK: Duration = Duration::from_secs(600);

/// Why a run stopped, in words.
pub(super) fn words(reason: &StopReason) -> String {
    match reason {
        StopReason::FailureBudget { wave, failures } => {
            format!("{failures} failures in wave {wave}, more than its budget")
        }
        StopReason::ConsecutiveRefusals { wave, refusals, error } => {
            format!("{refusals} refusals one after another in wave {wave}; the last: {}", error.text)
        }
        StopReason::StopFile { path } => format!("the stop file {path} appeared"),
        StopReason::Cancelled => "asked to".to_owned(),
        StopReason::Fatal { error } => format!("it cannot go on: {}", error.text),
        StopReason::NotApproved { waves, .. } => format!("not approved: {}", waves.join(", ")),
    }
}
