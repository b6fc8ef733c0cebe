//! A text as a tree that can be folded, searched and walked: the body of an answer, or any other JSON.
//!
//! Every step of the cursor and every frame costs as much as the lines that are visible, never as much as the
//! document: a line knows its container, its place in it and where that container ends, so the next visible line is
//! one look away, however much is folded between. Only opening a document, searching it and folding all of it read
//! all of it.

mod document_lines;
mod path;
mod search;
#[cfg(test)]
mod tests;
mod visible_line;

use document_lines::{DocumentKind, DocumentLines, LineShape};
use search::{DocumentSearch, SearchPattern};

pub use visible_line::{FoldState, LineToken, TokenKind, VisibleLine};

/// A text in lines, what of it is folded, and where the cursor is.
#[derive(Debug)]
pub struct FoldableDocument {
    body: DocumentLines,
    /// The line of the cursor; never inside something folded.
    cursor: usize,
    /// The topmost line that is shown; never inside something folded.
    top: usize,
    /// How many lines are shown.
    height: usize,
    /// How many columns are scrolled away on the left.
    column: usize,
    search: Option<DocumentSearch>,
}

/// Where a search stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SearchMatches {
    /// Which of the matching lines the cursor is on, from 1.
    pub current: Option<usize>,
    /// How many lines match.
    pub total: usize,
}

impl FoldableDocument {
    /// Lays out a text: one or several JSON values as a tree, anything else as the lines it has. This reads the
    /// whole text, so a long one belongs on a thread of its own.
    pub fn parse(text: &str) -> Self {
        Self::from_lines(DocumentLines::parse(text))
    }

    /// Lays out a text as the lines it has.
    pub fn from_plain_text(text: &str) -> Self {
        Self::from_lines(DocumentLines::from_plain_lines(text, DocumentKind::Plain))
    }

    /// Lays out lines that begin with `+` where they are new and with `-` where they are gone.
    pub fn from_diff(text: &str) -> Self {
        Self::from_lines(DocumentLines::from_plain_lines(text, DocumentKind::Diff))
    }

    /// Whether the text is a tree.
    pub fn is_json(&self) -> bool {
        self.body.kind == DocumentKind::Json
    }

    /// How many lines there are, folded away or not.
    pub fn line_count(&self) -> usize {
        self.body.lines.len()
    }

    /// The line of the cursor, from 0.
    pub fn cursor(&self) -> usize {
        self.cursor
    }

    /// How many columns are scrolled away on the left.
    pub fn column(&self) -> usize {
        self.column
    }

