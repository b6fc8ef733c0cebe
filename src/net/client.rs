//! HTTP client.
//!
//! Start reading at [`HttpClient`], the [`Transport`] that sends real requests. Checks before
//! sending belong to `host_binding`, reading responses to `response`.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio::sync::OnceCell;
use url::Url;

use super::body::{BodyBudget, BudgetShares};
use super::body_stream::{BodySink, stream_body};
use super::certificates::CertificateStore;
use super::connect_timing::{ConnectTimer, TimedResolver, TimingLayer};
use super::host_binding::PreparedRequest;
use super::proxy::check_proxy_variables;
use super::response::{self, ResponseClock};
use super::{NetError, OutgoingRequest, RequestLimits, Transport};
use crate::domain::Origin;
use crate::domain::redact::SecretRedactor;
use crate::domain::response::ApiResponse;

/// Idle timeout of pooled connections, and their maximum number per host.
///
/// An idle connection can still hold the bytes of its last request, including the secret, so it
/// should close immediately. But then a thousand checks need a thousand handshakes. A few seconds
/// bridge the gaps within a run of checks and the user's pauses at the console; after that nothing
/// of the request remains in memory.
const IDLE_TIMEOUT: Duration = Duration::from_secs(2);
const MAX_IDLE_PER_HOST: usize = 32;

/// HTTP client. It is built on the first request, because building it reads all certificate files.
#[derive(Default)]
pub struct HttpClient {
    proxies: ProxyConfig,
    system_certificates: OnceCell<CertificateStore>,
    pooled_clients: Mutex<HashMap<ConnectionKey, Arc<OnceCell<PooledClient>>>>,
    body_budget: BodyBudget,
}

/// Proxy configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ProxyConfig {
    /// The proxies of the system and the environment (`HTTPS_PROXY`, `NO_PROXY`, …); loopback is
    /// reached directly.
    #[default]
    System,
    /// No proxy.
    Direct,
    /// This proxy for every request, including loopback.
    Custom(Url),
}

/// Key of a pooled client: requests with equal keys share connections.
#[derive(Clone, PartialEq, Eq, Hash)]
struct ConnectionKey {
    proxied: bool,
    trust_source: TrustSource,
    connect: Duration,
}

/// Source of the certificate authorities that a client trusts.
#[derive(Clone, PartialEq, Eq, Hash)]
enum TrustSource {
    /// No authorities; the connection is plain http on loopback.
    NoCertificates,
    /// The system's and the bundled authorities.
    System,
    /// The system's and the bundled authorities, and those of a file.
    SystemAndFile(PathBuf),
}

/// Pooled client with the error from loading its authorities.
struct PooledClient {
    client: reqwest::Client,
    load_error: Option<String>,
}

impl HttpClient {
    /// Returns a client that uses these proxies.
    pub fn with_proxies(proxies: ProxyConfig) -> Self {
        Self { proxies, ..Self::default() }
    }

    /// Sends a request and reads the head of the final response.
    async fn send_following_redirects(
        &self,
        request: &mut PreparedRequest,
        timer: &ConnectTimer,
        limits: RequestLimits,
        ca_file: Option<&PathBuf>,
    ) -> Result<reqwest::Response, NetError> {
        loop {
            let response = timer.measure(self.send_hop(request, limits, ca_file)).await?;
            if !request.follow_redirect(response.status(), response.headers())? {
                return Ok(response);
            }
        }
    }

    async fn send_hop(
        &self,
        request: &PreparedRequest,
        limits: RequestLimits,
        ca_file: Option<&PathBuf>,
    ) -> Result<reqwest::Response, NetError> {
        let key = self.connection_key(&request.url, limits.connect_timeout, ca_file);
        if key.proxied && self.proxies == ProxyConfig::System {
            check_proxy_variables(request.url.scheme(), |name| std::env::var(name).ok())?;
        }
        let cell = Arc::clone(
            self.pooled_clients
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .entry(key.clone())
                .or_default(),
        );
        let pooled = cell.get_or_try_init(|| self.build_client(&key)).await?;
        pooled.client.execute(request.to_reqwest()).await.map_err(|error| {
            let error = NetError::from_reqwest(error, request.host(), limits.connect_timeout);
            pooled.load_error.iter().fold(error, |error, detail| error.with_tls_detail(detail))
        })
    }

    fn connection_key(
        &self,
        url: &Url,
        connect: Duration,
        ca_file: Option<&PathBuf>,
    ) -> ConnectionKey {
        let loopback = Origin::from_url(url).is_some_and(|origin| origin.is_loopback());
        let proxied = match self.proxies {
            ProxyConfig::System => !loopback,
            ProxyConfig::Direct => false,
            ProxyConfig::Custom(_) => true,
        };
        let trust_source = match ca_file {
            _ if loopback && url.scheme() == "http" && !proxied => TrustSource::NoCertificates,
            Some(path) => TrustSource::SystemAndFile(path.clone()),
            None => TrustSource::System,
        };
        ConnectionKey { proxied, trust_source, connect }
    }

    async fn build_client(&self, key: &ConnectionKey) -> Result<PooledClient, NetError> {
        let certificates = self.load_certificates(&key.trust_source).await?;
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(certificates.tls_config()?)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .http1_allow_obsolete_multiline_headers_in_responses(true)
            .dns_resolver(Arc::new(TimedResolver))
            .connector_layer(TimingLayer)
            .connect_timeout(key.connect)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(MAX_IDLE_PER_HOST);
        let client = match &self.proxies {
            _ if !key.proxied => client.no_proxy(),
            ProxyConfig::Custom(url) => {
                client.proxy(reqwest::Proxy::all(url.clone()).map_err(client_build_error)?)
            }
            ProxyConfig::System | ProxyConfig::Direct => client,
        };
        Ok(PooledClient {
            client: client.build().map_err(client_build_error)?,
            load_error: certificates.load_error,
        })
    }

