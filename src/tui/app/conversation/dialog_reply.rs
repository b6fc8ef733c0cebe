//! Replies to the question of a dialog in plain-text mode, parsed into its answer.
//!
//! [`handle_dialog_reply`] dispatches on the question of the top dialog; the other functions
//! parse the replies to one kind of question each.
//!
//! Text of a question: how the question of a dialog is phrased as a prompt.

use super::{EchoMode, TextPrompt};
use crate::tui::app::conversation::command_line::{self, is_prompt_command};
use crate::tui::app::conversation::{self, App, Now, UiEffect};
use crate::tui::app::dialogs::{
    ButtonQuestion, DialogAnswer, DialogQuestion, DialogResult, FieldQuestion, ListQuestion,
    ListShortcut, QuestionOption, QuestionValue,
};

/// Closes the dialog.
const LEAVE_INPUT: &str = ".";
/// Returns to the previous field.
const PREVIOUS_FIELD_INPUT: &str = "<";
/// Prefix that adds a line to a multi-line field.
const ADD_LINE_PREFIX: &str = "+";
/// Lists the values of a field.
const LIST_VALUES_INPUT: &str = "*";
/// Clears a field.
const CLEAR_FIELD_INPUT: &str = "-";

/// Handles a reply to the top dialog.
pub(in crate::tui::app) fn handle_dialog_reply(
    app: &mut App,
    line: &str,
    now: Now,
) -> Vec<UiEffect> {
    let Some(dialog) = app.dialogs.top() else { return Vec::new() };
    let question = dialog.next_question(app, now);
    let reply = line.trim();
    match (reply, &question) {
        (_, DialogQuestion::ReadOnly) => {
            let mut effects = dismiss_dialog(app, now);
            if app.dialogs.is_empty() {
                effects.extend(command_line::handle_command_line(app, reply, now));
            }
            effects
        }
        (_, DialogQuestion::Buttons(question)) if question.closes_only() => {
            close_and_run(app, question, reply, now)
        }
        (LEAVE_INPUT, _) => dismiss_dialog(app, now),
        (PREVIOUS_FIELD_INPUT, _) => answer_dialog(app, DialogAnswer::Previous, now),
        (_, DialogQuestion::Field(field)) => answer_field(app, field, reply, now),
        (_, DialogQuestion::TypedWord(_)) => confirm_with_word(app, reply, now),
        (_, DialogQuestion::Buttons(question)) => press_button(app, question, reply, now),
        (_, DialogQuestion::List(list)) => select_list_item(app, list, reply, now),
    }
}

/// Gives an answer to the top dialog.
pub(in crate::tui::app) fn answer_dialog(
    app: &mut App,
    answer: DialogAnswer<'_>,
    now: Now,
) -> Vec<UiEffect> {
    app.with_top_dialog(now, |dialog, app| dialog.answer(answer, app, now))
}

/// Closes the top dialog, as Esc does on the drawn screen.
pub(in crate::tui::app) fn dismiss_dialog(app: &mut App, now: Now) -> Vec<UiEffect> {
    app.with_top_dialog(now, |dialog, _| dialog.dismiss())
}

/// Closes a dialog that can only be closed. A command runs without closing the dialog first.
fn close_and_run(app: &mut App, question: &ButtonQuestion, reply: &str, now: Now) -> Vec<UiEffect> {
    let mut effects = answer_dialog(app, DialogAnswer::Select(question.focused), now);
    let is_said = reply.is_empty()
        || reply == LEAVE_INPUT
        || find_title(question.buttons.iter().map(|button| button.label()), reply).is_some();
    if app.dialogs.is_empty() && !is_said {
        effects.extend(command_line::handle_command_line(app, reply, now));
    }
    effects
}

