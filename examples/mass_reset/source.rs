//! Where the accounts come from: the directories of a file, or an embedded mock.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use identity_reset::account::DirectoryId;
use identity_reset::error::Result;
use identity_reset::ldap::{LdapConfig, LdapDirectory};
use identity_reset::prelude::*;
use testkit::mock_ad::MockAd;
use testkit::organisation::{Organisation, special};

use crate::folder::{Folder, input};
use crate::options::{EMBEDDED, Options};

/// The connected directories.
pub(crate) struct Source {
    pub(crate) backends: Vec<Arc<dyn Backend>>,
    /// Accounts that are never touched, by directory.
    pub(crate) protected: Vec<(DirectoryId, String)>,
    /// Keeps the embedded directory alive.
    pub(crate) embedded: Option<MockAd>,
    /// The file that describes the directories.
    pub(crate) origin: Option<PathBuf>,
}

impl Source {
    pub(crate) async fn connect(options: &Options, folder: Option<&Path>) -> Result<Self> {
        match (&options.directories, folder) {
            (Some(path), _) => Self::described(path).await,
            (None, Some(folder)) => {
                let origin = std::fs::read_to_string(Folder::at(folder).origin()).map_err(|_| {
                    input(
                        "the embedded directory of that run ended with its process; there is nothing to resume"
                            .to_owned(),
                    )
                    .with_advice("resume runs on real directories; for them --directories can be given again")
                })?;
                Self::described(Path::new(origin.trim_end_matches('\n'))).await
            }
            (None, None) => Self::embedded(options).await,
        }
    }

    async fn described(path: &Path) -> Result<Self> {
        let directories = Directories::from_file(path)?;
        let protected = directories.protected().map(|(id, account)| (id.clone(), account.to_owned())).collect();
        let backends = directories
            .connect_asking(&|question| {
                if !std::io::stdin().is_terminal() {
                    return Err(std::io::Error::other("there is no terminal to ask on"));
                }
                rpassword::prompt_password(question).map(Into::into)
            })
            .await?;
        let origin = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        Ok(Self { backends, protected, embedded: None, origin: Some(origin) })
    }

    async fn embedded(options: &Options) -> Result<Self> {
        let id = DirectoryId::new(EMBEDDED).map_err(|fault| input(fault.to_string()))?;
        let organisation = Organisation::new(options.seed.unwrap_or(1), options.accounts);
        let protected = [special::BREAK_GLASS_1, special::BREAK_GLASS_2]
            .map(|index| (id.clone(), organisation.account(index).dn(&organisation.base_dn())))
            .into();
        let mock = MockAd::builder()
            .organisation(organisation)
            .start()
            .await
            .map_err(|fault| input(format!("the embedded mock directory could not start: {fault}")))?;
        let config = LdapConfig::new(id, mock.url())
            .ca_pem(mock.ca_pem())
            .bind(mock.bind_dn(), mock.bind_password().to_owned().into());
        let backend: Arc<dyn Backend> = LdapDirectory::connect(config).await?;
        Ok(Self { backends: vec![backend], protected, embedded: Some(mock), origin: None })
    }
}
