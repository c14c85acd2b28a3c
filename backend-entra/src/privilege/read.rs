//! Reads what a tenant says about privilege: roles, groups, units. Apps are in `apps`.

use std::collections::BTreeSet;

use futures::try_join;
use identity_core::error::{Error, ErrorKind, Result};
use identity_core::http::{Effect, Request};
use identity_core::limits::OperationClass;
use identity_core::privilege::Tier;

use super::reader::{Heard, OPERATION, Reader, Without};
use super::survey::{Access, App, Group, Holding, How, Place, Role, Scope, Survey, Unit};
use super::table::{RoleTable, name_of};
use crate::limits::{MEMBERS, TRANSITIVE_MEMBERS};
use crate::permissions::{self, ACTIVE_SCHEDULES, APPS, ELIGIBLE_SCHEDULES, GROUPS, ROLES, UNITS};
use crate::tenant::Tenant;
use crate::wire::role::{self as wire, Sort};

const ROLE_PATH: &str = "/roleManagement/directory";
const GROUP_PIM_PATH: &str = "/identityGovernance/privilegedAccess/group";
/// Ids in one request, by the reference of getByIds, which costs what transitive members do.
const MOST_IDS: usize = 1000;
const NO_PIM: &str = "the tenant has no licence for Privileged Identity Management (Entra ID P2 or Governance): there are no eligible or time-limited roles";

/// Reads all of it.
///
/// # Errors
/// When a read failed that may succeed later, when signing in failed, or when nothing about roles could
/// be read.
pub(super) async fn read(tenant: &Tenant, table: &RoleTable) -> Result<Survey> {
    let granted = tenant.claims().await?.map(|claims| claims.roles.into_iter().collect());
    let mut reader = Reader { graph: &tenant.graph, granted, survey: Survey::default(), told: BTreeSet::new() };
    let heard = reader.first().await?;
    let defined = reader.definitions(table, heard.definitions);
    let assigned = reader.assignments(heard.assignments);
    reader.survey.assignments_were_read = assigned;
    let listed = reader.listed_members(table, heard.activated).await?;
    if !(defined || assigned || listed) {
        let detail = reader.survey.gaps.first().cloned().unwrap_or_default();
        let error = Error::new(ErrorKind::InsufficientPrivilege, OPERATION).with_detail(detail);
        return Err(tenant.graph.named(error.with_advice("grant the app RoleManagement.Read.Directory")));
    }
    let has_pim = reader.schedules(heard.scheduled, heard.eligible);
    reader.permission_holders(table, heard.graph).await?;
    reader.group_list(heard.groups);
    reader.follow(has_pim).await?;
    reader.units(heard.units).await?;
    Ok(reader.survey)
}

/// What is asked for first: nothing of it needs anything else.
struct First {
    definitions: Heard<wire::RoleDefinition>,
    assignments: Heard<wire::RoleAssignment>,
    activated: Heard<wire::DirectoryRole>,
    scheduled: Heard<wire::RoleAssignment>,
    eligible: Heard<wire::RoleAssignment>,
    graph: Result<Option<wire::ServicePrincipal>, Without>,
    groups: Heard<wire::Group>,
    units: Heard<wire::Unit>,
}

