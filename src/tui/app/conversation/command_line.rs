//! Command line of plain-text mode: parses a line that is entered while no dialog waits for input.
//!
//! A line names a command of the table (by name, alias, title or key), a credential (by number or
//! name), or both. Replies to a dialog are in `dialog_reply`. Start reading at
//! [`handle_command_line`].
//!
//! Commands that are entered in place of a reply to a prompt: words that close the dialog, and
//! commands of the table.

use crate::config::KeyPress;
use crate::domain::{Credential, CredentialId};
use crate::tui::app::activity::Notification;
use crate::tui::app::command::{
    self, COMMANDS, CommandAction, CommandSpec, ConsoleAction, CredentialAction, FocusTarget,
    ProgramAction, ScreenAction,
};
use crate::tui::app::console::request_dialog::RequestEditorDialog;
use crate::tui::app::conversation::{self, command_line, dialog_reply};
use crate::tui::app::dialogs::{
    Dialog, DialogAnswer, DialogQuestion, FieldQuestion, QuestionValue,
};
use crate::tui::app::{App, Now, Pane, PresentationMode, UiEffect};

/// A page that plain-text mode prints on request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadoutPage {
    /// The contents of a pane.
    Pane(Pane),
    /// The commands that can run now.
    Commands,
    /// The lines of the response that contain these words.
    Matches(String),
}

/// Aliases of commands: words that users try first.
const COMMAND_ALIASES: [(&str, &str); 13] = [
    ("list", "credentials"),
    ("ls", "credentials"),
    ("exit", "quit"),
    ("commands", "help"),
    ("back", "up"),
    ("next", "down"),
    ("region", "pick-region"),
    ("show", "show-secret"),
    ("copy", "copy-secret"),
    ("jq", "filter-answer"),
    ("save", "save-request"),
    ("saved", "saved-requests"),
    ("write", "write-answer"),
];

/// Handles a line that is entered while no dialog waits for input.
pub(in crate::tui::app) fn handle_command_line(
    app: &mut App,
    line: &str,
    now: Now,
) -> Vec<UiEffect> {
    let line = line.trim();
    if line.is_empty() {
        return Vec::new();
    }
    if let Some(command) = find_typed_command(app, line) {
        return run_typed_command(app, command, now);
    }
    if let Some(id) = find_typed_credential(app, line) {
        return select_typed_credential(app, &id, now);
    }
    let last =
        line.rsplit_once(' ').and_then(|(head, tail)| Some((find_typed_command(app, head)?, tail)));
    let first = || {
        line.split_once(' ').and_then(|(head, tail)| Some((find_typed_command(app, head)?, tail)))
    };
    if let Some((command, rest)) = last.or_else(first) {
        return run_command_with_argument(app, command, rest, now);
    }
    let near = similar_commands(app, line);
    let near =
        if near.is_empty() { String::new() } else { format!(" Did you mean {}?", near.join(", ")) };
    conversation::respond(
        app,
        format!(
            "\"{line}\" is neither a command nor a credential.{near} Enter help to list the commands."
        ),
    );
    Vec::new()
}

/// Runs a command on a credential, or with a reply to its first question.
fn run_command_with_argument(
    app: &mut App,
    command: &'static CommandSpec,
    rest: &str,
    now: Now,
) -> Vec<UiEffect> {
    if let Some(id) = find_typed_credential(app, rest) {
        app.credentials.select_id(Some(&id));
        let mut effects = app.sync_state(now);
        effects.extend(run_typed_command(app, command, now));
        return effects;
    }
    let mut effects = run_typed_command(app, command, now);
    let typing = app.credentials.filter.typing || app.console.prompt.is_some();
    match app.dialogs.top() {
        Some(dialog)
            if matches!(
                dialog.next_question(app, now),
                DialogQuestion::Field(FieldQuestion { value: QuestionValue::Secret { .. }, .. })
            ) =>
        {
            conversation::respond(
                app,
                format!(
                    "\"{rest}\" was ignored: a secret is expected, and a command line is visible."
                ),
            );
        }
        Some(dialog) if !dialog.is_busy() => {
            effects.extend(dialog_reply::handle_dialog_reply(app, rest, now));
        }
        None if typing => effects.extend(conversation::handle_typed_text(app, rest, now)),
        _ => conversation::respond(app, format!("\"{rest}\" is not a credential and was ignored.")),
    }
    effects
}

