//! Erlang's formula for calls that wait: agents that are as many all the time, calls that come as
//! often all the time, and nobody who hangs up.

use std::time::Duration;

/// The most agents that are looked for.
const MOST: u32 = 100_000;

/// The chance that a caller has to wait, from 0 to 1, with so many agents and so many calls under way
/// on average (`load`, in erlangs: calls an hour times hours a call). 1 where the load is as large as the
/// desk or larger: then the queue grows without end.
///
/// By the recursion of Erlang B, which neither overflows nor loses digits (A. K. Erlang, 1917).
#[must_use]
pub fn erlang_c(agents: u32, load: f64) -> f64 {
    if load.is_nan() || load >= f64::from(agents) {
        return 1.0;
    }
    if load <= 0.0 {
        return 0.0;
    }
    let blocked = (1..=agents).map(f64::from).fold(1.0, |blocked, agents| load * blocked / (agents + load * blocked));
    let free = 1.0 - load / f64::from(agents);
    blocked / (free + (1.0 - free) * blocked)
}

/// How many agents it takes to answer a part of the calls (`answered`, from 0 to 1) within a time, where
/// so many come in an hour and each takes so long. 0 where nobody calls.
#[must_use]
pub fn agents_needed(calls_an_hour: f64, handling: Duration, answered: f64, within: Duration) -> u32 {
    let load = calls_an_hour * handling.as_secs_f64() / 3600.0;
    if load.is_nan() || load <= 0.0 {
        return 0;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast of floats saturates")]
    let least = load.min(f64::from(MOST)).floor() as u32 + 1;
    let enough = |agents: &u32| {
        let spare = f64::from(*agents) - load;
        let late = erlang_c(*agents, load) * (-spare * within.as_secs_f64() / handling.as_secs_f64()).exp();
        1.0 - late >= answered
    };
    (least..MOST).find(enough).unwrap_or(MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The textbook's sum in place of the recursion.
    fn by_the_sum(agents: u32, load: f64) -> f64 {
        let term = |n: u32| (1..=n).map(f64::from).fold(1.0, |product, k| product * load / k);
        let last = term(agents) * f64::from(agents) / (f64::from(agents) - load);
        last / ((0..agents).map(term).sum::<f64>() + last)
    }

    #[test]
    fn published_values() {
        // M/M/1: the chance to wait is the load. M/M/2 with one call under way: a third. Ten agents, eight
        // erlangs: 0.4092, as in tables of Erlang C. 360 calls in half an hour of four minutes each, 55 agents:
        // 0.239, the worked example of mitan's page "The Erlang-C Formula".
        let published = [(1, 0.3, 0.3), (2, 1.0, 1.0 / 3.0), (10, 8.0, 0.4092), (55, 48.0, 0.2387)];
        for (agents, load, expected) in published {
            assert!((erlang_c(agents, load) - expected).abs() < 1e-4, "{agents} {load}: {}", erlang_c(agents, load));
        }
        for (agents, load) in [(3, 2.4), (14, 10.0), (30, 28.5), (100, 90.0)] {
            assert!((erlang_c(agents, load) - by_the_sum(agents, load)).abs() < 1e-10, "{agents} {load}");
        }
        assert_eq!((erlang_c(5, 5.0), erlang_c(0, 1.0), erlang_c(3, 0.0)), (1.0, 1.0, 0.0));
    }

    #[test]
    fn the_worked_example_of_a_call_centre() {
        // 200 calls an hour of three minutes (10 erlangs), 80 % within 20 s: 14 agents, 88.8 %
        // (the worked example that Call Centre Helper teaches Erlang C by).
        let (handling, within) = (Duration::from_secs(180), Duration::from_secs(20));
        assert_eq!(agents_needed(200.0, handling, 0.8, within), 14);
        let answered = 1.0 - erlang_c(14, 10.0) * (-4.0 * 20.0 / 180.0_f64).exp();
        assert!((answered - 0.888).abs() < 0.001, "{answered}");
        assert_eq!(agents_needed(0.0, handling, 0.8, within), 0);
    }
}
