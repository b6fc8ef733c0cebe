//! Tests of plain-text mode: lines entered and lines printed.

use std::sync::Arc;

use super::announce::Announcer;
use crate::domain::identify::IdentificationCandidate;
use crate::domain::problem::{Problem, ProblemClass};
use crate::domain::provider::spec::{MatchConfidence, SecretRole};
use crate::domain::request::{DraftBody, HttpMethod, SavedRequest, SavedRequestName};
use crate::domain::response::CheckResult;
use crate::domain::rotation::{RotationPhase as RotationState, RotationPurpose, RotationStatus};
use crate::domain::{CredentialId, Secret, StoreKind};
use crate::engine::backend_info;
use crate::engine::background::protocol::{
    BackgroundTask, ConsoleEvent, CredentialEvent, CredentialTask, PromptId, RotationEvent,
    RotationTask, StoreStatus, TaskEvent, TaskId, TaskReport,
};
use crate::tui::app::command::COMMANDS;
use crate::tui::app::console::RequestReadiness;
use crate::tui::app::console::sending;
use crate::tui::app::conversation;
use crate::tui::app::conversation::{EchoMode, TextPrompt};
use crate::tui::app::samples::rotation::{paste_prompt, plan, sign_in_prompt, status};
use crate::tui::app::samples::{TestSession, check, id};
use crate::tui::app::{InputEvent, Message, PresentationMode, UiEffect};

const SECRET: &str = "snyk_uat.canary-that-is-never-told";

/// Simulated user of plain-text mode.
struct PlainTextUser {
    session: TestSession,
    news: Announcer,
    printed: String,
}

impl PlainTextUser {
    fn new() -> Self {
        let mut user = Self {
            session: TestSession::new(120, 50),
            news: Announcer::default(),
            printed: String::new(),
        };
        assert_eq!(user.prompt(), None, "until the store is known");
        let backend = backend_info(StoreKind::File);
        user.report(TaskId(1), TaskEvent::Store(StoreStatus { backend, problem: None }));
        user
    }

    /// Starts with the list by name, so that a test knows what is where.
    fn by_name() -> Self {
        let mut user = Self::new();
        user.session.sort_by_name();
        user.listen();
        user
    }

    /// Returns the current question.
    fn prompt(&self) -> Option<TextPrompt> {
        conversation::next_prompt(&self.session.app, self.session.now)
    }

    fn question(&self) -> String {
        self.prompt().map(|prompt| prompt.question).unwrap_or_default()
    }

    /// Enters a line and returns what is printed.
    fn say(&mut self, line: &str) -> String {
        let prompt = self.prompt().expect("a question");
        self.session.handle_message(Message::Input(InputEvent::LineEntered(
            prompt,
            line.to_owned().into(),
        )));
        self.listen()
    }

    fn listen(&mut self) -> String {
        let told = self.news.announce_changes(&self.session.app, self.session.now).join("\n");
        self.printed.push_str(&told);
        told
    }

    fn report(&mut self, task: TaskId, event: TaskEvent) -> String {
        self.session.handle_message(Message::TaskEvent(TaskReport { task, event }));
        self.listen()
    }

    /// Returns the task that was started last.
    fn task(&self) -> (TaskId, &BackgroundTask) {
        let started = self.session.effects.iter().rev().find_map(|effect| match effect {
            UiEffect::StartTask(id, task)
                if !matches!(task, BackgroundTask::Credential(CredentialTask::RegionChecks(_))) =>
            {
                Some((*id, task))
            }
            _ => None,
        });
        started.expect("a task")
    }

    fn has_quit(&self) -> bool {
        self.session.effects.iter().any(|effect| matches!(effect, UiEffect::Quit))
    }
}

fn identified(provider: &str, kind: &str) -> TaskEvent {
    let candidate = IdentificationCandidate {
        provider: provider.to_owned(),
        kind: kind.to_owned(),
        region: None,
        expires: None,
        confidence: MatchConfidence::Certain,
        is_incomplete: false,
        secret_role: SecretRole::Secret,
        why: "it begins with snyk_uat.".to_owned(),
        remote_id: None,
    };
    let secret = Arc::new(Secret::from_text(SECRET.to_owned()));
    TaskEvent::Credential(CredentialEvent::Identified {
        secret,
        cleaned: Vec::new(),
        candidates: vec![candidate],
        duplicates: Vec::new(),
    })
}

