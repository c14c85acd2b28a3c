//! What every decoder keeps to, whatever it is fed; each test prints how often it asked.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use testkit::mutation::Mutator;

use super::*;

/// Cases for each decoder, in each of the two random tests.
const CASES: u32 = 2_000;

/// Without a file of failures: the seed or the bytes are in the message.
fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(cases) })
}

fn each(test: &str, mut of_one: impl FnMut(&Decoder, &[Vec<u8>]) -> u64) {
    let mut all = 0;
    for decoder in DECODERS {
        let asked = of_one(decoder, &(decoder.valid)());
        assert!(asked > 0, "{} was not asked", decoder.name);
        println!("{test}: {}: {asked}", decoder.name);
        all += asked;
    }
    println!("{test}: {all} cases of {} decoders", DECODERS.len());
}

#[test]
fn valid_values_are_understood() {
    for decoder in DECODERS {
        let valid = (decoder.valid)();
        let understood = valid.iter().filter(|bytes| (decoder.read)(bytes)).count();
        // Among the valid ones are those that mean "nothing".
        assert!(understood * 3 >= valid.len() && understood > 0, "{}: {understood} of {}", decoder.name, valid.len());
    }
}

#[test]
fn values_that_break_off_anywhere_do_no_harm() {
    each("cut", |decoder, valid| {
        let mut asked = 0;
        for bytes in valid {
            for end in 0..=bytes.len() {
                let _ = (decoder.read)(&bytes[..end]);
                asked += 1;
            }
        }
        asked
    });
}

#[test]
fn values_with_any_byte_changed_to_any_other_do_no_harm() {
    each("one byte", |decoder, valid| {
        let mut asked = 0;
        for bytes in valid {
            for at in 0..bytes.len() {
                let mut changed = bytes.clone();
                // All 256 where that is quick; those that turn one bit otherwise.
                let long = bytes.len() > 64;
                let others: Vec<u8> =
                    if long { (0..8).map(|bit| bytes[at] ^ (1 << bit)).collect() } else { (0..=255).collect() };
                for other in others {
                    changed[at] = other;
                    let _ = (decoder.read)(&changed);
                    asked += 1;
                }
            }
        }
        asked
    });
}

#[test]
fn any_bytes_do_no_harm() {
    each("any bytes", |decoder, _| {
        let mut runner = runner(CASES);
        let read = |bytes: Vec<u8>| {
            let _ = (decoder.read)(&bytes);
            Ok(())
        };
        runner
            .run(&prop::collection::vec(any::<u8>(), 0..400), read)
            .unwrap_or_else(|fault| panic!("{}: {fault}", decoder.name));
        u64::from(CASES)
    });
}

#[test]
fn valid_values_that_went_wrong_do_no_harm() {
    each("mutated", |decoder, valid| {
        let mut runner = runner(CASES / 8);
        let read = |seed: u64| {
            let mut mutator = Mutator::new(seed);
            let _ = (0..8).filter(|_| (decoder.read)(&mutator.next(valid))).count();
            Ok(())
        };
        runner.run(&any::<u64>(), read).unwrap_or_else(|fault| panic!("{}: {fault}", decoder.name));
        u64::from(CASES)
    });
}
