//! The rules of the code base, enforced by reading the sources: dependencies between layers, sizes of
//! files and functions, access to secrets, names, language, and the reason for every dependency.
//! Start with [`RULES`] for the layers and [`IDIOM`] for the language.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

mod circles;

/// One layer and what its sources must not name.
struct LayerRule {
    layer: &'static str,
    forbidden: &'static [&'static str],
}

/// The dependency rules. The longest matching path applies.
const RULES: &[LayerRule] = &[
    LayerRule {
        layer: "src/util/",
        forbidden: &[
            "tokio",
            "reqwest",
            "ratatui",
            "crossterm",
            "keyring::",
            "rusqlite",
            "crate::domain",
            "crate::config",
            "crate::store",
            "crate::index",
            "crate::net",
            "crate::engine",
            "crate::tui",
            "crate::cli",
            "crate::sandbox",
        ],
    },
    LayerRule {
        layer: "src/domain/",
        forbidden: &[
            "private_files",
            "tokio",
            "reqwest",
            "ratatui",
            "crossterm",
            "keyring::",
            "rusqlite",
            "std::fs",
            "now_utc",
            "Instant::now",
            "SystemTime::now",
            "crate::config",
            "crate::store",
            "crate::database",
            "crate::net",
            "crate::engine",
            "crate::tui",
            "crate::cli",
            "crate::simulator",
        ],
    },
    LayerRule {
        layer: "src/config/",
        forbidden: &[
            "tokio",
            "reqwest",
            "ratatui",
            "crossterm",
            "crate::store",
            "crate::database",
            "crate::net",
            "crate::engine",
            "crate::tui",
            "crate::cli",
            "crate::simulator",
        ],
    },
    LayerRule {
        layer: "src/store/",
        forbidden: &[
            "ratatui",
            "crossterm",
            "crate::database",
            "crate::net",
            "crate::engine",
            "crate::tui",
            "crate::cli",
            "crate::simulator",
            "crate::config",
        ],
    },
    LayerRule {
        layer: "src/database/",
        forbidden: &[
            "ratatui",
            "crossterm",
            "tokio",
            "crate::store",
            "crate::net",
            "crate::engine",
            "crate::tui",
            "crate::cli",
            "crate::simulator",
            "crate::config",
        ],
    },
    LayerRule {
        layer: "src/net/",
        forbidden: &[
            "ratatui",
            "crossterm",
            "crate::store",
            "crate::database",
            "crate::engine",
            "crate::tui",
            "crate::cli",
            "crate::simulator",
            "crate::config",
        ],
    },
    LayerRule {
        layer: "src/engine/",
        forbidden: &[
            "ratatui",
            "crossterm",
            "crate::tui",
            "crate::cli",
            "crate::simulator",
            "reqwest",
            "rusqlite",
        ],
    },
    LayerRule {
        // Only the geometry of ratatui (`layout::Rect`): the state of the screen draws nothing.
        layer: "src/tui/app/",
        forbidden: &[
            "ratatui::{",
            "ratatui::Frame",
            "ratatui::Terminal",
            "ratatui::backend",
            "ratatui::buffer",
            "ratatui::prelude",
            "ratatui::style",
            "ratatui::text",
            "ratatui::widgets",
            "crossterm",
            "tokio",
            "crate::store",
            "crate::database",
            "crate::net",
            "crate::cli",
            "crate::simulator",
            "tui::view",
        ],
    },
    LayerRule {
        layer: "src/tui/view/",
        forbidden: &[
            "crossterm",
            "tokio",
            "crate::engine",
            "crate::store",
            "crate::database",
            "crate::net",
            "crate::cli",
            "crate::simulator",
        ],
    },
    LayerRule {
        layer: "src/tui/plain/",
        forbidden: &[
            "ratatui",
            "crossterm",
            "tokio::task",
            "crate::store",
            "crate::database",
            "crate::net",
            "crate::cli",
            "crate::simulator",
        ],
    },
    LayerRule { layer: "src/tui/", forbidden: &["crate::cli", "crate::simulator"] },
    LayerRule {
        layer: "src/cli/",
        forbidden: &[
            "ratatui",
            "tui::app",
            "tui::view",
            "crate::store",
            "crate::database",
            "crate::net",
            "rusqlite",
            "reqwest",
        ],
    },
    LayerRule {
        layer: "src/simulator/",
        forbidden: &[
            "crate::config",
            "crate::store",
            "crate::database",
            "crate::net",
            "crate::engine",
            "crate::tui",
            "crate::cli",
            "ratatui",
            "rusqlite",
            "reqwest",
        ],
    },
];

