//! How many requests may be in flight: grows while all is well, is cut when it is not.

use std::time::Duration;

use super::Pacing;

/// The part of the ceiling that is left after trouble.
const CUT: f64 = 0.5;
/// Growth begins (and begins anew after a cut) at this part of what is aimed for.
const START: f64 = 0.25;

/// How many requests may be in flight.
#[derive(Debug)]
pub(super) struct Ceiling {
    most: f64,
    now: f64,
    /// Below this it grows by one per request (doubling per round trip), above by one per round
    /// trip.
    quick_below: f64,
    /// Served responses whose permits have not come back yet.
    served: u32,
    /// Requests to come back that were out when the room was at least half full: they say how
    /// the server takes it.
    telling: u32,
    /// Requests to come back before slowness may cut again: those that were under way when it did.
    settling: u32,
}

impl Ceiling {
    pub(super) fn new(most: u32) -> Self {
        let most = f64::from(most);
        Self { most, now: (most * START).floor().max(1.0), quick_below: most, served: 0, telling: 0, settling: 0 }
    }

    /// The ceiling, at least 1.
    pub(super) fn get(&self) -> u32 {
        self.now as u32
    }

    /// Requests were granted, and so many are in flight now.
    pub(super) fn granted(&mut self, in_flight: u32) {
        if f64::from(in_flight) * 2.0 >= self.now {
            self.telling = self.telling.max(in_flight);
        }
    }

    /// A response came and was well.
    pub(super) fn served(&mut self) {
        self.served = self.served.saturating_add(1);
    }

    /// A request of this weight came back, `in_flight` of them having been out. The ceiling grows
    /// by what was served, and only where it was what held us back.
    pub(super) fn returned(&mut self, weight: u32, in_flight: u32) {
        let earned = weight.min(self.served);
        let telling = earned.min(self.telling);
        // A batch that is one request tells of many operations: the rest is not for later.
        self.served = (self.served - earned).min(in_flight.saturating_sub(weight));
        self.telling = self.telling.saturating_sub(weight);
        self.settling = self.settling.saturating_sub(weight);
        for _ in 0..telling {
            let step = if self.now < self.quick_below { 1.0 } else { 1.0 / self.now };
            self.now = (self.now + step).min(self.most);
        }
    }

    /// The server refused for pace or load: half, approached from below, so that an opening gate
    /// lets few pass at first.
    pub(super) fn refused(&mut self) {
        self.quick_below = (self.now * CUT).max(1.0);
        self.now = (self.quick_below * START).max(1.0);
        self.served = 0;
    }

    /// Answers became slow while `in_flight` requests were out.
    pub(super) fn slow(&mut self, in_flight: u32) {
        if self.settling == 0 {
            self.now = (self.now * CUT).max(1.0);
            self.quick_below = self.now;
            self.served = 0;
            self.settling = in_flight.max(1);
        }
    }
}

/// How long answers take: of late, and usually.
#[derive(Debug, Default)]
pub(super) struct Latency {
    seen: u32,
    of_late: f64,
    usually: f64,
}

impl Latency {
    const WARM_UP: u32 = 16;
    const OF_LATE: f64 = 1.0 / 8.0;
    const USUALLY: f64 = 1.0 / 128.0;

    /// Takes in an answer's latency; whether answers have become slow.
    pub(super) fn is_slow(&mut self, latency: Duration, pacing: &Pacing) -> bool {
        let seconds = latency.as_secs_f64();
        self.seen = self.seen.saturating_add(1);
        if self.seen <= Self::WARM_UP {
            let part = 1.0 / f64::from(self.seen);
            self.usually += (seconds - self.usually) * part;
            self.of_late = self.usually;
            return false;
        }
        self.of_late += (seconds - self.of_late) * Self::OF_LATE;
        self.usually += (seconds - self.usually) * Self::USUALLY;
        self.of_late > pacing.never_slow.as_secs_f64() && self.of_late > self.usually * pacing.slow_factor.max(1.0)
    }
}
