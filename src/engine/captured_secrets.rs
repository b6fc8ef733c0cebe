//! Secrets that a provider has just made, kept as credentials of their own.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::Engine;
use super::task_protocol::{CapturedSecret, CredentialEdit, HttpExchange, NewCredential};
use crate::domain::problem::ProblemClass;
use crate::domain::provider::CredentialKind;
use crate::domain::provider::spec::MatchConfidence;
use crate::domain::request::{RequestDraft, RequestTarget};
use crate::domain::{Credential, CredentialName, Problem};

/// So many secrets that nobody named are kept for one credential.
const MAX_UNNAMED_SECRETS: usize = 100;

impl Engine {
    /// Makes sure, before anything is made at the provider, that its secret can be kept under this name.
    pub async fn ensure_storable_as(&self, name: &CredentialName) -> Result<(), Problem> {
        match self.find_credential(name.as_str()).await {
            Ok(_) => {
                let why = "each name is given once, and what is made by this request could not be kept under it";
                return Err(Problem::new(
                    format!("There is a {name} already"),
                    why,
                    "choose another name",
                )
                .with_class(ProblemClass::Usage));
            }
            Err(problem) if problem.class == ProblemClass::NotFound => {}
            Err(problem) => return Err(problem),
        }
        self.verify_store().await
    }

    /// Makes sure, before a request is sent that may make a secret, that the store keeps what it is given. No preset makes
    /// one, and what is only read can be read again.
    pub async fn verify_store_before_send(&self, draft: &RequestDraft) -> Result<(), Problem> {
        if draft.method.is_safe() || draft.preset.is_some() {
            Ok(())
        } else {
            self.verify_store().await
        }
    }

    /// Keeps at once, before anybody is asked for a name, every secret of an answer that the provider will not say again:
    /// whoever is asked may leave, and so may the program.
    pub async fn store_captured_secrets(
        &self,
        acting: &Credential,
        exchange: &mut HttpExchange,
    ) -> Result<(), Problem> {
        if exchange.draft.method.is_safe() {
            return Ok(());
        }
        for at in 0..exchange.captured.len() {
            let kept =
                self.store_under_unused_name(acting, exchange, &exchange.captured[at]).await?;
            exchange.captured[at].stored = Some(Box::new(kept));
        }
        Ok(())
    }

    /// Another process may be about to keep something under the same name: then the next one is taken.
    async fn store_under_unused_name(
        &self,
        acting: &Credential,
        exchange: &HttpExchange,
        minted: &CapturedSecret,
    ) -> Result<Credential, Problem> {
        loop {
            let name = self.next_unused_name(acting).await?;
            match self.store_captured_secret(acting, name.clone(), exchange, minted).await {
                Err(problem)
                    if problem.class == ProblemClass::Usage
                        && self.find_credential(name.as_str()).await.is_ok() => {}
                kept => return kept,
            }
        }
    }

    /// Gives a secret of an answer the name that a person chose: keeps it, or renames what is kept already.
    pub async fn store_captured_as(
        &self,
        exchange: &HttpExchange,
        minted: &CapturedSecret,
        name: CredentialName,
    ) -> Result<Credential, Problem> {
        if let Some(kept) = &minted.stored {
            if kept.name == name {
                return Ok(Credential::clone(kept));
            }
            return self
                .edit_credential(
                    &kept.id,
                    CredentialEdit { name: Some(name), ..CredentialEdit::default() },
                )
                .await;
        }
        let acting = self.credential_by_id(&exchange.credential).await?;
        self.ensure_storable_as(&name).await?;
        self.store_captured_secret(&acting, name, exchange, minted).await
    }

    /// `ci-minted`, `ci-minted-2`, …: a name that says whose it is and that nobody has chosen.
    async fn next_unused_name(&self, acting: &Credential) -> Result<CredentialName, Problem> {
        let whose = acting.name.as_str();
        for number in 1..MAX_UNNAMED_SECRETS {
            let end = if number == 1 { "-minted".to_owned() } else { format!("-minted-{number}") };
            let Some(name) = truncated_name(whose, &end) else { continue };
            match self.find_credential(name.as_str()).await {
                Ok(_) => {}
                Err(problem) if problem.class == ProblemClass::NotFound => return Ok(name),
                Err(problem) => return Err(problem),
            }
        }
        let why = format!(
            "there are {MAX_UNNAMED_SECRETS} credentials already whose names begin with {whose}-minted"
        );
        Err(Problem::new(
            "The new secret was not kept",
            why,
            "give it a name (K in the console, --capture NAME), and those too",
        ))
    }

