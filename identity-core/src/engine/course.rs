//! The course of a run after its checks: waves in order, the lanes of a wave side by side.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::admission::{self, Admission, Waiting};
use super::front::{Front, Passed};
use super::guard::Guard;
use super::lane::{self, Generators, Lane};
use super::lead::Leading;
use super::look::{FOR_A_WAVE, Looks};
use super::pause::Pauses;
use super::progress::Teller;
use super::rest;
use super::run::{LaneTime, RunEnd};
use crate::account::{AccountId, DirectoryId};
use crate::directory::Backend;
use crate::error::Result;
use crate::journal::{Event, Journal, StopReason};
use crate::limits::{OperationClass, RetryPolicy, clock};
use crate::plan::{Entry, Plan, Wave, WaveKind};
use crate::reset::Action;
use crate::vault::Vault;

/// A directory that is ready.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) backend: Arc<dyn Backend>,
    pub(super) principal: Option<AccountId>,
    pub(super) generators: Generators,
    pub(super) worked: Duration,
    /// Cancelled when the pass behind the leading one is over in the last wave, for each class.
    pub(super) rest_over: BTreeMap<OperationClass, CancellationToken>,
    /// Who is privileged, as it was read last.
    pub(super) looks: Arc<Looks>,
}

/// A run after its checks.
#[derive(Debug)]
pub(super) struct Course {
    pub(super) plan: Plan,
    pub(super) journal: Arc<dyn Journal>,
    pub(super) vault: Arc<dyn Vault>,
    pub(super) policy: RetryPolicy,
    pub(super) guard: Arc<Guard>,
    pub(super) teller: Arc<Teller>,
    pub(super) seats: Vec<Seat>,
    pub(super) resumed: bool,
    pub(super) protected: Vec<(DirectoryId, String)>,
    pub(super) run: String,
    pub(super) held: Arc<AtomicU64>,
    pub(super) behind: Vec<Behind>,
    pub(super) pauses: Pauses,
    pub(super) admission: Admission,
}

/// A wave of which the leading passes are over, and others still under way.
#[derive(Debug)]
pub(super) struct Behind {
    /// Ends when they are over and that is recorded.
    task: JoinHandle<()>,
    /// Cancelled then.
    over: CancellationToken,
}

impl Course {
    /// Wave by wave, then the last word in the journal.
    pub(super) async fn carry_out(mut self, approved: Vec<Wave>, mut waiting: Vec<Waiting>) -> Result<RunEnd> {
        let (guard, teller) = (Arc::clone(&self.guard), Arc::clone(&self.teller));
        tokio::select! {
            biased;
            () = self.waves(&approved, &mut waiting) => {}
            () = guard.watch_stop_file(&teller) => {}
        }
        if self.guard.reason().is_none() && !waiting.is_empty() {
            self.guard.stop(admission::not_approved(waiting), &self.teller);
        }
        let stopped = self.guard.reason();
        let last = stopped.clone().map_or(Event::RunFinished, |reason| Event::Stopped { reason });
        if let Err(error) = self.journal.append(vec![last]).await {
            // A journal that failed is why the run stopped; the caller is told that once.
            if !matches!(stopped, Some(StopReason::Fatal { .. })) {
                return Err(error);
            }
        }
        Ok(RunEnd {
            run: self.run,
            stopped,
            held: self.held.load(Ordering::Relaxed),
            lanes: self
                .seats
                .iter()
                .map(|seat| LaneTime { directory: seat.backend.info().id.clone(), worked: seat.worked })
                .collect(),
        })
    }

    async fn waves(&mut self, approved: &[Wave], waiting: &mut Vec<Waiting>) {
        // When an earlier process set the last one is not asked: it may have been a moment ago.
        let mut last_password = self.resumed.then(clock::instant);
        for wave in approved {
            if self.guard.must_stop(&self.teller) {
                break;
            }
            let pause = self.pauses.before(wave);
            if !pause.is_zero() && !self.idle(wave, pause).await {
                break;
            }
            if let (true, Some(last)) = (wave.kind.is_elsewhere(), last_password)
                && !self.passwords_arrive(wave, last).await
            {
                break;
            }
            // Since the start hours may have passed.
            if let Err(over) = self.admission.admit(&self.plan, wave) {
                waiting.push(over);
                continue;
            }
            let span = tracing::info_span!(
                "wave",
                identity_reset.wave = %wave.name,
                identity_reset.wave.accounts = wave.accounts,
            );
            if let Err(error) = self.wave(wave).instrument(span).await {
                self.guard.fatal(&error, &self.teller);
            }
            if !wave.kind.is_elsewhere() {
                last_password = Some(clock::instant());
            }
            if wave.kind == WaveKind::Canary || self.pauses.follow(wave) {
                // What it is to warn of shows in every action, not only in passwords.
                self.catch_up().await;
                self.pauses.ended(wave);
            }
        }
        self.catch_up().await;
    }

