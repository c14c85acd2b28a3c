//! Password resets: the whole engine with journal and vault, against a bare loop that only sends
//! them.
//!
//! - `throughput/tls/0ms`, `throughput/tls/5ms`: a run on the mock Active Directory over TLS. The
//!   bare loop sends the same changes with the same number in flight; it reads nothing back before,
//!   makes and seals no password, and records nothing.
//! - `throughput/tls/backend`: the same without the engine: orders given to the backend.
//! - `throughput/graph/0ms`, `throughput/graph/50ms`: a run on the mock of Microsoft Graph, quotas
//!   off. The bare loop sends the same changes in batches of 20, as many in flight; it reads nothing
//!   before, as above. What ours adds in requests is printed beside.
//! - `throughput/okta/0ms`, `throughput/okta/50ms`: a run on the mock of Okta, quotas off, with
//!   temporary passwords. The bare loop sends the same requests, as many in flight, and reads
//!   nothing before.
//! - `throughput/graph/0ms/bare-with-looks` and so on: a bare loop that reads each account before it
//!   changes it, against the one that only changes. That is what no run can be faster than.
//! - `throughput/memory`: a run on a directory in memory, against giving it the orders directly:
//!   what the engine adds.
//!
//! `IDENTITY_RESET_ACCOUNTS` sets how many accounts Graph and Okta have, `IDENTITY_RESET_ROUNDS` how
//! many rounds there are (without it criterion decides, ten and more).
#![allow(clippy::print_stdout, reason = "it prints figures")]

mod bare_graph;
mod bare_ldap;
mod bare_okta;
mod side_by_side;

use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use criterion::Criterion;
use futures::stream::{self, StreamExt};
use identity_reset::account::AccountId;
use identity_reset::directory::Backend;
use identity_reset::limits::clock;
use identity_reset::plan::{Disposition, PlanRow};
use identity_reset::prelude::*;
use identity_reset::reset::{Order, Outcome, Secret};
use testkit::memory::MemoryDirectory;
use testkit::mock_ad::MockAd;
use testkit::mock_graph::MockGraph;
use testkit::mock_okta::MockOkta;
use testkit::organisation::Organisation;
use tokio::runtime::Runtime;

use bare_ldap::{Bare, IN_FLIGHT};
use side_by_side::{accounts, compare, in_turns, size, timed, wanted};

const SET: Action = Action::SetPassword { must_change: true };

fn main() -> anyhow::Result<()> {
    let runtime = Runtime::new()?;
    let mut criterion = Criterion::default().configure_from_args();
    on_the_mock(&mut criterion, &runtime)?;
    on_graph(&mut criterion, &runtime)?;
    on_okta(&mut criterion, &runtime)?;
    in_memory(&mut criterion, &runtime)?;
    criterion.final_summary();
    Ok(())
}

fn on_the_mock(criterion: &mut Criterion, runtime: &Runtime) -> anyhow::Result<()> {
    if !wanted("throughput/tls/0ms") && !wanted("throughput/tls/5ms") && !wanted("throughput/tls/backend") {
        return Ok(());
    }
    let accounts = size(2_000, 200);
    let mock = runtime.block_on(
        // More workers than anything in flight: the latency is what limits, not a queue.
        MockAd::builder().organisation(Organisation::new(1, accounts)).workers(4 * IN_FLIGHT).start(),
    )?;
    let bare = runtime.block_on(Bare::connect(&mock))?;
    let ours: Arc<dyn Backend> = runtime.block_on(bare_ldap::ours(&mock, IN_FLIGHT))?;
    let first = runtime.block_on(Prepared::new(&ours))?;
    let names: Vec<String> = first.accounts.iter().map(|id| format!("<GUID={id}>")).collect();
    let amount = names.len() as u64;
    let send = |round: u64| {
        let password = password(round);
        runtime.block_on(async {
            let begun = clock::instant();
            bare.set_passwords(&names, &password, IN_FLIGHT).await?;
            Ok(begun.elapsed())
        })
    };
    for (name, latency) in [("throughput/tls/0ms", Duration::ZERO), ("throughput/tls/5ms", Duration::from_millis(5))] {
        compare(criterion, name, 4, |round| {
            let prepared = runtime.block_on(Prepared::new(&ours))?;
            mock.set_latency(latency);
            let measured = in_turns(round, amount, || runtime.block_on(prepared.run(&ours)), || send(round));
            mock.set_latency(Duration::ZERO);
            measured
        });
    }
    compare(criterion, "throughput/tls/backend", 3, |round| {
        let password = Secret::new(password(round + 1_000_000));
        in_turns(
            round,
            amount,
            || runtime.block_on(give_orders(&ours, &first.accounts, &password, IN_FLIGHT, 1)),
            || send(round),
        )
    });
    runtime.block_on(mock.shutdown());
    Ok(())
}

