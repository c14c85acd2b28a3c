//! Promise 5: of a whole run at the highest log level, nothing that was printed or written holds
//! a generated password or the secret that the run signs in with.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "tests may fail, and say what they saw")]

mod support;

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use identity_reset::vault::Identity;
use testkit::fault::{Fault, FaultScript, When};
use testkit::mock_ad::MockAd;
use testkit::mock_graph::MockGraph;
use testkit::organisation::{Organisation, special};

use support::{Evidence, Mocks, Stand, Which, finish, mass_reset};

/// The forms that a secret may take on its way out.
fn forms(secret: &str) -> Vec<(&'static str, Vec<u8>)> {
    let utf16 = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    // As Active Directory takes it: in quotes, UTF-16 little-endian.
    let quoted = utf16(&format!("\"{secret}\""));
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let debug: String = format!("{secret:?}").trim_matches('"').to_owned();
    let json = serde_json::to_string(secret).expect("JSON").trim_matches('"').to_owned();
    let listed = |bytes: &[u8]| bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
    let mut forms = vec![
        ("UTF-8", secret.as_bytes().to_vec()),
        ("UTF-16LE", utf16(secret)),
        ("UTF-16BE", secret.encode_utf16().flat_map(u16::to_be_bytes).collect()),
        ("escaped as by Debug", debug.into_bytes()),
        ("escaped as in JSON", json.into_bytes()),
        ("hexadecimal", hex(secret.as_bytes()).into_bytes()),
        ("hexadecimal of UTF-16LE", hex(&utf16(secret)).into_bytes()),
        ("bytes as Debug lists them", listed(secret.as_bytes()).into_bytes()),
        ("UTF-16LE as Debug lists it", listed(&utf16(secret)).into_bytes()),
    ];
    for (name, bytes) in [("base64", secret.as_bytes()), ("base64 of unicodePwd", quoted.as_slice())] {
        forms.push((name, STANDARD.encode(bytes).into_bytes()));
        forms.push((name, STANDARD_NO_PAD.encode(bytes).into_bytes()));
        forms.push((name, URL_SAFE_NO_PAD.encode(bytes).into_bytes()));
    }
    forms
}

