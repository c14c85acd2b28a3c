//! Signed approvals, with keys of every kind, and everything that is wrong with one.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where it fails")]

#[path = "../../../tests/support/ssh.rs"]
mod ssh;

use std::error::Error as _;
use std::time::Duration;

use proptest::prelude::*;

use super::{AllowedSigners, Approval, ApprovalFault, ApprovalRules, Approvals};
use crate::error::{Error, ErrorKind};
use crate::limits::clock;
use crate::plan::Plan;
use crate::plan::tests::directory::Fake;
use crate::plan::tests::{Folder, everyone, persons};
use crate::privilege::Tier;
use ssh::SshKey;

const DAY: Duration = Duration::from_secs(86_400);

async fn plan_of(folder: &Folder, rules: ApprovalRules) -> Plan {
    let fake = Fake::of(persons(40)).privileged("p7", Tier::Control);
    folder.plan(everyone().with_approvals(rules), fake).await.unwrap()
}

fn signers(lines: &[String]) -> AllowedSigners {
    AllowedSigners::parse(&lines.join("\n")).unwrap()
}

fn line(principal: &str, key: &SshKey) -> String {
    format!("{principal} {} a comment \"with quotes", key.public())
}

fn statement(plan: &Plan, approver: &str, waves: &[&str]) -> String {
    Approval::of_waves(plan, waves.iter().copied(), approver, DAY).unwrap().statement(plan).unwrap()
}

fn approved(plan: &Plan, approver: &str, waves: &[&str], key: &SshKey) -> Approval {
    let text = statement(plan, approver, waves);
    Approval::of_statement(plan, &text, key.sign(&text)).unwrap()
}

fn of(list: impl IntoIterator<Item = Approval>) -> Approvals {
    let mut approvals = Approvals::default();
    list.into_iter().for_each(|approval| approvals.push(approval));
    approvals
}

fn fault(error: &Error) -> ApprovalFault {
    assert!(error.advice().is_some(), "it says what to do: {error}");
    error
        .source()
        .and_then(|source| source.downcast_ref::<ApprovalFault>())
        .unwrap_or_else(|| panic!("{error}"))
        .clone()
}

#[tokio::test]
async fn keys_of_every_kind_are_verified_and_no_changed_byte_is() {
    let folder = Folder::new();
    let plan = plan_of(&folder, ApprovalRules::signed()).await;
    let text = statement(&plan, "ann", &["canary"]);
    for key in [
        SshKey::ed25519(),
        SshKey::ecdsa("nistp256"),
        SshKey::ecdsa("nistp384"),
        SshKey::ecdsa("nistp521"),
        SshKey::rsa("rsa-sha2-256"),
        SshKey::rsa("rsa-sha2-512"),
        SshKey::security_ed25519(1),
        SshKey::security_ecdsa(5),
    ] {
        let signers = signers(&[line("ann", &key)]);
        for hash in ["sha256", "sha512"] {
            let armor = key.sign_for(ssh::NAMESPACE, hash, &text);
            let signed = signers.verify("ann", &text, &armor, clock::now()).unwrap();
            assert_eq!((signed.principal(), signed.key()), ("ann", key.fingerprint().as_str()));
            let changed = text.replace("10 accounts", "11 accounts").replace("1 accounts", "2 accounts");
            assert_ne!(changed, text);
            let fault = signers.verify("ann", &changed, &armor, clock::now()).unwrap_err();
            assert_eq!(fault, ApprovalFault::BadSignature, "{}", key.public());
        }
    }
    for key in [SshKey::security_ed25519(0), SshKey::security_ecdsa(4)] {
        let fault = signers(&[line("ann", &key)]).verify("ann", &text, &key.sign(&text), clock::now()).unwrap_err();
        assert_eq!(fault, ApprovalFault::Untouched { key: key.fingerprint() });
    }
}

