//! Rate limits in response headers, in every form that servers use.
//!
//! Parsed are `Retry-After` in both forms; `X-RateLimit-*` with Envoy's multiple windows, as Snyk
//! sends them (`160, 160;w=1;name="…", 1620;w=60;…`); and the IETF drafts'
//! `RateLimit-Limit/-Remaining/-Reset` and `RateLimit`/`RateLimit-Policy`. Invalid values are
//! ignored. The code that waits is in the engine. Start at [`RateLimit::from_response`].

use std::time::{Duration, SystemTime};

use super::Timestamp;
use super::format::format_thousands;
use super::response::ApiResponse;

/// Smallest reset value that counts as seconds since 1970; a smaller value is a waiting time.
const MIN_EPOCH_SECONDS: u64 = 1_000_000_000;

/// Waiting times below this limit are shown in seconds.
const SECONDS_DISPLAY_LIMIT: Duration = Duration::from_secs(120);

/// Rate limits of a response.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RateLimit {
    /// Request budgets, one for each window.
    pub windows: Vec<RateLimitWindow>,
    /// Waiting time that the server demands.
    pub retry_after: Option<Duration>,
}

/// Budget of requests in one time window.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RateLimitWindow {
    /// Name of the window, if any.
    pub name: Option<String>,
    /// Number of requests that the window allows.
    pub limit: Option<u64>,
    /// Length of the window.
    pub duration: Option<Duration>,
    /// Number of remaining requests.
    pub remaining: Option<u64>,
    /// Time until the full budget is available again.
    pub reset: Option<Duration>,
}

impl RateLimit {
    /// Parses the headers of a response. `now` is used where the response has no `date` header.
    pub fn from_response(response: &ApiResponse, now: Timestamp) -> Self {
        let clock = response.header("date").and_then(parse_http_date).unwrap_or(now);
        let wait = |name: &str| response.header(name).and_then(|text| parse_wait(text, clock));
        let retry_after = wait("retry-after");
        let named = windows_from_policies(response);
        let counted = ["x-ratelimit", "ratelimit"].into_iter().filter_map(|prefix| {
            windows_from_counts(&RateLimitHeaders {
                limit: &joined_header(response, &format!("{prefix}-limit")),
                remaining: response
                    .header(&format!("{prefix}-remaining"))
                    .and_then(parse_leading_number),
                reset: wait(&format!("{prefix}-reset")),
            })
        });
        let budgets = std::iter::once(named)
            .chain(counted)
            .find(|budgets| !budgets.is_empty())
            .unwrap_or_default();
        Self { windows: budgets, retry_after }
    }

    /// Returns how long to wait before the next request: the longer of `Retry-After` and the reset
    /// of an exhausted budget. `None` where the server demands no wait.
    pub fn wait_time(&self) -> Option<Duration> {
        let spent = self
            .windows
            .iter()
            .filter(|budget| budget.remaining == Some(0))
            .filter_map(|budget| budget.reset);
        self.retry_after.into_iter().chain(spent).max()
    }

    /// Returns the window with the fewest remaining requests.
    pub fn tightest_window(&self) -> Option<&RateLimitWindow> {
        let left = self.windows.iter().filter(|budget| budget.remaining.is_some());
        left.min_by_key(|budget| budget.remaining).or(self.windows.first())
    }

    /// Returns the remaining requests and the limit of the tightest window, where both are known.
    pub fn remaining_of_limit(&self) -> Option<(u64, u64)> {
        let budget = self.tightest_window()?;
        budget.remaining.zip(budget.limit)
    }

    /// Returns the rate limits after `time` has passed: resets are closer, and a budget whose reset
    /// has passed is full again.
    #[must_use]
    pub fn after_elapsed(&self, time: Duration) -> Self {
        let later = |budget: &RateLimitWindow| match budget.reset {
            Some(reset) if reset <= time => {
                RateLimitWindow { remaining: budget.limit, reset: None, ..budget.clone() }
            }
            Some(reset) => {
                RateLimitWindow { reset: Some(reset.saturating_sub(time)), ..budget.clone() }
            }
            None => budget.clone(),
        };
        let retry_after = self.retry_after.and_then(|wait| wait.checked_sub(time));
        Self { windows: self.windows.iter().map(later).collect(), retry_after }
    }

    /// Returns the time until the text of [`RateLimit::describe`] changes: up to a second, or up to
    /// a minute where the text shows minutes. `None` where nothing counts down.
    pub fn next_text_change(&self) -> Option<Duration> {
        let reset = self.tightest_window()?.reset?;
        let step = if reset < SECONDS_DISPLAY_LIMIT {
            Duration::from_secs(1)
        } else {
            Duration::from_secs(60)
        };
        let over =
            Duration::from_nanos(u64::try_from(reset.as_nanos() % step.as_nanos()).unwrap_or(0));
        Some(if over.is_zero() { step } else { over })
    }

