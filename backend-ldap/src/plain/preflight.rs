//! What is found before anything is planned.

use std::sync::Arc;

use identity_core::account::AccountId;
use identity_core::directory::{Capabilities, Finding, PasswordPolicy, Preflight, Severity};
use identity_core::error::Result;

use super::config::PasswordBy;
use super::policy::{Policies, Policy};
use super::tree::Tree;

/// Reads the policies anew, and says what the run will meet. Changes nothing.
pub(crate) async fn run(tree: &Arc<Tree>, principal: Option<AccountId>, can: Capabilities) -> Result<Preflight> {
    let policies = if tree.has_policy { tree.read_policies().await? } else { tree.policies() };
    let mut findings = Vec::new();
    let mut warn = |text: String| findings.push(Finding::new(Severity::Warning, text));
    if principal.is_none() {
        warn("the entry that the run signs in with cannot be read (a rootdn often has none): name it among the protected ones, if it is an account here".to_owned());
    }
    if tree.has_policy {
        about_policies(&policies, principal.is_some(), &mut warn);
    } else {
        warn("the server has no password policy (overlay ppolicy): no must-change, no lock, and no time of the last set; resets cannot be verified by reading".to_owned());
    }
    if tree.config.privileged.is_empty() && !tree.config.nobody_is_privileged {
        warn(
            "who is privileged is not configured: every account counts as unknown, and goes with the privileged"
                .to_owned(),
        );
    }
    if !can.enumerate_changed {
        warn(
            "the base keeps no contextCSN (overlay syncprov): accounts that are made during the run are not listed"
                .to_owned(),
        );
    }
    if tree.config.password_by == PasswordBy::Modify {
        warn("passwords are set by a Modify of userPassword, as configured: the server must hash what it is given (ppolicy_hash_cleartext)".to_owned());
    }
    let mut preflight = Preflight::default();
    preflight.principal = principal;
    preflight.password_policy = strictest(&policies);
    preflight.findings = findings;
    Ok(preflight)
}

fn about_policies(policies: &Policies, by_policy: bool, warn: &mut impl FnMut(String)) {
    let named = |which: &dyn Fn(&Policy) -> bool| {
        let mut names: Vec<&str> =
            policies.all().filter(|policy| which(policy)).map(|policy| policy.name.as_str()).collect();
        names.sort_unstable();
        (!names.is_empty()).then(|| names.join("; "))
    };
    if !policies.knows_default() {
        warn("the policy of accounts that name none is not known: name default_policy in the configuration; until then must-change and disable are refused for them".to_owned());
    }
    if let Some(names) = named(&|policy| !policy.must_change) {
        warn(format!("without pwdMustChange must-change has no effect, and is replaced by a plain set: {names}"));
    }
    if let Some(names) = named(&|policy| !policy.lockout) {
        warn(format!("without pwdLockout disable has no effect, and is refused: {names}"));
    }
    if let Some(names) = named(&|policy| policy.safe_modify) {
        warn(format!("with pwdSafeModify no password can be reset: {names}"));
    }
    // The rootdn is not held to any of it (slapo-ppolicy(5)); it has no entry.
    if let Some(names) = named(&|policy| policy.min_age).filter(|_| by_policy) {
        warn(format!("passwords that were set less than pwdMinAge ago will be refused: {names}"));
    }
}

/// The strictest of all policies that can be read.
fn strictest(policies: &Policies) -> PasswordPolicy {
    let mut strictest = PasswordPolicy::default();
    for policy in policies.all() {
        strictest.min_length = strictest.min_length.max(policy.min_length);
        strictest.complexity |= policy.checks_quality;
    }
    strictest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plain::policy::tests::policies;

    #[test]
    fn what_a_policy_makes_impossible_is_said_before() {
        let mut texts = Vec::new();
        about_policies(&policies(None), true, &mut |text| texts.push(text));
        let all = texts.join("\n");
        for words in ["default_policy", "pwdMustChange", "pwdLockout", "pwdSafeModify"] {
            assert!(all.contains(words), "{words} in {all}");
        }
        assert!(all.contains("cn=loose,dc=x") && !all.contains("pwdMinAge"), "{all}");
        assert_eq!(strictest(&policies(None)).min_length, 9);
    }
}
