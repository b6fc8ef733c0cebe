//! Folders and files of the program.
//!
//! `TOKENRING_HOME` puts everything into one folder; otherwise the platform's folders are used.
//! Start reading at [`AppPaths::discover`].

use std::ffi::OsString;
use std::path::{PathBuf, absolute};

use directories::ProjectDirs;

use crate::domain::problem::{Problem, ProblemClass};

/// Name of the folder with the user's themes, beside the settings file.
pub const THEMES_FOLDER: &str = "themes";

/// Folders of the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppPaths {
    /// Folder of the settings file and of the user's provider files, themes and saved requests.
    pub config: PathBuf,
    /// Folder of the index database and of the encrypted file.
    pub data: PathBuf,
    /// Folder of logs and other files whose loss does no harm.
    pub state: PathBuf,
}

impl AppPaths {
    /// Returns the folders that the environment selects: below `TOKENRING_HOME`, or otherwise the
    /// platform's folders.
    pub fn discover() -> Result<Self, Problem> {
        Self::from_home_variable(std::env::var_os("TOKENRING_HOME"))
    }

    /// Returns the folders `config/`, `data/` and `state/` below `home`.
    pub fn from_home(home: impl Into<PathBuf>) -> Self {
        let home = home.into();
        Self { config: home.join("config"), data: home.join("data"), state: home.join("state") }
    }

    /// Returns the path of the index database.
    pub fn database(&self) -> PathBuf {
        self.data.join("index.db")
    }

    /// Returns the folder of the user's provider files.
    pub fn providers(&self) -> PathBuf {
        self.config.join("providers")
    }

    /// Returns the folder of the user's themes.
    pub fn themes(&self) -> PathBuf {
        self.config.join(THEMES_FOLDER)
    }

    /// Returns the path of the settings file.
    pub fn settings(&self) -> PathBuf {
        self.config.join("config.toml")
    }

    /// Returns the path of the file that stores the pane layout.
    pub fn layout(&self) -> PathBuf {
        self.state.join("layout.toml")
    }

    fn from_home_variable(home: Option<OsString>) -> Result<Self, Problem> {
        match home.filter(|home| !home.is_empty()) {
            // An absolute path keeps its meaning after a change of the working folder.
            Some(home) => absolute(home)
                .map(Self::from_home)
                .map_err(|error| no_folder_problem(&error.to_string())),
            None => Self::for_platform()
                .ok_or_else(|| no_folder_problem("this user has no home folder")),
        }
    }

    fn for_platform() -> Option<Self> {
        let dirs = ProjectDirs::from("", "", "tokenring")?;
        let data = dirs.data_local_dir().to_owned();
        let state = dirs.state_dir().map_or_else(|| data.join("state"), ToOwned::to_owned);
        Some(Self { config: dirs.config_dir().to_owned(), data, state })
    }
}

fn no_folder_problem(why: &str) -> Problem {
    Problem::new(
        "There is no folder for the files of tokenring",
        why,
        "set TOKENRING_HOME to a folder that you can write to",
    )
    .with_class(ProblemClass::Usage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_variable_puts_everything_under_one_folder() {
        let home = std::env::temp_dir().join("somewhere");
        let paths = AppPaths::from_home_variable(Some(home.clone().into_os_string())).unwrap();
        assert_eq!(paths, AppPaths::from_home(&home));
        for path in [paths.database(), paths.providers(), paths.settings(), paths.state] {
            assert!(path.starts_with(&home), "{}", path.display());
        }
    }

    #[test]
    fn a_relative_home_does_not_move_with_the_working_folder() {
        assert!(
            AppPaths::from_home_variable(Some("portable".into())).unwrap().config.is_absolute()
        );
    }

    #[test]
    fn without_it_or_with_nothing_in_it_the_platform_decides() {
        let of_platform = AppPaths::for_platform().unwrap();
        assert_eq!(AppPaths::from_home_variable(Some(OsString::new())), Ok(of_platform.clone()));
        assert_eq!(AppPaths::from_home_variable(None), Ok(of_platform.clone()));
        for path in [of_platform.config, of_platform.data, of_platform.state] {
            assert!(
                path.components().any(|part| part.as_os_str() == "tokenring"),
                "{}",
                path.display()
            );
        }
    }
}
