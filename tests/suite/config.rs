//! Tests of the settings: how the built program reads, checks and edits them.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::program::Home;

fn settings_of(home: &Home) -> PathBuf {
    home.root().join("config/config.toml")
}

fn home_with(text: &str) -> Home {
    let home = Home::new();
    fs::create_dir_all(settings_of(&home).parent().unwrap()).unwrap();
    fs::write(settings_of(&home), text).unwrap();
    home
}

const WRONG: &str = "mouse = false\nclipbord = \"auto\"\n\n[keys]\ncopy-secret = [\"x\"]\ncheck = [\"x\"]\nrotat = [\"r\"]\n";

#[test]
fn a_mistake_stops_a_command_and_is_reported_with_its_line_and_its_remedy() {
    let refused = home_with(WRONG).run(&["list"]);
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("config.toml:2:1: unknown field `clipbord`"), "{}", refused.err);
    assert!(refused.err.contains("did you mean `clipboard`?"), "{}", refused.err);
}

#[test]
fn check_reports_every_mistake_and_every_collision() {
    let home = home_with(WRONG);
    let checked = home.run(&["--json", "config", "check"]);
    assert_eq!(checked.code, 2);
    let told: Value = serde_json::from_str(&checked.out).unwrap();
    let findings: Vec<_> = told["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| found["why"].as_str().unwrap())
        .collect();
    for (line, words) in [
        (2, "unknown field `clipbord`"),
        (6, "x is claimed by"),
        (7, "no command is named `rotat`"),
    ] {
        let found = findings
            .iter()
            .any(|why| why.contains(&format!("config.toml:{line}:")) && why.contains(words));
        assert!(found, "{words:?} on line {line} is not in {findings:#?}");
    }
    let plain = home.run(&["config", "check"]);
    assert!(
        plain.out.starts_with("settings\n  fail  ") && plain.out.contains("did you mean `rotate`?"),
        "{}",
        plain.out
    );
    home_with("mouse = false\n").run(&["config", "check"]).expect(0);
}

#[test]
fn the_path_and_the_schema_are_printed_whatever_the_file_says() {
    let home = home_with("this is no TOML");
    let path = home.run(&["config", "path"]).expect(0);
    assert_eq!(PathBuf::from(path.out.trim()), settings_of(&home));
    let schema: Value =
        serde_json::from_str(&home.run(&["config", "schema"]).expect(0).out).unwrap();
    assert_eq!(schema["properties"]["theme"]["type"], "string");
    assert!(schema["properties"]["keys"]["properties"]["copy-secret"].is_object(), "{schema}");
}

/// Script of an editor that checks for the generated settings file and writes a mistake into it.
#[cfg(unix)]
const EDITOR: &str = "#!/bin/sh
grep -q 'reveal_seconds = 15' \"$2\" || exit 3
{ echo 'mose = true'; cat \"$2\"; } > \"$2.new\" && cat \"$2.new\" > \"$2\"
";

#[cfg(unix)]
#[test]
fn the_editor_gets_a_first_file_and_what_it_leaves_is_checked() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = Home::new();
    let editor = home.root().parent().unwrap().join("editor");
    fs::write(&editor, EDITOR).unwrap();
    fs::set_permissions(&editor, fs::Permissions::from_mode(0o700)).unwrap();
    let home = home.with("VISUAL", &format!("{} --wait", editor.display()));
    let edited = home.run(&["config", "edit"]);
    assert_eq!(edited.code, 2, "{}{}", edited.out, edited.err);
    assert!(edited.out.contains("config.toml:1:1: unknown field `mose`"), "{}", edited.out);
    let mode = fs::metadata(settings_of(&home)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);

    let refused = Home::new().with("VISUAL", "/no/such/editor").run(&["config", "edit"]);
    assert!(refused.code == 1 && refused.err.contains("EDITOR"), "{}", refused.err);
    let refused = Home::new().with("VISUAL", "").with("EDITOR", "").run(&["config", "edit"]);
    assert!(
        refused.code == 2 && refused.err.contains("neither VISUAL nor EDITOR is set"),
        "{}",
        refused.err
    );
}

#[cfg(unix)]
#[test]
fn the_screen_shows_a_mistake_without_stopping_and_follows_the_file() {
    let home = home_with("clipbord = \"auto\"\n");
    let mut screen = home.screen();
    screen.expect("The settings are invalid");
    screen.send("\x1b");
    screen.expect_gone("are invalid");
    fs::write(settings_of(&home), "[keys]\nquit = [\"K\"]\n").unwrap();
    // If the folder cannot be watched, the program reloads the settings when the window gets the
    // focus.
    screen.send("\x1b[I");
    screen.expect("Settings reloaded");
    fs::write(settings_of(&home), "mouse = 3\n").unwrap();
    screen.send("\x1b[I");
    screen.expect("expected a boolean");
    screen.send("\x1b");
    screen.expect_gone("expected a boolean");
    fs::write(settings_of(&home), "[keys]\nquit = [\"K\"]\ncheck = [\"K\"]\n").unwrap();
    screen.send("\x1b[I");
    screen.expect("A key is bound to two commands");
    screen.send("\x1b");
    screen.expect_gone("A key is bound");
    // There is no credential in this home, so the welcome dialog may be open and accept letters.
    screen.send("\x03");
    assert_eq!(screen.code(), 0);
}
