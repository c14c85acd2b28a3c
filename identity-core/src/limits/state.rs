//! The state of a governor: one place that looks at gate, windows, quotas and ceiling together,
//! and grants all of them or none.

use std::sync::Arc;
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::{StdRng, SysRng};
use tokio::time::Instant;

use super::bucket::Bucket;
use super::ceiling::{Ceiling, Latency};
use super::gate::Gate;
use super::learnt::Leave;
use super::retry::between;
use super::window::{About, Window};
use super::{Feedback, GovernorStats, Limits, OperationClass, Pacing, QuotaStats, Signal, WindowHint};

/// A window that the server said was used up is over when it says so, and not all lanes go at that
/// instant: at most this much later.
const AFTER_RESET: Duration = Duration::from_secs(1);

/// The state of a governor.
pub(super) struct State {
    pub(super) pacing: Pacing,
    pub(super) rng: StdRng,
    pub(super) gate: Gate,
    pub(super) ceiling: Ceiling,
    /// What is in flight under the ceiling.
    pub(super) in_flight: u32,
    /// Reads in flight beside that, and the most of them.
    pub(super) beside: u32,
    reads_beside: u32,
    class_beside: OperationClass,
    pub(super) stats: GovernorStats,
    buckets: Vec<Bucket>,
    queues: Vec<Queue>,
    tickets: u64,
}

/// What waits for permits of one class, in the order it came: a class does not wait behind
/// another that waits for a quota of its own.
struct Queue {
    class: OperationClass,
    turn: Arc<tokio::sync::Mutex<()>>,
    /// The one at the head: its ticket, and what it waits for.
    head: Option<Head>,
    /// Operations of this class that are out.
    operations: u32,
    /// Closed by refusals that concern this class alone.
    gate: Gate,
    window: Window,
    latency: Latency,
    share: f64,
}

struct Head {
    ticket: u64,
    lacks: Vec<Resource>,
}

/// What heads of several queues can compete for. Whoever came first gets it first, so that a
/// large batch is not starved by small ones.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Resource {
    InFlight,
    Bucket(usize),
}

/// A place in a queue.
pub(super) struct Place {
    pub(super) queue: usize,
    pub(super) ticket: u64,
    /// Held by the head of the queue. tokio's mutex is first come, first served, and drops out
    /// of the line when cancelled.
    pub(super) turn: Arc<tokio::sync::Mutex<()>>,
}

/// What a hint told.
#[derive(Clone, Copy)]
struct Told {
    about: About,
    /// When the window that is open now ends, at the latest.
    ends: Option<Instant>,
    used_up: bool,
}

/// What a batch asks for.
#[derive(Clone, Copy)]
pub(super) struct Request {
    pub(super) class: OperationClass,
    pub(super) operations: u32,
    /// What it weighs among the requests in flight.
    pub(super) weight: u32,
}

/// Where a request in flight is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    UnderTheCeiling,
    Beside,
}

/// What a request that cannot go yet waits for.
pub(super) struct NotYet {
    /// When to look again, at the latest; `None` where only a change helps.
    pub(super) until: Option<Instant>,
    /// Whether what it lacks has changed, so that others may go now.
    pub(super) lacks_else: bool,
}

impl State {
    pub(super) fn new(limits: &Limits, pacing: Pacing) -> Self {
        // Without the system's randomness the jitter is the same in each process, nothing worse.
        let rng = pacing.seed.map_or_else(
            || StdRng::try_from_rng(&mut SysRng).unwrap_or_else(|_| StdRng::seed_from_u64(0)),
            StdRng::seed_from_u64,
        );
        Self {
            pacing,
            rng,
            gate: Gate::default(),
            ceiling: Ceiling::new(limits.in_flight.get()),
            in_flight: 0,
            beside: 0,
            reads_beside: limits.reads_beside,
            class_beside: limits.class_beside,
            stats: GovernorStats::default(),
            buckets: limits.quotas.iter().map(Bucket::new).collect(),
            queues: Vec::new(),
            tickets: 0,
        }
    }

    /// Joins the queue of a class.
    pub(super) fn join(&mut self, class: OperationClass) -> Place {
        let index = self.queue_of(class);
        self.tickets += 1;
        let turn = self.queues.get(index).map_or_else(Arc::default, |queue| Arc::clone(&queue.turn));
        Place { queue: index, ticket: self.tickets, turn }
    }

    /// The most operations of `class` that a batch should have for every quota's sake.
    pub(super) fn batch_room(&self, class: OperationClass) -> u32 {
        self.buckets.iter().map(|bucket| bucket.batch_room(class)).min().unwrap_or(u32::MAX)
    }

