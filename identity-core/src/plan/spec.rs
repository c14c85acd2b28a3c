//! What an organisation decides about a plan.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::hand_off::HandOff;
use super::{AccountName, ApprovalRules, PlanBuilder, PlanOrigin, PlannedMessages, Population, Selection, WaveKind};
use crate::error::{Error, ErrorKind, Result};
use crate::owner::Owners;
use crate::person::{Anchor, Joining};
use crate::reset::Action;

/// What an organisation decides: who, what is done to each population, in which waves.
///
/// It is part of the plan file, so that an approval covers it. Everything has a safe default but
/// the selection: who is meant has to be said.
///
/// ```
/// use identity_core::plan::{PlanSpec, Selection};
///
/// let spec = PlanSpec::default()
///     .select(Selection::everyone())
///     .exclude(Selection::group("corp", "CN=Kiosk,OU=Groups,DC=example,DC=test"))
///     .protect("corp", "CN=breakglass,CN=Users,DC=example,DC=test");
/// spec.validate()?;
/// # Ok::<(), identity_core::error::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct PlanSpec {
    /// What the choice of the canary and of the workforce's slices is drawn from; the same seed
    /// draws the same accounts.
    pub seed: u64,
    /// Who is meant: the union of these. Empty is an error.
    pub select: Vec<Selection>,
    /// Who is not meant although selected.
    pub exclude: Vec<Selection>,
    /// Who is never touched, even when listed. An entry that names nobody is an error; one that
    /// names several protects them all.
    pub protect: Vec<AccountName>,
    /// What is done to each population.
    pub actions: PopulationActions,
    /// What is done in single directories, in place of [`actions`](Self::actions): by their ids.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub actions_in: BTreeMap<String, PopulationActions>,
    /// Accounts whose password was set at this time or later are left out: their owners changed it
    /// already. Never the privileged: whoever held their old password may be the one who changed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unless_set_since: Option<Timestamp>,
    /// What is done about accounts that programs sign in with.
    pub service: ServiceDisposition,
    /// Whose passwords are set twice, by population: first to a random one that nobody knows, then
    /// to the generated one. Directories that admit the previous password for a while (Active
    /// Directory by NTLM, 60 minutes by default) then do not admit the old one. It costs one more
    /// set an account, and is done where the directory keeps a version that shows both.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub set_twice: Vec<Population>,
    /// Who is handed to self-service recovery, where actions ask for it.
    #[serde(skip_serializing_if = "HandOff::is_default")]
    pub hand_off: HandOff,
    /// How large the waves are.
    pub waves: WaveSizes,
    /// How many seconds nothing is begun after each wave of a kind, so that people can look at what
    /// came of it and the service desk can follow. It counts from the end of everything in the wave.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub pauses: BTreeMap<WaveKind, u64>,
    /// Who answers for the accounts that are left to people, and what they do.
    #[serde(skip_serializing_if = "Owners::is_empty")]
    pub owners: Owners,
    /// The playbook that all this was read from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<PlanOrigin>,
    /// How people are told, or why they are not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messages: Option<PlannedMessages>,
    /// What an approval has to be.
    #[serde(skip_serializing_if = "ApprovalRules::is_default")]
    pub approvals: ApprovalRules,
    /// By what accounts of one person are joined, where the plan has several directories. Whoever is
    /// privileged in one of them is planned with the privileged in all.
    #[serde(skip_serializing_if = "Joining::is_default")]
    pub join: Joining,
}

/// The actions of each population. The engine carries them out in the order of
/// [`Action::rank`], whatever the order here; at most one of them may concern the password itself.
/// An empty list leaves the population out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct PopulationActions {
    /// Enabled accounts of persons. Default: a new password with must-change, sessions revoked.
    pub workforce: Vec<Action>,
    /// Tier 0, tier 1, and whoever could not be classified. Default: as the workforce.
    pub privileged: Vec<Action>,
    /// Disabled accounts. Default: a new password.
    pub dormant: Vec<Action>,
    /// Shared, room and system mailboxes. Default: a new password.
    pub mailbox: Vec<Action>,
    /// Guests whose password is mastered here. Default: as the workforce.
    pub guest: Vec<Action>,
}

impl Default for PopulationActions {
    fn default() -> Self {
        let person = vec![Action::SetPassword { must_change: true }, Action::RevokeSessions];
        let silent = vec![Action::SetPassword { must_change: false }];
        Self {
            workforce: person.clone(),
            privileged: person.clone(),
            dormant: silent.clone(),
            mailbox: silent,
            guest: person,
        }
    }
}

