//! Resets krbtgt, twice and not too soon: never part of a mass run.
//!
//! ```text
//! cargo run --example krbtgt                                    # how an embedded mock domain stands
//! cargo run --example krbtgt -- --directories directories.toml info
//! cargo run --example krbtgt -- --directories directories.toml canary f2b4c6d8-…
//! cargo run --example krbtgt -- --directories directories.toml --state krbtgt.jsonl phase-one
//! cargo run --example krbtgt -- --directories directories.toml --state krbtgt.jsonl phase-two
//! ```
//!
//! The runbook is docs/krbtgt.md.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a script talks to the person who runs it")]

use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use identity_reset::directory::Directory;
use identity_reset::ldap::krbtgt::{KrbtgtReset, KrbtgtSettings, TooEarly};
use identity_reset::ldap::{LdapConfig, LdapDirectory};
use identity_reset::prelude::*;
use testkit::mock_ad::MockAd;
use testkit::organisation::{Organisation, SPECIAL};

/// Resets krbtgt: two resets with the lifetime of all tickets between them.
///
/// Without --directories it works on an embedded mock domain, whose state ends with the process.
/// Exit codes: 0 done, and every controller has it · 1 done, but a controller is behind or cannot be
/// asked; call the same phase again · 2 bad input or refused, nothing was set · 3 an order had no
/// answer, call the same phase again · 4 not confirmed, or too early.
#[derive(Debug, Parser)]
#[command(name = "krbtgt", version)]
struct Options {
    /// The directories, as directories.toml describes them.
    #[arg(long, value_name = "FILE")]
    directories: Option<PathBuf>,

    /// Which of them; needed where it has several.
    #[arg(long, value_name = "ID", requires = "directories")]
    directory: Option<String>,

    /// The procedure's state file [default: krbtgt-DOMAIN.jsonl].
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,

    /// The longest lifetime of a ticket by the domain's Kerberos policy, in hours.
    #[arg(long, value_name = "HOURS", default_value_t = 10)]
    ticket_hours: u64,

    /// The tolerated difference of clocks, in minutes.
    #[arg(long, value_name = "MINUTES", default_value_t = 5)]
    skew_minutes: u64,

    /// How long to wait for every controller, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 900)]
    patience: u64,

    /// A controller that is not waited for, because it is retired or lost; may be repeated.
    #[arg(long, value_name = "HOST")]
    without: Vec<String>,

    /// Confirm by the domain's DNS name instead of being asked.
    #[arg(long, value_name = "DOMAIN")]
    yes_reset_krbtgt_of: Option<String>,

    /// Go ahead before the time, by the domain's DNS name: genuine tickets of the whole domain fail.
    #[arg(long, value_name = "DOMAIN")]
    early: Option<String>,

    /// Print the result as one JSON object on standard output.
    #[arg(long)]
    json: bool,

    /// What to do [default: info].
    #[command(subcommand)]
    mode: Option<Mode>,
}

#[derive(Clone, Debug, Subcommand)]
enum Mode {
    /// Read how things stand. Changes nothing.
    Info,
    /// Reset a test account, and see the change arrive on every controller.
    Canary {
        /// The test account's objectGUID; the embedded domain chooses one by itself.
        account: Option<String>,
    },
    /// The first reset.
    PhaseOne,
    /// The second reset.
    PhaseTwo,
}

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_env("IDENTITY_RESET_LOG"))
        .with_writer(std::io::stderr)
        .init();
    let options = Options::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(fault) => {
            eprintln!("krbtgt: the runtime could not start: {fault}");
            return ExitCode::from(2);
        }
    };
    ExitCode::from(runtime.block_on(carry_out(&options)).unwrap_or_else(|error| {
        eprintln!("krbtgt: {error}");
        exit_of(&error)
    }))
}

fn exit_of(error: &Error) -> u8 {
    let too_early = std::error::Error::source(error).is_some_and(|source| source.is::<TooEarly>());
    match error.status() {
        _ if too_early || error.kind() == ErrorKind::ApprovalMissing => 4,
        identity_reset::error::Status::Unknown => 3,
        _ => 2,
    }
}

