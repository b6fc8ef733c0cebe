//! `tokenring request`: sends a request with a credential.
//!
//! [`source`] builds the request, [`sending`] sends it or shows it without sending,
//! [`pagination`] fetches all pages and [`response`] shows the response. Start reading at
//! [`RequestArgs::run`].

mod history;
mod pagination;
mod presets;
mod response;
mod saved;
mod sending;
mod source;

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::cli::args::{parse_key_value, parse_name, parse_time_span, parse_timeout};
use crate::cli::context::CliContext;
use crate::config::SavedRequestStore;
use crate::domain::jq::JqFilter;
use crate::domain::request::export::ExportFormat;
use crate::domain::request::{RequestDraft, SavedRequest, SavedRequestName};
use crate::domain::{Credential, Problem};
use crate::engine::PagingLimits;
use crate::engine::background::protocol::{
    DeliveryOptions, HistoryPolicy, RequestOptions, WriteConsent,
};

pub(in crate::cli) use response::ResponseDisplay;
pub(super) use sending::SendContext;
pub(super) use source::{obtain_consent, read_body};

/// Send a request with a credential; list saved and sent ones
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Examples:\n  tokenring request ci-scanner '/rest/self?version=2024-10-15'\n  \
    tokenring request ci-scanner --preset orgs --jq '.data[0].id' --raw\n  \
    tokenring request ci-scanner --preset projects --param org_id=… --all-pages > projects.json\n  \
    tokenring request ci-scanner /v1/export -o export.zip\n  \
    tokenring request ci-scanner POST /v1/org/…/project/…/aggregated-issues --data @body.json --yes\n  \
    tokenring request ci-scanner /upload --form file=@app.ipa --form note=nightly --timeout 5m --yes\n  \
    pbpaste | tokenring request ci-scanner --from-curl - --dry-run\n  \
    tokenring request ci-scanner --preset orgs --dry-run --as httpie\n  \
    tokenring request presets ci-scanner\n  tokenring request history --search /orgs\n\n\
    A credential that is named like a subcommand stands after --: tokenring request --preset orgs -- saved"
)]
pub(in crate::cli) struct RequestArgs {
    #[command(subcommand)]
    command: Option<RequestCommand>,
    #[command(flatten)]
    send: SendArgs,
}

/// Commands about requests other than sending one.
#[derive(Debug, clap::Subcommand)]
enum RequestCommand {
    /// List the ready-made requests
    Presets(presets::PresetsArgs),
    /// List, show, rename, copy or delete saved requests
    Saved(saved::SavedRequestsArgs),
    /// List, resend, compare or delete sent requests
    History(history::HistoryArgs),
}

/// Options for sending a request.
#[derive(Debug, clap::Args)]
struct SendArgs {
    /// Name of the credential
    #[arg(required = true)]
    name: Option<String>,
    #[command(flatten)]
    source: source::RequestSourceArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    mode: RequestModeArgs,
    /// Print the request of --dry-run as a command or script for another client, with a variable for the secret
    #[arg(long = "as", value_name = "CLIENT", requires = "dry_run", value_parser = export_format_parser())]
    format: Option<ExportFormat>,
    #[command(flatten)]
    paging: PagingArgs,
    #[command(flatten)]
    delivery: DeliveryArgs,
    /// Store a secret from the response as a credential with this name
    #[arg(long, value_name = "NAME")]
    capture: Option<String>,
    /// Save the body of the request in the history too
    #[arg(long)]
    keep_body: bool,
    /// Do not ask for confirmation if the method may change something
    #[arg(long)]
    yes: bool,
}

/// Alternatives to sending one request and printing its response.
#[derive(Debug, clap::Args)]
#[group(multiple = false)]
struct RequestModeArgs {
    /// Print the request and send nothing
    #[arg(long, conflicts_with_all = ["jq", "capture", "output"])]
    dry_run: bool,
    /// Print the request as a curl command, and send nothing: --dry-run --as curl
    #[arg(long, conflicts_with_all = ["jq", "capture", "output"])]
    curl: bool,
    /// Save the request under this name, without secrets, and send nothing
    #[arg(long, value_name = "ID", value_parser = parse_saved_request_name, conflicts_with_all = ["jq", "capture", "output"])]
    save: Option<SavedRequestName>,
    /// Fetch all pages and print all elements as one list
    #[arg(long, conflicts_with_all = ["capture", "include", "output"])]
    all_pages: bool,
}

/// Deadline and repetitions of a request.
#[derive(Debug, clap::Args)]
struct DeliveryArgs {
    /// Maximum time for the request with its waits and repetitions, such as 10s; with --all-pages, for each page
    #[arg(long, value_name = "TIME", value_parser = parse_timeout)]
    timeout: Option<Duration>,
    /// Send the request again up to N times if the connection fails, if the server asks to wait, or if an idempotent method fails for now
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(..=100))]
    retry: Option<u32>,
}

/// Limits of a list that is read with all its pages.
#[derive(Debug, clap::Args)]
struct PagingArgs {
    /// Maximum number of pages
    #[arg(long, value_name = "N", requires = "all_pages", default_value_t = PagingLimits::MAX_PAGES)]
    max_pages: usize,
    /// Maximum time for all pages, such as 30m
    #[arg(long, value_name = "SPAN", requires = "all_pages", value_parser = parse_time_span, default_value = "30m")]
    max_time: time::Duration,
}

