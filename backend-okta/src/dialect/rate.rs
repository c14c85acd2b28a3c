//! The rate-limit headers (Okta, "Rate limits"): of the bucket that the request took from.

use http::HeaderMap;
use identity_core::http::server_date;
use identity_core::limits::{WindowHint, clock};

const LIMIT: &str = "x-rate-limit-limit";
const REMAINING: &str = "x-rate-limit-remaining";
/// The second since 1970, by Okta's clock, from which on a new window may begin.
const RESET: &str = "x-rate-limit-reset";

/// Windows are of 60 seconds; an end that is further off is none that can be believed.
const LONGEST_WINDOW: u64 = 600;

/// What the headers say of the window: `None` when one is missing or cannot be read, which happens
/// (a 405 came without them). A limit of 0 with 0 left is Okta's word for too many requests at once.
pub(super) fn window(headers: &HeaderMap) -> Option<WindowHint> {
    let (limit, remaining) = (least(headers, LIMIT)?, least(headers, REMAINING)?);
    let (limit, remaining) = (bounded(limit), bounded(remaining));
    if limit == 0 {
        // Its end is an estimate and says nothing.
        return Some(WindowHint::new(0, 0, std::time::Duration::ZERO));
    }
    let date = server_date(headers).unwrap_or_else(clock::now).as_second();
    let (reset, date) = (least(headers, RESET)?, u64::try_from(date).ok()?);
    (reset.saturating_sub(date) <= LONGEST_WINDOW)
        .then(|| WindowHint::by_server_clock(limit, remaining.min(limit), reset, date))
}

/// The least of a header's values: some answers carry it twice (okta-sdk-java, issue 259).
fn least(headers: &HeaderMap, name: &str) -> Option<u64> {
    let lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).filter_map(|value| value.trim().parse().ok()).min()
}

fn bounded(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue, header};
    use proptest::prelude::*;
    use std::time::Duration;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    /// As recorded by okta-sdk-python (test_list_agent_pools_with_multiple_pool_types).
    const RECORDED: [(&str, &str); 4] =
        [("date", "Thu, 11 Sep 2025 16:21:50 GMT"), (LIMIT, "10"), (REMAINING, "0"), (RESET, "1757607758")];

    #[test]
    fn the_end_is_by_the_servers_clock_whatever_ours_says() {
        let hint = window(&headers(&RECORDED)).unwrap();
        assert_eq!((hint.limit, hint.remaining, hint.resets_in), (10, 0, Duration::from_secs(48)));
        assert_eq!(hint.ends_at, Some(1_757_607_758));
        // The second at which it ends is of the next window already.
        let at_the_end = [("date", "Thu, 11 Sep 2025 16:22:38 GMT"), RECORDED[1], RECORDED[2], RECORDED[3]];
        assert_eq!(window(&headers(&at_the_end)).unwrap().resets_in, Duration::ZERO);
    }

    #[test]
    fn of_headers_that_came_twice_the_least_counts() {
        let twice = [RECORDED.as_slice(), &[(LIMIT, "5"), (REMAINING, "7"), (RESET, "1757607757, null")]].concat();
        let hint = window(&headers(&twice)).unwrap();
        assert_eq!((hint.limit, hint.remaining, hint.resets_in), (5, 0, Duration::from_secs(47)));
    }

    #[test]
    fn what_is_missing_or_cannot_be_read_tells_nothing() {
        for missing in [LIMIT, REMAINING, RESET] {
            let lines: Vec<_> = RECORDED.into_iter().filter(|(name, _)| *name != missing).collect();
            assert_eq!(window(&headers(&lines)), None, "without {missing}");
        }
        for odd in ["null", "", "-1", "1757607758000", "99999999999999999999999"] {
            let lines = [RECORDED[0], RECORDED[1], RECORDED[2], (RESET, odd)];
            assert_eq!(window(&headers(&lines)), None, "{odd}");
        }
        assert_eq!(window(&HeaderMap::new()), None);
    }

    #[test]
    fn nothing_of_nothing_is_too_many_at_once_with_and_without_an_end() {
        for lines in [vec![(LIMIT, "0"), (REMAINING, "0")], vec![(LIMIT, "0"), (REMAINING, "0"), (RESET, "1609459200")]]
        {
            let hint = window(&headers(&lines)).unwrap();
            assert_eq!((hint.limit, hint.remaining, hint.ends_at), (0, 0, None));
        }
    }

    proptest! {
        #[test]
        fn any_values_are_read_without_a_panic_and_never_more_is_left_than_there_is(
            values in prop::collection::vec((0_usize..4, "[ -~]{0,24}|[0-9]{1,12}"), 0..8),
        ) {
            let names = [LIMIT, REMAINING, RESET, header::DATE.as_str()];
            let mut headers = HeaderMap::new();
            for (name, value) in &values {
                headers.append(HeaderName::from_bytes(names[*name].as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
            }
            if let Some(hint) = window(&headers) {
                prop_assert!(hint.remaining <= hint.limit);
                prop_assert!(hint.resets_in <= Duration::from_secs(LONGEST_WINDOW));
            }
        }

        #[test]
        fn numbers_come_back_as_they_were(limit in 1_u32.., left in 0_u32.., ahead in 0_u64..=60) {
            let (limit_text, left_text) = (limit.to_string(), left.to_string());
            let reset = (1_757_607_710 + ahead).to_string();
            let lines = [RECORDED[0], (LIMIT, &limit_text), (REMAINING, &left_text), (RESET, &reset)];
            let hint = window(&headers(&lines)).unwrap();
            prop_assert_eq!((hint.limit, hint.remaining), (limit, left.min(limit)));
            prop_assert_eq!(hint.resets_in, Duration::from_secs(ahead));
        }
    }
}
