//! The vault's file is opened with the ordinary programs, without this library.
#![expect(clippy::unwrap_used, reason = "a test ends where its ground gives way")]

use std::io::Write;
use std::process::Command;

use identity_core::account::{AccountId, DirectoryId};
use identity_core::reset::{Secret, SecretKind};
use identity_core::vault::{Identity, Recipient, SealedFile, Sealing, Vault, unseal};

fn sealing(entry: u64) -> Sealing {
    Sealing {
        entry,
        directory: DirectoryId::new("corp").unwrap(),
        account: AccountId::new(format!("id-{entry}")).unwrap(),
        name: format!("user{entry}"),
        kind: SecretKind::Password,
        password: Secret::new(format!("pass\"word\" {entry}")),
    }
}

/// Names what is missing, loudly: then the test has not run.
fn has_all(programs: &[&str], test: &str) -> bool {
    let missing: Vec<&&str> =
        programs.iter().filter(|program| Command::new(program).arg("--version").output().is_err()).collect();
    if !missing.is_empty() {
        // Not by `println!`: of a test that passes the harness would swallow it.
        std::io::stderr().write_all(format!("SKIPPED {test}: not installed: {missing:?}\n").as_bytes()).unwrap();
    }
    missing.is_empty()
}

#[tokio::test]
async fn the_ordinary_programs_open_it() {
    if !has_all(&["age", "jq", "bash", "base64"], "the_ordinary_programs_open_it") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (path, key_file) = (folder.path().join("vault.jsonl"), folder.path().join("key"));
    let key = Identity::generate();
    key.write_file(&key_file).unwrap();
    let vault = SealedFile::create(&path, vec![Identity::generate().recipient(), key.recipient()]).unwrap();
    vault.seal(vec![sealing(1), sealing(2)]).await.unwrap();
    vault.seal(vec![sealing(3)]).await.unwrap();

    let script = r#"jq -r .sealed "$1" | while read -r line; do base64 -d <<<"$line" | age -d -i "$2"; done"#;
    let output = Command::new("bash").args(["-c", script, "bash"]).arg(&path).arg(&key_file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines: Vec<serde_json::Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    for (entry, line) in (1_u64..).zip(lines) {
        let expected = serde_json::json!({
            "entry": entry,
            "directory": "corp",
            "account": format!("id-{entry}"),
            "name": format!("user{entry}"),
            "password": format!("pass\"word\" {entry}"),
        });
        assert_eq!(line, expected);
    }
}

#[tokio::test]
async fn a_key_made_by_age_keygen_works() {
    if !has_all(&["age-keygen"], "a_key_made_by_age_keygen_works") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (path, key_file) = (folder.path().join("vault.jsonl"), folder.path().join("key"));
    assert!(Command::new("age-keygen").arg("-o").arg(&key_file).output().unwrap().status.success());
    let public = Command::new("age-keygen").arg("-y").arg(&key_file).output().unwrap();
    let recipient = Recipient::parse(&String::from_utf8(public.stdout).unwrap()).unwrap();
    let identities = Identity::read_file(&key_file).unwrap();
    assert_eq!(identities[0].recipient(), recipient);
    let vault = SealedFile::create(&path, vec![recipient]).unwrap();
    vault.seal(vec![sealing(1)]).await.unwrap();
    let opened = unseal(&path, identities).unwrap().next().unwrap().unwrap();
    assert_eq!(opened.1.password.expose(), sealing(1).password.expose());
}
