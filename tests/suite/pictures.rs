//! The pictures of the README: what the built program shows on its demo, drawn into `assets/pictures`.
//! `TOKENRING_WRITE_DOCS=1 cargo test --test suite -- pictures` takes them anew.
//!
//! Two runs of the demo never show the same: ports, times and identities differ. So a kept picture and a new one are
//! compared by their words, their colours and the lines they stand on, with digits and identities taken out. What
//! makes a picture stale is another word, another order, another colour.

use std::fs;
use std::path::{Path, PathBuf};

use portable_pty::CommandBuilder;
use tempfile::TempDir;

use crate::support::pty::Pty;
use crate::support::svg::{DARK, Ground, LIGHT, draw};

/// A picture: its name, the terminal it is taken at, and what is done for it.
struct Scene {
    name: &'static str,
    ground: Ground,
    prepare: fn(&mut Demo),
}

const SCENES: [Scene; 6] = [
    Scene { name: "overview", ground: DARK, prepare: overview },
    Scene { name: "refused", ground: DARK, prepare: refused },
    Scene { name: "rotation", ground: DARK, prepare: rotation },
    Scene { name: "timeline", ground: DARK, prepare: timeline },
    Scene { name: "verdicts", ground: DARK, prepare: verdicts },
    Scene { name: "palette", ground: LIGHT, prepare: palette },
];

/// The screen on the simulator, at a terminal that says what background it has.
struct Demo {
    pty: Pty,
    _home: TempDir,
}

impl Demo {
    fn start(ground: &Ground) -> Self {
        let home = TempDir::new().unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_tokenring"));
        command.arg("demo");
        command.env("TOKENRING_HOME", home.path());
        command.env("TERM", "xterm-256color");
        command.env("COLORTERM", "truecolor");
        command.env("LANG", "C.UTF-8");
        command.env_remove("NO_COLOR");
        let mut pty = Pty::start(command, 120, 36);
        pty.expect_bytes(0, b"\x1b]11;?");
        pty.expect(" credentials  ");
        pty.send(ground.answer);
        Self { pty, _home: home }
    }

    /// Types, each key by itself: an Esc that is followed at once by another would be read as Alt.
    fn type_keys(&mut self, keys: &[&str]) {
        for key in keys {
            self.pty.step(key);
        }
    }

    /// Waits until nothing on the screen is still to change: the footer offers keys again, and no bar grows above.
    fn settle(&self) {
        self.pty.expect_that("a footer at rest", |text| {
            let is_done = text.lines().next().is_some_and(|header| !header.contains(['█', '░']) && !header.contains("running"));
            is_done && (text.contains(": commands") || text.contains("Esc ") || text.contains("Close"))
        });
        self.pty.expect_whole_frame();
    }

    /// Checks everything.
    fn check(&mut self) {
        self.type_keys(&["C"]);
        self.pty.expect_that("a verdict on everything", |text| !text.lines().next().unwrap_or_default().contains('–'));
        self.settle();
    }

    fn select(&mut self, name: &str) {
        self.type_keys(&["/", name, "\r", "\x1b"]);
        self.pty.expect(&format!(" 2 {name}"));
    }

    /// Selects a credential, and waits for what the regions know about it: that is read when the cursor rests.
    fn select_checked(&mut self, name: &str) {
        self.select(name);
        self.pty.expect_that("a verdict beside the region", |text| {
            text.lines().any(|line| line.contains("▸ ") && line.contains(['✓', '✗']))
        });
    }
}

fn overview(demo: &mut Demo) {
    demo.check();
    demo.select_checked("eu01-ci-scanner");
    demo.type_keys(&["t"]);
    demo.pty.expect("200 OK");
}

fn refused(demo: &mut Demo) {
    demo.check();
    demo.select_checked("eu01-misfiled");
    demo.type_keys(&["t"]);
    demo.pty.expect("401 Unauthorized");
}

fn rotation(demo: &mut Demo) {
    demo.select("us01-release-bot");
    demo.type_keys(&["r"]);
    demo.pty.expect("Plan: ");
    demo.type_keys(&["\x1b[C", "\r"]);
    demo.pty.expect("has taken the old one's place");
}

fn timeline(demo: &mut Demo) {
    demo.check();
    demo.type_keys(&["T"]);
    demo.pty.expect("The next 90 days");
}

fn verdicts(demo: &mut Demo) {
    demo.check();
    demo.select_checked("eu01-misfiled");
    demo.type_keys(&["A"]);
    demo.pty.expect("Try every region?");
    demo.type_keys(&["\t", "\r"]);
    demo.pty.expect_gone("Try every region?");
    demo.settle();
    demo.type_keys(&["V"]);
    demo.pty.expect("accepted");
}

