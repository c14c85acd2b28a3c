//! The System Log as a second witness of a run: late, out of order, and with what others did.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt as _;
use identity_core::directory::Backend;
use identity_core::engine::Run;
use identity_core::error::ErrorKind;
use identity_core::evidence::{Evidence, Found, LogFinding, LogReading, OtherEvent, Whose};
use identity_core::journal::{EntryProgress, Finality, Journal, MemoryJournal};
use identity_core::plan::{Approvals, Disposition, Plan, PlanRow, PlanSpec, PopulationActions, Selection};
use identity_core::reset::Action;
use identity_core::vault::MemoryVault;
use testkit::fault::{Fault, When};
use testkit::mock_okta::{MockOkta, OktaUser, fixed};

use crate::inside::{config, connect};
use crate::stage::of;

struct Ran {
    mock: MockOkta,
    directory: Arc<dyn Backend>,
    journal: Arc<dyn Journal>,
    plan: Plan,
    _folder: tempfile::TempDir,
}

async fn ran(actions: &[Action], prepare: impl FnOnce(&MockOkta)) -> Ran {
    let mock = of(60).without_quotas().build();
    mock.set_log_delay(Duration::from_secs(45));
    let directory: Arc<dyn Backend> = connect(config(&mock).share(1.0)).await;
    let mut each = PopulationActions::default();
    // The privileged are never handed to recovery.
    let kept = actions.iter().map(|action| if action.hands_off() { Action::SetTemporaryPassword } else { *action });
    (each.workforce, each.privileged) = (actions.to_vec(), kept.collect());
    let folder = tempfile::tempdir().unwrap();
    let spec = PlanSpec::default().select(Selection::everyone()).with_actions(each).waive_readiness("a test");
    let plan =
        spec.builder().directory(Arc::clone(&directory)).write_to(folder.path().join("plan.jsonl")).await.unwrap();
    let journal: Arc<dyn Journal> = Arc::new(MemoryJournal::new());
    let approvals = Approvals::approve_all(&plan, "a test").unwrap();
    prepare(&mock);
    let run = Run::new(plan.clone(), Arc::clone(&journal), Arc::new(MemoryVault::new()));
    let end = run.directory(Arc::clone(&directory)).approvals(approvals).start().await.unwrap().finish().await.unwrap();
    assert!(end.stopped.is_none(), "{end:?}");
    Ran { mock, directory, journal, plan, _folder: folder }
}

impl Ran {
    fn resets(&self) -> Vec<(u64, String)> {
        let reset = |row: PlanRow| match row {
            PlanRow::Entry(entry) if matches!(entry.disposition, Disposition::Reset { .. }) => Some(entry),
            _ => None,
        };
        let resets = self.plan.rows().unwrap().filter_map(|row| reset(row.unwrap()));
        resets.map(|entry| (entry.seq, entry.id.as_str().to_owned())).collect()
    }

    async fn gather(&self) -> (LogReading, BTreeSet<LogFinding>, usize, Vec<OtherEvent>) {
        let (mut findings, mut by_account, mut others) = (BTreeSet::new(), 0, Vec::new());
        let evidence = Evidence::new(Arc::clone(&self.journal)).directory(Arc::clone(&self.directory));
        let readings = evidence.gather(&self.plan, |found| {
            match found {
                Found::Account(account) => {
                    findings.insert(account.finding);
                    by_account += account.orders.iter().filter(|order| !order.because.is_empty()).count();
                }
                Found::Other(other) => others.push(other),
                _ => {}
            }
            Ok(())
        });
        (readings.await.unwrap().remove(0), findings, by_account, others)
    }
}

