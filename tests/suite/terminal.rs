//! Tests of the built program in a pseudo-terminal: however it ends, the terminal is restored.

use portable_pty::CommandBuilder;
use rustix::process::Signal;
use tempfile::TempDir;

use crate::support::pty::{Pty, demo};

/// A text in the first frame.
const FIRST_TEXT: &str = "Credentials";

/// The screen on the simulator, with its own home.
struct Demo {
    pty: Pty,
    home: TempDir,
}

impl Demo {
    /// Starts the program and waits for its first frame.
    fn start() -> Self {
        let demo = Self::at(120, 36);
        demo.pty.expect(FIRST_TEXT);
        demo
    }

    fn at(columns: u16, rows: u16) -> Self {
        let home = TempDir::new().unwrap();
        Self { pty: Pty::start(demo(home.path()), columns, rows), home }
    }

    /// Waits for the end of the program, and checks the terminal and the files that it leaves.
    #[track_caller]
    fn assert_ends_with(&mut self, code: u32) {
        assert_eq!(self.pty.code(), code);
        self.pty.assert_restored();
        assert_eq!(self.pty.times_restored(), 1, "given back once");
    }
}

#[test]
fn keys_alone_lead_from_organizations_to_aggregated_issues() {
    let mut demo = Demo::start();
    let pty = &mut demo.pty;
    let choose_first = |pty: &mut Pty, title: &str, explanation: &str| {
        pty.expect(title);
        pty.expect(explanation);
        pty.send("\r");
        pty.expect_gone(title);
    };
    pty.send("/us01-admin\r");
    pty.expect("1 of 39");
    pty.send("4");
    pty.expect("┏ 4 Console");
    pty.send("p");
    pty.expect("┏ Presets");
    pty.send("organizations credential can see");
    pty.expect_that("one request that fits", |screen| {
        screen.contains("List organizations") && !screen.contains("Audit log")
    });
    pty.send("\r");
    pty.expect_gone("┏ Presets");
    pty.expect("/rest/orgs");
    pty.expect("use Acme Prod in");
    pty.send("\r");
    choose_first(pty, "┏ Use Acme Prod in", "┃ The projects of an organization with the counts");
    pty.expect("use acme-prod/service-0000");
    pty.send("\r");
    choose_first(pty, "┏ Use acme-prod/service-0000", "┃ The vulnerabilities and license issues");
    pty.expect("┏ Send this request?");
    pty.expect("This request only reads");
    pty.send("\r");
    pty.expect("\"issues\": [");
    pty.send("q");
    demo.assert_ends_with(0);
}

#[test]
fn quitting_restores_the_terminal() {
    let mut demo = Demo::start();
    assert!(demo.pty.is_raw());
    demo.pty.send("q");
    demo.assert_ends_with(0);
}

/// The keys in the footer, and the input for each of them.
fn offered(demo: &Demo) -> Vec<(String, String)> {
    let text = demo.pty.text();
    let footer = text.lines().last().unwrap_or_default();
    let typed = |key: &str| match key {
        "Enter" => "\r".to_owned(),
        "Tab" => "\t".to_owned(),
        "Esc" => "\x1b".to_owned(),
        other => other.to_owned(),
    };
    let keys = footer.trim().split("   ").filter_map(|hint| hint.trim().split(' ').next());
    keys.filter(|key| !key.is_empty()).map(|key| (key.to_owned(), typed(key))).collect()
}

#[test]
fn every_key_of_the_footer_does_something() {
    for pane in ["1", "3", "4"] {
        let mut first = Demo::start();
        first.pty.send(pane);
        first.pty.expect(&format!("┏ {pane} "));
        first.pty.expect_whole_frame();
        let keys = offered(&first);
        first.pty.send("q");
        first.assert_ends_with(0);
        assert!(keys.len() >= 6, "{keys:?}");
        for (name, typed) in keys {
            let mut demo = Demo::start();
            demo.pty.send(pane);
            demo.pty.expect(&format!("┏ {pane} "));
            demo.pty.expect_whole_frame();
            let before = demo.pty.text();
            demo.pty.send(&typed);
            demo.pty.expect_other_than(&before);
            if name == "q" {
                demo.assert_ends_with(0);
            } else {
                demo.pty.signal(Signal::TERM);
                demo.assert_ends_with(143);
            }
        }
    }
}

