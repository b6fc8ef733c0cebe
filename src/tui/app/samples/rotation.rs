//! Test samples for rotations: plans, steps, prompts and summaries.

use super::credentials;
use crate::domain::credential::SecretPart;
use crate::domain::provider::ProviderCatalog;
use crate::domain::rotation::{
    PlanRequest, ProgressLine, RollbackEffect, RotationId, RotationPhase, RotationPlan,
    RotationPurpose, RotationStatus, StepStatus, UserDecision,
};
use crate::engine::background::protocol::{
    AlternativeAdministrator, AwaitedCallback, FailedRevocation, PromptChoice, PromptMessage,
    RotationPrompt, RotationSummary,
};

/// Returns the plan for an OAuth service account.
pub(crate) fn plan() -> RotationPlan {
    plan_for("service-account-oauth")
}

/// Returns the plan for a credential of this kind, of Snyk or of its apps.
pub(crate) fn plan_for(kind: &str) -> RotationPlan {
    let catalog = ProviderCatalog::builtin();
    let credential = &credentials()[0];
    let rotation = RotationId::from_random([7; 8]);
    let kind = ["snyk", "snyk-apps"]
        .into_iter()
        .find_map(|provider| catalog.kind(provider, kind).ok())
        .expect("a kind");
    let (part, replacement, consumers) =
        (SecretPart::Secret, &kind.rotation, vec!["ci".to_owned()]);
    let purpose = RotationPurpose::Replace;
    RotationPlan::new(PlanRequest {
        rotation,
        purpose,
        credential,
        kind,
        part,
        replacement,
        consumers,
        check_request: "GET /rest/self".to_owned(),
        administrator: None,
    })
}

/// Returns a progress line.
pub(crate) fn line(step: &str, state: StepStatus, detail: &str) -> ProgressLine {
    ProgressLine {
        rotation: "r1".to_owned(),
        step: step.to_owned(),
        state,
        detail: detail.to_owned(),
    }
}

/// Returns the status of a rotation in this phase.
pub(crate) fn status(state: RotationPhase) -> RotationStatus {
    RotationStatus {
        id: plan().rotation.to_string(),
        credential: plan().credential,
        name: "ci-scanner".to_owned(),
        purpose: RotationPurpose::Replace,
        part: "secret".to_owned(),
        plan: "a plan".to_owned(),
        state,
        step: Some("create".to_owned()),
        next: "Check whether the provider created the new secret".to_owned(),
        manual_steps: Vec::new(),
        why: None,
        notes: Vec::new(),
        rollback: RollbackEffect::UndoesChanges,
    }
}

/// Returns the summary of a rotation that stopped while its new secret was being created.
pub(crate) fn review(rollback: RollbackEffect) -> RotationSummary {
    let done = |step: &str, words: &str| line(step, StepStatus::Done, words);
    let lines = vec![
        done("prove-store", "Verify that the store can write and read back"),
        done("snapshot", "Record the old secret's identity and access"),
        line("create", StepStatus::Running, "Create the new secret at the provider"),
    ];
    RotationSummary {
        plan: plan(),
        lines,
        status: RotationStatus { rollback, ..status(RotationPhase::Running) },
    }
}

/// Returns a prompt with these choices.
pub(crate) fn rotation_prompt(choices: &[UserDecision]) -> RotationPrompt {
    let choice = |saying: &UserDecision| PromptChoice {
        title: "A choice".to_owned(),
        decision: saying.clone(),
    };
    RotationPrompt {
        rotation: plan().rotation.to_string(),
        step: "verify".to_owned(),
        message: PromptMessage {
            title: "Choose how to continue".to_owned(),
            detail: String::new(),
            required_word: None,
        },
        page: None,
        accepts_paste: false,
        awaited_callback: None,
        choices: choices.iter().map(choice).collect(),
        failed_revocation: None,
    }
}

/// Returns a prompt for a new secret.
pub(crate) fn paste_prompt() -> RotationPrompt {
    let title = "Create a new secret, name it tokenring-r1-1 if the provider asks for a name, and paste it here. Press \"Revoke & Regenerate\".";
    let choices =
        vec![PromptChoice { title: "Roll back".to_owned(), decision: UserDecision::RollBack }];
    RotationPrompt {
        step: "await-paste".to_owned(),
        message: PromptMessage {
            title: title.to_owned(),
            detail: "No overlap: the old secret stops working at once.".to_owned(),
            required_word: None,
        },
        page: Some("https://app.snyk.io/account".to_owned()),
        accepts_paste: true,
        choices,
        ..rotation_prompt(&[])
    }
}

/// Returns a prompt about a revocation that the provider refused.
pub(crate) fn failed_revocation_prompt() -> RotationPrompt {
    let choice = |title: &str, decision| PromptChoice { title: title.to_owned(), decision };
    let why = "403 Forbidden: missing permission org.service_account.delete";
    let administrator = &credentials()[2];
    RotationPrompt {
        step: "await-revoke".to_owned(),
        message: PromptMessage {
            title: format!("The provider refused the revocation ({why})"),
            detail: String::new(),
            required_word: None,
        },
        page: Some("https://app.eu.snyk.io/org/acme-prod/manage/service-accounts".to_owned()),
        choices: vec![
            choice("I have revoked the old secret", UserDecision::RevokedManually),
            choice("Try again", UserDecision::Retry),
            choice("Roll back", UserDecision::RollBack),
        ],
        failed_revocation: Some(FailedRevocation {
            provider: "Snyk".to_owned(),
            why: why.to_owned(),
            is_refusal: true,
            consequence:
                "The new secret is in use. Unless the old one is revoked, it keeps working."
                    .to_owned(),
            instructions: "Delete the old secret of the service account.".to_owned(),
            administrators: vec![AlternativeAdministrator {
                id: administrator.id.clone(),
                name: administrator.name.clone(),
            }],
        }),
        ..rotation_prompt(&[])
    }
}

/// Returns a prompt to sign in again.
pub(crate) fn sign_in_prompt() -> RotationPrompt {
    let page = "https://app.eu.snyk.io/oauth2/authorize?response_type=code&client_id=7b7dbf4e-8b34-4e57-a89c-1ab458532b73\
        &state=zc5evjTfDD6VjH4CYva02g&code_challenge=QSI3HPtOcn0XgnINl1ssSylSofx35c7_3fLx6I0kp8o&code_challenge_method=S256\
        &redirect_uri=http%3A%2F%2F127.0.0.1%3A43991%2Fcallback";
    let callback = url::Url::parse("http://127.0.0.1:43991/callback").expect("a URL");
    let title = "Sign in again in the browser, as the same user as before".to_owned();
    RotationPrompt {
        step: "await-sign-in".to_owned(),
        message: PromptMessage { title, detail: String::new(), required_word: None },
        page: Some(page.to_owned()),
        awaited_callback: Some(AwaitedCallback {
            callback,
            timeout: std::time::Duration::from_secs(120),
            until: time::macros::datetime!(2026-11-22 12:02 UTC),
        }),
        ..paste_prompt()
    }
}
