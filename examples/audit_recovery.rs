//! Who could come back alone if their password were void: account by account, for every directory
//! that can tell. It only reads.
//!
//! ```text
//! cargo run --example audit_recovery -- --directories directories.toml
//! cargo run --example audit_recovery -- --directories directories.toml --json > recovery.jsonl
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a script talks to the person who runs it")]

use std::collections::HashMap;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use futures::TryStreamExt;
use identity_reset::directory::AccountQuery;
use identity_reset::prelude::*;
use identity_reset::recovery::{Enrolment, RecoveryAuditor};
use serde_json::json;

/// Says of each account whether its owner could come back alone, by which methods, and why not. It
/// only reads.
///
/// Exit codes: 0 everybody is told · 1 of some it is not known, or a directory cannot tell · 2 bad
/// input, or the list is not whole.
#[derive(Debug, Parser)]
#[command(name = "audit_recovery", version)]
struct Options {
    /// The directories, as directories.toml describes them.
    #[arg(long, value_name = "FILE")]
    directories: PathBuf,

    /// Print one JSON object a line: every account, then every directory's counts.
    #[arg(long)]
    json: bool,

    /// Leave out who could come back alone.
    #[arg(long)]
    open: bool,
}

/// Accounts by what is known of them.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    ready: u64,
    not_ready: u64,
    unknown: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    match audit(&Options::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("audit_recovery: {error}");
            ExitCode::from(2)
        }
    }
}

/// Whether of everybody it is known.
async fn audit(options: &Options) -> Result<bool> {
    let ask = |question: &str| {
        if !std::io::stdin().is_terminal() {
            return Err(std::io::Error::other("there is no terminal to ask on"));
        }
        rpassword::prompt_password(question).map(Into::into)
    };
    let backends = Directories::from_file(&options.directories)?.connect_asking(&ask).await?;
    let mut complete = true;
    for backend in &backends {
        let info = backend.info();
        let Some(auditor) = backend.recovery() else {
            complete = false;
            let line = json!({ "directory": info.id, "kind": info.kind, "audited": false });
            let words = format!("{} ({}): this kind of directory does not tell who can recover", info.id, info.kind);
            print(&if options.json { line.to_string() } else { words })?;
            continue;
        };
        let counts = one(options, backend.as_ref(), auditor).await?;
        complete &= counts.unknown == 0;
        let Counts { ready, not_ready, unknown } = counts;
        let line = json!({
            "directory": info.id, "kind": info.kind, "audited": true,
            "self_service": ready, "not_alone": not_ready, "unknown": unknown,
        });
        let words = format!(
            "{} ({}): {ready} could come back alone, {not_ready} could not, of {unknown} it is not known",
            info.id, info.kind
        );
        print(&if options.json { line.to_string() } else { words })?;
    }
    Ok(complete)
}

async fn one(options: &Options, backend: &dyn Backend, auditor: &dyn RecoveryAuditor) -> Result<Counts> {
    // Enrolments name accounts by id; people do not.
    let everyone = AccountQuery::everyone();
    let names: HashMap<AccountId, String> =
        backend.accounts(&everyone).map_ok(|account| (account.id, account.name)).try_collect().await?;
    let mut counts = Counts::default();
    let mut enrolments = auditor.enrolments(&everyone);
    while let Some(enrolment) = enrolments.try_next().await? {
        let count = match enrolment.self_service {
            Some(true) => &mut counts.ready,
            Some(false) => &mut counts.not_ready,
            None => &mut counts.unknown,
        };
        *count += 1;
        if options.open && enrolment.self_service == Some(true) {
            continue;
        }
        let name = names.get(&enrolment.account).map_or(enrolment.account.as_str(), String::as_str);
        print(&if options.json { object(backend, name, &enrolment)? } else { words(backend, name, &enrolment)? })?;
    }
    Ok(counts)
}

fn object(backend: &dyn Backend, name: &str, enrolment: &Enrolment) -> Result<String> {
    let mut line = serde_json::to_value(enrolment).map_err(|fault| input(&fault.to_string()))?;
    line["directory"] = json!(backend.info().id);
    line["name"] = json!(name);
    Ok(line.to_string())
}

fn words(backend: &dyn Backend, name: &str, enrolment: &Enrolment) -> Result<String> {
    let verdict = match enrolment.self_service {
        Some(true) => "alone",
        Some(false) => "not alone",
        None => "unknown",
    };
    let methods = serde_json::to_value(&enrolment.methods).map_err(|fault| input(&fault.to_string()))?;
    let methods: Vec<&str> =
        methods.as_array().into_iter().flatten().filter_map(|method| method["kind"].as_str()).collect();
    let because = enrolment.because.as_deref().map(|text| format!("  {text}")).unwrap_or_default();
    let line = format!("{verdict:<10} {:<10} {name:<32} {}{because}", backend.info().id, methods.join(", "));
    // Names come from the directory, where an attacker may have written them.
    Ok(line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect())
}

/// A reader that went away (`| head`) ends the list.
fn print(line: &str) -> Result<()> {
    writeln!(std::io::stdout().lock(), "{line}").map_err(|fault| input(&fault.to_string()))
}

fn input(detail: &str) -> Error {
    Error::new(ErrorKind::InputInvalid, "audit recovery").with_detail(detail)
}
