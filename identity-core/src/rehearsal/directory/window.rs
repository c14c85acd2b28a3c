//! What the server counts: its own windows, whatever its caller keeps to.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::limits::{OperationClass, Quota, WindowHint, clock};

/// One quota as the server enforces it.
#[derive(Debug)]
pub(super) struct Window {
    permits: u32,
    length: Duration,
    costs: Vec<(OperationClass, u32)>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// So many permits in any span of the window's length.
    Rolling { uses: VecDeque<(Instant, u32)>, used: u32 },
    /// So many in windows that the first request after the last one's end opens; each answer tells.
    Fixed { opened: Option<Instant>, ends_at: u64, used: u32 },
}

impl Window {
    pub(super) fn new(quota: &Quota, really: Option<u32>) -> Self {
        let kind = if quota.learnt {
            Kind::Fixed { opened: None, ends_at: 0, used: 0 }
        } else {
            Kind::Rolling { uses: VecDeque::new(), used: 0 }
        };
        Self {
            permits: really.unwrap_or_else(|| quota.permits.get()),
            length: quota.window,
            costs: quota.costs.clone(),
            kind,
        }
    }

    fn cost(&self, class: OperationClass) -> u32 {
        self.costs.iter().find(|(priced, _)| *priced == class).map_or(0, |(_, cost)| *cost)
    }

    /// Takes what the operation costs, or says how long it has to wait.
    fn take(
        &mut self,
        class: OperationClass,
        now: Instant,
    ) -> Result<Option<WindowHint>, (Duration, Option<WindowHint>)> {
        let cost = self.cost(class);
        if cost == 0 {
            return Ok(None);
        }
        match &mut self.kind {
            Kind::Rolling { uses, used } => {
                while let Some((at, gone)) = uses.front().copied()
                    && now.duration_since(at) >= self.length
                {
                    *used -= gone;
                    uses.pop_front();
                }
                if used.saturating_add(cost) > self.permits {
                    let oldest = uses.front().map_or(now, |(at, _)| *at);
                    return Err((self.length.saturating_sub(now.duration_since(oldest)), None));
                }
                *used += cost;
                match uses.back_mut() {
                    Some((at, count)) if *at == now => *count += cost,
                    _ => uses.push_back((now, cost)),
                }
                Ok(None)
            }
            Kind::Fixed { opened, ends_at, used } => {
                let date = u64::try_from(clock::now().as_second()).unwrap_or_default();
                let begun = opened.filter(|opened| now.duration_since(*opened) < self.length);
                let began = begun.unwrap_or_else(|| {
                    // The second at which it ends, rounded up: it is over by then.
                    *ends_at = date + self.length.as_secs() + 1;
                    *used = 0;
                    now
                });
                *opened = Some(began);
                let refused = used.saturating_add(cost) > self.permits;
                if !refused {
                    *used += cost;
                }
                let hint =
                    WindowHint::by_server_clock(self.permits, self.permits.saturating_sub(*used), *ends_at, date);
                let wait = self.length.saturating_sub(now.duration_since(began));
                if refused { Err((wait, Some(hint))) } else { Ok(Some(hint)) }
            }
        }
    }
}

/// Whether a request is let in, and what the server says of its window.
pub(super) type Admitted = Result<Option<WindowHint>, (Duration, Option<WindowHint>)>;

/// Lets an operation in where every window has room for it.
pub(super) fn admit(windows: &mut [Window], class: OperationClass, now: Instant) -> Admitted {
    let mut told = None;
    for window in windows {
        told = window.take(class, now)?.or(told);
    }
    Ok(told)
}