#[test]
fn it_begins_with_the_list_and_asks_what_to_do() {
    let user = PlainTextUser::new();
    assert!(
        user.printed.contains("7 credentials, by attention:\n1. old-jenkins"),
        "{}",
        user.printed
    );
    assert_eq!(user.question(), "old-jenkins> ");
}

#[test]
fn every_command_of_the_table_is_understood_by_its_name_and_answered() {
    for command in COMMANDS {
        let mut user = PlainTextUser::by_name();
        let before = user.question();
        let told = user.say(command.name);
        let answered = !told.is_empty()
            || user.question() != before
            || user.has_quit()
            || suspends(&user)
            || waits_for_a_list(&user);
        assert!(answered, "{}: nothing came of it", command.name);
        assert!(!told.contains("is neither a command"), "{}: {told}", command.name);
    }
}

/// Returns whether a list is being read that the command will show.
fn waits_for_a_list(user: &PlainTextUser) -> bool {
    user.session.app.console.awaited_list.is_some()
}

fn suspends(user: &PlainTextUser) -> bool {
    user.session.effects.iter().any(|effect| matches!(effect, UiEffect::Suspend))
}

#[test]
fn credentials_are_chosen_by_number_and_name_and_commands_take_one() {
    let mut user = PlainTextUser::by_name();
    assert!(user.say("2").contains("broker: Snyk"));
    assert_eq!(user.question(), "broker> ");
    user.say("laptop");
    assert_eq!(user.question(), "laptop> ");
    assert!(user.say("check ci-scanner").contains("Check ci-scanner..."));
    assert_eq!(user.prompt(), None, "while it runs, nothing is asked");
    let (task, _) = user.task();
    let fresh = crate::domain::credential::CheckReport {
        checked_at: user.session.now.wall,
        ..check(CheckResult::Refused, Some(401))
    };
    let event = TaskEvent::Checked {
        checked: (&id(0)).into(),
        region: "SNYK-EU-01".to_owned(),
        check: fresh,
    };
    assert!(
        user.report(task, event)
            .contains("ci-scanner, service-account-token, SNYK-EU-01: refused 401")
    );
    assert!(user.report(task, TaskEvent::Done).contains("Check ci-scanner: done."));
    assert_eq!(user.question(), "ci-scanner> ");
}

#[test]
fn keys_and_titles_are_understood_and_mistakes_are_met_with_the_nearest() {
    let mut user = PlainTextUser::by_name();
    assert!(user.say("s").contains("by expiry"), "the key of sort");
    assert!(user.say("check all").contains("Check 7 credentials..."));
    let (task, _) = user.task();
    user.report(task, TaskEvent::Done);
    let told = user.say("rotat");
    assert!(
        told.contains("\"rotat\" is neither a command nor a credential")
            && told.contains("Did you mean rotate"),
        "{told}"
    );
}

#[test]
fn a_filter_is_asked_for_or_given_at_once() {
    let mut user = PlainTextUser::by_name();
    user.say("filter");
    assert!(user.question().starts_with("Filter ("));
    assert!(user.say("region:eu").contains("3 of 7 credentials match \"region:eu\""));
    assert!(user.say("filter status:refused").contains("1 of 7 credentials"));
    assert!(user.say("clear").contains("7 credentials, by name:"));
}

#[test]
fn adding_asks_for_one_thing_after_another_and_never_prints_the_secret() {
    let mut user = PlainTextUser::by_name();
    assert!(user.say("add").contains("Add credential."));
    let prompt = user.prompt().expect("a question");
    assert!(
        prompt.question.contains("Secret (not shown)") && prompt.echo == EchoMode::Hidden,
        "{prompt:?}"
    );
    user.say(SECRET);
    assert_eq!(user.prompt(), None, "until it is known what it is");
    let (task, _) = user.task();
    assert!(
        user.report(task, identified("snyk", "personal-access-token"))
            .contains("This is a Snyk personal access token")
    );
    assert!(user.question().contains("Name"), "{}", user.question());
    user.say("laptop");
    while !user.question().starts_with("1 Cancel") {
        user.say("");
    }
    assert_eq!(user.question(), "1 Cancel, 2 Add [2]: ");
    user.say("");
    assert!(
        user.question().contains("Name laptop already exists\nName [laptop]: "),
        "{}",
        user.question()
    );
    user.say("other");
    while !user.question().starts_with("1 Cancel") {
        user.say("");
    }
    user.say("add");
    let (task, BackgroundTask::Credential(CredentialTask::Add(new, _))) = user.task() else {
        panic!("nothing is added")
    };
    assert_eq!((new.name.as_str(), new.kind.as_str()), ("other", "personal-access-token"));
    let refusal = Problem::new("It was not kept", "the store is locked", "unlock it")
        .with_class(ProblemClass::Store);
    assert!(user.report(task, TaskEvent::Failed(refusal)).contains("It was not kept"));
    user.say(".");
    assert_eq!(user.question(), "appsec-bot> ");
    assert!(!user.printed.contains("canary"), "{}", user.printed);
}

