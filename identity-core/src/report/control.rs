//! Which evidence of a report speaks to which control.

use serde::Serialize;

use super::summary::Summary;
use crate::plan::Population;

/// One control of a framework, what of a report speaks to it, and what does not.
///
/// A report is evidence for an assessor, not a statement of conformity: each control asks for
/// more than a reset can show, and [`Control::beyond`] names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Control {
    /// The framework and its edition.
    pub framework: &'static str,
    /// The control within it.
    pub control: &'static str,
    /// What it asks for, in our words.
    pub asks: &'static str,
    /// What in the report speaks to it: fields of the summary and of the rows.
    pub evidence: &'static [&'static str],
    /// How the evidence is read.
    pub reading: &'static str,
    /// What it asks for beyond this report.
    pub beyond: &'static str,
}

/// The controls that a report speaks to.
pub const CONTROLS: &[Control] = &[
    Control {
        framework: "NIST SP 800-63B (revision 3)",
        control: "5.1.1.2",
        asks: "Verifiers force a change when there is evidence that a memorized secret is compromised.",
        evidence: &["rows.result", "rows.actions", "rows.verdict", "rows.last_set", "summary.accounts"],
        reading: "Each account in scope has one row; verified means that the directory itself shows a password newer than the run's beginning.",
        beyond: "What the next password has to satisfy (length, blocklists) is the directory's policy.",
    },
    Control {
        framework: "NIST SP 800-63B (revision 3)",
        control: "6.2",
        asks: "Compromised authenticators are suspended, revoked or destroyed promptly after detection.",
        evidence: &["summary.seconds", "summary.as_of", "rows.actions", "rows.survives"],
        reading: "The times of the run and of each confirmation show how promptly; survives names what a password reset does not revoke.",
        beyond: "When the compromise was detected, and the authenticators other than passwords.",
    },
    Control {
        framework: "NIST SP 800-63B (revision 4)",
        control: "3.1.1.2",
        asks: "Verifiers force a change of a password when there is evidence that it is compromised.",
        evidence: &["rows.result", "rows.verdict", "summary.accounts"],
        reading: "As for 5.1.1.2 of revision 3, which it continues.",
        beyond: "What the next password has to satisfy (length, blocklists) is the directory's policy.",
    },
    Control {
        framework: "NIST SP 800-63B (revision 4)",
        control: "4.3",
        asks: "Compromised authenticators are suspended, invalidated or destroyed promptly after detection.",
        evidence: &["summary.seconds", "summary.as_of", "rows.actions", "rows.survives"],
        reading: "As for 6.2 of revision 3, which it continues.",
        beyond: "When the compromise was detected, and the authenticators other than passwords.",
    },
    Control {
        framework: "ISO/IEC 27001:2013",
        control: "A.9.2.4",
        asks: "The allocation of secret authentication information is controlled by a formal management process.",
        evidence: &["summary.plan_digest", "summary.approvals", "summary.chain", "rows.sealed", "rows.actions"],
        reading: "An approved plan with a digest, approvals by name, a chained journal, and passwords handed over only sealed, changed at the first sign-in where the action says must_change.",
        beyond: "The identity of the person is established by the service desk or the recovery method.",
    },
    Control {
        framework: "ISO/IEC 27001:2022",
        control: "A.5.17",
        asks: "The allocation and management of authentication information is controlled by a management process.",
        evidence: &["summary.plan_digest", "summary.approvals", "summary.chain", "rows.sealed", "rows.actions"],
        reading: "As for A.9.2.4 of the 2013 edition, which it continues.",
        beyond: "Advice to people on handling their passwords.",
    },
    Control {
        framework: "ISO/IEC 27001:2022",
        control: "A.8.2",
        asks: "The allocation and use of privileged access rights is restricted and managed.",
        evidence: &["rows.tier", "rows.grounds", "summary.accounts.privileged", "summary.approvals"],
        reading: "Who is privileged and by which ground, and that these accounts were reset in waves of their own, each approved.",
        beyond: "Whether each of these rights is needed, and its review.",
    },
    Control {
        framework: "ISO/IEC 27001:2022",
        control: "A.8.5",
        asks: "Secure authentication is implemented according to the access restrictions.",
        evidence: &["rows.verdict", "rows.actions", "rows.survives"],
        reading: "Passwords that may be known to others were replaced, and sessions revoked where the plan says so.",
        beyond: "Second factors, and how each application signs people in.",
    },
    Control {
        framework: "ISO/IEC 27001:2022",
        control: "A.8.15",
        asks: "Logs that record activities and events are produced, protected and analysed.",
        evidence: &["summary.chain"],
        reading: "Each act of the run is a record chained by hash; the directories' own audit logs are a second witness where they were read.",
        beyond: "The protection of the directories' own logs, and that the journal is kept.",
    },
    Control {
        framework: "CIS Controls v8.1",
        control: "5.1",
        asks: "An inventory of accounts is established and maintained.",
        evidence: &["summary.accounts.seen", "rows.kind", "rows.result", "rows.why"],
        reading: "Every account that the enumeration gave is in exactly one row, with the reason where it was left out.",
        beyond: "The inventory's upkeep between runs.",
    },
    Control {
        framework: "CIS Controls v8.1",
        control: "5.2",
        asks: "Passwords are unique.",
        evidence: &["rows.sealed", "rows.actions"],
        reading: "A generated password is drawn for one account alone; its reference in the vault shows which.",
        beyond: "What people choose afterwards.",
    },
    Control {
        framework: "CIS Controls v8.1",
        control: "5.3",
        asks: "Dormant accounts are deleted or disabled.",
        evidence: &["rows.population", "rows.actions"],
        reading: "Accounts of the population dormant, and whether the action disable is done and read back.",
        beyond: "The period after which an account counts as dormant is the organisation's.",
    },
    Control {
        framework: "CIS Controls v8.1",
        control: "5.4",
        asks: "Administrator privileges are kept on dedicated administrator accounts.",
        evidence: &["rows.tier", "rows.grounds", "summary.accounts.privileged"],
        reading: "Who is privileged and by which group, role or right.",
        beyond: "Whether the account is also used for daily work.",
    },
    Control {
        framework: "CIS Controls v8.1",
        control: "5.5",
        asks: "An inventory of service accounts is established and maintained.",
        evidence: &["rows.kind", "rows.population", "rows.left"],
        reading: "Accounts of the kinds service and managed_service, with their owner where one is named.",
        beyond: "What each is for, and its review.",
    },
    Control {
        framework: "CIS Controls v8.1",
        control: "5.6",
        asks: "Account management is centralised through a directory or identity service.",
        evidence: &["summary.directories"],
        reading: "Which directories master the passwords, and how many accounts of each were reset.",
        beyond: "Applications that keep accounts of their own.",
    },
];

