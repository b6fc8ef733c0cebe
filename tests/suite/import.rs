//! Tests of `import`: every token is found, none is lost, and a copy is cleared only after the
//! store holds the token.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::program::Home;

const TOKEN: &str = "0000abcd-0000-4000-8000-000000001234";

struct ImportSetup {
    home: Home,
    folder: TempDir,
}

impl ImportSetup {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().to_str().unwrap();
        let home =
            Home::new().with("HOME", path).with("XDG_CONFIG_HOME", &format!("{path}/.config"));
        Self { home, folder }
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// Runs an import and returns its JSON; fails if the output contains the secret.
    fn import(&self, arguments: &[&str]) -> Vec<Value> {
        let done = self.home.run(&[&["import", "--json"], arguments].concat()).expect(0);
        assert!(!done.out.contains(TOKEN) && !done.err.contains(TOKEN), "{}{}", done.out, done.err);
        done.json().as_array().unwrap().clone()
    }

    fn secret(&self, name: &str) -> String {
        self.home.run(&["get", name]).expect(0).out
    }

    fn show(&self, name: &str) -> Value {
        self.home.run(&["show", name, "--json"]).expect(0).json()
    }
}

/// A token that contains its region.
fn personal_access_token(host: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({ "h": host, "j": "1", "exp": 1_900_000_000_u64 });
    format!("snyk_uat.{}.{}.{}", "1a2b3c4d", part(&claims), URL_SAFE_NO_PAD.encode([7; 32]))
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn the_snyk_cli_gives_token_region_and_organization() {
    let setup = ImportSetup::new();
    let config = json!({ "api": TOKEN, "endpoint": "https://api.eu.snyk.io/", "org": "acme", "future": [1] }).to_string();
    let file = setup.write(".config/configstore/snyk.json", &config);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();

    let planned = setup.import(&["snyk-cli", "--dry-run"]);
    assert_eq!(
        (&planned[0]["outcome"], &planned[0]["open_to_others"]),
        (&json!("found"), &json!("644"))
    );
    assert_eq!(
        setup.home.run(&["list", "--json"]).expect(0).json(),
        json!([]),
        "a dry run stores nothing"
    );

    let done = setup.import(&["snyk-cli", "--as", "laptop"]);
    assert_eq!((&done[0]["outcome"], &done[0]["name"]), (&json!("imported"), &json!("laptop")));
    assert_eq!(setup.secret("laptop"), TOKEN);
    let shown = setup.show("laptop");
    assert_eq!(
        (&shown["region"], &shown["fields"]["org_id"]),
        (&json!("SNYK-EU-01"), &json!("acme"))
    );
    assert_eq!(text(&file), config, "an import changes nothing there");

    let again = setup.import(&["snyk-cli", "--blank"]);
    assert_eq!((&again[0]["outcome"], &again[0]["name"]), (&json!("known"), &json!("laptop")));
    assert_eq!(text(&file), config.replace(TOKEN, ""));
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o644);
    assert_eq!(setup.import(&["snyk-cli"]), [json!(null); 0]);
}

#[test]
fn both_places_of_the_snyk_cli_are_read_and_its_session_is_left_to_it() {
    let mut setup = ImportSetup::new();
    setup.home =
        setup.home.with("XDG_CONFIG_HOME", setup.folder.path().join("xdg").to_str().unwrap());
    setup.write("xdg/configstore/snyk.json", &json!({ "api": TOKEN }).to_string());
    let session = json!({ "access_token": "a", "refresh_token": "snyk_rt_x_v1" }).to_string();
    let usual = setup.write(
        ".config/configstore/snyk.json",
        &json!({ "internal_oauth_token_storage": session }).to_string(),
    );
    let before = text(&usual);
    let done = setup.import(&["snyk-cli", "--blank"]);
    assert_eq!(
        done.iter().map(|find| find["outcome"].clone()).collect::<Vec<_>>(),
        [json!("refused"), json!("imported")]
    );
    assert!(done[0]["why"].as_str().unwrap().contains("OAuth session of the Snyk CLI"));
    assert_eq!(text(&usual), before);
}

