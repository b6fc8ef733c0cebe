//! Tests of `exec`: the environment of the child, that no other process sees the secret, and the
//! exit code.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::program::{Home, SimulatorProcess};

const SECRET: &str = "00000001-0000-4000-8000-00000000e4ec";
const EXEC_TIMEOUT: Duration = Duration::from_secs(20);

/// A home with one credential, without the variables that the environment of the test may contain.
fn home() -> Home {
    home_with(SECRET)
}

fn home_with(secret: &str) -> Home {
    let home = Home::new();
    let fields = ["--region", "eu", "--field", "org_id=acme"];
    home.feed(
        &[&["add", "ci", "--provider", "snyk", "--kind", "personal-token"][..], &fields].concat(),
        secret,
    )
    .expect(0);
    home
}

fn start(home: &Home, arguments: &[&str]) -> Child {
    home.command(&[&["exec"], arguments].concat())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Reads the line that a child writes when it is ready.
fn first_line(child: &mut Child) -> String {
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    line.trim().to_owned()
}

fn proc(pid: u32, what: &str) -> String {
    String::from_utf8_lossy(&fs::read(format!("/proc/{pid}/{what}")).unwrap_or_default())
        .into_owned()
}

/// Waits until the process runs the program. During `execve` its files in /proc cannot be read.
fn wait_for_program(pid: u32, program: &str) {
    let end = Instant::now() + EXEC_TIMEOUT;
    while !proc(pid, "cmdline").starts_with(program) || proc(pid, "environ").is_empty() {
        assert!(Instant::now() < end, "process {pid} does not become {program}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn the_command_gets_the_variables_of_its_credential() {
    let home = home();
    let ran = home
        .run(&["exec", "ci", "--", "sh", "-c", "echo $SNYK_TOKEN $SNYK_API $SNYK_CFG_ORG"])
        .expect(0);
    assert_eq!(ran.out, format!("{SECRET} https://api.eu.snyk.io acme\n"));
}

#[test]
fn an_exchanged_credential_gives_its_access_token() {
    let (home, simulator) = (Home::new(), SimulatorProcess::start());
    home.use_simulator(&simulator);
    let issued = simulator.manifest["credentials"].as_array().unwrap();
    let oauth = issued.iter().find(|one| {
        one["kind"] == "service-account-oauth"
            && one["fields"]["auth_type"] != "oauth_private_key_jwt"
    });
    let name = oauth.unwrap()["name"].as_str().unwrap();
    home.add_seeded(&simulator, name).expect(0);
    let ran = home
        .run(&["exec", name, "--", "sh", "-c", "echo ${SNYK_TOKEN-unset} $SNYK_OAUTH_TOKEN"])
        .expect(0);
    let words: Vec<_> = ran.out.split_whitespace().collect();
    assert!(
        words[0] == "unset" && words[1].len() > 20 && words[1] != simulator.secret(name),
        "{}",
        ran.out
    );

    let key = issued.iter().find(|one| one["provider"] == "snyk-api-web").unwrap()["name"]
        .as_str()
        .unwrap();
    home.add_seeded(&simulator, key).expect(0);
    let ran = home
        .run(&["exec", key, "--", "sh", "-c", "echo $PROBELY_API_KEY $PROBELY_API_BASE_URL"])
        .expect(0);
    assert!(ran.out.starts_with(&format!("{} http", simulator.secret(key))), "{}", ran.out);
}

#[test]
fn names_and_fields_can_be_chosen() {
    let home = home();
    let script = "echo ${SNYK_TOKEN-unset} $T $O $A";
    let chosen = [
        "exec",
        "--env",
        "T=ci",
        "--env",
        "O=ci:org_id",
        "--env",
        "A=ci:api",
        "--",
        "sh",
        "-c",
        script,
    ];
    assert_eq!(
        home.run(&chosen).expect(0).out,
        format!("unset {SECRET} acme https://api.eu.snyk.io\n")
    );
    assert!(
        home.run(&["exec", "--env", "T=ci:nothing", "--json", "--", "true"]).expect(2).error()["remedy"]
            .as_str()
            .unwrap()
            .contains("org_id")
    );
    home.run(&["exec", "--env", "no", "--", "true"]).expect(2);
    home.run(&["exec", "--env", "T=missing", "--", "true"]).expect(3);
    home.run(&["exec", "--", "true"]).expect(2);
}

#[test]
fn what_would_contradict_is_removed_and_named() {
    let home = home()
        .with("SNYK_OAUTH_TOKEN", "of-another")
        .with("SNYK_TOKEN", "stale")
        .with("SNYK_CFG_API", "x")
        .with("SNYK_X", "kept");
    let ran = home.run(&["exec", "ci", "--", "sh", "-c", "env | grep ^SNYK | sort"]).expect(0);
    assert_eq!(
        ran.out,
        format!(
            "SNYK_API=https://api.eu.snyk.io\nSNYK_CFG_ORG=acme\nSNYK_TOKEN={SECRET}\nSNYK_X=kept\n"
        )
    );
    assert!(
        ran.err.contains("SNYK_CFG_API, SNYK_OAUTH_TOKEN") && !ran.err.contains("of-another"),
        "{}",
        ran.err
    );
    let fed = home
        .run(&["exec", "--stdin", "ci", "--", "sh", "-c", "env | grep ^SNYK_TOKEN; cat"])
        .expect(0);
    assert_eq!(
        fed.out, SECRET,
        "a stale variable must not stand beside the secret on standard input"
    );
}

#[test]
fn everything_that_selects_another_credential_or_region_is_removed_and_named() {
    let simulator = SimulatorProcess::start();
    let issued = simulator.manifest["credentials"].as_array().unwrap();
    let named = |provider: &str| {
        let fits = |one: &&serde_json::Value| {
            one["provider"] == provider && one["kind"] != "service-account-oauth"
        };
        issued.iter().find(fits).unwrap()["name"].as_str().unwrap()
    };
    for (provider, conflicting) in [
        (
            "snyk",
            "SNYK_OAUTH_TOKEN SNYK_DOCKER_TOKEN SNYK_CFG_API SNYK_CFG_ENDPOINT SNYK_CFG_OAUTH_TOKEN \
             INTERNAL_OAUTH_TOKEN_STORAGE INTERNAL_SNYK_OAUTH_ENABLED SNYK_API_REST_URL API_REST_URL \
             SNYK_API_V3_URL SNYK_API_HIDDEN_URL SNYK_API_URL SNYK_API_TOKEN SNYK_API_KEY SNYK_KEY",
        ),
        (
            "snyk-api-web",
            "PROBELY_UI_BASE_URL MCP_SAW_CONFIG_PATH MCP_PROBELY_CONFIG_PATH SAW_API_KEY \
             SAW_API_BASE_URL FARCASTER_AGENT_TOKEN FARCASTER_API_URL",
        ),
        (
            "appcircle",
            "AC_ACCESS_TOKEN API_HOSTNAME AUTH_HOSTNAME AC_API_KEY_TOKEN AC_PERSONAL_API_TOKEN AC_PAT \
             AC_SUB_ORGANIZATION_NAME AC_CODE_PUSH_TOKEN AC_PROFILE_API_TOKEN AC_PROFLE_API_TOKEN \
             APPCIRCLE_SELFHOSTED_TOKEN",
        ),
    ] {
        let conflicting: Vec<_> = conflicting.split_whitespace().collect();
        let home = conflicting
            .iter()
            .fold(Home::new(), |home, name| home.with(name, "left-over"))
            .with("SNYK_LOG_LEVEL", "kept");
        home.use_simulator(&simulator);
        let name = named(provider);
        home.add_seeded(&simulator, name).expect(0);
        let ran = home.run(&["exec", name, "--", "env"]).expect(0);
        assert!(!ran.out.contains("left-over"), "{provider}: {}", ran.out);
        assert!(ran.out.contains("SNYK_LOG_LEVEL=kept"), "{provider}: {}", ran.out);
        let note = ran.err.lines().find(|line| line.starts_with("note: not passed on")).unwrap();
        let told: Vec<_> = note.split([' ', ',']).collect();
        for variable in conflicting {
            assert!(told.contains(&variable), "{provider}: {variable} is not named: {note}");
        }
    }
}

#[test]
fn the_command_inherits_nothing_that_opens_the_store() {
    let home = home().with("tokenring_store_too", "x");
    for mode in [&[][..], &["--file"], &["--mask"], &["--stdin"]] {
        let ran = home.run(
            &[&["exec"], mode, &["ci", "--", "sh", "-c", "env | grep -i ^tokenring"]].concat(),
        );
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{mode:?}");
    }
    let kept = home
        .run(&["exec", "--keep-tokenring-env", "ci", "--", "sh", "-c", "env | grep ^TOKENRING"])
        .expect(0);
    assert!(kept.out.contains("TOKENRING_PASSPHRASE_FILE="), "{}", kept.out);
    let help = home.run(&["exec", "--help"]).expect(0).out;
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for told in ["What the command can still do", "It is not a barrier", "--keep-tokenring-env"] {
        assert!(help.contains(told), "{told}: {help}");
    }
}

#[test]
fn a_provider_file_cannot_set_a_variable_that_changes_other_programs() {
    let home = home();
    let file = include_str!("../../assets/providers/appcircle.toml");
    let file = file.replacen("id = \"appcircle\"", "id = \"acme\"", 1);
    let path = home.root().join("config/providers/acme.toml");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    for name in [
        "LD_PRELOAD",
        "DYLD_INSERT_LIBRARIES",
        "PATH",
        "BASH_ENV",
        "ENV",
        "PYTHONPATH",
        "NODE_OPTIONS",
        "https_proxy",
        "GIT_SSH_COMMAND",
        "SSL_CERT_FILE",
        "HOME",
        "TOKENRING_HOME",
        "A=B",
    ] {
        let hostile = file.replacen("\"AC_PERSONAL_ACCESS_KEY\"", &format!("\"{name}\""), 1);
        fs::write(&path, hostile).unwrap();
        let refused = home.run(&["exec", "ci", "--json", "--", "true"]).expect(2).error();
        let what = refused["what"].as_str().unwrap();
        assert!(what.contains(name) && what.contains("acme.toml"), "{name}: {refused}");
    }
    fs::write(&path, file).unwrap();
    home.run(&["exec", "ci", "--", "true"]).expect(0);
}

#[test]
fn two_that_contradict_one_another_are_refused() {
    let home = home();
    home.feed(
        &["add", "two", "--provider", "snyk", "--kind", "personal-token", "--region", "eu"],
        &SECRET.replace('1', "2"),
    )
    .expect(0);
    let refused = home.run(&["exec", "ci", "two", "--json", "--", "true"]).expect(2);
    assert!(refused.error()["why"].as_str().unwrap().contains("SNYK_TOKEN"), "{}", refused.err);
    let script = "echo $SNYK_TOKEN $OTHER";
    let ran = home.run(&["exec", "ci", "--env", "OTHER=two", "--", "sh", "-c", script]).expect(0);
    assert_eq!(ran.out, format!("{SECRET} {}\n", SECRET.replace('1', "2")));
}

/// A unique secret, so that it is found neither in the child of another test nor in another run of
/// the suite on this machine.
fn unique_secret(number: u32) -> String {
    format!("{:08x}-{number:04x}-4000-8000-000000000000", std::process::id())
}

#[test]
fn the_command_replaces_this_process_and_no_other_process_sees_the_secret() {
    let secret = &unique_secret(7);
    let home = home_with(secret);
    let mut child = start(&home, &["ci", "--", "sh", "-c", "echo $$; read wait"]);
    // Standard input must be held open, or the shell ends at once.
    let pid: u32 = first_line(&mut child).parse().unwrap();
    assert_eq!(pid, child.id(), "exec keeps the process ID");
    child.wait().unwrap();

    let mut held = home.command(&["exec", "ci", "--", "sh", "-c", "echo $$; read wait"]);
    let mut child = held.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let pid: u32 = first_line(&mut child).parse().unwrap();
    assert!(proc(pid, "environ").contains(secret), "the child has it");
    assert!(!proc(pid, "cmdline").contains(secret));
    for entry in fs::read_dir("/proc").unwrap() {
        let Ok(other) = entry.unwrap().file_name().to_string_lossy().parse::<u32>() else {
            continue;
        };
        let told = other != pid
            && (proc(other, "cmdline").contains(secret) || proc(other, "environ").contains(secret));
        assert!(!told, "process {other} has it too");
    }
    drop(child.stdin.take());
    child.wait().unwrap();
}

#[test]
fn in_no_mode_does_any_other_process_get_the_secret() {
    let secret = &unique_secret(9);
    let home = home_with(secret);
    for (mode, has_it) in [("--mask", true), ("--file", false), ("--stdin", false)] {
        // Standard input has no final newline, so the script reads it to its end; then the child
        // waits until it is killed.
        let script = "if [ -z \"$SNYK_TOKEN$SNYK_TOKEN_FILE\" ]; then cat >/dev/null; fi; echo $$; exec sleep 60";
        let mut child = start(&home, &[mode, "ci", "--", "sh", "-c", script]);
        let pid: u32 = first_line(&mut child).parse().unwrap();
        wait_for_program(pid, "sleep");
        assert_eq!(proc(pid, "environ").contains(secret), has_it, "{mode}");
        for entry in fs::read_dir("/proc").unwrap() {
            let Ok(other) = entry.unwrap().file_name().to_string_lossy().parse::<u32>() else {
                continue;
            };
            let told = proc(other, "cmdline").contains(secret)
                || other != pid && proc(other, "environ").contains(secret);
            assert!(!told, "{mode}: process {other} has it too");
        }
        kill_process(Pid::from_raw(child.id().cast_signed()).unwrap(), Signal::TERM).unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(15), "{mode}");
    }
}

#[test]
fn exit_codes_and_signals_are_the_commands_own() {
    let home = home();
    for mode in [&[][..], &["--file"], &["--mask"], &["--stdin"]] {
        for code in [0, 1, 3, 42, 255] {
            let ran = home.run(
                &[&["exec"], mode, &["ci", "--", "sh", "-c", &format!("exit {code}")]].concat(),
            );
            assert_eq!(ran.code, code, "{mode:?} {}", ran.err);
        }
        for signal in [2, 6, 9, 15] {
            let script = format!("kill -{signal} $$");
            let status = home
                .command(&[&["exec"], mode, &["ci", "--", "sh", "-c", &script]].concat())
                .status()
                .unwrap();
            assert_eq!(status.signal(), Some(signal), "{mode:?}");
        }
    }
    assert_eq!(home.run(&["exec", "ci", "--", "no-such-program-here"]).code, 127);
    assert_eq!(home.run(&["exec", "--mask", "ci", "--", "no-such-program-here"]).code, 127);
    assert_eq!(home.run(&["exec", "ci", "--", "/"]).code, 126);
}

#[test]
fn signals_from_outside_reach_the_command() {
    let home = home();
    for mode in [&[][..], &["--file"], &["--mask"]] {
        for (name, signal) in [
            ("HUP", Signal::HUP),
            ("INT", Signal::INT),
            ("TERM", Signal::TERM),
            ("USR1", Signal::USR1),
        ] {
            // The loop ends by itself if the signal never arrives, for example because the parent
            // of the test ignores it.
            let wait = "i=0; while [ $((i += 1)) -lt 1000 ]; do sleep 0.02; done";
            let script = format!("trap 'echo got {name}; exit 7' {name}; echo ready; {wait}");
            let mut child = start(&home, &[mode, &["ci", "--", "sh", "-c", &script]].concat());
            assert_eq!(first_line(&mut child), "ready");
            kill_process(Pid::from_raw(child.id().cast_signed()).unwrap(), signal).unwrap();
            let mut rest = String::new();
            child.stdout.as_mut().unwrap().read_to_string(&mut rest).unwrap();
            assert_eq!(
                (rest.trim(), child.wait().unwrap().code()),
                (format!("got {name}").as_str(), Some(7)),
                "{mode:?}"
            );
        }
    }
}

#[test]
fn a_signal_that_ends_the_command_ends_this_process_alike() {
    let home = home();
    for mode in ["--file", "--mask"] {
        let mut child = start(&home, &[mode, "ci", "--", "sh", "-c", "echo ready; exec sleep 60"]);
        assert_eq!(first_line(&mut child), "ready");
        kill_process(Pid::from_raw(child.id().cast_signed()).unwrap(), Signal::TERM).unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(15), "{mode}");
    }
}

#[test]
fn a_file_is_private_readable_again_and_in_no_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let home = home().with("XDG_RUNTIME_DIR", path).with("TMPDIR", path);
    let script = "cat $SNYK_TOKEN_FILE; stat -Lc ' %a' $SNYK_TOKEN_FILE; sh -c 'cat $SNYK_TOKEN_FILE'; echo; \
                  echo ${SNYK_TOKEN-unset} $SNYK_API; echo $SNYK_TOKEN_FILE; ls -A $TMPDIR; \
                  (echo x >$SNYK_TOKEN_FILE) 2>/dev/null || echo sealed";
    let ran = home.run(&["exec", "--file", "ci", "--", "sh", "-c", script]).expect(0);
    let lines: Vec<_> = ran.out.lines().collect();
    assert_eq!(lines[..2], [format!("{SECRET} 400"), SECRET.to_owned()]);
    assert_eq!(lines[2], "unset https://api.eu.snyk.io");
    assert!(lines[3].starts_with("/proc/self/fd/"), "{}", ran.out);
    assert_eq!(lines[4..], ["sealed"], "the folders stay empty");
}

