//! Opening of dialogs that need no module of their own: help, problems, findings, send
//! confirmation, unlock.
//!
//! The dialogs are in `dialog/`; dialogs about rotation, sign-in and presets are opened in the
//! modules of their subject.

use std::collections::BTreeMap;

use super::command::{COMMANDS, CommandGroup, CommandSpec, CredentialAction, ProgramAction};
use super::console::RequestReadiness;

use super::{App, Now, PresentationMode, UiEffect, display_format};
use crate::config::KeyPress;
use crate::config::theme::StyleRole;
use crate::domain::problem::Problem;
use crate::domain::request::RequestDraft;
use crate::domain::response::CheckResult;
use crate::domain::{Credential, CredentialId};
use crate::engine::background::protocol::{
    BackgroundTask, CheckTask, ClipboardMethod, DiagnosticTask, DoctorInput, DoctorScope,
    HttpExchange, StoreError, StoreTask, TerminalCopyConsent, TerminalCopyOffer, WriteConsent,
};
use crate::tui::app::credentials::regions;
use crate::tui::app::dialogs::{
    AddDialog, ConfirmDialog, DialogAction, EditDialog, FindingsDialog, PickerDialog, PickerItem,
    ProblemDialog, RequestEditorDialog, TaskListDialog, TaskRequest, UNLOCK_TITLE, UnlockDialog,
    UnlockPurpose, select_in_list,
};
use crate::tui::app::overview::activity::NotificationLevel;
use crate::tui::app::widgets::dialog_view::DialogRow;
use crate::tui::app::widgets::form::FormButton;

impl App {
    /// Shows a problem under a title that says what failed.
    pub(super) fn show_problem(&mut self, title: impl Into<String>, problem: Problem) {
        self.dialogs.push(ProblemDialog { title: title.into(), problem });
    }

    pub(super) fn open_credential_dialog(&mut self, action: CredentialAction) -> Vec<UiEffect> {
        match (action, self.selected()) {
            (CredentialAction::Add, _) => self.dialogs.push(AddDialog::new(self.catalog.clone())),
            (CredentialAction::Edit, Some(credential)) => {
                let dialog = EditDialog::new(credential, self.catalog.clone());
                self.dialogs.push(dialog);
            }
            _ => {}
        }
        Vec::new()
    }

    pub(super) fn open_program_dialog(&mut self, action: ProgramAction) {
        match action {
            ProgramAction::TaskList => self.dialogs.push(TaskListDialog::default()),
            _ => self.dialogs.push(self.help_picker()),
        }
    }

    /// Starts the doctor or a scan in the background and opens a dialog with the results when they
    /// arrive.
    pub(super) fn start_diagnostics(&mut self, action: ProgramAction, now: Now) -> Vec<UiEffect> {
        if self.ui_state.presentation == PresentationMode::On {
            self.activity.notify(
                NotificationLevel::Warning,
                "Not available in presentation mode: the results contain names",
                now.instant,
            );
            return Vec::new();
        }
        let (title, task) = if action == ProgramAction::Scan {
            ("Plain-text copies of secrets", DiagnosticTask::Scan)
        } else {
            let terminal = Some((self.ui_state.area.width, self.ui_state.area.height));
            let around = DoctorInput {
                terminal,
                other_stores: Vec::new(),
                color_depth: None,
                scope: DoctorScope::Providers,
            };
            ("Doctor", DiagnosticTask::Doctor(around))
        };
        self.dialogs.push(FindingsDialog::new(title));
        self.start_dialog_task(title, BackgroundTask::Diagnostic(task), now)
    }

    /// Returns a picker of all commands, whether they have an effect right now or not, and of all
    /// credentials.
    fn help_picker(&self) -> PickerDialog<DialogAction> {
        let of = |group| COMMANDS.iter().filter(move |command| command.group == group);
        let all = CommandGroup::ALL.into_iter().flat_map(of);
        let credentials =
            self.credentials.all().iter().map(|credential| self.credential_item(credential));
        let commands = all.clone().map(|command| self.command_item(command));
        PickerDialog::of_actions(
            "Help: type to search, Enter to run",
            commands.chain(credentials).collect(),
        )
        .with_wide_layout()
        .with_notes(all.map(|command| format!("Name in config.toml: {}", command.name)).collect())
    }

    fn command_item(&self, command: &CommandSpec) -> PickerItem<DialogAction> {
        let keys: Vec<_> =
            self.preferences.keys.keys_for(command.action).map(KeyPress::to_string).collect();
        let glyphs = self.preferences.symbols;
        let useless = (StyleRole::Dim, glyphs.unchecked);
        PickerItem {
            right: keys.join(" "),
            mark: Some(if self.can_run(command.action) { (StyleRole::Dim, " ") } else { useless }),
            heading: command.group.title(),
            ..PickerItem::new(command.title, command.help, "run", DialogAction::Run(command.action))
        }
    }

