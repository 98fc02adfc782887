//! The first page of a program's stack.
//!
//! ```text
//!   USTACKTOP  +--------------------------+
//!              | strings, each with a NUL |
//!              +--------------------------+
//!              | up to 3 bytes of padding |
//!              | null                     |
//!              | addresses of the strings |
//!       argv ->+--------------------------+
//!              | argv                     |
//!              | argc                     |
//!        esp ->+--------------------------+
//! ```
//!
//! The hard thing is that we write a copy of the page. Here "address" means one that
//! the program will see, and "place" an offset in our copy.

use abi::layout::PGSIZE;

use super::{Page, STACK};

/// Puts arguments on the stack's page, which must be all zeros. Returns the
/// program's stack pointer, or `None` if they do not fit or one contains a zero
/// byte.
pub fn arguments(page: &mut Page, arguments: &[impl AsRef<str>]) -> Option<u32> {
    let sizes = arguments.iter().map(|argument| argument.as_ref().len() + 1);
    let size = u32::try_from(sizes.sum::<usize>()).ok()?;
    let count = u32::try_from(arguments.len()).ok()?;
    let strings = PGSIZE.checked_sub(size)?;
    // The addresses, the null, argv and argc.
    let words = count.checked_add(3)?.checked_mul(4)?;
    let bottom = (strings & !3).checked_sub(words)?;

    put(page, bottom, &count.to_le_bytes())?;
    put(page, bottom + 4, &(STACK + bottom + 8).to_le_bytes())?;
    let (mut pointer, mut string) = (bottom + 8, strings);
    for argument in arguments {
        let text = argument.as_ref();
        if text.contains('\0') {
            return None;
        }
        put(page, pointer, &(STACK + string).to_le_bytes())?;
        put(page, string, text.as_bytes())?;
        pointer += 4;
        string += text.len() as u32 + 1;
    }
    Some(STACK + bottom)
}

fn put(page: &mut Page, place: u32, bytes: &[u8]) -> Option<()> {
    let place = page.get_mut(place as usize..)?.get_mut(..bytes.len())?;
    place.copy_from_slice(bytes);
    Some(())
}
