//! Where the accounts come from: the directories of a file, or the embedded mocks.

use std::io::IsTerminal;

use identity_reset::directory::DirectoryInfo;
use identity_reset::inventory::{Inventory, InventoryBuilder};
use identity_reset::prelude::*;
use secrecy::SecretString;

use crate::embedded::Embedded;
use crate::options::Taken;

/// The directories, those that were not reached among them.
pub(crate) struct Source {
    reached: Vec<(DirectoryInfo, Result<Arc<dyn Backend>>)>,
    protected: Vec<(DirectoryId, String)>,
    /// Ends with it.
    _embedded: Option<Embedded>,
}

impl Source {
    pub(crate) async fn connect(taken: &Taken) -> Result<Self> {
        let Some(path) = &taken.directories else {
            let (embedded, backends, protected) = Embedded::start(taken.accounts).await?;
            let reached = backends.into_iter().map(|backend| (backend.info().clone(), Ok(backend))).collect();
            return Ok(Self { reached, protected, _embedded: Some(embedded) });
        };
        let directories = Directories::from_file(path)?;
        let protected = directories.protected().map(|(id, account)| (id.clone(), account.to_owned())).collect();
        Ok(Self { reached: directories.connect_each_asking(&ask).await?, protected, _embedded: None })
    }

    /// The inventory that is to be taken.
    pub(crate) fn inventory(&self, taken: &Taken) -> Result<InventoryBuilder> {
        let joining = taken.join.iter().fold(Joining::default(), |joining, anchor| joining.and(anchor.clone()));
        let mut inventory = Inventory::take().joining(joining);
        if let Some(path) = &taken.owners {
            inventory = inventory.owners(Owners::from_file(path)?);
        }
        for (directory, account) in &self.protected {
            inventory = inventory.protect(directory.as_str(), account);
        }
        for (info, backend) in &self.reached {
            inventory = match backend {
                Ok(backend) => inventory.directory(Arc::clone(backend)),
                Err(error) => inventory.unreached(info.clone(), error.to_string()),
            };
        }
        Ok(inventory)
    }
}

/// Asks on the terminal, where there is one.
pub(crate) fn ask(question: &str) -> std::io::Result<SecretString> {
    if !std::io::stdin().is_terminal() {
        return Err(std::io::Error::other("there is no terminal to ask on"));
    }
    rpassword::prompt_password(question).map(Into::into)
}
