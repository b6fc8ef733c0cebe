//! Plain-text mode: the screen as a conversation of prompts and replies.
//!
//! Nothing here knows a particular dialog: a dialog returns its question and handles the answer. So
//! every dialog works in plain-text mode, with the same effects.
//! Start reading at [`next_prompt`] and `handle_reply`. Printing the pages is not done
//! here.

mod command_line;
mod dialog_reply;

use crate::tui::app::console::ConsolePromptKind;
use crate::tui::app::conversation::dialog_reply::question_prompt;
use crate::tui::app::credentials::filter_query;
use crate::tui::app::dialogs::DialogQuestion;
use crate::tui::app::widgets::form;
use crate::tui::app::{App, Now, UiEffect};

pub use crate::tui::app::conversation::command_line::PROMPT_HELP;
pub use command_line::{ReadoutPage, plain_help};

/// A prompt in plain-text mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextPrompt {
    /// The text of the prompt; the input follows it on the same line.
    pub question: String,
    /// Whether the input is echoed.
    pub echo: EchoMode,
}

/// Whether input is echoed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EchoMode {
    /// The input is echoed.
    Visible,
    /// The input is a secret and is not echoed.
    Hidden,
}

/// Output for the latest line, in addition to the changes of the application's state.
#[derive(Debug, Default)]
pub struct ConversationState {
    /// Number of lines handled so far.
    pub lines_handled: usize,
    /// Pages to print.
    pub pages: Vec<ReadoutPage>,
    /// Messages to the user.
    pub messages: Vec<String>,
}

impl TextPrompt {
    /// Creates a prompt with echoed input.
    fn visible(question: impl Into<String>) -> Self {
        Self { question: question.into(), echo: EchoMode::Visible }
    }
}

/// Returns the next prompt, or `None` while a task is awaited.
pub fn next_prompt(app: &App, now: Now) -> Option<TextPrompt> {
    match app.dialogs.top() {
        Some(dialog) if dialog.is_busy() || app.console.awaited_list.is_some() => None,
        Some(dialog) => match dialog.next_question(app, now) {
            DialogQuestion::ReadOnly if app.dialogs.iter().count() == 1 => {
                Some(command_prompt(app))
            }
            question => Some(question_prompt(&question)),
        },
        None if app.credentials.filter.typing => {
            Some(TextPrompt::visible(format!("Filter ({}): ", filter_query::filter_grammar())))
        }
        None if app.console.prompt.is_some() => {
            Some(TextPrompt::visible(console_prompt_label(app)))
        }
        None if is_user_waiting(app) => None,
        None => Some(command_prompt(app)),
    }
}

/// Handles the reply to a prompt. A reply to an outdated prompt is discarded.
pub(in crate::tui::app) fn handle_reply(
    app: &mut App,
    prompt: &TextPrompt,
    line: &str,
    now: Now,
) -> Vec<UiEffect> {
    app.conversation = ConversationState {
        lines_handled: app.conversation.lines_handled + 1,
        ..ConversationState::default()
    };
    if next_prompt(app, now).as_ref() != Some(prompt) {
        respond(app, "The prompt has changed in the meantime; nothing was done.");
        return Vec::new();
    }
    let typing = app.credentials.filter.typing || app.console.prompt.is_some();
    match app.dialogs.top() {
        Some(_) => dialog_reply::handle_dialog_reply(app, line, now),
        None if typing => handle_typed_text(app, line, now),
        None => command_line::handle_command_line(app, line, now),
    }
}

/// Handles Ctrl-C: closes the dialog, or else cancels the running task, or else exits.
pub(in crate::tui::app) fn handle_interrupt(app: &mut App, now: Now) -> Vec<UiEffect> {
    use super::command::{CommandAction, ProgramAction};
    if app.dialogs.is_empty() {
        return app.run_action(CommandAction::Program(ProgramAction::Cancel), now);
    }
    dialog_reply::dismiss_dialog(app, now)
}

/// Adds a message to the output for the latest line.
pub(in crate::tui::app) fn respond(app: &mut App, message: impl Into<String>) {
    app.conversation.messages.push(message.into());
}

/// Returns whether the user waits for a started task.
fn is_user_waiting(app: &App) -> bool {
    let laying_out =
        app.console.response().is_some_and(|response| response.layout_pending(app.console.tab));
    // The first prompt can depend on the state of the store.
    let arriving = app.conversation.lines_handled == 0 && app.activity.store.is_none();
    let computing =
        laying_out || app.console.extraction_pending() || app.console.awaited_list.is_some();
    // The user does not wait for a rotation in the background, which may itself wait for the
    // user.
    let mut running = app.activity.entries.iter().filter(|entry| entry.state.is_running());
    let kept_waiting = running.any(|entry| !app.dialogs.is_hidden(entry.id));
    arriving || !app.credentials.all_rows_loaded() || kept_waiting || computing
}

/// Returns the prompt for a command, with the name of the selected credential.
fn command_prompt(app: &App) -> TextPrompt {
    let name = app
        .selected()
        .map_or_else(|| "tokenring".to_owned(), |credential| app.display_name(credential));
    TextPrompt::visible(format!("{name}> "))
}

/// Returns the prompt for the text typed below the response.
fn console_prompt_label(app: &App) -> &'static str {
    match app.console.prompt.as_ref().map(|prompt| prompt.kind) {
        Some(ConsolePromptKind::Filter) => "jq filter (empty for the whole response): ",
        Some(ConsolePromptKind::Search) | None => "Search for: ",
    }
}

/// Handles text for the filter of the list, or for the filter or search of the response.
pub(in crate::tui::app) fn handle_typed_text(app: &mut App, line: &str, now: Now) -> Vec<UiEffect> {
    if app.credentials.filter.typing {
        app.conversation.pages.push(ReadoutPage::Pane(super::Pane::Credentials));
        let list = &mut app.credentials;
        list.filter.input.reset();
        form::insert_text(&mut list.filter.input, line);
        list.apply_filter(now.wall);
        list.filter.typing = false;
    } else {
        let purpose = app.console.prompt.take().map(|prompt| prompt.kind);
        if purpose == Some(ConsolePromptKind::Filter) {
            app.conversation.pages.push(ReadoutPage::Pane(super::Pane::Console));
            return app.filter_response(line.trim());
        }
        app.conversation.pages.push(ReadoutPage::Matches(line.trim().to_lowercase()));
    }
    Vec::new()
}
