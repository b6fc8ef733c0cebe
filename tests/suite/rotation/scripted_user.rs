//! A scripted user who answers the prompts of a rotation.

use std::sync::Mutex;

use async_trait::async_trait;
use tokenring::domain::Secret;
use tokenring::engine::prompt::{PromptMessage, PromptReply, RotationPrompt, UserPrompter};
use tokenring::engine::rotation::UserDecision;

use super::rig::RotationRig;

/// A scripted user.
pub(super) struct ScriptedUser<'a> {
    rig: &'a RotationRig,
    /// Name of the seeded credential whose page the user opens.
    name: String,
    /// Text that the user pastes by mistake, once.
    mistake: Mutex<Option<String>>,
    /// New secret that the user has copied on the provider's page.
    clipboard: Mutex<Option<String>>,
    /// All prompts so far.
    pub prompts: Mutex<Vec<RotationPrompt>>,
    /// SHA-256 of the secret that the user revokes on the page when asked to.
    revoked_on_page: Mutex<Option<String>>,
    /// Whether the user denies the next sign-in.
    denies_sign_in: Mutex<bool>,
    /// Whether the browser is on another machine.
    browser_elsewhere: bool,
    /// Whether the user never opens a sign-in page.
    never_visits: bool,
    /// Decisions that the user prefers to all others, in this order.
    pub preferred: Mutex<Vec<UserDecision>>,
}

impl<'a> ScriptedUser<'a> {
    pub(super) fn new(rig: &'a RotationRig, name: &str) -> Self {
        Self {
            rig,
            name: name.to_owned(),
            mistake: Mutex::default(),
            clipboard: Mutex::default(),
            prompts: Mutex::default(),
            revoked_on_page: Mutex::default(),
            denies_sign_in: Mutex::default(),
            browser_elsewhere: false,
            never_visits: false,
            preferred: Mutex::default(),
        }
    }

    /// Pastes another text first.
    pub(super) fn pastes_first(self, secret: &str) -> Self {
        *self.mistake.lock().unwrap() = Some(secret.to_owned());
        self
    }

    /// Revokes this secret on the page when asked to.
    pub(super) fn revokes(self, sha256: Option<&String>) -> Self {
        *self.revoked_on_page.lock().unwrap() = sha256.cloned();
        self
    }

    /// Chooses this decision as soon as it is offered, before all others.
    pub(super) fn decides(self, decision: UserDecision) -> Self {
        self.preferred.lock().unwrap().push(decision);
        self
    }

    /// Denies the sign-in, once.
    pub(super) fn denies(self) -> Self {
        *self.denies_sign_in.lock().unwrap() = true;
        self
    }

    /// Pastes the callback address (after a wrong one) instead of opening it in the browser.
    pub(super) fn browsing_elsewhere(mut self) -> Self {
        self.browser_elsewhere = true;
        self
    }

    /// Never opens a sign-in page.
    pub(super) fn never_visits(mut self) -> Self {
        self.never_visits = true;
        self
    }

    /// Allows the sign-in on the page and opens the callback.
    async fn visit_consent_page(&self, prompt: &RotationPrompt) -> Option<PromptReply> {
        let decision = if std::mem::take(&mut *self.denies_sign_in.lock().unwrap()) {
            "deny"
        } else {
            "allow"
        };
        let pasted = |text: &str| Some(PromptReply::Pasted(Secret::from_text(text.to_owned())));
        if self.browser_elsewhere && prompt.message.detail.is_empty() {
            return pasted(prompt.awaited_callback.as_ref()?.callback.as_str());
        }
        let back = self.rig.press_consent_button(prompt.page.as_deref()?, decision).await;
        if self.browser_elsewhere {
            return pasted(back.as_str());
        }
        self.rig.open_callback(back).await;
        // The task that waits for the callback gets the response.
        std::future::pending().await
    }

    async fn paste(&self) -> Option<PromptReply> {
        if let Some(mistake) = self.mistake.lock().unwrap().take() {
            return Some(PromptReply::Pasted(Secret::from_text(mistake)));
        }
        if self.clipboard.lock().unwrap().is_none() {
            let made = self.rig.create_on_page(&self.name).await;
            *self.clipboard.lock().unwrap() = made;
        }
        self.clipboard
            .lock()
            .unwrap()
            .clone()
            .map(|copied| PromptReply::Pasted(Secret::from_text(copied)))
    }

    fn preferred_decision(&self, prompt: &RotationPrompt) -> Option<UserDecision> {
        let open = |wanted: &dyn Fn(&UserDecision) -> bool| {
            prompt.choices.iter().map(|choice| &choice.decision).find(|one| wanted(one)).cloned()
        };
        let mut first = self.preferred.lock().unwrap();
        if let Some(place) = first.iter().position(|request| open(&|one| one == request).is_some())
        {
            return Some(first.remove(place));
        }
        // If a new secret is refused again, the user creates another one.
        let refused =
            self.prompts.lock().unwrap().iter().filter(|asked| asked.step == "verify").count();
        if prompt.step == "verify"
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
                    .filter(|_| prompt.step.starts_with("discard"))
            })
            .or_else(|| {
                open(&|one| *one == UserDecision::RollBack).filter(|_| prompt.step == "create")
            })
            .or_else(|| open(&|one| matches!(one, UserDecision::Retry)))
    }
}

#[async_trait]
impl UserPrompter for ScriptedUser<'_> {
    async fn confirm(&self, _question: &PromptMessage) -> bool {
        true
    }

    async fn read_secret(&self, _question: &PromptMessage) -> Option<Secret> {
        None
    }

    async fn decide(&self, prompt: &RotationPrompt) -> Option<PromptReply> {
        self.prompts.lock().unwrap().push(prompt.clone());
        assert!(self.prompts.lock().unwrap().len() < 60, "too many prompts: {prompt:#?}");
        if prompt.awaited_callback.is_some() && self.never_visits {
            return std::future::pending().await;
        }
        if prompt.awaited_callback.is_some() {
            return self.visit_consent_page(prompt).await;
        }
        match self.preferred_decision(prompt) {
            Some(decision) if !prompt.accepts_paste => {
                let revoked_on_page = self.revoked_on_page.lock().unwrap().clone();
                if let (UserDecision::RevokedManually, Some(revoked_on_page)) =
                    (&decision, revoked_on_page)
                {
                    self.rig.revoke_on_page(&revoked_on_page).await;
                }
                Some(PromptReply::Decided(decision))
            }
            // A user who cannot create what is asked for gives up.
            _ if prompt.accepts_paste => self.paste().await.or_else(|| {
                let can_roll_back =
                    prompt.choices.iter().any(|one| one.decision == UserDecision::RollBack);
                can_roll_back.then_some(PromptReply::Decided(UserDecision::RollBack))
            }),
            _ => None,
        }
    }
}
