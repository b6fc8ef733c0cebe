//! A rotation in words: for the list of rotations, and line by line as it goes.

use serde::Serialize;

use super::journal::{Entry, Failure, FailureKind, Finding, Journal, Outcome, Saying, Trail};
use super::machine::{self, Ending, Next};
use super::plan::Plan;
use super::purpose::Purpose;
use super::remote::RotationId;
use super::step::Step;

/// Where a rotation stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The rotation's id.
    pub id: String,
    /// The name of the credential.
    pub name: String,
    /// What it is for.
    pub purpose: Purpose,
    /// Which part of the secret material it is about: `secret`, or the part's id.
    pub part: String,
    /// How it is done, in words.
    pub plan: String,
    /// Where it stands.
    pub state: State,
    /// The step at which it stands; `None` once it is over.
    pub step: Option<String>,
    /// What happens next, in words.
    pub next: String,
    /// What is left for a person to do; empty where nothing is.
    pub left: Vec<String>,
    /// Why nothing came of it, where the provider refused it.
    pub why: Option<String>,
}

/// The states of a rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// The program has something to do.
    Running,
    /// A person has something to do.
    NeedsHuman,
    /// What it is for has been achieved.
    Done,
    /// Everything is as it was.
    RolledBack,
}

/// One line of progress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The rotation's id.
    pub rotation: String,
    /// The step's id.
    pub step: String,
    /// What has become of it.
    pub state: LineState,
    /// More in words.
    pub detail: String,
}

/// What has become of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LineState {
    /// It will be taken.
    Planned,
    /// It is being taken.
    Running,
    /// It was taken.
    Done,
    /// It was not.
    Failed,
    /// It waits, for time or for a person.
    Waiting,
}

/// What stands at the end of a rotation that was rolled back.
const AS_IT_WAS: &str = "everything is as it was";

/// Where a rotation stands, by its journal alone.
pub fn status(journal: &Journal) -> Status {
    let plan = journal.plan();
    let next = machine::next(journal);
    Status {
        id: plan.rotation.to_string(),
        name: plan.name.to_string(),
        purpose: plan.purpose,
        part: plan.part.as_str().to_owned(),
        plan: plan.title().to_owned(),
        state: state(&next),
        step: next.step().map(|step| step.to_string()),
        next: words(plan.purpose, &next),
        left: left(journal, &next),
        why: refusal(journal, &next),
    }
}

/// The lines that show a plan.
pub fn plan_lines(plan: &Plan) -> Vec<Line> {
    let notes = plan.warning().into_iter().chain(plan.limit());
    let notes = notes.map(|note| Line::of(&plan.rotation, "plan", LineState::Planned, note));
    let steps = plan.steps.iter().map(|planned| {
        let calls = planned.calls.iter().map(|call| format!(" · {call}"));
        let last = planned.final_word.iter().map(|word| format!(" · {word}"));
        let detail = std::iter::once(planned.what.clone()).chain(calls).chain(last).collect();
        Line::of(&plan.rotation, planned.step.to_string(), LineState::Planned, detail)
    });
    notes.chain(steps).collect()
}

/// The line that shows an entry; `None` for the plan, which has lines of its own.
pub fn entry_line(plan: &Plan, entry: &Entry) -> Option<Line> {
    let (step, state, detail) = match entry {
        Entry::Planned(_) => return None,
        Entry::Intent(step) => (step.to_string(), LineState::Running, plan.purpose.words(step)),
        Entry::Done(outcome) => (outcome.step().to_string(), LineState::Done, told(plan.purpose, outcome)),
        Entry::Failed(step, failure) => (step.to_string(), LineState::Failed, failure.why.clone()),
        Entry::Reconciled(finding) => ("reconcile".to_owned(), LineState::Done, found(finding)),
        Entry::HumanSaid(saying) => ("human".to_owned(), LineState::Done, said(saying)),
    };
    Some(Line::of(&plan.rotation, step, state, detail))
}

/// The line that shows a wait or a question; `None` for what will be journaled anyway.
pub fn waiting_line(plan: &Plan, next: &Next) -> Option<Line> {
    let waits = matches!(next, Next::Ask(_) | Next::Wait { .. });
    let step = next.step().filter(|_| waits)?;
    Some(Line::of(&plan.rotation, step.to_string(), LineState::Waiting, words(plan.purpose, next)))
}

impl Status {
    /// What stands at the end, in words; `None` before it is over.
    pub const fn outcome(&self) -> Option<&'static str> {
        match self.state {
            State::Done => Some(self.purpose.achieved()),
            State::RolledBack => Some(AS_IT_WAS),
            State::Running | State::NeedsHuman => None,
        }
    }
}