    fn credential_item(&self, credential: &Credential) -> PickerItem<DialogAction> {
        let kind = self
            .catalog
            .kind(&credential.provider, &credential.kind)
            .map(|kind| kind.title.as_str());
        PickerItem {
            mark: Some((StyleRole::Accent, self.preferences.symbols.pointer)),
            heading: "Credentials",
            ..PickerItem::new(
                self.display_name(credential),
                format!("{} · {}", kind.unwrap_or(&credential.kind), credential.region),
                "show in list",
                select_in_list(credential.id.clone()),
            )
        }
    }

    pub(super) fn open_region_picker(&mut self) -> Vec<UiEffect> {
        let Some(credential) = self.selected() else { return Vec::new() };
        let all = regions::provider_regions(&self.catalog, &credential.provider);
        let item = |region: &crate::domain::region::Region| {
            let verdict = self
                .regions
                .check_in(&region.id)
                .map_or(CheckResult::Unchecked, |check| check.result);
            let host = display_format::host_and_port(&region.api);
            PickerItem {
                right: display_format::check_text(verdict).to_owned(),
                mark: Some(if region.id == credential.region {
                    (StyleRole::Accent, self.preferences.symbols.pointer)
                } else {
                    (StyleRole::Dim, " ")
                }),
                ..PickerItem::new(
                    region.id.clone(),
                    format!("{} {host}", region.title),
                    "switch",
                    (credential.id.clone(), region.id.clone()),
                )
            }
        };
        let current = all.iter().position(|region| region.id == credential.region).unwrap_or(0);
        let items = all.iter().map(item).collect();
        let pick = PickerDialog::new("Choose region", items, current, |(id, region)| {
            DialogAction::call(move |app, now| app.switch_region(&id, region, now))
        });
        self.dialogs.push(pick);
        Vec::new()
    }

    pub(super) fn open_probe_confirmation(&mut self) -> Vec<UiEffect> {
        let Some(credential) = self.selected() else { return Vec::new() };
        let all = regions::provider_regions(&self.catalog, &credential.provider);
        let mut rows = vec![
            DialogRow::text(format!(
                "{} is tested against every region of its provider.",
                self.display_name(credential)
            )),
            DialogRow::warning(format!(
                "The secret will be sent to {}:",
                display_format::format_count(all.len(), "host")
            )),
        ];
        let widest = all.iter().map(|region| region.id.len()).max().unwrap_or(0);
        rows.extend(all.iter().map(|region| {
            DialogRow::dim(format!(
                "  {:<widest$}  {}",
                region.id,
                display_format::host_and_port(&region.api)
            ))
        }));
        let title = format!("Test {} in every region", self.display_name(credential));
        let task = BackgroundTask::Check(CheckTask::AllRegions(credential.id.clone()));
        let action = DialogAction::Start(TaskRequest::listed(title, task));
        let confirm =
            ConfirmDialog::new("Try all regions?", rows, FormButton::Submit("Try all"), action);
        self.dialogs.push(confirm);
        Vec::new()
    }

    /// Says what copying through the terminal cannot do, and asks whether to do it.
    pub(super) fn open_copy_confirmation(&mut self, id: CredentialId, offer: TerminalCopyOffer) {
        let route = match offer.method {
            ClipboardMethod::Tmux => "tmux, which passes it to the outer terminal",
            ClipboardMethod::Osc52 | ClipboardMethod::Native => "the terminal (OSC 52)",
        };
        let seconds = self.preferences.clipboard_duration.as_secs();
        let failure = offer
            .desktop_failure
            .map(|why| DialogRow::text(format!("The desktop clipboard is not available ({why}).")));
        let mut rows: Vec<_> = failure.into_iter().collect();
        rows.extend([
            DialogRow::text(format!("The secret reaches the clipboard through {route}.")),
            DialogRow::text(format!(
                "After {seconds} s and at exit, tokenring overwrites the clipboard with a blank, whatever it then holds."
            )),
            DialogRow::warning(
                "The terminal confirms neither, and a clipboard manager may keep the secret.",
            ),
        ]);
        let confirm = ConfirmDialog::new(
            "Copy through the terminal?",
            rows,
            FormButton::Submit("Copy"),
            DialogAction::call(move |app, now| {
                app.ui_state.terminal_copy_consent = TerminalCopyConsent::Given;
                app.start_copy(id, now)
            }),
        );
        self.dialogs.push(confirm);
    }

