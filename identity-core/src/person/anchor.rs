//! What joins accounts.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::account::Account;
use crate::error::{Error, ErrorKind, Result};

/// What joins accounts of different directories into one person.
///
/// Hard anchors name one object of an on-prem directory and are never used again. Soft ones are
/// names and numbers that people wrote, and can be reused: an organisation chooses those that it
/// trusts.
///
/// As text, for command lines: `immutable-id`, `security-id`, `principal-name`, `mail`, or
/// `attribute:` and the names of an attribute, with commas between them.
///
/// ```
/// use identity_core::person::Anchor;
///
/// let anchor: Anchor = "attribute:employeeId,employeeNumber".parse()?;
/// assert!(!anchor.is_hard());
/// assert_eq!(anchor.to_string(), "attribute:employeeId,employeeNumber");
/// # Ok::<(), identity_core::person::InvalidAnchor>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Anchor {
    /// Hard: the objectGUID of the on-prem account
    /// ([`Anchors::immutable_id`](crate::account::Anchors::immutable_id)).
    ImmutableId,
    /// Hard: the Windows security identifier
    /// ([`Anchors::security_id`](crate::account::Anchors::security_id)).
    SecurityId,
    /// Soft: the userPrincipalName, or what the directory uses for one.
    PrincipalName,
    /// Soft: the address that mail goes to.
    Mail,
    /// Soft: an attribute, by the names that it has in the directories (`employeeId` in one,
    /// `employeeNumber` in another). The first name that an account has a value under counts.
    Attribute(Vec<String>),
}

/// A text that names no anchor.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no anchor: say immutable-id, security-id, principal-name, mail or attribute:NAME (attribute:NAME,NAME where directories name it differently)"
)]
pub struct InvalidAnchor(String);

impl Anchor {
    /// Whether it names one object.
    #[must_use]
    pub fn is_hard(&self) -> bool {
        matches!(self, Self::ImmutableId | Self::SecurityId)
    }

    /// The account's value in comparable form: letters are small, and white space around it is gone.
    /// `None` where the account has none, or one that is none (an id of zeros, a security identifier
    /// of another form); also the soft anchors of accounts that are never anybody's own, such as
    /// computers.
    #[must_use]
    pub fn value(&self, account: &Account) -> Option<String> {
        if !self.is_hard() && account.kind.protected_because().is_some() {
            return None;
        }
        let text = match self {
            Self::ImmutableId => account.anchors.immutable_id.as_deref(),
            Self::SecurityId => account.anchors.security_id.as_deref(),
            Self::PrincipalName => account.anchors.principal_name.as_deref(),
            Self::Mail => account.mail.as_deref(),
            Self::Attribute(names) => names.iter().find_map(|name| attribute(account, name)),
        };
        let text = text.map(str::trim).filter(|text| !text.is_empty())?;
        match self {
            // Texts that are no GUID are compared as they stand: an organisation may use another id.
            Self::ImmutableId => match Uuid::try_parse(text) {
                Ok(id) => (!id.is_nil()).then(|| id.to_string()),
                Err(_) => Some(text.to_lowercase()),
            },
            // S-1-0-0 is the identifier of nobody (MS-DTYP 2.4.2.4).
            Self::SecurityId => {
                let text = text.to_lowercase();
                (text.starts_with("s-1-") && text != "s-1-0-0").then_some(text)
            }
            _ => Some(text.to_lowercase()),
        }
    }
}

/// The value of an attribute. Directories write the names of their attributes in any case.
fn attribute<'a>(account: &'a Account, name: &str) -> Option<&'a str> {
    let fits = |(known, value): &(&String, &String)| known.eq_ignore_ascii_case(name) && !value.trim().is_empty();
    account.attributes.iter().find(fits).map(|(_, value)| value.as_str())
}

impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ImmutableId => f.write_str("immutable-id"),
            Self::SecurityId => f.write_str("security-id"),
            Self::PrincipalName => f.write_str("principal-name"),
            Self::Mail => f.write_str("mail"),
            Self::Attribute(names) => write!(f, "attribute:{}", names.join(",")),
        }
    }
}

impl FromStr for Anchor {
    type Err = InvalidAnchor;

    fn from_str(text: &str) -> Result<Self, InvalidAnchor> {
        let invalid = || InvalidAnchor(text.chars().take(80).collect());
        match text {
            "immutable-id" => Ok(Self::ImmutableId),
            "security-id" => Ok(Self::SecurityId),
            "principal-name" => Ok(Self::PrincipalName),
            "mail" => Ok(Self::Mail),
            _ => {
                let names = text.strip_prefix("attribute:").ok_or_else(invalid)?;
                let names: Vec<String> = names.split(',').map(|name| name.trim().to_owned()).collect();
                if names.iter().any(String::is_empty) {
                    return Err(invalid());
                }
                Ok(Self::Attribute(names))
            }
        }
    }
}

