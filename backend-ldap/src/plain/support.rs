//! Which actions work on which account: what a server accepts and then does not act on, or what
//! cannot succeed, is replaced or refused before anything is sent.

use identity_core::account::{Account, AccountKind};
use identity_core::directory::Support;
use identity_core::reset::Action;

use super::account::POLICY;
use super::policy::Policies;

const SET: Action = Action::SetPassword { must_change: false };
const MUST: Action = Action::SetPassword { must_change: true };

/// What a server with these policies does to this account with this action.
pub(crate) fn support(policies: &Policies, has_policy: bool, account: &Account, action: Action) -> Support {
    let policy = policies.of(account.attributes.get(POLICY).map(String::as_str));
    let kept = policy.is_some_and(|policy| policy.safe_modify);
    match action {
        Action::SetPassword { .. } | Action::Scramble if kept => Support::cannot(
            "its policy wants the old password with each change (pwdSafeModify): set that to FALSE for the time of the run",
        ),
        Action::SetPassword { must_change: false } | Action::Scramble => Support::Works,
        Action::SetPassword { must_change: true } | Action::ExpirePassword => {
            if !has_policy {
                return Support::instead(
                    SET,
                    "the server has no password policy (overlay ppolicy): nothing demands a change",
                );
            }
            if account.password.cannot_change {
                return Support::instead(
                    SET,
                    "the owner may not change the password (pwdAllowUserChange): must-change would lock the owner out",
                );
            }
            if account.kind == AccountKind::Service {
                return Support::instead(SET, "a program signs in with this account and cannot change a password");
            }
            match policy {
                Some(policy) if policy.must_change => Support::Works,
                Some(_) => Support::instead(
                    SET,
                    "its policy demands no change (pwdMustChange): the server takes pwdReset and does not act on it",
                ),
                None => Support::instead(
                    SET,
                    "it is not known whether its policy demands a change: name default_policy in the configuration, and let the run read the policies",
                ),
            }
        }
        Action::SetTemporaryPassword => Support::without_temporary(support(policies, has_policy, account, MUST)),
        Action::Disable | Action::Unlock if !has_policy => {
            Support::cannot("the server has no password policy (overlay ppolicy): it knows no lock")
        }
        Action::Unlock => Support::Works,
        Action::Disable => match policy {
            Some(policy) if policy.lockout => Support::Works,
            Some(_) => Support::cannot(
                "its policy has no lock (pwdLockout): the server takes pwdAccountLockedTime and does not act on it; scramble the password",
            ),
            None => Support::cannot(
                "it is not known whether its policy has a lock: name default_policy in the configuration, and let the run read the policies; or scramble the password",
            ),
        },
        Action::RevokeSessions => Support::cannot(
            "an LDAP server has no sessions to end: end those of the applications that sign in through it",
        ),
        Action::SendRecoveryLink => Support::cannot("an LDAP server sends nothing: hand the new password over"),
        Action::ResetAuthenticators => Support::cannot("an LDAP server keeps no list of authenticators"),
        Action::FlagCompromised => Support::cannot("an LDAP server has no risk state"),
        _ => Support::cannot("an LDAP server has no such operation"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plain::policy::tests::policies;
    use identity_core::account::{AccountId, DirectoryId};

    fn under(policy: Option<&str>) -> Account {
        let mut account = Account::new(
            DirectoryId::new("unix").expect("id"),
            AccountId::new("1").expect("id"),
            "x",
            AccountKind::Person,
        );
        if let Some(policy) = policy {
            account.attributes.insert(POLICY.to_owned(), policy.to_owned());
        }
        account
    }

    fn word(support: &Support) -> &'static str {
        match support {
            Support::Works => "works",
            Support::Instead { action, because } => {
                assert!(!because.is_empty());
                if *action == MUST { "must" } else { "instead" }
            }
            _ => "cannot",
        }
    }

    #[test]
    fn the_policy_of_the_account_decides() {
        let known = policies(Some("cn=must,dc=x"));
        let table = [
            (None, MUST, "works"),
            (None, Action::ExpirePassword, "works"),
            (None, Action::Disable, "works"),
            (None, Action::Unlock, "works"),
            (None, SET, "works"),
            (None, Action::SetTemporaryPassword, "must"),
            (Some("cn=loose,dc=x"), Action::SetTemporaryPassword, "instead"),
            (Some("cn=strict,dc=x"), Action::SetTemporaryPassword, "cannot"),
            (None, Action::RevokeSessions, "cannot"),
            (Some("cn=loose,dc=x"), MUST, "instead"),
            (Some("cn=loose,dc=x"), Action::Disable, "cannot"),
            (Some("cn=loose,dc=x"), Action::Scramble, "works"),
            (Some("cn=strict,dc=x"), SET, "cannot"),
            (Some("cn=hidden,dc=x"), MUST, "instead"),
            (Some("cn=hidden,dc=x"), Action::Disable, "cannot"),
        ];
        for (policy, action, expected) in table {
            assert_eq!(word(&support(&known, true, &under(policy), action)), expected, "{policy:?} {action}");
        }
        assert_eq!(word(&support(&policies(None), true, &under(None), MUST)), "instead", "no default is known");
        let without = support(&Policies::default(), false, &under(None), Action::Unlock);
        assert_eq!(word(&without), "cannot");
        let mut service = under(None);
        service.kind = AccountKind::Service;
        assert_eq!(word(&support(&known, true, &service, MUST)), "instead");
    }
}
