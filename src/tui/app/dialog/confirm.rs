//! A question before something that reaches out or cannot be taken back. The focus is on Cancel, where Enter closes; where
//! a word must be typed, the other button does nothing until it is.

use tui_input::Input;

use super::{Intent, Outcome};
use crate::config::KeyPress;
use crate::config::key::KeySymbol;
use crate::tui::app::PresentationMode;
use crate::tui::app::form::{FormButton, edit_input};
use crate::tui::app::sheet::{ButtonView, DialogRow, DialogView, FieldValue, FieldView};

/// A question, and what a yes means.
pub struct Confirm {
    title: String,
    rows: Vec<DialogRow>,
    typed: Option<Typed>,
    button: FormButton,
    on_button: bool,
    intent: Option<Intent>,
}

struct Typed {
    word: String,
    /// What the word is, for a screen that others see.
    called: String,
    input: Input,
}

impl Confirm {
    /// A question that a button answers.
    pub fn new(title: impl Into<String>, rows: Vec<DialogRow>, button: FormButton, intent: Intent) -> Self {
        Self { title: title.into(), rows, typed: None, button, on_button: false, intent: Some(intent) }
    }

    /// The question before a fresh secret is lost that could not be kept.
    pub fn of_loss() -> Self {
        let rows = vec![
            DialogRow::warning(
                "The answer in the console holds a new secret that could not be kept, and the provider does not say it again.",
            ),
            DialogRow::text("Cancel, then K in the console keeps it."),
        ];
        Self::new("Leave without the new secret?", rows, FormButton::Destructive("Leave"), Intent::Quit)
    }

    /// The same question, answered by typing `word`, the name of what is `called` so where others see the screen.
    #[must_use]
    pub fn typing(mut self, word: &str, called: String) -> Self {
        self.typed = Some(Typed { word: word.to_owned(), called, input: Input::default() });
        self
    }

    /// The same with the other button under the cursor from the start, for what does no harm.
    #[must_use]
    pub fn ready(mut self) -> Self {
        self.on_button = true;
        self
    }

    /// Takes a key in.
    pub fn key(&mut self, key: KeyPress) -> Outcome {
        match key.code {
            KeySymbol::Tab | KeySymbol::Left | KeySymbol::Right | KeySymbol::Up | KeySymbol::Down => {
                self.on_button = !self.on_button
            }
            KeySymbol::Enter if self.on_button => return self.agree(),
            KeySymbol::Enter => return Outcome::Close,
            _ => {
                if let Some(typed) = &mut self.typed {
                    edit_input(&mut typed.input, key);
                }
            }
        }
        Outcome::Stay
    }

    /// Takes a click in: 0 is the field, 1 is Cancel, 2 is the other button.
    pub fn click(&mut self, at: usize) -> Outcome {
        match at {
            1 => Outcome::Close,
            2 => self.agree(),
            _ => Outcome::Stay,
        }
    }

    /// What it shows.
    pub fn sheet(&self, audience: PresentationMode) -> DialogView {
        let mut sheet = DialogView::new(self.title.clone(), 70);
        sheet.head.extend(self.rows.iter().map(DialogRow::copy));
        sheet.head.push(DialogRow::Blank);
        if let Some(typed) = &self.typed {
            let (prompt, value) = typed.shown(audience);
            sheet.head.push(DialogRow::dim(prompt));
            sheet.head.push(DialogRow::Field(FieldView {
                index: 0,
                label: "Name".to_owned(),
                value,
                focused: true,
                has_problem: false,
            }));
            sheet.head.push(DialogRow::Blank);
        }
        let cell = |at, button, focused| ButtonView { index: at, button, focused };
        sheet.foot =
            vec![DialogRow::Buttons(vec![cell(1, FormButton::Cancel, !self.on_button), cell(2, self.button, self.on_button)])];
        sheet
    }

    /// Whether the word has been typed, where one must be.
    fn is_armed(&self) -> bool {
        self.typed.as_ref().is_none_or(|typed| typed.input.value().trim() == typed.word)
    }

    fn agree(&mut self) -> Outcome {
        if !self.is_armed() {
            return Outcome::Stay;
        }
        self.intent.take().map_or(Outcome::Close, Outcome::Finish)
    }
}

impl Typed {
    /// The prompt and what was typed so far; to others neither shows the word.
    fn shown(&self, audience: PresentationMode) -> (String, FieldValue) {
        match audience {
            PresentationMode::Off => {
                let value = FieldValue::Text(self.input.value().to_owned(), self.input.visual_cursor());
                (format!("Type {} to go on:", self.word), value)
            }
            PresentationMode::On => {
                (format!("Type the name of {} to go on:", self.called), FieldValue::Secret(!self.input.value().is_empty()))
            }
        }
    }
}

impl DialogRow {
    /// The same words again; fields and lists are not copied.
    fn copy(&self) -> Self {
        match self {
            Self::Text(role, text) => Self::Text(*role, text.clone()),
            Self::Pair(label, value) => Self::Pair(label.clone(), value.clone()),
            _ => Self::Blank,
        }
    }
}
