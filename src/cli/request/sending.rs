//! Sending one request, and keeping what it minted.

use std::time::Duration;

use super::super::args::parse_name;
use super::super::prompt;
use super::{CliContext, ResponseDisplay, response};
use crate::domain::rate_limit::format_wait;
use crate::domain::{Credential, CredentialName, Problem};
use crate::engine::Engine;
use crate::engine::task_protocol::{HttpExchange, RequestOptions};

/// A request that is about to be sent.
pub(in crate::cli) struct SendContext {
    /// The request.
    pub(in crate::cli) options: RequestOptions,
    /// Under which name to keep a secret that the answer brings.
    pub(in crate::cli) capture: Option<CredentialName>,
    /// How to show the answer.
    pub(in crate::cli) display: ResponseDisplay,
}

/// A secret that was taken out of the answer.
#[derive(serde::Serialize)]
pub(super) struct CapturedSecretJson {
    /// The member it came in.
    pub(super) member: String,
    /// The credential it is kept as.
    pub(super) kept_as: Option<String>,
    /// Whether that name is not one that a person gave.
    #[serde(skip)]
    pub(super) has_generated_name: bool,
}

/// What became of the secrets that were in an answer.
struct CapturedSecretResult {
    /// One after the other.
    secrets: Vec<CapturedSecretJson>,
    /// Whether all of them are where they should be.
    outcome: Result<(), Problem>,
}

impl SendContext {
    /// Sends it, keeps the secrets that came back, shows the answer.
    pub(in crate::cli) async fn run(
        self,
        context: &CliContext<'_>,
        credential: &Credential,
    ) -> Result<u8, Problem> {
        let engine = context.unlocked_engine().await?;
        match &self.capture {
            Some(name) => engine.ensure_storable_as(name).await?,
            None => engine.verify_store_before_send(&self.options.draft).await?,
        }
        let mut exchange = engine
            .send_and_record(credential, self.options.clone(), &|wait| note_wait(context, wait))
            .await?;
        if engine.can_offer_retry(credential, &exchange)? && confirm_retry(&exchange) {
            exchange = engine
                .send_and_record(credential, self.options, &|wait| note_wait(context, wait))
                .await?;
        }
        let kept = store_captured_secrets(engine, credential, &mut exchange, self.capture).await;
        response::print_response(context, &exchange, &kept.secrets, &self.display).await?;
        kept.outcome.map(|()| response::exit_code(&exchange.response))
    }
}

/// Asks the person, where there is one, whether a request goes once more with a new access token. Without one, the answer
/// says what there is to do.
fn confirm_retry(exchange: &HttpExchange) -> bool {
    let HttpExchange { draft, .. } = exchange;
    let question = format!(
        "401: the access token was not accepted; it may only have ended.\n\
         Send {} {} once more with a new one? [y/N] ",
        draft.method, draft.target
    );
    prompt::is_interactive()
        && prompt::read_line(&question)
            .is_some_and(|answer| matches!(answer.as_str(), "y" | "Y" | "yes"))
}

/// Says that the request waits for its turn.
pub(super) fn note_wait(context: &CliContext<'_>, wait: Duration) {
    context.out.note(&format!("waiting {}: the provider wants fewer requests", format_wait(wait)));
}

/// Keeps every fresh secret, the first under the name that was given. One that nobody named is kept before anybody is
/// asked. The answer is shown even where one cannot be kept, since it says what was made.
async fn store_captured_secrets(
    engine: &Engine,
    credential: &Credential,
    exchange: &mut HttpExchange,
    name: Option<CredentialName>,
) -> CapturedSecretResult {
    let unnamed = if name.is_none() {
        engine.store_captured_secrets(credential, exchange).await
    } else {
        Ok(())
    };
    let mut kept = CapturedSecretResult { secrets: Vec::new(), outcome: unnamed };
    let name = name.or_else(|| ask_for_name(exchange));
    for (index, minted) in exchange.captured.iter().enumerate() {
        let before = minted.stored.as_ref().map(|credential| credential.name.to_string());
        let named = match numbered_name(name.as_ref(), index) {
            Some(name) => Some(engine.store_captured_as(exchange, minted, name).await),
            None => None,
        };
        let named =
            named.and_then(|named| named.map_err(|problem| kept.outcome = Err(problem)).ok());
        let is_unnamed = named.is_none() && before.is_some();
        let kept_as = named.map(|named| named.name.to_string()).or(before);
        kept.secrets.push(CapturedSecretJson {
            member: minted.member.clone(),
            kept_as,
            has_generated_name: is_unnamed,
        });
    }
    kept
}

/// `name`, `name-2`, `name-3`, …
fn numbered_name(name: Option<&CredentialName>, index: usize) -> Option<CredentialName> {
    let name = name?;
    if index == 0 {
        Some(name.clone())
    } else {
        CredentialName::parse(&format!("{name}-{}", index + 1)).ok()
    }
}

/// A person at the terminal may name it. What can be read again is let go without a name.
fn ask_for_name(exchange: &HttpExchange) -> Option<CredentialName> {
    if exchange.captured.is_empty() || !prompt::is_interactive() {
        return None;
    }
    let question = match exchange.captured.iter().find_map(|minted| minted.stored.as_ref()) {
        Some(kept) => format!(
            "The answer brought a new secret; it is kept as {}. Another name (or nothing): ",
            kept.name
        ),
        None => "The answer brings a new secret. Keep it as (a name, or nothing to let it go): "
            .to_owned(),
    };
    let given = prompt::read_line(&question).filter(|given| !given.is_empty())?;
    parse_name(&given).ok()
}
