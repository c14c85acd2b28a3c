//! Lists every account that still holds a password from before a given moment.
//!
//! ```text
//! cargo run --example still_old -- --before 2026-11-20T00:00:00Z               # an embedded mock directory
//! cargo run --example still_old -- --directories directories.toml --before 2026-11-20T00:00:00Z --format csv > old.csv
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a script talks to the person who runs it")]

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use futures::TryStreamExt;
use identity_reset::directory::AccountQuery;
use identity_reset::ldap::{LdapConfig, LdapDirectory};
use identity_reset::prelude::*;
use identity_reset::verify::{OldPassword, still_old};
use jiff::Timestamp;
use testkit::mock_ad::MockAd;
use testkit::organisation::Organisation;

/// Lists every account that still holds a password from before a given moment, as it arrives.
///
/// Exit codes: 0 none does · 1 some do · 2 bad input, or the list is not whole.
#[derive(Debug, Parser)]
#[command(name = "still_old", version)]
struct Options {
    /// The directories, as directories.toml describes them; an embedded mock directory without.
    #[arg(long, value_name = "FILE")]
    directories: Option<PathBuf>,

    /// The moment, such as 2026-11-20T00:00:00Z: when the passwords may have been stolen.
    #[arg(long, value_name = "TIME")]
    before: Timestamp,

    /// How to list them. Counts by population and kind go to standard error in any case.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,

    /// Leave out what a mass run never resets: machines, trusts, managed accounts, krbtgt.
    #[arg(long)]
    resettable: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A line an account, in columns.
    Table,
    /// A line an account, for a spreadsheet.
    Csv,
    /// One JSON object a line.
    Json,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let Ok(runtime) = tokio::runtime::Builder::new_multi_thread().enable_all().build() else {
        eprintln!("still_old: the runtime could not start");
        return ExitCode::from(2);
    };
    match runtime.block_on(list(&options)) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(1),
        Err(error) => {
            eprintln!("still_old: {error}");
            eprintln!("still_old: the list is not whole");
            ExitCode::from(2)
        }
    }
}

async fn list(options: &Options) -> Result<u64> {
    let (backends, _embedded) = connect(options).await?;
    let mut counts: BTreeMap<(String, AccountKind), u64> = BTreeMap::new();
    head(options.format)?;
    for backend in &backends {
        let index = backend.privileges().await?;
        let mut old = still_old(backend.as_ref(), &AccountQuery::everyone(), &index, options.before);
        while let Some(account) = old.try_next().await? {
            if options.resettable && account.protected_because.is_some() {
                continue;
            }
            row(options.format, &account)?;
            *counts.entry((account.population.to_string(), account.kind)).or_default() += 1;
        }
    }
    for ((population, kind), count) in &counts {
        eprintln!("{count:>9}  {population}, {kind}");
    }
    let all = counts.values().sum();
    eprintln!("{all:>9}  accounts with a password from before {}", options.before);
    Ok(all)
}

async fn connect(options: &Options) -> Result<(Vec<Arc<dyn Backend>>, Option<MockAd>)> {
    if let Some(path) = &options.directories {
        let ask = |question: &str| {
            if !std::io::stdin().is_terminal() {
                return Err(std::io::Error::other("there is no terminal to ask on"));
            }
            rpassword::prompt_password(question).map(Into::into)
        };
        return Ok((Directories::from_file(path)?.connect_asking(&ask).await?, None));
    }
    let mock = MockAd::builder().organisation(Organisation::new(1, 5_000)).start().await;
    let mock = mock.map_err(|fault| input(&fault.to_string()))?;
    let id = DirectoryId::new("corp").map_err(|fault| input(&fault.to_string()))?;
    let config =
        LdapConfig::new(id, mock.url()).ca_pem(mock.ca_pem()).bind(mock.bind_dn(), mock.bind_password().into());
    Ok((vec![LdapDirectory::connect(config).await?], Some(mock)))
}

const COLUMNS: [&str; 9] =
    ["directory", "name", "kind", "population", "tier", "enabled", "last_set", "last_sign_in", "protected_because"];

fn head(format: Format) -> Result<()> {
    match format {
        Format::Table => print(&format!(
            "{:<12} {:<24} {:<16} {:<12} {:<22} {}",
            COLUMNS[0], COLUMNS[1], COLUMNS[2], COLUMNS[3], COLUMNS[6], COLUMNS[8]
        )),
        Format::Csv => print(&COLUMNS.join(",")),
        Format::Json => Ok(()),
    }
}

fn row(format: Format, account: &OldPassword) -> Result<()> {
    let time = |time: Option<Timestamp>| time.map_or_else(String::new, |time| format!("{time:.0}"));
    let because = account.protected_because.as_deref().unwrap_or_default();
    match format {
        Format::Json => {
            let line = serde_json::to_string(account).map_err(|fault| input(&fault.to_string()))?;
            print(&line)
        }
        Format::Table => {
            let last_set = account.last_set.map_or_else(|| "unknown".to_owned(), |time| format!("{time:.0}"));
            print(&format!(
                "{:<12} {:<24} {:<16} {:<12} {last_set:<22} {because}",
                account.directory.as_str(),
                account.name,
                account.kind.as_str(),
                account.population.as_str(),
            ))
        }
        Format::Csv => {
            let cells = [
                account.directory.to_string(),
                account.name.clone(),
                account.kind.to_string(),
                account.population.to_string(),
                account.tier.number().to_string(),
                account.enabled.to_string(),
                time(account.last_set),
                time(account.last_sign_in),
                because.to_owned(),
            ];
            print(&cells.map(|cell| quoted(&cell)).join(","))
        }
    }
}

/// A cell of RFC 4180 that no spreadsheet takes for a formula.
fn quoted(cell: &str) -> String {
    let harmless = if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    format!("\"{harmless}{}\"", cell.replace('"', "\"\""))
}

/// A reader that went away (`| head`) ends the list.
fn print(line: &str) -> Result<()> {
    writeln!(std::io::stdout().lock(), "{line}").map_err(|fault| input(&fault.to_string()))
}

fn input(detail: &str) -> Error {
    Error::new(ErrorKind::InputInvalid, "list old passwords").with_detail(detail)
}
