//! What each command does.

use super::activity::Tone;
use super::command::{Action, ConsoleAction, CredentialAction, Focus, ListAction, Motion, ProgramAction, RegionAction};
use super::console::{Ready, View};
use super::json::Document;
use super::{App, Audience, Effect, Now, Pane};
use crate::domain::CredentialId;
use crate::domain::curl::{self, Curl};
use crate::engine::message::{CheckTask, KeyringTask, SecretTask, StoreTask, Task};

impl App {
    /// Runs a command.
    pub(super) fn run(&mut self, action: Action, now: Now) -> Vec<Effect> {
        match action {
            Action::Move(motion) => self.go(motion),
            Action::Focus(focus) => self.focus(focus),
            Action::List(action) => self.act_on_list(action, now),
            Action::Credential(action) => return self.act_on_credential(action, now),
            Action::Region(action) => return self.act_on_region(action, now),
            Action::Console(action) => return self.act_on_console(action, now),
            Action::Screen(action) => return self.act_on_screen(action),
            Action::Program(action) => return self.act_on_program(action, now),
        }
        Vec::new()
    }

    /// Whether a command would do something right now; the footer shows only such.
    pub fn offers(&self, action: Action) -> bool {
        match action {
            Action::Move(_) | Action::Focus(_) => true,
            Action::List(action) => self.offers_list(action),
            Action::Credential(action) => self.offers_credential(action),
            Action::Region(_) => self.region_count() > 1,
            Action::Console(action) => self.offers_console(action),
            Action::Screen(action) => self.offers_screen(action),
            Action::Program(action) => action != ProgramAction::Unlock || self.store_wants_unlocking(),
        }
    }

    fn offers_list(&self, action: ListAction) -> bool {
        match action {
            ListAction::Clear => self.credentials.mark_count() > 0 || !self.credentials.is_unfiltered(),
            _ => !self.credentials.all().is_empty(),
        }
    }

    fn offers_credential(&self, action: CredentialAction) -> bool {
        match action {
            CredentialAction::Add | CredentialAction::SignIn => true,
            CredentialAction::Show => self.selected().is_some() && self.stage.audience == Audience::Nobody,
            CredentialAction::CheckAll => self.credentials.is_whole() && !self.credentials.all().is_empty(),
            CredentialAction::Page => self.page().is_some(),
            _ => self.selected().is_some(),
        }
    }

    fn offers_console(&self, action: ConsoleAction) -> bool {
        use ConsoleAction as C;
        match action {
            C::Send | C::Test | C::Presets | C::Edit => self.selected().is_some(),
            C::CopyCurl => matches!(self.request(), Some(Ready::Draft(_))),
            C::View => self.console.answered().is_some(),
            _ => self.console.answered().is_some() && self.console.view == View::Body,
        }
    }

    fn go(&mut self, motion: Motion) {
        let screen = self.screen();
        let page = usize::from(screen.pane(self.stage.focus).inner().height.saturating_sub(1));
        match self.stage.focus {
            Pane::Credentials | Pane::Detail => self.credentials.go(motion, page),
            Pane::Regions => self.regions.go(motion, page, self.region_count()),
            Pane::Console => self.scroll_answer(motion),
        }
    }

    fn scroll_answer(&mut self, motion: Motion) {
        if self.console.view == View::Body {
            if let Some(document) = self.console.document() {
                move_document(document, motion);
            }
            return;
        }
        let lines = self.console.answered().map_or(0, |answered| answered.pairs(self.console.view).len());
        let page = usize::from(self.console_body().height);
        self.console.scroll = super::credentials::step(self.console.scroll, motion, page, lines.saturating_sub(page));
    }

    pub(super) fn focus(&mut self, focus: Focus) {
        let at = Pane::ALL.iter().position(|pane| *pane == self.stage.focus).unwrap_or(0);
        let count = Pane::ALL.len();
        self.stage.focus = match focus {
            Focus::Next => Pane::ALL[(at + 1) % count],
            Focus::Previous => Pane::ALL[(at + count - 1) % count],
            Focus::To(pane) => pane,
        };
        if self.stage.focus != Pane::Credentials {
            self.stage.companion = self.stage.focus;
        }
    }

