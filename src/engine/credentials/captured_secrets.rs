//! Captured secrets: secrets that a provider has just created in a response, stored as credentials
//! of their own.
//!
//! `redact_response` takes them out of the response; this module chooses name, kind and fields and
//! stores them. Start with [`CapturedSecretService::store_captured_secrets`].

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::domain::problem::ProblemClass;
use crate::domain::provider::spec::MatchConfidence;
use crate::domain::provider::{CredentialKind, ProviderCatalog};
use crate::domain::request::{RequestDraft, RequestTarget};
use crate::domain::{Credential, CredentialName, Problem};
use crate::engine::credential_changes::{CredentialEdit, NewCredential};
use crate::engine::credentials::CredentialService;
use crate::engine::ports::{CoreServices, DatabaseHandle, SharedPorts};
use crate::engine::requests::http_exchange::{CapturedSecret, HttpExchange};
use crate::engine::stores::StoreService;

/// Maximum number of captured secrets that are stored under automatic names for one credential.
const MAX_UNNAMED_SECRETS: usize = 100;

/// Stores secrets that a provider has created in a response.
pub struct CapturedSecretService {
    catalog: Arc<ProviderCatalog>,
    database: DatabaseHandle,
    store_service: Arc<StoreService>,
    credentials: Arc<CredentialService>,
}

impl CapturedSecretService {
    /// Creates the service.
    pub(in crate::engine) fn new(
        ports: &SharedPorts,
        core: &CoreServices,
        credentials: Arc<CredentialService>,
    ) -> Self {
        Self {
            catalog: Arc::clone(&ports.catalog),
            database: ports.database.clone(),
            store_service: Arc::clone(&core.store_service),
            credentials,
        }
    }

    /// Checks that the secret of something about to be created at the provider can be stored under
    /// `name`.
    pub async fn ensure_storable_as(&self, name: &CredentialName) -> Result<(), Problem> {
        match self.database.find_credential(name.as_str()).await {
            Ok(_) => {
                let why = "each name is unique, so the secret of this request could not be stored under it";
                return Err(Problem::new(
                    format!("The name {name} is already in use"),
                    why,
                    "choose another name",
                )
                .with_class(ProblemClass::Usage));
            }
            Err(problem) if problem.class == ProblemClass::NotFound => {}
            Err(problem) => return Err(problem),
        }
        self.store_service.verify().await
    }

    /// Verifies the store before a request is sent that may create a secret. A preset creates none,
    /// and a response that was only read can be read again.
    pub async fn verify_store_before_send(&self, draft: &RequestDraft) -> Result<(), Problem> {
        if draft.is_safe() || draft.preset.is_some() {
            Ok(())
        } else {
            self.store_service.verify().await
        }
    }

    /// Stores every secret of a response that the provider will not show again. This happens at
    /// once, before the user is asked for a name, because the user or the process may leave first.
    pub async fn store_captured_secrets(
        &self,
        acting: &Credential,
        exchange: &mut HttpExchange,
    ) -> Result<(), Problem> {
        if exchange.draft.is_safe() {
            return Ok(());
        }
        for at in 0..exchange.captured.len() {
            let stored =
                self.store_under_unused_name(acting, exchange, &exchange.captured[at]).await?;
            exchange.captured[at].stored = Some(Box::new(stored));
        }
        Ok(())
    }

    /// Retries with the next name if another process stores something under the same name at the
    /// same time.
    async fn store_under_unused_name(
        &self,
        acting: &Credential,
        exchange: &HttpExchange,
        captured: &CapturedSecret,
    ) -> Result<Credential, Problem> {
        loop {
            let name = self.next_unused_name(acting).await?;
            match self.store_captured_secret(acting, name.clone(), exchange, captured).await {
                Err(problem)
                    if problem.class == ProblemClass::Usage
                        && self.database.find_credential(name.as_str()).await.is_ok() => {}
                stored => return stored,
            }
        }
    }

    /// Gives a captured secret the name that the user chose: stores it, or renames it if it is
    /// already stored.
    pub async fn store_captured_as(
        &self,
        exchange: &HttpExchange,
        captured: &CapturedSecret,
        name: CredentialName,
    ) -> Result<Credential, Problem> {
        if let Some(stored) = &captured.stored {
            if stored.name == name {
                return Ok(Credential::clone(stored));
            }
            return self
                .credentials
                .edit(&stored.id, CredentialEdit { name: Some(name), ..CredentialEdit::default() })
                .await;
        }
        let acting = self.database.credential_by_id(&exchange.credential).await?;
        self.ensure_storable_as(&name).await?;
        self.store_captured_secret(&acting, name, exchange, captured).await
    }

