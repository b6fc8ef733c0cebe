//! The one table of commands. Key map, footer, help, palette and documentation are read from it.

use super::Pane;

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
    /// Remove it from this keyring.
    Remove,
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
    /// Send the request that tells whether the credential works.
    Test,
    /// Pick a ready-made request.
    Presets,
    /// Edit the request.
    Edit,
    /// Show the next part of the answer.
    View,
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
    /// Go to the next match.
    NextMatch,
    /// Go to the match before.
    PreviousMatch,
    /// Copy the answer's body.
    CopyBody,
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
    /// Unlock the store.
    Unlock,
    /// Read the credentials and the state of the store again.
    Reload,
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
    pub const ALL: [Self; 6] = [Self::Move, Self::List, Self::Credential, Self::Region, Self::Console, Self::Program];

    /// The heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Move => "Getting around",
            Self::List => "List",
            Self::Credential => "Credential",
            Self::Region => "Regions",
            Self::Console => "Console",
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
        Action::Program(_) => Group::Program,
    };
    Command { name, title, help, group, keys, context: Context::Anywhere, danger: Danger::None, action }
}

impl Command {
    const fn within(mut self, pane: Pane) -> Self {
        self.context = Context::Pane(pane);
        self
    }

    const fn that(mut self, danger: Danger) -> Self {
        self.danger = danger;
        self
    }
}

use Action::{Console, Credential, List, Move, Program, Region};
use Danger::{Changes, Reaches};

