//! Consumers: delivery of a credential's secret to the files and commands that use it, and
//! verification of those deliveries.
//!
//! A delivery changes one value in a file, or runs a command with the secret on its standard input.
//! It never creates a file and never overwrites content that it does not understand. The definition
//! of a consumer is in [`crate::domain::consumer`]. Start at
//! [`ConsumerService::deliver_current`].

mod command;
mod endpoint;
pub(super) mod env_file;
pub(super) mod error;
pub(super) mod file;
pub(super) mod json_file;
mod occupied;
mod probely_cli;
pub(super) mod snyk_cli;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use zeroize::Zeroizing;

use super::Clock;
use super::audit::{AuditEvent, AuditService};
use super::ports::{CoreServices, SharedPorts};
use crate::database::{Database, DatabaseError};
use crate::domain::consumer::{Consumer, ConsumerTarget, DeliveryRecord};
use crate::domain::credential::SecretPart;
use crate::domain::problem::{Problem, ProblemClass};
use crate::domain::provider::{CredentialKind, ProviderCatalog};
use crate::domain::redact::patterns;
use crate::domain::{CredentialId, CredentialName, Secret};
use crate::engine::fingerprints::FingerprintService;
use crate::engine::ports::{DatabaseHandle, task_panicked};
use crate::engine::secrets::bindings::BindingService;
use crate::engine::secrets::bound_secrets::SecretAccess;
use endpoint::EndpointCheck;
pub use endpoint::EndpointMismatch;
use error::ConsumerError;
use file::LockedFile;
use json_file::{JsonDocument, JsonEditError};

/// Environment variable of the tokens that the Snyk CLI's configuration can hold.
const SNYK_TOKEN_VARIABLE: &str = "SNYK_TOKEN";

/// Environment variable of the key that the Probely CLI's configuration can hold.
const PROBELY_KEY_VARIABLE: &str = "PROBELY_API_KEY";

/// A successful delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeliveryReport {
    /// Name of the consumer.
    pub consumer: CredentialName,
    /// How the delivery was verified.
    pub proof: DeliveryProof,
    /// Description of what was done.
    pub detail: String,
    /// Further information for the user.
    pub note: Option<String>,
}

/// What a delivery may change beside the secret. Each is asked for, because it cannot be undone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ConsumerDeliveryOptions {
    /// Whether the secret may replace a reference or a placeholder.
    pub overwrite: bool,
    /// Whether the endpoint beside the secret is set to the secret's region.
    pub set_endpoint: bool,
}

/// How a delivery can be verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryProof {
    /// The written secret can be read back.
    ReadBack,
    /// The exit status of a program shows that it accepted the secret; nothing can be read back.
    ExitStatus,
}

/// Consumers of secrets, and deliveries to them.
pub struct ConsumerService {
    catalog: Arc<ProviderCatalog>,
    database: DatabaseHandle,
    clock: Arc<dyn Clock>,
    consumer_timeout: Duration,
    fingerprints: Arc<FingerprintService>,
    bindings: Arc<BindingService>,
    audit: Arc<AuditService>,
    secrets: Arc<SecretAccess>,
}

impl ConsumerService {
    /// Creates the service.
    pub(in crate::engine) fn new(ports: &SharedPorts, core: &CoreServices) -> Self {
        Self {
            catalog: Arc::clone(&ports.catalog),
            database: ports.database.clone(),
            clock: Arc::clone(&ports.clock),
            consumer_timeout: ports.options.consumer_timeout,
            fingerprints: Arc::clone(&core.fingerprints),
            bindings: Arc::clone(&core.bindings),
            audit: Arc::clone(&core.audit),
            secrets: Arc::clone(&core.secrets),
        }
    }

    /// Returns the consumers of a credential, by name.
    pub async fn list(&self, id: &CredentialId) -> Result<Vec<Consumer>, Problem> {
        let id = id.clone();
        self.database.run(move |index| index.consumers(&id)).await
    }

    /// Returns the consumers that have an older secret than their credential, by credential and
    /// name.
    pub async fn list_outdated(&self) -> Result<Vec<Consumer>, Problem> {
        self.database.run(Database::outdated_consumers).await
    }

    /// Delivers the secret of a credential to the consumers that have an older one. Tries them all;
    /// the problem is that of the first that failed.
    pub async fn deliver_outdated(&self, id: &CredentialId) -> Result<(), Problem> {
        let due = self.list_outdated().await?;
        let mut result = Ok(());
        for consumer in due.iter().filter(|consumer| consumer.credential == *id) {
            let delivered =
                self.deliver_current(consumer, ConsumerDeliveryOptions::default()).await;
            result = result.and(delivered.map(drop));
        }
        result
    }

