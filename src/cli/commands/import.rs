//! `tokenring import`: imports credentials from plain-text files of other programs, from lists and
//! from backups.
//!
//! Start at [`ImportArgs::run`]. Lists belong to `bulk_import`, backups to `backup`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zeroize::Zeroizing;

use super::backup::{BackupImport, import_backup};
use super::bulk_import::{BulkImport, ImportOutcome, ImportRowJson, run_bulk_import};
use crate::cli::args::parse_name;
use crate::cli::context::CliContext;
use crate::cli::input::prompt;
use crate::cli::output::style::TextTone;
use crate::cli::output::table::{TableCell, TableColumn, TextTable};
use crate::cli::output::usage_problem;
use crate::domain::credential::SecretPart;
use crate::domain::text::sanitize_line;
use crate::domain::{CredentialName, Problem};
use crate::engine::credentials::import::bulk::{
    BulkSource, ImportFileContent, detect_import_file, detect_record_list,
};
use crate::engine::credentials::import::{
    ImportCandidate, ImportSource, ListFormat, PasswordProgram, TextFormat,
};

/// Import from other tools, files, lists, password managers or a backup
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, subcommand_negates_reqs = true)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(in crate::cli) struct ImportArgs {
    #[command(subcommand)]
    from: Option<ImportFrom>,
    /// File of any format below: list, export of Bitwarden (JSON) or 1Password (1PUX, CSV), backup of
    /// "tokenring store export", JSON or dotenv file; or the folder of a pass tree
    #[arg(required = true)]
    file: Option<PathBuf>,
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
    /// Add a number to the name of a record whose name is taken
    #[arg(long, global = true)]
    rename: bool,
    /// File with the age identity that opens a backup
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,
    /// File with the passphrase of a backup, for runs without a terminal
    #[arg(long, value_name = "FILE", conflicts_with = "identity")]
    passphrase_file: Option<PathBuf>,
}

/// What is to be imported.
enum ImportPlan {
    /// Places in the files of other programs.
    Places(ImportSource),
    /// Many records; whether each is meant to be a credential.
    Bulk(BulkSource, bool),
    /// A backup.
    Backup(PathBuf),
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
    /// Import a list of records: JSON, JSON lines or CSV with a header
    #[command(
        after_help = "Members or columns: name, provider, kind, region, secret, fields, labels, parts, expires. Only the secret is \
        required where its format is known. In CSV, field:ID and part:ID are columns of their own.\n\n\
        The exit code is 1 if a record could not be imported; the others are imported.\n\n\
        Examples:\n  tokenring import records tokens.csv --dry-run\n  vault-export | tokenring import records -"
    )]
    Records {
        /// File; - for standard input
        file: PathBuf,
    },
    /// Import from a tree of pass, which decrypts the entries
    #[command(
        after_help = "Examples:\n  tokenring import pass --dry-run\n  tokenring import pass ~/.password-store/ci"
    )]
    Pass {
        /// Folder of the tree; by default the user's own
        folder: Option<PathBuf>,
    },
    /// Import from a tree of gopass, which decrypts the entries
    #[command(after_help = "Examples:\n  tokenring import gopass --dry-run")]
    Gopass {
        /// Folder of the tree; by default all mounted ones
        folder: Option<PathBuf>,
    },
    /// Import from standard input: a list, JSON if it starts with a brace or bracket, otherwise
    /// dotenv
    #[command(name = STDIN_MARKER, after_help = "Examples:\n  pass show ci/env | tokenring import -")]
    Piped,
}

/// File argument that means standard input.
const STDIN_MARKER: &str = "-";

