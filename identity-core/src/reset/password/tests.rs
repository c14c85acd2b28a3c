use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::characters::CLASSES;
use super::random::Randomness;
use super::words::WORDS;
use super::*;
use crate::account::{Account, AccountKind};

fn policy(min_length: u16, max_length: Option<u16>) -> PasswordPolicy {
    PasswordPolicy { min_length, max_length, complexity: true }
}

fn nobody() -> Owner {
    Owner::default()
}

fn classes(text: &str) -> usize {
    CLASSES.iter().filter(|class| text.bytes().any(|byte| class.contains(&byte))).count()
}

/// How far counts are from equal, in standard deviations of the chi-square statistic.
fn unevenness(counts: &[u32]) -> f64 {
    let total: u32 = counts.iter().sum();
    let expected = f64::from(total) / counts.len() as f64;
    let chi: f64 = counts.iter().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum();
    let freedom = counts.len() as f64 - 1.0;
    (chi - freedom) / (2.0 * freedom).sqrt()
}

#[test]
fn numbers_are_uniform_even_where_the_bound_does_not_divide() {
    let mut randomness = Randomness::new();
    // 40,000 of 65,536: without rejection the low ones would come twice as often.
    let mut halves = [0_u32; 2];
    let mut small = [0_u32; 73];
    for _ in 0..100_000 {
        let drawn = randomness.below(40_000).unwrap();
        halves[usize::from(drawn >= 20_000)] += 1;
        small[randomness.below(73).unwrap()] += 1;
    }
    // Beyond 8 deviations by chance: less than once in a thousand million runs.
    assert!(unevenness(&halves) < 40.0, "{halves:?}");
    assert!(unevenness(&small) < 8.0, "{small:?}");
}

#[test]
fn no_place_of_a_password_prefers_a_character() {
    let generator = Generator::new(&policy(0, None)).unwrap();
    let mut by_place = vec![BTreeMap::<u8, u32>::new(); 24];
    for _ in 0..10_000 {
        let password = generator.generate(&nobody()).unwrap();
        for (place, byte) in password.expose().bytes().enumerate() {
            *by_place[place].entry(byte).or_default() += 1;
        }
    }
    // A string without a digit is thrown away, so digits are a little more likely, equally at
    // every place; within a class all characters are equal.
    for (place, counts) in by_place.iter().enumerate() {
        for class in CLASSES {
            let counts: Vec<u32> = class.iter().map(|byte| counts.get(byte).copied().unwrap_or(0)).collect();
            assert!(unevenness(&counts) < 10.0, "place {place}: {counts:?}");
        }
    }
    for class in CLASSES {
        let counts: Vec<u32> =
            by_place.iter().map(|counts| class.iter().filter_map(|byte| counts.get(byte)).sum()).collect();
        assert!(unevenness(&counts) < 10.0, "{counts:?}");
    }
}

#[test]
fn no_two_are_equal_and_all_are_readable() {
    let generator = Generator::new(&policy(0, None)).unwrap();
    let mut seen = BTreeSet::new();
    for _ in 0..5_000 {
        let password = generator.generate(&nobody()).unwrap();
        let text = password.expose();
        assert!(text.len() == 24 && classes(text) == 4, "a password of another shape");
        assert!(
            !text.contains(['0', 'O', '1', 'l', 'I', '|', '"', '\'', '`', '\\', ',', ';', ' ', '=', '+', '@', '-'])
        );
        assert!(seen.insert(text.to_owned()));
    }
}

#[test]
fn entropy_is_the_logarithm_of_how_many_there_are() {
    // Counted by hand for four characters: one of each class in any order.
    let all: usize = CLASSES.iter().map(|class| class.len()).product::<usize>() * 24;
    assert!((Characters::new(4).entropy_bits() - (all as f64).log2()).abs() < 1e-6);
    assert_eq!(Characters::new(3).entropy_bits(), 0.0);
    let floor = Generator::new(&policy(0, None)).unwrap();
    assert!(floor.entropy_bits() > 148.0 && floor.entropy_bits() < 150.0, "{floor:?}");
    let phrase = Generator::phrases(&policy(0, None)).unwrap();
    assert!(phrase.entropy_bits() > 73.0 && phrase.entropy_bits() < 74.0, "{phrase:?}");
}

#[test]
fn a_policy_that_cannot_be_met_is_said_so() {
    for (min, max) in [(8, 10), (30, 20), (0, 3), (0, 0)] {
        let error = Generator::new(&policy(min, Some(max))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConfigInvalid, "{min} {max}");
        assert!(error.advice().is_some());
        assert!(Generator::scramble(&policy(min, Some(max))).is_err());
        assert!(Generator::phrases(&policy(min, Some(max))).is_err());
    }
    assert!(Generator::phrases(&policy(0, Some(49))).is_err());
    assert!(Generator::phrases(&policy(0, Some(50))).is_ok());
}

