//! Pins settings, layout and themes: every key of the files that users write, and every name in
//! them.

use std::collections::BTreeMap;
use std::fs;

use tempfile::TempDir;
use tokenring::config::key::KeySymbol;
use tokenring::config::layout::LayoutStore;
use tokenring::config::{
    AppPaths, ClipboardChoice, ColorDepth, GlyphMode, GlyphSet, KeyPress, NetSettings, PaneLayout,
    Settings, StyleRole,
};
use tokenring::config::{Theme, save_store_choice, save_theme_choice};
use tokenring::domain::StoreKind;
use tokenring::tui::app::command::COMMANDS;

use super::assert_file;

/// A settings file with every key, none at its default.
const EVERY_KEY: &str = r#"store = "file"
keyring_collection = "Work"
reveal_seconds = 16
clipboard_seconds = 31
lock_minutes = 16
clipboard = "osc52"
theme = "light"
glyphs = "ascii"
readonly = true
mouse = false
plain = true

[keys]
copy-secret = ["y", "C-y"]
quit = []

[net]
connect_seconds = 11
total_seconds = 61
concurrency = 33
"#;

fn load(text: &str) -> Settings {
    let home = TempDir::new().unwrap();
    let paths = AppPaths::from_home(home.path());
    fs::create_dir_all(&paths.config).unwrap();
    fs::write(paths.settings(), text).unwrap();
    Settings::load(&paths, &|_| None).unwrap()
}

#[test]
fn every_key_of_the_settings() {
    let usual = Settings::default();
    let Settings {
        color_depth: depth,
        background,
        user_themes: own_themes,
        store_source: chooser,
        ..
    } = usual.clone();
    let keys =
        [("copy-secret", vec![KeyPress::char('y'), KeyPress::ctrl('y')]), ("quit", Vec::new())];
    // No `..`: a new setting does not compile until it has a line in the file above.
    let expected = Settings {
        store: Some(StoreKind::File),
        store_source: chooser,
        keyring_collection: Some("Work".to_owned()),
        reveal_seconds: 16,
        clipboard_seconds: 31,
        lock_minutes: 16,
        clipboard: ClipboardChoice::Osc52,
        theme: "light".to_owned(),
        glyphs: GlyphMode::Ascii,
        readonly: true,
        mouse: false,
        plain: true,
        keys: keys
            .map(|(name, keys)| (name.to_owned(), keys))
            .into_iter()
            .collect::<BTreeMap<_, _>>(),
        net: NetSettings { connect_seconds: 11, total_seconds: 61, concurrency: 33 },
        color_depth: depth,
        background,
        user_themes: own_themes,
    };
    assert_eq!(load(EVERY_KEY), expected);
    assert_eq!(load(""), usual);
}

#[test]
fn words_that_settings_take() {
    let store = |word: &str| load(&format!("store = \"{word}\"")).store.unwrap();
    let stores =
        [(StoreKind::Keyring, "keyring"), (StoreKind::File, "file"), (StoreKind::Memory, "memory")];
    for (kind, word) in stores {
        assert_eq!((store(word), kind.as_str()), (kind, word));
    }
    let all = [
        ClipboardChoice::Auto,
        ClipboardChoice::Native,
        ClipboardChoice::Osc52,
        ClipboardChoice::Tmux,
        ClipboardChoice::None,
    ];
    for choice in all {
        let word = match choice {
            ClipboardChoice::Auto => "auto",
            ClipboardChoice::Native => "native",
            ClipboardChoice::Osc52 => "osc52",
            ClipboardChoice::Tmux => "tmux",
            ClipboardChoice::None => "none",
        };
        assert_eq!(load(&format!("clipboard = \"{word}\"")).clipboard, choice);
    }
    for choice in [GlyphMode::Auto, GlyphMode::Unicode, GlyphMode::Ascii] {
        let word = match choice {
            GlyphMode::Auto => "auto",
            GlyphMode::Unicode => "unicode",
            GlyphMode::Ascii => "ascii",
        };
        assert_eq!(load(&format!("glyphs = \"{word}\"")).glyphs, choice);
    }
    for theme in ["auto", "dark", "light", "high-contrast", "mine.toml"] {
        let text = format!("theme = \"{theme}\"");
        assert_eq!(toml::from_str::<Settings>(&text).unwrap().theme, theme);
    }
    assert_eq!(Theme::builtin_names().collect::<Vec<_>>(), ["dark", "light", "high-contrast"]);
}

#[test]
fn words_that_the_environment_takes() {
    let home = TempDir::new().unwrap();
    let env = |name: &str| match name {
        "TOKENRING_STORE" => Some("memory".to_owned()),
        "TOKENRING_CLIPBOARD" => Some("tmux".to_owned()),
        "ACCESSIBLE" => Some("1".to_owned()),
        _ => None,
    };
    let settings = Settings::load(&AppPaths::from_home(home.path()), &env).unwrap();
    let found = (settings.store, settings.clipboard, settings.plain);
    assert_eq!(found, (Some(StoreKind::Memory), ClipboardChoice::Tmux, true));
}

#[test]
fn what_the_program_writes_into_the_settings() {
    let home = TempDir::new().unwrap();
    let paths = AppPaths::from_home(home.path());
    save_store_choice(&paths.settings(), StoreKind::File).unwrap();
    save_theme_choice(&paths.settings(), "light").unwrap();
    assert_eq!(
        fs::read_to_string(paths.settings()).unwrap(),
        "store = \"file\"\ntheme = \"light\"\n"
    );
}

