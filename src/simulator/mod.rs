//! Simulator: loopback servers that behave as the providers' documentation says, with seeded data
//! and fault knobs.
//!
//! The rest of the program reaches them only over HTTP; this module uses nothing of the rest, so
//! that the two can disagree. All five Snyk regions have an API and an app listener and know only
//! their own tokens; Snyk API & Web has three regions, Appcircle an API and an auth listener. One
//! more listener has the knobs; it needs no credentials, but refuses web pages of other sites:
//!
//! - `GET /faults` lists the knobs and the active rules, `POST /faults` adds a rule, `DELETE
//!   /faults` clears them.
//! - `GET /faults/live` lists every live secret by account and SHA-256.
//! - `GET /faults/requests` returns the request counters; `DELETE` resets them.
//! - `POST /faults/by-hand` with `{"credential": NAME}` does what a user would do on the web pages,
//!   where the API cannot; with `{"revoke": SHA256}` it revokes the secret with that fingerprint.
//!
//! Every identifier and secret is derived from fixed labels, and every seeded date from midnight
//! UTC of the start day, so two starts on one day have identical data. Start at
//! [`ProviderSimulator::start`].
//!
//! Manifest of a running simulator: the addresses of its servers and the credentials that they
//! know.
//!
//! Selection of the seeded credentials that the manifest lists: few enough for one screen, in every
//! interesting state.

mod api_web;
mod appcircle;
mod clock;
mod control;
mod deterministic;
mod faults;
mod request_counters;
mod server;
mod snyk;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

pub use clock::SimulatedClock;
use control::ControlService;
use faults::FaultRules;
use request_counters::RequestCounters;
use serde::{Serialize, Serializer};
use server::{CONTROL_ROLE, ListenerContext, SimulatorContext};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::simulator;
use crate::simulator::server::{SimulatedProvider, SimulatedService};

/// How long [`ProviderSimulator::stop`] waits for running requests.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);

/// Options of a simulator.
#[derive(Clone, Debug, Default)]
pub struct SimulatorOptions {
    /// Clock of the simulated providers; by default the machine's own.
    pub clock: SimulatedClock,
}

/// A running simulator. Dropping it stops its servers.
pub struct ProviderSimulator {
    manifest: SimulatorManifest,
    stop: CancellationToken,
    servers: Vec<JoinHandle<()>>,
}

impl ProviderSimulator {
    /// Starts all servers on loopback ports that the operating system chooses.
    pub async fn start() -> io::Result<Self> {
        Self::start_with(SimulatorOptions::default()).await
    }

    /// Starts all servers with these options.
    pub async fn start_with(options: SimulatorOptions) -> io::Result<Self> {
        let context = SimulatorContext {
            clock: options.clock,
            faults: FaultRules::default(),
            counters: RequestCounters::default(),
        };
        let mut builder = SimulatorBuilder::new(Arc::new(context));
        for (id, host) in snyk::REGIONS {
            builder.add_snyk(id, host).await?;
        }
        for (id, prefix) in api_web::REGIONS {
            builder.add_api_web(id, prefix).await?;
        }
        builder.add_appcircle().await?;
        builder.finish().await
    }

    /// Returns the addresses of the servers and the credentials that they know.
    pub fn manifest(&self) -> &SimulatorManifest {
        &self.manifest
    }

    /// Stops the servers and waits briefly until they have finished.
    pub async fn stop(mut self) {
        self.stop.cancel();
        let servers = std::mem::take(&mut self.servers);
        // A connection that stays open longer is closed together with the runtime.
        let _ = tokio::time::timeout(SHUTDOWN_TIMEOUT, futures::future::join_all(servers)).await;
    }
}

impl Drop for ProviderSimulator {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// A simulator under construction.
struct SimulatorBuilder {
    context: Arc<SimulatorContext>,
    stop: CancellationToken,
    servers: Vec<JoinHandle<()>>,
    regions: Vec<(String, RegionAddresses)>,
    providers: Vec<(&'static str, Arc<dyn SimulatedProvider>)>,
    credentials: Vec<SeededCredential>,
}

impl SimulatorBuilder {
    fn new(context: Arc<SimulatorContext>) -> Self {
        Self {
            context,
            stop: CancellationToken::new(),
            servers: Vec::new(),
            regions: Vec::new(),
            providers: Vec::new(),
            credentials: Vec::new(),
        }
    }

