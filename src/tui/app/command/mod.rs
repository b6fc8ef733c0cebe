//! Command model: the types of the command table, from which key map, footer, help and
//! documentation are generated.
//!
//! The rows are in `table.rs`; what a command does is in the `commands.rs` of its feature. Start at
//! [`CommandSpec`].

pub(super) mod help_picker;
pub mod keymap;
mod table;

use crate::tui::app::Pane;

pub use table::COMMANDS;

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

/// Action of a command, by area.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandAction {
    /// Moves the cursor within the focused pane.
    Move(CursorMotion),
    /// Moves the focus to a pane.
    Focus(FocusTarget),
    /// Acts on the credential list.
    List(ListAction),
    /// Acts on the selected credential.
    Credential(CredentialAction),
    /// Acts on the regions of the selected credential.
    Region(RegionAction),
    /// Acts on the console.
    Console(ConsoleAction),
    /// Acts on the screen itself.
    Screen(ScreenAction),
    /// Acts on the program.
    Program(ProgramAction),
}

/// Cursor motion within a pane.
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

/// Target of a focus change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FocusTarget {
    /// The next pane.
    Next,
    /// The previous pane.
    Previous,
    /// This pane.
    To(Pane),
}

/// Actions on the credential list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListAction {
    /// Starts typing a filter.
    Filter,
    /// Clears the marks, then the filter.
    Clear,
    /// Sorts by the next sort key.
    Sort,
    /// Marks or unmarks the selected row.
    Mark,
    /// Marks all visible rows, or clears the marks if all are marked.
    MarkAll,
}

/// Actions on the selected credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialAction {
    /// Reveals the secret, or masks it again.
    ToggleSecret,
    /// Copies the secret.
    CopySecret,
    /// Checks the selected or the marked credentials.
    Check,
    /// Checks every credential.
    CheckAll,
    /// Adds a credential.
    Add,
    /// Edits the credential.
    Edit,
    /// Rotates the credential.
    Rotate,
    /// Revokes the credential at its provider, or deletes it from tokenring.
    Revoke,
    /// Creates a new credential at the provider.
    Create,
    /// Signs in with the browser.
    SignIn,
    /// Opens the provider's page for the credential.
    OpenPage,
}

/// Actions on regions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegionAction {
    /// Makes the region under the cursor the credential's region.
    Switch,
    /// Switches to the next region.
    Next,
    /// Switches to the previous region.
    Previous,
    /// Opens the list of regions to choose from.
    Pick,
    /// Tests the credential against every region.
    Probe,
}

/// Actions in the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsoleAction {
    /// Sends the current request.
    Send,
    /// Sends the current request from any pane.
    Resend,
    /// Sends the request that shows whether the credential works.
    SendTest,
    /// Opens the list of presets.
    PickPreset,
    /// Edits the request.
    EditRequest,
    /// Imports a pasted curl command as the request.
    ImportCurl,
    /// Saves the request under a name.
    SaveRequest,
    /// Lists saved requests, to open, copy, rename or delete one.
    SavedRequests,
    /// Lists the requests in the history.
    History,
    /// Fetches the next page of a list.
    NextPage,
    /// Fetches all pages of a list.
    AllPages,
    /// Shows the next tab of the response.
    NextTab,
    /// Explains a refusal in detail.
    Explain,
    /// Shows what changed since the previous response to the same request.
    ToggleDiff,
    /// Folds or unfolds the JSON value under the cursor.
    ToggleFold,
    /// Folds the value under the cursor.
    FoldValue,
    /// Unfolds the value under the cursor.
    UnfoldValue,
    /// Folds or unfolds everything.
    ToggleFoldAll,
    /// Searches the response.
    Search,
    /// Filters the response with jq.
    Filter,
    /// Clears the jq filter, then the search.
    ClearFilter,
    /// Moves to the next match.
    NextMatch,
    /// Moves to the previous match.
    PreviousMatch,
    /// Copies the response body.
    CopyBody,
    /// Copies the value under the cursor.
    CopyValue,
    /// Copies the jq path of the value under the cursor.
    CopyPath,
    /// Saves the response body to a file.
    SaveBody,
    /// Stores a secret that the response contained.
    KeepSecret,
    /// Copies the request as a curl command, with a variable in place of the secret.
    CopyCurl,
}

/// Actions on the screen itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScreenAction {
    /// Gives the focused pane the whole screen, or restores the layout.
    Zoom,
    /// Moves a border of the focused pane.
    Resize(PaneResize),
    /// Resets all borders.
    ResetLayout,
    /// Labels everything that can be clicked.
    Jump,
    /// Opens the list of themes.
    Themes,
    /// Shows the expiry timeline.
    Timeline,
    /// Shows the check results of all credentials in all regions.
    CheckMatrix,
}

/// Direction in which the focused pane is resized.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum PaneResize {
    Wider,
    Narrower,
    Taller,
    Shorter,
}

/// Actions on the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgramAction {
    /// Opens the searchable list of all commands.
    Help,
    /// Shows running and finished tasks.
    TaskList,
    /// Diagnoses problems on this machine.
    Doctor,
    /// Finds plain-text copies of secrets.
    Scan,
    /// Opens the welcome dialog: add, import, choose the store, or start the demo.
    Welcome,
    /// Unlocks the store.
    Unlock,
    /// Locks the screen and the store.
    Lock,
    /// Reloads the credentials and the state of the store.
    Reload,
    /// Undoes the latest change.
    Undo,
    /// Turns presentation mode on or off.
    Presentation,
    /// Turns mouse capture on or off.
    Mouse,
    /// Suspends the program.
    Suspend,
    /// Cancels the running task, else quits.
    Cancel,
    /// Quits.
    Quit,
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