#[test]
fn what_is_not_recognized_is_asked_for() {
    let mut user = PlainTextUser::by_name();
    user.say("add");
    user.say("something");
    let (task, _) = user.task();
    let secret = Arc::new(Secret::from_text("something".to_owned()));
    let nothing = CredentialEvent::Identified {
        secret,
        cleaned: Vec::new(),
        candidates: Vec::new(),
        duplicates: Vec::new(),
    };
    assert!(user.report(task, TaskEvent::Credential(nothing)).contains("Not recognized"));
    assert!(user.question().contains("Provider: 1 Snyk, 2 Snyk Apps"), "{}", user.question());
    user.say("appc");
    assert!(user.question().contains("Kind: 1 "), "{}", user.question());
    user.say("<");
    assert!(user.question().contains("[4]: "), "back at the provider: {}", user.question());
}

#[test]
fn what_cannot_be_undone_takes_the_name_and_nothing_less() {
    let mut user = PlainTextUser::by_name();
    user.say("revoke laptop");
    assert!(user.printed.contains("2. delete: from tokenring only"), "{}", user.printed);
    user.say("2");
    assert!(user.question().contains("Enter to cancel"), "{}", user.question());
    assert!(user.say("lapto").contains("nothing was done"));
    user.say("revoke laptop");
    user.say("2");
    user.say("laptop");
    assert!(matches!(user.task().1, BackgroundTask::Credential(CredentialTask::Remove(_))));
}

#[test]
fn a_revocation_that_begins_is_not_called_undone_and_what_it_asks_is_found_again() {
    let mut user = PlainTextUser::by_name();
    user.say("revoke ci-scanner");
    user.say("1");
    let told = user.say("ci-scanner");
    let (task, BackgroundTask::Rotation(RotationTask::Revoke(..))) = user.task() else {
        panic!("it does not begin")
    };
    assert!(!told.contains("nothing was done") && !told.contains("in the background"), "{told}");
    user.report(
        task,
        TaskEvent::Rotation(RotationEvent::PromptOpened(PromptId(1), Box::new(sign_in_prompt()))),
    );
    assert!(user.question().starts_with("Number or search words"), "{}", user.question());
    assert!(user.say("close").contains("waits for you"));
    assert_eq!(
        user.question(),
        "ci-scanner> ",
        "the rotation waits for the user, not the user for the rotation"
    );
    assert!(user.say("activity").contains("1. Revoke ci-scanner"));
    assert!(user.say("1").contains("Revoke ci-scanner."));
}

#[test]
fn a_command_in_a_question_is_heard() {
    let mut user = PlainTextUser::by_name();
    for (open, word) in [
        ("presets", "close"),
        ("create", "close"),
        ("history", "."),
        ("probe", "cancel"),
        ("edit", "."),
        ("activity", "leave"),
    ] {
        user.say(open);
        if let Some(task) = user.session.app.console.awaited_list {
            user.report(task, TaskEvent::Console(ConsoleEvent::History(Vec::new())));
        }
        user.say(word);
        assert!(user.question().ends_with("> "), "{open}, {word}: {}", user.question());
    }
    user.say("region");
    assert!(user.say("detail").contains("Expires"), "nothing is lost by leaving a list");
    user.say("create");
    assert!(
        user.say("help").contains("close closes the dialog") && user.question().contains("Name")
    );
    user.say("new");
    let told = user.say("detail");
    assert!(told.contains("detail is a command") && user.question().contains("Kind"), "{told}");
    assert!(user.say("help").contains("close closes the dialog"));
    user.say("quit");
    assert!(user.has_quit());
}

