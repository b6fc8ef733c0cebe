//! The commands of the screen: their actions, and the table with one row per command.
//!
//! The columns are described at [`CommandSpec`]; the `commands.rs` of each feature implements the
//! actions. The key table of the README is generated from here.

use super::{CommandEffect, CommandSpec, Pane, command_row};
use CommandAction::{Console, Credential, Move, Program, Screen};
use CommandEffect::{External, Mutating};

/// Action of a command, by area.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandAction {
    /// Moves the cursor within the focused pane.
    Move(CursorMotion),
    /// Moves the focus to a pane.
    Focus(FocusTarget),
    /// Acts on the list of credentials, the selected credential or its regions.
    Credential(CredentialAction),
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

/// Actions on the list of credentials, the selected credential and its regions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialAction {
    /// Moves to the next credential that needs attention.
    NextAttention,
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
    /// Delivers the secret to the consumers that have an older one.
    Deliver,
    /// Revokes the credential at its provider, or deletes it from tokenring.
    Revoke,
    /// Creates a new credential at the provider.
    Create,
    /// Signs in with the browser.
    SignIn,
    /// Opens the provider's page for the credential.
    OpenPage,
    /// Starts typing a filter of the list.
    FilterList,
    /// Clears the marks, then the filter.
    ClearFilter,
    /// Sorts the list by the next sort key.
    SortList,
    /// Marks or unmarks the selected row.
    Mark,
    /// Marks all visible rows, or clears the marks if all are marked.
    MarkAll,
    /// Makes the region under the cursor the credential's region.
    SwitchRegion,
    /// Switches to the next region.
    NextRegion,
    /// Switches to the previous region.
    PreviousRegion,
    /// Opens the list of regions to choose from.
    PickRegion,
    /// Tests the credential against every region.
    ProbeRegions,
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
    /// Copies the request for curl or another client, with a variable in place of the secret.
    CopyCurl,
    /// Shows the text of the response in the pager.
    OpenPager,
    /// Shows the text of the response in the editor.
    OpenInEditor,
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

