//! Ours and a bare loop, side by side: each round runs both, in turns, and gives one ratio. The
//! machine may be two times slower a minute later; within a round it is the same machine.
#![allow(dead_code, reason = "each benchmark uses a part of it")]
#![allow(clippy::print_stdout, reason = "it prints figures")]
#![allow(clippy::panic, reason = "a benchmark that fails says why and ends")]

use std::time::Duration;

use criterion::{Criterion, SamplingMode};
use identity_reset::limits::clock;

/// What one round did.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Round {
    /// How many things were done by each side.
    pub(crate) amount: u64,
    pub(crate) ours: Duration,
    pub(crate) bare: Duration,
    /// The CPU time of each, where it is known.
    pub(crate) cpu: Option<(Cpu, Cpu)>,
}

/// CPU time that was used meanwhile.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cpu {
    /// By the whole process.
    pub(crate) all: Duration,
    /// By the threads of the mocks, which are a part of it.
    pub(crate) mock: Duration,
}

impl Cpu {
    /// Until now, as Linux tells it in hundredths of a second (proc(5), stat); elsewhere nothing is
    /// known.
    fn now() -> Option<Self> {
        let all = ticks("/proc/self/stat")?.1;
        let threads = std::fs::read_dir("/proc/self/task").ok()?.flatten();
        let told = threads.filter_map(|thread| ticks(thread.path().join("stat")));
        let mock = told.filter(|(name, _)| name.starts_with("mock-")).map(|(_, used)| used).sum();
        Some(Self { all, mock })
    }

    fn since(self, before: Self) -> Self {
        Self { all: self.all.saturating_sub(before.all), mock: self.mock.saturating_sub(before.mock) }
    }
}

/// A thread's or process's name and CPU time.
fn ticks(path: impl AsRef<std::path::Path>) -> Option<(String, Duration)> {
    let text = std::fs::read_to_string(path).ok()?;
    let (begin, fields) = text.rsplit_once(')')?;
    let name = begin.split_once('(')?.1.to_owned();
    let mut used = fields.split_whitespace().skip(11).map(str::parse::<u64>);
    Some((name, Duration::from_millis(10 * (used.next()?.ok()? + used.next()?.ok()?))))
}

/// What was measured over all rounds, as medians.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Compared {
    /// Microseconds that ours took longer than bare, for each thing.
    pub(crate) added_us: f64,
}

/// Whether this is only to show that the benchmark still works: `cargo test --benches`, or
/// `cargo bench -- --test`. Criterion decides it the same way.
pub(crate) fn smoke() -> bool {
    let given = |wanted: &str| std::env::args().any(|argument| argument == wanted);
    given("--test") || !given("--bench")
}

/// As many as given, or a few for a smoke test.
pub(crate) fn size(full: u64, few: u64) -> u64 {
    if smoke() { few } else { full }
}

/// So many accounts as `IDENTITY_RESET_ACCOUNTS` says, where it says something.
pub(crate) fn accounts(unless_said: u64) -> u64 {
    number("IDENTITY_RESET_ACCOUNTS").unwrap_or(unless_said)
}

/// What a variable of the environment says.
fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Whether the command line asks for benchmarks of this name.
pub(crate) fn wanted(name: &str) -> bool {
    let mut filters = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).peekable();
    filters.peek().is_none() || filters.any(|filter| name.contains(&filter))
}

/// Measures rounds under criterion, which keeps the times of ours and tells of changes, and prints
/// the ratio of the speeds. `round` gets the number of the round: odd ones run the bare loop first.
pub(crate) fn compare(
    criterion: &mut Criterion,
    name: &str,
    seconds: u64,
    mut round: impl FnMut(u64) -> anyhow::Result<Round>,
) -> Option<Compared> {
    if !wanted(name) {
        return None;
    }
    let mut rounds: Vec<Round> = Vec::new();
    // Criterion takes ten at least, which large runs have no time for.
    if let Some(times) = number("IDENTITY_RESET_ROUNDS").filter(|_| !smoke()) {
        for number in 0..times {
            rounds.push(round(number).unwrap_or_else(|error| panic!("{name}: {error:#}")));
        }
        return tell(name, &rounds);
    }
    let mut group = criterion.benchmark_group(name);
    group
        .sampling_mode(SamplingMode::Flat)
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(seconds));
    group.bench_function("ours", |bencher| {
        bencher.iter_custom(|times| {
            let mut spent = Duration::ZERO;
            for _ in 0..times {
                let measured = round(rounds.len() as u64).unwrap_or_else(|error| panic!("{name}: {error:#}"));
                spent += measured.ours;
                rounds.push(measured);
            }
            spent
        });
    });
    group.finish();
    tell(name, &rounds)
}

