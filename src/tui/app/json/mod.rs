//! A text as a tree that can be folded, searched and walked: the body of an answer, or any other JSON.
//!
//! Every step of the cursor and every frame costs as much as the lines that are visible, never as much as the
//! document: a line knows its container, its place in it and where that container ends, so the next visible line is
//! one look away, however much is folded between. Only opening a document, searching it and folding all of it read
//! all of it.

mod body;
mod path;
mod row;
mod search;
#[cfg(test)]
mod tests;

use body::{Body, Shape, Sort};
use search::{Needle, Search};

pub use row::{Fold, Role, Row, Token};

/// A text in lines, what of it is folded, and where the cursor is.
#[derive(Debug)]
pub struct Document {
    body: Body,
    /// The line of the cursor; never inside something folded.
    cursor: usize,
    /// The topmost line that is shown; never inside something folded.
    top: usize,
    /// How many lines are shown.
    height: usize,
    /// How many columns are scrolled away on the left.
    column: usize,
    search: Option<Search>,
}

/// Where a search stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Matches {
    /// Which of the matching lines the cursor is on, from 1.
    pub current: Option<usize>,
    /// How many lines match.
    pub total: usize,
}

impl Document {
    /// Lays out a text: one or several JSON values as a tree, anything else as the lines it has. This reads the
    /// whole text, so a long one belongs on a thread of its own.
    pub fn parse(text: &str) -> Self {
        Self::of(Body::of(text))
    }

    /// Lays out a text as the lines it has.
    pub fn plain(text: &str) -> Self {
        Self::of(Body::lines(text, Sort::Plain))
    }

    /// Lays out lines that begin with `+` where they are new and with `-` where they are gone.
    pub fn changes(text: &str) -> Self {
        Self::of(Body::lines(text, Sort::Changes))
    }

    /// Whether the text is a tree.
    pub fn is_json(&self) -> bool {
        self.body.sort == Sort::Json
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
    pub fn visible(&self) -> impl Iterator<Item = Row<'_>> {
        std::iter::successors(Some(self.top), |line| self.below(*line)).take(self.height).map(|line| self.row(line))
    }

    /// Tells how many lines are shown.
    pub fn set_height(&mut self, rows: usize) {
        self.height = rows.max(1);
        self.follow();
    }

    /// Moves the cursor by so many visible lines, down if positive.
    pub fn move_by(&mut self, lines: isize) {
        self.cursor = self.walk(self.cursor, lines);
        self.follow();
    }

    /// Moves the cursor by so many pages, down if positive.
    pub fn page(&mut self, pages: isize) {
        self.move_by(pages.saturating_mul(isize::try_from(self.height).unwrap_or(isize::MAX)));
    }

    /// Moves the cursor to the first line.
    pub fn home(&mut self) {
        self.go_to(0);
    }

    /// Moves the cursor to the last line.
    pub fn end(&mut self) {
        self.go_to(self.line_count() - 1);
    }

    /// Moves the cursor to the line that is shown `row` lines below the topmost, such as for a click.
    pub fn point(&mut self, row: usize) {
        self.cursor = self.walk(self.top, isize::try_from(row).unwrap_or(isize::MAX));
        self.follow();
    }

    /// Moves what is shown by so many lines, down if positive; the cursor comes along at the edge.
    pub fn scroll(&mut self, lines: isize) {
        self.top = self.walk(self.top, lines).min(self.last_top());
        let last = self.walk(self.top, self.reach());
        self.cursor = self.cursor.clamp(self.top, last);
    }

    /// Moves what is shown sideways, to the right if positive.
    pub fn scroll_columns(&mut self, columns: isize) {
        let longest = self.visible().map(|row| row.text.len() + 2 * row.depth).max().unwrap_or(0);
        self.column = self.column.saturating_add_signed(columns).min(longest.saturating_sub(1));
    }

    /// Moves the cursor to the line that opens the container around it.
    pub fn go_to_parent(&mut self) {
        if let Some(parent) = self.body.parent(self.cursor) {
            self.go_to(parent);
        }
    }

    /// Folds or unfolds the container that the cursor's line opens or closes; on another line, folds the one around.
    pub fn toggle_fold(&mut self) {
        if let Some(opener) = self.container() {
            self.body.lines[opener].folded ^= true;
            self.go_to(opener);
        }
    }

    /// Folds the container at the cursor; where it is folded already, goes to the one around.
    pub fn fold(&mut self) {
        match self.container() {
            Some(opener) if !self.body.lines[opener].folded => self.toggle_fold(),
            _ => self.go_to_parent(),
        }
    }

    /// Unfolds the container at the cursor; where it is unfolded already, goes to its first member.
    pub fn unfold(&mut self) {
        match self.body.shape(self.cursor) {
            Shape::Opens(_) if self.body.lines[self.cursor].folded => self.toggle_fold(),
            Shape::Opens(_) => self.move_by(1),
            _ => {}
        }
    }

    /// Folds every container that has `depth` or more containers around it, and unfolds the others.
    pub fn fold_to(&mut self, depth: usize) {
        for line in 0..self.line_count() {
            let opens = matches!(self.body.shape(line), Shape::Opens(_));
            let line = &mut self.body.lines[line];
            line.folded = opens && usize::from(line.depth) >= depth;
        }
        self.top = self.surface(self.top);
        self.go_to(self.cursor);
    }

    /// Unfolds everything.
    pub fn unfold_all(&mut self) {
        self.fold_to(usize::MAX);
    }