#[test]
fn a_light_terminal_gets_a_light_theme_as_soon_as_it_says_so() {
    let home = TempDir::new().unwrap();
    let mut command = demo(home.path());
    command.env("COLORTERM", "truecolor");
    command.env_remove("NO_COLOR");
    let mut demo = Demo { pty: Pty::start(command, 120, 36), home };
    demo.pty.expect_bytes(0, b"\x1b]11;?\x1b\\");
    demo.pty.expect("store ● memory");
    demo.pty.expect_whole_frame();
    let (blue_on_dark, blue_on_light) = (b"108;182;255", b"5;80;174");
    demo.pty.expect_bytes(0, blue_on_dark);
    let before = demo.pty.written();
    demo.pty.send("\x1b]11;rgb:fafa/fafa/fafa\x1b\\");
    demo.pty.expect_bytes(before, blue_on_light);
    demo.pty.expect_whole_frame();
    // If the paste were read as keys, the first of them would change the pane and the next would
    // open a dialog.
    assert!(demo.pty.text().contains("┏ 1 Credentials"), "{}", demo.pty.text());
    demo.pty.send("q");
    demo.assert_ends_with(0);
}

/// Starts the screen of a new user, in a home that contains the configuration of the Snyk CLI.
fn screen_of_new_user(home: &TempDir) -> Pty {
    let folder = home.path().join(".config/configstore");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("snyk.json"), r#"{"api": "0e1f7a52-3c1d-4b62-9d0e-5a7c7e0b1f11"}"#)
        .unwrap();
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_tokenring"));
    command.env("HOME", home.path());
    command.env_remove("XDG_CONFIG_HOME");
    command.env("TOKENRING_HOME", home.path().join("ring"));
    command.env(
        "DBUS_SESSION_BUS_ADDRESS",
        format!("unix:path={}", home.path().join("missing").display()),
    );
    command.env("TERM", "xterm-256color");
    command.env("LANG", "C.UTF-8");
    let pty = Pty::start(command, 120, 36);
    pty.expect("Welcome");
    pty
}

fn press(pty: &mut Pty, keys: &[&str]) {
    for key in keys {
        pty.type_keys_and_wait(key);
    }
}

const DOWN: &str = "\x1b[B";

#[test]
fn the_demo_leaves_nothing_behind_not_even_the_theme_that_was_chosen_in_it() {
    let mut demo = Demo::start();
    demo.pty.send("\x1bOQ");
    demo.pty.expect("Theme");
    press(&mut demo.pty, &[DOWN, "\r"]);
    demo.pty.expect("nothing is saved");
    demo.pty.send("q");
    demo.assert_ends_with(0);
    assert!(!demo.home.path().join("config/config.toml").exists(), "settings were written");
}

#[test]
fn a_newcomer_is_welcomed_and_can_look_around_first() {
    let home = TempDir::new().unwrap();
    let mut pty = screen_of_new_user(&home);
    pty.expect("Import snyk-cli");
    press(&mut pty, &[DOWN, DOWN, "\r"]);
    pty.expect("appcircle-ci");
    pty.expect("store ● memory");
    pty.send("q");
    assert_eq!(pty.code(), 0);
    pty.assert_restored();
}

