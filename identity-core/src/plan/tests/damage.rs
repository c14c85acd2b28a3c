//! Plans that were changed, cut, or never were plans.

use std::io::{Seek, SeekFrom, Write};

use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::directory::{Fake, account};
use super::*;
use crate::account::DirectoryId;
use crate::error::ErrorKind;
use crate::privilege::Tier;

fn send_and_sync<T: Send + Sync + 'static>(_: &T) {}

fn send<T: Send + 'static>(_: &T) {}

/// A plan of a few waves, and its text.
fn example(count: usize) -> (Folder, Plan, String) {
    let folder = Folder::new();
    let mut accounts = persons(count);
    accounts.push(account("app", AccountKind::Service));
    accounts.push(account("pc", AccountKind::Computer));
    let fake = Fake::of(accounts).privileged("p3", Tier::Control);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let plan = runtime.block_on(folder.plan(everyone(), fake)).unwrap();
    let text = std::fs::read_to_string(folder.file("plan.jsonl")).unwrap();
    (folder, plan, text)
}

#[test]
fn the_digest_is_that_of_the_file() {
    let (folder, plan, text) = example(30);
    assert_eq!(plan.digest(), format!("sha256:{}", hex::encode(Sha256::digest(&text))));
    assert_eq!(Plan::open(folder.file("plan.jsonl")).unwrap().digest(), plan.digest());
    send_and_sync(&plan);
    send(&plan.rows().unwrap());
    send(&plan.entries("canary", &DirectoryId::new("corp").unwrap()).unwrap());
}

#[test]
fn every_edit_is_told_with_its_line() {
    let (folder, _, text) = example(30);
    let lines: Vec<&str> = text.lines().collect();
    let swapped = {
        let mut lines = lines.clone();
        lines.swap(5, 6);
        lines.join("\n") + "\n"
    };
    let twice = {
        let mut lines = lines.clone();
        lines.push(lines[lines.len() - 1]);
        lines.join("\n") + "\n"
    };
    let without_last = lines[..lines.len() - 1].join("\n") + "\n";
    let no_header = lines[1..].join("\n") + "\n";
    for (text, expected) in [
        (String::new(), "it is empty"),
        ("{}\n".into(), "line 1 is not the header of a plan"),
        ("no\n".into(), "line 1 is not JSON"),
        (no_header, "line 1 is not the header"),
        (text.replace("\"version\":1", "\"version\":2"), "version 2, this library reads version 1"),
        (text.replacen("\"library\"", "\"libary\"", 1), "line 1"),
        (swapped, "line 6"),
        (twice, "out of order or there twice"),
        (without_last, "not as many as its header says"),
        (text.trim_end().to_owned(), "the file ends in the middle of it"),
        (text.replacen("\"id-p3\"", "\"id-p4\"", 1), "an account is there twice"),
        (
            text.replacen(
                "\"id\":\"id-p5\",\"name\":\"p5\",\"kind\":\"person\"",
                "\"id\":\"id-p5\",\"name\":\"p5\",\"kind\":\"trust\"",
                1,
            ),
            "is protected",
        ),
        (text.replacen("\"population\":\"privileged\"", "\"population\":\"workforce\"", 1), "not of its population"),
        (text.replacen("\"seq\":7,", "\"seq\":8,", 1), "its number is 8 where 7 follows"),
        (text.replacen("\"wave\":\"canary\"", "\"wave\":\"kanary\"", 1), "kanary"),
        (text.replacen("[{\"set_password\":{\"must_change\":true}}]}}", "[]}}", 1), "has no action"),
        (
            text.replacen("\"directory\":\"corp\",\"id\":\"id-pc\"", "\"directory\":\"cor\",\"id\":\"id-pc\"", 1),
            "no directory cor",
        ),
    ] {
        assert_ne!(text, lines.join("\n") + "\n", "{expected}: the edit changed something");
        std::fs::write(folder.file("edited"), text).unwrap();
        let error = Plan::open(folder.file("edited")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InputInvalid);
        assert!(error.to_string().contains(expected), "{expected}: {error}");
    }
    assert_eq!(Plan::open(folder.file("nothing")).unwrap_err().kind(), ErrorKind::InputInvalid);
    assert!(Plan::open(folder.0.path()).is_err(), "a folder is no plan");
}

#[test]
fn a_change_under_a_running_run_is_noticed_before_a_row_of_it_is_given() {
    let (folder, plan, text) = example(1_500);
    let corp = DirectoryId::new("corp").unwrap();
    let at = text.find("\"id\":\"id-p9\"").unwrap();
    let line = text[..at].matches('\n').count();
    let mut file = std::fs::OpenOptions::new().write(true).open(folder.file("plan.jsonl")).unwrap();
    file.seek(SeekFrom::Start(at as u64 + 9)).unwrap();
    file.write_all(b"q9").unwrap();
    drop(file);

    let mut read = 0;
    let mut rows = plan.rows().unwrap();
    let error = rows.find_map(|row| match row {
        Ok(_) => {
            read += 1;
            None
        }
        Err(error) => Some(error),
    });
    assert_eq!(error.unwrap().kind(), ErrorKind::InputInvalid);
    assert!(read < line && read % 512 == 0, "the chunk of line {line} gave no row, {read} came before");
    assert!(rows.next().is_none(), "it ends after an error");
    assert!(plan.entries("workforce-1", &corp).unwrap().any(|entry| entry.is_err()));
    assert!(plan.entries("canary", &corp).unwrap().all(|entry| entry.is_ok()), "an unchanged chunk is still good");

    std::fs::OpenOptions::new().write(true).open(folder.file("plan.jsonl")).unwrap().set_len(100).unwrap();
    assert!(plan.rows().unwrap().next().unwrap().is_err(), "cut short");
    assert!(plan.entries("canary", &corp).unwrap().next().unwrap().is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn no_damage_makes_a_panic_and_none_keeps_the_digest(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..4), 1..4),
    ) {
        static EXAMPLE: std::sync::OnceLock<(String, String)> = std::sync::OnceLock::new();
        let (text, digest) = EXAMPLE.get_or_init(|| {
            let (_, plan, text) = example(30);
            (text, plan.digest().to_owned())
        });
        let mut bytes = text.clone().into_bytes();
        for (place, byte, how) in edits {
            if bytes.is_empty() {
                continue;
            }
            let at = place.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 => drop(bytes.remove(at)),
                _ => bytes.truncate(at),
            }
        }
        let folder = Folder::new();
        std::fs::write(folder.file("damaged"), &bytes).unwrap();
        match Plan::open(folder.file("damaged")) {
            Err(error) => prop_assert_eq!(error.kind(), ErrorKind::InputInvalid),
            Ok(plan) => {
                prop_assert_eq!(plan.digest() == digest, bytes == text.as_bytes());
                prop_assert!(plan.rows().unwrap().all(|row| row.is_ok()));
                prop_assert!(!plan.summary().to_string().is_empty());
            }
        }
    }
}
