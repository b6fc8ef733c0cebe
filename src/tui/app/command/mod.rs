//! The one table of commands. Key map, footer, help, palette and documentation are read from it.

mod table;

use super::Pane;

pub use table::COMMANDS;

/// Something that a person can tell the screen to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Command {
    /// Its name in the configuration file, such as `copy-secret`.
    pub name: &'static str,
    /// One or two words for the footer.
    pub title: &'static str,
    /// One line for help and palette.
    pub help: &'static str,
    /// Under which heading help lists it.
    pub group: Group,
    /// The keys it has by default, as [`crate::config::Key`] reads them.
    pub keys: &'static [&'static str],
    /// The key that means it after the leader key.
    pub second: Option<char>,
    /// Where its keys work.
    pub context: Context,
    /// What it may do to the world.
    pub danger: Danger,
    /// What is to be done.
    pub action: Action,
}

/// Where the keys of a command work. What is nearer wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Context {
    /// Only while this pane has the focus.
    Pane(Pane),
    /// In every pane.
    Anywhere,
}

/// The headings of the help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
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
pub enum Danger {
    /// Nothing outside the screen changes.
    None,
    /// Something is sent to a provider, or shown to people.
    Reaches,
    /// Something is changed or removed; it asks first.
    Changes,
}

/// What is to be done, by area.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Move within the focused pane.
    Move(Motion),
    /// Give a pane the focus.
    Focus(Focus),
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
pub enum Motion {
    Up,
    Down,
    Top,
    Bottom,
    PageUp,
    PageDown,
}

/// Where the focus goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Focus {
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
    Show,
    /// Copy the secret.
    Copy,
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
    Page,
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
    Again,
    /// Send the request that tells whether the credential works.
    Test,
    /// Pick a ready-made request.
    Presets,
    /// Edit the request.
    Edit,
    /// Take over a request from a pasted curl command.
    Import,
    /// Keep the request under a name.
    Save,
    /// Open, copy, rename or delete a request that is kept under a name.
    Saved,
    /// Find a request that was sent.
    History,
    /// Ask for the next page of a list.
    NextPage,
    /// Read a list to its end.
    AllPages,
    /// Show the next part of the answer.
    View,
    /// Explain a refusal at length.
    Explain,
    /// Show what changed since the same request was answered before.
    Changes,
    /// Fold or unfold the JSON under the cursor.
    Fold,
    /// Fold what is under the cursor.
    Close,
    /// Unfold what is under the cursor.
    Open,
    /// Fold or unfold everything.
    FoldAll,
    /// Search the answer.
    Search,
    /// Filter the answer with jq.
    Filter,
    /// Drop the filter, then the search.
    Drop,
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
    Write,
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
    Resize(Resize),
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
    Verdicts,
}

/// How the focused pane changes its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Resize {
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
    Activity,
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

impl Group {
    /// Every heading, in the order of the help.
    pub const ALL: [Self; 7] =
        [Self::Move, Self::List, Self::Credential, Self::Region, Self::Console, Self::Screen, Self::Program];

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
pub fn of(action: Action) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.action == action)
}

/// The command with this name.
pub fn named(name: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.name == name)
}

/// A row of the table; what is usual is filled in.
const fn row(
    name: &'static str,
    keys: &'static [&'static str],
    action: Action,
    title: &'static str,
    help: &'static str,
) -> Command {
    let group = match action {
        Action::Move(_) | Action::Focus(_) => Group::Move,
        Action::List(_) => Group::List,
        Action::Credential(_) => Group::Credential,
        Action::Region(_) => Group::Region,
        Action::Console(_) => Group::Console,
        Action::Screen(_) => Group::Screen,
        Action::Program(_) => Group::Program,
    };
    Command { name, title, help, group, keys, second: None, context: Context::Anywhere, danger: Danger::None, action }
}

impl Command {
    const fn within(mut self, pane: Pane) -> Self {
        self.context = Context::Pane(pane);
        self
    }

    const fn then(mut self, second: char) -> Self {
        self.second = Some(second);
        self
    }

    const fn that(mut self, danger: Danger) -> Self {
        self.danger = danger;
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
            assert!(command.keys.iter().all(|key| KeyPress::parse(key).is_some()), "{}", command.name);
            assert_eq!(of(command.action), Some(command));
        }
    }

    #[test]
    fn no_second_key_has_two_meanings() {
        let seconds: Vec<_> = COMMANDS.iter().filter_map(|command| command.second).collect();
        let unlike: HashSet<_> = seconds.iter().collect();
        assert_eq!(unlike.len(), seconds.len());
        assert!(seconds.len() >= 10);
    }

    #[test]
    fn no_key_has_two_meanings_in_one_context() {
        let mut seen = HashSet::new();
        for command in COMMANDS {
            for key in command.keys {
                assert!(seen.insert((*key, format!("{:?}", command.context))), "{key} of {}", command.name);
            }
        }
    }
}
