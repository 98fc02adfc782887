//! System calls, and the numbers by which programs know them.
//!
//! The hard thing: the labs number their calls differently from 9 upward, and
//! a binary does not say which lab it was built for. So each environment
//! carries a [`Personality`], given by its creator.

use crate::error::Error;

/// A system call, independent of its number.
///
/// Arguments are `a1..a5` = `edx, ecx, ebx, edi, esi`; the result is in `eax`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Call {
    /// `cputs(ptr, len)`: print up to a NUL byte.
    Cputs,
    /// `cgetc()`: the next console byte, 0 if there is none.
    Cgetc,
    /// `getenvid()`.
    GetEnvId,
    /// `env_destroy(id)`.
    EnvDestroy,
    /// `page_alloc(id, va, perm)`.
    PageAlloc,
    /// `page_map(src, srcva, dst, dstva, perm)`.
    PageMap,
    /// `page_unmap(id, va)`.
    PageUnmap,
    /// `exofork()`.
    Exofork,
    /// `env_set_status(id, status)`.
    EnvSetStatus,
    /// `env_set_trapframe(id, frame)`.
    EnvSetTrapframe,
    /// `env_set_pgfault_upcall(id, entry)`.
    EnvSetPgfaultUpcall,
    /// `yield()`.
    Yield,
    /// `ipc_try_send(id, value, srcva, perm)`.
    IpcTrySend,
    /// `ipc_recv(dstva)`.
    IpcRecv,
    /// `time_msec()`.
    TimeMsec,
    /// Extension: `features()`: which extensions there are, as [`FEATURE_SYSENTER`]
    /// and other bits. JOS answers every extension number with `E_INVAL`, which is
    /// negative, so a program can ask any kernel without harm.
    Features,
    /// Extension: `ipc_send(id, value, srcva, perm)`: as `ipc_try_send`, but
    /// waits until the target receives.
    IpcSend,
    /// Extension: `sbrk(increment)`: moves the end of the caller's heap by so
    /// many bytes, and returns where it was.
    Sbrk,
    /// Extension: `env_set_personality(id, personality)`: sets which numbers and
    /// error values a child that has never run will use.
    EnvSetPersonality,
    /// Extension: `job_create(id)`: a child that has never run becomes the first
    /// member of a new job, which bears its id.
    JobCreate,
    /// Extension: `job_destroy(job)`: ends some members of a job that the caller
    /// made, and returns how many are left.
    JobDestroy,
    /// Extension: `getc()`: as `cgetc`, but waits until there is a byte.
    Getc,
    /// Extension: `job_size(job)`: how many members of a job that the caller made
    /// are alive.
    JobSize,
    /// Extension: `page_copy(src, srcva, dst, dstva | perm)`: as `page_map`, but maps a
    /// copy of the page. The last argument is address and permissions in one word.
    PageCopy,
    /// Extension: `page_ranges(list, count)`: shares, copies, maps or unmaps the pages
    /// of so many ranges, each described by a [`crate::PageRange`].
    PageRanges,
    /// Extension: `ipc_call(id, place, word, second, dstva)`: sends two words, and
    /// perhaps a page, and waits for the reply.
    IpcCall,
    /// Extension: `ipc_reply(id, place, word, second, dstva)`: replies to `id`, unless
    /// that is 0, and waits for the next message from anybody.
    IpcReply,
    /// Extension: `env_set_exception_upcall(id, entry, mask)`: names the function that
    /// the environment enters at the exceptions whose bits are set in `mask`. See
    /// [`crate::exception`].
    EnvSetExceptionUpcall,
    /// Extension: `time_usec()`: 0, and the microseconds since boot in ebx (low word)
    /// and edi (high word).
    TimeUsec,
    /// Extension: `env_set_deadline(low, high)`: from this time on, in microseconds since
    /// boot, the caller waits for nobody; 0 for no deadline.
    EnvSetDeadline,
    /// Extension: `sleep_until(low, high)`: waits until this time, in microseconds since
    /// boot.
    SleepUntil,
    /// Extension: `futex_wait(va, expected, owner)`: waits until somebody wakes the word at
    /// `va`, or `owner`, unless that is 0, is dead. Returns 1 at once if the word is not
    /// `expected`.
    FutexWait,
    /// Extension: `futex_wake(va, count, hand_over)`: ends the waits of at most `count`
    /// environments for the word at `va`, and returns of how many. Unless `hand_over` is 0,
    /// the last of these becomes the owner of those that go on waiting and have one.
    FutexWake,
    /// Extension: `env_set_scheduling(id, priority, shares)`: sets both numbers of
    /// [`crate::scheduling`], for the caller or a child, to no more than the caller's.
    /// Returns the number of the policy in force.
    EnvSetScheduling,
    /// Extension: `env_get_state(id, state)`: stops a child where it is, and writes its
    /// [`crate::EnvState`].
    EnvGetState,
    /// Extension: `env_set_state(id, state)`: gives a stopped child this
    /// [`crate::EnvState`].
    EnvSetState,
    /// Extension: `ipc_recv_from(id, dstva)`: as `ipc_recv`, but takes only what `id`
    /// sends. Others wait, as if the caller did not receive. Fails when `id` dies.
    IpcRecvFrom,
}

