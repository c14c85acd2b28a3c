//! The desk over time: the chances of so many callers being there, followed step by step.

use super::assumptions::Assumptions;
use super::erlang::agents_needed;
use crate::error::{Error, ErrorKind, Result};

/// Chances smaller than this are left out.
const NEGLIGIBLE: f64 = 1e-12;
/// A step is at most so many hours.
const LONGEST_STEP: f64 = 1.0 / 60.0;
/// Where more come in an hour, a part of the desk is looked at and the result is scaled up: so many
/// callers hardly stray from their average.
const MOST_AN_HOUR: f64 = 1_000.0;
/// After the last wave the desk is followed until fewer than this wait or will call again.
const NOBODY: f64 = 0.05;
/// But not longer than so many hours.
const LONGEST_TAIL: u32 = 14 * 24;

/// A desk with so many agents.
#[derive(Clone, Debug)]
pub struct Desk {
    pub(super) assumptions: Assumptions,
    pub(super) agents: u32,
}

/// The calls that a wave brings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WaveCalls {
    /// The hour that the wave is over in, from 0.
    pub at_hour: u32,
    /// How many call for the first time because of it.
    pub calls: f64,
}

/// One hour at the desk. Numbers are averages over what can happen.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Hour {
    /// Which hour, from 0.
    pub hour: u32,
    /// First calls.
    pub calls: f64,
    /// Calls of people who hung up before.
    pub calls_again: f64,
    /// Calls that an agent took to its end.
    pub answered: f64,
    /// Callers who hung up.
    pub hung_up: f64,
    /// Callers waiting, on average over the hour.
    pub waiting: f64,
    /// How long a caller of the hour waits on average, in seconds, until an agent answers or they hang up.
    pub wait_seconds: f64,
    /// The part of the agents that is busy, from 0 to 1.
    pub busy: f64,
    /// How many agents the hour's first calls need, so that as many are answered as
    /// [`Assumptions::answered`] says, by Erlang C.
    pub agents_needed: u32,
}

impl Hour {
    /// The part of the hour's callers who hung up, from 0 to 1.
    #[must_use]
    pub fn hung_up_part(&self) -> f64 {
        let callers = self.calls + self.calls_again;
        if callers > 0.0 { (self.hung_up / callers).min(1.0) } else { 0.0 }
    }
}

impl Desk {
    /// A desk with so many agents at any time.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] without an agent.
    pub fn new(assumptions: Assumptions, agents: u32) -> Result<Self> {
        if agents == 0 {
            return Err(Error::new(ErrorKind::ConfigInvalid, "load the service desk")
                .with_detail("there is no agent")
                .with_advice("say how many answer at once"));
        }
        Ok(Self { assumptions, agents })
    }

    /// The desk, hour by hour, from the first wave until all is over (at most two weeks after the last).
    #[must_use]
    pub fn load(&self, waves: &[WaveCalls]) -> Vec<Hour> {
        let known = &self.assumptions;
        let calls = |hour: u32| -> f64 {
            let of = |wave: &WaveCalls| {
                let since = hour.checked_sub(wave.at_hour)?;
                Some(wave.calls.max(0.0) * known.arrivals.get(since as usize)?)
            };
            waves.iter().filter_map(of).sum()
        };
        let curve = u32::try_from(known.arrivals.len()).unwrap_or(u32::MAX);
        let last = waves.iter().map(|wave| wave.at_hour.saturating_add(curve)).max().unwrap_or(0);
        let peak = (0..last).map(calls).fold(0.0, f64::max);
        let mut state = State::new(self, (peak / MOST_AN_HOUR).max(1.0));
        let mut hours = Vec::new();
        for number in 0..last.saturating_add(LONGEST_TAIL) {
            let calls = calls(number);
            let mut hour = state.hour(calls);
            hour.hour = number;
            hour.agents_needed = agents_needed(calls, known.handling, known.answered, known.answer_within);
            hours.push(hour);
            if number + 1 >= last && state.is_quiet() {
                break;
            }
        }
        hours
    }
}

