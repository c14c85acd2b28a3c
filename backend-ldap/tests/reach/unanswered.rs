//! A change whose answer is missing is read back where it was sent.

use std::time::Duration;

use identity_core::account::AccountId;
use identity_core::reset::Outcome;
use testkit::fault::{Fault, When};
use testkit::mock_ad::MockAd;

use crate::stage::{NEVER, config, connect, finish, lose, mock, people, set, version};

fn cut_after(mock: &MockAd, account: &AccountId) {
    mock.add_fault(When::write().on(account.as_str()).times(1), Fault::CutAfterApply);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_read_back_on_the_same_controller_even_when_another_has_taken_over() {
    let pdc = mock().start().await.expect("starts");
    let second = pdc.replica(NEVER).await.expect("starts");
    let directory = connect(config(&[&pdc, &second])).await;
    let [first, other]: [AccountId; 2] = people(&pdc, 2).try_into().expect("two");
    let before = version(&directory, &first).await;
    cut_after(&pdc, &first);
    let outcome = set(&directory, &first).await;
    let Outcome::Unknown(error) = &outcome else { panic!("{outcome:?}") };
    assert!(error.detail().contains(&pdc.url()), "{error:?}");
    assert!(error.advice().is_some_and(|advice| advice.contains("read back")), "{error:?}");

    lose(&pdc);
    finish(&directory, &[other]).await;
    assert_eq!(second.counts().applied, 1, "the second took over");
    pdc.refuse_connections(false);
    assert_eq!(version(&directory, &first).await, before + 1, "it landed, and only the first one knows");
    assert_eq!(pdc.sets(&first.as_str().parse().expect("guid")).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_stays_away_is_not_waited_for_without_end() {
    let pdc = mock().start().await.expect("starts");
    let second = pdc.replica(NEVER).await.expect("starts");
    let directory = connect(config(&[&pdc, &second]).failover_after(Duration::from_millis(200))).await;
    let person = people(&pdc, 1).remove(0);
    let before = version(&directory, &person).await;
    cut_after(&pdc, &person);
    assert!(matches!(set(&directory, &person).await, Outcome::Unknown(_)));
    lose(&pdc);
    // The second one has not heard of it: the engine repeats the same password there.
    assert_eq!(version(&directory, &person).await, before);
    finish(&directory, std::slice::from_ref(&person)).await;
    assert_eq!(second.counts().applied, 1);
    assert_eq!(version(&directory, &person).await, before + 1);
}
