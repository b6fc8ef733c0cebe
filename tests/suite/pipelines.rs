//! Tests of pipelines: the recipes in `assets/recipes/`, whose scripts are run as the services run
//! them, and what commands do where they run in a pipeline.
//!
//! A recipe is run from a checkout that has an encrypted home, on a machine where nothing but `cargo`
//! and the tool of the build is installed; both are stand-ins. Start with [`PipelineMachine`].

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::program::{Home, PASSPHRASE, SimulatorProcess};
use crate::support::programs_installed;

/// Credential of all recipes.
const NAME: &str = "ci-scanner";

/// Stand-in for cargo, which "builds" the program that is under test.
const CARGO: &str = r#"#!/bin/sh
[ "$1 $2 $3 $5" = "install --locked --git tokenring" ] || exit 9
mkdir -p "${CARGO_HOME:-$HOME/.cargo}/bin"
ln -s "$TESTED_PROGRAM" "${CARGO_HOME:-$HOME/.cargo}/bin/tokenring"
"#;

/// Stand-in for the tool of a build, which reveals its secret.
const SNYK: &str =
    "#!/bin/sh\necho \"snyk $1 with $SNYK_TOKEN\"\nprintf %s \"$SNYK_TOKEN\" | base64 -w 0\n";

/// Stand-in for the process of GitHub's runner: it starts a step and reads its output.
const RUNNER: &str = r#"#!/bin/bash
exec 3< <("$@" 2>&1; echo "exit code $?")
cat <&3
"#;

/// A machine that runs the jobs of a pipeline.
struct PipelineMachine {
    folder: tempfile::TempDir,
    variables: BTreeMap<String, String>,
}

impl PipelineMachine {
    /// Creates a machine on which this home was checked out. Git keeps no private modes.
    fn new(home: &Home, recipe: &str) -> Self {
        let machine = Self { folder: tempfile::tempdir().unwrap(), variables: BTreeMap::new() };
        for folder in ["user/.cargo/bin", "tools", "temp", "build"] {
            fs::create_dir_all(machine.path(folder)).unwrap();
        }
        for (name, script) in
            [("tools/cargo", CARGO), ("tools/snyk", SNYK), ("tools/Runner.Worker", RUNNER)]
        {
            write_script(&machine.path(name), script);
        }
        copy_public(&home.root(), &machine.path("build/.tokenring"));
        let tools = ["tools", "user/.cargo/bin"].map(|folder| machine.text(folder)).join(":");
        let (user, program) = (machine.text("user"), env!("CARGO_BIN_EXE_tokenring"));
        let mut machine = machine
            .with("PATH", &format!("{tools}:/usr/local/bin:/usr/bin:/bin"))
            .with("HOME", &user)
            .with("TESTED_PROGRAM", program)
            .with("CI", "true");
        for (name, value) in recipe_variables(recipe) {
            let value = value.replace("${WORKSPACE_TMP}", &machine.text("temp"));
            let value = value.replace("$CI_PROJECT_DIR", &machine.text("build"));
            machine = machine.with(&name, &value);
        }
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Writes the passphrase to a file, readable by everyone as services write it, and names the
    /// file in this variable.
    fn with_passphrase_file(self, variable: &str) -> Self {
        fs::write(self.path("secret-file"), PASSPHRASE).unwrap();
        let path = self.text("secret-file");
        self.with(variable, &path)
    }

    /// Runs a script in this shell, and returns its exit code and its whole output.
    fn run(&self, shell: &[&str], script: &str) -> (i32, String) {
        fs::write(self.path("script"), script).unwrap();
        let mut command = Command::new(shell[0]);
        command.args(&shell[1..]).arg(self.path("script"));
        command.env_clear().envs(&self.variables).current_dir(self.path("build"));
        let done = command.stdin(Stdio::null()).output().unwrap();
        let text = [done.stdout, done.stderr].concat();
        (done.status.code().unwrap_or(-1), String::from_utf8(text).unwrap())
    }

    /// Runs a script that has to succeed, and returns its output.
    #[track_caller]
    fn pass(&self, shell: &[&str], script: &str) -> String {
        let (code, log) = self.run(shell, script);
        assert_eq!(code, 0, "{script}\n{log}");
        log
    }

    /// Sets the variables that a step of GitHub Actions wrote for the later ones.
    fn read_github_environment(mut self) -> Self {
        let text = fs::read_to_string(self.path("temp/environment")).unwrap();
        for line in text.lines() {
            let (name, value) = line.split_once('=').unwrap();
            self.variables.insert(name.to_owned(), value.to_owned());
        }
        self
    }

    fn report(&self) -> String {
        fs::read_to_string(self.path("build/tokenring.xml")).unwrap()
    }
}

fn recipe(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/recipes");
    fs::read_to_string(folder.join(name)).unwrap()
}

/// The scripts of a recipe, in order: the indented blocks below `run: |`, `command: |` and `- |`, and
/// what is between `sh '''` and `'''`.
fn scripts(recipe: &str) -> Vec<String> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut found = Vec::new();
    let mut lines = recipe.lines().peekable();
    while let Some(line) = lines.next() {
        let opening = line.trim_start();
        assert!(!opening.starts_with("run: ") || opening == "run: |", "not a block: {line}");
        if !["run: |", "command: |", "- |", "sh '''"].contains(&opening) {
            continue;
        }
        let mut script = String::new();
        let width = indent(lines.peek().unwrap());
        while let Some(next) = lines.next_if(|next| indent(next) > indent(line)) {
            script.push_str(&next[width..]);
            script.push('\n');
        }
        found.push(script);
    }
    found
}

