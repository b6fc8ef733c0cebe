//! `tokenring import` of lists, password managers and password trees: prints what happens to each
//! record.
//!
//! Start at [`run_bulk_import`]. Single places of other programs belong to `import`.

use std::path::PathBuf;

use serde::Serialize;

use crate::cli::context::CliContext;
use crate::cli::output::style::TextTone;
use crate::cli::output::table::{TableCell, TableColumn, TextTable};
use crate::cli::output::{display_path, show_progress, show_progress_bar};
use crate::domain::Problem;
use crate::domain::format::count_noun;
use crate::domain::problem::ProblemClass;
use crate::engine::credentials::import::bulk::{
    BulkImportOptions, BulkImportOutcome, BulkImportRow, BulkSource, exposed_mode,
};
use crate::engine::stores::restore::RestoreOutcome;

/// Import of many records, as the command line describes it.
pub(super) struct BulkImport {
    /// Where the records are.
    pub source: BulkSource,
    /// Whether every record is meant to be a credential, so that one that cannot be imported is a
    /// failure. Most items of a password manager are none.
    pub is_strict: bool,
    /// Nothing is stored.
    pub dry_run: bool,
    /// A record whose name is taken gets a number.
    pub renames: bool,
}

/// Candidate or record of an import as `--json` prints it.
#[derive(Serialize)]
pub(super) struct ImportRowJson<'a> {
    /// File, or `-`.
    pub path: String,
    /// Place in the file: a key, a pointer, or the position of the record.
    pub place: &'a str,
    /// Mode of the file, where other users can read it.
    pub open_to_others: Option<&'a str>,
    pub provider: Option<&'a str>,
    pub kind: Option<&'a str>,
    pub region: Option<&'a str>,
    /// Name of the credential that has the secret now, or would have it.
    pub name: Option<&'a str>,
    pub outcome: ImportOutcome,
    /// Whether the plain-text copy was cleared.
    pub blanked: bool,
    pub why: Option<&'a str>,
    /// Contradiction between the secret and what stands beside it.
    pub contradiction: Option<&'a str>,
}

/// Outcome for one candidate or record.
#[derive(Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ImportOutcome {
    /// It would be imported.
    Found,
    /// It was imported.
    Imported,
    /// Its secret is stored already.
    #[serde(rename = "known")]
    AlreadyStored,
    /// Only the name says what it is; it was not imported.
    Possible,
    /// It cannot be imported.
    Refused,
}

impl From<BulkImportOutcome> for ImportOutcome {
    fn from(outcome: BulkImportOutcome) -> Self {
        match outcome {
            BulkImportOutcome::Found => Self::Found,
            BulkImportOutcome::Imported => Self::Imported,
            BulkImportOutcome::AlreadyStored => Self::AlreadyStored,
            BulkImportOutcome::Refused => Self::Refused,
        }
    }
}

impl From<RestoreOutcome> for ImportOutcome {
    fn from(outcome: RestoreOutcome) -> Self {
        match outcome {
            RestoreOutcome::Found => Self::Found,
            RestoreOutcome::Imported => Self::Imported,
            RestoreOutcome::AlreadyStored => Self::AlreadyStored,
            RestoreOutcome::Refused => Self::Refused,
        }
    }
}

/// Reads the records and imports them.
pub(super) async fn run_bulk_import(
    context: &CliContext<'_>,
    import: BulkImport,
) -> Result<u8, Problem> {
    let engine = context.engine()?;
    let file = match &import.source {
        BulkSource::List(path) => Some(path.clone()),
        BulkSource::Piped(_) | BulkSource::Tree(..) => None,
    };
    let on_entry = |done, total| show_progress_bar("reading", done, total);
    let records = engine.imports.read_records(import.source, on_entry).await;
    show_progress("");
    let compares_secrets = context.unlock_for_import(import.dry_run).await?;
    let options =
        BulkImportOptions { dry_run: import.dry_run, renames: import.renames, compares_secrets };
    let on_progress = |done, total| show_progress_bar("importing", done, total);
    let rows = engine.imports.import_records(records?, options, on_progress).await;
    show_progress("");
    let rows = rows?;
    print_rows(context, &rows, file.as_ref())?;
    if !rows.is_empty() {
        print_notes(context, &rows, options, file.as_ref());
    }
    let has_refused = rows.iter().any(|row| row.outcome == BulkImportOutcome::Refused);
    Ok(if import.is_strict && has_refused { ProblemClass::Failed.exit_code() } else { 0 })
}

