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
pub use key::Key;
pub use layout::{Layout, Memory};
pub use lenient::Reading;
pub use paths::{Paths, THEMES};
pub use providers::providers;
pub use requests::Requests;
pub use settings::{Chooser, ClipboardChoice, GlyphChoice, NetSettings, Settings, StoreChoice};
pub use theme::{Background, Color, Depth, Glyphs, Role, Style, Theme};
pub use written::{choose_store, choose_theme};
