//! The token endpoint: client credentials by secret, certificate or federation.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Method, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::json;

use super::refusal::TokenRefusal;
use super::{assertion, managed};
use crate::mock_graph::service::Service;
use crate::mock_http::{Answer, Call, pairs};

/// Graph's own address, for which a scope or resource may always be asked.
pub(super) const GRAPH: &str = "https://graph.microsoft.com";
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What a client sent.
struct Form(Vec<(String, String)>);

impl Form {
    fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    fn required(&self, name: &str) -> Result<&str, TokenRefusal> {
        self.value(name).filter(|value| !value.is_empty()).ok_or_else(|| {
            let message = format!("The request body must contain the following parameter: '{name}'.");
            TokenRefusal::request(900_144, message)
        })
    }
}

/// Answers a request to the login server.
pub(in crate::mock_graph) fn serve(service: &Service, call: &Call) -> Answer {
    let segments = call.segments().unwrap_or_default();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match segments.as_slice() {
        [tenant, "oauth2", "v2.0", "token"] if call.method == Method::POST => token(service, call, tenant)
            .unwrap_or_else(|refused| {
                let (trace, correlation) = (service.next_id(), service.next_id());
                refused.into_answer(service.tenant().now(), trace, correlation)
            }),
        [_, "oauth2", "v2.0", "token"] => Answer::json(StatusCode::METHOD_NOT_ALLOWED, json!({})),
        ["metadata", "identity", "oauth2", "token"] => managed::virtual_machine(service, call),
        ["msi", "token"] => managed::app_service(service, call),
        _ => Answer::json(StatusCode::NOT_FOUND, json!({})),
    }
}

/// The answer of a token endpoint that cannot serve now.
pub(in crate::mock_graph) fn unavailable(service: &Service) -> Answer {
    let refusal = TokenRefusal::new("temporarily_unavailable", 90_033, "A transient error has occurred.");
    let (trace, correlation) = (service.next_id(), service.next_id());
    refusal.into_answer(service.tenant().now(), trace, correlation)
}

fn token(service: &Service, call: &Call, tenant: &str) -> Result<Answer, TokenRefusal> {
    let (id, domains, now) = {
        let at = service.tenant();
        let population = &at.population;
        let domains = [population.initial_domain(), population.cloud_domain(), population.organisation.domain().into()];
        (at.id, domains, at.now())
    };
    if tenant != id.to_string() && !domains.iter().any(|domain| domain.eq_ignore_ascii_case(tenant)) {
        return Err(TokenRefusal::request(90_002, format!("Tenant '{tenant}' not found.")));
    }
    if call.media_type().as_deref() != Some("application/x-www-form-urlencoded") || call.query.is_some() {
        return Err(TokenRefusal::request(
            900_144,
            "The request body must contain the following parameter: 'grant_type'.",
        ));
    }
    let form = std::str::from_utf8(&call.body).ok().and_then(pairs);
    let form = Form(form.ok_or_else(|| TokenRefusal::request(90_014, "The request body is malformed."))?);
    if form.0.iter().enumerate().any(|(at, (name, _))| form.0.iter().skip(at + 1).any(|(other, _)| other == name)) {
        return Err(TokenRefusal::request(90_014, "A parameter was repeated."));
    }
    if form.required("grant_type")? != "client_credentials" {
        return Err(TokenRefusal::new("unsupported_grant_type", 70_003, "The grant type is not supported."));
    }
    let audience = audience(form.required("scope")?, &service.graph_url)?;
    let basic = basic(call)?;
    let client_id = match &basic {
        Some((client, _)) => client.as_str(),
        None => form.required("client_id")?,
    };
    let mut tokens = service.tokens();
    if client_id != tokens.client_id.to_string() {
        let message = format!("Application with identifier '{client_id}' was not found in the directory.");
        return Err(TokenRefusal::new("unauthorized_client", 700_016, message));
    }
    let secret = form.value("client_secret").or_else(|| basic.as_ref().map(|(_, secret)| secret.as_str()));
    match (secret, form.value("client_assertion")) {
        (Some(_), Some(_)) => return Err(TokenRefusal::request(90_023, "More than one client credential was given.")),
        (Some(secret), None) => match &tokens.secret {
            Some(known) if known.text == secret && known.expired => {
                return Err(TokenRefusal::client(7_000_222, "The provided client secret keys are expired."));
            }
            Some(known) if known.text == secret => {}
            _ => return Err(TokenRefusal::client(7_000_215, "Invalid client secret provided.")),
        },
        (None, Some(assertion)) => {
            if form.value("client_assertion_type") != Some(JWT_BEARER) {
                return Err(TokenRefusal::request(90_023, "The client_assertion_type is not supported."));
            }
            let endpoint = format!("{}/{tenant}/oauth2/v2.0/token", service.login_url);
            assertion::check(&mut tokens, assertion, &endpoint, now)?;
        }
        (None, None) => {
            let message =
                "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.";
            return Err(TokenRefusal::client(7_000_218, message));
        }
    }
    let token = tokens.issue(id, &audience, now);
    let lifetime = tokens.lifetime.as_secs();
    drop(tokens);
    service.counts().tokens += 1;
    let body = json!({
        "token_type": "Bearer",
        "expires_in": lifetime,
        "ext_expires_in": lifetime,
        "access_token": token,
    });
    Ok(Answer::ok(body).with("cache-control", "no-store, no-cache"))
}

/// The audience of a scope: the address of Graph, the mock's own or the real one.
fn audience(scope: &str, graph: &str) -> Result<String, TokenRefusal> {
    let invalid = || {
        let message =
            format!("The provided value for the input parameter 'scope' isn't valid. The scope {scope} isn't valid.");
        TokenRefusal::new("invalid_scope", 70_011, message)
    };
    let resource = scope.strip_suffix("/.default").ok_or_else(invalid)?;
    if !resource.starts_with("http") || resource.contains(' ') {
        return Err(invalid());
    }
    if resource != GRAPH && resource != graph {
        let message = format!("The resource principal named {resource} was not found in the tenant.");
        return Err(TokenRefusal::new("invalid_resource", 500_011, message));
    }
    Ok(resource.to_owned())
}

/// Client id and secret of HTTP Basic, which are encoded as in a form (RFC 6749, 2.3.1).
fn basic(call: &Call) -> Result<Option<(String, String)>, TokenRefusal> {
    let Some(header) = call.header("authorization") else { return Ok(None) };
    let read = || {
        let text = String::from_utf8(STANDARD.decode(header.strip_prefix("Basic ")?).ok()?).ok()?;
        let (client, secret) = text.split_once(':')?;
        let decoded = |text: &str| percent_decode_str(text).decode_utf8().map(|text| text.into_owned()).ok();
        Some((decoded(client)?, decoded(secret)?))
    };
    read().map(Some).ok_or_else(|| TokenRefusal::client(7_000_218, "The Authorization header is malformed."))
}
