//! What entries of an access list let their holders do: the rights that lead to tier 0, by what
//! they are rights on.
//!
//! Identifiers of rights and properties: MS-ADTS 5.1.3.2.1 and the Active Directory schema.

use std::collections::BTreeSet;

use super::descriptor::FULL_CONTROL;
use super::{AccessEntry, AccessList, Descriptor};
use crate::value::sid::Sid;

const SELF_WRITE: u32 = 0x8;
const WRITE_PROPERTY: u32 = 0x20;
const CONTROL_ACCESS: u32 = 0x100;
const WRITE_LIST: u32 = 0x4_0000;
const WRITE_OWNER: u32 = 0x8_0000;

/// The rights, by what they are rights on. The strongest comes first: it names what the others
/// are part of.
pub(crate) mod rights {
    use super::{CONTROL_ACCESS, Reach, Right, SELF_WRITE, WRITE_LIST, WRITE_OWNER, WRITE_PROPERTY};

    const FULL: Right = Right { words: "Full control", reach: Reach::Full };
    const LIST: Right = Right { words: "Modify permissions", reach: Reach::Standard(WRITE_LIST) };
    const OWNER: Right = Right { words: "Modify owner", reach: Reach::Standard(WRITE_OWNER) };

    /// On anything: whoever has one of these can give himself all others.
    pub(crate) const OVER: &[Right] = &[FULL, LIST, OWNER];
    /// On the head of the domain: gPLink decides what policy the controllers follow.
    pub(crate) const OVER_DOMAIN: &[Right] =
        &[FULL, LIST, OWNER, limited("Write gPLink", WRITE_PROPERTY, &[0xf30e_3bbe_9ff0_11d1_b603_0000_f803_67c1])];
    /// On the head of the domain: both of the two together read every password hash.
    pub(crate) const CHANGES: &[Right] =
        &[limited("Replicating Directory Changes", CONTROL_ACCESS, &[0x1131_f6aa_9c07_11d1_f79f_00c0_4fc2_dcd2])];
    pub(crate) const CHANGES_ALL: &[Right] =
        &[limited("Replicating Directory Changes All", CONTROL_ACCESS, &[0x1131_f6ad_9c07_11d1_f79f_00c0_4fc2_dcd2])];
    /// On an account: its password.
    pub(crate) const RESET: &[Right] =
        &[FULL, LIST, OWNER, limited("Reset Password", CONTROL_ACCESS, &[0x0029_9570_246d_11d0_a768_00aa_006e_0529])];
    /// On an account: a key that signs in beside the password.
    pub(crate) const KEYS: &[Right] =
        &[limited("Write msDS-KeyCredentialLink", WRITE_PROPERTY, &[0x5b47_d60f_6090_40b2_9f37_2a4d_e88f_3063])];
    /// On a machine: who may act there in another's name; the second is the property set that holds
    /// the property.
    pub(crate) const ACTING: &[Right] = &[limited(
        "Write msDS-AllowedToActOnBehalfOfOtherIdentity",
        WRITE_PROPERTY,
        &[0x3f78_c3e5_f79a_46bd_a0b8_9d18_116d_dc79, 0x4c16_4200_20c0_11d0_a768_00aa_006e_0529],
    )];
    /// On a group: who is in it; the second is the property set that holds the property.
    pub(crate) const MEMBERS: &[Right] = &[
        FULL,
        LIST,
        OWNER,
        limited("Write member", WRITE_PROPERTY, MEMBER),
        limited("Add or remove self as member", SELF_WRITE, MEMBER),
    ];
    /// On AdminSDHolder beside [`OVER`]: what its list gives, every protected account and group gets
    /// within the hour.
    pub(crate) const STAMPED_MEMBERS: &[Right] =
        &[limited("Write member", WRITE_PROPERTY, MEMBER), limited("Add or remove self as member", SELF_WRITE, MEMBER)];
    pub(crate) const STAMPED_RESET: &[Right] =
        &[limited("Reset Password", CONTROL_ACCESS, &[0x0029_9570_246d_11d0_a768_00aa_006e_0529])];
    /// Any right at all: for descriptors that are lists of who may do one thing.
    pub(crate) const ANY: &[Right] = &[Right { words: "listed", reach: Reach::Any }];

