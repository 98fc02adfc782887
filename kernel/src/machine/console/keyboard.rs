//! The keyboard, behind the PC's 8042 controller.
//!
//! The controller gives scan codes of set 1, which the crate `pc-keyboard`
//! turns into keys and characters of a US keyboard; what is not ASCII is
//! dropped. The hard thing is to believe nothing: there may be no controller,
//! its bytes may be a mouse's, and a key may be held down for ever. So each look
//! takes no more bytes than the controller can hold.
//!
//! Keyboard and mouse share the one register that bytes are read from: while a
//! mouse's byte stays there, no key arrives. So the mouse interrupts too, whether
//! or not anybody asked for one, and what it says is thrown away. Source: IBM
//! PC/AT Technical Reference, "Keyboard controller"; IBM PS/2 Hardware Interface
//! Technical Reference, "Keyboard and Auxiliary Device Controller".

use crate::machine::x86::Port;
use pc_keyboard::layouts::Us104Key;
use pc_keyboard::{DecodedKey, HandleControl, PS2Keyboard, ScancodeSet1};

// SAFETY: (20) the keyboard controller's data register; it has no access to memory.
const DATA: Port = unsafe { Port::new(0x60) };
// SAFETY: (21) as above; written to, it takes commands, of which one resets the
// processor: no more than `init` is sent.
const STATUS: Port = unsafe { Port::new(0x64) };

/// Status: a byte waits to be read.
const FULL: u8 = 0x01;
/// Status: it is not the keyboard's.
const FROM_MOUSE: u8 = 0x20;
/// Status: what was written last has not been taken yet.
const WRITTEN: u8 = 0x02;
/// Commands: read and write the controller's mode.
const READ_MODE: u8 = 0x20;
const WRITE_MODE: u8 = 0x60;
/// Commands: the keyboard says nothing until it may again.
const KEYBOARD_OFF: u8 = 0xad;
const KEYBOARD_ON: u8 = 0xae;
/// Mode: both devices interrupt.
const BOTH_INTERRUPT: u8 = 0x03;
/// Mode: codes come as those of set 1. Firmware that was interrupted by keys may
/// not have got so far.
const TRANSLATE: u8 = 0x40;
/// Looks at the status, of about 1 us each, after which the controller is given
/// up: it answers within a few ms.
const PATIENCE: u32 = 20_000;
/// Bytes that a keyboard keeps for a computer that does not read them.
const BUFFER: u32 = 16;

/// The keyboard, and which of its keys are held down.
pub struct Keyboard(PS2Keyboard<Us104Key, ScancodeSet1>);

impl Keyboard {
    /// A keyboard with no key held down.
    pub const fn new() -> Keyboard {
        let control = HandleControl::MapLettersToUnicode;
        Keyboard(PS2Keyboard::new(ScancodeSet1::new(), Us104Key, control))
    }

    /// A character, if one was typed.
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

    /// Has both devices interrupt for each byte, and the keyboard speak as we
    /// expect, whatever the firmware left.
    /// What was typed before goes unheard.
    pub fn init(&mut self) {
        // A key's code could be taken for the mode.
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

    /// Reads what was typed before anybody listened: while a byte waits, the
    /// controller does not interrupt for the next.
    fn forget(&mut self) {
        for _ in 0..BUFFER {
            self.poll();
        }
    }

    /// What a scan code, with those before it, amounts to.
    fn character(&mut self, code: u8) -> Option<u8> {
        let event = self.0.add_byte(code).ok()??;
        match self.0.process_keyevent(event)? {
            DecodedKey::Unicode(char) if char.is_ascii() => Some(char as u8),
            DecodedKey::Unicode(_) | DecodedKey::RawKey(_) => None,
        }
    }
}

/// The controller's mode, if it tells.
fn mode() -> Option<u8> {
    command(READ_MODE);
    // As many of the mouse's bytes may come first.
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

/// Waits until the status is `right`; whether it became so.
fn wait(right: impl Fn(u8) -> bool) -> bool {
    let mut looks = (0..PATIENCE).map(|_| STATUS.read());
    looks
        .find(|&status| status == 0xff || right(status))
        .is_some_and(|status| status != 0xff)
}
