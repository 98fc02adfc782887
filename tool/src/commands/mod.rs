//! What each subcommand does. A command returns its exit status, or an error
//! whose status [`crate::status::of_error`] knows.

pub mod bench;
pub mod book;
pub mod clean;
pub mod debug;
pub mod doc;
pub mod doctor;
pub mod explore;
pub mod gdb;
pub mod grade;
pub mod image;
pub mod lab;
pub mod mem;
pub mod new;
pub mod replay;
pub mod run;
pub mod setup;
pub mod test;
pub mod trace;
pub mod trying;
pub mod web;
