//! The settings while the screen runs: what they are, how they are read again, and when.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use super::app::{RestartTarget, SettingsChange};
#[cfg(target_os = "linux")]
use crate::config::THEMES_FOLDER;
use crate::config::{Settings, SettingsReport};
use crate::domain::Problem;

/// Reads the settings again, with everything that goes over the file.
pub type ReloadFn = Arc<dyn Fn() -> Result<SettingsReport, Problem> + Send + Sync>;

/// How the person wants the program to be.
#[derive(Clone, Default)]
pub struct SettingsSource {
    /// What was read at the start.
    pub report: SettingsReport,
    /// How it is read again; nothing where it never is.
    pub reload: Option<ReloadFn>,
    /// The file of the settings, where there is one to be read and written.
    pub file: Option<PathBuf>,
    /// How the program is to start again, once the person has left for that.
    pub restart_target: Arc<OnceLock<RestartTarget>>,
}

impl SettingsSource {
    /// The folder in which the settings lie.
    pub(super) fn directory(&self) -> Option<&std::path::Path> {
        self.file.as_deref().and_then(std::path::Path::parent)
    }

    /// The person leaves for this. Nobody leaves twice.
    pub(super) fn set_restart_target(&self, onward: RestartTarget) {
        let _ = self.restart_target.set(onward);
    }
}

/// What changes for the screen from one reading to the next.
pub(super) fn settings_change(before: &Settings, now: &SettingsReport) -> SettingsChange {
    let after = &now.settings;
    let later = [
        ("store", before.store != after.store),
        (
            "clipboard",
            (before.clipboard, before.clipboard_seconds)
                != (after.clipboard, after.clipboard_seconds),
        ),
        ("plain", before.plain != after.plain),
        ("net", before.net != after.net),
        ("readonly", before.readonly != after.readonly),
    ];
    let later = later.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect();
    SettingsChange { problems: now.problems.clone(), restart_required: later }
}

/// Tells when a file of the settings has been written, moved into place or removed. It sleeps in the meantime.
#[cfg(target_os = "linux")]
pub(super) struct ConfigWatcher(std::os::fd::OwnedFd);

#[cfg(target_os = "linux")]
impl ConfigWatcher {
    /// Watches a folder from now on, if it is there, and the themes in it, if there are any.
    pub(super) fn watch(folder: &std::path::Path) -> Option<Self> {
        use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};
        let watch = init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).ok()?;
        let flags = WatchFlags::CLOSE_WRITE
            | WatchFlags::MOVED_TO
            | WatchFlags::DELETE
            | WatchFlags::ONLYDIR;
        add_watch(&watch, folder, flags).ok()?;
        let _ = add_watch(&watch, folder.join(THEMES_FOLDER), flags);
        Some(Self(watch))
    }

    /// What can be waited for.
    pub(super) fn handle(&self) -> &std::os::fd::OwnedFd {
        &self.0
    }

    /// Whether a settings file is among what has happened since this was asked last.
    pub(super) fn has_changed(&self) -> bool {
        let mut buffer = [std::mem::MaybeUninit::uninit(); 4096];
        let mut events = rustix::fs::inotify::Reader::new(&self.0, &mut buffer);
        let mut changed = false;
        while let Ok(event) = events.next() {
            changed |= event.file_name().is_some_and(|name| name.to_bytes().ends_with(b".toml"));
        }
        changed
    }
}

/// Elsewhere, the settings are looked at when the window gets the focus.
#[cfg(all(unix, not(target_os = "linux")))]
pub(super) struct Folder(std::os::fd::OwnedFd);

#[cfg(all(unix, not(target_os = "linux")))]
impl ConfigWatcher {
    /// Watches nothing.
    pub(super) fn watch(_folder: &std::path::Path) -> Option<Self> {
        None
    }

    /// What can be waited for.
    pub(super) fn handle(&self) -> &std::os::fd::OwnedFd {
        &self.0
    }

    /// Nothing is known.
    #[expect(clippy::unused_self, reason = "the same shape as on Linux")]
    pub(super) fn has_changed(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::StoreChoice;

    #[test]
    fn what_waits_for_the_next_start_is_named() {
        let before = Settings::default();
        let after = Settings {
            store: Some(StoreChoice::File),
            theme: "light".to_owned(),
            ..Settings::default()
        };
        let found =
            settings_change(&before, &SettingsReport { settings: after, problems: Vec::new() });
        assert_eq!(found.restart_required, ["store"]);
        assert_eq!(settings_change(&before, &SettingsReport::default()), SettingsChange::default());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_settings_file_that_is_written_is_noticed_and_others_are_not() {
        let home = tempfile::tempdir().expect("a folder");
        let folder = ConfigWatcher::watch(home.path()).expect("a watch");
        std::fs::write(home.path().join("notes.txt"), "x").expect("a file");
        assert!(!folder.has_changed());
        crate::config::write_private(&home.path().join("config.toml"), "mouse = true")
            .expect("a file");
        assert!(folder.has_changed());
        assert!(!folder.has_changed(), "it is told once");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_theme_of_the_persons_own_that_is_written_is_noticed() {
        let home = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(home.path().join(THEMES_FOLDER)).expect("a folder");
        let folder = ConfigWatcher::watch(home.path()).expect("a watch");
        std::fs::write(home.path().join(THEMES_FOLDER).join("mine.toml"), "[colors]")
            .expect("a file");
        assert!(folder.has_changed());
    }
}
