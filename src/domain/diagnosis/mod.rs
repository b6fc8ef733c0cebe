//! Diagnosis: what a response means, why a request was refused, and what helps.

pub mod explain;
pub mod header_explanations;
pub mod judgement;
pub mod refusal;
