//! Task protocol: what the screen asks of the engine, and what the engine reports back.
//!
//! Both are plain data, grouped by area. Every report carries the id of its task, so that a late
//! report can be recognized and dropped. Start with [`BackgroundTask`] and [`TaskEvent`];
//! `runner.rs` runs the tasks.

use crate::domain::CredentialId;
use crate::domain::credential::CheckReport;
use crate::domain::problem::Problem;

pub use crate::database::{
    CheckedSecret, EraseOutcome, HistoryEntry, HistoryFilter, HistoryRecord, PurgeReport,
    RegionCheckResult,
};
pub use crate::engine::clipboard::{
    ClearResult, ClipboardMethod, CopyResult, TerminalCopyConsent, TerminalCopyOffer,
};
pub use crate::engine::credentials::changes::{CredentialEdit, CredentialPage, NewCredential};
pub use crate::engine::credentials::classify::ClassificationResult;
pub use crate::engine::credentials::import::{IdentifiedKind, ImportCandidate};
pub use crate::engine::credentials::tasks::{ClassifyPolicy, CredentialEvent, CredentialTask};
pub use crate::engine::doctor::{
    Diagnostic, DiagnosticArea, DiagnosticSeverity, DoctorInput, DoctorScope,
};
pub use crate::engine::pending_prompts::PromptId;
pub use crate::engine::prompt::{
    AlternativeAdministrator, AwaitedCallback, FailedRevocation, PromptChoice, PromptMessage,
    PromptReply, RotationPrompt,
};
pub use crate::engine::requests::history::HistoryPolicy;
pub use crate::engine::requests::http_exchange::{
    CapturedSecret, DeliveryOptions, HttpExchange, RequestOptions, WaitNotice, WaitReason,
    WriteConsent,
};
pub use crate::engine::requests::tasks::{ConsoleEvent, ConsoleTask, SavedRequestTask, SendTask};
pub use crate::engine::requests::token_cache::TokenLifetime;
pub use crate::engine::rotation::tasks::{RotationEvent, RotationTarget, RotationTask};
pub use crate::engine::rotation::{CreateRequest, RotationDirection, RotationSummary};
pub use crate::engine::secrets::tasks::{SecretEvent, SecretTask};
pub use crate::engine::sign_in::tasks::{SignInEvent, SignInPage, SignInSubject, SignInTask};
pub use crate::engine::sign_in::{NewSession, SignInResult};
pub use crate::engine::stores::tasks::StoreTask;
pub use crate::store::{BackendInfo, StoreError, StoreStatus, UnlockMethod};

/// Identifies a running task; ids are never reused in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId(pub u64);

/// Task that the screen can start.
pub enum BackgroundTask {
    /// On the list of credentials.
    Credential(CredentialTask),
    /// On the secret of a credential.
    Secret(SecretTask),
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
    /// On the store.
    Store(StoreTask),
    /// Rotating, revoking and creating credentials at their providers.
    Rotation(RotationTask),
    /// Sign-in with the browser.
    SignIn(SignInTask),
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
    /// About a secret or the clipboard.
    Secret(SecretEvent),
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
