//! User files that extend a provider instead of defining one, mainly with private regions.
//!
//! Such a file has the structure of a provider file in which everything except `format` and `id` is
//! optional. `ProviderOverride` reads it; [`toml_with_region`] writes a region into it.

use serde::Deserialize;
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, value};

use super::spec::{CredentialKind, OrganizationListing, Provider, RequestPreset, StatusRule};
use super::validate::SUPPORTED_FORMAT;
use crate::domain::problem::Problem;
use crate::domain::region::Region;
use crate::domain::text::sanitize_line;

/// Content of a user file that extends a provider.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProviderOverride {
    /// Version of the file format.
    pub(super) format: u32,
    /// ID of the provider that the file extends.
    pub(super) id: String,
    #[serde(default, rename = "region")]
    regions: Vec<Region>,
    #[serde(default, rename = "kind")]
    kinds: Vec<CredentialKind>,
    #[serde(default, rename = "preset")]
    presets: Vec<RequestPreset>,
    #[serde(default, rename = "status")]
    statuses: Vec<StatusRule>,
    #[serde(default)]
    media_types: Vec<(String, String)>,
    #[serde(default)]
    link_prefix: Option<String>,
    #[serde(default, rename = "organisations")]
    organizations: Option<OrganizationListing>,
    #[serde(default)]
    has_organizations: Option<bool>,
    #[serde(default)]
    tool_secrets: Vec<(String, String)>,
}

/// Reason why a region cannot be written into a user file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegionFileError {
    /// The existing file is not TOML.
    #[error("the file is not TOML: {0}")]
    NotToml(String),
    /// The file extends another provider.
    #[error("the file is for the provider \"{0}\"")]
    OtherProvider(String),
    /// `region` exists and is not a list of tables.
    #[error("\"region\" is not an array of tables ([[region]])")]
    NotATable,
}

impl From<RegionFileError> for Problem {
    fn from(error: RegionFileError) -> Self {
        let remedy = match error {
            RegionFileError::NotToml(_) | RegionFileError::NotATable => {
                "Correct the file or move it away, then try again"
            }
            RegionFileError::OtherProvider(_) => {
                "Write the region into the file of its own provider"
            }
        };
        let what = "The region cannot be written into the provider file";
        Self::new(what, sanitize_line(&error.to_string()), remedy)
    }
}

impl ProviderOverride {
    /// Adds the content to `provider`; an item with a known ID replaces the existing one, and so does
    /// a single value. A listing of organizations implies that the provider has some, and the other
    /// way round.
    pub(super) fn apply(self, provider: &mut Provider) {
        for region in self.regions {
            match provider
                .regions
                .iter_mut()
                .find(|known| known.id.eq_ignore_ascii_case(&region.id))
            {
                Some(known) => *known = region.inheriting_from(known),
                None => provider.regions.push(region),
            }
        }
        self.kinds.into_iter().for_each(|kind| provider.kinds.insert_or_replace(kind));
        self.presets.into_iter().for_each(|preset| provider.presets.insert_or_replace(preset));
        provider.statuses.splice(0..0, self.statuses);
        provider.media_types.splice(0..0, self.media_types);
        provider.tool_secrets.extend(self.tool_secrets);
        if self.link_prefix.is_some() {
            provider.link_prefix = self.link_prefix;
        }
        if self.organizations.is_some() || self.has_organizations == Some(false) {
            provider.has_organizations = self.has_organizations.unwrap_or(true);
            provider.organizations = self.organizations;
        } else if self.has_organizations == Some(true) {
            provider.has_organizations = true;
        }
    }
}

/// Adds `region` to the text of a user file, or replaces the region with the same ID.
///
/// Comments and everything else stay unchanged. `provider` is the provider that owns the regions
/// ([`super::ProviderCatalog::region_owner`]).
pub fn toml_with_region(
    existing: Option<&str>,
    provider: &str,
    region: &Region,
) -> Result<String, RegionFileError> {
    let mut file: DocumentMut = existing
        .unwrap_or_default()
        .parse()
        .map_err(|e: toml_edit::TomlError| RegionFileError::NotToml(e.message().to_owned()))?;
    match file.get("id").and_then(Item::as_str) {
        Some(other) if other != provider => {
            return Err(RegionFileError::OtherProvider(other.to_owned()));
        }
        Some(_) => {}
        None => file.insert("id", value(provider)).map_or((), drop),
    }
    if !file.contains_key("format") {
        file.insert("format", value(i64::from(SUPPORTED_FORMAT)));
    }
    let regions = file.entry("region").or_insert(Item::ArrayOfTables(ArrayOfTables::new()));
    let regions = regions.as_array_of_tables_mut().ok_or(RegionFileError::NotATable)?;
    put_region(regions, region);
    Ok(file.to_string())
}

