//! Carries an approved plan out, verifies and reports.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use identity_reset::evidence::Evidence;
use identity_reset::prelude::*;
use serde_json::json;

use crate::incident::{Incident, input};
use crate::{Exit, failed, say};

/// Who may open the passwords: as the command line says, or else the playbook.
pub(crate) fn recipients(given: &[String], of_playbook: &[String]) -> Result<Vec<Recipient>> {
    let lines = if given.is_empty() { of_playbook } else { given };
    if lines.is_empty() {
        return Err(input("nobody is named who may open the generated passwords".to_owned()).with_advice(
            "make a key with age-keygen; name its public half with --recipient, or in the playbook's [vault]",
        ));
    }
    lines.iter().map(|line| Recipient::parse(line)).collect()
}

/// What a run needs beside its plan.
pub(crate) struct Means {
    /// Who may open the passwords.
    pub(crate) recipients: Vec<Recipient>,
    /// What opens them here.
    pub(crate) identities: Vec<Identity>,
    /// How long the directories' audit logs are waited for.
    pub(crate) evidence: Duration,
}

/// The run to its end.
pub(crate) async fn carry_out(
    incident: &Incident,
    plan: &Plan,
    approvals: Approvals,
    directories: &Directories,
    backends: Vec<Arc<dyn Backend>>,
    means: Means,
) -> Exit {
    let evidence = means.evidence;
    let begun = begin(incident, plan, approvals, directories, &backends, means).await;
    let (running, journal) = match begun {
        Ok(begun) => begun,
        Err(error) => {
            failed(&error);
            return Exit::BadInput;
        }
    };
    match finish(incident, plan, backends, running, journal, evidence).await {
        Ok(exit) => exit,
        Err(error) => {
            failed(&error);
            Exit::Stopped
        }
    }
}

/// Everything up to the first touch.
async fn begin(
    incident: &Incident,
    plan: &Plan,
    approvals: Approvals,
    directories: &Directories,
    backends: &[Arc<dyn Backend>],
    means: Means,
) -> Result<(Running, Arc<dyn Journal>)> {
    let path = |name: &str| incident.path().join(name);
    let (vault, ledger) = (path("vault.jsonl"), path("journal.sqlite"));
    let sealed = std::fs::metadata(&vault).is_ok_and(|vault| vault.len() > 0);
    let vault = SealedFile::open_or_create(vault, means.recipients)?;
    let vault = if means.identities.is_empty() { vault } else { vault.with_identities(means.identities) };
    let empty = std::fs::metadata(&ledger).map_or(true, |journal| journal.len() == 0);
    if empty && !sealed {
        // Left by a process that was killed while it made the file; nothing was sent before that.
        let _ = std::fs::remove_file(&ledger);
    }
    let journal = if empty && !sealed { SqliteJournal::create(ledger)? } else { SqliteJournal::open(ledger)? };
    let journal: Arc<dyn Journal> = Arc::new(journal);
    let mut guardrails = Guardrails::of_plan(plan);
    guardrails.stop_file = Some(path("STOP"));
    let running = Run::new(plan.clone(), Arc::clone(&journal), Arc::new(vault))
        .directories(backends.iter().cloned())
        .approvals(approvals)
        .guardrails(guardrails)
        // Whoever was put on the list since the plan was made is spared too.
        .protect(directories.protected())
        .start()
        .await?;
    say("started", &json!({"plan_digest": plan.digest(), "stop_file": path("STOP")}));
    Ok((running, journal))
}

/// From the first touch to the report.
async fn finish(
    incident: &Incident,
    plan: &Plan,
    backends: Vec<Arc<dyn Backend>>,
    mut running: Running,
    journal: Arc<dyn Journal>,
    evidence: Duration,
) -> Result<Exit> {
    let stop = running.cancellation();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            stop.cancel();
        }
    });
    while let Some(progress) = running.next().await {
        match progress {
            Progress::WaveStarted { wave, accounts } => {
                say("wave_started", &json!({"wave": wave, "accounts": accounts}));
            }
            Progress::WaveFinished { wave, tally } => say(
                "wave_finished",
                &json!({"wave": wave, "done": tally.done, "failed": tally.failed, "open": tally.open}),
            ),
            Progress::Waiting { wave, seconds } => say("waiting", &json!({"before": wave, "seconds": seconds})),
            Progress::Stopping { reason } => say("stopping", &json!({"reason": reason})),
            _ => {}
        }
    }
    let end = running.finish().await?;
    Verifier::new(Arc::clone(&journal)).directories(backends.iter().cloned()).verify(plan).await?;
    match_logs(&backends, &journal, plan, evidence).await?;
    let report = Report::of_plan(Arc::clone(&journal), plan).directories(backends).worked(end.worked());
    let summary = report.write(plan.rows()?, incident.path()).await?;
    let exit = if end.stopped.is_some() || end.held > 0 {
        Exit::Stopped
    } else if summary.accounts.failed > 0 || summary.accounts.unknown > 0 {
        Exit::Blemished
    } else {
        Exit::Clean
    };
    say(
        "finished",
        &json!({
            "exit": exit as u8, "run": summary.run, "plan_digest": summary.plan_digest, "accounts": summary.accounts,
            "left": summary.left, "stopped": summary.stopped, "report": incident.path().join("report.json"),
        }),
    );
    Ok(exit)
}

/// What the directories' own audit logs say of it. What they cannot tell leaves nothing undone.
async fn match_logs(
    backends: &[Arc<dyn Backend>],
    journal: &Arc<dyn Journal>,
    plan: &Plan,
    patience: Duration,
) -> Result<()> {
    if patience.is_zero() || backends.iter().all(|backend| backend.audit_log().is_none()) {
        return Ok(());
    }
    let evidence = Evidence::new(Arc::clone(journal)).directories(backends.iter().cloned()).patience(patience);
    match evidence.gather(plan, |_| Ok(())).await {
        Ok(logs) => {
            logs.iter().for_each(|log| say("log_matched", &json!({"log": log.to_string()})));
            Ok(())
        }
        Err(error) if error.kind() != ErrorKind::Journal => {
            failed(&error);
            Ok(())
        }
        Err(error) => Err(error),
    }
}
