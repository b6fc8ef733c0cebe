//! `tokenring config`: shows the path and the JSON schema of the settings, checks them and opens
//! them in an editor.

use std::path::Path;
use std::process::Command;

use super::doctor::print_diagnostics;
use crate::cli::context::CliContext;
use crate::config::{self, Settings, SettingsReport, schema};
use crate::domain::Problem;
use crate::domain::problem::ProblemClass;
use crate::engine::doctor::{Diagnostic, DiagnosticArea, DiagnosticSeverity};
use crate::tui;

/// Show, check or edit the settings
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tokenring config check\n  tokenring config edit\n  tokenring config schema > schema.json"
)]
pub(in crate::cli) struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Clone, Copy, clap::Subcommand)]
enum ConfigCommand {
    /// Print the path of the settings file
    #[command(after_help = "Examples:\n  tokenring config path")]
    Path,
    /// Print the JSON schema of the settings, for editors
    #[command(after_help = "Examples:\n  tokenring config schema > tokenring.schema.json")]
    Schema,
    /// Report mistakes in the settings, line by line, and conflicting key bindings
    #[command(after_help = "Examples:\n  tokenring config check\n  tokenring config check --json")]
    Check,
    /// Open the settings in $VISUAL or $EDITOR, then check them
    #[command(after_help = "Examples:\n  EDITOR=vi tokenring config edit")]
    Edit,
}

impl ConfigArgs {
    /// Runs the subcommand.
    pub(in crate::cli) fn run(self, context: &CliContext<'_>) -> Result<u8, Problem> {
        match self.command {
            ConfigCommand::Path => print_path(context),
            ConfigCommand::Schema => {
                let schema = schema::json_schema(tui::commands());
                let text = serde_json::to_string_pretty(&schema).unwrap_or_default();
                context.out.print_text(&text).map(|()| 0)
            }
            ConfigCommand::Check => check_settings(context),
            ConfigCommand::Edit => edit_settings(context),
        }
    }
}

fn print_path(context: &CliContext<'_>) -> Result<u8, Problem> {
    let path = context.paths.settings();
    if context.out.json {
        context.out.print_json(&serde_json::json!({ "path": path, "exists": path.exists() }))?;
    } else {
        context.out.print_text(&path.display().to_string())?;
    }
    Ok(0)
}

fn check_settings(context: &CliContext<'_>) -> Result<u8, Problem> {
    let findings = diagnose_settings(context);
    print_diagnostics(context, &findings)?;
    let is_wrong = findings.iter().any(|finding| finding.level == DiagnosticSeverity::Fail);
    Ok(if is_wrong { ProblemClass::Usage.exit_code() } else { 0 })
}

/// Lists the problems of the settings file, then those of the key bindings. Without problems there
/// is one finding that says so.
fn diagnose_settings(context: &CliContext<'_>) -> Vec<Diagnostic> {
    let path = context.paths.settings();
    let SettingsReport { settings, problems } =
        match Settings::load_leniently(&context.paths, &|name| std::env::var(name).ok()) {
            Ok(report) => report,
            Err(problem) => {
                return vec![diagnostic(
                    DiagnosticArea::Settings,
                    DiagnosticSeverity::Fail,
                    problem,
                )];
            }
        };
    let mut found: Vec<_> = problems
        .into_iter()
        .map(|problem| diagnostic(DiagnosticArea::Settings, DiagnosticSeverity::Fail, problem))
        .collect();
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    for conflict in tui::key_conflicts(&settings) {
        let level =
            if conflict.is_mistake() { DiagnosticSeverity::Fail } else { DiagnosticSeverity::Warn };
        found.push(diagnostic(
            DiagnosticArea::Keys,
            level,
            conflict.problem_with_line(&path, &text),
        ));
    }
    if found.is_empty() {
        let what = if path.exists() {
            "The settings are valid"
        } else {
            "No settings file; the defaults apply"
        };
        found.push(diagnostic(
            DiagnosticArea::Settings,
            DiagnosticSeverity::Ok,
            Problem::new(what, path.display().to_string(), ""),
        ));
    }
    found
}

fn diagnostic(area: DiagnosticArea, level: DiagnosticSeverity, problem: Problem) -> Diagnostic {
    let Problem { what, why, remedy, .. } = problem;
    Diagnostic { area, level, what, why, remedy }
}

fn edit_settings(context: &CliContext<'_>) -> Result<u8, Problem> {
    let path = context.paths.settings();
    if !path.exists() {
        config::write_private(&path, &schema::config_template())?;
    }
    open_editor(&path)?;
    check_settings(context)
}

/// Opens a file in the user's editor and waits until the editor exits.
fn open_editor(path: &Path) -> Result<(), Problem> {
    let named = ["VISUAL", "EDITOR"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|word| !word.trim().is_empty()));
    let line = named.ok_or_else(|| {
        let remedy = format!("set EDITOR to your editor, or edit {} directly", path.display());
        Problem::new("No editor is configured", "neither VISUAL nor EDITOR is set", remedy)
            .with_class(ProblemClass::Usage)
    })?;
    let failed = |why: String| {
        let remedy =
            format!("set EDITOR to an installed editor, or edit {} directly", path.display());
        Problem::new("The editor failed", format!("{line}: {why}"), remedy)
    };
    let mut words = line.split_whitespace();
    let program = words.next().unwrap_or_default();
    let status = Command::new(program)
        .args(words)
        .arg(path)
        .status()
        .map_err(|error| failed(error.to_string()))?;
    if status.success() { Ok(()) } else { Err(failed(status.to_string())) }
}
