//! Which actions work on which account: what Entra takes and then does not do, or what it will refuse, is
//! replaced or refused before anything is sent.

use identity_core::account::{Account, AccountKind, PasswordAuthority};
use identity_core::directory::Support;
use identity_core::reset::Action;

use crate::matrix::{Power, Refusal, check};
use crate::privilege::Known;

const SET: Action = Action::SetPassword { must_change: false };
const MUST: Action = Action::SetPassword { must_change: true };

/// What comes of this action on this account, by its kind, by where its password is mastered, and, once
/// privileges were looked at, by whether the app's roles reach it.
pub(crate) fn support(account: &Account, action: Action, known: &Known) -> Support {
    let by_kind = match action {
        Action::SetPassword { .. } | Action::SetPasswordChangeAfterMfa | Action::Scramble | Action::ExpirePassword => {
            on_password(account, action, known)
        }
        Action::SetTemporaryPassword => Support::without_temporary(on_password(account, MUST, known)),
        Action::Disable => on_disable(account),
        Action::RevokeSessions => on_revoke(account),
        Action::ResetAuthenticators => Support::Works,
        Action::IssueAccessPass => on_pass(account),
        Action::FlagCompromised => on_flag(account),
        Action::Unlock => Support::cannot(
            "Entra has no lock-out that an administrator could clear: its smart lockout ends by itself, and a new password does not wait for it",
        ),
        Action::SendRecoveryLink => Support::cannot(
            "Graph sends no recovery link: have the person use self-service reset, or issue a Temporary Access Pass",
        ),
        _ => Support::cannot("Entra has no such operation"),
    };
    match (&by_kind, power_of(action)) {
        (Support::Works | Support::Instead { .. }, Some(power)) => reach(account, power, known).unwrap_or(by_kind),
        (Support::Works, None) if changes_methods(action) => unit_forbids(account, known).unwrap_or(by_kind),
        _ => by_kind,
    }
}

/// Whether it writes to the account's authentication methods.
fn changes_methods(action: Action) -> bool {
    matches!(action, Action::ResetAuthenticators | Action::IssueAccessPass)
}

/// What of the matrix decides. Whether it also holds for an app that revokes sessions or removes methods is
/// not told by any source: those are tried. That a restricted unit keeps others from changing its members is
/// told of every change.
fn power_of(action: Action) -> Option<Power> {
    match action {
        Action::SetPassword { .. }
        | Action::SetPasswordChangeAfterMfa
        | Action::SetTemporaryPassword
        | Action::Scramble
        | Action::ExpirePassword => Some(Power::Password),
        Action::Disable => Some(Power::Sensitive),
        _ => None,
    }
}

/// Why the app's roles do not reach the account; `None` where they do, or nobody looked.
fn reach(account: &Account, power: Power, known: &Known) -> Option<Support> {
    let targets = known.targets()?;
    let target = targets.target(&account.id);
    match check(targets.own()?, power, &target).err()? {
        // Whether an app's permissions alone reset an account without any role is told both ways.
        Refusal::NoRole if target.is_like_everybody() => None,
        Refusal::Restricted => Some(Support::cannot(restricted(&targets.restricted_units(&target)))),
        Refusal::OutOfReach if target.is_like_everybody() => Some(Support::cannot(
            "no directory role of the app allows this on this account: its roles are over other administrative units, \
             or set passwords only; give its service principal User Administrator over the whole tenant",
        )),
        Refusal::OutOfReach | Refusal::NoRole => Some(Support::cannot(
            "the account's roles outrank those of the app: give its service principal Privileged Authentication \
             Administrator over the whole tenant, or have a Global Administrator do it by hand",
        )),
    }
}

/// Why a restricted unit keeps the app from the account, whatever its roles over the tenant.
fn unit_forbids(account: &Account, known: &Known) -> Option<Support> {
    let targets = known.targets()?;
    let target = targets.target(&account.id);
    match check(targets.own()?, Power::Password, &target) {
        Err(Refusal::Restricted) => Some(Support::cannot(restricted(&targets.restricted_units(&target)))),
        _ => None,
    }
}

fn restricted(units: &str) -> String {
    format!(
        "the account is in a restricted administrative unit ({units}): assign the app a role that is scoped to it, \
         or have an administrator of that unit do it by hand"
    )
}

fn on_password(account: &Account, action: Action, known: &Known) -> Support {
    if let Some(procedure) = &account.procedure {
        return Support::cannot(procedure);
    }
    if account.kind == AccountKind::DirectorySync {
        return Support::cannot(
            "the account of the directory synchronisation: its reset stops the synchronisation; run the wizard of Entra Connect",
        );
    }
    if let Some(because) = elsewhere(account) {
        return because;
    }
    if account.kind == AccountKind::Service && action.demands_change() {
        return match action {
            Action::ExpirePassword => Support::cannot(
                "a program signs in with this account and cannot change a password: set a new one and tell the program",
            ),
            _ => Support::instead(SET, "a program signs in with this account and cannot change a password"),
        };
    }
    if action == Action::SetPasswordChangeAfterMfa {
        return match known.can_do_mfa(&account.id) {
            Some(true) => Support::Works,
            Some(false) => Support::instead(
                MUST,
                "the account has no second factor that the policy allows: it could not sign in again",
            ),
            None => Support::instead(
                MUST,
                "it is not known whether the account can do multifactor authentication: audit recovery first",
            ),
        };
    }
    Support::Works
}

/// Where the password is, if it is not here.
fn elsewhere(account: &Account) -> Option<Support> {
    if account.kind == AccountKind::Guest {
        return Some(Support::cannot(
            "the password of a guest is kept by its home organisation: tell that one, and disable the guest here",
        ));
    }
    match &account.authority {
        PasswordAuthority::Here => None,
        PasswordAuthority::OnPrem => Some(Support::cannot(
            "the password is mastered on-prem: one that is set here does not reach Active Directory and is overwritten \
             from there; reset it there and revoke the sessions here",
        )),
        PasswordAuthority::Federated(provider) => Some(Support::cannot(format!(
            "{provider} checks the password of this account: reset it there and revoke the sessions here"
        ))),
        PasswordAuthority::Nowhere => {
            Some(Support::cannot("the account has no password: revoke its sessions and remove its authenticators"))
        }
        _ => Some(Support::cannot(
            "it is not known where the password of this account is mastered: grant the app Domain.Read.All and plan again",
        )),
    }
}

fn on_disable(account: &Account) -> Support {
    match account.authority {
        PasswordAuthority::OnPrem if account.kind != AccountKind::Guest => Support::cannot(
            "the account is mastered on-prem: the next synchronisation enables it again; disable it in Active Directory \
             and revoke its sessions here",
        ),
        _ => Support::Works,
    }
}

fn on_revoke(account: &Account) -> Support {
    match account.kind {
        AccountKind::Guest => Support::cannot(
            "a guest's sessions are issued by its home organisation and do not end by this: disable the guest here",
        ),
        _ => Support::Works,
    }
}

fn on_pass(account: &Account) -> Support {
    match account.kind {
        AccountKind::Guest => {
            Support::cannot("a Temporary Access Pass is not for guests: their home organisation issues it")
        }
        AccountKind::DirectorySync => Support::cannot("nobody signs in as the directory synchronisation"),
        _ => Support::Works,
    }
}

fn on_flag(account: &Account) -> Support {
    match account.kind {
        AccountKind::Guest => Support::cannot("the risk of a guest is kept by its home organisation: tell that one"),
        _ => Support::Works,
    }
}

#[cfg(test)]
#[path = "support_tests.rs"]
mod tests;
