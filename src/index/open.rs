//! Opening the file: private, never through a link, never over something else.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::error::{Failure, IndexError};
use super::{Index, migrations};

/// How long a call waits for other processes before it gives up.
const PATIENCE: Duration = Duration::from_secs(10);

impl Index {
    /// Opens the index file, creating it (and its folder, 0700) or bringing it up to this version where needed.
    pub fn open(path: &Path) -> Result<Self, IndexError> {
        Self::open_within(path, PATIENCE)
    }

    /// An index in memory, for the demo and for tests.
    pub fn in_memory() -> Result<Self, IndexError> {
        let open = || {
            let mut connection = Connection::open_in_memory()?;
            prepare(&connection)?;
            migrations::migrate(&mut connection, migrations::LATEST)?;
            Ok(connection)
        };
        let connection = open().map_err(|failure: Failure| failure.at(Path::new("")))?;
        Ok(Self { connection: Mutex::new(connection), path: PathBuf::new() })
    }

    fn open_within(path: &Path, patience: Duration) -> Result<Self, IndexError> {
        if !is_present(path)? {
            create(path, migrations::LATEST)?;
        }
        make_private(path).map_err(|error| disk(path, &error))?;
        let connection = connect(path, patience).map_err(|failure| failure.at(path))?;
        Ok(Self { connection: Mutex::new(connection), path: path.to_owned() })
    }
}

/// Whether there is an index to open. What must not be opened or replaced is refused here.
fn is_present(path: &Path) -> Result<bool, IndexError> {
    // The log is looked for first: a file that another process creates meanwhile comes before its log.
    let has_log = with_suffix(path, "-wal").exists();
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => Err(IndexError::Link { path: path.to_owned() }),
        Ok(found) if !found.is_file() => Err(disk(path, &io::Error::other("it is not a file"))),
        // The file is created whole under another name, so an empty one was emptied.
        Ok(found) if found.len() == 0 => Err(damaged(path, "the file is empty")),
        Ok(_) => Ok(true),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(disk(path, &error)),
        // SQLite would take a log that was left behind for the new file's own.
        Err(_) if has_log => Err(damaged(path, "the file is gone, but its write-ahead log is there")),
        Err(_) => Ok(false),
    }
}

/// Makes the file under another name and moves it into place, so that nobody ever sees half of it, and so that of two
/// processes that start at once one wins and the other opens what the first one made.
fn create(path: &Path, version: u32) -> Result<(), IndexError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    create_folder(folder).map_err(|error| disk(folder, &error))?;
    let draft = tempfile::Builder::new().prefix(".index-").tempfile_in(folder).map_err(|error| disk(path, &error))?;
    fill(draft.path(), version).map_err(|failure| failure.at(path))?;
    draft.as_file().sync_all().map_err(|error| disk(path, &error))?;
    match draft.persist_noclobber(path) {
        Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => Err(disk(path, &error.error)),
        _ => sync_folder(folder).map_err(|error| disk(folder, &error)),
    }
}

fn fill(path: &Path, version: u32) -> Result<(), Failure> {
    let mut connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    migrations::migrate(&mut connection, version)?;
    connection.close().map_err(|(_, error)| error.into())
}

fn connect(path: &Path, patience: Duration) -> Result<Connection, Failure> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(patience)?;
    prepare(&connection)?;
    migrations::bring_up_to_date(&mut connection, path)?;
    Ok(connection)
}

fn prepare(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.set_prepared_statement_cache_capacity(32);
    connection.execute_batch("PRAGMA foreign_keys = ON; PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF;")
}

fn create_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Takes away what rights others have on the file. By its path: closing a file handle of our own would take away the
/// locks that another connection of this process holds on it.
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

/// Makes the new name durable. Only Unix lets a folder be opened for this.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { fs::File::open(folder)?.sync_all() } else { Ok(()) }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn damaged(path: &Path, why: &str) -> IndexError {
    IndexError::Damaged { path: path.to_owned(), why: why.to_owned() }
}

fn disk(path: &Path, error: &io::Error) -> IndexError {
    IndexError::Disk { path: path.to_owned(), why: error.to_string() }
}
