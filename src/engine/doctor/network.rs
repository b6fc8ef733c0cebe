//! Diagnostics of the connection to the providers: proxies, certificate authorities, name
//! resolution, the clock, and the host of every region.

use std::time::{Duration, Instant, SystemTime};

use futures::{FutureExt as _, StreamExt as _};

use super::{Diagnostic, DiagnosticArea, DoctorScope};
use crate::domain::Timestamp;
use crate::domain::problem::Problem;
use crate::domain::region::Region;
use crate::domain::request::HttpMethod;
use crate::domain::response::ApiResponse;
use crate::engine::doctor::DoctorService;
use crate::net::{self, ConnectFailure, NetError, OutgoingRequest, RequestBody, RequestLimits};

/// Limits of a request to one host.
const REQUEST_LIMITS: RequestLimits = RequestLimits {
    connect_timeout: Duration::from_secs(5),
    total_timeout: Duration::from_secs(8),
    max_body_bytes: 4096,
};

/// Maximum difference of the clocks before providers reject tokens that contain a time.
const MAX_CLOCK_SKEW: time::Duration = time::Duration::seconds(60);

/// Variables that configure a proxy.
const PROXY_VARIABLES: [&str; 6] =
    ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

/// Result of contacting one region.
struct RegionProbe<'c> {
    region: &'c Region,
    outcome: Result<ApiResponse, NetError>,
    elapsed: Duration,
}

impl DoctorService {
    pub(super) async fn diagnose_network(&self, scope: DoctorScope) -> Vec<Diagnostic> {
        let mut findings = diagnose_proxies();
        if scope == DoctorScope::Machine {
            findings.push(Diagnostic::ok(
                DiagnosticArea::Network,
                "The providers were not contacted",
                "--offline was given",
            ));
            return findings;
        }
        findings.extend(diagnose_certificates().await);
        let probes = self.probe_regions().await;
        findings.push(diagnose_name_resolution(&probes));
        findings.extend(self.diagnose_clock(&probes));
        let used = self.database.credentials().await.unwrap_or_default();
        for probe in &probes {
            let users =
                used.iter().filter(|credential| credential.region == probe.region.id).count();
            findings.push(probe.to_diagnostic(users));
        }
        findings
    }

    /// Requests the root of every region's API host, without a secret.
    async fn probe_regions(&self) -> Vec<RegionProbe<'_>> {
        let mut regions: Vec<&Region> = Vec::new();
        for provider in self.catalog.providers() {
            for region in self.catalog.regions(&provider.id).unwrap_or_default() {
                if !regions.iter().any(|known| known.id == region.id) {
                    regions.push(region);
                }
            }
        }
        let requests: Vec<_> =
            regions.into_iter().map(|region| self.probe_region(region).boxed()).collect();
        futures::stream::iter(requests).buffered(self.concurrency).collect().await
    }

    async fn probe_region<'c>(&self, region: &'c Region) -> RegionProbe<'c> {
        let begun = Instant::now();
        let url = url::Url::parse(&region.api.to_string());
        let outcome = match url {
            Ok(url) => self.transport.send(unauthenticated_request(url, region)).await,
            Err(error) => Err(NetError::InvalidRequest(error.to_string())),
        };
        RegionProbe { region, outcome, elapsed: begun.elapsed() }
    }

    /// Compares this machine's clock with the servers', by the fastest response.
    fn diagnose_clock(&self, probes: &[RegionProbe<'_>]) -> Option<Diagnostic> {
        let times = probes
            .iter()
            .filter_map(|probe| Some((probe.elapsed, date_header(probe.outcome.as_ref().ok()?)?)));
        let (_, server_time) = times.min_by_key(|(took, _)| *took)?;
        let skew = (self.clock.now() - server_time).abs();
        let difference = format!("{} s difference from the servers", skew.whole_seconds());
        if skew <= MAX_CLOCK_SKEW {
            return Some(Diagnostic::ok(
                DiagnosticArea::Network,
                "The clock is correct",
                difference,
            ));
        }
        let remedy = "set the clock, or enable time synchronization";
        let what = "The clock is wrong: expiry is misjudged and signed requests are refused";
        Some(Diagnostic::fail(DiagnosticArea::Network, Problem::new(what, difference, remedy)))
    }
}

