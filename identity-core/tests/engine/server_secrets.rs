//! Secrets that the server makes: sealed before anything else is done to the account, and a lost one
//! is superseded.

use std::num::NonZeroU32;
use std::sync::Arc;

use identity_core::directory::Backend;
use identity_core::journal::{Finality, StopReason};
use identity_core::plan::{Approval, Approvals, Disposition, Entry, PlanSpec};
use identity_core::report::{Report, Row};
use identity_core::reset::{Action, SecretKind};
use identity_core::vault::Vault;
use identity_core::verify::Verifier;
use testkit::fault::{Fault, FaultScript, When};
use testkit::memory::MemoryDirectory;
use testkit::organisation::Organisation;

use crate::support::{World, everyone};

fn spec() -> PlanSpec {
    let mut spec = everyone();
    let first = Action::SetPassword { must_change: false };
    spec.actions.workforce = vec![first, Action::RevokeSessions, Action::IssueAccessPass, Action::SendRecoveryLink];
    spec.waive_readiness("a test")
}

/// A person of the workforce who gets a password that is sealed.
fn is_one_of_many(entry: &Entry) -> bool {
    let Disposition::Reset { actions } = &entry.disposition else { return false };
    entry.wave.starts_with("workforce") && actions.len() == 4 && actions[0].needs_sealing()
}

async fn world(script: FaultScript) -> World {
    let builder = MemoryDirectory::builder("corp").organisation(Organisation::new(7, 150));
    World::planned(builder.faults(script).build().unwrap(), spec()).await
}

#[tokio::test(start_paused = true)]
async fn passes_and_links_go_to_the_vault_and_are_named_in_the_report() {
    let world = world(FaultScript::new(1)).await;
    assert_eq!(world.finish().await.stopped, None);
    let journal = Arc::new(world.journal.clone());
    let directory = Arc::clone(&world.directory) as Arc<dyn Backend>;
    Verifier::new(journal.clone()).directory(Arc::clone(&directory)).verify(&world.plan).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let report = Report::of_plan(journal, &world.plan).directories([directory]);
    report.write(world.plan.rows().unwrap(), folder.path()).await.unwrap();
    let text = std::fs::read_to_string(folder.path().join("report.json")).unwrap();
    let csv = std::fs::read_to_string(folder.path().join("report.csv")).unwrap();
    assert!(csv.contains("issue_access_pass=done") && csv.contains("send_recovery_link=done"));

    let mut seen = 0;
    for entry in world.resets().iter().filter(|entry| is_one_of_many(entry)) {
        let progress = world.progress(entry).await;
        let sealed = world.vault.sealed();
        for (action, kind) in
            [(Action::IssueAccessPass, SecretKind::AccessPass), (Action::SendRecoveryLink, SecretKind::RecoveryLink)]
        {
            let Finality::Done { server_secret: Some(reference), .. } = &progress.action(action).unwrap().finality
            else {
                panic!("{action} of {} has no secret: {progress:?}", entry.name);
            };
            let one: Vec<_> = sealed.iter().filter(|one| one.entry == entry.seq && one.kind == kind).collect();
            assert_eq!(one.len(), 1);
            let opened = world.vault.reopen(reference).await.unwrap().unwrap();
            assert_eq!(opened.expose(), one[0].password.expose());
            assert!(world.directory.honours(&entry.id, kind, &opened));
            assert!(!text.contains(opened.expose()) && !csv.contains(opened.expose()), "a secret is in the report");
        }
        // The password of the entry is what `sealed_for` gives, whatever was sealed after it.
        let passwords = world.vault.sealed_for(entry.seq).await.unwrap();
        assert_eq!(passwords.len(), 1);
        seen += 1;
    }
    assert!(seen > 50, "{seen}");
    let row = text.lines().find_map(|line| {
        serde_json::from_str::<Row>(line.trim_end_matches(',')).ok().filter(|row| row.sealed.len() == 3)
    });
    assert!(row.is_some(), "no row names three sealed secrets");
}

#[tokio::test(start_paused = true)]
async fn a_pass_whose_answer_is_lost_is_superseded_by_a_new_one() {
    let world = world(FaultScript::new(1)).await;
    let people: Vec<_> = world.resets().into_iter().filter(is_one_of_many).collect();
    let [cut, never, ..] = people.as_slice() else { panic!("two people") };
    // The fourth write of each is the pass.
    for (entry, fault) in [(cut, Fault::CutAfterApply), (never, Fault::CutBeforeApply)] {
        world.directory.break_nth(&entry.id, fault, 4);
    }
    assert_eq!(world.finish().await.stopped, None);
    for (entry, issued) in [(cut, 2), (never, 1)] {
        let passes = world.directory.issued(&entry.id);
        assert_eq!(passes.iter().filter(|(kind, _)| *kind == SecretKind::AccessPass).count(), issued, "{}", entry.name);
        let sealed = world.vault.sealed();
        let kept: Vec<_> =
            sealed.iter().filter(|one| one.entry == entry.seq && one.kind == SecretKind::AccessPass).collect();
        assert_eq!(kept.len(), 1);
        assert!(world.directory.honours(&entry.id, SecretKind::AccessPass, &kept[0].password));
        let progress = world.progress(entry).await;
        let noted = progress.notes.iter().filter(|note| note.contains("attempt 2 supersedes it")).count();
        assert_eq!(noted, 1, "{:?}", progress.notes);
    }
}

