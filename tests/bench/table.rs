//! The table that is printed, row by row as it is measured, in the form in which CONTRIBUTING.md shows it.

use std::time::Duration;

use crate::times::Times;

/// Prints the head.
pub(crate) fn begin() {
    println!("| what | taken | beside it | ratio | goal | met |\n|---|---|---|---|---|---|");
}

/// What many runs took beside others, and the ratio of their medians that should not be exceeded.
pub(crate) fn ratio(what: &str, taken: &Times, (name, beside): (&str, &Times), goal: f64) {
    let ratio = taken.median().div_duration_f64(beside.median());
    proportion(what, &taken.to_string(), &format!("{name} {beside}"), (ratio, goal));
}

/// One figure beside another, and the ratio of both with its goal.
pub(crate) fn proportion(what: &str, taken: &str, beside: &str, (ratio, goal): (f64, f64)) {
    print([what, taken, beside, &format!("{ratio:.2}"), &format!("≤ {goal}"), met(ratio <= goal)]);
}

/// A figure with a limit of its own.
pub(crate) fn limit(what: &str, taken: &str, beside: &str, (value, limit, unit): (f64, f64, &str)) {
    print([what, taken, beside, "–", format!("≤ {limit} {unit}").trim_end(), met(value <= limit)]);
}

/// A figure that could not be taken here.
pub(crate) fn skip(what: &str, why: &str) {
    print([what, "skipped", why, "–", "–", "–"]);
}

/// Milliseconds with as many digits as mean something.
pub(crate) fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1000.0)
}

const fn met(is_met: bool) -> &'static str {
    if is_met { "yes" } else { "no" }
}

fn print(cells: [&str; 6]) {
    println!("| {} |", cells.join(" | "));
}
