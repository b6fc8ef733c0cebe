//! A scripted user who answers the prompts of a rotation.

use std::sync::Mutex;

use async_trait::async_trait;
use tokenring::domain::Secret;
use tokenring::engine::prompt::{PromptMessage, PromptReply, RotationPrompt, UserPrompter};
use tokenring::engine::rotation::UserDecision;

use super::rig::Rig;

/// A scripted user.
pub(super) struct Person<'a> {
    rig: &'a Rig,
    /// Name of the seeded credential whose page the user opens.
    name: String,
    /// Text that the user pastes by mistake, once.
    mistake: Mutex<Option<String>>,
    /// New secret that the user has copied on the provider's page.
    clipboard: Mutex<Option<String>>,
    /// All prompts so far.
    pub asked: Mutex<Vec<RotationPrompt>>,
    /// SHA-256 of the secret that the user revokes on the page when asked to.
    doomed: Mutex<Option<String>>,
    /// Whether the user denies the next sign-in.
    no: Mutex<bool>,
    /// Whether the browser is on another machine.
    elsewhere: bool,
    /// Whether the user never opens a sign-in page.
    away: bool,
    /// Decisions that the user prefers to all others, in this order.
    pub first: Mutex<Vec<UserDecision>>,
}

impl<'a> Person<'a> {
    pub(super) fn new(rig: &'a Rig, name: &str) -> Self {
        Self {
            rig,
            name: name.to_owned(),
            mistake: Mutex::default(),
            clipboard: Mutex::default(),
            asked: Mutex::default(),
            doomed: Mutex::default(),
            no: Mutex::default(),
            elsewhere: false,
            away: false,
            first: Mutex::default(),
        }
    }

    /// Pastes another text first.
    pub(super) fn mistakes(self, secret: &str) -> Self {
        *self.mistake.lock().unwrap() = Some(secret.to_owned());
        self
    }

    /// Revokes this secret on the page when asked to.
    pub(super) fn revokes(self, sha256: Option<&String>) -> Self {
        *self.doomed.lock().unwrap() = sha256.cloned();
        self
    }

    /// Chooses this decision as soon as it is offered, before all others.
    pub(super) fn says(self, saying: UserDecision) -> Self {
        self.first.lock().unwrap().push(saying);
        self
    }

    /// Denies the sign-in, once.
    pub(super) fn denies(self) -> Self {
        *self.no.lock().unwrap() = true;
        self
    }

    /// Pastes the callback address (after a wrong one) instead of opening it in the browser.
    pub(super) fn browsing_elsewhere(mut self) -> Self {
        self.elsewhere = true;
        self
    }

    /// Never opens a sign-in page.
    pub(super) fn away(mut self) -> Self {
        self.away = true;
        self
    }

    /// Allows the sign-in on the page and opens the callback.
    async fn visit(&self, dilemma: &RotationPrompt) -> Option<PromptReply> {
        let decision = if std::mem::take(&mut *self.no.lock().unwrap()) { "deny" } else { "allow" };
        let pasted = |text: &str| Some(PromptReply::Pasted(Secret::from_text(text.to_owned())));
        if self.elsewhere && dilemma.message.detail.is_empty() {
            return pasted(dilemma.awaited_callback.as_ref()?.callback.as_str());
        }
        let back = self.rig.decide(dilemma.page.as_deref()?, decision).await;
        if self.elsewhere {
            return pasted(back.as_str());
        }
        self.rig.arrive(back).await;
        // The task that waits for the callback gets the response.
        std::future::pending().await
    }

    async fn paste(&self) -> Option<PromptReply> {
        if let Some(mistake) = self.mistake.lock().unwrap().take() {
            return Some(PromptReply::Pasted(Secret::from_text(mistake)));
        }
        if self.clipboard.lock().unwrap().is_none() {
            let made = self.rig.by_hand(&self.name).await;
            *self.clipboard.lock().unwrap() = made;
        }
        self.clipboard
            .lock()
            .unwrap()
            .clone()
            .map(|copied| PromptReply::Pasted(Secret::from_text(copied)))
    }

    fn prefer(&self, dilemma: &RotationPrompt) -> Option<UserDecision> {
        let open = |wanted: &dyn Fn(&UserDecision) -> bool| {
            dilemma.choices.iter().map(|choice| &choice.decision).find(|one| wanted(one)).cloned()
        };
        let mut first = self.first.lock().unwrap();
        if let Some(place) = first.iter().position(|wish| open(&|one| one == wish).is_some()) {
            return Some(first.remove(place));
        }
        // If a new secret is refused again, the user creates another one.
        let refused =
            self.asked.lock().unwrap().iter().filter(|asked| asked.step == "verify").count();
        if dilemma.step == "verify"
            && refused > 1
            && open(&|one| *one == UserDecision::CreateAnother).is_some()
        {
            *self.clipboard.lock().unwrap() = None;
            return Some(UserDecision::CreateAnother);
        }
        let fields = self.rig.sandbox.manifest().credential(&self.name).unwrap().fields.clone();
        let known = fields.get("pat_id").cloned().unwrap_or_default();
        open(&|one| *one == UserDecision::SelectedOld(known.clone()))
            .or_else(|| open(&|one| matches!(one, UserDecision::Override(_))))
            .or_else(|| open(&|one| matches!(one, UserDecision::RevokedManually)))
            .or_else(|| {
                open(&|one| matches!(one, UserDecision::Skip(_)))
                    .filter(|_| dilemma.step.starts_with("discard"))
            })
            .or_else(|| {
                open(&|one| *one == UserDecision::RollBack).filter(|_| dilemma.step == "create")
            })
            .or_else(|| open(&|one| matches!(one, UserDecision::Retry)))
    }
}

#[async_trait]
impl UserPrompter for Person<'_> {
    async fn confirm(&self, _question: &PromptMessage) -> bool {
        true
    }

    async fn read_secret(&self, _question: &PromptMessage) -> Option<Secret> {
        None
    }

    async fn decide(&self, dilemma: &RotationPrompt) -> Option<PromptReply> {
        self.asked.lock().unwrap().push(dilemma.clone());
        assert!(self.asked.lock().unwrap().len() < 60, "asked without end: {dilemma:#?}");
        if dilemma.awaited_callback.is_some() && self.away {
            return std::future::pending().await;
        }
        if dilemma.awaited_callback.is_some() {
            return self.visit(dilemma).await;
        }
        match self.prefer(dilemma) {
            Some(saying) if !dilemma.accepts_paste => {
                let doomed = self.doomed.lock().unwrap().clone();
                if let (UserDecision::RevokedManually, Some(doomed)) = (&saying, doomed) {
                    self.rig.revoke_by_hand(&doomed).await;
                }
                Some(PromptReply::Decided(saying))
            }
            _ if dilemma.accepts_paste => self.paste().await,
            _ => None,
        }
    }
}
