//! Approvals: of this plan, of one wave each, by somebody.

use super::directory::Fake;
use super::*;
use crate::error::ErrorKind;
use crate::plan::{Approval, Approvals};
use crate::privilege::Tier;

async fn plan_of(folder: &Folder, seed: u64) -> Plan {
    let fake = Fake::of(persons(40)).privileged("p7", Tier::Control);
    folder.plan(everyone().with_seed(seed), fake).await.unwrap()
}

#[tokio::test]
async fn an_approval_is_of_one_wave_of_one_plan() {
    let folder = Folder::new();
    let plan = plan_of(&folder, 1).await;
    let file = folder.file("approvals.json");
    assert_eq!(Approvals::load(&file).unwrap_err().kind(), ErrorKind::ApprovalMissing);

    Approvals::append(&file, Approval::of_wave(&plan, "canary", "ann").unwrap().with_note("after lunch")).unwrap();
    let approvals = Approvals::append(&file, Approval::of_wave(&plan, "workforce-1", "bob").unwrap()).unwrap();
    assert_eq!(Approvals::load(&file).unwrap(), approvals);
    approvals.check(&plan).unwrap();
    assert_eq!(approvals.approved("canary").unwrap().approver, "ann");
    assert!(approvals.approved("privileged").is_none(), "the privileged are approved apart");
    assert!(approvals.approved("workforce").is_none());

    let error = Approval::of_wave(&plan, "priviledged", "ann").unwrap_err();
    assert!(error.to_string().contains("canary, privileged, workforce-1"), "{error}");
    assert!(Approval::of_wave(&plan, "canary", " ").is_err());

    let changed = plan_of(&folder, 2).await;
    let error = approvals.check(&changed).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ApprovalMissing);
    assert!(error.to_string().contains("of another plan") && error.to_string().contains(plan.digest()), "{error}");
    assert_eq!(folder.names(), ["approvals.json", "plan.jsonl"]);
}

#[tokio::test]
async fn all_waves_can_be_approved_at_once_each_by_its_name() {
    let folder = Folder::new();
    let plan = plan_of(&folder, 1).await;
    let approvals = Approvals::approve_all(&plan, "ann").unwrap();
    approvals.check(&plan).unwrap();
    assert_eq!(approvals.iter().count(), plan.waves().len());
    assert!(plan.waves().iter().all(|wave| approvals.approved(&wave.name).is_some()));
}

#[tokio::test]
async fn lines_and_an_array_are_read_and_everything_else_is_told() {
    let folder = Folder::new();
    let plan = plan_of(&folder, 1).await;
    let file = folder.file("approvals.json");
    let approvals = Approvals::approve_all(&plan, "ann").unwrap();
    let array = serde_json::to_string_pretty(&approvals.iter().collect::<Vec<_>>()).unwrap();
    std::fs::write(&file, format!("\u{feff}\r\n{array}\r\n")).unwrap();
    assert_eq!(Approvals::load(&file).unwrap(), approvals);
    std::fs::write(&file, "").unwrap();
    assert!(Approvals::load(&file).unwrap().is_empty());

    let one = serde_json::to_string(approvals.iter().next().unwrap()).unwrap();
    let digits = plan.digest().trim_start_matches("sha256:");
    for (text, expected) in [
        (format!("{one}\n{{"), "line 2"),
        (one.replace("approver", "aprover"), "aprover"),
        (one.replace("\"ann\"", "\"\""), "who approves"),
        (one.replace(digits, &digits[1..]), "not the digest of a plan"),
        (one.replace(digits, &digits.to_uppercase()), "not the digest of a plan"),
    ] {
        std::fs::write(&file, text).unwrap();
        let error = Approvals::load(&file).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InputInvalid);
        assert!(error.to_string().contains(expected), "{expected}: {error}");
        let before = std::fs::read(&file).unwrap();
        assert!(Approvals::append(&file, Approval::of_wave(&plan, "canary", "bob").unwrap()).is_err());
        assert_eq!(std::fs::read(&file).unwrap(), before, "a file that is not understood is not overwritten");
    }
    let mut stray = approvals.iter().next().unwrap().clone();
    stray.scope = crate::plan::ApprovalScope::Wave("workforce-9".into());
    let mut approvals = Approvals::default();
    approvals.push(stray);
    assert!(approvals.check(&plan).unwrap_err().to_string().contains("workforce-9"));
}
