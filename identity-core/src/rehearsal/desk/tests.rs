//! The desk against formulas and against chance itself.

use std::collections::BinaryHeap;
use std::time::Duration;

use super::*;

fn assumptions(patience: u64, again: f64) -> Assumptions {
    Assumptions {
        handling: Duration::from_secs(360),
        patience: Duration::from_secs(patience),
        again,
        again_after: Duration::from_secs(1_800),
        arrivals: vec![0.5, 0.25, 0.15, 0.1],
        ..Assumptions::default()
    }
}

#[test]
fn a_desk_that_is_called_evenly_and_patiently_is_erlang_c() {
    // Ten agents, ten calls an hour each, 80 calls an hour: eight erlangs.
    let known = Assumptions { arrivals: vec![1.0 / 40.0; 40], ..assumptions(100_000_000, 0.0) };
    let hours = Desk::new(known, 10).unwrap().load(&[WaveCalls { at_hour: 0, calls: 3_200.0 }]);
    let settled = hours[35];
    let waiting = erlang_c(10, 8.0) * 8.0 / 2.0;
    assert!((settled.waiting / waiting - 1.0).abs() < 0.01, "{settled:?} and {waiting}");
    assert!((settled.wait_seconds / (waiting / 80.0 * 3600.0) - 1.0).abs() < 0.01);
    assert!((settled.busy - 0.8).abs() < 0.005 && settled.hung_up < 0.1, "{settled:?}");
}

#[test]
fn nobody_is_lost_on_the_way() {
    let hours = Desk::new(assumptions(600, 0.7), 4).unwrap().load(&[WaveCalls { at_hour: 0, calls: 300.0 }]);
    let sum = |of: fn(&Hour) -> f64| hours.iter().map(of).sum::<f64>();
    assert!((sum(|hour| hour.calls) - 300.0).abs() < 0.01);
    let (again, hung_up) = (sum(|hour| hour.calls_again), sum(|hour| hour.hung_up));
    assert!((again - 0.7 * hung_up).abs() < 0.5, "{again} of {hung_up} called again");
    assert!((sum(|hour| hour.answered) + hung_up - 300.0 - again).abs() < 1.0);
}

#[test]
fn a_rush_is_what_a_thousand_days_by_chance_are_on_average() {
    // Fewer agents than the first hour needs, enough for the last; and a desk of one.
    for (agents, calls) in [(6, 120.0), (1, 12.0), (20, 150.0)] {
        let known = assumptions(600, 0.7);
        let hours = Desk::new(known.clone(), agents).unwrap().load(&[WaveCalls { at_hour: 0, calls }]);
        let days = 1_500;
        let mut chance = Chance(7);
        let mut found = [[0.0; 3]; 4];
        (0..days).for_each(|_| day(&known, agents, calls, &mut chance, &mut found));
        for (hour, found) in hours.iter().zip(found) {
            let [waiting, answered, hung_up] = found.map(|sum| sum / f64::from(days));
            for (of, told, seen) in [
                ("waiting", hour.waiting, waiting),
                ("answered", hour.answered, answered),
                ("hung up", hour.hung_up, hung_up),
            ] {
                let close = (told - seen).abs() <= 0.06 * seen + 0.12;
                assert!(close, "{agents} agents, hour {}: {of} {told:.2}, by chance {seen:.2}", hour.hour);
            }
        }
    }
}

#[test]
fn a_very_large_rush_is_a_small_one_scaled_up() {
    let known = assumptions(600, 0.5);
    let desk = |agents| Desk::new(known.clone(), agents).unwrap();
    let large = desk(200).load(&[WaveCalls { at_hour: 0, calls: 18_000.0 }]);
    let small = desk(20).load(&[WaveCalls { at_hour: 0, calls: 1_800.0 }]);
    for (large, small) in large.iter().zip(&small).take(4) {
        assert!((large.hung_up / 10.0 - small.hung_up).abs() <= 0.03 * small.hung_up + 0.5, "{large:?} {small:?}");
    }
}

