//! Sign-in with a browser: from the authorization page to a session in the store.
//!
//! Everything that can be wrong on this side is checked first: the name, the fields, the store, the
//! port. Only then is the user sent to the page. The tokens are stored before they are used, and
//! nowhere else. Start with [`SignInService::begin`] and [`SignInService::finish`].

pub(super) mod browser;
pub(super) mod problems;
pub(super) mod tasks;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::credentials::{CredentialService, check_fields};
use super::ports::{CoreServices, SharedPorts};
use super::rotation_journals::RotationJournals;
use super::secrets::token_cache::AccessTokenCache;
use crate::domain::credential::{SecretPart, SecretSlot};
use crate::domain::problem::ProblemClass;
use crate::domain::provider::{AuthMethod, CredentialKind, ProviderCatalog};
use crate::domain::region::{HostRole, Region};
use crate::domain::response::CheckResult;
use crate::domain::{Credential, CredentialId, CredentialName, Problem, Secret, identify};
use crate::engine::credential_changes::{CredentialEdit, NewCredential};
use crate::engine::credentials::classify::{ClassificationResult, ClassificationService};
use crate::engine::credentials::metadata::{clean_fields, clean_labels};
use crate::engine::locks::CredentialLocks;
use crate::engine::ports::DatabaseHandle;
use crate::engine::requests::RequestService;
use crate::engine::secrets::bindings::BindingService;
use crate::engine::secrets::bound_secrets::SecretAccess;
use crate::engine::secrets::rebinding::RebindingPlan;
use crate::engine::sign_in::problems::{
    authorization_denied, missing_refresh_token, sign_in_timed_out, state_mismatch_problem,
    unknown_host,
};
use crate::engine::stores::StoreService;
use crate::net::oauth::callback::{
    CallbackConnection, CallbackListenError, CallbackListener, CallbackPage,
};
use crate::net::oauth::exchange::TokenExchangeError;
use crate::net::oauth::grants::RefreshResult;
use crate::net::oauth::sign_in::{AuthorizationRequest, AuthorizationResponse};
use crate::net::{NetError, Transport};
use crate::store::{ItemKey, SecretStore, StoreError};

/// How long the user may take on the provider's page.
pub const SIGN_IN_TIMEOUT: Duration = Duration::from_secs(120);

/// Field that names the callback URL.
const CALLBACK_FIELD: &str = "callback";

/// Default callback URL: any port on loopback.
const DEFAULT_CALLBACK_URL: &str = "http://127.0.0.1:0/callback";

/// Session that is to be created by a first sign-in.
#[derive(Clone)]
pub struct NewSession {
    /// Name of the credential.
    pub name: CredentialName,
    /// Id of the provider.
    pub provider: String,
    /// Id of the kind.
    pub kind: String,
    /// Id of the region.
    pub region: String,
    /// Fields of the kind, including the client ID.
    pub fields: BTreeMap<String, String>,
    /// Labels.
    pub labels: Vec<String>,
    /// Secret parts, such as the app's own secret; a public app has none.
    pub parts: BTreeMap<String, Arc<Secret>>,
}

/// Sign-in that has begun and waits for the user.
pub struct PendingSignIn {
    /// The session to sign in to.
    target: SignInTarget,
    listener: CallbackListener,
    authorization_request: Arc<AuthorizationRequest>,
}

/// Sign-in whose callback arrived, and the browser that waits for the result.
pub(super) struct AnsweredSignIn {
    target: SignInTarget,
    authorization_request: Arc<AuthorizationRequest>,
    callback: AuthorizationResponse,
    browser: Option<CallbackConnection>,
}

/// Authorization code that the user approved; it is exchanged for tokens once, at the host of a
/// region.
pub(super) struct AuthorizationGrant {
    /// The authorization code.
    pub(super) code: Arc<Secret>,
    /// Id of the region.
    pub(super) region: String,
    target: SignInTarget,
    authorization_request: Arc<AuthorizationRequest>,
    browser: Option<CallbackConnection>,
}

enum SignInTarget {
    New(Box<NewSession>),
    Existing(Box<Credential>, BTreeMap<String, Arc<Secret>>),
}