    /// Grants the head of a queue everything it asks for, or nothing.
    pub(super) fn consider(&mut self, place: &Place, request: Request, now: Instant) -> Result<Room, NotYet> {
        let mut lacks = Vec::new();
        let until = self.lacking(place, request, now, &mut lacks);
        let room = if self.goes_beside(request) { Room::Beside } else { Room::UnderTheCeiling };
        let Some(queue) = self.queues.get_mut(place.queue) else { return Ok(room) };
        if until.is_none() && lacks.is_empty() {
            // The head leaves by `leave`, which also lets those know that it kept waiting.
            queue.operations = queue.operations.saturating_add(request.operations);
            match room {
                Room::Beside => self.beside = self.beside.saturating_add(request.weight),
                Room::UnderTheCeiling => {
                    self.in_flight = self.in_flight.saturating_add(request.weight);
                    self.ceiling.granted(self.in_flight);
                }
            }
            for bucket in &mut self.buckets {
                bucket.spend(bucket.cost(request.class, request.operations), now);
            }
            return Ok(room);
        }
        let lacks_else = queue.head.as_ref().is_some_and(|head| head.lacks != lacks);
        queue.head = Some(Head { ticket: place.ticket, lacks });
        Err(NotYet { until, lacks_else })
    }

    /// Somebody stopped waiting, served or not; whether others may go for it.
    pub(super) fn leave(&mut self, place: &Place) -> bool {
        let Some(queue) = self.queues.get_mut(place.queue) else { return false };
        let was_head = queue.head.as_ref().is_some_and(|head| head.ticket == place.ticket);
        if was_head {
            queue.head = None;
        }
        was_head
    }

    /// A permit came back.
    pub(super) fn returned(&mut self, queue: usize, request: Request, room: Room, now: Instant) {
        for bucket in &mut self.buckets {
            bucket.returned(bucket.cost(request.class, request.operations), now);
        }
        match room {
            Room::Beside => self.beside = self.beside.saturating_sub(request.weight),
            Room::UnderTheCeiling => {
                self.ceiling.returned(request.weight, self.in_flight);
                self.in_flight = self.in_flight.saturating_sub(request.weight);
            }
        }
        if let Some(queue) = self.queues.get_mut(queue) {
            queue.operations = queue.operations.saturating_sub(request.operations);
        }
    }

    /// Takes in what a response said; whether somebody may go earlier for it.
    pub(super) fn take_in(&mut self, feedback: &Feedback, now: Instant) -> bool {
        self.stats.requests += 1;
        let sent = feedback.latency.and_then(|latency| now.checked_sub(latency));
        let old_news = self.gate.is_old_news(sent, now);
        // 0 of 0 tells of no window, but that there is too much at once.
        let hint = feedback.window.filter(|hint| hint.limit > 0);
        let signal = match feedback.signal {
            Signal::Throttled if feedback.window.is_some() && hint.is_none() => Signal::Busy,
            signal => signal,
        };
        let index = self.queue_of(feedback.class);
        let told = hint.map(|hint| self.learn(hint, feedback.class, now));
        match signal {
            Signal::Ok => {
                self.gate.served(old_news);
                if let Some(queue) = self.queues.get_mut(index) {
                    queue.gate.served(queue.gate.is_old_news(sent, now));
                }
                if !old_news {
                    self.ceiling.served();
                    self.weigh_latency(feedback.class, feedback.latency);
                }
            }
            Signal::Strained => {
                self.gate.served(old_news);
                self.ceiling.slow(self.in_flight);
            }
            Signal::Throttled => {
                self.stats.throttled += 1;
                for bucket in &mut self.buckets {
                    bucket.refused(feedback.class);
                }
                match told {
                    Some(told) => self.hold_class(index, told, feedback.retry_after, sent, now),
                    None => self.close(feedback.retry_after, old_news, now),
                }
            }
            Signal::Busy => {
                self.stats.busy += 1;
                let asked = feedback.retry_after.filter(|_| feedback.signal == Signal::Busy);
                self.close(asked, old_news, now);
            }
        }
        told.is_some_and(|told| matches!(told.about, About::Unknown | About::Known { ends_earlier: true }))
    }

    /// What was used of each quota.
    pub(super) fn quotas(&self, now: Instant) -> Vec<QuotaStats> {
        self.buckets.iter().map(|bucket| bucket.stats(now)).collect()
    }

    /// Which part of the whole buckets the limits are that the server tells.
    pub(super) fn set_part(&mut self, part: f64, now: Instant) {
        for bucket in &mut self.buckets {
            bucket.set_part(part, now);
        }
    }

    /// The server refused, whatever was asked of it.
    fn close(&mut self, retry_after: Option<Duration>, old_news: bool, now: Instant) {
        self.gate.refused(retry_after, old_news, &self.pacing, &mut self.rng, now);
        if !old_news {
            self.ceiling.refused();
        }
    }

