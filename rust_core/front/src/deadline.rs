//! The deadline that a caller sends: the header `grpc-timeout`, digits and a unit.

use std::time::Duration;

use http::{HeaderMap, HeaderValue};

const HEADER: &str = "grpc-timeout";
/// As many as the protocol allows.
const DIGITS_MAX: usize = 8;

/// How long the caller of a request waits; none where it does not say so, or not in the protocol's words.
pub fn timeout(headers: &HeaderMap<HeaderValue>) -> Option<Duration> {
    let value = headers.get(HEADER)?.to_str().ok()?;
    let (digits, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > DIGITS_MAX || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(count * 3600)),
        "M" => Some(Duration::from_secs(count * 60)),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

/// Takes out of the headers what is no deadline, and all but the first of several: gRPC's library writes a line about such.
pub fn tidy(headers: &mut HeaderMap<HeaderValue>) {
    if timeout(headers).is_none() {
        headers.remove(HEADER);
    } else if headers.get_all(HEADER).iter().nth(1).is_some()
        && let Some(first) = headers.get(HEADER).cloned()
    {
        headers.insert(HEADER, first);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(value: &'static str) -> Option<Duration> {
        let value = HeaderValue::try_from(value).expect("what a header may hold");
        timeout(&HeaderMap::from_iter([(http::HeaderName::from_static(HEADER), value)]))
    }

    #[test]
    fn each_unit_is_read() {
        assert_eq!(of("2H"), Some(Duration::from_hours(2)));
        assert_eq!(of("3M"), Some(Duration::from_mins(3)));
        assert_eq!(of("99999999S"), Some(Duration::from_secs(99_999_999)));
        assert_eq!(of("5m"), Some(Duration::from_millis(5)));
        assert_eq!(of("7u"), Some(Duration::from_micros(7)));
        assert_eq!(of("0n"), Some(Duration::ZERO));
    }

    #[test]
    fn what_is_no_deadline_is_none() {
        for value in ["", "S", "1", "1s", "-1S", "+1S", "1.5S", "123456789S", " 1S", "1 S", "1é"] {
            assert_eq!(of(value), None, "{value}");
        }
        assert_eq!(timeout(&HeaderMap::new()), None);
    }

    #[test]
    fn what_is_no_deadline_is_not_passed_on() {
        for (sent, passed) in [(vec![""], vec![]), (vec!["1s", "1S"], vec![]), (vec!["1S", ""], vec!["1S"])] {
            let mut headers = HeaderMap::new();
            for value in sent {
                headers.append(HEADER, HeaderValue::from_static(value));
            }
            tidy(&mut headers);
            assert_eq!(headers.get_all(HEADER).iter().collect::<Vec<_>>(), passed);
        }
    }
}
