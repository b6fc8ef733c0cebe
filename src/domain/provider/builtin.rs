//! The provider files that come with the program.

use super::lazy_list::LazyList;
use super::spec::Provider;

/// A file, in pieces. The build turns its TOML into JSON (`assets/build.rs`), since somebody waits for what is read
/// at a start.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct BuiltinProviderFile {
    /// The provider.
    pub(super) id: &'static str,
    head: &'static str,
    /// The kinds: id and text of each. A first frame needs one of them.
    kinds: &'static [(&'static str, &'static str)],
    /// The ready-made requests, likewise.
    presets: &'static [(&'static str, &'static str)],
}

macro_rules! file {
    ($id:literal) => {
        BuiltinProviderFile {
            id: $id,
            head: include_str!(concat!(env!("OUT_DIR"), "/providers/", $id, ".json")),
            kinds: include!(concat!(env!("OUT_DIR"), "/providers/", $id, ".kinds.rs")),
            presets: include!(concat!(env!("OUT_DIR"), "/providers/", $id, ".presets.rs")),
        }
    };
}

/// In the order in which they are listed everywhere.
pub(super) const BUILTIN_FILES: [BuiltinProviderFile; 4] =
    [file!("snyk"), file!("snyk-apps"), file!("snyk-api-web"), file!("appcircle")];

impl BuiltinProviderFile {
    /// The provider that the file says.
    #[expect(
        clippy::expect_used,
        reason = "the build wrote the text, and a test reads all of them"
    )]
    pub(super) fn parse_provider(self) -> Provider {
        let head =
            serde_json::from_str(self.head).expect("a provider file that comes with the program");
        Provider {
            kinds: LazyList::from_static(self.kinds),
            presets: LazyList::from_static(self.presets),
            ..head
        }
    }
}
