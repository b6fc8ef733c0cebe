//! `tokenring presets`: the ready-made requests.

use serde::Serialize;

use super::context::Context;
use super::table::Table;
use crate::domain::problem::Class;
use crate::domain::provider::Provider;
use crate::domain::provider::spec::{Parameter, Preset};
use crate::domain::{Credential, Problem};

/// List the ready-made requests of a provider, or those of use to a credential
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  tokenring presets\n  tokenring presets ci-scanner")]
pub(super) struct Presets {
    /// A provider or a credential; without it, those of all providers
    #[arg(value_name = "WHOSE")]
    whose: Option<String>,
}

/// A preset, as `presets --json` prints it.
#[derive(Serialize)]
struct PresetShape<'a> {
    provider: &'a str,
    id: &'a str,
    title: &'a str,
    help: &'a str,
    method: &'a str,
    path: &'a str,
    parameters: Vec<ParameterShape<'a>>,
    docs: &'a str,
}

#[derive(Serialize)]
struct ParameterShape<'a> {
    id: &'a str,
    help: &'a str,
    default: Option<&'a str>,
    /// The value that the credential's own fields give.
    value: Option<&'a str>,
    /// The preset whose answers list its values.
    from: Option<&'a str>,
}

impl Presets {
    /// Prints them in the order in which they are offered.
    pub(super) async fn run(self, context: &Context<'_>) -> Result<u8, Problem> {
        let catalogue = &context.engine()?.catalogue;
        let mut shapes = Vec::new();
        let credential = match &self.whose {
            None => {
                shapes.extend(catalogue.providers().iter().flat_map(all_of));
                None
            }
            Some(whose) => match catalogue.provider(whose) {
                Ok(provider) => {
                    shapes.extend(all_of(provider));
                    None
                }
                Err(_) => Some(credential(context, whose).await?),
            },
        };
        if let Some(credential) = &credential {
            let provider = catalogue.provider(&credential.provider)?;
            let fitting = provider.presets_for(&credential.kind);
            shapes.extend(fitting.map(|preset| shape(provider, preset, Some(credential))));
        }
        print(context, &shapes)
    }
}

/// Whoever names neither a provider nor a credential may have meant either.
async fn credential(context: &Context<'_>, whose: &str) -> Result<Credential, Problem> {
    let engine = context.engine()?;
    engine.find(whose).await.map_err(|problem| {
        if problem.class != Class::NotFound {
            return problem;
        }
        let providers: Vec<_> = engine.catalogue.providers().iter().map(|provider| provider.id.as_str()).collect();
        let remedy = format!("{}; the providers are {}", problem.remedy, providers.join(", "));
        Problem::new(format!("There is neither a provider nor a credential \"{whose}\""), problem.why, remedy).of(Class::NotFound)
    })
}

fn all_of(provider: &Provider) -> impl Iterator<Item = PresetShape<'_>> {
    provider.presets.iter().map(move |preset| shape(provider, preset, None))
}

fn shape<'a>(provider: &'a Provider, preset: &'a Preset, credential: Option<&'a Credential>) -> PresetShape<'a> {
    let Preset { id, title, help, method, path, docs, .. } = preset;
    let parameter = |parameter: &'a Parameter| ParameterShape {
        id: &parameter.id,
        help: &parameter.help,
        default: parameter.default.as_deref(),
        value: credential.and_then(|credential| credential.fields.get(&parameter.id)).map(String::as_str),
        from: parameter.from.as_deref(),
    };
    let parameters = preset.parameters.iter().map(parameter).collect();
    PresetShape { provider: &provider.id, id, title, help, method, path, parameters, docs }
}

fn print(context: &Context<'_>, shapes: &[PresetShape<'_>]) -> Result<u8, Problem> {
    if context.out.json {
        context.out.value(&shapes)?;
        return Ok(0);
    }
    let mut table = Table::new(&["PROVIDER", "PRESET", "METHOD", "PARAMETERS", "WHAT IT ANSWERS"]);
    for shape in shapes {
        let parameters: Vec<_> = shape.parameters.iter().map(written).collect();
        let cells = [shape.provider, shape.id, shape.method, &parameters.join(" "), shape.help];
        table.row(cells.map(str::to_owned));
    }
    context.out.table(&table)?;
    Ok(0)
}

/// `org_id`, or with brackets where it need not be given.
fn written(parameter: &ParameterShape<'_>) -> String {
    let known = parameter.value.or(parameter.default);
    if known.is_some() { format!("[{}]", parameter.id) } else { parameter.id.to_owned() }
}
