//! The playbooks of a folder.

use std::path::{Path, PathBuf};

use super::fault::invalid;
use super::{Playbook, Trigger};
use crate::error::{Error, ErrorKind, Result};

/// The playbooks of a folder: every file in it that ends in `.toml`.
#[derive(Clone, Debug)]
pub struct Shelf {
    path: PathBuf,
    playbooks: Vec<Playbook>,
}

impl Shelf {
    /// Reads a folder. One playbook that is wrong is an error: it might be the one that is needed.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] that names the file, the line and the key; or when the folder
    /// cannot be read, holds no playbook, or holds two of one name.
    pub fn from_folder(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let unreadable = |fault: std::io::Error| invalid(path, &format!("cannot be read: {fault}"));
        let mut files = Vec::new();
        for entry in std::fs::read_dir(path).map_err(unreadable)? {
            let file = entry.map_err(unreadable)?.path();
            if file.extension().is_some_and(|extension| extension == "toml") {
                files.push(file);
            }
        }
        files.sort();
        let playbooks = files.iter().map(Playbook::from_file).collect::<Result<Vec<_>>>()?;
        if playbooks.is_empty() {
            return Err(invalid(path, "holds no playbook, no file that ends in .toml"));
        }
        for (place, playbook) in playbooks.iter().enumerate() {
            if let Some(other) = playbooks.iter().take(place).find(|other| other.name() == playbook.name()) {
                let detail = format!("`name`: {:?} is the name of {} too", playbook.name(), other.path().display());
                return Err(invalid(playbook.path(), &detail));
            }
        }
        Ok(Self { path: path.to_owned(), playbooks })
    }

    /// The playbooks, by their files.
    pub fn iter(&self) -> impl Iterator<Item = &Playbook> {
        self.playbooks.iter()
    }

    /// The playbook that a trigger chooses: the one that it names, or the only one that lists it.
    ///
    /// # Errors
    /// [`ErrorKind::InputInvalid`] that names what there is, when none or several do, or when the named
    /// one is not for this trigger.
    pub fn choose(&self, trigger: &Trigger) -> Result<&Playbook> {
        let invalid = |detail: String| Error::new(ErrorKind::InputInvalid, "choose a playbook").with_detail(detail);
        let listed = |playbook: &&Playbook| playbook.triggers().contains(&trigger.trigger);
        let names = |playbooks: &mut dyn Iterator<Item = &Playbook>| {
            playbooks.map(Playbook::name).collect::<Vec<_>>().join(", ")
        };
        if let Some(name) = &trigger.playbook {
            let Some(playbook) = self.playbooks.iter().find(|playbook| playbook.name() == name) else {
                let there = names(&mut self.playbooks.iter());
                return Err(invalid(format!("{} has no playbook {name:?}; it has {there}", self.path.display())));
            };
            if !listed(&playbook) {
                let triggers = playbook.triggers().join(", ");
                return Err(invalid(format!("playbook {name} is for {triggers}, not for {}", trigger.trigger)));
            }
            return Ok(playbook);
        }
        let mut fitting = self.playbooks.iter().filter(listed);
        match (fitting.next(), fitting.next()) {
            (Some(playbook), None) => Ok(playbook),
            (None, _) => {
                let mut words: Vec<&str> =
                    self.playbooks.iter().flat_map(Playbook::triggers).map(String::as_str).collect();
                words.sort_unstable();
                words.dedup();
                Err(invalid(format!(
                    "no playbook is for the trigger {:?}; there are {}",
                    trigger.trigger,
                    words.join(", ")
                )))
            }
            (Some(_), Some(_)) => {
                let several = names(&mut self.playbooks.iter().filter(listed));
                Err(invalid(format!("several playbooks are for {}: {several}", trigger.trigger))
                    .with_advice("name one of them in the trigger: \"playbook\": \"…\""))
            }
        }
    }
}