/// Result of a sign-in.
pub struct SignInResult {
    /// The credential; its refresh token is stored.
    pub credential: Credential,
    /// What the provider reports about the session; a problem if it could not be asked.
    pub classification: Result<ClassificationResult, Problem>,
    /// Whether the session that this one replaces was revoked; `None` if there was none.
    pub old_session_revocation: Option<Result<(), Problem>>,
}

impl PendingSignIn {
    /// Returns the authorization page that the user opens.
    pub fn address(&self) -> &Url {
        self.authorization_request.authorization_url()
    }

    /// Returns the callback URL.
    pub fn callback(&self) -> &Url {
        self.authorization_request.redirect_url()
    }

    /// Returns the request that identifies a response to this sign-in.
    pub(super) fn authorization_request(&self) -> Arc<AuthorizationRequest> {
        Arc::clone(&self.authorization_request)
    }
}

impl AuthorizationGrant {
    /// Shows the outcome in the browser.
    pub(super) async fn report_to_browser(self, outcome: &Result<(), Problem>) {
        show_result_in_browser(self.browser, outcome).await;
    }
}

impl SignInTarget {
    fn provider(&self) -> &str {
        match self {
            Self::New(new) => &new.provider,
            Self::Existing(credential, _) => &credential.provider,
        }
    }

    fn credential(&self) -> Option<&Credential> {
        match self {
            Self::New(_) => None,
            Self::Existing(credential, _) => Some(credential),
        }
    }

    fn kind(&self) -> &str {
        match self {
            Self::New(new) => &new.kind,
            Self::Existing(credential, _) => &credential.kind,
        }
    }

    fn region(&self) -> &str {
        match self {
            Self::New(new) => &new.region,
            Self::Existing(credential, _) => &credential.region,
        }
    }

    const fn fields(&self) -> &BTreeMap<String, String> {
        match self {
            Self::New(new) => &new.fields,
            Self::Existing(credential, _) => &credential.fields,
        }
    }

    const fn parts(&self) -> &BTreeMap<String, Arc<Secret>> {
        match self {
            Self::New(new) => &new.parts,
            Self::Existing(_, parts) => parts,
        }
    }
}

/// Sign-in with a browser.
pub struct SignInService {
    catalog: Arc<ProviderCatalog>,
    database: DatabaseHandle,
    store: Arc<dyn SecretStore>,
    transport: Arc<dyn Transport>,
    locks: Arc<CredentialLocks>,
    token_cache: Arc<AccessTokenCache>,
    readonly: bool,
    store_service: Arc<StoreService>,
    bindings: Arc<BindingService>,
    secrets: Arc<SecretAccess>,
    requests: Arc<RequestService>,
    credentials: Arc<CredentialService>,
    journals: Arc<RotationJournals>,
    classification: Arc<ClassificationService>,
}

impl SignInService {
    /// Creates the service.
    pub(in crate::engine) fn new(
        ports: &SharedPorts,
        core: &CoreServices,
        requests: Arc<RequestService>,
        credentials: Arc<CredentialService>,
        classification: Arc<ClassificationService>,
    ) -> Self {
        Self {
            catalog: Arc::clone(&ports.catalog),
            database: ports.database.clone(),
            store: Arc::clone(&ports.store),
            transport: Arc::clone(&ports.transport),
            locks: Arc::clone(&ports.locks),
            token_cache: Arc::clone(&ports.token_cache),
            readonly: ports.options.readonly,
            store_service: Arc::clone(&core.store_service),
            bindings: Arc::clone(&core.bindings),
            secrets: Arc::clone(&core.secrets),
            requests,
            credentials,
            journals: Arc::clone(&core.journals),
            classification,
        }
    }

    /// Begins the sign-in to a session that does not exist yet.
    pub async fn begin(&self, mut new: NewSession) -> Result<PendingSignIn, Problem> {
        new.fields = clean_fields(new.fields, &BTreeMap::new())?;
        new.labels = clean_labels(new.labels, &[])?;
        check_fields(self.catalog.kind(&new.provider, &new.kind)?, &new.fields)?;
        self.credentials.ensure_name_free(&new.name).await?;
        self.start_sign_in(SignInTarget::New(Box::new(new))).await
    }

