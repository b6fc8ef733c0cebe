//! Diagnostics of the provider files: which built-in regions and kinds they change.

use super::{Diagnostic, DiagnosticArea};
use crate::domain::provider::ProviderCatalog;
use crate::domain::region::Region;
use crate::engine::doctor::DoctorService;
use crate::engine::secrets::bindings::describe_origins;

impl DoctorService {
    /// Names every built-in region and kind that a provider file changes.
    pub(super) fn diagnose_overrides(&self) -> Vec<Diagnostic> {
        let mut findings = Vec::new();
        for provider in ProviderCatalog::builtin().providers() {
            let Ok(found) = self.catalog.provider(&provider.id) else { continue };
            for region in &provider.regions {
                let changed =
                    found.regions.iter().find(|known| known.id.eq_ignore_ascii_case(&region.id));
                findings.extend(
                    changed
                        .filter(|changed| *changed != region)
                        .map(|changed| changed_region(&provider.id, region, changed)),
                );
            }
            for kind in provider.kinds.iter() {
                if found.kind(&kind.id) != Some(kind) {
                    findings.push(override_finding(
                        format!("A provider file changes the kind {} of {}", kind.id, provider.id),
                        "the file decides how its secrets are recognized, sent and rotated"
                            .to_owned(),
                    ));
                }
            }
        }
        findings
    }
}

fn changed_region(provider: &str, builtin: &Region, changed: &Region) -> Diagnostic {
    let [before, now] = [builtin, changed].map(|region| describe_origins(&region.bound_origins()));
    let why = if before == now {
        "its hosts are the built-in ones".to_owned()
    } else {
        format!("built in: {before}; now: {now}")
    };
    override_finding(
        format!("A provider file changes the region {} of {provider}", builtin.id),
        why,
    )
}

fn override_finding(what: String, why: String) -> Diagnostic {
    let remedy = "if you did not write this, remove it from the files in the folder providers";
    Diagnostic::warn(DiagnosticArea::Settings, what, why, remedy)
}
