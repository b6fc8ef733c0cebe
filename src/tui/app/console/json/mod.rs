//! Foldable document: a response body, or any other text, that can be folded, searched and
//! navigated.
//!
//! A cursor step or a frame costs as much as the visible lines, not the whole document: each line
//! knows its container, its index in it and where the container ends, so the next visible line is
//! found directly. Only opening, searching and folding everything read the whole document. Lines
//! are built in `document_lines.rs`. Start at [`FoldableDocument`].

mod document_lines;
mod path;
#[cfg(test)]
mod tests;
mod visible_line;

use crate::tui::app::console::json::document_lines::{DocumentSearch, SearchPattern};
use document_lines::{DocumentKind, DocumentLines, LineShape};

pub use document_lines::char_columns;
pub use visible_line::{FoldState, LineToken, TokenKind, VisibleLine};

/// A text in lines, its folds and the cursor.
#[derive(Debug)]
pub struct FoldableDocument {
    body: DocumentLines,
    /// Line of the cursor; never inside a folded container.
    cursor: usize,
    /// Topmost visible line; never inside a folded container.
    top: usize,
    /// Number of visible lines.
    height: usize,
    /// Whether the height is that of the screen.
    is_sized: bool,
    /// Width at which a plain text is wrapped; `None` while its lines are as they came.
    wrap_columns: Option<usize>,
    /// Number of columns scrolled off at the left.
    column: usize,
    search: Option<DocumentSearch>,
}

/// State of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SearchMatches {
    /// Which of the matching lines the cursor is on, from 1.
    pub current: Option<usize>,
    /// Number of matching lines.
    pub total: usize,
}

impl FoldableDocument {
    /// Lays out a text: one or several JSON values as a tree, anything else as plain lines. Reads
    /// the whole text, so a long one belongs on its own thread.
    pub fn parse(text: &str) -> Self {
        Self::from_lines(DocumentLines::parse(text))
    }

    /// Lays out a text as plain lines.
    pub fn from_plain_text(text: &str) -> Self {
        Self::from_lines(DocumentLines::from_plain_lines(text, DocumentKind::Plain))
    }

    /// Lays out a diff, whose lines begin with `+` where they were added and with `-` where they
    /// were removed.
    pub fn from_diff(text: &str) -> Self {
        Self::from_lines(DocumentLines::from_plain_lines(text, DocumentKind::Diff))
    }

    /// Whether the text is JSON.
    pub fn is_json(&self) -> bool {
        self.body.kind == DocumentKind::Json
    }

    /// Number of lines, folded or not.
    pub fn line_count(&self) -> usize {
        self.body.lines.len()
    }

    /// Line of the cursor, from 0.
    pub fn cursor(&self) -> usize {
        self.cursor
    }

    /// Number of columns scrolled off at the left.
    pub fn column(&self) -> usize {
        self.column
    }

