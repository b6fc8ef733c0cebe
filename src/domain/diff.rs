//! Line-by-line difference between two texts.
//!
//! Start at [`diff_lines`] for the structured result or at [`format_diff`] for text.

use std::fmt::Write as _;

use similar::{Algorithm, ChangeTag};

/// Line of either text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiffLine<'a> {
    /// The line is in both texts.
    Same(&'a str),
    /// The line is only in the first text.
    Removed(&'a str),
    /// The line is only in the second text.
    Added(&'a str),
}

/// Compares two texts line by line. Where very many lines differ, the result is not the shortest
/// possible, so that the time stays bounded.
pub fn diff_lines<'a>(before: &'a str, after: &'a str) -> Vec<DiffLine<'a>> {
    let (old, new): (Vec<_>, Vec<_>) = (before.lines().collect(), after.lines().collect());
    let changes = similar::capture_diff_slices(Algorithm::Myers, &old, &new);
    let lines = changes.iter().flat_map(|change| change.iter_changes(&old, &new));
    lines
        .map(|line| match line.tag() {
            ChangeTag::Equal => DiffLine::Same(line.value()),
            ChangeTag::Delete => DiffLine::Removed(line.value()),
            ChangeTag::Insert => DiffLine::Added(line.value()),
        })
        .collect()
}

/// Formats the changes as text: `+ ` before added lines, `- ` before removed lines, and `context`
/// lines around each change.
pub fn format_diff(before: &str, after: &str, context: usize) -> String {
    let changes = diff_lines(before, after);
    let differs: Vec<_> =
        changes.iter().map(|change| !matches!(change, DiffLine::Same(_))).collect();
    let near = |at: usize| {
        differs[at.saturating_sub(context)..(at + context + 1).min(differs.len())].contains(&true)
    };
    let mut text = String::new();
    let mut skipped = 0;
    for (at, change) in changes.iter().enumerate() {
        if !near(at) {
            skipped += 1;
            continue;
        }
        push_skipped_note(&mut text, std::mem::take(&mut skipped));
        let (sign, line) = match change {
            DiffLine::Same(line) => ("  ", line),
            DiffLine::Removed(line) => ("- ", line),
            DiffLine::Added(line) => ("+ ", line),
        };
        text.extend([sign, line, "\n"]);
    }
    if differs.contains(&true) {
        push_skipped_note(&mut text, skipped);
    }
    text
}

fn push_skipped_note(text: &mut String, lines: usize) {
    if lines > 0 {
        let _ =
            writeln!(text, "  … {lines} unchanged {}", if lines == 1 { "line" } else { "lines" });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn signs(before: &str, after: &str) -> String {
        let sign = |change: &DiffLine<'_>| match change {
            DiffLine::Same(line) => format!(" {line}"),
            DiffLine::Removed(line) => format!("-{line}"),
            DiffLine::Added(line) => format!("+{line}"),
        };
        diff_lines(before, after).iter().map(sign).collect()
    }

    #[test]
    fn the_shortest_way_is_found() {
        assert_eq!(signs("a\nb\nc", "a\nc"), " a-b c");
        assert_eq!(signs("a\nc", "a\nb\nc"), " a+b c");
        let several_ways = signs("a\nb\nc\na\nb\nb\na", "c\nb\na\nb\na\nc");
        assert_eq!(several_ways.matches(' ').count(), 4, "{several_ways}");
        assert_eq!(signs("", "x"), "+x");
        assert_eq!(signs("x", ""), "-x");
        assert_eq!(signs("same", "same"), " same");
    }

    #[test]
    fn what_is_far_from_a_change_is_left_out() {
        let before = (0..9).map(|n: u32| n.to_string()).collect::<Vec<_>>().join("\n");
        let after = before.replace('4', "four");
        assert_eq!(
            format_diff(&before, &after, 1),
            "  … 3 unchanged lines\n  3\n- 4\n+ four\n  5\n  … 3 unchanged lines\n"
        );
        assert_eq!(format_diff(&before, &before, 1), "");
    }

    #[test]
    fn texts_that_have_nothing_in_common_are_not_compared_for_ever() {
        let lines =
            |from: u32| (from..from + 20_000).map(|n| n.to_string()).collect::<Vec<_>>().join("\n");
        assert_eq!(diff_lines(&lines(0), &lines(100_000)).len(), 40_000);
    }

    proptest! {
        #[test]
        fn both_texts_can_be_read_back(before in "([abc]\n){0,12}", after in "([abc]\n){0,12}") {
            let all = diff_lines(&before, &after);
            let read = |other: fn(&DiffLine<'_>) -> bool| -> String {
                all.iter().filter(|change| !other(change)).map(|change| match change {
                    DiffLine::Same(line) | DiffLine::Removed(line) | DiffLine::Added(line) => format!("{line}\n"),
                }).collect()
            };
            prop_assert_eq!(read(|change| matches!(change, DiffLine::Added(_))), before.clone());
            prop_assert_eq!(read(|change| matches!(change, DiffLine::Removed(_))), after.clone());
        }
    }
}
