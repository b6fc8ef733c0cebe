//! Private key in a file of the user, outside the store.
//!
//! Start reading at [`read`]. Keys that the program stores itself belong to the store.

use std::path::Path;

use super::private_files;
use crate::domain::problem::{Problem, ProblemClass};
use crate::domain::{Secret, text};

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
