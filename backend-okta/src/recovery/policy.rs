//! Which password policy and which of its rules an account is under, and what it asks for.

use std::collections::{HashMap, HashSet};

use identity_core::account::AccountId;

use crate::key::UserKey;
use crate::wire::policy::{Actions, Conditions, Factors, Listed, Policy, Rule};

/// All active password policies in their order, with who is in the groups that they name.
#[derive(Debug, Default)]
pub(super) struct Policies {
    pub(super) policies: Vec<(Policy, Vec<Rule>)>,
    /// Members of the groups that some condition names, by their keys: there can be a million.
    pub(super) members: HashMap<String, HashSet<UserKey>>,
    /// The group that everybody is in.
    pub(super) everyone: HashSet<String>,
}

/// What the rule that an account is under says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Says {
    /// Nobody under it resets their own password.
    Denied(String),
    /// With one of these, and perhaps with something more.
    With(Asked),
    /// It cannot be told, and why.
    Unknown(String),
}

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// In words, for the reason.
    pub(super) rule: String,
    /// One of these: `email`, `sms`, `voice`, `push`, `otp`.
    pub(super) primary: Vec<String>,
    pub(super) then: Then,
}

/// What comes after the first step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Then {
    #[default]
    Nothing,
    /// The security question, an authenticator of its own.
    Question,
    /// The question of the Classic Engine, which stands with the credentials.
    RecoveryQuestion,
    /// Any other authenticator.
    Another,
}

impl Policies {
    /// What the policies say of an account; `provider` is who checks its password
    /// (`AuthenticationProviderType`).
    pub(super) fn of(&self, account: &AccountId, provider: &str) -> Says {
        let applies = |(policy, _): &&(Policy, Vec<Rule>)| {
            let conditions = policy.conditions.as_ref();
            // The system's policy is for whoever no other one is for.
            policy.system == Some(true) && is_of(conditions, provider)
                || self.is_for(conditions, account) && is_of(conditions, provider)
        };
        let Some((policy, rules)) = self.policies.iter().find(applies) else {
            return Says::Unknown("no password policy that was shown is for this account".to_owned());
        };
        self.by_rules(policy, rules, account)
    }

    /// A rule that holds from some networks only decides when all that follow say the same.
    fn by_rules(&self, policy: &Policy, rules: &[Rule], account: &AccountId) -> Says {
        let mut somewhere: Option<Says> = None;
        for rule in rules.iter().filter(|rule| self.is_for(rule.conditions.as_ref(), account)) {
            let said = says(policy, rule);
            let network = rule.conditions.as_ref().and_then(|conditions| conditions.network.as_ref());
            let connection = network.and_then(|network| network.connection.as_deref());
            if connection.is_some_and(|word| word != "ANYWHERE") {
                somewhere.get_or_insert(said);
                continue;
            }
            return match somewhere {
                Some(first) if !is_like(&first, &said) => Says::Unknown(format!(
                    "in the policy {} it depends on the network that the person comes from",
                    policy.name
                )),
                _ => said,
            };
        }
        match somewhere {
            Some(_) => Says::Unknown(format!("the policy {} has rules for some networks only", policy.name)),
            None => Says::Denied(format!("no rule of the policy {} is for this account", policy.name)),
        }
    }

    fn is_for(&self, conditions: Option<&Conditions>, account: &AccountId) -> bool {
        let Some(people) = conditions.and_then(|conditions| conditions.people.as_ref()) else { return true };
        let key = UserKey::of(account.as_str());
        let is_in = |group: &String| {
            self.everyone.contains(group)
                || self.members.get(group).is_some_and(|members| key.is_some_and(|key| members.contains(&key)))
        };
        let is_user = |id: &String| id == account.as_str();
        let is_excluded = any(people.users.as_ref(), |listed| &listed.exclude, is_user)
            || any(people.groups.as_ref(), |listed| &listed.exclude, is_in);
        let included =
            |listed: Option<&Listed>| listed.and_then(|l| l.include.as_ref()).is_some_and(|ids| !ids.is_empty());
        let names_nobody = !included(people.users.as_ref()) && !included(people.groups.as_ref());
        let is_included = names_nobody
            || any(people.users.as_ref(), |listed| &listed.include, is_user)
            || any(people.groups.as_ref(), |listed| &listed.include, is_in);
        is_included && !is_excluded
    }
}

