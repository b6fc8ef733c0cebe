//! Colours, and how few of them a terminal can show.

use serde::Deserialize;

/// A colour as a theme names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub enum Color {
    /// Red, green and blue.
    Rgb(u8, u8, u8),
    /// A place in the table of 256 colours.
    Indexed(u8),
    /// One of the sixteen that every terminal has and every person sets to their liking.
    Named(Ansi),
    /// The terminal's own colour for text or background.
    Default,
}

/// The sixteen colours, in the order of their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the colours")]
pub enum Ansi {
    Black,
    Red,
    Green,
    Yellow,
    Blue,
    Magenta,
    Cyan,
    Gray,
    DarkGray,
    LightRed,
    LightGreen,
    LightYellow,
    LightBlue,
    LightMagenta,
    LightCyan,
    White,
}

/// How many colours the terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Depth {
    /// None; or the person wants none.
    Monochrome,
    /// Sixteen.
    #[default]
    Ansi,
    /// 256.
    Indexed,
    /// All of them.
    TrueColor,
}

/// The sixteen with their names and their usual looks.
const ANSI: [(Ansi, &str, [u8; 3]); 16] = [
    (Ansi::Black, "black", [0, 0, 0]),
    (Ansi::Red, "red", [205, 0, 0]),
    (Ansi::Green, "green", [0, 205, 0]),
    (Ansi::Yellow, "yellow", [205, 205, 0]),
    (Ansi::Blue, "blue", [0, 0, 238]),
    (Ansi::Magenta, "magenta", [205, 0, 205]),
    (Ansi::Cyan, "cyan", [0, 205, 205]),
    (Ansi::Gray, "gray", [229, 229, 229]),
    (Ansi::DarkGray, "dark-gray", [127, 127, 127]),
    (Ansi::LightRed, "light-red", [255, 0, 0]),
    (Ansi::LightGreen, "light-green", [0, 255, 0]),
    (Ansi::LightYellow, "light-yellow", [255, 255, 0]),
    (Ansi::LightBlue, "light-blue", [92, 92, 255]),
    (Ansi::LightMagenta, "light-magenta", [255, 0, 255]),
    (Ansi::LightCyan, "light-cyan", [0, 255, 255]),
    (Ansi::White, "white", [255, 255, 255]),
];

/// The steps of red, green and blue in the cube of the 256 colours.
const CUBE: [u8; 6] = [0, 95, 135, 175, 215, 255];

impl Color {
    /// Reads `#rrggbb`, a name such as `light-red`, a number below 256, or `default`.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(digits) = text.strip_prefix('#') {
            return parse_rgb(digits);
        }
        let named = ANSI.iter().find(|(_, name, _)| *name == text).map(|(ansi, ..)| Self::Named(*ansi));
        match text {
            "default" => Some(Self::Default),
            _ => named.or_else(|| text.parse().ok().map(Self::Indexed)),
        }
    }

    /// The nearest colour that the terminal can show; `None` where it shows none.
    pub fn reduce(self, depth: Depth) -> Option<Self> {
        match (depth, self) {
            (Depth::Monochrome, _) => None,
            (_, Self::Named(_) | Self::Default) | (Depth::TrueColor, _) | (Depth::Indexed, Self::Indexed(_)) => Some(self),
            (Depth::Indexed, Self::Rgb(r, g, b)) => Some(Self::Indexed(nearest_index([r, g, b]))),
            (Depth::Ansi, Self::Rgb(r, g, b)) => Some(Self::Named(nearest_ansi([r, g, b]))),
            (Depth::Ansi, Self::Indexed(index)) => Some(Self::Named(nearest_ansi(rgb_of_index(index)))),
        }
    }
}

impl Depth {
    /// What the environment says about the terminal. `NO_COLOR`, if it holds anything, has the last word
    /// (<https://no-color.org>); `CLICOLOR=0` asks for none, unless `CLICOLOR_FORCE` does for some.
    pub fn detect(env: &dyn Fn(&str) -> Option<String>) -> Self {
        let get = |name| env(name).unwrap_or_default();
        let term = get("TERM");
        let all = matches!(get("COLORTERM").as_str(), "truecolor" | "24bit") || term.ends_with("-direct");
        let unwanted = get("CLICOLOR") == "0" && !Self::is_forced(env);
        if !get("NO_COLOR").is_empty() || unwanted || term == "dumb" {
            Self::Monochrome
        } else if all || !get("WT_SESSION").is_empty() {
            Self::TrueColor
        } else if term.contains("256color") {
            Self::Indexed
        } else {
            Self::Ansi
        }
    }

