//! Homes that cannot be written, and passphrases that come from a mount or a pipe. Start with
//! [`read_only`].

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::{Command, Output};

use crate::support::program::{Home, PASSPHRASE};
use crate::support::programs_installed;

const SECRET: &str = "0000abcd-0000-4000-8000-00000000c0de";

fn home_with_laptop() -> Home {
    let home = Home::new();
    let kind = ["--provider", "snyk", "--kind", "personal-token", "--region", "eu"];
    home.feed(&[&["add", "laptop", "--offline"], &kind[..]].concat(), SECRET).expect(0);
    home
}

/// Runs the program while its home is mounted read-only, in a mount namespace of its own. Returns
/// `None` where this machine allows no such mount.
fn read_only(home: &Home, arguments: &[&str]) -> Option<Output> {
    if !programs_installed(&["unshare", "mount"]) {
        return None;
    }
    let inner = home.command(arguments);
    let script =
        "mount --bind \"$0\" \"$0\" && mount -o remount,ro,bind \"$0\" || exit 99; exec \"$@\"";
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script]);
    command.arg(home.root()).arg(inner.get_program()).args(inner.get_args());
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let output = command.output().unwrap();
    let refused = output.status.code() == Some(99)
        || String::from_utf8_lossy(&output.stderr).starts_with("unshare:");
    if refused {
        println!("skipped: this machine allows no read-only mount");
        return None;
    }
    Some(output)
}

fn text(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_read_only_home_is_read_and_says_what_it_could_not_record() {
    let home = home_with_laptop();
    let Some(got) = read_only(&home, &["get", "laptop"]) else { return };
    let (out, err) = text(&got);
    assert_eq!((got.status.code(), out.as_str()), (Some(0), SECRET), "{err}");
    assert!(
        err.contains("the audit log has no record of this") && err.contains("read-only"),
        "{err}"
    );
    for arguments in [&["list"][..], &["show", "laptop"], &["store", "status"]] {
        let done = read_only(&home, arguments).unwrap();
        let (out, err) = text(&done);
        assert_eq!(done.status.code(), Some(0), "{arguments:?}: {out}{err}");
    }
    let refused = read_only(&home, &["remove", "laptop", "--yes"]).unwrap();
    let (out, err) = text(&refused);
    assert_ne!(refused.status.code(), Some(0), "{out}{err}");
    assert!(err.to_lowercase().contains("read-only"), "{out}{err}");
    assert_eq!(home.run(&["get", "laptop"]).expect(0).out, SECRET, "it is still there");
}

#[test]
fn the_doctor_runs_where_nothing_can_be_written() {
    let with_laptop = home_with_laptop();
    let empty = Home::new();
    for home in [&with_laptop, &empty] {
        let Some(done) = read_only(home, &["doctor", "--offline"]) else { return };
        let (out, err) = text(&done);
        assert!(
            out.contains("The index can only be read") && out.contains("terminal"),
            "{out}{err}"
        );
    }
    let listed = read_only(&empty, &["list", "--json"]).unwrap();
    assert_eq!(text(&listed).0.trim(), "[]");
}

#[test]
fn the_passphrase_comes_from_a_mount_or_a_pipe() {
    let home = home_with_laptop();
    let folder = tempfile::TempDir::new().unwrap();
    let data = folder.path().join("..2026_11_30");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("passphrase"), format!("{PASSPHRASE}\n")).unwrap();
    fs::set_permissions(data.join("passphrase"), fs::Permissions::from_mode(0o400)).unwrap();
    symlink("..2026_11_30", folder.path().join("..data")).unwrap();
    symlink("..data/passphrase", folder.path().join("passphrase")).unwrap();
    let mounted = folder.path().join("passphrase");
    let from = |path: &str| {
        let mut command = home.command(&["get", "laptop"]);
        command.env("TOKENRING_PASSPHRASE_FILE", path);
        command
    };
    let got = from(mounted.to_str().unwrap()).output().unwrap();
    assert_eq!(text(&got).0, SECRET, "{:?}", text(&got));

    fs::set_permissions(data.join("passphrase"), fs::Permissions::from_mode(0o444)).unwrap();
    let refused = from(mounted.to_str().unwrap()).output().unwrap();
    assert!(text(&refused).1.contains("mode 444"), "{:?}", text(&refused));

    for script in [
        format!(
            "printf '%s\\n' '{PASSPHRASE}' | TOKENRING_PASSPHRASE_FILE=/dev/stdin \"$0\" get laptop"
        ),
        format!(
            "exec 7< <(printf '%s' '{PASSPHRASE}'); TOKENRING_PASSPHRASE_FILE=/dev/fd/7 \"$0\" get laptop"
        ),
        format!("TOKENRING_PASSPHRASE_FILE=<(printf '%s' '{PASSPHRASE}') \"$0\" get laptop"),
    ] {
        let inner = home.command(&[]);
        let mut command = Command::new("bash");
        command.args(["-c", &script]).arg(inner.get_program());
        for (name, value) in inner.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let got = command.output().unwrap();
        assert_eq!(text(&got).0, SECRET, "{script}: {:?}", text(&got));
    }
}

#[test]
fn the_status_of_the_store_uses_the_same_way_in_as_every_other_command() {
    let home = home_with_laptop();
    let done = home.run(&["store", "status"]).expect(0);
    assert!(!done.out.contains("is locked"), "{}", done.out);
    let mut command = home.command(&["store", "status"]);
    let locked = command.env_remove("TOKENRING_PASSPHRASE_FILE").output().unwrap();
    assert_eq!(locked.status.code(), Some(6), "{:?}", text(&locked));
    let wrong = home.root().join("wrong");
    fs::write(&wrong, "not the passphrase at all").unwrap();
    fs::set_permissions(&wrong, fs::Permissions::from_mode(0o600)).unwrap();
    let mut command = home.command(&["store", "status"]);
    let refused = command.env("TOKENRING_PASSPHRASE_FILE", &wrong).output().unwrap();
    assert_eq!(refused.status.code(), Some(6));
    assert!(text(&refused).0.contains("the passphrase is wrong"), "{:?}", text(&refused));
}

#[test]
fn an_unusable_proxy_stops_a_request_before_the_socket() {
    for (name, value) in [
        ("HTTPS_PROXY", "gopher://proxy.example"),
        ("https_proxy", "proxy.example:port"),
        ("ALL_PROXY", "ftp://proxy"),
    ] {
        let home = home_with_laptop().with(name, value);
        let done = home.run(&["request", "laptop", "/rest/self?version=2024-10-15"]);
        assert_ne!(done.code, 0, "{}", done.out);
        let told = format!("{name} is not a usable proxy");
        assert!(done.err.contains(&told), "{value}: {}", done.err);
        let doctor = home.run(&["doctor", "--offline"]);
        assert!(doctor.out.contains(&told), "{}", doctor.out);
    }
}

#[test]
fn the_extra_certificates_of_node_are_named_when_they_cannot_be_used() {
    let home = Home::new().with("NODE_EXTRA_CA_CERTS", "/nowhere/company.pem");
    let doctor = home.run(&["doctor"]);
    assert!(
        doctor.out.contains("NODE_EXTRA_CA_CERTS names /nowhere/company.pem, which was not used"),
        "{}",
        doctor.out
    );
}
