//! Names of the unwinder that the prebuilt `core` refers to.
//!
//! Everything is built with `panic = "abort"`, so nobody calls them; they
//! exist to satisfy the linker. The one thing to know: their being reached
//! would mean that an exception was thrown, hence they stop.

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
