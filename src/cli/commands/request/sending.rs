//! Sending of one request, and storage of the secrets in its response.
//!
//! Preview of a request that is not sent, as HTTP or for another client.

use std::fmt::Write as _;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;

use super::{CliContext, ResponseDisplay, response};
use crate::cli::args::parse_name;
use crate::cli::input::prompt;
use crate::cli::output::{self, CliOutput, INTERRUPTED_EXIT_CODE};
use crate::domain::problem::ProblemClass;
use crate::domain::rate_limit::format_wait;
use crate::domain::request::RequestDraft;
use crate::domain::request::export::ExportFormat;
use crate::domain::{Credential, CredentialName, Problem};
use crate::engine::background::protocol::{HttpExchange, RequestOptions, WaitNotice, WaitReason};
use crate::engine::{BodyDownload, DownloadEvent, Engine, RequestPreview};

/// Request to send, with the options for its response.
pub(in crate::cli) struct SendContext {
    /// The request.
    pub(in crate::cli) options: RequestOptions,
    /// Name under which a secret in the response is stored.
    pub(in crate::cli) capture: Option<CredentialName>,
    /// How the response is shown.
    pub(in crate::cli) display: ResponseDisplay,
}

/// Secret that was removed from the response.
#[derive(serde::Serialize)]
pub(super) struct CapturedSecretJson {
    /// Member of the response that contained the secret.
    pub(super) member: String,
    /// Name of the credential that stores the secret.
    pub(super) kept_as: Option<String>,
    /// Whether that name was generated, not chosen by the user.
    #[serde(skip)]
    pub(super) has_generated_name: bool,
}

/// Result of storing the secrets of a response.
struct CapturedSecretResult {
    /// The secrets, in the order of the response.
    secrets: Vec<CapturedSecretJson>,
    /// Whether all of them were stored as requested.
    outcome: Result<(), Problem>,
}

impl SendContext {
    /// Sends the request, stores the secrets in the response and shows the response.
    pub(in crate::cli) async fn run(
        self,
        context: &CliContext<'_>,
        credential: &Credential,
    ) -> Result<u8, Problem> {
        let engine = context.unlocked_engine().await?;
        match &self.capture {
            Some(name) => engine.captured_secrets.ensure_storable_as(name).await?,
            None => engine.captured_secrets.verify_store_before_send(&self.options.draft).await?,
        }
        let Some(mut exchange) = self.send(context, engine, credential).await? else {
            return Ok(INTERRUPTED_EXIT_CODE);
        };
        if engine.requests.can_offer_retry(credential, &exchange)? && confirm_retry(&exchange) {
            let Some(repeated) = self.send(context, engine, credential).await? else {
                return Ok(INTERRUPTED_EXIT_CODE);
            };
            exchange = repeated;
        }
        let result = store_captured_secrets(engine, credential, &mut exchange, self.capture).await;
        if let Some(problem) = refusal(&exchange).filter(|_| self.display.fail) {
            result.outcome?;
            return Err(problem);
        }
        let last =
            response::print_response(context, &exchange, &result.secrets, &self.display).await?;
        result.outcome?;
        Ok(response::exit_code_of_filter(&exchange, &self.display, last))
    }
}

/// Returns the problem of a response with an error status, with the class of its exit code.
fn refusal(exchange: &HttpExchange) -> Option<Problem> {
    let status = exchange.response.status;
    let code = response::exit_code(exchange);
    let class = [ProblemClass::Refused, ProblemClass::Unknown]
        .into_iter()
        .find(|class| class.exit_code() == code)?;
    let problem = exchange.explanation.clone().unwrap_or_else(|| {
        let why = format!("the server responded with {status}");
        Problem::new(
            format!("{status}: The request failed"),
            why,
            "omit --fail to see the response",
        )
    });
    Some(problem.with_class(class))
}

