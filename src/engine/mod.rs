//! What the program does. The only place where things happen; both front doors use it.

pub mod message;
mod tasks;

use std::sync::Arc;
use std::time::Duration;

use message::{Consent, Copied, Edit, Exchange, NewCredential, StoreState};

use crate::domain::credential::Check;
use crate::domain::identify::Identified;
use crate::domain::problem::Problem;
use crate::domain::provider::Catalogue;
use crate::domain::request::Draft;
use crate::domain::{Credential, Moment, Secret};
use crate::index::Index;
use crate::net::Transport;
use crate::store::Store;

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
    pub catalogue: Catalogue,
    index: Arc<Index>,
    store: Arc<dyn Store>,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
}

impl Clock for SystemClock {
    fn now(&self) -> Moment {
        Moment::now_utc()
    }
}
