//! An org that answers as Okta does, in the process. Its rows are written from the description of the
//! Management API and share nothing with what is read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use identity_core::account::{AccountId, DirectoryId};
use identity_core::directory::PrivilegeClassifier as _;
use identity_core::error::Result;
use identity_core::http::{Transport, TransportFault};
use identity_core::privilege::PrivilegeIndex;
use serde_json::{Value, json};

use crate::{OktaConfig, OktaDirectory};

pub(super) const ORG: &str = "https://acme.okta.test";
/// Who signs in.
pub(super) const ME: &str = "00uMe";

/// An org. Ids tell the kind by their first letter: `u`ser, `g`roup, `a`pp; custom roles begin with `cr0`.
#[derive(Clone, Debug, Default)]
pub(super) struct World {
    /// principal, type of a standard role; given to it itself.
    pub(super) roles: BTreeSet<(String, String)>,
    /// set, custom role, principal.
    pub(super) bindings: BTreeSet<(String, String, String)>,
    /// Custom roles: permissions.
    pub(super) custom: BTreeMap<String, Vec<String>>,
    /// group -> members.
    pub(super) members: BTreeMap<String, BTreeSet<String>>,
    /// Apps that sign in by themselves.
    pub(super) apps: BTreeSet<String>,
    /// Groups beside those that hold something.
    pub(super) ordinary_groups: usize,
    /// The listing of administrators leaves out whoever is one by a group only.
    pub(super) hides_inherited: bool,
    /// The roles of a user leave out those by a group.
    pub(super) hides_group_rows: bool,
    /// The listing of groups does not tell which of them hold a role.
    pub(super) without_stats: bool,
    /// Users that are gone when their roles are asked for.
    pub(super) gone: BTreeSet<String>,
    /// Whom the listing of administrators names without a reason.
    pub(super) listed: BTreeSet<String>,
    /// Calls that are refused: a part of the path, status, code.
    pub(super) refused: Vec<(&'static str, u16, &'static str)>,
    /// What was asked.
    pub(super) asked: Arc<Mutex<Vec<String>>>,
}

pub(super) fn s(text: &str) -> String {
    text.to_owned()
}

pub(super) fn id(text: &str) -> AccountId {
    AccountId::new(text).expect("an id")
}

/// Tier, rule and evidence of each ground.
pub(super) fn grounds(index: &PrivilegeIndex, account: &str) -> Vec<(u8, String, String)> {
    let grounds = index.classify(&id(account)).grounds;
    grounds.into_iter().map(|ground| (ground.tier.number(), ground.rule, ground.evidence.join(" > "))).collect()
}

impl World {
    pub(super) fn give(&mut self, principal: &str, role: &str) -> &mut Self {
        self.roles.insert((s(principal), s(role)));
        if principal.starts_with('a') {
            self.apps.insert(s(principal));
        }
        self
    }

    pub(super) fn bind(&mut self, set: &str, role: &str, principal: &str) -> &mut Self {
        self.bindings.insert((s(set), s(role), s(principal)));
        if principal.starts_with('a') {
            self.apps.insert(s(principal));
        }
        self
    }

    pub(super) fn define(&mut self, role: &str, permissions: &[&str]) -> &mut Self {
        self.custom.insert(s(role), permissions.iter().map(|name| s(name)).collect());
        self
    }

    pub(super) fn put(&mut self, user: &str, group: &str) -> &mut Self {
        self.members.entry(s(group)).or_default().insert(s(user));
        self
    }

    pub(super) async fn connect(&self) -> Arc<OktaDirectory> {
        let config = OktaConfig::new(DirectoryId::new("okta").expect("id"), ORG)
            .api_token("planted".into())
            .without_quotas()
            .transport(Arc::new(self.clone()));
        let directory = OktaDirectory::connect(config).await.expect("connects");
        self.asked.lock().expect("lock").clear();
        directory
    }

    pub(super) async fn index(&self) -> Result<PrivilegeIndex> {
        self.connect().await.privileges().await
    }

    /// How often it was asked for a path that begins so.
    pub(super) fn times(&self, beginning: &str) -> usize {
        self.asked.lock().expect("lock").iter().filter(|path| path.starts_with(beginning)).count()
    }

