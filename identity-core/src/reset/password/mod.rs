//! Generated passwords: the policy they satisfy and the generator.
//!
//! Randomness comes from the operating system, always; there is no seed to set.

mod characters;
mod owner;
mod random;
mod words;

use std::fmt;

use self::characters::Characters;
pub use self::owner::Owner;
use self::words::Words;
use super::Secret;
use crate::directory::PasswordPolicy;
use crate::error::{Error, ErrorKind, Result};

/// The least length of a generated password, unless the directory's greatest length is shorter.
/// 24 characters of four classes satisfy every policy of Active Directory, Entra ID and Okta.
pub const FLOOR_LENGTH: u16 = 24;

/// The least entropy of a generated password, in bits. A policy that leaves less is refused.
pub const FLOOR_ENTROPY: f64 = 64.0;

/// The length of a password that nobody is to know: below the 127 characters that the dialogs
/// of Windows take.
const SCRAMBLE_LENGTH: u16 = 120;

/// How many candidates may contain a name of their owner before we give up. For names that
/// people have, the second candidate is already rare.
const PATIENCE: u32 = 1_000;

/// Generates passwords for one directory's policy.
///
/// ```
/// use identity_core::directory::PasswordPolicy;
/// use identity_core::reset::password::{Generator, Owner};
///
/// let policy = PasswordPolicy::default();
/// let owner = Owner::new("jdoe", Some("Doe, Jane"));
/// let password = Generator::new(&policy)?.generate(&owner)?;
/// assert_eq!(password.expose().len(), 24);
///
/// let phrase = Generator::phrases(&policy)?;
/// assert!(phrase.entropy_bits() >= 73.0);
/// println!("{:?}", phrase.generate(&owner)?); // prints [secret]
/// # Ok::<(), identity_core::error::Error>(())
/// ```
#[derive(Clone)]
pub struct Generator {
    form: Form,
}

#[derive(Clone)]
enum Form {
    Characters(Characters),
    Words(Words),
}

impl Generator {
    /// Random characters: 24, or as many as the policy asks for where that is more; fewer only
    /// where the directory takes no more. Capital and small letters, digits and signs all occur;
    /// none of them is easily mistaken for another or harms a shell, a CSV file or a spreadsheet.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] when the policy contradicts itself, or leaves less than
    /// [`FLOOR_ENTROPY`].
    pub fn new(policy: &PasswordPolicy) -> Result<Self> {
        Self::characters(policy, FLOOR_LENGTH)
    }

    /// Words for people who must type or hear the password, such as
    /// `Maple-River-Candle-Orbit-Summer-Lantern-47`: six words, or more where the policy asks for
    /// more characters.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] when the policy contradicts itself, or its greatest length
    /// is too short for words.
    pub fn phrases(policy: &PasswordPolicy) -> Result<Self> {
        let words = Words::at_least(least(policy, FLOOR_LENGTH)?);
        match policy.max_length {
            Some(max) if usize::from(max) < words.longest() => Err(Error::new(ErrorKind::ConfigInvalid, GENERATE)
                .with_detail(format!("the directory takes {max} characters; a passphrase can have {}", words.longest()))
                .with_advice("use passwords of random characters for this directory")),
            _ => Ok(Self { form: Form::Words(words) }),
        }
    }

    /// Passwords that nobody is to know: 120 random characters, or as many as the directory
    /// takes.
    ///
    /// # Errors
    /// As [`Generator::new`].
    pub fn scramble(policy: &PasswordPolicy) -> Result<Self> {
        Self::characters(policy, SCRAMBLE_LENGTH)
    }

    /// The entropy of one password, in bits: the logarithm of how many there are, all equally
    /// likely. Leaving out those that contain a name of the owner costs less than a hundredth of
    /// a bit for random characters, and less than one bit for words.
    #[must_use]
    pub fn entropy_bits(&self) -> f64 {
        match &self.form {
            Form::Characters(characters) => characters.entropy_bits(),
            Form::Words(words) => words.entropy_bits(),
        }
    }

    /// A fresh password that contains no name of its owner.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] when the operating system gives no randomness;
    /// [`ErrorKind::InputInvalid`] when the owner's names leave no password.
    pub fn generate(&self, owner: &Owner) -> Result<Secret> {
        for _ in 0..PATIENCE {
            let candidate = match &self.form {
                Form::Characters(characters) => characters.candidate()?,
                Form::Words(words) => words.candidate()?,
            };
            if !owner.is_named_in(candidate.expose()) {
                return Ok(candidate);
            }
        }
        Err(Error::new(ErrorKind::InputInvalid, GENERATE)
            .with_detail(format!("{PATIENCE} candidates all contained a name of the account's owner"))
            .with_advice("use passwords of random characters for this account"))
    }

    fn characters(policy: &PasswordPolicy, wanted: u16) -> Result<Self> {
        let least = least(policy, 0)?;
        let length = wanted.max(least).min(policy.max_length.unwrap_or(u16::MAX));
        let characters = Characters::new(length);
        let entropy = characters.entropy_bits();
        if entropy < FLOOR_ENTROPY {
            return Err(Error::new(ErrorKind::ConfigInvalid, GENERATE)
                .with_detail(format!(
                    "the directory takes {length} characters: {entropy:.0} bits, fewer than the {FLOOR_ENTROPY} \
                     that a generated password must have"
                ))
                .with_advice("raise the directory's greatest password length, or leave its accounts to people"));
        }
        Ok(Self { form: Form::Characters(characters) })
    }
}

const GENERATE: &str = "generate a password";

/// The least length that policy and floor ask for.
fn least(policy: &PasswordPolicy, floor: u16) -> Result<u16> {
    match policy.max_length {
        Some(max) if max < policy.min_length => Err(Error::new(ErrorKind::ConfigInvalid, GENERATE)
            .with_detail(format!("the policy asks for at least {} and at most {max} characters", policy.min_length))
            .with_advice("correct the directory's password policy")),
        _ => Ok(policy.min_length.max(floor)),
    }
}

impl fmt::Debug for Generator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let form = match &self.form {
            Form::Characters(_) => "characters",
            Form::Words(_) => "words",
        };
        f.debug_struct("Generator").field("form", &form).field("entropy_bits", &self.entropy_bits()).finish()
    }
}

#[cfg(test)]
mod tests;
