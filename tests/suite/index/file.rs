//! Tests of the index file: damage, other files in its place, permissions, and a full disk.

use super::*;

/// Opens the file and reads all credentials; returns their number.
fn read_all(path: &Path) -> Result<usize, DatabaseError> {
    let index = Database::open(path)?;
    let found = index.credentials()?.len();
    index.verify_integrity()?;
    Ok(found)
}

fn assert_damaged(home: &Home, what: &str) {
    let before = std::fs::read(&home.path).unwrap();
    match read_all(&home.path) {
        Err(DatabaseError::Damaged { path, .. }) => assert_eq!(path, home.path, "{what}"),
        other => panic!("{what}: {other:?}"),
    }
    assert!(std::fs::read(&home.path).unwrap() == before, "{what}: the file was changed");
}

#[test]
fn a_file_that_is_not_a_database_is_refused_and_left_alone() {
    let half_a_header = [b"SQLite format 3\0".as_slice(), &[0xa5; 8176]].concat();
    for (what, bytes) in [
        ("nothing", Vec::new()),
        ("text", b"name = \"laptop\"\n".repeat(256)),
        (
            "noise",
            (0..16_384_u32).map(|at| at.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect(),
        ),
        ("zeros", vec![0; 8192]),
        ("half a header", half_a_header),
    ] {
        assert_damaged(&Home::with_bytes(&bytes), what);
    }
}

#[test]
fn a_file_that_was_cut_short_is_refused_and_left_alone() {
    let whole = std::fs::read(Home::with(200).path).unwrap();
    let cuts = [
        1,
        99,
        100,
        512,
        1000,
        4095,
        4096,
        4097,
        8192,
        40_000,
        whole.len() / 2,
        whole.len() - 4096,
        whole.len() - 1,
    ];
    for cut in cuts {
        assert_damaged(
            &Home::with_bytes(&whole[..cut]),
            &format!("cut after {cut} of {} bytes", whole.len()),
        );
    }
}

#[test]
fn a_file_with_a_spoiled_page_is_refused_and_left_alone() {
    let whole = std::fs::read(Home::with(200).path).unwrap();
    let pages = whole.len() / 4096;
    assert!(pages > 10, "{pages}");
    for page in 0..pages {
        let mut bytes = whole.clone();
        for byte in &mut bytes[page * 4096..page * 4096 + 64] {
            *byte ^= 0xff;
        }
        assert_damaged(&Home::with_bytes(&bytes), &format!("page {page} of {pages}"));
    }
}

#[test]
fn a_newer_file_and_another_programs_database_are_refused_and_left_alone() {
    let home = Home::with(1);
    rusqlite::Connection::open(&home.path)
        .unwrap()
        .pragma_update(None, "user_version", 99)
        .unwrap();
    let before = std::fs::read(&home.path).unwrap();
    assert!(matches!(read_all(&home.path), Err(DatabaseError::NewerSchema { found: 99, .. })));
    assert!(std::fs::read(&home.path).unwrap() == before);

    let home = Home::with_bytes(b"");
    rusqlite::Connection::open(&home.path)
        .unwrap()
        .execute_batch("CREATE TABLE bookmarks (url TEXT)")
        .unwrap();
    let before = std::fs::read(&home.path).unwrap();
    assert_eq!(read_all(&home.path), Err(DatabaseError::NotOurFile { path: home.path.clone() }));
    assert!(std::fs::read(&home.path).unwrap() == before);
}

#[test]
fn a_log_without_its_file_is_not_taken_for_that_of_a_new_one() {
    let home = Home::new();
    std::fs::create_dir(home.path.parent().unwrap()).unwrap();
    std::fs::write(home.path.with_extension("db-wal"), b"what is left").unwrap();
    assert!(matches!(Database::open(&home.path), Err(DatabaseError::Damaged { .. })));
    assert!(!home.path.exists());
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let home = Home::with_bytes(b"a file where a folder should be");
    let path = home.path.join("index.db");
    assert!(
        matches!(Database::open(&path), Err(DatabaseError::DiskError { .. })),
        "a file in the way"
    );
    std::fs::remove_file(&home.path).unwrap();
    std::fs::create_dir(&home.path).unwrap();
    assert!(
        matches!(Database::open(&home.path), Err(DatabaseError::DiskError { .. })),
        "a folder in the way"
    );
}

#[test]
fn opening_and_reading_writes_nothing() {
    let home = Home::with(20);
    let before = (
        std::fs::read(&home.path).unwrap(),
        std::fs::metadata(&home.path).unwrap().modified().unwrap(),
    );
    assert_eq!(read_all(&home.path), Ok(20));
    let after = (
        std::fs::read(&home.path).unwrap(),
        std::fs::metadata(&home.path).unwrap().modified().unwrap(),
    );
    assert!(before == after);
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn no_other_user_may_read_the_files() {
        let home = Home::new();
        let index = home.open();
        index.insert_credential(&credential("laptop")).unwrap();
        assert_eq!(mode(home.path.parent().unwrap()), 0o700);
        for path in [
            home.path.clone(),
            home.path.with_extension("db-wal"),
            home.path.with_extension("db-shm"),
        ] {
            assert_eq!(mode(&path), 0o600, "{}", path.display());
        }
        drop(index);
        std::fs::set_permissions(&home.path, std::fs::Permissions::from_mode(0o644)).unwrap();
        drop(home.open());
        assert_eq!(mode(&home.path), 0o600, "what was loosened is tightened");
    }

    #[test]
    fn a_symbolic_link_is_refused() {
        let home = Home::with(1);
        let link = home.path.with_file_name("link.db");
        symlink(&home.path, &link).unwrap();
        assert!(matches!(Database::open(&link), Err(DatabaseError::SymbolicLink { .. })));
        let dangling = home.path.with_file_name("dangling.db");
        symlink("/nowhere/index.db", &dangling).unwrap();
        assert!(matches!(Database::open(&dangling), Err(DatabaseError::SymbolicLink { .. })));
    }

    /// A limit on the file size (`ulimit -f`) simulates a full disk: the write fails at the same
    /// point.
    #[test]
    fn on_a_full_disk_a_change_is_refused_and_what_was_durable_stays() {
        if let Some(path) = std::env::var_os(CHILD_VARIABLE) {
            let index = Database::open(Path::new(&path)).unwrap();
            let added = (0..5_000)
                .map(|number| index.insert_credential(&credential(&format!("{number:04}"))))
                .take_while(Result::is_ok)
                .count();
            let refusal = index.insert_credential(&credential("one more")).unwrap_err();
            assert!(matches!(refusal, DatabaseError::DiskError { .. }), "{refusal:?}");
            assert_eq!(
                index.credentials().unwrap().len(),
                added + 1,
                "the stored data can still be read"
            );
            assert!(added > 10, "{added}");
            return;
        }
        let home = Home::with(1);
        let limited = "trap '' XFSZ; ulimit -f 400; exec \"$0\" \"$@\"";
        let mut command = Command::new("sh");
        command.stdout(Stdio::null());
        command.args(["-c", limited]).arg(std::env::current_exe().unwrap());
        assert!(
            as_child(
                command,
                "index::file::unix::on_a_full_disk_a_change_is_refused_and_what_was_durable_stays",
                &home
            )
            .wait()
            .unwrap()
            .success()
        );
        assert!(read_all(&home.path).unwrap() > 10);
    }
}

#[test]
fn a_short_log_is_left_for_the_next_one_and_a_long_one_is_not() {
    let home = Home::new();
    let log = || std::fs::metadata(home.path.with_extension("db-wal")).map_or(0, |log| log.len());
    home.open().insert_credential(&credential("laptop")).unwrap();
    let check = |at| {
        home.open()
            .record_check(&id_of("laptop"), "SNYK-EU-01", &check(CheckResult::Accepted, at))
            .unwrap();
    };
    check(1);
    assert!(log() > 0, "one check result must not sync the disk twice");
    let grown = (2..1000).map(|at| (check(at), log()).1).take_while(|length| *length > 0).max();
    assert!(grown.is_some_and(|length| length < 2 << 20), "{grown:?}");
    assert_eq!(log(), 0);
    assert_eq!(
        home.open().credential_by_name("laptop").unwrap().last_check.map(|check| check.result),
        Some(CheckResult::Accepted)
    );
}
