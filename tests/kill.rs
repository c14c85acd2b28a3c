//! Promises 3 and 4 under SIGKILL: runs are killed at random instants and resumed, and what came
//! of it is counted against the directory's own record.
//!
//! `IDENTITY_RESET_KILLS` says how many kills there are on the mock directory (12 unless it is
//! set), `IDENTITY_RESET_KILL_SEED` draws other instants. Twenty more are on a real controller
//! where the environment names one.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "tests may fail, and say what they saw")]

mod support;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use identity_reset::account::AccountId;
use identity_reset::journal::{Event, Record};
use identity_reset::vault::Identity;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use testkit::mock_ad::MockAd;
use testkit::organisation::{ObjectClass, Organisation};
use tokio::process::Command;

use support::{Ended, Evidence, PATIENCE, Site, Stand, Struck, peek, snapshot, strike};

const KILLS: u64 = 12;
const KILLS_ON_A_CONTROLLER: u64 = 20;
const KILLS_A_RUN: u64 = 3;
const ACCOUNTS: u64 = 150;
/// Of each operation of the mock: a run is to take long enough to be hit anywhere.
const LATENCY: Duration = Duration::from_millis(25);
/// Of a run on a real controller, which sets about 20 passwords a second.
const ACCOUNTS_ON_A_CONTROLLER: usize = 20;

/// What a process was doing when it was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// Connecting, reading the directory, writing the plan, taking approvals.
    Planning,
    /// Opening what an earlier process left.
    Resuming,
    Executing,
    /// Reading back, and writing the report.
    Verifying,
}

#[derive(Default)]
struct Tally {
    kills: BTreeMap<Phase, u64>,
    finished_before: u64,
    runs: u64,
    fresh_starts: u64,
    resumes: u64,
    accounts: u64,
    sets: u64,
    repeated: u64,
    read_back: u64,
    untouched: u64,
}