    fn act_on_list(&mut self, action: ListAction, now: Now) {
        match action {
            ListAction::Filter => {
                self.focus(Focus::To(Pane::Credentials));
                self.credentials.filter.typing = true;
            }
            ListAction::Clear => self.credentials.clear(now.wall),
            ListAction::Sort => {
                self.credentials.resort(now.wall);
                self.activity.say(Tone::Good, format!("Sorted by {}", self.credentials.sort.as_str()), now.instant);
            }
            ListAction::Mark => self.credentials.mark(),
            ListAction::MarkAll => self.credentials.mark_all(),
        }
    }

    fn act_on_credential(&mut self, action: CredentialAction, now: Now) -> Vec<Effect> {
        match action {
            CredentialAction::Show => self.show_or_mask(now),
            CredentialAction::Copy => self.copy(now),
            CredentialAction::Check => {
                let chosen = self.credentials.chosen();
                self.check(chosen, now)
            }
            CredentialAction::CheckAll => {
                let all = self.credentials.all().iter().map(|credential| credential.id.clone()).collect();
                self.check(all, now)
            }
            CredentialAction::Page => self.page().map(Effect::Open).into_iter().collect(),
            CredentialAction::Add | CredentialAction::Edit => self.open_credential_dialog(action),
            CredentialAction::Rotate => self.open_rotation(),
            CredentialAction::SignIn => self.open_sign_in(now),
            CredentialAction::Revoke => {
                self.open_removal();
                Vec::new()
            }
            CredentialAction::Create => {
                self.open_creation(now);
                Vec::new()
            }
        }
    }

    fn show_or_mask(&mut self, now: Now) -> Vec<Effect> {
        if !self.detail.is_masked() {
            self.detail.mask();
            return Vec::new();
        }
        if self.stage.audience == Audience::Others {
            self.activity.say(Tone::Warn, "Presentation mode shows no secret; P ends it", now.instant);
            return Vec::new();
        }
        let Some(id) = self.selected().map(|credential| credential.id.clone()) else { return Vec::new() };
        let (task, effect) = self.start_quietly(Task::Secret(SecretTask::Reveal(id)));
        self.detail.ask(task);
        vec![effect]
    }

    fn copy(&mut self, now: Now) -> Vec<Effect> {
        self.detail.mask();
        let Some(credential) = self.selected() else { return Vec::new() };
        let (title, id) = (format!("Copy the secret of {}", self.name_of(credential)), credential.id.clone());
        vec![self.start_task(title, Task::Secret(SecretTask::Copy(id)), now).1]
    }

    fn check(&mut self, ids: Vec<CredentialId>, now: Now) -> Vec<Effect> {
        let title = match ids.as_slice() {
            [] => return Vec::new(),
            [one] => match self.credentials.get(one) {
                Some(credential) => format!("Check {}", self.name_of(credential)),
                None => return Vec::new(),
            },
            many => format!("Check {}", super::words::count(many.len(), "credential")),
        };
        vec![self.start_task(title, Task::Check(CheckTask::Credentials(ids)), now).1]
    }

    fn act_on_region(&mut self, action: RegionAction, now: Now) -> Vec<Effect> {
        match action {
            RegionAction::Switch => self.switch_to(self.regions.cursor(), now),
            RegionAction::Next => self.switch_by(1, now),
            RegionAction::Previous => self.switch_by(self.region_count().saturating_sub(1), now),
            RegionAction::Pick => self.open_region_picker(),
            RegionAction::Probe => self.open_probe_question(),
        }
    }

    fn act_on_console(&mut self, action: ConsoleAction, now: Now) -> Vec<Effect> {
        match action {
            ConsoleAction::Send => return self.send(now),
            ConsoleAction::Test => {
                self.console.reset_draft();
                self.stage.companion = Pane::Console;
                return self.send(now);
            }
            ConsoleAction::Presets => return self.open_preset_picker(),
            ConsoleAction::Edit => return self.open_request(),
            ConsoleAction::CopyBody => return self.copy_body(now),
            ConsoleAction::CopyCurl => return self.copy_curl(now),
            ConsoleAction::View => {
                (self.console.view, self.console.scroll) = (self.console.view.next(), 0);
            }
            ConsoleAction::Search if self.console.document().is_some() => {
                self.console.view = View::Body;
                self.console.search = Some(tui_input::Input::default());
            }
            _ => {
                if let Some(document) = self.console.document() {
                    act_on_document(document, action);
                }
            }
        }
        Vec::new()
    }

