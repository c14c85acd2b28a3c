//! Reads what an org says about privilege: administrators, roles, resource sets, groups, apps.
//!
//! The calls grow with the administrators, the groups and the roles, never with the accounts.

use std::collections::BTreeSet;

use identity_core::error::{Error, ErrorKind, Result};
use identity_core::http::Request;
use identity_core::privilege::Tier;

use super::known::CUSTOM;
use super::reader::{Heard, OPERATION, Reader, Without, unread};
use super::survey::{Group, Holding, Principal, Role, Survey};
use super::table::{RoleTable, name_of};
use crate::limits::{CLIENTS, GROUPS, IAM, USERS};
use crate::okta::Okta;
use crate::org::Caller;
use crate::permissions::{self, ROLES};
use crate::wire::group::Group as WireGroup;
use crate::wire::role::{Assignment, ClientApp, Id, Labelled, Member, Permission};

/// Rows of a page of `/iam/assignees/users`: its default.
const ASSIGNEES: &str = "100";
/// Rows of a page, as recommended for groups and their members, and the most of `/oauth2/v1/clients`.
const PAGE: &str = "200";
/// So many groups at most are asked one by one whether they hold a role, where the listing does not tell.
const ASKED: usize = 500;

/// Reads all of it.
///
/// # Errors
/// When a read failed that may succeed later, when signing in failed, or when nothing about roles could
/// be read.
pub(super) async fn read(okta: &Okta, table: &RoleTable, caller: &Caller) -> Result<Survey> {
    let mut reader = Reader { okta, table, survey: Survey::default() };
    let listed = reader.assignees().await?;
    reader.custom_roles().await?;
    let bound = reader.resource_sets().await?;
    if !(listed || bound) {
        let detail = reader.survey.gaps.first().cloned().unwrap_or_default();
        let error = Error::new(ErrorKind::InsufficientPrivilege, OPERATION).with_detail(detail);
        return Err(okta.named(error.with_advice("grant the app okta.roles.read and a role that may view roles")));
    }
    reader.administrators(caller).await?;
    reader.groups().await?;
    reader.apps(caller).await?;
    reader.permissions().await?;
    Ok(reader.survey)
}

