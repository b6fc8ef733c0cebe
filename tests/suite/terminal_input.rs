//! Tests of what the built program makes of a terminal's bytes: responses, sequences in pieces, bursts
//! and keyboards without Latin letters.

use tempfile::TempDir;

use crate::support::pty::{Pty, demo};

/// A text that only the key overview shows.
const HELP: &str = "Navigation";

/// Starts the demo and waits until it is settled.
fn settled() -> (Pty, TempDir) {
    let home = TempDir::new().unwrap();
    let mut pty = Pty::start(demo(home.path()), 120, 36);
    pty.expect("1 of 39");
    pty.expect("store ● memory");
    pty.expect("y copy secret");
    // By name, so that a test knows what is where.
    pty.send("s");
    pty.expect(" by name ━");
    pty.send("g");
    pty.expect("1 of 39");
    pty.expect_whole_frame();
    (pty, home)
}

/// The lines of the screen.
fn lines(pty: &Pty) -> Vec<String> {
    pty.text().lines().map(|line| line.trim_end().to_owned()).collect()
}

/// The rows of the list: names, regions and statuses.
fn credential_rows(pty: &Pty) -> Vec<String> {
    lines(pty)[2..26].iter().map(|line| line.chars().take(44).collect()).collect()
}

/// The bytes of a click on the title of a pane.
fn click_on(pty: &Pty, title: &str) -> String {
    let lines = pty.inspect(|screen| screen.rows(0, 120).collect::<Vec<_>>());
    let (column, row) = lines
        .iter()
        .zip(1..)
        .find_map(|(line, row)| Some((line[..line.find(title)?].chars().count() + 1, row)))
        .unwrap();
    format!("\x1b[<0;{column};{row}M\x1b[<0;{column};{row}m")
}

#[track_caller]
fn quit(mut pty: Pty) {
    pty.send("q");
    assert_eq!(pty.code(), 0);
    pty.assert_restored();
}

#[test]
fn a_response_of_the_terminal_presses_no_key() {
    let (mut pty, _home) = settled();
    let (list, console) = (click_on(&pty, "1 Credentials"), click_on(&pty, "4 Console"));
    pty.send(&console);
    pty.expect("┏ 4 Console");
    pty.expect_whole_frame();
    let before = lines(&pty);
    for response in [
        // XTVERSION, DA3, DECRQSS, XTGETTCAP, a color, a title, kitty graphics, PM, SOS
        "\x1bP>|kitty(0.32.2)\x1b\\",
        "\x1bP!|7E565445\x1b\\",
        "\x1bP1$r0;1;34m\x1b\\",
        "\x1bP1+r436f=323536\x1b\\",
        "\x1b]4;1;rgb:cdcd/0000/0000\x07",
        "\x1b]lAcry\x1b\\",
        "\x1b_Gi=31;error: nX\x1b\\",
        "\x1b^AcryX\x1b\\",
        "\x1bXAcry\x1b\\",
        // DA1, DA2, cursor position, a mode, the size, kitty keyboard flags, the theme
        "\x1b[?62;1;4c",
        "\x1b[>1;4000;29c",
        "\x1b[24;80R",
        "\x1b[?2026;2$y",
        "\x1b[8;36;120t",
        "\x1b[?5u",
        "\x1b[?997;1n",
        // Keys in the same read as a response
        "q\x1bP>|kitty(0.32.2)\x1b\\q",
    ] {
        // A click is no key: it shows that the response was read.
        pty.send(&format!("{response}{list}"));
        pty.expect("┏ 1 Credentials");
        pty.send(&console);
        pty.expect("┏ 4 Console");
        pty.expect_whole_frame();
        assert_eq!(lines(&pty), before, "{response:?}");
    }
    quit(pty);
}

#[test]
fn a_sequence_in_two_pieces_is_one_key() {
    let (mut pty, _home) = settled();
    // Its region can be switched with [ and ].
    pty.send("jjj");
    pty.expect("4 of 39");
    let before = credential_rows(&pty);
    for (rest, sign) in [("[B", "5 of 39"), ("OB", "6 of 39"), ("[<65;5;8M", "9 of 39")] {
        pty.send("\x1b");
        pty.wait_until_read();
        pty.send(rest);
        pty.expect(sign);
    }
    pty.send("\x1b");
    pty.wait_until_read();
    pty.send("[200~pasted-text\x1b[201~");
    pty.expect("┏ Add credential");
    pty.escape();
    pty.expect_gone("Add credential");
    pty.send("\x1b");
    pty.wait_until_read();
    pty.send("[I\x1b[A");
    pty.expect("8 of 39");
    pty.expect_whole_frame();
    assert_eq!(credential_rows(&pty), before, "no region was switched");
    quit(pty);
}

