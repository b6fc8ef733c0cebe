//! Signing in from the screen: the page goes out as a report, a pasted address comes back as a task.

use std::sync::Arc;

use url::Url;

use super::Engine;
use super::login::{LOGIN_WAIT, Login, strange};
use super::message::{Event, KeyringEvent, Reply, Session, SignInEvent, SignInTask, Visit};
use super::questions::Pending;
use super::tasks::Voice;
use crate::domain::Problem;
use crate::net::sign_in::AuthorizationRequest;

impl Engine {
    pub(super) async fn perform_sign_in(&self, task: SignInTask, voice: &Voice) -> Result<(), Problem> {
        match task {
            SignInTask::Begin(Session::New(new)) => self.sign_in(self.begin_login(*new).await?, voice).await,
            SignInTask::Begin(Session::Again(id)) => self.sign_in(self.begin_login_again(&id).await?, voice).await,
            SignInTask::Paste(question, reply) => {
                voice.questions.answer(question, reply);
                Ok(())
            }
        }
    }

    async fn sign_in(&self, login: Login, voice: &Voice) -> Result<(), Problem> {
        let pending = voice.questions.open();
        let (address, callback) = (login.address().clone(), login.callback().clone());
        say(voice, SignInEvent::Visit(Box::new(Visit { address, callback, question: pending.id(), wait: LOGIN_WAIT })));
        let pasted = pasted(login.sign_in(), pending, voice);
        let answered = self.await_answer(login, pasted, LOGIN_WAIT).await?;
        say(voice, SignInEvent::Answered);
        let signed_in = self.conclude(answered).await?;
        voice.say(Event::Keyring(KeyringEvent::Changed(Box::new(signed_in.credential.clone()))));
        self.tell_lifetime(&signed_in.credential, voice);
        say(voice, SignInEvent::Ended(Box::new(signed_in)));
        Ok(())
    }
}

/// The address that a person pastes; what answers no or another sign-in is told, and another one is waited for.
async fn pasted(sign_in: Arc<AuthorizationRequest>, mut pending: Pending, voice: &Voice) -> Url {
    loop {
        let Some(Reply::Pasted(text)) = pending.answer().await else { return std::future::pending().await };
        match sign_in.parse_pasted(&text) {
            Ok(address) => return address,
            Err(stranger) => {
                pending = voice.questions.open();
                say(voice, SignInEvent::Strange(pending.id(), strange(stranger)));
            }
        }
    }
}

fn say(voice: &Voice, event: SignInEvent) {
    voice.say(Event::SignIn(event));
}
