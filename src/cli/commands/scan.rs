//! `tokenring scan`: finds plain-text copies of secrets.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::cli::context::CliContext;
use crate::cli::input::prompt;
use crate::cli::output;
use crate::cli::output::table::TableColumn::{Path, Text};
use crate::cli::output::table::TextTable;
use crate::domain::Problem;
use crate::domain::consumer::ConsumerTarget;
use crate::domain::credential::SecretSlot;
use crate::domain::format::count_noun;
use crate::domain::problem::ProblemClass;
use crate::engine::scan::{
    MatchOwner, MatchedCredential, ScanMatch, ScanProgress, ScanResult, UnreadableFile,
    describe_holders,
};

/// Find plain-text copies of secrets in files
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct ScanArgs {
    /// Files and folders to scan (- for standard input); by default the usual locations and the
    /// working folder
    paths: Vec<PathBuf>,
    /// Register each file with a current secret as a consumer, so that it gets the next secret too
    #[arg(long)]
    link: bool,
    /// Fail (exit 7) if a copy is found that no consumer keeps up to date
    #[arg(long)]
    strict: bool,
}

/// Interval between two progress updates; a shorter scan shows none.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

const EXAMPLES: &str = "Examples:\n  tokenring scan\n  tokenring scan ~/work --link\n  tokenring scan . --strict --json\n  \
    git log -p | tokenring scan - --strict\n\n\
    Secrets are never printed. Copies of stored secrets, of their further parts and of previous secrets are recognized by \
    fingerprint. The fingerprint key is in the store; if the store is locked, only secrets of known forms are found. \
    Ignored files are scanned too, except in ignored folders of build output and dependencies (target, node_modules, …); \
    even there, files that often contain secrets are scanned (.env*, .npmrc, editor settings, …).";

/// Match as `--json` prints it.
#[derive(Serialize)]
struct ScanMatchJson<'a> {
    path: String,
    links: Vec<String>,
    line: usize,
    /// Names of the credentials that have or had the secret; empty where it is unknown.
    names: Vec<&'a str>,
    /// Part and slot of the secret in each of these credentials, in the same order.
    held: Vec<MatchedCredentialJson<'a>>,
    provider: Option<&'a str>,
    kind: Option<&'a str>,
    why: Option<&'a str>,
    encoding: Option<&'a str>,
    open_to_others: Option<&'a str>,
    /// Location, where a consumer can keep it up to date.
    consumer: Option<&'a ConsumerTarget>,
    linked: bool,
}

/// Part and slot of the secret in one credential.
#[derive(Serialize)]
struct MatchedCredentialJson<'a> {
    name: &'a str,
    part: &'a str,
    /// `current`, `pending` or `previous`; `former` where another secret has replaced it.
    slot: &'a str,
}

impl ScanArgs {
    /// Scans the paths, links the matches where that is requested, and reports them.
    pub(in crate::cli) async fn run(self, context: &CliContext<'_>) -> Result<u8, Problem> {
        // A store that cannot be unlocked does not prevent the scan: the result contains what is
        // missing.
        let engine = match context.unlocked_engine().await {
            Ok(engine) => engine,
            Err(problem) if problem.class == ProblemClass::Store => context.engine()?,
            Err(problem) => return Err(problem),
        };
        let show_progress = !context.out.json;
        let scanned = engine.scan.run(self.paths.clone(), progress_callback(show_progress)).await;
        if show_progress {
            output::show_progress("");
        }
        let mut scanned = scanned?;
        let shown_first = !context.out.json && !self.link;
        if shown_first {
            print_matches(context, &scanned)?;
        }
        if self.link || shown_first && confirm_linking(&scanned) {
            for found in scanned.matches.iter_mut().filter(|found| is_linkable(found)) {
                for consumer in engine.scan.add_consumers_for_match(found).await? {
                    context.out.note(&format!(
                        "linked: {} will {}",
                        consumer.name,
                        consumer.target.describe()
                    ));
                }
                found.has_consumer = true;
            }
        }
        if !shown_first {
            print_matches(context, &scanned)?;
        }
        print_notes(context, &scanned);
        let unlinked = scanned.matches.iter().any(|found| !found.has_consumer);
        Ok(if self.strict && unlinked { ProblemClass::Policy.exit_code() } else { 0 })
    }
}

/// Returns a callback that shows progress, if the scan takes its time.
fn progress_callback(show_progress: bool) -> impl FnMut(ScanProgress) + Send + 'static {
    let mut last = Instant::now();
    move |ScanProgress { files, total_files: of, bytes }| {
        if show_progress && last.elapsed() >= PROGRESS_INTERVAL {
            last = Instant::now();
            output::show_progress(&format!(
                "scanning file {files} of {of}, {} MB read",
                bytes >> 20
            ));
        }
    }
}

fn is_linkable(found: &ScanMatch) -> bool {
    found.target.is_some()
        && !found.has_consumer
        && found.owner.current_credentials().next().is_some()
}

