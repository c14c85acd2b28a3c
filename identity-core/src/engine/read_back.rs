//! What became of orders that had no answer: the directory is asked before anything is repeated.

use super::attempt::Work;
use super::cohort::Cohort;
use super::lane::Lane;
use super::settle::failed;
use crate::account::{Account, AccountId, PasswordState};
use crate::error::{Error, ErrorKind, Result};
use crate::journal::{Baseline, Event};
use crate::reset::Action;

/// Reads back what is open: what landed is recorded as done, the rest stays pending.
pub(super) async fn read_back(lane: &Lane, cohort: &mut Cohort, pending: Vec<Work>) -> Result<Vec<Work>> {
    let (open, mut rest): (Vec<Work>, Vec<Work>) = pending.into_iter().partition(|work| work.open);
    if open.is_empty() {
        return Ok(rest);
    }
    let ids: Vec<AccountId> = open.iter().map(|work| cohort.entry(work.subject).id.clone()).collect();
    let accounts = match lane.lookup(&ids).await {
        Ok(accounts) => accounts,
        Err(error) => {
            tracing::warn!(%error, "unknown outcomes could not be read back; they stay open for a resume");
            lane.stop_if_fatal(&error);
            return Ok(rest);
        }
    };
    let mut events = Vec::new();
    for (mut work, account) in open.into_iter().zip(accounts) {
        let entry = cohort.entry(work.subject).seq;
        let Some(account) = account else {
            let error = Error::new(ErrorKind::AccountNotFound, "read back")
                .with_detail("the account is gone, and its last order had no answer");
            events.push(failed(&work, entry, &error));
            continue;
        };
        if !work.uncertain && landed(work.action, &work.baseline, &account) {
            let done = Event::Done {
                entry,
                action: work.action,
                attempt: work.attempt,
                at: account.password.last_set.filter(|_| work.action.shows_in_password_state()),
                request_id: None,
                read_back: true,
                server_secret: None,
            };
            events.extend(cohort.followed(work.subject).record(done));
            lane.guard.succeeded();
        } else {
            work.open = false;
            rest.push(work);
        }
    }
    cohort.record(lane, events).await?;
    Ok(rest)
}

/// Whether a change is demanded, where such a demand has an effect at all.
fn is_flagged(password: &PasswordState) -> bool {
    password.must_change || password.never_expires || password.smart_card_required
}

/// Whether the directory shows that an order whose outcome is unknown took effect.
///
/// Where it cannot be told, the answer is no: the order is repeated with the same password,
/// which changes nothing if it had landed.
fn landed(action: Action, before: &Baseline, now: &Account) -> bool {
    let must_change = action.demands_change();
    match action {
        Action::SetPassword { .. } | Action::SetPasswordChangeAfterMfa => {
            match (before.version, now.password.version) {
                // Somebody else's change moves the version too, an intruder's among them, but leaves no
                // demand to change it again.
                (Some(before), Some(version)) => version > before && (!must_change || is_flagged(&now.password)),
                _ if must_change => {
                    now.password.must_change && (!before.must_change || now.password.last_set > before.last_set)
                }
                // A time moves with anybody's change, and nothing tells whose it was.
                _ => false,
            }
        }
        Action::Scramble => match (before.version, now.password.version) {
            (Some(before), Some(now)) => now > before,
            _ => false,
        },
        // One that awaited recovery before may wait for a mail of somebody else's order.
        Action::ResetToRecovery { mail: true } => now.password.awaits_recovery && !before.awaits_recovery,
        Action::ExpirePassword => now.password.must_change,
        Action::Disable => !now.state.enabled,
        Action::Unlock => !now.state.locked,
        Action::RevokeSessions => before
            .sessions_valid_from
            .zip(now.state.sessions_valid_from)
            .is_some_and(|(before, valid_from)| valid_from > before),
        // What the server made is lost with its answer, whatever the account shows.
        Action::SetTemporaryPassword
        | Action::ResetToRecovery { mail: false }
        | Action::SendRecoveryLink
        | Action::ResetAuthenticators
        | Action::FlagCompromised
        | Action::IssueAccessPass => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{AccountKind, DirectoryId};

    /// An intruder who knows the old password cuts the wire and changes it himself: the version moves
    /// as ours would have moved it, but nothing demands another change.
    #[test]
    fn somebody_elses_change_is_not_taken_for_ours() {
        let set = Action::SetPassword { must_change: true };
        let before = Baseline { version: Some(5), ..Baseline::default() };
        let id = AccountId::new("1").unwrap();
        let mut now = Account::new(DirectoryId::new("corp").unwrap(), id, "jdoe", AccountKind::Person);
        now.password.version = Some(5);
        assert!(!landed(set, &before, &now), "nothing moved");
        now.password.version = Some(6);
        assert!(!landed(set, &before, &now), "moved without the demand that ours carries");
        now.password.must_change = true;
        assert!(landed(set, &before, &now));
        now.password.must_change = false;
        now.password.never_expires = true;
        assert!(landed(set, &before, &now), "the demand has no effect on this account");

        // Without a version only the demand tells ours from his.
        let before = Baseline { last_set: Some("2026-06-01T00:00:00Z".parse().unwrap()), ..Baseline::default() };
        now.password = PasswordState { last_set: Some("2026-06-02T00:00:00Z".parse().unwrap()), ..Default::default() };
        for action in [Action::SetPassword { must_change: false }, set, Action::Scramble] {
            assert!(!landed(action, &before, &now), "{action}: a time alone");
        }
        now.password.must_change = true;
        assert!(landed(set, &before, &now));
    }
}
