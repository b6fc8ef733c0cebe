//! Tests of the leak gate itself: a secret planted in an output is found there. The plant is a text
//! that has not the shape of a secret, so the program prints and stores it like any other text.

use std::fs;
use std::io::Write as _;

use super::{LeakGate, random};
use crate::support::program::Home;

impl LeakGate {
    /// Fails unless the plant was found in this sink and in no other one since the last call.
    #[track_caller]
    fn assert_found_only_in(&mut self, sink: &str) {
        assert!(!self.leaks.is_empty(), "the plant in {sink} was not noticed");
        let elsewhere: Vec<_> = self.leaks.iter().filter(|leak| !leak.contains(sink)).collect();
        assert!(elsewhere.is_empty(), "{elsewhere:?}");
        self.leaks.clear();
    }

    /// Plants a secret in the process files that other processes can read, and in the output of the
    /// screen.
    fn plant_at_a_terminal(&mut self, plant: &str) {
        self.home = std::mem::replace(&mut self.home, Home::new()).with("PLANTED", plant);
        let mut pty = self.home.screen();
        pty.expect("Credentials");
        self.search_process_files(&pty);
        self.assert_found_only_in("environ");
        pty.expect("Unlock store");
        pty.escape();
        pty.send(&format!("/{plant}x"));
        pty.expect("0 of 1");
        pty.send("\x1b");
        pty.expect_gone("0 of 1");
        pty.send("q");
        assert_eq!(pty.code(), 0);
        self.search_bytes("what the terminal was sent", &pty.bytes(0));
        self.assert_found_only_in("the terminal");
    }

    /// Plants a secret in the index, in a file name, in a left-over file, and in the log.
    fn plant_in_files(&mut self, plant: &str) {
        let aside = self.home.root().parent().unwrap().to_owned();
        let (data, named, left) =
            (self.home.root().join("data"), aside.join("tmp").join(plant), aside.join("tmp/left"));
        self.search_folder(&data);
        self.assert_found_only_in("index.db");
        fs::write(&named, "").unwrap();
        self.search_folder(&aside.join("tmp"));
        self.assert_found_only_in(plant);
        fs::rename(named, &left).unwrap();
        fs::write(&left, plant.as_bytes()).unwrap();
        self.search_folder(&aside.join("tmp"));
        self.assert_found_only_in("tmp/left");
        for gone in [data, aside.join("tmp")] {
            fs::remove_dir_all(gone).unwrap();
        }
        let mut log =
            fs::File::options().append(true).create(true).open(aside.join("trace.log")).unwrap();
        log.write_all(plant.as_bytes()).unwrap();
        self.search_folder(&aside);
        self.assert_found_only_in("trace.log");
    }
}

#[test]
fn a_planted_leak_is_noticed_in_every_sink() {
    let mut gate = LeakGate::new();
    let canary = gate.canaries.remove(0);
    gate.run(
        &["add", canary.name, "--provider", canary.provider, "--kind", canary.kind],
        &canary.input,
    )
    .expect(0);
    let folder = gate.home.root().parent().unwrap().to_owned();
    gate.search_folder(&folder);
    gate.assert_no_leaks();

    let plant = random(40).replace(|c: char| c.is_ascii_digit(), "x");
    gate.search.add_secret("the plant", &plant);
    gate.run(&["edit", canary.name, "--label", &plant], "").expect(0);
    gate.leaks.clear();
    gate.run(&["list", "--json"], "").expect(0);
    gate.assert_found_only_in("standard output");
    gate.run(&["show", &plant], "").expect(3);
    gate.assert_found_only_in("standard error");
    gate.plant_at_a_terminal(&plant);
    gate.plant_in_files(&plant);
}
