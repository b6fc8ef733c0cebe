//! Rotation, creation and revocation of credentials: the driver of the state machine in
//! [`crate::domain::rotation`].
//!
//! `start` computes what will happen, `driver` executes one step after the other, `reconcile` finds
//! out what became of a step without a response, `prompts` asks the user the machine's questions,
//! `sign_in` waits for the browser, `strategies` knows the providers' endpoints. Running, resuming
//! and rolling back are the same loop over the same journal; `start` only chooses where it begins,
//! and `due` selects what a run without a user rotates.
//!
//! One process at a time drives a rotation. An operating-system lock identifies that process and
//! disappears with it. Where no such locks exist, a lease in the index protects the rotation,
//! because an entry is rejected once the lease is lost. A process that gets the lock may claim
//! the lease at once: the previous holder has exited.

mod administrator;
mod create;
mod deliver;
mod driver;
mod due;
mod metadata;
mod probe;
mod prompts;
mod reconcile;
mod sign_in;
mod slots;
mod start;
mod strategies;
pub(super) mod tasks;

use std::sync::Arc;
use std::time::Duration;

use super::Clock;
use super::audit::AuditService;
use super::credentials::CredentialService;
use super::ports::{CoreServices, SharedPorts};
use super::prompt::UserPrompter;
use super::rotation_journals::RotationJournals;
use crate::domain::provider::ProviderCatalog;
use crate::domain::rotation::{ProgressLine, StepFailure};
use crate::engine::checks::CheckService;
use crate::engine::consumers::ConsumerService;
use crate::engine::credentials::classify::ClassificationService;
use crate::engine::fingerprints::FingerprintService;
use crate::engine::locks::CredentialLocks;
use crate::engine::ports::DatabaseHandle;
use crate::engine::requests::RequestService;
use crate::engine::secrets::bindings::BindingService;
use crate::engine::secrets::bound_secrets::SecretAccess;
use crate::engine::sign_in::SignInService;
use crate::engine::stores::StoreService;
use crate::net::Transport;
use crate::store::SecretStore;

pub use crate::database::RotationFilter;
pub use crate::domain::rotation::{
    RotationPhase, RotationPlan, RotationPurpose, RotationStatus, RotationStep, UserDecision,
    plan_lines,
};
pub use create::{CreateRequest, CreationPlan};
pub use due::{DueAction, DueRotation, administrator_advice};
pub use start::RotationDirection;

/// Result of one step.
type StepResult<T> = Result<T, StepFailure>;

/// Receiver of a rotation's questions and progress.
#[derive(Clone, Copy)]
pub struct RotationObserver<'a> {
    /// Answers the rotation's questions.
    pub prompter: &'a dyn UserPrompter,
    /// Called for every step as soon as its entry is durable.
    pub on_progress: &'a (dyn Fn(&ProgressLine) + Send + Sync),
}

/// The services that a rotation uses besides the core.
pub(in crate::engine) struct RotationCollaborators {
    pub(in crate::engine) requests: Arc<RequestService>,
    pub(in crate::engine) checks: Arc<CheckService>,
    pub(in crate::engine) credentials: Arc<CredentialService>,
    pub(in crate::engine) classification: Arc<ClassificationService>,
    pub(in crate::engine) consumers: Arc<ConsumerService>,
    pub(in crate::engine) sign_in: Arc<SignInService>,
}

/// Rotation, creation and revocation of credentials.
pub struct RotationService {
    catalog: Arc<ProviderCatalog>,
    database: DatabaseHandle,
    store: Arc<dyn SecretStore>,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    locks: Arc<CredentialLocks>,
    readonly: bool,
    sign_in_timeout: Duration,
    store_service: Arc<StoreService>,
    fingerprints: Arc<FingerprintService>,
    bindings: Arc<BindingService>,
    audit: Arc<AuditService>,
    secrets: Arc<SecretAccess>,
    journals: Arc<RotationJournals>,
    requests: Arc<RequestService>,
    checks: Arc<CheckService>,
    credentials: Arc<CredentialService>,
    classification: Arc<ClassificationService>,
    consumers: Arc<ConsumerService>,
    sign_in: Arc<SignInService>,
}

impl RotationService {
    /// Creates the service.
    pub(in crate::engine) fn new(
        ports: &SharedPorts,
        core: &CoreServices,
        services: RotationCollaborators,
    ) -> Self {
        let RotationCollaborators {
            requests,
            checks,
            credentials,
            classification,
            consumers,
            sign_in,
        } = services;
        Self {
            catalog: Arc::clone(&ports.catalog),
            database: ports.database.clone(),
            store: Arc::clone(&ports.store),
            transport: Arc::clone(&ports.transport),
            clock: Arc::clone(&ports.clock),
            locks: Arc::clone(&ports.locks),
            readonly: ports.options.readonly,
            sign_in_timeout: ports.options.sign_in_timeout,
            store_service: Arc::clone(&core.store_service),
            fingerprints: Arc::clone(&core.fingerprints),
            bindings: Arc::clone(&core.bindings),
            audit: Arc::clone(&core.audit),
            secrets: Arc::clone(&core.secrets),
            journals: Arc::clone(&core.journals),
            requests,
            checks,
            credentials,
            classification,
            consumers,
            sign_in,
        }
    }
}
