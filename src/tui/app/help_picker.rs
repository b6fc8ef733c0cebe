//! Help: the searchable list of all commands and credentials.
//!
//! Start at [`help_picker`].

use crate::config::KeyPress;
use crate::config::theme::StyleRole;
use crate::domain::Credential;
use crate::tui::app::App;
use crate::tui::app::command::{COMMANDS, CommandGroup, CommandSpec};
use crate::tui::app::dialogs::{DialogAction, PickerDialog, PickerItem};
use crate::tui::app::overview::timeline_dialog::select_in_list;

/// Returns a picker of all commands, whether they have an effect right now or not, and of all
/// credentials.
pub(super) fn help_picker(app: &App) -> PickerDialog<DialogAction> {
    let of = |group| COMMANDS.iter().filter(move |command| command.group == group);
    let all = CommandGroup::ALL.into_iter().flat_map(of);
    let credentials =
        app.credentials.all().iter().map(|credential| credential_item(app, credential));
    let commands = all.clone().map(|command| command_item(app, command));
    PickerDialog::of_actions(
        "Help: type to search, Enter to run",
        commands.chain(credentials).collect(),
    )
    .with_wide_layout()
    .with_notes(all.map(|command| format!("Name in config.toml: {}", command.name)).collect())
}

fn command_item(app: &App, command: &CommandSpec) -> PickerItem<DialogAction> {
    let keys: Vec<_> =
        app.preferences.keys.keys_for(command.action).map(KeyPress::to_string).collect();
    let glyphs = app.preferences.symbols;
    let useless = (StyleRole::Dim, glyphs.unchecked);
    PickerItem {
        right: keys.join(" "),
        mark: Some(if app.can_run(command.action) { (StyleRole::Dim, " ") } else { useless }),
        heading: command.group.title(),
        ..PickerItem::new(command.title, command.help, "run", DialogAction::Run(command.action))
    }
}

fn credential_item(app: &App, credential: &Credential) -> PickerItem<DialogAction> {
    let kind =
        app.catalog.kind(&credential.provider, &credential.kind).map(|kind| kind.title.as_str());
    PickerItem {
        mark: Some((StyleRole::Accent, app.preferences.symbols.pointer)),
        heading: "Credentials",
        ..PickerItem::new(
            app.display_name(credential),
            format!("{} · {}", kind.unwrap_or(&credential.kind), credential.region),
            "show in list",
            select_in_list(credential.id.clone()),
        )
    }
}
