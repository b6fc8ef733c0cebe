//! Errors as the screen, the command line and the log display them.
//!
//! Every module converts its own error type into a [`Problem`]; the command line takes the exit
//! code from its [`ProblemClass`].

use serde::Serialize;

/// What happened, why, and what to do about it. None of the three ever contains a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// What happened, in one sentence.
    pub what: String,
    /// Why it happened, as far as known.
    pub why: String,
    /// What the user can do about it; never empty.
    pub remedy: String,
    /// Class of the problem, which decides the exit code.
    #[serde(skip)]
    pub class: ProblemClass,
}

/// Classes of problems, one for each exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProblemClass {
    /// Any failure without a class of its own (exit 1).
    #[default]
    Failed,
    /// Invalid arguments (exit 2).
    Usage,
    /// The named item does not exist (exit 3).
    NotFound,
    /// The provider refused (exit 4).
    Refused,
    /// The outcome is unknown: network, timeout, server error (exit 5).
    Unknown,
    /// The store is locked or not available (exit 6).
    Store,
    /// A policy (age, expiry) is not met (exit 7).
    Policy,
    /// A rotation waits for the user (exit 8).
    NeedsHuman,
}

impl Problem {
    /// Creates a problem of class [`ProblemClass::Failed`].
    pub fn new(what: impl Into<String>, why: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            why: why.into(),
            remedy: remedy.into(),
            class: ProblemClass::Failed,
        }
    }

    /// Returns the same problem with another class.
    #[must_use]
    pub fn with_class(mut self, class: ProblemClass) -> Self {
        self.class = class;
        self
    }
}

impl ProblemClass {
    /// Returns the exit code of this class, as documented for the command line.
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
            Problem::new("It broke", "it was old", "fix it").to_string(),
            "It broke: it was old (fix it)"
        );
    }
}
