//! Flagging accounts as compromised: one call names them all.

use std::collections::VecDeque;

use identity_core::error::{Error, ErrorKind, Result, Status};
use identity_core::http::{Request, Response};
use identity_core::reset::{Action, Order, Outcome};

use super::request::{object_id, operation};
use super::{Orders, Placed, done, receipt};
use crate::limits::IDENTITY_PROTECTION;
use crate::retold::retold;
use crate::wire::change::Compromised;

/// So many refusals in the same words, the call's, its halves' and their halves', are of the call itself:
/// one account that is not taken is in one half only. What an account is refused for tells which it is.
const ALIKE: usize = 7;

impl Orders {
    /// One call for all. When it is refused for what is in it, nothing was done to anybody, and
    /// nobody knows for whose sake: then the halves are asked, until the one that is not taken
    /// stands alone; but not where all parts are refused alike, which is for the call itself. No account is
    /// named again in a call after one that may have been carried out.
    pub(super) async fn flag(&self, orders: &[Placed<'_>]) -> Vec<(usize, Outcome)> {
        let mut outcomes = Vec::with_capacity(orders.len());
        let mut named = Vec::with_capacity(orders.len());
        for (place, order) in orders {
            match object_id(order) {
                Ok(id) => named.push((*place, *order, id)),
                Err(error) => outcomes.push((*place, self.failed(order, error))),
            }
        }
        let until = self.until();
        let mut open: VecDeque<&[(usize, &Order, String)]> = VecDeque::from([named.as_slice()]);
        // Refusals one after the other, while nothing was taken: how many, and what they say.
        let mut refused: Option<(usize, Error)> = None;
        let mut was_taken = false;
        // Who has nobody to name takes no turn: they are a second apart.
        while let Some(group) = open.pop_front().filter(|group| !group.is_empty()) {
            let ids: Vec<&str> = group.iter().map(|(.., id)| id.as_str()).collect();
            let result = match self.protection.turn(until).await {
                Ok(()) => self.confirm(ids).await,
                Err(wait) => Err(Error::new(ErrorKind::RateLimited, operation(Action::FlagCompromised))
                    .with_detail("not sent: it is not its turn yet")
                    .with_retry_after(wait)),
            };
            match result {
                Ok(response) => {
                    was_taken = true;
                    outcomes.extend(group.iter().map(|(place, ..)| (*place, Outcome::Done(receipt(&response)))));
                }
                Err(error) if group.len() > 1 && is_of_the_contents(&error) => {
                    let alike = match refused.take() {
                        Some((count, before)) if is_the_same(&before, &error) => count + 1,
                        _ => 1,
                    };
                    refused = Some((alike, retold(&error)));
                    if !was_taken && alike >= ALIKE {
                        let rest = open.drain(..).chain([group]).flatten();
                        outcomes.extend(rest.map(|(place, order, _)| (*place, self.failed(order, retold(&error)))));
                        break;
                    }
                    let (first, second) = group.split_at(group.len() / 2);
                    open.extend([first, second]);
                }
                Err(error) => {
                    outcomes.extend(group.iter().map(|(place, order, _)| (*place, self.failed(order, retold(&error)))));
                }
            }
        }
        outcomes
    }

    async fn confirm(&self, ids: Vec<&str>) -> Result<Response> {
        let alone = ids.len() == 1;
        let request =
            Request::post("/identityProtection/riskyUsers/confirmCompromised").json(&Compromised { user_ids: ids })?;
        let request = if alone { request.of_account() } else { request };
        let response = self.client().attempt(operation(Action::FlagCompromised), IDENTITY_PROTECTION, &request).await?;
        done(Action::FlagCompromised, &response)?;
        Ok(response)
    }
}

/// Whether two refusals say the same.
fn is_the_same(one: &Error, other: &Error) -> bool {
    (one.kind(), one.status(), one.detail()) == (other.kind(), other.status(), other.detail())
}

/// Whether one of the accounts may be why.
fn is_of_the_contents(error: &Error) -> bool {
    error.status() == Status::Permanent && matches!(error.kind(), ErrorKind::InputInvalid | ErrorKind::AccountNotFound)
}
