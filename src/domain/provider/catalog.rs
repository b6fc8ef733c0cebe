//! Catalog of all providers: loading, merging and look-up.
//!
//! Loads the built-in files and merges the user's own files over them; each merged provider is
//! validated by `validate`. Start at [`ProviderCatalog::load`].
//!
//! Provider files that are compiled into tokenring.
//!
//! Errors in provider files, and in names that are looked up in the catalog.

use std::sync::OnceLock;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, Deserializer};

use super::lazy_list::LazyList;
use super::spec::{CredentialKind, Provider, RequestPreset};
use super::user_overrides::ProviderOverride;
use super::validate::{self, ValidationError};
use crate::domain::problem::{Problem, ProblemClass};
use crate::domain::provider::catalog;
use crate::domain::region::{Origin, Region};
use crate::domain::text::nearest_names;

/// All providers, validated.
#[derive(Debug, Clone)]
pub struct ProviderCatalog {
    entries: Vec<ProviderEntry>,
    is_simulated: bool,
}

/// Provider in the catalog. A built-in provider is parsed on first access, because a command or a
/// first frame rarely needs all of them.
#[derive(Debug, Clone)]
struct ProviderEntry {
    id: String,
    file: BuiltinProviderFile,
    provider: OnceLock<Provider>,
}

/// Text of a provider file, and the file name for error messages.
#[derive(Debug, Clone)]
pub struct ProviderSource {
    /// Name of the file, for error messages.
    pub name: String,
    /// TOML text.
    pub text: String,
}

impl ProviderCatalog {
    /// Returns the catalog of the built-in providers. Tests check that they are valid, so this
    /// function does not.
    pub fn builtin() -> Self {
        let entries = catalog::BUILTIN_FILES.map(ProviderEntry::from_builtin).into();
        Self { entries, is_simulated: false }
    }

    /// Marks the regions on loopback as simulated, so that they are shown with the host that the
    /// simulator stands in for.
    #[must_use]
    pub fn simulated(self) -> Self {
        Self { is_simulated: true, ..self }
    }

    /// Returns the host that the simulator stands in for in this region; `None` for a region that
    /// is not simulated.
    pub fn simulated_host<'r>(&self, region: &'r Region) -> Option<&'r Origin> {
        region.replaced_host().filter(|_| self.is_simulated && region.api.is_loopback())
    }

    /// Loads the built-in providers and merges the user's files into them, in order.
    ///
    /// A file with a new ID adds a provider. A file with a known ID adds regions, kinds, presets
    /// and statuses to that provider, or replaces the ones with the same ID.
    ///
    /// # Errors
    ///
    /// Fails where a file is not valid; the error names the file and the line.
    pub fn load(user: &[ProviderSource]) -> Result<Self, CatalogError> {
        let mut catalog = Self::builtin();
        user.iter().try_for_each(|source| catalog.merge(source))?;
        Ok(catalog)
    }

    /// Merges one more file into the catalog.
    pub fn with_source(mut self, source: &ProviderSource) -> Result<Self, CatalogError> {
        self.merge(source)?;
        Ok(self)
    }

    /// Returns all providers, in the order of the table in the README.
    pub fn providers(&self) -> impl ExactSizeIterator<Item = &Provider> + Clone {
        self.entries.iter().map(ProviderEntry::get)
    }

    /// Returns the provider with this ID.
    pub fn provider(&self, id: &str) -> Result<&Provider, CatalogError> {
        let ids = self.entries.iter().map(|entry| entry.id.as_str());
        let found = self.entries.iter().find(|entry| entry.id == id);
        found.map(ProviderEntry::get).ok_or_else(|| CatalogError::unknown("provider", id, ids))
    }

    /// Returns the kind with this ID at that provider.
    pub fn kind(&self, provider: &str, kind: &str) -> Result<&CredentialKind, CatalogError> {
        let provider = self.provider(provider)?;
        let ids = provider.kinds.iter().map(|kind| kind.id.as_str());
        provider.kind(kind).ok_or_else(|| CatalogError::unknown("kind", kind, ids))
    }

    /// Returns the provider that owns the regions of `provider`: itself, or the provider whose
    /// regions it shares.
    pub fn region_owner(&self, provider: &str) -> Result<&Provider, CatalogError> {
        let provider = self.provider(provider)?;
        provider.regions_of.as_ref().map_or(Ok(provider), |home| self.provider(home))
    }

    /// Returns all regions of a provider, its own or the shared ones.
    pub fn regions(&self, provider: &str) -> Result<&[Region], CatalogError> {
        self.region_owner(provider).map(|owner| owner.regions.as_slice())
    }

    /// Returns the region of that provider whose ID or alias is `name`, ignoring case.
    pub fn region(&self, provider: &str, name: &str) -> Result<&Region, CatalogError> {
        let regions = self.regions(provider)?;
        let ids = regions.iter().map(|region| region.id.as_str());
        regions
            .iter()
            .find(|region| region.matches_name(name))
            .ok_or_else(|| CatalogError::unknown("region", name, ids))
    }

    /// Returns the preset with this ID at that provider.
    pub fn preset(&self, provider: &str, preset: &str) -> Result<&RequestPreset, CatalogError> {
        let provider = self.provider(provider)?;
        let ids = provider.presets.iter().map(|preset| preset.id.as_str());
        provider.preset(preset).ok_or_else(|| CatalogError::unknown("preset", preset, ids))
    }

    fn merge(&mut self, source: &ProviderSource) -> Result<(), CatalogError> {
        let table = source.parse()?;
        let head = source.parse_header(&table)?;
        validate::validate_format(head.format).map_err(|error| source.validation_error(error))?;
        let known = self.entries.iter().position(|entry| entry.id == head.id);
        let index = known.unwrap_or(self.entries.len());
        match self.entries.get_mut(index) {
            Some(entry) => {
                let mut provider = entry.get().clone();
                source.deserialize::<ProviderOverride>(table)?.apply(&mut provider);
                *entry = ProviderEntry::from_provider(provider);
            }
            None => self.entries.push(ProviderEntry::from_provider(source.deserialize(table)?)),
        }
        let merged = self.entries[index].get();
        validate::validate_provider(merged)
            .and_then(|()| validate::validate_shared_regions(merged, self.providers()))
            .map_err(|error| source.validation_error(error))
    }
}

