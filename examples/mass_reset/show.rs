//! What the person sees: lines and bars on standard error, the summary on standard output.

use std::io::IsTerminal;

use comfy_table::Table;
use identity_reset::engine::{Progress, Tally};
use identity_reset::journal::StopReason;
use identity_reset::prelude::*;
use identity_reset::report::Summary;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::folder::Folder;

/// One line (or block) of news.
pub(crate) fn line(text: &str) {
    // Names come from directories; none of them is to steer the terminal.
    let text: String = text.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect();
    eprintln!("{text}");
}

/// A bar per wave; plain lines when standard error is not a terminal.
#[derive(Default)]
pub(crate) struct Waves {
    bar: Option<ProgressBar>,
    accounts: u64,
    told: u64,
}

impl Waves {
    pub(crate) fn take(&mut self, progress: &Progress) {
        match progress {
            Progress::WaveStarted { wave, accounts } => {
                self.accounts = *accounts;
                self.told = 0;
                if std::io::stderr().is_terminal() {
                    let style = ProgressStyle::with_template("{prefix:16} {bar:40} {pos}/{len} {per_sec} {eta} {msg}")
                        .unwrap_or_else(|_| ProgressStyle::default_bar());
                    self.bar = Some(ProgressBar::new(*accounts).with_style(style).with_prefix(wave.clone()));
                } else {
                    line(&format!("wave {wave}: {accounts} accounts"));
                }
            }
            Progress::EntryEnded { wave, tally, .. } => {
                let ended = tally.done + tally.failed + tally.open;
                if let Some(bar) = &self.bar {
                    bar.set_position(ended);
                    bar.set_message(counts(tally));
                } else if ended >= self.told + self.accounts.div_ceil(10).max(1) {
                    self.told = ended;
                    line(&format!("wave {wave}: {ended} of {} ({})", self.accounts, counts(tally)));
                }
            }
            Progress::WaveFinished { wave, tally } => match self.bar.take() {
                Some(bar) => bar.finish_with_message(counts(tally)),
                None => line(&format!("wave {wave}: finished ({})", counts(tally))),
            },
            Progress::Waiting { wave, seconds } => {
                line(&format!(
                    "waiting {seconds} s before wave {wave}: new passwords are synchronised, or the plan asks for a pause"
                ));
            }
            _ => {}
        }
    }
}

fn counts(tally: &Tally) -> String {
    format!("{} done, {} failed, {} open", tally.done, tally.failed, tally.open)
}

/// Why a run stopped, in words.
pub(crate) fn stop_reason(reason: &StopReason) -> String {
    match reason {
        StopReason::FailureBudget { wave, failures } => {
            format!("{failures} failures in wave {wave} are more than its budget")
        }
        StopReason::ConsecutiveRefusals { wave, refusals, error } => {
            format!("{refusals} refusals one after another in wave {wave}; the last: {}", error.text)
        }
        StopReason::StopFile { path } => format!("the stop file {path} appeared"),
        StopReason::Cancelled => "asked to".to_owned(),
        StopReason::Fatal { error } => format!("it cannot go on: {}", error.text),
        StopReason::NotApproved { waves, reasons } if reasons.is_empty() => {
            format!("not approved: {}", waves.join(", "))
        }
        StopReason::NotApproved { waves, reasons } => {
            format!("not approved: {} ({})", waves.join(", "), reasons.join("; "))
        }
        _ => "a reason that this program does not know".to_owned(),
    }
}

/// The end: a table for people, or one JSON object for programs.
pub(crate) fn summary(summary: &Summary, plan: &Plan, folder: &Folder, as_json: bool) {
    if as_json {
        println!("{}", object(summary, plan, folder));
        line(&summary.to_string());
        return;
    }
    let mut table = Table::new();
    table.set_header([
        "directory",
        "kind",
        "planned",
        "verified",
        "failed",
        "unknown",
        "requests",
        "throttled",
        "seconds",
    ]);
    for directory in &summary.directories {
        table.add_row([
            directory.id.clone(),
            directory.kind.clone(),
            directory.planned.to_string(),
            directory.verified.to_string(),
            directory.failed.to_string(),
            directory.unknown.to_string(),
            directory.requests.to_string(),
            directory.throttled.to_string(),
            format!("{:.1}", directory.seconds),
        ]);
    }
    println!("{table}");
    println!("{summary}");
    for (what, path) in [
        ("plan", folder.plan()),
        ("approvals", folder.approvals()),
        ("journal", folder.journal()),
        ("sealed passwords", folder.vault()),
        ("report", folder.report()),
        ("report, to read", folder.page()),
    ] {
        println!("{what:16} {}", path.display());
    }
}

/// After a dry run: what is planned.
pub(crate) fn dry_run(plan: &Plan, folder: &Folder) {
    let counts = &plan.header().counts;
    let object = json!({
        "dry_run": true, "plan_digest": plan.digest(), "seed": plan.header().spec.seed,
        "accounts": counts, "persons": plan.header().persons.as_ref().map(|persons| persons.counts), "stopped": null, "files": folder.files(),
    });
    println!("{object}");
}

fn object(summary: &Summary, plan: &Plan, folder: &Folder) -> serde_json::Value {
    let mut object = serde_json::to_value(summary).unwrap_or_default();
    if let Some(fields) = object.as_object_mut() {
        fields.insert("seed".to_owned(), json!(plan.header().spec.seed));
        fields.insert("files".to_owned(), folder.files());
    }
    object
}