#[test]
fn what_a_killed_run_left_behind_is_removed_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let home = home().with("XDG_RUNTIME_DIR", folder.path().to_str().unwrap());
    let [left, used] = ["tokenring-exec-left", "tokenring-exec-used"].map(|name| {
        let path = folder.path().join(name);
        fs::write(&path, SECRET).unwrap();
        path
    });
    let lock = fs::File::open(&used).unwrap();
    lock.lock().unwrap();
    let ran = home.run(&["exec", "ci", "--", "true"]).expect(0);
    assert!(ran.err.contains(&format!("removed {}", left.display())), "{}", ran.err);
    assert!(!left.exists() && used.exists() && !ran.err.contains("used"), "{}", ran.err);
    drop(lock);
    let ran = home.run(&["exec", "ci", "--", "true"]).expect(0);
    assert!(ran.err.contains(&format!("removed {}", used.display())) && !used.exists());
    assert_eq!(home.run(&["exec", "ci", "--", "true"]).expect(0).err, "");
}

#[test]
fn masked_output_shows_no_secret_in_any_encoding() {
    let home = home();
    let script = "echo plain $SNYK_TOKEN; printf %s $SNYK_TOKEN | base64 -w0; echo; printf %s $SNYK_TOKEN | od -An -tx1 -v | tr -d ' \\n'; echo; \
                  printf 'split '; printf %.9s $SNYK_TOKEN; printf %s $SNYK_TOKEN | cut -c10- ; echo err $SNYK_TOKEN >&2; printf 'no end'";
    let ran = home.run(&["exec", "--mask", "ci", "--", "sh", "-c", script]).expect(0);
    assert_eq!(ran.out.matches("‹secret›").count(), 4, "{}", ran.out);
    assert!(ran.out.ends_with("no end") && ran.err == "err ‹secret›\n", "{}{}", ran.out, ran.err);
    assert!(!ran.out.contains(SECRET) && !ran.out.contains(&SECRET[20..]));
}

