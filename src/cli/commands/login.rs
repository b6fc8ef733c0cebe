//! `tokenring login`: signs in with the browser.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::cli::args;
use crate::cli::context::CliContext;
use crate::cli::input::prompt;
use crate::cli::output::json::CredentialJson;
use crate::domain::problem::ProblemClass;
use crate::domain::provider::{AuthMethod, CredentialKind, ProviderCatalog};
use crate::domain::{Credential, Problem};
use crate::engine::prompt::AwaitedCallback;
use crate::engine::{self, Engine, NewSession, PendingSignIn, SIGN_IN_TIMEOUT, SignInResult};

/// Sign in with the browser
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
        tokenring login triage --provider snyk-apps --region eu \\\n      --field client_id=… --part client_secret\n  \
    tokenring login triage          # again, after the session has expired\n  \
    tokenring login triage --paste  # over SSH: paste the callback URL from the browser\n\n\
    The callback URL must be registered for the app: http://127.0.0.1:0/callback (any port), unless \
    --field callback=http://127.0.0.1:8080/callback sets another.")]
pub(in crate::cli) struct LoginArgs {
    /// Name of a new or existing credential
    name: String,
    /// Provider of a new credential: snyk-apps, or one of your own
    #[arg(long)]
    provider: Option<String>,
    /// Kind of a new credential; needed only if the provider has several with a sign-in
    #[arg(long, requires = "provider")]
    kind: Option<String>,
    /// Region of a new credential; the provider's first by default
    #[arg(long, requires = "provider")]
    region: Option<String>,
    #[arg(
        long = "field",
        value_name = "K=V",
        value_parser = args::parse_key_value,
        requires = "provider",
        help = "Field of a new credential, such as client_id=…; may be repeated"
    )]
    fields: Vec<(String, String)>,
    /// Label of a new credential; may be repeated
    #[arg(long = "label", value_name = "L", requires = "provider")]
    labels: Vec<String>,
    #[arg(
        long = "part",
        value_name = "PART",
        requires = "provider",
        help = "Secret part to read for a new credential, one line each, such as client_secret (none for public apps)"
    )]
    parts: Vec<String>,
    /// Print the URL only; do not open the browser
    #[arg(long)]
    no_browser: bool,
    /// Also accept the callback URL on standard input, for a browser on another machine
    #[arg(long)]
    paste: bool,
}

impl LoginArgs {
    /// Shows the sign-in page, waits for the user and reports the result.
    pub(in crate::cli) async fn run(self, context: &CliContext<'_>) -> Result<u8, Problem> {
        let (open, paste) = (!self.no_browser, self.paste);
        let pending = self.begin_sign_in(context).await?;
        let engine = context.engine()?;
        let awaited = AwaitedCallback {
            callback: pending.callback().clone(),
            timeout: SIGN_IN_TIMEOUT,
            until: engine.clock.now() + SIGN_IN_TIMEOUT,
        };
        prompt::print_sign_in_page(context.out, pending.address().as_str(), &awaited, paste)?;
        if open {
            engine::open_page(pending.address());
        }
        let pasted = async move {
            if paste { prompt::read_callback_url().await } else { std::future::pending().await }
        };
        tokio::select! {
            biased;
            _ = tokio::signal::ctrl_c() => Err(sign_in_canceled()),
            signed_in = engine.sign_in.finish(pending, pasted, SIGN_IN_TIMEOUT) => print_sign_in_result(context, signed_in?),
        }
    }

    async fn begin_sign_in(self, context: &CliContext<'_>) -> Result<PendingSignIn, Problem> {
        let found = context.engine()?.credentials.find(&self.name).await;
        match (found, &self.provider) {
            (Ok(known), None) => {
                context.unlocked_engine().await?.sign_in.begin_again(&known.id).await
            }
            (Ok(known), Some(_)) => Err(name_taken_problem(&known)),
            (Err(problem), None) if problem.class == ProblemClass::NotFound => {
                Err(provider_required_problem(problem))
            }
            (Err(problem), _) if problem.class != ProblemClass::NotFound => Err(problem),
            (Err(_), _) => {
                let new = self.build_new_session(context.engine()?)?;
                context.unlocked_engine().await?.sign_in.begin(new).await
            }
        }
    }

