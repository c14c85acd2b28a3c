//! What each controller knows of one account's password.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use futures::future::join_all;
use identity_core::account::{AccountId, PasswordState};
use identity_core::directory::Replicated;
use identity_core::error::Result;
use identity_core::limits::clock;
use serde::{Deserialize, Serialize};

use crate::LdapDirectory;

const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(15);

/// What one controller knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ServerState {
    /// Its host name.
    pub name: String,
    /// Its site.
    pub site: Option<String>,
    /// It takes no changes; it is not waited for.
    pub read_only: bool,
    /// It is not waited for because the settings say so.
    pub without: bool,
    /// What it knows.
    pub knows: ServerKnows,
}

/// What one controller knows of a password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServerKnows {
    /// The present one.
    Present,
    /// An older one, or it cannot tell.
    Older,
    /// It could not be asked.
    Unreachable(String),
}

impl ServerState {
    /// Whether it keeps the next step from being taken.
    #[must_use]
    pub fn holds_up(&self) -> bool {
        !self.read_only && !self.without && self.knows != ServerKnows::Present
    }
}

/// Asks every controller once whether it knows of this set.
pub(super) async fn ask(
    directory: &LdapDirectory,
    account: &AccountId,
    present: &PasswordState,
    without: &BTreeSet<String>,
) -> Result<Vec<ServerState>> {
    let replicas = directory.replicas().await?;
    let ids = std::slice::from_ref(account);
    let asking = replicas.into_iter().map(|replica| async move {
        let knows = match directory.observe_on(&replica, ids).await {
            Ok(states) => match states.into_iter().next().flatten() {
                Some(state) if is_present(&state.password, present) => ServerKnows::Present,
                _ => ServerKnows::Older,
            },
            Err(error) => ServerKnows::Unreachable(error.detail().to_owned()),
        };
        let without = without.contains(&replica.name);
        ServerState { name: replica.name, site: replica.site, read_only: replica.read_only, without, knows }
    });
    Ok(join_all(asking).await)
}

/// Asks until every controller that is waited for knows of this set, or patience ends.
pub(super) async fn wait(
    directory: &LdapDirectory,
    account: &AccountId,
    present: &PasswordState,
    without: &BTreeSet<String>,
    patience: Duration,
) -> Result<Vec<ServerState>> {
    let start = clock::instant();
    let ends = start.checked_add(patience).unwrap_or(start);
    let mut pause = FIRST_WAIT;
    loop {
        let servers = ask(directory, account, present, without).await?;
        let now = clock::instant();
        if now >= ends || !servers.iter().any(ServerState::holds_up) {
            return Ok(servers);
        }
        clock::sleep_until(now.checked_add(pause).unwrap_or(now).min(ends)).await;
        pause = pause.saturating_mul(2).min(LONGEST_WAIT);
    }
}

/// The lines of those that hold up, for an error.
pub(super) fn holding_up(servers: &[ServerState]) -> String {
    let lines: Vec<String> = servers.iter().filter(|server| server.holds_up()).map(ToString::to_string).collect();
    lines.join("; ")
}

fn is_present(there: &PasswordState, present: &PasswordState) -> bool {
    match (there.version, present.version) {
        (Some(there), Some(present)) => there >= present,
        // A read-only controller tells the time only.
        _ => there.last_set.is_some() && there.last_set >= present.last_set,
    }
}

impl fmt::Display for ServerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if self.read_only {
            f.write_str(" (read-only)")?;
        }
        match &self.knows {
            ServerKnows::Present => f.write_str(": has it")?,
            ServerKnows::Older => f.write_str(": is behind")?,
            ServerKnows::Unreachable(why) => write!(f, ": cannot be asked ({why})")?,
        }
        if self.without && self.knows != ServerKnows::Present { f.write_str(", not waited for") } else { Ok(()) }
    }
}