    /// Describes the tightest window: `37 of 1,620 left, resets in 12 s`.
    pub fn describe(&self) -> Option<String> {
        self.tightest_window().and_then(RateLimitWindow::describe)
    }
}

impl RateLimitWindow {
    fn describe(&self) -> Option<String> {
        let left = match (self.remaining, self.limit) {
            (Some(left), Some(limit)) => {
                format!("{} of {} left", format_thousands(left), format_thousands(limit))
            }
            (Some(left), None) => format!("{} left", format_thousands(left)),
            (None, Some(limit)) => match self.duration {
                Some(window) => {
                    format!("at most {} {}", format_thousands(limit), format_window(window))
                }
                None => format!("at most {}", format_thousands(limit)),
            },
            (None, None) => return None,
        };
        Some(
            self.reset
                .map_or(left.clone(), |reset| format!("{left}, resets in {}", format_wait(reset))),
        )
    }
}

/// Formats a waiting time, rounded up: `12 s`, `5 min`, `2 h`.
pub fn format_wait(time: Duration) -> String {
    match time.as_secs() + u64::from(time.subsec_nanos() > 0) {
        s @ 0..120 => format!("{s} s"),
        s @ 120..7200 => format!("{} min", s.div_ceil(60)),
        s => format!("{} h", s.div_ceil(3600)),
    }
}

/// Formats the length of a window as a rate: `a minute`, `in 10 s`.
pub fn format_window(window: Duration) -> String {
    match window.as_secs() {
        1 => "a second".to_owned(),
        60 => "a minute".to_owned(),
        3600 => "an hour".to_owned(),
        86_400 => "a day".to_owned(),
        _ => format!("in {}", format_wait(window)),
    }
}

/// Headers that describe one budget.
struct RateLimitHeaders<'a> {
    limit: &'a str,
    remaining: Option<u64>,
    reset: Option<Duration>,
}

/// Parses the windows of `-Limit`, `-Remaining` and `-Reset`. The first number of the limit is the
/// active one; the windows after it describe all limits.
fn windows_from_counts(headers: &RateLimitHeaders<'_>) -> Option<Vec<RateLimitWindow>> {
    let items = parse_header_list(headers.limit);
    let counted = items.first().and_then(|item| parse_leading_number(item.value));
    let mut budgets: Vec<RateLimitWindow> = items
        .iter()
        .filter(|item| item.number_parameter("w").is_some())
        .map(HeaderListItem::to_window)
        .collect();
    let index = budgets.iter().position(|budget| budget.limit == counted);
    if index.is_none() && (counted.is_some() || headers.remaining.is_some()) {
        budgets.insert(0, RateLimitWindow { limit: counted, ..RateLimitWindow::default() });
    }
    let budget = budgets.get_mut(index.unwrap_or(0))?;
    budget.remaining = headers.remaining;
    budget.reset = headers.reset;
    Some(budgets)
}

/// Parses the windows of `RateLimit-Policy` and `RateLimit`, matched by name, and of the
/// intermediate draft, in which `RateLimit` is `limit=…, remaining=…, reset=…`.
fn windows_from_policies(response: &ApiResponse) -> Vec<RateLimitWindow> {
    let (policy, state) =
        (joined_header(response, "ratelimit-policy"), joined_header(response, "ratelimit"));
    let states = parse_header_list(&state);
    let plain = |key: &str| {
        states
            .iter()
            .find_map(|item| item.value.strip_prefix(key)?.strip_prefix('='))
            .and_then(parse_leading_number)
    };
    if let (limit, Some(remaining)) = (plain("limit"), plain("remaining")) {
        let reset = plain("reset").map(Duration::from_secs);
        return vec![RateLimitWindow {
            limit,
            remaining: Some(remaining),
            reset,
            ..RateLimitWindow::default()
        }];
    }
    let mut budgets: Vec<RateLimitWindow> =
        parse_header_list(&policy).iter().map(HeaderListItem::to_policy_window).collect();
    for state in &states {
        let name = Some(unquote(state.value));
        let index = budgets.iter().position(|budget| budget.name == name).unwrap_or(budgets.len());
        if index == budgets.len() {
            budgets.push(RateLimitWindow { name, ..RateLimitWindow::default() });
        }
        budgets[index].remaining = state.number_parameter("r");
        budgets[index].reset = state.number_parameter("t").map(Duration::from_secs);
    }
    budgets.retain(|budget| budget.limit.is_some() || budget.remaining.is_some());
    budgets
}

/// Item of a list header: a value and its parameters.
struct HeaderListItem<'a> {
    value: &'a str,
    parameters: Vec<(&'a str, &'a str)>,
}

