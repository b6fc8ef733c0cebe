//! The form of a provider file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::lazy_list::{HasId, LazyList};
use super::placeholder::placeholders;
use super::value_type::ValueType;
use crate::domain::credential::SecretPart;
use crate::domain::region::{HostRole, Region};
use crate::domain::request::HttpMethod;
use crate::domain::response::CheckResult;

/// A provider: its regions, the kinds of credential it issues, its ready-made requests and what its statuses mean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// The version of this form; 1.
    pub format: u32,
    /// The id used on the command line and in the index, such as `snyk`.
    pub id: String,
    /// The name for people.
    pub title: String,
    /// Where the provider documents its authentication.
    pub docs: String,
    /// Another provider whose regions are also this one's (Snyk Apps lives where Snyk does).
    #[serde(default)]
    pub regions_of: Option<String>,
    /// The regions; empty where `regions_of` names another provider.
    #[serde(default, rename = "region")]
    pub regions: Vec<Region>,
    /// Host suffixes, compared by whole labels, that a region named *inside* a token may have.
    #[serde(default)]
    pub trusted_hosts: Vec<String>,
    /// Headers that every request carries, except where it has its own of the same name.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// The media type of JSON bodies, by how the path begins; `application/json` for all others.
    #[serde(default)]
    pub media_types: Vec<(String, String)>,
    /// The kinds of credential.
    #[serde(rename = "kind")]
    pub kinds: LazyList<CredentialKind>,
    /// The ready-made requests.
    #[serde(default, rename = "preset")]
    pub presets: LazyList<RequestPreset>,
    /// What statuses mean here, most specific first.
    #[serde(default, rename = "status")]
    pub statuses: Vec<StatusRule>,
    /// Which plans are refused by the API whatever the credential, as a half sentence.
    #[serde(default)]
    #[serde(rename = "plans")]
    pub plans_without_api: Option<String>,
    /// Where the organisations are listed that a credential sees.
    #[serde(default)]
    #[serde(rename = "organisations")]
    pub organizations: Option<OrganizationListing>,
    /// JSON members whose values are secrets whenever this provider answers with them.
    #[serde(default)]
    pub secret_members: Vec<String>,
}

/// A kind of credential.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialKind {
    /// The id within the provider, such as `personal-access-token`.
    pub id: String,
    /// The name for people.
    pub title: String,
    /// One sentence: what it is for.
    pub help: String,
    /// What the provider calls the secret itself, such as "client secret".
    pub secret: String,
    /// How the secret becomes an `Authorization` header.
    pub authorization: AuthMethod,
    /// How a pasted secret of this kind is recognised.
    #[serde(default)]
    #[serde(rename = "recognise")]
    pub recognition_rules: Vec<RecognitionRule>,
    /// The type of principal that one of this kind acts as, in the words of the answer to its check: it tells kinds apart
    /// whose secrets look alike.
    #[serde(default)]
    #[serde(rename = "acts_as")]
    pub principal_type: Option<String>,
    /// What else is needed or useful besides the secret; nothing of it is secret.
    #[serde(default, rename = "field")]
    pub fields: Vec<FieldSpec>,
    /// Further secret parts besides the secret itself, such as `client_secret` beside a refresh token.
    #[serde(default, rename = "part")]
    pub parts: Vec<SecretPartSpec>,
    /// The id of the preset that tells whether a credential of this kind works.
    pub check: String,
    /// Where a person makes or renews one; `{app}` is the region's web application.
    #[serde(default)]
    pub page: Option<String>,
    /// Where the provider documents this kind.
    pub docs: String,
    /// How long the provider lets one live at most, in days.
    #[serde(default)]
    pub max_days: Option<u32>,
    /// How many may live at the same time.
    #[serde(default)]
    pub max_live: Option<u32>,
    /// Where the provider lists credentials of this kind with their ends.
    #[serde(default)]
    #[serde(rename = "listed")]
    pub credential_listing: Option<CredentialListing>,
    /// How one is replaced.
    #[serde(rename = "replace")]
    pub rotation: RotationSpec,
    /// The variables that the provider's own tools read: name and template, either `{secret}` or
    /// `{access_token}` alone or a text with the region's `{api}`, `{auth}`, `{app}` and fields.
    #[serde(default)]
    pub environment: Vec<(String, String)>,
    /// A caution shown where the kind is chosen.
    #[serde(default)]
    pub caution: Option<String>,
}