/// The files that may call `Secret::expose`, each with its reason.
const EXPOSERS: &[(&str, &str)] = &[
    ("src/domain/secret.rs", "the type itself"),
    ("src/domain/identify/", "recognizes what was pasted"),
    ("src/domain/redact/", "finds known secrets in order to mask them"),
    ("src/store/", "stores it"),
    ("src/net/", "sends it, to the origins it is bound to"),
    (
        "src/engine/requests/access_tokens.rs",
        "stores an access token with its expiry, for other processes",
    ),
    ("src/engine/clipboard/", "copies it when the user asks"),
    ("src/engine/consumers/", "delivers it to registered consumers"),
    ("src/engine/exec/", "gives it to the user's command, and masks it in that command's output"),
    ("src/engine/fingerprints.rs", "computes the keyed fingerprint, and derives keys from its key"),
    ("src/engine/audit.rs", "reads the anchor of the audit log, which is not secret"),
    ("src/cli/commands/get.rs", "writes it to a pipe when the user asks"),
    ("src/cli/input/prompt.rs", "splits what was piped in"),
    ("src/tui/terminal_line.rs", "prints a passphrase that was generated for the user"),
    ("src/tui/view/detail.rs", "draws it while it is revealed"),
];

const LONGEST_FILE: usize = 600;
const LONGEST_FUNCTION: usize = 100;

#[test]
fn layers_name_only_what_they_may_use() {
    let mut broken = Vec::new();
    for (path, text) in sources() {
        let Some(rule) = RULES
            .iter()
            .filter(|rule| path.starts_with(rule.layer))
            .max_by_key(|rule| rule.layer.len())
        else {
            continue;
        };
        for (number, line) in code_lines(&text) {
            broken.extend(
                rule.forbidden
                    .iter()
                    .filter(|forbidden| line.contains(**forbidden))
                    .map(|forbidden| format!("{path}:{number} names {forbidden}")),
            );
        }
    }
    assert!(broken.is_empty(), "names across layers:\n{}", broken.join("\n"));
}

#[test]
fn every_file_has_a_module_comment() {
    let missing: Vec<_> = sources()
        .into_iter()
        .filter(|(_, text)| !text.starts_with("//! "))
        .map(|(path, _)| path)
        .collect();
    assert!(missing.is_empty(), "without a //! line: {missing:?}");
}

#[test]
fn files_and_functions_stay_small() {
    let mut large = Vec::new();
    for (path, text) in sources() {
        let lines: Vec<_> = without_tests(&text).lines().collect();
        if lines.len() > LONGEST_FILE {
            large.push(format!("{path}: {} lines", lines.len()));
        }
        large.extend(
            functions(&lines)
                .into_iter()
                .filter(|(_, length)| *length > LONGEST_FUNCTION)
                .map(|(name, length)| format!("{path}: {name} {length} lines")),
        );
    }
    assert!(large.is_empty(), "grown too large:\n{}", large.join("\n"));
}

#[test]
fn functions_are_short_by_habit() {
    let mut lengths: Vec<_> = sources()
        .iter()
        .flat_map(|(_, text)| {
            functions(&without_tests(text).lines().collect::<Vec<_>>())
                .into_iter()
                .map(|(_, length)| length)
                .collect::<Vec<_>>()
        })
        .collect();
    lengths.sort_unstable();
    let (median, ninetieth) = (lengths[lengths.len() / 2], lengths[lengths.len() * 9 / 10]);
    assert!(median <= 10, "the median function has {median} lines");
    assert!(ninetieth <= 40, "one function in ten has more than {ninetieth} lines");
}

