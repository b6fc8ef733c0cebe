//! Task protocol: what the screen asks of the engine, and what the engine reports back.
//!
//! Both are plain data, grouped by area. Every report carries the id of its task, so that a late
//! report can be recognized and dropped. Start with [`BackgroundTask`] and [`TaskEvent`];
//! `task_runner` runs the tasks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::credential::{CheckReport, SecretPart};
use crate::domain::identify::IdentificationCandidate;
use crate::domain::problem::Problem;
use crate::domain::provider::spec::RotationStrategyId;
use crate::domain::refusal::RefusalDiagnosis;
use crate::domain::request::{RequestDraft, SavedRequest, SavedRequestName};
use crate::domain::response::ApiResponse;
use crate::domain::rotation::{ProgressLine, RotationPlan, RotationStatus};
use crate::domain::{Credential, CredentialId, CredentialName, Origin, Secret, Timestamp};

pub use super::classify::ClassificationResult;
pub use super::doctor::{Diagnostic, DiagnosticArea, DiagnosticSeverity, DoctorInput, DoctorScope};
pub use super::import::{IdentifiedKind, ImportCandidate};
pub use super::prompt::{
    AlternativeAdministrator, AwaitedCallback, FailedRevocation, PromptChoice, PromptMessage,
    PromptReply, RotationPrompt,
};
pub use super::rotation::{CreateRequest, RotationDirection, RotationSummary};
pub use super::sign_in_flow::{NewSession, SignInResult};
pub use crate::index::{
    EraseOutcome, HistoryEntry, HistoryFilter, HistoryRecord, PurgeReport, RegionCheckResult,
};
pub use crate::store::{BackendInfo, Persistence, StoreError, StoreStatus, UnlockMethod};

/// Identifies a running task; ids are never reused in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId(pub u64);

/// Identifies a prompt of a running task; ids are never reused in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PromptId(pub u64);

/// Task that the screen can start.
pub enum BackgroundTask {
    /// On the list of credentials.
    Credential(CredentialTask),
    /// On the secret of a credential.
    Secret(SecretTask),
    /// Checks.
    Check(CheckTask),
    /// A request of the console.
    Send(SendTask),
    /// Console functions besides sending a request.
    Console(ConsoleTask),
    /// On the store.
    Store(StoreTask),
    /// Rotating, revoking and creating credentials at their providers.
    Rotation(RotationTask),
    /// Sign-in with the browser.
    SignIn(SignInTask),
    /// Diagnostics of this machine.
    Diagnostic(DiagnosticTask),
}

/// Diagnostics of this machine.
pub enum DiagnosticTask {
    /// Diagnose problems on this machine.
    Doctor(DoctorInput),
    /// Find secrets in plain text, in the usual locations.
    Scan,
}

/// Task on the list of credentials.
pub enum CredentialTask {
    /// Load all credentials from the index.
    Load,
    /// Identify a pasted secret.
    Identify(Arc<Secret>),
    /// Identify the private key in a file.
    IdentifyFile(String),
    /// Add a credential.
    Add(NewCredential, ClassifyPolicy),
    /// Edit a credential.
    Edit(CredentialId, CredentialEdit),
    /// Delete a credential and its secret from tokenring; the provider is not contacted.
    Remove(CredentialId),
    /// Load the latest check results of a credential in each region.
    RegionChecks(CredentialId),
    /// Load the latest check results of all credentials in all regions.
    AllChecks,
    /// Find plain-text credentials of other programs, and report the state of the store.
    FindImportable,
    /// Import candidates under unused names. The plain-text copies stay.
    Import(Vec<Arc<ImportCandidate>>),
}

/// Whether the provider is asked about a new credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClassifyPolicy {
    /// Ask the provider: the user or the secret itself named the region.
    AskProvider,
    /// Do not ask: the region is a guess, so the secret is not sent to any host.
    StayOffline,
}

/// Task that signs in with the browser.
pub enum SignInTask {
    /// Sign in, and wait for the callback.
    Start(SignInSubject),
    /// Submit the callback URL as the reply to the prompt of another task.
    SubmitAddress(PromptId, PromptReply),
}

/// Session to sign in to.
#[derive(Clone)]
pub enum SignInSubject {
    /// A session that does not exist yet.
    New(Box<NewSession>),
    /// An existing session, which may have expired.
    Existing(CredentialId),
}

