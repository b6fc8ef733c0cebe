//! The built program with its own home, and the simulator. Start with [`Home`] and [`Simulator`].

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use tokenring::domain::Secret;
use tokenring::store::{FileStore, SecretStore as _, UnlockMethod, WorkFactor};

/// Passphrase of the encrypted file in every test.
pub(crate) const PASSPHRASE: &str = "Vq7-kept-for-Zk2-tests-Xw9";

/// A temporary home folder with an encrypted file for secrets.
pub(crate) struct Home {
    folder: TempDir,
    variables: Vec<(String, String)>,
}

/// The result of a command.
pub(crate) struct Outcome {
    /// Exit code.
    pub(crate) code: i32,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

/// A running simulator and its manifest.
pub(crate) struct SimulatorProcess {
    child: Child,
    /// The JSON line that it printed at its start.
    pub(crate) manifest: Value,
}

impl Home {
    /// Creates a home. Its vault uses a cheap key derivation, so that every command is quick.
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let passphrase = folder.path().join("passphrase");
        std::fs::write(&passphrase, PASSPHRASE).unwrap();
        make_private(&passphrase);
        let home = Self { folder, variables: Vec::new() };
        make_runtime_folder(&home);
        // Runs in another thread, because a test may already have a runtime.
        std::thread::scope(|scope| {
            scope.spawn(|| make_vault(&home.root().join("data/vault"))).join().unwrap();
        });
        home.with("TOKENRING_STORE", "file")
            .with("TOKENRING_PASSPHRASE_FILE", passphrase.to_str().unwrap())
    }

    /// Creates a home whose secrets are stored in the keyring of this session.
    pub(crate) fn on_keyring() -> Self {
        let home = Self {
            folder: TempDir::new().unwrap(),
            variables: vec![("TOKENRING_STORE".to_owned(), "keyring".to_owned())],
        };
        make_runtime_folder(&home);
        home
    }

    /// Sets an environment variable for every command.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The folder of all files of the program.
    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// The folder that the program finds as the runtime folder of the login.
    pub(crate) fn runtime_folder(&self) -> PathBuf {
        self.folder.path().join("run")
    }

    /// The command that starts the program in this home.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tokenring"));
        command.args(arguments).env("TOKENRING_HOME", self.root()).stdin(Stdio::null());
        for name in [
            "TOKENRING_STORE",
            "TOKENRING_PASSPHRASE_FILE",
            "TOKENRING_LOG",
            "HTTP_PROXY",
            "HTTPS_PROXY",
            "ALL_PROXY",
            "http_proxy",
            "https_proxy",
            "all_proxy",
            "NODE_EXTRA_CA_CERTS",
            "SSH_CONNECTION",
            "SSH_TTY",
            "CI",
            "GITHUB_ACTIONS",
        ] {
            command.env_remove(name);
        }
        // Hosts other than loopback go through a proxy that does not exist: no test sends anything
        // beyond this machine.
        command.env("HTTPS_PROXY", "http://127.0.0.1:1");
        // An agent ends with the folder of its socket, so it does not outlive the test.
        command.env("XDG_RUNTIME_DIR", self.runtime_folder());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Starts the screen in a terminal of 120 by 36.
    #[cfg(unix)]
    pub(crate) fn screen(&self) -> super::pty::Pty {
        self.at_terminal(&[])
    }

    /// Starts the screen and unlocks its store by typing the passphrase.
    #[cfg(unix)]
    pub(crate) fn unlocked_screen(&self) -> super::pty::Pty {
        let pty = self.screen();
        pty.expect("encrypted file locked");
        Self::unlock(pty)
    }

    /// Starts the screen of a home without credentials, and closes the welcome dialog.
    #[cfg(unix)]
    pub(crate) fn empty_screen(&self) -> super::pty::Pty {
        let mut pty = self.screen();
        pty.expect("Welcome");
        pty.send("\x1b");
        pty.expect_gone("Welcome");
        pty.expect("encrypted file locked");
        pty.send("u");
        Self::unlock(pty)
    }

