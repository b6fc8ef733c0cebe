//! `tokenring request`: send a request with a credential.
//!
//! `source` builds the request, `preview` shows it without sending, `sending` sends it, `pages` turns its pages,
//! `answer` shows what came back.

mod answer;
mod pages;
mod preview;
mod sending;
mod source;

use super::arguments::{pair, parse_name};
use super::context::Context;
use crate::config::SavedRequestStore;
use crate::domain::jq::JqFilter;
use crate::domain::request::{RequestDraft, SavedRequest, SavedRequestName};
use crate::domain::{Credential, Problem};
use crate::engine::message::{HistoryPolicy, RequestOptions, WriteConsent};

pub(super) use answer::Showing;
pub(super) use sending::Sending;
pub(super) use source::{consent, read_body};

/// Send a request with a credential
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  tokenring request ci-scanner '/rest/self?version=2024-10-15'\n  \
    tokenring request ci-scanner --preset orgs --jq '.data[0].id' --raw\n  \
    tokenring request ci-scanner --preset projects --param org_id=… --all-pages > projects.json\n  \
    tokenring request ci-scanner POST /v1/org/…/project/…/aggregated-issues --data @body.json --yes\n  \
    pbpaste | tokenring request ci-scanner --from-curl - --dry-run")]
pub(super) struct Request {
    /// The credential's name
    name: String,
    #[command(flatten)]
    source: source::Source,
    #[command(flatten)]
    shape: Shape,
    #[command(flatten)]
    instead: Instead,
    /// Keep a secret that the answer brings as a credential of this name
    #[arg(long, value_name = "NAME")]
    capture: Option<String>,
    /// Keep the body of the request in the history too
    #[arg(long)]
    keep_body: bool,
    /// Go on without being asked where the method changes something
    #[arg(long)]
    yes: bool,
}

/// What is done instead of sending one request and showing its answer.
#[derive(Debug, clap::Args)]
#[group(multiple = false)]
struct Instead {
    /// Show what would be sent, and send nothing
    #[arg(long, conflicts_with_all = ["jq", "capture"])]
    dry_run: bool,
    /// Print the request as a curl command with a variable for the secret, and send nothing
    #[arg(long, conflicts_with_all = ["jq", "capture"])]
    curl: bool,
    /// Keep the request under this name, without secrets, and send nothing
    #[arg(long, value_name = "ID", value_parser = saved_id, conflicts_with_all = ["jq", "capture"])]
    save: Option<SavedRequestName>,
    /// Go on to the last page and print all elements as one list
    #[arg(long, conflicts_with_all = ["capture", "include"])]
    all_pages: bool,
}

/// How the answer is shown.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Shape {
    /// Print status and headers before the body, and explain the known ones on standard error
    #[arg(long, short)]
    include: bool,
    /// Tell all that is known of a refusal, cause by cause, on standard error
    #[arg(long)]
    explain: bool,
    /// Filter the answer with jq; with --all-pages the filter gets the whole list
    #[arg(long, value_name = "FILTER")]
    jq: Option<String>,
    /// Print strings that the filter gives without quotes
    #[arg(long, short, requires = "jq")]
    raw: bool,
}

impl Request {
    /// Builds the request and does with it what was asked.
    pub(super) async fn run(self, context: &Context<'_>) -> Result<u8, Problem> {
        let showing = self.shape.showing()?;
        let capture = self.capture.as_deref().map(parse_name).transpose()?;
        let credential = context.engine()?.find_credential(&self.name).await?;
        let draft = self.source.draft(context, &credential)?;
        if self.instead.curl {
            return preview::curl(context, &credential, &draft);
        }
        if self.instead.dry_run {
            return preview::preview(context, &credential, &draft);
        }
        if let Some(id) = &self.instead.save {
            return save(context, &credential, &draft, id).await;
        }
        let keep = if self.keep_body { HistoryPolicy::WithBody } else { HistoryPolicy::WithoutBody };
        if self.instead.all_pages {
            let order = RequestOptions { draft, consent: WriteConsent::NotAsked, history_policy: keep };
            return pages::run(context, &credential, order, &showing).await;
        }
        let consent = consent(&credential, &draft, self.yes)?;
        Sending { order: RequestOptions { draft, consent, history_policy: keep }, capture, showing }
            .run(context, &credential)
            .await
    }
}

impl Shape {
    /// A filter that is wrong is told before anything is sent.
    fn showing(&self) -> Result<Showing, Problem> {
        let filter = self.jq.as_deref().map(JqFilter::parse).transpose()?;
        Ok(Showing { include: self.include, explain: self.explain, filter, raw: self.raw })
    }
}

async fn save(
    context: &Context<'_>,
    credential: &Credential,
    draft: &RequestDraft,
    id: &SavedRequestName,
) -> Result<u8, Problem> {
    let clean = context.unlocked().await?.redact_draft(credential, draft).await?;
    let path = SavedRequestStore::new(&context.paths).save(id, &SavedRequest::from_draft(&clean, &credential.provider))?;
    if clean != *draft {
        context.out.note("note: a secret was in it; the saved request has a placeholder in its place");
    }
    if context.out.json {
        context.out.value(&serde_json::json!({ "id": id.as_str(), "path": path }))?;
    } else {
        context.out.text(&format!("{id}: {} {}", clean.method, clean.target))?;
    }
    Ok(0)
}

/// Reads the name of a saved request.
pub(super) fn saved_id(text: &str) -> Result<SavedRequestName, String> {
    SavedRequestName::parse(text).map_err(|problem| problem.why)
}
