//! Background tasks of the screen: started by id, cancelled by id, reporting through one channel.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use tokio::sync::Mutex;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::keyring::{broken_task, key_file};
use super::message::{
    CheckTask, ConsoleEvent, Event, Inquiry, KeyringEvent, KeyringTask, NewCredential, Order, Report, SecretEvent, SecretTask,
    SendTask, StoreTask, SurveyTask, Task, TaskId,
};
use super::questions::Questions;
use super::{Door, Engine, UNLOCK_WAIT};
use crate::domain::credential::SecretPart;
use crate::domain::problem::Problem;
use crate::domain::{Credential, CredentialId, Secret};
use crate::index::Database;
use crate::store::UnlockMethod;

/// How long a task that would lose something may go on when it is told to stop: less than the person who leaves waits.
const GRACE: Duration = Duration::from_millis(800);

/// The running tasks.
pub struct Tasks {
    engine: Arc<Engine>,
    reports: UnboundedSender<Report>,
    running: JoinSet<TaskId>,
    tokens: HashMap<TaskId, Tokens>,
    questions: Questions,
}

/// By which a task is told to stop: at once, or where it can be taken up again.
#[derive(Clone, Default)]
struct Tokens {
    cancel: CancellationToken,
    pause: CancellationToken,
}

/// Where one task says what it has to say, and is answered.
#[derive(Clone)]
pub(super) struct Voice {
    task: TaskId,
    reports: UnboundedSender<Report>,
    pub(super) questions: Questions,
    /// Cancelled when the task is to stop before its next step.
    pub(super) pause: CancellationToken,
    /// Locked as long as the task would lose something if it were cut short.
    unbroken: Arc<Mutex<()>>,
}

impl Tasks {
    /// No tasks yet; reports will go to `reports`.
    pub fn new(engine: Arc<Engine>, reports: UnboundedSender<Report>) -> Self {
        Self { engine, reports, running: JoinSet::new(), tokens: HashMap::new(), questions: Questions::default() }
    }

    /// Starts a task in the background. Its last report is `Done`, `Failed` or `Cancelled`.
    pub fn start(&mut self, id: TaskId, task: Task) {
        self.forget_ended();
        let Tokens { cancel, pause } = self.tokens.entry(id).or_default().clone();
        let unbroken = Arc::<Mutex<()>>::default();
        let (reports, questions) = (self.reports.clone(), self.questions.clone());
        let voice = Voice { task: id, reports, questions, pause, unbroken: Arc::clone(&unbroken) };
        let engine = Arc::clone(&self.engine);
        self.running.spawn(async move {
            let ending = tokio::select! {
                biased;
                () = given_up(&cancel, &unbroken) => Event::Cancelled,
                outcome = whole(engine.perform(task, &voice)) => outcome.map_or_else(Event::Failed, |()| Event::Done),
            };
            voice.say(ending);
            id
        });
    }

    /// Asks a task to stop; it reports `Cancelled` when it has.
    pub fn cancel(&mut self, id: TaskId) {
        if let Some(tokens) = self.tokens.get(&id) {
            tokens.cancel.cancel();
        }
    }

    /// Asks a task to stop before its next step, where it has any; it ends as if nobody had answered it.
    pub fn pause(&mut self, id: TaskId) {
        if let Some(tokens) = self.tokens.get(&id) {
            tokens.pause.cancel();
        }
    }

    /// Cancels everything, clears the clipboard if it is still ours, and waits for at most `deadline`.
    pub async fn finish(mut self, deadline: Duration) {
        self.tokens.values().for_each(|tokens| tokens.cancel.cancel());
        let ended = async {
            while self.running.join_next().await.is_some() {}
            self.engine.clear_clipboard().await
        };
        if tokio::time::timeout(deadline, ended).await.is_err() {
            tracing::warn!("tasks were still running at the end");
        }
    }

    fn forget_ended(&mut self) {
        while let Some(ended) = self.running.try_join_next() {
            if let Ok(id) = ended {
                self.tokens.remove(&id);
            }
        }
    }
}

impl Voice {
    /// The receiver is gone only when the screen is; then nobody misses the report.
    pub(super) fn say(&self, event: Event) {
        let _ = self.reports.send(Report { task: self.task, event });
    }
}

impl Engine {
    async fn perform(self: &Arc<Self>, task: Task, voice: &Voice) -> Result<(), Problem> {
        match task {
            Task::Keyring(task) => self.perform_keyring(task, voice).await,
            Task::Secret(task) => self.perform_secret(task, voice).await,
            Task::Check(task) => self.perform_check(task, voice).await,
            Task::Send(task) => self.perform_send(task, voice).await,
            Task::Console(task) => self.perform_console(task, voice).await,
            Task::Store(task) => self.perform_store(task, voice).await,
            Task::Rotation(task) => self.perform_rotation(task, voice).await,
            Task::Survey(task) => self.perform_survey(task, voice).await,
            Task::SignIn(task) => self.perform_sign_in(task, voice).await,
        }
    }

