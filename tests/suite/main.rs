//! The tests that look at the program from outside its modules.

#[cfg(test)]
mod store;
#[cfg(test)]
mod support;
