//! Handling of task reports.
//!
//! A late report about a view that has changed is dropped; a fact about stored credentials is
//! always recorded. Rotation and sign-in reports are handled in their own modules. Start at the
//! `match` over [`TaskEvent`].

use std::sync::Arc;

use super::{App, Now, PresentationMode, UiEffect};
use crate::domain::problem::Problem;
use crate::domain::provider::CredentialKind;
use crate::domain::response::CheckResult;
use crate::domain::{CredentialId, CredentialName};
use crate::engine::background::protocol::{
    BackgroundTask, ClassificationResult, ClearResult, ClipboardMethod, CopyResult,
    CredentialEvent, HttpExchange, RegionCheckResult, SecretEvent, StoreTask, TaskEvent, TaskId,
    TaskReport, TerminalCopyOffer,
};
use crate::tui::app::console::parameter_memory::{
    ExtractedParameters, ExtractionJob, MAX_INLINE_EXTRACTION_BYTES,
};
use crate::tui::app::console::response_view::ResponseView;
use crate::tui::app::dialogs::{CheckMatrixDialog, TextPromptDialog, TextPromptKind};
use crate::tui::app::overview::activity::{NotificationLevel, TaskState};

impl App {
    pub(super) fn handle_task_event(&mut self, report: TaskReport, now: Now) -> Vec<UiEffect> {
        let TaskReport { task, event } = report;
        match event {
            event @ (TaskEvent::Diagnosed(_)
            | TaskEvent::Secret(SecretEvent::PassphraseGenerated(_))) => {
                return self.deliver_to_dialog(task, event, now);
            }
            TaskEvent::Progress { done, total } => self.activity.set_progress(task, done, total),
            TaskEvent::Credential(event) => return self.handle_keyring_event(task, event, now),
            TaskEvent::Secret(event) => self.handle_secret_event(task, event, now),
            TaskEvent::Checked { credential, region, check } => {
                self.regions.record_check(&credential, &region, &check);
                if let Some(matrix) = self.dialogs.find_mut::<CheckMatrixDialog>(|_| true) {
                    matrix.record_check(
                        &credential,
                        RegionCheckResult { region: region.clone(), check: check.clone() },
                    );
                }
                if self.credentials.get(&credential).is_some_and(|known| known.region == region) {
                    self.credentials.record_check(&credential, check, now.wall);
                }
            }
            TaskEvent::ResponseReceived(exchange) => {
                for stored in
                    exchange.captured.iter().filter_map(|captured| captured.stored.as_deref())
                {
                    self.credentials.upsert(stored.clone(), now.wall);
                }
                if self.console.waits_for(task) {
                    return self.handle_response(*exchange, now);
                }
            }
            TaskEvent::Console(event) => return self.handle_console_event(task, event, now),
            TaskEvent::Store(state) => self.activity.store = Some(state),
            TaskEvent::Rotation(event) => return self.handle_rotation_event(task, event, now),
            TaskEvent::SignIn(event) => return self.handle_sign_in_event(task, event, now),
            TaskEvent::Done => return self.handle_task_done(task, now),
            TaskEvent::Failed(problem) => return self.handle_task_failed(task, problem, now),
            TaskEvent::Canceled => return self.handle_task_canceled(task, now),
        }
        Vec::new()
    }

    fn handle_response(&mut self, exchange: HttpExchange, now: Now) -> Vec<UiEffect> {
        self.offer_resend(&exchange);
        let exchange = Arc::new(exchange);
        let job = self.extract_parameters(&exchange);
        let later = self.activity.allocate_task_id();
        let large = self.console.handle_response(exchange, now, later);
        if self.dialogs.is_empty()
            && let Some((at, captured)) =
                self.console.response().and_then(ResponseView::unsaved_secret)
        {
            let prompt = TextPromptKind::for_secret(at, captured);
            self.dialogs.push(TextPromptDialog::new(prompt));
        }
        large.map(|large| UiEffect::RunLayout(later, large)).into_iter().chain(job).collect()
    }

