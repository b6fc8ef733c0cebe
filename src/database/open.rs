//! Opening and closing of the database file: private, never through a symbolic link, never over
//! another file.
//!
//! Start reading at [`Database::open`]. The schema belongs to [`super::migrations`].
//!
//! Erasing of deleted rows, so that no file of the database still contains them.
//!
//! SQLite only marks deleted rows as free, and the write-ahead log keeps earlier versions of every
//! page. Start reading at [`EraseOutcome`].

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;
use std::{fs, io};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::error::{DatabaseError, TransactionError};
use super::{Database, FileAccess, SKIP_CHECKPOINT_ON_CLOSE, migrations};
use crate::util::private_files::{create_folder, is_folder_writable, parent_folder, sync_folder};

/// How long a call waits for locks of other processes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Page size in bytes; the file size is always a multiple of it.
const PAGE_BYTES: u64 = 4096;

/// Maximum length in pages of a write-ahead log that is left behind: the next process that opens
/// the file reads the whole log.
const MAX_LEFT_LOG_PAGES: u64 = 256;

impl Database {
    /// Opens the database file; creates it (and its folder, 0700) or migrates it to this version
    /// where needed. In a folder that cannot be written, the file is opened for reading; a missing
    /// one counts as empty.
    pub fn open(path: &Path) -> Result<Self, DatabaseError> {
        if is_folder_writable(parent_folder(path)) {
            Self::open_with_timeout(path, BUSY_TIMEOUT)
        } else {
            Self::open_read_only(path)
        }
    }

    /// Returns an in-memory database, for the demo and for tests.
    pub fn in_memory() -> Result<Self, DatabaseError> {
        let open = || {
            let mut connection = Connection::open_in_memory()?;
            configure_connection(&connection)?;
            migrations::migrate(&mut connection, migrations::LATEST_VERSION)?;
            Ok(connection)
        };
        let connection =
            open().map_err(|error: TransactionError| error.into_database_error(Path::new("")))?;
        Ok(Self {
            connection: Mutex::new(connection),
            path: PathBuf::new(),
            access: FileAccess::ReadWrite,
        })
    }

    fn open_read_only(path: &Path) -> Result<Self, DatabaseError> {
        if !database_exists(path)? {
            let mut empty = Self::in_memory()?;
            (empty.path, empty.access) = (path.to_owned(), FileAccess::ReadOnly);
            return Ok(empty);
        }
        let connection =
            connect_read_only(path).map_err(|error| error.into_database_error(path))?;
        let (connection, path) = (Mutex::new(connection), path.to_owned());
        Ok(Self { connection, path, access: FileAccess::ReadOnly })
    }

    fn open_with_timeout(path: &Path, timeout: Duration) -> Result<Self, DatabaseError> {
        if !database_exists(path)? {
            create_database(path, migrations::LATEST_VERSION)?;
        }
        make_private(path).map_err(|error| disk_error(path, &error))?;
        let connection = connect(path, timeout).map_err(|error| error.into_database_error(path))?;
        let (connection, path) = (Mutex::new(connection), path.to_owned());
        Ok(Self { connection, path, access: FileAccess::ReadWrite })
    }
}

impl Drop for Database {
    /// Forces a checkpoint if the log is long, whatever was written.
    fn drop(&mut self) {
        if self.access == FileAccess::ReadOnly {
            return;
        }
        let is_long = fs::metadata(with_suffix(&self.path, "-wal"))
            .is_ok_and(|log| log.len() > MAX_LEFT_LOG_PAGES * PAGE_BYTES);
        if is_long && let Err(error) = self.lock().set_db_config(SKIP_CHECKPOINT_ON_CLOSE, false) {
            tracing::warn!(%error, "a long write-ahead log was left behind");
        }
    }
}

/// Returns whether a database file exists. A file that must not be opened or replaced is an error.
fn database_exists(path: &Path) -> Result<bool, DatabaseError> {
    // Check for the log first: a file that another process creates meanwhile exists before its log.
    let has_log = with_suffix(path, "-wal").exists();
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => {
            Err(DatabaseError::SymbolicLink { path: path.to_owned() })
        }
        Ok(found) if !found.is_file() => {
            Err(disk_error(path, &io::Error::other("not a regular file")))
        }
        // The file is created complete under a temporary name, so an empty file was truncated.
        Ok(found) if found.len() == 0 => Err(damaged_file(path, "the file is empty")),
        // With a log, SQLite repairs a partly written page; without one, the rest of the page is
        // lost.
        Ok(found) if !has_log && found.len() % PAGE_BYTES != 0 => {
            Err(damaged_file(path, "the file is truncated"))
        }
        Ok(_) => Ok(true),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(disk_error(path, &error)),
        // SQLite would apply a log that was left behind to the new file.
        Err(_) if has_log => {
            Err(damaged_file(path, "the file is missing, but its write-ahead log exists"))
        }
        Err(_) => Ok(false),
    }
}

