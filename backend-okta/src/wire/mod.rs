//! What is on the wire.

use serde::{Deserialize, Deserializer};

pub(crate) mod change;
pub(crate) mod fault;
pub(crate) mod group;
pub(crate) mod link;
pub(crate) mod log;
pub(crate) mod policy;
pub(crate) mod role;
pub(crate) mod secret;
pub(crate) mod user;

/// Okta writes `null` where it has nothing, also for objects and lists.
pub(crate) fn null_as_none<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}