/// The process ends after the server issued a pass and before its answer is recorded.
#[tokio::test(start_paused = true)]
async fn a_pass_that_a_crash_lost_is_superseded_on_resume() {
    let world = world(FaultScript::new(1)).await;
    let vault = crate::support::Failing::after(world.vault.clone(), 8, false);
    let end = world.run_on(Arc::new(world.journal.clone()), vault).start().await.unwrap().finish().await.unwrap();
    assert!(end.stopped.is_some());
    assert_eq!(world.finish().await.stopped, None);
    let mut superseded = 0;
    for entry in world.resets().iter().filter(|entry| is_one_of_many(entry)) {
        let sealed = world.vault.sealed();
        let newest = sealed.iter().rfind(|one| one.entry == entry.seq && one.kind == SecretKind::AccessPass).unwrap();
        assert!(world.directory.honours(&entry.id, SecretKind::AccessPass, &newest.password), "{}", entry.name);
        let notes = world.progress(entry).await.notes;
        superseded += usize::from(notes.iter().any(|note| note.contains("supersedes it")));
    }
    assert!(superseded > 0, "no pass was lost: the crash came at another time");
    world.assert_each_has_one_password_that_the_vault_knows();
}

#[tokio::test(start_paused = true)]
async fn a_refusal_after_a_lost_answer_says_that_there_may_be_a_pass() {
    let world = world(FaultScript::new(1)).await;
    let one = world.resets().into_iter().find(is_one_of_many).unwrap();
    world.directory.break_next(&one.id, Fault::Forbid, 1);
    world.directory.break_nth(&one.id, Fault::CutAfterApply, 4);
    assert_eq!(world.finish().await.stopped, None);
    let progress = world.progress(&one).await;
    assert!(matches!(progress.action(Action::IssueAccessPass).unwrap().finality, Finality::Failed(_)), "{progress:?}");
    assert!(progress.notes.iter().any(|note| note.contains("that nobody has")), "{:?}", progress.notes);
}

#[tokio::test(start_paused = true)]
async fn any_lost_answer_ends_with_one_pass_that_the_vault_has() {
    let script = FaultScript::new(3).rule(When::write().every(7), Fault::CutAfterApply);
    let world = world(script).await;
    for _ in 0..3 {
        assert_eq!(world.finish().await.stopped, None);
    }
    for entry in world.resets().iter().filter(|entry| is_one_of_many(entry)) {
        let sealed = world.vault.sealed();
        let newest = sealed.iter().rfind(|one| one.entry == entry.seq && one.kind == SecretKind::AccessPass).unwrap();
        assert!(world.directory.honours(&entry.id, SecretKind::AccessPass, &newest.password), "{}", entry.name);
    }
    world.assert_each_has_one_password_that_the_vault_knows();
}

/// A vault that fails on what the server made hides nothing else of the same batch.
#[tokio::test(start_paused = true)]
async fn what_the_vault_does_not_take_hides_no_other_outcome() {
    let builder = MemoryDirectory::builder("corp").organisation(Organisation::new(7, 150));
    let mut spec = everyone();
    spec.actions.workforce = vec![Action::IssueAccessPass];
    spec.waves.canary = 0;
    let world = World::planned(builder.max_batch(NonZeroU32::new(20).unwrap()).build().unwrap(), spec).await;
    let only_a_pass = |entry: &Entry| matches!(&entry.disposition, Disposition::Reset { actions } if actions == &[Action::IssueAccessPass]);
    let passes: Vec<Entry> = world.resets().into_iter().filter(|entry| only_a_pass(entry)).collect();
    let refused = &passes[3];
    world.directory.break_next(&refused.id, Fault::Forbid, 1);
    let mut approvals = Approvals::default();
    approvals.push(Approval::of_wave(&world.plan, &refused.wave, "test").unwrap());
    let vault = crate::support::Failing::after(world.vault.clone(), 0, false);
    let run = world.run_on(Arc::new(world.journal.clone()), vault).approvals(approvals);
    let end = run.start().await.unwrap().finish().await.unwrap();
    assert!(matches!(end.stopped, Some(StopReason::Fatal { .. })), "{end:?}");
    let known = world.progress(refused).await;
    assert!(matches!(known.action(Action::IssueAccessPass).unwrap().finality, Finality::Failed(_)), "{known:?}");
    // Those whose pass the vault does not have are not called done.
    for entry in passes.iter().filter(|entry| entry.seq != refused.seq) {
        let known = world.progress(entry).await;
        let finality = known.action(Action::IssueAccessPass).map(|known| &known.finality);
        assert!(!matches!(finality, Some(Finality::Done { .. })), "{known:?}");
    }
}
