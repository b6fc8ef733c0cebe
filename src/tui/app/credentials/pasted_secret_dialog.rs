//! A pasted secret and its identification, shared by the dialogs that add and edit a credential.
//!
//! The engine identifies the secret; this module requests that, holds the result and describes it.
//! Start reading at [`PastedSecret::request_identification`].

use std::sync::Arc;

use crate::config::theme::StyleRole;
use crate::domain::identify::IdentificationCandidate;
use crate::domain::problem::Problem;
use crate::domain::provider::ProviderCatalog;
use crate::domain::provider::spec::{MatchConfidence, SecretRole};
use crate::domain::{CredentialName, Secret};
use crate::engine::background::protocol::{
    BackgroundTask, CredentialEvent, CredentialTask, TaskId,
};
use crate::tui::app::dialogs::{DialogResult, TaskRequest};
use crate::tui::app::widgets::dialog_view::DialogRow;
use crate::tui::app::widgets::form::Form;

/// A pasted secret and its identification.
#[derive(Default)]
pub(in crate::tui::app) struct PastedSecret {
    task: Option<TaskId>,
    /// Whether the identification is requested and its task is not known yet.
    is_requested: bool,
    /// The secret without surrounding text.
    secret: Option<Arc<Secret>>,
    removed_wrapping: Vec<String>,
    /// The possible kinds, best first.
    pub(in crate::tui::app) candidates: Vec<IdentificationCandidate>,
    duplicates: Vec<CredentialName>,
}

impl PastedSecret {
    /// ID of the field that holds a secret, in every form.
    pub(in crate::tui::app) const FIELD_ID: &'static str = "secret";

    /// Discards the identification, because the text has changed.
    pub(in crate::tui::app) fn reset(&mut self) {
        *self = Self::default();
    }

    /// Requests the identification of the text in the form, unless it is empty or already
    /// identified.
    pub(in crate::tui::app) fn request_identification(&mut self, form: &mut Form) -> DialogResult {
        let Some(input) = form.secret(Self::FIELD_ID) else { return DialogResult::Stay };
        if input.is_empty() || self.secret.is_some() || self.task.is_some() {
            return DialogResult::Stay;
        }
        if let Some(flaw) = input.invisible_character_problem() {
            form.set_field_problem(Self::FIELD_ID, flaw);
            return DialogResult::Stay;
        }
        self.start(CredentialTask::Identify(input.to_secret()))
    }

    /// Starts an identification task.
    pub(in crate::tui::app) fn start(&mut self, task: CredentialTask) -> DialogResult {
        self.is_requested = true;
        DialogResult::start(TaskRequest::hidden(BackgroundTask::Credential(task)).awaited())
    }

    /// Waits for this task if an identification was requested; returns whether it was.
    pub(in crate::tui::app) fn set_task(&mut self, task: TaskId) -> bool {
        let is_requested = std::mem::take(&mut self.is_requested);
        if is_requested {
            self.task = Some(task);
        }
        is_requested
    }

    /// Returns whether this is the identification task.
    pub(in crate::tui::app) fn waits_for(&self, task: TaskId) -> bool {
        self.task == Some(task)
    }

    /// Returns whether the identification is running.
    pub(in crate::tui::app) fn is_identifying(&self) -> bool {
        self.task.is_some()
    }

    /// Stores the result of the identification.
    pub(in crate::tui::app) fn apply_identification(&mut self, event: CredentialEvent) {
        if let CredentialEvent::Identified { secret, cleaned, candidates, duplicates } = event {
            *self = Self {
                task: None,
                is_requested: false,
                secret: Some(secret),
                removed_wrapping: cleaned,
                candidates,
                duplicates,
            };
        }
    }

    /// Shows that the text cannot be a secret.
    pub(in crate::tui::app) fn reject(&mut self, problem: &Problem, form: &mut Form) {
        self.reset();
        form.set_field_problem(Self::FIELD_ID, problem.why.clone());
    }

    /// Returns the secret, once it is identified.
    pub(in crate::tui::app) fn secret(&self) -> Option<Arc<Secret>> {
        self.secret.clone()
    }

    /// Returns why the text cannot be the whole secret of any kind; `None` where it may be.
    pub(in crate::tui::app) fn incomplete_problem(&self) -> Option<String> {
        let candidate = self.candidates.first().filter(|candidate| candidate.is_incomplete)?;
        Some(format!("{}; copy the whole token from the provider's page", candidate.why))
    }

    /// Describes the identification; `unknown` is the advice for a secret that is not recognized.
    pub(in crate::tui::app) fn describe_rows(
        &self,
        catalog: &ProviderCatalog,
        unknown: &str,
    ) -> Vec<DialogRow> {
        let Some(_) = &self.secret else { return Vec::new() };
        let mut rows: Vec<_> = self
            .candidates
            .iter()
            .take(3)
            .map(|candidate| candidate_row(candidate, catalog))
            .collect();
        if rows.is_empty() {
            rows.push(DialogRow::Text(StyleRole::Warn, format!("Not recognized: {unknown}.")));
        }
        if !self.removed_wrapping.is_empty() {
            rows.push(DialogRow::dim(format!("Removed: {}.", self.removed_wrapping.join(", "))));
        }
        if !self.duplicates.is_empty() {
            let names: Vec<_> = self.duplicates.iter().map(CredentialName::as_str).collect();
            rows.push(DialogRow::Text(
                StyleRole::Warn,
                format!("Already stored as {}.", names.join(", ")),
            ));
        }
        rows
    }
}

fn candidate_row(candidate: &IdentificationCandidate, catalog: &ProviderCatalog) -> DialogRow {
    let (role, word) = match candidate.confidence {
        _ if candidate.is_incomplete => (StyleRole::Bad, "Incomplete:"),
        _ if candidate.secret_role == SecretRole::AccessToken => {
            (StyleRole::Warn, "Short-lived token, not worth storing, of a")
        }
        _ if candidate.secret_role != SecretRole::Secret => {
            (StyleRole::Warn, "Only a part, not the secret itself, of a")
        }
        MatchConfidence::Certain => (StyleRole::Good, "This is a"),
        MatchConfidence::Likely => (StyleRole::Good, "Likely a"),
        MatchConfidence::Possible => (StyleRole::Warn, "Possibly a"),
    };
    let provider = catalog
        .provider(&candidate.provider)
        .map_or(candidate.provider.as_str(), |known| known.title.as_str());
    let kind = catalog
        .kind(&candidate.provider, &candidate.kind)
        .map_or(candidate.kind.as_str(), |known| known.title.as_str());
    DialogRow::Text(role, format!("{word} {provider} {kind}: {}", candidate.why))
}