#[test]
fn few_files_expose_a_secret() {
    let unlisted: Vec<_> = sources()
        .into_iter()
        .filter(|(path, text)| {
            without_tests(text).contains(".expose(")
                && !EXPOSERS.iter().any(|(known, _)| path.starts_with(known))
        })
        .map(|(path, _)| path)
        .collect();
    assert!(unlisted.is_empty(), "these call .expose( and are not on the list: {unlisted:?}");
    let unused: Vec<_> = EXPOSERS
        .iter()
        .filter(|(known, _)| {
            !sources().iter().any(|(path, text)| path.starts_with(known) && text.contains("expose"))
        })
        .collect();
    assert!(unused.is_empty(), "listed without need: {unused:?}");
}

/// The files of the engine that read the store or the hosts of a region without verifying what the
/// secret is bound to, each with its reason.
const UNVERIFIED_READERS: &[(&str, &str)] = &[
    ("src/engine/audit.rs", "reads the anchor"),
    ("src/engine/checks/mod.rs", "reads a batch, which is verified before it is sent"),
    ("src/engine/credentials/batch.rs", "compares what it has just written"),
    ("src/engine/credentials/mod.rs", "compares what it has just written"),
    ("src/engine/credentials/store_secret.rs", "computes fingerprints"),
    ("src/engine/doctor/environment.rs", "describes the hosts"),
    ("src/engine/fingerprints.rs", "reads the fingerprint key"),
    ("src/engine/requests/access_tokens.rs", "reads the access token of a verified region"),
    ("src/engine/requests/explain.rs", "explains redirects"),
    ("src/engine/requests/preview.rs", "shows a request without a secret"),
    ("src/engine/rotation/slots.rs", "moves secrets between slots by their fingerprints"),
    ("src/engine/secrets/bindings.rs", "verifies"),
    ("src/engine/secrets/bound_secrets.rs", "reads after the verification"),
    ("src/engine/secrets/rebinding.rs", "records the hosts"),
    ("src/engine/sign_in/mod.rs", "reads the session that a new one replaces, to revoke it"),
    ("src/engine/stores/backup.rs", "exports everything, encrypted, with the hosts of its regions"),
    (
        "src/engine/stores/restore.rs",
        "compares what it has just written, and what is there already",
    ),
];

#[test]
fn secrets_are_read_and_bound_in_one_place() {
    let reads = |text: &str| {
        let text: String = text.split_whitespace().collect();
        ["store.get(", "store.get_many(", ".bound_origins()"].iter().any(|call| text.contains(call))
    };
    let readers: Vec<_> = sources()
        .into_iter()
        .filter(|(path, text)| path.starts_with("src/engine/") && reads(without_tests(text)))
        .map(|(path, _)| path)
        .collect();
    let listed: Vec<_> = UNVERIFIED_READERS.iter().map(|(path, _)| *path).collect();
    assert_eq!(readers, listed);
}

/// The files of the engine that send a request, each with its reason. Token exchanges are sent by
/// `net::exchange`.
const SENDERS: &[(&str, &str)] = &[
    ("src/engine/doctor/network.rs", "asks whether a host responds, without a secret"),
    ("src/engine/requests/execute.rs", "sends everything that uses a stored credential"),
];

#[test]
fn requests_are_sent_in_one_place() {
    let sends = |text: &str| {
        let text: String = text.split_whitespace().collect();
        text.contains("transport.send(")
    };
    let senders: Vec<_> = sources()
        .into_iter()
        .filter(|(path, text)| path.starts_with("src/engine/") && sends(without_tests(text)))
        .map(|(path, _)| path)
        .collect();
    let listed: Vec<_> = SENDERS.iter().map(|(path, _)| *path).collect();
    assert_eq!(senders, listed);
}