/// Task on the secret of a credential.
pub enum SecretTask {
    /// Reveal the secret on the screen.
    Reveal(CredentialId),
    /// Copy the secret to the clipboard, which is cleared afterwards.
    Copy(CredentialId),
    /// Copy a text without secrets to the clipboard.
    CopyText(String),
    /// Clear the clipboard if it still holds the copied secret.
    ClearClipboard,
}

/// Task that checks credentials.
pub enum CheckTask {
    /// Check these credentials in their own regions.
    Credentials(Vec<CredentialId>),
    /// Check a credential in all regions of its provider. Sends the secret to each host: ask the
    /// user first.
    AllRegions(CredentialId),
}

/// Request of the console.
pub struct SendTask {
    /// The credential to send it with.
    pub credential: CredentialId,
    /// The request.
    pub draft: RequestDraft,
    /// Whether the user agreed to a method that changes something.
    pub consent: WriteConsent,
    /// What the history records.
    pub history_policy: HistoryPolicy,
}

/// Console task besides sending a request.
pub enum ConsoleTask {
    /// Read all pages of a list; the response has all its elements.
    AllPages(SendTask),
    /// Request the page after this response.
    NextPage(Arc<HttpExchange>),
    /// Store the captured secret at this index of a response as a credential of this name.
    StoreCaptured(Arc<HttpExchange>, usize, CredentialName),
    /// Find sent requests.
    ListHistory(HistoryFilter),
    /// Delete the history.
    ClearHistory,
    /// Write the body of a response to a new file.
    SaveBody(Arc<HttpExchange>, String),
    /// Redact a text that is about to be written to a file for an editor.
    RedactText(CredentialId, String),
    /// On saved requests.
    SavedRequests(SavedRequestTask),
}

/// Task on saved requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SavedRequestTask {
    /// List the saved requests.
    List,
    /// Save a request, without the secrets of this credential.
    Save(SavedRequestName, CredentialId, RequestDraft),
    /// Rename a saved request.
    Rename(SavedRequestName, SavedRequestName),
    /// Copy a saved request under another name.
    Copy(SavedRequestName, SavedRequestName),
    /// Delete a saved request.
    Delete(SavedRequestName),
}

/// Whether the user agreed to a request that changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteConsent {
    /// The user was not asked: only read-only methods may be sent.
    NotAsked,
    /// The user saw target, region and credential, and agreed.
    Given,
}

/// What the history records of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HistoryPolicy {
    /// Everything but the body.
    #[default]
    WithoutBody,
    /// The body too, with secrets masked.
    WithBody,
}

/// Request to send, with its options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestOptions {
    /// The request.
    pub draft: RequestDraft,
    /// Whether the user agreed to a method that changes something.
    pub consent: WriteConsent,
    /// What the history records.
    pub history_policy: HistoryPolicy,
}

/// Task on the store.
pub enum StoreTask {
    /// Report whether the store can be used.
    Status,
    /// Unlock the store, by its own prompt or with this passphrase.
    Unlock(Option<Arc<Secret>>),
    /// Lock the store, and clear what this process still has of its secrets.
    Lock,
}

/// Task that rotates, revokes or creates credentials at their providers.
pub enum RotationTask {
    /// Plan the rotation of a credential, or review the unfinished one.
    Plan(RotationTarget),
    /// Run a plan.
    Run(Box<RotationPlan>),
    /// Resume the paused rotation with this id.
    Resume(String, RotationDirection),
    /// Review the rotation with this id.
    Review(String),
    /// Close the rotations that have ended but were left open, and list the unfinished ones.
    ListUnfinished,
    /// List the unfinished rotations of other credentials that this credential authorizes.
    ListAdministered(CredentialId),
    /// Reply to the prompt of another task.
    ReplyToPrompt(PromptId, PromptReply),
    /// Abandon the prompt of another task: that task pauses and can be resumed.
    LeavePrompt(PromptId),
    /// Revoke a credential with the strategy that the user confirmed, and verify that it is
    /// rejected.
    Revoke(RotationTarget, RotationStrategyId),
    /// Create a credential.
    Create(Box<CreateRequest>),
}

/// Credential to rotate or revoke, and the credential that authorizes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotationTarget {
    /// The credential.
    pub credential: CredentialId,
    /// Another credential that authorizes the calls; `None` if the credential authorizes them
    /// itself.
    pub administrator: Option<CredentialId>,
    /// The part of its secret.
    pub part: SecretPart,
}

