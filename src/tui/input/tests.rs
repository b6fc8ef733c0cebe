//! Tests of the terminal input, with bytes and moments instead of a terminal and a clock.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::input_decoder::InputDecoder;
use super::terminal_parser::{MAX_PASTE_BYTES, TerminalParser, TerminalToken};
use crate::tui::app::InputEvent;

/// How long the tested decoder waits after ESC.
const HOLD: Duration = Duration::from_millis(40);

/// A terminal whose clock is set by the test.
struct FakeTerminal {
    decoder: InputDecoder,
    now: Instant,
    events: Vec<String>,
}

impl FakeTerminal {
    fn new() -> Self {
        Self { decoder: InputDecoder::new(HOLD, true), now: Instant::now(), events: Vec::new() }
    }

    /// Sends bytes that are read at once.
    fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.decoder.feed(bytes.as_ref(), self.now);
        self.take_events();
        self
    }

    /// Lets time pass.
    fn wait(&mut self, milliseconds: u64) -> &mut Self {
        let end = self.now + Duration::from_millis(milliseconds);
        while let Some(deadline) = self.decoder.deadline().filter(|deadline| *deadline <= end) {
            self.now = deadline.max(self.now);
            self.take_events();
        }
        self.now = end;
        self
    }

    /// Returns the events so far, after everything that is held is due.
    fn finish(&mut self) -> String {
        self.wait(5_000);
        assert_eq!(self.decoder.deadline(), None, "nothing is held for ever");
        self.events.join(" ")
    }

    fn take_events(&mut self) {
        self.events.extend(self.decoder.take_events(self.now).iter().map(described));
    }
}

fn described(event: &InputEvent) -> String {
    match event {
        InputEvent::Key(key) => key.to_string(),
        InputEvent::LayoutKey(typed, base) => format!("{typed}={base}"),
        InputEvent::Paste(text) => format!("paste:{:?}", text.as_str()),
        InputEvent::Burst(text) => format!("burst:{:?}", text.as_str()),
        InputEvent::Mouse(mouse, column, row) => format!("{mouse:?}@{column},{row}"),
        InputEvent::Focus(focus) => format!("focus:{focus}"),
        other => format!("{other:?}"),
    }
}

/// Returns the events of bytes that are read at once.
fn decoded(bytes: impl AsRef<[u8]>) -> String {
    FakeTerminal::new().send(bytes).finish()
}

#[test]
fn keys_are_named_as_users_write_them() {
    for (bytes, key) in [
        ("j", "j"),
        ("G", "G"),
        ("é", "é"),
        ("\r", "Enter"),
        ("\n", "C-j"),
        ("\t", "Tab"),
        ("\x7f", "Backspace"),
        ("\x08", "C-h"),
        ("\x10", "C-p"),
        ("\0", "C-Space"),
        ("\x1b", "Esc"),
        ("\x1bx", "A-x"),
        ("\x1bé", "A-é"),
        ("\x1b\r", "A-Enter"),
        ("\x1b\x1b[A", "Esc Up"),
        ("\x1b[A", "Up"),
        ("\x1bOB", "Down"),
        ("\x1b[1;2C", "S-Right"),
        ("\x1b[1;5D", "C-Left"),
        ("\x1b[Z", "S-Tab"),
        ("\x1b[H\x1b[4~", "Home End"),
        ("\x1b[6~", "PgDn"),
        ("\x1b[3;3~", "A-Del"),
        ("\x1bOQ", "F2"),
        ("\x1b[15~", "F5"),
        ("\x1b[[E", "F5"),
        ("\x1b[27;5;99~", "C-c"),
    ] {
        assert_eq!(decoded(bytes), key, "{bytes:?}");
    }
}

#[test]
fn keys_of_the_kitty_keyboard_protocol_are_understood() {
    for (bytes, key) in [
        ("\x1b[27u", "Esc"),
        ("\x1b[99;5u", "C-c"),
        ("\x1b[99;5:3u", ""),
        ("\x1b[99;9u", ""),
        ("\x1b[112:80;6u", "C-p"),
        ("\x1b[97;3u", "A-a"),
        ("\x1b[97:65;4u", "A-A"),
        ("\x1b[105;5u\x1b[109;5u\x1b[91;5u", "Tab Enter Esc"),
        ("\x1b[13;2u\x1b[127;2u", "Enter Backspace"),
        ("\x1b[9;2u", "S-Tab"),
        ("\x1b[57417u\x1b[57414u\x1b[57404u", "Left Enter 5"),
        ("\x1b[57376u", "F13"),
        ("\x1b[57441;2u", ""),
        ("\x1b[49:33;2u", "!"),
        ("\x1b[1;1A\x1b[3;5~", "Up C-Del"),
        // Keys of another layout: what they type, and the same key of a US keyboard.
        ("\x1b[1089::99;5u", "C-c"),
        ("\x1b[1092::97u", "ф=a"),
        ("\x1b[1092:1060:97;2u", "Ф=A"),
        // A layout of Latin letters means what it types.
        ("\x1b[97::113u", "a"),
    ] {
        assert_eq!(decoded(bytes), key, "{bytes:?}");
    }
}