fn confirm_linking(scanned: &ScanResult) -> bool {
    let places = scanned.matches.iter().filter(|found| is_linkable(found)).count();
    if places == 0 || !prompt::is_interactive() {
        return false;
    }
    let question = format!("Keep {} up to date with consumers? [y/N] ", count_noun(places, "file"));
    prompt::read_line(&question).is_some_and(|answer| answer.eq_ignore_ascii_case("y"))
}

fn print_matches(context: &CliContext<'_>, scanned: &ScanResult) -> Result<(), Problem> {
    if context.out.json {
        let finds: Vec<_> = scanned.matches.iter().map(match_json).collect();
        let ScanResult { unreadable: unread, files, fingerprint_problem: blind, .. } = scanned;
        return context.out.print_json(&serde_json::json!({
            "finds": finds, "unread": unread, "files": files, "held_secrets_known": blind.is_none(),
        }));
    }
    if scanned.matches.is_empty() {
        let mut text = format!("no secrets found in {}", count_noun(scanned.files, "file"));
        if !scanned.unreadable.is_empty() {
            text = format!("{text}; {} not scanned", scanned.unreadable.len());
        }
        if scanned.fingerprint_problem.is_some() {
            text += "; copies of stored secrets were not looked for";
        }
        return context.out.print_text(&text);
    }
    let mut table = TextTable::new(&[Path("FILE"), Text("SECRET"), Text("WHAT TO DO")]);
    for found in &scanned.matches {
        table.add_row([
            format!("{}:{}", found.path.display(), found.line),
            describe_match(found),
            suggest_action(found).to_owned(),
        ]);
    }
    context.out.print_table(&table)
}

fn describe_match(found: &ScanMatch) -> String {
    let encoding = found.encoding.map(|encoding| format!(", {encoding}")).unwrap_or_default();
    match &found.owner {
        MatchOwner::Known(holders) => format!("{}{encoding}", describe_holders(holders)),
        MatchOwner::Unknown { provider, kind, .. } => {
            format!("unknown: {provider} {kind}{encoding}")
        }
    }
}

fn suggest_action(found: &ScanMatch) -> &'static str {
    match (&found.owner, &found.target) {
        _ if found.has_consumer => "nothing: a consumer keeps it up to date",
        (MatchOwner::Known(_), Some(_)) if is_linkable(found) => {
            "link it with --link, or clear it with `tokenring import … --blank`"
        }
        (MatchOwner::Known(_), _) if found.path.as_os_str() == "-" => {
            "remove it from the source of this input"
        }
        (MatchOwner::Known(_), _) => "remove it manually",
        (MatchOwner::Unknown { .. }, _) => {
            "store it with `tokenring import` or `add`, or revoke it"
        }
    }
}

fn print_notes(context: &CliContext<'_>, scanned: &ScanResult) {
    // A file may contain many secrets but is named once.
    for file in scanned.matches.chunk_by(|one, other| one.path == other.path) {
        let path = output::display_path(&file[0].path);
        if let Some(mode) = &file[0].exposed_mode {
            context.out.note(&format!("note: other users can read {path} (mode {mode})"));
        }
        for link in &file[0].links {
            context.out.note(&format!("note: {} links to {path}", output::display_path(link)));
        }
    }
    for UnreadableFile { path, why } in &scanned.unreadable {
        context.out.note(&format!("note: {} was not scanned: {why}", output::display_path(path)));
    }
    if let Some(problem) = &scanned.fingerprint_problem {
        let what = "note: copies of stored secrets could not be recognized";
        context.out.note(&format!("{what}: {}; {}", problem.why, problem.remedy));
    }
}

fn match_json(found: &ScanMatch) -> ScanMatchJson<'_> {
    let (holders, unknown) = match &found.owner {
        MatchOwner::Known(holders) => (&holders[..], None),
        MatchOwner::Unknown { provider, kind, why } => (&[][..], Some((provider, kind, why))),
    };
    ScanMatchJson {
        path: found.path.display().to_string(),
        links: found.links.iter().map(|link| link.display().to_string()).collect(),
        line: found.line,
        names: holders.iter().map(|holder| holder.name.as_str()).collect(),
        held: holders.iter().map(matched_credential_json).collect(),
        provider: unknown.map(|(provider, ..)| provider.as_str()),
        kind: unknown.map(|(_, kind, _)| kind.as_str()),
        why: unknown.map(|(.., why)| why.as_str()),
        encoding: found.encoding,
        open_to_others: found.exposed_mode.as_deref(),
        consumer: found.target.as_ref(),
        linked: found.has_consumer,
    }
}

fn matched_credential_json(holder: &MatchedCredential) -> MatchedCredentialJson<'_> {
    let slot = holder.slot.map_or("former", SecretSlot::as_str);
    MatchedCredentialJson { name: holder.name.as_str(), part: holder.part.as_str(), slot }
}
