//! `mass_reset` on a tenant of Microsoft Entra ID, alone and beside the Active Directory that it is
//! synchronised from: the command line's contract, and who is touched where.
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use identity_reset::account::PasswordAuthority;
use identity_reset::reset::Action;
use serde_json::Value;
use testkit::mock_ad::MockAd;
use testkit::mock_graph::{CloudUser, MockGraph, Sort, fixed};
use testkit::organisation::{Organisation, special};
use uuid::Uuid;

use support::{CLOUD, Ended, Evidence, Mocks, Stand, Which, finish, guid};

const ACCOUNTS: u64 = 120;

async fn mocks(which: Which) -> Mocks {
    Mocks::start(which, Organisation::new(3, ACCOUNTS), Duration::ZERO).await
}

fn cloud(mocks: &Mocks) -> &MockGraph {
    mocks.graph.as_ref().expect("a tenant")
}

fn on_prem(mocks: &Mocks) -> &MockAd {
    mocks.ad.as_ref().expect("a domain")
}

/// Every planned account is verified, failed or unknown, over all and in each directory; over the
/// directories they add up, and every account that the directories have was seen.
fn assert_sums(ended: &Ended, expected: &[(&str, &str)], everyone: u64) {
    let summary = ended.summary();
    let count = |of: &Value, name: &str| of[name].as_u64().unwrap_or_else(|| panic!("no {name}: {of}"));
    let settled = |of: &Value| ["verified", "failed", "unknown"].iter().map(|name| count(of, name)).sum::<u64>();
    let all = &summary["accounts"];
    let rest: u64 = ["manual", "left_out", "protected"].iter().map(|name| count(all, name)).sum();
    assert_eq!((count(all, "seen"), count(all, "planned") + rest), (everyone, everyone), "{all}");
    assert_eq!(count(all, "planned"), settled(all), "{all}");
    let directories = summary["directories"].as_array().expect("directories");
    let text = |of: &Value, name: &str| of[name].as_str().unwrap_or_else(|| panic!("no {name}: {of}")).to_owned();
    let named: Vec<_> = directories.iter().map(|one| (text(one, "id"), text(one, "kind"))).collect();
    let named: BTreeSet<_> = named.iter().map(|(id, kind)| (id.as_str(), kind.as_str())).collect();
    assert_eq!(named, expected.iter().copied().collect());
    for directory in directories {
        assert_eq!(count(directory, "planned"), settled(directory), "{directory}");
        assert!(count(directory, "planned") > 50 && count(directory, "requests") > 10, "{directory}");
        assert_eq!(count(directory, "throttled"), 0, "{directory}");
    }
    for name in ["planned", "verified", "failed", "unknown"] {
        let sum: u64 = directories.iter().map(|directory| count(directory, name)).sum();
        assert_eq!(count(all, name), sum, "{name}: {summary}");
    }
    assert_eq!((count(all, "failed"), count(all, "unknown")), (0, 0), "{all}");
    assert_eq!(summary["stopped"], Value::Null);
}

/// What is planned in the cloud, by account.
fn planned_in_the_cloud(evidence: &Evidence) -> BTreeMap<Uuid, Vec<Action>> {
    let resets = evidence.resets().filter(|(entry, _)| entry.directory.as_str() == CLOUD);
    resets.map(|(entry, actions)| (guid(&entry.id), actions.to_vec())).collect()
}

/// Nobody writes to these: break-glass, the account of the synchronisation, the agent.
fn assert_spared(graph: &MockGraph, evidence: &Evidence) {
    let planned = planned_in_the_cloud(evidence);
    for number in [fixed::BREAK_GLASS_1, fixed::BREAK_GLASS_2, fixed::SYNC, fixed::AGENT] {
        let user = graph.user(number).expect("a fixed user");
        assert!(graph.untouched(&user.id), "{} was touched", user.principal_name);
        assert!(!planned.contains_key(&user.id), "{} is planned", user.principal_name);
    }
}

