//! Property test: any sequence of events neither panics nor leaves a secret on the screen.

use proptest::prelude::*;

use super::*;
use crate::domain::rotation::RollbackEffect;

fn any_key() -> impl Strategy<Value = KeyPress> {
    let keys = "j k g G Tab S-Tab Enter Esc / ? : ! y Y t c C a e X [ ] R A p v z n N B P u M s * Space 1 2 3 4 Left Right Up Down PgDn x d o F5 C-u C-c C-z";
    proptest::sample::select(keys.split(' ').filter_map(KeyPress::parse).collect::<Vec<_>>())
}

#[derive(Debug, Clone)]
enum Step {
    Press(KeyPress),
    Click(u16, u16),
    Scroll(u16, u16),
    Paste(String),
    Resize(u16, u16),
    Pass(u64),
    Focus(bool),
    Answer,
    Fail,
    Done,
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => any_key().prop_map(Step::Press),
        3 => (0..130_u16, 0..40_u16).prop_map(|(column, row)| Step::Click(column, row)),
        1 => (0..130_u16, 0..40_u16).prop_map(|(column, row)| Step::Scroll(column, row)),
        1 => ".{0,20}".prop_map(Step::Paste),
        1 => (1..200_u16, 1..60_u16).prop_map(|(columns, rows)| Step::Resize(columns, rows)),
        2 => (0..20_000_u64).prop_map(Step::Pass),
        1 => any::<bool>().prop_map(Step::Focus),
        6 => Just(Step::Answer),
        1 => Just(Step::Fail),
        2 => Just(Step::Done),
    ]
}

/// Returns the report that the engine would send for the latest task.
fn answer_to(task: &BackgroundTask, session: &TestSession) -> Option<TaskEvent> {
    Some(match task {
        BackgroundTask::Credential(CredentialTask::Reveal(of)) => TaskEvent::Credential(
            CredentialEvent::Revealed(of.clone(), Arc::new(Secret::from_text(TOKEN.to_owned()))),
        ),
        BackgroundTask::Credential(CredentialTask::CopySecret(..)) => {
            TaskEvent::Copied(CopyResult {
                method: ClipboardMethod::Tmux,
                verified: true,
                clear_after_seconds: None,
            })
        }
        BackgroundTask::GeneratePassphrase => {
            TaskEvent::PassphraseGenerated(Arc::new(Secret::from_text("a b c d e f".to_owned())))
        }
        BackgroundTask::Credential(CredentialTask::Identify(_)) => identified(&[]),
        BackgroundTask::Credential(CredentialTask::Remove(gone)) => {
            TaskEvent::Credential(CredentialEvent::Removed(gone.clone()))
        }
        BackgroundTask::Credential(CredentialTask::Load) => {
            TaskEvent::Credential(CredentialEvent::Loaded(samples::credentials()))
        }
        BackgroundTask::Rotation(task) => TaskEvent::Rotation(match task {
            RotationTask::Plan(_) => RotationEvent::Planned(Box::new(samples::rotation::plan())),
            RotationTask::Run(_) => RotationEvent::PromptOpened(
                PromptId(1),
                Box::new(samples::rotation::paste_prompt()),
            ),
            RotationTask::Resume(..) => {
                RotationEvent::Step(samples::rotation::line("human", StepStatus::Done, "try again"))
            }
            RotationTask::ListUnfinished => {
                RotationEvent::UnfinishedListed(vec![samples::rotation::status(
                    RotationState::Running,
                )])
            }
            _ => RotationEvent::Reviewed(Box::new(samples::rotation::review(
                RollbackEffect::UndoesChanges,
            ))),
        }),
        BackgroundTask::Send(SendTask { credential, draft, .. }) => {
            let target = draft.target.clone();
            let mut response = exchange_of(credential, RequestDraft::new(draft.method, target));
            response.response.body = ResponseBody::from("{\"a\":[1,{\"b\":null}]}".to_owned());
            TaskEvent::ResponseReceived(response)
        }
        _ => {
            return session.app.selected().map(|selected| {
                let check = check(CheckResult::Unknown, None);
                TaskEvent::Checked {
                    checked: (&selected.id.clone()).into(),
                    region: selected.region.clone(),
                    check,
                }
            });
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_happens_makes_it_panic_or_leaves_a_secret_on_the_screen(steps in proptest::collection::vec(any_step(), 1..60)) {
        let mut session = session();
        let mut last = None;
        for step in steps {
            let input = match step {
                Step::Press(key) => Message::Input(InputEvent::Key(key)),
                Step::Click(column, row) => Message::Input(InputEvent::Mouse(MouseInput::Press, column, row)),
                Step::Scroll(column, row) => Message::Input(InputEvent::Mouse(MouseInput::ScrollDown, column, row)),
                Step::Paste(text) => Message::Input(InputEvent::Paste(text.into())),
                Step::Resize(columns, rows) => Message::Input(InputEvent::Resize(columns, rows)),
                Step::Focus(focus) => Message::Input(InputEvent::Focus(focus)),
                Step::Pass(millis) => {
                    session.advance_time(Duration::from_millis(millis));
                    Message::Wake
                }
                Step::Answer | Step::Fail | Step::Done => {
                    let Some((task, awaited)) = &last else { continue };
                    let event = match step {
                        Step::Answer => answer_to(awaited, &session),
                        Step::Fail => Some(TaskEvent::Failed(trouble().with_class(ProblemClass::Store))),
                        _ => Some(TaskEvent::Done),
                    };
                    let Some(event) = event else { continue };
                    Message::TaskEvent(TaskReport { task: *task, event })
                }
            };
            session.handle_message(input);
            if let Some(started) = session.started().pop() {
                last = Some(started);
            }
            prop_assert!(!session.is_shown() || session.app.dialogs.is_empty(), "shown behind a dialog");
            prop_assert!(!session.is_shown() || session.app.ui_state.presentation == PresentationMode::Off, "shown to an audience");
        }
        session.advance_time(15 * SECOND);
        prop_assert!(!session.is_shown());
        session.handle_message(Message::Wake);
        prop_assert!(session.app.detail.is_masked() || session.app.detail.reveal_pending());
    }
}
