//! `tokenring request presets`: lists the ready-made requests.

use serde::Serialize;

use crate::cli::context::CliContext;
use crate::cli::output::table::TableColumn::{Name, Text};
use crate::cli::output::table::TextTable;
use crate::domain::problem::ProblemClass;
use crate::domain::provider::spec::{PresetParameter, RequestPreset};
use crate::domain::provider::{Provider, ValueType};
use crate::domain::text::{nearest_names, sanitize_line};
use crate::domain::{Credential, Problem};

/// List the ready-made requests
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tokenring request presets\n  tokenring request presets ci-scanner\n  tokenring request presets snyk issues"
)]
pub(in crate::cli) struct PresetsArgs {
    /// Provider or credential; all providers by default
    #[arg(value_name = "WHOSE")]
    whose: Option<String>,
    /// Show one preset with its parameters and documentation
    #[arg(value_name = "PRESET")]
    preset: Option<String>,
}

/// Preset as `presets --json` prints it.
#[derive(Serialize)]
struct PresetJson<'a> {
    provider: &'a str,
    id: &'a str,
    title: &'a str,
    help: &'a str,
    method: &'a str,
    path: &'a str,
    parameters: Vec<ParameterJson<'a>>,
    docs: &'a str,
}

#[derive(Serialize)]
struct ParameterJson<'a> {
    id: &'a str,
    help: &'a str,
    r#type: ValueType,
    /// Description of the accepted values.
    takes: String,
    choices: &'a [String],
    default: Option<&'a str>,
    /// Value that the credential's own fields provide.
    value: Option<&'a str>,
    /// ID of the preset whose responses list the values.
    from: Option<&'a str>,
}

impl PresetsArgs {
    /// Prints the presets in the order in which the screen offers them.
    pub(in crate::cli) async fn run(self, context: &CliContext<'_>) -> Result<u8, Problem> {
        let catalog = &context.engine()?.catalog;
        let mut shapes = Vec::new();
        let credential = match &self.whose {
            None => {
                shapes.extend(catalog.providers().flat_map(provider_presets));
                None
            }
            Some(whose) => match catalog.provider(whose) {
                Ok(provider) => {
                    shapes.extend(provider_presets(provider));
                    None
                }
                Err(_) => Some(find_credential(context, whose).await?),
            },
        };
        if let Some(credential) = &credential {
            let provider = catalog.provider(&credential.provider)?;
            let fitting = provider.presets_for(&credential.kind);
            shapes.extend(fitting.map(|preset| preset_json(provider, preset, Some(credential))));
        }
        match &self.preset {
            None => print_presets(context, &shapes),
            Some(id) => print_preset(context, find_preset(&shapes, id)?),
        }
    }
}

/// Finds the preset with this ID.
fn find_preset<'s, 'a>(
    shapes: &'s [PresetJson<'a>],
    id: &str,
) -> Result<&'s PresetJson<'a>, Problem> {
    shapes.iter().find(|shape| shape.id == id).ok_or_else(|| {
        let known: Vec<_> = shapes.iter().map(|shape| shape.id).collect();
        let remedy = match &nearest_names(id, &known)[..] {
            [] => "choose one of these presets".to_owned(),
            near => format!("did you mean {}?", near.join(" or ")),
        };
        let why = format!("available presets: {}", known.join(", "));
        Problem::new(format!("No preset named \"{}\"", sanitize_line(id)), why, remedy)
            .with_class(ProblemClass::NotFound)
    })
}

/// Prints all details of one preset.
fn print_preset(context: &CliContext<'_>, shape: &PresetJson<'_>) -> Result<u8, Problem> {
    if context.out.json {
        context.out.print_json(shape)?;
        return Ok(0);
    }
    let PresetJson { title, help, method, path, docs, parameters, .. } = shape;
    let mut lines = vec![
        (*title).to_owned(),
        (*help).to_owned(),
        format!("{method} {path}"),
        (*docs).to_owned(),
    ];
    for ParameterJson { id, help, takes, value, from, .. } in parameters {
        let from =
            from.map(|from| format!(" List the values with --preset {from}.")).unwrap_or_default();
        let value = value.map(|value| format!(" The credential sets {value}.")).unwrap_or_default();
        lines.push(format!("--param {id}=…  {takes}. {help}{from}{value}"));
    }
    context.out.print_text(&lines.join("\n"))?;
    Ok(0)
}

/// Finds a credential. The problem of an unknown name also lists the providers, because the user
/// may have meant either.
async fn find_credential(context: &CliContext<'_>, whose: &str) -> Result<Credential, Problem> {
    let engine = context.engine()?;
    engine.credentials.find(whose).await.map_err(|problem| {
        if problem.class != ProblemClass::NotFound {
            return problem;
        }
        let providers: Vec<_> =
            engine.catalog.providers().map(|provider| provider.id.as_str()).collect();
        let remedy = format!("{}; the providers are {}", problem.remedy, providers.join(", "));
        Problem::new(format!("No provider or credential named \"{whose}\""), problem.why, remedy)
            .with_class(ProblemClass::NotFound)
    })
}

fn provider_presets(provider: &Provider) -> impl Iterator<Item = PresetJson<'_>> {
    provider.presets.iter().map(move |preset| preset_json(provider, preset, None))
}

fn preset_json<'a>(
    provider: &'a Provider,
    preset: &'a RequestPreset,
    credential: Option<&'a Credential>,
) -> PresetJson<'a> {
    let RequestPreset { id, title, help, method, path, docs, .. } = preset;
    let parameter = |parameter: &'a PresetParameter| ParameterJson {
        id: &parameter.id,
        help: &parameter.help,
        r#type: parameter.value_type,
        takes: parameter.describe_values(),
        choices: &parameter.choices,
        default: parameter.default.as_deref(),
        value: credential
            .and_then(|credential| credential.fields.get(&parameter.id))
            .map(String::as_str),
        from: parameter.options_preset.as_deref(),
    };
    let parameters = preset.parameters.iter().map(parameter).collect();
    PresetJson { provider: &provider.id, id, title, help, method, path, parameters, docs }
}

fn print_presets(context: &CliContext<'_>, shapes: &[PresetJson<'_>]) -> Result<u8, Problem> {
    if context.out.json {
        context.out.print_json(&shapes)?;
        return Ok(0);
    }
    let mut table = TextTable::new(&[
        Text("PROVIDER"),
        Name("PRESET"),
        Text("METHOD"),
        Text("PARAMETERS"),
        Text("DESCRIPTION"),
    ]);
    for shape in shapes {
        let parameters: Vec<_> = shape.parameters.iter().map(describe_parameter).collect();
        let cells = [shape.provider, shape.id, shape.method, &parameters.join(" "), shape.help];
        table.add_row(cells);
    }
    context.out.print_table(&table)?;
    Ok(0)
}

/// Formats a parameter as `org_id`, in brackets and with its default where it is optional.
fn describe_parameter(parameter: &ParameterJson<'_>) -> String {
    match (parameter.value, parameter.default) {
        (Some(_), _) => format!("[{}]", parameter.id),
        (None, Some(default)) => format!("[{}={default}]", parameter.id),
        (None, None) => parameter.id.to_owned(),
    }
}
