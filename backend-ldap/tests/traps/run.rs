//! Traps of a run: the account that it signs in with.

use identity_core::account::AccountId;
use identity_core::error::ErrorKind;
use identity_core::journal::StopReason;
use identity_core::plan::{LeftOutReason, PlanRow, PlanSpec};
use testkit::fault::{Fault, When};
use testkit::mock_ad::MockAd;
use testkit::organisation::{SPECIAL, special};

use crate::stage::{Journey, builder, config, connect, id};

fn people(mock: &MockAd, count: usize) -> Vec<AccountId> {
    let all = (SPECIAL..mock.organisation().len()).filter(|index| {
        let account = mock.organisation().account(*index);
        account.truth.kind == identity_core::account::AccountKind::Person && account.truth.grounds.is_empty()
    });
    all.take(count).map(|index| id(mock, index)).collect()
}

/// Trap 10: each further bind with a refused password counts towards a lock-out (data 52e, 775).
#[tokio::test(flavor = "multi_thread")]
async fn trap_10_a_sign_in_that_is_refused_stops_the_run_at_once_and_is_not_repeated() {
    let mock = builder().start().await.expect("starts");
    let directory = connect(config(&mock, &[]).connections(2)).await;
    let people = people(&mock, 60);
    let journey = Journey::plan(&directory, &people, PlanSpec::default()).await;
    // From here on the password that the run signs in with is wrong, and it has to sign in again.
    let runner = mock.organisation().account(special::RUNNER).guid;
    mock.add_fault(When::write().nth(10).times(1), Fault::CutBeforeApply);
    mock.add_fault(When::write().nth(11).times(1), Fault::CutBeforeApply);
    mock.set_password(&runner, "Changed-by-0thers!");
    let end = journey.run(&directory).await;
    let Some(StopReason::Fatal { error }) = end.stopped else { panic!("{:?}", end.stopped) };
    assert_eq!(error.kind, ErrorKind::Unauthenticated, "{}", error.text);
    assert_eq!(mock.counts().failed_binds, 1, "one refused sign-in is enough to know");
    let touched = people.iter().filter(|id| !mock.untouched(&id.as_str().parse().expect("a GUID"))).count();
    assert!(touched < people.len(), "it stopped before the end");
}

/// Trap 14: the account that the run signs in with is in the population. Its reset would end the run.
#[tokio::test(flavor = "multi_thread")]
async fn trap_14_the_account_of_the_run_is_left_out_even_when_it_is_listed() {
    let mock = builder().start().await.expect("starts");
    let directory = connect(config(&mock, &[])).await;
    let asked = [special::RUNNER, special::PLAIN].map(|index| id(&mock, index));
    let journey = Journey::plan(&directory, &asked, PlanSpec::default()).await;
    let rows = journey.plan.rows().expect("rows").map(|row| row.expect("a row"));
    let of_the_run = rows.into_iter().find_map(|row| match row {
        PlanRow::LeftOut { id, reason, .. } if id == asked[0] => Some(reason),
        _ => None,
    });
    let Some(LeftOutReason::Protected(because)) = of_the_run else { panic!("{of_the_run:?}") };
    assert!(because.contains("signs in with"), "{because}");
    assert_eq!(journey.run(&directory).await.stopped, None);
    let runner = mock.organisation().account(special::RUNNER).guid;
    assert!(mock.untouched(&runner) && mock.sets(&mock.organisation().account(special::PLAIN).guid).len() == 1);
}