    /// Whether colours are wanted even where there is no terminal to show them.
    pub fn is_forced(env: &dyn Fn(&str) -> Option<String>) -> bool {
        env("CLICOLOR_FORCE").is_some_and(|value| !value.is_empty() && value != "0")
    }
}

#[cfg(test)]
impl Color {
    /// How much it stands out from another, from 1 (not at all) to 21, as WCAG 2.2 reckons it; nothing where one of them
    /// is the terminal's own.
    pub fn contrast(self, other: Self) -> Option<f64> {
        let brightness = |color: Self| {
            let linear = |part: u8| match f64::from(part) / 255.0 {
                part if part <= 0.04045 => part / 12.92,
                part => ((part + 0.055) / 1.055).powf(2.4),
            };
            let [r, g, b] = color.usual_rgb()?.map(linear);
            Some(0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05)
        };
        let (one, other) = (brightness(self)?, brightness(other)?);
        Some(one.max(other) / one.min(other))
    }

    fn usual_rgb(self) -> Option<[u8; 3]> {
        match self {
            Self::Rgb(r, g, b) => Some([r, g, b]),
            Self::Indexed(index) => Some(rgb_of_index(index)),
            Self::Named(ansi) => ANSI.iter().find(|(known, ..)| *known == ansi).map(|(.., rgb)| *rgb),
            Self::Default => None,
        }
    }
}

impl TryFrom<String> for Color {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or_else(|| format!("\"{text}\" is not a colour; write #rrggbb, a name, or a number below 256"))
    }
}

fn parse_rgb(digits: &str) -> Option<Color> {
    let number = u32::from_str_radix(digits, 16).ok().filter(|_| digits.len() == 6 && !digits.starts_with('+'))?;
    let [_, r, g, b] = number.to_be_bytes();
    Some(Color::Rgb(r, g, b))
}

/// A colour that has a hue keeps it, because its hue is its meaning; only greys go to the nearest grey.
fn nearest_ansi(rgb: [u8; 3]) -> Ansi {
    let candidates = ANSI.iter().filter(|(.., known)| has_hue(*known) == has_hue(rgb));
    candidates.min_by_key(|(.., known)| distance(stretched(rgb), *known)).map_or(Ansi::Gray, |(ansi, ..)| *ansi)
}

fn has_hue(rgb: [u8; 3]) -> bool {
    let (least, most) = bounds(rgb);
    // In the dark nobody sees a hue.
    most > 0x40 && u16::from(most - least) * 4 > u16::from(most)
}

/// The colour with all the saturation that its hue can have, at the same brightness.
fn stretched(rgb: [u8; 3]) -> [u8; 3] {
    let (least, most) = bounds(rgb);
    if !has_hue(rgb) {
        return rgb;
    }
    let stretch = |part: u8| u16::from(part - least) * u16::from(most) / u16::from(most - least);
    rgb.map(|part| u8::try_from(stretch(part)).unwrap_or(most))
}

fn bounds(rgb: [u8; 3]) -> (u8, u8) {
    (rgb[0].min(rgb[1]).min(rgb[2]), rgb[0].max(rgb[1]).max(rgb[2]))
}

/// The nearest of the 240 colours that are the same on every terminal; the first sixteen are the person's own. In the
/// cube each channel goes its own way, so only one of its colours can be the nearest.
fn nearest_index(rgb: [u8; 3]) -> u8 {
    let [r, g, b] = rgb.map(nearest_step);
    let in_cube = 16 + 36 * r + 6 * g + b;
    std::iter::once(in_cube).chain(232..=255).min_by_key(|index| distance(rgb, rgb_of_index(*index))).unwrap_or(in_cube)
}

fn nearest_step(part: u8) -> u8 {
    (0..).zip(CUBE).min_by_key(|(_, step)| part.abs_diff(*step)).map_or(0, |(step, _)| step)
}

fn rgb_of_index(index: u8) -> [u8; 3] {
    match index {
        0..16 => ANSI[usize::from(index)].2,
        16..232 => {
            let place = index - 16;
            [place / 36, place / 6 % 6, place % 6].map(|step| CUBE[usize::from(step)])
        }
        232.. => [8 + 10 * (index - 232); 3],
    }
}