/// The files that may extend `Engine`: its construction.
const ENGINE_FILES: &[&str] = &["src/engine/mod.rs", "src/engine/build.rs"];

#[test]
fn the_engine_is_a_struct_of_services() {
    let extending: Vec<_> = sources()
        .into_iter()
        .filter(|(path, text)| {
            !ENGINE_FILES.contains(&path.as_str())
                && code_lines(text).any(|(_, line)| implements_engine(line))
        })
        .map(|(path, _)| path)
        .collect();
    assert!(extending.is_empty(), "write a service that holds its ports: {extending:?}");
}

/// Maximum number of enums that carry a command from a key to the store, in screen and engine
/// together: what the user did, what is to be done, what a dialog answers, effects and tasks.
const MAX_COMMAND_ENUMS: usize = 15;

/// Maximum number of enums that carry what a task reports back to the screen.
const MAX_REPORT_ENUMS: usize = 5;

/// The files that declare what is passed on between terminal, screen and engine. A return value
/// within a dialog or a service is no message.
const MESSAGE_FILES: [&str; 5] = [
    "src/tui/app/message.rs",
    "src/tui/app/command/table.rs",
    "src/tui/app/dialogs/action.rs",
    "/tasks.rs",
    "/protocol.rs",
];

#[test]
fn few_enums_carry_a_command_from_a_key_to_the_store() {
    let declared: Vec<_> = sources()
        .into_iter()
        .filter(|(path, _)| MESSAGE_FILES.iter().any(|file| path.ends_with(file)))
        .flat_map(|(_, text)| {
            let names = code_lines(&text).filter_map(|(_, line)| line.strip_prefix("pub enum "));
            names.map(|line| line.trim_end_matches(" {").to_owned()).collect::<Vec<_>>()
        })
        .collect();
    let named = |endings: &[&str]| -> Vec<_> {
        let is_one = |name: &&String| endings.iter().any(|ending| name.ends_with(ending));
        declared.iter().filter(is_one).collect()
    };
    let commands =
        named(&["InputEvent", "Message", "Action", "DialogResult", "Effect", "Request", "Task"]);
    let mut reports = named(&["Event"]);
    reports.retain(|name| *name != "InputEvent");
    for known in ["InputEvent", "CommandAction", "UiEffect", "BackgroundTask"] {
        assert!(commands.iter().any(|name| *name == known), "{known} is elsewhere: {commands:?}");
    }
    assert!(reports.iter().any(|name| *name == "TaskEvent"), "{reports:?}");
    assert!(commands.len() <= MAX_COMMAND_ENUMS, "use the enum of the feature: {commands:?}");
    assert!(reports.len() <= MAX_REPORT_ENUMS, "use the enum of the area: {reports:?}");
}

/// Maximum number of files that extend the state of the screen: state, routing and the features.
const MAX_APP_FILES: usize = 12;

/// Helpers of a feature are functions of its modules, so that the state of the screen does not
/// become one object with all methods.
#[test]
fn few_files_extend_the_state_of_the_screen() {
    let extending: Vec<_> = sources()
        .into_iter()
        .filter(|(path, text)| {
            path.starts_with("src/tui/app/")
                && code_lines(text).any(|(_, line)| line.starts_with("impl App {"))
        })
        .map(|(path, _)| path)
        .collect();
    assert!(extending.contains(&"src/tui/app/update.rs".to_owned()), "{extending:?}");
    assert!(extending.len() <= MAX_APP_FILES, "write functions of the feature: {extending:?}");
}

/// A service that holds the engine could reach every other one.
#[test]
fn only_the_task_manager_holds_the_engine() {
    let holders: Vec<_> = sources()
        .into_iter()
        .filter(|(path, text)| {
            path.starts_with("src/engine/")
                && code_lines(text)
                    .any(|(_, line)| line.contains("Arc<Engine>") || line.contains("'a Engine"))
        })
        .map(|(path, _)| path)
        .collect();
    assert_eq!(holders, ["src/engine/background/runner.rs"]);
}

