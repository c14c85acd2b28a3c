//! The request that an order is: one sensitive action each.

use identity_core::error::{Error, ErrorKind, Result};
use identity_core::http::Request;
use identity_core::reset::{Action, Order};
use uuid::Uuid;

use crate::wire::change::{Enablement, NoParameters, PasswordChange, PasswordProfile};

/// The operation's name in errors.
pub(super) fn operation(action: Action) -> &'static str {
    match action {
        Action::SetPassword { .. } | Action::SetPasswordChangeAfterMfa => "set password",
        Action::Scramble => "scramble password",
        Action::ExpirePassword => "expire password",
        Action::Disable => "disable",
        Action::RevokeSessions => "revoke sessions",
        Action::ResetAuthenticators => "reset authenticators",
        Action::FlagCompromised => "flag as compromised",
        Action::IssueAccessPass => "issue an access pass",
        _ => "apply",
    }
}

/// The id as Graph has it; nothing else goes into a path.
pub(super) fn object_id(order: &Order) -> Result<String> {
    Uuid::parse_str(order.account.as_str()).map(|id| id.hyphenated().to_string()).map_err(|_| {
        Error::new(ErrorKind::AccountNotFound, operation(order.action))
            .with_detail("the id is not an object id of Entra")
            .with_advice("take ids from this directory's own enumeration")
    })
}

/// Something of one user, at a path of ours below it.
pub(super) fn below(request: Request, id: &str, path: &str) -> Request {
    request.segment(id).then(path).of_account()
}

/// The request of an order that is one request.
pub(super) fn request(order: &Order) -> Result<Request> {
    let id = object_id(order)?;
    let patch = || Request::patch("/users").segment(&id).of_account();
    match order.action {
        Action::SetPassword { must_change } => patch().json(&password(order, must_change, false)?),
        Action::SetPasswordChangeAfterMfa => patch().json(&password(order, true, true)?),
        // Nobody is to know it, so that nobody could change it.
        Action::Scramble => patch().json(&password(order, false, false)?),
        Action::ExpirePassword => patch().json(&PasswordChange {
            password_profile: PasswordProfile {
                password: None,
                force_change_password_next_sign_in: true,
                force_change_password_next_sign_in_with_mfa: None,
            },
        }),
        Action::Disable => patch().json(&Enablement { account_enabled: false }),
        Action::RevokeSessions => below(Request::post("/users"), &id, "/revokeSignInSessions").json(&NoParameters {}),
        // How long it is good for, and whether once, is the tenant's policy.
        Action::IssueAccessPass => {
            below(Request::post("/users"), &id, "/authentication/temporaryAccessPassMethods").json(&NoParameters {})
        }
        _ => Err(Error::new(ErrorKind::Unsupported, operation(order.action))
            .with_detail("Microsoft Graph has no such operation for an app")
            .with_advice("ask ForcedReset::support before planning it")),
    }
}

fn password(order: &Order, must_change: bool, after_mfa: bool) -> Result<PasswordChange<'_>> {
    let password = order.password.as_ref().ok_or_else(|| {
        Error::new(ErrorKind::InputInvalid, operation(order.action))
            .with_detail("the order carries no password")
            .with_advice("make orders for this action with Order::with_password")
    })?;
    Ok(PasswordChange {
        password_profile: PasswordProfile {
            password: Some(password.expose()),
            force_change_password_next_sign_in: must_change,
            force_change_password_next_sign_in_with_mfa: Some(after_mfa),
        },
    })
}

/// A listing inside an order.
pub(super) fn listing(id: &str) -> Request {
    below(Request::get("/users"), id, "/authentication/methods")
}
