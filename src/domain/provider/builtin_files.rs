//! The provider files that come with the program.

/// Id and content of each, in the order in which they are listed everywhere. The build turns their TOML into JSON
/// (`assets/build.rs`), since somebody waits for what is read at a start.
pub(super) const FILES: [(&str, &str); 4] = [
    ("snyk", include_str!(concat!(env!("OUT_DIR"), "/providers/snyk.json"))),
    ("snyk-apps", include_str!(concat!(env!("OUT_DIR"), "/providers/snyk-apps.json"))),
    ("snyk-api-web", include_str!(concat!(env!("OUT_DIR"), "/providers/snyk-api-web.json"))),
    ("appcircle", include_str!(concat!(env!("OUT_DIR"), "/providers/appcircle.json"))),
];
