//! The directory's audit log as a second witness of a whole run.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use identity_core::directory::Backend;
use identity_core::evidence::{AccountEvidence, Evidence, Found, LogFinding, LogReading, OtherEvent, Whose};
use identity_core::journal::{ActionProgress, Finality, Journal};
use identity_core::report::{Report, Row, RowResult, Summary};
use identity_core::reset::{Action, Secret};
use identity_core::verify::Verifier;
use testkit::fault::{Fault, FaultScript, When};

use crate::support::World;

async fn gather(world: &World) -> (LogReading, Vec<AccountEvidence>, Vec<OtherEvent>) {
    let (mut accounts, mut others) = (Vec::new(), Vec::new());
    let backend = Arc::clone(&world.directory) as Arc<dyn Backend>;
    let evidence = Evidence::new(Arc::new(world.journal.clone())).directory(backend);
    let readings = evidence.gather(&world.plan, |found| {
        match found {
            Found::Account(account) => accounts.push(account),
            Found::Other(other) => others.push(other),
            _ => {}
        }
        Ok(())
    });
    (readings.await.unwrap().remove(0), accounts, others)
}

async fn report(world: &World) -> (Summary, Vec<Row>, String) {
    let folder = tempfile::tempdir().unwrap();
    let journal: Arc<dyn Journal> = Arc::new(world.journal.clone());
    let report = Report::of_plan(journal, &world.plan);
    let report = report.directories([Arc::clone(&world.directory) as Arc<dyn Backend>]);
    let summary = report.write(world.plan.rows().unwrap(), folder.path()).await.unwrap();
    let text = std::fs::read_to_string(folder.path().join("report.json")).unwrap();
    let rows = text.lines().filter_map(|line| serde_json::from_str(line.trim_end_matches(',')).ok()).collect();
    (summary, rows, std::fs::read_to_string(folder.path().join("report.csv")).unwrap())
}

/// Answers are lost on the way, events come late and twice, and somebody else is at work.
#[tokio::test(start_paused = true)]
async fn every_order_of_a_faulty_run_is_confirmed_and_what_others_did_stands_out() {
    let script = FaultScript::new(5)
        .rule(When::write().every(7), Fault::CutAfterApply)
        .rule(When::write().every(11), Fault::CutBeforeApply)
        .rule(When::write().every(13), Fault::Unavailable);
    let world = World::with(300, |built| built.faults(script).audit_log(Duration::from_secs(40))).await;
    assert!(world.finish().await.stopped.is_none());
    let entries = world.resets();
    let (taken, other) = (&entries[3], &entries[8]);
    world.directory.set_by_somebody_else(&taken.id, &Secret::new("Somebody-else-9".into()));
    world.directory.somebody_did("grant_role", &other.id, "eve");
    let protected = world.directory.id_at(0).unwrap();
    let elsewhere = (0..300).filter_map(|index| world.directory.id_at(index));
    let planned: BTreeSet<_> = entries.iter().map(|entry| entry.id.clone()).collect();
    let elsewhere = elsewhere.into_iter().find(|id| !planned.contains(id)).unwrap_or(protected);
    world.directory.somebody_did(Action::SetPassword { must_change: false }.as_str(), &elsewhere, "eve");

    let (reading, accounts, others) = gather(&world).await;
    assert!(reading.unreadable.is_none(), "{reading}");
    assert_eq!((reading.contradicted, reading.own_principal), (0, 0), "{reading} {others:?}");
    // What was lost on the way there is held open by the journal, and rightly not in the log.
    let open: Vec<_> = accounts.iter().filter(|account| account.finding != LogFinding::Confirmed).collect();
    for order in open.iter().flat_map(|account| &account.orders).filter(|order| order.finding != LogFinding::Confirmed)
    {
        assert_eq!(order.finding, LogFinding::NotFound, "{open:?}");
        assert_eq!(order.because, "no answer came, and the log does not have it");
    }
    assert!((1..30).contains(&open.len()), "{open:?}");
    let told_of: BTreeSet<u64> = accounts.iter().map(|account| account.entry).collect();
    // Whoever was refused whenever it was tried has left nothing in the log.
    for entry in entries.iter().filter(|entry| !told_of.contains(&entry.seq)) {
        let known = world.progress(entry).await;
        let refused =
            |known: &ActionProgress| matches!(known.finality, Finality::Failed(_)) && known.unanswered.is_none();
        assert!(known.actions.iter().all(refused), "{known:?}");
    }
    let confirmed = accounts.len() - open.len();
    assert!(confirmed > 200, "{confirmed} of {}", entries.len());
    assert_eq!((reading.not_found, reading.confirmed), (open.len() as u64, confirmed as u64));
    let lost = accounts.iter().flat_map(|account| &account.orders).filter(|order| !order.because.is_empty()).count();
    assert!(lost > 10, "{lost} orders were found without the id of their request");
    let told: BTreeSet<_> =
        others.iter().map(|other| (other.event.actor.id.as_str(), other.whose, other.entries.clone())).collect();
    let expected = [("somebody", vec![taken.seq]), ("eve", vec![other.seq]), ("eve", vec![])];
    assert_eq!(told, expected.map(|(actor, entries)| (actor, Whose::Somebody, entries)).into());
    assert_eq!((reading.others_on_planned, reading.others_elsewhere), (2, 1));

    let backend = Arc::clone(&world.directory) as Arc<dyn Backend>;
    Verifier::new(Arc::new(world.journal.clone())).directory(backend).verify(&world.plan).await.unwrap();
    let (summary, rows, table) = report(&world).await;
    assert_eq!(summary.logs, [reading]);
    assert!(summary.to_string().contains("audit logs"), "{summary}");
    let evidenced =
        rows.iter().filter(|row| row.evidence.as_ref().is_some_and(|log| log.finding == LogFinding::Confirmed));
    assert_eq!(evidenced.count(), confirmed);
    let row = rows.iter().find(|row| row.id == other.id).unwrap();
    assert_eq!((row.result, row.evidence.as_ref().unwrap().others), (RowResult::Verified, 1));
    assert!(table.lines().next().unwrap().ends_with("log,log_because,log_events,log_others,person,mark"), "{table}");
    let mut lines = csv::Reader::from_reader(table.as_bytes());
    let log = lines.headers().unwrap().iter().position(|name| name == "log").unwrap();
    assert_eq!(lines.records().filter(|line| &line.as_ref().unwrap()[log] == "confirmed").count(), confirmed);
}

#[tokio::test(start_paused = true)]
async fn without_a_log_there_is_nothing_to_match() {
    let world = World::new(30).await;
    world.finish().await;
    let backend = Arc::clone(&world.directory) as Arc<dyn Backend>;
    let evidence = Evidence::new(Arc::new(world.journal.clone())).directory(backend);
    assert_eq!(evidence.gather(&world.plan, |_| Ok(())).await.unwrap(), []);
    assert!(report(&world).await.0.logs.is_empty());
}
