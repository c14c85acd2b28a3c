//! Orders on the mock: what it did, not what it said.

use std::time::Duration;

use identity_core::directory::{AccountEnumerator as _, ForcedReset as _};
use identity_core::error::ErrorKind;
use identity_core::limits::clock;
use identity_core::reset::{Action, Order, Outcome, Secret};
use testkit::fault::{Fault, When};
use testkit::mock_graph::fixed;

use crate::inside;
use crate::stage::{account_id, connect, of};

const SET: Action = Action::SetPassword { must_change: true };

fn set(id: uuid::Uuid, password: &str) -> Order {
    Order::new(account_id(id), SET).with_password(Secret::new(password.to_owned()))
}

#[tokio::test]
async fn each_order_of_a_batch_does_what_it_says() {
    let (mock, directory) = connect(of(300)).await;
    let one = mock.user(fixed::ORDINARY).unwrap().id;
    let nobody = uuid::Uuid::from_u128(7);
    let orders = [
        set(one, "Zq7-bcdfghjkmnp"),
        set(nobody, "Zq7-bcdfghjkmnp"),
        Order::new(account_id(one), Action::RevokeSessions),
        Order::new(account_id(one), Action::Disable),
        set(one, "Zq7-contoso-bcdf"),
    ];
    let outcomes = directory.apply(&orders).await;
    assert!(matches!(outcomes[0], Outcome::Done(_)), "{:?}", outcomes[0]);
    assert_eq!(outcomes[1].error().unwrap().kind(), ErrorKind::AccountNotFound);
    assert!(matches!(outcomes[2], Outcome::Done(_)), "{:?}", outcomes[2]);
    assert!(matches!(outcomes[3], Outcome::Done(_)), "{:?}", outcomes[3]);
    assert_eq!(outcomes[4].error().unwrap().kind(), ErrorKind::PasswordRejected);
    assert_eq!(mock.sets(&one).len(), 1);
    assert_eq!(mock.must_change(&one), Some((true, false)));
    assert_eq!(mock.revoked(&one).len(), 1);
    assert_eq!(mock.enabled(&one), Some(false));
}

#[tokio::test]
async fn a_part_that_is_left_out_is_unknown_although_it_was_done() {
    let (mock, directory) = connect(of(300)).await;
    let one = mock.user(fixed::ORDINARY).unwrap().id;
    mock.leave_out(1);
    let orders = [set(one, "Zq7-bcdfghjkmnp"), Order::new(account_id(one), Action::RevokeSessions)];
    let outcomes = directory.apply(&orders).await;
    let unknown = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Unknown(_))).count();
    assert_eq!(unknown, 1, "{outcomes:?}");
    assert_eq!((mock.sets(&one).len(), mock.revoked(&one).len()), (1, 1));
}

#[tokio::test]
async fn a_connection_that_breaks_leaves_the_outcome_unknown_and_nothing_is_sent_twice() {
    for (fault, done) in [(Fault::CutBeforeApply, 0), (Fault::CutAfterApply, 1), (Fault::GatewayTimeout, 1)] {
        let (mock, directory) = connect(of(300)).await;
        let one = mock.user(fixed::ORDINARY).unwrap().id;
        mock.add_fault(When::write(), fault.clone());
        let outcome = directory.apply(&[set(one, "Zq7-bcdfghjkmnp")]).await.remove(0);
        assert!(matches!(outcome, Outcome::Unknown(_)), "{fault:?}: {outcome:?}");
        assert_eq!(mock.sets(&one).len(), done, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_that_was_made_a_moment_ago_is_tried_again() {
    let mock = of(50).creation_lag(Duration::from_secs(8)).build();
    let directory = inside::connect(inside::config(&mock)).await;
    let new = mock.create("newcomer");
    let order = set(new, "Zq7-bcdfghjkmnp");
    let outcome = directory.apply(std::slice::from_ref(&order)).await.remove(0);
    assert!(matches!(outcome, Outcome::Refused(_)), "nobody has seen it: {outcome:?}");
    clock::sleep(Duration::from_secs(10)).await;
    assert!(directory.lookup(std::slice::from_ref(&order.account)).await.unwrap()[0].is_some());
    mock.delete(&new).unwrap();
    let outcome = directory.apply(std::slice::from_ref(&order)).await.remove(0);
    assert!(matches!(outcome, Outcome::Temporary(_)), "it was there a moment ago: {outcome:?}");
    assert!(outcome.retry_after().is_some());
}
