//! The console: COM1 and the keyboard, first polled, later by interrupts.
//!
//! Until the core exists, [`say!`] writes straight to the port. From then on all
//! output goes through the kernel's ring; only a panic, the monitor and the end of
//! a run write straight to the port again.
//!
//! The hard thing is that switch: a CPU that writes synchronously must be alone.
//! So the devices have a lock of their own, [`DEVICES`]. The writer of a chunk
//! takes it before releasing the big lock, so that chunks come out in order; and a
//! CPU that holds both locks has the console to itself. The big lock is always
//! taken first; a CPU that holds the devices waits for no other.

pub mod keyboard;
mod line_errors;
pub mod pic;
pub mod uart;

use abi::trap::Vector;
use biglock::{BigLock, Guard};
use core::fmt;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use kcore::Event;
use keyboard::Keyboard;
use uart::{Cause, Com1};

/// The keyboard, and the right to use [`Com1`].
pub struct Devices {
    keyboard: Keyboard,
}

/// Taken after the big lock, if both are.
static DEVICES: BigLock<Devices> = BigLock::new(Devices {
    keyboard: Keyboard::new(),
});

/// The devices, for as long as the guard lives. Another CPU keeps them for as long as
/// a chunk takes, or for good.
pub fn devices() -> Guard<'static, Devices> {
    DEVICES.lock(|| {})
}

impl Devices {
    /// A byte that was typed on either device, if there is one.
    pub fn typed(&mut self) -> Option<u8> {
        Com1.poll().or_else(|| self.keyboard.poll())
    }
}

/// Writes to the port and waits. For CPU 0 while it is alone, for a CPU that has
/// stopped all others, and for one that holds both the big lock and the devices.
pub struct Synchronous;

impl fmt::Write for Synchronous {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        Com1.write_waiting(text.as_bytes());
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

/// The interrupt lines of the devices, and the cascade that the mouse's goes through.
const LINES: [u8; 4] = [pic::KEYBOARD, pic::CASCADE, pic::SERIAL, pic::MOUSE];

/// Sets the devices up to interrupt CPU 0.
pub fn enable_interrupts() {
    pic::init();
    devices().keyboard.init();
    listen();
    let [keyboard, cascade, serial, mouse] = LINES;
    say!("enabled interrupts: {keyboard} {cascade} {serial} {mouse}");
}

/// Lets the devices interrupt CPU 0.
pub fn listen() {
    Com1.ask_for_received();
    pic::unmask(&LINES);
}

/// Stops the devices' interrupts: from now on input must be polled.
pub fn hush() {
    pic::unmask(&[]);
    Com1.disable_interrupts();
}

/// How many chunks CPU 0 may write in one quantum. It takes the transmitter's
/// interrupts, and an emulated port is always ready: without a limit, what other CPUs
/// print would keep CPU 0's environments from running at all.
const CHUNKS_PER_QUANTUM: u32 = 8;

/// The chunks left in this quantum.
static CHUNKS_LEFT: AtomicU32 = AtomicU32::new(CHUNKS_PER_QUANTUM);

/// How many bytes CPU 0 may receive, while it is busy, before the rest must wait for
/// a new quantum: an emulated line is as fast as its sender. Twice what a real line
/// carries in a quantum, because the count begins anew only after bytes had to wait.
static INPUT: AtomicU32 = AtomicU32::new(0);

/// The bytes left until then.
static INPUT_LEFT: AtomicU32 = AtomicU32::new(0);

/// Whether an interrupt of the port was held back until the next quantum.
static HELD_BACK: AtomicBool = AtomicBool::new(false);

/// Whether that was the transmitter's, with a chunk gone.
static TRANSMITTER_WAITS: AtomicBool = AtomicBool::new(false);

/// Sets the limit for input that suits a quantum of this length.
pub fn set_quantum(microseconds: u32) {
    const LINE: u32 = 115_200 / 10; // bytes a second
    let bytes = u64::from(2 * LINE) * u64::from(microseconds) / 1_000_000;
    let bytes = bytes as u32 + uart::FIFO as u32;
    INPUT.store(bytes, Relaxed);
    INPUT_LEFT.store(bytes, Relaxed);
}

/// The next event of COM1's interrupt; `None` when there is nothing more. While CPU 0 is
/// `idle`, no limit applies: no environment has to wait.
pub fn serial_event(idle: bool) -> Option<Event> {
    let _alone = devices();
    loop {
        let left = INPUT_LEFT.load(Relaxed);
        let receive = idle || left > 0;
        if !receive {
            Com1.do_not_receive();
            HELD_BACK.store(true, Relaxed);
        }
        match Com1.next_cause(receive)? {
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

/// CPU 0 begins a quantum, or idles: the limits begin anew.
#[inline(always)]
pub fn new_quantum() {
    CHUNKS_LEFT.store(CHUNKS_PER_QUANTUM, Relaxed);
    if HELD_BACK.load(Relaxed) {
        stop_holding_back();
    }
}

#[cold]
fn stop_holding_back() {
    let _alone = devices();
    HELD_BACK.store(false, Relaxed);
    INPUT_LEFT.store(INPUT.load(Relaxed), Relaxed);
    Com1.ask_for_received();
    // The transmitter reports only if a chunk is on its way.
    if TRANSMITTER_WAITS.swap(false, Relaxed) {
        Com1.ask_for_transmitted();
    }
}

/// The event of an interrupt from the keyboard or the mouse, if a character was typed.
/// At most one: if there is more, the device interrupts again.
pub fn typed_event(vector: Vector) -> Option<Event> {
    let byte = devices().keyboard.poll();
    if vector == Vector::MOUSE {
        pic::acknowledge_mouse();
    }
    byte.map(|byte| Event::ConsoleInput { byte })
}

/// Writes out what was left in the kernel's ring. For a CPU that has the kernel for
/// good.
pub fn flush(bytes: impl Iterator<Item = u8>) {
    for byte in bytes {
        Com1.write_waiting(&[byte]);
    }
}
