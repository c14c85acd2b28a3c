//! The backend on the mock of Microsoft Graph, over sockets.

mod changes;
mod listing;
mod sign_in;
mod stage;
