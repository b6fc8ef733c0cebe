//! Notes on the provider's classification of a new credential.

use crate::cli::context::CliContext;
use crate::domain::Problem;
use crate::domain::response::CheckResult;
use crate::engine::ClassificationResult;

/// Prints the identity of the credential, or why it is unknown. The credential is stored either
/// way, so neither is a failure.
pub(in crate::cli) fn print_classification(
    context: &CliContext<'_>,
    classified: &Result<ClassificationResult, Problem>,
) {
    match classified {
        Ok(classified) => {
            let mark = if classified.check.result == CheckResult::Accepted { "" } else { "note: " };
            classified
                .summary_lines()
                .iter()
                .for_each(|remark| context.out.note(&format!("{mark}{remark}")));
        }
        Err(problem) => context
            .out
            .note(&format!("note: stored, but not verified: {}: {}", problem.what, problem.why)),
    }
}
