//! The room of rate limits: one bucket for each group of endpoints, a window of 60 seconds that the
//! first request opens, and a principal's share of it in percent. As seen in recordings of the API:
//! refusals count, and the second of the reset belongs to the next window.

use std::collections::BTreeMap;

use jiff::Timestamp;

/// How long a window is, in seconds.
const WINDOW: i64 = 60;

/// A bucket of the org.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Bucket {
    /// `/api/v1/users`: listing, creating, and every path below a user.
    Users,
    /// `GET /api/v1/users/{id}`.
    User,
    /// `POST`, `PUT` and `DELETE /api/v1/users/{id}`.
    UserWrite,
    /// `/api/v1/groups`.
    Groups,
    /// `/api/v1/iam`.
    Iam,
    /// `/api/v1/logs`.
    Logs,
    /// The rest of `/api/v1`: policies, tokens.
    Rest,
    /// `/api/v1/principal-rate-limits`.
    PrincipalRateLimits,
    /// `/oauth2/v1/clients`.
    Clients,
    /// `/oauth2/v1/token`.
    Token,
}

impl Bucket {
    /// Every bucket.
    pub const ALL: [Self; 10] = [
        Self::Users,
        Self::User,
        Self::UserWrite,
        Self::Groups,
        Self::Iam,
        Self::Logs,
        Self::Rest,
        Self::PrincipalRateLimits,
        Self::Clients,
        Self::Token,
    ];

    /// What an org of the workforce edition may do in a minute (the last table that Okta published;
    /// iam and principal-rate-limits by what was seen at a share of one half).
    #[must_use]
    pub fn published(self) -> u32 {
        match self {
            Self::Users | Self::UserWrite => 600,
            Self::User | Self::Token => 2_000,
            Self::Groups => 1_000,
            Self::Iam | Self::PrincipalRateLimits => 200,
            Self::Logs => 120,
            Self::Rest => 1_200,
            Self::Clients => 100,
        }
    }
}

/// What a bucket has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BucketUse {
    /// The bucket.
    pub bucket: Bucket,
    /// What the org may do in a window.
    pub limit: u32,
    /// Requests over all time, those refused among them; without other consumers'.
    pub used: u64,
    /// How many were refused.
    pub refused: u64,
    /// The most in one window, those refused among them.
    pub most_in_window: u64,
}

/// What a principal may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Of every bucket, in percent.
    pub percentage: u32,
    /// Of the requests at once, in percent.
    pub concurrency_percentage: u32,
}

impl Default for Share {
    fn default() -> Self {
        Self { percentage: 50, concurrency_percentage: 75 }
    }
}

/// What the quotas say to a request: the three headers, and whether it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) limit: u32,
    pub(super) remaining: u32,
    /// In seconds of the epoch.
    pub(super) reset: i64,
    pub(super) refused: bool,
}

#[derive(Debug, Default)]
struct Window {
    reset: i64,
    /// By everybody.
    used: u32,
    by: BTreeMap<String, u32>,
    asked: u64,
}

#[derive(Debug)]
struct Meter {
    limit: u32,
    /// What others use at the beginning of every window.
    others: u32,
    window: Window,
    used: u64,
    refused: u64,
    most_in_window: u64,
}

/// Every bucket, and who may use how much of it.
#[derive(Debug)]
pub(super) struct Quotas {
    pub(super) enforced: bool,
    /// Requests at once, for the whole org.
    pub(super) concurrency: u32,
    meters: BTreeMap<Bucket, Meter>,
    shares: BTreeMap<String, Share>,
}

impl Default for Quotas {
    fn default() -> Self {
        let meter = |bucket: Bucket| Meter {
            limit: bucket.published(),
            others: 0,
            window: Window::default(),
            used: 0,
            refused: 0,
            most_in_window: 0,
        };
        Self {
            enforced: true,
            concurrency: 75,
            meters: Bucket::ALL.into_iter().map(|bucket| (bucket, meter(bucket))).collect(),
            shares: BTreeMap::new(),
        }
    }
}

impl Quotas {
    pub(super) fn set_limit(&mut self, bucket: Bucket, limit: u32) {
        if let Some(meter) = self.meters.get_mut(&bucket) {
            meter.limit = limit;
        }
    }