/// Runs a command, or explains why it cannot run.
fn run_typed_command(app: &mut App, command: &'static CommandSpec, now: Now) -> Vec<UiEffect> {
    match command.action {
        CommandAction::Program(ProgramAction::Help) => {
            app.conversation.pages.push(ReadoutPage::Commands);
        }
        CommandAction::Console(ConsoleAction::FoldValue) => {
            conversation::respond(app, "No dialog is open.");
        }
        // Plain-text mode does not show the region cursor; ask for the region unless the cursor
        // was moved.
        CommandAction::Credential(CredentialAction::SwitchRegion)
            if !app.is_other_region_under_cursor() =>
        {
            return app.run_action(CommandAction::Credential(CredentialAction::PickRegion), now);
        }
        _ if plain_help(command).is_none() => {
            conversation::respond(
                app,
                format!("{} is only available in the full-screen interface.", command.name),
            );
        }
        action if !app.can_run(action) => {
            conversation::respond(app, format!("{}: not available right now.", command.name));
        }
        CommandAction::Credential(CredentialAction::ToggleSecret) => {
            app.conversation.pages.push(ReadoutPage::Pane(Pane::Detail));
            conversation::respond(
                app,
                "The secret is not printed, because it would stay visible in the terminal. Enter copy to copy it to the clipboard.",
            );
        }
        action => {
            queue_readout(app, action);
            if let (CommandAction::Credential(CredentialAction::OpenPage), Some(page)) =
                (action, app.provider_page())
            {
                conversation::respond(app, format!("Page: {page}"));
            }
            let before = visible_effects(app);
            let mut effects = app.run_action(action, now);
            if action == CommandAction::Console(ConsoleAction::EditRequest) {
                // On the drawn screen, the cursor starts at the path; plain-text mode asks for
                // the method first.
                if app.dialogs.top_as::<RequestEditorDialog>().is_some() {
                    effects.extend(dialog_reply::answer_dialog(app, DialogAnswer::Previous, now));
                }
            }
            if matches!(action, CommandAction::Focus(FocusTarget::Next | FocusTarget::Previous)) {
                app.conversation.pages.push(ReadoutPage::Pane(app.ui_state.focus));
            }
            if effects.is_empty()
                && app.conversation.pages.is_empty()
                && before == visible_effects(app)
            {
                conversation::respond(app, format!("{}: nothing changed.", command.name));
            }
            return effects;
        }
    }
    Vec::new()
}

/// Returns the visible state that commands without a page of their own change.
fn visible_effects(app: &App) -> (usize, usize, Option<Notification>, PresentationMode, bool) {
    let typing = app.credentials.filter.typing || app.console.prompt.is_some();
    let notice = app.activity.last_notification().cloned();
    (
        app.dialogs.iter().count(),
        app.credentials.mark_count(),
        notice,
        app.ui_state.presentation,
        typing,
    )
}

/// Queues the page to print after a command that only moves.
fn queue_readout(app: &mut App, action: CommandAction) {
    let page = match action {
        CommandAction::Focus(FocusTarget::To(pane)) => pane,
        CommandAction::Move(_) if app.ui_state.focus == Pane::Credentials => Pane::Detail,
        CommandAction::Move(_) => app.ui_state.focus,
        CommandAction::Console(
            ConsoleAction::NextTab | ConsoleAction::ToggleDiff | ConsoleAction::ClearFilter,
        ) => Pane::Console,
        CommandAction::Credential(
            CredentialAction::SortList | CredentialAction::ClearFilter | CredentialAction::MarkAll,
        ) => Pane::Credentials,
        _ => return,
    };
    app.conversation.pages.push(ReadoutPage::Pane(page));
}

