//! Undo: changes that can be undone, and the reason where a change cannot.
//!
//! A change is recorded only once it has been made, together with its inverse. A secret that was
//! overwritten or wiped is gone from the store: that is reported at once, and its undo is never
//! offered. Start at `start_edit` and `undo_last`.

use crate::domain::{Credential, CredentialId};
use crate::engine::background::protocol::{BackgroundTask, CredentialEdit, CredentialTask, TaskId};
use crate::tui::app::activity::NotificationLevel;
use crate::tui::app::{App, Now, UiEffect};

/// Maximum number of changes that are remembered.
const MAX_UNDO_STEPS: usize = 50;

/// Changes that can be undone, the latest last.
#[derive(Default)]
pub struct UndoStack {
    steps: Vec<UndoStep>,
    /// Changes that are still being made.
    pending: Vec<(TaskId, UndoStep)>,
}

/// Change that was made.
struct UndoStep {
    /// Short description of the change.
    title: String,
    action: UndoAction,
}

/// How a change is undone.
enum UndoAction {
    /// By this edit.
    Edit(CredentialId, Box<CredentialEdit>),
    /// By restoring this filter.
    Filter(String),
    /// Cannot be undone, for this reason.
    Irreversible(&'static str),
    /// Nothing to do: the change is itself an undo.
    AlreadyUndone,
}

impl UndoStack {
    /// Whether there is nothing to undo.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    fn push(&mut self, step: UndoStep) {
        self.steps.push(step);
        let surplus = self.steps.len().saturating_sub(MAX_UNDO_STEPS);
        self.steps.drain(..surplus);
    }

    fn take_pending(&mut self, task: TaskId) -> Option<UndoStep> {
        let at = self.pending.iter().position(|(pending, _)| *pending == task)?;
        Some(self.pending.swap_remove(at).1)
    }
}

/// Starts an edit of a credential that can be undone once it is made.
pub(in crate::tui::app) fn start_edit(
    app: &mut App,
    title: String,
    id: CredentialId,
    edit: CredentialEdit,
    now: Now,
) -> (TaskId, UiEffect) {
    let back = app.credentials.get(&id).map(|before| inverse_edit(before, &edit));
    let (task, effect) = app.start_task(
        title.clone(),
        BackgroundTask::Credential(CredentialTask::Edit(id, edit)),
        now,
    );
    app.undo.pending.extend(back.map(|back| (task, UndoStep { title, action: back })));
    (task, effect)
}

/// Reports that an edit was made, and records it if it can be undone.
pub(in crate::tui::app) fn finish_edit(app: &mut App, task: TaskId, now: Now) {
    let Some(step) = app.undo.take_pending(task) else { return };
    match step.action {
        UndoAction::Irreversible(why) => {
            return app.activity.notify(
                NotificationLevel::Warning,
                format!("{}: done; {why}", step.title),
                now.instant,
            );
        }
        UndoAction::AlreadyUndone => {
            return app.activity.notify(
                NotificationLevel::Success,
                format!("Undone: {}", step.title),
                now.instant,
            );
        }
        UndoAction::Edit(..) | UndoAction::Filter(_) => {}
    }
    let key = undo_key_label(app);
    app.activity.notify(
        NotificationLevel::Success,
        format!("{}: done; {key} undoes it", step.title),
        now.instant,
    );
    app.undo.push(step);
}

/// Drops a pending edit that failed.
pub(in crate::tui::app) fn discard_pending_edit(app: &mut App, task: TaskId) {
    app.undo.take_pending(task);
}

/// Records a filter that is about to be cleared.
pub(in crate::tui::app) fn push_filter_undo(app: &mut App) {
    let text = app.credentials.filter.input.value();
    if !text.trim().is_empty() {
        let step = UndoStep {
            title: "Clear the filter".to_owned(),
            action: UndoAction::Filter(text.to_owned()),
        };
        app.undo.push(step);
    }
}

/// Undoes the latest change.
pub(in crate::tui::app) fn undo_last(app: &mut App, now: Now) -> Vec<UiEffect> {
    let Some(UndoStep { title, action: back }) = app.undo.steps.pop() else {
        app.activity.notify(NotificationLevel::Warning, "Nothing to undo", now.instant);
        return Vec::new();
    };
    match back {
        UndoAction::Edit(id, edit) if app.credentials.get(&id).is_some() => {
            let (task, effect) = app.start_task(
                format!("Undo: {title}"),
                BackgroundTask::Credential(CredentialTask::Edit(id, *edit)),
                now,
            );
            app.undo.pending.push((task, UndoStep { title, action: UndoAction::AlreadyUndone }));
            vec![effect]
        }
        UndoAction::Filter(text) => {
            app.credentials.filter.input = tui_input::Input::new(text);
            app.credentials.apply_filter(now.wall);
            app.activity.notify(NotificationLevel::Success, "Filter restored", now.instant);
            Vec::new()
        }
        UndoAction::Edit(..) | UndoAction::Irreversible(_) | UndoAction::AlreadyUndone => {
            app.activity.notify(
                NotificationLevel::Warning,
                format!("{title}: cannot be undone, because the credential was deleted"),
                now.instant,
            );
            Vec::new()
        }
    }
}

