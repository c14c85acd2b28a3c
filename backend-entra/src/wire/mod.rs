//! What Graph says and is told, as it stands on the wire. No meaning is read into it here.

pub(crate) mod batch;
pub(crate) mod change;
pub(crate) mod fault;
pub(crate) mod group;
pub(crate) mod method;
pub(crate) mod page;
pub(crate) mod registration;
pub(crate) mod role;
pub(crate) mod tenant;
pub(crate) mod user;

use serde::{Deserialize, Deserializer};

/// Graph writes `null` where it has nothing, also for objects and lists.
pub(crate) fn null_as_none<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}