    const MEMBER: &[u128] = &[0xbf96_79c0_0de6_11d0_a285_00aa_0030_49e2, 0xbc0a_c240_79a9_11d0_9020_00c0_4fc2_d4cf];

    const fn limited(words: &'static str, bit: u32, objects: &'static [u128]) -> Right {
        Right { words, reach: Reach::Limited(bit, objects) }
    }

    /// The property set or property, for tests.
    #[cfg(test)]
    pub(in super::super) fn first_object(right: &Right) -> Option<uuid::Uuid> {
        match right.reach {
            Reach::Limited(_, objects) => objects.first().copied().map(uuid::Uuid::from_u128),
            _ => None,
        }
    }
}

/// A right that leads somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Right {
    /// As the dialogs of Windows call it.
    pub(crate) words: &'static str,
    reach: Reach,
}

/// What an entry must carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// Everything, without a limit.
    Full,
    /// A standard right. A limit to a property means nothing to it, so that one is not looked at.
    Standard(u32),
    /// The bit, limited to one of these or not at all.
    Limited(u32, &'static [u128]),
    /// Anything.
    Any,
}

/// Somebody who holds a right.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Granted {
    pub(crate) trustee: Sid,
    pub(crate) words: &'static str,
}

/// Who holds one of `rights` by this descriptor: each trustee with the first right that it holds,
/// and the owner too if `by_owner`.
///
/// A denial takes a right away only where that is certain: it comes first, has no condition, and is
/// for the same trustee or for Everyone. A denial for a group may or may not meet the holder.
pub(crate) fn granted(descriptor: &Descriptor, rights: &[Right], by_owner: bool) -> Vec<Granted> {
    let mut found: BTreeSet<Granted> = BTreeSet::new();
    if let (true, Some(owner)) = (by_owner, &descriptor.owner) {
        found.insert(Granted { trustee: owner.clone(), words: "Owner" });
    }
    match &descriptor.list {
        AccessList::Absent => {}
        AccessList::Open => {
            found.insert(Granted { trustee: Sid::from_parts(1, 0), words: "No access list" });
        }
        AccessList::Entries(entries) => {
            let mut holders = BTreeSet::new();
            for right in rights {
                for (at, entry) in entries.iter().enumerate() {
                    let before = entries.get(..at).unwrap_or_default();
                    if entry.allows
                        && right.reach.is_given_by(entry)
                        && !before.iter().any(|denial| right.reach.is_taken_by(denial, &entry.trustee))
                        && holders.insert(entry.trustee.clone())
                    {
                        found.insert(Granted { trustee: entry.trustee.clone(), words: right.words_for(entry) });
                    }
                }
            }
        }
    }
    found.into_iter().collect()
}

impl Right {
    /// What the entry gives, which may be more than this right.
    fn words_for(&self, entry: &AccessEntry) -> &'static str {
        match self.reach {
            Reach::Limited(CONTROL_ACCESS, _) if entry.object.is_none() => "All extended rights",
            Reach::Limited(WRITE_PROPERTY, _) if entry.object.is_none() => "Write all properties",
            Reach::Limited(SELF_WRITE, _) if entry.object.is_none() => "All validated writes",
            _ => self.words,
        }
    }
}

impl Reach {
    fn is_given_by(self, entry: &AccessEntry) -> bool {
        match self {
            Self::Full => entry.mask & FULL_CONTROL == FULL_CONTROL && entry.object.is_none(),
            Self::Standard(bit) => entry.mask & bit != 0,
            Self::Limited(bit, objects) => {
                entry.mask & bit != 0 && entry.object.is_none_or(|object| objects.contains(&object.as_u128()))
            }
            Self::Any => entry.mask != 0,
        }
    }

