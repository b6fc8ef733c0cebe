//! Building blocks below every other layer: private files, JSON scanning, shell words, hexadecimal.
//!
//! Nothing here knows credentials, providers or settings, and no function words a problem for the
//! user: callers do. [`private_files`] is the only module of this layer that reads and writes files.

pub mod hex;
pub mod json_scan;
pub mod private_files;
pub mod shell_words;