    pub(super) fn set_others(&mut self, bucket: Bucket, in_every_window: u32) {
        if let Some(meter) = self.meters.get_mut(&bucket) {
            meter.others = in_every_window;
        }
    }

    /// Others use so much of the window of now.
    pub(super) fn others_use(&mut self, bucket: Bucket, requests: u32, now: Timestamp) {
        if let Some(meter) = self.meters.get_mut(&bucket) {
            meter.open(now.as_second());
            meter.window.used = meter.window.used.saturating_add(requests);
        }
    }

    /// What a principal may use; where nothing was set, half of every bucket.
    pub(super) fn share(&self, principal: &str) -> Share {
        self.shares.get(principal).copied().unwrap_or_default()
    }

    pub(super) fn set_share(&mut self, principal: &str, share: Share) {
        self.shares.insert(principal.to_owned(), share);
    }

    /// Requests at once that a principal may have.
    pub(super) fn concurrency_of(&self, principal: &str) -> u64 {
        u64::from(part(self.concurrency, self.share(principal).concurrency_percentage))
    }

    pub(super) fn attempt(&mut self, bucket: Bucket, principal: &str, now: Timestamp) -> Option<Verdict> {
        let share = self.share(principal);
        let meter = self.meters.get_mut(&bucket)?;
        let limit = part(meter.limit, share.percentage);
        meter.open(now.as_second());
        let window = &mut meter.window;
        let own = window.by.entry(principal.to_owned()).or_default();
        let refused = self.enforced && (*own >= limit || window.used >= meter.limit);
        meter.used += 1;
        window.asked += 1;
        meter.most_in_window = meter.most_in_window.max(window.asked);
        if refused {
            meter.refused += 1;
        } else {
            *own += 1;
            window.used += 1;
        }
        let remaining = limit.saturating_sub(*own).min(meter.limit.saturating_sub(window.used));
        Some(Verdict { limit, remaining: if refused { 0 } else { remaining }, reset: window.reset, refused })
    }

    pub(super) fn uses(&self) -> Vec<BucketUse> {
        let uses = self.meters.iter().map(|(bucket, meter)| BucketUse {
            bucket: *bucket,
            limit: meter.limit,
            used: meter.used,
            refused: meter.refused,
            most_in_window: meter.most_in_window,
        });
        uses.collect()
    }
}

impl Meter {
    /// The window of now; the first request after the one before opens it.
    fn open(&mut self, now: i64) {
        if now >= self.window.reset {
            self.window = Window { reset: now + WINDOW, used: self.others, ..Window::default() };
        }
    }
}

/// So many percent, at least one.
fn part(of: u32, percentage: u32) -> u32 {
    u32::try_from(u64::from(of) * u64::from(percentage) / 100).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_first_request_opens_a_window_and_the_second_of_the_reset_belongs_to_the_next() {
        let mut quotas = Quotas::default();
        quotas.set_limit(Bucket::Users, 4);
        let mut ask = |second| {
            let said = quotas.attempt(Bucket::Users, "a", at(second)).unwrap();
            (said.limit, said.remaining, said.reset, said.refused)
        };
        assert_eq!(ask(1_000), (2, 1, 1_060, false), "the half of four");
        assert_eq!(ask(1_059), (2, 0, 1_060, false));
        assert_eq!(ask(1_059), (2, 0, 1_060, true));
        assert_eq!(ask(1_060), (2, 1, 1_120, false));
    }

    #[test]
    fn others_and_shares_leave_less() {
        let mut quotas = Quotas::default();
        quotas.set_limit(Bucket::Iam, 10);
        quotas.set_share("a", Share { percentage: 80, ..Share::default() });
        quotas.set_others(Bucket::Iam, 9);
        let first = quotas.attempt(Bucket::Iam, "a", at(0)).unwrap();
        assert_eq!((first.limit, first.remaining, first.refused), (8, 0, false));
        assert!(quotas.attempt(Bucket::Iam, "b", at(1)).unwrap().refused, "the org's own limit");
        quotas.set_others(Bucket::Iam, 0);
        assert_eq!(quotas.attempt(Bucket::Iam, "a", at(60)).unwrap().remaining, 7);
        quotas.others_use(Bucket::Iam, 9, at(61));
        assert!(quotas.attempt(Bucket::Iam, "a", at(62)).unwrap().refused);
    }
}