/// Creates the file under a temporary name and moves it into place. So a partly written file is
/// never visible, and if two processes start at once, the second one opens the file of the first.
fn create_database(path: &Path, version: u32) -> Result<(), DatabaseError> {
    let folder = parent_folder(path);
    create_folder(folder).map_err(|error| disk_error(folder, &error))?;
    let temp_file = tempfile::Builder::new()
        .prefix(".index-")
        .tempfile_in(folder)
        .map_err(|error| disk_error(path, &error))?;
    initialize_file(temp_file.path(), version).map_err(|error| error.into_database_error(path))?;
    temp_file.as_file().sync_all().map_err(|error| disk_error(path, &error))?;
    match temp_file.persist_noclobber(path) {
        Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => {
            Err(disk_error(path, &error.error))
        }
        _ => sync_folder(folder).map_err(|error| disk_error(folder, &error)),
    }
}

fn initialize_file(path: &Path, version: u32) -> Result<(), TransactionError> {
    let mut connection = Connection::open(path)?;
    connection.pragma_update(None, "page_size", PAGE_BYTES.cast_signed())?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    migrations::migrate(&mut connection, version)?;
    connection.close().map_err(|(_, error)| error.into())
}

fn connect(path: &Path, timeout: Duration) -> Result<Connection, TransactionError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(timeout)?;
    connection.set_db_config(SKIP_CHECKPOINT_ON_CLOSE, true)?;
    configure_connection(&connection)?;
    migrations::migrate_if_older(&mut connection, path)?;
    Ok(connection)
}

/// Opens the file without writing anything. With a write-ahead log, SQLite reads the log and its
/// index beside the file; without one, the file is complete and cannot change.
fn connect_read_only(path: &Path) -> Result<Connection, TransactionError> {
    let has_log = fs::metadata(with_suffix(path, "-wal")).is_ok_and(|log| log.len() > 0);
    let mode = if has_log { "mode=ro" } else { "immutable=1" };
    let mut uri = url::Url::from_file_path(path).map_or_else(|()| String::new(), String::from);
    uri.push('?');
    uri.push_str(mode);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let mut connection = Connection::open_with_flags(uri, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    configure_connection(&connection)?;
    migrations::migrate_if_older(&mut connection, path)?;
    Ok(connection)
}

/// Configures the connection. SQLite checks cells as it reads them. The cache is small (in KiB),
/// because the whole list is read once and then held by the caller. Changes stay in memory until
/// the transaction commits, so they are written once. Deleted rows are overwritten, and temporary
/// copies of the database stay in memory.
fn configure_connection(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.set_prepared_statement_cache_capacity(32);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.execute_batch(
        "PRAGMA cell_size_check = ON; PRAGMA cache_size = -512; PRAGMA cache_spill = OFF; \
         PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY",
    )
}

/// Removes the permissions of other users. This works by path, because closing a separate file
/// handle would release the locks that another connection of this process holds on the file.
#[cfg(unix)]
fn make_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    match fs::metadata(path)?.permissions().mode() & 0o077 {
        0 => Ok(()),
        _ => fs::set_permissions(path, fs::Permissions::from_mode(0o600)),
    }
}

#[cfg(not(unix))]
fn make_private(_path: &Path) -> io::Result<()> {
    Ok(())
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn damaged_file(path: &Path, why: &str) -> DatabaseError {
    DatabaseError::Damaged { path: path.to_owned(), why: why.to_owned() }
}

fn disk_error(path: &Path, error: &io::Error) -> DatabaseError {
    DatabaseError::DiskError { path: path.to_owned(), why: error.to_string() }
}

/// Whether copies of deleted rows are left in the files of the database.
///
/// Copies outside these files are out of reach: in backups, in snapshots of the file system, and in
/// blocks that the disk has not reused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EraseOutcome {
    /// No copy is left.
    Complete,
    /// The rows are deleted, but copies are left until a later purge or removal; for this reason.
    Incomplete(String),
}

