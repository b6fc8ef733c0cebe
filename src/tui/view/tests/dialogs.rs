//! Snapshots of every kind of dialog, and a test that none is missing.

use super::*;
use crate::domain::consumer::ConsumerTarget;
use crate::engine::background::protocol::{
    Diagnostic, DiagnosticArea, DiagnosticSeverity, IdentifiedKind, ImportCandidate,
};
use crate::tui::app::PresentationMode;
use crate::tui::app::dialogs::Dialog;

/// Types of dialogs, and the prefix of the names of their snapshots.
const PICTURED: [(&str, &str); 21] = [
    ("ValuePickerDialog", "dialog_values"),
    ("AddDialog", "dialog_add"),
    ("EditDialog", "dialog_edit"),
    ("RotationWizard", "rotate_"),
    ("CreateDialog", "dialog_create"),
    ("SignInDialog", "sign_in_"),
    ("ConfirmDialog", "dialog_confirm"),
    ("UnlockDialog", "dialog_unlock"),
    ("PickerDialog", "dialog_pick"),
    ("ParametersDialog", "dialog_parameters"),
    ("RequestEditorDialog", "dialog_request"),
    ("TextPromptDialog", "dialog_ask"),
    ("CurlImportDialog", "dialog_curl"),
    ("TextDialog", "dialog_reading"),
    ("TaskListDialog", "dialog_activity"),
    ("FindingsDialog", "dialog_survey"),
    ("TimelineDialog", "dialog_timeline"),
    ("CheckMatrixDialog", "dialog_verdicts"),
    ("ThemeDialog", "dialog_themes"),
    ("JumpDialog", "dialog_jump"),
    ("ProblemDialog", "problem"),
];

/// Checks that a snapshot is named after the dialog that it shows.
pub(super) fn assert_named(name: &str, dialog: &dyn Dialog) {
    let path = dialog.type_name().split('<').next().unwrap_or_default();
    let shown = path.rsplit("::").next().unwrap_or_default();
    let (_, expected) =
        PICTURED.iter().find(|(kind, _)| *kind == shown).expect("a dialog with snapshots");
    assert!(name.starts_with(expected), "{name} shows what is to be called {expected}…");
}

/// Returns the types that implement [`Dialog`], from the sources.
fn dialog_types(folder: &std::path::Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the sources") {
        let path = entry.expect("a source").path();
        if path.is_dir() {
            found.extend(dialog_types(&path));
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("a source");
        let named = text.lines().filter_map(|line| {
            let rest = line.strip_prefix("impl")?.split_once("Dialog for ")?.1;
            Some(rest.split(['<', ' ']).next()?.to_owned())
        });
        found.extend(named);
    }
    found
}

#[test]
fn every_dialog_is_among_the_pictured() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tui/app");
    let mut found = dialog_types(&folder);
    let mut pictured: Vec<_> = PICTURED.iter().map(|(kind, _)| (*kind).to_owned()).collect();
    found.sort();
    pictured.sort();
    assert_eq!(found, pictured);
}

#[test]
fn every_kind_of_dialog_has_a_picture_in_every_size() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tui/view/snapshots");
    let files: Vec<_> = std::fs::read_dir(folder)
        .expect("the pictures")
        .map(|entry| entry.expect("a picture").file_name().to_string_lossy().into_owned())
        .collect();
    let prefixes = PICTURED.iter().map(|(_, prefix)| prefix);
    for (name, (columns, rows)) in prefixes.flat_map(|name| SIZES.map(|size| (name, size))) {
        let end = format!("_{columns}x{rows}.snap");
        assert!(
            files.iter().any(|file| file.starts_with(name) && file.ends_with(&end)),
            "there is no {name}…{end}"
        );
    }
}

#[test]
fn those_that_a_key_opens() {
    for (name, keys) in [
        ("add", "a"),
        ("edit", "e"),
        ("pick_removal", "X"),
        ("confirm_remove", "X Down Enter"),
        ("confirm_revoke", "X Enter"),
        ("create", "C-n"),
        ("confirm_probe", "A"),
        ("pick_region", "R"),
        ("pick_preset", "p"),
        ("pick_help", "?"),
        ("request", "4 e"),
        ("curl", "4 i"),
        ("ask_save", "4 C-s"),
        ("themes", "F2 Down"),
        ("jump", "f"),
        ("activity", "c t !"),
        ("timeline", "T j"),
    ] {
        pictures(&format!("dialog_{name}"), |session| {
            select(session, "ci-scanner");
            session.press(keys);
            assert!(!session.app.dialogs.is_empty(), "{keys} opens nothing");
        });
    }
}

