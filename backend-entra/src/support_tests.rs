use std::collections::BTreeSet;
use std::sync::Arc;

use identity_core::account::{AccountId, DirectoryId};

use super::*;
use crate::matrix::{Caller, OwnRole, Target};
use crate::privilege::Targets;

const ID: &str = "00000000-0000-4000-8000-000000000001";
const MFA: Action = Action::SetPasswordChangeAfterMfa;
const GLOBAL: &str = "62e90394-69f5-4237-9190-012177145e10";

fn account(kind: AccountKind, authority: PasswordAuthority) -> Account {
    let id = AccountId::new(ID).expect("id");
    let mut account = Account::new(DirectoryId::new("cloud").expect("id"), id, "x@contoso.example", kind);
    account.authority = authority;
    account
}

fn person() -> Account {
    account(AccountKind::Person, PasswordAuthority::Here)
}

fn said(account: &Account, action: Action, known: &Known) -> String {
    match support(account, action, known) {
        Support::Works => "works".to_owned(),
        Support::Instead { action, because } => {
            assert!(!because.is_empty());
            format!("instead {action}")
        }
        Support::Cannot { because } => {
            assert!(because.len() > 20, "{because}");
            "cannot".to_owned()
        }
        _ => "?".to_owned(),
    }
}

fn known(own: &[OwnRole], target: Target) -> Known {
    let known = Known::default();
    let own: BTreeSet<OwnRole> = own.iter().cloned().collect();
    known.keep_targets(Arc::new(Targets::planted(AccountId::new(ID).expect("id"), target, Some(own))));
    known
}

fn everywhere(caller: Caller) -> OwnRole {
    OwnRole { caller, unit: None }
}

#[test]
fn what_works_by_kind_and_by_where_the_password_is() {
    use AccountKind::{DirectorySync, Guest, Mailbox, Person, Service};
    use PasswordAuthority::{Federated, Here, Nowhere, OnPrem, Unknown};
    let federated = || Federated("adfs.contoso.example".into());
    let nothing = Known::default();
    // set, set with change, scramble, expire, disable, revoke, methods, pass, flag
    for (kind, authority, expected) in [
        (Person, Here, "w w w w w w w w w"),
        (Mailbox, Here, "w w w w w w w w w"),
        (Person, OnPrem, "c c c c c w w w w"),
        (Person, federated(), "c c c c w w w w w"),
        (Person, Nowhere, "c c c c w w w w w"),
        (Person, Unknown, "c c c c w w w w w"),
        (Guest, Unknown, "c c c c w c w c c"),
        (Guest, Here, "c c c c w c w c c"),
        (DirectorySync, Here, "c c c c w w w c w"),
        (Service, Here, "w i w c w w w w w"),
    ] {
        let account = account(kind, authority.clone());
        let actions = [
            SET,
            MUST,
            Action::Scramble,
            Action::ExpirePassword,
            Action::Disable,
            Action::RevokeSessions,
            Action::ResetAuthenticators,
            Action::IssueAccessPass,
            Action::FlagCompromised,
        ];
        for (action, expected) in actions.into_iter().zip(expected.split(' ')) {
            let said = said(&account, action, &nothing);
            assert!(said.starts_with(expected), "{kind} {authority:?} {action}: {said}");
        }
        for action in [Action::Unlock, Action::SendRecoveryLink] {
            assert_eq!(said(&account, action, &nothing), "cannot");
        }
    }
}

#[test]
fn a_change_after_a_second_factor_only_where_there_is_one() {
    let known = Known::default();
    assert_eq!(said(&person(), MFA, &known), "instead set_password_must_change", "nobody looked");
    known.note_mfa(&person().id, true);
    assert_eq!(said(&person(), MFA, &known), "works");
    known.note_mfa(&person().id, false);
    assert_eq!(said(&person(), MFA, &known), "instead set_password_must_change");
    assert_eq!(said(&account(AccountKind::Person, PasswordAuthority::OnPrem), MFA, &known), "cannot");
}

#[test]
fn where_no_password_is_made_ours_takes_its_place_where_the_roles_reach() {
    let nothing = Known::default();
    let temporary = |account: &Account, known: &Known| said(account, Action::SetTemporaryPassword, known);
    assert_eq!(temporary(&person(), &nothing), "instead set_password_must_change");
    assert_eq!(temporary(&account(AccountKind::Service, PasswordAuthority::Here), &nothing), "instead set_password");
    assert_eq!(temporary(&account(AccountKind::Person, PasswordAuthority::OnPrem), &nothing), "cannot");
    let admin = Target { roles: [GLOBAL.to_owned()].into(), ..Target::default() };
    assert_eq!(temporary(&person(), &known(&[everywhere(Caller::Helpdesk)], admin)), "cannot");
}

