//! The organisation, its domains, and objects by their ids.

use http::Method;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::objects;
use super::query::{Entity, Options, Property, Shown, Written};
use super::refusal::Refusal;
use super::routes::{BodyRule, Family, Route, Visit};
use super::service::Service;
use crate::fault::Operation;
use crate::mock_http::Answer;

/// The most ids of one request (getByIds).
const MOST_IDS: usize = 1000;

const fn shown(name: &'static str) -> Property {
    Property { name, shown: Shown::Always, filter: &[], advanced: &[], written: Written::Never }
}

static ORGANISATION: Entity = Entity {
    set: "organization",
    properties: &[
        shown("id"),
        shown("displayName"),
        shown("tenantType"),
        shown("createdDateTime"),
        shown("onPremisesSyncEnabled"),
        shown("onPremisesLastSyncDateTime"),
        shown("verifiedDomains"),
    ],
};

static DOMAIN: Entity = Entity {
    set: "domains",
    properties: &[
        shown("id"),
        shown("authenticationType"),
        shown("isAdminManaged"),
        shown("isDefault"),
        shown("isInitial"),
        shown("isRoot"),
        shown("isVerified"),
        shown("passwordNotificationWindowInDays"),
        shown("passwordValidityPeriodInDays"),
        shown("supportedServices"),
    ],
};

const READING: Route = Route {
    method: Method::GET,
    path: &["organization"],
    permissions: &["Organization.Read.All", "Directory.Read.All", "Directory.ReadWrite.All"],
    units: 1,
    units_selected: 1,
    family: Family::Directory,
    operation: Operation::Read,
    options: Options { select: true, ..Options::NONE },
    entity: Some(&ORGANISATION),
    body: BodyRule::None,
    user_at: None,
    answer: organisation,
};

pub(super) const ROUTES: &[Route] = &[
    READING,
    Route { path: &["organization", "{}"], answer: one_organisation, ..READING },
    Route {
        path: &["domains"],
        permissions: &["Domain.Read.All", "Domain.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"],
        entity: Some(&DOMAIN),
        answer: domains,
        ..READING
    },
    Route {
        method: Method::POST,
        path: &["directoryObjects", "getByIds"],
        permissions: &["Directory.Read.All", "Directory.ReadWrite.All", "User.Read.All"],
        units: 5,
        units_selected: 2,
        entity: None,
        body: BodyRule::Object,
        answer: by_ids,
        ..READING
    },
];

fn selected(row: Value, select: Option<&[String]>) -> Map<String, Value> {
    let Value::Object(members) = row else { return Map::new() };
    let wanted = |name: &String| select.is_none_or(|names| names.contains(name));
    members.into_iter().filter(|(name, _)| wanted(name)).collect()
}

fn the_organisation(service: &Service) -> Value {
    let (tenant, each) = (service.tenant(), domain_rows(service));
    let synced = tenant.now().strftime("%Y-%m-%dT%H:00:00Z").to_string();
    let verified: Vec<Value> = each
        .iter()
        .map(|(name, federated, initial)| {
            json!({
                "capabilities": "Email, OfficeCommunicationsOnline",
                "isDefault": *name == tenant.population.organisation.domain(),
                "isInitial": initial,
                "name": name,
                "type": if *federated { "Federated" } else { "Managed" },
            })
        })
        .collect();
    json!({
        "id": tenant.id,
        "displayName": "Mock organisation",
        "tenantType": "AAD",
        "createdDateTime": "2016-03-01T00:00:00Z",
        "onPremisesSyncEnabled": true,
        "onPremisesLastSyncDateTime": synced,
        "verifiedDomains": verified,
    })
}

fn organisation(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let row = selected(the_organisation(service), visit.query.select.as_deref());
    let context = format!("{}/v1.0/$metadata#organization", service.graph_url);
    Ok(Answer::ok(json!({ "@odata.context": context, "value": [row] })))
}

