//! The leak gate for secrets in the wrong place: in arguments, labels, names, fields, reasons and
//! settings. No error repeats them, and nothing stores them.

use std::fs;

use super::LeakGate;

impl LeakGate {
    /// Passes every canary secret where no secret belongs.
    pub(super) fn run_with_typed_secrets(&mut self) {
        let canaries: Vec<_> =
            self.canaries.iter().map(|canary| (canary.provider, canary.secret.clone())).collect();
        for (provider, secret) in &canaries {
            self.type_surplus_arguments(provider, secret);
            self.type_settings(secret);
        }
        // These have the shape of a secret; the others could be any word.
        for (_, secret) in canaries.iter().filter(|(_, secret)| is_shaped(secret)) {
            self.type_as_words(secret);
        }
    }

    fn type_surplus_arguments(&mut self, provider: &str, secret: &str) {
        for arguments in [
            &["add", "x", secret, "--provider", provider][..],
            &["add", "x", "--provider", provider, "--field", secret],
            &["add", "x", "--provider", provider, "--secret", secret],
            &["identify", secret],
            &["edit", "x", "--secret", secret],
            &["rotate", "x", secret],
            &["show", "x", secret],
            &["get", "x", secret],
            &["list", secret],
            &["request", "x", "/echo", "--header", secret],
            &["request", "x", "/echo", "--query", secret],
            &["add", "x", secret, "--provider", provider, "--json"],
            &["request", "x", "/echo", "--header", secret, "--json"],
        ] {
            self.run(arguments, "").expect(2);
        }
    }

    fn type_as_words(&mut self, secret: &str) {
        let text = format!("leaked: {secret}");
        for (arguments, code) in [
            (&[secret][..], 2),
            (&["show", secret], 3),
            (&["show", secret, "--json"], 3),
            (&["check", secret], 3),
            (&["requests", "show", secret], 3),
            (&["man", secret], 2),
            (&["add", secret, "--provider", "snyk", "--kind", "personal-token"], 2),
            (&["add", "x", "--provider", secret], 3),
            (&["add", "x", "--provider", "snyk", "--expires", secret], 2),
            (&["add", "x", "--provider", "snyk", "--kind", "personal-token", "--label", secret], 2),
        ] {
            let done = self.run(arguments, "0000abcd-0000-4000-8000-00000000ffff");
            assert!(done.code != 0, "{arguments:?} succeeded");
            assert!(done.code == code || done.code == 2, "{arguments:?}: {}", done.code);
        }
        let _ = self.run(&["presets", &text], "");
    }

    fn type_settings(&mut self, secret: &str) {
        let path = self.home.root().join("config/config.toml");
        let before = fs::read_to_string(&path).unwrap();
        let value = toml::Value::from(secret).to_string();
        for (setting, key) in [
            ("theme", ""),
            ("clipboard", ""),
            ("store", ""),
            ("reveal_seconds", ""),
            ("readonly", ""),
            ("\"list.down\"", "[keys]\n"),
        ] {
            fs::write(&path, format!("{key}{setting} = {value}\n")).unwrap();
            for arguments in [&["list"][..], &["list", "--json"], &["config", "check"]] {
                let done = self.run(arguments, "");
                assert!(done.code == 2, "{setting}: {}{}", done.out, done.err);
            }
        }
        fs::write(&path, before).unwrap();
    }
}

/// Whether a secret has a known prefix or the form of a UUID or a JSON web token.
fn is_shaped(secret: &str) -> bool {
    secret.starts_with("snyk_") || secret.starts_with("eyJ") || secret.matches('-').count() == 4
}
