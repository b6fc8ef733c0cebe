//! The provider files that come with the program.

/// Name and content of each, in the order in which they are listed everywhere. The build turns their TOML into JSON
/// (`assets/build.rs`), since they are read at every start and somebody waits for it.
pub(super) const FILES: [(&str, &str); 4] = [
    ("snyk.toml", include_str!(concat!(env!("OUT_DIR"), "/providers/snyk.json"))),
    ("snyk-apps.toml", include_str!(concat!(env!("OUT_DIR"), "/providers/snyk-apps.json"))),
    ("snyk-api-web.toml", include_str!(concat!(env!("OUT_DIR"), "/providers/snyk-api-web.json"))),
    ("appcircle.toml", include_str!(concat!(env!("OUT_DIR"), "/providers/appcircle.json"))),
];
