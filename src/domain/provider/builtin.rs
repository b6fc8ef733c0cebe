//! Provider files that are compiled into tokenring.

use super::lazy_list::LazyList;
use super::spec::Provider;

/// Built-in provider file, split into pieces. The build script converts its TOML to JSON
/// (`assets/build.rs`), because parsing time delays every start.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct BuiltinProviderFile {
    /// ID of the provider.
    pub(super) id: &'static str,
    head: &'static str,
    /// Kinds: ID and JSON text of each. The first frame needs only one of them.
    kinds: &'static [(&'static str, &'static str)],
    /// Presets: ID and JSON text of each.
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

/// Built-in files, in the order in which every list shows them.
pub(super) const BUILTIN_FILES: [BuiltinProviderFile; 4] =
    [file!("snyk"), file!("snyk-apps"), file!("snyk-api-web"), file!("appcircle")];

impl BuiltinProviderFile {
    /// Parses the provider; its kinds and presets are parsed later, on first use.
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
