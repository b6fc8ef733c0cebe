//! Sign-in tasks of the screen: the authorization page goes out as a report, a pasted URL comes
//! back as a task.
//!
//! The sign-in itself is in `sign_in_flow`. Start with `run_sign_in_task`.

use std::sync::Arc;

use url::Url;

use super::Engine;
use super::pending_prompts::PendingPrompt;
use super::sign_in_flow::{PendingSignIn, SIGN_IN_TIMEOUT, state_mismatch_problem};
use super::task_protocol::{
    CredentialEvent, PromptReply, SignInEvent, SignInPage, SignInSubject, SignInTask, TaskEvent,
};
use super::task_runner::TaskContext;
use crate::domain::Problem;
use crate::net::oauth::sign_in::AuthorizationRequest;

impl Engine {
    pub(super) async fn run_sign_in_task(
        &self,
        task: SignInTask,
        context: &TaskContext,
    ) -> Result<(), Problem> {
        match task {
            SignInTask::Start(SignInSubject::New(new)) => {
                self.run_sign_in(self.begin_sign_in(*new).await?, context).await
            }
            SignInTask::Start(SignInSubject::Existing(id)) => {
                self.run_sign_in(self.begin_sign_in_again(&id).await?, context).await
            }
            SignInTask::SubmitAddress(prompt_id, reply) => {
                context.prompts.reply(prompt_id, reply);
                Ok(())
            }
        }
    }

    async fn run_sign_in(
        &self,
        pending: PendingSignIn,
        context: &TaskContext,
    ) -> Result<(), Problem> {
        let prompt = context.prompts.open();
        let (address, callback) = (pending.address().clone(), pending.callback().clone());
        send_sign_in_event(
            context,
            SignInEvent::PageReady(Box::new(SignInPage {
                page: address,
                callback,
                prompt: prompt.id(),
                timeout: SIGN_IN_TIMEOUT,
            })),
        );
        let pasted = await_pasted_address(pending.authorization_request(), prompt, context);
        let answered = self.await_callback(pending, pasted, SIGN_IN_TIMEOUT).await?;
        send_sign_in_event(context, SignInEvent::CallbackReceived);
        let signed_in = self.complete_sign_in(answered).await?;
        context.send_event(TaskEvent::Credential(CredentialEvent::Changed(Box::new(
            signed_in.credential.clone(),
        ))));
        self.send_token_lifetime(&signed_in.credential, context);
        send_sign_in_event(context, SignInEvent::Finished(Box::new(signed_in)));
        Ok(())
    }
}

/// Waits for the callback URL that the user pastes. A URL that belongs to no or another sign-in is
/// reported, and the wait continues.
async fn await_pasted_address(
    sign_in: Arc<AuthorizationRequest>,
    mut prompt: PendingPrompt,
    context: &TaskContext,
) -> Url {
    loop {
        let Some(PromptReply::Pasted(text)) = prompt.await_reply().await else {
            return std::future::pending().await;
        };
        match sign_in.parse_pasted(&text) {
            Ok(address) => return address,
            Err(mismatch) => {
                prompt = context.prompts.open();
                send_sign_in_event(
                    context,
                    SignInEvent::PasteRejected(prompt.id(), state_mismatch_problem(mismatch)),
                );
            }
        }
    }
}

fn send_sign_in_event(context: &TaskContext, event: SignInEvent) {
    context.send_event(TaskEvent::SignIn(event));
}
