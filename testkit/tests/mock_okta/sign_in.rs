//! Tokens for apps: assertions, and every refusal.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use identity_core::limits::clock;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use testkit::mock_okta::{Bucket, MockOkta};
use x509_parser::prelude::{FromDer as _, SubjectPublicKeyInfo};
use x509_parser::public_key::PublicKey;

use crate::client::{Client, Reply, begun, described, with};

const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const BOTH: &str = "okta.users.read okta.users.manage";

/// A key and its public part.
pub(crate) struct Signer {
    key: EncodingKey,
    public: Value,
    pub(crate) algorithm: Algorithm,
    kid: String,
}

impl Signer {
    pub(crate) fn rsa(kid: &str) -> Self {
        let pair = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
        let der = rcgen::PublicKeyData::subject_public_key_info(&pair);
        let (_, info) = SubjectPublicKeyInfo::from_der(&der).unwrap();
        let PublicKey::RSA(parts) = info.parsed().unwrap() else { panic!("no RSA key") };
        let unsigned = |bytes: &[u8]| {
            let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
            URL_SAFE_NO_PAD.encode(&bytes[zeros..])
        };
        let public = json!({ "kty": "RSA", "n": unsigned(parts.modulus), "e": unsigned(parts.exponent) });
        let key = EncodingKey::from_rsa_pem(pair.serialize_pem().as_bytes()).unwrap();
        Self { key, public, algorithm: Algorithm::RS256, kid: kid.to_owned() }
    }

    pub(crate) fn elliptic(kid: &str) -> Self {
        let pair = rcgen::KeyPair::generate().unwrap();
        let raw = pair.public_key_raw();
        let part = |from: usize| URL_SAFE_NO_PAD.encode(&raw[from..from + 32]);
        let public = json!({ "kty": "EC", "crv": "P-256", "x": part(1), "y": part(33) });
        let key = EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).unwrap();
        Self { key, public, algorithm: Algorithm::ES256, kid: kid.to_owned() }
    }

    /// The public part without its name.
    pub(crate) fn public(&self) -> Value {
        self.public.clone()
    }

    /// The public part as it is registered.
    pub(crate) fn jwk(&self) -> Value {
        let mut jwk = self.public.clone();
        jwk["kid"] = json!(self.kid);
        jwk
    }

    pub(crate) fn sign(&self, header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &self.key).unwrap()
    }

    /// An assertion with these claims.
    pub(crate) fn assertion(&self, claims: &Value) -> String {
        let mut header = Header::new(self.algorithm);
        header.kid = Some(self.kid.clone());
        self.sign(&header, claims)
    }
}

pub(crate) fn claims(mock: &MockOkta, jti: &str) -> Value {
    let (now, client) = (clock::now().as_second(), mock.client_id());
    let audience = format!("{}/oauth2/v1/token", mock.url());
    json!({ "aud": audience, "iss": client, "sub": client, "jti": jti, "iat": now, "exp": now + 300 })
}

pub(crate) fn form(assertion: &str, scope: &str) -> Vec<(&'static str, String)> {
    vec![
        ("grant_type", "client_credentials".into()),
        ("scope", scope.into()),
        ("client_assertion_type", JWT_BEARER.into()),
        ("client_assertion", assertion.into()),
    ]
}

