//! Tasks of the checks: many credentials, or one credential in all regions.
//!
//! Start with `run_checks_task`.

use crate::domain::credential::CheckReport;
use crate::domain::{Credential, CredentialId, Problem};
use crate::engine::Engine;
use crate::engine::background::protocol::TaskEvent;
use crate::engine::background::runner::TaskContext;
use crate::engine::credentials::tasks::{CredentialEvent, send_token_lifetime};
use crate::engine::requests::record_outcome::checked_secret;

/// Explains the refusal in the latest check of a credential in this region. Sends nothing.
pub(in crate::engine) async fn explain_refusal_task(
    engine: &Engine,
    id: &CredentialId,
    region: &str,
    context: &TaskContext,
) -> Result<(), Problem> {
    let credential = engine.credentials.get(id).await?;
    let explained = engine.requests.diagnose_recorded_check(&credential, region).await?;
    let explained = explained.map(|(status, diagnosis)| (status, Box::new(diagnosis)));
    context.send_event(TaskEvent::Credential(CredentialEvent::RefusalExplained(explained)));
    Ok(())
}

/// Checks these credentials in their own regions.
pub(in crate::engine) async fn run_checks_task(
    engine: &Engine,
    ids: Vec<CredentialId>,
    context: &TaskContext,
) -> Result<(), Problem> {
    let wanted: std::collections::HashSet<_> = ids.into_iter().collect();
    let chosen: Vec<_> = engine
        .credentials
        .list()
        .await?
        .into_iter()
        .filter(|known| wanted.contains(&known.id))
        .collect();
    let (total, mut done, mut last_problem) = (chosen.len(), 0, None);
    engine
        .checks
        .check_many(chosen, |credential, outcome| {
            done += 1;
            match outcome {
                Ok(check) => {
                    context.send_event(checked_event(
                        engine,
                        credential,
                        &credential.region,
                        check,
                    ));
                }
                Err(problem) => last_problem = Some(problem),
            }
            context.send_event(TaskEvent::Progress { done, total });
        })
        .await;
    send_changed_credentials(engine, &wanted, context).await?;
    last_problem.map_or(Ok(()), Err)
}

/// Sends the changed credentials in one go, because a check may have learned more than its
/// result (principal, scheme).
async fn send_changed_credentials(
    engine: &Engine,
    ids: &std::collections::HashSet<CredentialId>,
    context: &TaskContext,
) -> Result<(), Problem> {
    for credential in
        engine.credentials.list().await?.into_iter().filter(|known| ids.contains(&known.id))
    {
        send_token_lifetime(engine, &credential, context);
        context.send_event(TaskEvent::Credential(CredentialEvent::Changed(Box::new(credential))));
    }
    Ok(())
}

/// Checks a credential in all regions of its provider.
pub(in crate::engine) async fn run_all_regions_task(
    engine: &Engine,
    id: &CredentialId,
    context: &TaskContext,
) -> Result<(), Problem> {
    let credential = engine.credentials.get(id).await?;
    let total = engine.catalog.regions(&credential.provider)?.len();
    let mut done = 0;
    engine
        .checks
        .check_all_regions(&credential, |region, check| {
            done += 1;
            context.send_event(checked_event(engine, &credential, region, check.clone()));
            context.send_event(TaskEvent::Progress { done, total });
        })
        .await?;
    let checked = engine.credentials.get(id).await?;
    context.send_event(TaskEvent::Credential(CredentialEvent::Changed(Box::new(checked))));
    Ok(())
}

fn checked_event(
    engine: &Engine,
    credential: &Credential,
    region: &str,
    check: CheckReport,
) -> TaskEvent {
    let kind = engine.catalog.kind(&credential.provider, &credential.kind);
    let checked =
        kind.map_or_else(|_| (&credential.id).into(), |kind| checked_secret(kind, credential));
    TaskEvent::Checked { checked, region: region.to_owned(), check }
}
