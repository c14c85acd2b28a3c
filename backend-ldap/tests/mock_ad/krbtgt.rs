//! krbtgt, twice and not too soon.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use backend_ldap::LdapDirectory;
use backend_ldap::krbtgt::{KrbtgtReset, KrbtgtSettings, ServerKnows, Stage, TooEarly};
use identity_core::directory::Directory;
use identity_core::error::{Error, ErrorKind, Status};
use jiff::SignedDuration;
use testkit::fault::{Fault, When};
use testkit::mock_ad::MockAd;
use testkit::organisation::{SPECIAL, special};

use crate::stage::{NOWHERE, builder, config, connect, id};

fn brisk() -> KrbtgtSettings {
    KrbtgtSettings::default().patience(Duration::ZERO)
}

fn open(directory: &Arc<LdapDirectory>, path: &Path, settings: KrbtgtSettings) -> KrbtgtReset {
    KrbtgtReset::open(Arc::clone(directory), path, settings).expect("opens")
}

fn sets(mock: &MockAd) -> usize {
    mock.sets(&mock.organisation().account(special::KRBTGT).guid).len()
}

fn is_too_early(error: &Error) -> bool {
    let source = std::error::Error::source(error);
    error.kind() == ErrorKind::Conflict && source.is_some_and(|source| source.is::<TooEarly>())
}

