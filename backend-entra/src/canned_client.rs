//! A client of Graph over a transport of the test, without a tenant around it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use identity_core::account::DirectoryId;
use identity_core::error::Result;
use identity_core::http::{AccessToken, BaseUrl, Client, ClientSettings, TokenCache, TokenSource, Transport};
use identity_core::limits::{Governor, Limits};
use secrecy::SecretString;

use crate::dialect::GraphDialect;

/// A client of these limits, with a token that lasts.
pub(crate) fn client(transport: Arc<dyn Transport>, limits: &Limits) -> Client {
    let base = BaseUrl::parse("https://graph.microsoft.com/v1.0").unwrap();
    let settings = ClientSettings::new(base).with_directory(DirectoryId::new("cloud").unwrap());
    let tokens = Arc::new(TokenCache::new(Lasting));
    Client::new(settings, transport, Arc::new(GraphDialect), tokens, Governor::new(limits))
}

#[derive(Debug)]
struct Lasting;

#[async_trait]
impl TokenSource for Lasting {
    async fn token(&self) -> Result<AccessToken> {
        Ok(AccessToken::new(SecretString::from("t0k3n"), Duration::from_secs(86_400)))
    }
}
