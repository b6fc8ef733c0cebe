//! The user's own editor, for texts of more than a few lines.
//!
//! The text is in a file that only its owner can read, in a separate folder, so that the backup
//! files of the editor are deleted with it. Callers must remove everything secret from the text
//! first. Start reading at [`edit_text`].

use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::process::Command;

use crate::domain::Problem;

/// Maximum size of an edited text: more than any body that a user writes.
const MAX_BODY_BYTES: u64 = 8 << 20;

/// Opens the user's editor on a text and waits until the editor exits.
pub(super) fn edit_text(text: &str) -> Result<String, Problem> {
    let editor = editor_command(|name| std::env::var(name).ok());
    run_editor(&editor, text).map_err(|error| {
        let why = format!("{}: {error}", editor.join(" "));
        Problem::new(
            "The body was not edited",
            why,
            "set VISUAL or EDITOR to an editor that waits until you close the file",
        )
    })
}

/// Returns the words of the editor command: `VISUAL`, otherwise `EDITOR`, otherwise the default of
/// the system.
fn editor_command(variable: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let chosen = ["VISUAL", "EDITOR"]
        .into_iter()
        .filter_map(variable)
        .find(|value| !value.trim().is_empty());
    let command = chosen.unwrap_or_else(|| if cfg!(windows) { "notepad" } else { "vi" }.to_owned());
    command.split_whitespace().map(str::to_owned).collect()
}

fn run_editor(editor: &[String], text: &str) -> io::Result<String> {
    let Some((program, arguments)) = editor.split_first() else {
        return Err(io::ErrorKind::NotFound.into());
    };
    let folder = tempfile::Builder::new().prefix("tokenring-").tempdir()?;
    let mut file =
        tempfile::Builder::new().prefix("body-").suffix(".json").tempfile_in(folder.path())?;
    file.write_all(text.as_bytes())?;
    file.flush()?;
    let status = Command::new(program).args(arguments).arg(file.path()).status()?;
    if !status.success() {
        return Err(io::Error::other(format!("exited with {status}")));
    }
    let edited = read_limited(file.path())?;
    // Editors add a final newline, which a body need not have.
    let is_ended = edited.ends_with('\n') && !text.ends_with('\n');
    Ok(if is_ended { edited.trim_end_matches(['\r', '\n']).to_owned() } else { edited })
}

/// Reads a file by its path, because some editors replace the file with a new one.
fn read_limited(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    std::fs::File::open(path)?.take(MAX_BODY_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_editor_is_the_users_choice() {
        let words = |visual: &str, own: &str| {
            editor_command(|name| Some(if name == "VISUAL" { visual } else { own }.to_owned()))
                .join("|")
        };
        assert_eq!(words("code --wait", "nano"), "code|--wait");
        assert_eq!(words(" ", "nano"), "nano");
        assert!(!editor_command(|_| None).is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn a_text_is_edited_in_a_private_file_that_is_gone_afterwards() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().unwrap();
        let script = home.path().join("edit");
        let seen = home.path().join("seen");
        let text = format!(
            "#!/bin/sh\nstat -c '%a %n' \"$1\" > {}\necho '{{\"b\":2}}' > \"$1\"\n",
            seen.display()
        );
        std::fs::write(&script, text).unwrap();
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(run_editor(&[script.display().to_string()], "{}").unwrap(), "{\"b\":2}");
        let seen = std::fs::read_to_string(seen).unwrap();
        let (mode, path) = seen.trim().split_once(' ').unwrap();
        assert_eq!(mode, "600");
        assert!(!Path::new(path).exists() && !Path::new(path).parent().unwrap().exists());
        assert!(run_editor(&["false".to_owned()], "{}").is_err());
        assert!(run_editor(&["no-such-editor".to_owned()], "{}").is_err());
    }
}