/// The variables that the recipe itself sets for its scripts, with constant values.
fn recipe_variables(recipe: &str) -> Vec<(String, String)> {
    let names = ["CI", "CARGO_HOME", "TOKENRING_REPOSITORY", "TOKENRING_STORE", "TOKENRING_HOME"];
    let names = [&names[..], &["TOKENRING_PASSPHRASE_FILE"]].concat();
    let assigned = |line: &str| {
        let (name, value) = line.trim().split_once([':', '='])?;
        let value = value.split(" # ").next()?.split(" // ").next()?.trim();
        names
            .contains(&name.trim())
            .then(|| (name.trim().to_owned(), value.trim_matches(['\'', '"']).to_owned()))
    };
    recipe.lines().filter_map(assigned).collect()
}

fn write_script(path: &Path, script: &str) {
    fs::write(path, script).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Copies a folder with the modes that git gives to files and folders.
fn copy_public(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    fs::set_permissions(to, fs::Permissions::from_mode(0o755)).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_public(&entry.path(), &target);
        } else {
            fs::write(&target, fs::read(entry.path()).unwrap()).unwrap();
            fs::set_permissions(&target, fs::Permissions::from_mode(0o644)).unwrap();
        }
    }
}

/// A home with one credential that works, under the name of the recipes.
fn home() -> (Home, SimulatorProcess, String) {
    let (home, simulator) = (Home::new(), SimulatorProcess::start());
    home.use_simulator(&simulator);
    home.add_seeded(&simulator, "us01-admin").expect(0);
    home.run(&["edit", "us01-admin", "--rename", NAME]).expect(0);
    let secret = simulator.secret("us01-admin").to_owned();
    (home, simulator, secret)
}

/// Checks what a build that used the credential has logged.
#[track_caller]
fn assert_masked(log: &str, secret: &str) {
    assert!(log.contains("snyk test with ‹secret›"), "{log}");
    assert!(!log.contains(&secret[..12]) && !log.contains(PASSPHRASE), "{log}");
}

const GITHUB_SHELL: [&str; 5] = ["bash", "--noprofile", "--norc", "-eo", "pipefail"];

