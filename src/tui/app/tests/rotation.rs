//! Tests of rotating, revoking and creating credentials: keys and task reports in, effects and
//! state out.

mod creation;
mod unfinished;

use super::*;
use crate::config::theme::StyleRole;
use crate::domain::Credential;
use crate::domain::credential::SecretPart;
use crate::domain::provider::spec::RotationStrategyId;
use crate::domain::rotation::{
    RollbackEffect, RotationPlan, RotationPurpose, RotationStatus, UserDecision,
};
use crate::engine::background::protocol::{
    CreateRequest, PromptReply, RotationDirection, RotationTarget,
};
use crate::tui::app::activity::NotificationLevel;
use crate::tui::app::samples::rotation::{
    failed_revocation_prompt, line, paste_prompt, plan, review, sign_in_prompt, status,
};
use crate::tui::app::widgets::dialog_view::{DialogRow, FieldValue};
use crate::tui::app::{BrowserAvailability, UiSettings};

const QUESTION: PromptId = PromptId(5);

impl TestSession {
    fn rotation(&mut self, task: TaskId, event: RotationEvent) -> &mut Self {
        self.report(task, TaskEvent::Rotation(event))
    }

    fn rotation_task(&mut self) -> (TaskId, RotationTask) {
        match self.task() {
            (id, BackgroundTask::Rotation(task)) => (id, task),
            _ => panic!("another task was started"),
        }
    }

    /// Opens the wizard, loads the plan and starts the rotation; returns the running task.
    fn begin(&mut self) -> TaskId {
        self.plan();
        self.press("Right Enter");
        // ci-scanner is labeled as production.
        let name = self.selected().to_owned();
        self.type_text(&name).press("Tab Enter");
        let (task, RotationTask::Run(begun)) = self.rotation_task() else {
            panic!("it did not begin")
        };
        assert_eq!(*begun, plan());
        self.rotation(task, RotationEvent::Step(line("prove-store", StepStatus::Running, "…")));
        task
    }

    fn plan(&mut self) {
        self.press("r");
        let (task, RotationTask::Plan(RotationTarget { credential, administrator: None, .. })) =
            self.rotation_task()
        else {
            panic!("no plan was asked for")
        };
        assert_eq!(Some(&credential), self.app.selected().map(|selected| &selected.id));
        self.rotation(task, RotationEvent::Planned(Box::new(plan()))).report(task, TaskEvent::Done);
    }

    /// Stops a running rotation and delivers its summary.
    fn stop(&mut self, rollback: RollbackEffect) {
        let task = self.begin();
        self.press("s");
        assert!(
            self.drain()
                .iter()
                .any(|effect| matches!(effect, UiEffect::PauseTask(id) if *id == task))
        );
        assert!(self.said().contains("Pausing after the current step"));
        self.rotation(task, RotationEvent::Finished(status(RotationState::Running)));
        let started = self.started();
        let Some((look, BackgroundTask::Rotation(RotationTask::Review(id)))) =
            started.into_iter().next()
        else {
            panic!("no task was started")
        };
        assert_eq!(id, plan().rotation.to_string());
        self.rotation(look, RotationEvent::Reviewed(Box::new(review(rollback))))
            .report(look, TaskEvent::Done);
    }

    /// Returns all text of the top dialog.
    fn said(&self) -> String {
        let view = self.app.dialogs.top().expect("a dialog").view(&self.app, self.now);
        let rows = view.head.iter().chain(&view.body).chain(&view.foot);
        let words = rows.map(|row| match row {
            DialogRow::Text(_, text) | DialogRow::Message(_, text) => text.clone(),
            DialogRow::Item(item) => format!("{} {}", item.text, item.right),
            DialogRow::Field(field) => match &field.value {
                FieldValue::Text(text, _) => format!("{} {text}", field.label),
                FieldValue::Select(titles, at) | FieldValue::Tabs(titles, at) => {
                    format!("{} {}", field.label, titles[*at])
                }
                FieldValue::Secret(held) => format!("{} {held}", field.label),
            },
            DialogRow::Buttons(buttons) => {
                buttons.iter().flat_map(|cell| ["[", cell.label.as_str(), "]"]).collect()
            }
            DialogRow::Pair(label, value) => format!("{label} {value}"),
            DialogRow::Spans(drawing) => {
                drawing.spans.iter().map(|(_, text)| text.as_str()).collect()
            }
            DialogRow::Blank | DialogRow::Secret(_) => String::new(),
        });
        words.collect::<Vec<_>>().join("\n")
    }
}

