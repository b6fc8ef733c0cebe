//! `tokenring import`: imports credentials from plain-text files of other programs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use crate::cli::args::parse_name;
use crate::cli::context::CliContext;
use crate::cli::input::{prompt, secret_input};
use crate::cli::output::style::TextTone;
use crate::cli::output::table::{TableCell, TableColumn, TextTable};
use crate::cli::output::usage_problem;
use crate::domain::credential::SecretPart;
use crate::domain::text::sanitize_line;
use crate::domain::{CredentialName, Problem};
use crate::engine::credentials::import::{ImportCandidate, ImportSource, TextFormat};

/// Import plain-text credentials from other tools or files
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
pub(in crate::cli) struct ImportArgs {
    #[command(subcommand)]
    from: ImportFrom,
    /// List what would be imported; nothing is stored or changed
    #[arg(long, global = true)]
    dry_run: bool,
    /// Name of the credential, if there is only one
    #[arg(long = "as", value_name = "NAME", global = true)]
    called: Option<String>,
    /// Clear the plain-text copy after the stored secret has been verified
    #[arg(long, global = true)]
    blank: bool,
    /// Register the file as a consumer, so that it gets the next secret too
    #[arg(long, global = true, conflicts_with = "blank")]
    consumer: bool,
    #[arg(
        long,
        global = true,
        help = "Also import values that only their names announce, such as MY_SNYK_KEY"
    )]
    possible: bool,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum ImportFrom {
    /// Import from the configuration of the Snyk CLI, at both of its paths
    #[command(
        after_help = "Examples:\n  tokenring import snyk-cli --dry-run\n  tokenring import snyk-cli --as laptop --consumer"
    )]
    SnykCli,
    /// Import from the configuration of the Probely CLI
    #[command(after_help = "Examples:\n  tokenring import probely-cli --as scans --blank")]
    ProbelyCli,
    /// Import from the configuration of the Appcircle CLI
    #[command(after_help = "Examples:\n  tokenring import appcircle-cli --dry-run")]
    AppcircleCli,
    /// Import from a dotenv file
    #[command(
        after_help = "Examples:\n  tokenring import dotenv .env --dry-run\n  tokenring import dotenv .env --blank\n  tokenring import dotenv - < .env"
    )]
    Dotenv {
        /// File; - for standard input
        file: PathBuf,
    },
    /// Import from a JSON file
    #[command(
        after_help = "Examples:\n  tokenring import json mcp.json --consumer\n  tokenring import json - < mcp.json"
    )]
    Json {
        /// File; - for standard input
        file: PathBuf,
    },
    /// Import from standard input: JSON if it starts with a brace or bracket, otherwise dotenv
    #[command(name = STDIN_MARKER, after_help = "Examples:\n  pass show ci/env | tokenring import -")]
    Piped,
}

/// File argument that means standard input.
const STDIN_MARKER: &str = "-";

const EXAMPLES: &str = "Examples:\n  tokenring import snyk-cli --dry-run\n  tokenring import snyk-cli --as laptop --consumer\n  \
    tokenring import dotenv .env --blank\n  pass show ci/env | tokenring import -";

/// Import candidate as `--json` prints it.
#[derive(Serialize)]
struct ImportJson<'a> {
    path: String,
    place: &'a str,
    /// Mode of the file, where other users can read it.
    open_to_others: Option<&'a str>,
    provider: Option<&'a str>,
    kind: Option<&'a str>,
    region: Option<&'a str>,
    /// Name of the credential that has the secret now.
    name: Option<&'a str>,
    outcome: ImportOutcome,
    /// Whether the plain-text copy was cleared.
    blanked: bool,
    why: Option<&'a str>,
    /// Contradiction between the secret and what stands beside it.
    contradiction: Option<&'a str>,
}

/// Outcome for one import candidate.
#[derive(Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum ImportOutcome {
    Found,
    Imported,
    #[serde(rename = "known")]
    AlreadyStored,
    /// Only the name says what it is; it was not imported.
    Possible,
    Refused,
}

/// Outcome for one import candidate, with the credential's name.
struct ImportResult {
    outcome: ImportOutcome,
    name: Option<String>,
    plaintext: PlaintextState,
}

