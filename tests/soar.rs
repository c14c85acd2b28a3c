//! `soar_action`: from a trigger to a plan, from approvals to a report; its lines and its exit codes.
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail")]

mod support;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use identity_reset::plan::Approval;
use identity_reset::prelude::*;
use serde_json::{Value, json};
use testkit::mock_ad::MockAd;
use testkit::organisation::Organisation;

use support::Stand;

fn program() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| support::example("soar_action"))
}

/// The exit code and the lines, each one JSON object with an event.
struct Said {
    code: i32,
    lines: Vec<Value>,
}

impl Said {
    fn events(&self) -> Vec<&str> {
        self.lines.iter().map(|line| line["event"].as_str().expect("an event")).collect()
    }

    fn of(&self, event: &str) -> &Value {
        self.lines.iter().find(|line| line["event"] == event).unwrap_or_else(|| panic!("no {event}: {:?}", self.lines))
    }
}

async fn send(stand: &Stand, trigger: String, further: &[&str]) -> Said {
    let mut command = Command::new(program());
    command.current_dir(stand.path()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.arg("--playbooks").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/playbooks"));
    command.arg("--directories").arg(stand.directories()).args(["--runs", "runs"]);
    command.arg("--recipient").arg(stand.identity.recipient().to_string()).args(further);
    let ended = tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().expect("soar_action starts");
        child.stdin.take().expect("a pipe").write_all(trigger.as_bytes()).expect("sent");
        child.wait_with_output().expect("an end")
    });
    let ended = ended.await.expect("an end");
    let text = String::from_utf8(ended.stdout).expect("UTF-8");
    let lines = text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect();
    Said { code: ended.status.code().expect("a code"), lines }
}

#[tokio::test(flavor = "multi_thread")]
async fn from_a_trigger_to_approvals_to_a_report() {
    let mock = MockAd::builder().organisation(Organisation::new(3, 120)).start().await.expect("a mock");
    let stand = Stand::on(&mock);
    let admins = format!("CN=Domain Admins,CN=Users,{}", mock.organisation().base_dn());
    let trigger = json!({
        "trigger": "population_phished", "incident": "INC-7", "context": {"alert": 17},
        "parameters": {"directory": "corp", "group": admins},
    });

    // First the plan, and what it needs.
    let said = send(&stand, trigger.to_string(), &[]).await;
    assert_eq!((said.code, said.events()), (4, vec!["accepted", "plan_made", "approval_needed"]), "{:?}", said.lines);
    assert_eq!(said.of("accepted")["context"]["alert"], 17);
    assert_eq!(said.of("approval_needed")["wave"], "privileged");
    assert_eq!(said.of("approval_needed")["persons"], 2);
    assert!(said.of("plan_made")["contacts"][0]["reach"].is_string());
    let digest = said.of("plan_made")["plan_digest"].clone();
    assert_eq!(mock.counts().modifies, 0, "nothing may be touched");

    // Again: the same plan, nothing twice.
    let said = send(&stand, trigger.to_string(), &[]).await;
    assert_eq!((said.code, said.events()[1]), (4, "plan_found"));
    assert_eq!(said.of("plan_found")["plan_digest"], digest);

    // One person is not enough.
    let folder = stand.path().join("runs/INC-7");
    let plan = Plan::open(folder.join("plan.jsonl")).expect("a plan");
    let approve = |who: &str| {
        let approval = Approval::of_wave(&plan, "privileged", who).expect("an approval");
        Approvals::append(folder.join("approvals.json"), approval).expect("a file")
    };
    approve("Ada");
    let said = send(&stand, trigger.to_string(), &[]).await;
    assert_eq!(said.code, 4);
    assert!(said.of("approval_needed")["lacks"].as_str().is_some_and(|lacks| lacks.contains("and has 1")));
    assert_eq!(mock.counts().modifies, 0, "nothing may be touched");

    // Two are; the run goes to its end, and its end is not reached twice.
    approve("Grace");
    let said = send(&stand, trigger.to_string(), &[]).await;
    assert_eq!(said.code, 0, "{:?}", said.lines);
    assert_eq!(said.events(), ["accepted", "plan_found", "started", "wave_started", "wave_finished", "finished"]);
    let accounts = &said.of("finished")["accounts"];
    assert!(accounts["planned"].as_u64().is_some_and(|planned| planned > 0), "{accounts}");
    assert_eq!(accounts["planned"], accounts["verified"]);
    assert!(folder.join("report.json").is_file());
    let writes = mock.counts().modifies;
    assert!(writes > 0);
    let said = send(&stand, trigger.to_string(), &[]).await;
    assert_eq!((said.code, mock.counts().modifies), (0, writes), "nothing is done twice");

    // The incident is taken: another trigger for it is refused.
    let mut other = trigger;
    other["parameters"]["group"] = json!("CN=Other");
    let said = send(&stand, other.to_string(), &[]).await;
    assert_eq!((said.code, said.events()), (2, vec!["accepted", "failed"]));
    assert!(said.of("failed")["error"].as_str().is_some_and(|error| error.contains("another trigger")));
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_triggers_end_with_2_and_leave_nothing() {
    let mock = MockAd::builder().organisation(Organisation::new(3, 120)).start().await.expect("a mock");
    let stand = Stand::on(&mock);
    for (trigger, words) in [
        ("", "read the trigger"),
        (r#"{"trigger": "ransomware"}"#, "incident"),
        (r#"{"trigger": "ransomware", "incident": "a/../b"}"#, "`incident`"),
        (r#"{"trigger": "ransomware", "incident": "x", "paramters": {}}"#, "paramters"),
        (r#"{"trigger": "flood", "incident": "x"}"#, "there are credentials_for_sale"),
        (r#"{"trigger": "ransomware", "incident": "x", "playbook": "exercise"}"#, "is for exercise"),
    ] {
        let said = send(&stand, trigger.to_owned(), &[]).await;
        assert_eq!((said.code, said.events()), (2, vec!["failed"]), "{trigger}");
        assert!(said.of("failed")["error"].as_str().is_some_and(|error| error.contains(words)), "{:?}", said.lines);
        assert!(!stand.path().join("runs").exists(), "{trigger} left something behind");
    }
    // The parameters are looked at after the folder is there: the right ones can follow.
    let wrong = json!({"trigger": "exercise", "incident": "y", "parameters": {"directory": "crop", "unit": "OU=x"}});
    let said = send(&stand, wrong.to_string(), &[]).await;
    assert_eq!(said.code, 2);
    assert!(said.of("failed")["error"].as_str().is_some_and(|error| error.contains("crop")), "{:?}", said.lines);
    let right = json!({"trigger": "exercise", "incident": "y", "parameters": {"directory": "corp", "unit": mock.organisation().base_dn()}});
    let said = send(&stand, right.to_string(), &[]).await;
    assert_eq!((said.code, said.events()[1]), (4, "plan_made"), "a trigger that made no plan binds nobody");
    assert_eq!(mock.counts().modifies, 0, "nothing may be touched");
}
