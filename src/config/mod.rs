//! Settings and paths: defaults ← file ← environment ← flags.

pub mod paths;

pub use paths::Paths;
