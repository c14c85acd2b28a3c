//! Runs through the engine: set twice, policy hints, fine-grained policy, a sign-in that is refused.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt;
use identity_core::account::AccountId;
use identity_core::directory::{AccountEnumerator, AccountQuery, Backend, Directory, ForcedReset};
use identity_core::error::ErrorKind;
use identity_core::limits::clock;
use identity_core::plan::{Disposition, PlanRow, PlanSpec, Population};
use identity_core::report::{Report, RowResult, Survivor};
use identity_core::reset::{Action, Order, Outcome, Secret};
use identity_core::verify::Verifier;
use testkit::fault::{Fault, FaultScript, When};
use testkit::mock_ad::MockAd;
use testkit::organisation::SPECIAL;

use crate::stage::{Journey, builder, config, connect, id};

fn people(mock: &MockAd, count: usize) -> Vec<AccountId> {
    let all = (SPECIAL..mock.organisation().len()).filter(|index| {
        let account = mock.organisation().account(*index);
        account.truth.kind == identity_core::account::AccountKind::Person && account.truth.grounds.is_empty()
    });
    all.take(count).map(|index| id(mock, index)).collect()
}

fn twice() -> PlanSpec {
    let populations = [Population::Privileged, Population::Workforce, Population::Dormant];
    populations.into_iter().fold(PlanSpec::default(), PlanSpec::with_set_twice)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_is_set_twice_ends_as_the_sealed_one_whatever_goes_wrong_on_the_way() {
    let mock = builder().start().await.expect("starts");
    // One order at a time, so that a cut hits the order that it is meant for.
    let directory = connect(config(&mock, &[]).in_flight(1).connections(1)).await;
    let people = people(&mock, 12);
    let journey = Journey::plan(&directory, &people, twice()).await;
    let entries: Vec<_> = journey
        .plan
        .rows()
        .expect("rows")
        .filter_map(|row| match row.expect("a row") {
            PlanRow::Entry(entry) => Some(entry),
            PlanRow::LeftOut { .. } => None,
        })
        .collect();
    for entry in &entries {
        let Disposition::Reset { actions } = &entry.disposition else { panic!("{entry:?}") };
        let set = |action: &Action| matches!(action, Action::SetPassword { .. });
        assert!(actions[0] == Action::Scramble && set(&actions[1]), "{actions:?}");
    }
    let on = |place: usize| When::write().on(people[place].as_str());
    // The first set of some is cut, before or after it took effect; of others, the second.
    mock.add_fault(on(0).times(1), Fault::CutBeforeApply);
    mock.add_fault(on(1).times(1), Fault::CutAfterApply);
    for (place, fault) in [(2, Fault::CutBeforeApply), (3, Fault::CutAfterApply)] {
        mock.add_fault(on(place).times(1), fault);
        // Asked before the rule above, and good for the first set only.
        mock.add_fault(on(place).times(1), Fault::Slow(Duration::ZERO));
    }
    assert_eq!(journey.run(&directory).await.stopped, None);
    assert_eq!(mock.counts().faults, 6, "each happened");
    let backend: Arc<dyn Backend> = directory;
    let verified =
        Verifier::new(Arc::clone(&journey.journal)).directory(backend).run(|| journey.plan.rows()).await.expect("read");
    assert!(verified.is_clean(), "{verified:?}");

    let mut rows = BTreeMap::new();
    Report::of_plan(Arc::clone(&journey.journal), &journey.plan)
        .visit(journey.plan.rows().expect("rows"), |row| {
            rows.insert(row.id.clone(), row.clone());
            Ok(())
        })
        .await
        .expect("a report");
    for entry in &entries {
        let guid = entry.id.as_str().parse().expect("a GUID");
        let sets = mock.sets(&guid);
        assert!(sets.len() >= 2, "{} was set {} times", entry.name, sets.len());
        assert_ne!(sets[0].sha256, sets[sets.len() - 1].sha256, "two passwords");
        let sealed: Vec<_> = journey.vault.sealed().into_iter().filter(|sealed| sealed.entry == entry.seq).collect();
        let [sealed] = sealed.as_slice() else { panic!("one sealed password of {}", entry.name) };
        assert!(mock.password_matches(&guid, sealed.password.expose()), "{} has the sealed password", entry.name);
        let row = &rows[&entry.id];
        assert_eq!(row.result, RowResult::Verified, "{}", row.why);
        assert!(!row.survives.contains(&Survivor::NtlmOldPassword), "the old one is not the previous one either");
        assert!(row.survives.contains(&Survivor::KerberosTickets));
    }
}

/// Whatever is cut, and whatever lands late: what is called verified has the password that is sealed.
#[tokio::test(flavor = "multi_thread")]
async fn in_a_storm_nothing_is_called_verified_that_has_another_password_than_the_sealed_one() {
    let mut verified = 0;
    for seed in 1..=2 {
        let mock = builder().start().await.expect("starts");
        let directory = connect(config(&mock, &[]).deadline(Duration::from_secs(2))).await;
        let people = people(&mock, 12);
        let journey = Journey::plan(&directory, &people, twice()).await;
        let late = Duration::from_millis(300);
        mock.set_faults(
            FaultScript::new(seed)
                .rule(When::write().chance(0.1), Fault::LateApply(late))
                .rule(When::write().chance(0.1), Fault::CutAfterApply)
                .rule(When::write().chance(0.1), Fault::CutBeforeApply),
        );
        journey.run(&directory).await;
        mock.set_faults(FaultScript::default());
        // What lands late has landed by now.
        clock::sleep(late * 4).await;
        let backend: Arc<dyn Backend> = directory;
        let verifier = Verifier::new(Arc::clone(&journey.journal)).directory(backend).patience(Duration::ZERO);
        verifier.run(|| journey.plan.rows()).await.expect("read");
        Report::of_plan(Arc::clone(&journey.journal), &journey.plan)
            .visit(journey.plan.rows().expect("rows"), |row| {
                // A smart-card account is only scrambled, and nothing of it is sealed.
                let known = row.actions.iter().any(|action| matches!(action.action, Action::SetPassword { .. }));
                if row.result == RowResult::Verified && known {
                    let guid = row.id.as_str().parse().expect("a GUID");
                    let sealed = journey.vault.sealed().into_iter().rfind(|sealed| Some(sealed.entry) == row.entry);
                    let sealed = sealed.expect("sealed");
                    assert!(mock.password_matches(&guid, sealed.password.expose()), "seed {seed}: {}", row.name);
                    verified += 1;
                }
                Ok(())
            })
            .await
            .expect("a report");
    }
    assert!(verified > 6, "{verified} of 24");
}

#[tokio::test(flavor = "multi_thread")]
async fn policy_hints_make_a_set_respect_the_history_where_the_controller_has_them() {
    for (hints, known, refused) in [(false, true, false), (true, true, true), (true, false, false)] {
        let mut builder = builder();
        if !known {
            builder = builder.without_policy_hints();
        }
        let mock = builder.start().await.expect("starts");
        let mut config = config(&mock, &[]);
        if hints {
            config = config.policy_hints();
        }
        let directory = connect(config).await;
        let person = SPECIAL;
        let old = mock.organisation().initial_password(person);
        let order = Order::new(id(&mock, person), Action::SetPassword { must_change: false });
        let outcome = directory.apply(&[order.with_password(Secret::new(old))]).await.remove(0);
        match outcome {
            Outcome::Refused(error) if refused => assert_eq!(error.kind(), ErrorKind::PasswordRejected),
            Outcome::Done(_) if !refused => {}
            other => panic!("hints {hints}, known {known}: {other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generated_password_fits_the_fine_grained_policy_of_its_account() {
    let mock = builder().fine_grained_length(30).start().await.expect("starts");
    let directory = connect(config(&mock, &[])).await;
    let all: Vec<AccountId> = (0..mock.organisation().len()).map(|index| id(&mock, index)).collect();
    let escalation = mock.organisation().group_named("Ops-Escalation").expect("the group").index;
    let bound: Vec<AccountId> = (0..mock.organisation().len())
        .filter(|index| {
            let account = mock.organisation().account(*index);
            account.truth.protected_because.is_none() && account.member_of.contains(&escalation)
        })
        .map(|index| id(&mock, index))
        .collect();
    assert!(!bound.is_empty(), "of {} accounts", all.len());
    let journey = Journey::plan(&directory, &bound, PlanSpec::default()).await;
    journey.run(&directory).await;
    let told = "under a password policy of its own, Administrators-24: at least 30 characters, complex";
    assert!(notes(&journey).iter().any(|note| note.starts_with(told)), "{:?}", notes(&journey));
    let before = bound.len();
    let set = bound.iter().filter(|id| mock.sets(&id.as_str().parse().expect("a GUID")).len() == 1).count();
    let planned = journey.plan.header().counts.planned;
    assert_eq!(set as u64, planned, "of {before}: one set each, none refused by the policy of 30 characters");
    assert!(directory.lookup(&bound).await.expect("read").iter().all(Option::is_some));
}

fn notes(journey: &Journey) -> Vec<String> {
    let rows = journey.plan.rows().expect("rows").map(|row| row.expect("a row"));
    rows.flat_map(|row| if let PlanRow::Entry(entry) = row { entry.notes } else { Vec::new() }).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_cannot_be_read_is_told_for_the_account_that_is_under_it() {
    let mock = builder().fine_grained_length(30).delegated().start().await.expect("starts");
    let directory = connect(config(&mock, &[])).await;
    let preflight = directory.preflight().await.expect("reads");
    assert_eq!(preflight.password_policy.min_length, 12, "the domain's: the other one is hidden from a delegate");
    assert!(preflight.findings.iter().any(|finding| finding.text.contains("fine-grained")), "{preflight:?}");
    let accounts: Vec<_> = directory.accounts(&AccountQuery::everyone()).try_collect().await.expect("listed");
    let (under, free): (Vec<_>, Vec<_>) = accounts.into_iter().partition(|account| account.password_policy.is_some());
    assert!(!under.is_empty() && !free.is_empty(), "{} and {}", under.len(), free.len());
    let under = under.iter().find(|account| account.kind.protected_because().is_none()).expect("one to plan");
    let journey = Journey::plan(&directory, std::slice::from_ref(&under.id), PlanSpec::default()).await;
    let told = "under a password policy of its own, Administrators-24, which this sign-in cannot read";
    assert!(notes(&journey).iter().any(|note| note.starts_with(told)), "{:?}", notes(&journey));
}
