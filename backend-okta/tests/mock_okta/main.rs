//! The backend against a mock of Okta, over its wire.

mod changes;
mod listing;
mod sign_in;
mod stage;
