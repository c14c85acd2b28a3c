//! The audit of recovery, and a plan that hands off by it.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::TryStreamExt;
use identity_core::account::AccountKind;
use identity_core::directory::{AccountEnumerator, AccountQuery, Backend, Directory};
use identity_core::error::ErrorKind;
use identity_core::plan::{Disposition, PlanRow};
use identity_core::recovery::{Grouping, Guidance, MethodKind, ReadinessFile, RecoveryAudit, Standing, Strength};
use identity_core::reset::Action;
use testkit::fault::{Fault, FaultScript, When};
use testkit::memory::MemoryDirectory;
use testkit::organisation::Organisation;

use crate::support::everyone;

async fn audit(backend: Arc<dyn Backend>, folder: &tempfile::TempDir, by: &[Grouping]) -> ReadinessFile {
    let audit = RecoveryAudit::new(Guidance::default()).directory(backend);
    let audit = by.iter().cloned().fold(audit, RecoveryAudit::by);
    audit.write_to(folder.path().join("readiness.jsonl")).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn every_person_has_one_line_and_the_groups_add_up() {
    let folder = tempfile::tempdir().unwrap();
    let directory = MemoryDirectory::builder("corp").organisation(Organisation::new(7, 600)).build().unwrap();
    let accounts: Vec<_> = directory.accounts(&AccountQuery::everyone()).try_collect().await.unwrap();
    let people = accounts
        .iter()
        .filter(|account| matches!(account.kind, AccountKind::Person | AccountKind::Guest) && account.state.enabled);
    let people: BTreeSet<_> = people.map(|account| account.id.clone()).collect();
    let by = [Grouping::Population, Grouping::attribute("department"), Grouping::Tier];
    let file = audit(directory, &folder, &by).await;
    let summary = file.summary();
    let rows: Vec<_> = file.rows().unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!(rows.iter().map(|row| row.enrolment.account.clone()).collect::<BTreeSet<_>>(), people);
    assert_eq!((rows.len(), summary.accounts), (people.len(), people.len() as u64));
    let not_asked: u64 = summary.not_asked.values().sum();
    assert_eq!(not_asked as usize, accounts.len() - people.len());
    for by in &by {
        let of: Vec<_> = summary.groups.iter().filter(|group| group.by == by.to_string()).collect();
        assert!(of.len() > 1, "{by} has {} groups", of.len());
        assert_eq!(of.iter().map(|group| group.accounts).sum::<u64>(), summary.accounts, "{by}");
        for standing in Standing::ALL {
            assert_eq!(of.iter().map(|group| group.of(standing)).sum::<u64>(), summary.all.of(standing), "{by}");
        }
    }
    let all = &summary.all;
    assert_eq!(all.accounts, all.ready + all.too_weak + all.not_alone + all.unknown);
    assert!(all.ready > 100 && all.not_alone > 10, "{all:?}");
    assert!(all.methods[&MethodKind::Sms] > 0 && all.strongest[&Strength::Good] > 0);
    // The rows say the same as the counts.
    let ready = rows.iter().filter(|row| row.readiness.standing == Standing::Ready).count();
    assert_eq!(ready as u64, all.ready);
    assert_eq!(ReadinessFile::open(file.path()).unwrap().digest(), file.digest());
}

#[tokio::test(start_paused = true)]
async fn a_plan_hands_off_whom_the_audit_found_ready_and_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let directory = MemoryDirectory::builder("corp").organisation(Organisation::new(7, 400)).build().unwrap();
    let backend: Arc<dyn Backend> = directory;
    let file = audit(Arc::clone(&backend), &folder, &[]).await;
    let ready: BTreeSet<_> = file
        .rows()
        .unwrap()
        .map(Result::unwrap)
        .filter(|row| row.readiness.standing == Standing::Ready)
        .map(|row| row.enrolment.account)
        .collect();
    let mut spec = everyone();
    spec.actions.workforce = vec![Action::Scramble];
    let builder = spec.builder().directory(backend).readiness(file);
    let plan = builder.write_to(folder.path().join("plan.jsonl")).await.unwrap();
    let (mut handed, mut kept) = (0, 0);
    for row in plan.rows().unwrap() {
        let PlanRow::Entry(entry) = row.unwrap() else { continue };
        let Disposition::Reset { actions } = &entry.disposition else { continue };
        let by_card = entry.notes.iter().any(|note| note.contains("smart card"));
        let scrambled = actions.as_slice() == [Action::Scramble];
        handed += usize::from(scrambled && !by_card);
        kept += usize::from(!scrambled && entry.wave.starts_with("workforce"));
        assert!(!scrambled || by_card || ready.contains(&entry.id), "{} was handed off", entry.name);
    }
    assert!(handed > 50 && kept > 20, "{handed} and {kept}");
}

#[tokio::test(start_paused = true)]
async fn a_directory_that_tells_nothing_leaves_everybody_unknown_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let builder = MemoryDirectory::builder("corp").organisation(Organisation::new(7, 60));
    let mut can = builder.clone().build().unwrap().capabilities();
    can.audit_recovery = false;
    let directory = builder.capabilities(can).build().unwrap();
    let file = audit(directory, &folder, &[Grouping::Population]).await;
    let all = &file.summary().all;
    assert!(all.accounts > 20 && all.unknown == all.accounts, "{all:?}");
    assert!(file.header().directories[0].silent_because.as_ref().unwrap().contains("no self-service recovery"));
}

#[tokio::test(start_paused = true)]
async fn a_reading_that_breaks_off_leaves_no_file_and_a_group_that_is_not_there_selects_nobody_in_silence() {
    let folder = tempfile::tempdir().unwrap();
    let builder = || MemoryDirectory::builder("corp").organisation(Organisation::new(7, 60));
    let path = folder.path().join("readiness.jsonl");
    let broken = builder().faults(FaultScript::new(1).rule(When::read(), Fault::Forbid)).build().unwrap();
    let audit = RecoveryAudit::new(Guidance::default()).directory(broken);
    audit.write_to(&path).await.unwrap_err();
    for (by, kind) in [("group:corp/nobody", ErrorKind::InputInvalid), ("group:elsewhere/x", ErrorKind::ConfigInvalid)]
    {
        let audit = RecoveryAudit::new(Guidance::default()).directory(builder().build().unwrap());
        let error = audit.by(by.parse().unwrap()).write_to(&path).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left behind");
}
