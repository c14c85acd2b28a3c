//! A directory over canned answers.

use std::sync::Arc;

use identity_core::account::DirectoryId;
pub(crate) use testkit::canned::{Answer, Canned, reply, with_header};

use crate::{OktaConfig, OktaDirectory};

/// Where the canned org is.
pub(crate) const ORG: &str = "https://acme.okta.test";
/// Whom the API token of [`config`] is of.
pub(crate) const ME: &str = "00uMe00000000000000";

/// What is read to connect, by the name that it has among the asides.
const CONNECTING: &str = "connecting";

/// A directory over canned answers, connected by an API token of the user [`ME`]. What was sent to
/// connect is not among [`Canned::sent`].
pub(crate) async fn directory(answers: impl IntoIterator<Item = Answer>) -> (Arc<OktaDirectory>, Arc<Canned>) {
    connected(config(), answers).await
}

/// As [`directory`], with a configuration of the test's own.
pub(crate) async fn connected(
    config: OktaConfig,
    answers: impl IntoIterator<Item = Answer>,
) -> (Arc<OktaDirectory>, Arc<Canned>) {
    let canned = Canned::new(answers).with_aside(CONNECTING, |uri| match uri.path() {
        "/api/v1/users/me" => Some(reply(200, &format!(r#"{{"id":"{ME}","status":"ACTIVE"}}"#))),
        "/api/v1/principal-rate-limits" | "/api/v1/api-tokens" => Some(reply(403, DENIED)),
        _ => None,
    });
    let directory = OktaDirectory::connect(config.transport(canned.clone())).await.unwrap();
    canned.no_longer_aside(CONNECTING);
    (directory, canned)
}

/// A configuration of [`ORG`] that signs in by an API token.
pub(crate) fn config() -> OktaConfig {
    OktaConfig::new(DirectoryId::new("okta").unwrap(), ORG).api_token("planted-token".into())
}

/// An RSA key in PEM that is of no app.
pub(crate) fn app_key() -> String {
    static KEY: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    let make = || rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap().serialize_pem();
    KEY.get_or_init(make).clone()
}

/// A refusal for want of a permission (Okta API reference, error codes).
pub(crate) const DENIED: &str = r#"{"errorCode":"E0000006","errorSummary":"You do not have permission to perform the requested action","errorLink":"E0000006","errorId":"oaeq1","errorCauses":[]}"#;
