//! What of a run will be refused, found before anything is touched: accounts that the caller's own roles
//! do not reach, and what is not known of who is privileged.

use std::sync::Arc;

use identity_core::directory::{Finding, Severity};
use identity_core::error::{ErrorKind, Result};
use identity_core::privilege::PrivilegeIndex;

use crate::matrix::{Power, Refusal, Target, check};
use crate::org::Org;
use crate::privilege::{Targets, index, survey};

/// The powers that are told apart by what they need, and what is not done without them.
const POWERS: [(Power, &str); 7] = [
    (Power::SetPassword, "no password can be set"),
    (Power::ResetPassword, "nobody can be reset to recovery"),
    (Power::ExpirePassword, "no temporary password can be set and no password be expired"),
    (Power::ResetFactors, "no authenticators can be reset"),
    (Power::ClearSessions, "no session can be revoked"),
    (Power::Unlock, "nobody can be unlocked"),
    (Power::Suspend, "no account can be suspended"),
];

/// Findings, and who is privileged where that could be read.
pub(crate) type Prediction = (Vec<Finding>, Option<Arc<PrivilegeIndex>>);

/// What of the privileges could not be read, and what will be refused.
///
/// # Errors
/// When a read failed that may succeed later, or when signing in failed.
pub(crate) async fn predict(org: &Org) -> Result<Prediction> {
    let mut findings = Vec::new();
    let privileges = match survey(org).await {
        Ok(survey) => {
            let notes = survey.notes().iter().map(|note| Finding::new(Severity::Note, note.clone()));
            let gaps = survey.gaps().iter().map(|gap| {
                Finding::new(
                    Severity::Warning,
                    format!("everybody without a known privilege counts as privileged: {gap}"),
                )
            });
            let apps = survey.apps_gap().map(|why| {
                let text = format!("everybody who administers apps counts as privileged to an unknown degree: {why}");
                Finding::new(Severity::Warning, text)
            });
            findings.extend(notes.chain(gaps).chain(apps));
            index(&survey)
        }
        Err(error) if error.is_temporary() || error.kind() == ErrorKind::Unauthenticated => return Err(error),
        Err(error) => {
            findings
                .push(Finding::new(Severity::Warning, format!("who is privileged cannot be read: {}", error.detail())));
            return Ok((findings, None));
        }
    };
    if let Some(targets) = org.known.targets() {
        about_reach(&targets, &mut findings);
    }
    if org.mail_behind_okta.is_empty() {
        let text = "no mail domain is named as one whose mailboxes are opened by a sign-in through this org: a recovery \
                    link that is mailed to such a mailbox reaches nobody; name them in the configuration";
        findings.push(Finding::new(Severity::Note, text.to_owned()));
    }
    Ok((findings, Some(Arc::new(privileges))))
}

/// What the caller's own roles reach.
fn about_reach(targets: &Targets, findings: &mut Vec<Finding>) {
    let Some(own) = targets.own() else {
        let text = "the roles of the caller could not be read, so that refusals are not predicted";
        return findings.push(Finding::new(Severity::Note, text.to_owned()));
    };
    if own.is_empty() {
        let text = "no administrator role of the caller is shown: a scope alone does nothing, and Okta refuses each call \
                    that the role does not cover (E0000006); give it SUPER_ADMIN to reach all";
        return findings.push(Finding::new(Severity::Warning, text.to_owned()));
    }
    let names: Vec<&str> = own.iter().map(crate::matrix::OwnRole::name).collect();
    findings.push(Finding::new(Severity::Note, format!("the caller holds {}", names.join(", "))));
    for (power, otherwise) in POWERS {
        if check(own, power, Target::default()) == Err(Refusal::OutOfReach) {
            let least = crate::matrix::permissions_of(power).first().copied().unwrap_or_default();
            let text = format!("{otherwise}: no role of the caller does it; a custom role needs {least}");
            findings.push(Finding::new(Severity::Warning, text));
        }
    }
    let admin = Target { is_admin: true };
    if targets.admins() > 0 && POWERS.iter().all(|(power, _)| check(own, *power, admin).is_err()) {
        let text = format!(
            "{} accounts hold an administrator role and will be refused: only a super administrator resets them; run \
             their waves as an app or a token with SUPER_ADMIN",
            targets.admins()
        );
        findings.push(Finding::new(Severity::Warning, text));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use identity_core::account::AccountId;

    use super::*;
    use crate::matrix::OwnRole;

    fn texts(findings: &[Finding]) -> String {
        findings.iter().map(|finding| format!("{:?}: {}\n", finding.severity, finding.text)).collect()
    }

    fn reach(own: Option<&[OwnRole]>) -> String {
        let admins = ["00u1", "00u2"].map(|id| AccountId::new(id).unwrap());
        let mut findings = Vec::new();
        let own = own.map(|roles| roles.iter().cloned().collect::<BTreeSet<_>>());
        about_reach(&Targets::planted(admins, own), &mut findings);
        texts(&findings)
    }

    #[test]
    fn who_will_refuse_is_counted_before_anything_is_sent() {
        let standard = |role: &str| OwnRole::Standard(role.to_owned());
        assert!(!reach(Some(&[standard("SUPER_ADMIN")])).contains("Warning"));
        let org_admin = reach(Some(&[standard("ORG_ADMIN")]));
        assert!(org_admin.contains("Warning: 2 accounts hold an administrator role"), "{org_admin}");
        let reader = reach(Some(&[standard("READ_ONLY_ADMIN")]));
        assert!(
            reader.contains("no password can be set") && reader.contains("no account can be suspended"),
            "{reader}"
        );
        let help_desk = reach(Some(&[standard("HELP_DESK_ADMIN")]));
        assert!(help_desk.contains("no account can be suspended"), "{help_desk}");
        assert!(!help_desk.contains("no password can be set"), "{help_desk}");
        assert!(reach(Some(&[])).contains("Warning: no administrator role"));
        assert!(reach(None).contains("Note: the roles of the caller could not be read"));
    }
}
