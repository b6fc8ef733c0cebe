//! What must hold in a provider file beyond its form: names are unique, references lead somewhere, plans fit.

use std::collections::HashSet;

use super::environment::{ACCESS_TOKEN, SECRET};
use super::placeholder::placeholders;
use super::spec::{Authorization, Holding, Kind, Preset, Provider, Replacement, ReplacementPlan};
use crate::domain::region::Region;

/// The version of the form that this program understands.
pub(super) const FORMAT: u32 = 1;

/// What is wrong: where to look, why, and what to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// The text in the file that the fault is about; its line is looked up.
    pub(super) near: String,
    /// What is wrong.
    pub(super) why: String,
    /// What to change.
    pub(super) remedy: String,
}

type Verdict = Result<(), Fault>;

/// Checks one provider by itself.
pub(super) fn provider(provider: &Provider) -> Verdict {
    format(provider.format)?;
    unique("kind", provider.kinds.iter().map(|kind| kind.id.as_str()))?;
    unique("preset", provider.presets.iter().map(|preset| preset.id.as_str()))?;
    regions(provider)?;
    provider.presets.iter().try_for_each(|preset| self::preset(provider, preset))?;
    provider.kinds.iter().try_for_each(|kind| self::kind(provider, kind))?;
    provider.organisations.iter().try_for_each(|listing| known_preset(provider, &listing.preset))?;
    provider.statuses.iter().flat_map(|status| &status.kinds).try_for_each(|kind| known_kind(provider, kind))
}

/// Checks that the version of the form is ours.
pub(super) fn format(version: u32) -> Verdict {
    if version == FORMAT {
        return Ok(());
    }
    fault(
        "format",
        format!("format {version} is not known, only {FORMAT}"),
        format!("Write format = {FORMAT}, or use a newer program"),
    )
}

/// Checks what one provider says about another.
pub(super) fn shared_regions<'a>(provider: &Provider, mut all: impl Iterator<Item = &'a Provider>) -> Verdict {
    let Some(home) = &provider.regions_of else { return Ok(()) };
    match all.find(|other| other.id == *home) {
        Some(other) if other.regions_of.is_none() => Ok(()),
        Some(_) => {
            fault(home, format!("\"{home}\" has no regions of its own to share"), "Name the provider whose regions these are")
        }
        None => {
            fault(home, format!("regions_of names the provider \"{home}\", which does not exist"), "Name a provider that exists")
        }
    }
}

fn regions(provider: &Provider) -> Verdict {
    let names: Vec<String> = provider.regions.iter().flat_map(names).collect();
    unique("region or alias", names.iter().map(String::as_str))?;
    match (provider.regions.is_empty(), &provider.regions_of) {
        (true, None) => {
            fault(&provider.id, "there is no region", "Add a [[region]] with id and api, or name another provider in regions_of")
        }
        (false, Some(home)) => fault(
            "[[region]]",
            format!("\"{}\" uses the regions of \"{home}\" and cannot have its own", provider.id),
            format!("Put the region into a file with id = \"{home}\""),
        ),
        _ => Ok(()),
    }
}

/// Every name that means this region, once, in lower case.
fn names(region: &Region) -> HashSet<String> {
    std::iter::once(&region.id).chain(&region.aliases).map(|name| name.to_lowercase()).collect()
}

fn preset(provider: &Provider, preset: &Preset) -> Verdict {
    unique("parameter", preset.parameters.iter().map(|parameter| parameter.id.as_str()))?;
    if crate::domain::request::Method::parse(&preset.method).is_none() {
        return fault(
            &preset.method,
            format!("\"{}\" is not a method", preset.method),
            "Use GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS",
        );
    }
    if !preset.path.starts_with('/') || preset.path.starts_with("//") {
        return fault(
            &preset.path,
            "the path does not begin with one slash",
            "Write the path as it follows the host, such as /rest/self",
        );
    }
    preset.not_for.iter().try_for_each(|kind| known_kind(provider, kind))?;
    parameters(provider, preset)?;
    preset.placeholders().try_for_each(|name| placeholder(provider, preset, name))
}

fn parameters(provider: &Provider, preset: &Preset) -> Verdict {
    for parameter in &preset.parameters {
        if let Some(default) = parameter.default.as_ref().filter(|default| !parameter.fits(default)) {
            return fault(
                default,
                format!("the default \"{default}\" of the parameter \"{}\" does not fit it", parameter.id),
                "Give it a default of its type, and of its choices where it has some",
            );
        }
        let Some(from) = &parameter.from else { continue };
        if provider.preset(from).is_none() {
            return fault(
                from,
                format!("the parameter \"{}\" comes from the preset \"{from}\", which does not exist", parameter.id),
                "Name a preset of this file",
            );
        }
        if parameter.items.is_none() {
            return fault(
                from,
                format!("the parameter \"{}\" does not say where the answer lists its values", parameter.id),
                "Add items = { list, value, name }",
            );
        }
    }
    Ok(())
}

