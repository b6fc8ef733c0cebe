//! Dialog that edits the request of the console.
//!
//! Start reading at [`RequestEditorDialog::new`], which fills the form from a [`RequestDraft`], and
//! [`RequestEditorDialog::parse_form`], the inverse.

use crate::config::theme::StyleRole;
use crate::domain::request::{DraftBody, HttpMethod, RequestDraft};
use crate::engine::background::protocol::{BackgroundTask, ConsoleTask, HistoryPolicy};
use crate::tui::app::console::{request_line, sending};
use crate::tui::app::dialogs::{Dialog, DialogAction, DialogResult, TaskRequest};
use crate::tui::app::widgets::dialog_view::{DialogRow, DialogView};
use crate::tui::app::widgets::form::{
    FieldInput, Form, FormButton, FormEvent, FormField, SelectInput,
};
use crate::tui::app::widgets::text_area::TextArea;
use crate::tui::app::{App, Now};

const EDITOR_BUTTON: &str = "Editor";
/// Visible lines of the multi-line fields.
const QUERY_LINES: usize = 3;
const HEADER_LINES: usize = 2;
const BODY_LINES: usize = 7;

/// Dialog that edits a request.
pub struct RequestEditorDialog {
    form: Form,
    /// Body that is not text, which stays unless a text is entered.
    attached_body: Option<DraftBody>,
    /// Headers that are not sent.
    removed_headers: Vec<String>,
}

