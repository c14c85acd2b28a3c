//! Tells people: checks and previews the messages of a folder, and sends them to everybody in a plan.
//!
//! ```text
//! cargo run --example messages -- check examples/messages
//! cargo run --example messages -- preview examples/messages --plan run/plan.jsonl --occasion instruction \
//!   --fact incident=INC-2041 --fact by_when="Friday, 17:00" --channel letter
//! cargo run --example messages -- send … --dry-run
//! cargo run --example messages -- send …
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a script talks to the person who runs it")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use identity_reset::account::DirectoryId;
use identity_reset::error::{Error, ErrorKind, Result};
use identity_reset::message::{Mailing, Occasion, Roster, Templates};
use identity_reset::plan::PlannedMessages;
use identity_reset::prelude::{Directories, Plan, SqliteJournal};
use tokio_util::sync::CancellationToken;

/// Tells people what happens to their accounts, why, what to do, by when, and whom to ask.
///
/// Exit codes: 0 done, everybody is told · 1 some are not told, or nobody knows whether they are ·
/// 2 bad input, nothing sent · 3 stopped; the same call goes on.
#[derive(Debug, Parser)]
#[command(name = "messages", version)]
struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Tells everything that is wrong with folders of messages, with file and line.
    Check {
        /// The folders.
        #[arg(required = true, value_name = "DIR")]
        folders: Vec<PathBuf>,
    },
    /// Shows what the first persons are told.
    Preview {
        #[command(flatten)]
        mailing: Wanted,
        /// How many persons.
        #[arg(long, value_name = "N", default_value_t = 3)]
        most: u32,
    },
    /// Tells everybody who is not told yet. The same call goes on after an interruption.
    Send {
        #[command(flatten)]
        mailing: Wanted,
        /// Make every message and send none.
        #[arg(long)]
        dry_run: bool,
        /// Send again what may have been sent and no answer told of. Look into the mail server's log first.
        #[arg(long, value_name = "YOUR NAME")]
        resend_unknown: Option<String>,
    },
}

#[derive(Args, Debug)]
struct Wanted {
    /// The folder of the messages.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The plan whose people are told. Beside it are written: the journal of messages, files for printing,
    /// and who is not told.
    #[arg(long, value_name = "FILE")]
    plan: PathBuf,
    /// announcement, instruction, reminder or exception.
    #[arg(long)]
    occasion: Occasion,
    /// Which time it is: each round tells everybody once.
    #[arg(long, value_name = "N", default_value_t = 1)]
    round: u32,
    /// Only people of this wave; may be repeated.
    #[arg(long, value_name = "WAVE")]
    wave: Vec<String>,
    /// A fact of the day, in all languages or in one: by_when=…, de.by_when=…; may be repeated.
    #[arg(long, value_name = "NAME=VALUE")]
    fact: Vec<String>,
    /// Use this channel; may be repeated, tried in this order [default: all of the folder].
    #[arg(long, value_name = "NAME")]
    channel: Vec<String>,
    /// A directory that the incident has compromised, besides those that the plan names; may be repeated.
    #[arg(long, value_name = "ID")]
    compromised: Vec<String>,
    /// Where people are reached: a CSV file; docs/messages.md has its columns.
    #[arg(long, value_name = "FILE.csv")]
    contacts: Option<PathBuf>,
    /// Read names, addresses and languages from these directories too.
    #[arg(long, value_name = "FILE")]
    directories: Option<PathBuf>,
}

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(fault) => {
            eprintln!("messages: the runtime could not start: {fault}");
            return ExitCode::from(2);
        }
    };
    let done = match Options::parse().command {
        Command::Check { folders } => folders.iter().try_fold(0, |worst, folder| Ok(worst.max(check(folder)?))),
        Command::Preview { mailing, most } => runtime.block_on(preview(&mailing, most)),
        Command::Send { mailing, dry_run, resend_unknown } => {
            runtime.block_on(send(&mailing, dry_run, resend_unknown.as_deref()))
        }
    };
    ExitCode::from(done.unwrap_or_else(|error: Error| {
        eprintln!("messages: {error}");
        2
    }))
}

