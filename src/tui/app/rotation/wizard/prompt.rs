//! Question of a rotation, with its possible answers.
//!
//! A question can show a page, ask for a secret or for the callback URL of a browser, and offer
//! decisions. Every question can be postponed. Start reading at [`RotationPromptView::new`].

use std::sync::Arc;
use std::time::{Duration, Instant};

use tui_input::Input;
use url::Url;

use crate::config::KeyPress;
use crate::config::key::KeySymbol;
use crate::config::theme::{GlyphSet, StyleRole};
use crate::domain::rotation::UserDecision;
use crate::engine::background::protocol::{
    AlternativeAdministrator, FailedRevocation, PromptChoice, PromptId, PromptReply,
    RotationPrompt, RotationTask,
};
use crate::tui::app::dialogs::{
    DialogAction, DialogAnswer, DialogQuestion, FieldQuestion, ListQuestion, QuestionOption,
    QuestionValue,
};
use crate::tui::app::sign_in::dialog::copy_url;
use crate::tui::app::widgets::dialog_view::{
    DialogRow, FieldValue, FieldView, ListItem, TextTruncation,
};
use crate::tui::app::widgets::form::{edit_input, insert_text};
use crate::tui::app::widgets::scroll_offset;
use crate::tui::app::widgets::secret_input::SecretInput;
use crate::tui::app::{BrowserAvailability, PresentationMode, UiEffect, display_format};

/// Maximum number of visible answers.
const MAX_VISIBLE_ANSWERS: usize = 6;

/// Remaining time from which the countdown is highlighted.
const COUNTDOWN_WARNING: Duration = Duration::from_secs(20);

/// A question that waits for an answer.
pub(super) struct RotationPromptView {
    prompt_id: PromptId,
    prompt: RotationPrompt,
    choices: Vec<RotationAnswer>,
    cursor: usize,
    secret: SecretInput,
    typed: Input,
    /// What is wrong with the pasted or typed text.
    flaw: Option<String>,
    browser: BrowserAvailability,
    /// How long the rotation waits for the browser.
    deadline: Option<Instant>,
}

/// A possible answer.
enum RotationAnswer {
    OpenPage(Url),
    /// Copies the URL of the page, for a browser on another machine.
    CopyAddress(Url),
    PasteSecret,
    Decide(String, UserDecision),
    /// Tries again, authorized by another credential.
    AuthorizeWith(AlternativeAdministrator),
    Postpone,
}

impl RotationAnswer {
    /// Returns whether the answer may be selected at first: it states nothing that may be false and
    /// changes nothing that may be wanted.
    const fn is_harmless(&self) -> bool {
        match self {
            Self::OpenPage(_) | Self::CopyAddress(_) | Self::PasteSecret | Self::Postpone => true,
            // Nothing happens before a name is typed.
            Self::Decide(_, decision) => {
                matches!(decision, UserDecision::Retry | UserDecision::Override(_))
            }
            Self::AuthorizeWith(_) => false,
        }
    }

    /// Returns whether the answer is a field that takes a text.
    const fn is_field(&self) -> bool {
        matches!(self, Self::PasteSecret | Self::Decide(_, UserDecision::Override(_)))
    }
}

/// Result of a key or an answer.
#[expect(clippy::large_enum_variant, reason = "a key press makes one")]
pub(super) enum PromptKeyResult {
    /// The question has handled the key.
    Handled,
    /// The application carries out this action; the question stays.
    Run(DialogAction),
    /// The question is answered or postponed.
    Submit(RotationTask),
}

