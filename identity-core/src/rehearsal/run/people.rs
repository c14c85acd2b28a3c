//! What people do in a rehearsal, and what a run needs of them.

use super::summary::{Needs, WaveApproval};
use super::survey::Survey;
use crate::error::Result;
use crate::plan::{Approval, ApprovalRule, Approvals, Plan, Wave};

/// As many approvals of each wave as the playbook asks for, but for those whose approver is not reached.
pub(super) fn approvals(plan: &Plan, is_away: impl Fn(&Wave) -> bool) -> Result<Approvals> {
    let mut approvals = Approvals::default();
    for wave in plan.waves().iter().filter(|wave| !is_away(wave)) {
        let rule = rule_of(plan, wave);
        for person in 0..rule.map_or(1, |rule| rule.persons.max(1)) {
            let named = rule.and_then(|rule| rule.by.get(usize::try_from(person).ok()?));
            let name = named.cloned().unwrap_or_else(|| format!("rehearsal: person {}", person + 1));
            approvals.push(Approval::of_wave(plan, &wave.name, name)?);
        }
    }
    Ok(approvals)
}

/// What is known of it from the plan: approvals, accounts by hand, pauses.
pub(super) fn needs(plan: &Plan, survey: &Survey) -> Needs {
    let approval = |wave: &Wave| {
        let rule = rule_of(plan, wave);
        WaveApproval {
            wave: wave.name.clone(),
            persons: rule.map_or(1, |rule| rule.persons.max(1)),
            by: rule.map(|rule| rule.by.clone()).unwrap_or_default(),
        }
    };
    let pauses = &plan.header().spec.pauses;
    let pause = |wave: &Wave| {
        let seconds = pauses.get(&wave.kind).copied().filter(|seconds| *seconds > 0 && wave.accounts > 0)?;
        Some((wave.name.clone(), seconds))
    };
    Needs {
        approvals: plan.waves().iter().map(approval).collect(),
        manual: survey.manual(),
        pauses: plan.waves().iter().filter_map(pause).collect(),
        ..Needs::default()
    }
}

fn rule_of<'a>(plan: &'a Plan, wave: &Wave) -> Option<&'a ApprovalRule> {
    let origin = plan.header().spec.origin.as_ref()?;
    origin.approvals.iter().find(|rule| rule.waves.contains(&wave.kind))
}