    /// Offers to resend a request that may change something, if it was refused only because its
    /// access token may have expired.
    fn offer_resend(&mut self, exchange: &HttpExchange) {
        let Some(credential) = self.credentials.get(&exchange.credential) else { return };
        let kind = self.catalog.kind(&credential.provider, &credential.kind);
        let left = |kind: &CredentialKind| {
            kind.authorization.needs_manual_retry(exchange.draft.method, exchange.response.status)
        };
        if kind.is_ok_and(left) {
            self.open_resend_confirmation(exchange);
        }
    }

    /// Extracts the values that a response lists for placeholders. A large response is searched in
    /// the background.
    fn extract_parameters(&mut self, exchange: &Arc<HttpExchange>) -> Option<UiEffect> {
        self.console.parameters.clear_current_lists();
        let provider = self.credentials.get(&exchange.credential)?.provider.clone();
        let job = ExtractionJob {
            exchange: Arc::clone(exchange),
            catalog: Arc::clone(&self.catalog),
            provider,
        };
        if job.body_bytes() > MAX_INLINE_EXTRACTION_BYTES {
            self.console.pending_extraction = Some(Arc::clone(exchange));
            return Some(UiEffect::ExtractParameters(job));
        }
        self.console.parameters.merge(&exchange.credential, job.run());
        None
    }

    /// Stores the extracted values, unless another response is shown by now.
    pub(super) fn handle_extracted_parameters(
        &mut self,
        exchange: &Arc<HttpExchange>,
        extracted: ExtractedParameters,
    ) {
        if self.console.response().is_some_and(|response| Arc::ptr_eq(&response.exchange, exchange))
        {
            self.console.pending_extraction = None;
            self.console.parameters.merge(&exchange.credential, extracted);
            self.console.move_to_first_element();
        }
    }

    fn handle_keyring_event(
        &mut self,
        task: TaskId,
        event: CredentialEvent,
        now: Now,
    ) -> Vec<UiEffect> {
        let mut effects = Vec::new();
        match event {
            CredentialEvent::Loaded(all) => self.credentials.load(all, now.wall),
            CredentialEvent::Changed(credential) => {
                let id = credential.id.clone();
                let is_new = self.credentials.get(&id).is_none();
                let before = self.credentials.get(&id);
                self.regions.follow_credential(before, &credential, now.instant);
                self.credentials.upsert(*credential, now.wall);
                if is_new {
                    self.credentials.select_id(Some(&id));
                    self.notify_if_filtered_out(&id, now);
                }
                // The awaited result has arrived; further reports of the task concern no dialog.
                effects = self.deliver_to_dialogs(task, || TaskEvent::Done, now);
            }
            CredentialEvent::AccessToken(id, life) => {
                if self.selected().is_some_and(|selected| selected.id == id) {
                    self.detail.set_access_token(life);
                }
            }
            CredentialEvent::ImportCandidates(candidates) => self.open_welcome(&candidates),
            CredentialEvent::Classified(name, classified) => {
                self.handle_classification(&name, *classified, now);
            }
            CredentialEvent::Removed(id) => {
                let name = self.display_name_by_id(&id);
                self.credentials.remove(&id, now.wall);
                self.open_rotations.remove(&id);
                let text = format!("{name} was deleted from tokenring and its secret wiped");
                self.activity.notify(NotificationLevel::Success, text, now.instant);
            }
            CredentialEvent::NotCreated(id) => {
                self.credentials.remove(&id, now.wall);
                self.open_rotations.remove(&id);
                let text = "Nothing was created";
                self.activity.notify(NotificationLevel::Warning, text, now.instant);
            }
            CredentialEvent::RefusalExplained(explained) => {
                self.open_recorded_refusal(explained.as_ref(), now);
            }
            CredentialEvent::RegionChecks(_, checks) => self.regions.set_checks(task, checks),
            CredentialEvent::AllChecks(checks) => {
                if let Some(matrix) = self.dialogs.find_mut::<CheckMatrixDialog>(|_| true) {
                    matrix.load_checks(checks);
                }
            }
            identified @ CredentialEvent::Identified { .. } => {
                effects = self.deliver_to_dialog(task, TaskEvent::Credential(identified), now);
            }
        }
        self.update_duplicates();
        effects
    }

