//! Tests of the mouse in a pseudo-terminal: clicks, wheel and drags, reported by the terminal in
//! SGR encoding.

use tempfile::TempDir;

use crate::support::pty::{Pty, demo};

/// Button codes of a mouse report.
const LEFT: u16 = 0;
const HELD: u16 = 32;
const WHEEL_DOWN: u16 = 65;

/// Starts the demo in a new home and waits until it is settled.
fn settled() -> (Pty, TempDir) {
    let home = TempDir::new().unwrap();
    let pty = Pty::start(demo(home.path()), 120, 36);
    pty.expect("1 of 39");
    pty.expect("y copy secret");
    (pty, home)
}

/// Column and row of the first cell of a text on the screen, counted from 0.
#[track_caller]
fn place(pty: &Pty, text: &str) -> (u16, u16) {
    pty.expect(text);
    // If only a part of a frame has been read, the target may still be at its old position.
    pty.expect_whole_frame();
    let lines = pty.inspect(|screen| screen.rows(0, 120).collect::<Vec<_>>());
    let found = lines
        .iter()
        .zip(0..)
        .find_map(|(line, row)| Some((line[..line.find(text)?].chars().count(), row)));
    let (column, row) = found.unwrap_or_else(|| panic!("{text:?} is not on one line"));
    (u16::try_from(column).unwrap(), row)
}

fn report(button: u16, (column, row): (u16, u16), end: char) -> String {
    format!("\x1b[<{button};{};{}{end}", column + 1, row + 1)
}

fn click_at(pty: &mut Pty, at: (u16, u16)) {
    let (down, up) = (report(LEFT, at, 'M'), report(LEFT, at, 'm'));
    pty.send(&format!("{down}{up}"));
}

fn click(pty: &mut Pty, text: &str) {
    let at = place(pty, text);
    click_at(pty, at);
}

/// Sends both clicks at once, so that the speed of the machine does not matter.
fn double_click(pty: &mut Pty, at: (u16, u16)) {
    let once = format!("{}{}", report(LEFT, at, 'M'), report(LEFT, at, 'm'));
    pty.send(&once.repeat(2));
}

#[track_caller]
fn quit(mut pty: Pty) {
    pty.send("q");
    assert_eq!(pty.code(), 0);
    pty.assert_restored();
}

#[test]
fn panes_rows_regions_tabs_and_buttons_are_clicked() {
    let (mut pty, _home) = settled();
    click(&mut pty, "4 Console");
    pty.expect("┏ 4 Console");
    click(&mut pty, "eu01-admin");
    pty.expect("2 eu01-admin");
    click(&mut pty, "send ");
    pty.expect("200 OK");
    click(&mut pty, "Headers");
    pty.expect("content-type");
    click(&mut pty, "AU-01  api");
    pty.expect("┏ 3 Regions");
    let at = place(&pty, "AU-01  api");
    double_click(&mut pty, at);
    pty.expect("▸ AU-01");
    click(&mut pty, "? help");
    pty.expect("Navigation");
    pty.send("\x1b");
    pty.expect_gone("Navigation");
    pty.send("1X");
    pty.expect("┏ Revoke or delete");
    pty.send("\x1b");
    pty.expect_gone("┏ Revoke or delete");
    pty.send("a");
    click(&mut pty, "[ Cancel ]");
    pty.expect_gone("[ Cancel ]");
    quit(pty);
}

#[test]
fn the_secret_is_clicked_to_be_shown_and_a_row_twice_to_be_opened() {
    let (mut pty, _home) = settled();
    click(&mut pty, "click to reveal");
    pty.expect_gone("click to reveal");
    pty.send("1");
    click(&mut pty, "appcircle-laptop");
    pty.expect("2 appcircle-laptop");
    pty.expect("click to reveal");
    let row = place(&pty, "appcircle-stray");
    double_click(&mut pty, row);
    pty.expect("┏ 2 appcircle-stray");
    pty.expect("click to reveal");
    quit(pty);
}

#[test]
fn the_wheel_turns_what_is_under_it() {
    let (mut pty, _home) = settled();
    let list = place(&pty, "appcircle-laptop");
    pty.send(&report(WHEEL_DOWN, list, 'M'));
    pty.expect("4 of 39");
    quit(pty);
}

#[test]
fn a_border_is_dragged_and_a_title_clicked_twice_has_the_screen() {
    let (mut pty, _home) = settled();
    let (text, row) = place(&pty, "Acts as");
    let (from, to) = ((text - 3, row), (text + 9, row));
    pty.send(&format!(
        "{}{}{}",
        report(LEFT, from, 'M'),
        report(HELD, to, 'M'),
        report(LEFT, to, 'm')
    ));
    let moved = |line: &str| {
        line.find("Acts as").is_some_and(|at| line[..at].chars().count() >= usize::from(text) + 11)
    };
    pty.expect_screen("a wider list", |screen| screen.rows(0, 120).any(|line| moved(&line)));
    let title = place(&pty, "4 Console");
    double_click(&mut pty, title);
    pty.expect_gone("1 Credentials");
    let title = place(&pty, "4 Console");
    double_click(&mut pty, title);
    pty.expect("1 Credentials");
    quit(pty);
}

#[test]
fn switched_off_the_mouse_is_the_terminals() {
    let (mut pty, _home) = settled();
    let off =
        |screen: &vt100::Screen| screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None;
    assert!(!pty.inspect(off));
    pty.send("M");
    pty.expect("the terminal can select text");
    pty.expect_screen("no capture", off);
    pty.send("M");
    pty.expect("Mouse on");
    pty.expect_screen("the capture", |screen| !off(screen));
    quit(pty);
}