#[test]
fn what_is_put_in_place_works_itself() {
    let known = Known::default();
    for kind in [AccountKind::Person, AccountKind::Service, AccountKind::Mailbox] {
        let account = account(kind, PasswordAuthority::Here);
        for action in Action::ALL {
            if let Support::Instead { action: other, .. } = support(&account, action, &known) {
                let again = support(&account, other, &known);
                let settles = matches!(&again, Support::Works)
                    || matches!(&again, Support::Instead { action, .. } if support(&account, *action, &known) == Support::Works);
                assert!(settles, "{kind} {action} {other}");
            }
        }
    }
}

#[test]
fn accounts_with_a_procedure_are_left_to_it() {
    let mut agent = person();
    agent.procedure = Some("an agent's account: its owner renews it".into());
    match support(&agent, MUST, &Known::default()) {
        Support::Cannot { because } => assert!(because.contains("an agent's account")),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_account_that_outranks_the_app_is_refused_before_it_is_sent() {
    let admin = || Target { roles: [GLOBAL.to_owned()].into(), ..Target::default() };
    for (own, password, disable) in [
        (vec![], "cannot", "cannot"),
        (vec![everywhere(Caller::User)], "cannot", "cannot"),
        (vec![everywhere(Caller::PrivilegedAuthentication)], "works", "works"),
        (vec![everywhere(Caller::User), everywhere(Caller::Global)], "works", "works"),
    ] {
        let known = known(&own, admin());
        for action in [SET, MUST, Action::Scramble, Action::ExpirePassword] {
            assert_eq!(said(&person(), action, &known), password, "{own:?} {action}");
        }
        assert_eq!(said(&person(), Action::Disable, &known), disable, "{own:?}");
        // Not told by any source: tried.
        assert_eq!(said(&person(), Action::RevokeSessions, &known), "works");
        assert_eq!(said(&person(), Action::ResetAuthenticators, &known), "works");
    }
    // What would be put in the place of another action is refused, too.
    assert_eq!(said(&person(), MFA, &known(&[everywhere(Caller::User)], admin())), "cannot");
}

#[test]
fn ordinary_accounts_are_tried_where_it_is_told_both_ways() {
    let ordinary = Target::default;
    assert_eq!(said(&person(), MUST, &known(&[], ordinary())), "works", "no role: told both ways");
    assert_eq!(said(&person(), MUST, &known(&[everywhere(Caller::Helpdesk)], ordinary())), "works");
    assert_eq!(said(&person(), Action::Disable, &known(&[everywhere(Caller::Helpdesk)], ordinary())), "cannot");
    let scoped = [OwnRole { caller: Caller::User, unit: Some("paris".into()) }];
    assert_eq!(said(&person(), MUST, &known(&scoped, ordinary())), "cannot");
    let in_paris = Target { units: ["paris".to_owned()].into(), ..Target::default() };
    assert_eq!(said(&person(), MUST, &known(&scoped, in_paris)), "works");
    // Nobody knows which service principal the app is.
    let unknown = Known::default();
    let admin = Target { roles: [GLOBAL.to_owned()].into(), ..Target::default() };
    unknown.keep_targets(Arc::new(Targets::planted(person().id, admin, None)));
    assert_eq!(said(&person(), MUST, &unknown), "works");
}

#[test]
fn a_restricted_unit_is_named() {
    let inside = Target {
        units: ["vault".to_owned()].into(),
        restricted_units: ["vault".to_owned()].into(),
        ..Target::default()
    };
    for own in [vec![], vec![everywhere(Caller::Global)]] {
        for action in [MUST, Action::ResetAuthenticators, Action::IssueAccessPass] {
            match support(&person(), action, &known(&own, inside.clone())) {
                Support::Cannot { because } => {
                    assert!(because.contains("restricted administrative unit (vault)"), "{action:?}: {because}");
                }
                other => panic!("{action:?}: {other:?}"),
            }
        }
        assert_eq!(said(&person(), Action::RevokeSessions, &known(&own, inside.clone())), "works");
    }
    let scoped = [OwnRole { caller: Caller::Authentication, unit: Some("vault".into()) }];
    for action in [MUST, Action::ResetAuthenticators] {
        assert_eq!(said(&person(), action, &known(&scoped, inside.clone())), "works");
    }
}
