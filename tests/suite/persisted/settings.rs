//! Settings, layout and themes: every key of the files that users write, and every name that stands in them.

use std::collections::BTreeMap;
use std::fs;

use tempfile::TempDir;
use tokenring::config::key::Code;
use tokenring::config::layout::Memory;
use tokenring::config::{ClipboardChoice, Depth, GlyphChoice, Glyphs, Key, Layout, NetSettings, Paths, Role, Settings};
use tokenring::config::{StoreChoice, Theme, choose_store, choose_theme};
use tokenring::tui::app::command::COMMANDS;

use super::assert_file;

/// A settings file with every key, none at its default.
const EVERY_KEY: &str = r#"store = "file"
reveal_seconds = 16
clipboard_seconds = 31
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
    let paths = Paths::under(home.path());
    fs::create_dir_all(&paths.config).unwrap();
    fs::write(paths.settings(), text).unwrap();
    Settings::load(&paths, &|_| None).unwrap()
}

#[test]
fn every_key_of_the_settings() {
    let usual = Settings::default();
    let Settings { depth, background, own_themes, chooser, .. } = usual.clone();
    let keys = [("copy-secret", vec![Key::char('y'), Key::ctrl('y')]), ("quit", Vec::new())];
    // No `..`: a new setting does not compile until it has a line in the file above.
    let expected = Settings {
        store: Some(StoreChoice::File),
        chooser,
        reveal_seconds: 16,
        clipboard_seconds: 31,
        clipboard: ClipboardChoice::Osc52,
        theme: "light".to_owned(),
        glyphs: GlyphChoice::Ascii,
        readonly: true,
        mouse: false,
        plain: true,
        keys: keys.map(|(name, keys)| (name.to_owned(), keys)).into_iter().collect::<BTreeMap<_, _>>(),
        net: NetSettings { connect_seconds: 11, total_seconds: 61, concurrency: 33 },
        depth,
        background,
        own_themes,
    };
    assert_eq!(load(EVERY_KEY), expected);
    assert_eq!(load(""), usual);
}

#[test]
fn words_that_settings_take() {
    let store = |word: &str| load(&format!("store = \"{word}\"")).store.unwrap();
    for choice in [StoreChoice::Keyring, StoreChoice::File, StoreChoice::Memory] {
        let word = match choice {
            StoreChoice::Keyring => "keyring",
            StoreChoice::File => "file",
            StoreChoice::Memory => "memory",
        };
        assert_eq!((store(word), choice.as_str()), (choice, word));
    }
    let all =
        [ClipboardChoice::Auto, ClipboardChoice::Native, ClipboardChoice::Osc52, ClipboardChoice::Tmux, ClipboardChoice::None];
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
    for choice in [GlyphChoice::Auto, GlyphChoice::Unicode, GlyphChoice::Ascii] {
        let word = match choice {
            GlyphChoice::Auto => "auto",
            GlyphChoice::Unicode => "unicode",
            GlyphChoice::Ascii => "ascii",
        };
        assert_eq!(load(&format!("glyphs = \"{word}\"")).glyphs, choice);
    }
    for theme in ["auto", "dark", "light", "high-contrast", "mine.toml"] {
        let text = format!("theme = \"{theme}\"");
        assert_eq!(toml::from_str::<Settings>(&text).unwrap().theme, theme);
    }
    assert_eq!(Theme::names().collect::<Vec<_>>(), ["dark", "light", "high-contrast"]);
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
    let settings = Settings::load(&Paths::under(home.path()), &env).unwrap();
    let found = (settings.store, settings.clipboard, settings.plain);
    assert_eq!(found, (Some(StoreChoice::Memory), ClipboardChoice::Tmux, true));
}

#[test]
fn what_the_program_writes_into_the_settings() {
    let home = TempDir::new().unwrap();
    let paths = Paths::under(home.path());
    choose_store(&paths.settings(), StoreChoice::File).unwrap();
    choose_theme(&paths.settings(), "light").unwrap();
    assert_eq!(fs::read_to_string(paths.settings()).unwrap(), "store = \"file\"\ntheme = \"light\"\n");
}