impl SendContext {
    /// Sends the request; `None` where the user interrupted it.
    async fn send(
        &self,
        context: &CliContext<'_>,
        engine: &Engine,
        credential: &Credential,
    ) -> Result<Option<HttpExchange>, Problem> {
        let (options, on_wait) = (self.options.clone(), |notice| note_wait(context, &notice));
        let Some(path) = &self.display.output else {
            return engine.requests.send_and_record(credential, options, &on_wait).await.map(Some);
        };
        let out = context.out.clone();
        let observer = move |event| show_download_event(&out, &event);
        let download = Arc::new(BodyDownload::new(path.clone(), Box::new(observer)));
        let sending = engine.requests.download_and_record(
            credential,
            options,
            Arc::clone(&download),
            &on_wait,
        );
        let sent = tokio::select! {
            sent = sending => sent.map(Some),
            _ = tokio::signal::ctrl_c() => Ok(None),
        };
        download.end();
        output::show_progress("");
        sent
    }
}

/// Shows how a download proceeds: how much has arrived where standard error is a terminal, and what
/// else happens as notes.
fn show_download_event(out: &CliOutput, event: &DownloadEvent) {
    let megabytes = |bytes: u64| format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10);
    let note = |text: String| {
        output::show_progress("");
        out.note(&text);
    };
    match event {
        DownloadEvent::Received(bytes, Some(total)) => output::show_progress(&format!(
            "{} of {} (Ctrl-C stops)",
            megabytes(*bytes),
            megabytes(*total)
        )),
        DownloadEvent::Received(bytes, None) => {
            output::show_progress(&format!("{} (Ctrl-C stops)", megabytes(*bytes)));
        }
        DownloadEvent::Continued(bytes) => {
            note(format!("note: continuing the download of an earlier run after {bytes} bytes"));
        }
        DownloadEvent::Restarted(why) => {
            note(format!("note: the download starts from the beginning: {why}"));
        }
        DownloadEvent::Kept(bytes, path) => note(format!(
            "note: {bytes} bytes are saved in {}; run the same command again to continue",
            output::display_path(path)
        )),
    }
}

/// Asks a user at the terminal whether to send the request again with a new access token. Without a
/// terminal, the response explains what to do.
fn confirm_retry(exchange: &HttpExchange) -> bool {
    let HttpExchange { draft, .. } = exchange;
    let question = format!(
        "401: the access token was rejected; it may have expired.\n\
         Resend {} {} with a new access token? [y/N] ",
        draft.method, draft.target
    );
    prompt::is_interactive()
        && prompt::read_line(&question)
            .is_some_and(|answer| matches!(answer.as_str(), "y" | "Y" | "yes"))
}

/// Notes that the request waits.
pub(super) fn note_wait(context: &CliContext<'_>, notice: &WaitNotice) {
    let wait = format_wait(notice.wait);
    context.out.note(&match &notice.reason {
        WaitReason::RateLimit => format!("waiting {wait}: the provider limits the request rate"),
        WaitReason::Retry(why) => format!("sending again in {wait}: {why}"),
    });
}

/// Stores every new secret, the first one under the given name. Without a name, a secret is stored
/// before the user is asked for one. The response is shown even where a secret cannot be stored,
/// because it says what was created.
async fn store_captured_secrets(
    engine: &Engine,
    credential: &Credential,
    exchange: &mut HttpExchange,
    name: Option<CredentialName>,
) -> CapturedSecretResult {
    let unnamed = if name.is_none() {
        engine.captured_secrets.store_captured_secrets(credential, exchange).await
    } else {
        Ok(())
    };
    let mut result = CapturedSecretResult { secrets: Vec::new(), outcome: unnamed };
    let name = name.or_else(|| ask_for_name(exchange));
    for (index, secret) in exchange.captured.iter().enumerate() {
        let before = secret.stored.as_ref().map(|credential| credential.name.to_string());
        let named = match numbered_name(name.as_ref(), index) {
            Some(name) => {
                Some(engine.captured_secrets.store_captured_as(exchange, secret, name).await)
            }
            None => None,
        };
        let named =
            named.and_then(|named| named.map_err(|problem| result.outcome = Err(problem)).ok());
        let is_unnamed = named.is_none() && before.is_some();
        let kept_as = named.map(|named| named.name.to_string()).or(before);
        result.secrets.push(CapturedSecretJson {
            member: secret.member.clone(),
            kept_as,
            has_generated_name: is_unnamed,
        });
    }
    result
}

