//! The first serial port: a 16550 with its FIFO on, at 115200 baud, 8N1.
//!
//! The hard thing is to hear of each chunk exactly once. If the transmit
//! interrupt were always enabled, it would come as soon as the first byte of a
//! chunk left the FIFO, while another CPU still writes the rest. So it is
//! enabled only after a chunk is complete, and disabled when it has come; at most
//! one chunk is in flight, so enabling and disabling alternate.
//!
//! And what arrives on the line is not always a byte: see [`Errors`].
//! Source: National Semiconductor PC16550D data sheet.

use super::line_errors::Errors;
use crate::machine::x86::Port;
use core::sync::atomic::{AtomicU8, AtomicU16, Ordering::Relaxed};

/// Bytes that the transmit FIFO takes.
pub const FIFO: usize = 16;

/// What an interrupt of the port was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A byte arrived.
    Received(u8),
    /// The transmit FIFO is empty.
    Transmitted,
}

/// The first serial port. Its methods may be used by the holder of the console's
/// devices, and by a CPU that is alone.
pub struct Com1;

const fn register(offset: u16) -> Port {
    // SAFETY: (24) the PC's first serial port; it has no access to memory.
    unsafe { Port::new(0x3f8 + offset) }
}

const DATA: Port = register(0);
const INTERRUPTS: Port = register(1);
const FIFO_OR_CAUSE: Port = register(2);
const LINE: Port = register(3);
const MODEM: Port = register(4);
const LINE_STATUS: Port = register(5);
const MODEM_STATUS: Port = register(6);

const ON_RECEIVE: u8 = 1;
const ON_TRANSMIT: u8 = 2;
const RECEIVED: u8 = 1;
const TRANSMITTED: u8 = 0x20;
const ALL_SENT: u8 = 0x40;

/// The interrupts that are enabled, as last written to the port.
static ASKED: AtomicU8 = AtomicU8::new(0);
/// What was wrong with bytes that have not been read yet.
static ERRORS: Errors = Errors::new();
/// A byte that came before the port was set up, with [`EARLY_THERE`]; or 0.
static EARLY: AtomicU16 = AtomicU16::new(0);
const EARLY_THERE: u16 = 0x100;

/// How often to poll a status before giving the port up as dead. At 115200 baud a
/// full FIFO takes 1.4 ms, and a poll takes about 1 us.
const PATIENCE: u32 = 20_000;

impl Com1 {
    /// Sets speed and format, and empties the FIFOs; no interrupts yet.
    ///
    /// A port without FIFOs holds one byte, and takes no other before that is
    /// read. Turning the FIFOs on loses it. So it is read just before, with the line
    /// disconnected, so that no other byte takes its place.
    pub fn init(&self) {
        self.ask(0);
        LINE.write(0x80); // the divisor's latch
        DATA.write(1); // 115200 baud
        INTERRUPTS.write(0);
        LINE.write(0x03); // 8 data bits, no parity, 1 stop bit
        MODEM.write(0x1b); // as below, but disconnected: loopback
        let early = self.poll();
        FIFO_OR_CAUSE.write(0xc7); // on, emptied, interrupt at 14 bytes
        MODEM.write(0x0b); // DTR, RTS, interrupts to the line
        if let Some(byte) = early {
            EARLY.store(u16::from(byte) | EARLY_THERE, Relaxed);
        }
    }

    /// Disables all interrupts.
    pub fn disable_interrupts(&self) {
        self.ask(0);
    }

    /// Enables the interrupt for received bytes. It comes at once if there are any.
    pub fn ask_for_received(&self) {
        self.ask(ASKED.load(Relaxed) | ON_RECEIVE);
    }

    /// Leaves received bytes in the port for now.
    pub fn do_not_receive(&self) {
        self.ask(ASKED.load(Relaxed) & !ON_RECEIVE);
    }

    /// Enables the interrupt for an empty transmit FIFO. It comes at once if that is
    /// empty already.
    pub fn ask_for_transmitted(&self) {
        self.ask(ASKED.load(Relaxed) | ON_TRANSMIT);
    }

    fn ask(&self, causes: u8) {
        ASKED.store(causes, Relaxed);
        INTERRUPTS.write(causes);
    }

    /// Writes bytes, waiting for room as often as necessary.
    pub fn write_waiting(&self, bytes: &[u8]) {
        for chunk in bytes.chunks(FIFO) {
            self.wait(TRANSMITTED);
            for &byte in chunk {
                DATA.write(byte);
            }
        }
    }

    /// Writes at most a FIFO of bytes. Returns whether an interrupt will tell when
    /// they are gone; without a port none will.
    pub fn write_chunk(&self, bytes: &[u8]) -> bool {
        self.write_waiting(bytes);
        self.ask_for_transmitted();
        // Where there is no port, all bits read as one.
        self.status() != 0xff
    }

    /// The line's status. Every read goes through here, because reading clears the
    /// error bits.
    fn status(&self) -> u8 {
        let status = LINE_STATUS.read();
        ERRORS.note(status);
        status
    }

    /// The next thing that an interrupt was about. `None` when there is nothing more,
    /// and the port will interrupt again. Without `receive`, bytes stay where they are.
    pub fn next_cause(&self, receive: bool) -> Option<Cause> {
        // The port names at most four causes before it names none.
        for _ in 0..8 {
            if receive && let Some(byte) = self.poll() {
                return Some(Cause::Received(byte));
            }
            match FIFO_OR_CAUSE.read() & 0x0f {
                0x02 => {
                    self.ask(ASKED.load(Relaxed) & !ON_TRANSMIT);
                    return Some(Cause::Transmitted);
                }
                0x00 => _ = MODEM_STATUS.read(),
                cause if cause & 1 != 0 => return None,
                _ => {} // received, or line status: seen the next time round
            }
        }
        // There was no end to it. The controller waits for the signal to rise: let it fall.
        INTERRUPTS.write(0);
        INTERRUPTS.write(ASKED.load(Relaxed));
        None
    }

    /// A byte, if one arrived.
    pub fn poll(&self) -> Option<u8> {
        let early = EARLY.load(Relaxed);
        if early != 0 {
            EARLY.store(0, Relaxed);
            return Some(early as u8);
        }
        // As many as the FIFO holds: a broken line never ends.
        for _ in 0..FIFO {
            let status = self.status();
            if status == 0xff || status & RECEIVED == 0 {
                ERRORS.forget();
                return None;
            }
            let byte = DATA.read();
            if ERRORS.is_good(byte) {
                return Some(byte);
            }
        }
        None
    }

    /// Waits until everything written has left the port.
    pub fn drain(&self) {
        self.wait(ALL_SENT);
    }

    fn wait(&self, status: u8) {
        for _ in 0..PATIENCE {
            if self.status() & status != 0 {
                return;
            }
            core::hint::spin_loop();
        }
    }
}