/// Hands every call to the macro `$then`: its variant, its name, and the method of the
/// kernel that handles it. The kernel builds its dispatch from this, so the compiler
/// names a call that has no handler.
#[macro_export]
macro_rules! for_each_call {
    ($then:ident) => {
        $then! {
            Cputs "cputs" sys_cputs,
            Cgetc "cgetc" sys_cgetc,
            GetEnvId "getenvid" sys_getenvid,
            EnvDestroy "env_destroy" sys_env_destroy,
            PageAlloc "page_alloc" sys_page_alloc,
            PageMap "page_map" sys_page_map,
            PageUnmap "page_unmap" sys_page_unmap,
            Exofork "exofork" sys_exofork,
            EnvSetStatus "env_set_status" sys_env_set_status,
            EnvSetTrapframe "env_set_trapframe" sys_env_set_trapframe,
            EnvSetPgfaultUpcall "env_set_pgfault_upcall" sys_env_set_pgfault_upcall,
            Yield "yield" sys_yield,
            IpcTrySend "ipc_try_send" sys_ipc_try_send,
            IpcRecv "ipc_recv" sys_ipc_recv,
            TimeMsec "time_msec" sys_time_msec,
            Features "features" sys_features,
            IpcSend "ipc_send" sys_ipc_send,
            Sbrk "sbrk" sys_sbrk,
            EnvSetPersonality "env_set_personality" sys_env_set_personality,
            JobCreate "job_create" sys_job_create,
            JobDestroy "job_destroy" sys_job_destroy,
            Getc "getc" sys_getc,
            JobSize "job_size" sys_job_size,
            PageCopy "page_copy" sys_page_copy,
            PageRanges "page_ranges" sys_page_ranges,
            IpcCall "ipc_call" sys_ipc_call,
            IpcReply "ipc_reply" sys_ipc_reply,
            EnvSetExceptionUpcall "env_set_exception_upcall" sys_env_set_exception_upcall,
            TimeUsec "time_usec" sys_time_usec,
            EnvSetDeadline "env_set_deadline" sys_env_set_deadline,
            SleepUntil "sleep_until" sys_sleep_until,
            FutexWait "futex_wait" sys_futex_wait,
            FutexWake "futex_wake" sys_futex_wake,
            EnvSetScheduling "env_set_scheduling" sys_env_set_scheduling,
            EnvGetState "env_get_state" sys_env_get_state,
            EnvSetState "env_set_state" sys_env_set_state,
            IpcRecvFrom "ipc_recv_from" sys_ipc_recv_from,
        }
    };
}

macro_rules! names {
    ($($call:ident $name:literal $handler:ident,)*) => {
        impl Call {
            /// Every call.
            pub const ALL: &'static [Call] = &[$(Call::$call),*];

            /// The name that the documentation and traces use.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Call::$call => $name,)*
                }
            }
        }
    };
}

for_each_call!(names);

