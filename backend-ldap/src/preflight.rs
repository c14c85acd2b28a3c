//! What is found before anything is planned.

use std::sync::Arc;
use std::time::Duration;

use identity_core::account::AccountId;
use identity_core::directory::{Finding, PasswordPolicy, Preflight, Severity};
use identity_core::error::Result;
use identity_core::limits::clock;

use crate::domain::Domain;
use crate::root::Root;
use crate::value::dn;
use crate::wire::entry::Entry;
use crate::wire::{Search, Within};

/// DOMAIN_PASSWORD_COMPLEX of pwdProperties (MS-SAMR 2.2.3.9).
const COMPLEX: i64 = 1;
/// LDAP takes passwords of up to 256 characters (MS-SAMR 2.2.1.1).
const LONGEST_PASSWORD: u16 = 256;
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
        findings.push(finding(
            Severity::Warning,
            "the account that the run signs in with was not found in the domain: name it among the protected ones, or its own reset ends the run",
        ));
    }
    if !versions {
        findings.push(finding(
            Severity::Warning,
            "replPropertyMetaData cannot be read: a reset by somebody else at the same time is told by its time only",
        ));
    }
    if !root.descriptors {
        findings.push(finding(
            Severity::Warning,
            "the controller gives no access control lists: accounts that may not change their password are not recognised",
        ));
    }
    let mut preflight = Preflight::default();
    preflight.principal = principal;
    preflight.server_time = root.now;
    preflight.password_policy = policy(domain, &mut findings).await?;
    preflight.findings = findings;
    Ok(preflight)
}

fn about_controller(root: &Root, findings: &mut Vec<Finding>) {
    if root.read_only {
        findings.push(finding(
            Severity::Fatal,
            format!("{} is a read-only controller and takes no changes: use a writable one", root.host),
        ));
    }
    if !root.synchronized {
        findings.push(finding(
            Severity::Warning,
            format!("{} has not caught up with the other controllers: wait, or use another one", root.host),
        ));
    }
    if let Some(now) = root.now {
        let skew = clock::now().duration_since(now).unsigned_abs();
        if skew > MOST_SKEW {
            findings.push(finding(
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
        findings.push(finding(Severity::Warning, "the PDC emulator of the domain cannot be found out"));
        return Ok(());
    };
    if dn::key(owner) == dn::key(&root.service) {
        return Ok(());
    }
    // The settings object stands below the one of its server.
    let server = domain.object(dn::parent(owner), &["dNSHostName"]).await?;
    let host = server.as_ref().and_then(|entry| entry.text("dnshostname")).unwrap_or(owner).to_owned();
    findings.push(finding(
        Severity::Warning,
        format!(
            "{} is not the PDC emulator: old passwords stay valid until replication; use ldaps://{host}",
            root.host
        ),
    ));
    Ok(())
}

/// The strictest of the domain's policy and of every fine-grained one that can be read.
async fn policy(domain: &Domain, findings: &mut Vec<Finding>) -> Result<PasswordPolicy> {
    let mut strictest = PasswordPolicy::default();
    strictest.max_length = Some(LONGEST_PASSWORD);
    let head = domain.object(&domain.name, &["minPwdLength", "pwdProperties"]).await?;
    match head.as_ref().and_then(|entry| Some((entry.number("minpwdlength")?, entry.number("pwdproperties")?))) {
        Some((length, properties)) => tighten(&mut strictest, length, properties & COMPLEX != 0),
        None => findings.push(finding(Severity::Warning, "the domain's password policy cannot be read")),
    }
    let search = Search {
        within: Within::Children,
        ..Search::subtree(
            format!("CN=Password Settings Container,CN=System,{}", domain.name),
            "(objectClass=msDS-PasswordSettings)",
            &["msDS-MinimumPasswordLength", "msDS-PasswordComplexityEnabled"],
        )
    };
    match domain.read(&search).await {
        Ok(objects) => {
            let read = objects.iter().filter(|object| take_settings(&mut strictest, object)).count();
            if objects.is_empty() {
                findings.push(finding(
                    Severity::Note,
                    "no fine-grained password policy can be seen: there is none, or this sign-in may not read them; generate long passwords",
                ));
            } else if read < objects.len() {
                findings.push(finding(
                    Severity::Warning,
                    format!(
                        "{} fine-grained password policies cannot be read: generate long passwords",
                        objects.len() - read
                    ),
                ));
            }
        }
        Err(error) if error.is_temporary() => return Err(error),
        Err(error) => findings.push(finding(
            Severity::Warning,
            format!("the fine-grained password policies cannot be read ({}): generate long passwords", error.detail()),
        )),
    }
    Ok(strictest)
}

fn take_settings(strictest: &mut PasswordPolicy, object: &Entry) -> bool {
    let Some(length) = object.number("msds-minimumpasswordlength") else { return false };
    tighten(strictest, length, object.text("msds-passwordcomplexityenabled") == Some("TRUE"));
    true
}

fn tighten(strictest: &mut PasswordPolicy, length: i64, complexity: bool) {
    strictest.min_length = strictest.min_length.max(u16::try_from(length).unwrap_or_default());
    strictest.complexity |= complexity;
}

pub(crate) fn finding(severity: Severity, text: impl Into<String>) -> Finding {
    Finding { severity, text: text.into() }
}
