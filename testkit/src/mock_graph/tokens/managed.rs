//! Managed identities: the endpoints that a virtual machine and an App Service have.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::endpoint::GRAPH;
use crate::mock_graph::service::Service;
use crate::mock_http::{Answer, Call};

/// The version of the interface that is imitated.
const VERSION: &str = "2019-08-01";

/// `169.254.169.254/metadata/identity/oauth2/token`.
pub(super) fn virtual_machine(service: &Service, call: &Call) -> Answer {
    if call.header("metadata") != Some("true") {
        return refused("invalid_request", "Required metadata header not specified");
    }
    answer(service, call)
}

/// `$IDENTITY_ENDPOINT`.
pub(super) fn app_service(service: &Service, call: &Call) -> Answer {
    if call.header("x-identity-header") != Some(service.tokens().identity_header.as_str()) {
        return Answer::json(
            StatusCode::UNAUTHORIZED,
            json!({ "statusCode": 401, "message": "The identity header is missing or wrong." }),
        );
    }
    answer(service, call)
}

fn answer(service: &Service, call: &Call) -> Answer {
    if call.method != Method::GET {
        return Answer::json(StatusCode::METHOD_NOT_ALLOWED, json!({ "error": "invalid_request" }));
    }
    let Some(options) = call.options() else { return refused("invalid_request", "The query is malformed") };
    let mut resource = None;
    let mut version = None;
    let (id, now) = {
        let tenant = service.tenant();
        (tenant.id, tenant.now())
    };
    let mut tokens = service.tokens();
    for (name, value) in options {
        match name.as_str() {
            "api-version" => version = Some(value),
            "resource" => resource = Some(value),
            "client_id" if value == tokens.client_id.to_string() => {}
            "object_id" | "principal_id" if value == tokens.principal.to_string() => {}
            "client_id" | "object_id" | "principal_id" | "msi_res_id" | "mi_res_id" => {
                return refused("invalid_request", "Identity not found");
            }
            _ => return refused("invalid_request", "Unknown query parameter"),
        }
    }
    if version.as_deref() != Some(VERSION) {
        return refused("invalid_request", "The api-version is missing or not supported");
    }
    // A resource, not a scope: without `/.default`.
    let Some(resource) = resource.filter(|resource| resource == GRAPH || *resource == service.graph_url) else {
        return refused("invalid_resource", "AADSTS500011: The resource principal was not found in the tenant");
    };
    if !tokens.managed_identity {
        return refused("invalid_request", "Identity not found");
    }
    let token = tokens.issue(id, &resource, now);
    let expires = now.as_second().saturating_add_unsigned(tokens.lifetime.as_secs());
    drop(tokens);
    service.counts().tokens += 1;
    let body = json!({
        "access_token": token,
        "expires_on": expires.to_string(),
        "resource": resource,
        "token_type": "Bearer",
    });
    Answer::ok(body)
}

fn refused(error: &str, description: &str) -> Answer {
    let body: Value = json!({ "error": error, "error_description": description });
    Answer::json(StatusCode::BAD_REQUEST, body)
}
