//! Which actions work on which account: what Okta refuses, or takes and then does something else, is
//! replaced or refused before anything is sent.
//!
//! Sources: Okta API reference, Users and User lifecycle, for the statuses that each operation is for.
//! What it says of a status is not always all: a reset of a suspended or a pending account is told
//! nowhere to work, and so is not tried here.

use std::collections::BTreeSet;

use identity_core::account::{Account, AccountKind, PasswordAuthority};
use identity_core::directory::Support;
use identity_core::reset::Action;

use crate::account::STATUS;
use crate::matrix::{Refusal, check};
use crate::permissions::power_of;
use crate::privilege::Known;

const SET: Action = Action::SetPassword { must_change: false };
const TEMPORARY: Action = Action::SetTemporaryPassword;

/// What the answer depends on beside the account.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Circumstances<'a> {
    /// What was learnt of accounts.
    pub(crate) known: &'a Known,
    /// Domains whose mailboxes are behind a sign-in of this org, in lower case.
    pub(crate) mail_behind_okta: &'a BTreeSet<String>,
}

/// The status of a user, as far as it decides something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status<'a> {
    Staged,
    Provisioned,
    Active,
    Recovery,
    PasswordExpired,
    LockedOut,
    Suspended,
    Deprovisioned,
    /// One that is not known, or that lasts for moments (`ACTIVATING`).
    Other(&'a str),
}

impl<'a> Status<'a> {
    /// The attribute `status` of the account; without one, what its state says.
    fn of(account: &'a Account) -> Self {
        match account.attributes.get(STATUS).map(String::as_str) {
            Some("STAGED") => Self::Staged,
            Some("PROVISIONED") => Self::Provisioned,
            Some("ACTIVE") => Self::Active,
            Some("RECOVERY") => Self::Recovery,
            Some("PASSWORD_EXPIRED") => Self::PasswordExpired,
            Some("LOCKED_OUT") => Self::LockedOut,
            Some("SUSPENDED") => Self::Suspended,
            Some("DEPROVISIONED") => Self::Deprovisioned,
            Some(other) => Self::Other(other),
            None if account.state.locked => Self::LockedOut,
            None if account.password.awaits_recovery => Self::Recovery,
            None if !account.state.enabled => Self::Suspended,
            None => Self::Active,
        }
    }
}

/// What comes of this action on this account, by its status, by where its password is mastered, and, once
/// privileges were looked at, by whether the caller's roles reach it.
pub(crate) fn support(account: &Account, action: Action, now: Circumstances<'_>) -> Support {
    let status = Status::of(account);
    let of_account = match action {
        Action::SetPassword { .. }
        | Action::SetPasswordChangeAfterMfa
        | Action::SetTemporaryPassword
        | Action::Scramble
        | Action::ExpirePassword
        | Action::ResetToRecovery { .. }
        | Action::SendRecoveryLink => on_password(account, action, status, now),
        Action::Unlock => on_unlock(account, status),
        Action::Disable => on_suspend(status),
        Action::RevokeSessions => Support::Works,
        Action::ResetAuthenticators => on_authenticators(account, status, now.known),
        Action::FlagCompromised => {
            Support::cannot("Okta's Management API has no such flag: revoke the sessions instead")
        }
        Action::IssueAccessPass => {
            Support::cannot("Okta has no such pass for everybody: set a temporary password or reset to recovery")
        }
        _ => Support::cannot("Okta has no such operation"),
    };
    match &of_account {
        Support::Works => reach(account, action, now.known).unwrap_or(of_account),
        _ => of_account,
    }
}

/// Why the caller's roles do not reach the account; `None` where they do, or nobody looked.
fn reach(account: &Account, action: Action, known: &Known) -> Option<Support> {
    let targets = known.targets()?;
    match check(targets.own()?, power_of(action)?, targets.target(&account.id)).err()? {
        Refusal::Admin => Some(Support::cannot(
            "the account holds an administrator role, and Okta refuses it to whoever is no super administrator \
             (E0000006): run this part as an app or a token with the role SUPER_ADMIN, or have one do it by hand",
        )),
        Refusal::OutOfReach => Some(Support::cannot(
            "no role of the caller does this: give it SUPER_ADMIN, ORG_ADMIN, or a custom role with the permission \
             (docs/permissions-okta.md)",
        )),
        // The roles may come from somewhere that is not listed: it is tried.
        Refusal::NoRole => None,
    }
}

