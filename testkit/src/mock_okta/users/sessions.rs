//! Ending sessions, and taking what apps were given.

use serde_json::{Value, json};

use super::super::refusal::Refusal;
use super::super::routes::Visit;
use super::super::service::Service;
use super::lifecycle::Write;
use super::{embeds_blocks, find};
use crate::mock_http::Answer;

pub(super) fn clear(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let app_tokens = visit.flag("oauthTokens")?.unwrap_or(false);
    let devices = visit.flag("forgetDevices")?.unwrap_or(true);
    let mut write = Write::begin(service, visit)?;
    write.org.revoke(write.number, app_tokens, devices);
    write.tell(visit, "user.session.clear");
    if app_tokens {
        write.tell(visit, "app.oauth2.token.revoke.implicit.user");
    }
    Ok(Answer::no_content())
}

pub(super) fn revoke_grants(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let mut write = Write::begin(service, visit)?;
    write.org.revoke_app_tokens(write.number);
    write.tell(visit, "app.oauth2.as.consent.revoke.implicit.user");
    Ok(Answer::no_content())
}

pub(super) fn blocks(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    embeds_blocks(visit, &service.settings())?;
    find(&mut service.org(), visit)?;
    // Licensed apart, and refused with 401, which says nothing about the token.
    if service.settings().features { Ok(Answer::ok(json!([]))) } else { Err(Refusal::no_such_feature()) }
}

/// `POST /oauth2/v1/global-token-revocation`: signs a user out of every app.
pub(super) fn log_out_everywhere(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    if !service.settings().features {
        return Err(Refusal::no_such_feature());
    }
    let subject = visit.body.get("sub_id").and_then(Value::as_object);
    let text = |name: &str| subject.and_then(|subject| subject.get(name)).and_then(Value::as_str);
    let (Some("opaque"), Some(id)) = (text("format"), text("id")) else {
        return Err(Refusal::validation("sub_id", "sub_id: The subject is not known."));
    };
    let visit = Visit { captures: vec![id.to_owned()], query: Vec::new(), body: visit.body.clone(), ..*visit };
    let mut write = Write::begin(service, &visit)?;
    write.org.revoke(write.number, true, false);
    write.tell(&visit, "user.authentication.universal_logout");
    Ok(Answer::no_content())
}
