//! The backend on the hostile server.

use std::time::Duration;

use backend_ldap::{LdapConfig, LdapDirectory};
use futures::TryStreamExt;
use identity_core::account::{Account, AccountId, DirectoryId};
use identity_core::directory::{AccountEnumerator, AccountQuery};
use identity_core::error::Error;
use identity_core::reset::{Action, Order, Secret};

use crate::server::Server;

pub(crate) async fn connect(server: &Server) -> std::sync::Arc<LdapDirectory> {
    LdapDirectory::connect(config(server)).await.expect("connects")
}

pub(crate) fn config(server: &Server) -> LdapConfig {
    LdapConfig::new(DirectoryId::new("corp").expect("id"), format!("ldaps://127.0.0.1:{}", server.port))
        .bind("CN=reset,DC=x", "a secret".into())
        .ca_pem(server.certificate.clone())
        .connections(1)
        .page_size(2)
        .deadline(Duration::from_secs(2))
}

pub(crate) fn order() -> Order {
    let account = AccountId::new("01010101-0101-0101-0101-010101010101").expect("id");
    Order::new(account, Action::SetPassword { must_change: true }).with_password(Secret::new("planted-secret".into()))
}

pub(crate) async fn list(directory: &LdapDirectory) -> Result<Vec<Account>, Error> {
    directory.accounts(&AccountQuery::everyone()).try_collect().await
}
