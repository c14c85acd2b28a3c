//! Which evidence of a report speaks to which control.

use serde::Serialize;

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
        framework: "CIS Controls v8",
        control: "5.1",
        asks: "An inventory of accounts is established and maintained.",
        evidence: &["summary.accounts.seen", "rows.kind", "rows.result", "rows.why"],
        reading: "Every account that the enumeration gave is in exactly one row, with the reason where it was left out.",
        beyond: "The inventory's upkeep between runs.",
    },
    Control {
        framework: "CIS Controls v8",
        control: "5.2",
        asks: "Passwords are unique.",
        evidence: &["rows.sealed", "rows.actions"],
        reading: "A generated password is drawn for one account alone; its reference in the vault shows which.",
        beyond: "What people choose afterwards.",
    },
    Control {
        framework: "CIS Controls v8",
        control: "5.3",
        asks: "Dormant accounts are deleted or disabled.",
        evidence: &["rows.population", "rows.actions"],
        reading: "Accounts of the population dormant, and whether the action disable is done and read back.",
        beyond: "The period after which an account counts as dormant is the organisation's.",
    },
    Control {
        framework: "CIS Controls v8",
        control: "5.4",
        asks: "Administrator privileges are kept on dedicated administrator accounts.",
        evidence: &["rows.tier", "rows.grounds", "summary.accounts.privileged"],
        reading: "Who is privileged and by which group, role or right.",
        beyond: "Whether the account is also used for daily work.",
    },
    Control {
        framework: "CIS Controls v8",
        control: "5.5",
        asks: "An inventory of service accounts is established and maintained.",
        evidence: &["rows.kind", "rows.population", "rows.left"],
        reading: "Accounts of the kinds service and managed_service, with their owner where one is named.",
        beyond: "What each is for, and its review.",
    },
];
