//! Rehearsals: the shape says nothing of anybody, the rehearsal is the run, and neither takes the other's files.
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail")]

mod support;

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::TryStreamExt;
use identity_reset::directory::{AccountEnumerator, AccountQuery};
use identity_reset::journal::MemoryJournal;
use identity_reset::limits::{Limits, OperationClass, Quota, clock};
use identity_reset::prelude::*;
use identity_reset::rehearsal::{
    Deck, Rehearsal, RehearsalSummary, Shape, ShapeKey, ShapeTaker, SimulatedDirectory, in_virtual_time,
};
use identity_reset::vault::MemoryVault;
use testkit::memory::MemoryDirectory;
use testkit::organisation::Organisation;

const ACCOUNTS: u64 = 600;

fn of(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).expect("not zero")
}

/// As Microsoft Graph: 20 changes a second.
fn limits() -> Limits {
    let writes = Quota::new("writes", of(3_000), Duration::from_secs(150), OperationClass::Write);
    Limits::new(of(20), of(8)).with_quota(writes)
}

fn corp() -> Arc<MemoryDirectory> {
    let latency = Duration::from_millis(50);
    let builder = MemoryDirectory::builder("corp").organisation(Organisation::new(3, ACCOUNTS));
    builder.limits(limits()).latency(latency).build().expect("a directory")
}

fn spec() -> PlanSpec {
    PlanSpec::default().with_seed(5).select(Selection::everyone())
}

/// A shape of `corp`, taken in virtual time: its listing is paced.
fn take(path: &Path, key: ShapeKey) -> Shape {
    let to = path.to_owned();
    let taken = in_virtual_time(|| async move {
        ShapeTaker::new(key).directory(corp()).keep_attribute("no-such").write_to(to).await
    });
    assert!(taken.expect("a clock").expect("a shape").accounts >= ACCOUNTS);
    Shape::open(path).expect("a whole shape")
}

fn play(shape: &Shape, folder: PathBuf, deck: Option<&str>) -> RehearsalSummary {
    std::fs::create_dir_all(&folder).expect("a folder");
    let mut rehearsal = Rehearsal::new(shape.clone(), spec()).seed(9);
    if let Some(deck) = deck {
        rehearsal = rehearsal.cards(Deck::parse(deck).expect("a deck"));
    }
    in_virtual_time(|| async move { rehearsal.play(&folder).await }).expect("a clock").expect("a rehearsal")
}

#[test]
fn a_shape_names_nobody_and_plans_as_the_directory_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shape.jsonl");
    let shape = take(&path, ShapeKey::random());
    let text = std::fs::read_to_string(&path).expect("text").to_lowercase();
    let (accounts, real) = in_virtual_time({
        let to = folder.path().join("plan.jsonl");
        || async move {
            let corp = corp();
            let accounts: Vec<Account> = corp.accounts(&AccountQuery::everyone()).try_collect().await.expect("a list");
            let plan = spec().builder().directory(corp).write_to(to).await.expect("a plan");
            (accounts, plan.header().counts)
        }
    })
    .expect("a clock");
    let mut looked_for = 0;
    for account in &accounts {
        let anchors = &account.anchors;
        let names =
            [Some(account.id.as_str()), Some(&account.name), account.display_name.as_deref(), account.path.as_deref()];
        let more = [account.mail.as_deref(), account.owner.as_deref(), anchors.principal_name.as_deref()];
        let hard = [anchors.security_id.as_deref(), anchors.immutable_id.as_deref()];
        // Shorter ones are in any text.
        let all = names.into_iter().chain(more).chain(hard).flatten().filter(|name| name.len() > 5);
        for name in all.map(str::to_lowercase) {
            assert!(!text.contains(&name), "{name} is in the shape");
            looked_for += 1;
        }
        // Values of attributes can be words of the format; as a value none of them stands there.
        for value in account.attributes.values() {
            assert!(!text.contains(&format!(":\"{}\"", value.to_lowercase())), "{value} is in the shape");
        }
    }
    assert!(looked_for > 3 * accounts.len(), "{looked_for} names of {}", accounts.len());
    let summary = play(&shape, folder.path().join("run"), None);
    let rehearsed = Plan::open(folder.path().join("run/plan.jsonl")).expect("a plan");
    assert_eq!(rehearsed.header().counts, real);
    assert!(rehearsed.header().is_rehearsal());
    assert_eq!(summary.report.accounts.planned, summary.report.accounts.verified);
}

