//! The first serial port: a 16550 with its FIFO on, at 115200 baud, 8N1.
//!
//! The hard thing is to hear of each chunk exactly once. Were the transmit
//! interrupt always enabled, it would come as soon as the first byte of a
//! chunk left the FIFO, while another CPU still writes the rest. So it is
//! enabled only after a chunk is complete, and disabled when it is heard;
//! since one chunk is in flight at most, enabling and disabling alternate.
//! Source: National Semiconductor PC16550D data sheet.

use crate::x86::Port;

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

/// How often a status is polled before the port is given up as dead. At 115200
/// baud a full FIFO takes 1.4 ms, and a poll takes about 1 us.
const PATIENCE: u32 = 20_000;

impl Uart {
    /// Sets speed and format, empties the FIFOs; no interrupts yet.
    pub fn init(&self) {
        self.interrupts.write(0);
        self.line.write(0x80); // the divisor's latch
        self.data.write(1); // 115200 baud
        self.interrupts.write(0);
        self.line.write(0x03); // 8 data bits, no parity, 1 stop bit
        self.fifo_or_cause.write(0xc7); // on, emptied, interrupt at 14 bytes
        self.modem.write(0x0b); // DTR, RTS, interrupts to the line
    }

    /// From now on every byte received interrupts.
    pub fn enable_interrupts(&self) {
        self.interrupts.write(ON_RECEIVE);
    }

    /// From now on nothing interrupts.
    pub fn disable_interrupts(&self) {
        self.interrupts.write(0);
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
        self.interrupts.write(ON_RECEIVE | ON_TRANSMIT);
    }

    /// Whether there is a port: where nothing answers, all bits read as one.
    fn exists(&self) -> bool {
        self.line_status.read() != 0xff
    }

    /// The next thing that an interrupt was about; `None` when there is no
    /// more, and the port will interrupt again. `Transmitted` means a chunk.
    pub fn next_cause(&self) -> Option<Cause> {
        // The port names at most four causes before it names none; a port
        // that goes on is broken.
        for _ in 0..8 {
            if let Some(byte) = self.poll() {
                return Some(Cause::Received(byte));
            }
            match self.fifo_or_cause.read() & 0x0f {
                0x02 => {
                    self.interrupts.write(ON_RECEIVE);
                    return Some(Cause::Transmitted);
                }
                0x00 => _ = self.modem_status.read(),
                cause if cause & 1 != 0 => return None,
                _ => {} // received, or line status: seen the next time round
            }
        }
        None
    }

    /// A byte, if one arrived.
    pub fn poll(&self) -> Option<u8> {
        let status = self.line_status.read();
        (status != 0xff && status & RECEIVED != 0).then(|| self.data.read())
    }

    /// Waits until everything written has left the port.
    pub fn drain(&self) {
        self.wait(ALL_SENT);
    }

    fn wait(&self, status: u8) {
        for _ in 0..PATIENCE {
            if self.line_status.read() & status != 0 {
                return;
            }
            core::hint::spin_loop();
        }
    }
}
