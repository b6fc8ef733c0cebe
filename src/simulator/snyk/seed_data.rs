//! Seeded credentials of a region: users, personal access tokens, service accounts of every type,
//! and apps.
//!
//! Start at `SnykRegion::seed_credentials`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::clock::{
    MILLIS_PER_DAY, MILLIS_PER_SECOND, RequestInstant, UnixMillis, ValidityPeriod,
};
use super::super::deterministic;
use super::apps::{AppGrantType, SnykApp};
use super::installs::AppInstall;
use super::state::{
    AcceptedSchemes, PrincipalType, ResourceScope, SnykPat, SnykPrincipal, SnykState, SnykToken,
};
use super::{GOV_REGION, SnykRegion};
use crate::simulator::SeededCredential;
use crate::simulator::snyk::apps::ClientSecrets;
use crate::simulator::snyk::oauth;
use crate::simulator::snyk::service_accounts::{ServiceAccountAuthType, ServiceAccountSpec};
use crate::simulator::snyk::state::RolePrivilege;

const SEEDED_USERS: [(&str, RolePrivilege, ResourceScope); 2] = [
    ("admin", RolePrivilege::GroupAdmin, ResourceScope::Region),
    ("reader", RolePrivilege::Viewer, ResourceScope::Group(0)),
];

/// Label, owner (index among the users) and days until expiry.
const SEEDED_PATS: [(&str, usize, i64); 3] =
    [("laptop", 0, 80), ("workstation", 0, 5), ("old-laptop", 1, -3)];

/// A service account to seed.
#[derive(Clone, Copy)]
struct AccountSeed {
    name: &'static str,
    auth: ServiceAccountAuthType,
    scope: ResourceScope,
    privilege: RolePrivilege,
    /// Days until expiry; only access tokens expire.
    days: i64,
}

const SEEDED_ACCOUNTS: [AccountSeed; 10] = [
    AccountSeed {
        name: "ci-scanner",
        auth: ServiceAccountAuthType::AccessToken,
        scope: ResourceScope::Org(0),
        privilege: RolePrivilege::Scanner,
        days: 120,
    },
    AccountSeed {
        name: "pr-checks",
        auth: ServiceAccountAuthType::ApiKey,
        scope: ResourceScope::Org(0),
        privilege: RolePrivilege::Collaborator,
        days: 0,
    },
    AccountSeed {
        name: "release-bot",
        auth: ServiceAccountAuthType::ClientSecret,
        scope: ResourceScope::Org(0),
        privilege: RolePrivilege::OrgAdmin,
        days: 0,
    },
    AccountSeed {
        name: "sbom-export",
        auth: ServiceAccountAuthType::PrivateKeyJwt,
        scope: ResourceScope::Org(0),
        privilege: RolePrivilege::Collaborator,
        days: 0,
    },
    AccountSeed {
        name: "appsec-bot",
        auth: ServiceAccountAuthType::AccessToken,
        scope: ResourceScope::Group(0),
        privilege: RolePrivilege::GroupAdmin,
        days: 5,
    },
    AccountSeed {
        name: "group-reporter",
        auth: ServiceAccountAuthType::ApiKey,
        scope: ResourceScope::Group(0),
        privilege: RolePrivilege::Viewer,
        days: 0,
    },
    AccountSeed {
        name: "broker",
        auth: ServiceAccountAuthType::ClientSecret,
        scope: ResourceScope::Group(0),
        privilege: RolePrivilege::Viewer,
        days: 0,
    },
    AccountSeed {
        name: "audit-export",
        auth: ServiceAccountAuthType::PrivateKeyJwt,
        scope: ResourceScope::Group(0),
        privilege: RolePrivilege::Viewer,
        days: 0,
    },
    AccountSeed {
        name: BEARER_ONLY_ACCOUNT,
        auth: ServiceAccountAuthType::AccessToken,
        scope: ResourceScope::Org(1),
        privilege: RolePrivilege::Scanner,
        days: 200,
    },
    AccountSeed {
        name: REVOKED_ACCOUNT,
        auth: ServiceAccountAuthType::ApiKey,
        scope: ResourceScope::Org(1),
        privilege: RolePrivilege::Scanner,
        days: 0,
    },
];

/// Account whose token is accepted as `Bearer` and not as `token`: the documentation describes
/// both.
const BEARER_ONLY_ACCOUNT: &str = "nightly";
/// Account that was deleted after its token was stored.
const REVOKED_ACCOUNT: &str = "old-jenkins";

/// Redirect addresses of the seeded apps: the ports of Snyk's own tool, or any port under
/// `/callback`.
const REDIRECT_URIS: [&str; 6] = [
    "http://127.0.0.1:8080/authorization-code/callback",
    "http://127.0.0.1:18081/authorization-code/callback",
    "http://127.0.0.1:28082/authorization-code/callback",
    "http://127.0.0.1:38083/authorization-code/callback",
    "http://127.0.0.1:48084/authorization-code/callback",
    "http://127.0.0.1:0/callback",
];

