//! Edits of single values in the settings file.
//!
//! Everything else in the file stays as it is, including comments. Reading and validating settings
//! belongs to [`super::settings`]. Start reading at `set_value`.

use std::io;
use std::path::Path;

use super::file::{read_text, write_private};
use super::settings::MAX_SETTINGS_BYTES;
use crate::domain::StoreKind;
use crate::domain::problem::Problem;

/// Writes the choice of a store into the settings file.
pub fn save_store_choice(file: &Path, store: StoreKind) -> Result<(), Problem> {
    set_value(file, "store", store.as_str())
}

/// Writes the name of a theme into the settings file.
pub fn save_theme_choice(file: &Path, name: &str) -> Result<(), Problem> {
    set_value(file, "theme", name)
}

fn set_value(file: &Path, setting: &str, value: &str) -> Result<(), Problem> {
    let write_failed = |why: &str| {
        let remedy = format!(
            "fix the file (`tokenring config check` shows where), or add the line `{setting} = \"{value}\"` yourself"
        );
        Problem::new(format!("The setting was not saved in {}", file.display()), why, remedy)
    };
    let text = match read_text(file, MAX_SETTINGS_BYTES) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(write_failed(&error.to_string())),
    };
    let mut document: toml_edit::DocumentMut =
        text.parse().map_err(|error: toml_edit::TomlError| write_failed(error.message()))?;
    match document.get_mut(setting).and_then(toml_edit::Item::as_value_mut) {
        Some(existing) => {
            let decor = existing.decor().clone();
            *existing = value.into();
            *existing.decor_mut() = decor;
        }
        None => document[setting] = toml_edit::value(value),
    }
    write_private(file, &document.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_changes_its_line_and_nothing_else() {
        let home = tempfile::tempdir().expect("a folder");
        let file = home.path().join("config.toml");
        let text = "# mine\nmouse = false # by hand\ntheme = \"dark\" # at night\n\n[net]\nconcurrency = 4\n";
        std::fs::write(&file, text).expect("a file");
        save_theme_choice(&file, "light").expect("written");
        let read = || std::fs::read_to_string(&file).expect("a file");
        assert_eq!(read(), text.replace("\"dark\"", "\"light\""));
        save_store_choice(&file, StoreKind::File).expect("written");
        let added = read();
        assert!(added.contains("store = \"file\"") && added.contains("# at night"), "{added}");
        assert!(
            added.find("store").expect("the store") < added.find("[net]").expect("the table"),
            "{added}"
        );
    }

    #[test]
    fn a_file_that_is_no_settings_file_stays_as_it_is() {
        let home = tempfile::tempdir().expect("a folder");
        let file = home.path().join("config.toml");
        std::fs::write(&file, "theme = \"dark").expect("a file");
        let problem = save_theme_choice(&file, "light").expect_err("a problem");
        assert!(problem.remedy.contains("theme = \"light\""), "{problem}");
        assert_eq!(std::fs::read_to_string(&file).expect("a file"), "theme = \"dark");
    }
}
