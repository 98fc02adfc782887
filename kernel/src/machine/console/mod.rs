//! The console: COM1 and the keyboard, first polled, later by interrupts.
//!
//! Until the core exists, [`say!`] writes straight to the port. From
//! then on everything that is printed goes through the kernel's ring; only a
//! panic, the monitor and the end of a run write straight to the port again.
//!
//! The hard thing is that switch: whoever writes synchronously has to be alone.
//! So the devices have a lock of their own, [`DEVICES`]. A chunk's writer takes
//! it before it lets go of the big lock, so that chunks come out in order
//! whatever tells when they are gone, and who holds both has the console to
//! itself. The big lock is taken first; who holds the devices waits for nobody.

pub mod keyboard;
mod line_errors;
pub mod pic;
pub mod uart;

use biglock::{BigLock, Guard};
use core::fmt;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use kcore::Event;
use keyboard::Keyboard;
use uart::{COM1, Cause};

/// What is typed at, and the right to use [`COM1`].
pub struct Devices {
    keyboard: Keyboard,
}

/// The devices of the console.
static DEVICES: BigLock<Devices> = BigLock::new(Devices {
    keyboard: Keyboard::new(),
});

/// The devices, for as long as the guard lives. Others have them for as long as
/// a chunk takes, or for good.
pub fn devices() -> Guard<'static, Devices> {
    DEVICES.lock(|| {})
}

impl Devices {
    /// A byte that was typed, if there is one.
    pub fn typed(&mut self) -> Option<u8> {
        COM1.poll().or_else(|| self.keyboard.poll())
    }
}

/// Writes to the port and waits; for CPU 0 while it is alone, for whoever has
/// stopped all others, and for whoever holds the big lock and the devices.
pub struct Synchronous;

impl fmt::Write for Synchronous {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        COM1.write_waiting(text.as_bytes());
        Ok(())
    }
}

/// Prints a line synchronously.
macro_rules! say {
    ($($arg:tt)*) => {{
        use core::fmt::Write as _;
        // Writing to the port cannot fail.
        let _ = writeln!($crate::machine::console::Synchronous, $($arg)*);
    }};
}
pub(crate) use say;

/// The lines of the devices, and the one that leads to the mouse's.
const LINES: [u8; 4] = [pic::KEYBOARD, pic::CASCADE, pic::SERIAL, pic::MOUSE];

/// Lets the devices interrupt CPU 0.
pub fn enable_interrupts() {
    pic::init();
    devices().keyboard.init();
    listen();
    let [keyboard, cascade, serial, mouse] = LINES;
    say!("enabled interrupts: {keyboard} {cascade} {serial} {mouse}");
}

/// From now on the devices interrupt CPU 0.
pub fn listen() {
    COM1.enable_interrupts();
    pic::unmask(&LINES);
}

/// From now on they do not: what is typed is polled for.
pub fn hush() {
    pic::unmask(&[]);
    COM1.disable_interrupts();
}

/// How many chunks CPU 0 writes in a quantum of one of its environments. Its
/// interrupts are the transmitter's, and an emulated port is always ready: with
/// no limit, what others print would keep its environments from running at all.
const CHUNKS_PER_QUANTUM: u32 = 8;

/// How many of them are left.
static CHUNKS_LEFT: AtomicU32 = AtomicU32::new(CHUNKS_PER_QUANTUM);

/// How many bytes CPU 0 receives, while it is busy, until it leaves the next for
/// another quantum: an emulated line is as fast as whoever sends. Twice what the
/// real one carries, since the count begins anew in the quantum after that.
static INPUT: AtomicU32 = AtomicU32::new(0);

/// How many of them are left.
static INPUT_LEFT: AtomicU32 = AtomicU32::new(0);

/// The port was not listened to, for the quantum's sake.
static HELD_BACK: AtomicBool = AtomicBool::new(false);

/// So was the transmitter, with a chunk gone.
static TRANSMITTER_WAITS: AtomicBool = AtomicBool::new(false);

/// Sets how long a quantum is.
pub fn set_quantum(microseconds: u32) {
    const LINE: u32 = 115_200 / 10; // bytes a second
    let bytes = u64::from(2 * LINE) * u64::from(microseconds) / 1_000_000;
    let bytes = bytes as u32 + uart::FIFO as u32;
    INPUT.store(bytes, Relaxed);
    INPUT_LEFT.store(bytes, Relaxed);
}

/// The next thing that an interrupt of COM1 is about; `None` when there is no
/// more. `idle` is whether it keeps no environment from running.
pub fn serial_event(idle: bool) -> Option<Event> {
    let _alone = devices();
    loop {
        let left = INPUT_LEFT.load(Relaxed);
        let receive = idle || left > 0;
        if !receive {
            COM1.do_not_receive();
            HELD_BACK.store(true, Relaxed);
        }
        match COM1.next_cause(receive)? {
            Cause::Received(byte) => {
                INPUT_LEFT.store(left.saturating_sub(1), Relaxed);
                return Some(Event::ConsoleInput { byte });
            }
            Cause::Transmitted if idle => return Some(Event::ConsoleReady),
            Cause::Transmitted => {
                let left = CHUNKS_LEFT.load(Relaxed);
                if left > 0 {
                    CHUNKS_LEFT.store(left.saturating_sub(1), Relaxed);
                    return Some(Event::ConsoleReady);
                }
                TRANSMITTER_WAITS.store(true, Relaxed);
                HELD_BACK.store(true, Relaxed);
            }
        }
    }
}

/// CPU 0 begins a quantum, or idles: the port is listened to again.
#[inline(always)]
pub fn new_quantum() {
    CHUNKS_LEFT.store(CHUNKS_PER_QUANTUM, Relaxed);
    if HELD_BACK.load(Relaxed) {
        listen_to_port();
    }
}

#[cold]
fn listen_to_port() {
    let _alone = devices();
    HELD_BACK.store(false, Relaxed);
    INPUT_LEFT.store(INPUT.load(Relaxed), Relaxed);
    COM1.ask_for_received();
    // With no chunk on its way the transmitter has nothing to tell.
    if TRANSMITTER_WAITS.swap(false, Relaxed) {
        COM1.ask_for_transmitted();
    }
}

/// What an interrupt of the keyboard or the mouse is about, if it is a
/// character. One at most: if there is more, it interrupts again.
pub fn keyboard_event() -> Option<Event> {
    let byte = devices().keyboard.poll()?;
    Some(Event::ConsoleInput { byte })
}

/// As [`keyboard_event`], of the mouse's.
pub fn mouse_event() -> Option<Event> {
    let event = keyboard_event();
    pic::acknowledge_mouse();
    event
}

/// Writes out what was still in the kernel's ring, for whoever has the kernel
/// for good.
pub fn flush(bytes: impl Iterator<Item = u8>) {
    for byte in bytes {
        COM1.write_waiting(&[byte]);
    }
}