type SeededFields = BTreeMap<&'static str, String>;

/// Creates the seeded credentials.
struct RegionSeeder<'a> {
    region: &'a SnykRegion,
    midnight: UnixMillis,
    /// Creation time of all seeded objects, some weeks ago.
    past: RequestInstant,
}

impl SnykRegion {
    /// Seeds the region and returns its credentials, named `us01-admin` and so on.
    pub(super) fn seed_credentials(&self, midnight: UnixMillis) -> Vec<SeededCredential> {
        let past =
            RequestInstant { now: midnight - 40 * MILLIS_PER_DAY, ..RequestInstant::default() };
        let seeder = RegionSeeder { region: self, midnight, past };
        let mut state = self.state();
        let mut credentials = seeder.seed_users(&mut state);
        credentials.extend(seeder.seed_pats(&mut state));
        let accounts = SEEDED_ACCOUNTS.iter().filter(|account_seed| {
            self.id != GOV_REGION || account_seed.auth != ServiceAccountAuthType::ApiKey
        });
        credentials.extend(
            accounts.filter_map(|account_seed| seeder.seed_account(&mut state, *account_seed)),
        );
        credentials.extend(seeder.seed_triage_app(&mut state));
        credentials.extend(seeder.seed_metrics_app(&mut state));
        credentials
    }
}