/// Credential to add.
pub struct NewCredential {
    /// Its name.
    pub name: CredentialName,
    /// Id of the provider.
    pub provider: String,
    /// Id of the kind.
    pub kind: String,
    /// Id of the region.
    pub region: String,
    /// Further fields.
    pub fields: BTreeMap<String, String>,
    /// Labels.
    pub labels: Vec<String>,
    /// The secret, without surrounding characters.
    pub secret: Arc<Secret>,
    /// Further secret parts by their id.
    pub parts: BTreeMap<String, Arc<Secret>>,
    /// When it expires, if the secret or the user says so.
    pub expires: Option<Timestamp>,
}

/// Change to a credential; `None` leaves a value as it is.
#[derive(Clone, Default)]
pub struct CredentialEdit {
    /// The new name.
    pub name: Option<CredentialName>,
    /// The new kind, whose secrets look the same.
    pub kind: Option<String>,
    /// The new region.
    pub region: Option<String>,
    /// Fields to set; an empty value removes the field.
    pub fields: BTreeMap<String, String>,
    /// The new labels.
    pub labels: Option<Vec<String>>,
    /// The new expiry; the inner `None` means that it does not expire.
    pub expires: Option<Option<Timestamp>>,
    /// The new secret.
    pub secret: Option<Arc<Secret>>,
    /// Hosts that the credential's secret may be sent to, although its region had others before.
    pub accepted_hosts: Vec<Origin>,
    /// Fingerprint of the secret that the store has, although another one was stored last.
    pub accepted_fingerprint: Option<String>,
}

/// Report of a task.
pub struct TaskReport {
    /// The task.
    pub task: TaskId,
    /// What happened.
    pub event: TaskEvent,
}

/// Event of a task. `Done`, `Failed` and `Canceled` end the task.
pub enum TaskEvent {
    /// Progress of the task.
    Progress {
        /// Steps done.
        done: usize,
        /// Steps in total.
        total: usize,
    },
    /// About the credentials.
    Credential(CredentialEvent),
    /// About a secret or the clipboard.
    Secret(SecretEvent),
    /// A check finished.
    Checked {
        /// The credential.
        credential: CredentialId,
        /// The region.
        region: String,
        /// The check result.
        check: CheckReport,
    },
    /// A response for the console.
    ResponseReceived(Box<HttpExchange>),
    /// Other events of the console.
    Console(ConsoleEvent),
    /// The state of the store.
    Store(StoreStatus),
    /// About a rotation.
    Rotation(RotationEvent),
    /// Findings on this machine.
    Diagnosed(Vec<Diagnostic>),
    /// About a sign-in.
    SignIn(SignInEvent),
    /// The task succeeded.
    Done,
    /// The task failed.
    Failed(Problem),
    /// The task was canceled before it finished.
    Canceled,
}

/// First credentials of the list.
pub struct CredentialPage {
    /// The first credentials, by name.
    pub credentials: Vec<Credential>,
    /// Whether these are all credentials.
    pub all_loaded: bool,
}

/// Event on the credentials.
pub enum CredentialEvent {
    /// All credentials.
    Loaded(Vec<Credential>),
    /// A credential was added or changed.
    Changed(Box<Credential>),
    /// A credential was removed.
    Removed(CredentialId),
    /// A pasted secret was identified.
    Identified {
        /// The secret without surrounding characters.
        secret: Arc<Secret>,
        /// What was removed around it, in words.
        cleaned: Vec<String>,
        /// What it may be, best first.
        candidates: Vec<IdentificationCandidate>,
        /// Credentials that already hold this secret.
        twins: Vec<CredentialName>,
    },
    /// The latest check results of a credential in each region.
    RegionChecks(CredentialId, Vec<RegionCheckResult>),
    /// The latest check results of all credentials in all regions.
    AllChecks(Vec<(CredentialId, RegionCheckResult)>),
    /// The access token cached for a credential in its region; `None` if the next request fetches
    /// one.
    AccessToken(CredentialId, Option<TokenLifetime>),
    /// Plain-text credentials of other programs.
    ImportCandidates(Vec<Arc<ImportCandidate>>),
    /// What the provider reports about a new credential; a problem if it could not be asked.
    Classified(CredentialName, Box<Result<ClassificationResult, Problem>>),
}

/// Event of a sign-in.
pub enum SignInEvent {
    /// The sign-in waits until the user approves it on a page.
    PageReady(Box<SignInPage>),
    /// The pasted URL does not belong to this sign-in; the next one replies to this prompt.
    PasteRejected(PromptId, Problem),
    /// The callback arrived. From here on the task is not canceled: the tokens must be stored.
    CallbackReceived,
    /// The user is signed in.
    Finished(Box<SignInResult>),
}

