//! A run's folder that fails: no space left, a journal that lost its end, two processes at once.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use identity_reset::limits::clock;
use testkit::mock_ad::MockAd;
use testkit::organisation::Organisation;

use crate::support::{Evidence, PATIENCE, Stand, beside, finish, guid, strike};
use crate::tiny::TinyDisk;

async fn mock(accounts: u64, latency: u64) -> MockAd {
    let builder = MockAd::builder().organisation(Organisation::new(2, accounts));
    builder.latency(Duration::from_millis(latency)).start().await.expect("a mock")
}

/// With less and less space the run is stopped in its plan, its vault, its journal or its report.
/// Afterwards there is space, and a resume ends in the promised state.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_stops_the_run_and_with_space_it_goes_on() {
    let mut stopped_at = BTreeSet::new();
    let (mut kib, mut runs) = (16, 0);
    loop {
        let mock = mock(100, 0).await;
        let stand = Stand::on(&mock);
        let place = stand.path().join("tiny");
        std::fs::create_dir(&place).expect("a folder");
        let Some(disk) = TinyDisk::new("a full disk", &place, kib) else { return };
        let run = place.join("run");
        let first = finish(disk.inside(&stand.fresh(&run))).await;
        let touched = mock.organisation().accounts().filter(|account| !mock.untouched(&account.guid)).count();
        let code = first.code.unwrap_or_else(|| panic!("it crashed: {first:?}"));
        if code == 0 {
            break;
        }
        runs += 1;
        assert!(runs < 80, "it never fits");
        let said = first.stderr.to_lowercase();
        assert!(
            said.contains("space") || said.contains("room"),
            "it says what is missing ({kib} KiB): {}",
            first.stderr
        );
        let planned = disk.path().join("run/plan.jsonl").exists();
        match code {
            2 => assert_eq!(touched, 0, "bad input, so nothing is touched ({kib} KiB): {first:?}"),
            3 => assert!(planned, "it can be resumed ({kib} KiB): {first:?}"),
            _ => panic!("{kib} KiB: {first:?}"),
        }
        stopped_at.insert((code, planned, touched > 0));
        disk.grow(64 * 1024);
        let name = if planned { "run" } else { "again" };
        let run = place.join(name);
        let mut command = if planned { stand.resume(&run) } else { stand.fresh(&run) };
        if planned && !disk.path().join("run/approvals.json").exists() {
            command.args(["--approve", "all"]);
        }
        let second = finish(disk.inside(&command)).await;
        assert_eq!(second.code, Some(0), "{kib} KiB: after {first:?}: {second:?}");
        let evidence = Evidence::read(&disk.path().join(name), &stand.identity).await;
        evidence.assert_promised_state(&mock);
        kib += 32;
    }
    println!("{runs} runs on full disks, up to {kib} KiB; (exit code, planned, touched): {stopped_at:?}");
    assert!(stopped_at.contains(&(2, false, false)), "no space for a plan");
    assert!(stopped_at.contains(&(3, true, true)), "no space while executing");
}

/// SIGKILL and a lost end of the journal's log: what was sealed and not recorded is sent again,
/// not replaced.
#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_lost_its_end_after_a_kill_leads_to_no_second_password() {
    let mut refused = 0;
    for part in [0.0, 0.15, 0.3, 0.5, 0.7, 0.85, 0.97, 1.0] {
        let mock = mock(120, 20).await;
        let stand = Stand::on(&mock);
        let run = stand.run("run");
        kill_when_touched(&mock, &stand, &run, 45).await;
        let log = beside(&run.join("journal.sqlite"), "-wal");
        let length = std::fs::metadata(&log).expect("a log").len();
        let cut = (length as f64 * part) as u64;
        std::fs::OpenOptions::new().write(true).open(&log).expect("opens").set_len(cut).expect("cut");
        let before = mock.record().len();

        let ended = finish(stand.resume(&run)).await;
        if ended.code == Some(2) {
            // All of it is lost: nobody can tell what was sent, so nothing more is.
            assert!(cut < length / 3, "{cut} of {length}: {ended:?}");
            assert!(ended.complaint().contains("journal.sqlite"), "{ended:?}");
            assert_eq!(mock.record().len(), before, "nothing is touched");
            refused += 1;
            continue;
        }
        assert_eq!(ended.code, Some(0), "{cut} of {length}: {ended:?}");
        let mut evidence = Evidence::read(&run, &stand.identity).await;
        evidence.whole = cut == length;
        let state = evidence.assert_promised_state(&mock);
        println!("cut at {cut} of {length}: {state:?}");
    }
    assert!((1..=2).contains(&refused), "only a journal without any record is refused: {refused}");
}

/// Kills the run as soon as so many accounts are touched.
async fn kill_when_touched(mock: &MockAd, stand: &Stand, run: &Path, accounts: usize) {
    let reached = async {
        while mock.record().len() < accounts {
            clock::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::select! {
        struck = strike(stand.fresh(run), PATIENCE) => panic!("it was to be killed under way: {struck:?}"),
        // Dropping the process kills it.
        () = reached => {}
    }
    // What had reached the directory before the kill still takes effect.
    while mock.counts().in_flight > 0 {
        clock::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_on_one_folder_is_turned_away_and_nothing_is_doubled() {
    let mock = mock(120, 40).await;
    let stand = Stand::on(&mock);
    let run = stand.run("run");
    let first = finish(stand.fresh(&run));
    let second = async {
        while mock.record().len() < 5 {
            clock::sleep(Duration::from_millis(2)).await;
        }
        let second = finish(stand.resume(&run)).await;
        let third = finish(stand.fresh(&run)).await;
        assert!(mock.record().len() < 100, "the first was under way meanwhile: {}", mock.record().len());
        (second, third)
    };
    let (first, (second, third)) = tokio::join!(first, second);
    assert_eq!(first.code, Some(0), "{first:?}");
    assert!(matches!(second.code, Some(2 | 3)), "{second:?}");
    assert!(second.complaint().contains("in use by process"), "{second:?}");
    assert_eq!(third.code, Some(2), "{third:?}");
    assert!(third.complaint().contains("exists already"), "{third:?}");
    let evidence = Evidence::read(&run, &stand.identity).await;
    let state = evidence.assert_promised_state(&mock);
    assert_eq!(state.repeated, 0);
    for (entry, _) in evidence.resets() {
        assert!(mock.sets(&guid(&entry.id)).len() <= 1, "{} was doubled", entry.name);
    }
}
