//! Providers as data: the content of `assets/providers/*.toml` and of the user's files with the
//! same structure.
//!
//! A file is read into the types of [`spec`]. [`ProviderCatalog::load`] merges and validates the
//! files: IDs are unique, references resolve, placeholders have parameters. Behavior that TOML
//! cannot express is a named strategy (an enum variant), never a custom language. Start at
//! [`spec::Provider`].

mod builtin;
mod catalog;
mod catalog_error;
pub mod environment;
mod json_pointers;
mod lazy_list;
pub(crate) mod placeholder;
mod preset_spec;
pub mod spec;
pub mod user_overrides;
mod validate;
mod value_type;
mod variable_name;

pub use catalog::{ProviderCatalog, ProviderSource};
pub use catalog_error::CatalogError;
pub use json_pointers::ParameterOption;
pub use lazy_list::{HasId, LazyList};
pub use spec::{
    AuthMethod, CredentialKind, FieldSpec, PresetParameter, Provider, RequestPreset, StatusRule,
    ValueListing,
};
pub use value_type::ValueType;

/// Built-in catalog, parsed once for all tests.
#[cfg(test)]
pub(crate) fn builtin_catalog() -> &'static ProviderCatalog {
    static CATALOG: std::sync::LazyLock<ProviderCatalog> =
        std::sync::LazyLock::new(ProviderCatalog::builtin);
    &CATALOG
}