#[test]
fn one_key_gives_one_shape_and_a_shape_that_is_not_whole_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let (one, other) = (folder.path().join("one"), folder.path().join("other"));
    let key = || ShapeKey::of_file(folder.path().join("key")).expect("a key");
    take(&one, key());
    take(&other, key());
    let lines = |path: &Path| -> Vec<String> {
        std::fs::read_to_string(path).expect("text").lines().skip(1).map(str::to_owned).collect()
    };
    assert_eq!(lines(&one), lines(&other));
    take(&other, ShapeKey::random());
    assert_ne!(lines(&one), lines(&other));
    let whole = std::fs::read_to_string(&one).expect("text");
    let cut: Vec<&str> = whole.lines().collect();
    for broken in [cut[..cut.len() - 1].join("\n"), [&cut[..9], &cut[10..]].concat().join("\n"), cut[1..].join("\n")] {
        std::fs::write(&other, broken + "\n").expect("written");
        assert_eq!(Shape::open(&other).expect_err("it is not whole").kind(), ErrorKind::InputInvalid);
    }
}

#[test]
fn waves_take_as_long_as_estimated_and_as_on_the_mock() {
    let folder = tempfile::tempdir().expect("a folder");
    let shape = take(&folder.path().join("shape.jsonl"), ShapeKey::random());
    let summary = play(&shape, folder.path().join("run"), None);
    // The mock: the same organisation with the same limits, by itself in virtual time.
    let to = folder.path().join("plan.jsonl");
    let (on_mock, estimated) = in_virtual_time(|| async move {
        let corp: Arc<dyn Backend> = corp();
        let plan = spec().builder().directory(Arc::clone(&corp)).write_to(to).await?;
        let estimated = plan.estimates([&corp]).first().map(|estimate| estimate.least);
        let approvals = Approvals::approve_all(&plan, "a test")?;
        let run = Run::new(plan, Arc::new(MemoryJournal::new()), Arc::new(MemoryVault::new()));
        let began = clock::instant();
        let end = run.directory(corp).approvals(approvals).start().await?.finish().await?;
        assert_eq!(end.stopped, None);
        Ok::<_, Error>((clock::instant().duration_since(began).as_secs_f64(), estimated))
    })
    .expect("a clock")
    .expect("a run");
    let estimated = estimated.expect("an estimate").as_secs_f64();
    assert!(estimated > 30.0, "{estimated} s say nothing");
    let ran = summary.ran_in;
    assert!((ran / estimated - 1.0).abs() < 0.10, "rehearsed {ran} s, estimated {estimated} s");
    assert!((ran / on_mock - 1.0).abs() < 0.10, "rehearsed {ran} s, on the mock {on_mock} s");
    let largest = summary.waves.iter().max_by_key(|wave| wave.accounts).expect("a wave");
    let took = largest.ended.expect("an end") - largest.began.expect("a beginning");
    assert!((took / largest.least - 1.0).abs() < 0.10, "{took} s, at least {} s", largest.least);
    assert_eq!(largest.directories[0].slowest_quota.as_deref(), Some("writes"));
    // The same seed, the same times.
    let again = play(&shape, folder.path().join("again"), None);
    assert_eq!(again.waves, summary.waves);
}

