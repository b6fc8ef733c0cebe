//! Bounded reads and private, atomic writes of the program's own files.
//!
//! The other modules of `config` use it for settings, layout, themes, providers and saved requests.
//! Start reading at [`write_private`]. Formats and meanings do not belong here.
//!
//! Edits of single values in the settings file.
//!
//! Everything else in the file stays as it is, including comments. Reading and validating settings
//! belongs to [`super::settings`]. Start reading at `set_value`.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::settings::MAX_SETTINGS_BYTES;
use crate::domain::StoreKind;
use crate::domain::problem::{Problem, ProblemClass};
use crate::util::private_files::{
    AtomicFile, ForeignAccess, create_folder, foreign_access, is_link, parent_folder,
};

/// Replaces a whole file atomically. The file is private (0600, its folder 0700) from its first
/// byte, and is on disk when this function returns. A symbolic link at the path is rejected,
/// because it could lead anywhere.
pub fn write_private(path: &Path, text: &str) -> Result<(), Problem> {
    if is_link(path) {
        let remedy = format!("replace the link {} with a regular file", path.display());
        return Err(Problem::new(
            "The file was not written",
            format!("{} is a symbolic link", path.display()),
            remedy,
        ));
    }
    replace_atomically(path, text).map_err(|error| {
        let remedy = "check that you can write to its folder and that the disk is not full";
        Problem::new("The file was not written", format!("{}: {error}", path.display()), remedy)
    })
}

/// Checks that only this user decides what a file or folder contains: it is no symbolic link, and
/// no other user can write to it. A missing path is fine.
pub(super) fn check_trusted(path: &Path) -> Result<(), Problem> {
    let Ok(metadata) = fs::symlink_metadata(path) else { return Ok(()) };
    let shown = path.display();
    let (why, remedy) = if metadata.is_symlink() {
        let remedy = format!("replace the link {shown} with what it points to");
        ("is a symbolic link".to_owned(), remedy)
    } else {
        match foreign_access(&metadata, ForeignAccess::Write) {
            None => return Ok(()),
            Some(why) => (why, format!("check its content, then run `chmod go-w {shown}`")),
        }
    };
    let what = "The configuration is not used, because others could change it";
    Err(Problem::new(what, format!("{shown} {why}"), remedy).with_class(ProblemClass::Usage))
}

/// Returns the text of a regular file of at most `limit` bytes. Everything else that a path can
/// name is an error: a pipe would block, and a device would never end.
pub(super) fn read_text(path: &Path, limit: u64) -> io::Result<String> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut text = String::new();
    fs::File::open(path)?.take(limit + 1).read_to_string(&mut text)?;
    if text.len() as u64 > limit {
        return Err(io::Error::other(format!("larger than {limit} bytes")));
    }
    Ok(text)
}

/// Returns the `*.toml` files of a folder, without hidden files, which editors leave behind. A
/// missing folder yields an empty list.
pub(super) fn list_toml_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let paths =
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
    Ok(paths.into_iter().filter(|path| is_visible_toml(path)).collect())
}

fn is_visible_toml(path: &Path) -> bool {
    let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    !hidden && path.extension().is_some_and(|extension| extension == "toml")
}

fn replace_atomically(path: &Path, text: &str) -> io::Result<()> {
    create_folder(parent_folder(path))?;
    let mut file = AtomicFile::create(path, ".draft-")?;
    file.write(text.as_bytes())?;
    file.commit()
}

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
    fn a_file_is_replaced_as_a_whole_and_leaves_nothing_beside_it() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("config/providers/own.toml");
        for text in ["a longer first text", "short"] {
            write_private(&path, text).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_is_private_and_a_link_is_not_followed() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("config/own.toml");
        write_private(&path, "text").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));

        let link = home.path().join("config/link.toml");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let refusal = write_private(&link, "other").unwrap_err();
        assert!(refusal.why.contains("symbolic link"), "{refusal}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "text");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_a_problem_with_a_remedy() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("config"), "a file in the way").unwrap();
        let problem = write_private(&home.path().join("config/own.toml"), "text").unwrap_err();
        assert!(problem.why.contains("own.toml") && !problem.remedy.is_empty(), "{problem}");
    }

    #[cfg(unix)]
    #[test]
    fn what_others_could_change_is_not_trusted() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("own.toml");
        assert_eq!(check_trusted(&path), Ok(()), "a missing file");
        fs::write(&path, "text").unwrap();
        for (mode, is_trusted) in [(0o600, true), (0o644, true), (0o664, false), (0o602, false)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(check_trusted(&path).is_ok(), is_trusted, "{mode:o}");
        }
        let link = home.path().join("link.toml");
        std::os::unix::fs::symlink(home.path().join("nowhere"), &link).unwrap();
        let refusal = check_trusted(&link).unwrap_err();
        assert!(refusal.why.contains("symbolic link"), "{refusal}");
    }

    #[test]
    fn only_regular_files_within_bounds_are_read() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("text");
        fs::write(&path, "12345").unwrap();
        assert_eq!(read_text(&path, 5).unwrap(), "12345");
        assert!(read_text(&path, 4).unwrap_err().to_string().contains("larger"));
        assert!(read_text(home.path(), 4).unwrap_err().to_string().contains("regular"));
        fs::write(&path, [0xff]).unwrap();
        assert_eq!(read_text(&path, 5).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}

#[cfg(test)]
mod edit_tests {
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