    /// Returns the consumer of a credential with this name.
    pub async fn find(&self, id: &CredentialId, name: &str) -> Result<Consumer, Problem> {
        let (id, name) = (id.clone(), name.to_owned());
        self.database
            .run(move |index| {
                let mut all = index.consumers(&id)?;
                let found = all.iter().position(|consumer| consumer.name.as_str() == name);
                let known = all.iter().map(|consumer| consumer.name.to_string()).collect();
                found
                    .map(|place| all.swap_remove(place))
                    .ok_or(DatabaseError::UnknownConsumer { name, known })
            })
            .await
    }

    /// Stores a consumer and returns it as stored: with the file that a symbolic link at its path
    /// leads to now. Delivers nothing yet.
    pub async fn add(&self, mut consumer: Consumer) -> Result<Consumer, Problem> {
        let credential = self.database.credential_by_id(&consumer.credential).await?;
        let kind = self.catalog.kind(&credential.provider, &credential.kind)?;
        check_part(kind, &consumer.part)?;
        let own = consumer.part == SecretPart::Secret;
        let fits = match consumer.target {
            ConsumerTarget::SnykCli { .. } => own && kind.secret_variable() == SNYK_TOKEN_VARIABLE,
            ConsumerTarget::ProbelyCli { .. } => {
                own && kind.secret_variable() == PROBELY_KEY_VARIABLE
            }
            _ => true,
        };
        if !fits {
            let what = if own { kind.secret.as_str() } else { consumer.part.as_str() };
            let why = format!("this configuration cannot hold the {what} of a {}", kind.title);
            return Err(invalid_consumer(&why, "use a command consumer, or `tokenring exec`"));
        }
        check_definition(&consumer.target)?;
        if !matches!(consumer.target, ConsumerTarget::Command(_)) {
            let path = consumer.target.path().to_owned();
            consumer.linked_to = run_blocking(move || file::link_destination(&path)).await?;
        }
        let added = consumer.clone();
        self.database.run(move |index| index.add_consumer(&added)).await?;
        self.bindings.bind_new_consumer(&consumer).await?;
        Ok(consumer)
    }

    /// Deletes a consumer. A secret that was delivered to it stays there.
    pub async fn remove(&self, id: &CredentialId, name: &str) -> Result<(), Problem> {
        let (id, name) = (id.clone(), name.to_owned());
        self.database.run(move |index| index.remove_consumer(&id, &name)).await
    }

    /// Describes what a delivery will do, or why it is not possible now. Writes nothing and starts
    /// no program.
    pub async fn preview_delivery(&self, consumer: &Consumer) -> Result<String, Problem> {
        let checked = consumer.clone();
        let checked = run_blocking(move || check_target(&checked)).await?;
        checked.map_err(|error| error.problem(delivery_failed_title(consumer)))?;
        Ok(consumer.target.describe())
    }

    /// Delivers the current secret, or the part that the consumer is for, and verifies the
    /// delivery.
    pub async fn deliver_current(
        &self,
        consumer: &Consumer,
        options: ConsumerDeliveryOptions,
    ) -> Result<DeliveryReport, Problem> {
        let credential = self.database.credential_by_id(&consumer.credential).await?;
        let secret = self.secrets.load_secret(&credential, &consumer.part).await?;
        let delivery = self.deliver_with(consumer, &secret, options).await?;
        if self.verify_delivery(consumer, &secret).await? {
            return Ok(delivery);
        }
        let why = "the secret read back differs from the delivered one";
        Err(Problem::new(
            format!("{} does not have the secret", consumer.name),
            why,
            "check which other program writes to the file",
        ))
    }

    /// Delivers the secret to the consumer and records the secret's fingerprint in the index. The
    /// audit log gets an entry before the delivery and one with its outcome.
    pub async fn deliver(
        &self,
        consumer: &Consumer,
        secret: &Secret,
    ) -> Result<DeliveryReport, Problem> {
        self.deliver_with(consumer, secret, ConsumerDeliveryOptions::default()).await
    }

