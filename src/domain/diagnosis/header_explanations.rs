//! Explanations of response headers.
//!
//! Start at [`explain_headers`]. A header is explained by a line in `KNOWN_HEADERS`; rate limits
//! are parsed in [`crate::domain::rate_limit`].

use crate::domain::Timestamp;
use crate::domain::format::format_thousands;
use crate::domain::rate_limit::{self, RateLimit, parse_http_date};
use crate::domain::response::ApiResponse;

/// Response header with its meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderExplanation<'a> {
    /// Name of the header in lower case.
    pub name: &'a str,
    /// Value of the header.
    pub value: &'a str,
    /// Meaning of the value in this response.
    pub meaning: String,
}

/// Known header and how to explain it.
struct KnownHeader {
    name: &'static str,
    meaning: HeaderMeaning,
}

/// Source of a header's explanation.
#[derive(Clone, Copy)]
enum HeaderMeaning {
    /// The text is always the same.
    Static(&'static str),
    /// The text depends on the value.
    FromValue(fn(&str, &HeaderContext<'_>) -> Option<String>),
}

/// Rest of the response, for explanations that need more than the value.
struct HeaderContext<'a> {
    response: &'a ApiResponse,
    rate_limit: RateLimit,
    now: Timestamp,
}

const KNOWN_HEADERS: [KnownHeader; 22] = [
    KnownHeader {
        name: "snyk-request-id",
        meaning: HeaderMeaning::Static("request ID; quote it to Snyk's support"),
    },
    KnownHeader {
        name: "x-request-id",
        meaning: HeaderMeaning::Static("request ID; quote it to the provider's support"),
    },
    KnownHeader {
        name: "x-error-reference",
        meaning: HeaderMeaning::Static("error ID; quote it to the provider's support"),
    },
    KnownHeader {
        name: "cf-ray",
        meaning: HeaderMeaning::Static("Cloudflare's request ID, which its block pages show too"),
    },
    KnownHeader {
        name: "snyk-version-requested",
        meaning: HeaderMeaning::Static("requested API version"),
    },
    KnownHeader {
        name: "snyk-version-served",
        meaning: HeaderMeaning::FromValue(explain_version_served),
    },
    KnownHeader {
        name: "snyk-version-lifecycle-stage",
        meaning: HeaderMeaning::FromValue(explain_lifecycle_stage),
    },
    KnownHeader { name: "deprecation", meaning: HeaderMeaning::FromValue(explain_deprecation) },
    KnownHeader { name: "sunset", meaning: HeaderMeaning::FromValue(explain_sunset) },
    KnownHeader { name: "retry-after", meaning: HeaderMeaning::FromValue(explain_retry_after) },
    KnownHeader {
        name: "x-ratelimit-limit",
        meaning: HeaderMeaning::FromValue(explain_rate_limits),
    },
    KnownHeader {
        name: "x-ratelimit-remaining",
        meaning: HeaderMeaning::FromValue(explain_remaining_requests),
    },
    KnownHeader { name: "ratelimit-limit", meaning: HeaderMeaning::FromValue(explain_rate_limits) },
    KnownHeader {
        name: "ratelimit-remaining",
        meaning: HeaderMeaning::FromValue(explain_remaining_requests),
    },
    KnownHeader {
        name: "ratelimit-policy",
        meaning: HeaderMeaning::FromValue(explain_rate_limits),
    },
    KnownHeader {
        name: "ratelimit",
        meaning: HeaderMeaning::FromValue(explain_remaining_requests),
    },
    KnownHeader {
        name: "location",
        meaning: HeaderMeaning::Static(
            "redirect target; not followed to another origin with a secret",
        ),
    },
    KnownHeader {
        name: "www-authenticate",
        meaning: HeaderMeaning::Static("authentication schemes that the server accepts"),
    },
    KnownHeader { name: "allow", meaning: HeaderMeaning::Static("methods that this path accepts") },
    KnownHeader {
        name: "link",
        meaning: HeaderMeaning::Static("links to further pages or documents"),
    },
    KnownHeader { name: "server", meaning: HeaderMeaning::FromValue(explain_server) },
    KnownHeader { name: "date", meaning: HeaderMeaning::FromValue(explain_clock_skew) },
];

/// Explains the known headers of a response, in the order of the response.
pub fn explain_headers(response: &ApiResponse, now: Timestamp) -> Vec<HeaderExplanation<'_>> {
    let seen = HeaderContext { response, rate_limit: RateLimit::from_response(response, now), now };
    let explain = |(name, value): &'_ (String, String)| {
        let known = KNOWN_HEADERS.iter().find(|known| known.name == name)?;
        match known.meaning {
            HeaderMeaning::Static(text) => Some(text.to_owned()),
            HeaderMeaning::FromValue(explain_value) => explain_value(value, &seen),
        }
    };
    let headers = response.headers.iter();
    headers
        .filter_map(|header| {
            Some(HeaderExplanation { name: &header.0, value: &header.1, meaning: explain(header)? })
        })
        .collect()
}

