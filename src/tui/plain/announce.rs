//! Announcements of plain-text mode: every change of the state is printed once, in words.
//!
//! Start reading at [`Announcer::announce_changes`].

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use super::readout;
use crate::config::theme::{GlyphSet, StyleRole};
use crate::domain::{CredentialId, CredentialStatus, Secret, Timestamp};
use crate::engine::background::protocol::TaskId;
use crate::tui::app::activity::{Notification, StoreStatusKind, TaskState};
use crate::tui::app::console::RequestState;
use crate::tui::app::conversation::{self, ReadoutPage};
use crate::tui::app::dialogs::{DialogQuestion, QuestionOption};
use crate::tui::app::widgets::dialog_view::{DialogRow, DialogView};
use crate::tui::app::{App, Now, Pane, PresentationMode, display_format};

/// Maximum number of new check results that are listed; beyond it, accepted credentials are
/// counted.
const MAX_LISTED_CHECKS: usize = 20;

/// Minimum number of symbols that make a word a progress bar.
const MIN_BAR_CHARS: usize = 4;

/// Announcer, which knows what has been printed already.
#[derive(Default)]
pub(super) struct Announcer {
    lines_handled: usize,
    is_greeted: bool,
    last_store_line: Option<String>,
    last_notification: Option<Notification>,
    task_phases: HashMap<TaskId, TaskPhase>,
    checks: HashMap<CredentialId, Timestamp>,
    selected: Option<CredentialId>,
    marks: usize,
    last_dialog: Option<AnnouncedDialog>,
    sent: usize,
    audience: Option<PresentationMode>,
    /// Generated secret that the surface has yet to print.
    unprinted_secret: Option<Arc<Secret>>,
    /// Generated secret that was handed out last.
    last_secret: Weak<Secret>,
    /// Whether the help on questions has been printed.
    is_help_shown: bool,
}

/// Phase of a task that has been announced.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TaskPhase {
    Started,
    Finished,
}

/// Dialog as it was announced last.
struct AnnouncedDialog {
    depth: usize,
    title: String,
    lines: Vec<String>,
    items: Vec<String>,
}

impl Announcer {
    /// Returns the changes since the last call, one per line.
    pub(super) fn announce_changes(&mut self, app: &App, now: Now) -> Vec<String> {
        if app.is_locked() {
            return self.dialog_lines(app, now);
        }
        let mut lines = self.greeting_lines(app, now);
        lines.extend(self.store_line(app));
        lines.extend(self.task_lines(app));
        lines.extend(self.check_lines(app, now));
        lines.extend(self.request_lines(app));
        lines.extend(self.notification_line(app, now));
        lines.extend(self.reply_lines(app, now));
        lines.extend(self.dialog_lines(app, now));
        lines
    }

    /// Returns the generated secret that is to be printed after the latest changes, once.
    pub(super) fn take_secret(&mut self) -> Option<Arc<Secret>> {
        self.unprinted_secret.take()
    }

    /// Queues a secret that a dialog shows and that was not printed before. Lines of text are
    /// compared and kept; a secret is not.
    fn queue_secret(&mut self, view: &DialogView, presentation: PresentationMode) {
        let shown = view.head.iter().find_map(|row| match row {
            DialogRow::Secret(row) => Some(&row.secret),
            _ => None,
        });
        let is_new = |secret: &&Arc<Secret>| !self.last_secret.ptr_eq(&Arc::downgrade(secret));
        if let Some(secret) = shown.filter(is_new)
            && presentation == PresentationMode::Off
        {
            self.last_secret = Arc::downgrade(secret);
            self.unprinted_secret = Some(Arc::clone(secret));
        }
    }

    fn greeting_lines(&mut self, app: &App, now: Now) -> Vec<String> {
        if self.is_greeted || !app.credentials.all_rows_loaded() {
            return Vec::new();
        }
        self.is_greeted = true;
        self.checks = check_times(app).collect();
        self.selected = app.selected().map(|credential| credential.id.clone());
        let mut lines = vec![
            "tokenring, plain-text mode. Type help for the commands, quit to exit.".to_owned(),
        ];
        lines.extend(readout::page_lines(&ReadoutPage::Pane(Pane::Credentials), app, now));
        lines
    }

    fn store_line(&mut self, app: &App) -> Option<String> {
        let known = app.activity.store_status_text();
        let state = match known.kind {
            StoreStatusKind::Unknown => return None,
            StoreStatusKind::Ready => "ready".to_owned(),
            StoreStatusKind::ActionRequired { opens } => {
                format!("{}; type unlock to {opens} the store", known.state)
            }
            StoreStatusKind::Unavailable => known.state.to_owned(),
        };
        let words = format!("Store: {}, {state}.", known.title);
        let new = self.last_store_line.as_ref() != Some(&words);
        self.last_store_line = Some(words.clone());
        new.then_some(words)
    }

