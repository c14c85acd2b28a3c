//! Watching a run of `mass_reset`: events, signals, the terminal.
#![cfg(unix)]
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail")]

mod support;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use identity_reset::limits::clock;
use identity_reset::watch::{EventLine, RunEvent};
use testkit::mock_ad::MockAd;
use testkit::organisation::Organisation;
use tokio::process::{Child, Command};

use support::{Evidence, PATIENCE, Stand, finish, mass_reset};

const ACCOUNTS: u64 = 120;

async fn mock() -> MockAd {
    MockAd::builder().organisation(Organisation::new(3, ACCOUNTS)).start().await.expect("a mock")
}

fn events(path: &Path) -> Vec<RunEvent> {
    let text = std::fs::read_to_string(path).expect("events");
    text.lines().map(|line| serde_json::from_str::<EventLine>(line).expect(line).event).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_events_of_a_run_are_lines_that_tell_each_account_once() {
    let mock = mock().await;
    let stand = Stand::on(&mock);
    let (run, file) = (stand.run("run"), stand.path().join("events.jsonl"));
    let mut command = stand.fresh(&run);
    command.arg("--events").arg(&file);
    let ended = finish(command).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let events = events(&file);
    assert!(
        matches!(events.first(), Some(RunEvent::RunStarted { accounts, .. }) if *accounts == ended.accounts("planned"))
    );
    assert!(matches!(events.last(), Some(RunEvent::Finished { exit: 0 })), "{:?}", events.last());
    let mut accounts: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            RunEvent::AccountEnded { account, .. } => Some(account.clone()),
            _ => None,
        })
        .collect();
    accounts.sort();
    accounts.dedup();
    assert_eq!(accounts.len() as u64, ended.accounts("planned"));
    let text = std::fs::read_to_string(&file).expect("events");
    for (_, sealing) in &Evidence::read(&run, &stand.identity).await.sealed {
        assert!(!text.contains(sealing.password.expose()), "a password is in the events");
    }
    // No terminal: plain lines, and nothing that steers one.
    assert!(ended.stderr.contains("wave canary: finished (") && !ended.stderr.contains('\u{1b}'), "{}", ended.stderr);
}

/// The reader of a pipe goes away after the first line: the run goes on, and says so once.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_goes_away_does_not_stop_the_run() {
    let mock = mock().await;
    mock.set_latency(Duration::from_millis(5));
    let stand = Stand::on(&mock);
    let run = stand.run("run");
    let mut command = stand.fresh(&run);
    command.arg("--events").arg("/dev/stdout").stdout(Stdio::piped()).stderr(Stdio::piped());
    // `--json` writes there too, at the end: here only the folder is asked.
    let mut child = command.spawn().expect("it starts");
    let pipe: std::os::fd::OwnedFd = child.stdout.take().expect("a pipe").into_owned_fd().expect("a pipe");
    let mut line = String::new();
    tokio::task::spawn_blocking(move || {
        BufReader::new(std::fs::File::from(pipe)).read_line(&mut line).expect("a line");
        assert!(line.contains("run_started"), "{line}");
    })
    .await
    .expect("read");
    let output = clock::within(PATIENCE, child.wait_with_output()).await.expect("an end").expect("output");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(stderr.matches("the run goes on without them").count(), 1, "{stderr}");
    assert!(run.join("report.json").exists(), "{stderr}");
    Evidence::read(&run, &stand.identity).await.assert_promised_state(&mock);
}

/// Sends a signal as a person does.
async fn signal(name: &str, child: &Child) {
    let pid = child.id().expect("it runs").to_string();
    let sent = Command::new("kill").args(["-s", name, &pid]).status().await.expect("kill");
    assert!(sent.success());
}

async fn under_way(mock: &MockAd) {
    while mock.record().len() < 5 {
        clock::sleep(Duration::from_millis(5)).await;
    }
}

