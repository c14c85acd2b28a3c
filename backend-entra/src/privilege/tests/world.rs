//! A tenant that answers as Graph does, in the process. Its rows are written from the reference and share
//! nothing with what is read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use identity_core::account::{AccountId, DirectoryId};
use identity_core::directory::PrivilegeClassifier as _;
use identity_core::error::Result;
use identity_core::http::{Transport, TransportFault};
use identity_core::privilege::{Ground, PrivilegeIndex};
use serde_json::{Value, json};

use crate::{EntraConfig, EntraDirectory};

pub(super) const GLOBAL: &str = "62e90394-69f5-4237-9190-012177145e10";
pub(super) const HELPDESK: &str = "729827e3-9c14-49f7-bb1b-9608f156bbb8";
pub(super) const READERS: &str = "88d8e3e3-8f55-4a1e-953a-9b9898b8876b";
pub(super) const CUSTOM: &str = "0d1c4d5e-0000-4000-8000-000000000001";
const CLIENT: &str = "535fb089-9ff3-47b6-9bfb-4f1264799865";

/// A tenant. Ids tell the kind by their first letter: `u`ser, `g`roup, `a`pp, `x` for a registration.
#[derive(Clone, Debug, Default)]
pub(super) struct World {
    /// principal, role, scope; as `roleAssignments` has them.
    pub(super) assigned: Vec<(String, String, String)>,
    /// principal, role, scope, assignment type, member type.
    pub(super) active: Vec<(String, String, String, String, String)>,
    /// principal, role, scope, member type.
    pub(super) eligible: Vec<(String, String, String, String)>,
    /// role, principal: what the activated role lists.
    pub(super) listed: Vec<(String, String)>,
    /// Groups, and whether they can be given roles.
    pub(super) groups: BTreeMap<String, bool>,
    /// (group, list) -> principals; the list is `members` or `owners`.
    pub(super) places: BTreeMap<(String, String), BTreeSet<String>>,
    /// group, principal, access, list of schedule instances.
    pub(super) scheduled: Vec<(String, String, String, String)>,
    /// Owners of service principals and (`x…`) of registrations.
    pub(super) owners: BTreeMap<String, BTreeSet<String>>,
    /// service principal, permission.
    pub(super) permissions: Vec<(String, String)>,
    /// Units: restricted, members.
    pub(super) units: BTreeMap<String, (bool, BTreeSet<String>)>,
    /// Groups and units that hide their members.
    pub(super) hiding: BTreeSet<String>,
    /// Types of objects that are not what their letter says; an empty one is left out.
    pub(super) types: BTreeMap<String, &'static str>,
    /// Whether the token tells nothing.
    pub(super) opaque: bool,
    /// Whether the domain was federated after it was read first.
    pub(super) federates: bool,
    /// Calls that are refused: a part of the path, status, code.
    pub(super) refused: Vec<(&'static str, u16, &'static str)>,
    /// How often a refusal holds; for ever where it is not said.
    pub(super) times: Arc<Mutex<BTreeMap<&'static str, u32>>>,
    /// Whether role assignments keep to themselves who holds them.
    pub(super) nameless: bool,
    /// The token's permissions.
    pub(super) granted: Vec<&'static str>,
    /// What was asked.
    pub(super) asked: Arc<Mutex<Vec<String>>>,
}

pub(super) fn s(text: &str) -> String {
    text.to_owned()
}

impl World {
    pub(super) fn assign(&mut self, principal: &str, role: &str) -> &mut Self {
        self.assigned.push((s(principal), s(role), s("/")));
        self
    }

    pub(super) fn make_eligible(&mut self, principal: &str, role: &str) -> &mut Self {
        self.eligible.push((s(principal), s(role), s("/"), s("Direct")));
        self
    }

    pub(super) fn put(&mut self, principal: &str, group: &str, list: &str) -> &mut Self {
        self.places.entry((s(group), s(list))).or_default().insert(s(principal));
        self
    }

    pub(super) fn own(&mut self, principal: &str, app: &str) -> &mut Self {
        self.owners.entry(s(app)).or_default().insert(s(principal));
        self
    }

    pub(super) async fn connect(&self) -> Arc<EntraDirectory> {
        let config = EntraConfig::new(DirectoryId::new("cloud").expect("id"), "contoso.example")
            .client_secret(CLIENT, "planted".into())
            .without_quotas()
            .transport(Arc::new(self.clone()));
        EntraDirectory::connect(config).await.expect("connects")
    }

    pub(super) async fn index(&self) -> Result<PrivilegeIndex> {
        self.connect().await.privileges().await
    }

    fn object(&self, id: &str) -> Value {
        let kind = match id.chars().next() {
            Some('u') => "user",
            Some('g') => "group",
            Some('a') => "servicePrincipal",
            _ => "device",
        };
        match self.types.get(id) {
            Some(&"") => json!({"id": id}),
            kind_of_test => {
                let kind = kind_of_test.unwrap_or(&kind);
                json!({"@odata.type": format!("#microsoft.graph.{kind}"), "id": id, "displayName": id})
            }
        }
    }

