//! Tests that everything the screen can do has a command on the command line, so that a script can
//! do it too. Commands that only change what is drawn are listed as such; a new command must be
//! added to one of the lists.

use std::collections::HashSet;

use tokenring::tui::app::command::COMMANDS;

/// Commands of the screen, each with the command line that does the same.
const SCREEN_AND_CLI: [(&str, &str); 46] = [
    ("credentials", "list"),
    ("filter", "list"),
    ("sort", "list"),
    ("detail", "show"),
    ("regions", "regions"),
    ("console", "request"),
    ("switch-region", "edit"),
    ("previous-region", "edit"),
    ("next-region", "edit"),
    ("pick-region", "edit"),
    ("send", "request"),
    ("send-again", "request history resend"),
    ("test", "request"),
    ("edit-request", "request"),
    ("explain", "request"),
    ("filter-answer", "request"),
    ("drop-filter", "request"),
    ("view", "request"),
    ("copy-curl", "request"),
    ("pager", "request"),
    ("editor", "request"),
    ("write-answer", "request"),
    ("next-page", "request"),
    ("all-pages", "request"),
    ("save-request", "request"),
    ("saved-requests", "request saved"),
    ("keep-secret", "request"),
    ("show-secret", "get"),
    ("copy-secret", "get"),
    ("check", "check"),
    ("check-all", "check"),
    ("mark", "check"),
    ("mark-all", "check"),
    ("add", "add"),
    ("edit", "edit"),
    ("rotate", "rotate"),
    ("deliver", "consumer deliver"),
    ("revoke", "revoke"),
    ("create", "create"),
    ("sign-in", "login"),
    ("probe", "check"),
    ("presets", "request presets"),
    ("history", "request history"),
    ("timeline", "list"),
    ("doctor", "doctor"),
    ("scan", "scan"),
];

/// Commands of the screen that a script reaches by a command of another name.
const OTHER_NAMES: [(&str, &str); 5] = [
    ("verdicts", "check"),
    ("welcome", "import"),
    ("unlock", "store unlock"),
    ("activity", "audit"),
    ("theme", "config edit"),
];

/// Commands that only exist on the screen: they move, fold or draw, a shell has its own means for
/// them, or their result is visual.
const SCREEN_ONLY: [&str; 39] = [
    "up",
    "down",
    "top",
    "bottom",
    "page-up",
    "page-down",
    "next-pane",
    "previous-pane",
    "next-attention",
    "search",
    "next-match",
    "previous-match",
    "clear",
    "fold",
    "open",
    "close",
    "fold-all",
    "changes",
    "copy-body",
    "copy-value",
    "copy-path",
    "import-curl",
    "page",
    "jump",
    "zoom",
    "wider",
    "narrower",
    "taller",
    "shorter",
    "reset-layout",
    "help",
    "lock",
    "reload",
    "undo",
    "presentation",
    "mouse",
    "suspend",
    "cancel",
    "quit",
];

#[test]
fn every_command_of_the_screen_has_its_place_on_the_command_line_or_needs_none() {
    let beside = SCREEN_AND_CLI.iter().chain(&OTHER_NAMES).map(|(name, _)| *name);
    let placed: Vec<_> = beside.chain(SCREEN_ONLY).collect();
    let unlike: HashSet<_> = placed.iter().copied().collect();
    assert_eq!(unlike.len(), placed.len(), "a command is listed twice");
    let known: HashSet<_> = COMMANDS.iter().map(|command| command.name).collect();
    let mut unplaced: Vec<_> = known.symmetric_difference(&unlike).collect();
    unplaced.sort();
    assert!(unplaced.is_empty(), "not listed, or no longer a command: {unplaced:?}");
}

#[test]
fn the_command_line_has_what_is_named_here() {
    let program = tokenring::cli::command();
    for (name, verbs) in SCREEN_AND_CLI.iter().chain(&OTHER_NAMES) {
        let found = verbs.split(' ').try_fold(&program, |known, verb| known.find_subcommand(verb));
        assert!(found.is_some(), "{name}: there is no `tokenring {verbs}`");
    }
}