#[test]
fn only_the_output_module_prints() {
    let printing = |text: &str| {
        ["println!(", "print!(", "eprintln!(", "eprint!(", "io::stdout()", "io::stderr()"]
            .iter()
            .any(|word| text.contains(word))
    };
    let allowed =
        ["src/cli/output/mod.rs", "src/cli/input/prompt.rs", "src/cli/commands/tui.rs", "src/tui/"];
    let printing_files: Vec<_> = sources()
        .into_iter()
        .filter(|(path, text)| {
            !allowed.iter().any(|known| path.starts_with(known)) && printing(without_tests(text))
        })
        .map(|(path, _)| path)
        .collect();
    assert!(printing_files.is_empty(), "these write to the terminal directly: {printing_files:?}");
}

#[test]
fn the_secret_type_has_one_reader() {
    let text = fs::read_to_string(root().join("src/domain/secret.rs")).unwrap();
    let code = without_tests(&text);
    for door in ["derive(", "impl Clone", "Debug for", "Display for", "Serialize", "Deref", "AsRef"]
    {
        assert!(!code.contains(door), "Secret must not have {door}");
    }
}

#[test]
fn every_dependency_has_its_reason() {
    let manifest: toml::Table =
        fs::read_to_string(root().join("Cargo.toml")).unwrap().parse().unwrap();
    let contributing = fs::read_to_string(root().join("CONTRIBUTING.md")).unwrap();
    let mut wanted: Vec<String> = Vec::new();
    for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
        wanted.extend(manifest[section].as_table().unwrap().keys().cloned());
    }
    for target in manifest["target"].as_table().unwrap().values() {
        wanted.extend(target["dependencies"].as_table().unwrap().keys().cloned());
    }
    let reasons = contributing.split("## Dependencies").nth(1).unwrap_or_default();
    let listed: Vec<_> =
        reasons.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let missing: Vec<_> = wanted.iter().filter(|name| !listed.contains(&name.as_str())).collect();
    let unused: Vec<_> =
        listed.iter().filter(|name| !wanted.iter().any(|wanted| wanted == *name)).collect();
    assert!(missing.is_empty(), "without a reason in CONTRIBUTING.md: {missing:?}");
    assert!(unused.is_empty(), "in CONTRIBUTING.md but no dependency: {unused:?}");
}

/// Words of the old private idiom, and what to write instead. Each is looked for in comments and
/// strings of the sources, in the tests and in the documentation, as a whole word and in any case.
const IDIOM: &[(&str, &str)] = &[
    ("nobody", "name the subject: no user, no process"),
    ("somebody", "user, another process"),
    ("someone", "user, another process"),
    ("whoever", "the user who, the process that"),
    ("whom", "that, to which"),
    ("the person", "the user"),
    ("a person", "a user"),
    ("one's", "your, the user's"),
    ("goes on with", "continues with"),
    ("go on with", "continue with"),
    ("is over", "has ended, has expired"),
    ("are over", "have ended, have expired"),
    ("taken over", "imported"),
    ("take over", "import"),
    ("takes over", "imports"),
    ("take back", "undo"),
    ("taken up", "resumed"),
    ("take up", "resume"),
    ("takes up", "resumes"),
    ("proves dead", "verifies that … is rejected"),
    ("proven dead", "verified as rejected"),
    ("it is dead", "it is revoked, it is rejected"),
    ("speaks for", "makes likely"),
    ("speaks against", "rules out"),
    ("all the same", "anyway"),
    ("once more", "again"),
    ("is worn", "is applied"),
    ("befall", "happen to"),
    ("whereabouts", "location"),
    ("colour", "color"),
    ("organisation", "organization"),
    ("recognised", "recognized"),
    ("catalogue", "catalog"),
    ("behaviour", "behavior"),
    ("authorise", "authorize"),
    ("licence", "license"),
];