    fn visibility(&self, id: &str) -> Value {
        if self.hiding.contains(id) { json!("HiddenMembership") } else { Value::Null }
    }

    fn objects(&self, ids: Option<&BTreeSet<String>>) -> Option<Value> {
        Some(Value::Array(ids.into_iter().flatten().map(|id| self.object(id)).collect()))
    }

    /// Whoever is gone is left out.
    fn by_ids(&self, body: &Value) -> Option<Value> {
        assert_eq!(body["types"], json!(["user", "group", "servicePrincipal"]));
        let ids = body["ids"].as_array()?.iter().filter_map(Value::as_str);
        let found: Vec<Value> = ids.filter(|id| !id.starts_with("gone")).map(|id| self.object(id)).collect();
        Some(json!({ "value": found }))
    }

    fn answer(&self, path: &str, query: &BTreeMap<String, String>) -> Option<Value> {
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let rows = match parts.as_slice() {
            ["organization"] => json!([{"id": "t", "displayName": "T", "verifiedDomains": []}]),
            ["domains"] => {
                let times = self.asked.lock().expect("lock").iter().filter(|path| *path == "/domains").count();
                let sort = if self.federates && times > 1 { "Federated" } else { "Managed" };
                json!([{"id": "contoso.example", "authenticationType": sort, "isVerified": true}])
            }
            ["roleManagement", "directory", "roleDefinitions"] => json!([
                {"id": GLOBAL, "templateId": GLOBAL, "displayName": "Global Administrator", "isBuiltIn": true},
                {"id": HELPDESK, "templateId": HELPDESK, "displayName": "Helpdesk Administrator", "isBuiltIn": true},
                {"id": READERS, "templateId": READERS, "displayName": "Directory Readers", "isBuiltIn": true,
                 "rolePermissions": [{"allowedResourceActions": ["microsoft.directory/users/standard/read"]}]},
                {"id": CUSTOM, "templateId": CUSTOM, "displayName": "Passwords of the plant", "isBuiltIn": false,
                 "rolePermissions": [{"allowedResourceActions": ["microsoft.directory/users/password/update"], "condition": null}]},
            ]),
            ["roleManagement", "directory", "roleAssignments"] => {
                assert_eq!(query.get("$expand").map(String::as_str), Some("principal"));
                let row = |(principal, role, scope): &(String, String, String)| {
                    json!({"id": "r", "principalId": principal, "roleDefinitionId": role, "directoryScopeId": scope,
                           "resourceScope": scope, "principal": if self.nameless { Value::Null } else { self.object(principal) }})
                };
                self.assigned.iter().map(row).collect()
            }
            ["roleManagement", "directory", "roleAssignmentScheduleInstances"] => {
                let row = |(principal, role, scope, assignment, member): &(String, String, String, String, String)| {
                    json!({"principalId": principal, "roleDefinitionId": role, "directoryScopeId": scope,
                           "appScopeId": null, "assignmentType": assignment, "memberType": member, "endDateTime": null})
                };
                self.active.iter().map(row).collect()
            }
            ["roleManagement", "directory", "roleEligibilityScheduleInstances"] => {
                let row = |(principal, role, scope, member): &(String, String, String, String)| {
                    json!({"principalId": principal, "roleDefinitionId": role, "directoryScopeId": scope,
                           "appScopeId": null, "memberType": member})
                };
                self.eligible.iter().map(row).collect()
            }
            ["directoryRoles"] => {
                let roles: BTreeSet<&String> = self.listed.iter().map(|(role, _)| role).collect();
                roles.iter().map(|role| json!({"id": format!("d-{role}"), "roleTemplateId": role, "displayName": role})).collect()
            }
            ["directoryRoles", role, "members"] => {
                let members = self.listed.iter().filter(|(own, _)| format!("d-{own}") == *role);
                members.map(|(_, principal)| self.object(principal)).collect()
            }
            ["groups"] => {
                assert_eq!(query.get("$filter").map(String::as_str), Some("isAssignableToRole eq true"));
                let groups = self.groups.iter().filter(|(_, assignable)| **assignable);
                groups.map(|(id, _)| json!({"id": id, "displayName": id, "visibility": self.visibility(id)})).collect()
            }
            ["groups", group, list @ ("members" | "owners")] => self.objects(self.places.get(&(s(group), s(list))))?,
            ["identityGovernance", "privilegedAccess", "group", list] => {
                let group = query.get("$filter")?.strip_prefix("groupId eq '")?.trim_end_matches('\'').to_owned();
                let rows = self.scheduled.iter().filter(|(own, _, _, of)| *own == group && of == list);
                rows.map(|(group, principal, access, _)| json!({"groupId": group, "principalId": principal, "accessId": access})).collect()
            }
            ["directory", "administrativeUnits"] => self
                .units
                .iter()
                .map(|(id, (restricted, _))| json!({"id": id, "displayName": id, "visibility": self.visibility(id), "isMemberManagementRestricted": restricted}))
                .collect(),
            ["directory", "administrativeUnits", unit, "members"] => self.objects(self.units.get(*unit).map(|(_, all)| all))?,
            ["servicePrincipals(appId='00000003-0000-0000-c000-000000000000')"] => {
                let names: BTreeSet<&String> = self.permissions.iter().map(|(_, name)| name).collect();
                let roles: Vec<Value> = names.iter().map(|name| json!({"id": format!("p-{name}"), "value": name})).collect();
                return Some(json!({"id": "graph", "appRoles": roles}));
            }
            ["servicePrincipals", "graph", "appRoleAssignedTo"] => {
                let row = |(app, name): &(String, String)| {
                    json!({"appRoleId": format!("p-{name}"), "principalId": app, "principalDisplayName": app, "principalType": "ServicePrincipal"})
                };
                self.permissions.iter().map(row).collect()
            }
            ["servicePrincipals", app, "owners"] => self.objects(self.owners.get(*app))?,
            ["servicePrincipals", app] => return Some(json!({"id": app, "appId": app_id(app)})),
            [application] => {
                let app = self.registered(application)?;
                return Some(json!({"id": format!("x{app}")}));
            }
            [application, "owners"] => self.objects(self.owners.get(&format!("x{}", self.registered(application)?)))?,
            _ => return None,
        };
        Some(json!({ "value": rows }))
    }