    /// The groups that hold a role of whatever sort.
    fn holding_groups(&self) -> BTreeSet<String> {
        let own = self.roles.iter().map(|(principal, _)| principal);
        let bound = self.bindings.iter().map(|(_, _, principal)| principal);
        own.chain(bound).filter(|principal| principal.starts_with('g')).cloned().collect()
    }

    fn groups_of(&self, user: &str) -> BTreeSet<String> {
        let groups = self.members.iter().filter(|(_, members)| members.contains(user));
        groups.map(|(group, _)| group.clone()).collect()
    }

    fn assignees(&self) -> Vec<String> {
        let own = self.roles.iter().map(|(principal, _)| principal.clone());
        let bound = self.bindings.iter().map(|(_, _, principal)| principal.clone());
        let mut all: BTreeSet<String> = own.chain(bound).filter(|principal| principal.starts_with('u')).collect();
        if !self.hides_inherited {
            for group in self.holding_groups() {
                all.extend(self.members.get(&group).into_iter().flatten().cloned());
            }
        }
        all.extend(self.listed.iter().cloned());
        all.into_iter().collect()
    }

    /// The rows of what a principal holds itself.
    fn rows(&self, principal: &str, assignment: &str) -> Vec<Value> {
        let link = json!({"assignee": {"href": address(principal)}});
        let standard = self.roles.iter().filter(|(holder, _)| holder == principal).map(|(_, role)| {
            json!({"id": "ra1", "label": format!("label of {role}"), "type": role, "status": "ACTIVE",
                   "assignmentType": assignment, "_links": link})
        });
        let custom = self.bindings.iter().filter(|(_, _, holder)| holder == principal).map(|(set, role, _)| {
            let (sort, role) = if role.starts_with("cr0") { ("CUSTOM", role) } else { (role.as_str(), role) };
            json!({"id": "irb1", "label": format!("label of {role}"), "type": sort, "status": "ACTIVE", "role": role,
                   "resource-set": set, "assignmentType": assignment, "_links": link})
        });
        standard.chain(custom).collect()
    }

    fn user_rows(&self, user: &str) -> Vec<Value> {
        let mut rows = self.rows(user, "USER");
        if !self.hides_group_rows {
            rows.extend(self.groups_of(user).iter().flat_map(|group| self.rows(group, "GROUP")));
        }
        rows
    }

    fn groups(&self) -> Vec<Value> {
        let holding = self.holding_groups();
        let named = holding.iter().chain(self.members.keys()).collect::<BTreeSet<_>>();
        let row = |id: &str, flag: bool| {
            let stats = if self.without_stats {
                json!({})
            } else {
                json!({"stats": {"usersCount": 1, "hasAdminPrivilege": flag}})
            };
            json!({"id": id, "type": "OKTA_GROUP", "profile": {"name": format!("name of {id}")}, "_embedded": stats})
        };
        let ordinary = (0..self.ordinary_groups).map(|number| row(&format!("gx{number}"), false));
        named.into_iter().map(|id| row(id, holding.contains(id))).chain(ordinary).collect()
    }

