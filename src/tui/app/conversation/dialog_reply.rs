//! Replies to the question of a dialog in plain-text mode, parsed into its answer.
//!
//! [`App::handle_dialog_reply`] dispatches on the question of the top dialog; the other functions
//! parse the replies to one kind of question each.

use super::prompt_command::is_prompt_command;
use super::question_text::{find_option, find_title};
use super::{App, Now, UiEffect};
use crate::tui::app::dialogs::{
    ButtonQuestion, DialogAnswer, DialogQuestion, DialogResult, FieldQuestion, ListQuestion,
    QuestionValue,
};

/// Closes the dialog.
const LEAVE_INPUT: &str = ".";
/// Returns to the previous field.
const PREVIOUS_FIELD_INPUT: &str = "<";
/// Prefix that adds a line to a multi-line field.
const ADD_LINE_PREFIX: &str = "+";
/// Clears a field.
const CLEAR_FIELD_INPUT: &str = "-";

impl App {
    /// Handles a reply to the top dialog.
    pub(super) fn handle_dialog_reply(&mut self, line: &str, now: Now) -> Vec<UiEffect> {
        let Some(dialog) = self.dialogs.top() else { return Vec::new() };
        let question = dialog.next_question(self, now);
        let reply = line.trim();
        match (reply, &question) {
            (_, DialogQuestion::ReadOnly) => {
                let mut effects = self.dismiss_dialog(now);
                if self.dialogs.is_empty() {
                    effects.extend(self.handle_command_line(reply, now));
                }
                effects
            }
            (_, DialogQuestion::Buttons(question)) if question.closes_only() => {
                self.close_and_run(question, reply, now)
            }
            (LEAVE_INPUT, _) => self.dismiss_dialog(now),
            (PREVIOUS_FIELD_INPUT, _) => self.answer_dialog(DialogAnswer::Previous, now),
            (_, DialogQuestion::Field(field)) => self.answer_field(field, reply, now),
            (_, DialogQuestion::TypedWord(_)) => self.confirm_with_word(reply, now),
            (_, DialogQuestion::Buttons(question)) => self.press_button(question, reply, now),
            (_, DialogQuestion::List(list)) => self.select_list_item(list, reply, now),
        }
    }

    /// Gives an answer to the top dialog.
    pub(super) fn answer_dialog(&mut self, answer: DialogAnswer<'_>, now: Now) -> Vec<UiEffect> {
        self.with_top_dialog(now, |dialog, app| dialog.answer(answer, app, now))
    }

    /// Closes the top dialog, as Esc does on the drawn screen.
    pub(super) fn dismiss_dialog(&mut self, now: Now) -> Vec<UiEffect> {
        self.with_top_dialog(now, |dialog, _| dialog.dismiss())
    }

    /// Closes a dialog that can only be closed. A command runs without closing the dialog first.
    fn close_and_run(&mut self, question: &ButtonQuestion, reply: &str, now: Now) -> Vec<UiEffect> {
        let mut effects = self.answer_dialog(DialogAnswer::Select(question.focused), now);
        let is_said = reply.is_empty()
            || reply == LEAVE_INPUT
            || find_title(question.buttons.iter().map(|button| button.label()), reply).is_some();
        if self.dialogs.is_empty() && !is_said {
            effects.extend(self.handle_command_line(reply, now));
        }
        effects
    }

    /// Sets the value of a field; an empty reply leaves it as it is.
    fn answer_field(&mut self, field: &FieldQuestion, reply: &str, now: Now) -> Vec<UiEffect> {
        let takes_words =
            !matches!(field.value, QuestionValue::Lines | QuestionValue::Choice { .. });
        if takes_words && field.accepts_commands && is_prompt_command(reply) {
            return self.handle_unmatched_reply(reply, 0, now);
        }
        let answer = match &field.value {
            _ if reply.is_empty() => DialogAnswer::Next,
            QuestionValue::Secret { .. } => DialogAnswer::Text(reply),
            QuestionValue::Choice { titles, .. } => {
                match find_title(titles.iter().map(String::as_str), reply) {
                    Some(at) => DialogAnswer::Select(at),
                    None => return self.handle_unmatched_reply(reply, titles.len(), now),
                }
            }
            QuestionValue::Text(_) | QuestionValue::Lines if reply == CLEAR_FIELD_INPUT => {
                DialogAnswer::Text("")
            }
            QuestionValue::Text(_) => DialogAnswer::Text(reply),
            QuestionValue::Lines => match reply.strip_prefix(ADD_LINE_PREFIX) {
                Some(line) => DialogAnswer::AddLine(line.trim_start()),
                None => DialogAnswer::Text(reply),
            },
        };
        self.answer_dialog(answer, now)
    }

    /// Confirms with a word; a wrong word closes the dialog.
    fn confirm_with_word(&mut self, reply: &str, now: Now) -> Vec<UiEffect> {
        let mut is_wrong = false;
        let effects = self.with_top_dialog(now, |dialog, app| {
            let result = dialog.answer(DialogAnswer::Text(reply), app, now);
            is_wrong = matches!(result, DialogResult::Close);
            result
        });
        if is_wrong {
            self.respond("The text does not match; nothing was done.");
        }
        effects
    }

    /// Presses a button by its number or its first letters.
    fn press_button(&mut self, question: &ButtonQuestion, reply: &str, now: Now) -> Vec<UiEffect> {
        let ButtonQuestion { buttons, focused, is_default } = question;
        if reply.is_empty() && !is_default {
            self.respond("Enter the number of a button, or its first letters.");
            return Vec::new();
        }
        let labels = buttons.iter().map(|button| button.label());
        let pressed = if reply.is_empty() { Some(*focused) } else { find_title(labels, reply) };
        match pressed {
            Some(at) => self.answer_dialog(DialogAnswer::Select(at), now),
            None => self.handle_unmatched_reply(reply, buttons.len(), now),
        }
    }

    /// Selects an item by its number. Words filter the list; a single remaining item is selected.
    fn select_list_item(&mut self, list: &ListQuestion, reply: &str, now: Now) -> Vec<UiEffect> {
        let items = &list.items;
        if reply.is_empty() {
            return self.dismiss_dialog(now);
        }
        if let Some(item) = find_option(items, reply) {
            let mut stays = false;
            let effects = self.with_top_dialog(now, |dialog, app| {
                let result = dialog.answer(DialogAnswer::Select(item.index), app, now);
                stays = matches!(result, DialogResult::Stay);
                result
            });
            if stays && list.moves_cursor {
                self.respond(format!("Selected: {}.", item.title));
            }
            return effects;
        }
        if let Some(shortcut) = list.parse_shortcut(reply) {
            return self.answer_dialog(shortcut, now);
        }
        let is_command = self.find_typed_command(reply).is_some()
            && !items.iter().any(|item| item.contains(reply));
        if !list.is_searchable || is_command || items.is_empty() || reply.parse::<usize>().is_ok() {
            return self.handle_unmatched_reply(reply, items.len(), now);
        }
        let mut effects = self.answer_dialog(DialogAnswer::Search(reply), now);
        let left = self.dialogs.top().map(|dialog| dialog.next_question(self, now));
        match left.as_ref().map(DialogQuestion::options) {
            Some([only]) => {
                effects.extend(self.answer_dialog(DialogAnswer::Select(only.index), now));
            }
            Some([]) => {
                effects.extend(self.answer_dialog(DialogAnswer::Search(""), now));
                effects.extend(self.handle_unmatched_reply(reply, items.len(), now));
            }
            Some(left) if left == items => {
                self.respond("All items match; enter a number to select one.");
            }
            _ => {}
        }
        effects
    }
}
