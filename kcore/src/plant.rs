//! Planted faults: known kernel bugs, one at a time, to show that tests bite.
//!
//! With the feature `plant` off, [`Plant::is`] is a constant `false` and every
//! fault vanishes from the kernel. With it on, a fault is chosen by name at run
//! time. The hard thing is discipline: a plant is one condition in the code it
//! breaks, so that what is tested is the real path with one thought missing.

macro_rules! faults {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// A kernel bug that can be planted.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub enum Fault {
            /// None: the kernel as it is meant to be.
            #[default]
            None,
            $($(#[$doc])* $variant,)*
        }

        impl Fault {
            /// Every fault.
            pub const ALL: &'static [Fault] = &[$(Fault::$variant,)*];

            /// Its name on the kernel's command line.
            pub const fn name(self) -> &'static str {
                match self {
                    Fault::None => "none",
                    $(Fault::$variant => $name,)*
                }
            }
        }
    };
}

faults! {
    /// Page tables change, but the CPU that uses them is not told.
    SkipRemoteFlush = "skip-remote-flush",
    /// An environment becomes runnable, but no idle CPU is woken.
    SkipWake = "skip-wake",
    /// A destroyed environment is not stopped on the CPU that runs it.
    SkipStop = "skip-stop",
    /// Frames are free at once instead of after the flush.
    SkipLimbo = "skip-limbo",
    /// Environments are never pre-empted.
    SkipPreempt = "skip-preempt",
    /// `cputs` trusts its pointer.
    TrustPointer = "trust-pointer",
    /// `cputs` checks only the first page of its range.
    CheckFirstPage = "check-first-page",
    /// `cputs` prints what follows the address given.
    CputsOffByOne = "cputs-off-by-one",
    /// Fresh frames keep what their last owner wrote.
    SkipZero = "skip-zero",
    /// The loader leaves out the zero-filled part of a segment.
    SkipBss = "skip-bss",
    /// A fatal fault is survived.
    SurviveFault = "survive-fault",
    /// A fatal fault prints a frame without its error code.
    DropErrorCode = "drop-error-code",
    /// A fork's child sees its own id as the result.
    ExoforkResult = "exofork-result",
    /// `yield` returns at once.
    YieldReturns = "yield-returns",
    /// All environments claim to be on CPU 0.
    CpuZero = "cpu-zero",
    /// `env_destroy` reports success and does nothing.
    DestroyNothing = "destroy-nothing",
    /// Bad memory ends its owner without a word.
    DropAssertion = "drop-assertion",
    /// A page-fault handler is told of address 0.
    ZeroFaultVa = "zero-fault-va",
    /// A page-fault handler's frame lacks a register.
    LoseRegister = "lose-register",
    /// A handler's own fault overwrites the frame that it is handling.
    NestAtTop = "nest-at-top",
    /// A page that is sent does not arrive.
    DropPage = "drop-page",
    /// A word that is sent arrives as the next one.
    WrongWord = "wrong-word",
    /// Who waited last to send to somebody is served first.
    NewestFirst = "newest-first",
    /// An id names whoever has its slot now.
    StaleId = "stale-id",
    /// Children that were never started outlive their parent.
    KeepOrphans = "keep-orphans",
    /// A dead environment's memory is never taken apart.
    LeakSpace = "leak-space",
    /// `getenvid` answers with the slot instead of the id.
    IdWithoutGeneration = "id-without-generation",
    /// Members of a job that is being ended can still make children.
    ForkWhileEnding = "fork-while-ending",
    /// Children are born outside of their parent's job.
    LeaveJob = "leave-job",
    /// A growing heap gets one page less than it was asked for.
    ShortHeap = "short-heap",
    /// The loader maps a program's own pages read-only.
    ReadOnlyText = "read-only-text",
    /// Time stands still.
    StopClock = "stop-clock",
    /// Who has the parent's id is the parent.
    ParentById = "parent-by-id",
    /// A call is refused for want of what the dead are about to give back.
    HastyRefusal = "hasty-refusal",
    /// A shrinking heap's pages can still be used.
    KeepHeap = "keep-heap",
}

/// Which fault is planted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plant {
    #[cfg(feature = "plant")]
    fault: Fault,
}

impl Plant {
    /// No fault.
    #[cfg(not(feature = "plant"))]
    pub const NONE: Plant = Plant {};
    /// No fault.
    #[cfg(feature = "plant")]
    pub const NONE: Plant = Plant { fault: Fault::None };

    /// The fault with this name. `None` if there is no such fault, or if
    /// faults are not compiled in.
    pub fn from_name(name: &str) -> Option<Plant> {
        #[cfg(feature = "plant")]
        return Fault::ALL
            .iter()
            .find(|fault| fault.name() == name)
            .map(|&fault| Plant { fault });
        #[cfg(not(feature = "plant"))]
        {
            let _ = name;
            None
        }
    }

    /// The given fault.
    #[cfg(feature = "plant")]
    pub const fn new(fault: Fault) -> Plant {
        Plant { fault }
    }

    /// The fault that is planted.
    pub const fn fault(self) -> Fault {
        #[cfg(feature = "plant")]
        return self.fault;
        #[cfg(not(feature = "plant"))]
        Fault::None
    }

    /// Whether this fault is planted; constant `false` without the feature.
    #[inline(always)]
    pub fn is(self, fault: Fault) -> bool {
        #[cfg(feature = "plant")]
        return self.fault == fault;
        #[cfg(not(feature = "plant"))]
        {
            let _ = fault;
            false
        }
    }
}
