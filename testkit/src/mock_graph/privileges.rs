//! What a test sees and changes of privilege, of what people enrolled, and of their risk.

use uuid::Uuid;

use super::authentication::EnrolledMethod;
use super::tenant::Tenant;
use super::{CloudPrivilege, MethodKind, MockGraph, Risk, RoleGraph, privilege};

impl MockGraph {
    /// What a user holds of privilege, by every route: what a correct reading must find.
    #[must_use]
    pub fn privilege(&self, id: &Uuid) -> CloudPrivilege {
        privilege::privilege(&self.service.tenant().privilege, id)
    }

    /// Roles, groups, units and service principals as they are now.
    #[must_use]
    pub fn role_graph(&self) -> RoleGraph {
        self.service.tenant().privilege.clone()
    }

    /// Changes roles, groups, units and service principals behind the run's back.
    pub fn change_role_graph(&self, change: impl FnOnce(&mut RoleGraph)) {
        change(&mut self.service.tenant().privilege);
    }

    /// What a user has enrolled now, the default second factor first.
    #[must_use]
    pub fn enrolled(&self, id: &Uuid) -> Vec<MethodKind> {
        let kinds = |tenant: &mut Tenant, number| {
            let enrolment = tenant.enrolment(number);
            let is_other = |method: &&EnrolledMethod| Some(&method.id) != enrolment.default.as_ref();
            let (others, default): (Vec<_>, Vec<_>) = enrolment.methods.iter().partition(is_other);
            default.into_iter().chain(others).map(|method| method.kind).collect()
        };
        self.with(id, kinds).unwrap_or_default()
    }

    /// What is known of a user's risk.
    #[must_use]
    pub fn risk(&self, id: &Uuid) -> Option<Risk> {
        self.with(id, |tenant, number| tenant.risks.get(&number).copied()).flatten()
    }
}
