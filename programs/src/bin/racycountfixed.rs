//! As `racycount`, mended: reading, adding and writing are one step.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::Ordering::SeqCst;

use programs::samples::racy_count;

user::program!(main);

fn main() {
    racy_count::run("racycountfixed", |count| {
        count.fetch_add(1, SeqCst);
    });
}