    /// The server refused what was asked for one class, and told of its window.
    fn hold_class(
        &mut self,
        queue: usize,
        told: Told,
        retry_after: Option<Duration>,
        sent: Option<Instant>,
        now: Instant,
    ) {
        let Some(queue) = self.queues.get_mut(queue) else { return };
        // Of a window that is over, the refusal says nothing about the one that is open.
        if told.about == About::Past {
            return;
        }
        let until_reset = told.used_up.then(|| {
            let late = between(Duration::ZERO, AFTER_RESET, &mut self.rng);
            told.ends.map_or(Duration::ZERO, |ends| ends.saturating_duration_since(now)) + late
        });
        let old_news = queue.gate.is_old_news(sent, now);
        queue.gate.refused(retry_after.max(until_reset), old_news, &self.pacing, &mut self.rng, now);
    }

    /// Takes in what the server tells of a window: of a learnt quota, otherwise of the class.
    fn learn(&mut self, hint: WindowHint, class: OperationClass, now: Instant) -> Told {
        let learnt = self.buckets.iter_mut().filter_map(|bucket| bucket.learn(hint, class, now)).last();
        let (about, ends) = learnt.unwrap_or_else(|| {
            let index = self.queue_of(class);
            self.queues.get_mut(index).map_or((About::Past, None), |queue| {
                let about = queue.window.learn(hint, self.pacing.longest_pause, now);
                (about, queue.window.open(now).map(|known| known.ends))
            })
        });
        Told { about, ends, used_up: hint.remaining == 0 }
    }

    /// What the request lacks, and when to look again.
    fn lacking(&mut self, place: &Place, request: Request, now: Instant, lacks: &mut Vec<Resource>) -> Option<Instant> {
        if let Some(until) = self.gate.closed_until(now) {
            return Some(until);
        }
        let queue = self.queues.get(place.queue)?;
        if let Some(until) = queue.gate.closed_until(now) {
            return Some(until);
        }
        if let Some(until) = queue.window.until_free(request.operations, queue.operations, queue.share, now) {
            return Some(until);
        }
        let mut until: Option<Instant> = None;
        for index in 0..self.buckets.len() {
            let resource = Resource::Bucket(index);
            let is_wanted_by_older = self.is_wanted_by_older(place, resource);
            let Some(bucket) = self.buckets.get_mut(index) else { continue };
            let cost = bucket.cost(request.class, request.operations);
            if cost == 0 {
                continue;
            }
            if is_wanted_by_older {
                lacks.push(resource);
                continue;
            }
            match bucket.leave(cost, now) {
                Leave::Now => {}
                Leave::OnChange => lacks.push(resource),
                Leave::From(ready) => {
                    lacks.push(resource);
                    until = Some(until.map_or(ready, |until| until.min(ready)));
                }
            }
        }
        if self.goes_beside(request) {
            return until;
        }
        // A batch that is larger than the ceiling goes alone.
        let fits = self.in_flight == 0 || self.in_flight.saturating_add(request.weight) <= self.ceiling.get();
        if lacks.is_empty() && (!fits || self.is_wanted_by_older(place, Resource::InFlight)) {
            lacks.push(Resource::InFlight);
        }
        until
    }

    /// Whether there is room for it beside what the ceiling counts.
    fn goes_beside(&self, request: Request) -> bool {
        let most = self.reads_beside.min(self.ceiling.get());
        request.class == self.class_beside && self.beside.saturating_add(request.weight) <= most
    }

    fn is_wanted_by_older(&self, place: &Place, resource: Resource) -> bool {
        self.queues.iter().enumerate().any(|(index, queue)| {
            index != place.queue
                && queue.head.as_ref().is_some_and(|head| head.ticket < place.ticket && head.lacks.contains(&resource))
        })
    }

    fn weigh_latency(&mut self, class: OperationClass, latency: Option<Duration>) {
        let Some(latency) = latency else { return };
        let index = self.queue_of(class);
        let Some(queue) = self.queues.get_mut(index) else { return };
        if queue.latency.is_slow(latency, &self.pacing) {
            self.ceiling.slow(self.in_flight);
        }
    }

    fn queue_of(&mut self, class: OperationClass) -> usize {
        if let Some(index) = self.queues.iter().position(|queue| queue.class == class) {
            return index;
        }
        let share = self.buckets.iter().filter_map(|bucket| bucket.share(class)).fold(1.0, f64::min);
        self.queues.push(Queue {
            class,
            turn: Arc::default(),
            head: None,
            operations: 0,
            gate: Gate::default(),
            window: Window::default(),
            latency: Latency::default(),
            share,
        });
        self.queues.len() - 1
    }
}
