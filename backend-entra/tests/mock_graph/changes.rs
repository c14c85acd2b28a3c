//! Accounts that appear or change behind a run's back.

use futures::TryStreamExt as _;
use identity_core::account::Account;
use identity_core::directory::{AccountEnumerator as _, ChangeMark};
use identity_core::error::ErrorKind;
use std::time::Duration;

use crate::stage::{account_id, connect, of};

async fn changed(directory: &backend_entra::EntraDirectory, mark: &ChangeMark) -> Vec<Account> {
    directory.changed_since(mark).try_collect().await.unwrap()
}

#[tokio::test]
async fn who_was_made_or_changed_after_the_mark_is_listed_and_nobody_else() {
    let (mock, directory) = connect(of(300).creation_lag(Duration::from_millis(200))).await;
    let mark = directory.mark().await.unwrap();
    assert!(changed(&directory, &mark).await.is_empty());
    let users: Vec<_> = mock.users().skip(40).take(3).collect();
    let made = mock.create("intruder");
    mock.change(&users[0].id, |user| user.enabled = !user.enabled).unwrap();
    mock.delete(&users[1].id).unwrap();
    // Users that were made a moment ago are not found yet, in the delta query too.
    let mut ids = Vec::new();
    for _ in 0..50 {
        ids = changed(&directory, &mark).await.into_iter().map(|account| account.id).collect();
        if ids.len() >= 2 {
            break;
        }
    }
    ids.sort();
    let mut expected = vec![account_id(made), account_id(users[0].id)];
    expected.sort();
    assert_eq!(ids, expected);
}

#[tokio::test]
async fn a_mark_that_is_no_longer_known_says_begin_anew() {
    let (mock, directory) = connect(of(50)).await;
    let mark = directory.mark().await.unwrap();
    mock.forget_delta_links();
    let rows: Result<Vec<_>, _> = directory.changed_since(&mark).try_collect().await;
    let error = rows.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.advice().unwrap().contains("begin anew"), "{error}");
    let again = directory.mark().await.unwrap();
    assert!(changed(&directory, &again).await.is_empty());
}