fn print_rows(
    context: &CliContext<'_>,
    rows: &[BulkImportRow],
    file: Option<&PathBuf>,
) -> Result<(), Problem> {
    let exposed = file.and_then(|path| exposed_mode(path));
    let path = file.map_or_else(|| "-".to_owned(), |path| path.display().to_string());
    let shapes: Vec<_> = rows
        .iter()
        .map(|row| ImportRowJson {
            path: path.clone(),
            place: &row.location,
            open_to_others: exposed.as_deref(),
            provider: row.provider.as_deref(),
            kind: row.kind.as_deref(),
            region: row.region.as_deref(),
            name: row.name.as_deref(),
            outcome: row.outcome.into(),
            blanked: false,
            why: row.remark.as_deref(),
            contradiction: None,
        })
        .collect();
    print_import_rows(context, &shapes)
}

/// Prints the outcome of an import: one row for each record.
pub(super) fn print_import_rows(
    context: &CliContext<'_>,
    shapes: &[ImportRowJson<'_>],
) -> Result<(), Problem> {
    if context.out.json {
        return context.out.print_json(&shapes);
    }
    if shapes.is_empty() {
        context.out.note("Nothing to import: the list is empty.");
        return Ok(());
    }
    let mut table = TextTable::new(&[
        TableColumn::Text("LOCATION"),
        TableColumn::Text("KIND"),
        TableColumn::Text("REGION"),
        TableColumn::Text("OUTCOME"),
    ]);
    for shape in shapes {
        let kind = shape.kind.map_or_else(
            || "–".to_owned(),
            |kind| format!("{} {kind}", shape.provider.unwrap_or_default()),
        );
        table.add_row([
            shape.place.into(),
            kind.into(),
            shape.region.unwrap_or("–").into(),
            outcome_cell(shape),
        ]);
    }
    context.out.print_table(&table)
}

fn outcome_cell(shape: &ImportRowJson<'_>) -> TableCell {
    let name = shape.name.unwrap_or_default();
    let remark = shape.why.map(|why| format!(" ({why})")).unwrap_or_default();
    match shape.outcome {
        ImportOutcome::Found => format!("would be imported as {name}{remark}").into(),
        ImportOutcome::Imported => {
            TableCell::new(format!("imported as {name}{remark}"), TextTone::Good)
        }
        ImportOutcome::AlreadyStored => format!("already stored as {name}{remark}").into(),
        ImportOutcome::Possible | ImportOutcome::Refused => {
            TableCell::new(shape.why.unwrap_or_default(), TextTone::Warning)
        }
    }
}

/// Prints a summary, and what the user should know about the file.
fn print_notes(
    context: &CliContext<'_>,
    rows: &[BulkImportRow],
    options: BulkImportOptions,
    file: Option<&PathBuf>,
) {
    let count = |outcome| rows.iter().filter(|row| row.outcome == outcome).count();
    let (stored, title) = if options.dry_run {
        (count(BulkImportOutcome::Found), "would be imported")
    } else {
        (count(BulkImportOutcome::Imported), "imported")
    };
    context.out.note(&format!(
        "{} {title}, {} already stored, {} not imported",
        count_noun(stored, "credential"),
        count(BulkImportOutcome::AlreadyStored),
        count(BulkImportOutcome::Refused)
    ));
    if options.dry_run && !options.compares_secrets {
        context
            .out
            .note("note: the store is locked, so the secrets were compared only with one another");
    }
    let Some(path) = file else { return };
    let shown = display_path(path);
    if let Some(mode) = exposed_mode(path) {
        context.out.note(&format!("note: other users can read {shown} (mode {mode})"));
    }
    if !options.dry_run && stored > 0 {
        context.out.note(&format!("note: {shown} still has the secrets in plain text; delete it"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_words_of_every_outcome() {
        let all = [
            ImportOutcome::Found,
            ImportOutcome::Imported,
            ImportOutcome::AlreadyStored,
            ImportOutcome::Possible,
            ImportOutcome::Refused,
        ];
        let words = serde_json::to_value(all).unwrap();
        assert_eq!(words, serde_json::json!(["found", "imported", "known", "possible", "refused"]));
    }
}