    /// Returns the first unused name of `ci-minted`, `ci-minted-2`, …, where `ci` is the acting
    /// credential.
    async fn next_unused_name(&self, acting: &Credential) -> Result<CredentialName, Problem> {
        let acting_name = acting.name.as_str();
        for number in 1..MAX_UNNAMED_SECRETS {
            let end = if number == 1 { "-minted".to_owned() } else { format!("-minted-{number}") };
            let Some(name) = truncated_name(acting_name, &end) else { continue };
            match self.database.find_credential(name.as_str()).await {
                Ok(_) => {}
                Err(problem) if problem.class == ProblemClass::NotFound => return Ok(name),
                Err(problem) => return Err(problem),
            }
        }
        let why = format!(
            "{MAX_UNNAMED_SECRETS} credentials already have a name that starts with {acting_name}-minted"
        );
        Err(Problem::new(
            "The new secret was not stored",
            why,
            "store it under a name (K in the console, --capture NAME) and rename the others",
        ))
    }

    /// Stores a captured secret as a credential like the acting one: same provider and region, with
    /// the fields that the request and the response name.
    pub async fn store_captured_secret(
        &self,
        acting: &Credential,
        name: CredentialName,
        exchange: &HttpExchange,
        captured: &CapturedSecret,
    ) -> Result<Credential, Problem> {
        let found = self.credentials.identify(&captured.secret)?;
        let best = found.candidates.iter().find(|candidate| candidate.provider == acting.provider);
        let kind = best
            .filter(|candidate| candidate.confidence >= MatchConfidence::Likely)
            .map_or(&acting.kind, |candidate| &candidate.kind);
        let kind = self
            .catalog
            .kind(&acting.provider, self.kind_by_member(acting, captured).unwrap_or(kind))?;
        self.credentials
            .add(NewCredential {
                name,
                provider: acting.provider.clone(),
                kind: kind.id.clone(),
                region: acting.region.clone(),
                fields: captured_fields(kind, acting, exchange),
                labels: acting.labels.clone(),
                secret: Arc::clone(&captured.secret),
                parts: BTreeMap::new(),
                expires: best.and_then(|candidate| candidate.expires),
            })
            .await
    }

    /// Finds the kind whose secret the provider names like the member: `client_secret` is a "client
    /// secret".
    fn kind_by_member(&self, acting: &Credential, captured: &CapturedSecret) -> Option<&str> {
        let words = captured.member.replace('_', " ");
        let kinds = &self.catalog.provider(&acting.provider).ok()?.kinds;
        let mut matching = kinds.iter().filter(|kind| kind.secret.eq_ignore_ascii_case(&words));
        matching.next().filter(|_| matching.next().is_none()).map(|kind| kind.id.as_str())
    }
}

/// Returns `beginning` and `end` joined, with the beginning cut if the name would be too long.
fn truncated_name(beginning: &str, end: &str) -> Option<CredentialName> {
    let lengths = (1..=beginning.len()).rev().filter(|at| beginning.is_char_boundary(*at));
    lengths
        .map(|at| format!("{}{end}", &beginning[..at]))
        .find_map(|text| CredentialName::parse(&text).ok())
}

/// Collects the fields of a kind: from the response, else from the path, else from the acting
/// credential.
fn captured_fields(
    kind: &CredentialKind,
    acting: &Credential,
    exchange: &HttpExchange,
) -> BTreeMap<String, String> {
    let body: Value = exchange
        .response
        .body
        .text()
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default();
    let value = |id: &str| {
        let from_body = find_text_member(&body, id).or_else(|| document_attribute(&body, id));
        from_body.or_else(|| id_in_path(exchange, id)).or_else(|| acting.fields.get(id).cloned())
    };
    let mut fields: BTreeMap<_, _> = kind
        .fields
        .iter()
        .filter_map(|field| Some((field.id.clone(), value(&field.id)?)))
        .collect();
    // Snyk responds with `Org` and `Group`, and accepts neither in a path.
    fields.entry("level".to_owned()).and_modify(|level| *level = level.to_lowercase());
    fields
}

/// Finds the text of the member with this name, at any depth.
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

/// Resolves `service_account_id` to the `id` of a document whose `type` is `service_account`, and
/// `key_id` to the `id` of a document without a type.
fn document_attribute(body: &Value, name: &str) -> Option<String> {
    let document = body.get("data").unwrap_or(body);
    let kind = document.get("type").and_then(Value::as_str).unwrap_or("key");
    let (attribute, text) = (name.strip_prefix(kind)?.strip_prefix('_')?, |value: &Value| {
        value.as_str().map(str::to_owned)
    });
    document.get(attribute).and_then(text)
}

/// Returns the segment after `/orgs/` or `/org/` in the path, for `org_id`.
fn id_in_path(exchange: &HttpExchange, name: &str) -> Option<String> {
    let RequestTarget::Path { path, .. } = &exchange.draft.target else { return None };
    let kind = name.strip_suffix("_id")?;
    let mut segments =
        path.split(['/', '?']).skip_while(|segment| segment.trim_end_matches('s') != kind);
    segments.nth(1).filter(|id| !id.is_empty()).map(str::to_owned)
}
