//! Rehearses a playbook on the shape of the real directories: the engine of real runs, in virtual time.
//!
//! ```text
//! cargo run --example rehearse -- shape --directories directories.toml --playbook PLAYBOOK --out shape.jsonl
//! cargo run --release --example rehearse -- --shape shape.jsonl --playbook PLAYBOOK --cards built-in --out rehearsal
//! cargo run --release --example rehearse -- sample --accounts 50000 --out shape.jsonl     # nobody's directories
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a script talks to the person who runs it")]

mod sample;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use identity_reset::directory::DirectoryInfo;
use identity_reset::error::Result;
use identity_reset::playbook::{Arguments, Playbook};
use identity_reset::prelude::*;
use identity_reset::rehearsal::{Deck, Rehearsal, RehearsalSummary, Shape, ShapeKey, ShapeTaker, in_virtual_time};

/// The cards that come with it.
const BUILT_IN: &str = include_str!("../rehearsal/evening.toml");

/// Rehearses a playbook in virtual time; nothing real is touched.
///
/// Exit codes: 0 the run comes to its end and everything is verified · 1 it does, with failures · 2 bad input ·
/// 3 it would stop, and nothing in the rehearsal mends that.
#[derive(Debug, Parser)]
#[command(name = "rehearse", version, args_conflicts_with_subcommands = true)]
struct Options {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    play: Play,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Takes the shape of real directories: reads only; the file holds no name, no address and no secret.
    Shape(Take),
    /// Writes a shape of a made-up organisation in three directories, with published quotas.
    Sample {
        /// How many accounts, over all three.
        #[arg(long, value_name = "N", default_value_t = 5_000)]
        accounts: u32,
        /// The file.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

#[derive(Debug, Args)]
struct Take {
    /// The file that describes the directories.
    #[arg(long, value_name = "FILE")]
    directories: PathBuf,
    /// The file to write.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Marks who is in the groups, units and queries that this playbook names; may be repeated.
    #[arg(long, value_name = "FILE")]
    playbook: Vec<PathBuf>,
    /// What a parameter of the playbooks stands for; may be repeated.
    #[arg(long, value_name = "NAME=VALUE")]
    parameter: Vec<String>,
    /// Keeps the key of the pseudonyms in this file, so that shapes compare. Without, nobody has it afterwards.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Keeps the values of this attribute as they are; may be repeated.
    #[arg(long, value_name = "NAME")]
    keep_attribute: Vec<String>,
    /// Times twenty look-ups in each directory.
    #[arg(long)]
    measure: bool,
}

#[derive(Debug, Args)]
struct Play {
    /// The shape.
    #[arg(long, value_name = "FILE")]
    shape: Option<PathBuf>,
    /// Does what this playbook says; without, everybody gets a new password in waves as by default.
    #[arg(long, value_name = "FILE")]
    playbook: Option<PathBuf>,
    /// What a parameter of the playbook stands for; may be repeated.
    #[arg(long, value_name = "NAME=VALUE")]
    parameter: Vec<String>,
    /// Plays the trouble cards of this file, or those that are `built-in`.
    #[arg(long, value_name = "FILE")]
    cards: Option<PathBuf>,
    /// What the directories' answers are drawn from.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// The folder for plan, journal and report [default: one that is deleted at the end].
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Print what the rehearsal showed as one JSON object.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let done = match options.command {
        Some(Command::Shape(take)) => shape(&take),
        Some(Command::Sample { accounts, out }) => sample::write(accounts, &out).map(|()| {
            eprintln!("{accounts} made-up accounts are in {}", out.display());
            ExitCode::SUCCESS
        }),
        None => play(&options.play),
    };
    done.unwrap_or_else(|error| {
        eprintln!("rehearse: {error}");
        ExitCode::from(2)
    })
}

fn shape(take: &Take) -> Result<ExitCode> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|fault| input(fault.to_string()))?;
    let key = take.key_file.as_ref().map_or_else(|| Ok(ShapeKey::random()), ShapeKey::of_file)?;
    let directories = Directories::from_file(&take.directories)?;
    let taken = runtime.block_on(async {
        let backends = directories.connect().await?;
        let infos: Vec<DirectoryInfo> = backends.iter().map(|backend| backend.info().clone()).collect();
        let mut taker = ShapeTaker::new(key).directories(backends);
        for (directory, account) in directories.protected() {
            taker = taker.protect(directory, account);
        }
        for path in &take.playbook {
            taker = taker.for_spec(&Playbook::from_file(path)?.order(&arguments(&take.parameter)?, &infos)?);
        }
        taker = take.keep_attribute.iter().fold(taker, |taker, name| taker.keep_attribute(name));
        if take.measure {
            taker = taker.measure_latency();
        }
        taker.write_to(&take.out).await
    })?;
    eprintln!(
        "{}: {} accounts of {} directories, {} privileged, {} protected",
        take.out.display(),
        taken.accounts,
        taken.directories,
        taken.privileged,
        taken.protected
    );
    Ok(ExitCode::SUCCESS)
}

