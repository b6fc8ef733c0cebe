//! A pasted secret, and what it turned out to be.

use std::sync::Arc;

use super::{Intent, Outcome};
use crate::config::theme::StyleRole;
use crate::domain::identify::IdentificationCandidate;
use crate::domain::problem::Problem;
use crate::domain::provider::ProviderCatalog;
use crate::domain::provider::spec::{MatchConfidence, SecretRole};
use crate::domain::{CredentialName, Secret};
use crate::engine::message::{CredentialEvent, TaskId};
use crate::tui::app::form::Form;
use crate::tui::app::sheet::DialogRow;

/// A pasted secret, and what it turned out to be.
#[derive(Default)]
pub struct Pasted {
    task: Option<TaskId>,
    /// The secret with everything around it taken off.
    secret: Option<Arc<Secret>>,
    cleaned: Vec<String>,
    /// What it may be, best first.
    pub candidates: Vec<IdentificationCandidate>,
    twins: Vec<CredentialName>,
}

impl Pasted {
    /// The field of every form that holds a secret.
    pub const FIELD: &'static str = "secret";

    /// Forgets what was found, since the text is another one now.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    /// Asks what the text of the form is, unless that is known or there is none.
    pub fn ask(&mut self, form: &mut Form) -> Outcome {
        let Some(input) = form.secret(Self::FIELD) else { return Outcome::Stay };
        if input.is_empty() || self.secret.is_some() || self.task.is_some() {
            return Outcome::Stay;
        }
        if let Some(flaw) = input.invisible_character_problem() {
            form.set_field_problem(Self::FIELD, flaw);
            return Outcome::Stay;
        }
        Outcome::Ask(Intent::Identify(input.to_secret()))
    }

    /// Waits for this task.
    pub fn wait(&mut self, task: TaskId) {
        self.task = Some(task);
    }

    /// The task that is waited for.
    pub fn task(&self) -> Option<TaskId> {
        self.task
    }

    /// Takes in what was found.
    pub fn take(&mut self, event: CredentialEvent) {
        if let CredentialEvent::Identified { secret, cleaned, candidates, twins } = event {
            *self = Self { task: None, secret: Some(secret), cleaned, candidates, twins };
        }
    }

    /// The text cannot be a secret.
    pub fn refuse(&mut self, problem: &Problem, form: &mut Form) {
        self.forget();
        form.set_field_problem(Self::FIELD, problem.why.clone());
    }

    /// The secret, once it is known what it is.
    pub fn secret(&self) -> Option<Arc<Secret>> {
        self.secret.clone()
    }

    /// What was found, in words; `unknown` says what becomes of a secret that is not recognised.
    pub fn remarks(&self, catalogue: &ProviderCatalog, unknown: &str) -> Vec<DialogRow> {
        let Some(_) = &self.secret else { return Vec::new() };
        let mut rows: Vec<_> = self.candidates.iter().take(3).map(|candidate| remark(candidate, catalogue)).collect();
        if rows.is_empty() {
            rows.push(DialogRow::Text(StyleRole::Warn, format!("Not recognised: {unknown}.")));
        }
        if !self.cleaned.is_empty() {
            rows.push(DialogRow::dim(format!("Taken off: {}.", self.cleaned.join(", "))));
        }
        if !self.twins.is_empty() {
            let names: Vec<_> = self.twins.iter().map(CredentialName::as_str).collect();
            rows.push(DialogRow::Text(StyleRole::Warn, format!("Already kept as {}.", names.join(", "))));
        }
        rows
    }
}

fn remark(candidate: &IdentificationCandidate, catalogue: &ProviderCatalog) -> DialogRow {
    let (role, word) = match candidate.confidence {
        _ if candidate.secret_role == SecretRole::AccessToken => {
            (StyleRole::Warn, "A short-lived token, not worth keeping, of a")
        }
        _ if candidate.secret_role != SecretRole::Secret => (StyleRole::Warn, "A part, not the secret itself, of a"),
        MatchConfidence::Certain => (StyleRole::Good, "This is a"),
        MatchConfidence::Likely => (StyleRole::Good, "Very likely a"),
        MatchConfidence::Possible => (StyleRole::Warn, "Possibly a"),
    };
    let provider = catalogue.provider(&candidate.provider).map_or(candidate.provider.as_str(), |known| known.title.as_str());
    let kind = catalogue.kind(&candidate.provider, &candidate.kind).map_or(candidate.kind.as_str(), |known| known.title.as_str());
    DialogRow::Text(role, format!("{word} {provider} {kind}: {}", candidate.why))
}
