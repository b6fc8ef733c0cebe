//! Headers of answers that a person is glad to have explained.

use super::Moment;
use super::rate_limit::{self, RateLimit, date};
use super::response::Answer;
use super::words::grouped;

/// A header of an answer, with what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained<'a> {
    /// The header's name, lower case.
    pub name: &'a str,
    /// Its value.
    pub value: &'a str,
    /// What it means here, in words.
    pub meaning: String,
}

/// What is known about a header.
struct Known {
    name: &'static str,
    meaning: Meaning,
}

/// How the words for a header come about.
#[derive(Clone, Copy)]
enum Meaning {
    /// They are always the same.
    Always(&'static str),
    /// They depend on the value.
    Of(fn(&str, &Seen<'_>) -> Option<String>),
}

/// What else was seen.
struct Seen<'a> {
    answer: &'a Answer,
    limit: RateLimit,
    now: Moment,
}

const KNOWN: [Known; 22] = [
    Known { name: "snyk-request-id", meaning: Meaning::Always("the request's number; quote it to Snyk's support") },
    Known { name: "x-request-id", meaning: Meaning::Always("the request's number; quote it to the provider's support") },
    Known { name: "x-error-reference", meaning: Meaning::Always("the failure's number; quote it to the provider's support") },
    Known { name: "cf-ray", meaning: Meaning::Always("Cloudflare's number of the request, which a block page names too") },
    Known { name: "snyk-version-requested", meaning: Meaning::Always("the version of the API that was asked for") },
    Known { name: "snyk-version-served", meaning: Meaning::Of(version_served) },
    Known { name: "snyk-version-lifecycle-stage", meaning: Meaning::Of(stage) },
    Known { name: "deprecation", meaning: Meaning::Of(deprecation) },
    Known { name: "sunset", meaning: Meaning::Of(sunset) },
    Known { name: "retry-after", meaning: Meaning::Of(retry_after) },
    Known { name: "x-ratelimit-limit", meaning: Meaning::Of(windows) },
    Known { name: "x-ratelimit-remaining", meaning: Meaning::Of(budget) },
    Known { name: "ratelimit-limit", meaning: Meaning::Of(windows) },
    Known { name: "ratelimit-remaining", meaning: Meaning::Of(budget) },
    Known { name: "ratelimit-policy", meaning: Meaning::Of(windows) },
    Known { name: "ratelimit", meaning: Meaning::Of(budget) },
    Known {
        name: "location",
        meaning: Meaning::Always("where the answer points to; another origin is not followed with a secret"),
    },
    Known { name: "www-authenticate", meaning: Meaning::Always("how the server wants to be shown a credential") },
    Known { name: "allow", meaning: Meaning::Always("the methods that this path takes") },
    Known { name: "link", meaning: Meaning::Always("further pages or documents") },
    Known { name: "server", meaning: Meaning::Of(guard) },
    Known { name: "date", meaning: Meaning::Of(skew) },
];

/// The headers of an answer that mean something to a person, in their order.
pub fn explained(answer: &Answer, now: Moment) -> Vec<Explained<'_>> {
    let seen = Seen { answer, limit: RateLimit::read(answer, now), now };
    let explain = |(name, value): &'_ (String, String)| {
        let known = KNOWN.iter().find(|known| known.name == name)?;
        match known.meaning {
            Meaning::Always(words) => Some(words.to_owned()),
            Meaning::Of(words) => words(value, &seen),
        }
    };
    let headers = answer.headers.iter();
    headers.filter_map(|header| Some(Explained { name: &header.0, value: &header.1, meaning: explain(header)? })).collect()
}

fn version_served(served: &str, seen: &Seen<'_>) -> Option<String> {
    match seen.answer.header("snyk-version-requested") {
        Some(asked) if asked == served => None,
        Some(asked) => Some(format!("the newest version on or before {asked}, which was asked for")),
        None => Some("the version of the API that answered".to_owned()),
    }
}

fn stage(stage: &str, _: &Seen<'_>) -> Option<String> {
    let words = match stage {
        "ga" => "generally available: supported for at least half a year after the next version",
        "beta" => "beta: may change; supported for three months after the next version",
        "experimental" | "wip" => "experimental: may change or vanish at any time",
        "deprecated" => "deprecated: a newer version is there; this one will go",
        "sunset" => "sunset: this version may be switched off at any time",
        _ => return None,
    };
    Some(words.to_owned())
}

fn deprecation(when: &str, seen: &Seen<'_>) -> Option<String> {
    let said = moment(when)?;
    let tense = if said <= seen.now { "deprecated since" } else { "will be deprecated on" };
    Some(format!("{tense} {}", said.date()))
}

fn sunset(when: &str, seen: &Seen<'_>) -> Option<String> {
    let end = moment(when)?;
    let days = (end - seen.now).whole_days();
    Some(if days < 0 {
        format!("should have been switched off on {}", end.date())
    } else {
        format!("will be switched off on {}, in {days} d", end.date())
    })
}

fn retry_after(_: &str, seen: &Seen<'_>) -> Option<String> {
    Some(format!("the server wants to be left alone for {}", rate_limit::seconds(seen.limit.retry_after?)))
}

