//! The one table of commands. Key map, footer, help, palette and documentation are read from it.

mod table;

use super::Pane;

pub use table::COMMANDS;

/// Something that a person can tell the screen to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandSpec {
    /// Its name in the configuration file, such as `copy-secret`.
    pub name: &'static str,
    /// One or two words for the footer.
    pub title: &'static str,
    /// One line for help and palette.
    pub help: &'static str,
    /// Under which heading help lists it.
    pub group: CommandGroup,
    /// The keys it has by default, as [`crate::config::KeyPress`] reads them.
    pub keys: &'static [&'static str],
    /// The key that means it after the leader key.
    pub leader_key: Option<char>,
    /// Where its keys work.
    pub context: KeyContext,
    /// What it may do to the world.
    pub effect: CommandEffect,
    /// What is to be done.
    pub action: CommandAction,
}

/// Where the keys of a command work. What is nearer wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyContext {
    /// Only while this pane has the focus.
    Pane(Pane),
    /// In every pane.
    Anywhere,
}

/// The headings of the help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandGroup {
    /// Getting around.
    Move,
    /// The list.
    List,
    /// One credential.
    Credential,
    /// Regions.
    Region,
    /// The console.
    Console,
    /// The screen itself.
    Screen,
    /// The program.
    Program,
}

/// What a command may do to the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandEffect {
    /// Nothing outside the screen changes.
    None,
    /// Something is sent to a provider, or shown to people.
    External,
    /// Something is changed or removed; it asks first.
    Mutating,
}

/// What is to be done, by area.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandAction {
    /// Move within the focused pane.
    Move(CursorMotion),
    /// Give a pane the focus.
    Focus(FocusTarget),
    /// To the list of credentials.
    List(ListAction),
    /// To the selected credential.
    Credential(CredentialAction),
    /// To its regions.
    Region(RegionAction),
    /// To the console.
    Console(ConsoleAction),
    /// To the screen itself.
    Screen(ScreenAction),
    /// To the program.
    Program(ProgramAction),
}

/// Ways to move within a pane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum CursorMotion {
    Up,
    Down,
    Top,
    Bottom,
    PageUp,
    PageDown,
}

/// Where the focus goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FocusTarget {
    /// To the next pane.
    Next,
    /// To the pane before.
    Previous,
    /// To this pane.
    To(Pane),
}

/// What can be done to the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListAction {
    /// Type a filter.
    Filter,
    /// Drop the marks, then the filter.
    Clear,
    /// Sort by the next property.
    Sort,
    /// Mark or unmark the selected row.
    Mark,
    /// Mark every row that is shown, or none.
    MarkAll,
}

/// What can be done to the selected credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialAction {
    /// Show the secret, or mask it again.
    ToggleSecret,
    /// Copy the secret.
    CopySecret,
    /// Check it, or all that are marked.
    Check,
    /// Check all.
    CheckAll,
    /// Add one.
    Add,
    /// Edit it.
    Edit,
    /// Replace it.
    Rotate,
    /// Revoke it at its provider, or remove it from this keyring.
    Revoke,
    /// Have the provider make another one.
    Create,
    /// Sign in with the browser.
    SignIn,
    /// Open the provider's page for it.
    OpenPage,
}

/// What can be done about regions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegionAction {
    /// Make the region under the cursor the credential's region.
    Switch,
    /// Switch to the next region.
    Next,
    /// Switch to the region before.
    Previous,
    /// Pick a region from a list.
    Pick,
    /// Try the credential in every region.
    Probe,
}

