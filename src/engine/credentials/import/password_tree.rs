//! Trees of `pass` and `gopass`: folders of encrypted files, read through the installed program.
//!
//! Nothing is decrypted here: the entries are listed from the folder, and the program prints each
//! of them to a pipe. Names of entries are arguments, secrets never are. Start at [`read_tree`].

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use zeroize::Zeroizing;

use super::password_managers::PasswordItem;
use super::record_resolution::mask_secrets;
use super::records::ImportRecord;
use crate::domain::text::sanitize_line;
use crate::domain::{Problem, problem::ProblemClass};

/// Program that reads a tree of encrypted files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordProgram {
    /// `pass`, the standard Unix password manager.
    Pass,
    /// `gopass`.
    Gopass,
}

/// Variable with the folder of the tree, which both programs read.
const FOLDER_VARIABLE: &str = "PASSWORD_STORE_DIR";

/// Endings of encrypted files: with GPG, and with age in trees of gopass.
const ENCRYPTED_EXTENSIONS: [&str; 2] = ["gpg", "age"];

impl PasswordProgram {
    const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Gopass => "gopass",
        }
    }

    /// Returns the arguments that print an entry. `gopass` shows the whole entry as it is, also
    /// where its settings hide it.
    const fn show_arguments(self) -> &'static [&'static str] {
        match self {
            Self::Pass => &["show", "--"],
            Self::Gopass => &["show", "--force", "--"],
        }
    }

    fn command(self, folder: Option<&Path>) -> Command {
        let mut command = Command::new(self.name());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(folder) = folder {
            command.env(FOLDER_VARIABLE, folder);
        }
        command
    }
}

/// Reads all entries of a tree; without a folder, of the user's own tree. `on_entry` is called with
/// the number of entries that were read and of all.
pub(super) fn read_tree(
    program: PasswordProgram,
    folder: Option<&Path>,
    on_entry: impl Fn(usize, usize),
) -> Result<Vec<ImportRecord>, Problem> {
    let names = list_entries(program, folder)?;
    let mut records = Vec::new();
    for (number, name) in names.iter().enumerate() {
        records.extend(read_entry(program, folder, name)?.into_records(number));
        on_entry(number + 1, names.len());
    }
    Ok(records)
}

/// Returns whether a folder is a tree of encrypted files.
pub(super) fn is_tree(folder: &Path) -> bool {
    [".gpg-id", ".age-recipients"].iter().any(|file| folder.join(file).is_file())
}

/// Lists the entries by name. Without a folder, gopass is asked, because it can mount several
/// trees; pass has one at a known place.
fn list_entries(program: PasswordProgram, folder: Option<&Path>) -> Result<Vec<String>, Problem> {
    if let (PasswordProgram::Gopass, None) = (program, folder) {
        let listed = run(program, program.command(None).args(["ls", "--flat"]))?;
        let text = listed.map_err(|why| unreadable_tree(&why))?;
        return Ok(text
            .lines()
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect());
    }
    let folder = match folder {
        Some(folder) => folder.to_owned(),
        None => default_folder().ok_or_else(|| unreadable_tree("there is no home folder"))?,
    };
    let mut names = Vec::new();
    collect_entries(&folder, &folder, &mut names)
        .map_err(|error| unreadable_tree(&format!("{}: {error}", folder.display())))?;
    names.sort();
    Ok(names)
}

fn default_folder() -> Option<PathBuf> {
    let chosen = std::env::var_os(FOLDER_VARIABLE).map(PathBuf::from);
    chosen.or_else(|| Some(directories::BaseDirs::new()?.home_dir().join(".password-store")))
}

fn collect_entries(root: &Path, folder: &Path, names: &mut Vec<String>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let (path, kind) = entry.and_then(|entry| Ok((entry.path(), entry.file_type()?)))?;
        let is_hidden =
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        let is_encrypted = path
            .extension()
            .is_some_and(|known| ENCRYPTED_EXTENSIONS.iter().any(|extension| known == *extension));
        if is_hidden {
            continue;
        }
        if kind.is_dir() {
            collect_entries(root, &path, names)?;
        } else if is_encrypted && let Ok(name) = path.with_extension("").strip_prefix(root) {
            names.push(name.to_string_lossy().into_owned());
        }
    }
    Ok(())
}

