//! What the user gives besides options: answers at prompts, secrets, passphrases, callback URLs.

pub(super) mod prompt;
pub(super) mod prompter;