#[tokio::test(start_paused = true)]
async fn each_order_is_confirmed_and_what_others_did_is_told() {
    let actions = [Action::ResetToRecovery { mail: false }, Action::RevokeSessions];
    let ran = ran(&actions, |mock| mock.add_fault(When::write().every(9), Fault::CutAfterApply)).await;
    let resets = ran.resets();
    assert!(resets.len() > 20, "{} accounts", resets.len());
    let known = ran.journal.progress(&resets.iter().map(|(seq, _)| *seq).collect::<Vec<_>>()).await.unwrap();
    let done =
        |known: &&EntryProgress| known.actions.iter().any(|action| matches!(action.finality, Finality::Done { .. }));
    let done = known.iter().filter(done).count();
    // The administrator who is somebody else is no owner.
    let admin = ran.mock.user(fixed::ORG_ADMIN).unwrap().id;
    let resets: Vec<_> = resets.into_iter().filter(|(_, id)| *id != admin).collect();
    let (seq, taken) = &resets[5];
    ran.mock.someone_else_did("user.account.reset_password", taken).unwrap();
    ran.mock.someone_else_did("user.mfa.factor.activate", &resets[6].1).unwrap();
    let planned: BTreeSet<&str> = resets.iter().map(|(_, id)| id.as_str()).collect();
    let elsewhere = |user: &OktaUser| user.id != admin && !planned.contains(user.id.as_str());
    let elsewhere = ran.mock.users().find(elsewhere).unwrap();
    ran.mock.someone_else_did("user.account.update_password", &elsewhere.id).unwrap();
    // Of no interest, or of nobody who is planned.
    ran.mock.someone_else_did("user.account.update_profile", taken).unwrap();
    ran.mock.someone_else_did("user.mfa.factor.activate", &elsewhere.id).unwrap();

    let (reading, findings, _, others) = ran.gather().await;
    assert_eq!(reading.confirmed, done as u64, "{reading}");
    assert_eq!(findings, BTreeSet::from([LogFinding::Confirmed]));
    assert_eq!((reading.own_principal, reading.others_on_planned, reading.others_elsewhere), (0, 2, 1), "{others:?}");
    let told: Vec<_> = others.iter().map(|other| (other.event.what.as_str(), other.entries.clone())).collect();
    assert_eq!(
        told,
        [
            ("user.account.reset_password", vec![*seq]),
            ("user.mfa.factor.activate", vec![resets[6].0]),
            ("user.account.update_password", vec![])
        ]
    );
    assert!(
        others.iter().all(|other| other.whose == Whose::Somebody && other.event.actor.name.is_some()),
        "{others:?}"
    );
    let evidenced = ran.journal.progress(&[*seq]).await.unwrap().remove(0).evidence.unwrap();
    assert_eq!((evidenced.finding, evidenced.others), (LogFinding::Confirmed, 1));
    let records: Vec<_> = ran.journal.records(1).try_collect().await.unwrap();
    assert!(!records.is_empty());
}

#[tokio::test(start_paused = true)]
async fn each_kind_of_order_leaves_what_the_backend_looks_for() {
    for action in [
        Action::SetPassword { must_change: false },
        Action::SetTemporaryPassword,
        Action::ResetToRecovery { mail: true },
        Action::ExpirePassword,
        Action::RevokeSessions,
    ] {
        let ran = ran(&[action], |_| ()).await;
        let (reading, findings, by_account, _) = ran.gather().await;
        assert!(reading.is_clean() && reading.confirmed > 10, "{action}: {reading}");
        assert_eq!((findings, by_account), (BTreeSet::from([LogFinding::Confirmed]), 0), "{action}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_the_permission_the_run_is_whole_and_the_evidence_says_what_it_lacks() {
    let ran = ran(&[Action::RevokeSessions], |_| ()).await;
    ran.mock.set_caller_roles(["HELP_DESK_ADMIN"]);
    let (reading, findings, ..) = ran.gather().await;
    let error = reading.unreadable.as_ref().unwrap();
    assert_eq!(error.kind, ErrorKind::InsufficientPrivilege);
    assert!(error.advice.as_ref().unwrap().contains("okta.logs.read"), "{error:?}");
    assert!(findings.is_empty() && reading.unread > 20, "{reading}");
}
