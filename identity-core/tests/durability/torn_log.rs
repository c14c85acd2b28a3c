//! SQLite's write-ahead log, cut off or damaged at many places.

use std::path::{Path, PathBuf};

use futures::TryStreamExt;
use identity_core::journal::{Event, Journal, Record, SqliteJournal};

/// The header of the log, and one frame of it (SQLite file format, section 4.1).
const HEADER: usize = 32;
const FRAME: usize = 24 + 4096;

struct Crashed {
    // Removed with everything in it at the end of the test.
    folder: tempfile::TempDir,
    file: Vec<u8>,
    log: Vec<u8>,
    records: Vec<Record>,
}

/// The files of a process that died without closing: several commits of different sizes.
async fn crashed() -> Crashed {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("live.sqlite");
    let journal = SqliteJournal::create(&path).unwrap();
    for commit in 0..12_u64 {
        let events = (0..=commit % 5).map(|part| Event::Noted { entry: commit, note: format!("{part}").repeat(300) });
        journal.append(events.collect()).await.unwrap();
    }
    let records = journal.records(1).try_collect().await.unwrap();
    let file = std::fs::read(&path).unwrap();
    let log = std::fs::read(beside(&path, "-wal")).unwrap();
    drop(journal);
    Crashed { folder, file, log, records }
}

impl Crashed {
    /// How many records are there when this is what the disk kept of the log.
    async fn records_with(&self, log: &[u8], what: &str) -> usize {
        let path = self.folder.path().join("copy.sqlite");
        std::fs::write(&path, &self.file).unwrap();
        std::fs::write(beside(&path, "-wal"), log).unwrap();
        let _ = std::fs::remove_file(beside(&path, "-shm"));
        let journal = SqliteJournal::open(&path).unwrap();
        let head = journal.verify_chain().await.unwrap();
        let records: Vec<Record> = journal.records(1).try_collect().await.unwrap();
        assert_eq!(records.len() as u64, head.number, "{what}");
        assert!(self.records.starts_with(&records), "{what}: a prefix");
        journal.append(vec![Event::RunFinished]).await.unwrap();
        records.len()
    }
}

#[tokio::test]
async fn a_log_cut_off_anywhere_gives_a_prefix_and_whole_commits() {
    let crashed = crashed().await;
    let length = crashed.log.len();
    assert!(length > HEADER + 12 * FRAME, "{length}");
    assert_eq!(crashed.records_with(&crashed.log, "uncut").await, crashed.records.len(), "all that was acked");
    let edges = (0..).map(|frame| HEADER + frame * FRAME).take_while(|edge| *edge <= length);
    let mut cuts: Vec<usize> = edges.flat_map(|edge| [edge - 1, edge, edge + 1]).chain(0..=HEADER).collect();
    // And at places that nothing singles out: a fixed stride that meets no frame twice alike.
    cuts.extend((0..length).step_by(997));
    cuts.retain(|cut| *cut <= length);
    cuts.sort_unstable();
    let mut before = 0;
    let mut seen = std::collections::BTreeSet::new();
    for cut in cuts {
        let records = crashed.records_with(&crashed.log[..cut], &format!("cut at {cut}")).await;
        assert!(records >= before, "more of the log never gives fewer records");
        before = records;
        seen.insert(records);
    }
    // One state for each of the twelve commits, and the empty one: a commit is there whole or not.
    assert_eq!(seen.len(), 13, "{seen:?}");
}

#[tokio::test]
async fn a_log_damaged_anywhere_gives_a_prefix() {
    let crashed = crashed().await;
    for place in (0..crashed.log.len()).step_by(1_499) {
        let mut log = crashed.log.clone();
        log[place] ^= 0x40;
        crashed.records_with(&log, &format!("damaged at {place}")).await;
    }
}

#[tokio::test]
async fn a_damaged_main_file_is_never_taken_for_another_intact_journal() {
    let crashed = crashed().await;
    let path = crashed.folder.path().join("live.sqlite");
    let whole = std::fs::read(&path).unwrap();
    let (mut refused, mut found, mut harmless) = (0, 0, 0);
    for place in (0..100).chain((100..whole.len()).step_by(61)) {
        let mut damaged = whole.clone();
        damaged[place] ^= 0x55;
        std::fs::write(&path, &damaged).unwrap();
        let Ok(journal) = SqliteJournal::open(&path) else {
            refused += 1;
            continue;
        };
        let Ok(head) = journal.verify_chain().await else {
            found += 1;
            continue;
        };
        let records: Vec<Record> = journal.records(1).try_collect().await.unwrap();
        assert_eq!(records, crashed.records, "damaged at {place}");
        assert_eq!(head.number, records.len() as u64);
        harmless += 1;
    }
    assert!(refused > 0 && found > 0, "{refused} refused, {found} found, {harmless} harmless");
    println!("{refused} refused on opening, {found} found by the check, {harmless} in places that mean nothing");
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
