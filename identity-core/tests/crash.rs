//! A crash at every step: the journal or the vault dies at its nth write, for every n, before or
//! after that write is durable. Each resume must end in the promised state.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

mod support;

use std::sync::Arc;

use identity_core::engine::RunEnd;
use identity_core::error::Result;
use identity_core::journal::{Finality, Journal, StopReason};
use identity_core::limits::OperationClass;
use identity_core::reset::{Action, SecretKind};
use testkit::fault::{Fault, FaultScript, When};
use testkit::memory::MemoryDirectory;
use testkit::organisation::Organisation;

use support::{Failing, World, everyone};

async fn crashed(world: &World, journal: i64, vault: i64, after_the_fact: bool) -> Result<RunEnd> {
    let journal = Failing::after(world.journal.clone(), journal, after_the_fact);
    let vault = Failing::after(world.vault.clone(), vault, after_the_fact);
    world.run_on(journal, vault).start().await?.finish().await
}

/// What an ordinary run appends and seals, as bounds for the crash points.
async fn writes_of_a_whole_run(accounts: u64, script: FaultScript) -> (i64, i64) {
    let world = World::faulty(accounts, script).await;
    let journal = Failing::after(world.journal.clone(), i64::MAX, false);
    let vault = Failing::after(world.vault.clone(), i64::MAX, false);
    world.run_on(journal.clone(), vault.clone()).start().await.unwrap().finish().await.unwrap();
    let spent = |left: &std::sync::atomic::AtomicI64| i64::MAX - left.load(std::sync::atomic::Ordering::SeqCst);
    (spent(&journal.left), spent(&vault.left))
}

fn script() -> FaultScript {
    FaultScript::new(9)
        .rule(When::write().every(11), Fault::CutAfterApply)
        .rule(When::write().every(13), Fault::CutBeforeApply)
        .rule(When::write().every(17), Fault::RefusePassword)
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_write_of_the_journal_loses_nobody_and_resets_nobody_twice() {
    let (appends, _) = writes_of_a_whole_run(90, script()).await;
    assert!(appends > 20, "{appends} crash points");
    for after_the_fact in [false, true] {
        for point in 0..appends {
            let world = World::faulty(90, script()).await;
            if let Ok(end) = crashed(&world, point, i64::MAX, after_the_fact).await {
                assert!(matches!(end.stopped, Some(StopReason::Fatal { .. })), "append {point}: {end:?}");
            }
            finish_and_check(&world, &format!("append {point}, after the fact: {after_the_fact}")).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_write_of_the_vault_loses_nobody_and_resets_nobody_twice() {
    let (_, seals) = writes_of_a_whole_run(90, script()).await;
    assert!(seals > 5, "{seals} crash points");
    for after_the_fact in [false, true] {
        for point in 0..seals {
            let world = World::faulty(90, script()).await;
            let end = crashed(&world, i64::MAX, point, after_the_fact).await.unwrap();
            assert!(matches!(end.stopped, Some(StopReason::Fatal { .. })), "seal {point}: {end:?}");
            finish_and_check(&world, &format!("seal {point}, after the fact: {after_the_fact}")).await;
        }
    }
}

async fn finish_and_check(world: &World, when: &str) {
    // Unknown outcomes that used up their attempts stay open; a second resume reads them back.
    for _ in 0..3 {
        assert_eq!(world.finish().await.stopped, None, "{when}");
    }
    let resets = world.resets();
    let seqs: Vec<u64> = resets.iter().map(|entry| entry.seq).collect();
    for (entry, progress) in resets.iter().zip(world.journal.progress(&seqs).await.unwrap()) {
        assert!(!progress.actions.is_empty(), "{when}: {} was lost", entry.name);
        for action in &progress.actions {
            assert!(action.finality.is_final(), "{when}: {} has no final outcome: {action:?}", entry.name);
        }
    }
    world.assert_each_has_one_password_that_the_vault_knows();
}

/// Two passes over each account, and a secret of the server at the end.
async fn two_passes() -> World {
    let methods = OperationClass::Named("methods");
    let directory = MemoryDirectory::builder("corp")
        .organisation(Organisation::new(7, 60))
        .faults(script())
        .class(Action::ResetAuthenticators, methods)
        .batch_of(methods, std::num::NonZeroU32::MIN)
        .build()
        .unwrap();
    let mut spec = everyone();
    spec.actions.workforce = vec![
        Action::SetPassword { must_change: true },
        Action::ResetAuthenticators,
        Action::RevokeSessions,
        Action::IssueAccessPass,
    ];
    World::planned(directory, spec).await
}

#[tokio::test(start_paused = true)]
async fn a_crash_in_either_pass_loses_nobody_and_no_pass() {
    let world = two_passes().await;
    let journal = Failing::after(world.journal.clone(), i64::MAX, false);
    let vault = Failing::after(world.vault.clone(), i64::MAX, false);
    world.run_on(journal.clone(), vault.clone()).start().await.unwrap().finish().await.unwrap();
    let spent = |left: &std::sync::atomic::AtomicI64| i64::MAX - left.load(std::sync::atomic::Ordering::SeqCst);
    let (appends, seals) = (spent(&journal.left), spent(&vault.left));
    assert!(appends > 60 && seals > 15, "{appends} and {seals} crash points");
    let points =
        (0..appends).step_by(3).map(|point| (point, i64::MAX)).chain((0..seals).map(|point| (i64::MAX, point)));
    for (append, seal) in points {
        let world = two_passes().await;
        let after_the_fact = (append ^ seal) & 1 == 0;
        let when = format!("append {append}, seal {seal}, after the fact: {after_the_fact}");
        // An error: not even the beginning could be recorded.
        drop(crashed(&world, append, seal, after_the_fact).await);
        finish_and_check(&world, &when).await;
        for entry in world.resets() {
            let passed = world.progress(&entry).await;
            if passed.action(Action::IssueAccessPass).is_none_or(|pass| matches!(pass.finality, Finality::Failed(_))) {
                continue;
            }
            let sealed = world.vault.sealed();
            let newest =
                sealed.iter().rfind(|one| one.entry == entry.seq && one.kind == SecretKind::AccessPass).unwrap();
            let honoured = world.directory.honours(&entry.id, SecretKind::AccessPass, &newest.password);
            assert!(honoured, "{when}: the vault's newest pass of {} is not the directory's", entry.name);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_failing_journal_stops_the_run_before_anything_more_is_sent() {
    let world = World::new(300).await;
    let journal = Failing::after(world.journal.clone(), 6, false);
    let end = world.run_on(journal, Arc::new(world.vault.clone())).start().await.unwrap().finish().await.unwrap();
    assert!(matches!(end.stopped, Some(StopReason::Fatal { .. })), "{end:?}");
    let intents = world.journal.head().await.unwrap().number;
    assert!(world.directory.writes() <= intents, "nothing is sent without a durable intent");
}
