//! Mock directories, synthetic organisations, and the conformance suite of identity-reset.

pub mod conformance;