#[test]
fn the_recipe_of_github_actions_works_and_the_runner_masks_the_secret() {
    let (home, _simulator, secret) = home();
    let text = recipe("github-actions.yml");
    let [install, open, check, using] = &scripts(&text)[..] else { panic!("four scripts") };
    let machine = PipelineMachine::new(&home, &text)
        .with("GITHUB_ACTIONS", "true")
        .with("TOKENRING_PASSPHRASE", PASSPHRASE);
    let (temp, environment) = (machine.text("temp"), machine.text("temp/environment"));
    let machine = machine.with("RUNNER_TEMP", &temp).with("GITHUB_ENV", &environment);
    machine.pass(&GITHUB_SHELL, install);
    machine.pass(&GITHUB_SHELL, open);
    let machine = machine.read_github_environment();
    machine.pass(&GITHUB_SHELL, check);
    assert!(machine.report().contains("failures=\"0\" errors=\"0\""), "{}", machine.report());

    let runner = [&["Runner.Worker"], &GITHUB_SHELL[..]].concat();
    let log = machine.pass(&runner, using);
    let (commands, shown): (Vec<_>, Vec<_>) =
        log.lines().partition(|line| line.starts_with("::add-mask::"));
    assert_eq!(commands, [format!("::add-mask::{secret}")]);
    assert_masked(&shown.join("\n"), &secret);
    assert!(log.ends_with("exit code 0\n"), "{log}");
    // A step that is not read by the runner is told nothing: the log would show it.
    assert_masked(&machine.pass(&GITHUB_SHELL, using), &secret);
}

#[test]
fn the_scheduled_check_fails_where_a_credential_expires_and_its_report_says_so() {
    let (home, _simulator, _) = home();
    let expires = (time::OffsetDateTime::now_utc() + time::Duration::days(3)).date().to_string();
    home.run(&["edit", NAME, "--expires", &expires]).expect(0);
    let text = recipe("gitlab-ci.yml");
    let machine = gitlab_machine(&home, &text);
    let [before, after, _, check] = &scripts(&text)[..] else { panic!("four scripts") };
    let (code, log) = machine.run(&["bash", "-eo", "pipefail"], &[before.as_str(), check].concat());
    assert_eq!(code, 7, "{log}");
    let report = machine.report();
    assert!(report.contains("tests=\"1\" failures=\"1\" errors=\"0\" skipped=\"0\""), "{report}");
    let failure = format!("<failure type=\"policy\" message=\"{NAME} expires on {expires}\"/>");
    assert!(report.contains(&failure), "{report}");
    machine.pass(&["bash"], after);
    assert!(!machine.path("build.passphrase").exists(), "nothing is left on the runner");
    assert!(!machine.path("build.tokenring").exists());
}

fn gitlab_machine(home: &Home, text: &str) -> PipelineMachine {
    let machine = PipelineMachine::new(home, text).with_passphrase_file("TOKENRING_PASSPHRASE");
    let build = machine.text("build");
    machine.with("CI_PROJECT_DIR", &build)
}

#[test]
fn the_recipe_of_gitlab_works() {
    let (home, _simulator, secret) = home();
    let text = recipe("gitlab-ci.yml");
    let machine = gitlab_machine(&home, &text);
    let [before, _, using, _] = &scripts(&text)[..] else { panic!("four scripts") };
    let log = machine.pass(&["bash", "-eo", "pipefail"], &[before.as_str(), using].concat());
    assert_masked(&log, &secret);
}

#[test]
fn the_recipe_of_jenkins_works_and_its_trace_shows_no_secret() {
    let (home, _simulator, secret) = home();
    let text = recipe("Jenkinsfile");
    let machine = PipelineMachine::new(&home, &text).with_passphrase_file("PASSPHRASE");
    let temp = machine.text("temp");
    let machine = machine.with("WORKSPACE_TMP", &temp);
    let [open, check, using, clean] = &scripts(&text)[..] else { panic!("four scripts") };
    // Jenkins traces every command.
    let log: String =
        [open, check, using].map(|script| machine.pass(&["sh", "-xe"], script)).concat();
    assert!(log.contains("+ umask 077"), "{log}");
    assert_masked(&log, &secret);
    assert!(machine.report().contains("failures=\"0\" errors=\"0\""), "{}", machine.report());
    machine.pass(&["sh", "-xe"], clean);
    assert_eq!(fs::read_dir(machine.path("temp")).unwrap().count(), 0);
}