    async fn perform_keyring(&self, task: KeyringTask, voice: &Voice) -> Result<(), Problem> {
        let event = match task {
            KeyringTask::Load => KeyringEvent::Loaded(self.credentials().await?),
            KeyringTask::Identify(pasted) => self.identify_for_screen(&pasted).await?,
            KeyringTask::IdentifyFile(path) => self.identify_for_screen(&key_file(path)?).await?,
            KeyringTask::Add(new, inquiry) => return self.add_for_screen(new, inquiry, voice).await,
            KeyringTask::Edit(id, edit) => KeyringEvent::Changed(Box::new(self.edit(&id, edit).await?)),
            KeyringTask::Remove(id) => {
                self.remove(&id).await?;
                KeyringEvent::Removed(id)
            }
            KeyringTask::Finds => {
                voice.say(Event::Store(self.store_state().await));
                KeyringEvent::Found(self.finds_of_tools().await)
            }
            KeyringTask::Import(finds) => {
                for find in finds {
                    let kept = self.keep_find(&find).await?;
                    voice.say(Event::Keyring(KeyringEvent::Changed(Box::new(kept))));
                }
                return Ok(());
            }
            KeyringTask::Verdicts => KeyringEvent::Verdicts(self.with_index(Database::all_region_checks).await?),
            KeyringTask::Regions(id) => {
                self.tell_lifetime(&self.by_id(&id).await?, voice);
                let checks = self.region_checks(&id).await?;
                KeyringEvent::Regions(id, checks)
            }
        };
        voice.say(Event::Keyring(event));
        Ok(())
    }

    /// The credential is on the screen as soon as it is kept; what the provider says about it follows.
    async fn add_for_screen(&self, new: NewCredential, inquiry: Inquiry, voice: &Voice) -> Result<(), Problem> {
        let kept = self.add(new).await?;
        voice.say(Event::Keyring(KeyringEvent::Changed(Box::new(kept.clone()))));
        if inquiry == Inquiry::Ask {
            let asked = self.classify(&kept).await;
            self.tell_lifetime(&kept, voice);
            voice.say(Event::Keyring(KeyringEvent::Classified(kept.name, Box::new(asked))));
        }
        Ok(())
    }

    /// Tells how long the access token that is at hand lives, where the kind has such.
    pub(super) fn tell_lifetime(&self, credential: &Credential, voice: &Voice) {
        let kind = self.catalogue.kind(&credential.provider, &credential.kind);
        if kind.is_ok_and(|kind| kind.authorization.uses_token_exchange()) {
            let life = self.lifetime(credential);
            voice.say(Event::Keyring(KeyringEvent::AccessToken(credential.id.clone(), life)));
        }
    }

    async fn identify_for_screen(&self, pasted: &Secret) -> Result<KeyringEvent, Problem> {
        let found = self.identify(pasted)?;
        // A locked store cannot tell twins; that is no reason not to say what the secret is.
        let twins = self.twins(&found.secret).await.unwrap_or_default();
        let secret = Arc::new(found.secret);
        Ok(KeyringEvent::Identified { secret, cleaned: found.removed, candidates: found.candidates, twins })
    }

    async fn perform_secret(&self, task: SecretTask, voice: &Voice) -> Result<(), Problem> {
        match task {
            SecretTask::Reveal(id) => {
                let secret = Arc::new(self.disclosed(&id, Door::Reveal).await?);
                voice.say(Event::Secret(SecretEvent::Revealed(id, secret)));
            }
            SecretTask::Copy(id) => {
                let secret = Arc::new(self.disclosed(&id, Door::Copy).await?);
                self.copy_secret(secret, |event| voice.say(Event::Secret(event))).await?;
            }
            SecretTask::CopyText(text) => voice.say(Event::Secret(SecretEvent::Copied(self.copy_text(text).await?))),
            SecretTask::ClearClipboard => voice.say(Event::Secret(SecretEvent::Cleared(self.clear_clipboard().await?))),
        }
        Ok(())
    }

    async fn disclosed(&self, id: &CredentialId, door: Door) -> Result<Secret, Problem> {
        let credential = self.by_id(id).await?;
        self.disclose(&credential, &SecretPart::Secret, door).await
    }

    async fn perform_check(self: &Arc<Self>, task: CheckTask, voice: &Voice) -> Result<(), Problem> {
        match task {
            CheckTask::Credentials(ids) => self.check_ids(ids, voice).await,
            CheckTask::AllRegions(id) => self.probe_for_screen(&id, voice).await,
        }
    }