#[test]
fn a_scramble_is_as_long_as_the_directory_takes() {
    for (max, length) in [(None, 120), (Some(256), 120), (Some(72), 72)] {
        let password = Generator::scramble(&policy(14, max)).unwrap().generate(&nobody()).unwrap();
        assert_eq!(password.expose().len(), length);
    }
}

#[test]
fn the_word_list_is_what_it_claims() {
    assert!(WORDS.len() >= 2048, "{}", WORDS.len());
    assert!(WORDS.windows(2).all(|pair| pair[0] < pair[1]), "sorted, none twice");
    for word in WORDS.iter() {
        assert!((3..=7).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_lowercase()), "{word}");
    }
}

#[test]
fn a_name_that_leaves_no_phrase_ends_in_an_error_and_not_in_a_loop() {
    // Every phrase has a hyphen and lowercase letters; no name can be in all of them but a
    // one-character one, which is not looked for. So names of people always leave phrases.
    let generator = Generator::phrases(&policy(0, None)).unwrap();
    let every_word = WORDS.join(" ");
    let error = generator.generate(&Owner::new("x", Some(&every_word))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InputInvalid);
    assert!(Generator::new(&policy(0, None)).unwrap().generate(&Owner::new("x", Some(&every_word))).is_ok());
}

#[test]
fn names_are_found_as_windows_and_okta_look_for_them() {
    let owner = Owner::new("Erin.M@corp.example", Some("Hagens, Erin-Ann M #2\tJr_Lo"));
    for bad in ["xxERINxx", "hagens9", "aCORPa", "xaNNx", "erin.m"] {
        assert!(owner.is_named_in(bad), "{bad}");
    }
    // Parts below three characters are not looked for.
    for good in ["M", "Jr", "Lo", "2", "hagen", "erxin"] {
        assert!(!owner.is_named_in(good), "{good}");
    }
    assert!(!Owner::new("", None).is_named_in("anything"));
    assert!(!Owner::new("ÄÖÜ", Some("Ünal")).is_named_in("aou"));
}

#[test]
fn an_account_is_named_by_all_its_names() {
    let directory = crate::account::DirectoryId::new("corp").unwrap();
    let id = crate::account::AccountId::new("1").unwrap();
    let mut account = Account::new(directory, id, "jdoe", AccountKind::Person);
    account.display_name = Some("Doe, Jane".into());
    account.anchors.principal_name = Some("j.smith@corp.example".into());
    let owner = Owner::from(&account);
    for bad in ["xJDOEx", "jane", "2Doe2", "SMITH"] {
        assert!(owner.is_named_in(bad), "{bad}");
    }
}

#[test]
fn nothing_prints_a_password() {
    let generator = Generator::new(&policy(0, None)).unwrap();
    let password = generator.generate(&nobody()).unwrap();
    assert_eq!(format!("{password:?}"), "[secret]");
    assert!(format!("{generator:?}").contains("entropy_bits"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn every_policy_is_met_or_refused(min in 0_u16..300, max in prop::option::of(0_u16..300)) {
        let policy = policy(min, max);
        for generator in [Generator::new(&policy), Generator::phrases(&policy), Generator::scramble(&policy)] {
            let Ok(generator) = generator else {
                prop_assert!(max.is_some());
                continue;
            };
            prop_assert!(generator.entropy_bits() >= FLOOR_ENTROPY);
            let password = generator.generate(&nobody()).unwrap();
            let length = password.expose().len();
            prop_assert!(length >= usize::from(min) && max.is_none_or(|max| length <= usize::from(max)));
            prop_assert!(length >= 24 || max.is_some_and(|max| max < 24));
            let signs = password.expose().bytes().filter(|byte| !byte.is_ascii_alphanumeric()).count();
            prop_assert!(signs > 0 && password.expose().is_ascii());
        }
    }

    #[test]
    fn no_name_of_the_owner_is_inside(name in "[a-zA-Z]{1,3}[.]?[a-z]{0,2}", display in "[a-zA-Z]{1,3}[ ,#-][a-z]{3}") {
        let owner = Owner::new(&name, Some(&display));
        for generator in [Generator::new(&policy(0, None)), Generator::phrases(&policy(0, None))] {
            let password = generator.unwrap().generate(&owner).unwrap();
            let lower = password.expose().to_lowercase();
            let parts = display.split([' ', ',', '#', '-']).chain([name.as_str()]);
            for part in parts.filter(|part| part.len() >= 3) {
                prop_assert!(!lower.contains(&part.to_lowercase()));
            }
        }
    }
}
