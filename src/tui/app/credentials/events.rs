//! Events of tasks on credentials, secrets and checks.
//!
//! A late event about a view that has changed is dropped; a fact about stored credentials is always
//! recorded. Start at `App::on_credential_event`.

use crate::domain::problem::Problem;
use crate::domain::response::CheckResult;
use crate::domain::{CredentialId, CredentialName};
use crate::engine::background::protocol::{
    BackgroundTask, CheckedSecret, ClassificationResult, ClearResult, ClipboardMethod, CopyResult,
    CredentialEvent, CredentialTask, RegionCheckResult, TaskEvent, TaskId, TerminalCopyOffer,
};
use crate::tui::app::activity::{NotificationLevel, TaskState};
use crate::tui::app::console::response_view;
use crate::tui::app::overview::check_matrix::CheckMatrixDialog;
use crate::tui::app::overview::welcome;
use crate::tui::app::{App, Now, PresentationMode, UiEffect};

impl App {
    pub(in crate::tui::app) fn on_credential_event(
        &mut self,
        task: TaskId,
        event: CredentialEvent,
        now: Now,
    ) -> Vec<UiEffect> {
        let mut effects = Vec::new();
        #[expect(
            clippy::match_wildcard_for_single_variants,
            reason = "what only a dialog waits for needs no arm of its own"
        )]
        match event {
            CredentialEvent::Loaded(all) => self.credentials.load(all, now.wall),
            CredentialEvent::Changed(credential) => {
                let id = credential.id.clone();
                let is_new = self.credentials.get(&id).is_none();
                let before = self.credentials.get(&id);
                let has_other_secret =
                    before.is_some_and(|before| before.fingerprint != credential.fingerprint);
                self.regions.follow_credential(before, &credential, now.instant);
                if has_other_secret {
                    self.attention.forget_plain_copies(&id);
                    effects.push(self.list_outdated_consumers());
                }
                self.credentials.upsert(*credential, now.wall);
                if is_new {
                    self.credentials.select_id(Some(&id));
                    self.notify_if_filtered_out(&id, now);
                }
                // The awaited result has arrived; further reports of the task concern no dialog.
                effects.extend(self.deliver_to_dialogs(task, || TaskEvent::Done, now));
            }
            CredentialEvent::OutdatedConsumers(consumers) => {
                self.attention.set_outdated_consumers(consumers);
            }
            CredentialEvent::PlainCopies(copies) => {
                let all = self.credentials.all().iter();
                let found = all
                    .filter_map(|known| Some((known.id.clone(), *copies.get(&known.name)?)))
                    .collect();
                self.attention.set_plain_copies(found);
            }
            CredentialEvent::AccessToken(id, life) => {
                if self.selected().is_some_and(|selected| selected.id == id) {
                    self.detail.set_access_token(life);
                }
            }
            CredentialEvent::ImportCandidates(candidates) => {
                welcome::open_welcome(self, &candidates);
            }
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
                response_view::open_recorded_refusal(self, explained.as_ref(), now);
            }
            CredentialEvent::RegionChecks(_, checks) => self.regions.set_checks(task, checks),
            CredentialEvent::AllChecks(checks) => {
                if let Some(matrix) = self.dialogs.find_mut::<CheckMatrixDialog>(|_| true) {
                    matrix.load_checks(checks);
                }
            }
            CredentialEvent::Revealed(id, secret) => {
                let until = now.instant + self.preferences.reveal_duration;
                self.detail.reveal_secret(task, id, secret, until);
            }
            CredentialEvent::TerminalCopyOffered(id, offer) => {
                self.handle_terminal_copy_offer(task, id, offer, now);
            }
            // Everything else is the answer to a dialog.
            event => effects = self.deliver_to_dialog(task, TaskEvent::Credential(event), now),
        }
        self.update_duplicates();
        effects
    }

    /// Starts to look for consumers that have an older secret than their credential.
    pub(in crate::tui::app) fn list_outdated_consumers(&mut self) -> UiEffect {
        let task = BackgroundTask::Credential(CredentialTask::ListOutdatedConsumers);
        self.start_hidden_task(task).1
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

    /// Reports that something was copied.
    pub(in crate::tui::app) fn on_copied(&mut self, task: TaskId, copied: &CopyResult, now: Now) {
        if copied.clear_after_seconds.is_some() {
            self.activity.set_task_state(task, TaskState::CleaningUp);
        }
        let level =
            if copied.verified { NotificationLevel::Success } else { NotificationLevel::Warning };
        self.activity.notify(level, describe_copy_result(copied), now.instant);
    }

    /// Reports how the clipboard was cleared.
    pub(in crate::tui::app) fn on_clipboard_cleared(&mut self, result: ClearResult, now: Now) {
        let (level, text) = match result {
            ClearResult::Cleared => (NotificationLevel::Success, "Clipboard cleared"),
            ClearResult::Overwritten => {
                (NotificationLevel::Success, "Clipboard overwritten; the terminal does not confirm")
            }
            ClearResult::ContentReplaced => {
                (NotificationLevel::Info, "Clipboard not cleared: its content has changed")
            }
            ClearResult::Unsupported => (
                NotificationLevel::Warning,
                "tokenring cannot clear this clipboard; overwrite it yourself",
            ),
        };
        self.activity.notify(level, text, now.instant);
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

    /// Records the result of a check wherever it is shown, unless the credential has another secret
    /// by now.
    pub(in crate::tui::app) fn on_check_event(
        &mut self,
        checked: &CheckedSecret,
        result: RegionCheckResult,
        now: Now,
    ) {
        let CheckedSecret { credential, fingerprint } = checked;
        let current = self.credentials.get(credential).and_then(|known| known.fingerprint.as_ref());
        if fingerprint.as_ref().zip(current).is_some_and(|(checked, current)| checked != current) {
            return;
        }
        if let Some(probe) = &mut self.region_probe {
            probe.record(credential, &result);
        }
        self.regions.record_check(credential, &result.region, &result.check);
        if let Some(matrix) = self.dialogs.find_mut::<CheckMatrixDialog>(|_| true) {
            matrix.record_check(credential, result.clone());
        }
        if self.credentials.get(credential).is_some_and(|known| known.region == result.region) {
            self.credentials.record_check(credential, result.check, now.wall);
        }
    }
}

/// Returns what is known about the result of a copy, and no more than that.
fn describe_copy_result(copied: &CopyResult) -> String {
    let method = match copied.method {
        ClipboardMethod::Native => "to the clipboard",
        ClipboardMethod::Tmux => "to the tmux buffer",
        ClipboardMethod::Osc52 => "via OSC 52",
        ClipboardMethod::GnuScreen => "via OSC 52 through GNU screen",
    };
    let doubt = if copied.verified { "" } else { "; the terminal does not confirm" };
    match copied.clear_after_seconds {
        Some(seconds) if copied.verified => format!("Copied {method}; cleared in {seconds} s"),
        Some(seconds) => format!("Copied {method}{doubt}; overwritten in {seconds} s"),
        None => format!("Copied {method}{doubt}"),
    }
}
