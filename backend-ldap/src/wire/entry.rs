//! Entries of a search, decoded without trust: what is malformed is an error, not a panic.

use ldap3::asn1::{PL, StructureTag};
use uuid::Uuid;

use crate::value::sid::Sid;
use crate::value::{guid, time};

/// One entry: its distinguished name, and the values of its attributes as bytes. Attribute names
/// are in lower case, without options.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) dn: String,
    /// A few dozen at most: found sooner one by one than by a hash of each name.
    attributes: Vec<(String, Vec<Vec<u8>>)>,
    /// Attributes that the server sent in parts.
    parts: Vec<Part>,
}

/// Which of an attribute's values an answer has.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    name: String,
    /// The index of its first value.
    first: u64,
    /// The index of the value after it; `None` where it is the last part.
    next: Option<u64>,
}

/// An answer that is not an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

impl Entry {
    /// Decodes a SearchResultEntry (RFC 4511 4.5.2).
    pub(crate) fn decode(tag: StructureTag) -> Result<Self, Malformed> {
        let mut parts = constructed(tag)?.into_iter();
        let dn = text(primitive(parts.next())?)?;
        let mut entry = Self { dn, ..Self::default() };
        for attribute in constructed(parts.next().ok_or(Malformed)?)? {
            let mut parts = constructed(attribute)?.into_iter();
            let mut name = text(primitive(parts.next())?)?;
            name.make_ascii_lowercase();
            let values: Vec<Vec<u8>> = constructed(parts.next().ok_or(Malformed)?)?
                .into_iter()
                .map(|value| primitive(Some(value)))
                .collect::<Result<_, _>>()?;
            entry.add(name, values)?;
        }
        Ok(entry)
    }

    /// Adds values under a name that may carry options: `member;range=0-1499`.
    fn add(&mut self, mut name: String, values: Vec<Vec<u8>>) -> Result<(), Malformed> {
        let base = name.split(';').next().unwrap_or_default().len();
        for option in name.split(';').skip(1) {
            let Some(range) = option.strip_prefix("range=") else { continue };
            let (first, next) = part(range)?;
            self.parts.push(Part { name: name.get(..base).unwrap_or_default().to_owned(), first, next });
        }
        name.truncate(base);
        self.extend(name, values);
        Ok(())
    }

    fn extend(&mut self, name: String, values: Vec<Vec<u8>>) {
        match self.attributes.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => known.extend(values),
            None => self.attributes.push((name, values)),
        }
    }

    /// The values of an attribute, by its name in lower case.
    pub(crate) fn values(&self, name: &str) -> &[Vec<u8>] {
        debug_assert!(!name.contains(|c: char| c.is_ascii_uppercase()), "names are looked up in lower case: {name}");
        self.attributes.iter().find(|(known, _)| known == name).map_or(&[], |(_, values)| values.as_slice())
    }

    /// The first value.
    pub(crate) fn bytes(&self, name: &str) -> Option<&[u8]> {
        self.values(name).first().map(Vec::as_slice)
    }

    /// The first value as text, unless it is empty or not text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.bytes(name).and_then(|bytes| std::str::from_utf8(bytes).ok()).filter(|text| !text.is_empty())
    }

    /// All values that are text.
    pub(crate) fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        self.values(name).iter().filter_map(|bytes| std::str::from_utf8(bytes).ok())
    }

    /// The first value as a number.
    pub(crate) fn number(&self, name: &str) -> Option<i64> {
        self.bytes(name).and_then(time::integer)
    }

    /// The first value as a SID.
    pub(crate) fn sid(&self, name: &str) -> Option<Sid> {
        self.bytes(name).and_then(Sid::parse)
    }

    /// The object's GUID.
    pub(crate) fn guid(&self) -> Option<Uuid> {
        self.bytes("objectguid").and_then(guid::parse)
    }

    /// The index of the next value of an attribute that came in part.
    pub(crate) fn next_range(&self, name: &str) -> Option<u64> {
        self.parts.iter().find(|part| part.name == name)?.next
    }

    /// Whether the values that are there are not those from the first on.
    pub(crate) fn lacks_first_part(&self, name: &str) -> bool {
        self.parts.iter().any(|part| part.name == name && part.first != 0)
    }

    /// Takes over the next part of an attribute from an answer that asked for it.
    ///
    /// # Errors
    /// When the answer has no part of it, or one that does not begin where the part before ended:
    /// whoever passes over that misses values.
    pub(crate) fn take_range(&mut self, name: &str, answer: &mut Self) -> Result<(), Malformed> {
        let place = answer.parts.iter().position(|part| part.name == name).ok_or(Malformed)?;
        let part = answer.parts.swap_remove(place);
        if self.next_range(name) != Some(part.first) || part.next.is_some_and(|next| next <= part.first) {
            return Err(Malformed);
        }
        self.parts.retain(|known| known.name != name);
        self.parts.push(part);
        let values =
            answer.attributes.iter_mut().find(|(known, _)| known == name).map(|(_, values)| std::mem::take(values));
        self.extend(name.to_owned(), values.unwrap_or_default());
        Ok(())
    }
}

/// The index of a part's first value and of the value after it, from its range (MS-ADTS 3.1.1.3.1.3.3);
/// `None` for the last part, `…-*`. A range that cannot be read is no end: who believes that misses values.
fn part(range: &str) -> Result<(u64, Option<u64>), Malformed> {
    let (first, last) = range.split_once('-').ok_or(Malformed)?;
    let first = number(first)?;
    if last == "*" {
        return Ok((first, None));
    }
    let last = number(last)?;
    let next = last.checked_add(1).filter(|_| last >= first).ok_or(Malformed)?;
    Ok((first, Some(next)))
}

