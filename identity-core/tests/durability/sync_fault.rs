//! The disk refuses to sync, or loses all that was not synced.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use identity_core::journal::{Journal, SqliteJournal};
use identity_core::vault::{Identity, SealedFile, unseal};

use crate::child::{self, Part, Said};
use crate::shim;

/// From whichever call on syncing fails: the writes that were acked are there, none is acked
/// after the first that failed, and the files open again.
#[tokio::test]
async fn a_failed_sync_is_an_error_and_nothing_acked_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let Some(library) = shim::compiled(folder.path(), "a_failed_sync_is_an_error_and_nothing_acked_is_lost") else {
        return;
    };
    let key = Identity::generate();
    for part in [Part::Journal, Part::Vault(key.recipient())] {
        let (mut failed_at_start, mut failed_later, mut unharmed) = (0, 0, 0);
        for from in 1..=24_u32 {
            let path = folder.path().join(format!("{}-{from}", name(&part)));
            let mut command = child::command(&part, &path, 1, 12);
            command.env("LD_PRELOAD", &library).env("SYNC_FAULT_FROM", from.to_string());
            let (mut process, said) = child::start(command);
            let said: Vec<Said> = said.collect();
            assert!(process.wait().unwrap().success(), "no panic, whatever the disk does: {said:?}");
            assert_eq!(said.last(), Some(&Said::Ended), "{part:?} {from}");
            let acked = acked(&said);
            let failures: Vec<&String> = said.iter().filter_map(why).collect();
            match (acked.len(), failures.len()) {
                (12, 0) => unharmed += 1,
                (0, 1) if !failures[0].contains("write failed") => failed_at_start += 1,
                (_, count) => {
                    assert_eq!(acked.len() + count, 12, "each write ends one way or the other: {said:?}");
                    failed_later += 1;
                }
            }
            for failure in failures {
                assert!(failure.contains("journal: ") || failure.contains("vault: "), "{failure}");
            }
            check(&part, &path, &acked, &key).await;
        }
        assert!(failed_at_start > 0 && failed_later > 0, "{part:?}: {failed_at_start} {failed_later} {unharmed}");
        println!("{part:?}: {failed_at_start} failed at start, {failed_later} later, {unharmed} were not reached");
    }
}

/// The process dies and everything that it had not synced is lost, as when the power fails:
/// whatever had been acked is there.
#[tokio::test]
async fn what_was_acked_was_synced_before() {
    let folder = tempfile::tempdir().unwrap();
    let Some(library) = shim::compiled(folder.path(), "what_was_acked_was_synced_before") else { return };
    let key = Identity::generate();
    for part in [Part::Journal, Part::Vault(key.recipient())] {
        for round in 1..=6_usize {
            let path = folder.path().join(format!("{}-power-{round}", name(&part)));
            let log = folder.path().join(format!("{}-{round}.log", name(&part)));
            let mut command = child::command(&part, &path, 1, 400);
            command.env("LD_PRELOAD", &library).env("SYNC_LOG", &log);
            let (mut process, mut said) = child::start(command);
            let mut heard: Vec<Said> = said.by_ref().take(round * 9).collect();
            process.kill().unwrap();
            process.wait().unwrap();
            heard.extend(said);
            let lost = lose_what_was_not_synced(&path, &log);
            let acked = acked(&heard);
            assert!(acked.len() >= round * 9, "it said what it should: {heard:?}");
            check(&part, &path, &acked, &key).await;
            println!("{part:?}: {} acked, {lost} bytes lost with the power", acked.len());
        }
    }
}

/// Cuts the files back to the length of their last sync; says how many bytes that took away.
fn lose_what_was_not_synced(path: &Path, log: &Path) -> u64 {
    let synced: BTreeMap<PathBuf, u64> = std::fs::read_to_string(log)
        .unwrap()
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(length, path)| (path.into(), length.parse().unwrap()))
        .collect();
    let mut lost = 0;
    // The shared-memory index of SQLite is rebuilt, and not relied on.
    let _ = std::fs::remove_file(beside(path, "-shm"));
    for file in [path.to_owned(), beside(path, "-wal")] {
        let Ok(found) = std::fs::metadata(&file) else { continue };
        let length = synced.get(&file).copied().unwrap_or(0);
        lost += found.len().saturating_sub(length);
        std::fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(length.min(found.len())).unwrap();
    }
    lost
}

/// Opens the store and finds every acked write.
async fn check(part: &Part, path: &Path, acked: &[u64], key: &Identity) {
    match part {
        Part::Journal => {
            let journal = match SqliteJournal::open(path) {
                Ok(journal) => journal,
                Err(error) => return assert!(acked.is_empty(), "{error}"),
            };
            journal.verify_chain().await.unwrap();
            let known = journal.progress(acked).await.unwrap();
            for (number, known) in acked.iter().zip(known) {
                assert_eq!(known.notes, [format!("note {number}")]);
            }
        }
        Part::Vault(recipient) => {
            if let Err(error) = SealedFile::open(path, vec![recipient.clone()]) {
                return assert!(acked.is_empty(), "{error}");
            }
            let opened: BTreeMap<u64, String> = unseal(path, vec![key.clone()])
                .unwrap()
                .map(|opened| opened.unwrap().1)
                .map(|sealing| (sealing.entry, sealing.password.expose().to_owned()))
                .collect();
            for number in acked {
                assert_eq!(opened.get(number), Some(&format!("password {number}")));
            }
        }
    }
}

fn acked(said: &[Said]) -> Vec<u64> {
    said.iter().filter_map(|said| if let Said::Acked(number) = said { Some(*number) } else { None }).collect()
}

fn why(said: &Said) -> Option<&String> {
    if let Said::Failed(why) = said { Some(why) } else { None }
}

fn name(part: &Part) -> &'static str {
    match part {
        Part::Journal => "journal",
        Part::Vault(_) => "vault",
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
