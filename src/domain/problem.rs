//! The one form in which screen, command line and log show that something went wrong.

use serde::Serialize;

/// What happened, why, and what to do about it. None of the three ever holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// What happened, in one sentence.
    pub what: String,
    /// Why it happened, as far as it is known.
    pub why: String,
    /// What the person can do about it; never empty.
    pub remedy: String,
    /// Which family of outcome this is; it decides the exit code.
    #[serde(skip)]
    pub class: ProblemClass,
}

/// The families of outcome, one for each exit code that a problem can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProblemClass {
    /// Anything that went wrong and has no family of its own (exit 1).
    #[default]
    Failed,
    /// The words given were not understood (exit 2).
    Usage,
    /// The named thing does not exist (exit 3).
    NotFound,
    /// The provider refused (exit 4).
    Refused,
    /// The outcome is unknown: network, timeout, server error (exit 5).
    Unknown,
    /// The store is locked or not available (exit 6).
    Store,
    /// A policy (age, expiry) is not met (exit 7).
    Policy,
    /// A rotation waits for a human (exit 8).
    NeedsHuman,
}

impl Problem {
    /// A problem of no particular family.
    pub fn new(what: impl Into<String>, why: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            why: why.into(),
            remedy: remedy.into(),
            class: ProblemClass::Failed,
        }
    }

    /// The same problem, filed under `class`.
    #[must_use]
    pub fn with_class(mut self, class: ProblemClass) -> Self {
        self.class = class;
        self
    }
}

impl ProblemClass {
    /// The exit code of this family, as the command line documents it.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::Refused => 4,
            Self::Unknown => 5,
            Self::Store => 6,
            Self::Policy => 7,
            Self::NeedsHuman => 8,
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {} ({})", self.what, self.why, self.remedy)
    }
}

impl std::error::Error for Problem {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_has_the_exit_code_that_is_documented() {
        let families = [
            ProblemClass::Failed,
            ProblemClass::Usage,
            ProblemClass::NotFound,
            ProblemClass::Refused,
            ProblemClass::Unknown,
            ProblemClass::Store,
            ProblemClass::Policy,
            ProblemClass::NeedsHuman,
        ];
        assert_eq!(families.map(ProblemClass::exit_code), [1, 2, 3, 4, 5, 6, 7, 8]);
    }

    #[test]
    fn a_problem_says_all_three() {
        assert_eq!(
            Problem::new("It broke", "it was old", "mend it").to_string(),
            "It broke: it was old (mend it)"
        );
    }
}
