//! Sending one request, and keeping what it minted.

use std::time::Duration;

use super::super::arguments::parse_name;
use super::super::prompt;
use super::{Context, Showing, answer};
use crate::domain::problem::Class;
use crate::domain::rate_limit::seconds;
use crate::domain::{Credential, Name, Problem};
use crate::engine::Engine;
use crate::engine::message::{Exchange, Order};

/// So many secrets that nobody named are kept for one credential.
const MOST_UNNAMED: usize = 100;

/// A request that is about to be sent.
pub(in crate::cli) struct Sending {
    /// The request.
    pub(in crate::cli) order: Order,
    /// Under which name to keep a secret that the answer brings.
    pub(in crate::cli) capture: Option<Name>,
    /// How to show the answer.
    pub(in crate::cli) showing: Showing,
}

/// A secret that was taken out of the answer.
#[derive(serde::Serialize)]
pub(super) struct Withheld {
    /// The member it came in.
    pub(super) member: String,
    /// The credential it is kept as.
    pub(super) kept_as: Option<String>,
    /// Whether that name is not one that a person gave.
    #[serde(skip)]
    pub(super) is_unnamed: bool,
}

impl Sending {
    /// Sends it, keeps the secrets that came back, shows the answer.
    pub(in crate::cli) async fn run(self, context: &Context<'_>, credential: &Credential) -> Result<u8, Problem> {
        let engine = context.unlocked().await?;
        match &self.capture {
            Some(name) => engine.prepare_to_keep(name).await?,
            // It may make a secret, which would be lost in a store that cannot be written; no preset makes one.
            None if !self.order.draft.method.is_safe() && self.order.draft.preset.is_none() => engine.prove_store().await?,
            None => {}
        }
        let mut exchange = engine.send_order(credential, self.order.clone(), &|wait| waiting(context, wait)).await?;
        if engine.asks_to_repeat(credential, &exchange)? && agrees_to_repeat(&exchange) {
            exchange = engine.send_order(credential, self.order, &|wait| waiting(context, wait)).await?;
        }
        let withheld = keep(context, credential, &exchange, self.capture).await;
        answer::show(context, &exchange, &withheld.0, &self.showing).await?;
        withheld.1.map(|()| answer::exit_code(&exchange.answer))
    }
}

/// Asks the person, where there is one, whether a request goes once more with a new access token. Without one, the answer
/// says what there is to do.
fn agrees_to_repeat(exchange: &Exchange) -> bool {
    let Exchange { draft, .. } = exchange;
    let question = format!(
        "401: the access token was not accepted; it may only have ended.\n\
         Send {} {} once more with a new one? [y/N] ",
        draft.method, draft.target
    );
    prompt::is_interactive() && prompt::line(&question).is_some_and(|answer| matches!(answer.as_str(), "y" | "Y" | "yes"))
}

/// Says that the request waits for its turn.
pub(super) fn waiting(context: &Context<'_>, wait: Duration) {
    context.out.note(&format!("waiting {}: the provider wants fewer requests", seconds(wait)));
}

/// Keeps every fresh secret, the first under the name that was given. The answer is shown even where one cannot be
/// kept, since it says what was made.
async fn keep(
    context: &Context<'_>,
    credential: &Credential,
    exchange: &Exchange,
    name: Option<Name>,
) -> (Vec<Withheld>, Result<(), Problem>) {
    let mut withheld = Vec::new();
    let mut outcome = Ok(());
    let is_unnamed = name.is_none() && is_lost_otherwise(exchange);
    let name = match name.or_else(|| ask_for_name(exchange)) {
        None if is_lost_otherwise(exchange) => next_free(context, credential).await,
        name => name,
    };
    for (index, minted) in exchange.minted.iter().enumerate() {
        let kept = match numbered(name.as_ref(), index) {
            Some(name) => keep_one(context, credential, exchange, (name, index)).await,
            None => Ok(None),
        };
        let kept_as = kept.unwrap_or_else(|problem| {
            outcome = Err(problem);
            None
        });
        withheld.push(Withheld { member: minted.member.clone(), kept_as, is_unnamed });
    }
    (withheld, outcome)
}

async fn keep_one(
    context: &Context<'_>,
    credential: &Credential,
    exchange: &Exchange,
    (name, index): (Name, usize),
) -> Result<Option<String>, Problem> {
    let engine: &Engine = context.unlocked().await?;
    let kept = engine.keep_minted(credential, name, exchange, &exchange.minted[index]).await?;
    Ok(Some(kept.name.to_string()))
}

/// Whether nobody can be asked for a name and the provider will not say the secret again: what a request that reads
/// brings can be read again.
fn is_lost_otherwise(exchange: &Exchange) -> bool {
    !exchange.minted.is_empty() && !exchange.draft.method.is_safe() && !prompt::is_interactive()
}

/// `ci-minted`, `ci-minted-2`, …: a name that says whose it is and that nobody has chosen.
async fn next_free(context: &Context<'_>, credential: &Credential) -> Option<Name> {
    let engine = context.unlocked().await.ok()?;
    for number in 1..MOST_UNNAMED {
        let end = if number == 1 { "-minted".to_owned() } else { format!("-minted-{number}") };
        let name = Name::parse(&format!("{}{end}", credential.name)).ok()?;
        if engine.find(name.as_str()).await.is_err_and(|problem| problem.class == Class::NotFound) {
            return Some(name);
        }
    }
    None
}

/// `name`, `name-2`, `name-3`, …
fn numbered(name: Option<&Name>, index: usize) -> Option<Name> {
    let name = name?;
    if index == 0 { Some(name.clone()) } else { Name::parse(&format!("{name}-{}", index + 1)).ok() }
}

/// A person at the terminal may still name it; the secret is in nobody's hands otherwise.
fn ask_for_name(exchange: &Exchange) -> Option<Name> {
    if exchange.minted.is_empty() || !prompt::is_interactive() {
        return None;
    }
    let question = "The answer brings a new secret. Keep it as (a name, or nothing to let it go): ";
    let given = prompt::line(question).filter(|given| !given.is_empty())?;
    parse_name(&given).ok()
}
