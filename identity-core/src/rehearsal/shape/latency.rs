//! How late a directory answers.

use std::time::Duration;

use sha2::{Digest, Sha256};

use super::row::ShapedLatency;

/// What is assumed of a kind of directory, in milliseconds: no vendor states it. A domain controller in the
/// same site answers within its disk's time, services from across a network. Measure for your own.
pub(super) fn assumed(kind: &str) -> ShapedLatency {
    let (read, write) = match kind {
        "ldap" => ((3.0, 10.0), (6.0, 25.0)),
        "entra" => ((150.0, 400.0), (300.0, 900.0)),
        "okta" => ((120.0, 350.0), (200.0, 600.0)),
        _ => ((50.0, 200.0), (100.0, 400.0)),
    };
    ShapedLatency { read, write, measured: 0 }
}

/// As measured; changes as much later than reads as is assumed of the kind.
pub(super) fn shaped(kind: &str, measured: Option<Vec<Duration>>) -> ShapedLatency {
    let assumed = assumed(kind);
    let mut times = measured.unwrap_or_default();
    times.sort_unstable();
    let at = |part: usize| times.get((times.len() * part / 100).min(times.len().saturating_sub(1)));
    let (Some(half), Some(most)) = (at(50), at(95)) else { return assumed };
    // To a tenth of a millisecond: more says nothing of the next day.
    let millis = |time: &Duration| (time.as_secs_f64() * 10_000.0).round() / 10.0;
    let read = (millis(half).max(0.1), millis(most).max(0.1));
    let later = (assumed.write.0 / assumed.read.0, assumed.write.1 / assumed.read.1);
    let write = (read.0 * later.0, read.1 * later.1);
    ShapedLatency { read, write, measured: u32::try_from(times.len()).unwrap_or(u32::MAX) }
}

/// The time of one answer, drawn by a seed and what it is the answer to: the same whatever the order in
/// which answers are asked for. Log-normal, which is what the times of services look like: many near the
/// median, few far behind.
pub(crate) fn drawn(of: (f64, f64), seed: u64, what: &[&[u8]]) -> Duration {
    let (median, late) = (of.0.max(0.0), of.1.max(of.0));
    if median <= 0.0 {
        return Duration::ZERO;
    }
    // 1.645 standard deviations above the mean lie 95 of a hundred.
    let deviation = (late / median).ln() / 1.645;
    let millis = median * (deviation * normal(seed, what)).exp();
    // One answer in a thousand is later than this; a longer one would count as none.
    Duration::try_from_secs_f64(millis.min(late * 4.0) / 1_000.0).unwrap_or(Duration::ZERO)
}

/// A number from 0 to below 1 for these bytes.
pub(crate) fn part(seed: u64, what: &[&[u8]]) -> f64 {
    to_part(&digest(seed, what), 0)
}

fn normal(seed: u64, what: &[&[u8]]) -> f64 {
    let digest = digest(seed, what);
    let (one, other) = (to_part(&digest, 0), to_part(&digest, 8));
    // Box and Muller; never the logarithm of 0.
    (-2.0 * (1.0 - one).ln()).sqrt() * (std::f64::consts::TAU * other).cos()
}

fn digest(seed: u64, what: &[&[u8]]) -> Vec<u8> {
    let mut hash = Sha256::new_with_prefix(seed.to_le_bytes());
    for part in what {
        hash.update(part);
        hash.update([0]);
    }
    hash.finalize().to_vec()
}

#[expect(clippy::cast_precision_loss, reason = "53 bits are kept")]
fn to_part(digest: &[u8], from: usize) -> f64 {
    let bytes = digest.iter().skip(from).take(8);
    let number = bytes.fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    (number >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_are_before_the_median_and_one_in_twenty_after_the_late_one() {
        let times: Vec<f64> = (0..4_000_u32)
            .map(|number| drawn((100.0, 300.0), 7, &[&number.to_le_bytes()]).as_secs_f64() * 1_000.0)
            .collect();
        let part = |above: f64| times.iter().filter(|time| **time > above).count() as f64 / 4_000.0;
        assert!((part(100.0) - 0.5).abs() < 0.03, "{}", part(100.0));
        assert!((part(300.0) - 0.05).abs() < 0.015, "{}", part(300.0));
        assert_eq!(drawn((100.0, 300.0), 7, &[b"a"]), drawn((100.0, 300.0), 7, &[b"a"]));
        assert_ne!(drawn((100.0, 300.0), 7, &[b"a"]), drawn((100.0, 300.0), 8, &[b"a"]));
    }

    #[test]
    fn what_was_measured_counts() {
        let times = (1..=20).map(Duration::from_millis).collect();
        let shaped = shaped("okta", Some(times));
        assert_eq!((shaped.read, shaped.measured), ((11.0, 20.0), 20));
        assert!(shaped.write.0 > shaped.read.0);
        assert_eq!(super::shaped("okta", None), assumed("okta"));
    }
}
