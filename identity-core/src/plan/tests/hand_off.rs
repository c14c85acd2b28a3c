//! Who is handed to self-service recovery.

use std::path::Path;

use serde_json::{Value, json};

use super::*;
use crate::error::ErrorKind;
use crate::limits::clock;
use crate::plan::HandOff;
use crate::privilege::Tier;
use crate::recovery::{Guidance, ReadinessFile};
use crate::reset::Action;

const SET: Action = Action::SetPassword { must_change: true };

fn spec(actions: &[Action]) -> PlanSpec {
    let mut spec = everyone();
    spec.actions.workforce = actions.to_vec();
    spec.waves.canary = 0;
    spec
}

fn can_do_all() -> Fake {
    let mut fake = Fake::of(persons(6));
    fake.support = Some(|_, _| crate::directory::Support::Works);
    fake
}

/// A readiness file as an audit writes it, or another product may.
fn readiness(path: &Path, days_ago: i64, rows: &[(&str, Option<bool>, &[&str])]) -> ReadinessFile {
    let guidance = Guidance::default();
    let at = clock::now().checked_sub(jiff::SignedDuration::from_hours(24 * days_ago)).unwrap();
    let header = json!({
        "row": "header", "format": "identity-reset readiness", "version": 1, "library": "x",
        "as_of": guidance.as_of(at, None), "guidance": guidance, "by": [], "directories": [],
    });
    let mut lines = vec![header];
    for (name, self_service, kinds) in rows {
        let methods: Vec<Value> = kinds.iter().map(|kind| json!({"kind": kind, "enrolled": null})).collect();
        lines.push(json!({
            "row": "account", "directory": "corp", "name": name, "kind": "person", "tier": "user",
            "population": "workforce", "readiness": {"standing": "ready", "strongest": "strong"},
            "enrolment": {"account": format!("id-{name}"), "self_service": self_service, "because": null, "methods": methods},
        }));
    }
    lines.push(json!({"row": "end", "accounts": rows.len(), "all": {}, "groups": [], "not_asked": {}}));
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    std::fs::write(path, text).unwrap();
    ReadinessFile::open(path).unwrap()
}

async fn planned(folder: &Folder, spec: PlanSpec, fake: Fake, readiness: Option<ReadinessFile>) -> Result<Plan> {
    let backend: Arc<dyn Backend> = Arc::new(fake);
    let builder = spec.builder().directory(backend);
    let builder = match readiness {
        Some(file) => builder.readiness(file),
        None => builder,
    };
    builder.write_to(folder.file("plan.jsonl")).await
}

fn actions(entry: &Entry) -> &[Action] {
    match &entry.disposition {
        Disposition::Reset { actions } => actions,
        Disposition::Manual { .. } => panic!("{} is manual", entry.name),
    }
}

#[tokio::test]
async fn only_the_ready_are_handed_off_and_the_others_get_a_password_that_is_kept() {
    for asked in [Action::Scramble, Action::ResetToRecovery { mail: true }, Action::ResetToRecovery { mail: false }] {
        let folder = Folder::new();
        // What the file says of the standing counts for nothing: it is judged again.
        let rows: [(&str, Option<bool>, &[&str]); 5] = [
            ("p0", Some(true), &["passkey"]),
            ("p1", Some(true), &["sms"]),
            ("p2", Some(false), &["passkey"]),
            ("p3", None, &["passkey"]),
            ("p4", Some(true), &["passkey", "push"]),
        ];
        let file = readiness(&folder.file("readiness.jsonl"), 1, &rows);
        let fake = can_do_all().privileged("p4", Tier::Management);
        let plan = planned(&folder, spec(&[asked]), fake, Some(file.clone())).await.unwrap();
        assert_eq!(actions(&entry(&plan, "p0")), [asked]);
        let because =
            [("p1", "too weak"), ("p2", "cannot recover alone"), ("p3", "not known"), ("p5", "no line of it")];
        for (name, because) in because {
            let entry = entry(&plan, name);
            assert_eq!(actions(&entry), [SET], "{name}");
            assert!(entry.notes.iter().any(|note| note.contains(because)), "{name}: {:?}", entry.notes);
        }
        assert!(!actions(&entry(&plan, "p4")).iter().any(|action| action.hands_off()));
        let named = plan.header().readiness.as_ref().unwrap();
        assert_eq!((named.digest.as_str(), named.made_at), (file.digest(), file.made_at()));
    }
}

#[tokio::test]
async fn a_service_that_is_privileged_is_not_handed_off_even_where_the_rule_is_waived() {
    let folder = Folder::new();
    let service = directory::account("svc", AccountKind::Service);
    let mut fake = Fake::of(vec![service]).privileged("svc", Tier::Control);
    fake.support = Some(|_, _| crate::directory::Support::Works);
    let spec = spec(&[SET]).with_service(crate::plan::ServiceDisposition::Reset { actions: vec![Action::Scramble] });
    let plan = planned(&folder, spec.waive_readiness("x"), fake, None).await.unwrap();
    let entry = entry(&plan, "svc");
    assert_eq!(actions(&entry), [Action::SetPassword { must_change: false }]);
    assert!(entry.notes.iter().any(|note| note.contains("the privileged never")), "{:?}", entry.notes);
}

