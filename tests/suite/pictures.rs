//! The pictures of the README: the screen of the built program on its demo, drawn into
//! `assets/pictures`. `TOKENRING_WRITE_DOCS=1 cargo test --test suite -- pictures` draws them
//! again. Start with [`SCENES`].
//!
//! Two runs of the demo never look the same: ports, times and IDs differ, and so does the order of
//! two things that end together. So a stored picture and a new one are compared by their colors and
//! words, and not by position (the reviewed snapshots of `tui/view` cover positions). A picture is
//! stale if a word or a color differs.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::support::pty::{Pty, demo};
use crate::support::svg::{DARK, FRAME, Ground, LIGHT, animate, draw, draw_cells};

/// A picture: its name, the terminal it is drawn for, and the steps that lead to it.
struct PictureScene {
    name: &'static str,
    ground: Ground,
    prepare: fn(&mut PictureDemo),
}

/// Name of the animation of the tour.
const TOUR: &str = "tour";

const SCENES: [PictureScene; 6] = [
    PictureScene { name: "overview", ground: DARK, prepare: overview },
    PictureScene { name: "refused", ground: DARK, prepare: refused },
    PictureScene { name: "rotation", ground: DARK, prepare: rotation },
    PictureScene { name: "timeline", ground: DARK, prepare: timeline },
    PictureScene { name: "verdicts", ground: DARK, prepare: check_results },
    PictureScene { name: "help", ground: LIGHT, prepare: help },
];

/// The screen on the simulator, in a theme that is made for the background of the terminal.
struct PictureDemo {
    pty: Pty,
    _home: TempDir,
}

impl PictureDemo {
    fn start(ground: &Ground) -> Self {
        let home = TempDir::new().unwrap();
        let folder = home.path().join("config");
        fs::create_dir_all(&folder).unwrap();
        let settings = format!("theme = \"{}\"\n", ground.theme);
        fs::write(folder.join("config.toml"), settings).unwrap();
        let mut command = demo(home.path());
        command.env("COLORTERM", "truecolor");
        command.env_remove("NO_COLOR");
        let pty = Pty::start(command, 120, 36);
        pty.expect(" credentials  ");
        Self { pty, _home: home }
    }

    /// Types keys one by one: Esc and a key right after it would be read as Alt with that key.
    fn type_keys(&mut self, keys: &[&str]) {
        for key in keys {
            self.pty.type_keys_and_wait(key);
        }
    }

    /// Waits until the screen is settled.
    fn wait_until_settled(&self) {
        wait_until_idle(&self.pty);
    }

    /// Checks all credentials.
    fn check(&mut self) {
        self.type_keys(&["C"]);
        self.pty.expect_that("a check result for every credential", |text| {
            !text.lines().next().unwrap_or_default().contains('–')
        });
        self.wait_until_settled();
    }

    fn select(&mut self, name: &str) {
        self.type_keys(&["/", name]);
        self.pty.expect("1 Credentials · 1 of ");
        self.pty.send("\r");
        self.pty.expect(&format!(" 2 {name}"));
        // The filter must be closed before the next key: Esc and a key right after it would be read
        // as Alt with that key.
        self.pty.send("\x1b");
        self.pty.expect_gone("1 Credentials · ");
    }

    /// Selects a credential and waits for its regions, which are loaded when the cursor stops.
    fn select_checked(&mut self, name: &str) {
        self.select(name);
        self.pty.expect_that("a check result beside the region", |text| {
            text.lines().any(|line| line.contains("▸ ") && line.contains(['✓', '✗']))
        });
    }
}

/// Waits until nothing on the screen will change: the footer offers keys again, and the header has
/// no progress bar.
pub(crate) fn wait_until_idle(pty: &Pty) {
    pty.expect_that("an idle footer", |text| {
        let is_done = text
            .lines()
            .next()
            .is_some_and(|header| !header.contains(['█', '░']) && !header.contains("running"));
        is_done && (text.contains("? help") || text.contains("Esc ") || text.contains("Close"))
    });
    pty.expect_whole_frame();
}

fn overview(demo: &mut PictureDemo) {
    demo.check();
    demo.select_checked("eu01-ci-scanner");
    demo.type_keys(&["t"]);
    demo.pty.expect("200 OK");
}

fn refused(demo: &mut PictureDemo) {
    demo.check();
    demo.select_checked("eu01-misfiled");
    demo.type_keys(&["t"]);
    demo.pty.expect("401 Unauthorized");
}

fn rotation(demo: &mut PictureDemo) {
    demo.select("us01-release-bot");
    demo.type_keys(&["r"]);
    demo.pty.expect("Plan: ");
    demo.type_keys(&["\x1b[C", "\r"]);
    demo.pty.expect("labeled as production");
    demo.type_keys(&["us01-release-bot", "\t", "\r"]);
    demo.pty.expect("has replaced the old one");
}

fn timeline(demo: &mut PictureDemo) {
    demo.check();
    demo.type_keys(&["T"]);
    demo.pty.expect("Expiry timeline");
}

fn check_results(demo: &mut PictureDemo) {
    demo.check();
    demo.select_checked("eu01-misfiled");
    demo.type_keys(&["A"]);
    demo.pty.expect("Try all regions?");
    demo.type_keys(&["\t", "\r"]);
    demo.pty.expect("Switch to SNYK-");
    demo.type_keys(&["\x1b"]);
    demo.pty.expect_gone("Switch to SNYK-");
    demo.wait_until_settled();
    demo.type_keys(&["V"]);
    demo.pty.expect("accepted");
}