async fn carry_out(options: &Options) -> Result<u8> {
    let (directory, embedded) = connect(options).await?;
    let domain = directory.info().tenant.clone();
    let folder = tempfile::tempdir().map_err(|fault| input(format!("no temporary folder can be made: {fault}")))?;
    let state = match (&options.state, &embedded) {
        (Some(path), _) => path.clone(),
        (None, Some(_)) => folder.path().join("krbtgt.jsonl"),
        (None, None) => PathBuf::from(format!("krbtgt-{domain}.jsonl")),
    };
    let mut reset = KrbtgtReset::open(directory, &state, settings(options))?;
    let exit = match options.mode.clone().unwrap_or(Mode::Info) {
        Mode::Info => {
            let info = reset.info().await?;
            show(options, &info, &info.to_string());
            if info.problems.is_empty() { 0 } else { 1 }
        }
        Mode::Canary { account } => {
            let account = match (account, &embedded) {
                (Some(account), _) => account,
                (None, Some(mock)) => ordinary_account(mock)?,
                (None, None) => return Err(input("name a test account by its objectGUID".to_owned())),
            };
            let account = AccountId::new(account).map_err(|fault| input(fault.to_string()))?;
            let end = reset.canary(&account).await?;
            let mut text =
                format!("{} was reset, {:.1} s until the last answer\n", end.account, end.took.as_secs_f64());
            end.servers.iter().for_each(|server| text.push_str(&format!("server      {server}\n")));
            show(options, &end, &text);
            u8::from(!end.converged())
        }
        mode => {
            let two = matches!(mode, Mode::PhaseTwo);
            let named = confirmed(options, embedded.is_some(), &domain, two)?;
            let end = if two { reset.phase_two(&named).await? } else { reset.phase_one(&named).await? };
            show(options, &end, &end.to_string());
            u8::from(!end.converged())
        }
    };
    eprintln!("state file  {} ({}), newest line {}", state.display(), reset.stage(), reset.head());
    Ok(exit)
}

fn settings(options: &Options) -> KrbtgtSettings {
    let mut settings = KrbtgtSettings::default()
        .max_ticket_age(Duration::from_secs(options.ticket_hours.saturating_mul(3600)))
        .max_clock_skew(Duration::from_secs(options.skew_minutes.saturating_mul(60)))
        .patience(Duration::from_secs(options.patience));
    for server in &options.without {
        settings = settings.without(server);
    }
    match &options.early {
        Some(domain) => settings.early(domain),
        None => settings,
    }
}

async fn connect(options: &Options) -> Result<(Arc<LdapDirectory>, Option<MockAd>)> {
    if let Some(path) = &options.directories {
        let directories = Directories::from_file(path)?;
        let directory = directories
            .connect_ldap(options.directory.as_deref(), &|question| {
                if !std::io::stdin().is_terminal() {
                    return Err(std::io::Error::other("there is no terminal to ask on"));
                }
                rpassword::prompt_password(question).map(Into::into)
            })
            .await?;
        return Ok((directory, None));
    }
    let mock = MockAd::builder().organisation(Organisation::new(1, 200)).start().await;
    let mock = mock.map_err(|fault| input(format!("the embedded mock domain could not start: {fault}")))?;
    let id = DirectoryId::new("corp").map_err(|fault| input(fault.to_string()))?;
    let config =
        LdapConfig::new(id, mock.url()).ca_pem(mock.ca_pem()).bind(mock.bind_dn(), mock.bind_password().into());
    Ok((LdapDirectory::connect(config).await?, Some(mock)))
}

fn ordinary_account(mock: &MockAd) -> Result<String> {
    let organisation = mock.organisation();
    let fitting = (SPECIAL..organisation.len())
        .map(|index| organisation.account(index))
        .find(|account| account.truth.kind == AccountKind::Person && account.truth.grounds.is_empty());
    fitting.map(|account| account.guid.to_string()).ok_or_else(|| input("the embedded domain has nobody".to_owned()))
}

/// The domain's name as the person repeats it.
fn confirmed(options: &Options, embedded: bool, domain: &str, two: bool) -> Result<String> {
    if let Some(named) = &options.yes_reset_krbtgt_of {
        return Ok(named.clone());
    }
    if embedded {
        eprintln!("embedded domain: not asked; on a real domain always");
        return Ok(domain.to_owned());
    }
    let missing = |detail: &str| {
        Error::new(ErrorKind::ApprovalMissing, "confirm")
            .with_detail(detail)
            .with_advice("repeat the domain's name on a terminal, or by --yes-reset-krbtgt-of; nothing was set")
    };
    if !std::io::stdin().is_terminal() {
        return Err(missing("there is no terminal to ask on"));
    }
    let which = if two { "second" } else { "first" };
    eprintln!("This is the {which} reset of krbtgt of {domain}. To go ahead, type the domain's name:");
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(|fault| missing(&fault.to_string()))?;
    if line.trim().eq_ignore_ascii_case(domain) {
        Ok(line.trim().to_owned())
    } else {
        Err(missing("another name was typed"))
    }
}

fn show(options: &Options, object: &impl serde::Serialize, text: &str) {
    if options.json {
        println!("{}", serde_json::to_value(object).unwrap_or_default());
        eprint!("{text}");
    } else {
        print!("{text}");
    }
}

fn input(detail: String) -> Error {
    Error::new(ErrorKind::InputInvalid, "read the command line").with_detail(detail)
}
