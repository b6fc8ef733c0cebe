//! Data types of a provider file.
//!
//! Each field is documented with its meaning in the file; the built-in files are in
//! `assets/providers`. Rules beyond the types are checked in `validate`. Start at [`Provider`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::lazy_list::{HasId, LazyList};
pub use super::preset_spec::{ListPointers, PresetParameter, PrincipalPointers, RequestPreset};
use crate::domain::credential::SecretPart;
use crate::domain::http_method::HttpMethod;
use crate::domain::provider::catalog::CatalogError;
use crate::domain::region::Region;
use crate::domain::response::CheckResult;
pub use crate::domain::strategy::RotationStrategyId;

/// Provider: its regions, kinds of credential, presets and status meanings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// Version of the file format; 1.
    pub format: u32,
    /// ID on the command line and in the index, such as `snyk`.
    pub id: String,
    /// Display name.
    pub title: String,
    /// URL of the provider's documentation of authentication.
    pub docs: String,
    /// Another provider whose regions this one shares (Snyk Apps uses the regions of Snyk).
    #[serde(default)]
    pub regions_of: Option<String>,
    /// Regions; empty where `regions_of` names another provider.
    #[serde(default, rename = "region")]
    pub regions: Vec<Region>,
    /// Host suffixes that are allowed for a host named *inside* a token, compared by whole labels.
    #[serde(default)]
    pub trusted_hosts: Vec<String>,
    /// Headers of every request, unless the request sets the same header.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// Media types of JSON bodies by path prefix; `application/json` for all other paths.
    #[serde(default)]
    pub media_types: Vec<(String, String)>,
    /// Path prefix that the links to further pages of a list may omit, such as `/rest`: a link
    /// `/orgs?…` in the response to `/rest/orgs` then means `/rest/orgs?…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link_prefix: Option<String>,
    /// Beginnings of paths whose responses need no valid credential, so that an accepted request
    /// there says nothing about the credential.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub public_paths: Vec<String>,
    /// Whether every refusal of the provider is JSON or has no body, so that another text in its
    /// place comes from a proxy. Default: false.
    #[serde(default, skip_serializing_if = "is_false")]
    pub json_errors: bool,
    /// Kinds of credential.
    #[serde(rename = "kind")]
    pub kinds: LazyList<CredentialKind>,
    /// Ready-made requests.
    #[serde(default, rename = "preset")]
    pub presets: LazyList<RequestPreset>,
    /// Meanings of statuses, most specific first.
    #[serde(default, rename = "status")]
    pub statuses: Vec<StatusRule>,
    /// Subscription plans that have no API access, as part of a sentence.
    #[serde(default)]
    #[serde(rename = "plans")]
    pub plans_without_api: Option<String>,
    /// Listing of the organizations that a credential can see. A rotation compares them; where the
    /// listing is missing, it asks the user whether the new secret may replace the old one, unless
    /// `has_organizations` is false.
    #[serde(default)]
    #[serde(rename = "organisations")]
    pub organizations: Option<OrganizationListing>,
    /// Whether a credential can have access to some organizations of the provider and not to others.
    /// Where false, its principal and its roles alone decide what it can access. Default: true.
    #[serde(default = "default_true", skip_serializing_if = "is_true")]
    pub has_organizations: bool,
    /// JSON members that hold a secret in responses of this provider.
    #[serde(default)]
    pub secret_members: Vec<String>,
    /// Environment variables, beside those of the kinds, that set a credential or a host for a tool
    /// of this provider. A command that gets a credential does not inherit them.
    #[serde(default)]
    pub conflicting_variables: Vec<String>,
    /// Members that hold a secret in the configuration files of the provider's own tools: name of
    /// the file and name of the member. In other files the names mean nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_secrets: Vec<(String, String)>,
}

