//! What accounts carry themselves: a well-known identifier, a history, adminCount, the function of a
//! directory synchronisation.

use std::collections::{BTreeMap, BTreeSet};

use futures::TryStreamExt;
use identity_core::error::Result;
use identity_core::privilege::{Ground, Tier};

use super::grant::{Holding, Holdings, rule};
use super::survey::Survey;
use super::table::{ACCOUNTS, is_protected_rid};
use crate::account::{EVERY_ACCOUNT, is_named_as_sync, is_sync_service};
use crate::value::guid;
use crate::value::sid::Sid;
use crate::wire::Search;

/// Names that the accounts of directory synchronisations begin with; what begins so and is none is
/// left out after a closer look.
const SYNC_NAMES: &str = "(sAMAccountName=MSOL_*)(sAMAccountName=AAD_*)(sAMAccountName=ADSyncMSA*)\
                          (sAMAccountName=pGMSA_*)(sAMAccountName=provAgentgMSA*)";

impl Survey {
    /// Grounds by identifier, history, flag and function.
    pub(super) async fn own_marks(&mut self, holdings: &Holdings) -> Result<()> {
        let domain = self.domain.sid.clone();
        let own: Vec<(Sid, &str)> = ACCOUNTS.iter().map(|(rid, name)| (domain.with_rid(*rid), *name)).collect();
        let by_id: String =
            own.iter().map(|(sid, _)| format!("(objectSid={})", guid::escape(&sid.to_bytes()))).collect();
        let filter = format!("(&{EVERY_ACCOUNT}(|{by_id}(sIDHistory=*)(adminCount=1){SYNC_NAMES}))");
        let attributes = ["objectGUID", "objectSid", "objectClass", "sAMAccountName", "sIDHistory", "adminCount"];
        let by_group_sid: BTreeMap<Sid, &Vec<Holding>> = holdings
            .iter()
            .filter_map(|(key, holdings)| Some((self.groups.by_key.get(key)?.sid.clone()?, holdings)))
            .collect();
        let mut seen: BTreeSet<Sid> = BTreeSet::new();
        let mut listing = self.domain.list(Search::subtree(&self.domain.name, filter, &attributes));
        while let Some(entry) = listing.try_next().await? {
            let Some(account) = self.identified(&entry) else { continue };
            let sid = entry.sid("objectsid");
            let name = entry.text("samaccountname").unwrap_or_default().to_owned();
            let mut add = |tier, rule: &str, holds: String, evidence: Vec<String>| {
                self.index.add(account.clone(), Ground { tier, rule: rule.to_owned(), holds, evidence });
            };
            if let Some((own, name)) = own.iter().find(|(own, _)| Some(own) == sid.as_ref()) {
                seen.insert(own.clone());
                add(Tier::Control, rule::WELL_KNOWN, (*name).to_owned(), vec![own.to_string()]);
            }
            for former in entry.values("sidhistory").iter().filter_map(|bytes| Sid::parse(bytes)) {
                for holding in by_group_sid.get(&former).into_iter().flat_map(|holdings| holdings.iter()) {
                    let evidence = [vec![former.to_string()], holding.path.clone()].concat();
                    add(holding.grant.tier, rule::SID_HISTORY, holding.grant.holds.clone(), evidence);
                }
                if !by_group_sid.contains_key(&former)
                    && let Some((tier, holds)) = former_holds(&domain, &former)
                {
                    add(tier, rule::SID_HISTORY, holds, vec![former.to_string()]);
                }
            }
            if entry.number("admincount") == Some(1) {
                // Set when an account joins a protected group, and never cleared: a sign, not the fact.
                let evidence = vec!["adminCount=1".to_owned()];
                add(Tier::Management, rule::ADMIN_COUNT, "adminCount".to_owned(), evidence);
            }
            if is_named_as_sync(&name) || is_sync_service(&entry) {
                // The connector of a directory synchronisation may read every password. By the name alone: it
                // raises the account, and spares it nothing.
                add(Tier::Control, rule::DIRECTORY_SYNC, "directory synchronisation".to_owned(), vec![name]);
            }
        }
        for (sid, name) in own.iter().filter(|(sid, _)| !seen.contains(sid)) {
            self.index.mark_incomplete(format!("the account {name} ({sid}) could not be read"));
        }
        Ok(())
    }
}

/// What a SID in an account's history brings beyond the protected groups of this domain.
fn former_holds(domain: &Sid, former: &Sid) -> Option<(Tier, String)> {
    let of = former.domain()?;
    let protected = former.rid().is_some_and(is_protected_rid);
    if of == *domain {
        // A history holds SIDs of other domains; one of the own is planted.
        let tier = if protected { Tier::Control } else { Tier::Management };
        return Some((tier, "a SID of this domain in sIDHistory".to_owned()));
    }
    protected.then(|| (Tier::Management, "a privileged SID of another domain in sIDHistory".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_weighs_by_whose_it_is() {
        let domain: Sid = "S-1-5-21-1-2-3".parse().expect("SID");
        let other: Sid = "S-1-5-21-7-7-7".parse().expect("SID");
        let tier = |sid: Sid| former_holds(&domain, &sid).map(|(tier, _)| tier);
        assert_eq!(tier(domain.with_rid(519)), Some(Tier::Control));
        assert_eq!(tier(domain.with_rid(1104)), Some(Tier::Management), "planted");
        assert_eq!(tier(other.with_rid(512)), Some(Tier::Management));
        assert_eq!(tier(other.with_rid(1104)), None, "an ordinary migration");
        assert_eq!(tier(Sid::builtin(544)), None);
    }
}
