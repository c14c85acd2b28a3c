//! The privileged accounts of all directories and those that need hands: taken, shown, compared with
//! the last time, and ticked off when people reset them. It touches no directory.
//!
//! ```text
//! cargo run --example inventory -- show                                          # of embedded mock directories
//! cargo run --example inventory -- take --directories directories.toml --owners owners.toml --out-dir inventories
//! cargo run --example inventory -- diff --out-dir inventories                    # the two newest
//! cargo run --example inventory -- checklist --plan run/plan.jsonl --journal run/journal.sqlite
//! cargo run --example inventory -- tick --plan run/plan.jsonl --journal run/journal.sqlite \
//!     --directories directories.toml --account corp/svc-backup --by "Jane Doe" --note "with BACKUP01, 03:10"
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a script talks to the person who runs it")]

mod embedded;
mod hands;
mod options;
mod show;
mod source;

use std::process::ExitCode;

use clap::Parser;
use identity_reset::inventory::Inventory;
use identity_reset::prelude::*;
use serde_json::json;

use options::{Command, Compared, Options};
use source::Source;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    /// Done; of `diff`: nothing changed.
    Done = 0,
    /// Bad input, or something failed; of `take` and `tick`: nothing is recorded.
    Failed = 1,
    /// Of `diff`: something changed, or cannot be said.
    Changed = 2,
    /// Done, and not all is known or confirmed.
    Unsure = 3,
}

fn main() -> ExitCode {
    let options = match Options::try_parse() {
        Ok(options) => options,
        Err(fault) => {
            let _ = fault.print();
            // Not clap's own code, which is that of a change here.
            return ExitCode::from(if fault.use_stderr() { Exit::Failed as u8 } else { Exit::Done as u8 });
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(fault) => {
            eprintln!("inventory: the runtime could not start: {fault}");
            return ExitCode::from(Exit::Failed as u8);
        }
    };
    match runtime.block_on(carry_out(options.command)) {
        Ok(exit) => ExitCode::from(exit as u8),
        Err(error) => {
            eprintln!("inventory: {error}");
            ExitCode::from(Exit::Failed as u8)
        }
    }
}

async fn carry_out(command: Command) -> Result<Exit> {
    match command {
        Command::Take { taken, out_dir } => {
            let source = Source::connect(&taken).await?;
            let inventory = source.inventory(&taken)?.write_into(out_dir).await?;
            println!("{}  {}", inventory.digest(), inventory.path().display());
            Ok(told(&inventory))
        }
        Command::Show { file: Some(file), json, .. } => shown(&Inventory::open(file)?, json),
        Command::Show { file: None, json, taken } => {
            let folder = tempfile::tempdir().map_err(|fault| input(&fault.to_string()))?;
            let source = Source::connect(&taken).await?;
            shown(&source.inventory(&taken)?.write_into(folder.path()).await?, json)
        }
        Command::Diff { compared, json } => diff(&compared, json),
        Command::Checklist { run, open, json } => hands::checklist(&run, open, json).await,
        Command::Tick { run, which, by, note, directories } => {
            hands::tick(&run, &which.which()?, (&by, &note), directories.as_deref()).await
        }
        Command::Undo { run, which, by, note } => hands::undo(&run, &which.which()?, (&by, &note)).await,
    }
}

fn shown(inventory: &Inventory, as_json: bool) -> Result<Exit> {
    if as_json {
        show::json(inventory)?;
    } else {
        show::table(inventory)?;
    }
    Ok(told(inventory))
}

/// Says on standard error what is not known.
fn told(inventory: &Inventory) -> Exit {
    let header = inventory.header();
    for line in header.gaps() {
        eprintln!("!!! INCOMPLETE {}", show::plain(&line));
    }
    for line in &header.warnings {
        eprintln!("warning: {}", show::plain(line));
    }
    if header.counts.unknown > 0 {
        eprintln!("!!! {} accounts of which it is not certain: take them for privileged", header.counts.unknown);
    }
    if header.is_whole() && header.counts.unknown == 0 { Exit::Done } else { Exit::Unsure }
}

fn diff(compared: &Compared, as_json: bool) -> Result<Exit> {
    let (older, newer) = compared.two()?;
    let changes = newer.changes_since(&older)?;
    let (from, to) = (older.header().taken_at, newer.header().taken_at);
    let directories = changes.directories().to_vec();
    let mut exit = if directories.is_empty() { Exit::Done } else { Exit::Changed };
    if as_json {
        let (older, newer) = (older.digest(), newer.digest());
        println!("{}", json!({ "older": older, "newer": newer, "from": from, "to": to, "directories": directories }));
    } else {
        println!("from {from} to {to}");
        directories.iter().for_each(|change| println!("{}", show::plain(&change.to_string())));
    }
    for change in changes {
        let change = change?;
        exit = Exit::Changed;
        if as_json {
            println!("{}", serde_json::to_string(&change).unwrap_or_default());
        } else {
            change.to_string().lines().for_each(|line| println!("{}", show::plain(line)));
        }
    }
    if exit == Exit::Done && !as_json {
        println!("nothing changed");
    }
    Ok(exit)
}

/// An error about what was given.
fn input(detail: &str) -> Error {
    Error::new(ErrorKind::InputInvalid, "read the command line").with_detail(detail)
}
