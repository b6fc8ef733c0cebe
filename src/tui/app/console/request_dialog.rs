//! Dialog that edits the request of the console.
//!
//! Start reading at [`RequestEditorDialog::new`], which fills the form from a [`RequestDraft`], and
//! `RequestEditorDialog::parse_form`, the inverse.
//!
//! Request line: requests as one line of text that the user reads and edits.
//!
//! [`parse_address`] is the inverse of [`RequestDraft::address`].

use std::collections::BTreeMap;

use ratatui::layout::Rect;

use crate::config::KeyPress;
use crate::config::theme::StyleRole;
use crate::domain::Credential;
use crate::domain::provider::{PresetParameter, RequestPreset};
use crate::domain::region::HostRole;
use crate::domain::request::{
    DraftBody, FormPart, FormPartError, HeaderChange, HttpMethod, RequestDraft, RequestTarget,
    TargetError,
};
use crate::engine::background::protocol::{BackgroundTask, ConsoleTask, HistoryPolicy};
use crate::tui::app::console::presets::PresetOutcome;
use crate::tui::app::console::{request_dialog, sending};
use crate::tui::app::dialogs::{Dialog, DialogAction, DialogResult, TaskRequest};
use crate::tui::app::widgets::dialog_view::{DialogAnchor, DialogRow, DialogView};
use crate::tui::app::widgets::form::{
    FieldInput, FieldVisibility, Form, FormButton, FormEvent, FormField, SelectInput,
};
use crate::tui::app::widgets::text_area::TextArea;
use crate::tui::app::{App, Now};

const EDITOR_BUTTON: &str = "Editor";
const APPLY_BUTTON: &str = "Apply";
/// Key that sends the request, as it does in every pane.
const SEND_KEY: KeyPress = KeyPress::ctrl('r');

/// Field that chooses which part of the request is shown.
const PART_FIELD: &str = "part";
/// The parts of a request besides its first line, with their fields.
const PARTS: [(&str, &[&str]); 4] = [
    ("query", &["query"]),
    ("headers", &["headers"]),
    ("body", &["body-is", "body"]),
    ("history", &["keep"]),
];

/// What the body field contains.
const TEXT_BODY: &str = "text";
const FILE_BODY: &str = "file";
const FORM_BODY: &str = "form";

/// Rows of the editor besides a multi-line field: border, first line, parts, messages, buttons.
const FIXED_ROWS: u16 = 10;
/// Minimum number of visible lines of a multi-line field.
const MIN_TEXT_LINES: u16 = 4;
/// Smallest pane in which the request is edited in place.
const MIN_PANE: (u16, u16) = (64, 16);

/// Dialog that edits a request.
pub struct RequestEditorDialog {
    form: Form,
    /// Number of visible lines of a multi-line field.
    text_lines: usize,
}