/// Returns a screen with ci-scanner selected, whose plan the samples provide.
fn ready() -> TestSession {
    let mut session = session();
    session.press("j j");
    assert_eq!(session.selected(), "ci-scanner");
    session.drain();
    session
}

#[test]
fn the_plan_comes_first_and_nothing_happens_before_begin() {
    let mut session = session();
    session.plan();
    let said = session.said();
    for part in [
        "Overlap",
        "secrets mode=create",
        "Deliver the new secret to ci",
        "Point of no return: revocation cannot be undone.",
    ] {
        assert!(said.contains(part), "{part} is missing:\n{said}");
    }
    session.press("Down PgDn Enter");
    assert!(
        session.app.dialogs.is_empty() && session.started().is_empty(),
        "the focus is on Cancel"
    );
}

#[test]
fn another_administrator_means_another_plan() {
    let mut session = ready();
    session.plan();
    session.press("S-Tab S-Tab Right");
    let (_, RotationTask::Plan(RotationTarget { administrator, .. })) = session.rotation_task()
    else {
        panic!("no other plan")
    };
    assert_eq!(administrator, Some(id(2)), "the other credential of that region");
    session.press("Tab Tab Right Enter");
    assert!(session.started().is_empty(), "what is being planned cannot begin");
}

#[test]
fn steps_are_followed_to_the_end() {
    let mut session = ready();
    let task = session.begin();
    assert!(session.said().contains("can write and read back running"));
    session.rotation(
        TaskId(task.0 + 100),
        RotationEvent::Step(line("create", StepStatus::Done, "of another task")),
    );
    assert!(!session.said().contains("of another task"));
    session.rotation(task, RotationEvent::Step(line("prove-store", StepStatus::Done, "…")));
    session.rotation(task, RotationEvent::Step(line("create", StepStatus::Failed, "503")));
    assert!(session.said().contains("Create the new secret at the provider failed\n  503"));
    session
        .rotation(task, RotationEvent::Finished(status(RotationState::Done)))
        .report(task, TaskEvent::Done);
    assert!(session.said().contains("Done: the new secret") && session.said().contains("[Close]"));
    session.press("Enter");
    assert!(session.app.dialogs.is_empty());
}

#[test]
fn a_question_is_answered_with_what_is_pasted() {
    let mut session = ready();
    let task = session.begin();
    session.rotation(task, RotationEvent::PromptOpened(QUESTION, Box::new(paste_prompt())));
    assert!(session.said().contains("Page: https://app.snyk.io/account"));
    session.press("Up Enter");
    assert!(
        session
            .drain()
            .iter()
            .any(|effect| matches!(effect, UiEffect::OpenUrl(page) if page.path() == "/account"))
    );
    session.paste(TOKEN);
    assert!(!session.said().contains(TOKEN));
    session.press("Enter");
    let (_, RotationTask::ReplyToPrompt(QUESTION, PromptReply::Pasted(secret))) =
        session.rotation_task()
    else {
        panic!("no answer")
    };
    assert!(secret.same_as(&Secret::from_text(TOKEN.to_owned())));
    session.rotation(task, RotationEvent::Step(line("stash", StepStatus::Done, "…")));
    assert!(
        session.said().contains("Store the new secret done"),
        "it still follows the task that goes on"
    );
}

