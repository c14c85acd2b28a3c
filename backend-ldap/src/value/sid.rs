//! Security identifiers (MS-DTYP 2.4.2).

use std::fmt;
use std::str::FromStr;

use super::u32_le;

/// A security identifier: an authority and up to 15 sub-authorities, the last of which is the
/// relative identifier (RID).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Sid {
    authority: u64,
    subs: Vec<u32>,
}

/// The authority of NT: almost every SID of a directory is `S-1-5-…`.
const NT: u64 = 5;
/// The first sub-authority of a domain's SIDs.
const DOMAIN: u32 = 21;
/// The first sub-authority of the groups that every domain controller has.
const BUILTIN: u32 = 32;
const MOST_SUBS: usize = 15;

impl Sid {
    /// The SID at the start of `bytes`; what follows it is not looked at.
    pub(crate) fn parse_prefix(bytes: &[u8]) -> Option<Self> {
        let (&revision, &count) = (bytes.first()?, bytes.get(1)?);
        let count = usize::from(count);
        if revision != 1 || count > MOST_SUBS {
            return None;
        }
        let authority = bytes.get(2..8)?.iter().fold(0, |value, byte| (value << 8) | u64::from(*byte));
        let subs = (0..count).map(|n| u32_le(bytes, 8 + 4 * n)).collect::<Option<_>>()?;
        Some(Self { authority, subs })
    }

    /// The SID that `bytes` are, and nothing more.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        Self::parse_prefix(bytes).filter(|sid| bytes.len() == sid.byte_len())
    }

    /// `S-1-authority-sub`, the form of the well-known SIDs.
    pub(crate) fn from_parts(authority: u8, sub: u32) -> Self {
        Self { authority: authority.into(), subs: vec![sub] }
    }

    /// `S-1-5-32-rid`.
    pub(crate) fn builtin(rid: u32) -> Self {
        Self { authority: NT, subs: vec![BUILTIN, rid] }
    }

    /// The SID of the account or group `rid` in the domain that this is the SID of.
    pub(crate) fn with_rid(&self, rid: u32) -> Self {
        let mut subs = self.subs.clone();
        subs.push(rid);
        Self { authority: self.authority, subs }
    }

    /// The last part.
    pub(crate) fn rid(&self) -> Option<u32> {
        self.subs.last().copied()
    }

    /// The domain that this is an account or group of; `None` for well-known SIDs.
    pub(crate) fn domain(&self) -> Option<Self> {
        match self.subs.as_slice() {
            [DOMAIN, middle @ .., _] if self.authority == NT && middle.len() == 3 => {
                Some(Self { authority: NT, subs: [&[DOMAIN], middle].concat() })
            }
            _ => None,
        }
    }

    /// As LDAP carries it.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.byte_len());
        bytes.push(1);
        bytes.push(u8::try_from(self.subs.len()).unwrap_or_default());
        bytes.extend(self.authority.to_be_bytes().iter().skip(2));
        bytes.extend(self.subs.iter().flat_map(|sub| sub.to_le_bytes()));
        bytes
    }

    fn byte_len(&self) -> usize {
        8 + 4 * self.subs.len()
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "S-1-{}", self.authority)?;
        self.subs.iter().try_for_each(|sub| write!(f, "-{sub}"))
    }
}

impl FromStr for Sid {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let rest = text.strip_prefix("S-1-").or_else(|| text.strip_prefix("s-1-")).ok_or(())?;
        let mut parts = rest.split('-');
        let authority: u64 = parts.next().ok_or(())?.parse().map_err(|_| ())?;
        let subs: Vec<u32> = parts.map(|part| part.parse().map_err(|_| ())).collect::<Result<_, ()>>()?;
        if authority >= 1 << 48 || subs.is_empty() || subs.len() > MOST_SUBS {
            return Err(());
        }
        Ok(Self { authority, subs })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_identifiers_read_as_known() {
        let text = "S-1-5-21-1838121904-3485924239-3851536574-500";
        let sid: Sid = text.parse().expect("a SID");
        assert_eq!(sid.to_string(), text);
        assert_eq!(sid.rid(), Some(500));
        assert_eq!(sid.domain().expect("domain").with_rid(500), sid);
        assert_eq!(Sid::builtin(544).to_string(), "S-1-5-32-544");
        assert_eq!(Sid::builtin(544).domain(), None);
        assert_eq!(Sid::parse(&[1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0]), Some(Sid::builtin(544)));
        for bad in ["", "S-1-", "S-1-5", "S-2-5-1", "S-1-5-x", "S-1-5--1", "S-1-281474976710656-1"] {
            assert!(bad.parse::<Sid>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_sid_or_not_and_a_sid_leads_back(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            if let Some(sid) = Sid::parse(&bytes) {
                prop_assert_eq!(&sid.to_bytes(), &bytes);
            }
            let _ = Sid::parse_prefix(&bytes);
        }

        #[test]
        fn text_and_bytes_agree(authority in 0u64..(1 << 48), subs in prop::collection::vec(any::<u32>(), 1..16)) {
            let sid = Sid { authority, subs };
            prop_assert_eq!(Sid::parse(&sid.to_bytes()), Some(sid.clone()));
            prop_assert_eq!(sid.to_string().parse::<Sid>(), Ok(sid));
        }

        #[test]
        fn any_text_is_a_sid_or_not(text in "\\PC{0,60}") {
            let _ = text.parse::<Sid>();
        }
    }
}
