//! Tests of the pager and the editor that show a response: they get the masked text, and the screen is
//! as before afterwards.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::{SECRET, home_bound_to};
use crate::support::program::Home;
use crate::support::pty::Pty;
use crate::support::recorder::Recorder;

/// Writes what it reads and the modes of the terminal to files, and waits for Enter.
const PAGER: &str = "#!/bin/sh
cat > \"$1\"
stty -a < /dev/tty > \"$1.modes\"
printf 'pager %s is open' \"$2\" > /dev/tty
read line < /dev/tty
";

/// The same for a program that gets a file.
const EDITOR: &str = "#!/bin/sh
cp \"$2\" \"$1\"
stat -c '%a %n' \"$2\" > \"$1.file\"
printf 'editor is open' > /dev/tty
read line < /dev/tty
";

fn script(home: &Home, name: &str, text: &str) -> String {
    let path = home.root().join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    path.display().to_string()
}

/// A screen that shows the response to the check request.
fn with_response(home: &Home) -> Pty {
    let mut pty = home.unlocked_screen();
    pty.expect("probe");
    pty.send("t");
    pty.expect("200");
    pty.send("4");
    pty.expect("┏ 4 Console");
    pty.expect("\"two\"");
    pty
}

#[test]
fn the_pager_and_the_editor_get_the_masked_text_and_give_the_terminal_back() {
    let server = Recorder::saying(&format!("{{\"echo\":\"{SECRET}\",\"two\":\"\u{9b}2J\"}}"));
    let home = home_bound_to(&server);
    let (runtime, seen) = (home.root().join("runtime"), home.root().join("seen file"));
    fs::create_dir(&runtime).unwrap();
    let pager = format!("'{}' '{}' \"a b\"", script(&home, "pager", PAGER), seen.display());
    let editor = format!("'{}' '{}'", script(&home, "editor", EDITOR), seen.display());
    let home = home
        .with("PAGER", &pager)
        .with("VISUAL", &editor)
        .with("XDG_RUNTIME_DIR", runtime.to_str().unwrap());
    let mut pty = with_response(&home);
    for (key, sign) in [("O", "pager a b is open"), ("\x0f", "editor is open")] {
        let start = pty.times_restored();
        pty.send(key);
        pty.expect(sign);
        pty.assert_restored();
        assert_eq!(pty.times_restored(), start + 1, "the alternate screen was left");
        pty.send("\r");
        pty.expect_gone(sign);
        pty.expect("┏ 4 Console");
        pty.expect("\"two\"");
        let text = fs::read_to_string(&seen).unwrap();
        assert!(text.starts_with("{\n  \"echo\": \"‹secret›\""), "{text}");
        assert!(text.contains("\"\\u009b2J\""), "nothing controls the terminal: {text}");
        assert!(!text.contains(SECRET), "{text}");
        pty.send("?");
        pty.expect("Navigation");
        pty.escape();
        pty.expect_gone("Navigation");
        fs::remove_file(&seen).unwrap();
    }
    let modes = fs::read_to_string(home.root().join("seen file.modes")).unwrap();
    assert!(modes.contains(" icanon") && modes.contains(" echo "), "raw mode is off: {modes}");
    let file = fs::read_to_string(home.root().join("seen file.file")).unwrap();
    let (mode, path) = file.trim().split_once(' ').unwrap();
    assert!(mode == "400" && path.starts_with(runtime.to_str().unwrap()), "{file}");
    assert_eq!(fs::read_dir(&runtime).unwrap().count(), 0, "the file is gone");
    pty.send("q");
    assert_eq!(pty.code(), 0);
}

#[test]
fn a_missing_pager_is_told() {
    let server = Recorder::saying("{\"two\":2}");
    let home = home_bound_to(&server).with("PAGER", "no-such-pager --x");
    let mut pty = with_response(&home);
    pty.send("O");
    pty.expect("set PAGER to a program");
    pty.escape();
    pty.send("q");
    assert_eq!(pty.code(), 0);
}
