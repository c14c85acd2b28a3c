//! What can be found out before anything is planned: the tenant, its clock, the app's permissions.

use identity_core::directory::{Finding, PasswordPolicy, Preflight, Severity};
use identity_core::error::Result;
use identity_core::http::server_date;
use identity_core::limits::clock;

use crate::sign_in::Claims;
use crate::tenant::{Tenant, organization};
use crate::wire::tenant::Organization;

/// Fewer characters are not taken, more neither ("Password policies and restrictions in Microsoft
/// Entra ID", 2025-05-15): three of four classes of characters, and no banned word.
const LENGTHS: (u16, u16) = (8, 256);
/// A clock that is further off than this breaks assertions of five minutes.
const SKEW: std::time::Duration = std::time::Duration::from_secs(240);

/// Looks at the tenant and the app. The app is not an account of the tenant, so that no principal is
/// named.
pub(crate) async fn preflight(tenant: &Tenant) -> Result<Preflight> {
    let claims = tenant.claims().await?;
    let (organization, response) = organization(&tenant.graph).await?;
    let mut preflight = Preflight::default();
    preflight.password_policy = PasswordPolicy::default();
    preflight.password_policy.min_length = LENGTHS.0;
    preflight.password_policy.max_length = Some(LENGTHS.1);
    preflight.password_policy.complexity = true;
    preflight.server_time = response.and_then(|response| server_date(&response.headers));
    let mut note = |severity, text: String| preflight.findings.push(Finding::new(severity, text));
    about_app(claims.as_ref(), &mut note);
    about_tenant(tenant, organization.as_ref(), &mut note);
    if let Some(time) = preflight.server_time {
        let off = time.duration_since(clock::now()).unsigned_abs();
        if off > SKEW {
            let text = format!("the clock of this machine and that of Graph are {} seconds apart", off.as_secs());
            preflight.findings.push(Finding::new(Severity::Warning, text));
        }
    }
    Ok(preflight)
}

fn about_app(claims: Option<&Claims>, note: &mut impl FnMut(Severity, String)) {
    let Some(claims) = claims else {
        return note(Severity::Note, "the token does not tell which permissions the app has".to_owned());
    };
    let unnamed = "(unnamed)".to_owned();
    let name = claims.app_displayname.as_ref().or(claims.appid.as_ref()).unwrap_or(&unnamed);
    let principal = claims.oid.as_deref().unwrap_or("unknown");
    if claims.roles.is_empty() {
        let text = format!(
            "the app {name} has no application permission at all: grant it those of docs/permissions-entra.md, with an administrator's consent"
        );
        return note(Severity::Fatal, text);
    }
    note(Severity::Note, format!("signed in as the app {name} (service principal {principal})"));
}

fn about_tenant(tenant: &Tenant, organization: Option<&Organization>, note: &mut impl FnMut(Severity, String)) {
    match organization {
        Some(organization) => {
            let name = organization.display_name.as_deref().unwrap_or("(unnamed)");
            let synced = match (organization.on_premises_sync_enabled, &organization.on_premises_last_sync_date_time) {
                (Some(true), Some(when)) => format!("synchronised from on-prem, last at {when}"),
                (Some(true), None) => "synchronised from on-prem".to_owned(),
                _ => "not synchronised from on-prem".to_owned(),
            };
            note(Severity::Note, format!("the tenant is {name} ({}), {synced}", organization.id));
        }
        None => note(
            Severity::Note,
            "the tenant's own object cannot be read: the app lacks Organization.Read.All".to_owned(),
        ),
    }
    let domains = tenant.domains();
    if domains.is_unknown() {
        note(
            Severity::Warning,
            "which domains are federated cannot be read: the app lacks Domain.Read.All, and accounts that are not synchronised count as mastered nowhere that is known"
                .to_owned(),
        );
    } else if let [first, others @ ..] = domains.federated().as_slice() {
        let names = others.iter().fold((*first).to_owned(), |names, name| format!("{names}, {name}"));
        note(Severity::Note, format!("federated, so that passwords are not set here: {names}"));
    }
}
