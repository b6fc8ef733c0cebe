//! The simulator: loopback servers that behave as the providers' documentation says, with a seeded world and fault knobs.
//!
//! The rest of the program meets them only over HTTP; nothing here uses anything of it, so that the two can disagree.
//! All five Snyk regions have an API and an app listener and know only their own tokens; Snyk API & Web has three
//! regions, Appcircle an API and an auth listener. One more listener, without credentials, has the knobs:
//!
//! - `GET /faults` lists the knobs and the active rules, `POST /faults` adds a rule, `DELETE /faults` clears them.
//! - `GET /faults/live` names every living secret by account and SHA-256.
//! - `GET /faults/requests` counts what was asked; `DELETE` begins anew.
//! - `POST /faults/by-hand` with `{"credential": NAME}` does what a person would do in the web pages, where the API cannot;
//!   with `{"revoke": SHA256}` it ends the secret with that fingerprint.
//!
//! Every identifier and secret is derived from fixed labels, and every seeded date from midnight UTC of the day it
//! starts, so two starts on one day tell the same story.

mod api_web;
mod appcircle;
mod clock;
mod control;
mod faults;
mod ledger;
mod manifest;
mod seed;
mod server;
mod showcase;
mod snyk;
mod wire;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use clock::Clock;
pub use manifest::{Addresses, Credential, Manifest};

use control::Control;
use faults::Faults;
use ledger::Ledger;
use server::{CONTROL, House, Post};
use wire::{Provider, Service};

/// How long [`Sandbox::stop`] waits for requests that are under way.
const PATIENCE: Duration = Duration::from_secs(1);

/// What can be chosen about a simulator.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The time its providers live in; the machine's own by default.
    pub clock: Clock,
}

/// A running simulator. Dropping it stops its servers.
pub struct Sandbox {
    manifest: Manifest,
    stop: CancellationToken,
    servers: Vec<JoinHandle<()>>,
}

impl Sandbox {
    /// Starts all servers on loopback ports of the system's choice.
    pub async fn start() -> io::Result<Self> {
        Self::start_with(Options::default()).await
    }

    /// Starts all servers, in a time of one's own choice.
    pub async fn start_with(options: Options) -> io::Result<Self> {
        let house = House { clock: options.clock, faults: Faults::default(), ledger: Ledger::default() };
        let mut building = Building::new(Arc::new(house));
        for (id, host) in snyk::REGIONS {
            building.add_snyk(id, host).await?;
        }
        for (id, prefix) in api_web::REGIONS {
            building.add_api_web(id, prefix).await?;
        }
        building.add_appcircle().await?;
        building.finish().await
    }

    /// Where the servers are and which credentials they know.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Stops the servers and waits, for a moment, until they have.
    pub async fn stop(mut self) {
        self.stop.cancel();
        let servers = std::mem::take(&mut self.servers);
        // Whoever holds a connection open longer than that loses it with the runtime.
        let _ = tokio::time::timeout(PATIENCE, futures::future::join_all(servers)).await;
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// A simulator under construction.
struct Building {
    house: Arc<House>,
    stop: CancellationToken,
    servers: Vec<JoinHandle<()>>,
    regions: Vec<(String, Addresses)>,
    providers: Vec<(&'static str, Arc<dyn Provider>)>,
    credentials: Vec<Credential>,
}

impl Building {
    fn new(house: Arc<House>) -> Self {
        Self {
            house,
            stop: CancellationToken::new(),
            servers: Vec::new(),
            regions: Vec::new(),
            providers: Vec::new(),
            credentials: Vec::new(),
        }
    }

    async fn add_snyk(&mut self, id: &'static str, host: &'static str) -> io::Result<()> {
        let (api, app) = (server::bind().await?, server::bind().await?);
        let addresses = Addresses { api: url(&api)?, app: Some(url(&app)?), auth: None };
        let own = (addresses.api.clone(), url(&app)?);
        let (region, credentials) = snyk::Region::new(id, host, own, self.house.clock.midnight());
        let region = Arc::new(region);
        self.open(api, id, "api", Arc::new(snyk::Api(Arc::clone(&region))));
        self.open(app, id, "app", Arc::new(snyk::App(Arc::clone(&region))));
        self.settle(id, addresses, region, credentials);
        Ok(())
    }

    async fn add_api_web(&mut self, id: &'static str, prefix: &str) -> io::Result<()> {
        let api = server::bind().await?;
        let addresses = Addresses { api: url(&api)?, app: None, auth: None };
        let (region, credentials) = api_web::Region::new(id, prefix, self.house.clock.midnight());
        let region = Arc::new(region);
        self.open(api, id, "api", Arc::clone(&region) as Arc<dyn Service>);
        self.settle(id, addresses, region, credentials);
        Ok(())
    }

    async fn add_appcircle(&mut self) -> io::Result<()> {
        let (api, auth) = (server::bind().await?, server::bind().await?);
        let addresses = Addresses { api: url(&api)?, app: None, auth: Some(url(&auth)?) };
        let (cloud, credentials) = appcircle::Cloud::new(self.house.clock.midnight());
        let cloud = Arc::new(cloud);
        self.open(api, appcircle::REGION, "api", Arc::new(appcircle::Api(Arc::clone(&cloud))));
        self.open(auth, appcircle::REGION, "auth", Arc::new(appcircle::Auth(Arc::clone(&cloud))));
        self.settle(appcircle::REGION, addresses, cloud, credentials);
        Ok(())
    }

    fn open(&mut self, listener: TcpListener, region: &'static str, role: &'static str, service: Arc<dyn Service>) {
        let post = Post { region, role, service, house: Arc::clone(&self.house) };
        self.servers.push(server::serve(listener, post, self.stop.clone()));
    }

    fn settle(&mut self, id: &'static str, addresses: Addresses, provider: Arc<dyn Provider>, credentials: Vec<Credential>) {
        self.regions.push((id.to_owned(), addresses));
        self.providers.push((id, provider));
        self.credentials.extend(credentials);
    }

    async fn finish(mut self) -> io::Result<Sandbox> {
        let control = server::bind().await?;
        let faults = format!("{}/faults", url(&control)?);
        let credentials = showcase::choose(std::mem::take(&mut self.credentials));
        let providers = std::mem::take(&mut self.providers);
        let service = Control { house: Arc::clone(&self.house), providers, credentials: credentials.clone() };
        self.open(control, "", CONTROL, Arc::new(service));
        let manifest = Manifest { regions: self.regions, credentials, faults };
        Ok(Sandbox { manifest, stop: self.stop, servers: self.servers })
    }
}

fn url(listener: &TcpListener) -> io::Result<String> {
    Ok(format!("http://{}", listener.local_addr()?))
}
