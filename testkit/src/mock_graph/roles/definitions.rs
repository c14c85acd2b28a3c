//! `GET /roleManagement/directory/roleDefinitions`: v1.0 does not tell which are privileged.

use serde_json::json;

use super::super::collection::{self, Collection, Row};
use super::super::objects::row;
use super::super::privilege::RoleGraph;
use super::super::privilege::builtin::{BUILT_IN, built_in};
use super::super::refusal::Refusal;
use super::super::routes::Visit;
use super::super::service::Service;
use super::DEFINITION;
use crate::mock_http::Answer;

pub(super) fn list(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let tenant = service.tenant();
    let graph = &tenant.privilege;
    let ids = BUILT_IN.iter().map(|role| role.template.to_owned());
    let ids: Vec<String> = ids.chain(graph.custom_roles.iter().map(|role| role.id.to_string())).collect();
    collection::answer(service, visit, Collection::of(&DEFINITION, ids.len()), |place| {
        definition(graph, ids.get(usize::try_from(place).ok()?)?)
    })
}

pub(super) fn one(service: &Service, visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let row = definition(&service.tenant().privilege, visit.first());
    row.map(|row| collection::one(service, visit, &DEFINITION, row)).ok_or_else(|| Refusal::not_found(visit.first()))
}

/// A role as a row. The actions of built-in roles are not in the mock's sources: one stands for all.
pub(super) fn definition(graph: &RoleGraph, id: &str) -> Option<Row> {
    let (name, is_built_in, actions) = match built_in(id) {
        Some(role) => (role.name.to_owned(), true, vec!["microsoft.directory/users/standard/read".to_owned()]),
        None => {
            let role = graph.custom_role(id)?;
            (role.name.clone(), false, role.actions.clone())
        }
    };
    Some(row(json!({
        "id": id,
        "description": name,
        "displayName": name,
        "isBuiltIn": is_built_in,
        "isEnabled": true,
        "resourceScopes": ["/"],
        "rolePermissions": [{ "allowedResourceActions": actions, "condition": null }],
        "templateId": id,
        "version": if is_built_in { json!("1") } else { json!(null) },
    })))
}
