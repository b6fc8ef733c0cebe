//! Source of a request: arguments, a preset, a saved request or a pasted curl command.

use std::collections::BTreeMap;
use std::io::Read as _;

use super::{CliContext, parse_key_value, parse_saved_request_name};
use crate::cli::input::prompt;
use crate::cli::output::usage_problem;
use crate::config::SavedRequestStore;
use crate::domain::problem::ProblemClass;
use crate::domain::request::{
    DraftBody, FormPart, HeaderChange, HttpMethod, RequestDraft, RequestTarget, SavedRequestName,
};
use crate::domain::text::sanitize_line;
use crate::domain::{Credential, Problem, curl as curl_import};
use crate::engine::Engine;
use crate::engine::background::protocol::WriteConsent;

/// Source of the request.
#[derive(Debug, clap::Args)]
pub(super) struct RequestSourceArgs {
    /// Method (GET by default) and path, or a URL on one of the credential's hosts
    #[arg(num_args = 0..=2, value_name = "[METHOD] PATH")]
    target: Vec<String>,
    /// Ready-made request, such as self or projects; list them with tokenring request presets
    #[arg(long, value_name = "ID", conflicts_with = "target")]
    preset: Option<String>,
    /// Parameter of the preset; may be repeated
    #[arg(long = "param", value_name = "K=V", value_parser = parse_key_value, requires = "preset")]
    parameters: Vec<(String, String)>,
    /// Saved request; list them with tokenring request saved
    #[arg(long, value_name = "ID", value_parser = parse_saved_request_name, conflicts_with_all = ["target", "preset"])]
    saved: Option<SavedRequestName>,
    /// Import a curl command from standard input or a file; its secrets are removed
    #[arg(long, value_name = "-|@FILE", conflicts_with_all = ["target", "preset", "saved"])]
    from_curl: Option<String>,
    /// Query parameter, which replaces that of a preset or saved request; may be repeated
    #[arg(long = "query", value_name = "K=V", value_parser = parse_key_value)]
    query: Vec<(String, String)>,
    /// Header, "Name: value" or K=V; "Name:" removes one, "Name;" sends it empty; may be repeated. The credential's own header is always added
    #[arg(long = "header", short = 'H', value_name = "HEADER", value_parser = HeaderChange::parse)]
    headers: Vec<HeaderChange>,
    /// Body: text, @FILE, or - for standard input. The method is POST by default
    #[arg(long, value_name = "TEXT|@FILE|-")]
    data: Option<String>,
    /// Body byte for byte: text, or @FILE, which is read when the request is sent
    #[arg(long, value_name = "TEXT|@FILE", conflicts_with = "data")]
    data_binary: Option<String>,
    /// Field of a multipart form: K=V, or K=@FILE, with ;type= and ;filename= after it; may be repeated
    #[arg(long = "form", short = 'F', value_name = "FIELD", value_parser = FormPart::parse, conflicts_with_all = ["data", "data_binary"])]
    form: Vec<FormPart>,
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
        for change in &self.headers {
            draft.apply_header(change.clone());
        }
        if let Some(body) = self.body()? {
            draft.body = Some(body);
            draft =
                draft.with_media_type(context.engine()?.catalog.provider(&credential.provider)?);
        }
        for note in draft.drop_unsupported_headers() {
            context.out.note(&format!("note: {note}"));
        }
        Ok(draft)
    }

    fn has_body(&self) -> bool {
        self.data.is_some() || self.data_binary.is_some() || !self.form.is_empty()
    }

    fn body(&self) -> Result<Option<DraftBody>, Problem> {
        if let Some(data) = &self.data {
            return read_body(data).map(|text| Some(DraftBody::Text(text)));
        }
        if let Some(data) = &self.data_binary {
            let file = data.strip_prefix('@').map(|file| DraftBody::File { file: file.to_owned() });
            return Ok(Some(file.unwrap_or_else(|| DraftBody::Text(data.clone()))));
        }
        Ok((!self.form.is_empty()).then(|| DraftBody::Form { form: self.form.clone() }))
    }

    fn base_draft(
        &self,
        context: &CliContext<'_>,
        credential: &Credential,
    ) -> Result<RequestDraft, Problem> {
        if let Some(preset) = &self.preset {
            let given: BTreeMap<_, _> = self.parameters.iter().cloned().collect();
            return context.engine()?.requests.draft_from_preset(credential, preset, &given);
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
                "neither a path nor a preset was given",
                "pass [METHOD] PATH or --preset ID",
            )),
            [path] => draft_for_target(
                if self.has_body() { HttpMethod::Post } else { HttpMethod::Get },
                path,
            ),
            [method, path, ..] => draft_for_target(parse_method(method)?, path),
        }
    }
}

/// Asks for confirmation before a method that may change something, with target, region and
/// credential. Where the run is read-only, nothing is asked.
pub(in crate::cli) fn obtain_consent(
    engine: &Engine,
    credential: &Credential,
    draft: &RequestDraft,
    yes: bool,
) -> Result<WriteConsent, Problem> {
    if draft.is_safe() {
        return Ok(WriteConsent::NotAsked);
    }
    engine.requests.check_writable(draft)?;
    if !yes {
        let Credential { name, region, .. } = credential;
        let files: Vec<_> =
            draft.body.iter().flat_map(DraftBody::files).map(sanitize_line).collect();
        let files = match &files[..] {
            [] => String::new(),
            files => format!(" It contains the file {}.", files.join(" and ")),
        };
        let question = format!(
            "Send {} {} in {region} as {name}? The request may change data.{files}",
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
            "The body could not be read",
            why,
            "name a UTF-8 text file after @, or pipe the text with -",
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
            format!("Unsupported method \"{text}\""),
            "tokenring does not send requests with this method",
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
            "the request was saved for {}, but {} is a credential of {}",
            saved.provider, credential.name, credential.provider
        );
        return Err(usage_problem(
            "The saved request does not match the credential",
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
        let why = "a curl command on the command line would leave its secrets in the shell history";
        return Err(usage_problem(
            "The curl command was not read",
            why,
            "pipe the command to --from-curl -, or name a file as @FILE",
        ));
    }
    let region =
        context.engine()?.catalog.region(&credential.provider, &credential.region)?.clone();
    let imported = curl_import::import_curl(&read_body(source)?)?.in_region(&region);
    for dropped in &imported.dropped {
        context.out.note(&format!("removed: {dropped}"));
    }
    for note in &imported.notes {
        context.out.note(&format!("note: {note}"));
    }
    Ok(imported.draft)
}
