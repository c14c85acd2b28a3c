//! The file of approvals.

use std::fs;
use std::io::ErrorKind as IoErrorKind;
use std::path::Path;

use super::super::draft::Draft;
use super::super::file::Plan;
use super::{Approval, ApprovalScope};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::clock;

/// The approvals of one plan: a file with one approval a line, in JSON. One JSON array, as people
/// write it by hand, is read as well.
///
/// Every approval is of one wave by its name, so that the privileged are always approved apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Approvals {
    list: Vec<Approval>,
}

impl Approval {
    /// Approves one wave of a plan, now.
    ///
    /// # Errors
    /// [`ErrorKind::InputInvalid`] when the plan has no such wave or `approver` is empty.
    pub fn of_wave(plan: &Plan, wave: &str, approver: impl Into<String>) -> Result<Self> {
        let approver = approver.into();
        plan.wave(wave)?;
        let approval = Self {
            plan_digest: plan.digest().to_owned(),
            approver,
            scope: ApprovalScope::Wave(wave.to_owned()),
            at: clock::now(),
            note: None,
        };
        approval.check()?;
        Ok(approval)
    }

    /// Adds why, or under which condition.
    #[must_use]
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// Whether it says who approves which plan.
    fn check(&self) -> Result<()> {
        if self.approver.trim().is_empty() {
            return Err(invalid("an approval does not say who approves").with_advice("name the approver"));
        }
        let digits = self.plan_digest.strip_prefix("sha256:").unwrap_or_default();
        if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_digit() || matches!(digit, b'a'..=b'f')) {
            return Err(invalid(format!("{:?} is not the digest of a plan", self.plan_digest))
                .with_advice("copy it from the plan's summary: sha256: and 64 digits"));
        }
        Ok(())
    }
}

impl Approvals {
    /// Approves every wave of a plan. For rehearsals, and for whoever answers for all of it.
    ///
    /// # Errors
    /// [`ErrorKind::InputInvalid`] when `approver` is empty.
    pub fn approve_all(plan: &Plan, approver: impl Into<String>) -> Result<Self> {
        let approver = approver.into();
        let waves = plan.waves().iter();
        let list = waves.map(|wave| Approval::of_wave(plan, &wave.name, approver.clone())).collect::<Result<_>>()?;
        Ok(Self { list })
    }

    /// Reads a file of approvals.
    ///
    /// # Errors
    /// [`ErrorKind::ApprovalMissing`] when there is no such file; [`ErrorKind::InputInvalid`] with
    /// the line when it cannot be read or understood.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = fs::read_to_string(path).map_err(|error| match error.kind() {
            IoErrorKind::NotFound => Error::new(ErrorKind::ApprovalMissing, "read the approvals")
                .with_detail(format!("{} is not there", path.display()))
                .with_advice("approve the waves of the plan first")
                .with_source(error),
            _ => invalid(format!("{}: {error}", path.display())).with_source(error),
        })?;
        Self::parse(&text).map_err(|error| match error.advice() {
            Some(advice) => invalid(format!("{}: {}", path.display(), error.detail())).with_advice(advice),
            None => invalid(format!("{}: {}", path.display(), error.detail())),
        })
    }

    fn parse(text: &str) -> Result<Self> {
        let text = text.trim_start_matches('\u{feff}');
        let list: Vec<Approval> = if text.trim_start().starts_with('[') {
            serde_json::from_str(text)
        } else {
            serde_json::Deserializer::from_str(text).into_iter().collect()
        }
        .map_err(|error| {
            invalid(error.to_string())
                .with_advice("an approval has plan_digest, approver, scope and at")
                .with_source(error)
        })?;
        for approval in &list {
            approval.check()?;
        }
        Ok(Self { list })
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let mut draft = Draft::begin(path.as_ref(), "write the approvals")?;
        for approval in &self.list {
            draft.write_line(approval)?;
        }
        draft.sync()?.publish()
    }

    /// Adds one approval to a file, which is made where it is missing.
    ///
    /// Of two that are added at the same instant, one can be lost; nothing is touched without it,
    /// and it can be given again.
    ///
    /// # Errors
    /// As of [`load`](Self::load) and [`save`](Self::save); the file then is as it was.
    pub fn append(path: impl AsRef<Path>, approval: Approval) -> Result<Self> {
        approval.check()?;
        let path = path.as_ref();
        let mut approvals = match Self::load(path) {
            Err(error) if error.kind() == ErrorKind::ApprovalMissing => Self::default(),
            loaded => loaded?,
        };
        approvals.push(approval);
        approvals.save(path)?;
        Ok(approvals)
    }

    /// Adds one approval.
    pub fn push(&mut self, approval: Approval) {
        self.list.push(approval);
    }

    /// Every approval, in the order they were given.
    pub fn iter(&self) -> impl Iterator<Item = &Approval> {
        self.list.iter()
    }

    /// Whether nothing is approved.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether every approval is of this plan and of one of its waves. To be asked before
    /// [`approved`](Self::approved).
    ///
    /// # Errors
    /// [`ErrorKind::ApprovalMissing`] for an approval of another plan, [`ErrorKind::InputInvalid`]
    /// for one of a wave that the plan does not have.
    pub fn check(&self, plan: &Plan) -> Result<()> {
        for approval in &self.list {
            approval.check()?;
            let ApprovalScope::Wave(wave) = &approval.scope;
            if approval.plan_digest != plan.digest() {
                return Err(Error::new(ErrorKind::ApprovalMissing, "check the approvals")
                    .with_detail(format!(
                        "the approval of {wave:?} by {} is of another plan: it names {}, this plan is {}",
                        approval.approver,
                        approval.plan_digest,
                        plan.digest()
                    ))
                    .with_advice("a changed plan needs a new approval: review it and approve it again"));
            }
            plan.wave(wave)?;
        }
        Ok(())
    }

    /// The first approval of this wave.
    #[must_use]
    pub fn approved(&self, wave: &str) -> Option<&Approval> {
        self.list.iter().find(|approval| matches!(&approval.scope, ApprovalScope::Wave(name) if name == wave))
    }
}

fn invalid(detail: impl Into<String>) -> Error {
    Error::new(ErrorKind::InputInvalid, "read the approvals").with_detail(detail)
}