    async fn load_certificates(&self, source: &TrustSource) -> Result<CertificateStore, NetError> {
        match source {
            TrustSource::NoCertificates => Ok(CertificateStore::empty()),
            TrustSource::System => self.load_system_certificates().await,
            TrustSource::SystemAndFile(path) => {
                let (system, path) = (self.load_system_certificates().await?, path.clone());
                spawn_blocking(move || system.with_file(&path)).await?
            }
        }
    }

    async fn load_system_certificates(&self) -> Result<CertificateStore, NetError> {
        self.system_certificates
            .get_or_try_init(|| spawn_blocking(CertificateStore::load_system))
            .await
            .cloned()
    }
}

/// Response whose head has arrived.
struct OpenedResponse<'b> {
    response: reqwest::Response,
    clock: ResponseClock,
    redactor: Arc<SecretRedactor>,
    limits: RequestLimits,
    deadline: tokio::time::Instant,
    shares: BudgetShares<'b>,
}

impl HttpClient {
    async fn open(&self, mut outgoing: OutgoingRequest) -> Result<OpenedResponse<'_>, NetError> {
        let (limits, ca_file) = (outgoing.limits, outgoing.ca_file.take());
        let mut request = PreparedRequest::new(outgoing)?;
        let host = request.host().to_owned();
        let (started, timer) = (Instant::now(), ConnectTimer::default());
        let deadline = tokio::time::Instant::now() + limits.total_timeout;
        let opening = async {
            let head =
                self.send_following_redirects(&mut request, &timer, limits, ca_file.as_ref());
            let response = head.await?;
            let clock = ResponseClock::at_first_byte(started, timer.connection_origin());
            Ok((response, clock, self.body_budget.acquire().await?))
        };
        let opened = tokio::time::timeout_at(deadline, opening).await;
        let (response, clock, shares) =
            opened.unwrap_or(Err(NetError::TimedOut { host, limit: limits.total_timeout }))?;
        let redactor = Arc::new(request.into_redactor());
        Ok(OpenedResponse { response, clock, redactor, limits, deadline, shares })
    }
}

impl OpenedResponse<'_> {
    /// Reads the body into memory.
    async fn read(self) -> Result<ApiResponse, NetError> {
        let Self { mut response, clock, redactor, limits, deadline, shares } = self;
        let body = super::body::read_body(&mut response, limits, deadline, shares).await?;
        response::build_response(&response, body, &clock, redactor).await
    }

    /// Passes the body to a receiver, if the receiver takes it.
    async fn pass_on(mut self, sink: Arc<dyn BodySink>) -> Result<ApiResponse, NetError> {
        let head = response::read_head(&self.response, &self.clock, &self.redactor);
        let taken = sink.begin(&head, self.response.content_length(), &self.redactor);
        if !taken.map_err(|error| NetError::BodyNotWritten(error.to_string()))? {
            return self.read().await;
        }
        drop(self.shares);
        let stall_timeout = self.limits.total_timeout;
        let streamed = stream_body(&mut self.response, stall_timeout, sink).await?;
        response::finish_streamed(&self.response, streamed, head, &self.clock)
    }
}

#[async_trait]
impl Transport for HttpClient {
    async fn send(&self, outgoing: OutgoingRequest) -> Result<ApiResponse, NetError> {
        self.open(outgoing).await?.read().await
    }

    async fn send_to_sink(
        &self,
        outgoing: OutgoingRequest,
        sink: Arc<dyn BodySink>,
    ) -> Result<ApiResponse, NetError> {
        self.open(outgoing).await?.pass_on(sink).await
    }
}

/// Reads files on a thread for blocking work.
async fn spawn_blocking<T: Send + 'static>(
    read: impl FnOnce() -> T + Send + 'static,
) -> Result<T, NetError> {
    tokio::task::spawn_blocking(read)
        .await
        .map_err(|_| NetError::InvalidRequest("the program is exiting".to_owned()))
}

fn client_build_error(error: reqwest::Error) -> NetError {
    NetError::InvalidRequest(error.without_url().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(proxies: ProxyConfig, url: &str) -> ConnectionKey {
        HttpClient::with_proxies(proxies).connection_key(
            &Url::parse(url).unwrap(),
            Duration::from_secs(1),
            Some(&PathBuf::from("ca.pem")),
        )
    }

    #[test]
    fn this_machine_is_reached_without_proxy_unless_one_was_chosen() {
        let chosen = || ProxyConfig::Custom(Url::parse("http://proxy.example:3128").unwrap());
        for url in
            ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1", "https://127.0.0.1:1"]
        {
            assert!(!key(ProxyConfig::System, url).proxied, "{url}");
            assert!(key(chosen(), url).proxied, "{url}");
        }
        assert!(key(ProxyConfig::System, "https://api.example").proxied);
        assert!(!key(ProxyConfig::Direct, "https://api.example").proxied);
    }

    #[test]
    fn plain_http_to_this_machine_reads_no_certificates() {
        assert!(
            key(ProxyConfig::System, "http://127.0.0.1:1").trust_source
                == TrustSource::NoCertificates
        );
        assert!(
            key(ProxyConfig::System, "https://127.0.0.1:1").trust_source
                == TrustSource::SystemAndFile(PathBuf::from("ca.pem"))
        );
    }
}
