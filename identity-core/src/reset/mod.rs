//! What can be done to an account, the order to do it, and what came of it.

mod action;
mod order;
mod outcome;
pub mod password;
mod secret;

pub use action::{Action, Containment};
pub use order::Order;
pub use outcome::{Outcome, Receipt};
pub use secret::{Secret, SecretKind};
