//! What the mock counts of a run.

/// How much a mock was asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Connections that were accepted.
    pub connections: u64,
    /// Requests to Graph; a batch is one.
    pub requests: u64,
    /// Requests for tokens.
    pub token_requests: u64,
    /// Tokens that were given.
    pub tokens: u64,
    /// Batches.
    pub batches: u64,
    /// Requests within batches.
    pub parts: u64,
    /// Answers 401.
    pub unauthenticated: u64,
    /// Answers 429, those within batches among them.
    pub throttled: u64,
    /// Pages of listings.
    pub pages: u64,
    /// Passwords that took effect.
    pub passwords: u64,
    /// Faults that were made.
    pub faults: u64,
    /// Requests being worked on now, tokens not counted.
    pub in_flight: u64,
    /// The most that were at once.
    pub most_in_flight: u64,
}
