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
struct ConsumerSetup {
    home: Home,
    folder: TempDir,
}

impl ConsumerSetup {
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
    fn assert_no_secret(outcome: &Outcome) {
        assert!(
            !outcome.out.contains(SECRET) && !outcome.err.contains(SECRET),
            "{}{}",
            outcome.out,
            outcome.err
        );
    }
}

fn holds(setup: &ConsumerSetup) -> Vec<(String, String)> {
    let listed = setup.home.run(&["consumer", "list", "ci", "--json"]).expect(0).json();
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
    let setup = ConsumerSetup::new();
    let before = format!("# ours\r\nA='1'\r\nexport SNYK_TOKEN=\"{OLD}\" # rotated\r\nB=2\r\n");
    let file = setup.write("app/.env", &before);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    setup.add("dotenv", &["--env-file", file.to_str().unwrap(), "--key", "SNYK_TOKEN"]).expect(0);
    assert_eq!(holds(&setup), [("dotenv".to_owned(), "nothing".to_owned())]);

    let planned = setup.home.run(&["consumer", "deliver", "ci", "dotenv", "--dry-run"]).expect(0);
    assert!(planned.out.contains("would set SNYK_TOKEN in"), "{}", planned.out);
    assert_eq!(fs::read_to_string(&file).unwrap(), before, "a dry run writes nothing");

    let delivered = setup.deliver("dotenv").expect(0);
    ConsumerSetup::assert_no_secret(&delivered);
    assert_eq!(delivered.json()["proof"], "read-back");
    assert!(delivered.json()["note"].as_str().unwrap().contains("mode 640"), "{}", delivered.out);
    assert_eq!(fs::read_to_string(&file).unwrap(), before.replace(OLD, SECRET));
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o640);
    assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1, "no other file is left");
    assert_eq!(holds(&setup), [("dotenv".to_owned(), "current".to_owned())]);

    setup.home.feed(&["edit", "ci", "--secret"], OLD).expect(0);
    assert_eq!(holds(&setup), [("dotenv".to_owned(), "older".to_owned())]);
}

#[test]
fn a_json_file_gets_one_member_through_its_link() {
    let setup = ConsumerSetup::new();
    let file = setup.write(
        "real.json",
        &format!(
            "{{\n  \"n\": 1.00000000000000000001,\n  \"auth\": {{ \"token\": \"{OLD}\" }}\n}}\n"
        ),
    );
    let link = setup.path("link.json");
    symlink(&file, &link).unwrap();
    setup
        .add("json", &["--json-file", link.to_str().unwrap(), "--pointer", "/auth/token"])
        .expect(0);
    ConsumerSetup::assert_no_secret(&setup.deliver("json").expect(0));
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    let expected = format!(
        "{{\n  \"n\": 1.00000000000000000001,\n  \"auth\": {{ \"token\": \"{SECRET}\" }}\n}}\n"
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), expected);
}

#[test]
fn a_file_that_became_a_link_is_not_followed() {
    let setup = ConsumerSetup::new();
    let files = [
        ("dotenv", "a/.env", format!("TOKEN={OLD}\n"), ["--env-file", "--key", "TOKEN"]),
        ("json", "b/s.json", format!("{{\"t\":\"{OLD}\"}}"), ["--json-file", "--pointer", "/t"]),
    ];
    for (consumer, name, text, [option, location, place]) in &files {
        let file = setup.write(name, text);
        setup.add(consumer, &[option, file.to_str().unwrap(), location, place]).expect(0);
        let victim = setup.write(&format!("{consumer}-victim"), text);
        fs::remove_file(&file).unwrap();
        symlink(&victim, &file).unwrap();

        let refused = setup.deliver(consumer).expect(1);
        ConsumerSetup::assert_no_secret(&refused);
        let error = refused.error();
        let why = error["why"].as_str().unwrap();
        assert!(
            why.contains("symbolic link") && why.contains(victim.to_str().unwrap()),
            "both files are named: {why}"
        );
        assert!(error["remedy"].as_str().unwrap().contains("add it again"), "{error}");
        setup.home.run(&["consumer", "deliver", "ci", consumer, "--dry-run"]).expect(1);
        assert_eq!(&fs::read_to_string(&victim).unwrap(), text, "nothing was written");
        assert!(fs::symlink_metadata(&file).unwrap().is_symlink());

        setup.home.run(&["consumer", "remove", "ci", consumer]).expect(0);
        setup.add(consumer, &[option, file.to_str().unwrap(), location, place]).expect(0);
        setup.deliver(consumer).expect(0);
        assert_eq!(fs::read_to_string(&victim).unwrap(), text.replace(OLD, SECRET));
    }
}