fn one_organisation(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let row = the_organisation(service);
    if row.get("id").and_then(Value::as_str) != Some(visit.first()) {
        return Err(Refusal::not_found(visit.first()));
    }
    let mut row = selected(row, visit.query.select.as_deref());
    let context = format!("{}/v1.0/$metadata#organization/$entity", service.graph_url);
    row.insert("@odata.context".into(), context.into());
    Ok(Answer::ok(row.into()))
}

/// Name, whether it is federated, whether it is the initial one.
fn domain_rows(service: &Service) -> [(String, bool, bool); 4] {
    let population = &service.population;
    [
        (population.initial_domain(), false, true),
        (population.organisation.domain().to_owned(), false, false),
        (population.cloud_domain(), false, false),
        (population.federated_domain(), true, false),
    ]
}

fn domains(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let default = service.population.organisation.domain();
    let rows = domain_rows(service).into_iter().map(|(name, federated, initial)| {
        let row = json!({
            "id": name,
            "authenticationType": if federated { "Federated" } else { "Managed" },
            "isAdminManaged": true,
            "isDefault": name == default,
            "isInitial": initial,
            "isRoot": initial || name == default,
            "isVerified": true,
            "passwordNotificationWindowInDays": if federated { Value::Null } else { json!(14) },
            // The largest number stands for "never".
            "passwordValidityPeriodInDays": if federated { Value::Null } else { json!(2_147_483_647) },
            "supportedServices": ["Email", "OfficeCommunicationsOnline"],
        });
        selected(row, visit.query.select.as_deref())
    });
    let rows: Vec<Map<String, Value>> = rows.collect();
    let context = format!("{}/v1.0/$metadata#domains", service.graph_url);
    Ok(Answer::ok(json!({ "@odata.context": context, "value": rows })))
}

/// The selected properties of an object, its type always.
fn shown_of(row: Map<String, Value>, select: Option<&[String]>) -> Value {
    let wanted = |name: &String| name.starts_with('@') || select.is_none_or(|names| names.contains(name));
    row.into_iter().filter(|(name, _)| wanted(name)).collect::<Map<_, _>>().into()
}

/// Who is there of these ids; the others are left out.
fn by_ids(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let texts = |name: &str| -> Result<Vec<&str>, Refusal> {
        let wrong = || Refusal::bad_request(format!("Invalid value specified for property '{name}'."));
        let each = visit.body.get(name).map(|value| value.as_array().ok_or_else(wrong)).transpose()?;
        each.into_iter().flatten().map(|text| text.as_str().ok_or_else(wrong)).collect()
    };
    if let Some(other) = visit.body.keys().find(|name| !["ids", "types"].contains(&name.as_str())) {
        return Err(Refusal::bad_request(format!(
            "The parameter '{other}' is not a valid parameter for the operation."
        )));
    }
    let (ids, types) = (texts("ids")?, texts("types")?);
    if ids.is_empty() || ids.len() > MOST_IDS {
        return Err(Refusal::bad_request("Between 1 and 1000 ids can be asked for."));
    }
    let ids: Result<Vec<Uuid>, _> = ids.into_iter().map(str::parse).collect();
    let ids = ids.map_err(|_| Refusal::bad_request("Invalid object identifier."))?;
    let app = objects::app(service);
    let mut rows: Vec<Value> = Vec::new();
    let mut tenant = service.tenant();
    let wanted = |row: &Map<String, Value>| {
        let own = row.get("@odata.type").and_then(Value::as_str).unwrap_or_default();
        types.is_empty()
            || types.iter().any(|kind| *kind == "directoryObject" || own == format!("#microsoft.graph.{kind}"))
    };
    for id in ids {
        if let Some(number) = tenant.by_id(&id) {
            if tenant.not_found_yet(number) {
                continue;
            }
            tenant.settle(number);
        }
        let row = objects::row_of(&tenant, &app, visit.caller, &id, visit.query.select.as_deref());
        rows.extend(row.filter(wanted).map(|row| shown_of(row, visit.query.select.as_deref())));
    }
    let context = format!("{}/v1.0/$metadata#directoryObjects", service.graph_url);
    Ok(Answer::ok(json!({ "@odata.context": context, "value": rows })))
}