/// What every user of the tenant got, by where its password is mastered; says how many got a
/// password, had only sessions ended, and were left alone.
fn assert_each_by_its_authority(graph: &MockGraph, evidence: &Evidence) -> [u64; 3] {
    let planned = planned_in_the_cloud(evidence);
    let mut counts = [0; 3];
    for user in graph.users() {
        let (name, actions) = (&user.principal_name, planned.get(&user.id).map_or(&[][..], Vec::as_slice));
        let (sets, revoked) = (graph.sets(&user.id).len(), graph.revoked(&user.id).len());
        if is_cloud_person(&user) {
            // Disabled ones have no sessions that could be ended.
            assert_eq!((sets, revoked), (1, usize::from(user.enabled)), "{name}: {actions:?}");
        }
        match user.truth().authority {
            PasswordAuthority::Here => {}
            PasswordAuthority::OnPrem | PasswordAuthority::Federated(_) => {
                assert_eq!(sets, 0, "{name} has its password elsewhere: {actions:?}");
                assert!(actions.iter().all(|action| *action == Action::RevokeSessions), "{name}: {actions:?}");
            }
            _ => assert!(graph.untouched(&user.id) && actions.is_empty(), "{name}: {actions:?}"),
        }
        counts[if sets > 0 { 0 } else { usize::from(revoked == 0) + 1 }] += 1;
    }
    counts
}