/// Where the desk is. Rates are per hour.
struct State {
    /// The chance of so many callers being there, waiting or served, from `first` on.
    chances: Vec<f64>,
    next: Vec<f64>,
    first: u32,
    /// How many hung up and will call again.
    away: f64,
    agents: f64,
    served: f64,
    impatient: f64,
    again: f64,
    returning: f64,
    scale: f64,
}

impl State {
    fn new(desk: &Desk, scale: f64) -> Self {
        let known = &desk.assumptions;
        let rate = |time: std::time::Duration| 3600.0 / time.as_secs_f64().max(1e-3);
        Self {
            chances: vec![1.0],
            next: Vec::new(),
            first: 0,
            away: 0.0,
            agents: f64::from(desk.agents) / scale,
            served: rate(known.handling),
            impatient: rate(known.patience),
            again: known.again,
            returning: rate(known.again_after),
            scale,
        }
    }

    /// One hour with so many first calls.
    fn hour(&mut self, calls: f64) -> Hour {
        let calls = calls / self.scale;
        let mut hour = Hour::default();
        let (mut left, mut busy) = (1.0, 0.0);
        while left > 1e-9 {
            let coming = calls + self.away * self.returning;
            let most = f64::from(self.first) + self.chances.len() as f64;
            // No chance may become negative: less happens in a step than can.
            let fastest = coming + self.served * self.agents + self.impatient * (most - self.agents).max(0.0);
            let step = (0.3 / fastest.max(1e-9)).min(0.3 / self.returning).min(LONGEST_STEP).min(left);
            let (waiting, served) = self.means();
            hour.calls += calls * step;
            hour.calls_again += self.away * self.returning * step;
            hour.answered += served * self.served * step;
            hour.hung_up += waiting * self.impatient * step;
            hour.waiting += waiting * step;
            busy += served / self.agents * step;
            self.away += (waiting * self.impatient * self.again - self.away * self.returning) * step;
            self.step(coming, step);
            left -= step;
        }
        let callers = hour.calls + hour.calls_again;
        hour.wait_seconds = if callers > 1e-6 { hour.waiting / callers * 3600.0 } else { 0.0 };
        hour.busy = busy;
        for value in [&mut hour.calls, &mut hour.calls_again, &mut hour.answered, &mut hour.hung_up, &mut hour.waiting]
        {
            *value *= self.scale;
        }
        hour
    }

    /// How many wait and how many are served, on average.
    fn means(&self) -> (f64, f64) {
        let there = (self.first..).map(f64::from).zip(&self.chances);
        there.fold((0.0, 0.0), |(waiting, served), (there, chance)| {
            let here = there.min(self.agents);
            (waiting + chance * (there - here), served + chance * here)
        })
    }

    /// The chances a little later: somebody comes, somebody goes.
    fn step(&mut self, coming: f64, step: f64) {
        let leaving =
            |there: f64| self.served * there.min(self.agents) + self.impatient * (there - self.agents).max(0.0);
        self.next.clear();
        self.next.resize(self.chances.len() + 2, 0.0);
        // One place before the first, and one behind the last.
        let base = f64::from(self.first);
        for (place, chance) in self.chances.iter().enumerate() {
            #[expect(clippy::cast_precision_loss, reason = "places are far below 2^52")]
            let there = base + place as f64;
            let (up, down) = (chance * coming * step, chance * leaving(there) * step);
            let mut add = |place: usize, amount: f64| {
                if let Some(chance) = self.next.get_mut(place) {
                    *chance += amount;
                }
            };
            add(place, down);
            add(place + 1, chance - up - down);
            add(place + 2, up);
        }
        std::mem::swap(&mut self.chances, &mut self.next);
        while self.chances.last().is_some_and(|chance| *chance < NEGLIGIBLE) && self.chances.len() > 1 {
            self.chances.pop();
        }
        // Nobody leaves an empty desk: the place before 0 holds nothing.
        let empty = self.chances.iter().take_while(|chance| **chance < NEGLIGIBLE).count();
        let drop = empty.max(usize::from(self.first == 0)).min(self.chances.len().saturating_sub(1));
        self.chances.drain(..drop);
        self.first = (self.first + u32::try_from(drop).unwrap_or(u32::MAX)).saturating_sub(1);
    }

    fn is_quiet(&self) -> bool {
        (self.means().0 + self.away) * self.scale < NOBODY
    }
}
