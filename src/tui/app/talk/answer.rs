//! What an answer to a dialog means: the keys and clicks of a person who sees it.

use super::aside::is_about_question;
use super::subject::{Choice, Field, Listed, Pressed, Subject, choices};
use super::{App, Now, UiEffect};
use crate::config::KeyPress;
use crate::config::key::KeySymbol;
use crate::tui::app::dialog::{Dialog, Outcome};
use crate::tui::app::form::FieldInput;
use crate::tui::app::sheet::{DialogRow, DialogView};

/// Leaves the dialog as Esc does.
const LEAVE: &str = ".";
/// Goes back to the field before.
const BACK: &str = "<";
/// Adds a line to a field of several.
const MORE: &str = "+";
/// Empties a field.
const EMPTY: &str = "-";

/// The button of what is only read.
const CLOSE: &str = "Close";

const ENTER: KeyPress = KeyPress::without_modifiers(KeySymbol::Enter);
pub(super) const ESC: KeyPress = KeyPress::without_modifiers(KeySymbol::Esc);
const DOWN: KeyPress = KeyPress::without_modifiers(KeySymbol::Down);
const BACK_TAB: KeyPress = KeyPress { shift: true, ..KeyPress::without_modifiers(KeySymbol::Tab) };

impl App {
    /// Takes in the answer to what the top dialog asks.
    pub(super) fn hear_answer(&mut self, line: &str, now: Now) -> Vec<UiEffect> {
        let Some(dialog) = self.dialogs.top() else { return Vec::new() };
        let sheet = dialog.sheet(self, now);
        let subject = Subject::of(&sheet);
        let answer = line.trim();
        match (answer, &subject) {
            (_, Subject::Nothing) => {
                let mut effects = self.tap(ESC, now);
                if self.dialogs.is_empty() {
                    effects.extend(self.hear_command(answer, now));
                }
                effects
            }
            (_, Subject::Buttons(buttons, _)) if matches!(&buttons[..], [only] if only.title == CLOSE) => {
                self.close_and_hear(buttons, answer, now)
            }
            (LEAVE, _) => self.tap(ESC, now),
            // From whichever button, back is the last field.
            (BACK, Subject::Buttons(_, Pressed { at, .. })) => (0..=*at).flat_map(|_| self.tap(BACK_TAB, now)).collect(),
            (BACK, _) => self.tap(BACK_TAB, now),
            (_, Subject::Text(field, _)) if !field.long && is_about_question(answer) => self.hear_aside(answer, 0, now),
            (_, Subject::Text(field, _)) => self.write(field, answer, now),
            (_, Subject::Secret(..)) if is_about_question(answer) && !matches!(self.dialogs.top(), Some(Dialog::Unlock(_))) => {
                self.hear_aside(answer, 0, now)
            }
            (_, Subject::Secret(field, held)) => self.hand_over(field, *held, answer, now),
            (_, Subject::Turn(_, titles, at)) => self.turn_to(titles, *at, answer, now),
            (_, Subject::Word(_, button)) => self.say_word(*button, answer, now),
            ("", Subject::Buttons(_, Pressed { presumed: false, .. })) => {
                self.reply("Say which: its number, or how it begins.");
                Vec::new()
            }
            (_, Subject::Buttons(buttons, Pressed { at, .. })) => {
                let pressed = if answer.is_empty() { buttons.get(*at) } else { chosen(buttons, answer) };
                match pressed {
                    Some(button) => self.choose(button, now),
                    None => self.hear_aside(answer, buttons.len(), now),
                }
            }
            (_, Subject::List(list)) => self.choose_item(list, answer, now),
        }
    }

    /// Closes what can only be closed. Whoever has a command on the tip of the tongue need not close it first.
    fn close_and_hear(&mut self, buttons: &[Choice], answer: &str, now: Now) -> Vec<UiEffect> {
        let mut effects = buttons.first().map(|close| self.choose(close, now)).unwrap_or_default();
        let is_said = answer.is_empty() || answer == LEAVE || chosen(buttons, answer).is_some();
        if self.dialogs.is_empty() && !is_said {
            effects.extend(self.hear_command(answer, now));
        }
        effects
    }

    /// Writes a line of text; nothing keeps what stands there.
    fn write(&mut self, field: &Field, answer: &str, now: Now) -> Vec<UiEffect> {
        if answer.is_empty() {
            return self.tap(if field.listed { DOWN } else { self.onward_key() }, now);
        }
        if let Some((line, has_lines)) = answer.strip_prefix(MORE).zip(self.lines_of_area()) {
            return self.add_line(line.trim_start(), has_lines, now);
        }
        let mut effects = self.replace(if answer == EMPTY { "" } else { answer }, now);
        effects.extend(self.tap(self.onward_key(), now));
        effects
    }

    /// Whether the field holds something already, if it is one of several lines.
    fn lines_of_area(&self) -> Option<bool> {
        let Some(Dialog::Request(request)) = self.dialogs.top() else { return None };
        let field = request.form.fields.get(request.form.focus)?;
        matches!(field.control, FieldInput::MultiLine(_)).then(|| !request.form.multi_line_value(&field.id).is_empty())
    }

    /// Adds a line below those that stand in the field, and stays there.
    fn add_line(&mut self, line: &str, has_lines: bool, now: Now) -> Vec<UiEffect> {
        let below = [KeyPress { ctrl: true, ..KeyPress::without_modifiers(KeySymbol::End) }, ENTER];
        let keys = below.into_iter().filter(|_| has_lines).chain(line.chars().map(KeyPress::char));
        keys.flat_map(|key| self.tap(key, now)).collect()
    }

