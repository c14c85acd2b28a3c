//! Who could come back alone if their password were void, by which methods, and how strong they are:
//! counted by group, and account by account in a dated file that a plan and `desk_load` take. It only reads.
//!
//! ```text
//! cargo run --example audit_recovery                                        # embedded mock directories
//! cargo run --example audit_recovery -- --directories directories.toml --by attribute:employeeType,userType \
//!     --by group:corp/Contractors --out readiness.jsonl
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a script talks to the person who runs it")]

#[path = "mass_reset/embedded.rs"]
#[expect(dead_code, reason = "nothing is reset: nobody has to be protected")]
mod embedded;

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use comfy_table::{ContentArrangement, Table, presets};
use identity_reset::prelude::*;
use identity_reset::recovery::{GroupCounts, Grouping, Guidance, ReadinessFile, RecoveryAudit, Standing, Strength};
use jiff::Timestamp;
use serde_json::json;

use embedded::Embedded;

/// Says who could come back alone, by group, and writes the readiness file. It only reads.
///
/// Without --directories it works on an embedded mock Active Directory, the mock cloud tenant that it is
/// synchronised into and the mock Okta org of the same people. Exit codes: 0 everybody is ready ·
/// 1 some are not, or it is not known · 2 bad input, or the reading is not whole.
#[derive(Debug, Parser)]
#[command(name = "audit_recovery", version)]
struct Options {
    /// The directories, as directories.toml describes them.
    #[arg(long, value_name = "FILE")]
    directories: Option<PathBuf>,

    /// Count by this: population, directory, tier, attribute:NAME (attribute:NAME,NAME where directories
    /// name it differently) or group:DIRECTORY/GROUP; may be repeated [default: directory, population].
    #[arg(long, value_name = "GROUPING")]
    by: Vec<Grouping>,

    /// The readiness file [default: none is kept].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// The table of methods, in place of the built-in one: a TOML file that says what is different.
    #[arg(long, value_name = "FILE")]
    guidance: Option<PathBuf>,

    /// When an attacker may have come in: methods enrolled since count for nothing.
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,

    /// List every account that is not ready, with the reason.
    #[arg(long)]
    list: bool,

    /// Print one JSON object on standard output.
    #[arg(long, conflicts_with = "list")]
    json: bool,

    /// How many accounts the embedded organisation has.
    #[arg(long, value_name = "N", default_value_t = 1_000, conflicts_with = "directories")]
    accounts: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    match audit(&Options::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("audit_recovery: {error}{}", error.advice().map(|text| format!(": {text}")).unwrap_or_default());
            ExitCode::from(2)
        }
    }
}

async fn audit(options: &Options) -> Result<bool> {
    let guidance = options.guidance.as_ref().map_or_else(|| Ok(Guidance::default()), Guidance::from_file)?;
    // Held to the end: the embedded directories end with it.
    let (backends, _mocks) = connect(options).await?;
    let by = match options.by.as_slice() {
        [] => vec![Grouping::Directory, Grouping::Population],
        by => by.to_vec(),
    };
    let audit = by.into_iter().fold(RecoveryAudit::new(guidance).directories(backends), RecoveryAudit::by);
    let audit = options.since.into_iter().fold(audit, RecoveryAudit::suspect_since);
    let passing = tempfile::tempdir().map_err(|fault| input(&fault.to_string()))?;
    let file = audit.write_to(options.out.clone().unwrap_or_else(|| passing.path().join("readiness.jsonl"))).await?;
    if options.json {
        print(
            &json!({
                "readiness": options.out, "digest": file.digest(), "made_at": file.made_at(),
                "guidance": file.header().guidance.name, "directories": file.header().directories,
                "summary": file.summary(),
            })
            .to_string(),
        )?;
    } else {
        in_words(&file, options)?;
    }
    Ok(file.summary().all.ready == file.summary().accounts)
}

async fn connect(options: &Options) -> Result<(Vec<Arc<dyn Backend>>, Option<Embedded>)> {
    let Some(path) = &options.directories else {
        let connected = Embedded::start(1, options.accounts).await?;
        return Ok((connected.backends, Some(connected.embedded)));
    };
    let ask = |question: &str| match std::io::stdin().is_terminal() {
        true => rpassword::prompt_password(question).map(Into::into),
        false => Err(std::io::Error::other("there is no terminal to ask on")),
    };
    Ok((Directories::from_file(path)?.connect_asking(&ask).await?, None))
}

fn in_words(file: &ReadinessFile, options: &Options) -> Result<()> {
    if options.list {
        for row in file.rows()? {
            let row = row?;
            if row.readiness.standing != Standing::Ready {
                let because = row.readiness.because.as_deref().unwrap_or_default();
                let line = format!("{:<9} {:<10} {:<32} {because}", row.readiness.standing, row.directory, row.name);
                print(&plain(&line))?;
            }
        }
    }
    for directory in &file.header().directories {
        let id = &directory.info.id;
        if let Some(because) = &directory.silent_because {
            print(&format!("{id}: nobody is known to recover alone: {}", plain(because)))?;
        }
        for why in &directory.incomplete {
            print(&format!("{id}: tiers may be higher than told: {}", plain(why)))?;
        }
    }
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(std::env::var("COLUMNS").ok().and_then(|width| width.parse().ok()).unwrap_or(150));
    table.set_header([
        "by",
        "group",
        "accounts",
        "ready",
        "too weak",
        "not alone",
        "unknown",
        "recent",
        "old",
        "stale",
        "strongest",
        "methods",
    ]);
    for group in file.summary().groups.iter().chain([&file.summary().all]) {
        table.add_row(row(group));
    }
    print(&table.to_string())?;
    let not_asked: Vec<String> =
        file.summary().not_asked.iter().map(|(what, count)| format!("{count} {what}")).collect();
    if !not_asked.is_empty() {
        print(&format!("not asked, since nobody comes back to them by recovery: {}", not_asked.join(", ")))?;
    }
    let table = &file.header().guidance.name;
    print(&format!("judged by the table {table:?} at {:.0}", file.made_at()))?;
    options.out.as_ref().map_or(Ok(()), |out| print(&format!("readiness file: {}", out.display())))
}

fn row(group: &GroupCounts) -> Vec<String> {
    let strongest = Strength::ALL
        .iter()
        .rev()
        .filter_map(|strength| group.strongest.get(strength).map(|count| format!("{strength} {count}")));
    let methods = group.methods.iter().map(|(kind, count)| format!("{kind} {count}"));
    let counts = [
        group.accounts,
        group.ready,
        group.too_weak,
        group.not_alone,
        group.unknown,
        group.recent,
        group.old,
        group.stale,
    ];
    let mut cells = vec![plain(&group.by), plain(&group.group)];
    cells.extend(counts.iter().map(u64::to_string));
    cells.push(strongest.collect::<Vec<_>>().join(", "));
    cells.push(methods.collect::<Vec<_>>().join(", "));
    cells
}

/// Names come from the directory, where an attacker may have written them.
fn plain(text: &str) -> String {
    let turning = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if c.is_control() || turning(c) { '\u{fffd}' } else { c }).collect()
}

/// A reader that went away (`| head`) ends the list.
fn print(line: &str) -> Result<()> {
    writeln!(std::io::stdout().lock(), "{line}").map_err(|fault| input(&fault.to_string()))
}

fn input(detail: &str) -> Error {
    Error::new(ErrorKind::InputInvalid, "audit recovery").with_detail(detail)
}
