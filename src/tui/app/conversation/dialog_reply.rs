//! Replies to a dialog in plain-text mode, translated into the keys and clicks of the drawn screen.
//!
//! [`App::handle_dialog_reply`] dispatches on the [`ExpectedInput`] of the top dialog; the other
//! functions press the keys for one kind of input each.

use super::expected_input::{
    ExpectedInput, FieldPrompt, FocusedButton, ListPrompt, PromptOption, list_options,
};
use super::prompt_command::is_prompt_command;
use super::{App, Now, UiEffect};
use crate::config::KeyPress;
use crate::config::key::KeySymbol;
use crate::tui::app::dialogs::{Dialog, DialogResult};
use crate::tui::app::widgets::dialog_view::{DialogRow, DialogView};
use crate::tui::app::widgets::form::FieldInput;

/// Closes the dialog, as Esc does.
const LEAVE_INPUT: &str = ".";
/// Returns to the previous field.
const PREVIOUS_FIELD_INPUT: &str = "<";
/// Prefix that adds a line to a multi-line field.
const ADD_LINE_PREFIX: &str = "+";
/// Clears a field.
const CLEAR_FIELD_INPUT: &str = "-";

/// Label of the button in a dialog that can only be closed.
const CLOSE_LABEL: &str = "Close";

const ENTER: KeyPress = KeyPress::without_modifiers(KeySymbol::Enter);
pub(super) const ESC: KeyPress = KeyPress::without_modifiers(KeySymbol::Esc);
const DOWN: KeyPress = KeyPress::without_modifiers(KeySymbol::Down);
const BACK_TAB: KeyPress = KeyPress { shift: true, ..KeyPress::without_modifiers(KeySymbol::Tab) };

impl App {
    /// Handles a reply to the top dialog.
    pub(super) fn handle_dialog_reply(&mut self, line: &str, now: Now) -> Vec<UiEffect> {
        let Some(dialog) = self.dialogs.top() else { return Vec::new() };
        let view = dialog.view(self, now);
        let expected = ExpectedInput::from_view(&view);
        let reply = line.trim();
        match (reply, &expected) {
            (_, ExpectedInput::ReadOnly) => {
                let mut effects = self.press_dialog_key(ESC, now);
                if self.dialogs.is_empty() {
                    effects.extend(self.handle_command_line(reply, now));
                }
                effects
            }
            (_, ExpectedInput::Buttons(buttons, _)) if matches!(&buttons[..], [only] if only.title == CLOSE_LABEL) => {
                self.close_and_run(buttons, reply, now)
            }
            (LEAVE_INPUT, _) => self.press_dialog_key(ESC, now),
            // From any button, go back to the last field.
            (PREVIOUS_FIELD_INPUT, ExpectedInput::Buttons(_, FocusedButton { at, .. })) => {
                (0..=*at).flat_map(|_| self.press_dialog_key(BACK_TAB, now)).collect()
            }
            (PREVIOUS_FIELD_INPUT, _) => self.press_dialog_key(BACK_TAB, now),
            (_, ExpectedInput::Text(field, _))
                if !field.is_multiline && is_prompt_command(reply) =>
            {
                self.handle_unmatched_reply(reply, 0, now)
            }
            (_, ExpectedInput::Text(field, _)) => self.fill_text_field(field, reply, now),
            (_, ExpectedInput::Secret(..))
                if is_prompt_command(reply)
                    && !matches!(self.dialogs.top(), Some(Dialog::Unlock(_))) =>
            {
                self.handle_unmatched_reply(reply, 0, now)
            }
            (_, ExpectedInput::Secret(field, held)) => {
                self.fill_secret_field(field, *held, reply, now)
            }
            (_, ExpectedInput::Choice(_, titles, at)) => {
                self.select_option_by_text(titles, *at, reply, now)
            }
            (_, ExpectedInput::Confirmation(_, button)) => {
                self.confirm_with_word(*button, reply, now)
            }
            ("", ExpectedInput::Buttons(_, FocusedButton { is_default: false, .. })) => {
                self.respond("Enter the number of a button, or its first letters.");
                Vec::new()
            }
            (_, ExpectedInput::Buttons(buttons, FocusedButton { at, .. })) => {
                let pressed =
                    if reply.is_empty() { buttons.get(*at) } else { find_option(buttons, reply) };
                match pressed {
                    Some(button) => self.click_option(button, now),
                    None => self.handle_unmatched_reply(reply, buttons.len(), now),
                }
            }
            (_, ExpectedInput::List(list)) => self.select_list_item(list, reply, now),
        }
    }