#[tokio::test]
async fn a_signed_approval_counts_once_it_is_verified_and_a_file_is_not_believed() {
    let folder = Folder::new();
    let plan = plan_of(&folder, ApprovalRules::signed()).await;
    let key = SshKey::ed25519();
    let allowed = signers(&[line("ann@example.test", &key)]);
    let mut approvals = of([approved(&plan, "ann@example.test", &["canary", "workforce-1"], &key)]);
    let none = ApprovalRules::default();
    let error = approvals.admit(&plan, "canary", none, clock::now()).unwrap_err();
    assert!(matches!(fault(&error), ApprovalFault::Unverified { .. }), "{error}");
    approvals.check(&plan).unwrap();
    approvals.verify(&plan, &allowed).unwrap();
    let admitted = approvals.admit(&plan, "workforce-1", none, clock::now()).unwrap();
    assert_eq!(admitted[0].signed_by().unwrap().key(), key.fingerprint());
    assert!(admitted[0].to_string().contains(&key.fingerprint()), "{}", admitted[0]);
    assert!(approvals.admit(&plan, "privileged", none, clock::now()).is_err(), "it names the others only");

    let file = folder.file("approvals.json");
    approvals.save(&file).unwrap();
    let mut loaded = Approvals::load(&file).unwrap();
    assert!(loaded.iter().all(|approval| approval.signed_by().is_none()));
    assert!(loaded.admit(&plan, "canary", none, clock::now()).is_err());
    loaded.verify(&plan, &allowed).unwrap();
    assert_eq!(loaded, approvals);

    // A name where a signature is asked for.
    let named = Approvals::approve_all(&plan, "ann@example.test").unwrap();
    let error = named.admit(&plan, "canary", none, clock::now()).unwrap_err();
    assert!(matches!(fault(&error), ApprovalFault::NotSigned { .. }), "{error}");
    // It is the plan that asks: a run may ask for more, never for less.
    let free = folder.plan(everyone(), Fake::of(persons(40))).await.unwrap();
    let named = Approvals::approve_all(&free, "ann").unwrap();
    assert_eq!(named.admit(&free, "canary", none, clock::now()).unwrap().len(), 1);
    assert!(named.admit(&free, "canary", ApprovalRules::signed(), clock::now()).is_err());
}

#[tokio::test]
async fn the_privileged_need_two_persons_with_two_keys() {
    let folder = Folder::new();
    let plan = plan_of(&folder, ApprovalRules::two_for_privileged()).await;
    let (ann, bob, shared) = (SshKey::ed25519(), SshKey::ecdsa("nistp256"), SshKey::ed25519());
    let allowed = signers(&[line("ann,ANN", &ann), line("bob", &bob), line("ann,bob,eve", &shared)]);
    let now = clock::now();
    let asked = |list: Vec<Approval>, wave: &str| {
        let mut approvals = of(list);
        approvals.verify(&plan, &allowed).unwrap();
        let admitted = approvals.admit(&plan, wave, ApprovalRules::default(), now);
        admitted.map(|list| list.len()).map_err(|error| fault(&error))
    };
    let by = |who: &str, key: &SshKey| approved(&plan, who, &["canary", "privileged"], key);
    assert_eq!(asked(vec![by("ann", &ann)], "canary"), Ok(1), "nobody is privileged there");
    assert!(matches!(asked(vec![by("ann", &ann)], "privileged"), Err(ApprovalFault::SecondPersonMissing { .. })));
    for second in [by("ann", &shared), by("ANN", &ann), approved(&plan, "ann", &["privileged"], &ann)] {
        let twice = asked(vec![by("ann", &ann), second], "privileged");
        assert!(matches!(twice, Err(ApprovalFault::SamePerson { .. })), "{twice:?}");
    }
    // The same key under two names, and somebody who is ann by way of it.
    let same_key = asked(vec![by("ann", &shared), by("bob", &shared)], "privileged");
    assert!(matches!(same_key, Err(ApprovalFault::SamePerson { .. })), "{same_key:?}");
    let by_way = asked(vec![by("ann", &ann), by("eve", &shared), by("ann", &shared)], "privileged");
    assert!(matches!(by_way, Err(ApprovalFault::SamePerson { .. })), "{by_way:?}");
    assert_eq!(asked(vec![by("ann", &ann), by("bob", &bob)], "privileged"), Ok(2));
    assert!(plan.summary().to_string().contains("the privileged by two persons"));
    // What is asked for stands in the bytes that the digest is of.
    let other = plan_of(&Folder::new(), ApprovalRules::signed()).await;
    assert_ne!(other.digest(), plan.digest());
}