    async fn deliver_with(
        &self,
        consumer: &Consumer,
        secret: &Secret,
        options: ConsumerDeliveryOptions,
    ) -> Result<DeliveryReport, Problem> {
        let name = self.database.credential_by_id(&consumer.credential).await?.name;
        let part = if consumer.part == SecretPart::Secret {
            String::new()
        } else {
            format!(", part {}", consumer.part.as_str())
        };
        let to = format!("to {} ({}{part})", consumer.name, consumer.target.kind());
        self.audit
            .record(
                AuditEvent::new("deliver", "begun").for_credential(name.as_str()).with_reason(&to),
            )
            .await?;
        let result = self.write_to_consumer(consumer, secret, options).await;
        let (outcome, suffix) = match &result {
            Ok(_) => ("done", String::new()),
            Err(problem) => ("failed", format!("; {}", problem.why)),
        };
        self.audit
            .record(
                AuditEvent::new("deliver", outcome)
                    .for_credential(name.as_str())
                    .with_reason(to + &suffix),
            )
            .await?;
        result
    }

    async fn write_to_consumer(
        &self,
        consumer: &Consumer,
        secret: &Secret,
        options: ConsumerDeliveryOptions,
    ) -> Result<DeliveryReport, Problem> {
        self.bindings.verify_consumer(consumer).await?;
        let fingerprint = self.fingerprints.fingerprint(secret).await?;
        let refused = |error: ConsumerError| error.problem(delivery_failed_title(consumer));
        let delivery = match &consumer.target {
            ConsumerTarget::Command(command) => DeliveryReport {
                consumer: consumer.name.clone(),
                proof: DeliveryProof::ExitStatus,
                detail: command::run(command, secret, self.consumer_timeout)
                    .await
                    .map_err(refused)?,
                note: Some(
                    "only the exit status confirms the delivery; the secret cannot be read back"
                        .to_owned(),
                ),
            },
            file => {
                let (receiver, text) = (consumer.clone(), secret_as_text(secret).map_err(refused)?);
                let credential = self.database.credential_by_id(&consumer.credential).await?;
                let check = EndpointCheck::new(&self.catalog, &credential, secret);
                let write = move || write_secret(&receiver, &text, &check, options);
                let note = run_blocking(write).await?.map_err(refused)?;
                DeliveryReport {
                    consumer: consumer.name.clone(),
                    proof: DeliveryProof::ReadBack,
                    detail: file.describe(),
                    note,
                }
            }
        };
        self.record_delivery(consumer, fingerprint).await?;
        Ok(delivery)
    }

    /// Returns whether the consumer has exactly this secret. Files are read. A command cannot be
    /// read back, so the result is whether its last run with exit status 0 got this secret.
    pub async fn verify_delivery(
        &self,
        consumer: &Consumer,
        secret: &Secret,
    ) -> Result<bool, Problem> {
        if let ConsumerTarget::Command(_) = consumer.target {
            let fingerprint = self.fingerprints.fingerprint(secret).await?;
            let last = self.find(&consumer.credential, consumer.name.as_str()).await?.last_delivery;
            return Ok(last.is_some_and(|last| last.fingerprint == fingerprint));
        }
        let receiver = consumer.clone();
        let what = || format!("{} could not be read back", consumer.name);
        let stored = run_blocking(move || read_delivered_secret(&receiver))
            .await?
            .map_err(|error| error.problem(what()))?;
        Ok(stored.is_some_and(|stored| Secret::new(stored.as_bytes().to_vec()).same_as(secret)))
    }

    async fn record_delivery(
        &self,
        consumer: &Consumer,
        fingerprint: String,
    ) -> Result<(), Problem> {
        let (id, name) = (consumer.credential.clone(), consumer.name.clone());
        let delivered = DeliveryRecord { fingerprint, at: self.clock.now() };
        self.database
            .run(move |index: &Database| index.record_delivery(&id, &name, &delivered))
            .await
    }
}

/// Returns the possible paths of the Snyk CLI's configuration, the usual one first.
pub fn snyk_cli_locations() -> Vec<PathBuf> {
    snyk_cli::locations()
}

/// Returns the possible paths of the Probely CLI's configuration.
pub fn probely_cli_locations() -> Vec<PathBuf> {
    probely_cli::location().into_iter().collect()
}

fn delivery_failed_title(consumer: &Consumer) -> String {
    format!("{} did not get the secret", consumer.name)
}

/// Checks that the kind has the part; another part would never be delivered.
fn check_part(kind: &CredentialKind, part: &SecretPart) -> Result<(), Problem> {
    let SecretPart::Named(id) = part else { return Ok(()) };
    if kind.part(id).is_some() {
        return Ok(());
    }
    let known: Vec<&str> = kind.parts.iter().map(|part| part.id.as_str()).collect();
    let remedy = if known.is_empty() {
        "omit --part".to_owned()
    } else {
        format!("use --part {}", known.join(" or "))
    };
    Err(invalid_consumer(&format!("a {} has no part \"{id}\"", kind.title), &remedy))
}