/// State of the plain-text copy.
#[derive(Clone, Copy, PartialEq)]
enum PlaintextState {
    /// The copy still exists.
    Present,
    /// The copy was cleared.
    Cleared,
    /// There is no copy in a file: the secret came on standard input.
    NotAFile,
}

impl ImportResult {
    /// Returns whether a secret that is stored now still exists in plain text.
    fn plaintext_remains(&self) -> bool {
        self.name.is_some() && self.plaintext == PlaintextState::Present
    }
}

impl ImportArgs {
    /// Lists the candidates, stores them, and clears the plain-text copies where that is requested.
    pub(in crate::cli) async fn run(self, context: &CliContext<'_>) -> Result<u8, Problem> {
        let source = self.build_source()?;
        if matches!(source, ImportSource::Piped(..)) && (self.blank || self.consumer) {
            let why = "standard input cannot be cleared or kept up to date";
            return Err(usage_problem(
                "Nothing was imported",
                why,
                "omit --blank and --consumer, or name the file",
            ));
        }
        let candidates = context.engine()?.imports.find_import_candidates(source).await?;
        let keepable = candidates.iter().filter(|candidate| self.is_wanted(candidate)).count();
        if self.called.is_some() && keepable != 1 {
            let why = format!("{keepable} secrets were found, but --as names only one");
            return Err(usage_problem(
                "Nothing was imported",
                &why,
                "omit --as; rename the credentials afterwards with `tokenring edit --rename`",
            ));
        }
        let (mut results, mut failed) = (Vec::new(), Vec::new());
        for candidate in &candidates {
            results.push(if self.dry_run {
                self.unimported_result(candidate)
            } else {
                self.import_candidate(context, candidate, &mut failed).await?
            });
        }
        print_results(context, &candidates, &results)?;
        if self.confirm_blanking(&results) {
            self.blank_all(context, &candidates, &mut results).await?;
        }
        self.print_advice(context, &candidates, &results);
        first_problem(context, failed).map_or(Ok(0), Err)
    }

    fn build_source(&self) -> Result<ImportSource, Problem> {
        let absolute = |path: &PathBuf| {
            std::path::absolute(path).map_err(|error| {
                usage_problem("Invalid path", &error.to_string(), "use another path")
            })
        };
        Ok(match &self.from {
            ImportFrom::SnykCli => ImportSource::SnykCli,
            ImportFrom::ProbelyCli => ImportSource::ProbelyCli,
            ImportFrom::AppcircleCli => ImportSource::AppcircleCli,
            ImportFrom::Dotenv { file } if is_stdin_marker(file) => {
                ImportSource::Piped(TextFormat::Dotenv, Arc::new(secret_input::read_text()?))
            }
            ImportFrom::Json { file } if is_stdin_marker(file) => {
                ImportSource::Piped(TextFormat::Json, Arc::new(secret_input::read_text()?))
            }
            ImportFrom::Dotenv { file } => ImportSource::Dotenv(absolute(file)?),
            ImportFrom::Json { file } => ImportSource::Json(absolute(file)?),
            ImportFrom::Piped => {
                let text = secret_input::read_text()?;
                ImportSource::Piped(detect_format(&text), Arc::new(text))
            }
        })
    }

    /// Whether the candidate can be imported and was asked for.
    fn is_wanted(&self, candidate: &ImportCandidate) -> bool {
        candidate.identified.is_ok() && (self.possible || !candidate.is_possible)
    }

    fn unimported_result(&self, candidate: &ImportCandidate) -> ImportResult {
        let outcome = match candidate.identified {
            Err(_) => ImportOutcome::Refused,
            Ok(_) if self.is_wanted(candidate) => ImportOutcome::Found,
            Ok(_) => ImportOutcome::Possible,
        };
        ImportResult { outcome, name: None, plaintext: plaintext_state(candidate) }
    }