    fn copy_body(&mut self, now: Now) -> Vec<Effect> {
        let Some(text) = self.console.document().map(|document| document.pretty()) else { return Vec::new() };
        vec![self.start_task("Copy the body", Task::Secret(SecretTask::CopyText(text)), now).1]
    }

    /// Copies the request as a curl command; what curl does otherwise is said.
    fn copy_curl(&mut self, now: Now) -> Vec<Effect> {
        let Some(curl) = self.curl() else {
            self.activity.say(Tone::Warn, "There is no complete request to copy", now.instant);
            return Vec::new();
        };
        if let Some(warning) = curl.warnings.first() {
            self.activity.say(Tone::Warn, warning.clone(), now.instant);
        }
        vec![self.start_task("Copy the request as curl", Task::Secret(SecretTask::CopyText(curl.to_string())), now).1]
    }

    fn curl(&self) -> Option<Curl> {
        let credential = self.selected()?;
        let Some(Ready::Draft(draft)) = self.request() else { return None };
        let provider = self.catalogue.provider(&credential.provider).ok()?;
        let kind = self.catalogue.kind(&credential.provider, &credential.kind).ok()?;
        let region = self.catalogue.region(&credential.provider, &credential.region).ok()?;
        let scheme = credential.scheme.as_deref().unwrap_or_else(|| kind.authorization.scheme());
        curl::curl(&draft, curl::Context { provider, kind, region, scheme }).ok()
    }

    fn act_on_program(&mut self, action: ProgramAction, now: Now) -> Vec<Effect> {
        match action {
            ProgramAction::Help | ProgramAction::Palette | ProgramAction::Activity => self.open_program_dialog(action),
            ProgramAction::Doctor | ProgramAction::Scan => return self.survey(action, now),
            ProgramAction::Unlock => return self.unlock(now),
            ProgramAction::Reload => {
                let load = self.start_task("Read the credentials", Task::Keyring(KeyringTask::Load), now).1;
                return vec![load, self.start_quietly(Task::Store(StoreTask::Status)).1];
            }
            ProgramAction::Presentation => self.present(now),
            ProgramAction::Mouse => {
                self.stage.mouse = !self.stage.mouse;
                let word = if self.stage.mouse { "Mouse on" } else { "Mouse off: the terminal selects text now" };
                self.activity.say(Tone::Good, word, now.instant);
                return vec![Effect::Mouse(self.stage.mouse)];
            }
            ProgramAction::Suspend => {
                self.detail.mask();
                return vec![Effect::Suspend];
            }
            ProgramAction::Cancel => match self.activity.cancellable(self.stage.focus) {
                Some(task) => return vec![Effect::Cancel(task)],
                None => return self.quit(),
            },
            ProgramAction::Quit => return self.quit(),
        }
        Vec::new()
    }

    fn quit(&mut self) -> Vec<Effect> {
        self.detail.mask();
        vec![Effect::Quit]
    }

    fn present(&mut self, now: Now) {
        self.detail.mask();
        let (audience, word) = match self.stage.audience {
            Audience::Nobody => (Audience::Others, "Presentation mode: no secret is shown, names are hidden"),
            Audience::Others => (Audience::Nobody, "Presentation mode is over"),
        };
        self.stage.audience = audience;
        self.activity.say(Tone::Good, word, now.instant);
    }
}

fn move_document(document: &mut Document, motion: Motion) {
    match motion {
        Motion::Up => document.move_by(-1),
        Motion::Down => document.move_by(1),
        Motion::Top => document.home(),
        Motion::Bottom => document.end(),
        Motion::PageUp => document.page(-1),
        Motion::PageDown => document.page(1),
    }
}

fn act_on_document(document: &mut Document, action: ConsoleAction) {
    match action {
        ConsoleAction::Fold => document.toggle_fold(),
        ConsoleAction::Close => document.fold(),
        ConsoleAction::Open => document.unfold(),
        ConsoleAction::FoldAll => {
            let folded = document.visible().any(|row| matches!(row.fold, super::json::Fold::Folded { .. }));
            if folded { document.unfold_all() } else { document.fold_to(1) }
        }
        ConsoleAction::NextMatch => document.next_match(),
        ConsoleAction::PreviousMatch => document.previous_match(),
        _ => {}
    }
}
