//! Approvals signed by the real `ssh-keygen`, and its judgement beside ours.
#![expect(clippy::unwrap_used, reason = "a test ends where its ground gives way")]

mod support;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use identity_core::limits::clock;
use identity_core::plan::{AllowedSigners, Approval, ApprovalRules, Approvals, SIGNATURE_NAMESPACE};
use support::World;

/// Says loudly that it is missing: then the test has not run.
fn is_there(test: &str) -> bool {
    // Without arguments it would ask for a name of a file; this only fails.
    let there = Command::new("ssh-keygen").args(["-l", "-f", "/dev/null"]).stdin(Stdio::null()).output().is_ok();
    if !there {
        std::io::stderr().write_all(format!("SKIPPED {test}: not installed: ssh-keygen\n").as_bytes()).unwrap();
    }
    there
}

fn ssh_keygen(arguments: &[&str], input: &str) -> bool {
    let mut command = Command::new("ssh-keygen");
    // The zone of the machine is not to matter.
    command.args(arguments).env("TZ", "UTC").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait().unwrap().success()
}

/// A new key of this kind; its public half.
fn key(path: &Path, kind: &[&str]) -> String {
    let path = path.to_str().unwrap();
    assert!(ssh_keygen(&[&["-q", "-N", "", "-C", "a comment", "-f", path, "-t"], kind].concat(), ""));
    std::fs::read_to_string(format!("{path}.pub")).unwrap()
}

#[tokio::test]
async fn what_ssh_keygen_signs_opens_a_wave_and_both_judge_alike() {
    if !is_there("what_ssh_keygen_signs_opens_a_wave_and_both_judge_alike") {
        return;
    }
    let world = World::new(100).await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    for (kind, arguments) in [
        ("ed25519", &["ed25519"][..]),
        ("p256", &["ecdsa", "-b", "256"]),
        ("p384", &["ecdsa", "-b", "384"]),
        ("p521", &["ecdsa", "-b", "521"]),
        ("rsa", &["rsa", "-b", "2048"]),
    ] {
        let public = key(&file(kind), arguments);
        let term = Duration::from_secs(3_600);
        let approval = Approval::of_waves(&world.plan, ["canary", "privileged"], "ann@example.test", term).unwrap();
        let text = approval.statement(&world.plan).unwrap();
        let statement = file(&format!("{kind}.txt"));
        std::fs::write(&statement, &text).unwrap();
        let (private, path) = (file(kind), statement.to_str().unwrap().to_owned());
        assert!(ssh_keygen(
            &["-q", "-Y", "sign", "-n", SIGNATURE_NAMESPACE, "-f", private.to_str().unwrap(), &path],
            ""
        ));
        let armor = std::fs::read_to_string(format!("{path}.sig")).unwrap();
        for (line, expected) in [
            (format!("ann@example.test {public}"), true),
            (format!("*@example.test,!bob@example.test namespaces=\"git,identity-reset@*\" {public}"), true),
            (format!("\"ann@example.test\" valid-after=\"20200101Z\",valid-before=\"20990101120000Z\" {public}"), true),
            (format!("ann@example.test namespaces=\"file\" {public}"), false),
            (format!("ann@example.test valid-before=\"20200101Z\" {public}"), false),
            (format!("ann@example.test valid-after=\"20990101Z\" {public}"), false),
            (format!("bob@example.test {public}"), false),
            (format!("!ann@example.test,* {public}"), false),
            (format!("ANN@example.test {public}"), false),
        ] {
            let allowed = file("allowed_signers");
            std::fs::write(&allowed, &line).unwrap();
            let mut approvals = Approvals::default();
            approvals.push(Approval::of_statement(&world.plan, &text, armor.as_str()).unwrap());
            let ours = approvals.verify(&world.plan, &AllowedSigners::load(&allowed).unwrap());
            assert_eq!(ours.is_ok(), expected, "{kind} {line}: {ours:?}");
            let theirs = ssh_keygen(
                &[
                    "-Y",
                    "verify",
                    "-I",
                    "ann@example.test",
                    "-n",
                    SIGNATURE_NAMESPACE,
                    "-f",
                    allowed.to_str().unwrap(),
                    "-s",
                    &format!("{path}.sig"),
                ],
                &text,
            );
            assert_eq!(theirs, expected, "ssh-keygen judges otherwise: {kind} {line}");
            let admitted = approvals.admit(&world.plan, "privileged", ApprovalRules::signed(), clock::now());
            assert_eq!(admitted.is_ok(), expected);
        }
    }
}
