//! Faults of the mock: what the peer sees, and what the directory really did.

use std::collections::HashSet;
use std::time::Duration;

use crate::client::{Client, quoted, set_password};
use futures::future::join_all;
use jiff::SignedDuration;
use ldap3::adapters::{Adapter, EntriesOnly, PagedResults};
use ldap3::{LdapError, Mod, Scope};
use testkit::fault::{Fault, FaultScript, When};
use testkit::mock_ad::MockAd;
use testkit::organisation::{Organisation, special};

const GOOD: &str = "Correct7horse-battery!";

async fn mock(script: FaultScript) -> MockAd {
    MockAd::builder().organisation(Organisation::new(3, 300)).faults(script).start().await.unwrap()
}

fn dn(mock: &MockAd, index: u64) -> String {
    mock.organisation().account(index).dn(&mock.base())
}

fn mods(password: &str) -> Vec<Mod<Vec<u8>>> {
    vec![Mod::Replace(b"unicodePwd".to_vec(), HashSet::from([quoted(password)]))]
}

#[tokio::test]
async fn a_cut_connection_leaves_the_account_as_the_fault_says() {
    for (fault, applied) in [(Fault::CutBeforeApply, 0), (Fault::CutAfterApply, 1), (Fault::CutMidAnswer, 1)] {
        let mock = mock(FaultScript::new(1).rule(When::write().nth(2), fault.clone())).await;
        let account = mock.organisation().account(special::UMLAUT).guid;
        let mut client = Client::bound(&mock).await;
        assert_eq!(
            set_password(&mut client.ldap, &dn(&mock, special::ORDINARY), GOOD).await.0,
            0,
            "the first is answered"
        );
        let lost = client.ldap.modify(&dn(&mock, special::UMLAUT), mods(GOOD)).await;
        assert!(matches!(lost, Err(LdapError::ResultRecv { .. })), "{fault:?}: {lost:?}");
        assert_eq!(mock.sets(&account).len(), applied, "{fault:?}");
        assert_eq!(mock.password_matches(&account, GOOD), applied == 1);
        let mut again = Client::bound(&mock).await;
        assert_eq!(set_password(&mut again.ldap, &dn(&mock, special::UMLAUT), GOOD).await.0, 0);
        assert_eq!(mock.sets(&account).len(), applied + 1);
        assert_eq!(mock.counts().faults, 1);
    }
}

#[tokio::test]
async fn an_operation_that_is_never_answered_leaves_the_connection_usable() {
    for (fault, applied) in [(Fault::NeverAnswer, true), (Fault::Swallow, false)] {
        let mock = mock(FaultScript::new(1).rule(When::write().nth(1), fault)).await;
        let account = mock.organisation().account(special::ORDINARY).guid;
        let mut client = Client::bound(&mock).await;
        let timed = client.ldap.with_timeout(Duration::from_millis(100));
        let lost = timed.modify(&dn(&mock, special::ORDINARY), mods(GOOD)).await;
        assert!(matches!(lost, Err(LdapError::Timeout { .. })), "{lost:?}");
        assert_eq!(mock.password_matches(&account, GOOD), applied);
        assert_eq!(set_password(&mut client.ldap, &dn(&mock, special::UMLAUT), GOOD).await.0, 0);
        assert_eq!(mock.counts().in_flight, 0);
    }
}

#[tokio::test]
async fn refusals_are_made_as_often_as_the_script_says() {
    let umlaut = Organisation::new(3, 300).account(special::UMLAUT).guid.to_string();
    let mock = mock(
        FaultScript::new(1)
            .rule(When::write().on(umlaut).times(2), Fault::RefusePassword)
            .rule(When::write().nth(4), Fault::Busy)
            .rule(When::write().nth(5), Fault::Unavailable)
            .rule(When::write().nth(6), Fault::Forbid),
    )
    .await;
    let mut client = Client::bound(&mock).await;
    let target = dn(&mock, special::UMLAUT);
    let mut codes = Vec::new();
    for _ in 0..7 {
        let (rc, text) = set_password(&mut client.ldap, &target, GOOD).await;
        codes.push((rc, text.chars().take(8).collect::<String>()));
    }
    let codes: Vec<(u32, &str)> = codes.iter().map(|(rc, text)| (*rc, text.as_str())).collect();
    let (weak, none) = ((53, "0000052D"), (0, ""));
    assert_eq!(codes, [weak, weak, none, (51, "000020EE"), (52, "00002095"), (50, "00002098"), none]);
    assert_eq!(mock.record().len(), 2);
}

