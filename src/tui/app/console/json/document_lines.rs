//! Line model of a document: one pass over a text turns it into lines.
//!
//! JSON is reformatted to one member per line by copying its tokens, so numbers, escapes and the
//! order of members stay exactly as received. Indentation is stored as a depth, not as text, so
//! that the memory of a deep document does not grow with the square of its depth. Folding and the
//! cursor are in `mod.rs`.
//!
//! Case-insensitive plain-text search in a document.
//!
//! Start at [`SearchPattern::matches`]; the cursor moves between matches in `mod.rs`.

use std::ops::Range;

use unicode_width::UnicodeWidthChar as _;

use crate::util::json_scan::{is_json, is_json_space, string_end};

/// Documents nested deeper than this are shown as plain text; a tree would be unreadable.
const MAX_TREE_DEPTH: usize = 1_000;

/// Columns of a tab character.
const TAB_COLUMNS: usize = 4;

/// Returns the columns of a character when it is drawn.
pub fn char_columns(c: char) -> usize {
    if c == '\t' { TAB_COLUMNS } else { c.width().unwrap_or(0) }
}

/// One line and its position in the tree. Line numbers start at 0.
#[derive(Debug, Clone, Copy)]
pub(super) struct TreeLine {
    /// Byte offset of the line in the text.
    start: u32,
    /// Line that opens the enclosing container; the line itself at the top level.
    parent: u32,
    /// Index among its siblings. On a line that closes a container: the number of its members.
    pub(super) index: u32,
    /// Other end of the container that the line opens or closes; the line itself if it does
    /// neither.
    partner: u32,
    /// Byte length of the key at the start of the line, including its quotes; 0 without a key.
    key_bytes: u32,
    /// Number of enclosing containers.
    pub(super) depth: u16,
    /// Whether the container that the line opens is folded.
    pub(super) folded: bool,
}

/// A text split into lines.
#[derive(Debug)]
pub(super) struct DocumentLines {
    /// Text of all lines without indentation, each terminated by a line feed; a line that continues
    /// on the next one is not.
    pub(super) text: String,
    pub(super) lines: Vec<TreeLine>,
    pub(super) kind: DocumentKind,
}

/// Kind of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DocumentKind {
    /// JSON tree.
    Json,
    /// Plain text.
    Plain,
    /// Diff of two texts; each line starts with a sign.
    Diff,
}

/// Parts of a line; the colon is left out.
#[derive(Debug, Clone, Copy)]
pub(super) struct LineParts<'a> {
    /// Key with its quotes, or empty.
    pub(super) key: &'a str,
    /// Value, or the bracket that opens or closes a container.
    pub(super) value: &'a str,
    /// A comma, or empty.
    pub(super) comma: &'a str,
}

/// Role of a line in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineShape {
    /// Opens a container that closes on the given line.
    Opens(usize),
    /// Closes the container that opened on the given line.
    Closes(usize),
    /// Neither opens nor closes a container.
    Leaf,
}

impl TreeLine {
    /// Creates a line without parent and partner.
    const fn standalone(start: u32, line: u32) -> Self {
        Self {
            start,
            parent: line,
            index: line,
            partner: line,
            key_bytes: 0,
            depth: 0,
            folded: false,
        }
    }
}

impl DocumentLines {
    /// Splits a text into lines: one member per line for JSON (also for several JSON values in a
    /// row), else the original lines.
    pub(super) fn parse(text: &str) -> Self {
        is_json(text)
            .then(|| JsonFormatter::new(text).run())
            .flatten()
            .unwrap_or_else(|| Self::from_plain_lines(text, DocumentKind::Plain))
    }

    /// Splits a text into its original lines.
    pub(super) fn from_plain_lines(text: &str, sort: DocumentKind) -> Self {
        let mut start = 0;
        let mut lines = Vec::new();
        for part in text.split_inclusive('\n') {
            lines.push(TreeLine::standalone(to_u32(start), to_u32(lines.len())));
            start += part.len();
        }
        if lines.is_empty() {
            lines.push(TreeLine::standalone(0, 0));
        }
        let end = if text.ends_with('\n') { "" } else { "\n" };
        Self { text: [text, end].concat(), lines, kind: sort }
    }

    /// Breaks the lines of a plain text at this width, so that nothing is beyond the right edge.
    pub(super) fn wrap(&mut self, columns: usize) {
        let mut lines = Vec::new();
        let mut start = 0;
        for part in self.text.split_inclusive('\n') {
            let line = part.strip_suffix('\n').unwrap_or(part);
            for row in row_starts(line, columns.max(1)) {
                lines.push(TreeLine::standalone(to_u32(start + row), to_u32(lines.len())));
            }
            start += part.len();
        }
        self.lines = lines;
    }