fn on_password(account: &Account, action: Action, status: Status<'_>, now: Circumstances<'_>) -> Support {
    if let Some(procedure) = &account.procedure {
        return Support::cannot(procedure);
    }
    if let Some(because) = elsewhere(account) {
        return because;
    }
    if let Some(because) = by_status(status) {
        return because;
    }
    let is_program = account.kind == AccountKind::Service;
    match action {
        Action::SetPassword { must_change: true } | TEMPORARY if is_program => {
            Support::instead(SET, "a program signs in with this account and cannot change a password")
        }
        Action::SetPassword { must_change: true } | Action::SetPasswordChangeAfterMfa | TEMPORARY
            if status == Status::Recovery =>
        {
            Support::instead(
                Action::ResetToRecovery { mail: false },
                "the account waits for its owner to set a new password, and Okta is not known to set a temporary one \
                 meanwhile: a new link, which voids the one that is out",
            )
        }
        Action::SetPassword { must_change: true } => {
            Support::instead(TEMPORARY, "Okta demands a change only of temporary passwords that it makes itself")
        }
        Action::SetPasswordChangeAfterMfa => Support::instead(
            TEMPORARY,
            "Okta has no such demand: whether a second factor comes first is decided by its sign-in policies",
        ),
        Action::ExpirePassword | Action::ResetToRecovery { .. } | Action::SendRecoveryLink if is_program => {
            Support::cannot("a program signs in with this account: set a new password and tell the program")
        }
        Action::ExpirePassword if status == Status::Recovery => {
            Support::cannot("the old password is void already: the account waits for its owner to set a new one")
        }
        Action::ResetToRecovery { mail: true } => on_recovery_mail(account, now.mail_behind_okta),
        Action::SendRecoveryLink => on_link(account, status),
        _ => Support::Works,
    }
}

/// Where the password is, if it is not here.
fn elsewhere(account: &Account) -> Option<Support> {
    match &account.authority {
        PasswordAuthority::Here => None,
        PasswordAuthority::OnPrem => Some(Support::cannot(
            "an on-prem directory (Active Directory or LDAP) checks the password of this account: reset it there and \
             revoke the sessions here",
        )),
        PasswordAuthority::Federated(provider) => Some(Support::cannot(format!(
            "{provider} checks the password of this account, and a reset here would turn it into one with a password \
             of Okta's own: reset it there and revoke the sessions here"
        ))),
        PasswordAuthority::Nowhere => Some(Support::cannot(
            "the account has no password, and a reset would give it one: revoke its sessions and reset its \
             authenticators",
        )),
        _ => Some(Support::cannot("it is not known where the password of this account is mastered: do it by hand")),
    }
}

/// Why the status keeps every operation on the password out.
fn by_status(status: Status<'_>) -> Option<Support> {
    let because = match status {
        Status::Active | Status::Recovery | Status::PasswordExpired | Status::LockedOut => return None,
        Status::Staged => {
            "the account is staged and was never activated: nobody can sign in with it. Activate it only when its \
             owner is known"
        }
        Status::Provisioned => {
            "the account waits for its activation: an activation mail that is out may be in wrong hands. Reactivate it, \
             which makes a new link and voids the old one, or deactivate it"
        }
        Status::Suspended => {
            "the account is suspended, and nobody can sign in with it; Okta is not known to reset it so. Reset it when \
             it is unsuspended, in the same hour"
        }
        Status::Deprovisioned => "the account is deactivated: nobody can sign in with it, and its password is gone",
        Status::Other(name) => {
            return Some(Support::cannot(format!(
                "the account has the status {name}, which this version does not know or which lasts for moments: plan again"
            )));
        }
    };
    Some(Support::cannot(because))
}

