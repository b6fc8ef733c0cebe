//! Taking in what tasks have to say. A late answer is dropped; what is a fact about the keyring is always taken.

use std::sync::Arc;

use super::activity::{State, Tone};
use super::answer::Answered;
use super::command::{Action, CredentialAction};
use super::dialog::{Ask, Asked, Dialog};
use super::learned::{Lore, STUDIED_AT_ONCE, Study};
use super::{App, Audience, Effect, Now};
use crate::domain::problem::Problem;
use crate::domain::provider::CredentialKind;
use crate::domain::response::CheckResult;
use crate::domain::{CredentialId, CredentialName};
use crate::engine::message::{
    BackgroundTask, ClassificationResult, ClearResult, ClipboardMethod, CopyResult, CredentialEvent, CredentialTask,
    HttpExchange, RegionCheckResult, SecretEvent, StoreTask, TaskEvent, TaskId, TaskReport,
};

impl App {
    pub(super) fn take_report(&mut self, report: TaskReport, now: Now) -> Vec<Effect> {
        let TaskReport { task, event } = report;
        match event {
            TaskEvent::Progress { done, total } => self.activity.progress(task, done, total),
            TaskEvent::Credential(event) => self.take_keyring(task, event, now),
            TaskEvent::Secret(event) => self.take_secret(task, event, now),
            TaskEvent::Checked { credential, region, check } => {
                self.regions.record(&credential, &region, &check);
                if let Some(grid) = self.dialogs.verdicts() {
                    grid.record(&credential, RegionCheckResult { region: region.clone(), check: check.clone() });
                }
                if self.credentials.get(&credential).is_some_and(|known| known.region == region) {
                    self.credentials.record(&credential, check, now.wall);
                }
            }
            TaskEvent::ResponseReceived(exchange) => {
                for kept in exchange.captured.iter().filter_map(|minted| minted.stored.as_deref()) {
                    self.credentials.put(kept.clone(), now.wall);
                }
                if self.console.waits_for(task) {
                    return self.take_answer(*exchange, now);
                }
            }
            TaskEvent::Console(event) => return self.take_console(task, event, now),
            TaskEvent::Store(state) => self.activity.store = Some(state),
            TaskEvent::Diagnosed(found) => self.dialogs.surveyed(task, found),
            TaskEvent::Rotation(event) => return self.take_rotation(task, event, now),
            TaskEvent::SignIn(event) => return self.take_sign_in(task, event, now),
            TaskEvent::Done => return self.done(task, now),
            TaskEvent::Failed(problem) => return self.failed(task, problem, now),
            TaskEvent::Canceled => return self.cancelled(task, now),
        }
        Vec::new()
    }

    fn take_answer(&mut self, exchange: HttpExchange, now: Now) -> Vec<Effect> {
        self.offer_repetition(&exchange);
        let exchange = Arc::new(exchange);
        let study = self.learn(&exchange);
        let later = self.activity.quiet();
        let large = self.console.answer(exchange, now, later);
        if self.dialogs.is_empty()
            && let Some((at, minted)) = self.console.answered().and_then(Answered::loose)
        {
            let asked = Asked::of_secret(at, minted);
            self.dialogs.push(Dialog::Ask(Box::new(Ask::new(asked))));
        }
        large.map(|large| Effect::LayOut(later, large)).into_iter().chain(study).collect()
    }

    /// Asks whether a request that may change something is to be sent again, where only its access token may have ended.
    fn offer_repetition(&mut self, exchange: &HttpExchange) {
        let Some(credential) = self.credentials.get(&exchange.credential) else { return };
        let kind = self.catalogue.kind(&credential.provider, &credential.kind);
        let left = |kind: &CredentialKind| kind.authorization.needs_manual_retry(exchange.draft.method, exchange.response.status);
        if kind.is_ok_and(left) {
            self.open_repeat_question(exchange);
        }
    }

    /// Remembers what an answer lists for the placeholders of further requests. A large one is searched elsewhere.
    fn learn(&mut self, exchange: &Arc<HttpExchange>) -> Option<Effect> {
        self.console.learned.forget_here();
        let provider = self.credentials.get(&exchange.credential)?.provider.clone();
        let study = Study { exchange: Arc::clone(exchange), catalogue: Arc::clone(&self.catalogue), provider };
        if study.size() > STUDIED_AT_ONCE {
            self.console.studied = Some(Arc::clone(exchange));
            return Some(Effect::Study(study));
        }
        self.console.learned.take(&exchange.credential, study.run());
        None
    }