/// Digits and nothing else: `parse` alone would take a sign.
fn number(digits: &str) -> Result<u64, Malformed> {
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        digits.parse().map_err(|_| Malformed)
    } else {
        Err(Malformed)
    }
}

fn constructed(tag: StructureTag) -> Result<Vec<StructureTag>, Malformed> {
    match tag.payload {
        PL::C(parts) => Ok(parts),
        PL::P(_) => Err(Malformed),
    }
}

fn primitive(tag: Option<StructureTag>) -> Result<Vec<u8>, Malformed> {
    match tag.map(|tag| tag.payload) {
        Some(PL::P(bytes)) => Ok(bytes),
        _ => Err(Malformed),
    }
}

fn text(bytes: Vec<u8>) -> Result<String, Malformed> {
    String::from_utf8(bytes).map_err(|_| Malformed)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use ldap3::asn1::TagClass;
    use proptest::prelude::*;

    /// An entry for tests of what reads entries.
    pub(crate) fn entry(dn: &str, attributes: &[(&str, &[&[u8]])]) -> Entry {
        let mut entry = Entry { dn: dn.to_owned(), ..Entry::default() };
        for (name, values) in attributes {
            let values = values.iter().map(|value| value.to_vec()).collect();
            entry.add(name.to_lowercase(), values).expect("well-formed");
        }
        entry
    }

    fn octets(bytes: &[u8]) -> StructureTag {
        StructureTag { class: TagClass::Universal, id: 4, payload: PL::P(bytes.to_vec()) }
    }

    fn sequence(parts: Vec<StructureTag>) -> StructureTag {
        StructureTag { class: TagClass::Universal, id: 16, payload: PL::C(parts) }
    }

    fn attribute(name: &[u8], values: &[&[u8]]) -> StructureTag {
        sequence(vec![octets(name), sequence(values.iter().map(|value| octets(value)).collect())])
    }

    #[test]
    fn binary_text_and_ranged_values_are_found_by_one_name() {
        let tag = sequence(vec![
            octets(b"CN=x"),
            sequence(vec![
                attribute(b"objectSid", &[&[0xff, 0xfe]]),
                attribute(b"Member;range=0-1", &[b"a", b"b"]),
                attribute(b"member", &[]),
                attribute(b"memberOf;range=0-*", &[b"g"]),
            ]),
        ]);
        let entry = Entry::decode(tag).expect("well-formed");
        assert_eq!(entry.bytes("objectsid"), Some(&[0xff, 0xfe][..]));
        assert_eq!(entry.values("member").len(), 2);
        assert_eq!(entry.next_range("member"), Some(2));
        assert_eq!(entry.next_range("memberof"), None, "a star is the end");
        assert_eq!(entry.text("memberof"), Some("g"));
    }

    #[test]
    fn a_range_that_cannot_be_read_is_not_taken_for_the_end() {
        let decoded = |option: &str| {
            let name = format!("member;{option}");
            Entry::decode(sequence(vec![octets(b"CN=x"), sequence(vec![attribute(name.as_bytes(), &[b"a"])])]))
        };
        for option in [
            "range=",
            "range=0",
            "range=0-",
            "range=-*",
            "range=-1",
            "range=0-x",
            "range=x-*",
            "range=0--1",
            "range=+0-1",
            "range=0-+1",
            "range=0-**",
            "range=2-1",
            "range=0-18446744073709551615",
            "range=0-18446744073709551616",
            "range= 0-1",
            "range=0-1 ",
            "RANGE=0-",
            "binary;range=0-",
            "range=0-1-2",
        ] {
            assert_eq!(decoded(option), Err(Malformed), "{option}");
        }
        for (option, next) in [
            ("range=0-*", None),
            ("range=1500-*", None),
            ("Range=0-1499", Some(1500)),
            ("range=0-0", Some(1)),
            ("range=0-18446744073709551614", Some(u64::MAX)),
            ("binary", None),
        ] {
            assert_eq!(decoded(option).map(|entry| entry.next_range("member")), Ok(next), "{option}");
        }
    }

    #[test]
    fn parts_of_a_range_are_joined() {
        let mut whole = super::tests::entry("CN=x", &[("member;range=0-1", &[b"a", b"b"])]);
        assert!(!whole.lacks_first_part("member"));
        assert!(super::tests::entry("CN=x", &[("member;range=1-*", &[b"b"])]).lacks_first_part("member"));
        let mut part = |name: &str, values: &[&[u8]]| {
            whole.take_range("member", &mut super::tests::entry("CN=x", &[(name, values)]))
        };
        assert_eq!(part("member;range=3-*", &[b"d"]), Err(Malformed), "one was passed over");
        assert_eq!(part("member;range=1-*", &[b"b"]), Err(Malformed), "one comes again");
        assert_eq!(part("member", &[b"c"]), Err(Malformed), "no part at all");
        assert_eq!(part("member;range=2-3", &[b"c", b"d"]), Ok(()));
        assert_eq!(whole.next_range("member"), Some(4));
        let mut last = super::tests::entry("CN=x", &[("member;range=4-*", &[b"e"])]);
        assert_eq!(whole.take_range("member", &mut last), Ok(()));
        assert_eq!(whole.next_range("member"), None);
        assert_eq!(whole.texts("member").collect::<String>(), "abcde");
    }

    fn any_tag() -> impl Strategy<Value = StructureTag> {
        let leaf = prop::collection::vec(any::<u8>(), 0..12).prop_map(|bytes| octets(&bytes));
        leaf.prop_recursive(5, 40, 6, |inner| prop::collection::vec(inner, 0..6).prop_map(sequence))
    }

    proptest! {
        #[test]
        fn any_structure_is_an_entry_or_not(tag in any_tag()) {
            let _ = Entry::decode(tag);
        }
    }
}
