//! What a playbook adds to a run: pauses between waves, and who has to approve.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use identity_core::directory::Directory;
use identity_core::engine::{Guardrails, Progress};
use identity_core::error::ErrorKind;
use identity_core::journal::{Event, Journal, MemoryJournal, StopReason};
use identity_core::limits::clock;
use identity_core::plan::{Approval, Approvals};
use identity_core::playbook::{Arguments, Playbook};
use testkit::memory::MemoryDirectory;
use testkit::organisation::Organisation;

use crate::support::World;

const PLAYBOOK: &str = r#"
format = 1
name = "trial"
triggers = ["exercise"]
[[scope]]
everyone = true
[population]
workforce = { actions = ["set_password", "revoke_sessions"] }
privileged = { actions = ["set_password"] }
dormant = { leave_out = "not tried" }
mailbox = { leave_out = "not tried" }
guest = { leave_out = "not tried" }
service = { procedure = "with the owner" }
[waves.canary]
size = 2
pause = "30m"
[waves.workforce]
size = 100
pause = "1h"
[guardrails]
canary_failures = 3
sync_wait = "0s"
[[approval]]
waves = ["privileged", "privileged_elsewhere"]
persons = 2
by = ["Ada", "Grace"]
[messages]
waiver = "a test"
[[contact]]
for = "service desk"
name = "shift lead"
reach = "the printed list"
"#;

pub(crate) async fn world() -> World {
    let directory = MemoryDirectory::builder("corp").organisation(Organisation::new(7, 300)).build().unwrap();
    let playbook = Playbook::parse(Path::new("trial.toml"), PLAYBOOK).unwrap();
    let spec = playbook.order(&Arguments::default(), &[directory.info().clone()]).unwrap();
    World::planned(directory, spec).await
}

/// Every wave by somebody, and the privileged by these.
fn approvals(world: &World, privileged: &[&str]) -> Approvals {
    let mut approvals = Approvals::default();
    for wave in world.plan.waves() {
        let by: &[&str] = if wave.name.starts_with("privileged") { privileged } else { &["anybody"] };
        by.iter().for_each(|who| approvals.push(Approval::of_wave(&world.plan, &wave.name, *who).unwrap()));
    }
    approvals
}

async fn times(journal: &MemoryJournal, of: impl Fn(&Event) -> Option<String>) -> Vec<(String, jiff::Timestamp)> {
    let mut records = journal.records(1);
    let mut found = Vec::new();
    while let Some(record) = records.next().await {
        let record = record.unwrap();
        found.extend(of(&record.event).map(|wave| (wave, record.at)));
    }
    found
}

fn started(event: &Event) -> Option<String> {
    if let Event::WaveStarted { wave } = event { Some(wave.clone()) } else { None }
}

fn finished(event: &Event) -> Option<String> {
    if let Event::WaveFinished { wave } = event { Some(wave.clone()) } else { None }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_begun_in_a_pause_and_everything_before_it_is_over() {
    let world = world().await;
    let run = world.run().approvals(approvals(&world, &["Ada", "Grace"])).guardrails(Guardrails::of_plan(&world.plan));
    let mut running = run.start().await.unwrap();
    let mut waits = Vec::new();
    while let Some(progress) = running.next().await {
        if let Progress::Waiting { wave, seconds } = progress {
            waits.push((wave, seconds));
        }
    }
    assert_eq!(running.finish().await.unwrap().stopped, None);
    let (began, ended) = (times(&world.journal, started).await, times(&world.journal, finished).await);
    let names: Vec<&str> = began.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names[..3], ["canary", "privileged", "workforce-1"], "{names:?}");
    assert!(names.contains(&"workforce-2"), "{names:?}");
    let between = |before: &str, after: &str| {
        let end = ended.iter().find(|(name, _)| name == before).unwrap().1;
        began.iter().find(|(name, _)| name == after).unwrap().1.duration_since(end).as_secs()
    };
    assert!((1800..1830).contains(&between("canary", "privileged")), "{}", between("canary", "privileged"));
    assert!(between("privileged", "workforce-1") < 60, "no pause is asked for");
    assert!((3600..3630).contains(&between("workforce-1", "workforce-2")));
    assert_eq!(waits[0], ("privileged".to_owned(), 1800));
}

#[tokio::test(start_paused = true)]
async fn a_resume_waits_for_the_rest_of_a_pause() {
    let world = world().await;
    let run = || world.run().approvals(approvals(&world, &["Ada", "Grace"]));
    let mut running = run().start().await.unwrap();
    while let Some(progress) = running.next().await {
        if matches!(progress, Progress::Waiting { .. }) {
            running.cancel();
            break;
        }
    }
    assert_eq!(running.finish().await.unwrap().stopped, Some(StopReason::Cancelled));
    assert_eq!(times(&world.journal, started).await.len(), 1, "a cancel ends the pause, and nothing was begun");
    clock::sleep(Duration::from_secs(1000)).await;
    assert_eq!(run().start().await.unwrap().finish().await.unwrap().stopped, None);
    let canary = times(&world.journal, finished).await.first().unwrap().1;
    let next = times(&world.journal, started).await.into_iter().find(|(wave, _)| wave == "privileged").unwrap().1;
    let waited = next.duration_since(canary).as_secs();
    assert!((1800..1830).contains(&waited), "neither cut short nor begun anew: {waited}");
}

#[tokio::test(start_paused = true)]
async fn the_privileged_wait_for_two_of_those_who_are_named() {
    for (who, begun) in [
        (&["Ada"][..], false),
        (&["Ada", "ada"][..], false),
        (&["Ada", "Mallory"][..], false),
        (&["ada", "GRACE"][..], true),
    ] {
        let world = world().await;
        let end = world.run().approvals(approvals(&world, who)).start().await.unwrap().finish().await.unwrap();
        let waves = times(&world.journal, started).await;
        assert_eq!(waves.iter().any(|(wave, _)| wave == "privileged"), begun, "{who:?}");
        match end.stopped {
            None => assert!(begun, "{who:?}"),
            Some(StopReason::NotApproved { waves, reasons }) => {
                assert!(!begun && waves == ["privileged"], "{who:?}: {waves:?}");
                assert!(reasons.len() == 1 && reasons[0].ends_with("and has 1"), "{who:?}: {reasons:?}");
            }
            other => panic!("{who:?}: {other:?}"),
        }
    }
    // Alone they are not even a beginning, and the error says what is missing.
    let world = world().await;
    let mut alone = Approvals::default();
    alone.push(Approval::of_wave(&world.plan, "privileged", "Ada").unwrap());
    let error = world.run().approvals(alone).start().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ApprovalMissing);
    assert!(error.to_string().contains("2 approvals by different persons of Ada, Grace, and has 1"), "{error}");
    assert!(world.directory.touched().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_plan_has_the_guardrails_and_the_report_whom_to_call() {
    let world = world().await;
    let rails = Guardrails::of_plan(&world.plan);
    assert_eq!((rails.canary_failures, rails.sync_wait), (3, Duration::ZERO));
    let journal: Arc<dyn Journal> = Arc::new(world.journal.clone());
    let folder = tempfile::tempdir().unwrap();
    let report = identity_core::report::Report::of_plan(journal, &world.plan);
    let summary = report.write(world.plan.rows().unwrap(), folder.path()).await.unwrap();
    assert_eq!(summary.origin.as_ref().map(|origin| origin.contacts.len()), Some(1));
    assert!(summary.to_string().contains("call, service desk: shift lead, the printed list"), "{summary}");
}