#[test]
fn the_region_is_chosen_from_a_list_or_named_at_once() {
    for line in ["region", "switch region", "pick-region"] {
        let mut user = PlainTextUser::by_name();
        user.say("laptop");
        assert!(user.say(line).contains("3. SNYK-EU-01"), "{line}");
        user.say("3");
        assert!(
            matches!(user.task().1, BackgroundTask::Credential(CredentialTask::Edit(..))),
            "{line}"
        );
    }
    let mut user = PlainTextUser::by_name();
    user.say("laptop");
    user.say("region SNYK-AU-01");
    assert!(matches!(user.task().1, BackgroundTask::Credential(CredentialTask::Edit(..))));
}

#[test]
fn what_else_can_be_done_with_an_item_is_said_with_its_number() {
    let mut user = PlainTextUser::by_name();
    user.say("saved requests");
    assert_eq!(user.prompt(), None, "until the list is read");
    let (task, _) = user.task();
    let Some(RequestReadiness::Ready(draft)) = sending::current_request(&user.session.app) else {
        panic!("no request")
    };
    let saved = |name: &str| {
        (
            SavedRequestName::parse(name).expect("a name"),
            Ok(SavedRequest::from_draft(&draft, "snyk")),
        )
    };
    user.report(
        task,
        TaskEvent::Console(ConsoleEvent::SavedRequests(vec![saved("one"), saved("two")])),
    );
    assert_eq!(
        user.printed.matches("Snyk").count(),
        2,
        "its provider, of each once: {}",
        user.printed
    );
    assert!(!user.printed.contains("snyk"), "by its title: {}", user.printed);
    assert!(user.question().contains("or copy 1, rename 1, delete 1"), "{}", user.question());
    user.say("delete 2");
    assert!(user.printed.contains("The saved request two will be deleted"), "{}", user.printed);
    user.say("2");
    assert_eq!(user.prompt(), None, "until the list is as it is then");
    let (task, _) = user.task();
    user.report(task, TaskEvent::Canceled);
    assert!(user.prompt().is_some(), "nothing is waited for that does not come");
}

#[test]
fn what_is_typed_openly_is_no_secret() {
    let mut user = PlainTextUser::by_name();
    assert!(user.say("add thing").contains("\"thing\" was ignored"));
    assert!(user.question().contains("Secret (not shown)"), "{}", user.question());
}

#[test]
fn how_to_navigate_questions_is_said_at_the_first() {
    let mut user = PlainTextUser::by_name();
    assert!(user.say("edit").contains("close closes the dialog"));
    user.say(".");
    assert!(!user.say("edit").contains("close closes the dialog"));
}

#[test]
fn signs_and_headings_are_not_read_out() {
    let mut user = PlainTextUser::by_name();
    user.say("revoke ci-scanner");
    user.say("1");
    user.say("ci-scanner");
    let (task, _) = user.task();
    let over = RotationStatus { purpose: RotationPurpose::Revoke, ..status(RotationState::Done) };
    let told = user.report(task, TaskEvent::Rotation(RotationEvent::Finished(over)));
    assert!(
        told.contains("\nDone: the secret is revoked")
            || told.starts_with("Done: the secret is revoked"),
        "{told}"
    );
    user.report(task, TaskEvent::Done);
    user.say("");
    user.say("welcome");
    let (task, _) = user.task();
    let told =
        user.report(task, TaskEvent::Credential(CredentialEvent::ImportCandidates(Vec::new())));
    assert!(told.contains("1. Add a token") && !told.contains("Get started"), "{told}");
}

#[test]
fn bars_are_not_read_out() {
    let mut user = PlainTextUser::by_name();
    user.say("check-all");
    let (task, _) = user.task();
    user.report(task, TaskEvent::Progress { done: 3, total: 7 });
    user.session.press("!");
    let told = user.listen();
    assert!(told.contains("3 of 7") && !told.contains('█'), "{told}");
}