impl RotationPromptView {
    /// Creates the view of a question, with the cursor on the most likely answer that is harmless.
    pub(super) fn new(
        prompt_id: PromptId,
        prompt: RotationPrompt,
        browser: BrowserAvailability,
        now: Instant,
    ) -> Self {
        let page = prompt.page.as_deref().and_then(|page| Url::parse(page).ok());
        let deadline = prompt.awaited_callback.as_ref().map(|awaited| now + awaited.timeout);
        let open = page
            .clone()
            .filter(|_| browser == BrowserAvailability::Available)
            .map(RotationAnswer::OpenPage);
        let copy = page.filter(|_| deadline.is_some()).map(RotationAnswer::CopyAddress);
        let mut answers: Vec<_> = open.into_iter().chain(copy).collect();
        // A browser on this machine returns to tokenring without a paste.
        let pastes = prompt.accepts_paste
            && (deadline.is_none() || browser == BrowserAvailability::Unavailable);
        let paste_at = pastes.then_some(answers.len());
        answers.extend(prompt.accepts_paste.then_some(RotationAnswer::PasteSecret));
        let (retries, decisions): (Vec<_>, Vec<_>) =
            prompt.choices.iter().partition(|choice| choice.decision == UserDecision::Retry);
        let decide = |choice: &PromptChoice| {
            RotationAnswer::Decide(choice.title.clone(), choice.decision.clone())
        };
        answers.extend(retries.into_iter().map(decide));
        let others = prompt.failed_revocation.iter().flat_map(|failed| &failed.administrators);
        answers.extend(others.cloned().map(RotationAnswer::AuthorizeWith));
        answers.extend(decisions.into_iter().map(decide));
        answers.push(RotationAnswer::Postpone);
        let cursor = paste_at.unwrap_or_else(|| {
            answers.iter().position(RotationAnswer::is_harmless).unwrap_or(answers.len() - 1)
        });
        let (secret, typed) = (SecretInput::default(), Input::default());
        Self {
            prompt_id,
            prompt,
            choices: answers,
            cursor,
            secret,
            typed,
            flaw: None,
            browser,
            deadline,
        }
    }

    /// Returns when the remaining time changes.
    pub(super) fn next_wake(&self, now: Instant) -> Option<Instant> {
        display_format::next_second_at(self.deadline?, now)
    }

    /// Returns the page that opens automatically: the one from which the browser returns to
    /// tokenring.
    pub(super) fn page_to_open(&self) -> Option<Url> {
        self.choices.iter().find_map(|answer| match answer {
            RotationAnswer::OpenPage(page) => {
                Some(page.clone()).filter(|_| self.deadline.is_some())
            }
            _ => None,
        })
    }

    /// Handles a key.
    pub(super) fn handle_key(&mut self, key: KeyPress) -> PromptKeyResult {
        let count = self.choices.len();
        match key.code {
            KeySymbol::Enter => return self.submit_selected(),
            KeySymbol::Down => self.cursor = (self.cursor + 1) % count,
            KeySymbol::Tab if !key.shift => self.cursor = (self.cursor + 1) % count,
            KeySymbol::Up | KeySymbol::Tab => self.cursor = (self.cursor + count - 1) % count,
            _ => {
                self.flaw = None;
                match &self.choices[self.cursor] {
                    RotationAnswer::PasteSecret => drop(self.secret.handle_key(key)),
                    RotationAnswer::Decide(_, UserDecision::Override(_)) => {
                        let _ = edit_input(&mut self.typed, key);
                    }
                    _ => {}
                }
            }
        }
        PromptKeyResult::Handled
    }

    /// Handles a pasted text; it goes into the secret field if there is one.
    pub(super) fn handle_paste(&mut self, text: &str) {
        self.flaw = None;
        if let Some(at) =
            self.choices.iter().position(|answer| matches!(answer, RotationAnswer::PasteSecret))
        {
            self.cursor = at;
            self.secret.clear();
            self.secret.push(text);
        } else if matches!(
            self.choices[self.cursor],
            RotationAnswer::Decide(_, UserDecision::Override(_))
        ) {
            insert_text(&mut self.typed, text);
        }
    }