#[test]
fn values_for_a_request() {
    pictures("dialog_parameters", |session| {
        select(session, "ci-scanner");
        session.press("p").type_text("list issues of a project").press("Enter");
    });
}

#[test]
fn values_that_the_provider_lists() {
    pictures("dialog_values", |session| {
        select(session, "ci-scanner");
        session.press("e Tab Tab Tab Tab C-o");
    });
}

#[test]
fn a_passphrase_for_the_encrypted_file() {
    for (name, problem) in [("create", StoreError::NotInitialized), ("open", StoreError::Locked)] {
        pictures(&format!("dialog_unlock_{name}"), |session| {
            encrypted_file_is(session, problem.clone());
            if session.app.dialogs.is_empty() {
                session.press("u");
            }
        });
    }
}

fn encrypted_file_is(session: &mut TestSession, problem: StoreError) {
    let backend = backend_info(StoreKind::File);
    report(session, 1, TaskEvent::Store(StoreStatus { backend, problem: Some(problem) }));
}

#[test]
fn six_generated_words() {
    let modes = [("words", PresentationMode::Off), ("words_hidden", PresentationMode::On)];
    for (name, presentation) in modes {
        pictures(&format!("dialog_unlock_{name}"), |session| {
            encrypted_file_is(session, StoreError::NotInitialized);
            session.press("u S-Tab S-Tab S-Tab Enter");
            let started = session.effects.iter().rev().find_map(|effect| match effect {
                UiEffect::StartTask(id, BackgroundTask::GeneratePassphrase) => Some(id.0),
                _ => None,
            });
            let words = "hexagonal unwelcome clarinet stopwatch preschool undertake";
            let words = Arc::new(Secret::from_text(words.to_owned()));
            let event = TaskEvent::PassphraseGenerated(words);
            report(session, started.expect("a task"), event);
            session.app.ui_state.presentation = presentation;
        });
    }
}

#[test]
fn what_was_found_on_this_machine() {
    pictures("dialog_survey", |session| {
        session.press("D");
        let started = session.effects.iter().rev().find_map(|effect| match effect {
            UiEffect::StartTask(id, BackgroundTask::Diagnose(_)) => Some(id.0),
            _ => None,
        });
        let found = vec![
            finding(
                DiagnosticArea::Store,
                DiagnosticSeverity::Ok,
                ["Secret Service", "available and unlocked", ""],
            ),
            finding(
                DiagnosticArea::Files,
                DiagnosticSeverity::Warn,
                ["/home/ada/.env:3", "the secret of laptop", "blank it with `tokenring import`"],
            ),
        ];
        report(session, started.expect("a task"), TaskEvent::Diagnosed(found));
    });
}

fn finding(
    area: DiagnosticArea,
    level: DiagnosticSeverity,
    [what, why, remedy]: [&str; 3],
) -> Diagnostic {
    Diagnostic {
        area,
        level,
        what: what.to_owned(),
        why: why.to_owned(),
        remedy: remedy.to_owned(),
    }
}

#[test]
fn what_a_curl_command_had_besides() {
    pictures("dialog_reading", |session| {
        select(session, "ci-scanner");
        let curl = "curl --insecure -H 'Authorization: token x' -H 'Accept: a/b' https://api.eu.snyk.io/rest/self";
        session.handle_message(Message::Input(InputEvent::Paste(curl.to_owned().into())));
    });
}

#[test]
fn the_welcome() {
    for (columns, rows) in SIZES {
        let mut session = TestSession::with(Vec::new(), columns, rows);
        store_is(&mut session, None);
        let find = |name: &str, kind: &str| {
            let (provider, region) = ("snyk".to_owned(), "SNYK-US-01".to_owned());
            let is = Ok(IdentifiedKind {
                provider,
                kind: kind.to_owned(),
                region,
                org: None,
                expires: None,
            });
            let target = Some(ConsumerTarget::EnvFile {
                path: "/home/ada/api/.env".into(),
                key: name.to_owned(),
            });
            Arc::new(ImportCandidate {
                target,
                location: name.to_owned(),
                exposed_mode: None,
                secret: Arc::new(Secret::from_text("x".to_owned())),
                identified: is,
                is_possible: false,
                contradiction: None,
            })
        };
        let finds = vec![
            find("SNYK_TOKEN", "personal-token"),
            find("SNYK_CI_TOKEN", "personal-access-token"),
        ];
        report(&mut session, 99, TaskEvent::Credential(CredentialEvent::ImportCandidates(finds)));
        picture_of(&format!("dialog_pick_welcome_{columns}x{rows}"), &mut session);
    }
}