/// Runs both sides of a round, in turns which goes first.
pub(crate) fn in_turns(
    number: u64,
    amount: u64,
    mut ours: impl FnMut() -> anyhow::Result<Duration>,
    mut bare: impl FnMut() -> anyhow::Result<Duration>,
) -> anyhow::Result<Round> {
    let (ours, bare) = if number.is_multiple_of(2) {
        let ours = used(&mut ours)?;
        (ours, used(&mut bare)?)
    } else {
        let bare = used(&mut bare)?;
        (used(&mut ours)?, bare)
    };
    Ok(Round { amount, ours: ours.0, bare: bare.0, cpu: ours.1.zip(bare.1) })
}

/// Runs one side, and tells the CPU time beside what it says of its own time.
fn used(side: &mut impl FnMut() -> anyhow::Result<Duration>) -> anyhow::Result<(Duration, Option<Cpu>)> {
    let before = Cpu::now();
    let lasted = side()?;
    Ok((lasted, Cpu::now().zip(before).map(|(now, before)| now.since(before))))
}

/// How long something takes.
pub(crate) fn timed<T>(work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<Duration> {
    let begun = clock::instant();
    work()?;
    Ok(begun.elapsed())
}

fn tell(name: &str, rounds: &[Round]) -> Option<Compared> {
    // The first warms up caches, connections and the allocator.
    let rounds = if rounds.len() > 1 { rounds.get(1..)? } else { rounds };
    let each = |of: &dyn Fn(&Round) -> f64| {
        let mut values: Vec<f64> = rounds.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        let middle = *values.get(values.len() / 2)?;
        Some((*values.first()?, middle, *values.last()?))
    };
    let (lowest, ratio, highest) = each(&|round| round.bare.as_secs_f64() / round.ours.as_secs_f64())?;
    let (_, rate, _) = each(&|round| round.amount as f64 / round.bare.as_secs_f64())?;
    let (_, added_us, _) =
        each(&|round| (round.ours.as_secs_f64() - round.bare.as_secs_f64()) * 1e6 / round.amount as f64)?;
    println!(
        "ratio {name}: {ratio:.2} ({lowest:.2}..{highest:.2} in {} rounds) (ours / bare, higher is better; bare {}/s)",
        rounds.len(),
        thousands(rate)
    );
    tell_cpu(name, rounds);
    Some(Compared { added_us })
}

/// CPU time does not depend on what else the machine does.
fn tell_cpu(name: &str, rounds: &[Round]) {
    let known: Vec<(Cpu, Cpu)> = rounds.iter().filter_map(|round| round.cpu).collect();
    let amount: u64 = rounds.iter().filter(|round| round.cpu.is_some()).map(|round| round.amount).sum();
    let each = |of: &dyn Fn(&(Cpu, Cpu)) -> Duration| {
        known.iter().map(of).sum::<Duration>().as_secs_f64() * 1e6 / amount.max(1) as f64
    };
    let (ours, bare) = (each(&|cpu| cpu.0.all), each(&|cpu| cpu.1.all));
    if ours * bare > 0.0 {
        let (our_mock, bare_mock) = (each(&|cpu| cpu.0.mock), each(&|cpu| cpu.1.mock));
        println!(
            "cpu {name}: ours {ours:.1} us each, {our_mock:.1} of them the mock's; bare {bare:.1} us, {bare_mock:.1} the mock's"
        );
    }
}

fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
