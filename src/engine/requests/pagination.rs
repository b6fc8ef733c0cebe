//! Pagination: fetches all pages of a list, one after the other, as they arrive.
//!
//! `domain::pagination` parses a page; this module sends the requests. Start with
//! [`RequestService::fetch_all_pages`].

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::time::Duration;

use serde_json::value::RawValue;
use url::Url;

use super::http_exchange::{HttpExchange, RequestOptions, WaitCallback};
use crate::domain::Credential;
use crate::domain::format::count_noun;
use crate::domain::pagination::{self, ListPage};
use crate::domain::problem::{Problem, ProblemClass};
use crate::domain::rate_limit::format_wait;
use crate::domain::request::{RequestDraft, RequestTarget};
use crate::engine::requests::RequestService;

/// Page that was fetched.
pub struct PageResult<'a> {
    /// Number of the page, starting at 1.
    pub number: usize,
    /// Elements of the page, as the provider wrote them.
    pub items: Vec<&'a RawValue>,
}

/// How far a list is read at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PagingLimits {
    /// Maximum number of pages.
    pub max_pages: usize,
    /// Maximum time for all pages together, waits for the rate limit included.
    pub max_time: Duration,
}

/// How far a list was read.
pub struct PagingResult {
    /// The last response: the last page, or the refusal in its place.
    pub last: HttpExchange,
    /// Number of pages that were read.
    pub pages: usize,
    /// Number of elements on them.
    pub items: usize,
}

impl RequestService {
    /// Reads all pages of a list within the limits. `on_page` receives each page and may stop the
    /// reading; `on_wait` is called before every wait for the rate limit.
    ///
    /// A page that is refused stops the reading: the refusal is then the last response, and the
    /// earlier pages stay read. So they do where a limit is reached, which is a problem.
    pub async fn fetch_all_pages(
        &self,
        credential: &Credential,
        options: RequestOptions,
        limits: PagingLimits,
        on_page: impl FnMut(PageResult<'_>) -> Result<ControlFlow<()>, Problem>,
        on_wait: WaitCallback<'_>,
    ) -> Result<PagingResult, Problem> {
        let reading = self.read_pages(credential, options, limits.max_pages, on_page, on_wait);
        let in_time = tokio::time::timeout(limits.max_time, reading).await;
        in_time.unwrap_or_else(|_| Err(time_limit_reached(limits.max_time)))
    }

    async fn read_pages(
        &self,
        credential: &Credential,
        options: RequestOptions,
        max_pages: usize,
        mut on_page: impl FnMut(PageResult<'_>) -> Result<ControlFlow<()>, Problem>,
        on_wait: WaitCallback<'_>,
    ) -> Result<PagingResult, Problem> {
        ensure_read_only(&options.draft)?;
        let region = self.catalog.region(&credential.provider, &credential.region)?;
        let link_prefix = self.catalog.provider(&credential.provider)?.link_prefix.as_deref();
        let (mut url, template) = (options.draft.resolve(region)?, options.draft.clone());
        let delivery = options.delivery;
        let mut seen = HashSet::from([url.clone()]);
        let mut result = PagingResult {
            last: self.send_and_record(credential, options, on_wait).await?,
            pages: 0,
            items: 0,
        };
        while (200..300).contains(&result.last.response.status) {
            let (flow, next) = result.read_page(&url, link_prefix, &mut on_page)?;
            let Some(next) = next.filter(|_| flow.is_continue()) else { break };
            if !seen.insert(next.clone()) {
                return Err(pagination_loop(result.pages));
            }
            if result.pages >= max_pages {
                return Err(page_limit_reached(max_pages));
            }
            let draft = next_page_draft(&template, &next);
            let known = self.known_secrets(credential).await?;
            result.last =
                self.send_and_explain(credential, draft, known, delivery.into(), on_wait).await?.0;
            url = next;
        }
        Ok(result)
    }
}

impl PagingLimits {
    /// Default maximum number of pages.
    pub const MAX_PAGES: usize = 1_000;
    /// Default maximum time in minutes.
    pub const MAX_MINUTES: u64 = 30;
}

impl Default for PagingLimits {
    fn default() -> Self {
        Self { max_pages: Self::MAX_PAGES, max_time: Duration::from_secs(Self::MAX_MINUTES * 60) }
    }
}

impl PagingResult {
    fn read_page(
        &mut self,
        url: &Url,
        link_prefix: Option<&str>,
        on_page: &mut impl FnMut(PageResult<'_>) -> Result<ControlFlow<()>, Problem>,
    ) -> Result<(ControlFlow<()>, Option<Url>), Problem> {
        if self.last.response.truncated {
            let cut = self.last.explanation.clone().filter(|_| self.last.response.is_cut());
            return Err(cut.unwrap_or_else(page_truncated));
        }
        let body = self.last.response.body.text().unwrap_or_default();
        let ListPage { items, next } = pagination::parse_page(&body, url, link_prefix)?;
        self.pages += 1;
        self.items += items.len();
        let flow = on_page(PageResult { number: self.pages, items })?;
        Ok((flow, next?))
    }
}

/// Builds the draft of a further page. The link holds the whole query.
pub(in crate::engine) fn next_page_draft(first: &RequestDraft, next: &Url) -> RequestDraft {
    let (headers, preset) = (first.headers.clone(), first.preset.clone());
    RequestDraft {
        headers,
        removed_headers: first.removed_headers.clone(),
        preset,
        ..RequestDraft::new(first.method, RequestTarget::Url(next.clone()))
    }
}

pub(in crate::engine) fn ensure_read_only(draft: &RequestDraft) -> Result<(), Problem> {
    if draft.is_safe() {
        return Ok(());
    }
    let why = format!("{} and would be sent once per page", draft.describe_effect());
    Err(Problem::new("Nothing was sent", why, "omit --all-pages, or use GET")
        .with_class(ProblemClass::Usage))
}

fn pagination_loop(pages: usize) -> Problem {
    let why = format!(
        "after {}, the link to the next page leads back to a page that was already read",
        count_noun(pages, "page")
    );
    Problem::new(
        "The links between the pages form a loop",
        why,
        "report it to the provider; the pages up to here are complete",
    )
}

fn page_limit_reached(max_pages: usize) -> Problem {
    let why = format!("it has more than {}", count_noun(max_pages, "page"));
    Problem::new(
        "The list was not read to its end",
        why,
        "raise the limit with `tokenring request … --all-pages --max-pages N`",
    )
}

fn time_limit_reached(max_time: Duration) -> Problem {
    let why = format!("the pages took longer than {}", format_wait(max_time));
    Problem::new(
        "The list was not read to its end",
        why,
        "raise the limit with `tokenring request … --all-pages --max-time 2h`",
    )
    .with_class(ProblemClass::Unknown)
}

fn page_truncated() -> Problem {
    let why = "one page is larger than the response limit";
    Problem::new("A page was truncated", why, "request fewer elements per page (limit or length)")
}
