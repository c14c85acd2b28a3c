//! The contract of the command line: exit codes, one clear line for each fault, one JSON object.
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail")]

mod support;

use std::path::Path;
use std::time::Duration;

use identity_reset::limits::clock;
use serde_json::Value;
use testkit::fault::{Fault, FaultScript, When};
use testkit::mock_ad::MockAd;
use testkit::organisation::{Organisation, special};

use support::{Ended, Evidence, Stand, finish, guid};

const ACCOUNTS: u64 = 120;

async fn mock() -> MockAd {
    MockAd::builder().organisation(Organisation::new(3, ACCOUNTS)).start().await.expect("a mock")
}

fn untouched(mock: &MockAd) {
    assert_eq!(mock.counts().modifies, 0, "nothing may be touched");
    assert!(mock.organisation().accounts().all(|account| mock.untouched(&account.guid)));
}

/// Bad input: exit code 2, nothing on standard output, nothing touched, no folder, and one line
/// that holds these words.
fn refused(ended: &Ended, mock: &MockAd, run: &Path, words: &[&str]) {
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert_eq!(ended.stdout, "");
    for word in words {
        assert!(ended.complaint().contains(word), "{word:?} is not in: {}", ended.stderr);
    }
    let lines = ended.stderr.lines().filter(|line| !line.is_empty() && !line.starts_with("run folder: ")).count();
    assert_eq!(lines, 1, "one line says it: {}", ended.stderr);
    assert!(!run.exists(), "a run's folder was left behind");
    untouched(mock);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_run_ends_with_0_and_one_json_object() {
    let mock = mock().await;
    let stand = Stand::on(&mock);
    let run = stand.run("run");
    let ended = stand.go(&run).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let summary = ended.summary();
    let counts = |of: &Value, names: &[&str]| {
        names.iter().map(|name| of[name].as_u64().unwrap_or_else(|| panic!("no {name}: {of}"))).collect::<Vec<_>>()
    };
    let names = ["seen", "planned", "verified", "failed", "unknown", "left_out", "protected", "privileged"];
    let all = counts(&summary["accounts"], &names);
    assert_eq!(all[0], ACCOUNTS);
    assert_eq!(all[1], all[2] + all[3] + all[4]);
    let directories = summary["directories"].as_array().expect("directories");
    assert_eq!(directories.len(), 1);
    assert_eq!((directories[0]["id"].as_str(), directories[0]["kind"].as_str()), (Some("corp"), Some("ldap")));
    let of = counts(&directories[0], &["planned", "verified", "failed", "unknown", "requests", "throttled"]);
    assert_eq!(of[..4], all[1..5]);
    assert!(of[4] > of[0] && of[5] == 0, "{of:?}");
    assert!(directories[0]["seconds"].as_f64().expect("seconds") > 0.0);
    assert!(summary["seconds"].as_f64().expect("seconds") > 0.0);
    assert_eq!(summary["stopped"], Value::Null);
    assert_eq!(summary["seed"], 1);
    assert!(!summary["run"].as_str().expect("a run").is_empty());
    let evidence = Evidence::read(&run, &stand.identity).await;
    let plan = identity_reset::plan::Plan::open(run.join("plan.jsonl")).expect("the plan");
    assert_eq!(summary["plan_digest"].as_str(), Some(plan.digest()));
    for file in ["plan", "approvals", "journal", "vault", "report"] {
        let path = summary["files"][file].as_str().unwrap_or_else(|| panic!("no file {file}"));
        assert!(stand.path().join(path).is_file(), "{path}");
    }
    let state = evidence.assert_promised_state(&mock);
    assert_eq!(state.planned, all[1]);

    // Again on the same folder: nothing is left to do.
    let writes = mock.counts().modifies;
    let again = finish(stand.resume(&run)).await;
    assert_eq!((again.code, again.accounts("verified")), (Some(0), all[2]), "{again:?}");
    assert_eq!(mock.counts().modifies, writes, "nothing is done twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_end_with_1_and_are_named() {
    let mock = mock().await;
    let stand = Stand::on(&mock);
    let run = stand.run("run");
    let unlucky = mock.organisation().account(special::APOSTROPHE);
    mock.set_faults(FaultScript::new(1).rule(When::write().on(unlucky.guid.to_string()), Fault::Forbid));
    let mut command = stand.fresh(&run);
    command.args(["--canary", "0"]);
    let ended = finish(command).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!((ended.accounts("failed"), ended.accounts("unknown")), (1, 0));
    let report: Value =
        serde_json::from_slice(&std::fs::read(run.join("report.json")).expect("a report")).expect("JSON");
    let rows = report["rows"].as_array().expect("rows");
    assert_eq!(rows.len() as u64, ACCOUNTS, "every account in one row");
    let failed: Vec<&Value> = rows.iter().filter(|row| row["result"] == "failed").collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0]["name"], unlucky.name.as_str());
    assert!(!failed[0]["left"]["advice"].as_str().expect("advice").is_empty(), "{}", failed[0]);
    assert!(mock.sets(&unlucky.guid).is_empty());
}

