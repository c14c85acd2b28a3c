use identity_core::account::{AccountId, DirectoryId};

use super::*;
use crate::matrix::OwnRole;
use crate::privilege::Targets;

const PASSWORDS: [Action; 7] = [
    SET,
    Action::Scramble,
    TEMPORARY,
    Action::ExpirePassword,
    Action::ResetToRecovery { mail: true },
    Action::ResetToRecovery { mail: false },
    Action::SendRecoveryLink,
];
const STATUSES: [&str; 9] = [
    "STAGED",
    "PROVISIONED",
    "ACTIVE",
    "RECOVERY",
    "PASSWORD_EXPIRED",
    "LOCKED_OUT",
    "SUSPENDED",
    "DEPROVISIONED",
    "ACTIVATING",
];

fn account(status: &str) -> Account {
    let id = AccountId::new("00u1").unwrap();
    let mut account = Account::new(DirectoryId::new("okta").unwrap(), id, "jo@acme.example", AccountKind::Person);
    account.attributes.insert("status".into(), status.into());
    account.mail = Some("jo@acme.example".into());
    account
}

fn asked(account: &Account, action: Action, known: &Known) -> Support {
    support(account, action, Circumstances { known, mail_behind_okta: &BTreeSet::new() })
}

/// The letter of an answer: works, instead, cannot.
fn letter(support: &Support) -> char {
    match support {
        Support::Works => 'w',
        Support::Instead { .. } => 'i',
        _ => '-',
    }
}

#[test]
fn each_status_lets_through_what_okta_takes_in_it() {
    let known = Known::default();
    known.note_readiness(&AccountId::new("00u1").unwrap());
    // In the order of STATUSES.
    for (action, expected) in [
        (SET, "--wwww---"),
        (Action::Scramble, "--wwww---"),
        (TEMPORARY, "--wiww---"),
        (Action::SetPassword { must_change: true }, "--iiii---"),
        (Action::SetPasswordChangeAfterMfa, "--iiii---"),
        (Action::ExpirePassword, "--w-ww---"),
        (Action::ResetToRecovery { mail: true }, "--wwww---"),
        (Action::ResetToRecovery { mail: false }, "--wwww---"),
        (Action::SendRecoveryLink, "--w------"),
        (Action::Unlock, "--wwww---"),
        (Action::Disable, "--w-w----"),
        (Action::RevokeSessions, "wwwwwwwww"),
        (Action::ResetAuthenticators, "-wwwwww-w"),
        (Action::FlagCompromised, "---------"),
        (Action::IssueAccessPass, "---------"),
    ] {
        let found: String = STATUSES.iter().map(|status| letter(&asked(&account(status), action, &known))).collect();
        assert_eq!(found, expected, "{action}");
    }
}

#[test]
fn a_password_that_is_checked_elsewhere_is_never_touched_here_and_sessions_are() {
    let known = Known::default();
    for (authority, says) in [
        (PasswordAuthority::OnPrem, "reset it there"),
        (PasswordAuthority::Federated("Acme SAML".into()), "would turn it into one with a password"),
        (PasswordAuthority::Nowhere, "would give it one"),
        (PasswordAuthority::Unknown, "not known where"),
    ] {
        for status in STATUSES {
            let mut account = account(status);
            account.authority = authority.clone();
            for action in PASSWORDS.into_iter().chain([Action::SetPassword { must_change: true }]) {
                match asked(&account, action, &known) {
                    Support::Cannot { because } => assert!(because.contains(says), "{action}: {because}"),
                    other => panic!("{authority:?} {status} {action}: {other:?}"),
                }
            }
            assert_eq!(asked(&account, Action::RevokeSessions, &known), Support::Works, "{authority:?} {status}");
        }
    }
    for (authority, expected) in [
        (PasswordAuthority::OnPrem, '-'),
        (PasswordAuthority::Federated("Acme SAML".into()), '-'),
        (PasswordAuthority::Nowhere, '-'),
        (PasswordAuthority::Unknown, '-'),
        (PasswordAuthority::Here, 'w'),
    ] {
        for status in ["LOCKED_OUT", "ACTIVE"] {
            let mut account = account(status);
            account.authority = authority.clone();
            assert_eq!(letter(&asked(&account, Action::Unlock, &known)), expected, "{authority:?} {status}");
        }
    }
}

#[test]
fn authenticators_are_reset_only_after_somebody_looked_at_them() {
    let (known, account) = (Known::default(), account("ACTIVE"));
    match asked(&account, Action::ResetAuthenticators, &known) {
        Support::Instead { action: Action::RevokeSessions, because } => {
            assert!(because.contains("audit recovery first"));
        }
        other => panic!("{other:?}"),
    }
    known.note_readiness(&AccountId::new("00u2").unwrap());
    assert_eq!(letter(&asked(&account, Action::ResetAuthenticators, &known)), 'i', "of somebody else");
    known.note_readiness(&account.id);
    assert_eq!(asked(&account, Action::ResetAuthenticators, &known), Support::Works);
}

