//! Carrying out orders: one outcome each, many in flight.

use std::collections::HashMap;
use std::sync::PoisonError;

use async_trait::async_trait;
use futures::future::join_all;
use identity_core::account::{Account, AccountId};
use identity_core::directory::{Directory, ForcedReset, Support};
use identity_core::error::{Error, ErrorKind, Result, Status};
use identity_core::limits::{Feedback, OperationClass, Signal, clock};
use identity_core::reset::{Action, Order, Outcome, Receipt, Secret};
use jiff::Timestamp;
use uuid::Uuid;

use super::account::{id_filter, id_of};
use super::answer::{self, PlainError};
use super::config::PasswordBy;
use super::directory::PlainDirectory;
use super::policy::LOCKED_BY_ADMINISTRATOR;
use super::support;
use crate::pace::{self, feedback};
use crate::reset::operation;
use crate::value::time;
use crate::wire::entry::Entry;
use crate::wire::{Change, Connection, Fault, Reply, Search};

const RESET: &str = "pwdReset";
const LOCK: &str = "pwdAccountLockedTime";
/// What is looked at after a set.
const AFTER: [&str; 4] = ["entryUUID", "pwdChangedTime", RESET, LOCK];
/// Result codes: RFC 4511 appendix A, RFC 4528 section 4.
const NO_SUCH_OBJECT: u32 = 32;
const ASSERTION_FAILED: u32 = 122;

#[async_trait]
impl ForcedReset for PlainDirectory {
    fn support(&self, account: &Account, action: Action) -> Support {
        support::support(&self.tree.policies(), self.tree.has_policy, account, action)
    }

    async fn apply(&self, orders: &[Order]) -> Vec<Outcome> {
        let found = match self.find(orders).await {
            Ok(found) => found,
            Err(error) => return orders.iter().map(|order| self.outcome(order, Err(again(&error)))).collect(),
        };
        // Each connection's window bounds what is in flight.
        join_all(
            orders
                .iter()
                .map(|order| async { self.outcome(order, self.attempt(order, found.get(&order.account)).await) }),
        )
        .await
    }
}

fn is_must_change(action: Action) -> bool {
    matches!(action, Action::ExpirePassword | Action::SetPassword { must_change: true })
}

/// One error of a read that all orders of a batch waited for. Nothing was sent for any of them.
fn again(error: &Error) -> Error {
    Error::new(error.kind(), "find the account")
        .with_status(error.status())
        .with_detail(error.detail())
        .with_advice(error.advice().unwrap_or("check the server and the network to it"))
}

impl PlainDirectory {
    fn outcome(&self, order: &Order, result: Result<Receipt>) -> Outcome {
        match result {
            Ok(receipt) => Outcome::Done(receipt),
            Err(error) => error.with_directory(self.tree.directory.clone()).with_account(order.account.clone()).into(),
        }
    }

    /// The entries of a batch in one read: an operation names an entry by its distinguished name, and
    /// that may have changed since it was listed.
    async fn find(&self, orders: &[Order]) -> Result<HashMap<AccountId, Entry>> {
        let Some(filter) = id_filter(orders.iter().map(|order| &order.account)) else { return Ok(HashMap::new()) };
        let connection = self.connection().await?;
        let search = Search::subtree(&self.tree.base, filter, &["entryUUID", LOCK]);
        let begun = clock::instant();
        let read = connection.read(&search).await;
        let told = feedback(OperationClass::Read, read.as_ref().err(), begun.elapsed());
        self.tree.governor.feedback(&told);
        let entries = read.map_err(|fault| answer::error(fault, "find the account", false))?;
        Ok(entries.into_iter().filter_map(|entry| Some((id_of(&entry)?, entry))).collect())
    }

    async fn connection(&self) -> Result<std::sync::Arc<Connection>> {
        self.tree.pool.pick().await.inspect_err(|error| pace::unsent(&self.tree.governor, error))
    }