    /// Returns the lines that fit into the height, from the topmost down.
    pub fn visible_lines(&self) -> impl Iterator<Item = VisibleLine<'_>> {
        std::iter::successors(Some(self.top), |line| self.next_visible(*line))
            .take(self.height)
            .map(|line| self.visible_line(line))
    }

    /// Sets the number of visible lines.
    pub fn set_height(&mut self, rows: usize) {
        self.height = rows.max(1);
        self.scroll_to_cursor();
    }

    /// Sets the number of visible lines and their width, at which plain text is wrapped.
    pub fn set_size(&mut self, rows: usize, columns: usize) {
        self.is_sized = true;
        if self.body.kind == DocumentKind::Plain && self.wrap_columns != Some(columns) {
            let [cursor, top] = [self.cursor, self.top].map(|line| self.body.line_start(line));
            self.body.wrap(columns);
            (self.wrap_columns, self.column) = (Some(columns), 0);
            (self.cursor, self.top) = (self.body.line_at(cursor), self.body.line_at(top));
            let search = self.search.take().map(|search| self.search_lines(search.pattern));
            self.search = search;
        }
        self.set_height(rows);
    }

    /// Moves the cursor by this many visible lines, down if positive.
    pub fn move_cursor(&mut self, lines: isize) {
        self.cursor = self.visible_line_at_offset(self.cursor, lines);
        self.scroll_to_cursor();
    }

    /// Moves the cursor by this many pages, down if positive.
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

    /// Moves the cursor to the line drawn `row` lines below the topmost, such as for a click.
    pub fn move_to_visible_row(&mut self, row: usize) {
        self.cursor =
            self.visible_line_at_offset(self.top, isize::try_from(row).unwrap_or(isize::MAX));
        self.scroll_to_cursor();
    }

    /// Scrolls by this many lines, down if positive; the cursor is dragged along at the edge.
    pub fn scroll(&mut self, lines: isize) {
        self.top = self.visible_line_at_offset(self.top, lines).min(self.last_top());
        let last = self.visible_line_at_offset(self.top, self.last_row_offset());
        self.cursor = self.cursor.clamp(self.top, last);
    }

    /// Scrolls sideways, to the right if positive.
    pub fn scroll_columns(&mut self, columns: isize) {
        if self.wrap_columns.is_some() {
            return;
        }
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

    /// Folds or unfolds the container that the cursor's line opens or closes; on another line,
    /// folds the enclosing one.
    pub fn toggle_fold(&mut self) {
        if let Some(opener) = self.container_at_cursor() {
            self.body.lines[opener].folded ^= true;
            self.move_to_line(opener);
        }
    }

    /// Folds the container at the cursor; if it is folded already, moves to the enclosing one.
    pub fn fold(&mut self) {
        match self.container_at_cursor() {
            Some(opener) if !self.body.lines[opener].folded => self.toggle_fold(),
            _ => self.move_to_parent(),
        }
    }

    /// Unfolds the container at the cursor; if it is unfolded already, moves to its first member.
    pub fn unfold(&mut self) {
        match self.body.line_shape(self.cursor) {
            LineShape::Opens(_) if self.body.lines[self.cursor].folded => self.toggle_fold(),
            LineShape::Opens(_) => self.move_cursor(1),
            _ => {}
        }
    }

    /// Folds every container with at least `depth` enclosing containers and unfolds the others.
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

    /// Searches for a text, ignoring case, in folded members too; an empty text ends the search.
    /// The cursor stays if its line matches, else it moves to the next match.
    pub fn search(&mut self, text: &str) {
        self.search = SearchPattern::new(text).map(|needle| self.search_lines(needle));
        if let Some(search) = &self.search {
            let next = search.lines.partition_point(|line| *line < self.cursor);
            self.move_to_match(next);
        }
    }

    /// Moves to the next matching line, from the last to the first.
    pub fn next_match(&mut self) {
        if let Some(search) = &self.search {
            let next = search.lines.partition_point(|line| *line <= self.cursor);
            self.move_to_match(next);
        }
    }

    /// Moves to the previous matching line, from the first to the last.
    pub fn previous_match(&mut self) {
        if let Some(search) = &self.search {
            let here = search.lines.partition_point(|line| *line < self.cursor);
            self.move_to_match(here + search.lines.len().saturating_sub(1));
        }
    }

    /// Returns the state of the search; `None` without a search.
    pub fn search_matches(&self) -> Option<SearchMatches> {
        let search = self.search.as_ref()?;
        let current = search.lines.binary_search(&self.cursor).ok().map(|at| at + 1);
        Some(SearchMatches { current, total: search.lines.len() })
    }

    fn from_lines(body: DocumentLines) -> Self {
        Self {
            body,
            cursor: 0,
            top: 0,
            height: 1,
            is_sized: false,
            wrap_columns: None,
            column: 0,
            search: None,
        }
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

    /// Returns the visible line after a visible line.
    fn next_visible(&self, line: usize) -> Option<usize> {
        let next = match self.body.line_shape(line) {
            LineShape::Opens(end) if self.body.lines[line].folded => end + 1,
            _ => line + 1,
        };
        (next < self.line_count()).then_some(next)
    }

    /// Returns the visible line before a visible line. A hidden line directly before it can only be
    /// the end of one container.
    fn previous_visible(&self, line: usize) -> Option<usize> {
        let previous = line.checked_sub(1)?;
        match self.body.line_shape(previous) {
            LineShape::Closes(opener) if self.body.lines[opener].folded => Some(opener),
            _ => Some(previous),
        }
    }

    /// Returns the visible line this many visible lines away, or the last one on the way there.
    fn visible_line_at_offset(&self, from: usize, lines: isize) -> usize {
        let step = |line: &usize| {
            if lines < 0 { self.previous_visible(*line) } else { self.next_visible(*line) }
        };
        std::iter::successors(Some(from), step)
            .take(lines.unsigned_abs().saturating_add(1))
            .last()
            .unwrap_or(from)
    }

    /// Returns the visible line that represents a line: itself, or the outermost folded container
    /// around it.
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

    /// Moves the cursor to a line; one that is not visible is scrolled to the center.
    fn move_to_centered_line(&mut self, line: usize) {
        let last = self.visible_line_at_offset(self.top, self.last_row_offset());
        if (self.top..=last).contains(&line) {
            return self.move_to_line(line);
        }
        self.cursor = self.visible_ancestor(line);
        let half = isize::try_from(self.height / 2).unwrap_or(isize::MAX);
        self.top = self.visible_line_at_offset(self.cursor, -half).min(self.last_top());
    }

    /// Scrolls no further than needed to show the cursor, and leaves no unused rows below the last
    /// line.
    fn scroll_to_cursor(&mut self) {
        self.top = self.visible_ancestor(self.top);
        let lowest = self.visible_line_at_offset(self.cursor, -self.last_row_offset());
        self.top = self.top.max(lowest).min(self.cursor).min(self.last_top());
    }

    /// Returns the topmost line when the last line is at the bottom.
    fn last_top(&self) -> usize {
        self.visible_line_at_offset(
            self.visible_ancestor(self.line_count() - 1),
            -self.last_row_offset(),
        )
    }

    /// Offset of the last drawn row from the topmost.
    fn last_row_offset(&self) -> isize {
        isize::try_from(self.height - 1).unwrap_or(isize::MAX)
    }

    /// Returns the opening line of the container at the cursor.
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

    /// Moves to the `n`th matching line, wrapping around, and unfolds the containers that hide it.
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
        self.move_to_centered_line(line);
    }
}
