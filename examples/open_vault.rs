//! Opens the sealed passwords of a run, for whoever hands them out. Run it on their machine, where
//! the private key is, not on the machine of the run.
//!
//! ```text
//! cargo run --example open_vault -- --vault vault.jsonl --identity key.txt --account jdoe
//! cargo run --example open_vault -- --vault vault.jsonl --identity key.txt --all --out passwords.csv
//! cargo run --example open_vault -- --vault vault.jsonl --identity key.txt --all --stdout --json | …
//! ```

#![allow(clippy::print_stderr, reason = "what could not be opened is said where no password goes")]

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error as StdError;
use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use identity_reset::prelude::*;
use identity_reset::reset::SecretKind;
use identity_reset::vault::{SealedRef, Sealing, unseal};
use serde_json::json;

/// Opens sealed passwords (generated ones and a directory's temporary ones), access passes and recovery
/// links: the newest of each kind of each account that is asked for.
///
/// A password goes to the screen only for a single account; more need --out or --stdout, and all
/// of them never go to a terminal. The newest password of an account is in force if the report
/// calls the account verified. Exit codes: 0 done · 1 something was not found or could not be
/// opened · 2 bad input, nothing was opened.
#[derive(Debug, Parser)]
#[command(name = "open_vault", version)]
#[command(group = clap::ArgGroup::new("whose").required(true))]
struct Options {
    /// The vault: vault.jsonl in a run's folder.
    #[arg(long, value_name = "FILE")]
    vault: PathBuf,

    /// The age identity (AGE-SECRET-KEY-1…) that opens it, as age-keygen writes it.
    #[arg(long, value_name = "FILE")]
    identity: PathBuf,

    /// The sign-in name of an account, in either case; may be repeated.
    #[arg(long, value_name = "NAME", group = "whose")]
    account: Vec<String>,

    /// Every account. Needs --out, or --stdout that is not a terminal.
    #[arg(long, group = "whose")]
    all: bool,

    /// Accounts of this directory only.
    #[arg(long, value_name = "ID")]
    directory: Option<DirectoryId>,

    /// Write to a new file that only its owner can read.
    #[arg(long, value_name = "FILE", conflicts_with = "stdout")]
    out: Option<PathBuf>,

    /// Print on standard output although it is more than one account.
    #[arg(long)]
    stdout: bool,

    /// JSON lines in place of CSV.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    match open(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(fault) => {
            eprintln!("open_vault: {fault}");
            ExitCode::from(2)
        }
    }
}

/// Whether everything that was asked for could be opened.
fn open(options: &Options) -> Result<bool> {
    if options.all && options.out.is_none() && (!options.stdout || io::stdout().is_terminal()) {
        return Err(input("every password would be on the screen, and stay in what the terminal remembers")
            .with_advice("name a new file with --out, or pipe --stdout into the program that needs them"));
    }
    let identities = Identity::read_file(&options.identity)?;
    let newest = Newest::find(options, identities.clone())?;
    if newest.accounts() > 1 && !options.all && options.out.is_none() && !options.stdout {
        return Err(input("more than one account fits, and nobody said where their passwords go")
            .with_advice("say --stdout or --out FILE, or name one account and its --directory"));
    }
    let mut output = Output::open(options)?;
    if let Err(fault) = write(options, &newest, identities, &mut output) {
        eprintln!("open_vault: not all passwords could be written: {fault}");
        return Ok(false);
    }
    Ok(newest.whole)
}

/// Opens the vault a second time, so that no password waits in memory for those after it.
fn write(
    options: &Options,
    newest: &Newest,
    identities: Vec<Identity>,
    output: &mut Output,
) -> Result<(), Box<dyn StdError>> {
    for opened in unseal(&options.vault, identities)? {
        // What does not open was told of by the first reading.
        if let Ok((sealed, sealing)) = opened
            && newest.of.get(&key(&sealing)) == Some(&sealed)
        {
            output.password(&sealing)?;
        }
    }
    Ok(output.finish()?)
}

