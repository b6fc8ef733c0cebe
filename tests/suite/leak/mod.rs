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

use std::fs;
use std::path::Path;

use crate::support::program::{Home, Outcome};
use mirror::{Mirror, Told};
use search::{Search, spelled};

/// A credential that holds a canary secret.
struct Bird {
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
struct Gate {
    home: Home,
    birds: Vec<Bird>,
    search: Search,
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

impl Gate {
    /// Creates a home whose providers all point at the mirror, and canary credentials.
    fn new() -> Self {
        let (mut search, token) = (Search::default(), random(32));
        search.learn("the access token", &token);
        let told = Told { fresh: random(40), stray: format!("snyk_sat.{}", random(40)) };
        search.learn("the fresh secret", &told.fresh);
        search.learn("the stray secret", &told.stray["snyk_sat.".len()..]);
        let mirror = Mirror::start(&token, told);
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
        let mut gate = Self { home, birds: Vec::new(), search, leaks: Vec::new(), mirror };
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
        gate.hatch();
        gate
    }

    /// Creates a canary credential of every kind.
    fn hatch(&mut self) {
        let jwt = |body: &str| format!("eyJhbGciOiJIUzI1NiJ9.{body}.{}", "c2lnbmF0dXJl");
        let odd = format!("{}\"\\/+&%{}", random(14), random(14));
        let one = |name, provider, kind, fields, secret: &str| {
            let secret = secret.to_owned();
            Bird { name, provider, kind, fields, parts: &[], input: secret.clone(), secret }
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
            self.search.learn(name, secret);
        }
        let jwt = jwt(&key);
        self.birds = vec![
            one("personal", "snyk", "personal-token", &[], &uuid),
            one("access", "snyk", "personal-access-token", &[], &format!("snyk_uat.{pat}")),
            one("robot", "snyk", "service-account-oauth", &["client_id=someone"], &odd),
            one("refused-robot", "snyk", "service-account-oauth", &["client_id=refuse"], &odd),
            one("scanner", "snyk-api-web", "api-key", &[], &jwt),
            one("mobile", "appcircle", "personal-access-key", &[], &pak),
            one("mobile-key", "appcircle", "api-key", &["key_name=refuse"], &api_key),
            Bird {
                parts: &["client_secret"],
                input: parted,
                ..one("app", "snyk-apps", "app", &["client_id=someone"], &refresh)
            },
        ];
    }

    /// Runs a command and searches its output for canary secrets.
    fn run(&mut self, arguments: &[&str], input: &str) -> Outcome {
        let outcome = self.home.feed(arguments, input);
        self.look(&format!("standard output of {arguments:?}"), outcome.out.as_bytes());
        self.look(&format!("standard error of {arguments:?}"), outcome.err.as_bytes());
        outcome
    }

    fn look(&mut self, place: &str, bytes: &[u8]) {
        self.leaks.extend(self.search.find(bytes).map(|found| format!("{place}: {found}")));
    }

    /// Searches every file below the folder, except the one with the passphrase.
    fn look_into(&mut self, folder: &Path) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.look_into(&path);
            } else if path.file_name().is_some_and(|name| name != "passphrase") {
                self.look(&path.display().to_string(), path.as_os_str().as_encoded_bytes());
                self.look(&path.display().to_string(), &fs::read(&path).unwrap());
            }
        }
    }

    fn look_into_files(&mut self) {
        let folder = self.home.root().parent().unwrap().to_owned();
        assert!(
            fs::metadata(folder.join("trace.log")).is_ok_and(|log| log.len() > 1000),
            "the log is written"
        );
        self.look_into(&folder);
    }

    #[track_caller]
    fn assert_tight(&self) {
        assert!(self.leaks.is_empty(), "{} leaks:\n{}", self.leaks.len(), self.leaks.join("\n"));
    }

    /// Adds the canary credential and runs every command on it.
    fn fly(&mut self, bird: &Bird) {
        let name = bird.name;
        let mut add = vec!["add", name, "--provider", bird.provider, "--kind", bird.kind];
        bird.fields.iter().for_each(|field| add.extend(["--field", *field]));
        bird.parts.iter().for_each(|part| add.extend(["--part", *part]));
        self.run(&add, &bird.input).expect(0);
        let got = self.home.run(&["get", name]).expect(0);
        assert_eq!(got.out, bird.secret, "only get gives it out");
        self.look("standard error of get", got.err.as_bytes());
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
        if own != bird.secret {
            self.search.learn("the secret by now", &own);
        }
        let body = serde_json::json!({ "own": own, "other": format!("snyk_sat.{}", random(40)) });
        self.search
            .learn("the other's secret", &body["other"].as_str().unwrap()["snyk_sat.".len()..]);
        self.run(
            &["request", name, "POST", "/html", "--data", "-", "--yes", "--keep-body"],
            &body.to_string(),
        );
        if bird.provider.starts_with("snyk") && bird.provider != "snyk-api-web" {
            self.run(&["request", name, "POST", "/fresh", "--data", "{}", "--yes", "--json"], "");
            self.run(&["request", name, "/fresh"], "");
        }
    }
}

#[test]
fn no_command_lets_a_secret_out() {
    let mut gate = Gate::new();
    let copies: Vec<_> =
        gate.birds.iter().map(|bird| format!("SNYK_TOKEN={}\n", bird.secret)).collect();
    for bird in std::mem::take(&mut gate.birds) {
        gate.fly(&bird);
        for arguments in [
            &["identify"][..],
            &["identify", "--json"],
            &["add", bird.name, "--provider", bird.provider, "--kind", bird.kind, "--json"],
            &["add", "x", "--provider", "nobody"],
            &["add", "x", "--provider", bird.provider, "--kind", "nothing"],
            &["add", "x", "--provider", bird.provider, "--kind", bird.kind, "--region", "nowhere"],
            &["add", "x", "--provider", bird.provider, "--kind", bird.kind, "--field", "odd=1"],
            &["edit", bird.name, "--secret"],
        ] {
            gate.run(arguments, &bird.secret);
            gate.run(arguments, &format!("export SNYK_TOKEN='{}'\n", bird.secret));
            gate.run(arguments, &format!("{}\u{200b}", bird.secret));
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
    gate.look_into_files();
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
    gate.look_into_files();
    gate.assert_tight();
}
