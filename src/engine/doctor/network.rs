//! The way to the providers: proxies, certificate authorities, names, the clocks, and every region's host.

use std::time::{Duration, Instant, SystemTime};

use futures::{FutureExt as _, StreamExt as _};

use super::{Area, Finding, Reach};
use crate::domain::Timestamp;
use crate::domain::problem::Problem;
use crate::domain::region::Region;
use crate::domain::request::HttpMethod;
use crate::domain::response::ApiResponse;
use crate::engine::Engine;
use crate::net::{self, ConnectFailure, NetError, OutgoingRequest, RequestBody, RequestLimits};

/// How long one host may take.
const LIMITS: RequestLimits =
    RequestLimits { connect_timeout: Duration::from_secs(5), total_timeout: Duration::from_secs(8), max_body_bytes: 4096 };

/// How far the clocks may differ before tokens with a time in them are refused.
const BEARABLE: time::Duration = time::Duration::seconds(60);

/// The variables that name a proxy.
const PROXIES: [&str; 6] = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

/// What became of one region.
struct Asked<'c> {
    region: &'c Region,
    outcome: Result<ApiResponse, NetError>,
    took: Duration,
}

impl Engine {
    pub(super) async fn examine_network(&self, reach: Reach) -> Vec<Finding> {
        let mut findings = proxies();
        if reach == Reach::Machine {
            findings.push(Finding::ok(Area::Network, "The providers were not asked", "--offline was given"));
            return findings;
        }
        findings.extend(authorities().await);
        let asked = self.ask_all().await;
        findings.push(names(&asked));
        findings.extend(self.clocks(&asked));
        let used = self.credentials().await.unwrap_or_default();
        for one in &asked {
            let users = used.iter().filter(|credential| credential.region == one.region.id).count();
            findings.push(one.finding(users));
        }
        findings
    }

    /// Asks every region's API host for its root, without any secret.
    async fn ask_all(&self) -> Vec<Asked<'_>> {
        let mut regions: Vec<&Region> = Vec::new();
        for provider in self.catalogue.providers() {
            for region in self.catalogue.regions(&provider.id).unwrap_or_default() {
                if !regions.iter().any(|known| known.id == region.id) {
                    regions.push(region);
                }
            }
        }
        let asking: Vec<_> = regions.into_iter().map(|region| self.ask_region(region).boxed()).collect();
        futures::stream::iter(asking).buffered(self.options.concurrency).collect().await
    }

    async fn ask_region<'c>(&self, region: &'c Region) -> Asked<'c> {
        let begun = Instant::now();
        let url = url::Url::parse(&region.api.to_string());
        let outcome = match url {
            Ok(url) => self.transport.send(bare(url, region)).await,
            Err(error) => Err(NetError::InvalidRequest(error.to_string())),
        };
        Asked { region, outcome, took: begun.elapsed() }
    }

    /// How far this machine's clock is from those of the servers, by the answer that came fastest.
    fn clocks(&self, asked: &[Asked<'_>]) -> Option<Finding> {
        let told = asked.iter().filter_map(|one| Some((one.took, date(one.outcome.as_ref().ok()?)?)));
        let (_, theirs) = told.min_by_key(|(took, _)| *took)?;
        let apart = (self.now() - theirs).abs();
        let words = format!("{} s apart from the servers'", apart.whole_seconds());
        if apart <= BEARABLE {
            return Some(Finding::ok(Area::Network, "The clock is right", words));
        }
        let remedy = "set the clock, or switch on its synchronisation";
        let what = "The clock is wrong: expiry is misjudged, and signed requests are refused";
        Some(Finding::fail(Area::Network, Problem::new(what, words, remedy)))
    }
}