#[test]
fn a_link_that_leads_elsewhere_is_not_followed() {
    let setup = ConsumerSetup::new();
    let text = format!("TOKEN={OLD}\n");
    let (file, victim) = (setup.write("real.env", &text), setup.write("victim.env", &text));
    let link = setup.path("link.env");
    symlink(&file, &link).unwrap();
    let arguments = ["--env-file", link.to_str().unwrap(), "--key", "TOKEN"];
    let added = setup.add("dotenv", &arguments).expect(0);
    assert!(added.err.contains("is a symbolic link"), "{}", added.err);
    setup.deliver("dotenv").expect(0);
    fs::write(&file, &text).unwrap();

    fs::remove_file(&link).unwrap();
    symlink(&victim, &link).unwrap();
    setup.deliver("dotenv").expect(1);
    assert_eq!(fs::read_to_string(&victim).unwrap(), text);

    fs::remove_file(&link).unwrap();
    setup.write("link.env", &text);
    setup.deliver("dotenv").expect(0);
    assert_eq!(
        (fs::read_to_string(&link).unwrap(), fs::read_to_string(&file).unwrap()),
        (text.replace(OLD, SECRET), text),
        "a link that became a file is that file"
    );
}

#[test]
fn the_snyk_cli_keeps_its_other_members_and_its_lock_is_heeded() {
    let setup = ConsumerSetup::new();
    let before = format!(
        "{{\n\t\"api\": \"{OLD}\",\n\t\"endpoint\": \"https://api.eu.snyk.io\",\n\t\"future\": [1]\n}}\n"
    );
    let file = setup.write(".config/configstore/snyk.json", &before);
    setup.add("cli", &["--snyk-cli"]).expect(0);

    let lock = fs::File::create(file.with_file_name("snyk.json.lock")).unwrap();
    lock.lock().unwrap();
    let busy = setup.deliver("cli").expect(1);
    assert!(busy.error()["why"].as_str().unwrap().contains("lock"), "{}", busy.err);
    assert_eq!(fs::read_to_string(&file).unwrap(), before);
    drop(lock);

    setup.deliver("cli").expect(0);
    assert_eq!(fs::read_to_string(&file).unwrap(), before.replace(OLD, SECRET));

    let session = format!("{{\"internal_oauth_token_storage\":\"{{}}\",\"api\":\"{OLD}\"}}");
    fs::write(&file, session).unwrap();
    assert!(setup.deliver("cli").expect(0).json()["note"].as_str().unwrap().contains("OAuth"));
}

#[test]
fn the_snyk_cli_is_found_in_its_second_place() {
    let setup = ConsumerSetup::new();
    let file = setup.write("xdg/configstore/snyk.json", "{}");
    setup.add("cli", &["--snyk-cli"]).expect(0);
    setup.deliver("cli").expect(0);
    assert_eq!(fs::read_to_string(file).unwrap(), format!("{{\"api\":\"{SECRET}\"}}"));
}

#[test]
fn garbage_is_never_overwritten() {
    let setup = ConsumerSetup::new();
    let garbage: [&[u8]; 6] =
        [b"{\"api\": \"x\"", b"[1]", b"not json", b"\xff\xfea\x00p\x00i\x00", b"", b"{\"api\": 7}"];
    for (number, bytes) in garbage.iter().enumerate() {
        let file = setup.write(&format!("g{number}/snyk.json"), "");
        fs::write(&file, bytes).unwrap();
        let consumer = format!("cli-{number}");
        setup.add(&consumer, &["--snyk-cli", file.to_str().unwrap()]).expect(0);
        let refused = setup.deliver(&consumer).expect(1);
        ConsumerSetup::assert_no_secret(&refused);
        assert!(
            refused.error()["remedy"].as_str().unwrap().contains("nothing was changed"),
            "{}",
            refused.err
        );
        assert_eq!(fs::read(&file).unwrap(), *bytes);
        assert_eq!(holds(&setup)[number].1, "nothing");
    }
    let file = setup.write("no.env", "{\"TOKEN\": 1}\n");
    setup.add("dotenv", &["--env-file", file.to_str().unwrap(), "--key", "TOKEN"]).expect(0);
    assert!(setup.deliver("dotenv").expect(1).error()["why"].as_str().unwrap().contains("line 1"));
    assert_eq!(fs::read_to_string(file).unwrap(), "{\"TOKEN\": 1}\n");
}

