//! Tests of `scan`: every copy of a secret is named, no secret is shown, and a finding can be
//! linked, cleared and rotated.

use std::fs;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokenring::engine::scan::{MatchOwner, ScanMatch, ScanResult};

use crate::support::program::{Home, SimulatorProcess};

const TOKEN: &str = "0000abcd-0000-4000-8000-00000000a5ca";
const SCAN_TIMEOUT: Duration = Duration::from_secs(120);

struct ScanSetup {
    home: Home,
    folder: TempDir,
}

impl ScanSetup {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().to_str().unwrap();
        let home =
            Home::new().with("HOME", path).with("XDG_CONFIG_HOME", &format!("{path}/.config"));
        Self { home, folder }
    }

    /// A home that holds [`TOKEN`] as `laptop`.
    fn with_laptop() -> Self {
        let setup = Self::new();
        setup
            .home
            .feed(
                &[
                    "add",
                    "laptop",
                    "--provider",
                    "snyk",
                    "--kind",
                    "personal-token",
                    "--region",
                    "eu",
                ],
                TOKEN,
            )
            .expect(0);
        setup
    }

    fn path(&self, name: &str) -> PathBuf {
        fs::canonicalize(self.folder.path()).unwrap().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// Writes a file of 200 MB, most of it a hole, with the secret in its last line, number 10,002.
    fn write_large(&self, name: &str, secret: &str) -> PathBuf {
        let path = self.write(name, "");
        let mut file = fs::File::options().write(true).open(&path).unwrap();
        let line = format!(
            "{}\n",
            "2026-11-22T00:00:00Z info nothing of interest happens here ".repeat(4)
        );
        file.write_all(line.repeat(10_000).as_bytes()).unwrap();
        file.seek(SeekFrom::Start(200 << 20)).unwrap();
        write!(file, "\nlast {secret}\n").unwrap();
        path
    }

    /// Runs a scan and returns its JSON; fails if the output contains the secret.
    fn scan(&self, arguments: &[&str]) -> Value {
        let done = self.home.run(&[&["scan", "--json"], arguments].concat()).expect(0);
        assert!(
            !done.out.contains(&TOKEN[4..]) && !done.err.contains(&TOKEN[4..]),
            "{}{}",
            done.out,
            done.err
        );
        done.json()
    }
}

/// File names and line numbers of the findings, with the names of the credentials.
fn found(scanned: &Value) -> Vec<(String, u64, String)> {
    let finds = scanned["finds"].as_array().unwrap().iter();
    let one = |find: &Value| {
        let name = Path::new(find["path"].as_str().unwrap())
            .file_name()
            .unwrap()
            .to_string_lossy()
            .into_owned();
        let whose =
            find["names"][0].as_str().unwrap_or_else(|| find["kind"].as_str().unwrap()).to_owned();
        (name, find["line"].as_u64().unwrap(), whose)
    };
    finds.map(one).collect()
}

fn wide(text: &str) -> Vec<u8> {
    [vec![0xff, 0xfe], text.encode_utf16().flat_map(u16::to_le_bytes).collect()].concat()
}