/// What is done about accounts that programs sign in with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum ServiceDisposition {
    /// People reset them, together with the programs: a reset from outside breaks the program.
    Manual {
        /// What is to be done; a general procedure where nothing is given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        procedure: Option<String>,
        /// Who answers for an account whose directory names no owner.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<String>,
    },
    /// The engine resets them, never with must-change: a program cannot choose a new password.
    Reset {
        /// The actions.
        actions: Vec<Action>,
    },
}

impl Default for ServiceDisposition {
    fn default() -> Self {
        Self::Manual { procedure: None, owner: None }
    }
}

/// How large the waves are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct WaveSizes {
    /// Accounts of each directory in the canary: at most this many and at most 1 % of the
    /// directory's workforce, but 1 where the workforce has 20 or more. 0 for no canary.
    pub canary: u32,
    /// Accounts in each slice of the workforce; one slice for all where nothing is given. At most
    /// 1,000 slices.
    pub workforce: Option<NonZeroU64>,
}

impl Default for WaveSizes {
    fn default() -> Self {
        Self { canary: 10, workforce: None }
    }
}

impl PlanSpec {
    /// Adds accounts to the selection.
    #[must_use]
    pub fn select(mut self, selection: Selection) -> Self {
        self.select.push(selection);
        self
    }

    /// Excludes accounts. Exclusions win over selections.
    #[must_use]
    pub fn exclude(mut self, selection: Selection) -> Self {
        self.exclude.push(selection);
        self
    }

    /// Protects an account of `directory`, named by id, sign-in name, principal name, path or
    /// security identifier. Protection wins over everything.
    #[must_use]
    pub fn protect(mut self, directory: impl Into<String>, name: impl Into<String>) -> Self {
        self.protect.push(AccountName::new(name).in_directory(directory));
        self
    }

    /// Protects accounts, each given with its directory, as of [`protect`](Self::protect).
    #[must_use]
    pub fn protect_all(self, names: impl IntoIterator<Item = (impl AsRef<str>, impl Into<String>)>) -> Self {
        names.into_iter().fold(self, |spec, (directory, name)| spec.protect(directory.as_ref(), name))
    }

    /// Sets the seed.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets the actions of the populations.
    #[must_use]
    pub fn with_actions(mut self, actions: PopulationActions) -> Self {
        self.actions = actions;
        self
    }

    /// Sets what is done about service accounts.
    #[must_use]
    pub fn with_service(mut self, service: ServiceDisposition) -> Self {
        self.service = service;
        self
    }

    /// Has the passwords of a population [set twice](Self::set_twice).
    #[must_use]
    pub fn with_set_twice(mut self, population: Population) -> Self {
        self.set_twice.push(population);
        self
    }

    /// Hands accounts to self-service recovery [without a readiness file](HandOff::Waived), and says why.
    #[must_use]
    pub fn waive_readiness(mut self, because: impl Into<String>) -> Self {
        self.hand_off = HandOff::Waived { because: because.into() };
        self
    }

    /// Sets the sizes of the waves.
    #[must_use]
    pub fn with_waves(mut self, waves: WaveSizes) -> Self {
        self.waves = waves;
        self
    }

    /// Sets the actions of the populations of one directory.
    #[must_use]
    pub fn with_actions_in(mut self, directory: impl Into<String>, actions: PopulationActions) -> Self {
        self.actions_in.insert(directory.into(), actions);
        self
    }

    /// Leaves out [who changed their password since](Self::unless_set_since).
    #[must_use]
    pub fn unless_set_since(mut self, since: Timestamp) -> Self {
        self.unless_set_since = Some(since);
        self
    }

    /// Sets how many seconds nothing is begun after each wave of a kind.
    #[must_use]
    pub fn with_pause(mut self, after: WaveKind, seconds: u64) -> Self {
        self.pauses.insert(after, seconds);
        self
    }

    /// Says that people are told with the templates of a folder.
    #[must_use]
    pub fn with_messages(mut self, folder: impl Into<String>) -> Self {
        self.messages = Some(PlannedMessages::From { folder: folder.into(), compromised: Vec::new() });
        self
    }

    /// Says that people are not told, and why.
    #[must_use]
    pub fn without_messages(mut self, because: impl Into<String>) -> Self {
        self.messages = Some(PlannedMessages::Waived { because: because.into() });
        self
    }

    /// Sets who answers for the accounts that are left to people, and what they do.
    #[must_use]
    pub fn with_owners(mut self, owners: Owners) -> Self {
        self.owners = owners;
        self
    }

    /// Sets what an approval has to be.
    #[must_use]
    pub fn with_approvals(mut self, rules: ApprovalRules) -> Self {
        self.approvals = rules;
        self
    }