    fn build_new_session(self, engine: &Engine) -> Result<NewSession, Problem> {
        let name = args::parse_name(&self.name)?;
        let catalog = &engine.catalog;
        let provider = self.provider.unwrap_or_default();
        let kind = choose_sign_in_kind(catalog, &provider, self.kind.as_deref())?;
        let region = match &self.region {
            Some(region) => catalog.region(&provider, region)?,
            None => catalog
                .regions(&provider)?
                .first()
                .ok_or_else(|| sign_in_kind_unclear(&provider))?,
        };
        if let Some(unknown) = self.parts.iter().find(|part| kind.part(part).is_none()) {
            let why = format!("a {} has no secret part \"{unknown}\"", kind.title);
            return Err(Problem::new(
                "Unknown secret part",
                why,
                "omit --part, or see the provider's documentation",
            )
            .with_class(ProblemClass::Usage));
        }
        let secrets = prompt::read_secret_lines(&self.parts)?;
        Ok(NewSession {
            name,
            kind: kind.id.clone(),
            region: region.id.clone(),
            fields: self.fields.into_iter().collect::<BTreeMap<_, _>>(),
            labels: self.labels,
            parts: self.parts.into_iter().zip(secrets.into_iter().map(Arc::new)).collect(),
            provider,
        })
    }
}

/// Chooses the kind: the named one, otherwise the provider's only kind with a sign-in.
fn choose_sign_in_kind<'c>(
    catalog: &'c ProviderCatalog,
    provider: &str,
    wanted: Option<&str>,
) -> Result<&'c CredentialKind, Problem> {
    if let Some(kind) = wanted {
        return Ok(catalog.kind(provider, kind)?);
    }
    let signs_in = |kind: &&CredentialKind| {
        matches!(kind.authorization, AuthMethod::RefreshToken { authorize: Some(_), .. })
    };
    let mut kinds = catalog.provider(provider)?.kinds.iter().filter(signs_in);
    match (kinds.next(), kinds.next()) {
        (Some(only), None) => Ok(only),
        _ => Err(sign_in_kind_unclear(provider)),
    }
}

fn print_sign_in_result(context: &CliContext<'_>, signed_in: SignInResult) -> Result<u8, Problem> {
    let SignInResult { credential, classification: classified, old_session_revocation: replaced } =
        signed_in;
    if let Some(Err(problem)) = replaced {
        context
            .out
            .note(&format!("note: the previous session could not be revoked: {}", problem.why));
    }
    if context.out.json {
        let now = context.engine()?.clock.now();
        context.out.print_json(&CredentialJson::new(&credential, now))?;
        return Ok(0);
    }
    args::print_credential(context, &credential)?;
    args::print_classification(context, &classified);
    Ok(0)
}

fn sign_in_canceled() -> Problem {
    Problem::new(
        "The sign-in was canceled",
        "Ctrl-C was pressed; nothing was stored",
        "run the command again to sign in",
    )
}

fn name_taken_problem(known: &Credential) -> Problem {
    let why =
        format!("the name belongs to a {} {} in {}", known.provider, known.kind, known.region);
    let remedy = format!(
        "omit --provider to sign in again (tokenring login {}), or choose another name",
        known.name
    );
    Problem::new(format!("The name \"{}\" is taken", known.name), why, remedy)
        .with_class(ProblemClass::Usage)
}

fn provider_required_problem(problem: Problem) -> Problem {
    let remedy = format!(
        "{}; for a new credential, pass --provider and --field client_id=…",
        problem.remedy
    );
    Problem { remedy, ..problem }
}

fn sign_in_kind_unclear(provider: &str) -> Problem {
    let why = format!("{provider} has no kind of credential with a sign-in, or more than one");
    Problem::new("The kind is ambiguous", why, "choose one with --kind, or use `tokenring add`")
        .with_class(ProblemClass::Usage)
}
