//! Passwords of the directory's own making and resets to recovery: what is lost with an answer is
//! superseded, and each class that closes the door leads at its own pace.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt;
use identity_core::account::{Account, AccountId, AccountKind, DirectoryId};
use identity_core::directory::Backend;
use identity_core::journal::{Event, Finality, Journal, Verdict};
use identity_core::limits::{OperationClass, Quota};
use identity_core::plan::{Disposition, Entry, PlanSpec};
use identity_core::report::{Report, Row, RowResult};
use identity_core::reset::{Action, Secret, SecretKind};
use identity_core::vault::Vault;
use identity_core::verify::Verifier;
use testkit::conformance::SignIn;
use testkit::fault::{Fault, FaultScript, When};
use testkit::memory::{MemoryBuilder, MemoryDirectory};

use crate::support::{Failing, World, everyone};

const TEMPORARY: Action = Action::SetTemporaryPassword;
const BY_MAIL: Action = Action::ResetToRecovery { mail: true };
const BY_LINK: Action = Action::ResetToRecovery { mail: false };
const SET: Action = Action::SetPassword { must_change: false };
const USERS: OperationClass = OperationClass::Named("users");
const METHODS: OperationClass = OperationClass::Named("methods");

fn spec(actions: &[Action]) -> PlanSpec {
    let mut spec = everyone();
    spec.actions.workforce = actions.to_vec();
    spec.waves.canary = 0;
    spec.waive_readiness("a test")
}

fn people(count: u32) -> Vec<Account> {
    let directory = DirectoryId::new("corp").unwrap();
    let person = |number| {
        let id = AccountId::new(format!("person-{number:05}")).unwrap();
        Account::new(directory.clone(), id, format!("p{number}"), AccountKind::Person)
    };
    (0..count).map(person).collect()
}

async fn world(count: u32, actions: &[Action]) -> World {
    World::planned(MemoryDirectory::builder("corp").accounts(people(count)).build().unwrap(), spec(actions)).await
}

fn kept(world: &World, entry: &Entry, kind: SecretKind) -> Vec<Secret> {
    let sealed = world.vault.sealed().into_iter();
    sealed.filter(|one| one.entry == entry.seq && one.kind == kind).map(|one| one.password).collect()
}

/// The newest temporary password of the vault is the one in force, and asks for a change.
fn assert_signs_in(world: &World, entry: &Entry) {
    let newest = kept(world, entry, SecretKind::TemporaryPassword).pop().unwrap();
    assert_eq!(world.directory.sign_in(&entry.id, &newest), SignIn::MustChange, "{}", entry.name);
}

async fn verdicts(world: &World) -> Vec<Verdict> {
    let directory = Arc::clone(&world.directory) as Arc<dyn Backend>;
    Verifier::new(Arc::new(world.journal.clone())).directory(directory).verify(&world.plan).await.unwrap();
    let mut all = Vec::new();
    for entry in world.resets() {
        all.extend(world.progress(&entry).await.verdict.map(|(verdict, _)| verdict));
    }
    all
}

async fn rows(world: &World) -> (Vec<Row>, String) {
    let folder = tempfile::tempdir().unwrap();
    let report = Report::of_plan(Arc::new(world.journal.clone()), &world.plan)
        .directories([Arc::clone(&world.directory) as Arc<dyn Backend>]);
    report.write(world.plan.rows().unwrap(), folder.path()).await.unwrap();
    let text = std::fs::read_to_string(folder.path().join("report.json")).unwrap();
    (text.lines().filter_map(|line| serde_json::from_str(line.trim_end_matches(',')).ok()).collect(), text)
}

