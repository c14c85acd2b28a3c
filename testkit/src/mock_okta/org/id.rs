//! Ids of twenty characters that need no table: the number of the object is inside.

use crate::organisation::draw;

const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Odd, so that it has an inverse; and below 62^9.
const STRIDE: u64 = 0x5DEE_CE66_D6A5;
const MASK: u64 = (1 << 48) - 1;
/// Characters of the number.
const NUMBER: usize = 9;
/// Characters that are drawn, so that an id cannot be guessed from another.
const DRAWN: usize = 4;
/// The last characters are the same in every id of an org.
const ORG: usize = 4;

/// The id of an object: `prefix` is `00u` for users, `00g` for groups, …
pub(in crate::mock_okta) fn id(seed: u64, prefix: &str, number: u64) -> String {
    let node = number.wrapping_mul(STRIDE).wrapping_add(draw::draw(seed, 0, prefix)) & MASK;
    let mut id = String::from(prefix);
    write(&mut id, node, NUMBER);
    write(&mut id, draw::draw(seed, number, prefix), DRAWN);
    write(&mut id, draw::draw(seed, 0, "org"), ORG);
    id
}

/// The number of the object that has this id.
pub(in crate::mock_okta) fn number_of(seed: u64, prefix: &str, given: &str) -> Option<u64> {
    let digits = given.strip_prefix(prefix)?.as_bytes().get(..NUMBER)?;
    let mut node: u64 = 0;
    for digit in digits {
        let value = LETTERS.iter().position(|letter| letter == digit)?;
        node = node.checked_mul(62)?.checked_add(value as u64)?;
    }
    let number = node.wrapping_sub(draw::draw(seed, 0, prefix)).wrapping_mul(inverse(STRIDE)) & MASK;
    (id(seed, prefix, number) == given).then_some(number)
}

fn write(to: &mut String, mut value: u64, length: usize) {
    let mut digits = [b'0'; 16];
    for digit in digits.iter_mut().take(length).rev() {
        *digit = LETTERS.get((value % 62) as usize).copied().unwrap_or(b'0');
        value /= 62;
    }
    to.extend(digits.iter().take(length).map(|digit| char::from(*digit)));
}

/// The inverse modulo 2^64 of an odd number, by Newton's iteration.
fn inverse(odd: u64) -> u64 {
    let mut x = odd;
    for _ in 0..6 {
        x = x.wrapping_mul(2u64.wrapping_sub(odd.wrapping_mul(x)));
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_twenty_characters_and_leads_back_to_its_number() {
        for number in [0, 1, 2, 61, 62, 12_345, 99_999, 1 << 40] {
            let given = id(7, "00u", number);
            assert_eq!(given.len(), 20, "{given}");
            assert_eq!(number_of(7, "00u", &given), Some(number), "{given}");
            assert_eq!(number_of(8, "00u", &given), None);
            assert_eq!(number_of(7, "00g", &given), None);
        }
        assert_eq!(number_of(7, "00u", "00u"), None);
        assert_eq!(number_of(7, "00u", "00u\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}"), None);
    }
}
