//! What changed between two texts, line by line: the shortest way from one to the other (Myers).

use std::fmt::Write as _;

/// So many lines may differ before the shortest way is no longer looked for: the work grows with their square.
const MOST: usize = 2_000;

/// A line of either text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change<'a> {
    /// It is in both.
    Same(&'a str),
    /// It is in the first only.
    Removed(&'a str),
    /// It is in the second only.
    Added(&'a str),
}

/// The lines of both texts in their order. Where they differ too much, all that is between the common beginning and
/// the common end is said to be removed and added.
pub fn changes<'a>(before: &'a str, after: &'a str) -> Vec<Change<'a>> {
    let (old, new): (Vec<_>, Vec<_>) = (before.lines().collect(), after.lines().collect());
    let head = old.iter().zip(&new).take_while(|(one, other)| one == other).count();
    let (old_rest, new_rest) = (&old[head..], &new[head..]);
    let tail = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(one, other)| one == other).count();
    let (old_core, new_core) = (&old_rest[..old_rest.len() - tail], &new_rest[..new_rest.len() - tail]);
    let core = match trace(old_core, new_core) {
        Some(trace) => walk(old_core, new_core, &trace),
        None => {
            old_core.iter().map(|line| Change::Removed(line)).chain(new_core.iter().map(|line| Change::Added(line))).collect()
        }
    };
    let same = |lines: &[&'a str]| lines.iter().map(|line| Change::Same(line)).collect::<Vec<_>>();
    [same(&old[..head]), core, same(&old_rest[old_rest.len() - tail..])].concat()
}

/// The changes as text: `+ ` before what is new, `- ` before what is gone, and `context` lines around each change.
pub fn text(before: &str, after: &str, context: usize) -> String {
    let changes = changes(before, after);
    let differs: Vec<_> = changes.iter().map(|change| !matches!(change, Change::Same(_))).collect();
    let near = |at: usize| differs[at.saturating_sub(context)..(at + context + 1).min(differs.len())].contains(&true);
    let mut text = String::new();
    let mut skipped = 0;
    for (at, change) in changes.iter().enumerate() {
        if !near(at) {
            skipped += 1;
            continue;
        }
        note_skipped(&mut text, std::mem::take(&mut skipped));
        let (sign, line) = match change {
            Change::Same(line) => ("  ", line),
            Change::Removed(line) => ("- ", line),
            Change::Added(line) => ("+ ", line),
        };
        text.extend([sign, line, "\n"]);
    }
    if differs.contains(&true) {
        note_skipped(&mut text, skipped);
    }
    text
}

fn note_skipped(text: &mut String, lines: usize) {
    if lines > 0 {
        let _ = writeln!(text, "  … {lines} {} alike", if lines == 1 { "line" } else { "lines" });
    }
}

/// How far each diagonal is reached with 0, 1, 2, … changes; none where there are too many.
fn trace(old: &[&str], new: &[&str]) -> Option<Vec<Vec<usize>>> {
    let (n, m) = (old.len(), new.len());
    let most = (n + m).min(MOST);
    // Diagonal `k` (old lines less new ones) lies at `middle + k`, so that no index is negative.
    let middle = most;
    let mut reached = vec![0; 2 * most + 2];
    let mut trace = Vec::new();
    for changes in 0..=most {
        trace.push(reached[middle - changes..=middle + changes].to_vec());
        for at in (middle - changes..=middle + changes).step_by(2) {
            let down = at == middle - changes || at != middle + changes && reached[at - 1] < reached[at + 1];
            let mut x = if down { reached[at + 1] } else { reached[at - 1] + 1 };
            while x < n && x + middle >= at && x + middle - at < m && old[x] == new[x + middle - at] {
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

/// The way back from the ends to the beginnings, turned round.
fn walk<'a>(old: &[&'a str], new: &[&'a str], trace: &[Vec<usize>]) -> Vec<Change<'a>> {
    let (mut x, mut y) = (old.len(), new.len());
    let mut way = Vec::with_capacity(x.max(y));
    for (changes, reached) in trace.iter().enumerate().rev() {
        // In what was kept of this round, diagonal `x - y` lies at `changes + x - y`.
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
            way.push(Change::Same(old[x]));
        }
        if changes > 0 && down {
            y -= 1;
            way.push(Change::Added(new[y]));
        } else if changes > 0 {
            x -= 1;
            way.push(Change::Removed(old[x]));
        }
    }
    way.reverse();
    way
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn signs(before: &str, after: &str) -> String {
        let sign = |change: &Change<'_>| match change {
            Change::Same(line) => format!(" {line}"),
            Change::Removed(line) => format!("-{line}"),
            Change::Added(line) => format!("+{line}"),
        };
        changes(before, after).iter().map(sign).collect()
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
        assert_eq!(text(&before, &after, 1), "  … 3 lines alike\n  3\n- 4\n+ four\n  5\n  … 3 lines alike\n");
        assert_eq!(text(&before, &before, 1), "");
    }

    #[test]
    fn texts_that_have_nothing_in_common_are_not_compared_for_ever() {
        let lines = |from: u32| (from..from + 20_000).map(|n| n.to_string()).collect::<Vec<_>>().join("\n");
        assert_eq!(changes(&lines(0), &lines(100_000)).len(), 40_000);
    }

    /// How many lines two texts have in common at most, in their order.
    fn in_common(before: &str, after: &str) -> usize {
        let new: Vec<_> = after.lines().collect();
        let mut best = vec![0; new.len() + 1];
        for old in before.lines() {
            let above = best.clone();
            for (at, line) in new.iter().enumerate() {
                best[at + 1] = if old == *line { above[at] + 1 } else { above[at + 1].max(best[at]) };
            }
        }
        best[new.len()]
    }

    proptest! {
        #[test]
        fn no_way_is_shorter(before in "([abc]\n){0,12}", after in "([abc]\n){0,12}") {
            let same = changes(&before, &after).iter().filter(|change| matches!(change, Change::Same(_))).count();
            prop_assert_eq!(same, in_common(&before, &after));
        }

        #[test]
        fn both_texts_can_be_read_back(before in "([abc]\n){0,12}", after in "([abc]\n){0,12}") {
            let all = changes(&before, &after);
            let read = |other: fn(&Change<'_>) -> bool| -> String {
                all.iter().filter(|change| !other(change)).map(|change| match change {
                    Change::Same(line) | Change::Removed(line) | Change::Added(line) => format!("{line}\n"),
                }).collect()
            };
            prop_assert_eq!(read(|change| matches!(change, Change::Added(_))), before.clone());
            prop_assert_eq!(read(|change| matches!(change, Change::Removed(_))), after.clone());
        }
    }
}