/// How a secret becomes an `Authorization` header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "form", rename_all = "kebab-case", deny_unknown_fields)]
pub enum AuthMethod {
    /// `Authorization: <scheme> <secret>`.
    Header {
        /// The scheme, such as `token` or `JWT`.
        scheme: String,
        /// A scheme to try once after a 401; what worked is remembered.
        #[serde(default)]
        fallback: Option<String>,
    },
    /// The secret and the field `client_id` are exchanged by the OAuth client-credentials grant.
    ClientCredentials {
        /// The path of the token endpoint on the API host.
        token: String,
        /// The scheme of the access token.
        scheme: String,
    },
    /// The secret is a single-use refresh token; `client_id` and the part `client_secret` go with it.
    RefreshToken {
        /// The path of the token endpoint on the API host.
        token: String,
        /// The scheme of the access token.
        scheme: String,
        /// The path of the page, on the web application, where a person agrees to a sign-in.
        #[serde(default)]
        authorize: Option<String>,
        /// The path, on the API host, that ends a refresh token.
        #[serde(default)]
        revoke: Option<String>,
    },
    /// The secret is sent as a form to the auth host, which answers with an access token.
    Exchange {
        /// The endpoints to try in this order; the next one only after a 404.
        endpoints: Vec<TokenEndpoint>,
        /// The scheme of the access token.
        scheme: String,
        /// Claims of the access token that must equal fields, where the credential has them: claim → field id. A
        /// provider may answer with a token for something else than was asked for.
        #[serde(default)]
        verify: BTreeMap<String, String>,
    },
}

/// One endpoint that exchanges a secret for an access token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenEndpoint {
    /// The path on the auth host.
    pub path: String,
    /// The form member that carries the secret.
    pub secret_member: String,
    /// Form members that carry fields, where the credential has them: member name → field id.
    #[serde(default)]
    pub members: BTreeMap<String, String>,
    /// Form members that are always the same.
    #[serde(default)]
    pub constants: BTreeMap<String, String>,
}

/// A rule that recognises a pasted secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecognitionRule {
    /// What the text looks like.
    pub shape: SecretFormat,
    /// What it begins with.
    #[serde(default)]
    pub prefix: String,
    /// What it ends with.
    #[serde(default)]
    pub suffix: String,
    /// How sure a match is.
    pub confidence: MatchConfidence,
    /// What a match holds: the kind's secret, one of its parts, or a token that is not worth keeping.
    #[serde(default)]
    #[serde(rename = "holds")]
    pub secret_role: SecretRole,
    /// What the claims inside say, for shapes that have some.
    #[serde(default)]
    pub claims: ClaimMapping,
    /// Why a match means this kind, in words.
    pub why: String,
}

/// What a recognised text is to its kind.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecretRole {
    /// The kind's secret.
    #[default]
    Secret,
    /// One of the kind's further parts, by its id.
    Part(String),
    /// A short-lived token that a secret of this kind is exchanged for; not the secret itself.
    AccessToken,
}

/// Which claims of a token say what. They are hints: nobody has verified their signature.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimMapping {
    /// The claim that names the API host. A JWT, which looks like anybody's, is recognised only where that host is
    /// trusted; a token with a prefix of its own is recognised anyway, without a region.
    #[serde(default)]
    pub host: Option<String>,
    /// The claim that holds the end in seconds since 1970.
    #[serde(default)]
    pub expires: Option<String>,
    /// The claim that holds the token's id at the provider.
    #[serde(default)]
    pub id: Option<String>,
    /// Claims that must be there.
    #[serde(default)]
    pub required: Vec<String>,
}

/// The shapes that secrets have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecretFormat {
    /// 36 characters of hexadecimal digits and dashes.
    Uuid,
    /// `prefix.<8 characters>.<base64url JSON claims>.<signature>`, Snyk's own form.
    ClaimsToken,
    /// Three base64url parts; the first two are JSON.
    Jwt,
    /// Base64 text with padding that is nothing else.
    Base64,
    /// Anything between prefix and suffix.
    Opaque,
    /// A PEM private key.
    PemKey,
}

/// How sure a recognition is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MatchConfidence {
    /// It may be this, among other things.
    Possible,
    /// It very probably is this.
    Likely,
    /// Nothing else looks like this.
    Certain,
}

/// A field that goes with a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldSpec {
    /// The id, such as `client_id`.
    pub id: String,
    /// The name for people.
    pub title: String,
    /// One sentence: what it is and where to find it.
    pub help: String,
    /// Whether the kind cannot be used without it.
    #[serde(default)]
    pub required: bool,
    /// Whether the provider tells it, so that nobody needs to be asked for it.
    #[serde(default)]
    #[serde(rename = "learned")]
    pub provider_supplied: bool,
}

/// Where a provider lists something that has a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrganizationListing {
    /// The preset whose answer lists it.
    pub preset: String,
    /// Where in the answer.
    pub items: ListPointers,
}

