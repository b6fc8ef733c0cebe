//! What the screen asks of the engine, and what the engine reports back.
//!
//! Both are plain data, grouped by area. Every report carries the id of the task it answers, so that an answer that
//! comes too late can be recognised and dropped.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::credential::{CheckReport, SecretPart};
use crate::domain::identify::IdentificationCandidate;
use crate::domain::problem::Problem;
use crate::domain::refusal::RefusalDiagnosis;
use crate::domain::request::{RequestDraft, SavedRequest, SavedRequestName};
use crate::domain::response::ApiResponse;
use crate::domain::rotation::{ProgressLine, RotationPlan, RotationStatus};
use crate::domain::{Credential, CredentialId, CredentialName, Secret, Timestamp};

pub use super::classify::ClassificationResult;
pub use super::doctor::{Diagnostic, DiagnosticArea, DiagnosticSeverity, DoctorInput, DoctorScope};
pub use super::import::{IdentifiedKind, ImportCandidate};
pub use super::prompt::{
    AwaitedCallback, PromptChoice, PromptMessage, PromptReply, RotationPrompt,
};
pub use super::rotation::{CreateRequest, RotationDirection, RotationSummary};
pub use super::sign_in_flow::{NewSession, SignInResult};
pub use crate::index::{HistoryEntry, HistoryFilter, HistoryRecord, RegionCheckResult};
pub use crate::store::{BackendInfo, BackendKind, Persistence, StoreError, UnlockMethod};

/// Identifies one running task; ids are never used twice in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId(pub u64);

/// Identifies one question that a running task asks; ids are never used twice in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PromptId(pub u64);

/// What the screen may ask for.
pub enum BackgroundTask {
    /// About the list of credentials.
    Credential(CredentialTask),
    /// About a credential's secret.
    Secret(SecretTask),
    /// About verdicts.
    Check(CheckTask),
    /// A request of the console.
    Send(SendTask),
    /// What the console does beside sending a request.
    Console(ConsoleTask),
    /// About the store.
    Store(StoreTask),
    /// About replacing, revoking and making credentials at their providers.
    Rotation(RotationTask),
    /// About signing in with the browser.
    SignIn(SignInTask),
    /// About this machine.
    Diagnostic(DiagnosticTask),
}

/// About this machine.
pub enum DiagnosticTask {
    /// Look for what may stand in the way.
    Doctor(DoctorInput),
    /// Look for secrets in plain text, in the usual places.
    Scan,
}

/// About the list of credentials.
pub enum CredentialTask {
    /// Read all credentials from the index.
    Load,
    /// Say what a pasted secret may be.
    Identify(Arc<Secret>),
    /// Say what the private key in a file is for.
    IdentifyFile(String),
    /// Keep a new credential.
    Add(NewCredential, ClassifyPolicy),
    /// Change what is known about a credential.
    Edit(CredentialId, CredentialEdit),
    /// Forget a credential and its secret here; the provider is not asked.
    Remove(CredentialId),
    /// The last verdicts of a credential in each region.
    RegionChecks(CredentialId),
    /// The last verdicts of all credentials in all regions.
    AllChecks,
    /// Find what other programs have in plain text, and say how the store is.
    FindImportable,
    /// Keep what was found, under names that are free. The plain-text copies stay.
    Import(Vec<Arc<ImportCandidate>>),
}

/// Whether the provider is asked who a new credential is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClassifyPolicy {
    /// It is asked: a person or the secret itself named the region.
    AskProvider,
    /// Nobody named the region, so the secret is not shown to any host.
    StayOffline,
}

/// About signing in with the browser.
pub enum SignInTask {
    /// Sign in, and wait for the person.
    Start(SignInSubject),
    /// The address at which the browser ended: the answer to the question of another task.
    SubmitAddress(PromptId, PromptReply),
}

/// What is signed in to.
#[derive(Clone)]
pub enum SignInSubject {
    /// One that is not in the keyring yet.
    New(Box<NewSession>),
    /// One that is in the keyring, and may have ended.
    Existing(CredentialId),
}

/// About a credential's secret.
pub enum SecretTask {
    /// Lend the secret to the screen.
    Reveal(CredentialId),
    /// Put the secret on the clipboard, to be cleared again.
    Copy(CredentialId),
    /// Put a text without secrets on the clipboard.
    CopyText(String),
    /// Clear the clipboard if it still holds what was copied.
    ClearClipboard,
}

