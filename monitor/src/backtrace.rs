//! The calls that led to a place, by frame pointers.
//!
//! The hard thing is that frame pointers may be anything. So a request for a word
//! may be refused, a caller's frame must lie above that of the function it calls,
//! and the number of calls is limited.

use core::fmt;

/// The most calls shown.
const DEEPEST: u32 = 32;

/// The heading above the calls; tools look for it.
pub const HEADING: &str = "Stack backtrace:";

/// A walk up a stack, innermost call first.
#[derive(Clone, Copy, Debug)]
pub struct Calls {
    ebp: u32,
    left: u32,
}

/// One call. It displays as a line, without the line's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    ebp: u32,
    eip: u32,
    arguments: [u32; 5],
}

impl Calls {
    /// The calls from the one whose frame is at `ebp` outwards.
    pub const fn from(ebp: u32) -> Calls {
        Calls { ebp, left: DEEPEST }
    }

    /// The next call, if frame pointers lead to one. `word` returns the aligned
    /// word at an address, or `None` if it may not be read.
    pub fn next(&mut self, word: impl Fn(u32) -> Option<u32>) -> Option<Call> {
        self.left = self.left.checked_sub(1)?;
        let ebp = self.ebp;
        let at = |index: u32| word(ebp.wrapping_add(index * 4));
        let (caller, eip) = (at(0)?, at(1)?);
        if caller <= ebp {
            self.left = 0;
        }
        self.ebp = caller;
        Some(Call {
            ebp,
            eip,
            arguments: [2, 3, 4, 5, 6].map(|index| at(index).unwrap_or_default()),
        })
    }
}

impl Call {
    /// Where the call returns to.
    pub const fn returns_to(&self) -> u32 {
        self.eip
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Call { ebp, eip, .. } = self;
        write!(f, "  ebp {ebp:08x}  eip {eip:08x}  args")?;
        self.arguments
            .iter()
            .try_for_each(|argument| write!(f, " {argument:08x}"))
    }
}