/// A mail with the link, after which the account can do nothing but follow it.
fn on_recovery_mail(account: &Account, behind: &BTreeSet<String>) -> Support {
    const ELSE: &str = "keep the link in the vault (reset_to_recovery) or set a temporary password";
    let Some(mail) = &account.mail else {
        return Support::cannot(format!("there is no address that the link could be mailed to: {ELSE}"));
    };
    let second = account.attributes.get("secondEmail").filter(|second| !second.trim().is_empty());
    let is_behind = |address: &str| hides_behind_okta(address, behind);
    if is_behind(mail) && second.is_none_or(|second| is_behind(second)) {
        return Support::cannot(format!(
            "the mailbox that the link goes to is opened by a sign-in through this org, and after the reset there is \
             none; no second address is known: {ELSE}"
        ));
    }
    Support::Works
}

/// Whether a mailbox is opened by a sign-in through this org.
pub(crate) fn hides_behind_okta(address: &str, behind: &BTreeSet<String>) -> bool {
    let domain = address.rsplit_once('@').map(|(_, domain)| domain.trim().to_ascii_lowercase());
    domain.is_some_and(|domain| behind.contains(&domain))
}

fn on_link(account: &Account, status: Status<'_>) -> Support {
    match status {
        Status::Active if account.mail.is_none() => {
            Support::cannot("there is no address that the link could be mailed to")
        }
        Status::Active => Support::Works,
        Status::Recovery => Support::cannot(
            "a link is out already, and while the account waits for it Okta sends no other: reset it to recovery anew",
        ),
        _ => Support::cannot("Okta sends such a link to active accounts only: reset it to recovery instead"),
    }
}

/// Not refused where nothing is locked: a new password ends a lock-out by itself, and after a crash
/// between the two the order is still to be given. Okta's word that nothing is locked counts as done.
fn on_unlock(account: &Account, status: Status<'_>) -> Support {
    match (status, &account.authority) {
        (_, PasswordAuthority::OnPrem) => {
            Support::cannot("an on-prem directory locks this account out: unlock it there")
        }
        (_, authority) if *authority != PasswordAuthority::Here => Support::cannot(
            "Okta locks out by wrong passwords, and has none of this account: there is nothing to unlock here",
        ),
        (Status::Active | Status::Recovery | Status::PasswordExpired | Status::LockedOut, _) => Support::Works,
        _ => Support::cannot("an account of this status is not locked out"),
    }
}

fn on_suspend(status: Status<'_>) -> Support {
    match status {
        Status::Active | Status::PasswordExpired => Support::Works,
        Status::LockedOut | Status::Recovery => Support::cannot(
            "Okta suspends active accounts only: set a password, which makes it active, or unlock it, and plan again",
        ),
        Status::Suspended => Support::cannot("the account is suspended already"),
        Status::Deprovisioned => Support::cannot("the account is deactivated already"),
        Status::Staged | Status::Provisioned => Support::cannot(
            "Okta suspends active accounts only: deactivate this one by hand, so that its activation link is void",
        ),
        Status::Other(name) => Support::cannot(format!("the account has the status {name}: plan again")),
    }
}

/// What Okta does not do to an account that was suspended just before (E0000038).
pub(crate) fn not_when_suspended(first: Action, next: Action) -> Option<String> {
    let is_ruled_out = next.concerns_password() || next == Action::Unlock;
    (first == Action::Disable && is_ruled_out).then(|| {
        "the account is suspended first, and Okta gives a suspended one no new password: leave one of the two out; \
         the old password opens it again as soon as it is unsuspended, so reset it in the same hour"
            .to_owned()
    })
}

fn on_authenticators(account: &Account, status: Status<'_>, known: &Known) -> Support {
    match status {
        Status::Staged | Status::Deprovisioned => Support::cannot("the account has no authenticators in this status"),
        // Not a refusal: the plan may have been made, and approved, by another process that had looked.
        _ if !known.has_readiness(&account.id) => Support::instead(
            Action::RevokeSessions,
            "a reset takes away the means of recovery, too: audit recovery first, so that it is known what this account \
             had and how its owner comes back",
        ),
        _ => Support::Works,
    }
}

#[cfg(test)]
#[path = "support_tests.rs"]
mod tests;
