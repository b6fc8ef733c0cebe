//! Task protocol: what the screen asks of the engine, and what the engine reports back.
//!
//! Both are plain data, grouped by area. Every report carries the id of its task, so that a late
//! report can be recognized and dropped. Start with [`BackgroundTask`] and [`TaskEvent`];
//! `runner.rs` runs the tasks.

use std::sync::Arc;

use crate::domain::credential::CheckReport;
use crate::domain::problem::Problem;
use crate::domain::{CredentialId, Secret};

pub use crate::database::{
    CheckedSecret, EraseOutcome, HistoryEntry, HistoryFilter, HistoryRecord, PurgeReport,
    RegionCheckResult,
};
pub use crate::engine::clipboard::{
    ClearResult, ClipboardMethod, CopyResult, TerminalCopyConsent, TerminalCopyOffer,
};
pub use crate::engine::credential_changes::{CredentialEdit, CredentialPage, NewCredential};
pub use crate::engine::credentials::classify::ClassificationResult;
pub use crate::engine::credentials::import::{IdentifiedKind, ImportCandidate};
pub use crate::engine::credentials::tasks::{ClassifyPolicy, CredentialEvent, CredentialTask};
pub use crate::engine::doctor::{
    Diagnostic, DiagnosticArea, DiagnosticSeverity, DoctorInput, DoctorScope,
};
pub use crate::engine::prompt::{
    AlternativeAdministrator, AwaitedCallback, FailedRevocation, PromptChoice, PromptId,
    PromptMessage, PromptReply, RotationPrompt,
};
pub use crate::engine::requests::history::HistoryPolicy;
pub use crate::engine::requests::http_exchange::{
    CapturedSecret, DeliveryOptions, HttpExchange, RequestOptions, WaitNotice, WaitReason,
    WriteConsent,
};
pub use crate::engine::requests::tasks::{ConsoleEvent, ConsoleTask, SendTask};
pub use crate::engine::rotation::tasks::{RotationEvent, RotationTarget, RotationTask};
pub use crate::engine::rotation::{CreateRequest, RotationDirection};
pub use crate::engine::rotation_journals::RotationSummary;
pub use crate::engine::secrets::token_cache::TokenLifetime;
pub use crate::engine::sign_in::tasks::{SignInEvent, SignInPage, SignInSubject};
pub use crate::engine::sign_in::{NewSession, SignInResult};
pub use crate::store::{BackendInfo, StoreError, StoreStatus, UnlockMethod};

/// Identifies a running task; ids are never reused in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId(pub u64);

/// Task that the screen can start.
pub enum BackgroundTask {
    /// On the list of credentials.
    Credential(CredentialTask),
    /// Copy a text without secrets to the clipboard.
    CopyText(String),
    /// Copy a response body to the clipboard.
    CopyBody {
        /// The body.
        text: String,
        /// What the user can do where it cannot be copied, for example because it is too large.
        remedy: String,
    },
    /// Generate a passphrase for a new encrypted file.
    GeneratePassphrase,
    /// Check these credentials in their own regions.
    CheckCredentials(Vec<CredentialId>),
    /// Check a credential in all regions of its provider. Sends the secret to each host: ask the
    /// user first.
    CheckAllRegions(CredentialId),
    /// Explain the refusal in the latest check of a credential in this region. Sends nothing.
    ExplainRefusal(CredentialId, String),
    /// A request of the console.
    Send(SendTask),
    /// Console functions besides sending a request.
    Console(ConsoleTask),
    /// Report whether the store can be used.
    ReadStoreStatus,
    /// Unlock the store, by its own prompt or with this passphrase.
    UnlockStore(Option<Arc<Secret>>),
    /// Lock the store, and clear what this process still has of its secrets.
    LockStore,
    /// Rotating, revoking and creating credentials at their providers.
    Rotation(RotationTask),
    /// Sign in with the browser, and wait for the callback.
    SignIn(SignInSubject),
    /// Submit a pasted callback URL as the reply to the prompt of a sign-in.
    SubmitCallbackUrl(PromptId, PromptReply),
    /// Diagnose problems on this machine.
    Diagnose(DoctorInput),
    /// Find secrets in plain text, in the usual locations.
    Scan,
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
    /// Something was copied.
    Copied(CopyResult),
    /// Result of clearing the clipboard.
    ClipboardCleared(ClearResult),
    /// A generated passphrase, for the screen. It is wiped when the last holder drops it.
    PassphraseGenerated(Arc<Secret>),
    /// A check finished.
    Checked {
        /// The secret that was checked.
        checked: CheckedSecret,
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
