//! Themes: the roles that the screen names and the styles that a theme gives them.
//!
//! A theme is data (`assets/themes/*.toml`): a dozen colors, and for each [`StyleRole`] the colors
//! that it uses. Colors that the terminal cannot show are reduced once, when the theme is built, so
//! drawing code does not handle color depths. Color never carries meaning alone: without colors a
//! background becomes reverse video, and everything else has a glyph. Start reading at [`Theme`].
//!
//! The user's own themes: files in the themes folder, in the format of the built-in themes.
//!
//! Start reading at [`UserThemes::load`]. Parsing a theme belongs to [`super`].

pub mod color;
pub mod glyphs;

use std::collections::BTreeMap;
use std::io;

pub use color::{AnsiColor, ColorDepth, ThemeColor};
pub use glyphs::GlyphSet;
use serde::Deserialize;

use crate::config::AppPaths;
use crate::config::file::{list_toml_files, read_text};
pub use crate::config::theme::color::TerminalBackground;
use crate::domain::problem::{Problem, ProblemClass};

/// Name that selects the theme that fits the terminal's background.
pub const AUTO_THEME: &str = "auto";

/// Whether a theme name refers to a file of the user.
pub fn is_user_theme(name: &str) -> bool {
    let path = std::path::Path::new(name);
    path.extension().is_some_and(|extension| extension == "toml") && !name.contains(['/', '\\'])
}

/// Built-in themes: name and text. The build converts their TOML to JSON (`assets/build.rs`),
/// because a theme is read at every start and JSON parses faster.
const BUILTIN_THEMES: [(&str, &str); 3] = [
    ("dark", include_str!(concat!(env!("OUT_DIR"), "/themes/dark.json"))),
    ("light", include_str!(concat!(env!("OUT_DIR"), "/themes/light.json"))),
    ("high-contrast", include_str!(concat!(env!("OUT_DIR"), "/themes/high-contrast.json"))),
];

/// Role of a screen element, which determines its style.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StyleRole {
    /// Ordinary text.
    Text,
    /// Less prominent text: units, hints, empty values.
    Dim,
    /// The most prominent text.
    Accent,
    /// The title of a pane or dialog.
    Title,
    /// Accepted, finished or safe state.
    Good,
    /// State that needs care: expires soon, waiting.
    Warn,
    /// Refused, failed or expired state.
    Bad,
    /// Unknown state: no conclusive response.
    Unknown,
    /// The selected row of the pane that has the focus.
    Selection,
    /// The selected row of another pane.
    SelectionIdle,
    /// The border of a pane.
    Border,
    /// The border of the pane that has the focus.
    BorderFocus,
    /// The border around a production credential, and the word in it.
    Production,
    /// A secret, masked or revealed.
    Secret,
    /// A key in a hint.
    Key,
    /// The characters that a filter matched.
    Match,
    /// The bars at the top and the bottom.
    Bar,
    /// A field that text is typed into.
    Input,
    /// A label of jump mode.
    Label,
    /// A button or word for an action that cannot be undone.
    Danger,
    /// The key of a JSON object.
    JsonKey,
    /// A JSON string.
    JsonString,
    /// A JSON number.
    JsonNumber,
    /// `true`, `false` and `null`.
    JsonLiteral,
}

/// Style of a piece of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the attributes of a terminal cell are independent switches"
)]
pub struct TextStyle {
    /// Color of the text; `None` is the terminal's own.
    pub fg: Option<ThemeColor>,
    /// Color behind the text; `None` is the terminal's own.
    pub bg: Option<ThemeColor>,
    /// Bold.
    pub bold: bool,
    /// Fainter than usual.
    pub dim: bool,
    /// Italic.
    pub italic: bool,
    /// Underlined.
    pub underline: bool,
    /// Text color and background color swapped.
    pub reverse: bool,
}