type Key = (DirectoryId, AccountId, SecretKind);

fn key(sealing: &Sealing) -> Key {
    (sealing.directory.clone(), sealing.account.clone(), sealing.kind)
}

/// The newest secret of each kind of each account that is asked for.
struct Newest {
    of: BTreeMap<Key, SealedRef>,
    /// Whether each one asked for is there, and every line of the vault could be opened.
    whole: bool,
}

impl Newest {
    fn accounts(&self) -> usize {
        let accounts: BTreeSet<_> = self.of.keys().map(|(directory, account, _)| (directory, account)).collect();
        accounts.len()
    }

    fn find(options: &Options, identities: Vec<Identity>) -> Result<Self> {
        let asked: Vec<String> = options.account.iter().map(|name| name.to_lowercase()).collect();
        let mut missing: Vec<&str> = asked.iter().map(String::as_str).collect();
        let mut newest = Self { of: BTreeMap::new(), whole: true };
        for opened in unseal(&options.vault, identities)? {
            let (sealed, sealing) = match opened {
                Ok(opened) => opened,
                Err(fault) => {
                    eprintln!("open_vault: {fault}");
                    newest.whole = false;
                    continue;
                }
            };
            let name = sealing.name.to_lowercase();
            let here = options.directory.as_ref().is_none_or(|id| *id == sealing.directory);
            if here && (options.all || asked.contains(&name)) {
                missing.retain(|asked| *asked != name);
                // Lines are only ever added, so what comes later is newer.
                newest.of.insert(key(&sealing), sealed);
            }
        }
        for name in missing {
            eprintln!("open_vault: the vault holds no password of {name:?} that opens with this identity");
            newest.whole = false;
        }
        Ok(newest)
    }
}

/// Where the passwords go.
enum Output {
    Csv(Box<csv::Writer<Box<dyn Write>>>),
    Json(Box<dyn Write>),
}

impl Output {
    fn open(options: &Options) -> Result<Self> {
        let to: Box<dyn Write> = match &options.out {
            Some(path) => Box::new(new_file(path).map_err(|fault| input(&format!("{}: {fault}", path.display())))?),
            None => Box::new(io::stdout().lock()),
        };
        if options.json {
            return Ok(Self::Json(to));
        }
        let mut lines = csv::Writer::from_writer(to);
        let header = lines.write_record(["directory", "id", "name", "password", "kind"]);
        header.map_err(|fault| input(&format!("the passwords cannot be written: {fault}")))?;
        Ok(Self::Csv(Box::new(lines)))
    }

    fn password(&mut self, of: &Sealing) -> io::Result<()> {
        match self {
            Self::Csv(lines) => {
                let name = harmless(&of.name);
                let row = [of.directory.as_str(), of.account.as_str(), &name, of.password.expose(), of.kind.as_str()];
                lines.write_record(row)?;
            }
            Self::Json(to) => {
                let password = of.password.expose();
                let (directory, id, name, kind) = (&of.directory, &of.account, &of.name, of.kind);
                let row = json!({"directory": directory, "id": id, "name": name, "kind": kind, "password": password});
                writeln!(to, "{row}")?;
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        match self {
            Self::Csv(lines) => lines.flush(),
            Self::Json(to) => to.flush(),
        }
    }
}

/// A name that a spreadsheet takes for text, as in `report.csv`: one that begins a formula could
/// send the password beside it away. Generated passwords begin with nothing of that kind; a directory's
/// own are written as they are, for they would not open anything if one character were added.
fn harmless(name: &str) -> String {
    let formula = name.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']);
    let text = name.chars().map(|c| if c.is_control() { ' ' } else { c });
    if formula { std::iter::once('\'').chain(text).collect() } else { text.collect() }
}

fn new_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn input(detail: &str) -> Error {
    Error::new(ErrorKind::InputInvalid, "open the vault").with_detail(detail)
}