#[test]
fn a_proposal_keeps_to_the_target_and_more_agents_are_faster() {
    let known = assumptions(600, 0.7);
    let desk = |agents| Desk::new(known.clone(), agents).unwrap();
    let few = desk(3).propose(1_000, 150.0).unwrap();
    let many = desk(7).propose(1_000, 150.0).unwrap();
    assert!(many.hours < few.hours && many.size > few.size, "{many:?} {few:?}");
    let each = 150.0 / 1_000.0;
    for (agents, proposal) in [(3, few), (7, many)] {
        assert!(proposal.size * proposal.waves >= 1_000 && proposal.size * (proposal.waves - 1) < 1_000);
        let waves: Vec<WaveCalls> = (0..proposal.waves as u32)
            .map(|n| WaveCalls { at_hour: n * proposal.pause_hours, calls: proposal.size as f64 * each })
            .collect();
        for hour in desk(agents).load(&waves) {
            let keeps = hour.wait_seconds <= known.target_wait.as_secs_f64() * 1.02 && hour.hung_up_part() <= 0.102;
            assert!(keeps || hour.calls + hour.calls_again < 0.5, "{agents}: {hour:?}");
        }
        // Half as large again does not keep to it: the proposal is not timid.
        let larger: Vec<WaveCalls> = waves.iter().map(|wave| WaveCalls { calls: wave.calls * 1.5, ..*wave }).collect();
        let breaks = desk(agents).load(&larger).iter().any(|hour| {
            hour.wait_seconds > known.target_wait.as_secs_f64() || hour.hung_up_part() > known.target_hung_up
        });
        assert!(breaks, "{proposal:?}");
    }
    let all = desk(60).propose(1_000, 150.0).unwrap();
    assert_eq!((all.size, all.waves, all.pause_hours), (1_000, 1, 0));
    assert!(desk(4).propose(0, 0.0).is_none());
    assert!(Desk::new(known, 0).is_err());
}

/// SplitMix64: the same days each time.
struct Chance(u64);

impl Chance {
    fn part(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.part()).ln()
    }
}

/// One day, call by call, in hours; adds how many waited on average, were answered and hung up in each
/// of the first four hours.
fn day(known: &Assumptions, agents: u32, calls: f64, chance: &mut Chance, found: &mut [[f64; 3]; 4]) {
    #[derive(PartialEq, PartialOrd)]
    enum What {
        Comes,
        Served,
        HangsUp(u64),
    }
    struct Next(f64, What);
    impl PartialEq for Next {
        fn eq(&self, other: &Self) -> bool {
            self.0 == other.0
        }
    }
    impl Eq for Next {}
    impl PartialOrd for Next {
        fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
            Some(self.cmp(other))
        }
    }
    impl Ord for Next {
        fn cmp(&self, other: &Self) -> std::cmp::Ordering {
            other.0.total_cmp(&self.0)
        }
    }
    let hours = |time: Duration| time.as_secs_f64() / 3600.0;
    let mut next = BinaryHeap::new();
    for (hour, part) in known.arrivals.iter().enumerate() {
        let mut at = hour as f64;
        loop {
            at += chance.exponential(1.0 / (calls * part));
            if at >= hour as f64 + 1.0 {
                break;
            }
            next.push(Next(at, What::Comes));
        }
    }
    let (mut free, mut queue, mut caller) = (agents, std::collections::VecDeque::new(), 0_u64);
    let mut before = 0.0;
    while let Some(Next(at, what)) = next.pop() {
        for (hour, found) in found.iter_mut().enumerate() {
            let (from, to) = (hour as f64, hour as f64 + 1.0);
            found[0] += queue.len() as f64 * (at.min(to) - f64::max(before, from)).max(0.0);
        }
        before = at;
        if at >= 4.0 {
            break;
        }
        let hour = &mut found[at as usize];
        match what {
            What::Comes if free > 0 => {
                free -= 1;
                next.push(Next(at + chance.exponential(hours(known.handling)), What::Served));
            }
            What::Comes => {
                caller += 1;
                queue.push_back(caller);
                next.push(Next(at + chance.exponential(hours(known.patience)), What::HangsUp(caller)));
            }
            What::Served => {
                hour[1] += 1.0;
                match queue.pop_front() {
                    Some(_) => next.push(Next(at + chance.exponential(hours(known.handling)), What::Served)),
                    None => free += 1,
                }
            }
            What::HangsUp(who) => {
                if let Some(place) = queue.iter().position(|waiting| *waiting == who) {
                    queue.remove(place);
                    hour[2] += 1.0;
                    if chance.part() < known.again {
                        next.push(Next(at + chance.exponential(hours(known.again_after)), What::Comes));
                    }
                }
            }
        }
    }
}
