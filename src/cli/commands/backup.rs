//! `tokenring store export`, and the import of such a backup.
//!
//! Start at [`ExportArgs::run`] and [`import_backup`].

use std::path::{Path, PathBuf};

use super::bulk_import::{ImportRowJson, print_import_rows};
use crate::cli::context::CliContext;
use crate::cli::input::prompt;
use crate::cli::output::{display_path, show_progress, show_progress_bar, usage_problem};
use crate::domain::format::count_noun;
use crate::domain::problem::ProblemClass;
use crate::domain::text::sanitize_line;
use crate::domain::{CredentialName, Problem};
use crate::engine::stores::backup::{ExportOptions, ExportReport};
use crate::engine::stores::restore::{
    RestoreOptions, RestoreOutcome, RestoreReport, RestoreRow, backup_needs_passphrase,
};
use crate::engine::{self, BackupKey, BackupLock};

/// Write everything to an encrypted backup file
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tokenring store export --to keyring.age\n  tokenring store export --to keyring.age --recipient age1… --with-history\n  \
    tokenring import keyring.age\n\n\
    The file has all secrets in all slots, credentials, consumers and saved requests, in the age format. Open rotations are \
    named; they continue on this machine only. The audit log and provider files are not part of it."
)]
pub(in crate::cli) struct ExportArgs {
    /// New file; an existing one is not replaced
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// Public key of age that opens the backup (age1…); repeat it for several
    #[arg(long, value_name = "KEY", conflicts_with = "passphrase_file")]
    recipient: Vec<String>,
    /// File with the passphrase, for runs without a terminal
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Include the history of sent requests
    #[arg(long)]
    with_history: bool,
}

/// How a backup is imported.
pub(super) struct BackupImport {
    /// The backup.
    pub path: PathBuf,
    /// File with age identities, for a backup to a recipient.
    pub identity: Option<PathBuf>,
    /// File with the passphrase.
    pub passphrase_file: Option<PathBuf>,
    /// Nothing is stored.
    pub dry_run: bool,
    /// A credential whose name is taken gets a number.
    pub renames: bool,
}

impl ExportArgs {
    /// Asks for a passphrase where there is no recipient, and writes the backup.
    pub(in crate::cli) async fn run(self, context: &CliContext<'_>) -> Result<u8, Problem> {
        let path = std::path::absolute(&self.to).map_err(|error| {
            usage_problem("Invalid path", &error.to_string(), "use another path")
        })?;
        let engine = context.unlocked_engine().await?;
        let options = ExportOptions { includes_history: self.with_history };
        let report = engine.backup.export(&path, self.choose_lock()?, options).await?;
        if context.out.json {
            context.out.print_json(&report)?;
        } else {
            context.out.print_text(&describe_export(&report, &path))?;
        }
        for open in &report.open_rotations {
            context.out.note(&format!(
                "note: the rotation {} of {} is open; it continues on this machine only",
                open.rotation, open.name
            ));
        }
        for name in &report.key_files {
            context.out.note(&format!(
                "note: the private key of {name} is in a file of its own, which is not part of the backup"
            ));
        }
        Ok(0)
    }

    fn choose_lock(&self) -> Result<BackupLock, Problem> {
        if !self.recipient.is_empty() {
            return Ok(BackupLock::Recipients(self.recipient.clone()));
        }
        let passphrase = match &self.passphrase_file {
            Some(path) => engine::passphrase_from_file(path)?,
            None if prompt::is_interactive() => prompt::choose_passphrase("backup")?,
            None => {
                return Err(usage_problem(
                    "No backup was written",
                    "not a terminal, so no passphrase can be chosen",
                    "pass --recipient KEY or --passphrase-file FILE",
                ));
            }
        };
        Ok(BackupLock::Passphrase(passphrase))
    }
}

fn describe_export(report: &ExportReport, path: &Path) -> String {
    let mut parts = vec![
        count_noun(report.credentials, "credential"),
        count_noun(report.secrets, "secret"),
        count_noun(report.consumers, "consumer"),
        count_noun(report.saved_requests, "saved request"),
    ];
    if report.history > 0 {
        parts.push(count_noun(report.history, "sent request"));
    }
    format!("exported to {}: {}", display_path(path), parts.join(", "))
}

