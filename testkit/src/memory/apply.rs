//! Writes: what each action does to an account, what the directory refuses, and what goes wrong.

use std::time::Duration;

use async_trait::async_trait;
use identity_core::account::{Account, PasswordAuthority};
use identity_core::directory::{Directory, ForcedReset, RateLimitedBatching, Support};
use identity_core::error::{Error, ErrorKind, Status};
use identity_core::limits::{BatchCost, Feedback, OperationClass, Signal, clock};
use identity_core::reset::{Action, Order, Outcome, Receipt, Secret, SecretKind};

use super::MemoryDirectory;
use super::directory::{Inner, Late};
use super::policy::refusal;
use super::record::digest;
use super::recovery::can_do_mfa;
use super::state::{AFTER_MFA, DISABLED, LOCKED, MUST_CHANGE, RECOVERY, TOUCHED};
use crate::fault::{Fault, Operation};

/// The answer to one order, before it travels back.
enum Answer {
    Now(Outcome),
    /// Nothing comes back: what was sent is unknown once the deadline has passed.
    Never,
}

#[async_trait]
impl ForcedReset for MemoryDirectory {
    fn support(&self, account: &Account, action: Action) -> Support {
        match action {
            _ if self.capabilities().can(action) => {}
            Action::SetTemporaryPassword => {
                return Support::without_temporary(self.support(account, Action::SetPassword { must_change: true }));
            }
            _ => return Support::cannot(format!("{} cannot {action}", self.info().kind)),
        }
        if let Some(because) = account.kind.protected_because() {
            return Support::cannot(because);
        }
        if action.shows_in_password_state() && account.authority != PasswordAuthority::Here {
            return Support::cannot("the password is not mastered in this directory: reset it where it is");
        }
        let set = Action::SetPassword { must_change: false };
        let must_change = action.demands_change();
        if matches!(action, Action::ResetToRecovery { .. }) && account.password.cannot_change {
            return Support::instead(set, "the owner may not change the password, and could not come back by recovery");
        }
        if must_change && account.password.never_expires {
            return Support::instead(set, "the password never expires: a must-change flag has no effect");
        }
        if must_change && account.password.cannot_change {
            return Support::instead(
                set,
                "the owner may not change the password: a must-change flag locks the owner out",
            );
        }
        if action == Action::SetPasswordChangeAfterMfa && !can_do_mfa(account) {
            let because = "its owner has no second factor, and could not sign in to choose another password";
            return Support::instead(Action::SetPassword { must_change: true }, because);
        }
        Support::Works
    }

    async fn apply(&self, orders: &[Order]) -> Vec<Outcome> {
        let Some(class) = orders.first().map(|order| self.class_of(order.action)) else { return Vec::new() };
        let most = self.world.limits.batch_of(class).get() as usize;
        if orders.len() > most || orders.iter().any(|order| self.class_of(order.action) != class) {
            return orders.iter().map(|order| Outcome::Refused(self.not_a_batch(order))).collect();
        }
        let one_call = self.world.limits.is_one_call(class);
        let requests = match self.world.limits.batch_cost {
            _ if one_call => 1,
            BatchCost::OneRequest => 1,
            _ => u32::try_from(orders.len()).unwrap_or(u32::MAX),
        };
        let flight = self.take_off(requests);
        {
            let mut inner = self.inner();
            inner.largest_batch = inner.largest_batch.max(orders.len());
        }
        let there = self.world.write_latency / 2;
        // The effect is in the middle: a caller that gives up before it was too early for it,
        // one that gives up after it loses an answer.
        self.wait(there).await;
        let mut answers = Vec::with_capacity(orders.len());
        let mut slow = Duration::ZERO;
        for (place, order) in orders.iter().enumerate() {
            answers.push(self.carry_out(order, place == 0 || !one_call, &mut slow));
        }
        self.wait(self.world.write_latency - there + slow).await;
        if answers.iter().any(|answer| matches!(answer, Answer::Never)) {
            if self.world.own_deadline {
                clock::sleep(self.world.limits.deadline).await;
            } else {
                std::future::pending::<()>().await;
            }
        }
        drop(flight);
        let outcomes = orders.iter().zip(answers).map(|(order, answer)| match answer {
            Answer::Now(outcome) => outcome,
            Answer::Never => Outcome::Unknown(self.of(order, ErrorKind::Timeout).with_detail("no answer in time")),
        });
        let outcomes: Vec<Outcome> = outcomes.collect();
        let told = if one_call { 1 } else { outcomes.len() };
        outcomes.iter().take(told).for_each(|outcome| self.tell(class, outcome));
        outcomes
    }
}

