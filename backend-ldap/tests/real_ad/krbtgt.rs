//! krbtgt, and each controller asked by itself. Of the two resets only the first is made here: after
//! the second, tickets of other tests on this controller could fail.

use std::sync::Arc;
use std::time::Duration;

use backend_ldap::krbtgt::{KrbtgtReset, KrbtgtSettings, Stage, TooEarly};
use identity_core::directory::{Directory, Replicated};
use identity_core::error::ErrorKind;

use crate::stage::Stage as Unit;

#[tokio::test(flavor = "multi_thread")]
async fn krbtgt_is_reset_once_and_the_second_reset_before_its_time_is_refused() {
    let Some(mut stage) = Unit::set("krbtgt").await else { return };
    stage.user("canary", "Old-Passw0rd-1!", &[]).await;
    let directory = stage.directory().await;
    let domain = directory.info().tenant.clone();
    let canary = stage.account(&directory, "canary").await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("krbtgt.jsonl");
    let open = |settings| KrbtgtReset::open(Arc::clone(&directory), &path, settings).expect("opens");
    let mut settings = KrbtgtSettings::default().patience(Duration::from_secs(5));
    // A second controller of the test has a name that is not resolved here, and takes minutes to hear.
    for replica in directory.replicas().await.expect("listed").iter().filter(|found| !found.name.starts_with("dc1.")) {
        settings = settings.without(&replica.name);
    }

    let mut reset = open(settings.clone());
    let before = reset.info().await.expect("read");
    assert!(before.problems.is_empty(), "{before}");
    assert!(before.functional_level >= Some(3) && before.password_version.is_some());
    assert!(reset.canary(&canary.id).await.expect("the canary").converged());
    drop(reset);

    // The controller of a test is younger than a ticket's life: its first krbtgt counts as a reset.
    let mut reset = open(settings.clone().early(&domain));
    let end = reset.phase_one(&domain).await.expect("phase one");
    assert!(end.converged() && !end.already, "{end}");
    assert_eq!(end.password_version, before.password_version.map(|version| version + 1), "set once");
    assert!(reset.phase_one(&domain).await.expect("again").already);
    drop(reset);

    let mut reset = open(settings.patience(Duration::ZERO));
    assert!(matches!(reset.stage(), Stage::OneDone { converged: true, .. }));
    let error = reset.phase_two(&domain).await.expect_err("before its time");
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(std::error::Error::source(&error).is_some_and(|source| source.is::<TooEarly>()), "{error}");
    let after = reset.info().await.expect("read");
    assert_eq!(after.password_version, end.password_version, "nothing was set");
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_controllers_of_the_domain_are_found_and_asked() {
    let Some(mut stage) = Unit::set("controllers").await else { return };
    stage.user("one", "Old-Passw0rd-1!", &[]).await;
    let directory = stage.directory().await;
    let account = stage.account(&directory, "one").await;
    let replicas = directory.replicas().await.expect("listed");
    assert!(replicas.iter().any(|replica| !replica.read_only && replica.site.is_some()), "{replicas:?}");
    let mut asked = 0;
    for replica in &replicas {
        // Others that may be listed need not run where the tests run.
        if let Ok(states) = directory.observe_on(replica, std::slice::from_ref(&account.id)).await {
            assert_eq!(states[0].as_ref().map(|state| state.password.version), Some(account.password.version));
            asked += 1;
        }
    }
    assert!(asked > 0, "the controller itself");
    stage.strike().await;
}
