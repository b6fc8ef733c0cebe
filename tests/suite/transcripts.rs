//! Runs the transcripts in `tests/suite/transcripts/`: commands that a user types and their output,
//! as documentation. Each file is one session with its own home and simulator;
//! `TOKENRING_WRITE_DOCS=1` writes the output again.
//!
//! Commands go through `sh`, so pipes and redirections work. The secrets that the simulator issued
//! are in `secrets/`, one file each, like the output of a password manager. Values that differ from
//! run to run (times, ports, random IDs) are replaced by a word in capitals.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::support::program::{Home, SimulatorProcess};

const OPENING: &str = "```console";
const CLOSING: &str = "```";

#[test]
fn the_program_answers_as_the_transcripts_say() {
    let is_writing = std::env::var_os("TOKENRING_WRITE_DOCS").is_some();
    for path in files() {
        let before = fs::read_to_string(&path).unwrap();
        let after = TranscriptRun::new().replay(&before);
        if is_writing {
            fs::write(&path, after).unwrap();
        } else if let Some((was, is)) =
            before.lines().zip(after.lines()).find(|(was, is)| was != is)
        {
            panic!("{}:\n  written: {was}\n  run:     {is}\nwhole run:\n{after}", path.display());
        } else {
            assert_eq!(
                before.lines().count(),
                after.lines().count(),
                "{}:\n{after}",
                path.display()
            );
        }
    }
}

#[test]
fn every_command_has_its_transcript() {
    let said: String = files().iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let said: Vec<_> =
        said.lines().filter(|line| line.starts_with("$ ")).map(|line| format!("{line} ")).collect();
    let is_said =
        |words: &str| said.iter().any(|line| line.contains(&format!("tokenring {words} ")));
    let mut silent = Vec::new();
    for verb in tokenring::cli::command().get_subcommands() {
        let below: Vec<_> = verb
            .get_subcommands()
            .map(|below| format!("{} {}", verb.get_name(), below.get_name()))
            .collect();
        silent.extend(
            std::iter::once(verb.get_name().to_owned())
                .chain(below)
                .filter(|words| !is_said(words)),
        );
    }
    assert!(silent.is_empty(), "without a transcript: {silent:?}");
}

#[test]
fn the_help_of_every_command_has_examples() {
    let is_silent = |verb: &&clap::Command| {
        !verb.get_after_help().is_some_and(|help| help.to_string().contains("Examples:\n"))
    };
    let grammar = tokenring::cli::command();
    let verbs = grammar
        .get_subcommands()
        .flat_map(|verb| std::iter::once(verb).chain(verb.get_subcommands()));
    let silent: Vec<_> = verbs.filter(is_silent).map(clap::Command::get_name).collect();
    assert!(silent.is_empty(), "without examples: {silent:?}");
}

/// The lines of the examples, as a shell gets them, without the other programs before and after.
fn examples(verb: &clap::Command) -> Vec<String> {
    let help =
        verb.get_after_help().map(ToString::to_string).unwrap_or_default().replace("\\\n", "");
    let lines = help
        .split("Examples:\n")
        .nth(1)
        .unwrap_or_default()
        .lines()
        .take_while(|line| line.starts_with("  "));
    let bare = |line: &str| {
        let from = line.find("tokenring ").unwrap();
        let end = [" | ", " > ", " >> ", " < ", " &"]
            .iter()
            .filter_map(|mark| line[from..].find(mark))
            .min();
        line[from..].split_at(end.unwrap_or(line.len() - from)).0.to_owned()
    };
    lines.map(bare).collect()
}

/// Splits a line into words as a shell does.
fn words(line: &str) -> Vec<String> {
    let script = format!("tokenring() {{ printf '%s\\0' tokenring \"$@\"; }}\n{line}");
    let done = Command::new("sh").args(["-fc", &script]).output().unwrap();
    assert!(done.status.success(), "{line}");
    String::from_utf8(done.stdout).unwrap().split_terminator('\0').map(str::to_owned).collect()
}