/// Theme: a style for every role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    styles: [TextStyle; StyleRole::ALL.len()],
    /// Background color that the theme is made for; `None` if any background fits.
    background: Option<ThemeColor>,
}

/// Contents of a theme file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ThemeFile {
    /// Name of the background color that the theme is made for.
    #[serde(rename = "ground")]
    background: Option<String>,
    colors: BTreeMap<String, ThemeColor>,
    roles: BTreeMap<StyleRole, StyleSpec>,
}

/// Style as a theme file writes it, with colors by their name in that file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the attributes of a terminal cell are independent switches"
)]
struct StyleSpec {
    fg: Option<String>,
    bg: Option<String>,
    bold: bool,
    dim: bool,
    italic: bool,
    underline: bool,
    reverse: bool,
}

/// Colors of a theme file by name, reduced to what the terminal can show; `None` if it shows no
/// colors.
type Palette<'f> = BTreeMap<&'f str, Option<ThemeColor>>;

impl StyleRole {
    /// All roles.
    pub const ALL: [Self; 24] = [
        Self::Text,
        Self::Dim,
        Self::Accent,
        Self::Title,
        Self::Good,
        Self::Warn,
        Self::Bad,
        Self::Unknown,
        Self::Selection,
        Self::SelectionIdle,
        Self::Border,
        Self::BorderFocus,
        Self::Production,
        Self::Secret,
        Self::Key,
        Self::Match,
        Self::Bar,
        Self::Input,
        Self::Label,
        Self::Danger,
        Self::JsonKey,
        Self::JsonString,
        Self::JsonNumber,
        Self::JsonLiteral,
    ];
}

impl Theme {
    /// Returns a built-in theme in the colors that the terminal can show; `None` if there is no
    /// built-in theme with this name.
    pub fn builtin(name: &str, depth: ColorDepth) -> Option<Self> {
        let (_, text) = BUILTIN_THEMES.iter().find(|(known, _)| *known == name)?;
        let file: ThemeFile = serde_json::from_str(text).ok()?;
        file.resolve(depth).ok()
    }

    /// Returns the built-in theme that fits a background.
    pub fn for_background(background: TerminalBackground, depth: ColorDepth) -> Self {
        let name = match background {
            TerminalBackground::Dark => "dark",
            TerminalBackground::Light => "light",
        };
        Self::builtin(name, depth).unwrap_or_default()
    }

    /// Returns the names of the built-in themes.
    pub fn builtin_names() -> impl Iterator<Item = &'static str> {
        BUILTIN_THEMES.iter().map(|(name, _)| *name)
    }

    /// Parses a theme file. Roles that the file omits look like the terminal's ordinary text.
    ///
    /// # Errors
    ///
    /// Returns a message for the user that describes the mistake.
    pub fn parse(text: &str, depth: ColorDepth) -> Result<Self, String> {
        let file: ThemeFile = toml::from_str(text).map_err(|error| error.to_string())?;
        file.resolve(depth)
    }

    /// Returns the theme for a terminal with this background. A theme that is made for the other
    /// background sets its own background color.
    #[must_use]
    pub fn with_background(mut self, background: TerminalBackground) -> Self {
        let own = self.background.filter(|color| {
            TerminalBackground::from_color(*color).is_some_and(|own| own != background)
        });
        self.styles[StyleRole::Text as usize].bg = own;
        self
    }

    /// Returns the style of a role.
    pub const fn style(&self, role: StyleRole) -> TextStyle {
        self.styles[role as usize]
    }
}

impl Default for Theme {
    /// Returns the dark theme in 16 colors, which every terminal with colors can show.
    fn default() -> Self {
        let plain = Self { styles: [TextStyle::default(); StyleRole::ALL.len()], background: None };
        Self::builtin("dark", ColorDepth::Ansi).unwrap_or(plain)
    }
}

