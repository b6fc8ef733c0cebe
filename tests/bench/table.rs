//! The printed table, row by row as each figure is measured, in the form that CONTRIBUTING.md
//! shows.

use std::time::Duration;

use crate::times::RunTimes;

/// Prints the header of the table.
pub(crate) fn begin() {
    println!("| what | taken | beside it | ratio | goal | met |\n|---|---|---|---|---|---|");
}

/// Prints the durations of many runs, compared with others, and the ratio of the medians with its
/// limit.
pub(crate) fn ratio(what: &str, taken: &RunTimes, (name, beside): (&str, &RunTimes), goal: f64) {
    let ratio = taken.median().div_duration_f64(beside.median());
    proportion(what, &taken.to_string(), &format!("{name} {beside}"), (ratio, goal));
}

/// Prints one figure, compared with another, and the ratio of both with its limit.
pub(crate) fn proportion(what: &str, taken: &str, beside: &str, (ratio, goal): (f64, f64)) {
    print([what, taken, beside, &format!("{ratio:.2}"), &format!("≤ {goal}"), met(ratio <= goal)]);
}

/// Prints a figure with an absolute limit.
pub(crate) fn limit(what: &str, taken: &str, beside: &str, (value, limit, unit): (f64, f64, &str)) {
    print([what, taken, beside, "–", format!("≤ {limit} {unit}").trim_end(), met(value <= limit)]);
}

/// Prints a figure that cannot be measured on this machine, with the reason.
pub(crate) fn skip(what: &str, why: &str) {
    print([what, "skipped", why, "–", "–", "–"]);
}

/// Milliseconds with as many digits as are significant.
pub(crate) fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1000.0)
}

const fn met(is_met: bool) -> &'static str {
    if is_met { "yes" } else { "no" }
}

fn print(cells: [&str; 6]) {
    println!("| {} |", cells.join(" | "));
}