/// Sets the value of a field; an empty reply leaves it as it is.
fn answer_field(app: &mut App, field: &FieldQuestion, reply: &str, now: Now) -> Vec<UiEffect> {
    let takes_words = !matches!(field.value, QuestionValue::Lines | QuestionValue::Choice { .. });
    if takes_words && field.accepts_commands && is_prompt_command(reply) {
        return command_line::handle_unmatched_reply(app, reply, 0, now);
    }
    let answer = match &field.value {
        _ if reply.is_empty() => DialogAnswer::Next,
        QuestionValue::Secret { .. } => DialogAnswer::Text(reply),
        QuestionValue::Choice { titles, .. } => {
            match find_title(titles.iter().map(String::as_str), reply) {
                Some(at) => DialogAnswer::Select(at),
                None => {
                    return command_line::handle_unmatched_reply(app, reply, titles.len(), now);
                }
            }
        }
        QuestionValue::Text(_) | QuestionValue::Lines if reply == CLEAR_FIELD_INPUT => {
            DialogAnswer::Text("")
        }
        QuestionValue::Text(_) if field.has_listing && reply == LIST_VALUES_INPUT => {
            DialogAnswer::ListValues
        }
        QuestionValue::Text(_) => DialogAnswer::Text(reply),
        QuestionValue::Lines => match reply.strip_prefix(ADD_LINE_PREFIX) {
            Some(line) => DialogAnswer::AddLine(line.trim_start()),
            None => DialogAnswer::Text(reply),
        },
    };
    answer_dialog(app, answer, now)
}

/// Confirms with a word; a wrong word closes the dialog.
fn confirm_with_word(app: &mut App, reply: &str, now: Now) -> Vec<UiEffect> {
    let mut is_wrong = false;
    let effects = app.with_top_dialog(now, |dialog, app| {
        let result = dialog.answer(DialogAnswer::Text(reply), app, now);
        is_wrong = matches!(result, DialogResult::Close);
        result
    });
    if is_wrong {
        conversation::respond(app, "The text does not match; nothing was done.");
    }
    effects
}

/// Presses a button by its number or its first letters.
pub(in crate::tui::app) fn press_button(
    app: &mut App,
    question: &ButtonQuestion,
    reply: &str,
    now: Now,
) -> Vec<UiEffect> {
    let ButtonQuestion { buttons, focused, is_default } = question;
    if reply.is_empty() && !is_default {
        conversation::respond(app, "Enter the number of a button, or its first letters.");
        return Vec::new();
    }
    let labels = buttons.iter().map(|button| button.label());
    let pressed = if reply.is_empty() { Some(*focused) } else { find_title(labels, reply) };
    match pressed {
        Some(at) => answer_dialog(app, DialogAnswer::Select(at), now),
        None => command_line::handle_unmatched_reply(app, reply, buttons.len(), now),
    }
}

/// Selects an item by its number. Words filter the list; a single remaining item is selected.
fn select_list_item(app: &mut App, list: &ListQuestion, reply: &str, now: Now) -> Vec<UiEffect> {
    let items = &list.items;
    if reply.is_empty() {
        return dismiss_dialog(app, now);
    }
    if let Some(item) = find_option(items, reply) {
        let mut stays = false;
        let effects = app.with_top_dialog(now, |dialog, app| {
            let result = dialog.answer(DialogAnswer::Select(item.index), app, now);
            stays = matches!(result, DialogResult::Stay);
            result
        });
        if stays && list.moves_cursor {
            conversation::respond(app, format!("Selected: {}.", item.title));
        }
        return effects;
    }
    if let Some(shortcut) = list.parse_shortcut(reply) {
        return answer_dialog(app, shortcut, now);
    }
    let is_command = command_line::find_typed_command(app, reply).is_some()
        && !items.iter().any(|item| item.contains(reply));
    if !list.is_searchable || is_command || items.is_empty() || reply.parse::<usize>().is_ok() {
        return command_line::handle_unmatched_reply(app, reply, items.len(), now);
    }
    let mut effects = answer_dialog(app, DialogAnswer::Search(reply), now);
    let left = app.dialogs.top().map(|dialog| dialog.next_question(app, now));
    match left.as_ref().map(DialogQuestion::options) {
        Some([only]) => {
            effects.extend(answer_dialog(app, DialogAnswer::Select(only.index), now));
        }
        Some([]) => {
            effects.extend(answer_dialog(app, DialogAnswer::Search(""), now));
            effects.extend(command_line::handle_unmatched_reply(app, reply, items.len(), now));
        }
        Some(left) if left == items => {
            conversation::respond(app, "All items match; enter a number to select one.");
        }
        _ => {}
    }
    effects
}