    /// Returns the request for the selected credential.
    pub fn current_request(&self) -> Option<RequestReadiness> {
        self.selected().and_then(|credential| self.console.request_for(credential, &self.catalog))
    }

    pub(super) fn open_request_editor(&mut self) -> Vec<UiEffect> {
        match self.current_request() {
            Some(RequestReadiness::Ready(draft)) => {
                let keep = self
                    .selected()
                    .map(|credential| self.console.history_policy(&credential.provider))
                    .unwrap_or_default();
                self.dialogs.push(RequestEditorDialog::new(&draft, keep));
            }
            Some(RequestReadiness::MissingParameters(preset)) => {
                self.apply_preset(&preset.id, BTreeMap::new());
            }
            None => {}
        }
        Vec::new()
    }

    /// Asks for confirmation before a request that may change something is sent.
    pub(super) fn open_send_confirmation(&mut self, draft: RequestDraft) {
        let Some(credential) = self.selected() else { return };
        let region = self.catalog.region(&credential.provider, &credential.region);
        let host = region.map_or_else(
            |_| credential.region.clone(),
            |region| format!("{} ({})", region.api, region.id),
        );
        let preset =
            draft.preset.as_ref().and_then(|id| self.catalog.preset(&credential.provider, id).ok());
        let reads = preset.is_some_and(|preset| preset.read_only);
        let warning = if reads {
            DialogRow::text(format!(
                "This request only reads data, although its method is {}.",
                draft.method
            ))
        } else {
            DialogRow::warning(format!(
                "{} may change or delete data at the provider.",
                draft.method
            ))
        };
        let rows = vec![
            warning,
            DialogRow::Blank,
            DialogRow::text(format!("Request {} {}", draft.method, draft.address())),
            DialogRow::Pair("Host".to_owned(), host),
            DialogRow::Pair("Credential".to_owned(), self.display_name(credential)),
        ];
        let (word, called) = (credential.name.to_string(), self.display_name(credential));
        let action = send_request(credential.id.clone(), draft);
        let confirm = if reads {
            ConfirmDialog::new("Send this request?", rows, FormButton::Submit("Send"), action)
                .with_action_focused()
        } else {
            ConfirmDialog::new("Send this request?", rows, FormButton::Destructive("Send"), action)
                .with_typed_confirmation(&word, called)
        };
        self.dialogs.push(confirm);
    }

    /// Asks for confirmation before a request is resent with a new access token.
    pub(super) fn open_resend_confirmation(&mut self, exchange: &HttpExchange) {
        let called = self.display_name_by_id(&exchange.credential);
        let rows = vec![
            DialogRow::warning(format!(
                "The access token was rejected and may have expired; {called} gets a new one."
            )),
            DialogRow::text(
                "According to its response, the provider refused the request without changing anything.",
            ),
            DialogRow::Blank,
            DialogRow::text(format!(
                "Request  {} {}",
                exchange.draft.method,
                exchange.draft.address()
            )),
            DialogRow::Pair("Credential".to_owned(), called),
        ];
        let action = send_request(exchange.credential.clone(), exchange.draft.clone());
        let confirm = ConfirmDialog::new(
            "Resend this request?",
            rows,
            FormButton::Destructive("Send again"),
            action,
        );
        self.dialogs.push(confirm);
    }

    /// Whether the store exists or can be created but must be unlocked first.
    pub(super) fn store_needs_unlock(&self) -> bool {
        let problem = self.activity.store.as_ref().and_then(|store| store.problem.as_ref());
        matches!(
            problem,
            Some(StoreError::Locked | StoreError::NotInitialized | StoreError::Denied(_))
        )
    }

    /// Unlocks the store by its own prompt, or asks for its passphrase.
    pub(super) fn unlock_store(&mut self, now: Now) -> Vec<UiEffect> {
        let Some(store) = self.activity.store.as_ref().filter(|_| self.store_needs_unlock()) else {
            return Vec::new();
        };
        if !store.backend.has_passphrase() {
            let task = BackgroundTask::Store(StoreTask::Unlock(None));
            return vec![self.start_task(UNLOCK_TITLE, task, now).1];
        }
        let purpose = if store.problem == Some(StoreError::NotInitialized) {
            UnlockPurpose::Create
        } else {
            UnlockPurpose::Open
        };
        self.dialogs.push(UnlockDialog::new(purpose, store.backend.title));
        Vec::new()
    }
}

/// Sends a request that the user has confirmed.
fn send_request(id: CredentialId, draft: RequestDraft) -> DialogAction {
    DialogAction::call(move |app, now| app.send_draft(id, draft, WriteConsent::Given, now))
}
