//! The files: whole, the same for the same input, harmless in a spreadsheet.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::{approved, error, left_out, report, started};
use crate::error::{Error, ErrorKind};
use crate::journal::{Baseline, Event, Verdict};
use crate::limits::GovernorStats;
use crate::plan::{Disposition, LeftOutReason, PlanRow};
use crate::report::{DirectoryRun, Report, Summary};
use crate::vault::SealedRef;
use crate::verify::fixture::{Ledger, SET_MUST_CHANGE, at, corp, done, entry, row};

/// Six accounts, one of each result but unknown.
fn example() -> (Vec<PlanRow>, Arc<Ledger>) {
    let mut manual = entry(3, &corp(), &[]);
    manual.tier = crate::privilege::Tier::Control;
    manual.disposition = Disposition::Manual {
        reason: "a domain administrator".into(),
        procedure: "=HYPERLINK(\"http://evil\")".into(),
        owner: Some("@alice".into()),
    };
    let mut hostile = entry(2, &corp(), &[SET_MUST_CHANGE]);
    hostile.name = "=cmd|' /C calc'!A0".into();
    hostile.notes = vec!["-2+3".into()];
    let plan = vec![
        row(1, &corp(), &[SET_MUST_CHANGE]),
        PlanRow::Entry(hostile),
        left_out(1, &corp(), LeftOutReason::Protected("+krbtgt\nDONE".into())),
        PlanRow::Entry(manual),
        left_out(2, &corp(), LeftOutReason::NotSelected),
        row(4, &corp(), &[SET_MUST_CHANGE]),
    ];
    let failed =
        Event::Failed { entry: 2, action: SET_MUST_CHANGE, attempt: 1, error: error(ErrorKind::PasswordRejected) };
    let sealed = Event::Intent {
        entry: 1,
        action: SET_MUST_CHANGE,
        attempt: 1,
        baseline: Baseline::default(),
        sealed: Some(SealedRef("sealed-1".into())),
    };
    let mut events = vec![started(false), approved("workforce-1"), sealed];
    events.extend(done(1, SET_MUST_CHANGE, Baseline::default()));
    events.push(Event::Verified { entry: 1, verdict: Verdict::Changed, last_set: Some(at(3)) });
    events.extend([failed, Event::RunFinished]);
    (plan, Ledger::of(events))
}

async fn write(plan: &[PlanRow], journal: &Arc<Ledger>, folder: &Path) -> Summary {
    report(journal).write(plan.iter().cloned().map(Ok), folder).await.unwrap()
}

fn read(folder: &Path) -> BTreeMap<String, String> {
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap());
    files.map(|file| (file.file_name().into_string().unwrap(), std::fs::read_to_string(file.path()).unwrap())).collect()
}

#[tokio::test]
async fn the_same_plan_and_journal_give_the_same_bytes() {
    let (plan, journal) = example();
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(&plan, &journal, first.path()).await;
    write(&plan, &journal, second.path()).await;
    write(&plan, &journal, second.path()).await;
    let files = read(first.path());
    assert_eq!(files.keys().collect::<Vec<_>>(), ["report.csv", "report.html", "report.json", "todo.csv"]);
    assert_eq!(files, read(second.path()), "and replace what stood there");
}

#[tokio::test]
async fn the_json_has_the_summary_the_rows_and_what_explains_them() {
    let (plan, journal) = example();
    let folder = tempfile::tempdir().unwrap();
    let summary = write(&plan, &journal, folder.path()).await;
    let json: serde_json::Value = serde_json::from_str(&read(folder.path())["report.json"]).unwrap();
    assert_eq!(serde_json::from_value::<Summary>(json["summary"].clone()).unwrap(), summary);
    for (field, wanted) in [
        ("seen", 6),
        ("planned", 3),
        ("verified", 1),
        ("failed", 2),
        ("unknown", 0),
        ("left_out", 1),
        ("protected", 1),
        ("privileged", 1),
        ("manual", 1),
        ("not_attempted", 1),
    ] {
        assert_eq!(json["summary"]["accounts"][field], wanted, "{field}");
    }
    let rows = json["rows"].as_array().unwrap();
    assert_eq!(rows.len(), plan.len());
    assert_eq!(rows[0]["sealed"][0], "sealed-1");
    assert_eq!(rows[0]["verdict"], "changed");
    let explained: Vec<_> = json["survivors"].as_array().unwrap().iter().map(|at| &at["code"]).collect();
    for code in rows.iter().flat_map(|row| row["survives"].as_array().unwrap()) {
        assert!(explained.contains(&code), "{code}");
    }
    assert_eq!(json["summary"]["chain"]["number"], journal.records.lock().unwrap().len());
    for control in json["controls"].as_array().unwrap() {
        for field in control["evidence"].as_array().unwrap() {
            let mut path = field.as_str().unwrap().split('.').peekable();
            let mut place = &json[path.next().unwrap()];
            if place.is_array() {
                place = &place[0];
            }
            for name in path {
                place = place.get(name).unwrap_or_else(|| panic!("{field} is not in the report"));
            }
        }
    }
}

#[tokio::test]
async fn no_cell_of_a_table_is_a_formula_and_each_account_is_one_line() {
    let (plan, journal) = example();
    let folder = tempfile::tempdir().unwrap();
    write(&plan, &journal, folder.path()).await;
    let files = read(folder.path());
    for (name, lines) in [("report.csv", 1 + plan.len()), ("todo.csv", 1 + 3)] {
        assert_eq!(files[name].lines().count(), lines, "{name}");
        let mut table = csv::Reader::from_reader(files[name].as_bytes());
        for record in table.records() {
            for cell in &record.unwrap() {
                assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{name}: {cell}");
            }
        }
    }
    assert!(files["todo.csv"].contains("'@alice"));
    assert!(files["report.csv"].contains("'+krbtgt DONE"));
}

