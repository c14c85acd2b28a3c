//! Who is privileged, and why.
//!
//! First the protected groups of the `table`, downward by each group's members as well as by each
//! account's memberships (`descent`), so that what is hidden from one shows in the other; then what
//! accounts carry themselves (`marks`: identifier, history, adminCount, function); then the rights on
//! the domain, its controllers and AdminSDHolder (`rights`), and in rounds the rights over whoever is
//! tier 0 by now (`over_tier0`, with `delegation`). Holders of rights are followed through groups to
//! accounts by `trustee`. The `survey` collects, `grant` has the words.

mod delegation;
mod descent;
mod grant;
mod marks;
mod over_tier0;
mod rights;
mod survey;
mod table;
mod trustee;

use std::sync::Arc;

use async_trait::async_trait;
use identity_core::directory::PrivilegeClassifier;
use identity_core::error::Result;
use identity_core::privilege::PrivilegeIndex;

use crate::LdapDirectory;
use descent::Roots;
use grant::Grant;
use over_tier0::Examined;
use survey::Survey;
use table::{GROUPS, Known};

/// How many steps of "may reset who may reset" are followed; one round more finds that there are none
/// left. Each round reads only the access lists of those who became tier 0 in the one before.
const ROUNDS: usize = 3;

#[async_trait]
impl PrivilegeClassifier for LdapDirectory {
    async fn privileges(&self) -> Result<PrivilegeIndex> {
        let mut survey = Survey::begin(&self.domain).await?;
        let roots = survey.protected_groups();
        let holdings = survey.descend(&roots).await?;
        survey.canary();
        survey.remember(&holdings, true);
        survey.own_marks(&holdings).await?;
        survey.domain_rights().await?;

        let mut examined = Examined::begin(&survey).await?;
        for _ in 0..=ROUNDS {
            if !survey.over_tier0(&mut examined).await? {
                return Ok(survey.index);
            }
        }
        survey.end_of_chain(&examined);
        Ok(survey.index)
    }
}

impl Survey {
    /// The protected groups that this domain has.
    fn protected_groups(&mut self) -> Roots {
        let mut roots = Roots::new();
        for protected in GROUPS {
            let key = match (protected.sid(&self.domain.sid, self.domain.is_forest_root), protected.known) {
                (Some(sid), _) => self.groups.by_sid(&sid).cloned(),
                (None, Known::Name(name)) => self.groups.by_name(name),
                // The forest's groups are in another domain.
                (None, _) => continue,
            };
            match key {
                Some(key) => {
                    let group = self.groups.by_key.get(&key);
                    let holds = group.map_or_else(|| protected.name.to_owned(), |group| group.name.clone());
                    roots.push((key, Arc::new(Grant::by_group(protected.tier, holds, protected.on_services))));
                }
                None if protected.always => {
                    self.index.mark_incomplete(format!("the group {} could not be read", protected.name));
                }
                None => {}
            }
        }
        roots
    }
}