fn help(demo: &mut PictureDemo) {
    demo.check();
    demo.select_checked("us01-laptop");
    demo.type_keys(&[":", "r", "e"]);
    demo.pty.expect("Find  re");
}

/// Waits until the screen has the words and colors of a stored picture.
fn expect_picture(pty: &Pty, name: &str, ground: &Ground, stored: &str) {
    let stored = words_and_colors(stored);
    pty.expect_screen(&format!("{name} ({REMEDY})"), |screen| {
        words_and_colors(&draw(screen, ground)) == stored
    });
}

fn path_of(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("assets/pictures/{name}.svg"))
}

/// The words and colors of a picture, without those that differ from run to run.
fn words_and_colors(svg: &str) -> BTreeSet<String> {
    let texts = svg.lines().filter_map(|line| line.strip_prefix("<text")?.strip_suffix("</text>"));
    texts
        .flat_map(|text| {
            let (attributes, words) = text.split_once('>').unwrap_or_default();
            let color = attributes
                .split(' ')
                .find(|attribute| attribute.starts_with("fill="))
                .unwrap_or_default()
                .to_owned();
            words.split(' ').filter_map(stable_word).chain([color])
        })
        .collect()
}

/// Returns the word if it is the same in every run.
fn stable_word(word: &str) -> Option<String> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let core = word.trim_matches(|c: char| !c.is_alphanumeric());
    let is_word =
        core.len() > 2 && core.chars().all(|c| c.is_alphabetic() || matches!(c, '-' | '_' | '/'));
    (is_word && !MONTHS.contains(&core)).then(|| core.to_owned())
}

/// Advice for a picture that differs from the program.
const REMEDY: &str =
    "if it is stale, draw it again: TOKENRING_WRITE_DOCS=1 cargo test --test suite -- pictures";

fn writes_pictures() -> bool {
    std::env::var_os("TOKENRING_WRITE_DOCS").is_some()
}

impl PictureDemo {
    fn end(mut self) {
        self.pty.signal(rustix::process::Signal::TERM);
        assert_eq!(self.pty.code(), 143);
    }
}

#[test]
fn the_pictures_of_the_readme_show_what_the_program_shows() {
    for PictureScene { name, ground, prepare } in SCENES {
        let mut demo = PictureDemo::start(&ground);
        prepare(&mut demo);
        demo.wait_until_settled();
        if writes_pictures() {
            fs::write(path_of(name), demo.pty.inspect(|screen| draw(screen, &ground))).unwrap();
        } else {
            let stored = fs::read_to_string(path_of(name)).unwrap_or_default();
            expect_picture(&demo.pty, &format!("{name}.svg"), &ground, &stored);
        }
        demo.end();
    }
}

#[test]
fn the_animation_of_the_readme_shows_the_tour() {
    const SECONDS_PER_FRAME: usize = 3;
    let mut demo = PictureDemo::start(&DARK);
    let stored = fs::read_to_string(path_of(TOUR)).unwrap_or_default();
    let stored: Vec<_> = stored.split(FRAME).skip(1).collect();
    let mut frames = Vec::new();
    crate::tour::run_tour(&mut demo.pty, |pty, row| {
        if !writes_pictures() {
            let frame = stored.get(row).copied().unwrap_or_default();
            expect_picture(pty, &format!("row {row} of {TOUR}.svg"), &DARK, frame);
        }
        frames.push(pty.inspect(|screen| draw_cells(screen, &DARK)));
    });
    if writes_pictures() {
        let size = demo.pty.inspect(vt100::Screen::size);
        fs::write(path_of(TOUR), animate(size, &DARK, &frames, SECONDS_PER_FRAME)).unwrap();
    } else {
        assert_eq!(stored.len(), frames.len(), "{REMEDY}");
    }
    demo.end();
}

#[test]
fn the_readme_shows_every_picture_and_no_other() {
    let readme =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let shown: BTreeSet<_> = readme
        .split("assets/pictures/")
        .skip(1)
        .filter_map(|rest| rest.split(".svg").next())
        .collect();
    let drawn: BTreeSet<_> = SCENES.iter().map(|scene| scene.name).chain([TOUR]).collect();
    assert_eq!(shown, drawn);
    assert_eq!(fs::read_dir(path_of("x").parent().unwrap()).unwrap().count(), drawn.len());
}

#[test]
fn a_picture_is_stale_by_its_words_and_colors_and_not_by_its_numbers() {
    let line = |x: u32, fill: &str, words: &str| {
        format!(
            "<text x=\"{x}\" y=\"40\" textLength=\"9\" lengthAdjust=\"spacingAndGlyphs\" fill=\"{fill}\">{words}</text>"
        )
    };
    let stored = words_and_colors(&line(9, "#fff", "accepted 41 ms"));
    assert_eq!(stored, words_and_colors(&line(18, "#fff", "accepted 128 ms")));
    assert_ne!(stored, words_and_colors(&line(9, "#000", "accepted 41 ms")));
    assert_ne!(stored, words_and_colors(&line(9, "#fff", "refused 41 ms")));
    assert_eq!(stable_word("\"5f1c2b3a-77d0-4e57-a89c\","), None);
}