#[tokio::test]
async fn without_a_file_the_plan_is_not_made_and_a_waiver_is_said_where_it_is_approved() {
    let folder = Folder::new();
    let link = [SET, Action::SendRecoveryLink];
    for asked in [vec![Action::Scramble], link.to_vec()] {
        let error = planned(&folder, spec(&asked), can_do_all(), None).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
        assert!(error.advice().unwrap().contains("readiness file"), "{error}");
    }
    let why = "the help desk was phished; people come in person";
    let waived = spec(&[Action::Scramble]).waive_readiness(why);
    let plan = planned(&folder, waived.clone(), can_do_all(), None).await.unwrap();
    assert_eq!(plan.header().spec.hand_off, HandOff::Waived { because: why.into() });
    assert!(plan.header().warnings.iter().any(|warning| warning.contains(why)), "{:?}", plan.header().warnings);
    let entry = entry(&plan, "p0");
    assert_eq!(actions(&entry), [Action::Scramble]);
    assert!(entry.notes.iter().any(|note| note.contains(why)), "{:?}", entry.notes);
    // One or the other.
    let file = readiness(&folder.file("readiness.jsonl"), 1, &[]);
    let error = planned(&folder, waived, can_do_all(), Some(file)).await.unwrap_err();
    assert!(error.detail().contains("waived"), "{error}");
    assert!(spec(&[SET]).waive_readiness(" ").validate().is_err());
}

#[tokio::test]
async fn an_old_file_is_not_taken_and_neither_is_one_from_the_future_or_cut_short() {
    let folder = Folder::new();
    let path = folder.file("readiness.jsonl");
    for (days_ago, word) in [(8, "more than 7 days ago"), (-1, "future")] {
        let file = readiness(&path, days_ago, &[("p0", Some(true), &["passkey"])]);
        let error = planned(&folder, spec(&[Action::Scramble]), can_do_all(), Some(file)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InputInvalid);
        assert!(error.detail().contains(word), "{error}");
    }
    let file = readiness(&path, 0, &[("p0", Some(true), &["passkey"])]);
    let whole = std::fs::read_to_string(&path).unwrap();
    let cut: String = whole.lines().take(2).map(|line| format!("{line}\n")).collect();
    std::fs::write(&path, cut).unwrap();
    assert!(ReadinessFile::open(&path).unwrap_err().detail().contains("cut short"));
    // Another file than was opened decides nothing.
    std::fs::write(&path, whole.replace("passkey", "push")).unwrap();
    let error = planned(&folder, spec(&[Action::Scramble]), can_do_all(), Some(file)).await.unwrap_err();
    assert!(error.detail().contains("another file"), "{error}");
}

#[tokio::test]
async fn what_is_meant_to_stay_closed_may_be_scrambled_and_the_privileged_never() {
    let folder = Folder::new();
    let mut accounts = persons(2);
    accounts[0].state.enabled = false;
    accounts.push(directory::account("box", AccountKind::Mailbox));
    let mut fake = Fake::of(accounts);
    fake.support = Some(|_, _| crate::directory::Support::Works);
    let mut closed = spec(&[SET]);
    closed.actions.dormant = vec![Action::Scramble];
    closed.actions.mailbox = vec![Action::Scramble];
    assert!(!closed.hands_off());
    let plan = planned(&folder, closed.clone(), fake, None).await.unwrap();
    for name in ["p0", "box"] {
        assert_eq!(actions(&entry(&plan, name)), [Action::Scramble], "{name}");
    }
    closed.actions.dormant = vec![Action::ResetToRecovery { mail: true }];
    assert!(closed.hands_off(), "somebody is to come back to it");
    for action in [Action::Scramble, Action::SendRecoveryLink, Action::ResetToRecovery { mail: false }] {
        let mut spec = spec(&[SET]);
        spec.actions.privileged = vec![action];
        let error = spec.waive_readiness("x").validate().unwrap_err();
        assert!(error.detail().contains("privileged"), "{error}");
    }
}

#[tokio::test]
async fn who_comes_back_by_a_smart_card_needs_no_recovery() {
    let folder = Folder::new();
    let mut accounts = persons(1);
    accounts[0].password.smart_card_required = true;
    let mut fake = Fake::of(accounts);
    fake.support = Some(|_, _| crate::directory::Support::Works);
    let file = readiness(&folder.file("readiness.jsonl"), 0, &[("p0", Some(false), &[])]);
    let plan = planned(&folder, spec(&[Action::Scramble]), fake, Some(file)).await.unwrap();
    assert_eq!(actions(&entry(&plan, "p0")), [Action::Scramble]);
}