    /// An answer has been searched, if it is still the one that is shown.
    pub(super) fn take_lore(&mut self, exchange: &Arc<HttpExchange>, lore: Lore) {
        if self.console.answered().is_some_and(|answered| Arc::ptr_eq(&answered.exchange, exchange)) {
            self.console.studied = None;
            self.console.learned.take(&exchange.credential, lore);
            self.console.go_to_list();
        }
    }

    fn take_keyring(&mut self, task: TaskId, event: CredentialEvent, now: Now) {
        match event {
            CredentialEvent::Loaded(all) => self.credentials.load(all, now.wall),
            CredentialEvent::Changed(credential) => {
                let id = credential.id.clone();
                let is_new = self.credentials.get(&id).is_none();
                self.credentials.put(*credential, now.wall);
                if is_new {
                    self.credentials.select_id(Some(&id));
                    self.tell_if_hidden(&id, now);
                }
                // What was asked for is there; whatever else the task does needs no dialog.
                self.dialogs.done(task);
            }
            CredentialEvent::AccessToken(id, life) => {
                if self.selected().is_some_and(|selected| selected.id == id) {
                    self.detail.set_access_token(life);
                }
            }
            CredentialEvent::ImportCandidates(finds) => self.open_welcome(&finds),
            CredentialEvent::Classified(name, classified) => self.take_classified(&name, *classified, now),
            CredentialEvent::Removed(id) => {
                let text = format!("{} is gone and its secret is wiped; that cannot be taken back", self.called(&id));
                self.credentials.remove(&id, now.wall);
                self.activity.say(Tone::Good, text, now.instant);
            }
            CredentialEvent::RegionChecks(_, checks) => self.regions.load(task, checks),
            CredentialEvent::AllChecks(checks) => {
                if let Some(grid) = self.dialogs.verdicts() {
                    grid.load(checks);
                }
            }
            identified @ CredentialEvent::Identified { .. } => self.dialogs.identified(task, identified),
        }
        self.find_twins();
    }

    /// A new credential that the filter keeps out of the list would seem not to be there.
    fn tell_if_hidden(&mut self, id: &CredentialId, now: Now) {
        if self.selected().is_none_or(|selected| selected.id != *id) {
            let text = format!("{} is in the keyring; the filter hides it", self.called(id));
            self.activity.say(Tone::Warn, text, now.instant);
        }
    }

    /// Says who a new credential is, or why that is not known.
    fn take_classified(&mut self, name: &CredentialName, classified: Result<ClassificationResult, Problem>, now: Now) {
        let (tone, text) = match &classified {
            Ok(told) if told.check.result == CheckResult::Accepted => (Tone::Good, told.summary_lines().join("; ")),
            Ok(told) => (Tone::Warn, told.summary_lines().join("; ")),
            Err(problem) => (Tone::Warn, format!("kept, but not asked about: {}", problem.what)),
        };
        if let Ok(told) = classified {
            let ClassificationResult { credential, check } = told;
            self.regions.record(&credential.id, &credential.region, &check);
            self.credentials.put(credential, now.wall);
        }
        let name = if self.stage.audience == Audience::Others { "New credential" } else { name.as_str() };
        self.activity.say(tone, format!("{name}: {text}"), now.instant);
    }

    fn take_secret(&mut self, task: TaskId, event: SecretEvent, now: Now) {
        match event {
            SecretEvent::Revealed(id, secret) => {
                self.detail.show(task, id, secret, now.instant + self.preferences.reveal);
            }
            SecretEvent::Copied(copied) => {
                if copied.clear_after_seconds.is_some() {
                    self.activity.settle(task, State::Tidying);
                }
                let tone = if copied.verified { Tone::Good } else { Tone::Warn };
                self.activity.say(tone, describe(&copied), now.instant);
            }
            SecretEvent::Cleared(ClearResult::Cleared) => self.activity.say(Tone::Good, "Clipboard cleared", now.instant),
            SecretEvent::Cleared(ClearResult::ContentReplaced) => {
                self.activity.say(Tone::Good, "Clipboard holds something else by now; left alone", now.instant);
            }
            SecretEvent::Cleared(ClearResult::Unsupported) => {
                self.activity.say(
                    Tone::Warn,
                    "This way of copying cannot be cleared: overwrite the clipboard yourself",
                    now.instant,
                );
            }
        }
    }