impl RequestEditorDialog {
    /// Creates a form with the current request.
    pub fn new(before: &RequestDraft, keep: HistoryPolicy, pane: Rect) -> Self {
        let text_lines = usize::from(pane.height.saturating_sub(FIXED_ROWS).max(MIN_TEXT_LINES));
        let parts = PARTS.map(|(id, _)| (id.to_owned(), id.to_owned())).to_vec();
        let methods = HttpMethod::ALL
            .map(|method| (method.as_str().to_owned(), method.as_str().to_owned()))
            .to_vec();
        let kept = [("without", "without the body"), ("with", "with the body, secrets masked")];
        let kept = kept.map(|(id, title)| (id.to_owned(), title.to_owned())).to_vec();
        let (body_kind, body_text) = body_fields(before.body.as_ref());
        let body_kinds = [
            (TEXT_BODY, "the text of the body"),
            (FILE_BODY, "the path of a file"),
            (FORM_BODY, "the fields of a form"),
        ];
        let body_kinds = body_kinds.map(|(id, title)| (id.to_owned(), title.to_owned())).to_vec();
        let (query, headers) = (format_pairs(&before.query, "="), format_headers(before));
        let fields = vec![
            FormField::select("method", "Method", SelectInput::new(methods, before.method.as_str()))
                .with_hint("All methods except GET and HEAD ask for confirmation."),
            FormField::text("address", "URL", &before.target.to_string())
                .required(true)
                .with_hint("A path on the API host, or a full URL. The secret is sent only to the provider's hosts."),
            FormField::select(PART_FIELD, "Show", SelectInput::new(parts, "query"))
                .view_switch()
                .with_hint("←/→ switches between query, headers, body and history options."),
            FormField::multi_line("query", "Query", &query, text_lines)
                .with_hint("One name=value per line; values are URL-encoded for you."),
            FormField::multi_line("headers", "Headers", &headers, text_lines)
                .with_hint("One name: value per line; name: removes a header, name; sends it empty. Authorization is added automatically."),
            FormField::select("body-is", "Body is", SelectInput::new(body_kinds, body_kind))
                .with_hint("A form has one name=value or name=@FILE per line; ;type= and ;filename= may follow."),
            FormField::multi_line("body", "Body", &body_text, text_lines)
                .with_hint("Sent as entered. The Editor button opens it in VISUAL or EDITOR."),
            FormField::select(
                "keep",
                "History",
                SelectInput::new(kept, if keep == HistoryPolicy::WithBody { "with" } else { "without" }),
            )
            .with_hint("What the history stores of the request."),
        ];
        let mut form = Form::new(
            fields,
            vec![
                FormButton::Submit(EDITOR_BUTTON),
                FormButton::Cancel,
                FormButton::Submit(APPLY_BUTTON),
                FormButton::Submit("Send"),
            ],
        );
        form.focus = 1;
        let mut dialog = Self { form, text_lines };
        dialog.show_part("query");
        dialog
    }

    /// Shows the fields of one part of the request.
    fn show_part(&mut self, part: &str) {
        let fields = |id: &str| PARTS.iter().find(|(known, _)| *known == id).map(|(_, ids)| *ids);
        let shown = fields(part).unwrap_or_default();
        for field in &mut self.form.fields {
            let is_of_a_part = PARTS.iter().any(|(_, ids)| ids.contains(&field.id.as_str()));
            if is_of_a_part {
                let is_shown = shown.contains(&field.id.as_str());
                field.visibility =
                    if is_shown { FieldVisibility::Shown } else { FieldVisibility::Hidden };
            }
        }
        self.form.select_id(PART_FIELD, part);
    }

    /// Shows the part of the request that has this field.
    fn reveal_field(&mut self, id: &str) {
        let part = PARTS.iter().find(|(_, ids)| ids.contains(&id));
        if let Some((part, _)) = part {
            self.show_part(part);
        }
    }

    /// Sets the request, and sends it if wanted.
    fn submit(&mut self, then: PresetOutcome) -> DialogResult {
        match self.parse_form() {
            Ok(draft) => {
                let policy = self.history_policy();
                DialogResult::RunAndClose(DialogAction::call(move |app, now| {
                    sending::set_written_request(app, draft, policy);
                    match then {
                        PresetOutcome::Send => sending::send_request(app, now),
                        PresetOutcome::Edit => Vec::new(),
                    }
                }))
            }
            Err((id, problem)) => {
                self.reveal_field(id);
                self.form.set_field_problem(id, problem);
                DialogResult::Stay
            }
        }
    }

    /// Replaces the body.
    pub fn set_body(&mut self, text: &str) {
        self.reveal_field("body");
        let lines = self.text_lines;
        if let Some(field) = self.form.field_mut("body") {
            field.control = FieldInput::MultiLine(TextArea::new(text, lines));
        }
        self.form.focus_on("body");
    }

    /// Opens the body in the user's editor, without secrets.
    fn edit_body(&self, app: &App) -> DialogResult {
        let Some(credential) = app.selected() else { return DialogResult::Stay };
        let text = self.form.multi_line_value("body");
        let task = ConsoleTask::RedactText(credential.id.clone(), text);
        DialogResult::start(TaskRequest::hidden(BackgroundTask::Console(task)))
    }

