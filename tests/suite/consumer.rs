//! Tests of deliveries to consumers: real files, and scripts in place of `gh`, `glab` and
//! `kubectl`.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::program::{Home, Outcome};

const SECRET: &str = "00000001-0000-4000-8000-00000000c0de";
const OLD: &str = "0000000f-0000-4000-8000-000000000bad";

/// A home with one credential, a folder for files, and a folder of scripts that is first in `PATH`.
struct Place {
    home: Home,
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let programs = folder.path().join("bin");
        fs::create_dir(&programs).unwrap();
        let path = std::env::var("PATH").unwrap();
        let home = Home::new()
            .with("PATH", &format!("{}:{path}", programs.display()))
            .with("HOME", folder.path().to_str().unwrap())
            .with("XDG_CONFIG_HOME", folder.path().join("xdg").to_str().unwrap())
            .with("RECORD", folder.path().to_str().unwrap());
        home.feed(
            &["add", "ci", "--provider", "snyk", "--kind", "personal-token", "--region", "eu"],
            SECRET,
        )
        .expect(0);
        Self { home, folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// Writes a script that records its arguments, environment and standard input, then runs
    /// `script`.
    fn program(&self, name: &str, script: &str) {
        let record = self.folder.path().display();
        let text = format!(
            "#!/bin/sh\nn={record}/{name}-$(ls {record} | grep -c '^{name}-.*args$')\nprintf '%s\\n' \"$@\" > $n.args\n\
             env > $n.env\ntr '\\0' '\\n' < /proc/$$/cmdline > $n.cmdline\ncat > $n.stdin\n{script}\n"
        );
        let path = self.write(&format!("bin/{name}"), &text);
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn record(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn add(&self, consumer: &str, arguments: &[&str]) -> Outcome {
        self.home.run(&[&["consumer", "add", "ci", consumer], arguments].concat())
    }

    fn deliver(&self, consumer: &str) -> Outcome {
        self.home.run(&["consumer", "deliver", "ci", consumer, "--json"])
    }

    /// Fails if the secret is in the output of the command.
    #[track_caller]
    fn silent(outcome: &Outcome) {
        assert!(
            !outcome.out.contains(SECRET) && !outcome.err.contains(SECRET),
            "{}{}",
            outcome.out,
            outcome.err
        );
    }
}

fn holds(place: &Place) -> Vec<(String, String)> {
    let listed = place.home.run(&["consumer", "list", "ci", "--json"]).expect(0).json();
    let text = |consumer: &Value, member: &str| consumer[member].as_str().unwrap().to_owned();
    listed
        .as_array()
        .unwrap()
        .iter()
        .map(|consumer| (text(consumer, "name"), text(consumer, "holds")))
        .collect()
}

#[test]
fn a_dotenv_file_gets_one_value_and_keeps_everything_else() {
    let place = Place::new();
    let before = format!("# ours\r\nA='1'\r\nexport SNYK_TOKEN=\"{OLD}\" # rotated\r\nB=2\r\n");
    let file = place.write("app/.env", &before);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    place.add("dotenv", &["--env-file", file.to_str().unwrap(), "--key", "SNYK_TOKEN"]).expect(0);
    assert_eq!(holds(&place), [("dotenv".to_owned(), "nothing".to_owned())]);

    let planned = place.home.run(&["consumer", "deliver", "ci", "dotenv", "--dry-run"]).expect(0);
    assert!(planned.out.contains("would set SNYK_TOKEN in"), "{}", planned.out);
    assert_eq!(fs::read_to_string(&file).unwrap(), before, "a dry run writes nothing");

    let delivered = place.deliver("dotenv").expect(0);
    Place::silent(&delivered);
    assert_eq!(delivered.json()["proof"], "read-back");
    assert!(delivered.json()["note"].as_str().unwrap().contains("mode 640"), "{}", delivered.out);
    assert_eq!(fs::read_to_string(&file).unwrap(), before.replace(OLD, SECRET));
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o640);
    assert_eq!(
        fs::read_dir(file.parent().unwrap()).unwrap().count(),
        1,
        "nothing is left beside it"
    );
    assert_eq!(holds(&place), [("dotenv".to_owned(), "current".to_owned())]);

    place.home.feed(&["edit", "ci", "--secret"], OLD).expect(0);
    assert_eq!(holds(&place), [("dotenv".to_owned(), "older".to_owned())]);
}

#[test]
fn a_json_file_gets_one_member_through_its_link() {
    let place = Place::new();
    let file = place.write(
        "real.json",
        &format!(
            "{{\n  \"n\": 1.00000000000000000001,\n  \"auth\": {{ \"token\": \"{OLD}\" }}\n}}\n"
        ),
    );
    let link = place.path("link.json");
    symlink(&file, &link).unwrap();
    place
        .add("json", &["--json-file", link.to_str().unwrap(), "--pointer", "/auth/token"])
        .expect(0);
    Place::silent(&place.deliver("json").expect(0));
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    let expected = format!(
        "{{\n  \"n\": 1.00000000000000000001,\n  \"auth\": {{ \"token\": \"{SECRET}\" }}\n}}\n"
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), expected);
}

#[test]
fn the_snyk_cli_keeps_its_other_members_and_its_lock_is_heeded() {
    let place = Place::new();
    let before = format!(
        "{{\n\t\"api\": \"{OLD}\",\n\t\"endpoint\": \"https://api.eu.snyk.io\",\n\t\"future\": [1]\n}}\n"
    );
    let file = place.write(".config/configstore/snyk.json", &before);
    place.add("cli", &["--snyk-cli"]).expect(0);

    let lock = fs::File::create(file.with_file_name("snyk.json.lock")).unwrap();
    lock.lock().unwrap();
    let busy = place.deliver("cli").expect(1);
    assert!(busy.error()["why"].as_str().unwrap().contains("lock"), "{}", busy.err);
    assert_eq!(fs::read_to_string(&file).unwrap(), before);
    drop(lock);

    place.deliver("cli").expect(0);
    assert_eq!(fs::read_to_string(&file).unwrap(), before.replace(OLD, SECRET));

    let session = format!("{{\"internal_oauth_token_storage\":\"{{}}\",\"api\":\"{OLD}\"}}");
    fs::write(&file, session).unwrap();
    assert!(place.deliver("cli").expect(0).json()["note"].as_str().unwrap().contains("OAuth"));
}

#[test]
fn the_snyk_cli_is_found_in_its_second_place() {
    let place = Place::new();
    let file = place.write("xdg/configstore/snyk.json", "{}");
    place.add("cli", &["--snyk-cli"]).expect(0);
    place.deliver("cli").expect(0);
    assert_eq!(fs::read_to_string(file).unwrap(), format!("{{\"api\":\"{SECRET}\"}}"));
}

#[test]
fn garbage_is_never_overwritten() {
    let place = Place::new();
    let garbage: [&[u8]; 6] =
        [b"{\"api\": \"x\"", b"[1]", b"not json", b"\xff\xfea\x00p\x00i\x00", b"", b"{\"api\": 7}"];
    for (number, bytes) in garbage.iter().enumerate() {
        let file = place.write(&format!("g{number}/snyk.json"), "");
        fs::write(&file, bytes).unwrap();
        let consumer = format!("cli-{number}");
        place.add(&consumer, &["--snyk-cli", file.to_str().unwrap()]).expect(0);
        let refused = place.deliver(&consumer).expect(1);
        Place::silent(&refused);
        assert!(
            refused.error()["remedy"].as_str().unwrap().contains("nothing was changed"),
            "{}",
            refused.err
        );
        assert_eq!(fs::read(&file).unwrap(), *bytes);
        assert_eq!(holds(&place)[number].1, "nothing");
    }
    let file = place.write("no.env", "{\"TOKEN\": 1}\n");
    place.add("dotenv", &["--env-file", file.to_str().unwrap(), "--key", "TOKEN"]).expect(0);
    assert!(place.deliver("dotenv").expect(1).error()["why"].as_str().unwrap().contains("line 1"));
    assert_eq!(fs::read_to_string(file).unwrap(), "{\"TOKEN\": 1}\n");
}

#[test]
fn files_that_must_not_change_do_not() {
    let place = Place::new();
    let file = place.write("read-only.env", "K=old\n");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o444)).unwrap();
    let added = place.add("ro", &["--env-file", file.to_str().unwrap(), "--key", "K"]).expect(0);
    assert!(
        added.err.contains("a delivery would currently fail") && added.err.contains("read-only"),
        "{}",
        added.err
    );
    assert!(
        place.deliver("ro").expect(1).error()["remedy"].as_str().unwrap().contains("chmod u+w")
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), "K=old\n");

    place
        .add("gone", &["--env-file", place.path("gone.env").to_str().unwrap(), "--key", "K"])
        .expect(0);
    place.deliver("gone").expect(1);
    assert!(!place.path("gone.env").exists(), "no file is made that nobody reads");
}

