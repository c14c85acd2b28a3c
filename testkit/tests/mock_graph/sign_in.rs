//! Tokens: every way to get one, every refusal, and what becomes of a stale one.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use identity_core::limits::clock;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rcgen::PublicKeyData as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use testkit::mock_graph::{MockGraph, PERMISSIONS};

use crate::client::{Client, Reply, connect, described, form, started, token};

const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

fn code(reply: &Reply) -> (u16, &str, u64) {
    let body = &reply.body;
    assert!(body["error_description"].as_str().unwrap().contains(&format!("AADSTS{}", body["error_codes"][0])));
    (reply.status.as_u16(), body["error"].as_str().unwrap(), body["error_codes"][0].as_u64().unwrap())
}

fn with(mock: &MockGraph, name: &'static str, value: &str) -> Vec<(&'static str, String)> {
    let mut form = form(mock);
    form.retain(|(known, _)| *known != name);
    form.push((name, value.to_owned()));
    form
}

fn without(mock: &MockGraph, name: &str) -> Vec<(&'static str, String)> {
    let mut form = form(mock);
    form.retain(|(known, _)| *known != name);
    form
}

fn claims(token: &str) -> Value {
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[tokio::test]
async fn a_secret_gives_a_token_that_lists_the_permissions() {
    let (mock, client) = connect(described().without_permission("AuditLog.Read.All")).await;
    let claims = claims(&client.token);
    let roles: Vec<&str> = claims["roles"].as_array().unwrap().iter().map(|role| role.as_str().unwrap()).collect();
    assert_eq!(roles.len(), PERMISSIONS.len() - 1);
    assert!(roles.contains(&"User.Read.All") && !roles.contains(&"AuditLog.Read.All"));
    assert_eq!(claims["appid"], json!(mock.client_id()));
    assert_eq!(claims["tid"], json!(mock.tenant_id()));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3599);
}

#[tokio::test]
async fn an_app_without_consent_gets_a_token_without_the_claim() {
    let described = PERMISSIONS.iter().fold(described(), |described, name| described.without_permission(name));
    let (_mock, client) = connect(described).await;
    assert!(claims(&client.token).get("roles").is_none());
    assert_eq!(client.get("/users").await.refusal(), (403, "Authorization_RequestDenied"));
}

#[tokio::test]
async fn basic_authentication_works_too() {
    let (mock, client) = started().await;
    let url = format!("{}/{}/oauth2/v2.0/token", mock.login_url(), mock.domains()[0]);
    let ask = |secret: String| {
        let form = [("scope", format!("{}/.default", mock.graph_url())), ("grant_type", "client_credentials".into())];
        client.http.post(&url).basic_auth(mock.client_id(), Some(secret)).form(&form).send()
    };
    let reply = Reply::of(ask(mock.client_secret().unwrap()).await.unwrap()).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let reply = Reply::of(ask("another".into()).await.unwrap()).await;
    assert_eq!(code(&reply), (401, "invalid_client", 7_000_215));
}

#[tokio::test]
async fn refusals_carry_their_codes() {
    let (mock, Client { http, .. }) = started().await;
    for (form, expected) in [
        (with(&mock, "client_secret", "wrong"), (401, "invalid_client", 7_000_215)),
        (without(&mock, "client_secret"), (401, "invalid_client", 7_000_218)),
        (with(&mock, "client_id", "00000000-0000-4000-8000-000000000000"), (400, "unauthorized_client", 700_016)),
        (with(&mock, "scope", "https://graph.microsoft.com/User.Read.All"), (400, "invalid_scope", 70_011)),
        (with(&mock, "scope", "https://graph.microsoft.us/.default"), (400, "invalid_resource", 500_011)),
        (with(&mock, "grant_type", "password"), (400, "unsupported_grant_type", 70_003)),
        (without(&mock, "grant_type"), (400, "invalid_request", 900_144)),
        (without(&mock, "scope"), (400, "invalid_request", 900_144)),
    ] {
        assert_eq!(code(&token(&http, &mock, &form).await), expected, "{form:?}");
    }
    let url = format!("{}/elsewhere.example.test/oauth2/v2.0/token", mock.login_url());
    let reply = Reply::of(http.post(url).form(&form(&mock)).send().await.unwrap()).await;
    assert_eq!(code(&reply), (400, "invalid_request", 90_002));
    let expired = described().expired_secret().start().await.unwrap();
    assert_eq!(code(&token(&http, &expired, &form(&expired)).await), (401, "invalid_client", 7_000_222));
}

/// A key with its certificate.
struct Signer {
    key: rcgen::KeyPair,
    certificate: Vec<u8>,
}