impl ThemeFile {
    fn resolve(&self, depth: ColorDepth) -> Result<Theme, String> {
        let palette =
            self.colors.iter().map(|(name, color)| (name.as_str(), color.reduce(depth))).collect();
        let background = lookup_color(&palette, self.background.as_ref())?;
        let mut styles = [TextStyle::default(); StyleRole::ALL.len()];
        for (role, spec) in &self.roles {
            styles[*role as usize] = spec.resolve(&palette, depth)?;
        }
        if depth == ColorDepth::Monochrome {
            // Without colors, dim text replaces the dim color of these roles.
            for role in [StyleRole::Dim, StyleRole::Border] {
                styles[role as usize].dim = true;
            }
        }
        Ok(Theme { styles, background })
    }
}

impl StyleSpec {
    /// Returns the style in the colors that the terminal can show.
    fn resolve(&self, palette: &Palette<'_>, depth: ColorDepth) -> Result<TextStyle, String> {
        let color = |name: &Option<String>| lookup_color(palette, name.as_ref());
        let &Self { bold, dim, italic, underline, .. } = self;
        let stands_out = depth == ColorDepth::Monochrome && self.bg.is_some();
        Ok(TextStyle {
            fg: color(&self.fg)?,
            bg: color(&self.bg)?,
            bold,
            dim,
            italic,
            underline,
            reverse: self.reverse || stands_out,
        })
    }
}

/// Looks up a color of the theme file by name, as the terminal shows it; `None` if no name is
/// given.
fn lookup_color(
    palette: &Palette<'_>,
    name: Option<&String>,
) -> Result<Option<ThemeColor>, String> {
    let Some(name) = name else { return Ok(None) };
    palette.get(name.as_str()).copied().ok_or_else(|| format!("undefined color \"{name}\""))
}

/// Size limit of a theme file; the built-in files are a fraction of it.
const MAX_THEME_BYTES: u64 = 64 * 1024;

/// The user's themes: the name of each file with its text, or the reason why it could not be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserThemes(Vec<(String, Result<String, String>)>);

impl UserThemes {
    /// Reads the themes folder, if there is one.
    pub fn load(paths: &AppPaths) -> Self {
        let mut files = list_toml_files(&paths.themes()).unwrap_or_default();
        files.sort();
        let named = |path: std::path::PathBuf| {
            let name = path.file_name()?.to_str()?.to_owned();
            Some((
                name,
                read_text(&path, MAX_THEME_BYTES).map_err(|error: io::Error| error.to_string()),
            ))
        };
        Self(files.into_iter().filter_map(named).collect())
    }

    /// Returns the valid themes with their names, in the colors that the terminal shows.
    pub fn valid_themes(&self, depth: ColorDepth) -> impl Iterator<Item = (&str, Theme)> {
        self.0
            .iter()
            .filter_map(move |(name, _)| Some((name.as_str(), self.theme(name, depth).ok()?)))
    }

    /// Returns the theme in the file with this name, or a message that says why it cannot be used.
    pub fn theme(&self, name: &str, depth: ColorDepth) -> Result<Theme, String> {
        let (_, text) = self
            .0
            .iter()
            .find(|(known, _)| known == name)
            .ok_or_else(|| self.missing_theme_message(name))?;
        Theme::parse(text.as_ref().map_err(Clone::clone)?, depth)
    }

    /// Returns the problem with the theme of this name, if it has one.
    pub fn theme_problem(&self, name: &str, paths: &AppPaths) -> Option<Problem> {
        let why = self.theme(name, ColorDepth::TrueColor).err()?;
        let path = paths.themes().join(name);
        let what = "The theme cannot be used";
        let remedy = "fix the file, or set `theme = \"auto\"`";
        Some(
            Problem::new(what, format!("{}: {}", path.display(), why.trim_end()), remedy)
                .with_class(ProblemClass::Usage),
        )
    }

