//! Plain-text mode: the screen as a conversation of prompts and replies.
//!
//! Nothing here knows a particular dialog: a dialog returns its question and handles the answer. So
//! every dialog works in plain-text mode, with the same effects.
//! Start reading at [`App::next_prompt`] and `App::handle_reply`. Printing the pages is not done
//! here.

mod command_line;
mod dialog_reply;
mod prompt_command;
mod question_text;

use super::console::ConsolePromptKind;
use super::{App, Now, UiEffect};
use crate::tui::app::dialogs::DialogQuestion;

pub use command_line::{ReadoutPage, plain_help};
pub use prompt_command::PROMPT_HELP;
use question_text::question_prompt;

use crate::tui::app::credentials::filter_query;
use crate::tui::app::widgets::form;

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

impl App {
    /// Returns the next prompt, or `None` while a task is awaited.
    pub fn next_prompt(&self, now: Now) -> Option<TextPrompt> {
        match self.dialogs.top() {
            Some(dialog) if dialog.is_busy() || self.console.awaited_list.is_some() => None,
            Some(dialog) => match dialog.next_question(self, now) {
                DialogQuestion::ReadOnly if self.dialogs.iter().count() == 1 => {
                    Some(self.command_prompt())
                }
                question => Some(question_prompt(&question)),
            },
            None if self.credentials.filter.typing => {
                Some(TextPrompt::visible(format!("Filter ({}): ", filter_query::filter_grammar())))
            }
            None if self.console.prompt.is_some() => {
                Some(TextPrompt::visible(self.console_prompt_label()))
            }
            None if self.is_user_waiting() => None,
            None => Some(self.command_prompt()),
        }
    }

    /// Handles the reply to a prompt. A reply to an outdated prompt is discarded.
    pub(super) fn handle_reply(
        &mut self,
        prompt: &TextPrompt,
        line: &str,
        now: Now,
    ) -> Vec<UiEffect> {
        self.conversation = ConversationState {
            lines_handled: self.conversation.lines_handled + 1,
            ..ConversationState::default()
        };
        if self.next_prompt(now).as_ref() != Some(prompt) {
            self.respond("The prompt has changed in the meantime; nothing was done.");
            return Vec::new();
        }
        let typing = self.credentials.filter.typing || self.console.prompt.is_some();
        match self.dialogs.top() {
            Some(_) => self.handle_dialog_reply(line, now),
            None if typing => self.handle_typed_text(line, now),
            None => self.handle_command_line(line, now),
        }
    }

    /// Handles Ctrl-C: closes the dialog, or else cancels the running task, or else exits.
    pub(super) fn handle_interrupt(&mut self, now: Now) -> Vec<UiEffect> {
        use super::command::{CommandAction, ProgramAction};
        if self.dialogs.is_empty() {
            return self.run_action(CommandAction::Program(ProgramAction::Cancel), now);
        }
        self.dismiss_dialog(now)
    }

    /// Adds a message to the output for the latest line.
    fn respond(&mut self, message: impl Into<String>) {
        self.conversation.messages.push(message.into());
    }

    /// Returns whether the user waits for a started task.
    fn is_user_waiting(&self) -> bool {
        let laying_out = self
            .console
            .response()
            .is_some_and(|response| response.layout_pending(self.console.tab));
        // The first prompt can depend on the state of the store.
        let arriving = self.conversation.lines_handled == 0 && self.activity.store.is_none();
        let computing =
            laying_out || self.console.extraction_pending() || self.console.awaited_list.is_some();
        // The user does not wait for a rotation in the background, which may itself wait for the
        // user.
        let mut running = self.activity.entries.iter().filter(|entry| entry.state.is_running());
        let kept_waiting = running.any(|entry| !self.dialogs.is_hidden(entry.id));
        arriving || !self.credentials.all_rows_loaded() || kept_waiting || computing
    }

    /// Returns the prompt for a command, with the name of the selected credential.
    fn command_prompt(&self) -> TextPrompt {
        let name = self
            .selected()
            .map_or_else(|| "tokenring".to_owned(), |credential| self.display_name(credential));
        TextPrompt::visible(format!("{name}> "))
    }

    /// Returns the prompt for the text typed below the response.
    fn console_prompt_label(&self) -> &'static str {
        match self.console.prompt.as_ref().map(|prompt| prompt.kind) {
            Some(ConsolePromptKind::Filter) => "jq filter (empty for the whole response): ",
            Some(ConsolePromptKind::Search) | None => "Search for: ",
        }
    }

    /// Handles text for the filter of the list, or for the filter or search of the response.
    fn handle_typed_text(&mut self, line: &str, now: Now) -> Vec<UiEffect> {
        if self.credentials.filter.typing {
            self.conversation.pages.push(ReadoutPage::Pane(super::Pane::Credentials));
            let list = &mut self.credentials;
            list.filter.input.reset();
            form::insert_text(&mut list.filter.input, line);
            list.apply_filter(now.wall);
            list.filter.typing = false;
        } else {
            let purpose = self.console.prompt.take().map(|prompt| prompt.kind);
            if purpose == Some(ConsolePromptKind::Filter) {
                self.conversation.pages.push(ReadoutPage::Pane(super::Pane::Console));
                return self.filter_response(line.trim());
            }
            self.conversation.pages.push(ReadoutPage::Matches(line.trim().to_lowercase()));
        }
        Vec::new()
    }
}

impl TextPrompt {
    /// Creates a prompt with echoed input.
    fn visible(question: impl Into<String>) -> Self {
        Self { question: question.into(), echo: EchoMode::Visible }
    }
}