#[tokio::test(start_paused = true)]
async fn a_temporary_password_is_the_vaults_and_is_verified() {
    let world = world(30, &[TEMPORARY, Action::RevokeSessions]).await;
    assert_eq!(world.finish().await.stopped, None);
    assert_eq!(verdicts(&world).await, [Verdict::Changed; 30]);
    let (rows, text) = rows(&world).await;
    assert!(rows.iter().all(|row| row.result == RowResult::Verified && row.sealed.len() == 1), "{rows:?}");
    for entry in world.resets() {
        assert_signs_in(&world, &entry);
        let old = world.directory.initial_password(&entry.id).unwrap();
        assert_eq!(world.directory.sign_in(&entry.id, &old), SignIn::Refused);
        let temporary = kept(&world, &entry, SecretKind::TemporaryPassword);
        assert!(temporary.len() == 1 && !text.contains(temporary[0].expose()));
        assert!(world.vault.sealed_for(entry.seq).await.unwrap().is_empty(), "no password of ours");
    }
    let first = world.resets().remove(0);
    identity_core::limits::clock::sleep(Duration::from_secs(60)).await;
    world.directory.set_by_somebody_else(&first.id, &Secret::new("Chosen-by-its-owner-1".into()));
    let directory = Arc::clone(&world.directory) as Arc<dyn Backend>;
    Verifier::new(Arc::new(world.journal.clone())).directory(directory).again().verify(&world.plan).await.unwrap();
    assert_eq!(world.progress(&first).await.verdict.unwrap().0, Verdict::ChangedByOwner);
}

