//! Benchmarks of the screen in a pseudo-terminal of 120×40, compared with the empty program in the
//! same terminal. Start with [`measure`].

use std::io::{Read as _, Write};
use std::process::Command;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use tokenring::database::Database;

use crate::table::{self, ms};
use crate::times::{RunTimes, alternate, timed};
use crate::world::{self, Home};

/// Escape sequence at the end of a frame.
const FRAME_END: &[u8] = b"\x1b[?2026l";

const STARTS: usize = 60;
const KEYS: usize = 1_000;
const IDLE_TIME: Duration = Duration::from_secs(60);

/// Time without output after which the screen is considered settled.
const SILENCE: Duration = Duration::from_millis(300);

/// A program that runs in a pseudo-terminal.
pub(crate) struct RunningProgram {
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    frames: Receiver<OutputChunk>,
    started: Instant,
    _master: Box<dyn MasterPty + Send>,
}

/// One chunk of output and the time it was read.
struct OutputChunk {
    at: Instant,
    bytes: Vec<u8>,
    ends_frame: bool,
}

/// Measures everything that a user of the screen notices.
pub(crate) fn measure(home: &Home) {
    let start = |home: &Home| RunningProgram::start(&home.command(&[]));
    let empty = || RunningProgram::start(&world::empty());
    let (taken, beside) = alternate(STARTS, || first_frame(start(home)), || first_frame(empty()));
    table::ratio("first frame, 10,000 credentials", &taken, ("empty program", &beside), 1.4);
    let few = Home::with_credentials(100);
    for (count, words) in [(1_000, "1,000"), (10_000, "10,000"), (100_000, "100,000")] {
        let more = Home::with_credentials(count);
        let (taken, beside) =
            alternate(STARTS / 3, || first_frame(start(&more)), || first_frame(start(&few)));
        table::ratio(
            &format!("first frame, {words} credentials"),
            &taken,
            ("100 credentials", &beside),
            1.1,
        );
    }

    let (mut ours, mut empty) = (start(home), empty());
    ours.read_until_silent();
    empty.read_until_silent();
    keys("key → painted", &mut ours, &mut empty);
    idle(&mut ours);
    let [taken, beside] = [ours.resident(), empty.resident()].map(f64::from);
    let words =
        (format!("{:.1} MiB", taken / 1024.0), format!("empty program {:.1} MiB", beside / 1024.0));
    table::proportion("resident memory", &words.0, &words.1, (taken / beside, 2.0));
    table::ratio(
        "filter keystroke → painted",
        &filter_keys(&mut ours),
        ("nucleo on the bare names", &bare_filter(home)),
        2.0,
    );
    ours.end();
    empty.end();
}

/// Measures keys, alternating with the empty program.
pub(crate) fn keys(what: &str, ours: &mut RunningProgram, empty: &mut RunningProgram) {
    let keys = std::cell::Cell::new(0);
    let next = || ["j", "k"][keys.replace(keys.get() + 1) / 2 % 2];
    let (taken, beside) = alternate(KEYS, || ours.press(next()), || empty.press(next()));
    table::ratio(&format!("{what}, median"), &taken, ("empty program", &beside), 1.3);
    let (taken, beside) = (taken.at(99), beside.at(99));
    let ratio = taken.div_duration_f64(beside);
    table::proportion(
        &format!("{what}, 99th percentile"),
        &ms(taken),
        &format!("empty program {}", ms(beside)),
        (ratio, 4.0),
    );
}

fn first_frame(mut running: RunningProgram) -> Duration {
    let taken = running.next_frame() - running.started;
    running.child.kill().unwrap();
    running.child.wait().unwrap();
    taken
}

/// Measures the screen without any input.
fn idle(running: &mut RunningProgram) {
    running.read_until_silent();
    let (ticks, bytes) = (running.ticks(), running.read_for(IDLE_TIME));
    let ticks = running.ticks() - ticks;
    let seconds = IDLE_TIME.as_secs();
    let taken = format!("{ticks} CPU ticks, {bytes} bytes");
    let sum = f64::from(u32::try_from(ticks).unwrap()) + f64::from(u32::try_from(bytes).unwrap());
    table::limit(&format!("idle for {seconds} s"), &taken, "zero", (sum, 0.0, ""));
}

/// Measures keystrokes in the filter.
fn filter_keys(running: &mut RunningProgram) -> RunTimes {
    running.press("/");
    let typed = |_| {
        let times = ["c", "a", "n"].map(|key| running.press(key));
        for _ in 0..3 {
            running.press("\x7f");
        }
        times
    };
    (0..20).flat_map(typed).collect()
}