    /// Handles a click on an answer.
    pub(super) fn handle_click(&mut self, at: usize) -> PromptKeyResult {
        self.cursor = at.min(self.choices.len() - 1);
        if self.choices[self.cursor].is_field() {
            return PromptKeyResult::Handled;
        }
        self.submit_selected()
    }

    /// Returns whether an answer is a field.
    pub(super) fn has_fields(&self) -> bool {
        self.choices.iter().any(RotationAnswer::is_field)
    }

    /// Returns the question for plain-text mode: for the field under the cursor, or for one of the
    /// answers.
    pub(super) fn question(&self, presentation: PresentationMode) -> DialogQuestion {
        let options =
            self.choices.iter().enumerate().map(|(at, answer)| {
                QuestionOption::new(at, self.answer_text(answer, presentation))
            });
        let options: Vec<_> = options.collect();
        let value = match &self.choices[self.cursor] {
            RotationAnswer::PasteSecret => {
                QuestionValue::Secret { is_entered: !self.secret.is_empty() }
            }
            RotationAnswer::Decide(_, UserDecision::Override(_)) => match presentation {
                PresentationMode::Off => QuestionValue::Text(self.typed.value().to_owned()),
                PresentationMode::On => {
                    QuestionValue::Secret { is_entered: !self.typed.value().is_empty() }
                }
            },
            _ => {
                return DialogQuestion::List(ListQuestion {
                    items: options,
                    ..ListQuestion::default()
                });
            }
        };
        DialogQuestion::Field(FieldQuestion {
            has_listing: false,
            label: options[self.cursor].title.clone(),
            message: String::new(),
            value,
            alternatives: options,
            accepts_commands: true,
        })
    }

    /// Handles the answer to the question in plain-text mode.
    pub(super) fn answer(&mut self, answer: DialogAnswer<'_>) -> PromptKeyResult {
        let count = self.choices.len();
        match answer {
            DialogAnswer::Next => self.cursor = (self.cursor + 1) % count,
            DialogAnswer::Previous => self.cursor = (self.cursor + count - 1) % count,
            DialogAnswer::Select(at) => return self.handle_click(at),
            DialogAnswer::Text(text) => {
                self.flaw = None;
                if matches!(self.choices[self.cursor], RotationAnswer::PasteSecret) {
                    self.handle_paste(text);
                } else {
                    self.typed.reset();
                    insert_text(&mut self.typed, text);
                }
                return self.submit_selected();
            }
            DialogAnswer::AddLine(_)
            | DialogAnswer::Search(_)
            | DialogAnswer::Shortcut(..)
            | DialogAnswer::ListValues => {}
        }
        PromptKeyResult::Handled
    }

    /// Returns whether the question is about a revocation that failed, which has a view of its own.
    pub(super) fn is_failed_revocation(&self) -> bool {
        self.prompt.failed_revocation.is_some()
    }

    /// Returns the question, for the scrolling part of the view.
    pub(super) fn question_rows(&self, glyphs: &GlyphSet) -> Vec<DialogRow> {
        if let Some(failed) = &self.prompt.failed_revocation {
            return self.failed_revocation_rows(failed, glyphs);
        }
        let mut rows = vec![
            DialogRow::Blank,
            DialogRow::Text(StyleRole::Title, capitalize(&self.prompt.message.title)),
        ];
        if !self.prompt.message.detail.is_empty() {
            rows.push(DialogRow::warning(capitalize(&self.prompt.message.detail)));
        }
        match (self.callback_row(), &self.prompt.page) {
            (Some(callback), Some(page)) => {
                rows.extend([callback, DialogRow::Text(StyleRole::Accent, page.clone())]);
            }
            (_, page) => {
                rows.extend(page.iter().map(|page| DialogRow::text(format!("Page: {page}"))));
            }
        }
        rows.push(DialogRow::Blank);
        rows
    }

