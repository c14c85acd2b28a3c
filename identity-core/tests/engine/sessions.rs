//! Revoked sessions: read back where the directory tells from when on they are valid.

use std::sync::Arc;

use futures::StreamExt;
use identity_core::account::{Account, AccountId, AccountKind, DirectoryId, PasswordAuthority};
use identity_core::directory::{Backend, Capabilities, Directory};
use identity_core::engine::Progress;
use identity_core::journal::{Event, Finality, Journal, StopReason, Verdict};
use identity_core::report::{Report, Summary};
use identity_core::reset::Action;
use identity_core::verify::{Verifier, VerifyCounts};
use testkit::fault::Fault;
use testkit::memory::MemoryDirectory;

use crate::support::{World, everyone};

const SET: Action = Action::SetPassword { must_change: false };

/// People whose password is mastered on-prem: here only their sessions can be ended.
async fn hybrid(shape: impl FnOnce(Capabilities) -> Capabilities) -> World {
    let directory = DirectoryId::new("corp").unwrap();
    let person = |number| {
        let id = AccountId::new(format!("h{number}")).unwrap();
        let mut account = Account::new(directory.clone(), id, format!("h{number}"), AccountKind::Person);
        account.authority = PasswordAuthority::OnPrem;
        account.created = Some("2020-01-01T00:00:00Z".parse().unwrap());
        account
    };
    let can = MemoryDirectory::builder("corp").build().unwrap().capabilities();
    let builder = MemoryDirectory::builder("corp").accounts((0..30).map(person)).capabilities(shape(can));
    World::planned(builder.build().unwrap(), everyone()).await
}

async fn verified(world: &World) -> (VerifyCounts, Summary) {
    let journal = Arc::new(world.journal.clone());
    let directory = Arc::clone(&world.directory) as Arc<dyn Backend>;
    let counts = Verifier::new(journal.clone()).directory(Arc::clone(&directory)).verify(&world.plan).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let report = Report::of_plan(journal, &world.plan).directories([directory]);
    (counts, report.write(world.plan.rows().unwrap(), folder.path()).await.unwrap())
}

#[tokio::test(start_paused = true)]
async fn an_unknown_revocation_is_read_back_before_it_is_repeated() {
    let world = hybrid(|can| can).await;
    let resets = world.resets();
    world.directory.break_next(&resets[3].id, Fault::CutAfterApply, 1);
    world.directory.break_next(&resets[4].id, Fault::CutBeforeApply, 1);
    assert_eq!(world.finish().await.stopped, None);
    for (place, attempts, was_read_back) in [(3, 1, true), (4, 2, false), (5, 1, false)] {
        let progress = world.progress(&resets[place]).await;
        let known = progress.action(Action::RevokeSessions).unwrap();
        assert_eq!(known.attempt, attempts, "{place}");
        assert!(matches!(known.finality, Finality::Done { read_back, .. } if read_back == was_read_back), "{known:?}");
    }
    assert_eq!(world.directory.writes(), 31);
}

/// Until a new password is synchronised the old one opens sessions anew: they end some time after it.
#[tokio::test(start_paused = true)]
async fn sessions_elsewhere_end_after_the_new_passwords_had_time_to_arrive() {
    let directory = DirectoryId::new("corp").unwrap();
    let person = |number: u32| {
        let id = AccountId::new(format!("p{number}")).unwrap();
        let mut account = Account::new(directory.clone(), id, format!("p{number}"), AccountKind::Person);
        if number >= 20 {
            account.authority = PasswordAuthority::OnPrem;
        }
        account
    };
    let mut spec = everyone();
    spec.actions.workforce = vec![SET, Action::RevokeSessions];
    let world =
        World::planned(MemoryDirectory::builder("corp").accounts((0..40).map(person)).build().unwrap(), spec).await;
    assert_eq!(world.finish().await.stopped, None);
    let elsewhere: Vec<u64> =
        world.resets().into_iter().filter(|entry| entry.wave == "elsewhere").map(|entry| entry.seq).collect();
    assert_eq!(elsewhere.len(), 20);
    let (mut last_password, mut first_session) = (None, None);
    let mut records = world.journal.records(1);
    while let Some(record) = records.next().await {
        let record = record.unwrap();
        match record.event {
            Event::Done { action, .. } if action == SET => last_password = Some(record.at),
            Event::Intent { entry, .. } if elsewhere.contains(&entry) => {
                first_session.get_or_insert(record.at);
            }
            _ => {}
        }
    }
    let waited = first_session.unwrap().duration_since(last_password.unwrap());
    assert!(waited.as_secs() >= 180, "{waited:?}");
}