    /// Begins another sign-in to a session that exists, whose refresh token may no longer work. Fails
    /// during a rotation of the credential, which would take the new refresh token for the old one.
    pub async fn begin_again(&self, id: &CredentialId) -> Result<PendingSignIn, Problem> {
        self.journals.ensure_no_open_rotation(id).await?;
        self.begin_for(self.database.credential_by_id(id).await?).await
    }

    /// Like [`SignInService::begin_again`], for the credential as given.
    pub(super) async fn begin_for(&self, credential: Credential) -> Result<PendingSignIn, Problem> {
        let kind = self.catalog.kind(&credential.provider, &credential.kind)?;
        let parts = self.requests.load_parts(&credential, kind).await?;
        self.start_sign_in(SignInTarget::Existing(Box::new(credential), parts)).await
    }

    /// Waits for the callback, in the browser or as a pasted URL, and stores the session.
    pub async fn finish(
        &self,
        pending: PendingSignIn,
        pasted: impl Future<Output = Url>,
        wait: Duration,
    ) -> Result<SignInResult, Problem> {
        let answered = self.await_callback(pending, pasted, wait).await?;
        self.complete(answered).await
    }

    /// Waits for the callback. Until here, canceling loses nothing.
    pub(super) async fn await_callback(
        &self,
        pending: PendingSignIn,
        pasted: impl Future<Output = Url>,
        wait: Duration,
    ) -> Result<AnsweredSignIn, Problem> {
        let PendingSignIn { target, listener, authorization_request: sign_in } = pending;
        let (callback, browser) = tokio::select! {
            (callback, browser) = listener.wait_for_callback(&sign_in) => (callback, Some(browser)),
            address = pasted => (sign_in.parse_response(&address).map_err(state_mismatch_problem)?, None),
            () = tokio::time::sleep(wait) => return Err(sign_in_timed_out(wait)),
        };
        Ok(AnsweredSignIn { target, authorization_request: sign_in, callback, browser })
    }

    /// Returns the authorization code and its region. If the user denied access, shows that in the
    /// browser.
    pub(super) async fn resolve_grant(
        &self,
        answered: AnsweredSignIn,
    ) -> Result<AuthorizationGrant, Problem> {
        let AnsweredSignIn { target, authorization_request: sign_in, callback, browser } = answered;
        let found = match callback {
            AuthorizationResponse::Approved { code, instance } => {
                self.grant_region(&target, instance.as_deref()).map(|region| (code, region))
            }
            AuthorizationResponse::Denied { error, description } => {
                Err(authorization_denied(&error, &description))
            }
        };
        match found {
            Ok((code, region)) => Ok(AuthorizationGrant {
                code: Arc::new(code),
                region: region.id.clone(),
                target,
                authorization_request: sign_in,
                browser,
            }),
            Err(problem) => {
                show_result_in_browser(browser, &Err::<(), _>(problem.clone())).await;
                Err(problem)
            }
        }
    }

    /// Exchanges the code for tokens. This works once, and the tokens are not stored yet.
    pub(super) async fn redeem_grant(
        &self,
        grant: &AuthorizationGrant,
    ) -> Result<RefreshResult, TokenExchangeError> {
        let AuthorizationGrant { target, authorization_request: sign_in, code, region, .. } = grant;
        let missing = |_| TokenExchangeError::MissingField("known region or kind".to_owned());
        let kind = self.catalog.kind(target.provider(), target.kind()).map_err(missing)?;
        let region = self.catalog.region(target.provider(), region).map_err(missing)?;
        let moved = || TokenExchangeError::Net(NetError::OriginNotAllowed(region.api.to_string()));
        let region = self
            .bindings
            .verify_region_hosts(target.provider(), region, None)
            .await
            .map_err(|_| moved())?;
        self.requests
            .token_exchange(target.fields(), kind, region, code, target.parts())
            .exchange_code(sign_in, self.transport.as_ref())
            .await
    }

