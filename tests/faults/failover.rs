//! A run over the loss of a controller: the PDC emulator, which takes the changes, dies for good at an
//! order drawn from a seed, and another controller takes over.

use std::time::Duration;

use futures::{StreamExt, stream};
use identity_reset::limits::clock;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use testkit::fault::{Fault, FaultScript, When};
use testkit::organisation::Organisation;

use crate::support::PromisedState;
use crate::world::World;

const SEEDS: u64 = 24;
const ACCOUNTS: u64 = 80;
/// How late the other controller hears of a change, in every second run. Longer than reading back takes.
const LAG: Duration = Duration::from_millis(1500);
/// Runs side by side: most of the time each waits for the controller that is lost.
const SIDE_BY_SIDE: usize = 8;
/// How long an order takes, so that more is in flight than the one that it dies with.
const LATENCY: Duration = Duration::from_millis(5);

/// How a run ended whose first controller died.
struct Ended {
    /// The write with which it died.
    at: u64,
    state: PromisedState,
    /// Changes that the first controller and the second one took.
    taken: (u64, u64),
}

/// The write that the seed draws, and whether that one still takes effect.
fn drawn(seed: u64) -> (u64, Fault) {
    let mut random = StdRng::seed_from_u64(seed);
    let fault = if random.random_range(0..3) == 0 { Fault::CutBeforeApply } else { Fault::CutAfterApply };
    (random.random_range(1..50), fault)
}

async fn run(seed: u64) -> Ended {
    let (at, fault) = drawn(seed);
    let lag = if seed.is_multiple_of(2) { Duration::ZERO } else { LAG };
    let what = format!("seed {seed}, {fault:?} at write {at}, lag {lag:?}");
    let script = FaultScript::new(seed).rule(When::write().nth(at), fault);
    let world = World::of_two(Organisation::new(seed, ACCOUNTS), lag, script).await;
    world.mock.set_latency(LATENCY);
    let death = async {
        while world.mock.counts().faults == 0 {
            clock::sleep(Duration::from_millis(1)).await;
        }
        // The order takes effect before it dies, unless it was cut before that.
        clock::sleep(LATENCY * 2).await;
        world.mock.refuse_connections(true);
        world.mock.cut_connections();
        world.mock.counts().applied
    };
    let second = world.second.as_ref().expect("a second one");
    let ((summary, end), applied) = tokio::join!(async { world.go().await.expect("starts") }, death);

    assert_eq!(end.stopped, None, "{what}: the loss of one of two stops nothing");
    let accounts = &summary.accounts;
    assert_eq!((accounts.failed, accounts.unknown), (0, 0), "{what}: {summary}");
    assert_eq!(accounts.verified, accounts.planned, "{what}");
    // The report names who is lost, and that the other one has everything.
    let lost = summary.servers.iter().find(|server| server.server == world.mock.host()).expect("named");
    assert!(lost.unreachable.is_some(), "{what}: {lost}");
    let other = summary.servers.iter().find(|server| server.server == second.host()).expect("named");
    assert!(other.is_converged(), "{what}: {other}");
    let text = summary.to_string();
    assert!(text.contains(&world.mock.host()) && text.contains("cannot be asked"), "{what}: {text}");

    let taken = (world.mock.counts().applied, second.counts().applied);
    assert!(taken.0 <= applied + 16, "{what}: it took changes after its death: {taken:?}");
    assert!(taken.1 > 0, "{what}: the second took over");
    // What the first one took and had not told yet.
    clock::sleep(lag * 2).await;
    second.replicate_from(&world.mock);
    world.mock.replicate_from(second);
    let state = world.promised_state().await;
    let ended = Ended { at, state, taken };
    if let Some(second) = world.second {
        second.shutdown().await;
    }
    world.mock.shutdown().await;
    ended
}

#[tokio::test(flavor = "multi_thread")]
async fn the_loss_of_the_controller_that_takes_the_changes_costs_no_account_and_no_second_password() {
    println!(
        "{:>4}{:>7}{:>9}{:>6}{:>10}{:>11}{:>8}{:>8}",
        "seed", "write", "planned", "sets", "repeated", "read back", "first", "second"
    );
    let mut all = PromisedState::default();
    let mut runs = stream::iter(1..=SEEDS).map(|seed| async move { (seed, run(seed).await) }).buffered(SIDE_BY_SIDE);
    while let Some((seed, Ended { at, state, taken })) = runs.next().await {
        let PromisedState { planned, sets, repeated, read_back, .. } = state;
        println!("{seed:>4}{at:>7}{planned:>9}{sets:>6}{repeated:>10}{read_back:>11}{:>8}{:>8}", taken.0, taken.1);
        all.planned += planned;
        all.sets += sets;
        all.repeated += repeated;
        all.read_back += read_back;
    }
    println!("{SEEDS} losses: {all:?}");
    assert!(all.repeated > 0 && all.read_back > 0, "the loss hit orders without an answer: {all:?}");
}
