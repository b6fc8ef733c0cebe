//! Where a person is needed, and what they may answer.

use super::evidence::{MayRevoke, Target};
use super::progress::{Progress, Trouble};
use crate::domain::rotation::journal::{FailureKind, Saying};
use crate::domain::rotation::plan::Plan;
use crate::domain::rotation::purpose::Purpose;
use crate::domain::rotation::reach::Sameness;
use crate::domain::rotation::remote::Remote;
use crate::domain::rotation::step::Step;

/// A question to a person.
#[derive(Debug, PartialEq, Eq)]
pub struct HumanNeed {
    /// The step that waits for the answer.
    pub step: Step,
    /// What the rotation is for.
    pub purpose: Purpose,
    /// What is needed.
    pub need: Need,
    /// What may be answered besides what the need itself asks for (a pasted secret, a typed name).
    pub choices: Vec<Saying>,
}

/// What is needed of a person.
#[derive(Debug, PartialEq, Eq)]
pub enum Need {
    /// Make a new secret and paste it.
    Paste {
        /// How, in the provider's words.
        instructions: String,
        /// On which page; `{app}` stands for the region's web application.
        page: Option<String>,
        /// What to call it there.
        name: String,
        /// Why a person is asked, or asked again; `None` where the plan says so.
        why: Option<String>,
    },
    /// Sign in again in the browser.
    SignIn,
    /// Say which of these is the old one.
    ChooseOld(Vec<Remote>),
    /// Type the credential's name to take the new one all the same.
    Override {
        /// How it stands to the old one.
        sameness: Sameness,
        /// What must be typed.
        typed: String,
    },
    /// Revoke the old one by hand.
    Revoke {
        /// Leave to do so.
        may: MayRevoke,
        /// How, in the provider's words.
        instructions: String,
        /// On which page.
        page: Option<String>,
        /// Why the program does not; `None` where the plan says so.
        why: Option<String>,
    },
    /// Remove something at the provider by hand.
    Remove {
        /// The key under which the journal files it.
        key: String,
        /// What it is there.
        target: Target,
        /// On which page.
        page: Option<String>,
    },
    /// Make room: the provider allows no more of these.
    MakeRoom {
        /// How many it allows, where that is known.
        limit: Option<u32>,
        /// What the provider said.
        why: String,
    },
    /// The old one was revoked and still works.
    StillAlive(String),
    /// A step cannot be taken; why.
    Stuck(String),
}

/// The question that a step's trouble calls for.
pub(super) fn after(progress: &Progress<'_>, trouble: Trouble<'_>) -> HumanNeed {
    let why = trouble.failure.why.clone();
    let step = trouble.step;
    let need = match (step, trouble.failure.kind) {
        (Step::Discard(key), _) => return removal(progress, key),
        (Step::ProveDead, FailureKind::NotYet) => Need::StillAlive(why),
        (Step::Create, FailureKind::Full) => Need::MakeRoom { limit: progress.plan.max_live, why },
        _ => Need::Stuck(why),
    };
    HumanNeed::of(progress, step, need)
}

/// The question to make a new secret and paste it.
pub(super) fn paste(progress: &Progress<'_>) -> HumanNeed {
    let Plan { instructions, page, .. } = progress.plan;
    let why = progress.minting.note.or(progress.by_hand.mint).map(str::to_owned);
    let name = progress.plan.remote_name(progress.minting.next_attempt());
    HumanNeed::of(progress, &Step::AwaitPaste, Need::Paste { instructions: instructions.clone(), page: page.clone(), name, why })
}

/// The question to sign in again.
pub(super) fn sign_in(progress: &Progress<'_>) -> HumanNeed {
    HumanNeed::of(progress, &Step::AwaitSignIn, Need::SignIn)
}

