//! Files of other programs as they are found: names that stand twice, references, endpoints in every
//! form and names of the users' own. Start with [`ForeignFile`].

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::program::{Home, Outcome};

const ONE: &str = "0000abcd-0000-4000-8000-000000001111";
const TWO: &str = "0000abcd-0000-4000-8000-000000002222";

/// A home, and one file of another program.
struct ForeignFile {
    home: Home,
    path: PathBuf,
    _folder: TempDir,
}

impl ForeignFile {
    fn new(name: &str, text: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let root = folder.path().to_str().unwrap();
        let home =
            Home::new().with("HOME", root).with("XDG_CONFIG_HOME", &format!("{root}/.config"));
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        Self { home, path, _folder: folder }
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.path).unwrap()
    }

    fn path(&self) -> &str {
        self.path.to_str().unwrap()
    }

    /// Runs an import of the file, in the format that its name says.
    fn import(&self, arguments: &[&str]) -> Outcome {
        let from: &[&str] = match self.path.file_name().unwrap().to_str().unwrap() {
            ".env" => &["dotenv", self.path()],
            "snyk.json" => &["snyk-cli"],
            _ => &["json", self.path()],
        };
        self.home.run(&[&["import", "--json"], from, arguments].concat())
    }

    fn secrets(&self) -> Vec<String> {
        let listed = self.home.run(&["list", "--json"]).expect(0).json();
        let names = listed.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap());
        let mut secrets: Vec<_> =
            names.map(|name| self.home.run(&["get", name]).expect(0).out).collect();
        secrets.sort();
        secrets
    }

    /// Adds a credential with [`TWO`] in the European region, and the file as its consumer.
    fn with_consumer(self, target: &[&str]) -> Self {
        let kind = ["--provider", "snyk", "--kind", "personal-token", "--region", "eu"];
        self.home.feed(&[&["add", "ci", "--offline"], &kind[..]].concat(), TWO).expect(0);
        self.home.run(&[&["consumer", "add", "ci", "file"], target].concat()).expect(0);
        self
    }

    fn deliver(&self, arguments: &[&str]) -> Outcome {
        self.home.run(&[&["consumer", "deliver", "ci", "file", "--json"], arguments].concat())
    }
}

/// A token that names its region.
fn personal_access_token(host: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({ "h": host, "j": "1", "exp": 1_900_000_000_u64 });
    format!("snyk_uat.1a2b3c4d.{}.{}", part(&claims), URL_SAFE_NO_PAD.encode([7; 32]))
}

#[test]
fn of_a_name_that_stands_twice_no_secret_is_lost() {
    for (name, before, after) in [
        (
            ".env",
            format!("SNYK_TOKEN={ONE}\nA=1\nSNYK_TOKEN='{TWO}'\n"),
            "SNYK_TOKEN=''\nA=1\nSNYK_TOKEN=''\n",
        ),
        (
            ".env",
            format!("SNYK_TOKEN={ONE}\nSNYK_TOKEN={TWO}\nSNYK_TOKEN=${{LATER}}\n"),
            "SNYK_TOKEN=''\nSNYK_TOKEN=''\nSNYK_TOKEN=${LATER}\n",
        ),
        (
            "mcp.json",
            format!("{{\"SNYK_TOKEN\":\"{ONE}\",\n\"SNYK_TOKEN\":\"{TWO}\"}}"),
            "{\"SNYK_TOKEN\":\"\",\n\"SNYK_TOKEN\":\"\"}",
        ),
        (
            "mcp.json",
            format!(
                "{{\"env\":{{\"SNYK_TOKEN\":\"{ONE}\"}},\n\"env\":{{\"SNYK_TOKEN\":\"{TWO}\"}}}}"
            ),
            "{\"env\":{\"SNYK_TOKEN\":\"\"},\n\"env\":{\"SNYK_TOKEN\":\"\"}}",
        ),
        (
            ".config/configstore/snyk.json",
            format!("{{\"api\":\"{ONE}\",\n\"API\":\"{TWO}\"}}"),
            "{\"api\":\"\",\n\"API\":\"\"}",
        ),
    ] {
        let file = ForeignFile::new(name, &before);
        let done = file.import(&["--blank"]).expect(0);
        assert!(done.out.contains("(line "), "the lines tell them apart: {}", done.out);
        assert_eq!(file.secrets(), [ONE, TWO], "{before}");
        assert_eq!(file.text(), after);
    }
}