    /// Stores a candidate. A copy that cannot be cleared does not stop the others: its problem is
    /// added to `failed`.
    async fn import_candidate(
        &self,
        context: &CliContext<'_>,
        candidate: &ImportCandidate,
        failed: &mut Vec<Problem>,
    ) -> Result<ImportResult, Problem> {
        if !self.is_wanted(candidate) {
            return Ok(self.unimported_result(candidate));
        }
        let engine = context.unlocked_engine().await?;
        let (outcome, credential) =
            match engine.credentials.find_duplicates(&candidate.secret).await?.first() {
                Some(duplicate) => (
                    ImportOutcome::AlreadyStored,
                    engine.credentials.find(duplicate.as_str()).await?,
                ),
                None => (
                    ImportOutcome::Imported,
                    engine
                        .imports
                        .import(candidate, self.choose_name(context, &candidate.location).await?)
                        .await?,
                ),
            };
        if let Some(target) = candidate.target.as_ref().filter(|_| self.consumer) {
            let added = engine
                .scan
                .add_consumer_for_target(&credential, &SecretPart::Secret, target)
                .await?;
            if let Some(consumer) = added
                && let Err(problem) = engine.consumers.preview_delivery(&consumer).await
            {
                context.out.note(&format!(
                    "note: a delivery would currently fail: {}; {}",
                    problem.why, problem.remedy
                ));
            }
        }
        let blanked = if self.blank {
            Some(engine.imports.clear_plaintext_copy(candidate, &credential).await)
        } else {
            None
        };
        let plaintext = if matches!(blanked, Some(Ok(()))) {
            PlaintextState::Cleared
        } else {
            plaintext_state(candidate)
        };
        failed.extend(blanked.and_then(Result::err));
        Ok(ImportResult { outcome, name: Some(credential.name.to_string()), plaintext })
    }

    /// Asks a user at the terminal whether to clear the copies that still exist.
    fn confirm_blanking(&self, results: &[ImportResult]) -> bool {
        let left = results.iter().filter(|result| result.plaintext_remains()).count();
        if left == 0 || self.consumer || self.dry_run || !prompt::is_interactive() {
            return false;
        }
        let copies = match left {
            1 => "the plain-text copy".to_owned(),
            _ => format!("the {left} plain-text copies"),
        };
        let question = format!("Clear {copies} now? [y/N] ");
        prompt::read_line(&question).is_some_and(|answer| answer.eq_ignore_ascii_case("y"))
    }

    /// Clears each copy after its secret has been read back from the store.
    async fn blank_all(
        &self,
        context: &CliContext<'_>,
        candidates: &[ImportCandidate],
        results: &mut [ImportResult],
    ) -> Result<(), Problem> {
        let engine = context.unlocked_engine().await?;
        for (candidate, result) in
            candidates.iter().zip(results).filter(|(_, result)| result.plaintext_remains())
        {
            let Some(name) = &result.name else { continue };
            engine
                .imports
                .clear_plaintext_copy(candidate, &engine.credentials.find(name).await?)
                .await?;
            result.plaintext = PlaintextState::Cleared;
            context.out.note(&sanitize_line(&format!(
                "cleared {} in {}",
                candidate.location,
                source_file(candidate)
            )));
        }
        Ok(())
    }

    /// Chooses the name: the given one, otherwise one derived from the location, with a number
    /// where it is taken.
    async fn choose_name(
        &self,
        context: &CliContext<'_>,
        place: &str,
    ) -> Result<CredentialName, Problem> {
        match &self.called {
            Some(name) => parse_name(name),
            None => context.engine()?.imports.unused_name(place).await,
        }
    }

    fn print_advice(
        &self,
        context: &CliContext<'_>,
        candidates: &[ImportCandidate],
        results: &[ImportResult],
    ) {
        let open = candidates.iter().filter_map(|candidate| {
            Some((sanitize_line(&source_file(candidate)), candidate.exposed_mode.as_ref()?))
        });
        for (file, mode) in open.collect::<BTreeSet<_>>() {
            context.out.note(&format!("note: other users can read {file} (mode {mode})"));
        }
        for candidate in candidates {
            if let Some(contradiction) = &candidate.contradiction {
                let place = format!("{} in {}", candidate.location, source_file(candidate));
                context.out.note(&sanitize_line(&format!("note: {place}: {contradiction}")));
            }
        }
        let left = results.iter().any(ImportResult::plaintext_remains);
        if left && !self.consumer && !self.blank {
            context
                .out
                .note("note: the plain-text copies still exist; --blank clears them, --consumer keeps them up to date");
        }
    }
}

/// Returns the first problem, with which the command fails. The others are printed as notes.
fn first_problem(context: &CliContext<'_>, failed: Vec<Problem>) -> Option<Problem> {
    let mut failed = failed.into_iter();
    let first = failed.next();
    failed.for_each(|Problem { what, why, .. }| context.out.note(&format!("note: {what}: {why}")));
    first
}