    /// Stores the session that the user approved, and shows the outcome in the browser.
    pub(super) async fn complete(&self, answered: AnsweredSignIn) -> Result<SignInResult, Problem> {
        let grant = self.resolve_grant(answered).await?;
        let outcome = self.store_session(&grant).await;
        show_result_in_browser(grant.browser, &outcome).await;
        let (credential, replaced) = outcome?;
        let classified = self.classification.classify(&credential).await;
        let accepted = classified
            .as_ref()
            .is_ok_and(|classified| classified.check.result == CheckResult::Accepted);
        let replaced = match replaced.filter(|_| accepted) {
            Some(old) => Some(self.revoke_token(&credential, old).await),
            None => None,
        };
        Ok(SignInResult {
            credential: self.database.credential_by_id(&credential.id).await?,
            classification: classified,
            old_session_revocation: replaced,
        })
    }

    /// Revokes a session at the provider. The credential stays in tokenring; another sign-in makes
    /// it work again.
    pub async fn revoke_session(&self, id: &CredentialId) -> Result<(), Problem> {
        let credential = self.database.credential_by_id(id).await?;
        let _lock = self.locks.lock(id).await?;
        let token = self.secrets.load_secret(&credential, &SecretPart::Secret).await?;
        self.revoke_token(&credential, token).await?;
        self.requests.clear_access_token(&credential).await
    }

    async fn start_sign_in(&self, target: SignInTarget) -> Result<PendingSignIn, Problem> {
        let kind = self.catalog.kind(target.provider(), target.kind())?;
        let region = self.catalog.region(target.provider(), target.region())?;
        let page = authorization_page(kind, region)?;
        self.store_service.verify().await?;
        if let SignInTarget::New(new) = &target {
            self.bindings.bind_unused_region(&new.provider, region).await?;
        }
        self.bindings.verify_region_hosts(target.provider(), region, target.credential()).await?;
        let listener = CallbackListener::bind(&callback_urls(target.fields())?).await?;
        let client_id = target.fields().get("client_id").map(String::as_str).unwrap_or_default();
        let sign_in =
            Arc::new(AuthorizationRequest::new(client_id, page, listener.redirect_url().clone()));
        Ok(PendingSignIn { target, listener, authorization_request: sign_in })
    }

    /// Exchanges the code and stores the session; also returns the refresh token that was stored
    /// before.
    async fn store_session(
        &self,
        grant: &AuthorizationGrant,
    ) -> Result<(Credential, Option<Secret>), Problem> {
        let _claim = match &grant.target {
            SignInTarget::New(_) => None,
            SignInTarget::Existing(credential, _) => {
                Some(self.credentials.claim_without_rotation(&credential.id).await?)
            }
        };
        let refreshed = self.redeem_grant(grant).await?;
        if refreshed.next.is_none() {
            return Err(missing_refresh_token());
        }
        let region = self.catalog.region(grant.target.provider(), &grant.region)?;
        match &grant.target {
            SignInTarget::New(new) => {
                Ok((self.store_new_session(new.as_ref().clone(), region, refreshed).await?, None))
            }
            SignInTarget::Existing(credential, _) => {
                self.replace_session(credential, region, refreshed).await
            }
        }
    }

    /// Returns the region whose host exchanges the code. A host named in the callback can only
    /// choose among the known regions.
    fn grant_region(
        &self,
        target: &SignInTarget,
        instance: Option<&str>,
    ) -> Result<&Region, Problem> {
        match instance {
            None => Ok(self.catalog.region(target.provider(), target.region())?),
            Some(host) => identify::region_for_host(host, target.provider(), &self.catalog)
                .ok_or_else(|| unknown_host(host)),
        }
    }

    async fn store_new_session(
        &self,
        new: NewSession,
        region: &Region,
        mut refreshed: RefreshResult,
    ) -> Result<Credential, Problem> {
        let next = refreshed.next.take().ok_or_else(missing_refresh_token)?;
        let (secret, expires) = (Arc::new(next.secret), self.requests.expiry_after(next.lifetime));
        let NewSession { name, provider, kind, fields, labels, parts, .. } = new;
        let region = region.id.clone();
        let new =
            NewCredential { name, provider, kind, region, fields, labels, secret, parts, expires };
        let credential = self.credentials.add(new).await?;
        self.store_session_tokens(&credential, &credential.region, refreshed).await?;
        Ok(credential)
    }