fn select_typed_credential(app: &mut App, id: &CredentialId, now: Now) -> Vec<UiEffect> {
    app.credentials.select_id(Some(id));
    if app.selected().is_none_or(|selected| selected.id != *id) {
        app.credentials.clear_filter(now.wall);
        app.credentials.select_id(Some(id));
    }
    app.conversation.pages.push(ReadoutPage::Pane(Pane::Detail));
    Vec::new()
}

/// Finds the command for these words: by name, alias, title or key.
pub(in crate::tui::app) fn find_typed_command(
    app: &App,
    words: &str,
) -> Option<&'static CommandSpec> {
    let name = words.to_lowercase().replace(' ', "-");
    let also = COMMAND_ALIASES
        .iter()
        .find(|(word, _)| *word == name)
        .and_then(|(_, name)| command::find_by_name(name));
    let titled = || COMMANDS.iter().find(|command| command.title.replace(' ', "-") == name);
    let key = || KeyPress::parse(words).filter(|_| words.parse::<usize>().is_err());
    let keyed = || {
        key()
            .and_then(|key| app.preferences.keys.resolve(key, app.ui_state.focus))
            .and_then(command::find_by_action)
    };
    command::find_by_name(&name).or(also).or_else(titled).or_else(keyed)
}

/// Finds a credential by its number in the list or by its name.
fn find_typed_credential(app: &App, words: &str) -> Option<CredentialId> {
    let named = |credential: &&Credential| {
        credential.name.as_str() == words || app.display_name(credential) == words
    };
    let by_name = || app.credentials.all().iter().find(named);
    let by_number =
        words.parse::<usize>().ok().and_then(|number| app.credentials.nth(number.checked_sub(1)?));
    by_number.or_else(by_name).map(|credential| credential.id.clone())
}

/// Returns the commands whose names are similar to a mistyped line.
fn similar_commands(app: &App, line: &str) -> Vec<String> {
    let names: Vec<_> =
        COMMANDS.iter().filter(|known| app.can_run(known.action)).map(|known| known.name).collect();
    crate::domain::text::nearest_names(line, &names)
}

/// Returns the help of a command in plain-text mode, or `None` if the command only changes what is
/// drawn.
pub fn plain_help(command: &CommandSpec) -> Option<&'static str> {
    use ConsoleAction as C;
    match command.action {
        CommandAction::Console(
            C::ToggleFold
            | C::UnfoldValue
            | C::FoldValue
            | C::ToggleFoldAll
            | C::NextMatch
            | C::PreviousMatch
            | C::OpenPager
            | C::OpenInEditor,
        )
        | CommandAction::Program(ProgramAction::Mouse) => None,
        CommandAction::Screen(ScreenAction::Timeline) => {
            Some("Print which credentials expire, the earliest first")
        }
        CommandAction::Screen(_) => None,
        CommandAction::Program(ProgramAction::Help) => {
            Some("List the commands that are available now")
        }
        CommandAction::Credential(CredentialAction::ToggleSecret) => {
            Some("Print the details of the credential, without its secret")
        }
        CommandAction::Credential(CredentialAction::Add) => Some("Add a credential"),
        CommandAction::Console(C::Search) => {
            Some("Find lines of the response that contain some words")
        }
        CommandAction::Focus(FocusTarget::To(Pane::Credentials)) => Some("Print the list"),
        CommandAction::Focus(FocusTarget::To(Pane::Detail)) => {
            Some("Print the details of the credential")
        }
        CommandAction::Focus(FocusTarget::To(Pane::Regions)) => {
            Some("Print its regions; up and down select one for switch-region")
        }
        CommandAction::Focus(FocusTarget::To(Pane::Console)) => {
            Some("Print the request and its response")
        }
        _ => Some(command.help),
    }
}

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
