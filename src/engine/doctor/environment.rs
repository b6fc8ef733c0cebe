//! Variables and configurations that the providers' own tools read, where they shadow or contradict one another.
//!
//! The Snyk CLI's order: the session in `INTERNAL_OAUTH_TOKEN_STORAGE`, `SNYK_OAUTH_TOKEN`, `SNYK_TOKEN`, the session in
//! its file, the token in its file; and a token that names its own host goes there whatever `SNYK_API` says.

use std::path::Path;

use super::{Area, Finding};
use crate::domain::Secret;
use crate::domain::consumer::ConsumerTarget;
use crate::domain::problem::Problem;
use crate::engine::Engine;
use crate::engine::consumer::in_background;
use crate::engine::import::{Raw, Source, origin_of, read};

/// A token in a variable goes before everything in a file.
const TOKENS: [&str; 4] = ["INTERNAL_OAUTH_TOKEN_STORAGE", "SNYK_OAUTH_TOKEN", "SNYK_TOKEN", "SNYK_CFG_API"];

impl Engine {
    pub(super) async fn examine_environment(&self, is_open: bool) -> Vec<Finding> {
        let mut findings = Vec::new();
        let snyk = self.configured(Source::SnykCli, &mut findings).await;
        let probely = self.configured(Source::ProbelyCli, &mut findings).await;
        findings.extend(openness(snyk.iter().chain(&probely)));
        findings.extend(self.shadows(is_open, &snyk.iter().chain(&probely).collect::<Vec<_>>()).await);
        findings.extend(rivals());
        if let (Some(token), Some(api)) = (variable("SNYK_TOKEN"), variable("SNYK_API")) {
            findings.extend(self.misdirected("SNYK_TOKEN", Secret::from_text(token), (&api, "SNYK_API"), is_open).await);
        }
        for raw in snyk.iter().filter(|raw| raw.refusal.is_none()) {
            let Some(api) = &raw.endpoint else { continue };
            let (token, path) = (Secret::new(raw.text.as_bytes().to_vec()), file_of(raw).display());
            let (what, place) = (format!("The token in {path}"), "the endpoint beside it");
            findings.extend(self.misdirected(&what, token, (api, place), is_open).await);
        }
        if findings.is_empty() {
            let why = "no variable and no configuration of the providers' tools stands against another";
            findings.push(Finding::ok(Area::Environment, "Nothing contradicts", why));
        }
        findings
    }

    /// What the tool's configuration holds; nothing where there is none, which is no finding.
    async fn configured(&self, source: Source, findings: &mut Vec<Finding>) -> Vec<Raw> {
        let read = in_background(move || read(&source).map_err(|error| (error.is_missing(), error))).await;
        match read {
            Ok(Ok(raws)) => raws,
            Ok(Err((true, _))) => Vec::new(),
            Ok(Err((false, error))) => {
                findings.push(Finding::fail(Area::Environment, error.problem("A configuration could not be read")));
                Vec::new()
            }
            Err(problem) => {
                findings.push(Finding::fail(Area::Environment, problem));
                Vec::new()
            }
        }
    }

    /// Variables with a token, each with whose it is, and whether a file says otherwise.
    async fn shadows(&self, is_open: bool, files: &[&Raw]) -> Vec<Finding> {
        let mut findings = Vec::new();
        for name in self.secret_variables() {
            let Some(value) = variable(&name).map(Secret::from_text) else { continue };
            let whose = if is_open {
                self.whose(&value).await
            } else {
                "whose it is cannot be told while the store is locked".to_owned()
            };
            let hidden = files.iter().find(|raw| raw.refusal.is_none() && raw.variable == name);
            let differs = hidden.filter(|raw| !Secret::new(raw.text.as_bytes().to_vec()).same_as(&value));
            let what = format!("{name} is set");
            let remedy = format!("`unset {name}`, and give it to one command at a time with `tokenring exec`");
            findings.push(match differs {
                Some(raw) => {
                    let why = format!("{whose}; it goes before another token in {}", file_of(raw).display());
                    Finding::warn(Area::Environment, what, why, remedy)
                }
                None => {
                    Finding::warn(Area::Environment, what, format!("{whose}; every program started here can read it"), remedy)
                }
            });
        }
        findings
    }