#[tokio::test(start_paused = true)]
async fn a_temporary_password_whose_answer_is_lost_is_superseded_although_the_account_shows_it() {
    let world = world(5, &[TEMPORARY]).await;
    let [cut, before, never, ..] = &world.resets()[..] else { panic!("three people") };
    for (entry, fault) in [(cut, Fault::CutAfterApply), (before, Fault::CutBeforeApply), (never, Fault::NeverAnswer)] {
        world.directory.break_next(&entry.id, fault, 1);
    }
    assert_eq!(world.finish().await.stopped, None);
    for (entry, made) in [(cut, 2), (before, 1), (never, 2)] {
        assert_eq!(world.directory.times_set(&entry.id), made, "{}", entry.name);
        assert_eq!(kept(&world, entry, SecretKind::TemporaryPassword).len(), 1);
        assert_signs_in(&world, entry);
        let progress = world.progress(entry).await;
        let Finality::Done { read_back, server_secret, .. } = &progress.action(TEMPORARY).unwrap().finality else {
            panic!("{progress:?}")
        };
        assert!(!read_back && server_secret.is_some());
        let noted = progress.notes.iter().filter(|note| note.contains("attempt 2 supersedes it")).count();
        assert_eq!(noted, 1, "{:?}", progress.notes);
    }
    assert_eq!(verdicts(&world).await, [Verdict::Changed; 5]);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_to_a_mailed_recovery_is_read_back_and_mails_nothing_twice() {
    let world = world(5, &[BY_MAIL, Action::RevokeSessions]).await;
    let [cut, before, ..] = &world.resets()[..] else { panic!("two people") };
    world.directory.break_next(&cut.id, Fault::CutAfterApply, 1);
    world.directory.break_next(&before.id, Fault::CutBeforeApply, 1);
    let writes = world.directory.writes();
    assert_eq!(world.finish().await.stopped, None);
    assert_eq!(world.directory.writes() - writes, 11, "five resets, five revocations, and the one that was cut before");
    for (entry, attempts, is_read_back) in [(cut, 1, true), (before, 2, false)] {
        let progress = world.progress(entry).await;
        let reset = progress.action(BY_MAIL).unwrap();
        let Finality::Done { read_back, .. } = reset.finality else { panic!("{reset:?}") };
        assert_eq!((reset.attempt, read_back), (attempts, is_read_back), "{}", entry.name);
        let old = world.directory.initial_password(&entry.id).unwrap();
        assert_eq!(world.directory.sign_in(&entry.id, &old), SignIn::Refused);
    }
    assert!(world.vault.sealed().is_empty());
    assert_eq!(verdicts(&world).await, [Verdict::Changed; 5]);
}

#[tokio::test(start_paused = true)]
async fn a_lost_recovery_link_is_superseded() {
    let world = world(3, &[BY_LINK]).await;
    let one = world.resets().remove(0);
    world.directory.break_next(&one.id, Fault::CutAfterApply, 1);
    assert_eq!(world.finish().await.stopped, None);
    assert_eq!(world.directory.issued(&one.id).len(), 2);
    for entry in world.resets() {
        let links = kept(&world, &entry, SecretKind::RecoveryLink);
        assert!(links.len() == 1 && world.directory.honours(&entry.id, SecretKind::RecoveryLink, &links[0]));
    }
    let notes = world.progress(&one).await.notes;
    assert!(notes.iter().any(|note| note.contains("attempt 2 supersedes it")), "{notes:?}");
}

/// Whoever has come back already is a success; whoever was reset and has not is one as well.
#[tokio::test(start_paused = true)]
async fn coming_back_by_recovery_is_a_success_and_said_so() {
    let world = world(4, &[BY_MAIL]).await;
    assert_eq!(world.finish().await.stopped, None);
    let back = world.resets().remove(0);
    identity_core::limits::clock::sleep(Duration::from_secs(600)).await;
    world.directory.set_by_somebody_else(&back.id, &Secret::new("Chosen-by-its-owner-1".into()));
    let found = verdicts(&world).await;
    assert_eq!(found.iter().filter(|verdict| **verdict == Verdict::ChangedByOwner).count(), 1, "{found:?}");
    let (rows, _) = rows(&world).await;
    assert_eq!(rows.len(), 4);
    for row in rows {
        assert_eq!(row.result, RowResult::Verified, "{row:?}");
        let said = if row.id == back.id { "set since by recovery" } else { "has not come back by recovery yet" };
        assert!(row.why.contains(said), "{}", row.why);
    }
}

/// The process ends between the server's answer and its record, at every point.
#[tokio::test(start_paused = true)]
async fn a_crash_loses_no_temporary_password() {
    let mut superseded = 0;
    for point in 0..8 {
        let world = world(12, &[TEMPORARY, Action::RevokeSessions]).await;
        let vault = Failing::after(world.vault.clone(), point, point % 2 == 0);
        let run = world.run_on(Arc::new(world.journal.clone()), vault);
        run.start().await.unwrap().finish().await.unwrap();
        assert_eq!(world.finish().await.stopped, None);
        for entry in world.resets() {
            assert_signs_in(&world, &entry);
            let notes = world.progress(&entry).await.notes;
            superseded += usize::from(notes.iter().any(|note| note.contains("supersedes it")));
        }
    }
    assert!(superseded > 0, "no answer was lost");
}

#[tokio::test(start_paused = true)]
async fn any_lost_answer_ends_with_a_password_that_the_vault_has() {
    for fault in [Fault::CutAfterApply, Fault::CutBeforeApply, Fault::Unavailable, Fault::Busy] {
        let script = FaultScript::new(3).rule(When::write().chance(0.15), fault.clone());
        let builder = MemoryDirectory::builder("corp").accounts(people(100)).faults(script);
        let world = World::planned(builder.build().unwrap(), spec(&[TEMPORARY, Action::RevokeSessions])).await;
        for _ in 0..4 {
            assert_eq!(world.finish().await.stopped, None, "{fault:?}");
        }
        let mut failed = 0;
        for entry in world.resets() {
            match &world.progress(&entry).await.action(TEMPORARY).unwrap().finality {
                Finality::Done { .. } => assert_signs_in(&world, &entry),
                _ => failed += 1,
            }
        }
        assert!(failed <= 3, "{fault:?}: {failed} given up");
    }
}

/// Ten of each class a second.
fn two_buckets(builder: MemoryBuilder) -> MemoryBuilder {
    let of = |number| NonZeroU32::new(number).unwrap();
    builder
        .max_batch(of(1))
        .in_flight(of(10))
        .class(TEMPORARY, USERS)
        .class(BY_MAIL, USERS)
        .class(Action::Disable, USERS)
        .class(Action::ExpirePassword, USERS)
        .class(Action::ResetAuthenticators, METHODS)
        .quota(Quota::new("user-write", of(10), Duration::from_secs(1), OperationClass::Write))
        .quota(Quota::new("users", of(10), Duration::from_secs(1), USERS))
        .quota(Quota::new("methods", of(1), Duration::from_secs(1), METHODS))
        .latency(Duration::from_millis(20))
}

/// When the last of an action was done, in seconds from the beginning, and how many there were.
async fn last(world: &World, wanted: Action) -> (usize, f64) {
    let records: Vec<_> = world.journal.records(1).try_collect().await.unwrap();
    let began = records[0].at;
    let times = records.iter().filter_map(|record| match record.event {
        Event::Done { action, .. } if action == wanted => Some(record.at.duration_since(began).as_secs_f64()),
        _ => None,
    });
    times.fold((0, 0.0), |(count, last), at| (count + 1, f64::max(last, at)))
}

/// One wave, half of it by one class and half by the other, one half before the other in the plan or
/// in turns.
#[tokio::test(start_paused = true)]
async fn a_wave_of_both_kinds_uses_both_buckets_at_once() {
    for in_turns in [true, false] {
        let mut accounts = people(400);
        for (place, account) in accounts.iter_mut().enumerate() {
            // A temporary password would have to be changed: these get one that stays.
            account.password.never_expires = if in_turns { place % 2 == 0 } else { place < 200 };
        }
        let builder = two_buckets(MemoryDirectory::builder("corp").accounts(accounts));
        let world = World::planned(builder.build().unwrap(), spec(&[TEMPORARY])).await;
        let estimate = world.plan.estimates([&(Arc::clone(&world.directory) as Arc<dyn Backend>)]).remove(0);
        assert_eq!((estimate.least.as_secs_f64(), estimate.classes.len()), (19.9, 2), "{estimate}");
        // Whose password never expires could have a temporary one as far as the numbers know.
        let mix = estimate.fastest.unwrap();
        assert_eq!((mix.set, mix.temporary), (200, 200));
        assert_eq!(world.finish().await.stopped, None);
        for action in [SET, TEMPORARY] {
            let (count, last) = last(&world, action).await;
            assert_eq!(count, 200, "{action}");
            assert!(last < 21.5, "{action}, in turns {in_turns}: the last of 200 after {last:.1} s");
        }
        for quota in world.directory.quotas() {
            assert_eq!(quota.refused, 0, "{quota:?}");
        }
        assert_eq!(verdicts(&world).await, [Verdict::Changed; 400]);
    }
}

/// What voids the password leads whatever its class: slow actions behind it keep none waiting.
#[tokio::test(start_paused = true)]
async fn a_class_that_closes_the_door_leads_although_it_sets_no_generated_password() {
    for first in [TEMPORARY, BY_MAIL] {
        let builder = two_buckets(MemoryDirectory::builder("corp").accounts(people(200)));
        let actions = [first, Action::ResetAuthenticators, Action::RevokeSessions];
        let world = World::planned(builder.build().unwrap(), spec(&actions)).await;
        assert_eq!(world.finish().await.stopped, None);
        let (count, at) = last(&world, first).await;
        assert!(count == 200 && at < 21.5, "{first}: {count} in {at:.1} s");
        let (count, at) = last(&world, Action::RevokeSessions).await;
        assert!(count == 200 && at > 190.0 && at < 215.0, "the pass behind: {count} in {at:.1} s");
    }
}

/// Disabling leads in its class, and the password that follows it is of another.
#[tokio::test(start_paused = true)]
async fn what_follows_in_another_class_comes_in_its_order() {
    let builder = two_buckets(MemoryDirectory::builder("corp").accounts(people(60)));
    let actions = [Action::Disable, SET, Action::ResetAuthenticators];
    let world = World::planned(builder.build().unwrap(), spec(&actions)).await;
    assert_eq!(world.finish().await.stopped, None);
    for entry in world.resets() {
        let Disposition::Reset { actions: planned } = &entry.disposition else { continue };
        let progress = world.progress(&entry).await;
        assert!(progress.actions.iter().all(|known| matches!(known.finality, Finality::Done { .. })), "{progress:?}");
        let done: Vec<Action> = progress.actions.iter().map(|known| known.action).collect();
        assert_eq!(&done, planned);
    }
    world.assert_each_has_one_password_that_the_vault_knows();
}
