use super::*;
use crate::account::{AccountId, DirectoryId};

const SET: Action = Action::SetPassword { must_change: false };
const MUST: Action = Action::SetPassword { must_change: true };
const BY_MAIL: Action = Action::ResetToRecovery { mail: true };

fn account() -> Account {
    Account::new(DirectoryId::new("corp").unwrap(), AccountId::new("1").unwrap(), "a", AccountKind::Person)
}

fn actions(account: &Account, asked: &[Action], support: &dyn Fn(Action) -> Support) -> Vec<Action> {
    match choose(account, asked, support).disposition {
        Ok(Disposition::Reset { actions }) => actions,
        other => panic!("{other:?}"),
    }
}

fn works(_: Action) -> Support {
    Support::Works
}

fn cannot(_: Action) -> Support {
    Support::Cannot { because: "it cannot".to_owned() }
}

#[test]
fn what_would_lock_out_or_do_nothing_is_replaced_even_where_the_backend_says_it_works() {
    let mut flags = [account(), account(), account()];
    flags[0].password.never_expires = true;
    flags[1].password.cannot_change = true;
    flags[2].kind = AccountKind::Service;
    for account in &flags {
        for asked in [MUST, Action::ExpirePassword, Action::SetTemporaryPassword] {
            let chosen = choose(account, &[asked], &works);
            assert_eq!(chosen.disposition, Ok(Disposition::Reset { actions: vec![SET] }));
            assert_eq!(chosen.notes.len(), 1);
        }
    }
    let mut card = account();
    card.password.smart_card_required = true;
    for asked in [MUST, SET, Action::ExpirePassword, Action::Scramble, Action::SetTemporaryPassword, BY_MAIL] {
        assert_eq!(actions(&card, &[asked], &works), [Action::Scramble]);
    }
}

#[test]
fn twice_is_a_scramble_first_and_only_where_two_sets_can_be_told_from_one() {
    let versions = Capabilities { observe_version: true, ..Capabilities::default() };
    let twice = |account: &Account, asked: &[Action], can| {
        let mut chosen = choose(account, asked, &works);
        set_twice(&mut chosen, can, &works);
        match chosen.disposition {
            Ok(Disposition::Reset { actions }) => actions,
            other => panic!("{other:?}"),
        }
    };
    let asked = [Action::RevokeSessions, MUST, Action::Disable];
    let found = twice(&account(), &asked, versions);
    assert_eq!(found, [Action::Disable, Action::Scramble, MUST, Action::RevokeSessions]);
    assert!(!contradict(&found));
    assert_eq!(twice(&account(), &[MUST], Capabilities::default()), [MUST]);
    assert_eq!(twice(&account(), &[Action::Scramble], versions), [Action::Scramble]);
    assert!(contradict(&[MUST, Action::Scramble]) && contradict(&[Action::Scramble, MUST, SET]));
}

#[test]
fn whoever_cannot_come_back_by_recovery_gets_a_password() {
    let mut out = [account(), account(), account()];
    out[0].password.cannot_change = true;
    out[1].kind = AccountKind::Service;
    out[2].kind = AccountKind::Mailbox;
    for account in &out {
        for mail in [true, false] {
            assert_eq!(actions(account, &[Action::ResetToRecovery { mail }], &works), [SET]);
        }
    }
    let mut ageless = account();
    ageless.password.never_expires = true;
    assert_eq!(actions(&ageless, &[BY_MAIL], &works), [BY_MAIL], "a link works whatever the age");
}

#[test]
fn a_password_of_the_directorys_own_is_the_only_password_action_and_contains() {
    for own in [Action::SetTemporaryPassword, BY_MAIL, Action::ResetToRecovery { mail: false }] {
        for other in [SET, MUST, Action::Scramble, Action::ExpirePassword, Action::SetTemporaryPassword] {
            assert_eq!(contradict(&[own, other]), own != other || own == Action::SetTemporaryPassword);
            assert!(contradict(&[other, own]), "{other} {own}");
            let chosen = choose(&account(), &[own, other], &works);
            let Ok(Disposition::Reset { actions }) = &chosen.disposition else { panic!("{chosen:?}") };
            assert_eq!(actions.len(), 1, "{own} {other}");
        }
        let mut chosen = choose(&account(), &[own, Action::RevokeSessions], &works);
        assert_eq!(chosen.disposition, Ok(Disposition::Reset { actions: vec![own, Action::RevokeSessions] }));
        assert!(chosen.notes.is_empty(), "{chosen:?}");
        set_twice(&mut chosen, Capabilities { observe_version: true, ..Capabilities::default() }, &works);
        assert_eq!(chosen.disposition, Ok(Disposition::Reset { actions: vec![own, Action::RevokeSessions] }));
    }
    let mut locked = account();
    locked.state.locked = true;
    let temporary = Action::SetTemporaryPassword;
    assert_eq!(actions(&locked, &[temporary], &works), [temporary, Action::Unlock]);
    assert_eq!(actions(&locked, &[BY_MAIL], &works), [BY_MAIL], "whoever comes back by recovery is not locked out");
}