/// A secret by its number, a form of it, and that form's bytes.
type Needle = (usize, &'static str, Vec<u8>);

/// Where which secret was found, without the secret. One pass over each place, however many
/// secrets there are.
fn scan(places: &[(String, Vec<u8>)], secrets: &[String]) -> Vec<String> {
    let mut needles: HashMap<[u8; 4], Vec<Needle>> = HashMap::new();
    for (number, secret) in secrets.iter().enumerate() {
        for (form, needle) in forms(secret) {
            let start = needle.first_chunk().expect("secrets are longer than four bytes");
            needles.entry(*start).or_default().push((number, form, needle));
        }
    }
    let mut found = BTreeSet::new();
    for (place, text) in places {
        for at in 0..text.len() {
            let rest = text.get(at..).unwrap_or_default();
            let Some(candidates) = rest.first_chunk().and_then(|start| needles.get(start)) else { continue };
            for (number, form, _) in candidates.iter().filter(|(_, _, needle)| rest.starts_with(needle)) {
                found.insert(format!("secret {number} as {form} in {place}"));
            }
        }
    }
    found.into_iter().collect()
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// Goes wrong in many ways: what goes wrong is logged most.
fn faults() -> FaultScript {
    FaultScript::new(4)
        .rule(When::write().nth(3), Fault::CutAfterApply)
        .rule(When::write().every(9), Fault::RefusePassword)
        .rule(When::write().every(13), Fault::Busy)
        .rule(When::write().every(17), Fault::GarbledMessage)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_printed_or_written_holds_a_secret() {
    let mocks = Mocks::start(Which::OnPrem, Organisation::new(5, 100), Duration::ZERO).await;
    let mock = mocks.ad.as_ref().expect("a domain");
    mock.set_faults(faults());
    let passwords = assert_kept(&mocks.stand(), || vec![mock.bind_password()]).await;
    assert!(passwords > 75, "{passwords} passwords were generated");
}

/// A tenant's client secret and its tokens, and the passwords of both directories.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_run_on_a_tenant_and_its_domain_holds_a_secret() {
    let mocks = Mocks::start(Which::Hybrid, Organisation::new(5, 100), Duration::ZERO).await;
    let (ad, graph) = (mocks.ad.as_ref().expect("a domain"), mocks.graph.as_ref().expect("a tenant"));
    ad.set_faults(faults());
    graph.set_faults(faults().rule(When::read().every(23), Fault::TruncatedPage));
    let signs_in = || {
        let tokens = graph.tokens();
        assert!(!tokens.is_empty(), "the run had a token");
        // A token is a secret by its signature; its claims are no one's to know either.
        let signatures = tokens.iter().filter_map(|token| token.rsplit('.').next()).map(str::to_owned);
        let mut secrets: Vec<String> = signatures.collect();
        secrets.extend(tokens.iter().cloned());
        secrets.extend([graph.client_secret().expect("a secret"), ad.bind_password()]);
        secrets
    };
    let passwords = assert_kept(&mocks.stand(), signs_in).await;
    assert!(passwords > 100, "{passwords} passwords were generated");
    assert!(graph.counts().passwords > 15, "some of them in the cloud: {:?}", graph.counts());
}

/// Runs and resumes at the highest log level: neither a generated password, nor what opens the
/// vault, nor what the run signed in with, is in anything that was printed or written. Says how many
/// passwords were generated.
async fn assert_kept(stand: &Stand, signs_in: impl Fn() -> Vec<String>) -> usize {
    let run = stand.run("run");
    let mut command = stand.fresh(&run);
    command.env("IDENTITY_RESET_LOG", "trace");
    let ended = finish(command).await;
    assert!(ended.stderr.contains(" DEBUG "), "the log level is set");
    assert!(matches!(ended.code, Some(0 | 1)), "{:?}", ended.code);
    // Once more, killed processes and resumes write too.
    let mut command = stand.resume(&run);
    command.env("IDENTITY_RESET_LOG", "trace");
    let again = finish(command).await;

    let evidence = Evidence::read(&run, &stand.identity).await;
    let mut secrets: Vec<String> =
        evidence.sealed.iter().map(|(_, sealing)| sealing.password.expose().to_owned()).collect();
    let passwords = secrets.len();
    let sealing = evidence.resets().filter(|(_, actions)| actions.iter().any(|action| action.needs_sealing()));
    assert!(passwords > sealing.count(), "some were refused and replaced");
    secrets.extend(signs_in());
    secrets.push(stand.identity.to_secret().expose().to_owned());
    assert!(secrets.iter().all(|secret| secret.len() >= 12), "long enough not to be found by chance");

    let mut places: Vec<(String, Vec<u8>)> = Vec::new();
    for (name, output) in [("the first run", &ended), ("the resume", &again)] {
        places.push((format!("standard output of {name}"), output.stdout.clone().into_bytes()));
        places.push((format!("standard error of {name}"), output.stderr.clone().into_bytes()));
    }
    for file in files(&run) {
        let text = std::fs::read(&file).expect("readable");
        places.push((file.display().to_string(), text));
    }
    for name in
        ["plan.jsonl", "approvals.json", "journal.sqlite", "vault.jsonl", "report.json", "report.csv", "report.html"]
    {
        assert!(places.iter().any(|(place, text)| place.ends_with(name) && !text.is_empty()), "{name} is scanned");
    }
    let bytes: usize = places.iter().map(|(_, text)| text.len()).sum();
    println!("{} secrets in {} places, {bytes} bytes", secrets.len(), places.len());
    let found = scan(&places, &secrets);
    assert!(found.is_empty(), "{found:#?}");

    // Permissions: what is not secret names people all the same.
    #[cfg(unix)]
    for file in files(&run) {
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).expect("there").permissions());
        let private = ["vault.jsonl", "journal.sqlite", "plan.jsonl", "report.json", "report.csv", "report.html"];
        if private.iter().any(|name| file.ends_with(name)) {
            assert_eq!(mode & 0o077, 0, "{} is for its owner only", file.display());
        }
    }
    passwords
}

