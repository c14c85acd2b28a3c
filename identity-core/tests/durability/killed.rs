//! Processes that are killed in the middle of writing, again and again, on the same files.

use std::collections::BTreeSet;

use identity_core::journal::{Journal, SqliteJournal};
use identity_core::vault::{Identity, SealedFile, Vault, unseal};

use crate::child::{self, Part, Said};

const ROUNDS: u64 = 15;

#[tokio::test]
async fn a_killed_process_loses_nothing_that_was_acked_and_the_next_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let mut acked = BTreeSet::new();
    for round in 0..ROUNDS {
        acked.extend(killed_after(&Part::Journal, &path, round));
        let journal = SqliteJournal::open(&path).unwrap();
        let head = journal.verify_chain().await.unwrap();
        assert!(head.number >= acked.len() as u64);
        let asked: Vec<u64> = acked.iter().copied().collect();
        for known in journal.progress(&asked).await.unwrap() {
            assert_eq!(known.notes, [format!("note {}", known.entry)], "round {round}");
        }
    }
    println!("journal: {} acked writes in {ROUNDS} killed processes, none lost", acked.len());
}

#[tokio::test]
async fn a_killed_process_leaves_every_acked_password_in_the_vault() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault.jsonl");
    let key = Identity::generate();
    let part = Part::Vault(key.recipient());
    let mut acked = BTreeSet::new();
    for round in 0..ROUNDS {
        acked.extend(killed_after(&part, &path, round));
        let vault = SealedFile::open(&path, vec![key.recipient()]).unwrap();
        for number in &acked {
            assert_eq!(vault.sealed_for(*number).await.unwrap().len(), 1, "round {round}");
        }
    }
    let opened: BTreeSet<u64> = unseal(&path, vec![key])
        .unwrap()
        .map(|opened| opened.unwrap().1)
        .inspect(|sealing| assert_eq!(sealing.password.expose(), format!("password {}", sealing.entry)))
        .map(|sealing| sealing.entry)
        .collect();
    assert!(opened.is_superset(&acked));
    println!("vault: {} acked writes in {ROUNDS} killed processes, none lost", acked.len());
}

/// Kills it after some acks, a different number each round; gives all that it acked.
fn killed_after(part: &Part, path: &std::path::Path, round: u64) -> Vec<u64> {
    let acks = usize::try_from(1 + round * 7 % 40).unwrap();
    let (mut process, mut said) = child::start(child::command(part, path, 1 + round * 10_000, 10_000));
    let mut heard: Vec<Said> = said.by_ref().take(acks).collect();
    process.kill().unwrap();
    process.wait().unwrap();
    heard.extend(said);
    let numbers = heard.iter().map(|said| match said {
        Said::Acked(number) => *number,
        other => panic!("round {round}: {other:?}"),
    });
    let numbers: Vec<u64> = numbers.collect();
    assert!(numbers.len() >= acks && numbers.len() < 10_000, "it was killed in the middle");
    numbers
}
