//! Detection of secrets that are split by line breaks.
//!
//! `base64` and `xxd -p` wrap their output, so no single line contains a whole encoding.

use zeroize::Zeroizing;

use super::{MASK, SecretRedactor};

/// Minimum length of a fragment to be masked, unless the previous line ended inside the same
/// encoding.
const MIN_FRAGMENT_BYTES: usize = 16;

/// Finds fragments of known secrets in consecutive lines.
pub struct SplitSecretDetector {
    /// Secrets and their encodings.
    known_texts: Vec<Zeroizing<String>>,
    /// Index of the text that the last line broke off, and the position at which it continues.
    open_fragment: Option<(usize, usize)>,
}

impl SplitSecretDetector {
    /// Creates a detector for the secrets that a redactor knows.
    pub fn from_redactor(redactor: &SecretRedactor) -> Self {
        let plain = redactor.secrets.iter().filter_map(|secret| std::str::from_utf8(secret).ok());
        let plain = plain.map(|secret| Zeroizing::new(secret.to_owned()));
        Self {
            known_texts: redactor.encoded().iter().cloned().chain(plain).collect(),
            open_fragment: None,
        }
    }

    /// Returns the line, including its line break, with fragments of secrets masked.
    pub fn mask_line(&mut self, line: &str) -> String {
        let text = line.trim_end_matches(['\n', '\r']);
        if text.is_empty() {
            return line.to_owned();
        }
        let mut before = self.open_fragment.take();
        let (mut masked, mut rest) = (String::with_capacity(line.len()), text);
        while !rest.is_empty() {
            let run = rest.len() - rest.trim_start_matches(is_encoding_char).len();
            let gap = rest[run..].find(is_encoding_char).unwrap_or(rest.len() - run);
            if run > 0 {
                let ends_line = run + gap == rest.len() && gap == 0;
                masked.push_str(&self.mask_run(&rest[..run], before.take(), ends_line));
            }
            masked.push_str(&rest[run..run + gap]);
            rest = &rest[run + gap..];
        }
        masked + &line[text.len()..]
    }

    fn mask_run(&mut self, run: &str, before: Option<(usize, usize)>, ends_line: bool) -> String {
        let continuation = before.and_then(|(which, from)| {
            Some((which, self.known_texts.get(which)?.get(from..)?, from))
        });
        if let Some((which, missing, from)) =
            continuation.filter(|(_, missing, _)| !missing.is_empty())
        {
            if missing.starts_with(run) {
                self.open_fragment = ends_line.then_some((which, from + run.len()));
                return MASK.to_owned();
            }
            if let Some(after) = run.strip_prefix(missing) {
                return format!("{MASK}{after}");
            }
        }
        if run.len() < MIN_FRAGMENT_BYTES {
            return run.to_owned();
        }
        let inside = self
            .known_texts
            .iter()
            .enumerate()
            .find_map(|(which, whole)| Some((which, whole.find(run)? + run.len())));
        if let Some(fragment) = inside {
            self.open_fragment = ends_line.then_some(fragment);
            return MASK.to_owned();
        }
        if let Some((which, length)) = self
            .longest_fragment(run, |whole, length| whole.starts_with(&run[run.len() - length..]))
        {
            self.open_fragment = ends_line.then_some((which, length));
            return format!("{}{MASK}", &run[..run.len() - length]);
        }
        match self.longest_fragment(run, |whole, length| whole.ends_with(&run[..length])) {
            Some((_, length)) => format!("{MASK}{}", &run[length..]),
            None => run.to_owned(),
        }
    }

    /// Returns the index of the secret and the length of the longest fragment of a run for which
    /// `fits` is true.
    fn longest_fragment(
        &self,
        run: &str,
        fits: impl Fn(&str, usize) -> bool,
    ) -> Option<(usize, usize)> {
        let found = self.known_texts.iter().enumerate().filter_map(|(which, whole)| {
            let lengths = MIN_FRAGMENT_BYTES..=run.len().min(whole.len());
            Some((which, lengths.rev().find(|length| fits(whole, *length))?))
        });
        found.max_by_key(|(_, length)| *length)
    }
}

/// Whether a character occurs in encodings and tokens.
const fn is_encoding_char(sign: char) -> bool {
    sign.is_ascii_alphanumeric() || matches!(sign, '+' | '/' | '-' | '_' | '.')
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::*;
    use crate::domain::Secret;
    use crate::domain::text::to_hex;

    const SECRET: &str = "snyk_uat.1a2b3c4d.eyJqIjoiMDE5Nlo2WkJWM1JZMDRXMVJLOTUyVFNaNVkiLCJoIjoiYXBpIn0.HjFnVSgvfTILcMzAUkc8weoYgA-oSavHrqKqSQjXhLc";

    fn shown(lines: &[String]) -> String {
        let mut redactor = SecretRedactor::default();
        redactor.add_secret(&Secret::from_text(SECRET.to_owned()));
        let mut torn = SplitSecretDetector::from_redactor(&redactor);
        lines.iter().map(|line| torn.mask_line(&redactor.redact_known(line.clone()))).collect()
    }

    fn folded(text: &str, width: usize) -> Vec<String> {
        text.as_bytes()
            .chunks(width)
            .map(|line| format!("{}\n", String::from_utf8_lossy(line)))
            .collect()
    }

    #[test]
    fn what_is_no_piece_of_a_secret_stays_as_it_is() {
        let text = "a line, another-run.of/letters+and_signs 0123456789abcdef0123\r\n";
        assert_eq!(
            shown(&[text.to_owned(), "\n".to_owned(), "no end".to_owned()]),
            format!("{text}\nno end")
        );
    }

    #[test]
    fn the_rest_of_a_torn_secret_is_found_however_short_it_is() {
        let lines = folded(&STANDARD.encode(SECRET), 76);
        assert_eq!(shown(&lines).lines().next(), Some(MASK));
        let short = [
            format!("x={}\n", &SECRET[..SECRET.len() - 3]),
            format!("{} y\n", &SECRET[SECRET.len() - 3..]),
        ];
        assert_eq!(shown(&short), format!("x={MASK}\n{MASK} y\n"));
        assert_eq!(shown(&[short[1].clone()]), short[1], "by itself it is nothing");
    }

    proptest! {
        #[test]
        fn no_width_and_nothing_before_shows_more_than_an_edge(width in 20_usize..120, before in "[a-z ]{0,30}", form in 0_usize..3) {
            let around = format!("{before}{SECRET}");
            let encoded = match form {
                0 => STANDARD.encode(&around),
                1 => to_hex(around.as_bytes()),
                _ => around,
            };
            let shown = shown(&folded(&encoded, width));
            for (index, piece) in SECRET.as_bytes().windows(18).enumerate() {
                let forms = [STANDARD.encode(piece), to_hex(piece), String::from_utf8_lossy(piece).into_owned()];
                prop_assert!(forms.iter().all(|form| !shown.contains(form.as_str())), "{index}: {shown}");
            }
        }
    }
}