    /// Waits until the last password that was set has arrived where the sessions are; false when the
    /// run stops meanwhile.
    async fn passwords_arrive(&self, wave: &Wave, last: Instant) -> bool {
        let wait = self.guard.rails().sync_wait.saturating_sub(clock::instant().duration_since(last));
        self.idle(wave, wait).await
    }

    /// Begins nothing for a while before a wave; false when the run stops meanwhile.
    async fn idle(&self, wave: &Wave, wait: Duration) -> bool {
        if !wait.is_zero() {
            self.teller.waiting(&wave.name, wait);
        }
        tokio::select! {
            biased;
            () = self.guard.stopped() => {
                // Whoever cancelled said no reason: it is recorded here, or the run would look finished.
                self.guard.must_stop(&self.teller);
                false
            }
            () = clock::sleep(wait) => true,
        }
    }

    /// One wave: the leading passes of all directories to their end. What they leave to the passes
    /// behind them goes on beside the next waves.
    async fn wave(&mut self, wave: &Wave) -> Result<()> {
        self.guard.wave(wave);
        self.teller.wave_started(&wave.name, wave.accounts);
        self.journal.append(vec![Event::WaveStarted { wave: wave.name.clone() }]).await?;
        let mut seats = std::mem::take(&mut self.seats);
        let ended = future::join_all(seats.iter_mut().map(|seat| self.lane(seat, wave))).await;
        self.seats = seats;
        let (mut rests, mut failed) = (Vec::new(), None);
        for ended in ended {
            match ended {
                Ok(rest) => rests.extend(rest),
                Err(error) => {
                    self.guard.fatal(&error, &self.teller);
                    failed = failed.or(Some(error));
                }
            }
        }
        // What other directories have begun behind is awaited all the same.
        if rests.is_empty() {
            return match failed {
                Some(error) => Err(error),
                None => finish(wave, &self.journal, &self.guard, &self.teller).await,
            };
        }
        let (journal, guard, teller) = (Arc::clone(&self.journal), Arc::clone(&self.guard), Arc::clone(&self.teller));
        let (wave, before) = (wave.clone(), self.behind.last().map(|behind| behind.over.clone()));
        let over = CancellationToken::new();
        let is_over = over.clone().drop_guard();
        let task = tokio::spawn(async move {
            for rest in rests {
                if let Err(fault) = rest.await {
                    guard.fatal(&lane::panicked(fault), &teller);
                }
            }
            if let Some(before) = before {
                before.cancelled().await;
            }
            if let Err(error) = finish(&wave, &journal, &guard, &teller).await {
                guard.fatal(&error, &teller);
            }
            drop(is_over);
        });
        self.behind.push(Behind { task, over });
        failed.map_or(Ok(()), Err)
    }

    /// Waits for the passes behind the leading ones of all waves so far.
    async fn catch_up(&mut self) {
        let began = clock::instant();
        for behind in self.behind.drain(..) {
            if let Err(fault) = behind.task.await {
                self.guard.fatal(&lane::panicked(fault), &self.teller);
            }
        }
        for seat in self.seats.iter_mut().filter(|seat| !seat.rest_over.is_empty()) {
            seat.worked += clock::instant().duration_since(began);
        }
    }