/// Every command, in the order of help and palette.
pub const COMMANDS: &[Command] = &[
    row("up", &["k", "Up"], Move(Motion::Up), "up", "Go up a line"),
    row("down", &["j", "Down"], Move(Motion::Down), "down", "Go down a line"),
    row("top", &["g", "Home"], Move(Motion::Top), "top", "Go to the first line"),
    row("bottom", &["G", "End"], Move(Motion::Bottom), "bottom", "Go to the last line"),
    row("page-up", &["PgUp"], Move(Motion::PageUp), "page up", "Go up a page"),
    row("page-down", &["PgDn"], Move(Motion::PageDown), "page down", "Go down a page"),
    row("next-pane", &["Tab"], Action::Focus(Focus::Next), "pane", "Go to the next pane"),
    row("previous-pane", &["S-Tab"], Action::Focus(Focus::Previous), "pane back", "Go to the pane before"),
    row("credentials", &["1"], Action::Focus(Focus::To(Pane::Credentials)), "credentials", "Go to the credentials"),
    row("detail", &["2"], Action::Focus(Focus::To(Pane::Detail)), "detail", "Go to the detail"),
    row("regions", &["3"], Action::Focus(Focus::To(Pane::Regions)), "regions", "Go to the regions"),
    row("console", &["4"], Action::Focus(Focus::To(Pane::Console)), "console", "Go to the console"),
    row("search", &["/"], Console(ConsoleAction::Search), "search", "Search the answer").within(Pane::Console),
    row(
        "filter",
        &["/"],
        List(ListAction::Filter),
        "filter",
        "Filter: words, region:eu kind:pat expires<14d status:refused label:prod",
    ),
    row("clear", &["Esc"], List(ListAction::Clear), "clear", "Drop the marks, then the filter"),
    row("sort", &["s"], List(ListAction::Sort), "sort", "Sort by the next property: name, expiry, status, region, provider"),
    row("fold", &["Space"], Console(ConsoleAction::Fold), "fold", "Fold or unfold the value under the cursor")
        .within(Pane::Console),
    row("mark", &["Space"], List(ListAction::Mark), "mark", "Mark the credential for a bulk check"),
    row("mark-all", &["*"], List(ListAction::MarkAll), "mark all", "Mark every credential that is shown, or none"),
    row(
        "switch-region",
        &["Enter"],
        Region(RegionAction::Switch),
        "switch",
        "Make the region under the cursor the credential's region",
    )
    .within(Pane::Regions)
    .that(Changes),
    row("send", &["Enter"], Console(ConsoleAction::Send), "send", "Send the request").within(Pane::Console).that(Reaches),
    row(
        "show-secret",
        &["Enter"],
        Credential(CredentialAction::Show),
        "show",
        "Show the secret for some seconds, or mask it again",
    )
    .that(Reaches),
    row(
        "copy-secret",
        &["y"],
        Credential(CredentialAction::Copy),
        "copy",
        "Copy the secret; it is cleared from the clipboard again",
    )
    .that(Reaches),
    row("test", &["t"], Console(ConsoleAction::Test), "test", "Send the request that tells whether the credential works")
        .that(Reaches),
    row("check", &["c"], Credential(CredentialAction::Check), "check", "Check the credential, or all that are marked")
        .that(Reaches),
    row("check-all", &["C"], Credential(CredentialAction::CheckAll), "check all", "Check every credential").that(Reaches),
    row("add", &["a"], Credential(CredentialAction::Add), "add", "Add a credential; pasting a secret does the same")
        .that(Changes),
    row("edit-request", &["e"], Console(ConsoleAction::Edit), "edit", "Edit method, path, query and body of the request")
        .within(Pane::Console),
    row("edit", &["e"], Credential(CredentialAction::Edit), "edit", "Edit name, region, labels, fields or end of the credential")
        .that(Changes),
    row(
        "remove",
        &["X"],
        Credential(CredentialAction::Remove),
        "remove",
        "Remove the credential from this keyring; the provider is not asked",
    )
    .that(Changes),
    row("page", &["o"], Credential(CredentialAction::Page), "open page", "Open the provider's page for this kind of credential"),
    row("previous-region", &["["], Region(RegionAction::Previous), "region back", "Switch the credential to the region before")
        .that(Changes),
    row("next-region", &["]"], Region(RegionAction::Next), "region", "Switch the credential to the next region").that(Changes),
    row("pick-region", &["R"], Region(RegionAction::Pick), "region", "Pick the credential's region from a list").that(Changes),
    row("probe", &["A"], Region(RegionAction::Probe), "probe all", "Try the credential in every region, after asking")
        .that(Reaches),
    row("presets", &["p"], Console(ConsoleAction::Presets), "presets", "Pick a ready-made request"),
    row("view", &["v"], Console(ConsoleAction::View), "view", "Show body, headers or timing of the answer").within(Pane::Console),
    row("close", &["Left"], Console(ConsoleAction::Close), "fold", "Fold the value under the cursor").within(Pane::Console),
    row("open", &["Right"], Console(ConsoleAction::Open), "unfold", "Unfold the value under the cursor").within(Pane::Console),
    row("fold-all", &["z"], Console(ConsoleAction::FoldAll), "fold all", "Fold or unfold everything").within(Pane::Console),
    row("next-match", &["n"], Console(ConsoleAction::NextMatch), "next match", "Go to the next match").within(Pane::Console),
    row("previous-match", &["N"], Console(ConsoleAction::PreviousMatch), "match back", "Go to the match before")
        .within(Pane::Console),
    row("copy-body", &["B"], Console(ConsoleAction::CopyBody), "copy body", "Copy the body of the answer")
        .within(Pane::Console)
        .that(Reaches),
    row("palette", &[":", "C-p"], Program(ProgramAction::Palette), "commands", "Find a command by typing"),
    row("help", &["?", "F1"], Program(ProgramAction::Help), "help", "Show every key that works here"),
    row("activity", &["!"], Program(ProgramAction::Activity), "activity", "Show running and finished tasks"),
    row("unlock", &["u"], Program(ProgramAction::Unlock), "unlock", "Unlock the store, or create it"),
    row("reload", &["F5"], Program(ProgramAction::Reload), "reload", "Read the credentials and the state of the store again"),
    row(
        "presentation",
        &["P"],
        Program(ProgramAction::Presentation),
        "present",
        "Presentation mode on or off: no secret is shown, names are hidden",
    ),
    row("mouse", &["M"], Program(ProgramAction::Mouse), "mouse", "Mouse on or off; off lets the terminal select text"),
    row("suspend", &["C-z"], Program(ProgramAction::Suspend), "suspend", "Suspend the program"),
    row("cancel", &["C-c"], Program(ProgramAction::Cancel), "cancel", "Cancel the running task, else quit"),
    row("quit", &["q"], Program(ProgramAction::Quit), "quit", "Quit"),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::config::Key;

    #[test]
    fn every_command_has_a_name_of_its_own_a_help_and_readable_keys() {
        let names: HashSet<_> = COMMANDS.iter().map(|command| command.name).collect();
        assert_eq!(names.len(), COMMANDS.len());
        for command in COMMANDS {
            assert!(!command.help.is_empty() && !command.title.is_empty(), "{}", command.name);
            assert!(command.keys.iter().all(|key| Key::parse(key).is_some()), "{}", command.name);
            assert_eq!(of(command.action), Some(command));
        }
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
