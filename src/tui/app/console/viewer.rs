//! Handing the text of a response to the user's pager or editor.
//!
//! The program gets what the screen may show: masked, and without characters that control a
//! terminal. Start at [`open_viewer`].

use crate::domain::Problem;
use crate::tui::app::activity::NotificationLevel;
use crate::tui::app::{App, Now, UiEffect, ViewerProgram};

/// Shows the whole text of the current tab in another program. In presentation mode the screen hides
/// responses, so no program gets them.
pub(in crate::tui::app) fn open_viewer(
    app: &mut App,
    program: ViewerProgram,
    now: Now,
) -> Vec<UiEffect> {
    let refused = match program {
        ViewerProgram::Pager => "The pager is not opened",
        ViewerProgram::Editor => "The editor is not opened",
    };
    if app.refuse_in_presentation(refused, now) {
        return Vec::new();
    }
    let Some(document) = app.console.document() else {
        let text = "There is no text to show yet";
        app.activity.notify(NotificationLevel::Warning, text, now.instant);
        return Vec::new();
    };
    let is_json = document.is_json();
    vec![UiEffect::OpenViewer { program, text: document.pretty_text(), is_json }]
}

/// Reports a program that could not show the text.
pub(in crate::tui::app) fn on_viewer_closed(app: &mut App, shown: Result<(), Problem>) {
    if let Err(problem) = shown {
        app.show_problem("Response", problem);
    }
}