#[test]
fn a_recovery_mail_to_a_mailbox_behind_the_org_is_refused_unless_there_is_another() {
    let known = Known::default();
    let behind = BTreeSet::from(["acme.example".to_owned()]);
    let mail = |mail: Option<&str>, second: Option<&str>| {
        let mut account = account("ACTIVE");
        account.mail = mail.map(str::to_owned);
        account.attributes.extend(second.map(|second| ("secondEmail".to_owned(), second.to_owned())));
        let now = Circumstances { known: &known, mail_behind_okta: &behind };
        assert_eq!(letter(&support(&account, Action::ResetToRecovery { mail: false }, now)), 'w');
        letter(&support(&account, Action::ResetToRecovery { mail: true }, now))
    };
    assert_eq!(mail(Some("jo@ACME.example"), None), '-');
    assert_eq!(mail(Some("jo@acme.example"), Some("")), '-');
    assert_eq!(mail(Some("jo@acme.example"), Some("jo.two@acme.example")), '-');
    assert_eq!(mail(Some("jo@acme.example"), Some("jo@home.example")), 'w');
    assert_eq!(mail(Some("jo@elsewhere.example"), None), 'w');
    assert_eq!(mail(Some("jo@sub.acme.example"), None), 'w');
    assert_eq!(mail(None, None), '-');
}

#[test]
fn a_program_gets_a_password_that_it_need_not_change() {
    let known = Known::default();
    let mut account = account("ACTIVE");
    account.kind = AccountKind::Service;
    for action in [TEMPORARY, Action::SetPassword { must_change: true }] {
        match asked(&account, action, &known) {
            Support::Instead { action: instead, .. } => assert_eq!(instead, SET),
            other => panic!("{action}: {other:?}"),
        }
    }
    for action in [Action::ExpirePassword, Action::ResetToRecovery { mail: false }] {
        assert_eq!(letter(&asked(&account, action, &known)), '-', "{action}");
    }
    assert_eq!(asked(&account, SET, &known), Support::Works);
}

#[test]
fn must_change_becomes_a_temporary_password() {
    match asked(&account("ACTIVE"), Action::SetPassword { must_change: true }, &Known::default()) {
        Support::Instead { action, .. } => assert_eq!(action, TEMPORARY),
        other => panic!("{other:?}"),
    }
}

#[test]
fn who_awaits_recovery_gets_a_new_link_in_the_place_of_a_temporary_password() {
    for action in [TEMPORARY, Action::SetPassword { must_change: true }, Action::SetPasswordChangeAfterMfa] {
        match asked(&account("RECOVERY"), action, &Known::default()) {
            Support::Instead { action, .. } => assert_eq!(action, Action::ResetToRecovery { mail: false }),
            other => panic!("{action}: {other:?}"),
        }
    }
}

#[test]
fn a_procedure_of_its_own_goes_before() {
    let mut account = account("ACTIVE");
    account.procedure = Some("ask the owner".into());
    assert_eq!(asked(&account, SET, &Known::default()), Support::Cannot { because: "ask the owner".into() });
}

#[test]
fn whoever_the_callers_roles_do_not_reach_is_refused_before_the_wire() {
    let known = Known::default();
    known.note_readiness(&AccountId::new("00u1").unwrap());
    let mut other = account("ACTIVE");
    other.id = AccountId::new("00u2").unwrap();
    let admin = account("ACTIVE");
    let plant = |own: Option<&str>| {
        let own = own.map(|role| BTreeSet::from([OwnRole::Standard(role.to_owned())]));
        known.keep_targets(std::sync::Arc::new(Targets::planted([admin.id.clone()], own)));
    };
    for action in [SET, TEMPORARY, Action::RevokeSessions, Action::Disable, Action::ResetAuthenticators] {
        plant(Some("ORG_ADMIN"));
        match asked(&admin, action, &known) {
            Support::Cannot { because } => assert!(because.contains("E0000006"), "{because}"),
            found => panic!("{action}: {found:?}"),
        }
        plant(Some("SUPER_ADMIN"));
        assert_eq!(asked(&admin, action, &known), Support::Works, "{action}");
        plant(None);
        assert_eq!(asked(&admin, action, &known), Support::Works, "{action}: nobody knows");
    }
    plant(Some("HELP_DESK_ADMIN"));
    assert_eq!(asked(&other, SET, &known), Support::Works);
    match asked(&other, Action::Disable, &known) {
        Support::Cannot { because } => assert!(because.contains("no role of the caller"), "{because}"),
        found => panic!("{found:?}"),
    }
}
