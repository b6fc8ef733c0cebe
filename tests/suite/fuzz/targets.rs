//! The fuzz targets: which parser each one feeds, and what must hold for the result.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use tokenring::config::{KeyPress, Settings, SettingsReport};
use tokenring::domain::diagnosis::header_explanations;
use tokenring::domain::provider::{ProviderCatalog, ProviderSource};
use tokenring::domain::rate_limit::RateLimit;
use tokenring::domain::response::{ApiResponse, ResponseBody};
use tokenring::domain::{
    Secret, Timestamp, curl as curl_import, identify as recognise, pagination,
};
use tokenring::engine::credentials::import;
use tokenring::engine::{self, Engine};
use tokenring::tui::app::console::json::FoldableDocument;

use super::{CANARY, Target};

/// All targets.
pub(super) const ALL: &[Target] = &[
    Target {
        name: "identify",
        read: identify,
        words: &[
            "snyk_uat.",
            "snyk_sat.",
            "token ",
            "Bearer ",
            "JWT ",
            "eyJ",
            ".",
            "SNYK_TOKEN=",
            "export ",
            "\"api\": ",
        ],
    },
    Target {
        name: "key",
        read: key,
        words: &["C-", "A-", "S-", "F", "Space", "Enter", "PgUp", "-"],
    },
    Target {
        name: "config",
        read: config,
        words: &["[keys]", "[net]", "theme", "readonly", "store", " = ", "true", "[\"", "\"]", "#"],
    },
    Target {
        name: "provider",
        read: provider,
        words: &[
            "[[regions]]",
            "[[kinds]]",
            "[[presets]]",
            "[kinds.authorization]",
            "id = ",
            "https://",
            "{org_id}",
            "format = 1",
            "api = ",
        ],
    },
    Target {
        name: "curl",
        read: curl,
        words: &[
            "curl ",
            "-H ",
            "-X ",
            "-d ",
            "--data-raw ",
            "-u ",
            "'",
            "\"",
            "\\\n",
            "$'",
            "^\"",
            "`\n",
            "<<EOF\n",
            "```\n",
            "$env:",
            "--form ",
            "https://",
            "Authorization: token ",
            "|",
        ],
    },
    Target {
        name: "headers",
        read: limits,
        words: &[
            "retry-after: ",
            "ratelimit: ",
            "ratelimit-policy: ",
            "x-ratelimit-remaining: ",
            "date: ",
            ";w=",
            "Sun, 22 Nov 2026 12:00:00 GMT",
            "link: ",
            "sunset: ",
        ],
    },
    Target {
        name: "answer",
        read: answer,
        words: &[
            "\"data\":[",
            "\"links\":{\"next\":",
            "\"//evil\"",
            "\"page\":",
            "\"count\":",
            "https://api.snyk.io",
            "null",
            "{}",
            "[]",
        ],
    },
    Target {
        name: "vendor",
        read: vendor,
        words: &[
            "\"api\":",
            "\"endpoint\":",
            "INTERNAL_OAUTH_TOKEN_STORAGE",
            "SNYK_TOKEN=",
            "export ",
            "[default]",
            "api_key",
            " #",
        ],
    },
    Target {
        name: "json_view",
        read: json_view,
        words: &["{", "}", "[", "]", ":", ",", "\"a\"", "1e9", "null", "true"],
    },
];

static CATALOGUE: LazyLock<ProviderCatalog> = LazyLock::new(ProviderCatalog::builtin);

fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH + std::time::Duration::from_secs(1_795_000_000)
}

#[track_caller]
fn assert_silent(message: &str) {
    assert!(!message.contains(CANARY), "a message repeats what was given: {message}");
}

fn identify(input: &[u8]) {
    match recognise::identify(&Secret::new(input.to_vec()), &CATALOGUE) {
        Ok(found) => {
            assert!(!found.secret.is_empty());
            for message in
                found.removed.iter().chain(found.candidates.iter().map(|candidate| &candidate.why))
            {
                assert_silent(message);
            }
        }
        Err(error) => assert_silent(&error.to_string()),
    }
}

fn key(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    if let Some(key) = KeyPress::parse(&text) {
        assert_eq!(KeyPress::parse(&key.to_string()), Some(key), "{text:?}");
    }
}

