//! Construction of an [`Engine`], on the user's own files and keyring or entirely in memory.
//!
//! Also loads the provider catalog and adds private regions to it. Start with [`open_engine`].

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::credentials::CredentialService;
use super::doctor::DoctorService;
use super::exec::ExecService;
use super::ports::{CoreServices, SharedPorts, random_bytes};
use super::rotation::{RotationCollaborators, RotationService};
use super::scan::ScanService;
use super::{Engine, EngineDependencies, EngineOptions, SystemClock};
use crate::config::{self, AppPaths, SavedRequestStore, Settings};
use crate::database::Database;
use crate::domain::problem::ProblemClass;
use crate::domain::provider::{ProviderCatalog, ProviderSource, user_overrides};
use crate::domain::region::Region;
use crate::domain::{Problem, Secret, StoreKind, passphrase};
use crate::engine::checks::CheckService;
use crate::engine::clipboard::service::ClipboardService;
use crate::engine::consumers::ConsumerService;
use crate::engine::credentials::captured_secrets::CapturedSecretService;
use crate::engine::credentials::classify::ClassificationService;
use crate::engine::credentials::import::ImportService;
use crate::engine::requests::RequestService;
use crate::engine::secrets::bound_secrets::DisclosureService;
use crate::engine::sign_in::SignInService;
use crate::engine::stores::backup::BackupService;
use crate::engine::stores::migrate::MigrationService;
use crate::net::HttpClient;
use crate::store::{self, MemoryStore, StoreLocation, StoreStatus};

impl Engine {
    /// Creates an engine over these ports. Opens nothing and sends nothing yet.
    pub fn new(ports: EngineDependencies, options: EngineOptions) -> Self {
        let ports = &SharedPorts::new(ports, options);
        let core = &CoreServices::new(ports);
        let credentials = Arc::new(CredentialService::new(ports, core));
        let requests = Arc::new(RequestService::new(ports, core));
        let checks = Arc::new(CheckService::new(ports, core, Arc::clone(&requests)));
        let classification = Arc::new(ClassificationService::new(
            ports,
            core,
            Arc::clone(&credentials),
            Arc::clone(&requests),
            Arc::clone(&checks),
        ));
        let consumers = Arc::new(ConsumerService::new(ports, core));
        let sign_in = Arc::new(SignInService::new(
            ports,
            core,
            Arc::clone(&requests),
            Arc::clone(&credentials),
            Arc::clone(&classification),
        ));
        let collaborators = RotationCollaborators {
            requests: Arc::clone(&requests),
            checks: Arc::clone(&checks),
            credentials: Arc::clone(&credentials),
            classification: Arc::clone(&classification),
            consumers: Arc::clone(&consumers),
            sign_in: Arc::clone(&sign_in),
        };
        Self {
            catalog: Arc::clone(&ports.catalog),
            clock: Arc::clone(&ports.clock),
            store: Arc::clone(&core.store_service),
            migration: Arc::new(MigrationService::new(ports, core)),
            backup: Arc::new(BackupService::new(ports, core)),
            bindings: Arc::clone(&core.bindings),
            captured_secrets: Arc::new(CapturedSecretService::new(
                ports,
                core,
                Arc::clone(&credentials),
            )),
            imports: Arc::new(ImportService::new(ports, core, Arc::clone(&credentials))),
            disclosure: Arc::new(DisclosureService::new(core)),
            clipboard: Arc::new(ClipboardService::new(ports)),
            exec: Arc::new(ExecService::new(ports, core, Arc::clone(&requests))),
            rotation: Arc::new(RotationService::new(ports, core, collaborators)),
            journals: Arc::clone(&core.journals),
            scan: Arc::new(ScanService::new(ports, core, Arc::clone(&consumers))),
            doctor: Arc::new(DoctorService::new(ports, core, Arc::clone(&credentials))),
            audit: Arc::clone(&core.audit),
            saved_requests: ports.options.saved_requests.clone(),
            credentials,
            classification,
            requests,
            checks,
            consumers,
            sign_in,
        }
    }
}

