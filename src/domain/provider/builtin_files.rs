//! The provider files that come with the program.

/// Name and text of each, in the order in which they are listed everywhere.
pub(super) const FILES: [(&str, &str); 4] = [
    ("snyk.toml", include_str!("../../../assets/providers/snyk.toml")),
    ("snyk-apps.toml", include_str!("../../../assets/providers/snyk-apps.toml")),
    ("snyk-api-web.toml", include_str!("../../../assets/providers/snyk-api-web.toml")),
    ("appcircle.toml", include_str!("../../../assets/providers/appcircle.toml")),
];
