//! Mock directories, synthetic organisations and the conformance suite of identity-reset: for our
//! own tests, and for authors of backends.

pub mod conformance;
pub mod fault;
pub mod memory;
pub mod mock_ad;
pub mod organisation;
pub mod security;