/// A control with what this run shows of it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Shown {
    #[serde(flatten)]
    pub(super) control: Control,
    /// The evidence of this run, in numbers.
    pub(super) shown: String,
}

/// Each control with the evidence of this run.
pub(super) fn shown(summary: &Summary) -> Vec<Shown> {
    CONTROLS.iter().map(|control| Shown { control: *control, shown: evidence(control, summary) }).collect()
}

fn evidence(control: &Control, summary: &Summary) -> String {
    let (a, e) = (&summary.accounts, &summary.effects);
    match control.control {
        "5.1.1.2" | "3.1.1.2" => format!(
            "Of {} accounts to be reset, {} are verified, {} failed and {} are unknown. {} were read back, and {} of them show a newer password in place of the old one; {} must change it at the next sign-in.",
            a.planned, a.verified, a.failed, a.unknown, e.read_back, e.replaced, e.must_change
        ),
        "6.2" | "4.3" => {
            let stands = summary.survivors.iter().find(|at| at.survivor == super::Survivor::OldPassword);
            format!(
                "The run took {}. Sessions ended on {} accounts, {} were disabled, {} have to enrol authenticators anew. On {} accounts the old password is, or may be, still in use.",
                super::html::lasted(summary.seconds),
                e.sessions,
                e.disabled,
                e.authenticators,
                stands.map_or(0, |at| at.accounts)
            )
        }
        "A.9.2.4" | "A.5.17" => {
            let signed = summary.approvals.iter().filter(|approval| approval.signed_by().is_some()).count();
            format!(
                "One plan, {} approvals, of which {signed} are signed; {} records in the chained journal. Generated passwords of {} accounts were handed over sealed only, and {} accounts must change theirs at the next sign-in.",
                summary.approvals.len(),
                summary.chain.number,
                e.sealed,
                e.must_change
            )
        }
        "A.8.2" | "5.4" => format!(
            "{} of {} accounts are privileged, each with its ground in the rows. {} of them were to be reset by the run, and {} of these are verified.",
            a.privileged, a.seen, e.privileged_planned, e.privileged_verified
        ),
        "A.8.5" => format!(
            "{} accounts show a newer password in place of the old one, and sessions ended on {} accounts.",
            e.replaced, e.sessions
        ),
        "A.8.15" => {
            let (events, others): (u64, u64) = summary
                .logs
                .iter()
                .fold((0, 0), |sum, log| (sum.0 + log.events, sum.1 + log.own_principal + log.others_on_planned));
            let logs = match summary.logs.len() {
                0 => "No directory's own audit log was read.".to_owned(),
                logs => format!(
                    "The audit logs of {logs} directories were read: {events} events, of which {others} on planned accounts or by the run's principal are not the run's."
                ),
            };
            format!("{} records, chained by hash; the chain was followed to its end. {logs}", summary.chain.number)
        }
        "5.1" => format!(
            "{} accounts were seen, and each is in one row: {} to be reset, {} left to people, {} left out with the reason, {} protected.",
            a.seen, a.planned, a.manual, a.left_out, a.protected
        ),
        "5.2" => format!("{} accounts were given a generated password, drawn for that account alone.", e.sealed),
        "5.3" => {
            let dormant = summary.populations.iter().find(|at| at.population == Population::Dormant);
            let (planned, verified, disabled) = dormant.map_or((0, 0, 0), |at| (at.planned, at.verified, at.disabled));
            format!(
                "{planned} dormant accounts were to be reset, {verified} of them are verified; the run itself disabled {disabled} of these, and {} accounts in all.",
                e.disabled
            )
        }
        "5.5" => format!(
            "{} service accounts were seen; for {} of them somebody who answers is named in what is left to do.",
            e.services, e.services_owned
        ),
        "5.6" => {
            let each = summary.directories.iter().take(8).map(|at| format!("{} with {}", at.id, at.planned));
            format!(
                "{} directories took part; accounts to be reset: {}.",
                summary.directories.len(),
                each.collect::<Vec<_>>().join(", ")
            )
        }
        _ => "Nothing is stated.".to_owned(),
    }
}
