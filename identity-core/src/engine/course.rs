//! The course of a run after its checks: waves in order, the lanes of a wave side by side.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future;
use tracing::Instrument;

use super::guard::Guard;
use super::lane::{self, Generators, Lane};
use super::progress::Teller;
use super::run::{LaneTime, RunEnd};
use crate::account::{AccountId, DirectoryId};
use crate::directory::Backend;
use crate::error::{Error, ErrorKind, Result};
use crate::journal::{Event, Journal, StopReason};
use crate::limits::{RetryPolicy, clock, retried_read};
use crate::plan::{Plan, Wave, WaveKind};
use crate::vault::Vault;

/// A directory that is ready.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) backend: Arc<dyn Backend>,
    pub(super) principal: Option<AccountId>,
    pub(super) generators: Generators,
    pub(super) worked: Duration,
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
}

impl Course {
    /// Wave by wave, then the last word in the journal.
    pub(super) async fn carry_out(mut self, approved: Vec<Wave>, waiting: Vec<Wave>) -> Result<RunEnd> {
        for wave in &approved {
            if self.guard.must_stop(&self.teller) {
                break;
            }
            let span = tracing::info_span!("wave", wave = %wave.name);
            if let Err(error) = self.wave(wave).instrument(span).await {
                self.guard.fatal(&error, &self.teller);
            }
        }
        if self.guard.reason().is_none() && !waiting.is_empty() {
            let waves = waiting.into_iter().map(|wave| wave.name).collect();
            self.guard.stop(StopReason::NotApproved { waves }, &self.teller);
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

    async fn wave(&mut self, wave: &Wave) -> Result<()> {
        self.guard.wave(wave);
        self.teller.wave_started(&wave.name, wave.accounts);
        self.journal.append(vec![Event::WaveStarted { wave: wave.name.clone() }]).await?;
        let lanes = self.seats.iter().map(|seat| self.lane(seat, wave));
        let ended = future::join_all(lanes).await;
        for (seat, ended) in self.seats.iter_mut().zip(ended) {
            seat.worked += ended?;
        }
        if !self.guard.must_stop(&self.teller) {
            self.journal.append(vec![Event::WaveFinished { wave: wave.name.clone() }]).await?;
            self.teller.wave_finished(&wave.name);
        }
        Ok(())
    }

    async fn lane(&self, seat: &Seat, wave: &Wave) -> Result<Duration> {
        let began = clock::instant();
        let directory = seat.backend.info().id.clone();
        let mut entries = self.plan.entries(&wave.name, &directory)?.peekable();
        if entries.peek().is_none() {
            return Ok(Duration::ZERO);
        }
        // As of this wave, not of the plan: who became privileged meanwhile is held.
        let index = retried_read(seat.backend.governor(), &self.policy, || seat.backend.privileges()).await?;
        if wave.kind != WaveKind::Privileged
            && let Some(gap) = index.incomplete().first()
        {
            // Anybody may be privileged now. To hold each account would end them all for good.
            return Err(Error::new(ErrorKind::InsufficientPrivilege, "classify privilege")
                .with_directory(directory)
                .with_detail(format!("who is privileged cannot be read in full any more: {gap}"))
                .with_advice("let the account that the run signs in with read it, then resume"));
        }
        let protected = self.protected.iter().filter(|(of, _)| *of == directory);
        let lane = Lane {
            protected: protected.map(|(_, account)| account.clone()).collect(),
            backend: Arc::clone(&seat.backend),
            limits: seat.backend.limits(),
            principal: seat.principal.clone(),
            index,
            generators: seat.generators.clone(),
            journal: Arc::clone(&self.journal),
            vault: Arc::clone(&self.vault),
            guard: Arc::clone(&self.guard),
            teller: Arc::clone(&self.teller),
            policy: self.policy.clone(),
            resumed: self.resumed,
            held: Arc::clone(&self.held),
        };
        let span = tracing::info_span!("lane", directory = %directory);
        lane::run(Arc::new(lane), entries).instrument(span).await?;
        Ok(clock::instant().duration_since(began))
    }
}