#[test]
fn files_that_must_not_change_do_not() {
    let setup = ConsumerSetup::new();
    let file = setup.write("read-only.env", "K=old\n");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o444)).unwrap();
    let added = setup.add("ro", &["--env-file", file.to_str().unwrap(), "--key", "K"]).expect(0);
    assert!(
        added.err.contains("a delivery would currently fail") && added.err.contains("read-only"),
        "{}",
        added.err
    );
    assert!(
        setup.deliver("ro").expect(1).error()["remedy"].as_str().unwrap().contains("chmod u+w")
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), "K=old\n");

    setup
        .add("gone", &["--env-file", setup.path("gone.env").to_str().unwrap(), "--key", "K"])
        .expect(0);
    setup.deliver("gone").expect(1);
    assert!(!setup.path("gone.env").exists(), "a missing file is not created");
}

#[test]
fn owner_and_group_are_kept() {
    let setup = ConsumerSetup::new();
    let file = setup.write("theirs.env", "K=old\n");
    if std::os::unix::fs::chown(&file, Some(1234), Some(2345)).is_err() {
        println!("skipped: only root may give files away");
        return;
    }
    setup.add("theirs", &["--env-file", file.to_str().unwrap(), "--key", "K"]).expect(0);
    setup.deliver("theirs").expect(0);
    let after = fs::metadata(&file).unwrap();
    assert_eq!((after.uid(), after.gid()), (1234, 2345));
}

#[test]
fn gh_gets_the_secret_on_standard_input_only() {
    let setup = ConsumerSetup::new();
    setup.program("gh", "exit 0");
    setup
        .add(
            "shop",
            &["--preset", "gh", "--key", "SNYK_TOKEN", "--in", "acme/shop", "--", "--env", "prod"],
        )
        .expect(0);
    let delivered = setup.deliver("shop").expect(0);
    ConsumerSetup::assert_no_secret(&delivered);
    assert_eq!(delivered.json()["proof"], "exit-status");
    assert!(delivered.json()["note"].as_str().unwrap().contains("cannot be read back"));
    assert_eq!(setup.record("gh-0.stdin"), SECRET);
    assert_eq!(
        setup.record("gh-0.args"),
        "secret\nset\nSNYK_TOKEN\n--repo\nacme/shop\n--env\nprod\n"
    );
    for told in ["gh-0.args", "gh-0.cmdline", "gh-0.env"] {
        assert!(!setup.record(told).contains(SECRET), "{told}");
    }
    let environment = setup.record("gh-0.env");
    assert!(
        !environment.contains("TOKENRING") && !environment.contains("RECORD="),
        "{environment}"
    );
    assert_eq!(holds(&setup), [("shop".to_owned(), "current".to_owned())]);
}

#[test]
fn programs_get_the_variables_that_were_asked_for() {
    let mut setup = ConsumerSetup::new();
    setup.home = setup.home.with("GH_TOKEN", "of-gh-itself").with("EXTRA", "more");
    setup.program("gh", "exit 0");
    let arguments = ["--preset", "gh", "--key", "K", "--in", "a/b", "--pass", "EXTRA"];
    setup.add("shop", &arguments).expect(0);
    setup.deliver("shop").expect(0);
    let environment = setup.record("gh-0.env");
    assert!(
        environment.contains("GH_TOKEN=of-gh-itself") && environment.contains("EXTRA=more"),
        "{environment}"
    );
    setup.add("spy", &["--pass", "TOKENRING_HOME", "--command", "true"]).expect(2);
}

#[test]
fn glab_updates_and_sets_where_there_is_nothing_to_update() {
    let setup = ConsumerSetup::new();
    setup.program("glab", "[ \"$2\" = set ] || { echo '404 Variable Not Found' >&2; exit 1; }");
    setup.add("shop", &["--preset", "glab", "--key", "SNYK_TOKEN", "--in", "acme/shop"]).expect(0);
    setup.deliver("shop").expect(0);
    assert!(setup.record("glab-0.args").starts_with("variable\nupdate\n"));
    assert!(setup.record("glab-1.args").starts_with("variable\nset\n"));
    assert_eq!(setup.record("glab-1.stdin"), SECRET);
}

