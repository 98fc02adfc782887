//! The pair of 8259 interrupt controllers, in virtual wire mode.
//!
//! Serial port, keyboard and mouse are the only devices whose interrupts we take, so
//! the old controllers are enough: every PC has them, they need no firmware table, and
//! they reach CPU 0 through its LINT0 pin. The hard thing is what is *not* here, the
//! end-of-interrupt command: the first controller runs in automatic mode, because the
//! kernel may leave an interrupt by another way than it came. The second one may lack
//! that mode, so it gets the command at once, from [`acknowledge_mouse`].
//! Source: Intel 8259A data sheet.

use crate::machine::x86::Port;

/// Vector of the first interrupt line.
const FIRST_VECTOR: u8 = 32;
/// The line to which the second controller is connected.
pub const CASCADE: u8 = 2;
/// The keyboard's line.
pub const KEYBOARD: u8 = 1;
/// COM1's line.
pub const SERIAL: u8 = 4;
/// The mouse's line, the second controller's.
pub const MOUSE: u8 = 12;

struct Controller {
    command: Port,
    data: Port,
}

// SAFETY: (22) the PC's first interrupt controller; it has no access to memory.
const FIRST: Controller = unsafe {
    Controller {
        command: Port::new(0x20),
        data: Port::new(0x21),
    }
};
// SAFETY: (23) as the first.
const SECOND: Controller = unsafe {
    Controller {
        command: Port::new(0xa0),
        data: Port::new(0xa1),
    }
};

impl Controller {
    fn init(&self, vector: u8, wiring: u8, mode: u8) {
        self.data.write(0xff); // all masked
        self.command.write(0x11); // edge triggered, cascaded, ICW4 follows
        self.data.write(vector);
        self.data.write(wiring);
        self.data.write(mode);
        self.command.write(0x68); // no special masks
        self.command.write(0x0a); // reads give the request register
    }
}

/// Sets both controllers up; all lines are masked.
pub fn init() {
    FIRST.init(FIRST_VECTOR, 1 << CASCADE, 0x03); // 8086 mode, automatic EOI
    SECOND.init(FIRST_VECTOR + 8, CASCADE, 0x01); // 8086 mode
    unmask(&[]);
}

/// Lets these lines through, and no others.
pub fn unmask(lines: &[u8]) {
    let open = lines.iter().fold(0u16, |open, line| open | 1 << line);
    let [first, second] = (!open).to_le_bytes();
    FIRST.data.write(first);
    SECOND.data.write(second);
}

/// Tells the second controller that the mouse's interrupt was heard.
pub fn acknowledge_mouse() {
    SECOND.command.write(0x20);
}
