//! Scan targets: which files a scan reads.
//!
//! Files that `.gitignore` names are included, because that is where users put files that must not
//! be committed. Only ignored folders of generated or downloaded files are skipped, except for the
//! files in them that usually hold secrets. Start with `default_targets` and `targets_for_paths`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use ignore::{DirEntry, WalkBuilder};

use super::UnreadableFile;
use crate::domain::problem::{Problem, ProblemClass};

/// Files in the home folder in which secrets are left behind, relative to it.
const HOME_SECRET_FILES: [&str; 42] = [
    ".config/configstore/snyk.json",
    ".probely/config",
    ".config/@appcircle/cli-nodejs/config.json",
    "Library/Preferences/@appcircle/cli-nodejs/config.json",
    ".npmrc",
    ".yarnrc.yml",
    ".netrc",
    "_netrc",
    ".pypirc",
    ".git-credentials",
    ".gitconfig",
    ".config/git/credentials",
    ".config/gh/hosts.yml",
    ".config/glab-cli/config.yml",
    ".docker/config.json",
    ".kube/config",
    ".m2/settings.xml",
    ".gradle/gradle.properties",
    ".cargo/credentials.toml",
    ".profile",
    ".bashrc",
    ".bash_profile",
    ".bash_aliases",
    ".zshrc",
    ".zshenv",
    ".zprofile",
    ".config/fish/config.fish",
    ".config/fish/fish_variables",
    ".bash_history",
    ".zsh_history",
    ".histfile",
    ".local/share/fish/fish_history",
    ".local/share/powershell/PSReadLine/ConsoleHost_history.txt",
    "AppData/Roaming/Microsoft/Windows/PowerShell/PSReadLine/ConsoleHost_history.txt",
    ".config/Code/User/settings.json",
    ".config/Code/User/mcp.json",
    ".config/VSCodium/User/settings.json",
    "Library/Application Support/Code/User/settings.json",
    "AppData/Roaming/Code/User/settings.json",
    ".vscode/settings.json",
    ".config/zed/settings.json",
    ".config/environment.d",
];

/// Prefixes of the names of files with secrets.
const SECRET_FILE_PREFIXES: [&str; 8] = [
    ".env",
    "docker-compose",
    "compose.",
    "credentials",
    "secrets",
    "values",
    "appsettings",
    "terraform.tfstate",
];

/// Suffixes of their names.
const SECRET_FILE_SUFFIXES: [&str; 5] = [".env", ".tfvars", ".pem", ".key", "_history"];

/// Whole names of files with secrets.
const SECRET_FILE_NAMES: [&str; 17] = [
    ".npmrc",
    ".yarnrc.yml",
    ".netrc",
    "_netrc",
    ".pypirc",
    ".git-credentials",
    ".gitlab-ci.yml",
    "azure-pipelines.yml",
    "bitbucket-pipelines.yml",
    "Jenkinsfile",
    "snyk.json",
    "mcp.json",
    "settings.json",
    "local.settings.json",
    "settings.xml",
    "gradle.properties",
    "launch.json",
];

/// Folders in which any file may hold a secret.
const SECRET_FOLDERS: [&str; 4] = [".github/workflows", ".circleci", ".probely", ".docker"];

/// Folders of generated or downloaded files, which are large and not written by the user.
const BUILD_OUTPUT_FOLDERS: [&str; 16] = [
    "node_modules",
    "target",
    "build",
    "dist",
    "out",
    "obj",
    "vendor",
    "Pods",
    "DerivedData",
    "venv",
    ".venv",
    ".tox",
    ".gradle",
    ".next",
    "__pycache__",
    "coverage",
];

/// Maximum size of a file in a folder. A file of the user's own is much smaller; an image of a disk
/// would take the scan for itself.
const MAX_FILE_BYTES: u64 = 1 << 30;

/// File to scan.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ScanTarget {
    /// The file itself.
    pub path: PathBuf,
    /// Symbolic links that lead to it.
    pub links: Vec<PathBuf>,
}

impl ScanTarget {
    /// Creates a target without links.
    pub(super) const fn new(path: PathBuf) -> Self {
        Self { path, links: Vec::new() }
    }
}

/// Files, each listed once, however many paths lead to it.
struct FileSet<'s> {
    canceled: &'s AtomicBool,
    files: BTreeMap<PathBuf, BTreeSet<PathBuf>>,
    unreadable: BTreeMap<PathBuf, String>,
}

