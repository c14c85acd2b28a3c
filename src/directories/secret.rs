//! Secrets of a directory: from a file, an environment variable, or a person.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};

use super::Ask;

/// A secret of a directory: what it is, the stem of its keys, and where it comes from.
#[derive(Clone, Debug)]
pub(super) struct SecretSource {
    /// The words for it, as in "the bind password".
    what: &'static str,
    /// `bind_password` of the keys `bind_password_file` and `bind_password_env`.
    stem: &'static str,
    from: From,
}

#[derive(Clone)]
enum From {
    File(PathBuf),
    Environment(String),
    Prompt,
}

impl SecretSource {
    /// Where the keys say that a secret is; without either it is asked for.
    ///
    /// # Errors
    /// When both are given, or what is named is not there.
    pub(super) fn read(
        folder: &Path,
        (what, stem): (&'static str, &'static str),
        file: Option<&Path>,
        environment: Option<&str>,
    ) -> Result<Self, String> {
        let from = match (file, environment) {
            (Some(_), Some(_)) => return Err(format!("`{stem}_file` and `{stem}_env` exclude each other")),
            (Some(path), None) => From::File(existing(folder, &format!("{stem}_file"), path)?),
            (None, Some(name)) if !is_name(name) => {
                // It may be the secret itself.
                return Err(format!("`{stem}_env` is not the name of an environment variable"));
            }
            (None, Some(name)) if std::env::var_os(name).is_none() => {
                return Err(format!("`{stem}_env` names {name}, which is not set"));
            }
            (None, Some(name)) => From::Environment(name.to_owned()),
            (None, None) => From::Prompt,
        };
        Ok(Self { what, stem, from })
    }

    /// The secret; `question` is put to a person where neither key is given. A line end behind it is
    /// no part of it.
    ///
    /// # Errors
    /// When it cannot be had or is empty.
    pub(super) fn secret(&self, question: &str, ask: Ask<'_>) -> Result<SecretString, String> {
        let stem = self.stem;
        let text = match &self.from {
            From::File(path) => {
                std::fs::read_to_string(path).map_err(|fault| format!("`{stem}_file` {}: {fault}", path.display()))?
            }
            From::Environment(name) => {
                std::env::var(name).map_err(|_| format!("`{stem}_env` names {name}, which is not set"))?
            }
            From::Prompt => {
                let answer = ask(question).map_err(|fault| format!("set `{stem}_file` or `{stem}_env`: {fault}"))?;
                return if answer.expose_secret().is_empty() { Err(self.empty()) } else { Ok(answer) };
            }
        };
        // Held from here on by what wipes it.
        let text = SecretString::from(text);
        let secret = text.expose_secret();
        let secret = secret.strip_suffix('\n').unwrap_or(secret);
        let secret = secret.strip_suffix('\r').unwrap_or(secret);
        if secret.is_empty() {
            return Err(self.empty());
        }
        Ok(SecretString::from(secret))
    }

    fn empty(&self) -> String {
        format!("{} is empty", self.what)
    }
}

/// A file that a key names, below the folder of the directories file.
///
/// # Errors
/// When it cannot be opened.
pub(super) fn existing(folder: &Path, key: &str, path: &Path) -> Result<PathBuf, String> {
    let path = folder.join(path);
    match File::open(&path) {
        Ok(_) => Ok(path),
        Err(fault) => Err(format!("`{key}` {}: {fault}", path.display())),
    }
}

impl fmt::Debug for From {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "File({})", path.display()),
            Self::Environment(name) => write!(f, "Environment({name})"),
            Self::Prompt => f.write_str("Prompt"),
        }
    }
}

impl fmt::Display for SecretSource {
    /// The key that it is set by, and where that points.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.from {
            From::File(path) => write!(f, "`{}_file` {}", self.stem, path.display()),
            From::Environment(name) => write!(f, "`{}_env` {name}", self.stem),
            From::Prompt => f.write_str("the prompt"),
        }
    }
}

/// Whether a text is written as names of environment variables are: letters, digits and
/// underscores, no digit first, at most 64.
fn is_name(text: &str) -> bool {
    text.len() <= 64
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