#[test]
fn the_mouse_is_its_left_button_and_its_wheel() {
    assert_eq!(
        decoded("\x1b[<0;4;5M\x1b[<32;5;5M\x1b[<0;5;5m\x1b[<64;1;1M\x1b[<65;300;1M"),
        "Press@3,4 Drag@4,4 Release@4,4 ScrollUp@0,0 ScrollDown@299,0"
    );
    assert_eq!(decoded("\x1b[M !!\x1b[M#!!\x1b[Ma!!"), "Press@0,0 Release@0,0 ScrollDown@0,0");
    assert_eq!(decoded("\x1b[<2;4;5M\x1b[<35;4;5M\x1b[<0;0;0M\x1b[<0;1M"), "");
    assert_eq!(decoded("\x1b[I\x1b[O"), "focus:true focus:false");
}

#[test]
fn nothing_in_a_response_of_the_terminal_is_a_key() {
    for response in [
        "\x1bP>|kitty(0.32.2)\x1b\\",
        "\x1bP!|00000000\x1b\\",
        "\x1bP1$r0 q\x1b\\",
        "\x1bP1+r544e=787465726d\x1b\\",
        "\x1b]10;rgb:ffff/ffff/ffff\x1b\\",
        "\x1b]lAry1\x07",
        "\x1b_Gi=31;OK\x1b\\",
        "\x1b^private\x1b\\",
        "\x1bXstring\x1b\\",
        "\x1b]52;c;Y3J5\x18",
    ] {
        assert_eq!(decoded(response), "", "{response:?}");
        assert_eq!(decoded(format!("q{response}ry")), "", "keys in the same read as {response:?}");
        let later = FakeTerminal::new().send(response).wait(1).send("r").finish();
        assert_eq!(later, "r", "a key after {response:?}");
        let together = decoded(format!("\x1b[200~one\x1b[201~{response}\x1b[O"));
        assert_eq!(together, "paste:\"one\" focus:false", "what is no key stays");
    }
    for response in [
        "\x1b[?62;22c",
        "\x1b[>0;276;0c",
        "\x1b[24;80R",
        "\x1b[1;2R",
        "\x1b[?2026;2$y",
        "\x1b[8;36;120t",
        "\x1b[0n",
        "\x1b[?5u",
        "\x1b[?1;0;256S",
        "\x1b[\x0d\x03A",
    ] {
        assert_eq!(decoded(response), "", "{response:?}");
    }
    assert_eq!(decoded(format!("\x1b[{}A", "1;".repeat(40))), "", "too long");
}

#[test]
fn a_response_without_an_end_ends_by_itself() {
    let mut terminal = FakeTerminal::new();
    terminal.send("\x1bP>|kit").wait(300).send("ry").wait(600).send("\x03");
    assert_eq!(terminal.wait(200).send("j").finish(), "j");
    assert_eq!(FakeTerminal::new().send("\x1b[1;").wait(1_100).send("j").finish(), "j");
    assert_eq!(FakeTerminal::new().send("\x1b[").wait(1_100).send("j").finish(), "j");
    assert_eq!(FakeTerminal::new().send("\x1bO").wait(1_100).send("j").finish(), "j");
    assert_eq!(FakeTerminal::new().send([0xe4, 0xb8]).wait(1_100).send("j").finish(), "j");
    let long = format!("\x1b]11;{}\x1b\\", "r".repeat(100_000));
    assert_eq!(decoded(long), "");
}

#[test]
fn the_background_color_is_reported_once() {
    for end in ["\x1b\\", "\x07"] {
        let mut terminal = FakeTerminal::new();
        terminal.send("\x1b]11;rgb:").wait(200).send(format!("fdfd/f6f6/e3e3{end}"));
        terminal.wait(1).send(format!("\x1b]11;rgb:0000/0000/0000{end}"));
        assert_eq!(terminal.finish(), "Background(Light)");
    }
    assert_eq!(decoded("\x1b]11;?\x1b\\"), "", "the query itself, where the terminal echoes");
}

