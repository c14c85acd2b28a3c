//! Traps of reading: listings that end early, values in parts, identifiers that look like text, answers
//! that cannot be read.

use std::sync::atomic::Ordering;

use futures::TryStreamExt;
use identity_core::account::AccountKind;
use identity_core::directory::{AccountEnumerator, AccountQuery, ForcedReset, PrivilegeClassifier};
use identity_core::error::ErrorKind;
use identity_core::plan::{Disposition, LeftOutReason, PlanRow, PlanSpec};
use identity_core::privilege::Tier;
use identity_core::reset::{Action, Order, Outcome, Secret};
use testkit::mock_ad::MockAd;
use testkit::organisation::{Organisation, Place, Planting, SPECIAL, special};

use crate::client::{connect, list, order};
use crate::server::{Mischief, Server};
use crate::stage::{self, Journey, builder, config, id};

/// Trap 1: pages that end early must not make a small population.
#[tokio::test(flavor = "multi_thread")]
async fn trap_01_a_listing_that_does_not_come_to_its_end_is_an_error() {
    let server = Server::start().await;
    let directory = connect(&server).await;
    assert_eq!(list(&directory).await.expect("four accounts on two pages").len(), 4);
    for (mischief, kind) in [
        (Mischief::CutShort, ErrorKind::Unavailable),
        (Mischief::NoPosition, ErrorKind::Protocol),
        (Mischief::NoStructure, ErrorKind::Protocol),
        (Mischief::TextIsNoText, ErrorKind::Transport),
        (Mischief::HangUp, ErrorKind::Transport),
        (Mischief::NoLdap, ErrorKind::Transport),
    ] {
        server.plays(mischief);
        let error = list(&directory).await.expect_err("not whole");
        assert_eq!(error.kind(), kind, "{mischief:?}: {error:?}");
        server.plays(Mischief::None);
        assert_eq!(list(&directory).await.expect("mended").len(), 4, "{mischief:?}");
    }
}

/// Trap 2: names are what anybody chooses. Classes and identifiers tell what an account is.
#[tokio::test(flavor = "multi_thread")]
async fn trap_02_what_must_not_be_reset_is_told_by_class_and_identifier() {
    use AccountKind::*;
    let mock = builder().start().await.expect("starts");
    // An intruder's account with the name of a connector, and one with that of krbtgt's neighbours.
    let (impostor, lookalike) = (mock.organisation().account(SPECIAL), mock.organisation().account(SPECIAL + 1));
    mock.change(&impostor.guid, |account| account.name = "MSOL_0123456789ab".to_owned()).expect("changed");
    mock.change(&lookalike.guid, |account| account.name = "krbtgt_AzureAD".to_owned()).expect("changed");
    let directory = stage::connect(config(&mock, &[])).await;
    let table = [
        (special::TRUST, Trust),
        (special::GROUP_MANAGED, ManagedService),
        (special::STANDALONE_MANAGED, ManagedService),
        (special::DELEGATED_MANAGED, ManagedService),
        (special::KRBTGT, KerberosTicketGranting),
        (special::KRBTGT_READ_ONLY, KerberosTicketGranting),
        (special::CONTROLLER, Computer),
        (special::SEAMLESS_SIGN_ON, Computer),
        (special::GUEST, BuiltIn),
        (special::DEFAULT_ACCOUNT, BuiltIn),
        (special::SYNC, DirectorySync),
        (special::HEALTH_MAILBOX, Mailbox),
        (special::SERVICE, Service),
        // Renamed: only the identifier tells, and it is reset like a person.
        (special::ADMINISTRATOR, Person),
        (SPECIAL, Service),
        (SPECIAL + 1, Person),
    ];
    let ids: Vec<_> = table.iter().map(|(index, _)| id(&mock, *index)).collect();
    let found = directory.lookup(&ids).await.expect("read");
    for ((index, kind), account) in table.iter().zip(&found) {
        let account = account.as_ref().expect("there");
        assert_eq!(account.kind, *kind, "{index}: {}", account.name);
    }
    let journey = Journey::plan(&directory, &ids, PlanSpec::default()).await;
    for row in journey.plan.rows().expect("rows") {
        match row.expect("a row") {
            PlanRow::LeftOut { id: left, kind, reason, .. } if ids.contains(&left) => {
                assert!(kind.protected_because().is_some() && matches!(reason, LeftOutReason::Protected(_)), "{left}");
            }
            PlanRow::LeftOut { .. } => {}
            PlanRow::Entry(entry) => {
                assert_eq!(entry.kind.protected_because(), None, "{}", entry.name);
                if entry.id == ids[14] {
                    // Not spared: people look at it, and it stays in the report until they did.
                    let Disposition::Manual { procedure, .. } = &entry.disposition else { panic!("{entry:?}") };
                    assert!(procedure.contains("who made it"), "{procedure}");
                }
            }
        }
    }
}

