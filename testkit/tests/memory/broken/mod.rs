//! Directories that are broken on purpose, each in one way: the suite has to notice.

mod orders;
mod reads;

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use identity_core::account::{Account, AccountId};
use identity_core::directory::{
    Capabilities, Directory, DirectoryInfo, Finding, Preflight, RateLimitedBatching, Severity,
};
use identity_core::error::Result;
use identity_core::evidence::{AuditEvent, AuditLog};
use identity_core::limits::{Governor, Limits, OperationClass};
use identity_core::recovery::RecoveryAuditor;
use identity_core::reset::Action;
use jiff::Timestamp;
use testkit::memory::MemoryDirectory;

/// In which way a directory is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    Not,
    AccusesEverybody,
    AnswersOutOfOrder,
    BatchFailsAsOne,
    CallsMissingUnsupported,
    CallsRefusalsTemporary,
    CallsUnknownTemporary,
    ChangesIds,
    ClaimsWhatItCannot,
    DoesNothing,
    DoesWhatItCannot,
    DropsAttributes,
    ForgetsSecondFactor,
    EmptyEvidence,
    EnrolsStrangers,
    FailsOnEmpty,
    FatalFinding,
    ForgetsNested,
    HidesComputers,
    HidesErrors,
    IgnoresIncomplete,
    IgnoresScope,
    InventsOutcomes,
    KeepsMustChange,
    LeaksInDebug,
    LeaksInErrors,
    LeaksServerSecret,
    LosesServerSecret,
    ListsNobodyTwice,
    LookupAnyOrder,
    LookupLies,
    LookupSkipsGone,
    LogForgetsRequests,
    LosesAnOrder,
    MarksForget,
    MisreadsKinds,
    MixesNames,
    MuteGovernor,
    NoPrincipal,
    PanicsWithoutPassword,
    RefusesRepeats,
    RetriesHidden,
    StatesLargeBatches,
    StatesLowCeiling,
    StaysCut,
    StaleLookup,
    ThrottleIsRefused,
    TruncatesSilently,
    VoidsNothing,
    WaversInClass,
    WrongDirectory,
}

pub(crate) struct Broken {
    memory: Arc<MemoryDirectory>,
    how: How,
    governor: Arc<Governor>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    passwords: Vec<String>,
    listings: u32,
    classes: u32,
    first_looks: std::collections::HashMap<AccountId, Account>,
    cut: bool,
}

impl Broken {
    pub(crate) fn new(memory: Arc<MemoryDirectory>, how: How) -> Arc<Self> {
        let governor = Governor::new(&memory.limits());
        Arc::new(Self { memory, how, governor, seen: Mutex::default() })
    }

    fn is(&self, how: How) -> bool {
        self.how == how
    }
}

impl fmt::Debug for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Broken");
        if self.is(How::LeaksInDebug) {
            shown.field("last", &self.seen.lock().unwrap().passwords.last());
        }
        shown.finish_non_exhaustive()
    }
}

#[async_trait]
impl Directory for Broken {
    fn info(&self) -> &DirectoryInfo {
        self.memory.info()
    }

    fn capabilities(&self) -> Capabilities {
        let mut can = self.memory.capabilities();
        if matches!(self.how, How::ClaimsWhatItCannot | How::DoesWhatItCannot) {
            can.flag_compromised = false;
        }
        if self.is(How::IgnoresScope) {
            can.enumerate_native = false;
        }
        if self.is(How::MarksForget) {
            can.enumerate_changed = false;
        }
        can
    }

    async fn preflight(&self) -> Result<Preflight> {
        let mut preflight = self.memory.preflight().await?;
        if self.is(How::NoPrincipal) {
            preflight.principal = None;
        }
        if self.is(How::FatalFinding) {
            preflight.findings.push(Finding::new(Severity::Fatal, "no rights"));
        }
        Ok(preflight)
    }

    fn recovery(&self) -> Option<&dyn RecoveryAuditor> {
        Some(self)
    }

    fn audit_log(&self) -> Option<&dyn AuditLog> {
        if self.is(How::LogForgetsRequests) { Some(self) } else { self.memory.audit_log() }
    }
}

impl AuditLog for Broken {
    fn events(&self, from: Timestamp, until: Timestamp) -> BoxStream<'static, Result<AuditEvent>> {
        let forget = |mut event: AuditEvent| {
            event.request_ids.clear();
            event
        };
        self.memory.events(from, until).map_ok(forget).boxed()
    }

    fn actor(&self) -> Option<String> {
        self.memory.actor()
    }

    fn shows(&self, what: &str, action: Action) -> bool {
        self.memory.shows(what, action)
    }

    fn lag(&self) -> Duration {
        self.memory.lag()
    }
}

impl RateLimitedBatching for Broken {
    fn limits(&self) -> Limits {
        let mut limits = self.memory.limits();
        if self.is(How::StatesLowCeiling) {
            limits.in_flight = std::num::NonZeroU32::MIN;
            limits.deadline = Duration::ZERO;
        }
        if self.is(How::StatesLargeBatches) {
            let class = self.memory.class_of(Action::ResetAuthenticators);
            limits = limits.with_batch_of(class, std::num::NonZeroU32::new(5).unwrap());
        }
        limits
    }

    fn class_of(&self, action: Action) -> OperationClass {
        let asked = {
            let mut seen = self.seen.lock().unwrap();
            seen.classes += 1;
            seen.classes
        };
        match self.how {
            How::WaversInClass if asked % 13 == 0 => OperationClass::Read,
            _ => self.memory.class_of(action),
        }
    }

    fn governor(&self) -> &Arc<Governor> {
        if self.is(How::MuteGovernor) { &self.governor } else { self.memory.governor() }
    }
}