#[test]
fn a_dotenv_file_gives_what_it_is_known_for() {
    let setup = ImportSetup::new();
    let pat = personal_access_token("api.au.snyk.io");
    let before = format!(
        "# ours\r\nPORT=80\r\nSNYK_API=https://api.eu.snyk.io\r\nexport SNYK_TOKEN=\"{TOKEN}\" # x\r\nOTHER={pat}\r\n"
    );
    let file = setup.write("app/.env", &before);
    let done = setup.import(&["dotenv", file.to_str().unwrap(), "--blank"]);
    let short: Vec<_> =
        done.iter().map(|find| [&find["place"], &find["region"], &find["name"]]).collect();
    assert_eq!(
        short,
        [
            [&json!("SNYK_TOKEN"), &json!("SNYK-EU-01"), &json!("snyk-token")],
            [&json!("OTHER"), &json!("SNYK-AU-01"), &json!("other")]
        ]
    );
    assert_eq!(
        (setup.secret("snyk-token"), setup.secret("other")),
        (TOKEN.to_owned(), pat.clone())
    );
    let expected = before.replace(&format!("\"{TOKEN}\""), "''").replace(&pat, "''");
    assert_eq!(text(&file), expected);
}

#[test]
fn a_json_file_gives_nested_tokens_and_a_place_to_keep_up_to_date() {
    let setup = ImportSetup::new();
    let pat = personal_access_token("api.eu.snyk.io");
    let file = setup.write(
        "mcp.json",
        &json!({ "servers": [{ "env": { "SNYK_TOKEN": TOKEN, "SNYK_API": "https://api.us.snyk.io" } }], "t": pat }).to_string(),
    );
    let done = setup.import(&["json", file.to_str().unwrap(), "--consumer"]);
    assert_eq!(
        (&done[0]["place"], &done[0]["region"]),
        (&json!("/servers/0/env/SNYK_TOKEN"), &json!("SNYK-US-02"))
    );
    assert_eq!((&done[1]["place"], &done[1]["region"]), (&json!("/t"), &json!("SNYK-EU-01")));
    let consumers = setup.home.run(&["consumer", "list", "t", "--json"]).expect(0).json();
    assert_eq!(
        (&consumers[0]["kind"], &consumers[0]["pointer"]),
        (&json!("json-file"), &json!("/t"))
    );
    setup.import(&["json", file.to_str().unwrap(), "--consumer"]);
    assert_eq!(
        setup
            .home
            .run(&["consumer", "list", "t", "--json"])
            .expect(0)
            .json()
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn the_probely_cli_gives_its_key_and_gets_the_next_one() {
    let setup = ImportSetup::new();
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let key = |id: &str| {
        let signature = URL_SAFE_NO_PAD.encode([7; 32]);
        format!(
            "{}.{}.{signature}",
            part(json!({ "alg": "HS256", "typ": "JWT" })),
            part(json!({ "jti": id, "username": "u" }))
        )
    };
    let file = setup.write(
        ".probely/config",
        &format!("[AUTH]\napi_key = {}\n[SETTINGS]\ndebug = true\n", key("one")),
    );
    let done = setup.import(&["probely-cli", "--as", "scans", "--consumer"]);
    assert_eq!(
        (&done[0]["provider"], &done[0]["outcome"]),
        (&json!("snyk-api-web"), &json!("imported"))
    );
    assert_eq!(setup.secret("scans"), key("one"));
    setup.home.feed(&["edit", "scans", "--secret"], &key("two")).expect(0);
    setup.home.run(&["consumer", "deliver", "scans", "probely-cli 1"]).expect(0);
    assert_eq!(
        text(&file),
        format!("[AUTH]\napi_key = {}\n[SETTINGS]\ndebug = true\n", key("two"))
    );
}

#[test]
fn the_appcircle_cli_has_nothing_to_import() {
    let setup = ImportSetup::new();
    let config = json!({ "envs": { "default": { "API_HOSTNAME": "https://api.appcircle.io", "AC_ACCESS_TOKEN": "eyJ.x.y" } } });
    if cfg!(target_os = "macos") {
        return;
    }
    let file = setup.write(".config/@appcircle/cli-nodejs/config.json", &config.to_string());
    let done = setup.import(&["appcircle-cli", "--blank"]);
    assert_eq!((&done[0]["outcome"], done.len()), (&json!("refused"), 1));
    assert!(done[0]["why"].as_str().unwrap().contains("short-lived"));
    assert_eq!(text(&file), config.to_string());
}

#[test]
fn what_stands_in_the_place_of_a_token_and_looks_like_none_is_named_and_left_alone() {
    let setup = ImportSetup::new();
    let before = "SNYK_TOKEN=changeme-please\nTOKEN=changeme-please\nPROBELY_API_KEY=\n";
    let file = setup.write(".env", before);
    let done = setup.import(&["dotenv", file.to_str().unwrap(), "--blank"]);
    assert_eq!(
        (done.len(), &done[0]["place"], &done[0]["outcome"]),
        (1, &json!("SNYK_TOKEN"), &json!("refused"))
    );
    assert_eq!(done[0]["why"], "a placeholder; it stays as it is", "{done:?}");
    let config = setup.write(".config/configstore/snyk.json", "{\"api\": \"opaque\"}");
    assert_eq!(setup.import(&["snyk-cli"])[0]["outcome"], "refused");
    assert_eq!((text(&file).as_str(), text(&config).as_str()), (before, "{\"api\": \"opaque\"}"));
}

#[test]
fn an_unknown_endpoint_is_not_guessed() {
    let setup = ImportSetup::new();
    setup.write(
        ".config/configstore/snyk.json",
        &json!({ "api": TOKEN, "endpoint": "https://snyk.acme.example" }).to_string(),
    );
    let done = setup.import(&["snyk-cli"]);
    assert_eq!(done[0]["outcome"], "refused");
    assert!(done[0]["why"].as_str().unwrap().contains("regions add"));
}

#[test]
fn what_cannot_be_read_is_reported_and_left_alone() {
    let setup = ImportSetup::new();
    let missing = setup.home.run(&["import", "snyk-cli", "--json"]).expect(1);
    assert!(missing.error()["why"].as_str().unwrap().contains("snyk.json"));
    for garbage in [&b"{"[..], b"\xff\xfe{\x00}\x00"] {
        let file = setup.write(".config/configstore/snyk.json", "");
        fs::write(&file, garbage).unwrap();
        setup.home.run(&["import", "snyk-cli", "--blank"]).expect(1);
        assert_eq!(fs::read(&file).unwrap(), garbage);
    }
}

#[test]
fn a_file_that_cannot_be_blanked_keeps_its_secret_and_so_does_the_store() {
    let setup = ImportSetup::new();
    let before = format!("SNYK_TOKEN={TOKEN}\n");
    let file = setup.write(".env", &before);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o400)).unwrap();
    let refused = setup
        .home
        .run(&["import", "dotenv", file.to_str().unwrap(), "--blank", "--json"])
        .expect(1);
    assert!(
        refused.error()["what"].as_str().unwrap().contains("not cleared")
            && !refused.err.contains(TOKEN),
        "{}",
        refused.err
    );
    assert_eq!((text(&file), setup.secret("snyk-token")), (before, TOKEN.to_owned()));
}

