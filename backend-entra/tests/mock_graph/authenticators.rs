//! Authentication methods, passes, risk and registration on the mock.

use std::time::Duration;

use futures::TryStreamExt as _;
use identity_core::directory::{AccountQuery, Directory as _, ForcedReset as _, RateLimitedBatching as _, Scope};
use identity_core::error::ErrorKind;
use identity_core::limits::clock;
use identity_core::recovery::Enrolment;
use identity_core::reset::{Action, Order, Outcome};
use testkit::mock_graph::{MethodKind, MockGraph};
use uuid::Uuid;

use crate::inside;
use crate::stage::{account_id, connect, list, of};

/// Privileged Authentication Administrator: nobody outranks the app.
const PRIVILEGED_AUTHENTICATION: &str = "7be44c8a-adaf-4e2a-84d6-ab2649e08a13";

fn orders(ids: &[Uuid], action: Action) -> Vec<Order> {
    ids.iter().map(|id| Order::new(account_id(*id), action)).collect()
}

fn ids(mock: &MockGraph, most: usize) -> Vec<Uuid> {
    mock.users().filter(|user| !user.restricted).map(|user| user.id).take(most).collect()
}

fn removable(mock: &MockGraph, id: &Uuid) -> usize {
    mock.enrolled(id).iter().filter(|kind| **kind != MethodKind::Password).count()
}

#[tokio::test(start_paused = true)]
async fn every_method_but_the_password_goes_at_the_pace_of_the_slow_quota() {
    let mock = of(200).app_roles([PRIVILEGED_AUTHENTICATION]).build();
    let directory = inside::connect(inside::config(&mock).share(0.9)).await;
    let ids: Vec<Uuid> = ids(&mock, 60).into_iter().filter(|id| removable(&mock, id) > 0).take(25).collect();
    let requests: usize = ids.iter().map(|id| 1 + removable(&mock, id)).sum();
    assert!(ids.len() == 25 && requests > 60, "{requests} requests");
    let class = directory.class_of(Action::ResetAuthenticators);
    let begun = clock::instant();
    let mut open = orders(&ids, Action::ResetAuthenticators);
    while let Some(order) = open.pop() {
        let permit = directory.governor().acquire(class, 1).await;
        let outcome = directory.apply(std::slice::from_ref(&order)).await.remove(0);
        drop(permit);
        match outcome {
            Outcome::Done(_) => {}
            Outcome::Throttled(error) => {
                clock::sleep(error.retry_after().unwrap()).await;
                open.push(order);
            }
            outcome => panic!("{outcome:?}"),
        }
    }
    assert!(ids.iter().all(|id| removable(&mock, id) == 0));
    assert!(ids.iter().all(|id| mock.enrolled(id).contains(&MethodKind::Password) || mock.enrolled(id).is_empty()));
    assert_eq!(mock.counts().throttled, 0);
    println!("{requests} methods and listings in {:?}", begun.elapsed());
}

#[tokio::test]
async fn a_pass_is_issued_where_the_policy_allows_one() {
    let (mock, directory) = connect(of(100)).await;
    let one = mock.user(testkit::mock_graph::fixed::ORDINARY).unwrap().id;
    let outcome = directory.apply(&orders(&[one], Action::IssueAccessPass)).await.remove(0);
    let Outcome::Done(receipt) = outcome else { panic!("{outcome:?}") };
    assert!(receipt.server_secret.unwrap().expose().len() >= 8);
    assert!(receipt.request_id.is_some());
    let (mock, directory) = connect(of(100).without_temporary_access_pass()).await;
    let one = mock.user(testkit::mock_graph::fixed::ORDINARY).unwrap().id;
    let outcome = directory.apply(&orders(&[one], Action::IssueAccessPass)).await.remove(0);
    let error = outcome.error().unwrap();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:?}");
    assert!(error.advice().unwrap().contains("policy"), "{error:?}");
}

#[tokio::test]
async fn a_missing_permission_is_named() {
    let (mock, directory) = connect(of(100).without_permission("UserAuthenticationMethod.ReadWrite.All")).await;
    let one = mock.user(testkit::mock_graph::fixed::ORDINARY).unwrap().id;
    let outcome = directory.apply(&orders(&[one], Action::ResetAuthenticators)).await.remove(0);
    let error = outcome.error().unwrap();
    assert_eq!(error.kind(), ErrorKind::InsufficientPrivilege, "{error:?}");
    assert!(error.advice().unwrap().contains("UserAuthenticationMethod.ReadWrite.All"), "{error:?}");
}

#[tokio::test]
async fn one_call_flags_sixty_and_a_stranger_among_them_stops_nobody() {
    let (mock, directory) = connect(of(100)).await;
    let known = ids(&mock, 60);
    let outcomes = directory.apply(&orders(&known, Action::FlagCompromised)).await;
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Done(_))), "{outcomes:?}");
    assert!(known.iter().all(|id| mock.risk(id).is_some_and(|risk| risk.state == "confirmedCompromised")));

    let mock = of(100).most_risky(30).build();
    // Narrowing takes calls, one a second: in virtual time.
    tokio::time::pause();
    let directory = inside::connect(inside::config(&mock)).await;
    let mut some = ids(&mock, 39);
    some.insert(17, Uuid::from_u128(7));
    let outcomes = directory.apply(&orders(&some, Action::FlagCompromised)).await;
    for (at, (id, outcome)) in some.iter().zip(&outcomes).enumerate() {
        if at == 17 {
            assert_eq!(outcome.error().unwrap().kind(), ErrorKind::AccountNotFound);
        } else {
            assert!(matches!(outcome, Outcome::Done(_)), "{at}: {outcome:?}");
            assert!(mock.risk(id).is_some());
        }
    }
    assert_eq!(mock.counts().throttled, 0);
}

async fn audited(described: testkit::mock_graph::MockGraphBuilder) -> (MockGraph, Vec<Enrolment>, usize) {
    let (mock, directory) = connect(described).await;
    let everyone = list(&directory, Scope::Everyone).await.unwrap().len();
    let auditor = directory.recovery().unwrap();
    let read = auditor.enrolments(&AccountQuery::everyone()).try_collect().await.unwrap();
    (mock, read, everyone)
}

#[tokio::test]
async fn everybody_is_in_the_audit_once_with_a_reason() {
    let (_mock, read, everyone) = audited(of(300)).await;
    assert_eq!(read.len(), everyone);
    let some = |self_service| read.iter().filter(|row| row.self_service == self_service).count();
    assert!(some(Some(true)) > 0 && some(Some(false)) > 0, "{} and {}", some(Some(true)), some(Some(false)));
    assert!(read.iter().all(|row| row.self_service == Some(true) || row.because.is_some()));
    assert!(read.iter().any(|row| row.as_of.is_some() && !row.methods.is_empty()));
}

#[tokio::test]
async fn without_a_licence_everybody_is_unknown() {
    let described = of(30).without_premium().latency(Duration::ZERO);
    let (_mock, read, everyone) = audited(described).await;
    assert_eq!(read.len(), everyone);
    assert!(read.iter().all(|row| row.self_service.is_none() && row.because.is_some()));
}