/// Trap 15: a second reset before the tickets of the first key have run out breaks sign-in everywhere.
#[tokio::test(flavor = "multi_thread")]
async fn both_phases_with_the_wait_between_them_and_a_second_reset_before_its_time_is_refused() {
    let mock = builder().controller("DC2").start().await.expect("starts");
    let second = mock.named_replica("DC2").await.expect("starts");
    let directory = connect(config(&mock, &[&second])).await;
    let domain = directory.info().tenant.clone();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("krbtgt.jsonl");

    let mut reset = open(&directory, &path, brisk());
    let info = reset.info().await.expect("read");
    assert!(info.problems.is_empty(), "{info}");
    assert_eq!((info.functional_level, info.servers.len(), info.stage.clone()), (Some(7), 2, Stage::NotBegun));
    assert_eq!(info.read_only.iter().map(|account| account.name.as_str()).collect::<Vec<_>>(), ["krbtgt_21337"]);
    assert!(info.to_string().contains("dc2."), "{info}");

    // Not in the wrong order, not by the wrong name.
    let error = reset.phase_two(&domain).await.expect_err("phase one comes first");
    assert!(error.detail().contains("phase one is not done"), "{error}");
    assert_eq!(reset.phase_one("other.test").await.expect_err("the name").kind(), ErrorKind::InputInvalid);
    assert_eq!(sets(&mock), 0);

    let end = reset.phase_one(&domain).await.expect("phase one");
    assert_eq!((sets(&mock), end.already, end.converged()), (1, false, false), "{end}");
    assert_eq!(end.not_before.duration_since(end.last_set), SignedDuration::from_secs(10 * 3600 + 600));

    // Called again it sets nothing, and sees the other controller catch up.
    second.replicate_from(&mock);
    let again = reset.phase_one(&domain).await.expect("phase one again");
    assert_eq!((sets(&mock), again.already, again.converged()), (1, true, true));

    let error = reset.phase_two(&domain).await.expect_err("too early");
    assert!(is_too_early(&error) && error.to_string().contains(&end.not_before.to_string()), "{error}");
    assert!(error.retry_after().is_some_and(|wait| wait > Duration::from_secs(10 * 3600)));
    assert_eq!(sets(&mock), 1);

    // Another process, just before and just after the moment.
    drop(reset);
    let mut reset = open(&directory, &path, brisk());
    assert!(matches!(reset.stage(), Stage::OneDone { converged: true, .. }));
    mock.set_clock_skew(SignedDuration::from_secs(10 * 3600 + 500));
    assert!(is_too_early(&reset.phase_two(&domain).await.expect_err("still too early")));
    mock.set_clock_skew(SignedDuration::from_secs(10 * 3600 + 700));
    let end = reset.phase_two(&domain).await.expect("phase two");
    assert_eq!((sets(&mock), end.phase), (2, 2));
    second.replicate_from(&mock);
    assert!(reset.phase_two(&domain).await.expect("again").converged());
    assert_eq!(sets(&mock), 2);
    assert!(matches!(reset.stage(), Stage::BothDone { converged: true, .. }));
    // Nothing that was sent is in the file.
    let text = std::fs::read_to_string(&path).expect("read");
    assert!(!text.to_lowercase().contains("password\"") && text.lines().count() >= 7, "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn going_ahead_early_needs_the_domains_name_repeated() {
    let mock = builder().start().await.expect("starts");
    let directory = connect(config(&mock, &[])).await;
    let domain = directory.info().tenant.clone();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("krbtgt.jsonl");
    open(&directory, &path, brisk()).phase_one(&domain).await.expect("phase one");
    let error = open(&directory, &path, brisk().early("yes")).phase_two(&domain).await.expect_err("not the name");
    assert!(is_too_early(&error) && error.detail().contains("is not this domain's"), "{error}");
    open(&directory, &path, brisk().early(domain.to_uppercase())).phase_two(&domain).await.expect("phase two");
    assert_eq!(sets(&mock), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_by_somebody_else_counts_for_both_phases() {
    let mock = builder().start().await.expect("starts");
    let directory = connect(config(&mock, &[])).await;
    let domain = directory.info().tenant.clone();
    let folder = tempfile::tempdir().expect("a folder");
    let krbtgt = mock.organisation().account(special::KRBTGT).guid;
    mock.set_password(&krbtgt, "by an administrator an hour ago").expect("set");
    let mut first = open(&directory, &folder.path().join("a"), brisk());
    assert!(is_too_early(&first.phase_one(&domain).await.expect_err("it was just reset")));
    mock.set_clock_skew(SignedDuration::from_hours(11));
    first.phase_one(&domain).await.expect("phase one");
    mock.set_password(&krbtgt, "by an administrator again").expect("set");
    mock.set_clock_skew(SignedDuration::from_hours(40));
    let error = first.phase_two(&domain).await.expect_err("it would be the third");
    assert!(error.kind() == ErrorKind::Conflict && error.detail().contains("somebody has reset it"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_controller_that_cannot_be_asked_holds_up_unless_it_is_named() {
    let mock = builder().controller("RETIRED").read_only_controller("RO1").start().await.expect("starts");
    let host = |name: &str| format!("{name}.{}", mock.host().split_once('.').expect("a domain").1);
    let config = config(&mock, &[]).controller_url(host("retired"), NOWHERE).controller_url(host("ro1"), NOWHERE);
    let directory = connect(config).await;
    let domain = directory.info().tenant.clone();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("krbtgt.jsonl");
    let error = open(&directory, &path, brisk()).phase_one(&domain).await.expect_err("one is away");
    assert!(error.detail().contains("retired.") && !error.detail().contains("ro1."), "{error}");
    let error = open(&directory, &path, brisk().without("nobody")).phase_one(&domain).await.expect_err("no such name");
    assert!(error.detail().contains("no controller has that name"), "{error}");
    assert_eq!(sets(&mock), 0);
    let end = open(&directory, &path, brisk().without(host("retired"))).phase_one(&domain).await.expect("phase one");
    assert!(end.converged());
    let retired = end.servers.iter().find(|server| server.without).expect("listed all the same");
    assert!(matches!(retired.knows, ServerKnows::Unreachable(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_without_an_answer_is_read_back_and_never_sent_twice() {
    let krbtgt = |mock: &MockAd| When::write().on(id(mock, special::KRBTGT).as_str()).times(1);
    // It took effect: seen by reading back.
    let mock = builder().start().await.expect("starts");
    let directory = connect(config(&mock, &[])).await;
    let domain = directory.info().tenant.clone();
    let folder = tempfile::tempdir().expect("a folder");
    mock.add_fault(krbtgt(&mock), Fault::CutAfterApply);
    let mut reset = open(&directory, &folder.path().join("a"), brisk());
    reset.phase_one(&domain).await.expect("phase one");
    assert_eq!(sets(&mock), 1);
    let text = std::fs::read_to_string(folder.path().join("a")).expect("read");
    assert!(text.contains("\"read_back\":true"), "{text}");

    // The process ended between order and record: the next one reads back, and sends nothing.
    let cut: String = text
        .lines()
        .filter(|line| !line.contains("\"converged\"") && !line.contains("\"set\""))
        .fold(String::new(), |text, line| text + line + "\n");
    let path = folder.path().join("b");
    std::fs::write(&path, cut).expect("written");
    let mut reset = open(&directory, &path, brisk());
    assert_eq!(reset.stage(), Stage::Open { phase: 1 });
    assert!(reset.phase_two(&domain).await.expect_err("phase one is open").detail().contains("other phase is open"));
    reset.phase_one(&domain).await.expect("read back");
    assert_eq!(sets(&mock), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_may_land_late_is_not_followed_by_another() {
    let mock = builder().start().await.expect("starts");
    let directory = connect(config(&mock, &[])).await;
    let domain = directory.info().tenant.clone();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a");
    let on_krbtgt = When::write().on(id(&mock, special::KRBTGT).as_str()).times(1);
    mock.add_fault(on_krbtgt, Fault::CutBeforeApply);
    let mut reset = open(&directory, &path, brisk());
    let error = reset.phase_one(&domain).await.expect_err("no answer, and no change");
    assert_eq!(error.status(), Status::Unknown, "{error}");
    let error = reset.phase_one(&domain).await.expect_err("it may land yet");
    assert!(error.kind() == ErrorKind::Conflict && error.detail().contains("may take effect yet"), "{error}");
    assert_eq!(sets(&mock), 0);
    mock.set_clock_skew(SignedDuration::from_mins(11));
    reset.phase_one(&domain).await.expect("now it is sent again");
    assert_eq!(sets(&mock), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_canary_is_a_test_account_and_shows_who_is_behind() {
    let mock = builder().controller("DC2").start().await.expect("starts");
    let second = mock.named_replica("DC2").await.expect("starts");
    let directory = connect(config(&mock, &[&second])).await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut reset = open(&directory, &folder.path().join("a"), brisk());
    for unfit in [special::KRBTGT, special::ADMINISTRATOR, special::RUNNER, special::SERVICE] {
        let error = reset.canary(&id(&mock, unfit)).await.expect_err("no canary");
        assert_eq!(error.kind(), ErrorKind::Protected, "{error}");
        assert!(mock.untouched(&mock.organisation().account(unfit).guid));
    }
    let person = (SPECIAL..mock.organisation().len())
        .find(|index| {
            let account = mock.organisation().account(*index);
            account.truth.kind == identity_core::account::AccountKind::Person && account.truth.grounds.is_empty()
        })
        .expect("a person");
    let end = reset.canary(&id(&mock, person)).await.expect("reset");
    assert!(!end.converged());
    let behind: Vec<&str> =
        end.servers.iter().filter(|server| server.holds_up()).map(|server| server.name.as_str()).collect();
    assert_eq!(behind, [second.host()]);
    assert_eq!(sets(&mock), 0, "krbtgt itself is not touched");
}