fn invalid_consumer(why: &str, remedy: &str) -> Problem {
    Problem::new("Invalid consumer", why, remedy).with_class(ProblemClass::Usage)
}

/// Checks everything in a definition that does not need a file.
fn check_definition(target: &ConsumerTarget) -> Result<(), Problem> {
    match target {
        ConsumerTarget::EnvFile { key, .. } if !env_file::is_valid_key(key) => {
            Err(invalid_consumer(
                "the key contains characters other than letters, digits, _ . -",
                "give a key such as SNYK_TOKEN",
            ))
        }
        ConsumerTarget::JsonFile { pointer, .. } if !pointer.starts_with('/') => {
            Err(invalid_consumer(
                "the pointer does not begin with \"/\"",
                "give a JSON pointer such as /auth/token",
            ))
        }
        ConsumerTarget::Command(command)
            if command.pipelines.is_empty()
                || command.pipelines.iter().flatten().any(Vec::is_empty) =>
        {
            Err(invalid_consumer("the command is empty", "give a program and its arguments"))
        }
        ConsumerTarget::Command(command)
            if command
                .arguments()
                .any(|argument| patterns::mask_patterns(argument) != *argument) =>
        {
            Err(invalid_consumer(
                "an argument looks like a secret, and every user of this machine can read arguments",
                "remove it: the program gets the secret on standard input",
            ))
        }
        ConsumerTarget::Command(command)
            if command.passed_env_vars.iter().any(|name| name.starts_with("TOKENRING_")) =>
        {
            Err(invalid_consumer(
                "the command asks for TOKENRING_ variables",
                "remove the TOKENRING_ variables",
            ))
        }
        _ => Ok(()),
    }
}

fn check_target(consumer: &Consumer) -> Result<(), ConsumerError> {
    if let ConsumerTarget::Command(command) = &consumer.target {
        return command::check_programs(command);
    }
    let file = open_consumer_file(consumer)?;
    file.check_replaceable()?;
    occupied::refuse_repeated(&consumer.target, &file)?;
    occupied::refuse_reference(&consumer.target, &file)?;
    // Any text works: the check is only whether the location exists.
    text_with_secret(&consumer.target, &file, "x").map(drop)
}

/// Opens the consumer's file. A symbolic link is followed only to where it led when the consumer was
/// added: a link that was put there later could send the secret anywhere.
fn open_consumer_file(consumer: &Consumer) -> Result<LockedFile, ConsumerError> {
    let path = consumer.target.path();
    match file::link_destination(path) {
        None => LockedFile::open_unlinked(path),
        Some(found) if consumer.linked_to.as_ref() == Some(&found) => {
            LockedFile::open_unlinked(&found)
        }
        Some(found) => {
            Err(ConsumerError::UnexpectedLink { path: path.to_owned(), destination: found })
        }
    }
}

fn write_secret(
    consumer: &Consumer,
    secret: &str,
    check: &EndpointCheck,
    options: ConsumerDeliveryOptions,
) -> Result<Option<String>, ConsumerError> {
    let target = &consumer.target;
    let path = target.path();
    let _lock = if let ConsumerTarget::SnykCli { .. } = target {
        Some(snyk_cli::lock_config(path)?)
    } else {
        None
    };
    let file = open_consumer_file(consumer)?;
    occupied::refuse_repeated(target, &file)?;
    if !options.overwrite {
        occupied::refuse_reference(target, &file)?;
    }
    let mut text = text_with_secret(target, &file, secret)?;
    let mut notes: Vec<String> = delivery_note(target, &file).into_iter().collect();
    if let Some(mismatch) = check.find_mismatch(target, &file)? {
        if options.set_endpoint {
            text = mismatch.apply(target, &text)?;
            notes.push(format!("{} is now {}", mismatch.location, mismatch.api));
        } else {
            notes.push(format!("{}; --set-endpoint changes it", mismatch.describe()));
        }
    }
    file.replace(&text)?;
    Ok((!notes.is_empty()).then(|| notes.join("; ")))
}

/// Clears the value if it still is this secret; compared and changed under one lock. Another value
/// under the same name stays.
pub(super) fn clear_secret(target: &ConsumerTarget, secret: &Secret) -> Result<(), ConsumerError> {
    let path = target.path();
    let _lock = if let ConsumerTarget::SnykCli { .. } = target {
        Some(snyk_cli::lock_config(path)?)
    } else {
        None
    };
    let file = LockedFile::open(path)?;
    let text = occupied::text_without(target, &file, &secret_as_text(secret)?)?;
    if *text == file.text() {
        return Err(ConsumerError::ChangedConcurrently(path.to_owned()));
    }
    file.replace(&text)
}

