//! What can be found out before anything is planned: who we are, what we may, how fast it goes.

use std::time::Duration;

use identity_core::directory::{Finding, Preflight, Severity};
use identity_core::error::{ErrorKind, Result};
use identity_core::http::{Request, server_date};
use identity_core::limits::{OperationClass, clock};

use crate::limits::{USER, USER_WRITE, USERS};
use crate::org::{Caller, Org};
use crate::password_policy;
use crate::principal::Part;
use crate::sign_in::SCOPES;

const OPERATION: &str = "look at the org";
/// A clock that is further off than this breaks assertions and proofs of five minutes.
const SKEW: Duration = Duration::from_secs(240);

/// Looks at the org and at who we are.
///
/// # Errors
/// When signing in failed, or the org cannot be reached.
pub(crate) async fn preflight(org: &Org) -> Result<Preflight> {
    let mut preflight = Preflight::default();
    preflight.principal = org.caller.account()?;
    about_caller(org, &mut preflight.findings).await?;
    let request = Request::get("/api/v1/users").query("limit", "1");
    match org.okta.answer(OPERATION, USERS, &request).await {
        Ok(response) => preflight.server_time = server_date(&response.headers),
        Err(error) if matches!(error.kind(), ErrorKind::InsufficientPrivilege | ErrorKind::Unsupported) => {
            let advice = error.advice().unwrap_or("docs/permissions-okta.md").to_owned();
            preflight.findings.push(Finding::new(Severity::Fatal, format!("accounts cannot be read: {advice}")));
        }
        Err(error) => return Err(error),
    }
    if let Some(time) = preflight.server_time {
        let off = time.duration_since(clock::now()).unsigned_abs();
        if off > SKEW {
            let text = format!(
                "the clock of this machine and that of Okta are {} seconds apart: set it right, journal and report go by it",
                off.as_secs()
            );
            preflight.findings.push(Finding::new(Severity::Warning, text));
        }
    }
    about_pace(org, &mut preflight.findings);
    preflight.password_policy = password_policy::strictest(org, &mut preflight.findings).await?;
    Ok(preflight)
}

async fn about_caller(org: &Org, findings: &mut Vec<Finding>) -> Result<()> {
    match &org.caller {
        Caller::User { id, login } => {
            let name = login.as_deref().unwrap_or("(unnamed)");
            findings.push(Finding::new(
                Severity::Note,
                format!("signed in by an API token of {name} ({id}), with all that this administrator may"),
            ));
        }
        Caller::App(client_id) => {
            findings.push(Finding::new(Severity::Note, format!("signed in as the service app {client_id}")));
        }
    }
    let Some(scopes) = org.signed_in.scopes().await? else { return Ok(()) };
    for missed in scopes.missed() {
        let known = SCOPES.iter().find(|scope| scope.name == missed);
        let (severity, without) = match known {
            Some(scope) if scope.is_needed => (Severity::Fatal, scope.what),
            Some(scope) => (Severity::Warning, scope.what),
            None => (Severity::Warning, "what it is for"),
        };
        findings
            .push(Finding::new(severity, format!("the app is not granted {missed}: without it there is no {without}")));
    }
    Ok(())
}

/// What the caller's part of the rate limits comes to.
fn about_pace(org: &Org, findings: &mut Vec<Finding>) {
    let percent = |part: f64| format!("{:.0} %", part * 100.0);
    match &org.part {
        Part::Known(part) => {
            let used = percent(org.share.min(*part));
            let text = format!("Okta gives the caller {} of each rate limit of the org; the run uses {used}", percent(*part));
            findings.push(Finding::new(Severity::Note, text));
            if *part < org.share {
                let text = format!(
                    "the run could use {}: raise the caller's rate limit in the Admin Console (Security, API) before the run",
                    percent(org.share)
                );
                findings.push(Finding::new(Severity::Warning, text));
            }
        }
        Part::Unknown(because) => findings.push(Finding::new(
            Severity::Warning,
            format!(
                "which part of the org's rate limits Okta gives the caller is not known ({because}): the run uses {} of what Okta tells, \
                 which can be less than configured; grant okta.principalRateLimits.read, or set the share to 1 to use all of the caller's part",
                percent(org.share)
            ),
        )),
    }
    for quota in org.governor().quotas() {
        let what = match OperationClass::Named(quota.name) {
            USERS => "actions and pages",
            USER_WRITE => "passwords set",
            USER => "look-ups",
            _ => continue,
        };
        if let Some(limit) = quota.limit {
            let text = format!("Okta allows the caller {limit} {what} a minute");
            findings.push(Finding::new(Severity::Note, text));
        }
    }
}

#[cfg(test)]
mod tests;
