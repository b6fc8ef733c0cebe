//! The user's own editor and pager, for texts of more than a few lines.
//!
//! A text for the editor is in a file that only its owner can read, in a separate folder, so that the
//! backup files of the editor are deleted with it. The pager reads a pipe. Callers must remove
//! everything secret from the text first. Start reading at [`edit_text`] and [`view_text`].

use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use tempfile::{NamedTempFile, TempDir};

use super::app::ViewerProgram;
use crate::domain::Problem;
use crate::util::shell_words::split_words;

/// Maximum size of an edited text: more than any body that a user writes.
const MAX_BODY_BYTES: u64 = 8 << 20;

/// Pagers that are tried where the user has not chosen one.
const DEFAULT_PAGERS: [&str; 2] =
    if cfg!(windows) { ["more.com", "more"] } else { ["less", "more"] };

/// Opens the user's editor on a text and waits until the editor exits.
pub(super) fn edit_text(text: &str) -> Result<String, Problem> {
    let editor = editor_command(|name| std::env::var(name).ok());
    run_editor(&editor, text)
        .map_err(|error| editor_problem("The body was not edited", &editor, &error))
}

/// Shows a text in the user's pager or editor and waits until the program exits. What is changed in
/// the editor is discarded.
pub(super) fn view_text(program: ViewerProgram, text: &str, is_json: bool) -> Result<(), Problem> {
    let variable = |name: &str| std::env::var(name).ok();
    match program {
        ViewerProgram::Pager => {
            let pagers = pager_commands(variable);
            run_first_pager(&pagers, text).map_err(|error| {
                let named: Vec<_> = pagers.iter().map(|pager| pager.join(" ")).collect();
                let why = format!("{}: {error}", named.join(", "));
                let remedy = "set PAGER to a program that shows its standard input";
                Problem::new("The response was not shown in the pager", why, remedy)
            })
        }
        ViewerProgram::Editor => {
            let editor = editor_command(variable);
            run_read_only_editor(&editor, text, is_json).map_err(|error| {
                editor_problem("The response was not shown in the editor", &editor, &error)
            })
        }
    }
}

/// Returns the problem of an editor that failed.
fn editor_problem(what: &str, editor: &[String], error: &io::Error) -> Problem {
    let remedy = "set VISUAL or EDITOR to an editor that waits until you close the file";
    Problem::new(what, format!("{}: {error}", editor.join(" ")), remedy)
}

/// Returns the words of the editor command: `VISUAL`, otherwise `EDITOR`, otherwise the default of
/// the system.
fn editor_command(variable: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let chosen = ["VISUAL", "EDITOR"].into_iter().find_map(|name| chosen_command(&variable, name));
    let default = if cfg!(windows) { "notepad" } else { "vi" };
    chosen.unwrap_or_else(|| vec![default.to_owned()])
}

/// Returns the words of the pager command: `PAGER`, otherwise the defaults of the system in order.
fn pager_commands(variable: impl Fn(&str) -> Option<String>) -> Vec<Vec<String>> {
    chosen_command(&variable, "PAGER").map_or_else(
        || DEFAULT_PAGERS.map(|pager| vec![pager.to_owned()]).into(),
        |chosen| vec![chosen],
    )
}

/// Returns the words of the command in an environment variable, if there are any.
fn chosen_command(variable: impl Fn(&str) -> Option<String>, name: &str) -> Option<Vec<String>> {
    let words: Vec<_> =
        split_words(&variable(name)?).iter().map(|word| word.as_str().to_owned()).collect();
    words.first().is_some_and(|program| !program.is_empty()).then_some(words)
}

/// Creates a file with the text for an editor.
fn create_text_file(
    folder: &TempDir,
    prefix: &str,
    suffix: &str,
    text: &str,
) -> io::Result<NamedTempFile> {
    let mut file =
        tempfile::Builder::new().prefix(prefix).suffix(suffix).tempfile_in(folder.path())?;
    file.write_all(text.as_bytes())?;
    file.flush()?;
    Ok(file)
}

fn run_editor(editor: &[String], text: &str) -> io::Result<String> {
    let folder = create_private_folder()?;
    let file = create_text_file(&folder, "body-", ".json", text)?;
    check_status(build_command(editor)?.arg(file.path()).status()?)?;
    let edited = read_limited(file.path())?;
    // Editors add a final newline, which a body need not have.
    let is_ended = edited.ends_with('\n') && !text.ends_with('\n');
    Ok(if is_ended { edited.trim_end_matches(['\r', '\n']).to_owned() } else { edited })
}

