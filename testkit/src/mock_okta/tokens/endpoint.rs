//! `POST /oauth2/v1/token`: client credentials by private key, with a proof of possession where the
//! app needs one.

use std::collections::BTreeSet;

use http::Method;
use serde_json::json;

use super::refusal::TokenRefusal;
use super::{assertion, proof};
use crate::mock_http::{Answer, Call, pairs};
use crate::mock_okta::quota::Bucket;
use crate::mock_okta::refusal::Refusal;
use crate::mock_okta::service::Service;

const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const METHOD: &str = "Client Credentials requests to the Org Authorization Server must use the private_key_jwt token_endpoint_auth_method.";

/// Answers a request for a token.
pub(in crate::mock_okta) fn serve(service: &Service, call: &Call) -> Answer {
    let request = service.next_request();
    if call.method != Method::POST {
        return service.finish(&request, None, Err(Refusal::method_not_allowed()));
    }
    let (now, client) = (service.org().now(), service.tokens().client_id.clone());
    let verdict = service.quotas().attempt(Bucket::Token, &client, now);
    if verdict.is_some_and(|verdict| verdict.refused) {
        let words = "API call exceeded rate limit due to too many requests.";
        let refusal = match service.settings().throttles_in_oauth {
            true => Refusal::oauth(429, "invalid_grant", words),
            false => Refusal::throttled(),
        };
        return service.finish(&request, verdict, Err(refusal));
    }
    let answer = token(service, call).unwrap_or_else(|refused| {
        if refused.status == 401 {
            service.counts().unauthenticated += 1;
        }
        refused.into_answer()
    });
    service.finish(&request, verdict, Ok(answer))
}

fn token(service: &Service, call: &Call) -> Result<Answer, TokenRefusal> {
    if call.media_type().as_deref() != Some("application/x-www-form-urlencoded") || call.query.is_some() {
        return Err(TokenRefusal::request("The request is not a form."));
    }
    let form = std::str::from_utf8(&call.body).ok().and_then(pairs);
    let form = form.ok_or_else(|| TokenRefusal::request("The form is malformed."))?;
    if form.iter().enumerate().any(|(at, (name, _))| form.iter().skip(at + 1).any(|(other, _)| other == name)) {
        return Err(TokenRefusal::request("A parameter was repeated."));
    }
    let value = |name: &str| form.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str());
    match value("grant_type") {
        Some("client_credentials") => {}
        Some(_) => return Err(TokenRefusal::unsupported_grant()),
        None => return Err(TokenRefusal::request("The 'grant_type' parameter is missing.")),
    }
    if call.header("authorization").is_some() || value("client_secret").is_some() {
        return Err(TokenRefusal::client(METHOD));
    }
    let (Some(JWT_BEARER), Some(given)) = (value("client_assertion_type"), value("client_assertion")) else {
        return Err(TokenRefusal::client(METHOD));
    };
    let (url, now) = (&service.url, service.org().now());
    let mut tokens = service.tokens();
    assertion::check(&mut tokens, given, &service.address("/oauth2/v1/token"), now)?;
    let wanted: BTreeSet<String> = value("scope").unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    if wanted.is_empty() {
        return Err(TokenRefusal::scope("No scopes were requested."));
    }
    if !wanted.iter().all(|scope| tokens.scopes.contains(scope)) {
        return Err(TokenRefusal::scope(
            "One or more scopes are not configured for the authorization server resource.",
        ));
    }
    let bound = match tokens.dpop || call.header("dpop").is_some() {
        true => Some(proof::of_token(&mut tokens, call, url, now)?),
        false => None,
    };
    let scope = wanted.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
    let kind = if bound.is_some() { "DPoP" } else { "Bearer" };
    let nonce = bound.is_some().then(|| tokens.nonce());
    let token = tokens.issue(url, wanted, bound, now);
    let lifetime = tokens.lifetime.as_secs();
    drop(tokens);
    service.counts().tokens += 1;
    let answer = Answer::ok(json!({
        "token_type": kind,
        "expires_in": lifetime,
        "access_token": token,
        "scope": scope,
    }));
    Ok(match nonce {
        Some(nonce) => answer.with("dpop-nonce", nonce),
        None => answer,
    })
}
