//! `POST /users/{id}/revokeSignInSessions`.

use identity_core::limits::clock;
use serde_json::json;

use super::super::access::{self, Deed};
use super::super::objects;
use super::super::refusal::Refusal;
use super::super::routes::Visit;
use super::super::service::Service;
use super::super::settings::RevokeAnswer;
use super::super::tenant::Sort;
use super::find;
use crate::mock_http::Answer;

pub(super) fn answer(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let app = objects::app(service);
    let mut tenant = service.tenant();
    let number = find(&mut tenant, visit.first())?;
    let user = tenant.view(number).ok_or_else(|| Refusal::not_found(visit.first()))?.user;
    access::may(&tenant, &app, visit.caller, Deed::Revoke, number, &service.settings)?;
    // A guest's sessions are those of another tenant: it is answered, and nothing happens.
    if !matches!(user.sort, Sort::Guest(_)) {
        let at = tenant.now();
        let state = tenant.touch(number);
        state.revoked.push((at, clock::instant() + service.settings.read_lag));
        state.written_to = true;
    }
    Ok(match service.settings.revoke_answer {
        RevokeAnswer::NoContent => Answer::no_content(),
        RevokeAnswer::Ok => {
            let context = format!("{}/v1.0/$metadata#Edm.Boolean", service.graph_url);
            Answer::ok(json!({ "@odata.context": context, "value": true }))
        }
    })
}