impl Reader<'_> {
    /// Whom the org lists as administrators; whether that could be read.
    async fn assignees(&mut self) -> Result<bool> {
        let request = Request::get("/api/v1/iam/assignees/users").query("limit", ASSIGNEES);
        let heard = self.rows_in::<Id>(IAM, request, "value").await?;
        let was_read = heard.is_ok();
        let rows = self.taken(ROLES, Some("who is an administrator"), heard);
        self.survey.listed = rows.into_iter().map(|row| row.id).collect();
        Ok(was_read)
    }

    /// The names of the custom roles. What each may do is read when it is known to be held.
    async fn custom_roles(&mut self) -> Result<()> {
        let heard = self.rows_in::<Labelled>(IAM, Request::get("/api/v1/iam/roles"), "roles").await?;
        for role in self.taken(ROLES, Some("custom roles"), heard) {
            self.meet_custom(&role.id, role.label);
        }
        Ok(())
    }

    /// Resource sets, the roles that are held over them, and by whom; whether they could be read.
    async fn resource_sets(&mut self) -> Result<bool> {
        let request = Request::get("/api/v1/iam/resource-sets");
        let heard = self.rows_in::<Labelled>(IAM, request, "resource-sets").await?;
        let was_read = heard.is_ok();
        for set in self.taken(ROLES, Some("resource sets"), heard) {
            self.survey.sets.insert(set.id, set.label.unwrap_or_default());
        }
        let sets: Vec<String> = self.survey.sets.keys().cloned().collect();
        let bindings = self
            .each(sets, |set| {
                let request = Request::get("/api/v1/iam/resource-sets").segment(&set).then("/bindings");
                self.rows_in::<Id>(IAM, request, "roles")
            })
            .await?;
        let mut bound = Vec::new();
        for (set, heard) in bindings {
            let of = format!("the bindings of {}", self.survey.set_name(&set));
            bound.extend(self.taken(ROLES, Some(&of), heard).into_iter().map(|role| (set.clone(), role.id)));
        }
        let members = self
            .each(bound, |(set, role)| {
                let request = Request::get("/api/v1/iam/resource-sets")
                    .segment(&set)
                    .then("/bindings")
                    .segment(&role)
                    .then("/members");
                self.rows_in::<Member>(IAM, request, "members")
            })
            .await?;
        for ((set, role), heard) in members {
            self.bind(&set, &role, heard);
        }
        Ok(was_read)
    }

    fn bind(&mut self, set: &str, role: &str, heard: Heard<Member>) {
        if is_standard(role) {
            self.meet_standard(role, None);
        } else {
            self.meet_custom(role, None);
        }
        let of = format!("who holds {} over {}", self.survey.role_name(role), self.survey.set_name(set));
        for member in self.taken(ROLES, Some(&of), heard) {
            match member.links.own.as_ref().and_then(|link| Principal::of_link(&link.href)) {
                Some(principal) => self.hold(principal, role.to_owned(), Some(set.to_owned())),
                None => {
                    let error = Error::new(ErrorKind::Protocol, OPERATION)
                        .with_detail("a member is neither a user nor a group nor an app");
                    self.gap(ROLES, Some(&of), &error);
                }
            }
        }
    }

    /// What each listed administrator holds, itself and by groups; and the caller.
    async fn administrators(&mut self, caller: &Caller) -> Result<()> {
        let own = match caller {
            Caller::User { id, .. } => Some(id.clone()),
            Caller::App(_) => None,
        };
        let all: BTreeSet<String> = self.survey.listed.iter().cloned().chain(own.clone()).collect();
        let roles = self
            .each(all.into_iter().collect(), |id: String| {
                let request = Request::get("/api/v1/users").segment(&id).then("/roles");
                self.rows::<Assignment>(USERS, request)
            })
            .await?;
        for (id, heard) in roles {
            if own.as_ref() == Some(&id) {
                self.survey.own_was_read = heard.is_ok();
            }
            // Whom the org lists is not dropped for being hidden: who was really deleted costs a gap, and
            // is gone from the listing when it is read again.
            let heard = heard.map_err(|without| match without {
                Without::Gone(error) if self.survey.listed.contains(&id) => Without::Refused(error),
                without => without,
            });
            if let Err(Without::Refused(_)) = &heard {
                self.survey.unread.insert(id.clone());
            }
            for row in self.taken(ROLES, Some(&format!("the roles of the user {id}")), heard) {
                self.assign(&Principal::User(id.clone()), row);
            }
        }
        Ok(())
    }

    /// The groups that hold a role, what they hold, and who is in them. They are met three ways: by the
    /// roles of a member, by a binding, and by the flag in the listing of groups, without which a group
    /// whose members the listing of administrators leaves out would stay unseen.
    async fn groups(&mut self) -> Result<()> {
        let request = Request::get("/api/v1/groups").query("limit", PAGE).query("expand", "stats");
        let heard = self.rows::<WireGroup>(GROUPS, request).await?;
        let mut to_ask = BTreeSet::new();
        for row in self.taken(permissions::GROUPS, Some("which groups hold a role"), heard) {
            let flag = row.embedded.stats.and_then(|stats| stats.has_admin_privilege);
            let name = row.profile.name.unwrap_or_default();
            match (self.survey.groups.get_mut(&row.id), flag) {
                (Some(known), _) => known.name = name,
                (None, Some(true)) => {
                    self.survey.groups.insert(row.id, Group { name, ..Group::default() });
                }
                (None, Some(false)) => {}
                (None, None) => {
                    to_ask.insert((row.id, name));
                }
            }
        }
        if to_ask.len() > ASKED {
            let error = Error::new(ErrorKind::Protocol, OPERATION)
                .with_detail(format!("the listing of groups does not tell it for {} of them", to_ask.len()));
            self.gap(permissions::GROUPS, Some("which groups hold a role"), &error);
            to_ask.clear();
        }
        let ids: BTreeSet<String> =
            self.survey.groups.keys().cloned().chain(to_ask.iter().map(|(id, _)| id.clone())).collect();
        let roles = self
            .each(ids.into_iter().collect(), |id: String| {
                let request = Request::get("/api/v1/groups").segment(&id).then("/roles");
                self.rows::<Assignment>(GROUPS, request)
            })
            .await?;
        for (id, heard) in roles {
            let of = format!("the roles of {}", self.survey.group_name(&id));
            for row in self.taken(ROLES, Some(&of), heard) {
                self.assign(&Principal::Group(id.clone()), row);
            }
        }
        for (id, name) in to_ask {
            if let Some(known) = self.survey.groups.get_mut(&id) {
                known.name = name;
            }
        }
        self.members().await
    }

    /// Who is in the groups that hold something.
    async fn members(&mut self) -> Result<()> {
        let holding: BTreeSet<String> = self
            .survey
            .holdings
            .iter()
            .filter_map(|holding| match &holding.principal {
                Principal::Group(id) => Some(id.clone()),
                _ => None,
            })
            .collect();
        let members = self
            .each(holding.into_iter().collect(), |id: String| {
                let request = Request::get("/api/v1/groups").segment(&id).then("/users").query("limit", PAGE);
                self.rows::<Id>(GROUPS, request)
            })
            .await?;
        for (id, heard) in members {
            let of = format!("the members of {}", self.survey.group_name(&id));
            let rows = self.taken(permissions::GROUPS, Some(&of), heard);
            self.survey.groups.entry(id).or_default().members.extend(rows.into_iter().map(|row| row.id));
        }
        Ok(())
    }

    /// What apps hold. Where that cannot be read, nobody but those who administer apps is concerned.
    async fn apps(&mut self, caller: &Caller) -> Result<()> {
        let request = Request::get("/oauth2/v1/clients").query("limit", PAGE);
        match self.rows::<ClientApp>(CLIENTS, request).await? {
            Ok(rows) => {
                for app in rows.into_iter().filter(ClientApp::is_service) {
                    self.survey.apps.insert(app.client_id, app.client_name.unwrap_or_default());
                }
            }
            Err(without) => self.apps_unread(permissions::CLIENTS, None, without),
        }
        let own = match caller {
            Caller::App(id) => Some(id.clone()),
            Caller::User { .. } => None,
        };
        let all: BTreeSet<String> = self.survey.apps.keys().cloned().chain(own.clone()).collect();
        let roles = self
            .each(all.into_iter().collect(), |id: String| {
                let request = Request::get("/oauth2/v1/clients").segment(&id).then("/roles");
                self.rows::<Assignment>(CLIENTS, request)
            })
            .await?;
        for (id, heard) in roles {
            if own.as_ref() == Some(&id) {
                self.survey.own_was_read = heard.is_ok();
            }
            match heard {
                Ok(rows) => rows.into_iter().for_each(|row| self.assign(&Principal::App(id.clone()), row)),
                Err(without) => {
                    let name = self.survey.app_name(&id);
                    self.apps_unread(ROLES, Some(&format!("the roles of {name}")), without);
                }
            }
        }
        self.note_apps();
        Ok(())
    }

    fn apps_unread(&mut self, need: permissions::Need, of: Option<&str>, without: Without) {
        if let Without::Refused(error) = without {
            self.survey.apps_unread.get_or_insert_with(|| unread(need, of, &error));
        }
    }

    /// Names the apps that hold a role: no reset of a password reaches them.
    fn note_apps(&mut self) {
        let notes: Vec<String> = self
            .survey
            .holdings
            .iter()
            .filter_map(|holding| match &holding.principal {
                Principal::App(app) => Some(format!(
                    "{} holds {}: no password reset reaches it; look at its keys",
                    self.survey.app_name(app),
                    self.survey.role_name(&holding.role)
                )),
                _ => None,
            })
            .collect();
        self.survey.notes.extend(notes);
    }

    /// What the custom roles may do that somebody holds.
    async fn permissions(&mut self) -> Result<()> {
        let is_custom = |role: &&String| self.survey.roles.get(*role).is_some_and(|known| known.is_custom);
        let held: BTreeSet<String> =
            self.survey.holdings.iter().map(|holding| &holding.role).filter(is_custom).cloned().collect();
        let permissions = self
            .each(held.into_iter().collect(), |id: String| {
                let request = Request::get("/api/v1/iam/roles").segment(&id).then("/permissions");
                self.rows_in::<Permission>(IAM, request, "permissions")
            })
            .await?;
        for (id, heard) in permissions {
            let names: Option<Vec<String>> = match heard {
                Ok(rows) => Some(rows.into_iter().map(|row| row.label).collect()),
                // It counts as tier 0, and nobody else is concerned.
                Err(Without::Gone(_)) => None,
                Err(Without::Refused(error)) => {
                    let of = format!("what the custom role {} may do", self.survey.role_name(&id));
                    self.gap(ROLES, Some(&of), &error);
                    None
                }
            };
            let tier = self.table.custom_role(&id, names.as_deref());
            if let Some(role) = self.survey.roles.get_mut(&id) {
                (role.tier, role.permissions) = (tier, names);
            }
        }
        Ok(())
    }

    /// Takes a row of somebody's roles.
    fn assign(&mut self, of: &Principal, row: Assignment) {
        let role = if row.sort == CUSTOM {
            let by_link = || row.links.role.as_ref().and_then(|link| link.href.rsplit('/').next().map(str::to_owned));
            let id = row.role.clone().or_else(by_link).unwrap_or_else(|| CUSTOM.to_owned());
            self.meet_custom(&id, row.label);
            id
        } else {
            self.meet_standard(&row.sort, row.label);
            row.sort
        };
        let by_group = row.assignment_type.as_deref() == Some("GROUP");
        let assignee = row.links.assignee.as_ref().and_then(|link| Principal::of_link(&link.href));
        let principal = match (of, by_group, assignee) {
            // The member's own row tells the group, whatever the group's list of members says.
            (Principal::User(user), true, Some(Principal::Group(group))) => {
                self.survey.groups.entry(group.clone()).or_default().members.insert(user.clone());
                Principal::Group(group)
            }
            _ => of.clone(),
        };
        self.hold(principal, role, row.resource_set);
    }

    fn hold(&mut self, principal: Principal, role: String, over: Option<String>) {
        match &principal {
            Principal::Group(id) => {
                self.survey.groups.entry(id.clone()).or_default();
            }
            Principal::App(id) => {
                self.survey.apps.entry(id.clone()).or_default();
            }
            Principal::User(_) => {}
        }
        self.survey.holdings.insert(Holding { principal, role, over });
    }

    fn meet_standard(&mut self, role: &str, label: Option<String>) {
        let tier = self.table.standard_role(role);
        let name = name_of(role).map(str::to_owned).or(label).unwrap_or_default();
        let standard = Role { name, tier, permissions: None, is_custom: false };
        self.survey.roles.entry(role.to_owned()).or_insert(standard);
    }

    /// Until its permissions are read a custom role is not known to be harmless.
    fn meet_custom(&mut self, id: &str, label: Option<String>) {
        let custom = || Role { name: String::new(), tier: Tier::Control, permissions: None, is_custom: true };
        let role = self.survey.roles.entry(id.to_owned()).or_insert_with(custom);
        if let Some(label) = label.filter(|_| role.name.is_empty()) {
            role.name = label;
        }
    }
}

/// Whether the id of a role in a binding is the type of a standard one: `ACCESS_REQUESTS_ADMIN`. Custom
/// roles have ids like `cr0Yq6IJxGIr0ouum0g3`.
fn is_standard(role: &str) -> bool {
    name_of(role).is_some() || (role.contains('_') && role.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
}
