//! One person, one row.

use super::{approved, left_out, report, started};
use crate::account::{AccountId, DirectoryId};
use crate::journal::{Baseline, Event, Verdict};
use crate::person::PersonId;
use crate::plan::{Disposition, LeftOutReason, PlanRow};
use crate::report::{PersonRow, PersonState};
use crate::verify::fixture::{Ledger, SET_MUST_CHANGE, at, corp, done, entry};

fn person(number: u64) -> PersonId {
    PersonId::of(&DirectoryId::new("corp").unwrap(), &AccountId::new(number.to_string()).unwrap())
}

fn of(number: u64, mut row: PlanRow) -> PlanRow {
    match &mut row {
        PlanRow::Entry(entry) => entry.person = Some(person(number)),
        PlanRow::LeftOut { person: unset, .. } => *unset = Some(person(number)),
    }
    row
}

#[tokio::test]
async fn a_person_is_done_only_when_every_account_is() {
    let cloud = DirectoryId::new("cloud").unwrap();
    let reset = |seq, directory: &DirectoryId| PlanRow::Entry(entry(seq, directory, &[SET_MUST_CHANGE]));
    let mut manual = entry(7, &corp(), &[]);
    manual.disposition = Disposition::Manual { reason: "a service".into(), procedure: "by hand".into(), owner: None };
    let plan = vec![
        // Done; open in one directory; done in part; by hand and done; not planned; alone and nobody's.
        of(1, reset(1, &corp())),
        of(1, reset(2, &cloud)),
        of(2, reset(3, &corp())),
        of(2, reset(4, &cloud)),
        of(3, reset(5, &corp())),
        reset(6, &corp()),
        of(4, PlanRow::Entry(manual)),
        of(3, left_out(1, &cloud, LeftOutReason::NothingWorks("=disabled".into()))),
        of(5, left_out(2, &cloud, LeftOutReason::NotSelected)),
    ];
    let mut events = vec![started(false), approved("workforce-1")];
    for seq in [1, 2, 3, 5, 6] {
        events.extend(done(seq, SET_MUST_CHANGE, Baseline::default()));
        events.push(Event::Verified { entry: seq, verdict: Verdict::Changed, last_set: Some(at(3)) });
    }
    events.push(Event::ManualDone {
        entry: Some(7),
        account: None,
        by: "ops".into(),
        note: "done".into(),
        evidence: crate::journal::ManualEvidence::default(),
    });
    events.push(Event::RunFinished);
    let journal = Ledger::of(events);
    let folder = tempfile::tempdir().unwrap();
    let report = report(&journal);
    let summary = report.write(plan.iter().cloned().map(Ok), folder.path()).await.unwrap();
    let persons = summary.persons.unwrap();
    let counted = (persons.seen, persons.planned, persons.done, persons.partly, persons.open, persons.not_planned);
    assert_eq!((counted, persons.joined), ((5, 4, 2, 1, 1, 1), 3));
    assert!(
        summary
            .to_string()
            .contains("persons  4 planned = 2 done + 1 done in part + 1 open (3 in several directories)")
    );

    let names: Vec<_> = folder.path().read_dir().unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(names.len(), 5, "{names:?}");
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let json: serde_json::Value = serde_json::from_str(&read("report.json")).unwrap();
    let told: Vec<PersonRow> = serde_json::from_value(json["persons"].clone()).unwrap();
    let state =
        |number| told.iter().find(|row| row.person == person(number)).map(|row| (row.state, row.accounts.len()));
    assert_eq!(state(1), Some((PersonState::Done, 2)));
    assert_eq!(state(2), Some((PersonState::Open, 2)));
    assert_eq!(state(3), Some((PersonState::Partly, 2)));
    assert_eq!(state(4), Some((PersonState::Done, 1)));
    assert_eq!(state(5), Some((PersonState::NotPlanned, 1)));
    assert!(told.windows(2).all(|pair| pair[0].person < pair[1].person));
    let table = read("persons.csv");
    assert_eq!(table.lines().count(), 6);
    let open = table.lines().find(|line| line.contains(person(2).as_str())).unwrap();
    assert!(open.contains("open") && open.contains("cloud=failed; corp=verified"), "{open}");
    let accounts = read("report.csv");
    assert!(accounts.lines().next().unwrap().ends_with(",person,mark"));
    assert!(accounts.lines().nth(1).unwrap().ends_with(&format!(",{},", person(1).as_str())));

    let counted = report.visit(plan.into_iter().map(Ok), |_| Ok(())).await.unwrap();
    assert_eq!(counted.persons, Some(persons), "counting alone comes to the same");
}
