//! OAuth 2: grants, token responses, assertions and the sign-in in the browser.

pub(super) mod assertion;
pub mod callback;
pub mod exchange;
pub mod grants;
pub mod sign_in;
pub(super) mod token_response;
