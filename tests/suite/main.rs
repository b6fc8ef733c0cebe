//! The program from outside: one binary, so that everything is linked once.

mod net;