/// Reads one entry: the secret in the first line, and lines `name: value` below it.
fn read_entry(
    program: PasswordProgram,
    folder: Option<&Path>,
    name: &str,
) -> Result<PasswordItem, Problem> {
    let mut command = program.command(folder);
    let shown = run(program, command.args(program.show_arguments()).arg(name))?;
    let mut item = PasswordItem {
        location: sanitize_line(name),
        title: Some(name.to_owned()),
        ..PasswordItem::default()
    };
    match shown {
        Err(why) => item.rejection = Some(format!("{} cannot read it: {why}", program.name())),
        Ok(text) => add_lines(&mut item, &text),
    }
    Ok(item)
}

fn add_lines(item: &mut PasswordItem, text: &str) {
    let mut lines = text.lines();
    if let Some(first) = lines.next() {
        // An entry that only has a private key or a pair has no bare first line.
        let (label, value) = first.split_once(": ").unwrap_or(("", first));
        item.push("line 1", label, value);
    }
    for (number, line) in lines.enumerate() {
        let Some((label, value)) = line.split_once(':') else { continue };
        if matches!(label.trim().to_lowercase().as_str(), "url" | "endpoint" | "hostname" | "host")
        {
            item.addresses.push(value.trim().to_owned());
        } else {
            item.push(format!("line {}", number + 2), label, value);
        }
    }
}

/// Runs the program. The outer problem is that it is not installed; the inner text is the last
/// line of its errors.
fn run(
    program: PasswordProgram,
    command: &mut Command,
) -> Result<Result<Zeroizing<String>, String>, Problem> {
    let done = command.output().map_err(|error| start_problem(program, &error))?;
    let output = Zeroizing::new(done.stdout);
    if !done.status.success() {
        let errors = String::from_utf8_lossy(&done.stderr);
        let last = errors.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it failed");
        return Ok(Err(shown_error(last)));
    }
    let text = std::str::from_utf8(&output).map(|text| Zeroizing::new(text.to_owned()));
    Ok(text.map_err(|_| "it is not text".to_owned()))
}

fn start_problem(program: PasswordProgram, error: &std::io::Error) -> Problem {
    let name = program.name();
    let why = match error.kind() {
        std::io::ErrorKind::NotFound => format!("{name} is not installed"),
        _ => error.to_string(),
    };
    let remedy = format!("install {name}, or export the tree with it to a file");
    Problem::new(format!("{name} cannot be run"), why, remedy).with_class(ProblemClass::Usage)
}

/// Returns a line that the program has printed, without what may be a secret.
fn shown_error(line: &str) -> String {
    mask_secrets(&sanitize_line(line))
}

fn unreadable_tree(why: &str) -> Problem {
    Problem::new("The password tree cannot be read", why, "name its folder")
        .with_class(ProblemClass::Usage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_gives_its_first_line_its_pairs_and_its_address() {
        let mut item = PasswordItem::default();
        add_lines(
            &mut item,
            "0123456789abcdef0123\nOrg ID: acme\nurl: https://api.eu.snyk.io\nfree text\nSNYK_TOKEN: fedcba9876543210fedc\n",
        );
        let values: Vec<_> = item
            .values
            .iter()
            .map(|value| format!("{} {} {}", value.place, value.label, value.text.len()))
            .collect();
        assert_eq!(values, ["line 1  20", "line 2 Org ID 4", "line 5 SNYK_TOKEN 20"]);
        assert_eq!(item.addresses, ["https://api.eu.snyk.io"]);
    }

    #[test]
    fn entries_are_the_encrypted_files_of_all_folders_but_hidden_ones() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.gpg", "work/ci/b.gpg", "work/c.age", ".git/d.gpg", "readme.txt", ".gpg-id"]
        {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        assert!(is_tree(folder.path()) && !is_tree(&folder.path().join("work")));
        let names = list_entries(PasswordProgram::Pass, Some(folder.path())).unwrap();
        assert_eq!(names, ["a", "work/c", "work/ci/b"]);
    }

    #[test]
    fn a_missing_program_is_named_and_its_errors_show_no_secret() {
        let missing = std::io::Error::from(std::io::ErrorKind::NotFound);
        let problem = start_problem(PasswordProgram::Pass, &missing);
        assert_eq!(problem.why, "pass is not installed");
        let shown = shown_error("gopass: bad line 00000001-1234-4234-8234-123456789abc");
        assert!(shown.starts_with("gopass: bad line ") && !shown.contains("00000001"), "{shown}");
    }
}
