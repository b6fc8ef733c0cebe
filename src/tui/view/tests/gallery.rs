//! The pictures of the README: drawn by the program's own drawing code into SVG, and compared with the files in
//! `assets/pictures`, so that they are never stale. `TOKENRING_WRITE_DOCS=1 cargo test --lib gallery` draws them anew.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

use super::*;

/// Pixels of a cell.
const CELL: (usize, usize) = (9, 17);
/// Pixels around the screen.
const MARGIN: usize = 14;

/// What the terminal shows where nothing is set.
struct Ground {
    text: &'static str,
    behind: &'static str,
}

const DARK: Ground = Ground { text: "#d4d4dc", behind: "#16161e" };
const LIGHT: Ground = Ground { text: "#2e2e38", behind: "#fafafa" };

#[test]
fn the_pictures_of_the_readme_are_those_of_the_program() {
    for (name, session, ground) in scenes() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("assets/pictures/{name}.svg"));
        let drawn = svg(&drawn(&session), &ground);
        if std::env::var_os("TOKENRING_WRITE_DOCS").is_some() {
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(&path, drawn).expect("a picture");
            continue;
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == drawn, "{name}.svg is stale: run TOKENRING_WRITE_DOCS=1 cargo test --lib gallery");
    }
}

#[test]
fn the_readme_shows_every_picture_and_no_other() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).expect("the README");
    let mut shown: Vec<_> = readme.split("assets/pictures/").skip(1).filter_map(|rest| rest.split(".svg").next()).collect();
    shown.sort_unstable();
    shown.dedup();
    let mut drawn: Vec<_> = scenes().into_iter().map(|(name, ..)| name).collect();
    drawn.sort_unstable();
    assert_eq!(shown, drawn);
}

fn scenes() -> Vec<(&'static str, Session, Ground)> {
    let mut overview = wide();
    select(&mut overview, "ci-scanner");
    for (region, verdict, status) in
        [("SNYK-EU-01", Verdict::Accepted, 200), ("SNYK-US-01", Verdict::Refused, 401), ("SNYK-AU-01", Verdict::Unknown, 503)]
    {
        let event = Event::Checked { credential: id(0), region: region.to_owned(), check: check(verdict, Some(status)) };
        report(&mut overview, 99, event);
    }
    overview.press("t");
    answer(&mut overview, 200, SELF, None);

    let mut refused = wide();
    select(&mut refused, "old-jenkins");
    refused.press("t");
    let why = Problem::new(
        "401: this token belongs to SNYK-US-01; you are asking SNYK-US-02",
        "A token works only in the region that issued it.",
        "Switch the region with [ or ], or press A to try all.",
    );
    answer(&mut refused, 401, r#"{"errors":[{"status":"401","title":"Unauthorized"}]}"#, Some(why.of(Class::Refused)));

    let mut replaced = wide();
    running(&mut replaced, "service-account-oauth");
    rotation(&mut replaced, RotationEvent::Step(line("create", LineState::Running, "have the provider make the new secret")));

    let mut palette = wide();
    palette.app.preferences.theme = Theme::builtin("light", Depth::TrueColor).expect("a theme");
    select(&mut palette, "laptop");
    palette.press(":").type_text("re");
    vec![("overview", overview, DARK), ("refused", refused, DARK), ("rotation", replaced, DARK), ("palette", palette, LIGHT)]
}

/// A buffer as a picture: backgrounds as rectangles, texts as runs of one style that keep to their cells.
fn svg(buffer: &Buffer, ground: &Ground) -> String {
    let (columns, rows) = (usize::from(buffer.area.width), usize::from(buffer.area.height));
    let (width, height) = (columns * CELL.0 + 2 * MARGIN, rows * CELL.1 + 2 * MARGIN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-size=\"15\" \
         font-family=\"'DejaVu Sans Mono','Cascadia Mono',Menlo,Consolas,monospace\">\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"8\" fill=\"{}\"/>\n",
        ground.behind
    );
    for (y, line) in buffer.content().chunks(columns.max(1)).enumerate() {
        for run in runs(line) {
            draw_run(&mut svg, &line[run.clone()], (run.start, y), ground);
        }
    }
    svg + "</svg>\n"
}

/// Neighbouring cells of one style.
fn runs(line: &[Cell]) -> Vec<std::ops::Range<usize>> {
    let mut runs: Vec<std::ops::Range<usize>> = Vec::new();
    for (x, cell) in line.iter().enumerate() {
        match runs.last_mut() {
            Some(run) if same_style(&line[run.start], cell) => run.end = x + 1,
            _ => runs.push(x..x + 1),
        }
    }
    runs
}

fn same_style(a: &Cell, b: &Cell) -> bool {
    (a.fg, a.bg, a.modifier) == (b.fg, b.bg, b.modifier)
}

fn draw_run(svg: &mut String, cells: &[Cell], (column, row): (usize, usize), ground: &Ground) {
    let style = &cells[0];
    let (mut text, mut behind) = (hex(style.fg), hex(style.bg));
    if style.modifier.contains(Modifier::REVERSED) {
        (text, behind) = (behind.or(Some(ground.behind.to_owned())), text.or(Some(ground.text.to_owned())));
    }
    let (x, y, width) = (MARGIN + column * CELL.0, MARGIN + row * CELL.1, cells.len() * CELL.0);
    if let Some(behind) = behind {
        let _ = writeln!(svg, "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{}\" fill=\"{behind}\"/>", CELL.1);
    }
    let fill = text.unwrap_or_else(|| ground.text.to_owned());
    let (extra, base) = (looks(style.modifier), y + CELL.1 - 4);
    for word in words(cells) {
        let text: String = cells[word.clone()].iter().map(Cell::symbol).collect();
        let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let (x, width) = (x + word.start * CELL.0, word.len() * CELL.0);
        let _ = writeln!(
            svg,
            "<text x=\"{x}\" y=\"{base}\" textLength=\"{width}\" lengthAdjust=\"spacingAndGlyphs\" fill=\"{fill}\"{extra}>{text}</text>"
        );
    }
}

/// The cells between blanks, since blanks are lost in SVG.
fn words(cells: &[Cell]) -> Vec<std::ops::Range<usize>> {
    let mut words: Vec<std::ops::Range<usize>> = Vec::new();
    for (at, _) in cells.iter().enumerate().filter(|(_, cell)| !cell.symbol().trim().is_empty()) {
        match words.last_mut() {
            Some(word) if word.end == at => word.end = at + 1,
            _ => words.push(at..at + 1),
        }
    }
    words
}

fn looks(modifier: Modifier) -> String {
    let known = [
        (Modifier::BOLD, " font-weight=\"bold\""),
        (Modifier::ITALIC, " font-style=\"italic\""),
        (Modifier::UNDERLINED, " text-decoration=\"underline\""),
        (Modifier::DIM, " opacity=\"0.65\""),
    ];
    known.into_iter().filter(|(flag, _)| modifier.contains(*flag)).map(|(_, look)| look).collect()
}

/// A colour of the theme; nothing where the terminal's own is meant. Themes are drawn in 24 bits here.
fn hex(color: Color) -> Option<String> {
    match color {
        Color::Rgb(red, green, blue) => Some(format!("#{red:02x}{green:02x}{blue:02x}")),
        _ => None,
    }
}