impl HeaderListItem<'_> {
    fn number_parameter(&self, key: &str) -> Option<u64> {
        self.parameters
            .iter()
            .find(|(name, _)| *name == key)
            .and_then(|(_, value)| parse_leading_number(value))
    }

    /// Converts `1620;w=60;name="…"`.
    fn to_window(&self) -> RateLimitWindow {
        let name = self
            .parameters
            .iter()
            .find(|(name, _)| *name == "name")
            .map(|(_, value)| unquote(value));
        let window = self.number_parameter("w").map(Duration::from_secs);
        RateLimitWindow {
            name,
            limit: parse_leading_number(self.value),
            duration: window,
            ..RateLimitWindow::default()
        }
    }

    /// Converts `"name";q=1620;w=60`.
    fn to_policy_window(&self) -> RateLimitWindow {
        let window = self.number_parameter("w").map(Duration::from_secs);
        RateLimitWindow {
            name: Some(unquote(self.value)),
            limit: self.number_parameter("q"),
            duration: window,
            ..RateLimitWindow::default()
        }
    }
}

fn parse_header_list(list: &str) -> Vec<HeaderListItem<'_>> {
    let item = |text| {
        let mut parts = split_outside_quotes(text, ';');
        let value = parts.next().unwrap_or_default();
        HeaderListItem {
            value,
            parameters: parts.filter_map(|part| part.split_once('=')).collect(),
        }
    };
    split_outside_quotes(list, ',').filter(|text| !text.is_empty()).map(item).collect()
}

/// Splits a text at separators outside quotes and trims the parts.
fn split_outside_quotes(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |c: char| {
        quoted ^= c == '"';
        c == separator && !quoted
    })
    .map(str::trim)
}

fn unquote(text: &str) -> String {
    text.trim_matches('"').to_owned()
}

