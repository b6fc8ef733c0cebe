//! Signing in with the browser: what opens the dialog, and what tasks have to say to it.

use super::activity::{State, Tone};
use super::dialog::{Add, Dialog, SignIn};
use super::{App, Browser, Effect, Now};
use crate::domain::provider::AuthMethod;
use crate::engine::message::{BackgroundTask, SignInEvent, SignInResult, SignInSubject, SignInTask, TaskId};

impl App {
    /// Whether the selected credential is a session that one signs in to.
    pub fn selected_session(&self) -> Option<SignInSubject> {
        let credential = self.selected()?;
        let kind = self.catalogue.kind(&credential.provider, &credential.kind).ok()?;
        let signs_in = matches!(kind.authorization, AuthMethod::RefreshToken { authorize: Some(_), .. });
        signs_in.then(|| SignInSubject::Existing(credential.id.clone()))
    }

    /// Signs in again to the selected session; for anything else, opens the form for a new one.
    pub(super) fn open_sign_in(&mut self, now: Now) -> Vec<Effect> {
        if let Some(session) = self.selected_session() {
            return self.sign_in(session, now);
        }
        let region = self.selected().map(|credential| credential.region.clone()).unwrap_or_default();
        match Add::for_session(self.catalogue.clone(), &region) {
            Some(add) => self.dialogs.push(Dialog::Add(Box::new(add))),
            None => self.activity.say(Tone::Warn, "No provider has a kind of credential that one signs in to", now.instant),
        }
        Vec::new()
    }

    /// Begins a sign-in. The form it was begun from stays beneath until it is over.
    pub(super) fn sign_in(&mut self, session: SignInSubject, now: Now) -> Vec<Effect> {
        let name = match &session {
            SignInSubject::New(new) => new.name.to_string(),
            SignInSubject::Existing(id) => self.called(id),
        };
        let task = BackgroundTask::SignIn(SignInTask::Start(session.clone()));
        let (id, effect) = self.start_task(format!("Sign in to {name}"), task, now);
        self.dialogs.wait(id);
        let mut dialog = SignIn::new(name, session, self.preferences.browser);
        dialog.wait(id);
        self.dialogs.push(Dialog::SignIn(Box::new(dialog)));
        vec![effect]
    }

    /// Takes in what a task has to say about a sign-in.
    pub(super) fn take_sign_in(&mut self, task: TaskId, event: SignInEvent, now: Now) -> Vec<Effect> {
        match &event {
            SignInEvent::CallbackReceived => self.activity.settle(task, State::Tidying),
            SignInEvent::Finished(signed_in) if self.dialogs.sign_in(task).is_none() => self.tell_signed_in(signed_in, now),
            _ => {}
        }
        let Some(dialog) = self.dialogs.sign_in(task) else { return Vec::new() };
        match event {
            SignInEvent::PageReady(visit) => {
                let page = visit.page.clone();
                dialog.visit(*visit, now.instant);
                return (self.preferences.browser == Browser::Here).then_some(Effect::Open(page)).into_iter().collect();
            }
            SignInEvent::PasteRejected(question, problem) => dialog.strange(question, problem),
            SignInEvent::CallbackReceived => dialog.answered(),
            SignInEvent::Finished(signed_in) => dialog.ended(signed_in),
        }
        Vec::new()
    }

    /// The person has closed the dialog before the end.
    fn tell_signed_in(&mut self, signed_in: &SignInResult, now: Now) {
        let name = self.name_of(&signed_in.credential);
        self.activity.say(Tone::Good, format!("Signed in to {name}"), now.instant);
    }
}