impl MemoryDirectory {
    fn of(&self, order: &Order, kind: ErrorKind) -> Error {
        self.error(kind, order.action.as_str()).with_account(order.account.clone())
    }

    /// Tells the governor what an answer said about pace.
    fn tell(&self, class: OperationClass, outcome: &Outcome) {
        let signal = match outcome {
            Outcome::Done(_) | Outcome::Refused(_) => Signal::Ok,
            Outcome::Throttled(_) => Signal::Throttled,
            Outcome::Temporary(_) | Outcome::Unknown(_) => Signal::Busy,
        };
        // A refusal before the wire is no answer.
        if matches!(outcome, Outcome::Refused(error) if error.kind() == ErrorKind::Unsupported) {
            return;
        }
        let mut feedback = Feedback::new(class, signal).with_latency(self.world.write_latency);
        feedback.retry_after = outcome.retry_after();
        self.world.governor.feedback(&feedback);
    }

    /// `pays`: whether the quotas price this order; in a batch that is one call only the first.
    fn carry_out(&self, order: &Order, pays: bool, slow: &mut Duration) -> Answer {
        if let Some(refused) = self.before_the_wire(order) {
            return Answer::Now(Outcome::Refused(refused));
        }
        {
            let mut inner = self.inner();
            inner.writes += 1;
            if std::mem::take(&mut inner.cut_connections) {
                drop(inner);
                let error =
                    self.of(order, ErrorKind::Transport).with_detail("the connection was cut before the request");
                return Answer::Now(Outcome::Temporary(error));
            }
        }
        if pays && let Err(wait) = self.admit(self.class_of(order.action)) {
            return Answer::Now(Outcome::Throttled(self.slow_down(order, Some(wait))));
        }
        let Some(fault) = self.world.faults.next(Operation::Write, Some(order.account.as_str())) else {
            return Answer::Now(self.serve(order));
        };
        match fault {
            Fault::Slow(time) => {
                *slow = (*slow).max(time);
                Answer::Now(self.serve(order))
            }
            Fault::NeverAnswer => {
                drop(self.serve(order));
                Answer::Never
            }
            Fault::Swallow => Answer::Never,
            Fault::CutAfterApply | Fault::CutMidAnswer | Fault::GatewayTimeout => match self.serve(order) {
                Outcome::Done(_) | Outcome::Refused(_) => Answer::Now(self.lost(order)),
                other => Answer::Now(other),
            },
            Fault::CutBeforeApply => Answer::Now(self.lost(order)),
            Fault::LateApply(delay) => {
                self.later(order, delay);
                Answer::Now(self.lost(order))
            }
            Fault::Busy | Fault::GarbledMessage | Fault::Conflict => {
                Answer::Now(Outcome::Throttled(self.slow_down(order, None)))
            }
            Fault::Throttle(wait) => Answer::Now(Outcome::Throttled(self.slow_down(order, Some(wait)))),
            Fault::Unavailable | Fault::NoticeOfDisconnection | Fault::BadGateway => {
                let error = self.of(order, ErrorKind::Unavailable).with_detail("the directory cannot serve now");
                Answer::Now(Outcome::Temporary(error))
            }
            Fault::RefusePassword => {
                Answer::Now(Outcome::Refused(self.rejected(order, "the policy refuses the password")))
            }
            Fault::Forbid => Answer::Now(Outcome::Refused(self.forbidden(order))),
            // Without a wire there are no pages to cut and no answers to overtake.
            Fault::TruncatedPage | Fault::Overtaken => Answer::Now(self.serve(order)),
        }
    }