    fn missing_theme_message(&self, name: &str) -> String {
        let known: Vec<_> = self.0.iter().map(|(known, _)| known.as_str()).collect();
        if known.is_empty() {
            format!("there is no theme file {name}")
        } else {
            format!("there is no theme file {name}; the folder contains {}", known.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_theme_styles_every_role() {
        for (name, text) in BUILTIN_THEMES {
            let file: ThemeFile =
                serde_json::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"));
            let missing: Vec<_> =
                StyleRole::ALL.into_iter().filter(|role| !file.roles.contains_key(role)).collect();
            assert_eq!(missing, [], "{name}");
            assert!(Theme::builtin(name, ColorDepth::TrueColor).is_some(), "{name}");
        }
        assert_eq!(Theme::builtin("no-such-theme", ColorDepth::TrueColor), None);
    }

    #[test]
    fn each_role_keeps_its_own_place() {
        for (at, role) in StyleRole::ALL.into_iter().enumerate() {
            assert_eq!(role as usize, at, "{role:?}");
        }
    }

    #[test]
    fn what_must_be_distinguished_looks_different_at_every_depth_with_colors() {
        for (name, depth) in Theme::builtin_names().flat_map(|name| {
            [ColorDepth::TrueColor, ColorDepth::Indexed, ColorDepth::Ansi].map(|d| (name, d))
        }) {
            let theme = Theme::builtin(name, depth).unwrap();
            for (one, other) in [
                (StyleRole::Good, StyleRole::Bad),
                (StyleRole::Good, StyleRole::Warn),
                (StyleRole::Warn, StyleRole::Bad),
                (StyleRole::Border, StyleRole::BorderFocus),
                (StyleRole::Border, StyleRole::Production),
                (StyleRole::BorderFocus, StyleRole::Production),
                (StyleRole::Text, StyleRole::Dim),
                (StyleRole::Selection, StyleRole::Text),
                (StyleRole::Selection, StyleRole::SelectionIdle),
            ] {
                assert_ne!(
                    theme.style(one),
                    theme.style(other),
                    "{name} {depth:?} {one:?} {other:?}"
                );
            }
        }
    }

    #[test]
    fn what_warns_has_its_own_color_where_there_are_enough() {
        for (name, depth) in Theme::builtin_names().flat_map(|name| {
            [ColorDepth::TrueColor, ColorDepth::Indexed].map(|depth| (name, depth))
        }) {
            let theme = Theme::builtin(name, depth).unwrap();
            for other in [StyleRole::Bad, StyleRole::Production] {
                assert_ne!(
                    theme.style(StyleRole::Warn).fg,
                    theme.style(other).fg,
                    "{name} {depth:?} {other:?}"
                );
            }
        }
    }

    #[test]
    fn everything_stands_out_from_the_background_at_every_depth_with_colors() {
        // Users customize the 16 colors, rarely as pale as on the oldest terminals. Borders may
        // have less contrast.
        for (depth, text, line) in [
            (ColorDepth::TrueColor, 4.5, 2.0),
            (ColorDepth::Indexed, 4.5, 2.0),
            (ColorDepth::Ansi, 2.1, 2.1),
        ] {
            for (name, role) in
                Theme::builtin_names().flat_map(|name| StyleRole::ALL.map(|role| (name, role)))
            {
                let theme = Theme::builtin(name, depth).unwrap();
                let (style, least) =
                    (theme.style(role), if role == StyleRole::Border { line } else { text });
                let contrast = style
                    .fg
                    .unwrap()
                    .contrast_ratio(style.bg.or(theme.background).unwrap())
                    .unwrap();
                assert!(contrast >= least, "{name} {depth:?} {role:?}: {contrast:.1}");
            }
        }
    }

    #[test]
    fn without_colors_the_selection_is_still_visible() {
        for name in Theme::builtin_names() {
            let theme = Theme::builtin(name, ColorDepth::Monochrome).unwrap();
            for role in StyleRole::ALL {
                assert_eq!(
                    (theme.style(role).fg, theme.style(role).bg),
                    (None, None),
                    "{name} {role:?}"
                );
            }
            assert!(theme.style(StyleRole::Selection).reverse, "{name}");
            assert_ne!(
                theme.style(StyleRole::BorderFocus),
                theme.style(StyleRole::Border),
                "{name}"
            );
        }
    }

    #[test]
    fn a_theme_brings_its_background_where_the_terminal_has_the_other_kind() {
        for (name, other) in [
            ("dark", TerminalBackground::Light),
            ("light", TerminalBackground::Dark),
            ("high-contrast", TerminalBackground::Light),
        ] {
            for depth in [ColorDepth::TrueColor, ColorDepth::Indexed, ColorDepth::Ansi] {
                let theme = Theme::builtin(name, depth).unwrap();
                assert!(
                    theme.clone().with_background(other).style(StyleRole::Text).bg.is_some(),
                    "{name} {depth:?}"
                );
                let at_home = TerminalBackground::from_color(theme.background.unwrap()).unwrap();
                assert_eq!(
                    theme.with_background(other).with_background(at_home).style(StyleRole::Text).bg,
                    None,
                    "{name} {depth:?}"
                );
            }
            let theme = Theme::builtin(name, ColorDepth::Monochrome).unwrap();
            assert_eq!(theme.clone().with_background(other), theme);
        }
    }

    #[test]
    fn an_unknown_color_role_or_attribute_is_refused_by_name() {
        let refusal = |text: &str| Theme::parse(text, ColorDepth::TrueColor).unwrap_err();
        assert!(refusal("[colors]\n[roles]\ntext = { fg = \"mauve\" }").contains("mauve"));
        assert!(refusal("ground = \"mauve\"\n[colors]\n[roles]").contains("mauve"));
        assert!(refusal("[colors]\n[roles]\ntext-ish = {}").contains("text-ish"));
        assert!(refusal("[colors]\n[roles]\ntext = { blink = true }").contains("blink"));
        assert!(refusal("[colors]\nred = \"#12\"\n[roles]").contains("#12"));
    }
}

#[cfg(test)]
mod user_tests {
    use super::*;

    const MINE: &str = "[colors]\nink = \"#102030\"\n[roles]\ntext = { fg = \"ink\" }\n";

    fn home(files: &[(&str, &str)]) -> (tempfile::TempDir, AppPaths) {
        let home = tempfile::tempdir().unwrap();
        let paths = AppPaths::from_home(home.path());
        std::fs::create_dir_all(paths.themes()).unwrap();
        for (name, text) in files {
            std::fs::write(paths.themes().join(name), text).unwrap();
        }
        (home, paths)
    }

    #[test]
    fn a_file_is_a_theme_and_a_broken_one_says_where_it_is_broken() {
        let (_home, paths) = home(&[
            ("mine.toml", MINE),
            ("broken.toml", "[colors]\n[roles]\ntext = { fg = \"mauve\" }"),
            ("x", ""),
        ]);
        let own = UserThemes::load(&paths);
        assert_eq!(
            own.valid_themes(ColorDepth::TrueColor).map(|(name, _)| name).collect::<Vec<_>>(),
            ["mine.toml"]
        );
        assert_eq!(own.theme_problem("mine.toml", &paths), None);
        let problem = own.theme_problem("broken.toml", &paths).unwrap();
        assert!(problem.why.contains("broken.toml") && problem.why.contains("mauve"), "{problem}");
        let problem = own.theme_problem("other.toml", &paths).unwrap();
        assert!(
            problem.why.contains(
                "there is no theme file other.toml; the folder contains broken.toml, mine.toml"
            ),
            "{problem}"
        );
    }

    #[test]
    fn no_folder_means_no_themes() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(UserThemes::load(&AppPaths::from_home(home.path())), UserThemes::default());
    }
}
