//! `print!` and `println!`.
//!
//! Text is gathered on the stack and handed to the kernel by one call for each
//! 255 bytes, so a line of ordinary length is one call, and the kernel does
//! not mix what came in one call with anything else. The hard thing: there is
//! no buffer between calls, or a fork would print its contents twice.

use core::fmt;

use crate::sys;

/// Bytes that are handed to the kernel at once: JOS's choice.
const BUFFER: usize = 255;

struct Console {
    buffer: [u8; BUFFER],
    len: usize,
}

impl Console {
    fn flush(&mut self) {
        if self.len > 0 {
            sys::cputs(&self.buffer[..self.len]);
            self.len = 0;
        }
    }
}

impl fmt::Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            let n = rest.len().min(BUFFER - self.len);
            let (now, later) = rest.split_at(n);
            self.buffer[self.len..self.len + n].copy_from_slice(now);
            self.len += n;
            rest = later;
            if self.len == BUFFER {
                self.flush();
            }
        }
        Ok(())
    }
}

/// Prints formatted text; what [`crate::print!`] calls.
pub fn print(text: fmt::Arguments) {
    let mut console = Console {
        buffer: [0; BUFFER],
        len: 0,
    };
    // Writing to the console does not fail; a `Display` that does has printed
    // what it could.
    let _ = fmt::Write::write_fmt(&mut console, text);
    console.flush();
}

/// Prints to the console, as the standard library's macro does.
#[macro_export]
macro_rules! print {
    ($($argument:tt)*) => {
        $crate::print::print(::core::format_args!($($argument)*))
    };
}

/// Prints a line to the console, as the standard library's macro does.
#[macro_export]
macro_rules! println {
    ($($argument:tt)*) => {
        $crate::print::print(::core::format_args!(
            "{}\n",
            ::core::format_args!($($argument)*)
        ))
    };
}
