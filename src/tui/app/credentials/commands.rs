//! Commands on credentials and their regions: filter, mark, reveal, copy, check, add, edit, switch.
//!
//! Opens their dialogs too. Start at `App::run_credential`; rotating is in `rotation/commands.rs`,
//! undoing in `undo.rs`.

use std::collections::BTreeMap;

use tui_input::Input;

use crate::config::KeyPress;
use crate::config::key::KeySymbol;
use crate::domain::{CredentialId, CredentialStatus};
use crate::engine::background::protocol::{
    BackgroundTask, ClipboardMethod, CredentialEdit, CredentialTask, TerminalCopyConsent,
    TerminalCopyOffer,
};
use crate::tui::app::activity::NotificationLevel;
use crate::tui::app::command::{CommandAction, CredentialAction, FocusTarget, ProgramAction};
use crate::tui::app::credentials::add_dialog::AddDialog;
use crate::tui::app::credentials::edit_dialog::EditDialog;
use crate::tui::app::credentials::{regions, undo};
use crate::tui::app::dialogs::{ConfirmDialog, Dialog, DialogAction, TaskRequest};
use crate::tui::app::widgets::dialog_view::DialogRow;
use crate::tui::app::widgets::form::{self, CredentialForm, FormButton};
use crate::tui::app::{App, Now, Pane, PresentationMode, UiEffect, display_format};

impl App {
    /// Shows only the credentials with this status; all of them if these are shown already.
    pub(in crate::tui::app) fn filter_by_status(&mut self, status: CredentialStatus, now: Now) {
        let wanted = format!("status:{}", status.word());
        undo::push_filter_undo(self);
        let filter = &mut self.credentials.filter;
        let is_shown = filter.input.value().trim() == wanted;
        filter.input = if is_shown { Input::default() } else { Input::new(wanted) };
        self.credentials.apply_filter(now.wall);
    }

    pub(in crate::tui::app) fn run_credential(
        &mut self,
        action: CredentialAction,
        now: Now,
    ) -> Vec<UiEffect> {
        if requires_visible_names(action) && self.ui_state.presentation == PresentationMode::On {
            let key = self
                .preferences
                .keys
                .key_or_name(CommandAction::Program(ProgramAction::Presentation));
            self.activity.notify(
                NotificationLevel::Warning,
                format!("This would show names; {key} ends presentation mode"),
                now.instant,
            );
            return Vec::new();
        }
        match action {
            CredentialAction::FilterList => self.type_filter(),
            CredentialAction::ClearFilter => self.clear_marks_or_filter(now),
            CredentialAction::SortList => self.sort_list(now),
            CredentialAction::Mark => self.credentials.toggle_mark(),
            CredentialAction::MarkAll => self.credentials.toggle_all_marks(),
            CredentialAction::Revoke => self.open_removal_picker(),
            CredentialAction::Create => self.open_create_dialog(now),
            CredentialAction::ToggleSecret => return self.toggle_secret(now),
            CredentialAction::CopySecret => return self.copy_secret(now),
            CredentialAction::Check => {
                let chosen = self.credentials.marked_or_selected();
                return self.check_credentials(chosen, now);
            }
            CredentialAction::CheckAll => {
                let all =
                    self.credentials.all().iter().map(|credential| credential.id.clone()).collect();
                return self.check_credentials(all, now);
            }
            CredentialAction::OpenPage => {
                return self.provider_page().map(UiEffect::OpenUrl).into_iter().collect();
            }
            CredentialAction::Deliver => self.open_delivery_confirmation(now),
            CredentialAction::NextAttention => self.select_next_attention(now),
            CredentialAction::Add | CredentialAction::Edit => {
                return self.open_credential_dialog(action);
            }
            CredentialAction::Rotate => return self.open_rotation_wizard(),
            CredentialAction::SignIn => return self.open_sign_in(now),
            CredentialAction::SwitchRegion => {
                return self.switch_to_region_at(self.regions.cursor(), now);
            }
            CredentialAction::NextRegion => return self.switch_region_by(1, now),
            CredentialAction::PreviousRegion => {
                return self.switch_region_by(self.region_count().saturating_sub(1), now);
            }
            CredentialAction::PickRegion => regions::open_region_picker(self),
            CredentialAction::ProbeRegions => return self.open_probe_confirmation(),
        }
        Vec::new()
    }

