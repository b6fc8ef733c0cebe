//! Settings while the screen runs: their source, how they are read again, and the file watcher.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use super::app::{RestartTarget, SettingsChange};
#[cfg(target_os = "linux")]
use crate::config::THEMES_FOLDER;
use crate::config::{Settings, SettingsReport};
use crate::domain::Problem;

/// Function that reads the settings again, with everything that overrides the file.
pub type ReloadFn = Arc<dyn Fn() -> Result<SettingsReport, Problem> + Send + Sync>;

/// Source of the settings.
#[derive(Clone, Default)]
pub struct SettingsSource {
    /// Settings read at the start.
    pub report: SettingsReport,
    /// Function that reads them again; `None` where they never change.
    pub reload: Option<ReloadFn>,
    /// Settings file, where there is one to read and write.
    pub file: Option<PathBuf>,
    /// Target of a restart that the user has requested.
    pub restart_target: Arc<OnceLock<RestartTarget>>,
}

impl SettingsSource {
    /// Returns the folder of the settings file.
    pub(super) fn directory(&self) -> Option<&std::path::Path> {
        self.file.as_deref().and_then(std::path::Path::parent)
    }

    /// Sets the target of the restart. Only the first call has an effect.
    pub(super) fn set_restart_target(&self, target: RestartTarget) {
        let _ = self.restart_target.set(target);
    }
}

/// Compares two readings of the settings and returns what changes for the screen.
pub(super) fn settings_change(before: &Settings, now: &SettingsReport) -> SettingsChange {
    SettingsChange {
        problems: now.problems.clone(),
        restart_required: before.changes_after_restart(&now.settings),
    }
}

/// Watcher that reports when a settings file is written, moved into place or removed. It sleeps in
/// the meantime.
#[cfg(target_os = "linux")]
pub(super) struct ConfigWatcher(std::os::fd::OwnedFd);

#[cfg(target_os = "linux")]
impl ConfigWatcher {
    /// Starts to watch a folder, if it exists, and the themes in it, if there are any.
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

    /// Returns the file descriptor to poll.
    pub(super) fn handle(&self) -> &std::os::fd::OwnedFd {
        &self.0
    }

    /// Returns whether a settings file has changed since the last call.
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

/// Watcher for other systems, which watches nothing: the settings are read when the window gets the
/// focus.
#[cfg(all(unix, not(target_os = "linux")))]
pub(super) struct ConfigWatcher(std::os::fd::OwnedFd);

#[cfg(all(unix, not(target_os = "linux")))]
impl ConfigWatcher {
    /// Watches nothing.
    pub(super) fn watch(_folder: &std::path::Path) -> Option<Self> {
        None
    }

    /// Returns the file descriptor to poll.
    pub(super) fn handle(&self) -> &std::os::fd::OwnedFd {
        &self.0
    }

    /// Returns `false`: changes are not detected.
    #[expect(clippy::unused_self, reason = "the same shape as on Linux")]
    pub(super) fn has_changed(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::NetSettings;
    use crate::domain::StoreKind;

    #[test]
    fn what_waits_for_the_next_start_is_named() {
        let before = Settings::default();
        let after = Settings {
            store: Some(StoreKind::File),
            theme: "light".to_owned(),
            net: NetSettings { concurrency: 4, ..NetSettings::default() },
            ..Settings::default()
        };
        let found =
            settings_change(&before, &SettingsReport { settings: after, problems: Vec::new() });
        assert_eq!(found.restart_required, ["store", "net.concurrency"]);
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
        assert!(!folder.has_changed(), "a change is reported once");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_user_theme_that_is_written_is_noticed() {
        let home = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(home.path().join(THEMES_FOLDER)).expect("a folder");
        let folder = ConfigWatcher::watch(home.path()).expect("a watch");
        std::fs::write(home.path().join(THEMES_FOLDER).join("mine.toml"), "[colors]")
            .expect("a file");
        assert!(folder.has_changed());
    }
}
