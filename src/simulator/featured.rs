//! Selection of the seeded credentials that the manifest lists: few enough for one screen, in every
//! interesting state.

use super::manifest::SeededCredential;

/// Names, in the order of the manifest. Other seeded credentials exist too and can be listed with
/// an admin token.
const FEATURED_CREDENTIALS: [&str; 39] = [
    "us01-admin",
    "us01-reader",
    "us01-laptop",
    "us01-ci-scanner",
    "us01-pr-checks",
    "us01-release-bot",
    "us01-group-reporter",
    "us01-triage-app",
    "us01-metrics-org",
    "us02-admin",
    "us02-reader",
    "us02-old-jenkins",
    "us02-broker",
    "eu01-admin",
    "eu01-reader",
    "eu01-workstation",
    "eu01-ci-scanner",
    "eu01-appsec-bot",
    "eu01-release-bot",
    "eu01-sbom-export",
    "eu01-triage-app",
    "eu01-nightly",
    "au01-admin",
    "au01-reader",
    "au01-old-laptop",
    "au01-broker",
    "gov01-admin",
    "gov01-reader",
    "gov01-release-bot",
    MISFILED_CREDENTIAL,
    "saw-eu-admin",
    "saw-eu-pipeline",
    "saw-us-admin",
    "saw-us-pipeline",
    "saw-au-admin",
    "saw-au-pipeline",
    "appcircle-laptop",
    "appcircle-ci",
    "appcircle-stray",
];

/// A token of US-02 that is registered under EU-01 by mistake.
const MISFILED_CREDENTIAL: &str = "eu01-misfiled";
const MISFILED_ORIGINAL: &str = "us02-pr-checks";

/// Selects and orders the credentials of the manifest.
pub(super) fn select_featured(mut all: Vec<SeededCredential>) -> Vec<SeededCredential> {
    if let Some(original) = all.iter().find(|credential| credential.name == MISFILED_ORIGINAL) {
        let copy = SeededCredential {
            name: MISFILED_CREDENTIAL.to_owned(),
            region: "SNYK-EU-01".to_owned(),
            ..original.clone()
        };
        all.push(copy);
    }
    let find = |name: &str| all.iter().find(|credential| credential.name == name).cloned();
    FEATURED_CREDENTIALS.into_iter().filter_map(find).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_exist_is_not_shown() {
        assert!(select_featured(Vec::new()).is_empty());
    }
}