    pub(in crate::tui::app) fn can_run_credential(&self, action: CredentialAction) -> bool {
        match action {
            _ if requires_visible_names(action)
                && self.ui_state.presentation == PresentationMode::On =>
            {
                false
            }
            CredentialAction::Add | CredentialAction::SignIn => true,
            CredentialAction::ToggleSecret | CredentialAction::CopySecret => {
                self.selected().is_some() && self.ui_state.presentation == PresentationMode::Off
            }
            CredentialAction::CheckAll => {
                self.credentials.all_rows_loaded() && !self.credentials.all().is_empty()
            }
            CredentialAction::OpenPage => self.provider_page().is_some(),
            CredentialAction::Deliver => self.selected().is_some_and(|selected| {
                !self.attention.outdated_consumers(&selected.id).is_empty()
            }),
            CredentialAction::ClearFilter => {
                self.credentials.mark_count() > 0 || !self.credentials.filter_is_empty()
            }
            CredentialAction::FilterList
            | CredentialAction::SortList
            | CredentialAction::Mark
            | CredentialAction::MarkAll
            | CredentialAction::NextAttention => !self.credentials.all().is_empty(),
            CredentialAction::SwitchRegion => self.is_other_region_under_cursor(),
            CredentialAction::NextRegion
            | CredentialAction::PreviousRegion
            | CredentialAction::PickRegion
            | CredentialAction::ProbeRegions => self.can_run_region(),
            _ => self.selected().is_some(),
        }
    }

    fn type_filter(&mut self) {
        self.move_focus(FocusTarget::To(Pane::Credentials));
        self.credentials.filter.typing = true;
    }

    fn select_next_attention(&mut self, now: Now) {
        self.move_focus(FocusTarget::To(Pane::Credentials));
        if !self.credentials.select_next_attention(now.wall) {
            let text = "Nothing needs your attention";
            self.activity.notify(NotificationLevel::Info, text, now.instant);
        }
    }

    fn clear_marks_or_filter(&mut self, now: Now) {
        if self.credentials.mark_count() == 0 {
            undo::push_filter_undo(self);
        }
        self.credentials.clear_marks_or_filter(now.wall);
    }

    fn sort_list(&mut self, now: Now) {
        self.credentials.sort_by_next_key(now.wall);
        self.activity.notify(
            NotificationLevel::Success,
            format!("Sorted by {}", self.credentials.sort.as_str()),
            now.instant,
        );
    }

    fn toggle_secret(&mut self, now: Now) -> Vec<UiEffect> {
        if !self.detail.is_masked() {
            self.detail.mask();
            return Vec::new();
        }
        let Some(id) = self.selected().map(|credential| credential.id.clone()) else {
            return Vec::new();
        };
        self.start_reveal(id, now)
    }

    /// Starts to reveal the secret of a credential, unless others may be watching.
    pub(in crate::tui::app) fn start_reveal(
        &mut self,
        id: CredentialId,
        now: Now,
    ) -> Vec<UiEffect> {
        if self.refuse_in_presentation("Secrets stay masked", now) {
            return Vec::new();
        }
        let (task, effect) =
            self.start_hidden_task(BackgroundTask::Credential(CredentialTask::Reveal(id)));
        self.detail.begin_reveal(task);
        vec![effect]
    }

    /// Copies the secret. Where only the terminal can copy it, the task offers that first.
    fn copy_secret(&mut self, now: Now) -> Vec<UiEffect> {
        self.detail.mask();
        let Some(id) = self.selected().map(|credential| credential.id.clone()) else {
            return Vec::new();
        };
        self.start_copy(id, now)
    }

    /// Starts copying the secret of a credential, unless others may be watching.
    pub(in crate::tui::app) fn start_copy(&mut self, id: CredentialId, now: Now) -> Vec<UiEffect> {
        if self.refuse_in_presentation("Secrets are not copied", now) {
            return Vec::new();
        }
        let title = format!("Copy the secret of {}", self.display_name_by_id(&id));
        let task = CredentialTask::CopySecret(id, self.ui_state.terminal_copy_consent);
        vec![self.start_task(title, BackgroundTask::Credential(task), now).1]
    }

    fn check_credentials(&mut self, ids: Vec<CredentialId>, now: Now) -> Vec<UiEffect> {
        let title = match ids.as_slice() {
            [] => return Vec::new(),
            [one] => match self.credentials.get(one) {
                Some(credential) => format!("Check {}", self.display_name(credential)),
                None => return Vec::new(),
            },
            many => {
                format!(
                    "Check {}",
                    crate::tui::app::display_format::format_count(many.len(), "credential")
                )
            }
        };
        vec![self.start_task(title, BackgroundTask::CheckCredentials(ids), now).1]
    }

