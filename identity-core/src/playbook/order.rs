//! From a playbook and its arguments to what a plan is made from.

use super::parameter::Value;
use super::reader::Given;
use super::trigger::Trigger;
use super::{Arguments, Playbook};
use crate::directory::DirectoryInfo;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::{PlanOrigin, PlanSpec};

impl Playbook {
    /// What a plan is made from: the same playbook, arguments and directories always give the same.
    ///
    /// [`Guardrails::of_plan`](crate::engine::Guardrails::of_plan) has the guardrails of a plan that is
    /// made from it.
    ///
    /// # Errors
    /// [`ErrorKind::InputInvalid`] for an argument that is missing, unknown or of another type;
    /// [`ErrorKind::ConfigInvalid`] that names the key when the playbook names a directory, or means
    /// accounts in a kind of directory, that is not among these.
    pub fn order(&self, arguments: &Arguments, directories: &[DirectoryInfo]) -> Result<PlanSpec> {
        let bound = arguments.bind(self)?;
        let at = |problem: String| {
            Error::new(ErrorKind::ConfigInvalid, "fill in the playbook")
                .with_detail(format!("{}: {problem}", self.path().display()))
        };
        let mut directories = directories.to_vec();
        directories.sort_by(|a, b| a.id.cmp(&b.id));
        let mut spec = PlanSpec::default().with_seed(self.seed);
        for part in &self.scope {
            spec.select.extend(part.selections(&bound, &directories).map_err(at)?);
        }
        for part in &self.exclude {
            spec.exclude.extend(part.selections(&bound, &directories).map_err(at)?);
        }
        for protected in &self.protect {
            spec.protect.extend(protected.names(&bound, &directories).map_err(at)?);
        }
        spec.unless_set_since = match &self.unless_set_since {
            None => None,
            Some(Given::Fixed(since)) => Some(*since),
            Some(Given::Parameter(name)) => match bound.get(name) {
                Some(Value::Timestamp(since)) => Some(*since),
                _ => return Err(at(format!("`unless_set_since`: the parameter `{name}` has no time"))),
            },
        };
        let (ids, kinds) = self.populations.strangers(&directories);
        if let Some(id) = ids.first() {
            let there: Vec<&str> = directories.iter().map(|directory| directory.id.as_str()).collect();
            return Err(at(format!(
                "`population`: something is said of directory {id:?}, which is not there; there are {}",
                there.join(", ")
            )));
        }
        spec.actions = self.populations.actions();
        for directory in &directories {
            let actions = self.populations.actions_in(directory);
            if actions != spec.actions {
                spec.actions_in.insert(directory.id.as_str().to_owned(), actions);
            }
        }
        spec.service = self.populations.service();
        spec.set_twice = self.populations.set_twice().to_vec();
        spec.waves = self.waves.sizes(&bound).map_err(|problem| at(format!("`waves`: {problem}")))?;
        spec.pauses.clone_from(&self.waves.pauses);
        if let Some(because) = &self.waiver {
            spec = spec.waive_readiness(because);
        }
        let mut notes: Vec<String> = self.populations.left_out().to_vec();
        notes.extend(kinds.iter().map(|kind| format!("what is said of directories of kind {kind} concerns none here")));
        spec.origin = Some(PlanOrigin {
            playbook: self.name.clone(),
            digest: self.digest.clone(),
            trigger: None,
            incident: None,
            parameters: bound.into_iter().map(|(name, value)| (name, value.to_string())).collect(),
            approvals: self.approvals.clone(),
            contacts: self.contacts.clone(),
            recipients: self.recipients.clone(),
            guardrails: self.guardrails,
            notes,
        });
        spec.messages.clone_from(&self.messages);
        spec.validate()?;
        Ok(spec)
    }

    /// As [`order`](Self::order), with the arguments of a trigger; the plan names trigger and incident.
    ///
    /// # Errors
    /// As of [`order`](Self::order).
    pub fn order_for(&self, trigger: &Trigger, directories: &[DirectoryInfo]) -> Result<PlanSpec> {
        let mut spec = self.order(&trigger.parameters, directories)?;
        if let Some(origin) = &mut spec.origin {
            origin.trigger = Some(trigger.trigger.clone());
            origin.incident = Some(trigger.incident.clone());
        }
        Ok(spec)
    }
}
