//! What the library reads of others, fed with what went wrong: every file, and every value of an LDAP
//! server. Short in each test run; as long as wanted by
//!
//! ```text
//! IDENTITY_RESET_FUZZ_SECONDS=600 IDENTITY_RESET_FUZZ_SEED=7 \
//!   cargo test --release --test decoders -- --ignored --nocapture
//! ```
//!
//! which makes values from valid ones (`testkit::mutation`), counts what each reader was asked, and fails
//! on a panic, on a value that takes longer than [`LONGEST`], and on memory that grows beyond
//! [`MOST_MEMORY_MIB`]. A failure prints the value; the seed makes it again.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "tests may fail, and say what they saw")]

mod files;
#[path = "../../benches/million/memory.rs"]
mod memory;
mod watch;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use backend_ldap::decoders::DECODERS;
use identity_reset::limits::clock;
use testkit::mutation::Mutator;

use watch::Watch;

/// The longest that one value may take. Most take microseconds; the machine may be busy.
const LONGEST: Duration = Duration::from_secs(5);
/// What reading may add to the memory of the process, values of 64 KiB at most.
const MOST_MEMORY_MIB: f64 = 64.0;
/// Values for each reader in an ordinary test run.
const FEW: u64 = 500;

/// Reads any bytes: whether they are understood. It panics where it contradicts itself.
pub(crate) type Read = Box<dyn Fn(&[u8]) -> bool>;

/// Something that reads what others wrote.
pub(crate) struct Reader {
    pub(crate) name: &'static str,
    pub(crate) valid: Vec<Vec<u8>>,
    pub(crate) read: Read,
}

/// What a reader was asked.
#[derive(Default)]
struct Asked {
    values: u64,
    understood: u64,
    /// The first value that made it panic, and why.
    failure: Option<String>,
}

fn readers() -> Vec<Reader> {
    let ldap = DECODERS.iter().map(|decoder| Reader {
        name: decoder.name,
        valid: (decoder.valid)(),
        read: Box::new(decoder.read),
    });
    files::readers().into_iter().chain(ldap).collect()
}

impl Reader {
    /// Feeds it with changed values as long as `more` says, given how many it had.
    fn feed(&self, seed: u64, watch: &Watch, more: impl Fn(u64) -> bool) -> Asked {
        let mut mutator = Mutator::new(seed);
        let mut asked = Asked::default();
        while more(asked.values) && asked.failure.is_none() {
            let value = mutator.next(&self.valid);
            watch.begin(self.name, &value);
            match catch_unwind(AssertUnwindSafe(|| (self.read)(&value))) {
                Ok(understood) => asked.understood += u64::from(understood),
                Err(panic) => asked.failure = Some(format!("{}: {}", said(&*panic), hex(&value))),
            }
            watch.end();
            asked.values += 1;
        }
        asked
    }
}

fn said(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic")
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn valid_files_are_understood() {
    for reader in files::readers() {
        for valid in &reader.valid {
            assert!((reader.read)(valid), "{}: {}", reader.name, String::from_utf8_lossy(valid));
        }
    }
}

#[test]
fn files_that_break_off_anywhere_do_no_harm() {
    let mut all = 0;
    for reader in files::readers() {
        let shortest = reader.valid.iter().min_by_key(|valid| valid.len()).expect("a valid one");
        // Everywhere in the beginning and the end; of a long file here and there between.
        let ends = (0..shortest.len()).filter(|end| *end < 600 || shortest.len() - end < 600 || end % 61 == 0);
        let mut asked = 0;
        for end in ends {
            let _ = (reader.read)(shortest.get(..end).unwrap_or_default());
            asked += 1;
        }
        println!("cut: {}: {asked}", reader.name);
        all += asked;
    }
    println!("cut: {all} cases");
    assert!(all > 3_000, "{all}");
}

#[test]
fn values_that_went_wrong_do_no_harm() {
    let watch = Watch::new(LONGEST);
    for reader in readers() {
        let asked = reader.feed(1, &watch, |values| values < FEW);
        println!("mutated: {}: {}, {} understood", reader.name, asked.values, asked.understood);
        assert_eq!(asked.failure, None, "{}", reader.name);
    }
}

#[test]
#[ignore = "as long as wanted: the step `fuzz` of .ci/test"]
fn values_that_went_wrong_do_no_harm_for_long() {
    let number = |name: &str, default: u64| {
        std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is not a number")))
    };
    let (seconds, seed) = (number("IDENTITY_RESET_FUZZ_SECONDS", 60), number("IDENTITY_RESET_FUZZ_SEED", 1));
    let readers = readers();
    let share = Duration::from_secs(seconds) / u32::try_from(readers.len()).expect("few readers");
    let watch = Watch::new(LONGEST);
    println!("seed {seed}, {share:.1?} for each of {} readers", readers.len());
    println!("{:32}{:>14}{:>14}{:>12}", "reader", "values", "understood", "MiB more");
    let (mut all, mut failures) = (0, Vec::new());
    for reader in readers {
        let before = memory::resident_mib().filter(|_| memory::forget_peak());
        let begun = clock::instant();
        // The clock is asked now and then only.
        let asked = reader.feed(seed, &watch, |values| values % 64 != 0 || begun.elapsed() < share);
        let more = before.zip(memory::peak_mib()).map(|(before, peak)| peak - before);
        let grown = more.map_or_else(|| "unknown".to_owned(), |more| format!("{more:.1}"));
        println!("{:32}{:>14}{:>14}{grown:>12}", reader.name, asked.values, asked.understood);
        all += asked.values;
        failures.extend(asked.failure.map(|failure| format!("{}: {failure}", reader.name)));
        if more.is_some_and(|more| more > MOST_MEMORY_MIB) {
            failures.push(format!("{}: {grown} MiB more", reader.name));
        }
    }
    println!("{all} values in all, {} failures", failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
