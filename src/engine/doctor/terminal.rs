//! Diagnostics of the terminal: its size, its colors and characters, and the available clipboards.

use super::{Diagnostic, DiagnosticArea, DoctorInput};
use crate::config::{ClipboardChoice, ColorDepth};
use crate::engine::clipboard::ClipboardMethod;
use crate::engine::doctor::DoctorService;
use crate::engine::is_remote;

/// Minimum size of the screen, in columns and rows.
const MIN_TERMINAL_SIZE: (u16, u16) = (60, 16);

impl DoctorService {
    pub(super) async fn diagnose_terminal(&self, input: &DoctorInput) -> Vec<Diagnostic> {
        let mut findings = vec![diagnose_size(input.terminal), diagnose_locale()];
        findings.extend(input.color_depth.map(diagnose_colors));
        findings.extend(diagnose_tmux_and_ssh());
        findings.extend(self.diagnose_clipboard(self.clipboard_choice).await);
        findings
    }

    async fn diagnose_clipboard(&self, choice: ClipboardChoice) -> Vec<Diagnostic> {
        if choice == ClipboardChoice::None {
            return vec![Diagnostic::ok(
                DiagnosticArea::Terminal,
                "Copying is disabled",
                "the settings contain clipboard = \"none\"",
            )];
        }
        let methods = self.clipboard.probe_methods().await;
        let unusable = methods.iter().all(|(_, state)| state.is_err());
        let finding = |(method, state): (ClipboardMethod, Result<(), String>)| match state {
            Ok(()) => Diagnostic::ok(
                DiagnosticArea::Terminal,
                format!("{} is available", method_title(method)),
                method_guarantee(method),
            ),
            Err(why) => {
                let remedy = "choose another method with `clipboard` in config.toml, or reveal secrets instead";
                let what = format!("{} is not available", method_title(method));
                if unusable {
                    Diagnostic::warn(DiagnosticArea::Terminal, what, why, remedy)
                } else {
                    Diagnostic::ok(DiagnosticArea::Terminal, what, why)
                }
            }
        };
        methods.into_iter().map(finding).collect()
    }
}

fn diagnose_size(size: Option<(u16, u16)>) -> Diagnostic {
    match size {
        None => Diagnostic::ok(
            DiagnosticArea::Terminal,
            "No terminal",
            "the command line works without a terminal; the screen needs one",
        ),
        Some((columns, rows)) if columns < MIN_TERMINAL_SIZE.0 || rows < MIN_TERMINAL_SIZE.1 => {
            let why = format!(
                "the screen needs {} columns and {} rows",
                MIN_TERMINAL_SIZE.0, MIN_TERMINAL_SIZE.1
            );
            Diagnostic::warn(
                DiagnosticArea::Terminal,
                format!("The terminal has only {columns} columns and {rows} rows"),
                why,
                "enlarge the window",
            )
        }
        Some((columns, rows)) => Diagnostic::ok(
            DiagnosticArea::Terminal,
            format!("The terminal has {columns} columns and {rows} rows"),
            "large enough",
        ),
    }
}

fn diagnose_colors(depth: ColorDepth) -> Diagnostic {
    let (what, why) = match depth {
        ColorDepth::Monochrome => (
            "No colors are shown",
            "according to NO_COLOR, TERM or CLICOLOR; nothing depends on color",
        ),
        ColorDepth::Ansi => ("16 colors are shown", "TERM and COLORTERM announce no more"),
        ColorDepth::Indexed => ("256 colors are shown", "according to TERM"),
        ColorDepth::TrueColor => ("All colors are shown", "according to COLORTERM"),
    };
    Diagnostic::ok(DiagnosticArea::Terminal, what, why)
}

fn diagnose_locale() -> Diagnostic {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| env_var(name));
    let is_wide = locale.as_ref().is_some_and(|locale| {
        let locale = locale.to_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    });
    if is_wide || cfg!(not(unix)) {
        return Diagnostic::ok(
            DiagnosticArea::Terminal,
            "The locale is Unicode",
            locale.unwrap_or_default(),
        );
    }
    let why = locale.map_or_else(
        || "LC_ALL, LC_CTYPE and LANG are not set".to_owned(),
        |locale| format!("the locale is {locale}"),
    );
    let remedy = "set LANG=C.UTF-8, or choose glyphs = \"unicode\" in config.toml if the terminal shows Unicode characters";
    Diagnostic::warn(
        DiagnosticArea::Terminal,
        "The locale is not Unicode, so ASCII characters are drawn",
        why,
        remedy,
    )
}

/// Reports tmux and SSH, which are between this program and the user's terminal.
fn diagnose_tmux_and_ssh() -> Vec<Diagnostic> {
    let tmux = env_var("TMUX").map(|_| {
        Diagnostic::ok(
            DiagnosticArea::Terminal,
            "Running inside tmux",
            "copied secrets pass through the tmux buffer to the outer terminal",
        )
    });
    let ssh = is_remote().then(|| {
        let why = "the clipboard is on the other machine; the terminal does not confirm a copy";
        Diagnostic::ok(DiagnosticArea::Terminal, "Running over SSH", why)
    });
    tmux.into_iter().chain(ssh).collect()
}

const fn method_title(method: ClipboardMethod) -> &'static str {
    match method {
        ClipboardMethod::Native => "The desktop clipboard",
        ClipboardMethod::Tmux => "The tmux buffer",
        ClipboardMethod::Osc52 => "The terminal clipboard (OSC 52)",
        ClipboardMethod::GnuScreen => "The terminal clipboard (OSC 52 through GNU screen)",
    }
}

const fn method_guarantee(method: ClipboardMethod) -> &'static str {
    match method {
        ClipboardMethod::Native => "copies are confirmed, and cleared again",
        ClipboardMethod::Tmux | ClipboardMethod::Osc52 | ClipboardMethod::GnuScreen => {
            "copies can be neither confirmed nor cleared"
        }
    }
}

fn env_var(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
