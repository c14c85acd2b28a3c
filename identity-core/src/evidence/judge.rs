//! What the log's events say of one entry.

use super::found::{LogFinding, OrderEvidence};
use super::index::IndexedEvent;
use crate::account::AccountId;
use crate::journal::{ActionProgress, EntryProgress, Finality};

/// The orders of an entry that the log can say something of, and the numbers of the events that are
/// the run's although the journal does not know their requests.
///
/// `requested` are the events of the entry's requests, `unaccounted` those that the run's own
/// principal left on the account besides.
pub(super) fn judge(
    account: &AccountId,
    known: &EntryProgress,
    requested: &[IndexedEvent],
    unaccounted: &[IndexedEvent],
) -> (Vec<OrderEvidence>, Vec<i64>) {
    let (mut orders, mut claimed) = (Vec::new(), Vec::new());
    for action in &known.actions {
        let shown = |events: &'_ [IndexedEvent]| {
            let bit = super::bit(action.action);
            events.iter().filter(|event| event.shows & bit != 0).cloned().collect::<Vec<_>>()
        };
        // An order without an answer has no id of a request: what the principal did to the account
        // then is that order.
        let unanswered = match &action.finality {
            Finality::Open => true,
            Finality::Done { request_id, .. } => request_id.is_none() || action.unanswered.is_some(),
            Finality::Retryable(_) | Finality::Failed(_) => action.unanswered.is_some(),
        };
        let without_id = if unanswered { shown(unaccounted) } else { Vec::new() };
        claimed.extend(without_id.iter().map(|event| event.number));
        orders.extend(order(account, action, &shown(requested), &without_id, !requested.is_empty()));
    }
    (orders, claimed)
}

/// What the log says of one action; nothing where nothing is to be expected.
fn order(
    account: &AccountId,
    known: &ActionProgress,
    requested: &[IndexedEvent],
    without_id: &[IndexedEvent],
    other_traces: bool,
) -> Option<OrderEvidence> {
    let all: Vec<&IndexedEvent> = requested.iter().chain(without_id).collect();
    let found = |finding, because: &str| {
        Some(OrderEvidence {
            action: known.action,
            finding,
            because: because.to_owned(),
            events: all.iter().map(|event| event.event.id.clone()).collect(),
            at: all.iter().map(|event| event.event.at).min(),
        })
    };
    let of_account = |event: &&IndexedEvent| {
        event.event.success && (event.event.accounts.is_empty() || event.event.accounts.contains(account))
    };
    let by_request = requested.iter().any(|event| of_account(&event));
    match &known.finality {
        Finality::Done { request_id, .. } => {
            // What became of earlier attempts says nothing of the one that was confirmed.
            let own = |event: &&IndexedEvent| {
                request_id.as_ref().is_none_or(|request| event.event.request_ids.contains(request))
            };
            let own: Vec<&IndexedEvent> = requested.iter().filter(own).collect();
            if own.iter().any(of_account) {
                return found(LogFinding::Confirmed, "");
            }
            if own.iter().any(|event| event.event.success) {
                return found(LogFinding::Contradicted, "the log says that it was done to another account");
            }
            if let Some(event) = own.first() {
                let detail = event.event.detail.as_deref().unwrap_or("without a reason");
                return found(LogFinding::Contradicted, &format!("the log says that it failed: {detail}"));
            }
            if !without_id.is_empty() {
                return found(LogFinding::Confirmed, "by account and principal: its answer was lost");
            }
            let because = match request_id {
                // It was as wished before anything was sent: nothing is to be expected.
                None if known.unanswered.is_none() => return None,
                None => "it was read back, and the log has no event of our principal on the account",
                Some(_) if other_traces => "the log knows the request, and has no event that shows the action",
                Some(_) => "the log does not have the request",
            };
            found(LogFinding::NotFound, because)
        }
        Finality::Open if by_request || !without_id.is_empty() => {
            found(LogFinding::Confirmed, "no answer came, and the log says that it was done")
        }
        Finality::Open => found(LogFinding::NotFound, "no answer came, and the log does not have it"),
        Finality::Retryable(_) | Finality::Failed(_)
            if known.unanswered.is_some() && !by_request && !without_id.is_empty() =>
        {
            found(LogFinding::Confirmed, "an earlier attempt had no answer, and the log says that it was done")
        }
        Finality::Retryable(_) | Finality::Failed(_) if by_request || !without_id.is_empty() => {
            found(LogFinding::Contradicted, "the journal holds it as without effect, and the log says that it was done")
        }
        Finality::Retryable(_) | Finality::Failed(_) => None,
    }
}