    /// Announces tasks that have started or finished. The reason of a failure is printed where the
    /// screen shows it.
    fn task_lines(&mut self, app: &App) -> Vec<String> {
        let mut lines = Vec::new();
        for entry in &app.activity.entries {
            let (phase, word) = match &entry.state {
                TaskState::Running(_) => (TaskPhase::Started, "...".to_owned()),
                TaskState::CleaningUp | TaskState::Done(_) => {
                    (TaskPhase::Finished, format!(": {}.", entry.remark.unwrap_or("done")))
                }
                TaskState::Failed(_) => (TaskPhase::Finished, ": failed.".to_owned()),
                TaskState::Canceled => (TaskPhase::Finished, ": canceled.".to_owned()),
            };
            if self.task_phases.insert(entry.id, phase) != Some(phase) {
                lines.push(format!("{}{word}", entry.title));
            }
        }
        lines
    }

    /// Announces new check results.
    fn check_lines(&mut self, app: &App, now: Now) -> Vec<String> {
        if !self.is_greeted {
            return Vec::new();
        }
        let fresh: HashMap<_, _> = check_times(app).collect();
        let is_new =
            |id: &CredentialId| fresh.get(id).is_some_and(|at| self.checks.get(id) != Some(at));
        let new: Vec<_> =
            app.credentials.all().iter().filter(|credential| is_new(&credential.id)).collect();
        let many = new.len() > MAX_LISTED_CHECKS;
        let good = |credential: &&&crate::domain::Credential| {
            CredentialStatus::for_credential(credential, now.wall) == CredentialStatus::Accepted
        };
        let mut lines = Vec::new();
        if many {
            let count = new.iter().filter(good).count();
            lines.push(format!("{} accepted.", display_format::format_count(count, "credential")));
        }
        let told = new.iter().filter(|credential| !many || !good(credential));
        lines.extend(told.map(|credential| readout::credential_summary(credential, app, now)));
        self.checks = fresh;
        lines
    }

    /// Announces the result of the latest request.
    fn request_lines(&mut self, app: &App) -> Vec<String> {
        let over =
            !matches!(app.console.request_state, RequestState::Idle | RequestState::Sending(..));
        if !over
            || std::mem::replace(&mut self.sent, app.console.sent_count) == app.console.sent_count
        {
            return Vec::new();
        }
        readout::request_lines(app)
    }

    fn notification_line(&mut self, app: &App, now: Now) -> Option<String> {
        let notice = app.activity.current_notification(now.instant).cloned();
        let new = notice.is_some() && notice != self.last_notification;
        self.last_notification = notice;
        self.last_notification.as_ref().filter(|_| new).map(|notice| format!("{}.", notice.text))
    }

    /// Announces the reply to the latest line, and what follows from it.
    fn reply_lines(&mut self, app: &App, now: Now) -> Vec<String> {
        let mut lines = Vec::new();
        if app.conversation.lines_handled != self.lines_handled {
            self.lines_handled = app.conversation.lines_handled;
            lines.extend(
                app.conversation.pages.iter().flat_map(|page| readout::page_lines(page, app, now)),
            );
            lines.extend(app.conversation.messages.iter().cloned());
        }
        let marks = app.credentials.mark_count();
        if std::mem::replace(&mut self.marks, marks) != marks {
            lines.push(format!("{} marked.", display_format::format_count(marks, "credential")));
        }
        let selected = app.selected().map(|credential| credential.id.clone());
        let audience = Some(app.ui_state.presentation);
        if std::mem::replace(&mut self.selected, selected.clone()) != selected
            && app.conversation.pages.is_empty()
        {
            lines.extend(app.selected().map(|credential| {
                format!("Selected: {}", readout::credential_summary(credential, app, now))
            }));
        } else if std::mem::replace(&mut self.audience, audience)
            .is_some_and(|before| Some(before) != audience)
        {
            lines.extend(readout::page_lines(&ReadoutPage::Pane(Pane::Credentials), app, now));
        }
        lines
    }

    /// Announces what the top dialog shows now and did not show before.
    fn dialog_lines(&mut self, app: &App, now: Now) -> Vec<String> {
        let depth = app.dialogs.iter().count();
        let Some(dialog) = app.dialogs.top() else {
            self.last_dialog = None;
            return Vec::new();
        };
        let question = dialog.next_question(app, now);
        let view = dialog.view(app, now);
        self.queue_secret(&view, app.ui_state.presentation);
        let told = AnnouncedDialog::new(&view, &question, depth, app);
        let before = self.last_dialog.replace(told);
        let Some(told) = &self.last_dialog else { return Vec::new() };
        let mut lines = told.lines_since(before.as_ref());
        let asks =
            matches!(&question, DialogQuestion::Field(field) if field.alternatives.is_empty());
        if !self.is_help_shown && asks {
            self.is_help_shown = true;
            lines.push(conversation::PROMPT_HELP.to_owned());
        }
        lines
    }
}