fn placeholder(provider: &Provider, preset: &Preset, name: &str) -> Verdict {
    let known = preset.parameter(name).is_some() || fitting(provider, preset).any(|kind| kind.field(name).is_some());
    if known {
        return Ok(());
    }
    fault(
        &format!("{{{name}}}"),
        format!("{{{name}}} in the preset \"{}\" is neither a parameter nor a field of a kind", preset.id),
        format!("Add a [[preset.parameter]] with id = \"{name}\""),
    )
}

fn kind(provider: &Provider, kind: &Kind) -> Verdict {
    let fields = kind.fields.iter().map(|field| field.id.as_str());
    unique("field or part", fields.chain(kind.parts.iter().map(|part| part.id.as_str())))?;
    check(provider, kind)?;
    if let Some(part) = kind.recognise.iter().find_map(|rule| match &rule.holds {
        Holding::Part(part) if kind.part(part).is_none() => Some(part),
        _ => None,
    }) {
        return fault(
            part,
            format!("\"{part}\" is no part of the kind \"{}\"", kind.id),
            format!("Add a [[kind.part]] with id = \"{part}\""),
        );
    }
    kind.listed
        .iter()
        .try_for_each(|listed| known_preset(provider, &listed.preset).and_then(|()| has_field(kind, &listed.field)))?;
    environment(kind)?;
    needed_fields(kind).into_iter().try_for_each(|field| has_field(kind, field))?;
    plan(kind)
}

fn environment(kind: &Kind) -> Verdict {
    let known = |name: &str| matches!(name, "api" | "auth" | "app") || kind.field(name).is_some();
    let templates = kind.environment.iter().map(|(_, template)| template.as_str());
    let spelt = templates.filter(|template| !matches!(*template, SECRET | ACCESS_TOKEN));
    let Some(name) = spelt.flat_map(placeholders).find(|name| !known(name)) else { return Ok(()) };
    fault(
        &format!("{{{name}}}"),
        format!("{{{name}}} in the environment of the kind \"{}\" is nothing that it has", kind.id),
        "Use {secret} or {access_token} alone, or {api}, {auth}, {app} and fields of the kind",
    )
}

fn check(provider: &Provider, kind: &Kind) -> Verdict {
    let Some(preset) = provider.preset(&kind.check) else {
        return fault(
            &kind.check,
            format!("the kind \"{}\" is checked by the preset \"{}\", which does not exist", kind.id, kind.check),
            "Name a preset of this file",
        );
    };
    let unfilled = preset.placeholders().find(|name| {
        let defaulted = preset.parameter(name).is_some_and(|parameter| parameter.default.is_some());
        !defaulted && kind.field(name).is_none_or(|field| !field.required)
    });
    match unfilled {
        None => Ok(()),
        Some(name) => fault(
            &kind.check,
            format!("the check \"{}\" needs {{{name}}}, which a credential of the kind \"{}\" may not have", preset.id, kind.id),
            format!("Check with another preset, or make the field {name} required"),
        ),
    }
}

/// The fields without which the authorization or the plan of a kind cannot work.
fn needed_fields(kind: &Kind) -> Vec<&str> {
    let mut fields = match &kind.authorization {
        Authorization::Header { .. } => Vec::new(),
        Authorization::ClientCredentials { .. } | Authorization::RefreshToken { .. } => vec!["client_id"],
        Authorization::Exchange { endpoints, verify, .. } => {
            endpoints.iter().flat_map(|endpoint| endpoint.members.values()).chain(verify.values()).map(String::as_str).collect()
        }
    };
    fields.extend(replacements(kind).flat_map(|replacement| match replacement.plan {
        ReplacementPlan::Guided | ReplacementPlan::SnykAppSession => [].as_slice(),
        ReplacementPlan::SnykPersonalAccessToken => &["pat_id"],
        ReplacementPlan::SnykServiceAccount | ReplacementPlan::SnykServiceAccountSecret => {
            &["service_account_id", "level", "org_id", "group_id"]
        }
        ReplacementPlan::SnykAppSecret => &["app_id", "org_id"],
        ReplacementPlan::ApiWebKey => &["key_id"],
    }));
    fields
}

