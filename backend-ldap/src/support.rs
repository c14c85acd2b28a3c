//! Which actions work on which account: what AD accepts and then does not do, or what harms, is
//! replaced or refused before anything is sent.

use identity_core::account::{Account, AccountKind};
use identity_core::directory::Support;
use identity_core::reset::Action;

const SET: Action = Action::SetPassword { must_change: false };
const MUST: Action = Action::SetPassword { must_change: true };

/// What AD does to this account with this action.
pub(crate) fn support(account: &Account, action: Action) -> Support {
    match action {
        Action::SetPassword { .. } | Action::Scramble | Action::ExpirePassword => on_password(account, action),
        Action::SetTemporaryPassword => Support::without_temporary(on_password(account, MUST)),
        Action::Disable | Action::Unlock => Support::Works,
        Action::RevokeSessions => Support::cannot(
            "on-prem Active Directory cannot end sessions: tickets that were issued live on, up to 10 hours by default; \
             disable the account to stop new ones, and sign people out of the machines",
        ),
        Action::SendRecoveryLink => Support::cannot(
            "Active Directory sends nothing: hand the new password over, or use the cloud directory's self-service",
        ),
        Action::ResetAuthenticators => Support::cannot(
            "Active Directory keeps no such list: revoke certificates at the authority, and clear msDS-KeyCredentialLink by hand",
        ),
        Action::FlagCompromised => {
            Support::cannot("Active Directory has no risk state: flag the account in the cloud directory")
        }
        _ => Support::cannot("Active Directory has no such operation"),
    }
}

fn on_password(account: &Account, action: Action) -> Support {
    if let Some(because) = not_by_ldap(account.kind) {
        return Support::cannot(account.procedure.as_deref().unwrap_or(because));
    }
    let password = &account.password;
    let must_change = matches!(action, Action::ExpirePassword | Action::SetPassword { must_change: true });
    if password.smart_card_required {
        // MS-SAMR 3.1.5.14.4: such an account's password never expires, so that the flag is not looked at.
        return match action {
            Action::Scramble => Support::Works,
            _ => Support::instead(
                Action::Scramble,
                "the account signs in by smart card: a password that somebody knows would open a second way in, and a must-change flag has no effect",
            ),
        };
    }
    if must_change && password.never_expires {
        return Support::instead(
            SET,
            "the password never expires: Active Directory takes a must-change flag and does not act on it",
        );
    }
    if must_change && password.cannot_change {
        return Support::instead(
            SET,
            "the owner may not change the password: a must-change flag would lock the owner out",
        );
    }
    if must_change && account.kind == AccountKind::Service {
        return Support::instead(
            SET,
            "a program signs in with this account and cannot change a password: its sign-in would fail (data 773)",
        );
    }
    Support::Works
}

/// Kinds whose password is not set by LDAP, and what is done instead by hand.
fn not_by_ldap(kind: AccountKind) -> Option<&'static str> {
    match kind {
        AccountKind::Computer => {
            Some("a machine changes its own password: run Reset-ComputerMachinePassword or netdom resetpwd on it")
        }
        AccountKind::ManagedService => Some(
            "the directory changes this password itself: after a leak of the KDS root key make a new key and new accounts",
        ),
        AccountKind::Trust => Some("a trust has two sides: run netdom trust /reset on one and then on the other"),
        AccountKind::KerberosTicketGranting => {
            Some("krbtgt is reset twice, with a wait of at least the ticket lifetime between, by its own procedure")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use identity_core::account::{AccountId, DirectoryId};

    fn account(kind: AccountKind) -> Account {
        Account::new(DirectoryId::new("corp").expect("id"), AccountId::new("1").expect("id"), "x", kind)
    }

    fn replaced(account: &Account, action: Action) -> Option<Action> {
        match support(account, action) {
            Support::Instead { action, because } => {
                assert!(!because.is_empty());
                Some(action)
            }
            _ => None,
        }
    }

    #[test]
    fn what_would_do_nothing_or_harm_is_replaced() {
        let mut never = account(AccountKind::Person);
        never.password.never_expires = true;
        assert_eq!(replaced(&never, Action::ExpirePassword), Some(SET));
        assert_eq!(replaced(&never, MUST), Some(SET));
        assert_eq!(support(&never, SET), Support::Works);
        let mut card = account(AccountKind::Person);
        card.password.smart_card_required = true;
        for action in [Action::ExpirePassword, MUST, SET] {
            assert_eq!(replaced(&card, action), Some(Action::Scramble));
        }
        assert_eq!(support(&card, Action::Scramble), Support::Works);
        let mut fixed = account(AccountKind::Person);
        fixed.password.cannot_change = true;
        assert_eq!(replaced(&fixed, MUST), Some(SET));
        assert_eq!(replaced(&account(AccountKind::Service), MUST), Some(SET));
        assert_eq!(support(&account(AccountKind::Person), MUST), Support::Works);
    }

    #[test]
    fn where_no_password_is_made_ours_takes_its_place_and_what_harms_is_replaced_too() {
        let temporary = |account: &Account| replaced(account, Action::SetTemporaryPassword);
        assert_eq!(temporary(&account(AccountKind::Person)), Some(MUST));
        assert_eq!(temporary(&account(AccountKind::Service)), Some(SET));
        let mut card = account(AccountKind::Person);
        card.password.smart_card_required = true;
        assert_eq!(temporary(&card), Some(Action::Scramble));
        assert_eq!(temporary(&account(AccountKind::Trust)), None);
    }

    #[test]
    fn what_is_put_in_place_works_itself() {
        for kind in [AccountKind::Person, AccountKind::Service, AccountKind::Mailbox] {
            for bits in 0..8u8 {
                let mut account = account(kind);
                account.password.never_expires = bits & 1 != 0;
                account.password.smart_card_required = bits & 2 != 0;
                account.password.cannot_change = bits & 4 != 0;
                for action in [Action::ExpirePassword, Action::SetTemporaryPassword, MUST, SET, Action::Scramble] {
                    if let Some(other) = replaced(&account, action) {
                        assert_eq!(support(&account, other), Support::Works, "{kind} {bits} {action}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_cannot_be_done_says_what_to_do_by_hand() {
        for kind in [
            AccountKind::Computer,
            AccountKind::ManagedService,
            AccountKind::Trust,
            AccountKind::KerberosTicketGranting,
        ] {
            assert!(matches!(support(&account(kind), SET), Support::Cannot { .. }), "{kind}");
        }
        for action in
            [Action::RevokeSessions, Action::SendRecoveryLink, Action::ResetAuthenticators, Action::FlagCompromised]
        {
            assert!(matches!(support(&account(AccountKind::Person), action), Support::Cannot { .. }), "{action}");
        }
    }
}
