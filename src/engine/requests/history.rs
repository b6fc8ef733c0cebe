//! History of requests: stored without secrets, and without bodies unless the user asks for them.
//!
//! The tables are in `index`; this module decides what is stored and how entries are compared and
//! resent.

use super::http_exchange::HttpExchange;
use crate::database::{HistoryEntry, HistoryFilter, HistoryRecord, PurgeReport};
use crate::domain::problem::ProblemClass;
use crate::domain::redact::SecretRedactor;
use crate::domain::request::{DraftBody, RequestDraft, RequestEnvironment};
use crate::domain::response::{ApiResponse, CheckResult};
use crate::domain::{Credential, Problem};
use crate::engine::requests::RequestService;

/// What the history records of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HistoryPolicy {
    /// Everything but the body.
    #[default]
    WithoutBody,
    /// The body too, with secrets masked.
    WithBody,
}

/// Request that is about to be recorded in the history.
pub(in crate::engine) struct PendingHistoryEntry {
    draft: RequestDraft,
    body_left_out: bool,
}

impl RequestService {
    /// Returns the newest requests that pass the filter, newest first, at most `limit`.
    pub async fn history(
        &self,
        filter: HistoryFilter,
        limit: usize,
    ) -> Result<Vec<HistoryRecord>, Problem> {
        self.database.run(move |index| index.history(&filter, limit)).await
    }

    /// Returns a request of the history by its number.
    pub async fn history_record(&self, id: u64) -> Result<HistoryRecord, Problem> {
        let record = self.database.run(move |index| index.history_record(id)).await?;
        record.ok_or_else(|| {
            let why = "the number was never used, or the request has been deleted";
            Problem::new(
                format!("The history has no request {id}"),
                why,
                "list the requests with `tokenring request history`",
            )
            .with_class(ProblemClass::NotFound)
        })
    }

    /// Deletes all but the newest `keep` requests and erases their copies.
    pub async fn purge_history(&self, keep: usize) -> Result<PurgeReport, Problem> {
        self.database.run(move |index| index.purge_history(keep)).await
    }

    /// Returns the draft without secrets, fit to be stored.
    pub async fn redact_draft(
        &self,
        credential: &Credential,
        draft: &RequestDraft,
    ) -> Result<RequestDraft, Problem> {
        Ok(draft.without_secrets(&self.redactor_for(credential).await?))
    }

    /// Prepares the part of a draft that is recorded. A body that comes from the preset is not the
    /// user's body.
    pub(in crate::engine) fn pending_history_entry(
        &self,
        credential: &Credential,
        draft: &RequestDraft,
        history_policy: HistoryPolicy,
        redactor: &SecretRedactor,
    ) -> PendingHistoryEntry {
        let mut recorded = draft.without_secrets(redactor);
        let preset =
            draft.preset.as_ref().and_then(|id| self.catalog.preset(&credential.provider, id).ok());
        let own = preset.is_some_and(|preset| {
            preset
                .body
                .as_deref()
                .is_some_and(|body| draft.body.as_ref().and_then(DraftBody::text) == Some(body))
        });
        let body_left_out =
            history_policy == HistoryPolicy::WithoutBody && !own && draft.body.is_some();
        if body_left_out {
            recorded.body = None;
        }
        PendingHistoryEntry { draft: recorded, body_left_out }
    }

    /// Records a request and its outcome. A history that cannot be written is no reason to withhold
    /// a response.
    pub(in crate::engine) async fn record_history(
        &self,
        credential: &Credential,
        entry: PendingHistoryEntry,
        outcome: Option<(&ApiResponse, CheckResult)>,
    ) {
        let response = outcome.map(|(response, _)| response);
        let sent = HistoryEntry {
            at: self.clock.now(),
            credential: credential.id.clone(),
            region: credential.region.clone(),
            draft: entry.draft,
            body_left_out: entry.body_left_out,
            status: response.map(|response| response.status),
            verdict: outcome.map_or(CheckResult::Unknown, |(_, verdict)| verdict),
            latency_ms: response.map(|response| response.timing.total_ms),
            size: response.map(|response| response.size),
        };
        if let Err(problem) = self.database.run(move |index| index.record_request(&sent)).await {
            tracing::error!(%problem, "the request was not recorded in the history");
        }
    }
}

impl HttpExchange {
    /// Returns request and outcome line by line, for a comparison with `other`, whose body may not
    /// have been stored.
    pub fn comparison_text(
        &self,
        other: &HistoryRecord,
        environment: Option<RequestEnvironment<'_>>,
    ) -> String {
        let Self { draft, region, response, .. } = self;
        let outcome = [
            ("status", Some(response.status.to_string())),
            ("size", Some(response.size.to_string())),
        ];
        comparison_text(
            draft,
            region,
            environment,
            other.entry.body_left_out && draft.body.is_some(),
            &outcome,
        )
    }
}

impl HistoryRecord {
    /// Returns request and outcome line by line, for a comparison with others.
    pub fn comparison_text(&self, environment: Option<RequestEnvironment<'_>>) -> String {
        let HistoryEntry { draft, region, status, size, body_left_out, .. } = &self.entry;
        let outcome = [
            ("status", status.map(|status| status.to_string())),
            ("size", size.map(|size| size.to_string())),
        ];
        comparison_text(draft, region, environment, *body_left_out, &outcome)
    }

    /// Returns the draft to send again.
    pub fn draft_to_resend(&self) -> Result<RequestDraft, Problem> {
        if self.entry.body_left_out {
            let why = "its body was not stored; bodies are stored only on request";
            let remedy = "pass the body again with --data";
            return Err(Problem::new(
                format!("Request {} cannot be resent without its body", self.id),
                why,
                remedy,
            )
            .with_class(ProblemClass::Usage));
        }
        Ok(self.entry.draft.clone())
    }
}

fn comparison_text(
    draft: &RequestDraft,
    region: &str,
    environment: Option<RequestEnvironment<'_>>,
    body_left_out: bool,
    outcome: &[(&str, Option<String>)],
) -> String {
    let shown = if body_left_out { &RequestDraft { body: None, ..draft.clone() } } else { draft };
    let mut lines = shown.canonical_lines(environment);
    lines.insert(2, format!("region: {region}"));
    lines.extend(body_left_out.then(|| "body: not stored".to_owned()));
    lines.extend(
        outcome.iter().filter_map(|(name, value)| Some(format!("{name}: {}", value.as_ref()?))),
    );
    lines.join("\n") + "\n"
}