#[test]
fn cards_are_played_and_the_run_comes_to_its_end_all_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let shape = take(&folder.path().join("shape.jsonl"), ShapeKey::random());
    let deck = r#"
        format = 1
        name = "three"
        [[card]]
        id = "away"
        what = { kind = "approver_away", wave = "privileged", minutes = 30 }
        question = "who else?"
        [[card]]
        id = "dies"
        when = { wave = "workforce", order = 100 }
        what = { kind = "operator_dies", minutes = 10 }
        question = "who resumes?"
        [[card]]
        id = "full"
        when = { minute = 10 }
        what = { kind = "vault_full", minutes = 5 }
        question = "what goes?"
        [[card]]
        id = "never"
        when = { minute = 9000 }
        what = { kind = "vault_full", minutes = 5 }
        question = "?"
    "#;
    let run = folder.path().join("run");
    let summary = play(&shape, run.clone(), Some(deck));
    assert_eq!(summary.ends_at, None, "{summary}");
    assert_eq!(summary.not_played, ["never"]);
    let played: Vec<&str> = summary.cards.iter().map(|card| card.id.as_str()).collect();
    assert_eq!(played, ["away", "dies", "full"]);
    assert!(summary.cards.iter().all(|card| !card.run_did.is_empty()), "{summary}");
    assert_eq!(summary.report.processes, u64::from(summary.needs.resumes) + 1);
    let stops: Vec<&str> = summary.stops.iter().map(|stop| stop.text.as_str()).collect();
    for stop in ["machine died", "no space is left", "not approved: privileged"] {
        assert!(stops.iter().any(|text| text.contains(stop)), "{stop}: {stops:?}");
    }
    assert!(summary.ran_in >= 30.0 * 60.0, "the approver was away for half an hour: {}", summary.ran_in);
    let accounts = &summary.report.accounts;
    assert_eq!(accounts.planned, accounts.verified, "{summary}");
    // Every file says what it is.
    for file in [
        "plan.jsonl",
        "approvals.json",
        "report.html",
        "report.json",
        "report.csv",
        "todo.csv",
        "rehearsal.json",
        "rehearsal.txt",
    ] {
        let text = std::fs::read_to_string(run.join(file)).expect(file).to_lowercase();
        assert!(text.contains("rehearsal"), "{file} is not marked");
    }
    let csv = std::fs::read_to_string(run.join("report.csv")).expect("a table");
    assert!(csv.lines().next().is_some_and(|line| line.ends_with(",mark")));
    assert!(csv.lines().skip(1).all(|line| line.ends_with(",REHEARSAL")));
}

#[test]
fn who_was_refused_stays_failed_and_a_card_that_fits_no_plan_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let shape = take(&folder.path().join("shape.jsonl"), ShapeKey::random());
    let deck = r#"
        format = 1
        name = "one"
        [[card]]
        id = "rights"
        when = { wave = "workforce", order = 1 }
        what = { kind = "permission_withdrawn", minutes = 1 }
        question = "who took them?"
    "#;
    let summary = play(&shape, folder.path().join("run"), Some(deck));
    let stopped = summary.stops.first().expect("a stop");
    assert!(stopped.text.contains("failures in wave workforce-1, more than its budget"), "{stopped:?}");
    assert!(summary.report.accounts.failed > 0, "who was refused stays failed: {summary}");
    // A card that names what the plan has not is a mistake, told before anything is played.
    let wrong = Deck::parse(
        "format = 1\nname = 'x'\n[[card]]\nid = 'x'\nquestion = '?'\nwhen = { wave = 'nope' }\nwhat = { kind = 'vault_full', minutes = 1 }",
    );
    let rehearsal = Rehearsal::new(shape, spec()).cards(wrong.expect("a deck"));
    let other = folder.path().join("other");
    std::fs::create_dir(&other).expect("a folder");
    let refused = in_virtual_time(|| async move { rehearsal.play(&other).await }).expect("a clock");
    assert!(refused.expect_err("no such wave").to_string().contains("no wave nope"));
}