/// Kind of credential.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialKind {
    /// ID within the provider, such as `personal-access-token`.
    pub id: String,
    /// Display name.
    pub title: String,
    /// Purpose in one sentence.
    pub help: String,
    /// Provider's name for the secret, such as "client secret".
    pub secret: String,
    /// Way in which the secret becomes an `Authorization` header.
    pub authorization: AuthMethod,
    /// Rules that recognize a pasted secret of this kind.
    #[serde(default)]
    #[serde(rename = "recognise")]
    pub recognition_rules: Vec<RecognitionRule>,
    /// Type of principal that a credential of this kind acts as, in the words of the response to
    /// its check. It distinguishes kinds whose secrets look alike.
    #[serde(default)]
    #[serde(rename = "acts_as")]
    pub principal_type: Option<String>,
    /// Further values that are needed or useful; none of them is secret.
    #[serde(default, rename = "field")]
    pub fields: Vec<FieldSpec>,
    /// Further secret parts, such as `client_secret` beside a refresh token.
    #[serde(default, rename = "part")]
    pub parts: Vec<SecretPartSpec>,
    /// ID of the preset that shows whether a credential of this kind works.
    pub check: String,
    /// Page where the user creates or renews a credential; `{app}` is the region's web application.
    #[serde(default)]
    pub page: Option<String>,
    /// URL of the provider's documentation of this kind.
    pub docs: String,
    /// Maximum lifetime at the provider, in days.
    #[serde(default)]
    pub max_days: Option<u32>,
    /// Maximum number of credentials that may exist at the same time.
    #[serde(default)]
    pub max_live: Option<u32>,
    /// Listing of credentials of this kind with their expiry dates.
    #[serde(default)]
    #[serde(rename = "listed")]
    pub credential_listing: Option<CredentialListing>,
    /// Rotation of a credential of this kind.
    #[serde(rename = "replace")]
    pub rotation: RotationSpec,
    /// Environment variables that the provider's own tools read: name and template. A template is
    /// either `{secret}` or `{access_token}` alone, or a text with the region's `{api}`, `{auth}`,
    /// `{app}` and fields.
    #[serde(default)]
    pub environment: Vec<(String, String)>,
    /// Caution that is shown when the user chooses this kind.
    #[serde(default)]
    pub caution: Option<String>,
}

/// Way in which a secret becomes an `Authorization` header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "form", rename_all = "kebab-case", deny_unknown_fields)]
pub enum AuthMethod {
    /// Sends `Authorization: <scheme> <secret>`.
    Header {
        /// Scheme, such as `token` or `JWT`.
        scheme: String,
        /// Scheme to try once after a 401. The scheme that works is remembered.
        #[serde(default)]
        fallback: Option<String>,
    },
    /// Exchanges the secret and the field `client_id` by the OAuth client-credentials grant.
    ClientCredentials {
        /// Path of the token endpoint on the API host.
        token: String,
        /// Scheme of the access token.
        scheme: String,
    },
    /// Exchanges a single-use refresh token together with `client_id` and the part `client_secret`.
    RefreshToken {
        /// Path of the token endpoint on the API host.
        token: String,
        /// Scheme of the access token.
        scheme: String,
        /// Path of the page on the web application where the user approves a sign-in.
        #[serde(default)]
        authorize: Option<String>,
        /// Path on the API host that revokes a refresh token.
        #[serde(default)]
        revoke: Option<String>,
    },
    /// Sends the secret as a form to the auth host, which returns an access token.
    Exchange {
        /// Endpoints in the order in which they are tried; the next one is tried only after a 404.
        endpoints: Vec<TokenEndpoint>,
        /// Scheme of the access token.
        scheme: String,
        /// Claims of the access token that must equal fields of the credential, where it has them:
        /// claim → field ID. A provider may return a token for something other than requested.
        #[serde(default)]
        verify: BTreeMap<String, String>,
    },
}

/// Endpoint that exchanges a secret for an access token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenEndpoint {
    /// Path on the auth host.
    pub path: String,
    /// Form member that carries the secret.
    pub secret_member: String,
    /// Form members that carry fields of the credential, where it has them: member name → field ID.
    #[serde(default)]
    pub members: BTreeMap<String, String>,
    /// Form members with fixed values.
    #[serde(default)]
    pub constants: BTreeMap<String, String>,
}

/// Rule that recognizes a pasted secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecognitionRule {
    /// Format of the text.
    pub shape: SecretFormat,
    /// Prefix of the text.
    #[serde(default)]
    pub prefix: String,
    /// Suffix of the text.
    #[serde(default)]
    pub suffix: String,
    /// Confidence of a match.
    pub confidence: MatchConfidence,
    /// Role of the matched text: the kind's secret, one of its parts, or a token that is not worth
    /// storing.
    #[serde(default)]
    #[serde(rename = "holds")]
    pub secret_role: SecretRole,
    /// Meaning of the claims, for formats that contain some.
    #[serde(default)]
    pub claims: ClaimMapping,
    /// Reason why a match means this kind.
    pub why: String,
}

