//! What the person sees: lines and bars on standard error, the summary on standard output.

use comfy_table::Table;
use identity_reset::engine::Tally;
use identity_reset::journal::StopReason;
use identity_reset::prelude::*;
use identity_reset::report::Summary;
use serde_json::json;

use crate::folder::Folder;
use crate::screen;

/// One line (or block) of news.
pub(crate) fn line(text: &str) {
    // Names come from directories; none of them is to steer the terminal.
    let text: String = text.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect();
    screen::above(|| eprintln!("{text}"));
}

pub(crate) fn counts(tally: &Tally) -> String {
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

/// The end: a table for people, or one JSON object for programs. Where events go to standard output,
/// the table goes beside them.
pub(crate) fn summary(summary: &Summary, plan: &Plan, folder: &Folder, as_json: bool, events_out: bool) {
    if as_json {
        println!("{}", object(summary, plan, folder));
        line(&summary.to_string());
        return;
    }
    let out = |text: String| if events_out { line(&text) } else { println!("{text}") };
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
    out(table.to_string());
    out(summary.to_string());
    for (what, path) in [
        ("plan", folder.plan()),
        ("approvals", folder.approvals()),
        ("journal", folder.journal()),
        ("sealed passwords", folder.vault()),
        ("report", folder.report()),
        ("report, to read", folder.page()),
    ] {
        out(format!("{what:16} {}", path.display()));
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