    async fn add_snyk(&mut self, id: &'static str, host: &'static str) -> io::Result<()> {
        let (api, app) = (server::bind_loopback().await?, server::bind_loopback().await?);
        let addresses =
            RegionAddresses { api: base_url(&api)?, app: Some(base_url(&app)?), auth: None };
        let (region, credentials) = snyk::SnykRegion::new(
            id,
            host,
            addresses.api.clone(),
            base_url(&app)?,
            self.context.clock.midnight(),
        );
        let region = Arc::new(region);
        self.start_listener(api, id, "api", Arc::new(snyk::SnykApi(Arc::clone(&region))));
        self.start_listener(app, id, "app", Arc::new(snyk::SnykWebApp(Arc::clone(&region))));
        self.register_region(id, addresses, region, credentials);
        Ok(())
    }

    async fn add_api_web(&mut self, id: &'static str, prefix: &str) -> io::Result<()> {
        let api = server::bind_loopback().await?;
        let addresses = RegionAddresses { api: base_url(&api)?, app: None, auth: None };
        let (region, credentials) =
            api_web::ApiWebRegion::new(id, prefix, self.context.clock.midnight());
        let region = Arc::new(region);
        self.start_listener(api, id, "api", Arc::clone(&region) as Arc<dyn SimulatedService>);
        self.register_region(id, addresses, region, credentials);
        Ok(())
    }

    async fn add_appcircle(&mut self) -> io::Result<()> {
        let (api, auth) = (server::bind_loopback().await?, server::bind_loopback().await?);
        let addresses =
            RegionAddresses { api: base_url(&api)?, app: None, auth: Some(base_url(&auth)?) };
        let (cloud, credentials) = appcircle::AppcircleCloud::new(self.context.clock.midnight());
        let cloud = Arc::new(cloud);
        self.start_listener(
            api,
            appcircle::REGION,
            "api",
            Arc::new(appcircle::AppcircleApiHost(Arc::clone(&cloud))),
        );
        self.start_listener(
            auth,
            appcircle::REGION,
            "auth",
            Arc::new(appcircle::AppcircleAuthHost(Arc::clone(&cloud))),
        );
        self.register_region(appcircle::REGION, addresses, cloud, credentials);
        Ok(())
    }

    fn start_listener(
        &mut self,
        listener: TcpListener,
        region: &'static str,
        role: &'static str,
        service: Arc<dyn SimulatedService>,
    ) {
        let listener_context =
            ListenerContext { region, role, service, context: Arc::clone(&self.context) };
        self.servers.push(server::serve(listener, listener_context, self.stop.clone()));
    }

    fn register_region(
        &mut self,
        id: &'static str,
        addresses: RegionAddresses,
        provider: Arc<dyn SimulatedProvider>,
        credentials: Vec<SeededCredential>,
    ) {
        self.regions.push((id.to_owned(), addresses));
        self.providers.push((id, provider));
        self.credentials.extend(credentials);
    }

    async fn finish(mut self) -> io::Result<ProviderSimulator> {
        let control = server::bind_loopback().await?;
        let faults = format!("{}/faults", base_url(&control)?);
        let credentials = simulator::select_featured(std::mem::take(&mut self.credentials));
        let providers = std::mem::take(&mut self.providers);
        let service = ControlService {
            authority: control.local_addr()?.to_string(),
            context: Arc::clone(&self.context),
            providers,
            credentials: credentials.clone(),
        };
        self.start_listener(control, "", CONTROL_ROLE, Arc::new(service));
        let manifest = SimulatorManifest { regions: self.regions, credentials, faults };
        Ok(ProviderSimulator { manifest, stop: self.stop, servers: self.servers })
    }
}

fn base_url(listener: &TcpListener) -> io::Result<String> {
    Ok(format!("http://{}", listener.local_addr()?))
}

/// The JSON line that `tokenring sandbox --json` prints.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct SimulatorManifest {
    /// Every region with its addresses, in a fixed order.
    #[serde(serialize_with = "as_map")]
    pub regions: Vec<(String, RegionAddresses)>,
    /// Seeded credentials in every interesting state: new, expiring, expired, revoked, registered
    /// under a wrong region.
    pub credentials: Vec<SeededCredential>,
    /// Address of the fault knobs.
    pub faults: String,
}

impl SimulatorManifest {
    /// Returns the addresses of a region such as `SNYK-EU-01`, `SAW-US` or `APPCIRCLE`.
    pub fn region(&self, id: &str) -> Option<&RegionAddresses> {
        self.regions.iter().find(|(region, _)| region == id).map(|(_, addresses)| addresses)
    }