#[test]
fn a_directory_that_makes_no_passwords_gives_ours_with_a_note_and_says_what_is_in_the_way() {
    let temporary = Action::SetTemporaryPassword;
    let makes_none = |action: Action| match action {
        Action::SetTemporaryPassword => Support::without_temporary(Support::Works),
        _ => Support::Works,
    };
    let chosen = choose(&account(), &[temporary, Action::RevokeSessions], &makes_none);
    assert_eq!(chosen.disposition, Ok(Disposition::Reset { actions: vec![MUST, Action::RevokeSessions] }));
    assert!(chosen.notes[0].starts_with("set_temporary_password replaced by set_password_must_change: the directory"));
    assert_eq!(Support::without_temporary(Support::instead(SET, "a")), Support::instead(SET, "a"));
    assert_eq!(Support::without_temporary(Support::cannot("a")), Support::cannot("a"));
}

#[test]
fn the_order_is_that_of_containment_and_each_action_comes_once() {
    let asked = [Action::RevokeSessions, MUST, Action::Disable, MUST, Action::RevokeSessions];
    assert_eq!(actions(&account(), &asked, &works), [Action::Disable, MUST, Action::RevokeSessions]);
}

#[test]
fn a_replacement_is_asked_about_again_and_never_for_ever() {
    let circle = |action| match action {
        MUST => Support::Instead { action: Action::Scramble, because: "a".into() },
        Action::Scramble => Support::Instead { action: MUST, because: "b".into() },
        _ => Support::Works,
    };
    assert_eq!(actions(&account(), &[MUST, Action::RevokeSessions], &circle), [Action::RevokeSessions]);
    let to_harm = |action| match action {
        SET => Support::Instead { action: MUST, because: "a".into() },
        _ => Support::Works,
    };
    let mut fixed = account();
    fixed.password.cannot_change = true;
    let chosen = choose(&fixed, &[SET], &to_harm);
    assert!(matches!(chosen.disposition, Ok(Disposition::Manual { .. })), "{chosen:?}");
}

#[test]
fn a_password_that_is_mastered_elsewhere_is_not_touched_here() {
    for authority in [
        PasswordAuthority::OnPrem,
        PasswordAuthority::Federated("idp".into()),
        PasswordAuthority::Unknown,
        PasswordAuthority::Nowhere,
    ] {
        let mut account = account();
        account.authority = authority.clone();
        account.state.locked = true;
        let all = [MUST, Action::SendRecoveryLink, Action::RevokeSessions];
        for own in [Action::SetTemporaryPassword, BY_MAIL, Action::ResetToRecovery { mail: false }] {
            assert_eq!(actions(&account, &[own, Action::RevokeSessions], &works), [Action::RevokeSessions]);
        }
        assert_eq!(actions(&account, &all, &works), [Action::RevokeSessions]);
        let sneaky = |action| match action {
            Action::RevokeSessions => Support::Instead { action: SET, because: "try".into() },
            _ => Support::Works,
        };
        let left = choose(&account, &all, &sneaky).disposition.unwrap_err();
        let nowhere = authority == PasswordAuthority::Nowhere;
        assert_eq!(matches!(left, LeftOutReason::NothingWorks(_)), nowhere, "{left:?}");
        assert_eq!(matches!(left, LeftOutReason::MasteredElsewhere(_)), !nowhere, "{left:?}");
    }
}

#[test]
fn what_contains_nothing_is_said_to() {
    let chosen = choose(&account(), &[Action::ExpirePassword], &works);
    assert_eq!(chosen.notes, [DOES_NOT_CONTAIN]);
    let chosen = choose(&account(), &[Action::RevokeSessions], &works);
    assert_eq!(chosen.notes, [PASSWORD_STAYS]);
    // Asked to contain, and only something else works: people do it.
    let only_flag = |action| if action == Action::FlagCompromised { Support::Works } else { cannot(action) };
    let chosen = choose(&account(), &[MUST, Action::FlagCompromised], &only_flag);
    assert!(matches!(chosen.disposition, Ok(Disposition::Manual { .. })));
    let chosen = choose(&account(), &[Action::ExpirePassword], &cannot);
    assert!(matches!(chosen.disposition, Err(LeftOutReason::NothingWorks(_))));
}

#[test]
fn the_accounts_own_password_policy_is_told_where_a_password_is_set() {
    let mut strict = account();
    strict.password_policy = Some("Strict: at least 30 characters".to_owned());
    assert_eq!(
        choose(&strict, &[SET], &works).notes,
        ["under a password policy of its own, Strict: at least 30 characters"]
    );
    assert_eq!(choose(&strict, &[Action::ExpirePassword], &works).notes, [DOES_NOT_CONTAIN]);
}

#[test]
fn a_locked_account_is_unlocked_after_its_new_password_where_that_works() {
    let mut locked = account();
    locked.state.locked = true;
    assert_eq!(actions(&locked, &[MUST], &works), [MUST, Action::Unlock]);
    assert_eq!(actions(&locked, &[Action::RevokeSessions], &works), [Action::RevokeSessions]);
    let no_unlock = |action| if action == Action::Unlock { cannot(action) } else { Support::Works };
    let chosen = choose(&locked, &[MUST], &no_unlock);
    assert_eq!(chosen.disposition, Ok(Disposition::Reset { actions: vec![MUST] }));
    assert!(chosen.notes[0].contains("stays so"));
}
