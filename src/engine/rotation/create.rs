//! Making a new credential at its provider, straight into the store.
//!
//! The row in the index comes first, then the provider's secret, then the store. Whatever fails after the provider has
//! made it, what was made is removed there again; where that fails too, a person is told its name and id.

use std::collections::BTreeMap;
use std::time::Duration;

use super::provider::{Desk, Doomed, Fresh, Strategy, failure_of, minting};
use crate::domain::credential::{Part, Slot};
use crate::domain::problem::Class;
use crate::domain::rotation::{Failure, FailureKind, Remote};
use crate::domain::{Credential, CredentialId, Name, Problem};
use crate::engine::Engine;
use crate::engine::audit::Deed;
use crate::engine::keyring::random;
use crate::store::ItemKey;

/// How often a store that fails is tried before what was made is removed again, and the pause between.
const ATTEMPTS: u32 = 4;
const PAUSE: Duration = Duration::from_secs(1);

/// A credential that is to be made.
#[derive(Debug, Clone)]
pub struct Wish {
    /// What to call it, here and at the provider.
    pub name: Name,
    /// The provider's id.
    pub provider: String,
    /// The kind's id.
    pub kind: String,
    /// The region's id.
    pub region: String,
    /// What is known beforehand, such as `org_id` and `role_id`. With `service_account_id`, an account that exists is
    /// given a further secret.
    pub fields: BTreeMap<String, String>,
    /// Labels.
    pub labels: Vec<String>,
    /// One to take everything else from.
    pub like: Option<Credential>,
    /// Which credential makes it.
    pub administrator: CredentialId,
}

impl Engine {
    /// Makes a credential at its provider and keeps it.
    pub async fn create(&self, wish: Wish) -> Result<Credential, Problem> {
        self.permit_changes()?;
        self.refuse_taken(&wish.name).await?;
        self.prove_store().await?;
        let kind = self.catalogue.kind(&wish.provider, &wish.kind)?;
        let strategy = minting(kind.replace.plan, wish.fields.contains_key("service_account_id"));
        let administrator = wish.administrator.clone();
        let draft = self.draft_credential(wish)?;
        self.require_neighbour(&draft, &self.by_id(&administrator).await?)?;
        let row = draft.clone();
        self.with_index(move |index| index.insert(&row)).await?;
        self.register(Deed::new("create", "begun").on(draft.name.as_str())).await?;
        let made = self.make(strategy, &draft, &administrator).await;
        let (outcome, why) = made.as_ref().map_or_else(|problem| ("failed", problem.why.clone()), |_| ("done", String::new()));
        if made.is_err() {
            let id = draft.id.clone();
            self.with_index(move |index| index.remove(&id)).await?;
        }
        self.register(Deed::new("create", outcome).on(draft.name.as_str()).because(why)).await?;
        made
    }

    fn draft_credential(&self, wish: Wish) -> Result<Credential, Problem> {
        let mut fields = wish.like.map(|like| like.fields).unwrap_or_default();
        fields.extend(wish.fields);
        Ok(Credential {
            id: CredentialId::from_random(random()?),
            region: self.catalogue.region(&wish.provider, &wish.region)?.id.clone(),
            name: wish.name,
            provider: wish.provider,
            kind: wish.kind,
            fields,
            labels: wish.labels,
            created: self.now(),
            expires: None,
            fingerprint: None,
            principal: None,
            scheme: None,
            last_check: None,
        })
    }

    async fn make(&self, strategy: &dyn Strategy, draft: &Credential, clerk: &CredentialId) -> Result<Credential, Problem> {
        let plan = self.catalogue.kind(&draft.provider, &draft.kind)?.replace.plan;
        let desk = self.desk(draft.clone(), plan, Some(clerk))?;
        let fresh = match strategy.mint(&desk, draft.name.as_str()).await {
            Ok(fresh) => fresh,
            Err(failure) => return Err(not_made(&desk, strategy, &failure).await),
        };
        if let Err(failure) = self.keep_fresh(draft, &fresh).await {
            return Err(take_back(&desk, strategy, &fresh, &failure).await);
        }
        let expires = fresh.remote.expires.or_else(|| desk.read_secret(&fresh.secret).and_then(|found| found.expires));
        let fingerprint = self.fingerprint(&fresh.secret).await?;
        let (id, facts) = (draft.id.clone(), fresh.facts);
        self.with_index(move |index| {
            index.update(&id, |credential| {
                credential.fields.extend(facts.into_iter().map(|(field, value)| (field.to_owned(), value)));
                credential.expires = expires;
                credential.fingerprint = Some(fingerprint);
            })
        })
        .await
    }

    async fn keep_fresh(&self, draft: &Credential, fresh: &Fresh) -> Result<(), Failure> {
        let key = ItemKey::of(&draft.id, Slot::Current, &Part::Secret);
        for attempt in 1.. {
            let kept = async {
                self.store.put(&key, &fresh.secret).await?;
                self.store.get(&key).await
            };
            match kept.await {
                Ok(read) if read.same_as(&fresh.secret) => break,
                _ if attempt < ATTEMPTS => self.clock.pass(PAUSE).await,
                Ok(_) => return Err(super::slots::not_yet("the store gave back something else")),
                Err(error) => return Err(failure_of(&error.into())),
            }
        }
        Ok(())
    }
}

/// What is said when the provider made nothing, or nobody knows: what carries the name is looked for, and removed.
async fn not_made(desk: &Desk<'_>, strategy: &dyn Strategy, failure: &Failure) -> Problem {
    let stray = match failure.kind {
        FailureKind::Unanswered => strategy.list(desk).await.map(|list| by_name(list, desk.credential.name.as_str())),
        _ => Ok(None),
    };
    let class = if failure.kind == FailureKind::Refused { Class::Refused } else { Class::Unknown };
    let problem = |remedy: String| Problem::new("No credential was made", failure.why.clone(), remedy).of(class);
    match stray {
        Ok(None) => problem("see what the provider says; another credential may be allowed to (--as)".to_owned()),
        Ok(Some(remote)) => match strategy.remove(desk, Doomed::Remote(&remote)).await {
            Ok(()) => problem("it was made and its secret lost, so it was deleted again; choose another name".to_owned()),
            Err(_) => problem(format!("delete {} ({}) at the provider: its secret is lost", remote.label, remote.id)),
        },
        Err(_) => problem(format!("look for \"{}\" at the provider and delete it", desk.credential.name)),
    }
}

fn by_name(list: Vec<Remote>, name: &str) -> Option<Remote> {
    list.into_iter().find(|remote| remote.label == name)
}

/// What is said when the store did not keep what the provider made.
async fn take_back(desk: &Desk<'_>, strategy: &dyn Strategy, fresh: &Fresh, failure: &Failure) -> Problem {
    let remedy = match strategy.remove(desk, Doomed::Remote(&fresh.remote)).await {
        Ok(()) => "it was deleted at the provider again; mend the store, then create it under another name".to_owned(),
        Err(_) => format!("delete {} ({}) at the provider: its secret is lost", fresh.remote.label, fresh.remote.id),
    };
    Problem::new("The store did not keep the new credential", failure.why.clone(), remedy).of(Class::Store)
}