/// Report of a purge of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PurgeReport {
    /// Number of deleted requests.
    pub deleted: usize,
    /// Whether copies of them are left.
    pub erasure: EraseOutcome,
}

impl Database {
    /// Rewrites the file without the remains of deleted rows, and empties the write-ahead log. The
    /// rows are deleted already, so a failure is an outcome and not an error.
    pub(super) fn erase_deleted_rows(&self) -> EraseOutcome {
        let erased = rewrite_file(&self.lock());
        let reason = match erased {
            Ok(true) => return EraseOutcome::Complete,
            Ok(false) => "another process is reading the database".to_owned(),
            Err(error) => error.into_database_error(&self.path).to_string(),
        };
        tracing::warn!(%reason, "copies of deleted rows are left in the database");
        EraseOutcome::Incomplete(reason)
    }
}

/// Rewrites the file and empties the log; returns whether the log could be emptied.
///
/// Overwriting alone (`secure_delete`) is not enough: when SQLite distributes rows to other pages,
/// copies stay in unused parts of the old pages.
fn rewrite_file(connection: &Connection) -> Result<bool, TransactionError> {
    connection.execute_batch("VACUUM")?;
    let blocked: bool =
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |row| row.get(0))?;
    Ok(!blocked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::EraseOutcome;
    use crate::domain::CredentialId;

    fn home() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data/index.db");
        (folder, path)
    }

    #[test]
    fn an_older_file_is_brought_up_to_date_and_keeps_what_it_holds() {
        for version in 1..=migrations::LATEST_VERSION {
            let (_folder, path) = home();
            create_database(&path, version).unwrap();
            let id = CredentialId::from_random([7; 16]);
            let old = Connection::open(&path).unwrap();
            old.execute(
                "INSERT INTO credentials (id, name, provider, kind, region, fields, labels, created) \
                 VALUES (?1, 'laptop', 'snyk', 'personal-token', 'SNYK-EU-01', '{\"org_id\":\"o\"}', '[\"prod\"]', 5)",
                [&id],
            )
            .unwrap();
            drop(old);

            let index = Database::open(&path).unwrap();
            let kept = index.credential_by_name("laptop").unwrap();
            assert_eq!(
                (kept.id, kept.fields["org_id"].as_str(), kept.labels),
                (id, "o", vec!["prod".to_owned()])
            );
            assert_eq!(index.audit(9).unwrap(), []);
            assert_eq!(index.verify_integrity(), Ok(()));
        }
    }

    #[test]
    fn a_writer_that_waits_too_long_says_that_the_file_is_busy() {
        let (_folder, path) = home();
        let index = Database::open_with_timeout(&path, Duration::from_millis(1)).unwrap();
        let other = Connection::open(&path).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        assert_eq!(index.purge_history(0), Err(DatabaseError::Busy { path: path.clone() }));
        assert_eq!(index.credentials(), Ok(Vec::new()), "reading does not wait for a writer");
        other.execute_batch("ROLLBACK").unwrap();
        assert_eq!(index.purge_history(0).map(|purged| purged.deleted), Ok(0));
    }

    #[test]
    fn a_reader_of_old_pages_makes_a_purge_incomplete() {
        let (_folder, path) = home();
        let index = Database::open_with_timeout(&path, Duration::from_millis(1)).unwrap();
        let reader = Connection::open(&path).unwrap();
        reader.execute_batch("BEGIN; SELECT count(*) FROM history").unwrap();
        let purged = index.purge_history(0).unwrap();
        assert!(matches!(purged.erasure, EraseOutcome::Incomplete(_)), "{purged:?}");
        reader.execute_batch("COMMIT").unwrap();
        assert_eq!(index.purge_history(0).unwrap().erasure, EraseOutcome::Complete);
    }

    #[test]
    fn of_two_that_create_the_file_the_second_opens_what_the_first_made() {
        let (_folder, path) = home();
        create_database(&path, 1).unwrap();
        create_database(&path, migrations::LATEST_VERSION).unwrap();
        let found: u32 = Connection::open(&path)
            .unwrap()
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .unwrap();
        assert_eq!(found, 1);
        assert_eq!(
            fs::read_dir(path.parent().unwrap())
                .unwrap()
                .filter(|entry| {
                    entry.as_ref().is_ok_and(|entry| {
                        entry.file_name().to_string_lossy().starts_with(".index-")
                    })
                })
                .count(),
            0
        );
    }
}
