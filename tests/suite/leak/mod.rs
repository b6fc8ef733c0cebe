//! The leak gate: canary secrets that are recognizable in any encoding go through every command and
//! over the screen; then everything that another process or user could read is searched for them.
//! Start with `no_command_lets_a_secret_out`.

#[cfg(unix)]
mod grant;
#[cfg(target_os = "linux")]
mod memory;
mod mirror;
mod planted;
mod screen;
mod search;
mod typed;

use std::fs;
use std::path::Path;

use crate::support::program::{Home, Outcome};
use mirror::{ExtraSecrets, Mirror};
use search::{SecretSearch, spelled};

/// A credential that holds a canary secret.
struct CanaryCredential {
    name: &'static str,
    provider: &'static str,
    kind: &'static str,
    fields: &'static [&'static str],
    parts: &'static [&'static str],
    /// Standard input of `add`.
    input: String,
    /// The secret.
    secret: String,
}

/// Searches all output and files for the canary secrets.
struct LeakGate {
    home: Home,
    canaries: Vec<CanaryCredential>,
    search: SecretSearch,
    leaks: Vec<String>,
    mirror: Mirror,
}

/// Random letters and digits.
fn random(length: usize) -> String {
    const ALPHABET: &[u8; 64] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789xY";
    let mut bytes = vec![0; length];
    getrandom::fill(&mut bytes).unwrap();
    bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 64)])).collect()
}

fn random_uuid() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).unwrap();
    let hex = spelled(&bytes, |byte| format!("{byte:02x}"));
    format!("{}-{}-4{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
}

/// A whole personal access token, which expires in the year 2100, with this signature.
fn whole_pat(signature: &str) -> String {
    format!("snyk_uat.1a2b3c4d.eyJlIjo0MTAyNDQ0ODAwfQ.{signature}")
}

impl LeakGate {
    /// Creates a home whose providers all point at the mirror, and canary credentials.
    fn new() -> Self {
        let (mut search, token) = (SecretSearch::default(), random(32));
        search.add_secret("the access token", &token);
        let extra = ExtraSecrets { fresh: random(40), stray: format!("snyk_sat.{}", random(40)) };
        search.add_secret("the fresh secret", &extra.fresh);
        search.add_secret("the stray secret", &extra.stray["snyk_sat.".len()..]);
        let mirror = Mirror::start(&token, extra);
        let home = Home::new().with("TOKENRING_LOG_LEVEL", "trace");
        let aside = home.root().parent().unwrap().to_owned();
        fs::create_dir_all(aside.join("tmp")).unwrap();
        let home = home
            .with("TOKENRING_LOG", aside.join("trace.log").to_str().unwrap())
            .with("TMPDIR", aside.join("tmp").to_str().unwrap());
        fs::create_dir_all(home.root().join("config")).unwrap();
        // The timeout is so long that a secret is never hidden by it: that would mask a missing
        // redaction.
        let settings = "clipboard = \"none\"\nreveal_seconds = 600\n";
        fs::write(home.root().join("config/config.toml"), settings).unwrap();
        let at = mirror.origin.clone();
        let mut gate = Self { home, canaries: Vec::new(), search, leaks: Vec::new(), mirror };
        for (provider, region) in [
            ("snyk", "SNYK-US-01"),
            ("snyk", "SNYK-EU-01"),
            ("snyk-api-web", "SAW-EU"),
            ("appcircle", "APPCIRCLE"),
        ] {
            gate.run(
                &[
                    "regions",
                    "add",
                    "--yes",
                    "--provider",
                    provider,
                    "--id",
                    region,
                    "--api",
                    &at,
                    "--app",
                    &at,
                    "--auth",
                    &at,
                ],
                "",
            )
            .expect(0);
        }
        gate.create_canaries();
        gate
    }

