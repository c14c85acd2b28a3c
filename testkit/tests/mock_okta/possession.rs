//! Proofs of possession (DPoP).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use identity_core::limits::clock;
use jsonwebtoken::Header;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use testkit::mock_okta::MockOkta;

use crate::client::{Client, Reply, described, with};
use crate::sign_in::{Signer, ask, claims, form};

/// What a proof says.
fn proof_claims(mock: &MockOkta, method: &str, path: &str, jti: &str) -> Value {
    json!({ "htm": method, "htu": format!("{}{path}", mock.url()), "iat": clock::now().as_second(), "jti": jti })
}

fn proof(signer: &Signer, claims: &Value) -> String {
    proof_with(signer, "dpop+jwt", signer.public(), claims)
}

fn proof_with(signer: &Signer, kind: &str, jwk: Value, claims: &Value) -> String {
    let mut header = Header::new(signer.algorithm);
    header.typ = Some(kind.to_owned());
    header.jwk = serde_json::from_value(jwk).unwrap();
    signer.sign(&header, claims)
}

struct Bound {
    mock: MockOkta,
    client: Client,
    app: Signer,
    key: Signer,
    count: std::sync::atomic::AtomicU32,
}

impl Bound {
    fn new(key: Signer) -> Self {
        let app = Signer::rsa("k1");
        let (mock, client) = with(described().key(app.jwk()).dpop());
        Self { mock, client, app, key, count: std::sync::atomic::AtomicU32::default() }
    }