#[test]
fn a_lone_escape_waits_for_the_rest_of_a_sequence() {
    for (rest, event) in [
        ("[A", "Up"),
        ("OA", "Up"),
        ("[<65;10;10M", "ScrollDown@9,9"),
        ("[O", "focus:false"),
        ("[200~[A\x1b[201~", "paste:\"[A\""),
        ("]11;rgb:0000/0000/0000\x1b\\", "Background(Dark)"),
    ] {
        assert_eq!(FakeTerminal::new().send("\x1b").wait(30).send(rest).finish(), event);
        let split: Vec<_> = rest.bytes().collect();
        let mut slow = FakeTerminal::new();
        slow.send("\x1b");
        for byte in split {
            slow.wait(30).send([byte]);
        }
        assert_eq!(slow.finish(), event, "byte by byte");
        let late = FakeTerminal::new().send("\x1b").wait(200).send(rest).finish();
        let expected =
            if rest.starts_with('O') { "Esc O A".to_owned() } else { format!("Esc {event}") };
        assert_eq!(late, expected, "an ESC that was held too short");
    }
    let mut terminal = FakeTerminal::new();
    terminal.send("\x1b").wait(39);
    assert!(terminal.events.is_empty());
    assert_eq!(terminal.wait(1).events, ["Esc"]);
}

#[test]
fn brackets_act_only_when_no_escape_came_shortly_before() {
    for bracket in ["[", "]"] {
        assert_eq!(decoded(bracket), bracket);
        let after = |milliseconds| {
            FakeTerminal::new().send("\x1b").wait(milliseconds).send(bracket).wait(500).finish()
        };
        assert_eq!(after(100), "Esc");
        assert_eq!(after(300), "Esc");
        assert_eq!(after(500), format!("Esc {bracket}"));
        let mut typed = FakeTerminal::new();
        typed.send("\x1b").wait(100).send("j").wait(20).send(bracket);
        assert_eq!(typed.finish(), format!("Esc j {bracket}"), "another key came between");
        let mut resumed = FakeTerminal::new();
        resumed.send("\x1b").wait(100).send(bracket).wait(100).send("j");
        assert_eq!(resumed.finish(), "Esc j", "the next key is a key");
    }
}

#[test]
fn a_burst_of_characters_is_a_paste() {
    for (text, event) in [
        ("one key", "burst:\"one key\""),
        ("-----BEGIN\r\nKEY\rEND\n", "burst:\"-----BEGIN\\nKEY\\nEND\\n\""),
        ("ключи мои", "burst:\"ключи мои\""),
        ("/prod", "/ p r o d"),
        ("jjjjjjkkkk", "j j j j j j k k k k"),
        ("\rq", "Enter q"),
        ("abc\x1b[Bdef", "a b c Down d e f"),
    ] {
        assert_eq!(decoded(text), event);
    }
    let keys = decoded("j".repeat(4_000));
    assert_eq!(keys.split(' ').filter(|key| *key == "j").count(), 4_000);
    let wheel = decoded("\x1b[<65;10;10M".repeat(400));
    assert_eq!(wheel.split(' ').filter(|event| *event == "ScrollDown@9,9").count(), 400);
}

#[test]
fn a_burst_may_arrive_in_pieces_and_a_single_key_does_not_wait() {
    let long = "token-".repeat(1_000);
    let mut terminal = FakeTerminal::new();
    terminal.send(&long[..4_095]).wait(20).send(&long[4_095..]);
    assert_eq!(terminal.finish(), format!("burst:{long:?}"));
    let mut terminal = FakeTerminal::new();
    terminal.send("to").wait(5).send("ken-1");
    assert_eq!(terminal.finish(), "burst:\"token-1\"");
    let mut terminal = FakeTerminal::new();
    terminal.send("/us01-admin").wait(1).send("\r").wait(1).send("4");
    assert_eq!(terminal.events, ["burst:\"/us01-admin\"", "Enter", "4"]);
    let mut terminal = FakeTerminal::new();
    terminal.send("t");
    assert_eq!(terminal.events, ["t"]);
    terminal.wait(20).send("ab").wait(9);
    assert_eq!(terminal.events, ["t"]);
    assert_eq!(terminal.wait(1).events, ["t", "a", "b"]);
}

#[test]
fn a_paste_is_text_up_to_its_end_mark_with_plain_line_ends() {
    assert_eq!(
        decoded("\x1b[200~one\rtwo\r\nthree\nfour\r\x1b[201~j"),
        "paste:\"one\\ntwo\\nthree\\nfour\\n\" j"
    );
    assert_eq!(
        decoded("\x1b[200~\x1b[A\x1b[20\x03\x1b[201~"),
        "paste:\"\\u{1b}[A\\u{1b}[20\\u{3}\""
    );
    assert_eq!(decoded(b"\x1b[200~a\xffb\x1b[201~"), "paste:\"a\u{fffd}b\"");
    assert_eq!(decoded("\x1b[201~j"), "j", "an end without a start");
}

