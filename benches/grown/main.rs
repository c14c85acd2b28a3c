//! How listing, classification and planning grow on Active Directory, with a group for every five accounts.
//!
//! ```text
//! cargo bench --bench grown                               # 10,000 accounts and 2,000 groups, then ten times that
//! IDENTITY_RESET_GROWN=50000 cargo bench --bench grown    # 5,000 and 1,000, then 50,000 and 10,000
//! cargo test --bench grown                                # 100 and 20, then 1,000 and 200: does it still work?
//! ```
//!
//! Each size runs in a process of its own, with the mock of Active Directory on a thread of it, over TLS. For
//! each phase it prints the time, and the peak of resident memory above what was there before it, for both sizes and as
//! ratios: 10 is linear. It fails when somebody's tier is not the true one, when the plan does not have
//! everybody, and when the memory of a phase grows faster than the accounts.
#![allow(clippy::print_stdout, reason = "it is a program that prints figures")]

#[path = "../million/memory.rs"]
mod memory;

use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;

use anyhow::{Context, ensure};
use futures::TryStreamExt;
use identity_reset::directory::{AccountEnumerator, AccountQuery, PrivilegeClassifier};
use identity_reset::ldap::{LdapConfig, LdapDirectory};
use identity_reset::limits::clock;
use identity_reset::prelude::*;
use identity_reset::privilege::Tier;
use serde::{Deserialize, Serialize};
use testkit::mock_ad::MockAd;
use testkit::organisation::Organisation;

const DEFAULT_ACCOUNTS: u64 = 100_000;
const TEST_ACCOUNTS: u64 = 1_000;
const ACCOUNTS_OF_A_GROUP: u64 = 5;
const PHASES: [&str; 3] = ["list", "classify", "plan"];
/// Growth of memory that is noise: what the allocator keeps, in MiB.
const NOISE_MIB: f64 = 16.0;

/// Says to this program that it is the process for one size.
const ONE: &str = "IDENTITY_RESET_GROWN_ONE";

/// One size.
#[derive(Deserialize, Serialize)]
struct Measured {
    accounts: u64,
    groups: u64,
    listed: u64,
    privileged: u64,
    planned: u64,
    /// What the mock itself holds.
    mock_mib: f64,
    /// In the order of [`PHASES`]: seconds, and MiB above what was there before.
    phases: Vec<(f64, Option<f64>)>,
}

fn main() -> anyhow::Result<ExitCode> {
    if let Ok(accounts) = std::env::var(ONE) {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        println!("{}", serde_json::to_string(&runtime.block_on(measure(accounts.parse()?))?)?);
        return Ok(ExitCode::SUCCESS);
    }
    let accounts = match std::env::var("IDENTITY_RESET_GROWN") {
        Ok(text) => text.replace('_', "").parse().context("IDENTITY_RESET_GROWN is not a number of accounts")?,
        // Cargo says that it is a benchmark.
        Err(_) if std::env::args().any(|argument| argument == "--bench") => DEFAULT_ACCOUNTS,
        Err(_) => TEST_ACCOUNTS,
    };
    let tenth = elsewhere(accounts / 10)?;
    show(&tenth);
    let whole = elsewhere(accounts)?;
    show(&whole);
    Ok(judge(&tenth, &whole))
}

/// Measures in a process of its own: what the allocator keeps of one size does not hide in the other.
fn elsewhere(accounts: u64) -> anyhow::Result<Measured> {
    let mut command = Command::new(std::env::current_exe()?);
    let output = command.env(ONE, accounts.to_string()).stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "{accounts} accounts: {}", output.status);
    serde_json::from_slice(&output.stdout).context("the process for one size answers with its figures")
}

