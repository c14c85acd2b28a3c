//! What becomes of orders.

use std::time::Duration;

use async_trait::async_trait;

use super::{NO_ANSWER, SimulatedDirectory};
use crate::account::{Account, PasswordAuthority};
use crate::directory::{ForcedReset, RateLimitedBatching, Support};
use crate::error::{Error, ErrorKind};
use crate::limits::{BatchCost, Feedback, OperationClass, Signal, clock};
use crate::rehearsal::shape::{ShapedSupport, latency};
use crate::reset::{Action, Order, Outcome, Receipt, Secret, SecretKind};

#[async_trait]
impl ForcedReset for SimulatedDirectory {
    fn support(&self, account: &Account, action: Action) -> Support {
        let told = || "the directory said so when the shape was taken; the shape does not hold why".to_owned();
        let shaped = self.server.part.place(&account.id).map(|place| self.server.part.account(place));
        let said: Option<ShapedSupport> = match shaped {
            Some(Ok(row)) => row.support.iter().find(|support| support.action == action).copied(),
            Some(Err(error)) => return Support::Cannot { because: error.to_string() },
            None => None,
        };
        match said {
            Some(ShapedSupport { works: true, .. }) => Support::Works,
            Some(ShapedSupport { instead: Some(instead), .. }) => Support::Instead { action: instead, because: told() },
            Some(_) => Support::Cannot { because: told() },
            None if self.server.capabilities.can(action) => Support::Works,
            None => Support::Cannot { because: format!("{} cannot {action}", self.server.info.kind) },
        }
    }

    fn rules_out(&self, first: Action, next: Action) -> Option<String> {
        let known = self.server.shaped().rules_out.contains(&(first, next));
        known.then(|| format!("{next} cannot be done after {first} in this directory"))
    }

    async fn apply(&self, orders: &[Order]) -> Vec<Outcome> {
        let Some(class) = orders.first().map(|order| self.class_of(order.action)) else { return Vec::new() };
        self.process.alive().await;
        let number = {
            let mut inner = self.server.inner();
            inner.requests += 1;
            inner.requests
        };
        if self.server.is_down() {
            clock::sleep(NO_ANSWER.min(self.server.limits.deadline / 2)).await;
            self.process.alive().await;
            self.server.inner().counts.unanswered += orders.len() as u64;
            self.governor.feedback(&Feedback::new(class, Signal::Busy));
            return orders.iter().map(|order| Outcome::Temporary(self.down(order))).collect();
        }
        let late = self.late(orders);
        // The effect is in the middle: a process that dies after it lost the answer.
        clock::sleep(late / 2).await;
        self.process.alive().await;
        let one_call = self.server.limits.is_one_call(class);
        let outcomes: Vec<Outcome> = orders
            .iter()
            .enumerate()
            .map(|(place, order)| self.carry_out(order, class, place == 0 || !one_call, number))
            .collect();
        clock::sleep(late - late / 2).await;
        self.process.alive().await;
        outcomes
    }
}

impl SimulatedDirectory {
    /// The answer is as late as the latest of those that are waited for together.
    fn late(&self, orders: &[Order]) -> Duration {
        let (of, seed) = (self.server.latency().write, self.server.seed);
        let drawn = |order: &Order| {
            latency::drawn(of, seed, &[order.account.as_str().as_bytes(), order.action.as_str().as_bytes()])
        };
        if self.server.limits.batch_cost == BatchCost::OneRequest {
            return orders.first().map(drawn).unwrap_or_default();
        }
        orders.iter().map(drawn).max().unwrap_or_default()
    }

    fn carry_out(&self, order: &Order, class: OperationClass, pays: bool, number: u64) -> Outcome {
        let mut feedback = Feedback::new(class, Signal::Ok);
        if pays {
            match self.server.admit(class) {
                Ok(hint) => feedback.window = hint,
                Err((wait, hint)) => {
                    self.server.inner().counts.throttled += 1;
                    feedback = Feedback::new(class, Signal::Throttled).with_retry_after(wait);
                    feedback.window = hint;
                    self.governor.feedback(&feedback);
                    let error = self.of(order, ErrorKind::RateLimited).with_retry_after(wait);
                    return Outcome::Throttled(error.with_detail("the directory asks to slow down"));
                }
            }
            self.governor.feedback(&feedback);
        }
        let refused = match self.serve(order) {
            Ok(secret) => {
                let receipt = Receipt::default().with_time(clock::now()).with_request_id(format!("rehearsal-{number}"));
                return Outcome::Done(match secret {
                    Some(secret) => receipt.with_server_secret(secret),
                    None => receipt,
                });
            }
            Err(refused) => refused,
        };
        self.server.inner().counts.refused += 1;
        Outcome::Refused(refused)
    }

    fn serve(&self, order: &Order) -> Result<Option<Secret>, Error> {
        let row = match self.server.place(&order.account) {
            Some(place) => self.server.row(place)?.map(|row| (place, row)),
            None => None,
        };
        let Some((place, row)) = row else {
            return Err(self.of(order, ErrorKind::AccountNotFound).with_detail("there is no such account"));
        };
        let (trouble, now) = (self.server.trouble(), clock::instant());
        if trouble.withdrawn.is_some_and(|until| until > now) {
            return Err(self
                .of(order, ErrorKind::InsufficientPrivilege)
                .with_detail("we may not do this any more")
                .with_advice("give the principal its right back"));
        }
        if let Some((_, share)) = trouble.refusing.filter(|(until, _)| *until > now)
            && latency::part(self.server.seed, &[b"refused", order.account.as_str().as_bytes()]) < share
        {
            return Err(self
                .of(order, ErrorKind::InsufficientPrivilege)
                .with_detail("we may not do this to this account")
                .with_advice("find out what these accounts have in common"));
        }
        if order.action.shows_in_password_state() && row.authority != PasswordAuthority::Here {
            return Err(self.of(order, ErrorKind::Unsupported).with_detail("the password is not mastered here"));
        }
        self.server.take_effect(place, &row, order.action);
        Ok(order.action.server_secret().map(|kind| self.secret(kind)))
    }

    /// What a directory makes itself. It opens nothing.
    fn secret(&self, kind: SecretKind) -> Secret {
        let random = uuid::Uuid::new_v4().simple();
        Secret::new(match kind {
            SecretKind::RecoveryLink => format!("https://rehearsal.invalid/{random}"),
            _ => format!("Rehearsal-{random}"),
        })
    }

    fn of(&self, order: &Order, kind: ErrorKind) -> Error {
        self.error(kind, order.action.as_str()).with_account(order.account.clone())
    }

    fn down(&self, order: &Order) -> Error {
        self.of(order, ErrorKind::Unavailable).with_detail("the directory does not answer")
    }
}
