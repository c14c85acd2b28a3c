//! What the directories' own audit logs say of a run: which orders they confirm, and what others did
//! in the same minutes.
//!
//! ```text
//! cargo run --example evidence -- runs/2026-11-24                  # the directories of that run
//! cargo run --example evidence -- runs/2026-11-24 --json > evidence.jsonl
//! cargo run --example evidence -- runs/2026-11-24 --report         # and make the run's report again
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a script talks to the person who runs it")]

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use identity_reset::evidence::{AccountEvidence, Found, LogFinding, LogReading, OtherEvent};
use identity_reset::prelude::*;
use serde_json::json;

/// Matches the directories' own audit logs with the journal of a run, and shows what is not the
/// run's. It reads the directories; what it finds is recorded in the run's journal.
///
/// Exit codes: 0 the logs have everything, and nothing of others on the same accounts · 1 something
/// is to be looked at: not found, contradicted, or done by somebody else · 2 bad input, or no log
/// that could be read.
#[derive(Debug, Parser)]
#[command(name = "evidence", version)]
struct Options {
    /// The run's folder.
    #[arg(value_name = "RUN")]
    run: PathBuf,

    /// The directories, as directories.toml describes them [default: those that the run was made on].
    #[arg(long, value_name = "FILE")]
    directories: Option<PathBuf>,

    /// How many seconds late events are waited for.
    #[arg(long, value_name = "SECONDS", default_value_t = 180)]
    wait: u64,

    /// How many minutes before and after the run's orders are looked at.
    #[arg(long, value_name = "MINUTES", default_value_t = 10)]
    margin: u64,

    /// Print one JSON object a line: every account, every event of others, then every log.
    #[arg(long)]
    json: bool,

    /// Make the report in the run's folder again, with the evidence. What only the run's own process
    /// knew (requests, durations) is not in it any more.
    #[arg(long)]
    report: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    match gather(&options).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("evidence: {error}");
            ExitCode::from(2)
        }
    }
}

async fn gather(options: &Options) -> Result<ExitCode> {
    let plan = Plan::open(options.run.join("plan.jsonl"))?;
    let journal: Arc<dyn Journal> = Arc::new(SqliteJournal::open(options.run.join("journal.sqlite"))?);
    let backends = connect(options).await?;
    let evidence = Evidence::new(Arc::clone(&journal))
        .directories(backends.clone())
        .patience(Duration::from_secs(options.wait))
        .margin(Duration::from_secs(options.margin.saturating_mul(60)));
    let json = options.json;
    let logs = evidence.gather(&plan, |found| show(&found, json)).await?;
    for log in &logs {
        if json {
            let mut line = json!(log);
            if let Some(members) = line.as_object_mut() {
                members.insert("found".to_owned(), json!("log"));
            }
            print(&line.to_string())?;
        } else {
            print(&summary(log))?;
        }
    }
    if options.report {
        let report = Report::of_plan(journal, &plan).directories(backends);
        report.write(plan.rows()?, &options.run).await?;
    }
    if logs.is_empty() {
        return Err(input("no directory of this run keeps an audit log that can be read"));
    }
    let unreadable = logs.iter().any(|log| log.unreadable.is_some());
    for error in logs.iter().filter_map(|log| log.unreadable.as_ref()) {
        eprintln!(
            "evidence: {}{}",
            error.text,
            error.advice.as_ref().map(|text| format!(": {text}")).unwrap_or_default()
        );
    }
    Ok(match (unreadable, logs.iter().all(LogReading::is_clean)) {
        (true, _) => ExitCode::from(2),
        (false, true) => ExitCode::SUCCESS,
        (false, false) => ExitCode::from(1),
    })
}

/// The directories of the file, or of the file that the run was made with.
async fn connect(options: &Options) -> Result<Vec<Arc<dyn Backend>>> {
    let path = match &options.directories {
        Some(path) => path.clone(),
        None => {
            let origin = options.run.join("directories.path");
            let text = std::fs::read_to_string(&origin)
                .map_err(|_| input("the run does not say on which directories it was made: name --directories"))?;
            Path::new(text.trim_end_matches('\n')).to_owned()
        }
    };
    let ask = |question: &str| {
        if !std::io::stdin().is_terminal() {
            return Err(std::io::Error::other("there is no terminal to ask on"));
        }
        rpassword::prompt_password(question).map(Into::into)
    };
    Directories::from_file(path)?.connect_asking(&ask).await
}

/// For programs everything; for people what they have to look at.
fn show(found: &Found, json: bool) -> Result<()> {
    if json {
        return print(&serde_json::to_string(found).map_err(|fault| input(&fault.to_string()))?);
    }
    match found {
        Found::Account(account) if account.finding != LogFinding::Confirmed => print(&open(account)),
        Found::Other(other) => print(&event(other)),
        _ => Ok(()),
    }
}

fn open(account: &AccountEvidence) -> String {
    let orders = account.orders.iter().filter(|order| order.finding != LogFinding::Confirmed);
    let orders: Vec<String> = orders.map(|order| format!("{}: {}", order.action, order.because)).collect();
    format!(
        "{:<13} {:<10} {:<28} {}",
        account.finding.as_str(),
        account.directory,
        plain(&account.name),
        orders.join("; ")
    )
}

fn event(other: &OtherEvent) -> String {
    let accounts: Vec<&str> = other.event.accounts.iter().map(AccountId::as_str).collect();
    let planned = if other.entries.is_empty() { "" } else { ", an account of the plan" };
    let failed = if other.event.success { "" } else { " (failed)" };
    let from = other.event.address.as_deref().map(|address| format!(" from {address}")).unwrap_or_default();
    format!(
        "{:<13} {:<10} {} {}{failed} on {}{planned} by {}{from}",
        other.whose.as_str(),
        other.directory,
        other.event.at,
        plain(&other.event.what),
        accounts.join(", "),
        plain(&other.event.actor.to_string()),
    )
}

fn summary(log: &LogReading) -> String {
    match (log.from, log.until) {
        (Some(from), Some(until)) => format!("{log}\n  {} events between {from:.0} and {until:.0}", log.events),
        _ => format!("{log}\n  the run did nothing there"),
    }
}

/// Names come from the directory, where an attacker may have written them.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A reader that went away (`| head`) ends the list.
fn print(line: &str) -> Result<()> {
    writeln!(std::io::stdout().lock(), "{line}").map_err(|fault| input(&fault.to_string()))
}

fn input(detail: &str) -> Error {
    Error::new(ErrorKind::InputInvalid, "match the audit log").with_detail(detail)
}
