//! As `tornread`, mended: what was read while the id stayed the same is of one life.
//!
//! It relies on what the kernel promises: an id does not come again, and at a birth the
//! id is written before the status.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use programs::samples::torn_read;

user::program!(main);

fn main() {
    torn_read::run("tornreadfixed", |slot| {
        loop {
            let entry = (slot.id(), slot.status());
            if slot.id() == entry.0 {
                return entry;
            }
        }
    });
}
