//! What a provider said about a new credential, in remarks.

use super::context::Context;
use crate::domain::response::Verdict;
use crate::domain::{Credential, Problem};
use crate::engine::Classified;

/// Says who the credential is, or why that is not known. It is kept either way, so neither is a failure.
pub(super) fn note(context: &Context<'_>, classified: &Result<Classified, Problem>) {
    match classified {
        Ok(Classified { check, credential }) if check.verdict == Verdict::Accepted => {
            for line in describe(credential) {
                context.out.note(&line);
            }
        }
        Ok(Classified { check, .. }) => {
            context.out.note(&format!("note: kept, but {}: {}", check.verdict.as_str(), check.reason));
        }
        Err(problem) => context.out.note(&format!("note: kept, but not asked about: {}: {}", problem.what, problem.why)),
    }
}

fn describe(credential: &Credential) -> Vec<String> {
    let who = credential.principal.as_ref().map(|who| format!("acts as {} ({})", who.name, who.kind.replace('_', " ")));
    let sees = credential.fields.get("organisations").map(|seen| format!("sees organisations: {seen}"));
    let ends = credential.expires.map(|end| format!("ends on {}", end.date()));
    [who, sees, ends].into_iter().flatten().collect()
}
