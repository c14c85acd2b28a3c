//! The keys of a directory of kind `okta`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use backend_okta::{AnchorAttributes, OktaConfig, OktaDirectory, RoleTable};
use identity_core::account::DirectoryId;
use identity_core::error::{Error, ErrorKind, Result};
use serde::Deserialize;

use super::secret::{SecretSource, existing};
use super::{Ask, invalid};

/// What is asked for where no key names a credential.
const TOKEN: (&str, &str) = ("the API token", "api_token");

/// The keys of a directory of kind `okta`, checked.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    keys: Keys,
    ca_file: Option<PathBuf>,
    privileged: Option<RoleTable>,
    proof: Proof,
}

/// How the run proves who it is.
#[derive(Clone, Debug)]
enum Proof {
    App { client_id: String, path: PathBuf },
    Token(SecretSource),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    url: String,
    client_id: Option<String>,
    private_key_file: Option<PathBuf>,
    key_id: Option<String>,
    dpop: Option<bool>,
    scopes: Option<Vec<String>>,
    api_token_file: Option<PathBuf>,
    api_token_env: Option<String>,
    ca_file: Option<PathBuf>,
    #[serde(default)]
    proxy_from_environment: bool,
    share: Option<f64>,
    in_flight: Option<u32>,
    #[serde(default)]
    deprovisioned: bool,
    object_guid_attribute: Option<String>,
    security_id_attribute: Option<String>,
    principal_name_attribute: Option<String>,
    privileged_roles_file: Option<PathBuf>,
    #[serde(default)]
    mail_behind_okta: Vec<String>,
}

impl Settings {
    pub(super) fn read(folder: &Path, table: toml::Table) -> Result<Self, String> {
        let keys: Keys = table.try_into().map_err(|fault: toml::de::Error| fault.message().to_owned())?;
        let proof = proof(folder, &keys)?;
        let ca_file = keys.ca_file.as_deref().map(|path| existing(folder, "ca_file", path)).transpose()?;
        let privileged = keys.privileged_roles_file.as_deref().map(|path| privileged(folder, path)).transpose()?;
        let settings = Self { keys, ca_file, privileged, proof };
        settings.check()?;
        Ok(settings)
    }

    /// Faults that need neither a secret nor a connection to be seen.
    fn check(&self) -> Result<(), String> {
        let stand_in = DirectoryId::new("stand-in").map_err(|fault| fault.to_string())?;
        let config = OktaConfig::new(stand_in, &self.keys.url);
        // The key is read when it is needed.
        let config = match &self.proof {
            Proof::App { client_id, .. } => config.service_app(client_id, String::new().into()),
            Proof::Token(_) => config.api_token(String::new().into()),
        };
        self.settled(config).check_without_secret().map_err(|fault| match fault.advice() {
            Some(advice) => format!("{} ({advice})", fault.detail()),
            None => fault.detail().to_owned(),
        })
    }

    pub(super) async fn connect(&self, file: &Path, id: &DirectoryId, ask: Ask<'_>) -> Result<Arc<OktaDirectory>> {
        self.sign_in_with(self.config(file, id, ask)?).await
    }

    /// Connects with the secret that is in `config`.
    pub(super) async fn sign_in_with(&self, config: OktaConfig) -> Result<Arc<OktaDirectory>> {
        OktaDirectory::connect(config).await.map_err(|error| self.explain(error))
    }

    /// How it is reached, with the secret.
    pub(super) fn config(&self, file: &Path, id: &DirectoryId, ask: Ask<'_>) -> Result<OktaConfig> {
        let named = |detail: String| invalid(file, &detail).with_directory(id.clone());
        let config = OktaConfig::new(id.clone(), &self.keys.url);
        let config = match &self.proof {
            Proof::App { client_id, path } => {
                let key = std::fs::read_to_string(path)
                    .map_err(|fault| named(format!("`private_key_file` {}: {fault}", path.display())))?;
                let config = config.service_app(client_id, key.into());
                match &self.keys.key_id {
                    Some(key_id) => config.key_id(key_id),
                    None => config,
                }
            }
            Proof::Token(secret) => {
                config.api_token(secret.secret(&format!("API token of {id}: "), ask).map_err(named)?)
            }
        };
        Ok(self.settled(config))
    }

