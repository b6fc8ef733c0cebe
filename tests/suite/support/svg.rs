//! Draws a terminal's screen as an SVG picture: backgrounds as rectangles, texts as runs of one style
//! that keep to their cells. Start with [`draw`] for one screen and [`animate`] for several.

use std::fmt::Write as _;
use std::num::NonZeroU16;

use vt100::{Cell, Color, Screen};

/// Width and height of a cell in pixels.
const CELL: (usize, usize) = (9, 18);
/// Pixels around the screen.
const MARGIN: usize = 14;
/// Height of the window's title bar in pixels.
const BAR: usize = 30;

/// The terminal's default colors.
pub(crate) struct Ground {
    /// Letters.
    pub(crate) text: &'static str,
    /// The background.
    pub(crate) behind: &'static str,
    /// The window's title bar.
    pub(crate) bar: &'static str,
    /// Name of the theme that is made for it.
    pub(crate) theme: &'static str,
}

/// A dark terminal.
pub(crate) const DARK: Ground =
    Ground { text: "#d7dae0", behind: "#16161e", bar: "#22222c", theme: "dark" };
/// A light terminal.
pub(crate) const LIGHT: Ground =
    Ground { text: "#1f2328", behind: "#ffffff", bar: "#e6e8ec", theme: "light" };

/// Draws a screen in a window.
pub(crate) fn draw(screen: &Screen, ground: &Ground) -> String {
    window(screen.size(), ground, &draw_cells(screen, ground))
}

/// Draws several frames of one size as an endless animation, each frame for `seconds`. A viewer
/// without animations shows the first frame.
pub(crate) fn animate(
    size: (NonZeroU16, NonZeroU16),
    ground: &Ground,
    frames: &[String],
    seconds: usize,
) -> String {
    let (total, share) = (frames.len() * seconds, 100_000 / frames.len());
    let mut content = format!(
        "<style>@keyframes frame{{0%{{visibility:visible}}{}.{:03}%,100%{{visibility:hidden}}}}\
         .frame{{animation:frame {total}s infinite step-end}}</style>\n",
        share / 1000,
        share % 1000
    );
    for (at, frame) in frames.iter().enumerate() {
        let hidden = if at == 0 { "" } else { ";visibility:hidden" };
        let _ = writeln!(
            content,
            "{FRAME}\" style=\"animation-delay:{}s{hidden}\">\n{frame}</g>",
            at * seconds
        );
    }
    window(size, ground, &content)
}

/// The start of every frame of an animation.
pub(crate) const FRAME: &str = "<g class=\"frame";

/// The window around a content as large as the terminal.
fn window((rows, columns): (NonZeroU16, NonZeroU16), ground: &Ground, content: &str) -> String {
    let (rows, columns) = (usize::from(rows.get()), usize::from(columns.get()));
    let (width, height) = (columns * CELL.0 + 2 * MARGIN, rows * CELL.1 + 2 * MARGIN + BAR);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-size=\"15\" \
         font-family=\"'DejaVu Sans Mono','Cascadia Mono',Menlo,Consolas,monospace\">\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"10\" fill=\"{}\"/>\n\
         <path d=\"M0 {BAR}V10A10 10 0 0 1 10 0H{}A10 10 0 0 1 {width} 10V{BAR}Z\" fill=\"{}\"/>\n",
        ground.behind,
        width - 10,
        ground.bar
    );
    for (at, color) in ["#ff5f57", "#febc2e", "#28c840"].iter().enumerate() {
        let _ =
            writeln!(svg, "<circle cx=\"{}\" cy=\"15\" r=\"6\" fill=\"{color}\"/>", 20 + at * 20);
    }
    svg + content + "</svg>\n"
}

/// Draws the cells of a screen.
pub(crate) fn draw_cells(screen: &Screen, ground: &Ground) -> String {
    let (rows, columns) = screen.size();
    let mut svg = String::new();
    for row in 0..rows.get() {
        let cells = (0..columns.get()).filter_map(|column| screen.cell(row, column));
        draw_line(&mut svg, &cells.collect::<Vec<_>>(), row.into(), ground);
    }
    svg
}

/// Draws adjacent cells of one style together.
fn draw_line(svg: &mut String, line: &[&Cell], row: usize, ground: &Ground) {
    let mut start = 0;
    for run in line.chunk_by(|one, other| look(one) == look(other)) {
        draw_run(svg, run, (start, row), ground);
        start += run.len();
    }
}

type Look = (Color, Color, [bool; 5]);

fn look(cell: &Cell) -> Look {
    (
        cell.fgcolor(),
        cell.bgcolor(),
        [cell.bold(), cell.dim(), cell.italic(), cell.underline(), cell.inverse()],
    )
}

fn draw_run(svg: &mut String, cells: &[&Cell], (column, row): (usize, usize), ground: &Ground) {
    let (text, behind, [bold, dim, italic, underline, inverse]) = look(cells[0]);
    let (mut text, mut behind) = (hex(text), hex(behind));
    if inverse {
        (text, behind) =
            (behind.or(Some(ground.behind.to_owned())), text.or(Some(ground.text.to_owned())));
    }
    let (x, y) = (MARGIN + column * CELL.0, BAR + MARGIN + row * CELL.1);
    if let Some(behind) = behind {
        let width = cells.len() * CELL.0;
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{}\" fill=\"{behind}\"/>",
            CELL.1
        );
    }
    let fill = text.unwrap_or_else(|| ground.text.to_owned());
    let known = [
        (bold, " font-weight=\"bold\""),
        (italic, " font-style=\"italic\""),
        (underline, " text-decoration=\"underline\""),
        (dim, " opacity=\"0.65\""),
    ];
    let extra: String = known.into_iter().filter(|(on, _)| *on).map(|(_, extra)| extra).collect();
    for word in words(cells) {
        let text: String = cells[word.clone()].iter().map(|cell| cell.contents()).collect();
        let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let (x, width, base) = (x + word.start * CELL.0, word.len() * CELL.0, y + CELL.1 - 5);
        let _ = writeln!(
            svg,
            "<text x=\"{x}\" y=\"{base}\" textLength=\"{width}\" lengthAdjust=\"spacingAndGlyphs\" fill=\"{fill}\"{extra}>{text}</text>"
        );
    }
}

/// Returns the runs of cells between blanks, because SVG drops blanks.
fn words(cells: &[&Cell]) -> Vec<std::ops::Range<usize>> {
    let mut words: Vec<std::ops::Range<usize>> = Vec::new();
    let seen = |cell: &Cell| cell.is_wide_continuation() || !cell.contents().trim().is_empty();
    for (at, _) in cells.iter().enumerate().filter(|(_, cell)| seen(cell)) {
        match words.last_mut() {
            Some(word) if word.end == at => word.end = at + 1,
            _ => words.push(at..at + 1),
        }
    }
    words
}

/// Returns a 24-bit color; `None` for the terminal's default.
fn hex(color: Color) -> Option<String> {
    match color {
        Color::Rgb(red, green, blue) => Some(format!("#{red:02x}{green:02x}{blue:02x}")),
        Color::Default | Color::Idx(_) => None,
    }
}
