//! Promises 3 and 4 under SIGKILL: runs are killed at random instants and resumed, and what came
//! of it is counted against the directories' own record.
//!
//! `IDENTITY_RESET_KILLS` says how many kills there are on the mock of Active Directory (12 unless it
//! is set), `IDENTITY_RESET_CLOUD_KILLS` how many on the mock of Graph alone and as many again on both
//! side by side (4 unless it is set), `IDENTITY_RESET_OKTA_KILLS` how many on the mock of Okta alone and
//! as many again on all three (4 unless it is set); `IDENTITY_RESET_KILL_SEED` draws other instants.
//! Twenty more are on a real controller where the environment names one.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "tests may fail, and say what they saw")]

mod controller;
mod course;
#[path = "../support/mod.rs"]
mod support;

use std::time::Duration;

use futures::future::join_all;
use rand::SeedableRng;
use rand::rngs::StdRng;
use testkit::organisation::Organisation;

use controller::{on_the_controller, ordinary};
use course::{Course, KILLS_A_RUN, Tally};
use support::{Mocks, Site, Which};

const KILLS: u64 = 12;
const CLOUD_KILLS: u64 = 4;
const OKTA_KILLS: u64 = 4;
const KILLS_ON_A_CONTROLLER: u64 = 20;
const ACCOUNTS: u64 = 150;
/// Of an organisation that is in the cloud, where a tenant takes 18 changes a second.
const ACCOUNTS_IN_THE_CLOUD: u64 = 80;
/// Of each operation of a mock: a run is to take long enough to be hit anywhere.
const LATENCY: Duration = Duration::from_millis(25);
/// Of a run on a real controller, which sets about 20 passwords a second.
const ACCOUNTS_ON_A_CONTROLLER: usize = 20;

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_instant_nobody_is_lost_and_nobody_gets_two_passwords() {
    kill(Which::OnPrem, number("IDENTITY_RESET_KILLS", KILLS)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_cloud_nobody_is_lost_and_nobody_gets_two_passwords() {
    kill(Which::Cloud, number("IDENTITY_RESET_CLOUD_KILLS", CLOUD_KILLS)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_two_directories_at_once_nobody_is_lost_and_nobody_gets_two_passwords() {
    kill(Which::Hybrid, number("IDENTITY_RESET_CLOUD_KILLS", CLOUD_KILLS)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_okta_nobody_is_lost_and_the_last_temporary_password_of_the_vault_opens() {
    kill(Which::Okta, number("IDENTITY_RESET_OKTA_KILLS", OKTA_KILLS)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_three_directories_at_once_nobody_is_lost_and_nobody_gets_two_passwords() {
    kill(Which::All, number("IDENTITY_RESET_OKTA_KILLS", OKTA_KILLS)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_on_a_real_controller_nobody_is_lost_and_nobody_gets_two_passwords() {
    let Some(site) = Site::find("20 kills on a real controller") else { return };
    let mut random = seeded(0);
    let mut tally = Tally::default();
    let names = ordinary(&site.organisation);
    assert!(names.len() >= 2 * ACCOUNTS_ON_A_CONTROLLER, "{} ordinary accounts are loaded", names.len());
    let mut names = names.iter().cycle();
    let mut next = || names.by_ref().take(ACCOUNTS_ON_A_CONTROLLER).cloned().collect::<Vec<_>>();
    let undisturbed = on_the_controller(&site, next(), &mut Tally::default(), &mut random, 0, Duration::ZERO).await;
    println!("an undisturbed run of {ACCOUNTS_ON_A_CONTROLLER} accounts takes {undisturbed:?}");
    while tally.kills() < KILLS_ON_A_CONTROLLER {
        assert!(tally.runs < 100, "most runs end before they are killed: {tally}");
        let most = KILLS_A_RUN.min(KILLS_ON_A_CONTROLLER - tally.kills());
        on_the_controller(&site, next(), &mut tally, &mut random, most, undisturbed).await;
    }
    println!("on the real controller:\n{tally}");
}

/// Runs on fresh mocks until there were so many kills.
async fn kill(which: Which, kills: u64) {
    let undisturbed = on_mocks(which, &mut Tally::default(), &mut seeded(0), 0, Duration::ZERO).await;
    let accounts = accounts(which);
    println!("{which:?}: an undisturbed run of {accounts} accounts takes {undisturbed:?}; killing {kills} times");
    // A run mostly waits, for its mock or for the quotas of its tenant: several go side by side.
    let lanes = if which == Which::OnPrem { 3 } else { 4 };
    let courses = (0..lanes).map(|lane| async move {
        let kills = kills / lanes + u64::from(lane < kills % lanes);
        let (mut random, mut tally) = (seeded(lane), Tally::default());
        while tally.kills() < kills {
            assert!(tally.runs < 20 + 4 * kills, "most runs end before they are killed: {tally}");
            let most = KILLS_A_RUN.min(kills - tally.kills());
            on_mocks(which, &mut tally, &mut random, most, undisturbed).await;
        }
        tally
    });
    let tally = join_all(courses).await.into_iter().fold(Tally::default(), Tally::plus);
    println!("{which:?}, on mock directories:\n{tally}");
    assert_eq!(tally.kills(), kills);
}

fn accounts(which: Which) -> u64 {
    if which == Which::OnPrem { ACCOUNTS } else { ACCOUNTS_IN_THE_CLOUD }
}

/// A run on fresh mocks; says how long its last process took.
async fn on_mocks(which: Which, tally: &mut Tally, random: &mut StdRng, kills: u64, length: Duration) -> Duration {
    let mocks = Mocks::start(which, Organisation::new(1, accounts(which)), LATENCY).await;
    let mut course = Course::new(mocks.stand(), Vec::new());
    let ended = course.travel(tally, random, kills, length, &|| mocks.assert_untouched()).await;

    let evidence = course.evidence().await;
    course.assert_finished(&ended, &evidence, tally);
    let state = mocks.assert_promised_state(&evidence);
    assert!(state.planned > 60 && state.untouched > 5, "{state:?}");
    assert_eq!(state.revoked > 0, which != Which::OnPrem, "{state:?}");
    assert_eq!(state.hybrid > 20, matches!(which, Which::Hybrid | Which::All), "{state:?}");
    tally.sets += state.sets;
    tally.superseded += state.superseded;
    tally.revoked += state.revoked;
    tally.hybrid += state.hybrid;
    tally.untouched += state.untouched;
    mocks.shutdown().await;
    ended.lasted
}

fn seeded(lane: u64) -> StdRng {
    let seed = number("IDENTITY_RESET_KILL_SEED", 1);
    println!("instants from IDENTITY_RESET_KILL_SEED={seed}, lane {lane}");
    StdRng::seed_from_u64(seed.wrapping_add(lane << 32))
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name} is {text:?}")))
}