    /// Everything but how the run signs in.
    fn settled(&self, mut config: OktaConfig) -> OktaConfig {
        let keys = &self.keys;
        if let Some(dpop) = keys.dpop {
            config = config.dpop(dpop);
        }
        if let Some(scopes) = &keys.scopes {
            config = config.scopes(scopes);
        }
        if let Some(path) = &self.ca_file {
            config = config.ca_file(path);
        }
        if keys.proxy_from_environment {
            config = config.proxy_from_environment();
        }
        if let Some(share) = keys.share {
            config = config.share(share);
        }
        if let Some(in_flight) = keys.in_flight {
            config = config.in_flight(in_flight);
        }
        if keys.deprovisioned {
            config = config.deprovisioned();
        }
        if let Some(table) = &self.privileged {
            config = config.privileged(table.clone());
        }
        if !keys.mail_behind_okta.is_empty() {
            config = config.mail_behind_okta(&keys.mail_behind_okta);
        }
        config.anchors(self.anchors())
    }

    fn anchors(&self) -> AnchorAttributes {
        let mut anchors = AnchorAttributes::default();
        if let Some(attribute) = &self.keys.object_guid_attribute {
            anchors = anchors.object_guid(attribute);
        }
        if let Some(attribute) = &self.keys.security_id_attribute {
            anchors = anchors.security_id(attribute);
        }
        if let Some(attribute) = &self.keys.principal_name_attribute {
            anchors = anchors.principal_name(attribute);
        }
        anchors
    }

    /// A refused sign-in says where its secret came from, and so does a key that cannot be used.
    fn explain(&self, error: Error) -> Error {
        let source = match &self.proof {
            Proof::App { path, .. } => format!("the key came from `private_key_file` {}", path.display()),
            Proof::Token(secret) => format!("the API token came from {secret}"),
        };
        let unusable = error.kind() == ErrorKind::ConfigInvalid && matches!(self.proof, Proof::App { .. });
        if error.kind() != ErrorKind::Unauthenticated && !unusable {
            return error;
        }
        let advice = error.advice().unwrap_or("check url and client_id").to_owned();
        error.with_advice(format!("{advice}; {source}"))
    }
}

/// The standard table of privileged roles, with what the file changes in it.
fn privileged(folder: &Path, path: &Path) -> Result<RoleTable, String> {
    let path = existing(folder, "privileged_roles_file", path)?;
    let mut table = RoleTable::default();
    table
        .override_from(&path)
        .map_err(|fault| format!("`privileged_roles_file` {}: {}", path.display(), fault.detail()))?;
    Ok(table)
}

