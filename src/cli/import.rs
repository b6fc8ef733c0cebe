//! `tokenring import`: take over credentials that lie in plain text.

use std::path::PathBuf;

use serde::Serialize;

use super::arguments::{parse_name, usage};
use super::context::Context;
use super::output::Table;
use super::prompt;
use crate::domain::consumer::Target;
use crate::domain::{Name, Problem};
use crate::engine::import::{Find, Source, place};

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
    SnykCli,
    /// The configuration of the Probely CLI
    ProbelyCli,
    /// The configuration of the Appcircle CLI
    AppcircleCli,
    /// A dotenv file
    Dotenv {
        /// The file
        file: PathBuf,
    },
    /// A JSON file
    Json {
        /// The file
        file: PathBuf,
    },
}

const EXAMPLES: &str = "Examples:\n  tokenring import snyk-cli --dry-run\n  tokenring import snyk-cli --as laptop --consumer\n  \
    tokenring import dotenv .env --blank";

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
    blanked: bool,
}

impl Import {
    /// Shows what there is, keeps it, and blanks it where that is wanted.
    pub(super) async fn run(self, context: &Context<'_>) -> Result<u8, Problem> {
        let finds = context.engine()?.finds(self.source()?).await?;
        let keepable = finds.iter().filter(|find| find.is.is_ok()).count();
        if self.called.is_some() && keepable != 1 {
            let why = format!("there are {keepable} secrets, and --as gives one name");
            return Err(usage("Nothing was imported", &why, "leave --as out; `tokenring edit --rename` renames them"));
        }
        let mut done = Vec::new();
        for find in &finds {
            done.push(if self.dry_run { looked_at(find) } else { self.take_over(context, find).await? });
        }
        report(context, &finds, &done)?;
        if self.is_blanking_agreed(&done) {
            self.blank_all(context, &finds, &mut done).await?;
        }
        self.advise(context, &finds, &done);
        Ok(0)
    }

    fn source(&self) -> Result<Source, Problem> {
        let absolute = |path: &PathBuf| {
            std::path::absolute(path).map_err(|error| usage("There is no such file", &error.to_string(), "name another file"))
        };
        Ok(match &self.from {
            From::SnykCli => Source::SnykCli,
            From::ProbelyCli => Source::ProbelyCli,
            From::AppcircleCli => Source::AppcircleCli,
            From::Dotenv { file } => Source::Dotenv(absolute(file)?),
            From::Json { file } => Source::Json(absolute(file)?),
        })
    }

    async fn take_over(&self, context: &Context<'_>, find: &Find) -> Result<Done, Problem> {
        if find.is.is_err() {
            return Ok(looked_at(find));
        }
        let engine = context.unlocked().await?;
        let (outcome, credential) = match engine.twins(&find.secret).await?.first() {
            Some(twin) => (Outcome::Known, engine.find(twin.as_str()).await?),
            None => (Outcome::Imported, engine.import(find, self.name(context, &find.target).await?).await?),
        };
        if self.consumer {
            engine.keep_place(&credential, &find.target).await?;
        }
        if self.blank {
            engine.blank(find, &credential).await?;
        }
        Ok(Done { outcome, name: Some(credential.name.to_string()), blanked: self.blank })
    }

    /// Whether somebody who is there says yes to emptying the copies that are left.
    fn is_blanking_agreed(&self, done: &[Done]) -> bool {
        let left = done.iter().filter(|done| done.name.is_some() && !done.blanked).count();
        if left == 0 || self.consumer || self.dry_run || !prompt::is_interactive() {
            return false;
        }
        let question = format!("The store has them. Empty the {left} plain-text copies now? [y/N] ");
        prompt::line(&question).is_some_and(|answer| answer.eq_ignore_ascii_case("y"))
    }

    /// Empties each copy after the store has given its secret back.
    async fn blank_all(&self, context: &Context<'_>, finds: &[Find], done: &mut [Done]) -> Result<(), Problem> {
        let engine = context.unlocked().await?;
        for (find, done) in finds.iter().zip(done).filter(|(_, done)| !done.blanked) {
            let Some(name) = &done.name else { continue };
            engine.blank(find, &engine.find(name).await?).await?;
            done.blanked = true;
            context.out.note(&format!("emptied {} in {}", place(&find.target), find.target.path().display()));
        }
        Ok(())
    }

    /// The name that was given, else one after the place, with a number where it is taken.
    async fn name(&self, context: &Context<'_>, target: &Target) -> Result<Name, Problem> {
        match &self.called {
            Some(name) => parse_name(name),
            None => context.engine()?.free_name(target).await,
        }
    }

    fn advise(&self, context: &Context<'_>, finds: &[Find], done: &[Done]) {
        for find in finds {
            if let Some(mode) = &find.openness {
                context.out.note(&format!("note: other users may read {} (mode {mode})", find.target.path().display()));
            }
        }
        let left = done.iter().any(|done| done.name.is_some() && !done.blanked);
        if left && !self.consumer {
            context
                .out
                .note("note: the plain-text copies are still there; --blank empties them, --consumer keeps them up to date");
        }
    }
}

fn looked_at(find: &Find) -> Done {
    let outcome = if find.is.is_ok() { Outcome::Found } else { Outcome::Refused };
    Done { outcome, name: None, blanked: false }
}

fn report(context: &Context<'_>, finds: &[Find], done: &[Done]) -> Result<(), Problem> {
    let shapes: Vec<_> = finds.iter().zip(done).map(|(find, done)| shape(find, done)).collect();
    if context.out.json {
        return context.out.value(&shapes);
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
    let blanked = if done.blanked { ", blanked there" } else { "" };
    match shape.outcome {
        Outcome::Found => "would be imported".to_owned(),
        Outcome::Imported => format!("imported as {name}{blanked}"),
        Outcome::Known => format!("already here as {name}{blanked}"),
        Outcome::Refused => shape.why.unwrap_or_default().to_owned(),
    }
}

fn shape<'a>(find: &'a Find, done: &'a Done) -> FindShape<'a> {
    let sort = find.is.as_ref().ok();
    FindShape {
        path: find.target.path().display().to_string(),
        place: place(&find.target),
        open_to_others: find.openness.as_deref(),
        provider: sort.map(|sort| sort.provider.as_str()),
        kind: sort.map(|sort| sort.kind.as_str()),
        region: sort.map(|sort| sort.region.as_str()),
        name: done.name.as_deref(),
        outcome: done.outcome,
        why: find.is.as_ref().err().map(String::as_str),
    }
}
