//! Further domain controllers of the same domain, with replication that a test drives.

use std::io;

use super::MockAd;
use super::store::AccountState;

/// A domain controller of the mock's domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Controller {
    /// Its short name, in capitals: `DC2`.
    pub(super) name: String,
    pub(super) read_only: bool,
}

impl Controller {
    pub(super) fn new(name: &str, read_only: bool) -> Self {
        Self { name: name.to_uppercase(), read_only }
    }

    /// Its DNS name.
    pub(super) fn host(&self, domain: &str) -> String {
        format!("{}.{domain}", self.name.to_lowercase())
    }
}

impl MockAd {
    /// Starts another domain controller, one that the [builder](super::MockAdBuilder::controller)
    /// named. It begins with what this one has now, has an address and a certificate authority of
    /// its own, and learns of changes when [`replicate_from`](Self::replicate_from) says so.
    ///
    /// # Errors
    /// When no such controller was named, or it cannot start.
    pub async fn replica(&self, name: &str) -> io::Result<Self> {
        let place = self.builder.controllers.iter().position(|controller| controller.name.eq_ignore_ascii_case(name));
        let place = place.ok_or_else(|| io::Error::other(format!("the builder named no controller {name}")))?;
        let mut builder = self.builder.clone();
        builder.own = place;
        let replica = builder.start().await?;
        replica.replicate_from(self);
        Ok(replica)
    }

    /// Takes over every account's state from another controller: replication, all at once. What is
    /// newer here is overwritten too; write on one of them only. Names and groups that a test
    /// changed are taken over as well, in the account only.
    pub fn replicate_from(&self, source: &Self) {
        let states: Vec<AccountState> = source.server.store().states.iter().map(AccountState::copy).collect();
        let mut store = self.server.store();
        store.usn += 1;
        store.states = states;
    }

    /// The DNS name by which this controller knows itself.
    #[must_use]
    pub fn host(&self) -> String {
        self.builder.host()
    }
}

impl AccountState {
    fn copy(&self) -> Self {
        Self { passwords: self.passwords.clone(), overlay: self.overlay.clone(), ..*self }
    }
}
