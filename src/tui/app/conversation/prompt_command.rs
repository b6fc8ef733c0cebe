//! Commands that are entered in place of a reply to a prompt: words that close the dialog, and
//! commands of the table.

use super::{App, Now, UiEffect};
use crate::tui::app::command::{CommandAction, CommandSpec, ProgramAction};
use crate::tui::app::dialogs::Dialog;

/// Words that close a dialog, as a full stop does. They are not plausible values of a field.
const LEAVE_WORDS: [&str; 4] = ["close", "cancel", "leave", "esc"];

/// Help for the inputs that every prompt accepts.
pub const PROMPT_HELP: &str = "At a prompt, Enter keeps the value in brackets, - clears it, < goes back, and a period (.) or close closes the dialog.";

/// Returns whether these words are a command even where any text is a valid reply. Only a
/// passphrase may consist of them.
pub(super) fn is_prompt_command(words: &str) -> bool {
    let words = words.to_lowercase();
    LEAVE_WORDS.contains(&words.as_str()) || ["help", "quit"].contains(&words.as_str())
}

impl App {
    /// Handles a reply that matches none of the `choices` options. A command runs if no input is
    /// lost.
    pub(super) fn handle_unmatched_reply(
        &mut self,
        reply: &str,
        choices: usize,
        now: Now,
    ) -> Vec<UiEffect> {
        if LEAVE_WORDS.contains(&reply.to_lowercase().as_str()) {
            return self.dismiss_dialog(now);
        }
        match self.find_typed_command(reply) {
            Some(CommandSpec { action: CommandAction::Program(ProgramAction::Help), .. }) => {
                self.respond(PROMPT_HELP);
            }
            Some(CommandSpec { action: CommandAction::Program(ProgramAction::Quit), .. }) => {
                return self.close_dialogs_and_run(reply, now);
            }
            Some(_) if !self.dialogs.iter().any(Dialog::has_fields) => {
                return self.close_dialogs_and_run(reply, now);
            }
            Some(command) => {
                self.respond(format!(
                    "{} is a command. Answer the prompt first, or enter a period (.) to close the dialog.",
                    command.name
                ));
            }
            None if choices == 0 => self.respond("There is nothing to select."),
            None => {
                self.respond(format!(
                    "\"{reply}\" matches no option: enter a number from 1 to {choices}, or the first letters of an option."
                ));
            }
        }
        Vec::new()
    }

    /// Closes all dialogs, and runs a command.
    fn close_dialogs_and_run(&mut self, command: &str, now: Now) -> Vec<UiEffect> {
        let open = self.dialogs.iter().count();
        let mut effects: Vec<_> = (0..open).flat_map(|_| self.dismiss_dialog(now)).collect();
        if self.dialogs.is_empty() {
            effects.extend(self.handle_command_line(command, now));
        }
        effects
    }
}
