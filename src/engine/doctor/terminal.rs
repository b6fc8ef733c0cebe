//! The terminal: its size, its colours and signs, and the ways to a clipboard from it.

use super::{Area, Finding, Surroundings};
use crate::config::{ClipboardChoice, ColorDepth};
use crate::engine::message::ClipboardWay;
use crate::engine::{Engine, is_remote};

/// The smallest size at which the screen is of use.
const SMALLEST: (u16, u16) = (60, 16);

impl Engine {
    pub(super) async fn examine_terminal(&self, around: &Surroundings) -> Vec<Finding> {
        let mut findings = vec![of_size(around.terminal), of_signs()];
        findings.extend(around.depth.map(of_colours));
        findings.extend(of_way());
        findings.extend(self.examine_clipboard(self.options.clipboard).await);
        findings
    }

    async fn examine_clipboard(&self, choice: ClipboardChoice) -> Vec<Finding> {
        if choice == ClipboardChoice::None {
            return vec![Finding::ok(Area::Terminal, "Nothing is copied", "the settings say clipboard = \"none\"")];
        }
        let tried = self.clipboard.survey().await;
        let unusable = tried.iter().all(|(_, state)| state.is_err());
        let finding = |(way, state): (ClipboardWay, Result<(), String>)| match state {
            Ok(()) => Finding::ok(Area::Terminal, format!("{} can be copied to", title(way)), proof(way)),
            Err(why) => {
                let remedy = "choose another way with `clipboard` in config.toml, or reveal secrets instead";
                let what = format!("{} cannot be copied to", title(way));
                if unusable { Finding::warn(Area::Terminal, what, why, remedy) } else { Finding::ok(Area::Terminal, what, why) }
            }
        };
        tried.into_iter().map(finding).collect()
    }
}

fn of_size(size: Option<(u16, u16)>) -> Finding {
    match size {
        None => Finding::ok(Area::Terminal, "There is no terminal", "the command line works without; the screen needs one"),
        Some((columns, rows)) if columns < SMALLEST.0 || rows < SMALLEST.1 => {
            let why = format!("the screen needs {} columns and {} rows", SMALLEST.0, SMALLEST.1);
            Finding::warn(Area::Terminal, format!("The terminal has only {columns} by {rows}"), why, "make the window larger")
        }
        Some((columns, rows)) => Finding::ok(Area::Terminal, format!("The terminal has {columns} by {rows}"), "large enough"),
    }
}

fn of_colours(depth: ColorDepth) -> Finding {
    let (what, why) = match depth {
        ColorDepth::Monochrome => ("No colours are shown", "NO_COLOR, TERM or CLICOLOR says so; nothing depends on colour"),
        ColorDepth::Ansi => ("Sixteen colours are shown", "TERM and COLORTERM promise no more"),
        ColorDepth::Indexed => ("256 colours are shown", "TERM says so"),
        ColorDepth::TrueColor => ("All colours are shown", "COLORTERM says so"),
    };
    Finding::ok(Area::Terminal, what, why)
}

fn of_signs() -> Finding {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| variable(name));
    let is_wide = locale.as_ref().is_some_and(|locale| {
        let locale = locale.to_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    });
    if is_wide || cfg!(not(unix)) {
        return Finding::ok(Area::Terminal, "The locale is Unicode", locale.unwrap_or_default());
    }
    let why = locale.map_or_else(|| "neither LC_ALL nor LC_CTYPE nor LANG is set".to_owned(), |locale| format!("it is {locale}"));
    let remedy = "set LANG=C.UTF-8, or choose glyphs = \"unicode\" in config.toml if the terminal shows them";
    Finding::warn(Area::Terminal, "The locale is not Unicode, so plain signs are drawn", why, remedy)
}

/// What stands between this program and the person's eyes.
fn of_way() -> Vec<Finding> {
    let tmux = variable("TMUX").map(|_| {
        Finding::ok(Area::Terminal, "It runs inside tmux", "secrets go to its buffer for a moment, and on to the outer terminal")
    });
    let ssh = is_remote().then(|| {
        let why =
            "the clipboard is that of the other machine, reached through the terminal: nobody can see whether it took a copy";
        Finding::ok(Area::Terminal, "It runs over SSH", why)
    });
    tmux.into_iter().chain(ssh).collect()
}

const fn title(way: ClipboardWay) -> &'static str {
    match way {
        ClipboardWay::Native => "The desktop's clipboard",
        ClipboardWay::Tmux => "The buffer of tmux",
        ClipboardWay::Osc52 => "The terminal's clipboard (OSC 52)",
    }
}

const fn proof(way: ClipboardWay) -> &'static str {
    match way {
        ClipboardWay::Native => "copies are proven, and cleared again",
        ClipboardWay::Tmux | ClipboardWay::Osc52 => "copies cannot be proven, nor cleared",
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