/// Number of the first extension call; the same in every personality.
pub const FIRST_EXTENSION: u32 = 64;
/// The extension calls, by number from [`FIRST_EXTENSION`].
pub const EXTENSIONS: [Call; 22] = [
    Call::Features,
    Call::IpcSend,
    Call::Sbrk,
    Call::EnvSetPersonality,
    Call::JobCreate,
    Call::JobDestroy,
    Call::Getc,
    Call::JobSize,
    Call::PageCopy,
    Call::PageRanges,
    Call::IpcCall,
    Call::IpcReply,
    Call::EnvSetExceptionUpcall,
    Call::TimeUsec,
    Call::EnvSetDeadline,
    Call::SleepUntil,
    Call::FutexWait,
    Call::FutexWake,
    Call::EnvSetScheduling,
    Call::EnvGetState,
    Call::EnvSetState,
    Call::IpcRecvFrom,
];

/// The number of a call that has the same one in every personality.
#[inline(always)]
pub const fn common_number(call: Call) -> Option<u32> {
    if let Some(index) = index_in(&EXTENSIONS, call) {
        return Some(FIRST_EXTENSION + index);
    }
    match (index_in(&LAB4, call), index_in(&LAB6, call)) {
        (Some(index), Some(later)) if index == later => Some(index),
        _ => None,
    }
}

/// Where `call` stands in a list.
#[inline(always)]
const fn index_in(calls: &[Call], call: Call) -> Option<u32> {
    let mut index = 0;
    while index < calls.len() {
        if calls[index] as u8 == call as u8 {
            return Some(index as u32);
        }
        index += 1;
    }
    None
}

/// Bit of the answer of [`Call::Features`]: `sysenter` may be used.
pub const FEATURE_SYSENTER: u32 = 1;
/// Bit of the answer of [`Call::Features`]: there is [`Call::IpcSend`].
pub const FEATURE_IPC_SEND: u32 = 2;
/// Bit of the answer of [`Call::Features`]: there is [`Call::Sbrk`].
pub const FEATURE_SBRK: u32 = 4;
/// Bit of the answer of [`Call::Features`]: there is
/// [`Call::EnvSetPersonality`].
pub const FEATURE_PERSONALITY: u32 = 8;
/// Bit of the answer of [`Call::Features`]: there are [`Call::JobCreate`],
/// [`Call::JobSize`] and [`Call::JobDestroy`].
pub const FEATURE_JOBS: u32 = 16;
/// Bit of the answer of [`Call::Features`]: there is [`Call::Getc`].
pub const FEATURE_GETC: u32 = 32;
/// Bit of the answer of [`Call::Features`]: there are [`Call::PageCopy`] and
/// [`Call::PageRanges`].
pub const FEATURE_PAGES: u32 = 64;
/// Bit of the answer of [`Call::Features`]: there is
/// [`Call::EnvSetExceptionUpcall`].
pub const FEATURE_EXCEPTIONS: u32 = 128;
/// Bit of the answer of [`Call::Features`]: there are [`Call::IpcCall`] and
/// [`Call::IpcReply`].
pub const FEATURE_CALL: u32 = 256;
/// Bit of the answer of [`Call::Features`]: there are [`Call::TimeUsec`],
/// [`Call::EnvSetDeadline`] and [`Call::SleepUntil`].
pub const FEATURE_TIME: u32 = 512;
/// Bit of the answer of [`Call::Features`]: there are [`Call::FutexWait`] and
/// [`Call::FutexWake`].
pub const FEATURE_FUTEX: u32 = 1024;
/// Bit of the answer of [`Call::Features`]: there is [`Call::EnvSetScheduling`].
pub const FEATURE_SCHEDULING: u32 = 2048;
/// Bit of the answer of [`Call::Features`]: there are [`Call::EnvGetState`] and
/// [`Call::EnvSetState`].
pub const FEATURE_STATE: u32 = 4096;
/// Bit of the answer of [`Call::Features`]: there is [`Call::IpcRecvFrom`].
pub const FEATURE_RECV_FROM: u32 = 8192;
/// Every bit of the answer of [`Call::Features`] that has a meaning.
pub const FEATURES: u32 = 16383;

/// Bit of the argument `place` of [`Call::IpcCall`] and [`Call::IpcReply`]: a page that
/// comes is wanted, at the fifth argument. The other bits are the address of the page
/// that is sent and its permissions; no permissions mean no page.
pub const WANTS_PAGE: u32 = 8;