#[test]
fn the_recipe_of_circleci_works() {
    let (home, _simulator, secret) = home();
    let text = recipe("circleci.yml");
    let [install, open, using, check] = &scripts(&text)[..] else { panic!("four scripts") };
    let machine = PipelineMachine::new(&home, &text).with("TOKENRING_PASSPHRASE", PASSPHRASE);
    let environment = machine.text("temp/environment");
    fs::write(&environment, "").unwrap();
    let machine = machine.with("BASH_ENV", &environment);
    let log: String = [install, open, using, check]
        .map(|script| machine.pass(&["bash", "-eo", "pipefail"], script))
        .concat();
    assert_masked(&log, &secret);
    assert!(machine.report().contains("failures=\"0\" errors=\"0\""), "{}", machine.report());
}

/// A home with a credential that expires soon and can be rotated without a user.
fn home_with_due_credential() -> (Home, SimulatorProcess) {
    let (home, simulator) = (Home::new(), SimulatorProcess::start());
    home.use_simulator(&simulator);
    home.add_seeded(&simulator, "us01-release-bot").expect(0);
    let expires = (time::OffsetDateTime::now_utc() + time::Duration::days(3)).date().to_string();
    home.run(&["edit", "us01-release-bot", "--expires", &expires]).expect(0);
    (home, simulator)
}

/// Installs the program on a machine that keeps its home, and checks that the script rotates.
fn assert_rotates(home: &Home, machine: PipelineMachine, shell: &[&str], script: &str) {
    symlink(env!("CARGO_BIN_EXE_tokenring"), machine.path("user/.cargo/bin/tokenring")).unwrap();
    let old = home.run(&["get", "us01-release-bot"]).expect(0).out;
    let root = home.root();
    let machine = machine.with("TOKENRING_HOME", root.to_str().unwrap());
    let log = machine.pass(shell, script);
    assert!(log.contains("done") && !log.contains(&old), "{log}");
    let new = home.run(&["get", "us01-release-bot"]).expect(0).out;
    assert!(new != old && !log.contains(&new), "{log}");
    home.run(&["check", "us01-release-bot"]).expect(0);
}

#[test]
fn the_scheduled_workflow_rotates() {
    let (home, _simulator) = home_with_due_credential();
    let text = recipe("github-actions-rotate.yml");
    let [rotate] = &scripts(&text)[..] else { panic!("one script") };
    let machine = PipelineMachine::new(&home, &text).with("TOKENRING_PASSPHRASE", PASSPHRASE);
    let temp = machine.text("temp");
    assert_rotates(&home, machine.with("RUNNER_TEMP", &temp), &GITHUB_SHELL, rotate);
}