#[test]
fn prose_is_plain_technical_english() {
    let mut found = Vec::new();
    for (path, text) in prose() {
        for (number, line) in text.lines().enumerate() {
            let words = spoken(&path, line).to_lowercase();
            found.extend(
                IDIOM
                    .iter()
                    .filter(|(idiom, _)| contains_phrase(&words, idiom))
                    .map(|(idiom, better)| format!("{path}:{}: “{idiom}” ({better})", number + 1)),
            );
        }
    }
    assert!(found.is_empty(), "{} lines to reword:\n{}", found.len(), found.join("\n"));
}

#[test]
fn an_idiom_is_found_as_a_whole_word_in_prose_only() {
    assert!(contains_phrase("nobody answers", "nobody"));
    assert!(contains_phrase("it is over.", "is over"));
    assert!(!contains_phrase("this overlaps", "is over"));
    assert_eq!(spoken("x.rs", "    call(nobody); // plain"), " plain");
    assert_eq!(spoken("x.rs", r#"let verdict = "a // b"; f("c");"#), " a // b c");
    assert_eq!(spoken("x.md", "`as it is`"), "`as it is`");
}

#[test]
fn type_names_are_unique_and_say_what_they_name() {
    let mut places: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, text) in sources() {
        for name in without_tests(&text).lines().filter_map(type_name) {
            // The two platforms of one module are one place.
            let place = path.replace("_windows.rs", "_unix.rs");
            places.entry(name).or_default().insert(place);
        }
    }
    let double: Vec<_> = places.iter().filter(|(_, files)| files.len() > 1).collect();
    assert!(double.is_empty(), "these type names stand for two things: {double:#?}");
    let short: Vec<_> = places.keys().filter(|name| is_one_word(name)).collect();
    let (percent, allowed) = (short.len() * 100 / places.len(), 35);
    assert!(
        percent <= allowed,
        "{percent} % of the type names are one word (at most {allowed} %): {short:?}"
    );
}

#[test]
fn parameters_have_names_of_their_own() {
    let hidden: Vec<_> = sources()
        .into_iter()
        .flat_map(|(path, text)| {
            let lines: Vec<_> =
                code_lines(&text).map(|(number, line)| (number, line.to_owned())).collect();
            lines
                .into_iter()
                .filter(|(_, line)| has_tuple_parameter(line))
                .map(|(number, _)| format!("{path}:{number}"))
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(hidden.is_empty(), "parameters hidden in a tuple pattern (write a struct): {hidden:?}");
}

#[test]
fn files_are_named_for_what_is_searched() {
    const METAPHORS: &[&str] = &[
        "desk",
        "doom",
        "ear",
        "house",
        "ink",
        "inbox",
        "leg",
        "lore",
        "looker",
        "paper",
        "pen",
        "plant",
        "shelf",
        "walk",
        "whereabouts",
        "wish",
        "wishes",
        "words",
    ];
    let odd: Vec<_> = sources()
        .into_iter()
        .map(|(path, _)| path)
        .filter(|path| path.split(['/', '.']).any(|part| METAPHORS.contains(&part)))
        .collect();
    assert!(odd.is_empty(), "files named by a metaphor: {odd:?}");
}

/// The files that name a provider, kind or preset of the built-in provider files, each with its
/// reason. What the program knows of a provider is in that provider's file, where users can change
/// it.
const PROVIDER_NAMERS: &[(&str, &str)] = &[
    ("src/domain/curl/secrets.rs", "names of headers and JSON members that hold secrets"),
    ("src/domain/passphrase.rs", "words that attackers try first"),
    ("src/domain/provider/catalog.rs", "embeds the files"),
    ("src/simulator/", "simulates the providers"),
    ("src/tui/app/samples/", "sample data for tests"),
];

/// IDs in the provider files that are ordinary words elsewhere, with what they mean there.
const ORDINARY_WORDS: &[(&str, &str)] = &[
    ("account", "the account as the scope of a role"),
    ("app", "the web application of a region; the JSON:API type of an app"),
    ("findings", "the findings of the diagnosis"),
    ("keys", "the settings of the keyboard"),
    ("roles", "the field with the roles of a new key"),
];

#[test]
fn no_source_names_what_the_provider_files_define() {
    let catalog = tokenring::domain::provider::ProviderCatalog::builtin();
    let ids: BTreeSet<&str> = catalog
        .providers()
        .flat_map(|provider| {
            let kinds = provider.kinds.iter().map(|kind| kind.id.as_str());
            let presets = provider.presets.iter().map(|preset| preset.id.as_str());
            kinds.chain(presets).chain([provider.id.as_str()])
        })
        .collect();
    let mut named = BTreeSet::new();
    let mut leaks = Vec::new();
    for (path, text) in sources() {
        for (number, line) in code_lines(&text) {
            for id in string_literals(line).filter(|literal| ids.contains(literal)) {
                let listed = PROVIDER_NAMERS.iter().find(|(known, _)| path.starts_with(known));
                let ordinary = ORDINARY_WORDS.iter().find(|(word, _)| *word == id);
                named.extend(listed.or(ordinary).map(|(known, _)| *known));
                if listed.or(ordinary).is_none() {
                    leaks.push(format!("{path}:{number} names {id:?}"));
                }
            }
        }
    }
    assert!(leaks.is_empty(), "move this into assets/providers/:\n{}", leaks.join("\n"));
    let unused: Vec<_> = PROVIDER_NAMERS
        .iter()
        .chain(ORDINARY_WORDS)
        .filter(|(known, _)| !named.contains(known))
        .collect();
    assert!(unused.is_empty(), "listed without need: {unused:?}");
}

#[test]
fn a_string_literal_is_told_from_what_is_around_it() {
    let found: Vec<_> = string_literals(r#"f("snyk", b"a \" b", x) + "self""#).collect();
    assert_eq!(found, ["snyk", r#"a \" b"#, "self"]);
    assert_eq!(string_literals("snyk == self").count(), 0);
}

/// The string literals of a line of Rust, as they are written.
fn string_literals(line: &str) -> impl Iterator<Item = &str> {
    let (mut found, mut start, mut escaped) = (Vec::new(), None, false);
    for (at, c) in line.char_indices() {
        match (c, start) {
            _ if escaped => escaped = false,
            ('\\', Some(_)) => escaped = true,
            ('"', None) => start = Some(at + 1),
            ('"', Some(from)) => {
                found.push(&line[from..at]);
                start = None;
            }
            _ => {}
        }
    }
    found.into_iter()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every source file with its path from the root, `/` between the parts.
fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    collect(&root().join("src"), &mut found);
    found.sort();
    assert!(found.len() > 40, "the sources are elsewhere: only {} files found", found.len());
    found
}

fn collect(folder: &Path, found: &mut Vec<(String, String)>) {
    collect_files(folder, &["rs"], found);
    found.retain(|(name, _)| !name.ends_with("/tests.rs") && !name.contains("/tests/"));
}

/// Reads every file below the folder whose name has one of the endings.
fn collect_files(folder: &Path, endings: &[&str], found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        if path.is_dir() {
            collect_files(&path, endings, found);
        } else if endings.contains(&ending) {
            let name = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
            found.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
}

/// The text up to the test module that stands at its end.
fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod ").next().unwrap_or(text)
}

fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    without_tests(text)
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// The names and lengths of functions: from `fn` to the closing brace at the same indent.
fn functions(lines: &[&str]) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let Some(name) = function_name(line) else { continue };
        let end = lines[start..].iter().position(|line| {
            *line == format!("{}}}", " ".repeat(indent)) || one_line(line, lines[start])
        });
        if let Some(length) = end {
            found.push((name, length + 1));
        }
    }
    found
}

/// Whether the line begins an `impl` of the engine itself.
fn implements_engine(line: &str) -> bool {
    line.starts_with("impl")
        && line.trim_end_matches(" {").rsplit([' ', ':']).next() == Some("Engine")
}

fn one_line(line: &str, first: &str) -> bool {
    line == first && (line.ends_with('}') || line.ends_with(';'))
}

fn function_name(line: &str) -> Option<String> {
    let rest = without_visibility(line.trim_start());
    let rest = rest.strip_prefix("const ").unwrap_or(rest);
    let rest = rest.strip_prefix("async ").unwrap_or(rest).strip_prefix("fn ")?;
    Some(rest.split(['(', '<']).next().unwrap_or_default().to_owned())
}

/// The sources, the tests, the provider files and the documentation; not this file, which lists the
/// words.
fn prose() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for folder in ["src", "tests", "assets/providers", "assets/themes"] {
        collect_files(&root().join(folder), &["rs", "toml", "sh"], &mut found);
    }
    for file in ["README.md", "CONTRIBUTING.md", "Cargo.toml", "assets/build.rs"] {
        found.push((file.to_owned(), fs::read_to_string(root().join(file)).unwrap()));
    }
    found.retain(|(path, _)| path != "tests/suite/house.rs");
    found
}

/// The part of a line that is prose: comments and strings of Rust, all of any other file.
fn spoken(path: &str, line: &str) -> String {
    if Path::new(path).extension().is_none_or(|extension| extension != "rs") {
        return line.to_owned();
    }
    let (mut words, mut in_string, mut escaped) = (String::new(), false, false);
    let trimmed = line.trim_start();
    if trimmed.starts_with("//") {
        return trimmed.trim_start_matches(['/', '!']).to_owned();
    }
    for (at, c) in line.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => {
                in_string = !in_string;
                if in_string && !words.ends_with(' ') {
                    words.push(' ');
                }
            }
            '/' if !in_string && line[at..].starts_with("//") => return words + &line[at + 2..],
            c if in_string => words.push(c),
            _ => {}
        }
    }
    words
}

/// Whether the text has the phrase between word boundaries.
fn contains_phrase(text: &str, phrase: &str) -> bool {
    text.match_indices(phrase).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + phrase.len()..].chars().next();
        let is_boundary = |c: Option<char>| !c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        is_boundary(before) && is_boundary(after)
    })
}

