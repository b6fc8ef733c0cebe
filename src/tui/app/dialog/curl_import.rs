//! A curl command that is about to be pasted. It is never shown: its secrets are dropped before anything of it is.

use zeroize::Zeroizing;

use super::{ConsoleDialogAction, DialogAction, DialogResult};
use crate::tui::app::dialog_view::{DialogRow, DialogView, FieldValue, FieldView};

/// The dialog that waits for the paste.
pub struct CurlImportDialog;

impl CurlImportDialog {
    /// Takes the command in.
    pub fn handle_paste(text: &str) -> DialogResult {
        DialogResult::RunAndClose(DialogAction::Console(Box::new(ConsoleDialogAction::ImportCurl(
            Zeroizing::new(text.to_owned()),
        ))))
    }

    /// What it shows.
    pub fn view() -> DialogView {
        let mut sheet = DialogView::new("Take over a curl command", 66);
        sheet.head = vec![
            DialogRow::text("Paste a curl command, such as one that a browser copies as cURL."),
            DialogRow::dim(
                "Method, address, query, headers and body become the request. What is secret in it (Authorization, cookies, \
                      tokens) is dropped and named; the credential's own secret takes its place when it is sent.",
            ),
        ];
        // A field that shows nothing: a curl command often has a secret in it.
        let (label, value) = ("Command, on one line".to_owned(), FieldValue::Secret(false));
        sheet.body = vec![
            DialogRow::Blank,
            DialogRow::Field(FieldView {
                index: 0,
                label,
                value,
                focused: true,
                has_problem: false,
            }),
        ];
        sheet.foot = vec![
            DialogRow::Blank,
            DialogRow::dim(
                "Esc closes · with a credential selected, a paste outside does the same",
            ),
        ];
        sheet
    }
}

/// Whether a pasted text is a curl command rather than a secret.
pub fn is_curl(text: &str) -> bool {
    let text = text.trim_start().trim_start_matches(['$', '%', '#', '>']).trim_start();
    ["curl ", "curl\t", "curl\\", "curl.exe "].iter().any(|word| text.starts_with(word))
}
