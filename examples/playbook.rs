//! Checks playbooks: every fault of every file, with its line and key.
//!
//! ```text
//! cargo run --example playbook -- check examples/playbooks/*.toml
//! cargo run --example playbook -- triggers
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a script talks to the person who runs it")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use identity_reset::error::Result;
use identity_reset::playbook::{Playbook, TRIGGERS};

/// Checks playbooks, and tells the words for triggers.
///
/// Exit codes: 0 every file can be used · 1 some cannot · 2 a file cannot be read.
#[derive(Debug, Parser)]
#[command(name = "playbook", version)]
struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Tells everything that is wrong with files; of those that can be used, what they are for.
    Check {
        /// The files.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Lists the words for what usually asks for a mass reset. A playbook may name others.
    Triggers,
}

fn main() -> ExitCode {
    match Options::parse().command {
        Command::Triggers => {
            for (word, meaning) in TRIGGERS {
                println!("{word:<36} {meaning}");
            }
            ExitCode::SUCCESS
        }
        Command::Check { files } => {
            let worst = files.iter().map(|file| match check(file) {
                Ok(0) => 0,
                Ok(_) => 1,
                Err(error) => {
                    eprintln!("playbook: {error}");
                    2
                }
            });
            ExitCode::from(worst.max().unwrap_or_default())
        }
    }
}

/// Says what is wrong with a file, and how much.
fn check(file: &Path) -> Result<usize> {
    let faults = Playbook::check(file)?;
    for fault in &faults {
        println!("{}: {fault}", file.display());
    }
    if faults.is_empty() {
        describe(&Playbook::from_file(file)?);
    }
    Ok(faults.len())
}

fn describe(playbook: &Playbook) {
    println!("{}: ok, {} {}", playbook.path().display(), playbook.name(), playbook.digest());
    if let Some(about) = playbook.about() {
        println!("    {about}");
    }
    println!("    for {}", playbook.triggers().join(", "));
    for (name, parameter) in playbook.parameters() {
        let need = if parameter.is_required() { "required" } else { "optional" };
        println!("    {name}: {}, {need}. {}", parameter.kind, parameter.about.as_deref().unwrap_or_default());
    }
    if playbook.recipients().is_empty() {
        println!("    nobody is named who opens the passwords: the run has to say it");
    }
    for contact in playbook.contacts() {
        println!("    call, {contact}");
    }
}
