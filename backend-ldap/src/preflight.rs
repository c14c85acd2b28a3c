//! What is found before anything is planned.

use std::sync::Arc;
use std::time::Duration;

use identity_core::account::AccountId;
use identity_core::directory::{Finding, Preflight, Severity};
use identity_core::error::Result;
use identity_core::limits::clock;

use crate::account::Policies;
use crate::domain::Domain;
use crate::root::Root;
use crate::value::dn;

/// Kerberos' own tolerance (MS-KILE 3.1.1.2): beyond it sign-ins fail and times mislead.
const MOST_SKEW: Duration = Duration::from_secs(300);

/// Reads the controller, the policies and the own account. Changes nothing.
pub(crate) async fn run(domain: &Arc<Domain>, principal: Option<AccountId>, versions: bool) -> Result<Preflight> {
    let root = {
        let connection = domain.pool.authority().await?;
        Root::read(&connection).await?
    };
    let mut findings = Vec::new();
    about_controller(&root, &mut findings);
    about_pdc(domain, &root, &mut findings).await?;
    if principal.is_none() {
        findings.push(Finding::new(
            Severity::Warning,
            "the account that the run signs in with was not found in the domain: name it among the protected ones, or its own reset ends the run",
        ));
    }
    if !versions {
        findings.push(Finding::new(
            Severity::Warning,
            "replPropertyMetaData cannot be read: a reset by somebody else at the same time is told by its time only",
        ));
    }
    if !root.descriptors {
        findings.push(Finding::new(
            Severity::Warning,
            "the controller gives no access control lists: accounts that may not change their password are not recognised",
        ));
    }
    let mut preflight = Preflight::default();
    preflight.principal = principal;
    preflight.server_time = root.now;
    let surroundings = domain.look_around().await?;
    about_policies(&surroundings.policies, &mut findings);
    preflight.password_policy = surroundings.policies.strictest();
    preflight.findings = findings;
    Ok(preflight)
}

fn about_controller(root: &Root, findings: &mut Vec<Finding>) {
    if root.read_only {
        findings.push(Finding::new(
            Severity::Fatal,
            format!("{} is a read-only controller and takes no changes: use a writable one", root.host),
        ));
    }
    if !root.synchronized {
        findings.push(Finding::new(
            Severity::Warning,
            format!("{} has not caught up with the other controllers: wait, or use another one", root.host),
        ));
    }
    if let Some(now) = root.now {
        let skew = clock::now().duration_since(now).unsigned_abs();
        if skew > MOST_SKEW {
            findings.push(Finding::new(
                Severity::Warning,
                format!(
                    "the clock of {} and the one of this machine differ by {} s: set them right",
                    root.host,
                    skew.as_secs()
                ),
            ));
        }
    }
}

/// The PDC emulator is where passwords are asked after: one that is set there is valid at once.
async fn about_pdc(domain: &Domain, root: &Root, findings: &mut Vec<Finding>) -> Result<()> {
    let head = domain.object(&domain.name, &["fSMORoleOwner"]).await?;
    let Some(owner) = head.as_ref().and_then(|entry| entry.text("fsmoroleowner")) else {
        findings.push(Finding::new(Severity::Warning, "the PDC emulator of the domain cannot be found out"));
        return Ok(());
    };
    if dn::key(owner) == dn::key(&root.service) {
        return Ok(());
    }
    // The settings object stands below the one of its server.
    let server = domain.object(dn::parent(owner), &["dNSHostName"]).await?;
    let host = server.as_ref().and_then(|entry| entry.text("dnshostname")).unwrap_or(owner).to_owned();
    findings.push(Finding::new(
        Severity::Warning,
        format!(
            "{} is not the PDC emulator: old passwords stay valid until replication; use ldaps://{host}",
            root.host
        ),
    ));
    Ok(())
}

/// What is not known of the password policies.
fn about_policies(policies: &Policies, findings: &mut Vec<Finding>) {
    if !policies.knows_domain() {
        findings.push(Finding::new(Severity::Warning, "the domain's password policy cannot be read"));
    }
    if let Some(fault) = &policies.fault {
        let text = format!("the fine-grained password policies cannot be read ({fault}): generate long passwords");
        findings.push(Finding::new(Severity::Warning, text));
    } else if policies.are_hidden() {
        findings.push(Finding::new(
            Severity::Note,
            "no fine-grained password policy can be seen: there is none, or this sign-in may not read them (as a rule only Domain Admins may); generate long passwords",
        ));
    }
    if policies.unreadable() > 0 {
        let text =
            format!("{} fine-grained password policies cannot be read: generate long passwords", policies.unreadable());
        findings.push(Finding::new(Severity::Warning, text));
    }
}
