//! `tokenring create`: have the provider make a credential, straight into the store.

use super::arguments::{pair, parse_name, report, usage};
use super::context::Context;
use super::prompt;
use crate::domain::{Credential, Problem};
use crate::engine::rotation::Wish;

/// Make a new credential at its provider, straight into the store
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  tokenring create ci-2 --like ci-scanner --as admin\n  \
    tokenring create ci-3 --provider snyk --kind service-account-token --region eu --field org_id=… --field role_id=… --as admin")]
pub(super) struct Create {
    /// What to call it, here and at the provider
    name: String,
    /// Make one like this one: provider, kind, region, place and role
    #[arg(long, value_name = "OTHER", conflicts_with_all = ["provider", "kind", "region"])]
    like: Option<String>,
    /// The provider, such as snyk
    #[arg(long, required_unless_present = "like", requires = "kind")]
    provider: Option<String>,
    /// The kind of credential
    #[arg(long)]
    kind: Option<String>,
    /// The region; that of the credential that makes it, unless another is named
    #[arg(long)]
    region: Option<String>,
    /// A field of the kind, such as its organisation or role; may be repeated
    #[arg(long = "field", value_name = "K=V", value_parser = pair)]
    fields: Vec<(String, String)>,
    /// A label; may be repeated
    #[arg(long = "label", value_name = "L")]
    labels: Vec<String>,
    /// The credential that makes it; without it, the one named with --like
    #[arg(long = "as", value_name = "ADMIN", required_unless_present = "like")]
    administrator: Option<String>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

impl Create {
    /// Asks, then has it made.
    pub(super) async fn run(self, context: &Context<'_>) -> Result<u8, Problem> {
        let engine = context.engine()?;
        let like = match &self.like {
            Some(other) => Some(engine.find(other).await?),
            None => None,
        };
        let administrator = match self.administrator.as_ref().or(self.like.as_ref()) {
            Some(name) => engine.find(name).await?,
            None => return Err(usage("Nobody makes it", "no credential was named for it", "name one with --as")),
        };
        let yes = self.yes;
        let wish = self.wish(like, &administrator)?;
        if !yes {
            let question = format!("Make a {} named {} in {} as {}?", wish.kind, wish.name, wish.region, administrator.name);
            prompt::typed(&question, wish.name.as_str(), "--yes")?;
        }
        let made = context.unlocked().await?.create(wish).await?;
        report(context, &made)
    }

    fn wish(self, like: Option<Credential>, administrator: &Credential) -> Result<Wish, Problem> {
        let from = |given: Option<String>, told: fn(&Credential) -> &String| given.or_else(|| like.as_ref().map(told).cloned());
        let unclear =
            || usage("It is not clear what to make", "neither --like nor provider and kind were given", "give one of them");
        Ok(Wish {
            name: parse_name(&self.name)?,
            provider: from(self.provider, |like| &like.provider).ok_or_else(unclear)?,
            kind: from(self.kind, |like| &like.kind).ok_or_else(unclear)?,
            region: from(self.region, |like| &like.region).unwrap_or_else(|| administrator.region.clone()),
            fields: self.fields.into_iter().collect(),
            labels: self.labels,
            administrator: administrator.id.clone(),
            like,
        })
    }
}
