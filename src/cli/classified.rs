//! What a provider said about a new credential, in remarks.

use super::context::CliContext;
use crate::domain::Problem;
use crate::domain::response::CheckResult;
use crate::engine::ClassificationResult;

/// Says who the credential is, or why that is not known. It is kept either way, so neither is a failure.
pub(super) fn print_classification(
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
            .note(&format!("note: kept, but not asked about: {}: {}", problem.what, problem.why)),
    }
}
