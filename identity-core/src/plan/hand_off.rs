//! Who may be handed to self-service recovery.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::entry::Population;
use super::spec::{PlanSpec, ServiceDisposition};
use crate::account::{Account, AccountKind};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::clock;
use crate::privilege::{Classification, Tier};
use crate::recovery::{AsOf, Enrolment, Guidance, ReadinessFile, Standing};
use crate::reset::Action;

/// Who is handed to self-service recovery where an action asks for it: a password that nobody knows
/// ([`Action::Scramble`]), a void one ([`Action::ResetToRecovery`]), a recovery link
/// ([`Action::SendRecoveryLink`]).
///
/// Whoever has weak recovery methods is taken over by them, and whoever has none stands at the service
/// desk with nothing in hand. Never the privileged, whatever is said here. Disabled accounts and
/// mailboxes may be scrambled in any case: nobody is to come back to them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum HandOff {
    /// Whoever is [ready](Standing::Ready) by the readiness file that the plan is made with; the others
    /// get a generated password. Without a file such a plan is not made.
    #[default]
    WhereReady,
    /// Everybody but the privileged, without a readiness file: somebody decided so, and says why.
    Waived {
        /// Why. The plan says it to whoever approves.
        because: String,
    },
}

/// The readiness file that a plan was made with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PlannedReadiness {
    /// The digest of the file.
    pub digest: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// The name of the table that it was judged by.
    pub guidance: String,
}

impl PlannedReadiness {
    pub(super) fn of(file: &ReadinessFile) -> Self {
        let guidance = file.header().guidance.name.clone();
        Self { digest: file.digest().to_owned(), made_at: file.made_at(), guidance }
    }
}

impl HandOff {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl PlanSpec {
    /// Whether an action asks for a hand-off of accounts that somebody is to come back to.
    #[must_use]
    pub fn hands_off(&self) -> bool {
        let service: &[Action] = match &self.service {
            ServiceDisposition::Reset { actions } => actions,
            ServiceDisposition::Manual { .. } => &[],
        };
        let mut asked = std::iter::once(&self.actions).chain(self.actions_in.values());
        service.iter().any(|action| action.hands_off())
            || asked.any(|asked| {
                let back = asked.workforce.iter().chain(&asked.guest).any(|action| action.hands_off());
                let closed = asked.dormant.iter().chain(&asked.mailbox);
                back || closed.into_iter().any(|action| action.hands_off() && *action != Action::Scramble)
            })
    }

    /// Whether what is said of hand-offs makes sense, and goes with the readiness file, before any
    /// directory is asked. Making the plan asks it again.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] for hand-offs without a file or a waiver, and for both together;
    /// [`ErrorKind::InputInvalid`] for a file that is too old ([`ReadinessFile::check_age`]).
    pub fn check_hand_off(&self, readiness: Option<&ReadinessFile>) -> Result<()> {
        let invalid = |detail: &str| Error::new(ErrorKind::ConfigInvalid, "make the plan").with_detail(detail);
        match (&self.hand_off, readiness) {
            (HandOff::WhereReady, None) if self.hands_off() => Err(invalid(
                "accounts are to be handed to self-service recovery, and it is not known whose recovery is strong enough",
            )
            .with_advice(
                "give the plan a readiness file (audit_recovery makes one), choose an action that sets a password, or \
                 waive the rule with the reason",
            )),
            (HandOff::Waived { .. }, Some(_)) => Err(invalid("a readiness file is given, and the rule on it is waived")
                .with_advice("keep one of the two")),
            (_, Some(file)) => file.check_age(clock::now()),
            (_, None) => Ok(()),
        }
    }
}

/// By what hand-offs are decided.
#[derive(Debug)]
pub(super) enum Rule {
    Ready(Box<(Guidance, AsOf)>),
    Waived(String),
    /// Nothing was asked for that needs a rule; were it otherwise, nobody would be handed off.
    Never,
}

impl Rule {
    pub(super) fn of(spec: &PlanSpec, readiness: Option<&ReadinessFile>) -> Self {
        match (&spec.hand_off, readiness) {
            (HandOff::Waived { because }, _) => Self::Waived(because.clone()),
            (HandOff::WhereReady, Some(file)) => {
                Self::Ready(Box::new((file.header().guidance.clone(), file.header().as_of)))
            }
            (HandOff::WhereReady, None) => Self::Never,
        }
    }

    /// The asked actions, with others in place of hand-offs that are not allowed for this account; and
    /// a note on each.
    pub(super) fn apply(
        &self,
        account: &Account,
        population: &Population,
        class: &Classification,
        enrolment: Option<&Enrolment>,
        asked: &[Action],
    ) -> (Vec<Action>, Vec<String>) {
        let (mut actions, mut notes) = (Vec::new(), Vec::new());
        for action in asked.iter().copied() {
            if !action.hands_off() || is_closed(account, population, action) {
                actions.push(action);
                continue;
            }
            match self.allow(account, class, enrolment) {
                Ok(note) => {
                    notes.extend(note.map(|note| format!("{action}: {note}")));
                    actions.push(action);
                }
                Err(because) if action == Action::SendRecoveryLink => {
                    notes.push(format!("{action} left out: no hand-off to recovery: {because}"));
                }
                Err(because) => {
                    let instead = Action::SetPassword { must_change: *population != Population::Dormant };
                    notes.push(format!("{action} replaced by {instead}: no hand-off to recovery: {because}"));
                    actions.push(instead);
                }
            }
        }
        (actions, notes)
    }

    /// Whether the account may be handed off, with what is to be noted; or why not.
    fn allow(
        &self,
        account: &Account,
        class: &Classification,
        enrolment: Option<&Enrolment>,
    ) -> Result<Option<String>, String> {
        if class.is_privileged() {
            return Err("the privileged never".to_owned());
        }
        if account.password.smart_card_required {
            // It comes back by its card, whoever may recover.
            return Ok(None);
        }
        match self {
            Self::Waived(because) => Ok(Some(format!("handed off without a look at its recovery: {because}"))),
            Self::Never => Err("there is no readiness file".to_owned()),
            Self::Ready(by) => {
                let (guidance, as_of) = by.as_ref();
                let Some(enrolment) = enrolment else { return Err("the readiness file has no line of it".to_owned()) };
                let readiness = guidance.assess(Tier::User, enrolment, as_of);
                match (readiness.standing, readiness.because) {
                    (Standing::Ready, _) => Ok(None),
                    (standing, Some(because)) => Err(format!("{}: {because}", in_words(standing))),
                    (standing, None) => Err(in_words(standing).to_owned()),
                }
            }
        }
    }
}

/// Whether the account is meant to stay closed: nobody comes back to it.
fn is_closed(account: &Account, population: &Population, action: Action) -> bool {
    let closed = *population == Population::Dormant
        || (*population == Population::Other && account.kind == AccountKind::Mailbox);
    closed && action == Action::Scramble
}

fn in_words(standing: Standing) -> &'static str {
    match standing {
        Standing::Ready => "ready",
        Standing::TooWeak => "its methods are too weak",
        Standing::NotAlone => "it cannot recover alone",
        Standing::Unknown => "it is not known whether it can recover alone",
    }
}
