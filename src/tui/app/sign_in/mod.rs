//! Browser sign-in: opening its dialog and handling the reports of its task.
//!
//! Start at `App::open_sign_in`.

pub mod dialog;

use crate::domain::provider::AuthMethod;
use crate::engine::background::protocol::{
    BackgroundTask, SignInEvent, SignInResult, SignInSubject, TaskEvent, TaskId,
};
use crate::tui::app::activity::{NotificationLevel, TaskState};
use crate::tui::app::credentials::add_dialog::AddDialog;
use crate::tui::app::dialogs::Dialog;
use crate::tui::app::sign_in::dialog::SignInDialog;
use crate::tui::app::{App, Now, UiEffect};

impl App {
    /// Returns what to sign in to, if the selected credential is a sign-in session.
    pub fn selected_sign_in_subject(&self) -> Option<SignInSubject> {
        let credential = self.selected()?;
        let kind = self.catalog.kind(&credential.provider, &credential.kind).ok()?;
        let signs_in =
            matches!(kind.authorization, AuthMethod::RefreshToken { authorize: Some(_), .. });
        signs_in.then(|| SignInSubject::Existing(credential.id.clone()))
    }

    /// Signs in again to the selected session; for any other credential, opens the form for a new
    /// session.
    pub(super) fn open_sign_in(&mut self, now: Now) -> Vec<UiEffect> {
        if let Some(session) = self.selected_sign_in_subject() {
            return self.start_sign_in(session, now);
        }
        let region =
            self.selected().map(|credential| credential.region.clone()).unwrap_or_default();
        match AddDialog::for_session(self.catalog.clone(), &region) {
            Some(add) => self.dialogs.push(add),
            None => self.activity.notify(
                NotificationLevel::Warning,
                "No provider supports signing in with the browser",
                now.instant,
            ),
        }
        Vec::new()
    }

    /// Starts a sign-in. The form it was started from stays open beneath until it succeeds.
    pub(super) fn start_sign_in(&mut self, session: SignInSubject, now: Now) -> Vec<UiEffect> {
        let name = match &session {
            SignInSubject::New(new) => new.name.to_string(),
            SignInSubject::Existing(id) => self.display_name_by_id(id),
        };
        let task = BackgroundTask::SignIn(session.clone());
        let (id, effect) = self.start_task(format!("Sign in to {name}"), task, now);
        self.dialogs.set_task(id);
        let mut dialog = SignInDialog::new(name, session, self.preferences.browser);
        dialog.set_task(id);
        self.dialogs.push(dialog);
        vec![effect]
    }

    /// Handles a report of a sign-in task.
    pub(super) fn on_sign_in_event(
        &mut self,
        task: TaskId,
        event: SignInEvent,
        now: Now,
    ) -> Vec<UiEffect> {
        match &event {
            SignInEvent::CallbackReceived => {
                self.activity.set_task_state(task, TaskState::CleaningUp);
            }
            SignInEvent::Finished(signed_in) if !self.has_sign_in_dialog(task) => {
                self.notify_signed_in(signed_in, now);
            }
            _ => {}
        }
        self.deliver_to_dialog(task, TaskEvent::SignIn(event), now)
    }

    /// Returns whether the dialog of this sign-in is open.
    fn has_sign_in_dialog(&self, task: TaskId) -> bool {
        self.dialogs.find::<SignInDialog>(|dialog| dialog.waits_for(task)).is_some()
    }

    /// Reports a sign-in that finished after the user had closed the dialog.
    fn notify_signed_in(&mut self, signed_in: &SignInResult, now: Now) {
        let name = self.display_name(&signed_in.credential);
        self.activity.notify(
            NotificationLevel::Success,
            format!("Signed in to {name}"),
            now.instant,
        );
    }
}
