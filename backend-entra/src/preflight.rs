//! What of a run will be refused, found before anything is touched: missing permissions, and accounts
//! that the app's own directory roles do not reach.

use std::sync::Arc;

use identity_core::directory::{Finding, Severity};
use identity_core::error::Result;
use identity_core::privilege::PrivilegeIndex;
use identity_core::reset::Action;

use crate::matrix::{Power, Refusal, check};
use crate::permissions::{self, Granted, has, missing};
use crate::privilege::{Targets, classify};
use crate::tenant::Tenant;

/// The actions that are told apart by what they need.
const ACTIONS: [(Action, &str); 6] = [
    (Action::SetPassword { must_change: true }, "no password can be set and no change demanded"),
    (Action::RevokeSessions, "no session can be revoked"),
    (Action::Disable, "no account can be disabled"),
    (Action::ResetAuthenticators, "no authenticators can be removed"),
    (Action::IssueAccessPass, "no Temporary Access Pass can be issued"),
    (Action::FlagCompromised, "nobody can be flagged as compromised"),
];
const ADVICE: &str = "give its service principal Privileged Authentication Administrator over the whole tenant to reach all, and sign in anew";

/// Findings, and who is privileged where that could be read.
pub(crate) type Prediction = (Vec<Finding>, Option<Arc<PrivilegeIndex>>);

/// What is missing and what will be refused.
///
/// # Errors
/// When a read failed that may succeed later, or when signing in failed.
pub(crate) async fn predict(tenant: &Tenant) -> Result<Prediction> {
    let mut findings = Vec::new();
    if let Some(claims) = tenant.claims().await? {
        let granted: Granted = claims.roles.into_iter().collect();
        if !granted.is_empty() {
            about_permissions(&granted, tenant.cloud.has_identity_protection(), &mut findings);
        }
    }
    let privileges = match classify(tenant).await {
        Ok((survey, index)) => {
            let notes = survey.notes().iter().map(|note| Finding::new(Severity::Note, note.clone()));
            let gaps = survey.gaps().iter().map(|gap| {
                Finding::new(
                    Severity::Warning,
                    format!("everybody without a known privilege counts as privileged: {gap}"),
                )
            });
            findings.extend(notes.chain(gaps));
            index
        }
        Err(error) if error.is_temporary() || error.kind() == identity_core::error::ErrorKind::Unauthenticated => {
            return Err(error);
        }
        Err(error) => {
            findings
                .push(Finding::new(Severity::Warning, format!("who is privileged cannot be read: {}", error.detail())));
            return Ok((findings, None));
        }
    };
    if let Some(targets) = tenant.known.targets() {
        about_reach(&targets, &mut findings);
    }
    Ok((findings, Some(Arc::new(privileges))))
}

fn about_permissions(granted: &Granted, has_identity_protection: bool, findings: &mut Vec<Finding>) {
    for need in permissions::READS.iter().filter(|need| !has(granted, need.any_of)) {
        let least = need.any_of.first().copied().unwrap_or_default();
        let text = format!("{} cannot be read: the app lacks {least}", need.what);
        // Without the accounts there is nothing to plan.
        let severity = if *need == permissions::USERS { Severity::Fatal } else { Severity::Warning };
        findings.push(Finding::new(severity, text));
    }
    let registrations = permissions::REGISTRATIONS;
    if !has(granted, registrations.any_of) {
        let least = registrations.any_of.first().copied().unwrap_or_default();
        findings.push(Finding::new(
            Severity::Note,
            format!("{} cannot be read: the app lacks {least}", registrations.what),
        ));
    }
    for (action, otherwise) in ACTIONS {
        let lacking = missing(granted, action);
        if !lacking.is_empty() && (action != Action::FlagCompromised || has_identity_protection) {
            findings
                .push(Finding::new(Severity::Warning, format!("{otherwise}: the app lacks {}", lacking.join(" and "))));
        }
    }
}

/// What the app's own roles reach.
fn about_reach(targets: &Targets, findings: &mut Vec<Finding>) {
    let Some(own) = targets.own() else {
        let text = "the token does not tell which service principal the app is, so that refusals are not predicted";
        return findings.push(Finding::new(Severity::Note, text.to_owned()));
    };
    if own.is_empty() {
        let text = format!(
            "the app holds no directory role that resets passwords: by the documentation its permissions alone reset nobody \
             (accounts without any role are known to go through), and administrators will be refused; {ADVICE}"
        );
        findings.push(Finding::new(Severity::Warning, text));
    } else {
        let name = |role: &crate::matrix::OwnRole| match &role.unit {
            None => role.caller.name().to_owned(),
            Some(unit) => format!("{} over the administrative unit {unit}", role.caller.name()),
        };
        let names: Vec<String> = own.iter().map(name).collect();
        findings.push(Finding::new(Severity::Note, format!("the app holds {}", names.join(", "))));
    }
    if own.iter().all(|role| role.unit.is_some()) && !own.is_empty() {
        let text = "the app's roles are over administrative units only: all other accounts will be refused";
        findings.push(Finding::new(Severity::Warning, text.to_owned()));
    }
    if !own.is_empty() && !own.iter().any(|role| role.caller.is_sensitive()) {
        let text = "no account can be disabled: the app's roles set passwords only; give its service principal User Administrator";
        findings.push(Finding::new(Severity::Warning, text.to_owned()));
    }
    let count = |power, refusal: &[Refusal]| {
        targets.all().filter(|(_, target)| check(own, power, target).is_err_and(|why| refusal.contains(&why))).count()
    };
    let privileged = [Refusal::OutOfReach, Refusal::NoRole];
    let (passwords, disabled) = (count(Power::Password, &privileged), count(Power::Sensitive, &privileged));
    if passwords > 0 || disabled > 0 {
        let text = format!(
            "by their roles {passwords} accounts will refuse a new password and {disabled} to be disabled, and may refuse the rest; {ADVICE}"
        );
        findings.push(Finding::new(Severity::Warning, text));
    }
    let restricted = count(Power::Password, &[Refusal::Restricted]);
    if restricted > 0 {
        let text = format!(
            "{restricted} accounts are in restricted administrative units, which only a role scoped to the unit changes: \
             assign one to the app there, or take the accounts out for the time"
        );
        findings.push(Finding::new(Severity::Warning, text));
    }
}
