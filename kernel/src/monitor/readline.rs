//! Reading a line, with the keys that a person expects.
//!
//! The hard thing is a name. Graders of the course put a debugger's breakpoint on
//! the symbol `readline` and stop the machine there: when the kernel first asks
//! for a command, the run is over. So this is a function of its own, under just
//! that name, and it starts when everything before it has been printed.

use crate::machine::console::{Devices, uart::Com1};
use monitor::LINE;

/// Prints a prompt, then reads and echoes a line of printable ASCII. Returns its
/// length.
#[expect(unsafe_code, reason = "a symbol's name")]
// SAFETY: (32) no other symbol has this name.
#[unsafe(no_mangle)]
#[inline(never)]
pub fn readline(devices: &mut Devices, prompt: &str, line: &mut [u8; LINE]) -> usize {
    Com1.write_waiting(prompt.as_bytes());
    let mut len = 0;
    loop {
        let Some(byte) = devices.typed() else {
            core::hint::spin_loop();
            continue;
        };
        match byte {
            b'\r' | b'\n' => {
                Com1.write_waiting(b"\n");
                return len;
            }
            0x08 | 0x7f if len > 0 => {
                len -= 1;
                Com1.write_waiting(b"\x08 \x08");
            }
            b' '..=b'~' if len < LINE => {
                line[len] = byte;
                len += 1;
                Com1.write_waiting(&[byte]);
            }
            _ => {}
        }
    }
}
