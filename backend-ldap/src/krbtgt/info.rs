//! How things stand: read before anything is set, and before each step again.

use std::fmt;

use futures::TryStreamExt;
use identity_core::account::{Account, AccountId};
use identity_core::directory::{AccountEnumerator, AccountQuery, Directory, Scope};
use identity_core::error::{ErrorKind, Result};
use identity_core::limits::clock;
use jiff::Timestamp;
use serde::Serialize;

use super::servers::{self, ServerState, holding_up};
use super::{KrbtgtReset, Stage};
use crate::root::id_of;
use crate::value::time;

/// The relative id of krbtgt (MS-DTYP 2.4.2.4, DOMAIN_USER_RID_KRBTGT).
const KRBTGT: u32 = 502;
/// Windows Server 2008: below it tickets have no AES keys, and the procedure is another one.
const LEAST_LEVEL: i64 = 3;

/// How things stand.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct KrbtgtInfo {
    /// The domain's DNS name.
    pub domain: String,
    /// Its functional level, where the controller tells: 3 is Windows Server 2008, 7 is 2016.
    pub functional_level: Option<i64>,
    /// The controller that takes the change.
    pub controller: String,
    /// Its clock.
    pub now: Timestamp,
    /// The account, by objectGUID.
    pub account: AccountId,
    /// When krbtgt was last set, by the controller's clock.
    pub last_set: Option<Timestamp>,
    /// The version of its password.
    pub password_version: Option<u64>,
    /// When it may be set again at the earliest; `None` where it is not known when it was last set.
    pub not_before: Option<Timestamp>,
    /// Every controller of the domain, and whether it knows the present key.
    pub servers: Vec<ServerState>,
    /// The krbtgt accounts of read-only controllers.
    pub read_only: Vec<ReadOnlyKrbtgt>,
    /// How far the procedure is, by the state file.
    pub stage: Stage,
    /// What keeps a phase from being begun, whichever it is. Empty when nothing does.
    pub problems: Vec<String>,
    /// What is good to know.
    pub notes: Vec<String>,
}

/// The krbtgt account of one read-only controller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ReadOnlyKrbtgt {
    /// Its sign-in name: `krbtgt_` and a number.
    pub name: String,
    /// When it was last set.
    pub last_set: Option<Timestamp>,
}

impl ReadOnlyKrbtgt {
    /// How such an account is reset.
    pub const PROCEDURE: &'static str = "Each read-only controller has a krbtgt of its own, whose tickets are good for what it may \
         cache only. If the machine was lost: delete its computer account and have the passwords that were \
         cached on it reset (Active Directory Users and Computers offers both). If it stays: set this account's \
         password on the controller that it replicates from, replicate the secret to it (repadmin /replsingleobj \
         with /selsecrets), wait for the longest ticket lifetime, and do both once more.";
}

impl KrbtgtReset {
    /// Reads how things stand. Changes nothing.
    ///
    /// # Errors
    /// When the controller that takes changes cannot be read. What another one says, or why it
    /// cannot be asked, is in the answer.
    pub async fn info(&self) -> Result<KrbtgtInfo> {
        let account = self.krbtgt().await?;
        let (functional_level, now) = self.root().await?;
        let password = &account.password;
        let servers = servers::ask(&self.directory, &account.id, password, &self.settings.without).await?;
        let mut info = KrbtgtInfo {
            domain: self.directory.info().tenant.clone(),
            functional_level,
            controller: self.directory.home().to_owned(),
            now,
            account: account.id,
            last_set: password.last_set,
            password_version: password.version,
            not_before: password.last_set.and_then(|last_set| last_set.checked_add(self.settings.interval()).ok()),
            servers,
            read_only: self.read_only().await?,
            stage: self.stage(),
            problems: Vec::new(),
            notes: Vec::new(),
        };
        self.judge(&mut info);
        Ok(info)
    }

