//! Settings, keys and paths: defaults ← file ← environment ← flags.

pub mod key;
pub mod paths;

pub use key::Key;
pub use paths::Paths;