#[tokio::test]
async fn a_page_that_ends_early_is_an_error_to_whoever_looks() {
    let mock = mock(FaultScript::new(1).rule(When::read().nth(2), Fault::TruncatedPage)).await;
    let mut client = Client::bound(&mock).await;
    let adapters: Vec<Box<dyn Adapter<'_, _, _>>> = vec![Box::new(EntriesOnly::new()), Box::new(PagedResults::new(50))];
    let base = mock.base();
    let search =
        client.ldap.streaming_search_with(adapters, &base, Scope::Subtree, "(sAMAccountType=805306368)", ["cn"]);
    let mut stream = search.await.unwrap();
    let mut rows = 0;
    while stream.next().await.unwrap().is_some() {
        rows += 1;
    }
    assert_eq!((rows, stream.finish().await.rc), (75, 4), "the stream itself ends as if it were complete");
}

#[tokio::test]
async fn answers_overtake_each_other() {
    let script = FaultScript::new(1)
        .rule(When::write().nth(1), Fault::Overtaken)
        .rule(When::write().nth(3), Fault::Slow(Duration::from_secs(1)));
    let mock = mock(script).await;
    let client = Client::bound(&mock).await;
    let (order, mut seen) = tokio::sync::mpsc::unbounded_channel();
    let send = |index: u64| {
        let (mut ldap, dn, order) = (client.ldap.clone(), dn(&mock, index), order.clone());
        async move {
            assert_eq!(set_password(&mut ldap, &dn, GOOD).await.0, 0);
            order.send(index).unwrap();
        }
    };
    let first = tokio::spawn(send(special::ORDINARY));
    while mock.counts().modifies < 1 {
        tokio::task::yield_now().await;
    }
    assert!(seen.try_recv().is_err(), "applied, and not answered");
    tokio::join!(send(special::UMLAUT), async { first.await.unwrap() });
    let both = HashSet::from([seen.recv().await.unwrap(), seen.recv().await.unwrap()]);
    assert_eq!(both, HashSet::from([special::UMLAUT, special::ORDINARY]), "the second answer let the first one go");
    let slow = tokio::spawn(send(special::CHINESE));
    while mock.counts().requests < 4 {
        tokio::task::yield_now().await;
    }
    send(special::COMMA).await;
    slow.await.unwrap();
    assert_eq!([seen.recv().await, seen.recv().await], [Some(special::COMMA), Some(special::CHINESE)]);
}

#[tokio::test]
async fn a_notice_of_disconnection_and_a_garbled_message_end_the_clients_connection_but_not_the_mock() {
    for fault in [Fault::NoticeOfDisconnection, Fault::GarbledMessage] {
        let mock = mock(FaultScript::new(1).rule(When::write().nth(1), fault.clone())).await;
        let mut client = Client::bound(&mock).await;
        // This client panics on a message that is not text; the panic stays in the task that asks.
        let (mut ldap, target) = (client.ldap.clone(), dn(&mock, special::ORDINARY));
        let asked = tokio::spawn(async move { ldap.modify(&target, mods(GOOD)).await.map(|result| result.rc) }).await;
        assert!(!matches!(asked, Ok(Ok(0))), "{fault:?}: {asked:?}");
        client = Client::bound(&mock).await;
        assert_eq!(set_password(&mut client.ldap, &dn(&mock, special::ORDINARY), GOOD).await.0, 0);
        assert_eq!(mock.record().len(), 1);
    }
}

