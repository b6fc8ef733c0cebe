//! How a person has arranged the panes: shares of the screen in thousandths, remembered from one run to the next.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::file::read_text;

/// The largest file that is read.
const MAX_LAYOUT_BYTES: u64 = 4 * 1024;

/// The shares of the panes. What nobody has moved is left to the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PaneLayout {
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
pub enum LayoutStore {
    /// In this file.
    File(PathBuf),
    /// Nowhere: nothing of this run is to be left behind.
    Disabled,
}

impl LayoutStore {
    /// The layout of the last run. One that cannot be read is no reason not to start: it is the usual one then.
    pub fn load(&self) -> PaneLayout {
        match self {
            Self::File(path) => PaneLayout::read(path),
            Self::Disabled => PaneLayout::default(),
        }
    }

    /// Keeps a layout for the next run. It may be lost, so a failure is written to the log only.
    pub fn save(&self, layout: PaneLayout) {
        let Self::File(path) = self else { return };
        let kept = toml::to_string(&layout).map(|text| super::write_private(path, &text));
        if !matches!(kept, Ok(Ok(()))) {
            tracing::warn!(path = %path.display(), "the layout was not kept");
        }
    }
}

impl PaneLayout {
    fn read(path: &Path) -> Self {
        read_text(path, MAX_LAYOUT_BYTES)
            .ok()
            .and_then(|text| toml::from_str(&text).ok())
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_is_found_again_and_a_broken_one_is_the_usual_one() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("state/layout.toml");
        let memory = LayoutStore::File(path.clone());
        assert_eq!(memory.load(), PaneLayout::default());
        let layout = PaneLayout { list: Some(300), stack: Some(700), ..PaneLayout::default() };
        memory.save(layout);
        assert_eq!(memory.load(), layout);
        std::fs::write(&path, "list = \"wide\"").unwrap();
        assert_eq!(memory.load(), PaneLayout::default());
        LayoutStore::Disabled.save(layout);
        assert_eq!(LayoutStore::Disabled.load(), PaneLayout::default());
    }
}
