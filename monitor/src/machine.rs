//! What the monitor needs from the machine it runs on. A test stands in for it.

use core::fmt;

/// The longest line that can be typed; further characters are ignored.
pub const LINE: usize = 1023;

/// Where the kernel lies, as virtual addresses.
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

/// A console, and facts that the kernel's state does not contain.
pub trait Machine: fmt::Write {
    /// Prints a prompt, reads a line and echoes it. Returns the line's length, or
    /// `None` if there will be no more lines.
    fn read_line(&mut self, prompt: &str, line: &mut [u8; LINE]) -> Option<usize>;

    /// Where the kernel lies.
    fn image(&self) -> Image;

    /// The caller's frame pointer, where a backtrace of the kernel itself begins.
    fn frame_pointer(&self) -> u32;

    /// The aligned word at `va`, if `va` lies in one of the kernel's stacks on
    /// this CPU.
    fn stack_word(&self, va: u32) -> Option<u32>;

    /// Spurious and stray interrupts: their names and counts.
    fn strays(&self) -> [(&'static str, u32); 3];
}