    /// What goes on to the next field. In a request, Enter would begin another line of the same.
    fn onward_key(&self) -> KeyPress {
        if matches!(self.dialogs.top(), Some(Dialog::Request(_))) { KeyPress::without_modifiers(KeySymbol::Tab) } else { ENTER }
    }

    /// Puts another text in the place of what stands in the field.
    fn replace(&mut self, text: &str, now: Now) -> Vec<UiEffect> {
        let erase = [KeyPress::without_modifiers(KeySymbol::End), KeyPress::ctrl('u')];
        let keys = erase.into_iter().chain(text.chars().map(KeyPress::char));
        keys.flat_map(|key| self.tap(key, now)).collect()
    }

    /// Hands a secret over. Where it must be recognised first, the form goes on by itself.
    fn hand_over(&mut self, field: &Field, held: bool, answer: &str, now: Now) -> Vec<UiEffect> {
        if answer.is_empty() {
            return self.tap(if field.listed { DOWN } else { ENTER }, now);
        }
        let mut effects = if held { self.tap(KeyPress::ctrl('u'), now) } else { Vec::new() };
        effects.extend(self.with_top_dialog(now, |dialog, app| dialog.paste(answer, app, now)));
        // What opens in its place is told before anything is answered to it.
        let taken = |dialog: &Dialog| {
            let sheet = dialog.sheet(self, now);
            !dialog.is_busy() && !is_flawed(&sheet) && matches!(Subject::of(&sheet), Subject::Secret(..))
        };
        if self.dialogs.top().is_some_and(taken) {
            effects.extend(self.tap(ENTER, now));
        }
        effects
    }

    /// Turns to one of some titles by number or its first letters; nothing keeps the one that is there.
    fn turn_to(&mut self, titles: &[String], at: usize, answer: &str, now: Now) -> Vec<UiEffect> {
        let choices: Vec<_> = titles.iter().enumerate().map(|(at, title)| Choice::of(at, title)).collect();
        let wanted = if answer.is_empty() { Some(at) } else { chosen(&choices, answer).map(|choice| choice.at) };
        let Some(wanted) = wanted else {
            return self.hear_aside(answer, titles.len(), now);
        };
        let turns = (wanted + titles.len() - at) % titles.len().max(1);
        let mut effects: Vec<_> = (0..turns).flat_map(|_| self.tap(KeyPress::without_modifiers(KeySymbol::Right), now)).collect();
        if self.dialogs.top().is_some_and(|dialog| !dialog.is_busy()) {
            effects.extend(self.tap(ENTER, now));
        }
        effects
    }

    /// Types a word and presses the button behind it; any other word leaves everything as it is.
    fn say_word(&mut self, button: usize, answer: &str, now: Now) -> Vec<UiEffect> {
        let mut effects = self.replace(answer, now);
        effects.extend(self.with_top_dialog(now, |dialog, app| dialog.click(button, app, now)));
        // What it was about may have another dialog of its own, which is not to be left.
        let asks_again = |dialog: &Dialog| matches!(Subject::of(&dialog.sheet(self, now)), Subject::Word(..));
        if self.dialogs.top().is_some_and(asks_again) {
            effects.extend(self.tap(ESC, now));
            self.reply("That was not the word; nothing was done.");
        }
        effects
    }

    /// Takes an item by number; words shorten the list, and a single one that is left is taken.
    fn choose_item(&mut self, Listed { items, searched, .. }: &Listed, answer: &str, now: Now) -> Vec<UiEffect> {
        if answer.is_empty() {
            return self.tap(ESC, now);
        }
        if let Some(item) = chosen(items, answer) {
            let effects = self.choose(item, now);
            if matches!(self.dialogs.top(), Some(Dialog::Activity(_))) {
                self.reply(format!("At {}.", item.title));
            }
            return effects;
        }
        if matches!(self.dialogs.top(), Some(Dialog::Pick(pick)) if pick.understands(answer)) {
            return self.with_top_dialog(now, |dialog, _| match dialog {
                Dialog::Pick(pick) => pick.say(answer),
                _ => Outcome::Stay,
            });
        }
        let is_command = self.command_of(answer).is_some() && !items.iter().any(|item| item.says(answer));
        if !searched || is_command || items.is_empty() || answer.parse::<usize>().is_ok() {
            return self.hear_aside(answer, items.len(), now);
        }
        let mut effects = self.replace(answer, now);
        let left = self.dialogs.top().map(|dialog| {
            let sheet = dialog.sheet(self, now);
            choices(sheet.head.iter().chain(&sheet.body).chain(&sheet.foot))
        });
        match left.as_deref() {
            Some([only]) => effects.extend(self.choose(only, now)),
            Some([]) => {
                effects.extend(self.replace("", now));
                effects.extend(self.hear_aside(answer, items.len(), now));
            }
            Some(left) if left == &items[..] => self.reply("That shortens nothing: a number takes one."),
            _ => {}
        }
        effects
    }

    fn choose(&mut self, choice: &Choice, now: Now) -> Vec<UiEffect> {
        self.with_top_dialog(now, |dialog, app| dialog.click(choice.at, app, now))
    }
}

/// Whether something is wrong with what was given last.
fn is_flawed(sheet: &DialogView) -> bool {
    let mut rows = sheet.head.iter().chain(&sheet.body).chain(&sheet.foot);
    rows.any(|row| matches!(row, DialogRow::Field(field) if field.focused && field.has_problem))
}

/// The choice of this number, or the only one that begins so.
fn chosen<'a>(choices: &'a [Choice], answer: &str) -> Option<&'a Choice> {
    if let Ok(number) = answer.parse::<usize>() {
        return choices.get(number.checked_sub(1)?);
    }
    let begins = |choice: &&Choice| choice.title.to_lowercase().starts_with(&answer.to_lowercase());
    let mut found = choices.iter().filter(begins);
    found.next().filter(|_| found.next().is_none())
}
