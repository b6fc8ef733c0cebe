//! Tests of completions and manual pages.

use std::process::Command;

use crate::support::program::Home;
use crate::support::programs_installed;

/// The completions that a shell offers for the last of these words.
fn offered(home: &Home, words: &[&str]) -> Vec<String> {
    let mut command = home.command(&[&["--", "tokenring"], words].concat());
    let place = words.len().to_string();
    let done = command
        .env("TOKENRING_COMPLETE", "bash")
        .env("_CLAP_COMPLETE_INDEX", place)
        .env("_CLAP_IFS", "\n")
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn shells_are_offered_the_names_there_are() {
    let home = Home::new();
    assert_eq!(
        offered(&home, &["show", ""]).iter().filter(|word| !word.starts_with('-')).count(),
        0
    );
    for (name, number) in [("ci-scanner", 1), ("ci-runner", 2), ("laptop", 3)] {
        let secret = format!("0000000{number}-0000-4000-8000-000000000000");
        home.feed(
            &["add", name, "--provider", "snyk", "--kind", "personal-token", "--region", "eu"],
            &secret,
        )
        .expect(0);
    }
    assert_eq!(offered(&home, &["show", "ci"]), ["ci-runner", "ci-scanner"]);
    assert_eq!(offered(&home, &["consumer", "list", "la"]), ["laptop"]);
    assert_eq!(offered(&home, &["exec", "lap"]), ["laptop"]);
    assert_eq!(
        offered(&home, &["add", "ci"]),
        [""; 0],
        "existing names are not offered for a new one"
    );
    assert!(offered(&home, &["add", "x", "--provider", "sn"]).contains(&"snyk-api-web".to_owned()));
    assert_eq!(offered(&home, &["add", "x", "--region", "snyk-eu"]), ["SNYK-EU-01"]);
    assert_eq!(offered(&home, &["create", "x", "--like", "lap"]), ["laptop"]);
    assert_eq!(offered(&home, &["rotate", "laptop", "--as", "ci-r"]), ["ci-runner"]);
    assert_eq!(
        offered(&home, &["add", "x", "--kind", "service-account-o"]),
        ["service-account-oauth"]
    );
    let kinds = |words: &[&str]| offered(&home, &[&["add", "x"], words, &["--kind", ""]].concat());
    assert_eq!(
        kinds(&["--provider", "appcircle"]),
        ["personal-access-key", "api-key"],
        "those of the provider that is named"
    );
    assert_eq!(kinds(&["--provider=snyk-api-web"]), ["api-key"]);
    assert!(kinds(&["--provider", "no-such"]).len() > 5 && kinds(&[]).len() > 5);
    let regions = offered(&home, &["add", "x", "--provider", "snyk-api-web", "--region", ""]);
    assert!(regions.len() == 3 && regions.iter().all(|id| id.starts_with("SAW-")), "{regions:?}");
    assert!(offered(&home, &["gen"]).contains(&"generate".to_owned()));
}

#[test]
fn a_key_press_makes_no_index() {
    let home = Home::new();
    offered(&home, &["show", ""]);
    assert!(!home.root().join("data/index.db").exists());
}

#[test]
fn every_shell_has_its_script() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = home.run(&["completions", shell]).expect(0).out;
        assert!(
            script.contains("TOKENRING_COMPLETE") && script.contains("tokenring"),
            "{shell}: {script}"
        );
    }
    home.run(&["completions", "tcsh"]).expect(2);
}

#[test]
fn bash_reads_its_script() {
    if !programs_installed(&["bash"]) {
        return;
    }
    let script = Home::new().run(&["completions", "bash"]).expect(0).out;
    assert!(Command::new("bash").args(["-n", "-c", &script]).status().unwrap().success());
}

#[test]
fn there_is_a_page_for_every_command() {
    let home = Home::new();
    let whole = home.run(&["man"]).expect(0).out;
    assert!(whole.starts_with(".ie") || whole.contains(".TH tokenring"), "{whole}");
    assert!(home.run(&["man", "exec"]).expect(0).out.contains("SNYK_TOKEN"));
    home.run(&["man", "nonsense"]).expect(2);
    let folder = tempfile::tempdir().unwrap();
    home.run(&["man", "--out", folder.path().to_str().unwrap()]).expect(0);
    for verb in tokenring::cli::command().get_subcommands() {
        let page = folder.path().join(format!("tokenring-{}.1", verb.get_name()));
        assert!(page.is_file(), "{}", page.display());
    }
    for page in std::fs::read_dir(folder.path()).unwrap() {
        let path = page.unwrap().path();
        assert!(
            !path.to_string_lossy().contains("-help"),
            "`help` says nothing that a page does not: {}",
            path.display()
        );
        let text = std::fs::read(path).unwrap();
        assert!(text.is_ascii(), "what reads it may not know the encoding");
    }
    home.run(&["man", "--out", "/no/such/folder"]).expect(1);
}

#[cfg(unix)]
#[test]
fn an_argument_that_is_no_text_is_refused_like_any_other() {
    use std::os::unix::ffi::OsStrExt as _;
    let home = Home::new();
    for first in ["list", "show", "add"] {
        let done =
            home.command(&[first]).arg(std::ffi::OsStr::from_bytes(b"\xff")).output().unwrap();
        let told = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.code() == Some(2) && told.starts_with("error: "), "{first}: {told}");
    }
}
