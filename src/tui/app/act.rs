//! What each command does.

use super::activity::Tone;
use super::answer::Answered;
use super::attempt::move_document;
use super::command::{Action, CredentialAction, Focus, ListAction, Motion, ProgramAction, RegionAction};
use super::dialog::{Confirm, Dialog};
use super::{App, Audience, Effect, Now, Pane};
use crate::domain::CredentialId;
use crate::engine::message::{BackgroundTask, CheckTask, CredentialTask, SecretTask, StoreTask};

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
            Action::Program(ProgramAction::Unlock) => self.store_wants_unlocking(),
            Action::Program(ProgramAction::Undo) => !self.undo.is_empty(),
            Action::Program(_) => true,
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
            _ if shows_names(action) && self.stage.audience == Audience::Others => false,
            _ => self.selected().is_some(),
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
        if self.console.view.is_text() {
            if let Some(document) = self.console.document() {
                move_document(document, motion);
            }
            return;
        }
        let lines = self.details().1.len();
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
            ListAction::Clear => {
                if self.credentials.mark_count() == 0 {
                    self.remember_filter();
                }
                self.credentials.clear(now.wall);
            }
            ListAction::Sort => {
                self.credentials.resort(now.wall);
                self.activity.say(Tone::Good, format!("Sorted by {}", self.credentials.sort.as_str()), now.instant);
            }
            ListAction::Mark => self.credentials.mark(),
            ListAction::MarkAll => self.credentials.mark_all(),
        }
    }

    fn act_on_credential(&mut self, action: CredentialAction, now: Now) -> Vec<Effect> {
        if shows_names(action) && self.stage.audience == Audience::Others {
            let key = self.preferences.keys.way_to(Action::Program(ProgramAction::Presentation));
            self.activity.say(Tone::Warn, format!("That would show names; {key} ends the presentation mode"), now.instant);
            return Vec::new();
        }
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
            let key = self.preferences.keys.way_to(Action::Program(ProgramAction::Presentation));
            self.activity.say(Tone::Warn, format!("Presentation mode shows no secret; {key} ends it"), now.instant);
            return Vec::new();
        }
        let Some(id) = self.selected().map(|credential| credential.id.clone()) else { return Vec::new() };
        let (task, effect) = self.start_quietly(BackgroundTask::Secret(SecretTask::Reveal(id)));
        self.detail.ask(task);
        vec![effect]
    }

    fn copy(&mut self, now: Now) -> Vec<Effect> {
        self.detail.mask();
        let Some(credential) = self.selected() else { return Vec::new() };
        let (title, id) = (format!("Copy the secret of {}", self.name_of(credential)), credential.id.clone());
        vec![self.start_task(title, BackgroundTask::Secret(SecretTask::Copy(id)), now).1]
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
        vec![self.start_task(title, BackgroundTask::Check(CheckTask::Credentials(ids)), now).1]
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

    fn act_on_program(&mut self, action: ProgramAction, now: Now) -> Vec<Effect> {
        match action {
            ProgramAction::Help | ProgramAction::Palette | ProgramAction::Activity => self.open_program_dialog(action),
            ProgramAction::Doctor | ProgramAction::Scan => return self.survey(action, now),
            ProgramAction::Welcome => return self.welcome(now),
            ProgramAction::Unlock => return self.unlock(now),
            ProgramAction::Reload => {
                let load = self.start_task("Read the credentials", BackgroundTask::Credential(CredentialTask::Load), now).1;
                return vec![load, self.start_quietly(BackgroundTask::Store(StoreTask::Status)).1, Effect::Reread];
            }
            ProgramAction::Undo => return self.take_back(now),
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
                None => return self.ask_or_quit(),
            },
            ProgramAction::Quit => return self.ask_or_quit(),
        }
        Vec::new()
    }

    /// Leaves, unless that would lose a secret that the provider does not say again and that could not be kept.
    fn ask_or_quit(&mut self) -> Vec<Effect> {
        if self.dialogs.is_empty() && self.console.answered().is_some_and(Answered::would_be_lost) {
            self.dialogs.push(Dialog::Confirm(Box::new(Confirm::of_loss())));
            return Vec::new();
        }
        self.quit()
    }

    pub(super) fn quit(&mut self) -> Vec<Effect> {
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

/// Whether a command opens something that cannot do without names. The wizard can: it hides them.
const fn shows_names(action: CredentialAction) -> bool {
    use CredentialAction as C;
    matches!(action, C::Edit | C::Create)
}