#[test]
fn a_delivery_does_not_replace_two_values_at_once() {
    for (name, target, text) in [
        (".env", ["--env-file", "--key", "T"], "T=one\nA=1\nT=two\n"),
        ("a.json", ["--json-file", "--pointer", "/t"], "{\"t\":\"one\",\n\n\"t\":\"two\"}"),
    ] {
        let file = ForeignFile::new(name, text);
        let path = file.path().to_owned();
        let file = file.with_consumer(&[target[0], &path, target[1], target[2]]);
        let error = file.deliver(&[]).expect(1).error();
        assert!(error["why"].as_str().unwrap().contains("(lines 1 and 3)"), "{error}");
        assert_eq!(file.text(), text);
    }
}

#[test]
fn references_are_called_what_they_are_and_stay() {
    for (value, name) in [
        ("op://Private/snyk/token", "a reference to 1Password"),
        ("$(pass show snyk)", "a command whose output is the value"),
        ("`pass show snyk`", "a command whose output is the value"),
        ("${SNYK}", "a reference to the variable SNYK"),
        ("$SNYK", "a reference to the variable SNYK"),
        ("%SNYK%", "a reference to the variable SNYK"),
        ("vault:secret/snyk#token", "a reference to Vault"),
        ("<placeholder>", "a placeholder"),
        ("your-token-here", "a placeholder"),
        ("{{ snyk }}", "a template expression"),
        ("!secret snyk", "a reference by the tag !secret"),
    ] {
        let before = format!("SNYK_TOKEN={value}\n");
        let file = ForeignFile::new(".env", &before);
        let done = file.import(&["--blank"]).expect(0).json();
        assert_eq!(
            (&done[0]["outcome"], &done[0]["why"]),
            (&json!("refused"), &json!(format!("{name}; it stays as it is")))
        );
        let path = file.path().to_owned();
        let file = file.with_consumer(&["--env-file", &path, "--key", "SNYK_TOKEN"]);
        let error = file.deliver(&[]).expect(1).error();
        assert!(
            error["why"].as_str().unwrap().contains(&format!("{name}, not a secret")),
            "{error}"
        );
        assert!(error["remedy"].as_str().unwrap().contains("--overwrite"), "{error}");
        assert_eq!(file.text(), before, "nothing is overwritten unasked");
        file.deliver(&["--overwrite"]).expect(0);
        assert!(file.text().contains(TWO), "{}", file.text());
    }
}

#[test]
fn at_a_terminal_a_reference_is_replaced_after_a_yes() {
    for (answer, is_replaced) in [("n", false), ("y", true)] {
        let file = ForeignFile::new(".env", "SNYK_TOKEN=op://Private/snyk\n");
        let path = file.path().to_owned();
        let file = file.with_consumer(&["--env-file", &path, "--key", "SNYK_TOKEN"]);
        let mut terminal = file.home.at_terminal(&["consumer", "deliver", "ci", "file"]);
        terminal.expect("Replace it? [y/N]");
        terminal.send(&format!("{answer}\r"));
        assert_eq!(terminal.code(), u32::from(!is_replaced));
        assert_eq!(file.text().contains(TWO), is_replaced);
    }
}

/// The forms of an endpoint beside a token, and the region of each; none where it is not known.
const ENDPOINTS: [(&str, &str, Option<&str>); 16] = [
    ("SNYK_API", "https://api.eu.snyk.io", Some("SNYK-EU-01")),
    ("SNYK_API", "https://api.eu.snyk.io/v1", Some("SNYK-EU-01")),
    ("SNYK_API", "https://api.eu.snyk.io/api/v1/", Some("SNYK-EU-01")),
    ("SNYK_API", "http://API.EU.SNYK.IO/rest", Some("SNYK-EU-01")),
    ("SNYK_API", "https://app.eu.snyk.io/api", Some("SNYK-EU-01")),
    ("SNYK_API", "eu.snyk.io", Some("SNYK-EU-01")),
    ("SNYK_CFG_ENDPOINT", "https://api.au.snyk.io", Some("SNYK-AU-01")),
    ("SNYK_API_URL", "https://api.us.snyk.io/v1", Some("SNYK-US-02")),
    ("SNYK_API_REST_URL", "https://api.us.snyk.io/rest", Some("SNYK-US-02")),
    ("API_REST_URL", "https://api.snykgov.io/rest", Some("SNYK-GOV-01")),
    ("ACME_SNYK_ENDPOINT", "https://api.au.snyk.io", Some("SNYK-AU-01")),
    ("DATABASE_URL", "https://api.au.snyk.io", Some("SNYK-US-01")),
    ("SNYK_API", "https://snyk.acme.example", None),
    ("SNYK_API", "https://api.acme.snyk.io", None),
    ("SNYK_API", "${API}", None),
    ("SNYK_API", "production", None),
];