/// The directories inside the program are our own, and their passwords protect nothing; all the same.
#[tokio::test(flavor = "multi_thread")]
async fn nor_does_a_run_on_the_embedded_directories() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = folder.path().join("run");
    let mut command = tokio::process::Command::new(mass_reset());
    command.arg("--accounts").arg("80").arg("--out").arg(&run).env("IDENTITY_RESET_LOG", "trace");
    let ended = finish(command).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let key = run.join("embedded-identity.txt");
    let identity = Identity::read_file(&key).expect("a key").remove(0);
    let evidence = Evidence::read(&run, &identity).await;
    let mut secrets: Vec<String> = evidence.sealed.iter().map(|(_, one)| one.password.expose().to_owned()).collect();
    secrets.push(Organisation::new(1, 80).initial_password(special::RUNNER));
    let tenant = MockGraph::builder(Organisation::new(1, 80)).build();
    secrets.push(tenant.client_secret().expect("a secret"));
    secrets.push(identity.to_secret().expose().to_owned());
    assert!(secrets.len() > 50, "{} secrets", secrets.len());
    let mut places = vec![
        ("standard output".to_owned(), ended.stdout.into_bytes()),
        ("standard error".to_owned(), ended.stderr.into_bytes()),
    ];
    for file in files(&run).into_iter().filter(|file| *file != key) {
        places.push((file.display().to_string(), std::fs::read(&file).expect("readable")));
    }
    let found = scan(&places, &secrets);
    assert!(found.is_empty(), "{found:#?}");
}

/// The scan finds what it looks for, in every form and in every kind of place.
#[test]
fn the_scan_finds_what_is_planted() {
    let secret = "tVq8-\"Rk\\2-mZ_x7é".to_owned();
    for (form, bytes) in forms(&secret) {
        for around in [("", ""), ("before ", " after"), ("\0\0\u{1}", "\0")] {
            let text = [around.0.as_bytes(), &bytes, around.1.as_bytes()].concat();
            let found = scan(&[("a file".to_owned(), text)], std::slice::from_ref(&secret));
            assert!(found.iter().any(|line| line.contains(form)), "{form} is not found");
        }
    }
    let near = vec![("a file".to_owned(), secret.replace('k', "K").into_bytes())];
    assert!(scan(&near, std::slice::from_ref(&secret)).is_empty(), "and nothing else");
}

/// As a whole: a real run's folder with one password planted into one of its files.
#[tokio::test(flavor = "multi_thread")]
async fn a_password_planted_into_a_runs_folder_is_found() {
    let mock = MockAd::builder().organisation(Organisation::new(5, 60)).start().await.expect("a mock");
    let stand = Stand::on(&mock);
    let run = stand.run("run");
    assert_eq!(stand.go(&run).await.code, Some(0));
    let evidence = Evidence::read(&run, &stand.identity).await;
    let secrets: Vec<String> = evidence.sealed.iter().map(|(_, one)| one.password.expose().to_owned()).collect();
    let read = || -> Vec<(String, Vec<u8>)> {
        files(&run).into_iter().map(|file| (file.display().to_string(), std::fs::read(&file).expect("read"))).collect()
    };
    assert!(scan(&read(), &secrets).is_empty());
    let report = run.join("report.csv");
    let mut text = std::fs::read(&report).expect("a report");
    text.extend(STANDARD.encode(secrets.last().expect("a password")).bytes());
    std::fs::write(&report, text).expect("planted");
    let found = scan(&read(), &secrets);
    assert_eq!(found.iter().filter(|line| line.contains("report.csv")).count(), found.len());
    assert!(!found.is_empty());
}