#[test]
fn every_example_is_understood_as_it_is_written_and_keeps_its_lines() {
    fn all(verb: &clap::Command) -> Vec<clap::Command> {
        std::iter::once(verb.clone()).chain(verb.get_subcommands().flat_map(all)).collect()
    }
    let grammar = tokenring::cli::command();
    let helps =
        all(&grammar).into_iter().filter_map(|verb| Some(verb.get_after_help()?.to_string()));
    for line in helps.flat_map(|help| help.lines().map(str::to_owned).collect::<Vec<_>>()) {
        assert!(
            !line.starts_with("  ") || line.chars().count() <= 100,
            "it would be broken anywhere: {line}"
        );
    }
    let mut seen = 0;
    for line in all(&grammar).iter().flat_map(examples) {
        seen += 1;
        if let Err(error) = grammar.clone().try_get_matches_from(words(&line)) {
            panic!("{line}: {error}");
        }
    }
    assert!(seen > 60, "{seen}");
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/transcripts");
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 3);
    files
}

/// A home, a simulator, and a working folder.
struct TranscriptRun {
    home: Home,
    simulator: SimulatorProcess,
    folder: TempDir,
}

impl TranscriptRun {
    fn new() -> Self {
        let (folder, simulator) = (TempDir::new().unwrap(), SimulatorProcess::start());
        let path = fs::canonicalize(folder.path()).unwrap();
        let text = path.to_str().unwrap().to_owned();
        let home = Home::new()
            .with("HOME", &text)
            .with("XDG_CONFIG_HOME", &format!("{text}/.config"))
            .with("LANG", "C.UTF-8");
        home.use_simulator(&simulator);
        fs::create_dir(path.join("secrets")).unwrap();
        for credential in simulator.manifest["credentials"].as_array().unwrap() {
            let (name, secret) =
                (credential["name"].as_str().unwrap(), credential["secret"].as_str().unwrap());
            fs::write(path.join("secrets").join(name), secret).unwrap();
        }
        Self { home, simulator, folder }
    }

    /// The transcript with the output of this run instead of the recorded one.
    fn replay(&self, text: &str) -> String {
        let mut after = String::new();
        let mut is_inside = false;
        for line in text.lines() {
            match line {
                OPENING => is_inside = true,
                CLOSING => is_inside = false,
                _ => {}
            }
            if !is_inside || line == OPENING {
                after.extend([line, "\n"]);
            } else if let Some(command) = line.strip_prefix("$ ") {
                after.extend([line, "\n", &self.answer(command)]);
            }
        }
        after
    }

    fn answer(&self, line: &str) -> String {
        let program = self.home.command(&[]);
        let bin = Path::new(program.get_program()).parent().unwrap().to_owned();
        let mut command = std::process::Command::new("sh");
        command
            .args(["-c", &format!("exec 2>&1\n{line}")])
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        for name in [
            "DISPLAY",
            "WAYLAND_DISPLAY",
            "TMUX",
            "SSH_CONNECTION",
            "SSH_TTY",
            "NO_COLOR",
            "USER",
            "LOGNAME",
        ] {
            command.env_remove(name);
        }
        let path = std::env::var("PATH").unwrap_or_default();
        command
            .env("PATH", format!("{}:{path}", bin.display()))
            .env("USER", "me")
            .env("TERM", "xterm-256color");
        // Disables the keyring of this machine.
        command.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere");
        let done = command.output().unwrap();
        let mut answer = self.normalize_output(&String::from_utf8_lossy(&done.stdout));
        if !answer.is_empty() && !answer.ends_with('\n') {
            answer.push('\n');
        }
        match done.status.code() {
            Some(0) => answer,
            code => format!("{answer}[exit code {}]\n", code.unwrap_or(-1)),
        }
    }

    /// The text without the values that differ in every run.
    fn normalize_output(&self, text: &str) -> String {
        let text = text.replace('\r', "");
        let mut text =
            text.replace(fs::canonicalize(self.folder.path()).unwrap().to_str().unwrap(), "~");
        text = text.replace(self.home.root().to_str().unwrap(), "~/.tokenring");
        for (region, hosts) in self.simulator.manifest["regions"].as_object().unwrap() {
            for (place, url) in hosts.as_object().unwrap() {
                text = text.replace(
                    url.as_str().unwrap(),
                    &format!("http://{place}.{}", region.to_lowercase()),
                );
            }
        }
        if text.lines().all(|line| without_variable_values(line) == line) && !text.contains("  MS")
        {
            return text;
        }
        let mut taken = None;
        text.lines().map(|line| normalize_row(line, &mut taken) + "\n").collect()
    }
}