#[test]
fn a_newcomer_chooses_the_store_and_imports_what_was_found() {
    let home = TempDir::new().unwrap();
    let mut pty = screen_of_new_user(&home);
    // Three ways to start, one finding, the store in use, and the other store.
    press(&mut pty, &[DOWN, DOWN, DOWN, DOWN, DOWN, "\r"]);
    pty.expect("in use, not created yet");
    let settings = std::fs::read_to_string(home.path().join("ring/config/config.toml")).unwrap();
    assert_eq!(settings.trim(), "store = \"file\"");
    press(&mut pty, &[DOWN, DOWN, DOWN, DOWN, "\r"]);
    pty.expect("Create store");
    press(
        &mut pty,
        &["Hb4-of-a-newcomer-Tr8-Lp1-Vq7", "\t", "Hb4-of-a-newcomer-Tr8-Lp1-Vq7", "\r", "\r"],
    );
    pty.expect("store ● encrypted file");
    pty.expect_gone("Create store");
    press(&mut pty, &["W"]);
    pty.expect("Import snyk-cli");
    press(&mut pty, &[DOWN, DOWN, DOWN, "\r"]);
    pty.expect("1 credential ");
    pty.expect(" 2 snyk-cli ");
    pty.send("q");
    assert_eq!(pty.code(), 0);
    pty.assert_restored();
}

#[test]
fn the_title_of_the_window_names_the_program_and_nothing_in_it() {
    let mut demo = Demo::start();
    demo.pty.expect_bytes(0, b"\x1b[22;0t\x1b]0;tokenring\x1b\\");
    demo.pty.send("q");
    demo.assert_ends_with(0);
    let written = String::from_utf8_lossy(&demo.pty.bytes(0)).into_owned();
    assert_eq!((written.matches("\x1b]0;").count(), written.matches("\x1b[23;0t").count()), (1, 1));
}

#[test]
fn a_signal_ends_it_with_its_own_exit_code() {
    for (signal, code) in
        [(Signal::TERM, 143), (Signal::HUP, 129), (Signal::INT, 130), (Signal::QUIT, 131)]
    {
        let mut demo = Demo::start();
        demo.pty.signal(signal);
        demo.assert_ends_with(code);
    }
}

#[test]
fn a_closed_terminal_ends_it() {
    let demo = Demo::start();
    assert_eq!(demo.pty.close("?").code(), 129);
}

#[test]
fn suspending_restores_the_terminal_until_the_program_continues() {
    let signal: fn(&mut Pty) = |pty| pty.signal(Signal::TSTP);
    let key: fn(&mut Pty) = |pty| pty.send("\x1a");
    for suspend in [signal, key] {
        let mut demo = Demo::start();
        suspend(&mut demo.pty);
        demo.pty.expect_stopped();
        demo.pty.expect_bytes(0, b"\x1b[?1049l");
        demo.pty.assert_restored();
        assert!(!demo.pty.is_raw());
        let before = demo.pty.written();
        demo.pty.signal(Signal::CONT);
        demo.pty.expect_bytes(before, FIRST_TEXT.as_bytes());
        assert!(demo.pty.is_raw());
        demo.pty.send("q");
        assert_eq!(demo.pty.code(), 0);
        demo.pty.assert_restored();
    }
}

#[test]
fn stopped_without_notice_it_draws_everything_again() {
    let mut demo = Demo::start();
    demo.pty.signal(Signal::STOP);
    demo.pty.expect_stopped();
    let before = demo.pty.written();
    demo.pty.signal(Signal::CONT);
    demo.pty.expect_bytes(before, FIRST_TEXT.as_bytes());
    demo.pty.send("q");
    demo.assert_ends_with(0);
}

#[test]
fn a_storm_of_sizes_is_weathered() {
    let mut demo = Demo::start();
    for step in 0..60 {
        demo.pty.resize(1 + step * 3, 1 + step % 40);
    }
    demo.pty.resize(120, 36);
    demo.pty.expect(FIRST_TEXT);
    demo.pty.send("q");
    demo.assert_ends_with(0);
}

#[test]
fn the_smallest_terminal_is_no_reason_to_fall_over() {
    let mut demo = Demo::at(1, 1);
    demo.pty.expect_bytes(0, b"\x1b[?2026l");
    demo.pty.resize(120, 36);
    demo.pty.expect(FIRST_TEXT);
    demo.pty.send("q");
    demo.assert_ends_with(0);
}

#[test]
fn a_large_paste_does_not_hold_it_up() {
    let mut demo = Demo::start();
    demo.pty.send(&format!("\x1b[200~{}\x1b[201~", "{\"key\": \"value\"} ".repeat(6_000)));
    demo.pty.signal(Signal::TERM);
    demo.assert_ends_with(143);
}