#[test]
fn a_burst_is_read_to_its_end() {
    let (mut pty, _home) = settled();
    pty.send(&format!("{}k", "j".repeat(3_999)));
    pty.expect("38 of 39");
    pty.send(&format!("{}\x1b[A", "\x1b[B".repeat(1_333)));
    pty.expect("38 of 39");
    let (wheel_up, wheel_down) = ("\x1b[<64;5;8M", "\x1b[<65;5;8M");
    pty.send(&format!("{}{}", wheel_up.repeat(399), wheel_down));
    pty.expect("4 of 39");
    quit(pty);
}

#[test]
fn a_burst_of_characters_is_offered_as_a_paste_and_runs_no_command() {
    let (mut pty, _home) = settled();
    let before = lines(&pty);
    let key_file = "-----BEGIN quarterly Xylophone-----\nq\rAcry\r\n".repeat(140);
    for paste in ["rotate", "0e1f7a52-3c1d-4b62-9d0e-5a7c7e0b1f11\r", key_file.as_str()] {
        pty.send(paste);
        pty.expect("┏ Add credential");
        pty.expect_whole_frame();
        pty.escape();
        pty.expect_gone("Add credential");
        pty.expect_whole_frame();
        assert_eq!(lines(&pty), before, "{paste:?}");
    }
    // What opens an input of one line is typed ahead.
    pty.send("/us01-admin\r");
    pty.expect("· 1 of 39");
    pty.send("?");
    pty.expect(HELP);
    pty.escape();
    quit(pty);
}

#[test]
fn a_paste_without_an_end_ends_and_ctrl_c_wins() {
    let (mut pty, _home) = settled();
    pty.send("\x1b[200~half of a secret");
    pty.expect("┏ Add credential");
    pty.escape();
    pty.expect_gone("Add credential");
    pty.send("\x1b[200~half of a secret");
    pty.wait_until_read();
    pty.send("\x03");
    assert_eq!(pty.code(), 0);
    pty.assert_restored();
    assert_eq!(String::from_utf8_lossy(&pty.bytes(0)).matches("Add credential").count(), 1);
}

#[test]
fn commands_have_their_keys_on_keyboards_without_latin_letters() {
    let (mut pty, _home) = settled();
    // The last one is what the kitty keyboard protocol reports for the first.
    for add in ["ф", "α", "\x1b[1092::97u"] {
        pty.send(add);
        pty.expect("┏ Add credential");
        pty.escape();
        pty.expect_gone("Add credential");
    }
    for (down, row) in [("о", "2 of 39"), ("ξ", "3 of 39")] {
        pty.send(down);
        pty.expect(row);
    }
    pty.send("Ж");
    pty.expect("┏ Help");
    pty.send("ф");
    pty.expect("ф");
    pty.escape();
    // What is bound by the place of its key closes a dialog too.
    pty.send("!");
    pty.expect("┏ Activity");
    pty.send("й");
    pty.expect_gone("┏ Activity");
    pty.send("й");
    assert_eq!(pty.code(), 0);
}

#[test]
fn an_editor_gets_what_is_typed_while_it_runs() {
    let home = TempDir::new().unwrap();
    let script = home.path().join("edit");
    let text = "#!/bin/sh\necho editor-is-open\nread -r line\nprintf '{\"line\": \"%s\"}' \"$line\" > \"$1\"\n";
    std::fs::write(&script, text).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(&script, mode).unwrap();
    let mut command = demo(home.path());
    command.env("VISUAL", &script);
    let mut pty = Pty::start(command, 120, 36);
    pty.expect("y copy secret");
    pty.send("4e");
    pty.expect("[ Editor ]");
    pty.expect_whole_frame();
    let button = click_on(&pty, "[ Editor ]");
    pty.send(&button);
    pty.expect("editor-is-open");
    pty.send("typed in the editor\r");
    pty.expect(r#"{"line": "typed in the editor"}"#);
    pty.escape();
    pty.expect_gone("[ Editor ]");
    quit(pty);
}