impl Line {
    fn of(rotation: &RotationId, step: impl Into<String>, state: LineState, detail: String) -> Self {
        Self { rotation: rotation.to_string(), step: step.into(), state, detail }
    }
}

fn state(next: &Next) -> State {
    match next {
        Next::Ask(_) | Next::Reconcile(machine::Look::Paste { .. }) => State::NeedsHuman,
        Next::Act(_) | Next::Reconcile(_) => State::Running,
        Next::Wait { then, .. } => state(then),
        Next::Finished(Ending::Done { .. }) => State::Done,
        Next::Finished(Ending::RolledBack { .. }) => State::RolledBack,
    }
}

fn words(purpose: Purpose, next: &Next) -> String {
    match next {
        Next::Act(action) => purpose.words(&action.step()),
        Next::Reconcile(machine::Look::Creation { .. }) => "find out whether the provider has made the new secret".to_owned(),
        Next::Reconcile(machine::Look::Paste { .. }) => Step::AwaitPaste.words(),
        Next::Reconcile(machine::Look::Revocation(_)) => {
            format!("find out whether the provider has revoked {}", purpose.object())
        }
        Next::Ask(need) => need.words(),
        Next::Wait { delay, then } => format!("wait {} s, then {}", delay.as_secs(), words(purpose, then)),
        Next::Finished(Ending::Done { .. }) => format!("nothing: {}", purpose.achieved()),
        Next::Finished(Ending::RolledBack { .. }) => format!("nothing: {AS_IT_WAS}"),
    }
}

fn left(journal: &Journal, next: &Next) -> Vec<String> {
    match next {
        Next::Finished(Ending::Done { left } | Ending::RolledBack { left }) => left.clone(),
        Next::Ask(need) => machine::left(journal).into_iter().chain([need.words()]).collect(),
        _ => machine::left(journal),
    }
}

/// Why a creation came to nothing: what the provider said last about it.
fn refusal(journal: &Journal, next: &Next) -> Option<String> {
    let rolled_back = matches!(next, Next::Finished(Ending::RolledBack { .. }));
    let refused = |entry: &Entry| match entry {
        Entry::Failed(Step::Create, Failure { kind: FailureKind::Refused | FailureKind::Full, why }) => Some(why.clone()),
        _ => None,
    };
    let created = journal.plan().purpose == Purpose::Create;
    (rolled_back && created).then(|| journal.entries().iter().rev().find_map(refused)).flatten()
}

fn told(purpose: Purpose, outcome: &Outcome) -> String {
    match outcome {
        Outcome::Created(minted) | Outcome::Pasted(minted) => match &minted.remote {
            Some(remote) => format!("{} ({})", remote.label, remote.id),
            None => "the provider gives it no id".to_owned(),
        },
        Outcome::Verified { reach, .. } => {
            let seen = match reach.organisations.len() {
                1 => "1 organisation".to_owned(),
                many => format!("{many} organisations"),
            };
            format!("accepted as {} in {}, {seen}", reach.principal.name, reach.region)
        }
        Outcome::Swept(found) => format!("{} with this rotation's mark", found.len()),
        other => purpose.words(&other.step()),
    }
}

fn found(finding: &Finding) -> String {
    match finding {
        Finding::Minting(Trail::Held(_)) => "the new secret is in the store".to_owned(),
        Finding::Minting(Trail::Stray(remote)) => {
            format!("the provider made {} ({}), whose secret is lost", remote.label, remote.id)
        }
        Finding::Minting(Trail::Nothing) => "nothing was made".to_owned(),
        Finding::Minting(Trail::Unclear(why)) => format!("the provider cannot tell whether anything was made: {why}"),
        Finding::Revocation(super::journal::Fate::Gone) => "it is revoked".to_owned(),
        Finding::Revocation(super::journal::Fate::StillThere) => "it is not revoked".to_owned(),
    }
}

fn said(saying: &Saying) -> String {
    match saying {
        Saying::Retry => "try again".to_owned(),
        Saying::Skip(step) => format!("go on without: {}", step.words()),
        Saying::Override(_) => "take the new one all the same".to_owned(),
        Saying::Chose(id) => format!("the old one is {id}"),
        Saying::Removed(what) => format!("removed by hand: {what}"),
        Saying::RevokedByHand => "revoked by hand".to_owned(),
        Saying::MakeAnother => "make another one".to_owned(),
        Saying::Abort => "roll back".to_owned(),
        Saying::GoOn => "do not roll back after all".to_owned(),
    }
}