    /// One directory's leading passes through a wave, one for each class that leads; gives back those
    /// behind them, where there is something for one.
    async fn lane(&self, seat: &mut Seat, wave: &Wave) -> Result<Option<JoinHandle<()>>> {
        let began = clock::instant();
        let directory = seat.backend.info().id.clone();
        if self.plan.entries(&wave.name, &directory)?.next().is_none() {
            return Ok(None);
        }
        let leading = Leading::of(seat.backend.as_ref());
        let protected = self.protected.iter().filter(|(of, _)| *of == directory);
        let lane = Lane {
            protected: protected.map(|(_, account)| account.clone()).collect(),
            backend: Arc::clone(&seat.backend),
            limits: seat.backend.limits(),
            lead: seat.backend.class_of(Action::SetPassword { must_change: false }),
            wave: wave.clone(),
            principal: seat.principal.clone(),
            look: None,
            looks: Arc::clone(&seat.looks),
            generators: seat.generators.clone(),
            journal: Arc::clone(&self.journal),
            vault: Arc::clone(&self.vault),
            guard: Arc::clone(&self.guard),
            teller: Arc::clone(&self.teller),
            policy: self.policy.clone(),
            resumed: self.resumed,
            held: Arc::clone(&self.held),
        };
        // As of this wave, not of the plan: who became privileged meanwhile is held.
        let lane = lane.looking(FOR_A_WAVE).await?;
        let span =
            tracing::info_span!("lane", identity_reset.directory.id = %directory, identity_reset.wave = %wave.name);
        let (mut leads, mut behind) = (Vec::new(), BTreeMap::<_, Vec<_>>::new());
        for class in leading.classes() {
            let lane = Arc::new(Lane { lead: class, ..lane.clone() });
            let mut entries = self.led(&lane, &leading)?.peekable();
            if entries.peek().is_none() {
                continue;
            }
            let (front, passed) = Front::new();
            for class in lane.classes_behind() {
                let waiting = Arc::new(lane.blind());
                let entries = self.led(&waiting, &leading)?;
                behind.entry(class).or_default().push((waiting, entries, passed.clone()));
            }
            leads.push(lane::lead(lane, entries, front));
        }
        let rest = (!behind.is_empty()).then(|| follow(seat, wave, behind));
        future::join_all(leads).instrument(span).await;
        seat.worked += clock::instant().duration_since(began);
        Ok(rest)
    }

    /// The entries of a lane's directory and wave that its class leads.
    fn led(&self, lane: &Arc<Lane>, leading: &Leading) -> Result<impl Iterator<Item = Result<Entry>> + Send + use<>> {
        let entries = self.plan.entries(&lane.wave.name, &lane.backend.info().id)?;
        let (lane, leading) = (Arc::clone(lane), leading.clone());
        let is_led =
            move |entry: &Entry| leading.class_of(lane.backend.as_ref(), entry).is_none_or(|class| class == lane.lead);
        Ok(entries.filter(move |entry| entry.as_ref().map_or(true, &is_led)))
    }
}

/// A pass that has not begun: its lane, its entries, and how far the leading pass has come.
type Following<I> = (Arc<Lane>, I, watch::Receiver<Passed>);

/// Begins the passes behind the leading ones, by class. Each waits until that of its class is over in
/// the wave before: the privileged come before the workforce in every class.
fn follow<I>(seat: &mut Seat, wave: &Wave, behind: BTreeMap<OperationClass, Vec<Following<I>>>) -> JoinHandle<()>
where
    I: Iterator<Item = Result<Entry>> + Send + 'static,
{
    let span = tracing::info_span!(
        "rest",
        identity_reset.wave = %wave.name,
        identity_reset.directory.id = %seat.backend.info().id,
    );
    let passes: Vec<_> = behind
        .into_iter()
        .map(|(class, behind)| {
            let over = CancellationToken::new();
            let is_over = over.clone().drop_guard();
            let before = seat.rest_over.insert(class, over);
            async move {
                if let Some(before) = before {
                    before.cancelled().await;
                }
                let follow = |(lane, entries, passed)| rest::follow(lane, class, entries, passed);
                future::join_all(behind.into_iter().map(follow)).await;
                drop(is_over);
            }
        })
        .collect();
    tokio::spawn(async move { drop(future::join_all(passes).await) }.instrument(span))
}

/// Records that a wave came to its end, unless it was stopped before.
async fn finish(wave: &Wave, journal: &Arc<dyn Journal>, guard: &Guard, teller: &Teller) -> Result<()> {
    if !guard.must_stop(teller) {
        journal.append(vec![Event::WaveFinished { wave: wave.name.clone() }]).await?;
        teller.wave_finished(&wave.name);
    }
    Ok(())
}
