//! Pane layout: how the user has moved the pane borders, stored from one run to the next.
//!
//! Sizes are shares of the screen in thousandths. Start reading at [`PaneLayout`]; [`LayoutStore`]
//! reads and writes it. Computing rectangles from the shares belongs to `tui`.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::file::read_text;

/// Size limit of a layout file; a larger file is not read.
const MAX_LAYOUT_BYTES: u64 = 4 * 1024;

/// Shares of the panes in thousandths. The program chooses the shares that are `None`, which the
/// user has not moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PaneLayout {
    /// Width of the credential list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub list: Option<u16>,
    /// Height of the credential list above the regions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regions: Option<u16>,
    /// Height of the detail pane above the panes below it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<u16>,
    /// Width of the middle column on a wide screen, as a share of the width that the list leaves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub middle: Option<u16>,
    /// Height of the credential list on a narrow screen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stack: Option<u16>,
}

/// Place where the layout is stored, if at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LayoutStore {
    /// The layout is stored in this file.
    File(PathBuf),
    /// The layout is not stored, because this run must leave no traces.
    Disabled,
}

impl LayoutStore {
    /// Returns the layout of the previous run. A layout that cannot be read must not prevent the
    /// start, so the default layout replaces it.
    pub fn load(&self) -> PaneLayout {
        match self {
            Self::File(path) => PaneLayout::read(path),
            Self::Disabled => PaneLayout::default(),
        }
    }

    /// Stores a layout for the next run. A lost layout does no harm, so a failure is only logged.
    pub fn save(&self, layout: PaneLayout) {
        let Self::File(path) = self else { return };
        let result = toml::to_string(&layout).map(|text| super::write_private(path, &text));
        if !matches!(result, Ok(Ok(()))) {
            tracing::warn!(path = %path.display(), "the layout was not saved");
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