    async fn attempt(&self, order: &Order, entry: Option<&Entry>) -> Result<Receipt> {
        let operation = operation(order.action);
        if !self.capabilities().can(order.action) {
            return Err(Error::new(ErrorKind::Unsupported, operation)
                .with_detail("this server cannot do this")
                .with_advice("ask ForcedReset::support before planning it"));
        }
        let password = match (&order.password, order.action.needs_password()) {
            (None, true) => {
                return Err(Error::new(ErrorKind::InputInvalid, operation)
                    .with_detail("the order carries no password")
                    .with_advice("make orders for this action with Order::with_password"));
            }
            (password, _) => password.as_ref(),
        };
        let Some(entry) = entry else {
            return Err(Error::new(ErrorKind::AccountNotFound, operation)
                .with_detail("no entry has this entryUUID, or this sign-in may not see it")
                .with_advice("take ids from this directory's own enumeration"));
        };
        let lock = entry.text("pwdaccountlockedtime");
        let changes = match (order.action, password) {
            (Action::SetPassword { .. } | Action::Scramble, Some(password)) => {
                return self.set(order, entry, password, operation).await;
            }
            (Action::ExpirePassword, _) => vec![Change::Replace(RESET, b"TRUE".to_vec())],
            (Action::Disable, _) if lock == Some(LOCKED_BY_ADMINISTRATOR) => return Ok(Receipt::default()),
            (Action::Disable, _) => vec![Change::Replace(LOCK, LOCKED_BY_ADMINISTRATOR.into())],
            (Action::Unlock, _) => match lock {
                // An account that an administrator closed is not locked out, and stays closed.
                None | Some(LOCKED_BY_ADMINISTRATOR) => return Ok(Receipt::default()),
                // Exactly this lock-out. slapd forgets the failures with a deletion, not with a replacement.
                Some(at) => vec![Change::Delete(LOCK, at.as_bytes().to_vec())],
            },
            _ => {
                return Err(Error::new(ErrorKind::Unsupported, operation)
                    .with_detail("an LDAP server has no such operation")
                    .with_advice("ask ForcedReset::support before planning it"));
            }
        };
        let connection = self.connection().await?;
        if !self.tree.has_assertion {
            self.still_leads(&connection, entry, order, operation).await?;
        }
        let writing =
            connection.modify_under_policy(&entry.dn, changes, self.tree.has_policy, self.only_if(order), &[]);
        self.write(writing).await.map_err(|failure| failure.into_error(operation))?;
        Ok(Receipt::default())
    }

    /// Sets a password, and then what else the order says.
    async fn set(&self, order: &Order, entry: &Entry, password: &Secret, operation: &'static str) -> Result<Receipt> {
        let closed =
            entry.text("pwdaccountlockedtime") == Some(LOCKED_BY_ADMINISTRATOR) || self.is_to_close(order, false);
        let policy = self.tree.has_policy;
        let connection = self.connection().await?;
        let whole = self.tree.config.password_by == PasswordBy::Modify;
        // slapd refuses the condition on a Password Modify: the name is looked at just before and just after.
        let conditional = whole && self.tree.has_assertion;
        if !conditional {
            self.still_leads(&connection, entry, order, operation).await?;
        }
        let result = if whole {
            let changes = in_one(password, is_must_change(order.action), closed, policy);
            let after: &[&str] = if conditional && !policy { &[] } else { &AFTER };
            self.write(connection.modify_under_policy(&entry.dn, changes, policy, self.only_if(order), after)).await
        } else {
            if closed {
                self.is_to_close(order, true);
            }
            self.write(connection.set_password(&entry.dn, password.expose(), policy)).await
        };
        let after = match result {
            Ok(after) => after,
            // The answer to an earlier attempt with this password was lost, or what follows failed then.
            Err(Failure::Answered(answer)) if answer.is_set_already() => None,
            Err(failure) => return Err(failure.into_error(operation)),
        };
        if conditional && !policy {
            return Ok(Receipt::default());
        }
        let now = match after.filter(|entry| is_told(entry, policy)) {
            Some(now) => now,
            None => self.read_back(&connection, &entry.dn).await.map_err(|error| unfinished(&error, operation))?,
        };
        if !is_meant(&now, order) {
            return Err(if conditional { renamed(operation) } else { misled(&now, operation) });
        }
        if !policy {
            return Ok(Receipt::default());
        }
        let at = self.finish(&connection, &now, order, closed).await.map_err(|error| unfinished(&error, operation))?;
        if closed {
            self.to_close.lock().unwrap_or_else(PoisonError::into_inner).remove(&order.account);
        }
        Ok(at.map_or_else(Receipt::default, |at| Receipt::default().with_time(at)))
    }