/// Options for printing the response.
#[derive(Debug, Clone, Default, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
pub(in crate::cli) struct OutputArgs {
    /// Print status and headers before the body, and explain the known ones on standard error
    #[arg(long, short)]
    include: bool,
    /// Explain a refusal, cause by cause, on standard error
    #[arg(long)]
    explain: bool,
    /// Print no body if the server refuses the request or fails; the exit code is 4 or 5
    #[arg(long)]
    fail: bool,
    /// Filter the response with jq; with --all-pages the filter gets the whole list
    #[arg(long, value_name = "FILTER")]
    jq: Option<String>,
    /// Print the strings of the filter without quotes
    #[arg(long, short, requires = "jq")]
    raw: bool,
    /// Write the body of a successful response to FILE once it is complete, or to standard output (-); run the same command again to continue an interrupted download
    #[arg(long, short, value_name = "FILE", conflicts_with = "jq")]
    output: Option<PathBuf>,
    /// Exit as jq -e: with 1 if the last result of the filter is false or null, with 4 if there is none
    #[arg(long, short = 'e', requires = "jq", conflicts_with = "all_pages")]
    exit_status: bool,
}

impl RequestArgs {
    /// Sends a request, or runs the subcommand.
    pub(in crate::cli) async fn run(self, context: &CliContext<'_>) -> Result<u8, Problem> {
        match self.command {
            Some(RequestCommand::Presets(command)) => command.run(context).await,
            Some(RequestCommand::Saved(command)) => command.run(context),
            Some(RequestCommand::History(command)) => Box::pin(command.run(context)).await,
            None => Box::pin(self.send.run(context)).await,
        }
    }
}

impl SendArgs {
    /// Builds the request and sends, shows or saves it.
    async fn run(self, context: &CliContext<'_>) -> Result<u8, Problem> {
        let display = self.output.build_display()?;
        let capture = self.capture.as_deref().map(parse_name).transpose()?;
        let credential =
            context.engine()?.credentials.find(self.name.as_deref().unwrap_or_default()).await?;
        let draft = self.source.build_draft(context, &credential)?;
        let export = if self.mode.curl { Some(ExportFormat::Curl) } else { self.format };
        if let Some(format) = export {
            return crate::cli::commands::request::sending::print_export(
                context,
                &credential,
                &draft,
                format,
            );
        }
        if self.mode.dry_run {
            return crate::cli::commands::request::sending::print_preview(
                context,
                &credential,
                &draft,
            );
        }
        if let Some(id) = &self.mode.save {
            return save_request(context, &credential, &draft, id).await;
        }
        let history_policy =
            if self.keep_body { HistoryPolicy::WithBody } else { HistoryPolicy::WithoutBody };
        let delivery = self.delivery.to_options();
        if self.mode.all_pages {
            let consent = WriteConsent::NotAsked;
            let options = RequestOptions { draft, consent, history_policy, delivery };
            let limits = self.paging.to_limits();
            return pagination::print_all_pages(context, &credential, options, limits, &display)
                .await;
        }
        let consent = obtain_consent(context.engine()?, &credential, &draft, self.yes)?;
        let options = RequestOptions { draft, consent, history_policy, delivery };
        SendContext { options, capture, display }.run(context, &credential).await
    }
}

impl DeliveryArgs {
    fn to_options(&self) -> DeliveryOptions {
        DeliveryOptions { timeout: self.timeout, retries: self.retry }
    }
}

impl PagingArgs {
    fn to_limits(&self) -> PagingLimits {
        let max_time = self.max_time.try_into().unwrap_or_default();
        PagingLimits { max_pages: self.max_pages, max_time }
    }
}

impl OutputArgs {
    /// Builds the display options. An invalid filter is reported before anything is sent.
    fn build_display(&self) -> Result<ResponseDisplay, Problem> {
        let filter = self.jq.as_deref().map(JqFilter::parse).transpose()?;
        let output = self.output.clone().filter(|path| path.as_os_str() != "-");
        let Self { include, explain, fail, exit_status, raw, .. } = *self;
        Ok(ResponseDisplay { include, explain, fail, exit_status, filter, raw, output })
    }
}

async fn save_request(
    context: &CliContext<'_>,
    credential: &Credential,
    draft: &RequestDraft,
    id: &SavedRequestName,
) -> Result<u8, Problem> {
    let mut draft = draft.clone();
    draft.body = draft.body.map(|body| body.map_files(absolute_path));
    let clean = context.unlocked_engine().await?.requests.redact_draft(credential, &draft).await?;
    let path = SavedRequestStore::new(&context.paths)
        .save(id, &SavedRequest::from_draft(&clean, &credential.provider))?;
    if clean != draft {
        context.out.note(
            "note: the request contained a secret; the saved request has a placeholder instead",
        );
    }
    if context.out.json {
        context.out.print_json(&serde_json::json!({ "id": id.as_str(), "path": path }))?;
    } else {
        context.out.print_text(&format!("{id}: {} {}", clean.method, clean.target))?;
    }
    Ok(0)
}

/// Returns the path from the root, so that a saved request finds its files from every folder.
fn absolute_path(path: &str) -> String {
    std::path::absolute(path).map_or_else(|_| path.to_owned(), |path| path.display().to_string())
}

/// Parses the word of an export format.
fn export_format_parser() -> impl TypedValueParser<Value = ExportFormat> {
    let find = |word: String| ExportFormat::ALL.into_iter().find(|format| format.as_str() == word);
    PossibleValuesParser::new(ExportFormat::ALL.map(ExportFormat::as_str))
        .try_map(move |word| find(word).ok_or("unknown client"))
}

/// Parses the name of a saved request.
pub(in crate::cli) fn parse_saved_request_name(text: &str) -> Result<SavedRequestName, String> {
    SavedRequestName::parse(text).map_err(|problem| problem.why)
}
