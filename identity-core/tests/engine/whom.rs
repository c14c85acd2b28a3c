//! Whom a run touches: what is planned and approved, and not what changed or is protected.

use std::sync::Arc;

use identity_core::account::AccountKind;
use identity_core::directory::Backend;
use identity_core::engine::Run;
use identity_core::error::ErrorKind;
use identity_core::journal::{Finality, Journal, StopReason};
use identity_core::plan::{Approval, Approvals, PlanRow, PlanSpec, Population};
use testkit::memory::MemoryDirectory;
use testkit::organisation::Organisation;

use crate::support::{World, everyone};

#[tokio::test(start_paused = true)]
async fn a_second_run_on_the_same_journal_touches_nothing() {
    let world = World::new(200).await;
    world.finish().await;
    let writes = world.directory.writes();
    let end = world.finish().await;
    assert_eq!(end.stopped, None);
    assert_eq!(world.directory.writes(), writes);
}

#[tokio::test(start_paused = true)]
async fn without_an_approval_nothing_is_touched() {
    let world = World::new(100).await;
    let error = world.run().approvals(Approvals::default()).start().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ApprovalMissing);
    assert_eq!(world.directory.writes(), 0);
    assert_eq!(world.journal.head().await.unwrap().number, 0);
}

#[tokio::test(start_paused = true)]
async fn only_approved_waves_are_touched_and_the_rest_can_follow() {
    let world = World::new(400).await;
    let mut approvals = Approvals::default();
    approvals.push(Approval::of_wave(&world.plan, "privileged", "test").unwrap());
    let end = world.run().approvals(approvals).start().await.unwrap().finish().await.unwrap();
    assert!(matches!(end.stopped, Some(StopReason::NotApproved { .. })), "{end:?}");
    for entry in world.resets() {
        let expected = u64::from(entry.wave == "privileged");
        assert_eq!(world.directory.times_set(&entry.id), expected, "{} in {}", entry.name, entry.wave);
    }
    assert_eq!(world.finish().await.stopped, None);
    world.assert_each_has_one_password_that_the_vault_knows();
}

