//! What the cards make happen.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::stage::Stage;
use crate::plan::WaveKind;
use crate::rehearsal::cards::{Card, Mishap};
use crate::rehearsal::directory::Server;

impl Stage {
    /// Makes it happen, and says what happened.
    pub(super) fn happen(&self, card: &Card, until: Instant, lasts: Duration) -> String {
        let minutes = card.what.minutes();
        let of = card.what.directory();
        let servers: Vec<&Arc<Server>> =
            self.servers.iter().filter(|server| of.is_none_or(|of| server.info().id == *of)).collect();
        let names: Vec<&str> = servers.iter().map(|server| server.info().id.as_str()).collect();
        let names = names.join(", ");
        match &card.what {
            Mishap::DirectoryDown { .. } => {
                servers.iter().for_each(|server| server.upset(|trouble| trouble.down = Some(until)));
                format!("{names} does not answer, for {minutes} min")
            }
            Mishap::ThrottlingStorm { .. } => {
                servers.iter().for_each(|server| server.upset(|trouble| trouble.storm = Some(until)));
                format!("{names} refuses everything for pace, for {minutes} min")
            }
            Mishap::OrdersRefused { percent, .. } => {
                let share = f64::from(*percent) / 100.0;
                servers.iter().for_each(|server| server.upset(|trouble| trouble.refusing = Some((until, share))));
                format!("{names} refuses {percent} of a hundred accounts, for {minutes} min")
            }
            Mishap::PermissionWithdrawn { .. } => {
                servers.iter().for_each(|server| server.upset(|trouble| trouble.withdrawn = Some(until)));
                format!("the right to reset passwords in {names} is gone, for {minutes} min")
            }
            Mishap::ApproverAway { wave, .. } => {
                self.send_away(wave, until);
                format!("nobody reaches who approves {wave}, for {minutes} min")
            }
            Mishap::OperatorDies { .. } => {
                self.kill(lasts);
                format!("the operator's machine dies; another goes on after {minutes} min")
            }
            Mishap::VaultFull { .. } => {
                self.fill_vault(until);
                format!("the vault's disk is full, for {minutes} min")
            }
            Mishap::PrivilegedFound { accounts, .. } => {
                let found: usize = servers.iter().map(|server| self.promote(server, *accounts, &card.when.wave)).sum();
                format!("{found} accounts of the workforce in {names} turn out to be privileged")
            }
            Mishap::ReplicationLag { seconds, .. } => {
                let behind = Duration::from_secs(u64::from(*seconds));
                servers.iter().for_each(|server| server.upset(|trouble| trouble.lagging = Some((until, behind))));
                format!("in {names} what is written shows {seconds} s later, for {minutes} min")
            }
            Mishap::SyncOverwrites { percent, .. } => {
                let share = f64::from(*percent) / 100.0;
                let count: u64 = servers.iter().map(|server| server.overwrite(share, &card.id)).sum();
                format!("a synchronisation writes other passwords over {count} new ones in {names}")
            }
            Mishap::AttackerCreates { accounts, .. } => {
                let made =
                    |server: &&Arc<Server>| (0..*accounts).filter_map(|number| server.attacker_creates(number)).count();
                let count: usize = servers.iter().map(made).sum();
                format!("the attacker makes {count} accounts in {names}")
            }
        }
    }

    /// Makes the last accounts of a wave of the workforce privileged; says how many.
    fn promote(&self, server: &Arc<Server>, accounts: u32, wave: &Option<String>) -> usize {
        let named = wave.as_deref().and_then(|wave| self.name_of(wave));
        let workforce = || self.plan.waves().iter().find(|wave| wave.kind == WaveKind::Workforce);
        let Some(wave) = named.or_else(|| workforce().map(|wave| wave.name.as_str())) else { return 0 };
        let Ok(entries) = self.plan.entries(wave, &server.info().id) else { return 0 };
        let mut last = VecDeque::new();
        for entry in entries.flatten() {
            last.push_back(entry.id);
            if last.len() > accounts as usize {
                last.pop_front();
            }
        }
        let found = last.len();
        last.into_iter().for_each(|id| server.promote(id));
        found
    }
}
