//! Command model: the types of the command table, from which key map, footer, help and
//! documentation are generated.
//!
//! Actions and rows are in `table.rs`; what a command does is in the `commands.rs` of its feature.
//! Start at [`CommandSpec`].

pub mod keymap;
mod table;

use crate::tui::app::Pane;

pub use table::{
    COMMANDS, CommandAction, ConsoleAction, CredentialAction, CursorMotion, FocusTarget,
    PaneResize, ProgramAction, ScreenAction,
};

/// A command that the user can run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandSpec {
    /// Name in the configuration file, such as `copy-secret`.
    pub name: &'static str,
    /// One or two words for the footer.
    pub title: &'static str,
    /// One line for the help.
    pub help: &'static str,
    /// Heading under which the help lists the command.
    pub group: CommandGroup,
    /// Default keys, in the form that [`crate::config::KeyPress`] parses.
    pub keys: &'static [&'static str],
    /// Where the keys work.
    pub context: KeyContext,
    /// What the command may change outside the screen.
    pub effect: CommandEffect,
    /// Action that the command runs.
    pub action: CommandAction,
}

/// Where the keys of a command work. The narrower context wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyContext {
    /// Only while this pane has the focus.
    Pane(Pane),
    /// In every pane.
    Anywhere,
}

/// Headings of the help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandGroup {
    /// Moving around.
    Move,
    /// The credential list.
    List,
    /// The selected credential.
    Credential,
    /// Regions.
    Region,
    /// The request console.
    Console,
    /// The screen itself.
    Screen,
    /// The program.
    Program,
}

/// What a command may change outside the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandEffect {
    /// Nothing outside the screen changes.
    None,
    /// Something is sent to a provider, or a secret is shown or copied.
    External,
    /// Something is changed or removed; the user confirms it first.
    Mutating,
}

impl CommandGroup {
    /// All headings, in the order of the help.
    pub const ALL: [Self; 7] = [
        Self::Move,
        Self::List,
        Self::Credential,
        Self::Region,
        Self::Console,
        Self::Screen,
        Self::Program,
    ];

    /// Text of the heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Move => "Navigation",
            Self::List => "List",
            Self::Credential => "Credential",
            Self::Region => "Regions",
            Self::Console => "Console",
            Self::Screen => "Screen",
            Self::Program => "Program",
        }
    }
}

/// Returns the command with this action.
pub fn find_by_action(action: CommandAction) -> Option<&'static CommandSpec> {
    COMMANDS.iter().find(|command| command.action == action)
}

/// Returns the command with this name.
pub fn find_by_name(name: &str) -> Option<&'static CommandSpec> {
    COMMANDS.iter().find(|command| command.name == name)
}

/// Builds a row of the table with the usual defaults.
const fn command_row(
    name: &'static str,
    keys: &'static [&'static str],
    action: CommandAction,
    title: &'static str,
    help: &'static str,
) -> CommandSpec {
    let group = match action {
        CommandAction::Move(_) | CommandAction::Focus(_) => CommandGroup::Move,
        CommandAction::Credential(action) => match action {
            CredentialAction::FilterList
            | CredentialAction::ClearFilter
            | CredentialAction::SortList
            | CredentialAction::Mark
            | CredentialAction::MarkAll => CommandGroup::List,
            CredentialAction::SwitchRegion
            | CredentialAction::NextRegion
            | CredentialAction::PreviousRegion
            | CredentialAction::PickRegion
            | CredentialAction::ProbeRegions => CommandGroup::Region,
            _ => CommandGroup::Credential,
        },
        CommandAction::Console(_) => CommandGroup::Console,
        CommandAction::Screen(_) => CommandGroup::Screen,
        CommandAction::Program(_) => CommandGroup::Program,
    };
    CommandSpec {
        name,
        title,
        help,
        group,
        keys,
        context: KeyContext::Anywhere,
        effect: CommandEffect::None,
        action,
    }
}

impl CommandSpec {
    const fn in_pane(mut self, pane: Pane) -> Self {
        self.context = KeyContext::Pane(pane);
        self
    }

    const fn with_effect(mut self, danger: CommandEffect) -> Self {
        self.effect = danger;
        self
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::config::KeyPress;

    #[test]
    fn every_command_has_a_name_of_its_own_a_help_and_readable_keys() {
        let names: HashSet<_> = COMMANDS.iter().map(|command| command.name).collect();
        assert_eq!(names.len(), COMMANDS.len());
        for command in COMMANDS {
            assert!(!command.help.is_empty() && !command.title.is_empty(), "{}", command.name);
            assert!(
                command.keys.iter().all(|key| KeyPress::parse(key).is_some()),
                "{}",
                command.name
            );
            assert_eq!(find_by_action(command.action), Some(command));
        }
    }

    #[test]
    fn no_key_has_two_meanings_in_one_context() {
        let mut seen = HashSet::new();
        for command in COMMANDS {
            for key in command.keys {
                assert!(
                    seen.insert((*key, format!("{:?}", command.context))),
                    "{key} of {}",
                    command.name
                );
            }
        }
    }
}
