//! Text tables that fit the width of the terminal.

use unicode_width::UnicodeWidthStr;

use super::style::ColorMode;
use crate::domain::text::sanitize_line;

/// Number of spaces between two columns.
const COLUMN_GAP: usize = 2;

/// Minimum width of every column.
const MIN_COLUMN_WIDTH: usize = 6;

/// Headings of the columns whose cells are arguments of the next command.
const NAME_HEADINGS: [&str; 5] = ["NAME", "ID", "CONSUMER", "CREDENTIAL", "PRESET"];

/// Width that these columns keep while other columns can shrink.
const MIN_NAME_WIDTH: usize = 16;

/// Headings of the columns that contain paths.
const PATH_HEADINGS: [&str; 1] = ["FILE"];

/// Headings of the columns whose cells begin with a state.
const STATE_HEADINGS: [&str; 7] =
    ["RESULT", "LAST CHECK", "OUTCOME", "STATE", "HAS", "EXPIRES", "ROTATION"];

/// Text table with headings.
pub(in crate::cli) struct TextTable {
    headings: &'static [&'static str],
    rows: Vec<Vec<String>>,
}

impl TextTable {
    /// Creates a table with these headings and no rows.
    pub(in crate::cli) fn new(headings: &'static [&'static str]) -> Self {
        Self { headings, rows: Vec::new() }
    }

    /// Adds a row, which has as many cells as there are headings. Characters that would control the
    /// terminal, as a file name may contain, are removed.
    pub(in crate::cli) fn add_row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(|cell| sanitize_line(&cell)).collect());
    }

    /// Renders the lines in a width of `room` cells. Where the table is wider, the widest columns
    /// shrink first, and names last.
    pub(in crate::cli) fn render_lines(
        &self,
        room: usize,
        colors: ColorMode,
    ) -> impl Iterator<Item = String> + '_ {
        let widths = self.column_widths(room);
        // Columns have a minimum width. Where even that does not fit, the lines are cut, which
        // colors would make difficult.
        let fits = widths.iter().sum::<usize>() + self.total_gap() <= room;
        let colors = if fits { colors } else { ColorMode::Plain };
        let headings = self.render_line(self.headings.iter().copied(), &widths, |_, cell| {
            colors.paint_heading(cell)
        });
        let painted = move |column: usize, cell: &str| {
            if self.is_state_column(column) { colors.paint_state(cell) } else { cell.to_owned() }
        };
        let lines = self
            .rows
            .iter()
            .map(move |row| self.render_line(row.iter().map(String::as_str), &widths, painted));
        std::iter::once(headings)
            .chain(lines)
            .map(move |line| if fits { line } else { truncate_end(&line, room) })
    }

    fn render_line<'c>(
        &self,
        cells: impl Iterator<Item = &'c str>,
        widths: &[usize],
        paint: impl Fn(usize, &str) -> String,
    ) -> String {
        let last = self.headings.len() - 1;
        let mut line = String::new();
        for (column, (cell, width)) in cells.zip(widths).enumerate() {
            let is_path = PATH_HEADINGS.contains(&self.headings[column]);
            let shown =
                if is_path { truncate_start(cell, *width) } else { truncate_end(cell, *width) };
            let blanks = if column == last { 0 } else { width + COLUMN_GAP - shown.width() };
            line.push_str(&paint(column, &shown));
            line.extend(std::iter::repeat_n(' ', blanks));
        }
        line.truncate(line.trim_end().len());
        line
    }

    fn is_state_column(&self, column: usize) -> bool {
        STATE_HEADINGS.contains(&self.headings[column])
    }

    /// Returns the width of each column, reduced from the widest ones until all fit.
    fn column_widths(&self, room: usize) -> Vec<usize> {
        let mut widths: Vec<usize> =
            (0..self.headings.len()).map(|column| self.natural_width(column)).collect();
        let min_width = |column: usize| {
            if NAME_HEADINGS.contains(&self.headings[column]) {
                MIN_NAME_WIDTH
            } else {
                MIN_COLUMN_WIDTH
            }
        };
        while widths.iter().sum::<usize>() + self.total_gap() > room {
            let widest = |least: &dyn Fn(usize) -> usize| {
                (0..widths.len())
                    .filter(|column| widths[*column] > least(*column))
                    .max_by_key(|column| widths[*column])
            };
            let Some(widest) = widest(&min_width).or_else(|| widest(&|_| MIN_COLUMN_WIDTH)) else {
                break;
            };
            widths[widest] -= 1;
        }
        widths
    }

    fn total_gap(&self) -> usize {
        COLUMN_GAP * (self.headings.len() - 1)
    }

    fn natural_width(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width());
        cells.chain(std::iter::once(self.headings[column].width())).max().unwrap_or(0)
    }
}