#[test]
fn owner_and_group_are_kept() {
    let place = Place::new();
    let file = place.write("theirs.env", "K=old\n");
    if std::os::unix::fs::chown(&file, Some(1234), Some(2345)).is_err() {
        println!("skipped: only root may give files away");
        return;
    }
    place.add("theirs", &["--env-file", file.to_str().unwrap(), "--key", "K"]).expect(0);
    place.deliver("theirs").expect(0);
    let after = fs::metadata(&file).unwrap();
    assert_eq!((after.uid(), after.gid()), (1234, 2345));
}

#[test]
fn gh_gets_the_secret_on_standard_input_only() {
    let place = Place::new();
    place.program("gh", "exit 0");
    place
        .add(
            "shop",
            &["--preset", "gh", "--key", "SNYK_TOKEN", "--in", "acme/shop", "--", "--env", "prod"],
        )
        .expect(0);
    let delivered = place.deliver("shop").expect(0);
    Place::silent(&delivered);
    assert_eq!(delivered.json()["proof"], "exit-status");
    assert!(delivered.json()["note"].as_str().unwrap().contains("cannot be read back"));
    assert_eq!(place.record("gh-0.stdin"), SECRET);
    assert_eq!(
        place.record("gh-0.args"),
        "secret\nset\nSNYK_TOKEN\n--repo\nacme/shop\n--env\nprod\n"
    );
    for told in ["gh-0.args", "gh-0.cmdline", "gh-0.env"] {
        assert!(!place.record(told).contains(SECRET), "{told}");
    }
    let environment = place.record("gh-0.env");
    assert!(
        !environment.contains("TOKENRING") && !environment.contains("RECORD="),
        "{environment}"
    );
    assert_eq!(holds(&place), [("shop".to_owned(), "current".to_owned())]);
}