    /// Returns the text of a line without indentation.
    pub(super) fn line_text(&self, line: usize) -> &str {
        let start = self.line_start(line);
        let end = self.lines.get(line + 1).map_or(self.text.len(), |next| next.start as usize);
        let text = self.text.get(start..end).unwrap_or_default();
        text.strip_suffix('\n').unwrap_or(text)
    }

    /// Returns the whole line of the text to which a line belongs that may have been wrapped.
    pub(super) fn unwrapped_line(&self, line: usize) -> &str {
        let (before, after) = self.text.split_at(self.line_start(line));
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        let end = after.find('\n').map_or(self.text.len(), |end| before.len() + end);
        &self.text[start..end]
    }

    /// Returns the parts of a line.
    pub(super) fn line_parts(&self, line: usize) -> LineParts<'_> {
        let text = self.line_text(line);
        let (key, rest) = text.split_at(self.lines[line].key_bytes as usize);
        let rest = if key.is_empty() { rest } else { &rest[2..] };
        let end = if self.kind == DocumentKind::Json {
            rest.strip_suffix(',').map_or(rest.len(), str::len)
        } else {
            rest.len()
        };
        let (value, comma) = rest.split_at(end);
        LineParts { key, value, comma }
    }

    /// Returns the byte offset of a line in the text.
    pub(super) fn line_start(&self, line: usize) -> usize {
        self.lines[line].start as usize
    }

    /// Returns the line at a byte offset of the text.
    pub(super) fn line_at(&self, place: usize) -> usize {
        self.lines.partition_point(|line| line.start as usize <= place).saturating_sub(1)
    }

    /// Returns the role of a line in the tree.
    pub(super) fn line_shape(&self, line: usize) -> LineShape {
        let partner = self.lines[line].partner as usize;
        match partner.cmp(&line) {
            std::cmp::Ordering::Greater => LineShape::Opens(partner),
            std::cmp::Ordering::Less => LineShape::Closes(partner),
            std::cmp::Ordering::Equal => LineShape::Leaf,
        }
    }

    /// Returns the line that opens the container around a line.
    pub(super) fn parent_line(&self, line: usize) -> Option<usize> {
        Some(self.lines[line].parent as usize).filter(|parent| *parent != line)
    }
}

/// Formatter that splits valid JSON into lines.
struct JsonFormatter<'a> {
    source: &'a str,
    at: usize,
    text: String,
    lines: Vec<TreeLine>,
    /// Open containers: the opening line and the number of members so far.
    open: Vec<(u32, u32)>,
    /// Number of values at the top level so far.
    top_level_count: u32,
    /// Whether the next value follows a key on the same line.
    after_key: bool,
}

impl<'a> JsonFormatter<'a> {
    fn new(source: &'a str) -> Self {
        let text = String::with_capacity(source.len() + source.len() / 4);
        Self {
            source,
            at: 0,
            text,
            lines: Vec::new(),
            open: Vec::new(),
            top_level_count: 0,
            after_key: false,
        }
    }

    fn run(mut self) -> Option<DocumentLines> {
        while let Some(byte) = self.peek() {
            match byte {
                b'{' | b'[' => self.open(byte)?,
                b'}' | b']' => self.close_container(byte)?,
                b',' => self.push_comma(),
                b':' => self.push_colon(),
                _ => self.push_scalar(byte),
            }
        }
        self.text.push('\n');
        self.open.is_empty().then_some(DocumentLines {
            text: self.text,
            lines: self.lines,
            kind: DocumentKind::Json,
        })
    }

    /// Returns the next byte that is not white space.
    fn peek(&mut self) -> Option<u8> {
        let rest = &self.source.as_bytes()[self.at..];
        let skipped = rest.iter().position(|byte| !is_json_space(*byte))?;
        self.at += skipped;
        Some(rest[skipped])
    }

    fn open(&mut self, byte: u8) -> Option<()> {
        let line = self.begin_value();
        self.text.push(char::from(byte));
        self.at += 1;
        let closing = if byte == b'{' { '}' } else { ']' };
        if self.peek()? == closing as u8 {
            self.at += 1;
            self.text.push(closing);
        } else {
            self.open.push((line, 0));
        }
        (self.open.len() <= MAX_TREE_DEPTH).then_some(())
    }

    fn close_container(&mut self, byte: u8) -> Option<()> {
        let (opener, members) = self.open.pop()?;
        let closer = to_u32(self.lines.len());
        let TreeLine { parent, depth, .. } = self.lines[opener as usize];
        self.lines[opener as usize].partner = closer;
        self.push_line(TreeLine {
            start: 0,
            parent: if parent == opener { closer } else { parent },
            index: members,
            partner: opener,
            key_bytes: 0,
            depth,
            folded: false,
        });
        self.text.push(char::from(byte));
        self.at += 1;
        Some(())
    }

    fn push_comma(&mut self) {
        self.text.push(',');
        self.at += 1;
    }

    /// Marks the text of the current line as a key.
    fn push_colon(&mut self) {
        if let Some(line) = self.lines.last_mut() {
            line.key_bytes = to_u32(self.text.len()) - line.start;
        }
        self.text.push_str(": ");
        self.at += 1;
        self.after_key = true;
    }

