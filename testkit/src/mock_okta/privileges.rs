//! What a test sees and changes of privilege, of what people enrolled, of policies and of the log.

use super::factors::{self, Factor};
use super::policies::PasswordPolicy;
use super::privilege::{self, AdminGraph, OktaPrivilege};
use super::{MockOkta, lock, routes};

impl MockOkta {
    /// What a user holds of privilege, by every route: what a correct reading must find.
    #[must_use]
    pub fn privilege(&self, name: &str) -> Option<OktaPrivilege> {
        self.with(name, |org, number| privilege::privilege(org, number))
    }

    /// The ids of everybody who holds a role by whatever route.
    #[must_use]
    pub fn administrators(&self) -> Vec<String> {
        let org = self.service.org();
        org.holders().into_iter().map(|number| org.id_of(number)).collect()
    }

    /// Roles, groups, resource sets and service apps as they are now.
    #[must_use]
    pub fn admin_graph(&self) -> AdminGraph {
        self.service.org().admin.clone()
    }

    /// Changes roles, groups, resource sets and service apps behind the run's back.
    pub fn change_admin_graph(&self, change: impl FnOnce(&mut AdminGraph)) {
        self.service.org().change_admin(change);
    }

    /// What a user has enrolled now.
    #[must_use]
    pub fn factors(&self, name: &str) -> Vec<Factor> {
        self.with(name, |org, number| factors::of(org, number)).unwrap_or_default()
    }

    /// The password policies, the one of the highest priority first.
    #[must_use]
    pub fn password_policies(&self) -> Vec<PasswordPolicy> {
        self.service.org().policies.clone()
    }

    /// Changes the password policies behind the run's back.
    pub fn change_password_policies(&self, change: impl FnOnce(&mut Vec<PasswordPolicy>)) {
        change(&mut self.service.org().policies);
    }

    /// Somebody else does something to a user, by id or login, as far as the System Log tells.
    pub fn someone_else_did(&self, event_type: &'static str, name: &str) -> Option<()> {
        let transaction = self.service.next_request();
        self.with(name, |org, number| {
            let actor = org.id_of(super::fixed::ORG_ADMIN);
            org.tell(event_type, &actor, number, true, &transaction);
        })
    }

    /// The scopes of which a token of OAuth needs one for a request; none where there is no such endpoint.
    #[must_use]
    pub fn scopes_of(&self, method: &str, path: &str) -> Vec<String> {
        let parts: Vec<String> = path.split('/').skip(1).map(str::to_owned).collect();
        let found = method.parse().ok().and_then(|method| routes::find(&method, &parts).ok());
        found.map(|(route, _)| route.scopes.iter().map(|scope| (*scope).to_owned()).collect()).unwrap_or_default()
    }

    /// Sets how late the System Log may show an event.
    pub fn set_log_delay(&self, latest: std::time::Duration) {
        lock(&self.service.settings).log_delay = latest;
    }
}