#[tokio::test(start_paused = true)]
async fn an_approval_of_another_plan_is_refused() {
    let world = World::new(100).await;
    let other = World::new(120).await;
    let approvals = Approvals::approve_all(&other.plan, "test").unwrap();
    let error = world.run().approvals(approvals).start().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ApprovalMissing);
    assert_eq!(world.directory.writes(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_journal_of_another_plan_is_refused() {
    let first = World::new(100).await;
    first.finish().await;
    let second = World::new(120).await;
    let run = second.run_on(Arc::new(first.journal.clone()), Arc::new(second.vault.clone()));
    let error = run.start().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InputInvalid);
    assert_eq!(second.directory.writes(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_plan_of_another_directory_is_refused() {
    let world = World::new(100).await;
    let missing = Run::new(world.plan.clone(), Arc::new(world.journal.clone()), Arc::new(world.vault.clone()))
        .approvals(Approvals::approve_all(&world.plan, "test").unwrap());
    assert_eq!(missing.start().await.unwrap_err().kind(), ErrorKind::ConfigInvalid);

    let stranger = MemoryDirectory::builder("corp")
        .organisation(Organisation::new(7, 100).with_domain("other.test"))
        .build()
        .unwrap();
    let wrong = Run::new(world.plan.clone(), Arc::new(world.journal.clone()), Arc::new(world.vault.clone()))
        .directory(stranger.clone() as Arc<dyn Backend>)
        .approvals(Approvals::approve_all(&world.plan, "test").unwrap());
    assert_eq!(wrong.start().await.unwrap_err().kind(), ErrorKind::ConfigInvalid);
    assert_eq!(stranger.writes(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_changed_between_plan_and_touch_is_noticed() {
    let world = World::new(400).await;
    let people: Vec<_> =
        world.resets().into_iter().filter(|entry| entry.wave.starts_with("workforce")).take(5).collect();
    let [renamed, moved, promoted, deleted, disabled] = people.as_slice() else { panic!("five people") };
    world.directory.rename(&renamed.id, "somebody.else");
    world.directory.move_to(&moved.id, "CN=moved,DC=corp,DC=example,DC=test");
    world.directory.join(&promoted.id, "Domain Admins");
    world.directory.delete(&deleted.id);
    world.directory.set_enabled(&disabled.id, false);
    world.finish().await;

    for (entry, word) in [(renamed, "renamed"), (moved, "moved"), (disabled, "disabled")] {
        let progress = world.progress(entry).await;
        assert!(progress.notes.iter().any(|note| note.contains(word)), "{word}: {:?}", progress.notes);
        assert_eq!(world.directory.times_set(&entry.id), 1, "{word}");
    }
    for (entry, kind) in [(promoted, ErrorKind::PlanDrift), (deleted, ErrorKind::AccountNotFound)] {
        assert_eq!(world.directory.times_set(&entry.id), 0);
        let progress = world.progress(entry).await;
        assert!(
            progress
                .actions
                .iter()
                .all(|known| matches!(&known.finality, Finality::Failed(error) if error.kind == kind)),
            "{progress:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn when_privilege_cannot_be_read_any_more_nobody_ordinary_is_touched() {
    let world = World::new(200).await;
    for _ in world.plan.waves() {
        world.directory.hide_memberships();
    }
    let end = world.finish().await;
    assert!(
        matches!(&end.stopped, Some(StopReason::Fatal { error }) if error.text.contains("cannot be read in full")),
        "{end:?}"
    );
    for entry in world.resets().iter().filter(|entry| entry.population != Population::Privileged) {
        assert_eq!(world.directory.times_set(&entry.id), 0, "{}", entry.name);
        assert!(world.progress(entry).await.actions.is_empty(), "nothing is final: a resume goes on");
    }
    // Readable again, for the waves that are left and those that come twice.
    while world.finish().await.stopped.is_some() {}
    world.assert_each_has_one_password_that_the_vault_knows();
}

#[tokio::test(start_paused = true)]
async fn a_run_does_not_begin_on_a_vault_whose_journal_is_lost() {
    let world = World::new(100).await;
    world.finish().await;
    let writes = world.directory.writes();
    let empty = Arc::new(identity_core::journal::MemoryJournal::new());
    let error = world.run_on(empty, Arc::new(world.vault.clone())).start().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InputInvalid);
    assert_eq!(world.directory.writes(), writes);
}

#[tokio::test(start_paused = true)]
async fn whoever_was_protected_since_the_plan_is_spared() {
    let world = World::new(100).await;
    let spared = world.resets().into_iter().find(|entry| entry.wave.starts_with("workforce")).unwrap();
    let listed = [(&spared.directory, spared.name.as_str())];
    world.run().protect(listed).start().await.unwrap().finish().await.unwrap();
    assert_eq!(world.directory.times_set(&spared.id), 0);
    assert!(world.directory.touched().len() > 50);
}

/// Promise 2: protected kinds, the run's own account and the configured ones are never touched,
/// even when a selection names nobody else.
#[tokio::test(start_paused = true)]
async fn the_protected_are_never_touched_even_when_listed() {
    let directory = MemoryDirectory::builder("corp").organisation(Organisation::new(7, 300)).build().unwrap();
    let everyone = World::planned(Arc::clone(&directory), everyone()).await;
    let protected: Vec<_> = everyone
        .plan
        .rows()
        .unwrap()
        .filter_map(|row| match row.unwrap() {
            PlanRow::LeftOut { id, kind, .. } if kind.protected_because().is_some() => Some((id, kind)),
            _ => None,
        })
        .collect();
    for kind in
        [AccountKind::KerberosTicketGranting, AccountKind::Computer, AccountKind::Trust, AccountKind::ManagedService]
    {
        assert!(protected.iter().any(|(_, known)| *known == kind), "the organisation has a {kind}");
    }
    let names: Vec<String> = protected.iter().map(|(id, _)| id.to_string()).collect();
    let listed = PlanSpec::default().select(identity_core::plan::Selection::listed(names));
    let world = World::planned(directory, listed).await;
    assert_eq!(world.resets().len(), 0);
}
