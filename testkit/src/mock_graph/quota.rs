//! The room of quotas: what Microsoft publishes for identity and access (throttling limits of
//! Microsoft Graph, page of 2026-02-06), counted as the service counts: refused attempts too.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// How the service meters; the page speaks of token buckets and states windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Metering {
    /// No window of the stated length holds more than the stated number: the stricter reading.
    RollingWindow,
    /// A bucket of the stated number, refilled evenly over the stated time.
    TokenBucket,
}

/// How many objects the tenant has, by which Microsoft sizes its resource units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TenantSize {
    /// Fewer than 50 users: 3,500 resource units in 10 s.
    Small,
    /// 50 to 500 users: 5,000 resource units in 10 s.
    Medium,
    /// More than 500 users: 8,000 resource units in 10 s.
    Large,
}

/// What a quota has seen.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QuotaUse {
    /// The quota's name.
    pub name: &'static str,
    /// What may be used in any window.
    pub permits: u32,
    /// The window.
    pub window: Duration,
    /// What was used over all time, refused attempts among it.
    pub used: u64,
    /// How many requests were refused for it.
    pub refused: u64,
    /// The most that was used in any one window, refused attempts among it.
    pub most_in_window: u64,
}

/// What a request uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Charge {
    pub(super) units: u32,
    pub(super) writes: u32,
    pub(super) reports: u32,
    pub(super) sign_in_activity: u32,
    pub(super) identity_protection: u32,
}

/// What the quotas say to a request.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Verdict {
    pub(super) refused: Option<Refused>,
    /// The highest share that any quota of it was used to, from 0.8 on.
    pub(super) share: Option<f64>,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    /// `Tenant_Application/Write`, without the ids behind it.
    pub(super) scope: &'static str,
    pub(super) information: &'static str,
    pub(super) retry_after: Option<Duration>,
}

struct Rule {
    name: &'static str,
    permits: u32,
    seconds: u64,
    cost: fn(&Charge) -> u32,
    scope: &'static str,
    information: &'static str,
    /// Whether a refusal says when to come back.
    says_when: bool,
}

const RULES: &[Rule] = &[
    Rule {
        name: "writes of the app in the tenant",
        permits: 3_000,
        seconds: 150,
        cost: |charge| charge.writes,
        scope: "Tenant_Application/Write",
        information: "WriteLimitExceeded",
        says_when: true,
    },
    Rule {
        name: UNITS,
        permits: 8_000,
        seconds: 10,
        cost: |charge| charge.units,
        scope: "Tenant_Application/ReadWrite",
        information: "ResourceUnitLimitExceeded",
        says_when: true,
    },
    Rule {
        name: TENANT_WRITES,
        permits: 18_000,
        seconds: 300,
        cost: |charge| charge.writes,
        scope: "Tenant/Write",
        information: "WriteLimitExceeded",
        says_when: true,
    },
    Rule {
        name: "writes of the app in all tenants",
        permits: 35_000,
        seconds: 300,
        cost: |charge| charge.writes,
        scope: "Application/Write",
        information: "WriteLimitExceeded",
        says_when: true,
    },
    Rule {
        name: "resource units of the app in all tenants",
        permits: 150_000,
        seconds: 20,
        cost: |charge| charge.units,
        scope: "Application/ReadWrite",
        information: "ResourceUnitLimitExceeded",
        says_when: true,
    },
    Rule {
        name: "requests of the app in all tenants",
        permits: 130_000,
        seconds: 10,
        cost: |_| 1,
        scope: "Application/ReadWrite",
        information: "RequestLimitExceeded",
        says_when: true,
    },
    Rule {
        name: "reports and authentication methods",
        permits: 5,
        seconds: 10,
        cost: |charge| charge.reports,
        scope: "Tenant_Application/ReadWrite",
        information: "RequestLimitExceeded",
        says_when: true,
    },
    Rule {
        name: "sign-in activity",
        permits: 10,
        seconds: 60,
        cost: |charge| charge.sign_in_activity,
        scope: "Tenant_Application/Read",
        information: "RequestLimitExceeded",
        says_when: true,
    },
    Rule {
        name: "identity protection",
        permits: 1,
        seconds: 1,
        cost: |charge| charge.identity_protection,
        scope: "Tenant/ReadWrite",
        information: "RequestLimitExceeded",
        says_when: false,
    },
];

