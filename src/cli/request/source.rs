//! Source of a request: arguments, a preset, a saved request or a pasted curl command.

use std::collections::BTreeMap;
use std::io::Read as _;

use super::super::args::usage_problem;
use super::super::prompt;
use super::{CliContext, parse_key_value, parse_saved_request_name};
use crate::config::SavedRequestStore;
use crate::domain::problem::ProblemClass;
use crate::domain::request::{HttpMethod, RequestDraft, RequestTarget, SavedRequestName};
use crate::domain::text::sanitize_line;
use crate::domain::{Credential, Problem, curl_import};
use crate::engine::task_protocol::WriteConsent;

/// What is to be sent.
#[derive(Debug, clap::Args)]
pub(super) struct RequestSourceArgs {
    /// A method, where it is not GET, and a path; or a whole URL within the credential's hosts
    #[arg(num_args = 0..=2, value_name = "[METHOD] PATH")]
    target: Vec<String>,
    /// A ready-made request of the provider, such as self or projects; `tokenring presets` lists them
    #[arg(long, value_name = "ID", conflicts_with = "target")]
    preset: Option<String>,
    /// A parameter of the preset; may be repeated
    #[arg(long = "param", value_name = "K=V", value_parser = parse_key_value, requires = "preset")]
    parameters: Vec<(String, String)>,
    /// A request that was saved; `tokenring requests` lists them
    #[arg(long, value_name = "ID", value_parser = parse_saved_request_name, conflicts_with_all = ["target", "preset"])]
    saved: Option<SavedRequestName>,
    /// A curl command on standard input; its secrets are dropped
    #[arg(long, value_name = "-|@FILE", conflicts_with_all = ["target", "preset", "saved"])]
    from_curl: Option<String>,
    /// A query parameter; may be repeated. It takes the place of one that a preset or a saved request has
    #[arg(long = "query", value_name = "K=V", value_parser = parse_key_value)]
    query: Vec<(String, String)>,
    /// A header; may be repeated. The credential's own header is added at the last moment
    #[arg(long = "header", value_name = "K=V", value_parser = parse_key_value)]
    headers: Vec<(String, String)>,
    /// The body: text, @FILE, or - for standard input. Without a method it is sent by POST; JSON is sent as such
    #[arg(long, value_name = "TEXT|@FILE|-")]
    data: Option<String>,
}

impl RequestSourceArgs {
    /// Builds the request with the additions of the flags.
    pub(super) fn build_draft(
        &self,
        context: &CliContext<'_>,
        credential: &Credential,
    ) -> Result<RequestDraft, Problem> {
        let mut draft = self.base_draft(context, credential)?;
        if self.target.is_empty() {
            draft.query.retain(|(known, _)| self.query.iter().all(|(name, _)| name != known));
        }
        draft.query.extend(self.query.iter().cloned());
        for (name, value) in &self.headers {
            draft.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
            draft.headers.push((name.to_ascii_lowercase(), value.clone()));
        }
        if let Some(data) = &self.data {
            draft.body = Some(read_body(data)?);
            draft =
                draft.with_media_type(context.engine()?.catalog.provider(&credential.provider)?);
        }
        Ok(draft)
    }

    fn base_draft(
        &self,
        context: &CliContext<'_>,
        credential: &Credential,
    ) -> Result<RequestDraft, Problem> {
        if let Some(preset) = &self.preset {
            let given: BTreeMap<_, _> = self.parameters.iter().cloned().collect();
            return context.engine()?.draft_from_preset(credential, preset, &given);
        }
        if let Some(id) = &self.saved {
            return load_saved(context, credential, id);
        }
        if let Some(source) = &self.from_curl {
            return import_curl(context, credential, source);
        }
        match &self.target[..] {
            [] => Err(usage_problem(
                "Nothing to send",
                "there is neither a path nor a preset",
                "give [METHOD] PATH or --preset ID",
            )),
            [path] => draft_for_target(
                if self.data.is_some() { HttpMethod::Post } else { HttpMethod::Get },
                path,
            ),
            [method, path, ..] => draft_for_target(parse_method(method)?, path),
        }
    }
}

/// Asks for confirmation before a method that may change something, with target, region and
/// credential.
pub(in crate::cli) fn obtain_consent(
    credential: &Credential,
    draft: &RequestDraft,
    yes: bool,
) -> Result<WriteConsent, Problem> {
    if draft.method.is_safe() {
        return Ok(WriteConsent::NotAsked);
    }
    if !yes {
        let Credential { name, region, .. } = credential;
        let question = format!(
            "{} {} in {region} as {name}: this may change something there.",
            draft.method, draft.target
        );
        prompt::confirm_by_typing(&question, name.as_str(), "--yes")?;
    }
    Ok(WriteConsent::Given)
}

/// Reads the body: the text itself, the content of `@FILE`, or standard input for `-`.
pub(in crate::cli) fn read_body(data: &str) -> Result<String, Problem> {
    let failed = |source: &str, error: &std::io::Error| {
        let why = format!("{}: {error}", sanitize_line(source));
        Problem::new(
            "The text could not be read",
            why,
            "name a UTF-8 text file after @, or pipe it in with -",
        )
        .with_class(ProblemClass::Usage)
    };
    match data.strip_prefix('@') {
        Some(file) => std::fs::read_to_string(file).map_err(|error| failed(file, &error)),
        None if data == "-" => {
            let mut body = String::new();
            std::io::stdin()
                .lock()
                .read_to_string(&mut body)
                .map_err(|error| failed("standard input", &error))?;
            Ok(body)
        }
        None => Ok(data.to_owned()),
    }
}

fn parse_method(text: &str) -> Result<HttpMethod, Problem> {
    HttpMethod::parse(text).ok_or_else(|| {
        let known = HttpMethod::ALL.map(HttpMethod::as_str).join(", ");
        Problem::new(
            format!("There is no method \"{text}\""),
            "it is none of HTTP's",
            format!("use one of {known}"),
        )
        .with_class(ProblemClass::Usage)
    })
}

fn draft_for_target(method: HttpMethod, target: &str) -> Result<RequestDraft, Problem> {
    Ok(RequestDraft::new(method, RequestTarget::parse(target)?))
}

fn load_saved(
    context: &CliContext<'_>,
    credential: &Credential,
    id: &SavedRequestName,
) -> Result<RequestDraft, Problem> {
    let saved = SavedRequestStore::new(&context.paths).load(id)?;
    if saved.provider != credential.provider {
        let why = format!(
            "it was saved for {}, and {} is a credential of {}",
            saved.provider, credential.name, credential.provider
        );
        return Err(usage_problem(
            "The request does not fit the credential",
            &why,
            "use a credential of that provider",
        ));
    }
    saved.into_draft()
}

fn import_curl(
    context: &CliContext<'_>,
    credential: &Credential,
    source: &str,
) -> Result<RequestDraft, Problem> {
    if source != "-" && !source.starts_with('@') {
        let why = "a command on the command line would leave its secrets in the shell's history";
        return Err(usage_problem(
            "The curl command is not read from there",
            why,
            "pipe it into --from-curl -, or name a file as @FILE",
        ));
    }
    let region =
        context.engine()?.catalog.region(&credential.provider, &credential.region)?.clone();
    let imported = curl_import::import_curl(&read_body(source)?)?.in_region(&region);
    for dropped in &imported.dropped {
        context.out.note(&format!("dropped: {dropped}"));
    }
    for note in &imported.notes {
        context.out.note(&format!("note: {note}"));
    }
    Ok(imported.draft)
}
