//! Dialog that waits for a pasted curl command.
//!
//! The command is never shown: its secrets are removed before any part of it appears. Parsing is
//! not done here; [`CurlImportDialog::handle_paste`] only hands the text over.

use zeroize::Zeroizing;

use crate::tui::app::dialogs::{ConsoleDialogAction, DialogAction, DialogResult};
use crate::tui::app::widgets::dialog_view::{DialogRow, DialogView, FieldValue, FieldView};

/// Dialog that waits for a pasted curl command.
pub struct CurlImportDialog;

impl CurlImportDialog {
    /// Handles a pasted curl command.
    pub fn handle_paste(text: &str) -> DialogResult {
        DialogResult::RunAndClose(DialogAction::Console(Box::new(ConsoleDialogAction::ImportCurl(
            Zeroizing::new(text.to_owned()),
        ))))
    }

    /// Builds the view of the dialog.
    pub fn view() -> DialogView {
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
        let (label, value) = ("Command, on one line".to_owned(), FieldValue::Secret(false));
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