    async fn replace_session(
        &self,
        credential: &Credential,
        region: &Region,
        refreshed: RefreshResult,
    ) -> Result<(Credential, Option<Secret>), Problem> {
        let _lock = self.locks.lock(&credential.id).await?;
        let switched = (region.id != credential.region).then(|| region.id.clone());
        let edit = CredentialEdit { region: switched, ..CredentialEdit::default() };
        let RebindingPlan { records, .. } = self.bindings.plan_rebinding(credential, &edit).await?;
        let before = match self
            .store
            .get(&ItemKey::for_part(&credential.id, SecretSlot::Current, &SecretPart::Secret))
            .await
        {
            Ok(before) => Some(before),
            Err(StoreError::NotFound) => None,
            Err(error) => return Err(error.into()),
        };
        self.token_cache.remove(&credential.id);
        self.store_session_tokens(credential, &region.id, refreshed).await?;
        let (id, region) = (credential.id.clone(), region.id.clone());
        let after = self.database.run(move |index| {
            let change = |credential: &mut Credential| {
                credential.region = region;
                credential.principal = None;
            };
            index.update_with_other_secret(&id, change, &records)
        });
        Ok((after.await?, before))
    }

    /// Stores the tokens and caches the access token.
    async fn store_session_tokens(
        &self,
        credential: &Credential,
        region: &str,
        refreshed: RefreshResult,
    ) -> Result<(), Problem> {
        let session =
            self.requests.store_tokens(credential, SecretSlot::Current, refreshed).await?;
        self.token_cache.insert(&credential.id, region, session);
        Ok(())
    }

    async fn revoke_token(&self, credential: &Credential, token: Secret) -> Result<(), Problem> {
        if self.readonly {
            let why = "revoking ends a session, and this run is read-only";
            return Err(Problem::new(
                "Nothing was revoked",
                why,
                "omit --readonly, or remove `readonly` from config.toml",
            )
            .with_class(ProblemClass::Usage));
        }
        let kind = self.catalog.kind(&credential.provider, &credential.kind)?;
        let region = self.catalog.region(&credential.provider, &credential.region)?;
        let region = self.bindings.verify_region(credential, region).await?;
        let (token, parts) = (Arc::new(token), self.requests.load_parts(credential, kind).await?);
        Ok(self
            .requests
            .token_exchange(&credential.fields, kind, region, &token, &parts)
            .revoke(self.transport.as_ref())
            .await?)
    }
}

/// Returns the authorization page of a kind in a region.
fn authorization_page(kind: &CredentialKind, region: &Region) -> Result<Url, Problem> {
    let AuthMethod::RefreshToken { authorize: Some(path), .. } = &kind.authorization else {
        let why = format!("the kind \"{}\" has no sign-in with the browser", kind.title);
        return Err(Problem::new(
            "Sign-in is not available",
            why,
            "add the credential with `tokenring add`",
        )
        .with_class(ProblemClass::Usage));
    };
    Url::parse(&format!("{}{path}", region.origin(HostRole::App))).map_err(|error| {
        Problem::new(
            "The sign-in page has no valid address",
            error.to_string(),
            "check the web application address of the region",
        )
        .with_class(ProblemClass::Usage)
    })
}

/// Returns the possible callback URLs, in the order in which their ports are tried.
fn callback_urls(fields: &BTreeMap<String, String>) -> Result<Vec<Url>, Problem> {
    let wanted = fields
        .get(CALLBACK_FIELD)
        .map(String::as_str)
        .filter(|text| !text.trim().is_empty())
        .unwrap_or(DEFAULT_CALLBACK_URL);
    let parsed = wanted.split_whitespace().map(Url::parse).collect::<Result<Vec<_>, _>>();
    parsed.map_err(|error| {
        Problem::from(CallbackListenError::NotLoopback(format!("{wanted} ({error})")))
    })
}

/// Shows the outcome in the browser, with the same message as in the terminal.
async fn show_result_in_browser<T>(
    browser: Option<CallbackConnection>,
    outcome: &Result<T, Problem>,
) {
    let Some(browser) = browser else { return };
    let page = match outcome {
        Ok(_) => CallbackPage::new(
            "Signed in",
            "The session is stored in your keyring. You can close this page and return to the terminal.",
        ),
        Err(problem) => CallbackPage::new(
            format!("Not signed in: {}", problem.what),
            format!("{}. {}.", problem.why, problem.remedy),
        ),
    };
    browser.respond(&page).await;
}
