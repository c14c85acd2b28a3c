//! `mass_reset` on an Okta org, alone and beside the Active Directory and the tenant of the same
//! people: the command line's contract, who is touched where, and in which order.
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use identity_reset::account::PasswordAuthority;
use identity_reset::http::{SigningAlgorithm, SigningKey};
use identity_reset::reset::Action;
use serde_json::Value;
use testkit::mock_okta::{MockOkta, OktaUser, Status, fixed};
use testkit::organisation::{Organisation, special};

use support::{CLOUD, Ended, Evidence, Mocks, ON_PREM, ORG, Stand, Which, finish, unhurried};

const ACCOUNTS: u64 = 120;

async fn mocks(which: Which) -> Mocks {
    Mocks::start(which, Organisation::new(3, ACCOUNTS), Duration::ZERO).await
}

fn org(mocks: &Mocks) -> &MockOkta {
    mocks.okta.as_ref().expect("an org")
}

/// Every planned account is verified, failed or unknown, over all and in each directory; over the
/// directories they add up. Unknown are those alone that Okta shows nothing of.
fn assert_sums(ended: &Ended, evidence: &Evidence, expected: &[(&str, &str)]) {
    let summary = ended.summary();
    let count = |of: &Value, name: &str| of[name].as_u64().unwrap_or_else(|| panic!("no {name}: {of}"));
    let all = &summary["accounts"];
    let directories = summary["directories"].as_array().expect("directories");
    let text = |of: &Value, name: &str| of[name].as_str().unwrap_or_else(|| panic!("no {name}: {of}")).to_owned();
    let named: BTreeSet<_> = directories.iter().map(|one| (text(one, "id"), text(one, "kind"))).collect();
    assert_eq!(named, expected.iter().map(|(id, kind)| ((*id).to_owned(), (*kind).to_owned())).collect());
    for directory in directories {
        let settled: u64 = ["verified", "failed", "unknown"].iter().map(|name| count(directory, name)).sum();
        assert_eq!(count(directory, "planned"), settled, "{directory}");
        assert!(count(directory, "planned") > 50 && count(directory, "requests") > 10, "{directory}");
        assert_eq!((count(directory, "throttled"), count(directory, "failed")), (0, 0), "{directory}");
        let unseen = if text(directory, "id") == ORG { evidence.unseen() } else { 0 };
        assert_eq!(count(directory, "unknown"), unseen, "{directory}");
    }
    for name in ["planned", "verified", "failed", "unknown"] {
        let sum: u64 = directories.iter().map(|directory| count(directory, name)).sum();
        assert_eq!(count(all, name), sum, "{name}: {summary}");
    }
    let rest: u64 = ["manual", "left_out", "protected"].iter().map(|name| count(all, name)).sum();
    assert_eq!(count(all, "seen"), count(all, "planned") + rest, "{all}");
    assert_eq!(summary["stopped"], Value::Null);
    assert_eq!(ended.code, Some(i32::from(evidence.unseen() > 0)), "{ended:?}");
}

/// What is planned in the org, by account.
fn planned(evidence: &Evidence) -> BTreeMap<String, Vec<Action>> {
    let resets = evidence.resets().filter(|(entry, _)| entry.directory.as_str() == ORG);
    resets.map(|(entry, actions)| (entry.id.as_str().to_owned(), actions.to_vec())).collect()
}