    /// Closes a dialog that can only be closed. A command runs without closing the dialog first.
    fn close_and_run(&mut self, buttons: &[PromptOption], reply: &str, now: Now) -> Vec<UiEffect> {
        let mut effects =
            buttons.first().map(|close| self.click_option(close, now)).unwrap_or_default();
        let is_said =
            reply.is_empty() || reply == LEAVE_INPUT || find_option(buttons, reply).is_some();
        if self.dialogs.is_empty() && !is_said {
            effects.extend(self.handle_command_line(reply, now));
        }
        effects
    }

    /// Replaces the text of a field; an empty reply leaves it unchanged.
    fn fill_text_field(&mut self, field: &FieldPrompt, reply: &str, now: Now) -> Vec<UiEffect> {
        if reply.is_empty() {
            return self.press_dialog_key(
                if field.is_in_list { DOWN } else { self.next_field_key() },
                now,
            );
        }
        if let Some((line, has_lines)) =
            reply.strip_prefix(ADD_LINE_PREFIX).zip(self.text_area_has_lines())
        {
            return self.append_text_line(line.trim_start(), has_lines, now);
        }
        let mut effects =
            self.replace_field_text(if reply == CLEAR_FIELD_INPUT { "" } else { reply }, now);
        effects.extend(self.press_dialog_key(self.next_field_key(), now));
        effects
    }

    /// Returns whether the focused multi-line field contains text, or `None` for other fields.
    fn text_area_has_lines(&self) -> Option<bool> {
        let Some(Dialog::RequestEditor(request)) = self.dialogs.top() else { return None };
        let field = request.form.fields.get(request.form.focus)?;
        matches!(field.control, FieldInput::MultiLine(_))
            .then(|| !request.form.multi_line_value(&field.id).is_empty())
    }

    /// Appends a line to the field, and stays there.
    fn append_text_line(&mut self, line: &str, has_lines: bool, now: Now) -> Vec<UiEffect> {
        let below = [KeyPress { ctrl: true, ..KeyPress::without_modifiers(KeySymbol::End) }, ENTER];
        let keys = below.into_iter().filter(|_| has_lines).chain(line.chars().map(KeyPress::char));
        keys.flat_map(|key| self.press_dialog_key(key, now)).collect()
    }

    /// Returns the key that moves to the next field. In a request, Enter would start a new line in
    /// the same field.
    fn next_field_key(&self) -> KeyPress {
        if matches!(self.dialogs.top(), Some(Dialog::RequestEditor(_))) {
            KeyPress::without_modifiers(KeySymbol::Tab)
        } else {
            ENTER
        }
    }

    /// Replaces the text of the field.
    fn replace_field_text(&mut self, text: &str, now: Now) -> Vec<UiEffect> {
        let erase = [KeyPress::without_modifiers(KeySymbol::End), KeyPress::ctrl('u')];
        let keys = erase.into_iter().chain(text.chars().map(KeyPress::char));
        keys.flat_map(|key| self.press_dialog_key(key, now)).collect()
    }

    /// Hands a secret over. If the secret must be identified first, the form continues afterwards.
    fn fill_secret_field(
        &mut self,
        field: &FieldPrompt,
        held: bool,
        reply: &str,
        now: Now,
    ) -> Vec<UiEffect> {
        if reply.is_empty() {
            return self.press_dialog_key(if field.is_in_list { DOWN } else { ENTER }, now);
        }
        let mut effects =
            if held { self.press_dialog_key(KeyPress::ctrl('u'), now) } else { Vec::new() };
        effects
            .extend(self.with_top_dialog(now, |dialog, app| dialog.handle_paste(reply, app, now)));
        // A dialog that opens in its place is shown before it receives input.
        let taken = |dialog: &Dialog| {
            let view = dialog.view(self, now);
            !dialog.is_busy()
                && !has_field_error(&view)
                && matches!(ExpectedInput::from_view(&view), ExpectedInput::Secret(..))
        };
        if self.dialogs.top().is_some_and(taken) {
            effects.extend(self.press_dialog_key(ENTER, now));
        }
        effects
    }

