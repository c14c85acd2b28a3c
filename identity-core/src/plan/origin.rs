//! What a plan says of the playbook that it was made from.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Approval, ApprovalFault, Wave, WaveKind};

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
/// Names are compared without regard to case and to the blanks around them. The name of a signed
/// approval is the principal that the signature was verified as; one that is not signed says whatever
/// its writer says. Two signatures by one key are of one person, whatever the names.
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
    /// What a wave still lacks of the persons whom the playbook asks for, beside these approvals;
    /// `None` when nothing. Given are those of the wave that count: whether any does, and what else is
    /// asked for, says [`Approvals::admit`](super::Approvals::admit), which asks this too.
    #[must_use]
    pub fn lacks(&self, wave: &Wave, counting: &[&Approval]) -> Option<ApprovalFault> {
        let rule = self.approvals.iter().find(|rule| rule.waves.contains(&wave.kind))?;
        let given = counting.iter().filter(|approval| approval.scope.covers(&wave.name) && rule.admits(approval));
        let have = persons(given.copied());
        (have < usize::try_from(rule.persons).unwrap_or(usize::MAX)).then(|| ApprovalFault::TooFewPersons {
            wave: wave.name.clone(),
            rule: rule.clone(),
            have,
        })
    }
}

impl ApprovalRule {
    /// Whether it is of one of those who may approve.
    fn admits(&self, approval: &Approval) -> bool {
        self.by.is_empty() || self.by.iter().any(|by| fold(by) == name(approval))
    }
}

/// How many persons are behind these approvals. Those that share a name or a key, be it by way of
/// others, count as of one.
fn persons<'a>(approvals: impl Iterator<Item = &'a Approval>) -> usize {
    let mut persons: Vec<Vec<&Approval>> = Vec::new();
    for approval in approvals {
        let is_theirs = |person: &Vec<&Approval>| person.iter().any(|known| same_person(known, approval));
        let (same, others): (Vec<_>, Vec<_>) = persons.into_iter().partition(is_theirs);
        persons = others;
        persons.push(same.into_iter().flatten().chain([approval]).collect());
    }
    persons.len()
}

fn same_person(one: &Approval, other: &Approval) -> bool {
    let one_key = || one.signed_by().zip(other.signed_by()).is_some_and(|(one, other)| one.may_be(other));
    name(one) == name(other) || one_key()
}

/// Of a signed approval the principal that it was verified as; else who is said to approve.
fn name(approval: &Approval) -> String {
    fold(approval.signed_by().map_or(approval.approver.as_str(), |signed| signed.principal()))
}

fn fold(name: &str) -> String {
    name.trim().to_lowercase()
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
    use serde_json::json;

    use super::*;

    /// By a name, and by the key where there is one.
    fn approval(name: &str, signed: Option<(&str, &str)>) -> Approval {
        let signed = signed.map(|(principal, key)| json!({"principal": principal, "key": key}));
        let digest = format!("sha256:{}", "0".repeat(64));
        let approval = json!({
            "plan_digest": digest, "approver": name, "scope": {"waves": ["canary", "privileged"]},
            "at": "1970-01-01T00:00:00Z", "signed_by": signed,
        });
        serde_json::from_value(approval).unwrap()
    }

    fn lacks(wave: &Wave, given: &[Approval]) -> Option<String> {
        let rule = ApprovalRule {
            waves: vec![WaveKind::Privileged],
            persons: 2,
            by: vec!["Ada".into(), "Grace".into(), "Edsger".into()],
        };
        let origin = PlanOrigin { approvals: vec![rule], ..PlanOrigin::default() };
        origin.lacks(wave, &given.iter().collect::<Vec<_>>()).map(|fault| fault.to_string())
    }

    fn privileged() -> Wave {
        Wave { name: "privileged".into(), kind: WaveKind::Privileged, accounts: 3 }
    }

    #[test]
    fn two_persons_are_two_names_of_the_list() {
        let wave = privileged();
        let by = |names: &[&str]| lacks(&wave, &names.iter().map(|name| approval(name, None)).collect::<Vec<_>>());
        assert_eq!(by(&["ada", " Grace "]), None);
        for names in [&[][..], &["Ada"], &["Ada", "ADA "], &["Ada", "Mallory"]] {
            let told = by(names).unwrap();
            assert!(told.contains("2 approvals by different persons of Ada, Grace, Edsger"), "{told}");
        }
        let elsewhere = Wave { name: "privileged-2".into(), ..privileged() };
        assert!(lacks(&elsewhere, &[approval("Ada", None), approval("Grace", None)]).is_some(), "of other waves");
        let canary = Wave { name: "canary".into(), kind: WaveKind::Canary, accounts: 3 };
        assert_eq!(lacks(&canary, &[]), None, "no rule covers it");
    }

    #[test]
    fn of_a_signature_its_principal_counts_and_one_key_is_one_person() {
        let signed = |name: &str, principal: &str, key: &str| approval(name, Some((principal, key)));
        let wave = privileged();
        assert_eq!(lacks(&wave, &[signed("x", "ada", "SHA256:a"), signed("y", "Grace", "SHA256:g")]), None);
        assert_eq!(
            lacks(&wave, &[signed("x", "ada", "SHA256:a"), approval("Grace", None)]),
            None,
            "one signs, one types"
        );
        for (given, have) in [
            (vec![signed("Ada", "mallory", "SHA256:m"), signed("Grace", "Grace", "SHA256:g")], 1),
            (vec![signed("Ada", "Ada", "SHA256:k"), signed("Grace", "Grace", "SHA256:k")], 1),
            (vec![signed("Ada", "Ada", "SHA256:k"), approval("ada", None)], 1),
            // The first two are joined by the third: it has the name of one and the key of the other.
            (
                vec![
                    signed("Ada", "Ada", "SHA256:a"),
                    signed("Grace", "Grace", "SHA256:g"),
                    signed("Ada", "Ada", "SHA256:g"),
                ],
                1,
            ),
        ] {
            let told = lacks(&wave, &given).unwrap();
            assert!(told.ends_with(&format!("and has {have}")), "{told}");
        }
    }
}