    /// Types the passphrase that the screen asks for.
    #[cfg(unix)]
    pub(crate) fn unlock(mut pty: super::pty::Pty) -> super::pty::Pty {
        pty.expect("Unlock store");
        pty.send(&format!("{PASSPHRASE}\r"));
        pty.expect("store ● encrypted file");
        pty.expect_gone("Unlock store");
        pty
    }

    /// Starts an interactive bash in a terminal of 120 by 36. It finds the program, and at its end it
    /// writes its history to the file `history` in this folder, where it also starts.
    #[cfg(unix)]
    pub(crate) fn interactive_bash(&self, folder: &std::path::Path) -> super::pty::Pty {
        let program = std::path::Path::new(env!("CARGO_BIN_EXE_tokenring"));
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = self.other_program("bash", &["--noprofile", "--norc", "-i"]);
        command.env("PATH", format!("{}:{path}", program.parent().unwrap().display()));
        command.env("PS1", "ready> ").env("HISTFILE", folder.join("history"));
        let mut command = terminal_command(&command);
        command.cwd(folder);
        let bash = super::pty::Pty::start(command, 120, 36);
        bash.expect("ready> ");
        bash
    }

    /// Starts the screen inside another program, in a terminal of 120 by 36.
    #[cfg(unix)]
    pub(crate) fn screen_inside(&self, program: &str, arguments: &[&str]) -> super::pty::Pty {
        let command = self.other_program(program, arguments);
        super::pty::Pty::start(terminal_command(&command), 120, 36)
    }

    /// The command that starts another program with the environment of this home.
    #[cfg(unix)]
    fn other_program(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments);
        for (name, value) in self.command(&[]).get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
    }

    /// Starts the program with these arguments in a terminal of 120 by 36.
    #[cfg(unix)]
    pub(crate) fn at_terminal(&self, arguments: &[&str]) -> super::pty::Pty {
        super::pty::Pty::start(terminal_command(&self.command(arguments)), 120, 36)
    }

    /// Runs the program with empty standard input.
    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        self.feed(arguments, "")
    }

    /// Runs the program with `input` on standard input.
    pub(crate) fn feed(&self, arguments: &[&str], input: &str) -> Outcome {
        let mut command = self.command(arguments);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A program that refuses early does not read its input; the test checks its result.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let done = child.wait_with_output().unwrap();
        Outcome {
            code: done.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&done.stdout).into_owned(),
            err: String::from_utf8_lossy(&done.stderr).into_owned(),
        }
    }

    /// Points the regions of the providers at the simulator.
    pub(crate) fn use_simulator(&self, simulator: &SimulatorProcess) {
        for (id, hosts) in simulator.manifest["regions"].as_object().unwrap() {
            let provider = match id.split('-').next() {
                Some("SNYK") => "snyk",
                Some("SAW") => "snyk-api-web",
                _ => "appcircle",
            };
            let mut arguments = vec!["regions", "add", "--yes", "--provider", provider, "--id", id];
            for place in ["api", "app", "auth"] {
                if let Some(url) = hosts[place].as_str() {
                    arguments.extend([
                        ["--api", "--app", "--auth"][["api", "app", "auth"]
                            .iter()
                            .position(|known| *known == place)
                            .unwrap()],
                        url,
                    ]);
                }
            }
            self.run(&arguments).expect(0);
        }
    }

    /// Adds a seeded credential under its own name, without contacting the provider.
    pub(crate) fn add_seeded(&self, simulator: &SimulatorProcess, name: &str) -> Outcome {
        self.add_seeded_with(simulator, name, &["--offline"])
    }

    /// Adds a seeded credential under its own name, with these further arguments.
    pub(crate) fn add_seeded_with(
        &self,
        simulator: &SimulatorProcess,
        name: &str,
        further: &[&str],
    ) -> Outcome {
        let issued = simulator.credential(name);
        let text = |member: &str| issued[member].as_str().unwrap().to_owned();
        let mut arguments: Vec<String> = [
            "add",
            name,
            "--provider",
            &text("provider"),
            "--kind",
            &text("kind"),
            "--region",
            &text("region"),
        ]
        .map(str::to_owned)
        .into();
        for (id, value) in issued["fields"].as_object().unwrap() {
            arguments.extend(["--field".to_owned(), format!("{id}={}", value.as_str().unwrap())]);
        }
        let mut input = text("secret");
        for (id, part) in issued["parts"].as_object().into_iter().flatten() {
            arguments.extend(["--part".to_owned(), id.clone()]);
            input = format!("{input}\n{}", part.as_str().unwrap());
        }
        let arguments: Vec<&str> =
            arguments.iter().map(String::as_str).chain(further.iter().copied()).collect();
        self.feed(&arguments, &input)
    }
}

