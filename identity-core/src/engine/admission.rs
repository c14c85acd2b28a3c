//! Which waves may begin: asked at the start of a run, and again before each wave.

use std::collections::BTreeSet;

use futures::StreamExt;

use crate::error::{Error, ErrorKind, Result};
use crate::journal::{Event, Journal, StopReason};
use crate::limits::clock;
use crate::plan::{Approval, ApprovalRules, Approvals, Plan, Wave};

/// The approvals of a run, and what it asks of them beyond the rules of the plan.
#[derive(Debug)]
pub(super) struct Admission {
    pub(super) approvals: Approvals,
    pub(super) rules: ApprovalRules,
}

/// A wave that may not begin.
#[derive(Debug)]
pub(super) struct Waiting {
    name: String,
    why: Error,
}

impl Admission {
    /// The waves that may begin now, and those that may not.
    pub(super) fn sort(&self, plan: &Plan) -> (Vec<Wave>, Vec<Waiting>) {
        let (mut approved, mut waiting) = (Vec::new(), Vec::new());
        for wave in plan.waves() {
            match self.admit(plan, wave) {
                Ok(_) => approved.push(wave.clone()),
                Err(refused) => waiting.push(refused),
            }
        }
        (approved, waiting)
    }

    /// The approvals that let this wave begin now.
    pub(super) fn admit(&self, plan: &Plan, wave: &Wave) -> Result<Vec<&Approval>, Waiting> {
        let admitted = self.approvals.admit(plan, &wave.name, self.rules, clock::now());
        admitted.map_err(|why| Waiting { name: wave.name.clone(), why })
    }

    /// The approvals that let these waves begin, each once, for the journal.
    pub(super) fn accepted(&self, plan: &Plan, waves: &[Wave]) -> Vec<Event> {
        let mut accepted: Vec<&Approval> = Vec::new();
        for approval in waves.iter().filter_map(|wave| self.admit(plan, wave).ok()).flatten() {
            if !accepted.contains(&approval) {
                accepted.push(approval);
            }
        }
        accepted.into_iter().map(|approval| Event::Approved { approval: approval.clone() }).collect()
    }
}

/// Without the waves that an earlier process brought to their end: nothing of them is to be begun.
pub(super) async fn unfinished(journal: &dyn Journal, waiting: Vec<Waiting>) -> Result<Vec<Waiting>> {
    if waiting.is_empty() {
        return Ok(waiting);
    }
    let mut finished = BTreeSet::new();
    let mut records = journal.records(1);
    while let Some(record) = records.next().await {
        if let Event::WaveFinished { wave } = record?.event {
            finished.insert(wave);
        }
    }
    Ok(waiting.into_iter().filter(|wave| !finished.contains(&wave.name)).collect())
}

/// Why nothing can begin: the first reason that is more than the want of any approval.
pub(super) fn nothing(plan: &Plan, waiting: Vec<Waiting>) -> Error {
    let telling = waiting.into_iter().map(|wave| wave.why).find(|why| std::error::Error::source(why).is_some());
    telling.unwrap_or_else(|| {
        Error::new(ErrorKind::ApprovalMissing, "start the run")
            .with_detail(format!("no wave of plan {} is approved", plan.digest()))
            .with_advice("review the plan, then approve its waves")
    })
}

/// Why a run ends before its end when these waves wait.
pub(super) fn not_approved(waiting: Vec<Waiting>) -> StopReason {
    let mut waves = Vec::new();
    let mut reasons: Vec<String> = Vec::new();
    for wave in waiting {
        waves.push(wave.name);
        // Of a wave that nobody approved the name says enough.
        if std::error::Error::source(&wave.why).is_some() && !reasons.iter().any(|known| known == wave.why.detail()) {
            reasons.push(wave.why.detail().to_owned());
        }
    }
    StopReason::NotApproved { waves, reasons }
}