const EXAMPLES: &str = "Examples:\n  tokenring import snyk-cli --dry-run\n  tokenring import snyk-cli --as laptop --consumer\n  \
    tokenring import dotenv .env --blank\n  tokenring import bitwarden_export.json --dry-run\n  tokenring import keyring.age\n  \
    pass show ci/env | tokenring import -\n\n\
    An import that was interrupted is completed by running it again.";

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
        let plan = self.build_plan()?;
        self.check_options(&plan)?;
        let (dry_run, renames) = (self.dry_run, self.rename);
        match plan {
            ImportPlan::Places(source) => self.import_places(context, source).await,
            ImportPlan::Bulk(source, is_strict) => {
                run_bulk_import(context, BulkImport { source, is_strict, dry_run, renames }).await
            }
            ImportPlan::Backup(path) => {
                let Self { identity, passphrase_file, .. } = self;
                let import = BackupImport { path, identity, passphrase_file, dry_run, renames };
                import_backup(context, &import).await
            }
        }
    }

    /// Rejects options that say nothing about what is imported.
    fn check_options(&self, plan: &ImportPlan) -> Result<(), Problem> {
        let refuse =
            |why: &str, remedy: &str| Err(usage_problem("Nothing was imported", why, remedy));
        let is_backup = matches!(plan, ImportPlan::Backup(_));
        if !is_backup && (self.identity.is_some() || self.passphrase_file.is_some()) {
            return refuse("the file is not a backup", "omit --identity and --passphrase-file");
        }
        if matches!(plan, ImportPlan::Places(_)) {
            return Ok(());
        }
        if self.blank || self.consumer {
            let why = "a list or backup cannot be cleared or kept up to date";
            return refuse(why, "omit --blank and --consumer, and delete the file afterwards");
        }
        if self.called.is_some() {
            let remedy =
                "omit --as; rename the credentials afterwards with `tokenring edit --rename`";
            return refuse("the records have names of their own", remedy);
        }
        Ok(())
    }

    /// Imports from places in the files of other programs.
    async fn import_places(
        &self,
        context: &CliContext<'_>,
        source: ImportSource,
    ) -> Result<u8, Problem> {
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

    fn build_plan(&self) -> Result<ImportPlan, Problem> {
        let Some(from) = &self.from else {
            return self.plan_for_file(&absolute(self.file.as_deref().unwrap_or(Path::new("")))?);
        };
        let places = |source| Ok(ImportPlan::Places(source));
        match from {
            ImportFrom::SnykCli => places(ImportSource::SnykCli),
            ImportFrom::ProbelyCli => places(ImportSource::ProbelyCli),
            ImportFrom::AppcircleCli => places(ImportSource::AppcircleCli),
            ImportFrom::Dotenv { file } if is_stdin_marker(file) => {
                places(ImportSource::Piped(TextFormat::Dotenv, Arc::new(prompt::read_text()?)))
            }
            ImportFrom::Dotenv { file } => places(ImportSource::Dotenv(absolute(file)?)),
            ImportFrom::Json { file } if is_stdin_marker(file) => {
                Ok(self.plan_for_text(prompt::read_list_text()?, Some(TextFormat::Json)))
            }
            ImportFrom::Json { file } => {
                let path = absolute(file)?;
                // What cannot be read is reported where it is read again.
                match detect_import_file(&path) {
                    Ok(ImportFileContent::List(format)) if self.takes_records(format) => {
                        Ok(ImportPlan::Bulk(BulkSource::List(path), is_strict(format)))
                    }
                    _ => places(ImportSource::Json(path)),
                }
            }
            ImportFrom::Records { file } if is_stdin_marker(file) => {
                let text = Arc::new(prompt::read_list_text()?);
                Ok(ImportPlan::Bulk(BulkSource::Piped(text), true))
            }
            ImportFrom::Records { file } => {
                Ok(ImportPlan::Bulk(BulkSource::List(absolute(file)?), true))
            }
            ImportFrom::Pass { folder } => plan_for_tree(PasswordProgram::Pass, folder.as_deref()),
            ImportFrom::Gopass { folder } => {
                plan_for_tree(PasswordProgram::Gopass, folder.as_deref())
            }
            ImportFrom::Piped => Ok(self.plan_for_text(prompt::read_list_text()?, None)),
        }
    }

    /// Returns what a file of any format is imported as.
    fn plan_for_file(&self, path: &Path) -> Result<ImportPlan, Problem> {
        let path = path.to_owned();
        Ok(match detect_import_file(&path)? {
            ImportFileContent::List(format) if self.takes_records(format) => {
                ImportPlan::Bulk(BulkSource::List(path), is_strict(format))
            }
            ImportFileContent::Tree => {
                ImportPlan::Bulk(BulkSource::Tree(PasswordProgram::Pass, Some(path)), false)
            }
            ImportFileContent::Encrypted => ImportPlan::Backup(path),
            ImportFileContent::List(_) | ImportFileContent::Json => {
                ImportPlan::Places(ImportSource::Json(path))
            }
            ImportFileContent::Other => ImportPlan::Places(ImportSource::Dotenv(path)),
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

    fn plan_for_text(&self, text: Zeroizing<String>, format: Option<TextFormat>) -> ImportPlan {
        let list = detect_record_list(&text);
        if let Some(list) = list.filter(|list| self.takes_records(*list)) {
            return ImportPlan::Bulk(BulkSource::Piped(Arc::new(text)), is_strict(list));
        }
        let format = format.unwrap_or_else(|| detect_format(&text));
        ImportPlan::Places(ImportSource::Piped(format, Arc::new(text)))
    }

    /// Returns whether a list is imported record by record. JSON is imported place by place where
    /// its places are to be cleared or kept up to date.
    const fn takes_records(&self, format: ListFormat) -> bool {
        let is_json = matches!(format, ListFormat::JsonArray | ListFormat::Bitwarden);
        !(is_json && (self.blank || self.consumer))
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

fn absolute(path: &Path) -> Result<PathBuf, Problem> {
    std::path::absolute(path)
        .map_err(|error| usage_problem("Invalid path", &error.to_string(), "use another path"))
}

fn plan_for_tree(program: PasswordProgram, folder: Option<&Path>) -> Result<ImportPlan, Problem> {
    let folder = folder.map(absolute).transpose()?;
    Ok(ImportPlan::Bulk(BulkSource::Tree(program, folder), false))
}

/// Returns whether every record of a list is meant to be a credential.
const fn is_strict(format: ListFormat) -> bool {
    !matches!(format, ListFormat::Bitwarden | ListFormat::OnePassword)
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

fn outcome_cell(shape: &ImportRowJson<'_>, result: &ImportResult) -> TableCell {
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

fn import_json<'a>(candidate: &'a ImportCandidate, result: &'a ImportResult) -> ImportRowJson<'a> {
    let identified = candidate.identified.as_ref().ok();
    ImportRowJson {
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