#[test]
fn a_question_that_is_left_leaves_an_account() {
    let mut session = ready();
    let task = session.begin();
    session.rotation(task, RotationEvent::PromptOpened(QUESTION, Box::new(paste_prompt())));
    session.press("Down Down Enter");
    assert!(matches!(session.rotation_task().1, RotationTask::LeavePrompt(QUESTION)));
    session.rotation(task, RotationEvent::Finished(status(RotationState::NeedsUser)));
    assert!(matches!(session.rotation_task().1, RotationTask::Review(_)));
}

#[test]
fn what_was_stopped_says_what_happened_and_continues() {
    let mut session = ready();
    session.stop(RollbackEffect::UndoesChanges);
    let said = session.said();
    for part in [
        "Create the new secret at the provider unknown",
        "Next: Check whether the provider",
        "can still be rolled back",
        "[Continue][Roll back][Close]",
    ] {
        assert!(said.contains(part), "{part} is missing:\n{said}");
    }
    session.press("Enter");
    let (_, RotationTask::Resume(id, RotationDirection::Forward)) = session.rotation_task() else {
        panic!("it does not go on")
    };
    assert_eq!(id, plan().rotation.to_string());
}

#[test]
fn what_was_stopped_is_rolled_back_only_where_there_is_a_way_back() {
    let mut first = ready();
    first.stop(RollbackEffect::UndoesChanges);
    first.press("Right Enter");
    let (task, RotationTask::Resume(_, RotationDirection::RollBack)) = first.rotation_task() else {
        panic!("it does not turn back")
    };
    first.rotation(task, RotationEvent::Finished(status(RotationState::RolledBack)));
    assert!(first.said().contains("Rolled back: everything is as it was before."));

    let mut second = ready();
    second.stop(RollbackEffect::Impossible("the old secret is revoked"));
    assert!(
        second.said().contains("The rotation cannot be rolled back: the old secret is revoked.")
    );
    assert!(second.said().contains("[Continue][Close]"));
    second.press("Esc");
    assert!(second.app.dialogs.is_empty());
}

#[test]
fn a_failure_before_anything_was_begun_says_so() {
    let mut session = ready();
    let task = session.begin();
    session.report(task, TaskEvent::Failed(trouble()));
    let started = session.started();
    let look = started
        .iter()
        .find(|(_, task)| matches!(task, BackgroundTask::Rotation(RotationTask::Review(_))))
        .expect("a look")
        .0;
    let unheard = Problem::new("There is no rotation r1", "the index has none", "list them");
    session.report(look, TaskEvent::Failed(unheard.with_class(ProblemClass::NotFound)));
    let said = session.said();
    assert!(
        said.contains("It broke")
            && said.contains("Nothing was started")
            && !said.contains("no rotation"),
        "{said}"
    );
    session.press("Enter");
    assert!(session.app.dialogs.is_empty());
}

#[test]
fn unfinished_rotations_are_offered_at_the_start() {
    let mut session = TestSession::new(120, 36);
    let started = session.started();
    let asks = started
        .iter()
        .find(|(_, task)| matches!(task, BackgroundTask::Rotation(RotationTask::ListUnfinished)))
        .expect("a question")
        .0;
    session.rotation(asks, RotationEvent::UnfinishedListed(Vec::new()));
    assert!(session.app.dialogs.is_empty());
    session.rotation(asks, RotationEvent::UnfinishedListed(vec![status(RotationState::NeedsUser)]));
    assert!(session.said().contains("ci-scanner waiting"));
    session.press("Enter");
    let (task, RotationTask::Review(left)) = session.rotation_task() else {
        panic!("it is not resumed")
    };
    assert_eq!(left, plan().rotation.to_string());
    session
        .rotation(task, RotationEvent::Reviewed(Box::new(review(RollbackEffect::UndoesChanges))));
    assert!(session.said().contains("[Continue][Roll back][Close]"));
    session.rotation(asks, RotationEvent::UnfinishedListed(vec![status(RotationState::NeedsUser)]));
    assert!(
        session.notice().starts_with("1 rotation unfinished"),
        "nothing is pushed over an open dialog"
    );
}