/// About verdicts.
pub enum CheckTask {
    /// Check these credentials in their own regions.
    Credentials(Vec<CredentialId>),
    /// Check a credential in all regions of its provider. The secret is shown to each host: ask first.
    AllRegions(CredentialId),
}

/// A request of the console.
pub struct SendTask {
    /// With which credential.
    pub credential: CredentialId,
    /// What.
    pub draft: RequestDraft,
    /// Whether a person agreed to a method that changes something.
    pub consent: WriteConsent,
    /// What of it goes into the history.
    pub history_policy: HistoryPolicy,
}

/// What the console does beside sending a request.
pub enum ConsoleTask {
    /// Read a list to its end; the answer has all its elements.
    AllPages(SendTask),
    /// Ask for the page after the one that this answer is.
    NextPage(Arc<HttpExchange>),
    /// Keep the fresh secret at this place of an answer as a credential of this name.
    StoreCaptured(Arc<HttpExchange>, usize, CredentialName),
    /// Find requests that were sent.
    ListHistory(HistoryFilter),
    /// Forget all requests that were sent.
    ClearHistory,
    /// Write the body of an answer to a new file.
    SaveBody(Arc<HttpExchange>, String),
    /// Take what is secret out of a text that is about to be written to a file for an editor.
    RedactText(CredentialId, String),
    /// About requests that are kept under a name.
    SavedRequests(SavedRequestTask),
}

/// About requests that are kept under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SavedRequestTask {
    /// List them.
    List,
    /// Keep one, without what is secret to this credential.
    Save(SavedRequestName, CredentialId, RequestDraft),
    /// Give one another name.
    Rename(SavedRequestName, SavedRequestName),
    /// Keep a copy of one under another name.
    Copy(SavedRequestName, SavedRequestName),
    /// Forget one.
    Delete(SavedRequestName),
}

/// Whether a person agreed to what cannot be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteConsent {
    /// Nobody was asked: only methods that read may go.
    NotAsked,
    /// A person was shown target, region and credential, and agreed.
    Given,
}

/// What of a request goes into the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HistoryPolicy {
    /// Everything but its body.
    #[default]
    WithoutBody,
    /// Its body too, secrets masked.
    WithBody,
}

/// A request that is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestOptions {
    /// What.
    pub draft: RequestDraft,
    /// Whether a person agreed to a method that changes something.
    pub consent: WriteConsent,
    /// What of it goes into the history.
    pub history_policy: HistoryPolicy,
}

/// About the store.
pub enum StoreTask {
    /// Whether it can be used.
    Status,
    /// Unlock it, by its own prompt or with this passphrase.
    Unlock(Option<Arc<Secret>>),
}

/// About replacing, revoking and making credentials at their providers.
pub enum RotationTask {
    /// Say what replacing a credential would do or, where that has begun already, what has become of it.
    Plan(RotationTarget),
    /// Carry a plan out.
    Run(Box<RotationPlan>),
    /// Take up the rotation with this id, which was left.
    Resume(String, RotationDirection),
    /// Say what has become of the rotation with this id.
    Review(String),
    /// List the rotations that are not over.
    ListUnfinished,
    /// Answer the question of another task.
    ReplyToPrompt(PromptId, PromptReply),
    /// Leave the question of another task open: that task stops where it is and can be taken up again.
    LeavePrompt(PromptId),
    /// Have a credential revoked for this reason, and see it refused.
    Revoke(RotationTarget, String),
    /// Have a credential made.
    Create(Box<CreateRequest>),
}

/// A credential, and who acts on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotationTarget {
    /// Which credential.
    pub credential: CredentialId,
    /// Another credential that acts; `None` where it acts on itself.
    pub administrator: Option<CredentialId>,
    /// Which part of its secret material is meant.
    pub part: SecretPart,
}

/// A credential to be kept.
pub struct NewCredential {
    /// Its name.
    pub name: CredentialName,
    /// The provider's id.
    pub provider: String,
    /// The kind's id.
    pub kind: String,
    /// The region's id.
    pub region: String,
    /// Further fields.
    pub fields: BTreeMap<String, String>,
    /// Labels.
    pub labels: Vec<String>,
    /// The secret, with everything around it already taken off.
    pub secret: Arc<Secret>,
    /// Further secret parts by their id.
    pub parts: BTreeMap<String, Arc<Secret>>,
    /// When it ends, where the secret or the person says so.
    pub expires: Option<Timestamp>,
}

