//! The first serial port: a 16550 with its FIFO on, at 115200 baud, 8N1.
//!
//! The hard thing is to hear of each chunk exactly once. Were the transmit
//! interrupt always enabled, it would come as soon as the first byte of a
//! chunk left the FIFO, while another CPU still writes the rest. So it is
//! enabled only after a chunk is complete, and disabled when it is heard;
//! since one chunk is in flight at most, enabling and disabling alternate.
//!
//! And what the line says is not always a byte: [`Errors`].
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

/// The port's registers, in the order of their addresses.
pub struct Uart {
    data: Port,
    interrupts: Port,
    fifo_or_cause: Port,
    line: Port,
    modem: Port,
    line_status: Port,
    modem_status: Port,
}

/// COM1.
pub const COM1: Uart = {
    // SAFETY: (24) the PC's first serial port; it has no access to memory.
    unsafe {
        Uart {
            data: Port::new(0x3f8),
            interrupts: Port::new(0x3f9),
            fifo_or_cause: Port::new(0x3fa),
            line: Port::new(0x3fb),
            modem: Port::new(0x3fc),
            line_status: Port::new(0x3fd),
            modem_status: Port::new(0x3fe),
        }
    }
};

const ON_RECEIVE: u8 = 1;
const ON_TRANSMIT: u8 = 2;
const RECEIVED: u8 = 1;
const TRANSMITTED: u8 = 0x20;
const ALL_SENT: u8 = 0x40;

/// What interrupts: the register that says so, as it was last written. Whoever
/// has the devices changes it, as all that follows.
static ASKED: AtomicU8 = AtomicU8::new(0);
/// What was wrong with bytes that are not read yet.
static ERRORS: Errors = Errors::new();
/// The byte that came before the port was set up, and [`EARLY_THERE`].
static EARLY: AtomicU16 = AtomicU16::new(0);
const EARLY_THERE: u16 = 0x100;

/// How often a status is polled before the port is given up as dead. At 115200
/// baud a full FIFO takes 1.4 ms, and a poll takes about 1 us.
const PATIENCE: u32 = 20_000;

impl Uart {
    /// Sets speed and format, empties the FIFOs; no interrupts yet.
    ///
    /// A port without FIFOs holds one byte, and takes no other before that is
    /// read. Turning them on forgets it. So it is taken out last of all, and
    /// with the line disconnected, so that it makes no room for another.
    pub fn init(&self) {
        self.ask(0);
        self.line.write(0x80); // the divisor's latch
        self.data.write(1); // 115200 baud
        self.interrupts.write(0);
        self.line.write(0x03); // 8 data bits, no parity, 1 stop bit
        self.modem.write(0x1b); // as below, but disconnected: loopback
        let early = self.poll();
        self.fifo_or_cause.write(0xc7); // on, emptied, interrupt at 14 bytes
        self.modem.write(0x0b); // DTR, RTS, interrupts to the line
        if let Some(byte) = early {
            EARLY.store(u16::from(byte) | EARLY_THERE, Relaxed);
        }
    }

    /// From now on every byte received interrupts.
    pub fn enable_interrupts(&self) {
        self.ask(ON_RECEIVE);
    }

    /// From now on nothing interrupts.
    pub fn disable_interrupts(&self) {
        self.ask(0);
    }

    /// Has bytes received interrupt; at once, if there are any.
    pub fn ask_for_received(&self) {
        self.ask(ASKED.load(Relaxed) | ON_RECEIVE);
    }

    /// Leaves bytes where they are for now.
    pub fn do_not_receive(&self) {
        self.ask(ASKED.load(Relaxed) & !ON_RECEIVE);
    }

    /// Sets what interrupts.
    fn ask(&self, causes: u8) {
        ASKED.store(causes, Relaxed);
        self.interrupts.write(causes);
    }

    /// Writes bytes, waiting for room as often as need be.
    pub fn write_waiting(&self, bytes: &[u8]) {
        for chunk in bytes.chunks(FIFO) {
            self.wait(TRANSMITTED);
            for &byte in chunk {
                self.data.write(byte);
            }
        }
    }

    /// Writes at most a FIFO of bytes. Returns whether an interrupt will tell
    /// when they are gone; not if there is no port.
    pub fn write_chunk(&self, bytes: &[u8]) -> bool {
        self.write_waiting(bytes);
        self.ask_for_transmitted();
        self.exists()
    }

    /// Has an interrupt tell when there is room again; at once, if there is.
    pub fn ask_for_transmitted(&self) {
        self.ask(ASKED.load(Relaxed) | ON_TRANSMIT);
    }

    /// Whether there is a port: where nothing answers, all bits read as one.
    fn exists(&self) -> bool {
        self.status() != 0xff
    }

    /// The line's status. To read it clears what it says of errors, so they
    /// are noted whoever reads it, and why.
    fn status(&self) -> u8 {
        let status = self.line_status.read();
        ERRORS.note(status);
        status
    }

    /// The next thing that an interrupt was about; `None` when there is no
    /// more, and the port will interrupt again. `Transmitted` means a chunk.
    /// Without `receive`, bytes stay where they are.
    pub fn next_cause(&self, receive: bool) -> Option<Cause> {
        // The port names at most four causes before it names none.
        for _ in 0..8 {
            if receive && let Some(byte) = self.poll() {
                return Some(Cause::Received(byte));
            }
            match self.fifo_or_cause.read() & 0x0f {
                0x02 => {
                    self.ask(ASKED.load(Relaxed) & !ON_TRANSMIT);
                    return Some(Cause::Transmitted);
                }
                0x00 => _ = self.modem_status.read(),
                cause if cause & 1 != 0 => return None,
                _ => {} // received, or line status: seen the next time round
            }
        }
        // It went on. The controller waits for the signal to rise.
        self.interrupts.write(0);
        self.interrupts.write(ASKED.load(Relaxed));
        None
    }

    /// A byte, if one arrived.
    pub fn poll(&self) -> Option<u8> {
        let early = EARLY.load(Relaxed);
        if early != 0 {
            EARLY.store(0, Relaxed);
            return Some(early as u8);
        }
        // As many as the FIFO holds: there is no end to a broken line's.
        for _ in 0..FIFO {
            let status = self.status();
            if status == 0xff || status & RECEIVED == 0 {
                ERRORS.forget();
                return None;
            }
            let byte = self.data.read();
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