/// How far two colours lie apart to the eye: a cheap weighting of the channels by how bright they look.
fn distance(one: [u8; 3], other: [u8; 3]) -> u32 {
    let [r, g, b] = [0, 1, 2].map(|channel| u32::from(one[channel].abs_diff(other[channel])).pow(2));
    3 * r + 4 * g + 2 * b
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read_in_every_form() {
        assert_eq!(Color::parse("#1e90ff"), Some(Color::Rgb(0x1e, 0x90, 0xff)));
        assert_eq!(Color::parse("light-red"), Some(Color::Named(Ansi::LightRed)));
        assert_eq!(Color::parse("208"), Some(Color::Indexed(208)));
        assert_eq!(Color::parse("default"), Some(Color::Default));
        for wrong in ["", "#", "#12345", "#1234567", "#+12345", "256", "-1", "Red", "#12345g", "rosé"] {
            assert_eq!(Color::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn reduction_keeps_what_the_terminal_can_show_and_finds_the_nearest_of_the_rest() {
        let orange = Color::Rgb(255, 135, 0);
        assert_eq!(orange.reduce(Depth::TrueColor), Some(orange));
        assert_eq!(orange.reduce(Depth::Indexed), Some(Color::Indexed(208)));
        assert_eq!(Color::Rgb(250, 5, 5).reduce(Depth::Ansi), Some(Color::Named(Ansi::LightRed)));
        assert_eq!(Color::Indexed(244).reduce(Depth::Ansi), Some(Color::Named(Ansi::DarkGray)));
        assert_eq!(Color::Named(Ansi::Cyan).reduce(Depth::Ansi), Some(Color::Named(Ansi::Cyan)));
        assert_eq!(orange.reduce(Depth::Monochrome), None);
    }

    #[test]
    fn every_colour_of_the_table_is_its_own_nearest() {
        for index in 16..=255 {
            let [r, g, b] = rgb_of_index(index);
            let Some(Color::Indexed(found)) = Color::Rgb(r, g, b).reduce(Depth::Indexed) else { panic!("{index}") };
            assert_eq!(rgb_of_index(found), [r, g, b]);
        }
    }

    #[test]
    fn the_environment_decides_and_no_color_has_the_last_word() {
        let depth = |vars: &'static [(&str, &str)]| {
            Depth::detect(&|name| vars.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
        };
        assert_eq!(depth(&[("TERM", "xterm-256color")]), Depth::Indexed);
        assert_eq!(depth(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")]), Depth::TrueColor);
        assert_eq!(depth(&[("TERM", "xterm-direct")]), Depth::TrueColor);
        assert_eq!(depth(&[("TERM", "linux")]), Depth::Ansi);
        assert_eq!(depth(&[("TERM", "dumb"), ("COLORTERM", "truecolor")]), Depth::Monochrome);
        assert_eq!(depth(&[("NO_COLOR", "1"), ("COLORTERM", "truecolor")]), Depth::Monochrome);
        assert_eq!(depth(&[("NO_COLOR", ""), ("COLORTERM", "24bit")]), Depth::TrueColor);
        assert_eq!(depth(&[("CLICOLOR", "0"), ("COLORTERM", "24bit")]), Depth::Monochrome);
        assert_eq!(depth(&[("CLICOLOR", "0"), ("CLICOLOR_FORCE", "1"), ("COLORTERM", "24bit")]), Depth::TrueColor);
        assert_eq!(depth(&[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")]), Depth::Monochrome);
    }

    #[test]
    fn sixteen_colours_keep_the_hue_that_carries_the_meaning() {
        let ansi = |r, g, b| Color::Rgb(r, g, b).reduce(Depth::Ansi);
        assert!(matches!(ansi(0x8f, 0xe0, 0x8a), Some(Color::Named(Ansi::Green | Ansi::LightGreen))));
        assert!(matches!(ansi(0xff, 0x7b, 0x72), Some(Color::Named(Ansi::Red | Ansi::LightRed))));
        assert!(matches!(ansi(0xe3, 0xb3, 0x41), Some(Color::Named(Ansi::Yellow | Ansi::LightYellow))));
        assert!(matches!(
            ansi(0x6c, 0xb6, 0xff),
            Some(Color::Named(Ansi::Cyan | Ansi::LightCyan | Ansi::LightBlue | Ansi::Blue))
        ));
        assert_eq!(ansi(0x80, 0x82, 0x86), Some(Color::Named(Ansi::DarkGray)));
        assert_eq!(ansi(0x10, 0x14, 0x1f), Some(Color::Named(Ansi::Black)));
    }
}