/// All commands, in the order of the help.
#[rustfmt::skip]
pub const COMMANDS: &[CommandSpec] = &[
    command_row("up", &["k", "Up"], Move(CursorMotion::Up), "up", "Move up one line"),
    command_row("down", &["j", "Down"], Move(CursorMotion::Down), "down", "Move down one line"),
    command_row("top", &["g", "Home"], Move(CursorMotion::Top), "top", "Move to the first line"),
    command_row("bottom", &["G", "End"], Move(CursorMotion::Bottom), "bottom", "Move to the last line"),
    command_row("page-up", &["PgUp"], Move(CursorMotion::PageUp), "page up", "Move up one page"),
    command_row("page-down", &["PgDn"], Move(CursorMotion::PageDown), "page down", "Move down one page"),
    command_row("next-pane", &["Tab"], CommandAction::Focus(FocusTarget::Next), "next pane", "Move to the next pane"),
    command_row("previous-pane", &["S-Tab"], CommandAction::Focus(FocusTarget::Previous), "previous pane", "Move to the previous pane"),
    command_row("credentials", &["1"], CommandAction::Focus(FocusTarget::To(Pane::Credentials)), "credentials", "Move to the credential list"),
    command_row("detail", &["2", "Enter"], CommandAction::Focus(FocusTarget::To(Pane::Detail)), "detail", "Move to the detail"),
    command_row("regions", &["3"], CommandAction::Focus(FocusTarget::To(Pane::Regions)), "regions", "Move to the regions"),
    command_row("console", &["4"], CommandAction::Focus(FocusTarget::To(Pane::Console)), "console", "Move to the console"),
    command_row("search", &["/"], Console(ConsoleAction::Search), "search", "Search the response").in_pane(Pane::Console),
    command_row("filter-answer", &["|"], Console(ConsoleAction::Filter), "jq filter", "Filter the response with jq").in_pane(Pane::Console),
    command_row("drop-filter", &["Esc"], Console(ConsoleAction::ClearFilter), "clear filter", "Clear the jq filter, then the search").in_pane(Pane::Console),
    command_row("filter", &["/"], Credential(CredentialAction::FilterList), "filter", "Filter the list: words, region:eu kind:pat expires<14d status:refused label:prod"),
    command_row("clear", &["Esc"], Credential(CredentialAction::ClearFilter), "clear", "Clear the marks, then the filter"),
    command_row("sort", &["s"], Credential(CredentialAction::SortList), "sort", "Sort by the next column: attention, name, expiry, status, region, provider"),
    command_row("next-attention", &["J"], Credential(CredentialAction::NextAttention), "next attention", "Go to the next credential that needs attention: refused, expired, expiring, rotation waiting, copies found, delivery due"),
    command_row("fold", &["Space"], Console(ConsoleAction::ToggleFold), "fold", "Fold or unfold the value under the cursor").in_pane(Pane::Console),
    command_row("mark", &["Space"], Credential(CredentialAction::Mark), "mark", "Mark the credential, to check several at once"),
    command_row("mark-all", &["*"], Credential(CredentialAction::MarkAll), "mark all", "Mark all listed credentials, or clear the marks"),
    command_row("switch-region", &["Enter"], Credential(CredentialAction::SwitchRegion), "switch region", "Make the region under the cursor the credential's region").in_pane(Pane::Regions).with_effect(Mutating),
    command_row("send", &["Enter"], Console(ConsoleAction::Send), "send", "Send the request; on a list element, choose a request that uses it").in_pane(Pane::Console).with_effect(External),
    command_row("send-again", &["C-r"], Console(ConsoleAction::Resend), "send again", "Send the request again, from any pane").in_pane(Pane::Console).with_effect(External),
    command_row("show-secret", &["x"], Credential(CredentialAction::ToggleSecret), "reveal", "Reveal the secret for a few seconds, or mask it again").with_effect(External),
    command_row("copy-secret", &["y"], Credential(CredentialAction::CopySecret), "copy secret", "Copy the secret; the clipboard is cleared afterwards").with_effect(External),
    command_row("test", &["t"], Console(ConsoleAction::SendTest), "test", "Send the request that shows whether the credential works").with_effect(External),
    command_row("check", &["c"], Credential(CredentialAction::Check), "check", "Check the selected or marked credentials").with_effect(External),
    command_row("check-all", &["C"], Credential(CredentialAction::CheckAll), "check all", "Check every credential").with_effect(External),
    command_row("add", &["a"], Credential(CredentialAction::Add), "add", "Add a credential (pasting a secret does the same)").with_effect(Mutating),
    command_row("edit-request", &["e"], Console(ConsoleAction::EditRequest), "edit request", "Edit method, path, query, headers and body").in_pane(Pane::Console),
    command_row("import-curl", &["i"], Console(ConsoleAction::ImportCurl), "import curl", "Import a curl command; its secrets are removed").in_pane(Pane::Console),
    command_row("save-request", &["C-s"], Console(ConsoleAction::SaveRequest), "save request", "Save the request under a name, without secrets").in_pane(Pane::Console),
    command_row("saved-requests", &["S"], Console(ConsoleAction::SavedRequests), "saved requests", "Open, copy, rename or delete a saved request"),
    command_row("edit", &["e"], Credential(CredentialAction::Edit), "edit", "Edit name, region, labels, fields or expiry").with_effect(Mutating),
    command_row("rotate", &["r"], Credential(CredentialAction::Rotate), "rotate", "Rotate the credential, or resume an unfinished rotation; shows the plan first").with_effect(Mutating),
    command_row("deliver", &["I"], Credential(CredentialAction::Deliver), "deliver", "Deliver the secret to the consumers that have an older one").with_effect(Mutating),
    command_row("revoke", &["X"], Credential(CredentialAction::Revoke), "revoke or delete", "Revoke the credential at its provider, or delete it from tokenring").with_effect(Mutating),
    command_row("create", &["C-n"], Credential(CredentialAction::Create), "create", "Create a new credential at the provider and store it").with_effect(Mutating),
    command_row("sign-in", &["l"], Credential(CredentialAction::SignIn), "sign in", "Sign in with the browser").with_effect(External),
    command_row("page", &["o"], Credential(CredentialAction::OpenPage), "open page", "Open the provider's page for this kind of credential"),
    command_row("previous-region", &["["], Credential(CredentialAction::PreviousRegion), "previous region", "Switch the credential to the previous region").with_effect(Mutating),
    command_row("next-region", &["]"], Credential(CredentialAction::NextRegion), "next region", "Switch the credential to the next region").with_effect(Mutating),
    command_row("pick-region", &["R"], Credential(CredentialAction::PickRegion), "choose region", "Choose the credential's region from a list").with_effect(Mutating),
    command_row("probe", &["A"], Credential(CredentialAction::ProbeRegions), "try all regions", "Test the credential against every region (sends the secret to each host)").with_effect(External),
    command_row("presets", &["p"], Console(ConsoleAction::PickPreset), "presets", "Choose a ready-made request"),
    command_row("history", &["h"], Console(ConsoleAction::History), "history", "Find, resend or compare sent requests"),
    command_row("next-page", &["m"], Console(ConsoleAction::NextPage), "next page", "Fetch the next page of the list").in_pane(Pane::Console).with_effect(External),
    command_row("all-pages", &["L"], Console(ConsoleAction::AllPages), "all pages", "Fetch all pages of the list").in_pane(Pane::Console).with_effect(External),
    command_row("view", &["v"], Console(ConsoleAction::NextTab), "next tab", "Show the next view: body, raw, headers, timing").in_pane(Pane::Console),
    command_row("explain", &["E"], Console(ConsoleAction::Explain), "explain", "Explain why the credential or the request was refused and what to do"),
    command_row("changes", &["d"], Console(ConsoleAction::ToggleDiff), "diff", "Show what changed since the previous response").in_pane(Pane::Console),
    command_row("close", &["Left"], Console(ConsoleAction::FoldValue), "fold value", "Fold the value under the cursor").in_pane(Pane::Console),
    command_row("open", &["Right"], Console(ConsoleAction::UnfoldValue), "unfold value", "Unfold the value under the cursor").in_pane(Pane::Console),
    command_row("fold-all", &["z"], Console(ConsoleAction::ToggleFoldAll), "fold all", "Fold or unfold everything").in_pane(Pane::Console),
    command_row("next-match", &["n"], Console(ConsoleAction::NextMatch), "next match", "Go to the next match; without a search, fetch the next page").in_pane(Pane::Console),
    command_row("previous-match", &["N"], Console(ConsoleAction::PreviousMatch), "previous match", "Go to the previous match").in_pane(Pane::Console),
    command_row("copy-body", &["B"], Console(ConsoleAction::CopyBody), "copy body", "Copy the response body").in_pane(Pane::Console).with_effect(External),
    command_row("copy-value", &["b"], Console(ConsoleAction::CopyValue), "copy value", "Copy the value under the cursor").in_pane(Pane::Console).with_effect(External),
    command_row("copy-path", &["."], Console(ConsoleAction::CopyPath), "copy path", "Copy the jq path of the selected value").in_pane(Pane::Console).with_effect(External),
    command_row("write-answer", &["w"], Console(ConsoleAction::SaveBody), "save response", "Save the response body to a file").in_pane(Pane::Console),
    command_row("pager", &["O"], Console(ConsoleAction::OpenPager), "open in pager", "Show the response, secrets masked, in the pager (PAGER)").in_pane(Pane::Console).with_effect(External),
    command_row("editor", &["C-o"], Console(ConsoleAction::OpenInEditor), "open in editor", "Show the response, secrets masked, in the editor (VISUAL, EDITOR)").in_pane(Pane::Console).with_effect(External),
    command_row("keep-secret", &["K"], Console(ConsoleAction::KeepSecret), "store secret", "Store a secret that the response contained").in_pane(Pane::Console).with_effect(Mutating),
    command_row("copy-curl", &["Y"], Console(ConsoleAction::CopyCurl), "copy request", "Copy the request for curl, PowerShell, cmd, HTTPie or Python; the secret stays a variable").with_effect(External),
    command_row("jump", &["f"], Screen(ScreenAction::Jump), "jump", "Label everything clickable; type a label to click it"),
    command_row("theme", &["F2"], Screen(ScreenAction::Themes), "theme", "Choose a theme with a live preview"),
    command_row("timeline", &["T"], Screen(ScreenAction::Timeline), "expiry timeline", "Show which credentials expire in the next 90 days"),
    command_row("verdicts", &["V"], Screen(ScreenAction::CheckMatrix), "check results", "Show the check results of all credentials in all regions"),
    command_row("zoom", &["Z"], Screen(ScreenAction::Zoom), "zoom", "Show the pane on the whole screen, or all panes again"),
    command_row("wider", &[">"], Screen(ScreenAction::Resize(PaneResize::Wider)), "wider", "Make the pane wider; borders can also be dragged"),
    command_row("narrower", &["<"], Screen(ScreenAction::Resize(PaneResize::Narrower)), "narrower", "Make the pane narrower"),
    command_row("taller", &["+"], Screen(ScreenAction::Resize(PaneResize::Taller)), "taller", "Make the pane taller"),
    command_row("shorter", &["-"], Screen(ScreenAction::Resize(PaneResize::Shorter)), "shorter", "Make the pane shorter"),
    command_row("reset-layout", &["="], Screen(ScreenAction::ResetLayout), "reset layout", "Reset the pane borders"),
    command_row("help", &["?", "F1", ":", "C-p"], Program(ProgramAction::Help), "help", "Find a command and its keys, or a credential, and run or show it"),
    command_row("activity", &["!"], Program(ProgramAction::TaskList), "activity", "Show running and finished tasks"),
    command_row("doctor", &["D"], Program(ProgramAction::Doctor), "doctor", "Diagnose problems on this machine").with_effect(External),
    command_row("scan", &["F"], Program(ProgramAction::Scan), "scan", "Find plain-text copies of secrets"),
    command_row("welcome", &["W"], Program(ProgramAction::Welcome), "welcome", "Add or import credentials, choose the store, or try the demo"),
    command_row("unlock", &["u"], Program(ProgramAction::Unlock), "unlock", "Unlock the store, or create it"),
    command_row("lock", &["C-l"], Program(ProgramAction::Lock), "lock", "Lock the screen and the encrypted file; unlocking asks for the passphrase"),
    command_row("reload", &["F5"], Program(ProgramAction::Reload), "reload", "Reload the credentials, the store state and the settings"),
    command_row("undo", &["U"], Program(ProgramAction::Undo), "undo", "Undo the latest edit, region switch or cleared filter"),
    command_row("presentation", &["P"], Program(ProgramAction::Presentation), "presentation mode", "Hide names and refuse to reveal secrets"),
    command_row("mouse", &["M"], Program(ProgramAction::Mouse), "mouse", "Turn the mouse on or off; off lets the terminal select text"),
    command_row("suspend", &["C-z"], Program(ProgramAction::Suspend), "suspend", "Suspend the program"),
    command_row("cancel", &["C-c"], Program(ProgramAction::Cancel), "cancel", "Cancel the running task, or quit"),
    command_row("quit", &["q"], Program(ProgramAction::Quit), "quit", "Quit tokenring"),
];
