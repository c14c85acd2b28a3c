//! The mock of Okta, our backend on it, and a bare HTTP client: the same requests, as many in flight.

use std::sync::Arc;

use anyhow::{Context, ensure};
use futures::TryStreamExt;
use futures::stream;
use identity_reset::account::{AccountId, DirectoryId};
use identity_reset::okta::{OktaConfig, OktaDirectory};
use serde_json::Value;
use testkit::mock_okta::{MockOkta, Status, fixed};

/// What [`OktaConfig::new`] begins with.
pub(crate) const IN_FLIGHT: usize = 10;

/// Our backend, that keeps to no quota.
pub(crate) async fn ours(mock: &MockOkta) -> anyhow::Result<Arc<OktaDirectory>> {
    let config = OktaConfig::new(DirectoryId::new("org")?, mock.url())
        .api_token(mock.api_token().into())
        .in_flight(u32::try_from(IN_FLIGHT)?)
        .without_quotas();
    Ok(OktaDirectory::connect(config).await?)
}

/// Gives everybody whose password is in Okta a status in which one call does the same to each.
pub(crate) fn even(mock: &MockOkta) -> anyhow::Result<()> {
    for user in mock.users() {
        if matches!(user.status(), Status::Recovery | Status::LockedOut) || user.number == fixed::ACTIVATING {
            mock.change(&user.id, |user| {
                user.standing.status = Status::Active;
                user.activating = false;
            })
            .context("a user is gone")?;
        }
    }
    Ok(())
}

/// The bare client.
#[derive(Debug)]
pub(crate) struct Bare {
    client: reqwest::Client,
    users: String,
    authorization: String,
}

impl Bare {
    pub(crate) fn new(mock: &MockOkta) -> anyhow::Result<Self> {
        Ok(Self {
            client: reqwest::Client::builder().no_proxy().build()?,
            users: format!("{}/api/v1/users", mock.url()),
            authorization: format!("SSWS {}", mock.api_token()),
        })
    }

    /// Has Okta set temporary passwords, this many requests in flight.
    pub(crate) async fn set_passwords(&self, accounts: &[AccountId], in_flight: usize) -> anyhow::Result<()> {
        stream::iter(accounts.iter().map(Ok)).try_for_each_concurrent(in_flight, |account| self.set(account)).await
    }

    /// The same, each account read before.
    pub(crate) async fn look_and_set(&self, accounts: &[AccountId], in_flight: usize) -> anyhow::Result<()> {
        let accounts = stream::iter(accounts.iter().map(Ok));
        accounts
            .try_for_each_concurrent(2 * in_flight, async |account| {
                let request = self.client.get(format!("{}/{account}", self.users));
                let sent = request.header("authorization", &self.authorization).header("accept", "application/json");
                let answer: Value = sent.send().await?.error_for_status()?.json().await?;
                ensure!(answer.get("id").is_some_and(Value::is_string), "no account in the answer");
                self.set(account).await
            })
            .await
    }

    async fn set(&self, account: &AccountId) -> anyhow::Result<()> {
        let call = "lifecycle/expire_password_with_temp_password?revokeSessions=true";
        let request = self.client.post(format!("{}/{account}/{call}", self.users));
        let sent = request.header("authorization", &self.authorization).header("accept", "application/json");
        let answer: Value = sent.send().await?.error_for_status()?.json().await?;
        ensure!(answer.get("tempPassword").is_some_and(Value::is_string), "no password in the answer");
        Ok(())
    }
}