/// Trap 2: where the access list of the domain cannot be read, nobody can tell a real connector from one by
/// name: neither is reset.
#[tokio::test(flavor = "multi_thread")]
async fn trap_02_a_connector_is_protected_where_its_right_cannot_be_read() {
    let mut planting = Planting::default();
    planting.unreadable.push(Place::Domain);
    let mock = MockAd::builder().organisation(Organisation::new(3, 60).with_planting(planting)).start().await;
    let mock = mock.expect("starts");
    let directory = stage::connect(config(&mock, &[])).await;
    let sync = [id(&mock, special::SYNC)];
    let found = directory.lookup(&sync).await.expect("read").remove(0).expect("there");
    assert_eq!(found.kind, AccountKind::DirectorySync);
    assert!(found.procedure.as_deref().is_some_and(|text| text.contains("who made it")), "{:?}", found.procedure);
    let journey = Journey::plan(&directory, &sync, PlanSpec::default()).await;
    let row = journey.plan.rows().expect("rows").map(|row| row.expect("a row")).find(|row| match row {
        PlanRow::LeftOut { id, .. } => *id == sync[0],
        PlanRow::Entry(entry) => entry.id == sync[0],
    });
    let Some(PlanRow::LeftOut { reason: LeftOutReason::Protected(_), .. }) = row else { panic!("{row:?}") };
}

/// Trap 4: `memberOf;range=0-…`, and a server that sends the same part for ever.
#[tokio::test(flavor = "multi_thread")]
async fn trap_04_values_that_come_in_parts_are_all_read() {
    let server = Server::start().await;
    let directory = connect(&server).await;
    server.plays(Mischief::Ranges);
    let accounts = list(&directory).await.expect("whole");
    assert_eq!(accounts[0].groups, ["g0", "g1", "g2"]);
    server.plays(Mischief::SameRange);
    assert_eq!(list(&directory).await.expect_err("no end").kind(), ErrorKind::Protocol);
}

/// Trap 4: 4,000 members come 1,500 at a time; whoever is in the last part is found too.
#[tokio::test(flavor = "multi_thread")]
async fn trap_04_the_last_of_4000_members_is_as_privileged_as_the_first() {
    let mut planting = Planting::default();
    planting.group("Everybody-Admins", &["Domain Admins"]);
    let members: Vec<u64> = (SPECIAL..SPECIAL + 4_000).collect();
    members.iter().for_each(|index| planting.account(*index).groups.push("Everybody-Admins".to_owned()));
    let organisation = Organisation::new(3, 4_200).with_planting(planting);
    let mock = MockAd::builder().organisation(organisation).start().await.expect("starts");
    // Hidden accounts are found by the list of the group alone, not by their own memberOf.
    let hidden: Vec<u64> = [0, 1_499, 1_500, 2_999, 3_000, 3_999].map(|place| members[place]).to_vec();
    hidden.iter().for_each(|index| mock.hide(&mock.organisation().account(*index).guid, true).expect("hidden"));
    let index = stage::connect(config(&mock, &[])).await.privileges().await.expect("an index");
    for member in &members {
        assert_eq!(index.classify(&id(&mock, *member)).tier, Tier::Control, "{member}");
    }
    // They are in the list, and cannot be read: that is said.
    let said = index.incomplete();
    assert!(said.iter().any(|line| line.contains("6 tier-0 accounts") && line.contains("cannot be read")), "{said:?}");
}

/// Trap 5: the bytes of one SID are text by chance, those of another are not; both are SIDs.
#[tokio::test(flavor = "multi_thread")]
async fn trap_05_identifiers_are_bytes_whether_or_not_they_look_like_text() {
    let server = Server::start().await;
    let directory = connect(&server).await;
    server.plays(Mischief::Sids);
    let accounts = list(&directory).await.expect("four accounts");
    let sids: Vec<_> = accounts.iter().map(|account| account.anchors.security_id.as_deref()).collect();
    let text = "S-1-5-21-1684300900-1684300900-1684300900-1684300900";
    let bytes = "S-1-5-21-4294967295-4294967295-4294967295-4294967295";
    assert_eq!(sids, [Some(text), Some(bytes), Some(text), Some(bytes)]);
}

/// Trap 12: a text that is no UTF-8 kills the task that drives the connection; one that ends in NUL is cut.
#[tokio::test(flavor = "multi_thread")]
async fn trap_12_an_answer_that_cannot_be_read_is_unknown_and_the_next_order_goes_on_a_new_connection() {
    for mischief in [Mischief::TextIsNoText, Mischief::NoStructure, Mischief::HangUp, Mischief::NoLdap] {
        let server = Server::start().await;
        let directory = connect(&server).await;
        server.plays(mischief);
        let outcome = directory.apply(&[order()]).await.remove(0);
        assert!(matches!(outcome, Outcome::Unknown(_)), "{mischief:?}: {outcome:?}");
        assert!(!format!("{outcome:?}").contains("planted-secret"));
        server.plays(Mischief::None);
        let outcome = directory.apply(&[order()]).await.remove(0);
        assert!(matches!(outcome, Outcome::Done(_)), "{mischief:?}: {outcome:?}");
        assert_eq!(server.binds.load(Ordering::SeqCst), 2, "{mischief:?}");
    }
}

/// Trap 12: the texts of a controller end in a line break and NUL; neither gets into an error.
#[tokio::test(flavor = "multi_thread")]
async fn trap_12_the_nul_at_the_end_of_a_text_goes_no_further() {
    let mock = builder().start().await.expect("starts");
    let directory = stage::connect(config(&mock, &[])).await;
    let weak = Order::new(id(&mock, special::PLAIN), Action::SetPassword { must_change: false });
    let outcome = directory.apply(&[weak.with_password(Secret::new("a".to_owned()))]).await.remove(0);
    let error = outcome.error().expect("refused");
    assert_eq!(error.kind(), ErrorKind::PasswordRejected);
    assert!(error.detail().contains("0000052D") && !format!("{error} {error:?}").contains('\0'), "{error}");
    let everybody: Vec<_> = directory.accounts(&AccountQuery::everyone()).try_collect().await.expect("listed");
    assert_eq!(everybody.len(), 120);
}