#[cfg(unix)]
#[test]
fn a_copy_that_cannot_be_emptied_keeps_no_other_from_it() {
    let setup = ImportSetup::new();
    let other = personal_access_token("api.snyk.io");
    let (config, usual) = (
        setup.folder.path().join("xdg/configstore/snyk.json"),
        setup.folder.path().join(".config/configstore/snyk.json"),
    );
    let setup = ImportSetup {
        home: setup.home.with("XDG_CONFIG_HOME", setup.folder.path().join("xdg").to_str().unwrap()),
        ..setup
    };
    for (path, token) in [(&config, TOKEN), (&usual, other.as_str())] {
        setup.write(
            path.strip_prefix(setup.folder.path()).unwrap().to_str().unwrap(),
            &json!({ "api": token }).to_string(),
        );
    }
    for (locked, open) in [(&config, &usual), (&usual, &config)] {
        for (path, mode) in [(locked, 0o400), (open, 0o600)] {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        }
        let done = setup.home.run(&["import", "snyk-cli", "--blank", "--json"]).expect(1);
        assert!(done.error()["why"].as_str().unwrap().contains("read-only"), "{}", done.err);
        let finds = done.json().as_array().unwrap().clone();
        let blanked: Vec<_> = finds.iter().filter(|find| find["blanked"] == true).collect();
        assert!(
            finds.iter().all(|find| find["name"].is_string()) && blanked.len() + 1 == finds.len(),
            "{finds:?}"
        );
        assert_eq!((text(open).contains("\"\""), text(locked).contains("\"\"")), (true, false));
        setup.write(
            open.strip_prefix(setup.folder.path()).unwrap().to_str().unwrap(),
            &json!({ "api": TOKEN }).to_string(),
        );
    }
}

