//! Placeholder prose: this room is being furnished.
