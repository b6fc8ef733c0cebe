//! `tokenring revoke`: have the provider revoke a credential, and see it refused.

use super::context::Context;
use super::prompt;
use super::rotate::find_administrator;
use crate::domain::Problem;
use crate::domain::problem::Class;
use crate::engine::rotation::Revoked;

/// Have the provider revoke a credential, and show that it is dead; nothing takes its place
#[derive(Debug, clap::Args)]
pub(super) struct Revoke {
    /// Its name
    name: String,
    /// Another credential that revokes it, where this one may not manage itself
    #[arg(long = "as", value_name = "ADMIN")]
    administrator: Option<String>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

impl Revoke {
    /// Asks for the name to be typed, then revokes.
    pub(super) async fn run(self, context: &Context<'_>) -> Result<u8, Problem> {
        let engine = context.engine()?;
        let credential = engine.find(&self.name).await?;
        let administrator = find_administrator(engine, self.administrator.as_deref()).await?;
        if !self.yes {
            let question = format!(
                "Revoke {} in {}? Whatever uses it stops, and nothing brings it back.",
                credential.name, credential.region
            );
            prompt::typed(&question, credential.name.as_str(), "--yes")?;
        }
        match context.unlocked().await?.revoke(&credential, administrator.as_ref()).await? {
            Revoked::Dead if context.out.json => context.out.value(&serde_json::json!({ "revoked": credential.name }))?,
            Revoked::Dead => context.out.text(&format!("{}: revoked, and refused since", credential.name))?,
            Revoked::StillAlive => {
                let why = "the provider said that it revoked it, and still accepts it";
                let remedy = format!("look again with `tokenring check {}`, or see to it at the provider", credential.name);
                return Err(Problem::new(format!("{} still works", credential.name), why, remedy).of(Class::NeedsHuman));
            }
        }
        Ok(0)
    }
}