    /// A task that a person started ended well. A store that could not be used before may have been opened by it.
    fn done(&mut self, task: TaskId, now: Now) -> Vec<Effect> {
        let Some(entry) = self.activity.entry_mut(task) else { return Vec::new() };
        entry.state = State::Done(now.instant.saturating_duration_since(entry.started));
        self.changed(task, now);
        self.dialogs.done(task);
        if self.activity.store.as_ref().is_some_and(|store| store.problem.is_some()) {
            return vec![self.start_quietly(BackgroundTask::Store(StoreTask::Status)).1];
        }
        Vec::new()
    }

    /// A failure is shown where it is waited for; a store that failed is asked how it is.
    fn failed(&mut self, task: TaskId, problem: Problem, now: Now) -> Vec<Effect> {
        let title = self.activity.entry_mut(task).map(|entry| {
            entry.state = State::Failed(problem.clone());
            entry.title.clone()
        });
        self.unchanged(task);
        self.console.shelf.take_if(|(waiting, _)| *waiting == task);
        let store_failed = problem.class == crate::domain::problem::ProblemClass::Store;
        let asked = self.detail.waits_for(task);
        let mut effects = Vec::new();
        if self.dialogs.sign_in(task).is_some() {
            self.dialogs.sign_in_failed(task, problem);
        } else if self.dialogs.wizard(task).is_some() {
            effects = self.broke(task, Some(problem), now);
        } else if self.console.waits_for(task) {
            self.console.fail(problem);
        } else if let Some(problem) = self.dialogs.failed(task, problem) {
            let title = title.or_else(|| asked.then(|| "Show the secret".to_owned()));
            self.report_failure(title, problem, now);
        }
        if asked {
            self.detail.mask();
        }
        effects.extend(store_failed.then(|| self.start_quietly(BackgroundTask::Store(StoreTask::Status)).1));
        effects
    }

    /// Nobody waits for it: says so in a dialog, or in the footer where a dialog is open already. What was started
    /// quietly fails quietly, since the screen goes on without it.
    fn report_failure(&mut self, title: Option<String>, problem: Problem, now: Now) {
        match title {
            None => self.activity.say(Tone::Bad, problem.what, now.instant),
            Some(title) if self.dialogs.is_empty() => self.show_problem(title, problem),
            Some(title) => self.activity.say(Tone::Bad, format!("{title}: {}", problem.what), now.instant),
        }
    }

    fn cancelled(&mut self, task: TaskId, now: Now) -> Vec<Effect> {
        self.activity.settle(task, State::Cancelled);
        self.unchanged(task);
        self.console.shelf.take_if(|(waiting, _)| *waiting == task);
        if self.console.waits_for(task) {
            self.console.cancel();
        }
        if self.detail.waits_for(task) {
            self.detail.mask();
        }
        self.dialogs.cancelled(task);
        self.activity.say(Tone::Warn, "Cancelled", now.instant);
        self.broke(task, None, now)
    }

    /// The wizard that this task belonged to asks the journal what has happened; by then, what the keyring knows may
    /// have changed as well.
    fn broke(&mut self, task: TaskId, problem: Option<Problem>, now: Now) -> Vec<Effect> {
        if let Some(wizard) = self.dialogs.forget_hidden(task) {
            let key = self.preferences.keys.way_to(Action::Credential(CredentialAction::Rotate));
            let text = format!("{} has stopped; {key} takes it up", wizard.heading());
            self.activity.say(Tone::Warn, text, now.instant);
            return vec![self.start_quietly(BackgroundTask::Credential(CredentialTask::Load)).1];
        }
        let Some(wizard) = self.dialogs.wizard(task) else { return Vec::new() };
        let then = wizard.broke(problem);
        let mut effects = self.look(then);
        if !effects.is_empty() {
            effects.push(self.start_quietly(BackgroundTask::Credential(CredentialTask::Load)).1);
        }
        effects
    }
}

/// What happened to the clipboard, no more certain than it is.
fn describe(copied: &CopyResult) -> String {
    let way = match copied.method {
        ClipboardMethod::Native => "the clipboard",
        ClipboardMethod::Tmux => "tmux's buffer",
        ClipboardMethod::Osc52 => "the terminal (OSC 52)",
    };
    let verb = if copied.verified { "Copied to" } else { "Sent to" };
    let doubt = if copied.verified { "" } else { "; whether it took it cannot be known" };
    match copied.clear_after_seconds {
        Some(seconds) => format!("{verb} {way}{doubt}; cleared in {seconds} s"),
        None => format!("{verb} {way}{doubt}"),
    }
}
