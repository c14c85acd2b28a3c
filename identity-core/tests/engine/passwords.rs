//! One password for each account, the one that the vault names last, whatever goes wrong.

use std::sync::Arc;
use std::time::Duration;

use identity_core::directory::{AccountEnumerator, PasswordPolicy};
use identity_core::error::ErrorKind;
use identity_core::journal::Finality;
use identity_core::reset::{Action, Secret};
use testkit::fault::{Fault, FaultScript, When};

use crate::support::World;

#[tokio::test(start_paused = true)]
async fn a_run_gives_every_planned_account_one_password_that_the_vault_knows() {
    let world = World::new(400).await;
    let end = world.finish().await;
    assert_eq!(end.stopped, None);
    assert_eq!(end.held, 0);
    assert!(world.resets().len() > 200);
    world.assert_each_has_one_password_that_the_vault_knows();
    let mut signed_in = 0;
    for entry in world.resets() {
        let progress = world.progress(&entry).await;
        assert!(progress.actions.iter().all(|action| matches!(action.finality, Finality::Done { .. })));
        let now = world.directory.lookup(std::slice::from_ref(&entry.id)).await.unwrap().remove(0).unwrap();
        let usable = now.state.enabled && !now.state.locked && now.state.expires.is_none();
        if let Some(password) = world.sealed(&entry).pop().filter(|_| usable) {
            assert!(world.directory.sign_in(&entry.id, &password).took_password(), "{}", entry.name);
            signed_in += 1;
        }
    }
    assert!(signed_in > 150, "{signed_in} signed in");
}

/// Every fault of the vocabulary, on one write in five: each account still ends with one password.
#[tokio::test(start_paused = true)]
async fn whatever_happens_on_the_wire_each_account_ends_with_one_password() {
    let faults = [
        Fault::CutBeforeApply,
        Fault::CutAfterApply,
        Fault::CutMidAnswer,
        Fault::NeverAnswer,
        Fault::Swallow,
        Fault::Busy,
        Fault::Unavailable,
        Fault::Slow(Duration::from_secs(7)),
        Fault::NoticeOfDisconnection,
        Fault::GarbledMessage,
    ];
    for fault in faults {
        let script = FaultScript::new(11).rule(When::write().chance(0.2), fault.clone());
        let world = World::faulty(300, script).await;
        for attempt in 0.. {
            let end = world.finish().await;
            assert_eq!(end.stopped, None, "{fault:?}");
            let mut open = 0;
            for entry in world.resets() {
                let progress = world.progress(&entry).await;
                open += usize::from(!progress.actions.iter().all(|action| action.finality.is_final()));
            }
            if open == 0 {
                break;
            }
            assert!(attempt < 5, "{fault:?}: {open} accounts are open after {attempt} resumes");
        }
        let failed: Vec<_> = failures(&world).await;
        assert!(failed.len() <= 3, "{fault:?}: given up after four attempts: {failed:?}");
        for entry in world.resets().into_iter().filter(|entry| !failed.contains(&entry.name)) {
            let set = world.directory.passwords_set(&entry.id);
            assert_eq!(set.len(), 1, "{fault:?}: {} was given {} passwords", entry.name, set.len());
        }
        world.assert_only_the_plan();
    }
}

async fn failures(world: &World) -> Vec<String> {
    let mut failed = Vec::new();
    for entry in world.resets() {
        let progress = world.progress(&entry).await;
        if progress.actions.iter().any(|action| matches!(action.finality, Finality::Failed(_))) {
            failed.push(entry.name);
        }
    }
    failed
}