fn run_read_only_editor(editor: &[String], text: &str, is_json: bool) -> io::Result<()> {
    let folder = create_private_folder()?;
    let suffix = if is_json { ".json" } else { ".txt" };
    let file = create_text_file(&folder, "response-", suffix, text)?;
    let mut permissions = file.as_file().metadata()?.permissions();
    permissions.set_readonly(true);
    file.as_file().set_permissions(permissions)?;
    check_status(build_command(editor)?.arg(file.path()).status()?)
}

/// Runs the first pager that exists.
fn run_first_pager(pagers: &[Vec<String>], text: &str) -> io::Result<()> {
    let mut missing = io::Error::from(io::ErrorKind::NotFound);
    for pager in pagers {
        match run_pager(pager, text) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => missing = error,
            shown => return shown,
        }
    }
    Err(missing)
}

fn run_pager(pager: &[String], text: &str) -> io::Result<()> {
    let mut child = build_command(pager)?.stdin(Stdio::piped()).spawn()?;
    let written = match child.stdin.take() {
        Some(mut input) => input.write_all(text.as_bytes()),
        None => Ok(()),
    };
    let status = child.wait()?;
    match written {
        // The user has closed the pager before its end.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => check_status(status),
    }
}

fn build_command(words: &[String]) -> io::Result<Command> {
    let (program, arguments) = words.split_first().ok_or(io::ErrorKind::NotFound)?;
    let mut command = Command::new(program);
    command.args(arguments);
    Ok(command)
}

fn check_status(status: ExitStatus) -> io::Result<()> {
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("exited with {status}"))) }
}

/// Creates a folder for the files of the editor: in memory where the system has such a place for this
/// user, else among the temporary files.
fn create_private_folder() -> io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("tokenring-");
    let runtime =
        directories::BaseDirs::new().and_then(|dirs| Some(dirs.runtime_dir()?.to_owned()));
    match runtime.map(|folder| builder.tempdir_in(folder)) {
        Some(Ok(folder)) => Ok(folder),
        Some(Err(_)) | None => builder.tempdir(),
    }
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
        assert_eq!(words("'/opt/my editor/ed' -w \"a b\"", ""), "/opt/my editor/ed|-w|a b");
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

    #[test]
    fn the_pager_is_the_users_choice() {
        let pagers = |own: &str| pager_commands(|name| (name == "PAGER").then(|| own.to_owned()));
        assert_eq!(pagers("less -R '+/a b'"), [["less", "-R", "+/a b"]]);
        assert_eq!(pagers(" "), DEFAULT_PAGERS.map(|pager| vec![pager.to_owned()]));
    }

    #[cfg(unix)]
    #[test]
    fn a_pager_reads_the_text_and_may_end_early() {
        let home = tempfile::tempdir().unwrap();
        let seen = home.path().join("seen");
        let shell = |script: &str| ["sh", "-c", script].map(str::to_owned).to_vec();
        let text = "a\n".repeat(1 << 20);
        let missing = vec!["no-such-pager".to_owned()];
        let copy = shell(&format!("cat > '{}'", seen.display()));
        run_first_pager(&[missing.clone(), copy], &text).unwrap();
        assert!(std::fs::read_to_string(&seen).unwrap() == text);
        run_first_pager(&[shell("head -c 1 > /dev/null")], &text).unwrap();
        assert!(run_first_pager(&[shell("exit 3")], "").is_err());
        assert!(run_first_pager(&[missing], "").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_response_is_read_only_in_the_editor_and_gone_afterwards() {
        let home = tempfile::tempdir().unwrap();
        let seen = home.path().join("seen");
        let script = format!("stat -c '%a %n' \"$0\" > '{0}'; cat \"$0\" >> '{0}'", seen.display());
        let editor = ["sh", "-c", &script].map(str::to_owned);
        run_read_only_editor(&editor, "text", true).unwrap();
        let seen = std::fs::read_to_string(seen).unwrap();
        let (line, text) = seen.split_once('\n').unwrap();
        let (mode, path) = line.split_once(' ').unwrap();
        assert_eq!((mode, text), ("400", "text"));
        let extension = Path::new(path).extension().and_then(|extension| extension.to_str());
        assert_eq!(extension, Some("json"));
        assert!(!Path::new(path).parent().unwrap().exists());
    }
}