/// The question to revoke the old one by hand.
pub(super) fn revocation(progress: &Progress<'_>, may: MayRevoke) -> HumanNeed {
    let Plan { instructions, page, .. } = progress.plan;
    let why = progress.by_hand.revoke.map(str::to_owned);
    HumanNeed::of(progress, &Step::AwaitRevoke, Need::Revoke { may, instructions: instructions.clone(), page: page.clone(), why })
}

/// The question to remove a stray by hand.
pub(super) fn removal(progress: &Progress<'_>, key: &str) -> HumanNeed {
    let known = progress.minting.strays.iter().find(|(other, _)| other == key).map(|(_, target)| target.clone());
    let target = known.or_else(|| progress.new.as_ref().map(|new| progress.target_of(new.minted))).unwrap_or(Target::Unnamed);
    let step = Step::Discard(key.to_owned());
    HumanNeed::of(progress, &step, Need::Remove { key: key.to_owned(), target, page: progress.plan.page.clone() })
}

impl HumanNeed {
    /// The question with the answers that are open as things stand.
    pub(super) fn of(progress: &Progress<'_>, step: &Step, need: Need) -> Self {
        let mut choices = need.own_choices();
        let retried = !matches!(need, Need::ChooseOld(_) | Need::Override { .. } | Need::Paste { why: None, .. } | Need::SignIn);
        choices.extend(retried.then_some(Saying::Retry));
        choices.extend(progress.may_skip(step).then(|| Saying::Skip(step.clone())));
        choices.extend(progress.may_make_another().then_some(Saying::MakeAnother));
        choices.extend((*step == Step::ProveOld).then_some(Saying::GoOn));
        choices.extend((!progress.is_retreating() && progress.no_return().is_none()).then_some(Saying::Abort));
        Self { step: step.clone(), purpose: progress.plan.purpose, need, choices }
    }

    /// The question in words.
    pub fn words(&self) -> String {
        let object = self.purpose.object();
        match &self.need {
            Need::Paste { instructions, why, name, .. } => {
                format!(
                    "{}make a new secret, call it {name} if it takes a name, and paste it. {instructions}",
                    preface(why.as_deref())
                )
            }
            Need::SignIn => "sign in again in the browser, as the same person as before".to_owned(),
            Need::ChooseOld(among) => format!("say which of these {} is the old one, to be revoked", among.len()),
            Need::Override { sameness, typed } => {
                format!(
                    "the new secret is not the same: {}. Type \"{typed}\" to take it all the same",
                    sameness.objections().join("; ")
                )
            }
            Need::Revoke { instructions, why, .. } => {
                format!("{}revoke {object} at the provider. {instructions}", preface(why.as_deref())).trim_end().to_owned()
            }
            Need::Remove { key, target, .. } => match target {
                Target::Remote(remote) => format!("delete {} ({}) at the provider: it is of no use", remote.label, remote.id),
                Target::Held(_) => format!("delete {key} at the provider: it is of no use"),
                Target::Unnamed => {
                    format!("delete {key} at the provider, if it is there and was made for this: nothing else knows of it")
                }
            },
            Need::MakeRoom { limit: Some(limit), why } => {
                format!("the provider allows {limit} of these at the same time ({why}): delete one that is not in use")
            }
            Need::MakeRoom { limit: None, why } => {
                format!("the provider allows no more of these ({why}): delete one that is not in use")
            }
            Need::StillAlive(why) => {
                format!("{object} was revoked but still works ({why}): keep looking, or see to it at the provider")
            }
            Need::Stuck(why) => format!("could not {}: {why}", self.purpose.words(&self.step)),
        }
    }
}

impl Need {
    fn own_choices(&self) -> Vec<Saying> {
        match self {
            Self::ChooseOld(among) => among.iter().map(|remote| Saying::Chose(remote.id.clone())).collect(),
            Self::Revoke { .. } => vec![Saying::RevokedByHand],
            Self::Remove { key, .. } => vec![Saying::Removed(key.clone())],
            _ => Vec::new(),
        }
    }
}

fn preface(why: Option<&str>) -> String {
    why.map(|why| format!("({why}) ")).unwrap_or_default()
}