    /// Whether the account is one that a set opened and that is to be closed again; with `note` it is
    /// one from now on.
    fn is_to_close(&self, order: &Order, note: bool) -> bool {
        let mut to_close = self.to_close.lock().unwrap_or_else(PoisonError::into_inner);
        if note {
            to_close.insert(order.account.clone());
        }
        to_close.contains(&order.account)
    }

    /// What follows a set: must-change as ordered, the lock as it was, and when the server says that
    /// the password was set.
    async fn finish(
        &self,
        connection: &Connection,
        now: &Entry,
        order: &Order,
        closed: bool,
    ) -> Result<Option<Timestamp>, Error> {
        let must_change = is_must_change(order.action);
        let mut changes = Vec::new();
        let is_flagged = now.text("pwdreset") == Some("TRUE");
        if must_change && !is_flagged {
            changes.push(Change::Replace(RESET, b"TRUE".to_vec()));
        } else if !must_change && is_flagged {
            changes.push(Change::Clear(RESET));
        }
        if closed && now.text("pwdaccountlockedtime") != Some(LOCKED_BY_ADMINISTRATOR) {
            changes.push(Change::Replace(LOCK, LOCKED_BY_ADMINISTRATOR.into()));
        }
        if !changes.is_empty() {
            let writing = connection.modify_under_policy(&now.dn, changes, true, self.only_if(order), &[]);
            self.write(writing).await.map_err(|failure| failure.into_error("finish"))?;
        }
        Ok(now.bytes("pwdchangedtime").and_then(time::generalized))
    }

    /// The entry that has this name now.
    async fn read_back(&self, connection: &Connection, dn: &str) -> Result<Entry> {
        let search = Search::object(dn, &AFTER);
        let begun = clock::instant();
        let read = connection.read(&search).await;
        self.tree.governor.feedback(&feedback(OperationClass::Read, read.as_ref().err(), begun.elapsed()));
        match read {
            Ok(entries) => entries.into_iter().next().ok_or_else(|| renamed("read back")),
            Err(fault) if fault.is_missing() => Err(renamed("read back")),
            Err(fault) => Err(answer::error(fault, "read back", false)),
        }
    }

    /// Nothing is sent to a name that went to another entry since the account was found.
    async fn still_leads(
        &self,
        connection: &Connection,
        entry: &Entry,
        order: &Order,
        operation: &'static str,
    ) -> Result<()> {
        let now = self.read_back(connection, &entry.dn).await?;
        if is_meant(&now, order) { Ok(()) } else { Err(renamed(operation)) }
    }

    /// The condition of a change, where the server takes one: a name may go to another entry between the
    /// look at it and the change.
    fn only_if(&self, order: &Order) -> Option<Uuid> {
        Uuid::try_parse(order.account.as_str()).ok().filter(|_| self.tree.has_assertion)
    }

    /// One change, and what it says about pace; what the entry is after it, where that was asked and told.
    async fn write(&self, writing: impl Future<Output = Result<Reply, Fault>>) -> Result<Option<Entry>, Failure> {
        let begun = clock::instant();
        let answered = writing.await;
        let mut told = feedback(OperationClass::Write, answered.as_ref().err(), begun.elapsed());
        let outcome = match answered {
            Err(fault) => Err(Failure::Fault(fault)),
            Ok(reply) => PlainError::check(&reply).map(|()| reply.after).map_err(Failure::Answered),
        };
        if matches!(&outcome, Err(Failure::Answered(answer)) if answer.is_busy()) {
            told = Feedback::new(OperationClass::Write, Signal::Busy).with_latency(begun.elapsed());
        }
        self.tree.governor.feedback(&told);
        outcome
    }
}

/// Why a change was not confirmed.
#[derive(Debug)]
enum Failure {
    Answered(PlainError),
    Fault(Fault),
}

impl Failure {
    fn into_error(self, operation: &'static str) -> Error {
        match self {
            // The entry was found a moment ago: it was renamed since, or deleted, and perhaps another one has
            // its name. Found anew, it is told apart.
            Self::Answered(answer) if matches!(answer.code.0, NO_SUCH_OBJECT | ASSERTION_FAILED) => renamed(operation),
            Self::Answered(answer) => answer.into_error(operation),
            Self::Fault(fault) => answer::error(fault, operation, true),
        }
    }
}

/// Whether the answer to a change tells all that is asked of the entry after it: which one it is, and with a
/// policy when its password was set.
fn is_told(after: &Entry, policy: bool) -> bool {
    after.bytes("entryuuid").is_some() && (!policy || after.bytes("pwdchangedtime").is_some())
}

