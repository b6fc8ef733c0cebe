//! What is said in a question and is no answer to it: a word that leaves, or a command.

use super::answer::ESC;
use super::{App, Now, UiEffect};
use crate::tui::app::command::{CommandAction, CommandSpec, ProgramAction};
use crate::tui::app::sheet::DialogRow;

/// Words that leave a question, as a full stop does. Nobody calls anything so.
const LEAVING: [&str; 4] = ["close", "cancel", "leave", "esc"];

/// How one finds the way through questions.
pub const HOW: &str =
    "In a question, Enter keeps what stands in brackets, - empties it, < goes back, and a full stop or close leaves.";

/// Whether these words are about the question even where any text may be its answer. Only a passphrase may be such.
pub(super) fn is_about_question(words: &str) -> bool {
    let words = words.to_lowercase();
    LEAVING.contains(&words.as_str()) || ["help", "quit"].contains(&words.as_str())
}

impl App {
    /// Takes in what does not answer a question with so many choices. A command is obeyed where nothing is lost by it.
    pub(super) fn hear_aside(&mut self, answer: &str, choices: usize, now: Now) -> Vec<UiEffect> {
        if LEAVING.contains(&answer.to_lowercase().as_str()) {
            return self.tap(ESC, now);
        }
        match self.command_of(answer) {
            Some(CommandSpec { action: CommandAction::Program(ProgramAction::Help), .. }) => self.reply(HOW),
            Some(CommandSpec { action: CommandAction::Program(ProgramAction::Quit), .. }) => return self.leave_for(answer, now),
            Some(_) if self.holds_nothing(now) => return self.leave_for(answer, now),
            Some(command) => {
                self.reply(format!("{} is a command, and this question comes first: a full stop leaves it.", command.name));
            }
            None if choices == 0 => self.reply("There is nothing to choose from."),
            None => {
                self.reply(format!("\"{answer}\" is not among them: a number from 1 to {choices} is needed, or how one begins."));
            }
        }
        Vec::new()
    }

    /// Leaves all dialogs, and carries a command out.
    fn leave_for(&mut self, command: &str, now: Now) -> Vec<UiEffect> {
        let open = self.dialogs.iter().count();
        let mut effects: Vec<_> = (0..open).flat_map(|_| self.tap(ESC, now)).collect();
        if self.dialogs.is_empty() {
            effects.extend(self.hear_command(command, now));
        }
        effects
    }

    /// Whether nothing that a person has written is lost with the dialogs.
    fn holds_nothing(&self, now: Now) -> bool {
        let is_free = |sheet: &crate::tui::app::sheet::DialogView| {
            let mut rows = sheet.head.iter().chain(&sheet.body).chain(&sheet.foot);
            !rows.any(|row| matches!(row, DialogRow::Field(field) if field.index != usize::MAX))
        };
        self.dialogs.iter().all(|dialog| is_free(&dialog.sheet(self, now)))
    }
}