/// Where a provider lists credentials of a kind: by id and end, never the secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialListing {
    /// The preset whose answer lists them.
    pub preset: String,
    /// The array in the answer.
    pub list: String,
    /// The id within an element.
    pub id: String,
    /// The end within an element, as RFC 3339 has it.
    pub expires: String,
    /// The field that keeps the id.
    pub field: String,
}

/// A further secret that goes with a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretPartSpec {
    /// The id, such as `client_secret`.
    pub id: String,
    /// The name for people.
    pub title: String,
    /// One sentence: what it is and where to find it.
    pub help: String,
    /// Whether the kind cannot be used without it.
    #[serde(default)]
    pub required: bool,
    /// How it is replaced by itself, while the secret beside it stays.
    #[serde(default)]
    #[serde(rename = "replace")]
    pub rotation: Option<RotationSpec>,
}

/// How a credential of a kind is replaced by another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RotationSpec {
    /// The plan.
    #[serde(rename = "plan")]
    pub strategy: RotationStrategyId,
    /// Whether old and new can live side by side.
    pub overlap: bool,
    /// What a person does, in one or two sentences; empty where nothing is left to do.
    #[serde(default)]
    #[serde(rename = "steps")]
    pub manual_steps: String,
}

/// The ways to replace a credential; each is a strategy in code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RotationStrategyId {
    /// A person makes the new one on the provider's page and pastes it; the old one dies there too.
    #[serde(rename = "guided")]
    Manual,
    /// A person makes the new one; the program revokes the old one by API.
    SnykPersonalAccessToken,
    /// A new service account with the same role; the old account is deleted.
    SnykServiceAccount,
    /// A second secret on the same service account; the old secret is deleted.
    SnykServiceAccountSecret,
    /// Another sign-in, then the old refresh token is revoked.
    SnykAppSession,
    /// A second client secret on the same app; the old one is deleted, and the sign-ins stay.
    SnykAppSecret,
    /// A new key by `/keys/`; the old key is deleted.
    ApiWebKey,
}

/// A ready-made request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestPreset {
    /// The id within the provider, such as `self`.
    pub id: String,
    /// The name for people.
    pub title: String,
    /// One sentence: what it answers.
    pub help: String,
    /// The method.
    #[serde(default = "default_method")]
    pub method: String,
    /// Which host of the region.
    #[serde(default)]
    #[serde(rename = "place")]
    pub host_role: HostRole,
    /// The path, with `{placeholders}`.
    pub path: String,
    /// The query, in order; values may hold placeholders.
    #[serde(default)]
    pub query: Vec<(String, String)>,
    /// Headers besides the provider's own.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// The body, with placeholders.
    #[serde(default)]
    pub body: Option<String>,
    /// What the placeholders mean.
    #[serde(default, rename = "parameter")]
    pub parameters: Vec<PresetParameter>,
    /// Where the provider documents it.
    pub docs: String,
    /// Whether it only reads, although its method might do more; so it is asked about more briefly.
    #[serde(default)]
    #[serde(rename = "reads")]
    pub read_only: bool,
    /// Kinds it is of no use to.
    #[serde(default)]
    #[serde(rename = "not_for")]
    pub excluded_kinds: Vec<String>,
    /// Where the answer says who the credential acts as.
    #[serde(default)]
    pub principal: Option<PrincipalPointers>,
}

/// JSON pointers into an answer that name the principal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrincipalPointers {
    /// Where its identifier is.
    pub id: String,
    /// Where its name is; the first that exists.
    pub name: Vec<String>,
    /// Where its type is, if the answer tells.
    #[serde(default)]
    pub kind: Option<String>,
    /// Where the organisation is that it works in unless it says otherwise.
    #[serde(default)]
    #[serde(rename = "home")]
    pub home_organization: Option<String>,
    /// Members that, where true, tell the type instead: pointer → type.
    #[serde(default)]
    pub flags: BTreeMap<String, String>,
}

/// A parameter of a preset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PresetParameter {
    /// The placeholder's name, such as `org_id`.
    pub id: String,
    /// One sentence: what it is.
    pub help: String,
    /// What its values look like.
    #[serde(default, rename = "type")]
    pub value_type: ValueType,
    /// The values that there are; without any, all of its type.
    #[serde(default)]
    pub choices: Vec<String>,
    /// The value where nothing else is known.
    #[serde(default)]
    pub default: Option<String>,
    /// The preset whose answers list its values.
    #[serde(default)]
    #[serde(rename = "from")]
    pub options_preset: Option<String>,
    /// Where that answer lists them.
    #[serde(default)]
    pub items: Option<ListPointers>,
}