#[test]
fn programs_get_the_variables_that_were_asked_for() {
    let mut place = Place::new();
    place.home = place.home.with("GH_TOKEN", "of-gh-itself").with("EXTRA", "more");
    place.program("gh", "exit 0");
    let arguments = ["--preset", "gh", "--key", "K", "--in", "a/b", "--pass", "EXTRA"];
    place.add("shop", &arguments).expect(0);
    place.deliver("shop").expect(0);
    let environment = place.record("gh-0.env");
    assert!(
        environment.contains("GH_TOKEN=of-gh-itself") && environment.contains("EXTRA=more"),
        "{environment}"
    );
    place.add("spy", &["--pass", "TOKENRING_HOME", "--command", "true"]).expect(2);
}

#[test]
fn glab_updates_and_sets_where_there_is_nothing_to_update() {
    let place = Place::new();
    place.program("glab", "[ \"$2\" = set ] || { echo '404 Variable Not Found' >&2; exit 1; }");
    place.add("shop", &["--preset", "glab", "--key", "SNYK_TOKEN", "--in", "acme/shop"]).expect(0);
    place.deliver("shop").expect(0);
    assert!(place.record("glab-0.args").starts_with("variable\nupdate\n"));
    assert!(place.record("glab-1.args").starts_with("variable\nset\n"));
    assert_eq!(place.record("glab-1.stdin"), SECRET);
}

#[test]
fn kubectl_makes_the_manifest_and_applies_it() {
    let place = Place::new();
    place.program(
        "kubectl",
        "[ \"$1\" = create ] && printf 'manifest of %s' \"$(cat $n.stdin)\"; exit 0",
    );
    let arguments =
        ["--preset", "kubectl", "--key", "token", "--in", "snyk", "--", "--namespace", "ci"];
    place.add("cluster", &arguments).expect(0);
    Place::silent(&place.deliver("cluster").expect(0));
    assert_eq!(place.record("kubectl-0.stdin"), SECRET);
    assert_eq!(place.record("kubectl-1.stdin"), format!("manifest of {SECRET}"));
    assert!(
        place
            .record("kubectl-0.args")
            .starts_with("create\nsecret\ngeneric\nsnyk\n--from-file=token=/dev/stdin\n")
    );
    assert!(place.record("kubectl-1.args").starts_with("apply\n--server-side\n"));
    for number in 0..2 {
        assert!(place.record(&format!("kubectl-{number}.args")).ends_with("--namespace\nci\n"));
        assert!(!place.record(&format!("kubectl-{number}.cmdline")).contains(SECRET));
    }
}