    /// Creates a canary credential of every kind.
    fn create_canaries(&mut self) {
        let jwt = |body: &str| format!("eyJhbGciOiJIUzI1NiJ9.{body}.{}", "c2lnbmF0dXJl");
        let odd = format!("{}\"\\/+&%{}", random(14), random(14));
        let one = |name, provider, kind, fields, secret: &str| {
            let secret = secret.to_owned();
            CanaryCredential {
                name,
                provider,
                kind,
                fields,
                parts: &[],
                input: secret.clone(),
                secret,
            }
        };
        let (uuid, pat, key, pak, api_key) =
            (random_uuid(), random(40), random(40), random(40), random(40));
        let (refresh, client_secret) = (random(40), random(40));
        let parted = format!("{refresh}\n{client_secret}");
        for (name, secret) in [
            ("the personal token", &uuid),
            ("the personal access token", &pat),
            ("the client secret", &odd),
            ("the API key", &key),
            ("the personal access key", &pak),
            ("the key's secret", &api_key),
            ("the refresh token", &refresh),
            ("the app's secret", &client_secret),
        ] {
            self.search.add_secret(name, secret);
        }
        let jwt = jwt(&key);
        self.canaries = vec![
            one("personal", "snyk", "personal-token", &[], &uuid),
            one("access", "snyk", "personal-access-token", &[], &whole_pat(&pat)),
            one("robot", "snyk", "service-account-oauth", &["client_id=robot"], &odd),
            one("refused-robot", "snyk", "service-account-oauth", &["client_id=refuse"], &odd),
            one("scanner", "snyk-api-web", "api-key", &[], &jwt),
            one("mobile", "appcircle", "personal-access-key", &[], &pak),
            one("mobile-key", "appcircle", "api-key", &["key_name=refuse"], &api_key),
            CanaryCredential {
                parts: &["client_secret"],
                input: parted,
                ..one("app", "snyk-apps", "app", &["client_id=robot"], &refresh)
            },
        ];
    }

    /// Runs a command and searches its output for canary secrets.
    fn run(&mut self, arguments: &[&str], input: &str) -> Outcome {
        let outcome = self.home.feed(arguments, input);
        self.search_bytes(&format!("standard output of {arguments:?}"), outcome.out.as_bytes());
        self.search_bytes(&format!("standard error of {arguments:?}"), outcome.err.as_bytes());
        outcome
    }

    fn search_bytes(&mut self, place: &str, bytes: &[u8]) {
        self.leaks.extend(self.search.find(bytes).map(|found| format!("{place}: {found}")));
    }

    /// Searches every file below the folder, except the one with the passphrase.
    fn search_folder(&mut self, folder: &Path) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.search_folder(&path);
            } else if path.file_name().is_some_and(|name| name != "passphrase") {
                self.search_bytes(&path.display().to_string(), path.as_os_str().as_encoded_bytes());
                self.search_bytes(&path.display().to_string(), &fs::read(&path).unwrap());
            }
        }
    }

    fn search_files(&mut self) {
        let folder = self.home.root().parent().unwrap().to_owned();
        assert!(
            fs::metadata(folder.join("trace.log")).is_ok_and(|log| log.len() > 1000),
            "the log is written"
        );
        self.search_folder(&folder);
    }

    #[track_caller]
    fn assert_no_leaks(&self) {
        assert!(self.leaks.is_empty(), "{} leaks:\n{}", self.leaks.len(), self.leaks.join("\n"));
    }

    /// Adds the canary credential and runs every command on it.
    fn run_all_commands(&mut self, canary: &CanaryCredential) {
        let name = canary.name;
        let mut add = vec!["add", name, "--provider", canary.provider, "--kind", canary.kind];
        canary.fields.iter().for_each(|field| add.extend(["--field", *field]));
        canary.parts.iter().for_each(|part| add.extend(["--part", *part]));
        self.run(&add, &canary.input).expect(0);
        let got = self.home.run(&["get", name]).expect(0);
        if canary.parts.is_empty() {
            assert_eq!(got.out, canary.secret, "only get gives it out");
        } else {
            // The check after adding has used up the refresh token, and the next one is stored.
            self.search.add_secret("the next refresh token", &got.out);
        }
        self.search_bytes("standard error of get", got.err.as_bytes());
        for arguments in [
            &["check", name][..],
            &["check", name, "--json"],
            &["probe", name],
            &["probe", name, "--json"],
            &["regions", name, "--json"],
            &["show", name],
            &["show", name, "--json"],
            &["request", name, "/echo"],
            &["request", name, "/echo", "--json"],
            &["request", name, "/html"],
            &["request", name, "/bytes"],
            &["request", name, "/bytes", "--json"],
            &["request", name, "/moved", "--json"],
            &["request", name, "/refused"],
            &["request", name, "/refused", "--json"],
            &["request", name, "/broken", "--json"],
            &["request", name, "POST", "/echo", "--data", "{}", "--yes", "--header", "x-more=1"],
            &["request", name, "GET", "https://elsewhere.example/echo", "--json"],
            &["request", name, "/stray"],
            &["request", name, "/stray", "--json"],
            &["edit", name, "--rename", name, "--label", "prod"],
            &["edit", name, "--field", "no_such_field=1"],
        ] {
            self.run(arguments, "");
        }
        // The history stores a body without secrets: neither the credential's own secret nor a text
        // in the format of a token.
        let own = self.home.run(&["get", name]).expect(0).out;
        if own != canary.secret {
            self.search.add_secret("the secret by now", &own);
        }
        let body = serde_json::json!({ "own": own, "other": format!("snyk_sat.{}", random(40)) });
        self.search.add_secret(
            "the other's secret",
            &body["other"].as_str().unwrap()["snyk_sat.".len()..],
        );
        self.run(
            &["request", name, "POST", "/html", "--data", "-", "--yes", "--keep-body"],
            &body.to_string(),
        );
        if canary.provider.starts_with("snyk") && canary.provider != "snyk-api-web" {
            self.run(&["request", name, "POST", "/fresh", "--data", "{}", "--yes", "--json"], "");
            self.run(&["request", name, "/fresh"], "");
        }
    }
}