impl Outcome {
    /// Fails with the whole output unless the exit code is `code`.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "\nstdout: {}\nstderr: {}", self.out, self.err);
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }

    /// The error on standard error, as `--json` prints it.
    #[track_caller]
    pub(crate) fn error(&self) -> Value {
        serde_json::from_str::<Value>(self.err.lines().last().unwrap_or_default())
            .unwrap_or_else(|error| panic!("{error}: {}", self.err))["error"]
            .clone()
    }
}

impl SimulatorProcess {
    /// Starts `tokenring sandbox --json` and reads its manifest.
    pub(crate) fn start() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tokenring"));
        let mut child = command
            .args(["sandbox", "--json"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, manifest: serde_json::from_str(&line).unwrap() }
    }

    /// A seeded credential.
    #[track_caller]
    pub(crate) fn credential(&self, name: &str) -> &Value {
        let all = self.manifest["credentials"].as_array().unwrap();
        all.iter()
            .find(|credential| credential["name"] == name)
            .unwrap_or_else(|| panic!("the simulator issued no {name}"))
    }

    /// Adds a fault rule to the simulator.
    pub(crate) fn add_fault(&self, rule: &Value) {
        let answer = self.control(rule);
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    }

    /// Advances the clock of the simulator.
    pub(crate) fn advance(&self, time: std::time::Duration) {
        let answer = self.control(
            &serde_json::json!({ "advance_ms": u64::try_from(time.as_millis()).unwrap() }),
        );
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    fn control(&self, rule: &Value) -> String {
        let url = url::Url::parse(self.manifest["faults"].as_str().unwrap()).unwrap();
        let (host, body) = (url.authority(), rule.to_string());
        let head = format!("POST {} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n", url.path());
        let head = format!(
            "{head}content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let mut stream = std::net::TcpStream::connect(host).unwrap();
        stream.write_all((head + &body).as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// The secret of a seeded credential.
    #[track_caller]
    pub(crate) fn secret(&self, name: &str) -> &str {
        self.credential(name)["secret"].as_str().unwrap()
    }
}

impl Drop for SimulatorProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Makes the folder that a login has, which is private to its user.
fn make_runtime_folder(home: &Home) {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(home.runtime_folder()).unwrap();
}

#[cfg(unix)]
fn make_private(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[cfg(not(unix))]
fn make_private(_: &Path) {}

fn make_vault(folder: &Path) {
    let store = FileStore::new(folder.to_owned()).with_work_factor(WorkFactor::new(2));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let passphrase = Secret::from_text(PASSPHRASE.to_owned());
    runtime
        .block_on(
            store.unlock(UnlockMethod::Passphrase(&passphrase), std::time::Duration::from_secs(10)),
        )
        .unwrap();
}

/// The same command for a terminal.
#[cfg(unix)]
fn terminal_command(command: &Command) -> portable_pty::CommandBuilder {
    let mut inside = portable_pty::CommandBuilder::new(command.get_program());
    inside.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => inside.env(name, value),
            None => inside.env_remove(name),
        }
    }
    inside.env("TERM", "xterm-256color");
    inside.env("LANG", "C.UTF-8");
    inside
}
