//! Dialog that waits for a pasted curl command.
//!
//! The command is never shown: its secrets are removed before any part of it appears. Parsing is
//! not done here; [`Dialog::handle_paste`] only hands the text over.

use crate::tui::app::console::request_lists;
use crate::tui::app::dialogs::{
    Dialog, DialogAction, DialogAnswer, DialogQuestion, DialogResult, FieldQuestion, QuestionValue,
};
use crate::tui::app::widgets::dialog_view::{DialogRow, DialogView, FieldValue, FieldView};
use crate::tui::app::{App, Now};
use zeroize::Zeroizing;

/// Label of the field.
const LABEL: &str = "Command, on one line";

/// Dialog that waits for a pasted curl command.
pub struct CurlImportDialog;

impl Dialog for CurlImportDialog {
    fn handle_paste(&mut self, text: &str, _app: &App, _now: Now) -> DialogResult {
        let text = Zeroizing::new(text.to_owned());
        DialogResult::RunAndClose(DialogAction::update(move |app, now| {
            request_lists::import_curl(app, &text, now);
        }))
    }

    fn has_fields(&self) -> bool {
        true
    }

    fn next_question(&self, _app: &App, _now: Now) -> DialogQuestion {
        DialogQuestion::Field(FieldQuestion {
            has_listing: false,
            label: LABEL.to_owned(),
            message: String::new(),
            value: QuestionValue::Secret { is_entered: false },
            alternatives: Vec::new(),
            accepts_commands: true,
        })
    }

    fn answer(&mut self, answer: DialogAnswer<'_>, app: &App, now: Now) -> DialogResult {
        match answer {
            DialogAnswer::Text(text) => self.handle_paste(text, app, now),
            _ => DialogResult::Stay,
        }
    }

    fn view(&self, _app: &App, _now: Now) -> DialogView {
        let mut view = DialogView::new("Import curl command", 66);
        view.head = vec![
            DialogRow::text(
                "Paste a curl command, for example from \"Copy as cURL\" in a browser.",
            ),
            DialogRow::dim(
                "Method, URL, query, headers and body become the request. Secrets (Authorization, cookies, tokens) are removed \
                      and listed; the credential's own secret is added when the request is sent.",
            ),
        ];
        // The field shows nothing, because a curl command often contains a secret.
        let (label, value) = (LABEL.to_owned(), FieldValue::Secret(false));
        view.body = vec![
            DialogRow::Blank,
            DialogRow::Field(FieldView {
                index: 0,
                label,
                value,
                focused: true,
                has_problem: false,
            }),
        ];
        view.foot = vec![
            DialogRow::Blank,
            DialogRow::dim("Esc close · with a credential selected, you can paste it anywhere"),
        ];
        view
    }
}

/// Returns whether a pasted text is a curl command rather than a secret.
pub fn is_curl(text: &str) -> bool {
    let text = text.trim_start().trim_start_matches(['$', '%', '#', '>']).trim_start();
    ["curl ", "curl\t", "curl\\", "curl.exe "].iter().any(|word| text.starts_with(word))
}