    fn is_taken_by(self, denial: &AccessEntry, from: &Sid) -> bool {
        let certain = !denial.allows
            && !denial.conditional
            && (denial.trustee == *from || denial.trustee == Sid::from_parts(1, 0));
        certain
            && match self {
                // Part of it is gone; what is left is looked at as a right of its own.
                Self::Full => denial.mask & FULL_CONTROL != 0 && denial.object.is_none(),
                Self::Standard(bit) => denial.mask & bit != 0 && denial.object.is_none(),
                Self::Limited(bit, objects) => {
                    denial.mask & bit != 0
                        && denial
                            .object
                            .is_none_or(|object| objects.first().is_some_and(|own| *own == object.as_u128()))
                }
                Self::Any => false,
            }
    }
}

#[cfg(test)]
mod tests {
    use super::super::descriptor::tests::{descriptor, entry};
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn who(n: u32) -> Sid {
        format!("S-1-5-21-1-2-3-{n}").parse().expect("a SID")
    }

    fn words(entries: &[Vec<u8>], rights: &[Right]) -> Vec<(u32, &'static str)> {
        let descriptor = Descriptor::parse(&descriptor(None, entries)).expect("whole");
        let granted = granted(&descriptor, rights, true);
        granted.into_iter().map(|one| (one.trustee.rid().expect("rid"), one.words)).collect()
    }

    fn object(right: &Right) -> Option<Uuid> {
        rights::first_object(right)
    }

    #[test]
    fn each_right_is_recognised_and_its_neighbour_is_not() {
        let reset = object(&rights::RESET[3]);
        let change = Some(Uuid::from_u128(0xab72_1a53_1e2f_11d0_9819_00aa_0040_529b));
        let allow = |mask, object| vec![entry(5, 0, mask, object, &who(1))];
        assert_eq!(words(&allow(FULL_CONTROL, None), rights::RESET), [(1, "Full control")]);
        assert_eq!(words(&allow(0x1000_0000, None), rights::RESET), [(1, "Full control")]);
        assert_eq!(words(&allow(CONTROL_ACCESS, reset), rights::RESET), [(1, "Reset Password")]);
        assert_eq!(words(&allow(CONTROL_ACCESS, None), rights::RESET), [(1, "All extended rights")]);
        assert_eq!(words(&allow(WRITE_LIST, None), rights::RESET), [(1, "Modify permissions")]);
        assert_eq!(words(&allow(WRITE_OWNER, None), rights::RESET), [(1, "Modify owner")]);
        assert_eq!(words(&allow(CONTROL_ACCESS, change), rights::RESET), []);
        assert_eq!(words(&allow(WRITE_PROPERTY, None), rights::RESET), []);
        assert_eq!(words(&allow(0x0002_0094, None), rights::RESET), [], "reading is nothing");
        assert_eq!(words(&allow(WRITE_PROPERTY, object(&rights::MEMBERS[3])), rights::MEMBERS), [(1, "Write member")]);
        assert_eq!(words(&allow(0x4000_0000, None), rights::MEMBERS), [(1, "Write all properties")]);
        assert_eq!(words(&allow(SELF_WRITE, object(&rights::MEMBERS[4])), rights::MEMBERS).len(), 1);
        assert_eq!(words(&allow(CONTROL_ACCESS, object(&rights::CHANGES[0])), rights::CHANGES_ALL), []);
        assert_eq!(words(&allow(CONTROL_ACCESS, object(&rights::CHANGES_ALL[0])), rights::CHANGES_ALL).len(), 1);
        assert_eq!(words(&allow(CONTROL_ACCESS, None), rights::CHANGES), [(1, "All extended rights")]);
    }