/// A row of a table without its padding, which depends on replaced values; `taken` is the column of
/// milliseconds.
fn normalize_row(line: &str, taken: &mut Option<usize>) -> String {
    let bare = line.trim_start_matches([' ', '▸']);
    let cells: Vec<_> = bare.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect();
    if let Some(place) = cells.iter().position(|cell| *cell == "MS") {
        *taken = Some(place);
    }
    let time = |place: usize, cell: &str| {
        *taken == Some(place) && !cell.is_empty() && cell.chars().all(|c| c.is_ascii_digit())
    };
    let cells = cells.iter().enumerate().map(|(place, cell)| {
        if time(place, cell) { "N".to_owned() } else { without_variable_values(cell) }
    });
    let lead = if line.starts_with('▸') {
        "▸  ".to_owned()
    } else {
        " ".repeat(line.len() - bare.len())
    };
    lead + &cells.collect::<Vec<_>>().join("  ")
}

/// A text with times, IDs and durations replaced by placeholders.
fn without_variable_values(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let word: String = rest
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':' | '.'))
            .collect();
        if word.is_empty() || word.starts_with(':') {
            let c = rest.chars().next().unwrap();
            out.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        }
        rest = &rest[word.len()..];
        let kept = word.trim_end_matches([':', '.']);
        out.push_str(&placeholder(kept, rest, &out));
        out.push_str(&word[kept.len()..]);
    }
    out
}

/// The placeholder for a word: the word itself, unless it differs in every run.
fn placeholder(word: &str, after: &str, before: &str) -> String {
    let shape: String = word.chars().map(|c| if c.is_ascii_hexdigit() { 'x' } else { c }).collect();
    let digits = word.chars().all(|c| c.is_ascii_digit());
    let unit = after
        .split_whitespace()
        .next()
        .unwrap_or_default()
        .trim_end_matches([')', ',', '.', ';', '"']);
    if let Some((base, _)) = word.split_once("-tr-") {
        return format!("{base}-tr-HEX-N");
    }
    match () {
        () if before.ends_with("-tr-HEX-N (") => "ID",
        () if word.len() >= 20 && word.starts_with("20") && word.contains('T') => "TIME",
        () if shape == "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx" => "UUID",
        () if word.len() >= 12 && shape.chars().all(|c| c == 'x') && !digits => "HEX",
        // The versions of an API are dates too, but always the same ones.
        () if shape == "xxxx-xx-xx" && word.starts_with("20") && word != "2024-10-15" => "DATE",
        () if shape == "xx:xx" && after.starts_with(" UTC") => "TIME",
        () if digits && before.ends_with("(uid ") => "N",
        () if digits
            && after.starts_with(' ')
            && ["ms", "s", "min", "h", "d", "days"].contains(&unit) =>
        {
            "N"
        }
        () if digits && (before.ends_with("_ms\":") || before.ends_with("_ms\": ")) => "N",
        () => return word.to_owned(),
    }
    .to_owned()
}

#[test]
fn what_differs_from_run_to_run_has_a_word() {
    for (text, expected) in [
        ("at 2026-11-21T10:00:00Z.", "at TIME."),
        ("\"latency_ms\":12,\"n\":3", "\"latency_ms\":N,\"n\":3"),
        ("2027-02-07 (78 d)", "DATE (N d)"),
        ("until 2027-02-07 09:05 UTC", "until DATE TIME UTC"),
        ("id 0196a3b4c5d6e7f8, 5ec2e7aa-0000-4000-8000-00c0ffee0001", "id HEX, UUID"),
        ("nightly-tr-0196a3b4c5d6e7f8-1 (jvH94maZyo5M)", "nightly-tr-HEX-N (ID)"),
        ("200 OK in SNYK-EU-01", "200 OK in SNYK-EU-01"),
    ] {
        assert_eq!(without_variable_values(text), expected);
    }
}
