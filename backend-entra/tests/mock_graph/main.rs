//! The backend on the mock of Microsoft Graph, over sockets.

mod changes;
mod inside;
mod listing;
mod orders;
mod pace;
mod sign_in;
mod stage;
