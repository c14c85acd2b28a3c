//! The promises "only the plan" and "never the protected", and attempts to break them.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::directory::{Fake, account};
use super::*;
use crate::account::{AccountId, PasswordAuthority};
use crate::directory::Support;
use crate::error::ErrorKind;
use crate::plan::ServiceDisposition;
use crate::privilege::Tier;
use crate::reset::Action;

const PROTECTED_KINDS: [AccountKind; 6] = [
    AccountKind::ManagedService,
    AccountKind::Computer,
    AccountKind::Trust,
    AccountKind::KerberosTicketGranting,
    AccountKind::DirectorySync,
    AccountKind::BuiltIn,
];

/// Every kind, the operator, break-glass accounts by every kind of name, and what a backend did not
/// recognise.
fn temptations() -> (Vec<Account>, Vec<String>) {
    let mut accounts: Vec<Account> =
        PROTECTED_KINDS.iter().map(|kind| account(&format!("kind-{kind}"), *kind)).collect();
    for name in ["Operator", "glass-id", "glass-name", "glass-path", "glass-sid", "glass-principal"] {
        accounts.push(account(name, AccountKind::Person));
    }
    for rid in ["501", "502", "503", "504"] {
        let mut account = account(&format!("rid-{rid}"), AccountKind::Person);
        account.anchors.security_id = Some(format!("S-1-5-21-10-20-30-{rid}"));
        accounts.push(account);
    }
    accounts.push(account("KRBTGT", AccountKind::Unknown));
    for account in &mut accounts {
        match account.name.as_str() {
            "glass-sid" => account.anchors.security_id = Some("S-1-5-21-1-2-3-4444".into()),
            "KRBTGT" => account.anchors.security_id = None,
            _ => {}
        }
    }
    let names = accounts.iter().map(|account| account.name.clone()).collect();
    (accounts, names)
}

#[tokio::test]
async fn the_protected_are_left_out_even_when_listed_privileged_and_a_backend_says_it_works() {
    let folder = Folder::new();
    let (tempting, names) = temptations();
    let mut accounts = persons(25);
    accounts.extend(tempting);
    let members: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut fake = Fake::of(accounts).group("Everything", &members);
    for name in &members {
        fake = fake.privileged(name, Tier::Control);
    }
    fake.principal = Some(AccountId::new("ID-OPERATOR").unwrap());
    fake.support = Some(|_, _| Support::Works);
    let spec = everyone()
        .select(Selection::listed(members.iter().copied()))
        .select(Selection::group("corp", "Everything"))
        .with_service(ServiceDisposition::Reset { actions: vec![Action::Scramble] })
        .waive_readiness("a test")
        .protect("corp", "ID-glass-ID")
        .protect("corp", "GLASS-NAME")
        .protect("corp", "cn=glass-path, ou=people, dc=example, dc=test")
        .protect("corp", "s-1-5-21-1-2-3-4444")
        .protect("corp", "glass-principal@EXAMPLE.test");
    let plan = folder.plan(spec, fake).await.unwrap();
    for name in &members {
        assert!(matches!(reason(&plan, name), LeftOutReason::Protected(_)), "{name}");
    }
    assert_eq!(plan.header().counts.protected, members.len() as u64);
    assert_eq!(plan.header().counts.planned, 25);
}

/// An account of any kind in any state; its number decides what the backend answers.
fn any_account() -> impl Strategy<Value = Account> {
    let kinds = prop::sample::select(vec![
        AccountKind::Person,
        AccountKind::Service,
        AccountKind::Mailbox,
        AccountKind::Guest,
        AccountKind::Unknown,
        AccountKind::Computer,
        AccountKind::DirectorySync,
    ]);
    let authorities = prop::sample::select(vec![
        PasswordAuthority::Here,
        PasswordAuthority::Here,
        PasswordAuthority::OnPrem,
        PasswordAuthority::Federated("idp".into()),
        PasswordAuthority::Nowhere,
        PasswordAuthority::Unknown,
    ]);
    (0u32..500, kinds, authorities, any::<[bool; 5]>()).prop_map(|(n, kind, authority, flags)| {
        let mut account = account(&format!("n{n}"), kind);
        account.authority = authority;
        [account.state.enabled, account.state.locked] = [flags[0], flags[1]];
        account.password.never_expires = flags[2];
        account.password.cannot_change = flags[3];
        account.password.smart_card_required = flags[4];
        account
    })
}

const ACTIONS: [Action; 9] = [
    Action::SetPassword { must_change: true },
    Action::SetPassword { must_change: false },
    Action::Scramble,
    Action::SetTemporaryPassword,
    Action::ResetToRecovery { mail: true },
    Action::ResetToRecovery { mail: false },
    Action::ExpirePassword,
    Action::RevokeSessions,
    Action::Disable,
];

