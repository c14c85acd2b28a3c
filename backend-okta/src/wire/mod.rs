//! What is on the wire.

pub(crate) mod link;
pub(crate) mod policy;
pub(crate) mod role;