fn explain_version_served(served: &str, seen: &HeaderContext<'_>) -> Option<String> {
    match seen.response.header("snyk-version-requested") {
        Some(requested) if requested == served => None,
        Some(requested) => {
            Some(format!("newest version on or before {requested}, the requested version"))
        }
        None => Some("API version that served the request".to_owned()),
    }
}

fn explain_lifecycle_stage(stage: &str, _: &HeaderContext<'_>) -> Option<String> {
    let text = match stage {
        "ga" => "generally available: supported for at least six months after the next version",
        "beta" => "beta: may change; supported for three months after the next version",
        "experimental" | "wip" => "experimental: may change or be removed at any time",
        "deprecated" => "deprecated: a newer version exists; this one will be removed",
        "sunset" => "sunset: this version may be switched off at any time",
        _ => return None,
    };
    Some(text.to_owned())
}

fn explain_deprecation(when: &str, seen: &HeaderContext<'_>) -> Option<String> {
    let date = parse_timestamp(when)?;
    let tense = if date <= seen.now { "deprecated since" } else { "will be deprecated on" };
    Some(format!("{tense} {}", date.date()))
}

fn explain_sunset(when: &str, seen: &HeaderContext<'_>) -> Option<String> {
    let end = parse_timestamp(when)?;
    let days = (end - seen.now).whole_days();
    Some(if days < 0 {
        format!("should have been switched off on {}", end.date())
    } else {
        format!("will be switched off on {}, in {days} d", end.date())
    })
}

fn explain_retry_after(_: &str, seen: &HeaderContext<'_>) -> Option<String> {
    Some(format!(
        "wait {} before the next request",
        rate_limit::format_wait(seen.rate_limit.retry_after?)
    ))
}

fn explain_rate_limits(_: &str, seen: &HeaderContext<'_>) -> Option<String> {
    let limits =
        seen.rate_limit.windows.iter().filter_map(|budget| Some((budget.limit?, budget.duration?)));
    let mut limits = limits.enumerate().map(|(at, (limit, window))| {
        // The noun appears only once, after the first limit.
        let counted = match (at, limit) {
            (0, 1) => " request",
            (0, _) => " requests",
            _ => "",
        };
        format!("{}{counted} {}", format_thousands(limit), rate_limit::format_window(window))
    });
    let first = limits.next()?;
    let rest: Vec<_> = limits.collect();
    Some(match rest.split_last() {
        None => format!("at most {first}"),
        Some((last, [])) => format!("at most {first} and {last}"),
        Some((last, between)) => format!("at most {first}, {} and {last}", between.join(", ")),
    })
}

fn explain_remaining_requests(_: &str, seen: &HeaderContext<'_>) -> Option<String> {
    seen.rate_limit.describe()
}

fn explain_server(server: &str, _: &HeaderContext<'_>) -> Option<String> {
    server
        .to_lowercase()
        .contains("cloudflare")
        .then(|| "Cloudflare protects this server; a 403 may come from Cloudflare".to_owned())
}

/// Explains a difference between the clocks. A wrong clock makes valid tokens look expired.
fn explain_clock_skew(value: &str, seen: &HeaderContext<'_>) -> Option<String> {
    let apart = parse_http_date(value)? - seen.now;
    let minutes = apart.whole_minutes().abs();
    let direction = if apart.is_positive() { "behind" } else { "ahead of" };
    (minutes >= 2)
        .then(|| format!("this machine's clock is {minutes} min {direction} the server's"))
}