    fn push_scalar(&mut self, first: u8) {
        self.begin_value();
        let bytes = self.source.as_bytes();
        let end = if first == b'"' {
            string_end(bytes, self.at)
        } else {
            let length = bytes[self.at..].iter().position(|byte| ends_scalar(*byte));
            length.map_or(bytes.len(), |length| self.at + length)
        };
        self.text.push_str(&self.source[self.at..end]);
        self.at = end;
    }

    /// Starts a line, unless a key has started it; returns its number.
    fn begin_value(&mut self) -> u32 {
        let line = to_u32(self.lines.len());
        if std::mem::take(&mut self.after_key) {
            return line - 1;
        }
        let depth = u16::try_from(self.open.len()).unwrap_or(u16::MAX);
        let (parent, count) = match self.open.last_mut() {
            Some((opener, members)) => (*opener, members),
            None => (line, &mut self.top_level_count),
        };
        let index = *count;
        *count += 1;
        self.push_line(TreeLine {
            start: 0,
            parent,
            index,
            partner: line,
            key_bytes: 0,
            depth,
            folded: false,
        });
        line
    }

    fn push_line(&mut self, line: TreeLine) {
        if !self.lines.is_empty() {
            self.text.push('\n');
        }
        self.lines.push(TreeLine { start: to_u32(self.text.len()), ..line });
    }
}

/// Returns the byte offsets at which the rows of a line begin that is wrapped at this width.
fn row_starts(line: &str, columns: usize) -> Vec<usize> {
    // Most long lines are minified JSON, whose characters take a byte and a column each.
    if line.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return (0..line.len().max(1)).step_by(columns).collect();
    }
    let (mut starts, mut used) = (vec![0], 0);
    for (at, c) in line.char_indices() {
        let width = char_columns(c);
        if used + width > columns && used > 0 {
            starts.push(at);
            used = 0;
        }
        used += width;
    }
    starts
}

fn ends_scalar(byte: u8) -> bool {
    matches!(byte, b',' | b':' | b'}' | b']' | b'{' | b'[' | b'"') || is_json_space(byte)
}

/// Converts an offset. Bodies are capped far below 4 GiB, and 32-bit offsets halve the memory.
fn to_u32(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Text to search for.
#[derive(Debug)]
pub(super) struct SearchPattern {
    text: String,
}

/// Search over a document: the pattern and the matching lines.
#[derive(Debug)]
pub(super) struct DocumentSearch {
    pub(super) pattern: SearchPattern,
    /// Matching lines, in order.
    pub(super) lines: Vec<usize>,
}

impl SearchPattern {
    /// Creates a pattern; `None` if the text is empty.
    pub(super) fn new(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self { text: text.to_lowercase() })
    }

    /// Returns all matches in a text, without overlaps.
    pub(super) fn matches<'a>(
        &'a self,
        text: &'a str,
    ) -> impl Iterator<Item = Range<usize>> + use<'a> {
        let mut from = 0;
        std::iter::from_fn(move || {
            let found = self.find(text, from)?;
            from = found.end;
            Some(found)
        })
    }

    /// Returns the first match at or after `from`.
    pub(super) fn find(&self, text: &str, from: usize) -> Option<Range<usize>> {
        if self.text.is_ascii() {
            self.find_ascii(text.as_bytes(), from)
        } else {
            self.find_unicode(text, from)
        }
    }

    /// Byte-wise search: an ASCII byte never occurs inside a multi-byte character.
    fn find_ascii(&self, bytes: &[u8], from: usize) -> Option<Range<usize>> {
        let needle = self.text.as_bytes();
        let last = bytes.len().checked_sub(needle.len())?;
        let (lower, upper) = (needle[0], needle[0].to_ascii_uppercase());
        let mut at = from;
        while at <= last {
            at += bytes[at..=last].iter().position(|byte| *byte == lower || *byte == upper)?;
            let end = at + needle.len();
            if bytes[at..end].eq_ignore_ascii_case(needle) {
                return Some(at..end);
            }
            at += 1;
        }
        None
    }

    fn find_unicode(&self, text: &str, from: usize) -> Option<Range<usize>> {
        text.get(from..)?.char_indices().find_map(|(at, _)| {
            let start = from + at;
            self.match_length(&text[start..]).map(|length| start..start + length)
        })
    }

    /// Returns the length of the match at the start of `text`.
    fn match_length(&self, text: &str) -> Option<usize> {
        let mut needle = self.text.chars();
        let mut wanted = needle.next();
        for (at, c) in text.char_indices() {
            if wanted.is_none() {
                return Some(at);
            }
            for lower in c.to_lowercase() {
                if wanted != Some(lower) {
                    return None;
                }
                wanted = needle.next();
            }
        }
        wanted.is_none().then_some(text.len())
    }
}
