//! Passphrase of the encrypted file for runs without a user, read from a file.
//!
//! Start reading at [`from_file`]. Prompting for the passphrase belongs to `tui` and `cli`.
//!
//! Private key in a file of the user, outside the store.
//!
//! Start reading at [`read`]. Keys that the program stores itself belong to the store.

use std::path::Path;

use zeroize::Zeroizing;

use super::{StoreError, private_files};
use crate::domain::problem::{Problem, ProblemClass};
use crate::domain::{Secret, passphrase, text};

/// Environment variable that names a file with the passphrase. The passphrase itself is never in a
/// variable.
pub const PASSPHRASE_FILE_VARIABLE: &str = "TOKENRING_PASSPHRASE_FILE";

/// Maximum size of a passphrase file.
const MAX_PASSPHRASE_FILE_BYTES: u64 = 4 << 10;

/// Reads the passphrase from a file that is private to the user, or from a pipe. Symbolic links are
/// followed: what they end at must be private. One line break at the end is not part of the
/// passphrase.
pub fn from_file(path: &Path) -> Result<Secret, StoreError> {
    let content = private_files::read_source(path, MAX_PASSPHRASE_FILE_BYTES)?
        .ok_or_else(|| StoreError::UnusableFile(format!("{} does not exist", path.display())))?;
    let passphrase = Secret::new(strip_line_ending(&content).to_vec());
    if passphrase.is_empty() {
        return Err(StoreError::UnusableFile(format!("{} is empty", path.display())));
    }
    Ok(passphrase)
}

/// Rejects a new passphrase that is too easy to guess.
pub fn check_strength(new: &Secret) -> Result<(), StoreError> {
    let text = new.expose(|bytes| Zeroizing::new(String::from_utf8_lossy(bytes).into_owned()));
    passphrase::check_strength(&text).map_err(|_| StoreError::WeakPassphrase)
}

fn strip_line_ending(content: &[u8]) -> &[u8] {
    content.strip_suffix(b"\r\n").or_else(|| content.strip_suffix(b"\n")).unwrap_or(content)
}

/// Maximum size of a key file.
const MAX_KEY_FILE_BYTES: u64 = 64 << 10;

/// Reads a key from a file that is private to the user (a regular file, 0600, no symbolic link).
pub fn read(path: &Path) -> Result<Secret, Problem> {
    let failed = |why: String| {
        let remedy = format!(
            "check the field key_file, and make the file private: chmod 600 {}",
            path.display()
        );
        Problem::new("The key file cannot be read", text::sanitize_line(&why), remedy)
            .with_class(ProblemClass::Usage)
    };
    match private_files::read_up_to(path, MAX_KEY_FILE_BYTES) {
        Ok(Some(content)) => Ok(Secret::new(content.to_vec())),
        Ok(None) => Err(failed(format!("no file at {}", path.display()))),
        Err(error) => Err(failed(error.to_string())),
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn file(content: &[u8], mode: u32) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("passphrase");
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        (folder, path)
    }

    #[test]
    fn one_line_end_is_not_part_of_it_and_everything_else_is() {
        for (content, expected) in [
            (&b"pw"[..], &b"pw"[..]),
            (b"pw\n", b"pw"),
            (b"pw\r\n", b"pw"),
            (b"pw\n\n", b"pw\n"),
            (b" pw ", b" pw "),
        ] {
            let (_folder, path) = file(content, 0o600);
            let read = from_file(&path).unwrap_or_else(|error| panic!("{error}"));
            assert!(read.same_as(&Secret::new(expected.to_vec())), "{content:?}");
        }
    }

    #[test]
    fn a_file_above_the_limit_is_not_read() {
        let (_folder, largest) = file(&[b'p'; 4 << 10], 0o600);
        assert_eq!(from_file(&largest).map(|passphrase| passphrase.len()), Ok(4 << 10));
        let (_folder, larger) = file(&[b'p'; (4 << 10) + 1], 0o600);
        assert!(
            matches!(from_file(&larger), Err(StoreError::UnusableFile(why)) if why.contains("larger than 4 KiB"))
        );
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        for mode in [0o644, 0o640, 0o604, 0o660] {
            let (_folder, path) = file(b"pw", mode);
            assert!(
                matches!(from_file(&path), Err(StoreError::InsecureFile(why)) if why.contains("mode")),
                "{mode:o}"
            );
        }
    }

    #[test]
    fn a_link_is_judged_by_what_it_ends_at() {
        let (folder, path) = file(b"pw\n", 0o600);
        // As Kubernetes mounts a secret: name -> ..data/name, ..data -> ..2026_11_30.
        fs::create_dir(folder.path().join("..2026_11_30")).unwrap();
        fs::rename(&path, folder.path().join("..2026_11_30/passphrase")).unwrap();
        symlink("..2026_11_30", folder.path().join("..data")).unwrap();
        symlink("..data/passphrase", &path).unwrap();
        assert_eq!(from_file(&path).map(|passphrase| passphrase.len()), Ok(2));
        let end = folder.path().join("..2026_11_30/passphrase");
        fs::set_permissions(end, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(
            matches!(from_file(&path), Err(StoreError::InsecureFile(why)) if why.contains("mode 644"))
        );
    }

    #[test]
    fn a_pipe_is_read_to_its_end() {
        use std::io::Write as _;
        use std::os::fd::AsRawFd as _;
        let (reader, mut writer) = std::io::pipe().unwrap();
        writer.write_all(b"from a pipe\n").unwrap();
        drop(writer);
        let path = format!("/dev/fd/{}", reader.as_raw_fd());
        let read = from_file(Path::new(&path)).unwrap_or_else(|error| panic!("{error}"));
        assert!(read.same_as(&Secret::new(b"from a pipe".to_vec())));
        assert!(
            matches!(from_file(Path::new("/dev/null")), Err(StoreError::UnusableFile(why)) if why.contains("device"))
        );
    }

    #[test]
    fn folders_nothing_and_emptiness_are_refused() {
        let (folder, _path) = file(b"pw", 0o600);
        let link = folder.path().join("link");
        symlink(folder.path().join("nowhere"), &link).unwrap();
        assert!(matches!(from_file(&link), Err(StoreError::UnusableFile(_))));
        assert!(matches!(from_file(folder.path()), Err(StoreError::InsecureFile(_))));
        assert!(matches!(from_file(&folder.path().join("none")), Err(StoreError::UnusableFile(_))));
        let (_folder, empty) = file(b"\n", 0o600);
        assert!(matches!(from_file(&empty), Err(StoreError::UnusableFile(_))));
    }
}

#[cfg(unix)]
#[cfg(test)]
mod key_file_tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_is_read_only_where_no_other_user_can_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        assert!(read(&path).err().unwrap().why.contains("no file"));
        fs::write(&path, "key").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(read(&path).err().unwrap().remedy.contains("chmod 600"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(read(&path).unwrap().same_as(&Secret::from_text("key".to_owned())));
        fs::write(&path, vec![b'k'; (64 << 10) + 1]).unwrap();
        assert!(read(&path).err().unwrap().why.contains("larger than 64 KiB"));
    }
}