#[test]
fn a_program_that_fails_is_quoted_without_the_secret_and_can_be_tried_alone() {
    let place = Place::new();
    place.program("vault", "printf 'cannot keep %s\\033]0;x\\007\\n' \"$(cat $n.stdin)\" >&2; [ -e $HOME/ready ] || exit 9");
    place.add("vault", &["--command", "vault", "kv", "put", "-mount=secret", "--json"]).expect(0);
    let failed = place.deliver("vault").expect(1);
    Place::silent(&failed);
    let why = failed.error()["why"].as_str().unwrap().to_owned();
    assert!(
        why.contains("status 9") && why.contains("cannot keep ‹secret›") && !why.contains('\u{1b}'),
        "{why}"
    );
    assert_eq!(holds(&place)[0].1, "nothing");

    place.write("ready", "");
    place.deliver("vault").expect(0);
    assert_eq!(place.record("vault-1.args"), "kv\nput\n-mount=secret\n--json\n");

    fs::remove_file(place.path("bin/vault")).unwrap();
    let missing = place.deliver("vault").expect(1);
    assert!(
        missing.error()["why"].as_str().unwrap().contains("\"vault\" was not found"),
        "{}",
        missing.err
    );
}

#[test]
fn what_cannot_be_a_consumer_is_refused_at_once() {
    let place = Place::new();
    let file = place.write(".env", "");
    let path = file.to_str().unwrap();
    place.add("x", &[]).expect(2);
    place.add("x", &["--env-file", path]).expect(2);
    place.add("x", &["--env-file", path, "--key", "not a key"]).expect(2);
    place.add("x", &["--json-file", path, "--pointer", "no-slash"]).expect(2);
    place.add("x", &["--preset", "svn", "--key", "K", "--in", "p"]).expect(2);
    let told = place.add(
        "x",
        &[
            "--command",
            "curl",
            "-H",
            "Authorization: token snyk_uat.abcd.eyJoIjoiYSJ9.c2ln",
            "--json",
        ],
    );
    assert!(told.expect(2).err.contains("looks like a secret"));
    place.home.run(&["consumer", "deliver", "ci", "x"]).expect(3);
    place.add("x", &["--env-file", path, "--key", "K"]).expect(0);
    place.add("x", &["--env-file", path, "--key", "K"]).expect(2);
    place.home.run(&["consumer", "remove", "ci", "x"]).expect(0);
    place.home.run(&["consumer", "remove", "ci", "x"]).expect(3);
    assert_eq!(fs::read_to_string(file).unwrap(), "");
}

#[test]
fn the_snyk_cli_cannot_hold_what_is_no_token() {
    let place = Place::new();
    let arguments = [
        "add",
        "oauth",
        "--provider",
        "snyk",
        "--kind",
        "service-account-oauth",
        "--region",
        "eu",
        "--field",
        "client_id=x",
    ];
    place.home.feed(&arguments, "snyk_cs_abc_v1").expect(0);
    let refused =
        place.home.run(&["consumer", "add", "oauth", "cli", "--snyk-cli", "--json"]).expect(2);
    assert!(refused.error()["remedy"].as_str().unwrap().contains("exec"));
}

#[test]
fn no_secret_is_kept_with_a_consumer() {
    let place = Place::new();
    let file = place.write(".env", "");
    place.add("dotenv", &["--env-file", file.to_str().unwrap(), "--key", "K"]).expect(0);
    place.deliver("dotenv").expect(0);
    assert!(contains(&file, SECRET.as_bytes()));
    for entry in fs::read_dir(place.home.root().join("data")).unwrap() {
        let path = entry.unwrap().path();
        assert!(path.is_dir() || !contains(&path, SECRET.as_bytes()), "{}", path.display());
    }
}

fn contains(path: &Path, wanted: &[u8]) -> bool {
    fs::read(path).unwrap().windows(wanted.len()).any(|window| window == wanted)
}