fn play(options: &Play) -> Result<ExitCode> {
    let path = options.shape.as_ref().ok_or_else(|| {
        input("no shape is given".to_owned())
            .with_advice("take one of your directories with `rehearse shape`, or make one up with `rehearse sample`")
    })?;
    let shape = Shape::open(path)?;
    let spec = match &options.playbook {
        Some(playbook) => {
            let infos: Vec<DirectoryInfo> = shape
                .directories()
                .map(|directory| DirectoryInfo::new(directory.id.clone(), &directory.kind, &directory.tenant))
                .collect();
            Playbook::from_file(playbook)?.order(&arguments(&options.parameter)?, &infos)?
        }
        None => PlanSpec::default().select(Selection::everyone()),
    };
    let mut rehearsal = Rehearsal::new(shape, spec).seed(options.seed);
    if let Some(cards) = &options.cards {
        let built_in = cards.as_os_str() == "built-in";
        rehearsal = rehearsal.cards(if built_in { Deck::parse(BUILT_IN)? } else { Deck::from_file(cards)? });
    }
    let temporary = match &options.out {
        Some(_) => None,
        None => Some(tempfile::tempdir().map_err(|fault| input(fault.to_string()))?),
    };
    let folder =
        options.out.clone().or_else(|| temporary.as_ref().map(|folder| folder.path().to_owned())).unwrap_or_default();
    std::fs::create_dir_all(&folder).map_err(|fault| input(format!("{}: {fault}", folder.display())))?;
    let played = folder.clone();
    let summary = in_virtual_time(move || async move { rehearsal.play(&played).await })??;
    show(&summary, &folder, options.json, temporary.is_none());
    Ok(exit(&summary))
}

fn show(summary: &RehearsalSummary, folder: &Path, as_json: bool, kept: bool) {
    if as_json {
        println!("{}", serde_json::to_string(summary).unwrap_or_default());
    } else {
        println!("{summary}");
    }
    if kept {
        eprintln!("plan, journal and report of the rehearsal: {}", folder.display());
    }
}

fn exit(summary: &RehearsalSummary) -> ExitCode {
    let accounts = &summary.report.accounts;
    match &summary.ends_at {
        Some(_) => ExitCode::from(3),
        None if accounts.failed + accounts.unknown > 0 => ExitCode::from(1),
        None => ExitCode::SUCCESS,
    }
}

fn arguments(parameters: &[String]) -> Result<Arguments> {
    parameters.iter().try_fold(Arguments::default(), |arguments, parameter| match parameter.split_once('=') {
        Some((name, value)) => Ok(arguments.with(name, value)),
        None => Err(input(format!("--parameter {parameter:?} is not NAME=VALUE"))),
    })
}

fn input(detail: String) -> Error {
    Error::new(ErrorKind::InputInvalid, "read the command line").with_detail(detail)
}
