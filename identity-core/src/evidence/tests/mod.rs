//! A log on paper against a journal on paper.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;
use jiff::Timestamp;
use tokio::time::Instant;

use super::*;
use crate::journal::{Baseline, ErrorRecord};
use crate::limits::clock;
use crate::reset::Action;
use crate::verify::fixture::{Ledger, Paper, SET, at, corp, id, row};

const US: &str = "runner";

/// A log of events that show after a while, each as often as it stands there.
#[derive(Debug)]
struct PaperLog {
    begun: Instant,
    events: Vec<(Duration, AuditEvent)>,
    fails: Option<ErrorKind>,
    asked: Arc<Mutex<Vec<(Timestamp, Timestamp)>>>,
    readings: Arc<AtomicU64>,
}

impl AuditLog for PaperLog {
    fn events(&self, from: Timestamp, until: Timestamp) -> BoxStream<'static, Result<AuditEvent>> {
        self.readings.fetch_add(1, Ordering::SeqCst);
        self.asked.lock().unwrap().push((from, until));
        let passed = self.begun.elapsed();
        let shown =
            self.events.iter().filter(|(after, event)| *after <= passed && event.at >= from && event.at < until);
        let rows: Vec<_> = shown.map(|(_, event)| Ok(event.clone())).collect();
        let fails = self.fails.map(|kind| Err(Error::new(kind, "read the log")));
        futures::stream::iter(rows.into_iter().chain(fails)).boxed()
    }

    fn actor(&self) -> Option<String> {
        Some(US.to_owned())
    }

    fn shows(&self, what: &str, action: Action) -> bool {
        what == action.as_str()
    }

    fn lag(&self) -> Duration {
        Duration::from_secs(5)
    }
}

/// What the run did: an order and its end.
fn ordered(entry: u64, end: Event) -> [Event; 2] {
    [Event::Intent { entry, action: SET, attempt: 1, baseline: Baseline::default(), sealed: None }, end]
}

fn done(entry: u64, request: Option<&str>) -> [Event; 2] {
    let request_id = request.map(str::to_owned);
    let read_back = request.is_none();
    ordered(entry, Event::Done { entry, action: SET, attempt: 1, at: None, request_id, read_back, server_secret: None })
}

fn refusal(request: &str) -> ErrorRecord {
    ErrorRecord::from(&Error::new(ErrorKind::Unavailable, "set").with_request_id(request))
}

fn set(id_of: &str, second: i64, actor: &str, request: &str, account: u64) -> AuditEvent {
    AuditEvent::new(id_of, at(second), SET.as_str(), Actor::new(actor)).with_request_id(request).on(id(account))
}

struct Scene {
    journal: Arc<Ledger>,
    backend: Arc<Paper>,
    entries: u64,
    asked: Arc<Mutex<Vec<(Timestamp, Timestamp)>>>,
    readings: Arc<AtomicU64>,
}

fn scene(entries: u64, journal: impl IntoIterator<Item = Event>, events: Vec<(u64, AuditEvent)>) -> Scene {
    failing(entries, journal, events, None)
}

fn failing(
    entries: u64,
    journal: impl IntoIterator<Item = Event>,
    events: Vec<(u64, AuditEvent)>,
    fails: Option<ErrorKind>,
) -> Scene {
    let events = events.into_iter().map(|(after, event)| (Duration::from_secs(after), event)).collect();
    let (asked, readings) = (Arc::default(), Arc::default());
    let mut paper = Paper::new(&corp(), |_, _| Ok(None));
    let log =
        PaperLog { begun: clock::instant(), events, fails, asked: Arc::clone(&asked), readings: Arc::clone(&readings) };
    paper.log = Some(Box::new(log));
    Scene { journal: Ledger::of(journal), backend: Arc::new(paper), entries, asked, readings }
}