#[test]
fn run_and_rehearsal_refuse_each_others_plans_and_journals() {
    let folder = tempfile::tempdir().expect("a folder");
    let shape = take(&folder.path().join("shape.jsonl"), ShapeKey::random());
    play(&shape, folder.path().join("run"), None);
    let path = folder.path().to_owned();
    in_virtual_time(|| async move {
        let rehearsed = Plan::open(path.join("run/plan.jsonl")).expect("a plan");
        let real = spec().builder().directory(corp()).write_to(path.join("plan.jsonl")).await.expect("a plan");
        let simulated = || SimulatedDirectory::of_shape(&shape, 1).expect("directories");
        let start = async |plan: &Plan, backends: Vec<Arc<dyn Backend>>, journal: Arc<dyn Journal>| {
            let approvals = Approvals::approve_all(plan, "a test").expect("approvals");
            let run = Run::new(plan.clone(), journal, Arc::new(MemoryVault::new()));
            run.directories(backends).approvals(approvals).start().await.map(|_| ())
        };
        let told = |result: Result<()>| result.expect_err("it must be refused").to_string();
        let fresh = || Arc::new(MemoryJournal::new()) as Arc<dyn Journal>;
        let text = told(start(&rehearsed, vec![corp()], fresh()).await);
        assert!(text.contains("the plan is of a rehearsal"), "{text}");
        let text = told(start(&real, simulated(), fresh()).await);
        assert!(text.contains("the plan is of real directories"), "{text}");
        // Journals: of a rehearsal with a real plan, and the other way round.
        let journal: Arc<dyn Journal> =
            Arc::new(SqliteJournal::open(path.join("run/journal.sqlite")).expect("a journal"));
        let text = told(start(&real, vec![corp()], journal).await);
        assert!(text.contains("the journal is of a rehearsal"), "{text}");
        let journal = fresh();
        start(&real, vec![corp()], Arc::clone(&journal)).await.expect("a real run");
        let text = told(start(&rehearsed, simulated(), journal).await);
        assert!(text.contains("the journal is of real directories"), "{text}");
        // No plan of both.
        let mixed = spec().builder().directories(simulated());
        let other = MemoryDirectory::builder("other").organisation(Organisation::new(1, 50)).build().expect("another");
        let mixed = mixed.directory(other).write_to(path.join("mixed.jsonl")).await;
        assert_eq!(mixed.expect_err("never both").kind(), ErrorKind::ConfigInvalid);
    })
    .expect("a clock");
    // Nothing is written over a rehearsal, or a run.
    let rehearsal = Rehearsal::new(Shape::open(folder.path().join("shape.jsonl")).expect("a shape"), spec());
    let run = folder.path().join("run");
    let again = in_virtual_time(|| async move { rehearsal.play(&run).await }).expect("a clock");
    assert!(again.expect_err("it is there").to_string().contains("is there already"));
}

#[test]
fn as_a_user_does_with_the_playbook_and_the_cards_that_come_with_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = support::example("rehearse");
    let shape = folder.path().join("shape.jsonl");
    let run = |arguments: &[&std::ffi::OsStr]| {
        std::process::Command::new(&program).args(arguments).output().expect("the program runs")
    };
    let made = run(&["sample".as_ref(), "--accounts".as_ref(), "600".as_ref(), "--out".as_ref(), shape.as_os_str()]);
    assert!(made.status.success(), "{made:?}");
    let playbook = root.join("examples/playbooks/privileged_compromise.toml");
    let played = run(&[
        "--shape".as_ref(),
        shape.as_os_str(),
        "--playbook".as_ref(),
        playbook.as_os_str(),
        "--cards".as_ref(),
        "built-in".as_ref(),
        "--json".as_ref(),
    ]);
    let summary: serde_json::Value = serde_json::from_slice(&played.stdout).expect("one JSON object");
    assert_eq!(summary["rehearsal"], true, "{played:?}");
    assert_eq!(summary["ends_at"], serde_json::Value::Null, "{summary}");
    assert!(summary["cards"].as_array().expect("cards").len() >= 6, "{}", summary["cards"]);
    assert_eq!(summary["needs"]["approvals"][1]["persons"], 2, "{}", summary["needs"]["approvals"]);
    assert_eq!(run(&[]).status.code(), Some(2), "no shape is given");
}
