//! `tokenring request`: send a request with a credential.

use std::collections::BTreeMap;
use std::io::Read as _;

use super::add::pair;
use super::context::Context;
use super::edit::usage;
use super::prompt;
use crate::domain::problem::Class;
use crate::domain::request::{Draft, Method, Target};
use crate::domain::response::Body;
use crate::domain::{Credential, Problem};
use crate::engine::message::{Consent, Exchange};

/// Send a request with a credential
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  tokenring request ci-scanner '/rest/self?version=2024-10-15'\n  \
    tokenring request ci-scanner --preset projects --param org_id=… --json\n  \
    tokenring request ci-scanner POST /v1/org/…/project/…/aggregated-issues --data @body.json --yes")]
pub(super) struct Request {
    /// The credential's name
    name: String,
    /// [METHOD] PATH, or a whole URL within the credential's hosts
    #[arg(num_args = 0..=2, value_name = "[METHOD] PATH")]
    target: Vec<String>,
    /// A ready-made request of the provider, such as self or projects
    #[arg(long, value_name = "ID")]
    preset: Option<String>,
    /// A parameter of the preset; may be repeated
    #[arg(long = "param", value_name = "K=V", value_parser = pair)]
    parameters: Vec<(String, String)>,
    /// A query parameter; may be repeated
    #[arg(long = "query", value_name = "K=V", value_parser = pair)]
    query: Vec<(String, String)>,
    /// A header; may be repeated. The credential's own header is added at the last moment
    #[arg(long = "header", value_name = "K=V", value_parser = pair)]
    headers: Vec<(String, String)>,
    /// The body: text, @FILE, or - for standard input
    #[arg(long, value_name = "TEXT|@FILE|-")]
    data: Option<String>,
    /// Go on without being asked where the method changes something
    #[arg(long)]
    yes: bool,
}

impl Request {
    /// Builds the request, asks where it must, sends it and shows the answer.
    pub(super) async fn run(self, context: &Context<'_>) -> Result<u8, Problem> {
        let credential = context.engine()?.find(&self.name).await?;
        let draft = self.draft(context, &credential)?;
        let consent = self.consent(&credential, &draft)?;
        let exchange = context.unlocked().await?.send(&credential, draft, consent).await?;
        report(context, &exchange)
    }

    fn draft(&self, context: &Context<'_>, credential: &Credential) -> Result<Draft, Problem> {
        let mut draft = self.base(context, credential)?;
        draft.query.extend(self.query.iter().cloned());
        draft.headers.extend(self.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())));
        if let Some(data) = &self.data {
            draft.body = Some(read_body(data)?);
        }
        Ok(draft)
    }

    fn base(&self, context: &Context<'_>, credential: &Credential) -> Result<Draft, Problem> {
        match (&self.preset, &self.target[..]) {
            (Some(preset), []) => {
                let given: BTreeMap<_, _> = self.parameters.iter().cloned().collect();
                context.engine()?.draft(credential, preset, &given)
            }
            (Some(_), _) => Err(usage("Two requests at once", "both --preset and a path were given", "give one of them")),
            (None, []) => {
                Err(usage("Nothing to send", "neither a path nor --preset was given", "give [METHOD] PATH or --preset ID"))
            }
            (None, [path]) => free_draft(if self.data.is_some() { Method::Post } else { Method::Get }, path),
            (None, [method, path, ..]) => free_draft(parse_method(method)?, path),
        }
    }

    fn consent(&self, credential: &Credential, draft: &Draft) -> Result<Consent, Problem> {
        if draft.method.is_safe() {
            return Ok(Consent::NotAsked);
        }
        if !self.yes {
            let target = match &draft.target {
                Target::Path { path, .. } => path.clone(),
                Target::Url(url) => url.as_str().to_owned(),
            };
            let question = format!(
                "{} {target} in {} as {}: this may change something there.",
                draft.method, credential.region, credential.name
            );
            prompt::typed(&question, credential.name.as_str(), "--yes")?;
        }
        Ok(Consent::Given)
    }
}

fn parse_method(text: &str) -> Result<Method, Problem> {
    Method::parse(text).ok_or_else(|| {
        let known = Method::ALL.map(Method::as_str).join(", ");
        Problem::new(format!("There is no method \"{text}\""), "it is none of HTTP's", format!("use one of {known}"))
            .of(Class::Usage)
    })
}

fn free_draft(method: Method, target: &str) -> Result<Draft, Problem> {
    Ok(Draft::new(method, Target::parse(target)?))
}

fn read_body(data: &str) -> Result<String, Problem> {
    let failed = |error: std::io::Error| {
        Problem::new("The body could not be read", error.to_string(), "name a UTF-8 text file after @, or pipe it in with -")
            .of(Class::Usage)
    };
    match data.strip_prefix('@') {
        Some(file) => std::fs::read_to_string(file).map_err(failed),
        None if data == "-" => {
            let mut body = String::new();
            std::io::stdin().lock().read_to_string(&mut body).map_err(failed)?;
            Ok(body)
        }
        None => Ok(data.to_owned()),
    }
}

fn report(context: &Context<'_>, exchange: &Exchange) -> Result<u8, Problem> {
    let answer = &exchange.answer;
    if context.out.json {
        let headers: serde_json::Map<_, _> =
            answer.headers.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
        context.out.value(&serde_json::json!({
            "status": answer.status, "headers": headers, "body": body_value(&answer.body),
            "latency_ms": answer.timing.total_ms, "explanation": exchange.explanation,
        }))?;
    } else {
        if let Some(problem) = &exchange.explanation {
            context.out.note(&format!("{}: {}\n  why: {}\n  fix: {}", answer.status, problem.what, problem.why, problem.remedy));
        }
        match &answer.body {
            Body::Empty => {}
            Body::Text(text) => context.out.bytes(text.as_bytes())?,
            Body::Binary(bytes) if context.out.is_terminal() => {
                context.out.note(&format!("{} bytes that are not text; pipe them into a file", bytes.len()));
            }
            Body::Binary(bytes) => context.out.bytes(bytes)?,
        }
    }
    Ok(exit_code(answer.status))
}

/// JSON as JSON, other text as a string, bytes as their count.
fn body_value(body: &Body) -> serde_json::Value {
    match body {
        Body::Empty => serde_json::Value::Null,
        Body::Text(text) => serde_json::from_str(text).unwrap_or_else(|_| text.clone().into()),
        Body::Binary(bytes) => serde_json::json!({ "binary": bytes.len() }),
    }
}

fn exit_code(status: u16) -> u8 {
    match status {
        429 | 500.. => Class::Unknown.exit_code(),
        400..500 => Class::Refused.exit_code(),
        _ => 0,
    }
}