/// A person of the organisation whose password is in the cloud only, and whom nothing keeps from a reset.
fn is_cloud_person(user: &CloudUser) -> bool {
    let truth = user.truth();
    let spared = [fixed::BREAK_GLASS_1, fixed::BREAK_GLASS_2].contains(&user.number) || user.restricted;
    let here = truth.authority == PasswordAuthority::Here && truth.protected_because.is_none();
    here && user.sort == Sort::Member && !spared
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_alone_is_reset_with_0_and_sums_that_add_up() {
    let mocks = mocks(Which::Cloud).await;
    let (graph, stand) = (cloud(&mocks), mocks.stand());
    let run = stand.run("run");
    let ended = stand.go(&run).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_sums(&ended, &[(CLOUD, "entra")], graph.len());
    let evidence = Evidence::read(&run, &stand.identity).await;
    let state = mocks.assert_promised_state(&evidence);
    assert_eq!(state.planned, ended.accounts("planned"));
    assert_spared(graph, &evidence);
    let [passwords, sessions, alone] = assert_each_by_its_authority(graph, &evidence);
    assert!(passwords > 20 && sessions > 40 && alone > 5, "{passwords}, {sessions} and {alone}");
    assert_eq!(graph.counts().throttled, 0);

    // Again on the same folder: nothing is left to do.
    let passwords = graph.counts().passwords;
    let again = finish(stand.resume(&run)).await;
    assert_eq!((again.code, again.accounts("verified")), (Some(0), state.planned), "{again:?}");
    assert_eq!(graph.counts().passwords, passwords, "nothing is done twice");
    assert_eq!(mocks.assert_promised_state(&Evidence::read(&run, &stand.identity).await).revoked, state.revoked);
}

/// One organisation in two directories: passwords where they are mastered, sessions in the cloud,
/// and these after those.
#[tokio::test(flavor = "multi_thread")]
async fn people_in_both_directories_get_a_password_on_prem_and_lose_their_sessions_in_the_cloud() {
    let mocks = mocks(Which::Hybrid).await;
    let (ad, graph, stand) = (on_prem(&mocks), cloud(&mocks), mocks.stand());
    let run = stand.run("run");
    let ended = stand.go(&run).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_sums(&ended, &[("corp", "ldap"), (CLOUD, "entra")], ACCOUNTS + graph.len());
    let evidence = Evidence::read(&run, &stand.identity).await;
    // Who is in both: that the cloud set nothing, and that sessions ended after the password, is in it.
    let state = mocks.assert_promised_state(&evidence);
    assert!(state.hybrid > 40, "{state:?}");
    assert_eq!(state.planned, ended.accounts("planned"));
    assert_spared(graph, &evidence);
    let [passwords, sessions, alone] = assert_each_by_its_authority(graph, &evidence);
    assert!(passwords > 20 && sessions > 40 && alone > 5, "{passwords}, {sessions} and {alone}");
    assert_eq!(ad.record().len() as u64 + graph.counts().passwords, state.sets, "no set that is not accounted for");

    // Every enabled person of both was reset on-prem and signed out in the cloud.
    let mut both = 0;
    for user in graph.users().filter(|user| user.enabled) {
        let Some(account) = user.truth().joined_with.map(|index| ad.organisation().account(index)) else { continue };
        if user.service || account.truth.protected_because.is_some() || glass(&user) || user.sort != Sort::Member {
            continue;
        }
        both += 1;
        assert_eq!(ad.sets(&account.guid).len(), 1, "{}", account.name);
        assert_eq!(graph.revoked(&user.id).len(), 1, "{}", user.principal_name);
    }
    assert!(both > 40, "{both} people in both directories");
    for index in [special::BREAK_GLASS_1, special::BREAK_GLASS_2, special::KRBTGT] {
        assert!(ad.untouched(&ad.organisation().account(index).guid));
    }
}

/// The on-prem break-glass accounts, as far as they are synchronised.
fn glass(user: &CloudUser) -> bool {
    user.account.is_some_and(|index| [special::BREAK_GLASS_1, special::BREAK_GLASS_2].contains(&index))
}

/// Bad input: exit code 2, nothing on standard output, nobody touched, no folder, and one line that
/// holds these words.
fn refused(ended: &Ended, mocks: &Mocks, run: &Path, words: &[&str]) {
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert_eq!(ended.stdout, "");
    for word in words {
        assert!(ended.complaint().contains(word), "{word:?} is not in: {}", ended.stderr);
    }
    assert!(!run.exists(), "a run's folder was left behind");
    mocks.assert_untouched();
}

/// Repeated failures lock an app out: one try, not five.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_client_secret_is_tried_once_and_ends_with_2() {
    let mocks = mocks(Which::Cloud).await;
    let (graph, stand) = (cloud(&mocks), mocks.stand());
    std::fs::write(stand.path().join("secrets/entra"), "wr0ng~secret~f0r~sure").expect("written");
    let run = stand.run("run");
    let ended = stand.go(&run).await;
    refused(&ended, &mocks, &run, &[CLOUD, "client_secret_file", "secrets/entra"]);
    let counts = graph.counts();
    assert_eq!((counts.token_requests, counts.tokens, counts.requests), (1, 0, 0));
    assert!(!ended.stderr.contains("wr0ng~secret"), "{}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_unknown_ends_with_2_and_names_key_and_line() {
    let mocks = mocks(Which::Hybrid).await;
    let cases: [(&str, &str, &[&str]); 4] = [
        ("client_secret_file", "client_secret_fiel", &["client_secret_fiel", "client_secret_file"]),
        ("graph_url = \"http://127.0.0.1", "graph_url = \"http://graph.example.test", &["graph_url: ", "loopback"]),
        ("kind = \"entra\"", "kind = \"azure\"", &["kind", "azure", "entra"]),
        ("secrets/entra", "secrets/nothing", &["client_secret_file", "secrets/nothing"]),
    ];
    for (from, to, words) in cases {
        let stand = mocks.stand();
        let text = std::fs::read_to_string(stand.directories()).expect("directories.toml");
        assert!(text.contains(from), "{text}");
        let line = 1 + text.lines().position(|line| line.contains("id = \"cloud\"")).expect("the second directory");
        let place = format!("[[directory]] at line {}", line - 1);
        std::fs::write(stand.directories(), text.replace(from, to)).expect("written");
        let run = stand.run("run");
        refused(&stand.go(&run).await, &mocks, &run, &[&["directories.toml", &place, CLOUD], words].concat());
    }
    let counts = cloud(&mocks).counts();
    assert_eq!((counts.token_requests, counts.requests, on_prem(&mocks).counts().requests), (0, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_secret_comes_from_the_environment() {
    const VARIABLE: &str = "IDENTITY_RESET_TEST_CLIENT_SECRET";
    let mocks = mocks(Which::Cloud).await;
    let (graph, stand) = (cloud(&mocks), mocks.stand());
    let text = std::fs::read_to_string(stand.directories()).expect("directories.toml");
    let text = text.replace("client_secret_file = \"secrets/entra\"", &format!("client_secret_env = \"{VARIABLE}\""));
    std::fs::write(stand.directories(), text).expect("written");
    std::fs::remove_file(stand.path().join("secrets/entra")).expect("removed");
    let dry = |stand: &Stand, run: &Path| {
        let mut command = stand.unapproved(run);
        command.arg("--dry-run").env_remove(VARIABLE);
        command
    };
    let run = stand.run("without");
    refused(&finish(dry(&stand, &run)).await, &mocks, &run, &[CLOUD, VARIABLE, "not set"]);
    let run = stand.run("with");
    let mut command = dry(&stand, &run);
    command.env(VARIABLE, graph.client_secret().expect("a secret"));
    let ended = finish(command).await;
    assert_eq!((ended.code, graph.counts().tokens), (Some(0), 1), "{ended:?}");
    assert_eq!(ended.summary()["accounts"]["seen"], Value::from(graph.len()));
    mocks.assert_untouched();
}