#[test]
fn kubectl_makes_the_manifest_and_applies_it() {
    let setup = ConsumerSetup::new();
    setup.program(
        "kubectl",
        "[ \"$1\" = create ] && printf 'manifest of %s' \"$(cat $n.stdin)\"; exit 0",
    );
    let arguments =
        ["--preset", "kubectl", "--key", "token", "--in", "snyk", "--", "--namespace", "ci"];
    setup.add("cluster", &arguments).expect(0);
    ConsumerSetup::assert_no_secret(&setup.deliver("cluster").expect(0));
    assert_eq!(setup.record("kubectl-0.stdin"), SECRET);
    assert_eq!(setup.record("kubectl-1.stdin"), format!("manifest of {SECRET}"));
    assert!(
        setup
            .record("kubectl-0.args")
            .starts_with("create\nsecret\ngeneric\nsnyk\n--from-file=token=/dev/stdin\n")
    );
    assert!(setup.record("kubectl-1.args").starts_with("apply\n--server-side\n"));
    for number in 0..2 {
        assert!(setup.record(&format!("kubectl-{number}.args")).ends_with("--namespace\nci\n"));
        assert!(!setup.record(&format!("kubectl-{number}.cmdline")).contains(SECRET));
    }
}

#[test]
fn a_program_that_fails_is_quoted_without_the_secret_and_can_be_tried_alone() {
    let setup = ConsumerSetup::new();
    setup.program("vault", "printf 'cannot keep %s\\033]0;x\\007\\n' \"$(cat $n.stdin)\" >&2; [ -e $HOME/ready ] || exit 9");
    setup.add("vault", &["--command", "vault", "kv", "put", "-mount=secret", "--json"]).expect(0);
    let failed = setup.deliver("vault").expect(1);
    ConsumerSetup::assert_no_secret(&failed);
    let why = failed.error()["why"].as_str().unwrap().to_owned();
    assert!(
        why.contains("status 9") && why.contains("cannot keep ‹secret›") && !why.contains('\u{1b}'),
        "{why}"
    );
    assert_eq!(holds(&setup)[0].1, "nothing");

    setup.write("ready", "");
    setup.deliver("vault").expect(0);
    assert_eq!(setup.record("vault-1.args"), "kv\nput\n-mount=secret\n--json\n");

    fs::remove_file(setup.path("bin/vault")).unwrap();
    let missing = setup.deliver("vault").expect(1);
    assert!(
        missing.error()["why"].as_str().unwrap().contains("\"vault\" was not found"),
        "{}",
        missing.err
    );
}

#[test]
fn what_cannot_be_a_consumer_is_refused_at_once() {
    let setup = ConsumerSetup::new();
    let file = setup.write(".env", "");
    let path = file.to_str().unwrap();
    setup.add("x", &[]).expect(2);
    setup.add("x", &["--env-file", path]).expect(2);
    setup.add("x", &["--env-file", path, "--key", "not a key"]).expect(2);
    setup.add("x", &["--json-file", path, "--pointer", "no-slash"]).expect(2);
    setup.add("x", &["--preset", "svn", "--key", "K", "--in", "p"]).expect(2);
    let told = setup.add(
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
    setup.home.run(&["consumer", "deliver", "ci", "x"]).expect(3);
    setup.add("x", &["--env-file", path, "--key", "K"]).expect(0);
    setup.add("x", &["--env-file", path, "--key", "K"]).expect(2);
    setup.home.run(&["consumer", "remove", "ci", "x"]).expect(0);
    setup.home.run(&["consumer", "remove", "ci", "x"]).expect(3);
    assert_eq!(fs::read_to_string(file).unwrap(), "");
}

#[test]
fn the_snyk_cli_cannot_hold_what_is_no_token() {
    let setup = ConsumerSetup::new();
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
    setup.home.feed(&arguments, "snyk_cs_abc_v1").expect(0);
    let refused =
        setup.home.run(&["consumer", "add", "oauth", "cli", "--snyk-cli", "--json"]).expect(2);
    assert!(refused.error()["remedy"].as_str().unwrap().contains("exec"));
}

#[test]
fn no_secret_is_stored_with_a_consumer() {
    let setup = ConsumerSetup::new();
    let file = setup.write(".env", "");
    setup.add("dotenv", &["--env-file", file.to_str().unwrap(), "--key", "K"]).expect(0);
    setup.deliver("dotenv").expect(0);
    assert!(contains(&file, SECRET.as_bytes()));
    for entry in fs::read_dir(setup.home.root().join("data")).unwrap() {
        let path = entry.unwrap().path();
        assert!(path.is_dir() || !contains(&path, SECRET.as_bytes()), "{}", path.display());
    }
}

fn contains(path: &Path, wanted: &[u8]) -> bool {
    fs::read(path).unwrap().windows(wanted.len()).any(|window| window == wanted)
}
