//! The keys of a directory of kind `ldap-plain`: those of `ldap`, and what only a plain LDAP server
//! needs to be told. A kind of its own, since each of its keys would mean nothing for the other.

use std::path::Path;
use std::sync::Arc;

use backend_ldap::{PasswordBy, PlainConfig, PlainDirectory};
use identity_core::account::DirectoryId;
use identity_core::directory::Backend;
use identity_core::error::Result;
use serde::Deserialize;

use super::{Ask, ldap};

/// The keys of a directory of kind `ldap-plain`, checked.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    transport: ldap::Settings,
    keys: Keys,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Keys {
    accounts: Option<String>,
    services: Option<String>,
    name_attribute: Option<String>,
    default_policy: Option<String>,
    password_by: Way,
    privileged_groups: Vec<String>,
    management_groups: Vec<String>,
    privileged_accounts: Vec<String>,
    nobody_is_privileged: bool,
    covered_references: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Way {
    #[default]
    Operation,
    Modify,
}

const KEYS: [&str; 10] = [
    "accounts",
    "services",
    "name_attribute",
    "default_policy",
    "password_by",
    "privileged_groups",
    "management_groups",
    "privileged_accounts",
    "nobody_is_privileged",
    "covered_references",
];

impl Settings {
    pub(super) fn read(folder: &Path, table: toml::Table) -> Result<Self, String> {
        let (own, rest): (toml::Table, toml::Table) =
            table.into_iter().partition(|(key, _)| KEYS.contains(&key.as_str()));
        let keys: Keys = own.try_into().map_err(|fault: toml::de::Error| fault.message().to_owned())?;
        let named = !(keys.privileged_groups.is_empty()
            && keys.management_groups.is_empty()
            && keys.privileged_accounts.is_empty());
        if keys.nobody_is_privileged && named {
            return Err("`nobody_is_privileged` and a list of the privileged exclude each other".to_owned());
        }
        let transport = ldap::Settings::read(folder, rest).map_err(|fault| {
            if fault.contains("unknown field") { format!("{fault}, `{}`", KEYS.join("`, `")) } else { fault }
        })?;
        Ok(Self { transport, keys })
    }

    /// How the server is reached, with the password.
    pub(super) fn config(&self, file: &Path, id: &DirectoryId, ask: Ask<'_>) -> Result<PlainConfig> {
        let keys = self.keys.clone();
        let mut config = PlainConfig::new(self.transport.config(file, id, ask)?);
        if let Some(filter) = keys.accounts {
            config = config.accounts(filter);
        }
        if let Some(filter) = keys.services {
            config = config.services(filter);
        }
        if let Some(attribute) = keys.name_attribute {
            config = config.name_attribute(attribute);
        }
        if let Some(policy) = keys.default_policy {
            config = config.default_policy(policy);
        }
        if let Way::Modify = keys.password_by {
            config = config.password_by(PasswordBy::Modify);
        }
        if keys.nobody_is_privileged {
            config = config.nobody_is_privileged();
        }
        config = keys.privileged_groups.into_iter().fold(config, PlainConfig::privileged_group);
        config = keys.management_groups.into_iter().fold(config, PlainConfig::management_group);
        config = keys.privileged_accounts.into_iter().fold(config, PlainConfig::privileged_account);
        Ok(keys.covered_references.into_iter().fold(config, PlainConfig::covered_reference))
    }

    /// Connects with the secret that is in `config`.
    pub(super) async fn sign_in_with(&self, config: PlainConfig) -> Result<Arc<dyn Backend>> {
        let directory = PlainDirectory::connect(config).await;
        directory.map(|directory| directory as Arc<dyn Backend>).map_err(|error| self.transport.explain(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(more: &str) -> Result<Settings, String> {
        let text = format!("url = \"ldaps://ldap.example.test\"\nbind_dn = \"cn=x\"\n{more}");
        Settings::read(Path::new("."), toml::from_str(&text).expect("toml"))
    }

    #[test]
    fn its_keys_and_those_of_ldap_are_read_together() {
        let settings =
            read("default_policy = \"cn=p\"\npassword_by = \"modify\"\nprivileged_groups = [\"a\"]\nstarttls = true\n")
                .expect("reads");
        assert!(matches!(settings.keys.password_by, Way::Modify));
        assert_eq!(settings.keys.privileged_groups, ["a"]);
    }

    #[test]
    fn faults_name_the_key() {
        for (more, words) in [
            ("default_polisy = \"x\"\n", "unknown field `default_polisy`"),
            ("default_polisy = \"x\"\n", "`default_policy`"),
            ("password_by = \"magic\"\n", "magic"),
            ("nobody_is_privileged = true\nprivileged_groups = [\"a\"]\n", "exclude each other"),
            ("privileged_groups = \"a\"\n", "expected a sequence"),
        ] {
            let fault = read(more).expect_err(words);
            assert!(fault.contains(words), "{fault}");
        }
    }
}