    /// The app of `applications(appId='…')`; only those have a registration here that have an owner there.
    fn registered(&self, path: &str) -> Option<String> {
        let id = path.strip_prefix("applications(appId='")?.strip_suffix("')")?;
        let owners = self.owners.keys().filter_map(|key| key.strip_prefix('x'));
        owners.filter(|app| app_id(app) == id).map(s).next()
    }
}

fn app_id(app: &str) -> String {
    format!("00000000-0000-4000-8000-{:0>12}", app.trim_start_matches(|c: char| !c.is_ascii_digit()))
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let hex: String = rest.by_ref().take(2).map(char::from).collect();
                bytes.push(u8::from_str_radix(&hex, 16).expect("hex"));
            }
            b'+' => bytes.push(b' '),
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).expect("utf-8")
}

#[async_trait]
impl Transport for World {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportFault> {
        let path = decoded(request.uri().path());
        let (status, body) = if path.ends_with("/oauth2/v2.0/token") {
            let claims = json!({"roles": self.granted, "oid": "a99", "appid": CLIENT}).to_string();
            let token = format!("e30.{}.s", URL_SAFE_NO_PAD.encode(claims));
            let token = if self.opaque { s("opaque") } else { token };
            (200, json!({"token_type": "Bearer", "expires_in": 3599, "access_token": token}))
        } else {
            let path = path.strip_prefix("/v1.0").expect("the version").to_owned();
            let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
            let query = request.uri().query().unwrap_or_default();
            let query = query.split('&').filter_map(|part| part.split_once('='));
            let query: BTreeMap<String, String> = query.map(|(name, value)| (decoded(name), decoded(value))).collect();
            self.asked.lock().expect("lock").push(path.clone());
            let refusal = self.refused.iter().find(|(part, ..)| path.contains(part)).filter(|(part, ..)| {
                self.times.lock().expect("lock").get_mut(part).is_none_or(|left| {
                    let holds = *left > 0;
                    *left = left.saturating_sub(1);
                    holds
                })
            });
            let answer =
                if path == "/directoryObjects/getByIds" { self.by_ids(&body) } else { self.answer(&path, &query) };
            match (refusal, answer) {
                (Some((_, status, code)), _) => {
                    (*status, json!({"error": {"code": code, "message": "refused by the test"}}))
                }
                (None, Some(body)) => (200, body),
                (None, None) => (404, json!({"error": {"code": "Request_ResourceNotFound", "message": path}})),
            }
        };
        let mut response = http::Response::new(Bytes::from(body.to_string()));
        *response.status_mut() = http::StatusCode::from_u16(status).expect("a status");
        Ok(response)
    }
}

pub(super) fn id(text: &str) -> AccountId {
    AccountId::new(text).expect("id")
}

/// The grounds of one account in short: tier, rule, what it holds, evidence.
pub(super) fn grounds(index: &PrivilegeIndex, account: &str) -> Vec<(u8, String, String, String)> {
    let short = |ground: Ground| (ground.tier.number(), ground.rule, ground.holds, ground.evidence.join(" > "));
    index.classify(&id(account)).grounds.into_iter().map(short).collect()
}