#[test]
fn the_layout_file() {
    let home = TempDir::new().unwrap();
    let path = home.path().join("layout.toml");
    let memory = LayoutStore::File(path.clone());
    let layout = PaneLayout {
        list: Some(1),
        regions: Some(2),
        detail: Some(3),
        middle: Some(4),
        stack: Some(5),
    };
    memory.save(layout);
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        "list = 1\nregions = 2\ndetail = 3\nmiddle = 4\nstack = 5\n"
    );
    assert_eq!(memory.load(), layout);
    memory.save(PaneLayout::default());
    assert_eq!(fs::read_to_string(&path).unwrap(), "");
}

/// Pins the name of every command in `[keys]`.
#[test]
fn names_of_commands() {
    let names: Vec<_> = COMMANDS.iter().map(|command| command.name).collect();
    assert_file("command-names.txt", &(names.join("\n") + "\n"));
}

#[test]
fn names_of_keys() {
    let codes = [
        KeySymbol::Char('j'),
        KeySymbol::Char(' '),
        KeySymbol::Enter,
        KeySymbol::Esc,
        KeySymbol::Tab,
        KeySymbol::Backspace,
        KeySymbol::Delete,
        KeySymbol::Insert,
        KeySymbol::Up,
        KeySymbol::Down,
        KeySymbol::Left,
        KeySymbol::Right,
        KeySymbol::Home,
        KeySymbol::End,
        KeySymbol::PageUp,
        KeySymbol::PageDown,
        KeySymbol::F(12),
    ];
    for code in codes {
        let name = match code {
            KeySymbol::Char(' ') => "Space",
            KeySymbol::Char(_) => "j",
            KeySymbol::Enter => "Enter",
            KeySymbol::Esc => "Esc",
            KeySymbol::Tab => "Tab",
            KeySymbol::Backspace => "Backspace",
            KeySymbol::Delete => "Del",
            KeySymbol::Insert => "Ins",
            KeySymbol::Up => "Up",
            KeySymbol::Down => "Down",
            KeySymbol::Left => "Left",
            KeySymbol::Right => "Right",
            KeySymbol::Home => "Home",
            KeySymbol::End => "End",
            KeySymbol::PageUp => "PgUp",
            KeySymbol::PageDown => "PgDn",
            KeySymbol::F(_) => "F12",
        };
        let key = KeyPress { code, ctrl: true, alt: true, shift: true };
        assert_eq!(
            (key.to_string(), KeyPress::parse(&format!("C-A-S-{name}"))),
            (format!("C-A-S-{name}"), Some(key))
        );
    }
}

/// A theme that sets one role, with every property of a style.
fn theme(role: &str) -> String {
    format!(
        "ground = \"ink\"\n[colors]\nink = \"#102030\"\n[roles]\n{role} = {{ fg = \"ink\", bg = \"ink\", bold = true, dim = true, italic = true, underline = true, reverse = true }}\n"
    )
}

#[test]
fn roles_and_styles_of_a_theme() {
    for role in StyleRole::ALL {
        let theme = Theme::parse(&theme(role_name(role)), ColorDepth::TrueColor).unwrap();
        let style = theme.style(role);
        assert!(style.fg.is_some() && style.bg.is_some(), "{role:?}");
        assert!(
            style.bold && style.dim && style.italic && style.underline && style.reverse,
            "{role:?}"
        );
    }
}

const fn role_name(role: StyleRole) -> &'static str {
    match role {
        StyleRole::Text => "text",
        StyleRole::Dim => "dim",
        StyleRole::Accent => "accent",
        StyleRole::Title => "title",
        StyleRole::Good => "good",
        StyleRole::Warn => "warn",
        StyleRole::Bad => "bad",
        StyleRole::Unknown => "unknown",
        StyleRole::Selection => "selection",
        StyleRole::SelectionIdle => "selection-idle",
        StyleRole::Border => "border",
        StyleRole::BorderFocus => "border-focus",
        StyleRole::Production => "production",
        StyleRole::Secret => "secret",
        StyleRole::Key => "key",
        StyleRole::Match => "match",
        StyleRole::Bar => "bar",
        StyleRole::Input => "input",
        StyleRole::Label => "label",
        StyleRole::Danger => "danger",
        StyleRole::JsonKey => "json-key",
        StyleRole::JsonString => "json-string",
        StyleRole::JsonNumber => "json-number",
        StyleRole::JsonLiteral => "json-literal",
    }
}

#[test]
fn glyphs() {
    let GlyphSet {
        accepted,
        refused,
        unknown,
        unchecked,
        warning,
        check_mark: tick,
        pointer,
        mask,
        ..
    } = GlyphSet::UNICODE;
    assert_eq!(
        [accepted, refused, unknown, unchecked, warning, tick, pointer, mask].concat(),
        "●✗?–▲✓▸•"
    );
    let GlyphSet {
        accepted,
        refused,
        unknown,
        unchecked,
        warning,
        check_mark: tick,
        pointer,
        mask,
        ..
    } = GlyphSet::ASCII;
    assert_eq!(
        [accepted, refused, unknown, unchecked, warning, tick, pointer, mask].concat(),
        "+x?-!v>*"
    );
}
