//! Snapshots of every kind of dialog, and a test that none is missing.

use super::*;
use crate::domain::consumer::ConsumerTarget;
use crate::engine::task_protocol::{Diagnostic, DiagnosticArea, DiagnosticSeverity};
use crate::engine::task_protocol::{IdentifiedKind, ImportCandidate};
use crate::tui::app::dialog::Dialog;

/// Prefixes of the snapshot names, per kind of dialog.
const PICTURED: [&str; 21] = [
    "dialog_add",
    "dialog_edit",
    "rotate_",
    "dialog_create",
    "sign_in_",
    "dialog_confirm",
    "dialog_unlock",
    "dialog_pick",
    "dialog_parameters",
    "dialog_request",
    "dialog_ask",
    "dialog_curl",
    "dialog_reading",
    "dialog_activity",
    "dialog_survey",
    "dialog_timeline",
    "dialog_verdicts",
    "dialog_themes",
    "dialog_which",
    "dialog_jump",
    "problem",
];

/// Returns the index of a dialog's prefix. A new kind of dialog must be added here, and then needs
/// snapshots.
const fn pictured(dialog: &Dialog) -> usize {
    match dialog {
        Dialog::Add(_) => 0,
        Dialog::Edit(_) => 1,
        Dialog::Rotation(_) => 2,
        Dialog::Create(_) => 3,
        Dialog::SignIn(_) => 4,
        Dialog::Confirm(_) => 5,
        Dialog::Unlock(_) => 6,
        Dialog::Picker(_) => 7,
        Dialog::Parameters(_) => 8,
        Dialog::RequestEditor(_) => 9,
        Dialog::TextPrompt(_) => 10,
        Dialog::CurlImport(_) => 11,
        Dialog::Text(_) => 12,
        Dialog::TaskList(_) => 13,
        Dialog::Findings(_) => 14,
        Dialog::Timeline(_) => 15,
        Dialog::CheckMatrix(_) => 16,
        Dialog::Themes(_) => 17,
        Dialog::WhichKey => 18,
        Dialog::Jump(_) => 19,
        Dialog::Problem(_) => 20,
    }
}

/// Checks that a snapshot is named after the dialog that it shows.
///
pub(super) fn assert_named(name: &str, dialog: &Dialog) {
    let expected = PICTURED[pictured(dialog)];
    assert!(name.starts_with(expected), "{name} shows what is to be called {expected}…");
}

#[test]
fn every_kind_of_dialog_has_a_picture_in_every_size() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tui/view/snapshots");
    let files: Vec<_> = std::fs::read_dir(folder)
        .expect("the pictures")
        .map(|entry| entry.expect("a picture").file_name().to_string_lossy().into_owned())
        .collect();
    for (name, (columns, rows)) in PICTURED.iter().flat_map(|name| SIZES.map(|size| (name, size))) {
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
        ("create", "n"),
        ("confirm_probe", "A"),
        ("pick_region", "R"),
        ("pick_preset", "p"),
        ("pick_command", ":"),
        ("pick_help", "?"),
        ("request", "4 e"),
        ("curl", "4 i"),
        ("ask_save", "4 s"),
        ("themes", "F2 Down"),
        ("which", ","),
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
fn a_passphrase_for_the_encrypted_file() {
    for (name, problem) in [("create", StoreError::NotInitialized), ("open", StoreError::Locked)] {
        pictures(&format!("dialog_unlock_{name}"), |session| {
            let backend = backend_info(StoreKind::File);
            report(
                session,
                1,
                TaskEvent::Store(StoreStatus { backend, problem: Some(problem.clone()) }),
            );
            session.press("u");
        });
    }
}

#[test]
fn what_was_found_on_this_machine() {
    pictures("dialog_survey", |session| {
        session.press("D");
        let started = session.effects.iter().rev().find_map(|effect| match effect {
            UiEffect::StartTask(id, BackgroundTask::Diagnostic(_)) => Some(id.0),
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