    fn not_a_batch(&self, order: &Order) -> Error {
        let error = self.of(order, ErrorKind::InputInvalid);
        error.with_detail("the batch is too large for its class, or mixes classes").with_advice("see Limits::batch_of")
    }

    /// What is refused without sending anything.
    fn before_the_wire(&self, order: &Order) -> Option<Error> {
        if !self.capabilities().can(order.action) {
            let error = self.of(order, ErrorKind::Unsupported);
            return Some(error.with_detail("this directory cannot do it").with_advice("choose another action"));
        }
        if order.action.needs_password() && order.password.is_none() {
            let error = self.of(order, ErrorKind::InputInvalid);
            return Some(error.with_detail("the order has no password").with_advice("generate one for this action"));
        }
        None
    }

    /// What the directory does with an order that arrived.
    fn serve(&self, order: &Order) -> Outcome {
        let Some((index, row)) = self.index_of(&order.account).and_then(|index| Some((index, self.row(index)?))) else {
            let error = self.of(order, ErrorKind::AccountNotFound).with_detail("there is no such account");
            return Outcome::Refused(error.with_advice("it may have been deleted since the plan"));
        };
        if self.world.no_rights.contains(&order.account) {
            return Outcome::Refused(self.forbidden(order));
        }
        if let Some(error) = self.refused(order, &row) {
            return Outcome::Refused(error);
        }
        let early = self.inner().early.remove(&order.account);
        if let Some(behind) = early {
            self.later(order, behind);
            return Outcome::Done(Receipt::default().with_time(self.now()));
        }
        let secret = self.issue(order.action);
        let mut inner = self.inner();
        inner.states.know(index, &row);
        self.take_effect(&mut inner, index, &row, order.action, order.password.as_ref().or(secret.as_ref()));
        let request = format!("memory-{}", inner.writes);
        self.note_write(&mut inner, order.action, &order.account, Some(request.clone()));
        let receipt = Receipt::default().with_time(self.now()).with_request_id(request);
        Outcome::Done(match secret {
            Some(secret) => receipt.with_server_secret(secret),
            None => receipt,
        })
    }

    /// The secret that the directory makes for this action.
    fn issue(&self, action: Action) -> Option<Secret> {
        let random = rand::random::<u128>();
        Some(Secret::new(match action.server_secret()? {
            SecretKind::RecoveryLink => format!("https://{}.example.test/recover/{random:032x}", self.id()),
            _ => format!("Pass-{random:032x}"),
        }))
    }

    fn refused(&self, order: &Order, row: &Account) -> Option<Error> {
        if !order.action.shows_in_password_state() || order.action == Action::ExpirePassword {
            return None;
        }
        if row.authority != PasswordAuthority::Here {
            let error = self.of(order, ErrorKind::Unsupported);
            return Some(error.with_detail("the password is not mastered here").with_advice("reset it where it is"));
        }
        let because = refusal(&self.world.policy, &row.name, order.password.as_ref()?)?;
        Some(self.rejected(order, because))
    }