/// Pads a text with spaces to `width` cells.
pub(in crate::cli) fn pad(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

fn truncate_end(line: &str, width: usize) -> String {
    if line.width() <= width {
        return line.to_owned();
    }
    let mut used = 1;
    let kept = line.chars().take_while(|c| {
        used += unicode_width::UnicodeWidthChar::width(*c).unwrap_or(0);
        used <= width
    });
    kept.chain(std::iter::once('…')).collect()
}

/// Truncates a text at its start: the end of a path says most.
fn truncate_start(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut used = 1;
    let kept = text.char_indices().rev().take_while(|(_, c)| {
        used += unicode_width::UnicodeWidthChar::width(*c).unwrap_or(0);
        used <= width
    });
    let start = kept.last().map_or(text.len(), |(place, _)| place);
    format!("…{}", &text[start..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> TextTable {
        let mut table = TextTable::new(&["NAME", "REGION", "RESULT"]);
        table.add_row(["日本".to_owned(), "SNYK-EU-01".to_owned(), "accepted".to_owned()]);
        table.add_row([
            "a name that takes much room".to_owned(),
            "US".to_owned(),
            "refused".to_owned(),
        ]);
        table
    }

    #[test]
    fn columns_align_by_cells() {
        let lines: Vec<_> = table().render_lines(usize::MAX, ColorMode::Plain).collect();
        assert_eq!(lines[0], "NAME                         REGION      RESULT");
        assert_eq!(lines[1], "日本                         SNYK-EU-01  accepted");
        assert_eq!(lines[2], "a name that takes much room  US          refused");
    }

    #[test]
    fn the_widest_columns_give_way_first_and_names_last() {
        let lines: Vec<_> = table().render_lines(38, ColorMode::Plain).collect();
        assert_eq!(lines[1], "日本              SNYK-EU-01  accepted");
        assert_eq!(lines[2], "a name that tak…  US          refused");
        let lines: Vec<_> = table().render_lines(34, ColorMode::Plain).collect();
        assert_eq!(lines[1], "日本              SNYK-E…  accept…");
        assert_eq!(lines[2], "a name that tak…  US       refused");
        let lines: Vec<_> = table().render_lines(26, ColorMode::Plain).collect();
        assert_eq!(lines[2], "a name th…  US      refus…");
        for room in 4..60 {
            assert!(
                table().render_lines(room, ColorMode::Plain).all(|line| line.width() <= room),
                "{room}"
            );
        }
    }

    #[test]
    fn of_paths_the_end_is_kept() {
        let mut table = TextTable::new(&["FILE", "OUTCOME"]);
        table.add_row(["/home/me/work/日本/.env".to_owned(), "imported".to_owned()]);
        let lines: Vec<_> = table.render_lines(20, ColorMode::Plain).collect();
        assert_eq!(lines[1], "…日本/.env  imported");
    }

    #[test]
    fn states_are_colored_and_colors_take_no_room() {
        let lines: Vec<_> = table().render_lines(usize::MAX, ColorMode::Colored).collect();
        assert!(lines[1].ends_with("SNYK-EU-01  \x1b[32maccepted\x1b[0m"), "{}", lines[1]);
        assert!(
            table().render_lines(20, ColorMode::Colored).all(|line| !line.contains('\x1b')),
            "no color is cut in two"
        );
    }
}