    /// Returns a credential by its name, such as `eu01-admin`.
    pub fn credential(&self, name: &str) -> Option<&SeededCredential> {
        self.credentials.iter().find(|credential| credential.name == name)
    }
}

/// Base URLs of one region, without a trailing slash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RegionAddresses {
    /// API.
    pub api: String,
    /// Web application, which has Snyk's OAuth consent page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// Host that exchanges secrets for access tokens (Appcircle).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<String>,
}

/// One seeded credential. The secret is fake, but the type has no `Debug`, so that nothing prints
/// it by accident.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct SeededCredential {
    /// Unique name in kebab-case.
    pub name: String,
    /// `snyk`, `snyk-apps`, `snyk-api-web` or `appcircle`.
    pub provider: &'static str,
    /// Kind within the provider, such as `personal-access-token`.
    pub kind: &'static str,
    /// Region under which the credential is registered; one of them is wrong.
    pub region: String,
    /// The secret.
    pub secret: String,
    /// Fields that are not secret: `org_id`, `client_id`, `service_account_id`, …
    pub fields: BTreeMap<&'static str, String>,
    /// Further secrets of the credential, such as the `client_secret` beside an app's refresh
    /// token.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub parts: BTreeMap<&'static str, String>,
}

fn as_map<S: Serializer>(
    regions: &[(String, RegionAddresses)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(regions.iter().map(|(id, addresses)| (id, addresses)))
}

/// Names, in the order of the manifest. Other seeded credentials exist too and can be listed with
/// an admin token.
const FEATURED_CREDENTIALS: [&str; 39] = [
    "us01-admin",
    "us01-reader",
    "us01-laptop",
    "us01-ci-scanner",
    "us01-pr-checks",
    "us01-release-bot",
    "us01-group-reporter",
    "us01-triage-app",
    "us01-metrics-org",
    "us02-admin",
    "us02-reader",
    "us02-old-jenkins",
    "us02-broker",
    "eu01-admin",
    "eu01-reader",
    "eu01-workstation",
    "eu01-ci-scanner",
    "eu01-appsec-bot",
    "eu01-release-bot",
    "eu01-sbom-export",
    "eu01-triage-app",
    "eu01-nightly",
    "au01-admin",
    "au01-reader",
    "au01-old-laptop",
    "au01-broker",
    "gov01-admin",
    "gov01-reader",
    "gov01-release-bot",
    MISFILED_CREDENTIAL,
    "saw-eu-admin",
    "saw-eu-pipeline",
    "saw-us-admin",
    "saw-us-pipeline",
    "saw-au-admin",
    "saw-au-pipeline",
    "appcircle-laptop",
    "appcircle-ci",
    "appcircle-stray",
];

/// A token of US-02 that is registered under EU-01 by mistake.
const MISFILED_CREDENTIAL: &str = "eu01-misfiled";
const MISFILED_ORIGINAL: &str = "us02-pr-checks";

/// Selects and orders the credentials of the manifest.
pub(in crate::simulator) fn select_featured(
    mut all: Vec<SeededCredential>,
) -> Vec<SeededCredential> {
    if let Some(original) = all.iter().find(|credential| credential.name == MISFILED_ORIGINAL) {
        let copy = SeededCredential {
            name: MISFILED_CREDENTIAL.to_owned(),
            region: "SNYK-EU-01".to_owned(),
            ..original.clone()
        };
        all.push(copy);
    }
    let find = |name: &str| all.iter().find(|credential| credential.name == name).cloned();
    FEATURED_CREDENTIALS.into_iter().filter_map(find).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_exist_is_not_shown() {
        assert!(select_featured(Vec::new()).is_empty());
    }
}