#[test]
fn an_override_is_no_answer_until_the_name_is_typed() {
    let mut session = ready();
    let task = session.begin();
    let choices = [UserDecision::Override("ci-scanner".to_owned()), UserDecision::RollBack];
    let prompt = crate::tui::app::samples::rotation::rotation_prompt(&choices);
    session.rotation(task, RotationEvent::PromptOpened(QUESTION, Box::new(prompt)));
    session.type_text("ci").press("Enter");
    assert!(session.started().is_empty());
    session.type_text("-scanner").press("Enter");
    assert!(matches!(
        session.rotation_task().1,
        RotationTask::ReplyToPrompt(QUESTION, PromptReply::Decided(UserDecision::Override(_)))
    ));
}

#[test]
fn a_rotation_continues_behind_the_screen_and_is_opened_again() {
    let mut session = ready();
    let task = session.begin();
    session.press("Esc");
    assert!(session.app.dialogs.is_empty());
    session.rotation(task, RotationEvent::Step(line("create", StepStatus::Done, "made (1)")));
    session.press("r");
    assert!(
        session.said().contains("Create the new secret at the provider done"),
        "what happened meanwhile is there: {}",
        session.said()
    );
    session.press("Esc");
    session.rotation(task, RotationEvent::PromptOpened(QUESTION, Box::new(paste_prompt())));
    assert!(session.notice().contains("needs your input"), "{}", session.notice());
    session.press("! Enter");
    assert!(session.said().contains("New secret"), "{}", session.said());
    session.press("Esc");
    let notes = vec!["Not copied to bot: jwks_url.".to_owned()];
    let ended = RotationStatus { notes, ..status(RotationState::Done) };
    session.rotation(task, RotationEvent::Finished(ended)).report(task, TaskEvent::Done);
    assert!(
        session.notice().ends_with(": done. Not copied to bot: jwks_url"),
        "{}",
        session.notice()
    );
    session.press("r");
    assert!(
        matches!(session.rotation_task().1, RotationTask::Plan(_)),
        "the next one is another one"
    );
}

#[test]
fn what_runs_behind_the_screen_and_fails_says_so() {
    let mut session = ready();
    let task = session.begin();
    session.press("Esc");
    session.report(task, TaskEvent::Canceled);
    assert!(session.notice().contains(" stopped; "), "{}", session.notice());
    assert!(session.app.dialogs.is_empty());
}

#[test]
fn others_see_no_name_in_plans_questions_prompts_and_offers() {
    let mut session = ready();
    session.press("P");
    session.plan();
    assert!(!session.said().contains("ci-scanner"), "{}", session.said());
    session.press("Right Enter").type_text("ci-scanner");
    assert!(!session.said().contains("ci-scanner"), "{}", session.said());
    session.press("Tab Enter");
    let task = session.started()[0].0;
    let choices = [UserDecision::Override("ci-scanner".to_owned()), UserDecision::RollBack];
    let mut prompt = crate::tui::app::samples::rotation::rotation_prompt(&choices);
    prompt.message.title = "type \"ci-scanner\" to use it anyway".to_owned();
    session.rotation(task, RotationEvent::PromptOpened(QUESTION, Box::new(prompt)));
    session.type_text("ci-scanner");
    assert!(!session.said().contains("ci-scanner"), "{}", session.said());
    session.press("Enter");
    assert!(
        matches!(session.rotation_task().1, RotationTask::ReplyToPrompt(..)),
        "the name itself is what counts"
    );
    session.press("Esc X Down Enter").type_text("ci-scanner");
    assert!(!session.said().contains("ci-scanner"), "{}", session.said());
    session.press("Esc");
    session.rotation(task, RotationEvent::UnfinishedListed(vec![status(RotationState::NeedsUser)]));
    assert!(
        session.said().contains("waiting") && !session.said().contains("ci-scanner"),
        "{}",
        session.said()
    );
}