    /// Searches for a text in any case, in folded members too; an empty one ends the search. The cursor stays if its
    /// line matches, otherwise goes to the next that does.
    pub fn search(&mut self, text: &str) {
        self.search = Needle::new(text).map(|needle| self.find_lines(needle));
        if let Some(search) = &self.search {
            let next = search.lines.partition_point(|line| *line < self.cursor);
            self.go_to_match(next);
        }
    }

    /// Goes to the next matching line, from the last on to the first.
    pub fn next_match(&mut self) {
        if let Some(search) = &self.search {
            let next = search.lines.partition_point(|line| *line <= self.cursor);
            self.go_to_match(next);
        }
    }

    /// Goes to the previous matching line, from the first on to the last.
    pub fn previous_match(&mut self) {
        if let Some(search) = &self.search {
            let here = search.lines.partition_point(|line| *line < self.cursor);
            self.go_to_match(here + search.lines.len().saturating_sub(1));
        }
    }

    /// Where the search stands; nothing without one.
    pub fn matches(&self) -> Option<Matches> {
        let search = self.search.as_ref()?;
        let current = search.lines.binary_search(&self.cursor).ok().map(|at| at + 1);
        Some(Matches { current, total: search.lines.len() })
    }

    fn of(body: Body) -> Self {
        Self { body, cursor: 0, top: 0, height: 1, column: 0, search: None }
    }

    fn row(&self, line: usize) -> Row<'_> {
        let entry = self.body.lines[line];
        Row {
            line,
            depth: entry.depth.into(),
            under_cursor: line == self.cursor,
            fold: self.fold_of(line),
            text: self.body.text_of(line),
            parts: self.body.parts(line),
            sort: self.body.sort,
            needle: self.search.as_ref().map(|search| &search.needle),
        }
    }

    fn fold_of(&self, line: usize) -> Fold {
        match self.body.shape(line) {
            Shape::Opens(end) if self.body.lines[line].folded => {
                Fold::Folded { members: self.body.lines[end].index, more: self.body.text_of(end).ends_with(',') }
            }
            Shape::Opens(_) => Fold::Open,
            _ => Fold::None,
        }
    }

    /// The visible line after a visible line.
    fn below(&self, line: usize) -> Option<usize> {
        let next = match self.body.shape(line) {
            Shape::Opens(end) if self.body.lines[line].folded => end + 1,
            _ => line + 1,
        };
        (next < self.line_count()).then_some(next)
    }

    /// The visible line before a visible line. What is hidden right before it can only be the end of one container.
    fn above(&self, line: usize) -> Option<usize> {
        let previous = line.checked_sub(1)?;
        match self.body.shape(previous) {
            Shape::Closes(opener) if self.body.lines[opener].folded => Some(opener),
            _ => Some(previous),
        }
    }

    /// The visible line so many visible lines away, or the last on the way there.
    fn walk(&self, from: usize, lines: isize) -> usize {
        let step = |line: &usize| if lines < 0 { self.above(*line) } else { self.below(*line) };
        std::iter::successors(Some(from), step).take(lines.unsigned_abs().saturating_add(1)).last().unwrap_or(from)
    }

    /// The visible line that shows a line: itself, or the outermost folded container around it.
    fn surface(&self, line: usize) -> usize {
        let opener = match self.body.shape(line) {
            Shape::Closes(opener) => opener,
            _ => line,
        };
        let around = std::iter::successors(self.body.parent(opener), |line| self.body.parent(*line));
        let own = (opener != line).then_some(opener);
        own.into_iter().chain(around).filter(|line| self.body.lines[*line].folded).last().unwrap_or(line)
    }

    fn go_to(&mut self, line: usize) {
        self.cursor = self.surface(line);
        self.follow();
    }

    /// Scrolls no further than needed to show the cursor, and leaves no room below the last line that could be used.
    fn follow(&mut self) {
        self.top = self.surface(self.top);
        let lowest = self.walk(self.cursor, -self.reach());
        self.top = self.top.max(lowest).min(self.cursor).min(self.last_top());
    }

    /// The topmost line when the last one is at the bottom.
    fn last_top(&self) -> usize {
        self.walk(self.surface(self.line_count() - 1), -self.reach())
    }

    /// How far the last shown line is from the topmost.
    fn reach(&self) -> isize {
        isize::try_from(self.height - 1).unwrap_or(isize::MAX)
    }

    /// The opening line of the container at the cursor.
    fn container(&self) -> Option<usize> {
        match self.body.shape(self.cursor) {
            Shape::Opens(_) => Some(self.cursor),
            Shape::Closes(opener) => Some(opener),
            Shape::Leaf => self.body.parent(self.cursor),
        }
    }

    fn find_lines(&self, needle: Needle) -> Search {
        let mut lines = Vec::new();
        let mut from = 0;
        while let Some(found) = needle.find(&self.body.text, from) {
            let line = self.body.at(found.start);
            lines.push(line);
            from = self.body.lines.get(line + 1).map_or(self.body.text.len(), |_| self.body.start(line + 1));
        }
        Search { needle, lines }
    }

    /// Goes to the `n`th matching line, counted in a circle, and unfolds what hides it.
    fn go_to_match(&mut self, n: usize) {
        let Some(search) = self.search.as_ref().filter(|search| !search.lines.is_empty()) else { return };
        let line = search.lines[n % search.lines.len()];
        let mut opener = match self.body.shape(line) {
            Shape::Closes(opener) => Some(opener),
            _ => self.body.parent(line),
        };
        while let Some(hiding) = opener {
            self.body.lines[hiding].folded = false;
            opener = self.body.parent(hiding);
        }
        self.go_to(line);
    }
}
