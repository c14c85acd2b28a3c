//! The keys of a directory of kind `entra`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use backend_entra::{Cloud, EntraConfig, EntraDirectory, RoleTable, TenantSize};
use identity_core::account::DirectoryId;
use identity_core::error::{Error, ErrorKind, Result};
use serde::Deserialize;

use super::secret::{SecretSource, existing};
use super::{Ask, invalid};

/// What is asked for.
const SECRET: (&str, &str) = ("the client secret", "client_secret");

/// The keys of a directory of kind `entra`, checked.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    keys: Keys,
    cloud: Cloud,
    ca_file: Option<PathBuf>,
    privileged: Option<RoleTable>,
    proof: Proof,
}

/// How the app proves who it is.
#[derive(Clone, Debug)]
enum Proof {
    Secret { client_id: String, secret: SecretSource },
    Certificate { client_id: String, path: PathBuf },
    TokenFile { client_id: String, path: PathBuf },
    ManagedIdentity { client_id: Option<String> },
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    tenant: String,
    client_id: Option<String>,
    client_secret_file: Option<PathBuf>,
    client_secret_env: Option<String>,
    client_certificate_file: Option<PathBuf>,
    federated_token_file: Option<PathBuf>,
    #[serde(default)]
    managed_identity: bool,
    cloud: Option<String>,
    login_url: Option<String>,
    graph_url: Option<String>,
    identity_url: Option<String>,
    ca_file: Option<PathBuf>,
    #[serde(default)]
    proxy_from_environment: bool,
    share: Option<f64>,
    in_flight: Option<u32>,
    #[serde(default)]
    sign_in_times: bool,
    tenant_size: Option<Size>,
    privileged_roles_file: Option<PathBuf>,
}

/// How many users the tenant has.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Size {
    Small,
    Medium,
    Large,
}

impl Settings {
    pub(super) fn read(folder: &Path, table: toml::Table) -> Result<Self, String> {
        let keys: Keys = table.try_into().map_err(|fault: toml::de::Error| fault.message().to_owned())?;
        let cloud = match &keys.cloud {
            Some(name) => name.parse().map_err(|fault: Error| {
                format!("`cloud`: {} ({})", fault.detail(), fault.advice().unwrap_or_default())
            })?,
            None => Cloud::Global,
        };
        let proof = proof(folder, &keys)?;
        let ca_file = keys.ca_file.as_deref().map(|path| existing(folder, "ca_file", path)).transpose()?;
        let privileged = keys.privileged_roles_file.as_deref().map(|path| privileged(folder, path)).transpose()?;
        let settings = Self { keys, cloud, ca_file, privileged, proof };
        settings.check()?;
        Ok(settings)
    }

    /// Faults that need neither a secret nor a connection to be seen.
    fn check(&self) -> Result<(), String> {
        let stand_in = DirectoryId::new("stand-in").map_err(|fault| fault.to_string())?;
        let id = match &self.proof {
            Proof::Secret { client_id, .. }
            | Proof::Certificate { client_id, .. }
            | Proof::TokenFile { client_id, .. } => Some(client_id),
            Proof::ManagedIdentity { client_id } => client_id.as_ref(),
        };
        // What is checked is the same whatever the proof; this one needs nothing that is a secret.
        let config = self.settled(EntraConfig::new(stand_in, &self.keys.tenant).managed_identity(id.cloned()));
        config.check().map_err(|fault| match fault.advice() {
            Some(advice) => format!("{} ({advice})", fault.detail()),
            None => fault.detail().to_owned(),
        })
    }

    pub(super) async fn connect(&self, file: &Path, id: &DirectoryId, ask: Ask<'_>) -> Result<Arc<EntraDirectory>> {
        self.sign_in_with(self.config(file, id, ask)?).await
    }

    /// Connects with the secret that is in `config`.
    pub(super) async fn sign_in_with(&self, config: EntraConfig) -> Result<Arc<EntraDirectory>> {
        EntraDirectory::connect(config).await.map_err(|error| self.explain(error))
    }

