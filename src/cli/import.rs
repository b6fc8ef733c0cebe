//! `tokenring import`: take over credentials that lie in plain text.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use super::arguments::{parse_name, usage};
use super::context::Context;
use super::table::Table;
use super::{prompt, secret_input};
use crate::domain::credential::SecretPart;
use crate::domain::text::sanitize_line;
use crate::domain::{CredentialName, Problem};
use crate::engine::import::{ImportCandidate, ImportSource, TextFormat};

/// Take over credentials that lie in plain text: of other programs, or in a file
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Import {
    #[command(subcommand)]
    from: From,
    /// Only show what there is; nothing is kept or changed, and the store is not opened
    #[arg(long, global = true)]
    dry_run: bool,
    /// What to call the credential, where there is one
    #[arg(long = "as", value_name = "NAME", global = true)]
    called: Option<String>,
    /// Empty the plain-text copy, once the store has given the secret back
    #[arg(long, global = true)]
    blank: bool,
    /// Keep the place as a consumer, so that it gets the next secret too
    #[arg(long, global = true, conflicts_with = "blank")]
    consumer: bool,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum From {
    /// The configuration of the Snyk CLI, in both of its places
    #[command(
        after_help = "Examples:\n  tokenring import snyk-cli --dry-run\n  tokenring import snyk-cli --as laptop --consumer"
    )]
    SnykCli,
    /// The configuration of the Probely CLI
    #[command(after_help = "Examples:\n  tokenring import probely-cli --as scans --blank")]
    ProbelyCli,
    /// The configuration of the Appcircle CLI
    #[command(after_help = "Examples:\n  tokenring import appcircle-cli --dry-run")]
    AppcircleCli,
    /// A dotenv file
    #[command(
        after_help = "Examples:\n  tokenring import dotenv .env --dry-run\n  tokenring import dotenv .env --blank\n  tokenring import dotenv - < .env"
    )]
    Dotenv {
        /// The file; - for standard input
        file: PathBuf,
    },
    /// A JSON file
    #[command(after_help = "Examples:\n  tokenring import json mcp.json --consumer\n  tokenring import json - < mcp.json")]
    Json {
        /// The file; - for standard input
        file: PathBuf,
    },
    /// What comes on standard input, as JSON where it begins with a brace or bracket, else as dotenv
    #[command(name = PIPE, after_help = "Examples:\n  pass show ci/env | tokenring import -")]
    Piped,
}

/// Stands for standard input.
const PIPE: &str = "-";

const EXAMPLES: &str = "Examples:\n  tokenring import snyk-cli --dry-run\n  tokenring import snyk-cli --as laptop --consumer\n  \
    tokenring import dotenv .env --blank\n  pass show ci/env | tokenring import -";

/// What was found, as `--json` prints it.
#[derive(Serialize)]
struct FindShape<'a> {
    path: String,
    place: &'a str,
    /// The file's mode, where others may read it.
    open_to_others: Option<&'a str>,
    provider: Option<&'a str>,
    kind: Option<&'a str>,
    region: Option<&'a str>,
    /// The credential that has it now.
    name: Option<&'a str>,
    outcome: Outcome,
    /// Whether the copy in plain text was emptied.
    blanked: bool,
    why: Option<&'a str>,
}

/// What became of a find.
#[derive(Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Outcome {
    Found,
    Imported,
    Known,
    Refused,
}

/// What became of a find, and under which name.
struct Done {
    outcome: Outcome,
    name: Option<String>,
    leftover: Leftover,
}

/// What became of the copy in plain text.
#[derive(Clone, Copy, PartialEq)]
enum Leftover {
    /// It is still there.
    There,
    /// It was emptied.
    Blanked,
    /// There is none: it came on standard input.
    Nowhere,
}

impl Done {
    /// Whether a secret that is kept now still lies in plain text.
    fn is_left(&self) -> bool {
        self.name.is_some() && self.leftover == Leftover::There
    }
}

