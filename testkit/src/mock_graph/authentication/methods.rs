//! `/users/{id}/authentication/…`: what a user signs in with, and deleting it.

use serde_json::{Value, json};

use super::super::access::{self, Deed};
use super::super::collection::Row;
use super::super::refusal::Refusal;
use super::super::routes::Visit;
use super::super::service::Service;
use super::super::tenant::Tenant;
use super::super::users::find;
use super::enrolment::{EnrolledMethod, MethodKind};
use super::passes;
use crate::mock_http::Answer;

/// What Graph says of the default method while there are others.
const DEFAULT: &str =
    "Cannot delete default method with other methods configured. Please change default method before deletion.";

/// What stands in the place of a `{}`.
pub(super) fn capture<'a>(visit: &'a Visit<'_>, at: usize) -> &'a str {
    visit.captures.get(at).map_or("", String::as_str)
}

/// Rows in their envelope.
pub(super) fn listing(service: &Service, visit: &Visit<'_>, family: &str, rows: &[Row]) -> Answer {
    let user = visit.first();
    let context = format!("{}/v1.0/$metadata#users('{user}')/authentication/{family}", service.graph_url);
    Answer::ok(json!({ "@odata.context": context, "value": rows }))
}

pub(super) fn list(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let mut tenant = service.tenant();
    let number = find(&mut tenant, visit.first())?;
    let mut rows: Vec<Row> = tenant.enrolment(number).methods.iter().map(EnrolledMethod::row).collect();
    rows.extend(passes::current(&tenant, number).map(|pass| pass.row(&tenant, false)));
    Ok(listing(service, visit, "methods", &rows))
}

/// The kind of a family in a path.
fn kind(visit: &Visit<'_>) -> Result<MethodKind, Refusal> {
    MethodKind::of_family(capture(visit, 1)).ok_or_else(|| Refusal::no_such_segment(capture(visit, 1)))
}

pub(super) fn family(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let kind = kind(visit)?;
    let mut tenant = service.tenant();
    let number = find(&mut tenant, visit.first())?;
    let enrolment = tenant.enrolment(number);
    let untyped = |method: &EnrolledMethod| {
        let mut row = method.row();
        row.remove("@odata.type");
        row
    };
    let rows: Vec<Row> = enrolment.methods.iter().filter(|method| method.kind == kind).map(untyped).collect();
    Ok(listing(service, visit, kind.family(), &rows))
}

fn named(tenant: &Tenant, number: u64, kind: Option<MethodKind>, id: &str) -> Result<EnrolledMethod, Refusal> {
    let methods = tenant.enrolment(number).methods;
    let fits = |method: &EnrolledMethod| method.id == id && kind.is_none_or(|kind| method.kind == kind);
    methods.into_iter().find(fits).ok_or_else(|| Refusal::not_found(id))
}

pub(super) fn one(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let kind = if capture(visit, 1) == "methods" { None } else { Some(kind(visit)?) };
    let mut tenant = service.tenant();
    let number = find(&mut tenant, visit.first())?;
    let method = named(&tenant, number, kind, capture(visit, 2))?;
    Ok(Answer::ok(Value::from(method.row())))
}

pub(super) fn delete(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let kind = match kind(visit) {
        // The list of every kind only reads, and a password is only ever set anew.
        Ok(MethodKind::Password) => return Err(Refusal::method_not_allowed()),
        Err(_) if capture(visit, 1) == "methods" => return Err(Refusal::method_not_allowed()),
        other => other?,
    };
    let app = super::super::objects::app(service);
    let mut tenant = service.tenant();
    let number = find(&mut tenant, visit.first())?;
    access::may(&tenant, &app, visit.caller, Deed::Authenticators, number, &service.settings)?;
    let method = named(&tenant, number, Some(kind), capture(visit, 2))?;
    let mut enrolment = tenant.enrolment(number);
    let others = enrolment
        .methods
        .iter()
        .any(|other| other.id != method.id && !matches!(other.kind, MethodKind::Password | MethodKind::Email));
    if enrolment.default.as_ref() == Some(&method.id) {
        if others {
            return Err(Refusal::bad_request(DEFAULT));
        }
        enrolment.default = None;
    }
    enrolment.methods.retain(|other| other.id != method.id);
    tenant.enrolments.insert(number, enrolment);
    tenant.touch(number).written_to = true;
    Ok(Answer::no_content())
}
