//! Validation of a provider beyond its data types: names are unique, references resolve, rotation
//! strategies fit.
//!
//! Start at [`validate_provider`]. Errors in the TOML itself are reported by `catalog`.

use std::collections::HashSet;

use super::environment::{ACCESS_TOKEN_TEMPLATE, SECRET_TEMPLATE};
use super::placeholder::placeholders;
use super::spec::{
    AuthMethod, CredentialKind, ListPointers, Provider, RequestPreset, RotationSpec,
    RotationStrategyId, SecretRole,
};
use crate::domain::http_method::{HttpMethod, is_override_name};
use crate::domain::provider::environment::find_name_problem;
use crate::domain::region::Region;
use crate::domain::strategy::{RequiredAuthorization, RotatedSecret};

/// Version of the file format that tokenring supports.
pub(super) const SUPPORTED_FORMAT: u32 = 1;

/// Validation error: position, cause and remedy.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ValidationError {
    /// Text from the file that the error is about; it is used to find the line.
    pub(super) search_text: String,
    /// What is wrong.
    pub(super) why: String,
    /// What to change.
    pub(super) remedy: String,
}

type ValidationResult = Result<(), ValidationError>;

/// Validates one provider by itself.
pub(super) fn validate_provider(provider: &Provider) -> ValidationResult {
    validate_format(provider.format)?;
    require_unique("kind", provider.kinds.iter().map(|kind| kind.id.as_str()))?;
    require_unique("preset", provider.presets.iter().map(|preset| preset.id.as_str()))?;
    validate_regions(provider)?;
    validate_headers(provider)?;
    provider.presets.iter().try_for_each(|preset| self::validate_preset(provider, preset))?;
    provider.kinds.iter().try_for_each(|kind| self::validate_kind(provider, kind))?;
    validate_organizations(provider)?;
    validate_paths(provider)?;
    provider
        .statuses
        .iter()
        .flat_map(|status| &status.kinds)
        .try_for_each(|kind| require_kind(provider, kind))
}

/// Checks that the version of the file format is supported.
pub(super) fn validate_format(version: u32) -> ValidationResult {
    if version == SUPPORTED_FORMAT {
        return Ok(());
    }
    invalid(
        "format",
        format!("format {version} is not supported, only {SUPPORTED_FORMAT}"),
        format!("Set format = {SUPPORTED_FORMAT}, or use a newer version of tokenring"),
    )
}

/// Validates references from one provider to another.
pub(super) fn validate_shared_regions<'a>(
    provider: &Provider,
    mut all: impl Iterator<Item = &'a Provider>,
) -> ValidationResult {
    let Some(home) = &provider.regions_of else { return Ok(()) };
    match all.find(|other| other.id == *home) {
        Some(other) if other.regions_of.is_none() => Ok(()),
        Some(_) => invalid(
            home,
            format!("\"{home}\" defines no regions to share"),
            "Set regions_of to the provider that defines the regions",
        ),
        None => invalid(
            home,
            format!("regions_of names the provider \"{home}\", which does not exist"),
            "Set regions_of to an existing provider",
        ),
    }
}

/// Checks that no default header turns requests into another method.
fn validate_headers(provider: &Provider) -> ValidationResult {
    match provider.headers.iter().find(|(name, _)| is_override_name(name)) {
        Some((name, _)) => invalid(
            name,
            format!("the header {name} asks servers for another method"),
            "Remove the header; a preset names its method",
        ),
        None => Ok(()),
    }
}

