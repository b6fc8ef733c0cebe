//! Line-by-line difference between two texts, with the shortest edit script (Myers).
//!
//! Start at [`diff_lines`] for the structured result or at [`format_diff`] for text.

use std::fmt::Write as _;

/// Maximum number of changed lines for the shortest edit script; the work grows with the square of
/// this number.
const MAX_CHANGED_LINES: usize = 2_000;

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

/// Compares two texts line by line.
///
/// Where more than `MAX_CHANGED_LINES` lines differ, everything between the common start and the
/// common end counts as removed and added.
pub fn diff_lines<'a>(before: &'a str, after: &'a str) -> Vec<DiffLine<'a>> {
    let (old, new): (Vec<_>, Vec<_>) = (before.lines().collect(), after.lines().collect());
    let head = old.iter().zip(&new).take_while(|(one, other)| one == other).count();
    let (old_rest, new_rest) = (&old[head..], &new[head..]);
    let tail = old_rest
        .iter()
        .rev()
        .zip(new_rest.iter().rev())
        .take_while(|(one, other)| one == other)
        .count();
    let (old_core, new_core) =
        (&old_rest[..old_rest.len() - tail], &new_rest[..new_rest.len() - tail]);
    let core = match trace_edits(old_core, new_core) {
        Some(trace) => backtrack_edits(old_core, new_core, &trace),
        None => old_core
            .iter()
            .map(|line| DiffLine::Removed(line))
            .chain(new_core.iter().map(|line| DiffLine::Added(line)))
            .collect(),
    };
    let same =
        |lines: &[&'a str]| lines.iter().map(|line| DiffLine::Same(line)).collect::<Vec<_>>();
    [same(&old[..head]), core, same(&old_rest[old_rest.len() - tail..])].concat()
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

/// Returns how far each diagonal is reached with 0, 1, 2, … changes, or `None` with too many
/// changes.
fn trace_edits(old: &[&str], new: &[&str]) -> Option<Vec<Vec<usize>>> {
    let (n, m) = (old.len(), new.len());
    let most = (n + m).min(MAX_CHANGED_LINES);
    // Diagonal `k` (old lines minus new lines) is stored at `middle + k`, so that no index is
    // negative.
    let middle = most;
    let mut reached = vec![0; 2 * most + 2];
    let mut trace = Vec::new();
    for changes in 0..=most {
        trace.push(reached[middle - changes..=middle + changes].to_vec());
        for at in (middle - changes..=middle + changes).step_by(2) {
            let down = at == middle - changes
                || at != middle + changes && reached[at - 1] < reached[at + 1];
            let mut x = if down { reached[at + 1] } else { reached[at - 1] + 1 };
            while x < n && x + middle >= at && x + middle - at < m && old[x] == new[x + middle - at]
            {
                x += 1;
            }
            reached[at] = x;
            if x >= n && x + middle >= at + m {
                return Some(trace);
            }
        }
    }
    None
}

/// Follows the trace from the ends of both texts to their starts and returns the lines in order.
fn backtrack_edits<'a>(
    old: &[&'a str],
    new: &[&'a str],
    trace: &[Vec<usize>],
) -> Vec<DiffLine<'a>> {
    let (mut x, mut y) = (old.len(), new.len());
    let mut script = Vec::with_capacity(x.max(y));
    for (changes, reached) in trace.iter().enumerate().rev() {
        // In the stored part of this round, diagonal `x - y` is at `changes + x - y`.
        let at = changes + x - y;
        let down = at == 0 || at != 2 * changes && reached[at - 1] < reached[at + 1];
        let (from, before_x) = match (changes, down) {
            (0, _) => (at, 0),
            (_, true) => (at + 1, reached[at + 1]),
            (_, false) => (at - 1, reached[at - 1]),
        };
        let before_y = if changes == 0 { 0 } else { before_x + changes - from };
        while x > before_x && y > before_y {
            (x, y) = (x - 1, y - 1);
            script.push(DiffLine::Same(old[x]));
        }
        if changes > 0 && down {
            y -= 1;
            script.push(DiffLine::Added(new[y]));
        } else if changes > 0 {
            x -= 1;
            script.push(DiffLine::Removed(old[x]));
        }
    }
    script.reverse();
    script
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
        assert_eq!(signs("a\nb\nc\na\nb\nb\na", "c\nb\na\nb\na\nc"), "-a-b c+b a b-b a+c");
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

    /// Returns the length of the longest common subsequence of the lines of two texts.
    fn in_common(before: &str, after: &str) -> usize {
        let new: Vec<_> = after.lines().collect();
        let mut best = vec![0; new.len() + 1];
        for old in before.lines() {
            let above = best.clone();
            for (at, line) in new.iter().enumerate() {
                best[at + 1] =
                    if old == *line { above[at] + 1 } else { above[at + 1].max(best[at]) };
            }
        }
        best[new.len()]
    }

    proptest! {
        #[test]
        fn no_way_is_shorter(before in "([abc]\n){0,12}", after in "([abc]\n){0,12}") {
            let same = diff_lines(&before, &after).iter().filter(|change| matches!(change, DiffLine::Same(_))).count();
            prop_assert_eq!(same, in_common(&before, &after));
        }

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