    /// Selects an option by its number or its first letters; an empty reply leaves the selection
    /// unchanged.
    fn select_option_by_text(
        &mut self,
        titles: &[String],
        at: usize,
        reply: &str,
        now: Now,
    ) -> Vec<UiEffect> {
        let choices: Vec<_> =
            titles.iter().enumerate().map(|(at, title)| PromptOption::new(at, title)).collect();
        let wanted = if reply.is_empty() {
            Some(at)
        } else {
            find_option(&choices, reply).map(|choice| choice.at)
        };
        let Some(wanted) = wanted else {
            return self.handle_unmatched_reply(reply, titles.len(), now);
        };
        let turns = (wanted + titles.len() - at) % titles.len().max(1);
        let mut effects: Vec<_> = (0..turns)
            .flat_map(|_| self.press_dialog_key(KeyPress::without_modifiers(KeySymbol::Right), now))
            .collect();
        if self.dialogs.top().is_some_and(|dialog| !dialog.is_busy()) {
            effects.extend(self.press_dialog_key(ENTER, now));
        }
        effects
    }

    /// Types a word and presses the confirming button; a wrong word changes nothing.
    fn confirm_with_word(&mut self, button: usize, reply: &str, now: Now) -> Vec<UiEffect> {
        let mut effects = self.replace_field_text(reply, now);
        effects
            .extend(self.with_top_dialog(now, |dialog, app| dialog.handle_click(button, app, now)));
        // The confirmed action may have opened a dialog of its own, which must stay open.
        let asks_again = |dialog: &Dialog| {
            matches!(
                ExpectedInput::from_view(&dialog.view(self, now)),
                ExpectedInput::Confirmation(..)
            )
        };
        if self.dialogs.top().is_some_and(asks_again) {
            effects.extend(self.press_dialog_key(ESC, now));
            self.respond("The text does not match; nothing was done.");
        }
        effects
    }

    /// Selects an item by its number. Words filter the list; a single remaining item is selected.
    fn select_list_item(
        &mut self,
        ListPrompt { items, is_searchable: searched, .. }: &ListPrompt,
        reply: &str,
        now: Now,
    ) -> Vec<UiEffect> {
        if reply.is_empty() {
            return self.press_dialog_key(ESC, now);
        }
        if let Some(item) = find_option(items, reply) {
            let effects = self.click_option(item, now);
            if matches!(self.dialogs.top(), Some(Dialog::TaskList(_))) {
                self.respond(format!("Selected: {}.", item.title));
            }
            return effects;
        }
        if matches!(self.dialogs.top(), Some(Dialog::Picker(pick)) if pick.matches_shortcut(reply))
        {
            return self.with_top_dialog(now, |dialog, _| match dialog {
                Dialog::Picker(pick) => pick.run_shortcut(reply),
                _ => DialogResult::Stay,
            });
        }
        let is_command = self.find_typed_command(reply).is_some()
            && !items.iter().any(|item| item.contains(reply));
        if !searched || is_command || items.is_empty() || reply.parse::<usize>().is_ok() {
            return self.handle_unmatched_reply(reply, items.len(), now);
        }
        let mut effects = self.replace_field_text(reply, now);
        let left = self.dialogs.top().map(|dialog| {
            let view = dialog.view(self, now);
            list_options(view.head.iter().chain(&view.body).chain(&view.foot))
        });
        match left.as_deref() {
            Some([only]) => effects.extend(self.click_option(only, now)),
            Some([]) => {
                effects.extend(self.replace_field_text("", now));
                effects.extend(self.handle_unmatched_reply(reply, items.len(), now));
            }
            Some(left) if left == &items[..] => {
                self.respond("All items match; enter a number to select one.");
            }
            _ => {}
        }
        effects
    }

    fn click_option(&mut self, choice: &PromptOption, now: Now) -> Vec<UiEffect> {
        self.with_top_dialog(now, |dialog, app| dialog.handle_click(choice.at, app, now))
    }
}

/// Returns whether the focused field reports an error.
fn has_field_error(view: &DialogView) -> bool {
    let mut rows = view.head.iter().chain(&view.body).chain(&view.foot);
    rows.any(|row| matches!(row, DialogRow::Field(field) if field.focused && field.has_problem))
}

/// Returns the option with this number, or the only one that begins with this text.
fn find_option<'a>(choices: &'a [PromptOption], reply: &str) -> Option<&'a PromptOption> {
    if let Ok(number) = reply.parse::<usize>() {
        return choices.get(number.checked_sub(1)?);
    }
    let begins =
        |choice: &&PromptOption| choice.title.to_lowercase().starts_with(&reply.to_lowercase());
    let mut found = choices.iter().filter(begins);
    found.next().filter(|_| found.next().is_none())
}