    fn judge(&self, info: &mut KrbtgtInfo) {
        match info.functional_level {
            Some(level) if level >= LEAST_LEVEL => {}
            Some(level) => info.problems.push(format!(
                "the domain's functional level is {level}: raise it to Windows Server 2008 ({LEAST_LEVEL}) or above first"
            )),
            None => info.notes.push("the controller does not tell the domain's functional level".to_owned()),
        }
        if info.last_set.is_none() {
            info.problems.push(
                "it cannot be read when krbtgt was last set: let this sign-in read pwdLastSet of krbtgt".to_owned(),
            );
        }
        if info.password_version.is_none() {
            info.notes
                .push("replPropertyMetaData of krbtgt cannot be read: controllers are compared by time".to_owned());
        }
        if info.servers.iter().any(ServerState::holds_up) {
            info.problems.push(format!("not every controller has the present key: {}", holding_up(&info.servers)));
        }
        for name in &self.settings.without {
            if !info.servers.iter().any(|server| server.name == *name) {
                info.problems.push(format!("{name} is not to be waited for, and no controller has that name"));
            }
        }
        let skew = clock::now().duration_since(info.now).unsigned_abs();
        if skew > self.settings.max_clock_skew {
            info.notes.push(format!(
                "the clock of {} and the one of this machine differ by {} s; times here are the controller's",
                info.controller,
                skew.as_secs()
            ));
        }
        if !info.read_only.is_empty() {
            info.notes.push(format!(
                "{} krbtgt accounts of read-only controllers are not part of this",
                info.read_only.len()
            ));
        }
    }

    /// krbtgt as the controller that takes changes has it.
    pub(super) async fn krbtgt(&self) -> Result<Account> {
        let domain = &self.directory.domain;
        let name = format!("<SID={}>", domain.sid.with_rid(KRBTGT));
        let id = domain.object(&name, &["objectGUID"]).await?.as_ref().and_then(id_of);
        let missing = || {
            self.error(ErrorKind::InsufficientPrivilege, "read krbtgt", "krbtgt cannot be found by its identifier")
                .with_advice("sign in with an account that may read it: a domain administrator")
        };
        let id = id.ok_or_else(missing)?;
        self.directory.lookup(std::slice::from_ref(&id)).await?.into_iter().next().flatten().ok_or_else(missing)
    }

    /// The functional level, and the controller's clock.
    pub(super) async fn root(&self) -> Result<(Option<i64>, Timestamp)> {
        let root = self.directory.domain.object("", &["domainFunctionality", "currentTime"]).await?;
        let root = root.as_ref();
        let now = root.and_then(|root| root.bytes("currenttime")).and_then(time::generalized).ok_or_else(|| {
            self.error(ErrorKind::Protocol, "read the controller", "it does not tell its time")
                .with_advice("report this as a fault, with the controller's version")
        })?;
        Ok((root.and_then(|root| root.number("domainfunctionality")), now))
    }

    async fn read_only(&self) -> Result<Vec<ReadOnlyKrbtgt>> {
        let scope = Scope::Native("(msDS-SecondaryKrbTgtNumber=*)".to_owned());
        let mut found: Vec<ReadOnlyKrbtgt> = self
            .directory
            .accounts(&AccountQuery::of(scope))
            .map_ok(|account| ReadOnlyKrbtgt { name: account.name, last_set: account.password.last_set })
            .try_collect()
            .await?;
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }
}

impl fmt::Display for KrbtgtInfo {
    /// One screen for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = self.functional_level.map_or_else(|| "unknown".to_owned(), |level| level.to_string());
        writeln!(f, "domain      {} (functional level {level})", self.domain)?;
        writeln!(f, "controller  {} at {}", self.controller, self.now)?;
        match self.last_set {
            Some(last_set) => write!(f, "krbtgt      last set {last_set}")?,
            None => write!(f, "krbtgt      last set at an unknown time")?,
        }
        match self.password_version {
            Some(version) => writeln!(f, ", version {version}")?,
            None => writeln!(f)?,
        }
        if let Some(not_before) = self.not_before {
            let passed = if self.now >= not_before { "passed" } else { "still to come" };
            writeln!(f, "next reset  not before {not_before} ({passed})")?;
        }
        writeln!(f, "stage       {}", self.stage)?;
        for server in &self.servers {
            writeln!(f, "server      {server}")?;
        }
        for account in &self.read_only {
            let last_set = account.last_set.map_or_else(|| "at an unknown time".to_owned(), |time| time.to_string());
            writeln!(f, "read-only   {}, last set {last_set}", account.name)?;
        }
        for note in &self.notes {
            writeln!(f, "note        {note}")?;
        }
        for problem in &self.problems {
            writeln!(f, "PROBLEM     {problem}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let everywhere =
            |converged: &bool| if *converged { "on every controller" } else { "not on every controller yet" };
        match self {
            Self::NotBegun => f.write_str("not begun"),
            Self::Open { phase } => {
                write!(
                    f,
                    "phase {phase} was sent, or about to be, and not answered: call it again, it reads back first"
                )
            }
            Self::OneDone { last_set, not_before, converged } => {
                write!(f, "phase one done at {last_set}, {}; phase two not before {not_before}", everywhere(converged))
            }
            Self::BothDone { last_set, converged } => {
                write!(f, "both done, the second at {last_set}, {}", everywhere(converged))
            }
        }
    }
}
