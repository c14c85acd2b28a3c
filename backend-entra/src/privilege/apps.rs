//! Apps with privileged permissions or roles, and who owns them: an owner adds a credential and is the
//! app.

use identity_core::error::Result;
use identity_core::http::Request;
use identity_core::limits::OperationClass;
use identity_core::privilege::Tier;

use super::reader::Reader;
use super::survey::App;
use super::table::RoleTable;
use crate::permissions::APPS;
use crate::wire::role as wire;

/// The application id of Microsoft Graph, the same in every tenant.
const GRAPH: &str = "/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')";

impl Reader<'_> {
    /// Who holds a privileged permission of Microsoft Graph.
    pub(super) async fn permission_holders(&mut self, table: &RoleTable) -> Result<()> {
        let request = Request::get(GRAPH).query("$select", "id,appRoles");
        let graph: wire::ServicePrincipal = match self.one(request).await? {
            Ok(Some(graph)) => graph,
            // A tenant without Graph's own principal cannot have been asked through Graph.
            Ok(None) => return Ok(()),
            Err(refused) => {
                self.gap(APPS, None, refused);
                return Ok(());
            }
        };
        let privileged = |id: &str| {
            let role = graph.app_roles.iter().find(|role| role.id.eq_ignore_ascii_case(id))?;
            let name = role.value.clone()?;
            let tier = table.permission(&name);
            (tier != Tier::User).then_some((name, tier))
        };
        let request =
            Request::get("/servicePrincipals").segment(&graph.id).then("/appRoleAssignedTo").query("$top", "999");
        let heard = self.rows::<wire::AppRoleAssignment>(OperationClass::Read, request).await?;
        for row in self.taken(APPS, Some("permissions"), heard) {
            let is_app = row.principal_type.as_deref().is_none_or(|kind| kind == "ServicePrincipal");
            let (true, Some((name, tier))) = (is_app, privileged(&row.app_role_id)) else { continue };
            let app = self
                .survey
                .apps
                .entry(row.principal_id)
                .or_insert_with(|| App { name: row.principal_display_name.unwrap_or_default(), ..App::default() });
            app.permissions.insert(name, tier);
        }
        Ok(())
    }

    /// The owners of these apps: of the service principal, and of the registration where it is in this
    /// tenant.
    pub(super) async fn owners(&mut self, apps: &[String]) -> Result<()> {
        let owners = self
            .rows_of_each::<wire::Object>(OperationClass::Read, apps, |id| {
                Request::get("/servicePrincipals").segment(id).then("/owners").query("$select", "id,displayName")
            })
            .await?;
        for (id, heard) in owners {
            let name = self.app_name(&id);
            for owner in self.taken(APPS, Some(&format!("owners of {name}")), heard) {
                self.owner(&id, &owner);
            }
        }
        for id in apps {
            self.registration(id).await?;
        }
        Ok(())
    }

    async fn registration(&mut self, id: &str) -> Result<()> {
        let name = self.app_name(id);
        let request = Request::get("/servicePrincipals").segment(id).query("$select", "id,appId");
        let app: wire::ServicePrincipal = match self.one(request).await? {
            Ok(Some(app)) => app,
            Ok(None) => return Ok(()),
            Err(refused) => {
                self.gap(APPS, Some(&name), refused);
                return Ok(());
            }
        };
        let Some(app_id) = app.app_id.filter(|id| uuid::Uuid::try_parse(id).is_ok()) else { return Ok(()) };
        let path = format!("/applications(appId='{app_id}')");
        let registration: wire::Application = match self.one(Request::get(&path).query("$select", "id")).await? {
            Ok(Some(registration)) => registration,
            // A managed identity, or an app of another tenant: its registration has no owners here.
            Ok(None) => return Ok(()),
            Err(refused) => {
                self.gap(APPS, Some(&format!("registration of {name}")), refused);
                return Ok(());
            }
        };
        let request = Request::get(format!("{path}/owners")).query("$select", "id,displayName");
        let heard = self.rows::<wire::Object>(OperationClass::Read, request).await?;
        for owner in self.taken(APPS, Some(&format!("owners of the registration of {name}")), heard) {
            self.owner(id, &owner);
        }
        if let Some(app) = self.survey.apps.get_mut(id) {
            app.registration = Some(registration.id);
        }
        Ok(())
    }

    fn owner(&mut self, app: &str, owner: &wire::Object) {
        self.meet(owner);
        if let Some(app) = self.survey.apps.get_mut(app) {
            app.owners.insert(owner.id.clone());
        }
    }

    fn app_name(&self, id: &str) -> String {
        let name = self.survey.apps.get(id).map(|app| app.name.clone());
        name.filter(|name| !name.is_empty()).unwrap_or_else(|| id.to_owned())
    }
}
