//! Accounts that appear or change behind a run's back.

use std::collections::BTreeSet;
use std::time::Duration;

use backend_okta::OktaDirectory;
use futures::TryStreamExt as _;
use identity_core::directory::{AccountEnumerator as _, ChangeMark};
use testkit::mock_okta::Status;

use crate::stage::{connect, of};

async fn changed(directory: &OktaDirectory, mark: &ChangeMark) -> BTreeSet<String> {
    let changed = directory.changed_since(mark).map_ok(|account| account.id.as_str().to_owned());
    changed.try_collect().await.unwrap()
}

#[tokio::test]
async fn who_was_made_or_changed_after_the_mark_is_listed_and_nobody_else() {
    let (mock, directory) = connect(of(300).index_lag(Duration::from_secs(1))).await;
    let mark = directory.mark().await.unwrap();
    assert!(changed(&directory, &mark).await.is_empty());
    let ordinary = mock.users().filter(|user| user.status() == Status::Active);
    let users: Vec<_> = ordinary.skip(40).take(3).collect();
    let made = mock.create("intruder");
    mock.change(&users[0].id, |user| user.department = Some("Elsewhere".into())).unwrap();
    mock.change(&users[1].id, |user| user.standing.status = Status::Deprovisioned).unwrap();
    mock.delete(&users[2].id).unwrap();
    // At once: the copies that answer are behind, and that is waited for.
    let found = changed(&directory, &mark).await;
    assert_eq!(found, BTreeSet::from([made, users[0].id.clone()]));
}

#[tokio::test]
async fn a_clock_of_okta_that_is_wrong_changes_nothing() {
    let (mock, directory) = connect(of(60)).await;
    for hours in [-3, 5] {
        mock.set_clock_skew(jiff::SignedDuration::from_hours(hours));
        let mark = directory.mark().await.unwrap();
        let made = mock.create(&format!("intruder{}", hours + 3));
        assert!(changed(&directory, &mark).await.contains(&made), "{hours}");
    }
}
