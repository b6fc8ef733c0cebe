//! Where files lie: `TOKENRING_HOME` puts everything under one folder, otherwise the platform's folders.

use std::ffi::OsString;
use std::path::{PathBuf, absolute};

use directories::ProjectDirs;

use crate::domain::problem::{Problem, ProblemClass};

/// What the folder of the user's themes is called, beside the settings.
pub const THEMES_FOLDER: &str = "themes";

/// The folders of the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppPaths {
    /// Settings and the user's provider files.
    pub config: PathBuf,
    /// The index and the encrypted file.
    pub data: PathBuf,
    /// Logs and what may be lost.
    pub state: PathBuf,
}

impl AppPaths {
    /// The folders that the environment asks for: under `TOKENRING_HOME`, or else where the platform puts them.
    pub fn discover() -> Result<Self, Problem> {
        Self::from_home_variable(std::env::var_os("TOKENRING_HOME"))
    }

    /// Everything under `home`: `config/`, `data/`, `state/`.
    pub fn from_home(home: impl Into<PathBuf>) -> Self {
        let home = home.into();
        Self { config: home.join("config"), data: home.join("data"), state: home.join("state") }
    }

    /// The index file.
    pub fn database(&self) -> PathBuf {
        self.data.join("index.db")
    }

    /// The folder of the encrypted file.
    pub fn vault(&self) -> PathBuf {
        self.data.join("vault")
    }

    /// The folder of the user's provider files.
    pub fn providers(&self) -> PathBuf {
        self.config.join("providers")
    }

    /// The folder of the user's themes.
    pub fn themes(&self) -> PathBuf {
        self.config.join(THEMES_FOLDER)
    }

    /// The settings file.
    pub fn settings(&self) -> PathBuf {
        self.config.join("config.toml")
    }

    /// Where the arrangement of the panes is remembered.
    pub fn layout(&self) -> PathBuf {
        self.state.join("layout.toml")
    }

    fn from_home_variable(home: Option<OsString>) -> Result<Self, Problem> {
        match home.filter(|home| !home.is_empty()) {
            // Absolute, so that it means the same after a change of folder.
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
    Problem::new("There is no place for files", why, "set TOKENRING_HOME to a folder of your own")
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
        for path in
            [paths.database(), paths.vault(), paths.providers(), paths.settings(), paths.state]
        {
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