#[test]
fn a_paste_without_an_end_ends_by_silence_or_size() {
    let mut terminal = FakeTerminal::new();
    terminal.send("\x1b[200~sec").wait(900).send("ret").wait(900);
    assert!(terminal.events.is_empty());
    assert_eq!(terminal.wait(100).events, ["paste:\"secret\""]);
    assert_eq!(terminal.send("j").finish(), "paste:\"secret\" j");

    let mut terminal = FakeTerminal::new();
    terminal.send("\x1b[200~").send("x".repeat(MAX_PASTE_BYTES + 100));
    assert_eq!(terminal.events, [format!("paste:{:?}", "x".repeat(MAX_PASTE_BYTES))]);
    terminal.events.clear();
    terminal.send("rest\x1b[201~").wait(1).send("j");
    assert_eq!(terminal.finish(), "j");
}

#[test]
fn ctrl_c_wins_over_a_paste_without_an_end() {
    for interrupt in ["\x03", "\x1b[99;5u", "\x1b[1089::99;5u"] {
        let mut terminal = FakeTerminal::new();
        terminal.send("\x1b[200~secret").wait(10).send(interrupt);
        assert_eq!(terminal.events, ["C-c"], "{interrupt:?}");
        assert_eq!(terminal.send("rest\x1b[201~j").finish(), "C-c j");
        assert_eq!(decoded(format!("\x1b[200~secret{interrupt}")), "C-c");
    }
}

#[test]
fn nothing_held_survives_a_program_that_had_the_terminal() {
    for held in ["\x1b", "\x1b[", "\x1bP", "\x1b[200~abc", "ab"] {
        let mut terminal = FakeTerminal::new();
        terminal.send(held);
        terminal.decoder.reset();
        assert_eq!(terminal.send("[").finish(), "[");
    }
}

/// Input with many introducers, terminators and pastes in it.
fn any_input() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => proptest::collection::vec(any::<u8>(), 0..6),
        4 => proptest::sample::select(vec![
            "\x1b", "[", "\x1b[", "\x1b]", "\x1bP", "\x1b\\", "\x07", "O", "\x1b[200~", "\x1b[201~", "\x1b[A", "M",
            "\x1b[<0;1;1M", "1;5", "é", "текст", "j", "\r\n", "\x1b[99;5u", "token-1", "\x1b[[", "\x18",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// Splits bytes at these places.
fn split<'a>(bytes: &'a [u8], places: &[usize]) -> Vec<&'a [u8]> {
    let mut places: Vec<_> = places.iter().map(|place| place % (bytes.len() + 1)).collect();
    places.extend([0, bytes.len()]);
    places.sort_unstable();
    places.windows(2).map(|ends| &bytes[ends[0]..ends[1]]).collect()
}

proptest! {
    /// However the reads cut the input, the events are the same.
    #[test]
    fn the_events_do_not_depend_on_how_the_input_is_cut(
        input in any_input(),
        places in proptest::collection::vec(any::<usize>(), 0..6),
    ) {
        let mut cut = FakeTerminal::new();
        for piece in split(&input, &places) {
            cut.decoder.feed(piece, cut.now);
        }
        cut.take_events();
        prop_assert_eq!(cut.finish(), FakeTerminal::new().send(&input).finish());
    }

    /// The grammar does not depend on pauses either, if they are shorter than those that end
    /// something.
    #[test]
    fn the_tokens_do_not_depend_on_pauses(
        input in any_input(),
        places in proptest::collection::vec(any::<usize>(), 0..6),
    ) {
        // A pause after Ctrl-C decides whether it ends a paste.
        let input: Vec<_> = input.into_iter().filter(|byte| !matches!(byte, 3 | b'u')).collect();
        let tokens = |pieces: Vec<&[u8]>| {
            let (mut parser, mut now) = (TerminalParser::new(HOLD), Instant::now());
            let mut tokens: Vec<TerminalToken> = Vec::new();
            for piece in pieces {
                tokens.extend(parser.feed(piece, now));
                tokens.extend(parser.settle(now));
                now += Duration::from_millis(5);
            }
            now += Duration::from_secs(5);
            tokens.extend(parser.settle(now));
            tokens
        };
        prop_assert_eq!(tokens(split(&input, &places)), tokens(vec![&input]));
    }

    /// A paste with its marks is one event, whatever it contains.
    #[test]
    fn a_paste_never_presses_a_key(text in any_input()) {
        prop_assume!(!text.windows(6).any(|bytes| bytes == b"\x1b[201~"));
        let events = decoded([b"\x1b[200~", text.as_slice(), b"\x1b[201~"].concat());
        prop_assert!(events.starts_with("paste:"), "{}", events);
        prop_assert_eq!(events.matches("paste:").count(), 1);
    }

    /// Nothing that is typed after any input is lost for more than a few seconds.
    #[test]
    fn a_key_after_a_pause_always_acts(input in any_input()) {
        let mut terminal = FakeTerminal::new();
        terminal.send(&input).finish();
        terminal.events.clear();
        prop_assert_eq!(terminal.send("j").finish(), "j");
    }
}
