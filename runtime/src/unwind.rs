//! Names of the unwinder that the prebuilt `core` refers to.
//!
//! Everything is built with `panic = "abort"`, so nobody calls them; they satisfy
//! the linker. If one were reached, an exception would have been thrown that nothing
//! can catch, so it stops.

/// Would choose the landing pad of an exception.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() -> ! {
    stop()
}

/// Would go on with an exception after a landing pad.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() -> ! {
    stop()
}

fn stop() -> ! {
    loop {
        core::hint::spin_loop();
    }
}
