//! Times as Graph writes them.

use jiff::Timestamp;

/// A time of Graph. What cannot be read says nothing (the documentation itself has times that are
/// malformed), nor does the beginning of 1601, which stands for "never".
pub(super) fn moment(text: Option<&str>) -> Option<Timestamp> {
    let time: Timestamp = text?.parse().ok()?;
    (time.as_second() > 0).then_some(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_time_says_nothing() {
        for bad in [None, Some(""), Some("2020-03-19T12-01-03.45Z"), Some("1601-01-01T00:00:00Z"), Some("soon")] {
            assert_eq!(moment(bad), None, "{bad:?}");
        }
        let exact = moment(Some("2023-03-13T19:15:41.6195833Z")).unwrap();
        assert_eq!(exact.as_second(), 1_678_734_941);
    }
}
