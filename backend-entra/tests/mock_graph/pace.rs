//! How fast orders go: nearly all of the share, and never a refusal for pace.

use std::time::Duration;

use futures::stream::{self, StreamExt};
use identity_core::directory::Backend;
use identity_core::limits::{OperationClass, clock};
use identity_core::reset::{Action, Order, Outcome, Secret};
use testkit::mock_graph::MockGraph;
use uuid::Uuid;

use crate::inside::{config, connect};
use crate::stage::{account_id, of};

/// Members who are only in the cloud and hold nothing.
fn members(mock: &MockGraph, most: usize) -> Vec<Uuid> {
    use testkit::mock_graph::Sort;
    let plain = mock.users().filter(|user| {
        user.sort == Sort::Member
            && user.on_prem.is_none()
            && !user.federated
            && !user.restricted
            && user.roles.is_empty()
            && user.enabled
    });
    plain.map(|user| user.id).take(most).collect()
}

/// Carries the orders out as an engine does: batches of what there is room for, each with its
/// permits, several at a time.
async fn carry_out(backend: &dyn Backend, class: OperationClass, orders: Vec<Order>) -> Vec<Outcome> {
    let governor = backend.governor();
    let size = governor.batch_room(class).max(1) as usize;
    let batches: Vec<Vec<Order>> = orders.chunks(size).map(<[Order]>::to_vec).collect();
    let outcomes = stream::iter(batches).map(async |batch| {
        let permit = governor.acquire(class, u32::try_from(batch.len()).unwrap()).await;
        let outcomes = backend.apply(&batch).await;
        drop(permit);
        outcomes
    });
    outcomes.buffered(16).collect::<Vec<_>>().await.into_iter().flatten().collect()
}

fn resets(members: &[Uuid]) -> Vec<Order> {
    let set = |(at, id): (usize, &Uuid)| {
        let password = Secret::new(format!("Zq7-bcdfghjk{at:04}"));
        Order::new(account_id(*id), Action::SetPassword { must_change: true }).with_password(password)
    };
    members.iter().enumerate().map(set).collect()
}

fn all_done(outcomes: &[Outcome]) {
    for outcome in outcomes {
        assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn three_thousand_resets_use_their_share_and_are_never_refused_for_pace() {
    let mock = of(4_500).cloud_only(100).latency(Duration::from_millis(50)).build();
    let directory = connect(config(&mock).share(0.9)).await;
    let members = members(&mock, 3_000);
    assert_eq!(members.len(), 3_000);
    let begun = clock::instant();
    let outcomes = carry_out(directory.as_ref(), OperationClass::Write, resets(&members)).await;
    let took = begun.elapsed().as_secs_f64();
    all_done(&outcomes);
    assert_eq!(mock.record().len(), 3_000);
    assert_eq!(mock.counts().throttled, 0);
    let share = 3_000.0 / took / (3_000.0 / 150.0 * 0.9);
    println!("{share:.4} of the share in {took:.1} s");
    assert!((0.98..=1.0).contains(&share), "{share:.4} of the share in {took:.1} s");
}

#[tokio::test(start_paused = true)]
async fn without_quotas_only_what_is_in_flight_limits() {
    let mock = of(4_500).cloud_only(100).without_quotas().latency(Duration::from_millis(50)).build();
    let directory = connect(config(&mock).without_quotas().in_flight(8)).await;
    let members = members(&mock, 3_000);
    let begun = clock::instant();
    let outcomes = carry_out(directory.as_ref(), OperationClass::Write, resets(&members)).await;
    let took = begun.elapsed();
    all_done(&outcomes);
    // 150 batches of 20, eight at a time, 50 ms each: 0.95 s, and what finding the ceiling takes.
    assert!(took < Duration::from_millis(1_600), "{took:?}");
    assert!(mock.counts().most_in_flight <= 8);
}

#[tokio::test(start_paused = true)]
async fn a_revocation_is_as_fast_and_shows() {
    let mock = of(400).cloud_only(100).build();
    let directory = connect(config(&mock)).await;
    let members = members(&mock, 200);
    let orders = members.iter().map(|id| Order::new(account_id(*id), Action::RevokeSessions)).collect();
    all_done(&carry_out(directory.as_ref(), OperationClass::Write, orders).await);
    assert!(members.iter().all(|id| mock.revoked(id).len() == 1));
    assert_eq!(mock.counts().throttled, 0);
}
