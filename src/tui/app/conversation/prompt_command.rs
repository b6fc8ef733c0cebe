//! Commands that are entered in place of a reply to a prompt: words that close the dialog, and
//! commands of the table.

use crate::tui::app::command::{CommandAction, CommandSpec, ProgramAction};
use crate::tui::app::conversation;
use crate::tui::app::conversation::{App, Now, UiEffect, command_line, dialog_reply};
use crate::tui::app::dialogs::Dialog;

/// Words that close a dialog, as a full stop does. They are not plausible values of a field.
const LEAVE_WORDS: [&str; 4] = ["close", "cancel", "leave", "esc"];

/// Help for the inputs that every prompt accepts.
pub const PROMPT_HELP: &str = "At a prompt, Enter keeps the value in brackets, - clears it, < goes back, and a period (.) or close closes the dialog.";

/// Handles a reply that matches none of the `choices` options. A command runs if no input is
/// lost.
pub(in crate::tui::app) fn handle_unmatched_reply(
    app: &mut App,
    reply: &str,
    choices: usize,
    now: Now,
) -> Vec<UiEffect> {
    if LEAVE_WORDS.contains(&reply.to_lowercase().as_str()) {
        return dialog_reply::dismiss_dialog(app, now);
    }
    match command_line::find_typed_command(app, reply) {
        Some(CommandSpec { action: CommandAction::Program(ProgramAction::Help), .. }) => {
            conversation::respond(app, PROMPT_HELP);
        }
        Some(CommandSpec { action: CommandAction::Program(ProgramAction::Quit), .. }) => {
            return close_dialogs_and_run(app, reply, now);
        }
        Some(_) if !app.dialogs.iter().any(Dialog::has_fields) => {
            return close_dialogs_and_run(app, reply, now);
        }
        Some(command) => {
            conversation::respond(
                app,
                format!(
                    "{} is a command. Answer the prompt first, or enter a period (.) to close the dialog.",
                    command.name
                ),
            );
        }
        None if choices == 0 => conversation::respond(app, "There is nothing to select."),
        None => {
            conversation::respond(
                app,
                format!(
                    "\"{reply}\" matches no option: enter a number from 1 to {choices}, or the first letters of an option."
                ),
            );
        }
    }
    Vec::new()
}

/// Closes all dialogs, and runs a command.
fn close_dialogs_and_run(app: &mut App, command: &str, now: Now) -> Vec<UiEffect> {
    let open = app.dialogs.iter().count();
    let mut effects: Vec<_> =
        (0..open).flat_map(|_| dialog_reply::dismiss_dialog(app, now)).collect();
    if app.dialogs.is_empty() {
        effects.extend(command_line::handle_command_line(app, command, now));
    }
    effects
}

/// Returns whether these words are a command even where any text is a valid reply. Only a
/// passphrase may consist of them.
pub(super) fn is_prompt_command(words: &str) -> bool {
    let words = words.to_lowercase();
    LEAVE_WORDS.contains(&words.as_str()) || ["help", "quit"].contains(&words.as_str())
}