    /// How it is reached, with the secret.
    pub(super) fn config(&self, file: &Path, id: &DirectoryId, ask: Ask<'_>) -> Result<EntraConfig> {
        let named = |detail: String| invalid(file, &detail).with_directory(id.clone());
        let config = EntraConfig::new(id.clone(), &self.keys.tenant);
        let config = match &self.proof {
            Proof::Secret { client_id, secret } => {
                let question = format!("Client secret of {client_id} in {id}: ");
                config.client_secret(client_id, secret.secret(&question, ask).map_err(named)?)
            }
            Proof::Certificate { client_id, path } => {
                let pem = std::fs::read_to_string(path)
                    .map_err(|fault| named(format!("`client_certificate_file` {}: {fault}", path.display())))?;
                config.client_certificate(client_id, pem.into())
            }
            Proof::TokenFile { client_id, path } => config.federated_token_file(client_id, path),
            Proof::ManagedIdentity { client_id } => config.managed_identity(client_id.clone()),
        };
        Ok(self.settled(config))
    }

    /// Everything but how the app signs in.
    fn settled(&self, mut config: EntraConfig) -> EntraConfig {
        let keys = &self.keys;
        config = config.cloud(self.cloud);
        if let Some(url) = &keys.login_url {
            config = config.login_url(url);
        }
        if let Some(url) = &keys.graph_url {
            config = config.graph_url(url);
        }
        if let Some(url) = &keys.identity_url {
            config = config.identity_url(url);
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
        if keys.sign_in_times {
            config = config.sign_in_times();
        }
        if let Some(size) = keys.tenant_size {
            config = config.tenant_size(match size {
                Size::Small => TenantSize::Small,
                Size::Medium => TenantSize::Medium,
                Size::Large => TenantSize::Large,
            });
        }
        if let Some(table) = &self.privileged {
            config = config.privileged(table.clone());
        }
        config
    }

    /// A refused sign-in says where its secret came from, and so does one that cannot be tried.
    fn explain(&self, error: Error) -> Error {
        let unusable = error.kind() == ErrorKind::ConfigInvalid && matches!(self.proof, Proof::Certificate { .. });
        if error.kind() != ErrorKind::Unauthenticated && !unusable {
            return error;
        }
        let source = match &self.proof {
            Proof::Secret { secret, .. } => format!("the secret came from {secret}"),
            Proof::Certificate { path, .. } => {
                format!("the certificate came from `client_certificate_file` {}", path.display())
            }
            Proof::TokenFile { path, .. } => format!("the token came from `federated_token_file` {}", path.display()),
            Proof::ManagedIdentity { .. } => return error,
        };
        let advice = error.advice().unwrap_or("check tenant and client_id").to_owned();
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
    let given: Vec<&str> = [
        ("client_secret_file", keys.client_secret_file.is_some()),
        ("client_secret_env", keys.client_secret_env.is_some()),
        ("client_certificate_file", keys.client_certificate_file.is_some()),
        ("federated_token_file", keys.federated_token_file.is_some()),
        ("managed_identity", keys.managed_identity),
    ]
    .into_iter()
    .filter_map(|(key, given)| given.then_some(key))
    .collect();
    if let [first, second, ..] = given.as_slice() {
        return Err(format!("`{first}` and `{second}` exclude each other"));
    }
    if keys.managed_identity {
        return Ok(Proof::ManagedIdentity { client_id: keys.client_id.clone() });
    }
    let client_id = keys.client_id.clone().ok_or_else(|| "missing field `client_id`".to_owned())?;
    if let Some(path) = &keys.client_certificate_file {
        return Ok(Proof::Certificate { client_id, path: existing(folder, "client_certificate_file", path)? });
    }
    if let Some(path) = &keys.federated_token_file {
        return Ok(Proof::TokenFile { client_id, path: existing(folder, "federated_token_file", path)? });
    }
    let (file, environment) = (keys.client_secret_file.as_deref(), keys.client_secret_env.as_deref());
    Ok(Proof::Secret { client_id, secret: SecretSource::read(folder, SECRET, file, environment)? })
}

#[cfg(test)]
mod tests {
    use super::super::Directories;
    use super::*;

    const GOOD: &str = "[[directory]]\nid = \"cloud\"\nkind = \"entra\"\ntenant = \"contoso.example\"\n\
                        client_id = \"00000000-0000-4000-8000-000000000001\"\n";

    fn parse(text: &str) -> Result<Directories> {
        Directories::parse(Path::new("directories.toml"), text)
    }

    #[test]
    fn every_fault_names_the_file_the_directory_and_the_key() {
        for (text, expected) in [
            (format!("{GOOD}client_secret = \"x\"\n"), "unknown field `client_secret`, expected one of"),
            (format!("{GOOD}client_secret_file = \"no/such\"\n"), "`client_secret_file` no/such: "),
            (format!("{GOOD}client_certificate_file = \"no.pem\"\n"), "`client_certificate_file` no.pem: "),
            (format!("{GOOD}federated_token_file = \"no.jwt\"\n"), "`federated_token_file` no.jwt: "),
            (format!("{GOOD}ca_file = \"no-ca.pem\"\n"), "`ca_file` no-ca.pem: "),
            (format!("{GOOD}client_secret_env = \"IDENTITY_RESET_NOT_SET\"\n"), "which is not set"),
            (
                format!("{GOOD}client_secret_env = \"PATH\"\nmanaged_identity = true\n"),
                "`client_secret_env` and `managed_identity` exclude each other",
            ),
            (format!("{GOOD}cloud = \"mars\"\n"), "`cloud`: \"mars\" is not a national cloud (name one of global"),
            (format!("{GOOD}share = 1.5\n"), "the share of quota `writes` is 1.5"),
            (format!("{GOOD}in_flight = 0\n"), "in_flight is 0"),
            (format!("{GOOD}graph_url = \"http://graph.example.test\"\n"), "graph_url: the address is neither https"),
            (GOOD.replace("contoso.example", "common"), "an app cannot sign in to \"common\""),
            (GOOD.replace("tenant = \"contoso.example\"\n", ""), "missing field `tenant`"),
            (GOOD.replace("client_id", "#"), "missing field `client_id`"),
            (GOOD.replace("00000000-0000-4000-8000-000000000001", "my-app"), "the client id is not a GUID"),
        ] {
            let error = parse(&text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
            assert!(error.detail().starts_with("directories.toml: [[directory]] at line 1: (cloud) "), "{error}");
            assert!(error.detail().contains(expected), "{error} does not say {expected:?}");
        }
    }

    #[test]
    fn a_directory_of_the_cloud_is_read() {
        for more in ["", "managed_identity = true\n", "cloud = \"china\"\nshare = 0.5\nsign_in_times = true\n"] {
            let directories = parse(&format!("{GOOD}protected = [\"emergency@contoso.example\"]\n{more}")).unwrap();
            assert_eq!(directories.protected().count(), 1);
        }
        assert!(parse(&GOOD.replace("client_id", "managed_identity = true\n#")).is_ok());
    }

    #[tokio::test]
    async fn a_secret_that_nobody_can_be_asked_for_names_its_keys() {
        let error = parse(GOOD).unwrap().connect().await.unwrap_err();
        assert!(error.to_string().contains("set `client_secret_file` or `client_secret_env`"), "{error}");
        assert_eq!(error.directory().map(DirectoryId::as_str), Some("cloud"));
    }

    #[tokio::test]
    async fn a_file_leads_to_a_tenant_and_a_refusal_says_where_the_secret_came_from() {
        use testkit::mock_graph::MockGraph;
        use testkit::organisation::Organisation;

        let mock = MockGraph::builder(Organisation::new(1, 20)).start().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "[[directory]]\nid = \"cloud\"\nkind = \"entra\"\ntenant = \"{}\"\nclient_id = \"{}\"\n\
             client_secret_file = \"secret\"\nlogin_url = \"{}\"\ngraph_url = \"{}\"\nshare = 0.5\n",
            mock.tenant_id(),
            mock.client_id(),
            mock.login_url(),
            mock.graph_url(),
        );
        let file = folder.path().join("directories.toml");
        std::fs::write(&file, text).unwrap();
        std::fs::write(folder.path().join("secret"), format!("{}\r\n", mock.client_secret().unwrap())).unwrap();
        let directories = Directories::from_file(&file).unwrap();
        let backends = directories.connect().await.unwrap();
        assert_eq!(backends[0].info().tenant, mock.tenant_id().to_string());
        assert!(backends[0].limits().quotas.iter().all(|quota| (quota.share - 0.5).abs() < f64::EPSILON));

        std::fs::write(folder.path().join("secret"), "another").unwrap();
        let error = directories.connect().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated);
        let advice = error.advice().unwrap();
        assert!(advice.contains("secret is wrong") && advice.contains("came from `client_secret_file` "), "{advice}");
    }
}