#[test]
fn every_copy_is_named_however_it_is_written() {
    let setup = ScanSetup::with_laptop();
    setup.write("app/.gitignore", ".env*\n/out/\n/notes/\n");
    setup.write("app/crlf.txt", format!("one\r\ntoken: '{TOKEN}'\r\n"));
    setup.write("app/wide.ps1", wide(&format!("$x = 1\n$env:T = \"{TOKEN}\"\n")));
    setup.write("app/.env.local", format!("PORT=80\nSNYK_TOKEN=\"{TOKEN}\"\n"));
    setup.write("app/notes/2026.txt", format!("the token is {TOKEN}\n"));
    setup.write("app/out/skipped.js", TOKEN);
    let locked = setup.write("app/locked.yml", format!("token: {TOKEN}\n"));
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o400)).unwrap();
    let outside = setup.write("elsewhere/real.conf", format!("\n\nt={TOKEN}\n"));
    symlink(&outside, setup.path("app/linked.conf")).unwrap();
    symlink(setup.path("app"), setup.path("app/circle")).unwrap();
    setup.write("app/strange.txt", "SNYK_TOKEN=7a1b0000-0000-4000-8000-00000000beef\nid=7a1b0000-0000-4000-8000-00000000beef\n");

    let scanned = setup.scan(&[setup.path("app").to_str().unwrap()]);
    let mut all = found(&scanned);
    all.sort();
    let laptop = |name: &str, line| (name.to_owned(), line, "laptop".to_owned());
    let expected = [
        laptop(".env.local", 2),
        laptop("2026.txt", 1),
        laptop("crlf.txt", 2),
        laptop("locked.yml", 1),
        laptop("real.conf", 3),
        ("strange.txt".to_owned(), 1, "personal-token".to_owned()),
        laptop("wide.ps1", 2),
    ];
    assert_eq!(all, expected, "{scanned}");
    let linked = scanned["finds"]
        .as_array()
        .unwrap()
        .iter()
        .find(|find| find["links"] != json!([]))
        .unwrap();
    assert_eq!(
        (&linked["path"], &linked["links"][0]),
        (&json!(outside), &json!(setup.path("app/linked.conf")))
    );
    setup.home.run(&["scan", "--strict", setup.path("app").to_str().unwrap()]).expect(7);
    setup.home.run(&["scan", setup.path("nowhere").to_str().unwrap()]).expect(3);
}

#[test]
fn the_usual_places_are_looked_at_where_none_is_named() {
    let setup = ScanSetup::with_laptop();
    let config = setup.write(".config/configstore/snyk.json", json!({ "api": TOKEN }).to_string());
    setup.write(".npmrc", format!("//npm.example/:_authToken={TOKEN}\n"));
    setup.write(
        ".zsh_history",
        format!(": 1700000000:0;curl -H 'Authorization: token {TOKEN}' https://api.snyk.io\n"),
    );
    setup.write(".config/Code/User/settings.json", json!({ "snyk.token": TOKEN }).to_string());
    fs::set_permissions(&config, fs::Permissions::from_mode(0o644)).unwrap();
    let work = setup.write("work/compose.yaml", format!("x:\n  SNYK_TOKEN: {TOKEN}\n"));
    let mut command = setup.home.command(&["scan", "--json"]);
    let done = command.current_dir(work.parent().unwrap()).output().unwrap();
    let scanned: Value = serde_json::from_slice(&done.stdout).unwrap();
    let names: Vec<_> = found(&scanned).into_iter().map(|(name, ..)| name).collect();
    assert_eq!(names, ["settings.json", "snyk.json", ".npmrc", ".zsh_history", "compose.yaml"]);
    let snyk = &scanned["finds"][1];
    assert_eq!(
        (&snyk["open_to_others"], &snyk["consumer"]["kind"]),
        (&json!("644"), &json!("snyk-cli"))
    );
}

#[test]
fn a_user_reads_a_table_and_no_secret() {
    let setup = ScanSetup::with_laptop();
    let file = setup.write("a.env", format!("SNYK_TOKEN={TOKEN}\n"));
    let done = setup.home.run(&["scan", file.to_str().unwrap()]).expect(0);
    assert!(
        done.out.contains("a.env:1") && done.out.contains("the secret of laptop"),
        "{}",
        done.out
    );
    assert!(!done.out.contains(TOKEN) && !done.err.contains(TOKEN));
    setup.home.run(&["scan", file.to_str().unwrap(), "--link"]).expect(0);
    let again = setup.scan(&[file.to_str().unwrap(), "--link", "--strict"]);
    assert_eq!(again["finds"][0]["linked"], true);
    let consumers = setup.home.run(&["consumer", "list", "laptop", "--json"]).expect(0).json();
    assert_eq!(
        (consumers.as_array().unwrap().len(), &consumers[0]["key"]),
        (1, &json!("SNYK_TOKEN"))
    );
    assert_eq!(consumers[0]["holds"], "current", "the scan found it there");
}