fn put_region(regions: &mut ArrayOfTables, region: &Region) {
    let same = |table: &&mut Table| {
        table.get("id").and_then(Item::as_str).is_some_and(|id| id.eq_ignore_ascii_case(&region.id))
    };
    if let Some(known) = regions.iter_mut().find(same) {
        write_region(known, region);
    } else {
        let mut table = Table::new();
        write_region(&mut table, region);
        regions.push(table);
    }
}

fn write_region(table: &mut Table, region: &Region) {
    let mut set = |key: &str, text: Option<String>| match text.filter(|text| !text.is_empty()) {
        Some(text) => set_keeping_decor(table, key, value(text)),
        None => table.remove(key).map_or((), drop),
    };
    set("id", Some(region.id.clone()));
    set("title", Some(region.title.clone()));
    set("api", Some(region.api.to_string()));
    set("app", region.app.as_ref().map(ToString::to_string));
    set("auth", region.auth.as_ref().map(ToString::to_string));
    set("ca_file", region.ca_file.as_ref().map(|path| path.display().to_string()));
    if region.aliases.is_empty() {
        table.remove("aliases");
    } else {
        set_keeping_decor(
            table,
            "aliases",
            value(region.aliases.iter().collect::<toml_edit::Array>()),
        );
    }
}

/// Sets a value and keeps the comment after the old one.
fn set_keeping_decor(table: &mut Table, key: &str, mut item: Item) {
    if let (Some(new), Some(old)) = (item.as_value_mut(), table.get(key).and_then(Item::as_value)) {
        *new.decor_mut() = old.decor().clone();
    }
    match table.get_mut(key) {
        Some(old) => *old = item,
        None => table.insert(key, item).map_or((), drop),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Origin;
    use crate::domain::provider::{ProviderCatalog, ProviderSource};

    fn region(id: &str, api: &str) -> Region {
        Region {
            id: id.to_owned(),
            title: String::new(),
            aliases: vec!["acme".to_owned()],
            issuers: Vec::new(),
            api: Origin::parse(api).unwrap(),
            app: None,
            auth: None,
            ca_file: None,
        }
    }

    fn load(text: &str) -> ProviderCatalog {
        ProviderCatalog::load(&[ProviderSource {
            name: "snyk.toml".to_owned(),
            text: text.to_owned(),
        }])
        .unwrap()
    }

    #[test]
    fn a_new_file_with_a_region_is_a_file_that_loads() {
        let text =
            toml_with_region(None, "snyk", &region("ACME", "https://api.acme.example")).unwrap();
        let catalog = load(&text);
        assert_eq!(catalog.region("snyk", "acme").unwrap().api.host(), "api.acme.example");
        assert_eq!(catalog.region("snyk-apps", "ACME").unwrap().id, "ACME");
        assert_eq!(catalog.regions("snyk").unwrap().len(), 6);
    }

    #[test]
    fn a_region_of_the_same_id_is_replaced_and_comments_stay() {
        let before = "# mine\nformat = 1\nid = \"snyk\"\n\n# the tunnel\n[[region]]\nid = \"acme\"\napi = \"https://old.example\" # moved often\nca_file = \"/x\"\n";
        let after =
            toml_with_region(Some(before), "snyk", &region("ACME", "https://new.example")).unwrap();
        for kept in ["# mine", "# the tunnel", "# moved often", "https://new.example"] {
            assert!(after.contains(kept), "{kept} in\n{after}");
        }
        assert!(!after.contains("old.example") && !after.contains("ca_file"), "{after}");
        assert_eq!(load(&after).regions("snyk").unwrap().len(), 6);
    }

    #[test]
    fn what_is_not_such_a_file_is_refused_and_not_overwritten() {
        let add = |text| {
            toml_with_region(Some(text), "snyk", &region("ACME", "https://api.acme.example"))
        };
        assert!(matches!(add("format ="), Err(RegionFileError::NotToml(_))));
        assert_eq!(
            add("id = \"appcircle\""),
            Err(RegionFileError::OtherProvider("appcircle".to_owned()))
        );
        assert_eq!(add("id = \"snyk\"\nregion = 3"), Err(RegionFileError::NotATable));
        assert!(!Problem::from(add("format =").unwrap_err()).remedy.is_empty());
    }
}