fn piped(mut command: Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command.spawn().expect("it starts")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_signal_stops_cleanly_and_says_how_to_go_on() {
    for name in ["INT", "TERM"] {
        let mock = mock().await;
        mock.set_latency(Duration::from_millis(40));
        let stand = Stand::on(&mock);
        let run = stand.run("run");
        let child = piped(stand.fresh(&run));
        under_way(&mock).await;
        signal(name, &child).await;
        let output = clock::within(PATIENCE, child.wait_with_output()).await.expect("an end").expect("output");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{stderr}");
        assert!(stderr.contains("in flight is finished") && stderr.contains("--resume"), "{stderr}");
        assert_eq!(mock.counts().in_flight, 0);
        assert!((mock.record().len() as u64) < ACCOUNTS / 2, "it stopped before its end");
        mock.set_latency(Duration::ZERO);
        let ended = finish(stand.resume(&run)).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        Evidence::read(&run, &stand.identity).await.assert_promised_state(&mock);
    }
}

/// Ended in the middle of answers: what was sent is read back, nobody is lost and nobody done twice.
#[tokio::test(flavor = "multi_thread")]
async fn the_second_signal_ends_at_once_and_the_journal_is_whole() {
    let mock = mock().await;
    mock.set_latency(Duration::from_millis(300));
    let stand = Stand::on(&mock);
    let run = stand.run("run");
    let mut child = piped(stand.fresh(&run));
    under_way(&mock).await;
    let mut said = tokio::io::BufReader::new(child.stderr.take().expect("a pipe"));
    signal("INT", &child).await;
    // The program has taken the first one in when it says so; two at once would be one.
    let mut line = String::new();
    while !line.contains("in flight is finished") {
        line.clear();
        tokio::io::AsyncBufReadExt::read_line(&mut said, &mut line).await.expect("a line");
        assert!(!line.is_empty(), "it ended before");
    }
    signal("TERM", &child).await;
    let status = clock::within(PATIENCE, child.wait()).await.expect("an end").expect("a status");
    assert_eq!(status.code(), Some(130));
    assert!(!run.join("report.json").exists(), "it ended at once");
    mock.set_latency(Duration::ZERO);
    let ended = finish(stand.resume(&run)).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    Evidence::read(&run, &stand.identity).await.assert_promised_state(&mock);
}

/// On a terminal of 80 columns, made by script(1): the picture is drawn, and gone at the end.
#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_shows_the_picture_and_is_left_as_it_was() {
    if Command::new("script").arg("--version").output().await.is_err() {
        support::not_run("a_terminal_shows_the_picture_and_is_left_as_it_was", "script(1) is not installed");
        return;
    }
    let mock = mock().await;
    mock.set_latency(Duration::from_millis(60));
    let stand = Stand::on(&mock);
    let (run, log) = (stand.run("run"), stand.path().join("typescript"));
    let fresh = stand.fresh(&run);
    let quoted = |word: &std::ffi::OsStr| format!("'{}'", word.to_str().expect("text"));
    let mut line = quoted(mass_reset().as_os_str());
    for word in fresh.as_std().get_args() {
        line.push(' ');
        line.push_str(&quoted(word));
    }
    let line = format!("stty cols 80 rows 24; {line}; echo ended $?");
    let mut command = Command::new("script");
    command.current_dir(stand.path()).env("USER", "tester").env("TERM", "xterm").env("NO_COLOR", "1");
    command.args(["--quiet", "--flush", "--command", &line]).arg(&log);
    let output = clock::within(PATIENCE, piped(command).wait_with_output()).await.expect("an end").expect("output");
    assert!(output.status.success());
    let text = std::fs::read_to_string(&log).expect("what the terminal was told");
    assert!(text.contains("ended 0"), "{text}");
    for word in ["directory", "in flight", "corp", "of its share", " gone, "] {
        assert!(text.contains(word), "{word:?} is not in {text}");
    }
    for told in ["\u{1b}[?1049h", "\u{1b}[?25l", "\u{1b}[3"] {
        assert!(!text.contains(told), "another screen, a hidden cursor or a colour: {told:?}");
    }
    // Rows are filled up to the width: each is where it belongs only if none is wider.
    let drawn = text.split(['\n', '\r']).map(without_control).filter(|line| line.contains("of its share"));
    let rows = drawn
        .map(|line| line.chars().collect::<Vec<_>>())
        .flat_map(|line| line.chunks(80).map(|row| row.iter().collect::<String>()).collect::<Vec<_>>());
    let rows: Vec<String> = rows.collect();
    assert!(rows.iter().any(|row| row.starts_with("  directory") && row.contains("of its share")), "{rows:#?}");
    assert!(rows.iter().any(|row| row.starts_with("  corp ") || row.starts_with("> canary")), "{rows:#?}");
    let after = text.rsplit("finished").next().expect("an end");
    assert!(!after.contains(" gone, "), "the picture is still there: {after}");
}

/// Without the sequences that move the cursor.
fn without_control(line: &str) -> String {
    let mut text = String::new();
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => while chars.next().is_some_and(|c| !c.is_ascii_alphabetic()) {},
            c => text.push(c),
        }
    }
    text
}
