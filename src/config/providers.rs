//! The user's own provider files, which add a provider or a private region to the built-in ones.
//!
//! This module only reads the texts. Parsing and merging them belongs to `domain::provider`. Start
//! reading at [`read_provider_files`].

use std::io;
use std::path::{Path, PathBuf};

use super::AppPaths;
use super::file::{check_trusted, list_toml_files, read_text};
use crate::domain::problem::{Problem, ProblemClass};

/// Size limit of a provider file; the largest built-in file is a fraction of it.
const MAX_PROVIDER_FILE_BYTES: u64 = 256 * 1024;

/// Returns the paths and texts of the user's provider files, sorted by path. The provider registry
/// interprets them.
pub fn read_provider_files(paths: &AppPaths) -> Result<Vec<(PathBuf, String)>, Problem> {
    let folder = paths.providers();
    check_trusted(&paths.config)?;
    check_trusted(&folder)?;
    let mut files = list_toml_files(&folder).map_err(|error| unreadable(&folder, &error))?;
    files.sort();
    let read = |path: PathBuf| {
        check_trusted(&path)?;
        match read_text(&path, MAX_PROVIDER_FILE_BYTES) {
            Ok(text) => Ok((path, text)),
            Err(error) => Err(unreadable(&path, &error)),
        }
    };
    files.into_iter().map(read).collect()
}

fn unreadable(path: &Path, error: &io::Error) -> Problem {
    let remedy = "fix or remove the file; the built-in providers need no file";
    Problem::new("A provider file cannot be read", format!("{}: {error}", path.display()), remedy)
        .with_class(ProblemClass::Usage)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn home(files: &[(&str, &str)]) -> (tempfile::TempDir, AppPaths) {
        let home = tempfile::tempdir().unwrap();
        let paths = AppPaths::from_home(home.path());
        fs::create_dir_all(paths.providers()).unwrap();
        for (name, text) in files {
            fs::write(paths.providers().join(name), text).unwrap();
        }
        (home, paths)
    }

    #[test]
    fn files_come_by_name_and_others_are_left_alone() {
        let (_home, paths) = home(&[
            ("z.toml", "z"),
            ("a.toml", "a"),
            (".a.toml.swp", "x"),
            (".b.toml", "x"),
            ("README", "x"),
        ]);
        let texts: Vec<_> =
            read_provider_files(&paths).unwrap().into_iter().map(|(_, text)| text).collect();
        assert_eq!(texts, ["a", "z"]);
    }

    #[test]
    fn no_folder_means_no_files() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(read_provider_files(&AppPaths::from_home(home.path())), Ok(Vec::new()));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let (_home, paths) = home(&[("big.toml", &"#".repeat(300_000))]);
        let problem = read_provider_files(&paths).unwrap_err();
        assert!(problem.why.contains("big.toml") && problem.why.contains("larger"), "{problem}");

        let (_home, paths) = home(&[]);
        fs::create_dir(paths.providers().join("folder.toml")).unwrap();
        assert!(read_provider_files(&paths).unwrap_err().why.contains("not a regular file"));
    }
}
