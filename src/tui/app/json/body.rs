//! One pass over a text that turns it into lines.
//!
//! JSON is re-broken into one member a line by copying its tokens, so numbers and escapes stay exactly as they came
//! and members stay in their order. Indentation is not written but kept as a depth, so that a deep document does not
//! grow with the square of its depth.

use serde::de::IgnoredAny;

/// Deeper documents are shown as they came; nobody reads them as a tree.
const DEEPEST: usize = 1_000;

/// One line, and its place in the tree. Line numbers start at 0.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    /// Where it starts in the text.
    start: u32,
    /// The line that opens the container around it; its own number at the top.
    parent: u32,
    /// Its place among its siblings. On a line that closes a container: how many members that has.
    pub(super) index: u32,
    /// The other end of the container that it opens or closes; its own number if it does neither.
    partner: u32,
    /// How long the key at its beginning is, with its quotes; 0 if there is none.
    key: u32,
    /// How many containers are around it.
    pub(super) depth: u16,
    /// Whether the container that it opens is shown as one line.
    pub(super) folded: bool,
}

/// A text in lines.
#[derive(Debug)]
pub(super) struct Body {
    /// The lines' texts without indentation, each ended by a line feed.
    pub(super) text: String,
    pub(super) lines: Vec<Line>,
    pub(super) sort: Sort,
}

/// What the lines of a text are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    /// Those of a tree.
    Json,
    /// Those that it came with.
    Plain,
    /// Those of two texts, each with a sign that says of which.
    Changes,
}

/// The pieces of a line; the colon is left out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parts<'a> {
    /// The key with its quotes, or nothing.
    pub(super) key: &'a str,
    /// The value, or its first or last bracket.
    pub(super) value: &'a str,
    /// A comma or nothing.
    pub(super) comma: &'a str,
}

/// What a line does to the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// It opens a container that closes on the given line.
    Opens(usize),
    /// It closes the container that opened on the given line.
    Closes(usize),
    /// It is complete in itself.
    Leaf,
}

impl Line {
    /// A line that belongs to no other.
    const fn alone(start: u32, line: u32) -> Self {
        Self { start, parent: line, index: line, partner: line, key: 0, depth: 0, folded: false }
    }
}

impl Body {
    /// The lines of a text: members if it is JSON (or several JSON values in a row), otherwise as it came.
    pub(super) fn of(text: &str) -> Self {
        is_json(text).then(|| Breaker::new(text).run()).flatten().unwrap_or_else(|| Self::lines(text, Sort::Plain))
    }

    /// The lines of a text as it came.
    pub(super) fn lines(text: &str, sort: Sort) -> Self {
        let mut start = 0;
        let mut lines = Vec::new();
        for part in text.split_inclusive('\n') {
            lines.push(Line::alone(narrow(start), narrow(lines.len())));
            start += part.len();
        }
        if lines.is_empty() {
            lines.push(Line::alone(0, 0));
        }
        let end = if text.ends_with('\n') { "" } else { "\n" };
        Self { text: [text, end].concat(), lines, sort }
    }

    /// The text of a line, without indentation.
    pub(super) fn text_of(&self, line: usize) -> &str {
        let start = self.start(line);
        let end = self.lines.get(line + 1).map_or(self.text.len(), |next| next.start as usize);
        self.text.get(start..end.saturating_sub(1)).unwrap_or_default()
    }

    /// The pieces of a line.
    pub(super) fn parts(&self, line: usize) -> Parts<'_> {
        let text = self.text_of(line);
        let (key, rest) = text.split_at(self.lines[line].key as usize);
        let rest = if key.is_empty() { rest } else { &rest[2..] };
        let end = if self.sort == Sort::Json { rest.strip_suffix(',').map_or(rest.len(), str::len) } else { rest.len() };
        let (value, comma) = rest.split_at(end);
        Parts { key, value, comma }
    }

    /// Where a line starts in the text.
    pub(super) fn start(&self, line: usize) -> usize {
        self.lines[line].start as usize
    }

    /// The line that holds this place of the text.
    pub(super) fn at(&self, place: usize) -> usize {
        self.lines.partition_point(|line| line.start as usize <= place).saturating_sub(1)
    }

    /// What a line does to the tree.
    pub(super) fn shape(&self, line: usize) -> Shape {
        let partner = self.lines[line].partner as usize;
        match partner.cmp(&line) {
            std::cmp::Ordering::Greater => Shape::Opens(partner),
            std::cmp::Ordering::Less => Shape::Closes(partner),
            std::cmp::Ordering::Equal => Shape::Leaf,
        }
    }

    /// The line that opens the container around a line.
    pub(super) fn parent(&self, line: usize) -> Option<usize> {
        Some(self.lines[line].parent as usize).filter(|parent| *parent != line)
    }
}

