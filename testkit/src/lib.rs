//! Mock directories, synthetic organisations, and the conformance suite of identity-reset.

pub mod conformance;
pub mod fault;
pub mod memory;
pub mod organisation;