fn config(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let strict = toml::from_str::<Settings>(&text);
    let lenient = SettingsReport::parse(Path::new("config.toml"), &text);
    if let Ok(settings) = strict {
        assert_eq!(lenient, Ok(SettingsReport { settings, problems: Vec::new() }));
    } else if let Ok(reading) = lenient {
        assert!(
            !reading.problems.is_empty()
                && reading.problems.iter().all(|flaw| !flaw.remedy.is_empty())
        );
    }
}

fn provider(input: &[u8]) {
    let source = ProviderSource {
        name: "fuzz.toml".to_owned(),
        text: String::from_utf8_lossy(input).into_owned(),
    };
    if let Err(error) = CATALOGUE.clone().with_source(&source) {
        assert!(error.to_string().contains("fuzz.toml"), "{error}");
    }
}

fn curl(input: &[u8]) {
    match curl_import::import_curl(&String::from_utf8_lossy(input)) {
        Ok(imported) => {
            for note in &imported.notes {
                assert_silent(note);
            }
        }
        // The message names the shell variable, because the user has to replace it.
        Err(curl_import::CurlParseError::UnresolvedVariable(_)) => {}
        Err(error) => assert_silent(&error.to_string()),
    }
}

/// Headers as lines of `name: value`; they are cleaned before the parser gets them.
fn limits(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let pairs = text.lines().filter_map(|line| line.split_once(": "));
    let clean = |(name, value): (&str, &str)| {
        (name.to_lowercase(), tokenring::domain::text::sanitize_line(value))
    };
    let answer =
        ApiResponse { status: 429, headers: pairs.map(clean).collect(), ..ApiResponse::default() };
    let limit = RateLimit::from_response(&answer, now());
    let _ = (limit.wait_time(), limit.describe(), limit.tightest_window());
    header_explanations::explain_headers(&answer, now());
}

/// A link to the next page is followed only to the origin of the response.
fn answer(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let asked = url::Url::parse("https://api.snyk.io/rest/orgs?version=2024-10-15").unwrap();
    if let Ok(page) = pagination::parse_page(&text, &asked, Some("/rest"))
        && let Ok(Some(next)) = page.next
    {
        assert!(matches!(next.scheme(), "https" | "http"), "{next}");
    }
    let _ = ResponseBody::from(text.into_owned()).text();
}

thread_local! {
    static VENDOR: (tempfile::TempDir, tokio::runtime::Runtime, Arc<Engine>) = {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let engine = engine::in_memory_engine(CATALOGUE.clone(), &Settings::default()).unwrap();
        (tempfile::tempdir().unwrap(), runtime, Arc::new(engine))
    };
}

/// The first byte selects the format of the file.
fn vendor(input: &[u8]) {
    VENDOR.with(|(folder, runtime, engine)| {
        let path = folder.path().join("vendor");
        let (form, text) = input.split_first().unwrap_or((&b'j', b""));
        std::fs::write(&path, text).unwrap();
        let source = if form % 2 == 0 {
            import::ImportSource::Json(path)
        } else {
            import::ImportSource::Dotenv(path)
        };
        match runtime.block_on(engine.imports.find_import_candidates(source)) {
            Ok(found) => {
                for why in found.iter().filter_map(|find| find.identified.as_ref().err()) {
                    assert_silent(why);
                }
            }
            Err(problem) => assert_silent(&problem.to_string()),
        }
    });
}

fn json_view(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let mut document = FoldableDocument::parse(&text);
    document.set_height(7);
    for step in 0..6 {
        match input.get(step).copied().unwrap_or_default() % 8 {
            0 => document.move_cursor(3),
            1 => document.toggle_fold(),
            2 => document.move_pages(1),
            3 => document.fold_to(1),
            4 => document.search("a"),
            5 => document.next_match(),
            6 => document.move_to_end(),
            _ => document.unfold_all(),
        }
        assert!(document.cursor() < document.line_count().max(1));
        let _ =
            (document.path(), document.value_at_cursor().len(), document.visible_lines().count());
    }
    if document.is_json() {
        let again = FoldableDocument::parse(&document.pretty_text());
        assert!(again.is_json(), "JSON that is printed is still JSON: {text:?}");
    }
}