impl AnnouncedDialog {
    fn new(view: &DialogView, question: &DialogQuestion, depth: usize, app: &App) -> Self {
        let separator = format!(" {} ", app.preferences.symbols.separator);
        let title = view.title.split(&separator).next().unwrap_or_default().to_owned();
        let numbered = question.options().iter().enumerate();
        let items: Vec<_> =
            numbered.map(|(at, option)| format!("{}. {}", at + 1, option_text(option))).collect();
        // Headings separate the options, which are listed after everything else.
        let is_told = |row: &&DialogRow| {
            items.is_empty() || !matches!(row, DialogRow::Text(StyleRole::Title, _))
        };
        let symbols = app.preferences.symbols;
        let said = |row: &DialogRow| row_text(row).map(|words| strip_symbol(&words, symbols));
        let mut lines: Vec<_> =
            view.head.iter().chain(&view.body).filter(is_told).filter_map(said).collect();
        // Dim text in the footer is about keys.
        lines.extend(
            view.foot
                .iter()
                .filter(|row| !matches!(row, DialogRow::Text(StyleRole::Dim, _)))
                .filter_map(said),
        );
        Self { depth, title, lines, items }
    }

    /// Returns the content that is new, if the previous dialog is the same dialog.
    fn lines_since(&self, before: Option<&Self>) -> Vec<String> {
        let Some(before) =
            before.filter(|before| before.depth == self.depth && before.title == self.title)
        else {
            return std::iter::once(as_sentence(&self.title))
                .chain(self.lines.clone())
                .chain(self.items.clone())
                .collect();
        };
        let mut lines: Vec<_> =
            self.lines.iter().filter(|line| !before.lines.contains(line)).cloned().collect();
        if self.items != before.items {
            lines.extend(self.items.clone());
        }
        lines
    }
}

/// Returns the text of a row that is neither a field nor an option.
fn row_text(row: &DialogRow) -> Option<String> {
    match row {
        DialogRow::Text(_, text) => Some(text.trim_end().to_owned()),
        DialogRow::Pair(label, value) => Some(format!("{label}: {value}")),
        // A plan is printed before the rotation begins; after that, planned steps are not news.
        DialogRow::Item(item) if item.index.is_none() && item.right != "planned" => {
            Some(labeled_text(&item.text, &item.more, &item.right))
        }
        _ => None,
    }
}

/// Removes the symbol at the start of a line; the words have the same meaning.
fn strip_symbol(line: &str, symbols: &GlyphSet) -> String {
    let words = line.trim_start();
    let unsigned = [symbols.check_mark, symbols.refused, symbols.warning]
        .into_iter()
        .find_map(|symbol| words.strip_prefix(symbol)?.strip_prefix(' '));
    unsigned.unwrap_or(line).to_owned()
}

/// Formats a title as a sentence.
fn as_sentence(title: &str) -> String {
    if title.ends_with(['.', '?', '!', '…']) { title.to_owned() } else { format!("{title}.") }
}

fn option_text(option: &QuestionOption) -> String {
    labeled_text(&option.title, &option.more, &option.right)
}

fn labeled_text(text: &str, more: &str, right: &str) -> String {
    let more = strip_bars(more);
    let more = if more.is_empty() { String::new() } else { format!(": {more}") };
    let right = if right.is_empty() { String::new() } else { format!(" ({right})") };
    format!("{text}{more}{right}")
}

/// Removes progress bars, which a screen reader would read symbol by symbol.
fn strip_bars(text: &str) -> String {
    let is_bar = |word: &&str| {
        word.chars().count() >= MIN_BAR_CHARS && !word.contains(char::is_alphanumeric)
    };
    text.split(' ').filter(|word| !is_bar(word)).collect::<Vec<_>>().join(" ").trim().to_owned()
}

fn check_times(app: &App) -> impl Iterator<Item = (CredentialId, Timestamp)> {
    app.credentials.all().iter().filter_map(|credential| {
        Some((credential.id.clone(), credential.last_check.as_ref()?.checked_at))
    })
}

/// Returns whether the body of a response is still being laid out.
pub(super) fn is_body_loading(app: &App) -> bool {
    app.console.response().is_some_and(|answered| answered.layout_pending(app.console.tab))
}
