//! Tests of the settings: mistakes, defaults, schema and first file.

use super::*;

fn nothing(_: &str) -> Option<String> {
    None
}

/// Loads the settings from a file with this text and from these variables.
fn load(text: &str, variables: &'static [(&str, &str)]) -> Result<Settings, Problem> {
    let home = tempfile::tempdir().unwrap();
    let paths = AppPaths::from_home(home.path());
    super::super::write_private(&paths.settings(), text).unwrap();
    Settings::load(&paths, &|name| {
        variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    })
}

#[test]
fn without_a_file_everything_is_as_usual() {
    let home = tempfile::tempdir().unwrap();
    let settings = Settings::load(&AppPaths::from_home(home.path()), &nothing).unwrap();
    assert_eq!(settings, Settings { color_depth: ColorDepth::Ansi, ..Settings::default() });
    assert_eq!(load("", &[]), Ok(settings));
}

#[test]
fn the_file_says_what_is_different() {
    let text = r#"
            store = "file"
            keyring_collection = "Work"
            reveal_seconds = 5
            clipboard_seconds = 10
            lock_minutes = 5
            clipboard = "osc52"
            theme = "light"
            glyphs = "ascii"
            readonly = true
            mouse = false
            plain = true
            [keys]
            "list.down" = ["n", "C-n"]
            "secret.copy" = []
            [net]
            connect_seconds = 3
            total_seconds = 20
            concurrency = 8
        "#;
    let expected = Settings {
        store: Some(StoreKind::File),
        store_source: StoreChoiceSource::Settings,
        keyring_collection: Some("Work".to_owned()),
        reveal_seconds: 5,
        clipboard_seconds: 10,
        lock_minutes: 5,
        clipboard: ClipboardChoice::Osc52,
        theme: "light".to_owned(),
        glyphs: GlyphMode::Ascii,
        readonly: true,
        mouse: false,
        plain: true,
        keys: BTreeMap::from([
            ("list.down".to_owned(), vec![KeyPress::char('n'), KeyPress::ctrl('n')]),
            ("secret.copy".to_owned(), Vec::new()),
        ]),
        net: NetSettings { connect_seconds: 3, total_seconds: 20, concurrency: 8 },
        color_depth: ColorDepth::Ansi,
        background: TerminalBackground::Dark,
        user_themes: UserThemes::default(),
    };
    assert_eq!(load(text, &[]), Ok(expected));
}

#[test]
fn the_environment_goes_over_the_file() {
    let settings =
        load("store = \"file\"", &[("TOKENRING_STORE", "memory"), ("NO_COLOR", "1")]).unwrap();
    assert_eq!(
        (settings.store, settings.color_depth),
        (Some(StoreKind::Memory), ColorDepth::Monochrome)
    );
    let settings = load("store = \"file\"", &[("TOKENRING_STORE", "")]).unwrap();
    assert_eq!(settings.store, Some(StoreKind::File), "an empty variable counts as none");
    let problem = load("", &[("TOKENRING_STORE", "keychain")]).unwrap_err();
    assert!(
        problem.why.starts_with("TOKENRING_STORE: unknown value, expected one of `keyring`"),
        "{problem}"
    );
    assert_eq!(
        (problem.remedy.as_str(), problem.class),
        ("did you mean `keyring`?", ProblemClass::Usage)
    );
}

#[test]
fn what_is_wrong_is_shown_with_its_place_and_a_remedy() {
    for (text, position, why, remedy) in [
        (
            "mouse = true\n  clipbord = \"auto\"",
            ":2:3:",
            "unknown field `clipbord`",
            "did you mean `clipboard`?",
        ),
        (
            "clipboard = \"osc25\"",
            ":1:13:",
            "unknown value, expected one of `auto`",
            "did you mean `osc52`?",
        ),
        (
            "theme = \"drak\"",
            ":1:9:",
            "unknown theme, expected one of `auto`",
            "did you mean `dark`?",
        ),
        (
            "theme = \"zzz\"",
            ":1:9:",
            "unknown theme, expected one of `auto`",
            "use one of auto, dark, light, high-contrast",
        ),
        (
            "[net]\nconcurency = 3",
            ":2:1:",
            "unknown field `concurency`",
            "did you mean `concurrency`?",
        ),
        ("reveal_seconds = 0", ":1:18:", "0 is out of range", "fix the value"),
        ("clipboard_seconds = -1", ":1:21:", "-1 is out of range", "fix the value"),
        ("mouse = \"yes\"", ":1:9:", "expected a boolean", "fix the value"),
        ("[net]\nconcurrency = 100000", ":2:15:", "(1 to 256 requests)", "fix the value"),
        (
            "[keys]\n\"list.down\" = [\"X-j\"]",
            ":2:15:",
            ": not a key; examples of keys",
            "fix the value",
        ),
        ("mouse = tru", ":1:9:", "", "fix the value"),
    ] {
        let problem = load(text, &[]).unwrap_err();
        assert!(problem.why.contains(&format!("config.toml{position}")), "{text}: {problem}");
        assert!(problem.why.contains(why), "{text}: {problem}");
        assert!(problem.remedy.starts_with(remedy), "{text}: {problem}");
        assert_eq!(problem.class, ProblemClass::Usage);
    }
}

#[test]
fn a_file_that_is_no_text_is_a_problem_and_not_a_default() {
    let home = tempfile::tempdir().unwrap();
    let paths = AppPaths::from_home(home.path());
    std::fs::create_dir_all(paths.settings()).unwrap();
    let problem = Settings::load(&paths, &nothing).unwrap_err();
    assert!(problem.why.contains("not a regular file"), "{problem}");
}

#[test]
fn the_theme_and_the_signs_follow_the_settings() {
    let settings =
        Settings { glyphs: GlyphMode::Ascii, theme: "light".to_owned(), ..Settings::default() };
    assert_eq!(settings.glyphs(&nothing), &GlyphSet::ASCII);
    assert_eq!(Some(settings.theme()), Theme::builtin("light", ColorDepth::Ansi));
}
