use std::time::Duration;

use futures::future::join_all;
use futures::{StreamExt, TryStreamExt};
use rusqlite::Connection;

use super::super::{BrokenChain, Finality, MemoryJournal, verify_chain};
use super::*;
use crate::error::{Error, ErrorKind};
use crate::journal::Baseline;
use crate::reset::Action;
use crate::vault::SealedRef;

struct Place {
    // Removed with everything in it at the end of the test.
    _folder: tempfile::TempDir,
    path: PathBuf,
}

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    Place { _folder: folder, path }
}

fn intent(entry: u64, attempt: u32) -> Event {
    Event::Intent {
        entry,
        action: Action::SetPassword { must_change: true },
        attempt,
        baseline: Baseline::default(),
        sealed: Some(SealedRef(format!("{entry}:0"))),
    }
}

fn done(entry: u64) -> Event {
    Event::Done {
        entry,
        action: Action::SetPassword { must_change: true },
        attempt: 1,
        at: None,
        request_id: Some("r-1".into()),
        read_back: false,
        server_secret: None,
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[tokio::test]
async fn what_was_appended_is_there_after_opening_anew() {
    let place = place();
    let journal = SqliteJournal::create(&place.path).unwrap();
    journal.append(vec![intent(1, 1), intent(2, 1)]).await.unwrap();
    journal.append(vec![done(1)]).await.unwrap();
    journal.append(Vec::new()).await.unwrap();
    let head = journal.head().await.unwrap();
    assert_eq!(head.number, 3);
    drop(journal);

    let journal = SqliteJournal::open(&place.path).unwrap();
    assert_eq!(journal.verify_chain().await.unwrap(), head);
    let progress = journal.progress(&[2, 1, 3]).await.unwrap();
    assert_eq!(progress.iter().map(|known| known.entry).collect::<Vec<_>>(), [2, 1, 3]);
    let finality = |place: usize| &progress[place].actions[0].finality;
    assert_eq!(*finality(0), Finality::Open);
    assert!(matches!(finality(1), Finality::Done { .. }));
    assert!(progress[2].actions.is_empty());
    journal.append(vec![done(2)]).await.unwrap();
    assert_eq!(journal.verify_chain().await.unwrap().number, 4);
}

#[tokio::test]
async fn both_journals_tell_the_same_of_the_same_events() {
    let place = place();
    let durable = SqliteJournal::create(&place.path).unwrap();
    let memory = MemoryJournal::new();
    for entry in 1..40 {
        let events = vec![intent(entry % 7, 1), done(entry % 5), Event::WaveStarted { wave: "w".into() }];
        durable.append(events.clone()).await.unwrap();
        memory.append(events).await.unwrap();
    }
    let entries: Vec<u64> = (0..9).collect();
    assert_eq!(durable.progress(&entries).await.unwrap(), memory.progress(&entries).await.unwrap());
    let events = |records: Vec<Record>| records.into_iter().map(|one| (one.number, one.event)).collect::<Vec<_>>();
    for from in [0, 1, 2, 60, 117, 118] {
        let of_durable: Vec<Record> = durable.records(from).try_collect().await.unwrap();
        let of_memory: Vec<Record> = memory.records(from).try_collect().await.unwrap();
        assert_eq!(events(of_durable), events(of_memory), "from {from}");
    }
    assert_eq!(verify_chain(&memory).await.unwrap(), memory.head().await.unwrap());
    assert_eq!(verify_chain(&durable).await.unwrap().number, 117);
}

#[tokio::test]
async fn a_long_journal_streams_in_chunks_even_after_its_handle_is_gone() {
    let place = place();
    let journal = SqliteJournal::create(&place.path).unwrap();
    journal.append((1..=1_300).map(|entry| intent(entry, 1)).collect()).await.unwrap();
    let mut records = journal.records(3);
    assert_eq!(records.next().await.unwrap().unwrap().number, 3);
    drop(journal);
    let rest: Vec<Record> = records.try_collect().await.unwrap();
    assert_eq!(rest.last().unwrap().number, 1_300);
    assert!(rest.windows(2).all(|pair| pair[0].number + 1 == pair[1].number));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn appends_of_many_callers_share_commits() {
    let place = place();
    let journal = Arc::new(SqliteJournal::create(&place.path).unwrap());
    let callers = (0..200_u64).map(|entry| {
        let journal = Arc::clone(&journal);
        tokio::spawn(async move {
            journal.append(vec![intent(entry, 1)]).await.unwrap();
            journal.append(vec![done(entry)]).await.unwrap();
        })
    });
    for caller in join_all(callers).await {
        caller.unwrap();
    }
    assert_eq!(journal.verify_chain().await.unwrap().number, 400);
    assert!(journal.commits() < 400, "{} commits for 400 appends", journal.commits());
}

#[tokio::test(start_paused = true)]
async fn virtual_time_is_recorded_and_does_not_run_ahead_while_the_disk_works() {
    let place = place();
    let journal = SqliteJournal::create(&place.path).unwrap();
    for _ in 0..3 {
        let append = journal.append(vec![Event::RunFinished]);
        clock::within(Duration::from_millis(1), append).await.expect("no time passes").unwrap();
        clock::sleep(Duration::from_secs(3600)).await;
    }
    let records: Vec<Record> = journal.records(1).try_collect().await.unwrap();
    let apart = records[2].at.duration_since(records[0].at).as_secs();
    assert!((7_200..7_260).contains(&apart), "{apart}");
}

#[tokio::test]
async fn a_second_opening_is_refused_and_names_file_and_process() {
    let place = place();
    let journal = SqliteJournal::create(&place.path).unwrap();
    let error = SqliteJournal::open(&place.path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Journal);
    assert!(error.detail().contains("journal.sqlite is in use by process"), "{error}");
    assert!(error.detail().contains(&std::process::id().to_string()), "{error}");
    assert!(error.advice().is_some());
    drop(journal);
    SqliteJournal::open(&place.path).unwrap();
}

#[tokio::test]
async fn files_that_are_no_journal_of_ours_are_refused_and_left_alone() {
    let place = place();
    let refused = |what: &str, expect: &str| {
        let before = std::fs::read(&place.path).ok();
        let error = SqliteJournal::open(&place.path).unwrap_err();
        assert!(error.kind() == ErrorKind::Journal && error.detail().contains(expect), "{what}: {error}");
        assert!(error.advice().is_some(), "{what}");
        assert_eq!(std::fs::read(&place.path).ok(), before, "{what}");
    };
    refused("missing", "cannot be read");
    std::fs::write(&place.path, b"").unwrap();
    refused("empty", "creation was cut short");
    std::fs::write(&place.path, b"some notes that somebody keeps here, long enough for a header of SQLite").unwrap();
    refused("text", "not a journal");
    std::fs::remove_file(&place.path).unwrap();
    Connection::open(&place.path).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    refused("another database", "not a journal");
    assert!(SqliteJournal::create(&place.path).unwrap_err().detail().contains("cannot be made"), "never overwritten");
    std::fs::remove_file(&place.path).unwrap();
    drop(SqliteJournal::create(&place.path).unwrap());
    Connection::open(&place.path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let error = SqliteJournal::open(&place.path).unwrap_err();
    assert!(error.detail().contains("schema version 99"), "{error}");
}

#[tokio::test]
async fn a_journal_of_version_1_is_continued_as_it_is() {
    let place = place();
    let (application, schema) = (super::connection::APPLICATION, super::connection::SCHEMA_1);
    let laid_out = format!("PRAGMA application_id = {application}; PRAGMA user_version = 1; {schema}");
    Connection::open(&place.path).unwrap().execute_batch(&laid_out).unwrap();
    let journal = SqliteJournal::open(&place.path).unwrap();
    journal.append(vec![intent(1, 1), done(1)]).await.unwrap();
    drop(journal);
    let journal = SqliteJournal::open(&place.path).unwrap();
    assert_eq!(journal.verify_chain().await.unwrap().number, 2);
    assert!(journal.progress(&[1]).await.unwrap()[0].actions[0].finality.is_final());
    drop(journal);
    // Another version's number does not make another schema acceptable.
    Connection::open(&place.path).unwrap().pragma_update(None, "user_version", 2).unwrap();
    let error = SqliteJournal::open(&place.path).unwrap_err();
    assert!(error.detail().contains("was changed"), "{error}");
}

#[tokio::test]
async fn a_full_disk_is_said_so_and_nothing_follows_it() {
    let place = place();
    let journal = SqliteJournal::create(&place.path).unwrap();
    journal.append(vec![intent(1, 1)]).await.unwrap();
    journal.limit_pages(12);
    let mut acked = 1;
    let error = loop {
        match journal.append((0..20).map(|entry| intent(entry, 1)).collect()).await {
            Ok(()) => acked += 20,
            Err(error) => break error,
        }
        assert!(acked < 10_000, "the limit has no effect");
    };
    assert_eq!(error.kind(), ErrorKind::Journal);
    assert!(error.detail().starts_with("no space is left for"), "{error}");
    assert!(error.advice().unwrap().contains("free space"), "{error}");
    // Small enough to fit by now: it is the state that is not trusted, not the space.
    let later = journal.append(vec![Event::RunFinished]).await.unwrap_err();
    assert!(later.detail().contains("a write failed: no space is left for"), "{later}");
    // What is there can still be read, for the report.
    assert_eq!(journal.head().await.unwrap().number, acked);
    drop(journal);
    let journal = SqliteJournal::open(&place.path).unwrap();
    assert_eq!(journal.verify_chain().await.unwrap().number, acked);
    journal.append(vec![Event::RunFinished]).await.unwrap();
}

#[tokio::test]
async fn the_files_of_a_live_journal_can_be_copied_and_a_closed_one_is_one_file() {
    let place = place();
    let journal = SqliteJournal::create(&place.path).unwrap();
    journal.append((0..50).map(|entry| intent(entry, 1)).collect()).await.unwrap();
    let head = journal.head().await.unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    for suffixes in [&["", "-wal", "-shm"][..], &["", "-wal"]] {
        let copy = elsewhere.path().join(format!("copy{}.sqlite", suffixes.len()));
        for suffix in suffixes {
            std::fs::copy(beside(&place.path, suffix), beside(&copy, suffix)).unwrap();
        }
        assert_eq!(SqliteJournal::open(&copy).unwrap().verify_chain().await.unwrap(), head);
    }
    drop(journal);
    let copy = elsewhere.path().join("closed.sqlite");
    std::fs::copy(&place.path, &copy).unwrap();
    assert_eq!(SqliteJournal::open(&copy).unwrap().verify_chain().await.unwrap(), head);
}

#[tokio::test]
async fn any_changed_byte_of_a_body_is_found() {
    let place = place();
    let journal = SqliteJournal::create(&place.path).unwrap();
    journal.append((1..=5).map(|entry| intent(entry, 1)).collect()).await.unwrap();
    drop(journal);
    let other = Connection::open(&place.path).unwrap();
    let body: String = other.query_row("SELECT body FROM records WHERE number = 3", [], |row| row.get(0)).unwrap();
    for place_of_byte in 0..body.len() {
        let mut changed = body.clone().into_bytes();
        changed[place_of_byte] ^= 1;
        let changed = String::from_utf8(changed).unwrap();
        other.execute("UPDATE records SET body = ?1 WHERE number = 3", [changed]).unwrap();
        let journal = SqliteJournal::open(&place.path).unwrap();
        assert_eq!(broken_at(&journal.verify_chain().await.unwrap_err()), Some(3), "byte {place_of_byte}");
    }
}

#[tokio::test]
async fn a_removed_moved_or_forged_record_is_found() {
    let cases: [(&str, u64); 6] = [
        ("DELETE FROM records WHERE number = 2", 2),
        ("DELETE FROM records WHERE number = 1", 1),
        ("UPDATE records SET at = '2020-01-01T00:00:00Z' WHERE number = 4", 4),
        ("UPDATE records SET hash = (SELECT hash FROM records WHERE number = 1) WHERE number = 3", 3),
        ("UPDATE records SET number = 9 WHERE number = 3", 3),
        ("UPDATE records SET number = number + 1 WHERE number = 5", 5),
    ];
    for (change, number) in cases {
        let place = place();
        let journal = SqliteJournal::create(&place.path).unwrap();
        journal.append((1..=5).map(|entry| intent(entry, 1)).collect()).await.unwrap();
        Connection::open(&place.path).unwrap().execute_batch(change).unwrap();
        assert_eq!(broken_at(&journal.verify_chain().await.unwrap_err()), Some(number), "{change}");
    }
    // At the end, where the next append would build on it, opening finds it.
    let place = place();
    let journal = SqliteJournal::create(&place.path).unwrap();
    journal.append(vec![intent(1, 1), done(1)]).await.unwrap();
    drop(journal);
    let other = Connection::open(&place.path).unwrap();
    other
        .execute_batch("UPDATE records SET body = replace(body, '\"entry\":1', '\"entry\":2') WHERE number = 2")
        .unwrap();
    assert_eq!(broken_at(&SqliteJournal::open(&place.path).unwrap_err()), Some(2));
}

#[tokio::test]
async fn a_changed_schema_is_refused() {
    let changes = [
        "CREATE TRIGGER forget AFTER INSERT ON records BEGIN DELETE FROM records; END",
        "CREATE INDEX theirs ON records (at)",
        "DROP INDEX records_by_entry",
        "DROP VIEW standing; CREATE VIEW standing AS SELECT 1",
    ];
    for change in changes {
        let place = place();
        drop(SqliteJournal::create(&place.path).unwrap());
        Connection::open(&place.path).unwrap().execute_batch(change).unwrap();
        let error = SqliteJournal::open(&place.path).unwrap_err();
        assert!(error.detail().contains("was changed"), "{change}: {error}");
    }
}

#[tokio::test]
async fn people_can_read_it_with_sql() {
    let place = place();
    let journal = SqliteJournal::create(&place.path).unwrap();
    let actions = Action::ALL;
    let events = actions.iter().map(|action| Event::Intent {
        entry: 1,
        action: *action,
        attempt: 1,
        baseline: Baseline::default(),
        sealed: None,
    });
    journal.append(events.chain([done(1), intent(2, 1), Event::RunFinished]).collect()).await.unwrap();
    let sql = Connection::open(&place.path).unwrap();
    let words = |query: &str| -> Vec<String> {
        let mut select = sql.prepare(query).unwrap();
        select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let expected: Vec<&str> = actions.iter().map(|action| action.as_str()).collect();
    assert_eq!(
        words(&format!("SELECT action FROM records WHERE number <= {} ORDER BY number", actions.len())),
        expected
    );
    assert_eq!(
        words(&format!("SELECT event FROM records WHERE number > {} ORDER BY number", actions.len())),
        ["done", "intent", "run_finished"]
    );
    assert_eq!(
        words("SELECT standing FROM standing WHERE entry = 1 AND action = 'set_password_must_change'"),
        ["done"]
    );
    assert!(words("SELECT standing FROM standing WHERE entry = 2")[0].starts_with("open"));
}

fn broken_at(error: &Error) -> Option<u64> {
    let source = std::error::Error::source(error)?;
    source.downcast_ref::<BrokenChain>().map(|broken| broken.number)
}