/// Breaks valid JSON into lines.
struct Breaker<'a> {
    source: &'a str,
    at: usize,
    text: String,
    lines: Vec<Line>,
    /// The containers around the current place: their opening lines and how many members they have so far.
    open: Vec<(u32, u32)>,
    /// How many values stand at the top so far.
    tops: u32,
    /// Whether the next value follows its key, on the same line.
    after_key: bool,
}

impl<'a> Breaker<'a> {
    fn new(source: &'a str) -> Self {
        let text = String::with_capacity(source.len() + source.len() / 4);
        Self { source, at: 0, text, lines: Vec::new(), open: Vec::new(), tops: 0, after_key: false }
    }

    fn run(mut self) -> Option<Body> {
        while let Some(byte) = self.peek() {
            match byte {
                b'{' | b'[' => self.open(byte)?,
                b'}' | b']' => self.close(byte)?,
                b',' => self.comma(),
                b':' => self.colon(),
                _ => self.scalar(byte),
            }
        }
        self.text.push('\n');
        self.open.is_empty().then_some(Body { text: self.text, lines: self.lines, sort: Sort::Json })
    }

    /// The next byte that is not white space.
    fn peek(&mut self) -> Option<u8> {
        let rest = &self.source.as_bytes()[self.at..];
        let skipped = rest.iter().position(|byte| !byte.is_ascii_whitespace())?;
        self.at += skipped;
        Some(rest[skipped])
    }

    fn open(&mut self, byte: u8) -> Option<()> {
        let line = self.value();
        self.text.push(char::from(byte));
        self.at += 1;
        let closing = if byte == b'{' { '}' } else { ']' };
        if self.peek()? == closing as u8 {
            self.at += 1;
            self.text.push(closing);
        } else {
            self.open.push((line, 0));
        }
        (self.open.len() <= DEEPEST).then_some(())
    }

    fn close(&mut self, byte: u8) -> Option<()> {
        let (opener, members) = self.open.pop()?;
        let closer = narrow(self.lines.len());
        let Line { parent, depth, .. } = self.lines[opener as usize];
        self.lines[opener as usize].partner = closer;
        self.begin(Line {
            start: 0,
            parent: if parent == opener { closer } else { parent },
            index: members,
            partner: opener,
            key: 0,
            depth,
            folded: false,
        });
        self.text.push(char::from(byte));
        self.at += 1;
        Some(())
    }

    fn comma(&mut self) {
        self.text.push(',');
        self.at += 1;
    }

    /// What the line holds so far is a key.
    fn colon(&mut self) {
        if let Some(line) = self.lines.last_mut() {
            line.key = narrow(self.text.len()) - line.start;
        }
        self.text.push_str(": ");
        self.at += 1;
        self.after_key = true;
    }

    fn scalar(&mut self, first: u8) {
        self.value();
        let rest = &self.source.as_bytes()[self.at..];
        let length =
            if first == b'"' { string_end(rest) } else { rest.iter().position(|byte| ends_scalar(*byte)).unwrap_or(rest.len()) };
        let end = self.at + length;
        self.text.push_str(&self.source[self.at..end]);
        self.at = end;
    }

    /// Begins a line, unless a key has begun it; returns its number.
    fn value(&mut self) -> u32 {
        let line = narrow(self.lines.len());
        if std::mem::take(&mut self.after_key) {
            return line - 1;
        }
        let depth = u16::try_from(self.open.len()).unwrap_or(u16::MAX);
        let (parent, count) = match self.open.last_mut() {
            Some((opener, members)) => (*opener, members),
            None => (line, &mut self.tops),
        };
        let index = *count;
        *count += 1;
        self.begin(Line { start: 0, parent, index, partner: line, key: 0, depth, folded: false });
        line
    }

    fn begin(&mut self, line: Line) {
        if !self.lines.is_empty() {
            self.text.push('\n');
        }
        self.lines.push(Line { start: narrow(self.text.len()), ..line });
    }
}

/// Whether a text is one or more JSON values.
fn is_json(text: &str) -> bool {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    values.next().is_some_and(|first| first.is_ok()) && values.all(|value| value.is_ok())
}

/// How long the string at the beginning of `bytes` is, with both its quotes.
fn string_end(bytes: &[u8]) -> usize {
    let mut at = 1;
    while let Some(found) = bytes.get(at..).and_then(|rest| rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))) {
        at += found;
        if bytes[at] == b'"' {
            return at + 1;
        }
        at += 2;
    }
    bytes.len()
}

fn ends_scalar(byte: u8) -> bool {
    matches!(byte, b',' | b':' | b'}' | b']' | b'{' | b'[' | b'"') || byte.is_ascii_whitespace()
}

/// Bodies are capped far below 4 GiB before they come here, and half the width is half the memory.
fn narrow(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