    /// Starts an edit of a credential that the top dialog waits for.
    pub(in crate::tui::app) fn edit_from_dialog(
        &mut self,
        id: CredentialId,
        edit: CredentialEdit,
        now: Now,
    ) -> Vec<UiEffect> {
        let title = format!("Edit {}", self.display_name_by_id(&id));
        let (task, effect) = undo::start_edit(self, title, id, edit, now);
        self.dialogs.set_task(task);
        vec![effect]
    }

    /// Whether the region under the cursor is not the credential's own.
    pub(in crate::tui::app) fn is_other_region_under_cursor(&self) -> bool {
        let Some(credential) = self.selected() else { return false };
        let all = self.catalog.regions(&credential.provider).unwrap_or_default();
        all.get(self.regions.cursor()).is_some_and(|region| region.id != credential.region)
    }

    /// Switches the selected credential to the region at this index.
    fn switch_to_region_at(&mut self, at: usize, now: Now) -> Vec<UiEffect> {
        let Some(credential) = self.selected() else { return Vec::new() };
        let Some(region) = self.catalog.regions(&credential.provider).unwrap_or_default().get(at)
        else {
            return Vec::new();
        };
        let (id, region) = (credential.id.clone(), region.id.clone());
        self.switch_region(&id, region, now)
    }

    /// Switches the selected credential to the region `steps` further in the list.
    fn switch_region_by(&mut self, steps: usize, now: Now) -> Vec<UiEffect> {
        let Some(credential) = self.selected() else { return Vec::new() };
        let all = self.catalog.regions(&credential.provider).unwrap_or_default();
        let at = all.iter().position(|region| region.id == credential.region).unwrap_or(0);
        self.switch_to_region_at((at + steps) % all.len().max(1), now)
    }

    /// Makes a region the credential's own. Not confirmed, but a known refusal there is reported.
    pub(super) fn switch_region(
        &mut self,
        id: &CredentialId,
        region: String,
        now: Now,
    ) -> Vec<UiEffect> {
        let Some(credential) = self.credentials.get(id) else { return Vec::new() };
        if credential.region == region {
            return Vec::new();
        }
        let title = format!("Switch {} to {region}", self.display_name(credential));
        // The pane has the results of the selected credential only.
        let is_shown = self.regions.shown_credential() == Some(id);
        if let Some(home) = self.regions.accepted_elsewhere(&region).filter(|_| is_shown) {
            let text = format!("{region} may refuse this credential: it was accepted in {home}");
            self.activity.notify(NotificationLevel::Warning, text, now.instant);
        }
        let edit = CredentialEdit { region: Some(region), ..CredentialEdit::default() };
        vec![undo::start_edit(self, title, id.clone(), edit, now).1]
    }

    /// Returns the provider's page where credentials like the selected one are managed.
    pub(in crate::tui::app) fn provider_page(&self) -> Option<url::Url> {
        let credential = self.selected()?;
        let kind = self.catalog.kind(&credential.provider, &credential.kind).ok()?;
        let region = self.catalog.region(&credential.provider, &credential.region).ok()?;
        let app = region.app.as_ref()?.to_string();
        url::Url::parse(&kind.page.as_ref()?.replace("{app}", &app)).ok()
    }

