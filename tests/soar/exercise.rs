//! The whole exercise: from a trigger as JSON over approvals that two persons sign to a hybrid run over
//! three directories that is killed once, gone on with, verified and reported. Every file that it makes is
//! opened and checked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use identity_reset::account::{Account, AccountId};
use identity_reset::limits::clock;
use identity_reset::plan::{Approvals, Plan};
use serde_json::{Value, json};
use testkit::conformance::SignIn;
use testkit::organisation::Organisation;

use crate::support::{CLOUD, Evidence, Mocks, ON_PREM, ORG, Site, Stand, Which, finish, not_run, snapshot};
use crate::{Said, program, said};

/// Who may sign. Whoever is not in the file of allowed signers signs for nothing.
const APPROVERS: [&str; 2] = ["ann@example.test", "bob@example.test"];

#[tokio::test(flavor = "multi_thread")]
async fn from_a_trigger_over_two_signatures_and_a_kill_to_a_report() {
    if !can_sign("the exercise on three directories") {
        return;
    }
    let mocks = Mocks::start(Which::All, Organisation::new(11, 120), Duration::from_millis(15)).await;
    let exercise = Exercise::new(mocks.stand());

    // A plan, and what it needs.
    let planned = exercise.send(&[]).await;
    assert_eq!((planned.code, &planned.events()[..2]), (4, &["accepted", "plan_made"][..]), "{:?}", planned.lines);
    let digest = planned.of("plan_made")["plan_digest"].clone();
    mocks.assert_untouched();

    // One signature opens nothing: every wave of this playbook takes two persons.
    let first = exercise.sign(APPROVERS[0]).await;
    let one = exercise.send(&[first]).await;
    assert_eq!(one.code, 4, "{:?}", one.lines);
    assert!(one.of("approval_needed")["lacks"].as_str().is_some_and(|lacks| lacks.contains("and has 1")));
    mocks.assert_untouched();

    // The second does; the run is killed while it works.
    let second = exercise.sign(APPROVERS[1]).await;
    let ad = mocks.ad.as_ref().expect("a domain");
    exercise.kill_amid(second, |_| ad.counts().modifies >= 20).await;
    let at_the_kill = ad.record().len() as u64;

    // The same trigger goes on with it, and nothing that was done is done again.
    let end = exercise.send(&[]).await;
    assert_eq!(end.of("plan_found")["plan_digest"], digest, "planned once");
    let finished = end.of("finished");
    assert_eq!(finished["stopped"], Value::Null, "{finished}");
    let evidence = Evidence::read(&exercise.folder(), &exercise.stand.identity).await;
    let state = mocks.assert_promised_state(&evidence);
    assert!(state.sets > at_the_kill && state.hybrid > 50, "{state:?}");
    exercise.assert_files(&evidence, finished, digest.as_str().expect("a digest"), &[CLOUD, ON_PREM, ORG]);

    // Once more: it is over, and stays as it is.
    let before = mocks.assert_promised_state(&evidence).sets;
    let again = exercise.send(&[]).await;
    assert_eq!((again.code, &again.of("finished")["accounts"]), (end.code, &finished["accounts"]));
    assert_eq!(mocks.assert_promised_state(&evidence).sets, before, "nothing is done twice");
}

