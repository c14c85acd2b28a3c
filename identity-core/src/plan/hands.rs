//! What is left to people by the kind of an account, and what they do.

use crate::account::AccountKind;

/// Why people, and not the engine, reset an account that a mass run may touch.
pub(crate) fn left_to_people(kind: AccountKind) -> Option<&'static str> {
    match kind {
        AccountKind::Service => Some("a program signs in with it: a reset from outside breaks the program"),
        AccountKind::Unknown => Some("the directory does not tell what this account is"),
        _ => None,
    }
}

/// What people do, where neither the organisation nor the directory says more.
pub(crate) fn general_procedure(kind: AccountKind) -> &'static str {
    match kind {
        AccountKind::Service => {
            "Agree on a time with the owner. Set a new password on the account and in every program that uses it, \
             together; restart the programs and see them sign in. Then record it as done."
        }
        AccountKind::Unknown => {
            "Find out what signs in with it. Reset it by hand as that kind of account needs it, or disable it if \
             nothing does. Then record it as done."
        }
        _ => "Reset it by hand, by its own procedure; two people, one of whom writes it down. Then record it as done.",
    }
}