impl Asked<'_> {
    /// A region that no credential uses may be out of reach.
    fn finding(&self, users: usize) -> Finding {
        let id = &self.region.id;
        match &self.outcome {
            Ok(answer) if answer.status == 407 => {
                let problem = Problem::new(
                    format!("{id}: the proxy asks who you are"),
                    "it answered with 407",
                    "put the name and password it wants into HTTPS_PROXY",
                );
                Finding::fail(Area::Network, problem)
            }
            Ok(answer) => {
                let why = format!("{} answered with {} in {} ms", self.region.api, answer.status, self.took.as_millis());
                Finding::ok(Area::Network, format!("{id} is reached"), why)
            }
            Err(error) => {
                let problem = Problem::from(error.clone());
                let what = format!("{id} is not reached");
                if users == 0 {
                    return Finding::warn(Area::Network, what, format!("{}; no credential uses it", problem.why), problem.remedy);
                }
                Finding::fail(Area::Network, Problem { what, ..problem })
            }
        }
    }
}

fn bare(url: url::Url, region: &Region) -> OutgoingRequest {
    OutgoingRequest {
        method: HttpMethod::Get,
        url,
        headers: Vec::new(),
        body: RequestBody::Empty,
        authorization: None,
        limits: LIMITS,
        ca_file: region.ca_file.clone(),
    }
}

fn date(answer: &ApiResponse) -> Option<Timestamp> {
    let told: SystemTime = httpdate::parse_http_date(answer.header("date")?).ok()?;
    Some(told.into())
}

/// The proxies that are named, without whatever password stands in them.
fn proxies() -> Vec<Finding> {
    let mut findings: Vec<_> = proxies_named().map(|(name, value)| proxy(name, &value)).collect();
    if findings.is_empty() {
        findings.push(Finding::ok(Area::Network, "No proxy is named", "hosts are asked directly"));
    }
    findings
}

/// The variables that name a proxy, with what they hold.
fn proxies_named() -> impl Iterator<Item = (&'static str, String)> {
    PROXIES.iter().filter_map(|name| Some((*name, std::env::var(name).ok().filter(|value| !value.is_empty())?)))
}

fn proxy(name: &str, value: &str) -> Finding {
    let url = url::Url::parse(value).or_else(|_| url::Url::parse(&format!("http://{value}")));
    let url = url.ok();
    let Some((host, port)) = url.as_ref().and_then(|url| Some((url.host_str()?, url.port_or_known_default()))) else {
        let remedy = "write it like http://proxy.example:3128";
        return Finding::fail(Area::Network, Problem::new(format!("{name} names no proxy"), "it is not an address", remedy));
    };
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    let past = std::env::var("NO_PROXY").or_else(|_| std::env::var("no_proxy")).unwrap_or_default();
    let past = if past.is_empty() { "no host goes past it".to_owned() } else { format!("past it go {past}") };
    Finding::ok(Area::Network, format!("{name} names the proxy {host}{port}"), past)
}

async fn authorities() -> Option<Finding> {
    let found = net::load_ca_info().await;
    let remedy = "see SSL_CERT_FILE and SSL_CERT_DIR; the bundled authorities are trusted anyway";
    Some(match found.load_error {
        None => Finding::ok(Area::Network, "Certificate authorities are there", format!("{} are trusted", found.trusted_count)),
        Some(why) => Finding::warn(Area::Network, "The machine's certificate authorities are not whole", why, remedy),
    })
}

/// Whether host names have addresses. Behind a proxy, that is the proxy's business.
fn names(asked: &[Asked<'_>]) -> Finding {
    let nameless = |one: &&Asked<'_>| matches!(&one.outcome, Err(NetError::NoConnection { failure: ConnectFailure::Dns, .. }));
    let lost: Vec<_> = asked.iter().filter(nameless).map(|one| one.region.api.host()).collect();
    if lost.is_empty() && proxies_named().next().is_some() {
        return Finding::ok(Area::Network, "Host names are the proxy's business", "it looks up what does not go past it");
    }
    if lost.is_empty() {
        return Finding::ok(Area::Network, "Host names have addresses", format!("{} were looked up", asked.len()));
    }
    let why = format!("no address for {}", lost.join(", "));
    let remedy = "check the name servers (resolv.conf, VPN), or name a proxy in HTTPS_PROXY";
    Finding::fail(Area::Network, Problem::new("Some host names have no address", why, remedy))
}