fn on_graph(criterion: &mut Criterion, runtime: &Runtime) -> anyhow::Result<()> {
    let names = ["throughput/graph/0ms", "throughput/graph/50ms"];
    if !names.into_iter().any(wanted) {
        return Ok(());
    }
    // What is asked once a run (who is privileged) does not grow with it.
    let accounts = size(accounts(20_000), 200);
    let organisation = Organisation::new(1, accounts);
    let mock = runtime.block_on(MockGraph::builder(organisation).cloud_only(100).without_quotas().start())?;
    let bare = runtime.block_on(bare_graph::Bare::connect(&mock))?;
    let ours: Arc<dyn Backend> = runtime.block_on(bare_graph::ours(&mock))?;
    let first = runtime.block_on(Prepared::new(&ours))?;
    let amount = first.accounts.len() as u64;
    let over_http = OverHttp {
        ours,
        amount,
        latency: &|latency| mock.set_latency(latency),
        bare: &|round| {
            let password = password(round);
            runtime.block_on(bare.set_passwords(&first.accounts, &password, bare_graph::IN_FLIGHT))
        },
        looking: &|round| {
            let password = password(round + 1_000_000);
            runtime.block_on(bare.look_and_set(&first.accounts, &password, bare_graph::IN_FLIGHT))
        },
        asked: &|| [mock.counts().requests, mock.counts().batches],
    };
    for (name, [requests, batches]) in over_http.compare(criterion, runtime, names) {
        let bare = amount.div_ceil(20);
        println!("asked {name}: {requests} requests, {batches} batches among them, for {amount} accounts; bare {bare}");
    }
    println!("paced: the share of the documented quota that is used is what the test `three_thousand_resets` of");
    println!("       backend-entra prints: cargo test -p backend-entra --test mock_graph pace -- --nocapture");
    Ok(())
}

fn on_okta(criterion: &mut Criterion, runtime: &Runtime) -> anyhow::Result<()> {
    let names = ["throughput/okta/0ms", "throughput/okta/50ms"];
    if !names.into_iter().any(wanted) {
        return Ok(());
    }
    let organisation = Organisation::new(1, size(accounts(2_000), 200));
    let mock = runtime.block_on(MockOkta::builder(organisation).okta_mastered_share(100).without_quotas().start())?;
    bare_okta::even(&mock)?;
    let bare = bare_okta::Bare::new(&mock)?;
    let ours: Arc<dyn Backend> = runtime.block_on(bare_okta::ours(&mock))?;
    let first = runtime.block_on(Prepared::new(&ours))?;
    let amount = first.accounts.len() as u64;
    let over_http = OverHttp {
        ours,
        amount,
        latency: &|latency| mock.set_latency(latency),
        bare: &|_| runtime.block_on(bare.set_passwords(&first.accounts, bare_okta::IN_FLIGHT)),
        looking: &|_| runtime.block_on(bare.look_and_set(&first.accounts, bare_okta::IN_FLIGHT)),
        asked: &|| [mock.counts().requests, 0],
    };
    for (name, [requests, _]) in over_http.compare(criterion, runtime, names) {
        println!("asked {name}: {requests} requests for {amount} accounts; bare {amount}");
    }
    Ok(())
}

/// A mock over HTTP and both sides, to be compared at once and with 50 ms of latency.
struct OverHttp<'a> {
    ours: Arc<dyn Backend>,
    amount: u64,
    latency: &'a dyn Fn(Duration),
    /// Sets all passwords, in the round of this number.
    bare: &'a dyn Fn(u64) -> anyhow::Result<()>,
    /// The same, each account read before.
    looking: &'a dyn Fn(u64) -> anyhow::Result<()>,
    /// What the mock was asked so far.
    asked: &'a dyn Fn() -> [u64; 2],
}

impl OverHttp<'_> {
    /// Says for each comparison what ours asked in its last round.
    fn compare<'n>(
        &self,
        criterion: &mut Criterion,
        runtime: &Runtime,
        names: [&'n str; 2],
    ) -> Vec<(&'n str, [u64; 2])> {
        let mut told = Vec::new();
        for (name, latency) in names.into_iter().zip([Duration::ZERO, Duration::from_millis(50)]) {
            let mut asked = None;
            compare(criterion, name, 4, |round| {
                let prepared = runtime.block_on(Prepared::new(&self.ours))?;
                (self.latency)(latency);
                let measured = in_turns(
                    round,
                    self.amount,
                    || {
                        let [requests, batches] = (self.asked)();
                        let lasted = runtime.block_on(prepared.run(&self.ours))?;
                        let now = (self.asked)();
                        asked = Some([now[0] - requests, now[1] - batches]);
                        Ok(lasted)
                    },
                    || timed(|| (self.bare)(round)),
                );
                (self.latency)(Duration::ZERO);
                measured
            });
            told.extend(asked.map(|asked| (name, asked)));
            // What the looks alone cost: a bare loop that reads each account before it changes it.
            compare(criterion, &format!("{name}/bare-with-looks"), 4, |round| {
                (self.latency)(latency);
                let looking = || timed(|| (self.looking)(round));
                let measured = in_turns(round, self.amount, looking, || timed(|| (self.bare)(round + 2_000_000)));
                (self.latency)(Duration::ZERO);
                measured
            });
        }
        told
    }
}

