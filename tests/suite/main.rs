//! Tests of the rooms from outside, and of the whole program.

#![cfg(test)]

mod index;
