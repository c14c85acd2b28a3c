//! What it does with orders, and what of that is wrong.

use std::time::Duration;

use async_trait::async_trait;
use identity_core::account::Account;
use identity_core::directory::{Directory, ForcedReset, Support};
use identity_core::error::{Error, ErrorKind, Status};
use identity_core::reset::{Action, Order, Outcome};

use super::{Broken, How};

#[async_trait]
impl ForcedReset for Broken {
    fn support(&self, account: &Account, action: Action) -> Support {
        match self.how {
            How::ClaimsWhatItCannot => Support::Works,
            _ if !self.capabilities().can(action) => Support::cannot("it cannot"),
            _ => self.memory.support(account, action),
        }
    }

    async fn apply(&self, orders: &[Order]) -> Vec<Outcome> {
        let passwords = orders.iter().filter_map(|order| order.password.as_ref());
        self.seen.lock().unwrap().passwords.extend(passwords.map(|password| password.expose().to_owned()));
        match self.how {
            How::DoesNothing => return orders.iter().map(|_| Outcome::done()).collect(),
            How::LosesAnOrder => {
                let mut outcomes = self.memory.apply(&orders[..orders.len().saturating_sub(1)]).await;
                outcomes.extend(orders.last().map(|_| Outcome::done()));
                return outcomes;
            }
            How::PanicsWithoutPassword => {
                for order in orders.iter().filter(|order| order.action.needs_password()) {
                    order.password.as_ref().unwrap();
                }
            }
            How::RetriesHidden => drop(self.memory.apply(orders).await),
            How::KeepsMustChange | How::ForgetsSecondFactor | How::VoidsNothing => {
                let flip = |action| match action {
                    Action::SetPassword { must_change } if self.is(How::KeepsMustChange) => {
                        Action::SetPassword { must_change: !must_change }
                    }
                    // Something comes back, and the old password stays.
                    Action::SetTemporaryPassword if self.is(How::VoidsNothing) => Action::IssueAccessPass,
                    Action::ResetToRecovery { mail: false } if self.is(How::VoidsNothing) => Action::SendRecoveryLink,
                    Action::SetPasswordChangeAfterMfa => Action::SetPassword { must_change: true },
                    other => other,
                };
                let orders: Vec<Order> = orders
                    .iter()
                    .cloned()
                    .map(|mut order| {
                        order.action = flip(order.action);
                        order
                    })
                    .collect();
                return self.memory.apply(&orders).await;
            }
            How::RefusesRepeats => return self.refuse_repeats(orders).await,
            _ => {}
        }
        let outcomes = self.memory.apply(orders).await;
        self.garble(orders, outcomes)
    }
}

impl Broken {
    fn garble(&self, orders: &[Order], mut outcomes: Vec<Outcome>) -> Vec<Outcome> {
        let refused = |kind| Outcome::Refused(Error::new(kind, "x").with_status(Status::Permanent));
        match self.how {
            How::AnswersOutOfOrder => outcomes.reverse(),
            How::InventsOutcomes => outcomes.push(Outcome::done()),
            How::BatchFailsAsOne if outcomes.iter().any(|outcome| outcome.error().is_some()) => {
                outcomes.iter_mut().for_each(|outcome| *outcome = refused(ErrorKind::Unexpected));
            }
            How::StaysCut => {
                let mut seen = self.seen.lock().unwrap();
                seen.cut |= outcomes.iter().any(|outcome| matches!(outcome, Outcome::Temporary(_)));
                if seen.cut {
                    outcomes.iter_mut().for_each(|outcome| *outcome = refused(ErrorKind::Transport));
                }
            }
            How::LeaksInErrors => {
                for (order, outcome) in orders.iter().zip(&mut outcomes) {
                    let text = order.password.as_ref().map_or("", |password| password.expose());
                    if outcome.error().is_some() {
                        *outcome = Outcome::Refused(Error::new(ErrorKind::Unexpected, "x").with_detail(text));
                    }
                }
            }
            _ => outcomes = outcomes.into_iter().map(|outcome| self.rename(outcome)).collect(),
        }
        outcomes
    }

    fn rename(&self, outcome: Outcome) -> Outcome {
        match (self.how, outcome) {
            (How::CallsUnknownTemporary, Outcome::Unknown(error)) => Outcome::Temporary(error),
            (How::ThrottleIsRefused, Outcome::Throttled(error)) => Outcome::Refused(error),
            (How::CallsRefusalsTemporary, Outcome::Refused(error)) => {
                Outcome::Temporary(error.with_status(Status::Temporary).with_retry_after(Duration::ZERO))
            }
            (How::CallsMissingUnsupported, Outcome::Done(_)) => {
                Outcome::Refused(Error::new(ErrorKind::Unsupported, "x"))
            }
            (How::LeaksServerSecret, Outcome::Done(receipt)) => {
                let told = receipt.server_secret.as_ref().map(|secret| secret.expose().to_owned());
                Outcome::Done(match told {
                    Some(secret) => receipt.with_request_id(secret),
                    None => receipt,
                })
            }
            (How::LosesServerSecret, Outcome::Done(mut receipt)) => {
                receipt.server_secret = None;
                Outcome::Done(receipt)
            }
            (_, outcome) => outcome,
        }
    }

    async fn refuse_repeats(&self, orders: &[Order]) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        for order in orders {
            let password = order.password.as_ref().map(|password| password.expose().to_owned());
            let times =
                |password: &String| self.seen.lock().unwrap().passwords.iter().filter(|one| *one == password).count();
            if password.as_ref().is_some_and(|password| times(password) > 1) {
                outcomes.push(Outcome::Refused(Error::new(ErrorKind::PasswordRejected, "x")));
            } else {
                outcomes.extend(self.memory.apply(std::slice::from_ref(order)).await);
            }
        }
        outcomes
    }
}