#[tokio::test]
async fn a_report_that_cannot_be_made_leaves_the_old_one() {
    let (plan, journal) = example();
    let folder = tempfile::tempdir().unwrap();
    write(&plan, &journal, folder.path()).await;
    let old = read(folder.path());
    let torn = plan.into_iter().map(Ok).chain([Err(Error::new(ErrorKind::InputInvalid, "read the plan"))]);
    report(&journal).write(torn, folder.path()).await.unwrap_err();
    assert_eq!(read(folder.path()), old, "and no half-written file beside it");
    let missing = report(&journal).write([], &folder.path().join("not there")).await.unwrap_err();
    assert!(missing.advice().is_some());
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let (plan, journal) = example();
    let folder = tempfile::tempdir().unwrap();
    write(&plan, &journal, folder.path()).await;
    for name in ["report.csv", "report.html", "report.json", "todo.csv"] {
        let mode = std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name}");
    }
}

#[tokio::test]
async fn the_summary_fits_one_screen() {
    let (plan, journal) = example();
    let mut stats = GovernorStats::default();
    (stats.requests, stats.throttled) = (12, 1);
    let run = DirectoryRun::new(corp(), "ldap").with_stats(stats).with_duration(Duration::from_millis(2_500));
    let report = Report::new(journal, super::DIGEST).directory(DirectoryRun::new(corp(), "?")).directory(run);
    let report = report.duration(Duration::from_secs(4));
    let summary = report.visit(plan.into_iter().map(Ok), |_| Ok(())).await.unwrap();
    assert_eq!(summary.directories.len(), 1, "what is said last of a directory counts");
    let corp = &summary.directories[0];
    assert_eq!((corp.requests, corp.throttled, corp.seconds, summary.seconds), (12, 1, 2.5, 4.0));
    let screen = summary.to_string();
    for line in [
        "seen     6 = 3 planned + 1 manual + 1 left out + 1 protected (1 privileged)",
        "planned  3 = 1 verified + 2 failed + 0 unknown",
        "corp (ldap)                        3         1         2         0        12         1       2.5",
        "wave workforce-1                   3         1         2         0",
        "chain    0000000000000000000000000000000000000000000000000000000000000008, 8 records, intact",
        "          1  by hand, as planned",
    ] {
        assert!(screen.contains(line), "{line}\n{screen}");
    }
    let mut many = summary;
    many.waves = (0..100).map(|_| many.waves[0].clone()).collect();
    many.directories = (0..100).map(|_| many.directories[0].clone()).collect();
    assert!(many.to_string().lines().count() <= 35, "{many}");
    assert!(many.to_string().lines().all(|line| line.chars().count() <= 100), "{many}");
}

#[tokio::test]
async fn a_hundred_thousand_accounts_are_never_held_at_once() {
    let pulled = AtomicU64::new(0);
    let mut shown = 0;
    let rows = (1..=100_000).map(|seq| {
        pulled.fetch_add(1, Ordering::SeqCst);
        Ok(row(seq, &corp(), &[SET_MUST_CHANGE]))
    });
    let journal = Ledger::of([started(false)]);
    let summary = report(&journal)
        .visit(rows, |_| {
            let held = pulled.load(Ordering::SeqCst) - shown;
            assert!(held <= 512, "{held} rows are held");
            shown += 1;
            Ok(())
        })
        .await
        .unwrap();
    assert_eq!((shown, summary.accounts.seen), (100_000, 100_000));
    assert!(journal.largest.lock().unwrap().1 <= 512);
}

#[test]
fn the_making_of_a_report_can_move_between_threads() {
    fn moves<T: Send>(_: T) {}
    let report = report(&Ledger::of([]));
    moves(report.write(std::iter::empty(), Path::new(".")));
}

#[tokio::test]
async fn a_sealed_password_is_named_and_never_shown() {
    use crate::reset::{Secret, SecretKind};
    use crate::vault::{MemoryVault, Sealing, Vault};
    let vault = MemoryVault::new();
    let password = "plum-Anvil-77-orbit";
    let sealing = Sealing {
        entry: 1,
        directory: corp(),
        account: crate::verify::fixture::id(1),
        name: "user1".into(),
        kind: SecretKind::Password,
        password: Secret::new(password.into()),
    };
    let sealed = vault.seal(vec![sealing]).await.unwrap().remove(0);
    let intent = Event::Intent {
        entry: 1,
        action: SET_MUST_CHANGE,
        attempt: 1,
        baseline: Baseline::default(),
        sealed: Some(sealed.clone()),
    };
    let journal = Ledger::of([started(false), intent]);
    let folder = tempfile::tempdir().unwrap();
    let summary = write(&[row(1, &corp(), &[SET_MUST_CHANGE])], &journal, folder.path()).await;
    let files = read(folder.path());
    let json: serde_json::Value = serde_json::from_str(&files["report.json"]).unwrap();
    assert_eq!(json["rows"][0]["sealed"][0], sealed.0.as_str());
    assert!(files.values().all(|text| !text.contains(password)));
    assert!(!format!("{summary} {summary:?}").contains(password));
}
