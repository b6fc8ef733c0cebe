//! `tokenring create`: creates a credential at its provider and stores it.

use std::collections::BTreeMap;

use super::rotate::{format_progress_line, print_progress_line as show, report_outcome};
use crate::cli::args::{parse_key_value, parse_name, print_credential};
use crate::cli::context::CliContext;
use crate::cli::input::prompt;
use crate::cli::input::prompter::{CliPrompter, check_answers};
use crate::cli::output::usage_problem;
use crate::domain::problem::ProblemClass;
use crate::domain::rotation::ProgressLine;
use crate::domain::{Credential, Problem};
use crate::engine::rotation::{
    CreateRequest, RotationObserver, RotationPhase, RotationStatus, plan_lines,
};

/// Create a new credential at the provider and store it
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  tokenring create ci-2 --like ci-scanner --as admin\n  \
    tokenring create ci-3 --provider snyk --kind service-account-token --region eu \\\n      \
    --field org_id=… --field role_id=… --as admin\n  \
    tokenring create ci-4 --like bot --field service_account_id=…  # another secret for the account\n  \
    tokenring create triage-2 --like triage --as admin             # another secret of the app\n  \
    tokenring create scan --like key --role ROLE --role \"ROLE team:TEAM\" --key-label ci")]
pub(in crate::cli) struct CreateArgs {
    /// Name of the new credential, in tokenring and at the provider
    name: String,
    /// Copy provider, kind, region, organization and role from this credential
    #[arg(long, value_name = "OTHER", conflicts_with_all = ["provider", "kind", "region"])]
    like: Option<String>,
    /// Provider, such as snyk
    #[arg(long, required_unless_present = "like", requires = "kind")]
    provider: Option<String>,
    /// Kind of credential
    #[arg(long)]
    kind: Option<String>,
    /// Region; by default that of the credential that creates the new one
    #[arg(long)]
    region: Option<String>,
    /// Field of the kind, such as its organization or role; may be repeated
    #[arg(long = "field", value_name = "K=V", value_parser = parse_key_value)]
    fields: Vec<(String, String)>,
    /// Snyk API & Web: role and scope, as ROLE, "ROLE team:TEAM" or "ROLE target:TARGET"; may be
    /// repeated
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// Snyk API & Web: label at the provider; may be repeated
    #[arg(long = "key-label", value_name = "L")]
    key_labels: Vec<String>,
    /// Label in tokenring; may be repeated
    #[arg(long = "label", value_name = "L")]
    labels: Vec<String>,
    /// Credential that creates the new one; by default the one named with --like
    #[arg(long = "as", value_name = "ADMIN", required_unless_present = "like")]
    administrator: Option<String>,
    /// Reason, for the audit log
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    reason: String,
    /// Show the plan and do nothing
    #[arg(long)]
    plan: bool,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
    /// Pre-supply an answer: retry, skip, removed or back; may be repeated
    #[arg(long = "answer", value_name = "WORD")]
    answers: Vec<String>,
}

impl CreateArgs {
    /// Asks for confirmation and creates the credential.
    pub(in crate::cli) async fn run(self, context: &CliContext<'_>) -> Result<u8, Problem> {
        check_answers(&self.answers)?;
        let engine = context.engine()?;
        let like = match &self.like {
            Some(other) => Some(engine.credentials.find(other).await?),
            None => None,
        };
        let administrator = match self.administrator.as_ref().or(self.like.as_ref()) {
            Some(name) => engine.credentials.find(name).await?,
            None => {
                return Err(usage_problem(
                    "No credential to create it with",
                    "neither --as nor --like was given",
                    "name a credential with --as",
                ));
            }
        };
        let (yes, plan, answers) = (self.yes, self.plan, self.answers.clone());
        let request = self.build_request(like, &administrator)?;
        let creation = engine.rotation.plan_creation(request).await?;
        let lines = plan_lines(&creation.plan);
        if plan {
            for line in &lines {
                show(context, line);
            }
            return Ok(0);
        }
        if !yes {
            let made = &creation.credential;
            let question = format!(
                "Create {} {} in {} as {}?",
                made.kind, made.name, made.region, administrator.name
            );
            prompt::confirm_by_typing(&question, made.name.as_str(), "--yes")?;
        }
        let (prompter, id) =
            (CliPrompter::new(context.out, answers), creation.credential.id.clone());
        // Standard output gets the credential; the steps are notes on standard error.
        let on_progress = |line: &ProgressLine| context.out.note(&format_progress_line(line));
        let status = context
            .unlocked_engine()
            .await?
            .rotation
            .create_credential(
                creation,
                RotationObserver { prompter: &prompter, on_progress: &on_progress },
            )
            .await?;
        if status.state == RotationPhase::Done && status.manual_steps.is_empty() {
            status.notes.iter().for_each(|note| context.out.note(note));
            return print_credential(context, &engine.credentials.get(&id).await?);
        }
        not_created_problem(&status).map_or_else(|| report_outcome(context, &status), Err)
    }

    fn build_request(
        self,
        like: Option<Credential>,
        administrator: &Credential,
    ) -> Result<CreateRequest, Problem> {
        let from = |given: Option<String>, field: fn(&Credential) -> &String| {
            given.or_else(|| like.as_ref().map(field).cloned())
        };
        let unclear = || {
            usage_problem(
                "Missing provider and kind",
                "neither --like nor --provider and --kind were given",
                "pass --like OTHER, or --provider and --kind",
            )
        };
        let mut fields: BTreeMap<_, _> = self.fields.into_iter().collect();
        let listed = [("roles", self.roles), ("key_labels", self.key_labels)].into_iter();
        fields.extend(
            listed
                .filter(|(_, words)| !words.is_empty())
                .map(|(id, words)| (id.to_owned(), words.join(", "))),
        );
        Ok(CreateRequest {
            name: parse_name(&self.name)?,
            provider: from(self.provider, |like| &like.provider).ok_or_else(unclear)?,
            kind: from(self.kind, |like| &like.kind).ok_or_else(unclear)?,
            region: from(self.region, |like| &like.region)
                .unwrap_or_else(|| administrator.region.clone()),
            fields,
            labels: self.labels,
            administrator: administrator.id.clone(),
            reason: self.reason,
            template: like,
        })
    }
}

/// Returns the problem of a creation that the provider refused and that left nothing behind.
fn not_created_problem(status: &RotationStatus) -> Option<Problem> {
    let why = status
        .why
        .clone()
        .filter(|_| status.state == RotationPhase::RolledBack && status.manual_steps.is_empty())?;
    let remedy =
        "check the reason from the provider, or use a credential with more permissions (--as)";
    Some(Problem::new("No credential was created", why, remedy).with_class(ProblemClass::Refused))
}
