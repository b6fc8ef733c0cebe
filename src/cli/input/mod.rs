//! What the user gives besides options: answers at prompts, secrets, passphrases.

pub(super) mod new_passphrase;
pub(super) mod prompt;
pub(super) mod secret_arguments;
pub(super) mod secret_input;