/// The replacements of the secret and of its further parts.
fn replacements(kind: &Kind) -> impl Iterator<Item = &Replacement> {
    std::iter::once(&kind.replace).chain(kind.parts.iter().filter_map(|part| part.replace.as_ref()))
}

fn has_field(kind: &Kind, field: &str) -> Verdict {
    if kind.field(field).is_some() {
        return Ok(());
    }
    fault(
        &kind.id,
        format!("the kind \"{}\" needs a field \"{field}\" to be used or replaced", kind.id),
        format!("Add a [[kind.field]] with id = \"{field}\""),
    )
}

fn plan(kind: &Kind) -> Verdict {
    use {Authorization as A, ReplacementPlan as P};
    if let Some(part) = kind.parts.iter().find(|part| part.replace.as_ref().is_some_and(|how| !fits_part(kind, how))) {
        return fault(
            &part.id,
            format!("the plan of the part \"{}\" does not fit the kind \"{}\"", part.id, kind.id),
            "Use plan = \"snyk-app-secret\" with overlap, for a kind that is authorized by refresh tokens",
        );
    }
    let fits = match (&kind.replace.plan, &kind.authorization) {
        (P::Guided, _) => !kind.replace.steps.trim().is_empty(),
        (P::SnykPersonalAccessToken | P::SnykServiceAccount | P::ApiWebKey, auth) => matches!(auth, A::Header { .. }),
        (P::SnykServiceAccountSecret, auth) => matches!(auth, A::ClientCredentials { .. }),
        (P::SnykAppSession, auth) => matches!(auth, A::RefreshToken { authorize: Some(_), .. }),
        (P::SnykAppSecret, _) => false,
    };
    match (fits, &kind.replace.plan) {
        (true, _) => Ok(()),
        (false, P::Guided) => {
            fault(&kind.id, format!("the kind \"{}\" is replaced by hand but does not say how", kind.id), "Describe it in steps")
        }
        (false, _) => fault(
            &kind.id,
            format!("the plan of the kind \"{}\" does not fit the form of its authorization", kind.id),
            "Use plan = \"guided\" with steps",
        ),
    }
}

fn known_preset(provider: &Provider, id: &str) -> Verdict {
    if provider.preset(id).is_some() {
        return Ok(());
    }
    fault(id, format!("\"{id}\" is no preset of \"{}\"", provider.id), "Name a preset of this file")
}

/// A part is replaced beside a secret that stays, so both of the part's values must live side by side.
fn fits_part(kind: &Kind, how: &Replacement) -> bool {
    let renews = matches!(kind.authorization, Authorization::RefreshToken { .. });
    how.plan == ReplacementPlan::SnykAppSecret && how.overlap && renews
}

fn known_kind(provider: &Provider, id: &str) -> Verdict {
    if provider.kind(id).is_some() {
        return Ok(());
    }
    fault(id, format!("\"{id}\" is no kind of \"{}\"", provider.id), "Name a kind of this file")
}

fn unique<'a>(what: &str, mut names: impl Iterator<Item = &'a str>) -> Verdict {
    let mut seen = HashSet::new();
    match names.find(|name| !seen.insert(*name)) {
        None => Ok(()),
        Some(twice) => fault(twice, format!("the {what} \"{twice}\" is there twice"), "Give one of them another name"),
    }
}

fn fault(near: &str, why: impl Into<String>, remedy: impl Into<String>) -> Verdict {
    Err(Fault { near: near.to_owned(), why: why.into(), remedy: remedy.into() })
}

fn fitting<'a>(provider: &'a Provider, preset: &'a Preset) -> impl Iterator<Item = &'a Kind> {
    provider.kinds.iter().filter(|kind| !preset.not_for.contains(&kind.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::provider::builtin;

    #[test]
    fn a_part_is_replaced_beside_a_session_with_overlap_or_not_at_all() {
        let catalogue = builtin();
        let session = catalogue.kind("snyk-apps", "app").unwrap();
        let token = catalogue.kind("snyk", "personal-token").unwrap();
        let how = |plan, overlap| Replacement { plan, overlap, steps: String::new() };
        assert!(fits_part(session, &how(ReplacementPlan::SnykAppSecret, true)));
        for (kind, how) in [
            (session, how(ReplacementPlan::SnykAppSecret, false)),
            (session, how(ReplacementPlan::Guided, true)),
            (token, how(ReplacementPlan::SnykAppSecret, true)),
        ] {
            assert!(!fits_part(kind, &how), "{} {how:?}", kind.id);
        }
    }
}
