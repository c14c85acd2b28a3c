//! What the mock counts of a run.

/// How much a mock was asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Connections that were accepted.
    pub connections: u64,
    /// Requests to the management API.
    pub requests: u64,
    /// Requests for tokens, those for a nonce among them.
    pub token_requests: u64,
    /// Tokens that were given.
    pub tokens: u64,
    /// Answers 401.
    pub unauthenticated: u64,
    /// Answers 429, for whatever reason.
    pub throttled: u64,
    /// Of these, those for too many requests at once.
    pub over_concurrency: u64,
    /// Pages of listings of users.
    pub pages: u64,
    /// Passwords that took effect.
    pub passwords: u64,
    /// Mails to users.
    pub mails: u64,
    /// Users that were turned from federated into ones with a password: irreversible, and to be 0.
    pub conversions: u64,
    /// Faults that were made.
    pub faults: u64,
    /// Requests being worked on now, tokens not counted.
    pub in_flight: u64,
    /// The most that were at once.
    pub most_in_flight: u64,
}