fn palette(demo: &mut Demo) {
    demo.check();
    demo.select_checked("us01-laptop");
    demo.type_keys(&[":", "r", "e"]);
    demo.pty.expect("Commands and credentials");
}

fn path_of(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("assets/pictures/{name}.svg"))
}

/// What a picture says, line by line and in which colour: without what differs from run to run.
fn gist(svg: &str) -> Vec<String> {
    let drawn = svg.lines().filter(|line| line.starts_with("<text") || line.starts_with("<rect"));
    let lines = drawn.map(|line| line.split(' ').filter_map(lasting).collect::<Vec<_>>().join(" "));
    // How much of a bar is full may hang on the second at which the picture was taken.
    lines.filter(|line| !line.ends_with([' ', '█', '░'])).collect()
}

/// A piece of a line of SVG as far as it lasts: not how wide it is and where it begins.
fn lasting(piece: &str) -> Option<String> {
    let (attribute, text) = piece.split_once('>').map_or((piece, None), |(attribute, text)| (attribute, Some(text)));
    if let Some(text) = text.and_then(|text| text.strip_suffix("</text>")) {
        return Some(format!("{attribute} {}", timeless(text)));
    }
    let moves = ["x=", "textLength=", "width=", "lengthAdjust="].iter().any(|name| attribute.starts_with(name));
    (!moves).then(|| attribute.to_owned())
}

/// A word without digits, identities, months, and the heights and lengths of what is drawn with signs.
fn timeless(word: &str) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let core = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    if core.len() >= 8 && core.contains(|c: char| c.is_ascii_digit()) && core.chars().all(|c| c.is_ascii_hexdigit() || c == '-') {
        return "identity".to_owned();
    }
    if MONTHS.contains(&word) {
        return "month".to_owned();
    }
    let mut kept = String::new();
    for c in word.chars() {
        let c = match c {
            '0'..='9' => '0',
            '▁'..='█' => '█',
            c => c,
        };
        if !(matches!(c, '0' | '█' | '░' | '━' | '┈' | '─') && kept.ends_with(c)) {
            kept.push(c);
        }
    }
    kept
}

#[test]
fn the_pictures_of_the_readme_show_what_the_program_shows() {
    for Scene { name, ground, prepare } in SCENES {
        let mut demo = Demo::start(&ground);
        prepare(&mut demo);
        demo.settle();
        let taken = demo.pty.look(|screen| draw(screen, &ground));
        demo.pty.signal(rustix::process::Signal::TERM);
        assert_eq!(demo.pty.code(), 143);
        if std::env::var_os("TOKENRING_WRITE_DOCS").is_some() {
            fs::write(path_of(name), taken).unwrap();
            continue;
        }
        let kept = fs::read_to_string(path_of(name)).unwrap_or_default();
        let remedy = "look at it, and take it anew: TOKENRING_WRITE_DOCS=1 cargo test --test suite -- pictures";
        let (kept, taken) = (gist(&kept), gist(&taken));
        let differs = kept.iter().zip(&taken).find(|(kept, taken)| kept != taken);
        assert!(differs.is_none() && kept.len() == taken.len(), "{name}.svg is stale at {differs:?}; {remedy}");
    }
}

#[test]
fn the_readme_shows_every_picture_and_no_other() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let mut shown: Vec<_> = readme.split("assets/pictures/").skip(1).filter_map(|rest| rest.split(".svg").next()).collect();
    shown.sort_unstable();
    shown.dedup();
    let mut taken = SCENES.map(|scene| scene.name);
    taken.sort_unstable();
    assert_eq!(shown, taken);
    assert_eq!(fs::read_dir(path_of("x").parent().unwrap()).unwrap().count(), taken.len());
}

#[test]
fn a_picture_is_stale_by_its_words_and_colours_and_not_by_its_numbers() {
    let line = |x: u32, fill: &str, word: &str| {
        format!("<text x=\"{x}\" y=\"40\" textLength=\"9\" lengthAdjust=\"spacingAndGlyphs\" fill=\"{fill}\">{word}</text>")
    };
    let kept = line(9, "#fff", "41");
    assert_eq!(gist(&kept), gist(&line(18, "#fff", "128")));
    assert_ne!(gist(&kept), gist(&line(9, "#000", "41")));
    assert_ne!(gist(&kept), gist(&line(9, "#fff", "ms")));
    assert_eq!(timeless("\"5f1c2b3a-77d0-4e57-a89c\","), timeless("\"00ff2b3a-77d0-4e57-a89d\","));
    assert_ne!(timeless("accepted"), timeless("refused"));
}