#[tokio::test(start_paused = true)]
async fn whatever_is_wrong_with_an_approval_is_told_apart() {
    let folder = Folder::new();
    let plan = plan_of(&folder, ApprovalRules::signed()).await;
    let (key, stranger) = (SshKey::ed25519(), SshKey::ed25519());
    let text = statement(&plan, "ann", &["canary"]);
    let allowed = |options: &str| signers(&[format!("ann {options} {}", key.public()), line("bob", &stranger)]);
    let told = |signers: &AllowedSigners, armor: String| {
        let mut approvals = of([Approval::of_statement(&plan, &text, armor).unwrap()]);
        fault(&approvals.verify(&plan, signers).unwrap_err())
    };
    let free = allowed("");
    let wrong = told(&free, key.sign_for("file", "sha512", &text));
    assert_eq!(wrong, ApprovalFault::WrongNamespace { found: "file".into() });
    let unknown = told(&signers(&[line("bob", &stranger)]), key.sign(&text));
    assert_eq!(unknown, ApprovalFault::UnknownSigner { key: key.fingerprint() });
    let others = told(&free, stranger.sign(&text));
    assert_eq!(others, ApprovalFault::OtherPersonsKey { approver: "ann".into(), key: stranger.fingerprint() });
    assert_eq!(told(&free, key.sign("another text")), ApprovalFault::BadSignature);
    assert!(matches!(told(&free, "not armor".into()), ApprovalFault::NotASignature { .. }));
    let namespace = told(&allowed("namespaces=\"file,git\""), key.sign(&text));
    assert!(matches!(namespace, ApprovalFault::NamespaceNotAdmitted { .. }));
    for term in ["valid-before=\"20200101Z\"", "valid-after=\"29990101000000Z\""] {
        assert!(matches!(told(&allowed(term), key.sign(&text)), ApprovalFault::KeyNotValidNow { .. }), "{term}");
    }
    for fits in ["namespaces=\"git,identity-reset@*\"", "valid-after=\"20200101Z\",VALID-BEFORE=\"299901010000Z\""] {
        of([Approval::of_statement(&plan, &text, key.sign(&text)).unwrap()]).verify(&plan, &allowed(fits)).unwrap();
    }

    // The statement itself.
    let other = plan_of(&Folder::new(), ApprovalRules::default()).await;
    let error = Approval::of_statement(&other, &text, key.sign(&text)).unwrap_err();
    assert!(matches!(fault(&error), ApprovalFault::WrongPlan { .. }), "{error}");
    for changed in [
        text.replace("accounts, 0 privileged", "accounts, 9 privileged"),
        text.replace('\n', "\r\n"),
        format!("{text}\n"),
        text.replace("approver: ann\n", "approver: ann\napprover: bob\n"),
        text.replace("wave: canary", "waves: canary"),
        text.replace("identity-reset approval 1", "identity-reset approval 2"),
        text.lines().rev().collect::<Vec<_>>().join("\n"),
        String::new(),
    ] {
        let error = Approval::of_statement(&plan, &changed, key.sign(&changed)).unwrap_err();
        assert!(matches!(fault(&error), ApprovalFault::NotAsMade { .. }), "{changed}: {error}");
        assert_eq!(error.kind(), ErrorKind::ApprovalInvalid);
    }
    for (who, waves) in [("ann\nwave: privileged", &["canary"][..]), ("ann", &["canary", "canary"]), ("ann", &[])] {
        let approval = Approval::of_waves(&plan, waves.iter().copied(), who, DAY).unwrap();
        assert_eq!(approval.statement(&plan).unwrap_err().kind(), ErrorKind::InputInvalid, "{who} {waves:?}");
    }
    for term in [Duration::ZERO, 31 * DAY, Duration::MAX] {
        let approval = Approval::of_waves(&plan, ["canary"], "ann", term).unwrap();
        assert!(matches!(fault(&approval.statement(&plan).unwrap_err()), ApprovalFault::Term { .. }), "{term:?}");
    }

    // Time passes: what was good is over, and that is said.
    let mut approvals = of([Approval::of_statement(&plan, &text, key.sign(&text)).unwrap()]);
    approvals.verify(&plan, &free).unwrap();
    let none = ApprovalRules::default();
    approvals.admit(&plan, "canary", none, clock::now()).unwrap();
    clock::sleep(DAY).await;
    let error = approvals.admit(&plan, "canary", none, clock::now()).unwrap_err();
    assert!(matches!(fault(&error), ApprovalFault::Expired { .. }), "{error}");
    approvals.verify(&plan, &signers(&[line("bob", &stranger)])).unwrap();
    assert!(approvals.iter().all(|approval| approval.signed_by().is_none()), "what is over is passed over");
    let future = text.replace("approved: 2", "approved: 3").replace("expires: 2", "expires: 3");
    let mut approvals = of([Approval::of_statement(&plan, &future, key.sign(&future)).unwrap()]);
    let error = approvals.verify(&plan, &free).unwrap_err();
    assert!(matches!(fault(&error), ApprovalFault::FromTheFuture { .. }), "{error}");
}

