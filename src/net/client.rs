//! The HTTP client.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio::sync::OnceCell;
use url::Url;

use super::leg::Leg;
use super::reading::Clock;
use super::stopwatch::{Names, Stopwatch, Timed};
use super::trust::Trust;
use super::{Limits, NetError, Outgoing, Transport, reading};
use crate::domain::Origin;
use crate::domain::response::ApiResponse;

/// How long a connection without work stays open, and how many of them stay for one host.
///
/// A waiting connection may still hold the bytes of its last request, the secret among them, so it should close at once.
/// But a thousand checks would then shake hands a thousand times. A few seconds bridge the gaps within a run of checks
/// and the pause of a person at the console; after that nothing of the request is left in memory.
const IDLE: Duration = Duration::from_secs(2);
const IDLE_PER_HOST: usize = 32;

pub(super) const USER_AGENT: &str = concat!("tokenring/", env!("CARGO_PKG_VERSION"));

/// The HTTP client. It is built at the first request, because that reads all certificate files.
#[derive(Default)]
pub struct Client {
    proxies: Proxies,
    machine: OnceCell<Trust>,
    lines: Mutex<HashMap<Road, Arc<OnceCell<Line>>>>,
}

/// Which proxies requests go through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Proxies {
    /// Those the system and the environment name (`HTTPS_PROXY`, `NO_PROXY`, …), and none to this machine itself.
    #[default]
    System,
    /// None.
    Direct,
    /// This one for every request, to this machine as well.
    Through(Url),
}

/// What must be alike for two requests to share their connections.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Road {
    proxied: bool,
    trusted: Trusted,
    connect: Duration,
}

/// Whose authorities a road trusts.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Trusted {
    /// Nobody's; it is plain http on loopback.
    Nobody,
    /// The machine's and the bundled ones.
    Machine,
    /// A file's as well.
    File(PathBuf),
}

/// A road that is built.
struct Line {
    client: reqwest::Client,
    complaint: Option<String>,
}

impl Client {
    /// A client that uses these proxies.
    pub fn through(proxies: Proxies) -> Self {
        Self { proxies, ..Self::default() }
    }

    async fn travel(&self, mut leg: Leg, limits: Limits, ca_file: Option<PathBuf>) -> Result<ApiResponse, NetError> {
        let (started, watch) = (Instant::now(), Stopwatch::default());
        loop {
            let response = watch.listen(self.step(&leg, limits, ca_file.as_ref())).await?;
            if !leg.follow(response.status(), response.headers())? {
                let clock = Clock { started, connection: watch.connection() };
                return reading::read(response, clock, limits, leg.into_sent()).await;
            }
        }
    }

    async fn step(&self, leg: &Leg, limits: Limits, ca_file: Option<&PathBuf>) -> Result<reqwest::Response, NetError> {
        let road = self.road(&leg.url, limits.connect, ca_file);
        let cell = Arc::clone(self.lines.lock().unwrap_or_else(PoisonError::into_inner).entry(road.clone()).or_default());
        let line = cell.get_or_try_init(|| self.build(&road)).await?;
        line.client.execute(leg.request()).await.map_err(|error| {
            let error = NetError::of(error, leg.host(), limits.connect);
            line.complaint.iter().fold(error, |error, complaint| error.about_tls(complaint))
        })
    }

    fn road(&self, url: &Url, connect: Duration, ca_file: Option<&PathBuf>) -> Road {
        let loopback = Origin::from_url(url).is_some_and(|origin| origin.is_loopback());
        let proxied = match self.proxies {
            Proxies::System => !loopback,
            Proxies::Direct => false,
            Proxies::Through(_) => true,
        };
        let trusted = match ca_file {
            _ if loopback && url.scheme() == "http" && !proxied => Trusted::Nobody,
            Some(path) => Trusted::File(path.clone()),
            None => Trusted::Machine,
        };
        Road { proxied, trusted, connect }
    }

    async fn build(&self, road: &Road) -> Result<Line, NetError> {
        let trust = self.trust(&road.trusted).await?;
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(trust.tls()?)
            .user_agent(USER_AGENT)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .dns_resolver(Arc::new(Names))
            .connector_layer(Timed)
            .connect_timeout(road.connect)
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(IDLE_PER_HOST);
        let client = match &self.proxies {
            _ if !road.proxied => client.no_proxy(),
            Proxies::Through(url) => client.proxy(reqwest::Proxy::all(url.clone()).map_err(unbuildable)?),
            Proxies::System | Proxies::Direct => client,
        };
        Ok(Line { client: client.build().map_err(unbuildable)?, complaint: trust.complaint })
    }

    async fn trust(&self, trusted: &Trusted) -> Result<Trust, NetError> {
        match trusted {
            Trusted::Nobody => Ok(Trust::nobody()),
            Trusted::Machine => self.machine().await,
            Trusted::File(path) => {
                let (machine, path) = (self.machine().await?, path.clone());
                aside(move || machine.and_file(&path)).await?
            }
        }
    }

    async fn machine(&self) -> Result<Trust, NetError> {
        self.machine.get_or_try_init(|| aside(Trust::of_machine)).await.cloned()
    }
}

#[async_trait]
impl Transport for Client {
    async fn send(&self, mut outgoing: Outgoing) -> Result<ApiResponse, NetError> {
        let (limits, ca_file) = (outgoing.limits, outgoing.ca_file.take());
        let leg = Leg::first(outgoing)?;
        let host = leg.host().to_owned();
        let travel = tokio::time::timeout(limits.total, self.travel(leg, limits, ca_file));
        travel.await.unwrap_or(Err(NetError::TimedOut { host, limit: limits.total }))
    }
}

/// Reads files on a thread where waiting harms nobody.
async fn aside<T: Send + 'static>(read: impl FnOnce() -> T + Send + 'static) -> Result<T, NetError> {
    tokio::task::spawn_blocking(read).await.map_err(|_| NetError::Unsendable("the program is ending".to_owned()))
}

fn unbuildable(error: reqwest::Error) -> NetError {
    NetError::Unsendable(error.without_url().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn road(proxies: Proxies, url: &str) -> Road {
        Client::through(proxies).road(&Url::parse(url).unwrap(), Duration::from_secs(1), Some(&PathBuf::from("ca.pem")))
    }

    #[test]
    fn this_machine_is_reached_without_proxy_unless_one_was_chosen() {
        let chosen = || Proxies::Through(Url::parse("http://proxy.example:3128").unwrap());
        for url in ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1", "https://127.0.0.1:1"] {
            assert!(!road(Proxies::System, url).proxied, "{url}");
            assert!(road(chosen(), url).proxied, "{url}");
        }
        assert!(road(Proxies::System, "https://api.example").proxied);
        assert!(!road(Proxies::Direct, "https://api.example").proxied);
    }

    #[test]
    fn plain_http_to_this_machine_reads_no_certificates() {
        assert!(road(Proxies::System, "http://127.0.0.1:1").trusted == Trusted::Nobody);
        assert!(road(Proxies::System, "https://127.0.0.1:1").trusted == Trusted::File(PathBuf::from("ca.pem")));
    }
}