    /// Warns that the filter hides a new credential, which would otherwise seem to be missing.
    fn notify_if_filtered_out(&mut self, id: &CredentialId, now: Now) {
        if self.selected().is_none_or(|selected| selected.id != *id) {
            let text =
                format!("{} was added, but the filter hides it", self.display_name_by_id(id));
            self.activity.notify(NotificationLevel::Warning, text, now.instant);
        }
    }

    /// Reports the identity of a new credential, or why it is unknown.
    fn handle_classification(
        &mut self,
        name: &CredentialName,
        classified: Result<ClassificationResult, Problem>,
        now: Now,
    ) {
        let (level, text) = match &classified {
            Ok(result) if result.check.result == CheckResult::Accepted => {
                (NotificationLevel::Success, result.summary_lines().join("; "))
            }
            Ok(result) => (NotificationLevel::Warning, result.summary_lines().join("; ")),
            Err(problem) => {
                (NotificationLevel::Warning, format!("stored, but not verified: {}", problem.what))
            }
        };
        if let Ok(result) = classified {
            let ClassificationResult { credential, check } = result;
            self.regions.record_check(&credential.id, &credential.region, &check);
            self.credentials.upsert(credential, now.wall);
        }
        let name = if self.ui_state.presentation == PresentationMode::On {
            "New credential"
        } else {
            name.as_str()
        };
        self.activity.notify(level, format!("{name}: {text}"), now.instant);
    }

    fn handle_secret_event(&mut self, task: TaskId, event: SecretEvent, now: Now) {
        match event {
            SecretEvent::Revealed(id, secret) => {
                self.detail.reveal_secret(
                    task,
                    id,
                    secret,
                    now.instant + self.preferences.reveal_duration,
                );
            }
            SecretEvent::Copied(copied) => {
                if copied.clear_after_seconds.is_some() {
                    self.activity.set_task_state(task, TaskState::CleaningUp);
                }
                let level = if copied.verified {
                    NotificationLevel::Success
                } else {
                    NotificationLevel::Warning
                };
                self.activity.notify(level, describe_copy_result(&copied), now.instant);
            }
            SecretEvent::TerminalCopyOffered(id, offer) => {
                self.handle_terminal_copy_offer(task, id, offer, now);
            }
            // Delivered to the dialog that asked for it.
            SecretEvent::PassphraseGenerated(_) => {}
            SecretEvent::Cleared(ClearResult::Cleared) => {
                self.activity.notify(NotificationLevel::Success, "Clipboard cleared", now.instant);
            }
            SecretEvent::Cleared(ClearResult::Overwritten) => {
                self.activity.notify(
                    NotificationLevel::Success,
                    "Clipboard overwritten; the terminal does not confirm",
                    now.instant,
                );
            }
            SecretEvent::Cleared(ClearResult::ContentReplaced) => {
                self.activity.notify(
                    NotificationLevel::Info,
                    "Clipboard not cleared: its content has changed",
                    now.instant,
                );
            }
            SecretEvent::Cleared(ClearResult::Unsupported) => {
                self.activity.notify(
                    NotificationLevel::Warning,
                    "tokenring cannot clear this clipboard; overwrite it yourself",
                    now.instant,
                );
            }
        }
    }

    /// Asks whether to copy through the terminal, unless the user is busy with another dialog or has
    /// started to present by now.
    fn handle_terminal_copy_offer(
        &mut self,
        task: TaskId,
        id: CredentialId,
        offer: TerminalCopyOffer,
        now: Now,
    ) {
        if let Some(entry) = self.activity.entry_mut(task) {
            entry.remark = Some("not copied yet");
        }
        if self.dialogs.is_empty() && self.ui_state.presentation == PresentationMode::Off {
            return self.open_copy_confirmation(id, offer);
        }
        self.activity.notify(
            NotificationLevel::Warning,
            "Not copied: only the terminal can copy the secret; copy it again to decide",
            now.instant,
        );
    }