#[test]
fn an_answer_to_another_question_is_not_taken() {
    let mut user = PlainTextUser::by_name();
    let prompt = user.prompt().expect("a question");
    user.say("add");
    user.session.handle_message(Message::Input(InputEvent::LineEntered(
        prompt,
        "remove".to_owned().into(),
    )));
    assert!(user.listen().contains("nothing was done"));
}

#[test]
fn a_rotation_is_printed_step_by_step_and_its_questions_are_asked() {
    let mut user = PlainTextUser::by_name();
    user.say("rotate ci-scanner");
    let (task, _) = user.task();
    assert_eq!(user.prompt(), None);
    let planned = RotationEvent::Planned(Box::new(plan()));
    let told = user.report(task, TaskEvent::Rotation(planned));
    assert!(told.contains("Plan: ") && told.contains("POST "), "{told}");
    assert!(user.question().contains("Cancel") && user.question().contains("Rotate"));
    user.say("rotate");
    user.say("ci-scanner");
    let (task, BackgroundTask::Rotation(RotationTask::Run(_))) = user.task() else {
        panic!("it does not begin")
    };
    assert_eq!(user.prompt(), None);
    user.report(
        task,
        TaskEvent::Rotation(RotationEvent::PromptOpened(PromptId(1), Box::new(paste_prompt()))),
    );
    assert_eq!(user.prompt().map(|prompt| prompt.echo), Some(EchoMode::Hidden));
    user.say("");
    assert!(user.question().starts_with("Number or search words"), "{}", user.question());
    user.say("new");
    user.say(SECRET);
    assert!(matches!(user.task().1, BackgroundTask::Rotation(RotationTask::ReplyToPrompt(..))));
    assert!(!user.printed.contains("canary"));
}

#[test]
fn an_interruption_leaves_a_dialog_then_cancels_then_quits() {
    let mut user = PlainTextUser::by_name();
    user.say("add");
    user.session.handle_message(Message::Input(InputEvent::Interrupt));
    assert_eq!(user.question(), "appsec-bot> ");
    user.say("check");
    user.session.handle_message(Message::Input(InputEvent::Interrupt));
    assert!(user.session.effects.iter().any(|effect| matches!(effect, UiEffect::CancelTask(_))));
    let (task, _) = user.task();
    assert!(user.report(task, TaskEvent::Canceled).contains("canceled"));
    user.session.handle_message(Message::Input(InputEvent::Interrupt));
    assert!(user.has_quit());
}

#[test]
fn a_presentation_hides_names_and_a_secret_is_never_read_out() {
    let mut user = PlainTextUser::by_name();
    let told = user.say("reveal");
    assert!(told.contains("not printed"), "{told}");
    assert!(!user.session.effects.iter().any(|effect| matches!(
        effect,
        UiEffect::StartTask(_, BackgroundTask::Credential(CredentialTask::Reveal(_)))
    )));
    let told = user.say("presentation");
    assert_eq!(user.session.app.ui_state.presentation, PresentationMode::On);
    assert!(told.contains("credential ") && !told.contains("laptop"), "{told}");
    let told = user.say("credentials");
    assert!(!told.contains("ci-scanner"), "{told}");
    assert!(CredentialId::parse("x").is_none());
}

#[test]
fn a_request_of_several_lines_is_written_line_by_line() {
    let mut user = PlainTextUser::by_name();
    user.say("edit-request");
    assert!(user.question().contains("1. GET"), "{}", user.question());
    user.say("post");
    user.say("/rest/x");
    for line in
        ["+a=1", "+b=2", "", "+x-one: 1", "+x-two: 2", "", "", "+{", "+ \"c\": 3", "+}", "", ""]
    {
        user.say(line);
    }
    assert!(user.question().contains("3 Apply, 4 Send"), "{}", user.question());
    user.say("apply");
    let Some(RequestReadiness::Ready(draft)) = sending::current_request(&user.session.app) else {
        panic!("no request")
    };
    assert_eq!(draft.method, HttpMethod::Post);
    let pair = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    assert_eq!(draft.query[1..], [("a", "1"), ("b", "2")].map(pair));
    assert_eq!(draft.headers[..2], [("x-one", "1"), ("x-two", "2")].map(pair));
    assert_eq!(draft.header("content-type"), Some("application/vnd.api+json"), "the body is JSON");
    assert_eq!(draft.body.as_ref().and_then(DraftBody::text), Some("{\n\"c\": 3\n}"));
}