#[test]
fn every_form_of_an_endpoint_leads_to_its_region_in_every_file() {
    let members: Vec<_> =
        ENDPOINTS.iter().map(|(name, text, _)| json!({ "SNYK_TOKEN": ONE, *name: text })).collect();
    let file = ForeignFile::new("mcp.json", &json!(members).to_string());
    let found = file.import(&["--dry-run"]).expect(0).json();
    let found = found.as_array().unwrap();
    assert_eq!(found.len(), ENDPOINTS.len());
    for (place, (name, text, region)) in ENDPOINTS.iter().enumerate() {
        let found = found.iter().find(|one| one["place"] == format!("/{place}/SNYK_TOKEN"));
        let found = found.unwrap_or_else(|| panic!("{name}={text} is not listed"));
        assert_eq!(found["region"].as_str(), *region, "{name}={text}: {found}");
    }
    for (name, text, region) in [ENDPOINTS[4], ENDPOINTS[6], ENDPOINTS[12], ENDPOINTS[14]] {
        let file = ForeignFile::new(".env", &format!("{name}={text}\nSNYK_TOKEN={ONE}\n"));
        let found = file.import(&["--dry-run"]).expect(0).json();
        assert_eq!(found[0]["region"].as_str(), region, "{found}");
    }
    let config = json!({ "api": ONE, "Endpoint": "https://app.au.snyk.io/api/v1" }).to_string();
    let file = ForeignFile::new(".config/configstore/snyk.json", &config);
    assert_eq!(file.import(&["--dry-run"]).expect(0).json()[0]["region"], "SNYK-AU-01");
}

#[test]
fn a_contradiction_of_token_and_endpoint_is_told_at_the_import() {
    let pat = personal_access_token("api.au.snyk.io");
    let file =
        ForeignFile::new(".env", &format!("SNYK_API=https://app.eu.snyk.io\nSNYK_TOKEN={pat}\n"));
    let found = &file.import(&[]).expect(0).json()[0];
    assert_eq!(found["region"], "SNYK-AU-01");
    let told = "the secret belongs to SNYK-AU-01, but SNYK_API beside it is SNYK-EU-01";
    assert_eq!(found["contradiction"], told);
    let done = file.home.run(&["import", "dotenv", file.path(), "--dry-run"]).expect(0);
    assert!(done.err.contains(told), "{}", done.err);
}

#[test]
fn a_delivery_tells_an_endpoint_of_another_region_and_sets_it_when_asked() {
    let before = format!("SNYK_API=https://api.us.snyk.io\nSNYK_TOKEN={ONE}\n");
    let file = ForeignFile::new(".env", &before);
    let path = file.path().to_owned();
    let file = file.with_consumer(&["--env-file", &path, "--key", "SNYK_TOKEN"]);
    let told = file.deliver(&[]).expect(0).json();
    let note = told["note"].as_str().unwrap();
    assert!(note.contains("leads to SNYK-US-02, but the secret belongs to SNYK-EU-01"), "{note}");
    assert_eq!(file.text(), before.replace(ONE, TWO), "the endpoint changes only when asked");
    file.deliver(&["--set-endpoint"]).expect(0);
    let both = before.replace(ONE, TWO).replace("api.us.snyk.io", "api.eu.snyk.io");
    assert_eq!(file.text(), both);

    let file = ForeignFile::new(".config/configstore/snyk.json", &format!("{{\"api\":\"{ONE}\"}}"));
    let file = file.with_consumer(&["--snyk-cli"]);
    let mut terminal = file.home.at_terminal(&["consumer", "deliver", "ci", "file"]);
    terminal.expect("leads to SNYK-US-01 by default");
    terminal.send("y\r");
    assert_eq!(terminal.code(), 0);
    assert_eq!(
        file.text(),
        format!("{{\"endpoint\":\"https://api.eu.snyk.io\",\"api\":\"{TWO}\"}}")
    );
}