    /// The lines that fit into the height, from the topmost down.
    pub fn visible_lines(&self) -> impl Iterator<Item = VisibleLine<'_>> {
        std::iter::successors(Some(self.top), |line| self.next_visible(*line))
            .take(self.height)
            .map(|line| self.visible_line(line))
    }

    /// Tells how many lines are shown.
    pub fn set_height(&mut self, rows: usize) {
        self.height = rows.max(1);
        self.scroll_to_cursor();
    }

    /// Moves the cursor by so many visible lines, down if positive.
    pub fn move_cursor(&mut self, lines: isize) {
        self.cursor = self.visible_line_at_offset(self.cursor, lines);
        self.scroll_to_cursor();
    }

    /// Moves the cursor by so many pages, down if positive.
    pub fn move_pages(&mut self, pages: isize) {
        self.move_cursor(pages.saturating_mul(isize::try_from(self.height).unwrap_or(isize::MAX)));
    }

    /// Moves the cursor to the first line.
    pub fn move_to_start(&mut self) {
        self.move_to_line(0);
    }

    /// Moves the cursor to the last line.
    pub fn move_to_end(&mut self) {
        self.move_to_line(self.line_count() - 1);
    }

    /// Moves the cursor to the line that is shown `row` lines below the topmost, such as for a click.
    pub fn move_to_visible_row(&mut self, row: usize) {
        self.cursor =
            self.visible_line_at_offset(self.top, isize::try_from(row).unwrap_or(isize::MAX));
        self.scroll_to_cursor();
    }

    /// Moves what is shown by so many lines, down if positive; the cursor comes along at the edge.
    pub fn scroll(&mut self, lines: isize) {
        self.top = self.visible_line_at_offset(self.top, lines).min(self.last_top());
        let last = self.visible_line_at_offset(self.top, self.last_row_offset());
        self.cursor = self.cursor.clamp(self.top, last);
    }

    /// Moves what is shown sideways, to the right if positive.
    pub fn scroll_columns(&mut self, columns: isize) {
        let longest =
            self.visible_lines().map(|row| row.text.len() + 2 * row.depth).max().unwrap_or(0);
        self.column = self.column.saturating_add_signed(columns).min(longest.saturating_sub(1));
    }

    /// Moves the cursor to the line that opens the container around it.
    pub fn move_to_parent(&mut self) {
        if let Some(parent) = self.body.parent_line(self.cursor) {
            self.move_to_line(parent);
        }
    }

    /// Folds or unfolds the container that the cursor's line opens or closes; on another line, folds the one around.
    pub fn toggle_fold(&mut self) {
        if let Some(opener) = self.container_at_cursor() {
            self.body.lines[opener].folded ^= true;
            self.move_to_line(opener);
        }
    }

    /// Folds the container at the cursor; where it is folded already, goes to the one around.
    pub fn fold(&mut self) {
        match self.container_at_cursor() {
            Some(opener) if !self.body.lines[opener].folded => self.toggle_fold(),
            _ => self.move_to_parent(),
        }
    }

    /// Unfolds the container at the cursor; where it is unfolded already, goes to its first member.
    pub fn unfold(&mut self) {
        match self.body.line_shape(self.cursor) {
            LineShape::Opens(_) if self.body.lines[self.cursor].folded => self.toggle_fold(),
            LineShape::Opens(_) => self.move_cursor(1),
            _ => {}
        }
    }

    /// Folds every container that has `depth` or more containers around it, and unfolds the others.
    pub fn fold_to(&mut self, depth: usize) {
        for line in 0..self.line_count() {
            let opens = matches!(self.body.line_shape(line), LineShape::Opens(_));
            let line = &mut self.body.lines[line];
            line.folded = opens && usize::from(line.depth) >= depth;
        }
        self.top = self.visible_ancestor(self.top);
        self.move_to_line(self.cursor);
    }

    /// Unfolds everything.
    pub fn unfold_all(&mut self) {
        self.fold_to(usize::MAX);
    }

    /// Searches for a text in any case, in folded members too; an empty one ends the search. The cursor stays if its
    /// line matches, otherwise goes to the next that does.
    pub fn search(&mut self, text: &str) {
        self.search = SearchPattern::new(text).map(|needle| self.search_lines(needle));
        if let Some(search) = &self.search {
            let next = search.lines.partition_point(|line| *line < self.cursor);
            self.move_to_match(next);
        }
    }

    /// Goes to the next matching line, from the last on to the first.
    pub fn next_match(&mut self) {
        if let Some(search) = &self.search {
            let next = search.lines.partition_point(|line| *line <= self.cursor);
            self.move_to_match(next);
        }
    }

    /// Goes to the previous matching line, from the first on to the last.
    pub fn previous_match(&mut self) {
        if let Some(search) = &self.search {
            let here = search.lines.partition_point(|line| *line < self.cursor);
            self.move_to_match(here + search.lines.len().saturating_sub(1));
        }
    }

    /// Where the search stands; nothing without one.
    pub fn search_matches(&self) -> Option<SearchMatches> {
        let search = self.search.as_ref()?;
        let current = search.lines.binary_search(&self.cursor).ok().map(|at| at + 1);
        Some(SearchMatches { current, total: search.lines.len() })
    }

    fn from_lines(body: DocumentLines) -> Self {
        Self { body, cursor: 0, top: 0, height: 1, column: 0, search: None }
    }

    fn visible_line(&self, line: usize) -> VisibleLine<'_> {
        let entry = self.body.lines[line];
        VisibleLine {
            line,
            depth: entry.depth.into(),
            under_cursor: line == self.cursor,
            fold: self.fold_state(line),
            text: self.body.line_text(line),
            parts: self.body.line_parts(line),
            kind: self.body.kind,
            pattern: self.search.as_ref().map(|search| &search.pattern),
        }
    }

    fn fold_state(&self, line: usize) -> FoldState {
        match self.body.line_shape(line) {
            LineShape::Opens(end) if self.body.lines[line].folded => FoldState::Folded {
                members: self.body.lines[end].index,
                more: self.body.line_text(end).ends_with(','),
            },
            LineShape::Opens(_) => FoldState::Expanded,
            _ => FoldState::NotFoldable,
        }
    }

    /// The visible line after a visible line.
    fn next_visible(&self, line: usize) -> Option<usize> {
        let next = match self.body.line_shape(line) {
            LineShape::Opens(end) if self.body.lines[line].folded => end + 1,
            _ => line + 1,
        };
        (next < self.line_count()).then_some(next)
    }

    /// The visible line before a visible line. What is hidden right before it can only be the end of one container.
    fn previous_visible(&self, line: usize) -> Option<usize> {
        let previous = line.checked_sub(1)?;
        match self.body.line_shape(previous) {
            LineShape::Closes(opener) if self.body.lines[opener].folded => Some(opener),
            _ => Some(previous),
        }
    }

    /// The visible line so many visible lines away, or the last on the way there.
    fn visible_line_at_offset(&self, from: usize, lines: isize) -> usize {
        let step = |line: &usize| {
            if lines < 0 { self.previous_visible(*line) } else { self.next_visible(*line) }
        };
        std::iter::successors(Some(from), step)
            .take(lines.unsigned_abs().saturating_add(1))
            .last()
            .unwrap_or(from)
    }

    /// The visible line that shows a line: itself, or the outermost folded container around it.
    fn visible_ancestor(&self, line: usize) -> usize {
        let opener = match self.body.line_shape(line) {
            LineShape::Closes(opener) => opener,
            _ => line,
        };
        let around = std::iter::successors(self.body.parent_line(opener), |line| {
            self.body.parent_line(*line)
        });
        let own = (opener != line).then_some(opener);
        own.into_iter()
            .chain(around)
            .filter(|line| self.body.lines[*line].folded)
            .last()
            .unwrap_or(line)
    }

    fn move_to_line(&mut self, line: usize) {
        self.cursor = self.visible_ancestor(line);
        self.scroll_to_cursor();
    }

    /// Scrolls no further than needed to show the cursor, and leaves no room below the last line that could be used.
    fn scroll_to_cursor(&mut self) {
        self.top = self.visible_ancestor(self.top);
        let lowest = self.visible_line_at_offset(self.cursor, -self.last_row_offset());
        self.top = self.top.max(lowest).min(self.cursor).min(self.last_top());
    }

    /// The topmost line when the last one is at the bottom.
    fn last_top(&self) -> usize {
        self.visible_line_at_offset(
            self.visible_ancestor(self.line_count() - 1),
            -self.last_row_offset(),
        )
    }

    /// How far the last shown line is from the topmost.
    fn last_row_offset(&self) -> isize {
        isize::try_from(self.height - 1).unwrap_or(isize::MAX)
    }

    /// The opening line of the container at the cursor.
    fn container_at_cursor(&self) -> Option<usize> {
        match self.body.line_shape(self.cursor) {
            LineShape::Opens(_) => Some(self.cursor),
            LineShape::Closes(opener) => Some(opener),
            LineShape::Leaf => self.body.parent_line(self.cursor),
        }
    }

    fn search_lines(&self, needle: SearchPattern) -> DocumentSearch {
        let mut lines = Vec::new();
        let mut from = 0;
        while let Some(found) = needle.find(&self.body.text, from) {
            let line = self.body.line_at(found.start);
            lines.push(line);
            from = self
                .body
                .lines
                .get(line + 1)
                .map_or(self.body.text.len(), |_| self.body.line_start(line + 1));
        }
        DocumentSearch { pattern: needle, lines }
    }

    /// Goes to the `n`th matching line, counted in a circle, and unfolds what hides it.
    fn move_to_match(&mut self, n: usize) {
        let Some(search) = self.search.as_ref().filter(|search| !search.lines.is_empty()) else {
            return;
        };
        let line = search.lines[n % search.lines.len()];
        let mut opener = match self.body.line_shape(line) {
            LineShape::Closes(opener) => Some(opener),
            _ => self.body.parent_line(line),
        };
        while let Some(hiding) = opener {
            self.body.lines[hiding].folded = false;
            opener = self.body.parent_line(hiding);
        }
        self.move_to_line(line);
    }
}