/// What can be done in the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsoleAction {
    /// Send the request that is shown.
    Send,
    /// Send the request that is shown, wherever the cursor is.
    Resend,
    /// Send the request that tells whether the credential works.
    SendTest,
    /// Pick a ready-made request.
    PickPreset,
    /// Edit the request.
    EditRequest,
    /// Take over a request from a pasted curl command.
    ImportCurl,
    /// Keep the request under a name.
    SaveRequest,
    /// Open, copy, rename or delete a request that is kept under a name.
    SavedRequests,
    /// Find a request that was sent.
    History,
    /// Ask for the next page of a list.
    NextPage,
    /// Read a list to its end.
    AllPages,
    /// Show the next part of the answer.
    NextTab,
    /// Explain a refusal at length.
    Explain,
    /// Show what changed since the same request was answered before.
    ToggleDiff,
    /// Fold or unfold the JSON under the cursor.
    ToggleFold,
    /// Fold what is under the cursor.
    FoldValue,
    /// Unfold what is under the cursor.
    UnfoldValue,
    /// Fold or unfold everything.
    ToggleFoldAll,
    /// Search the answer.
    Search,
    /// Filter the answer with jq.
    Filter,
    /// Drop the filter, then the search.
    ClearFilter,
    /// Go to the next match.
    NextMatch,
    /// Go to the match before.
    PreviousMatch,
    /// Copy the answer's body.
    CopyBody,
    /// Copy the value under the cursor.
    CopyValue,
    /// Copy the way to the value under the cursor, as jq writes it.
    CopyPath,
    /// Write the answer to a file.
    SaveBody,
    /// Keep a secret that came in the answer.
    KeepSecret,
    /// Copy the request as a curl command, with a variable for the secret.
    CopyCurl,
}

/// What can be done to the screen itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScreenAction {
    /// Give the focused pane the whole screen, or the others their places back.
    Zoom,
    /// Move a border of the focused pane.
    Resize(PaneResize),
    /// Put all borders back.
    ResetLayout,
    /// Show what a second key can do.
    Leader,
    /// Put a label on everything that can be clicked.
    Jump,
    /// Choose a theme.
    Themes,
    /// Show what ends when.
    Timeline,
    /// Show every credential in every region.
    CheckMatrix,
}

/// How the focused pane changes its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum PaneResize {
    Wider,
    Narrower,
    Taller,
    Shorter,
}

/// What can be done to the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgramAction {
    /// Show the keys.
    Help,
    /// Find a command by typing.
    Palette,
    /// Show running and finished tasks.
    TaskList,
    /// Look for what may stand in the way on this machine.
    Doctor,
    /// Look for secrets in plain text.
    Scan,
    /// Begin: add, import, choose the store, or look around.
    Welcome,
    /// Unlock the store.
    Unlock,
    /// Read the credentials and the state of the store again.
    Reload,
    /// Take the latest change back.
    Undo,
    /// Presentation mode on or off.
    Presentation,
    /// Mouse on or off.
    Mouse,
    /// Suspend the program.
    Suspend,
    /// Cancel the running task, else quit.
    Cancel,
    /// Quit.
    Quit,
}

impl CommandGroup {
    /// Every heading, in the order of the help.
    pub const ALL: [Self; 7] = [
        Self::Move,
        Self::List,
        Self::Credential,
        Self::Region,
        Self::Console,
        Self::Screen,
        Self::Program,
    ];

    /// The heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Move => "Getting around",
            Self::List => "List",
            Self::Credential => "Credential",
            Self::Region => "Regions",
            Self::Console => "Console",
            Self::Screen => "Screen",
            Self::Program => "Program",
        }
    }
}

/// The command with this action.
pub fn find_by_action(action: CommandAction) -> Option<&'static CommandSpec> {
    COMMANDS.iter().find(|command| command.action == action)
}

/// The command with this name.
pub fn find_by_name(name: &str) -> Option<&'static CommandSpec> {
    COMMANDS.iter().find(|command| command.name == name)
}

/// A row of the table; what is usual is filled in.
const fn command_row(
    name: &'static str,
    keys: &'static [&'static str],
    action: CommandAction,
    title: &'static str,
    help: &'static str,
) -> CommandSpec {
    let group = match action {
        CommandAction::Move(_) | CommandAction::Focus(_) => CommandGroup::Move,
        CommandAction::List(_) => CommandGroup::List,
        CommandAction::Credential(_) => CommandGroup::Credential,
        CommandAction::Region(_) => CommandGroup::Region,
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
        leader_key: None,
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

    const fn with_leader_key(mut self, second: char) -> Self {
        self.leader_key = Some(second);
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
    fn no_second_key_has_two_meanings() {
        let seconds: Vec<_> = COMMANDS.iter().filter_map(|command| command.leader_key).collect();
        let unlike: HashSet<_> = seconds.iter().collect();
        assert_eq!(unlike.len(), seconds.len());
        assert!(seconds.len() >= 10);
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