#[test]
fn line_breaks_in_an_encoding_do_not_show_the_secret() {
    let secret: String = (0..209)
        .map(|place| char::from(b'a' + u8::try_from(place * place % 26).unwrap()))
        .collect();
    let home = home_with(&secret);
    let script = "printf %s $SNYK_TOKEN | base64; echo \"Authorization: token $SNYK_TOKEN\" | base64; \
                  printf %s $SNYK_TOKEN | od -An -tx1 -v | tr -d ' '; echo $SNYK_TOKEN | fold -w 40; echo the end";
    let shown = home.run(&["exec", "--mask", "ci", "--", "sh", "-c", script]).expect(0).out;
    assert!(shown.ends_with("the end\n") && shown.matches("‹secret›").count() > 20, "{shown}");
    let rest: String = shown.replace("‹secret›", "").split_whitespace().collect();
    assert!(rest.len() < 60, "only what stands before it and at its edges is left: {shown}");
}

#[test]
fn color_overstrikes_and_invisible_characters_do_not_show_the_secret() {
    let home = home();
    for (command, shown) in [
        (
            "echo x $SNYK_TOKEN y | grep --color=always -e 0000-4000",
            "x ‹secret›\u{1b}[01;31m\u{1b}[K\u{1b}[m\u{1b}[K y\n",
        ),
        ("echo $SNYK_TOKEN | sed 's/./\\x1b[1m&/g'", "\u{1b}[1m‹secret›\n"),
        ("echo $SNYK_TOKEN | sed 's/./&\\x08&/g'", "‹secret›\n"),
        ("echo $SNYK_TOKEN | sed 's/./_\\x08&/g'", "‹secret›\n"),
        ("echo $SNYK_TOKEN | sed 's/./&\\xe2\\x80\\x8b/g'", "‹secret›"),
        ("printf %s $SNYK_TOKEN | sed 's/./&\\x00/g'; printf '\\n\\0'", "‹secret›\n\0"),
        ("echo $SNYK_TOKEN | fold -w 7 | sed 's/^/  /'", "  ‹secret›\n  ‹secret›\n"),
    ] {
        let run = ["exec", "--mask", "ci", "--", "sh", "-c", command];
        let output = home.run(&run).expect(0).out;
        let kept: String = output.replace("\u{1b}[1m", "");
        let wanted = shown.replace("\u{1b}[1m", "");
        assert!(kept.starts_with(&wanted), "{command}: {output:?}");
        assert!(!kept.contains("e4ec") && !kept.contains("4000"), "{command}: {output:?}");
    }
}

