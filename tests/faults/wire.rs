//! What can go wrong between us and a directory, on the mock AD over real TLS.

use std::time::Duration;

use identity_reset::limits::clock;
use jiff::SignedDuration;
use testkit::fault::{Fault, FaultScript, When};
use testkit::organisation::Organisation;
use tokio::task::JoinSet;

use crate::support::PromisedState;
use crate::world::{DEADLINE, World};

const ACCOUNTS: u64 = 100;
/// How often a script makes its fault. Enough to hit batches in many places.
const FAULTS: u64 = 16;

async fn world(script: FaultScript) -> World {
    World::new(Organisation::new(11, ACCOUNTS), script).await
}

/// Every fault that a write can meet. None of them leaves an account lost, or with two passwords.
#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_the_wire_ends_in_the_promised_state() {
    let faults = [
        Fault::CutBeforeApply,
        Fault::CutAfterApply,
        Fault::CutMidAnswer,
        Fault::LateApply(Duration::from_millis(400)),
        Fault::NoticeOfDisconnection,
        Fault::Busy,
        Fault::Unavailable,
        Fault::Slow(Duration::from_millis(500)),
        Fault::Slow(DEADLINE + Duration::from_millis(500)),
        Fault::NeverAnswer,
        Fault::Swallow,
        Fault::GarbledMessage,
        Fault::Overtaken,
        Fault::RefusePassword,
    ];
    println!(
        "{:32}{:>8}{:>8}{:>8}{:>10}{:>11}{:>11}",
        "fault", "made", "planned", "sets", "repeated", "read back", "processes"
    );
    // Side by side: nearly all the time each waits for a deadline, or for the pause that a fault asks for.
    faults.into_iter().map(run).collect::<JoinSet<()>>().join_all().await;
}

/// A run that meets this fault again and again.
async fn run(fault: Fault) {
    let often = match fault {
        // Each costs a deadline.
        Fault::NeverAnswer | Fault::Swallow | Fault::Slow(_) => FAULTS / 2,
        _ => FAULTS,
    };
    let script = match fault {
        // Three in a row for one account are its end, so they are spread.
        Fault::RefusePassword => [10, 20, 30, 40, 50, 60, 70]
            .into_iter()
            .fold(FaultScript::new(21), |script, nth| script.rule(When::write().nth(nth), fault.clone())),
        _ => FaultScript::new(21).rule(When::write().chance(0.2).times(often), fault.clone()),
    };
    let world = world(script).await;
    let what = format!("{fault:?}");
    let (state, processes) = world.settle(&what).await;
    let counts = world.mock.counts();
    assert!(counts.faults >= 7, "{what}: only {} faults were made", counts.faults);
    let PromisedState { planned, sets, repeated, read_back, .. } = state;
    println!("{what:32}{:>8}{planned:>8}{sets:>8}{repeated:>10}{read_back:>11}{processes:>11}", counts.faults);
    match fault {
        // A whole connection breaks with the one order that it was made for.
        Fault::CutAfterApply | Fault::CutMidAnswer => assert!(read_back >= 1, "{what}"),
        Fault::NeverAnswer => assert!(read_back >= counts.faults, "{what}: found by reading back"),
        Fault::CutBeforeApply | Fault::Swallow | Fault::Busy | Fault::Unavailable | Fault::GarbledMessage => {
            assert!(repeated >= counts.faults, "{what}: sent again");
            assert!(sets >= planned, "{what}");
        }
        Fault::RefusePassword => assert_eq!(sets, planned, "{what}: a refused one is not in force"),
        _ => {}
    }
    world.mock.shutdown().await;
}

/// The times that the directory tells are its own: an hour of difference confuses nobody.
#[tokio::test(flavor = "multi_thread")]
async fn an_hour_of_clock_skew_changes_no_verdict() {
    for hours in [-1, 1] {
        let script = FaultScript::new(3)
            .clock_skew(SignedDuration::from_hours(hours))
            .rule(When::write().chance(0.1).times(8), Fault::CutAfterApply);
        let world = world(script).await;
        let (state, processes) = world.settle(&format!("{hours} h")).await;
        println!("clock skew {hours} h: {state:?}, {processes} processes");
        let skew = world.mock.record().iter().map(|set| set.at.duration_since(clock::now()).as_hours()).max();
        assert!(skew.is_some_and(|skew| (skew - hours).abs() <= 1), "the directory's clock was off: {skew:?}");
        world.mock.shutdown().await;
    }
}

/// Everything at once, and all connections broken five times meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_bad_day_ends_in_the_promised_state() {
    let script = FaultScript::new(8)
        .rule(When::write().every(17).times(4), Fault::CutAfterApply)
        .rule(When::write().every(19).times(4), Fault::LateApply(Duration::from_millis(300)))
        .rule(When::write().every(13).times(6), Fault::Busy)
        .rule(When::write().every(23).times(3), Fault::RefusePassword)
        .rule(When::read().every(23).times(3), Fault::CutBeforeApply)
        .rule(When::read().every(29).times(2), Fault::Unavailable);
    let world = world(script).await;
    world.mock.set_latency(Duration::from_millis(10));
    let storm = async {
        for _ in 0..5 {
            clock::sleep(Duration::from_millis(900)).await;
            world.mock.cut_connections();
        }
    };
    let ((state, processes), ()) = tokio::join!(world.settle("a bad day"), storm);
    println!("a bad day: {state:?}, {processes} processes, {} faults", world.mock.counts().faults);
}