#[tokio::test(start_paused = true)]
async fn a_refused_password_is_replaced_three_times_at_most() {
    // Once for everybody in the first place, for ever for one.
    let world = World::faulty(200, FaultScript::new(3).rule(When::write().every(7), Fault::RefusePassword)).await;
    world.finish().await;
    world.assert_each_has_one_password_that_the_vault_knows();

    let world = World::faulty(200, FaultScript::new(3).rule(When::write(), Fault::RefusePassword)).await;
    world.finish().await;
    for entry in world.resets() {
        let progress = world.progress(&entry).await;
        let password = progress.actions.first().unwrap();
        if password.action.needs_sealing() {
            assert_eq!(world.sealed(&entry).len(), 3, "{}", entry.name);
            assert_eq!(password.attempt, 3);
        }
        assert!(matches!(&password.finality, Finality::Failed(error) if error.kind == ErrorKind::PasswordRejected));
    }
    assert_eq!(world.directory.touched().len(), 0);
}

/// The one without an answer may be why the policy refuses: it is not replaced, and not called failed.
#[tokio::test(start_paused = true)]
async fn a_refusal_after_an_unknown_outcome_brings_no_other_password() {
    let world = World::new(100).await;
    let one = world.resets().into_iter().find(|entry| entry.wave.starts_with("workforce")).unwrap();
    // The later rule is asked first: no answer, then refused.
    world.directory.break_next(&one.id, Fault::RefusePassword, 1);
    world.directory.break_next(&one.id, Fault::CutBeforeApply, 1);
    world.finish().await;
    assert_eq!(world.sealed(&one).len(), 1);
    assert_eq!(world.progress(&one).await.actions[0].finality, Finality::Open);
    assert_eq!(world.directory.times_set(&one.id), 0);

    world.finish().await;
    assert_eq!(world.sealed(&one).len(), 1, "the same password, sent again");
    world.assert_each_has_one_password_that_the_vault_knows();
}

#[tokio::test(start_paused = true)]
async fn generated_passwords_meet_the_directorys_policy() {
    let mut policy = PasswordPolicy::default();
    policy.min_length = 40;
    policy.complexity = true;
    let world = World::with(150, |builder| builder.policy(policy)).await;
    world.finish().await;
    world.assert_each_has_one_password_that_the_vault_knows();
    for entry in world.resets() {
        for password in world.sealed(&entry) {
            assert!(password.expose().len() >= 40);
        }
    }
}

/// A password that may have been sent and cannot be opened again is never replaced.
#[tokio::test(start_paused = true)]
async fn without_the_identity_an_account_is_held_rather_than_given_a_second_password() {
    let world = World::faulty(80, FaultScript::new(5).rule(When::write(), Fault::Swallow)).await;
    let first = world.finish().await;
    assert_eq!(first.stopped, None);
    let sealed = world.vault.sealed().len();

    let blind = Arc::new(Blind(world.vault.clone()));
    let end = world.run_on(Arc::new(world.journal.clone()), blind).start().await.unwrap().finish().await.unwrap();
    assert!(end.held > 0);
    assert_eq!(world.vault.sealed().len(), sealed, "no second password was generated");
}

/// A vault that holds no key to open what it sealed.
#[derive(Debug)]
struct Blind(identity_core::vault::MemoryVault);

#[async_trait::async_trait]
impl identity_core::vault::Vault for Blind {
    async fn seal(
        &self,
        passwords: Vec<identity_core::vault::Sealing>,
    ) -> identity_core::error::Result<Vec<identity_core::vault::SealedRef>> {
        self.0.seal(passwords).await
    }

    async fn reopen(&self, _: &identity_core::vault::SealedRef) -> identity_core::error::Result<Option<Secret>> {
        Ok(None)
    }

    async fn sealed_for(&self, entry: u64) -> identity_core::error::Result<Vec<identity_core::vault::SealedRef>> {
        self.0.sealed_for(entry).await
    }

    async fn is_empty(&self) -> identity_core::error::Result<bool> {
        self.0.is_empty().await
    }
}

#[test]
fn actions_are_ordered_so_that_the_door_is_closed_before_sessions_end() {
    assert!(Action::SetPassword { must_change: true }.rank() < Action::RevokeSessions.rank());
    assert!(Action::Disable.rank() < Action::SetPassword { must_change: false }.rank());
    assert!(Action::RevokeSessions.rank() < Action::Unlock.rank());
}
