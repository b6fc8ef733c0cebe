//! How a person has arranged the panes: shares of the screen in thousandths, remembered from one run to the next.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::file::read_text;

/// The largest file that is read.
const LIMIT: u64 = 4 * 1024;

/// The shares of the panes. What nobody has moved is left to the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Layout {
    /// The width of the list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub list: Option<u16>,
    /// The height of the list above the regions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regions: Option<u16>,
    /// The height of the detail above what is below it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<u16>,
    /// On a wide screen: the width of the middle column, of what the list leaves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub middle: Option<u16>,
    /// On a narrow screen: the height of the list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stack: Option<u16>,
}

/// Where the layout is kept, if anywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Memory {
    /// In this file.
    File(PathBuf),
    /// Nowhere: nothing of this run is to be left behind.
    Nowhere,
}

impl Memory {
    /// The layout of the last run. One that cannot be read is no reason not to start: it is the usual one then.
    pub fn recall(&self) -> Layout {
        match self {
            Self::File(path) => Layout::read(path),
            Self::Nowhere => Layout::default(),
        }
    }

    /// Keeps a layout for the next run. It may be lost, so a failure is written to the log only.
    pub fn keep(&self, layout: Layout) {
        let Self::File(path) = self else { return };
        let kept = toml::to_string(&layout).map(|text| super::write_private(path, &text));
        if !matches!(kept, Ok(Ok(()))) {
            tracing::warn!(path = %path.display(), "the layout was not kept");
        }
    }
}

impl Layout {
    fn read(path: &Path) -> Self {
        read_text(path, LIMIT).ok().and_then(|text| toml::from_str(&text).ok()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_is_found_again_and_a_broken_one_is_the_usual_one() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("state/layout.toml");
        let memory = Memory::File(path.clone());
        assert_eq!(memory.recall(), Layout::default());
        let layout = Layout { list: Some(300), stack: Some(700), ..Layout::default() };
        memory.keep(layout);
        assert_eq!(memory.recall(), layout);
        std::fs::write(&path, "list = \"wide\"").unwrap();
        assert_eq!(memory.recall(), Layout::default());
        Memory::Nowhere.keep(layout);
        assert_eq!(Memory::Nowhere.recall(), Layout::default());
    }
}
