//! Where the accounts come from: the directories of a file, or the embedded mocks.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use identity_reset::account::DirectoryId;
use identity_reset::error::Result;
use identity_reset::prelude::*;

use crate::embedded::{Connected, Embedded};
use crate::folder::{Folder, input};
use crate::options::Options;

/// The connected directories.
pub(crate) struct Source {
    pub(crate) backends: Vec<Arc<dyn Backend>>,
    /// Accounts that are never touched, by directory.
    pub(crate) protected: Vec<(DirectoryId, String)>,
    /// Keeps the embedded directories alive.
    pub(crate) embedded: Option<Embedded>,
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
                        "the embedded directories of that run ended with its process; there is nothing to resume"
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
        let Connected { backends, protected, embedded } =
            Embedded::start(options.seed.unwrap_or(1), options.accounts).await?;
        Ok(Self { backends, protected, embedded: Some(embedded), origin: None })
    }
}