/// Where an answer lists the values of a parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListPointers {
    /// The array.
    pub list: String,
    /// The value within an element.
    pub value: String,
    /// The name for people within an element.
    pub name: String,
}

/// What a status means at this provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusRule {
    /// The HTTP status.
    pub status: u16,
    /// Only where the answer's body holds this text.
    #[serde(default)]
    #[serde(rename = "body_has")]
    pub body_contains: Option<String>,
    /// Only where the credential is of one of these kinds.
    #[serde(default)]
    pub kinds: Vec<String>,
    /// What it says about the credential.
    #[serde(rename = "verdict")]
    pub result: CheckResult,
    /// What happened.
    pub what: String,
    /// Why, as far as it is known; what is not known is said as such.
    pub why: String,
    /// What to do.
    pub remedy: String,
}

impl HasId for CredentialKind {
    fn id(&self) -> &str {
        &self.id
    }
}

impl HasId for RequestPreset {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Provider {
    /// The media type that a JSON body for this path has.
    pub fn media_type(&self, path: &str) -> &str {
        let own =
            self.media_types.iter().find(|(beginning, _)| path.starts_with(beginning.as_str()));
        own.map_or("application/json", |(_, media)| media)
    }

    /// The kind with the given id.
    pub fn kind(&self, id: &str) -> Option<&CredentialKind> {
        self.kinds.get(id)
    }

    /// The preset with the given id.
    pub fn preset(&self, id: &str) -> Option<&RequestPreset> {
        self.presets.get(id)
    }

    /// The presets that are of use to a kind.
    pub fn presets_for<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a RequestPreset> {
        self.presets
            .iter()
            .filter(move |preset| !preset.excluded_kinds.iter().any(|unfit| unfit == kind))
    }
}

impl CredentialKind {
    /// The field with the given id.
    pub fn field(&self, id: &str) -> Option<&FieldSpec> {
        self.fields.iter().find(|field| field.id == id)
    }

    /// Whether a secret may be of this kind and of the other by its looks.
    pub fn resembles(&self, other: &Self) -> bool {
        let form = |rule: &RecognitionRule| (rule.shape, rule.prefix.clone(), rule.suffix.clone());
        self.recognition_rules
            .iter()
            .any(|rule| other.recognition_rules.iter().any(|known| form(rule) == form(known)))
    }

    /// The further secret part with the given id.
    pub fn part(&self, id: &str) -> Option<&SecretPartSpec> {
        self.parts.iter().find(|part| part.id == id)
    }

    /// How the secret or one of the further parts is replaced; `None` where that part cannot be, or is none.
    pub fn rotation_of_part(&self, part: &SecretPart) -> Option<&RotationSpec> {
        match part {
            SecretPart::Secret => Some(&self.rotation),
            SecretPart::Named(id) => self.part(id)?.rotation.as_ref(),
        }
    }

    /// The page where a person makes or renews one, in that region; `None` where kind or region has no such page.
    pub fn page_url(&self, region: &Region) -> Option<String> {
        let app = region.app.as_ref()?;
        Some(self.page.as_ref()?.replace("{app}", &app.to_string()))
    }
}

impl RequestPreset {
    /// The parameter with the given id.
    pub fn parameter(&self, id: &str) -> Option<&PresetParameter> {
        self.parameters.iter().find(|parameter| parameter.id == id)
    }

    /// The placeholders in path, query and body, repetitions included.
    pub fn placeholders(&self) -> impl Iterator<Item = &str> {
        let query = self.query.iter().flat_map(|(_, value)| placeholders(value));
        placeholders(&self.path)
            .chain(query)
            .chain(self.body.as_deref().into_iter().flat_map(placeholders))
    }
}

impl AuthMethod {
    /// Whether the secret itself never goes to the API, but is exchanged for an access token.
    pub const fn uses_token_exchange(&self) -> bool {
        !matches!(self, Self::Header { .. })
    }

    /// Whether a refusal may mean no more than that the access token has ended, for a request that is not repeated
    /// unasked because it may change something.
    pub const fn needs_manual_retry(&self, method: HttpMethod, status: u16) -> bool {
        self.uses_token_exchange() && status == 401 && !method.is_safe()
    }

    /// The scheme shown and sent first.
    pub fn scheme(&self) -> &str {
        match self {
            Self::Header { scheme, .. }
            | Self::ClientCredentials { scheme, .. }
            | Self::RefreshToken { scheme, .. }
            | Self::Exchange { scheme, .. } => scheme,
        }
    }
}

fn default_method() -> String {
    "GET".to_owned()
}
