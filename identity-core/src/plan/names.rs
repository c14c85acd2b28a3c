//! Finds the accounts that the settings name by hand.

use std::collections::HashMap;

use super::selection::{AccountName, NamedBy, Selection};
use super::spec::PlanSpec;
use crate::account::{Account, comparable};
use crate::error::{Error, ErrorKind, Result};

/// How many of the accounts that one name fits are told.
const TOLD: usize = 5;

/// Every name of a specification, and the accounts that were found under it.
#[derive(Debug)]
pub(super) struct Names {
    wanted: Vec<Wanted>,
    /// From a name in comparable form to places in `wanted`.
    places: HashMap<String, Vec<usize>>,
}

#[derive(Debug)]
struct Wanted {
    name: AccountName,
    role: Role,
    found: u64,
    told: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Select,
    /// By the exclusion at this place.
    Exclude(usize),
    Protect,
}

/// What the names say about one account.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) selected: bool,
    /// The first exclusion that names it.
    pub(super) excluded: Option<usize>,
    /// The first entry of the protected list that names it.
    pub(super) protected: Option<String>,
}

impl Names {
    pub(super) fn of(spec: &PlanSpec) -> Self {
        let mut names = Self { wanted: Vec::new(), places: HashMap::new() };
        for selection in &spec.select {
            names.add_listed(selection, Role::Select);
        }
        for (place, selection) in spec.exclude.iter().enumerate() {
            names.add_listed(selection, Role::Exclude(place));
        }
        for name in &spec.protect {
            names.add(name, Role::Protect);
        }
        names
    }

    fn add_listed(&mut self, selection: &Selection, role: Role) {
        if let Selection::Listed { accounts } = selection {
            for name in accounts {
                self.add(name, role);
            }
        }
    }

    fn add(&mut self, name: &AccountName, role: Role) {
        self.places.entry(comparable(&name.name)).or_default().push(self.wanted.len());
        self.wanted.push(Wanted { name: name.clone(), role, found: 0, told: Vec::new() });
    }

    /// What the names say about this account. To be called once for each account.
    pub(super) fn find(&mut self, account: &Account) -> Named {
        let mut named = Named::default();
        if self.wanted.is_empty() {
            return named;
        }
        let mut fitting: Vec<usize> = Vec::new();
        let names = account.names().map(|name| (NamedBy::Name, name));
        let keys = names.chain(account.mail.as_deref().map(|mail| (NamedBy::Mail, mail)));
        for (by, key) in keys {
            let Some(places) = self.places.get(&comparable(key)) else { continue };
            for place in places {
                let fits = self.wanted.get(*place).is_some_and(|wanted| wanted.name.by == by && wanted.may_be(account));
                if fits && !fitting.contains(place) {
                    fitting.push(*place);
                }
            }
        }
        fitting.sort_unstable();
        for place in fitting {
            let Some(wanted) = self.wanted.get_mut(place) else { continue };
            wanted.found += 1;
            if wanted.told.len() < TOLD {
                wanted.told.push(format!("{} ({} in {})", account.name, account.id, account.directory));
            }
            match wanted.role {
                Role::Select => named.selected = true,
                Role::Exclude(exclusion) => named.excluded = named.excluded.or(Some(exclusion)),
                Role::Protect => named.protected = named.protected.or_else(|| Some(wanted.name.name.clone())),
            }
        }
        named
    }

    /// Whether every name fits; after all accounts were looked at. Gives what deserves a warning.
    ///
    /// # Errors
    /// One that lists every name that fits no account, or several where one is meant.
    pub(super) fn settle(&self) -> Result<Vec<String>> {
        let mut unsettled = Vec::new();
        let mut warnings = Vec::new();
        for wanted in &self.wanted {
            let list = match wanted.role {
                Role::Select => "selected",
                Role::Exclude(_) => "excluded",
                Role::Protect => "protected",
            };
            match wanted.found {
                0 => unsettled.push(format!("{list} {} names no account", wanted.name)),
                1 => {}
                found => {
                    let told = wanted.told.join(", ");
                    let told = format!("{list} {} names {found} accounts: {told}", wanted.name);
                    // More protection than was asked for harms nobody, but has to be seen.
                    if wanted.role == Role::Protect { &mut warnings } else { &mut unsettled }.push(told);
                }
            }
        }
        if unsettled.is_empty() {
            return Ok(warnings);
        }
        Err(Error::new(ErrorKind::InputInvalid, "find the accounts that are named")
            .with_detail(unsettled.join("; "))
            .with_advice("correct or remove these names; an id or a path, with its directory, names one account"))
    }
}

impl Wanted {
    fn may_be(&self, account: &Account) -> bool {
        self.name.directory.as_deref().is_none_or(|directory| directory == account.directory.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{AccountId, AccountKind, DirectoryId};

    fn account(id: &str, name: &str) -> Account {
        let directory = DirectoryId::new("corp").unwrap();
        let mut account = Account::new(directory, AccountId::new(id).unwrap(), name, AccountKind::Person);
        account.path = Some(format!("CN={name}\\, x,OU=A,DC=t"));
        account.anchors.security_id = Some(format!("S-1-5-21-1-2-3-{id}"));
        account.anchors.principal_name = Some(format!("{name}@t"));
        account.mail = Some(format!("{name}@mail"));
        account
    }

    fn settle(names: &[&str], accounts: &[Account]) -> (Vec<bool>, Result<Vec<String>>) {
        let spec = PlanSpec::default().select(Selection::listed(names.iter().copied()));
        let mut found = Names::of(&spec);
        let selected = accounts.iter().map(|account| found.find(account).selected).collect();
        (selected, found.settle())
    }

    #[test]
    fn every_name_of_an_account_finds_it_in_any_case() {
        for name in ["1000", "JDoe", "jdoe@T", "cn=jdoe\\, x, ou=a,  DC=t", "s-1-5-21-1-2-3-1000"] {
            let (selected, settled) = settle(&[name], &[account("1000", "jdoe"), account("2000", "other")]);
            assert_eq!(selected, [true, false], "{name}");
            settled.unwrap();
        }
        // A mail address is compared only where a list says that its names are addresses.
        assert!(settle(&["jdoe@mail"], &[account("1000", "jdoe")]).1.is_err());
        assert_ne!(comparable("CN=a\\, b"), comparable("CN=a\\,b"));
    }

    #[test]
    fn what_fits_nobody_or_several_is_told_all_at_once() {
        let accounts = [account("1", "twin"), account("2", "twin"), account("3", "c")];
        let error = settle(&["nobody", "twin", "c", "neither"], &accounts).1.unwrap_err();
        let text = error.to_string();
        for part in ["\"nobody\" names no account", "\"twin\" names 2 accounts", "\"neither\""] {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn a_name_in_another_directory_is_another_account() {
        let spec = PlanSpec::default().protect("cloud", "jdoe");
        let mut names = Names::of(&spec);
        assert_eq!(names.find(&account("1", "jdoe")), Named::default());
        assert!(names.settle().unwrap_err().to_string().contains("protected \"jdoe\" in cloud names no account"));
    }

    #[test]
    fn a_protected_name_that_fits_several_protects_them_all() {
        let mut names = Names::of(&PlanSpec::default().protect("corp", "twin"));
        for id in ["1", "2"] {
            assert_eq!(names.find(&account(id, "twin")).protected.as_deref(), Some("twin"));
        }
        assert_eq!(names.settle().unwrap().len(), 1);
    }
}