    fn jti(&self) -> String {
        format!("jti {}", self.count.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
    }

    async fn mint(&self, proof: Option<&str>) -> Reply {
        let assertion = self.app.assertion(&claims(&self.mock, &self.jti()));
        ask(&self.client, &form(&assertion, "okta.users.manage"), proof).await
    }

    fn for_token(&self, nonce: Option<&str>) -> Value {
        let mut claims = proof_claims(&self.mock, "POST", "/oauth2/v1/token", &self.jti());
        if let Some(nonce) = nonce {
            claims["nonce"] = json!(nonce);
        }
        claims
    }

    /// The whole dance; gives a token.
    async fn token(&self) -> String {
        let first = self.mint(Some(&proof(&self.key, &self.for_token(None)))).await;
        let nonce = first.header("dpop-nonce").unwrap().to_owned();
        let second = self.mint(Some(&proof(&self.key, &self.for_token(Some(&nonce))))).await;
        assert_eq!(second.status, 200, "{}", second.text);
        second.body["access_token"].as_str().unwrap().to_owned()
    }

    fn for_resource(&self, token: &str, path: &str) -> Value {
        let mut claims = proof_claims(&self.mock, "GET", path, &self.jti());
        claims["ath"] = json!(URL_SAFE_NO_PAD.encode(Sha256::digest(token)));
        claims
    }

    async fn get(&self, token: &str, path: &str, proof: &str) -> Reply {
        let client = Client { authorization: format!("DPoP {token}"), ..self.client.clone() };
        client.try_send("GET", path, &[("dpop", proof)], b"").await.unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn a_proof_then_a_nonce_then_a_token_that_is_bound_to_the_key() {
    for key in [Signer::rsa("d"), Signer::elliptic("d")] {
        let bound = Bound::new(key);
        let bare = bound.mint(None).await;
        assert_eq!(bare.refusal(), (400, "invalid_dpop_proof"));
        assert_eq!(bare.body["error_description"], "The DPoP proof JWT header is missing.");
        let first = bound.mint(Some(&proof(&bound.key, &bound.for_token(None)))).await;
        assert_eq!(first.refusal(), (400, "use_dpop_nonce"));
        assert_eq!(first.body["error_description"], "Authorization server requires nonce in DPoP proof.");
        let nonce = first.header("dpop-nonce").unwrap().to_owned();
        let second = bound.mint(Some(&proof(&bound.key, &bound.for_token(Some(&nonce))))).await;
        assert_eq!((second.status, second.body["token_type"].as_str()), (200, Some("DPoP")), "{}", second.text);
        assert_eq!(second.header("dpop-nonce"), Some(nonce.as_str()), "it comes on the token, too");
        let token = second.body["access_token"].as_str().unwrap();
        let path = "/api/v1/users?limit=1";
        let right = proof(&bound.key, &bound.for_resource(token, "/api/v1/users"));
        let reply = bound.get(token, path, &right).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let again = bound.get(token, path, &right).await;
        assert_eq!(again.body["error_description"], "The DPoP proof JWT has already been used.");
        assert_eq!(again.status, 400);
    }
}

#[tokio::test(start_paused = true)]
async fn a_bound_token_without_its_proof_is_refused() {
    let bound = Bound::new(Signer::elliptic("d"));
    let token = bound.token().await;
    let bearer = bound.client.bearing(&token).get("/api/v1/users").await;
    assert_eq!(bearer.refusal(), (400, "invalid_request"));
    assert!(bearer.body["error_description"].as_str().unwrap().contains("DPoP authentication scheme"));
    let client = Client { authorization: format!("DPoP {token}"), ..bound.client.clone() };
    let bare = client.get("/api/v1/users").await;
    assert_eq!(bare.body["error_description"], "The resource request requires a DPoP proof.");
}

#[tokio::test(start_paused = true)]
async fn a_proof_is_for_one_method_address_token_and_key_and_for_five_minutes() {
    let bound = Bound::new(Signer::elliptic("d"));
    let token = bound.token().await;
    let path = "/api/v1/users";
    let now = clock::now().as_second();
    let changed = |name: &str, value: Value| {
        let mut claims = bound.for_resource(&token, path);
        claims[name] = value;
        proof(&bound.key, &claims)
    };
    let url = bound.mock.url();
    let other = Signer::elliptic("d");
    let right = bound.for_resource(&token, path);
    for (proof, words) in [
        (changed("htm", json!("POST")), "'htm'"),
        (changed("htu", json!(format!("{url}/api/v1/users?limit=1"))), "'htu'"),
        (changed("htu", json!(format!("{url}/api/v1/groups"))), "'htu'"),
        (changed("iat", json!(now - 400)), "more than five minutes in the past"),
        (changed("iat", json!(now + 400)), "issued in the future"),
        (changed("iat", Value::Null), "'iat' claim is missing"),
        (changed("jti", json!("")), "'jti'"),
        (changed("ath", json!("AAAA")), "'ath'"),
        (proof(&other, &bound.for_resource(&token, path)), "bound to"),
        (proof_with(&bound.key, "JWT", bound.key.public(), &right), "'typ'"),
        (proof_with(&bound.key, "dpop+jwt", other.public(), &right), "signature"),
        ("a.b.c".into(), "invalid"),
    ] {
        let reply = bound.get(&token, &format!("{path}?limit=1"), &proof).await;
        assert_eq!(reply.refusal(), (400, "invalid_dpop_proof"), "{words}");
        let told = reply.body["error_description"].as_str().unwrap();
        assert!(told.contains(words), "{told} has no {words}");
    }
    bound.mock.set_clock_skew(jiff::SignedDuration::from_mins(10));
    let late = proof(&bound.key, &bound.for_resource(&token, path));
    let reply = bound.get(&token, path, &late).await;
    assert!(reply.body["error_description"].as_str().unwrap().contains("five minutes in the past"));
    assert!(reply.header("date").is_some(), "from which the skew can be seen");
}

#[tokio::test(start_paused = true)]
async fn a_nonce_is_renewed_every_day_and_good_for_three() {
    let bound = Bound::new(Signer::elliptic("d"));
    let nonce_of = |reply: &Reply| reply.header("dpop-nonce").unwrap().to_owned();
    let first = nonce_of(&bound.mint(Some(&proof(&bound.key, &bound.for_token(None)))).await);
    clock::sleep(Duration::from_secs(23 * 3_600)).await;
    let reply = bound.mint(Some(&proof(&bound.key, &bound.for_token(Some(&first))))).await;
    assert_eq!((reply.status, nonce_of(&reply)), (200, first.clone()));
    clock::sleep(Duration::from_secs(2 * 3_600)).await;
    let reply = bound.mint(Some(&proof(&bound.key, &bound.for_token(Some(&first))))).await;
    assert_eq!(reply.status, 200, "the old one is still good");
    assert_ne!(nonce_of(&reply), first);
    clock::sleep(Duration::from_secs(48 * 3_600)).await;
    let reply = bound.mint(Some(&proof(&bound.key, &bound.for_token(Some(&first))))).await;
    assert_eq!(reply.refusal(), (400, "use_dpop_nonce"));
    let newest = nonce_of(&reply);
    bound.mock.forget_nonces();
    let reply = bound.mint(Some(&proof(&bound.key, &bound.for_token(Some(&newest))))).await;
    assert_eq!(reply.refusal(), (400, "use_dpop_nonce"));
}

#[tokio::test(start_paused = true)]
async fn the_second_request_for_a_token_needs_an_assertion_of_its_own() {
    let bound = Bound::new(Signer::rsa("d"));
    let once = form(&bound.app.assertion(&claims(&bound.mock, "once")), "okta.users.manage");
    let first = ask(&bound.client, &once, Some(&proof(&bound.key, &bound.for_token(None)))).await;
    let nonce = first.header("dpop-nonce").unwrap().to_owned();
    let second = ask(&bound.client, &once, Some(&proof(&bound.key, &bound.for_token(Some(&nonce))))).await;
    assert_eq!(second.body["error_description"], "The client_assertion token has already been used.");
}