    /// Returns what is known about a revocation that failed, and what the user can do.
    fn failed_revocation_rows(
        &self,
        failed: &FailedRevocation,
        glyphs: &GlyphSet,
    ) -> Vec<DialogRow> {
        let what = format!("{} The revocation failed.", glyphs.refused);
        let mut rows =
            vec![DialogRow::Text(StyleRole::Bad, what), DialogRow::text(failed.describe_reason())];
        rows.extend(self.prompt.page.iter().map(|page| DialogRow::text(format!("Page: {page}"))));
        rows.extend([DialogRow::Blank, DialogRow::text(failed.consequence.clone())]);
        let guide = failed.instructions.trim();
        rows.extend((!guide.is_empty()).then(|| DialogRow::text(guide)));
        if failed.administrators.is_empty() {
            rows.push(DialogRow::dim(
                "No other stored credential of this provider and region can revoke it.",
            ));
        }
        rows.extend(
            Some(&self.prompt.message.detail)
                .filter(|detail| !detail.is_empty())
                .map(|detail| DialogRow::warning(capitalize(detail))),
        );
        rows.push(DialogRow::Blank);
        rows
    }

    /// Returns the remaining time and the answers.
    pub(super) fn answer_rows(
        &self,
        presentation: PresentationMode,
        now: Instant,
    ) -> Vec<DialogRow> {
        let top = scroll_offset(0, self.cursor, MAX_VISIBLE_ANSWERS, self.choices.len());
        let shown = self.choices.iter().enumerate().skip(top).take(MAX_VISIBLE_ANSWERS);
        let mut rows: Vec<_> = self.countdown_row(now).into_iter().collect();
        rows.extend(shown.map(|(at, answer)| self.answer_row(at, answer, presentation)));
        let hidden = self.choices.len().saturating_sub(MAX_VISIBLE_ANSWERS);
        rows.extend(
            (hidden > 0)
                .then(|| DialogRow::dim(format!("{} of {}", self.cursor + 1, self.choices.len()))),
        );
        rows.extend(self.flaw.iter().map(|flaw| DialogRow::Text(StyleRole::Bad, flaw.clone())));
        rows.push(DialogRow::dim(
            "↑/↓ select · Enter confirm · Esc hide; the rotation keeps waiting",
        ));
        rows
    }

    /// Describes how the browser returns to tokenring, if the rotation waits for it.
    fn callback_row(&self) -> Option<DialogRow> {
        let place = self.prompt.awaited_callback.as_ref()?.callback.origin().ascii_serialization();
        Some(DialogRow::dim(match self.browser {
            BrowserAvailability::Available => {
                format!("Approve access on this page; the browser returns automatically ({place}):")
            }
            BrowserAvailability::Unavailable => {
                format!(
                    "Approve access on this page, on your own machine. The browser is redirected to {place}, which it cannot reach: paste that URL below."
                )
            }
        }))
    }

    fn countdown_row(&self, now: Instant) -> Option<DialogRow> {
        let left = self.deadline?.saturating_duration_since(now);
        let role = if left <= COUNTDOWN_WARNING { StyleRole::Warn } else { StyleRole::Text };
        let seconds = display_format::whole_seconds_left(left);
        Some(DialogRow::Text(
            role,
            format!("Waiting for the browser: {}:{:02} left.", seconds / 60, seconds % 60),
        ))
    }

