//! The reset of krbtgt: an explicit call of its own, never part of a mass run.
//!
//! Whoever has the keys of krbtgt can forge tickets of anybody. A domain accepts tickets of its
//! present and of its previous key (a history of 2), so it takes **two** resets to shut a forger
//! out, and the second one must not come before every ticket of before the first has ended and every
//! controller knows the first: otherwise all of the domain's genuine tickets fail at once.
//!
//! [`KrbtgtReset`] keeps the two apart:
//! 1. [`info`](KrbtgtReset::info) reads: functional level, every controller and what it knows, when
//!    krbtgt was last set. It changes nothing.
//! 2. [`canary`](KrbtgtReset::canary) resets a test account and sees the change arrive everywhere.
//! 3. [`phase_one`](KrbtgtReset::phase_one) resets krbtgt once, waits until every controller has it,
//!    and records when the second reset may come at the earliest:
//!    last set + longest ticket lifetime + twice the tolerated clock skew.
//! 4. [`phase_two`](KrbtgtReset::phase_two) resets it again; before that moment it is refused with
//!    [`TooEarly`], unless [`early`](KrbtgtSettings::early) repeats the domain's name.
//!
//! What is done is kept in a file that goes with the procedure from one process (and machine) to the
//! next: one line an event, durable before the order it tells of is sent, each line chained to the
//! one before by SHA-256. It holds no secret. An order without an answer is never repeated: what
//! happened is read back.
//!
//! The password that is sent does not matter: the controller makes one of its own (MS-SAMR 3.1.1.8.7
//! and Microsoft's "AD Forest Recovery: reset the krbtgt password"). The krbtgt accounts of read-only
//! controllers are others, and are listed with their procedure.
//!
//! ```no_run
//! # async fn example(directory: std::sync::Arc<backend_ldap::LdapDirectory>) -> identity_core::error::Result<()> {
//! use backend_ldap::krbtgt::{KrbtgtReset, KrbtgtSettings};
//!
//! let mut reset = KrbtgtReset::open(directory, "krbtgt.jsonl", KrbtgtSettings::default())?;
//! println!("{}", reset.info().await?);
//! let end = reset.phase_one("corp.example.test").await?;
//! println!("phase two not before {}", end.not_before);
//! # Ok(())
//! # }
//! ```

mod canary;
mod file;
mod info;
mod phase;
mod servers;
mod story;

pub use canary::CanaryEnd;
pub use info::{KrbtgtInfo, ReadOnlyKrbtgt};
pub use phase::{PhaseEnd, TooEarly};
pub use servers::{ServerKnows, ServerState};
pub use story::Stage;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use identity_core::directory::Directory;
use identity_core::error::{Error, ErrorKind, Result};

use crate::LdapDirectory;
use file::StateFile;

/// The two resets of a domain's krbtgt, over one state file.
#[derive(Debug)]
pub struct KrbtgtReset {
    directory: Arc<LdapDirectory>,
    settings: KrbtgtSettings,
    file: StateFile,
}

/// How careful to be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KrbtgtSettings {
    /// The longest lifetime of a ticket ("Maximum lifetime for user ticket" and "… for service
    /// ticket" of the domain's Kerberos policy, whichever is longer): 10 hours unless said otherwise.
    pub max_ticket_age: Duration,
    /// The tolerated difference of clocks ("Maximum tolerance for computer clock synchronization"):
    /// 5 minutes unless said otherwise.
    pub max_clock_skew: Duration,
    /// How long to wait for every controller to have a change: 15 minutes unless said otherwise.
    pub patience: Duration,
    /// Controllers that are not waited for: retired ones that are still listed, or lost ones. One
    /// that comes back with the old key refuses genuine tickets until it has caught up.
    pub without: BTreeSet<String>,
    /// The domain's DNS name, to have a reset go ahead before its time. Every ticket of the domain,
    /// those of controllers among themselves included, may fail then.
    pub early: Option<String>,
}

impl Default for KrbtgtSettings {
    fn default() -> Self {
        Self {
            max_ticket_age: Duration::from_secs(10 * 3600),
            max_clock_skew: Duration::from_secs(5 * 60),
            patience: Duration::from_secs(15 * 60),
            without: BTreeSet::new(),
            early: None,
        }
    }
}

impl KrbtgtSettings {
    /// Sets the longest lifetime of a ticket.
    #[must_use]
    pub fn max_ticket_age(mut self, age: Duration) -> Self {
        self.max_ticket_age = age;
        self
    }

    /// Sets the tolerated difference of clocks.
    #[must_use]
    pub fn max_clock_skew(mut self, skew: Duration) -> Self {
        self.max_clock_skew = skew;
        self
    }

    /// Sets how long to wait for every controller.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Does not wait for this controller, by host name.
    #[must_use]
    pub fn without(mut self, server: impl AsRef<str>) -> Self {
        self.without.insert(server.as_ref().to_lowercase());
        self
    }

    /// Goes ahead before the time; `domain` repeats the domain's DNS name.
    #[must_use]
    pub fn early(mut self, domain: impl Into<String>) -> Self {
        self.early = Some(domain.into());
        self
    }

    /// From a reset to the earliest moment of the next one.
    pub(crate) fn interval(&self) -> Duration {
        self.max_ticket_age.saturating_add(self.max_clock_skew.saturating_mul(2))
    }

    fn check(&self) -> Result<()> {
        let hour = Duration::from_secs(3600);
        if self.max_ticket_age < hour || self.max_ticket_age > hour.saturating_mul(100_000) {
            // MS-GPSB 2.2.4: MaxTicketAge is given in hours, 1 to 99999, or 0 for no end.
            return Err(Error::new(ErrorKind::ConfigInvalid, "prepare the krbtgt reset")
                .with_detail(format!("the ticket lifetime is {:?}", self.max_ticket_age))
                .with_advice(
                    "give the domain's own Kerberos policy: 1 hour at least, 10 hours unless it was changed",
                ));
        }
        Ok(())
    }
}

impl KrbtgtReset {
    /// Opens the state file, or begins one. Nothing is sent.
    ///
    /// # Errors
    /// [`ErrorKind::InputInvalid`] when the file is of another domain, or was changed by somebody;
    /// [`ErrorKind::Journal`] when it cannot be read or written, or another process has it open;
    /// [`ErrorKind::ConfigInvalid`] for settings that cannot be meant.
    pub fn open(directory: Arc<LdapDirectory>, state: impl AsRef<Path>, settings: KrbtgtSettings) -> Result<Self> {
        settings.check()?;
        let file = StateFile::open(state.as_ref(), &directory.info().tenant)
            .map_err(|error| error.with_directory(directory.info().id.clone()))?;
        Ok(Self { directory, settings, file })
    }

    /// How far the procedure is, by the state file alone.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.file.story().stage()
    }

    /// The hash of the newest line of the state file. Written down elsewhere, it shows whether the
    /// file was changed since.
    #[must_use]
    pub fn head(&self) -> &str {
        self.file.head()
    }

    /// Whether `domain` repeats the domain's name.
    fn is_named(&self, domain: &str) -> bool {
        domain.trim().trim_end_matches('.').eq_ignore_ascii_case(&self.directory.info().tenant)
    }

    fn error(&self, kind: ErrorKind, operation: &'static str, detail: impl Into<String>) -> Error {
        Error::new(kind, operation).with_directory(self.directory.info().id.clone()).with_detail(detail)
    }
}
