//! The user's own themes: files in the themes folder, in the format of the built-in themes.
//!
//! Start reading at [`UserThemes::load`]. Parsing a theme belongs to [`super`].

use std::io;

use super::super::AppPaths;
use super::super::file::{list_toml_files, read_text};
use super::{ColorDepth, Theme};
use crate::domain::problem::{Problem, ProblemClass};

/// Size limit of a theme file; the built-in files are a fraction of it.
const MAX_THEME_BYTES: u64 = 64 * 1024;

/// The user's themes: the name of each file with its text, or the reason why it could not be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserThemes(Vec<(String, Result<String, String>)>);

impl UserThemes {
    /// Reads the themes folder, if there is one.
    pub fn load(paths: &AppPaths) -> Self {
        let mut files = list_toml_files(&paths.themes()).unwrap_or_default();
        files.sort();
        let named = |path: std::path::PathBuf| {
            let name = path.file_name()?.to_str()?.to_owned();
            Some((
                name,
                read_text(&path, MAX_THEME_BYTES).map_err(|error: io::Error| error.to_string()),
            ))
        };
        Self(files.into_iter().filter_map(named).collect())
    }

    /// Returns the valid themes with their names, in the colors that the terminal shows.
    pub fn valid_themes(&self, depth: ColorDepth) -> impl Iterator<Item = (&str, Theme)> {
        self.0
            .iter()
            .filter_map(move |(name, _)| Some((name.as_str(), self.theme(name, depth).ok()?)))
    }

    /// Returns the theme in the file with this name, or a message that says why it cannot be used.
    pub fn theme(&self, name: &str, depth: ColorDepth) -> Result<Theme, String> {
        let (_, text) = self
            .0
            .iter()
            .find(|(known, _)| known == name)
            .ok_or_else(|| self.missing_theme_message(name))?;
        Theme::parse(text.as_ref().map_err(Clone::clone)?, depth)
    }

    /// Returns the problem with the theme of this name, if it has one.
    pub fn theme_problem(&self, name: &str, paths: &AppPaths) -> Option<Problem> {
        let why = self.theme(name, ColorDepth::TrueColor).err()?;
        let path = paths.themes().join(name);
        let what = "The theme cannot be used";
        let remedy = "fix the file, or set `theme = \"auto\"`";
        Some(
            Problem::new(what, format!("{}: {}", path.display(), why.trim_end()), remedy)
                .with_class(ProblemClass::Usage),
        )
    }

    fn missing_theme_message(&self, name: &str) -> String {
        let known: Vec<_> = self.0.iter().map(|(known, _)| known.as_str()).collect();
        if known.is_empty() {
            format!("there is no theme file {name}")
        } else {
            format!("there is no theme file {name}; the folder contains {}", known.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINE: &str = "[colors]\nink = \"#102030\"\n[roles]\ntext = { fg = \"ink\" }\n";

    fn home(files: &[(&str, &str)]) -> (tempfile::TempDir, AppPaths) {
        let home = tempfile::tempdir().unwrap();
        let paths = AppPaths::from_home(home.path());
        std::fs::create_dir_all(paths.themes()).unwrap();
        for (name, text) in files {
            std::fs::write(paths.themes().join(name), text).unwrap();
        }
        (home, paths)
    }

    #[test]
    fn a_file_is_a_theme_and_a_broken_one_says_where_it_is_broken() {
        let (_home, paths) = home(&[
            ("mine.toml", MINE),
            ("broken.toml", "[colors]\n[roles]\ntext = { fg = \"mauve\" }"),
            ("x", ""),
        ]);
        let own = UserThemes::load(&paths);
        assert_eq!(
            own.valid_themes(ColorDepth::TrueColor).map(|(name, _)| name).collect::<Vec<_>>(),
            ["mine.toml"]
        );
        assert_eq!(own.theme_problem("mine.toml", &paths), None);
        let problem = own.theme_problem("broken.toml", &paths).unwrap();
        assert!(problem.why.contains("broken.toml") && problem.why.contains("mauve"), "{problem}");
        let problem = own.theme_problem("other.toml", &paths).unwrap();
        assert!(
            problem.why.contains(
                "there is no theme file other.toml; the folder contains broken.toml, mine.toml"
            ),
            "{problem}"
        );
    }

    #[test]
    fn no_folder_means_no_themes() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(UserThemes::load(&AppPaths::from_home(home.path())), UserThemes::default());
    }
}