#[test]
fn the_name_of_a_file_cannot_control_the_terminal_and_is_printed_once() {
    let setup = ScanSetup::with_laptop();
    let name = "evil\u{1b}[31m\nname.txt";
    let file = setup.write(name, format!("a={TOKEN}\n{TOKEN}\n"));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let seen = setup.home.run(&["scan", file.to_str().unwrap()]).expect(0);
    assert!(
        !seen.out.contains('\u{1b}') && !seen.err.contains('\u{1b}'),
        "{}{}",
        seen.out,
        seen.err
    );
    assert_eq!(
        (seen.out.lines().count(), seen.err.matches("name.txt (mode 644)").count()),
        (3, 1),
        "{}{}",
        seen.out,
        seen.err
    );
    assert!(
        setup.scan(&[file.to_str().unwrap()])["finds"][0]["path"].as_str().unwrap().ends_with(name),
        "JSON names it as it is"
    );
    let sighting = ScanMatch {
        path: file,
        links: Vec::new(),
        line: 1,
        owner: MatchOwner::Known(Vec::new()),
        encoding: None,
        exposed_mode: None,
        target: None,
        has_consumer: false,
    };
    let told = ScanResult {
        matches: vec![sighting],
        unreadable: Vec::new(),
        files: 1,
        fingerprint_problem: None,
    }
    .to_diagnostics();
    assert!(
        !told[0].what.contains(['\u{1b}', '\n']),
        "nor in the output on the terminal: {told:?}"
    );
}

#[test]
fn with_a_locked_store_only_token_formats_are_found() {
    let setup = ScanSetup::with_laptop();
    let file = setup.write("a.txt", format!("x={TOKEN}\nSNYK_TOKEN={TOKEN}\n"));
    let mut command = setup.home.command(&["scan", "--json", file.to_str().unwrap()]);
    let done = command.env_remove("TOKENRING_PASSPHRASE_FILE").output().unwrap();
    let scanned: Value =
        serde_json::from_slice(&done.stdout).unwrap_or_else(|_| panic!("{done:?}"));
    assert_eq!(scanned["held_secrets_known"], false);
    assert_eq!(found(&scanned), [("a.txt".to_owned(), 2, "personal-token".to_owned())]);
}

#[test]
fn what_cannot_be_read_is_named() {
    let setup = ScanSetup::with_laptop();
    let file = setup.write("app/closed.txt", TOKEN);
    setup.write("app/open.txt", TOKEN);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).unwrap();
    let is_root = fs::read(&file).is_ok();
    let scanned = setup.scan(&[setup.path("app").to_str().unwrap()]);
    let (finds, unread) = if is_root { (2, 0) } else { (1, 1) };
    assert_eq!(
        (found(&scanned).len(), scanned["unread"].as_array().unwrap().len()),
        (finds, unread),
        "{scanned}"
    );
}

