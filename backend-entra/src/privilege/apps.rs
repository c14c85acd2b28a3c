//! Apps with privileged permissions or roles, and who owns them: an owner adds a credential and is the
//! app.

use futures::try_join;
use identity_core::error::Result;
use identity_core::http::Request;
use identity_core::limits::OperationClass;
use identity_core::privilege::Tier;

use super::reader::{Reader, Without};
use super::survey::App;
use super::table::RoleTable;
use crate::permissions::APPS;
use crate::wire::role as wire;

/// The application id of Microsoft Graph, the same in every tenant.
const GRAPH: &str = "/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')";

/// Where an app is registered.
struct Registration {
    /// Its object id.
    id: String,
    app_id: String,
}

enum Registered {
    Here(Registration),
    No,
    /// What could not be read, as far as the words before the app's name say it.
    Unread(&'static str, Without),
}

fn registration(app_id: &str) -> String {
    format!("/applications(appId='{app_id}')")
}

impl Reader<'_> {
    /// The principal of Microsoft Graph, with the permissions that it has.
    pub(super) async fn graph_itself(&self) -> Result<Result<Option<wire::ServicePrincipal>, Without>> {
        self.one(Request::get(GRAPH).query("$select", "id,appRoles")).await
    }

    /// Who holds a privileged permission of Microsoft Graph.
    pub(super) async fn permission_holders(
        &mut self,
        table: &RoleTable,
        graph: Result<Option<wire::ServicePrincipal>, Without>,
    ) -> Result<()> {
        let graph = match graph {
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
        let owners = self.rows_of_each::<wire::Object>(OperationClass::Read, apps, |id| {
            Request::get("/servicePrincipals").segment(id).then("/owners").query("$select", "id,displayName")
        });
        let (owners, registered) = try_join!(owners, self.registrations(apps))?;
        for (id, heard) in owners {
            let name = self.app_name(&id);
            for owner in self.taken(APPS, Some(&format!("owners of {name}")), heard) {
                self.owner(&id, &owner);
            }
        }
        let mut found = Vec::new();
        for (id, heard) in registered {
            match heard {
                Registered::Here(registration) => found.push((id, registration)),
                // A managed identity, or an app of another tenant: its registration has no owners here.
                Registered::No => {}
                Registered::Unread(what, refused) => {
                    let name = self.app_name(&id);
                    self.gap(APPS, Some(&format!("{what}{name}")), refused);
                }
            }
        }
        let ids: Vec<String> = found.iter().map(|(_, registration)| registration.app_id.clone()).collect();
        let owners = self
            .rows_of_each::<wire::Object>(OperationClass::Read, &ids, |app_id| {
                Request::get(format!("{}/owners", registration(app_id))).query("$select", "id,displayName")
            })
            .await?;
        for ((id, registration), (_, heard)) in found.into_iter().zip(owners) {
            let name = self.app_name(&id);
            for owner in self.taken(APPS, Some(&format!("owners of the registration of {name}")), heard) {
                self.owner(&id, &owner);
            }
            if let Some(app) = self.survey.apps.get_mut(&id) {
                app.registration = Some(registration.id);
            }
        }
        Ok(())
    }

    /// The registration of each of these apps.
    async fn registrations(&self, apps: &[String]) -> Result<Vec<(String, Registered)>> {
        let request = |id: &String| Request::get("/servicePrincipals").segment(id).query("$select", "id,appId");
        let principals = self.one_of_each::<wire::ServicePrincipal>(apps.iter().map(request).collect()).await?;
        let mut all = Vec::with_capacity(apps.len());
        let mut asked = Vec::new();
        for (id, principal) in apps.iter().zip(principals) {
            match principal {
                Ok(principal) => {
                    let app_id = principal.and_then(|principal| principal.app_id);
                    match app_id.filter(|id| uuid::Uuid::try_parse(id).is_ok()) {
                        Some(app_id) => asked.push((id.clone(), app_id)),
                        None => all.push((id.clone(), Registered::No)),
                    }
                }
                Err(refused) => all.push((id.clone(), Registered::Unread("", refused))),
            }
        }
        let request = |(_, app_id): &(String, String)| Request::get(registration(app_id)).query("$select", "id");
        let found = self.one_of_each::<wire::Application>(asked.iter().map(request).collect()).await?;
        all.extend(asked.into_iter().zip(found).map(|((id, app_id), found)| {
            let heard = match found {
                Ok(Some(found)) => Registered::Here(Registration { id: found.id, app_id }),
                Ok(None) => Registered::No,
                Err(refused) => Registered::Unread("registration of ", refused),
            };
            (id, heard)
        }));
        Ok(all)
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