/// Role of a recognized text for its kind.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecretRole {
    /// Secret of the kind.
    #[default]
    Secret,
    /// One of the kind's further parts, by its ID.
    Part(String),
    /// Short-lived token that a secret of this kind is exchanged for, not the secret itself.
    AccessToken,
}

/// Names of a token's claims by meaning. Claims are only hints, because nothing verifies the
/// token's signature.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimMapping {
    /// Claim that names the API host. A JWT looks the same for every provider, so it is recognized
    /// only where that host is trusted. A token with a prefix of its own is recognized without a
    /// trusted host, but without a region.
    #[serde(default)]
    pub host: Option<String>,
    /// Claim that holds the expiry in seconds since 1970.
    #[serde(default)]
    pub expires: Option<String>,
    /// Claim that holds the token's ID at the provider.
    #[serde(default)]
    pub id: Option<String>,
    /// Claims that must exist.
    #[serde(default)]
    pub required: Vec<String>,
}

/// Formats of secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecretFormat {
    /// 36 characters of hexadecimal digits and dashes.
    Uuid,
    /// `prefix.<8 characters>.<base64url JSON claims>.<signature>`, Snyk's own format.
    ClaimsToken,
    /// Three base64url parts; the first two are JSON.
    Jwt,
    /// Base64 text with padding, and nothing else.
    Base64,
    /// Any text between prefix and suffix.
    Opaque,
    /// PEM private key.
    PemKey,
}

/// Confidence of a recognition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MatchConfidence {
    /// The text may be this, among other things.
    Possible,
    /// The text very probably is this.
    Likely,
    /// No other secret looks like this.
    Certain,
}

/// Value that accompanies a secret without being secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldSpec {
    /// ID, such as `client_id`.
    pub id: String,
    /// Display name.
    pub title: String,
    /// Meaning and where to find the value, in one sentence.
    pub help: String,
    /// Whether the kind cannot be used without the field.
    #[serde(default)]
    pub required: bool,
    /// Whether the provider reports the value, so that the user need not enter it.
    #[serde(default)]
    #[serde(rename = "learned")]
    pub provider_supplied: bool,
    /// Preset whose response lists the values.
    #[serde(default, rename = "from", skip_serializing_if = "Option::is_none")]
    pub options_preset: Option<String>,
    /// Position of the values in that response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<ListPointers>,
}

/// Where a provider lists the values of a field or parameter.
pub struct ValueListing<'p> {
    /// Preset whose response is the list.
    pub preset: &'p RequestPreset,
    /// Position of the values in the response.
    pub items: &'p ListPointers,
}

/// Listing of organizations with their names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrganizationListing {
    /// Preset whose response lists the organizations.
    pub preset: String,
    /// Position of the list in the response.
    pub items: ListPointers,
}

/// Listing of the provider's credentials of one kind: IDs and expiry dates, never secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialListing {
    /// Preset whose response lists the credentials.
    pub preset: String,
    /// Pointer to the array in the response.
    pub list: String,
    /// Pointer to the ID within an element.
    pub id: String,
    /// Pointer to the expiry within an element, in RFC 3339 format.
    pub expires: String,
    /// Field that stores the ID.
    pub field: String,
}

/// Further secret that accompanies a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretPartSpec {
    /// ID, such as `client_secret`.
    pub id: String,
    /// Display name.
    pub title: String,
    /// Meaning and where to find the value, in one sentence.
    pub help: String,
    /// Whether the kind cannot be used without the part.
    #[serde(default)]
    pub required: bool,
    /// Rotation of this part alone, while the main secret stays.
    #[serde(default)]
    #[serde(rename = "replace")]
    pub rotation: Option<RotationSpec>,
}

/// Rotation of a credential of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RotationSpec {
    /// Strategy of the rotation.
    #[serde(rename = "plan")]
    pub strategy: RotationStrategyId,
    /// Whether the old and the new secret can be valid at the same time.
    pub overlap: bool,
    /// Steps for the user, in one or two sentences; empty where no step is manual.
    #[serde(default)]
    #[serde(rename = "steps")]
    pub manual_steps: String,
}

/// Meaning of a status at this provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusRule {
    /// HTTP status.
    pub status: u16,
    /// Text that the response body must contain for the rule to match.
    #[serde(default)]
    #[serde(rename = "body_has")]
    pub body_contains: Option<String>,
    /// Kinds of credential for which the rule matches; all kinds where empty.
    #[serde(default)]
    pub kinds: Vec<String>,
    /// Check result that the status implies.
    #[serde(rename = "verdict")]
    pub result: CheckResult,
    /// What happened.
    pub what: String,
    /// Why it happened, as far as known; unknown causes are stated as such.
    pub why: String,
    /// What to do.
    pub remedy: String,
}