pub(crate) async fn ask(client: &Client, form: &[(&'static str, String)], proof: Option<&str>) -> Reply {
    let encoded =
        |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
    let pairs: Vec<String> = form.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    let mut headers = vec![("content-type", "application/x-www-form-urlencoded")];
    headers.extend(proof.map(|proof| ("dpop", proof)));
    let anonymous = Client { authorization: String::new(), ..client.clone() };
    anonymous.try_send("POST", "/oauth2/v1/token", &headers, pairs.join("&").as_bytes()).await.unwrap()
}

/// A client that is signed in as the app.
pub(crate) async fn app(mock: &MockOkta, client: &Client, signer: &Signer, scope: &str) -> Client {
    let jti = format!("app {}", mock.counts().token_requests);
    let reply = ask(client, &form(&signer.assertion(&claims(mock, &jti)), scope), None).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    client.bearing(reply.body["access_token"].as_str().unwrap())
}

fn begin(kid: &str) -> (MockOkta, Client, Signer) {
    let signer = Signer::rsa(kid);
    let (mock, client) = with(described().key(signer.jwk()));
    (mock, client, signer)
}

#[tokio::test(start_paused = true)]
async fn a_private_key_gives_a_token_for_an_hour() {
    let (mock, client, signer) = begin("k1");
    let reply = ask(&client, &form(&signer.assertion(&claims(&mock, "1")), BOTH), None).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!((&reply.body["token_type"], &reply.body["expires_in"]), (&json!("Bearer"), &json!(3600)));
    assert_eq!(
        reply.body["scope"],
        "okta.users.read okta.users.manage"
            .split(' ')
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect::<Vec<_>>()
            .join(" ")
    );
    assert_eq!(reply.limits().0, 1_000, "a bucket of its own");
    let own = client.bearing(reply.body["access_token"].as_str().unwrap());
    assert_eq!(own.get("/api/v1/users?limit=1").await.status, 200);
    clock::sleep(Duration::from_secs(3_601)).await;
    assert_eq!(own.get("/api/v1/users?limit=1").await.refusal(), (401, "E0000011"));
    assert_eq!((mock.counts().tokens, mock.counts().requests), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn an_elliptic_key_does_too_and_one_key_needs_no_name() {
    let signer = Signer::elliptic("k1");
    let (mock, client) = with(described().key(signer.jwk()));
    let assertion = signer.sign(&Header::new(signer.algorithm), &claims(&mock, "1"));
    assert_eq!(ask(&client, &form(&assertion, BOTH), None).await.status, 200);
    let second = Signer::rsa("k2");
    let (mock, client) = with(described().key(signer.jwk()).key(second.jwk()));
    let nameless = signer.sign(&Header::new(signer.algorithm), &claims(&mock, "1"));
    let reply = ask(&client, &form(&nameless, BOTH), None).await;
    assert_eq!(reply.body["error_description"], "The client_assertion JWT kid is invalid.");
    assert_eq!(ask(&client, &form(&second.assertion(&claims(&mock, "2")), BOTH), None).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn an_assertion_that_is_not_as_it_must_be_is_refused_in_oktas_words() {
    let (mock, client, signer) = begin("k1");
    let stranger = Signer::rsa("k1");
    let unknown = Signer::rsa("k9");
    let now = clock::now().as_second();
    let changed = |name: &str, value: Value| {
        let mut claims = claims(&mock, name);
        claims[name] = value;
        signer.assertion(&claims)
    };
    let audience = "The audience claim for client_assertion must be the endpoint invoked for the request.";
    for (assertion, words) in [
        (changed("aud", json!(mock.url())), audience),
        (changed("aud", json!("https://login.microsoftonline.com")), audience),
        (changed("exp", json!(now - 1)), "The client_assertion token is expired."),
        (changed("exp", json!(now + 3_700)), "The client_assertion token has an expiration too far into the future."),
        (changed("exp", json!("soon")), "The client_assertion must contain a numeric expiration claim."),
        (
            changed("iss", json!("0oaother")),
            "The issuer and subject claims for client_assertion must be the client_id.",
        ),
        (
            changed("sub", json!("0oaother")),
            "The issuer and subject claims for client_assertion must be the client_id.",
        ),
        (stranger.assertion(&claims(&mock, "2")), "The client_assertion signature is invalid."),
        (unknown.assertion(&claims(&mock, "3")), "The client_assertion JWT kid is invalid."),
        ("a.b.c".into(), "The client_assertion is not a valid JWT."),
    ] {
        let reply = ask(&client, &form(&assertion, BOTH), None).await;
        assert_eq!(reply.refusal(), (401, "invalid_client"), "{words}");
        assert_eq!(reply.body["error_description"], words);
    }
    assert_eq!(mock.counts().tokens, 0);
}

#[tokio::test(start_paused = true)]
async fn an_assertion_is_good_once() {
    let (mock, client, signer) = begin("k1");
    let once = form(&signer.assertion(&claims(&mock, "once")), BOTH);
    assert_eq!(ask(&client, &once, None).await.status, 200);
    let again = ask(&client, &once, None).await;
    assert_eq!(again.body["error_description"], "The client_assertion token has already been used.");
    let mut without = claims(&mock, "x");
    without.as_object_mut().unwrap().remove("jti");
    let nameless = form(&signer.assertion(&without), BOTH);
    for _ in 0..2 {
        assert_eq!(ask(&client, &nameless, None).await.status, 200, "a name is optional");
    }
}

#[tokio::test(start_paused = true)]
async fn forms_that_are_not_as_they_must_be_are_refused() {
    let (mock, client, signer) = begin("k1");
    let jti = std::cell::Cell::new(0);
    let fresh = || {
        jti.set(jti.get() + 1);
        form(&signer.assertion(&claims(&mock, &format!("{}", jti.get()))), BOTH)
    };
    let with = |name: &'static str, value: &str| {
        let mut form = fresh();
        form.retain(|(known, _)| *known != name);
        form.push((name, value.to_owned()));
        form
    };
    for (form, expected) in [
        (with("grant_type", "password"), (400, "unsupported_grant_type")),
        (with("scope", ""), (400, "invalid_scope")),
        (with("scope", "okta.users.read okta.apps.manage"), (400, "invalid_scope")),
        (with("client_assertion_type", "other"), (401, "invalid_client")),
        (with("client_secret", "secret"), (401, "invalid_client")),
    ] {
        assert_eq!(ask(&client, &form, None).await.refusal(), expected, "{form:?}");
    }
    let none = ask(&client, &with("scope", " "), None).await;
    assert_eq!(none.body["error_description"], "No scopes were requested.");
    let mut repeated = fresh();
    repeated.push(("scope", BOTH.into()));
    assert_eq!(ask(&client, &repeated, None).await.refusal(), (400, "invalid_request"));
    assert_eq!(client.get("/oauth2/v1/token").await.status, 405);
}

#[tokio::test(start_paused = true)]
async fn an_app_without_a_key_gets_nothing_and_a_scope_can_be_taken() {
    let signer = Signer::rsa("k1");
    let (mock, client) = begun();
    let reply = ask(&client, &form(&signer.assertion(&claims(&mock, "1")), BOTH), None).await;
    assert_eq!(reply.refusal(), (401, "invalid_client"));
    let (mock, client) = with(described().key(signer.jwk()).without_scope("okta.users.manage"));
    let reply = ask(&client, &form(&signer.assertion(&claims(&mock, "1")), BOTH), None).await;
    assert_eq!(
        reply.body["error_description"],
        "One or more scopes are not configured for the authorization server resource."
    );
}

#[tokio::test(start_paused = true)]
async fn the_token_endpoint_has_its_own_limit() {
    let signer = Signer::rsa("k1");
    let (mock, client) = with(described().key(signer.jwk()).limit(Bucket::Token, 4));
    for jti in ["1", "2"] {
        assert_eq!(ask(&client, &form(&signer.assertion(&claims(&mock, jti)), BOTH), None).await.status, 200);
    }
    let reply = ask(&client, &form(&signer.assertion(&claims(&mock, "3")), BOTH), None).await;
    assert_eq!((reply.refusal(), reply.limits().1), ((429, "E0000047"), 0));
    assert_eq!(client.get("/api/v1/users/me").await.status, 200, "the others are as they were");
    let (mock, client) = with(described().key(signer.jwk()).limit(Bucket::Token, 2).throttling_in_oauth());
    assert_eq!(ask(&client, &form(&signer.assertion(&claims(&mock, "1")), BOTH), None).await.status, 200);
    let reply = ask(&client, &form(&signer.assertion(&claims(&mock, "2")), BOTH), None).await;
    assert_eq!((reply.refusal(), reply.limits().1), ((429, "invalid_grant"), 0));
}