impl Signer {
    fn new() -> Self {
        Self::until(4096)
    }

    fn until(year: i32) -> Self {
        let key = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
        let mut described = rcgen::CertificateParams::new(vec!["app".into()]).unwrap();
        described.not_after = rcgen::date_time_ymd(year, 1, 1);
        let certificate = described.self_signed(&key).unwrap();
        Self { certificate: certificate.der().to_vec(), key }
    }

    fn sign(&self, algorithm: Algorithm, claims: &Value) -> String {
        let mut header = Header::new(algorithm);
        match algorithm {
            Algorithm::PS256 => {
                header.x5t_s256 = Some(URL_SAFE_NO_PAD.encode(Sha256::digest(&self.certificate)));
            }
            _ => {
                let sha1 = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, &self.certificate);
                header.x5t = Some(URL_SAFE_NO_PAD.encode(sha1));
            }
        }
        let key = EncodingKey::from_rsa_pem(self.key.serialize_pem().as_bytes()).unwrap();
        jsonwebtoken::encode(&header, claims, &key).unwrap()
    }
}

fn assertion_claims(mock: &MockGraph, jti: &str) -> Value {
    let (now, client) = (clock::now().as_second(), mock.client_id());
    let endpoint = format!("{}/{}/oauth2/v2.0/token", mock.login_url(), mock.tenant_id());
    json!({ "aud": endpoint, "iss": client, "sub": client, "jti": jti, "nbf": now, "iat": now, "exp": now + 300 })
}

async fn by_assertion(http: &reqwest::Client, mock: &MockGraph, assertion: String) -> Reply {
    let mut form = without(mock, "client_secret");
    form.push(("client_assertion_type", JWT_BEARER.into()));
    form.push(("client_assertion", assertion));
    token(http, mock, &form).await
}

#[tokio::test]
async fn a_certificate_gives_a_token_by_ps256_and_by_rs256() {
    let (signer, http) = (Signer::new(), reqwest::Client::new());
    let mock = described().certificate(signer.certificate.clone()).without_secret().start().await.unwrap();
    for algorithm in [Algorithm::PS256, Algorithm::RS256] {
        let assertion = signer.sign(algorithm, &assertion_claims(&mock, &format!("{algorithm:?}")));
        let reply = by_assertion(&http, &mock, assertion).await;
        assert_eq!(reply.status, 200, "{algorithm:?}: {}", reply.text);
    }
}

#[tokio::test]
async fn an_assertion_that_is_not_as_it_must_be_is_refused() {
    let (signer, stranger, http) = (Signer::new(), Signer::new(), reqwest::Client::new());
    let mock = described().certificate(signer.certificate.clone()).start().await.unwrap();
    let right = assertion_claims(&mock, "once");
    let changed = |name: &str, value: Value| {
        let mut claims = right.clone();
        claims[name] = value;
        signer.sign(Algorithm::PS256, &claims)
    };
    let now = clock::now().as_second();
    let forged = {
        let whole = signer.sign(Algorithm::PS256, &right);
        let parts: Vec<&str> = whole.split('.').collect();
        let claims = URL_SAFE_NO_PAD.encode(assertion_claims(&mock, "other").to_string());
        format!("{}.{claims}.{}", parts[0], parts[2])
    };
    for (assertion, expected, why) in [
        (stranger.sign(Algorithm::PS256, &right), 700_027, "a certificate that is not registered"),
        (forged, 700_027, "a signature of other claims"),
        (changed("aud", json!("https://login.microsoftonline.com/x")), 700_023, "another audience"),
        (changed("iss", json!("x")), 700_021, "another issuer"),
        (changed("sub", json!("x")), 700_021, "another subject"),
        (changed("exp", json!(now - 400)), 700_024, "too late"),
        (changed("exp", json!(now + 3600)), 700_024, "valid for an hour"),
        (changed("nbf", json!(now + 1000)), 700_024, "too early"),
        (changed("jti", json!("")), 700_027, "without an id"),
        ("no.jwt".into(), 50_027, "no JWT"),
    ] {
        assert_eq!(code(&by_assertion(&http, &mock, assertion).await), (401, "invalid_client", expected), "{why}");
    }
    assert_eq!(by_assertion(&http, &mock, signer.sign(Algorithm::PS256, &right)).await.status, 200);
    let again = by_assertion(&http, &mock, signer.sign(Algorithm::PS256, &right)).await;
    assert_eq!(code(&again), (401, "invalid_client", 700_027), "the id was used before");
}

