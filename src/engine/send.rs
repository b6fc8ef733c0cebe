//! The one place where a draft meets a secret.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::Engine;
use super::authorize::{Refused, Trouble, bind};
use super::message::{Consent, Exchange, Keep, Order};
use super::withhold::{Dispatched, Known, Withheld};
use crate::domain::problem::ProblemClass;
use crate::domain::provider::{AuthMethod, CredentialKind};
use crate::domain::rate_limit::RateLimit;
use crate::domain::region::Region;
use crate::domain::request::RequestDraft;
use crate::domain::response::{ApiResponse, CheckResult};
use crate::domain::{Credential, Problem, Secret};
use crate::net::{HostBoundSecret, OutgoingRequest, RequestBody};

impl Engine {
    /// Sends a request with a credential, in the credential's region, and explains the answer.
    pub async fn send(&self, credential: &Credential, draft: RequestDraft, consent: Consent) -> Result<Exchange, Problem> {
        self.send_order(credential, Order { draft, consent, keep: Keep::WithoutBody }, &|_| {}).await
    }

    /// The same; `waiting` hears how long the request has to wait for its turn, each time it has to.
    pub async fn send_order(
        &self,
        credential: &Credential,
        order: Order,
        waiting: &(dyn Fn(Duration) + Sync),
    ) -> Result<Exchange, Problem> {
        let Order { draft, consent, keep } = order;
        self.permit(&draft, consent)?;
        let known = self.known(credential).await?;
        let entry = self.entry(credential, &draft, keep, &known.redactor);
        match self.answer_to(credential, draft, known, waiting).await {
            Ok((exchange, verdict)) => {
                self.remember(credential, entry, Some((&exchange.answer, verdict))).await;
                Ok(exchange)
            }
            Err(problem) => {
                self.remember(credential, entry, None).await;
                Err(problem)
            }
        }
    }

    /// Sends a draft that may be sent, and reads the answer: without secrets, explained.
    pub(super) async fn answer_to(
        &self,
        credential: &Credential,
        draft: RequestDraft,
        Known { redactor, sent }: Known,
        waiting: &(dyn Fn(Duration) + Sync),
    ) -> Result<(Exchange, CheckResult), Problem> {
        let region = self.catalogue.region(&credential.provider, &credential.region)?;
        let provider = self.catalogue.provider(&credential.provider)?;
        let dispatched = match self.dispatch_in_turn((credential, sent), region, &draft, waiting).await {
            Ok(dispatched) => dispatched,
            Err(trouble) => return Err(self.in_words(credential, region, trouble).await),
        };
        let schemes = dispatched.schemes.clone();
        let Withheld { answer, minted } = dispatched.withheld(redactor, &provider.secret_members).await?;
        let judgement = self.judge(credential, region, &answer).await?;
        let explanation = if self.was_left(credential, &draft, &answer)? { Some(left(&draft)) } else { judgement.problem };
        let refusal = self.look_into(credential, region, (&draft, &answer), &schemes).await?;
        let limit = RateLimit::from_response(&answer, self.now()).describe();
        let (credential, region) = (credential.id.clone(), region.id.clone());
        Ok((Exchange { credential, region, draft, answer, explanation, refusal, limit, minted }, judgement.result))
    }

    /// A draft from a preset of the credential's provider. Placeholders are filled from `given`, then from the
    /// credential's fields, then from defaults; one that stays empty is a problem that names it, and so is a given
    /// one that the preset does not take.
    pub fn draft(
        &self,
        credential: &Credential,
        preset: &str,
        given: &BTreeMap<String, String>,
    ) -> Result<RequestDraft, Problem> {
        let preset = self.catalogue.preset(&credential.provider, preset)?;
        preset.validate_parameters(given)?;
        Ok(preset.to_draft(&[given, &credential.fields])?)
    }

    /// Sends a draft in the given region. A scheme that was refused gives way once to the kind's other scheme, and an
    /// access token that ended early is renewed once; both only where repeating is safe.
    pub(super) async fn dispatch(
        &self,
        credential: &Credential,
        region: &Region,
        draft: &RequestDraft,
    ) -> Result<Dispatched, Trouble> {
        let kind = self.catalogue.kind(&credential.provider, &credential.kind).map_err(Problem::from)?;
        let bound = self.authorize(credential, kind, region).await?;
        self.dispatch_bound(credential, region, draft, bound).await
    }

    /// The same with a secret that is sent as it is and has been read already, if it has.
    pub(super) async fn dispatch_with(
        &self,
        credential: &Credential,
        region: &Region,
        draft: &RequestDraft,
        secret: Option<Arc<Secret>>,
    ) -> Result<Dispatched, Trouble> {
        let Some(secret) = secret else { return self.dispatch(credential, region, draft).await };
        let kind = self.catalogue.kind(&credential.provider, &credential.kind).map_err(Problem::from)?;
        let bound = bind(credential, kind.authorization.scheme(), region, secret);
        self.dispatch_bound(credential, region, draft, bound).await
    }