    fn open_credential_dialog(&mut self, action: CredentialAction) -> Vec<UiEffect> {
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

    /// Asks before the secret is delivered to the consumers that have an older one.
    fn open_delivery_confirmation(&mut self, now: Now) {
        let Some(credential) = self.selected() else { return };
        let due = self.attention.outdated_consumers(&credential.id);
        if due.is_empty() {
            let text = "No consumer of this credential has an older secret";
            return self.activity.notify(NotificationLevel::Info, text, now.instant);
        }
        let name = self.display_name(credential);
        let mut rows = vec![DialogRow::text(format!(
            "The current secret of {name} replaces the older one in:"
        ))];
        rows.extend(due.iter().map(|consumer| {
            DialogRow::Pair(consumer.name.to_string(), consumer.target.describe())
        }));
        let task = BackgroundTask::Credential(CredentialTask::Deliver(credential.id.clone()));
        let action = DialogAction::Start(TaskRequest::listed(format!("Deliver {name}"), task));
        let confirm =
            ConfirmDialog::new("Deliver the secret?", rows, FormButton::Submit("Deliver"), action);
        self.dialogs.push(confirm);
    }

    /// Returns those of the values for which a form of the selected credential has fields.
    pub(in crate::tui::app) fn values_for_form(
        &self,
        form: CredentialForm,
        known: &BTreeMap<String, String>,
    ) -> BTreeMap<String, String> {
        let dialog = self.form_dialog(form);
        let Some(form) = dialog.as_ref().and_then(|dialog| dialog.form()) else {
            return BTreeMap::new();
        };
        form.properties()
            .filter_map(|id| known.get_key_value(id))
            .map(|(id, value)| (id.clone(), value.clone()))
            .collect()
    }

    /// Opens a form of the selected credential with these values of properties.
    pub(in crate::tui::app) fn open_filled_form(
        &mut self,
        form: CredentialForm,
        values: &BTreeMap<String, String>,
        now: Now,
    ) {
        if self.refuse_in_presentation("Names stay hidden", now) {
            return;
        }
        let Some(mut dialog) = self.form_dialog(form) else { return };
        if let Some(form) = dialog.form_mut() {
            form.fill_properties(values);
        }
        self.dialogs.push_boxed(dialog);
    }

    fn form_dialog(&self, form: CredentialForm) -> Option<Box<dyn Dialog>> {
        match form {
            CredentialForm::Create => {
                self.create_dialog().map(|dialog| Box::new(dialog) as Box<dyn Dialog>)
            }
            CredentialForm::Edit => {
                let dialog = EditDialog::new(self.selected()?, self.catalog.clone());
                Some(Box::new(dialog))
            }
        }
    }

    fn open_probe_confirmation(&mut self) -> Vec<UiEffect> {
        let Some(credential) = self.selected() else { return Vec::new() };
        let all = self.catalog.regions(&credential.provider).unwrap_or_default();
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
                display_format::region_host(region, &self.catalog)
            ))
        }));
        let id = credential.id.clone();
        let action = DialogAction::call(move |app, now| regions::start_probe(app, id, now));
        let confirm =
            ConfirmDialog::new("Try all regions?", rows, FormButton::Submit("Try all"), action);
        self.dialogs.push(confirm);
        Vec::new()
    }

    /// Says what copying through the terminal cannot do, and asks whether to do it.
    pub(in crate::tui::app) fn open_copy_confirmation(
        &mut self,
        id: CredentialId,
        offer: TerminalCopyOffer,
    ) {
        let route = match offer.method {
            ClipboardMethod::Tmux => "tmux, which passes it to the outer terminal",
            ClipboardMethod::GnuScreen => {
                "GNU screen, which passes it to the outer terminal (OSC 52)"
            }
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

    /// Moves the cursor to a credential; clears the filter if it hides the credential.
    pub(in crate::tui::app) fn select_in_list(&mut self, id: &CredentialId, now: Now) {
        self.credentials.select_id(Some(id));
        if self.selected().is_none_or(|selected| selected.id != *id) {
            self.credentials.clear_filter(now.wall);
            self.credentials.select_id(Some(id));
        }
        self.move_focus(FocusTarget::To(Pane::Credentials));
    }

    pub(in crate::tui::app) fn handle_filter_key(
        &mut self,
        key: KeyPress,
        now: Now,
    ) -> Vec<UiEffect> {
        if key.code == KeySymbol::Esc {
            undo::push_filter_undo(self);
        }
        let list = &mut self.credentials;
        match key.code {
            KeySymbol::Enter => list.filter.typing = false,
            KeySymbol::Esc => list.clear_filter(now.wall),
            KeySymbol::Up => list.move_cursor(crate::tui::app::command::CursorMotion::Up, 1),
            KeySymbol::Down => list.move_cursor(crate::tui::app::command::CursorMotion::Down, 1),
            _ if form::edit_input(&mut list.filter.input, key) => list.apply_filter(now.wall),
            _ => {}
        }
        Vec::new()
    }

    /// Whether there is another region to switch to.
    fn can_run_region(&self) -> bool {
        self.region_count() > 1
    }
}

/// Whether an action opens a dialog that cannot hide names. The rotation wizard can hide them.
const fn requires_visible_names(action: CredentialAction) -> bool {
    use CredentialAction as C;
    matches!(action, C::Edit | C::Create | C::Deliver)
}
