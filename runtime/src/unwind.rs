//! Names of the unwinder that the prebuilt `core` refers to.
//!
//! Everything is built with `panic = "abort"`, so these are never called; they only
//! satisfy the linker. The hard thing is what to do if one were: something would have
//! thrown an exception that nothing can catch, so it stops here.

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
