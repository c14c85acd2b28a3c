//! What is written to a user.

use serde::Serialize;

/// `{"credentials":{"password":{"value":…}}}`. Without `Debug`: it holds a password.
#[derive(Serialize)]
pub(crate) struct PasswordChange<'a> {
    credentials: Credentials<'a>,
}

#[derive(Serialize)]
struct Credentials<'a> {
    password: Password<'a>,
}

#[derive(Serialize)]
struct Password<'a> {
    value: &'a str,
}

impl<'a> PasswordChange<'a> {
    /// A change to this password and of nothing else.
    pub(crate) fn to(value: &'a str) -> Self {
        Self { credentials: Credentials { password: Password { value } } }
    }
}
