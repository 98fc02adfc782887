//! Scheduling: the policies that a kernel can be booted with, and the two numbers by
//! which they tell environments apart.
//!
//! The hard thing is that programs do not choose the policy. They set both numbers
//! whatever it is; [`crate::Call::EnvSetScheduling`] answers which policy is in force,
//! so that a program can say what its numbers do.

/// How many priorities there are, from 0. The highest number goes first.
pub const PRIORITIES: u8 = 32;
/// The highest priority. Programs that are made at boot have it.
pub const MAX_PRIORITY: u8 = PRIORITIES - 1;
/// The priority of what a prompt starts.
pub const DEFAULT_PRIORITY: u8 = 16;

/// The most shares that an environment can have; the fewest are 1. Programs that are
/// made at boot have it.
pub const MAX_SHARES: u16 = 1000;
/// The shares of what a prompt starts.
pub const DEFAULT_SHARES: u16 = 100;

/// Who gets a CPU next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Policy {
    /// Whoever has waited longest; both numbers are ignored.
    #[default]
    RoundRobin = 0,
    /// The one with the highest priority; among equals, round robin.
    Priority = 1,
    /// The one that has had least for its shares.
    Stride = 2,
    /// The one that is drawn; each share is a ticket.
    Lottery = 3,
}

impl Policy {
    /// Every policy, by number.
    pub const ALL: [Policy; 4] = [
        Policy::RoundRobin,
        Policy::Priority,
        Policy::Stride,
        Policy::Lottery,
    ];

    /// The name by which the kernel's command line knows it.
    pub const fn name(self) -> &'static str {
        match self {
            Policy::RoundRobin => "round-robin",
            Policy::Priority => "priority",
            Policy::Stride => "stride",
            Policy::Lottery => "lottery",
        }
    }

    /// The policy with this name.
    pub fn from_name(name: &[u8]) -> Option<Policy> {
        Policy::ALL
            .into_iter()
            .find(|policy| policy.name().as_bytes() == name)
    }

    /// The policy with this number, which is its place in [`Policy::ALL`].
    pub fn from_number(number: u32) -> Option<Policy> {
        Policy::ALL.get(number as usize).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_lead_back() {
        for policy in Policy::ALL {
            assert_eq!(Policy::from_name(policy.name().as_bytes()), Some(policy));
            assert_eq!(Policy::from_number(policy as u32), Some(policy));
        }
        assert_eq!(Policy::from_name(b"Stride"), None);
        assert_eq!(Policy::from_number(4), None);
    }
}