const UNITS: &str = "resource units of the app in the tenant";
const TENANT_WRITES: &str = "writes of all apps in the tenant";

/// Every quota while it runs.
#[derive(Debug)]
pub(super) struct Quotas {
    enforced: bool,
    metering: Metering,
    meters: Vec<Meter>,
}

impl Quotas {
    /// Quotas of a tenant, each multiplied by `scale`; those that are not enforced only count.
    pub(super) fn new(enforced: bool, metering: Metering, size: TenantSize, scale: f64) -> Self {
        let meters = RULES.iter().map(|rule| {
            let permits = match (rule.name, size) {
                (UNITS, TenantSize::Small) => 3_500,
                (UNITS, TenantSize::Medium) => 5_000,
                _ => rule.permits,
            };
            // A scale cannot be negative, and a quota of nothing would refuse for ever.
            let permits = ((f64::from(permits) * scale.max(0.0)).round() as u32).max(1);
            Meter::new(rule, permits)
        });
        Self { enforced, metering, meters: meters.collect() }
    }

    /// Counts an attempt and says whether it may go on.
    pub(super) fn attempt(&mut self, charge: &Charge, now: Instant) -> Verdict {
        let mut verdict = Verdict::default();
        for meter in &mut self.meters {
            let cost = (meter.rule.cost)(charge);
            if cost == 0 {
                continue;
            }
            let fits = meter.attempt(cost, now, self.metering);
            let share = meter.in_window as f64 / f64::from(meter.seen.permits);
            if self.enforced && share >= 0.8 {
                verdict.share = Some(verdict.share.map_or(share, |most| most.max(share)));
            }
            if self.enforced && !fits {
                meter.seen.refused += 1;
                let wait = meter.rule.says_when.then(|| meter.wait(cost, now, self.metering));
                verdict.refused.get_or_insert(Refused {
                    scope: meter.rule.scope,
                    information: meter.rule.information,
                    retry_after: wait,
                });
            }
        }
        verdict
    }

    /// Writes of other apps of the tenant, which the tenant's quota counts too.
    pub(super) fn others_write(&mut self, writes: u32, now: Instant) {
        let metering = self.metering;
        if let Some(meter) = self.meters.iter_mut().find(|meter| meter.rule.name == TENANT_WRITES) {
            meter.attempt(writes, now, metering);
        }
    }

    pub(super) fn uses(&self) -> Vec<QuotaUse> {
        self.meters.iter().map(|meter| meter.seen.clone()).collect()
    }
}

struct Meter {
    rule: &'static Rule,
    uses: VecDeque<(Instant, u32)>,
    in_window: u64,
    /// What is in the bucket, and since when.
    bucket: (f64, Option<Instant>),
    seen: QuotaUse,
}

impl std::fmt::Debug for Meter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Meter").field("in_window", &self.in_window).field("seen", &self.seen).finish_non_exhaustive()
    }
}

impl Meter {
    fn new(rule: &'static Rule, permits: u32) -> Self {
        let window = Duration::from_secs(rule.seconds);
        let seen = QuotaUse { name: rule.name, permits, window, used: 0, refused: 0, most_in_window: 0 };
        Self { rule, uses: VecDeque::new(), in_window: 0, bucket: (f64::from(permits), None), seen }
    }