fn parse_leading_number(text: &str) -> Option<u64> {
    let digits = text.trim().split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

/// Joins all headers of one name into one list.
fn joined_header(response: &ApiResponse, name: &str) -> String {
    let values =
        response.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
    values.collect::<Vec<_>>().join(", ")
}

/// Parses seconds to wait, seconds since 1970, or an HTTP date.
fn parse_wait(text: &str, now: Timestamp) -> Option<Duration> {
    let until = |moment: Timestamp| {
        Duration::from_secs(u64::try_from((moment - now).whole_seconds()).unwrap_or(0))
    };
    match text.trim().parse::<u64>() {
        Ok(epoch) if epoch >= MIN_EPOCH_SECONDS => {
            Timestamp::from_unix_timestamp(i64::try_from(epoch).ok()?).ok().map(until)
        }
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => parse_http_date(text).map(until),
    }
}

/// Parses an HTTP date.
pub(crate) fn parse_http_date(text: &str) -> Option<Timestamp> {
    let since =
        httpdate::parse_http_date(text.trim()).ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Timestamp::from_unix_timestamp(i64::try_from(since.as_secs()).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    fn response(headers: &[(&str, &str)]) -> ApiResponse {
        ApiResponse {
            status: 429,
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            ..ApiResponse::default()
        }
    }

    fn read(headers: &[(&str, &str)]) -> RateLimit {
        RateLimit::from_response(&response(headers), datetime!(2026-11-21 12:00 UTC))
    }

    fn description(headers: &[(&str, &str)]) -> String {
        read(headers).describe().unwrap_or_default()
    }

    #[test]
    fn snyks_windows_are_distinguished() {
        let limit = read(&[
            (
                "x-ratelimit-limit",
                "160, 160;w=1;name=\"per_second, really\", 1620;w=60;name=\"m\", 97200;w=3600;name=\"h\"",
            ),
            ("x-ratelimit-remaining", "159"),
            ("x-ratelimit-reset", "1"),
        ]);
        let windows: Vec<_> = limit
            .windows
            .iter()
            .map(|budget| (budget.limit.unwrap(), budget.duration.unwrap().as_secs()))
            .collect();
        assert_eq!(windows, [(160, 1), (1620, 60), (97200, 3600)]);
        assert_eq!(limit.windows[0].name.as_deref(), Some("per_second, really"));
        assert_eq!(limit.describe().unwrap(), "159 of 160 left, resets in 1 s");
    }

    #[test]
    fn a_limit_is_said_as_people_say_it() {
        let formatted =
            [1, 10, 60, 300, 3600, 86_400].map(|window| format_window(Duration::from_secs(window)));
        assert_eq!(formatted, ["a second", "in 10 s", "a minute", "in 5 min", "an hour", "a day"]);
    }

    #[test]
    fn every_form_has_the_same_words() {
        let expected = "37 of 1,620 left, resets in 12 s";
        let x = [
            ("x-ratelimit-limit", "1620"),
            ("x-ratelimit-remaining", "37"),
            ("x-ratelimit-reset", "12"),
        ];
        let old = [
            ("ratelimit-limit", "1620, 1620;w=60"),
            ("ratelimit-remaining", "37"),
            ("ratelimit-reset", "12"),
        ];
        let between = [("ratelimit", "limit=1620, remaining=37, reset=12")];
        let new = [
            ("ratelimit-policy", "\"min\";q=1620;w=60,\"day\";q=90000;w=86400"),
            ("ratelimit", "\"day\";r=80000;t=5000, \"min\";r=37;t=12"),
        ];
        for headers in [x.as_slice(), &old, &between, &new] {
            assert_eq!(description(headers), expected, "{headers:?}");
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_by_the_servers_clock() {
        let wait = |headers: &[(&str, &str)]| read(headers).wait_time().map(|wait| wait.as_secs());
        assert_eq!(wait(&[("retry-after", " 45 ")]), Some(45));
        assert_eq!(wait(&[("retry-after", "Sat, 21 Nov 2026 12:00:30 GMT")]), Some(30));
        let skewed = [
            ("retry-after", "Sat, 21 Nov 2026 13:00:30 GMT"),
            ("date", "Sat, 21 Nov 2026 13:00:00 GMT"),
        ];
        assert_eq!(wait(&skewed), Some(30));
        assert_eq!(wait(&[("retry-after", "Sat, 21 Nov 2020 12:00:30 GMT")]), Some(0));
        assert_eq!(wait(&[("retry-after", "soon")]), None);
        assert_eq!(
            wait(&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1795262460")]),
            Some(60)
        );
        assert_eq!(
            wait(&[
                ("retry-after", "5"),
                ("x-ratelimit-remaining", "0"),
                ("x-ratelimit-reset", "9")
            ]),
            Some(9)
        );
    }

    #[test]
    fn the_budget_that_is_nearest_to_its_end_is_reported() {
        let policy = ("ratelimit-policy", "\"min\";q=1620;w=60,\"day\";q=90000;w=86400");
        let limit = read(&[policy, ("ratelimit", "\"day\";r=80000;t=5000, \"min\";r=37;t=12")]);
        assert_eq!(limit.remaining_of_limit(), Some((37, 1620)));
        let windows: Vec<_> = limit
            .windows
            .iter()
            .map(|budget| (budget.name.as_deref(), budget.duration.unwrap().as_secs()))
            .collect();
        assert_eq!(windows, [(Some("min"), 60), (Some("day"), 86400)]);
        assert_eq!(
            description(&[policy]),
            "at most 1,620 a minute",
            "without remaining requests, the first window is described"
        );
        assert_eq!(read(&[policy]).remaining_of_limit(), None);
        assert_eq!(
            read(&[("ratelimit", "\"other\";r=5")]).windows[0].name.as_deref(),
            Some("other")
        );
        assert_eq!(read(&[("ratelimit", "\"empty\";x=5")]).windows, [], "it says nothing");
    }

    #[test]
    fn a_budget_is_counted_down_and_is_full_again() {
        let limit = read(&[
            ("x-ratelimit-limit", "160, 160;w=1"),
            ("x-ratelimit-remaining", "37"),
            ("x-ratelimit-reset", "150"),
        ]);
        let after = |milliseconds| limit.after_elapsed(Duration::from_millis(milliseconds));
        let described = |milliseconds| {
            (
                after(milliseconds).describe().unwrap(),
                after(milliseconds).next_text_change().map(|step| step.as_millis()),
            )
        };
        assert_eq!(described(0), ("37 of 160 left, resets in 3 min".to_owned(), Some(30_000)));
        assert_eq!(described(40_300), ("37 of 160 left, resets in 110 s".to_owned(), Some(700)));
        assert_eq!(described(149_900), ("37 of 160 left, resets in 1 s".to_owned(), Some(100)));
        assert_eq!(described(150_000), ("160 of 160 left".to_owned(), None));
        assert_eq!(after(150_000).remaining_of_limit(), Some((160, 160)));
        let unknown = read(&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1")])
            .after_elapsed(Duration::from_secs(2));
        assert_eq!(unknown.describe(), None, "the number is unknown");
    }

    #[test]
    fn an_answer_without_limits_says_nothing() {
        assert_eq!(read(&[]), RateLimit::default());
        assert_eq!(read(&[]).describe(), None);
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(limit in "[0-9,;=wqrt\"a-z .-]{0,40}", other in "\\PC{0,30}", number in any::<u64>()) {
            let number = number.to_string();
            for names in [["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"], ["ratelimit", "ratelimit-policy", "retry-after"]] {
                let limit = read(&[(names[0], &limit), (names[1], &other), (names[2], &number)]);
                let _ = (limit.describe(), limit.wait_time());
                let _ = read(&[(names[0], &number), (names[1], &number), (names[2], &other)]).describe();
            }
        }
    }
}