fn check(folder: &Path) -> Result<u8> {
    let faults = Templates::check(folder)?;
    for fault in &faults {
        println!("{fault}");
    }
    if !faults.is_empty() {
        return Ok(1);
    }
    let templates = Templates::open(folder)?;
    let occasions: Vec<&str> = templates.occasions().into_iter().map(Occasion::as_str).collect();
    let channels: Vec<&str> = templates.channels().collect();
    println!(
        "{}: ok; {}; in {}; by {}",
        folder.display(),
        occasions.join(", "),
        templates.languages().join(", "),
        channels.join(", ")
    );
    for (name, what) in templates.missing_facts() {
        println!("    to be said on the day: --fact {name}=…: {what}");
    }
    Ok(0)
}

async fn prepare(wanted: &Wanted) -> Result<(Plan, Roster, Mailing)> {
    let mut templates = Templates::open(&wanted.folder)?;
    for fact in &wanted.fact {
        let (name, value) = fact.split_once('=').unwrap_or((fact, ""));
        templates = templates.with_fact(name, value)?;
    }
    let plan = Plan::open(&wanted.plan)?;
    let mut compromised = wanted.compromised.clone();
    match &plan.header().spec.messages {
        Some(PlannedMessages::From { compromised: planned, .. }) => compromised.extend(planned.iter().cloned()),
        Some(waived @ PlannedMessages::Waived { .. }) => eprintln!("mind: the plan says: {waived}"),
        _ => {}
    }
    let compromised = compromised.iter().map(|id| {
        DirectoryId::new(id)
            .map_err(|fault| Error::new(ErrorKind::InputInvalid, "prepare the messages").with_detail(fault.to_string()))
    });
    let compromised = compromised.collect::<Result<Vec<_>>>()?;
    let all: Vec<String> = templates.channels().map(str::to_owned).collect();
    let used = if wanted.channel.is_empty() { &all } else { &wanted.channel };
    let mailing = Mailing::new(templates, wanted.occasion)
        .round(wanted.round)
        .compromised(compromised)
        .channels(used.iter().map(String::as_str), plan.folder())?;
    let mut gathering = Roster::of(&plan, wanted.occasion).waves(wanted.wave.iter().cloned());
    if let Some(contacts) = &wanted.contacts {
        gathering = gathering.contacts(contacts);
    }
    if let Some(directories) = &wanted.directories {
        gathering = gathering.directories(Directories::from_file(directories)?.connect().await?);
    }
    let roster = gathering.build().await?;
    Ok((plan, roster, mailing))
}

async fn preview(wanted: &Wanted, most: u32) -> Result<u8> {
    let (_, roster, mailing) = prepare(wanted).await?;
    for (to, channel, message) in mailing.preview(&roster, most)? {
        println!("--- {} by {channel}, {} in {}", to.person, message.template, message.language);
        println!("Subject: {}\n\n{}", message.subject, message.text);
    }
    Ok(0)
}

async fn send(wanted: &Wanted, dry_run: bool, resend_unknown: Option<&str>) -> Result<u8> {
    let (plan, roster, mailing) = prepare(wanted).await?;
    let beside = |name: &str| plan.folder().join(name);
    let untold = beside(&format!("{}-untold.csv", mailing.name()));
    if dry_run {
        let end = mailing.check(&roster)?;
        println!("dry run: {} persons, {} of them with no channel; nothing was sent", end.persons, end.untold);
        mailing.write_untold(&roster, &untold)?;
        println!("as it stands before sending: {}", untold.display());
        return Ok(0);
    }
    // That of the run is held by the run, and people are told while it goes on.
    let journal = SqliteJournal::open_or_create(beside("messages.sqlite"))?;
    if let Some(by) = resend_unknown {
        println!("{} messages may be sent again", mailing.release(&roster, &journal, by).await?);
    }
    let stop = CancellationToken::new();
    let pressed = stop.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            eprintln!("stopping: what is in flight is finished and recorded");
            pressed.cancel();
        }
    });
    let sent = mailing.send(&roster, &journal, &stop).await;
    mailing.write_untold(&roster, &untold)?;
    let end = match sent {
        Ok(end) => end,
        Err(error) => {
            eprintln!("messages: {error}");
            return Ok(3);
        }
    };
    println!("{}: {end}", mailing.name());
    if end.told < end.persons {
        println!("who is not told, and why: {}", untold.display());
    }
    Ok(if stop.is_cancelled() { 3 } else { u8::from(end.told < end.persons) })
}