/// By which anchors a plan joins accounts: the hard ones first, whatever the order here, then the
/// soft ones in their order. Both hard ones and no soft one unless said otherwise.
///
/// ```
/// use identity_core::person::{Anchor, Joining};
///
/// let joining = Joining::default().and(Anchor::Mail);
/// assert_eq!(joining.soft().collect::<Vec<_>>(), [&Anchor::Mail]);
/// joining.validate()?;
/// # Ok::<(), identity_core::error::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Joining {
    anchors: Vec<Anchor>,
}

impl Default for Joining {
    fn default() -> Self {
        Self { anchors: vec![Anchor::ImmutableId, Anchor::SecurityId] }
    }
}

impl Joining {
    /// By these anchors only; nothing is joined by none.
    #[must_use]
    pub fn by(anchors: impl IntoIterator<Item = Anchor>) -> Self {
        Self { anchors: anchors.into_iter().collect() }
    }

    /// By one anchor more.
    #[must_use]
    pub fn and(mut self, anchor: Anchor) -> Self {
        self.anchors.push(anchor);
        self
    }

    /// Whether nothing is joined.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.anchors.is_empty()
    }

    /// Whether it is what nobody has to say.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The hard anchors.
    pub fn hard(&self) -> impl Iterator<Item = &Anchor> {
        self.anchors.iter().filter(|anchor| anchor.is_hard())
    }

    /// The soft anchors, in the order they are tried in.
    pub fn soft(&self) -> impl Iterator<Item = &Anchor> {
        self.anchors.iter().filter(|anchor| !anchor.is_hard())
    }

    /// Every anchor, in the order they are tried in.
    pub(super) fn in_order(&self) -> impl Iterator<Item = &Anchor> {
        self.hard().chain(self.soft())
    }

    /// Whether the anchors make sense.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] when one is named twice, or an attribute has no name.
    pub fn validate(&self) -> Result<()> {
        let invalid = |detail: String| Error::new(ErrorKind::ConfigInvalid, "read the anchors").with_detail(detail);
        for (place, anchor) in self.anchors.iter().enumerate() {
            if self.anchors.iter().take(place).any(|before| before == anchor) {
                return Err(invalid(format!("accounts are to be joined by {anchor} twice")).with_advice("name it once"));
            }
            if let Anchor::Attribute(names) = anchor
                && (names.is_empty() || names.iter().any(|name| name.trim().is_empty()))
            {
                return Err(invalid("accounts are to be joined by an attribute without a name".to_owned())
                    .with_advice("name the attribute, such as employeeId"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{AccountId, AccountKind, DirectoryId};

    #[test]
    fn values_compare_as_people_mean_them() {
        let mut account =
            Account::new(DirectoryId::new("corp").unwrap(), AccountId::new("1").unwrap(), "jdoe", AccountKind::Person);
        account.anchors.immutable_id = Some("{246BC01F-E470-447E-8B04-64FA0A4BBB19}".into());
        account.anchors.security_id = Some("S-1-5-21-1-2-3-1104".into());
        account.anchors.principal_name = Some(" JDoe@Example.test ".into());
        account.mail = Some("  ".into());
        account.attributes.insert("EmployeeNumber".into(), " 00A7 ".into());
        let value = |anchor: &str| anchor.parse::<Anchor>().unwrap().value(&account);
        assert_eq!(value("immutable-id").unwrap(), "246bc01f-e470-447e-8b04-64fa0a4bbb19");
        assert_eq!(value("security-id").unwrap(), "s-1-5-21-1-2-3-1104");
        assert_eq!(value("principal-name").unwrap(), "jdoe@example.test");
        assert_eq!(value("mail"), None);
        assert_eq!(value("attribute:employeeId,employeenumber").unwrap(), "00a7");
        account.anchors.immutable_id = Some(Uuid::nil().to_string());
        account.anchors.security_id = Some("S-1-0-0".into());
        assert_eq!(Anchor::ImmutableId.value(&account), None);
        assert_eq!(Anchor::SecurityId.value(&account), None);
        account.kind = AccountKind::Computer;
        assert_eq!(Anchor::PrincipalName.value(&account), None, "a machine is nobody's own");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for bad in ["", "guid", "attribute:", "attribute:a,,b", "Mail"] {
            assert!(bad.parse::<Anchor>().is_err(), "{bad}");
        }
        assert!(Joining::default().and(Anchor::SecurityId).validate().is_err());
        assert!(Joining::by([Anchor::Attribute(vec![])]).validate().is_err());
        assert!(Joining::by([Anchor::Attribute(vec![" ".into()])]).validate().is_err());
        Joining::by([]).validate().unwrap();
    }
}
