//! The table that is printed, row by row as it is measured, in the form in which CONTRIBUTING.md shows it.

use std::time::Duration;

/// Prints the head.
pub(crate) fn begin() {
    println!("| what | taken | beside it | ratio | goal |\n|---|---|---|---|---|");
}

/// A duration beside another, and the ratio that it should not exceed.
pub(crate) fn ratio(what: &str, taken: Duration, beside: (&str, Duration), goal: f64) {
    let ratio = taken.div_duration_f64(beside.1);
    row(what, &ms(taken), &format!("{} {}", beside.0, ms(beside.1)), &format!("{ratio:.2}"), &format!("≤ {goal}"));
}

/// A row of its own kind.
pub(crate) fn row(what: &str, taken: &str, beside: &str, ratio: &str, goal: &str) {
    println!("| {what} | {taken} | {beside} | {ratio} | {goal} |");
}

/// A figure that could not be taken here.
pub(crate) fn skip(what: &str, why: &str) {
    row(what, "skipped", why, "–", "–");
}

/// Milliseconds with as many digits as mean something.
pub(crate) fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1000.0)
}
