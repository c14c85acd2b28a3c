//! One action on one account, ready to be sent.

use super::{Action, Secret};
use crate::account::AccountId;

/// One action on one account, ready to be sent: one attempt.
///
/// ```
/// use identity_core::account::AccountId;
/// use identity_core::reset::{Action, Order, Secret};
///
/// let order = Order::new(AccountId::new("1")?, Action::SetPassword { must_change: true })
///     .with_password(Secret::new("correct horse".into()));
/// assert!(!format!("{order:?}").contains("horse"));
/// # Ok::<(), identity_core::account::InvalidId>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Order {
    /// The account.
    pub account: AccountId,
    /// What to do.
    pub action: Action,
    /// The generated password, where the action [needs one](Action::needs_password).
    pub password: Option<Secret>,
}

impl Order {
    /// An order without a password.
    #[must_use]
    pub fn new(account: AccountId, action: Action) -> Self {
        Self { account, action, password: None }
    }

    /// Adds the password to be set.
    #[must_use]
    pub fn with_password(mut self, password: Secret) -> Self {
        self.password = Some(password);
        self
    }
}