    /// Keeps a secret from an answer as a credential like the one that asked for it: same provider, same region, the
    /// fields that request and answer tell.
    pub async fn store_captured_secret(
        &self,
        acting: &Credential,
        name: CredentialName,
        exchange: &HttpExchange,
        minted: &CapturedSecret,
    ) -> Result<Credential, Problem> {
        let found = self.identify(&minted.secret)?;
        let told = found.candidates.iter().find(|candidate| candidate.provider == acting.provider);
        let kind = told
            .filter(|candidate| candidate.confidence >= MatchConfidence::Likely)
            .map_or(&acting.kind, |candidate| &candidate.kind);
        let kind = self
            .catalog
            .kind(&acting.provider, self.kind_by_member(acting, minted).unwrap_or(kind))?;
        self.add_credential(NewCredential {
            name,
            provider: acting.provider.clone(),
            kind: kind.id.clone(),
            region: acting.region.clone(),
            fields: captured_fields(kind, acting, exchange),
            labels: acting.labels.clone(),
            secret: Arc::clone(&minted.secret),
            parts: BTreeMap::new(),
            expires: told.and_then(|candidate| candidate.expires),
        })
        .await
    }

    /// A kind whose secret the provider calls as the member is called: `client_secret` is a "client secret".
    fn kind_by_member(&self, acting: &Credential, minted: &CapturedSecret) -> Option<&str> {
        let words = minted.member.replace('_', " ");
        let kinds = &self.catalog.provider(&acting.provider).ok()?.kinds;
        let mut fitting = kinds.iter().filter(|kind| kind.secret.eq_ignore_ascii_case(&words));
        fitting.next().filter(|_| fitting.next().is_none()).map(|kind| kind.id.as_str())
    }
}

/// A name with this end, its beginning cut where both together are too long.
fn truncated_name(beginning: &str, end: &str) -> Option<CredentialName> {
    let lengths = (1..=beginning.len()).rev().filter(|at| beginning.is_char_boundary(*at));
    lengths
        .map(|at| format!("{}{end}", &beginning[..at]))
        .find_map(|text| CredentialName::parse(&text).ok())
}

/// The fields of a kind: as the answer names them, as the path names them, else as the acting credential has them.
fn captured_fields(
    kind: &CredentialKind,
    acting: &Credential,
    exchange: &HttpExchange,
) -> BTreeMap<String, String> {
    let body: Value = exchange
        .response
        .body
        .text()
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();
    let value = |id: &str| {
        let told = find_text_member(&body, id).or_else(|| document_attribute(&body, id));
        told.or_else(|| id_in_path(exchange, id)).or_else(|| acting.fields.get(id).cloned())
    };
    let mut fields: BTreeMap<_, _> = kind
        .fields
        .iter()
        .filter_map(|field| Some((field.id.clone(), value(&field.id)?)))
        .collect();
    // Snyk answers with `Org` and `Group`, and wants neither in a path.
    fields.entry("level".to_owned()).and_modify(|level| *level = level.to_lowercase());
    fields
}

/// The text of the member with this name, at any depth.
fn find_text_member(value: &Value, name: &str) -> Option<String> {
    match value {
        Value::Object(members) => {
            let own = members.get(name).and_then(Value::as_str).map(str::to_owned);
            own.or_else(|| members.values().find_map(|inner| find_text_member(inner, name)))
        }
        Value::Array(items) => items.iter().find_map(|inner| find_text_member(inner, name)),
        _ => None,
    }
}

/// `service_account_id` is the `id` of a document whose `type` is `service_account`; a key's `key_id` the `id` beside it.
fn document_attribute(body: &Value, name: &str) -> Option<String> {
    let document = body.get("data").unwrap_or(body);
    let kind = document.get("type").and_then(Value::as_str).unwrap_or("key");
    let (attribute, text) = (name.strip_prefix(kind)?.strip_prefix('_')?, |value: &Value| {
        value.as_str().map(str::to_owned)
    });
    document.get(attribute).and_then(text)
}

/// `org_id` is what follows `/orgs/` or `/org/` in the path.
fn id_in_path(exchange: &HttpExchange, name: &str) -> Option<String> {
    let RequestTarget::Path { path, .. } = &exchange.draft.target else { return None };
    let kind = name.strip_suffix("_id")?;
    let mut segments =
        path.split(['/', '?']).skip_while(|segment| segment.trim_end_matches('s') != kind);
    segments.nth(1).filter(|id| !id.is_empty()).map(str::to_owned)
}