/// A change to a credential; `None` leaves a thing as it is.
#[derive(Default)]
pub struct CredentialEdit {
    /// Another name.
    pub name: Option<CredentialName>,
    /// Another kind, whose secrets look the same.
    pub kind: Option<String>,
    /// Another region.
    pub region: Option<String>,
    /// Fields to set; an empty value removes the field.
    pub fields: BTreeMap<String, String>,
    /// The labels it has from now on.
    pub labels: Option<Vec<String>>,
    /// The day it ends; the inner `None` says that it does not end.
    pub expires: Option<Option<Timestamp>>,
    /// Another secret in place of the current one.
    pub secret: Option<Arc<Secret>>,
}

/// Something that a task has to say.
pub struct TaskReport {
    /// Which task.
    pub task: TaskId,
    /// What.
    pub event: TaskEvent,
}

/// What a task has to say. `Cleared`, `Failed` and `Canceled` end it.
pub enum TaskEvent {
    /// So much of it is done.
    Progress {
        /// Steps done.
        done: usize,
        /// Steps in all.
        total: usize,
    },
    /// News of the keyring.
    Credential(CredentialEvent),
    /// News of a secret.
    Secret(SecretEvent),
    /// A verdict, in the named region.
    Checked {
        /// On which credential.
        credential: CredentialId,
        /// In which region.
        region: String,
        /// The verdict.
        check: CheckReport,
    },
    /// An answer for the console.
    ResponseReceived(Box<HttpExchange>),
    /// Other news for the console.
    Console(ConsoleEvent),
    /// The state of the store.
    Store(StoreStatus),
    /// News of a rotation.
    Rotation(RotationEvent),
    /// What was found on this machine.
    Diagnosed(Vec<Diagnostic>),
    /// News of a sign-in.
    SignIn(SignInEvent),
    /// It ended well.
    Done,
    /// It ended badly.
    Failed(Problem),
    /// It was cancelled before it ended.
    Canceled,
}

/// The beginning of the list of credentials.
pub struct CredentialPage {
    /// The first of them, by name.
    pub credentials: Vec<Credential>,
    /// Whether there are no others.
    pub all_loaded: bool,
}

/// News of the keyring.
pub enum CredentialEvent {
    /// All credentials.
    Loaded(Vec<Credential>),
    /// One credential was added or changed.
    Changed(Box<Credential>),
    /// One credential is gone.
    Removed(CredentialId),
    /// What a pasted secret may be.
    Identified {
        /// The secret with everything around it taken off.
        secret: Arc<Secret>,
        /// What was taken off, in words.
        cleaned: Vec<String>,
        /// What it may be, best first.
        candidates: Vec<IdentificationCandidate>,
        /// Credentials that already hold this very secret.
        twins: Vec<CredentialName>,
    },
    /// The last verdicts of a credential in each region.
    RegionChecks(CredentialId, Vec<RegionCheckResult>),
    /// The last verdicts of all credentials in all regions.
    AllChecks(Vec<(CredentialId, RegionCheckResult)>),
    /// The access token that is at hand for a credential in its region; none where the next request gets one.
    AccessToken(CredentialId, Option<TokenLifetime>),
    /// What other programs have in plain text.
    ImportCandidates(Vec<Arc<ImportCandidate>>),
    /// Who the provider says that a new credential is; a problem where it could not be asked.
    Classified(CredentialName, Box<Result<ClassificationResult, Problem>>),
}

/// News of a sign-in.
pub enum SignInEvent {
    /// It waits for the person, who is to agree on a page.
    PageReady(Box<SignInPage>),
    /// What was pasted does not answer it; what is pasted next answers this question.
    PasteRejected(PromptId, Problem),
    /// The person answered. From here on it is not cancelled: what the provider gives must be kept.
    CallbackReceived,
    /// The person is signed in.
    Finished(Box<SignInResult>),
}