const fn default_true() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_true(value: &bool) -> bool {
    *value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}

impl HasId for CredentialKind {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Provider {
    /// Returns the media type of a JSON body for this path.
    pub fn media_type(&self, path: &str) -> &str {
        let own =
            self.media_types.iter().find(|(beginning, _)| path.starts_with(beginning.as_str()));
        own.map_or("application/json", |(_, media)| media)
    }

    /// Returns the kind with this ID.
    pub fn kind(&self, id: &str) -> Option<&CredentialKind> {
        self.kinds.get(id)
    }

    /// Returns the preset with this ID.
    pub fn preset(&self, id: &str) -> Option<&RequestPreset> {
        self.presets.get(id)
    }

    /// Returns where the provider lists the values of the field or parameter with this ID.
    pub fn value_listing(&self, id: &str) -> Option<ValueListing<'_>> {
        let fields = self.kinds.iter().flat_map(|kind| &kind.fields).filter(|field| field.id == id);
        let fields = fields.map(|field| (&field.options_preset, &field.items));
        let parameters = self.presets.iter().flat_map(|preset| &preset.parameters);
        let parameters = parameters
            .filter(|parameter| parameter.id == id)
            .map(|parameter| (&parameter.options_preset, &parameter.items));
        fields.chain(parameters).find_map(|(preset, items)| {
            let preset = self.preset(preset.as_deref()?)?;
            Some(ValueListing { preset, items: items.as_ref()? })
        })
    }

    /// Returns the presets that are useful for a kind.
    pub fn presets_for<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a RequestPreset> {
        self.presets
            .iter()
            .filter(move |preset| !preset.excluded_kinds.iter().any(|unfit| unfit == kind))
    }
}

impl CredentialKind {
    /// Returns the field with this ID.
    pub fn field(&self, id: &str) -> Option<&FieldSpec> {
        self.fields.iter().find(|field| field.id == id)
    }

    /// Whether a secret of this kind can look like a secret of the other kind.
    pub fn resembles(&self, other: &Self) -> bool {
        let form = |rule: &RecognitionRule| (rule.shape, rule.prefix.clone(), rule.suffix.clone());
        self.recognition_rules
            .iter()
            .any(|rule| other.recognition_rules.iter().any(|known| form(rule) == form(known)))
    }

    /// Returns the error for a further secret part that the kind does not have.
    pub fn unknown_part(&self, id: &str) -> CatalogError {
        CatalogError::unknown("part", id, self.parts.iter().map(|part| part.id.as_str()))
    }

    /// Returns the further secret part with this ID.
    pub fn part(&self, id: &str) -> Option<&SecretPartSpec> {
        self.parts.iter().find(|part| part.id == id)
    }

    /// Returns the rotation of the secret or of a further part; `None` where the part cannot be
    /// rotated or does not exist.
    pub fn rotation_of_part(&self, part: &SecretPart) -> Option<&RotationSpec> {
        match part {
            SecretPart::Secret => Some(&self.rotation),
            SecretPart::Named(id) => self.part(id)?.rotation.as_ref(),
        }
    }

    /// Returns the page where the user creates or renews a credential in that region; `None` where
    /// the kind or the region has no such page.
    pub fn page_url(&self, region: &Region) -> Option<String> {
        let app = region.app.as_ref()?;
        Some(self.page.as_ref()?.replace("{app}", &app.to_string()))
    }
}

impl AuthMethod {
    /// Whether the secret is exchanged for an access token instead of being sent to the API.
    pub const fn uses_token_exchange(&self) -> bool {
        !matches!(self, Self::Header { .. })
    }

    /// Whether a refusal may only mean that the access token has expired, for a request that is not
    /// repeated automatically because it may change something.
    pub const fn needs_manual_retry(&self, method: HttpMethod, status: u16) -> bool {
        self.uses_token_exchange() && status == 401 && !method.is_safe()
    }

    /// Returns the scheme that is shown and sent first.
    pub fn scheme(&self) -> &str {
        match self {
            Self::Header { scheme, .. }
            | Self::ClientCredentials { scheme, .. }
            | Self::RefreshToken { scheme, .. }
            | Self::Exchange { scheme, .. } => scheme,
        }
    }
}