#[test]
fn a_user_sees_a_table_and_what_to_do_next() {
    let setup = ImportSetup::new();
    let file = setup.write(".env", &format!("SNYK_TOKEN={TOKEN}\n"));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let done = setup.home.run(&["import", "dotenv", file.to_str().unwrap()]).expect(0);
    assert!(
        done.out.starts_with("FILE") && done.out.contains("imported as snyk-token"),
        "{}",
        done.out
    );
    assert!(done.err.contains("mode 644") && done.err.contains("--blank"), "{}", done.err);
    assert!(!done.out.contains(TOKEN) && !done.err.contains(TOKEN));
}

#[test]
fn an_unusable_file_is_reported_and_left_alone() {
    let setup = ImportSetup::new();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for (form, bytes, why) in [
        ("json", deep.as_bytes(), "nested too deeply"),
        ("json", b"{\"a\": [1,", "not valid JSON"),
        ("dotenv", b"\xff\xfeA\0=\0b\0", "UTF-16"),
        ("dotenv", b"A=\0b", "NUL"),
    ] {
        let file = setup.write("hostile", "");
        fs::write(&file, bytes).unwrap();
        let error = setup
            .home
            .run(&["import", form, file.to_str().unwrap(), "--blank", "--json"])
            .expect(1)
            .error();
        assert!(error["why"].as_str().unwrap().contains(why), "{error}");
        assert_eq!(fs::read(&file).unwrap(), bytes);
    }
}

#[test]
fn a_file_that_others_may_read_is_named_once() {
    let setup = ImportSetup::new();
    let file = setup.write(
        ".env",
        &format!("SNYK_TOKEN={TOKEN}\nOTHER={}\n", personal_access_token("api.snyk.io")),
    );
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let done = setup.home.run(&["import", "dotenv", file.to_str().unwrap(), "--dry-run"]).expect(0);
    assert_eq!(
        (done.out.lines().count(), done.err.matches("other users can read").count()),
        (3, 1),
        "{}",
        done.err
    );
}

#[test]
fn at_a_terminal_the_copies_are_emptied_after_a_yes_and_only_then() {
    for (answer, left) in [("n", true), ("", true), ("y", false)] {
        let setup = ImportSetup::new();
        let file = setup.write(".env", &format!("SNYK_TOKEN={TOKEN}\n"));
        let mut terminal =
            setup.home.at_terminal(&["import", "dotenv", file.to_str().unwrap(), "--as", "laptop"]);
        terminal.expect("[y/N]");
        assert!(text(&file).contains(TOKEN), "nothing happens before the answer");
        terminal.send(&format!("{answer}\r"));
        assert_eq!((terminal.code(), text(&file).contains(TOKEN)), (0, left), "{answer}");
        assert_eq!(setup.secret("laptop"), TOKEN);
    }
}

#[test]
fn standard_input_is_read_in_either_form() {
    let setup = ImportSetup::new();
    let feed = |arguments: &[&str], text: &str, code| {
        let done = setup.home.feed(&[&["import"], arguments].concat(), text).expect(code);
        assert!(!done.out.contains(TOKEN) && !done.err.contains(TOKEN), "{}{}", done.out, done.err);
        done
    };
    let text = format!("SNYK_API=https://api.eu.snyk.io\nSNYK_TOKEN='{TOKEN}'\n");
    let done = feed(&["dotenv", "-", "--json"], &text, 0).json();
    let name = done[0]["name"].as_str().unwrap();
    assert_eq!((&done[0]["path"], &done[0]["region"]), (&json!("-"), &json!("SNYK-EU-01")));
    assert_eq!(setup.secret(name), TOKEN);
    let json = json!({ "ci": { "SNYK_TOKEN": TOKEN } }).to_string();
    for (arguments, text) in [
        (&["json", "-", "--json"], &json),
        (&["-", "--json", "--dry-run"], &json),
        (&["-", "--json", "--dry-run"], &text),
    ] {
        assert_eq!(feed(arguments, text, 0).json().as_array().unwrap().len(), 1, "{arguments:?}");
    }
    for wrong in [&["-", "--blank"][..], &["dotenv", "-", "--consumer"]] {
        assert!(feed(wrong, &text, 2).err.contains("cannot be cleared"), "{wrong:?}");
    }
    assert!(feed(&["json", "-"], &text, 1).err.contains("standard input line 1: not valid JSON"));
    assert_eq!(setup.home.run(&["list", "--json"]).expect(0).json().as_array().unwrap().len(), 1);
}
