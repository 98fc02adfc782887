//! A run whose every step in the kernel is checked.
//!
//! The hard thing is that a check looks at the whole machine, which takes as long as
//! thousands of instructions. So it is made only after a position at which something
//! was done in the kernel or to a CPU: instructions alone change nothing that it sees.

use crate::pc::Pc;
use sim::checks::Verdict;

impl Pc<'_> {
    /// Checks all that must hold now, unless the last position was an instruction that
    /// stayed in ring 3. The error is what does not.
    pub fn check(&mut self) -> Verdict {
        match self.crossed {
            true => self.machine.check_between_transitions(),
            false => Ok(()),
        }
    }

    /// As [`Pc::advance`], with [`Pc::check`] after each turn. Stops where that fails.
    pub fn advance_checked(&mut self, most: u64) -> Verdict {
        let start = self.position();
        while !self.has_ended() && !self.is_asleep() {
            let left = most.saturating_sub(self.position() - start);
            if left == 0 {
                break;
            }
            self.turn(left);
            self.check()?;
        }
        Ok(())
    }
}
