//! Temporary access passes: policy, lifetime, and one usable pass for each user.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::access::{self, Deed};
use super::super::collection::Row;
use super::super::objects;
use super::super::refusal::Refusal;
use super::super::routes::Visit;
use super::super::service::Service;
use super::super::tenant::{Pass, Tenant};
use super::super::users::find;
use super::methods::{capture, listing};
use crate::mock_http::Answer;

/// The bounds of a lifetime, in minutes, that Microsoft documents.
const LIFETIME: std::ops::RangeInclusive<i64> = 10..=43_200;
/// The lifetime where the request does not say, in minutes.
const USUAL_LIFETIME: i64 = 60;

impl Pass {
    /// The pass as a row; its text only when it is made.
    pub(super) fn row(&self, tenant: &Tenant, made_now: bool) -> Row {
        let now = tenant.now();
        let (usable, reason) = if now < self.start {
            (false, "NotYetValid")
        } else if now >= self.end() {
            (false, "Expired")
        } else {
            (true, "EnabledByPolicy")
        };
        objects::row(json!({
            "@odata.type": "#microsoft.graph.temporaryAccessPassAuthenticationMethod",
            "id": self.id,
            "temporaryAccessPass": made_now.then_some(&self.text),
            "createdDateTime": self.created.to_string(),
            "startDateTime": self.start.to_string(),
            "lifetimeInMinutes": self.minutes,
            "isUsableOnce": self.once,
            "isUsable": usable,
            "methodUsabilityReason": reason,
        }))
    }

    fn end(&self) -> Timestamp {
        self.start.checked_add(SignedDuration::from_mins(self.minutes)).unwrap_or(Timestamp::MAX)
    }
}

/// The pass of a user.
pub(super) fn current(tenant: &Tenant, number: u64) -> Option<&Pass> {
    tenant.passes.get(&number)
}

pub(super) fn list(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let mut tenant = service.tenant();
    let number = find(&mut tenant, visit.first())?;
    let rows: Vec<Row> = current(&tenant, number).map(|pass| pass.row(&tenant, false)).into_iter().collect();
    Ok(listing(service, visit, "temporaryAccessPassMethods", &rows))
}

pub(super) fn one(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let mut tenant = service.tenant();
    let number = find(&mut tenant, visit.first())?;
    let found = current(&tenant, number).filter(|pass| pass.id == capture(visit, 1));
    let pass = found.ok_or_else(|| Refusal::not_found(capture(visit, 1)))?;
    Ok(Answer::ok(Value::from(pass.row(&tenant, false))))
}

pub(super) fn delete(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let app = objects::app(service);
    let mut tenant = service.tenant();
    let number = find(&mut tenant, visit.first())?;
    access::may(&tenant, &app, visit.caller, Deed::Authenticators, number, &service.settings)?;
    if current(&tenant, number).is_none_or(|pass| pass.id != capture(visit, 1)) {
        return Err(Refusal::not_found(capture(visit, 1)));
    }
    tenant.passes.remove(&number);
    tenant.touch(number).written_to = true;
    Ok(Answer::no_content())
}

/// What a request asks for.
struct Wanted {
    start: Option<Timestamp>,
    minutes: i64,
    once: bool,
}

fn wanted(visit: &Visit<'_>) -> Result<Wanted, Refusal> {
    let mut wanted = Wanted { start: None, minutes: USUAL_LIFETIME, once: false };
    for (name, value) in &visit.body {
        let wrong = || Refusal::bad_request(format!("Invalid value specified for property '{name}'."));
        match name.as_str() {
            "@odata.type" => {}
            "startDateTime" if value.is_null() => {}
            "startDateTime" => {
                let start = value.as_str().and_then(|text| text.parse().ok());
                wanted.start = Some(start.ok_or_else(wrong)?);
            }
            "lifetimeInMinutes" => wanted.minutes = value.as_i64().ok_or_else(wrong)?,
            "isUsableOnce" => wanted.once = value.as_bool().ok_or_else(wrong)?,
            _ => {
                let type_name = "microsoft.graph.temporaryAccessPassAuthenticationMethod";
                let message = format!("The property '{name}' does not exist on type '{type_name}'.");
                return Err(Refusal::bad_request(message));
            }
        }
    }
    if LIFETIME.contains(&wanted.minutes) {
        return Ok(wanted);
    }
    Err(Refusal::bad_request("The lifetime of a Temporary Access Pass must be between 10 and 43200 minutes."))
}

pub(super) fn create(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let wanted = wanted(visit)?;
    let app = objects::app(service);
    let id = service.next_id();
    let mut tenant = service.tenant();
    let number = find(&mut tenant, visit.first())?;
    access::may(&tenant, &app, visit.caller, Deed::Authenticators, number, &service.settings)?;
    if !service.settings.temporary_access_pass {
        return Err(Refusal::bad_request("Temporary Access Pass is not enabled by policy for this user."));
    }
    let here = tenant.view(number).is_some_and(|view| view.user.signs_in_here());
    if !here {
        return Err(Refusal::bad_request("A Temporary Access Pass cannot be added to an external user."));
    }
    let now = tenant.now();
    let text: Vec<u8> = id.as_bytes().iter().copied().take(6).collect();
    let pass = Pass {
        id: id.to_string(),
        text: STANDARD_NO_PAD.encode(text),
        created: now,
        start: wanted.start.unwrap_or(now),
        minutes: wanted.minutes,
        once: wanted.once,
    };
    let row = pass.row(&tenant, true);
    // There is one: a new pass takes the place of the one before.
    tenant.passes.insert(number, pass);
    tenant.touch(number).written_to = true;
    Ok(Answer::json(StatusCode::CREATED, row.into()))
}
