//! What the program does. The only place where things happen; both front doors use it.

pub mod ask;
mod check;
mod keyring;
pub mod message;
mod send;
mod tasks;

use std::sync::Arc;
use std::time::Duration;

use message::StoreState;

use crate::domain::Moment;
use crate::domain::problem::Problem;
use crate::domain::provider::Catalogue;
use crate::index::Index;
use crate::net::Transport;
use crate::store::{Store, Unlock};

pub use tasks::Tasks;

/// A source of time.
pub trait Clock: Send + Sync {
    /// Now, in UTC.
    fn now(&self) -> Moment;
}

/// The clock of this machine.
pub struct SystemClock;

/// Everything the program can do, over its four ports.
pub struct Engine {
    /// What is known about providers.
    pub catalogue: Arc<Catalogue>,
    index: Arc<Index>,
    store: Arc<dyn Store>,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
}

/// What an engine is made of.
pub struct Ports {
    /// What is known about providers.
    pub catalogue: Arc<Catalogue>,
    /// Where everything that is not secret rests.
    pub index: Arc<Index>,
    /// Where secrets rest.
    pub store: Arc<dyn Store>,
    /// How requests travel.
    pub transport: Arc<dyn Transport>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

impl Engine {
    /// An engine over these ports.
    pub fn new(ports: Ports) -> Self {
        let Ports { catalogue, index, store, transport, clock } = ports;
        Self { catalogue, index, store, transport, clock }
    }

    /// Now.
    pub fn now(&self) -> Moment {
        self.clock.now()
    }

    /// Which store is in use, and whether it can be used right now. Never raises a prompt.
    pub async fn store_state(&self) -> StoreState {
        StoreState { backend: self.store.backend(), problem: self.store.status().await.err() }
    }

    /// Makes a locked store usable; ends after `wait` at the latest.
    pub async fn unlock(&self, by: Unlock<'_>, wait: Duration) -> Result<(), Problem> {
        Ok(self.store.unlock(by, wait).await?)
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Moment {
        Moment::now_utc()
    }
}
