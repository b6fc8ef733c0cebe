//! Text tables that fit the width of the terminal.
//!
//! A column says how its cells are shortened, and a cell carries its tone. Libraries for tables wrap
//! cells or cut all columns alike; here names stay whole as long as possible, because they are the
//! arguments of the next command, and of paths the end is kept.

use unicode_width::UnicodeWidthStr;

use super::style::{ColorMode, TextTone};
use crate::domain::text::sanitize_line;

/// Number of spaces between two columns.
const COLUMN_GAP: usize = 2;

/// Minimum width of every column.
const MIN_COLUMN_WIDTH: usize = 6;

/// Width that columns of names keep while other columns can shrink.
const MIN_NAME_WIDTH: usize = 16;

/// Column of a table: its heading, and how its cells are shortened.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) enum TableColumn {
    /// Text, which is cut at its end.
    Text(&'static str),
    /// Names that are arguments of the next command; shrinks last.
    Name(&'static str),
    /// Paths, which are cut at their start: the end of a path says most.
    Path(&'static str),
}

/// Cell of a table. Text converts into a cell without a tone.
pub(in crate::cli) struct TableCell {
    text: String,
    tone: TextTone,
}

/// Text table with headings.
pub(in crate::cli) struct TextTable {
    columns: &'static [TableColumn],
    rows: Vec<Vec<TableCell>>,
}

impl TableColumn {
    const fn heading(self) -> &'static str {
        let (Self::Text(heading) | Self::Name(heading) | Self::Path(heading)) = self;
        heading
    }

    const fn min_width(self) -> usize {
        match self {
            Self::Name(_) => MIN_NAME_WIDTH,
            Self::Text(_) | Self::Path(_) => MIN_COLUMN_WIDTH,
        }
    }

    fn shorten(self, text: &str, width: usize) -> String {
        match self {
            Self::Path(_) => truncate_start(text, width),
            Self::Text(_) | Self::Name(_) => truncate_end(text, width),
        }
    }
}

impl TableCell {
    /// Creates a cell in a tone.
    pub(in crate::cli) fn new(text: impl Into<String>, tone: TextTone) -> Self {
        Self { text: text.into(), tone }
    }
}

impl From<String> for TableCell {
    fn from(text: String) -> Self {
        Self::new(text, TextTone::Neutral)
    }
}

impl From<&str> for TableCell {
    fn from(text: &str) -> Self {
        Self::new(text, TextTone::Neutral)
    }
}

impl TextTable {
    /// Creates a table with these columns and no rows.
    pub(in crate::cli) fn new(columns: &'static [TableColumn]) -> Self {
        Self { columns, rows: Vec::new() }
    }

    /// Adds a row, which has as many cells as there are columns. Characters that would control the
    /// terminal, as a file name may contain, are removed.
    pub(in crate::cli) fn add_row(
        &mut self,
        cells: impl IntoIterator<Item = impl Into<TableCell>>,
    ) {
        let sanitized = |cell: TableCell| TableCell { text: sanitize_line(&cell.text), ..cell };
        self.rows.push(cells.into_iter().map(|cell| sanitized(cell.into())).collect());
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
        let headings = self.columns.iter().map(|column| column.heading());
        let headings =
            self.render_line(headings, &widths, |_, heading| colors.paint_heading(heading));
        let lines = self.rows.iter().map(move |row| {
            let texts = row.iter().map(|cell| cell.text.as_str());
            self.render_line(texts, &widths, |column, text| colors.paint(text, row[column].tone))
        });
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
        let last = self.columns.len() - 1;
        let mut line = String::new();
        for (index, (cell, width)) in cells.zip(widths).enumerate() {
            let shown = self.columns[index].shorten(cell, *width);
            let blanks = if index == last { 0 } else { width + COLUMN_GAP - shown.width() };
            line.push_str(&paint(index, &shown));
            line.extend(std::iter::repeat_n(' ', blanks));
        }
        line.truncate(line.trim_end().len());
        line
    }

    /// Returns the width of each column, reduced from the widest ones until all fit.
    fn column_widths(&self, room: usize) -> Vec<usize> {
        let mut widths: Vec<usize> =
            (0..self.columns.len()).map(|column| self.natural_width(column)).collect();
        while widths.iter().sum::<usize>() + self.total_gap() > room {
            let widest = |least: &dyn Fn(usize) -> usize| {
                (0..widths.len())
                    .filter(|column| widths[*column] > least(*column))
                    .max_by_key(|column| widths[*column])
            };
            let preferred = widest(&|column| self.columns[column].min_width());
            let Some(widest) = preferred.or_else(|| widest(&|_| MIN_COLUMN_WIDTH)) else { break };
            widths[widest] -= 1;
        }
        widths
    }

    fn total_gap(&self) -> usize {
        COLUMN_GAP * (self.columns.len() - 1)
    }

    fn natural_width(&self, column: usize) -> usize {
        let cells =
            self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.text.width());
        cells.chain(std::iter::once(self.columns[column].heading().width())).max().unwrap_or(0)
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
        use TableColumn::{Name, Text};
        let mut table = TextTable::new(&[Name("NAME"), Text("REGION"), Text("RESULT")]);
        let accepted = TableCell::new("accepted", TextTone::Good);
        table.add_row(["日本".into(), "SNYK-EU-01".into(), accepted]);
        table.add_row(["a name that takes much room", "US", "refused"]);
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
        let mut table = TextTable::new(&[TableColumn::Path("FILE"), TableColumn::Text("OUTCOME")]);
        table.add_row(["/home/me/work/日本/.env", "imported"]);
        let lines: Vec<_> = table.render_lines(20, ColorMode::Plain).collect();
        assert_eq!(lines[1], "…日本/.env  imported");
    }

    #[test]
    fn cells_with_a_tone_are_colored_and_colors_take_no_room() {
        let lines: Vec<_> = table().render_lines(usize::MAX, ColorMode::Colored).collect();
        assert!(lines[1].ends_with("SNYK-EU-01  \x1b[32maccepted\x1b[0m"), "{}", lines[1]);
        assert!(lines[2].ends_with("US          refused"), "{}", lines[2]);
        assert!(
            table().render_lines(20, ColorMode::Colored).all(|line| !line.contains('\x1b')),
            "no color is cut in two"
        );
    }
}