#[test]
fn dumps_in_columns_do_not_show_the_secret() {
    let home = home_with("8f1c2ad4-97b3-4e60-a5d1-6c0e37fb9284");
    let secret = "‹secret›";
    for (tool, arguments, shown) in [
        ("od", "-An -v -tx1", format!(" {secret}\n {secret}\n {secret}\n")),
        (
            "od",
            "-tx1z",
            format!("0000000 {secret}  >{secret}<\n0000020 {secret}  >{secret}<\n0000040 {secret}"),
        ),
        ("od", "", format!("0000000 {secret}\n0000020 {secret}\n0000040 {secret}\n0000044\n")),
        ("od", "-b", format!("0000000 {secret}\n0000020 {secret}\n0000040 {secret}\n")),
        ("od", "-c", format!("0000000   {secret}\n0000020   {secret}\n0000040   {secret}\n")),
        (
            "od",
            "-tx8",
            format!(
                "0000000 {secret} {secret}\n0000020 {secret} {secret}\n0000040 00000000{secret}"
            ),
        ),
        ("base32", "-w 20", format!("{secret}\n{secret}\n{secret}")),
        ("xxd", "", format!("00000000: {secret}  {secret}\n00000010: {secret}  {secret}\n")),
        ("xxd", "-i", format!("  0x{secret},\n  0x{secret},\n  0x{secret}\n")),
        (
            "hexdump",
            "-C",
            format!("00000000  {secret}  |{secret}|\n00000010  {secret}  |{secret}|\n"),
        ),
        ("hexdump", "", format!("0000000 {secret}\n0000010 {secret}\n0000020 {secret}")),
    ] {
        if !has_program(tool) {
            println!("skipped: {tool} is not installed");
            continue;
        }
        let command = format!("printf %s $SNYK_TOKEN | {tool} {arguments}");
        let output = home.run(&["exec", "--mask", "ci", "--", "sh", "-c", &command]).expect(0).out;
        assert!(output.starts_with(&shown), "{command}:\n{output}\nnot:\n{shown}");
    }
}