    fn answer_row(
        &self,
        at: usize,
        answer: &RotationAnswer,
        presentation: PresentationMode,
    ) -> DialogRow {
        let focused = at == self.cursor;
        let field = |label: String, value| {
            DialogRow::Field(FieldView {
                index: at,
                label,
                value,
                focused,
                has_problem: focused && self.flaw.is_some(),
            })
        };
        let text = self.answer_text(answer, presentation);
        match answer {
            RotationAnswer::PasteSecret => {
                return field(text, FieldValue::Secret(!self.secret.is_empty()));
            }
            RotationAnswer::Decide(_, UserDecision::Override(_)) => {
                // The word to type is the credential's name, which presentation mode hides.
                let value = match presentation {
                    PresentationMode::Off => {
                        FieldValue::Text(self.typed.value().to_owned(), self.typed.visual_cursor())
                    }
                    PresentationMode::On => FieldValue::Secret(!self.typed.value().is_empty()),
                };
                return field(text, value);
            }
            _ => {}
        }
        DialogRow::Item(ListItem {
            index: Some(at),
            mark: None,
            text,
            cut: TextTruncation::End,
            more: String::new(),
            right: String::new(),
            right_role: StyleRole::Key,
            selected: focused,
        })
    }

    /// Returns the text of an answer.
    fn answer_text(&self, answer: &RotationAnswer, presentation: PresentationMode) -> String {
        match answer {
            RotationAnswer::PasteSecret if self.deadline.is_some() => "Callback URL".to_owned(),
            RotationAnswer::PasteSecret => "New secret".to_owned(),
            RotationAnswer::Decide(_, UserDecision::Override(word)) => format!("Type {word}"),
            RotationAnswer::Decide(title, UserDecision::SelectedOld(_))
                if presentation == PresentationMode::On =>
            {
                without_label(title)
            }
            RotationAnswer::Decide(title, _) => capitalize(title),
            RotationAnswer::AuthorizeWith(other) => {
                let name = match presentation {
                    PresentationMode::Off => other.name.to_string(),
                    PresentationMode::On => format!("credential {}", &other.id.as_str()[..4]),
                };
                format!("Try again as {name}")
            }
            RotationAnswer::OpenPage(_) if self.deadline.is_some() => {
                "Open the page again".to_owned()
            }
            RotationAnswer::OpenPage(_) => "Open the page in the browser".to_owned(),
            RotationAnswer::CopyAddress(_) => "Copy URL".to_owned(),
            RotationAnswer::Postpone => "Pause".to_owned(),
        }
    }

    fn submit_selected(&mut self) -> PromptKeyResult {
        match &self.choices[self.cursor] {
            RotationAnswer::OpenPage(page) => {
                PromptKeyResult::Run(DialogAction::Effect(UiEffect::OpenUrl(page.clone())))
            }
            RotationAnswer::CopyAddress(page) => PromptKeyResult::Run(copy_url(page)),
            RotationAnswer::Postpone => {
                PromptKeyResult::Submit(RotationTask::LeavePrompt(self.prompt_id))
            }
            RotationAnswer::Decide(_, UserDecision::Override(word))
                if self.typed.value().trim() != word =>
            {
                self.flaw = Some(format!("Type {word} to use the new secret anyway"));
                PromptKeyResult::Handled
            }
            RotationAnswer::Decide(_, decision) => PromptKeyResult::Submit(
                RotationTask::ReplyToPrompt(self.prompt_id, PromptReply::Decided(decision.clone())),
            ),
            RotationAnswer::AuthorizeWith(other) => {
                let reply = PromptReply::AuthorizedBy(other.id.clone());
                PromptKeyResult::Submit(RotationTask::ReplyToPrompt(self.prompt_id, reply))
            }
            RotationAnswer::PasteSecret => self.submit_secret(),
        }
    }

    fn submit_secret(&mut self) -> PromptKeyResult {
        let flaw =
            self.secret.invisible_character_problem().map(|flaw| format!("The pasted text {flaw}"));
        let nothing = if self.deadline.is_some() {
            "Paste the callback URL first"
        } else {
            "Paste the new secret first"
        };
        self.flaw = flaw.or_else(|| self.secret.is_empty().then(|| nothing.to_owned()));
        let secret = Some(self.secret.to_secret()).filter(|_| self.flaw.is_none());
        let Some(secret) = secret.and_then(Arc::into_inner) else {
            return PromptKeyResult::Handled;
        };
        self.secret.clear();
        PromptKeyResult::Submit(RotationTask::ReplyToPrompt(
            self.prompt_id,
            PromptReply::Pasted(secret),
        ))
    }
}

