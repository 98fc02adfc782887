//! What the monitor needs of the machine it runs on, and a test can stand in for.

use core::fmt;

/// Longest line that can be typed; further characters are not taken.
pub const LINE: usize = 1023;

/// Where the kernel lies: virtual addresses.
#[derive(Clone, Copy, Debug)]
pub struct Image {
    /// First instruction.
    pub entry: u32,
    /// End of the code.
    pub text: u32,
    /// End of the initialised data.
    pub data: u32,
    /// End of everything.
    pub end: u32,
}

/// A console, and what the kernel's state does not tell.
pub trait Machine: fmt::Write {
    /// Prints a prompt, reads a line and echoes it; returns the line's length, or
    /// nothing if there will be no more lines.
    fn read_line(&mut self, prompt: &str, line: &mut [u8; LINE]) -> Option<usize>;

    /// Where the kernel lies.
    fn image(&self) -> Image;

    /// The caller's frame pointer, from which a backtrace of the kernel itself
    /// begins.
    fn frame_pointer(&self) -> u32;

    /// The aligned word at an address in the kernel's stacks on this CPU, if
    /// that is where it lies.
    fn stack_word(&self, va: u32) -> Option<u32>;

    /// Interrupts that concerned nobody: what they are, and how many.
    fn strays(&self) -> [(&'static str, u32); 3];
}