/// Checks that the organizations are listed by a request that only reads, because it is sent
/// unasked.
fn validate_organizations(provider: &Provider) -> ValidationResult {
    let Some(listing) = &provider.organizations else { return Ok(()) };
    if !provider.has_organizations {
        return invalid(
            "has_organizations",
            "the provider lists organizations and has none",
            "Remove organisations, or remove has_organizations = false",
        );
    }
    require_preset(provider, &listing.preset)?;
    let reads = |preset: &RequestPreset| {
        preset.read_only || HttpMethod::parse(&preset.method).is_some_and(HttpMethod::is_safe)
    };
    if !provider.preset(&listing.preset).is_some_and(reads) {
        return invalid(
            &listing.preset,
            format!("the preset \"{}\" does not only read", listing.preset),
            "List the organizations with a GET request",
        );
    }
    let pointers = [&listing.items.list, &listing.items.value, &listing.items.name];
    match pointers.into_iter().find(|pointer| !pointer.is_empty() && !pointer.starts_with('/')) {
        None => Ok(()),
        Some(pointer) => invalid(
            pointer,
            format!("\"{pointer}\" is not a JSON pointer"),
            "Write a pointer such as /data, or \"\" for the whole response",
        ),
    }
}

/// Checks the paths and names outside of the presets.
fn validate_paths(provider: &Provider) -> ValidationResult {
    let is_prefix = |prefix: &&String| {
        prefix.starts_with('/')
            && !prefix.starts_with("//")
            && !prefix.ends_with('/')
            && !prefix.contains(['?', '#', '\\'])
    };
    if let Some(prefix) = provider.link_prefix.as_ref().filter(|prefix| !is_prefix(prefix)) {
        return invalid(
            prefix,
            format!("the link_prefix \"{prefix}\" is not the beginning of a path"),
            "Write it with a slash at its beginning and none at its end, such as /rest",
        );
    }
    if let Some(prefix) = provider.public_paths.iter().find(|prefix| !is_prefix(prefix)) {
        return invalid(
            prefix,
            format!("the public path \"{prefix}\" is not the beginning of a path"),
            "Write it with a slash at its beginning and none at its end, such as /rest/openapi",
        );
    }
    let is_name = |name: &str| !name.is_empty() && !name.contains(['/', '\\']);
    match provider.tool_secrets.iter().find(|(file, member)| !is_name(file) || member.is_empty()) {
        None => Ok(()),
        Some((file, _)) => invalid(
            file,
            format!("\"{file}\" in tool_secrets is not the name of a file with a member"),
            "Write the name of the file without its folder, and the name of the member",
        ),
    }
}

fn validate_regions(provider: &Provider) -> ValidationResult {
    let names: Vec<String> = provider.regions.iter().flat_map(region_names).collect();
    require_unique("region or alias", names.iter().map(String::as_str))?;
    match (provider.regions.is_empty(), &provider.regions_of) {
        (true, None) => invalid(
            &provider.id,
            "the provider has no region",
            "Add a [[region]] with id and api, or name another provider in regions_of",
        ),
        (false, Some(home)) => invalid(
            "[[region]]",
            format!("\"{}\" uses the regions of \"{home}\" and cannot have its own", provider.id),
            format!("Put the region into a file with id = \"{home}\""),
        ),
        _ => Ok(()),
    }
}

/// Returns every name of this region once, in lower case.
fn region_names(region: &Region) -> HashSet<String> {
    std::iter::once(&region.id).chain(&region.aliases).map(|name| name.to_lowercase()).collect()
}

fn validate_preset(provider: &Provider, preset: &RequestPreset) -> ValidationResult {
    require_unique("parameter", preset.parameters.iter().map(|parameter| parameter.id.as_str()))?;
    if HttpMethod::parse(&preset.method).is_none() {
        return invalid(
            &preset.method,
            format!("\"{}\" is not an HTTP method", preset.method),
            "Use GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS",
        );
    }
    if !preset.path.starts_with('/') || preset.path.starts_with("//") {
        return invalid(
            &preset.path,
            "the path does not start with exactly one slash",
            "Write the path without the host, such as /rest/self",
        );
    }
    preset.excluded_kinds.iter().try_for_each(|kind| require_kind(provider, kind))?;
    validate_parameters(provider, preset)?;
    preset.placeholders().try_for_each(|name| validate_placeholder(provider, preset, name))
}