    #[test]
    fn a_denial_takes_away_only_what_is_certain() {
        let reset = object(&rights::RESET[3]);
        let allow = entry(5, 0, CONTROL_ACCESS, reset, &who(1));
        let deny = |who: &Sid| entry(6, 0, CONTROL_ACCESS, reset, who);
        assert_eq!(words(&[deny(&who(1)), allow.clone()], rights::RESET), []);
        assert_eq!(words(&[deny(&Sid::from_parts(1, 0)), allow.clone()], rights::RESET), []);
        assert_eq!(words(&[allow.clone(), deny(&who(1))], rights::RESET).len(), 1, "the first decides");
        assert_eq!(words(&[deny(&who(2)), allow.clone()], rights::RESET).len(), 1, "perhaps a group of the holder");
        assert_eq!(words(&[entry(12, 0, CONTROL_ACCESS, reset, &who(1)), allow.clone()], rights::RESET).len(), 1);
        assert_eq!(
            words(&[entry(6, 8, CONTROL_ACCESS, reset, &who(1)), allow], rights::RESET).len(),
            1,
            "for children"
        );
        let every = entry(0, 0, CONTROL_ACCESS, None, &who(1));
        assert_eq!(words(&[deny(&who(1)), every], rights::RESET), [], "the one that matters is taken out of all");
        let full = entry(0, 0, FULL_CONTROL, None, &who(1));
        let no_list = entry(1, 0, WRITE_LIST, None, &who(1));
        assert_eq!(words(&[no_list, full], rights::RESET), [(1, "Modify owner")], "what is left still counts");
    }

    #[test]
    fn an_open_list_and_an_owner_count() {
        let mut bytes = descriptor(Some(&who(9)), &[]);
        let owned = granted(&Descriptor::parse(&bytes).expect("whole"), rights::OVER, true);
        assert_eq!(owned, [Granted { trustee: who(9), words: "Owner" }]);
        assert_eq!(granted(&Descriptor::parse(&bytes).expect("whole"), rights::OVER, false), []);
        bytes[16..20].fill(0);
        let open = granted(&Descriptor::parse(&bytes).expect("whole"), rights::OVER, false);
        assert_eq!(open[0].trustee, Sid::from_parts(1, 0));
    }

    /// Slow and obvious: asks for one trustee and each right by walking the entries in order, as the
    /// access check does (MS-DTYP 2.5.3.2), for a caller who is this trustee and Everyone.
    fn oracle(entries: &[AccessEntry], trustee: &Sid, bit: u32, object: Option<u128>) -> bool {
        for entry in entries.iter().filter(|entry| entry.mask & bit != 0) {
            let speaks = match (entry.object, object) {
                (None, _) => true,
                (Some(limit), Some(object)) => limit.as_u128() == object,
                (Some(_), None) => false,
            };
            if !speaks || (entry.conditional && !entry.allows) {
                continue;
            }
            if !entry.allows && (entry.trustee == *trustee || entry.trustee == Sid::from_parts(1, 0)) {
                return false;
            }
            if entry.allows && entry.trustee == *trustee {
                return true;
            }
        }
        false
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2048))]

        #[test]
        fn single_rights_agree_with_a_walk_of_the_list(
            rows in prop::collection::vec((any::<bool>(), any::<bool>(), 0usize..4, 0usize..3, 0u32..4), 0..8),
        ) {
            let reset = 0x0029_9570_246d_11d0_a768_00aa_006e_0529;
            let objects = [None, Some(Uuid::from_u128(reset)), Some(Uuid::from_u128(5))];
            let masks = [CONTROL_ACCESS, WRITE_LIST, WRITE_PROPERTY, CONTROL_ACCESS | WRITE_LIST];
            let entries: Vec<AccessEntry> = rows
                .iter()
                .map(|(allows, conditional, mask, object, trustee)| AccessEntry {
                    allows: *allows,
                    conditional: *conditional,
                    mask: masks[*mask],
                    object: objects[*object],
                    trustee: if *trustee == 0 { Sid::from_parts(1, 0) } else { who(*trustee) },
                })
                .collect();
            let descriptor = Descriptor { owner: None, list: AccessList::Entries(entries.clone()) };
            let right = Right { words: "Reset Password", reach: Reach::Limited(CONTROL_ACCESS, &[0x0029_9570_246d_11d0_a768_00aa_006e_0529]) };
            let found = granted(&descriptor, &[right], false);
            for n in 1..4 {
                let expected = oracle(&entries, &who(n), CONTROL_ACCESS, Some(reset));
                prop_assert_eq!(found.iter().any(|one| one.trustee == who(n)), expected);
            }
        }
    }
}
