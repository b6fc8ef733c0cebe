//! The screen as a conversation: what is asked next, and what is meant by the answer.
//!
//! Nothing here knows what a dialog is for. A question is read off the same sheet that is drawn and clicked, and an
//! answer becomes the keys that a person at the drawn screen would press. So every dialog can be talked through, and
//! what it does is the same.

mod answer;
mod aside;
mod command;
mod subject;

use super::console::ConsolePromptKind;
use super::{App, Now, UiEffect};
use crate::config::KeyPress;
use crate::config::key::KeySymbol;

pub use aside::HOW;
pub use command::{Page, help};
use subject::Subject;

/// What is asked, word for word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// The question; it ends where the answer begins.
    pub question: String,
    /// Whether the answer may be seen.
    pub echo: Echo,
}

/// Whether what is typed may be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Echo {
    /// It may.
    Shown,
    /// It is a secret.
    Hidden,
}

/// What has been said in answer to the last line, beside what the state itself tells.
#[derive(Debug, Default)]
pub struct Talk {
    /// How many lines have been heard.
    pub turn: usize,
    /// What the person wants to be read out.
    pub pages: Vec<Page>,
    /// Words to the person.
    pub words: Vec<String>,
}

impl App {
    /// What is asked next; nothing while something is waited for.
    pub fn prompt(&self, now: Now) -> Option<Prompt> {
        match self.dialogs.top() {
            Some(dialog) if dialog.is_busy() || self.console.awaited_list.is_some() => None,
            Some(dialog) => match Subject::of(&dialog.sheet(self, now)) {
                Subject::Nothing if self.dialogs.iter().count() == 1 => Some(self.invitation()),
                subject => Some(subject.prompt()),
            },
            None if self.credentials.filter.typing => {
                Some(Prompt::shown(format!("Filter ({}): ", super::query::filter_grammar())))
            }
            None if self.console.prompt.is_some() => Some(Prompt::shown(self.words_wanted())),
            None if self.is_awaited() => None,
            None => Some(self.invitation()),
        }
    }

    /// Takes in the answer to a question. One that was given to another question is not taken for this one.
    pub(super) fn hear(&mut self, asked: &Prompt, line: &str, now: Now) -> Vec<UiEffect> {
        self.conversation = Talk { turn: self.conversation.turn + 1, ..Talk::default() };
        if self.prompt(now).as_ref() != Some(asked) {
            self.reply("Something came in between; nothing was done.");
            return Vec::new();
        }
        let typing = self.credentials.filter.typing || self.console.prompt.is_some();
        match self.dialogs.top() {
            Some(_) => self.hear_answer(line, now),
            None if typing => self.hear_words(line, now),
            None => self.hear_command(line, now),
        }
    }

    /// Takes in that the person does not want to go on: leaves the dialog, else cancels what runs, else quits.
    pub(super) fn interrupt(&mut self, now: Now) -> Vec<UiEffect> {
        use super::command::{CommandAction, ProgramAction};
        if self.dialogs.is_empty() {
            return self.run_action(CommandAction::Program(ProgramAction::Cancel), now);
        }
        self.tap(KeyPress::without_modifiers(KeySymbol::Esc), now)
    }

    /// Says something in answer to the last line.
    fn reply(&mut self, words: impl Into<String>) {
        self.conversation.words.push(words.into());
    }

    /// Whether something that was started keeps the person waiting.
    fn is_awaited(&self) -> bool {
        let laying_out = self.console.response().is_some_and(|answered| answered.layout_pending(self.console.tab));
        // The first question can be about the store.
        let arriving = self.conversation.turn == 0 && self.activity.store.is_none();
        let computing = laying_out || self.console.extraction_pending() || self.console.awaited_list.is_some();
        // Who let a rotation go on behind the screen does not wait for it, and it may itself wait for the person.
        let mut running = self.activity.entries.iter().filter(|entry| entry.state.is_running());
        let kept_waiting = running.any(|entry| !self.dialogs.hides(entry.id));
        arriving || !self.credentials.all_rows_loaded() || kept_waiting || computing
    }

    /// The question between two commands: it names what the next one is about.
    fn invitation(&self) -> Prompt {
        let name = self.selected().map_or_else(|| "tokenring".to_owned(), |credential| self.display_name(credential));
        Prompt::shown(format!("{name}> "))
    }

    /// What is typed below the answer.
    fn words_wanted(&self) -> &'static str {
        match self.console.prompt.as_ref().map(|prompt| prompt.kind) {
            Some(ConsolePromptKind::Filter) => "jq filter (empty for the whole answer): ",
            Some(ConsolePromptKind::Search) | None => "Search for: ",
        }
    }

    /// What the text being typed at the foot of a pane is.
    fn hear_words(&mut self, line: &str, now: Now) -> Vec<UiEffect> {
        if self.credentials.filter.typing {
            self.conversation.pages.push(Page::Pane(super::Pane::Credentials));
            let list = &mut self.credentials;
            list.filter.input.reset();
            super::form::insert_text(&mut list.filter.input, line);
            list.apply_filter(now.wall);
            list.filter.typing = false;
        } else {
            let purpose = self.console.prompt.take().map(|prompt| prompt.kind);
            if purpose == Some(ConsolePromptKind::Filter) {
                self.conversation.pages.push(Page::Pane(super::Pane::Console));
                return self.filter_response(line.trim());
            }
            self.conversation.pages.push(Page::Matches(line.trim().to_lowercase()));
        }
        Vec::new()
    }

    /// Presses a key in the top dialog.
    fn tap(&mut self, key: KeyPress, now: Now) -> Vec<UiEffect> {
        self.with_top_dialog(now, |dialog, app| dialog.key(key, app, now))
    }
}

impl Prompt {
    /// A question whose answer may be seen.
    fn shown(question: impl Into<String>) -> Self {
        Self { question: question.into(), echo: Echo::Shown }
    }
}