/// One run through its kills to its end.
struct Course {
    stand: Stand,
    /// What every process of the run gets that begins anew.
    arguments: Vec<String>,
    run: PathBuf,
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_instant_nobody_is_lost_and_nobody_gets_two_passwords() {
    let kills = number("IDENTITY_RESET_KILLS", KILLS);
    let mut random = seeded();
    let mut tally = Tally::default();
    let undisturbed = on_the_mock(&mut Tally::default(), &mut random, 0, Duration::ZERO).await;
    println!("an undisturbed run of {ACCOUNTS} accounts takes {undisturbed:?}; killing {kills} times");
    while tally.kills() < kills {
        assert!(tally.runs < 20 + 4 * kills, "most runs end before they are killed: {tally}");
        let most = KILLS_A_RUN.min(kills - tally.kills());
        on_the_mock(&mut tally, &mut random, most, undisturbed).await;
    }
    println!("on the mock directory:\n{tally}");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_on_a_real_controller_nobody_is_lost_and_nobody_gets_two_passwords() {
    let Some(site) = Site::find("20 kills on a real controller") else { return };
    let mut random = seeded();
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

/// A run on a fresh mock; says how long its last process took.
async fn on_the_mock(tally: &mut Tally, random: &mut StdRng, kills: u64, length: Duration) -> Duration {
    let organisation = Organisation::new(1, ACCOUNTS);
    let mock = MockAd::builder().organisation(organisation).latency(LATENCY).start().await.expect("a mock");
    let mut course = Course::new(Stand::on(&mock), Vec::new());
    let untouched = || assert_eq!(mock.record().len(), 0, "touched before there was a plan");
    let ended = course.travel(tally, random, kills, length, &untouched).await;

    let evidence = course.evidence().await;
    course.assert_finished(&ended, &evidence, tally);
    let state = evidence.assert_promised_state(&mock);
    assert!(state.planned > 100 && state.untouched > 20, "{state:?}");
    tally.sets += state.sets;
    tally.untouched += state.untouched;
    mock.shutdown().await;
    ended.lasted
}

/// A run over some accounts of a real controller; says how long its last process took.
async fn on_the_controller(
    site: &Site,
    names: Vec<String>,
    tally: &mut Tally,
    random: &mut StdRng,
    kills: u64,
    length: Duration,
) -> Duration {
    let stand = Stand::at(site);
    let list = stand.path().join("chosen.csv");
    std::fs::write(&list, format!("account\n{}\n", names.join("\n"))).expect("a list");
    let directory = site.directory().await;
    let before = snapshot(&directory).await;
    let mut course = Course::new(stand, vec![format!("--select=list:{}", list.display())]);
    let ended = course.travel(tally, random, kills, length, &|| {}).await;

    let evidence = course.evidence().await;
    course.assert_finished(&ended, &evidence, tally);
    let after = snapshot(&directory).await;
    let version = |accounts: &BTreeMap<AccountId, _>, id: &AccountId| {
        let account: &identity_reset::account::Account = accounts.get(id).expect("there");
        account.password.version.expect("a version")
    };
    let mut planned = 0;
    for (entry, actions) in evidence.resets() {
        planned += 1;
        let (sends, references) = evidence.sends(entry.seq);
        let grown = version(&after, &entry.id) - version(&before, &entry.id);
        // An intent may be recorded and the process killed before a byte left.
        assert!((1..=sends).contains(&grown), "{}: {grown} sets by {sends} intents", entry.name);
        tally.sets += grown;
        if actions.iter().any(|action| action.needs_sealing()) {
            assert_eq!(references.len(), 1, "{}: intents name {references:?}", entry.name);
            let dn = after.get(&entry.id).and_then(|account| account.path.clone()).expect("a path");
            let (came, text) = site.sign_in(&dn, evidence.password(entry.seq).expect("sealed")).await;
            assert!(came.took_password(), "{dn}: the vault's password is refused: {text}");
        }
    }
    assert_eq!(planned, names.len(), "all of the list are planned");
    for (id, name) in evidence.others() {
        assert_eq!(version(&after, id), version(&before, id), "{name} is not planned and was touched");
        tally.untouched += 1;
    }
    ended.lasted
}

impl Course {
    fn new(stand: Stand, arguments: Vec<String>) -> Self {
        Self { run: stand.run("run-1"), stand, arguments }
    }

    /// Runs, is killed up to so many times at instants within `length`, and goes on to the end.
    async fn travel(
        &mut self,
        tally: &mut Tally,
        random: &mut StdRng,
        kills: u64,
        length: Duration,
        without_a_plan: &(dyn Fn() + Sync),
    ) -> Ended {
        tally.runs += 1;
        let mut killed = 0;
        let mut resumed = false;
        let mut command = self.begin();
        loop {
            // What is resumed has less to do.
            let reach = if resumed { length.mul_f64(0.7) } else { length };
            let after = (killed < kills).then(|| reach.mul_f64(random.random_range(0.0..1.0)));
            let pid = match strike(command, after.unwrap_or(PATIENCE)).await {
                Struck::Ended(ended) => {
                    assert_eq!(ended.code, Some(0), "after {killed} kills: {ended:?}");
                    tally.finished_before += u64::from(after.is_some());
                    return ended;
                }
                Struck::Killed { .. } if after.is_none() => panic!("no end within {PATIENCE:?}"),
                Struck::Killed { pid, .. } => pid,
            };
            killed += 1;
            let phase = phase(&self.run, pid, resumed).await;
            *tally.kills.entry(phase).or_default() += 1;
            if self.run.join("plan.jsonl").exists() {
                resumed = true;
                tally.resumes += 1;
                command = self.resume();
            } else {
                without_a_plan();
                tally.fresh_starts += 1;
                self.run = self.stand.run(&format!("run-{}", killed + 1));
                command = self.begin();
            }
        }
    }

    fn begin(&self) -> Command {
        let mut command = self.stand.fresh(&self.run);
        command.args(&self.arguments);
        command
    }

    /// As a person would: what was approved is not approved again.
    fn resume(&self) -> Command {
        let mut command = self.stand.resume(&self.run);
        if !self.run.join("approvals.json").exists() {
            command.args(["--approve", "all"]);
        }
        command
    }

    async fn evidence(&self) -> Evidence {
        Evidence::read(&self.run, &self.identity()).await
    }

    fn identity(&self) -> Identity {
        self.stand.identity.clone()
    }

    /// The last process calls the run done and verified, and the journal says the same.
    fn assert_finished(&self, ended: &Ended, evidence: &Evidence, tally: &mut Tally) {
        let planned = evidence.resets().count() as u64;
        let [verified, failed, unknown] = ["verified", "failed", "unknown"].map(|name| ended.accounts(name));
        assert_eq!(ended.accounts("planned"), planned);
        assert_eq!((verified, failed, unknown), (planned, 0, 0), "{}", ended.stderr);
        let (repeated, read_back) = evidence.assert_each_action_ends_once();
        tally.accounts += planned;
        tally.repeated += repeated;
        tally.read_back += read_back;
    }
}

impl Tally {
    fn kills(&self) -> u64 {
        self.kills.values().sum()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |phase| self.kills.get(&phase).copied().unwrap_or(0);
        writeln!(f, "  runs                          {:>7}", self.runs)?;
        writeln!(f, "  killed (SIGKILL)              {:>7}", self.kills())?;
        writeln!(f, "    planning                    {:>7}", of(Phase::Planning))?;
        writeln!(f, "    resuming, before the start  {:>7}", of(Phase::Resuming))?;
        writeln!(f, "    executing                   {:>7}", of(Phase::Executing))?;
        writeln!(f, "    verifying                   {:>7}", of(Phase::Verifying))?;
        writeln!(f, "  ended before they were killed {:>7}", self.finished_before)?;
        writeln!(f, "  begun anew, without a plan    {:>7}", self.fresh_starts)?;
        writeln!(f, "  resumed                       {:>7}", self.resumes)?;
        writeln!(f, "  accounts reset, all verified  {:>7}", self.accounts)?;
        writeln!(f, "  password sets that landed     {:>7}", self.sets)?;
        writeln!(f, "  intents repeated              {:>7}", self.repeated)?;
        writeln!(f, "  unknown, found by reading back{:>7}", self.read_back)?;
        write!(f, "  accounts left untouched       {:>7}", self.untouched)
    }
}

/// What a killed process was doing, by what it had recorded.
async fn phase(run: &Path, pid: u32, resumed: bool) -> Phase {
    let records: Vec<Record> = peek(run).await.unwrap_or_default();
    let mine = |record: &Record| matches!(&record.event, Event::RunStarted { pid: began, .. } if *began == pid);
    match records.iter().rposition(mine) {
        None if resumed => Phase::Resuming,
        None => Phase::Planning,
        Some(began) if records.iter().skip(began).any(|record| record.event == Event::RunFinished) => Phase::Verifying,
        Some(_) => Phase::Executing,
    }
}

/// The sign-in names of people who can sign in.
fn ordinary(organisation: &Organisation) -> Vec<String> {
    let accounts = organisation.accounts().skip(60).filter(|account| {
        let usable = account.enabled() && account.expires.is_none() && account.truth.protected_because.is_none();
        account.creatable() && account.class == ObjectClass::User && usable
    });
    accounts.filter(|account| account.service_names.is_empty()).map(|account| account.name).collect()
}

fn seeded() -> StdRng {
    let seed = number("IDENTITY_RESET_KILL_SEED", 1);
    println!("instants from IDENTITY_RESET_KILL_SEED={seed}");
    StdRng::seed_from_u64(seed)
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name} is {text:?}")))
}