/// Returns `name`, `name-2`, `name-3`, …
fn numbered_name(name: Option<&CredentialName>, index: usize) -> Option<CredentialName> {
    let name = name?;
    if index == 0 {
        Some(name.clone())
    } else {
        CredentialName::parse(&format!("{name}-{}", index + 1)).ok()
    }
}

/// Asks a user at the terminal for a name. Without a name, a secret that can be read again is not
/// stored.
fn ask_for_name(exchange: &HttpExchange) -> Option<CredentialName> {
    if exchange.captured.is_empty() || !prompt::is_interactive() {
        return None;
    }
    let question = match exchange.captured.iter().find_map(|secret| secret.stored.as_ref()) {
        Some(stored) => format!(
            "The response contained a new secret, stored as {}. New name (Enter to keep this one): ",
            stored.name
        ),
        None => {
            "The response contains a new secret. Name to store it under (Enter to discard it): "
                .to_owned()
        }
    };
    let given = prompt::read_line(&question).filter(|given| !given.is_empty())?;
    parse_name(&given).ok()
}

/// Prints the request as it would be sent.
pub(super) fn print_preview(
    context: &CliContext<'_>,
    credential: &Credential,
    draft: &RequestDraft,
) -> Result<u8, Problem> {
    let preview = context.engine()?.requests.preview_request(credential, draft)?;
    if preview.masked {
        context
            .out
            .note("note: what looks like a secret is masked here, and would be sent as it is");
    }
    if context.out.json {
        context.out.print_json(&preview_json(preview))?;
        return Ok(0);
    }
    if let Some(before) = &preview.preceding_exchange {
        context.out.note(&format!("note: {before}"));
    }
    context
        .out
        .note(&format!("note: nothing was sent; the request would go to {}", preview.origin));
    context.out.write_bytes(format_head(&preview).as_bytes())?;
    match &preview.body {
        Some(body) if std::str::from_utf8(body).is_err() && context.out.is_terminal() => {
            context.out.note(&format!(
                "note: binary body of {} bytes; pipe the output to a file",
                body.len()
            ));
        }
        Some(body) => context.out.write_bytes(body)?,
        None => {}
    }
    Ok(0)
}

/// Returns the preview as JSON. A body that is not text is encoded in base64.
fn preview_json(preview: RequestPreview) -> serde_json::Value {
    let RequestPreview { method, origin, path, headers, body, preceding_exchange: before, .. } =
        preview;
    let headers: serde_json::Map<_, _> =
        headers.into_iter().map(|(name, value)| (name, value.into())).collect();
    let body = body.map(|body| {
        String::from_utf8(body).map_or_else(
            |error| serde_json::json!({ "base64": BASE64.encode(error.as_bytes()) }),
            serde_json::Value::String,
        )
    });
    serde_json::json!({
        "method": method, "url": format!("{origin}{path}"), "headers": headers, "body": body, "before": before,
    })
}

/// Prints the request for another client.
pub(super) fn print_export(
    context: &CliContext<'_>,
    credential: &Credential,
    draft: &RequestDraft,
    format: ExportFormat,
) -> Result<u8, Problem> {
    let exported = context.engine()?.requests.export_request(credential, draft, format)?;
    if context.out.json {
        context.out.print_json(
            &serde_json::json!({ format.as_str(): exported.text, "warnings": exported.warnings }),
        )?;
    } else {
        context.out.print_text(&exported.with_comments())?;
    }
    Ok(0)
}

fn format_head(preview: &RequestPreview) -> String {
    let mut text = format!("{} {} HTTP/1.1\n", preview.method, preview.path);
    for (name, value) in &preview.headers {
        let _ = writeln!(text, "{name}: {value}");
    }
    format!("{text}\n")
}
