//! The mock of Microsoft Graph, our backend on it, and a bare HTTP client: the same requests in
//! batches of the same size, as many in flight.
#![allow(dead_code, reason = "each benchmark uses a part of it")]

use std::sync::Arc;

use anyhow::{Context, ensure};
use futures::TryStreamExt;
use futures::stream;
use identity_reset::account::{AccountId, DirectoryId};
use identity_reset::entra::{EntraConfig, EntraDirectory};
use serde_json::{Value, json};
use testkit::mock_graph::MockGraph;

/// What [`EntraConfig::new`] begins with.
pub(crate) const IN_FLIGHT: usize = 8;
/// Requests of one batch: what Graph takes, and what ours sends.
const BATCH: usize = 20;
/// Ids of one filter.
const FILTER: usize = 15;
/// What ours reads of an account before it touches it.
const SELECT: &str = "id,userPrincipalName,displayName,mail,accountEnabled,userType,creationType,\
externalUserState,onPremisesSyncEnabled,onPremisesDomainName,onPremisesSamAccountName,\
onPremisesSecurityIdentifier,onPremisesImmutableId,lastPasswordChangeDateTime,signInSessionsValidFromDateTime,\
passwordPolicies,passwordProfile,identities,isManagementRestricted,createdDateTime,department,companyName,\
employeeId,employeeType,jobTitle,city,country,usageLocation,preferredLanguage";

/// Our backend, that keeps to no quota.
pub(crate) async fn ours(mock: &MockGraph) -> anyhow::Result<Arc<EntraDirectory>> {
    let secret = mock.client_secret().context("the mock's app has a secret")?;
    let config = EntraConfig::new(DirectoryId::new("cloud")?, mock.tenant_id().to_string())
        .client_secret(mock.client_id().to_string(), secret.into())
        .login_url(mock.login_url())
        .graph_url(mock.graph_url())
        .in_flight(u32::try_from(IN_FLIGHT)?)
        .without_quotas();
    Ok(EntraDirectory::connect(config).await?)
}

/// The bare client, with a token.
#[derive(Debug)]
pub(crate) struct Bare {
    client: reqwest::Client,
    batch: String,
    token: String,
}

impl Bare {
    pub(crate) async fn connect(mock: &MockGraph) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder().no_proxy().build()?;
        let secret = mock.client_secret().context("the mock's app has a secret")?;
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &mock.client_id().to_string()),
            ("client_secret", &secret),
            ("scope", "https://graph.microsoft.com/.default"),
        ];
        let endpoint = format!("{}/{}/oauth2/v2.0/token", mock.login_url(), mock.tenant_id());
        let granted: Value = client.post(endpoint).form(&form).send().await?.error_for_status()?.json().await?;
        let token = granted.get("access_token").and_then(Value::as_str).context("no token")?.to_owned();
        Ok(Self { client, batch: format!("{}/v1.0/$batch", mock.graph_url()), token })
    }

    /// Sets passwords with must-change, this many batches in flight.
    pub(crate) async fn set_passwords(
        &self,
        accounts: &[AccountId],
        password: &str,
        in_flight: usize,
    ) -> anyhow::Result<()> {
        stream::iter(accounts.chunks(BATCH).map(Ok))
            .try_for_each_concurrent(in_flight, |accounts| self.set_batch(accounts, password))
            .await
    }

    /// The same, each account read before: 20 filters of 15 ids in one batch, then their passwords.
    pub(crate) async fn look_and_set(
        &self,
        accounts: &[AccountId],
        password: &str,
        in_flight: usize,
    ) -> anyhow::Result<()> {
        let reads = stream::iter(accounts.chunks(BATCH * FILTER).map(Ok));
        reads.try_for_each_concurrent(in_flight, |accounts| self.read_batch(accounts)).await?;
        self.set_passwords(accounts, password, in_flight).await
    }

    async fn read_batch(&self, accounts: &[AccountId]) -> anyhow::Result<()> {
        let requests = accounts.chunks(FILTER).enumerate().map(|(place, ids)| {
            let quoted: Vec<String> = ids.iter().map(|id| format!("'{id}'")).collect();
            let filter = format!("id in ({})", quoted.join(",")).replace(' ', "%20");
            json!({
                "id": place.to_string(),
                "method": "GET",
                "url": format!("/users?$filter={filter}&$select={SELECT}&$top=999"),
            })
        });
        let batch = json!({ "requests": requests.collect::<Vec<_>>() });
        let sent = self.client.post(&self.batch).bearer_auth(&self.token).json(&batch).send().await?;
        let answer: Value = sent.error_for_status()?.json().await?;
        let answers = answer.get("responses").and_then(Value::as_array).context("no answers")?;
        let rows = answers.iter().filter_map(|answer| answer.pointer("/body/value").and_then(Value::as_array));
        let read: usize = rows.map(Vec::len).sum();
        ensure!(read == accounts.len(), "{read} of {} accounts were read", accounts.len());
        Ok(())
    }

    async fn set_batch(&self, accounts: &[AccountId], password: &str) -> anyhow::Result<()> {
        let profile = json!({ "password": password, "forceChangePasswordNextSignIn": true });
        let requests = accounts.iter().enumerate().map(|(place, id)| {
            json!({
                "id": place.to_string(),
                "method": "PATCH",
                "url": format!("/users/{id}"),
                "headers": { "Content-Type": "application/json" },
                "body": { "passwordProfile": profile },
            })
        });
        let batch = json!({ "requests": requests.collect::<Vec<_>>() });
        let sent = self.client.post(&self.batch).bearer_auth(&self.token).json(&batch).send().await?;
        let answer: Value = sent.error_for_status()?.json().await?;
        let answers = answer.get("responses").and_then(Value::as_array).context("no answers")?;
        let set = answers.iter().filter(|answer| answer.get("status").and_then(Value::as_u64) == Some(204)).count();
        ensure!(set == accounts.len(), "{set} of {} passwords were set: {answer}", accounts.len());
        Ok(())
    }
}