    fn history_policy(&self) -> HistoryPolicy {
        if self.form.value("keep") == "with" {
            HistoryPolicy::WithBody
        } else {
            HistoryPolicy::WithoutBody
        }
    }

    fn parse_form(&self) -> Result<RequestDraft, (&'static str, String)> {
        let (target, mut query) = request_dialog::parse_address(self.form.value("address"))
            .map_err(|error| ("address", error.to_string()))?;
        query.extend(parse_query(&self.form.multi_line_value("query")));
        let headers = parse_headers(&self.form.multi_line_value("headers"))
            .map_err(|problem| ("headers", problem))?;
        let body = parse_body(self.form.value("body-is"), &self.form.multi_line_value("body"))
            .map_err(|problem| ("body", problem))?;
        let method = HttpMethod::parse(self.form.value("method")).unwrap_or_default();
        let mut draft = RequestDraft { query, body, ..RequestDraft::new(method, target) };
        for change in headers {
            draft.add_header(change);
        }
        Ok(draft)
    }
}

impl Dialog for RequestEditorDialog {
    fn form(&self) -> Option<&Form> {
        Some(&self.form)
    }

    fn form_mut(&mut self) -> Option<&mut Form> {
        Some(&mut self.form)
    }

    fn handle_form_event(&mut self, event: FormEvent, app: &App, _now: Now) -> DialogResult {
        match event {
            FormEvent::Pressed(FormButton::Cancel) => DialogResult::Close,
            FormEvent::Pressed(FormButton::Submit(EDITOR_BUTTON)) => self.edit_body(app),
            FormEvent::Pressed(FormButton::Submit(APPLY_BUTTON)) => {
                self.submit(PresetOutcome::Edit)
            }
            FormEvent::Pressed(_) => self.submit(PresetOutcome::Send),
            FormEvent::Changed(at) if self.form.fields[at].id == PART_FIELD => {
                let part = self.form.value(PART_FIELD).to_owned();
                self.show_part(&part);
                DialogResult::Stay
            }
            FormEvent::Changed(_)
            | FormEvent::Pasted(_)
            | FormEvent::Blurred(_)
            | FormEvent::Unchanged => DialogResult::Stay,
        }
    }

    fn handle_key(&mut self, key: KeyPress, app: &App, now: Now) -> DialogResult {
        if key == SEND_KEY {
            return self.submit(PresetOutcome::Send);
        }
        let event = self.form.handle_key(key);
        self.handle_form_event(event, app, now)
    }

    fn view(&self, app: &App, _now: Now) -> DialogView {
        let mut view = DialogView::new("Edit request", 96).with_form(&self.form);
        let pane = app.screen_layout().console;
        if pane.width >= MIN_PANE.0 && pane.height >= MIN_PANE.1 {
            view.anchor = DialogAnchor::Over(pane);
        }
        if self.form.value(PART_FIELD) != "body" {
            let words = "The credential's header is added when the request is sent and is never shown. C-r sends.";
            view.foot.insert(0, DialogRow::dim(words));
            return view;
        }
        let (role, words) =
            describe_body(self.form.value("body-is"), &self.form.multi_line_value("body"));
        view.foot.insert(0, DialogRow::Text(role, words));
        view
    }
}

