//! What a SOAR starts: a trigger as JSON in, one JSON object a line out.
//!
//! The trigger chooses a playbook and fills it in; a plan is made and nothing else, until its approvals
//! are there. The same trigger sent again goes on with the same incident: it plans nothing twice.
//!
//! ```text
//! echo '{"trigger": "ransomware", "incident": "INC-2041"}' |
//!   cargo run --release --example soar_action -- --playbooks examples/playbooks \
//!     --directories directories.toml --runs runs
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a script talks to what runs it")]

mod incident;
mod run;

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use identity_reset::playbook::{Shelf, Trigger};
use identity_reset::prelude::*;
use serde_json::{Value, json};

use incident::Incident;

/// Makes the plan that a trigger asks for, and carries it out once it is approved.
///
/// One JSON object a line on standard output, each with "event": accepted, plan_made, plan_found,
/// approval_needed, started, wave_started, wave_finished, waiting, stopping, log_matched, finished, failed.
/// Exit codes: 0 done and verified · 1 done with failures or unknowns · 2 bad
/// input, nothing touched · 3 stopped by a rule or by hand, resumable · 4 a plan
/// is there, and approvals are needed; nothing touched.
#[derive(Debug, Parser)]
#[command(name = "soar_action", version)]
struct Options {
    /// The trigger, as JSON; "-" for standard input.
    #[arg(long, value_name = "FILE", default_value = "-")]
    trigger: PathBuf,

    /// The folder of the playbooks.
    #[arg(long, value_name = "DIR")]
    playbooks: PathBuf,

    /// The directories, as directories.toml describes them.
    #[arg(long, value_name = "FILE")]
    directories: PathBuf,

    /// The folder in which each incident has its own.
    #[arg(long, value_name = "DIR", default_value = "runs")]
    runs: PathBuf,

    /// The approvals, one JSON object a line [default: approvals.json in the incident's folder].
    #[arg(long, value_name = "FILE")]
    approvals: Option<PathBuf>,

    /// A signed approval: the file STATEMENT.sig that ssh-keygen wrote beside the statement; may be
    /// repeated. It is kept with the incident's approvals.
    #[arg(long, value_name = "FILE.sig", requires = "allowed_signers", conflicts_with = "approvals")]
    approval: Vec<PathBuf>,

    /// Whose signatures count, as ssh-keygen(1) has it under ALLOWED SIGNERS. Without, signed approvals
    /// count for nothing.
    #[arg(long, value_name = "FILE", env = "IDENTITY_RESET_ALLOWED_SIGNERS")]
    allowed_signers: Option<PathBuf>,

    /// Who may open the sealed passwords, where the playbook names nobody; may be repeated.
    #[arg(long, value_name = "AGE1…")]
    recipient: Vec<String>,

    /// A file with the age identity that opens the vault: orders without an answer can be repeated with
    /// the same password when the incident is gone on with.
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,

    /// How long to wait for the directories' own audit logs to say what the run did, in seconds; 0 does
    /// not ask them. They are minutes late.
    #[arg(long, value_name = "SECONDS", default_value_t = 180)]
    evidence: u64,
}

/// The exit codes; the same as those of `mass_reset`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    Clean = 0,
    Blemished = 1,
    BadInput = 2,
    Stopped = 3,
    NotApproved = 4,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(fault) => {
            eprintln!("soar_action: the runtime could not start: {fault}");
            return ExitCode::from(Exit::BadInput as u8);
        }
    };
    let exit = runtime.block_on(act(&options)).unwrap_or_else(|error| {
        failed(&error);
        Exit::BadInput
    });
    ExitCode::from(exit as u8)
}

/// From the trigger to a plan, and on where it is approved.
async fn act(options: &Options) -> Result<Exit> {
    let trigger = Trigger::parse(&read(options)?)?;
    let shelf = Shelf::from_folder(&options.playbooks)?;
    let playbook = shelf.choose(&trigger)?;
    let directories = Directories::from_file(&options.directories)?;
    // What can be found wrong without the directories is found before they are asked.
    let recipients = run::recipients(&options.recipient, playbook.recipients())?;
    let identities = options.identity.as_ref().map(Identity::read_file).transpose()?;
    say(
        "accepted",
        &json!({
            "incident": trigger.incident, "trigger": trigger.trigger, "playbook": playbook.name(),
            "playbook_digest": playbook.digest(), "context": trigger.context,
        }),
    );
    let backends = directories.connect().await?;
    let incident = Incident::open(&options.runs, &trigger, playbook)?;
    let plan = incident.plan(&trigger, playbook, &directories, &backends).await?;
    let approvals = incident.approvals(
        options.approvals.as_deref(),
        &options.approval,
        options.allowed_signers.as_deref(),
        &plan,
    )?;
    if !incident::tell_what_is_needed(&plan, &approvals) {
        return Ok(Exit::NotApproved);
    }
    let evidence = Duration::from_secs(options.evidence);
    let means = run::Means { recipients, identities: identities.unwrap_or_default(), evidence };
    Ok(run::carry_out(&incident, &plan, approvals, &directories, backends, means).await)
}

fn read(options: &Options) -> Result<String> {
    let unreadable = |fault: std::io::Error| {
        Error::new(ErrorKind::InputInvalid, "read the trigger")
            .with_detail(format!("{}: {fault}", options.trigger.display()))
    };
    if options.trigger.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map_err(unreadable)?;
        return Ok(text);
    }
    std::fs::read_to_string(&options.trigger).map_err(unreadable)
}

/// One line on standard output.
fn say(event: &str, members: &Value) {
    let mut line = json!({"event": event});
    if let (Some(line), Some(members)) = (line.as_object_mut(), members.as_object()) {
        line.extend(
            members.iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.clone(), value.clone())),
        );
    }
    let mut out = std::io::stdout().lock();
    // Whoever reads may have gone; the run goes on, and its folder tells what the lines would have.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

fn failed(error: &Error) {
    say("failed", &json!({"kind": error.kind(), "error": error.to_string(), "advice": error.advice()}));
}