#[test]
fn names_with_the_vendors_word_are_listed_and_imported_only_on_request() {
    for name in
        ["MY_SNYK_KEY", "ACME_SNYK_API_TOKEN", "snykToken", "TF_VAR_snyk_token", "SNYK_CFG_API"]
    {
        let file =
            ForeignFile::new(".env", &format!("{name}={ONE}\nSNYK_CFG_ORG={TWO}\nID={TWO}\n"));
        let found = file.import(&["--blank"]).expect(0).json();
        assert_eq!(found.as_array().unwrap().len(), 1, "{found}");
        assert_eq!((&found[0]["outcome"], &found[0]["place"]), (&json!("possible"), &json!(name)));
        assert!(file.text().contains(ONE), "nothing is taken silently");
        let found = file.import(&["--possible", "--as", "mine", "--blank"]).expect(0).json();
        assert_eq!((&found[0]["outcome"], &found[0]["name"]), (&json!("imported"), &json!("mine")));
        assert!(!file.text().contains(ONE), "{}", file.text());
    }
}

#[test]
fn nothing_found_is_not_said_where_something_was_skipped() {
    let file = ForeignFile::new("a.txt", "nothing here\n");
    let scan = || file.home.run(&["scan", file.path.parent().unwrap().to_str().unwrap()]);
    assert_eq!(scan().expect(0).out, "no secrets found in 1 file\n");
    let wide = [&b"\xff\xfe"[..], &[0x41; 3]].concat();
    fs::write(file.path.with_file_name("history"), format!("ls\nsnyk auth {ONE}\n")).unwrap();
    assert!(scan().expect(0).out.contains("unknown: snyk personal-token"));
    fs::write(file.path.with_file_name("history"), wide).unwrap();
    std::os::unix::fs::symlink("/proc/self/mem", file.path.with_file_name("memory")).unwrap();
    let done = scan().expect(0);
    assert!(done.out.contains("not scanned"), "{}{}", done.out, done.err);
}

#[test]
fn the_doctor_understands_every_endpoint_variable() {
    let pat = personal_access_token("api.au.snyk.io");
    for (name, text, expected) in [
        ("SNYK_API", "https://app.au.snyk.io/api/v1", ""),
        ("SNYK_CFG_ENDPOINT", "http://api.au.snyk.io", ""),
        ("SNYK_API", "https://api.eu.snyk.io/v1", "SNYK_API points to SNYK-EU-01"),
        ("SNYK_CFG_ENDPOINT", "https://api.eu.snyk.io", "SNYK_CFG_ENDPOINT points to SNYK-EU-01"),
        ("SNYK_API", "https://snyk.acme.example", "SNYK_API points to no known region"),
        ("PROBELY_API_BASE_URL", "https://api.us.probely.com/", ""),
        ("PROBELY_API_BASE_URL", "production", "PROBELY_API_BASE_URL leads to no known region"),
        ("AC_API_ENDPOINT", "https://api.appcircle.io/", ""),
        ("AC_API_ENDPOINT", "https://api.acme.example", "AC_API_ENDPOINT leads to no known region"),
    ] {
        let file = ForeignFile::new("a.txt", "");
        let home = file.home.with("SNYK_TOKEN", &pat).with(name, text);
        let found = home.run(&["doctor", "--offline", "--json"]).json()["findings"].to_string();
        let is_told = found.contains("points to") || found.contains("leads to no known");
        assert_eq!(is_told, !expected.is_empty(), "{name}={text}: {found}");
        assert!(found.contains(expected), "{name}={text}: {found}");
    }
}

#[test]
fn a_region_is_added_by_any_form_of_its_address() {
    for (address, api) in [
        ("https://api.acme.snyk.io/v1", "https://api.acme.snyk.io"),
        ("https://app.acme.snyk.io/api", "https://api.acme.snyk.io"),
        ("http://ACME.snyk.io/api/v1/", "https://api.acme.snyk.io"),
        ("https://snyk.acme.example/rest", "https://snyk.acme.example"),
    ] {
        let home = Home::new();
        let add = ["regions", "add", "--json", "--provider", "snyk", "--id", "ACME", "--api"];
        let added = home.run(&[&add[..], &[address]].concat()).expect(0).json();
        assert_eq!(added["api"], api, "{address}");
    }
    let home = Home::new();
    let add = ["regions", "add", "--provider", "snyk", "--id", "ACME", "--api"];
    home.run(&[&add[..], &["https://snyk.acme.example/other"]].concat()).expect(2);
    let same = home.run(&[&add[..], &["https://app.eu.snyk.io"]].concat()).expect(0);
    assert!(same.err.contains("is also the API of SNYK-EU-01"), "{}", same.err);
}