fn format_pairs(pairs: &[(String, String)], between: &str) -> String {
    pairs
        .iter()
        .map(|(name, value)| format!("{name}{between}{value}"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Describes whether a body is JSON, and where it stops being valid. The request is sent either
/// way: not every body must be JSON.
fn describe_body(kind: &str, text: &str) -> (StyleRole, String) {
    if text.trim().is_empty() {
        return (StyleRole::Dim, "No body".to_owned());
    }
    match kind {
        FILE_BODY => (StyleRole::Text, "The file is read when the request is sent".to_owned()),
        FORM_BODY => match parse_body(kind, text) {
            Ok(_) => (StyleRole::Good, "The body is a multipart form".to_owned()),
            Err(problem) => (StyleRole::Warn, problem),
        },
        _ => match serde_json::from_str::<serde::de::IgnoredAny>(text) {
            Ok(_) => (StyleRole::Good, "The body is valid JSON".to_owned()),
            Err(error) => (StyleRole::Warn, format!("The body is not valid JSON: {error}")),
        },
    }
}

/// Returns what the body field contains, and its text.
fn body_fields(body: Option<&DraftBody>) -> (&'static str, String) {
    match body {
        None => (TEXT_BODY, String::new()),
        Some(DraftBody::Text(text)) => (TEXT_BODY, text.clone()),
        Some(DraftBody::File { file }) => (FILE_BODY, file.clone()),
        Some(DraftBody::Form { form }) => {
            let lines: Vec<_> = form.iter().map(FormPart::to_string).collect();
            (FORM_BODY, lines.join("\n"))
        }
    }
}

/// Parses the body field. A line of a form that does not begin a field continues a quoted value.
fn parse_body(kind: &str, text: &str) -> Result<Option<DraftBody>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    match kind {
        FILE_BODY => Ok(Some(DraftBody::File { file: text.trim().to_owned() })),
        FORM_BODY => {
            let (mut form, mut open) = (Vec::new(), String::new());
            for line in text.lines().filter(|line| !line.trim().is_empty()) {
                open = if open.is_empty() { line.to_owned() } else { format!("{open}\n{line}") };
                match FormPart::parse(&open) {
                    Ok(part) => {
                        form.push(part);
                        open.clear();
                    }
                    Err(FormPartError::UnclosedQuote) => {}
                    Err(error) => return Err(format!("{line}: {error}")),
                }
            }
            let unclosed = || format!("{open}: {}", FormPartError::UnclosedQuote);
            if open.is_empty() { Ok(Some(DraftBody::Form { form })) } else { Err(unclosed()) }
        }
        _ => Ok(Some(DraftBody::Text(text.to_owned()))),
    }
}

/// Writes the headers line by line, as [`parse_headers`] reads them.
fn format_headers(draft: &RequestDraft) -> String {
    let set = draft.headers.iter().map(|(name, value)| match value.as_str() {
        "" => format!("{name};"),
        value => format!("{name}: {value}"),
    });
    let removed = draft.removed_headers.iter().map(|name| format!("{name}:"));
    set.chain(removed).collect::<Vec<_>>().join("\n")
}

fn parse_query(text: &str) -> impl Iterator<Item = (String, String)> {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines
        .map(|line| line.split_once('=').unwrap_or((line, "")))
        .map(|(name, value)| (name.trim().to_owned(), value.to_owned()))
}

fn parse_headers(text: &str) -> Result<Vec<HeaderChange>, String> {
    let mut headers = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let change = HeaderChange::parse(line).map_err(|error| error.to_string())?;
        if change.name() == "authorization" {
            return Err("cannot contain Authorization: it is added automatically".to_owned());
        }
        headers.push(change);
    }
    Ok(headers)
}

/// Returns path and query of a preset in one line, with its placeholders unfilled.
pub fn preset_address(preset: &RequestPreset) -> String {
    let target = RequestTarget::Path { place: HostRole::Api, path: preset.path.clone() };
    RequestDraft { query: preset.query.clone(), ..RequestDraft::new(HttpMethod::Get, target) }
        .address()
}

/// Parses the form written by [`RequestDraft::address`]: a path with a query, or a whole URL.
pub fn parse_address(text: &str) -> Result<(RequestTarget, Vec<(String, String)>), TargetError> {
    let target = RequestTarget::parse(text)?;
    let RequestTarget::Path { place, path } = &target else { return Ok((target, Vec::new())) };
    let Some((path, query)) = path.split_once('?') else { return Ok((target, Vec::new())) };
    let pair = |pair: &str| match pair.split_once('=') {
        Some((name, value)) => (name.to_owned(), value.to_owned()),
        None => (pair.to_owned(), String::new()),
    };
    let pairs = query.split('&').filter(|text| !text.is_empty()).map(pair).collect();
    Ok((RequestTarget::Path { place: *place, path: path.to_owned() }, pairs))
}

/// Returns the parameters of a preset for which neither `given` nor the credential has a value.
pub fn missing_parameters<'p>(
    preset: &'p RequestPreset,
    given: &BTreeMap<String, String>,
    credential: &Credential,
) -> Vec<&'p PresetParameter> {
    let has = |layer: &BTreeMap<String, String>, id: &str| {
        layer.get(id).is_some_and(|value| !value.is_empty())
    };
    let known = |id: &str| has(given, id) || has(&credential.fields, id);
    preset.parameters.iter().filter(|parameter| !known(&parameter.id)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::request::RequestTarget;

    #[test]
    fn a_request_is_read_as_it_is_written() {
        let target = RequestTarget::parse("/rest/orgs/x").expect("a path");
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let draft = RequestDraft {
            query: vec![pair("version", "2024-10-15"), pair("q", "a=b c")],
            headers: vec![pair("content-type", "application/json")],
            body: Some("{\n  \"a\": 1\n}".into()),
            ..RequestDraft::new(HttpMethod::Post, target)
        };
        assert_eq!(
            RequestEditorDialog::new(&draft, HistoryPolicy::WithBody, Rect::default()).parse_form(),
            Ok(draft.clone())
        );
        assert_eq!(
            RequestEditorDialog::new(&draft, HistoryPolicy::WithBody, Rect::default())
                .history_policy(),
            HistoryPolicy::WithBody
        );
    }

    #[test]
    fn every_kind_of_body_and_header_is_read_as_it_is_written() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let part = |text: &str| FormPart::parse(text).expect("a field");
        let form = vec![
            part("note=\"a;b, c\""),
            part("file=@app.ipa;type=application/x-ipa"),
            FormPart::with_text("empty", ""),
        ];
        for body in [
            DraftBody::File { file: "folder/app.ipa".to_owned() },
            DraftBody::Form { form },
            DraftBody::from("a=1"),
        ] {
            let target = RequestTarget::parse("/x").expect("a path");
            let draft = RequestDraft {
                headers: vec![pair("x-a", "1"), pair("x-empty", "")],
                removed_headers: vec!["user-agent".to_owned()],
                body: Some(body),
                ..RequestDraft::new(HttpMethod::Post, target)
            };
            let dialog =
                RequestEditorDialog::new(&draft, HistoryPolicy::WithoutBody, Rect::default());
            assert_eq!(dialog.parse_form(), Ok(draft));
        }
        let quoted = parse_body(FORM_BODY, "a=\"b;\nc\"\nd=e");
        let expected = vec![FormPart::with_text("a", "b;\nc"), FormPart::with_text("d", "e")];
        assert_eq!(quoted, Ok(Some(DraftBody::Form { form: expected })));
        assert!(parse_body(FORM_BODY, "a").is_err() && parse_body(FORM_BODY, "a=\"b").is_err());
        assert_eq!(describe_body(FORM_BODY, "a=@b").0, StyleRole::Good);
        assert_eq!(describe_body(FORM_BODY, "a").0, StyleRole::Warn);
    }

    #[test]
    fn where_a_body_stops_being_json_is_said() {
        assert_eq!(describe_body(TEXT_BODY, " "), (StyleRole::Dim, "No body".to_owned()));
        assert_eq!(describe_body(TEXT_BODY, "[1]").0, StyleRole::Good);
        assert!(
            describe_body(TEXT_BODY, "{\n  \"a\": }").1.contains("line 2 column 8"),
            "{}",
            describe_body(TEXT_BODY, "{\n  \"a\": }").1
        );
    }

    #[test]
    fn a_header_that_carries_a_credential_is_refused() {
        assert!(parse_headers("authorization: token x").is_err() && parse_headers("x").is_err());
    }
}

#[cfg(test)]
mod request_line_tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_it_is_written() {
        for text in [
            "/rest/self?version=2024-10-15",
            "/rest/orgs",
            "auth:/token?b=&c=1",
            "https://api.snyk.io/rest?x=1",
        ] {
            let (target, query) = parse_address(text).expect("an address");
            let draft = RequestDraft { query, ..RequestDraft::new(HttpMethod::Get, target) };
            assert_eq!(draft.address(), text);
        }
        assert!(parse_address("rest/self").is_err());
    }
}