    async fn check_ids(self: &Arc<Self>, ids: Vec<CredentialId>, voice: &Voice) -> Result<(), Problem> {
        let wanted: std::collections::HashSet<_> = ids.into_iter().collect();
        let chosen: Vec<_> = self.credentials().await?.into_iter().filter(|known| wanted.contains(&known.id)).collect();
        let (total, mut done, mut trouble) = (chosen.len(), 0, None);
        self.check_many(chosen, |credential, outcome| {
            done += 1;
            match outcome {
                Ok(check) => voice.say(checked(credential, &credential.region, check)),
                Err(problem) => trouble = Some(problem),
            }
            voice.say(Event::Progress { done, total });
        })
        .await;
        self.tell_changed(&wanted, voice).await?;
        trouble.map_or(Ok(()), Err)
    }

    /// A check may have learned more than a verdict (principal, scheme); the screen hears of it in one go.
    async fn tell_changed(&self, ids: &std::collections::HashSet<CredentialId>, voice: &Voice) -> Result<(), Problem> {
        for credential in self.credentials().await?.into_iter().filter(|known| ids.contains(&known.id)) {
            self.tell_lifetime(&credential, voice);
            voice.say(Event::Keyring(KeyringEvent::Changed(Box::new(credential))));
        }
        Ok(())
    }

    async fn probe_for_screen(&self, id: &CredentialId, voice: &Voice) -> Result<(), Problem> {
        let credential = self.by_id(id).await?;
        let total = self.catalogue.regions(&credential.provider)?.len();
        let mut done = 0;
        self.probe(&credential, |region, check| {
            done += 1;
            voice.say(checked(&credential, region, check.clone()));
            voice.say(Event::Progress { done, total });
        })
        .await
    }

    async fn perform_send(&self, task: SendTask, voice: &Voice) -> Result<(), Problem> {
        let SendTask { credential, draft, consent, keep } = task;
        let credential = self.by_id(&credential).await?;
        self.prepare_for(&draft).await?;
        let waiting = |wait| voice.say(Event::Console(ConsoleEvent::Waits(wait)));
        // What it makes is to be kept, even if the person leaves before the answer is here.
        let _unbroken = if draft.method.is_safe() { None } else { Some(voice.unbroken.lock().await) };
        let exchange = self.send_order(&credential, Order { draft, consent, keep }, &waiting).await;
        self.tell_lifetime(&credential, voice);
        let mut exchange = exchange?;
        let kept = self.keep_unnamed(&credential, &mut exchange).await;
        voice.say(Event::Answered(Box::new(exchange)));
        kept
    }

    async fn perform_survey(&self, task: SurveyTask, voice: &Voice) -> Result<(), Problem> {
        let found = match task {
            SurveyTask::Doctor(around) => self.examine(&around).await,
            SurveyTask::Scan => self.scan(Vec::new(), |_| {}).await?.findings(),
        };
        voice.say(Event::Surveyed(found));
        Ok(())
    }

    async fn perform_store(&self, task: StoreTask, voice: &Voice) -> Result<(), Problem> {
        match task {
            StoreTask::Status => {}
            StoreTask::Unlock(None) => self.unlock(UnlockMethod::SystemPrompt, UNLOCK_WAIT).await?,
            StoreTask::Unlock(Some(passphrase)) => self.unlock(UnlockMethod::Passphrase(&passphrase), UNLOCK_WAIT).await?,
        }
        voice.say(Event::Store(self.store_state().await));
        Ok(())
    }
}

/// Ends when a task has been told to stop, and some time later where it would lose something.
async fn given_up(cancel: &CancellationToken, unbroken: &Mutex<()>) {
    cancel.cancelled().await;
    // The time is over or nothing is left to lose: it stops either way.
    let _ = tokio::time::timeout(GRACE, unbroken.lock()).await;
}

/// The outcome of work that may panic: the screen must hear of that too, or the task would seem to run for ever.
async fn whole(work: impl Future<Output = Result<(), Problem>>) -> Result<(), Problem> {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| Err(broken_task()))
}

fn checked(credential: &Credential, region: &str, check: crate::domain::credential::CheckReport) -> Event {
    Event::Checked { credential: credential.id.clone(), region: region.to_owned(), check }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_would_be_lost_has_some_time_to_end_and_no_more() {
        let (cancel, unbroken) = (CancellationToken::new(), Mutex::new(()));
        cancel.cancel();
        let held = unbroken.lock().await;
        let mut stop = std::pin::pin!(given_up(&cancel, &unbroken));
        assert!(stop.as_mut().now_or_never().is_none(), "something would be lost");
        drop(held);
        assert!(stop.now_or_never().is_some(), "nothing is left to lose");
        let _hanging = unbroken.lock().await;
        given_up(&cancel, &unbroken).await;
    }
}