#[test]
fn the_service_of_the_timer_rotates() {
    let (home, _simulator) = home_with_due_credential();
    let machine = PipelineMachine::new(&home, "");
    let user = machine.text("user");
    let unit = recipe("tokenring-rotate.service").replace("%h", &user);
    let lines_of = |name: &str| {
        unit.lines()
            .filter_map(|line| line.strip_prefix(name))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let [start] = &lines_of("ExecStart=")[..] else { panic!("one command") };
    let machine = lines_of("Environment=").iter().fold(machine, |machine, line| {
        let (name, value) = line.split_once('=').unwrap();
        machine.with(name, value)
    });
    let passphrase = PathBuf::from(&machine.variables["TOKENRING_PASSPHRASE_FILE"]);
    fs::create_dir_all(passphrase.parent().unwrap()).unwrap();
    fs::write(&passphrase, PASSPHRASE).unwrap();
    fs::set_permissions(&passphrase, fs::Permissions::from_mode(0o600)).unwrap();
    assert_rotates(&home, machine, &["sh", "-e"], start);
}

#[test]
fn systemd_accepts_the_units() {
    if !programs_installed(&["systemd-analyze"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join(".cargo/bin/tokenring");
    fs::create_dir_all(program.parent().unwrap()).unwrap();
    symlink(env!("CARGO_BIN_EXE_tokenring"), &program).unwrap();
    let recipes = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/recipes");
    let units =
        ["tokenring-rotate.service", "tokenring-rotate.timer"].map(|name| recipes.join(name));
    let mut command = Command::new("systemd-analyze");
    command.args(["--user", "verify"]).args(units).env("HOME", folder.path());
    let done = command.env("XDG_RUNTIME_DIR", folder.path()).output().unwrap();
    let told = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success() && !told.contains("tokenring"), "{told}");
}

#[test]
fn every_recipe_is_named_in_the_readme() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    for file in fs::read_dir(root.join("assets/recipes")).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        assert!(readme.contains(&format!("assets/recipes/{name}")), "{name}");
    }
}

#[test]
fn output_is_masked_in_a_pipeline_unless_it_is_turned_off() {
    let (home, _simulator, secret) = home();
    let echo = ["--", "sh", "-c", "echo $SNYK_TOKEN"];
    let run = |home: &Home, option: &[&str]| {
        home.run(&[&["exec", NAME][..], option, &echo].concat()).expect(0).out
    };
    assert_eq!(run(&home, &[]), format!("{secret}\n"));
    let home = home.with("CI", "true");
    assert_eq!(run(&home, &[]), "‹secret›\n");
    assert_eq!(run(&home, &["--no-mask"]), format!("{secret}\n"));
    assert_eq!(run(&home, &["--no-mask", "--mask"]), "‹secret›\n", "the last one counts");
    assert_eq!(run(&home.with("CI", "false"), &[]), format!("{secret}\n"));
}

#[test]
fn the_runner_is_told_only_where_it_reads_standard_error_itself() {
    if !programs_installed(&["bash"]) {
        return;
    }
    let (home, _simulator, secret) = home();
    let machine = PipelineMachine::new(&home, "").with_passphrase_file("SECRET_FILE");
    fs::set_permissions(machine.path("secret-file"), fs::Permissions::from_mode(0o600)).unwrap();
    let (root, passphrase) = (home.root(), machine.text("secret-file"));
    symlink(env!("CARGO_BIN_EXE_tokenring"), machine.path("user/.cargo/bin/tokenring")).unwrap();
    let machine = machine
        .with("TOKENRING_HOME", root.to_str().unwrap())
        .with("TOKENRING_STORE", "file")
        .with("TOKENRING_PASSPHRASE_FILE", &passphrase)
        .with("GITHUB_ACTIONS", "true");
    let command = format!("::add-mask::{secret}");
    let runner = ["Runner.Worker", "bash", "-eo", "pipefail"];
    for (script, is_told) in [
        ("tokenring get ci-scanner > value", true),
        ("value=$(tokenring get ci-scanner); [ ${#value} = 36 ]", true),
        ("tokenring exec ci-scanner -- true", true),
        ("tokenring exec --no-mask ci-scanner -- true", false),
        ("tokenring get ci-scanner > value 2> errors", false),
        ("tokenring exec ci-scanner -- true 2>&1 | tee log", false),
        ("exec 2> >(tee log >&2); tokenring exec ci-scanner -- true", false),
        ("unset GITHUB_ACTIONS; tokenring exec ci-scanner -- true", false),
    ] {
        let log = machine.pass(&runner, script);
        assert!(log.contains("exit code 0"), "{script}: {log}");
        assert_eq!(log.contains(&command), is_told, "{script}: {log}");
        for file in ["errors", "log"] {
            let written = fs::read_to_string(machine.path("build").join(file)).unwrap_or_default();
            assert!(!written.contains(&secret), "{script}: {file}");
        }
    }
}
