//! The seeded credentials of a region: people, personal access tokens, service accounts of every sort, and apps.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::clock::{DAY, Life, Millis, Moment, SECOND};
use super::super::manifest::Credential;
use super::super::seed;
use super::apps::{App, Grant};
use super::assertion;
use super::installs::Install;
use super::orders::{AuthType, Order};
use super::secrets::Secrets;
use super::state::{Actor, Pat, Principal, Reach, Schemes, State, Token};
use super::world::Rank;
use super::{GOV, Region};

const PEOPLE: [(&str, Rank, Reach); 2] = [("admin", Rank::GroupAdmin, Reach::Region), ("reader", Rank::Viewer, Reach::Group(0))];

/// Label, owner (its place among the people) and days until expiry.
const PATS: [(&str, usize, i64); 3] = [("laptop", 0, 80), ("workstation", 0, 5), ("old-laptop", 1, -3)];

/// Name, proof, scope, role and, for access tokens, days until expiry.
type Planted = (&'static str, AuthType, Reach, Rank, i64);

const ACCOUNTS: [Planted; 10] = [
    ("ci-scanner", AuthType::AccessToken, Reach::Org(0), Rank::Scanner, 120),
    ("pr-checks", AuthType::ApiKey, Reach::Org(0), Rank::Collaborator, 0),
    ("release-bot", AuthType::ClientSecret, Reach::Org(0), Rank::OrgAdmin, 0),
    ("sbom-export", AuthType::PrivateKeyJwt, Reach::Org(0), Rank::Collaborator, 0),
    ("appsec-bot", AuthType::AccessToken, Reach::Group(0), Rank::GroupAdmin, 5),
    ("group-reporter", AuthType::ApiKey, Reach::Group(0), Rank::Viewer, 0),
    ("broker", AuthType::ClientSecret, Reach::Group(0), Rank::Viewer, 0),
    ("audit-export", AuthType::PrivateKeyJwt, Reach::Group(0), Rank::Viewer, 0),
    (BEARER_ONLY, AuthType::AccessToken, Reach::Org(1), Rank::Scanner, 200),
    (REVOKED, AuthType::ApiKey, Reach::Org(1), Rank::Scanner, 0),
];

/// The account whose token is accepted as `Bearer` and not as `token`: both are said to happen.
const BEARER_ONLY: &str = "nightly";
/// The account that somebody has deleted since its token was noted down.
const REVOKED: &str = "old-jenkins";

/// Where the seeded apps may send people back to: the ports of Snyk's own tool, or any port under `/callback`.
const REDIRECTS: [&str; 6] = [
    "http://127.0.0.1:8080/authorization-code/callback",
    "http://127.0.0.1:18081/authorization-code/callback",
    "http://127.0.0.1:28082/authorization-code/callback",
    "http://127.0.0.1:38083/authorization-code/callback",
    "http://127.0.0.1:48084/authorization-code/callback",
    "http://127.0.0.1:0/callback",
];

type Fields = BTreeMap<&'static str, String>;

/// What is planted, and when.
struct Garden<'a> {
    region: &'a Region,
    midnight: Millis,
    /// When everything was made: some weeks ago.
    past: Moment,
}

impl Region {
    /// Fills the region and returns its credentials, named `us01-admin` and so on.
    pub(super) fn plant(&self, midnight: Millis) -> Vec<Credential> {
        let past = Moment { now: midnight - 40 * DAY, ..Moment::default() };
        let garden = Garden { region: self, midnight, past };
        let mut state = self.state();
        let mut credentials = garden.people(&mut state);
        credentials.extend(garden.pats(&mut state));
        let accounts = ACCOUNTS.iter().filter(|(_, auth, ..)| self.id != GOV || *auth != AuthType::ApiKey);
        credentials.extend(accounts.filter_map(|planted| garden.account(&mut state, *planted)));
        credentials.extend(garden.triage_app(&mut state));
        credentials.extend(garden.metrics_app(&mut state));
        credentials
    }
}

