//! The rehearsal on a test account: is a password set here seen on every controller, and how soon?

use std::time::Duration;

use identity_core::account::{Account, AccountId, AccountKind};
use identity_core::directory::{AccountEnumerator, Directory, PrivilegeClassifier};
use identity_core::error::{ErrorKind, Result};
use identity_core::limits::clock;
use identity_core::reset::Action;
use serde::Serialize;

use super::KrbtgtReset;
use super::servers::{self, ServerState};
use super::story::Event;

const OPERATION: &str = "reset the canary";

/// How the rehearsal ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CanaryEnd {
    /// The test account's name.
    pub account: String,
    /// Every controller, and whether it has the change.
    pub servers: Vec<ServerState>,
    /// How long it took until every controller that is waited for had it, or until patience ended.
    pub took: Duration,
}

impl CanaryEnd {
    /// Whether every controller that is waited for has the change.
    #[must_use]
    pub fn converged(&self) -> bool {
        !self.servers.iter().any(ServerState::holds_up)
    }
}

impl KrbtgtReset {
    /// Resets a test account to a password that nobody knows, the way krbtgt will be, and waits until
    /// every controller has it. Best an account that was made for this, and is disabled.
    ///
    /// # Errors
    /// [`ErrorKind::Protected`] for an account that is privileged, of another kind than a person's,
    /// or the own one; otherwise when the reset is refused or has no answer.
    pub async fn canary(&mut self, account: &AccountId) -> Result<CanaryEnd> {
        let found = self.directory.lookup(std::slice::from_ref(account)).await?.into_iter().next().flatten();
        let before = found.ok_or_else(|| {
            self.error(ErrorKind::AccountNotFound, OPERATION, "there is no such account")
                .with_account(account.clone())
                .with_advice("give the objectGUID of a test account")
        })?;
        self.may_be_canary(&before).await?;
        let begun = clock::instant();
        self.send(&before, Action::Scramble).await?;
        let after = self.directory.lookup(std::slice::from_ref(account)).await?.into_iter().next().flatten();
        let after = after.filter(|after| super::phase::moved(&before.password, &after.password)).ok_or_else(|| {
            self.error(ErrorKind::Unexpected, OPERATION, "it was confirmed, and reading back shows no change")
                .with_account(account.clone())
                .with_advice("find out why before krbtgt is touched")
        })?;
        let settings = &self.settings;
        let servers =
            servers::wait(&self.directory, account, &after.password, &settings.without, settings.patience).await?;
        let end = CanaryEnd { account: after.name, servers, took: begun.elapsed() };
        let (account, converged) = (account.clone(), end.converged());
        self.file.append(Event::Canary { account, converged, servers: end.servers.clone() })?;
        Ok(end)
    }

    async fn may_be_canary(&self, account: &Account) -> Result<()> {
        let because = if account.kind != AccountKind::Person {
            format!("it is of kind {}", account.kind)
        } else if self.directory.preflight().await?.principal.as_ref() == Some(&account.id) {
            "it is the account that this signs in with".to_owned()
        } else if self.directory.privileges().await?.classify(&account.id).is_privileged() {
            "it is privileged, or it cannot be told whether it is".to_owned()
        } else {
            return Ok(());
        };
        Err(self
            .error(ErrorKind::Protected, OPERATION, format!("{} is no canary: {because}", account.name))
            .with_account(account.id.clone())
            .with_advice("make an account for this, without any rights"))
    }
}