impl Reader<'_> {
    /// Asks for what needs nothing else, side by side.
    async fn first(&self) -> Result<First> {
        let definitions = Request::get(format!("{ROLE_PATH}/roleDefinitions"))
            .query("$select", "id,templateId,displayName,isBuiltIn,rolePermissions");
        let assignments = Request::get(format!("{ROLE_PATH}/roleAssignments")).query("$expand", "principal");
        let activated = Request::get("/directoryRoles").query("$select", "id,displayName,roleTemplateId");
        let groups = Request::get("/groups")
            .query("$filter", "isAssignableToRole eq true")
            .query("$select", "id,displayName,visibility")
            .query("$top", "999");
        let units = Request::get("/directory/administrativeUnits")
            .query("$select", "id,displayName,visibility,isMemberManagementRestricted");
        let schedule = |list| self.rows(OperationClass::Read, Request::get(format!("{ROLE_PATH}/{list}")));
        let (definitions, assignments, activated, scheduled, eligible, graph, groups, units) = try_join!(
            self.rows(OperationClass::Read, definitions),
            self.rows(OperationClass::Read, assignments),
            self.rows(OperationClass::Read, activated),
            schedule("roleAssignmentScheduleInstances"),
            schedule("roleEligibilityScheduleInstances"),
            self.graph_itself(),
            self.rows(OperationClass::Read, groups),
            self.rows(OperationClass::Read, units),
        )?;
        Ok(First { definitions, assignments, activated, scheduled, eligible, graph, groups, units })
    }

    /// Role definitions; whether they could be read.
    fn definitions(&mut self, table: &RoleTable, heard: Heard<wire::RoleDefinition>) -> bool {
        let was_read = heard.is_ok();
        for role in self.taken(ROLES, Some("definitions"), heard) {
            let template = role.template_id.clone().unwrap_or_else(|| role.id.clone());
            let actions: Vec<String> =
                role.role_permissions.into_iter().flat_map(|part| part.allowed_resource_actions).collect();
            let tier = table.judge([&role.id, &template], role.is_built_in.unwrap_or(false), &actions);
            let name = role.display_name.unwrap_or_else(|| name_of(&template).unwrap_or(&template).to_owned());
            self.survey.roles.insert(role.id, Role { name, template, tier });
        }
        was_read
    }

    /// Whether they could be read.
    fn assignments(&mut self, heard: Heard<wire::RoleAssignment>) -> bool {
        let was_read = heard.is_ok();
        for row in self.taken(ROLES, Some("assignments"), heard) {
            self.hold(row, How::Assigned);
        }
        was_read
    }

    /// The members that activated roles list: what assignments do not show, shows here.
    async fn listed_members(&mut self, table: &RoleTable, heard: Heard<wire::DirectoryRole>) -> Result<bool> {
        let was_read = heard.is_ok();
        let roles = self.taken(ROLES, Some("activated roles"), heard);
        let ids: Vec<String> = roles.iter().map(|role| role.id.clone()).collect();
        let members = self
            .rows_of_each::<wire::Object>(OperationClass::Read, &ids, |id| {
                Request::get("/directoryRoles").segment(id).then("/members")
            })
            .await?;
        for (role, (_, heard)) in roles.iter().zip(members) {
            let template = role.role_template_id.as_deref().unwrap_or(&role.id);
            let name = role.display_name.as_deref().or_else(|| name_of(template)).unwrap_or(template);
            // Where definitions were refused the role is known by this.
            if !self.survey.roles.contains_key(template) {
                let (name, template) = (name.to_owned(), template.to_owned());
                let tier = table.role(&template).unwrap_or(Tier::Management);
                self.survey.roles.insert(template.clone(), Role { name, template, tier });
            }
            for member in self.taken(ROLES, Some(name), heard) {
                self.meet(&member);
                self.survey.listed.insert((template.to_owned(), member.id));
            }
        }
        Ok(was_read)
    }

    /// What Privileged Identity Management has; whether the tenant has it, as far as it could be told.
    fn schedules(&mut self, active: Heard<wire::RoleAssignment>, eligible: Heard<wire::RoleAssignment>) -> bool {
        let mut without = 0;
        let lists = [(active, ACTIVE_SCHEDULES, How::Assigned), (eligible, ELIGIBLE_SCHEDULES, How::Eligible)];
        let all = lists.len();
        let mut unlicensed = None;
        for (heard, need, how) in lists {
            match heard {
                Ok(rows) => rows.into_iter().for_each(|row| self.hold(row, how)),
                Err(Without::Licence) => {
                    without += 1;
                    unlicensed = Some(need);
                }
                Err(refused) => self.gap(need, None, refused),
            }
        }
        match unlicensed {
            None => true,
            Some(_) if without == all => {
                self.survey.notes.push(NO_PIM.to_owned());
                false
            }
            // One of two lists cannot be without a licence by itself.
            Some(need) => {
                self.gap(need, None, Without::Licence);
                true
            }
        }
    }

    fn hold(&mut self, row: wire::RoleAssignment, how: How) {
        if let Some(principal) = &row.principal {
            self.meet(principal);
        }
        let by_group = row.member_type.as_deref() == Some("Group");
        let how = match (how, by_group, row.assignment_type.as_deref()) {
            (How::Eligible, true, _) => How::EligibleByGroup,
            (How::Eligible, false, _) => How::Eligible,
            (_, true, _) => How::ByGroup,
            (_, false, Some("Activated")) => How::Activated,
            _ => How::Assigned,
        };
        let scope = Scope::parse(row.directory_scope_id.as_deref());
        let (principal, role) = (row.principal_id, row.role_definition_id);
        // An activation is listed as an assignment, too; that it ends is the more exact word.
        let plain = Holding { principal, role, scope, how: How::Assigned };
        if how == How::Activated {
            self.survey.holdings.remove(&plain);
        }
        let is_activated = self.survey.holdings.contains(&Holding { how: How::Activated, ..plain.clone() });
        if how != How::Assigned || !is_activated {
            self.survey.holdings.insert(Holding { how, ..plain });
        }
    }

    /// Takes note of a group or an app that was met, so that whoever can use it is looked for.
    pub(super) fn meet(&mut self, object: &wire::Object) {
        let name = object.display_name.clone().unwrap_or_default();
        let sort = object.sort();
        if sort != Sort::Untold {
            self.told.insert(object.id.clone());
        }
        match sort {
            Sort::Group => {
                self.survey.groups.entry(object.id.clone()).or_insert_with(|| Group { name, ..Group::default() });
            }
            Sort::App => {
                self.survey.apps.entry(object.id.clone()).or_insert_with(|| App { name, ..App::default() });
            }
            Sort::Unknown => {
                let sort = object.odata_type.as_deref().unwrap_or_default();
                let error = Error::new(ErrorKind::Unsupported, OPERATION)
                    .with_detail(format!("it is a {sort}, and who can use one is not known"));
                let name = if name.is_empty() { &object.id } else { &name };
                self.gap(APPS, Some(name), Without::Refused(error));
            }
            Sort::User | Sort::Other | Sort::Untold => {}
        }
    }

    /// The groups that can be given roles.
    fn group_list(&mut self, heard: Heard<wire::Group>) {
        for group in self.taken(GROUPS, None, heard) {
            let name = group.display_name.unwrap_or_else(|| group.id.clone());
            if self.is_hidden(group.visibility.as_deref()) {
                self.hidden(&name);
            }
            let met = self.survey.groups.entry(group.id).or_default();
            (met.name, met.role_assignable) = (name, true);
        }
    }

    /// Whether members are left out of listings without a word. A token that does not tell what was granted
    /// grants nothing.
    fn is_hidden(&self, visibility: Option<&str>) -> bool {
        let is_shown =
            || self.granted.as_ref().is_some_and(|all| permissions::has(all, permissions::HIDDEN_MEMBERS.any_of));
        visibility.is_some_and(|word| word.eq_ignore_ascii_case("HiddenMembership")) && !is_shown()
    }

    fn hidden(&mut self, name: &str) {
        let error = Error::new(ErrorKind::InsufficientPrivilege, OPERATION).with_detail("they are hidden");
        self.gap(permissions::HIDDEN_MEMBERS, Some(name), Without::Refused(error));
    }

    /// Follows groups to their members and owners, and apps to their owners, until nobody new is met.
    async fn follow(&mut self, has_pim: bool) -> Result<()> {
        let (mut groups, mut apps) = (BTreeSet::new(), BTreeSet::new());
        loop {
            self.resolve().await?;
            let new_groups: Vec<String> =
                self.survey.groups.keys().filter(|id| !groups.contains(*id)).cloned().collect();
            let new_apps: Vec<String> = self.survey.apps.keys().filter(|id| !apps.contains(*id)).cloned().collect();
            if new_groups.is_empty() && new_apps.is_empty() {
                return Ok(());
            }
            self.places(&new_groups).await?;
            if has_pim {
                self.scheduled_places(&new_groups).await?;
            }
            self.owners(&new_apps).await?;
            groups.extend(new_groups);
            apps.extend(new_apps);
        }
    }

    /// Asks what the principals are that were named by their ids only: a group or an app among them has
    /// members or owners that hold what it holds.
    async fn resolve(&mut self) -> Result<()> {
        let holders = self.survey.holdings.iter().map(|holding| &holding.principal);
        let places = self.survey.groups.values().flat_map(|group| group.places.iter().map(|place| &place.principal));
        let listed = self.survey.listed.iter().map(|(_, principal)| principal);
        let owners = self.survey.apps.values().flat_map(|app| &app.owners);
        let all = holders.chain(places).chain(listed).chain(owners);
        let open: BTreeSet<&String> = all.filter(|id| !self.told.contains(*id)).collect();
        let open: Vec<String> = open.into_iter().cloned().collect();
        for ids in open.chunks(MOST_IDS) {
            let body = serde_json::json!({ "ids": ids, "types": ["user", "group", "servicePrincipal"] });
            let request = Request::post("/directoryObjects/getByIds").json(&body)?.with_effect(Effect::Read);
            let heard = self.rows::<wire::Object>(TRANSITIVE_MEMBERS, request).await?;
            for object in self.taken(APPS, Some("what principals of roles and groups are"), heard) {
                self.meet(&object);
                if object.sort() == Sort::Untold {
                    let error = Error::new(ErrorKind::Protocol, OPERATION).with_detail("the service does not say");
                    self.gap(APPS, Some(&format!("what {} is", object.id)), Without::Refused(error));
                }
            }
            self.told.extend(ids.iter().cloned());
        }
        Ok(())
    }

    /// Direct members and owners: nesting is followed group by group, for the path.
    async fn places(&mut self, groups: &[String]) -> Result<()> {
        let list = |list: &'static str| {
            self.rows_of_each::<wire::Object>(MEMBERS, groups, move |id| {
                Request::get("/groups").segment(id).then(list).query("$select", "id,displayName").query("$top", "999")
            })
        };
        let (members, owners) = try_join!(list("/members"), list("/owners"))?;
        for (lists, what, access) in [(members, "members", Access::Member), (owners, "owners", Access::Owner)] {
            for (id, heard) in lists {
                let name = self.group_name(&id);
                for object in self.taken(GROUPS, Some(&format!("{what} of {name}")), heard) {
                    self.meet(&object);
                    self.place(&id, object.id, access);
                }
            }
        }
        Ok(())
    }

    /// Places that Privileged Identity Management for groups gives, now or on demand.
    async fn scheduled_places(&mut self, groups: &[String]) -> Result<()> {
        let list = |list: &'static str| {
            self.rows_of_each::<wire::GroupPlace>(OperationClass::Read, groups, move |id| {
                Request::get(format!("{GROUP_PIM_PATH}/{list}")).query("$filter", format!("groupId eq '{id}'"))
            })
        };
        let (now, on_demand) = try_join!(list("assignmentScheduleInstances"), list("eligibilityScheduleInstances"))?;
        let lists = [
            (now, permissions::GROUP_ASSIGNMENTS, Access::Member, Access::Owner),
            (on_demand, permissions::GROUP_ELIGIBILITIES, Access::EligibleMember, Access::EligibleOwner),
        ];
        for (of_each, need, member, owner) in lists {
            for (id, heard) in of_each {
                let name = self.group_name(&id);
                for row in self.taken(need, Some(&name), heard) {
                    // A word that is not known counts as the stronger of the two.
                    let access = if row.access_id.eq_ignore_ascii_case("member") { member } else { owner };
                    self.place(&id, row.principal_id, access);
                }
            }
        }
        Ok(())
    }

    fn place(&mut self, group: &str, principal: String, access: Access) {
        if let Some(group) = self.survey.groups.get_mut(group) {
            group.places.insert(Place { principal, access });
        }
    }

    fn group_name(&self, id: &str) -> String {
        let name = self.survey.groups.get(id).map(|group| group.name.clone());
        name.filter(|name| !name.is_empty()).unwrap_or_else(|| id.to_owned())
    }

    /// Administrative units, and the members of those where they matter: of restricted ones, and of those
    /// that a role is scoped to.
    async fn units(&mut self, heard: Heard<wire::Unit>) -> Result<()> {
        let mut hiding = BTreeSet::new();
        for unit in self.taken(UNITS, None, heard) {
            if self.is_hidden(unit.visibility.as_deref()) {
                hiding.insert(unit.id.clone());
            }
            let (name, restricted) =
                (unit.display_name.unwrap_or_default(), unit.is_member_management_restricted.unwrap_or(false));
            self.survey.units.insert(unit.id, Unit { name, restricted, members: BTreeSet::new() });
        }
        let scoped: BTreeSet<&String> = self
            .survey
            .holdings
            .iter()
            .filter_map(|holding| match &holding.scope {
                Scope::Unit(unit) => Some(unit),
                _ => None,
            })
            .collect();
        let matter = self.survey.units.iter().filter(|(id, unit)| unit.restricted || scoped.contains(id));
        let ids: Vec<String> = matter.map(|(id, _)| id.clone()).collect();
        let lists: Vec<(String, Heard<wire::Object>)> = self
            .rows_of_each(OperationClass::Read, &ids, |id| {
                Request::get("/directory/administrativeUnits")
                    .segment(id)
                    .then("/members")
                    .query("$select", "id,displayName")
            })
            .await?;
        for (id, heard) in lists {
            let name = self.survey.unit_name(&id);
            if hiding.contains(&id) {
                self.hidden(&name);
            }
            let members = self.taken(UNITS, Some(&name), heard);
            // Devices and groups are members, too. Of a type that may not be read only the id is there.
            let people = members.into_iter().filter(|member| matches!(member.sort(), Sort::User | Sort::Untold));
            if let Some(unit) = self.survey.units.get_mut(&id) {
                unit.members.extend(people.map(|member| member.id));
            }
        }
        Ok(())
    }
}