/// The same on a real controller, where the environment names one.
#[tokio::test(flavor = "multi_thread")]
async fn the_exercise_on_a_real_controller() {
    let Some(site) = Site::find("the exercise on a real controller") else { return };
    if !can_sign("the exercise on a real controller") {
        return;
    }
    let directory = site.directory().await;
    let before = snapshot(&directory).await;
    let exercise = Exercise::new(Stand::at(&site));
    let planned = exercise.send(&[]).await;
    assert_eq!(planned.code, 4, "{:?}", planned.lines);
    let digest = planned.of("plan_made")["plan_digest"].as_str().expect("a digest").to_owned();
    let (first, second) = (exercise.sign(APPROVERS[0]).await, exercise.sign(APPROVERS[1]).await);
    let one = exercise.send(&[first]).await;
    assert_eq!(one.code, 4, "{:?}", one.lines);
    assert_eq!(snapshot(&directory).await, before, "one signature opens nothing");

    // About 20 passwords a second: a second later it is amid the wave.
    let began = std::cell::OnceCell::new();
    let amid =
        |said: &str| said.contains("workforce") && began.get_or_init(clock::instant).elapsed() > Duration::from_secs(1);
    exercise.kill_amid(second, amid).await;
    let end = exercise.send(&[]).await;
    let finished = end.of("finished");
    assert_eq!((end.code, &finished["stopped"]), (0, &Value::Null), "{finished}");
    let evidence = Evidence::read(&exercise.folder(), &exercise.stand.identity).await;
    evidence.assert_each_action_ends_once();
    exercise.assert_files(&evidence, finished, &digest, &[ON_PREM]);

    // The controller's own count of each password's sets, and whom it lets in.
    let after = snapshot(&directory).await;
    let version = |accounts: &BTreeMap<AccountId, Account>, id| accounts.get(id).and_then(|one| one.password.version);
    let mut planned = BTreeSet::new();
    for (entry, _) in evidence.resets() {
        let (sends, _) = evidence.sends(entry.seq);
        let grown = version(&after, &entry.id).zip(version(&before, &entry.id)).map(|(after, before)| after - before);
        assert!(grown.is_some_and(|grown| (1..=sends).contains(&grown)), "{}: {grown:?} by {sends}", entry.name);
        planned.insert(entry.id.clone());
    }
    assert!(planned.len() > 100, "{} planned", planned.len());
    for (id, account) in before.iter().filter(|(id, _)| !planned.contains(*id)) {
        assert_eq!(version(&after, id), account.password.version, "{} is not planned and was touched", account.name);
    }
    for (entry, _) in evidence.resets().filter(|(entry, _)| evidence.password(entry.seq).is_some()).take(20) {
        let path = after.get(&entry.id).and_then(|account| account.path.clone()).expect("a path");
        let (came, text) = site.sign_in(&path, evidence.password(entry.seq).expect("a password")).await;
        // Of a disabled account the controller says so, once the password is right.
        assert!(came != SignIn::Refused || text.contains("data 533"), "{}: {text}", entry.name);
    }
}

fn can_sign(test: &str) -> bool {
    let there = Command::new("ssh-keygen").args(["-l", "-f", "/dev/null"]).output().is_ok();
    if !there {
        not_run(test, "ssh-keygen is not installed");
    }
    there
}

/// An incident and what is needed for it.
struct Exercise {
    stand: Stand,
    playbooks: PathBuf,
}

impl Exercise {
    /// With the playbook as it is shipped, but for what would make the test wait: for a synchronisation
    /// that the mocks do not have, and for the slowest limit of Graph.
    fn new(stand: Stand) -> Self {
        let playbooks = stand.path().join("playbooks");
        std::fs::create_dir(&playbooks).expect("a folder");
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/playbooks/ransomware.toml");
        let text = std::fs::read_to_string(shipped).expect("the playbook");
        assert!(text.contains("sync_wait = \"3m\""), "{text}");
        let text = text.replace("sync_wait = \"3m\"", "sync_wait = \"0s\"");
        // Ten seconds for each administrator, by the published limit.
        let text = text.replace("\"reset_authenticators\", ", "");
        std::fs::write(playbooks.join("ransomware.toml"), text).expect("written");
        let exercise = Self { stand, playbooks };
        let allowed: String = APPROVERS.iter().map(|who| exercise.key(who)).collect();
        std::fs::write(exercise.allowed(), allowed).expect("written");
        exercise
    }

    fn folder(&self) -> PathBuf {
        self.stand.path().join("runs/INC-2041")
    }

    fn allowed(&self) -> PathBuf {
        self.stand.path().join("allowed_signers")
    }

    /// A key of this name beside the stand; its line of the allowed signers.
    fn key(&self, who: &str) -> String {
        let path = self.stand.path().join(who);
        let mut make = Command::new("ssh-keygen");
        make.args(["-q", "-t", "ed25519", "-N", "", "-C", who, "-f"]).arg(&path);
        assert!(make.status().expect("ssh-keygen").success());
        let public = PathBuf::from(format!("{}.pub", path.display()));
        format!("{who} {}", std::fs::read_to_string(public).expect("a public key"))
    }

    /// The statement of every wave, signed by the real `ssh-keygen`.
    async fn sign(&self, who: &str) -> PathBuf {
        let mut command = self.stand.bare();
        command.arg("--json").arg("--resume").arg(self.folder());
        let ended = finish({
            command.args(["--approver", who, "--statement", "all"]);
            command
        })
        .await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let stated = ended.summary();
        let statement = stated["statement"].as_str().expect("a path");
        let mut sign = Command::new("ssh-keygen");
        sign.args(["-q", "-Y", "sign", "-n", stated["namespace"].as_str().expect("a namespace"), "-f"]);
        assert!(sign.arg(self.stand.path().join(who)).arg(statement).status().expect("ssh-keygen").success());
        format!("{statement}.sig").into()
    }