fn read_delivered_secret(consumer: &Consumer) -> Result<Option<Zeroizing<String>>, ConsumerError> {
    secret_in_file(&consumer.target, &open_consumer_file(consumer)?)
}

pub(super) fn read_secret(
    target: &ConsumerTarget,
) -> Result<Option<Zeroizing<String>>, ConsumerError> {
    if let ConsumerTarget::Command(_) = target {
        return Ok(None);
    }
    secret_in_file(target, &LockedFile::open(target.path())?)
}

fn secret_in_file(
    target: &ConsumerTarget,
    file: &LockedFile,
) -> Result<Option<Zeroizing<String>>, ConsumerError> {
    let refused = |error| json_edit_problem(file, error);
    match target {
        ConsumerTarget::EnvFile { key, .. } => {
            let stored = env_file::get(file.text(), key)
                .map_err(|error| invalid_format(file, Some(error.line), error.why))?;
            Ok(stored.map(|value| Zeroizing::new(value.to_owned())))
        }
        ConsumerTarget::JsonFile { pointer, .. } => {
            JsonDocument::parse(file.text()).and_then(|json| json.get(pointer)).map_err(refused)
        }
        ConsumerTarget::SnykCli { .. } => snyk_cli::get(file.text()).map_err(refused),
        ConsumerTarget::ProbelyCli { .. } => {
            Ok(probely_cli::get(file.text()).map(|key| Zeroizing::new(key.to_owned())))
        }
        ConsumerTarget::Command(_) => Ok(None),
    }
}

/// Returns the file's text with the secret in its location.
fn text_with_secret(
    target: &ConsumerTarget,
    file: &LockedFile,
    secret: &str,
) -> Result<Zeroizing<String>, ConsumerError> {
    let refused = |error| json_edit_problem(file, error);
    match target {
        ConsumerTarget::EnvFile { key, .. } => env_file::set(file.text(), key, secret)
            .map_err(|error| invalid_format(file, Some(error.line), error.why))?
            .ok_or(ConsumerError::UnrepresentableSecret("a quote or a line break")),
        ConsumerTarget::JsonFile { pointer, .. } => JsonDocument::parse(file.text())
            .and_then(|json| json.set(pointer, secret))
            .map_err(refused),
        ConsumerTarget::SnykCli { .. } => snyk_cli::set(file.text(), secret).map_err(refused),
        ConsumerTarget::ProbelyCli { .. } => {
            probely_cli::set(file.text(), secret).ok_or_else(|| ConsumerError::LocationNotFound {
                path: file.path().to_owned(),
                why: probely_cli::MISSING_KEY_REASON.to_owned(),
            })
        }
        ConsumerTarget::Command(_) => Err(ConsumerError::NotAFile(file.path().to_owned())),
    }
}

/// Returns what the user should know about the file that now holds the secret.
fn delivery_note(target: &ConsumerTarget, file: &LockedFile) -> Option<String> {
    if matches!(target, ConsumerTarget::SnykCli { .. }) && snyk_cli::uses_oauth_session(file.text())
    {
        return Some(
            "the Snyk CLI is signed in with OAuth and uses that session until `snyk logout`"
                .to_owned(),
        );
    }
    let mode = file.exposed_mode()?;
    Some(format!("other users can read {} (mode {mode})", file.path().display()))
}

pub(super) fn json_edit_problem(file: &LockedFile, error: JsonEditError) -> ConsumerError {
    match error {
        JsonEditError::Malformed(line, why) => invalid_format(file, Some(line), why),
        JsonEditError::LocationNotFound(why) => {
            ConsumerError::LocationNotFound { path: file.path().to_owned(), why }
        }
    }
}

pub(super) fn invalid_format(
    file: &LockedFile,
    line: Option<usize>,
    why: &'static str,
) -> ConsumerError {
    ConsumerError::InvalidFormat { path: file.path().to_owned(), line, why }
}

fn secret_as_text(secret: &Secret) -> Result<Zeroizing<String>, ConsumerError> {
    let text = secret.expose(|bytes| std::str::from_utf8(bytes).map(str::to_owned));
    text.map(Zeroizing::new)
        .map_err(|_| ConsumerError::UnrepresentableSecret("bytes that are not text"))
}

/// Runs file operations, which block, outside the drawing task.
pub(super) async fn run_blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(|_| task_panicked())
}