impl PartialEq for ProviderCatalog {
    fn eq(&self, other: &Self) -> bool {
        self.providers().eq(other.providers())
    }
}

impl ProviderEntry {
    fn from_builtin(file: BuiltinProviderFile) -> Self {
        Self { id: file.id.to_owned(), file, provider: OnceLock::new() }
    }

    fn from_provider(provider: Provider) -> Self {
        Self {
            id: provider.id.clone(),
            file: BuiltinProviderFile::default(),
            provider: provider.into(),
        }
    }

    fn get(&self) -> &Provider {
        self.provider.get_or_init(|| self.file.parse_provider())
    }
}

/// Header of a provider file, which decides how the rest is read.
#[derive(Deserialize)]
struct FileHeader {
    format: u32,
    id: String,
}

impl FileHeader {
    const FIELDS: [&str; 2] = ["format", "id"];
}

impl ProviderSource {
    /// Parses the file into TOML tables, once for both its header and its content.
    fn parse(&self) -> Result<Spanned<DeTable<'_>>, CatalogError> {
        DeTable::parse(&self.text).map_err(|error| self.parse_error(&error))
    }

    fn parse_header(&self, table: &Spanned<DeTable<'_>>) -> Result<FileHeader, CatalogError> {
        let entries = table
            .get_ref()
            .iter()
            .filter(|(key, _)| FileHeader::FIELDS.contains(&key.get_ref().as_ref()));
        let entries = entries.map(|(key, value)| (key.clone(), value.clone())).collect();
        self.deserialize(Spanned::new(table.span(), entries))
    }

    fn deserialize<T: DeserializeOwned>(
        &self,
        table: Spanned<DeTable<'_>>,
    ) -> Result<T, CatalogError> {
        T::deserialize(Deserializer::from(table)).map_err(|error| self.parse_error(&error))
    }

    fn parse_error(&self, error: &toml::de::Error) -> CatalogError {
        let line = error.span().map(|span| line_number_at(&self.text, span.start));
        self.invalid_file_error(
            line,
            error.message(),
            "Correct the file; the files under assets/providers in the source code show the structure",
        )
    }

    fn validation_error(&self, error: ValidationError) -> CatalogError {
        self.invalid_file_error(self.find_line(&error.search_text), &error.why, error.remedy)
    }

    fn invalid_file_error(
        &self,
        line: Option<usize>,
        why: &str,
        remedy: impl Into<String>,
    ) -> CatalogError {
        let why = line.map_or_else(|| why.to_owned(), |line| format!("line {line}: {why}"));
        CatalogError::InvalidFile { file: self.name.clone(), why, remedy: remedy.into() }
    }

    /// Returns the last line that contains `near`. Of two items with the same name, the second is
    /// the duplicate.
    fn find_line(&self, near: &str) -> Option<usize> {
        let names = |line: &str| line.to_lowercase().contains(&near.to_lowercase());
        let quoted = format!("\"{near}\"").to_lowercase();
        let lines: Vec<&str> = self.text.lines().collect();
        let last = lines.iter().rposition(|line| line.to_lowercase().contains(&quoted));
        last.or_else(|| lines.iter().rposition(|line| names(line))).map(|index| index + 1)
    }
}