impl RegionProbe<'_> {
    /// Converts the result to a diagnostic; an unreachable region that no credential uses is only a
    /// warning.
    fn to_diagnostic(&self, users: usize) -> Diagnostic {
        let id = &self.region.id;
        match &self.outcome {
            Ok(response) if response.status == 407 => {
                let problem = Problem::new(
                    format!("{id}: the proxy requires authentication"),
                    "the proxy responded with 407",
                    "put the user name and password into HTTPS_PROXY",
                );
                Diagnostic::fail(DiagnosticArea::Network, problem)
            }
            Ok(response) => {
                let why = format!(
                    "{} responded with {} in {} ms",
                    self.region.api,
                    response.status,
                    self.elapsed.as_millis()
                );
                Diagnostic::ok(DiagnosticArea::Network, format!("{id} is reachable"), why)
            }
            Err(error) => {
                let problem = Problem::from(error.clone());
                let what = format!("{id} is not reachable");
                if users == 0 {
                    return Diagnostic::warn(
                        DiagnosticArea::Network,
                        what,
                        format!("{}; no credential uses this region", problem.why),
                        problem.remedy,
                    );
                }
                Diagnostic::fail(DiagnosticArea::Network, Problem { what, ..problem })
            }
        }
    }
}

fn unauthenticated_request(url: url::Url, region: &Region) -> OutgoingRequest {
    OutgoingRequest {
        method: HttpMethod::Get,
        url,
        headers: Vec::new(),
        removed_headers: Vec::new(),
        body: RequestBody::Empty,
        authorization: None,
        limits: REQUEST_LIMITS,
        ca_file: region.ca_file.clone(),
    }
}

fn date_header(response: &ApiResponse) -> Option<Timestamp> {
    let date: SystemTime = httpdate::parse_http_date(response.header("date")?).ok()?;
    Some(date.into())
}

/// Reports the configured proxies, without their passwords.
fn diagnose_proxies() -> Vec<Diagnostic> {
    let mut findings: Vec<_> =
        proxy_variables().map(|(name, value)| diagnose_proxy(name, &value)).collect();
    if findings.is_empty() {
        findings.push(Diagnostic::ok(
            DiagnosticArea::Network,
            "No proxy is configured",
            "hosts are contacted directly",
        ));
    }
    findings
}

/// Returns the variables that configure a proxy, with their values.
fn proxy_variables() -> impl Iterator<Item = (&'static str, String)> {
    PROXY_VARIABLES.iter().filter_map(|name| {
        Some((*name, std::env::var(name).ok().filter(|value| !value.is_empty())?))
    })
}

fn diagnose_proxy(name: &str, value: &str) -> Diagnostic {
    let url = match net::parse_proxy(value) {
        Ok(url) => url,
        Err(why) => {
            let remedy = "use a URL such as http://proxy.example:3128, or unset the variable; no request is sent until then";
            let what = format!("{name} is not a usable proxy");
            return Diagnostic::fail(DiagnosticArea::Network, Problem::new(what, why, remedy));
        }
    };
    let (host, port) = (url.host_str().unwrap_or_default(), url.port_or_known_default());
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    let bypass =
        std::env::var("NO_PROXY").or_else(|_| std::env::var("no_proxy")).unwrap_or_default();
    let bypass = if bypass.is_empty() {
        "all hosts use the proxy".to_owned()
    } else {
        format!("except {bypass}")
    };
    Diagnostic::ok(DiagnosticArea::Network, format!("{name} sets the proxy {host}{port}"), bypass)
}

async fn diagnose_certificates() -> Option<Diagnostic> {
    let found = net::load_ca_info().await;
    let remedy = "check SSL_CERT_FILE, SSL_CERT_DIR and NODE_EXTRA_CA_CERTS; the bundled certificate authorities are trusted anyway";
    Some(match found.load_error {
        None => Diagnostic::ok(
            DiagnosticArea::Network,
            "Certificate authorities loaded",
            format!("{} are trusted", found.trusted_count),
        ),
        Some(why) => Diagnostic::warn(
            DiagnosticArea::Network,
            "Some of this machine's certificate authorities could not be loaded",
            why,
            remedy,
        ),
    })
}

/// Reports whether host names resolve. Behind a proxy, the proxy resolves them.
fn diagnose_name_resolution(probes: &[RegionProbe<'_>]) -> Diagnostic {
    let is_unresolved = |probe: &&RegionProbe<'_>| {
        matches!(&probe.outcome, Err(NetError::NoConnection { failure: ConnectFailure::Dns, .. }))
    };
    let unresolved: Vec<_> =
        probes.iter().filter(is_unresolved).map(|probe| probe.region.api.host()).collect();
    if unresolved.is_empty() && proxy_variables().next().is_some() {
        return Diagnostic::ok(
            DiagnosticArea::Network,
            "Host names are resolved by the proxy",
            "the proxy resolves all hosts that use it",
        );
    }
    if unresolved.is_empty() {
        return Diagnostic::ok(
            DiagnosticArea::Network,
            "Host names resolve",
            format!("{} hosts were looked up", probes.len()),
        );
    }
    let why = format!("no address for {}", unresolved.join(", "));
    let remedy = "check the name servers (resolv.conf, VPN), or set a proxy in HTTPS_PROXY";
    Diagnostic::fail(
        DiagnosticArea::Network,
        Problem::new("Some host names do not resolve", why, remedy),
    )
}
