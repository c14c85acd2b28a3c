//! Cursors of listings: opaque, with characters that whoever decodes and encodes them again spoils.

use super::service::Service;
use crate::mock_http::{Call, opaque};

/// A plus sign that is none, and two equals signs that are encoded.
const BEFORE: &str = "200u+";
const BEHIND: &str = "%3D%3D";

/// A cursor of numbers, as it stands in an address.
pub(super) fn write<const N: usize>(seed: u64, used_for: &str, numbers: [u64; N]) -> String {
    format!("{BEFORE}{}{BEHIND}", opaque::write(seed, used_for, numbers))
}

/// The numbers of a cursor, where it is for this use and came back as it was given.
pub(super) fn read<const N: usize>(seed: u64, used_for: &str, text: &str) -> Option<[u64; N]> {
    opaque::read(seed, used_for, text.strip_prefix(BEFORE)?.strip_suffix(BEHIND)?)
}

/// The cursor of a request, as it stands in the address.
pub(super) fn given(call: &Call) -> Option<&str> {
    call.query.as_deref()?.split('&').find_map(|pair| pair.strip_prefix("after="))
}

/// The query without some parameters: a cursor belongs to one query.
pub(super) fn binding(call: &Call, without: &[&str]) -> String {
    let query = call.query.as_deref().unwrap_or_default();
    let others = query.split('&').filter(|pair| {
        let name = pair.split('=').next().unwrap_or_default();
        !pair.is_empty() && !without.contains(&name)
    });
    others.collect::<Vec<_>>().join("&")
}

/// The address of a page.
pub(super) fn address(service: &Service, path: &str, after: Option<&str>, limit: usize, binding: &str) -> String {
    let after = after.map(|after| format!("after={after}&")).unwrap_or_default();
    let rest = if binding.is_empty() { String::new() } else { format!("&{binding}") };
    format!("{}{path}?{after}limit={limit}{rest}", service.url)
}