    fn command(&self, signatures: &[PathBuf]) -> Command {
        let trigger = self.stand.path().join("trigger.json");
        let text = json!({"trigger": "ransomware", "incident": "INC-2041", "context": {"alert": 41}});
        std::fs::write(&trigger, text.to_string()).expect("written");
        let mut command = Command::new(program());
        command.current_dir(self.stand.path()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.arg("--trigger").arg(trigger).arg("--playbooks").arg(&self.playbooks);
        command.arg("--directories").arg(self.stand.directories()).args(["--runs", "runs", "--evidence", "0"]);
        command.arg("--recipient").arg(self.stand.identity.recipient().to_string());
        command.arg("--identity").arg(self.stand.key()).arg("--allowed-signers").arg(self.allowed());
        for signature in signatures {
            command.arg("--approval").arg(signature);
        }
        command
    }

    async fn send(&self, signatures: &[PathBuf]) -> Said {
        let mut command = self.command(signatures);
        let ended = tokio::task::spawn_blocking(move || command.output().expect("it runs"));
        said(ended.await.expect("an end"))
    }

    /// Kills it (SIGKILL) once it is amid its work.
    async fn kill_amid(&self, signature: PathBuf, amid: impl Fn(&str) -> bool) {
        let said = self.stand.path().join("said");
        let out = std::fs::File::create(&said).expect("a file");
        let mut child = self.command(&[signature]).stdout(out).stderr(Stdio::null()).spawn().expect("it starts");
        let patience = clock::instant() + Duration::from_secs(120);
        while !amid(&std::fs::read_to_string(&said).expect("lines")) {
            assert!(child.try_wait().expect("a child").is_none(), "it ended before it could be killed");
            assert!(clock::instant() < patience, "nothing was set for two minutes");
            clock::sleep(Duration::from_millis(5)).await;
        }
        child.kill().expect("killed");
        let status = child.wait().expect("an end");
        assert_eq!(status.code(), None, "killed by the signal");
        assert!(!self.folder().join("report.json").exists(), "it was killed before its end");
    }

    /// Each file that is there after it, opened as its reader would.
    fn assert_files(&self, evidence: &Evidence, finished: &Value, digest: &str, directories: &[&str]) {
        let folder = self.folder();
        let text =
            |name: &str| std::fs::read_to_string(folder.join(name)).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        // The trigger, as it was taken.
        let trigger: Value = serde_json::from_str(&text("trigger.json")).expect("JSON");
        assert_eq!(trigger["trigger"]["incident"], "INC-2041");
        // The plan: one row for each account of each directory.
        let plan = Plan::open(folder.join("plan.jsonl")).expect("the plan");
        assert_eq!(plan.digest(), digest);
        let ids: Vec<&str> = plan.header().directories.iter().map(|one| one.info.id.as_str()).collect();
        assert_eq!(ids, directories);
        // The approvals, each with its signer.
        let approvals = Approvals::load(folder.join("approvals.json")).expect("approvals");
        assert!(APPROVERS.iter().all(|who| approvals.iter().any(|one| one.approver == *who)));
        // Every password that is in force opens from the vault; what is sealed is nowhere else in clear.
        assert!(!evidence.sealed.is_empty());
        let report = text("report.json");
        for name in ["report.csv", "todo.csv", "plan.jsonl", "approvals.json", "vault.jsonl"] {
            let text = text(name);
            for (_, sealing) in &evidence.sealed {
                let password = sealing.password.expose();
                assert!(!text.contains(password) && !report.contains(password), "{name} tells a password");
            }
        }
        // The report: sums that add up, the same in JSON and CSV, of this plan and this journal.
        let report: Value = serde_json::from_str(&report).expect("JSON");
        let summary = &report["summary"];
        assert_eq!((&summary["plan_digest"], &summary["accounts"]), (&json!(digest), &finished["accounts"]));
        let count = |name: &str| summary["accounts"][name].as_u64().unwrap_or_else(|| panic!("{name}: {summary}"));
        assert_eq!(count("failed"), 0, "{summary}");
        assert_eq!(count("planned"), count("verified") + count("unknown"));
        assert_eq!(count("unknown"), evidence.unseen(), "only what Okta shows nothing of");
        let rows = report["rows"].as_array().expect("rows");
        let table = csv::Reader::from_path(folder.join("report.csv")).expect("a table").into_records().count();
        assert_eq!((rows.len() as u64, table), (count("seen"), rows.len()), "one row for each account");
        let by_hand = csv::Reader::from_path(folder.join("todo.csv")).expect("a table").into_records().count() as u64;
        assert_eq!(by_hand, count("manual") + count("unknown") + count("failed"), "what is left for hands");
        // Persons are told where accounts can be joined.
        if directories.len() > 1 {
            let persons = csv::Reader::from_path(folder.join("persons.csv")).expect("a table").into_records().count();
            assert!(persons > 50, "{persons} persons");
        }
    }
}