impl Garden<'_> {
    fn label(&self, name: &str) -> String {
        format!("{}/{name}", self.region.id)
    }

    /// The end of the day so many days ahead, so that the count is right at every hour of today.
    fn in_days(&self, days: i64) -> Millis {
        self.midnight + (days + 1) * DAY - SECOND
    }

    fn credential(&self, name: &str, kind: &'static str, secret: String, fields: Fields) -> Credential {
        let prefix = self.region.id.trim_start_matches("SNYK-").replace('-', "").to_lowercase();
        let provider = if kind.starts_with("app") { "snyk-apps" } else { "snyk" };
        let region = self.region.id.to_owned();
        Credential { name: format!("{prefix}-{name}"), provider, kind, region, secret, fields, parts: Fields::new() }
    }

    fn people(&self, state: &mut State) -> Vec<Credential> {
        PEOPLE.into_iter().map(|(name, rank, reach)| self.person(state, name, rank, reach)).collect()
    }

    fn person(&self, state: &mut State, name: &str, rank: Rank, reach: Reach) -> Credential {
        let label = self.label(name);
        let person = Arc::new(Principal { id: seed::uuid(&label), actor: Actor::User, name: name.to_owned(), rank, reach });
        let secret = seed::secret_uuid(&format!("{label}/token"));
        state.tokens.insert(secret.clone(), Token::new(&person, "personal-token", Life::starting(self.past)));
        state.people.push(person);
        self.credential(name, "personal-token", secret, self.place(Reach::Org(0)))
    }

    /// The fields that say where something belongs.
    fn place(&self, scope: Reach) -> Fields {
        let world = &self.region.world;
        match scope {
            Reach::Org(org) => {
                let group = world.orgs[org].group;
                BTreeMap::from([("org_id", world.orgs[org].id.clone()), ("group_id", world.groups[group].id.clone())])
            }
            Reach::Group(group) => BTreeMap::from([("group_id", world.groups[group].id.clone())]),
            Reach::Region => Fields::new(),
        }
    }

    fn pats(&self, state: &mut State) -> Vec<Credential> {
        PATS.into_iter().filter_map(|planted| self.pat(state, planted)).collect()
    }

    fn pat(&self, state: &mut State, (name, owner, days): (&str, usize, i64)) -> Option<Credential> {
        let owner = Arc::clone(state.people.get(owner)?);
        let expires = self.in_days(days);
        let pat = Pat {
            id: seed::ulid(&self.label(name)),
            owner: owner.id.clone(),
            label: name.to_owned(),
            created: expires + SECOND - 90 * DAY,
            expires,
        };
        let id = pat.id.clone();
        let secret = self.region.add_pat(state, &owner, pat, Life::starting(self.past));
        let mut fields = self.place(Reach::Org(0));
        fields.insert("pat_id", id);
        Some(self.credential(name, "personal-access-token", secret, fields))
    }

    fn account(&self, state: &mut State, planted: Planted) -> Option<Credential> {
        let (name, auth, scope, ..) = planted;
        let order = self.order(planted)?;
        let role_id = order.role_id.clone();
        let secret = self.region.open_account(state, order, &self.label(name), self.past);
        let account = state.accounts.last()?;
        let (id, client_id) = (account.id().to_owned(), account.client_id.clone());
        self.single_out(state, name, &id);
        let mut fields = self.place(scope);
        fields.extend([
            ("service_account_id", id),
            ("auth_type", auth.name().to_owned()),
            ("role_id", role_id),
            ("level", scope.level().to_owned()),
        ]);
        if auth.is_oauth() {
            fields.insert("client_id", client_id);
        }
        let kind = if auth.is_oauth() { "service-account-oauth" } else { "service-account-token" };
        let secret = secret.unwrap_or_else(|| assertion::PRIVATE_KEY.to_owned());
        Some(self.credential(name, kind, secret, fields))
    }

    fn order(&self, (name, auth, scope, rank, days): Planted) -> Option<Order> {
        let jwks_url = (auth == AuthType::PrivateKeyJwt).then(|| "https://keys.example.com/jwks.json".to_owned());
        Some(Order {
            name: name.to_owned(),
            auth,
            scope,
            role_id: self.region.world.role_of(rank)?.id.clone(),
            expires: (auth == AuthType::AccessToken).then(|| self.in_days(days)),
            ttl_seconds: 3_600,
            jwks_url,
        })
    }

    /// Two of the accounts have a story.
    fn single_out(&self, state: &mut State, name: &str, id: &str) {
        if name == BEARER_ONLY {
            state.tokens.values_mut().filter(|token| token.holder == id).for_each(|token| token.schemes = Schemes::Bearer);
        }
        if name == REVOKED {
            state.accounts.retain(|account| account.id() != id);
            state.revoke_tokens(id, self.past);
        }
    }

    fn app(&self, name: &str, grant: Grant) -> (App, String) {
        let label = self.label(name);
        let secret = seed::snyk_secret("cs", &label);
        let app = App {
            id: seed::uuid(&format!("{label}/app")),
            org: 0,
            name: name.to_owned(),
            client_id: seed::uuid(&format!("{label}/client")),
            redirect_uris: if grant == Grant::AuthorizationCode { REDIRECTS.map(str::to_owned).into() } else { Vec::new() },
            scopes: ["org.read", "org.project.read"].map(str::to_owned).into(),
            grant,
            ttl_seconds: 3_600,
            secrets: Secrets::with(secret.clone(), Life::starting(self.past)),
        };
        (app, secret)
    }

    /// The app that acts for the administrator.
    fn triage_app(&self, state: &mut State) -> Option<Credential> {
        let (app, client_secret) = self.app("triage-app", Grant::AuthorizationCode);
        let user = Arc::clone(state.people.first()?);
        let (_, refresh) = state.begin_session(&app.id, &user, &self.label("triage-app"), self.past);
        let mut fields = self.place(Reach::Org(0));
        fields.extend([("client_id", app.client_id.clone()), ("app_id", app.id.clone())]);
        state.apps.push(app);
        let parts = BTreeMap::from([("client_secret", client_secret)]);
        Some(Credential { parts, ..self.credential("triage-app", "app", refresh, fields) })
    }

    /// The app that acts by itself, installed in an organisation and in a group.
    fn metrics_app(&self, state: &mut State) -> Vec<Credential> {
        let (app, _) = self.app("metrics-app", Grant::ClientCredentials);
        let install = |(scope, place)| {
            let label = self.label(&format!("metrics-app/{place}"));
            let (install, secret) = Install::new(&app, scope, &label, self.past);
            let mut fields = self.place(scope);
            fields.extend([("client_id", install.client_id.clone()), ("install_id", install.id.clone())]);
            state.installs.push(install);
            self.credential(&format!("metrics-{place}"), "app-install", secret, fields)
        };
        let credentials = [(Reach::Org(0), "org"), (Reach::Group(0), "group")].into_iter().map(install).collect();
        state.apps.push(app);
        credentials
    }
}