#[tokio::test]
async fn the_directorys_clock_can_be_wrong() {
    let hours = SignedDuration::from_hours(3);
    let mock = mock(FaultScript::new(1).clock_skew(hours)).await;
    let account = mock.organisation().account(special::ORDINARY).guid;
    let mut client = Client::bound(&mock).await;
    let before = identity_core::limits::clock::now();
    assert_eq!(set_password(&mut client.ldap, &dn(&mock, special::ORDINARY), GOOD).await.0, 0);
    let set = mock.observe(&account).unwrap().1.last_set.unwrap();
    assert!(set.duration_since(before) > SignedDuration::from_mins(179));
    let found =
        client.ldap.search("", Scope::Base, "(objectClass=*)", ["currentTime"]).await.unwrap().success().unwrap();
    let entry = ldap3::SearchEntry::construct(found.0.into_iter().next().unwrap());
    assert_eq!(crate::client::text(&entry, "currentTime")[..11], set.strftime("%Y%m%d%H%M%S").to_string()[..11]);
}

#[tokio::test]
async fn latency_overlaps_up_to_the_number_of_workers() {
    let builder = MockAd::builder().organisation(Organisation::new(3, 300)).latency(Duration::from_millis(30));
    let mock = builder.workers(4).start().await.unwrap();
    let client = Client::bound(&mock).await;
    let begun = identity_core::limits::clock::instant();
    let sets = (60..92).map(|index| {
        let (mut ldap, dn) = (client.ldap.clone(), format!("<GUID={}>", mock.organisation().account(index).guid));
        async move { set_password(&mut ldap, &dn, "Zq7-notanamehere-99").await }
    });
    join_all(sets).await;
    // Eight rounds of four; one at a time would take four times as long.
    assert!(begun.elapsed() >= Duration::from_millis(8 * 30));
    assert!(mock.counts().most_in_flight > 4, "the others wait on the same connection");
    assert_eq!(mock.counts().in_flight, 0);
}

#[tokio::test]
async fn an_outage_cuts_everybody_and_ends() {
    let mock = mock(FaultScript::default()).await;
    let mut client = Client::bound(&mock).await;
    mock.refuse_connections(true);
    mock.cut_connections();
    assert!(client.ldap.simple_bind(&mock.bind_dn(), "x").await.is_err());
    assert!(client.driver.await.is_ok());
    mock.refuse_connections(false);
    let mut client = Client::bound(&mock).await;
    assert_eq!(set_password(&mut client.ldap, &dn(&mock, special::ORDINARY), GOOD).await.0, 0);
    let url = mock.url();
    mock.shutdown().await;
    assert!(ldap3::LdapConnAsync::new(&url).await.is_err());
}

#[tokio::test]
async fn what_happens_behind_the_runs_back_shows_over_the_wire() {
    let mock = mock(FaultScript::default()).await;
    let account = mock.organisation().account(special::ORDINARY);
    let mut client = Client::bound(&mock).await;
    mock.change(&account.guid, |account| {
        account.cn = "Renamed, Person".into();
        account.unit = "OU=Administration,OU=Corp".into();
        account.uac |= testkit::organisation::uac::DISABLED;
    })
    .unwrap();
    let by_guid = format!("<GUID={}>", account.guid);
    let entry = client.read(&by_guid, &["userAccountControl", "distinguishedName"]).await;
    assert_eq!(crate::client::text(&entry, "userAccountControl"), "514");
    assert!(entry.dn.starts_with("CN=Renamed\\, Person,OU=Administration,"));
    assert_eq!(set_password(&mut client.ldap, &account.dn(&mock.base()), GOOD).await.0, 32, "the old name is gone");
    assert_eq!(set_password(&mut client.ldap, &by_guid, GOOD).await.0, 0);
    mock.set_password(&account.guid, "Anything-goes-1").unwrap();
    assert!(mock.password_matches(&account.guid, "Anything-goes-1"));
    assert_eq!(mock.sets(&account.guid).iter().map(|set| set.by_administrator).collect::<Vec<_>>(), [true, false]);
}
