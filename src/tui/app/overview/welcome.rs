//! Welcome dialog: where secrets are stored, which credentials of other tools can be imported, and
//! how to begin.
//!
//! Start at [`start_welcome`].

use std::sync::Arc;

use crate::config::StoreChoiceSource;
use crate::config::theme::StyleRole;
use crate::engine::background::protocol::{BackgroundTask, CredentialTask, ImportCandidate};
use crate::engine::persistent_backends;
use crate::tui::app::activity::{NotificationLevel, StoreStatusKind};
use crate::tui::app::command::{CommandAction, CredentialAction, ProgramAction};
use crate::tui::app::dialogs::{DialogAction, PickerDialog, PickerItem, TaskRequest};
use crate::tui::app::widgets::dialog_view::DialogRow;
use crate::tui::app::{App, Now, PresentationMode, RestartTarget, UiEffect, display_format};

/// Item of the welcome dialog.
type WelcomeItem = PickerItem<DialogAction>;

/// What an item does: a word for it, and the action.
type LabeledAction = (&'static str, DialogAction);

/// Looks for credentials to import; the welcome dialog opens when the result arrives.
pub(in crate::tui::app) fn start_welcome(app: &mut App, now: Now) -> Vec<UiEffect> {
    if app.ui_state.presentation == PresentationMode::On {
        app.activity.notify(
            NotificationLevel::Warning,
            "Not available in presentation mode: the welcome dialog shows names",
            now.instant,
        );
        return Vec::new();
    }
    if store_is_ephemeral(app) {
        // The demo must not show anything from this machine.
        open_welcome(app, &[]);
        return Vec::new();
    }
    vec![
        app.start_task(
            "Find credentials to import",
            BackgroundTask::Credential(CredentialTask::FindImportable),
            now,
        )
        .1,
    ]
}

/// Opens the welcome dialog, unless another dialog was opened meanwhile.
pub(in crate::tui::app) fn open_welcome(app: &mut App, candidates: &[Arc<ImportCandidate>]) {
    if !app.dialogs.is_empty() {
        return;
    }
    let items = begin_items(app)
        .into_iter()
        .chain(import_items(app, candidates))
        .chain(store_items(app))
        .collect();
    let intro = vec![
        DialogRow::text(
            "tokenring stores your API tokens, checks whether they work, and rotates them safely.",
        ),
        DialogRow::dim("You can paste a token at any time. Nothing is sent before you ask for it."),
        DialogRow::Blank,
    ];
    app.dialogs.push(PickerDialog::of_actions("Welcome", items).with_intro(intro));
}

fn begin_items(app: &App) -> Vec<WelcomeItem> {
    let command = |text: &str, more: &str, action| PickerItem {
        right: app.preferences.keys.label(action).unwrap_or_default(),
        ..item("Get started", text, more, ("run", DialogAction::Run(action)))
    };
    let mut items = vec![
        command(
            "Add a token",
            "paste or type it; provider and kind are detected",
            CommandAction::Credential(CredentialAction::Add),
        ),
        command(
            "Sign in",
            "to a Snyk App with the browser",
            CommandAction::Credential(CredentialAction::SignIn),
        ),
    ];
    if !store_is_ephemeral(app) {
        let more = "a simulated company on this machine; nothing is saved";
        items.push(item("Get started", "Try the demo", more, restart(RestartTarget::Demo)));
    }
    items
}

/// Returns what was found in the files of other programs, with an item for all of it if there
/// is more than one.
fn import_items(app: &App, candidates: &[Arc<ImportCandidate>]) -> Vec<WelcomeItem> {
    const HEADING: &str = "Found in plain text on this machine";
    let one = |find: &Arc<ImportCandidate>| {
        let text = format!("Import {}", find.location);
        let from = find.target.as_ref().map(|target| format!(", from {}", target.path().display()));
        let more = format!("{}{}", candidate_kind_text(app, find), from.unwrap_or_default());
        item(HEADING, &text, &more, import(vec![Arc::clone(find)]))
    };
    let all = (candidates.len() > 1).then(|| {
        let text = format!("Import all {}", candidates.len());
        item(HEADING, &text, "the plain-text copies are not deleted", import(candidates.to_vec()))
    });
    all.into_iter().chain(candidates.iter().map(one)).collect()
}

fn candidate_kind_text(app: &App, find: &ImportCandidate) -> String {
    let Ok(sort) = &find.identified else { return String::new() };
    let provider = app
        .catalog
        .provider(&sort.provider)
        .map_or(sort.provider.as_str(), |known| known.title.as_str());
    let kind = app
        .catalog
        .kind(&sort.provider, &sort.kind)
        .map_or(sort.kind.as_str(), |known| known.title.as_str());
    format!("{provider} {kind}")
}

/// Returns the current store and the others that outlive the program.
fn store_items(app: &App) -> Vec<WelcomeItem> {
    const HEADING: &str = "Secret store";
    let Some(current) = app.activity.store.as_ref().filter(|_| !store_is_ephemeral(app)) else {
        return Vec::new();
    };
    let glyphs = app.preferences.symbols;
    let words = app.activity.store_status_text();
    let (mark, says, action) = match words.kind {
        StoreStatusKind::ActionRequired { opens } => (
            (StyleRole::Warn, glyphs.warning),
            format!("in use, {}; Enter: {opens}", words.state),
            ProgramAction::Unlock,
        ),
        StoreStatusKind::Unavailable => (
            (StyleRole::Bad, glyphs.refused),
            format!("in use, but {}", words.state),
            ProgramAction::Doctor,
        ),
        StoreStatusKind::Ready | StoreStatusKind::Unknown => {
            ((StyleRole::Good, glyphs.accepted), "in use".to_owned(), ProgramAction::Reload)
        }
    };
    let here = item(
        HEADING,
        words.title,
        &says,
        ("run", DialogAction::Run(CommandAction::Program(action))),
    );
    let others = persistent_backends().filter(|other| other.kind != current.backend.kind);
    let others = others.map(|other| {
        let more = match app.preferences.store_choice_source {
            StoreChoiceSource::Settings => {
                format!("switch to it: {}", other.unlocked_by.describe())
            }
            StoreChoiceSource::Environment => {
                "set by TOKENRING_STORE; unset it to choose here".to_owned()
            }
        };
        item(HEADING, other.generic_title, &more, restart(RestartTarget::Store(other.kind)))
    });
    std::iter::once(PickerItem { mark: Some(mark), ..here }).chain(others).collect()
}

/// Whether secrets are stored in memory only, as in the demo.
fn store_is_ephemeral(app: &App) -> bool {
    app.activity.store.as_ref().is_some_and(|store| !store.backend.is_persistent())
}

fn item(heading: &'static str, text: &str, more: &str, selected: LabeledAction) -> WelcomeItem {
    let (enter_label, action) = selected;
    PickerItem {
        mark: Some((StyleRole::Dim, " ")),
        heading,
        ..PickerItem::new(text, more, enter_label, action)
    }
}

fn restart(target: RestartTarget) -> LabeledAction {
    ("restart", DialogAction::call(move |app, _| app.restart(target)))
}

fn import(candidates: Vec<Arc<ImportCandidate>>) -> LabeledAction {
    let count = display_format::format_count(candidates.len(), "credential");
    let task = BackgroundTask::Credential(CredentialTask::Import(candidates));
    ("import", DialogAction::Start(TaskRequest::listed(format!("Import {count}"), task)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;
    use crate::domain::consumer::ConsumerTarget;
    use crate::domain::provider::ProviderCatalog;
    use crate::domain::{Secret, StoreKind};
    use crate::engine::backend_info;
    use crate::engine::background::protocol::{
        BackendInfo, CredentialEvent, IdentifiedKind, StoreError, StoreStatus, TaskEvent, TaskId,
        TaskReport,
    };
    use crate::tui::app::credentials::add_dialog::AddDialog;
    use crate::tui::app::dialogs::ProblemDialog;
    use crate::tui::app::samples::TestSession;
    use crate::tui::app::{InitialState, Message, StartupScreen, UiSettings};

    fn find(name: &str) -> Arc<ImportCandidate> {
        let sort = IdentifiedKind {
            provider: "snyk".to_owned(),
            kind: "personal-token".to_owned(),
            region: "SNYK-US-01".to_owned(),
            org: None,
            expires: None,
        };
        let target =
            Some(ConsumerTarget::EnvFile { path: "/home/ada/.env".into(), key: name.to_owned() });
        Arc::new(ImportCandidate {
            target,
            location: name.to_owned(),
            exposed_mode: None,
            secret: Arc::new(Secret::from_text("a-secret".to_owned())),
            identified: Ok(sort),
            is_possible: false,
            contradiction: None,
        })
    }

    fn report(session: &mut TestSession, event: TaskEvent) {
        session.handle_message(Message::TaskEvent(TaskReport { task: TaskId(99), event }));
    }

    fn store(kind: StoreKind, problem: Option<StoreError>) -> TaskEvent {
        let backend = BackendInfo { title: "a store", ..backend_info(kind) };
        TaskEvent::Store(StoreStatus { backend, problem })
    }

    fn welcome_session(candidates: Vec<Arc<ImportCandidate>>) -> TestSession {
        let mut session = TestSession::with(Vec::new(), 120, 36);
        report(&mut session, store(StoreKind::Keyring, None));
        report(&mut session, TaskEvent::Credential(CredentialEvent::ImportCandidates(candidates)));
        session.drain();
        session
    }

    fn picked(keys: &str, candidates: Vec<Arc<ImportCandidate>>) -> Vec<UiEffect> {
        let mut session = welcome_session(candidates);
        session.press(keys);
        session.drain()
    }

    #[test]
    fn it_is_asked_for_where_there_is_nothing_and_only_where_it_is_drawn() {
        let looks = |greeting| {
            let catalogue = Arc::new(ProviderCatalog::builtin());
            let mut start = InitialState::new(Vec::new(), catalogue, (80, 24));
            start.preferences = UiSettings {
                startup_screen: greeting,
                ..UiSettings::from_settings(&Settings::default(), start.preferences.symbols)
            };
            let now = TestSession::new(80, 24).now;
            App::start(start, now).1.iter().any(|effect| {
                matches!(
                    effect,
                    UiEffect::StartTask(
                        _,
                        BackgroundTask::Credential(CredentialTask::FindImportable)
                    )
                )
            })
        };
        assert!(looks(StartupScreen::Welcome) && !looks(StartupScreen::EmptyList));
    }

    #[test]
    fn each_way_to_begin_is_one_key_away() {
        assert!(matches!(
            picked("Down Down Enter", Vec::new()).as_slice(),
            [UiEffect::Restart(RestartTarget::Demo)]
        ));
        let effects = picked("Up", Vec::new());
        assert!(effects.is_empty());
        let effects = picked("Down Down Down Down Enter", Vec::new());
        assert!(matches!(
            effects.as_slice(),
            [UiEffect::Restart(RestartTarget::Store(StoreKind::File))]
        ));
        let mut session = welcome_session(Vec::new());
        session.press("Enter");
        assert!(session.app.dialogs.top_as::<AddDialog>().is_some());
    }

    #[test]
    fn where_the_environment_chooses_the_store_it_says_so_before_and_after() {
        let mut session = TestSession::with(Vec::new(), 120, 36);
        session.app.preferences.store_choice_source = StoreChoiceSource::Environment;
        report(&mut session, store(StoreKind::Keyring, None));
        report(&mut session, TaskEvent::Credential(CredentialEvent::ImportCandidates(Vec::new())));
        let view = session.app.dialogs.top().unwrap().view(&session.app, session.now);
        let says = |row: &DialogRow| matches!(row, DialogRow::Item(item) if item.more.contains("unset it"));
        assert!(view.body.iter().any(says));
        session.drain();
        session.press("Down Down Down Down Enter");
        assert!(session.drain().is_empty(), "it stays");
        assert!(session.app.dialogs.top_as::<ProblemDialog>().is_some());
    }

    #[test]
    fn what_was_found_is_imported_one_by_one_or_all() {
        let candidates = vec![find("SNYK_TOKEN"), find("OTHER")];
        let taken = |keys: &str| match picked(keys, candidates.clone()).as_slice() {
            [
                UiEffect::StartTask(
                    _,
                    BackgroundTask::Credential(CredentialTask::Import(candidates)),
                ),
            ] => candidates.len(),
            _ => 0,
        };
        assert_eq!([taken("Down Down Down Enter"), taken("Down Down Down Down Enter")], [2, 1]);
    }

    #[test]
    fn it_never_covers_what_has_been_begun_and_stays_out_of_a_played_world() {
        let mut session = TestSession::with(Vec::new(), 120, 36);
        session.press("a");
        report(&mut session, TaskEvent::Credential(CredentialEvent::ImportCandidates(Vec::new())));
        assert!(session.app.dialogs.top_as::<AddDialog>().is_some());

        let mut session = TestSession::new(120, 36);
        report(&mut session, store(StoreKind::Memory, None));
        session.drain();
        session.press("W");
        assert!(session.drain().is_empty(), "no file is looked at");
        let view = session.app.dialogs.top().expect("the welcome").view(&session.app, session.now);
        let texts: Vec<_> = view
            .body
            .iter()
            .filter_map(|row| {
                if let DialogRow::Item(item) = row { Some(item.text.as_str()) } else { None }
            })
            .collect();
        assert_eq!(texts, ["Add a token", "Sign in"]);
    }
}
