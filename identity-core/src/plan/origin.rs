//! What a plan says of the playbook that it was made from.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{ApprovalScope, Approvals, Wave, WaveKind};

/// The playbook that a plan was made from, and what of it goes beyond the plan: a part of the plan,
/// so that whoever approves the plan approves this too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PlanOrigin {
    /// The playbook's name.
    pub playbook: String,
    /// The digest of its file: `sha256:` and 64 hexadecimal digits.
    pub digest: String,
    /// The trigger that chose it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<String>,
    /// The incident, in the words of whoever raised it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<String>,
    /// What its parameters stood for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
    /// Who approves what. A wave that no rule covers takes one approval, by anybody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<ApprovalRule>,
    /// Whom to call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<Contact>,
    /// Who may open the generated passwords: age recipients.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<String>,
    /// When a run stops by itself.
    #[serde(default, skip_serializing_if = "PlannedGuardrails::is_empty")]
    pub guardrails: PlannedGuardrails,
    /// What of the playbook does not concern the directories of this plan, one line each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// How many persons approve waves of some kinds, and who they may be.
///
/// Names are compared without regard to case and to the blanks around them. They are as good as the
/// approvals are: an approval that is not signed says whatever its writer says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ApprovalRule {
    /// The kinds of waves.
    pub waves: Vec<WaveKind>,
    /// How many different persons, at least 1.
    pub persons: u32,
    /// Who they may be; anybody where nobody is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<String>,
}

/// Somebody to call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Contact {
    /// What they are called for: `service desk`, `incident lead`, …
    #[serde(rename = "for")]
    pub purpose: String,
    /// Who.
    pub name: String,
    /// How they are reached, not by what the incident may have compromised.
    pub reach: String,
}

/// Guardrails as a playbook sets them; what it does not set is as by default. See
/// [`Guardrails`](crate::engine::Guardrails).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct PlannedGuardrails {
    /// `Guardrails::failure_share` in percent, 0 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_percent: Option<u8>,
    /// `Guardrails::failure_floor`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_floor: Option<u64>,
    /// `Guardrails::canary_failures`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary_failures: Option<u64>,
    /// `Guardrails::consecutive_refusals`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consecutive_refusals: Option<u64>,
    /// `Guardrails::passwords_per_account`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passwords_per_account: Option<u32>,
    /// `Guardrails::sync_wait` in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sync_wait: Option<u64>,
}

impl PlannedGuardrails {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl PlanOrigin {
    /// What a wave still lacks before a run may begin it; `None` when nothing.
    #[must_use]
    pub fn lacks(&self, wave: &Wave, approvals: &Approvals) -> Option<String> {
        let rule = self.approvals.iter().find(|rule| rule.waves.contains(&wave.kind))?;
        let fold = |name: &str| name.trim().to_lowercase();
        let may = |name: &String| rule.by.is_empty() || rule.by.iter().any(|by| fold(by) == *name);
        let mut persons: Vec<String> = approvals
            .iter()
            .filter(|approval| matches!(&approval.scope, ApprovalScope::Wave(name) if *name == wave.name))
            .map(|approval| fold(&approval.approver))
            .filter(may)
            .collect();
        persons.sort();
        persons.dedup();
        (persons.len() < usize::try_from(rule.persons).unwrap_or(usize::MAX))
            .then(|| format!("wave {} takes {rule}, and has {}", wave.name, persons.len()))
    }
}

impl fmt::Display for ApprovalRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let persons = if self.persons == 1 {
            "one approval".to_owned()
        } else {
            format!("{} approvals by different persons", self.persons)
        };
        f.write_str(&persons)?;
        match self.by.as_slice() {
            [] => Ok(()),
            by => write!(f, " of {}", by.join(", ")),
        }
    }
}

impl fmt::Display for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}, {}", self.purpose, self.name, self.reach)
    }
}

impl fmt::Display for PlanOrigin {
    /// A few lines for people: the playbook, why, who approves, whom to call.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Playbook {} {}", self.playbook, self.digest)?;
        if let Some(trigger) = &self.trigger {
            write!(f, "\n  trigger: {trigger}")?;
        }
        if let Some(incident) = &self.incident {
            write!(f, "\n  incident: {incident}")?;
        }
        for (name, value) in &self.parameters {
            write!(f, "\n  {name} = {value}")?;
        }
        for rule in &self.approvals {
            let waves: Vec<&str> = rule.waves.iter().map(|kind| kind.as_str()).collect();
            write!(f, "\n  approval of {}: {rule}", waves.join(", "))?;
        }
        for contact in &self.contacts {
            write!(f, "\n  call, {contact}")?;
        }
        for note in &self.notes {
            write!(f, "\n  mind: {note}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Approval;

    fn approvals(names: &[&str]) -> Approvals {
        let mut approvals = Approvals::default();
        for name in names {
            approvals.push(Approval {
                plan_digest: format!("sha256:{}", "0".repeat(64)),
                approver: (*name).to_owned(),
                scope: ApprovalScope::Wave("privileged".to_owned()),
                at: jiff::Timestamp::UNIX_EPOCH,
                note: None,
            });
        }
        approvals
    }

    #[test]
    fn two_persons_are_two_names_of_the_list() {
        let rule = ApprovalRule {
            waves: vec![WaveKind::Privileged],
            persons: 2,
            by: vec!["Ada".into(), "Grace".into(), "Edsger".into()],
        };
        let origin = PlanOrigin { approvals: vec![rule], ..PlanOrigin::default() };
        let wave = Wave { name: "privileged".into(), kind: WaveKind::Privileged, accounts: 3 };
        let lacks = |names: &[&str]| origin.lacks(&wave, &approvals(names));
        assert_eq!(lacks(&["ada", " Grace "]), None);
        for names in [&[][..], &["Ada"], &["Ada", "ADA "], &["Ada", "Mallory"]] {
            let told = lacks(names).unwrap();
            assert!(told.contains("2 approvals by different persons of Ada, Grace, Edsger"), "{told}");
        }
        let other = Wave { name: "canary".into(), kind: WaveKind::Canary, accounts: 3 };
        assert_eq!(origin.lacks(&other, &approvals(&[])), None, "no rule covers it");
    }
}