impl Import {
    /// Shows what there is, keeps it, and blanks it where that is wanted.
    pub(super) async fn run(self, context: &Context<'_>) -> Result<u8, Problem> {
        let source = self.source()?;
        if matches!(source, ImportSource::Piped(..)) && (self.blank || self.consumer) {
            let why = "what comes on standard input lies in no place that could be emptied or kept up to date";
            return Err(usage("Nothing was imported", why, "leave --blank and --consumer out, or name the file"));
        }
        let finds = context.engine()?.find_import_candidates(source).await?;
        let keepable = finds.iter().filter(|find| find.identified.is_ok()).count();
        if self.called.is_some() && keepable != 1 {
            let why = format!("there are {keepable} secrets, and --as gives one name");
            return Err(usage("Nothing was imported", &why, "leave --as out; `tokenring edit --rename` renames them"));
        }
        let (mut done, mut failed) = (Vec::new(), Vec::new());
        for find in &finds {
            done.push(if self.dry_run { looked_at(find) } else { self.take_over(context, find, &mut failed).await? });
        }
        report(context, &finds, &done)?;
        if self.is_blanking_agreed(&done) {
            self.blank_all(context, &finds, &mut done).await?;
        }
        self.advise(context, &finds, &done);
        first_of(context, failed).map_or(Ok(0), Err)
    }

    fn source(&self) -> Result<ImportSource, Problem> {
        let absolute = |path: &PathBuf| {
            std::path::absolute(path).map_err(|error| usage("There is no such file", &error.to_string(), "name another file"))
        };
        Ok(match &self.from {
            From::SnykCli => ImportSource::SnykCli,
            From::ProbelyCli => ImportSource::ProbelyCli,
            From::AppcircleCli => ImportSource::AppcircleCli,
            From::Dotenv { file } if is_pipe(file) => {
                ImportSource::Piped(TextFormat::Dotenv, Arc::new(secret_input::read_text()?))
            }
            From::Json { file } if is_pipe(file) => ImportSource::Piped(TextFormat::Json, Arc::new(secret_input::read_text()?)),
            From::Dotenv { file } => ImportSource::Dotenv(absolute(file)?),
            From::Json { file } => ImportSource::Json(absolute(file)?),
            From::Piped => {
                let text = secret_input::read_text()?;
                ImportSource::Piped(form_of(&text), Arc::new(text))
            }
        })
    }

    /// Keeps a find. A copy that cannot be emptied does not keep the others from it: why, goes to `failed`.
    async fn take_over(&self, context: &Context<'_>, find: &ImportCandidate, failed: &mut Vec<Problem>) -> Result<Done, Problem> {
        if find.identified.is_err() {
            return Ok(looked_at(find));
        }
        let engine = context.unlocked().await?;
        let (outcome, credential) = match engine.find_duplicates(&find.secret).await?.first() {
            Some(twin) => (Outcome::Known, engine.find_credential(twin.as_str()).await?),
            None => (Outcome::Imported, engine.import(find, self.name(context, &find.location).await?).await?),
        };
        if let Some(target) = find.target.as_ref().filter(|_| self.consumer) {
            engine.add_consumer_for_target(&credential, &SecretPart::Secret, target).await?;
        }
        let blanked = if self.blank { Some(engine.clear_plaintext_copy(find, &credential).await) } else { None };
        let leftover = if matches!(blanked, Some(Ok(()))) { Leftover::Blanked } else { leftover(find) };
        failed.extend(blanked.and_then(Result::err));
        Ok(Done { outcome, name: Some(credential.name.to_string()), leftover })
    }

    /// Whether somebody who is there says yes to emptying the copies that are left.
    fn is_blanking_agreed(&self, done: &[Done]) -> bool {
        let left = done.iter().filter(|done| done.is_left()).count();
        if left == 0 || self.consumer || self.dry_run || !prompt::is_interactive() {
            return false;
        }
        let question = format!("The store has them. Empty the {left} plain-text copies now? [y/N] ");
        prompt::line(&question).is_some_and(|answer| answer.eq_ignore_ascii_case("y"))
    }

    /// Empties each copy after the store has given its secret back.
    async fn blank_all(&self, context: &Context<'_>, finds: &[ImportCandidate], done: &mut [Done]) -> Result<(), Problem> {
        let engine = context.unlocked().await?;
        for (find, done) in finds.iter().zip(done).filter(|(_, done)| done.is_left()) {
            let Some(name) = &done.name else { continue };
            engine.clear_plaintext_copy(find, &engine.find_credential(name).await?).await?;
            done.leftover = Leftover::Blanked;
            context.out.note(&sanitize_line(&format!("emptied {} in {}", find.location, file_of(find))));
        }
        Ok(())
    }

    /// The name that was given, else one after the place, with a number where it is taken.
    async fn name(&self, context: &Context<'_>, place: &str) -> Result<CredentialName, Problem> {
        match &self.called {
            Some(name) => parse_name(name),
            None => context.engine()?.unused_name(place).await,
        }
    }