/// A cancel in that time is a stop, and a resume ends the sessions.
#[tokio::test(start_paused = true)]
async fn a_run_that_is_cancelled_while_it_waits_is_not_finished() {
    let directory = DirectoryId::new("corp").unwrap();
    let person = |number: u32| {
        let id = AccountId::new(format!("p{number}")).unwrap();
        let mut account = Account::new(directory.clone(), id, format!("p{number}"), AccountKind::Person);
        if number >= 5 {
            account.authority = PasswordAuthority::OnPrem;
        }
        account
    };
    let mut spec = everyone();
    spec.actions.workforce = vec![SET, Action::RevokeSessions];
    let world =
        World::planned(MemoryDirectory::builder("corp").accounts((0..10).map(person)).build().unwrap(), spec).await;
    let mut running = world.run().start().await.unwrap();
    while let Some(progress) = running.next().await {
        if matches!(progress, Progress::Waiting { .. }) {
            running.cancel();
        }
    }
    assert_eq!(running.finish().await.unwrap().stopped, Some(StopReason::Cancelled));
    let one = world.resets().into_iter().find(|entry| entry.wave == "elsewhere").unwrap();
    assert!(world.progress(&one).await.action(Action::RevokeSessions).is_none());
    assert_eq!(world.finish().await.stopped, None);
    assert!(world.progress(&one).await.action(Action::RevokeSessions).unwrap().finality.is_final());
}

/// Beside a set of the password the mark does not tell which of the two moved it.
#[tokio::test(start_paused = true)]
async fn an_unknown_revocation_after_a_set_is_repeated() {
    let directory = DirectoryId::new("corp").unwrap();
    let person = |number: u32| {
        let id = AccountId::new(format!("p{number}")).unwrap();
        Account::new(directory.clone(), id, format!("p{number}"), AccountKind::Person)
    };
    let builder = MemoryDirectory::builder("corp").accounts((0..10).map(person));
    let mut spec = everyone();
    spec.actions.workforce = vec![SET, Action::RevokeSessions];
    let world = World::planned(builder.build().unwrap(), spec).await;
    let one = world.resets()[2].clone();
    world.directory.break_nth(&one.id, Fault::CutAfterApply, 2);
    assert_eq!(world.finish().await.stopped, None);
    let progress = world.progress(&one).await;
    let known = progress.action(Action::RevokeSessions).unwrap();
    assert_eq!((known.attempt, progress.action(SET).unwrap().attempt), (2, 1));
    let (counts, summary) = verified(&world).await;
    assert_eq!((counts.changed, summary.accounts.verified), (10, 10), "{counts:?}");
}

#[tokio::test(start_paused = true)]
async fn who_only_loses_sessions_is_verified_where_the_directory_tells() {
    let world = hybrid(|can| can).await;
    assert_eq!(world.finish().await.stopped, None);
    let (counts, summary) = verified(&world).await;
    assert!(counts.is_clean() && counts.changed == 30, "{counts:?}");
    assert_eq!(summary.accounts.verified, 30);
}

#[tokio::test(start_paused = true)]
async fn and_stays_unknown_where_it_does_not() {
    let world = hybrid(|mut can| {
        can.observe_sessions = false;
        can
    })
    .await;
    assert_eq!(world.finish().await.stopped, None);
    let (counts, summary) = verified(&world).await;
    assert_eq!(counts, VerifyCounts::default());
    assert_eq!((summary.accounts.unknown, summary.left.by_hand), (30, 30));
}

/// A directory that confirms and does nothing, for half a minute or for good.
#[tokio::test(start_paused = true)]
async fn a_mark_that_moves_late_is_waited_for_and_one_that_never_moves_is_no_success() {
    let world = hybrid(|can| can).await;
    let resets = world.resets();
    world.directory.confirm_early(&resets[1].id, std::time::Duration::from_secs(30));
    world.directory.confirm_early(&resets[2].id, std::time::Duration::from_secs(3600));
    assert_eq!(world.finish().await.stopped, None);
    let (counts, summary) = verified(&world).await;
    assert_eq!((counts.changed, counts.unchanged), (29, 1), "{counts:?}");
    assert_eq!((summary.accounts.verified, summary.accounts.failed), (29, 1));
    let never = world.progress(&resets[2]).await;
    assert_eq!(never.verdict.map(|(verdict, _)| verdict), Some(Verdict::Unchanged));
    assert!(never.notes.iter().any(|note| note.contains("sessions from before the order")), "{:?}", never.notes);
}
