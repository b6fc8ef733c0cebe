//! Requests of the console and the command line: checked, sent, redacted, explained and recorded.
//!
//! `execute` sends, `redact_response` removes secrets. Start with
//! [`RequestService::send_and_record`].

use std::collections::BTreeMap;
use std::sync::Arc;

use super::access_tokens::SendError;
use super::download::{BodyDownload, SavedBody};
use super::http_exchange::{
    CapturedSecret, DeliveryOptions, HttpExchange, RequestOptions, WaitCallback, WriteConsent,
};
use super::partial_download::request_digest;
use super::pending_request::{PendingRequest, RateLimitPolicy, RequestAuthentication};
use super::redact_response::{KnownSecrets, RawResponse, RedactedResponse, redact_large_response};
use crate::domain::problem::ProblemClass;
use crate::domain::rate_limit::RateLimit;
use crate::domain::request::{RequestDraft, RequestEnvironment};
use crate::domain::response::{ApiResponse, CheckResult, ResponseBody};
use crate::domain::{Credential, Problem};
use crate::engine::ports::task_panicked;
use crate::engine::requests::RequestService;
use crate::net::{BodyFault, BodySink, NetError};

/// Maximum number of requests that continue one download.
const MAX_RESUMED_PARTS: u32 = 20;

/// How a request and its response are transferred.
pub(in crate::engine) struct TransferOptions {
    /// Deadline and repetitions.
    pub(super) delivery: DeliveryOptions,
    /// File that receives the body of the response.
    pub(super) download: Option<Arc<BodyDownload>>,
}

impl From<DeliveryOptions> for TransferOptions {
    fn from(delivery: DeliveryOptions) -> Self {
        Self { delivery, download: None }
    }
}

impl RequestService {
    /// Sends a request with a credential, in the credential's region, explains the response and
    /// records both. `on_wait` is called before every wait for the rate limit.
    pub async fn send_and_record(
        &self,
        credential: &Credential,
        options: RequestOptions,
        on_wait: WaitCallback<'_>,
    ) -> Result<HttpExchange, Problem> {
        self.send_or_download(credential, options, None, on_wait).await
    }

    /// Like [`Self::send_and_record`], and writes the body of a successful response to a file.
    pub async fn download_and_record(
        &self,
        credential: &Credential,
        options: RequestOptions,
        download: Arc<BodyDownload>,
        on_wait: WaitCallback<'_>,
    ) -> Result<HttpExchange, Problem> {
        self.send_or_download(credential, options, Some(download), on_wait).await
    }

    async fn send_or_download(
        &self,
        credential: &Credential,
        options: RequestOptions,
        download: Option<Arc<BodyDownload>>,
        on_wait: WaitCallback<'_>,
    ) -> Result<HttpExchange, Problem> {
        let RequestOptions { draft, consent, history_policy, delivery } = options;
        self.check_allowed(&draft, consent)?;
        let known = self.known_secrets(credential).await?;
        let entry = self.pending_history_entry(credential, &draft, history_policy, &known.redactor);
        if let Some(download) = &download {
            self.prepare_download(credential, &draft, Arc::clone(download)).await?;
        }
        let transfer = TransferOptions { delivery, download: download.clone() };
        let sent = self.send_and_explain(credential, draft, known, transfer, on_wait).await;
        if let Some(download) = download {
            download.end();
        }
        match sent {
            Ok((exchange, result)) => {
                self.record_history(credential, entry, Some((&exchange.response, result))).await;
                Ok(exchange)
            }
            Err(problem) => {
                self.record_history(credential, entry, None).await;
                Err(problem)
            }
        }
    }