/// Whether the entry is the one that the order is about.
fn is_meant(entry: &Entry, order: &Order) -> bool {
    id_of(entry).is_some_and(|id| id.as_str().eq_ignore_ascii_case(order.account.as_str()))
}

/// The name leads to nobody or to somebody else. Nothing was done.
fn renamed(operation: &'static str) -> Error {
    Error::new(ErrorKind::Conflict, operation)
        .with_status(Status::Temporary)
        .with_detail("the account was renamed or deleted at the same moment")
        .with_advice("it is looked for again")
}

/// The name went to another entry while the password was under way, and that one may have got it. Not
/// tried again: people have to look at both.
fn misled(now: &Entry, operation: &'static str) -> Error {
    let other = id_of(now).map_or_else(|| "unknown".to_owned(), |id| id.to_string());
    Error::new(ErrorKind::Conflict, operation)
        .with_status(Status::Permanent)
        .with_detail(format!(
            "the account was renamed while its password was set, and {} is another entry now (entryUUID {other}): \
             which of the two has the new password is not known",
            now.dn
        ))
        .with_advice("reset both by hand; have nobody rename entries during a run, or configure password_by as modify")
}

/// The password is set, and what else was ordered is not: temporary, unless the server will refuse it
/// again. The same order with the same password completes it.
fn unfinished(error: &Error, operation: &'static str) -> Error {
    let status = match error.status() {
        Status::Permanent if error.kind() != ErrorKind::Conflict => Status::Permanent,
        _ => Status::Temporary,
    };
    Error::new(error.kind(), operation)
        .with_status(status)
        .with_detail(format!("the password was set; must-change or the lock was not: {}", error.detail()))
        .with_advice(error.advice().unwrap_or("the same order is sent again, with the same password"))
}

/// Everything that an order says in one Modify: done whole or not at all.
fn in_one(password: &Secret, must_change: bool, closed: bool, policy: bool) -> Vec<Change> {
    let mut changes = vec![Change::Replace("userPassword", password.expose().as_bytes().to_vec())];
    if policy && must_change {
        changes.push(Change::Replace(RESET, b"TRUE".to_vec()));
    } else if policy {
        changes.push(Change::Clear(RESET));
    }
    if policy && closed {
        // slapd takes the lock away with a set, unless the same Modify deletes it: so it does, and locks.
        changes.push(Change::Delete(LOCK, LOCKED_BY_ADMINISTRATOR.into()));
        changes.push(Change::Add(LOCK, LOCKED_BY_ADMINISTRATOR.into()));
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_modify_says_everything_and_prints_nothing() {
        let secret = Secret::new("planted-secret".to_owned());
        let text = |must, closed, policy| format!("{:?}", in_one(&secret, must, closed, policy));
        assert_eq!(text(true, false, true), "[Replace(userPassword), Replace(pwdReset)]");
        assert_eq!(
            text(false, true, true),
            "[Replace(userPassword), Clear(pwdReset), Delete(pwdAccountLockedTime), Add(pwdAccountLockedTime)]"
        );
        assert_eq!(text(true, true, false), "[Replace(userPassword)]");
    }

    #[test]
    fn what_is_half_done_is_tried_again_unless_it_will_be_refused_again() {
        let of = |error: Error| unfinished(&error, "set password").status();
        let unknown = Error::new(ErrorKind::Transport, "finish").with_status(Status::Unknown);
        assert_eq!(of(unknown), Status::Temporary);
        assert_eq!(
            of(Error::new(ErrorKind::InsufficientPrivilege, "finish").with_status(Status::Permanent)),
            Status::Permanent
        );
        let error = unfinished(&Error::new(ErrorKind::Conflict, "read back"), "set password");
        assert_eq!(error.status(), Status::Temporary);
        assert!(error.detail().starts_with("the password was set"), "{error}");
    }

    #[test]
    fn an_entry_that_was_renamed_at_the_moment_is_looked_for_again() {
        for code in [NO_SUCH_OBJECT, ASSERTION_FAILED] {
            let answer = PlainError::check(&Reply { code, text: String::new(), policy: None, after: None })
                .expect_err("refused");
            let error = Failure::Answered(answer).into_error("set password");
            assert_eq!((error.kind(), error.status()), (ErrorKind::Conflict, Status::Temporary), "{code}");
        }
    }
}