/// Builds an engine over the user's own database and store. Does not open the store or build an
/// HTTP client yet.
pub fn open_engine(paths: &AppPaths, settings: &Settings) -> Result<Engine, Problem> {
    let ports = EngineDependencies {
        catalog: Arc::new(load_catalog(paths)?),
        database: Arc::new(Database::open(&paths.database())?),
        store: store::open_store(store_in_use(settings), store_location(paths, settings)),
        transport: Arc::new(HttpClient::default()),
        clock: Arc::new(SystemClock),
    };
    let (requests, locks) = (SavedRequestStore::new(paths), Some(paths.state.join("locks")));
    Ok(Engine::new(
        ports,
        EngineOptions {
            saved_requests: requests,
            lock_folder: locks,
            ..EngineOptions::from(settings)
        },
    ))
}

/// Builds an engine that saves nothing: secrets and database live in the memory of this process.
pub fn in_memory_engine(
    catalogue: ProviderCatalog,
    settings: &Settings,
) -> Result<Engine, Problem> {
    let ports = EngineDependencies {
        catalog: Arc::new(catalogue),
        database: Arc::new(Database::in_memory()?),
        store: Arc::new(MemoryStore::new()),
        transport: Arc::new(HttpClient::default()),
        clock: Arc::new(SystemClock),
    };
    Ok(Engine::new(ports, EngineOptions::from(settings)))
}

/// Loads the built-in providers and the user's own.
pub fn load_catalog(paths: &AppPaths) -> Result<ProviderCatalog, Problem> {
    catalog_from_files(config::read_provider_files(paths)?)
}

/// Adds a private region to the user's file of the provider that owns the regions, and returns the
/// path of that file. The whole catalog must load with the new text before it is written, because a
/// broken file would lock the user out.
pub fn add_region(paths: &AppPaths, provider: &str, region: &Region) -> Result<PathBuf, Problem> {
    let mut files = config::read_provider_files(paths)?;
    let owner = load_catalog(paths)?.region_owner(provider)?.id.clone();
    let path = paths.providers().join(format!("{owner}.toml"));
    let place = files.iter().position(|(known, _)| *known == path);
    let before = place.map(|place| files[place].1.as_str());
    let after = user_overrides::toml_with_region(before, &owner, region).map_err(|error| {
        let what = format!("The region cannot be written to {}", path.display());
        Problem::new(what, error.to_string(), "fix the file in an editor, or move it away")
            .with_class(ProblemClass::Usage)
    })?;
    match place {
        Some(place) => files[place].1.clone_from(&after),
        None => files.push((path.clone(), after.clone())),
    }
    catalog_from_files(files)?;
    config::write_private(&path, &after)?;
    Ok(path)
}

/// Returns the available stores that are not in use, and whether each could be used.
pub async fn other_stores(paths: &AppPaths, settings: &Settings) -> Vec<StoreStatus> {
    store::probe_stores(store_location(paths, settings), store_in_use(settings)).await
}

/// Reads the passphrase from a file that only its owner may read.
pub fn passphrase_from_file(path: &Path) -> Result<Secret, Problem> {
    Ok(store::passphrase::from_file(path)?)
}

/// Generates a passphrase of six random words.
pub fn generate_passphrase() -> Result<Secret, Problem> {
    Ok(passphrase::from_random_words(&random_bytes()?))
}

/// Rejects a new passphrase that is too easy to guess.
pub fn check_new_passphrase(new: &Secret) -> Result<(), Problem> {
    Ok(store::passphrase::check_strength(new)?)
}

/// Returns where the stores of this user are.
pub fn store_location<'a>(paths: &'a AppPaths, settings: &'a Settings) -> StoreLocation<'a> {
    StoreLocation {
        data: &paths.data,
        keyring_collection: settings.keyring_collection.as_deref().filter(|name| !name.is_empty()),
    }
}

/// Returns the configured store; the default is the keyring of the system.
pub fn store_in_use(settings: &Settings) -> StoreKind {
    settings.store.unwrap_or_default()
}

fn catalog_from_files(files: Vec<(PathBuf, String)>) -> Result<ProviderCatalog, Problem> {
    let sources: Vec<_> = files
        .into_iter()
        .map(|(path, text)| ProviderSource { name: path.display().to_string(), text })
        .collect();
    Ok(ProviderCatalog::load(&sources)?)
}
