//! The actions that work on one account, of those that were asked for.

use super::entry::{Disposition, LeftOutReason, Refusal};
use crate::account::{Account, AccountKind, PasswordAuthority};
use crate::directory::{Capabilities, Support};
use crate::reset::{Action, Containment};

/// The note on entries whose actions take nothing away from an attacker.
pub(super) const DOES_NOT_CONTAIN: &str =
    "does not contain: an attacker who knows the old password can still sign in, and can be the one who changes it";

/// The note on entries whose actions end sessions or authenticators and leave the password.
pub(super) const PASSWORD_STAYS: &str = "the old password stays valid: only what is open now is ended";

const NOTHING_CONTAINS: &str = "nothing that contains an attacker can be done to it from here";

/// How often one asked action may be replaced before it is given up.
const MOST_REPLACEMENTS: usize = 4;

/// What became of the asked actions.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) disposition: Result<Disposition, LeftOutReason>,
    pub(super) notes: Vec<String>,
    pub(super) refusals: Vec<Refusal>,
}

/// Chooses, by what core knows of accounts and by what the backend answers.
pub(super) fn choose(account: &Account, asked: &[Action], support: &dyn Fn(Action) -> Support) -> Chosen {
    let (mut notes, mut refusals) = (Vec::new(), Vec::new());
    let mut actions: Vec<Action> = Vec::new();
    for action in in_order(asked.to_vec()) {
        let Some(action) = fit(account, action, support, &mut notes, &mut refusals) else { continue };
        if action.shows_in_password_state() && actions.iter().any(|chosen| chosen.shows_in_password_state()) {
            if !actions.contains(&action) {
                notes.push(format!("{action} left out: another action already sets the password"));
            }
        } else {
            actions.push(action);
        }
    }
    if account.state.locked && actions.iter().any(|action| action.sets_password()) {
        unlock(&mut actions, support, &mut notes);
    }
    if let Some(policy) =
        account.password_policy.as_ref().filter(|_| actions.iter().any(|action| action.sets_password()))
    {
        notes.push(format!("under a password policy of its own, {policy}"));
    }
    let disposition = settle(account, asked, in_order(actions), &mut notes, &refusals);
    Chosen { disposition, notes, refusals }
}

/// Has the password set twice, where that works: first a random one that nobody is to know, then the
/// one that was asked for. The old password is then neither the present nor the previous one, so that
/// no grace for the previous one admits it. Verification has to tell two sets from one.
pub(super) fn set_twice(chosen: &mut Chosen, can: Capabilities, support: &dyn Fn(Action) -> Support) {
    let Ok(Disposition::Reset { actions }) = &mut chosen.disposition else { return };
    if actions.contains(&Action::SetTemporaryPassword) {
        chosen.notes.push("set once only: the directory makes the password".to_owned());
        return;
    }
    let Some(place) = actions.iter().position(|action| action.needs_sealing()) else { return };
    if !can.observe_version {
        chosen.notes.push("set once only: the directory keeps no version that would show two sets".to_owned());
    } else if support(Action::Scramble) == Support::Works {
        actions.insert(place, Action::Scramble);
        chosen.notes.push("set twice: first to one that nobody knows, so that no grace admits the old one".to_owned());
    } else {
        chosen.notes.push("set once only: scrambling it first does not work on this account".to_owned());
    }
}

/// By rank, each once.
fn in_order(mut actions: Vec<Action>) -> Vec<Action> {
    actions.sort_by_key(|action| (action.rank(), *action));
    actions.dedup();
    actions
}

/// The action itself, what replaces it, or nothing.
fn fit(
    account: &Account,
    asked: Action,
    support: &dyn Fn(Action) -> Support,
    notes: &mut Vec<String>,
    refusals: &mut Vec<Refusal>,
) -> Option<Action> {
    let mut action = asked;
    for _ in 0..MOST_REPLACEMENTS {
        if action.concerns_password() && account.authority != PasswordAuthority::Here {
            notes.push(format!("{action} left out: {}", mastered(account)));
            return None;
        }
        if let Some((instead, because)) = harmless(account, action) {
            notes.push(format!("{action} replaced by {instead}: {because}"));
            action = instead;
        }
        match support(action) {
            Support::Works => return Some(action),
            Support::Instead { action: instead, because } => {
                notes.push(format!("{action} replaced by {instead}: {because}"));
                action = instead;
            }
            Support::Cannot { because } => {
                refusals.push(Refusal { action, because });
                return None;
            }
        }
    }
    notes.push(format!("{asked} left out: each replacement is replaced again"));
    None
}