    async fn whose(&self, value: &Secret) -> String {
        match self.twins(value).await {
            Ok(names) if names.is_empty() => "it is the secret of no credential here".to_owned(),
            Ok(names) => {
                let names: Vec<_> = names.iter().map(crate::domain::CredentialName::as_str).collect();
                format!("it is the secret of {}", names.join(", "))
            }
            Err(problem) => format!("whose it is cannot be told: {}", problem.why),
        }
    }

    /// The variables that hold a secret, of all providers.
    fn secret_variables(&self) -> Vec<String> {
        let kinds = self.catalogue.providers().flat_map(|provider| provider.kinds.iter());
        let mut names: Vec<_> = kinds.map(|kind| kind.secret_variable().to_owned()).filter(|name| name != "TOKEN").collect();
        names.sort();
        names.dedup();
        names
    }

    /// A token whose region is known beside an address of another one.
    async fn misdirected(&self, what: &str, token: Secret, (api, place): (&str, &str), is_open: bool) -> Option<Finding> {
        let (provider, id) = self.home_told(&token, is_open).await?;
        let regions = self.catalogue.regions(&provider).ok()?;
        let told = regions.iter().find(|region| region.id == id)?;
        let origin = origin_of(api);
        if origin.as_ref().is_some_and(|origin| told.matches_origin(origin)) {
            return None;
        }
        let elsewhere = origin.and_then(|origin| regions.iter().find(|region| region.matches_origin(&origin)));
        let points_to = elsewhere.map_or_else(|| "no known region".to_owned(), |region| region.id.clone());
        let what = format!("{what} belongs to {id}, but {place} points to {points_to}");
        let problem = Problem::new(what, "a token works in its own region only", format!("set it to {}", told.api));
        Some(Finding::fail(Area::Environment, problem))
    }

    /// The provider and region that a token names itself, or else those of the credential that has it.
    async fn home_told(&self, token: &Secret, is_open: bool) -> Option<(String, String)> {
        let found = self.identify(token).ok()?;
        if let Some(named) = found.candidates.iter().find(|candidate| candidate.region.is_some()) {
            return Some((named.provider.clone(), named.region.clone()?));
        }
        let names = if is_open { self.twins(token).await.ok()? } else { Vec::new() };
        let holder = self.find(names.first()?.as_str()).await.ok()?;
        Some((holder.provider, holder.region))
    }
}

/// More than one variable with a token for the same tool.
fn rivals() -> Option<Finding> {
    let set: Vec<_> = TOKENS.into_iter().filter(|name| variable(name).is_some()).collect();
    let [first, rest @ ..] = &set[..] else { return None };
    let what = format!("{} are set at once", set.join(" and "));
    let why = format!("the Snyk CLI uses {first} and never looks at the others");
    (!rest.is_empty()).then(|| Finding::warn(Area::Environment, what, why, format!("`unset {}`", rest.join(" "))))
}

fn openness<'r>(raws: impl Iterator<Item = &'r Raw>) -> Vec<Finding> {
    let mut open: Vec<_> = raws.filter_map(|raw| Some((file_of(raw).to_owned(), raw.openness.clone()?))).collect();
    open.sort();
    open.dedup();
    let finding = |(path, mode): (std::path::PathBuf, String)| {
        let what = format!("Other users may read {}", path.display());
        Finding::warn(
            Area::Environment,
            what,
            format!("its mode is {mode}, and a secret is in it"),
            format!("`chmod 600 {}`", path.display()),
        )
    };
    open.into_iter().map(finding).collect()
}

/// The configuration that it stands in.
fn file_of(raw: &Raw) -> &Path {
    raw.target.as_ref().map_or(Path::new(""), ConsumerTarget::path)
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