/// The page of a run with faults, hostile names, accounts for people and a mark. The step `browser` of
/// .ci/test has it written to a folder of its own, and looks at it.
#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_a_page_to_read() {
    let mock = mock().await;
    let plain = |truth: &testkit::organisation::Truth| {
        let person = truth.kind == identity_reset::account::AccountKind::Person;
        person && truth.grounds.is_empty() && truth.protected_because.is_none() && !truth.protected_by_list
    };
    let people: Vec<_> = mock.organisation().accounts().filter(|account| plain(&account.truth)).collect();
    let names = [
        "<script>alert(1)</script>",
        "\u{202e}nimda",
        "\"><img src=x>",
        "Zo\u{eb} <b>",
        "\u{5e9}\u{5dc}\u{5d5}\u{5dd}",
    ];
    let long = "x".repeat(10_000);
    let mut faults = FaultScript::new(1);
    for (account, name) in people.iter().zip(names.into_iter().chain([long.as_str()])) {
        mock.change(&account.guid, |account| account.name = name.to_owned()).expect("it is there");
        faults = faults.rule(When::write().on(account.guid.to_string()), Fault::Forbid);
    }
    mock.set_faults(faults);
    let stand = Stand::on(&mock);
    let run = std::env::var_os("IDENTITY_RESET_REPORT_FOLDER").map_or_else(|| stand.run("run"), Into::into);
    let mut command = stand.fresh(&run);
    command.args(["--canary", "0", "--mark", "REHEARSAL"]);
    let ended = finish(command).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!(ended.accounts("failed"), names.len() as u64 + 1, "{ended:?}");
    assert_eq!(ended.summary()["mark"], "REHEARSAL");
    assert_eq!(ended.summary()["files"]["page"].as_str().map(Path::new), Some(run.join("report.html").as_path()));
    let page = std::fs::read_to_string(run.join("report.html")).expect("a page");
    let digest = ended.summary()["plan_digest"].as_str().expect("a digest").to_owned();
    let chain = ended.summary()["chain"]["hash"].as_str().expect("a hash").to_owned();
    let shown =
        ["&lt;script&gt;alert(1)&lt;/script&gt;", "[U+202E]nimda", "(10,000 characters)", "REHEARSAL", &digest, &chain];
    for text in shown {
        assert!(page.contains(text), "{text}");
    }
    assert!(!page.contains("<script") && !page.contains("<img"), "a name became markup");
    // What the page tells to do: each line of it says OK.
    let check = page
        .split("<pre>sha256sum --check &lt;&lt;&#39;END&#39;\n")
        .nth(1)
        .or_else(|| page.split("&lt;&lt;'END'\n").nth(1));
    let lines = check.and_then(|rest| rest.split("\nEND</pre>").next()).expect("digests");
    let sums = run.join("sums");
    std::fs::write(&sums, format!("{lines}\n")).expect("written");
    let status =
        std::process::Command::new("sha256sum").current_dir(&run).args(["--check", "--quiet", "sums"]).status();
    assert!(status.expect("sha256sum").success(), "{lines}");
    std::fs::remove_file(sums).expect("removed");
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_ends_with_2_and_one_line_that_names_it() {
    let mock = mock().await;
    let cases: [(&str, &str, &[&str]); 6] = [
        ("bind_dn =", "bind_pasword = \"x\"\nbind_dn =", &["directories.toml", "bind_pasword", "bind_password_file"]),
        ("secrets/bind", "secrets/nothing", &["directories.toml", "bind_password_file", "secrets/nothing"]),
        ("ca.pem", "no-ca.pem", &["directories.toml", "ca_file", "no-ca.pem"]),
        ("kind = \"ldap\"", "kind = \"nis\"", &["directories.toml", "kind", "nis", "ldap"]),
        ("ldaps://", "ldap://", &["corp", "ldaps://", "starttls"]),
        ("id = \"corp\"\n", "", &["directories.toml", "`id` is missing"]),
    ];
    for (from, to, words) in cases {
        let stand = Stand::on(&mock);
        let text = std::fs::read_to_string(stand.directories()).expect("directories.toml");
        assert!(text.contains(from), "{text}");
        std::fs::write(stand.directories(), text.replace(from, to)).expect("written");
        let run = stand.run("run");
        refused(&stand.go(&run).await, &mock, &run, words);
    }
    assert_eq!(mock.counts().binds + mock.counts().failed_binds, 0, "found before anybody signed in");

    let stand = Stand::on(&mock);
    std::fs::remove_file(stand.directories()).expect("removed");
    let run = stand.run("run");
    refused(&stand.go(&run).await, &mock, &run, &["directories.toml", "cannot be read", "name a directories.toml"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_authority_and_a_silent_port_end_with_2() {
    let (mock, other) = (mock().await, mock().await);
    let stand = Stand::on(&mock);
    std::fs::write(stand.path().join("ca.pem"), other.ca_pem()).expect("written");
    let run = stand.run("run");
    refused(&stand.go(&run).await, &mock, &run, &["corp", "ca_file", "ca.pem", "authority that signed it"]);
    assert_eq!(mock.counts().requests, 0, "no byte of LDAP was sent to an unknown server");

    let stand = Stand::on(&other);
    let url = other.url();
    other.shutdown().await;
    let run = stand.run("run");
    let ended = stand.go(&run).await;
    let address = url.trim_start_matches("ldaps://");
    refused(&ended, &mock, &run, &["corp", address.split(':').next().expect("a host"), "url"]);
}

/// Directories lock accounts after a few failed sign-ins: one try, not five.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_bind_password_is_tried_once_and_ends_with_2() {
    let mock = mock().await;
    let stand = Stand::on(&mock);
    std::fs::write(stand.path().join("secrets/bind"), "Wr0ng-Passw0rd-f0r-sure").expect("written");
    let run = stand.run("run");
    let ended = stand.go(&run).await;
    refused(&ended, &mock, &run, &["corp", "bind_password"]);
    assert_eq!((mock.counts().binds, mock.counts().failed_binds), (0, 1));
    assert!(!ended.stderr.contains("Wr0ng-Passw0rd"), "{}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_keys_waves_and_lists_that_do_not_fit_end_with_2() {
    let mock = mock().await;
    let stand = Stand::on(&mock);
    let run = stand.run("run");
    std::fs::create_dir(&run).expect("a folder");
    let ended = stand.go(&run).await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.complaint().contains("exists already") && ended.complaint().contains("--resume"), "{ended:?}");

    let nothing = stand.run("nothing");
    let mut command = stand.resume(&nothing);
    command.arg("--directories").arg(stand.directories());
    refused(&finish(command).await, &mock, &nothing, &["nothing", "plan.jsonl"]);

    let stranger = stand.run("stranger");
    let mut command = stand.bare();
    command.arg("--directories").arg(stand.directories()).arg("--out").arg(&stranger);
    command.args(["--recipient", "age1nobody", "--approve", "all", "--no-messages", "a test"]);
    refused(&finish(command).await, &mock, &stranger, &["age1", "age-keygen"]);

    let list = stand.run("list");
    let mut command = stand.fresh(&list);
    command.args(["--select", "list:nobody.csv"]);
    refused(&finish(command).await, &mock, &list, &["nobody.csv", "cannot be opened"]);

    let wave = stand.run("wave");
    let mut command = stand.unapproved(&wave);
    command.args(["--approve", "canarry"]);
    let ended = finish(command).await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.complaint().contains("canarry") && ended.complaint().contains("canary"), "{ended:?}");

    let unsaid = stand.run("unsaid");
    let mut command = stand.bare();
    command.arg("--directories").arg(stand.directories()).arg("--out").arg(&unsaid).args([
        "--approve",
        "all",
        "--no-messages",
        "a test",
    ]);
    let ended = finish(command).await;
    assert_eq!(ended.code, Some(2), "nobody could open what is sealed: {ended:?}");
    assert!(ended.complaint().contains("--recipient"), "{ended:?}");

    let untold = stand.run("untold");
    let mut command = stand.bare();
    command.arg("--directories").arg(stand.directories()).arg("--out").arg(&untold).arg("--dry-run");
    refused(&finish(command).await, &mock, &untold, &["nobody tells them", "--messages", "--no-messages"]);
    untouched(&mock);
}

/// No terminal to ask on: nothing is approved, nothing touched; afterwards wave by wave.
#[tokio::test(flavor = "multi_thread")]
async fn without_an_approval_4_and_then_only_the_wave_that_is_approved() {
    let mock = mock().await;
    let stand = Stand::on(&mock);
    let run = stand.run("run");
    let ended = finish(stand.unapproved(&run)).await;
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(ended.complaint().contains("--approve") && ended.complaint().contains("--resume"), "{ended:?}");
    untouched(&mock);
    wave_by_wave(&mock, &stand, &run).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_touches_nothing_and_can_be_resumed_wave_by_wave() {
    let mock = mock().await;
    let stand = Stand::on(&mock);
    let run = stand.run("run");
    let mut command = stand.unapproved(&run);
    command.arg("--dry-run");
    let ended = finish(command).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let summary = ended.summary();
    assert_eq!((&summary["dry_run"], &summary["accounts"]["seen"]), (&Value::Bool(true), &Value::from(ACCOUNTS)));
    assert!(summary["accounts"]["planned"].as_u64().is_some_and(|planned| planned > 80), "{summary}");
    untouched(&mock);
    assert!(!run.join("journal.sqlite").exists() && !run.join("vault.jsonl").exists());
    wave_by_wave(&mock, &stand, &run).await;
}

async fn wave_by_wave(mock: &MockAd, stand: &Stand, run: &Path) {
    let mut command = stand.resume(run);
    command.args(["--approve", "privileged"]);
    let ended = finish(command).await;
    assert_eq!(ended.code, Some(3), "the other waves are not approved: {ended:?}");
    assert_eq!(ended.summary()["stopped"]["stop"], "not_approved", "{}", ended.stdout);
    let evidence = Evidence::read(run, &stand.identity).await;
    let (mut inside, mut outside) = (0, 0);
    for (entry, _) in evidence.resets() {
        let touched = !mock.untouched(&guid(&entry.id));
        assert_eq!(touched, entry.wave == "privileged", "{} in {}", entry.name, entry.wave);
        *(if touched { &mut inside } else { &mut outside }) += 1;
    }
    assert!(inside > 10 && outside > 50, "{inside} and {outside}");
    assert!(evidence.others().all(|(id, _)| mock.untouched(&guid(id))));

    let mut command = stand.resume(run);
    command.args(["--approve", "all"]);
    let ended = finish(command).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    Evidence::read(run, &stand.identity).await.assert_promised_state(mock);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_file_ends_with_3_and_a_resume_with_0() {
    let mock = mock().await;
    mock.set_latency(Duration::from_millis(40));
    let stand = Stand::on(&mock);
    let run = stand.run("run");
    let running = finish(stand.fresh(&run));
    let stop = async {
        // Under way, and far from its end.
        while mock.record().len() < 5 {
            clock::sleep(Duration::from_millis(5)).await;
        }
        std::fs::write(run.join("STOP"), "").expect("written");
    };
    let (ended, ()) = tokio::join!(running, stop);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert_eq!(ended.summary()["stopped"]["stop"], "stop_file", "{}", ended.stdout);
    assert_eq!(mock.counts().in_flight, 0, "what was in flight was waited for");
    let planned = ended.accounts("planned");
    assert!((mock.record().len() as u64) < planned, "it stopped before its end");
    assert_eq!(ended.accounts("unknown"), 0, "what was sent was recorded and read back");

    // While the file is there, nothing more is done.
    let writes = mock.counts().modifies;
    assert_eq!(finish(stand.resume(&run)).await.code, Some(3));
    assert_eq!(mock.counts().modifies, writes);
    std::fs::remove_file(run.join("STOP")).expect("removed");
    let ended = finish(stand.resume(&run)).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(Evidence::read(&run, &stand.identity).await.assert_promised_state(&mock).planned, planned);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_rule_ends_with_3_and_a_resume_goes_on() {
    let mock = mock().await;
    let stand = Stand::on(&mock);
    let run = stand.run("run");
    // The canary allows no failure.
    mock.set_faults(FaultScript::new(1).rule(When::write().times(1), Fault::Forbid));
    let ended = stand.go(&run).await;
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert_eq!(ended.summary()["stopped"]["stop"], "failure_budget", "{}", ended.stdout);
    assert_eq!(mock.record().len(), 0);
    let ended = finish(stand.resume(&run)).await;
    assert_eq!(ended.code, Some(1), "the canary stays failed, the others are done: {ended:?}");
    assert_eq!((ended.accounts("failed"), ended.accounts("unknown")), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_vaults_recipients_and_the_place_of_the_directories_are_kept_for_a_resume() {
    let mock = mock().await;
    let stand = Stand::on(&mock);
    let run = stand.run("run");
    let mut command = stand.unapproved(&run);
    command.arg("--dry-run");
    assert_eq!(finish(command).await.code, Some(0));
    // From another folder, with nothing but the run's folder and an approval.
    let elsewhere = tempfile::tempdir().expect("a folder");
    let mut command = stand.bare();
    command.current_dir(elsewhere.path()).arg("--json").arg("--resume").arg(&run).args(["--approve", "all"]);
    let ended = finish(command).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    Evidence::read(&run, &stand.identity).await.assert_promised_state(&mock);
}

/// A key of this name beside the stand; its line of the allowed signers.
fn key(stand: &Stand, who: &str) -> String {
    let path = stand.path().join(who);
    let made =
        std::process::Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&path).status();
    assert!(made.expect("ssh-keygen").success());
    format!("{who} {}", std::fs::read_to_string(path.with_extension("pub")).expect("a public key"))
}

/// From the statement that the program writes to the signature of it, by the real `ssh-keygen`.
async fn sign(stand: &Stand, run: &Path, who: &str, waves: &[&str]) -> std::path::PathBuf {
    let mut command = stand.bare();
    command.arg("--json").arg("--resume").arg(run).args(["--approver", who, "--statement"]).args(waves);
    let ended = finish(command).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let stated = ended.summary();
    let statement = stated["statement"].as_str().expect("a path");
    let mut sign = std::process::Command::new("ssh-keygen");
    sign.args(["-q", "-Y", "sign", "-n", stated["namespace"].as_str().expect("a namespace"), "-f"]);
    assert!(sign.arg(stand.path().join(who)).arg(statement).status().expect("ssh-keygen").success());
    format!("{statement}.sig").into()
}

#[tokio::test(flavor = "multi_thread")]
async fn signed_approvals_of_two_persons_open_the_privileged_and_nothing_less_does() {
    if std::process::Command::new("ssh-keygen").args(["-l", "-f", "/dev/null"]).output().is_err() {
        eprintln!("SKIPPED signed_approvals_of_two_persons_open_the_privileged: not installed: ssh-keygen");
        return;
    }
    let mock = mock().await;
    let stand = Stand::on(&mock);
    let run = stand.run("run");
    let mut command = stand.unapproved(&run);
    command.args(["--dry-run", "--two-for-privileged"]);
    assert_eq!(finish(command).await.code, Some(0));
    let allowed = stand.path().join("allowed_signers");
    std::fs::write(&allowed, key(&stand, "ann") + &key(&stand, "bob")).expect("written");
    key(&stand, "eve");
    let given = |signatures: &[&Path], signers: Option<&Path>| {
        let mut command = stand.resume(&run);
        if let Some(file) = signers {
            command.arg("--allowed-signers").arg(file);
        }
        for file in signatures {
            command.arg("--approval").arg(file);
        }
        finish(command)
    };
    let not_approved = |ended: &Ended, words: &str| {
        assert_eq!(ended.code, Some(4), "{ended:?}");
        assert!(ended.complaint().contains(words), "{words}: {}", ended.stderr);
        untouched(&mock);
    };
    let mut command = stand.resume(&run);
    command.args(["--approve", "all"]);
    not_approved(&finish(command).await, "needs a signature");
    std::fs::remove_file(run.join("approvals.json")).expect("the names count for nothing");
    let ann = sign(&stand, &run, "ann", &["privileged"]).await;
    not_approved(&given(&[&ann], Some(&allowed)).await, "needs two persons");
    let eve = sign(&stand, &run, "eve", &["privileged"]).await;
    not_approved(&given(&[&eve], Some(&allowed)).await, "nobody in the file of allowed signers");
    let ended = given(&[&ann], None).await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.complaint().contains("--allowed-signers"), "{ended:?}");

    // Bob's statement, changed after he signed it.
    let bob = sign(&stand, &run, "bob", &["all"]).await;
    let text = std::fs::read_to_string(bob.with_extension("")).expect("a statement");
    std::fs::write(bob.with_extension(""), text.replace("approver: bob", "approver: ann")).expect("written");
    not_approved(&given(&[&bob], Some(&allowed)).await, "not one of this statement");
    std::fs::write(bob.with_extension(""), &text).expect("written");

    let ended = given(&[&bob], Some(&allowed)).await;
    assert_eq!(ended.code, Some(0), "ann's was kept, and both open everything: {ended:?}");
    Evidence::read(&run, &stand.identity).await.assert_promised_state(&mock);
    let approvals = ended.summary()["approvals"].clone();
    let signers: Vec<&str> =
        approvals.as_array().expect("a list").iter().filter_map(|one| one["signed_by"]["principal"].as_str()).collect();
    assert!(signers.contains(&"ann") && signers.contains(&"bob"), "{approvals}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_handed_to_a_recovery_that_is_not_known_to_be_strong() {
    let mock = mock().await;
    let stand = Stand::on(&mock);
    let run = stand.run("run");
    let scramble = |more: &[&str]| {
        let mut command = stand.unapproved(&run);
        command.args(["--action", "scramble", "--dry-run"]).args(more);
        finish(command)
    };
    let ended = scramble(&[]).await;
    refused(&ended, &mock, &run, &["self-service recovery"]);
    // What Active Directory does not know is unknown, and not nobody.
    let program = |name: &str, arguments: &[&str]| {
        let mut command = tokio::process::Command::new(support::example(name));
        command.current_dir(stand.path()).args(arguments);
        finish(command)
    };
    let audit = ["--directories", "directories.toml", "--out", "readiness.jsonl", "--json"];
    let audited = program("audit_recovery", &audit).await;
    assert_eq!(audited.code, Some(1), "{audited:?}");
    let counts = &audited.summary()["summary"]["all"];
    assert!(counts["accounts"].as_u64() > Some(20) && counts["unknown"] == counts["accounts"], "{counts}");
    let load = program("desk_load", &["readiness.jsonl", "--agents", "4", "--json"]).await;
    assert_eq!(load.code, Some(0), "{load:?}");
    let load = load.summary();
    assert!(load["proposal"]["size"].as_u64() > Some(0) && load["keeps_to_target"] == true, "{load}");
    assert_eq!(load["readiness"], audited.summary()["digest"]);
    let ended = scramble(&["--readiness", "readiness.jsonl"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let plan = identity_reset::plan::Plan::open(run.join("plan.jsonl")).expect("the plan");
    let replaced = |row: &identity_reset::plan::PlanRow| match row {
        identity_reset::plan::PlanRow::Entry(entry) => {
            entry.notes.iter().any(|note| note.contains("replaced by set_password_must_change: no hand-off"))
        }
        identity_reset::plan::PlanRow::LeftOut { .. } => false,
    };
    let replaced = plan.rows().expect("rows").filter(|row| replaced(row.as_ref().expect("a row"))).count();
    assert!(replaced > 20, "{replaced} accounts keep a password that is known");
    untouched(&mock);
}