    /// `secret`: the new password, or what the directory made for this action.
    fn take_effect(&self, inner: &mut Inner, index: u64, row: &Account, action: Action, secret: Option<&Secret>) {
        let now = self.now();
        let states = &mut inner.states;
        if let (Some(kind), Some(secret)) = (action.server_secret(), secret) {
            states.issued.entry(index).or_default().push((kind, digest(secret)));
        }
        if action.sets_password() {
            states.set_flag(index, RECOVERY, false);
        }
        match (action, secret) {
            (Action::SetPassword { must_change }, Some(password)) => {
                states.set_password(index, digest(password), now, true);
                states.set_flag(index, MUST_CHANGE, must_change);
                states.set_flag(index, AFTER_MFA, false);
            }
            (Action::SetPasswordChangeAfterMfa, Some(password)) => {
                states.set_password(index, digest(password), now, true);
                states.set_flag(index, MUST_CHANGE, true);
                states.set_flag(index, AFTER_MFA, true);
            }
            (Action::Scramble, Some(password)) => {
                states.set_password(index, digest(password), now, true);
                states.set_flag(index, MUST_CHANGE, false);
            }
            (Action::SetTemporaryPassword, Some(password)) => {
                states.set_password(index, digest(password), now, true);
                states.set_flag(index, MUST_CHANGE, true);
                states.set_flag(index, AFTER_MFA, false);
            }
            (Action::ResetToRecovery { .. }, _) => {
                states.set_flag(index, RECOVERY, true);
                states.set_flag(index, MUST_CHANGE, false);
            }
            // Active Directory answers success, and nothing happens.
            (Action::ExpirePassword, _) if row.password.never_expires => return,
            (Action::ExpirePassword, _) => states.set_flag(index, MUST_CHANGE, true),
            (Action::RevokeSessions, _) => states.revoke_sessions(index, now),
            (Action::Unlock, _) => states.set_flag(index, LOCKED, false),
            (Action::Disable, _) => states.set_flag(index, DISABLED, true),
            _ => {}
        }
        states.set_flag(index, TOUCHED, true);
        states.note_change(index);
    }

    fn later(&self, order: &Order, delay: Duration) {
        if let Some(index) = self.index_of(&order.account) {
            let (action, password) = (order.action, order.password.clone().or_else(|| self.issue(order.action)));
            self.inner().late.push(Late { due: clock::instant() + delay, index, action, password });
        }
    }

    /// Lets what is due take effect, in the order that it became due.
    pub(super) fn land_late(&self, inner: &mut Inner) {
        let now = clock::instant();
        let (mut due, waiting): (Vec<Late>, Vec<Late>) =
            std::mem::take(&mut inner.late).into_iter().partition(|late| late.due <= now);
        inner.late = waiting;
        due.sort_by_key(|late| late.due);
        for Late { index, action, password, .. } in due {
            let original = self.world.roster.row(self.id(), index);
            let born =
                || inner.states.births.get(usize::try_from(index.checked_sub(self.world.roster.len())?).ok()?).cloned();
            let row = original.or_else(born).and_then(|row| self.as_now(&inner.states, index, row));
            let Some(row) = row else { continue };
            let weak = password
                .as_ref()
                .filter(|_| action.needs_password())
                .and_then(|password| refusal(&self.world.policy, &row.name, password));
            if weak.is_none() {
                inner.states.know(index, &row);
                self.take_effect(inner, index, &row, action, password.as_ref());
                self.note_write(inner, action, &row.id, None);
            }
        }
    }

    fn lost(&self, order: &Order) -> Outcome {
        let error = self.of(order, ErrorKind::Transport).with_status(Status::Unknown);
        let error = error.with_detail("the connection broke before the answer came");
        Outcome::Unknown(error.with_advice("read the account back before anything is repeated"))
    }

    fn slow_down(&self, order: &Order, wait: Option<Duration>) -> Error {
        let error = self.of(order, ErrorKind::RateLimited).with_detail("the directory asks to slow down");
        match wait {
            Some(wait) => error.with_retry_after(wait),
            None => error,
        }
    }

    fn rejected(&self, order: &Order, because: &str) -> Error {
        let error = self.of(order, ErrorKind::PasswordRejected).with_detail(because);
        error.with_advice("generate a password that satisfies the policy")
    }

    fn forbidden(&self, order: &Order) -> Error {
        let error = self.of(order, ErrorKind::InsufficientPrivilege).with_detail("we may not do this to this account");
        error.with_advice("give the principal the right to reset passwords there, or reset this account by hand")
    }
}