    /// The member of the body that the rows are in (`""` for the body itself), the rows, and how many make a
    /// page.
    fn answer(&self, path: &str) -> Option<(&'static str, Vec<Value>, usize)> {
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let known = |id: &str| (!self.gone.contains(id)).then_some(());
        Some(match parts.as_slice() {
            ["api", "v1", "iam", "assignees", "users"] => {
                let row = |id: String| json!({"id": id, "orn": "orn:x", "_links": {"self": {"href": address(&id)}}});
                ("value", self.assignees().into_iter().map(row).collect(), 100)
            }
            ["api", "v1", "users", user, "roles"] => {
                known(user)?;
                ("", self.user_rows(user), usize::MAX)
            }
            ["api", "v1", "iam", "roles"] => {
                let row = |id: &String| json!({"id": id, "label": format!("label of {id}"), "description": "d"});
                ("roles", self.custom.keys().map(row).collect(), 2)
            }
            ["api", "v1", "iam", "roles", role, "permissions"] => {
                let names = self.custom.get(*role)?;
                ("permissions", names.iter().map(|name| json!({"label": name, "conditions": null})).collect(), 100)
            }
            ["api", "v1", "iam", "resource-sets"] => {
                let sets: BTreeSet<&String> = self.bindings.iter().map(|(set, _, _)| set).collect();
                let row = |id: &String| json!({"id": id, "label": format!("label of {id}")});
                ("resource-sets", sets.into_iter().map(row).collect(), 2)
            }
            ["api", "v1", "iam", "resource-sets", set, "bindings"] => {
                let roles: BTreeSet<&String> =
                    self.bindings.iter().filter(|(of, _, _)| of == set).map(|(_, role, _)| role).collect();
                ("roles", roles.into_iter().map(|role| json!({"id": role, "_links": {}})).collect(), 100)
            }
            ["api", "v1", "iam", "resource-sets", set, "bindings", role, "members"] => {
                let members = self.bindings.iter().filter(|(of, by, _)| of == set && by == role);
                let row = |(_, _, who): &(String, String, String)| json!({"id": "irb", "_links": {"self": {"href": address(who)}}});
                ("members", members.map(row).collect(), 2)
            }
            ["api", "v1", "groups"] => ("", self.groups(), 200),
            ["api", "v1", "groups", group, "roles"] => ("", self.rows(group, "GROUP"), usize::MAX),
            ["api", "v1", "groups", group, "users"] => {
                let members = self.members.get(*group).into_iter().flatten();
                ("", members.map(|id| json!({"id": id, "status": "ACTIVE"})).collect(), 200)
            }
            ["oauth2", "v1", "clients"] => {
                let row = |id: &String| {
                    json!({"client_id": id, "client_name": format!("name of {id}"), "application_type": "service",
                           "grant_types": ["client_credentials"]})
                };
                let web = json!({"client_id": "aweb", "client_name": "web", "grant_types": ["authorization_code"]});
                ("", self.apps.iter().map(row).chain([web]).collect(), 200)
            }
            ["oauth2", "v1", "clients", app, "roles"] => ("", self.rows(app, "CLIENT"), usize::MAX),
            _ => return None,
        })
    }
}

fn address(principal: &str) -> String {
    let place = match principal.chars().next() {
        Some('u' | '0') => "api/v1/users",
        Some('g') => "api/v1/groups",
        Some('a') => "oauth2/v1/clients",
        _ => "api/v1/robots",
    };
    format!("{ORG}/{place}/{principal}")
}

fn json_answer(status: u16, body: &Value) -> http::Response<Bytes> {
    let mut response = http::Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn refusal(status: u16, code: &str) -> http::Response<Bytes> {
    json_answer(
        status,
        &json!({"errorCode": code, "errorSummary": "refused by the test", "errorLink": code,
                                "errorId": "oae1", "errorCauses": []}),
    )
}

#[async_trait]
impl Transport for World {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportFault> {
        let uri = request.uri();
        let (path, query) = (uri.path().to_owned(), uri.query().unwrap_or_default().to_owned());
        if path == "/api/v1/users/me" {
            return Ok(json_answer(200, &json!({"id": ME, "status": "ACTIVE"})));
        }
        self.asked.lock().expect("lock").push(path.clone());
        if let Some((_, status, code)) = self.refused.iter().find(|(part, ..)| path.ends_with(part)) {
            return Ok(refusal(*status, code));
        }
        let Some((member, rows, size)) = self.answer(&path) else { return Ok(refusal(404, "E0000007")) };
        let from =
            query.split('&').find_map(|pair| pair.strip_prefix("after=")).map_or(0, |n| n.parse().expect("a mark"));
        let page: Vec<Value> = rows.iter().skip(from).take(size).cloned().collect();
        let next = (from + page.len() < rows.len()).then(|| format!("{ORG}{path}?after={}", from + page.len()));
        if member.is_empty() {
            let mut response = json_answer(200, &Value::Array(page));
            if let Some(next) = next {
                let link = HeaderValue::from_str(&format!("<{next}>; rel=\"next\"")).expect("a header");
                response.headers_mut().append(header::LINK, link);
            }
            return Ok(response);
        }
        let links = next.map_or_else(|| json!({}), |next| json!({"next": {"href": next}}));
        Ok(json_answer(200, &json!({ member: page, "_links": links })))
    }
}