    fn advise(&self, context: &Context<'_>, finds: &[ImportCandidate], done: &[Done]) {
        let open = finds.iter().filter_map(|find| Some((sanitize_line(&file_of(find)), find.exposed_mode.as_ref()?)));
        for (file, mode) in open.collect::<BTreeSet<_>>() {
            context.out.note(&format!("note: other users may read {file} (mode {mode})"));
        }
        let left = done.iter().any(Done::is_left);
        if left && !self.consumer && !self.blank {
            context
                .out
                .note("note: the plain-text copies are still there; --blank empties them, --consumer keeps them up to date");
        }
    }
}

/// The first of what went wrong, which ends the command; the others are told before.
fn first_of(context: &Context<'_>, failed: Vec<Problem>) -> Option<Problem> {
    let mut failed = failed.into_iter();
    let first = failed.next();
    failed.for_each(|Problem { what, why, .. }| context.out.note(&format!("note: {what}: {why}")));
    first
}

fn looked_at(find: &ImportCandidate) -> Done {
    let outcome = if find.identified.is_ok() { Outcome::Found } else { Outcome::Refused };
    Done { outcome, name: None, leftover: leftover(find) }
}

fn leftover(find: &ImportCandidate) -> Leftover {
    if find.target.is_some() { Leftover::There } else { Leftover::Nowhere }
}

/// The file that it lies in.
fn file_of(find: &ImportCandidate) -> String {
    find.target.as_ref().map_or_else(|| PIPE.to_owned(), |target| target.path().display().to_string())
}

fn is_pipe(path: &Path) -> bool {
    path.as_os_str() == PIPE
}

fn form_of(text: &str) -> TextFormat {
    if text.trim_start_matches('\u{feff}').trim_start().starts_with(['{', '[']) { TextFormat::Json } else { TextFormat::Dotenv }
}

fn report(context: &Context<'_>, finds: &[ImportCandidate], done: &[Done]) -> Result<(), Problem> {
    let shapes: Vec<_> = finds.iter().zip(done).map(|(find, done)| shape(find, done)).collect();
    if context.out.json {
        return context.out.value(&shapes);
    }
    if shapes.is_empty() {
        context.out.note("There is nothing to import in it: no place holds a secret.");
        return Ok(());
    }
    let mut table = Table::new(&["FILE", "PLACE", "WHAT", "REGION", "THEN"]);
    for (shape, done) in shapes.iter().zip(done) {
        let what = shape.kind.map_or_else(|| "–".to_owned(), |kind| format!("{} {kind}", shape.provider.unwrap_or_default()));
        table.row([shape.path.clone(), shape.place.to_owned(), what, shape.region.unwrap_or("–").to_owned(), then(shape, done)]);
    }
    context.out.table(&table)
}

fn then(shape: &FindShape<'_>, done: &Done) -> String {
    let name = shape.name.unwrap_or_default();
    let blanked = if done.leftover == Leftover::Blanked { ", blanked there" } else { "" };
    match shape.outcome {
        Outcome::Found => "would be imported".to_owned(),
        Outcome::Imported => format!("imported as {name}{blanked}"),
        Outcome::Known => format!("already here as {name}{blanked}"),
        Outcome::Refused => shape.why.unwrap_or_default().to_owned(),
    }
}

fn shape<'a>(find: &'a ImportCandidate, done: &'a Done) -> FindShape<'a> {
    let sort = find.identified.as_ref().ok();
    FindShape {
        path: file_of(find),
        place: &find.location,
        open_to_others: find.exposed_mode.as_deref(),
        provider: sort.map(|sort| sort.provider.as_str()),
        kind: sort.map(|sort| sort.kind.as_str()),
        region: sort.map(|sort| sort.region.as_str()),
        name: done.name.as_deref(),
        outcome: done.outcome,
        blanked: done.leftover == Leftover::Blanked,
        why: find.identified.as_ref().err().map(String::as_str),
    }
}

#[cfg(test)]
mod tests {
    use super::Outcome;

    #[test]
    fn the_json_words_of_every_outcome() {
        for outcome in [Outcome::Found, Outcome::Imported, Outcome::Known, Outcome::Refused] {
            let word = match outcome {
                Outcome::Found => "found",
                Outcome::Imported => "imported",
                Outcome::Known => "known",
                Outcome::Refused => "refused",
            };
            assert_eq!(serde_json::to_value(outcome).unwrap(), word);
        }
    }
}