fn plaintext_state(candidate: &ImportCandidate) -> PlaintextState {
    if candidate.target.is_some() { PlaintextState::Present } else { PlaintextState::NotAFile }
}

/// Returns the file that contains the candidate.
fn source_file(candidate: &ImportCandidate) -> String {
    candidate
        .target
        .as_ref()
        .map_or_else(|| STDIN_MARKER.to_owned(), |target| target.path().display().to_string())
}

fn is_stdin_marker(path: &Path) -> bool {
    path.as_os_str() == STDIN_MARKER
}

fn detect_format(text: &str) -> TextFormat {
    if text.trim_start_matches('\u{feff}').trim_start().starts_with(['{', '[']) {
        TextFormat::Json
    } else {
        TextFormat::Dotenv
    }
}

fn print_results(
    context: &CliContext<'_>,
    candidates: &[ImportCandidate],
    results: &[ImportResult],
) -> Result<(), Problem> {
    let shapes: Vec<_> = candidates
        .iter()
        .zip(results)
        .map(|(candidate, result)| import_json(candidate, result))
        .collect();
    if context.out.json {
        return context.out.print_json(&shapes);
    }
    if shapes.is_empty() {
        context.out.note("Nothing to import: no value has the form or the name of a known secret.");
        return Ok(());
    }
    let mut table = TextTable::new(&[
        TableColumn::Path("FILE"),
        TableColumn::Text("LOCATION"),
        TableColumn::Text("KIND"),
        TableColumn::Text("REGION"),
        TableColumn::Text("OUTCOME"),
    ]);
    for (shape, result) in shapes.iter().zip(results) {
        let what = shape.kind.map_or_else(
            || "–".to_owned(),
            |kind| format!("{} {kind}", shape.provider.unwrap_or_default()),
        );
        table.add_row([
            shape.path.as_str().into(),
            shape.place.into(),
            what.into(),
            shape.region.unwrap_or("–").into(),
            outcome_cell(shape, result),
        ]);
    }
    context.out.print_table(&table)
}

fn outcome_cell(shape: &ImportJson<'_>, result: &ImportResult) -> TableCell {
    let name = shape.name.unwrap_or_default();
    let blanked =
        if result.plaintext == PlaintextState::Cleared { ", plain-text copy cleared" } else { "" };
    match shape.outcome {
        ImportOutcome::Found => "would be imported".into(),
        ImportOutcome::Imported => {
            TableCell::new(format!("imported as {name}{blanked}"), TextTone::Good)
        }
        ImportOutcome::AlreadyStored => format!("already stored as {name}{blanked}").into(),
        ImportOutcome::Possible => {
            TableCell::new("possible by its name only; --possible imports it", TextTone::Warning)
        }
        ImportOutcome::Refused => TableCell::new(shape.why.unwrap_or_default(), TextTone::Warning),
    }
}

fn import_json<'a>(candidate: &'a ImportCandidate, result: &'a ImportResult) -> ImportJson<'a> {
    let identified = candidate.identified.as_ref().ok();
    ImportJson {
        path: source_file(candidate),
        place: &candidate.location,
        open_to_others: candidate.exposed_mode.as_deref(),
        provider: identified.map(|identified| identified.provider.as_str()),
        kind: identified.map(|identified| identified.kind.as_str()),
        region: identified.map(|identified| identified.region.as_str()),
        name: result.name.as_deref(),
        outcome: result.outcome,
        blanked: result.plaintext == PlaintextState::Cleared,
        why: candidate.identified.as_ref().err().map(String::as_str),
        contradiction: candidate.contradiction.as_deref(),
    }
}

#[cfg(test)]
mod tests {
    use super::ImportOutcome;

    #[test]
    fn the_json_words_of_every_outcome() {
        for outcome in [
            ImportOutcome::Found,
            ImportOutcome::Imported,
            ImportOutcome::AlreadyStored,
            ImportOutcome::Possible,
            ImportOutcome::Refused,
        ] {
            let word = match outcome {
                ImportOutcome::Found => "found",
                ImportOutcome::Imported => "imported",
                ImportOutcome::AlreadyStored => "known",
                ImportOutcome::Possible => "possible",
                ImportOutcome::Refused => "refused",
            };
            assert_eq!(serde_json::to_value(outcome).unwrap(), word);
        }
    }
}
