//! Bodies × doors of the screen: what tree, raw view and clipboard get of a body, and what the pager
//! and the editor get.

use super::*;
use crate::domain::request::export::ExportFormat;
use crate::tui::app::ViewerProgram;

/// A body, and what the screen makes of it.
struct BodyOnScreen {
    content_type: &'static str,
    bytes: Vec<u8>,
    /// Lines of the tree.
    tree: &'static str,
    /// Lines of the raw view.
    raw: &'static str,
    /// Text that is copied; `None` where the body is not text.
    copied: Option<&'static str>,
}

fn on_screen(
    content_type: &'static str,
    bytes: impl AsRef<[u8]>,
    tree: &'static str,
    raw: &'static str,
    copied: Option<&'static str>,
) -> BodyOnScreen {
    BodyOnScreen { content_type, bytes: bytes.as_ref().to_vec(), tree, raw, copied }
}

fn bodies() -> Vec<BodyOnScreen> {
    const JSON: &str = "application/json";
    let same = |content_type, text: &'static str| {
        on_screen(content_type, text, text.trim_end_matches('\n'), text, Some(text))
    };
    let wide: Vec<u8> = "\u{feff}{\"a\":1}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let object = "{\n  \"a\": 1\n}";
    let dump =
        "7 B of binary data\n\n00000000  61 0d 0a 62 e2 80 8d                             a..b...";
    vec![
        on_screen(
            JSON,
            "{\"b\": 1,\r\n \"a\": [true, \"x\\\"y\"]}\n",
            "{\n  \"b\": 1,\n  \"a\": [\n    true,\n    \"x\\\"y\"\n  ]\n}",
            "{\"b\": 1,\n \"a\": [true, \"x\\\"y\"]}",
            Some("{\"b\": 1,\r\n \"a\": [true, \"x\\\"y\"]}\n"),
        ),
        on_screen(
            JSON,
            "[12345678901234567890123, -0, 1e400, 1.10]",
            "[\n  12345678901234567890123,\n  -0,\n  1e400,\n  1.10\n]",
            "[12345678901234567890123, -0, 1e400, 1.10]",
            Some("[12345678901234567890123, -0, 1e400, 1.10]"),
        ),
        on_screen(
            JSON,
            r#"{"a":"\ud800","a":2}"#,
            "{\n  \"a\": \"\\ud800\",\n  \"a\": 2\n}",
            r#"{"a":"\ud800","a":2}"#,
            Some(r#"{"a":"\ud800","a":2}"#),
        ),
        on_screen(
            JSON,
            "[\"\u{200d}\u{9b}2J\u{202e}\"]",
            "[\n  \"\\u200d\\u009b2J\\u202e\"\n]",
            "[\"\u{fffd}\u{fffd}2J\u{fffd}\"]",
            Some("[\"\u{200d}\u{9b}2J\u{202e}\"]"),
        ),
        on_screen(JSON, "\u{feff}{\"a\":1}", object, "{\"a\":1}", Some("{\"a\":1}")),
        on_screen(JSON, wide, object, "{\"a\":1}", Some("{\"a\":1}")),
        on_screen(
            "application/x-ndjson",
            "{\"a\":1}\n3\n",
            "{\n  \"a\": 1\n}\n3",
            "{\"a\":1}\n3",
            Some("{\"a\":1}\n3\n"),
        ),
        on_screen(
            "application/json-seq",
            "\u{1e}{\"a\":1}\n",
            object,
            "\u{fffd}{\"a\":1}",
            Some("\u{1e}{\"a\":1}\n"),
        ),
        same(JSON, "\"text\""),
        same("application/xml", "<?xml version=\"1.0\"?>\n<a/>"),
        on_screen(
            "text/plain",
            "one\r\ntwo\rthree\n",
            "one\ntwo\u{fffd}three",
            "one\ntwo\u{fffd}three",
            Some("one\r\ntwo\rthree\n"),
        ),
        on_screen(
            "text/plain",
            b"a\0\xc2\x9b2J\x1b[31m",
            "a\u{fffd}\u{fffd}2J\u{fffd}[31m",
            "a\u{fffd}\u{fffd}2J\u{fffd}[31m",
            Some("a\0\u{9b}2J\u{1b}[31m"),
        ),
        on_screen(
            "text/plain; charset=iso-8859-1",
            b"gr\xfc\xdfe",
            "grüße",
            "grüße",
            Some("grüße"),
        ),
        on_screen(
            "text/plain",
            b"a\xff\xe2\x82b",
            "a\u{fffd}\u{fffd}b",
            "a\u{fffd}\u{fffd}b",
            Some("a\u{fffd}\u{fffd}b"),
        ),
        on_screen("application/octet-stream", "a\r\nb\u{200d}", dump, dump, None),
    ]
}

/// A screen whose console shows the response with this body.
fn showing(body: ResponseBody) -> TestSession {
    let mut session = session();
    session.press("t");
    let (task, BackgroundTask::Send(_)) = session.task() else { panic!("not sent") };
    let response = exchange(&session, body);
    session.report(task, TaskEvent::ResponseReceived(response)).report(task, TaskEvent::Done);
    session.press("4").drain();
    session
}

fn copied(session: &mut TestSession) -> Option<String> {
    session.started().into_iter().find_map(|(_, task)| match task {
        BackgroundTask::CopyText(text) | BackgroundTask::CopyBody { text, .. } => Some(text),
        _ => None,
    })
}

fn shown(session: &mut TestSession) -> String {
    let text = session.app.console.document().expect("a text").pretty_text();
    text.trim_end_matches('\n').to_owned()
}

#[test]
fn tree_and_raw_view_are_cleaned_and_the_copy_is_exact() {
    for body in bodies() {
        let bytes = ResponseBody::new(body.bytes.clone(), Some(body.content_type));
        let mut session = showing(bytes);
        let name = format!("{} {:?}", body.content_type, String::from_utf8_lossy(&body.bytes));
        for (view, expected) in [("tree", body.tree), ("raw", body.raw)] {
            assert_eq!(shown(&mut session), expected.trim_end_matches('\n'), "{view}: {name}");
            session.press("B");
            assert_eq!(copied(&mut session).as_deref(), body.copied, "{view}: {name}");
            if body.copied.is_none() {
                let said = session.app.activity.last_notification().expect("a reason");
                assert!(said.text.contains("binary data"), "{}", said.text);
            }
            session.press("O");
            let viewed = session.drain().into_iter().find_map(|effect| match effect {
                UiEffect::OpenViewer { program: ViewerProgram::Pager, text, .. } => Some(text),
                _ => None,
            });
            let viewed = viewed.expect("the pager");
            assert_eq!(viewed.trim_end_matches('\n'), expected.trim_end_matches('\n'), "{name}");
            session.press("v");
        }
    }
}

#[test]
fn a_copied_line_is_the_line_of_the_body() {
    let text = "one\u{200d}\r\ntwo\u{9b}\r\n";
    let mut session = showing(ResponseBody::new(text.into(), Some("text/plain")));
    session.press("b");
    assert_eq!(copied(&mut session).as_deref(), Some("one\u{200d}"));
    session.press("j b");
    assert_eq!(copied(&mut session).as_deref(), Some("two\u{9b}"));
}

#[test]
fn presentation_mode_hands_no_response_to_a_program() {
    let mut session = showing(ResponseBody::from("{\"name\":\"acme\"}"));
    session.press("P").drain();
    for key in ["O", "C-o"] {
        session.press(key);
        assert!(session.drain().is_empty(), "{key}");
    }
    session.press("P C-o");
    let program = session.drain().into_iter().find_map(|effect| match effect {
        UiEffect::OpenViewer { program, is_json: true, .. } => Some(program),
        _ => None,
    });
    assert_eq!(program, Some(ViewerProgram::Editor));
}

#[test]
fn a_request_is_copied_for_the_client_that_is_chosen() {
    let mut session = session();
    for (format, begin) in [
        (ExportFormat::Curl, "curl --compressed"),
        (ExportFormat::PowerShell, "curl.exe "),
        (ExportFormat::Cmd, "curl "),
        (ExportFormat::Httpie, "http "),
        (ExportFormat::Python, "import os"),
    ] {
        session.press("Y");
        assert_eq!(copied(&mut session), None, "the client is asked for");
        session.choose_item(format.title());
        let text = copied(&mut session).expect("a copy");
        let is_command = |line: &&str| !line.starts_with(['#', 'r']);
        let line = text.lines().find(is_command).unwrap_or_default();
        assert!(line.starts_with(begin) && text.contains("SNYK_TOKEN"), "{text}");
        session.press("Y Enter");
        assert_eq!(copied(&mut session), Some(text), "the last client comes first");
    }
}
