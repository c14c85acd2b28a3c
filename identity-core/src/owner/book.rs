//! Finds the rules that fit an account.

use std::collections::HashMap;

use super::{Owned, OwnerRule, Owners};
use crate::account::{Account, comparable};

/// The rules, quick to look up.
#[derive(Debug)]
pub(crate) struct OwnerBook {
    rules: Vec<OwnerRule>,
    /// From a name in comparable form to the rules about accounts of that name.
    accounts: HashMap<String, Vec<usize>>,
    /// How many accounts each rule fitted.
    found: Vec<u64>,
}

/// What the rules say of one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Responsible {
    /// Of the account itself or its groups.
    own: Option<OwnerRule>,
    /// Of its kind.
    kind: Option<OwnerRule>,
}

impl OwnerBook {
    pub(crate) fn of(owners: &Owners) -> Self {
        let mut accounts: HashMap<String, Vec<usize>> = HashMap::new();
        for (place, rule) in owners.rules().iter().enumerate() {
            if let Owned::Account(name) = &rule.of {
                accounts.entry(comparable(name)).or_default().push(place);
            }
        }
        Self { found: vec![0; owners.rules().len()], rules: owners.rules().to_vec(), accounts }
    }

    /// What the rules say of an account; `in_group`: whether it is in the group of the rule at a place.
    pub(crate) fn find(&mut self, account: &Account, in_group: impl Fn(usize) -> bool) -> Responsible {
        let mut responsible = Responsible::default();
        if self.rules.is_empty() {
            return responsible;
        }
        let here = |rule: &OwnerRule| rule.directory.as_deref().is_none_or(|id| id == account.directory.as_str());
        let mut named: Option<usize> = None;
        for place in account.names().filter_map(|name| self.accounts.get(&comparable(name))).flatten() {
            if self.rules.get(*place).is_some_and(here) {
                named = Some(named.map_or(*place, |first| first.min(*place)));
            }
        }
        let fits = |group: bool| {
            self.rules.iter().enumerate().position(|(place, rule)| {
                here(rule)
                    && match &rule.of {
                        Owned::Account(_) => false,
                        Owned::Group(_) => group && in_group(place),
                        Owned::Kind(kind) => !group && *kind == account.kind,
                    }
            })
        };
        let (own, kind) = (named.or_else(|| fits(true)), fits(false));
        for place in [own, kind].into_iter().flatten() {
            if let Some(found) = self.found.get_mut(place) {
                *found += 1;
            }
        }
        let rule = |place: usize| self.rules.get(place).cloned();
        (responsible.own, responsible.kind) = (own.and_then(rule), kind.and_then(rule));
        responsible
    }

    /// The rules about one account of these directories, or of any, that fitted none; one line each.
    pub(crate) fn unfitting(&self, read: &[&str]) -> Vec<String> {
        let about = |rule: &OwnerRule| rule.directory.as_deref().is_none_or(|id| read.contains(&id));
        self.rules
            .iter()
            .zip(&self.found)
            .filter(|(rule, found)| **found == 0 && matches!(rule.of, Owned::Account(_)) && about(rule))
            .map(|(rule, _)| {
                let directory = rule.directory.as_deref().map_or_else(String::new, |id| format!(" in {id}"));
                format!("the owners file names {}{directory}, which fits no account", rule.of)
            })
            .collect()
    }
}

impl Responsible {
    /// Who answers for the account, where the directory, or else the settings, name `otherwise`.
    pub(crate) fn owner(&self, otherwise: Option<&str>) -> Option<String> {
        let of = |rule: &Option<OwnerRule>| rule.as_ref().and_then(|rule| rule.owner.clone());
        of(&self.own).or_else(|| otherwise.map(str::to_owned)).or_else(|| of(&self.kind))
    }

    /// What the organisation wrote down to do with the account.
    pub(crate) fn procedure(&self) -> Option<&str> {
        [&self.own, &self.kind].into_iter().flatten().find_map(|rule| rule.procedure.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{AccountId, AccountKind, DirectoryId};

    fn account(directory: &str, name: &str, kind: AccountKind) -> Account {
        let id = AccountId::new(format!("id-{name}")).unwrap();
        let mut account = Account::new(DirectoryId::new(directory).unwrap(), id, name, kind);
        account.path = Some(format!("CN={name}, OU=Services,DC=t"));
        account
    }

    const FILE: &str = "
        [[owner]]\nkind = \"service\"\nowner = \"by kind\"\nprocedure = \"kind's\"
        [[owner]]\ndirectory = \"corp\"\ngroup = \"SQL\"\nowner = \"by group\"
        [[owner]]\ndirectory = \"corp\"\naccount = \"cn=SVC-a,ou=services,dc=t\"\nprocedure = \"its own\"
        [[owner]]\ndirectory = \"cloud\"\naccount = \"svc-b\"\nowner = \"elsewhere\"
        [[owner]]\naccount = \"nobody\"\nowner = \"x\"
    ";

    #[test]
    fn the_account_comes_before_its_group_then_the_directory_then_its_kind() {
        let mut book = OwnerBook::of(&Owners::from_toml(FILE).unwrap());
        let service = |name| account("corp", name, AccountKind::Service);
        let in_sql = |place| place == 1;
        let found = book.find(&service("svc-a"), in_sql);
        assert_eq!((found.owner(Some("manager")).unwrap(), found.procedure()), ("manager".into(), Some("its own")));
        assert_eq!(found.owner(None).unwrap(), "by kind", "the rule of the account names no owner");
        let found = book.find(&service("svc-b"), in_sql);
        assert_eq!((found.owner(Some("manager")).unwrap(), found.procedure()), ("by group".into(), Some("kind's")));
        let found = book.find(&service("svc-b"), |_| false);
        assert_eq!(found.owner(Some("manager")).unwrap(), "manager");
        assert_eq!(found.owner(None).unwrap(), "by kind");
        let found = book.find(&account("corp", "svc-b", AccountKind::Person), |_| false);
        assert_eq!((found.owner(None), found.procedure()), (None, None), "that rule is about another directory");
        assert_eq!(
            book.find(&account("cloud", "svc-b", AccountKind::Person), |_| false).owner(None).unwrap(),
            "elsewhere"
        );
        let unfitting = book.unfitting(&["corp"]);
        assert_eq!(unfitting.len(), 1, "{unfitting:?}");
        assert!(unfitting[0].contains("\"nobody\""), "{unfitting:?}");
    }
}