/// Answers as wild as a backend's can be, the same each time.
fn wild(account: &Account, action: Action) -> Support {
    let sum = account
        .name
        .bytes()
        .chain([action.rank()])
        .fold(7u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
    match sum % 4 {
        0 => Support::Cannot { because: "no".into() },
        1 => Support::Instead { action: ACTIONS[(sum / 4) as usize % ACTIONS.len()], because: "better".into() },
        _ => Support::Works,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn whatever_the_accounts_and_the_backend_say_no_entry_does_harm(
        accounts in prop::collection::vec(any_account(), 0..60),
        first in prop::sample::select(ACTIONS.to_vec()),
        admins in prop::collection::vec(0u32..500, 0..20),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let folder = Folder::new();
        let mut states: BTreeMap<AccountId, Account> = BTreeMap::new();
        for account in accounts {
            states.insert(account.id.clone(), account);
        }
        let mut fake = Fake::of(states.values().cloned().collect());
        for admin in admins {
            fake = fake.privileged(&format!("n{admin}"), Tier::Management);
        }
        fake.support = Some(wild);
        let mut spec = everyone().with_service(ServiceDisposition::Reset { actions: vec![first, Action::Disable] });
        spec.actions.workforce = vec![first, Action::RevokeSessions];
        // The privileged are never handed to recovery: such a plan is not made.
        let of_privileged = if first.hands_off() { Action::SetPassword { must_change: true } } else { first };
        spec.actions.privileged = vec![Action::RevokeSessions, of_privileged];
        let spec = spec.waive_readiness("a test");
        let plan = runtime.block_on(folder.plan(spec, fake)).unwrap();
        let mut seen = 0;
        for row in rows(&plan) {
            seen += 1;
            let PlanRow::Entry(entry) = row else { continue };
            let account = &states[&entry.id];
            prop_assert!(account.kind.protected_because().is_none());
            let Disposition::Reset { actions } = entry.disposition else { continue };
            prop_assert!(account.kind != AccountKind::Unknown && !actions.is_empty());
            prop_assert!(actions.iter().filter(|action| action.shows_in_password_state()).count() <= 1, "{actions:?}");
            for action in actions {
                let password = action.shows_in_password_state();
                prop_assert!(!password || account.authority == PasswordAuthority::Here, "{account:?} {action}");
                prop_assert!(wild(account, action) == Support::Works, "{account:?} {action}");
                let must_change = action.demands_change();
                let state = &account.password;
                let in_vain = state.never_expires || state.cannot_change || account.kind == AccountKind::Service;
                prop_assert!(!(must_change && in_vain), "{account:?} {action}");
                let recovers = matches!(action, Action::ResetToRecovery { .. });
                let nobody = state.cannot_change || matches!(account.kind, AccountKind::Service | AccountKind::Mailbox);
                prop_assert!(!(recovers && nobody), "{account:?} {action}");
                let told = action.needs_sealing() || action == Action::SetTemporaryPassword || recovers;
                prop_assert!(!(told && state.smart_card_required), "{account:?} {action}");
            }
        }
        prop_assert_eq!(seen, states.len());
    }
}

#[tokio::test]
async fn a_typo_in_the_break_glass_list_stops_the_plan_and_is_named() {
    let folder = Folder::new();
    let spec = everyone().protect("corp", "CN=breakglas,DC=x").protect("corp", "p1").protect("corp", "nobody");
    let error = folder.plan(spec, Fake::of(persons(3))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InputInvalid);
    for part in ["CN=breakglas,DC=x", "\"nobody\"", "protected"] {
        assert!(error.to_string().contains(part), "{error}");
    }
    assert!(!error.to_string().contains("\"p1\""));
    assert!(folder.names().is_empty(), "nothing is written, nothing stays behind");
}

#[tokio::test]
async fn a_list_with_a_name_that_fits_nobody_or_several_makes_no_plan() {
    let folder = Folder::new();
    let mut accounts = persons(3);
    accounts[1].anchors.principal_name = Some("p0".into());
    let spec =
        PlanSpec::default().select(Selection::listed(["p0", "p2", "ghost"])).exclude(Selection::listed(["gone"]));
    let error = folder.plan(spec, Fake::of(accounts)).await.unwrap_err();
    for part in ["\"p0\" names 2 accounts", "\"ghost\" names no account", "excluded \"gone\" names no account"] {
        assert!(error.to_string().contains(part), "{error}");
    }
    assert!(folder.names().is_empty());
}

#[tokio::test]
async fn a_principal_that_was_not_seen_is_a_warning() {
    let folder = Folder::new();
    let mut fake = Fake::of(persons(3));
    fake.principal = Some(AccountId::new("an-app").unwrap());
    let plan = folder.plan(everyone(), fake).await.unwrap();
    assert!(plan.header().warnings[0].contains("an-app"));
}

#[tokio::test]
async fn every_account_is_in_exactly_one_row() {
    let folder = Folder::new();
    let (mut accounts, _) = temptations();
    accounts.extend(persons(1_300));
    let mut expected: Vec<AccountId> = accounts.iter().map(|account| account.id.clone()).collect();
    accounts.extend(accounts.clone());
    let spec = PlanSpec::default().select(Selection::group("corp", "G")).select(Selection::listed(["p700"]));
    let plan = folder.plan(spec, Fake::of(accounts).group("G", &["p1", "p2", "KRBTGT"])).await.unwrap();
    let mut found: Vec<AccountId> = rows(&plan)
        .into_iter()
        .map(|row| match row {
            PlanRow::Entry(entry) => entry.id,
            PlanRow::LeftOut { id, .. } => id,
        })
        .collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    let counts = plan.header().counts;
    assert_eq!(counts.seen, counts.planned + counts.manual + counts.left_out);
    assert_eq!((counts.seen, counts.planned), (expected.len() as u64, 3));
}