fn validate_parameters(provider: &Provider, preset: &RequestPreset) -> ValidationResult {
    for parameter in &preset.parameters {
        if let Some(default) =
            parameter.default.as_ref().filter(|default| !parameter.accepts(default))
        {
            return invalid(
                default,
                format!(
                    "the default \"{default}\" of the parameter \"{}\" is not one of its values",
                    parameter.id
                ),
                "Use a default of the parameter's type and, if it has choices, one of them",
            );
        }
        let what = format!("parameter \"{}\"", parameter.id);
        validate_listing(
            provider,
            &what,
            parameter.options_preset.as_ref(),
            parameter.items.as_ref(),
        )?;
    }
    Ok(())
}

fn validate_listing(
    provider: &Provider,
    what: &str,
    from: Option<&String>,
    items: Option<&ListPointers>,
) -> ValidationResult {
    let Some(from) = from else { return Ok(()) };
    if provider.preset(from).is_none() {
        return invalid(
            from,
            format!("the {what} takes its values from the preset \"{from}\", which does not exist"),
            "Name a preset of this file",
        );
    }
    if items.is_none() {
        return invalid(
            from,
            format!("the {what} does not define where the response lists its values"),
            "Add items = { list, value, name }",
        );
    }
    Ok(())
}

fn validate_placeholder(
    provider: &Provider,
    preset: &RequestPreset,
    name: &str,
) -> ValidationResult {
    let known = preset.parameter(name).is_some()
        || kinds_for_preset(provider, preset).any(|kind| kind.field(name).is_some());
    if known {
        return Ok(());
    }
    invalid(
        &format!("{{{name}}}"),
        format!(
            "{{{name}}} in the preset \"{}\" is neither a parameter nor a field of a kind",
            preset.id
        ),
        format!("Add a [[preset.parameter]] with id = \"{name}\""),
    )
}

fn validate_kind(provider: &Provider, kind: &CredentialKind) -> ValidationResult {
    let fields = kind.fields.iter().map(|field| field.id.as_str());
    require_unique("field or part", fields.chain(kind.parts.iter().map(|part| part.id.as_str())))?;
    validate_check(provider, kind)?;
    kind.fields.iter().try_for_each(|field| {
        let what = format!("field \"{}\"", field.id);
        validate_listing(provider, &what, field.options_preset.as_ref(), field.items.as_ref())
    })?;
    if let Some(part) = kind.recognition_rules.iter().find_map(|rule| match &rule.secret_role {
        SecretRole::Part(part) if kind.part(part).is_none() => Some(part),
        _ => None,
    }) {
        return invalid(
            part,
            format!("the kind \"{}\" has no part \"{part}\"", kind.id),
            format!("Add a [[kind.part]] with id = \"{part}\""),
        );
    }
    kind.credential_listing.iter().try_for_each(|listed| {
        require_preset(provider, &listed.preset).and_then(|()| require_field(kind, &listed.field))
    })?;
    validate_environment(kind)?;
    required_fields(kind).into_iter().try_for_each(|field| require_field(kind, field))?;
    validate_rotation(kind)
}

fn validate_environment(kind: &CredentialKind) -> ValidationResult {
    let mut names = kind.environment.iter().map(|(name, _)| name.as_str());
    if let Some((name, problem)) = names.find_map(|name| Some((name, find_name_problem(name)?))) {
        return invalid(
            name,
            format!("the environment of the kind \"{}\" sets {name:?}, which {problem}", kind.id),
            "Name variables that only the provider's own tools read, such as ACME_TOKEN",
        );
    }
    let known = |name: &str| matches!(name, "api" | "auth" | "app") || kind.field(name).is_some();
    let templates = kind.environment.iter().map(|(_, template)| template.as_str());
    let text_templates =
        templates.filter(|template| !matches!(*template, SECRET_TEMPLATE | ACCESS_TOKEN_TEMPLATE));
    let Some(name) = text_templates.flat_map(placeholders).find(|name| !known(name)) else {
        return Ok(());
    };
    invalid(
        &format!("{{{name}}}"),
        format!(
            "{{{name}}} in the environment of the kind \"{}\" is neither a host nor a field",
            kind.id
        ),
        "Use {secret} or {access_token} alone, or {api}, {auth}, {app} and fields of the kind",
    )
}

