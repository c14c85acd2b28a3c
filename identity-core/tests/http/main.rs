//! The HTTP layer over sockets of this machine, and over a transport in the process.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test panics when it fails, also outside its own function"
)]

mod attempts;
mod dpop;
mod grant;
mod keys;
mod network;
mod proxy;
mod reads;
mod secrets;
mod support;
mod tls;
mod tokens;