    /// Counts an attempt; whether it fits.
    fn attempt(&mut self, cost: u32, now: Instant, metering: Metering) -> bool {
        while let Some((at, used)) = self.uses.front().copied() {
            if at + self.seen.window > now {
                break;
            }
            self.in_window -= u64::from(used);
            self.uses.pop_front();
        }
        let permits = f64::from(self.seen.permits);
        let passed = self.bucket.1.map_or(0.0, |since| now.saturating_duration_since(since).as_secs_f64());
        let there = (self.bucket.0 + passed * permits / self.seen.window.as_secs_f64()).min(permits);
        let fits = match metering {
            Metering::RollingWindow => self.in_window + u64::from(cost) <= u64::from(self.seen.permits),
            Metering::TokenBucket => there >= f64::from(cost),
        };
        // An attempt that is refused uses what there is.
        self.bucket = ((there - f64::from(cost)).max(0.0), Some(now));
        match self.uses.back_mut() {
            Some((at, used)) if *at == now => *used += cost,
            _ => self.uses.push_back((now, cost)),
        }
        self.in_window += u64::from(cost);
        self.seen.used += u64::from(cost);
        self.seen.most_in_window = self.seen.most_in_window.max(self.in_window);
        fits
    }

    /// How long until a cost fits if nothing is attempted before, in whole seconds.
    fn wait(&self, cost: u32, now: Instant, metering: Metering) -> Duration {
        let permits = f64::from(self.seen.permits);
        let wait = match metering {
            Metering::TokenBucket => {
                let missing = (f64::from(cost) - self.bucket.0).clamp(0.0, permits);
                Duration::from_secs_f64(missing * self.seen.window.as_secs_f64() / permits)
            }
            Metering::RollingWindow => {
                let mut over = (self.in_window + u64::from(cost)).saturating_sub(u64::from(self.seen.permits));
                let mut leaves = now;
                for (at, used) in &self.uses {
                    if over == 0 {
                        break;
                    }
                    over = over.saturating_sub(u64::from(*used));
                    leaves = *at + self.seen.window;
                }
                leaves.saturating_duration_since(now)
            }
        };
        Duration::from_secs(wait.as_secs_f64().ceil().max(1.0) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use identity_core::limits::clock;

    const WRITE: Charge = Charge { units: 1, writes: 1, reports: 0, sign_in_activity: 0, identity_protection: 0 };

    #[test]
    fn three_thousand_writes_fit_and_the_next_waits_for_the_first_to_leave() {
        let mut quotas = Quotas::new(true, Metering::RollingWindow, TenantSize::Large, 1.0);
        let start = clock::instant();
        for _ in 0..3_000 {
            assert!(quotas.attempt(&WRITE, start).refused.is_none());
        }
        let refused = quotas.attempt(&WRITE, start + Duration::from_secs(50)).refused.unwrap();
        assert_eq!(refused.information, "WriteLimitExceeded");
        assert_eq!(refused.retry_after, Some(Duration::from_secs(100)));
        assert!(quotas.attempt(&WRITE, start + Duration::from_secs(150)).refused.is_none());
        assert_eq!(quotas.uses()[0].most_in_window, 3_001);
    }

    #[test]
    fn refused_attempts_use_what_there_is() {
        for metering in [Metering::RollingWindow, Metering::TokenBucket] {
            let mut quotas = Quotas::new(true, metering, TenantSize::Large, 0.001);
            let start = clock::instant();
            let at = |seconds: u64| start + Duration::from_secs(seconds);
            for _ in 0..3 {
                assert!(quotas.attempt(&WRITE, start).refused.is_none());
            }
            // Whoever hammers on never gets in.
            for second in 1..=400 {
                assert!(quotas.attempt(&WRITE, at(second)).refused.is_some(), "{metering:?} {second}");
            }
            assert!(quotas.attempt(&WRITE, at(900)).refused.is_none(), "{metering:?}");
        }
    }

    #[test]
    fn identity_protection_does_not_say_when() {
        let mut quotas = Quotas::new(true, Metering::RollingWindow, TenantSize::Large, 1.0);
        let (now, charge) = (clock::instant(), Charge { identity_protection: 1, ..Charge::default() });
        assert!(quotas.attempt(&charge, now).refused.is_none());
        assert_eq!(quotas.attempt(&charge, now).refused.unwrap().retry_after, None);
    }
}