#[test]
fn a_line_that_is_not_understood_is_told_with_its_number() {
    let key = SshKey::ed25519().public();
    for (line, expected) in [
        (format!("ann cert-authority {key}"), "cert-authority"),
        (format!("ann CERT-AUTHORITY,namespaces=\"x\" {key}"), "cert-authority"),
        (format!("ann valid-before=\"20270101\" {key}"), "does not say its zone"),
        (format!("ann valid-before=\"20271301Z\" {key}"), "is not a time"),
        (format!("ann valid-before=\"2027Z\" {key}"), "is not a time"),
        (format!("ann valid-after=\"20270101Z\",valid-before=\"20260101Z\" {key}"), "not after"),
        (format!("ann namespaces=\"a\",namespaces=\"b\" {key}"), "said twice"),
        (format!("ann no-such-option {key}"), "no-such-option"),
        (format!("ann namespaces {key}"), "has no value"),
        (format!("ann namespaces=\"a {key}"), "not closed"),
        ("ann".to_owned(), "not known, or has no value"),
        ("ann ssh-ed25519 AAAA".to_owned(), "not known, or has no value"),
        (format!("ann {}", key.replace("ssh-ed25519", "ssh-rsa")), "not known, or has no value"),
    ] {
        let error = AllowedSigners::parse(&format!("# ours\n\n{line}\n")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InputInvalid);
        assert!(error.detail().contains("line 3") && error.detail().contains(expected), "{line}: {error}");
        assert!(error.advice().is_some());
    }
    assert!(AllowedSigners::parse("# nobody\n").unwrap_err().to_string().contains("names nobody"));
    assert!(AllowedSigners::parse(&"#".repeat(2 << 20)).is_err());
    AllowedSigners::parse(&format!("\u{feff}\"ann b\",bob\tnamespaces=\"a, b\"\t {key}\r\n")).unwrap();
}

proptest! {
    #[test]
    fn no_text_makes_a_reader_panic(text in "\\PC{0,200}", bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = AllowedSigners::parse(&text);
        let _ = AllowedSigners::parse(&String::from_utf8_lossy(&bytes));
        let _ = super::sshsig::signer(&text, b"x");
        let armor = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, [b"SSHSIG\0\0\0\x01", &bytes[..]].concat());
        let armor: Vec<&str> = armor.as_bytes().chunks(70).filter_map(|line| std::str::from_utf8(line).ok()).collect();
        let armor = format!("-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n", armor.join("\n"));
        let _ = super::sshsig::signer(&armor, b"x");
    }

    /// One encoding has several spellings (a length that is not looked at); none makes it a signature of
    /// another key, or of another text.
    #[test]
    fn no_damage_makes_a_signature_anybody_elses(at in 0_usize..10_000, byte in any::<u8>()) {
        let key = SshKey::ed25519();
        let mut damaged = key.sign("text").into_bytes();
        let at = at % damaged.len();
        damaged[at] = byte;
        let damaged = String::from_utf8_lossy(&damaged).into_owned();
        if let Ok(signer) = super::sshsig::signer(&damaged, b"text") {
            prop_assert_eq!(super::sshsig::fingerprint(&signer), key.fingerprint());
        }
        prop_assert!(super::sshsig::signer(&damaged, b"another").is_err());
    }
}