fn has_program(name: &str) -> bool {
    let command = format!("command -v {name} >/dev/null");
    std::process::Command::new("sh").args(["-c", &command]).status().unwrap().success()
}

#[test]
fn a_secret_that_ends_a_line_is_masked_while_the_command_runs() {
    let home = home();
    let script =
        "echo ready; printf 'token %.9s\\n' $SNYK_TOKEN; read wait; echo $SNYK_TOKEN | cut -c10-";
    let mut child = home.command(&["exec", "--mask", "ci", "--", "sh", "-c", script]);
    let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n", "a line is shown at once");
    drop(child.stdin.take());
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "token ‹secret›\n‹secret›\n");
    child.wait().unwrap();
}

#[test]
fn output_that_could_not_be_written_is_reported_and_is_no_success() {
    let home = home();
    let full = || Stdio::from(fs::File::options().write(true).open("/dev/full").unwrap());
    for arguments in [
        &["exec", "--mask", "ci", "--", "echo", "x"][..],
        &["--help"],
        &["exec", "--help"],
        &["--version"],
        &["list"],
    ] {
        let done = home.command(arguments).stdout(full()).output().unwrap();
        let told = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(1), "{arguments:?}: {told}");
        assert!(
            told.contains("could not be written") && told.contains("No space left"),
            "{arguments:?}: {told}"
        );
    }
    let own = home
        .command(&["exec", "--mask", "ci", "--", "sh", "-c", "echo x; exit 7"])
        .stdout(full())
        .output()
        .unwrap();
    assert!(
        own.status.code().is_none_or(|code| code != 0),
        "it keeps its own exit code, or SIGPIPE ended it"
    );
}

#[test]
fn one_credential_named_twice_is_one() {
    let home = home();
    home.run(&["exec", "ci", "ci", "--", "true"]).expect(0);
    home.feed(
        &["add", "other", "--provider", "snyk", "--kind", "personal-token", "--region", "eu"],
        &SECRET.replace('1', "2"),
    )
    .expect(0);
    let two = home.run(&["exec", "ci", "other", "--json", "--", "true"]).expect(2).error();
    assert!(
        two["why"]
            .as_str()
            .unwrap()
            .starts_with("both other and an earlier credential set SNYK_TOKEN"),
        "{two}"
    );
}

#[test]
fn a_reader_that_goes_away_ends_a_masked_command() {
    let home = home();
    let begun = Instant::now();
    let mut child = start(&home, &["--mask", "ci", "--", "yes"]);
    assert_eq!(first_line(&mut child), "y");
    drop(child.stdout.take());
    let status = child.wait().unwrap();
    assert!(!status.success() && begun.elapsed() < EXEC_TIMEOUT, "{status}");
}

#[test]
fn a_command_that_reads_no_input_is_no_trouble() {
    let home = home();
    home.run(&["exec", "--stdin", "ci", "--", "true"]).expect(0);
}
