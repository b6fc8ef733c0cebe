//! The simulator: loopback providers that the rest of the program meets only over HTTP.
