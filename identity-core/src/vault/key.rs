//! Keys: to whom passwords are sealed, and what opens them again.

use std::fmt;
use std::io::Write;
use std::path::Path;
use std::str::FromStr;

use secrecy::ExposeSecret;
use zeroize::Zeroizing;

use crate::durable::{create_private, sync_parent};
use crate::error::{Error, ErrorKind, Result};
use crate::reset::Secret;

/// A public key `age1…` that passwords are sealed to. Not a secret.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Recipient(pub(super) age::x25519::Recipient);

/// A secret key `AGE-SECRET-KEY-1…` that opens what was sealed to its [`Recipient`]. It prints as
/// `[secret]`.
#[derive(Clone)]
pub struct Identity(pub(super) age::x25519::Identity);

impl Recipient {
    /// Reads `age1…`, as `age-keygen` prints it behind "public key".
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] for anything else. The text is not repeated in the error: it
    /// may be a secret key, given by mistake.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        text.parse().map(Self).map_err(|fault: &str| {
            let (detail, advice) = if is_secret_key(text) {
                ("a secret key was given where a public key belongs", "give the key that begins with age1")
            } else if text.starts_with("ssh-") {
                ("an SSH key cannot be a recipient", "make an age key with age-keygen and give its public key")
            } else {
                (fault, "give the public key that age-keygen prints; it begins with age1")
            };
            Error::new(ErrorKind::ConfigInvalid, "read a recipient").with_detail(detail).with_advice(advice)
        })
    }
}

impl Identity {
    /// A fresh key from the operating system's randomness.
    #[must_use]
    pub fn generate() -> Self {
        Self(age::x25519::Identity::generate())
    }

    /// Reads `AGE-SECRET-KEY-1…`.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] for anything else, without the text.
    pub fn parse(text: &str) -> Result<Self> {
        text.trim().parse().map(Self).map_err(|fault: &str| {
            Error::new(ErrorKind::ConfigInvalid, "read a secret key").with_detail(fault).with_advice(
                "give a key that begins with AGE-SECRET-KEY-1; keys with a passphrase must be opened first",
            )
        })
    }

    /// Reads a file as `age-keygen` writes it: one key a line, comments behind `#`.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] when the file cannot be read, holds no key, or something else.
    pub fn read_file(path: impl AsRef<Path>) -> Result<Vec<Self>> {
        let path = path.as_ref();
        let fault = |detail: String| Error::new(ErrorKind::ConfigInvalid, "read a key file").with_detail(detail);
        let text = std::fs::read_to_string(path).map(Zeroizing::new).map_err(|error| {
            fault(format!("{} cannot be read: {error}", path.display()))
                .with_source(error)
                .with_advice("name the file that age-keygen wrote, readable by this program")
        })?;
        let is_key = |line: &&str| !line.is_empty() && !line.starts_with('#');
        let identities = text.lines().map(str::trim).filter(is_key).map(Self::parse).collect::<Result<Vec<_>>>();
        match identities {
            Ok(identities) if identities.is_empty() => {
                Err(fault(format!("{} holds no key", path.display())).with_advice("make one with: age-keygen -o FILE"))
            }
            Ok(identities) => Ok(identities),
            Err(error) => Err(fault(format!("{}: {}", path.display(), error.detail()))
                .with_advice(error.advice().unwrap_or_default())),
        }
    }

    /// Writes the key into a new file that only its owner can read, as `age-keygen` does.
    ///
    /// # Errors
    /// [`ErrorKind::Vault`] when the file exists already or cannot be written.
    pub fn write_file(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let write = || {
            let mut file = create_private(path)?;
            let key = self.0.to_string();
            let text = Zeroizing::new(format!("# public key: {}\n{}\n", self.recipient(), key.expose_secret()));
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            sync_parent(path)
        };
        write().map_err(|error: std::io::Error| {
            Error::new(ErrorKind::Vault, "write a key file")
                .with_detail(format!("{}: {error}", path.display()))
                .with_source(error)
        })
    }

    /// The public key that belongs to it.
    #[must_use]
    pub fn recipient(&self) -> Recipient {
        Recipient(self.0.to_public())
    }

    /// The key as text, to be kept where secrets are kept.
    #[must_use]
    pub fn to_secret(&self) -> Secret {
        Secret::new(self.0.to_string().expose_secret().to_owned())
    }
}

fn is_secret_key(text: &str) -> bool {
    text.get(..15).is_some_and(|start| start.eq_ignore_ascii_case("AGE-SECRET-KEY-"))
}

impl FromStr for Recipient {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recipient({})", self.0)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity([secret])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_its_file_and_does_not_print() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let key = Identity::generate();
        key.write_file(&path).unwrap();
        assert!(key.write_file(&path).is_err(), "a key file is never overwritten");
        let read = Identity::read_file(&path).unwrap();
        assert_eq!(read.len(), 1);
        assert_eq!(read[0].recipient(), key.recipient());
        assert_eq!(read[0].to_secret().expose(), key.to_secret().expose());
        assert_eq!(format!("{key:?}"), "Identity([secret])");
        assert_eq!(key.recipient().to_string().parse::<Recipient>().unwrap(), key.recipient());
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_secret_key_in_the_wrong_place_is_not_repeated() {
        let secret = Identity::generate().to_secret();
        let error = Recipient::parse(secret.expose()).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains(&secret.expose()[20..]), "{shown}");
        assert!(shown.contains("a secret key was given"), "{shown}");

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, format!("{}X\n", secret.expose())).unwrap();
        let error = Identity::read_file(&path).unwrap_err();
        assert!(!format!("{error} {error:?}").contains(&secret.expose()[20..40]));
        for bad in ["", "age1", "ssh-ed25519 AAAA", "AGE-SECRET-KEY-1", "ä".repeat(15).as_str()] {
            assert_eq!(Recipient::parse(bad).unwrap_err().kind(), ErrorKind::ConfigInvalid, "{bad:?}");
            assert_eq!(Identity::parse(bad).unwrap_err().kind(), ErrorKind::ConfigInvalid, "{bad:?}");
        }
    }
}
