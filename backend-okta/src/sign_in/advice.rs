//! What to do about a refused sign-in, by Okta's words ("OAuth 2.0 and OpenID Connect error codes").

use identity_core::http::GrantFault;

/// What the reader can do about a refusal.
pub(super) fn advice(fault: &GrantFault) -> Option<String> {
    let words = fault.description.to_ascii_lowercase();
    let known = WORDS.iter().find(|(word, _)| words.contains(word)).map(|(_, advice)| *advice);
    known.or_else(|| by_error(&fault.error)).map(str::to_owned)
}

/// The first that fits counts.
const WORDS: [(&str, &str); 12] = [
    ("dpop proof jwt header is missing", "the app is set to need a proof with each request (DPoP): turn dpop on"),
    (
        "audience claim",
        "the org answers at another address than the one configured: give the address that the org's own pages use",
    ),
    ("too far into the future", "check this machine's clock"),
    ("already been used", "a request for a token came twice: see whether a proxy in between repeats requests"),
    ("kid is invalid", "the key's id is not among the app's keys: give the `kid` that the app's page shows for it"),
    (
        "signature is invalid",
        "the private key is of none of the app's public keys: register its public key with the app, or give the right one",
    ),
    ("private_key_jwt", "set the app's client authentication to public key / private key"),
    ("is expired", "check this machine's clock"),
    ("five minutes in the past", "check this machine's clock"),
    ("issued in the future", "check this machine's clock"),
    ("no scopes were requested", "name the scopes to ask for"),
    (
        "one or more scopes are not configured",
        "grant the scopes under Okta API Scopes of the app (docs/permissions-okta.md)",
    ),
];

fn by_error(error: &str) -> Option<&'static str> {
    Some(match error {
        "invalid_client" => {
            "the app's proof is not taken: check client id, key and the org's address; it was tried once and is not tried again"
        }
        "invalid_scope" => "grant the scopes under Okta API Scopes of the app (docs/permissions-okta.md)",
        "invalid_dpop_proof" => "check this machine's clock, and what the app says of DPoP",
        "unauthorized_client" | "unsupported_grant_type" | "access_denied" => {
            "make the app an API Services app, which may use client credentials"
        }
        _ => return None,
    })
}
