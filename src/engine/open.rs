//! Putting an engine together: on the person's own files and keyring, or entirely in memory.

use std::path::Path;
use std::sync::Arc;

use super::message::StoreState;
use super::{Engine, Options, Ports, SystemClock};
use crate::config::{self, Paths, Settings};
use crate::domain::provider::{Catalogue, Source};
use crate::domain::{Problem, Secret};
use crate::index::Index;
use crate::net::Client;
use crate::store::{self, BackendKind, FileStore, Keyring, Memory, Store};

/// An engine over the person's own index and store. The store is not touched yet, and no HTTP client is built.
pub fn open(paths: &Paths, settings: &Settings) -> Result<Engine, Problem> {
    let ports = Ports {
        catalogue: Arc::new(catalogue(paths)?),
        index: Arc::new(Index::open(&paths.index())?),
        store: store_of(settings.store, paths),
        transport: Arc::new(Client::default()),
        clock: Arc::new(SystemClock),
    };
    let options = Options { locks: Some(paths.state.join("locks")), ..Options::from(settings) };
    Ok(Engine::new(ports, options))
}

/// An engine that keeps nothing: secrets and index live in this process's memory.
pub fn in_memory(catalogue: Catalogue, settings: &Settings) -> Result<Engine, Problem> {
    let ports = Ports {
        catalogue: Arc::new(catalogue),
        index: Arc::new(Index::in_memory()?),
        store: Arc::new(Memory::new()),
        transport: Arc::new(Client::default()),
        clock: Arc::new(SystemClock),
    };
    Ok(Engine::new(ports, Options::from(settings)))
}

/// The providers that come with the program, and the person's own.
pub fn catalogue(paths: &Paths) -> Result<Catalogue, Problem> {
    let files = config::providers(paths)?;
    let sources: Vec<_> = files.into_iter().map(|(path, text)| Source { name: path.display().to_string(), text }).collect();
    Ok(Catalogue::load(&sources)?)
}

/// The stores that are there but not in use, and whether they could be used.
pub async fn other_stores(paths: &Paths, settings: &Settings) -> Vec<StoreState> {
    let mut states = Vec::new();
    for kind in [BackendKind::Keyring, BackendKind::File].into_iter().filter(|kind| *kind != settings.store) {
        let store = store_of(kind, paths);
        states.push(StoreState { backend: store.backend(), problem: store.status().await.err() });
    }
    states
}

/// The passphrase in a file that only its owner may read.
pub fn passphrase_from_file(path: &Path) -> Result<Secret, Problem> {
    Ok(store::passphrase::from_file(path)?)
}

fn store_of(kind: BackendKind, paths: &Paths) -> Arc<dyn Store> {
    match kind {
        BackendKind::Keyring => Arc::new(Keyring::new()),
        BackendKind::File => Arc::new(FileStore::new(paths.vault())),
        BackendKind::Memory => Arc::new(Memory::new()),
    }
}