#[test]
fn no_command_lets_a_secret_out() {
    let mut gate = LeakGate::new();
    gate.run_with_typed_secrets();
    let copies: Vec<_> =
        gate.canaries.iter().map(|canary| format!("SNYK_TOKEN={}\n", canary.secret)).collect();
    for canary in std::mem::take(&mut gate.canaries) {
        gate.run_all_commands(&canary);
        for arguments in [
            &["identify"][..],
            &["identify", "--json"],
            &["add", canary.name, "--provider", canary.provider, "--kind", canary.kind, "--json"],
            &["add", "x", "--provider", "missing"],
            &["add", "x", "--provider", canary.provider, "--kind", "nothing"],
            &[
                "add",
                "x",
                "--provider",
                canary.provider,
                "--kind",
                canary.kind,
                "--region",
                "nowhere",
            ],
            &["add", "x", "--provider", canary.provider, "--kind", canary.kind, "--field", "odd=1"],
            &["edit", canary.name, "--secret"],
        ] {
            gate.run(arguments, &canary.secret);
            gate.run(arguments, &format!("export SNYK_TOKEN='{}'\n", canary.secret));
            gate.run(arguments, &format!("{}\u{200b}", canary.secret));
        }
    }
    // These copies are intended, so they are outside of the searched folder.
    let plain = tempfile::tempdir().unwrap();
    fs::write(plain.path().join("copies.env"), copies.concat()).unwrap();
    let plain = plain.path().to_str().unwrap();
    for arguments in [
        &["history"][..],
        &["history", "--json"],
        &["audit"],
        &["list"],
        &["list", "--json"],
        &["check", "--all"],
        &["check", "--all", "--junit"],
        &["check", "--all", "--offline", "--max-age", "0d"],
        &["calendar"],
        &["scan", plain],
        &["scan", plain, "--json"],
        &["doctor", "--offline"],
        &["doctor", "--json"],
        &["audit", "--json"],
        &["store", "status"],
        &["store", "migrate", "--to", "keyring", "--dry-run"],
        &["regions"],
    ] {
        gate.run(arguments, "");
    }
    gate.run(&["region", "personal", "SNYK-EU-01"], "").expect(0);
    gate.search_files();
    gate.run(&["remove", "personal", "--yes"], "").expect(0);
    let wrong = gate.home.root().parent().unwrap().join("wrong");
    fs::copy(gate.home.root().parent().unwrap().join("passphrase"), &wrong).unwrap();
    fs::write(&wrong, random(20)).unwrap();
    gate.home = std::mem::replace(&mut gate.home, Home::new())
        .with("TOKENRING_PASSPHRASE_FILE", wrong.to_str().unwrap());
    gate.run(&["check", "access"], "").expect(6);
    fs::write(gate.home.root().join("data/index.db"), "not an index at all").unwrap();
    gate.run(&["list"], "");
    gate.run(&["check", "--all", "--json"], "");
    gate.search_files();
    gate.assert_no_leaks();
}
