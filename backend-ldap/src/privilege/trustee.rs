//! From the holders of rights, who are named by SID, to accounts: through groups, placeholders and
//! histories.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::TryStreamExt;
use identity_core::account::AccountId;
use identity_core::error::Result;

use super::descent::{Roots, SID_CHUNK};
use super::grant::{Grant, rule};
use super::survey::Survey;
use crate::value::sid::Sid;
use crate::value::{dn, guid};
use crate::wire::Search;
use crate::wire::entry::Entry;

type Wanted = BTreeMap<Sid, Vec<Arc<Grant>>>;

impl Survey {
    /// Gives each holder of a right, or whoever is in it, what the right gives.
    pub(super) async fn settle(&mut self, held: Vec<(Sid, Grant)>) -> Result<()> {
        let mut roots = Roots::new();
        let mut wanted = Wanted::new();
        for (sid, grant) in held {
            let once = (sid.clone(), grant.rule.unwrap_or(rule::RIGHT), grant.half);
            if Self::is_nobody(&sid) || !self.settled.insert(once) {
                continue;
            }
            if self.is_everybody(&sid) {
                self.give_everybody(&sid.to_string(), &grant, &[]);
                continue;
            }
            let grant = Arc::new(grant);
            let by_history = self.groups.by_former_sid(&sid);
            match self.groups.by_sid(&sid) {
                Some(key) => roots.push((key.clone(), Arc::clone(&grant))),
                None => wanted.entry(sid).or_default().push(Arc::clone(&grant)),
            }
            roots.extend(by_history.into_iter().map(|key| (key, Arc::clone(&grant))));
        }
        // Whoever is in a protected group is tier 0 already, and the path to it is the better evidence.
        roots.retain(|(key, _)| !self.protected.contains(key));
        self.give_accounts(wanted).await?;
        let holdings = self.descend(&roots).await?;
        self.by_history(&holdings).await?;
        self.remember(&holdings, false);
        self.join_halves();
        Ok(())
    }

    async fn give_accounts(&mut self, mut wanted: Wanted) -> Result<()> {
        let sids: Vec<&Sid> = wanted.keys().collect();
        let searches = sids
            .chunks(SID_CHUNK)
            .map(|chunk| {
                let parts = chunk.iter().map(|sid| guid::escape(&sid.to_bytes()));
                let parts: String = parts.map(|sid| format!("(objectSid={sid})(sIDHistory={sid})")).collect();
                Search::subtree(&self.domain.name, format!("(|{parts})"), &["objectGUID", "objectSid", "sIDHistory"])
            })
            .collect();
        let mut listing = self.domain.list_all(searches);
        let mut seen: Vec<Sid> = Vec::new();
        while let Some(entry) = listing.try_next().await? {
            // Groups were told apart by their own SID and history already.
            if !self.groups.by_key.contains_key(&dn::key(&entry.dn)) {
                self.give_account(&entry, &wanted, &mut seen);
            }
        }
        // Whoever is left is of another domain, or is gone: access lists keep the SIDs of the deleted.
        wanted.retain(|sid, _| !seen.contains(sid));
        for (sid, grants) in wanted {
            let foreign = sid.domain().is_some_and(|domain| domain != self.domain.sid);
            if let (true, Ok(account)) = (foreign, AccountId::new(sid.to_string())) {
                grants.iter().for_each(|grant| self.give(account.clone(), grant, rule::RIGHT, vec![sid.to_string()]));
            }
        }
        Ok(())
    }

    fn give_account(&mut self, entry: &Entry, wanted: &Wanted, seen: &mut Vec<Sid>) {
        let Some(account) = self.identified(entry) else { return };
        let own = entry.sid("objectsid");
        let foreign = own.as_ref().is_some_and(|sid| sid.domain().as_ref() != Some(&self.domain.sid));
        for sid in own.iter() {
            for grant in wanted.get(sid).into_iter().flatten() {
                let path = if foreign { vec![sid.to_string()] } else { Vec::new() };
                self.give(account.clone(), grant, rule::RIGHT, path);
            }
            seen.push(sid.clone());
        }
        for former in entry.values("sidhistory").iter().filter_map(|bytes| Sid::parse(bytes)) {
            for grant in wanted.get(&former).into_iter().flatten() {
                self.give(account.clone(), grant, rule::SID_HISTORY, vec![format!("{former} (sIDHistory)")]);
            }
            seen.push(former);
        }
    }
}