    /// Joins the accounts of one person by one anchor more, after the hard ones.
    #[must_use]
    pub fn with_join(mut self, anchor: Anchor) -> Self {
        self.join = self.join.and(anchor);
        self
    }

    /// Sets by what accounts of one person are joined.
    #[must_use]
    pub fn with_joining(mut self, joining: Joining) -> Self {
        self.join = joining;
        self
    }

    /// Goes on to the directories.
    pub fn builder(self) -> PlanBuilder {
        PlanBuilder::new(self)
    }

    /// Whether the decisions make sense, as far as they can be told without a directory.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] when nothing is selected, a name is empty, several actions
    /// of one population concern the password, an anchor is named twice, the privileged are to be handed
    /// to self-service recovery, or the rule on that is waived without a reason.
    pub fn validate(&self) -> Result<()> {
        if self.select.is_empty() {
            return Err(invalid("nothing is selected").with_advice("select everyone, or say whom"));
        }
        for selection in self.select.iter().chain(&self.exclude) {
            selection.validate()?;
        }
        for name in &self.protect {
            if name.name.trim().is_empty() {
                return Err(
                    invalid("an entry of the protected list is empty").with_advice("name an account or remove it")
                );
            }
        }
        let mut lists = Vec::new();
        for actions in std::iter::once(&self.actions).chain(self.actions_in.values()) {
            let PopulationActions { workforce, privileged, dormant, mailbox, guest } = actions;
            lists.extend([
                ("workforce", workforce),
                ("privileged", privileged),
                ("dormant", dormant),
                ("mailbox", mailbox),
                ("guest", guest),
            ]);
        }
        if let ServiceDisposition::Reset { actions } = &self.service {
            lists.push(("service", actions));
        }
        for (population, actions) in lists {
            one_password_action(population, actions)?;
            if let ("privileged", Some(action)) = (population, actions.iter().find(|action| action.hands_off())) {
                return Err(invalid(format!("{action} would hand privileged accounts to self-service recovery"))
                    .with_advice(
                        "set a password: whoever recovers a privileged account by a telephone holds everything",
                    ));
            }
        }
        if let HandOff::Waived { because } = &self.hand_off
            && because.trim().is_empty()
        {
            return Err(invalid("the rule on recovery readiness is waived, and nobody says why")
                .with_advice("give the reason, or a readiness file"));
        }
        self.join.validate()
    }
}

fn one_password_action(population: &str, actions: &[Action]) -> Result<()> {
    let mut found: Option<Action> = None;
    for action in actions.iter().copied().filter(|action| action.shows_in_password_state()) {
        match found {
            Some(first) if first != action => {
                return Err(invalid(format!("{first} and {action} are both asked for {population} accounts"))
                    .with_advice("keep one: set_password with must_change does what expiring it as well would do"));
            }
            _ => found = Some(action),
        }
    }
    Ok(())
}

fn invalid(detail: impl Into<String>) -> Error {
    Error::new(ErrorKind::ConfigInvalid, "read the plan's settings").with_detail(detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_selection_and_contradicting_actions_are_refused() {
        assert!(PlanSpec::default().validate().unwrap_err().to_string().contains("nothing is selected"));
        let mut spec = PlanSpec::default().select(Selection::everyone());
        spec.actions.dormant = vec![Action::Scramble, Action::SetPassword { must_change: false }];
        assert!(spec.validate().unwrap_err().to_string().contains("dormant"));
        spec.actions.dormant = vec![Action::Scramble, Action::Scramble, Action::RevokeSessions];
        spec.validate().unwrap();
        assert!(spec.clone().protect("corp", " ").validate().is_err());
        assert!(spec.select(Selection::group("corp", "")).validate().is_err());
    }

    #[test]
    fn unknown_keys_are_refused_and_everything_survives_the_file() {
        assert!(serde_json::from_str::<PlanSpec>(r#"{"sed": 1}"#).is_err());
        assert!(
            serde_json::from_str::<PlanSpec>(r#"{"select": [{"group": {"directory": "c", "nmae": "x"}}]}"#).is_err()
        );
        let spec = PlanSpec::default()
            .select(Selection::everyone())
            .select(Selection::listed(["a", "b"]))
            .exclude(Selection::unit("corp", "OU=x"))
            .protect("corp", "y")
            .with_service(ServiceDisposition::Reset { actions: vec![Action::Scramble] });
        let text = serde_json::to_string(&spec).unwrap();
        assert_eq!(serde_json::from_str::<PlanSpec>(&text).unwrap(), spec);
    }
}
