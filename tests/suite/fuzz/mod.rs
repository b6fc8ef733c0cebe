//! Fuzz tests: every parser of foreign input reads any input without a panic, and no message
//! repeats a secret. Each target is fed its corpus (`tests/fuzz/`), inputs that failed before, and
//! mutations of both.
//!
//! A run of the suite feeds a few thousand inputs to each target. `TOKENRING_FUZZ=10000000 cargo
//! test --profile fuzz --test suite -- fuzz:: --nocapture` sets the number; `TOKENRING_FUZZ_SEED`
//! repeats a run. The mutations are not guided by coverage.

mod mutate;
mod targets;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use mutate::Mutator;

/// Stands for a secret: no message may repeat it.
const CANARY: &str = "CANARY7f3e9b1d5c2a";

/// Number of inputs for each target by default.
const FEW: u64 = 2_000;
/// Seed by default.
const SEED: u64 = 20_261_122;

/// A parser of foreign input.
struct Target {
    /// Name of the target and of its corpus folder.
    name: &'static str,
    /// Reads an input; panics if the result violates an invariant.
    read: fn(&[u8]),
    /// Words of the input language, for the mutations.
    words: &'static [&'static str],
}

impl Target {
    fn corpus(&self) -> Vec<Vec<u8>> {
        let mut files: Vec<PathBuf> = fs::read_dir(folder().join(self.name))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        assert!(!files.is_empty(), "{} has no corpus", self.name);
        files.iter().map(|file| fs::read(file).unwrap()).collect()
    }

    /// Feeds an input; stores an input that fails in the corpus folder, so that it can be examined
    /// and fixed.
    fn feed(&self, input: &[u8], seed: u64) {
        if catch_unwind(AssertUnwindSafe(|| (self.read)(input))).is_ok() {
            return;
        }
        let shown = String::from_utf8_lossy(input).into_owned();
        panic!(
            "{} (seed {seed}) does not take {shown:?}; keep it as tests/fuzz/{}/ and mend it",
            self.name, self.name
        );
    }

    fn run(&self, count: u64, seed: u64) {
        let corpus = self.corpus();
        for input in &corpus {
            self.feed(input, seed);
        }
        let mut mutator = Mutator::new(seed, &corpus, self.words);
        for _ in 0..count {
            let input = mutator.next();
            self.feed(&input, seed);
        }
        if count > FEW {
            eprintln!("{}: {count} inputs, seed {seed}, nothing found", self.name);
        }
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz")
}

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().map_or(usual, |text| text.parse().expect(name))
}

fn run(name: &str) {
    let target = targets::ALL.iter().find(|target| target.name == name).unwrap();
    target.run(number("TOKENRING_FUZZ", FEW), number("TOKENRING_FUZZ_SEED", SEED));
}

/// Defines one test for each target, so that a run can be limited to one.
macro_rules! fuzz {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                run(stringify!($name));
            }
        )*

        #[test]
        fn every_target_is_run_and_every_corpus_is_of_a_target() {
            let run = [$(stringify!($name)),*];
            let known: Vec<_> = targets::ALL.iter().map(|target| target.name).collect();
            assert_eq!(known, run);
            let mut folders: Vec<_> = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            folders.sort();
            let mut names = run.to_vec();
            names.sort_unstable();
            assert_eq!(folders, names);
        }
    };
}

fuzz!(identify key config provider curl headers answer vendor json_view);

#[test]
fn a_target_that_panics_is_found_out() {
    fn brittle(input: &[u8]) {
        assert!(input.len() % 7 != 3, "found");
    }
    let target = Target { name: "key", read: brittle, words: &["x"] };
    assert!(catch_unwind(AssertUnwindSafe(|| target.run(1_000, SEED))).is_err());
}
