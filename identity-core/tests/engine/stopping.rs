//! How a run stops, and that a resume goes on.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use identity_core::directory::Backend;
use identity_core::engine::{Guardrails, Progress};
use identity_core::journal::{Finality, StopReason};
use identity_core::limits::clock;
use identity_core::verify::Verifier;
use testkit::fault::{Fault, FaultScript, When};
use testkit::memory::MemoryDirectory;
use testkit::organisation::Organisation;
use tokio_util::sync::CancellationToken;

use crate::support::{World, everyone};

#[tokio::test(start_paused = true)]
async fn refusals_in_a_row_stop_the_run_and_a_resume_goes_on() {
    let directory = MemoryDirectory::builder("corp")
        .organisation(Organisation::new(7, 600))
        .faults(FaultScript::new(1).rule(When::write().times(40), Fault::Forbid))
        .build()
        .unwrap();
    let world = World::planned(directory, everyone()).await;
    let end = world.run().guardrails(Guardrails::default()).start().await.unwrap().finish().await.unwrap();
    assert!(matches!(end.stopped, Some(StopReason::FailureBudget { .. })), "the canary allows no failure: {end:?}");
    assert!(world.directory.writes() < 40);
    let touched = world.directory.touched().len();
    assert_eq!(touched, 0);
    let end = world.finish().await;
    assert_eq!(end.stopped, None);
}

#[tokio::test(start_paused = true)]
async fn a_stop_file_stops_and_a_resume_finishes() {
    let folder = tempfile::tempdir().unwrap();
    let stop = folder.path().join("STOP");
    let world = World::with(600, |builder| builder.write_latency(Duration::from_millis(50))).await;
    let mut guardrails = Guardrails::default();
    guardrails.stop_file = Some(stop.clone());
    let mut running = world.run().guardrails(guardrails).start().await.unwrap();
    let mut ended = 0;
    let mut said = false;
    while let Some(progress) = running.next().await {
        match progress {
            Progress::EntryEnded { .. } => {
                ended += 1;
                if ended == 20 {
                    std::fs::write(&stop, "").unwrap();
                }
            }
            Progress::Stopping { .. } => said = true,
            _ => {}
        }
    }
    let end = running.finish().await.unwrap();
    assert!(said);
    assert!(matches!(end.stopped, Some(StopReason::StopFile { .. })), "{end:?}");
    let all = world.resets().len();
    assert!(world.directory.touched().len() < all, "it stopped before its end");
    assert_eq!(world.finish().await.stopped, None);
    world.assert_each_has_one_password_that_the_vault_knows();
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_run_finishes_what_is_in_flight() {
    let world = World::with(600, |builder| builder.write_latency(Duration::from_millis(50))).await;
    let mut running = world.run().start().await.unwrap();
    while let Some(progress) = running.next().await {
        if matches!(progress, Progress::EntryEnded { .. }) {
            running.cancel();
        }
    }
    assert_eq!(running.finish().await.unwrap().stopped, Some(StopReason::Cancelled));
    for entry in world.resets() {
        let progress = world.progress(&entry).await;
        for action in &progress.actions {
            assert_ne!(action.finality, Finality::Open, "{}: an answer came and was recorded", entry.name);
        }
    }
    world.finish().await;
    world.assert_each_has_one_password_that_the_vault_knows();
}

/// A read that never comes back: neither the stop file nor a cancellation waits for it.
#[tokio::test(start_paused = true)]
async fn a_directory_that_does_not_answer_keeps_no_run_from_stopping() {
    let folder = tempfile::tempdir().unwrap();
    let stop = folder.path().join("STOP");
    for by_file in [true, false] {
        // Once while accounts are looked up, and once while it is read who is privileged.
        for within_a_wave in [true, false] {
            let world = World::with(300, |builder| builder.write_latency(Duration::from_millis(50))).await;
            let mut guardrails = Guardrails::default();
            guardrails.stop_file = Some(stop.clone());
            let mut running = world.run().guardrails(guardrails).start().await.unwrap();
            while let Some(progress) = running.next().await {
                let begun = match progress {
                    Progress::EntryEnded { .. } => within_a_wave,
                    Progress::WaveFinished { .. } => true,
                    _ => false,
                };
                if begun {
                    break;
                }
            }
            world.directory.leave_reads_hanging(true);
            clock::sleep(Duration::from_secs(600)).await;
            if by_file {
                std::fs::write(&stop, "").unwrap();
            } else {
                running.cancel();
            }
            let end = clock::within(Duration::from_secs(60), running.finish()).await.unwrap().unwrap();
            match end.stopped {
                Some(StopReason::StopFile { .. }) => assert!(by_file),
                Some(StopReason::Cancelled) => assert!(!by_file),
                other => panic!("{other:?}"),
            }
            if by_file {
                std::fs::remove_file(&stop).unwrap();
            }
            world.directory.leave_reads_hanging(false);
            assert_eq!(world.finish().await.stopped, None);
            world.assert_each_has_one_password_that_the_vault_knows();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_directory_that_does_not_answer_keeps_no_verification_from_stopping() {
    let world = World::new(300).await;
    world.finish().await;
    let token = CancellationToken::new();
    let directory = Arc::clone(&world.directory) as Arc<dyn Backend>;
    let verifier = Verifier::new(Arc::new(world.journal.clone())).directory(directory);
    let verifier = verifier.until(token.clone());
    world.directory.leave_reads_hanging(true);
    let (counts, ()) =
        futures::future::join(clock::within(Duration::from_secs(60), verifier.verify(&world.plan)), async {
            clock::sleep(Duration::from_secs(5)).await;
            token.cancel();
        })
        .await;
    let counts = counts.unwrap().unwrap();
    assert_eq!(counts.unread, world.resets().len() as u64);
    assert_eq!(counts.unreadable.len(), 1);
}
