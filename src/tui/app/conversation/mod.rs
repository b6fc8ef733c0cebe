//! The screen as a conversation: what is asked next, and what is meant by the answer.
//!
//! Nothing here knows what a dialog is for. A question is read off the same sheet that is drawn and clicked, and an
//! answer becomes the keys that a person at the drawn screen would press. So every dialog can be talked through, and
//! what it does is the same.

mod command_line;
mod dialog_reply;
mod expected_input;
mod prompt_command;

use super::console::ConsolePromptKind;
use super::{App, Now, UiEffect};
use crate::config::KeyPress;
use crate::config::key::KeySymbol;

pub use command_line::{ReadoutPage, plain_help};
use expected_input::ExpectedInput;
pub use prompt_command::PROMPT_HELP;

/// What is asked, word for word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextPrompt {
    /// The question; it ends where the answer begins.
    pub question: String,
    /// Whether the answer may be seen.
    pub echo: EchoMode,
}

/// Whether what is typed may be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EchoMode {
    /// It may.
    Visible,
    /// It is a secret.
    Hidden,
}

/// What has been said in answer to the last line, beside what the state itself tells.
#[derive(Debug, Default)]
pub struct ConversationState {
    /// How many lines have been heard.
    pub lines_handled: usize,
    /// What the person wants to be read out.
    pub pages: Vec<ReadoutPage>,
    /// Words to the person.
    pub messages: Vec<String>,
}

impl App {
    /// What is asked next; nothing while something is waited for.
    pub fn next_prompt(&self, now: Now) -> Option<TextPrompt> {
        match self.dialogs.top() {
            Some(dialog) if dialog.is_busy() || self.console.awaited_list.is_some() => None,
            Some(dialog) => match ExpectedInput::from_view(&dialog.view(self, now)) {
                ExpectedInput::ReadOnly if self.dialogs.iter().count() == 1 => {
                    Some(self.command_prompt())
                }
                subject => Some(subject.to_prompt()),
            },
            None if self.credentials.filter.typing => Some(TextPrompt::visible(format!(
                "Filter ({}): ",
                super::filter_query::filter_grammar()
            ))),
            None if self.console.prompt.is_some() => {
                Some(TextPrompt::visible(self.console_prompt_label()))
            }
            None if self.is_user_waiting() => None,
            None => Some(self.command_prompt()),
        }
    }

    /// Takes in the answer to a question. One that was given to another question is not taken for this one.
    pub(super) fn handle_reply(
        &mut self,
        asked: &TextPrompt,
        line: &str,
        now: Now,
    ) -> Vec<UiEffect> {
        self.conversation = ConversationState {
            lines_handled: self.conversation.lines_handled + 1,
            ..ConversationState::default()
        };
        if self.next_prompt(now).as_ref() != Some(asked) {
            self.respond("Something came in between; nothing was done.");
            return Vec::new();
        }
        let typing = self.credentials.filter.typing || self.console.prompt.is_some();
        match self.dialogs.top() {
            Some(_) => self.handle_dialog_reply(line, now),
            None if typing => self.handle_typed_text(line, now),
            None => self.handle_command_line(line, now),
        }
    }

    /// Takes in that the person does not want to go on: leaves the dialog, else cancels what runs, else quits.
    pub(super) fn handle_interrupt(&mut self, now: Now) -> Vec<UiEffect> {
        use super::command::{CommandAction, ProgramAction};
        if self.dialogs.is_empty() {
            return self.run_action(CommandAction::Program(ProgramAction::Cancel), now);
        }
        self.press_dialog_key(KeyPress::without_modifiers(KeySymbol::Esc), now)
    }

    /// Says something in answer to the last line.
    fn respond(&mut self, words: impl Into<String>) {
        self.conversation.messages.push(words.into());
    }

    /// Whether something that was started keeps the person waiting.
    fn is_user_waiting(&self) -> bool {
        let laying_out = self
            .console
            .response()
            .is_some_and(|answered| answered.layout_pending(self.console.tab));
        // The first question can be about the store.
        let arriving = self.conversation.lines_handled == 0 && self.activity.store.is_none();
        let computing =
            laying_out || self.console.extraction_pending() || self.console.awaited_list.is_some();
        // Who let a rotation go on behind the screen does not wait for it, and it may itself wait for the person.
        let mut running = self.activity.entries.iter().filter(|entry| entry.state.is_running());
        let kept_waiting = running.any(|entry| !self.dialogs.has_hidden_wizard(entry.id));
        arriving || !self.credentials.all_rows_loaded() || kept_waiting || computing
    }

    /// The question between two commands: it names what the next one is about.
    fn command_prompt(&self) -> TextPrompt {
        let name = self
            .selected()
            .map_or_else(|| "tokenring".to_owned(), |credential| self.display_name(credential));
        TextPrompt::visible(format!("{name}> "))
    }

    /// What is typed below the answer.
    fn console_prompt_label(&self) -> &'static str {
        match self.console.prompt.as_ref().map(|prompt| prompt.kind) {
            Some(ConsolePromptKind::Filter) => "jq filter (empty for the whole answer): ",
            Some(ConsolePromptKind::Search) | None => "Search for: ",
        }
    }

    /// What the text being typed at the foot of a pane is.
    fn handle_typed_text(&mut self, line: &str, now: Now) -> Vec<UiEffect> {
        if self.credentials.filter.typing {
            self.conversation.pages.push(ReadoutPage::Pane(super::Pane::Credentials));
            let list = &mut self.credentials;
            list.filter.input.reset();
            super::form::insert_text(&mut list.filter.input, line);
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

    /// Presses a key in the top dialog.
    fn press_dialog_key(&mut self, key: KeyPress, now: Now) -> Vec<UiEffect> {
        self.with_top_dialog(now, |dialog, app| dialog.handle_key(key, app, now))
    }
}

impl TextPrompt {
    /// A question whose answer may be seen.
    fn visible(question: impl Into<String>) -> Self {
        Self { question: question.into(), echo: EchoMode::Visible }
    }
}