impl RequestEditorDialog {
    /// Creates a form with the current request.
    pub fn new(before: &RequestDraft, keep: HistoryPolicy) -> Self {
        let methods = HttpMethod::ALL
            .map(|method| (method.as_str().to_owned(), method.as_str().to_owned()))
            .to_vec();
        let kept = [("without", "without the body"), ("with", "with the body, secrets masked")];
        let kept = kept.map(|(id, title)| (id.to_owned(), title.to_owned())).to_vec();
        let body_text = before.body.as_ref().and_then(DraftBody::text).unwrap_or_default();
        let (query, headers) =
            (format_pairs(&before.query, "="), format_pairs(&before.headers, ": "));
        let fields = vec![
            FormField::select("method", "Method", SelectInput::new(methods, before.method.as_str()))
                .with_hint("All methods except GET and HEAD ask for confirmation."),
            FormField::text("address", "Path", &before.target.to_string())
                .with_hint("A path on the API host, or a full URL. The secret is sent only to the provider's hosts."),
            FormField::multi_line("query", "Query", &query, QUERY_LINES)
                .with_hint("One name=value per line; values are URL-encoded for you."),
            FormField::multi_line("headers", "Headers", &headers, HEADER_LINES)
                .with_hint("One name: value per line. Authorization is added automatically."),
            FormField::multi_line("body", "Body", body_text, BODY_LINES)
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
                FormButton::Submit("Apply"),
            ],
        );
        form.focus = 1;
        let attached_body = before.body.clone().filter(|body| body.text().is_none());
        Self { form, attached_body, removed_headers: before.removed_headers.clone() }
    }

    /// Replaces the body.
    pub fn set_body(&mut self, text: &str) {
        if let Some(field) = self.form.field_mut("body") {
            field.control = FieldInput::MultiLine(TextArea::new(text, BODY_LINES));
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
        let (target, mut query) = request_line::parse_address(self.form.value("address"))
            .map_err(|error| ("address", error.to_string()))?;
        query.extend(parse_query(&self.form.multi_line_value("query")));
        let headers = parse_headers(&self.form.multi_line_value("headers"))
            .map_err(|problem| ("headers", problem.to_owned()))?;
        let text = Some(self.form.multi_line_value("body")).filter(|body| !body.is_empty());
        let body = text.map(DraftBody::Text).or_else(|| self.attached_body.clone());
        let removed_headers = self.removed_headers.clone();
        let method = HttpMethod::parse(self.form.value("method")).unwrap_or_default();
        Ok(RequestDraft { method, target, query, headers, removed_headers, body, preset: None })
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
            FormEvent::Pressed(_) => match self.parse_form() {
                Ok(draft) => {
                    let policy = self.history_policy();
                    DialogResult::RunAndClose(DialogAction::update(move |app, _| {
                        sending::set_written_request(app, draft, policy);
                    }))
                }
                Err((id, problem)) => {
                    self.form.set_field_problem(id, problem);
                    DialogResult::Stay
                }
            },
            FormEvent::Changed(_)
            | FormEvent::Pasted(_)
            | FormEvent::Blurred(_)
            | FormEvent::Unchanged => DialogResult::Stay,
        }
    }

    fn view(&self, _app: &App, _now: Now) -> DialogView {
        let mut view = DialogView::new("Edit request", 96).with_form(&self.form);
        view.head = vec![
            DialogRow::dim(
                "The credential's header is added when the request is sent and is never shown.",
            ),
            DialogRow::Blank,
        ];
        let (role, words) =
            describe_body(&self.form.multi_line_value("body"), self.attached_body.as_ref());
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
fn describe_body(body: &str, attached: Option<&DraftBody>) -> (StyleRole, String) {
    match attached.filter(|_| body.is_empty()) {
        Some(DraftBody::File { file }) => {
            return (StyleRole::Text, format!("The body is read from the file {file}"));
        }
        Some(DraftBody::Form { form }) => {
            let names: Vec<_> = form.iter().map(|part| part.name.as_str()).collect();
            return (StyleRole::Text, format!("The body is a form: {}", names.join(", ")));
        }
        Some(DraftBody::Text(_)) | None => {}
    }
    if body.trim().is_empty() {
        return (StyleRole::Dim, "No body".to_owned());
    }
    match serde_json::from_str::<serde::de::IgnoredAny>(body) {
        Ok(_) => (StyleRole::Good, "The body is valid JSON".to_owned()),
        Err(error) => (StyleRole::Warn, format!("The body is not valid JSON: {error}")),
    }
}

fn parse_query(text: &str) -> impl Iterator<Item = (String, String)> {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines
        .map(|line| line.split_once('=').unwrap_or((line, "")))
        .map(|(name, value)| (name.trim().to_owned(), value.to_owned()))
}

fn parse_headers(text: &str) -> Result<Vec<(String, String)>, &'static str> {
    let mut headers = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').ok_or("must have the form name: value")?;
        if name.trim().eq_ignore_ascii_case("authorization") {
            return Err("cannot contain Authorization: it is added automatically");
        }
        headers.push((name.trim().to_owned(), value.trim().to_owned()));
    }
    Ok(headers)
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
            RequestEditorDialog::new(&draft, HistoryPolicy::WithBody).parse_form(),
            Ok(draft.clone())
        );
        assert_eq!(
            RequestEditorDialog::new(&draft, HistoryPolicy::WithBody).history_policy(),
            HistoryPolicy::WithBody
        );
    }

    #[test]
    fn a_body_that_is_not_text_stays_unless_a_text_is_entered() {
        let target = RequestTarget::parse("/x").expect("a path");
        let body = DraftBody::File { file: "app.ipa".to_owned() };
        let draft = RequestDraft {
            body: Some(body.clone()),
            removed_headers: vec!["user-agent".to_owned()],
            ..RequestDraft::new(HttpMethod::Post, target)
        };
        let mut dialog = RequestEditorDialog::new(&draft, HistoryPolicy::WithoutBody);
        assert_eq!(dialog.parse_form(), Ok(draft));
        assert!(describe_body("", Some(&body)).1.contains("app.ipa"));
        dialog.set_body("a=1");
        assert_eq!(dialog.parse_form().map(|draft| draft.body), Ok(Some("a=1".into())));
    }

    #[test]
    fn where_a_body_stops_being_json_is_said() {
        assert_eq!(describe_body(" ", None), (StyleRole::Dim, "No body".to_owned()));
        assert_eq!(describe_body("[1]", None).0, StyleRole::Good);
        assert!(
            describe_body("{\n  \"a\": }", None).1.contains("line 2 column 8"),
            "{}",
            describe_body("{\n  \"a\": }", None).1
        );
    }

    #[test]
    fn a_header_that_carries_a_credential_is_refused() {
        assert!(parse_headers("authorization: token x").is_err() && parse_headers("x").is_err());
    }
}
