//! The keyboard, behind the PC's 8042 controller.
//!
//! The controller gives scan codes of set 1, which the crate `pc-keyboard`
//! turns into keys and characters of a US keyboard; what is not ASCII is
//! dropped. The hard thing is to believe nothing: there may be no controller,
//! its bytes may be a mouse's, and a key may be held down for ever. So each look
//! takes no more bytes than the controller can hold. Source: IBM PC/AT Technical
//! Reference, "Keyboard controller".

use crate::x86::Port;
use pc_keyboard::layouts::Us104Key;
use pc_keyboard::{DecodedKey, HandleControl, PS2Keyboard, ScancodeSet1};

// SAFETY: (20) the keyboard controller's data register; it has no access to memory.
const DATA: Port = unsafe { Port::new(0x60) };
// SAFETY: (21) as above.
const STATUS: Port = unsafe { Port::new(0x64) };

/// Status: a byte waits to be read.
const FULL: u8 = 0x01;
/// Status: it is not the keyboard's.
const FROM_MOUSE: u8 = 0x20;
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

    /// Reads what was typed before anybody listened: while a byte waits, the
    /// controller does not interrupt for the next.
    pub fn forget(&mut self) {
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
