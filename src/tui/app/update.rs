//! From event to effects.

use super::activity::Tone;
use super::command::{Action, ProgramAction};
use super::console::Purpose;
use super::dialog::{Add, Dialog, Outcome};
use super::form;
use super::{App, Effect, Input, Msg, Now};
use crate::config::KeyPress;
use crate::config::key::KeySymbol;

/// Takes in what happened; returns what is to be done.
pub fn update(app: &mut App, msg: Msg, now: Now) -> Vec<Effect> {
    app.detail.expire(now.instant);
    app.activity.expire(now.instant);
    let mut effects = match msg {
        Msg::Input(input) => app.take_input(input, now),
        Msg::Report(report) => app.take_report(report, now),
        Msg::LaidOut(task, laid) => {
            app.console.lay(task, laid);
            Vec::new()
        }
        Msg::Studied(exchange, lore) => {
            app.take_lore(&exchange, lore);
            Vec::new()
        }
        Msg::Edited(edited) => {
            app.take_edited(edited, now);
            Vec::new()
        }
        Msg::ThemeKept(kept) => {
            app.take_kept_theme(kept, now);
            Vec::new()
        }
        Msg::Settings(settings) => app.take_settings(settings.0, settings.1, now),
        Msg::Wake => Vec::new(),
        Msg::Leaving => {
            app.detail.mask();
            Vec::new()
        }
        Msg::Panicked(text) => {
            app.detail.hide();
            app.activity.say(Tone::Bad, format!("Something broke in the background: {text}"), now.instant);
            Vec::new()
        }
    };
    effects.extend(app.settle(now));
    effects
}

impl App {
    fn take_input(&mut self, input: Input, now: Now) -> Vec<Effect> {
        match input {
            Input::Key(key) => self.take_key(key, now),
            Input::Paste(text) => self.take_paste(&text, now),
            Input::Mouse(mouse, column, row) => self.take_mouse(mouse, column, row, now),
            Input::Resize(columns, rows) => {
                self.stage.area = super::layout::Area::of(columns, rows);
                self.detail.mask();
                Vec::new()
            }
            Input::Background(background) => {
                self.stage.background = Some(background);
                self.dress();
                Vec::new()
            }
            Input::Focus(true) => Vec::new(),
            Input::Focus(false) => {
                self.detail.mask();
                Vec::new()
            }
            Input::Said(asked, line) => self.hear(&asked, &line, now),
            Input::Interrupt => self.interrupt(now),
            Input::Silence => self.quit(),
        }
    }

    fn take_key(&mut self, key: KeyPress, now: Now) -> Vec<Effect> {
        let action = self.preferences.keys.resolve(key, self.stage.focus);
        let always = [ProgramAction::Cancel, ProgramAction::Suspend].map(Action::Program);
        if let Some(action) = action.filter(|action| always.contains(action)) {
            return self.run(action, now);
        }
        if !self.dialogs.is_empty() {
            return self.tell_dialog(now, |dialog, app| dialog.key(key, app, now));
        }
        if self.credentials.filter.typing {
            return self.type_filter(key, now);
        }
        if self.console.prompt.is_some() {
            return self.type_below(key);
        }
        action.map(|action| self.run(action, now)).unwrap_or_default()
    }

    /// A paste goes where text is typed; elsewhere it can only be a secret that is to be added.
    fn take_paste(&mut self, text: &str, now: Now) -> Vec<Effect> {
        if !self.dialogs.is_empty() {
            return self.tell_dialog(now, |dialog, app| dialog.paste(text, app, now));
        }
        if self.credentials.filter.typing {
            form::insert(&mut self.credentials.filter.input, text);
            self.credentials.refilter(now.wall);
            return Vec::new();
        }
        if let Some(prompt) = &mut self.console.prompt {
            form::insert(&mut prompt.input, text);
            return Vec::new();
        }
        if self.selected().is_some() && super::dialog::is_curl(text) {
            self.import_curl(text, now);
            return Vec::new();
        }
        self.dialogs.push(Dialog::Add(Box::new(Add::new(self.catalogue.clone()))));
        self.tell_dialog(now, |dialog, app| dialog.paste(text, app, now))
    }

    /// Lets the top dialog answer, and does what it wants.
    pub(super) fn tell_dialog(&mut self, now: Now, tell: impl FnOnce(&mut Dialog, &Self) -> Outcome) -> Vec<Effect> {
        let Some(mut dialog) = self.dialogs.pop() else { return Vec::new() };
        match tell(&mut dialog, self) {
            Outcome::Close => Vec::new(),
            Outcome::Finish(intent) => self.perform(intent, now),
            Outcome::Hide => {
                self.dialogs.hide(dialog);
                let key = self.preferences.keys.way_to(Action::Program(ProgramAction::Activity));
                self.activity.say(Tone::Good, format!("It goes on behind the screen; {key} shows it again"), now.instant);
                Vec::new()
            }
            Outcome::Stay => {
                self.dialogs.push(dialog);
                Vec::new()
            }
            Outcome::Ask(intent) => {
                self.dialogs.push(dialog);
                self.perform(intent, now)
            }
        }
    }

    fn type_filter(&mut self, key: KeyPress, now: Now) -> Vec<Effect> {
        if key.code == KeySymbol::Esc {
            self.remember_filter();
        }
        let list = &mut self.credentials;
        match key.code {
            KeySymbol::Enter => list.filter.typing = false,
            KeySymbol::Esc => list.drop_filter(now.wall),
            KeySymbol::Up => list.go(super::command::Motion::Up, 1),
            KeySymbol::Down => list.go(super::command::Motion::Down, 1),
            _ if form::edit(&mut list.filter.input, key) => list.refilter(now.wall),
            _ => {}
        }
        Vec::new()
    }

    fn type_below(&mut self, key: KeyPress) -> Vec<Effect> {
        let Some(prompt) = &mut self.console.prompt else { return Vec::new() };
        let purpose = prompt.purpose;
        match (key.code, purpose) {
            (KeySymbol::Enter, Purpose::Filter) => {
                let filter = prompt.input.value().trim().to_owned();
                self.console.prompt = None;
                return self.filter_answer(&filter);
            }
            (KeySymbol::Enter, Purpose::Search) => self.console.prompt = None,
            (KeySymbol::Esc, _) => {
                self.console.prompt = None;
                self.search_answer("");
            }
            (KeySymbol::Up, Purpose::Filter) => self.console.recall(1),
            (KeySymbol::Down, Purpose::Filter) => self.console.recall(-1),
            (_, purpose) => {
                let changed = form::edit(&mut prompt.input, key);
                let text = prompt.input.value().to_owned();
                if changed && purpose == Purpose::Search {
                    self.search_answer(&text);
                }
            }
        }
        Vec::new()
    }

    fn search_answer(&mut self, text: &str) {
        if let Some(document) = self.console.document() {
            document.search(text);
        }
    }
}
