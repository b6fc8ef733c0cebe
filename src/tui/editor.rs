//! The person's own editor, for texts of more than a few lines.
//!
//! The text lies in a file that only its owner may read, in a folder of its own, so that what editors leave beside a
//! file goes with it. Whoever hands a text over has taken everything secret out of it.

use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::process::Command;

use crate::domain::Problem;

/// More than any body that a person writes has, in bytes.
const MAX_BODY_BYTES: u64 = 8 << 20;

/// Lets the person's editor change a text; ends when the editor does.
pub(super) fn edit_text(text: &str) -> Result<String, Problem> {
    let editor = editor_command(|name| std::env::var(name).ok());
    run_editor(&editor, text).map_err(|error| {
        let why = format!("{}: {error}", editor.join(" "));
        Problem::new(
            "The body was not changed",
            why,
            "set VISUAL or EDITOR to an editor that waits until you are done",
        )
    })
}

/// The words of the command: `VISUAL`, else `EDITOR`, else what every Unix has.
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
        return Err(io::Error::other(format!("it ended with {status}")));
    }
    let edited = read_limited(file.path())?;
    // Editors end the last line, which a body need not do.
    let is_ended = edited.ends_with('\n') && !text.ends_with('\n');
    Ok(if is_ended { edited.trim_end_matches(['\r', '\n']).to_owned() } else { edited })
}

/// By its path, since some editors write another file in its place.
fn read_limited(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    std::fs::File::open(path)?.take(MAX_BODY_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_editor_is_the_persons() {
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