fn in_memory(criterion: &mut Criterion, runtime: &Runtime) -> anyhow::Result<()> {
    let accounts = size(20_000, 500);
    let directory: Arc<dyn Backend> = {
        let _within = runtime.enter();
        MemoryDirectory::builder("corp").organisation(Organisation::new(1, accounts)).build()?
    };
    let first = runtime.block_on(Prepared::new(&directory))?;
    let amount = first.accounts.len() as u64;
    let compared = compare(criterion, "throughput/memory", 4, |round| {
        let prepared = runtime.block_on(Prepared::new(&directory))?;
        let password = Secret::new(password(round));
        in_turns(
            round,
            amount,
            || runtime.block_on(prepared.run(&directory)),
            || runtime.block_on(give_orders(&directory, &first.accounts, &password, 4, 100)),
        )
    });
    if let Some(compared) = compared {
        println!("added throughput/memory: {:.1} us an account (engine, durable journal and vault)", compared.added_us);
    }
    Ok(())
}

/// A fresh plan of everyone, its journal and its vault: what a run begins with.
struct Prepared {
    plan: Plan,
    accounts: Vec<AccountId>,
    journal: Arc<dyn Journal>,
    vault: Arc<dyn Vault>,
    _folder: tempfile::TempDir,
}

impl Prepared {
    async fn new(directory: &Arc<dyn Backend>) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut actions = identity_reset::plan::PopulationActions::default();
        actions.workforce = vec![SET];
        actions.privileged = vec![SET];
        actions.guest = vec![SET];
        let spec = PlanSpec::default().with_seed(1).select(Selection::everyone()).with_actions(actions);
        let path = folder.path().join("plan.jsonl");
        let plan = spec.builder().directory(Arc::clone(directory)).write_to(path).await?;
        let mut accounts = Vec::new();
        for row in plan.rows()? {
            if let PlanRow::Entry(entry) = row?
                && matches!(entry.disposition, Disposition::Reset { .. })
            {
                accounts.push(entry.id);
            }
        }
        let recipients = vec![Identity::generate().recipient()];
        Ok(Self {
            plan,
            accounts,
            journal: Arc::new(SqliteJournal::create(folder.path().join("journal.sqlite"))?),
            vault: Arc::new(SealedFile::create(folder.path().join("vault.jsonl"), recipients)?),
            _folder: folder,
        })
    }

    /// Carries the plan out; gives the time from start to end.
    async fn run(&self, directory: &Arc<dyn Backend>) -> anyhow::Result<Duration> {
        let approvals = Approvals::approve_all(&self.plan, "benchmark")?;
        let begun = clock::instant();
        let end = Run::new(self.plan.clone(), Arc::clone(&self.journal), Arc::clone(&self.vault))
            .directory(Arc::clone(directory))
            .approvals(approvals)
            .start()
            .await?
            .finish()
            .await?;
        let lasted = begun.elapsed();
        ensure!(end.stopped.is_none(), "the run stopped: {:?}", end.stopped);
        Ok(lasted)
    }
}

/// Gives orders to a backend, in batches, so many batches at once.
async fn give_orders(
    backend: &Arc<dyn Backend>,
    accounts: &[AccountId],
    password: &Secret,
    at_once: usize,
    batch: usize,
) -> anyhow::Result<Duration> {
    let begun = clock::instant();
    let batches = stream::iter(accounts.chunks(batch)).map(|ids| async move {
        let orders: Vec<Order> =
            ids.iter().map(|id| Order::new(id.clone(), SET).with_password(password.clone())).collect();
        backend.apply(&orders).await
    });
    let mut batches = batches.buffer_unordered(at_once);
    while let Some(outcomes) = batches.next().await {
        for outcome in outcomes {
            ensure!(matches!(outcome, Outcome::Done(_)), "not done: {outcome:?}");
        }
    }
    Ok(begun.elapsed())
}

/// A password that every policy of the mock takes: 20 characters and more, no name inside.
fn password(round: u64) -> String {
    format!("Zq7-bcdfghjkmn-{round:08}-xz")
}
