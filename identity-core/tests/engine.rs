//! The engine on the directory in memory, in virtual time: what it does, what it refuses, how it
//! stops.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

mod support;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use identity_core::account::AccountKind;
use identity_core::directory::{AccountEnumerator, Backend, PasswordPolicy, RateLimitedBatching};
use identity_core::engine::{Guardrails, Progress, Run};
use identity_core::error::ErrorKind;
use identity_core::journal::{Finality, Journal, StopReason};
use identity_core::limits::{OperationClass, Quota, clock};
use identity_core::plan::{Approval, Approvals, PlanRow, PlanSpec, Population};
use identity_core::reset::{Action, Secret};
use testkit::fault::{Fault, FaultScript, When};
use testkit::memory::MemoryDirectory;
use testkit::organisation::Organisation;

use support::{World, everyone};

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

#[tokio::test(start_paused = true)]
async fn refusals_in_a_row_stop_the_run_and_a_resume_goes_on() {
    let directory = MemoryDirectory::builder("corp")
        .organisation(Organisation::new(7, 600))
        .faults(FaultScript::new(1).rule(When::write().times(40), Fault::Forbid))
        .build()
        .unwrap();
    let world = World::planned(directory, everyone()).await;
    let end = world.run().guardrails(Guardrails::default()).start().await.unwrap().finish().await.unwrap();
    assert!(matches!(end.stopped, Some(StopReason::FailureBudget { .. })), "the canary allows no failure: {end:?}");
    assert!(world.directory.writes() < 40);
    let touched = world.directory.touched().len();
    assert_eq!(touched, 0);
    let end = world.finish().await;
    assert_eq!(end.stopped, None);
}

#[tokio::test(start_paused = true)]
async fn a_stop_file_stops_and_a_resume_finishes() {
    let folder = tempfile::tempdir().unwrap();
    let stop = folder.path().join("STOP");
    let world = World::with(600, |builder| builder.write_latency(Duration::from_millis(50))).await;
    let mut guardrails = Guardrails::default();
    guardrails.stop_file = Some(stop.clone());
    let mut running = world.run().guardrails(guardrails).start().await.unwrap();
    let mut ended = 0;
    let mut said = false;
    while let Some(progress) = running.next().await {
        match progress {
            Progress::EntryEnded { .. } => {
                ended += 1;
                if ended == 20 {
                    std::fs::write(&stop, "").unwrap();
                }
            }
            Progress::Stopping { .. } => said = true,
            _ => {}
        }
    }
    let end = running.finish().await.unwrap();
    assert!(said);
    assert!(matches!(end.stopped, Some(StopReason::StopFile { .. })), "{end:?}");
    let all = world.resets().len();
    assert!(world.directory.touched().len() < all, "it stopped before its end");
    assert_eq!(world.finish().await.stopped, None);
    world.assert_each_has_one_password_that_the_vault_knows();
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_run_finishes_what_is_in_flight() {
    let world = World::with(600, |builder| builder.write_latency(Duration::from_millis(50))).await;
    let mut running = world.run().start().await.unwrap();
    while let Some(progress) = running.next().await {
        if matches!(progress, Progress::EntryEnded { .. }) {
            running.cancel();
        }
    }
    assert_eq!(running.finish().await.unwrap().stopped, Some(StopReason::Cancelled));
    for entry in world.resets() {
        let progress = world.progress(&entry).await;
        for action in &progress.actions {
            assert_ne!(action.finality, Finality::Open, "{}: an answer came and was recorded", entry.name);
        }
    }
    world.finish().await;
    world.assert_each_has_one_password_that_the_vault_knows();
}

/// Promise 7: the whole share is used, and the directory never has to say no.
#[tokio::test(start_paused = true)]
async fn a_quota_is_used_to_98_percent_and_never_exceeded() {
    let writes = NonZeroU32::new(20).unwrap();
    let quota = Quota::new("writes", writes, Duration::from_secs(1), OperationClass::Write);
    let world = World::with(3_000, |builder| builder.quota(quota).latency(Duration::from_millis(30))).await;
    let began = clock::instant();
    world.finish().await;
    let took = clock::instant().duration_since(began).as_secs_f64();
    let stats = world.directory.governor().stats();
    let ideal = world.directory.writes() as f64 / 20.0;
    assert_eq!(stats.throttled, 0);
    assert!(took * 0.98 <= ideal, "{took:.1} s where {ideal:.1} s are possible");
    world.assert_each_has_one_password_that_the_vault_knows();
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_throttling_is_sat_out() {
    let world = World::with(300, |builder| {
        builder.storm(Duration::from_secs(1), Duration::from_secs(600)).latency(Duration::from_millis(100))
    })
    .await;
    let end = world.finish().await;
    assert_eq!(end.stopped, None);
    world.assert_each_has_one_password_that_the_vault_knows();
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
