//! The keyboard, behind the PC's 8042 controller.
//!
//! The controller gives scan codes of set 1, which the crate `pc-keyboard`
//! turns into characters of a US keyboard; what is not ASCII is dropped. The
//! hard thing is to believe nothing: there may be no controller, a byte may be
//! the mouse's, and a key may be held down for ever. So each poll takes no more
//! bytes than the controller can hold.
//!
//! Keyboard and mouse share the one register that bytes are read from: while a
//! byte of the mouse stays there, no key arrives. So the mouse interrupts too, even
//! if no program uses it, and its bytes are thrown away. Source: IBM PC/AT
//! Technical Reference, "Keyboard controller"; IBM PS/2 Hardware Interface
//! Technical Reference, "Keyboard and Auxiliary Device Controller".

use crate::machine::x86::Port;
use pc_keyboard::layouts::Us104Key;
use pc_keyboard::{DecodedKey, HandleControl, PS2Keyboard, ScancodeSet1};

// SAFETY: (20) the keyboard controller's data register; it has no access to memory.
const DATA: Port = unsafe { Port::new(0x60) };
// SAFETY: (21) as above. Bytes written to it are commands, and one of them resets the
// processor; only those below are sent.
const STATUS: Port = unsafe { Port::new(0x64) };

/// Status: a byte waits to be read.
const FULL: u8 = 0x01;
/// Status: that byte is the mouse's.
const FROM_MOUSE: u8 = 0x20;
/// Status: the controller has not taken the last written byte yet.
const WRITTEN: u8 = 0x02;
/// Commands: read and write the controller's mode.
const READ_MODE: u8 = 0x20;
const WRITE_MODE: u8 = 0x60;
/// Commands: silence the keyboard, and let it send again.
const KEYBOARD_OFF: u8 = 0xad;
const KEYBOARD_ON: u8 = 0xae;
/// Mode: both devices interrupt.
const BOTH_INTERRUPT: u8 = 0x03;
/// Mode: codes are translated to set 1. Firmware that keys interrupted may not have
/// switched this on.
const TRANSLATE: u8 = 0x40;
/// How often to poll the status, at about 1 us each, before giving up: a controller
/// answers within a few ms.
const PATIENCE: u32 = 20_000;
/// Bytes that a keyboard holds until they are read.
const BUFFER: u32 = 16;

/// The keyboard's state: which keys are held down.
pub struct Keyboard(PS2Keyboard<Us104Key, ScancodeSet1>);

impl Keyboard {
    /// No key is held down.
    pub const fn new() -> Keyboard {
        let control = HandleControl::MapLettersToUnicode;
        Keyboard(PS2Keyboard::new(ScancodeSet1::new(), Us104Key, control))
    }

    /// The next character, if one was typed.
    pub fn poll(&mut self) -> Option<u8> {
        for _ in 0..BUFFER {
            let status = STATUS.read();
            if status & FULL == 0 || status == 0xff {
                return None;
            }
            let code = DATA.read();
            if status & FROM_MOUSE == 0
                && let Some(byte) = self.character(code)
            {
                return Some(byte);
            }
        }
        None
    }

    /// Makes both devices interrupt for each byte, and the keyboard send set 1,
    /// whatever the firmware left. Drops what was typed before.
    pub fn init(&mut self) {
        // A key's code could be mistaken for the mode.
        command(KEYBOARD_OFF);
        self.forget();
        if let Some(mode) = mode() {
            command(WRITE_MODE);
            if wait(|status| status & WRITTEN == 0) {
                DATA.write(mode | BOTH_INTERRUPT | TRANSLATE);
            }
        }
        command(KEYBOARD_ON);
        self.forget();
    }

    /// Drops waiting bytes: while one waits, the controller does not interrupt for the
    /// next.
    fn forget(&mut self) {
        for _ in 0..BUFFER {
            self.poll();
        }
    }

    /// The character that a scan code completes, if it does.
    fn character(&mut self, code: u8) -> Option<u8> {
        let event = self.0.add_byte(code).ok()??;
        match self.0.process_keyevent(event)? {
            DecodedKey::Unicode(char) if char.is_ascii() => Some(char as u8),
            DecodedKey::Unicode(_) | DecodedKey::RawKey(_) => None,
        }
    }
}

/// The controller's mode, if it answers.
fn mode() -> Option<u8> {
    command(READ_MODE);
    // Bytes of the mouse may come first.
    for _ in 0..BUFFER {
        if !wait(|status| status & FULL != 0) {
            break;
        }
        let of_mouse = STATUS.read() & FROM_MOUSE != 0;
        let byte = DATA.read();
        if !of_mouse {
            return Some(byte);
        }
    }
    None
}

fn command(command: u8) {
    if wait(|status| status & WRITTEN == 0) {
        STATUS.write(command);
    }
}

/// Waits until the status is `right`; false if that does not happen in time.
fn wait(right: impl Fn(u8) -> bool) -> bool {
    let mut looks = (0..PATIENCE).map(|_| STATUS.read());
    looks
        .find(|&status| status == 0xff || right(status))
        .is_some_and(|status| status != 0xff)
}
