//! The request that an order is.

use identity_core::error::{Error, ErrorKind, Result};
use identity_core::http::Request;
use identity_core::reset::{Action, Order};

use crate::key::is_user_id;
use crate::wire::change::PasswordChange;

/// The operation's name in errors.
pub(super) fn operation(action: Action) -> &'static str {
    match action {
        Action::SetPassword { .. } => "set password",
        Action::SetTemporaryPassword => "set a temporary password",
        Action::Scramble => "scramble password",
        Action::ResetToRecovery { .. } => "reset to recovery",
        Action::ExpirePassword => "expire password",
        Action::Unlock => "unlock",
        Action::Disable => "suspend",
        Action::SendRecoveryLink => "send a recovery link",
        Action::ResetAuthenticators => "reset authenticators",
        Action::RevokeSessions => "revoke sessions",
        _ => "apply",
    }
}

/// The request of an order.
///
/// # Errors
/// [`ErrorKind::AccountNotFound`] for an id that Okta does not give, [`ErrorKind::InputInvalid`] for
/// an order without the password that it needs, [`ErrorKind::Unsupported`] for what Okta does not do.
/// Nothing is sent then.
pub(super) fn request(order: &Order) -> Result<Request> {
    let id = user_id(order)?;
    let below = |request: Request, path: &str| request.segment(id).then(path).of_account();
    let lifecycle = |name: &str| below(Request::post("/api/v1/users"), &format!("/lifecycle/{name}"));
    Ok(match order.action {
        // The history of passwords is not asked: ours is random, and one refused for it would only
        // have to be made again.
        Action::SetPassword { must_change: false } | Action::Scramble => {
            Request::post("/api/v1/users").segment(id).of_account().json(&PasswordChange::to(password(order)?))?
        }
        Action::SetTemporaryPassword => lifecycle("expire_password_with_temp_password").query("revokeSessions", "true"),
        Action::ResetToRecovery { mail } => {
            lifecycle("reset_password").query("sendEmail", word(mail)).query("revokeSessions", "true")
        }
        Action::ExpirePassword => lifecycle("expire_password"),
        Action::Unlock => lifecycle("unlock"),
        Action::Disable => lifecycle("suspend"),
        Action::ResetAuthenticators => lifecycle("reset_factors"),
        Action::SendRecoveryLink => {
            below(Request::post("/api/v1/users"), "/credentials/forgot_password").query("sendEmail", "true")
        }
        // Devices that skip the second factor are forgotten too: by default in the Identity Engine, not in Classic.
        Action::RevokeSessions => below(Request::delete("/api/v1/users"), "/sessions")
            .query("oauthTokens", "true")
            .query("forgetDevices", "true"),
        _ => {
            return Err(Error::new(ErrorKind::Unsupported, operation(order.action))
                .with_detail("Okta has no such operation")
                .with_advice("ask ForcedReset::support before planning it"));
        }
    })
}

fn word(yes: bool) -> &'static str {
    if yes { "true" } else { "false" }
}

/// The id as Okta gives it. Okta takes a sign-in name in its place, and that could be somebody else's
/// by now.
fn user_id(order: &Order) -> Result<&str> {
    let id = order.account.as_str();
    if is_user_id(id) {
        return Ok(id);
    }
    Err(Error::new(ErrorKind::AccountNotFound, operation(order.action))
        .with_detail("the id is not one that Okta gives to a user")
        .with_advice("take ids from this directory's own enumeration"))
}

fn password(order: &Order) -> Result<&str> {
    let password = order.password.as_ref().ok_or_else(|| {
        Error::new(ErrorKind::InputInvalid, operation(order.action))
            .with_detail("the order carries no password")
            .with_advice("make orders for this action with Order::with_password")
    })?;
    Ok(password.expose())
}