/// Opens a backup and imports what this machine does not have.
pub(super) async fn import_backup(
    context: &CliContext<'_>,
    import: &BackupImport,
) -> Result<u8, Problem> {
    let key = choose_key(import)?;
    let engine = context.engine()?;
    let compares_secrets = context.unlock_for_import(import.dry_run).await?;
    let options =
        RestoreOptions { dry_run: import.dry_run, renames: import.renames, compares_secrets };
    let on_progress = |done, total| show_progress_bar("importing", done, total);
    let report = engine.backup.restore(&import.path, key, options, on_progress).await;
    show_progress("");
    let report = report?;
    print_restored(context, &report, &import.path)?;
    print_notes(context, &report, import.dry_run);
    let has_refused = report.rows.iter().any(|row| row.outcome == RestoreOutcome::Refused);
    Ok(if has_refused { ProblemClass::Failed.exit_code() } else { 0 })
}

fn choose_key(import: &BackupImport) -> Result<BackupKey, Problem> {
    if let Some(identity) = &import.identity {
        return Ok(BackupKey::IdentityFile(identity.clone()));
    }
    if !backup_needs_passphrase(&import.path)? {
        return Err(usage_problem(
            "The backup was not opened",
            "it is encrypted to a recipient",
            "pass --identity FILE with its age identity",
        ));
    }
    match &import.passphrase_file {
        Some(path) => Ok(BackupKey::Passphrase(engine::passphrase_from_file(path)?)),
        None if prompt::is_interactive() => {
            prompt::read_hidden_line("Passphrase of the backup").map(BackupKey::Passphrase)
        }
        None => Err(usage_problem(
            "The backup was not opened",
            "not a terminal, so no passphrase can be typed",
            "pass --passphrase-file FILE",
        )),
    }
}

fn print_restored(
    context: &CliContext<'_>,
    report: &RestoreReport,
    path: &Path,
) -> Result<(), Problem> {
    let shapes: Vec<_> = report.rows.iter().map(|row| row_json(row, path)).collect();
    print_import_rows(context, &shapes)
}

fn row_json<'a>(row: &'a RestoreRow, path: &Path) -> ImportRowJson<'a> {
    ImportRowJson {
        path: path.display().to_string(),
        place: row.credential.name.as_str(),
        open_to_others: None,
        provider: Some(&row.credential.provider),
        kind: Some(&row.credential.kind),
        region: Some(&row.credential.region),
        name: row.name.as_ref().map(CredentialName::as_str),
        outcome: row.outcome.into(),
        blanked: false,
        why: row.remark.as_deref(),
        contradiction: None,
    }
}

fn print_notes(context: &CliContext<'_>, report: &RestoreReport, dry_run: bool) {
    let count = |outcome| report.rows.iter().filter(|row| row.outcome == outcome).count();
    let (stored, title) = if dry_run {
        (count(RestoreOutcome::Found), "would be imported")
    } else {
        (count(RestoreOutcome::Imported), "imported and verified")
    };
    context.out.note(&format!(
        "{} {title}, {} already stored, {} not imported",
        count_noun(stored, "credential"),
        count(RestoreOutcome::AlreadyStored),
        count(RestoreOutcome::Refused)
    ));
    let further = [
        (report.consumers, "consumer"),
        (report.saved_requests, "saved request"),
        (report.history, "sent request"),
    ];
    let further: Vec<_> = further
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, noun)| count_noun(*number, noun))
        .collect();
    if !further.is_empty() {
        context.out.note(&format!("with them: {}", further.join(", ")));
    }
    if report.consumers > 0 {
        context.out.note(
            "note: consumers have the paths of the other machine; review them with `tokenring consumer list NAME`",
        );
    }
    for command in &report.commands {
        let command = sanitize_line(command);
        context.out.note(&format!(
            "note: the consumer {command}; it runs only after you remove it and add it again"
        ));
    }
    for name in &report.different_requests {
        context
            .out
            .note(&format!("note: the saved request {name} is different here and was not changed"));
    }
}
