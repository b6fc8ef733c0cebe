//! `tokenring doctor`: diagnoses problems on this machine.

use crate::cli::context::CliContext;
use crate::cli::output;
use crate::cli::output::style::TextTone;
use crate::domain::Problem;
use crate::domain::problem::ProblemClass;
use crate::domain::text::sanitize_line;
use crate::engine;
use crate::engine::doctor::{
    Diagnostic, DiagnosticArea, DiagnosticSeverity, DoctorInput, DoctorScope,
};

/// Diagnose problems on this machine
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct DoctorArgs {
    /// Do not use the network
    #[arg(long)]
    offline: bool,
    /// Make the fingerprints again from the stored secrets if the fingerprint key was lost or replaced
    #[arg(long)]
    fix: bool,
}

const EXAMPLES: &str = "Examples:\n  tokenring doctor\n  tokenring doctor --offline --json\n\n\
    Changes nothing without --fix and sends no secret: regions are contacted without one. If the store is an encrypted file, the command \
    asks for its passphrase to check more. Exits with 1 if something does not work, with 6 if that is the store.";

impl DoctorArgs {
    /// Diagnoses the machine and prints the findings.
    pub(in crate::cli) async fn run(self, context: &CliContext<'_>) -> Result<u8, Problem> {
        // A locked or missing store is a finding, not a failure.
        let (engine, store_problem) = match context.unlocked_engine().await {
            Ok(engine) => (engine, None),
            Err(problem) if problem.class == ProblemClass::Store => {
                (context.engine()?, Some(problem))
            }
            Err(problem) => return Err(problem),
        };
        let input = DoctorInput {
            terminal: output::terminal_size(),
            other_stores: engine::other_stores(&context.paths, &context.settings).await,
            color_depth: Some(context.settings.color_depth),
            scope: if self.offline { DoctorScope::Machine } else { DoctorScope::Providers },
        };
        let fixed = if self.fix { Some(engine.doctor.fix().await?) } else { None };
        let mut findings = engine.doctor.diagnose(&input).await;
        findings.extend(fixed);
        findings.sort_by_key(|finding| finding.area);
        insert_store_problem(&mut findings, store_problem);
        print_diagnostics(context, &findings)?;
        Ok(exit_code(&findings))
    }
}

/// Adds the problem of unlocking the store, unless a finding has it. A wrong passphrase, or a
/// passphrase file that other users can read, is not among the findings: the store itself only
/// reports that it is locked.
pub(in crate::cli) fn insert_store_problem(
    findings: &mut Vec<Diagnostic>,
    problem: Option<Problem>,
) {
    if let Some(problem) = problem.filter(|problem| !problem_is_listed(problem, findings)) {
        findings.insert(
            0,
            Diagnostic::warn(DiagnosticArea::Store, problem.what, problem.why, problem.remedy),
        );
    }
}

fn problem_is_listed(problem: &Problem, findings: &[Diagnostic]) -> bool {
    findings.iter().any(|one| one.area == DiagnosticArea::Store && one.remedy == problem.remedy)
}

fn exit_code(findings: &[Diagnostic]) -> u8 {
    let failed = |area: Option<DiagnosticArea>| {
        findings.iter().any(|one| {
            one.level == DiagnosticSeverity::Fail && area.is_none_or(|area| one.area == area)
        })
    };
    match (failed(Some(DiagnosticArea::Store)), failed(None)) {
        (true, _) => ProblemClass::Store.exit_code(),
        (false, true) => ProblemClass::Failed.exit_code(),
        (false, false) => 0,
    }
}

const fn severity_tone(severity: DiagnosticSeverity) -> TextTone {
    match severity {
        DiagnosticSeverity::Ok => TextTone::Good,
        DiagnosticSeverity::Warn => TextTone::Warning,
        DiagnosticSeverity::Fail => TextTone::Bad,
    }
}

/// Prints findings, grouped by area.
pub(in crate::cli) fn print_diagnostics(
    context: &CliContext<'_>,
    findings: &[Diagnostic],
) -> Result<(), Problem> {
    if context.out.json {
        return context.out.print_json(&serde_json::json!({ "findings": findings }));
    }
    let (colors, mut lines) = (context.out.color_mode(), Vec::new());
    for area in findings.chunk_by(|one, other| one.area == other.area) {
        lines.push(colors.paint_heading(area[0].area.as_str()));
        for finding in area {
            let level = finding.level.as_str();
            let blanks = " ".repeat(4_usize.saturating_sub(level.len()));
            lines.push(format!(
                "  {}{blanks}  {}: {}",
                colors.paint(level, severity_tone(finding.level)),
                sanitize_line(&finding.what),
                sanitize_line(&finding.why)
            ));
            if !finding.remedy.is_empty() {
                lines.push(format!("        → {}", sanitize_line(&finding.remedy)));
            }
        }
    }
    context.out.print_styled(&lines.join("\n"))
}