fn validate_check(provider: &Provider, kind: &CredentialKind) -> ValidationResult {
    let Some(preset) = provider.preset(&kind.check) else {
        return invalid(
            &kind.check,
            format!(
                "the kind \"{}\" is checked by the preset \"{}\", which does not exist",
                kind.id, kind.check
            ),
            "Name a preset of this file",
        );
    };
    let unfilled = preset.placeholders().find(|name| {
        let defaulted = preset.parameter(name).is_some_and(|parameter| parameter.default.is_some());
        !defaulted && kind.field(name).is_none_or(|field| !field.required)
    });
    match unfilled {
        None => Ok(()),
        Some(name) => invalid(
            &kind.check,
            format!(
                "the check \"{}\" needs {{{name}}}, which a credential of the kind \"{}\" may not have",
                preset.id, kind.id
            ),
            format!("Check with another preset, or make the field {name} required"),
        ),
    }
}

/// Returns the fields that the authorization or the rotation of a kind requires.
fn required_fields(kind: &CredentialKind) -> Vec<&str> {
    let mut fields = match &kind.authorization {
        AuthMethod::Header { .. } => Vec::new(),
        AuthMethod::ClientCredentials { .. } | AuthMethod::RefreshToken { .. } => vec!["client_id"],
        AuthMethod::Exchange { endpoints, verify, .. } => endpoints
            .iter()
            .flat_map(|endpoint| endpoint.members.values())
            .chain(verify.values())
            .map(String::as_str)
            .collect(),
    };
    fields
        .extend(rotation_specs(kind).flat_map(|rotation| rotation.strategy.spec().required_fields));
    fields
}

/// Returns the rotations of the secret and of its further parts.
fn rotation_specs(kind: &CredentialKind) -> impl Iterator<Item = &RotationSpec> {
    std::iter::once(&kind.rotation)
        .chain(kind.parts.iter().filter_map(|part| part.rotation.as_ref()))
}

fn require_field(kind: &CredentialKind, field: &str) -> ValidationResult {
    if kind.field(field).is_some() {
        return Ok(());
    }
    invalid(
        &kind.id,
        format!("the kind \"{}\" needs a field \"{field}\" to be used or rotated", kind.id),
        format!("Add a [[kind.field]] with id = \"{field}\""),
    )
}

fn validate_rotation(kind: &CredentialKind) -> ValidationResult {
    if let Some(part) = kind.parts.iter().find(|part| {
        part.rotation.as_ref().is_some_and(|rotation| !is_part_rotation_valid(kind, rotation))
    }) {
        return invalid(
            &part.id,
            format!(
                "the rotation plan of the part \"{}\" does not fit the kind \"{}\"",
                part.id, kind.id
            ),
            format!(
                "Use plan = {} with overlap, for a kind that is authorized by refresh tokens",
                part_strategies()
            ),
        );
    }
    let rotation = &kind.rotation;
    let spec = rotation.strategy.spec();
    if spec.is_manual() && rotation.manual_steps.trim().is_empty() {
        return invalid(
            &kind.id,
            format!("the kind \"{}\" is rotated manually but has no steps", kind.id),
            "Describe the rotation in steps",
        );
    }
    if spec.rotated_secret == RotatedSecret::Main
        && is_authorization(&kind.authorization, spec.authorization)
    {
        return Ok(());
    }
    invalid(
        &kind.id,
        format!("the rotation plan of the kind \"{}\" does not fit its authorization", kind.id),
        format!("Use plan = \"{}\" with steps", RotationStrategyId::Manual),
    )
}