impl Scene {
    async fn gather(&self, patience: u64) -> (LogReading, Vec<AccountEvidence>, Vec<OtherEvent>) {
        let rows = (1..=self.entries).map(|seq| Ok(row(seq, &corp(), &[SET])));
        let (mut accounts, mut others) = (Vec::new(), Vec::new());
        let evidence = Evidence::new(self.journal.clone()).directory(self.backend.clone());
        let evidence = evidence.patience(Duration::from_secs(patience));
        let readings = evidence.run(rows, |found| {
            match found {
                Found::Account(account) => accounts.push(account),
                Found::Other(other) => others.push(other),
            }
            Ok(())
        });
        let mut readings = readings.await.unwrap();
        assert_eq!(readings.len(), 1);
        (readings.remove(0), accounts, others)
    }
}

fn findings(accounts: &[AccountEvidence]) -> Vec<(u64, LogFinding)> {
    accounts.iter().map(|account| (account.entry, account.finding)).collect()
}

#[tokio::test(start_paused = true)]
async fn late_and_doubled_events_in_any_order_confirm_each_order_once() {
    let journal = (1..=600).flat_map(|entry| done(entry, Some(&format!("r-{entry}"))));
    let mut events: Vec<_> = (1..=600_u64)
        .map(|entry| {
            let second = i64::try_from(entry).unwrap();
            (entry % 70, set(&format!("e-{entry}"), second, US, &format!("r-{entry}"), entry))
        })
        .collect();
    events.reverse();
    events.extend(events.clone());
    let scene = scene(600, journal, events);
    let (reading, accounts, others) = scene.gather(120).await;
    assert_eq!((reading.confirmed, reading.not_found, reading.events), (600, 0, 600));
    assert!(reading.is_clean() && others.is_empty(), "{reading}");
    assert!(accounts.iter().map(|account| account.entry).eq(1..=600));
    assert!(accounts.iter().all(|account| account.orders[0].events.len() == 1 && account.orders[0].because.is_empty()));
    let readings = scene.readings.load(Ordering::SeqCst);
    assert!((3..12).contains(&readings), "{readings} readings of a log that was 70 s late");
    // What was found is not read again: the later stretches lie around what was missing.
    let asked = scene.asked.lock().unwrap().clone();
    assert!(asked.iter().skip(1).all(|(from, until)| *from >= asked[0].0 && *until <= asked[0].1), "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_is_named_when_the_patience_ends_and_found_when_it_is_read_again() {
    let journal = [done(1, Some("r-1")), done(2, Some("r-2"))].concat();
    let scene = scene(2, journal, vec![(0, set("e-1", 2, US, "r-1", 1)), (500, set("e-2", 4, US, "r-2", 2))]);
    let begun = clock::instant();
    let (reading, accounts, _) = scene.gather(60).await;
    assert_eq!(findings(&accounts), [(1, LogFinding::Confirmed), (2, LogFinding::NotFound)]);
    assert_eq!((reading.not_found, reading.first_open.as_slice()), (1, &["user2".to_owned()][..]));
    assert!(!reading.is_clean());
    let waited = begun.elapsed().as_secs();
    assert!((55..=70).contains(&waited), "{waited} s of 60");
    let evidence = async |entry| scene.journal.progress(&[entry]).await.unwrap()[0].evidence.clone().unwrap();
    assert_eq!(evidence(2).await.finding, LogFinding::NotFound);
    assert_eq!(evidence(1).await.events, ["e-1"]);

    clock::sleep(Duration::from_secs(500)).await;
    let (reading, accounts, _) = scene.gather(60).await;
    assert!(reading.is_clean(), "{reading}");
    assert_eq!(findings(&accounts), [(1, LogFinding::Confirmed), (2, LogFinding::Confirmed)]);
    assert_eq!(evidence(2).await.finding, LogFinding::Confirmed);
    let records = scene.journal.records.lock().unwrap();
    let of_one = records.iter().filter(|record| matches!(record.event, Event::Evidenced { entry: 1, .. })).count();
    assert_eq!(of_one, 1, "what is known already is not recorded again");
}

#[tokio::test(start_paused = true)]
async fn a_log_that_says_otherwise_contradicts() {
    let failed = Event::Failed { entry: 3, action: SET, attempt: 1, error: refusal("r-3") };
    let retried = [
        Event::AttemptFailed { entry: 4, action: SET, attempt: 1, error: refusal("r-4a") },
        Event::Intent { entry: 4, action: SET, attempt: 2, baseline: Baseline::default(), sealed: None },
    ];
    let never = Event::Failed { entry: 5, action: SET, attempt: 1, error: refusal("r-5") };
    let mut journal = [done(1, Some("r-1")), done(2, Some("r-2")), ordered(3, failed)].concat();
    journal.extend(ordered(4, retried[0].clone()));
    journal.push(retried[1].clone());
    journal.push(done(4, Some("r-4b"))[1].clone());
    journal.extend(ordered(5, never));
    let mut refused = set("e-1", 2, US, "r-1", 1).failed();
    refused.detail = Some("POLICY".into());
    let events = vec![
        (0, refused),
        (0, set("e-2", 4, US, "r-2", 77)),
        (0, set("e-3", 6, US, "r-3", 3)),
        (0, set("e-4a", 8, US, "r-4a", 4).failed()),
        (0, set("e-4b", 9, US, "r-4b", 4)),
    ];
    let (reading, accounts, others) = scene(5, journal, events).gather(10).await;
    use LogFinding::{Confirmed, Contradicted};
    // Of the fifth nothing is to be expected: it is not spoken of.
    assert_eq!(findings(&accounts), [(1, Contradicted), (2, Contradicted), (3, Contradicted), (4, Confirmed)]);
    let because: Vec<_> = accounts.iter().map(|account| account.orders[0].because.as_str()).collect();
    assert!(because[0].contains("failed: POLICY"), "{because:?}");
    assert!(because[1].contains("another account") && because[2].contains("without effect"), "{because:?}");
    assert_eq!((reading.contradicted, reading.confirmed), (3, 1));
    assert!(others.is_empty() && !reading.is_clean(), "what our requests did is ours: {others:?}");
}

#[tokio::test(start_paused = true)]
async fn an_order_whose_answer_was_lost_is_found_by_account_and_principal() {
    let mut error = refusal("none came");
    error.request_id = None;
    let open = Event::AttemptUnknown { entry: 2, action: SET, attempt: 1, error: error.clone() };
    let mut journal = [done(1, None), ordered(2, open), done(3, None), done(4, Some("r-4"))].concat();
    journal.insert(5, Event::AttemptUnknown { entry: 3, action: SET, attempt: 1, error });
    let events = vec![
        (0, set("e-1", 2, US, "lost-1", 1)),
        (0, set("e-2", 4, US, "lost-2", 2)),
        // What else the lost request did.
        (0, AuditEvent::new("e-2b", at(4), "revoke_sessions", Actor::new(US)).with_request_id("lost-2").on(id(2))),
        // Somebody else's: it does not show that ours was done.
        (0, set("e-3", 6, "eve", "eve-1", 3)),
        (0, set("e-4", 8, US, "r-4", 4)),
        // By our own principal, and the journal knows every request of this account.
        (0, set("e-5", 9, US, "stolen", 4)),
    ];
    let (reading, accounts, others) = scene(4, journal, events).gather(10).await;
    use LogFinding::{Confirmed, NotFound};
    assert_eq!(findings(&accounts), [(1, Confirmed), (2, Confirmed), (3, NotFound), (4, Confirmed)]);
    assert!(accounts[0].orders[0].because.contains("its answer was lost"), "{accounts:?}");
    let told: Vec<_> =
        others.iter().map(|other| (other.event.id.as_str(), other.whose, other.entries.clone())).collect();
    assert_eq!(told, [("e-3", Whose::Somebody, vec![3]), ("e-5", Whose::OwnPrincipal, vec![4])]);
    assert_eq!((reading.own_principal, reading.others_on_planned), (1, 1));
    assert_eq!((accounts[2].others, accounts[3].others, accounts[0].others), (1, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn what_others_did_is_told_apart_and_only_of_the_minutes_of_the_run() {
    let journal = done(1, Some("r-1"));
    let owner = AuditEvent::new("owner", at(100), SET.as_str(), Actor::new(id(1).as_str())).on(id(1));
    let grant = |word: &str, account| AuditEvent::new(word, at(50), "grant", Actor::new("eve")).on(id(account));
    let events = vec![
        (0, set("e-1", 2, US, "r-1", 1)),
        (0, owner),
        (0, grant("planned", 1)),
        (0, grant("no-action-and-not-planned", 9)),
        (0, set("elsewhere", 60, "eve", "eve-1", 9)),
        (0, AuditEvent::new("ours-elsewhere", at(70), "grant", Actor::new(US)).on(id(9))),
        (0, AuditEvent::new("everybody", at(80), "mass_expiry", Actor::new("eve"))),
        (0, set("too-late", 5_000, "eve", "eve-2", 1)),
        (0, set("too-early", -5_000, "eve", "eve-3", 1)),
    ];
    let (reading, accounts, others) = scene(1, journal, events).gather(10).await;
    let told: Vec<_> = others.iter().map(|other| (other.event.id.as_str(), other.whose)).collect();
    assert_eq!(
        told,
        [
            ("planned", Whose::Somebody),
            ("elsewhere", Whose::Somebody),
            ("ours-elsewhere", Whose::OwnPrincipal),
            ("everybody", Whose::Somebody),
            ("owner", Whose::Owner)
        ]
    );
    let counts = (reading.own_principal, reading.others_on_planned, reading.others_elsewhere, reading.owners);
    assert_eq!(counts, (1, 1, 2, 1));
    assert_eq!(accounts[0].others, 1, "the owner aside");
}

#[tokio::test(start_paused = true)]
async fn a_log_that_cannot_be_read_is_said_and_no_account_is_judged() {
    let fails = Some(ErrorKind::InsufficientPrivilege);
    let scene = failing(1, done(1, Some("r-1")), vec![(0, set("e-1", 2, US, "r-1", 1))], fails);
    let (reading, accounts, _) = scene.gather(10).await;
    assert!(accounts.is_empty());
    assert_eq!((reading.unread, reading.confirmed), (1, 0));
    assert_eq!(reading.unreadable.as_ref().unwrap().kind, ErrorKind::InsufficientPrivilege);
    assert!(!reading.is_clean() && reading.to_string().contains("could not be read"), "{reading}");
    assert_eq!(scene.journal.progress(&[1]).await.unwrap()[0].evidence, None);
}

#[tokio::test(start_paused = true)]
async fn directories_without_a_log_are_passed_over_and_none_at_all_is_an_error() {
    let evidence = || Evidence::new(Ledger::of([]));
    let rows = || [Ok(row(1, &corp(), &[SET]))];
    let paper = || Arc::new(Paper::new(&corp(), |_, _| Ok(None)));
    assert_eq!(evidence().directory(paper()).run(rows(), |_| Ok(())).await.unwrap(), []);
    let none = evidence().run(rows(), |_| Ok(())).await.unwrap_err();
    let twice = evidence().directories([paper() as _, paper() as _]).run(rows(), |_| Ok(())).await.unwrap_err();
    assert_eq!((none.kind(), twice.kind()), (ErrorKind::ConfigInvalid, ErrorKind::ConfigInvalid));
    let stopped = CancellationToken::new();
    stopped.cancel();
    let scene = scene(1, done(1, Some("r-1")), Vec::new());
    let stopped = Evidence::new(scene.journal.clone()).directory(scene.backend.clone()).until(stopped);
    assert_eq!(stopped.run(rows(), |_| Ok(())).await.unwrap_err().kind(), ErrorKind::Stopped);
}

#[test]
fn every_action_has_a_bit_of_its_own() {
    let all = Action::ALL.iter().fold(0, |bits, action| bits | bit(*action));
    assert_eq!(all.count_ones() as usize, Action::ALL.len());
}
