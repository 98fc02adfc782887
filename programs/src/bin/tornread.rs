//! A torn read: two fields of a slot, read one after the other, are of two lives.
//!
//! `tornreadfixed` is the mended twin.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use programs::samples::torn_read;

user::program!(main);

fn main() {
    torn_read::run("tornread", |slot| (slot.id(), slot.status()));
}