    /// The same with what authorizes it.
    pub(super) async fn dispatch_bound(
        &self,
        credential: &Credential,
        region: &Region,
        draft: &RequestDraft,
        bound: HostBoundSecret,
    ) -> Result<Dispatched, Trouble> {
        let kind = self.catalogue.kind(&credential.provider, &credential.kind).map_err(Problem::from)?;
        let (scheme, secret) = (bound.scheme.clone(), bound.secret.clone());
        let answer = self.send_counted(credential, region, self.outgoing(credential, region, draft, bound)?).await?;
        if self.was_left(credential, draft, &answer)? {
            self.forget_access_token(credential).await?;
        }
        let dispatched = Dispatched { answer, sent: Arc::clone(&secret), schemes: vec![scheme.clone()] };
        if dispatched.answer.status != 401 || !draft.method.is_safe() {
            return Ok(dispatched);
        }
        match &kind.authorization {
            AuthMethod::Header { fallback: Some(other), .. } if credential.scheme.is_none() && *other != scheme => {
                let bound = HostBoundSecret { scheme: other.clone(), secret, origins: region.bound_origins() };
                self.try_scheme((credential, region), self.outgoing(credential, region, draft, bound)?, dispatched, other).await
            }
            AuthMethod::Header { .. } => Ok(dispatched),
            _ => self.renew(credential, (kind, region), draft, secret).await,
        }
    }

    /// Whether a person may be asked to have the request sent once more, with a new access token.
    pub fn asks_to_repeat(&self, credential: &Credential, exchange: &Exchange) -> Result<bool, Problem> {
        self.was_left(credential, &exchange.draft, &exchange.answer)
    }

    /// Whether an access token was refused that may only have ended, and the request is not one to be repeated unasked.
    fn was_left(&self, credential: &Credential, draft: &RequestDraft, answer: &ApiResponse) -> Result<bool, Problem> {
        let kind = self.catalogue.kind(&credential.provider, &credential.kind)?;
        Ok(kind.authorization.needs_manual_retry(draft.method, answer.status))
    }

    /// The answer to the other scheme, if that one is accepted; it is remembered then.
    async fn try_scheme(
        &self,
        (credential, region): (&Credential, &Region),
        outgoing: OutgoingRequest,
        mut refused: Dispatched,
        scheme: &str,
    ) -> Result<Dispatched, Trouble> {
        let answer = self.send_counted(credential, region, outgoing).await?;
        refused.schemes.push(scheme.to_owned());
        if answer.status == 401 {
            return Ok(refused);
        }
        let (id, scheme) = (credential.id.clone(), scheme.to_owned());
        self.with_index(move |index| index.update_credential(&id, |credential| credential.scheme = Some(scheme))).await?;
        Ok(Dispatched { answer, ..refused })
    }

    async fn renew(
        &self,
        credential: &Credential,
        (kind, region): (&CredentialKind, &Region),
        draft: &RequestDraft,
        refused: Arc<Secret>,
    ) -> Result<Dispatched, Trouble> {
        let bound = self.authorize_anew(credential, kind, region, Refused::Token(refused)).await?;
        let (sent, schemes) = (Arc::clone(&bound.secret), vec![bound.scheme.clone()]);
        let answer = self.send_counted(credential, region, self.outgoing(credential, region, draft, bound)?).await?;
        Ok(Dispatched { answer, sent, schemes })
    }

    /// A draft on its way, with what authorizes it.
    pub(super) fn outgoing(
        &self,
        credential: &Credential,
        region: &Region,
        draft: &RequestDraft,
        bound: HostBoundSecret,
    ) -> Result<OutgoingRequest, Problem> {
        let provider = self.catalogue.provider(&credential.provider)?;
        let headers = draft
            .headers_with_defaults(&provider.headers)
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let body = draft.body.clone().map_or(RequestBody::Empty, RequestBody::Text);
        Ok(OutgoingRequest {
            method: draft.method,
            url: draft.resolve(region)?,
            headers,
            body,
            authorization: Some(bound),
            limits: self.options.limits,
            ca_file: region.ca_file.clone(),
        })
    }

    /// Whether a draft may be sent at all.
    pub(super) fn permit(&self, draft: &RequestDraft, consent: Consent) -> Result<(), Problem> {
        draft.validate()?;
        if draft.method.is_safe() {
            return Ok(());
        }
        if self.options.readonly {
            let why = format!("{} may change something, and this run is read-only", draft.method);
            return Err(Problem::new("Nothing was sent", why, "leave out --readonly (or `readonly` in config.toml)")
                .with_class(ProblemClass::Usage));
        }
        if consent == Consent::NotAsked {
            let why = format!("{} may change something, and nobody agreed to it", draft.method);
            return Err(
                Problem::new("Nothing was sent", why, "agree when you are asked, or give --yes").with_class(ProblemClass::Usage)
            );
        }
        Ok(())
    }
}

/// What is said where repeating by itself could do something twice.
fn left(draft: &RequestDraft) -> Problem {
    let why = format!("it may only have ended, but a {} may change something, so it was not sent again by itself", draft.method);
    Problem::new("401: The access token was not accepted", why, "send it once more: it will go with a new access token")
        .with_class(ProblemClass::Refused)
}