/// Returns the usual locations of this user, and the folder in which the process was started.
pub(super) fn default_targets(canceled: &AtomicBool) -> (Vec<ScanTarget>, Vec<UnreadableFile>) {
    let mut found = FileSet::new(canceled);
    let home = directories::BaseDirs::new().map(|dirs| dirs.home_dir().to_owned());
    let here = std::env::current_dir().ok();
    if let Some(home) = &home {
        found.add_home_files(home);
    }
    for path in crate::engine::snyk_cli_locations().into_iter().filter(|path| path.exists()) {
        found.add_file(&path, MAX_FILE_BYTES);
    }
    // A scan without paths must not cover a whole home folder or machine.
    if let Some(here) = here.filter(|here| home.as_ref() != Some(here) && here.parent().is_some()) {
        found.add_folder(&here);
    }
    found.finish()
}

/// Returns these files, and all files in these folders. A path that does not exist is an error.
pub(super) fn targets_for_paths(
    paths: &[PathBuf],
    canceled: &AtomicBool,
) -> Result<(Vec<ScanTarget>, Vec<UnreadableFile>), Problem> {
    let mut found = FileSet::new(canceled);
    for path in paths {
        let path = std::path::absolute(path).map_err(|error| cannot_scan(path, &error))?;
        let seen = std::fs::metadata(&path).map_err(|error| cannot_scan(&path, &error))?;
        if seen.is_dir() { found.add_folder(&path) } else { found.add_file(&path, u64::MAX) }
    }
    Ok(found.finish())
}

impl<'s> FileSet<'s> {
    fn new(canceled: &'s AtomicBool) -> Self {
        Self { canceled, files: BTreeMap::new(), unreadable: BTreeMap::new() }
    }

    fn add_home_files(&mut self, home: &Path) {
        for path in
            HOME_SECRET_FILES.iter().map(|name| home.join(name)).filter(|path| path.exists())
        {
            if path.is_dir() {
                self.add_folder(&path);
            } else {
                self.add_file(&path, MAX_FILE_BYTES);
            }
        }
        for entry in std::fs::read_dir(home).into_iter().flatten().flatten() {
            let path = entry.path();
            if may_hold_secrets(&path) && path.is_file() {
                self.add_file(&path, MAX_FILE_BYTES);
            }
        }
    }

    /// Adds every file below `root`, except ignored output without secrets.
    fn add_folder(&mut self, root: &Path) {
        let mut filtered = WalkBuilder::new(root);
        filtered
            .hidden(false)
            .require_git(false)
            .follow_links(false)
            .filter_entry(|entry| !is_git_folder(entry));
        let mut all = WalkBuilder::new(root);
        all.standard_filters(false)
            .follow_links(false)
            .filter_entry(|entry| !is_git_objects_folder(entry));
        let canceled = self.canceled;
        let not_canceled = |_: &Result<DirEntry, ignore::Error>| !canceled.load(Ordering::Relaxed);
        for entry in filtered.build().take_while(not_canceled) {
            self.add_entry(entry, |_| true);
        }
        for entry in all.build().take_while(not_canceled) {
            self.add_entry(entry, |path| {
                !is_build_output(path.strip_prefix(root).unwrap_or(path)) || may_hold_secrets(path)
            });
        }
    }

    fn add_entry(
        &mut self,
        entry: Result<DirEntry, ignore::Error>,
        is_wanted: impl Fn(&Path) -> bool,
    ) {
        match entry {
            Ok(entry)
                if entry.file_type().is_some_and(|file_type| !file_type.is_dir())
                    && is_wanted(entry.path()) =>
            {
                self.add_file(entry.path(), MAX_FILE_BYTES);
            }
            Ok(_) => {}
            Err(error) => self.record_unreadable(&error),
        }
    }