fn any(listed: Option<&Listed>, part: impl Fn(&Listed) -> &Option<Vec<String>>, is: impl Fn(&String) -> bool) -> bool {
    listed.and_then(|listed| part(listed).as_ref()).is_some_and(|ids| ids.iter().any(is))
}

/// Whether a policy is for those whose password this provider checks.
fn is_of(conditions: Option<&Conditions>, provider: &str) -> bool {
    let condition = conditions.and_then(|conditions| conditions.auth_provider.as_ref());
    let wanted = condition.and_then(|condition| condition.provider.as_deref());
    wanted.is_none_or(|wanted| wanted == "ANY" || wanted == provider || (wanted == "OKTA" && provider == "IMPORT"))
}

fn is_like(one: &Says, other: &Says) -> bool {
    match (one, other) {
        (Says::Denied(_), Says::Denied(_)) => true,
        (Says::With(one), Says::With(other)) => one.primary == other.primary && one.then == other.then,
        _ => false,
    }
}

fn says(policy: &Policy, rule: &Rule) -> Says {
    let words = format!("rule {} of the policy {}", rule.name, policy.name);
    let reset = rule.actions.as_ref().and_then(|actions: &Actions| actions.self_service_password_reset.as_ref());
    let Some(reset) = reset else {
        return Says::Unknown(format!("{words} does not say who resets their own password"));
    };
    match reset.access.as_deref() {
        Some("ALLOW") => {}
        Some("DENY") => return Says::Denied(format!("{words} lets nobody reset their own password")),
        _ => return Says::Unknown(format!("{words} does not say who resets their own password")),
    }
    let Some(requirement) = &reset.requirement else {
        let factors = policy.settings.as_ref().and_then(|s| s.recovery.as_ref()).and_then(|r| r.factors.as_ref());
        return classic(words, factors);
    };
    if requirement.access_control.as_deref() == Some("AUTH_POLICY") {
        return Says::Unknown(format!("{words} leaves it to the Okta account management policy"));
    }
    let primary = requirement.primary.as_ref().and_then(|primary| primary.methods.clone()).unwrap_or_default();
    let then = match &requirement.step_up {
        Some(step) if step.required == Some(true) => match step.methods.as_deref() {
            Some(methods) if methods.iter().any(|method| method == "security_question") => Then::Question,
            _ => Then::Another,
        },
        _ => Then::Nothing,
    };
    allowed(Asked { rule: words, primary, then })
}

/// The Classic Engine has it in the settings of the policy.
fn classic(rule: String, factors: Option<&Factors>) -> Says {
    let Some(factors) = factors else { return Says::Unknown(format!("{rule} does not say by what means")) };
    let is_active = |means: &Option<crate::wire::policy::Means>| {
        means.as_ref().and_then(|means| means.status.as_deref()) == Some("ACTIVE")
    };
    let all = [("email", &factors.okta_email), ("sms", &factors.okta_sms), ("voice", &factors.okta_call)];
    let primary = all.into_iter().filter(|(_, means)| is_active(means)).map(|(word, _)| word.to_owned()).collect();
    let then = if is_active(&factors.recovery_question) { Then::RecoveryQuestion } else { Then::Nothing };
    allowed(Asked { rule, primary, then })
}

fn allowed(asked: Asked) -> Says {
    match asked.primary.is_empty() {
        true => Says::Denied(format!("{} allows no means to do it with", asked.rule)),
        false => Says::With(asked),
    }
}
