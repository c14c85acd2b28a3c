//! What the service desk will see of a mass reset: calls, waiting and agents needed hour by hour, and how
//! large waves a given number of agents can follow. It asks no directory: it takes a readiness file.
//!
//! ```text
//! cargo run --example audit_recovery -- --directories directories.toml --out readiness.jsonl
//! cargo run --example desk_load -- readiness.jsonl --agents 12
//! cargo run --example desk_load -- readiness.jsonl --agents 12 --wave-size 500 --pause 4
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a script talks to the person who runs it")]

use std::io::Write;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use identity_reset::prelude::*;
use identity_reset::recovery::{ReadinessFile, Standing};
use identity_reset::rehearsal::desk::{Assumptions, Desk, Hour, WaveCalls};
use serde_json::json;

/// Proposes waves that the service desk can follow, and shows each hour of them.
///
/// Exit codes: 0 every hour keeps to the target · 1 some do not, or no waves would · 2 bad input.
#[derive(Debug, Parser)]
#[command(name = "desk_load", version)]
struct Options {
    /// The readiness file that audit_recovery wrote.
    #[arg(value_name = "READINESS")]
    readiness: PathBuf,

    /// How many agents answer at once.
    #[arg(long, value_name = "N")]
    agents: u32,

    /// What is assumed, in place of the built-in numbers: a TOML file that says what is different.
    #[arg(long, value_name = "FILE")]
    assumptions: Option<PathBuf>,

    /// Show waves of so many accounts, in place of those that are proposed.
    #[arg(long, value_name = "N")]
    wave_size: Option<NonZeroU64>,

    /// So many hours from wave to wave.
    #[arg(long, value_name = "HOURS", default_value_t = 1, requires = "wave_size", value_parser = clap::value_parser!(u32).range(0..=168))]
    pause: u32,

    /// Print one JSON object on standard output.
    #[arg(long)]
    json: bool,
}

/// Hours that are shown, and the most waves that are followed: what comes after repeats.
const MOST_HOURS: usize = 72;
const MOST_WAVES: u64 = 200;

fn main() -> ExitCode {
    match load(&Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("desk_load: {error}{}", error.advice().map(|text| format!(": {text}")).unwrap_or_default());
            ExitCode::from(2)
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "counts of accounts")]
fn load(options: &Options) -> Result<bool> {
    let assumptions =
        options.assumptions.as_ref().map_or_else(|| Ok(Assumptions::default()), Assumptions::from_file)?;
    let file = ReadinessFile::open(&options.readiness)?;
    let all = &file.summary().all;
    let calls = assumptions.calls(all);
    let desk = Desk::new(assumptions.clone(), options.agents)?;
    let proposal = desk.propose(all.accounts, calls);
    let shown = match (options.wave_size, &proposal) {
        (Some(size), _) => Some((size.get().min(all.accounts.max(1)), options.pause)),
        (None, Some(proposal)) => Some((proposal.size, proposal.pause_hours)),
        (None, None) => None,
    };
    let mut hours = Vec::new();
    if let Some((size, pause)) = shown {
        let each = calls / (all.accounts.max(1)) as f64;
        let waves = all.accounts.div_ceil(size).min(MOST_WAVES);
        let wave = |number: u64| {
            let accounts = size.min(all.accounts - number * size);
            let at_hour = u32::try_from(number).unwrap_or(u32::MAX).saturating_mul(pause);
            WaveCalls { at_hour, calls: accounts as f64 * each }
        };
        hours = desk.load(&(0..waves).map(wave).collect::<Vec<_>>());
    }
    let keeps = |hour: &Hour| {
        hour.calls + hour.calls_again < 0.5
            || (hour.wait_seconds <= assumptions.target_wait.as_secs_f64() * 1.02
                && hour.hung_up_part() <= assumptions.target_hung_up * 1.02)
    };
    let kept = shown.is_some() && hours.iter().all(keeps);
    if options.json {
        let hour = |hour: &Hour| {
            json!({
                "hour": hour.hour, "calls": hour.calls, "calls_again": hour.calls_again, "answered": hour.answered,
                "hung_up": hour.hung_up, "waiting": hour.waiting, "wait_seconds": hour.wait_seconds,
                "busy": hour.busy, "agents_needed": hour.agents_needed, "keeps_to_target": keeps(hour),
            })
        };
        let proposed = proposal.map(|proposal| {
            json!({
                "size": proposal.size, "waves": proposal.waves, "pause_hours": proposal.pause_hours,
                "hours": proposal.hours, "worst_wait_seconds": proposal.worst.wait_seconds,
            })
        });
        print(
            &json!({
                "readiness": file.digest(), "made_at": file.made_at(), "accounts": all.accounts, "calls": calls,
                "agents": options.agents, "proposal": proposed, "wave_size": shown.map(|(size, _)| size),
                "pause_hours": shown.map(|(_, pause)| pause), "hours": hours.iter().map(hour).collect::<Vec<_>>(),
                "keeps_to_target": kept,
            })
            .to_string(),
        )?;
        return Ok(kept);
    }
    print(&format!("{} accounts of {:.0} make about {calls:.0} first calls:", all.accounts, file.made_at()))?;
    for standing in Standing::ALL {
        let (accounts, percent) = (all.of(standing), assumptions.calls_of(standing) * 100.0);
        print(&format!("  {accounts:>8} {standing:<9}, of whom {percent:.0} % call"))?;
    }
    let minutes = |seconds: f64| format!("{:.1} min", seconds / 60.0);
    match &proposal {
        Some(proposal) => print(&format!(
            "{} agents can follow {} waves of {} accounts, {} h from wave to wave: over in {} h; in the worst hour \
             callers wait {} on average",
            options.agents,
            proposal.waves,
            proposal.size,
            proposal.pause_hours,
            proposal.hours,
            minutes(proposal.worst.wait_seconds)
        ))?,
        None => print(&format!("{} agents cannot even follow waves of one account", options.agents))?,
    }
    if let Some((size, pause)) = shown {
        print(&format!("waves of {size}, {pause} h from wave to wave:"))?;
        print("  hour    calls    again  answered  hung up  wait       busy   agents needed")?;
        for hour in hours.iter().take(MOST_HOURS) {
            print(&format!(
                "  {:>4} {:>8.1} {:>8.1} {:>9.1} {:>8.1}  {:<9} {:>4.0} %  {:>5}{}",
                hour.hour,
                hour.calls,
                hour.calls_again,
                hour.answered,
                hour.hung_up,
                minutes(hour.wait_seconds),
                hour.busy * 100.0,
                hour.agents_needed,
                if keeps(hour) { "" } else { "   over the target" }
            ))?;
        }
    }
    print("these follow from what is assumed of people; docs/service-desk.md says what that is")?;
    Ok(kept)
}

/// A reader that went away (`| head`) ends the list.
fn print(line: &str) -> Result<()> {
    writeln!(std::io::stdout().lock(), "{line}")
        .map_err(|fault| Error::new(ErrorKind::InputInvalid, "load the service desk").with_detail(fault.to_string()))
}