    /// Records that a listed task succeeded. The task may have opened a store that was unavailable
    /// before.
    fn handle_task_done(&mut self, task: TaskId, now: Now) -> Vec<UiEffect> {
        let Some(entry) = self.activity.entry_mut(task) else { return Vec::new() };
        entry.state = TaskState::Done(now.instant.saturating_duration_since(entry.started));
        self.finish_edit(task, now);
        self.reopen_after_unlock(task, now);
        let mut effects = self.deliver_to_dialogs(task, || TaskEvent::Done, now);
        if self.activity.store.as_ref().is_some_and(|store| store.problem.is_some()) {
            effects.push(self.start_hidden_task(BackgroundTask::Store(StoreTask::Status)).1);
        }
        effects
    }

    /// Shows a failure where it is waited for; reads the state of a store that failed.
    fn handle_task_failed(&mut self, task: TaskId, problem: Problem, now: Now) -> Vec<UiEffect> {
        let title = self.activity.entry_mut(task).map(|entry| {
            entry.state = TaskState::Failed(problem.clone());
            entry.title.clone()
        });
        self.discard_pending_edit(task);
        self.console.awaited_list.take_if(|(waiting, _)| *waiting == task);
        let store_failed = problem.class == crate::domain::problem::ProblemClass::Store;
        let reveal_pending = self.detail.waits_for(task);
        let mut effects = Vec::new();
        if self.wizard_for_task(task).is_some() {
            effects = self.handle_wizard_stopped(task, Some(problem), now);
        } else if self.dialogs.waits_for(task) {
            effects = self.deliver_failure(task, problem, now);
        } else if self.console.waits_for(task) {
            self.console.fail(problem);
        } else {
            let title = title.or_else(|| reveal_pending.then(|| "Reveal the secret".to_owned()));
            self.report_failure(title, problem, now);
        }
        if reveal_pending {
            self.detail.mask();
        }
        effects.extend(
            store_failed
                .then(|| self.start_hidden_task(BackgroundTask::Store(StoreTask::Status)).1),
        );
        effects
    }

    /// Shows a failure that no view waits for: in a dialog, or in the footer if a dialog is open
    /// already. A hidden task (without a title) fails silently, because the screen works without
    /// its result.
    fn report_failure(&mut self, title: Option<String>, problem: Problem, now: Now) {
        match title {
            None => self.activity.notify(NotificationLevel::Error, problem.what, now.instant),
            Some(title) if self.dialogs.is_empty() => self.show_problem(title, problem),
            Some(title) => self.activity.notify(
                NotificationLevel::Error,
                format!("{title}: {}", problem.what),
                now.instant,
            ),
        }
    }

    fn handle_task_canceled(&mut self, task: TaskId, now: Now) -> Vec<UiEffect> {
        self.activity.set_task_state(task, TaskState::Canceled);
        self.discard_pending_edit(task);
        self.console.awaited_list.take_if(|(waiting, _)| *waiting == task);
        if self.console.waits_for(task) {
            self.console.cancel();
        }
        if self.detail.waits_for(task) {
            self.detail.mask();
        }
        self.activity.notify(NotificationLevel::Warning, "Canceled", now.instant);
        if self.wizard_for_task(task).is_some() {
            return self.handle_wizard_stopped(task, None, now);
        }
        self.deliver_to_dialogs(task, || TaskEvent::Canceled, now)
    }
}

/// Returns what is known about the result of a copy, and no more than that.
fn describe_copy_result(copied: &CopyResult) -> String {
    let method = match copied.method {
        ClipboardMethod::Native => "to the clipboard",
        ClipboardMethod::Tmux => "to the tmux buffer",
        ClipboardMethod::Osc52 => "via OSC 52",
    };
    let doubt = if copied.verified { "" } else { "; the terminal does not confirm" };
    match copied.clear_after_seconds {
        Some(seconds) if copied.verified => format!("Copied {method}; cleared in {seconds} s"),
        Some(seconds) => format!("Copied {method}{doubt}; overwritten in {seconds} s"),
        None => format!("Copied {method}{doubt}"),
    }
}