    /// Sends a draft that may be sent, and returns the response without secrets and explained.
    pub(in crate::engine) async fn send_and_explain(
        &self,
        credential: &Credential,
        draft: RequestDraft,
        KnownSecrets { redactor, sent_secret }: KnownSecrets,
        TransferOptions { delivery, download }: TransferOptions,
        on_wait: WaitCallback<'_>,
    ) -> Result<(HttpExchange, CheckResult), Problem> {
        let region = self.catalog.region(&credential.provider, &credential.region)?;
        let provider = self.catalog.provider(&credential.provider)?;
        let authentication =
            sent_secret.map_or(RequestAuthentication::Current, RequestAuthentication::Loaded);
        let request = self
            .pending_request(credential, region, &draft)?
            .with_authentication(authentication)
            .with_rate_limit(RateLimitPolicy::WaitForReset(on_wait))
            .with_delivery(delivery);
        let request = match &download {
            Some(download) => request.with_sink(Arc::clone(download) as Arc<dyn BodySink>),
            None => request,
        };
        let sending = self.execute_download(&request, download.as_deref());
        let outcome = self.within_time(&request, sending).await;
        let (schemes, redacted, cut) = match outcome {
            Ok(raw) => {
                let schemes = raw.attempted_schemes.clone();
                let redacted = raw.redact_and_capture(redactor, &provider.secret_members).await?;
                (schemes, redacted, None)
            }
            // What came of the response is shown with the reason why it is not all. The secret that
            // was sent is masked in it already.
            Err(SendError::Net(NetError::IncompleteBody { host, why, fault, response })) => {
                let members = &provider.secret_members;
                let redacted = redact_large_response(*response, redactor, members).await?;
                let response = Box::default();
                let cut = NetError::IncompleteBody { host, why, fault, response };
                (Vec::new(), redacted, Some(cut.into()))
            }
            Err(error) => return Err(self.explain_send_error(credential, region, error).await),
        };
        let RedactedResponse { mut response, mut captured } = redacted;
        let saved_body = match &download {
            Some(download) if cut.is_none() => {
                finish_download(download, &mut response, &mut captured)?
            }
            _ => None,
        };
        let explained = self.explain_response(credential, region, &response).await?;
        let explanation = if let Some(cut) = cut {
            Some(cut)
        } else if self.needs_manual_retry(credential, &draft, &response)? {
            Some(manual_retry_problem(&draft))
        } else {
            explained.problem
        };
        let refusal =
            self.diagnose_refusal(credential, region, &draft, &response, &schemes).await?;
        let limit = RateLimit::from_response(&response, self.clock.now()).describe();
        let (credential, region) = (credential.id.clone(), region.id.clone());
        Ok((
            HttpExchange {
                credential,
                region,
                draft,
                response,
                explanation,
                refusal,
                rate_limit: limit,
                captured,
                saved_body,
            },
            explained.result,
        ))
    }

    /// Tells a download what is masked, and lets it find what an earlier run left.
    async fn prepare_download(
        &self,
        credential: &Credential,
        draft: &RequestDraft,
        download: Arc<BodyDownload>,
    ) -> Result<(), Problem> {
        let members = self.catalog.provider(&credential.provider)?.secret_members.clone();
        let environment =
            RequestEnvironment::for_credential(&self.catalog, credential, &credential.region);
        let request = request_digest(draft, credential, environment);
        let redactor = self.redactor_for(credential).await?;
        tokio::task::spawn_blocking(move || download.prepare(redactor, &members, request))
            .await
            .map_err(|_| task_panicked())
    }

    /// Sends a request. A download that broke off, in this run or an earlier one, is continued where
    /// the server allows that; else it begins anew.
    async fn execute_download(
        &self,
        request: &PendingRequest<'_>,
        download: Option<&BodyDownload>,
    ) -> Result<RawResponse, SendError> {
        let Some(download) = download else { return self.execute(request).await };
        let mut may_restart = true;
        let mut parts = 0;
        loop {
            let before = download.received();
            let rest = rest_of_download(download, request.draft);
            let outcome = match &rest {
                Some(rest) => self.execute(&request.for_rest(rest)).await,
                None => self.execute(request).await,
            };
            parts += 1;
            let status = outcome.as_ref().map(|raw| raw.response.status).ok();
            let mismatch = rest.and_then(|_| download.discard_mismatch(status));
            if let Some(why) = mismatch.filter(|_| may_restart) {
                download.report_restart(why);
                may_restart = false;
                continue;
            }
            let is_continued = broke_off(&outcome)
                && download.continues()
                && download.received() > before
                && parts <= MAX_RESUMED_PARTS;
            if !is_continued {
                return outcome;
            }
        }
    }