/// Which edition's numbers and error values an environment was built for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Personality {
    /// Lab 4 (2016 to 2018); lab 3 is a subset.
    #[default]
    Lab4 = 0,
    /// Lab 4 of 2014: as lab 4, but `E_IPC_NOT_RECV` is 8.
    Lab4Of2014 = 1,
    /// Lab 5: `env_set_trapframe` is inserted at 9.
    Lab5 = 2,
    /// Lab 6: as lab 5, and `time_msec` is 14.
    Lab6 = 3,
    /// Lab 5 of 2014, as some have it: `E_IPC_NOT_RECV` is still 8.
    Lab5Of2014 = 4,
    /// Lab 6 of 2014, as some have it: `E_IPC_NOT_RECV` is still 8.
    Lab6Of2014 = 5,
}

const LAB4: [Call; 13] = [
    Call::Cputs,
    Call::Cgetc,
    Call::GetEnvId,
    Call::EnvDestroy,
    Call::PageAlloc,
    Call::PageMap,
    Call::PageUnmap,
    Call::Exofork,
    Call::EnvSetStatus,
    Call::EnvSetPgfaultUpcall,
    Call::Yield,
    Call::IpcTrySend,
    Call::IpcRecv,
];

const LAB6: [Call; 15] = [
    Call::Cputs,
    Call::Cgetc,
    Call::GetEnvId,
    Call::EnvDestroy,
    Call::PageAlloc,
    Call::PageMap,
    Call::PageUnmap,
    Call::Exofork,
    Call::EnvSetStatus,
    Call::EnvSetTrapframe,
    Call::EnvSetPgfaultUpcall,
    Call::Yield,
    Call::IpcTrySend,
    Call::IpcRecv,
    Call::TimeMsec,
];

/// Lab 5 has no time yet.
const LAB5: &[Call] = LAB6.split_at(14).0;

/// Numbers in a row of [`TABLE`]: every call's, and some more, so that a row is found
/// by a shift.
const NUMBERS: usize = (FIRST_EXTENSION as usize + EXTENSIONS.len()).next_power_of_two();

/// The calls of every personality, by number. The kernel looks numbers up here.
static TABLE: [[Option<Call>; NUMBERS]; Personality::ALL.len()] = {
    let mut table = [[None; NUMBERS]; Personality::ALL.len()];
    let mut row = 0;
    while row < table.len() {
        table[row] = numbered(table[row], Personality::ALL[row].calls(), 0);
        table[row] = numbered(table[row], &EXTENSIONS, FIRST_EXTENSION as usize);
        row += 1;
    }
    table
};

/// Puts `calls` into `row`, at the numbers from `first` on.
const fn numbered(
    mut row: [Option<Call>; NUMBERS],
    calls: &[Call],
    first: usize,
) -> [Option<Call>; NUMBERS] {
    let mut index = 0;
    while index < calls.len() {
        row[first + index] = Some(calls[index]);
        index += 1;
    }
    row
}

impl Personality {
    /// Every personality.
    pub const ALL: [Personality; 6] = [
        Personality::Lab4,
        Personality::Lab4Of2014,
        Personality::Lab5,
        Personality::Lab6,
        Personality::Lab5Of2014,
        Personality::Lab6Of2014,
    ];