/// Authorization page of a sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInPage {
    /// The page that the user opens.
    pub page: url::Url,
    /// The callback URL.
    pub callback: url::Url,
    /// The prompt that a pasted URL replies to.
    pub prompt: PromptId,
    /// How long the user may take.
    pub timeout: std::time::Duration,
}

/// Period in which an access token is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenLifetime {
    /// When it was received; `None` if another process received it and did not record the time.
    pub since: Option<Timestamp>,
    /// When it is no longer used.
    pub until: Timestamp,
}

/// Event of the console besides responses.
pub enum ConsoleEvent {
    /// Progress of reading a list.
    PagesRead {
        /// Pages read so far.
        pages: usize,
        /// Elements read so far.
        items: usize,
    },
    /// The request waits this long for the rate limit.
    RateLimited(Duration),
    /// The captured secret at this index of the response is stored as this credential.
    CapturedStored(usize, Box<Credential>),
    /// Sent requests, newest first.
    History(Vec<HistoryRecord>),
    /// The body was written to this file.
    BodySaved(String),
    /// A text without its secrets.
    TextRedacted(String),
    /// The saved requests; a request that cannot be read is listed with its problem.
    SavedRequests(Vec<(SavedRequestName, Result<SavedRequest, Problem>)>),
}

/// Event of a rotation.
pub enum RotationEvent {
    /// The plan.
    Planned(Box<RotationPlan>),
    /// The plan that runs now; it was not shown before.
    Started(Box<RotationPlan>),
    /// The state so far.
    Reviewed(Box<RotationSummary>),
    /// Progress of a step.
    Step(ProgressLine),
    /// The rotation waits for the user.
    PromptOpened(PromptId, Box<RotationPrompt>),
    /// The rotation finished, or it paused without a reply and can be resumed.
    Finished(RotationStatus),
    /// The unfinished rotations.
    UnfinishedListed(Vec<RotationStatus>),
    /// This rotation had ended but was left open; it is closed now.
    EndedClosed(RotationStatus),
    /// The unfinished rotations of other credentials that this credential authorizes.
    AdministeredListed(CredentialId, Vec<RotationStatus>),
}

/// Event on a secret or the clipboard.
pub enum SecretEvent {
    /// The secret, for the screen. It is wiped when the last holder drops it.
    Revealed(CredentialId, Arc<Secret>),
    /// Something was copied.
    Copied(CopyResult),
    /// Result of clearing the clipboard.
    Cleared(ClearResult),
}

/// Result of copying to the clipboard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyResult {
    /// The method that worked.
    pub method: ClipboardMethod,
    /// Whether the copy is confirmed; a terminal does not confirm it.
    pub verified: bool,
    /// Seconds until the clipboard is cleared or overwritten; `None` for a text without secrets.
    pub clear_after_seconds: Option<u64>,
}

/// Method of copying to the clipboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClipboardMethod {
    /// The desktop clipboard.
    Native,
    /// The paste buffer of tmux, which passes the text to the outer terminal.
    Tmux,
    /// The terminal escape sequence OSC 52.
    Osc52,
}

/// Result of clearing the clipboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClearResult {
    /// The clipboard is empty now.
    Cleared,
    /// The terminal was asked to overwrite its clipboard with a blank, which it does not confirm.
    Overwritten,
    /// The clipboard holds something else by now, which was left alone.
    ContentReplaced,
    /// This copy method cannot be cleared.
    Unsupported,
}

/// Request and its response.
#[derive(Debug, Clone)]
pub struct HttpExchange {
    /// The credential that it was sent with.
    pub credential: CredentialId,
    /// The region.
    pub region: String,
    /// The request.
    pub draft: RequestDraft,
    /// The response.
    pub response: ApiResponse,
    /// What the status means here, if there is something to explain.
    pub explanation: Option<Problem>,
    /// Possible causes of a refusal.
    pub refusal: Option<RefusalDiagnosis>,
    /// How many requests are left: `37 of 1,620 left, resets in 12 s`.
    pub rate_limit: Option<String>,
    /// Secrets that the provider has just created. The response has placeholders in their place.
    pub captured: Vec<CapturedSecret>,
}

/// Secret that was taken out of a response.
#[derive(Clone)]
pub struct CapturedSecret {
    /// The JSON member that held it.
    pub member: String,
    /// The secret.
    pub secret: Arc<Secret>,
    /// The credential as which it is already stored, under an automatic name.
    pub stored: Option<Box<Credential>>,
}

impl std::fmt::Debug for CapturedSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CapturedSecret").field("member", &self.member).finish_non_exhaustive()
    }
}
