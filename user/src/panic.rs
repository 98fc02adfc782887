//! What a panic does: JOS's line, then a breakpoint.
//!
//! The one hard thing: the breakpoint may return (a monitor lets the
//! environment go on), so it is issued for ever.

use core::arch::asm;
use core::panic::PanicInfo;

use crate::{println, start, sys};

#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    let id = sys::getenvid().0;
    let name = start::name();
    let message = info.message();
    match info.location() {
        Some(at) => println!(
            "[{id:08x}] user panic in {name} at {}:{}: {message}",
            at.file(),
            at.line()
        ),
        None => println!("[{id:08x}] user panic in {name}: {message}"),
    }
    loop {
        // SAFETY: a breakpoint changes nothing of ours.
        unsafe { asm!("int3", options(nomem, nostack)) };
    }
}