#[test]
fn the_layout_file() {
    let home = TempDir::new().unwrap();
    let path = home.path().join("layout.toml");
    let memory = Memory::File(path.clone());
    let layout = Layout { list: Some(1), regions: Some(2), detail: Some(3), middle: Some(4), stack: Some(5) };
    memory.keep(layout);
    assert_eq!(fs::read_to_string(&path).unwrap(), "list = 1\nregions = 2\ndetail = 3\nmiddle = 4\nstack = 5\n");
    assert_eq!(memory.recall(), layout);
    memory.keep(Layout::default());
    assert_eq!(fs::read_to_string(&path).unwrap(), "");
}

/// The name of every command, as `[keys]` knows it.
#[test]
fn names_of_commands() {
    let names: Vec<_> = COMMANDS.iter().map(|command| command.name).collect();
    assert_file("command-names.txt", &(names.join("\n") + "\n"));
}

#[test]
fn names_of_keys() {
    let codes = [
        Code::Char('j'),
        Code::Char(' '),
        Code::Enter,
        Code::Esc,
        Code::Tab,
        Code::Backspace,
        Code::Delete,
        Code::Insert,
        Code::Up,
        Code::Down,
        Code::Left,
        Code::Right,
        Code::Home,
        Code::End,
        Code::PageUp,
        Code::PageDown,
        Code::F(12),
    ];
    for code in codes {
        let name = match code {
            Code::Char(' ') => "Space",
            Code::Char(_) => "j",
            Code::Enter => "Enter",
            Code::Esc => "Esc",
            Code::Tab => "Tab",
            Code::Backspace => "Backspace",
            Code::Delete => "Del",
            Code::Insert => "Ins",
            Code::Up => "Up",
            Code::Down => "Down",
            Code::Left => "Left",
            Code::Right => "Right",
            Code::Home => "Home",
            Code::End => "End",
            Code::PageUp => "PgUp",
            Code::PageDown => "PgDn",
            Code::F(_) => "F12",
        };
        let key = Key { code, ctrl: true, alt: true, shift: true };
        assert_eq!((key.to_string(), Key::parse(&format!("C-A-S-{name}"))), (format!("C-A-S-{name}"), Some(key)));
    }
}

/// A theme that names one role, and in it every property of a style.
fn theme(role: &str) -> String {
    format!(
        "ground = \"ink\"\n[colors]\nink = \"#102030\"\n[roles]\n{role} = {{ fg = \"ink\", bg = \"ink\", bold = true, dim = true, italic = true, underline = true, reverse = true }}\n"
    )
}

#[test]
fn roles_and_styles_of_a_theme() {
    for role in Role::ALL {
        let theme = Theme::parse(&theme(role_name(role)), Depth::TrueColor).unwrap();
        let style = theme.style(role);
        assert!(style.fg.is_some() && style.bg.is_some(), "{role:?}");
        assert!(style.bold && style.dim && style.italic && style.underline && style.reverse, "{role:?}");
    }
}

const fn role_name(role: Role) -> &'static str {
    match role {
        Role::Text => "text",
        Role::Dim => "dim",
        Role::Accent => "accent",
        Role::Title => "title",
        Role::Good => "good",
        Role::Warn => "warn",
        Role::Bad => "bad",
        Role::Unknown => "unknown",
        Role::Selection => "selection",
        Role::SelectionIdle => "selection-idle",
        Role::Border => "border",
        Role::BorderFocus => "border-focus",
        Role::Production => "production",
        Role::Secret => "secret",
        Role::Key => "key",
        Role::Match => "match",
        Role::Bar => "bar",
        Role::Input => "input",
        Role::Label => "label",
        Role::Danger => "danger",
        Role::JsonKey => "json-key",
        Role::JsonString => "json-string",
        Role::JsonNumber => "json-number",
        Role::JsonLiteral => "json-literal",
    }
}

#[test]
fn glyphs() {
    let Glyphs { accepted, refused, unknown, unchecked, warning, tick, pointer, mask, .. } = Glyphs::UNICODE;
    assert_eq!([accepted, refused, unknown, unchecked, warning, tick, pointer, mask].concat(), "●✗?–▲✓▸•");
    let Glyphs { accepted, refused, unknown, unchecked, warning, tick, pointer, mask, .. } = Glyphs::ASCII;
    assert_eq!([accepted, refused, unknown, unchecked, warning, tick, pointer, mask].concat(), "+x?-!v>*");
}