#[test]
fn a_file_of_200_megabytes_is_read_in_bounded_memory() {
    let setup = ScanSetup::with_laptop();
    let path = setup.write_large("large.log", TOKEN);
    let mut command = setup.home.command(&["scan", "--json", path.to_str().unwrap()]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let (begun, mut most) = (Instant::now(), 0);
    while child.try_wait().unwrap().is_none() {
        assert!(begun.elapsed() < SCAN_TIMEOUT, "it takes too long");
        most = most.max(resident(child.id()));
        std::thread::yield_now();
    }
    let done = child.wait_with_output().unwrap();
    let scanned: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(found(&scanned), [("large.log".to_owned(), 10_002, "laptop".to_owned())]);
    // Most of it is the code of a debug build.
    assert!(most < 120 << 10, "{most} KiB were in memory");
}

#[test]
fn a_file_that_is_skipped_for_its_size_is_named() {
    let setup = ScanSetup::with_laptop();
    let small = setup.write("app/.env", format!("SNYK_TOKEN={TOKEN}\n"));
    let image = setup.write("app/disk.img", "");
    let mut file = fs::File::options().write(true).open(&image).unwrap();
    file.seek(SeekFrom::Start(1 << 30)).unwrap();
    write!(file, "\n{TOKEN}\n").unwrap();
    let scanned = setup.scan(&[setup.path("app").to_str().unwrap()]);
    assert_eq!(found(&scanned), [(".env".to_owned(), 1, "laptop".to_owned())]);
    let [skipped] = &scanned["unread"].as_array().unwrap()[..] else { panic!("{scanned}") };
    assert_eq!(skipped["path"], json!(image));
    assert!(skipped["why"].as_str().unwrap().contains("larger than 1 GiB"), "{skipped}");
    let told = setup.home.run(&["scan", setup.path("app").to_str().unwrap()]).expect(0);
    assert!(told.err.contains("disk.img was not scanned: it is larger"), "{}", told.err);
    let named = setup.scan(&[image.to_str().unwrap(), small.to_str().unwrap()]);
    assert_eq!((found(&named).len(), named["unread"].as_array().unwrap().len()), (2, 0));
}

/// Resident memory of a process in KiB; 0 where the system does not report it.
fn resident(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

#[test]
fn from_import_over_scan_and_blanking_to_a_new_secret_nothing_is_lost() {
    let (setup, simulator) = (ScanSetup::new(), SimulatorProcess::start());
    setup.home.use_simulator(&simulator);
    let secret = simulator.secret("saw-eu-admin").to_owned();
    let api = simulator.manifest["regions"]["SAW-EU"]["api"].as_str().unwrap();
    let dotenv = setup.write(
        "app/.env",
        format!("PROBELY_API_BASE_URL={api}\r\nPROBELY_API_KEY=\"{secret}\"\r\n"),
    );
    let settings =
        setup.write("app/settings.json", json!({ "scan": { "key": secret } }).to_string());
    let notes = setup.write("app/notes.txt", wide(&format!("the key is {secret}\n")));
    let locked = setup.write("app/locked.yml", format!("key: '{secret}'\n"));
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o400)).unwrap();
    let outside = setup.write("elsewhere/real.json", json!({ "key": secret }).to_string());
    symlink(&outside, setup.path("app/linked.json")).unwrap();
    let large = setup.write_large("app/large.log", &secret);
    let app = setup.path("app");
    let scan = |further: &[&str]| {
        setup.home.run(&[&["scan", "--json", app.to_str().unwrap()], further].concat()).expect(0)
    };

    let imported = setup
        .home
        .run(&["import", "dotenv", dotenv.to_str().unwrap(), "--as", "scans", "--json"])
        .expect(0)
        .json();
    assert_eq!(
        (&imported[0]["outcome"], &imported[0]["region"]),
        (&json!("imported"), &json!("SAW-EU"))
    );
    let scanned = scan(&[]);
    assert!(!scanned.out.contains(&secret));
    let all = [".env", "large.log", "locked.yml", "notes.txt", "settings.json", "real.json"];
    assert_eq!(names_found(&scanned.json(), "scans"), all, "every copy is named");

    setup
        .home
        .run(&[
            "scan",
            "--link",
            settings.to_str().unwrap(),
            app.join("linked.json").to_str().unwrap(),
        ])
        .expect(0);
    setup.home.run(&["import", "dotenv", dotenv.to_str().unwrap(), "--blank"]).expect(0);
    assert_eq!(
        fs::read_to_string(&dotenv).unwrap(),
        format!("PROBELY_API_BASE_URL={api}\r\nPROBELY_API_KEY=''\r\n")
    );
    assert_eq!(
        setup.home.run(&["get", "scans"]).expect(0).out,
        secret,
        "cleared there, stored here"
    );

    // The user did not say which of the provider's keys this is: the list of keys contains the ID
    // that the key claims.
    setup.home.run(&["rotate", "scans", "--yes"]).expect(0);
    let new = setup.home.run(&["get", "scans"]).expect(0).out;
    assert_ne!(new, secret);
    setup.home.run(&["check", "scans"]).expect(0);
    assert_eq!(
        fs::read_to_string(&settings).unwrap(),
        json!({ "scan": { "key": new } }).to_string()
    );
    assert_eq!(fs::read_to_string(&outside).unwrap(), json!({ "key": new }).to_string());
    assert!(
        fs::symlink_metadata(app.join("linked.json")).unwrap().is_symlink(),
        "the link stays a link"
    );
    assert!(
        fs::read(&notes).unwrap() == wide(&format!("the key is {secret}\n")),
        "a file without a request to change it stays"
    );
    assert_eq!(fs::read_to_string(&locked).unwrap(), format!("key: '{secret}'\n"));
    assert_eq!(fs::metadata(&large).unwrap().len(), (200 << 20) + secret.len() as u64 + 7);

    let left = scan(&[]).json();
    assert_eq!(
        names_found(&left, "scans"),
        ["large.log", "locked.yml", "notes.txt", "settings.json", "real.json"]
    );
    let slots: Vec<_> = left["finds"]
        .as_array()
        .unwrap()
        .iter()
        .map(|find| find["held"][0]["slot"].clone())
        .collect();
    assert_eq!(
        slots,
        ["former", "former", "former", "current", "current"],
        "the old key is distinguished from the new one"
    );
    let linked: Vec<_> =
        left["finds"].as_array().unwrap().iter().map(|find| find["linked"].clone()).collect();
    assert_eq!(linked, [false, false, false, true, true]);
}

