//! Settings, key notation, themes, layout and paths, merged in the order defaults ← file ←
//! environment ← flags.
//!
//! Start reading at [`Settings::load`]; [`AppPaths`] says where the files are, and [`schema`]
//! describes every setting. Command line flags are applied by `cli`. Credentials and secrets do not
//! belong here.

mod file;
pub mod key;
pub mod layout;
pub mod paths;
mod providers;
mod report;
mod saved_requests;
pub mod schema;
mod settings;
pub mod theme;

pub use crate::config::file::{save_store_choice, save_theme_choice};
pub use file::write_private;
pub use key::KeyPress;
pub use layout::{LayoutStore, PaneLayout};
pub use paths::{AppPaths, THEMES_FOLDER};
pub use providers::read_provider_files;
pub use report::SettingsReport;
pub use saved_requests::SavedRequestStore;
pub use settings::{ClipboardChoice, GlyphMode, NetSettings, Settings, StoreChoiceSource};
pub use theme::{
    ColorDepth, GlyphSet, StyleRole, TerminalBackground, TextStyle, Theme, ThemeColor,
};