/// What every user of the org got, by where its password is mastered and by its status; says how many
/// got a password or a link, had only sessions ended, and were left alone.
fn assert_each_by_its_authority(okta: &MockOkta, evidence: &Evidence) -> [u64; 3] {
    let planned = planned(evidence);
    let mut counts = [0; 3];
    for user in okta.users() {
        let (name, actions) = (&user.login, planned.get(&user.id).map_or(&[][..], Vec::as_slice));
        let (sets, revoked) = (okta.sets(&user.id).len(), okta.revoked(&user.id).len());
        if spared(&user) {
            assert!(okta.untouched(&user.id) && actions.is_empty(), "{name}: {actions:?}");
            counts[2] += 1;
            continue;
        }
        match (user.truth().authority, actions) {
            (PasswordAuthority::Here, [Action::SetTemporaryPassword, Action::RevokeSessions, ..]) => {
                // The one call ends sessions, the other the tokens of apps too.
                assert_eq!((sets, revoked), (1, 2), "{name}");
                counts[0] += 1;
            }
            (PasswordAuthority::Here, [Action::ResetToRecovery { mail: false }, Action::RevokeSessions]) => {
                assert_eq!((user.status(), sets, revoked), (Status::Recovery, 0, 2), "{name}");
                counts[0] += 1;
            }
            (PasswordAuthority::Here, _) => panic!("{name} is {:?} and got {actions:?}", user.status()),
            (_, [Action::RevokeSessions]) => {
                assert_eq!((sets, revoked), (0, 1), "{name} has its password elsewhere");
                counts[1] += 1;
            }
            (authority, _) => {
                assert!(okta.untouched(&user.id), "{name} ({authority:?}): {actions:?}");
                counts[2] += 1;
            }
        }
    }
    assert_eq!(okta.counts().conversions, 0, "a federated account became one with a password");
    counts
}