    /// The calls of this personality, by number from 0.
    pub const fn calls(self) -> &'static [Call] {
        match self {
            Personality::Lab4 | Personality::Lab4Of2014 => &LAB4,
            Personality::Lab5 | Personality::Lab5Of2014 => LAB5,
            Personality::Lab6 | Personality::Lab6Of2014 => &LAB6,
        }
    }

    /// The call that `number` means, if any.
    pub fn call(self, number: u32) -> Option<Call> {
        *TABLE[self as usize].get(number as usize)?
    }

    /// Whether `number` means `call`. If the compiler knows which call that is, this takes one
    /// comparison for one with a number for all, and two for one that lab 5 only moved.
    #[inline(always)]
    pub fn means(self, number: u32, call: Call) -> bool {
        if let Some(known) = common_number(call) {
            return number == known;
        }
        match (index_in(&LAB4, call), index_in(LAB5, call)) {
            (Some(early), Some(later)) => number == if self.is_lab4() { early } else { later },
            _ => self.call(number) == Some(call),
        }
    }

    #[inline(always)]
    const fn is_lab4(self) -> bool {
        matches!(self, Personality::Lab4 | Personality::Lab4Of2014)
    }

    /// The number of `call`, if this personality has it.
    pub const fn number(self, call: Call) -> Option<u32> {
        match (index_in(self.calls(), call), index_in(&EXTENSIONS, call)) {
            (Some(index), _) => Some(index),
            (None, Some(index)) => Some(FIRST_EXTENSION + index),
            (None, None) => None,
        }
    }

    /// The positive value by which this personality knows `error`.
    pub const fn error_value(self, error: Error) -> u32 {
        match (self.is_of_2014(), error) {
            (true, Error::IpcNotRecv) => 8,
            _ => error as u32,
        }
    }

    /// Whether this is an edition with the error values of 2014.
    pub const fn is_of_2014(self) -> bool {
        use Personality::{Lab4Of2014, Lab5Of2014, Lab6Of2014};
        matches!(self, Lab4Of2014 | Lab5Of2014 | Lab6Of2014)
    }

    /// The personality with this number, which is its place in
    /// [`Personality::ALL`].
    pub fn from_number(number: u32) -> Option<Personality> {
        Personality::ALL.get(number as usize).copied()
    }

    /// The personality with this name: a lab, as in `lab4`, and perhaps `-2014`.
    pub fn from_name(name: &str) -> Option<Personality> {
        Personality::ALL.into_iter().find(|p| p.name() == name)
    }

    /// The name by which the command line knows this personality.
    pub const fn name(self) -> &'static str {
        match self {
            Personality::Lab4 => "lab4",
            Personality::Lab4Of2014 => "lab4-2014",
            Personality::Lab5 => "lab5",
            Personality::Lab6 => "lab6",
            Personality::Lab5Of2014 => "lab5-2014",
            Personality::Lab6Of2014 => "lab6-2014",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_the_labs() {
        use Call::*;
        assert_eq!(Personality::Lab4.number(Yield), Some(10));
        assert_eq!(Personality::Lab4.number(IpcRecv), Some(12));
        assert_eq!(Personality::Lab4.number(EnvSetTrapframe), None);
        assert_eq!(Personality::Lab5.number(EnvSetTrapframe), Some(9));
        assert_eq!(Personality::Lab5.number(Yield), Some(11));
        assert_eq!(Personality::Lab5.number(IpcRecv), Some(13));
        assert_eq!(Personality::Lab5.number(TimeMsec), None);
        assert_eq!(Personality::Lab6.number(TimeMsec), Some(14));
    }

    #[test]
    fn every_call_has_a_number() {
        for &call in Call::ALL {
            assert!(Personality::Lab6.number(call).is_some(), "{call:?}");
        }
    }

    #[test]
    fn a_number_means_its_call_and_no_other() {
        let numbers = || (0..300).chain([u32::MAX - 1, u32::MAX]);
        for (personality, number) in Personality::ALL
            .into_iter()
            .flat_map(|personality| numbers().map(move |number| (personality, number)))
        {
            for &call in Call::ALL {
                let means = personality.means(number, call);
                let expected = personality.call(number) == Some(call);
                assert_eq!(means, expected, "{personality:?} {number} {call:?}");
            }
        }
    }

    #[test]
    fn call_and_number_are_inverse() {
        for personality in Personality::ALL {
            for number in 0..100 {
                if let Some(call) = personality.call(number) {
                    assert_eq!(personality.number(call), Some(number));
                }
            }
            assert_eq!(
                Personality::from_number(personality as u32),
                Some(personality)
            );
            assert_eq!(
                Personality::from_name(personality.name()),
                Some(personality)
            );
        }
    }

    #[test]
    fn only_2014_differs_in_an_error() {
        assert_eq!(Personality::Lab4Of2014.error_value(Error::IpcNotRecv), 8);
        assert_eq!(Personality::Lab4.error_value(Error::IpcNotRecv), 7);
        for personality in Personality::ALL {
            let old = personality.name().ends_with("-2014");
            let value = personality.error_value(Error::IpcNotRecv);
            assert_eq!(value, if old { 8 } else { 7 }, "{}", personality.name());
            assert_eq!(personality.error_value(Error::Inval), 3);
        }
    }
}
