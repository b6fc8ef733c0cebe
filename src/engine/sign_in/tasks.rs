//! Sign-in tasks of the screen: the authorization page goes out as a report, a pasted URL comes
//! back as a task.
//!
//! The sign-in itself is in `sign_in_flow`. Start with `run_sign_in_task`.

use std::sync::Arc;

use url::Url;

use crate::domain::{CredentialId, Problem};
use crate::engine::Engine;
use crate::engine::background::protocol::TaskEvent;
use crate::engine::background::runner::TaskContext;
use crate::engine::credentials::tasks::{CredentialEvent, send_token_lifetime};
use crate::engine::prompt::{PendingPrompt, PromptId, PromptReply};
use crate::engine::sign_in::problems::state_mismatch_problem;
use crate::engine::sign_in::{NewSession, PendingSignIn, SIGN_IN_TIMEOUT, SignInResult};
use crate::net::oauth::sign_in::AuthorizationRequest;

/// Session to sign in to.
#[derive(Clone)]
pub enum SignInSubject {
    /// A session that does not exist yet.
    New(Box<NewSession>),
    /// An existing session, which may have expired.
    Existing(CredentialId),
}

/// Event of a sign-in.
pub enum SignInEvent {
    /// The sign-in waits until the user approves it on a page.
    PageReady(Box<SignInPage>),
    /// The pasted URL does not belong to this sign-in; the next one replies to this prompt.
    PasteRejected(PromptId, Problem),
    /// The callback arrived. From here on the task is not canceled: the tokens must be stored.
    CallbackReceived,
    /// The user is signed in.
    Finished(Box<SignInResult>),
}

/// Authorization page of a sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInPage {
    /// The page that the user opens.
    pub page: url::Url,
    /// The callback URL.
    pub callback: url::Url,
    /// The prompt that a pasted URL replies to.
    pub prompt: PromptId,
    /// How long the user may take.
    pub timeout: std::time::Duration,
}

/// Signs in with the browser, and waits for the callback.
pub(in crate::engine) async fn run_sign_in_task(
    engine: &Engine,
    subject: SignInSubject,
    context: &TaskContext,
) -> Result<(), Problem> {
    let pending = match subject {
        SignInSubject::New(new) => engine.sign_in.begin(*new).await?,
        SignInSubject::Existing(id) => engine.sign_in.begin_again(&id).await?,
    };
    run_sign_in(engine, pending, context).await
}

async fn run_sign_in(
    engine: &Engine,
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
    let answered = engine.sign_in.await_callback(pending, pasted, SIGN_IN_TIMEOUT).await?;
    send_sign_in_event(context, SignInEvent::CallbackReceived);
    let signed_in = engine.sign_in.complete(answered).await?;
    context.send_event(TaskEvent::Credential(CredentialEvent::Changed(Box::new(
        signed_in.credential.clone(),
    ))));
    send_token_lifetime(engine, &signed_in.credential, context);
    send_sign_in_event(context, SignInEvent::Finished(Box::new(signed_in)));
    Ok(())
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