impl RegionSeeder<'_> {
    fn label(&self, name: &str) -> String {
        format!("{}/{name}", self.region.id)
    }

    /// Returns the end of the day that many days ahead, so that the count of days is right at every
    /// hour of today.
    fn in_days(&self, days: i64) -> UnixMillis {
        self.midnight + (days + 1) * MILLIS_PER_DAY - MILLIS_PER_SECOND
    }

    fn credential(
        &self,
        name: &str,
        kind: &'static str,
        secret: String,
        fields: SeededFields,
    ) -> SeededCredential {
        let prefix = self.region.id.trim_start_matches("SNYK-").replace('-', "").to_lowercase();
        let provider = if kind.starts_with("app") { "snyk-apps" } else { "snyk" };
        let region = self.region.id.to_owned();
        SeededCredential {
            name: format!("{prefix}-{name}"),
            provider,
            kind,
            region,
            secret,
            fields,
            parts: SeededFields::new(),
        }
    }

    fn seed_users(&self, state: &mut SnykState) -> Vec<SeededCredential> {
        SEEDED_USERS
            .into_iter()
            .map(|(name, privilege, scope)| self.seed_user(state, name, privilege, scope))
            .collect()
    }

    fn seed_user(
        &self,
        state: &mut SnykState,
        name: &str,
        privilege: RolePrivilege,
        scope: ResourceScope,
    ) -> SeededCredential {
        let label = self.label(name);
        let user = Arc::new(SnykPrincipal {
            id: deterministic::uuid(&label),
            principal_type: PrincipalType::User,
            name: name.to_owned(),
            privilege,
            scope,
        });
        let secret = deterministic::secret_uuid(&format!("{label}/token"));
        state.tokens.insert(
            secret.clone(),
            SnykToken::new(&user, "personal-token", ValidityPeriod::starting_at(self.past)),
        );
        state.users.push(user);
        self.credential(name, "personal-token", secret, self.scope_fields(ResourceScope::Org(0)))
    }

    /// Returns the fields that name a scope.
    fn scope_fields(&self, scope: ResourceScope) -> SeededFields {
        let fixtures = &self.region.fixtures;
        match scope {
            ResourceScope::Org(org) => {
                let group = fixtures.orgs[org].group;
                BTreeMap::from([
                    ("org_id", fixtures.orgs[org].id.clone()),
                    ("group_id", fixtures.groups[group].id.clone()),
                ])
            }
            ResourceScope::Group(group) => {
                BTreeMap::from([("group_id", fixtures.groups[group].id.clone())])
            }
            ResourceScope::Region => SeededFields::new(),
        }
    }

    fn seed_pats(&self, state: &mut SnykState) -> Vec<SeededCredential> {
        SEEDED_PATS
            .into_iter()
            .filter_map(|(name, owner, days)| self.seed_pat(state, name, owner, days))
            .collect()
    }

    fn seed_pat(
        &self,
        state: &mut SnykState,
        name: &str,
        owner: usize,
        days: i64,
    ) -> Option<SeededCredential> {
        let owner = Arc::clone(state.users.get(owner)?);
        let expires = self.in_days(days);
        let pat = SnykPat {
            id: deterministic::ulid(&self.label(name)),
            owner: owner.id.clone(),
            label: name.to_owned(),
            created: expires + MILLIS_PER_SECOND - 90 * MILLIS_PER_DAY,
            expires,
        };
        let id = pat.id.clone();
        let secret =
            self.region.add_pat(state, &owner, pat, ValidityPeriod::starting_at(self.past));
        let mut fields = self.scope_fields(ResourceScope::Org(0));
        fields.insert("pat_id", id);
        Some(self.credential(name, "personal-access-token", secret, fields))
    }

    fn seed_account(
        &self,
        state: &mut SnykState,
        account_seed: AccountSeed,
    ) -> Option<SeededCredential> {
        let AccountSeed { name, auth, scope, .. } = account_seed;
        let spec = self.account_spec(account_seed)?;
        let role_id = spec.role_id.clone();
        let secret = self.region.create_account(state, spec, &self.label(name), self.past);
        let account = state.accounts.last()?;
        let (id, client_id) = (account.id().to_owned(), account.client_id.clone());
        self.apply_special_cases(state, name, &id);
        let mut fields = self.scope_fields(scope);
        fields.extend([
            ("service_account_id", id),
            ("auth_type", auth.name().to_owned()),
            ("role_id", role_id),
            ("level", scope.level_name().to_owned()),
        ]);
        if auth.is_oauth() {
            fields.insert("client_id", client_id);
        }
        let kind = if auth.is_oauth() { "service-account-oauth" } else { "service-account-token" };
        let secret = secret.unwrap_or_else(|| oauth::PRIVATE_KEY.to_owned());
        Some(self.credential(name, kind, secret, fields))
    }

    fn account_spec(&self, account_seed: AccountSeed) -> Option<ServiceAccountSpec> {
        let AccountSeed { name, auth, scope, privilege, days } = account_seed;
        let jwks_url = (auth == ServiceAccountAuthType::PrivateKeyJwt)
            .then(|| "https://keys.example.com/jwks.json".to_owned());
        Some(ServiceAccountSpec {
            name: name.to_owned(),
            auth,
            scope,
            role_id: self.region.fixtures.role_with_privilege(privilege)?.id.clone(),
            expires: (auth == ServiceAccountAuthType::AccessToken).then(|| self.in_days(days)),
            ttl_seconds: 3_600,
            jwks_url,
        })
    }

    /// Applies the special states of two accounts.
    fn apply_special_cases(&self, state: &mut SnykState, name: &str, id: &str) {
        if name == BEARER_ONLY_ACCOUNT {
            state
                .tokens
                .values_mut()
                .filter(|token| token.owner_id == id)
                .for_each(|token| token.schemes = AcceptedSchemes::Bearer);
        }
        if name == REVOKED_ACCOUNT {
            state.accounts.retain(|account| account.id() != id);
            state.revoke_tokens(id, self.past);
        }
    }

    fn new_app(&self, name: &str, grant: AppGrantType) -> (SnykApp, String) {
        let label = self.label(name);
        let secret = deterministic::snyk_secret("cs", &label);
        let app = SnykApp {
            id: deterministic::uuid(&format!("{label}/app")),
            org: 0,
            name: name.to_owned(),
            client_id: deterministic::uuid(&format!("{label}/client")),
            redirect_uris: if grant == AppGrantType::AuthorizationCode {
                REDIRECT_URIS.map(str::to_owned).into()
            } else {
                Vec::new()
            },
            scopes: ["org.read", "org.project.read"].map(str::to_owned).into(),
            grant_type: grant,
            ttl_seconds: 3_600,
            secrets: ClientSecrets::with_secret(
                secret.clone(),
                ValidityPeriod::starting_at(self.past),
            ),
        };
        (app, secret)
    }

    /// Seeds the app that acts for the administrator.
    fn seed_triage_app(&self, state: &mut SnykState) -> Option<SeededCredential> {
        let (app, client_secret) = self.new_app("triage-app", AppGrantType::AuthorizationCode);
        let user = Arc::clone(state.users.first()?);
        let (_, refresh) =
            state.start_session(&app.id, &user, &self.label("triage-app"), self.past);
        let mut fields = self.scope_fields(ResourceScope::Org(0));
        fields.extend([("client_id", app.client_id.clone()), ("app_id", app.id.clone())]);
        state.apps.push(app);
        let parts = BTreeMap::from([("client_secret", client_secret)]);
        Some(SeededCredential { parts, ..self.credential("triage-app", "app", refresh, fields) })
    }

    /// Seeds the app that acts on its own, installed in an organization and in a group.
    fn seed_metrics_app(&self, state: &mut SnykState) -> Vec<SeededCredential> {
        let (app, _) = self.new_app("metrics-app", AppGrantType::ClientCredentials);
        let install = |(scope, index)| {
            let label = self.label(&format!("metrics-app/{index}"));
            let (install, secret) = AppInstall::new(&app, scope, &label, self.past);
            let mut fields = self.scope_fields(scope);
            fields.extend([
                ("client_id", install.client_id.clone()),
                ("install_id", install.id.clone()),
            ]);
            state.installs.push(install);
            self.credential(&format!("metrics-{index}"), "app-install", secret, fields)
        };
        let credentials = [(ResourceScope::Org(0), "org"), (ResourceScope::Group(0), "group")]
            .into_iter()
            .map(install)
            .collect();
        state.apps.push(app);
        credentials
    }
}
