//! The table that is printed.

use std::time::Duration;

/// Rows of figures.
#[derive(Default)]
pub(crate) struct Table(Vec<[String; 5]>);

impl Table {
    /// A duration beside another, and the ratio that it should not exceed.
    pub(crate) fn ratio(&mut self, what: &str, taken: Duration, beside: (&str, Duration), goal: f64) {
        let ratio = taken.div_duration_f64(beside.1);
        let beside = format!("{} {}", beside.0, ms(beside.1));
        self.row(what, &ms(taken), &beside, &format!("{ratio:.2}"), &format!("≤ {goal}"));
    }

    /// A row of its own kind.
    pub(crate) fn row(&mut self, what: &str, taken: &str, beside: &str, ratio: &str, goal: &str) {
        self.0.push([what, taken, beside, ratio, goal].map(str::to_owned));
    }

    /// A figure that could not be taken here.
    pub(crate) fn skip(&mut self, what: &str, why: &str) {
        self.row(what, "skipped", why, "–", "–");
    }

    /// Prints it in the form in which CONTRIBUTING.md shows it.
    pub(crate) fn print(&self) {
        println!("| what | taken | beside it | ratio | goal |\n|---|---|---|---|---|");
        self.0.iter().for_each(|row| println!("| {} |", row.join(" | ")));
    }
}

/// Milliseconds with as many digits as mean something.
pub(crate) fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1000.0)
}
