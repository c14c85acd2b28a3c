//! The two forms of time: FILETIME (MS-DTYP 2.3.3) and GeneralizedTime (RFC 4517 section 3.3.13).

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Seconds from 1601-01-01 to 1970-01-01.
const EPOCH_1601: i64 = 11_644_473_600;

/// A FILETIME: 100-nanosecond steps since 1601. `None` for 0 and for the greatest value, which
/// both mean "never" or "not set", and for what is not a number.
pub(crate) fn filetime(text: &[u8]) -> Option<Timestamp> {
    let steps = integer(text).filter(|steps| *steps > 0 && *steps != i64::MAX)?;
    let nanoseconds = i128::from(steps).checked_mul(100)?.checked_sub(i128::from(EPOCH_1601) * 1_000_000_000)?;
    Timestamp::from_nanosecond(nanoseconds).ok()
}

/// Whole seconds since 1601, as replication metadata counts them.
pub(crate) fn seconds_since_1601(seconds: u64) -> Option<Timestamp> {
    if seconds == 0 {
        return None;
    }
    Timestamp::from_second(i64::try_from(seconds).ok()?.checked_sub(EPOCH_1601)?).ok()
}

/// `YYYYMMDDHHMMSS[.fraction]Z`, the form that domain controllers write.
pub(crate) fn generalized(text: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() != 14 || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let part = |from: usize, to: usize| whole.get(from..to)?.parse::<i8>().ok();
    let nanoseconds = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
    let date = DateTime::new(
        whole.get(..4)?.parse().ok()?,
        part(4, 6)?,
        part(6, 8)?,
        part(8, 10)?,
        part(10, 12)?,
        part(12, 14)?,
        nanoseconds,
    );
    TimeZone::UTC.to_timestamp(date.ok()?).ok()
}

/// The decimal number of an INTEGER or LargeInteger attribute.
pub(crate) fn integer(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_of_a_real_controller() {
        assert_eq!(filetime(b"134399734797901590").expect("time").to_string(), "2026-11-24T05:57:59.790159Z");
        assert_eq!(generalized(b"20261124055813.0Z").expect("time").to_string(), "2026-11-24T05:58:13Z");
        assert_eq!(generalized(b"20261124055813Z"), generalized(b"20261124055813.0Z"));
        assert_eq!(seconds_since_1601(13_439_973_479).expect("time").to_string(), "2026-11-24T05:57:59Z");
        for never in ["0", "9223372036854775807", "", "x", "-1"] {
            assert_eq!(filetime(never.as_bytes()), None, "{never}");
        }
        for bad in ["20261324055813.0Z", "20261124055813", "2026112405581.0Z", "20261124055813.Z", "+2261124055813.0Z"]
        {
            assert_eq!(generalized(bad.as_bytes()), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_time_or_not(bytes in prop::collection::vec(any::<u8>(), 0..40), seconds: u64, steps: i64) {
            let _ = (filetime(&bytes), generalized(&bytes), integer(&bytes), seconds_since_1601(seconds));
            let _ = filetime(steps.to_string().as_bytes());
        }

        #[test]
        fn a_generalized_time_reads_as_what_was_written(second in 0i64..4_000_000_000) {
            let time = Timestamp::from_second(second).expect("in range");
            let text = time.strftime("%Y%m%d%H%M%S.0Z").to_string();
            prop_assert_eq!(generalized(text.as_bytes()), Some(time));
        }
    }
}