/// Parses a time in any format that these headers use: an HTTP date, `@` and seconds, RFC 3339, or
/// a date.
fn parse_timestamp(text: &str) -> Option<Timestamp> {
    use time::format_description::well_known::{Iso8601, Rfc3339};
    let epoch = || Timestamp::from_unix_timestamp(text.strip_prefix('@')?.parse().ok()?).ok();
    let day =
        || time::Date::parse(text, &Iso8601::DATE).ok().map(|day| day.midnight().assume_utc());
    parse_http_date(text)
        .or_else(epoch)
        .or_else(|| Timestamp::parse(text, &Rfc3339).ok())
        .or_else(day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    const NOW: Timestamp = datetime!(2026-11-21 12:00 UTC);

    fn response(headers: &[(&str, &str)]) -> ApiResponse {
        ApiResponse {
            status: 200,
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            ..ApiResponse::default()
        }
    }

    fn meaning(headers: &[(&str, &str)], name: &str) -> String {
        let response = response(headers);
        explain_headers(&response, NOW)
            .into_iter()
            .find(|known| known.name == name)
            .map(|known| known.meaning)
            .unwrap_or_default()
    }

    #[test]
    fn headers_say_what_they_mean_here() {
        for (name, value, expected) in [
            ("snyk-request-id", "abc", "support"),
            ("snyk-version-lifecycle-stage", "ga", "generally available"),
            ("snyk-version-lifecycle-stage", "beta", "may change"),
            ("snyk-version-lifecycle-stage", "experimental", "removed"),
            ("snyk-version-lifecycle-stage", "wip", "removed"),
            ("snyk-version-lifecycle-stage", "deprecated", "a newer version exists"),
            ("snyk-version-lifecycle-stage", "sunset", "switched off"),
            ("deprecation", "2026-01-10T00:00:00Z", "deprecated since 2026-01-10"),
            ("deprecation", "@1798761600", "will be deprecated on 2027-01-01"),
            ("sunset", "2026-12-01", "on 2026-12-01, in 9 d"),
            ("sunset", "2026-11-21T12:00:00Z", "will be switched off on 2026-11-21, in 0 d"),
            ("sunset", "Sat, 31 Oct 2026 00:00:00 GMT", "should have been"),
            ("retry-after", "45", "45 s"),
            ("server", "cloudflare", "Cloudflare"),
            ("date", "Sat, 21 Nov 2026 12:10:00 GMT", "clock is 10 min behind"),
            ("date", "Sat, 21 Nov 2026 11:58:00 GMT", "clock is 2 min ahead of"),
            (
                "x-ratelimit-limit",
                "160, 160;w=1, 1620;w=60",
                "at most 160 requests a second and 1,620 a minute",
            ),
            ("x-ratelimit-limit", "5, 5;w=10", "at most 5 requests in 10 s"),
            (
                "x-ratelimit-limit",
                "1, 1;w=1, 2;w=60, 3;w=3600",
                "at most 1 request a second, 2 a minute and 3 an hour",
            ),
        ] {
            let explanation = meaning(&[(name, value)], name);
            assert!(explanation.contains(expected), "{name}: {value}: {explanation:?}");
        }
        let versions =
            [("snyk-version-requested", "2024-10-15"), ("snyk-version-served", "2024-04-22")];
        assert!(meaning(&versions, "snyk-version-served").contains("on or before 2024-10-15"));
        let alike =
            [("snyk-version-requested", "2024-04-22"), ("snyk-version-served", "2024-04-22")];
        assert_eq!(meaning(&alike, "snyk-version-served"), "");
        let left = [
            ("x-ratelimit-limit", "1620"),
            ("x-ratelimit-remaining", "37"),
            ("x-ratelimit-reset", "12"),
        ];
        assert_eq!(meaning(&left, "x-ratelimit-remaining"), "37 of 1,620 left, resets in 12 s");
    }

    #[test]
    fn what_says_nothing_is_passed_over() {
        let quiet = [
            ("content-type", "text/plain"),
            ("server", "nginx"),
            ("sunset", "soon"),
            ("date", "Sat, 21 Nov 2026 12:00:30 GMT"),
        ];
        assert_eq!(explain_headers(&response(&quiet), NOW), []);
    }

    proptest! {
        #[test]
        fn no_value_makes_it_panic(value in "\\PC{0,30}", number in any::<i64>()) {
            for known in &KNOWN_HEADERS {
                for value in [value.clone(), number.to_string(), format!("@{number}")] {
                    let _ = explain_headers(&response(&[(known.name, &value)]), NOW);
                }
            }
        }
    }
}