fn undo_key_label(app: &App) -> String {
    use crate::tui::app::command::{CommandAction, ProgramAction};
    app.preferences.keys.key_or_name(CommandAction::Program(ProgramAction::Undo))
}

/// Returns the inverse of an edit.
fn inverse_edit(before: &Credential, edit: &CredentialEdit) -> UndoAction {
    if edit.secret.is_some() {
        return UndoAction::Irreversible(
            "the previous secret was overwritten, so this cannot be undone",
        );
    }
    let fields = edit
        .fields
        .keys()
        .map(|id| (id.clone(), before.fields.get(id).cloned().unwrap_or_default()));
    let back = CredentialEdit {
        name: edit.name.as_ref().map(|_| before.name.clone()),
        kind: edit.kind.as_ref().map(|_| before.kind.clone()),
        region: edit.region.as_ref().map(|_| before.region.clone()),
        fields: fields.collect(),
        labels: edit.labels.as_ref().map(|_| before.labels.clone()),
        expires: edit.expires.map(|_| before.expires),
        ..CredentialEdit::default()
    };
    UndoAction::Edit(before.id.clone(), Box::new(back))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::background::protocol::{CredentialEvent, TaskEvent, TaskReport};
    use crate::tui::app::Message;
    use crate::tui::app::samples::{TestSession, id};

    fn report(session: &mut TestSession, task: TaskId, event: TaskEvent) {
        session.handle_message(Message::TaskEvent(TaskReport { task, event }));
    }

    /// Returns the only edit that was requested.
    fn edit(session: &mut TestSession) -> (TaskId, CredentialId, CredentialEdit) {
        let found = session.drain().into_iter().find_map(|effect| match effect {
            UiEffect::StartTask(
                task,
                BackgroundTask::Credential(CredentialTask::Edit(id, edit)),
            ) => Some((task, id, edit)),
            _ => None,
        });
        found.expect("an edit")
    }

    #[test]
    fn a_region_switch_is_shown_when_it_is_made_and_undone() {
        let mut session = TestSession::new(120, 36);
        session.press("]");
        let (task, of, forth) = edit(&mut session);
        assert!(
            session.app.activity.current_notification(session.now.instant).is_none(),
            "nothing is said before it is so"
        );
        let before = session.app.credentials.get(&of).expect("it").region.clone();
        assert_ne!(forth.region.as_deref(), Some(before.as_str()));
        let mut after = session.app.credentials.get(&of).expect("it").clone();
        after.region = forth.region.clone().expect("a region");
        report(
            &mut session,
            task,
            TaskEvent::Credential(CredentialEvent::Changed(Box::new(after))),
        );
        report(&mut session, task, TaskEvent::Done);
        assert!(
            session
                .app
                .activity
                .current_notification(session.now.instant)
                .expect("a word")
                .text
                .contains("U undoes it")
        );
        session.press("U");
        let (task, _, back) = edit(&mut session);
        assert_eq!(back.region, Some(before));
        report(&mut session, task, TaskEvent::Done);
        let said =
            &session.app.activity.current_notification(session.now.instant).expect("a word").text;
        assert!(said.starts_with("Undone: "), "no promise is left that is not so any more: {said}");
        session.press("U");
        assert!(session.app.undo.is_empty());
    }

    #[test]
    fn what_failed_is_not_offered_and_a_secret_is_never_promised() {
        let mut session = TestSession::new(120, 36);
        session.press("]");
        let (task, ..) = edit(&mut session);
        report(&mut session, task, TaskEvent::Canceled);
        assert!(session.app.undo.is_empty());

        let secret = Some(std::sync::Arc::new(crate::domain::Secret::from_text("new".to_owned())));
        let with_secret = CredentialEdit { secret, ..CredentialEdit::default() };
        let now = session.now;
        let effects = session.app.edit_from_dialog(id(0), with_secret, now);
        session.effects.extend(effects);
        let (task, of, _) = edit(&mut session);
        let same = session.app.credentials.get(&of).expect("it").clone();
        report(&mut session, task, TaskEvent::Credential(CredentialEvent::Changed(Box::new(same))));
        report(&mut session, task, TaskEvent::Done);
        assert!(
            session
                .app
                .activity
                .current_notification(session.now.instant)
                .expect("a word")
                .text
                .contains("cannot be undone")
        );
        assert!(session.app.undo.is_empty());
    }

    #[test]
    fn a_filter_comes_back() {
        let mut session = TestSession::new(120, 36);
        session.press("/").type_text("broker").press("Enter Esc");
        assert!(session.app.credentials.filter_is_empty());
        session.press("U");
        assert_eq!(session.app.credentials.visible_count(), 1);
    }
}
