//! How fast whole runs of the engine go, in virtual time: nearly all of the share, and never a refusal
//! for pace.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use backend_entra::EntraDirectory;
use futures::TryStreamExt as _;
use identity_core::directory::Backend;
use identity_core::engine::Run;
use identity_core::journal::{Event, Journal, MemoryJournal};
use identity_core::limits::clock;
use identity_core::plan::{Approvals, PlanSpec, Selection};
use identity_core::reset::Action;
use identity_core::vault::MemoryVault;
use testkit::mock_graph::{MockGraph, Sort};
use uuid::Uuid;

use crate::inside::{config, connect};
use crate::stage::of;

const ACCOUNTS: usize = 3_000;
/// A new password and a revocation for each.
const ORDERS: usize = 2 * ACCOUNTS;
const LATENCY: Duration = Duration::from_millis(50);

/// Members who are only in the cloud and hold nothing.
fn members(mock: &MockGraph) -> Vec<Uuid> {
    let plain = mock.users().filter(|user| {
        let ours = user.sort == Sort::Member && user.on_prem.is_none() && !user.federated;
        ours && !user.restricted && user.roles.is_empty() && user.enabled
    });
    let untiered = plain.map(|user| user.id).filter(|id| mock.privilege(id).routes.is_empty());
    untiered.take(ACCOUNTS).collect()
}

/// What a run took, and what came of it.
struct Course {
    /// Seconds from the first order to the last.
    took: f64,
    /// Seconds from the start of the run to its end: who is privileged is read before the first order.
    whole: f64,
    /// How many requests were in flight in that time, on average: batches of orders, and reads of the
    /// accounts just before them.
    in_flight: f64,
}

/// Plans a new password with must-change and a revocation for each of the members, and carries it out.
async fn run(mock: &MockGraph, directory: Arc<EntraDirectory>, members: &[Uuid]) -> Course {
    assert_eq!(members.len(), ACCOUNTS);
    let folder = tempfile::tempdir().unwrap();
    let ids: Vec<String> = members.iter().map(Uuid::to_string).collect();
    let mut spec = PlanSpec::default().select(Selection::listed(ids.iter().map(String::as_str)));
    spec.actions.workforce = vec![Action::SetPassword { must_change: true }, Action::RevokeSessions];
    // The canary is waited for: one wave, so that the whole time is a time of orders.
    spec.waves.canary = 0;
    let backend = directory as Arc<dyn Backend>;
    let builder = spec.builder().directory(Arc::clone(&backend));
    let plan = builder.write_to(folder.path().join("plan.jsonl")).await.unwrap();
    assert_eq!(plan.header().counts.planned, ACCOUNTS as u64);
    let (journal, vault) = (Arc::new(MemoryJournal::new()), Arc::new(MemoryVault::new()));
    let began = clock::instant();
    let run = Run::new(plan.clone(), Arc::clone(&journal) as Arc<dyn Journal>, vault)
        .directory(backend)
        .approvals(Approvals::approve_all(&plan, "test").unwrap())
        .start()
        .await
        .unwrap();
    let mut samples = Vec::new();
    let watch = async {
        loop {
            samples.push((clock::now(), mock.counts().in_flight));
            // No part of the latency, so that every phase of it is met.
            clock::sleep(Duration::from_millis(7)).await;
        }
    };
    let end = tokio::select! {
        end = run.finish() => end.unwrap(),
        () = watch => unreachable!(),
    };
    let whole = began.elapsed().as_secs_f64();
    assert_eq!(end.stopped, None);
    let records: Vec<_> = journal.records(1).try_collect().await.unwrap();
    let first = records.iter().find(|record| matches!(record.event, Event::Intent { .. })).unwrap();
    let done = || records.iter().filter(|record| matches!(record.event, Event::Done { .. }));
    assert_eq!(done().count(), ORDERS);
    let set: BTreeSet<Uuid> = mock.record().iter().map(|set| set.user).collect();
    assert_eq!((mock.record().len(), set), (ACCOUNTS, members.iter().copied().collect()), "each once");
    assert!(members.iter().all(|id| mock.revoked(id).len() == 1));
    let last = done().next_back().unwrap();
    samples.retain(|(at, _)| (first.at..=last.at).contains(at));
    Course {
        took: last.at.duration_since(first.at).as_secs_f64(),
        whole,
        in_flight: samples.iter().map(|(_, requests)| *requests as f64).sum::<f64>() / samples.len() as f64,
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_of_three_thousand_uses_its_share_until_the_last_order_and_is_never_refused_for_pace() {
    let mock = of(4_500).cloud_only(100).latency(LATENCY).build();
    let directory = connect(config(&mock).share(0.9)).await;
    let members = members(&mock);
    let course = run(&mock, directory, &members).await;
    assert_eq!(mock.counts().throttled, 0);
    assert!(mock.quotas().iter().all(|quota| quota.refused == 0), "{:?}", mock.quotas());
    let share = ORDERS as f64 / course.took / (3_000.0 / 150.0 * 0.9);
    println!("with quotas: {ORDERS} orders in {:.1} s are {share:.4} of the share", course.took);
    assert!((0.98..=1.005).contains(&share), "{share:.4} of the share in {:.1} s", course.took);
}

#[tokio::test(start_paused = true)]
async fn without_quotas_a_run_is_limited_by_what_is_in_flight_alone() {
    const IN_FLIGHT: u32 = 8;
    /// What reads accounts again has room beside the changes.
    const BESIDE: u64 = 2;
    let mock = of(4_500).cloud_only(100).without_quotas().latency(LATENCY).build();
    let directory = connect(config(&mock).without_quotas().in_flight(IN_FLIGHT)).await;
    let members = members(&mock);
    let course = run(&mock, directory, &members).await;
    println!(
        "without quotas: {ORDERS} orders in {:.2} s with {:.2} of {IN_FLIGHT} requests in flight on average",
        course.took, course.in_flight
    );
    // What a loop takes that sends the same batches, as many in flight, and does nothing else.
    let bare = (ORDERS as f64 / 20.0 / f64::from(IN_FLIGHT)).ceil() * LATENCY.as_secs_f64();
    let (orders, whole) = (bare / course.took, bare / course.whole);
    println!(
        "of a bare loop's rate: {orders:.3} from the first order to the last, {whole:.3} with all before and after"
    );
    assert!(orders >= 0.95, "{orders:.3} of a bare loop");
    assert!(mock.counts().most_in_flight <= u64::from(IN_FLIGHT) + BESIDE, "{:?}", mock.counts());
    assert!(course.in_flight >= 0.9 * f64::from(IN_FLIGHT), "{:.2} of {IN_FLIGHT} in flight", course.in_flight);
}
