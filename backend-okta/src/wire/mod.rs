//! What is on the wire.

pub(crate) mod change;
pub(crate) mod fault;
pub(crate) mod link;
pub(crate) mod secret;