/// What to do instead of an action that would do nothing to this account, or harm it. Backends know
/// this of their directories; the plan does not rely on each of them (for Active Directory:
/// MS-SAMR 3.1.5.14.4 and MS-ADTS 3.1.1.4.5.33 on flags that keep a password from expiring).
fn harmless(account: &Account, action: Action) -> Option<(Action, &'static str)> {
    let state = &account.password;
    let silent = Action::SetPassword { must_change: false };
    match action {
        _ if action.shows_in_password_state() && action != Action::Scramble && state.smart_card_required => Some((
            Action::Scramble,
            "it signs in by smart card: a password that somebody knows would be a second way in",
        )),
        _ if action.demands_change() => {
            let because = if state.cannot_change {
                "its owner may not change the password: must-change would lock the owner out"
            } else if state.never_expires {
                "its password never expires: must-change has no effect"
            } else if account.kind == AccountKind::Service {
                "a program signs in with it and cannot choose a new password"
            } else if account.kind == AccountKind::Mailbox {
                "nobody signs in to a mailbox of this kind to choose a new password"
            } else {
                return None;
            };
            Some((silent, because))
        }
        Action::ResetToRecovery { .. } => {
            let because = if state.cannot_change {
                "its owner may not change the password: nobody could come back by recovery"
            } else if account.kind == AccountKind::Service {
                "a program signs in with it and cannot come back by recovery"
            } else if account.kind == AccountKind::Mailbox {
                "nobody signs in to a mailbox of this kind to come back by recovery"
            } else {
                return None;
            };
            Some((silent, because))
        }
        _ => None,
    }
}

fn unlock(actions: &mut Vec<Action>, support: &dyn Fn(Action) -> Support, notes: &mut Vec<String>) {
    if actions.iter().any(|action| matches!(action, Action::Unlock | Action::Disable)) {
        return;
    }
    match support(Action::Unlock) {
        Support::Works => {
            actions.push(Action::Unlock);
            notes.push("it is locked out: unlocked after the new password".to_owned());
        }
        Support::Instead { because, .. } | Support::Cannot { because } => {
            notes.push(format!("it is locked out and stays so: {because}"));
        }
    }
}

fn settle(
    account: &Account,
    asked: &[Action],
    actions: Vec<Action>,
    notes: &mut Vec<String>,
    refusals: &[Refusal],
) -> Result<Disposition, LeftOutReason> {
    let containing = |actions: &[Action]| actions.iter().any(|action| action.containment() != Containment::None);
    let refused: Vec<String> = refusals.iter().map(ToString::to_string).collect();
    let nothing_works = || LeftOutReason::NothingWorks([notes.as_slice(), &refused].concat().join("; "));
    if actions.is_empty() || (containing(asked) && !containing(&actions)) {
        return match account.authority {
            PasswordAuthority::Here if containing(asked) => Ok(Disposition::Manual {
                reason: match refused.as_slice() {
                    [] => NOTHING_CONTAINS.to_owned(),
                    refused => format!("{NOTHING_CONTAINS}: {}", refused.join("; ")),
                },
                procedure: account.procedure.clone().unwrap_or_else(|| {
                    "Reset its password with the directory's own tools, or disable it; the notes say what was tried \
                     and what works instead. Then record it as done."
                        .to_owned()
                }),
                owner: account.owner.clone(),
            }),
            PasswordAuthority::Here | PasswordAuthority::Nowhere => Err(nothing_works()),
            _ => Err(LeftOutReason::MasteredElsewhere(mastered(account))),
        };
    }
    if !containing(&actions) {
        notes.push(DOES_NOT_CONTAIN.to_owned());
    } else if account.authority == PasswordAuthority::Here && !closes_the_door(&actions) {
        notes.push(PASSWORD_STAYS.to_owned());
    }
    Ok(Disposition::Reset { actions })
}

/// Whether the old password no longer opens anything.
pub(super) fn closes_the_door(actions: &[Action]) -> bool {
    actions.iter().any(|action| matches!(action.containment(), Containment::OldPassword | Containment::Account))
}

/// Whether more than one of the actions concerns the password itself, other than as
/// [`set_twice`] has it.
pub(super) fn contradict(actions: &[Action]) -> bool {
    let on_password: Vec<Action> = actions.iter().copied().filter(|action| action.shows_in_password_state()).collect();
    match on_password.as_slice() {
        [] | [_] => false,
        [Action::Scramble, second] => !second.needs_sealing(),
        _ => true,
    }
}

/// Where the password is mastered, in words.
pub(super) fn mastered(account: &Account) -> String {
    match &account.authority {
        PasswordAuthority::Here => "its password is mastered here".to_owned(),
        PasswordAuthority::OnPrem => "its password is mastered on-prem and synchronised into this directory".to_owned(),
        PasswordAuthority::Federated(provider) if provider.is_empty() => {
            "its password is mastered by a federated identity provider".to_owned()
        }
        PasswordAuthority::Federated(provider) => format!("its password is mastered by {provider}"),
        PasswordAuthority::Nowhere => "it has no password".to_owned(),
        PasswordAuthority::Unknown => "the directory does not tell where its password is mastered".to_owned(),
    }
}

#[cfg(test)]
#[path = "actions_tests.rs"]
mod tests;
