//! A tenant over canned answers.

use std::sync::Arc;

use identity_core::account::DirectoryId;
pub(crate) use testkit::canned::{Answer, Canned, Sent, reply, with_header};

use crate::{EntraConfig, EntraDirectory};

/// The aside of those who hold the newer role of the synchronisation: nobody, without an answer of
/// the test.
pub(crate) const SECOND_ROLE: &str = "second role";

/// A directory over canned answers, connected: the tenant `tenant-1` with the domains `managed.test`
/// and `federated.test`. What was sent to connect is not among [`Canned::sent`].
pub(crate) async fn directory(answers: impl IntoIterator<Item = Answer>) -> (Arc<EntraDirectory>, Arc<Canned>) {
    connected(config(), answers).await
}

/// As [`directory`], with a configuration of the test's own.
pub(crate) async fn connected(
    config: EntraConfig,
    answers: impl IntoIterator<Item = Answer>,
) -> (Arc<EntraDirectory>, Arc<Canned>) {
    let canned = signed_in(TENANT.map(|body| reply(200, body)).into_iter().chain(answers));
    let directory = EntraDirectory::connect(config.transport(canned.clone())).await.unwrap();
    canned.forget();
    (directory, canned)
}

/// A configuration of `tenant-1` that signs in by a secret.
pub(crate) fn config() -> EntraConfig {
    let id = DirectoryId::new("cloud").unwrap();
    EntraConfig::new(id, "managed.test").client_secret("535fb089-9ff3-47b6-9bfb-4f1264799865", "planted-secret".into())
}

/// What is read to connect.
pub(crate) const TENANT: [&str; 2] = [
    r#"{"value":[{"id":"tenant-1","displayName":"Contoso","onPremisesSyncEnabled":true,"verifiedDomains":[]}]}"#,
    r#"{"value":[{"id":"managed.test","authenticationType":"Managed"},{"id":"federated.test","authenticationType":"Federated"}]}"#,
];

/// Grants every request for a token aside; answers the others in this order.
pub(crate) fn signed_in(answers: impl IntoIterator<Item = Answer>) -> Arc<Canned> {
    Canned::new(answers)
        .with_aside("tokens", |uri| {
            let granted = r#"{"token_type":"Bearer","expires_in":3599,"access_token":"t0k3n"}"#;
            uri.path().ends_with("/oauth2/v2.0/token").then(|| reply(200, granted))
        })
        .with_aside(SECOND_ROLE, |uri| {
            let of_it = uri.query().is_some_and(|query| query.contains("a92aed5d-d78a-4d16-b381-09adb37eb3b0"));
            of_it.then(|| reply(200, r#"{"value":[]}"#))
        })
}