/// The line without `pub`, `pub(crate)` or `pub(in …)`.
fn without_visibility(line: &str) -> &str {
    let restricted = line.strip_prefix("pub(").and_then(|rest| Some(rest.split_once(") ")?.1));
    restricted.or_else(|| line.strip_prefix("pub ")).unwrap_or(line)
}

/// The name of the type that a line defines.
fn type_name(line: &str) -> Option<String> {
    let is_top_level = !line.starts_with(' ');
    let line = without_visibility(line.trim_start());
    let alias = is_top_level.then_some("type ");
    let keywords = ["struct ", "enum ", "trait ", "union "].into_iter().chain(alias);
    let rest = keywords.into_iter().find_map(|keyword| line.strip_prefix(keyword))?;
    Some(rest.chars().take_while(|c| c.is_alphanumeric()).collect())
}

fn is_one_word(name: &str) -> bool {
    name.chars().skip(1).all(|c| !c.is_uppercase())
}

/// Whether the line is of a signature with a parameter such as `(a, b): (A, B)`; closures may take
/// tuples.
fn has_tuple_parameter(line: &str) -> bool {
    let before_closures = line.split('|').next().unwrap_or_default();
    let is_let = line.trim_start().starts_with("let ");
    !is_let
        && before_closures.match_indices("): (").any(|(at, _)| {
            let opening =
                before_closures[..at].rfind('(').map(|start| &before_closures[start + 1..at]);
            opening.is_some_and(|names| {
                names.contains(", ")
                    && names.chars().all(|c| c.is_ascii_lowercase() || ", _".contains(c))
            })
        })
}