async fn measure(accounts: u64) -> anyhow::Result<Measured> {
    let before = memory::resident_mib();
    let groups = accounts / ACCOUNTS_OF_A_GROUP;
    let organisation = Organisation::new(1, accounts).with_groups(u16::try_from(groups)?);
    let mock = MockAd::builder().organisation(organisation.clone()).start().await?;
    let mock_mib = before.zip(memory::resident_mib()).map_or(0.0, |(before, now)| now - before);
    let config = LdapConfig::new(DirectoryId::new("corp")?, mock.url())
        .ca_pem(mock.ca_pem())
        .bind(mock.bind_dn(), mock.bind_password().into());
    let directory = LdapDirectory::connect(config).await?;
    let mut phases = Vec::new();

    let count = |count: u64, account: Account| async move {
        std::hint::black_box(&account);
        Ok(count + 1)
    };
    let listed = phase(&mut phases, directory.accounts(&AccountQuery::everyone()).try_fold(0, count)).await?;
    let index = phase(&mut phases, directory.privileges()).await?;
    let folder = tempfile::tempdir()?;
    let backend: Arc<dyn Backend> = Arc::clone(&directory) as Arc<dyn Backend>;
    let spec = PlanSpec::default().with_seed(1).select(Selection::everyone());
    let path = folder.path().join("plan.jsonl");
    let plan = phase(&mut phases, spec.builder().directory(backend).write_to(path)).await?;
    let counts = plan.header().counts;

    ensure!(counts.seen == listed, "{listed} listed, {} seen by the plan", counts.seen);
    ensure!(listed >= organisation.len(), "{listed} of {} were listed", organisation.len());
    let mut privileged = 0;
    for account in organisation.accounts() {
        let id = AccountId::new(account.guid.to_string())?;
        let found = index.classify(&id).tier;
        // A backend may find more: rights, delegation.
        ensure!(found <= account.truth.tier, "{}: {found:?}, truly {:?}", account.name, account.truth.tier);
        privileged += u64::from(found == Tier::Control);
    }
    mock.shutdown().await;
    let groups = u64::try_from(organisation.groups().count())?;
    Ok(Measured { accounts: organisation.len(), groups, listed, privileged, planned: counts.planned, mock_mib, phases })
}

async fn phase<T, E>(phases: &mut Vec<(f64, Option<f64>)>, work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    let before = memory::resident_mib().filter(|_| memory::forget_peak());
    let begun = clock::instant();
    let done = work.await?;
    let more = before.zip(memory::peak_mib()).map(|(before, peak)| (peak - before).max(0.0));
    phases.push((begun.elapsed().as_secs_f64(), more));
    Ok(done)
}

fn show(measured: &Measured) {
    let Measured { accounts, groups, listed, privileged, planned, mock_mib, phases } = measured;
    println!("{accounts} accounts, {groups} groups: {listed} listed, {privileged} in tier 0, {planned} planned");
    println!("  the mock itself holds {mock_mib:.1} MiB");
    for (phase, (seconds, more)) in PHASES.iter().zip(phases) {
        let each = seconds * 1e6 / *listed as f64;
        let more = more.map_or_else(|| "unknown".to_owned(), |more| format!("{more:.1} MiB"));
        println!("  {phase:<8} {seconds:>8.2} s {each:>8.1} us an account, peak {more} above what was there");
    }
}

fn judge(tenth: &Measured, whole: &Measured) -> ExitCode {
    let size = whole.listed as f64 / tenth.listed as f64;
    println!("{size:.1} times the accounts, {:.1} times the groups", whole.groups as f64 / tenth.groups as f64);
    let mut good = true;
    for (phase, (small, large)) in PHASES.iter().zip(tenth.phases.iter().zip(&whole.phases)) {
        let memory = match (small.1, large.1) {
            (Some(small), Some(large)) => {
                let linear = large <= small * size + NOISE_MIB;
                good &= linear;
                format!("{:.1} times the memory{}", large / small.max(0.1), if linear { "" } else { ": FAILED" })
            }
            _ => "memory unknown: this system does not tell it".to_owned(),
        };
        println!("  {phase:<8} {:.1} times the time, {memory}", large.0 / small.0);
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