/// Maximum number of options on one line.
const MAX_INLINE_OPTIONS: usize = 6;

/// Phrases a question.
pub(super) fn question_prompt(question: &DialogQuestion) -> TextPrompt {
    match question {
        DialogQuestion::Field(field) => field_prompt(field),
        DialogQuestion::TypedWord(label) => {
            TextPrompt::visible(format!("{label} (Enter to cancel): "))
        }
        DialogQuestion::List(list) => TextPrompt::visible(list_text(list)),
        DialogQuestion::Buttons(question) => TextPrompt::visible(button_text(question)),
        DialogQuestion::ReadOnly => TextPrompt::visible("Press Enter to continue: "),
    }
}

fn field_prompt(field: &FieldQuestion) -> TextPrompt {
    let label = if field.message.is_empty() {
        field.label.clone()
    } else {
        format!("{}\n{}", field.message, field.label)
    };
    let is_in_list = !field.alternatives.is_empty();
    TextPrompt::visible(match &field.value {
        QuestionValue::Text(_) if is_in_list => format!("{label} (Enter for the other options): "),
        QuestionValue::Lines => {
            format!("{label} (+ before a line adds it, Enter for the next field): ")
        }
        QuestionValue::Text(value) if value.is_empty() => format!("{label}: "),
        QuestionValue::Text(value) => format!("{label} [{value}]: "),
        QuestionValue::Secret { is_entered } => {
            let others = if is_in_list { "; Enter for the other options" } else { "" };
            let entered = if *is_entered { " [entered]" } else { "" };
            return TextPrompt {
                question: format!("{label} (not shown{others}){entered}: "),
                echo: EchoMode::Hidden,
            };
        }
        QuestionValue::Choice { titles, selected } => {
            let titles = titles.iter().map(String::as_str);
            format!("{label}: {} [{}]: ", format_options(titles), selected + 1)
        }
    })
}

fn list_text(list: &ListQuestion) -> String {
    let examples: Vec<_> = list.shortcuts.iter().map(ListShortcut::example_input).collect();
    let extras = if list.shortcuts.is_empty() {
        String::new()
    } else {
        format!("or {}; ", examples.join(", "))
    };
    let label = if list.items.is_empty() { "Nothing to select" } else { "Number or search words" };
    format!("{label} ({extras}Enter to close): ")
}

fn button_text(question: &ButtonQuestion) -> String {
    let labels = question.buttons.iter().map(|button| button.label());
    let default =
        if question.is_default { format!(" [{}]", question.focused + 1) } else { String::new() };
    format!("{}{default}: ", format_options(labels))
}

/// Formats options, such as `1 Cancel, 2 Add`; many options get a line each.
fn format_options<'a>(titles: impl ExactSizeIterator<Item = &'a str>) -> String {
    let few = titles.len() <= MAX_INLINE_OPTIONS;
    let (before, dot, between, after) =
        if few { ("", "", ", ", "") } else { ("\n", ".", "\n", "\nNumber") };
    let numbered = titles.enumerate().map(|(at, title)| format!("{}{dot} {title}", at + 1));
    format!("{before}{}{after}", numbered.collect::<Vec<_>>().join(between))
}

/// Returns the option with this number, or the only one that begins with this text.
pub(super) fn find_option<'a>(
    options: &'a [QuestionOption],
    reply: &str,
) -> Option<&'a QuestionOption> {
    let titles = options.iter().map(|option| option.title.as_str());
    options.get(find_title(titles, reply)?)
}

/// Returns the position of the title with this number, or of the only one that begins with this
/// text.
pub(super) fn find_title<'a>(
    titles: impl ExactSizeIterator<Item = &'a str>,
    reply: &str,
) -> Option<usize> {
    if let Ok(number) = reply.parse::<usize>() {
        return number.checked_sub(1).filter(|at| *at < titles.len());
    }
    let reply = reply.to_lowercase();
    let mut found =
        titles.enumerate().filter(|(_, title)| title.to_lowercase().starts_with(&reply));
    found.next().filter(|_| found.next().is_none()).map(|(at, _)| at)
}