fn windows(_: &str, seen: &Seen<'_>) -> Option<String> {
    let limits = seen.limit.budgets.iter().filter_map(|budget| Some((budget.limit?, budget.window?)));
    let mut limits = limits.enumerate().map(|(at, (limit, window))| {
        // What is counted is said once.
        let counted = match (at, limit) {
            (0, 1) => " request",
            (0, _) => " requests",
            _ => "",
        };
        format!("{}{counted} {}", grouped(limit), rate_limit::every(window))
    });
    let first = limits.next()?;
    let rest: Vec<_> = limits.collect();
    Some(match rest.split_last() {
        None => format!("at most {first}"),
        Some((last, [])) => format!("at most {first} and {last}"),
        Some((last, between)) => format!("at most {first}, {} and {last}", between.join(", ")),
    })
}

fn budget(_: &str, seen: &Seen<'_>) -> Option<String> {
    seen.limit.words()
}

fn guard(server: &str, _: &Seen<'_>) -> Option<String> {
    server.to_lowercase().contains("cloudflare").then(|| "Cloudflare stands in front; a 403 may be its own".to_owned())
}

/// A clock that is wrong makes good tokens look ended.
fn skew(value: &str, seen: &Seen<'_>) -> Option<String> {
    let apart = date(value)? - seen.now;
    let minutes = apart.whole_minutes().abs();
    let direction = if apart.is_positive() { "behind" } else { "ahead of" };
    (minutes >= 2).then(|| format!("this machine's clock is {minutes} min {direction} the server's"))
}

/// A moment in any of the forms in which these headers give one: an HTTP date, `@` and seconds, RFC 3339, a day.
fn moment(text: &str) -> Option<Moment> {
    use time::format_description::well_known::{Iso8601, Rfc3339};
    let epoch = || Moment::from_unix_timestamp(text.strip_prefix('@')?.parse().ok()?).ok();
    let day = || time::Date::parse(text, &Iso8601::DATE).ok().map(|day| day.midnight().assume_utc());
    date(text).or_else(epoch).or_else(|| Moment::parse(text, &Rfc3339).ok()).or_else(day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;
    use crate::domain::response::{Body, Timing};

    const NOW: Moment = datetime!(2026-11-21 12:00 UTC);

    fn answer(headers: &[(&str, &str)]) -> Answer {
        Answer {
            status: 200,
            headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            body: Body::Empty,
            timing: Timing::default(),
            size: 0,
            truncated: false,
            url: String::new(),
            version: String::new(),
        }
    }

    fn meaning(headers: &[(&str, &str)], name: &str) -> String {
        let answer = answer(headers);
        explained(&answer, NOW).into_iter().find(|known| known.name == name).map(|known| known.meaning).unwrap_or_default()
    }

    #[test]
    fn headers_say_what_they_mean_here() {
        for (name, value, expected) in [
            ("snyk-request-id", "abc", "support"),
            ("snyk-version-lifecycle-stage", "ga", "generally available"),
            ("snyk-version-lifecycle-stage", "beta", "may change"),
            ("snyk-version-lifecycle-stage", "experimental", "vanish"),
            ("snyk-version-lifecycle-stage", "wip", "vanish"),
            ("snyk-version-lifecycle-stage", "deprecated", "a newer version is there"),
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
            ("x-ratelimit-limit", "160, 160;w=1, 1620;w=60", "at most 160 requests a second and 1,620 a minute"),
            ("x-ratelimit-limit", "5, 5;w=10", "at most 5 requests in 10 s"),
            ("x-ratelimit-limit", "1, 1;w=1, 2;w=60, 3;w=3600", "at most 1 request a second, 2 a minute and 3 an hour"),
        ] {
            let said = meaning(&[(name, value)], name);
            assert!(said.contains(expected), "{name}: {value}: {said:?}");
        }
        let versions = [("snyk-version-requested", "2024-10-15"), ("snyk-version-served", "2024-04-22")];
        assert!(meaning(&versions, "snyk-version-served").contains("on or before 2024-10-15"));
        let alike = [("snyk-version-requested", "2024-04-22"), ("snyk-version-served", "2024-04-22")];
        assert_eq!(meaning(&alike, "snyk-version-served"), "");
        let left = [("x-ratelimit-limit", "1620"), ("x-ratelimit-remaining", "37"), ("x-ratelimit-reset", "12")];
        assert_eq!(meaning(&left, "x-ratelimit-remaining"), "37 of 1,620 left, resets in 12 s");
    }

    #[test]
    fn what_says_nothing_is_passed_over() {
        let quiet =
            [("content-type", "text/plain"), ("server", "nginx"), ("sunset", "soon"), ("date", "Sat, 21 Nov 2026 12:00:30 GMT")];
        assert_eq!(explained(&answer(&quiet), NOW), []);
    }

    proptest! {
        #[test]
        fn no_value_makes_it_panic(value in "\\PC{0,30}", number in any::<i64>()) {
            for known in &KNOWN {
                for value in [value.clone(), number.to_string(), format!("@{number}")] {
                    let _ = explained(&answer(&[(known.name, &value)]), NOW);
                }
            }
        }
    }
}
