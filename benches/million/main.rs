//! A million accounts through the whole journey: plan, approve, execute, verify, report.
//!
//! ```text
//! cargo bench --bench million                                  # 100,000 accounts, then 1,000,000
//! IDENTITY_RESET_MILLION=200000 cargo bench --bench million    # 20,000, then 200,000
//! cargo test --bench million                                   # 2,000, then 20,000: does it still work?
//! ```
//!
//! The directory is in memory; plan, journal and vault are the real ones, on disk, synced as in a
//! run. For each phase it prints the time and the peak of resident memory, for the size and for a
//! tenth of it, so that what grows with the accounts shows. It fails when an account is not
//! verified, and when the peak, less what the directory itself holds, is above [`BOUND_MIB`].
#![allow(clippy::print_stdout, reason = "it is a program that prints figures")]

mod journey;
mod memory;

use std::process::ExitCode;

use anyhow::Context;

use journey::{Journey, PHASES};

/// The most that a run may hold at its peak beside the directory, for any number of accounts up
/// to a million. Three times what was measured when it was set: docs/performance.md.
const BOUND_MIB: f64 = 256.0;

const DEFAULT_ACCOUNTS: u64 = 1_000_000;
const TEST_ACCOUNTS: u64 = 20_000;

fn main() -> anyhow::Result<ExitCode> {
    let accounts = accounts()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let tenth = runtime.block_on(Journey::travel(accounts / 10))?;
    show(&tenth);
    let whole = runtime.block_on(Journey::travel(accounts))?;
    show(&whole);
    Ok(judge(&tenth, &whole))
}

fn accounts() -> anyhow::Result<u64> {
    match std::env::var("IDENTITY_RESET_MILLION") {
        Ok(text) => text.replace('_', "").parse().context("IDENTITY_RESET_MILLION is not a number of accounts"),
        // Cargo says that it is a benchmark.
        Err(_) if std::env::args().any(|argument| argument == "--bench") => Ok(DEFAULT_ACCOUNTS),
        Err(_) => Ok(TEST_ACCOUNTS),
    }
}

fn show(journey: &Journey) {
    println!("accounts: {} seen, {} planned, {} verified", journey.seen, journey.planned, journey.verified);
    println!("  the directory itself holds {:.1} MiB", journey.directory_mib);
    for (phase, measured) in PHASES.iter().zip(&journey.phases) {
        let each = measured.seconds * 1e6 / journey.seen as f64;
        let peak = measured.peak_mib.map_or_else(|| "unknown".to_owned(), |peak| format!("{peak:.1} MiB"));
        println!("  {phase:<8} {:>8.2} s {each:>8.1} us an account, peak {peak}", measured.seconds);
    }
    println!(
        "  on disk: plan {:.1} MiB, journal {:.1} MiB, vault {:.1} MiB",
        journey.disk[0], journey.disk[1], journey.disk[2]
    );
}

fn judge(tenth: &Journey, whole: &Journey) -> ExitCode {
    let (Some(small), Some(large)) = (tenth.own_peak_mib(), whole.own_peak_mib()) else {
        println!("peaks: this system does not tell them; nothing was judged");
        return ExitCode::SUCCESS;
    };
    let per_account = (large - small) * 1024.0 * 1024.0 / (whole.seen - tenth.seen).max(1) as f64;
    println!(
        "peak beside the directory: {small:.1} MiB for {}, {large:.1} MiB for {}: ratio {:.2}, {per_account:.0} bytes an account",
        tenth.seen,
        whole.seen,
        large / small
    );
    if large > BOUND_MIB {
        println!("FAILED: more than {BOUND_MIB} MiB");
        return ExitCode::FAILURE;
    }
    println!("ok: at most {BOUND_MIB} MiB");
    ExitCode::SUCCESS
}