/// Where a person goes to sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInPage {
    /// The page on which they agree.
    pub page: url::Url,
    /// Where the browser comes back to.
    pub callback: url::Url,
    /// What a pasted address answers.
    pub prompt: PromptId,
    /// How long they may take.
    pub timeout: std::time::Duration,
}

/// From when to when an access token is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenLifetime {
    /// When it came; `None` where another process got it and did not say.
    pub since: Option<Timestamp>,
    /// When it is no longer used.
    pub until: Timestamp,
}

/// News for the console beside answers.
pub enum ConsoleEvent {
    /// So many pages and elements of a list have been read.
    PagesRead {
        /// Pages.
        pages: usize,
        /// Elements.
        items: usize,
    },
    /// It waits for so long until the provider takes requests again.
    RateLimited(Duration),
    /// The fresh secret at this place of the answer is this credential now.
    CapturedStored(usize, Box<Credential>),
    /// Requests that were sent, the newest first.
    History(Vec<HistoryRecord>),
    /// The body was written to this file.
    BodySaved(String),
    /// A text without what was secret in it.
    TextRedacted(String),
    /// The requests that are kept under a name; one that cannot be read is there with its reason.
    SavedRequests(Vec<(SavedRequestName, Result<SavedRequest, Problem>)>),
}

/// News of a rotation.
pub enum RotationEvent {
    /// What it would do.
    Planned(Box<RotationPlan>),
    /// What it does from now on, without having been asked before.
    Started(Box<RotationPlan>),
    /// What has become of it so far.
    Reviewed(Box<RotationSummary>),
    /// A step of it.
    Step(ProgressLine),
    /// It waits for a person.
    PromptOpened(PromptId, Box<RotationPrompt>),
    /// It is over, or nobody answered and it can be taken up again.
    Finished(RotationStatus),
    /// Those that are not over.
    UnfinishedListed(Vec<RotationStatus>),
}

/// News of a secret.
pub enum SecretEvent {
    /// The secret, lent to the screen. It is wiped when the last holder lets go.
    Revealed(CredentialId, Arc<Secret>),
    /// Something is on the clipboard.
    Copied(CopyResult),
    /// What became of the clipboard.
    Cleared(ClearResult),
}

/// How something came onto the clipboard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyResult {
    /// The way that was used.
    pub method: ClipboardMethod,
    /// Whether it was handed over for sure, or only sent in the hope that the terminal takes it.
    pub verified: bool,
    /// Seconds until it is cleared, if it can be.
    pub clear_after_seconds: Option<u64>,
}

/// The ways to the clipboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClipboardMethod {
    /// The desktop's own clipboard.
    Native,
    /// The paste buffer of tmux, handed on to the outer terminal.
    Tmux,
    /// The terminal escape sequence OSC 52.
    Osc52,
}

/// What became of the clipboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClearResult {
    /// It is empty now.
    Cleared,
    /// It holds something else by now, which was left alone.
    ContentReplaced,
    /// This way of copying cannot be cleared.
    Unsupported,
}

/// A request and its answer.
#[derive(Debug, Clone)]
pub struct HttpExchange {
    /// With which credential.
    pub credential: CredentialId,
    /// In which region.
    pub region: String,
    /// What was asked.
    pub draft: RequestDraft,
    /// What came back.
    pub response: ApiResponse,
    /// What the status means here, in words, where there is something to say.
    pub explanation: Option<Problem>,
    /// What is known of a refusal, cause by cause.
    pub refusal: Option<RefusalDiagnosis>,
    /// How many requests are left: `37 of 1,620 left, resets in 12 s`.
    pub rate_limit: Option<String>,
    /// Secrets that the provider has just made. The answer has placeholders in their stead.
    pub captured: Vec<CapturedSecret>,
}

/// A secret that came in an answer and was taken out of it.
#[derive(Clone)]
pub struct CapturedSecret {
    /// The member it came in.
    pub member: String,
    /// The secret.
    pub secret: Arc<Secret>,
    /// The credential as which it is kept already, under a name that nobody has chosen.
    pub stored: Option<Box<Credential>>,
}

impl std::fmt::Debug for CapturedSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Minted").field("member", &self.member).finish_non_exhaustive()
    }
}

/// The state of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreStatus {
    /// Which backend, and what it can do.
    pub backend: BackendInfo,
    /// Usable, or why not.
    pub problem: Option<StoreError>,
}