    /// Creates a draft from a preset of the credential's provider. Placeholders are filled from
    /// `given`, then from the credential's fields, then from defaults. A placeholder without a
    /// value is a problem that names it, and so is a given parameter that the preset does not have.
    pub fn draft_from_preset(
        &self,
        credential: &Credential,
        preset: &str,
        given: &BTreeMap<String, String>,
    ) -> Result<RequestDraft, Problem> {
        let preset = self.catalog.preset(&credential.provider, preset)?;
        preset.validate_parameters(given)?;
        Ok(preset.to_draft(&[given, &credential.fields])?)
    }

    /// Returns whether the user may be offered to send the request again with a new access token.
    pub fn can_offer_retry(
        &self,
        credential: &Credential,
        exchange: &HttpExchange,
    ) -> Result<bool, Problem> {
        self.needs_manual_retry(credential, &exchange.draft, &exchange.response)
    }

    /// Returns whether an access token was refused that may only have expired, for a request that
    /// is not safe to repeat automatically.
    fn needs_manual_retry(
        &self,
        credential: &Credential,
        draft: &RequestDraft,
        response: &ApiResponse,
    ) -> Result<bool, Problem> {
        let kind = self.catalog.kind(&credential.provider, &credential.kind)?;
        Ok(kind.authorization.needs_manual_retry(draft.method, response.status))
    }

    /// Refuses a draft that may change something where the run is read-only.
    ///
    /// # Errors
    ///
    /// Fails with class `Usage`; nothing was sent.
    pub fn check_writable(&self, draft: &RequestDraft) -> Result<(), Problem> {
        if draft.is_safe() || !self.readonly {
            return Ok(());
        }
        let why = format!("{}, and this run is read-only", draft.describe_effect());
        let remedy = "omit --readonly, or remove `readonly` from config.toml";
        Err(Problem::new("Nothing was sent", why, remedy).with_class(ProblemClass::Usage))
    }

    /// Checks whether a draft may be sent at all.
    pub(in crate::engine) fn check_allowed(
        &self,
        draft: &RequestDraft,
        consent: WriteConsent,
    ) -> Result<(), Problem> {
        draft.validate()?;
        if draft.is_safe() {
            return Ok(());
        }
        self.check_writable(draft)?;
        let cause = draft.describe_effect();
        if consent == WriteConsent::NotAsked {
            let why = format!("{cause} and was not confirmed");
            return Err(Problem::new("Nothing was sent", why, "confirm when asked, or pass --yes")
                .with_class(ProblemClass::Usage));
        }
        Ok(())
    }
}

/// Returns the draft that continues a download, if there is something to continue.
fn rest_of_download(download: &BodyDownload, draft: &RequestDraft) -> Option<RequestDraft> {
    let mut rest = draft.clone();
    rest.headers.extend(download.resume_headers()?);
    Some(rest)
}

/// Whether the body ended too early.
fn broke_off(outcome: &Result<RawResponse, SendError>) -> bool {
    matches!(outcome, Err(SendError::Net(NetError::IncompleteBody { fault: BodyFault::Ended, .. })))
}

/// Puts the file of a download in its place. The response of a request that continued it is replaced
/// by that of the first one.
fn finish_download(
    download: &BodyDownload,
    response: &mut ApiResponse,
    captured: &mut Vec<CapturedSecret>,
) -> Result<Option<SavedBody>, Problem> {
    if !(200..300).contains(&response.status) {
        return Ok(None);
    }
    let Some(finished) = download.finish()? else {
        let saved = download.save(response.body.as_bytes())?;
        response.body = ResponseBody::default();
        return Ok(Some(saved));
    };
    response.status = finished.head.status;
    response.headers = finished.head.headers;
    response.size = finished.saved.bytes;
    captured.extend(finished.captured);
    Ok(Some(finished.saved))
}

/// Problem of a request that could take effect twice if it were repeated automatically.
fn manual_retry_problem(draft: &RequestDraft) -> Problem {
    let why = format!(
        "the token may only have expired, but {} may change something, so the request was not repeated automatically",
        draft.method
    );
    Problem::new(
        "401: The access token was refused",
        why,
        "send the request again; it uses a new access token",
    )
    .with_class(ProblemClass::Refused)
}