#[tokio::test]
async fn a_certificate_that_has_expired_gives_no_token() {
    let (signer, http) = (Signer::until(2020), reqwest::Client::new());
    let mock = described().certificate(signer.certificate.clone()).start().await.unwrap();
    let assertion = signer.sign(Algorithm::PS256, &assertion_claims(&mock, "late"));
    assert_eq!(code(&by_assertion(&http, &mock, assertion).await), (401, "invalid_client", 700_027));
}

#[tokio::test]
async fn a_token_of_a_trusted_issuer_is_exchanged() {
    let (issuer, http) = (Signer::new(), reqwest::Client::new());
    let key = issuer.key.subject_public_key_info();
    let described = described().federation("https://issuer.example.test", "repo:corp/reset", key);
    let mock = described.without_secret().start().await.unwrap();
    let now = clock::now().as_second();
    let claims = |subject: &str| {
        json!({
            "aud": "api://AzureADTokenExchange",
            "iss": "https://issuer.example.test",
            "sub": subject,
            "iat": now,
            "exp": now + 3600,
        })
    };
    // The file that holds it is read again and again.
    for _ in 0..2 {
        let assertion = issuer.sign(Algorithm::RS256, &claims("repo:corp/reset"));
        assert_eq!(by_assertion(&http, &mock, assertion).await.status, 200);
    }
    let other = by_assertion(&http, &mock, issuer.sign(Algorithm::RS256, &claims("repo:corp/other"))).await;
    assert_eq!(code(&other), (401, "invalid_client", 700_213));
}

#[tokio::test]
async fn managed_identities_have_their_own_endpoints() {
    let (mock, mut client) = started().await;
    let query = "api-version=2019-08-01&resource=https://graph.microsoft.com";
    let machine = format!("{}/metadata/identity/oauth2/token?{query}", mock.login_url());
    let ask = |url: &str, name: &'static str, value: &str| client.http.get(url).header(name, value).send();
    let reply = Reply::of(ask(&machine, "Metadata", "true").await.unwrap()).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert!(reply.body["expires_on"].as_str().unwrap().parse::<i64>().unwrap() > clock::now().as_second());
    let service = format!("{}/msi/token?{query}", mock.login_url());
    let by_header = Reply::of(ask(&service, "X-IDENTITY-HEADER", &mock.identity_header()).await.unwrap()).await;
    assert_eq!(by_header.status, 200, "{}", by_header.text);
    for (url, name, value, status) in [
        (machine.clone(), "Accept", "true", 400),
        (format!("{machine}&client_id=x"), "Metadata", "true", 400),
        (machine.replace("graph.microsoft.com", "graph.microsoft.com/.default"), "Metadata", "true", 400),
        (machine.replace("2019", "1919"), "Metadata", "true", 400),
        (service, "X-IDENTITY-HEADER", "wrong", 401),
    ] {
        let reply = Reply::of(ask(&url, name, value).await.unwrap()).await;
        assert_eq!(reply.status.as_u16(), status, "{url} {name}");
    }
    client.token = by_header.body["access_token"].as_str().unwrap().into();
    assert_eq!(client.get("/users?$top=1").await.status, 200);
}

#[tokio::test]
async fn an_unknown_token_is_refused_with_401() {
    let (mock, mut client) = started().await;
    mock.forget_tokens();
    let reply = client.get("/users").await;
    assert_eq!(reply.refusal(), (401, "InvalidAuthenticationToken"));
    assert!(reply.header("www-authenticate").unwrap().starts_with("Bearer"));
    client.token = STANDARD.encode("nobody");
    assert_eq!(client.get("/users").await.refusal(), (401, "InvalidAuthenticationToken"));
    let bare = client.http.get(format!("{}/users", client.graph)).send().await.unwrap();
    assert_eq!(bare.status(), 401);
    assert_eq!(mock.counts().unauthenticated, 3);
}

#[tokio::test(start_paused = true)]
async fn a_token_goes_stale_after_its_lifetime() {
    let mock = described().token_lifetime(Duration::from_secs(90)).build();
    let inside = crate::client::Inside::new(&mock).await;
    clock::sleep(Duration::from_secs(89)).await;
    assert_eq!(inside.send("GET", "/users?$top=1", None).await.unwrap().status, 200);
    clock::sleep(Duration::from_secs(1)).await;
    let stale = inside.send("GET", "/users?$top=1", None).await.unwrap();
    assert_eq!(stale.refusal(), (401, "InvalidAuthenticationToken"));
    assert!(stale.message().contains("expired"));
}

#[tokio::test]
async fn a_new_permission_shows_only_in_a_new_token() {
    let (mock, client) = connect(described().without_permission("User.Read.All")).await;
    mock.set_permission("User.Read.All", true);
    assert_eq!(client.get("/users").await.status, 403);
    assert_eq!(Client::new(&mock).await.get("/users").await.status, 200);
}