#[test]
fn a_further_part_can_be_replaced_and_the_reason_goes_on_record() {
    let mut session = ready();
    session.plan();
    session.press("S-Tab").type_text("leaked in a log").press("Tab Right Enter");
    session.type_text("ci-scanner").press("Tab Enter");
    let (_, RotationTask::Run(plan)) = session.rotation_task() else { panic!("not begun") };
    assert_eq!(plan.reason, "leaked in a log");
}

#[test]
fn a_sign_in_opens_its_page_once_and_counts_the_time_that_is_left() {
    let mut session = ready();
    let task = session.begin();
    session.drain();
    session.rotation(task, RotationEvent::PromptOpened(QUESTION, Box::new(sign_in_prompt())));
    let opened = |session: &mut TestSession| {
        session.drain().iter().filter(|effect| matches!(effect, UiEffect::OpenUrl(_))).count()
    };
    assert_eq!(opened(&mut session), 1);
    let said = session.said();
    assert!(
        said.contains("2:00 left") && said.contains(&sign_in_prompt().page.expect("a page")),
        "{said}"
    );
    assert!(
        session.app.next_wake(session.now).is_some_and(|wake| wake <= session.now.instant + SECOND)
    );
    session.advance_time(Duration::from_millis(101_500));
    assert!(session.said().contains("0:19 left"));
    session.rotation(task, RotationEvent::PromptOpened(QUESTION, Box::new(sign_in_prompt())));
    assert_eq!(opened(&mut session), 0, "the same page is not opened again");
    session.press("Enter");
    assert_eq!(opened(&mut session), 1, "unless the user asks for it");
    session.rotation(task, RotationEvent::Step(line("await-sign-in", StepStatus::Done, "…")));
    assert!(!session.said().contains("left.") && session.app.next_wake(session.now).is_none());
}

#[test]
fn where_the_browser_is_elsewhere_its_address_is_copied_and_the_answer_pasted() {
    let mut session = ready();
    session.app.preferences =
        UiSettings { browser: BrowserAvailability::Unavailable, ..session.app.preferences.clone() };
    let task = session.begin();
    session.drain();
    session.rotation(task, RotationEvent::PromptOpened(QUESTION, Box::new(sign_in_prompt())));
    assert!(!session.drain().iter().any(|effect| matches!(effect, UiEffect::OpenUrl(_))));
    session.press("Enter");
    assert!(session.said().contains("Paste the callback URL first"));
    session.press("Up Enter");
    assert!(
        matches!(session.task().1, BackgroundTask::CopyText(page) if Some(&page) == sign_in_prompt().page.as_ref())
    );
    session.paste("http://127.0.0.1:43991/callback?code=c0de&state=s");
    assert!(!session.said().contains("c0de"));
    session.press("Enter");
    assert!(matches!(
        session.rotation_task().1,
        RotationTask::ReplyToPrompt(QUESTION, PromptReply::Pasted(_))
    ));
}

#[test]
fn a_production_credential_is_rotated_only_when_its_name_is_typed() {
    let mut session = ready();
    session.plan();
    session.press("Right Enter");
    assert!(session.said().contains("ci-scanner is labeled as production."), "{}", session.said());
    session.type_text("ci-scan").press("Tab Enter");
    assert!(session.started().is_empty(), "the name is not complete");
    session.press("Esc");
    assert!(session.said().contains("[Rotate]"), "the plan is still there: {}", session.said());
    session.press("Enter").type_text("ci-scanner").press("Tab Enter");
    assert!(matches!(session.rotation_task().1, RotationTask::Run(_)));
    assert!(session.said().contains("[Hide][Pause]"), "{}", session.said());
}

#[test]
fn a_credential_without_that_label_is_rotated_at_once() {
    let mut session = ready();
    let mut plain = session.app.selected().expect("a credential").clone();
    plain.labels = vec!["ci".to_owned()];
    let changed = CredentialEvent::Changed(Box::new(plain));
    session.report(TaskId(900), TaskEvent::Credential(changed));
    session.plan();
    session.press("Right Enter");
    assert!(matches!(session.rotation_task().1, RotationTask::Run(_)));
}