fn line_number_at(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

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

/// Reason why the provider files do not form a catalog, or why a name is not in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CatalogError {
    /// A file is not TOML of the right structure, or its content is inconsistent.
    #[error("{file}: {why}")]
    InvalidFile {
        /// Name of the file.
        file: String,
        /// Line and reason.
        why: String,
        /// Instruction for correcting the file.
        remedy: String,
    },
    /// An unknown name. The error suggests the nearest known names.
    #[error("no {what} named \"{name}\"")]
    Unknown {
        /// Type of the name: `provider`, `kind`, `region`, `preset`, `part` or `field`.
        what: &'static str,
        /// Name that was given.
        name: String,
        /// Nearest names, best first; empty where none is similar.
        nearest: Vec<String>,
        /// All known names.
        known: Vec<String>,
    },
}

impl CatalogError {
    /// Builds the error for a name that is not among the known ones.
    pub fn unknown<'a>(
        what: &'static str,
        name: &str,
        known: impl Iterator<Item = &'a str>,
    ) -> Self {
        let known: Vec<String> = known.map(str::to_owned).collect();
        Self::Unknown { what, name: name.to_owned(), nearest: nearest_names(name, &known), known }
    }
}

impl From<CatalogError> for Problem {
    fn from(error: CatalogError) -> Self {
        let what = crate::domain::text::sanitize_line(&error.to_string());
        match error {
            CatalogError::InvalidFile { remedy, .. } => {
                Self::new(what, "A provider file is used only if it is valid as a whole", remedy)
            }
            CatalogError::Unknown { what: item_type, known, .. } if known.is_empty() => {
                let why = format!("There are no {item_type}s here");
                Self::new(what, why, format!("Leave the {item_type} out"))
            }
            CatalogError::Unknown { what: item_type, nearest, known, .. } => Self::new(
                what,
                format!("Available {item_type}s: {}", known.join(", ")),
                suggest_names(item_type, &nearest),
            ),
        }
        .with_class(ProblemClass::Usage)
    }
}

fn suggest_names(item_type: &str, nearest: &[String]) -> String {
    match nearest {
        [] => format!("Choose one of the available {item_type}s"),
        [only] => format!("Did you mean {only}?"),
        [first @ .., last] => format!("Did you mean {} or {last}?", first.join(", ")),
    }
}

#[cfg(test)]
mod catalog_error_tests {
    use super::*;

    fn unknown(name: &str) -> Problem {
        CatalogError::unknown("region", name, ["SNYK-US-01", "SNYK-EU-01", "SAW-EU"].into_iter())
            .into()
    }

    #[test]
    fn an_unknown_name_offers_the_nearest_ones_and_lists_all() {
        let problem = unknown("SNYK-EU-1");
        assert!(problem.remedy.starts_with("Did you mean SNYK-EU-01"), "{problem}");
        assert!(problem.why.ends_with("SNYK-US-01, SNYK-EU-01, SAW-EU"), "{problem}");
        assert_eq!(problem.class, ProblemClass::Usage);
    }

    #[test]
    fn where_there_is_nothing_nothing_is_offered() {
        let problem = Problem::from(CatalogError::unknown("part", "x", std::iter::empty()));
        assert_eq!(
            (problem.why.as_str(), problem.remedy.as_str()),
            ("There are no parts here", "Leave the part out")
        );
    }

    #[test]
    fn a_name_that_resembles_nothing_is_answered_with_the_list() {
        assert_eq!(unknown("zzz").remedy, "Choose one of the available regions");
    }

    #[test]
    fn a_name_with_control_characters_is_cleaned_before_it_is_shown() {
        assert!(!unknown("a\u{1b}[2J").what.contains('\u{1b}'));
    }
}

#[cfg(test)]
mod tests;
