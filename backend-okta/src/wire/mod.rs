//! What is on the wire.

pub(crate) mod fault;
pub(crate) mod link;
