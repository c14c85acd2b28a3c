//! Orders of classes that are paced apart: a slow one keeps no password waiting, and each account
//! goes through its actions in their order all the same.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt;
use identity_core::account::{Account, AccountId, AccountKind, DirectoryId};
use identity_core::engine::{Guardrails, Progress};
use identity_core::journal::{Event, Finality, Journal, Record, StopReason};
use identity_core::limits::{OperationClass, Quota};
use identity_core::plan::PlanSpec;
use identity_core::reset::Action;
use testkit::fault::{Fault, FaultScript, When};
use testkit::memory::{MemoryBuilder, MemoryDirectory};
use testkit::organisation::Organisation;

use crate::support::{World, everyone};

const SET: Action = Action::SetPassword { must_change: true };
const METHODS: OperationClass = OperationClass::Named("methods");
const RISK: OperationClass = OperationClass::Named("risk");

fn few(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

fn people(count: u32) -> Vec<Account> {
    let directory = DirectoryId::new("corp").unwrap();
    let person = |number| {
        let id = AccountId::new(format!("person-{number:05}")).unwrap();
        Account::new(directory.clone(), id, format!("p{number}"), AccountKind::Person)
    };
    (0..count).map(person).collect()
}

/// Resetting authenticators is slow and goes one by one; the rest is fast.
fn slow_authenticators(builder: MemoryBuilder) -> MemoryBuilder {
    builder.class(Action::ResetAuthenticators, METHODS).batch_of(METHODS, few(1))
}

fn spec(actions: &[Action], canary: u32) -> PlanSpec {
    let mut spec = everyone();
    spec.actions.workforce = actions.to_vec();
    spec.waves.canary = canary;
    spec
}

async fn records(world: &World) -> Vec<Record> {
    world.journal.records(1).try_collect().await.unwrap()
}

/// Two thousand people, twenty writes a second, five authenticators in ten seconds.
#[tokio::test(start_paused = true)]
async fn a_slow_class_keeps_no_password_waiting() {
    let second = Duration::from_secs(1);
    let builder = MemoryDirectory::builder("corp").accounts(people(2_000)).max_batch(few(20));
    let directory = slow_authenticators(builder)
        .quota(Quota::new("writes", few(20), second, OperationClass::Write))
        .quota(Quota::new("methods", few(5), 10 * second, METHODS))
        .latency(Duration::from_millis(30))
        .build()
        .unwrap();
    let actions = [SET, Action::ResetAuthenticators, Action::RevokeSessions];
    let world = World::planned(directory, spec(&actions, 0)).await;
    assert_eq!(world.finish().await.stopped, None);

    let records = records(&world).await;
    let began = records[0].at;
    let done = |record: &Record| match record.event {
        Event::Done { action, .. } => Some((action, record.at.duration_since(began).as_secs_f64())),
        _ => None,
    };
    let times: Vec<(Action, f64)> = records.iter().filter_map(done).collect();
    assert_eq!(times.len(), 3 * 2_000);
    let last_set = times.iter().filter(|(action, _)| *action == SET).map(|(_, at)| *at).fold(0.0, f64::max);
    // Revocations are writes too: they follow the authenticators and share the quota of the sets.
    let writes = times.iter().filter(|(action, at)| *action != Action::ResetAuthenticators && *at <= last_set).count();
    assert!(writes as f64 >= 0.98 * 20.0 * last_set, "{writes} writes in the {last_set:.1} s until the last set");
    assert!(last_set < 110.0, "{last_set:.1} s for 2,000 sets");
    let whole = times.iter().map(|(_, at)| *at).fold(0.0, f64::max);
    assert!(2_000.0 / 0.5 >= 0.98 * whole, "{whole:.0} s for 2,000 slow orders");
    for quota in world.directory.quotas() {
        assert_eq!(quota.refused, 0, "{quota:?}");
    }
    each_in_order(&records, &actions);
    world.assert_each_has_one_password_that_the_vault_knows();
}

/// No intent of an action before the one before it is done.
fn each_in_order(records: &[Record], actions: &[Action]) {
    let mut done: BTreeMap<u64, usize> = BTreeMap::new();
    for record in records {
        match &record.event {
            Event::Intent { entry, action, .. } => {
                let before = done.get(entry).copied().unwrap_or_default();
                assert_eq!(Some(action), actions.get(before), "record {}: entry {entry}", record.number);
            }
            Event::Done { entry, .. } => *done.entry(*entry).or_default() += 1,
            _ => {}
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_class_goes_in_batches_of_its_own_size() {
    let builder = MemoryDirectory::builder("corp").accounts(people(130)).max_batch(few(20));
    let directory = slow_authenticators(builder)
        .class(Action::FlagCompromised, RISK)
        .one_call_of(RISK, few(60))
        .quota(Quota::new("risk", few(1), Duration::from_secs(1), RISK))
        .build()
        .unwrap();
    // The directory refuses a batch that is too large or mixes classes.
    let world = World::planned(directory, spec(&[SET, Action::FlagCompromised], 0)).await;
    assert_eq!(world.finish().await.stopped, None);
    let records = records(&world).await;
    let flags =
        records.iter().filter(|record| matches!(record.event, Event::Done { action: Action::FlagCompromised, .. }));
    assert_eq!(flags.count(), 130);
    let calls = world.directory.quotas()[0].used;
    assert!((3..=10).contains(&calls), "{calls} calls for 130 flags");
}

/// The next wave's passwords are set while the slow orders of this one go on; the canary is waited
/// for in everything.
#[tokio::test(start_paused = true)]
async fn waves_overlap_in_slow_classes_and_the_canary_comes_first_in_all() {
    let second = Duration::from_secs(1);
    let builder = MemoryDirectory::builder("corp").accounts(people(300)).max_batch(few(20));
    let quota = Quota::new("methods", few(1), 2 * second, METHODS);
    let directory = slow_authenticators(builder).quota(quota).latency(Duration::from_millis(30)).build().unwrap();
    let mut spec = spec(&[SET, Action::ResetAuthenticators, Action::RevokeSessions], 3);
    spec.waves.workforce = std::num::NonZeroU64::new(100);
    let world = World::planned(directory, spec).await;
    let running = world.run().start().await.unwrap();
    let told: Vec<Progress> = futures::StreamExt::collect(running).await;
    let said: Vec<String> = told
        .iter()
        .filter_map(|progress| match progress {
            Progress::WaveStarted { wave, .. } => Some(format!("{wave} begins")),
            Progress::WaveFinished { wave, tally } => Some(format!("{wave} ends with {}", tally.done)),
            _ => None,
        })
        .collect();
    let wanted = [
        "canary begins",
        "canary ends with 3",
        "workforce-1 begins",
        "workforce-2 begins",
        "workforce-3 begins",
        "workforce-1 ends with 100",
        "workforce-2 ends with 100",
        "workforce-3 ends with 97",
    ];
    assert_eq!(said, wanted);
    let ended = told.iter().filter(|progress| matches!(progress, Progress::EntryEnded { .. })).count();
    assert_eq!(ended, 300, "each account is told once");
    each_in_order(&records(&world).await, &[SET, Action::ResetAuthenticators, Action::RevokeSessions]);
}

/// A slow class keeps nobody waiting whose next action is of another one, in a later wave neither.
#[tokio::test(start_paused = true)]
async fn a_slow_class_keeps_no_other_class_waiting() {
    let builder = MemoryDirectory::builder("corp").organisation(Organisation::new(7, 200));
    let directory = slow_authenticators(builder)
        .class(Action::RevokeSessions, RISK)
        .quota(Quota::new("methods", few(1), Duration::from_secs(10), METHODS))
        .latency(Duration::from_millis(30))
        .build()
        .unwrap();
    let mut spec = spec(&[SET, Action::RevokeSessions], 0);
    spec.actions.privileged = vec![SET, Action::ResetAuthenticators, Action::RevokeSessions];
    let world = World::planned(directory, spec).await;
    assert_eq!(world.finish().await.stopped, None);
    let slow: Vec<u64> =
        world.resets().iter().filter(|entry| entry.wave == "privileged").map(|entry| entry.seq).collect();
    let records = records(&world).await;
    let last = |action, of_slow: bool| {
        let done = records.iter().filter(|record| {
            matches!(record.event, Event::Done { action: done, entry, .. } if done == action && slow.contains(&entry) == of_slow)
        });
        done.map(|record| record.at).max().unwrap()
    };
    let (authenticators, sessions) = (last(Action::ResetAuthenticators, true), last(Action::RevokeSessions, false));
    let ahead = authenticators.duration_since(sessions).as_secs_f64();
    assert!(ahead > 30.0, "the sessions of others ended {ahead:.1} s before the last slow reset of {}", slow.len());
    // Of one account the order holds.
    assert!(last(Action::RevokeSessions, true) > authenticators);
}

/// A pass that waited for the one before looks with the newest eyes, and not with those of its own wave.
#[tokio::test(start_paused = true)]
async fn a_pass_that_waited_knows_what_a_later_wave_found() {
    let builder = MemoryDirectory::builder("corp").organisation(Organisation::new(7, 300)).max_batch(few(1));
    let directory = slow_authenticators(builder)
        .quota(Quota::new("methods", few(1), Duration::from_secs(5), METHODS))
        .quota(Quota::new("writes", few(1), Duration::from_secs(1), OperationClass::Write))
        .build()
        .unwrap();
    let mut spec = spec(&[SET, Action::ResetAuthenticators], 0);
    spec.waves.workforce = std::num::NonZeroU64::new(30);
    let world = World::planned(directory, spec).await;
    let one = world.resets().into_iter().rfind(|entry| entry.wave == "workforce-2").unwrap();
    let running = world.run().start().await.unwrap();
    while world.directory.times_set(&one.id) == 0 {
        identity_core::limits::clock::sleep(Duration::from_millis(100)).await;
    }
    // The look of its own wave is over; that of the next one is yet to come.
    world.directory.join(&one.id, "Domain Admins");
    assert_eq!(running.finish().await.unwrap().stopped, None);
    let progress = world.progress(&one).await;
    let second = progress.action(Action::ResetAuthenticators).unwrap();
    assert!(
        matches!(&second.finality, Finality::Failed(error) if second.attempt == 0 && error.text.contains("privileged")),
        "{second:?}"
    );
}

/// What fails or stays open in the leading pass is not taken on by the pass behind it.
#[tokio::test(start_paused = true)]
async fn an_account_whose_password_stays_open_waits_for_a_resume_with_everything_else() {
    let builder = MemoryDirectory::builder("corp").accounts(people(60));
    let directory = slow_authenticators(builder).build().unwrap();
    let world = World::planned(directory, spec(&[SET, Action::ResetAuthenticators, Action::RevokeSessions], 0)).await;
    let one = world.resets()[7].clone();
    world.directory.break_next(&one.id, Fault::Swallow, 4);
    assert_eq!(world.finish().await.stopped, None);
    let progress = world.progress(&one).await;
    assert_eq!(progress.actions.len(), 1, "{progress:?}");
    assert_eq!(world.finish().await.stopped, None);
    let progress = world.progress(&one).await;
    assert!(progress.actions.len() == 3 && progress.actions.iter().all(|known| known.finality.is_final()));
    world.assert_each_has_one_password_that_the_vault_knows();
}

#[tokio::test(start_paused = true)]
async fn whoever_is_gone_between_the_passes_is_not_touched_again() {
    let builder = MemoryDirectory::builder("corp").accounts(people(200));
    let quota = Quota::new("methods", few(1), Duration::from_secs(1), METHODS);
    let directory = slow_authenticators(builder).quota(quota).build().unwrap();
    let world = World::planned(directory, spec(&[SET, Action::ResetAuthenticators], 0)).await;
    let last = world.resets().last().unwrap().clone();
    let running = world.run().start().await.unwrap();
    identity_core::limits::clock::sleep(Duration::from_secs(30)).await;
    assert_eq!(world.directory.times_set(&last.id), 1, "its password is set long before its turn in the slow class");
    world.directory.delete(&last.id);
    assert_eq!(running.finish().await.unwrap().stopped, None);
    let progress = world.progress(&last).await;
    let second = progress.action(Action::ResetAuthenticators).unwrap();
    assert_eq!(second.attempt, 0, "{second:?}");
    assert!(second.finality.is_final());
}

/// Every fault on one write in five: the passes together keep promises 3 and 4.
#[tokio::test(start_paused = true)]
async fn faults_in_either_pass_end_in_the_promised_state() {
    for fault in [Fault::CutAfterApply, Fault::CutBeforeApply, Fault::Swallow, Fault::Busy, Fault::Unavailable] {
        let builder = MemoryDirectory::builder("corp").accounts(people(120));
        let script = FaultScript::new(5).rule(When::write().chance(0.2), fault.clone());
        let directory = slow_authenticators(builder).faults(script).build().unwrap();
        let actions = [SET, Action::ResetAuthenticators, Action::RevokeSessions, Action::Unlock];
        let world = World::planned(Arc::clone(&directory), spec(&actions, 0)).await;
        for _ in 0..4 {
            assert_eq!(world.finish().await.stopped, None, "{fault:?}");
        }
        let mut given_up = 0;
        for entry in world.resets() {
            let progress = world.progress(&entry).await;
            assert!(progress.actions.iter().all(|known| known.finality.is_final()), "{fault:?}: {progress:?}");
            // Four attempts in a row can meet a fault without effect: then it is called failed.
            let failed = matches!(progress.actions[0].finality, Finality::Failed(_));
            let set = world.directory.passwords_set(&entry.id).len();
            assert_eq!(set, usize::from(!failed), "{fault:?}: {}", entry.name);
            given_up += usize::from(failed);
        }
        assert!(given_up <= 3, "{fault:?}: {given_up} passwords given up");
    }
}

/// Fifteen batches share a look-up; a refusal counts all the same when its batch is answered.
#[tokio::test(start_paused = true)]
async fn after_a_stop_rule_the_batches_of_a_large_cohort_stay() {
    let builder = MemoryDirectory::builder("corp").accounts(people(600)).max_batch(few(20)).one_request_batches();
    let directory = builder
        .batch_of(OperationClass::Read, few(300))
        .in_flight(few(2))
        .latency(Duration::from_millis(30))
        .faults(FaultScript::new(1).rule(When::write().times(60), Fault::Forbid))
        .build()
        .unwrap();
    let world = World::planned(directory, spec(&[SET], 0)).await;
    let run = world.run().guardrails(Guardrails::default());
    let end = run.start().await.unwrap().finish().await.unwrap();
    assert!(matches!(end.stopped, Some(StopReason::ConsecutiveRefusals { .. })), "{end:?}");
    // Two batches to come to 25 refusals, and as many as are in flight then.
    assert!(world.directory.writes() <= 4 * 20, "{} orders were sent", world.directory.writes());
    assert_eq!(world.finish().await.stopped, None);
}