/// The one way to sign in that the keys name.
fn proof(folder: &Path, keys: &Keys) -> Result<Proof, String> {
    let token = if keys.api_token_file.is_some() { "api_token_file" } else { "api_token_env" };
    let has_token = keys.api_token_file.is_some() || keys.api_token_env.is_some();
    let of_app = [
        ("client_id", keys.client_id.is_some()),
        ("private_key_file", keys.private_key_file.is_some()),
        ("key_id", keys.key_id.is_some()),
        ("dpop", keys.dpop.is_some()),
        ("scopes", keys.scopes.is_some()),
    ];
    match (&keys.client_id, &keys.private_key_file) {
        (Some(_), Some(_)) if has_token => Err(format!("`{token}` and `private_key_file` exclude each other")),
        (Some(client_id), Some(path)) => {
            Ok(Proof::App { client_id: client_id.clone(), path: existing(folder, "private_key_file", path)? })
        }
        (Some(_), None) => Err("missing field `private_key_file`: a service app signs in by its key".to_owned()),
        (None, Some(_)) => Err("missing field `client_id`".to_owned()),
        (None, None) => match of_app.into_iter().find(|(_, given)| *given) {
            Some((key, _)) => Err(format!("`{key}` is of a service app, and `client_id` is missing")),
            None => {
                let (file, environment) = (keys.api_token_file.as_deref(), keys.api_token_env.as_deref());
                Ok(Proof::Token(SecretSource::read(folder, TOKEN, file, environment)?))
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::Directories;
    use super::*;

    const GOOD: &str = "[[directory]]\nid = \"org\"\nkind = \"okta\"\nurl = \"https://acme.okta.example\"\n";

    fn parse(text: &str) -> Result<Directories> {
        Directories::parse(Path::new("directories.toml"), text)
    }

    #[test]
    fn every_fault_names_the_file_the_directory_and_the_key() {
        for (text, expected) in [
            (format!("{GOOD}api_token = \"x\"\n"), "unknown field `api_token`, expected one of"),
            (format!("{GOOD}api_token_file = \"no/such\"\n"), "`api_token_file` no/such: "),
            (format!("{GOOD}api_token_env = \"IDENTITY_RESET_NOT_SET\"\n"), "which is not set"),
            (format!("{GOOD}client_id = \"0oa1\"\n"), "missing field `private_key_file`"),
            (format!("{GOOD}private_key_file = \"k.pem\"\n"), "missing field `client_id`"),
            (format!("{GOOD}client_id = \"0oa1\"\nprivate_key_file = \"no.pem\"\n"), "`private_key_file` no.pem: "),
            (
                format!("{GOOD}client_id = \"0oa1\"\nprivate_key_file = \"no.pem\"\napi_token_env = \"PATH\"\n"),
                "`api_token_env` and `private_key_file` exclude each other",
            ),
            (
                format!("{GOOD}client_id = \"0oa/1\"\nprivate_key_file = \"Cargo.toml\"\n"),
                "the client id \"0oa/1\" is none",
            ),
            (
                format!("{GOOD}client_id = \"0oa1\"\nprivate_key_file = \"Cargo.toml\"\nscopes = []\n"),
                "no scope is asked for",
            ),
            (format!("{GOOD}dpop = true\n"), "`dpop` is of a service app, and `client_id` is missing"),
            (format!("{GOOD}ca_file = \"no-ca.pem\"\n"), "`ca_file` no-ca.pem: "),
            (format!("{GOOD}privileged_roles_file = \"no.toml\"\n"), "`privileged_roles_file` no.toml: "),
            (format!("{GOOD}share = 1.5\n"), "the share of the rate limits is 1.5"),
            (format!("{GOOD}in_flight = 0\n"), "in_flight is 0"),
            (GOOD.replace("https://", "http://"), "url: the address is neither https"),
            (GOOD.replace("okta.example", "okta.example/api/v1"), "url: the address of an org has no path"),
            (GOOD.replace("acme.okta.example", "acme-admin.okta.com"), "url: this is the admin console"),
            (GOOD.replace("url = ", "# "), "missing field `url`"),
        ] {
            let error = parse(&text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
            assert!(error.detail().starts_with("directories.toml: [[directory]] at line 1: (org) "), "{error}");
            assert!(error.detail().contains(expected), "{error} does not say {expected:?}");
        }
    }

    #[tokio::test]
    async fn a_token_that_nobody_can_be_asked_for_names_its_keys() {
        let error = parse(GOOD).unwrap().connect().await.unwrap_err();
        assert!(error.to_string().contains("set `api_token_file` or `api_token_env`"), "{error}");
        assert_eq!(error.directory().map(DirectoryId::as_str), Some("org"));
    }

    #[tokio::test]
    async fn a_file_leads_to_an_org_and_a_refusal_says_where_the_token_came_from() {
        use testkit::mock_okta::MockOkta;
        use testkit::organisation::Organisation;

        let mock = MockOkta::builder(Organisation::new(1, 20)).start().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "[[directory]]\nid = \"org\"\nkind = \"okta\"\nurl = \"{}\"\napi_token_file = \"token\"\nshare = 0.8\n\
             deprovisioned = true\nobject_guid_attribute = \"adObjectGuid\"\nmail_behind_okta = [\"example.test\"]\n",
            mock.url(),
        );
        let file = folder.path().join("directories.toml");
        std::fs::write(&file, text).unwrap();
        std::fs::write(folder.path().join("token"), format!("{}\n", mock.api_token())).unwrap();
        let directories = Directories::from_file(&file).unwrap();
        let backends = directories.connect().await.unwrap();
        assert_eq!((backends[0].info().kind.as_str(), backends.len()), ("okta", 1));
        assert!(backends[0].limits().quotas.iter().all(|quota| (quota.share - 0.8).abs() < f64::EPSILON));

        std::fs::write(folder.path().join("token"), "another").unwrap();
        let error = directories.connect().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated);
        assert!(error.advice().unwrap().contains("came from `api_token_file` "), "{error}");
    }
}