fn bare_filter(home: &Home) -> RunTimes {
    let names: Vec<_> = Database::open(&home.index())
        .unwrap()
        .credentials()
        .unwrap()
        .into_iter()
        .map(|known| known.name)
        .collect();
    let mut matcher = Matcher::new(Config::DEFAULT);
    ["c", "ca", "can"]
        .iter()
        .cycle()
        .take(60)
        .map(|typed| {
            let pattern = Pattern::parse(typed, CaseMatching::Ignore, Normalization::Smart);
            timed(|| {
                drop::<Vec<_>>(pattern.match_list(
                    names.iter().map(tokenring::domain::CredentialName::as_str),
                    &mut matcher,
                ));
            })
        })
        .collect()
}

impl RunningProgram {
    pub(crate) fn start(command: &Command) -> Self {
        let mut builder = CommandBuilder::new(command.get_program());
        builder.args(command.get_args());
        command.get_envs().for_each(|(name, value)| builder.env(name, value.unwrap_or_default()));
        builder.env("TERM", "xterm-256color");
        builder.env("LANG", "C.UTF-8");
        let pair = native_pty_system()
            .openpty(PtySize { rows: 40, cols: 120, pixel_width: 0, pixel_height: 0 })
            .unwrap();
        let (mut reader, keys) =
            (pair.master.try_clone_reader().unwrap(), pair.master.take_writer().unwrap());
        let (send, frames) = mpsc::channel();
        std::thread::spawn(move || {
            let mut buffer = vec![0; 1 << 16];
            while let Ok(length @ 1..) = reader.read(&mut buffer) {
                let (at, bytes) = (Instant::now(), buffer[..length].to_vec());
                let ends_frame = holds(&bytes, FRAME_END);
                if send.send(OutputChunk { at, bytes, ends_frame }).is_err() {
                    break;
                }
            }
        });
        let started = Instant::now();
        let child = pair.slave.spawn_command(builder).unwrap();
        Self { child, keys, frames, started, _master: pair.master }
    }

    /// Waits for the next frame; returns the time when it was complete.
    fn next_frame(&mut self) -> Instant {
        loop {
            let piece = self.frames.recv_timeout(Duration::from_secs(10)).unwrap();
            if piece.ends_frame {
                return piece.at;
            }
        }
    }

    /// Returns the time from a key until the screen shows a text that it did not show before.
    pub(crate) fn press_until_shown(&mut self, key: &str, text: &str) -> Duration {
        let begin = Instant::now();
        self.write(key);
        loop {
            let piece = self.frames.recv_timeout(Duration::from_secs(30)).unwrap();
            if holds(&piece.bytes, text.as_bytes()) {
                return piece.at - begin;
            }
        }
    }

    fn press(&mut self, key: &str) -> Duration {
        let begin = Instant::now();
        self.write(key);
        self.next_frame() - begin
    }

    /// Writes keys without waiting.
    pub(crate) fn write(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// Returns how many frames follow a key until the screen is settled, and the time from the
    /// first to the last one.
    pub(crate) fn frames_after(&mut self, key: &str) -> (u32, Duration) {
        self.write(key);
        let mut ends = Vec::new();
        while let Ok(piece) = self.frames.recv_timeout(SILENCE) {
            ends.extend(Some(piece.at).filter(|_| piece.ends_frame));
        }
        (u32::try_from(ends.len()).unwrap(), *ends.last().unwrap() - ends[0])
    }

    /// Reads until the program is silent for [`SILENCE`].
    pub(crate) fn read_until_silent(&mut self) {
        while self.frames.recv_timeout(SILENCE).is_ok() {}
    }

    /// Presses keys one after another, each after the frame of the previous one.
    pub(crate) fn press_each(&mut self, keys: &[&str]) {
        for key in keys {
            self.write(key);
            self.read_until_silent();
        }
    }

    fn read_for(&mut self, span: Duration) -> usize {
        let end = Instant::now() + span;
        let mut bytes = 0;
        while let Ok(piece) =
            self.frames.recv_timeout(end.saturating_duration_since(Instant::now()))
        {
            bytes += piece.bytes.len();
        }
        bytes
    }

    /// CPU time of the program in hundredths of a second.
    fn ticks(&self) -> u64 {
        let stat = self.proc("stat");
        stat.rsplit(')')
            .next()
            .unwrap()
            .split_whitespace()
            .skip(11)
            .take(2)
            .map(|ticks| ticks.parse::<u64>().unwrap())
            .sum()
    }

    /// Resident memory in KiB.
    fn resident(&self) -> u32 {
        let status = self.proc("status");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    fn proc(&self, file: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{file}", self.child.process_id().unwrap()))
            .unwrap()
    }

    pub(crate) fn end(mut self) {
        self.keys.write_all(b"\x1b").unwrap();
        self.read_until_silent();
        self.keys.write_all(b"q").unwrap();
        assert!(
            self.child.wait().unwrap().success(),
            "it ends well, after {}",
            ms(self.started.elapsed())
        );
    }
}

fn holds(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}