/// Break-glass accounts, the one that the run signs in with, and those whose status admits nobody.
fn spared(user: &OktaUser) -> bool {
    let unusable = matches!(user.status(), Status::Staged | Status::Deprovisioned | Status::Suspended);
    unusable || [fixed::BREAK_GLASS_1, fixed::BREAK_GLASS_2, fixed::RUNNER].contains(&user.number)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_org_alone_gets_temporary_passwords_and_sums_that_add_up() {
    let mocks = mocks(Which::Okta).await;
    let (okta, stand) = (org(&mocks), mocks.stand());
    let run = stand.run("run");
    let ended = stand.go(&run).await;
    let evidence = Evidence::read(&run, &stand.identity).await;
    assert_sums(&ended, &evidence, &[(ORG, "okta")]);
    let state = mocks.assert_promised_state(&evidence);
    assert_eq!((state.planned, state.superseded), (ended.accounts("planned"), 0));
    let [passwords, sessions, alone] = assert_each_by_its_authority(okta, &evidence);
    assert!(passwords > 40 && sessions > 20 && alone > 5, "{passwords}, {sessions} and {alone}");
    assert_eq!(okta.counts().throttled, 0);

    // Again on the same folder: nothing is left to do.
    let passwords = okta.counts().passwords;
    let again = finish(stand.resume(&run)).await;
    assert_eq!((again.code, again.accounts("verified")), (ended.code, ended.accounts("verified")), "{again:?}");
    assert_eq!(okta.counts().passwords, passwords, "nothing is done twice");
    assert_eq!(mocks.assert_promised_state(&Evidence::read(&run, &stand.identity).await).revoked, state.revoked);
}

/// One organisation in three directories: the password where it is mastered, sessions in the two
/// others, and these after it.
#[tokio::test(flavor = "multi_thread")]
async fn people_in_three_directories_get_one_password_and_lose_their_sessions_elsewhere_after_it() {
    let mocks = mocks(Which::All).await;
    let (ad, graph) = (mocks.ad.as_ref().expect("a domain"), mocks.graph.as_ref().expect("a tenant"));
    let (okta, stand) = (org(&mocks), mocks.stand());
    let run = stand.run("run");
    let ended = stand.go(&run).await;
    let evidence = Evidence::read(&run, &stand.identity).await;
    assert_sums(&ended, &evidence, &[(ON_PREM, "ldap"), (CLOUD, "entra"), (ORG, "okta")]);
    // That nobody who is joined got a password elsewhere, and that sessions ended after it, is in it.
    let state = mocks.assert_promised_state(&evidence);
    assert!(state.hybrid > 80, "{state:?}");
    let [passwords, sessions, alone] = assert_each_by_its_authority(okta, &evidence);
    assert!(passwords > 20 && sessions > 40 && alone > 5, "{passwords}, {sessions} and {alone}");
    let sets = ad.record().len() as u64 + graph.counts().passwords + okta.counts().passwords;
    assert_eq!(sets, state.sets, "no set that is not accounted for");

    // Every person of all three was reset on-prem and signed out in both others.
    let mut everywhere = 0;
    for user in okta.users().filter(|user| !spared(user) && !user.service) {
        let Some(account) = user.truth().joined_with.map(|index| ad.organisation().account(index)) else { continue };
        let tenant = graph.users().find(|other| other.truth().joined_with == Some(account.index) && other.enabled);
        let glass = [special::BREAK_GLASS_1, special::BREAK_GLASS_2].contains(&account.index);
        let Some(tenant) = tenant.filter(|_| !glass && account.truth.protected_because.is_none()) else { continue };
        everywhere += 1;
        let [set] = &ad.sets(&account.guid)[..] else { panic!("{}: not one password", account.name) };
        let [in_the_cloud] = graph.revoked(&tenant.id)[..] else { panic!("{}: in the cloud", account.name) };
        let [(in_the_org, true)] = okta.revoked(&user.id)[..] else { panic!("{}: in the org", account.name) };
        assert!(set.at <= in_the_cloud && set.at <= in_the_org, "{}", account.name);
    }
    assert!(everywhere > 30, "{everywhere} people in all three directories");
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

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_api_token_is_tried_once_and_ends_with_2() {
    let mocks = mocks(Which::Okta).await;
    let stand = mocks.stand();
    std::fs::write(stand.path().join("secrets/okta"), "00wr0ng-t0ken-f0r-sure").expect("written");
    let run = stand.run("run");
    let ended = stand.go(&run).await;
    refused(&ended, &mocks, &run, &[ORG, "api_token_file", "secrets/okta"]);
    let counts = org(&mocks).counts();
    assert_eq!((counts.requests, counts.unauthenticated, counts.token_requests), (1, 1, 0));
    assert!(!ended.stderr.contains("wr0ng-t0ken"), "{}", ended.stderr);
}

/// A new service app signs in by its key, and proves with each request that it has another one.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_app_signs_in_by_its_key_with_proofs_of_possession() {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key").serialize_pem();
    let mut public = SigningKey::from_pem(&key.clone().into(), SigningAlgorithm::Es256).expect("a key").public_jwk();
    public["kid"] = "key-1".into();
    let okta = unhurried(Organisation::new(3, 60)).key(public).dpop();
    // Every scope that a run asks for: otherwise it asks for each by itself, to name those that it lacks.
    let okta = okta.with_scope("okta.clients.read").start().await;
    let mocks = Mocks { ad: None, graph: None, okta: Some(okta.expect("a mock")) };
    let okta = org(&mocks);
    let app = |stand: &Stand, key: &str| {
        std::fs::write(stand.path().join("secrets/app.pem"), key).expect("written");
        let by_key = format!("client_id = \"{}\"\nprivate_key_file = \"secrets/app.pem\"", okta.client_id());
        let text = std::fs::read_to_string(stand.directories()).expect("directories.toml");
        let text =
            text.replace("api_token_file = \"secrets/okta\"", &format!("{by_key}\nkey_id = \"key-1\"\ndpop = true"));
        std::fs::write(stand.directories(), text).expect("written");
    };
    let dry = |stand: &Stand, run: &Path| {
        let mut command = stand.unapproved(run);
        command.arg("--dry-run");
        command
    };

    // The key of somebody else: the assertion is refused, and not tried again.
    let stand = mocks.stand();
    let another = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key").serialize_pem();
    app(&stand, &another);
    let run = stand.run("refused");
    refused(&finish(dry(&stand, &run)).await, &mocks, &run, &[ORG, "private_key_file", "secrets/app.pem"]);
    let counts = okta.counts();
    assert_eq!((counts.tokens, counts.requests, counts.unauthenticated), (0, 0, 1));
    assert!(counts.token_requests <= 2, "one for a nonce, one refused: {counts:?}");

    let stand = mocks.stand();
    app(&stand, &key);
    let run = stand.run("run");
    let ended = finish(dry(&stand, &run)).await;
    let counts = okta.counts();
    assert_eq!((ended.code, counts.tokens, counts.unauthenticated), (Some(0), 1, 1), "{ended:?}");
    assert!(ended.summary()["accounts"]["seen"].as_u64() > Some(40), "{}", ended.stdout);
    mocks.assert_untouched();
}