/// Whether a kind with this authorization can be rotated by a strategy that requires the other.
const fn is_authorization(method: &AuthMethod, required: RequiredAuthorization) -> bool {
    match required {
        RequiredAuthorization::Any => true,
        RequiredAuthorization::Header => matches!(method, AuthMethod::Header { .. }),
        RequiredAuthorization::ClientCredentials => {
            matches!(method, AuthMethod::ClientCredentials { .. })
        }
        RequiredAuthorization::RefreshToken => matches!(method, AuthMethod::RefreshToken { .. }),
        RequiredAuthorization::SignIn => {
            matches!(method, AuthMethod::RefreshToken { authorize: Some(_), .. })
        }
    }
}

/// Returns the names of the strategies that rotate a part.
fn part_strategies() -> String {
    let names: Vec<_> = RotationStrategyId::ALL
        .iter()
        .filter(|strategy| strategy.spec().rotated_secret == RotatedSecret::Part)
        .map(|strategy| format!("\"{strategy}\""))
        .collect();
    names.join(" or ")
}

fn require_preset(provider: &Provider, id: &str) -> ValidationResult {
    if provider.preset(id).is_some() {
        return Ok(());
    }
    invalid(id, format!("\"{}\" has no preset \"{id}\"", provider.id), "Name a preset of this file")
}

/// Whether the rotation of a part is valid. The main secret stays while the part is rotated, so
/// both values of the part must be valid at the same time.
fn is_part_rotation_valid(kind: &CredentialKind, rotation: &RotationSpec) -> bool {
    let spec = rotation.strategy.spec();
    spec.rotated_secret == RotatedSecret::Part
        && rotation.overlap
        && is_authorization(&kind.authorization, spec.authorization)
}

fn require_kind(provider: &Provider, id: &str) -> ValidationResult {
    if provider.kind(id).is_some() {
        return Ok(());
    }
    invalid(id, format!("\"{}\" has no kind \"{id}\"", provider.id), "Name a kind of this file")
}

fn require_unique<'a>(what: &str, mut names: impl Iterator<Item = &'a str>) -> ValidationResult {
    let mut seen = HashSet::new();
    match names.find(|name| !seen.insert(*name)) {
        None => Ok(()),
        Some(twice) => {
            invalid(twice, format!("the {what} \"{twice}\" exists twice"), "Rename one of them")
        }
    }
}

fn invalid(near: &str, why: impl Into<String>, remedy: impl Into<String>) -> ValidationResult {
    Err(ValidationError { search_text: near.to_owned(), why: why.into(), remedy: remedy.into() })
}

fn kinds_for_preset<'a>(
    provider: &'a Provider,
    preset: &'a RequestPreset,
) -> impl Iterator<Item = &'a CredentialKind> {
    provider.kinds.iter().filter(|kind| !preset.excluded_kinds.contains(&kind.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::provider::builtin_catalog;

    #[test]
    fn a_part_is_replaced_beside_a_session_with_overlap_or_not_at_all() {
        let catalog = builtin_catalog();
        let session = catalog.kind("snyk-apps", "app").unwrap();
        let token = catalog.kind("snyk", "personal-token").unwrap();
        let rotation =
            |plan, overlap| RotationSpec { strategy: plan, overlap, manual_steps: String::new() };
        assert!(is_part_rotation_valid(
            session,
            &rotation(RotationStrategyId::SnykAppSecret, true)
        ));
        for (kind, rotation) in [
            (session, rotation(RotationStrategyId::SnykAppSecret, false)),
            (session, rotation(RotationStrategyId::Manual, true)),
            (token, rotation(RotationStrategyId::SnykAppSecret, true)),
        ] {
            assert!(!is_part_rotation_valid(kind, &rotation), "{} {rotation:?}", kind.id);
        }
    }
}
