//! Carrying out orders: one Modify each, many in flight, one outcome each.

use async_trait::async_trait;
use futures::future::join_all;
use identity_core::account::Account;
use identity_core::directory::{ForcedReset, Support};
use identity_core::error::{Error, ErrorKind, Status};
use identity_core::limits::{OperationClass, clock};
use identity_core::reset::{Action, Order, Outcome, Secret};

use crate::LdapDirectory;
use crate::domain::Domain;
use crate::pace::{self, feedback};
use crate::support;
use crate::value::guid;
use crate::wire::{Change, Connection, Fault, Search};

/// ACCOUNTDISABLE of userAccountControl (MS-ADTS 2.2.16).
const DISABLED: i64 = 2;

#[async_trait]
impl ForcedReset for LdapDirectory {
    fn support(&self, account: &Account, action: Action) -> Support {
        support::support(account, action)
    }

    async fn apply(&self, orders: &[Order]) -> Vec<Outcome> {
        // Each connection's window bounds what is in flight.
        join_all(orders.iter().map(|order| apply_one(&self.domain, order))).await
    }
}

async fn apply_one(domain: &Domain, order: &Order) -> Outcome {
    match attempt(domain, order).await {
        Ok(()) => Outcome::done(),
        Err(error) => error.with_directory(domain.directory.clone()).with_account(order.account.clone()).into(),
    }
}

async fn attempt(domain: &Domain, order: &Order) -> Result<(), Error> {
    let operation = operation(order.action);
    let Some(account) = guid::of_account(&order.account) else {
        return Err(Error::new(ErrorKind::AccountNotFound, operation)
            .with_detail("the id is not an objectGUID")
            .with_advice("take ids from this directory's own enumeration"));
    };
    let name = guid::dn(account);
    let connection = domain.pool.pick().await.inspect_err(|error| pace::unsent(&domain.governor, error))?;
    let Some(changes) = changes(domain, &connection, order, &name, operation).await? else { return Ok(()) };
    let begun = clock::instant();
    let hints = domain.policy_hints && order.action.needs_password();
    let outcome = connection.modify(&name, changes, hints).await;
    domain.governor.feedback(&feedback(OperationClass::Write, outcome.as_ref().err(), begun.elapsed()));
    outcome.map_err(|fault| {
        if matches!(&fault, Fault::Answered(answer) if answer.lost_sign_in()) {
            connection.retire();
        }
        fault.into_error(operation, true)
    })
}

/// The steps of an order; `None` if it is already as ordered.
async fn changes(
    domain: &Domain,
    connection: &Connection,
    order: &Order,
    name: &str,
    operation: &'static str,
) -> Result<Option<Vec<Change>>, Error> {
    let zero = || b"0".to_vec();
    let changes = match order.action {
        // In this order: the set itself writes pwdLastSet (MS-SAMR 3.1.1.8.7).
        Action::SetPassword { must_change: true } => {
            vec![unicode_pwd(order, operation)?, Change::Replace("pwdLastSet", zero())]
        }
        Action::SetPassword { must_change: false } | Action::Scramble => vec![unicode_pwd(order, operation)?],
        Action::ExpirePassword => vec![Change::Replace("pwdLastSet", zero())],
        Action::Unlock => vec![Change::Replace("lockoutTime", zero())],
        Action::Disable => return disable(domain, connection, name, operation).await,
        _ => {
            return Err(Error::new(ErrorKind::Unsupported, operation)
                .with_detail("Active Directory has no such operation")
                .with_advice("ask ForcedReset::support before planning it"));
        }
    };
    Ok(Some(changes))
}

/// Disabling reads the flags and writes them with one bit more, as "remove the old value, add the
/// new one": if somebody changed them in between, the controller refuses instead of losing that.
async fn disable(
    domain: &Domain,
    connection: &Connection,
    name: &str,
    operation: &'static str,
) -> Result<Option<Vec<Change>>, Error> {
    let begun = clock::instant();
    let read = connection.read(&Search::object(name, &["userAccountControl"])).await;
    domain.governor.feedback(&feedback(OperationClass::Read, read.as_ref().err(), begun.elapsed()));
    let entries = read.map_err(|fault| fault.into_error(operation, false))?;
    let Some(flags) = entries.first().and_then(|entry| entry.number("useraccountcontrol")) else {
        return Err(Error::new(ErrorKind::InsufficientPrivilege, operation)
            .with_status(Status::Permanent)
            .with_detail("userAccountControl cannot be read")
            .with_advice("let the account that the run signs in with read and write userAccountControl"));
    };
    if flags & DISABLED != 0 {
        return Ok(None);
    }
    let text = |flags: i64| flags.to_string().into_bytes();
    Ok(Some(vec![
        Change::Delete("userAccountControl", text(flags)),
        Change::Add("userAccountControl", text(flags | DISABLED)),
    ]))
}

fn unicode_pwd(order: &Order, operation: &'static str) -> Result<Change, Error> {
    let password = order.password.as_ref().ok_or_else(|| {
        Error::new(ErrorKind::InputInvalid, operation)
            .with_detail("the order carries no password")
            .with_advice("make orders for this action with Order::with_password")
    })?;
    Ok(Change::Replace("unicodePwd", quoted(password)))
}

/// The password between quotation marks in UTF-16, little-endian, without a mark in front
/// (MS-ADTS 3.1.1.3.1.5.1). The buffer is of its full size from the start, so that growing leaves no
/// copies behind; the change wipes it when it is done.
fn quoted(password: &Secret) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(2 * (password.expose().len() + 2));
    let units = std::iter::once(u16::from(b'"')).chain(password.expose().encode_utf16()).chain([u16::from(b'"')]);
    units.for_each(|unit| bytes.extend_from_slice(&unit.to_le_bytes()));
    bytes
}

/// An action as errors name it; of both dialects.
pub(crate) fn operation(action: Action) -> &'static str {
    match action {
        Action::SetPassword { .. } => "set password",
        Action::Scramble => "scramble password",
        Action::ExpirePassword => "expire password",
        Action::Unlock => "unlock",
        Action::Disable => "disable",
        _ => "apply",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use identity_core::account::AccountId;

    #[test]
    fn a_password_goes_out_quoted_in_utf_16() {
        let bytes = quoted(&Secret::new("aß\"𝄞".to_owned()));
        let expected: Vec<u8> = "\"aß\"𝄞\"".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(bytes, expected);
        assert_eq!(&bytes[..4], b"\"\0a\0");
    }

    #[test]
    fn nothing_prints_the_password() {
        let order = Order::new(AccountId::new("1").expect("id"), Action::Scramble)
            .with_password(Secret::new("planted-secret".to_owned()));
        let change = unicode_pwd(&order, "set password").expect("a change");
        assert_eq!(format!("{change:?}"), "Replace(unicodePwd)");
        let bare = Order::new(AccountId::new("1").expect("id"), Action::Scramble);
        assert_eq!(unicode_pwd(&bare, "x").expect_err("none").kind(), ErrorKind::InputInvalid);
    }
}