/// The names of the files that contain a secret of this credential; fails if one contains a secret
/// of another credential.
fn names_found(scanned: &Value, owner: &str) -> Vec<String> {
    let all = found(scanned).into_iter();
    all.inspect(|(name, _, whose)| assert_eq!(whose, owner, "{name}"))
        .map(|(name, ..)| name)
        .collect()
}

#[test]
fn standard_input_is_looked_at_too() {
    let setup = ScanSetup::with_laptop();
    let done = setup
        .home
        .feed(&["scan", "-", "--json", "--strict"], &format!("one\nAuthorization: token {TOKEN}\n"))
        .expect(7);
    assert_eq!(found(&done.json()), [("-".to_owned(), 2, "laptop".to_owned())]);
    assert_eq!(
        (&done.json()["files"], &done.json()["finds"][0]["consumer"]),
        (&json!(1), &Value::Null)
    );
    let harmless = setup.home.feed(&["scan", "-", "--strict"], "nothing of interest\n").expect(0);
    assert_eq!(harmless.out, "no secrets found in 1 file\n");
    let file = setup.write("a.txt", TOKEN);
    let both =
        setup.home.feed(&["scan", "-", file.to_str().unwrap(), "--json"], TOKEN).expect(0).json();
    assert_eq!(
        found(&both).iter().map(|(name, ..)| name.as_str()).collect::<Vec<_>>(),
        ["a.txt", "-"]
    );
}

#[test]
fn every_part_and_what_was_there_before_is_named_for_what_it_is() {
    let (setup, simulator) = (ScanSetup::new(), SimulatorProcess::start());
    setup.home.use_simulator(&simulator);
    let name = "eu01-triage-app";
    setup.home.add_seeded(&simulator, name).expect(0);
    let issued = simulator.credential(name);
    let (refresh, client) =
        (issued["secret"].as_str().unwrap(), issued["parts"]["client_secret"].as_str().unwrap());
    let file = setup.write("notes.env", format!("A={client}\nB={refresh}\n"));
    let held = || {
        let scanned = setup.home.run(&["scan", "--json", file.to_str().unwrap()]).expect(0).json();
        let finds = scanned["finds"].as_array().unwrap().iter();
        let words = |find: &Value| {
            format!("{} {} {}", find["line"], find["held"][0]["slot"], find["held"][0]["part"])
        };
        finds.map(|find| words(find).replace('"', "")).collect::<Vec<_>>()
    };
    assert_eq!(held(), ["1 current client_secret", "2 current secret"]);
    setup.home.run(&["check", name]).expect(0);
    assert_eq!(
        held(),
        ["1 current client_secret", "2 former secret"],
        "a refresh token is spent by its use"
    );
    // An index from before the fingerprints of parts were recorded gets them when they are needed.
    let index = rusqlite::Connection::open(setup.home.root().join("data/index.db")).unwrap();
    index.execute("DELETE FROM fingerprints WHERE part = 'client_secret'", ()).unwrap();
    drop(index);
    assert_eq!(held(), ["1 current client_secret", "2 former secret"]);

    setup.home.run(&["scan", "--link", file.to_str().unwrap()]).expect(0);
    let consumers = setup.home.run(&["consumer", "list", name, "--json"]).expect(0).json();
    assert_eq!(
        (&consumers[0]["key"], &consumers[0]["part"]),
        (&json!("A"), &json!("client_secret"))
    );
    assert_eq!(
        consumers.as_array().unwrap().len(),
        1,
        "a place with a former secret is not registered as a consumer"
    );
}