/// Returns an entry of the provider's list without the name that a user gave it.
fn without_label(title: &str) -> String {
    title.split_once(" · ").map_or_else(String::new, |(_, rest)| rest.to_owned())
}

/// Makes the first letter upper case.
fn capitalize(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::app::samples::rotation::{paste_prompt, rotation_prompt};

    fn press(view: &mut RotationPromptView, keys: &str) -> PromptKeyResult {
        keys.split(' ').fold(PromptKeyResult::Handled, |_, key| {
            view.handle_key(KeyPress::parse(key).expect("a key"))
        })
    }

    #[test]
    fn what_is_pasted_is_handed_over_and_nothing_else() {
        let mut view = RotationPromptView::new(
            PromptId(1),
            paste_prompt(),
            BrowserAvailability::Available,
            Instant::now(),
        );
        assert!(matches!(press(&mut view, "Enter"), PromptKeyResult::Handled));
        assert!(view.flaw.is_some());
        press(&mut view, "Down");
        view.handle_paste("ab\u{200b}c");
        assert!(matches!(press(&mut view, "Enter"), PromptKeyResult::Handled));
        assert!(view.flaw.as_deref().is_some_and(|flaw| flaw.contains("zero-width")));
        view.handle_paste("the-new-one");
        let PromptKeyResult::Submit(RotationTask::ReplyToPrompt(
            PromptId(1),
            PromptReply::Pasted(secret),
        )) = press(&mut view, "Enter")
        else {
            panic!("no answer");
        };
        assert!(secret.same_as(&crate::domain::Secret::from_text("the-new-one".to_owned())));
        assert!(view.secret.is_empty());
    }

    #[test]
    fn an_override_takes_the_whole_name() {
        let choices = [UserDecision::Override("ci-scanner".to_owned()), UserDecision::RollBack];
        let mut view = RotationPromptView::new(
            PromptId(2),
            rotation_prompt(&choices),
            BrowserAvailability::Available,
            Instant::now(),
        );
        "ci-scan".chars().for_each(|c| drop(view.handle_key(KeyPress::char(c))));
        assert!(matches!(press(&mut view, "Enter"), PromptKeyResult::Handled));
        "ner".chars().for_each(|c| drop(view.handle_key(KeyPress::char(c))));
        let result = press(&mut view, "Enter");
        assert!(
            matches!(result, PromptKeyResult::Submit(RotationTask::ReplyToPrompt(_, PromptReply::Decided(UserDecision::Override(word)))) if word == "ci-scanner")
        );
    }

    #[test]
    fn the_last_answer_leaves_it_for_later() {
        let mut view = RotationPromptView::new(
            PromptId(3),
            rotation_prompt(&[UserDecision::Retry]),
            BrowserAvailability::Available,
            Instant::now(),
        );
        assert!(matches!(
            press(&mut view, "Up Enter"),
            PromptKeyResult::Submit(RotationTask::LeavePrompt(PromptId(3)))
        ));
    }

    #[test]
    fn a_page_is_offered_only_where_there_is_a_browser_and_always_shown() {
        for (browser, offered) in
            [(BrowserAvailability::Available, true), (BrowserAvailability::Unavailable, false)]
        {
            let mut view =
                RotationPromptView::new(PromptId(4), paste_prompt(), browser, Instant::now());
            let shown = view
                .question_rows(&GlyphSet::UNICODE)
                .iter()
                .any(|row| matches!(row, DialogRow::Text(_, text) if text.contains("https://")));
            assert!(shown);
            assert_eq!(
                matches!(
                    press(&mut view, "Up Enter"),
                    PromptKeyResult::Run(DialogAction::Effect(_))
                ),
                offered
            );
        }
    }
}