    /// Adds the file that the path leads to, if it is a regular file: a pipe would block, a device
    /// would never end. A file of more than `max_bytes` is named as skipped.
    fn add_file(&mut self, path: &Path, max_bytes: u64) {
        match std::fs::canonicalize(path).and_then(|real| Ok((std::fs::metadata(&real)?, real))) {
            Ok((seen, real)) if seen.is_file() && seen.len() > max_bytes => {
                let why = "it is larger than 1 GiB; name the file to scan it".to_owned();
                self.unreadable.insert(real, why);
            }
            Ok((seen, real)) if seen.is_file() => {
                let is_link = std::fs::symlink_metadata(path).is_ok_and(|seen| seen.is_symlink());
                self.files.entry(real).or_default().extend(is_link.then(|| path.to_owned()));
            }
            Ok(_) => {}
            // A link without a target holds nothing.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                self.unreadable.insert(path.to_owned(), error.to_string());
            }
        }
    }

    fn record_unreadable(&mut self, error: &ignore::Error) {
        if let ignore::Error::WithPath { path, err } = error {
            self.unreadable.insert(path.clone(), err.to_string());
        } else if let ignore::Error::WithDepth { err, .. } = error {
            self.record_unreadable(err);
        }
    }

    fn finish(self) -> (Vec<ScanTarget>, Vec<UnreadableFile>) {
        let places = self
            .files
            .into_iter()
            .map(|(path, links)| ScanTarget { path, links: links.into_iter().collect() });
        let unreadable =
            self.unreadable.into_iter().map(|(path, why)| UnreadableFile { path, why });
        (places.collect(), unreadable.collect())
    }
}

/// Returns whether files of this name usually hold secrets.
fn may_hold_secrets(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let folder = path.parent().unwrap_or(Path::new("")).to_string_lossy().replace('\\', "/");
    SECRET_FILE_PREFIXES.iter().any(|beginning| name.starts_with(beginning))
        || SECRET_FILE_SUFFIXES.iter().any(|ending| name.ends_with(ending))
        || SECRET_FILE_NAMES.contains(&&*name)
        || SECRET_FOLDERS.iter().any(|known| folder.ends_with(known))
        || name == "config" && path.parent().is_some_and(|folder| folder.ends_with(".git"))
}

fn is_build_output(path: &Path) -> bool {
    let mut folders = path.parent().into_iter().flat_map(Path::components);
    folders.any(|folder| {
        BUILD_OUTPUT_FOLDERS.iter().any(|name| folder.as_os_str() == *name)
            || folder.as_os_str() == ".git"
    })
}

fn is_git_folder(entry: &DirEntry) -> bool {
    entry.file_name() == ".git" && entry.file_type().is_some_and(|file_type| file_type.is_dir())
}

fn is_git_objects_folder(entry: &DirEntry) -> bool {
    entry.file_name() == "objects"
        && entry.path().parent().and_then(Path::file_name).is_some_and(|parent| parent == ".git")
}

fn cannot_scan(path: &Path, error: &std::io::Error) -> Problem {
    let what = format!("{} cannot be scanned", path.display());
    Problem::new(what, error.to_string(), "name an existing file or folder that you may read")
        .with_class(ProblemClass::NotFound)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn ignored_output_is_spared_and_nothing_else_that_is_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        let write = |path: &str, text: &str| {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write(".gitignore", "build/\n.env*\n*.log\nprivate/\n");
        for path in [
            "src/main.rs",
            ".env.local",
            "app/build/.npmrc",
            "app/build/out.js",
            "a.log",
            "private/notes.yml",
            "doc/out/kept.md",
            ".git/config",
            ".git/HEAD",
            ".git/objects/aa/credentials",
        ] {
            write(path, "x");
        }
        let (places, unreadable) =
            targets_for_paths(std::slice::from_ref(&root), &AtomicBool::new(false)).unwrap();
        let found: Vec<_> = places
            .iter()
            .map(|place| place.path.strip_prefix(&root).unwrap().to_str().unwrap())
            .collect();
        assert_eq!(
            found,
            [
                ".env.local",
                ".git/config",
                ".gitignore",
                "a.log",
                "app/build/.npmrc",
                "doc/out/kept.md",
                "private/notes.yml",
                "src/main.rs"
            ]
        );
        assert_eq!(unreadable, []);
        assert_eq!(
            targets_for_paths(&[root.join("app/build/out.js")], &AtomicBool::new(false))
                .unwrap()
                .0
                .len(),
            1,
            "named files are scanned"
        );
        assert!(targets_for_paths(&[root.join("nowhere")], &AtomicBool::new(false)).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_file_is_looked_at_once_and_links_to_it_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        fs::write(root.join("real"), "x").unwrap();
        for (link, goal) in [("link", "real"), ("loop", "loop"), ("gone", "nowhere")] {
            std::os::unix::fs::symlink(root.join(goal), root.join(link)).unwrap();
        }
        let (places, _) =
            targets_for_paths(std::slice::from_ref(&root), &AtomicBool::new(false)).unwrap();
        assert_eq!(
            places,
            [ScanTarget { path: root.join("real"), links: vec![root.join("link")] }]
        );
    }
}
