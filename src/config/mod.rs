//! Settings, keys, looks and paths: defaults ← file ← environment ← flags.

mod file;
pub mod key;
pub mod layout;
mod lenient;
pub mod paths;
mod providers;
mod requests;
pub mod schema;
mod settings;
pub mod theme;
mod written;

pub use file::write_private;
pub use key::KeyPress;
pub use layout::{LayoutStore, PaneLayout};
pub use lenient::SettingsReport;
pub use paths::{AppPaths, THEMES_FOLDER};
pub use providers::read_provider_files;
pub use requests::SavedRequestStore;
pub use settings::{ClipboardChoice, GlyphMode, NetSettings, Settings, StoreChoice, StoreChoiceSource};
pub use theme::{ColorDepth, GlyphSet, StyleRole, TerminalBackground, TextStyle, Theme, ThemeColor};
pub use written::{save_store_choice, save_theme_choice};
