//! Rows and columns of text.

use unicode_width::UnicodeWidthStr;

/// Rows and columns of text.
pub(super) struct Table {
    headings: &'static [&'static str],
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these headings and no rows.
    pub(super) fn new(headings: &'static [&'static str]) -> Self {
        Self { headings, rows: Vec::new() }
    }

    /// Adds a row; it has as many cells as there are headings.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Its lines, each cut to so many cells.
    pub(super) fn lines(&self, width: usize) -> impl Iterator<Item = String> + '_ {
        let widths: Vec<usize> = (0..self.headings.len()).map(|column| self.column_width(column)).collect();
        let headings = self.headings.iter().map(|heading| (*heading).to_owned()).collect();
        let rows = std::iter::once(headings).chain(self.rows.iter().cloned());
        rows.map(move |row: Vec<String>| {
            let cells = row.iter().zip(&widths).map(|(cell, width)| pad(cell, *width));
            cut(cells.collect::<Vec<_>>().join("  ").trim_end(), width)
        })
    }

    fn column_width(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width());
        cells.chain(std::iter::once(self.headings[column].width())).max().unwrap_or(0)
    }
}

/// The text with blanks up to `width` cells.
pub(super) fn pad(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

fn cut(line: &str, width: usize) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_by_cells_and_the_last_is_cut() {
        let mut table = Table::new(&["NAME", "REGION"]);
        table.row(["日本".to_owned(), "SNYK-EU-01".to_owned()]);
        table.row(["ci".to_owned(), "US".to_owned()]);
        let lines: Vec<_> = table.lines(usize::MAX).collect();
        assert_eq!(lines, ["NAME  REGION", "日本  SNYK-EU-01", "ci    US"]);
        assert_eq!(table.lines(9).nth(1).unwrap(), "日本  SN…");
    }
}
