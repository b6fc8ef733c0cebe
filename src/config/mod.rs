//! Settings, keys and paths: defaults ← file ← environment ← flags.

pub mod key;
pub mod paths;
pub mod theme;

pub use key::Key;
pub use paths::Paths;
pub use theme::{Depth, Glyphs, Role, Style, Theme};
